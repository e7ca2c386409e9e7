//! `zerttap check`.

use std::collections::BTreeSet;
use std::io::{self, IsTerminal, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::Context;

use super::check_args::{Check as CheckArgs, FailOn as On};
use super::{DONE, UNUSABLE, read, settings_file, usage_tips};
use crate::check::report::{FailOn, Judgement, Limits, last_lines, line, page, text};
use crate::check::{
    Calibration, CalibrationFile, Check, Clock, Finding, Inventory, Options, Outcome,
    RecordLocation, SelfCheckFinding, TapObservations,
};
use crate::config::{self, CountingRule, Home, Identity, Mode, Prefix, Settings, Stack, Stacks};
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
        fail_on: FailOn {
            missing: args.fail_on.contains(&On::Missing),
            contradiction: args.fail_on.contains(&On::Contradiction),
            calibration: args.fail_on.contains(&On::Calibration),
        },
    };
    let given = known_calibration(args)?;
    let given = &given;
    let mut pass = Pass {
        mode: args.strict.then_some(Mode::Strict),
        counting: given.counting,
        ..Pass::default()
    };
    if can_be_read_again(args) {
        let differ = |o: &Outcome| o.contradictions() + o.missing_count() > 0;
        let (mut of_wire, _) = examine(args, options, (pass, given), &mut None)?;
        // The stack may count by another rule.
        if pass.counting.is_none() && of_wire.calibration.counting.is_some() {
            pass.counting = of_wire.calibration.counting;
            (of_wire, _) = examine(args, options, (pass, given), &mut None)?;
        }
        // What differs may be what stream observation does not see.
        pass.with_observed = pass.mode.is_none() && differ(&of_wire);
    }
    let create = |path: &Option<PathBuf>| {
        path.as_deref().map(|p| OutputFile::create(p, args.force)).transpose()
    };
    let (mut lines, report) = (create(&args.jsonl)?, create(&args.report)?);
    let calibration = create(&args.calibration)?;
    let (outcome, files) = examine(args, options, (pass, given), &mut lines)?;
    if let Some(file) = lines {
        file.finish_with(&last_lines(&outcome, &limits, &files))?;
    }
    if let Some(file) = report {
        file.finish_with(page(&outcome, &limits, &files).as_bytes())?;
    }
    if let Some(file) = calibration {
        let text = CalibrationFile::of(&outcome.calibration).to_toml();
        file.finish_with(text.as_bytes())?;
    }
    let no_address = outcome.stack.is_empty() && args.home.is_empty() && args.config.is_none();
    if no_address && limits.judge(&outcome) == Judgement::CannotJudge && !args.quiet {
        let text = "the dump has no record of a connection or session, so that it does not tell \
                    the stack's addresses; give them by --home ADDR, or by --config FILE";
        super::notify("warning", text);
    }
    let to_stdout = [&args.jsonl, &args.report, &args.calibration]
        .iter()
        .any(|o| o.as_deref() == Some(Path::new("-")));
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

/// Systematic differences that are known.
fn known_calibration(args: &CheckArgs) -> anyhow::Result<Calibration> {
    let Some(path) = &args.calibrated else { return Ok(Calibration::default()) };
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    CalibrationFile::parse(&text).with_context(|| path.display().to_string())
}

/// What is made of captures.
#[derive(Clone, Copy, Debug, Default)]
struct Pass {
    mode: Option<Mode>,
    /// Whether what z/OS stream observation sees of them is asked for, too.
    with_observed: bool,
    /// By which rule the stack counts, and how many pairs that explains.
    counting: Option<(CountingRule, u64)>,
}

/// Whether captures can be read again.
fn can_be_read_again(args: &CheckArgs) -> bool {
    !args.captures.is_empty()
        && args.captures.iter().chain(&args.stack).all(|path| path != Path::new("-"))
}

/// Checks all there is; findings go to a file, if there is one. Returns the names of the
/// files that places number, too.
fn examine(
    args: &CheckArgs,
    options: Options,
    (pass, given): (Pass, &Calibration),
    lines: &mut Option<OutputFile>,
) -> anyhow::Result<(Outcome, Vec<String>)> {
    let mut check = Check::new(options, size(args))?;
    check.calibrated(given.clone());
    let mut files = Vec::new();
    let quiet = args.quiet || lines.is_none() && can_be_read_again(args) && args.jsonl.is_some();
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
        if let Some((rule, times)) = pass.counting {
            check.counted_by(rule, times);
        }
        captures(args, &mut check, pass)?;
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
struct CheckOutput<'a> {
    check: &'a mut Check,
    /// Whether it is what z/OS stream observation sees.
    observed: bool,
}

/// The number of no file: a record that was never in one.
const NO_FILE: u32 = u32::MAX;

impl Output for CheckOutput<'_> {
    type Error = io::Error;

    fn record(&mut self, _: usize, bytes: &[u8]) -> io::Result<()> {
        let place = RecordLocation { file: NO_FILE, offset: 0 };
        if self.observed { self.check.observed(bytes, place) } else { self.check.tap(bytes, place) }
    }

    fn line(&mut self, line: &[u8]) -> io::Result<()> {
        TapObservations::of(line).map_or(Ok(()), |facts| self.check.facts(&facts))
    }

    fn row(&mut self, _: Row) {}
}

/// Reads captures into the tap's side: once, and for the summaries once more where the
/// stack's clock is not the tap's, because the stack's intervals ended by its own.
fn captures(args: &CheckArgs, check: &mut Check, pass: Pass) -> anyhow::Result<()> {
    let given = Clock::constant(args.clock_offset.unwrap_or(0));
    let inventory = check.stack_inventory();
    let has = |subtype: u16| inventory.records.contains_key(&subtype);
    let (details, summaries) = (has(11), has(12));
    let zoned = inventory.zone().is_some();
    let wants = RequestedOutputs { detail: true, summary: true, json: true, rows: false };
    let mut settings = settings(args, check, &given, 0)?;
    set_mode(&mut settings, pass);
    let cut = settings.stacks.list().iter().any(|s| s.interval_ends.is_some());
    read_captures(args, check, &settings, wants, false)?;
    if cut {
        check.cut_as_the_stack();
    }
    let (clock, ahead) = check.clock()?;
    let zone = if zoned { 0 } else { ahead };
    let same = zone == 0 && (args.clock_offset.is_some() || !details || clock.agrees());
    let again = cut && summaries && !same;
    let from_stdin = args.captures.iter().any(|path| path == Path::new("-"));
    if again && !from_stdin {
        check.forget_summaries();
        settings = self::settings(args, check, &clock, zone)?;
        set_mode(&mut settings, pass);
        let wants = RequestedOutputs { detail: false, summary: true, json: false, rows: false };
        read_captures(args, check, &settings, wants, false)?;
    } else if again && !args.quiet {
        super::notify("warning", CLOCK_OF_STDIN);
    }
    if pass.with_observed {
        settings.mode = Mode::Strict;
        let wants = RequestedOutputs { detail: true, summary: true, json: false, rows: false };
        read_captures(args, check, &settings, wants, true)?;
    }
    Ok(())
}

/// What cannot be done about another clock where captures come by standard input.
const CLOCK_OF_STDIN: &str = "the stack's clock is not that of the capture, and standard input cannot be \
                              read twice: summary records near the ends of intervals may differ; say the \
                              difference by --clock-offset, or give a file";

/// What a settings file says stands above what is to be compared by default.
fn set_mode(settings: &mut Settings, pass: Pass) {
    settings.mode = pass.mode.unwrap_or(settings.mode);
    settings.counting = Some(pass.counting.unwrap_or_default().0);
}

fn read_captures(
    args: &CheckArgs,
    check: &mut Check,
    settings: &Settings,
    wants: RequestedOutputs,
    observed: bool,
) -> anyhow::Result<()> {
    let filter = args.filter.as_deref().map(Filter::new).transpose()?;
    let tuning = args.threads.map_or_else(Tuning::default, |n| Tuning::of(n.into()));
    let mut set = CaptureSet::open(
        &args.captures,
        SetOptions { filter, period: None, before: tuning.files_before() },
    )?;
    let stop = AtomicBool::new(false);
    let mut output = CheckOutput { check, observed };
    let (_, result) =
        pipeline::run(&mut set, settings, wants, tuning, &mut output, &stop, &mut |_| {});
    for note in set.notes().iter().filter(|_| !args.quiet && wants.json) {
        super::notify("warning", note);
    }
    if !args.quiet && wants.detail {
        super::time_notes::tell(&set);
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
    inventory.find_home();
    let mut stacks = Vec::new();
    for (system, of) in inventory.of_systems() {
        // What is nearly always another system's is not its own.
        let own = |a: &IpAddr| inventory.owner(*a).is_none_or(|owner| owner == *system);
        let local = of.local().into_iter().filter(own);
        let local: Vec<Prefix> = local.map(|a| Prefix::new(a, u8::MAX)).collect();
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
