//! `zerttap names`.

use std::io::{BufWriter, Write};

use anyhow::bail;
use serde_json::{Map, json};

use super::args::Names;
use super::{DONE, usage_tips};
use crate::names::catalog::{Listing, listings};
use crate::sink::jsonl::SCHEMA;

/// Runs the command; returns the exit status.
pub(super) fn run(args: &Names) -> anyhow::Result<u8> {
    let all = listings();
    let mut out = BufWriter::new(anstream::stdout().lock());
    let chosen: Vec<&Listing> = match &args.table {
        None if !args.json => {
            overview(&mut out, &all)?;
            out.flush()?;
            return Ok(DONE);
        }
        None => all.iter().collect(),
        Some(id) => {
            let Some(found) = all.iter().find(|t| t.id.eq_ignore_ascii_case(id)) else {
                let near = usage_tips::near(id, all.iter().map(|t| t.id.as_str()));
                bail!("no table is called {id}{near}; `zerttap names` lists them");
            };
            vec![found]
        }
    };
    for table in chosen {
        if args.json {
            writeln!(out, "{}", object(table))?;
        } else {
            print(&mut out, table)?;
        }
    }
    out.flush()?;
    Ok(DONE)
}

fn overview(out: &mut impl Write, all: &[Listing]) -> std::io::Result<()> {
    let rows = all
        .iter()
        .map(|t| vec![t.id.clone(), t.rows.len().to_string(), t.title.clone()])
        .collect::<Vec<_>>();
    columns(out, &["table", "entries", "about"], &rows)
}

fn print(out: &mut impl Write, table: &Listing) -> std::io::Result<()> {
    let bold = anstyle::Style::new().bold();
    writeln!(out, "{bold}{}{bold:#}: {}\n", table.id, table.title)?;
    columns(out, &table.columns, &table.rows)
}

/// Rows in columns, each as wide as its widest cell.
fn columns(out: &mut impl Write, heads: &[&str], rows: &[Vec<String>]) -> std::io::Result<()> {
    let width = |(n, head): (usize, &&str)| {
        let cells = rows.iter().filter_map(|r| r.get(n)).map(|c| c.chars().count());
        cells.chain([head.len()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = heads.iter().enumerate().map(width).collect();
    let mut line = |cells: &mut dyn Iterator<Item = String>| {
        let padded: Vec<String> =
            cells.zip(&widths).map(|(cell, &width)| format!("{cell:width$}")).collect();
        writeln!(out, "{}", padded.join("  ").trim_end())
    };
    line(&mut heads.iter().map(|h| h.to_uppercase()))?;
    for row in rows {
        line(&mut row.iter().cloned())?;
    }
    Ok(())
}

/// One JSON object a table.
fn object(table: &Listing) -> serde_json::Value {
    let entries: Vec<_> = table
        .rows
        .iter()
        .map(|row| {
            let cells = table.columns.iter().zip(row);
            cells.map(|(k, v)| (k.replace(' ', "_"), json!(v))).collect::<Map<_, _>>()
        })
        .collect();
    json!({
        "schema": SCHEMA,
        "type": "names",
        "table": table.id,
        "title": table.title,
        "entries": entries,
    })
}
