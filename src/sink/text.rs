//! A report as text: the lines above the table.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};

use super::report::{Class, Report, TrafficTotals};
use super::table::{bytes, group};
use crate::policy::{Policy, Severity};
use crate::printable::Printable;

/// Servers that are named for each finding.
const NAMED: usize = 3;
/// Certificates that are listed.
const LISTED: usize = 5;

/// What was found, with terminal colours. Certificates that end within
/// `soon_days` are listed.
pub fn report(report: &Report, policy: &Policy, soon_days: i64) -> String {
    let mut out = String::new();
    let total = report.total();
    let of = |amount: TrafficTotals| {
        format!(
            "{} of {} connections, {} of {}",
            group(amount.connections),
            group(total.connections),
            bytes(amount.bytes),
            bytes(total.bytes)
        )
    };
    let _ =
        writeln!(out, "Without recognised protection: {}.", of(report.class(Class::Unprotected)));
    let weak = report.class(Class::Weak);
    if weak.connections > 0 {
        let _ = writeln!(out, "Weak by policy {}: {}.", policy.name, of(weak));
        findings(&mut out, report, policy);
    }
    let failed = report.class(Class::Failed);
    if failed.connections > 0 {
        let _ = writeln!(out, "Handshake failed: {}.", of(failed));
    }
    let unknown = report.class(Class::Unknown);
    if unknown.connections > 0 {
        let _ = writeln!(
            out,
            "Protection not known, because the capture does not show it: {}.",
            of(unknown)
        );
    }
    let (safe, all) = report.quantum_safe();
    if all > 0 {
        let _ = writeln!(
            out,
            "Quantum-safe key exchange: {} of the {} connections that showed theirs.",
            group(safe),
            group(all)
        );
    }
    let ending = report.ending(soon_days);
    if !ending.is_empty() {
        let _ = writeln!(
            out,
            "Certificates that had expired or end within {soon_days} days: {} of {}.",
            group(ending.len() as u64),
            group(report.certificates.len() as u64)
        );
        for c in ending.iter().take(LISTED) {
            let days = c.days_left();
            let when = match days {
                ..0 => format!("expired {} days before", group(days.unsigned_abs())),
                n => format!("{n} days left"),
            };
            let subject = Printable(&c.certificate.subject);
            let _ = writeln!(out, "  {subject} at {} ({when})", place(c.server));
        }
        more(&mut out, ending.len(), LISTED);
    }
    if report.undated > 0 {
        let _ = writeln!(
            out,
            "Certificates of {} connections are not judged by date: their time stamps are before 1995.",
            group(report.undated)
        );
    }
    for (why, amount) in &report.lacking {
        let _ = writeln!(out, "Not seen whole, because {why}: {}.", of(*amount));
    }
    out
}

/// Lines that are too long for the terminal, broken at blanks; what goes on is indented.
pub fn wrapped(text: &str, width: Option<usize>) -> String {
    let Some(width) = width else { return text.to_owned() };
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        let visible = |text: &str| anstream::adapter::strip_str(text).to_string().chars().count();
        if visible(line) <= width {
            out.push_str(line);
            out.push('\n');
            continue;
        }
        let indent = visible(line) - visible(line.trim_start());
        let indent = (indent + 4).min(width / 2);
        let mut used = 0;
        for (n, word) in line.split(' ').enumerate() {
            let length = visible(word);
            if n > 0 && used > indent && used + 1 + length > width {
                let _ = write!(out, "\n{:indent$}", "");
                used = indent;
            } else if n > 0 {
                out.push(' ');
                used += 1;
            }
            if used + length <= width || word.contains('\u{1B}') {
                out.push_str(word);
                used += length;
                continue;
            }
            // A name without blanks that is longer than a line.
            for c in word.chars() {
                if used >= width {
                    let _ = write!(out, "\n{:indent$}", "");
                    used = indent;
                }
                out.push(c);
                used += 1;
            }
        }
        out.push('\n');
    }
    out
}

fn findings(out: &mut String, report: &Report, policy: &Policy) {
    for (at, finding) in &report.findings {
        let Some(rule) = policy.rule(*at).filter(|r| r.severity > Severity::Note) else {
            continue;
        };
        let style = match rule.severity {
            Severity::Broken => AnsiColor::Red.on_default(),
            _ => Style::new(),
        };
        let servers: Vec<String> = finding.servers.iter().take(NAMED).map(|s| place(*s)).collect();
        let others = finding.servers.len().saturating_sub(NAMED);
        let others = if others > 0 { format!(" and {others} more") } else { String::new() };
        let _ = writeln!(
            out,
            "  {style}{:>6}{style:#}  {} ({}{others})",
            group(finding.amount.connections),
            rule.title,
            servers.join(", ")
        );
    }
}

fn more(out: &mut String, all: usize, shown: usize) {
    if all > shown {
        let _ = writeln!(out, "  and {} more", group((all - shown) as u64));
    }
}

/// An address and a port.
pub(super) fn place((ip, port): (std::net::IpAddr, u16)) -> String {
    super::table::endpoint(ip, port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_broken_at_blanks() {
        let text = "one two three four five\n  six seven eight nine\nten\n";
        assert_eq!(wrapped(text, None), text);
        let narrow = wrapped(text, Some(14));
        assert_eq!(
            narrow,
            "one two three\n    four five\n  six seven\n      eight\n      nine\nten\n"
        );
        assert_eq!(wrapped("abcdefghij\n", Some(6)), "abcdef\n   ghi\n   j\n");
        // Colours take no room.
        let coloured = format!("{0}one{0:#} two\n", AnsiColor::Red.on_default());
        assert_eq!(wrapped(&coloured, Some(7)), coloured);
    }
}
