//! What a network security administrator asks first: how much is unprotected
//! and whose, what is weak, what is quantum-safe, which certificates end.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use super::ranking::{By, Ranking};
use super::table::{FAILED, RowKey, Table, is_unknown};
use super::timeline::Timeline;
use crate::observe::certificate::Certificate;
use crate::policy::{Policy, Rule, Severity};

/// Servers that are remembered for one finding; more are counted as connections.
const MAX_SERVERS: usize = 10_000;
/// Certificates that are remembered.
const MAX_CERTIFICATES: usize = 10_000;

/// What stands for the version of AH and ESP.
pub const IPSEC: &str = "IPSec";
/// What stands for a job where none is configured.
pub const NO_JOB: &str = "(not configured)";

/// What is told of one connection.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its row in the table.
    pub key: RowKey,
    /// Payload bytes from the client.
    pub from_client: u64,
    /// Payload bytes from the server.
    pub from_server: u64,
    /// When it began, in nanoseconds since 1970.
    pub start: i64,
    /// The rules of the policy that apply, by their place.
    pub findings: Vec<u16>,
    /// The key exchange, and whether it is quantum-safe.
    pub key_exchange: Option<(String, bool)>,
    /// The server's certificate.
    pub certificate: Option<Arc<Certificate>>,
    /// Protocol and version of what protects it.
    pub version: Option<String>,
    /// Why its handshake failed.
    pub failure: Option<String>,
    /// Whether the start is a date at all: a clock that was never set shows none.
    pub dated: bool,
    /// What the capture lacks of it.
    pub lacking: Option<&'static str>,
    /// The job that owns the stack's end, if it is configured.
    pub job: Option<String>,
}

impl Row {
    /// The name under which a ranking has it.
    pub fn name(&self, by: By) -> String {
        match by {
            By::Server => super::table::server(&self.key),
            By::Client => self.key.client.to_string(),
            By::Job => self.job.clone().unwrap_or_else(|| NO_JOB.to_owned()),
        }
    }
}

/// How a connection is classed, by the worst of its findings.
pub fn class(row: &Row, policy: &Policy) -> Class {
    match (&row.key.protection, policy.worst(&row.findings)) {
        (None, _) => Class::Unprotected,
        (Some(p), _) if is_unknown(p) => Class::Unknown,
        (Some(p), _) if p == FAILED => Class::Failed,
        (_, Some(Severity::Weak | Severity::Broken)) => Class::Weak,
        _ => Class::Protected,
    }
}

/// Connections and bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TrafficTotals {
    /// Connections.
    pub connections: u64,
    /// Payload bytes, both ways.
    pub bytes: u64,
}

impl TrafficTotals {
    pub(super) fn add(&mut self, bytes: u64) {
        self.connections += 1;
        self.bytes += bytes;
    }

    pub(super) fn join(&mut self, other: Self) {
        self.connections += other.connections;
        self.bytes += other.bytes;
    }
}

/// How a connection is classed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Nothing recognised protects it.
    Unprotected,
    /// A handshake began and failed.
    Failed,
    /// The policy calls its protection broken or weak.
    Weak,
    /// It is protected.
    Protected,
    /// The capture does not show it.
    Unknown,
}

/// All classes, worst first.
pub const CLASSES: [Class; 5] =
    [Class::Unprotected, Class::Failed, Class::Weak, Class::Protected, Class::Unknown];

impl Class {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unprotected => "unprotected",
            Self::Failed => "handshake failed",
            Self::Weak => "weak",
            Self::Protected => "protected",
            Self::Unknown => "not known",
        }
    }

    /// What is its own of a list in the order of [`CLASSES`].
    pub fn of<T>(self, [unprotected, failed, weak, protected, unknown]: &[T; CLASSES.len()]) -> &T {
        match self {
            Self::Unprotected => unprotected,
            Self::Failed => failed,
            Self::Weak => weak,
            Self::Protected => protected,
            Self::Unknown => unknown,
        }
    }

    /// The same, to be changed.
    pub fn of_mut<T>(
        self,
        [unprotected, failed, weak, protected, unknown]: &mut [T; CLASSES.len()],
    ) -> &mut T {
        match self {
            Self::Unprotected => unprotected,
            Self::Failed => failed,
            Self::Weak => weak,
            Self::Protected => protected,
            Self::Unknown => unknown,
        }
    }
}

/// What is known of one finding.
#[derive(Clone, Debug, Default)]
pub struct Finding {
    /// Connections that it is about.
    pub amount: TrafficTotals,
    /// Their servers.
    pub servers: BTreeSet<(IpAddr, u16)>,
}

impl Finding {
    fn add(&mut self, server: (IpAddr, u16), bytes: u64) {
        self.amount.add(bytes);
        if self.servers.len() < MAX_SERVERS {
            self.servers.insert(server);
        }
    }
}

/// A certificate in use.
#[derive(Clone, Debug)]
pub struct InUse {
    /// The certificate.
    pub certificate: Arc<Certificate>,
    /// A server that showed it.
    pub server: (IpAddr, u16),
    /// Connections in which it was shown.
    pub connections: u64,
    /// The latest of them, in nanoseconds since 1970.
    pub last: i64,
}

impl InUse {
    /// Days from the latest connection to the end of its validity.
    pub fn days_left(&self) -> i64 {
        let seconds = self.last.div_euclid(1_000_000_000);
        self.certificate.not_after.seconds.saturating_sub(seconds).div_euclid(86_400)
    }
}

/// What was found in all connections.
#[derive(Debug, Default)]
pub struct Report {
    /// Who talks to whom.
    pub table: Table,
    /// By class.
    pub classes: [TrafficTotals; CLASSES.len()],
    /// By rule of the policy.
    pub findings: BTreeMap<u16, Finding>,
    /// Key exchanges, and whether each is quantum-safe.
    pub key_exchanges: BTreeMap<(bool, String), TrafficTotals>,
    /// Certificates by subject and serial number.
    pub certificates: BTreeMap<(Arc<str>, Vec<u8>), InUse>,
    /// By protocol and version.
    pub versions: BTreeMap<String, TrafficTotals>,
    /// Handshakes that failed, by why.
    pub failures: BTreeMap<String, Finding>,
    /// Connections whose certificates are not judged by date, because their time stamps are none.
    pub undated: u64,
    /// What could not be seen.
    pub lacking: BTreeMap<&'static str, TrafficTotals>,
    /// Protection over time.
    pub timeline: Timeline,
    /// Whose it is, by [`By`]'s order.
    pub rankings: [Ranking; By::ALL.len()],
}

impl Report {
    /// What is weak by the rules of a policy, the worst first, then what most connections have.
    pub fn ranked_findings<'a>(&'a self, policy: &'a Policy) -> Vec<(&'a Rule, &'a Finding)> {
        let known = |(at, finding): (&u16, &'a Finding)| Some((policy.rule(*at)?, finding));
        let mut found: Vec<_> = self.findings.iter().filter_map(known).collect();
        found.sort_by_key(|(rule, finding)| {
            std::cmp::Reverse((rule.severity, finding.amount.connections))
        });
        found
    }

    /// Adds one connection.
    pub fn add(&mut self, row: Row, policy: &Policy) {
        let bytes = row.from_client + row.from_server;
        let class = class(&row, policy);
        class.of_mut(&mut self.classes).add(bytes);
        self.timeline.add(row.start, class, bytes);
        for by in By::ALL {
            by.of_mut(&mut self.rankings).add(row.name(by), class, bytes);
        }
        for finding in &row.findings {
            self.findings.entry(*finding).or_default().add(row.key.server, bytes);
        }
        if let Some(version) = row.version {
            self.versions.entry(version).or_default().add(bytes);
        }
        if let Some(failure) = row.failure {
            // Reasons are of a few words of ours, with alerts by number.
            self.failures.entry(failure).or_default().add(row.key.server, bytes);
        }
        if let Some((name, safe)) = row.key_exchange {
            self.key_exchanges.entry((safe, name)).or_default().add(bytes);
        }
        self.undated += u64::from(row.certificate.is_some() && !row.dated);
        if let Some(certificate) = row.certificate.filter(|_| row.dated) {
            let key = (certificate.subject.clone(), certificate.serial.clone());
            let room = self.certificates.len() < MAX_CERTIFICATES;
            if room || self.certificates.contains_key(&key) {
                let in_use = self.certificates.entry(key).or_insert_with(|| InUse {
                    certificate,
                    server: row.key.server,
                    connections: 0,
                    last: i64::MIN,
                });
                in_use.connections += 1;
                in_use.last = in_use.last.max(row.start);
            }
        }
        if let Some(lacking) = row.lacking {
            self.lacking.entry(lacking).or_default().add(bytes);
        }
        let severity = policy.worst(&row.findings).filter(|s| *s > Severity::Note);
        self.table.add(RowKey { severity, ..row.key }, row.from_client, row.from_server);
    }

    /// Everything together.
    pub fn total(&self) -> TrafficTotals {
        let mut sum = TrafficTotals::default();
        for class in self.classes {
            sum.join(class);
        }
        sum
    }

    /// Whose it is.
    pub fn ranking(&self, by: By) -> &Ranking {
        by.of(&self.rankings)
    }

    /// What a class has.
    pub fn class(&self, class: Class) -> TrafficTotals {
        *class.of(&self.classes)
    }

    /// Connections whose key exchange is quantum-safe, and all whose key
    /// exchange was seen.
    pub fn quantum_safe(&self) -> (u64, u64) {
        let sum = |only_safe: bool| -> u64 {
            let all = self.key_exchanges.iter().filter(|((safe, _), _)| *safe || !only_safe);
            all.map(|(_, amount)| amount.connections).sum()
        };
        (sum(true), sum(false))
    }

    /// Certificates that had ended, or end within some days of their latest
    /// connection; the first to end first.
    pub fn ending(&self, days: i64) -> Vec<&InUse> {
        let mut found: Vec<&InUse> =
            self.certificates.values().filter(|c| c.days_left() < days).collect();
        found.sort_by_key(|c| (c.certificate.not_after.seconds, c.certificate.serial.clone()));
        found
    }
}

#[cfg(test)]
mod tests {
    use super::super::table::{RowKind, UNKNOWN};
    use super::*;

    fn row(protection: Option<&str>, start: i64, findings: Vec<u16>) -> Row {
        Row {
            key: RowKey {
                protection: protection.map(str::to_owned),
                server: ([192, 0, 2, 10].into(), 443),
                kind: RowKind::Tcp,
                severity: None,
                client: [198, 51, 100, 7].into(),
            },
            from_client: 1,
            from_server: 9,
            start,
            findings,
            key_exchange: None,
            certificate: None,
            version: None,
            failure: None,
            dated: true,
            lacking: None,
            job: None,
        }
    }

    #[test]
    fn connections_are_classed_by_the_worst_of_their_findings() {
        let policy = Policy::default();
        let place = |severity| {
            (0..).zip(&policy.rules).find(|(_, r)| r.severity == severity).map(|(n, _)| n)
        };
        let (note, weak) = (place(Severity::Note), place(Severity::Weak));
        let mut report = Report::default();
        report.add(row(None, 0, Vec::new()), &policy);
        report.add(row(Some("TLS"), 0, note.into_iter().collect()), &policy);
        report.add(row(Some("TLS"), 0, note.into_iter().chain(weak).collect()), &policy);
        report.add(row(Some(UNKNOWN), 0, Vec::new()), &policy);
        report.add(row(Some(FAILED), 0, Vec::new()), &policy);
        assert_eq!(report.classes.map(|a| a.connections), [1, 1, 1, 1, 1]);
        assert_eq!((report.total().bytes, report.findings.len()), (50, 2));
    }
}
