//! The codes of the wire's names and numbers, with what a site has corrected.
//!
//! Some codes are recalled and not documented. Where a real stack writes others,
//! a site overrides them entry by entry.

use std::collections::HashMap;

use super::tls::SuiteCodes;
use super::{code_for, ike_codes, ssh, tls, wire, x509};

/// The tables that may be overridden, by the names under which they are
/// printed, and the columns of their entries that hold codes.
pub const TABLES: &[(&str, &[&str])] = &[
    ("wire.tls_suite", &["enc_alg", "msg_auth", "tls_kex"]),
    ("wire.ssh_cipher", &["code"]),
    ("wire.ssh_mac", &["code"]),
    ("wire.ssh_kex", &["code"]),
    ("wire.ssh_host_key", &["code"]),
    ("wire.x509_key", &["code"]),
    ("wire.x509_signature", &["signature_method", "cert_enc_method", "digest_alg"]),
    ("wire.ikev2_encryption", &["code"]),
    ("wire.ikev2_integrity", &["code"]),
    ("wire.ikev2_prf", &["code"]),
    ("wire.ike_group", &["code"]),
    ("wire.ikev1_encryption", &["code"]),
    ("wire.ikev1_hash", &["code"]),
    ("wire.ikev1_prf", &["code"]),
    ("wire.ikev1_authentication", &["initiator", "responder"]),
];

/// Up to three codes of an entry, by column.
type Entry = [Option<u16>; 3];

/// All codes, corrected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Codes {
    overrides: HashMap<(&'static str, String), Entry>,
}

/// Why an entry cannot be overridden.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OverrideError {
    /// There is no such table.
    #[error("there is no table \"{0}\"; `zerttap names` lists them (those that begin with wire.)")]
    Table(String),
    /// The table has no such column.
    #[error("table \"{table}\" has no column \"{column}\", expected {expected}")]
    Column {
        /// The table.
        table: String,
        /// What was found.
        column: String,
        /// What was expected.
        expected: String,
    },
}

impl Codes {
    /// Overrides the code in one column of an entry.
    ///
    /// # Errors
    /// If the table or the column does not exist.
    pub fn set(
        &mut self,
        table: &str,
        key: &str,
        column: &str,
        code: u16,
    ) -> Result<(), OverrideError> {
        let Some((name, columns)) = TABLES.iter().find(|(name, _)| *name == table) else {
            return Err(OverrideError::Table(table.to_owned()));
        };
        let Some(at) = columns.iter().position(|c| *c == column) else {
            return Err(OverrideError::Column {
                table: table.to_owned(),
                column: column.to_owned(),
                expected: columns.join(", "),
            });
        };
        let entry = self.overrides.entry((name, key.to_owned())).or_default();
        if let Some(slot) = entry.get_mut(at) {
            *slot = Some(code);
        }
        Ok(())
    }

    /// How many entries are overridden.
    pub fn len(&self) -> usize {
        self.overrides.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.overrides.is_empty()
    }

    fn entry(&self, table: &'static str, key: impl FnOnce() -> String) -> Entry {
        if self.overrides.is_empty() {
            return Entry::default();
        }
        self.overrides.get(&(table, key())).copied().unwrap_or_default()
    }

    fn one(&self, table: &'static str, key: &str, usual: u16) -> u16 {
        self.entry(table, || key.to_owned())[0].unwrap_or(usual)
    }

    /// The codes of a TLS cipher suite.
    pub fn suite(&self, suite: u16) -> SuiteCodes {
        let usual = tls::suite_codes(suite);
        let [enc, mac, kex] = self.entry("wire.tls_suite", || format!("{suite:04X}"));
        SuiteCodes {
            enc: enc.unwrap_or(usual.enc),
            mac: mac.unwrap_or(usual.mac),
            kex: kex.unwrap_or(usual.kex),
        }
    }

    /// `enc_alg` of an SSH cipher.
    pub fn ssh_cipher(&self, name: &str) -> u16 {
        self.one("wire.ssh_cipher", name, ssh::cipher_code(name))
    }

    /// `msg_auth` of an SSH direction.
    pub fn ssh_mac(&self, cipher: Option<&str>, mac: Option<&str>) -> u16 {
        let usual = ssh::mac_code(cipher, mac);
        mac.map_or(usual, |mac| self.one("wire.ssh_mac", ssh::mac_base(mac), usual))
    }

    /// `ssh_kex` of an SSH key exchange method.
    pub fn ssh_kex(&self, name: &str) -> u16 {
        self.one("wire.ssh_kex", name, ssh::kex_code(name))
    }

    /// `ssh_key_type` of an SSH host key.
    pub fn ssh_host_key(&self, kind: &str) -> u16 {
        self.one("wire.ssh_host_key", kind, ssh::key_code(kind))
    }

    /// `key_type` of an X.509 public key algorithm.
    pub fn x509_key(&self, oid: &str) -> u16 {
        self.one("wire.x509_key", oid, code_for(wire::X509_KEY, oid).unwrap_or(0))
    }

    /// `signature_method`, `cert_enc_method` and `digest_alg` of an X.509
    /// signature algorithm. Of RSASSA-PSS the digest is a parameter.
    pub fn x509_signature(&self, oid: &str, pss_digest: Option<&str>) -> (u16, u16, u16) {
        let listed = wire::X509_SIGNATURE.iter().find(|(o, _)| *o == oid);
        let (method, encryption, digest) = listed.map_or((0, 0, 0), |&(_, codes)| codes);
        let digest = pss_digest.and_then(x509::digest_code).unwrap_or(digest);
        let [m, e, d] = self.entry("wire.x509_signature", || oid.to_owned());
        (m.unwrap_or(method), e.unwrap_or(encryption), d.unwrap_or(digest))
    }

    /// A number, or a number and the key's length in bits: `20/256`.
    fn cipher(&self, table: &'static str, id: u16, key_bits: Option<u16>, usual: u16) -> u16 {
        let exact = key_bits.and_then(|bits| self.entry(table, || format!("{id}/{bits}"))[0]);
        exact.unwrap_or_else(|| self.one(table, &id.to_string(), usual))
    }

    /// `enc_alg` of an IKEv2 encryption transform.
    pub fn ikev2_encryption(&self, id: u16, key_bits: Option<u16>) -> u16 {
        let usual = ike_codes::v2_encryption_code(id, key_bits);
        self.cipher("wire.ikev2_encryption", id, key_bits, usual)
    }

    /// `msg_auth` of an IKEv2 integrity transform.
    pub fn ikev2_integrity(&self, id: Option<u16>, encryption: Option<u16>) -> u16 {
        let usual = ike_codes::v2_integrity_code(id, encryption);
        id.map_or(usual, |id| self.one("wire.ikev2_integrity", &id.to_string(), usual))
    }

    /// `ike_prf` of an IKEv2 pseudo-random function.
    pub fn ikev2_prf(&self, id: u16) -> u16 {
        self.one("wire.ikev2_prf", &id.to_string(), ike_codes::v2_prf_code(id))
    }

    /// `dh_group` of a group or key exchange method.
    pub fn ike_group(&self, id: u16) -> u16 {
        self.one("wire.ike_group", &id.to_string(), ike_codes::group_code(id))
    }

    /// `enc_alg` of an IKEv1 encryption algorithm.
    pub fn ikev1_encryption(&self, id: u16, key_bits: Option<u16>) -> u16 {
        let usual = ike_codes::v1_encryption_code(id, key_bits);
        self.cipher("wire.ikev1_encryption", id, key_bits, usual)
    }

    /// `msg_auth` of an IKEv1 hash algorithm.
    pub fn ikev1_hash(&self, id: u16) -> u16 {
        self.one("wire.ikev1_hash", &id.to_string(), ike_codes::v1_hash_code(id))
    }

    /// `ike_prf` of an IKEv1 hash algorithm.
    pub fn ikev1_prf(&self, id: u16) -> u16 {
        self.one("wire.ikev1_prf", &id.to_string(), ike_codes::v1_prf_code(id))
    }

    /// `ike_auth` of initiator and responder.
    pub fn ikev1_authentication(&self, id: u16) -> (u16, u16) {
        let (initiator, responder) = ike_codes::v1_authentication_codes(id);
        let [i, r, _] = self.entry("wire.ikev1_authentication", || id.to_string());
        (i.unwrap_or(initiator), r.unwrap_or(responder))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::catalog::listings;

    #[test]
    fn every_table_and_column_is_one_that_is_printed() {
        let all = listings();
        for (table, columns) in TABLES {
            let listing = all.iter().find(|t| t.id == *table).unwrap_or_else(|| panic!("{table}"));
            assert!(columns.iter().all(|c| listing.columns.contains(c)), "{table}");
        }
    }

    #[test]
    fn an_override_changes_its_entry_and_no_other() {
        let mut codes = Codes::default();
        assert_eq!(codes.suite(0xC02F), tls::suite_codes(0xC02F));
        codes.set("wire.tls_suite", "C02F", "msg_auth", 0x0006).expect("there");
        codes.set("wire.ikev2_encryption", "20/256", "code", 0x00FF).expect("there");
        codes.set("wire.ssh_mac", "hmac-sha2-256", "code", 0x00EE).expect("there");
        codes.set("wire.ikev1_authentication", "3", "responder", 9).expect("there");
        let usual = tls::suite_codes(0xC02F);
        assert_eq!(codes.suite(0xC02F), SuiteCodes { mac: 6, ..usual });
        assert_eq!(codes.suite(0xC030), tls::suite_codes(0xC030));
        assert_eq!(codes.ikev2_encryption(20, Some(256)), 0xFF);
        assert_eq!(codes.ikev2_encryption(20, Some(128)), 0x12);
        assert_eq!(codes.ssh_mac(Some("x"), Some("hmac-sha2-256-etm@openssh.com")), 0xEE);
        assert_eq!(codes.ssh_mac(Some("x"), None), 1);
        assert_eq!(codes.ikev1_authentication(3), (2, 9));
        assert_eq!(codes.len(), 4);
    }

    #[test]
    fn what_does_not_exist_is_an_error() {
        let mut codes = Codes::default();
        let error = codes.set("wire.tls", "C02F", "enc_alg", 1).expect_err("no table");
        assert!(error.to_string().contains("\"wire.tls\""), "{error}");
        let error = codes.set("wire.tls_suite", "C02F", "code", 1).expect_err("no column");
        assert!(error.to_string().contains("enc_alg, msg_auth, tls_kex"), "{error}");
    }
}
