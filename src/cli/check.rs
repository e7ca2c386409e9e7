//! `zerttap check`.

use std::collections::BTreeSet;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::Context;

use super::check_args::Check as CheckArgs;
use super::{DONE, UNUSABLE, read, settings_file, usage_tips};
use crate::check::report::{Judgement, Limits, last_line, line, page, text};
use crate::check::{
    Check, Clock, Finding, Inventory, Options, Outcome, RecordLocation, SelfCheckFinding,
    TapObservations,
};
use crate::config::{self, Home, Identity, Mode, Prefix, Settings, Stack, Stacks};
use crate::dump::{self, Item};
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
    // Whether all that the wire shows is compared, or what stream observation sees of it.
    let mut mode = args.strict.then_some(Mode::Strict);
    let mut limited = 0;
    if mode.is_none() && could_be_limited(args) {
        let differ = |o: &Outcome| o.contradictions() + o.missing_count();
        let (of_wire, _) = examine(args, options, Mode::Extended, &mut None)?;
        if differ(&of_wire) > 0 {
            let (of_observation, _) = examine(args, options, Mode::Strict, &mut None)?;
            // Only where they agree in all and the stack says nothing that observation does
            // not see: otherwise a mistake there would go unnoticed.
            let agrees = differ(&of_observation) == 0 && of_observation.judged();
            if agrees && !of_observation.stack_says_more() {
                (mode, limited) = (Some(Mode::Strict), differ(&of_wire));
            }
        }
    }
    let create = |path: &Option<PathBuf>| {
        path.as_deref().map(|p| OutputFile::create(p, args.force)).transpose()
    };
    let (mut lines, report) = (create(&args.jsonl)?, create(&args.report)?);
    let (mut outcome, files) = examine(args, options, mode.unwrap_or_default(), &mut lines)?;
    outcome.beyond_observation = limited;
    if let Some(file) = lines {
        file.finish_with(&last_line(&outcome, &limits, &files))?;
    }
    if let Some(file) = report {
        file.finish_with(page(&outcome, &limits, &files).as_bytes())?;
    }
    let no_address = outcome.stack.is_empty() && args.home.is_empty() && args.config.is_none();
    if no_address && limits.judge(&outcome) == Judgement::CannotJudge && !args.quiet {
        let text = "the dump has no record of a connection or session, so that it does not tell \
                    the stack's addresses; give them by --home ADDR, or by --config FILE";
        super::notify("warning", text);
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

/// Whether captures can be read again, to learn what stream observation sees of them.
fn could_be_limited(args: &CheckArgs) -> bool {
    !args.captures.is_empty()
        && args.config.is_none()
        && args.captures.iter().chain(&args.stack).all(|path| path != Path::new("-"))
}

/// Checks all there is; findings go to a file, if there is one. Returns the names of the
/// files that places number, too.
fn examine(
    args: &CheckArgs,
    options: Options,
    mode: Mode,
    lines: &mut Option<OutputFile>,
) -> anyhow::Result<(Outcome, Vec<String>)> {
    let mut check = Check::new(options, size(args))?;
    let mut files = Vec::new();
    let quiet = args.quiet || lines.is_none() && could_be_limited(args) && args.jsonl.is_some();
    for path in &args.stack {
        dump(path, quiet, &mut files, &mut |bytes, place, damage, files| match damage {
            Some(what) => tell(lines, &[check.damage(place, what)], files),
            None => tell(lines, &check.stack(bytes, place)?, files),
        })?;
    }
    for path in &args.tap {
        check.with_tap();
        dump(path, quiet, &mut files, &mut |bytes, place, damage, _| match damage {
            Some(_) => Ok(()),
            None => Ok(check.tap(bytes, place)?),
        })?;
    }
    if !args.captures.is_empty() {
        check.with_tap();
        captures(args, &mut check, mode)?;
    }
    let outcome = match lines {
        None => check.run::<anyhow::Error>(None)?,
        Some(file) => check.run(Some(&mut |finding| {
            file.write(&line(finding, &files)).map_err(anyhow::Error::from)
        }))?,
    };
    Ok((outcome, files))
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
    let mut readers = dump::open(path).with_context(|| name.clone())?;
    for reader in &mut readers {
        let mut reader = reader.map_err(|error| usage_tips::no_records(path, error))?;
        let name = reader.name();
        let file = u32::try_from(files.len()).unwrap_or(u32::MAX);
        files.push(name.clone());
        let mut damaged = 0;
        while let Some(item) =
            reader.next_item().map_err(|error| usage_tips::no_records(Path::new(&name), error))?
        {
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
    for note in readers.notes().iter().filter(|_| !quiet) {
        super::notify("note", note);
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

/// Reads captures into the tap's side: once, and for the summaries once more where the
/// stack's clock is not the tap's, because the stack's intervals ended by its own.
fn captures(args: &CheckArgs, check: &mut Check, mode: Mode) -> anyhow::Result<()> {
    let given = Clock::constant(args.clock_offset.unwrap_or(0));
    let inventory = check.stack_inventory();
    let has = |subtype: u16| inventory.records.contains_key(&subtype);
    let (details, summaries) = (has(11), has(12));
    let zoned = inventory.zone().is_some();
    let wants = RequestedOutputs { detail: true, summary: true, json: true, rows: false };
    let mut settings = settings(args, check, &given, 0)?;
    set_mode(&mut settings, mode);
    let cut = settings.stacks.list().iter().any(|s| s.interval_ends.is_some());
    read_captures(args, check, &settings, wants)?;
    if cut {
        check.cut_as_the_stack();
    }
    let (clock, ahead) = check.clock()?;
    let zone = if zoned { 0 } else { ahead };
    let same = zone == 0 && (args.clock_offset.is_some() || !details || clock.agrees());
    if !cut || !summaries || same {
        return Ok(());
    }
    if args.captures.iter().any(|path| path == Path::new("-")) {
        let text = "the stack's clock is not that of the capture, and standard input cannot be \
                    read twice: summary records near the ends of intervals may differ; say the \
                    difference by --clock-offset, or give a file";
        if !args.quiet {
            super::notify("warning", text);
        }
        return Ok(());
    }
    check.forget_summaries();
    let mut settings = self::settings(args, check, &clock, zone)?;
    set_mode(&mut settings, mode);
    let wants = RequestedOutputs { detail: false, summary: true, json: false, rows: false };
    read_captures(args, check, &settings, wants)
}

/// What a settings file says stands above what is to be compared by default.
fn set_mode(settings: &mut Settings, mode: Mode) {
    if mode == Mode::Strict {
        settings.mode = mode;
    }
}

fn read_captures(
    args: &CheckArgs,
    check: &mut Check,
    settings: &Settings,
    wants: RequestedOutputs,
) -> anyhow::Result<()> {
    let filter = args.filter.as_deref().map(Filter::new).transpose()?;
    let tuning = args.threads.map_or_else(Tuning::default, |n| Tuning::of(n.into()));
    let mut set = CaptureSet::open(
        &args.captures,
        SetOptions { filter, period: None, before: tuning.files_before() },
    )?;
    let stop = AtomicBool::new(false);
    let mut output = CheckOutput(check);
    let (_, result) =
        pipeline::run(&mut set, settings, wants, tuning, &mut output, &stop, &mut |_| {});
    for note in set.notes().iter().filter(|_| !args.quiet && wants.detail) {
        super::notify("warning", note);
    }
    match result {
        Ok(()) => Ok(()),
        Err(RunError::Source(error)) => Err(error.into()),
        Err(RunError::Output(error)) => Err(error).context("temporary files"),
        Err(error @ RunError::Threads(_)) => Err(error.into()),
    }
}

/// The last interval may end so much later where clocks differ, in hundredths of a second.
const SLACK: i64 = 100;
/// Nanoseconds in a hundredth of a second.
const HUNDREDTH: i64 = 10_000_000;

/// How captures are read: as a settings file says, or so that what comes out can be
/// compared with the dump. `zone` is how far the stack's local time is ahead of UTC if the
/// dump does not tell, in hundredths of a second.
fn settings(
    args: &CheckArgs,
    check: &mut Check,
    clock: &Clock,
    zone: i64,
) -> anyhow::Result<Settings> {
    let inventory = check.stack_inventory();
    let level = inventory.level;
    let mut settings = match &args.config {
        Some(path) => {
            let (options, sources) = settings_file::options_of(path)?;
            let stacks = read::stacks(&options, &sources)?;
            read::settings(&options, stacks.into_iter().map(|c| c.stack).collect())?
        }
        None => Settings { level, ..Settings::default() },
    };
    let given = args.config.is_some() && !settings.stacks.every_server();
    let of_dump = of_dump(inventory, clock, zone);
    let mut stacks = if given && args.home.is_empty() {
        let mut stacks = settings.stacks.list().to_vec();
        for stack in &mut stacks {
            stack.interval_ends = ends_of(stack, &of_dump);
        }
        stacks
    } else if args.home.is_empty() {
        // Without any address every server is taken for the stack's.
        of_dump
    } else {
        let zone = of_dump.first().map_or(jiff::tz::TimeZone::UTC, |s| s.zone.clone());
        let ends = of_dump.iter().filter_map(|s| s.interval_ends.clone()).collect::<Vec<_>>();
        let (home, interval_ends) = (Home::new(args.home.clone()), joined(&ends));
        vec![Stack { zone, home, interval_ends, ..Stack::default() }]
    };
    let jobs = settings.stacks.get(0).jobs.clone();
    for stack in &mut stacks {
        // Both are compared, whatever a profile records.
        (stack.detail, stack.summary) = (true, true);
        if !given {
            stack.jobs = jobs.clone();
        }
        if let Some(interval) = args.interval {
            (stack.interval, stack.interval_ends) = (interval, None);
        }
    }
    settings.stacks = Stacks::new(stacks);
    settings.tool_events = false;
    if let Some(path) = &args.codes {
        settings.codes = config::codes::read(path)?;
    }
    Ok(settings)
}

/// The stacks that a dump is of, with their addresses, and where their intervals ended by
/// the clock of the captures.
fn of_dump(inventory: &mut Inventory, clock: &Clock, zone: i64) -> Vec<Stack> {
    let zone = inventory.zone().unwrap_or(zone);
    let mut stacks = Vec::new();
    for (system, of) in inventory.of_systems() {
        let local: Vec<Prefix> = of.local().into_iter().map(|a| Prefix::new(a, u8::MAX)).collect();
        if local.is_empty() {
            continue;
        }
        let zone = of.zone().unwrap_or(zone);
        let mut ends = of.interval_ends();
        if let Some(last) = ends.last_mut()
            && !clock.agrees()
        {
            // How far the clocks are apart is not known exactly.
            *last += SLACK;
        }
        let ends: Vec<i64> = ends
            .into_iter()
            .map(|end| clock.to_other(end - zone).saturating_mul(HUNDREDTH))
            .collect();
        let seconds = i32::try_from(zone / 100).unwrap_or(0);
        let zone = jiff::tz::Offset::from_seconds(seconds).unwrap_or(jiff::tz::Offset::UTC);
        let [sid, sysname, stack] = system.names();
        stacks.push(Stack {
            identity: Identity { sid, sysname, stack, ..Identity::default() },
            zone: jiff::tz::TimeZone::fixed(zone),
            home: Home::new(local),
            interval_ends: (!ends.is_empty()).then(|| ends.into()),
            ..Stack::default()
        });
    }
    stacks
}

/// Where the intervals of a stack ended: of the stack of that name in the dump, or of the
/// only one there is.
fn ends_of(stack: &Stack, of_dump: &[Stack]) -> Option<Arc<[i64]>> {
    let known = |s: &&Stack| {
        let (a, b) = (&s.identity, &stack.identity);
        (&a.sysname, &a.stack) == (&b.sysname, &b.stack)
    };
    let found = of_dump.iter().find(known).or(match of_dump {
        [only] => Some(only),
        _ => None,
    });
    found.and_then(|s| s.interval_ends.clone())
}

/// The ends of several stacks' intervals, each once.
fn joined(ends: &[Arc<[i64]>]) -> Option<Arc<[i64]>> {
    let all: BTreeSet<i64> = ends.iter().flat_map(|ends| ends.iter().copied()).collect();
    (!all.is_empty()).then(|| all.into_iter().collect())
}
