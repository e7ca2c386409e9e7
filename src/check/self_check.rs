//! What a dump says of itself: whether its records are whole, its codes known, its
//! counters go on from one interval to the next, its events come in order.

use std::hash::BuildHasher;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use super::connection::{CHANGE, Connection, INITIATION, SHORT_TERMINATION, TERMINATION};
use super::observation::{Observation, RecordLocation};
use super::session::{Interval, counters, growing};
use crate::names::{CodeTable, Kind};
use crate::record::field::{Field, Format};
use crate::record::view::{Part, Shape};
use crate::record::{Common12, Record, SUBTYPE_DETAIL, SUBTYPE_SUMMARY, TYPE_TCPIP};

/// What can be wrong with a dump.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fault {
    /// Bytes that are no record.
    Damage,
    /// A section lies outside its record.
    SectionOutside,
    /// A section is shorter than that of the first level.
    SectionShort,
    /// Its common section says nothing that could be compared.
    Unreadable,
    /// A code that the tables do not have.
    UnknownCode,
    /// A record is there twice.
    Duplicate,
    /// An event that cannot come where it does.
    EventOrder,
    /// A connection has a change, or goes on, without a beginning.
    NoInitiation,
    /// A counter falls.
    CounterFalls,
    /// Partial or short connections are more than all.
    CounterExceeds,
    /// The beginning of an interval is not the end of the one before.
    CounterGap,
    /// An interval is missing.
    IntervalMissing,
    /// An interval is there twice.
    IntervalTwice,
    /// A record names an address as local that is another system's.
    OtherSystem,
}

impl Fault {
    /// As it stands in the JSON output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Damage => "damage",
            Self::SectionOutside => "section_outside",
            Self::SectionShort => "section_short",
            Self::Unreadable => "unreadable",
            Self::UnknownCode => "unknown_code",
            Self::Duplicate => "duplicate",
            Self::EventOrder => "event_order",
            Self::NoInitiation => "no_initiation",
            Self::CounterFalls => "counter_falls",
            Self::CounterExceeds => "counter_exceeds",
            Self::CounterGap => "counter_gap",
            Self::IntervalMissing => "interval_missing",
            Self::IntervalTwice => "interval_twice",
            Self::OtherSystem => "other_system",
        }
    }

    /// In words.
    pub fn text(self) -> &'static str {
        match self {
            Self::Damage => "bytes that are no record",
            Self::SectionOutside => "a section lies outside its record",
            Self::SectionShort => "a section is shorter than any release writes it",
            Self::Unreadable => "a record whose common section cannot be read",
            Self::UnknownCode => "a code that the tables do not have",
            Self::Duplicate => "a record is there twice",
            Self::EventOrder => "an event comes where it cannot",
            Self::NoInitiation => "a long connection has no initiation record",
            Self::CounterFalls => "a counter falls within an interval",
            Self::CounterExceeds => "more partial, short or active connections than connections",
            Self::CounterGap => "an interval does not begin where the one before ended",
            Self::IntervalMissing => "an interval is missing",
            Self::IntervalTwice => "an interval is there twice",
            Self::OtherSystem => "the local address is another system's in nearly all records",
        }
    }

    /// Whether it speaks against the dump. A code may be newer than the tables, and a
    /// connection may have begun before the dump.
    pub fn is_wrong(self) -> bool {
        !matches!(self, Self::UnknownCode | Self::NoInitiation)
    }
}

/// A fault and where it is.
#[derive(Clone, Debug)]
pub struct SelfCheckFinding {
    /// What is wrong.
    pub fault: Fault,
    /// Where.
    pub place: RecordLocation,
    /// More of it.
    pub what: String,
}

/// Codes that the tables have, as they were met last. Most records have the codes of
/// others.
#[derive(Debug, Default)]
pub(super) struct KnownCodes(Vec<Coded>);

/// The codes of sections of one shape.
#[derive(Debug)]
struct Coded {
    shape: Shape,
    fields: Vec<(&'static Field, &'static CodeTable, u64)>,
}

/// Shapes of sections that are kept; only a broken dump has more.
const MAX_SHAPES: usize = 64;

impl KnownCodes {
    /// Goes through the codes of a section that the tables do not have.
    fn unknown(&mut self, part: &Part<'_>, mut each: impl FnMut(&'static Field, u64)) {
        let shape = part.shape();
        let place = self.0.iter().position(|c| c.shape == shape).unwrap_or_else(|| {
            self.0.truncate(MAX_SHAPES - 1);
            self.0.push(Coded::of(part, shape));
            self.0.len() - 1
        });
        let Some(coded) = self.0.get_mut(place) else { return };
        for (field, table, last) in &mut coded.fields {
            let bytes = part.bytes.get(field.offset..field.offset + field.length);
            let value = bytes.map_or(0, super::fields::number);
            if value == 0 || value == *last {
                continue;
            }
            if table.name_of(value).is_some() {
                *last = value;
            } else {
                each(field, value);
            }
        }
    }
}

impl Coded {
    fn of(part: &Part<'_>, shape: Shape) -> Self {
        let coded = |(field, _): (&'static Field, &[u8])| {
            let table = field.codes.filter(|t| t.kind == Kind::Code)?;
            let is_number = field.format == Format::Binary && field.length <= 8;
            is_number.then_some((field, table, 0))
        };
        Self { shape, fields: part.fields().filter_map(coded).collect() }
    }
}

/// Looks at one record, as far as it was understood; only zERT's are known.
pub(super) fn record(
    record: &Record<'_>,
    seen: Option<&Observation>,
    place: RecordLocation,
    known: &mut KnownCodes,
    each: &mut dyn FnMut(SelfCheckFinding),
) {
    let is_zert = record.record_type() == TYPE_TCPIP
        && matches!(record.subtype(), Some(SUBTYPE_DETAIL | SUBTYPE_SUMMARY));
    if !is_zert {
        return;
    }
    if seen.is_none() {
        each(SelfCheckFinding { fault: Fault::Unreadable, place, what: String::new() });
    }
    let length = record.bytes().len();
    for (n, triplet) in record.triplets().enumerate().filter(|(_, t)| t.number > 0) {
        let end = triplet.offset.checked_add(triplet.length.saturating_mul(triplet.number));
        if end.is_none_or(|end| end > length) {
            let what = format!(
                "triplet {n}: offset {}, length {}, number {}, in a record of {length} bytes",
                triplet.offset, triplet.length, triplet.number
            );
            each(SelfCheckFinding { fault: Fault::SectionOutside, place, what });
        }
    }
    for part in record.parts().iter().filter(|p| p.triplet.is_some()) {
        let Some(section) = part.section else { continue };
        if part.bytes.len() < section.length {
            let what = format!(
                "{} ({}) has {} bytes, at least {} are expected",
                section.id,
                section.title,
                part.bytes.len(),
                section.length
            );
            each(SelfCheckFinding { fault: Fault::SectionShort, place, what });
        }
        known.unknown(part, |field, value| {
            let what = format!("{} is X'{value:0width$X}'", field.name, width = 2 * field.length);
            each(SelfCheckFinding { fault: Fault::UnknownCode, place, what });
        });
    }
}

/// Looks at a connection's events.
pub(super) fn connection(c: &Connection<'_>, each: &mut dyn FnMut(SelfCheckFinding)) {
    for event in &c.duplicates {
        let what = format!("event {}", event.kind);
        each(SelfCheckFinding { fault: Fault::Duplicate, place: event.place, what });
    }
    let count = |kind: u8| c.events.iter().filter(|e| e.kind == kind).count();
    let ends = count(TERMINATION) + count(SHORT_TERMINATION);
    let is_short = count(SHORT_TERMINATION) > 0;
    let mut wrong = |what: &str| {
        let place = c.events.last().map_or_else(RecordLocation::default, |e| e.place);
        each(SelfCheckFinding { fault: Fault::EventOrder, place, what: what.to_owned() });
    };
    if count(INITIATION) > 1 {
        wrong("two initiations that differ");
    }
    if ends > 1 {
        wrong("two terminations");
    }
    if is_short && c.events.len() > 1 {
        wrong("a short connection with other events");
    }
    if c.end.is_some_and(|end| end < c.start) {
        wrong("it ends before it begins");
    }
    if !c.events.is_sorted_by_key(|e| e.written) {
        wrong("a later event was written earlier");
    }
    let goes_on = count(CHANGE) > 0 || count(TERMINATION) > 0;
    if let (true, 0, Some(event)) = (goes_on, count(INITIATION), c.events.first()) {
        let place = event.place;
        each(SelfCheckFinding { fault: Fault::NoInitiation, place, what: String::new() });
    }
}

/// The last interval of each session: its place in the list.
#[derive(Debug)]
struct Latest<'a> {
    list: &'a [Interval<'a>],
    places: HashTable<usize>,
    hasher: foldhash::quality::RandomState,
}

impl<'a> Latest<'a> {
    fn new(list: &'a [Interval<'a>]) -> Self {
        let places = HashTable::with_capacity(list.len());
        Self { list, places, hasher: foldhash::quality::RandomState::default() }
    }

    /// Sets the interval at a place as the last of its session; returns the one before.
    /// The stack's own identifier tells sessions apart.
    fn replace(&mut self, place: usize, common: &Common12) -> Option<(&'a Interval<'a>, Common12)> {
        let (list, hasher) = (self.list, &self.hasher);
        let own = list.get(place)?;
        let read = |n: usize| list.get(n).and_then(|i| Some((i, common_section(i)?)));
        let same = |n: &usize| {
            read(*n).is_some_and(|(i, c)| {
                c.session_id == common.session_id && i.ends == own.ends && i.system == own.system
            })
        };
        let hash =
            |i: &Interval<'_>, c: &Common12| hasher.hash_one((i.system, i.ends, c.session_id));
        let rehash = |n: &usize| read(*n).map_or(0, |(i, c)| hash(i, &c));
        match self.places.entry(hash(own, common), same, rehash) {
            Entry::Occupied(mut entry) => read(std::mem::replace(entry.get_mut(), place)),
            Entry::Vacant(entry) => {
                entry.insert(place);
                None
            }
        }
    }
}

fn common_section(interval: &Interval<'_>) -> Option<Common12> {
    Record::parse(interval.bytes).ok()?.section(1).and_then(Common12::decode)
}

/// Looks at the intervals of sessions, given in the order of time.
pub(super) fn intervals(list: &[Interval<'_>], each: &mut dyn FnMut(SelfCheckFinding)) {
    let mut latest = Latest::new(list);
    for (n, interval) in list.iter().enumerate() {
        let Some(common) = common_section(interval) else { continue };
        let place = interval.place;
        let mut say = |fault, what: String| each(SelfCheckFinding { fault, place, what });
        let all = counters(&common);
        for (name, (init, end)) in growing().zip(all) {
            if end < init {
                say(Fault::CounterFalls, format!("{name}: from {init} to {end}"));
            }
        }
        let (connections, partial, short) = (all[0].1, all[1].1, all[2].1);
        if partial > connections || short > connections {
            let what = format!("{connections} connections, {partial} partial, {short} short");
            say(Fault::CounterExceeds, what);
        }
        // Whoever is active was counted when it came.
        let active = [common.init_active_conn_cnt, common.end_active_conn_cnt].map(u64::from);
        for (active, connections) in active.into_iter().zip([all[0].0, all[0].1]) {
            if active > connections {
                let what = format!("{active} active of {connections} connections");
                say(Fault::CounterExceeds, what);
            }
        }
        if let Some((before, last)) = latest.replace(n, &common) {
            let end = before.end;
            let start = interval.end - interval.duration;
            let slack = 3000.min(interval.duration / 4).max(100);
            // Half of it lies in the one before.
            if 2 * (end - start) > interval.duration {
                say(Fault::IntervalTwice, String::new());
            } else if start - end > slack && last.end_active_conn_cnt > 0 {
                let seconds = (start - end) / 100;
                say(Fault::IntervalMissing, format!("{seconds} s before it"));
            } else if (start - end).abs() <= slack {
                let ended = counters(&last);
                let idle = last.end_active_conn_cnt == 0;
                for ((name, now), last) in growing().zip(all).zip(ended) {
                    // A session that had no connection any more begins anew.
                    if now.0 != last.1 && !(now.0 == 0 && idle) {
                        say(
                            Fault::CounterGap,
                            format!("{name}: ended at {}, begins at {}", last.1, now.0),
                        );
                    }
                }
            }
        }
    }
}
