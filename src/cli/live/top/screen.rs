//! The screen: what is painted where at each size, and what keys do.

use ratatui::Frame;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Cell, Clear, Paragraph, Row as Cells, Table};

use super::columns::{Column, columns, count, course, rate, sign};
use super::view::{Entry, Listing, Order, Rate, View};
use crate::printable::printable;
use crate::sink::ranking::total;
use crate::sink::report::{CLASSES, Class};
use crate::sink::table::{bytes, fit, group};

/// Messages that are shown at the most.
pub(super) const MESSAGES: usize = 5;
/// Interfaces that are shown at the most; those with losses first.
const INTERFACES: usize = 6;
/// From this width on the classes stand side by side with their bytes.
const WIDE: u16 = 76;
/// Below this size nothing fits.
const LEAST: (u16, u16) = (20, 4);

const HELP: &[&str] = &[
    "KEYS",
    "  s c j e   servers, clients, jobs, sessions",
    "  Tab       the next of these",
    "  o         the next order of rows, or:",
    "  u f w k   most unprotected, failed, weak,",
    "            not known first",
    "  n b r a   most connections, most bytes,",
    "            highest rate, by name",
    "  arrows, PgUp, PgDn, Home, End",
    "            move through the rows",
    "  space     hold the screen, go on",
    "  ? h       this help",
    "  q Esc     quit",
    "SIGNS, the worst that a row has",
    "  !  unprotected: no protection recognised",
    "  x  a handshake failed",
    "  ~  weak or broken by the policy",
    "  ?  not known: the capture does not show it",
    "  +  protected",
    "COLUMNS",
    "  Numbers are connections, ended and open.",
    "  BYTES is payload in both directions.",
    "  RATE is bytes a second, just now.",
    "  LAST MINUTE is RATE second by second, the",
    "  latest on the right; the highest bar is",
    "  the highest rate of that row.",
];

/// What the user has chosen.
#[derive(Clone, Debug, Default)]
pub(super) struct Screen {
    listing: Listing,
    order: Order,
    /// The first row that is shown.
    first: usize,
    held: bool,
    help: Option<u16>,
    /// Rows that are shown, and that there are, when it was last painted.
    page: usize,
    rows: usize,
}

impl Screen {
    /// Whether the screen is to stay as it is.
    pub fn is_held(&self) -> bool {
        self.held
    }

    /// Takes a key; returns whether it ends the view.
    pub fn key(&mut self, key: KeyEvent) -> bool {
        match key.code {
            KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => return true,
            KeyCode::Char('q') => return true,
            KeyCode::Esc if self.help.is_none() => return true,
            KeyCode::Esc => self.help = None,
            KeyCode::Char('?' | 'h') => {
                self.help = if self.help.is_some() { None } else { Some(0) };
            }
            code if self.help.is_some() => self.scroll_help(code),
            KeyCode::Char(' ') => self.held = !self.held,
            KeyCode::Char('s') => self.list(Listing::Servers),
            KeyCode::Char('c') => self.list(Listing::Clients),
            KeyCode::Char('j') => self.list(Listing::Jobs),
            KeyCode::Char('e') => self.list(Listing::Sessions),
            KeyCode::Tab => self.list(next(&Listing::ALL, self.listing)),
            KeyCode::Char('o') => self.sort(next(&Order::ALL, self.order)),
            KeyCode::Char('u') => self.sort(Order::Unprotected),
            KeyCode::Char('f') => self.sort(Order::Failed),
            KeyCode::Char('w') => self.sort(Order::Weak),
            KeyCode::Char('k') => self.sort(Order::Unknown),
            KeyCode::Char('n') => self.sort(Order::Connections),
            KeyCode::Char('b') => self.sort(Order::Bytes),
            KeyCode::Char('r') => self.sort(Order::Rate),
            KeyCode::Char('a') => self.sort(Order::Name),
            KeyCode::Down => self.first = self.first.saturating_add(1),
            KeyCode::Up => self.first = self.first.saturating_sub(1),
            KeyCode::PageDown => self.first = self.first.saturating_add(self.page.max(1)),
            KeyCode::PageUp => self.first = self.first.saturating_sub(self.page.max(1)),
            KeyCode::Home => self.first = 0,
            KeyCode::End => self.first = usize::MAX,
            _ => {}
        }
        self.first = self.first.min(self.rows.saturating_sub(self.page));
        false
    }

    fn scroll_help(&mut self, code: KeyCode) {
        let Some(line) = &mut self.help else { return };
        let last = u16::try_from(HELP.len()).unwrap_or(u16::MAX).saturating_sub(1);
        *line = match code {
            KeyCode::Down => line.saturating_add(1),
            KeyCode::Up => line.saturating_sub(1),
            KeyCode::PageDown => line.saturating_add(8),
            KeyCode::PageUp | KeyCode::Home => line.saturating_sub(8),
            _ => *line,
        }
        .min(last);
    }

    fn list(&mut self, listing: Listing) {
        (self.listing, self.first) = (listing, 0);
    }

    fn sort(&mut self, order: Order) {
        (self.order, self.first) = (order, 0);
    }

    /// Paints everything that there is room for.
    pub fn paint(&mut self, frame: &mut Frame<'_>, view: &View, messages: &[String]) {
        let area = frame.area();
        if area.width < LEAST.0 || area.height < LEAST.1 {
            frame.render_widget(Paragraph::new("too small"), area);
            return;
        }
        let wide = area.width >= WIDE;
        let classes = if wide { 3 } else { 1 };
        let interfaces = match view.interfaces.len() {
            0 => 0,
            n => n.min(INTERFACES) as u16 + 1,
        };
        // Each has its place if the table keeps its own; what matters more comes first.
        const TABLE: u16 = 7;
        let mut left = area.height.saturating_sub(2 + TABLE);
        let mut take = |wanted: u16| {
            let taken = if wanted <= left { wanted } else { 0 };
            left -= taken;
            taken
        };
        let classes = take(classes);
        let interfaces = take(interfaces);
        let rates = take(6);
        let mut messages_height = 0;
        if !messages.is_empty() {
            for lines in (1..=messages.len().min(MESSAGES) as u16).rev() {
                messages_height = take(lines + 1);
                if messages_height > 0 {
                    break;
                }
            }
        }
        let [title, of_classes, of_rates, of_interfaces, table, of_messages, keys] =
            Layout::vertical([
                Constraint::Length(1),
                Constraint::Length(classes),
                Constraint::Length(rates),
                Constraint::Length(interfaces),
                Constraint::Min(1),
                Constraint::Length(messages_height),
                Constraint::Length(1),
            ])
            .areas(area);
        frame.render_widget(self.title(view, title.width), title);
        if classes > 0 {
            frame.render_widget(
                if wide { classes_wide(view) } else { classes_narrow(view) },
                of_classes,
            );
        }
        if rates > 0 {
            frame.render_widget(Paragraph::new(rate_lines(view, of_rates.width.into())), of_rates);
        }
        if interfaces > 0 {
            frame.render_widget(interface_table(view, of_interfaces.width.into()), of_interfaces);
        }
        self.table(frame, view, table);
        if messages_height > 0 {
            let count = usize::from(messages_height - 1);
            let shown = messages.iter().skip(messages.len().saturating_sub(count));
            let width = usize::from(of_messages.width);
            let lines = std::iter::once(rule("MESSAGES", width))
                .chain(shown.map(|m| Line::from(fit(&printable(m), width))));
            frame.render_widget(Paragraph::new(lines.collect::<Vec<_>>()), of_messages);
        }
        frame.render_widget(Paragraph::new(keys_line(keys.width.into())), keys);
        if let Some(first) = self.help {
            self.paint_help(frame, first);
        }
    }

    fn title(&self, view: &View, width: u16) -> Line<'static> {
        let time = crate::sink::jsonl::time(view.time);
        let time = time.get(..19).unwrap_or(&time).replace('T', " ");
        let (h, m, s) = (view.seconds / 3600, view.seconds / 60 % 60, view.seconds % 60);
        let width = usize::from(width);
        let mut text = if self.held { "HELD, space goes on" } else { "zerttap" }.to_owned();
        let pieces = match view.time {
            0 => vec!["starting".to_owned()],
            _ => vec![
                format!("{time} UTC"),
                format!("up {h}:{m:02}:{s:02}"),
                format!("{} packets", count(view.packets)),
                format!("{} connections", count(view.seen)),
                format!("{} followed", count(view.followed)),
                format!("{} incomplete", count(view.incomplete)),
            ],
        };
        for piece in pieces {
            if text.chars().count() + 2 + piece.len() <= width {
                text = text + "  " + &piece;
            }
        }
        Line::from(fit(&text, width)).style(Style::new().add_modifier(Modifier::BOLD))
    }

    fn table(&mut self, frame: &mut Frame<'_>, view: &View, area: Rect) {
        let mut rows: Vec<&Entry> = self.listing.of(&view.rows).iter().collect();
        rows.sort_by(|a, b| self.order.compare(a, b));
        self.page = usize::from(area.height.saturating_sub(2));
        self.rows = rows.len();
        self.first = self.first.min(self.rows.saturating_sub(self.page));
        let shown: Vec<Entry> =
            rows.into_iter().skip(self.first).take(self.page).cloned().collect();
        let width = usize::from(area.width);
        let columns = columns(self.listing, &shown, width);
        let all = *self.listing.of(&view.names);
        let place = match shown.len() {
            0 => "none yet".to_owned(),
            n => format!("{} to {} of {}", self.first + 1, self.first + n, group(all as u64)),
        };
        let mut heading = format!("{} {place}, {}", self.listing.name(), self.order.describe());
        if view.beyond > 0 {
            heading += &format!("; {} connections in no row", count(view.beyond));
        }
        let titles = columns.iter().map(|(column, width)| {
            let title = aligned(*column, column.title(self.listing), *width);
            let mut style = Style::new().add_modifier(Modifier::BOLD);
            if column.orders(self.order) {
                style = style.add_modifier(Modifier::REVERSED);
            }
            Cell::from(Span::styled(title, style))
        });
        let cells = shown.iter().map(|entry| {
            let cells = columns.iter().map(|(column, width)| {
                Cell::from(aligned(*column, &column.cell(entry, *width), *width))
            });
            let style = entry.worst().map_or_else(Style::new, colour);
            Cells::new(cells).style(style)
        });
        let widths =
            columns.iter().map(|(_, w)| Constraint::Length(u16::try_from(*w).unwrap_or(u16::MAX)));
        let table = Table::new(cells, widths).header(Cells::new(titles)).column_spacing(1);
        let [head, rest] =
            Layout::vertical([Constraint::Length(1), Constraint::Min(0)]).areas(area);
        frame.render_widget(Paragraph::new(rule(&heading, width)), head);
        frame.render_widget(table, rest);
    }

    fn paint_help(&self, frame: &mut Frame<'_>, first: u16) {
        let all = frame.area();
        let longest = HELP.iter().map(|l| l.len()).max().unwrap_or(0) + 2;
        let width = u16::try_from(longest).unwrap_or(u16::MAX).min(all.width);
        let height = (u16::try_from(HELP.len()).unwrap_or(u16::MAX) + 2).min(all.height);
        let area = Rect {
            x: all.x + (all.width - width) / 2,
            y: all.y + (all.height - height) / 2,
            width,
            height,
        };
        let lines: Vec<Line<'_>> = HELP.iter().map(|l| Line::from(format!(" {l}"))).collect();
        let room = height.saturating_sub(2);
        let last = u16::try_from(HELP.len()).unwrap_or(u16::MAX).saturating_sub(room);
        let width = usize::from(area.width);
        let below = if first < last { "HELP: arrows move, ? closes" } else { "HELP: ? closes" };
        frame.render_widget(Clear, area);
        let parts: [Rect; 3] = Layout::vertical([
            Constraint::Length(1),
            Constraint::Length(room),
            Constraint::Length(1),
        ])
        .areas(area);
        frame.render_widget(Paragraph::new(rule("HELP", width)), parts[0]);
        frame.render_widget(Paragraph::new(lines).scroll((first.min(last), 0)), parts[1]);
        frame.render_widget(Paragraph::new(rule(below, width)), parts[2]);
    }
}

/// What follows in a list, and after the last the first.
fn next<T: Copy + PartialEq>(all: &[T], now: T) -> T {
    let mut after = all.iter().skip_while(|one| **one != now).skip(1);
    after.next().or(all.first()).copied().unwrap_or(now)
}

fn colour(class: Class) -> Style {
    match class {
        Class::Unprotected => Style::new().fg(Color::Red),
        Class::Failed => Style::new().fg(Color::Magenta),
        Class::Weak => Style::new().fg(Color::Yellow),
        Class::Protected => Style::new().fg(Color::Green),
        Class::Unknown => Style::new(),
    }
}

fn aligned(column: Column, text: &str, width: usize) -> String {
    if column.is_number() { format!("{text:>width$}") } else { text.to_owned() }
}

/// A line with a heading in it.
fn rule(heading: &str, width: usize) -> Line<'static> {
    let heading = fit(heading, width);
    let rest = width.saturating_sub(heading.chars().count() + 1);
    Line::from(vec![
        Span::styled(heading, Style::new().add_modifier(Modifier::BOLD)),
        Span::raw(" "),
        Span::styled("─".repeat(rest), Style::new().add_modifier(Modifier::DIM)),
    ])
}

/// The classes side by side: connections, their share, bytes.
fn classes_wide(view: &View) -> Table<'static> {
    let all = total(&view.classes).connections;
    let of = |text: fn(Class, u64, u64, u64) -> String| {
        CLASSES.map(|class| {
            let amount = *class.of(&view.classes);
            let text = text(class, amount.connections, amount.bytes, all);
            Cell::from(Span::styled(text, colour(class)))
        })
    };
    let name = |class: Class, _, _, _| format!("{} {}", sign(class), name(class).to_uppercase());
    let connections = |_, n, _, all| format!("  {} ({})", count(n), share(n, all));
    let amount = |_, _, n, _| format!("  {}", bytes(n));
    let rows = [Cells::new(of(name)), Cells::new(of(connections)), Cells::new(of(amount))];
    Table::new(rows, [Constraint::Ratio(1, 5); CLASSES.len()]).column_spacing(0)
}

/// The classes in one line: connections by their sign.
fn classes_narrow(view: &View) -> Table<'static> {
    let cells = CLASSES.map(|class| {
        let connections = count(class.of(&view.classes).connections);
        Cell::from(Span::styled(format!("{} {connections}", sign(class)), colour(class)))
    });
    Table::new([Cells::new(cells)], [Constraint::Ratio(1, 5); CLASSES.len()]).column_spacing(0)
}

/// The name of a class where there is little room.
fn name(class: Class) -> &'static str {
    match class {
        Class::Failed => "failed",
        other => other.name(),
    }
}

fn share(part: u64, all: u64) -> String {
    match (part, part as f64 * 100.0 / all.max(1) as f64) {
        (0, _) => "0 %".to_owned(),
        (_, s) if s < 0.1 => "<0.1 %".to_owned(),
        (p, s) if p < all && s > 99.9 => ">99.9 %".to_owned(),
        (_, s) => format!("{s:.1} %"),
    }
}

/// Rates second by second, the latest on the right.
fn rate_lines(view: &View, width: usize) -> Vec<Line<'static>> {
    const NAME: usize = 14;
    const VALUE: usize = 11;
    let room = width.saturating_sub(NAME + VALUE + 2).min(super::view::HISTORY);
    let line = |name: &str, of: &Rate, text: fn(u64) -> String, style: Style| {
        Line::from(vec![
            Span::raw(format!("{:<NAME$} ", fit(name, NAME))),
            Span::styled(course(of.values.iter().copied(), room), style),
            Span::raw(format!(" {:>VALUE$}", text(of.now()))),
        ])
    };
    let per_second = |n: u64| count(n) + "/s";
    let seconds = view.packet_rate.values.len().min(room);
    let plain = Style::new();
    vec![
        rule(&format!("RATES of the last {seconds} s"), width),
        line("packets", &view.packet_rate, per_second, plain),
        line("connections", &view.connection_rate, per_second, plain),
        line("bytes", &view.byte_rate, rate, plain),
        line("! unprotected", &view.unprotected_rate, rate, colour(Class::Unprotected)),
        handshakes(view, width),
    ]
}

fn handshakes(view: &View, width: usize) -> Line<'static> {
    let all: Vec<String> =
        view.handshakes.iter().map(|(version, n)| format!("{version} {}", count(*n))).collect();
    let all = if all.is_empty() { "none yet".to_owned() } else { all.join("  ") };
    Line::from(fit(&format!("handshakes     {all}"), width))
}

/// Interfaces, those that lose packets or are gone first.
fn interface_table(view: &View, width: usize) -> Table<'static> {
    let mut all: Vec<_> = view.interfaces.iter().collect();
    let lost = |i: &crate::sink::metrics::Interface| i.dropped.saturating_add(i.interface_dropped);
    all.sort_by(|(a, _), (b, _)| {
        a.up.cmp(&b.up).then(lost(b).cmp(&lost(a))).then_with(|| a.name.cmp(&b.name))
    });
    let name = width.saturating_sub(4 + 11 + 11 + 14 + 4).clamp(6, 24);
    let more = all.len().saturating_sub(INTERFACES);
    let rows = all.into_iter().take(INTERFACES).map(|(i, rate)| {
        let style = if !i.up || lost(i) > 0 { Style::new().fg(Color::Red) } else { Style::new() };
        Cells::new([
            fit(&printable(&i.name), name),
            if i.up { "up" } else { "gone" }.to_owned(),
            format!("{:>11}", count(*rate as u64)),
            format!("{:>11}", count(i.dropped)),
            format!("{:>14}", count(i.interface_dropped)),
        ])
        .style(style)
    });
    let widths = [name as u16, 4, 11, 11, 14].map(Constraint::Length);
    let interface = if more > 0 { format!("INTERFACE (+{more})") } else { "INTERFACE".to_owned() };
    let head = [
        fit(&interface, name),
        String::new(),
        "  PACKETS/S".to_owned(),
        "KERNEL LOST".to_owned(),
        "INTERFACE LOST".to_owned(),
    ];
    Table::new(rows, widths)
        .header(Cells::new(head).style(Style::new().add_modifier(Modifier::BOLD)))
}

/// The keys that there is room for.
fn keys_line(width: usize) -> Line<'static> {
    let texts = [
        "q quit  ? help  s servers  c clients  j jobs  e sessions  o order  u f w k n b r a order by  space hold",
        "q quit  ? help  s servers  c clients  j jobs  e sessions  o order  space hold",
        "q quit  ? help  s c j e listing  o order",
        "q quit  ? help",
    ];
    let text = texts.into_iter().find(|text| text.len() <= width).unwrap_or("q ?");
    Line::from(text).style(Style::new().add_modifier(Modifier::DIM))
}
