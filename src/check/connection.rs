//! Connections of both sides: put together from their records.

use super::observation::{RecordLocation, System, Tuple};

/// `sc_event_type`.
pub(super) const INITIATION: u8 = 1;
pub(super) const CHANGE: u8 = 2;
pub(super) const TERMINATION: u8 = 3;
pub(super) const SHORT_TERMINATION: u8 = 4;

/// An event of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Event<'a> {
    /// Its type.
    pub kind: u8,
    /// When it was written, on the writer's local clock.
    pub written: i64,
    /// The record.
    pub bytes: &'a [u8],
    pub place: RecordLocation,
}

/// A connection of one side.
#[derive(Clone, Debug)]
pub(super) struct Connection<'a> {
    pub system: System,
    pub tuple: Tuple,
    /// Hundredths of a second since 1970, UTC.
    pub start: i64,
    /// Of its termination record.
    pub end: Option<i64>,
    /// In the order of their kinds, changes in that of time.
    pub events: Vec<Event<'a>>,
    /// Records that are there twice.
    pub duplicates: Vec<Event<'a>>,
}

impl<'a> Connection<'a> {
    /// The record of its end.
    pub fn last(&self) -> Option<&Event<'a>> {
        self.events.last().filter(|e| e.kind >= TERMINATION)
    }

    /// The record of its beginning.
    pub fn first(&self) -> Option<&Event<'a>> {
        self.events.first().filter(|e| e.kind == INITIATION)
    }

    /// Puts the events in order, and those that are there twice aside.
    fn sort(&mut self) {
        if self.events.len() < 2 {
            return;
        }
        let mut events = std::mem::take(&mut self.events);
        events.sort_by(|a, b| (a.kind, a.bytes, a.place).cmp(&(b.kind, b.bytes, b.place)));
        for event in events {
            match self.events.last() {
                Some(e) if e.kind == event.kind && e.bytes == event.bytes => {
                    self.duplicates.push(event);
                }
                _ => self.events.push(event),
            }
        }
        self.events.sort_by_key(|e| (order(e.kind), e.written, e.place));
        self.duplicates.sort_by_key(|e| e.place);
    }

    /// Its changes.
    pub fn changes(&self) -> impl Iterator<Item = &Event<'a>> {
        self.events.iter().filter(|e| e.kind == CHANGE)
    }
}

/// What a connection is told by, in a record of its own system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    tuple: Tuple,
    start: i64,
    system: System,
    id: u32,
}

/// Puts connections together from records.
#[derive(Debug, Default)]
pub(super) struct Assembly<'a> {
    keys: Vec<Key>,
    events: Vec<(Option<i64>, Event<'a>)>,
}

impl<'a> Assembly<'a> {
    /// Without any record.
    pub const fn new() -> Self {
        Self { keys: Vec::new(), events: Vec::new() }
    }

    /// Takes a record of an event.
    pub fn add(
        &mut self,
        system: System,
        (tuple, start, end, id): (Tuple, i64, Option<i64>, u32),
        event: Event<'a>,
    ) {
        self.keys.push(Key { tuple, start, system, id });
        self.events.push((end, event));
    }

    /// The connections in the order of their ends and beginnings.
    pub fn finish(self) -> Vec<Connection<'a>> {
        let mut order: Vec<(u128, &Key, usize)> =
            self.keys.iter().zip(0..).map(|(key, n)| (key.tuple.rank(), key, n)).collect();
        order.sort_unstable();
        let mut all: Vec<Connection<'a>> = Vec::with_capacity(order.len());
        for of_one in order.chunk_by(|a, b| a.1 == b.1) {
            let Some((_, key, _)) = of_one.first() else { continue };
            let mut connection = Connection {
                system: key.system,
                tuple: key.tuple,
                start: key.start,
                end: None,
                events: Vec::with_capacity(of_one.len()),
                duplicates: Vec::new(),
            };
            for (.., n) in of_one {
                let Some(&(end, event)) = self.events.get(*n) else { continue };
                connection.end = connection.end.or(end);
                connection.events.push(event);
            }
            connection.sort();
            all.push(connection);
        }
        all
    }
}

/// Both terminations are the last.
fn order(kind: u8) -> u8 {
    if kind == SHORT_TERMINATION { TERMINATION } else { kind }
}
