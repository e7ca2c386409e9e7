//! The report as one HTML page.

use std::fmt::Write;

use super::super::outcome::Outcome;
use super::{Judgement, Limits, Section, sections};
use crate::sink::html::{Cell, Kind, begin, end, escape, table};
use crate::sink::table::group;

/// The report as a page that needs nothing else.
pub fn page(outcome: &Outcome, limits: &Limits, files: &[String]) -> String {
    let mut out = String::new();
    begin(&mut out, "zERT records and the wire");
    out.push_str("<header><h1>zERT records and the wire</h1>\n");
    let class = match limits.judge(outcome) {
        Judgement::Agree => "is-good",
        Judgement::Disagree => "is-bad",
        Judgement::CannotJudge => "is-warn",
    };
    for (n, section) in sections(outcome, limits, files).iter().enumerate() {
        if n == 0 {
            let first = section.notes.first().map(|note| escape(note)).unwrap_or_default();
            let _ = writeln!(
                out,
                "<p class=\"verdict {class}\" id=\"conclusion\">{first}</p></header>\n<main>"
            );
            numbers(&mut out, outcome);
        } else {
            let _ = writeln!(out, "<section><h2>{}</h2>", escape(&section.title));
        }
        for note in section.notes.iter().skip(usize::from(n == 0)) {
            let _ = writeln!(out, "<p class=\"soft\">{}</p>", escape(note));
        }
        if !section.rows.is_empty() {
            rows(&mut out, n, section);
        }
        if n > 0 {
            out.push_str("</section>\n");
        }
    }
    out.push_str(
        "<p class=\"soft\">What the wire does not show is not observable, and never called a \
         contradiction.</p>\n</main>\n",
    );
    end(&mut out);
    out
}

fn rows(out: &mut String, n: usize, section: &Section) {
    let number = |cell: &String| cell.replace(',', "").parse::<i64>().ok();
    let heads: Vec<String> = section
        .head
        .iter()
        .map(|head| if head.is_empty() { "what".to_owned() } else { head.to_lowercase() })
        .collect();
    let columns: Vec<(&str, Kind)> = heads
        .iter()
        .enumerate()
        .map(|(column, head)| {
            let mut cells = section.rows.iter().filter_map(|row| row.get(column));
            let kind =
                if cells.all(|cell| number(cell).is_some()) { Kind::Number } else { Kind::Text };
            (head.as_str(), kind)
        })
        .collect();
    let cells = |row: &Vec<String>| -> Vec<Cell> {
        let cell = |(cell, (_, kind)): (&String, &(&str, Kind))| match (kind, number(cell)) {
            (Kind::Number, Some(order)) => Cell::ordered(cell.clone(), order),
            _ => Cell::text(cell),
        };
        row.iter().zip(&columns).map(cell).collect()
    };
    let rows: Vec<Vec<Cell>> = section.rows.iter().map(cells).collect();
    let caption = if section.title.is_empty() { "In numbers" } else { &section.title };
    table(out, &format!("table-{n}"), caption, &columns, &rows);
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
