//! The report as text.

use super::super::outcome::Outcome;
use super::{Limits, Section, sections};
use crate::printable::{Printable, printable};

/// Characters of a cell that are printed on a terminal; the last column has what is left.
const CELL: usize = 44;

/// The report as text; `files` are the names of the stack's files, then the tap's. For a
/// terminal long cells are cut.
pub fn text(outcome: &Outcome, limits: &Limits, files: &[String], terminal: bool) -> String {
    let most = if terminal { CELL } else { usize::MAX };
    let mut out = String::new();
    for section in sections(outcome, limits, files) {
        if !section.title.is_empty() {
            out += &format!("\n{}\n", section.title);
        }
        for note in &section.notes {
            let note = Printable(note);
            out += &format!("{}{note}\n", if section.title.is_empty() { "" } else { "  " });
        }
        table(&mut out, &section, most);
    }
    out
}

fn table(out: &mut String, section: &Section, most: usize) {
    if section.rows.is_empty() {
        return;
    }
    let head: Vec<String> = section.head.iter().map(|h| (*h).to_owned()).collect();
    let shown = |row: &Vec<String>| row.iter().map(|cell| printable(cell).into_owned()).collect();
    let rows: Vec<Vec<String>> = section.rows.iter().map(shown).collect();
    let all: Vec<&Vec<String>> = std::iter::once(&head).chain(&rows).collect();
    let columns = head.len();
    let width = |column: usize| {
        let cells = all.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0).min(most)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for row in all {
        let mut line = String::from("  ");
        for (n, (cell, width)) in row.iter().zip(&widths).enumerate() {
            if n + 1 == columns {
                line += cell;
            } else {
                let cell = cut(cell, *width);
                line += &format!("{cell:<width$}  ");
            }
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
}

/// A cell that is too long is cut in the middle.
fn cut(cell: &str, width: usize) -> String {
    let count = cell.chars().count();
    if count <= width {
        return cell.to_owned();
    }
    let half = (width - 1) / 2;
    let start: String = cell.chars().take(width - 1 - half).collect();
    let end: String = cell.chars().skip(count - half).collect();
    format!("{start}…{end}")
}
