//! What the page concludes, and what it says is to be done first.

use super::super::ranking::{By, Classes};
use super::super::report::{Class, Finding, Report};
use super::super::table::{bytes, group};
use super::super::text::place;
use super::markup::percent;
use crate::policy::{Policy, Rule, Severity};

/// What is to be done first.
const FIRST: usize = 3;
/// Servers that are named.
const NAMED: usize = 3;

/// The conclusion in a sentence, and the class of the style that goes with it.
pub(super) fn conclusion(report: &Report, policy: &Policy) -> (String, &'static str) {
    let total = report.total().connections;
    let of = |class: Class| report.class(class).connections;
    let (unprotected, failed, weak) = (of(Class::Unprotected), of(Class::Failed), of(Class::Weak));
    let unknown = of(Class::Unknown);
    if total == 0 {
        let text = "No connection was seen, so nothing can be concluded about protection.";
        return (text.to_owned(), "");
    }
    let mut parts = Vec::new();
    if unprotected > 0 {
        let servers = report.ranking(By::Server).ranked();
        let bare =
            |(_, classes): &&(&str, &Classes)| Class::Unprotected.of(classes).connections > 0;
        let count = servers.iter().filter(bare).count() as u64;
        parts.push(format!(
            "{} ({}) to {} {} no recognised protection",
            counted(unprotected, "connection"),
            percent(unprotected, total),
            counted(count, "server"),
            if unprotected == 1 { "has" } else { "have" }
        ));
    }
    if weak > 0 {
        parts.push(format!("{} weak by policy {}", are(weak), policy.name));
    }
    if failed > 0 {
        parts.push(format!("the handshake of {} failed", group(failed)));
    }
    if unknown > 0 {
        parts.push(format!("of {} the capture does not show the protection", group(unknown)));
    }
    let seen = format!("Of {} that were seen,", counted(total, "connection"));
    match (unprotected + weak, failed + unknown) {
        (0, 0) => (
            format!("{seen} all are protected, and none is weak by policy {}.", policy.name),
            "is-good",
        ),
        (0, _) => (
            format!("{seen} none is proved to be unprotected or weak, but {}.", list(&parts)),
            "is-warn",
        ),
        _ => {
            let style = if unprotected > 0 { "is-bad" } else { "is-warn" };
            (format!("{seen} {}.", list(&parts)), style)
        }
    }
}

/// A thing to be done: what, and why and how.
pub(super) struct Task {
    pub what: String,
    pub how: String,
}

/// What is to be done first, the worst first.
pub(super) fn tasks(report: &Report, policy: &Policy, soon_days: i64) -> Vec<Task> {
    let mut tasks: Vec<Task> = unprotected(report).into_iter().collect();
    let found = report.ranked_findings(policy);
    let of = |severity: Severity| found.iter().filter(move |(rule, _)| rule.severity == severity);
    tasks.extend(of(Severity::Broken).map(|(rule, finding)| weak(rule, finding)));
    tasks.extend(of(Severity::Weak).map(|(rule, finding)| weak(rule, finding)));
    tasks.extend(failures(report));
    tasks.extend(certificates(report, soon_days));
    tasks.extend(unknown(report));
    tasks.truncate(FIRST);
    tasks
}

fn unprotected(report: &Report) -> Option<Task> {
    let amount = report.class(Class::Unprotected);
    let mut servers: Vec<_> = report.ranking(By::Server).ranked();
    servers.retain(|(_, classes)| Class::Unprotected.of(classes).connections > 0);
    let names: Vec<String> =
        servers.iter().take(NAMED).map(|(name, _)| (*name).to_owned()).collect();
    let links = servers.iter().any(|(name, _)| name.ends_with(" EE"));
    let links = if links { " Enterprise Extender, which is UDP, needs IPSec." } else { "" };
    (amount.connections > 0).then(|| Task {
        what: format!("Protect {}", named(&names, servers.len())),
        how: format!(
            "{} with {} crossed the network without recognised protection. On z/OS an AT-TLS rule for the port protects a server that knows nothing of TLS.{links} \u{201C}zerttap extract --protection none\u{201D} writes the packets that prove it.",
            counted(amount.connections, "connection"),
            bytes(amount.bytes)
        ),
    })
}

fn weak(rule: &Rule, finding: &Finding) -> Task {
    let names: Vec<String> = finding.servers.iter().take(NAMED).map(|s| place(*s)).collect();
    let advice = if rule.advice.is_empty() { "" } else { " " };
    Task {
        what: format!("End this: {}", rule.title),
        how: format!(
            "{} ({}), at {}.{advice}{}",
            counted(finding.amount.connections, "connection"),
            rule.severity.name(),
            named(&names, finding.servers.len()),
            rule.advice
        ),
    }
}

fn failures(report: &Report) -> Option<Task> {
    let (why, most) = report
        .failures
        .iter()
        .max_by_key(|(why, f)| (f.amount.connections, std::cmp::Reverse(*why)))?;
    let names: Vec<String> = most.servers.iter().take(NAMED).map(|s| place(*s)).collect();
    let failed = report.class(Class::Failed).connections;
    Some(Task {
        what: format!("Find out why {} failed", counted(failed, "handshake")),
        how: format!(
            "Most often: {why} ({}), at {}.",
            counted(most.amount.connections, "connection"),
            named(&names, most.servers.len())
        ),
    })
}

fn certificates(report: &Report, soon_days: i64) -> Option<Task> {
    let ending = report.ending(soon_days);
    let first = ending.first()?;
    let days = first.days_left();
    let when = match days {
        ..0 => format!("had expired {} before", counted(days.unsigned_abs(), "day")),
        n => format!("ends in {}", counted(n.unsigned_abs(), "day")),
    };
    Some(Task {
        what: format!("Renew {}", counted(ending.len() as u64, "certificate")),
        how: format!("The first, of {}, {when}.", place(first.server)),
    })
}

fn unknown(report: &Report) -> Option<Task> {
    let amount = report.class(Class::Unknown);
    let why = report.lacking.iter().max_by_key(|(_, amount)| amount.connections);
    (amount.connections > 0).then(|| Task {
        what: format!(
            "Capture what was not seen of {}",
            counted(amount.connections, "connection")
        ),
        how: format!(
            "Their protection is not known{}. Capture whole packets of both directions, from before connections begin.",
            why.map(|(why, _)| format!(", most often because {why}")).unwrap_or_default()
        ),
    })
}

/// Names, and how many more there are.
fn named(names: &[String], all: usize) -> String {
    let more = all.saturating_sub(names.len());
    if more == 0 {
        list(names)
    } else {
        format!("{} and {} more", names.join(", "), group(more as u64))
    }
}

/// Words with commas, and "and" before the last.
fn list(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [others @ .., last] => format!("{} and {last}", others.join(", ")),
    }
}

fn counted(n: u64, what: &str) -> String {
    format!("{} {what}{}", group(n), if n == 1 { "" } else { "s" })
}

fn are(n: u64) -> String {
    format!("{} {}", group(n), if n == 1 { "is" } else { "are" })
}
