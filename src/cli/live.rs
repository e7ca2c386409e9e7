//! `zerttap live`.

use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use sd_notify::NotifyState;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};

use super::live_args::Live as LiveArgs;
use super::settings_file::Sources;
use super::{DONE, INTERRUPTED, message, read};
use crate::pipeline::{self, Ledger, Output, RunError, Tuning, Wants};
use crate::policy::Policy;
use crate::sink::OutputFile;
use crate::sink::file::OutputError;
use crate::sink::metrics::{self, Metrics};
use crate::sink::smf::{Options, Rotation, SmfFile};
use crate::sink::survey::{Row, Survey};
use crate::source::{InterfaceState, Live, LiveOptions, interfaces};

/// How often what is written is handed to the operating system.
const FLUSH: Duration = Duration::from_secs(1);

/// How long a file that cannot be written is left alone.
const RETRY: Duration = Duration::from_secs(2);

/// What signals ask for.
#[derive(Default)]
struct Asked {
    stop: Arc<AtomicBool>,
    rotate: Arc<AtomicBool>,
    ledger: Arc<AtomicBool>,
}

impl Asked {
    /// Watches for signals.
    fn watch() -> anyhow::Result<Self> {
        let asked = Self::default();
        let watched = "cannot watch for signals";
        for signal in [SIGINT, SIGTERM] {
            // The second time the user does not want to wait.
            let (status, stop) = (i32::from(INTERRUPTED), Arc::clone(&asked.stop));
            signal_hook::flag::register_conditional_shutdown(signal, status, stop)
                .context(watched)?;
            signal_hook::flag::register(signal, Arc::clone(&asked.stop)).context(watched)?;
        }
        for (signal, flag) in [(SIGHUP, &asked.rotate), (SIGUSR1, &asked.ledger)] {
            signal_hook::flag::register(signal, Arc::clone(flag)).context(watched)?;
        }
        Ok(asked)
    }
}

/// The outputs of a watch.
struct Outputs {
    records: Option<Kept>,
    lines: Option<OutputFile>,
    survey: Survey,
    policy: Policy,
    asked: Asked,
    /// The packet clock.
    clock: i64,
    flushed: Instant,
    interfaces: Vec<Watched>,
    metrics: Option<Served>,
    quiet: bool,
}

/// A file of records that is begun anew when it cannot be written any more.
struct Kept {
    file: Option<SmfFile>,
    path: PathBuf,
    options: Options,
    /// Records that could not be written since it was last told, and in all.
    lost: u64,
    lost_in_all: u64,
    retry: Instant,
}

impl Kept {
    fn create(path: &Path, options: Options) -> Result<Self, OutputError> {
        // What rotates goes on after what is there from before.
        let rotates = options.rotation != Rotation::default();
        let first = Options { fresh: rotates, ..options };
        let file = Some(SmfFile::create(path, first)?);
        let options = Options { fresh: true, ..options };
        Ok(Self {
            file,
            path: path.to_owned(),
            options,
            lost: 0,
            lost_in_all: 0,
            retry: Instant::now(),
        })
    }

    /// Does something with the file, and gives it up if that fails.
    fn with(&mut self, what: impl FnOnce(&mut SmfFile) -> Result<(), OutputError>) {
        let Some(file) = &mut self.file else { return };
        if let Err(error) = what(file) {
            self.file = None;
            self.retry = Instant::now() + RETRY;
            anstream::eprintln!("{}", message("error", &format!("{error}; trying again")));
        }
    }

    fn record(&mut self, bytes: &[u8]) {
        if self.file.is_none() && Instant::now() >= self.retry {
            match SmfFile::create(&self.path, self.options) {
                Ok(file) => self.file = Some(file),
                Err(_) => self.retry = Instant::now() + RETRY,
            }
        }
        self.with(|file| file.record(bytes));
        if self.file.is_none() {
            self.lost += 1;
            self.lost_in_all += 1;
            return;
        }
        let lost = std::mem::take(&mut self.lost);
        if lost > 0 {
            let text = format!("{}: {lost} records were lost", self.path.display());
            anstream::eprintln!("{}", message("warning", &text));
        }
    }

    fn finish(self) -> Result<(), OutputError> {
        if self.lost > 0 {
            let text = format!("{}: {} records were lost", self.path.display(), self.lost);
            anstream::eprintln!("{}", message("warning", &text));
        }
        self.file.map_or(Ok(()), SmfFile::finish)
    }
}

/// What was last told of an interface.
struct Watched {
    state: Arc<InterfaceState>,
    dropped: u64,
    down: bool,
}

impl Watched {
    fn metrics(&self) -> metrics::Interface {
        let state = &self.state;
        metrics::Interface {
            name: state.name.clone(),
            packets: state.packets.load(Ordering::Relaxed),
            dropped: state.dropped.load(Ordering::Relaxed),
            interface_dropped: state.interface_dropped.load(Ordering::Relaxed),
            up: !state.down.load(Ordering::Relaxed),
        }
    }
}

/// Metrics that are served over HTTP, by a thread of their own.
struct Served {
    text: Arc<Mutex<String>>,
    updated: Instant,
    started: u64,
}

impl Served {
    fn start(address: SocketAddr) -> anyhow::Result<Self> {
        let server = tiny_http::Server::http(address)
            .map_err(|e| anyhow::anyhow!("metrics at {address}: {e}"))?;
        let started = since_1970().as_secs();
        let first = Metrics { started, ..Metrics::default() }.text();
        let text = Arc::new(Mutex::new(first));
        let served = Arc::clone(&text);
        std::thread::Builder::new().name("metrics".to_owned()).spawn(move || {
            for request in server.incoming_requests() {
                let known = matches!(request.url(), "/metrics" | "/");
                let body = served.lock().map(|text| text.clone()).unwrap_or_default();
                let kind = &b"text/plain; version=0.0.4; charset=utf-8"[..];
                let (body, status) = match known {
                    true => (body, 200),
                    false => ("metrics are at /metrics\n".to_owned(), 404),
                };
                let mut response = tiny_http::Response::from_string(body).with_status_code(status);
                if let Ok(header) = tiny_http::Header::from_bytes(&b"Content-Type"[..], kind) {
                    response = response.with_header(header);
                }
                // A client that has gone needs no answer.
                let _ = request.respond(response);
            }
        })?;
        Ok(Self { text, updated: Instant::now(), started })
    }

    fn update(
        &mut self,
        ledger: &Ledger,
        interfaces: Vec<metrics::Interface>,
        clock: i64,
        records_lost: u64,
    ) {
        self.updated = Instant::now();
        let lag_seconds = since_1970().as_secs_f64() - clock as f64 / 1e9;
        let metrics = Metrics {
            ledger: serde_json::to_value(ledger.line()).unwrap_or_default(),
            interfaces,
            lag_seconds: lag_seconds.max(0.0),
            started: self.started,
            records_lost,
        };
        if let Ok(mut text) = self.text.lock() {
            *text = metrics.text();
        }
    }
}

fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

impl Output for Outputs {
    type Error = OutputError;

    fn record(&mut self, bytes: &[u8]) -> Result<(), OutputError> {
        if let Some(records) = &mut self.records {
            records.record(bytes);
        }
        Ok(())
    }

    fn line(&mut self, line: &[u8]) -> Result<(), OutputError> {
        self.lines.as_mut().map_or(Ok(()), |f| f.write(line))
    }

    fn row(&mut self, row: Row) {
        self.survey.add(row, &self.policy);
    }

    fn tick(&mut self, clock: i64) -> Result<(), OutputError> {
        self.clock = clock;
        if self.asked.rotate.swap(false, Ordering::Relaxed)
            && let Some(records) = &mut self.records
        {
            records.with(SmfFile::rotate);
        }
        if self.flushed.elapsed() >= FLUSH {
            self.flushed = Instant::now();
            if let Some(records) = &mut self.records {
                records.with(SmfFile::flush);
            }
            if let Some(lines) = &mut self.lines {
                lines.flush()?;
            }
            self.look_at_interfaces();
            let _ = sd_notify::notify(&[NotifyState::Watchdog]);
        }
        Ok(())
    }

    fn wants_ledger(&mut self) -> bool {
        let due = self.metrics.as_ref().is_some_and(|m| m.updated.elapsed() >= FLUSH);
        due || self.asked.ledger.load(Ordering::Relaxed)
    }

    fn ledger(&mut self, ledger: &Ledger) -> Result<(), OutputError> {
        if self.asked.ledger.swap(false, Ordering::Relaxed)
            && let Ok(line) = serde_json::to_string(&ledger.line())
        {
            eprintln!("{line}");
        }
        let interfaces = self.interfaces.iter().map(|w| w.metrics()).collect();
        let lost = self.records.as_ref().map_or(0, |r| r.lost_in_all);
        if let Some(served) = &mut self.metrics {
            served.update(ledger, interfaces, self.clock, lost);
        }
        Ok(())
    }
}

impl Outputs {
    /// Says what interfaces have lost since it was last said, and which are gone.
    fn look_at_interfaces(&mut self) {
        for watched in &mut self.interfaces {
            let state = &watched.state;
            let dropped = state.dropped.load(Ordering::Relaxed)
                + state.interface_dropped.load(Ordering::Relaxed);
            let down = state.down.load(Ordering::Relaxed);
            if self.quiet {
                continue;
            }
            let say = |text: String| anstream::eprintln!("{}", message("warning", &text));
            if dropped > watched.dropped {
                let more = dropped - watched.dropped;
                say(format!("interface {}: {more} packets lost", state.name));
            }
            if down != watched.down {
                let what = if down { "is gone; waiting for it" } else { "is back" };
                say(format!("interface {} {what}", state.name));
            }
            (watched.dropped, watched.down) = (dropped, down);
        }
    }
}

/// Runs the command; returns the exit status.
pub(super) fn run(args: &LiveArgs, sources: &Sources) -> anyhow::Result<u8> {
    if args.list {
        return list();
    }
    let options = &args.options;
    if options.report.is_some() {
        bail!("--report is for captures; read what was captured, or use --jsonl");
    }
    let stacks = read::stacks(options, sources)?;
    read::note_profiles(options, &stacks);
    let settings = read::settings(options, stacks.into_iter().map(|c| c.stack).collect())?;
    let expression = match (&options.filter, args.expression.join(" ")) {
        (Some(_), words) if !words.is_empty() => bail!("two filters: {words}, and --filter"),
        (Some(filter), _) => Some(filter.clone()),
        (None, words) => Some(words).filter(|w| !w.is_empty()),
    };
    let asked = Asked::watch()?;
    let mut outputs = Outputs {
        records: options
            .write
            .as_deref()
            .map(|p| Kept::create(p, options.written.options(options.force)))
            .transpose()?,
        lines: options
            .jsonl
            .as_deref()
            .map(|p| OutputFile::create(p, options.force))
            .transpose()?,
        survey: Survey::default(),
        policy: settings.policy.clone(),
        asked,
        clock: i64::MIN,
        flushed: Instant::now(),
        interfaces: Vec::new(),
        metrics: args.metrics.map(Served::start).transpose()?,
        quiet: options.quiet,
    };
    let mut live = Live::open(
        &args.interface,
        &LiveOptions {
            snap_length: args.snap_length,
            buffer: args.buffer << 20,
            promiscuous: !args.no_promiscuous,
            time_stamps: args.time_stamp_type.clone(),
            filter: expression,
        },
    )?;
    let watch = |state| Watched { state, dropped: 0, down: false };
    outputs.interfaces = live.states().into_iter().map(watch).collect();
    let for_people = options.write.is_none() && options.jsonl.is_none();
    let stacks = settings.stacks.list();
    let wants = Wants {
        detail: options.write.is_some() && stacks.iter().any(|s| s.detail),
        summary: options.write.is_some() && stacks.iter().any(|s| s.summary),
        json: options.jsonl.is_some(),
        rows: for_people,
    };
    let mut tuning = Tuning::default();
    if let Some(threads) = options.threads {
        tuning.threads = threads.into();
    }
    if !options.quiet {
        let names = args.interface.join(", ");
        anstream::eprintln!("{}", message("note", &format!("watching {names}")));
    }
    let _ = sd_notify::notify(&[NotifyState::Ready]);
    let stop = Arc::clone(&outputs.asked.stop);
    let (ledger, result) =
        pipeline::run(&mut live, &settings, wants, tuning, &mut outputs, &stop, &mut |_| {});
    let _ = sd_notify::notify(&[NotifyState::Stopping]);
    drop(live);
    finish(args, outputs, &ledger, result, settings.stacks.every_server())
}

/// Closes everything, and tells what there is to tell.
fn finish(
    args: &LiveArgs,
    mut outputs: Outputs,
    ledger: &Ledger,
    result: Result<(), RunError<OutputError>>,
    every_server: bool,
) -> anyhow::Result<u8> {
    let options = &args.options;
    outputs.look_at_interfaces();
    let mut line = serde_json::to_vec(&ledger.line()).context("the ledger")?;
    line.push(b'\n');
    let finished = [
        outputs.records.map_or(Ok(()), Kept::finish),
        outputs.lines.map_or(Ok(()), |file| file.finish_with(&line)),
        match &options.stats {
            Some(path) => {
                OutputFile::create(path, options.force).and_then(|f| f.finish_with(&line))
            }
            None => Ok(()),
        },
    ];
    let first: Result<(), anyhow::Error> = match result {
        Ok(()) => Ok(()),
        Err(RunError::Source(error)) => Err(error.into()),
        Err(RunError::Output(error)) => Err(error.into()),
        Err(error @ RunError::Threads(_)) => Err(error.into()),
    };
    finished.into_iter().fold(first, |first, r| first.and(r.map_err(Into::into)))?;
    if options.write.is_none() && options.jsonl.is_none() {
        read::print_survey(options, every_server, &outputs.survey, &outputs.policy, ledger)?;
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
