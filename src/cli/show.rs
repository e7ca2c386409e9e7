//! `zerttap show`.

use std::io::{self, IsTerminal, Write};
use std::path::Path;

use anyhow::{Context, bail};

use super::args::Show;
use super::{DAMAGED, DONE, usage_tips};
use crate::config::Prefix;
use crate::dump::{self, Item};
use crate::record::{Record, SUBTYPE_DETAIL, SUBTYPE_SUMMARY, TYPE_TCPIP};
use crate::sink::records::{
    Column, Csv, FieldNames, Json, LaterBytes, Leef, Lines, RecordCounters, RecordSummary,
    Selection, all_columns, annotated, field_names, named_columns, tree,
};
use crate::sink::smf::SmfFile;
use crate::sink::{OutputFile, layout};

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
    /// Bytes that no field is known for.
    later: LaterBytes,
}

/// What becomes of the records that are wanted.
enum Target {
    Tree,
    Hex,
    Jsonl(Json),
    Csv(Box<Csv>),
    Lines(Box<Lines>),
    Leef(Box<Leef>),
    RecordCounters(Box<RecordCounters>),
    File(Box<SmfFile>),
}

/// Where text is printed.
enum Printer {
    /// Standard output, through what colours are for it.
    Standard(Box<dyn Write>),
    /// A file, without colours.
    File(OutputFile),
}

/// Text that is held back until there is much of it. It is whole records.
struct Text {
    printer: Printer,
    held: Vec<u8>,
}

impl Text {
    /// Opens the file that is named, or standard output.
    fn open(args: &Show) -> anyhow::Result<Self> {
        let printer = match args.form.output.as_deref() {
            Some(path) if path != Path::new("-") => {
                Printer::File(OutputFile::create(path, args.copy.force)?)
            }
            // What has no colours need not be looked through for them.
            _ if has_colours(args) => Printer::Standard(Box::new(anstream::stdout().lock())),
            _ => Printer::Standard(Box::new(io::stdout().lock())),
        };
        Ok(Self { printer, held: Vec::with_capacity(2 * BUFFER) })
    }

    /// Writes what is held back once there is much.
    fn write_many(&mut self) -> anyhow::Result<()> {
        if self.held.len() >= BUFFER { self.write() } else { Ok(()) }
    }

    /// Writes what is held back.
    fn write(&mut self) -> anyhow::Result<()> {
        match &mut self.printer {
            Printer::Standard(out) => {
                out.write_all(&self.held)?;
                out.flush()?;
            }
            Printer::File(file) => {
                file.write(&anstream::adapter::strip_bytes(&self.held).into_vec())?;
            }
        }
        self.held.clear();
        Ok(())
    }

    fn finish(mut self) -> anyhow::Result<()> {
        self.write()?;
        match self.printer {
            Printer::Standard(_) => Ok(()),
            Printer::File(file) => Ok(file.finish()?),
        }
    }
}

fn has_colours(args: &Show) -> bool {
    let form = &args.form;
    !(form.jsonl || form.csv || form.leef || form.layout.is_some())
}

/// Runs the command; returns the exit status.
pub(super) fn run(args: &Show) -> anyhow::Result<u8> {
    if args.form.fields == ["help"] {
        let mut out = io::stdout().lock();
        for name in field_names(args.form.names) {
            writeln!(out, "{name}")?;
        }
        return Ok(DONE);
    }
    if args.inputs.is_empty() && args.form.layout.is_none() {
        bail!("no input: name SMF files, or - for standard input");
    }
    if args.copy.force && args.copy.write.is_none() && args.form.output.is_none() {
        bail!("--force is for --write FILE and --output FILE");
    }
    if args.form.tz.is_some() && !args.form.leef {
        bail!("--tz is for --leef: other forms have times as the records have them");
    }
    let named = args.form.csv || args.form.jsonl || !args.form.fields.is_empty();
    if args.form.names != FieldNames::Ibm && !named {
        bail!("--names is for --csv, --jsonl and --lines --fields");
    }
    let mut target = target(args)?;
    let mut out = Text::open(args)?;
    if let Some(form) = args.form.layout {
        let text = layout::layout(form.into(), args.form.level, &args.selection.subtype);
        out.held.extend_from_slice(text.as_bytes());
        out.finish()?;
        return Ok(DONE);
    }
    match &target {
        Target::Csv(csv) => out.held.extend_from_slice(csv.head().as_bytes()),
        Target::Lines(lines) => out.held.extend_from_slice(&lines.head()),
        _ => {}
    }
    let selection = selection(args);
    let mut passed = SkippedRecords::default();
    let mut number = 0;
    'files: for path in &args.inputs {
        let name = path.display().to_string();
        let mut readers = dump::open(path).with_context(|| name.clone())?;
        for reader in &mut readers {
            let mut reader = reader.map_err(|error| usage_tips::no_records(path, error))?;
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
                    out.write()?;
                }
                match next.map_err(|error| usage_tips::no_records(Path::new(&name), error))? {
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
                            passed.later.look(&record);
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
    out.finish()?;
    if !args.quiet {
        note(&passed, args);
    }
    Ok(if passed.damaged > 0 && args.fail_on_damage { DAMAGED } else { DONE })
}

fn target(args: &Show) -> anyhow::Result<Target> {
    let form = &args.form;
    let named = named(args)?;
    Ok(if let Some(path) = &args.copy.write {
        Target::File(Box::new(SmfFile::create(path, args.copy.written.options(args.copy.force))?))
    } else if form.summary {
        Target::RecordCounters(Box::default())
    } else if form.jsonl {
        Target::Jsonl(Json::new(form.names, named))
    } else if form.csv {
        let columns = named.unwrap_or_else(|| all_columns(&args.selection.subtype, form.names));
        Target::Csv(Box::new(Csv::new(&columns, form.meanings)))
    } else if form.lines {
        Target::Lines(Box::new(Lines::new(named, terminal(args))))
    } else if form.leef {
        Target::Leef(Box::new(Leef::new(form.tz.clone())))
    } else if form.hex {
        Target::Hex
    } else {
        Target::Tree
    })
}

/// The columns of the terminal that is printed to, if one is.
fn terminal(args: &Show) -> Option<usize> {
    /// Of one that does not say how many it has.
    const USUAL_WIDTH: usize = 80;
    let width = || terminal_size::terminal_size().map_or(USUAL_WIDTH, |(w, _)| usize::from(w.0));
    (args.form.output.is_none() && io::stdout().is_terminal()).then(width)
}

/// The columns that were asked for.
///
/// # Errors
/// If a name is that of no field, or the form has no columns.
fn named(args: &Show) -> anyhow::Result<Option<Vec<Column>>> {
    let form = &args.form;
    if form.fields.is_empty() {
        return Ok(None);
    }
    if !(form.csv || form.jsonl || form.lines) {
        bail!("--fields are the columns of --csv and --lines, or the fields of --jsonl");
    }
    match named_columns(&form.fields, form.names) {
        Ok(columns) => Ok(Some(columns)),
        Err(wrong) => {
            let near = usage_tips::near(&wrong, field_names(form.names).into_iter());
            bail!("--fields: no field is called {wrong}{near}; --fields help lists them")
        }
    }
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
        out: &mut Text,
        record: &Record<'_>,
        glance: &RecordSummary,
        (number, offset): (u64, u64),
    ) -> anyhow::Result<()> {
        let held = &mut out.held;
        match self {
            Self::Tree => tree(held, record, number, offset)?,
            Self::Hex => annotated(held, record, number, offset)?,
            Self::Jsonl(json) => {
                json.object(held, record, offset);
                held.push(b'\n');
            }
            Self::Csv(csv) => csv.row(held, record),
            Self::Lines(lines) => lines.line(held, record),
            Self::Leef(leef) => leef.event(held, record),
            Self::RecordCounters(counts) => counts.add(record, glance),
            Self::File(file) => file.record(record.bytes())?,
        }
        out.write_many()
    }

    /// Takes a record of another kind into the copy.
    fn copy(&mut self, record: &Record<'_>) -> anyhow::Result<()> {
        match self {
            Self::File(file) => Ok(file.record(record.bytes())?),
            _ => Ok(()),
        }
    }

    fn finish(self, out: &mut Text, json: bool) -> anyhow::Result<()> {
        match self {
            Self::RecordCounters(counts) if json => writeln!(out.held, "{}", counts.json())?,
            Self::RecordCounters(counts) => write!(out.held, "{}", counts.text())?,
            Self::File(file) => file.finish()?,
            _ => {}
        }
        Ok(())
    }
}

fn note(passed: &SkippedRecords, args: &Show) {
    if passed.later.records > 0 && args.copy.write.is_none() {
        let text = format!(
            "{} records have bytes that no known field has, as a later release may write them; \
             the tree, --hex and --jsonl show them",
            passed.later.records
        );
        super::notify("note", &text);
    }
    if args.copy.all {
        return;
    }
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
