//! SSH names and the codes that they have in an SMF record.

use super::{code_for, wire};

/// `msg_auth` X'0001': no message authentication, or AEAD cipher.
const NO_MAC: u16 = 0x0001;
/// The end of the names of MACs that are computed over the ciphertext.
const ETM: &str = "-etm@openssh.com";

/// The name of a cipher number of version 1, in the style of version 2.
pub fn v1_cipher(number: u8) -> Option<&'static str> {
    Some(match number {
        0 => "none",
        1 => "idea-cbc",
        2 => "des-cbc",
        3 => "3des-cbc",
        4 => "tss",
        5 => "arcfour",
        6 => "blowfish-cbc",
        _ => return None,
    })
}

/// `enc_alg` of a cipher name; X'0000' if it has none.
pub fn cipher_code(name: &str) -> u16 {
    code_for(wire::SSH_CIPHER, name).unwrap_or(0)
}

/// `msg_auth` of a direction: of the MAC, or that of a cipher which
/// authenticates by itself and so has none.
pub fn mac_code(cipher: Option<&str>, mac: Option<&str>) -> u16 {
    match (cipher, mac) {
        (_, Some(mac)) => code_for(wire::SSH_MAC, mac_base(mac)).unwrap_or(0),
        (Some(_), None) => NO_MAC,
        (None, None) => 0,
    }
}

/// The name of a MAC without what is computed first and without its domain.
pub fn mac_base(mac: &str) -> &str {
    let name = mac.strip_suffix(ETM).unwrap_or(mac);
    name.split('@').next().unwrap_or(name)
}

/// Whether a MAC is computed over the ciphertext.
pub fn is_encrypt_then_mac(mac: &str) -> bool {
    mac.ends_with(ETM)
}

/// `ssh_kex` of a key exchange method; X'0000' if it has none.
pub fn kex_code(name: &str) -> u16 {
    code_for(wire::SSH_KEX, name).unwrap_or(0)
}

/// `ssh_key_type` of a host key's type string; X'0000' if it has none.
pub fn key_code(kind: &str) -> u16 {
    /// RSA1 (SSH version 1).
    const RSA1: u16 = 0x0006;
    if kind == "rsa1" { RSA1 } else { code_for(wire::SSH_HOST_KEY, kind).unwrap_or(0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn macs_lose_their_ending_and_their_domain() {
        assert_eq!(mac_code(Some("aes128-ctr"), Some("hmac-sha2-256-etm@openssh.com")), 0x0006);
        assert_eq!(mac_code(Some("aes128-ctr"), Some("umac-64@openssh.com")), 0x0011);
        assert_eq!(mac_code(Some("aes128-gcm@openssh.com"), None), 0x0001);
        assert_eq!(mac_code(None, None), 0);
        assert_eq!(mac_code(Some("aes128-ctr"), Some("hmac-of-tomorrow")), 0);
    }

    #[test]
    fn what_has_no_code_is_unknown() {
        assert_eq!(kex_code("curve25519-sha256"), 0);
        assert_eq!(key_code("ssh-ed25519"), 0);
        assert_eq!(key_code("rsa1"), 6);
        assert_eq!(cipher_code("des-cbc"), 0);
    }
}
