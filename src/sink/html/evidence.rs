//! What the page is made from: program, options, files, what they cover and what was not seen.

use std::fmt::Write;

use super::super::report::Report;
use super::super::table::{bytes, group};
use super::markup::{Cell, Kind, amount, breakable, escape, more, table};
use super::{LISTED, short_time};
use crate::policy::Policy;

/// A file that was read.
#[derive(Clone, Debug)]
pub struct InputFile {
    /// Its name.
    pub name: String,
    /// Its size in bytes and its SHA-256 in hexadecimal, or why they are not known.
    pub content: Result<(u64, String), String>,
}

/// A system that the settings name.
#[derive(Clone, Debug, Default)]
pub struct System {
    /// Names of SMF identifier, system, sysplex, stack, as far as they are given.
    pub names: String,
    /// Its addresses; empty if none are given.
    pub home: Vec<String>,
}

/// What the page says of the run as a whole.
#[derive(Clone, Debug, Default)]
pub struct Head<'a> {
    /// The command line.
    pub command: &'a str,
    /// When the page was made, as the options say.
    pub made: Option<&'a str>,
    /// Files that were read.
    pub files: &'a [InputFile],
    /// The systems of the settings.
    pub systems: &'a [System],
    /// Packets that were read.
    pub packets: u64,
    /// The packet clock at the first and after the last packet.
    pub period: Option<[i64; 2]>,
    /// Packets, and what became of them: a line each.
    pub coverage: &'a [(String, u64)],
    /// What was not followed, and why: lines of text.
    pub left_out: &'a str,
    /// Certificates that end within so many days are listed.
    pub soon_days: i64,
}

/// Files that are listed.
const FILES: usize = 1000;
/// Characters of the command that are shown with the other options; all of it stands below
/// the files.
const COMMAND: usize = 300;

/// Above everything: of which systems and which time.
pub(super) fn subject(head: &Head<'_>) -> String {
    let systems: Vec<&str> =
        head.systems.iter().map(|s| s.names.as_str()).filter(|n| !n.is_empty()).collect();
    let systems =
        if systems.is_empty() { String::new() } else { format!("{}; ", systems.join(", ")) };
    systems + &period(head)
}

fn period(head: &Head<'_>) -> String {
    match head.period {
        Some([first, last]) => format!("{} to {} UTC", short_time(first), short_time(last)),
        None => "no packets".to_owned(),
    }
}

/// What was read, by what, with which options.
pub(super) fn evidence(out: &mut String, policy: &Policy, head: &Head<'_>) {
    out.push_str("<section id=\"evidence\"><h2>What this report is made from</h2>\n<dl>\n");
    let mut entry = |term: &str, html: &str| {
        let _ = writeln!(out, "<dt>{}</dt><dd>{html}</dd>", escape(term));
    };
    entry("Program", &format!("zerttap {}", escape(env!("CARGO_PKG_VERSION"))));
    entry(
        "Made",
        &head.made.map_or_else(
            || "not said (--report-time); the same input and options make the same page".to_owned(),
            escape,
        ),
    );
    let command: String = head.command.chars().take(COMMAND).collect();
    let rest =
        if command.len() < head.command.len() { "… (<a href=\"#input\">whole</a>)" } else { "" };
    entry("Command", &format!("<code>{}</code>{rest}", breakable(&command)));
    entry("Policy", &format!("{} ({})", breakable(&policy.name), breakable(&policy.source)));
    entry("Packets from, to", &escape(&period(head)));
    for system in head.systems {
        let names = if system.names.is_empty() { "not named" } else { &system.names };
        entry("System", &breakable(names));
        let home = if system.home.is_empty() {
            "not given (--home): every server is taken for the z/OS stack".to_owned()
        } else {
            let shown: Vec<String> =
                system.home.iter().take(LISTED).map(|a| breakable(a)).collect();
            let rest = system.home.len().saturating_sub(LISTED);
            let rest =
                if rest > 0 { format!(" and {} more", group(rest as u64)) } else { String::new() };
            shown.join(", ") + &rest
        };
        entry("Its addresses", &home);
    }
    let total: u64 = head.files.iter().filter_map(|f| f.content.as_ref().ok()).map(|c| c.0).sum();
    let files = match head.files {
        [file] => breakable(&file.name),
        files => format!("{} files", group(files.len() as u64)),
    };
    entry(
        "Files",
        &format!("{files}, {} (<a href=\"#input\">SHA-256</a>)", breakable(&bytes(total))),
    );
    out.push_str("</dl>\n</section>\n");
}

/// The files that were read, and how their content can be known again.
pub(super) fn files(out: &mut String, head: &Head<'_>) {
    out.push_str("<section id=\"input\"><h2>Files that were read</h2>\n");
    let rows: Vec<Vec<Cell>> = head
        .files
        .iter()
        .take(FILES)
        .map(|file| {
            let (size, digest) = match &file.content {
                Ok((size, digest)) => {
                    (Cell::bytes(*size), format!("<code>{}</code>", breakable(digest)))
                }
                Err(why) => (Cell::text("not known"), breakable(why)),
            };
            vec![Cell::text(&file.name), size, Cell::html(digest)]
        })
        .collect();
    table(
        out,
        "files",
        "Size and SHA-256 of each, as it was after reading",
        &[("file", Kind::Text), ("size", Kind::Number), ("SHA-256", Kind::Text)],
        &rows,
    );
    more(out, head.files.len(), FILES, "sha256sum tells those of the others");
    if head.command.chars().count() > COMMAND {
        let _ = writeln!(
            out,
            "<p>The whole command:</p>\n<p><code>{}</code></p>",
            breakable(head.command)
        );
    }
    out.push_str("</section>\n");
}

/// What became of the packets, and what could not be seen.
pub(super) fn coverage(out: &mut String, report: &Report, head: &Head<'_>) {
    out.push_str("<section id=\"coverage\"><h2>Coverage: what was seen and what was not</h2>\n");
    let mut lines = head.left_out.lines();
    if let Some(first) = lines.next() {
        let _ = writeln!(out, "<div id=\"left-out\"><p class=\"warn\">{}</p>", escape(first));
        let rest: Vec<String> =
            lines.map(|line| format!("<li>{}</li>", breakable(line.trim()))).collect();
        if !rest.is_empty() {
            let _ = writeln!(out, "<ul>{}</ul>", rest.concat());
        }
        out.push_str("</div>\n");
    }
    let rows: Vec<Vec<Cell>> = head
        .coverage
        .iter()
        .map(|(what, count)| vec![Cell::text(what), Cell::number(*count)])
        .collect();
    table(
        out,
        "packets",
        "What was read, and what became of it",
        &[("what", Kind::Text), ("number", Kind::Number)],
        &rows,
    );
    if report.lacking.is_empty() {
        out.push_str("<p>Of every connection that is counted here the capture shows both directions from the beginning, without gaps.</p>\n");
    } else {
        let rows: Vec<Vec<Cell>> = report
            .lacking
            .iter()
            .map(|(why, sum)| std::iter::once(Cell::text(why)).chain(amount(*sum)).collect())
            .collect();
        table(
            out,
            "lacking",
            "Connections of which the capture lacks something",
            &[("why", Kind::Text), ("connections", Kind::Number), ("bytes", Kind::Number)],
            &rows,
        );
    }
    out.push_str("</section>\n");
}
