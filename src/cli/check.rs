//! `zerttap check`.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use anyhow::{Context, bail};

use super::check_args::Check as CheckArgs;
use super::{DONE, UNUSABLE, read, settings_file};
use crate::check::report::{Judgement, Limits, last_line, line, page, text};
use crate::check::{Check, Finding, Options, RecordLocation, SelfCheckFinding, TapObservations};
use crate::config::{self, Home, Interval, Prefix, Settings, Stack, Stacks};
use crate::dump::{self, Item, Reader};
use crate::pipeline::{self, Output, RequestedOutputs, RunError, Tuning};
use crate::sink::OutputFile;
use crate::sink::report::Row;
use crate::source::{CaptureSet, Filter, SetOptions};

/// Records and the wire do not agree.
const DISAGREE: u8 = 1;
/// Of captures this part of their bytes may be records.
const RECORDS_IN_CAPTURES: u64 = 16;
/// Places of damage that are printed of one file.
const SHOWN_DAMAGE: u64 = 10;

/// Runs the command; returns the exit status.
pub(super) fn run(args: &CheckArgs) -> anyhow::Result<u8> {
    let options = Options {
        tolerance: args.tolerance.max(0),
        clock: args.clock_offset,
        count_tolerance: u64::try_from(args.count_tolerance).unwrap_or(0),
    };
    let limits = Limits {
        contradictions: args.max_contradictions,
        missing: args.max_missing,
        coverage: args.min_coverage,
    };
    let create = |path: &Option<PathBuf>| {
        path.as_deref().map(|p| OutputFile::create(p, args.force)).transpose()
    };
    let (mut lines, report) = (create(&args.jsonl)?, create(&args.report)?);
    let mut check = Check::new(options, size(args))?;
    let mut files = Vec::new();
    for path in &args.stack {
        dump(path, args.quiet, &mut files, &mut |bytes, place, damage, files| match damage {
            Some(what) => tell(&mut lines, &[check.damage(place, what)], files),
            None => tell(&mut lines, &check.stack(bytes, place)?, files),
        })?;
    }
    for path in &args.tap {
        check.with_tap();
        dump(path, args.quiet, &mut files, &mut |bytes, place, damage, _| match damage {
            Some(_) => Ok(()),
            None => Ok(check.tap(bytes, place)?),
        })?;
    }
    if !args.captures.is_empty() {
        check.with_tap();
        captures(args, &mut check)?;
    }
    let outcome = match &mut lines {
        None => check.run::<anyhow::Error>(None)?,
        Some(file) => check.run(Some(&mut |finding| {
            file.write(&line(finding, &files)).map_err(anyhow::Error::from)
        }))?,
    };
    if let Some(file) = lines {
        file.finish_with(&last_line(&outcome, &limits, &files))?;
    }
    if let Some(file) = report {
        file.finish_with(page(&outcome, &limits, &files).as_bytes())?;
    }
    let to_stdout =
        [&args.jsonl, &args.report].iter().any(|o| o.as_deref() == Some(Path::new("-")));
    if !args.quiet && !to_stdout {
        let mut out = anstream::stdout().lock();
        write!(out, "{}", text(&outcome, &limits, &files, io::stdout().is_terminal()))?;
        out.flush()?;
    }
    Ok(match limits.judge(&outcome) {
        Judgement::Agree => DONE,
        Judgement::Disagree => DISAGREE,
        Judgement::CannotJudge => UNUSABLE,
    })
}

/// Bytes of records that may come.
fn size(args: &CheckArgs) -> u64 {
    let length = |path: &PathBuf| path.metadata().map_or(0, |m| m.len());
    let dumps: u64 = args.stack.iter().chain(&args.tap).map(length).sum();
    let captures: u64 = args.captures.iter().map(length).sum();
    dumps + captures / RECORDS_IN_CAPTURES
}

/// A record and its place, or damage there; with the names of the files so far.
type RecordHandler<'a> =
    dyn FnMut(&[u8], RecordLocation, Option<String>, &[String]) -> anyhow::Result<()> + 'a;

/// Writes what is wrong with single records, where lines are wanted.
fn tell(
    lines: &mut Option<OutputFile>,
    found: &[SelfCheckFinding],
    files: &[String],
) -> anyhow::Result<()> {
    let Some(file) = lines else { return Ok(()) };
    for found in found {
        file.write(&line(&Finding::Fault(found), files))?;
    }
    Ok(())
}

/// Reads a file of records.
fn dump(
    path: &Path,
    quiet: bool,
    files: &mut Vec<String>,
    take: &mut RecordHandler<'_>,
) -> anyhow::Result<()> {
    let name = path.display().to_string();
    for input in dump::open(path).with_context(|| name.clone())? {
        let name = input.file().display().to_string();
        let file = u32::try_from(files.len()).unwrap_or(u32::MAX);
        files.push(name.clone());
        let mut reader = Reader::new(input).with_context(|| name.clone())?;
        let mut damaged = 0;
        while let Some(item) = reader.next_item().with_context(|| name.clone())? {
            match item {
                Item::Record { offset, bytes } => {
                    take(bytes, RecordLocation { file, offset }, None, files)?
                }
                Item::Note(note) => {
                    if !quiet {
                        super::notify("note", &format!("{name}: {note}"));
                    }
                }
                Item::Damage(damage) => {
                    damaged += 1;
                    let text = damage.to_string();
                    if damaged <= SHOWN_DAMAGE && !quiet {
                        super::notify("warning", &format!("{name}: {text}"));
                    }
                    take(&[], RecordLocation { file, offset: damage.offset }, Some(text), files)?;
                }
            }
        }
    }
    Ok(())
}

/// What the engine makes of captures goes into the check.
struct CheckOutput<'a>(&'a mut Check);

/// The number of no file: a record that was never in one.
const NO_FILE: u32 = u32::MAX;

impl Output for CheckOutput<'_> {
    type Error = io::Error;

    fn record(&mut self, _: usize, bytes: &[u8]) -> io::Result<()> {
        self.0.tap(bytes, RecordLocation { file: NO_FILE, offset: 0 })
    }

    fn line(&mut self, line: &[u8]) -> io::Result<()> {
        TapObservations::of(line).map_or(Ok(()), |facts| self.0.facts(&facts))
    }

    fn row(&mut self, _: Row) {}
}

/// Reads captures into the tap's side.
fn captures(args: &CheckArgs, check: &mut Check) -> anyhow::Result<()> {
    let settings = settings(args, check)?;
    let filter = args.filter.as_deref().map(Filter::new).transpose()?;
    let tuning = args.threads.map_or_else(Tuning::default, |n| Tuning::of(n.into()));
    let mut set =
        CaptureSet::open(&args.captures, SetOptions { filter, before: tuning.files_before() })?;
    let survey = check.stack_survey();
    let wants = RequestedOutputs {
        detail: survey.records.contains_key(&11),
        summary: survey.records.contains_key(&12),
        json: true,
        rows: false,
    };
    let stop = AtomicBool::new(false);
    let mut output = CheckOutput(check);
    let (_, result) =
        pipeline::run(&mut set, &settings, wants, tuning, &mut output, &stop, &mut |_| {});
    for note in set.notes().iter().filter(|_| !args.quiet) {
        super::notify("warning", note);
    }
    match result {
        Ok(()) => Ok(()),
        Err(RunError::Source(error)) => Err(error.into()),
        Err(RunError::Output(error)) => Err(error).context("temporary files"),
        Err(error @ RunError::Threads(_)) => Err(error.into()),
    }
}

/// How captures are read: as a settings file says, or so that what comes out can be
/// compared with the dump.
fn settings(args: &CheckArgs, check: &mut Check) -> anyhow::Result<Settings> {
    let survey = check.stack_survey();
    let zone = survey.zone().unwrap_or(0);
    let level = survey.level;
    let (interval, sync) = survey.interval().unwrap_or((30, 0));
    let local: Vec<Prefix> = survey.local.iter().map(|a| Prefix::new(*a, u8::MAX)).collect();
    let mut settings = match &args.config {
        Some(path) => {
            let (options, sources) = settings_file::options_of(path)?;
            let stacks = read::stacks(&options, &sources)?;
            read::settings(&options, stacks.into_iter().map(|c| c.stack).collect())?
        }
        None => Settings { level, ..Settings::default() },
    };
    let given = args.config.is_some() && !settings.stacks.every_server();
    if !given || !args.home.is_empty() {
        let home = if args.home.is_empty() { local } else { args.home.clone() };
        if home.is_empty() {
            bail!("the dump has no local addresses; say them by --home");
        }
        let interval = match interval {
            n @ 1..=60 => Interval::Minutes(n),
            n => Interval::Hours((n / 60).clamp(1, 24)),
        };
        let seconds = i32::try_from(zone / 100).unwrap_or(0);
        let zone = jiff::tz::Offset::from_seconds(seconds).unwrap_or(jiff::tz::Offset::UTC);
        let jobs = settings.stacks.get(0).jobs.clone();
        settings.stacks = Stacks::new(vec![Stack {
            zone: jiff::tz::TimeZone::fixed(zone),
            home: Home::new(home),
            jobs,
            interval,
            sync_minutes: sync,
            ..Stack::default()
        }]);
    }
    let mut stacks = settings.stacks.list().to_vec();
    for stack in &mut stacks {
        // Both are compared, whatever a profile records.
        (stack.detail, stack.summary) = (true, true);
        stack.interval = args.interval.unwrap_or(stack.interval);
    }
    settings.stacks = Stacks::new(stacks);
    settings.tool_events = false;
    if let Some(path) = &args.codes {
        settings.codes = config::codes::read(path)?;
    }
    Ok(settings)
}
