//! A part of what is compared, in memory.

use super::connection::{Assembly, Connection, Event};
use super::observation::{About, Observation, Tuple};
use super::session::Interval;
use super::spool::{Entry, Side, entries};
use super::tap_knowledge::TapKnowledge;
use super::tap_observations::TapObservations;
use crate::record::Record;

/// One side's connections and sessions.
#[derive(Debug, Default)]
pub(super) struct OneSide<'a> {
    pub connections: Vec<Connection<'a>>,
    pub intervals: Vec<Interval<'a>>,
}

/// A part of what is compared.
#[derive(Debug, Default)]
pub(super) struct Partition<'a> {
    pub stack: OneSide<'a>,
    pub tap: OneSide<'a>,
    /// What z/OS stream observation sees of what the tap has, and whether it was asked for.
    pub observed: OneSide<'a>,
    pub has_observed: bool,
    /// What the tap knows beside its records.
    pub known: TapKnowledge,
}

impl<'a> Partition<'a> {
    /// A part from its bytes, with or without the tap's first summary records.
    pub fn of(bytes: &'a [u8], recut: bool) -> Self {
        let [mut stack, mut tap, mut observed] = [const { Builder::new() }; 3];
        let mut has_observed = false;
        let mut known = TapKnowledge::default();
        for entry in entries(bytes) {
            match entry.side {
                Side::Stack => stack.take(entry),
                Side::Tap => tap.take(entry),
                Side::TapSummary if recut => {}
                Side::TapSummary => tap.take(entry),
                Side::Observed => {
                    has_observed = true;
                    observed.take(entry);
                }
                Side::TapObservations => {
                    if let Ok(of_one) = serde_json::from_slice::<TapObservations>(entry.bytes) {
                        known.add(of_one);
                    }
                }
            }
        }
        let [stack, tap, observed] = [stack, tap, observed].map(Builder::finish);
        known.finish();
        Self { stack, tap, observed, has_observed, known }
    }

    /// The connection as z/OS stream observation sees it.
    pub fn as_observed(&self, tuple: Tuple, start: i64) -> Option<&Connection<'a>> {
        let list = &self.observed.connections;
        let at = list.partition_point(|c| (c.tuple, c.start) < (tuple, start));
        list.get(at).filter(|c| (c.tuple, c.start) == (tuple, start))
    }
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
            About::Session { ends, duration, shut_down } => {
                let (system, end, duration) = (seen.system, seen.written, duration / 10_000);
                let interval = Interval { system, ends, end, duration, shut_down, bytes, place };
                self.intervals.push(interval);
            }
            About::Other { .. } => {}
        }
    }

    const fn new() -> Self {
        Self { assembly: Assembly::new(), intervals: Vec::new() }
    }

    fn finish(mut self) -> OneSide<'a> {
        self.intervals.sort_by_key(|i| (i.end, i.ends, i.system, i.place));
        OneSide { connections: self.assembly.finish(), intervals: self.intervals }
    }
}
