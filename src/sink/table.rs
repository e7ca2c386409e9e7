//! The table for people: who talks to which server, how protected, the
//! unprotected first.

use std::cmp::Ordering;
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
#[derive(Clone, Copy, Debug, Default)]
pub struct Layout {
    /// Columns of the terminal; `None` if lines may be as long as they like.
    pub width: Option<usize>,
    /// Rows to print; `None` for all.
    pub rows: Option<usize>,
    /// The order of rows.
    pub sort: Sort,
}

/// The order of rows. What is equal in it is in the order of the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// The unprotected first, then broken and weak protection, then by bytes.
    #[default]
    Protection,
    /// Most bytes first.
    Bytes,
    /// Most connections first.
    Connections,
    /// By the server's address and port.
    Server,
    /// By the client's address.
    Client,
}

/// Rows that are kept; a scan could make millions.
const MAX_ROWS: usize = 200_000;

/// What stands for no protection.
pub const NONE: &str = "none";
/// What stands for protection that the capture does not show.
pub const UNKNOWN: &str = "unknown";
/// The same where its data show that there is one: encrypted, by what is not known.
pub const ENCRYPTED: &str = "unknown (encrypted, handshake not seen)";
/// What stands for protection where a handshake has failed.
pub const FAILED: &str = "handshake failed";

/// Whether what stands for protection says that it is not known.
pub(super) fn is_unknown(protection: &str) -> bool {
    protection == UNKNOWN || protection == ENCRYPTED
}

const HEADINGS: &[&str] =
    &["SERVER", "CLIENT", "PROTECTION", "CONNECTIONS", "FROM CLIENT", "FROM SERVER"];
/// Where these do not fit: bytes of both directions together.
const NARROW_HEADINGS: &[&str] = &["SERVER", "CLIENT", "PROTECTION", "CONNS", "BYTES"];
/// Columns of text, to the left of which are those of numbers.
const TEXT_COLUMNS: usize = 3;
/// Characters that are left of protection before addresses are cut, and of an address.
const LEAST_PROTECTION: usize = 16;
const LEAST_ADDRESS: usize = 10;

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
        let unknown = |k: &RowKey| k.protection.as_deref().is_some_and(is_unknown);
        self.rows.iter().filter(|(k, _)| unknown(k)).map(|(_, c)| c.connections).sum()
    }

    /// The rows: unprotected first, then broken and weak protection, then by
    /// bytes; the key decides between equals.
    pub fn ranked(&self) -> Vec<(&RowKey, &RowCounts)> {
        self.sorted(Sort::Protection)
    }

    /// The rows in an order.
    pub fn sorted(&self, sort: Sort) -> Vec<(&RowKey, &RowCounts)> {
        let bytes = |c: &RowCounts| c.from_client + c.from_server;
        let mut rows: Vec<(&RowKey, &RowCounts)> = self.rows.iter().collect();
        rows.sort_by(|a, b| {
            let asked = match sort {
                Sort::Protection => Ordering::Equal,
                Sort::Bytes => bytes(b.1).cmp(&bytes(a.1)),
                Sort::Connections => b.1.connections.cmp(&a.1.connections),
                Sort::Server => a.0.server.cmp(&b.0.server),
                Sort::Client => a.0.client.cmp(&b.0.client),
            };
            asked
                .then(a.0.protection.is_some().cmp(&b.0.protection.is_some()))
                .then(b.0.severity.cmp(&a.0.severity))
                .then(bytes(b.1).cmp(&bytes(a.1)))
                .then(a.0.cmp(b.0))
        });
        rows
    }

    /// The table as text with terminal colours.
    pub fn render(&self, layout: Layout) -> String {
        let rows = self.sorted(layout.sort);
        let shown = layout.rows.unwrap_or(rows.len()).min(rows.len());
        let cells = |narrow: bool| -> Vec<Vec<String>> {
            let shown = rows.iter().take(shown);
            shown.map(|(key, counts)| cells(key, counts, narrow)).collect()
        };
        let (mut headings, mut all) = (HEADINGS, cells(false));
        if layout.width.is_some_and(|limit| line_width(&widths(headings, &all)) > limit) {
            (headings, all) = (NARROW_HEADINGS, cells(true));
        }
        let natural = widths(headings, &all);
        let fitted = layout.width.map_or_else(|| natural.clone(), |limit| fitted(&natural, limit));
        let mut out = String::new();
        let titles: Vec<String> = headings.iter().map(|h| (*h).to_owned()).collect();
        line(&mut out, &titles, &fitted, Style::new().bold());
        for (row, (key, _)) in all.iter().zip(&rows) {
            let style = match (&key.protection, key.severity) {
                (None, _) | (_, Some(Severity::Broken)) => AnsiColor::Red.on_default(),
                (Some(p), None) if !is_unknown(p) && p != FAILED => Style::new(),
                _ => AnsiColor::Yellow.on_default(),
            };
            line(&mut out, row, &fitted, style);
        }
        if rows.len() > shown {
            let _ = writeln!(
                out,
                "... and {} more rows of {} (--rows 0 prints all of them)",
                group((rows.len() - shown) as u64),
                group(rows.len() as u64)
            );
        }
        if let Some(limit) = layout.width.filter(|_| fitted != natural) {
            let cut = format!("What is cut (…) to {limit} columns is whole in a file or a pipe.");
            let _ = writeln!(out, "{}", fit(&cut, limit));
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

/// The cells of a row.
fn cells(key: &RowKey, counts: &RowCounts, narrow: bool) -> Vec<String> {
    let protection = printable(key.protection.as_deref().unwrap_or(NONE)).into_owned();
    let mut cells = vec![server(key), key.client.to_string(), protection];
    cells.push(group(counts.connections));
    if narrow {
        cells.push(bytes(counts.from_client + counts.from_server));
    } else {
        cells.extend([bytes(counts.from_client), bytes(counts.from_server)]);
    }
    cells
}

/// The widths that headings and cells take.
fn widths(headings: &[&str], rows: &[Vec<String>]) -> Vec<usize> {
    let mut widths: Vec<usize> = headings.iter().map(|heading| heading.len()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    widths
}

/// The width of a line: its columns with two blanks between.
fn line_width(widths: &[usize]) -> usize {
    widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1)
}

/// Widths with which a line fits. The protection's name gives way first, the addresses after
/// it; numbers are whole.
fn fitted(natural: &[usize], limit: usize) -> Vec<usize> {
    let mut widths = natural.to_vec();
    for (column, least) in
        [(2, LEAST_PROTECTION), (1, LEAST_ADDRESS), (0, LEAST_ADDRESS), (2, 4), (1, 4), (0, 4)]
    {
        let excess = line_width(&widths).saturating_sub(limit);
        if let Some(width) = widths.get_mut(column) {
            *width = width.saturating_sub(excess).max(least.min(*width));
        }
    }
    widths
}

fn line(out: &mut String, cells: &[String], widths: &[usize], style: Style) {
    let mut text = String::new();
    for (i, (cell, &width)) in cells.iter().zip(widths).enumerate() {
        if i > 0 {
            text.push_str("  ");
        }
        // Of an address its beginning and its end say who it is.
        let cell = if i < 2 { fit_middle(cell, width) } else { fit(cell, width) };
        let _ = if i >= TEXT_COLUMNS {
            write!(text, "{cell:>width$}")
        } else {
            write!(text, "{cell:<width$}")
        };
    }
    let _ = writeln!(out, "{style}{}{style:#}", text.trim_end());
}

/// A text that is too long, without its middle.
pub fn fit_middle(text: &str, width: usize) -> String {
    let count = text.chars().count();
    if count <= width {
        return text.to_owned();
    }
    let end = width.saturating_sub(1) / 2;
    let start: String = text.chars().take(width.saturating_sub(1) - end).collect();
    let end: String = text.chars().skip(count - end).collect();
    format!("{start}…{end}")
}

/// A text that is too long, without its end.
pub fn fit(text: &str, width: usize) -> String {
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
        let text = anstream::adapter::strip_str(
            &table.render(Layout { width: Some(90), ..Layout::default() }),
        )
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
        let text = table.render(Layout { rows: Some(3), ..Layout::default() });
        assert!(text.contains("and 7 more rows of 10 (--rows 0"), "{text}");
    }

    #[test]
    fn no_line_is_wider_than_the_terminal_and_numbers_are_whole() {
        let mut table = Table::default();
        let v6 = |n: u16| std::net::Ipv6Addr::new(0x2001, 0xdb8, 0xaaaa, 0xbbbb, 1, 2, 3, n);
        for n in 0..30 {
            let server = if n % 2 == 0 { v6(n).into() } else { [192, 0, 2, 10].into() };
            let client = if n % 3 == 0 { v6(n + 1).into() } else { [198, 51, 100, 77].into() };
            let protection = [None, Some("TLSv1.3 TLS_AES_256_GCM_SHA384"), Some(UNKNOWN)];
            let protection = protection[usize::from(n) % 3].map(str::to_owned);
            let row = RowKey { server: (server, 992 + n), client, ..key(1, None) };
            table.add(RowKey { protection, ..row }, 123_456_789, 987_654_321);
        }
        for width in [40, 60, 80, 100, 120, 200] {
            for sort in [Sort::Protection, Sort::Server] {
                let layout = Layout { width: Some(width), rows: None, sort };
                let text = anstream::adapter::strip_str(&table.render(layout)).to_string();
                let rows = text.lines().take_while(|l| !l.starts_with("What is cut"));
                for line in rows {
                    assert!(line.chars().count() <= width, "{width}: {line}");
                    assert!(
                        line.ends_with('B')
                            || line.contains("BYTES")
                            || line.contains("FROM SERVER"),
                        "{line}"
                    );
                }
                assert_eq!(text.contains("What is cut"), text.contains('…'), "{text}");
            }
        }
        let whole = table.render(Layout::default());
        assert!(!whole.contains('…') && whole.contains("FROM CLIENT"), "{whole}");
    }

    #[test]
    fn rows_are_in_the_order_that_is_asked_for() {
        let mut table = Table::default();
        let mut add = |server: u16, client: u8, protection, times, bytes| {
            for _ in 0..times {
                let client = [198, 51, 100, client].into();
                table.add(RowKey { client, ..key(server, protection) }, bytes, 0);
            }
        };
        add(23, 9, None, 1, 10);
        add(992, 8, Some("TLS"), 3, 5);
        add(443, 7, Some("TLS"), 2, 500);
        let order =
            |sort| -> Vec<u16> { table.sorted(sort).iter().map(|(key, _)| key.server.1).collect() };
        assert_eq!(order(Sort::Protection), [23, 443, 992]);
        assert_eq!(order(Sort::Bytes), [443, 992, 23]);
        assert_eq!(order(Sort::Connections), [992, 443, 23]);
        assert_eq!(order(Sort::Server), [23, 443, 992]);
        assert_eq!(order(Sort::Client), [443, 992, 23]);
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
