//! The ledger of a watch as metrics, in the text format of Prometheus.

use std::fmt::Write;

use super::traffic::Traffic;
use crate::printable::printable;

/// What is told of one interface.
#[derive(Clone, Debug)]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// Packets that were read.
    pub packets: u64,
    /// Packets that the kernel had no room for.
    pub dropped: u64,
    /// Packets that the interface had no room for.
    pub interface_dropped: u64,
    /// Whether it can be read.
    pub up: bool,
}

/// A ledger and more, as numbers with names.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    /// The ledger as a JSON object.
    pub ledger: serde_json::Value,
    /// Interfaces.
    pub interfaces: Vec<Interface>,
    /// Seconds by which the packet clock is behind the wall clock.
    pub lag_seconds: f64,
    /// When the watch began, seconds since 1970.
    pub started: u64,
    /// Records that could not be written.
    pub records_lost: u64,
    /// Lines that could not be written or sent.
    pub lines_lost: u64,
    /// Clients of the services.
    pub clients: usize,
    /// Records that clients were too slow for.
    pub client_records_lost: u64,
    /// TCP connections that are followed.
    pub connections: u64,
    /// Security sessions of the intervals under way.
    pub sessions: u64,
    /// Connections by server and job.
    pub traffic: Traffic,
}

/// What the values of the ledger's groups count.
const GROUPS: [(&str, &str); 6] = [
    ("connections", "Connections by what became of them, or was seen of them."),
    ("ipsec", "IKE security associations and tunnels."),
    ("streams", "What was odd in streams."),
    ("frames", "What was odd in frames."),
    ("input", "Input that was lost or passed over."),
    ("written", "Records written."),
];

impl Metrics {
    /// As Prometheus reads them.
    pub fn text(&self) -> String {
        let mut out = String::new();
        let head = |out: &mut String, name: &str, kind: &str, help: &str| {
            let _ = writeln!(out, "# HELP zerttap_{name} {help}\n# TYPE zerttap_{name} {kind}");
        };
        head(&mut out, "build_info", "gauge", "The version.");
        let version = env!("CARGO_PKG_VERSION");
        let _ = writeln!(out, "zerttap_build_info{{version=\"{version}\"}} 1");
        head(&mut out, "start_time_seconds", "gauge", "When the watch began, since 1970.");
        let _ = writeln!(out, "zerttap_start_time_seconds {}", self.started);
        head(&mut out, "lag_seconds", "gauge", "How far the packet clock is behind.");
        let _ = writeln!(out, "zerttap_lag_seconds {:.3}", self.lag_seconds);
        if let Some(bytes) = resident() {
            head(&mut out, "resident_memory_bytes", "gauge", "Memory in use.");
            let _ = writeln!(out, "zerttap_resident_memory_bytes {bytes}");
        }
        let single: [(&str, &str, &str, u64); 6] = [
            (
                "records_lost_total",
                "counter",
                "Records that could not be written.",
                self.records_lost,
            ),
            ("lines_lost_total", "counter", "Lines that could not be written.", self.lines_lost),
            ("clients", "gauge", "Clients of the services.", self.clients as u64),
            (
                "client_records_lost_total",
                "counter",
                "Records that clients were too slow for.",
                self.client_records_lost,
            ),
            ("connections_followed", "gauge", "TCP connections followed.", self.connections),
            ("sessions_open", "gauge", "Security sessions of this interval.", self.sessions),
        ];
        for (name, kind, help, value) in single {
            head(&mut out, name, kind, help);
            let _ = writeln!(out, "zerttap_{name} {value}");
        }
        head(&mut out, "handshakes_total", "counter", "Completed handshakes by version.");
        for (version, count) in self.group("handshakes") {
            let count = count.as_u64().unwrap_or(0);
            let (protocol, label) = (protocol(version), escape(version));
            let labels = format!("protocol=\"{protocol}\",version=\"{label}\"");
            let _ = writeln!(out, "zerttap_handshakes_total{{{labels}}} {count}");
        }
        type Count = fn(&Interface) -> u64;
        let of_interfaces: [(&str, &str, &str, Count); 4] = [
            ("interface_packets_total", "counter", "Packets read.", |i| i.packets),
            ("interface_kernel_dropped_total", "counter", "Packets the kernel dropped.", |i| {
                i.dropped
            }),
            ("interface_dropped_total", "counter", "Packets the interface dropped.", |i| {
                i.interface_dropped
            }),
            ("interface_up", "gauge", "Whether it can be read.", |i| u64::from(i.up)),
        ];
        for (name, kind, help, count) in of_interfaces {
            head(&mut out, name, kind, help);
            for interface in &self.interfaces {
                let label = escape(&interface.name);
                let _ =
                    writeln!(out, "zerttap_{name}{{interface=\"{label}\"}} {}", count(interface));
            }
        }
        self.traffic.text(&mut out);
        head(&mut out, "packets_total", "counter", "Packets by what they were.");
        for (disposition, count) in self.group("counters") {
            let packets = count.get("packets").and_then(|n| n.as_u64()).unwrap_or(0);
            let _ = writeln!(
                out,
                "zerttap_packets_total{{disposition=\"{}\"}} {packets}",
                escape(disposition)
            );
        }
        for (group, help) in GROUPS {
            head(&mut out, &format!("{group}_total"), "counter", help);
            for (what, count) in self.group(group) {
                let count = count.as_u64().unwrap_or(0);
                let what = escape(what);
                let _ = writeln!(out, "zerttap_{group}_total{{what=\"{what}\"}} {count}");
            }
        }
        out
    }

    /// The counters of one of the ledger's groups.
    fn group(&self, name: &str) -> impl Iterator<Item = (&String, &serde_json::Value)> {
        self.ledger.get(name).and_then(|group| group.as_object()).into_iter().flatten()
    }
}

/// The protocol of a version's name.
fn protocol(version: &str) -> &'static str {
    if version.starts_with("SSH") { "ssh" } else { "tls" }
}

pub(super) fn escape(label: &str) -> String {
    printable(label).replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// Memory in use, in bytes, where the system tells.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes * 1024)
}
