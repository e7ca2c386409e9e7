//! Whose traffic is unprotected: connections and bytes by server, by job, by
//! client, the most unprotected first.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt::Write;

use anstyle::{AnsiColor, Style};

use super::report::{CLASSES, Class, TrafficTotals};
use super::table::{Layout, Sort, bytes, fit_middle, group};
use crate::printable::printable;

/// Names that are kept; a scan could make millions.
const MAX_NAMES: usize = 100_000;

/// By what connections are added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Address and port of the server.
    Server,
    /// Job that owns the stack's end.
    Job,
    /// Address of the client.
    Client,
}

impl By {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Server, Self::Job, Self::Client];

    /// What a name is.
    pub fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Job => "job",
            Self::Client => "client",
        }
    }

    /// What is its own of a list in the order of [`By::ALL`].
    pub fn of<T>(self, [server, job, client]: &[T; Self::ALL.len()]) -> &T {
        match self {
            Self::Server => server,
            Self::Job => job,
            Self::Client => client,
        }
    }

    /// The same, to be changed.
    pub fn of_mut<T>(self, [server, job, client]: &mut [T; Self::ALL.len()]) -> &mut T {
        match self {
            Self::Server => server,
            Self::Job => job,
            Self::Client => client,
        }
    }
}

/// What one name has, by class.
pub type Classes = [TrafficTotals; CLASSES.len()];

/// Amounts by name.
#[derive(Debug)]
pub struct Ranking<Name = String> {
    names: BTreeMap<Name, Classes>,
    /// Connections that found no place.
    beyond: u64,
}

impl<Name> Default for Ranking<Name> {
    fn default() -> Self {
        Self { names: BTreeMap::new(), beyond: 0 }
    }
}

const WIDTHS: usize = 8;

impl<Name: Ord + Clone> Ranking<Name> {
    /// Adds one connection.
    pub fn add(&mut self, name: Name, class: Class, bytes: u64) {
        if self.names.len() >= MAX_NAMES && !self.names.contains_key(&name) {
            self.beyond += 1;
            return;
        }
        class.of_mut(self.names.entry(name).or_default()).add(bytes);
    }

    /// Adds another ranking.
    pub fn join(&mut self, other: &Self) {
        self.beyond += other.beyond;
        for (name, classes) in &other.names {
            if self.names.len() >= MAX_NAMES && !self.names.contains_key(name) {
                self.beyond += total(classes).connections;
                continue;
            }
            let mine = self.names.entry(name.clone()).or_default();
            for (mine, theirs) in mine.iter_mut().zip(classes) {
                mine.join(*theirs);
            }
        }
    }

    /// All names together.
    pub fn sum(&self) -> Classes {
        let mut sum = Classes::default();
        for classes in self.names.values() {
            for (all, one) in sum.iter_mut().zip(classes) {
                all.join(*one);
            }
        }
        sum
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Connections that found no place.
    pub fn beyond(&self) -> u64 {
        self.beyond
    }

    /// What a name has.
    pub fn get(&self, name: &Name) -> Option<&Classes> {
        self.names.get(name)
    }

    /// All names, in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&Name, &Classes)> {
        self.names.iter()
    }
}

impl Ranking {
    /// The names: most unprotected bytes first, then unprotected connections,
    /// then the same of weak ones, then all bytes.
    pub fn ranked(&self) -> Vec<(&str, &Classes)> {
        self.sorted(Sort::Protection)
    }

    /// The names in an order; what is equal in it is in that of [`Ranking::ranked`].
    pub fn sorted(&self, sort: Sort) -> Vec<(&str, &Classes)> {
        let mut all: Vec<(&str, &Classes)> =
            self.names.iter().map(|(n, c)| (n.as_str(), c)).collect();
        let order = |classes: &Classes| {
            let [bad, weak] = [Class::Unprotected, Class::Weak].map(|c| *c.of(classes));
            (bad.bytes, bad.connections, weak.bytes, weak.connections, total(classes).bytes)
        };
        all.sort_by(|a, b| {
            let asked = match sort {
                Sort::Protection => Ordering::Equal,
                Sort::Bytes => total(b.1).bytes.cmp(&total(a.1).bytes),
                Sort::Connections => total(b.1).connections.cmp(&total(a.1).connections),
                Sort::Server | Sort::Client => a.0.cmp(b.0),
            };
            asked.then(order(b.1).cmp(&order(a.1))).then(a.0.cmp(b.0))
        });
        all
    }

    /// The ranking as text with terminal colours.
    pub fn render(&self, by: By, layout: Layout) -> String {
        let all = self.sorted(layout.sort);
        let shown = layout.rows.unwrap_or(all.len()).min(all.len());
        let name = by.name().to_uppercase();
        let mut cells: Vec<[String; WIDTHS]> = vec![
            [&name, "UNPROTECTED", "", "FAILED", "WEAK", "NOT KNOWN", "ALL", ""].map(str::to_owned),
        ];
        cells.extend(all.iter().take(shown).map(|(name, classes)| {
            let bad = *Class::Unprotected.of(classes);
            let count = |class: Class| group(class.of(classes).connections);
            let total = total(classes);
            [
                printable(name).into_owned(),
                group(bad.connections),
                bytes(bad.bytes),
                count(Class::Failed),
                count(Class::Weak),
                count(Class::Unknown),
                group(total.connections),
                bytes(total.bytes),
            ]
        }));
        let mut widths = [0; WIDTHS];
        for (n, row) in cells.iter().enumerate() {
            for (at, (width, cell)) in widths.iter_mut().zip(row).enumerate() {
                // A heading over two columns stands over both.
                let over_two = n == 0 && matches!(at, 1 | 6);
                let length = if over_two { 0 } else { cell.chars().count() };
                *width = (*width).max(length);
            }
        }
        if let Some([_, over, _, _, _, _, over_last, _]) = cells.first() {
            widths[1] += over.len().saturating_sub(widths[1] + 2 + widths[2]);
            widths[6] += over_last.len().saturating_sub(widths[6] + 2 + widths[7]);
        }
        if let Some(limit) = layout.width {
            let all: usize = widths.iter().sum::<usize>() + 2 * (WIDTHS - 1);
            widths[0] = widths[0].saturating_sub(all.saturating_sub(limit)).max(by.name().len());
        }
        let mut out = String::new();
        for (n, row) in cells.iter().enumerate() {
            let style = match (n, all.get(n.wrapping_sub(1))) {
                (0, _) => Style::new().bold(),
                (_, Some((_, c))) if Class::Unprotected.of(c).connections > 0 => {
                    AnsiColor::Red.on_default()
                }
                (_, Some((_, c))) if Class::Weak.of(c).connections > 0 => {
                    AnsiColor::Yellow.on_default()
                }
                _ => Style::new(),
            };
            let mut text = format!("{:<w$}", fit_middle(&row[0], widths[0]), w = widths[0]);
            let mut columns = row.iter().zip(widths).enumerate().skip(1);
            while let Some((at, (cell, mut width))) = columns.next() {
                if n == 0
                    && matches!(at, 1 | 6)
                    && let Some((_, (_, next))) = columns.next()
                {
                    width += 2 + next;
                }
                let _ = write!(text, "  {cell:>width$}");
            }
            let _ = writeln!(out, "{style}{}{style:#}", text.trim_end());
        }
        if all.len() > shown {
            let _ = writeln!(
                out,
                "... and {} more rows of {} (--rows 0 prints all of them)",
                group((all.len() - shown) as u64),
                group(all.len() as u64)
            );
        }
        if self.beyond > 0 {
            let _ = writeln!(
                out,
                "... and {} connections that the table had no room for (--jsonl has them)",
                group(self.beyond)
            );
        }
        out
    }
}

/// All classes together.
pub fn total(classes: &Classes) -> TrafficTotals {
    let mut sum = TrafficTotals::default();
    for amount in classes {
        sum.join(*amount);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_unprotected_are_first() {
        let mut ranking = Ranking::default();
        ranking.add("quiet".to_owned(), Class::Unprotected, 5);
        ranking.add("safe".to_owned(), Class::Protected, 1_000_000);
        ranking.add("weak".to_owned(), Class::Weak, 10);
        ranking.add("loud".to_owned(), Class::Unprotected, 5_000);
        ranking.add("loud".to_owned(), Class::Protected, 5_000);
        let names: Vec<&str> = ranking.ranked().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["loud", "quiet", "weak", "safe"]);
        let text = |sort, rows| {
            let text = ranking.render(By::Job, Layout { width: Some(70), rows, sort });
            anstream::adapter::strip_str(&text).to_string()
        };
        let shown = text(Sort::Protection, Some(2));
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines[0], "JOB    UNPROTECTED  FAILED  WEAK  NOT KNOWN         ALL");
        assert_eq!(lines[1], "loud     1  5.0 kB       0     0          0  2  10.0 kB");
        assert!(lines[3].contains("and 2 more rows of 4"), "{shown}");
        let first = |sort| text(sort, None).lines().nth(1).unwrap_or_default()[..5].to_owned();
        assert_eq!(first(Sort::Bytes).trim(), "safe");
        assert_eq!(first(Sort::Connections).trim(), "loud");
        assert_eq!(first(Sort::Server).trim(), "loud");
        // No line is wider than the terminal, and numbers are whole.
        ranking.add("x".repeat(100), Class::Failed, 123_456_789);
        for width in [60, 80, 100] {
            let layout = Layout { width: Some(width), ..Layout::default() };
            let text = ranking.render(By::Server, layout);
            let text = anstream::adapter::strip_str(&text).to_string();
            assert!(text.lines().all(|line| line.chars().count() <= width), "{text}");
            assert!(text.contains("123.5 MB") && text.contains("x…x"), "{text}");
        }
    }
}
