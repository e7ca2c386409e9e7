//! `zerttap read`.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};

use super::args::Read;
use super::left_out::LeftOut;
use super::read_args::{KeyPart, ReadOptions};
use super::settings_file::Sources;
use super::stack_args::Configured;
use super::{DAMAGED, DONE, INTERRUPTED, memory, report_page, schema, time_notes, usage_tips};
use crate::config::{self, MAX_CONNECTIONS, MAX_HELD, MAX_SESSIONS, Mode, Settings, Stack, Stacks};
use crate::pipeline::{self, FrameOptions, Ledger, Output, RequestedOutputs, RunError, Tuning};
use crate::policy::Policy;
use crate::profile::Profile;
use crate::sink::OutputFile;
use crate::sink::connection_csv::ConnectionCsv;
use crate::sink::file::OutputError;
use crate::sink::report::{Report, Row};
use crate::sink::smf::SmfFile;
use crate::sink::table::{self, Layout};
use crate::sink::{jsonl, text};
use crate::source::{CaptureSet, Filter, SetOptions};

/// Input from which on progress is shown.
const LARGE: u64 = 64 * 1024 * 1024;

/// Places of damage that are printed; the ledger has the number.
const SHOWN_DAMAGE: usize = 10;

/// The outputs of a run.
#[derive(Default)]
struct Outputs {
    records: Option<SmfFile>,
    /// Records written, by subtype.
    written: BTreeMap<u8, u64>,
    lines: Option<OutputFile>,
    csv: Option<(OutputFile, ConnectionCsv)>,
    report: Report,
    policy: Policy,
}

impl Output for Outputs {
    type Error = OutputError;

    fn record(&mut self, _: usize, bytes: &[u8]) -> Result<(), OutputError> {
        /// Where the header has the second byte of the subtype.
        const SUBTYPE: usize = 23;
        *self.written.entry(bytes.get(SUBTYPE).copied().unwrap_or(0)).or_default() += 1;
        self.records.as_mut().map_or(Ok(()), |f| f.record(bytes))
    }

    fn line(&mut self, line: &[u8]) -> Result<(), OutputError> {
        if let Some((file, csv)) = &mut self.csv
            && let Some(row) = csv.row(line)
        {
            file.write(row.as_bytes())?;
        }
        self.lines.as_mut().map_or(Ok(()), |f| f.write(line))
    }

    fn row(&mut self, row: Row) {
        self.report.add(row, &self.policy);
    }
}

/// Runs the command; returns the exit status.
pub(super) fn run(read: &Read, sources: &Sources) -> anyhow::Result<u8> {
    let args = &read.options;
    if let Some(status) = check_fields(read)? {
        return Ok(status);
    }
    if read.inputs.is_empty() {
        bail!("no input: name capture files, directories of them, or - for standard input");
    }
    let standard_outputs = [&args.write, &args.jsonl, &args.stats, &args.report, &read.csv]
        .into_iter()
        .filter(|o| o.as_deref() == Some(Path::new("-")))
        .count();
    if standard_outputs > 1 {
        bail!("only one of --write, --jsonl, --csv, --stats and --report can be standard output");
    }
    if let Some(path) = args.write.as_deref().filter(|p| usage_tips::is_named_as_capture(p)) {
        let text = format!(
            "{}: SMF records are written there; packets are written by \"zerttap extract\"",
            path.display()
        );
        super::notify("warning", &text);
    }
    let stacks = stacks(args, sources)?;
    note_profiles(args, &stacks);
    let zone = stacks.first().map_or(jiff::tz::TimeZone::UTC, |c| c.stack.zone.clone());
    let period = read.period.range(&zone)?;
    let settings = settings(args, stacks.into_iter().map(|c| c.stack).collect())?;
    let filter = args.filter.as_deref().map(Filter::new).transpose()?;
    let tuning = tuning(args);
    let mut set = CaptureSet::open(
        &read.inputs,
        SetOptions { filter, period, before: tuning.files_before() },
    )
    .map_err(usage_tips::not_a_capture)?;

    let create = |path: &Option<PathBuf>| {
        path.as_deref().map(|p| OutputFile::create(p, args.force)).transpose()
    };
    let mut outputs = Outputs {
        records: args
            .write
            .as_deref()
            .map(|p| SmfFile::create(p, args.written.options(args.force)))
            .transpose()?,
        lines: create(&args.jsonl)?,
        csv: csv(read, create(&read.csv)?)?,
        policy: settings.policy.clone(),
        ..Outputs::default()
    };
    let stats = create(&args.stats)?;
    let report_file = create(&args.report)?;
    let for_people = [&args.write, &args.jsonl, &args.stats, &args.report, &read.csv]
        .iter()
        .all(|o| o.is_none());
    let stacks = settings.stacks.list();
    let wants = RequestedOutputs {
        detail: args.write.is_some() && stacks.iter().any(|s| s.detail),
        summary: args.write.is_some() && stacks.iter().any(|s| s.summary),
        json: args.jsonl.is_some() || read.csv.is_some(),
        rows: for_people || args.report.is_some(),
    };

    let stop = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&stop);
    ctrlc::set_handler(move || {
        if seen.swap(true, Ordering::Relaxed) {
            // The second time the user does not want to wait.
            std::process::exit(INTERRUPTED.into());
        }
    })
    .context("cannot watch for interrupts")?;

    let memory = memory::Watch::start(args, &stop);
    let bar = progress_bar(read);
    let mut progress = |bytes: u64| {
        if let Some(bar) = &bar {
            bar.set_position(bytes);
        }
    };
    let (ledger, result) =
        pipeline::run(&mut set, &settings, wants, tuning, &mut outputs, &stop, &mut progress);
    if let Some(bar) = &bar {
        bar.finish_and_clear();
    }
    let error: Option<anyhow::Error> = match result {
        Ok(()) => None,
        Err(RunError::Source(error)) => Some(error.into()),
        // The other outputs keep what is complete.
        Err(RunError::Output(error)) => Some(error.into()),
        Err(error @ RunError::Threads(_)) => return Err(error.into()),
    };
    if !args.quiet {
        report(&set, &ledger);
    }
    let mut line = serde_json::to_vec(&ledger.line()).context("the ledger")?;
    line.push(b'\n');
    // Each is finished whatever becomes of the others; the first error is told.
    let finished = [
        outputs.records.map_or(Ok(()), SmfFile::finish),
        outputs.lines.map_or(Ok(()), |file| file.finish_with(&line)),
        outputs.csv.map_or(Ok(()), |(file, _)| file.finish()),
        stats.map_or(Ok(()), |file| file.finish_with(&line)),
    ];
    if let (Some(path), Some(Ok(())), false) = (&args.write, finished.first(), args.quiet) {
        note_written(path, &outputs.written);
        note_unrecorded(&ledger);
    }
    let error = finished.into_iter().fold(error, |first, r| first.or(r.err().map(Into::into)));
    if let Some(file) = report_file {
        report_page::write(
            file,
            (&outputs.report, &outputs.policy),
            (&settings, &ledger),
            (set.paths(), args.report_time.as_deref()),
            SOON,
        )?;
    }
    if for_people {
        print_report(
            args,
            settings.stacks.every_server(),
            &outputs.report,
            &outputs.policy,
            &ledger,
        )?;
    }
    if let Some(error) = error.or_else(|| memory.exceeded()) {
        return Err(error);
    }
    Ok(if ledger.interrupted {
        if !args.quiet && args.stats.as_deref() != Some(Path::new("-")) {
            // Where it cannot be written there is nobody to tell.
            let _ = std::io::stderr().write_all(&line);
        }
        INTERRUPTED
    } else if (ledger.input.damaged_places > 0 || ledger.input.files_left_out > 0)
        && args.fail_on_damage
    {
        DAMAGED
    } else {
        DONE
    })
}

/// Whether the columns of --csv are there; prints their names where that is asked.
///
/// # Errors
/// If a name is that of no field.
fn check_fields(read: &Read) -> anyhow::Result<Option<u8>> {
    if read.fields.is_empty() {
        return Ok(None);
    }
    let known = schema::connection_fields();
    if read.fields == ["help"] {
        let mut out = anstream::stdout().lock();
        for name in &known {
            writeln!(out, "{name}")?;
        }
        return Ok(Some(DONE));
    }
    if read.csv.is_none() {
        bail!("--fields are the columns of --csv FILE (- for standard output)");
    }
    if let Some(wrong) = read.fields.iter().find(|name| !known.contains(*name)) {
        let near = usage_tips::near(wrong, known.iter().map(String::as_str));
        bail!("--fields: no field is called {wrong}{near}; --fields help lists them");
    }
    Ok(None)
}

/// The file of comma-separated values, with its first line.
fn csv(
    read: &Read,
    file: Option<OutputFile>,
) -> anyhow::Result<Option<(OutputFile, ConnectionCsv)>> {
    let Some(mut file) = file else { return Ok(None) };
    let csv = ConnectionCsv::new(&read.fields);
    file.write(csv.head().as_bytes())?;
    Ok(Some((file, csv)))
}

/// The stacks that the options describe.
///
/// # Errors
/// If a file that they name cannot be used, or a stack has no addresses beside
/// others.
pub(super) fn stacks(args: &ReadOptions, sources: &Sources) -> anyhow::Result<Vec<Configured>> {
    let all = sources.stacks(&args.stack)?;
    let mut stacks = Vec::with_capacity(all.len());
    for one in &all {
        let mut configured = one.configured()?;
        let stack = &mut configured.stack;
        if all.len() > 1 && stack.home.is_empty() {
            bail!(
                "stack {} ({}) has no addresses; say them by home or profile",
                stacks.len() + 1,
                if one.stack.is_empty() { "without a name" } else { &one.stack }
            );
        }
        // What is said here stands above profiles.
        if args.detail || args.detail_only || args.summary_only {
            (stack.detail, stack.summary) = (!args.summary_only, !args.detail_only);
            stack.aggregation |= stack.summary;
        } else if configured.profile.as_ref().and_then(Profile::recorded).is_none() {
            stack.detail = false;
        }
        stacks.push(configured);
    }
    Ok(stacks)
}

/// What the options ask of the engine.
///
/// # Errors
/// If a file that they name cannot be used.
pub(super) fn settings(args: &ReadOptions, stacks: Vec<Stack>) -> anyhow::Result<Settings> {
    let bounds = memory::bounds(args);
    let mut frames = FrameOptions::new(&args.tunnel_port, args.vlan_ethertype.clone());
    frames.keep_duplicates = args.keep_duplicates;
    frames.vlan = args.conn_key.contains(&KeyPart::Vlan);
    frames.vni = args.conn_key.contains(&KeyPart::Vni);
    // What is given stands above what follows from memory.
    let bound = |given: u64, default: usize, bound: u64| {
        let bound = if given == default as u64 { given.min(bound) } else { given };
        usize::try_from(bound).unwrap_or(usize::MAX)
    };
    Ok(Settings {
        counting: None,
        stacks: Stacks::new(stacks),
        level: args.level,
        mode: if args.strict { Mode::Strict } else { Mode::Extended },
        include_midstream: args.include_midstream,
        max_connections: bound(args.max_connections, MAX_CONNECTIONS, bounds.connections),
        max_held: bound(args.max_handshake_memory << 20, MAX_HELD, bounds.held),
        max_sessions: bound(args.max_sessions, MAX_SESSIONS, bounds.sessions),
        max_pairs: usize::try_from(bounds.pairs).unwrap_or(usize::MAX),
        ee_base_port: args.ee_base_port,
        frames,
        settle_seconds: args.settle,
        tool_events: !args.no_tool_events,
        policy: Policy::load(&args.policy)?,
        infer_icv: args.infer_icv,
        codes: args.codes.as_deref().map(config::codes::read).transpose()?.unwrap_or_default(),
    })
}

/// What is to be told of the profiles.
pub(super) fn note_profiles(args: &ReadOptions, stacks: &[Configured]) {
    for configured in stacks.iter().filter(|_| !args.quiet) {
        let Some(profile) = &configured.profile else { continue };
        for note in &profile.notes {
            let text = format!("{}: {}", note.place, note.text);
            super::notify("note", &text);
        }
        let stack = &configured.stack;
        if let Some(place) = profile.no_aggregation() {
            if stack.aggregation {
                let text = format!(
                    "{place}: the profile does not aggregate (NOAGGREGATION), but summaries \
                     (subtype 12) are written because --{} asks for them; the stack has none",
                    if args.summary_only { "summary-only" } else { "detail" }
                );
                super::notify("warning", &text);
            } else {
                let text = format!(
                    "{place}: the profile does not aggregate (NOAGGREGATION), so no summaries \
                     (subtype 12) are written; --summary-only or --detail write them"
                );
                super::notify("note", &text);
            }
        }
        if args.write.is_some() && !stack.detail && !stack.summary {
            let file = profile.files.first().map(|f| f.display().to_string());
            let text = format!(
                "{}: nothing of zERT is recorded by this profile, so nothing is written of the \
                 stack; --summary-only, --detail or --detail-only write",
                file.unwrap_or_default()
            );
            super::notify("warning", &text);
        }
    }
}

/// How the work is cut up.
pub(super) fn tuning(args: &ReadOptions) -> Tuning {
    let mut tuning = args.threads.map_or_else(Tuning::default, |n| Tuning::of(n.into()));
    if let Some(batch) = args.batch {
        tuning.batch_packets = batch as usize;
    }
    tuning
}

/// A bar when somebody looks and the input is large. Its end is the size of
/// the files, which is only a guide where they are compressed.
fn progress_bar(read: &Read) -> Option<ProgressBar> {
    if read.options.quiet || !std::io::stderr().is_terminal() {
        return None;
    }
    let size: u64 = read.inputs.iter().filter_map(|p| p.metadata().ok()).map(|m| m.len()).sum();
    if size < LARGE {
        return None;
    }
    let style =
        ProgressStyle::with_template("{bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta} left")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
    Some(ProgressBar::new(size).with_style(style))
}

/// Notes and warnings about the input.
fn report(set: &CaptureSet, ledger: &Ledger) {
    for note in set.notes() {
        super::notify("warning", note);
    }
    time_notes::tell(set);
    note_left_out(ledger);
    note_outside(set, ledger);
    for damage in set.damage().iter().take(SHOWN_DAMAGE) {
        super::notify(
            "warning",
            &format!("{}: {} ({} bytes passed over)", damage.place, damage.what, damage.skipped),
        );
    }
    let more = ledger.input.damaged_places.saturating_sub(SHOWN_DAMAGE as u64);
    if more > 0 {
        super::notify("warning", &format!("{more} more damaged places"));
    }
    let lost = ledger.input.dropped_packets + ledger.input.interface_dropped_packets;
    if lost > 0 {
        let packets = if lost == 1 { "packet was" } else { "packets were" };
        super::notify(
            "warning",
            &format!("the captures say that {} {packets} lost", table::group(lost)),
        );
    }
    if ledger.connections.evicted > 0 {
        super::notify(
            "warning",
            &format!(
                "{} connections were given up because too many were open at once",
                ledger.connections.evicted
            ),
        );
    }
}

/// That no packet lies in the period that was asked for, and when they are.
fn note_outside(set: &CaptureSet, ledger: &Ledger) {
    let outside = set.outside();
    let Some([first, last]) = outside.times.filter(|_| outside.packets == ledger.total.packets)
    else {
        return;
    };
    let text = format!(
        "no packet is in the period of --since and --until: those of the input are from {} to {}",
        jsonl::time(first),
        jsonl::time(last)
    );
    super::notify("warning", &text);
}

/// How many connections are in no record because a record cannot say what is known of them.
fn note_unrecorded(ledger: &Ledger) {
    let n = ledger.connections.not_known;
    if n > 0 {
        let (are, their) =
            if n == 1 { ("connection is", "its") } else { ("connections are", "their") };
        super::notify(
            "note",
            &format!("{n} {are} in no record: the capture does not show {their} protection"),
        );
    }
}

/// How many records of which kind were written, and where.
fn note_written(path: &Path, written: &BTreeMap<u8, u64>) {
    let kinds: Vec<String> = written
        .iter()
        .map(|(subtype, number)| format!("{} of subtype {subtype}", table::group(*number)))
        .collect();
    let all: u64 = written.values().sum();
    let kinds = if kinds.is_empty() { String::new() } else { format!(": {}", kinds.join(", ")) };
    let name = match path {
        path if path == Path::new("-") => "standard output".to_owned(),
        path => path.display().to_string(),
    };
    let records = if all == 1 { "record" } else { "records" };
    super::notify("note", &format!("{name}: {} {records}{kinds}", table::group(all)));
}

/// Warnings of what was not followed.
pub(super) fn note_left_out(ledger: &Ledger) {
    let left_out = LeftOut::of(ledger);
    for line in left_out.line().iter().chain(&left_out.advice) {
        super::notify("warning", line);
    }
}

/// Certificates that end within so many days are told.
const SOON: i64 = 30;

pub(super) fn print_report(
    args: &ReadOptions,
    every_server: bool,
    report: &Report,
    policy: &Policy,
    ledger: &Ledger,
) -> anyhow::Result<()> {
    use std::fmt::Write as _;
    use std::io::Write as _;
    /// Columns of a terminal that does not say how many it has.
    const USUAL_WIDTH: usize = 80;
    let width = || terminal_size::terminal_size().map_or(USUAL_WIDTH, |(w, _)| usize::from(w.0));
    let layout = Layout {
        width: std::io::stdout().is_terminal().then(width),
        rows: (args.rows > 0).then_some(args.rows),
        sort: args.sort.into(),
    };
    let mut above = String::new();
    let c = &ledger.connections;
    let left_out = LeftOut::of(ledger);
    if ledger.nothing_followed() {
        above += &left_out.text();
    }
    writeln!(
        above,
        "{} packets, {} TCP connections ({} established, {} without their start){}.",
        table::group(ledger.total.packets),
        table::group(c.seen),
        table::group(c.established),
        table::group(c.midstream),
        match c.ee {
            0 => String::new(),
            n => format!(", {} of Enterprise Extender", table::group(n)),
        },
    )?;
    if !ledger.nothing_followed() {
        above += &left_out.text();
    }
    if every_server {
        above += "No --home address is given: every server is taken for the z/OS stack.\n";
    }
    above += &text::report(report, policy, SOON);
    let mut out = anstream::stdout().lock();
    write!(out, "{}", text::wrapped(&above, layout.width))?;
    if report.total().connections > 0 {
        writeln!(out)?;
        match args.by.ranking() {
            None => write!(out, "{}", report.table.render(layout))?,
            Some(by) => {
                let ranking = report.ranking(by);
                write!(out, "{}", ranking.render(by, layout))?;
            }
        }
    }
    out.flush()?;
    Ok(())
}
