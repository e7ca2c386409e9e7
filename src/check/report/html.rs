//! The report as one HTML page.

use std::fmt::Write;

use super::super::outcome::Outcome;
use super::{Judgement, Limits, sections};
use crate::sink::html::{STYLE, escape};
use crate::sink::table::group;

/// Characters of a cell that are kept together.
const SHORT: usize = 28;

/// The report as a page that needs nothing else.
pub fn page(outcome: &Outcome, limits: &Limits, files: &[String]) -> String {
    let mut out = String::new();
    let _ = write!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>zERT records and the wire</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <h1>zERT records and the wire</h1>\n"
    );
    let class = match limits.judge(outcome) {
        Judgement::Agree => "",
        Judgement::Disagree => " class=\"bad\"",
        Judgement::CannotJudge => " class=\"warn\"",
    };
    for (n, section) in sections(outcome, limits, files).iter().enumerate() {
        if n == 0 {
            let first = section.notes.first().map(|note| escape(note)).unwrap_or_default();
            let _ = writeln!(out, "<p{class}><b>{first}</b></p>");
            numbers(&mut out, outcome);
        } else {
            let _ = writeln!(out, "<h2>{}</h2>", escape(&section.title));
        }
        for note in section.notes.iter().skip(usize::from(n == 0)) {
            let _ = writeln!(out, "<p class=\"soft\">{}</p>", escape(note));
        }
        if section.rows.is_empty() {
            continue;
        }
        out.push_str("<table>\n<tr>");
        for head in &section.head {
            let _ = write!(out, "<th>{}</th>", escape(&head.to_lowercase()));
        }
        out.push_str("</tr>\n");
        // Short columns are not broken.
        let short = |column: usize| {
            let cells = section.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0) <= SHORT
        };
        let short: Vec<bool> = (0..section.head.len()).map(short).collect();
        for row in &section.rows {
            out.push_str("<tr>");
            for (cell, short) in row.iter().zip(&short) {
                let style = if *short { " style=\"white-space: nowrap\"" } else { "" };
                let _ = write!(out, "<td{style}>{}</td>", escape(cell));
            }
            out.push_str("</tr>\n");
        }
        out.push_str("</table>\n");
    }
    out.push_str(
        "<p class=\"soft\">What the wire does not show is not observable, and never called a \
         contradiction.</p>\n</body>\n</html>\n",
    );
    out
}

fn numbers(out: &mut String, outcome: &Outcome) {
    out.push_str("<div class=\"numbers\">\n");
    for (value, what, bad) in [
        (outcome.connections.pairs, "connections on both sides", false),
        (outcome.intervals.pairs, "intervals on both sides", false),
        (outcome.contradictions(), "with contradictions or faults", true),
        (outcome.missing_count(), "missing on one side", true),
    ] {
        let class = if bad && value > 0 { " class=\"bad\"" } else { "" };
        let _ = writeln!(out, "<div><b{class}>{}</b>{what}</div>", group(value));
    }
    out.push_str("</div>\n");
}
