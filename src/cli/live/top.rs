//! A view of the terminal while a watch goes on: who is unprotected or weak, rates,
//! losses, the last messages.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use ratatui::DefaultTerminal;
use ratatui::Frame;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Color, Style, Stylize};
use ratatui::text::Line;
use ratatui::widgets::{Block, Borders, Cell, Paragraph, Row as Cells, Table};

use super::log::Recent;
use crate::pipeline::Ledger;
use crate::policy::Policy;
use crate::printable::printable;
use crate::sink::metrics::Interface;
use crate::sink::ranking::{By, Classes, Ranking, total};
use crate::sink::report::{CLASSES, Class, Row, class};
use crate::sink::table::{self, group};

/// How often the view changes, at the most.
const EVERY: Duration = Duration::from_secs(1);
/// The part of the time that looking at connections may take: one in so many.
const SHARE: u32 = 20;
/// Rows that are passed on of each ranking.
const ROWS: usize = 200;
/// How long a key is waited for.
const KEY: Duration = Duration::from_millis(100);

/// What is shown.
#[derive(Clone, Debug, Default)]
struct View {
    time: i64,
    interfaces: Vec<(Interface, f64)>,
    packets: u64,
    seen: u64,
    followed: u64,
    incomplete: u64,
    handshakes: Vec<(&'static str, u64)>,
    classes: Classes,
    rankings: [Vec<(String, Classes)>; By::ALL.len()],
}

/// The view and the thread that draws it.
pub(super) struct Top {
    views: Option<SyncSender<View>>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    /// What has ended, and what is under way.
    ended: [Ranking; By::ALL.len()],
    under_way: [Ranking; By::ALL.len()],
    next: View,
    asked: Option<Instant>,
    due: Instant,
    before: Option<(Instant, Vec<u64>)>,
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
            ended: Default::default(),
            under_way: Default::default(),
            next: View::default(),
            asked: None,
            due: Instant::now(),
            before: None,
        })
    }

    /// Whether the user has had enough.
    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// Whether it is time to look at connections again.
    pub fn is_due(&mut self) -> bool {
        let is_due = Instant::now() >= self.due;
        if is_due {
            self.asked = Some(Instant::now());
            self.under_way = Default::default();
        }
        is_due
    }

    /// A connection that has ended.
    pub fn ended(&mut self, row: &Row, policy: &Policy) {
        add(&mut self.ended, row, policy);
    }

    /// A connection under way.
    pub fn under_way(&mut self, row: &Row, policy: &Policy) {
        add(&mut self.under_way, row, policy);
    }

    /// How interfaces stand.
    pub fn interfaces(&mut self, interfaces: Vec<Interface>) {
        let counts: Vec<u64> = interfaces.iter().map(|i| i.packets).collect();
        if self.asked.is_none() {
            return;
        }
        let rates: Vec<f64> = match &self.before {
            Some((then, before)) => {
                let seconds = then.elapsed().as_secs_f64().max(0.001);
                let rate =
                    |(now, before): (&u64, &u64)| now.saturating_sub(*before) as f64 / seconds;
                counts.iter().zip(before).map(rate).collect()
            }
            None => vec![0.0; counts.len()],
        };
        self.next.interfaces = interfaces.into_iter().zip(rates).collect();
        self.before = Some((Instant::now(), counts));
    }

    /// How the ledger stands.
    pub fn ledger(&mut self, ledger: &Ledger) {
        self.next.packets = ledger.total.packets;
        self.next.seen = ledger.connections.seen;
        self.next.followed = ledger.now.connections;
        self.next.incomplete = ledger.connections.incomplete;
        self.next.handshakes = ledger.handshakes.iter().map(|(v, n)| (*v, *n)).collect();
    }

    /// Shows what was told since it was due.
    pub fn show(&mut self, time: i64) {
        self.next.time = time;
        for by in By::ALL {
            let ranking = by.of_mut(&mut self.under_way);
            ranking.join(by.of(&self.ended));
            let all = ranking.ranked().into_iter();
            *by.of_mut(&mut self.next.rankings) =
                all.take(ROWS).map(|(name, classes)| (name.to_owned(), *classes)).collect();
            if by == By::Server {
                self.next.classes = ranking.sum();
            }
        }
        if let Some(views) = &self.views {
            // A view that is not drawn yet is newer than nothing.
            let _ = views.try_send(self.next.clone());
        }
        let cost = self.asked.take().map_or(Duration::ZERO, |asked| asked.elapsed());
        self.due = Instant::now() + EVERY.max(cost * SHARE);
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

fn add(rankings: &mut [Ranking; By::ALL.len()], row: &Row, policy: &Policy) {
    let class = class(row, policy);
    for by in By::ALL {
        by.of_mut(rankings).add(row.name(by), class, row.from_client + row.from_server);
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
    let mut by = By::Server;
    loop {
        loop {
            match views.try_recv() {
                Ok(newer) => view = newer,
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => return Ok(()),
            }
        }
        if over.load(Ordering::Relaxed) {
            return Ok(());
        }
        terminal.draw(|frame| paint(frame, &view, by, recent))?;
        if !event::poll(KEY)? {
            continue;
        }
        if let Event::Key(key) = event::read()?
            && key.kind == KeyEventKind::Press
        {
            match key.code {
                KeyCode::Char('q') | KeyCode::Esc => return Ok(()),
                KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => {
                    return Ok(());
                }
                KeyCode::Char('s') => by = By::Server,
                KeyCode::Char('c') => by = By::Client,
                KeyCode::Char('j') => by = By::Job,
                _ => {}
            }
        }
    }
}

fn paint(frame: &mut Frame<'_>, view: &View, by: By, recent: &Recent) {
    let interfaces = u16::try_from(view.interfaces.len()).unwrap_or(8).clamp(1, 8);
    let [head, links, talkers, messages, keys] = Layout::vertical([
        Constraint::Length(4),
        Constraint::Length(interfaces + 2),
        Constraint::Min(5),
        Constraint::Length(6),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    frame.render_widget(Paragraph::new(summary(view)), head);
    frame.render_widget(links_table(view), links);
    frame.render_widget(talkers_table(view, by, talkers.height), talkers);
    let lines: Vec<Line<'_>> = recent.last(5).into_iter().map(Line::from).collect();
    let block = Block::new().borders(Borders::TOP).title("messages");
    frame.render_widget(Paragraph::new(lines).block(block), messages);
    let help = " q end   s by server   c by client   j by job";
    frame.render_widget(Paragraph::new(help).dim(), keys);
}

fn summary(view: &View) -> Vec<Line<'static>> {
    let part = |class: Class| {
        let amount = class.of(&view.classes);
        format!(
            "{} {} ({})   ",
            class.name(),
            group(amount.connections),
            table::bytes(amount.bytes)
        )
    };
    let colour = |class: Class| match class {
        Class::Unprotected => Style::new().fg(Color::Red),
        Class::Failed => Style::new().fg(Color::Magenta),
        Class::Weak => Style::new().fg(Color::Yellow),
        Class::Protected => Style::new().fg(Color::Green),
        Class::Unknown => Style::new(),
    };
    let classes: Vec<_> =
        CLASSES.iter().map(|&c| ratatui::text::Span::styled(part(c), colour(c))).collect();
    let handshakes: Vec<String> =
        view.handshakes.iter().map(|(version, n)| format!("{version} {}", group(*n))).collect();
    let time = crate::sink::jsonl::time(view.time);
    vec![
        Line::from(format!(
            "zerttap   {}   {} packets   {} connections, {} followed, {} incomplete",
            time.get(..19).unwrap_or(&time),
            group(view.packets),
            group(view.seen),
            group(view.followed),
            group(view.incomplete),
        ))
        .bold(),
        Line::from(classes),
        Line::from(format!("handshakes   {}", handshakes.join("   "))),
    ]
}

fn links_table(view: &View) -> Table<'static> {
    let rows = view.interfaces.iter().map(|(i, rate)| {
        let lost = i.dropped + i.interface_dropped;
        let style = if !i.up || lost > 0 { Style::new().fg(Color::Red) } else { Style::new() };
        Cells::new([
            i.name.clone(),
            if i.up { "up".to_owned() } else { "gone".to_owned() },
            format!("{:>12}", group(*rate as u64)),
            format!("{:>12}", group(i.dropped)),
            format!("{:>12}", group(i.interface_dropped)),
        ])
        .style(style)
    });
    let widths = [16, 5, 13, 13, 17].map(Constraint::Length);
    let head = ["INTERFACE", "", "    PACKETS/S", "  KERNEL LOST", "INTERFACE LOST"];
    Table::new(rows, widths).header(Cells::new(head).bold())
}

fn talkers_table(view: &View, by: By, height: u16) -> Table<'static> {
    let all = by.of(&view.rankings);
    let rows = all.iter().take(usize::from(height.saturating_sub(2))).map(|(name, classes)| {
        let [bad, weak] = [Class::Unprotected, Class::Weak].map(|c| *c.of(classes));
        let sum = total(classes);
        let style = match (bad.connections, weak.connections) {
            (0, 0) => Style::new(),
            (0, _) => Style::new().fg(Color::Yellow),
            _ => Style::new().fg(Color::Red),
        };
        let numbers = [
            group(bad.connections),
            table::bytes(bad.bytes),
            group(weak.connections),
            table::bytes(weak.bytes),
            group(sum.connections),
            table::bytes(sum.bytes),
        ];
        let cells = numbers.into_iter().map(|n| Cell::from(format!("{n:>11}")));
        let name = printable(name).into_owned();
        Cells::new(std::iter::once(Cell::from(name)).chain(cells)).style(style)
    });
    let widths = [Constraint::Min(20)].into_iter().chain([Constraint::Length(11); 6]);
    let head = [
        by.name().to_uppercase(),
        "UNPROTECTED".to_owned(),
        format!("{:>11}", "BYTES"),
        format!("{:>11}", "WEAK"),
        format!("{:>11}", "BYTES"),
        format!("{:>11}", "ALL"),
        format!("{:>11}", "BYTES"),
    ];
    Table::new(rows, widths)
        .header(Cells::new(head).bold())
        .block(Block::new().borders(Borders::TOP))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    #[test]
    fn the_view_shows_who_is_unprotected_and_what_was_lost() {
        let mut classes = Classes::default();
        classes[Class::Unprotected as usize].connections = 7;
        let interface = Interface {
            name: "eth1".to_owned(),
            packets: 9,
            dropped: 4321,
            interface_dropped: 0,
            up: true,
        };
        let mut view = View {
            interfaces: vec![(interface, 1500.0)],
            handshakes: vec![("TLSv1.3", 12)],
            classes,
            ..View::default()
        };
        view.rankings[By::Server as usize].push(("192.0.2.1:23".to_owned(), classes));
        let mut terminal = Terminal::new(TestBackend::new(110, 30)).expect("a terminal");
        let recent = Recent::default();
        terminal.draw(|frame| paint(frame, &view, By::Server, &recent)).expect("drawn");
        let shown = terminal.backend().to_string();
        for text in
            ["unprotected 7", "eth1", "1,500", "4,321", "TLSv1.3 12", "192.0.2.1:23", "q end"]
        {
            assert!(shown.contains(text), "{text}: {shown}");
        }
    }
}
