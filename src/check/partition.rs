//! A part of what is compared, in memory.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::connection::{Assembly, Connection, Event};
use super::observation::{About, Observation, Tuple};
use super::outcome::Reason;
use super::session::Interval;
use super::spool::{Entry, Side, entries};
use super::tap_observations::TapObservations;
use crate::record::Record;

/// One side's connections and sessions.
#[derive(Debug, Default)]
pub(super) struct OneSide<'a> {
    pub connections: Vec<Connection<'a>>,
    pub intervals: Vec<Interval<'a>>,
}

/// What is known of a connection by its ends and its start.
type ObservationsByConnection = BTreeMap<([(IpAddr, u16); 2], i64), TapObservations>;

/// A part of what is compared.
#[derive(Debug, Default)]
pub(super) struct Partition<'a> {
    pub stack: OneSide<'a>,
    pub tap: OneSide<'a>,
    facts: ObservationsByConnection,
}

impl<'a> Partition<'a> {
    /// A part from its bytes, with or without the tap's first summary records.
    pub fn of(bytes: &'a [u8], recut: bool) -> Self {
        let (mut stack, mut tap) = (Builder::default(), Builder::default());
        let mut facts = ObservationsByConnection::new();
        for entry in entries(bytes) {
            match entry.side {
                Side::Stack => stack.take(entry),
                Side::Tap => tap.take(entry),
                Side::TapSummary if recut => {}
                Side::TapSummary => tap.take(entry),
                Side::TapObservations => {
                    if let Ok(known) = serde_json::from_slice::<TapObservations>(entry.bytes) {
                        facts.insert((known.ends, known.start), known);
                    }
                }
            }
        }
        Self { stack: stack.finish(), tap: tap.finish(), facts }
    }

    /// What the tap knows of a connection of its own.
    pub fn facts(&self, tuple: Tuple, start: i64) -> Option<&TapObservations> {
        self.facts.get(&(ends(tuple), start))
    }

    /// Why a connection that the tap has seen between two moments cannot be compared, if
    /// it cannot.
    pub fn not_comparable(&self, tuple: Tuple, from: i64, to: i64) -> Option<Reason> {
        let ends = ends(tuple);
        let within = || self.facts.range((ends, from.min(to))..=(ends, to)).map(|(_, facts)| facts);
        if within().any(|facts| facts.incomplete) {
            Some(Reason::Incomplete)
        } else if within().any(|facts| facts.not_known) {
            Some(Reason::NotKnown)
        } else {
            None
        }
    }

    /// Whether the tap has seen a connection between two ends that cannot be compared: the
    /// sessions of these ends count others than the stack's do.
    pub fn has_not_comparable(&self, server: IpAddr, client: IpAddr) -> bool {
        let low = server.min(client);
        let high = server.max(client);
        let from = ([(low, 0), (high, 0)], i64::MIN);
        self.facts.range(from..).take_while(|(([(first, _), _], _), _)| *first == low).any(
            |(([_, (second, _)], _), facts)| {
                *second == high && (facts.not_known || facts.incomplete)
            },
        )
    }
}

/// The ends of a connection, the lower first.
fn ends(tuple: Tuple) -> [(IpAddr, u16); 2] {
    [tuple.local.min(tuple.remote), tuple.local.max(tuple.remote)]
}

#[derive(Default)]
struct Builder<'a> {
    assembly: Assembly<'a>,
    intervals: Vec<Interval<'a>>,
}

impl<'a> Builder<'a> {
    fn take(&mut self, entry: Entry<'a>) {
        let seen = Record::parse(entry.bytes).ok().and_then(|r| Observation::of(&r));
        let Some(seen) = seen else { return };
        let (bytes, place) = (entry.bytes, entry.place);
        match seen.about {
            About::Connection { tuple, kind, start, end, id } => {
                let event = Event { kind, written: seen.written, bytes, place };
                self.assembly.add(seen.system, (tuple, start, end, id), event);
            }
            About::Session { ends, duration, .. } => {
                let (system, end, duration) = (seen.system, seen.written, duration / 10_000);
                self.intervals.push(Interval { system, ends, end, duration, bytes, place });
            }
            About::Other { .. } => {}
        }
    }

    fn finish(mut self) -> OneSide<'a> {
        self.intervals.sort_by_key(|i| (i.end, i.ends, i.system, i.place));
        OneSide { connections: self.assembly.finish(), intervals: self.intervals }
    }
}
