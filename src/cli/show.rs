//! `zerttap show`.

use std::io::{self, Write};

use anyhow::Context;

use super::args::Show;
use super::{DAMAGED, DONE};
use crate::config::Prefix;
use crate::dump::{self, Item};
use crate::record::{Record, SUBTYPE_DETAIL, SUBTYPE_SUMMARY, TYPE_TCPIP};
use crate::sink::layout;
use crate::sink::records::{Csv, Json, RecordCounters, RecordSummary, Selection, annotated, tree};
use crate::sink::smf::SmfFile;

/// Places of damage that are printed of one file; the rest is counted.
const SHOWN_DAMAGE: u64 = 10;
/// Output that is held back until there is so much of it.
const BUFFER: usize = 256 * 1024;

/// What was not printed, and what was wrong.
#[derive(Default)]
struct SkippedRecords {
    other_types: u64,
    other_subtypes: u64,
    /// zERT records whose common section is too short to be read.
    unreadable: u64,
    damaged: u64,
}

/// What becomes of the records that are wanted.
enum Target {
    Tree,
    Hex,
    Jsonl(Json, Vec<u8>),
    Csv(Box<Csv>, Vec<u8>),
    RecordCounters(Box<RecordCounters>),
    File(Box<SmfFile>),
}

/// Runs the command; returns the exit status.
pub(super) fn run(args: &Show) -> anyhow::Result<u8> {
    // What has no colours need not be looked through for them.
    let coloured = !(args.form.jsonl || args.form.csv || args.form.layout.is_some());
    let out: Box<dyn Write> =
        if coloured { Box::new(anstream::stdout().lock()) } else { Box::new(io::stdout().lock()) };
    let mut out = io::BufWriter::with_capacity(BUFFER, out);
    if let Some(form) = args.form.layout {
        let text = layout::layout(form.into(), args.form.level, &args.selection.subtype);
        out.write_all(text.as_bytes())?;
        out.flush()?;
        return Ok(DONE);
    }
    let mut target = target(args)?;
    if let Target::Csv(csv, _) = &target {
        out.write_all(csv.head().as_bytes())?;
    }
    let selection = selection(args);
    let mut passed = SkippedRecords::default();
    let mut number = 0;
    'files: for path in &args.inputs {
        let name = path.display().to_string();
        let mut readers = dump::open(path).with_context(|| name.clone())?;
        for reader in &mut readers {
            let mut reader = reader.with_context(|| name.clone())?;
            let name = reader.name();
            if reader.is_empty() {
                // A run with nothing to record writes such a file: no error.
                if !args.quiet {
                    super::notify("warning", &format!("{name}: offset 0: the file is empty"));
                }
                continue;
            }
            let mut damaged = 0;
            loop {
                if args.selection.head.is_some_and(|head| number >= head) {
                    break 'files;
                }
                let next = reader.next_item();
                if next.is_err() {
                    // What was good before is printed before the error.
                    target.flush(&mut out)?;
                }
                match next.with_context(|| name.clone())? {
                    None => break,
                    Some(Item::Damage(damage)) => {
                        damaged += 1;
                        if damaged <= SHOWN_DAMAGE && !args.quiet {
                            let text = format!("{name}: {damage}");
                            super::notify("warning", &text);
                        }
                    }
                    Some(Item::Note(note)) => {
                        if !args.quiet {
                            super::notify("note", &format!("{name}: {note}"));
                        }
                    }
                    Some(Item::Record { offset, bytes }) => {
                        let record = Record::parse(bytes)
                            .with_context(|| format!("{name}: offset {offset}"))?;
                        if let Some(glance) = wanted(&record, &selection, &mut passed) {
                            number += 1;
                            target.take(&mut out, &record, &glance, (number, offset))?;
                        } else if args.copy.all && !is_zert(&record) {
                            target.copy(&record)?;
                        }
                    }
                }
            }
            if damaged > SHOWN_DAMAGE && !args.quiet {
                let text = format!("{name}: {} more damaged places", damaged - SHOWN_DAMAGE);
                super::notify("warning", &text);
            }
            passed.damaged += damaged;
        }
        for note in readers.notes().iter().filter(|_| !args.quiet) {
            super::notify("note", note);
        }
    }
    target.finish(&mut out, args.form.jsonl)?;
    out.flush()?;
    if !args.quiet && !args.copy.all {
        note(&passed);
    }
    Ok(if passed.damaged > 0 && args.fail_on_damage { DAMAGED } else { DONE })
}

fn target(args: &Show) -> anyhow::Result<Target> {
    Ok(if let Some(path) = &args.copy.write {
        Target::File(Box::new(SmfFile::create(path, args.copy.written.options(args.copy.force))?))
    } else if args.form.summary {
        Target::RecordCounters(Box::default())
    } else if args.form.jsonl {
        Target::Jsonl(Json::default(), Vec::with_capacity(2 * BUFFER))
    } else if args.form.csv {
        Target::Csv(
            Box::new(Csv::new(&args.selection.subtype, args.form.meanings)),
            Vec::with_capacity(2 * BUFFER),
        )
    } else if args.form.hex {
        Target::Hex
    } else {
        Target::Tree
    })
}

fn selection(args: &Show) -> Selection<Prefix> {
    let wanted = &args.selection;
    Selection {
        subtypes: wanted.subtype.clone(),
        events: wanted.event.clone(),
        protocols: wanted.protocol.iter().map(|p| p.flag()).collect(),
        addresses: wanted.ip.clone(),
        ports: wanted.port.clone(),
        jobs: wanted.job.clone(),
        sids: wanted.sid.clone(),
        stacks: wanted.stack.clone(),
        since: wanted.since,
        until: wanted.until,
    }
}

fn is_zert(record: &Record<'_>) -> bool {
    record.record_type() == TYPE_TCPIP
        && matches!(record.subtype(), Some(SUBTYPE_DETAIL | SUBTYPE_SUMMARY))
}

/// What is asked of a record, if it is wanted.
fn wanted(
    record: &Record<'_>,
    selection: &Selection<Prefix>,
    passed: &mut SkippedRecords,
) -> Option<RecordSummary> {
    if record.record_type() != TYPE_TCPIP {
        passed.other_types += 1;
        return None;
    }
    if !is_zert(record) {
        passed.other_subtypes += 1;
        return None;
    }
    let Some(glance) = RecordSummary::of(record) else {
        passed.unreadable += 1;
        return None;
    };
    selection.wants(&glance, |prefix, address| prefix.contains(address)).then_some(glance)
}

impl Target {
    fn take(
        &mut self,
        out: &mut impl Write,
        record: &Record<'_>,
        glance: &RecordSummary,
        (number, offset): (u64, u64),
    ) -> anyhow::Result<()> {
        match self {
            Self::Tree => tree(out, record, number, offset)?,
            Self::Hex => annotated(out, record, number, offset)?,
            Self::Jsonl(json, lines) => {
                json.object(lines, record, offset);
                lines.push(b'\n');
                write_many(out, lines)?;
            }
            Self::Csv(csv, lines) => {
                csv.row(lines, record);
                write_many(out, lines)?;
            }
            Self::RecordCounters(counts) => counts.add(record, glance),
            Self::File(file) => file.record(record.bytes())?,
        }
        Ok(())
    }

    /// Takes a record of another kind into the copy.
    fn copy(&mut self, record: &Record<'_>) -> anyhow::Result<()> {
        match self {
            Self::File(file) => Ok(file.record(record.bytes())?),
            _ => Ok(()),
        }
    }

    fn finish(self, out: &mut impl Write, json: bool) -> anyhow::Result<()> {
        match self {
            Self::RecordCounters(counts) if json => writeln!(out, "{}", counts.json())?,
            Self::RecordCounters(counts) => write!(out, "{}", counts.text())?,
            Self::File(file) => file.finish()?,
            Self::Jsonl(_, lines) | Self::Csv(_, lines) => out.write_all(&lines)?,
            Self::Tree | Self::Hex => {}
        }
        Ok(())
    }

    /// Writes what is held back.
    fn flush(&mut self, out: &mut impl Write) -> io::Result<()> {
        if let Self::Jsonl(_, lines) | Self::Csv(_, lines) = self {
            out.write_all(lines)?;
            lines.clear();
        }
        out.flush()
    }
}

/// Writes lines once there are many: as many as go through the writer's buffer in one.
fn write_many(out: &mut impl Write, lines: &mut Vec<u8>) -> io::Result<()> {
    if lines.len() >= BUFFER {
        out.write_all(lines)?;
        lines.clear();
    }
    Ok(())
}

fn note(passed: &SkippedRecords) {
    if passed.other_types + passed.other_subtypes > 0 {
        let text = format!(
            "passed over {} records of other types and {} of other subtypes of type 119",
            passed.other_types, passed.other_subtypes
        );
        super::notify("note", &text);
    }
    if passed.unreadable > 0 {
        let text = format!(
            "passed over {} zERT records without a common section that can be read",
            passed.unreadable
        );
        super::notify("warning", &text);
    }
}
