//! Policies: those that the program has, and a site's own.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{Rule, Severity, Subject};

/// The profiles that are built in: name and text.
pub const PROFILES: &[(&str, &str)] = &[
    ("default", include_str!("profiles/default.toml")),
    ("nist-sp800-52r2", include_str!("profiles/nist-sp800-52r2.toml")),
    ("cnsa-2.0", include_str!("profiles/cnsa-2.0.toml")),
];

/// A set of rules.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Its name.
    pub name: String,
    /// What it is made from.
    pub source: String,
    /// Its rules, in the order in which they are reported.
    #[serde(rename = "rule")]
    pub rules: Vec<Rule>,
}

/// Why there is no policy.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// The file cannot be read.
    #[error("{}: {source} (built-in policies: {})", path.display(), names())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is no policy.
    #[error("{}: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where and what.
        message: String,
    },
}

fn names() -> String {
    let names: Vec<&str> = PROFILES.iter().map(|(name, _)| *name).collect();
    names.join(", ")
}

impl Default for Policy {
    fn default() -> Self {
        Self::built_in("default").unwrap_or(Self {
            name: String::new(),
            source: String::new(),
            rules: Vec::new(),
        })
    }
}

impl Policy {
    /// A built-in profile.
    pub fn built_in(name: &str) -> Option<Self> {
        let (_, text) = PROFILES.iter().find(|(n, _)| *n == name)?;
        toml::from_str(text).ok()
    }

    /// A built-in profile, or else a file.
    ///
    /// # Errors
    /// If the file cannot be read, or is no policy.
    pub fn load(name_or_path: &str) -> Result<Self, PolicyError> {
        if let Some(policy) = Self::built_in(name_or_path) {
            return Ok(policy);
        }
        let path = Path::new(name_or_path);
        let text = std::fs::read_to_string(path)
            .map_err(|source| PolicyError::Read { path: path.to_owned(), source })?;
        let wrong = |message: String| PolicyError::Syntax { path: path.to_owned(), message };
        let policy: Self = toml::from_str(&text)
            .map_err(|e: toml::de::Error| wrong(e.to_string().trim_end().to_owned()))?;
        for (n, rule) in policy.rules.iter().enumerate() {
            if policy.rules.iter().take(n).any(|r| r.id == rule.id) {
                return Err(wrong(format!("two rules have the id \"{}\"", rule.id)));
            }
        }
        Ok(policy)
    }

    /// The rules that apply, by their place in the policy.
    pub fn findings(&self, subject: &Subject<'_>) -> Vec<u16> {
        let places = (0u16..).zip(&self.rules);
        places.filter(|(_, rule)| rule.when.holds(subject)).map(|(n, _)| n).collect()
    }

    /// A rule by its place.
    pub fn rule(&self, place: u16) -> Option<&Rule> {
        self.rules.get(usize::from(place))
    }

    /// The worst of some findings.
    pub fn worst(&self, findings: &[u16]) -> Option<Severity> {
        findings.iter().filter_map(|&n| self.rule(n)).map(|r| r.severity).max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_profiles_are_policies() {
        for (name, text) in PROFILES {
            let policy: Policy = toml::from_str(text).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert_eq!((policy.name.as_str(), policy.source.is_empty()), (*name, false));
            assert!(policy.rules.len() >= 5, "{name}");
            for (n, rule) in policy.rules.iter().enumerate() {
                assert!(
                    policy.rules[n + 1..].iter().all(|r| r.id != rule.id),
                    "{name}: {}",
                    rule.id
                );
            }
        }
    }

    fn found(policy: &str, subject: &Subject<'_>) -> Vec<String> {
        let policy = Policy::built_in(policy).expect("built in");
        let findings = policy.findings(subject);
        findings.iter().filter_map(|&n| policy.rule(n)).map(|r| r.id.clone()).collect()
    }

    #[test]
    fn what_the_default_finds() {
        let modern = Subject {
            protocol: "tls",
            version: Some("0304".to_owned()),
            suite: Some("TLS_AES_256_GCM_SHA384"),
            group: Some(0x11EC),
            ..Subject::default()
        };
        assert!(found("default", &modern).is_empty());
        let old = Subject {
            version: Some("0301".to_owned()),
            suite: Some("TLS_RSA_WITH_3DES_EDE_CBC_SHA"),
            group: None,
            signature: Some("1.2.840.113549.1.1.5"),
            key: Some((true, 1024)),
            expires_in: Some(-1),
            ..modern.clone()
        };
        assert_eq!(
            found("default", &old),
            [
                "tls-1.0-1.1",
                "3des",
                "rsa-key-exchange",
                "mac-then-encrypt",
                "sha1-signature",
                "short-rsa-key",
                "expired",
                "not-quantum-safe-static"
            ]
        );
        let ssh = Subject {
            protocol: "ssh",
            version: Some("2".to_owned()),
            kex: Some("diffie-hellman-group14-sha1"),
            ciphers: [Some("aes128-cbc"), Some("aes128-ctr")],
            host_key: Some("ssh-dss"),
            ..Subject::default()
        };
        let found = found("default", &ssh);
        for id in ["ssh-dss", "ssh-sha1-kex", "ssh-cbc", "not-quantum-safe-ssh"] {
            assert!(found.iter().any(|f| f == id), "{id}: {found:?}");
        }
    }

    #[test]
    fn a_file_that_is_no_policy_is_an_error() {
        let error = Policy::load("/nonexistent").expect_err("no file").to_string();
        assert!(error.contains("/nonexistent") && error.contains("nist-sp800-52r2"), "{error}");
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("p.toml");
        std::fs::write(&file, "name = \"x\"\nsource = \"y\"\n[[rule]]\nid = 1\n").expect("written");
        let error = Policy::load(&file.display().to_string()).expect_err("wrong").to_string();
        assert!(error.contains("line 4"), "{error}");
    }
}
