//! From two KEXINITs to what was agreed (RFC 4253 section 7.1), host keys, and
//! fingerprints.

use std::collections::HashSet;

use data_encoding::{BASE64_NOPAD, HEXLOWER};
use md5::{Digest, Md5};
use sha2::Sha256;

use super::facts::{Facts, HostKey};
use super::wire::{KexInit, string};
use crate::observe::certificate::{Certificates, significant_bits};

/// Names in the list of key exchange methods that are none: extensions
/// announced there (RFC 8308, strict key exchange).
fn is_method(name: &str) -> bool {
    !name.starts_with("ext-info-") && !name.starts_with("kex-strict-")
}

/// The first name of the client's that the server also has.
fn choose(client: &str, server: &str) -> Option<String> {
    // A set, because lists may be as long as their sender likes.
    let server: HashSet<&str> = server.split(',').collect();
    client
        .split(',')
        .filter(|name| !name.is_empty() && is_method(name))
        .find(|name| server.contains(name))
        .map(str::to_owned)
}

/// Ciphers that authenticate by themselves: a MAC that was agreed is not used.
fn is_aead(cipher: &str) -> bool {
    cipher.contains("-gcm")
        || cipher.starts_with("AEAD_")
        || cipher.starts_with("chacha20-poly1305")
}

/// Writes into the facts what two KEXINITs agree on.
pub(super) fn agree(facts: &mut Facts, client: &KexInit, server: &KexInit) {
    facts.kex = choose(&client.kex, &server.kex);
    facts.cipher_c2s = choose(&client.cipher_c2s, &server.cipher_c2s);
    facts.cipher_s2c = choose(&client.cipher_s2c, &server.cipher_s2c);
    let mac = |cipher: &Option<String>, c: &str, s: &str| {
        if cipher.as_deref().is_some_and(is_aead) { None } else { choose(c, s) }
    };
    facts.mac_c2s = mac(&facts.cipher_c2s, &client.mac_c2s, &server.mac_c2s);
    facts.mac_s2c = mac(&facts.cipher_s2c, &client.mac_s2c, &server.mac_s2c);
    facts.compression_c2s = choose(&client.compression_c2s, &server.compression_c2s);
    facts.compression_s2c = choose(&client.compression_s2c, &server.compression_s2c);
}

/// HASSH of a client's KEXINIT: MD5 over its lists toward the server.
pub(super) fn hassh(k: &KexInit) -> String {
    md5_of(&[&k.kex, &k.cipher_c2s, &k.mac_c2s, &k.compression_c2s])
}

/// HASSH of a server's KEXINIT: the lists toward the client.
pub(super) fn hassh_server(k: &KexInit) -> String {
    md5_of(&[&k.kex, &k.cipher_s2c, &k.mac_s2c, &k.compression_s2c])
}

fn md5_of(lists: &[&str]) -> String {
    HEXLOWER.encode(&Md5::digest(lists.join(";")))
}

/// Reads a host key blob: type, length, fingerprint.
pub(super) fn host_key(blob: &[u8], certificates: &mut Certificates) -> Option<HostKey> {
    let (name, rest) = string(blob)?;
    let kind = String::from_utf8_lossy(name).into_owned();
    let certificate = kind.starts_with("x509v3-").then(|| x509_leaf(rest, certificates)).flatten();
    let bits = certificate.as_ref().and_then(|c| c.key_bits).or_else(|| key_bits(&kind, rest));
    let fingerprint = format!("SHA256:{}", BASE64_NOPAD.encode(&Sha256::digest(blob)));
    Some(HostKey { kind, bits, fingerprint: Some(fingerprint), certificate })
}

/// Length of a key in bits. OpenSSH certificates have a nonce before the key.
fn key_bits(kind: &str, rest: &[u8]) -> Option<u32> {
    let (kind, rest) = match kind.split_once("-cert-v0") {
        Some((plain, _)) => (plain, string(rest)?.1),
        None => (kind, rest),
    };
    let kind = kind.trim_end_matches("@openssh.com").trim_start_matches("sk-");
    match kind {
        // Exponent, modulus.
        "ssh-rsa" | "rsa-sha2-256" | "rsa-sha2-512" => {
            string(string(rest)?.1).map(|(n, _)| significant_bits(n))
        }
        // p, q, g, y.
        "ssh-dss" => string(rest).map(|(p, _)| significant_bits(p)),
        "ssh-ed25519" => Some(256),
        "ssh-ed448" => Some(456),
        ecdsa if ecdsa.starts_with("ecdsa-sha2-") => match string(rest)?.0 {
            b"nistp256" => Some(256),
            b"nistp384" => Some(384),
            b"nistp521" => Some(521),
            _ => None,
        },
        _ => None,
    }
}

/// The first certificate of an X.509 key (RFC 6187 section 2.1).
fn x509_leaf(
    rest: &[u8],
    certificates: &mut Certificates,
) -> Option<std::sync::Arc<crate::observe::certificate::Certificate>> {
    let (count, rest) = rest.split_first_chunk::<4>()?;
    if u32::from_be_bytes(*count) == 0 {
        return None;
    }
    certificates.get(string(rest)?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clients_order_decides_and_extensions_are_no_methods() {
        assert_eq!(choose("b,a", "a,b").as_deref(), Some("b"));
        assert_eq!(choose("ext-info-c,x", "ext-info-c,x").as_deref(), Some("x"));
        assert_eq!(choose("a", ""), None);
        assert_eq!(choose("", ""), None);
    }

    #[test]
    fn ciphers_with_their_own_authentication_use_no_mac() {
        let lists = |cipher: &str| KexInit {
            cipher_c2s: cipher.to_owned(),
            mac_c2s: "hmac-sha2-256".to_owned(),
            ..KexInit::default()
        };
        let mut facts = Facts::default();
        for (cipher, mac) in [
            ("aes128-gcm@openssh.com", None),
            ("chacha20-poly1305@openssh.com", None),
            ("AEAD_AES_256_GCM", None),
            ("aes128-ctr", Some("hmac-sha2-256")),
        ] {
            agree(&mut facts, &lists(cipher), &lists(cipher));
            assert_eq!(facts.mac_c2s.as_deref(), mac, "{cipher}");
        }
    }

    #[test]
    fn key_lengths() {
        let s = |b: &[u8]| [&u32::try_from(b.len()).expect("short").to_be_bytes()[..], b].concat();
        let rsa = [s(&[1, 0, 1]), s(&[0, 0x80, 0, 0])].concat();
        assert_eq!(key_bits("ssh-rsa", &rsa), Some(24));
        let certificate = [s(&[9; 32]), rsa].concat();
        assert_eq!(key_bits("ssh-rsa-cert-v01@openssh.com", &certificate), Some(24));
        assert_eq!(key_bits("ecdsa-sha2-nistp521", &s(b"nistp521")), Some(521));
        assert_eq!(key_bits("sk-ssh-ed25519@openssh.com", &[]), Some(256));
        assert_eq!(key_bits("ssh-unheard-of", &[]), None);
    }
}
