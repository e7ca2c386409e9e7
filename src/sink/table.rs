//! The table for people: who talks to which server, how protected, the
//! unprotected first.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::IpAddr;

use anstyle::{AnsiColor, Style};

use crate::policy::Severity;
use crate::printable::printable;

/// What a row is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RowKey {
    /// How the connections are protected; `None` is not at all.
    pub protection: Option<String>,
    /// The server.
    pub server: (IpAddr, u16),
    /// What it is.
    pub kind: RowKind,
    /// How bad the policy calls the protection: weak or broken.
    pub severity: Option<Severity>,
    /// The client's address.
    pub client: IpAddr,
}

/// What kind of connection a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RowKind {
    /// TCP.
    Tcp,
    /// Enterprise Extender.
    Ee,
    /// An ESP tunnel whose inside is hidden.
    Esp,
}

/// What a row counts.
#[derive(Clone, Copy, Debug, Default)]
pub struct RowCounts {
    /// Connections.
    pub connections: u64,
    /// Payload bytes from the client.
    pub from_client: u64,
    /// Payload bytes from the server.
    pub from_server: u64,
}

/// The table.
#[derive(Debug, Default)]
pub struct Table {
    rows: BTreeMap<RowKey, RowCounts>,
    /// Connections that found no place in a full table.
    beyond: u64,
}

/// How the table is printed.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// Columns of the terminal; `None` if lines may be as long as they like.
    pub width: Option<usize>,
    /// Rows to print; `None` for all.
    pub rows: Option<usize>,
}

/// Rows that are kept; a scan could make millions.
const MAX_ROWS: usize = 200_000;

const NONE: &str = "none";
/// What stands for protection that the capture does not show.
pub const UNKNOWN: &str = "unknown";
/// What stands for protection where a handshake has failed.
pub const FAILED: &str = "handshake failed";
const HEADINGS: [&str; 6] =
    ["SERVER", "CLIENT", "PROTECTION", "CONNECTIONS", "FROM CLIENT", "FROM SERVER"];

impl Table {
    /// Adds one connection.
    pub fn add(&mut self, key: RowKey, from_client: u64, from_server: u64) {
        if self.rows.len() >= MAX_ROWS && !self.rows.contains_key(&key) {
            self.beyond += 1;
            return;
        }
        let counts = self.rows.entry(key).or_default();
        counts.connections += 1;
        counts.from_client += from_client;
        counts.from_server += from_server;
    }

    /// Connections and bytes: without protection, and all.
    pub fn totals(&self) -> [(u64, u64); 2] {
        let mut totals = [(0, 0); 2];
        for (key, counts) in &self.rows {
            let bytes = counts.from_client + counts.from_server;
            for (i, total) in totals.iter_mut().enumerate() {
                if i == 1 || key.protection.is_none() {
                    total.0 += counts.connections;
                    total.1 += bytes;
                }
            }
        }
        totals
    }

    /// Connections whose protection the capture does not show.
    pub fn unknown(&self) -> u64 {
        let unknown = |k: &RowKey| k.protection.as_deref() == Some(UNKNOWN);
        self.rows.iter().filter(|(k, _)| unknown(k)).map(|(_, c)| c.connections).sum()
    }

    /// The rows: unprotected first, then broken and weak protection, then by
    /// bytes; the key decides between equals.
    pub fn ranked(&self) -> Vec<(&RowKey, &RowCounts)> {
        let mut rows: Vec<(&RowKey, &RowCounts)> = self.rows.iter().collect();
        rows.sort_by(|a, b| {
            let bytes = |c: &RowCounts| c.from_client + c.from_server;
            (a.0.protection.is_some().cmp(&b.0.protection.is_some()))
                .then(b.0.severity.cmp(&a.0.severity))
                .then(bytes(b.1).cmp(&bytes(a.1)))
                .then(a.0.cmp(b.0))
        });
        rows
    }

    /// The table as text with terminal colours.
    pub fn render(&self, layout: Layout) -> String {
        let rows = self.ranked();
        let shown = layout.rows.unwrap_or(rows.len()).min(rows.len());
        let cells: Vec<[String; 6]> = rows
            .iter()
            .take(shown)
            .map(|(key, counts)| {
                [
                    server(key),
                    key.client.to_string(),
                    printable(key.protection.as_deref().unwrap_or(NONE)).into_owned(),
                    group(counts.connections),
                    bytes(counts.from_client),
                    bytes(counts.from_server),
                ]
            })
            .collect();
        let mut widths = HEADINGS.map(str::len);
        for row in &cells {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        if let Some(limit) = layout.width {
            // The protection's name gives way; the rest is needed to know who.
            let total: usize = widths.iter().sum::<usize>() + 2 * (widths.len() - 1);
            let excess = total.saturating_sub(limit);
            widths[2] = widths[2].saturating_sub(excess).max(HEADINGS[2].len());
        }
        let mut out = String::new();
        line(&mut out, &HEADINGS.map(str::to_owned), &widths, Style::new().bold());
        for (row, (key, _)) in cells.iter().zip(&rows) {
            let style = match (&key.protection, key.severity) {
                (None, _) | (_, Some(Severity::Broken)) => AnsiColor::Red.on_default(),
                (Some(p), None) if p != UNKNOWN => Style::new(),
                _ => AnsiColor::Yellow.on_default(),
            };
            line(&mut out, row, &widths, style);
        }
        if rows.len() > shown {
            let _ = writeln!(
                out,
                "... and {} more rows (--rows 0 prints all of them)",
                group((rows.len() - shown) as u64)
            );
        }
        if self.beyond > 0 {
            let _ = writeln!(
                out,
                "... and {} connections of pairs that the table had no room for (--jsonl has them)",
                group(self.beyond)
            );
        }
        out
    }
}

fn line(out: &mut String, cells: &[String; 6], widths: &[usize; 6], style: Style) {
    let mut text = String::new();
    for (i, (cell, &width)) in cells.iter().zip(widths).enumerate() {
        if i > 0 {
            text.push_str("  ");
        }
        let cell = fit(cell, width);
        let _ =
            if i >= 3 { write!(text, "{cell:>width$}") } else { write!(text, "{cell:<width$}") };
    }
    let _ = writeln!(out, "{style}{}{style:#}", text.trim_end());
}

pub(super) fn fit(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut out: String = text.chars().take(width.saturating_sub(1)).collect();
    out.push('…');
    out
}

/// The server of a row.
pub(super) fn server(key: &RowKey) -> String {
    let (ip, port) = key.server;
    match key.kind {
        RowKind::Tcp => endpoint(ip, port),
        RowKind::Ee => endpoint(ip, port) + " EE",
        RowKind::Esp => format!("{ip} ESP"),
    }
}

/// An address and a port.
pub(super) fn endpoint(ip: IpAddr, port: u16) -> String {
    match ip {
        IpAddr::V4(v4) => format!("{v4}:{port}"),
        IpAddr::V6(v6) => format!("[{v6}]:{port}"),
    }
}

/// A number with its thousands apart.
pub fn group(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// A number of bytes in the largest unit that keeps three digits.
pub fn bytes(n: u64) -> String {
    if n < 1000 {
        return format!("{n} B");
    }
    let mut value = n as f64 / 1000.0;
    for unit in ["kB", "MB", "GB", "TB"] {
        if value < 1000.0 {
            return format!("{value:.1} {unit}");
        }
        value /= 1000.0;
    }
    format!("{value:.1} PB")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(port: u16, protection: Option<&str>) -> RowKey {
        RowKey {
            protection: protection.map(str::to_owned),
            server: ([192, 0, 2, 10].into(), port),
            kind: RowKind::Tcp,
            severity: None,
            client: [198, 51, 100, 7].into(),
        }
    }

    #[test]
    fn unprotected_first_and_within_the_width() {
        let mut table = Table::default();
        table.add(key(443, Some("TLSv1.2 TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256")), 10, 1_234_567);
        table.add(key(23, None), 5, 5);
        table.add(key(23, None), 5, 5);
        let text =
            anstream::adapter::strip_str(&table.render(Layout { width: Some(90), rows: None }))
                .to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines.iter().all(|l| l.chars().count() <= 90), "{text}");
        assert!(lines[1].starts_with("192.0.2.10:23") && lines[1].contains("none"), "{text}");
        assert!(lines[2].contains("TLSv1.2 TLS_ECDHE") && lines[2].ends_with("1.2 MB"), "{text}");
        assert_eq!(table.totals(), [(2, 20), (3, 1_234_597)]);
    }

    #[test]
    fn rows_beyond_the_limit_are_told() {
        let mut table = Table::default();
        for port in 0..10 {
            table.add(key(port, None), 1, 1);
        }
        let text = table.render(Layout { width: None, rows: Some(3) });
        assert!(text.contains("and 7 more rows"), "{text}");
    }

    #[test]
    fn numbers_for_people() {
        assert_eq!(
            (group(0), group(1234), group(1_234_567)),
            ("0".into(), "1,234".into(), "1,234,567".into())
        );
        assert_eq!(
            (bytes(999), bytes(1000), bytes(12_345_678)),
            ("999 B".into(), "1.0 kB".into(), "12.3 MB".into())
        );
    }
}
