//! From what IKE agrees on to the codes of the IPSec section. X'0000' is
//! Unknown. Sources: the registries of IANA for the numbers, the tables of
//! `smf` for the codes.

/// `enc_alg` of an IKEv2 encryption transform with its key length in bits.
pub fn v2_encryption_code(id: u16, key_bits: Option<u16>) -> u16 {
    let by_length = |of_128, of_192, of_256| match key_bits {
        Some(128) => of_128,
        Some(192) => of_192,
        Some(256) => of_256,
        _ => 0,
    };
    match id {
        1 | 2 | 9 => 0x0002,
        3 => 0x0004,
        5 => 0x002A,
        6 => 0x001B,
        7 => 0x001A,
        11 | 21 => 0x0001,
        12 => by_length(0x000C, 0x000D, 0x000E),
        13 => by_length(0x000F, 0x0010, 0x0011),
        14 | 29 => by_length(0x0016, 0, 0x0017),
        16 => by_length(0x0014, 0, 0x0015),
        18..=20 | 30 => by_length(0x0012, 0, 0x0013),
        23 => by_length(0x0025, 0, 0x0026),
        28 | 31 => 0x0029,
        _ => 0,
    }
}

/// `enc_alg` of an IKEv1 encryption algorithm (attribute 1).
pub fn v1_encryption_code(id: u16, key_bits: Option<u16>) -> u16 {
    match id {
        1 => v2_encryption_code(2, None),
        2 => v2_encryption_code(5, None),
        3 => v2_encryption_code(7, None),
        5 => v2_encryption_code(3, None),
        6 => v2_encryption_code(6, None),
        7 => v2_encryption_code(12, key_bits),
        8 => v2_encryption_code(23, key_bits),
        _ => 0,
    }
}

/// `msg_auth` of an IKEv2 integrity transform; `None` where none was chosen.
/// `encryption` tells whether there has to be one.
pub fn v2_integrity_code(id: Option<u16>, encryption: Option<u16>) -> u16 {
    match id {
        Some(0) => 0x0001,
        Some(1) => 0x000F,
        Some(2) => 0x0010,
        Some(5) => 0x000B,
        Some(6) => 0x0003,
        Some(7) => 0x0004,
        Some(9) => 0x0009,
        Some(11) => 0x000A,
        Some(12) => 0x000C,
        Some(13) => 0x000D,
        Some(14) => 0x000E,
        // A combined-mode cipher authenticates by itself.
        None if matches!(encryption, Some(14..=16 | 18..=20 | 25..=31)) => 0x0001,
        _ => 0,
    }
}

/// `msg_auth` of an IKEv1 hash algorithm (attribute 2).
pub fn v1_hash_code(id: u16) -> u16 {
    match id {
        1 => 0x0003,
        2 => 0x0004,
        4 => 0x0006,
        5 => 0x0007,
        6 => 0x0008,
        _ => 0,
    }
}

/// `ike_prf` of an IKEv2 pseudo-random function.
pub fn v2_prf_code(id: u16) -> u16 {
    match id {
        1 => 0x0006,
        2 => 0x0007,
        4 => 0x0005,
        5 => 0x0002,
        6 => 0x0003,
        7 => 0x0004,
        _ => 0,
    }
}

/// `ike_prf` of an IKEv1 hash algorithm: the function is its HMAC (RFC 2409
/// section 4).
pub fn v1_prf_code(hash: u16) -> u16 {
    match hash {
        1 => 0x0006,
        2 => 0x0007,
        4 => 0x0002,
        5 => 0x0003,
        6 => 0x0004,
        _ => 0,
    }
}

/// `dh_group` of a group or key exchange method.
pub fn group_code(id: u16) -> u16 {
    match id {
        1 | 2 | 5 | 14 | 19 | 20 | 21 | 24 => id,
        _ => 0,
    }
}

/// `ike_auth` of an IKEv1 authentication method (attribute 3): initiator and
/// responder, who differ in hybrid authentication.
pub fn v1_authentication_codes(id: u16) -> (u16, u16) {
    const RSA: u16 = 0x0002;
    const PRE_SHARED: u16 = 0x0003;
    match id {
        1 | 65001 | 65002 => (PRE_SHARED, PRE_SHARED),
        3 | 65005 | 65006 => (RSA, RSA),
        9 => (0x0004, 0x0004),
        10 => (0x0005, 0x0005),
        11 => (0x0006, 0x0006),
        // Hybrid: the gateway has a certificate, the user something else.
        64221 => (0, RSA),
        64222 => (RSA, 0),
        _ => (0, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::smf;

    #[test]
    fn every_code_is_in_its_table() {
        let there = |table: &crate::names::CodeTable, code: u16| {
            let digits = format!("{code:04X}");
            assert!(
                code == 0 || table.codes.iter().any(|c| c.code == digits),
                "{digits} is not in {}",
                table.id
            );
        };
        for id in 0..u16::MAX {
            for bits in [None, Some(128), Some(192), Some(256)] {
                there(&smf::ENC_ALG, v2_encryption_code(id, bits));
                there(&smf::ENC_ALG, v1_encryption_code(id, bits));
            }
            there(&smf::MSG_AUTH, v2_integrity_code(Some(id), None));
            there(&smf::MSG_AUTH, v1_hash_code(id));
            there(&smf::IKE_PRF, v2_prf_code(id));
            there(&smf::IKE_PRF, v1_prf_code(id));
            there(&smf::DH_GROUP, group_code(id));
            let (initiator, responder) = v1_authentication_codes(id);
            there(&smf::IKE_AUTH, initiator);
            there(&smf::IKE_AUTH, responder);
        }
    }

    #[test]
    fn a_cipher_without_its_key_length_is_unknown() {
        assert_eq!(v2_encryption_code(12, None), 0);
        assert_eq!(v1_encryption_code(7, None), 0);
        assert_eq!(v2_encryption_code(20, Some(192)), 0);
    }

    #[test]
    fn a_combined_mode_cipher_needs_no_integrity_algorithm() {
        assert_eq!(v2_integrity_code(None, Some(20)), 0x0001);
        assert_eq!(v2_integrity_code(None, Some(12)), 0);
    }
}
