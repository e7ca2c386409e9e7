//! The tables of the page.

use std::fmt::Write;

use super::super::ranking::By;
use super::super::report::{Class, Finding, InUse, NO_JOB, Report, TrafficTotals};
use super::super::table::{self as rows_of, NONE, group};
use super::super::text::place;
use super::markup::{Cell, Kind, all, amount, bar, breakable, connections, more, table};
use super::{LISTED, RANKED, short};
use crate::policy::{Policy, Severity};

/// Servers of a finding that are named.
const NAMED: usize = 5;

/// Protection by server, job and client.
pub(super) fn rankings(out: &mut String, report: &Report) {
    for by in By::ALL {
        let ranked = report.ranking(by).ranked();
        let _ = writeln!(out, "<section id=\"{0}s\"><h2>Protection by {0}</h2>", by.name());
        // Jobs are known only where they are configured.
        if by == By::Job && ranked.iter().all(|(name, _)| *name == NO_JOB) {
            out.push_str("<p class=\"soft\">No job is configured: --job PORT=JOB or --profile names the owners of ports.</p>\n</section>\n");
            continue;
        }
        let rows: Vec<Vec<Cell>> = ranked
            .iter()
            .take(RANKED)
            .map(|(name, classes)| {
                let bare = *Class::Unprotected.of(classes);
                let class = if bare.connections > 0 { "bad" } else { "" };
                let mut row =
                    vec![Cell::text(name), Cell::html(bar(classes, |a| a.connections, "thin"))];
                row.extend(amount(bare).map(|cell| cell.styled(class)));
                row.extend(
                    [Class::Failed, Class::Weak, Class::Unknown, Class::Protected]
                        .map(|class| connections(classes, class)),
                );
                row.extend(all(classes));
                row
            })
            .collect();
        table(
            out,
            &format!("by-{}", by.name()),
            "Numbers of connections; the most unprotected bytes first",
            &[
                (by.name(), Kind::Text),
                ("protection", Kind::Bar),
                ("unprotected", Kind::Number),
                ("bytes of these", Kind::Number),
                ("failed", Kind::Number),
                ("weak", Kind::Number),
                ("not known", Kind::Number),
                ("protected", Kind::Number),
                ("all", Kind::Number),
                ("bytes", Kind::Number),
            ],
            &rows,
        );
        more(out, ranked.len(), RANKED, &format!("zerttap read --by {} prints all", by.name()));
        out.push_str("</section>\n");
    }
}

/// Connections by protocol and version.
pub(super) fn versions(out: &mut String, report: &Report) {
    out.push_str("<section id=\"versions\"><h2>Protocol versions</h2>\n");
    let mut found: Vec<(&str, TrafficTotals)> =
        report.versions.iter().map(|(name, sum)| (name.as_str(), *sum)).collect();
    found.sort_by(|a, b| b.1.connections.cmp(&a.1.connections).then(a.0.cmp(b.0)));
    for (name, class) in [
        ("none", Class::Unprotected),
        ("handshake failed", Class::Failed),
        ("not known", Class::Unknown),
    ] {
        let sum = report.class(class);
        // What is known to be encrypted, though not how, may have a version.
        if sum.connections > 0 {
            found.push((name, sum));
        }
    }
    let rows: Vec<Vec<Cell>> = found
        .into_iter()
        .map(|(name, sum)| std::iter::once(Cell::text(name)).chain(amount(sum)).collect())
        .collect();
    table(
        out,
        "by-version",
        "Connections by the protocol that protects them",
        &[("protocol", Kind::Text), ("connections", Kind::Number), ("bytes", Kind::Number)],
        &rows,
    );
    out.push_str("</section>\n");
}

/// Handshakes that failed, by why.
pub(super) fn failures(out: &mut String, report: &Report) {
    out.push_str("<section id=\"failed\"><h2>Handshakes that failed</h2>\n");
    if report.failures.is_empty() {
        out.push_str("<p>None was seen.</p>\n</section>\n");
        return;
    }
    let mut found: Vec<(&String, &Finding)> = report.failures.iter().collect();
    found.sort_by(|a, b| b.1.amount.connections.cmp(&a.1.amount.connections).then(a.0.cmp(b.0)));
    let rows: Vec<Vec<Cell>> = found
        .iter()
        .take(LISTED)
        .map(|(why, finding)| {
            let number = Cell::number(finding.amount.connections);
            vec![Cell::text(why), number, servers(finding)]
        })
        .collect();
    table(
        out,
        "failures",
        "Why handshakes of TLS and SSH did not complete",
        &[("why", Kind::Text), ("connections", Kind::Number), ("servers", Kind::Text)],
        &rows,
    );
    more(out, found.len(), LISTED, "zerttap read --jsonl has all");
    out.push_str("</section>\n");
}

/// What is weak, and what to do about it.
pub(super) fn findings(out: &mut String, report: &Report, policy: &Policy) {
    let _ = writeln!(
        out,
        "<section id=\"findings\"><h2>What is weak, and what to do about it</h2>\n<p class=\"soft\">By policy {}: {}.</p>",
        breakable(&policy.name),
        breakable(&policy.source)
    );
    let found = report.ranked_findings(policy);
    if found.is_empty() {
        out.push_str("<p>Nothing of what was seen.</p>\n</section>\n");
        return;
    }
    let rows: Vec<Vec<Cell>> = found
        .into_iter()
        .map(|(rule, finding)| {
            let style = match rule.severity {
                Severity::Broken => "bad",
                Severity::Weak => "warn",
                Severity::Note => "soft",
            };
            let advice =
                if rule.advice.is_empty() { "the policy does not say" } else { &rule.advice };
            vec![
                Cell::text(&rule.title),
                Cell::text(rule.severity.name()).styled(style),
                Cell::number(finding.amount.connections),
                Cell::bytes(finding.amount.bytes),
                servers(finding),
                Cell::text(advice),
            ]
        })
        .collect();
    table(
        out,
        "weak",
        "Findings, the worst first; notes make no connection weak",
        &[
            ("finding", Kind::Text),
            ("severity", Kind::Text),
            ("connections", Kind::Number),
            ("bytes", Kind::Number),
            ("servers", Kind::Text),
            ("what to do", Kind::Text),
        ],
        &rows,
    );
    out.push_str("</section>\n");
}

fn servers(finding: &Finding) -> Cell {
    let mut named: Vec<String> =
        finding.servers.iter().take(NAMED).map(|s| breakable(&place(*s))).collect();
    if finding.servers.len() > NAMED {
        named.push(format!("and {} more", group((finding.servers.len() - NAMED) as u64)));
    }
    Cell::html(format!("<span>{}</span>", named.join("<br>")))
}

/// Certificates by when they end.
pub(super) fn certificates(out: &mut String, report: &Report, soon_days: i64) {
    out.push_str(
        "<section id=\"certificates-section\"><h2>Certificates by the date when they end</h2>\n",
    );
    if report.undated > 0 {
        let _ = writeln!(
            out,
            "<p>Certificates of {} connections are not judged by date: their time stamps are before 1995.</p>",
            group(report.undated)
        );
    }
    if report.certificates.is_empty() && report.undated > 0 {
        out.push_str("</section>\n");
        return;
    }
    if report.certificates.is_empty() {
        out.push_str("<p>No certificate was seen. TLS 1.3 encrypts certificates, and connections that are resumed show none.</p>\n</section>\n");
        return;
    }
    let every = report.ending(i64::MAX);
    let rows: Vec<Vec<Cell>> =
        every.iter().take(LISTED).map(|c| certificate(c, soon_days)).collect();
    table(
        out,
        "certificates",
        "Server certificates; days are counted from the last connection that showed them",
        &[
            ("ends", Kind::Text),
            ("state", Kind::Text),
            ("days left", Kind::Number),
            ("subject", Kind::Text),
            ("server", Kind::Text),
            ("connections", Kind::Number),
        ],
        &rows,
    );
    more(out, every.len(), LISTED, "zerttap read --jsonl has all");
    out.push_str("<p class=\"soft\">TLS 1.3 encrypts certificates: those of such connections are not seen.</p>\n</section>\n");
}

fn certificate(c: &InUse, soon_days: i64) -> Vec<Cell> {
    let days = c.days_left();
    let (state, style) = match days {
        ..0 => ("expired", "whole bad"),
        n if n < soon_days => ("ends soon", "whole warn"),
        _ => ("valid", ""),
    };
    let left = format!("{}{}", if days < 0 { "\u{2212}" } else { "" }, group(days.unsigned_abs()));
    vec![
        Cell::text(&short(&c.certificate.not_after.to_string())).styled("whole"),
        Cell::text(state).styled(style),
        Cell::ordered(left, days),
        Cell::text(&c.certificate.subject),
        Cell::text(&place(c.server)),
        Cell::number(c.connections),
    ]
}

/// Pairs of server and client.
pub(super) fn pairs(out: &mut String, report: &Report) {
    let ranked = report.table.ranked();
    out.push_str("<section id=\"pairs\"><h2>Who talks to whom</h2>\n");
    let rows: Vec<Vec<Cell>> = ranked
        .iter()
        .take(LISTED)
        .map(|(key, counts)| {
            let (style, protection) = match (&key.protection, key.severity) {
                (None, _) => ("bad", NONE),
                (Some(p), Some(Severity::Broken)) => ("bad", p.as_str()),
                (Some(p), Some(_)) => ("warn", p.as_str()),
                (Some(p), None) => ("", p.as_str()),
            };
            let verdict = match (&key.protection, key.severity) {
                (Some(_), Some(severity)) => format!("{protection} ({})", severity.name()),
                _ => protection.to_owned(),
            };
            vec![
                Cell::text(&rows_of::server(key)),
                Cell::text(&key.client.to_string()),
                Cell::text(&verdict).styled(style),
                Cell::number(counts.connections),
                Cell::bytes(counts.from_client),
                Cell::bytes(counts.from_server),
            ]
        })
        .collect();
    table(
        out,
        "rows",
        "The unprotected first, then what is weak, then by bytes",
        &[
            ("server", Kind::Text),
            ("client", Kind::Text),
            ("protection", Kind::Text),
            ("connections", Kind::Number),
            ("from client", Kind::Number),
            ("from server", Kind::Number),
        ],
        &rows,
    );
    more(out, ranked.len(), LISTED, "zerttap read --rows 0 prints all");
    out.push_str("</section>\n");
}

/// Methods of key exchange.
pub(super) fn key_exchanges(out: &mut String, report: &Report) {
    if report.key_exchanges.is_empty() {
        return;
    }
    let (safe, every) = report.quantum_safe();
    let _ = writeln!(
        out,
        "<section id=\"kex\"><h2>Key exchange</h2>\n<p>{} of the {} connections that showed theirs are quantum-safe.</p>",
        group(safe),
        group(every)
    );
    let mut found: Vec<_> = report.key_exchanges.iter().collect();
    found.sort_by(|a, b| b.1.connections.cmp(&a.1.connections).then(a.0.cmp(b.0)));
    let rows: Vec<Vec<Cell>> = found
        .iter()
        .take(LISTED)
        .map(|((safe, name), sum)| {
            let safe = Cell::text(if *safe { "yes" } else { "no" });
            [Cell::text(name), safe].into_iter().chain(amount(**sum)).collect()
        })
        .collect();
    table(
        out,
        "key-exchange",
        "Methods of key exchange, and whether a quantum computer would break them",
        &[
            ("method", Kind::Text),
            ("quantum-safe", Kind::Text),
            ("connections", Kind::Number),
            ("bytes", Kind::Number),
        ],
        &rows,
    );
    more(out, found.len(), LISTED, "zerttap read --jsonl has all");
    out.push_str("</section>\n");
}
