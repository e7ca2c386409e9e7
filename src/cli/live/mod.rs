//! `zerttap live`.

mod args;
mod confine;
mod doctor;
mod http;
mod kernel_filter;
mod log;
mod metrics;
mod outputs;
mod reload;
mod resilient_output;
mod signals;
mod top;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use sd_notify::NotifyState;

pub(in crate::cli) use args::Live;
pub(in crate::cli) use doctor::{Doctor, run as doctor};

use super::settings_file::Sources;
use super::{DONE, memory, read, usage_tips};
use crate::config::{Settings, Stacks};
use crate::pipeline::{self, Ledger, RequestedOutputs, RunError};
use crate::service::{self, Names, Service, descriptors};
use crate::sink::OutputFile;
use crate::sink::file::{OutputError, left_behind};
use crate::sink::lines::LineFile;
use crate::sink::report::Report;
use crate::sink::smf::{Options, Rotation, SmfFile};
use crate::sink::socket::{Address, LineSocket};
use crate::source::{self, LiveOptions, interfaces};
use confine::Needs;
use metrics::MetricsServer;
use outputs::{Lines, Outputs, Watched};
use reload::Reload;
use resilient_output::ResilientFile;
use signals::Signals;
use top::Top;

/// Runs the command; returns the exit status.
pub(super) fn run(args: &Live, sources: &Sources) -> anyhow::Result<u8> {
    if args.list {
        return list();
    }
    let options = &args.options;
    check(args)?;
    let recent = args.top.then(log::Recent::default);
    log::start(args.log, options.quiet, recent.clone());
    let stacks = read::stacks(options, sources)?;
    read::note_profiles(options, &stacks);
    let mut settings = read::settings(options, stacks.into_iter().map(|c| c.stack).collect())?;
    let (recorded, wants) = wants(args, &mut settings);
    let words = args.expression.join(" ");
    let given = options.filter.clone().or_else(|| Some(words).filter(|w| !w.is_empty()));
    let filter = kernel_filter::expression(given.as_deref(), &settings, !args.all_addresses);

    let signals = Signals::watch()?;
    let mut live = source::Live::open(
        &args.interface,
        &LiveOptions {
            snap_length: args.snap_length,
            buffer: args.buffer << 20,
            promiscuous: !args.no_promiscuous,
            immediate: args.immediate,
            time_stamps: args.time_stamp_type.clone(),
            filter,
            threads: args.capture_threads,
            packets: args.count,
            duration: args.duration,
        },
    )
    .map_err(usage_tips::not_allowed)?;
    let metrics = args.metrics.map(MetricsServer::bind).transpose()?;
    raise_descriptors(args, settings.stacks.list().len());
    // From here on there is no way back to what was given up; threads come after it.
    confine::confine(&needs(args))?;
    live.start()?;
    confine::drop_capture();

    let time = live.time();
    let reload = Reload::new(settings.clone(), live.control(), (given, !args.all_addresses));
    let status = settings.stacks.get(0).schedule();
    // A name that cannot be had is told now, and not after months.
    let stats =
        options.stats.as_deref().map(|p| OutputFile::create(p, options.force)).transpose()?;
    let mut outputs = Outputs {
        records: options.write.as_deref().map(|p| records(p, args)).transpose()?,
        recorded,
        lines: options.jsonl.as_deref().map(|p| lines(p, options.force)).transpose()?,
        service: match &args.service {
            Some(directory) => Some(Service::start(directory, &names(&settings), time.now())?),
            None => None,
        },
        report: (!args.top && no_other_output(args)).then(Report::default),
        policy: settings.policy.clone(),
        signals,
        reload,
        interfaces: live.states().into_iter().map(Watched::new).collect(),
        metrics: metrics.map(MetricsServer::start).transpose()?,
        top: recent.map(Top::start).transpose()?,
        status: (None, status),
        time,
        clock: i64::MIN,
        flush_every: Duration::from_secs(args.flush.into()),
        flushed: Instant::now(),
        looked: Instant::now(),
        told_lost: [0; 2],
        told_at: None,
    };
    let tuning = read::tuning(options);
    tracing::info!("watching {}", args.interface.join(", "));
    let _ = sd_notify::notify(&[NotifyState::Ready]);
    let stop = Arc::clone(&outputs.signals.stop);
    let memory = memory::Watch::start(options, &stop);
    let (ledger, result) =
        pipeline::run(&mut live, &settings, wants, tuning, &mut outputs, &stop, &mut |_| {});
    let _ = sd_notify::notify(&[NotifyState::Stopping]);
    drop(live);
    let status = finish(args, (outputs, stats), &ledger, result, settings.stacks.every_server())?;
    memory.exceeded().map_or(Ok(status), Err)
}

/// What does not go together.
fn check(args: &Live) -> anyhow::Result<()> {
    let options = &args.options;
    if options.report.is_some() {
        bail!("--report is for captures; read what was captured, or use --jsonl");
    }
    if options.filter.is_some() && !args.expression.is_empty() {
        bail!("two filters: {}, and --filter", args.expression.join(" "));
    }
    let standard = [&options.write, &options.jsonl, &options.stats]
        .into_iter()
        .filter(|o| o.as_deref() == Some(Path::new("-")))
        .count();
    if standard + usize::from(args.top) > 1 {
        bail!("only one of --write, --jsonl, --stats and --top can have standard output");
    }
    Ok(())
}

/// What goes into files of each stack, and what is to be produced. Services get all
/// records, whatever goes into files.
fn wants(args: &Live, settings: &mut Settings) -> (Vec<[bool; 2]>, RequestedOutputs) {
    let served = args.service.is_some();
    let written = args.options.write.is_some();
    let mut stacks = settings.stacks.list().to_vec();
    let recorded = stacks.iter().map(|s| [s.detail && written, s.summary && written]).collect();
    if served {
        stacks.iter_mut().for_each(|s| (s.detail, s.summary) = (true, s.aggregation));
    }
    let wants = RequestedOutputs {
        detail: (written || served) && stacks.iter().any(|s| s.detail),
        summary: (written || served) && stacks.iter().any(|s| s.summary),
        json: args.options.jsonl.is_some(),
        rows: args.top || args.metrics.is_some() || no_other_output(args),
    };
    settings.stacks = Stacks::new(stacks);
    (recorded, wants)
}

/// Whether nothing is written but a table at the end.
fn no_other_output(args: &Live) -> bool {
    args.options.write.is_none() && args.service.is_none() && args.options.jsonl.is_none()
}

/// Sees to it that there are descriptors for all clients that are let in, and for files.
fn raise_descriptors(args: &Live, stacks: usize) {
    // Rings, wake-ups and sockets that an interface is asked with; files, libraries, /proc.
    let capture = 8 * args.interface.len() * usize::from(args.capture_threads.max(1)) + 64;
    let served = if args.service.is_some() { stacks * service::MOST_DESCRIPTORS } else { 0 };
    let metrics = if args.metrics.is_some() { 32 } else { 0 };
    let needed = (capture + served + metrics) as u64;
    match descriptors::raise(needed) {
        Some(got) if !got.enough => tracing::warn!(
            "open files: {} are allowed, {needed} may be needed; clients are turned away before \
             outputs lack any (LimitNOFILE= of systemd, ulimit -n)",
            got.now
        ),
        Some(got) if got.now > got.before => {
            tracing::info!("open files: {} are allowed, {} before", got.now, got.before);
        }
        _ => {}
    }
}

/// What is still needed once interfaces are open.
fn needs(args: &Live) -> Needs {
    let options = &args.options;
    let mut needs = Needs {
        user: args.user.clone(),
        adapter_stamps: args.time_stamp_type.as_deref().is_some_and(|t| t.starts_with("adapter")),
        confine: !args.no_confine,
        ..Needs::default()
    };
    for file in [&options.write, &options.stats].into_iter().flatten() {
        needs.writes(file);
    }
    if let Some(path) = &options.jsonl {
        match path.to_string_lossy().parse() {
            Ok(Address::Unix(socket)) => needs.outputs.push(socket),
            Ok(Address::Tcp(place)) => {
                needs.connect = place.rsplit(':').next().and_then(|port| port.parse().ok());
            }
            Err(()) => needs.writes(path),
        }
    }
    if let Some(directory) = &args.service {
        needs.writes_in(directory);
    }
    options.config.iter().for_each(|file| needs.reads_again(file));
    needs.read.extend(options.codes.clone());
    needs.read.push(PathBuf::from(&options.policy));
    let stack = &options.stack;
    let files = stack.profile.iter().chain(&stack.include).chain(&stack.ftp_data);
    needs.read.extend(files.cloned());
    needs
}

/// The names that services answer with.
fn names(settings: &Settings) -> Vec<Names> {
    let name = |s: &crate::config::Stack| Names {
        sysname: s.identity.sysname.clone(),
        job: match s.identity.as_name.as_str() {
            "" => s.identity.stack.clone(),
            job => job.to_owned(),
        },
        stack: s.identity.stack.clone(),
    };
    settings.stacks.list().iter().map(name).collect()
}

/// The file of records.
fn records(path: &Path, args: &Live) -> anyhow::Result<ResilientFile<SmfFile>> {
    let options = args.options.written.options(args.options.force);
    // What rotates goes on after what is there from before.
    let rotates = options.rotation != Rotation::default();
    tell_left_behind(path);
    let file = SmfFile::create(path, Options { fresh: rotates, ..options })?;
    let (path, name) = (path.to_owned(), path.display().to_string());
    let again = Options { fresh: true, ..options };
    Ok(ResilientFile::new(file, name, "records", move || SmfFile::create(&path, again)))
}

/// Tells of files that were not completed because the process ended by force. What
/// is in them is whole records.
fn tell_left_behind(path: &Path) {
    for file in left_behind(path) {
        tracing::warn!(
            "{}: left by a process that ended by force; its records are whole",
            file.display()
        );
    }
}

/// Where lines go.
fn lines(path: &Path, force: bool) -> anyhow::Result<Lines> {
    if path == Path::new("-") {
        return Ok(Lines::Standard(OutputFile::create(path, force)?));
    }
    if let Ok(address) = path.to_string_lossy().parse::<Address>() {
        return Ok(Lines::Socket(LineSocket::start(address)?));
    }
    let file = LineFile::create(path, force)?;
    let (path, name) = (path.to_owned(), path.display().to_string());
    Ok(Lines::File(ResilientFile::new(file, name, "lines", move || LineFile::again(&path))))
}

/// Closes everything, and tells what there is to tell.
fn finish(
    args: &Live,
    (mut outputs, stats): (Outputs, Option<OutputFile>),
    ledger: &Ledger,
    result: Result<(), RunError<OutputError>>,
    every_server: bool,
) -> anyhow::Result<u8> {
    let options = &args.options;
    // The terminal is the user's again.
    outputs.top = None;
    outputs.told_at = None;
    outputs.look_around();
    if !options.quiet {
        read::note_left_out(ledger);
    }
    let mut line = serde_json::to_vec(&ledger.line()).context("the ledger")?;
    line.push(b'\n');
    let finished = [
        outputs.records.map_or(Ok(()), |kept| kept.finish(SmfFile::finish)),
        match outputs.lines {
            Some(Lines::Standard(out)) => out.finish_with(&line),
            Some(Lines::File(mut file)) => {
                file.write(|f| f.line(&line));
                file.finish(LineFile::finish)
            }
            Some(Lines::Socket(socket)) => {
                socket.line(&line);
                Ok(())
            }
            None => Ok(()),
        },
        stats.map_or(Ok(()), |file| file.finish_with(&line)),
    ];
    drop(outputs.service);
    let first: Result<(), anyhow::Error> = match result {
        Ok(()) => Ok(()),
        Err(RunError::Source(error)) => Err(error.into()),
        Err(RunError::Output(error)) => Err(error.into()),
        Err(error @ RunError::Threads(_)) => Err(error.into()),
    };
    finished.into_iter().fold(first, |first, r| first.and(r.map_err(Into::into)))?;
    if let Some(report) = &outputs.report {
        read::print_report(options, every_server, report, &outputs.policy, ledger)?;
    }
    Ok(DONE)
}

fn list() -> anyhow::Result<u8> {
    let mut out = anstream::stdout().lock();
    for interface in interfaces()? {
        let addresses: Vec<String> = interface.addresses.iter().map(ToString::to_string).collect();
        let state = if interface.up { "up" } else { "down" };
        let line = format!(
            "{:<16} {state:<5} {} {}",
            interface.name,
            addresses.join(" "),
            interface.description
        );
        writeln!(out, "{}", line.trim_end())?;
    }
    out.flush()?;
    Ok(DONE)
}
