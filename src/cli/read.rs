//! `zerttap read`.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};

use super::args::Read;
use super::{DAMAGED, DONE, INTERRUPTED, message};
use crate::config::{self, Home, Identity, Jobs, Mode, Settings, Stack, Stacks};
use crate::pipeline::{self, Ledger, Output, RunError, Tuning, Wants};
use crate::policy::Policy;
use crate::sink::OutputFile;
use crate::sink::file::OutputError;
use crate::sink::smf::SmfFile;
use crate::sink::survey::{Row, Survey};
use crate::sink::table::{self, Layout};
use crate::sink::{html, text};
use crate::source::{Filter, Set, SetOptions};

/// Input from which on progress is shown.
const LARGE: u64 = 64 * 1024 * 1024;

/// Places of damage that are printed; the ledger has the number.
const SHOWN_DAMAGE: usize = 10;

/// The outputs of a run.
#[derive(Default)]
struct Outputs {
    records: Option<SmfFile>,
    lines: Option<OutputFile>,
    survey: Survey,
    policy: Policy,
}

impl Output for Outputs {
    type Error = OutputError;

    fn record(&mut self, bytes: &[u8]) -> Result<(), OutputError> {
        self.records.as_mut().map_or(Ok(()), |f| f.record(bytes))
    }

    fn line(&mut self, line: &[u8]) -> Result<(), OutputError> {
        self.lines.as_mut().map_or(Ok(()), |f| f.write(line))
    }

    fn row(&mut self, row: Row) {
        self.survey.add(row, &self.policy);
    }
}

/// Runs the command; returns the exit status.
pub(super) fn run(args: &Read) -> anyhow::Result<u8> {
    let standard_outputs = [&args.write, &args.jsonl, &args.stats, &args.report]
        .into_iter()
        .filter(|o| o.as_deref() == Some(Path::new("-")))
        .count();
    if standard_outputs > 1 {
        bail!("only one of --write, --jsonl, --stats and --report can be standard output");
    }
    let settings = settings(args)?;
    let filter = args.filter.as_deref().map(Filter::new).transpose()?;
    let mut set = Set::open(&args.inputs, SetOptions { filter })?;

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
        policy: settings.policy.clone(),
        ..Outputs::default()
    };
    let stats = create(&args.stats)?;
    let report_file = create(&args.report)?;
    let for_people =
        [&args.write, &args.jsonl, &args.stats, &args.report].iter().all(|o| o.is_none());
    let wants = Wants {
        detail: args.detail || args.detail_only,
        summary: args.write.is_some() && !args.detail_only,
        json: args.jsonl.is_some(),
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

    let bar = progress_bar(args);
    let mut progress = |bytes: u64| {
        if let Some(bar) = &bar {
            bar.set_position(bytes);
        }
    };
    let (ledger, result) =
        pipeline::run(&mut set, &settings, wants, tuning(args), &mut outputs, &stop, &mut progress);
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
        stats.map_or(Ok(()), |file| file.finish_with(&line)),
    ];
    let error = finished.into_iter().fold(error, |first, r| first.or(r.err().map(Into::into)));
    if let Some(file) = report_file {
        write_report(args, file, &outputs.survey, &outputs.policy, &ledger)?;
    }
    if for_people {
        print_survey(args, &outputs.survey, &outputs.policy, &ledger)?;
    }
    if let Some(error) = error {
        return Err(error);
    }
    Ok(if ledger.interrupted {
        if !args.quiet && args.stats.as_deref() != Some(Path::new("-")) {
            eprint!("{}", String::from_utf8_lossy(&line));
        }
        INTERRUPTED
    } else if ledger.input.damaged_places > 0 && args.fail_on_damage {
        DAMAGED
    } else {
        DONE
    })
}

fn settings(args: &Read) -> anyhow::Result<Settings> {
    let stack = Stack {
        identity: Identity {
            sid: args.sid.clone(),
            sysname: args.sysname.clone(),
            sysplex: args.sysplex.clone(),
            stack: args.stack.clone(),
            as_name: String::new(),
            release: args.release.clone(),
        },
        zone: args.tz.clone(),
        home: Home::new(args.home.clone()),
        jobs: Jobs::new(args.job.clone()),
        interval: args.interval,
        sync_minutes: args.sync,
        passive_ports: args.passive_data_ports.clone(),
        ..Stack::default()
    };
    Ok(Settings {
        stacks: Stacks::new(vec![stack]),
        level: args.level,
        mode: if args.strict { Mode::Strict } else { Mode::Extended },
        include_midstream: args.include_midstream,
        ee_base_port: args.ee_base_port,
        settle_seconds: args.settle,
        tool_events: !args.no_tool_events,
        policy: Policy::load(&args.policy)?,
        infer_icv: args.infer_icv,
        codes: args.codes.as_deref().map(config::codes::read).transpose()?.unwrap_or_default(),
        ..Settings::default()
    })
}

fn tuning(args: &Read) -> Tuning {
    let mut tuning = Tuning::default();
    if let Some(threads) = args.threads {
        tuning.threads = threads.into();
    }
    if let Some(batch) = args.batch {
        tuning.batch_packets = batch as usize;
    }
    tuning
}

/// A bar when somebody looks and the input is large. Its end is the size of
/// the files, which is only a guide where they are compressed.
fn progress_bar(args: &Read) -> Option<ProgressBar> {
    if args.quiet || !std::io::stderr().is_terminal() {
        return None;
    }
    let size: u64 = args.inputs.iter().filter_map(|p| p.metadata().ok()).map(|m| m.len()).sum();
    if size < LARGE {
        return None;
    }
    let style =
        ProgressStyle::with_template("{bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta} left")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
    Some(ProgressBar::new(size).with_style(style))
}

/// Notes and warnings about the input.
fn report(set: &Set, ledger: &Ledger) {
    for note in set.notes() {
        anstream::eprintln!("{}", message("warning", note));
    }
    for damage in set.damage().iter().take(SHOWN_DAMAGE) {
        anstream::eprintln!(
            "{}",
            message(
                "warning",
                &format!(
                    "{}: {} ({} bytes passed over)",
                    damage.place, damage.what, damage.skipped
                )
            )
        );
    }
    let more = ledger.input.damaged_places.saturating_sub(SHOWN_DAMAGE as u64);
    if more > 0 {
        anstream::eprintln!("{}", message("warning", &format!("{more} more damaged places")));
    }
    if ledger.connections.evicted > 0 {
        anstream::eprintln!(
            "{}",
            message(
                "warning",
                &format!(
                    "{} connections were given up because too many were open at once",
                    ledger.connections.evicted
                )
            )
        );
    }
}

fn write_report(
    args: &Read,
    mut file: OutputFile,
    survey: &Survey,
    policy: &Policy,
    ledger: &Ledger,
) -> anyhow::Result<()> {
    /// Inputs that are named.
    const NAMED: usize = 5;
    let mut names: Vec<String> = args
        .inputs
        .iter()
        .take(NAMED)
        .map(|p| p.file_name().unwrap_or(p.as_os_str()).to_string_lossy().into_owned())
        .collect();
    if args.inputs.len() > NAMED {
        names.push(format!("{} more", args.inputs.len() - NAMED));
    }
    let head = html::Head {
        inputs: &names.join(", "),
        packets: ledger.total.packets,
        home: !args.home.is_empty(),
        soon_days: SOON,
    };
    file.write(html::page(survey, policy, head).as_bytes())?;
    file.finish()?;
    Ok(())
}

/// Certificates that end within so many days are told.
const SOON: i64 = 30;

fn print_survey(
    args: &Read,
    survey: &Survey,
    policy: &Policy,
    ledger: &Ledger,
) -> anyhow::Result<()> {
    use std::io::Write;
    let width = terminal_size::terminal_size().map(|(w, _)| usize::from(w.0));
    let layout = Layout {
        width: width.filter(|_| std::io::stdout().is_terminal()),
        rows: (args.rows > 0).then_some(args.rows),
    };
    let mut out = anstream::stdout().lock();
    let c = &ledger.connections;
    writeln!(
        out,
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
    if args.home.is_empty() {
        writeln!(out, "No --home address is given: every server is taken for the z/OS stack.")?;
    }
    write!(out, "{}", text::survey(survey, policy, SOON))?;
    if survey.total().connections > 0 {
        writeln!(out)?;
        match args.by.ranking() {
            None => write!(out, "{}", survey.table.render(layout))?,
            Some(by) => {
                let ranking = survey.ranking(by);
                write!(out, "{}", ranking.render(by, layout.rows, layout.width))?;
            }
        }
    }
    out.flush()?;
    Ok(())
}
