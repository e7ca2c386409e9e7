//! A report as one HTML page that can be put before a board or an auditor: nothing is loaded,
//! no script is needed, light and dark, from a phone to paper.

mod advice;
mod evidence;
mod markup;
mod sections;
mod trend;

use std::fmt::Write;

pub use evidence::{Head, InputFile, System};
pub use markup::{Cell, Kind, begin, end, escape, table};

use super::jsonl::time;
use super::report::{CLASSES, Class, Report};
use super::table::{bytes, group};
use crate::policy::Policy;
use markup::{bar, class_name, css, percent, sign};

/// Rows of each list; the rest is counted.
const LISTED: usize = 100;
/// Rows of each ranking.
const RANKED: usize = 50;

/// The page.
pub fn page(report: &Report, policy: &Policy, head: &Head<'_>) -> String {
    let mut out = String::new();
    begin(&mut out, "Protection of z/OS connections");
    top(&mut out, report, policy, head);
    shares(&mut out, report, policy, head);
    tasks(&mut out, report, policy, head);
    contents(&mut out, report);
    evidence::evidence(&mut out, policy, head);
    evidence::coverage(&mut out, report, head);
    sections::rankings(&mut out, report);
    sections::versions(&mut out, report);
    sections::failures(&mut out, report);
    sections::findings(&mut out, report, policy);
    sections::certificates(&mut out, report, head.soon_days);
    trend::over_time(&mut out, report);
    sections::pairs(&mut out, report);
    sections::key_exchanges(&mut out, report);
    evidence::files(&mut out, head);
    out.push_str(
        "<p class=\"soft\">What the wire does not show is not known, and is never called weak or \
         unprotected.</p>\n</main>\n",
    );
    end(&mut out);
    out
}

fn top(out: &mut String, report: &Report, policy: &Policy, head: &Head<'_>) {
    let (text, style) = advice::conclusion(report, policy);
    let _ = writeln!(
        out,
        "<header><h1>How z/OS connections are protected</h1>\n<p class=\"soft\">{}</p>\n\
         <p class=\"verdict {style}\" id=\"conclusion\">{}</p></header>\n<main>",
        markup::breakable(&evidence::subject(head)),
        markup::breakable(&text)
    );
}

/// Numbers and shares by class.
fn shares(out: &mut String, report: &Report, policy: &Policy, head: &Head<'_>) {
    let total = report.total();
    out.push_str(
        "<section class=\"numbers\" id=\"numbers\" aria-label=\"Connections by protection\">\n",
    );
    for class in CLASSES {
        let amount = report.class(class);
        let weak =
            if class == Class::Weak { format!(" (policy {})", policy.name) } else { String::new() };
        let _ = writeln!(
            out,
            "<div><span class=\"mark fill {}\" aria-hidden=\"true\">{}</span>{}{}<b>{}</b><small>{} of {} connections, {}</small></div>",
            css(class),
            sign(class),
            class.name(),
            escape(&weak),
            markup::breakable(&percent(amount.connections, total.connections)),
            group(amount.connections),
            group(total.connections),
            markup::breakable(&bytes(amount.bytes))
        );
    }
    let _ = writeln!(
        out,
        "<div>certificates<b>{}</b><small>of {} had expired or end within {} days</small></div>\n</section>",
        group(report.ending(head.soon_days).len() as u64),
        group(report.certificates.len() as u64),
        head.soon_days
    );
    if total.connections == 0 {
        return;
    }
    let _ = writeln!(
        out,
        "<figure id=\"shares\">\n<div class=\"bars\"><span>connections</span>{}<span>bytes</span>{}</div>\n<figcaption class=\"key\">{}</figcaption></figure>",
        bar(&report.classes, |a| a.connections, "bar"),
        bar(&report.classes, |a| a.bytes, "bar"),
        CLASSES.map(class_name).concat()
    );
}

fn tasks(out: &mut String, report: &Report, policy: &Policy, head: &Head<'_>) {
    let tasks = advice::tasks(report, policy, head.soon_days);
    out.push_str("<section id=\"todo\"><h2>What to do first</h2>\n");
    if tasks.is_empty() {
        out.push_str("<p>Nothing of what was seen asks for action.</p>\n</section>\n");
        return;
    }
    out.push_str("<ol class=\"todo\">\n");
    for task in tasks {
        let _ = writeln!(
            out,
            "<li><b>{}</b>{}</li>",
            markup::breakable(&task.what),
            markup::breakable(&task.how)
        );
    }
    out.push_str("</ol>\n</section>\n");
}

fn contents(out: &mut String, report: &Report) {
    let mut all = vec![
        ("evidence", "Evidence"),
        ("coverage", "Coverage"),
        ("servers", "Servers"),
        ("jobs", "Jobs"),
        ("clients", "Clients"),
        ("versions", "Protocol versions"),
        ("failed", "Failed handshakes"),
        ("findings", "What is weak"),
        ("certificates-section", "Certificates"),
    ];
    if report.timeline.bins.len() > 1 {
        all.push(("time", "Over time"));
    }
    all.push(("pairs", "Who talks to whom"));
    if !report.key_exchanges.is_empty() {
        all.push(("kex", "Key exchange"));
    }
    all.push(("input", "Files"));
    let links: Vec<String> =
        all.iter().map(|(id, name)| format!("<li><a href=\"#{id}\">{name}</a></li>")).collect();
    let _ = writeln!(out, "<nav aria-label=\"Contents\"><ul>{}</ul></nav>", links.concat());
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_page_is_a_page() {
        let head = Head { command: "zerttap read a<b", soon_days: 30, ..Head::default() };
        let page = page(&Report::default(), &Policy::default(), &head);
        assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"), "{page}");
        assert!(page.contains("a&lt;b") && page.contains("nothing can be concluded"), "{page}");
    }
}
