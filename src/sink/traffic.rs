//! Unprotected, weak and failed connections by server and by job, and certificates by when
//! they end, as metrics: a bounded number of series.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::metrics::escape;
use super::ranking::{By, Classes};
use super::report::{Class, Row, TrafficTotals, class};
use crate::policy::Policy;

/// Names with series of their own, of servers, of jobs and of servers with certificates each.
/// All others together are [`OTHER`].
pub const MAX_NAMES: usize = 200;
/// What stands for names beyond those.
pub const OTHER: &str = "other";

/// The classes that are told; where nothing else was seen a name has no series.
const TOLD: [(Class, &str); 3] =
    [(Class::Unprotected, "unprotected"), (Class::Weak, "weak"), (Class::Failed, "failed")];

/// Connections of a name.
#[derive(Clone, Copy, Debug, Default)]
struct Amounts {
    ended: Classes,
    open: Classes,
}

/// Connections by name.
#[derive(Clone, Debug, Default)]
struct Names {
    names: BTreeMap<String, Amounts>,
    other: Amounts,
}

impl Names {
    fn of_mut(&mut self, name: String) -> &mut Amounts {
        if self.names.len() >= MAX_NAMES && !self.names.contains_key(&name) {
            return &mut self.other;
        }
        self.names.entry(name).or_default()
    }

    fn iter(&self) -> impl Iterator<Item = (&str, &Amounts)> {
        self.names.iter().map(|(n, a)| (n.as_str(), a)).chain([(OTHER, &self.other)])
    }
}

/// A certificate that a server has shown: when the connection began, and when it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Shown {
    at: i64,
    not_after: i64,
}

/// What was seen of all connections.
#[derive(Clone, Debug, Default)]
pub struct Traffic {
    servers: Names,
    jobs: Names,
    certificates: BTreeMap<String, Shown>,
    /// The first end of a certificate of all other servers.
    other_ends: Option<i64>,
}

impl Traffic {
    /// Connections under way are told anew.
    pub fn begin(&mut self) {
        for names in [&mut self.servers, &mut self.jobs] {
            names.names.values_mut().for_each(|amounts| amounts.open = Classes::default());
            names.other.open = Classes::default();
        }
    }

    /// A connection that has ended.
    pub fn ended(&mut self, row: &Row, policy: &Policy) {
        self.add(row, policy, |amounts| &mut amounts.ended);
    }

    /// A connection under way.
    pub fn open(&mut self, row: &Row, policy: &Policy) {
        self.add(row, policy, |amounts| &mut amounts.open);
    }

    fn add(&mut self, row: &Row, policy: &Policy, pick: fn(&mut Amounts) -> &mut Classes) {
        let class = class(row, policy);
        if TOLD.iter().any(|(told, _)| *told == class) {
            let bytes = row.from_client + row.from_server;
            for (names, by) in [(&mut self.servers, By::Server), (&mut self.jobs, By::Job)] {
                class.of_mut(pick(names.of_mut(row.name(by)))).add(bytes);
            }
        }
        let Some(certificate) = &row.certificate else { return };
        let shown = Shown { at: row.start, not_after: certificate.not_after.seconds };
        let server = row.name(By::Server);
        if self.certificates.len() >= MAX_NAMES && !self.certificates.contains_key(&server) {
            let ends = self.other_ends.get_or_insert(shown.not_after);
            *ends = (*ends).min(shown.not_after);
            return;
        }
        // The latest is the one in use; a renewed one takes the place of the old.
        let latest = self.certificates.entry(server).or_insert(shown);
        if (shown.at, -shown.not_after) > (latest.at, -latest.not_after) {
            *latest = shown;
        }
    }

    /// As Prometheus reads it.
    pub(super) fn text(&self, out: &mut String) {
        type Pick = fn(&Amounts) -> &Classes;
        type Count = fn(TrafficTotals) -> u64;
        let ended: Pick = |amounts| &amounts.ended;
        let open: Pick = |amounts| &amounts.open;
        let connections: Count = |amount| amount.connections;
        let bytes: Count = |amount| amount.bytes;
        let families = [
            (
                "connections_ended_total",
                "counter",
                "Connections that have ended",
                ended,
                connections,
            ),
            (
                "bytes_ended_total",
                "counter",
                "Payload of connections that have ended",
                ended,
                bytes,
            ),
            ("connections_open", "gauge", "Connections under way", open, connections),
        ];
        for (label, names) in [("server", &self.servers), ("job", &self.jobs)] {
            for (name, kind, help, pick, count) in families {
                let name = format!("zerttap_{label}_{name}");
                let _ = writeln!(
                    out,
                    "# HELP {name} {help}, by {label} and what is wrong with their protection.\n# TYPE {name} {kind}"
                );
                for (of, amounts) in names.iter() {
                    for (class, protection) in TOLD {
                        let value = count(*class.of(pick(amounts)));
                        let of = escape(of);
                        let labels = format!("{label}=\"{of}\",protection=\"{protection}\"");
                        let _ = writeln!(out, "{name}{{{labels}}} {value}");
                    }
                }
            }
        }
        let name = "zerttap_certificate_not_after_seconds";
        let _ = writeln!(
            out,
            "# HELP {name} When the certificate that a server showed last ends, since 1970.\n# TYPE {name} gauge"
        );
        let others = self.other_ends.map(|ends| (OTHER, ends));
        let all =
            self.certificates.iter().map(|(server, shown)| (server.as_str(), shown.not_after));
        for (server, ends) in all.chain(others) {
            let _ = writeln!(out, "{name}{{server=\"{}\"}} {ends}", escape(server));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::table::{FAILED, RowKey, RowKind};
    use super::*;

    fn row(server: u8, port: u16, protection: Option<&str>) -> Row {
        Row {
            key: RowKey {
                protection: protection.map(str::to_owned),
                server: ([192, 0, 2, server].into(), port),
                kind: RowKind::Tcp,
                severity: None,
                client: [198, 51, 100, 7].into(),
            },
            from_client: 1,
            from_server: 9,
            start: 0,
            findings: Vec::new(),
            key_exchange: None,
            certificate: None,
            dated: true,
            version: None,
            failure: None,
            lacking: None,
            job: Some(format!("J{port}")),
        }
    }

    fn text(traffic: &Traffic) -> String {
        let mut out = String::new();
        traffic.text(&mut out);
        out
    }

    #[test]
    fn what_is_wrong_is_told_by_server_and_job() {
        let policy = Policy::default();
        let mut traffic = Traffic::default();
        traffic.ended(&row(1, 23, None), &policy);
        traffic.ended(&row(1, 23, None), &policy);
        traffic.ended(&row(2, 992, Some(FAILED)), &policy);
        traffic.ended(&row(3, 443, Some("TLSv1.3")), &policy);
        traffic.open(&row(1, 23, None), &policy);
        let told = text(&traffic);
        for line in [
            "zerttap_server_connections_ended_total{server=\"192.0.2.1:23\",protection=\"unprotected\"} 2",
            "zerttap_server_bytes_ended_total{server=\"192.0.2.1:23\",protection=\"unprotected\"} 20",
            "zerttap_server_connections_open{server=\"192.0.2.1:23\",protection=\"unprotected\"} 1",
            "zerttap_job_connections_ended_total{job=\"J992\",protection=\"failed\"} 1",
            "zerttap_job_connections_open{job=\"other\",protection=\"weak\"} 0",
        ] {
            assert!(told.lines().any(|l| l == line), "{line}: {told}");
        }
        // A server without anything wrong takes no series.
        assert!(!told.contains("192.0.2.3"), "{told}");
        traffic.begin();
        assert!(text(&traffic).contains(
            "zerttap_server_connections_open{server=\"192.0.2.1:23\",protection=\"unprotected\"} 0"
        ));
    }

    #[test]
    fn the_number_of_series_is_bounded_and_all_are_counted() {
        let policy = Policy::default();
        let mut traffic = Traffic::default();
        for port in 0..1000 {
            traffic.ended(&row(1, port, None), &policy);
        }
        let told = text(&traffic);
        let family = "zerttap_server_connections_ended_total{";
        let series: Vec<&str> = told.lines().filter(|line| line.starts_with(family)).collect();
        assert_eq!(series.len(), (MAX_NAMES + 1) * TOLD.len());
        let sum: u64 =
            series.iter().filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum();
        assert_eq!(sum, 1000);
        assert!(told.contains("{server=\"other\",protection=\"unprotected\"} 800"), "{told}");
    }
}
