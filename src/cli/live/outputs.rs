//! The outputs of a watch, all at once.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use sd_notify::NotifyState;

use super::metrics::MetricsServer;
use super::reload::Reload;
use super::resilient_output::ResilientFile;
use super::signals::Signals;
use super::top::Top;
use crate::config::Schedule;
use crate::pipeline::{Ledger, LiveQueries, Output};
use crate::policy::Policy;
use crate::record::{Record, SUBTYPE_DETAIL};
use crate::service::Service;
use crate::sink::OutputFile;
use crate::sink::file::OutputError;
use crate::sink::lines::LineFile;
use crate::sink::metrics::{self, Metrics};
use crate::sink::report::{Report, Row};
use crate::sink::smf::SmfFile;
use crate::sink::socket::LineSocket;
use crate::source::{InterfaceState, WatchTime};

/// How often it is looked at what was lost, and the watchdog is told.
const LOOK: Duration = Duration::from_secs(1);

/// How often it is said that somebody is slow.
const REPEAT: Duration = Duration::from_secs(60);

/// Where lines go.
pub(super) enum Lines {
    /// Standard output: where nobody reads any more, the watch ends.
    Standard(OutputFile),
    File(ResilientFile<LineFile>),
    Socket(LineSocket),
}

impl Lines {
    fn lost(&self) -> u64 {
        match self {
            Self::Standard(_) => 0,
            Self::File(file) => file.lost_in_all(),
            Self::Socket(socket) => socket.lost(),
        }
    }

    fn line(&mut self, line: &[u8]) -> Result<(), OutputError> {
        match self {
            Self::Standard(out) => return out.write(line),
            Self::File(file) => file.write(|f| f.line(line)),
            Self::Socket(socket) => socket.line(line),
        }
        Ok(())
    }
}

/// What was last told of an interface.
pub(super) struct Watched {
    state: Arc<InterfaceState>,
    dropped: u64,
    down: bool,
    ahead: i64,
}

impl Watched {
    pub fn new(state: Arc<InterfaceState>) -> Self {
        Self { state, dropped: 0, down: false, ahead: 0 }
    }

    fn lost(&self) -> u64 {
        let state = &self.state;
        state.dropped.load(Ordering::Relaxed) + state.interface_dropped.load(Ordering::Relaxed)
    }

    pub fn metrics(&self) -> metrics::Interface {
        let state = &self.state;
        metrics::Interface {
            name: state.name.clone(),
            packets: state.packets.load(Ordering::Relaxed),
            dropped: state.dropped.load(Ordering::Relaxed),
            interface_dropped: state.interface_dropped.load(Ordering::Relaxed),
            up: !state.down.load(Ordering::Relaxed),
        }
    }

    /// Says what the interface has lost since it was last said, whether it is gone,
    /// and whether the clock was set.
    fn look(&mut self) {
        let dropped = self.lost();
        let down = self.state.down.load(Ordering::Relaxed);
        let ahead = self.state.clock_ahead.load(Ordering::Relaxed);
        let name = &self.state.name;
        if dropped > self.dropped {
            tracing::warn!("interface {name}: {} packets lost", dropped - self.dropped);
        }
        if down != self.down {
            let what = if down { "is gone; waiting for it" } else { "is back" };
            tracing::warn!("interface {name} {what}");
        }
        if ahead != self.ahead {
            let seconds = ahead as f64 / 1e9;
            tracing::warn!(
                "the clock was set: it is {seconds:+.3} s from the time of this watch, which goes on"
            );
        }
        (self.dropped, self.down, self.ahead) = (dropped, down, ahead);
    }
}

/// The outputs of a watch.
pub(super) struct Outputs {
    pub records: Option<ResilientFile<SmfFile>>,
    /// Whether details and summaries of each stack go into files.
    pub recorded: Vec<[bool; 2]>,
    pub lines: Option<Lines>,
    pub service: Option<Service>,
    /// Kept where nothing is written but a table at the end.
    pub report: Option<Report>,
    pub policy: Policy,
    pub signals: Signals,
    pub reload: Reload,
    pub interfaces: Vec<Watched>,
    pub metrics: Option<MetricsServer>,
    pub top: Option<Top>,
    /// When the status is due, and by which schedule.
    pub status: (Option<i64>, Schedule),
    pub time: WatchTime,
    /// The packet clock.
    pub clock: i64,
    pub flush_every: Duration,
    pub flushed: Instant,
    pub looked: Instant,
    /// Lines and records for clients that were lost when it was last told.
    pub told_lost: [u64; 2],
    pub told_at: Option<Instant>,
}

impl Output for Outputs {
    type Error = OutputError;

    fn record(&mut self, stack: usize, bytes: &[u8]) -> Result<(), OutputError> {
        let subtype = Record::parse(bytes).ok().and_then(|r| r.subtype()).unwrap_or(0);
        if let Some(service) = &self.service {
            service.publish(stack, subtype, bytes, self.clock);
        }
        let [detail, summary] = self.recorded.get(stack).copied().unwrap_or_default();
        let recorded = if subtype == SUBTYPE_DETAIL { detail } else { summary };
        if recorded && let Some(records) = &mut self.records {
            records.write(|file| file.record(bytes));
        }
        Ok(())
    }

    fn line(&mut self, line: &[u8]) -> Result<(), OutputError> {
        self.lines.as_mut().map_or(Ok(()), |lines| lines.line(line))
    }

    fn row(&mut self, row: Row) {
        if let Some(top) = &mut self.top {
            top.ended(&row, &self.policy);
        }
        if let Some(metrics) = &mut self.metrics {
            metrics.watched.traffic.ended(&row, &self.policy);
        }
        if let Some(report) = &mut self.report {
            report.add(row, &self.policy);
        }
    }

    fn tick(&mut self, clock: i64) -> Result<(), OutputError> {
        self.clock = clock;
        if let Some(Lines::File(file)) = &mut self.lines {
            file.with(|f| f.at(clock));
        }
        if self.flushed.elapsed() >= self.flush_every {
            self.flushed = Instant::now();
            self.flush()?;
        }
        if self.looked.elapsed() >= LOOK {
            self.looked = Instant::now();
            self.look_around();
            let _ = sd_notify::notify(&[NotifyState::Watchdog]);
        }
        Ok(())
    }

    fn asks(&mut self) -> LiveQueries {
        let mut asked = LiveQueries {
            list: self.service.as_ref().is_some_and(Service::wants_list),
            ..LiveQueries::default()
        };
        if self.signals.reload.swap(false, Ordering::Relaxed) {
            if let Some(records) = &mut self.records {
                records.with(SmfFile::rotate);
            }
            if let Some(Lines::File(file)) = &mut self.lines {
                file.with(LineFile::rotate);
            }
            asked.settings = self.reload.settings();
            if let Some(settings) = &asked.settings {
                self.policy = settings.policy.clone();
            }
        }
        if let Some(top) = &mut self.top
            && top.is_due()
        {
            (asked.glance, asked.ledger) = (true, true);
        }
        asked.glance |= self.metrics.as_mut().is_some_and(|metrics| metrics.watched.is_due());
        let (due, schedule) = &mut self.status;
        let is_due = *due.get_or_insert_with(|| schedule.after(self.clock)) <= self.clock;
        asked.ledger |= is_due
            || self.metrics.as_ref().is_some_and(MetricsServer::is_due)
            || self.signals.ledger.load(Ordering::Relaxed);
        asked
    }

    fn ledger(&mut self, ledger: &Ledger) -> Result<(), OutputError> {
        if self.signals.ledger.swap(false, Ordering::Relaxed)
            && let Ok(line) = serde_json::to_string(&ledger.line())
        {
            // On the terminal the view has its place for it.
            match self.top {
                Some(_) => tracing::info!("{line}"),
                None => {
                    let _ = writeln!(std::io::stderr(), "{line}");
                }
            }
        }
        if self.status.0.is_some_and(|due| due <= self.clock) {
            self.status.0 = Some(self.status.1.after(self.clock));
            self.tell_status(ledger)?;
        }
        if self.metrics.as_ref().is_some_and(MetricsServer::is_due) {
            let metrics = self.numbers(ledger);
            if let Some(served) = &mut self.metrics {
                served.update(&metrics);
            }
        }
        if let Some(top) = &mut self.top {
            top.interfaces(self.interfaces.iter().map(Watched::metrics).collect());
            top.ledger(ledger);
        }
        Ok(())
    }

    fn listed(&mut self, stack: usize, bytes: &[u8]) {
        if let Some(service) = &self.service {
            service.listed(stack, bytes, self.clock);
        }
    }

    fn list_ends(&mut self) {
        if let Some(service) = &self.service {
            service.list_ends();
        }
    }

    fn glance(&mut self, row: Row) {
        if let Some(top) = self.top.as_mut().filter(|top| top.is_asked()) {
            top.under_way(&row, &self.policy);
        }
        if let Some(metrics) = &mut self.metrics {
            metrics.watched.open(&row, &self.policy);
        }
    }

    fn glance_ends(&mut self) {
        if let Some(top) = &mut self.top {
            top.show(self.time.now());
        }
        if let Some(metrics) = &mut self.metrics {
            metrics.watched.end();
        }
        // Who has pressed q wants what TERM does.
        if self.top.as_ref().is_some_and(Top::is_over) {
            self.signals.stop.store(true, Ordering::Relaxed);
        }
    }
}

impl Outputs {
    /// Hands what is written to the operating system.
    fn flush(&mut self) -> Result<(), OutputError> {
        if let Some(records) = &mut self.records {
            records.flush(SmfFile::flush);
        }
        match &mut self.lines {
            Some(Lines::Standard(out)) => out.flush()?,
            Some(Lines::File(file)) => file.flush(LineFile::flush),
            Some(Lines::Socket(..)) | None => {}
        }
        Ok(())
    }

    /// Says what was lost and what has changed.
    pub fn look_around(&mut self) {
        self.interfaces.iter_mut().for_each(Watched::look);
        if self.told_at.is_some_and(|told| told.elapsed() < REPEAT) {
            return;
        }
        let lines = self.lines.as_ref().map_or(0, Lines::lost);
        let records = self.service.as_ref().map_or(0, Service::lost);
        let [told_lines, told_records] = self.told_lost;
        if matches!(self.lines, Some(Lines::Socket(..))) && lines > told_lines {
            tracing::warn!("{} lines were lost: who listens is slow or gone", lines - told_lines);
        }
        if records > told_records {
            tracing::warn!("{} records were lost to slow clients", records - told_records);
        }
        if self.told_lost != [lines, records] {
            self.told_lost = [lines, records];
            self.told_at = Some(Instant::now());
        }
    }

    /// Tells how it stands at the end of an interval, losses first.
    fn tell_status(&mut self, ledger: &Ledger) -> Result<(), OutputError> {
        let lost: u64 = self.interfaces.iter().map(Watched::lost).sum();
        tracing::info!(
            packets = ledger.total.packets,
            lost,
            connections = ledger.connections.seen,
            unprotected = ledger.connections.unprotected,
            incomplete = ledger.connections.incomplete,
            records = ledger.written.records,
            "so far"
        );
        let mut line = serde_json::to_vec(&ledger.status(self.clock)).unwrap_or_default();
        line.push(b'\n');
        self.line(&line)
    }

    fn numbers(&self, ledger: &Ledger) -> Metrics {
        Metrics {
            ledger: serde_json::to_value(ledger.line()).unwrap_or_default(),
            interfaces: self.interfaces.iter().map(Watched::metrics).collect(),
            lag_seconds: self.time.behind(self.clock).as_secs_f64(),
            started: self.metrics.as_ref().map_or(0, |m| m.started),
            records_lost: self.records.as_ref().map_or(0, ResilientFile::lost_in_all),
            lines_lost: self.lines.as_ref().map_or(0, Lines::lost),
            clients: self.service.as_ref().map_or(0, Service::clients),
            client_records_lost: self.service.as_ref().map_or(0, Service::lost),
            connections: ledger.now.connections,
            sessions: ledger.now.sessions,
            traffic: self.metrics.as_ref().map(|m| m.watched.traffic.clone()).unwrap_or_default(),
        }
    }
}
