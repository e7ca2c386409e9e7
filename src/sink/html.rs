//! A report as one HTML page: nothing is loaded, no script is needed, light and
//! dark, and it prints.

use std::fmt::Write;

use super::jsonl::time;
use super::ranking::{By, total};
use super::report::{CLASSES, Class, NO_JOB, Report, TrafficTotals};
use super::table::{bytes, group};
use super::text::place;
use crate::policy::{Policy, Severity};
use crate::printable::printable;

/// Rows of each list; the rest is counted.
const LISTED: usize = 100;
/// Rows of each ranking.
const RANKED: usize = 20;

/// The style of pages.
pub const STYLE: &str = "
:root { --ink: #1b1f24; --soft: #57606a; --line: #d0d7de; --paper: #ffffff; --panel: #f6f8fa;
  --unprotected: #cf222e; --failed: #8250df; --weak: #bf8700; --protected: #1a7f37; --unknown: #8c959f; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --soft: #9198a1; --line: #3d444d;
  --paper: #0d1117; --panel: #151b23; --unprotected: #f85149; --failed: #a371f7; --weak: #d29922;
  --protected: #3fb950; --unknown: #656c76; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 68rem; padding: 1.5rem; background: var(--paper);
  color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 0; } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
p.soft, td.soft, figcaption { color: var(--soft); }
.numbers { display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: .75rem;
  margin: 1.25rem 0; }
.numbers div { background: var(--panel); border: 1px solid var(--line); border-radius: .5rem;
  padding: .75rem 1rem; }
.numbers b { display: block; font-size: 1.5rem; }
figure { margin: 1rem 0; } svg { width: 100%; height: auto; display: block; }
svg text { fill: var(--soft); font: 11px system-ui, sans-serif; }
.unprotected { fill: var(--unprotected); } .failed { fill: var(--failed); } .weak { fill: var(--weak); }
.protected { fill: var(--protected); } .unknown { fill: var(--unknown); }
svg.bar { height: .8em; margin-top: .35em; } th.share { width: 9rem; }
.key span { margin-right: 1.25rem; white-space: nowrap; }
.key i { display: inline-block; width: .8em; height: .8em; border-radius: .2em; margin-right: .4em; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid var(--line);
  vertical-align: top; overflow-wrap: anywhere; }
td.n, th.n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.bad { color: var(--unprotected); } .warn { color: var(--weak); }
@media print { body { max-width: none; padding: 0; } h2 { break-after: avoid; }
  tr, figure { break-inside: avoid; } }
";

/// What the page says of the capture as a whole.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    /// Names of the inputs.
    pub inputs: &'a str,
    /// Packets that were read.
    pub packets: u64,
    /// What was not followed, and why: lines of text.
    pub left_out: &'a str,
    /// Whether addresses of the stack were given.
    pub home: bool,
    /// Certificates that end within so many days are listed.
    pub soon_days: i64,
}

/// The page.
pub fn page(report: &Report, policy: &Policy, head: Head<'_>) -> String {
    let mut out = String::new();
    let _ = write!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>zERT from the wire</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
    );
    top(&mut out, report, head);
    left_out(&mut out, head.left_out);
    numbers(&mut out, report, policy, head);
    shares(&mut out, report);
    over_time(&mut out, report);
    findings(&mut out, report, policy);
    rankings(&mut out, report);
    rows(&mut out, report);
    key_exchanges(&mut out, report);
    certificates(&mut out, report, head.soon_days);
    lacking(&mut out, report);
    let _ = writeln!(
        out,
        "<p class=\"soft\">Policy {}: {}. What the wire does not show is not known, and never \
         called weak or clear.</p>\n</body>\n</html>",
        escape(&policy.name),
        escape(&policy.source)
    );
    out
}

fn top(out: &mut String, report: &Report, head: Head<'_>) {
    let line = &report.timeline;
    let period = if line.bins.is_empty() {
        "no connections".to_owned()
    } else {
        format!("connections from {} to {} UTC", short_time(line.start), short_time(line.last))
    };
    let local = if head.home { "" } else { " Every server is taken for the z/OS stack." };
    let _ = writeln!(
        out,
        "<header><h1>How z/OS connections are protected</h1>\n<p class=\"soft\">{}: {} packets, {}.{local}</p></header>",
        escape(head.inputs),
        group(head.packets),
        escape(&period)
    );
}

/// Packets that were not followed: the first line is the head, others say why.
fn left_out(out: &mut String, text: &str) {
    let mut lines = text.lines();
    let Some(head) = lines.next() else { return };
    let _ = writeln!(out, "<section id=\"left-out\"><p class=\"warn\">{}</p>", escape(head));
    let rest: Vec<String> = lines.map(|line| format!("<li>{}</li>", escape(line.trim()))).collect();
    if !rest.is_empty() {
        let _ = writeln!(out, "<ul>{}</ul>", rest.concat());
    }
    let _ = writeln!(out, "</section>");
}

fn numbers(out: &mut String, report: &Report, policy: &Policy, head: Head<'_>) {
    let total = report.total();
    let _ = writeln!(out, "<section class=\"numbers\" id=\"numbers\">");
    for class in CLASSES {
        if report.class(class).connections == 0 && matches!(class, Class::Failed | Class::Unknown) {
            continue;
        }
        let amount = report.class(class);
        let name = match class {
            Class::Weak => format!("weak by policy {}", policy.name),
            other => other.name().to_owned(),
        };
        let _ = writeln!(
            out,
            "<div><b>{}</b>{}: {} of {} connections, {}</div>",
            percent(amount.connections, total.connections),
            escape(&name),
            group(amount.connections),
            group(total.connections),
            bytes(amount.bytes)
        );
    }
    let (safe, all) = report.quantum_safe();
    let _ = writeln!(
        out,
        "<div><b>{}</b>quantum-safe key exchange: {} of {}</div>",
        percent(safe, all),
        group(safe),
        group(all)
    );
    let _ = writeln!(
        out,
        "<div><b>{}</b>of {} certificates expired or end within {} days</div>\n</section>",
        group(report.ending(head.soon_days).len() as u64),
        group(report.certificates.len() as u64),
        head.soon_days
    );
}

/// One bar for connections and one for bytes, divided by class.
fn shares(out: &mut String, report: &Report) {
    let total = report.total();
    if total.connections == 0 {
        return;
    }
    let _ = writeln!(
        out,
        "<figure id=\"shares\"><svg viewBox=\"0 0 700 74\" role=\"img\" aria-label=\"Shares of protection by connections and by bytes\">"
    );
    type Pick = fn(TrafficTotals) -> u64;
    let bars: [(&str, Pick, u64); 2] = [
        ("connections", |a| a.connections, total.connections),
        ("bytes", |a| a.bytes, total.bytes),
    ];
    for (n, (name, pick, all)) in bars.into_iter().enumerate() {
        let y = 4 + 36 * n;
        let _ = writeln!(out, "<text x=\"0\" y=\"{}\">{name}</text>", y + 18);
        let mut x = 90.0;
        for class in CLASSES {
            let value = pick(report.class(class));
            let width = 610.0 * value as f64 / all.max(1) as f64;
            if width > 0.0 {
                let _ = writeln!(
                    out,
                    "<rect class=\"{}\" x=\"{x:.1}\" y=\"{y}\" width=\"{width:.1}\" height=\"28\"><title>{}: {}</title></rect>",
                    css(class),
                    class.name(),
                    percent(value, all)
                );
            }
            x += width;
        }
    }
    let _ = writeln!(out, "</svg>\n<figcaption class=\"key\">{}</figcaption></figure>", key());
}

fn over_time(out: &mut String, report: &Report) {
    let line = &report.timeline;
    let most = line.bins.iter().map(|b| b.iter().map(|a| a.connections).sum::<u64>()).max();
    let (Some(most), true) = (most.filter(|m| *m > 0), line.bins.len() > 1) else { return };
    let _ = writeln!(
        out,
        "<h2>Over time</h2>\n<figure id=\"time\"><svg viewBox=\"0 0 700 150\" role=\"img\" aria-label=\"Connections over time by protection\">"
    );
    let width = 700.0 / line.bins.len() as f64;
    for (n, bin) in line.bins.iter().enumerate() {
        let mut y = 130.0;
        for class in CLASSES.into_iter().rev() {
            let value = class.of(bin).connections;
            if value == 0 {
                continue;
            }
            let height = 126.0 * value as f64 / most as f64;
            y -= height;
            let at = line.edge(n);
            let _ = writeln!(
                out,
                "<rect class=\"{}\" x=\"{:.2}\" y=\"{y:.2}\" width=\"{:.2}\" height=\"{height:.2}\"><title>{}: {} {}</title></rect>",
                css(class),
                n as f64 * width,
                (width - 0.5).max(0.5),
                short_time(at),
                group(value),
                class.name()
            );
        }
    }
    let end = line.edge(line.bins.len());
    let _ = writeln!(
        out,
        "<text x=\"0\" y=\"146\">{}</text><text x=\"700\" y=\"146\" text-anchor=\"end\">{}</text>\n</svg>\n\
         <figcaption>Connections by the time when they began; at most {} in {} s.</figcaption></figure>",
        short_time(line.start),
        short_time(end),
        group(most),
        group(line.width.unsigned_abs() / 1_000_000_000)
    );
}

fn findings(out: &mut String, report: &Report, policy: &Policy) {
    if report.findings.is_empty() {
        return;
    }
    let _ = writeln!(
        out,
        "<h2>What is weak</h2>\n<table id=\"weak\"><tr><th>finding</th><th>severity</th><th class=\"n\">connections</th><th class=\"n\">bytes</th><th>servers</th></tr>"
    );
    let mut found: Vec<_> = report
        .findings
        .iter()
        .filter_map(|(at, finding)| Some((policy.rule(*at)?, finding)))
        .collect();
    found.sort_by(|a, b| {
        (b.0.severity.cmp(&a.0.severity)).then(b.1.amount.connections.cmp(&a.1.amount.connections))
    });
    for (rule, finding) in found {
        let style = match rule.severity {
            Severity::Broken => "bad",
            Severity::Weak => "warn",
            Severity::Note => "soft",
        };
        let mut servers: Vec<String> =
            finding.servers.iter().take(5).map(|s| escape(&place(*s))).collect();
        if finding.servers.len() > 5 {
            servers.push(format!("and {} more", finding.servers.len() - 5));
        }
        let _ = writeln!(
            out,
            "<tr><td>{}</td><td class=\"{style}\">{}</td>{}<td>{}</td></tr>",
            escape(&rule.title),
            rule.severity.name(),
            amount(finding.amount),
            servers.join("<br>")
        );
    }
    let _ = writeln!(out, "</table>");
}

/// Whose traffic is unprotected.
fn rankings(out: &mut String, report: &Report) {
    for by in By::ALL {
        let all = report.ranking(by).ranked();
        // Jobs are known only where they are configured.
        if all.is_empty() || by == By::Job && all.iter().all(|(name, _)| *name == NO_JOB) {
            continue;
        }
        let _ = writeln!(
            out,
            "<h2>By {0}</h2>\n<table id=\"by-{0}\"><tr><th>{0}</th><th class=\"share\">protection by bytes</th><th class=\"n\">unprotected</th><th class=\"n\">bytes</th><th class=\"n\">weak</th><th class=\"n\">all</th><th class=\"n\">bytes</th></tr>",
            by.name()
        );
        for (name, classes) in all.iter().take(RANKED) {
            let [bad, weak] = [Class::Unprotected, Class::Weak].map(|c| *c.of(classes));
            let sum = total(classes);
            let _ = writeln!(
                out,
                "<tr><td>{}</td><td>{}</td>{}<td class=\"n\">{}</td>{}</tr>",
                escape(name),
                share(classes),
                amount(bad),
                group(weak.connections),
                amount(sum)
            );
        }
        let _ = writeln!(out, "</table>");
        more(out, all.len(), RANKED);
    }
}

/// A small bar, divided by class.
fn share(classes: &super::ranking::Classes) -> String {
    let all = total(classes).bytes;
    let mut out =
        String::from("<svg class=\"bar\" viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\">");
    let mut x = 0.0;
    for class in CLASSES {
        let width = 100.0 * class.of(classes).bytes as f64 / all.max(1) as f64;
        if width > 0.0 {
            let _ = write!(
                out,
                "<rect class=\"{}\" x=\"{x:.1}\" y=\"0\" width=\"{width:.1}\" height=\"10\"/>",
                css(class)
            );
        }
        x += width;
    }
    out + "</svg>"
}

fn rows(out: &mut String, report: &Report) {
    let all = report.table.ranked();
    let _ = writeln!(
        out,
        "<h2>Who talks to whom</h2>\n<p class=\"soft\">Unprotected first, then weak, then by bytes.</p>\n<table id=\"rows\"><tr><th>server</th><th>client</th><th>protection</th><th class=\"n\">connections</th><th class=\"n\">bytes</th></tr>"
    );
    for (key, counts) in all.iter().take(LISTED) {
        let (style, protection) = match (&key.protection, key.severity) {
            (None, _) => ("bad", "none"),
            (Some(p), Some(Severity::Broken)) => ("bad", p.as_str()),
            (Some(p), Some(_)) => ("warn", p.as_str()),
            (Some(p), None) => ("", p.as_str()),
        };
        let sum = TrafficTotals {
            connections: counts.connections,
            bytes: counts.from_client + counts.from_server,
        };
        let _ = writeln!(
            out,
            "<tr><td>{}</td><td>{}</td><td class=\"{style}\">{}</td>{}</tr>",
            escape(&super::table::server(key)),
            key.client,
            escape(protection),
            amount(sum)
        );
    }
    let _ = writeln!(out, "</table>");
    more(out, all.len(), LISTED);
}

fn key_exchanges(out: &mut String, report: &Report) {
    if report.key_exchanges.is_empty() {
        return;
    }
    let _ = writeln!(
        out,
        "<h2>Key exchange</h2>\n<table id=\"key-exchange\"><tr><th>method</th><th>quantum-safe</th><th class=\"n\">connections</th><th class=\"n\">bytes</th></tr>"
    );
    let mut all: Vec<_> = report.key_exchanges.iter().collect();
    all.sort_by(|a, b| b.1.connections.cmp(&a.1.connections).then(a.0.cmp(b.0)));
    for ((safe, name), sum) in all.iter().take(LISTED) {
        let safe = if *safe { "yes" } else { "no" };
        let _ = writeln!(out, "<tr><td>{}</td><td>{safe}</td>{}</tr>", escape(name), amount(**sum));
    }
    let _ = writeln!(out, "</table>");
    more(out, all.len(), LISTED);
}

fn certificates(out: &mut String, report: &Report, soon_days: i64) {
    let ending = report.ending(soon_days);
    if ending.is_empty() {
        return;
    }
    let _ = writeln!(
        out,
        "<h2>Certificates that end</h2>\n<table id=\"certificates\"><tr><th>subject</th><th>server</th><th>not after</th><th class=\"n\">days left</th><th class=\"n\">connections</th></tr>"
    );
    for c in ending.iter().take(LISTED) {
        let days = c.days_left();
        let style = if days < 0 { "n bad" } else { "n warn" };
        let _ = writeln!(
            out,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td class=\"{style}\">{days}</td><td class=\"n\">{}</td></tr>",
            escape(&c.certificate.subject),
            escape(&place(c.server)),
            short(&c.certificate.not_after.to_string()),
            group(c.connections)
        );
    }
    let _ = writeln!(
        out,
        "</table>\n<p class=\"soft\">Days are counted from the last connection in which the certificate was shown. TLS 1.3 encrypts certificates.</p>"
    );
    more(out, ending.len(), LISTED);
}

fn lacking(out: &mut String, report: &Report) {
    if report.lacking.is_empty() {
        return;
    }
    let _ = writeln!(
        out,
        "<h2>What could not be seen</h2>\n<table id=\"lacking\"><tr><th>why</th><th class=\"n\">connections</th><th class=\"n\">bytes</th></tr>"
    );
    for (why, sum) in &report.lacking {
        let _ = writeln!(out, "<tr><td>{}</td>{}</tr>", escape(why), amount(*sum));
    }
    let _ = writeln!(out, "</table>");
}

fn more(out: &mut String, all: usize, shown: usize) {
    if all > shown {
        let _ = writeln!(out, "<p class=\"soft\">and {} more</p>", group((all - shown) as u64));
    }
}

fn amount(sum: TrafficTotals) -> String {
    format!(
        "<td class=\"n\">{}</td><td class=\"n\">{}</td>",
        group(sum.connections),
        bytes(sum.bytes)
    )
}

fn key() -> String {
    let entry = |class: Class| {
        format!("<span><i style=\"background: var(--{})\"></i>{}</span>", css(class), class.name())
    };
    CLASSES.map(entry).concat()
}

fn css(class: Class) -> &'static str {
    match class {
        Class::Unprotected => "unprotected",
        Class::Failed => "failed",
        Class::Weak => "weak",
        Class::Protected => "protected",
        Class::Unknown => "unknown",
    }
}

fn percent(part: u64, all: u64) -> String {
    if all == 0 {
        return "none".to_owned();
    }
    let share = part as f64 * 100.0 / all as f64;
    // What is there is never shown as nothing, nor as everything what is not.
    match (part, share) {
        (0, _) => "0 %".to_owned(),
        (_, s) if s < 0.1 => "&lt; 0.1 %".to_owned(),
        (p, s) if p < all && s > 99.9 => "&gt; 99.9 %".to_owned(),
        (_, s) => format!("{s:.1} %"),
    }
}

/// A time to the second, UTC.
fn short_time(nanos: i64) -> String {
    short(&time(nanos))
}

/// Date and time of day of a time in the form of RFC 3339, to the second.
fn short(text: &str) -> String {
    let (day, rest) = text.split_once('T').unwrap_or((text, ""));
    format!("{day} {}", rest.get(..8).unwrap_or_default())
}

/// Text in a page.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in printable(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_from_the_wire_is_text() {
        assert_eq!(escape("CN=<script>&\"'\u{7}"), "CN=&lt;script&gt;&amp;&quot;&#39;\\u{7}");
    }

    #[test]
    fn shares_are_neither_nothing_nor_everything_if_they_are_not() {
        let shares = [(0, 5), (1, 100_000), (99_999, 100_000), (1, 3), (5, 5), (0, 0)];
        assert_eq!(
            shares.map(|(part, all)| percent(part, all)),
            ["0 %", "&lt; 0.1 %", "&gt; 99.9 %", "33.3 %", "100.0 %", "none"]
        );
    }

    #[test]
    fn an_empty_page_is_a_page() {
        let head = Head { inputs: "a<b", packets: 0, left_out: "", home: false, soon_days: 30 };
        let page = page(&Report::default(), &Policy::default(), head);
        assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"), "{page}");
        assert!(page.contains("a&lt;b") && !page.contains("<script"));
    }
}
