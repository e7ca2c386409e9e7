//! The columns of the table: which of them a terminal has room for, and what they say.

use super::view::{Entry, Listing, Order};
use crate::printable::printable;
use crate::sink::ranking::total;
use crate::sink::report::Class;
use crate::sink::table::{bytes, fit, fit_middle, group};

/// Blanks between columns.
const GAP: usize = 1;
/// What texts of a row are cut to before a column is left out.
const LEAST_TEXT: usize = 21;
/// The same of a session's texts, of which there are three.
const LEAST_SESSION_TEXT: usize = 15;
/// What texts are cut to at last.
const LEAST: usize = 4;
/// The widest course of a row's rate.
const WIDEST_COURSE: usize = 60;

/// A column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    /// The sign of the worst that a row has.
    Sign,
    /// The texts of the row's name, by place.
    Text(usize),
    /// Connections of a class.
    Count(Class),
    /// Bytes without protection.
    UnprotectedBytes,
    Connections,
    Bytes,
    Rate,
    /// The rate over time.
    Course,
}

/// A class by a sign, for who sees no colours.
pub(super) fn sign(class: Class) -> &'static str {
    match class {
        Class::Unprotected => "!",
        Class::Failed => "x",
        Class::Weak => "~",
        Class::Protected => "+",
        Class::Unknown => "?",
    }
}

impl Column {
    /// The heading; numbers stand on the right.
    pub fn title(self, listing: Listing) -> &'static str {
        match (self, listing) {
            (Self::Sign, _) => "",
            (Self::Text(0), Listing::Servers | Listing::Sessions) => "SERVER",
            (Self::Text(0), Listing::Clients) | (Self::Text(1), _) => "CLIENT",
            (Self::Text(0), Listing::Jobs) => "JOB",
            (Self::Text(_), _) => "PROTECTION",
            (Self::Count(Class::Unprotected), _) => "UNPROTECTED",
            (Self::Count(Class::Failed), _) => "FAILED",
            (Self::Count(Class::Weak), _) => "WEAK",
            (Self::Count(Class::Protected), _) => "PROTECTED",
            (Self::Count(Class::Unknown), _) => "NOT KNOWN",
            (Self::UnprotectedBytes, _) => "UNPR. BYTES",
            (Self::Connections, _) => "CONNS",
            (Self::Bytes, _) => "BYTES",
            (Self::Rate, _) => "RATE",
            (Self::Course, _) => "LAST MINUTE",
        }
    }

    pub fn is_number(self) -> bool {
        !matches!(self, Self::Sign | Self::Text(_) | Self::Course)
    }

    /// Whether rows are in an order of this column.
    pub fn orders(self, order: Order) -> bool {
        match order {
            Order::Unprotected => self == Self::Count(Class::Unprotected),
            Order::Failed => self == Self::Count(Class::Failed),
            Order::Weak => self == Self::Count(Class::Weak),
            Order::Unknown => self == Self::Count(Class::Unknown),
            Order::Connections => self == Self::Connections,
            Order::Bytes => self == Self::Bytes,
            Order::Rate => self == Self::Rate,
            Order::Name => self == Self::Text(0),
        }
    }

    /// Columns that it takes, unless it is a text or a course.
    fn width(self) -> usize {
        match self {
            Self::Sign => 1,
            Self::Text(_) | Self::Course => 0,
            Self::Count(Class::Unprotected) | Self::UnprotectedBytes => 11,
            Self::Count(Class::Unknown | Class::Protected) | Self::Bytes => 9,
            Self::Count(Class::Failed | Class::Weak) | Self::Connections => 7,
            Self::Rate => 10,
        }
    }

    /// What the column says of a row in so many columns of the terminal.
    pub fn cell(self, entry: &Entry, width: usize) -> String {
        let text = |n: usize| entry.name.get(n).map(String::as_str).unwrap_or_default();
        match self {
            Self::Sign => entry.worst().map_or(" ", sign).to_owned(),
            // Of an address its beginning and its end say who it is.
            Self::Text(n @ (0 | 1)) => fit_middle(&printable(text(n)), width),
            Self::Text(n) => fit(&printable(text(n)), width),
            Self::Count(class) => count(class.of(&entry.classes).connections),
            Self::UnprotectedBytes => bytes(Class::Unprotected.of(&entry.classes).bytes),
            Self::Connections => count(total(&entry.classes).connections),
            Self::Bytes => bytes(total(&entry.classes).bytes),
            Self::Rate => rate(entry.rate),
            Self::Course => course(entry.recent.iter().copied(), width),
        }
    }
}

/// A number in seven columns: whole up to 999,999.
pub(super) fn count(n: u64) -> String {
    if n < 1_000_000 {
        return group(n);
    }
    let mut value = n as f64 / 1e6;
    for unit in ["M", "G", "T"] {
        if value < 1000.0 {
            return format!("{value:.1} {unit}");
        }
        value /= 1000.0;
    }
    format!("{value:.0} P")
}

/// Bytes a second.
pub(super) fn rate(n: u64) -> String {
    bytes(n) + "/s"
}

/// The latest of some values as bars, each of eight heights; the highest is the largest of
/// them. What is there is never as low as nothing.
pub(super) fn course(values: impl DoubleEndedIterator<Item = u64>, width: usize) -> String {
    const BARS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let mut latest: Vec<u64> = values.rev().take(width).collect();
    latest.reverse();
    let most = latest.iter().copied().max().unwrap_or(0).max(1);
    let bar = |value: u64| {
        let height = (u128::from(value) * 8).div_ceil(u128::from(most));
        BARS.get(usize::try_from(height).unwrap_or(8)).copied().unwrap_or('█')
    };
    let bars: String = latest.into_iter().map(bar).collect();
    format!("{bars:>width$}")
}

/// The columns of a listing that there is room for, in their order, and how wide they are.
pub(super) fn columns(listing: Listing, rows: &[Entry], width: usize) -> Vec<(Column, usize)> {
    // What is left out first stands last.
    let (mut columns, left_out): (Vec<Column>, &[Column]) = match listing {
        Listing::Sessions => (
            vec![
                Column::Sign,
                Column::Text(0),
                Column::Text(1),
                Column::Text(2),
                Column::Connections,
                Column::Bytes,
                Column::Rate,
                Column::Course,
            ],
            &[Column::Text(1), Column::Connections, Column::Rate, Column::Course],
        ),
        _ => (
            vec![
                Column::Sign,
                Column::Text(0),
                Column::Count(Class::Unprotected),
                Column::UnprotectedBytes,
                Column::Count(Class::Failed),
                Column::Count(Class::Weak),
                Column::Count(Class::Unknown),
                Column::Count(Class::Protected),
                Column::Connections,
                Column::Bytes,
                Column::Rate,
                Column::Course,
            ],
            &[
                Column::Bytes,
                Column::Connections,
                Column::Count(Class::Weak),
                Column::Count(Class::Failed),
                Column::Count(Class::Unknown),
                Column::Rate,
                Column::UnprotectedBytes,
                Column::Count(Class::Protected),
                Column::Course,
            ],
        ),
    };
    let longest = |n: usize| {
        let lengths = rows.iter().filter_map(|row| row.name.get(n));
        let longest = lengths.map(|text| printable(text).chars().count()).max().unwrap_or(0);
        longest.max(Column::Text(n).title(listing).len())
    };
    let natural = [longest(0), longest(1), longest(2)];
    let least = if listing == Listing::Sessions { LEAST_SESSION_TEXT } else { LEAST_TEXT };
    let least = least.min(width * 2 / 5);
    let texts = |columns: &[Column], most: usize| -> usize {
        let text = |column: &Column| match column {
            Column::Text(n) => natural.get(*n).copied().unwrap_or(0).min(most),
            _ => 0,
        };
        columns.iter().map(text).sum()
    };
    let fixed = |columns: &[Column]| -> usize {
        let gaps = GAP * columns.len().saturating_sub(1);
        columns.iter().map(|column| column.width()).sum::<usize>() + gaps
    };
    let mut left_out = left_out.iter().rev();
    while fixed(&columns) + texts(&columns, least) > width {
        let Some(gone) = left_out.next() else { break };
        columns.retain(|column| column != gone);
    }
    // A course of a few seconds says nothing.
    if width.saturating_sub(fixed(&columns) + texts(&columns, usize::MAX)) < 10 {
        columns.retain(|column| *column != Column::Course);
    }
    let room = width.saturating_sub(fixed(&columns));
    // Texts that are short leave what they do not need to the others.
    let most = (LEAST..=room).rev().find(|most| texts(&columns, *most) <= room).unwrap_or(LEAST);
    let mut left = room.saturating_sub(texts(&columns, most));
    let mut widths = Vec::with_capacity(columns.len());
    for column in columns {
        let width = match column {
            Column::Text(n) => {
                let natural = natural.get(n).copied().unwrap_or(0);
                let more = natural.saturating_sub(most).min(left);
                left -= more;
                natural.min(most) + more
            }
            other => other.width(),
        };
        widths.push((column, width));
    }
    if let Some((_, width)) = widths.iter_mut().find(|(column, _)| *column == Column::Course) {
        *width = left.min(WIDEST_COURSE);
    }
    widths
}
