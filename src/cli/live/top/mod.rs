//! A view of the terminal while a watch goes on: who is unprotected or weak, rates,
//! losses, the last messages.

mod columns;
mod screen;
#[cfg(test)]
mod tests;
mod view;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyEventKind};

use self::screen::Screen;
use self::view::{Collector, View};
use super::log::Recent;
use crate::pipeline::Ledger;
use crate::policy::Policy;
use crate::sink::metrics::Interface;
use crate::sink::report::Row;

/// How often the view changes, at the most.
const EVERY: Duration = Duration::from_secs(1);
/// The part of the time that looking at connections may take: one in so many.
const SHARE: u32 = 20;
/// How long a key is waited for.
const KEY: Duration = Duration::from_millis(100);

/// The view and the thread that draws it.
pub(super) struct Top {
    views: Option<SyncSender<View>>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    collector: Collector,
    started: Instant,
    /// When connections were last asked for, and how long that was after the time before.
    asked: Option<Instant>,
    seconds: f64,
    last: Option<Instant>,
    due: Instant,
}

impl Top {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// If standard output is none.
    pub fn start(recent: Recent) -> anyhow::Result<Self> {
        use std::io::IsTerminal;
        if !std::io::stdout().is_terminal() {
            bail!("--top needs a terminal");
        }
        // What ends the program by force gives it back, too.
        let terminal = ratatui::try_init().context("the terminal")?;
        let (views, take) = sync_channel(1);
        let over = Arc::new(AtomicBool::new(false));
        let of_thread = Arc::clone(&over);
        let thread = std::thread::Builder::new().name("view".to_owned()).spawn(move || {
            let _ = draw(terminal, &take, &of_thread, &recent);
            of_thread.store(true, Ordering::Relaxed);
        })?;
        Ok(Self {
            views: Some(views),
            over,
            thread: Some(thread),
            collector: Collector::new(),
            started: Instant::now(),
            asked: None,
            seconds: 0.0,
            last: None,
            due: Instant::now(),
        })
    }

    /// Whether the user has had enough.
    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// Whether it is time to look at connections again.
    pub fn is_due(&mut self) -> bool {
        let now = Instant::now();
        let is_due = now >= self.due;
        if is_due {
            self.asked = Some(now);
            self.seconds = self.last.map_or(0.0, |last| (now - last).as_secs_f64());
            self.last = Some(now);
            self.collector.begin();
        }
        is_due
    }

    /// Whether connections are told at the moment.
    pub fn is_asked(&self) -> bool {
        self.asked.is_some()
    }

    /// A connection that has ended.
    pub fn ended(&mut self, row: &Row, policy: &Policy) {
        self.collector.ended(row, policy);
    }

    /// A connection under way.
    pub fn under_way(&mut self, row: &Row, policy: &Policy) {
        self.collector.under_way(row, policy);
    }

    /// How interfaces stand.
    pub fn interfaces(&mut self, interfaces: Vec<Interface>) {
        if self.asked.is_some() {
            self.collector.interfaces(interfaces, self.seconds);
        }
    }

    /// How the ledger stands.
    pub fn ledger(&mut self, ledger: &Ledger) {
        if self.asked.is_some() {
            self.collector.ledger(ledger, self.seconds);
        }
    }

    /// Shows what was told since it was due.
    pub fn show(&mut self, time: i64) {
        let Some(asked) = self.asked.take() else { return };
        self.collector.next.seconds = self.started.elapsed().as_secs();
        let view = self.collector.view(time, self.seconds);
        if let Some(views) = &self.views {
            // A view that is not drawn yet is newer than nothing.
            let _ = views.try_send(view);
        }
        self.due = Instant::now() + EVERY.max(asked.elapsed() * SHARE);
    }
}

impl Drop for Top {
    fn drop(&mut self) {
        self.views = None;
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        let _ = ratatui::try_restore();
    }
}

/// Draws what comes, and listens to keys, until either ends.
fn draw(
    mut terminal: DefaultTerminal,
    views: &Receiver<View>,
    over: &AtomicBool,
    recent: &Recent,
) -> std::io::Result<()> {
    let mut view = View::default();
    let mut screen = Screen::default();
    loop {
        loop {
            match views.try_recv() {
                Ok(_) if screen.is_held() => {}
                Ok(newer) => view = newer,
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => return Ok(()),
            }
        }
        if over.load(Ordering::Relaxed) {
            return Ok(());
        }
        terminal.draw(|frame| screen.paint(frame, &view, &recent.last(screen::MESSAGES)))?;
        if !event::poll(KEY)? {
            continue;
        }
        if let Event::Key(key) = event::read()?
            && key.kind == KeyEventKind::Press
            && screen.key(key)
        {
            return Ok(());
        }
    }
}
