//! Rules and what they are held against.

use serde::Deserialize;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// To be known: it is not weak today.
    Note,
    /// Weak.
    Weak,
    /// Broken: as good as nothing.
    Broken,
}

impl Severity {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Weak => "weak",
            Self::Broken => "broken",
        }
    }
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// A short name, unique in the policy.
    pub id: String,
    /// What it finds, in words.
    pub title: String,
    /// What to do about it; empty if the policy does not say.
    #[serde(default)]
    pub advice: String,
    /// How bad that is.
    pub severity: Severity,
    /// When it applies.
    pub when: When,
}

/// Conditions; all that are given must hold. Lists hold patterns in which `*`
/// stands for any characters, or code points of four hexadecimal digits; one of
/// them has to fit. What ends in `_not` holds if none does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct When {
    /// `tls`, `ssh`, `ipsec` or `none`.
    pub protocol: Option<String>,
    /// Version as on the wire: `0303`; of SSH `1` or `2`.
    pub version: Vec<String>,
    /// The same, none of them.
    pub version_not: Vec<String>,
    /// IANA name of the cipher suite.
    pub suite: Vec<String>,
    /// The same, none of them.
    pub suite_not: Vec<String>,
    /// Named group of the key exchange.
    pub group: Vec<String>,
    /// The same, none of them.
    pub group_not: Vec<String>,
    /// Length of the prime of a finite-field key exchange is below.
    pub dh_bits_below: Option<u32>,
    /// A cipher in CBC mode without encrypt-then-MAC.
    pub mac_then_encrypt: Option<bool>,
    /// Object identifier of the server certificate's signature algorithm.
    pub signature: Vec<String>,
    /// The server certificate's key is RSA and shorter.
    pub rsa_bits_below: Option<u32>,
    /// The server certificate's key is on a curve and shorter.
    pub ec_bits_below: Option<u32>,
    /// The server certificate expires within so many days of the connection.
    pub expires_within_days: Option<i64>,
    /// SSH key exchange method.
    pub kex: Vec<String>,
    /// The same, none of them.
    pub kex_not: Vec<String>,
    /// SSH cipher, either direction.
    pub cipher: Vec<String>,
    /// The same, none of them.
    pub cipher_not: Vec<String>,
    /// SSH MAC, either direction.
    pub mac: Vec<String>,
    /// Type of the SSH host key.
    pub host_key: Vec<String>,
}

/// A connection's protection, as far as the wire showed it.
#[derive(Clone, Debug, Default)]
pub struct Subject<'a> {
    /// `tls`, `ssh`, `ipsec` or `none`.
    pub protocol: &'static str,
    /// Version as in [`When::version`].
    pub version: Option<String>,
    /// IANA name of the cipher suite.
    pub suite: Option<&'a str>,
    /// Named group.
    pub group: Option<u16>,
    /// Length of the prime.
    pub dh_bits: Option<u32>,
    /// Encrypt-then-MAC was accepted.
    pub encrypt_then_mac: bool,
    /// Object identifier of the server certificate's signature algorithm.
    pub signature: Option<&'a str>,
    /// Its key's algorithm and length: whether it is RSA.
    pub key: Option<(bool, u32)>,
    /// Seconds from the connection's start to the certificate's end.
    pub expires_in: Option<i64>,
    /// SSH key exchange method.
    pub kex: Option<&'a str>,
    /// SSH ciphers.
    pub ciphers: [Option<&'a str>; 2],
    /// SSH MACs.
    pub macs: [Option<&'a str>; 2],
    /// Type of the SSH host key.
    pub host_key: Option<&'a str>,
}

impl When {
    /// Whether every condition holds.
    pub fn holds(&self, s: &Subject<'_>) -> bool {
        let group = s.group.map(|g| format!("{g:04X}"));
        let group = group.as_deref();
        let version = s.version.as_deref();
        let ciphers = s.ciphers.iter().flatten().copied();
        let macs = s.macs.iter().flatten().copied();
        let below = |limit: Option<u32>, value: Option<u32>| {
            limit.is_none_or(|limit| value.is_some_and(|v| v < limit))
        };
        let rsa = s.key.filter(|(rsa, _)| *rsa).map(|(_, bits)| bits);
        let curve = s.key.filter(|(rsa, _)| !*rsa).map(|(_, bits)| bits);
        let cbc = s.suite.map(|suite| suite.contains("_CBC") && !s.encrypt_then_mac);
        self.protocol.as_deref().is_none_or(|p| p == s.protocol)
            && any(&self.version, version)
            && none(&self.version_not, version)
            && any(&self.suite, s.suite)
            && none(&self.suite_not, s.suite)
            && any(&self.group, group)
            && none(&self.group_not, group)
            && below(self.dh_bits_below, s.dh_bits)
            && self.mac_then_encrypt.is_none_or(|wanted| cbc == Some(wanted))
            && any(&self.signature, s.signature)
            && below(self.rsa_bits_below, rsa)
            && below(self.ec_bits_below, curve)
            && self.expires_within_days.is_none_or(|days| {
                s.expires_in.is_some_and(|left| left < days.saturating_mul(86_400))
            })
            && any(&self.kex, s.kex)
            && none(&self.kex_not, s.kex)
            && any(&self.cipher, ciphers.clone())
            && none(&self.cipher_not, ciphers)
            && any(&self.mac, macs)
            && any(&self.host_key, s.host_key)
    }
}

/// Whether one of the values fits one of the patterns; also if there is none.
fn any<'a>(patterns: &[String], values: impl IntoIterator<Item = &'a str>) -> bool {
    patterns.is_empty() || values.into_iter().any(|v| patterns.iter().any(|p| fits(p, v)))
}

/// Whether there are values and one of them fits no pattern.
fn none<'a>(patterns: &[String], values: impl IntoIterator<Item = &'a str>) -> bool {
    patterns.is_empty() || values.into_iter().any(|v| !patterns.iter().any(|p| fits(p, v)))
}

/// Whether a text fits a pattern in which `*` stands for any characters.
fn fits(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('*');
    let Some(rest) = pieces.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let mut rest = rest;
    let mut last = None;
    for piece in pieces {
        if let Some(before) = last.replace(piece) {
            match rest.split_once(before) {
                Some((_, after)) => rest = after,
                None => return false,
            }
        }
    }
    last.map_or(rest.is_empty(), |last| rest.ends_with(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        assert!(fits("*_NULL_*", "TLS_RSA_WITH_NULL_SHA") && fits("a", "a") && fits("*", ""));
        assert!(fits("*SHA1", "x-SHA1") && fits("a*b*c", "aXbYbc") && fits("TLS_*", "TLS_"));
        assert!(
            !fits("a", "ab")
                && !fits("a*c", "ab")
                && !fits("*_NULL_*", "TLS_AES")
                && !fits("ab*ba", "aba")
        );
    }

    #[test]
    fn what_was_not_seen_makes_no_finding() {
        let nothing = Subject { protocol: "tls", ..Subject::default() };
        let when = |toml: &str| toml::from_str::<When>(toml).expect("conditions");
        assert!(when("protocol = \"tls\"").holds(&nothing));
        for condition in [
            "version = [\"0301\"]",
            "version_not = [\"0304\"]",
            "suite_not = [\"*\"]",
            "group_not = [\"11EC\"]",
            "rsa_bits_below = 2048",
            "expires_within_days = 30",
            "mac_then_encrypt = true",
            "kex_not = [\"x\"]",
        ] {
            assert!(!when(condition).holds(&nothing), "{condition}");
        }
    }

    #[test]
    fn every_condition_has_to_hold() {
        let subject = Subject {
            protocol: "tls",
            version: Some("0303".to_owned()),
            suite: Some("TLS_RSA_WITH_AES_128_CBC_SHA"),
            key: Some((true, 1024)),
            expires_in: Some(-5),
            ..Subject::default()
        };
        let when = |toml: &str| toml::from_str::<When>(toml).expect("conditions");
        assert!(when("suite = [\"TLS_RSA_*\"]\nrsa_bits_below = 2048").holds(&subject));
        assert!(!when("suite = [\"TLS_RSA_*\"]\nrsa_bits_below = 1024").holds(&subject));
        assert!(!when("ec_bits_below = 2048").holds(&subject));
        assert!(when("expires_within_days = 0\nmac_then_encrypt = true").holds(&subject));
        assert!(toml::from_str::<When>("colour = 1").is_err());
    }
}
