//! TLS names: versions, cipher suites, groups, alerts, and the three codes
//! that a cipher suite has in an SMF record.

use super::tls_groups::GROUPS;
use super::tls_suites::SUITES;
use super::{code_for, wire};

/// Whether a 16-bit code point is one of the GREASE values (RFC 8701).
pub fn is_grease(code: u16) -> bool {
    let [high, low] = code.to_be_bytes();
    high == low && high & 0x0F == 0x0A
}

/// The IANA name of a cipher suite.
pub fn suite_name(suite: u16) -> Option<&'static str> {
    find(SUITES, suite)
}

/// The IANA name of a named group.
pub fn group_name(group: u16) -> Option<&'static str> {
    find(GROUPS, group)
}

/// The name of an SSL or TLS version as its specification writes it.
pub fn version_name(version: u16) -> Option<&'static str> {
    Some(match version {
        0x0002 => "SSLv2",
        // GB/T 38636-2020 calls it version 1.1.
        0x0101 => "TLCP",
        0x0300 => "SSLv3",
        0x0301 => "TLSv1.0",
        0x0302 => "TLSv1.1",
        0x0303 => "TLSv1.2",
        0x0304 => "TLSv1.3",
        v if is_draft13(v) => "TLSv1.3 draft",
        _ => return None,
    })
}

/// Whether a version is one of the code points under which TLS 1.3 was tried
/// before RFC 8446: the IETF drafts (7Fxx), Google's and Facebook's (7Exx, FBxx).
pub fn is_draft13(version: u16) -> bool {
    matches!(version >> 8, 0x7E | 0x7F | 0xFB)
}

/// The name of an SSL 2.0 cipher kind (three bytes on the wire).
pub fn sslv2_cipher_name(kind: u32) -> Option<&'static str> {
    Some(match kind {
        0x010080 => "SSL_CK_RC4_128_WITH_MD5",
        0x020080 => "SSL_CK_RC4_128_EXPORT40_WITH_MD5",
        0x030080 => "SSL_CK_RC2_128_CBC_WITH_MD5",
        0x040080 => "SSL_CK_RC2_128_CBC_EXPORT40_WITH_MD5",
        0x050080 => "SSL_CK_IDEA_128_CBC_WITH_MD5",
        0x060040 => "SSL_CK_DES_64_CBC_WITH_MD5",
        0x0700C0 => "SSL_CK_DES_192_EDE3_CBC_WITH_MD5",
        0x080080 => "SSL_CK_RC4_64_WITH_MD5",
        _ => return None,
    })
}

/// The name of an alert (RFC 8446 section 6 and its predecessors).
pub fn alert_name(description: u8) -> Option<&'static str> {
    Some(match description {
        0 => "close_notify",
        1 => "end_of_early_data",
        10 => "unexpected_message",
        20 => "bad_record_mac",
        21 => "decryption_failed",
        22 => "record_overflow",
        30 => "decompression_failure",
        40 => "handshake_failure",
        41 => "no_certificate",
        42 => "bad_certificate",
        43 => "unsupported_certificate",
        44 => "certificate_revoked",
        45 => "certificate_expired",
        46 => "certificate_unknown",
        47 => "illegal_parameter",
        48 => "unknown_ca",
        49 => "access_denied",
        50 => "decode_error",
        51 => "decrypt_error",
        52 => "too_many_cids_requested",
        60 => "export_restriction",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        86 => "inappropriate_fallback",
        90 => "user_canceled",
        100 => "no_renegotiation",
        109 => "missing_extension",
        110 => "unsupported_extension",
        111 => "certificate_unobtainable",
        112 => "unrecognized_name",
        113 => "bad_certificate_status_response",
        114 => "bad_certificate_hash_value",
        115 => "unknown_psk_identity",
        116 => "certificate_required",
        117 => "general_error",
        120 => "no_application_protocol",
        121 => "ech_required",
        _ => return None,
    })
}

/// What an SMF record says of a cipher suite.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SuiteCodes {
    /// `enc_alg`
    pub enc: u16,
    /// `msg_auth`
    pub mac: u16,
    /// `tls_kex`
    pub kex: u16,
}

/// Authentication tags are part of these ciphers, so the suite has no MAC of
/// its own and the hash at the end of its name is the PRF's.
fn is_aead(enc: &str) -> bool {
    enc.contains("_GCM") || enc.contains("_CCM") || enc.starts_with("CHACHA20_POLY1305")
}

/// The codes of a suite, from the parts of its IANA name.
///
/// A part without a code is X'0000' (Unknown). TLS 1.3 suites name no key
/// exchange, and none is written for them.
pub fn suite_codes(suite: u16) -> SuiteCodes {
    let Some(name) = suite_name(suite) else {
        return SuiteCodes::default();
    };
    let name = name.strip_prefix("TLS_").or_else(|| name.strip_prefix("SSL_")).unwrap_or(name);
    let (kex, rest) = match name.split_once("_WITH_") {
        Some((kex, rest)) => (Some(kex), rest),
        // Only the TLS 1.3 block 13xx follows the TLS_<enc>_<hash> form.
        None if suite >> 8 == 0x13 => (None, name),
        None => return SuiteCodes::default(),
    };
    // CCM suites of TLS 1.2 end with the cipher; their names carry no hash.
    let (enc, mac) = if rest.ends_with("_CCM") || rest.ends_with("_CCM_8") {
        (rest, "")
    } else {
        rest.rsplit_once('_').unwrap_or((rest, rest))
    };
    SuiteCodes {
        enc: code_for(wire::TLS_ENC, enc).unwrap_or(0),
        mac: if is_aead(enc) {
            NO_MAC
        } else if kex.is_none() {
            0
        } else {
            code_for(wire::TLS_MAC, mac).unwrap_or(0)
        },
        kex: kex.and_then(|kex| code_for(wire::TLS_KEX, kex)).unwrap_or(0),
    }
}

/// `msg_auth` X'0001': no message authentication, or AEAD cipher.
const NO_MAC: u16 = 0x0001;

/// The codes of an SSL 2.0 cipher kind. All of them authenticate by MD5 and
/// exchange keys by RSA.
///
/// SSL 2.0 hashes a secret before the data and is not HMAC, but IBM's list has
/// one code for MD5, and its names for these ciphers end "with MD5".
pub fn sslv2_codes(kind: u32) -> SuiteCodes {
    let enc = match kind {
        0x010080 => 0x0009,
        0x020080 => 0x0008,
        0x030080 => 0x0006,
        0x040080 => 0x0005,
        0x050080 => 0x002A,
        0x060040 => 0x0002,
        0x0700C0 => 0x0004,
        _ => return SuiteCodes::default(),
    };
    SuiteCodes { enc, mac: 0x0003, kex: 0x0002 }
}

fn find(table: &[(u16, &'static str)], code: u16) -> Option<&'static str> {
    let at = table.binary_search_by_key(&code, |&(c, _)| c).ok()?;
    table.get(at).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(suite: u16) -> (u16, u16, u16) {
        let c = suite_codes(suite);
        (c.enc, c.mac, c.kex)
    }

    #[test]
    fn suites_split_into_cipher_mac_and_key_exchange() {
        assert_eq!(codes(0xC02F), (0x0012, 0x0001, 0x0014)); // ECDHE_RSA AES_128_GCM
        assert_eq!(codes(0x002F), (0x000C, 0x0004, 0x0002)); // RSA AES_128_CBC SHA
        assert_eq!(codes(0xC0A0), (0x0016, 0x0001, 0x0002)); // RSA AES_128_CCM_8
        assert_eq!(codes(0xCCA8), (0x0029, 0x0001, 0x0014)); // ECDHE_RSA CHACHA20
        assert_eq!(codes(0x0000), (0x0001, 0x0001, 0x0001)); // NULL_WITH_NULL_NULL
        assert_eq!(codes(0x0003), (0x0008, 0x0003, 0x0003)); // RSA_EXPORT RC4_40 MD5
        assert_eq!(codes(0x1301), (0x0012, 0x0001, 0x0000)); // TLS 1.3
        assert_eq!(codes(0x1305), (0x0016, 0x0001, 0x0000)); // TLS 1.3 CCM_8 with a hash
    }

    #[test]
    fn what_has_no_code_is_unknown() {
        assert_eq!(codes(0x0A0A), (0, 0, 0)); // GREASE
        assert_eq!(codes(0x1306), (0, 0, 0)); // AEGIS
        assert_eq!(codes(0xC09E), (0x0014, 0x0001, 0x000B)); // DHE_RSA AES_128_CCM
        assert_eq!(codes(0xC102).2, 0); // GOST key exchange
    }

    #[test]
    fn tables_are_sorted_and_without_duplicates() {
        assert!(SUITES.windows(2).all(|w| w[0].0 < w[1].0));
        assert!(GROUPS.windows(2).all(|w| w[0].0 < w[1].0));
    }

    /// The parser crate carries the same registry; where both know a code
    /// point they must agree, and it may know none that we lack.
    #[test]
    fn suite_names_agree_with_the_parser_crate() {
        for code in 0..=u16::MAX {
            let theirs = tls_parser::TlsCipherSuite::from_id(code).map(|s| s.name);
            if let Some(theirs) = theirs {
                assert_eq!(suite_name(code), Some(theirs), "{code:04X}");
            }
        }
    }

    #[test]
    fn grease_needs_equal_bytes() {
        assert!(is_grease(0x1A1A));
        assert!(!is_grease(0x1A2A));
    }
}
