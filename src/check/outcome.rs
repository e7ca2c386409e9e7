//! What a check has found, in numbers and examples.

use std::collections::BTreeMap;

use super::calibration::{Calibration, CountRule};
use super::causes::Causes;
use super::coverage::Coverage;
use super::fields::Comparison;
use super::inventory::Inventory;
use super::observation::{Ends, RecordLocation, System, Tuple};
use super::self_check::{Fault, SelfCheckFinding};
use super::verdict::{FieldVerdict, Verdict, VerdictReason};

/// Examples that are kept of each kind.
const EXAMPLES: usize = 20;

/// Why one side has a connection or a session and the other has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// Both ends are the same host.
    Loopback,
    /// It was over before the other side begins, or begins after it ends.
    OutsidePeriod,
    /// It began before the capture.
    BeganBefore,
    /// The other side does not know the address.
    AddressUnknown,
    /// A tunnel that hides what is inside ends at the address.
    InsideEsp,
    /// The other side has it from the other end.
    OtherEnd,
    /// The stack writes no such records: tunnels.
    NotRecorded,
    /// The other side has no records of the kind at all.
    NoSuchRecords,
    /// The other side has no interval that ends then.
    NoSuchInterval,
    /// Its connections began within ten seconds before the end of an interval: the other side
    /// counts them in the next, or the one before.
    Young,
    /// The capture lacks a part of it.
    Incomplete,
    /// The capture does not tell whether it was protected.
    NotKnown,
    /// z/OS stream observation does not see it, and the records agree with what that sees.
    NotObserved,
    /// The stack has it with its ends swapped: both are its own addresses, and such a
    /// connection never leaves the host.
    EndsSwapped,
    /// There is no reason.
    Missing,
}

impl Reason {
    /// Whether it speaks against the stack's records.
    pub fn is_missing(self) -> bool {
        matches!(self, Self::Missing | Self::EndsSwapped)
    }

    /// As it stands in the JSON output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Loopback => "loopback",
            Self::OutsidePeriod => "outside_period",
            Self::BeganBefore => "began_before",
            Self::AddressUnknown => "address_unknown",
            Self::InsideEsp => "inside_esp",
            Self::OtherEnd => "other_end",
            Self::NotRecorded => "not_recorded",
            Self::NoSuchRecords => "no_such_records",
            Self::NoSuchInterval => "no_such_interval",
            Self::Young => "young",
            Self::Incomplete => "incomplete",
            Self::NotKnown => "not_known",
            Self::NotObserved => "not_observed",
            Self::EndsSwapped => "ends_swapped",
            Self::Missing => "missing",
        }
    }

    /// In words; `stack` is whether it is the stack that has it.
    pub fn text(self, stack: bool) -> &'static str {
        match (self, stack) {
            (Self::Loopback, _) => "within one host: not on the wire",
            (Self::OutsidePeriod, true) => "outside the period of the capture",
            (Self::OutsidePeriod, false) => "outside the period of the stack's records",
            (Self::BeganBefore, _) => "began before the capture",
            (Self::AddressUnknown, true) => "the capture does not have the stack's address",
            (Self::AddressUnknown, false) => "no stack with the address has written records",
            (Self::InsideEsp, _) => "may be inside ESP, which hides it",
            (Self::OtherEnd, _) => "the tap has it from the other end: say the home addresses",
            (Self::NotRecorded, _) => "z/OS writes no such records",
            (Self::NoSuchRecords, true) => "the tap has no records of this subtype",
            (Self::NoSuchRecords, false) => "the stack has no records of this subtype",
            (Self::NoSuchInterval, true) => "the tap has no interval that ends then",
            (Self::NoSuchInterval, false) => "the stack has no interval that ends then",
            (Self::Young, _) => "its connections began shortly before the end of an interval",
            (Self::Incomplete, _) => "the capture lacks a part of it",
            (Self::NotKnown, _) => "the capture does not tell whether it was protected",
            (Self::NotObserved, _) => "z/OS stream observation does not see it",
            (Self::EndsSwapped, _) => "local and remote end are swapped in the stack's record",
            (Self::Missing, true) => "nothing on the wire",
            (Self::Missing, false) => "the stack has written nothing",
        }
    }
}

/// A connection or session, for people.
#[derive(Clone, Copy, Debug)]
pub enum Subject {
    /// A connection, and when it began (hundredths since 1970, UTC).
    Connection(Tuple, i64),
    /// A session, and when the interval ended (local).
    Session(Ends, i64),
}

/// An event or interval that both sides have, or only one.
#[derive(Debug)]
pub struct Compared<'a> {
    /// The event's type, or 0 for an interval.
    pub kind: u8,
    /// Where the records are.
    pub places: (Option<RecordLocation>, Option<RecordLocation>),
    /// Their bytes.
    pub bytes: (Option<&'a [u8]>, Option<&'a [u8]>),
    /// The verdicts.
    pub comparison: &'a Comparison,
}

/// What is told while checking.
#[derive(Debug)]
pub enum Finding<'a> {
    /// Both sides have it; with the bytes of a connection as the stack counts them.
    Pair(System, Subject, &'a [Compared<'a>], u64),
    /// Only one has it: whether it is the stack, why, where its record is, and the
    /// bytes of a connection.
    Alone(System, Subject, bool, Reason, RecordLocation, u64),
    /// Something is wrong with the dump itself.
    Fault(&'a SelfCheckFinding),
}

/// What a check has found.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// What the stack has, and the tap.
    pub stack: Inventory,
    /// What the tap has.
    pub tap: Inventory,
    /// Whether there was a tap at all.
    pub compared: bool,
    /// Connections and sessions that agree with what z/OS stream observation sees of the
    /// wire, and not with all that it shows.
    pub beyond_observation: u64,
    /// Whether the tap's intervals end where the stack's do.
    pub(super) tap_cut: bool,
    /// Connections.
    pub connections: Counted,
    /// Security sessions, interval by interval.
    pub intervals: Counted,
    /// What differs, by what it means.
    pub causes: Causes,
    /// What could be compared, by server and time.
    pub coverage: Coverage,
    /// Bytes of the stack's connections, and of those that were paired.
    pub bytes: (u64, u64),
    /// The stack's connections by the lower of their ports, and how many of them were
    /// paired.
    pub ports: BTreeMap<u16, (u64, u64)>,
    /// Fields by verdict.
    pub fields: BTreeMap<&'static str, u64>,
    /// Differences by field and verdict.
    pub differences: BTreeMap<(&'static str, Difference), (u64, Vec<Example>)>,
    /// Faults of the dump.
    pub faults: BTreeMap<Fault, (u64, Vec<SelfCheckFinding>)>,
    /// What is systematic.
    pub calibration: Calibration,
    /// What was known to be systematic before.
    pub given: Calibration,
    /// Zones of the stack's record headers, in hundredths of a second ahead of UTC.
    pub zones: [Option<i64>; 2],
    /// Examples of what is missing.
    pub missing: Vec<(System, Subject, bool, Reason, RecordLocation)>,
}

/// Connections, or intervals, in numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Such as both sides have.
    pub pairs: u64,
    /// Of those, such as have a contradiction.
    pub contradicted: u64,
    /// Such as only the stack has.
    pub only_stack: BTreeMap<Reason, u64>,
    /// Such as only the tap has.
    pub only_tap: BTreeMap<Reason, u64>,
}

impl Counted {
    /// Of the stack's, the share that the capture speaks of, in percent.
    pub fn coverage(&self) -> Option<f64> {
        let missing = missing_of(&self.only_stack);
        let spoken = self.pairs + missing;
        let all = self.pairs + self.only_stack.values().sum::<u64>();
        (all > 0).then(|| 100.0 * spoken as f64 / all as f64)
    }

    /// Such as are missing on one side without a reason.
    pub fn missing(&self) -> u64 {
        missing_of(&self.only_stack) + missing_of(&self.only_tap)
    }
}

fn missing_of(counts: &BTreeMap<Reason, u64>) -> u64 {
    counts.iter().filter(|(reason, _)| reason.is_missing()).map(|(_, n)| n).sum()
}

/// A verdict other than equal, in the order in which people want them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Difference {
    /// A contradiction.
    Contradiction(VerdictReason),
    /// Within tolerance.
    Tolerated(VerdictReason),
    /// Not observable.
    NotObservable(VerdictReason),
}

/// An example of a difference.
#[derive(Clone, Debug)]
pub struct Example {
    /// Whose record.
    pub system: System,
    /// What it is about.
    pub subject: Subject,
    /// Values of stack and tap.
    pub values: (String, String),
    /// Where the stack's record is.
    pub place: Option<RecordLocation>,
}

impl Outcome {
    /// Takes a finding.
    pub(super) fn take(&mut self, finding: &Finding<'_>) {
        match finding {
            Finding::Pair(system, subject, events, bytes) => {
                self.pair(*system, *subject, events);
                self.covered(*subject, *bytes, true);
            }
            Finding::Alone(system, subject, stack, reason, place, bytes) => {
                self.alone((*system, *subject), *stack, *reason, *place);
                if *stack {
                    self.covered(*subject, *bytes, false);
                }
            }
            Finding::Fault(found) => self.fault(found),
        }
    }

    /// The stack has a connection, which was paired or not.
    pub(super) fn covered(&mut self, subject: Subject, bytes: u64, paired: bool) {
        let Subject::Connection(tuple, _) = subject else { return };
        let counts = self.ports.entry(tuple.local.1.min(tuple.remote.1)).or_default();
        counts.0 += 1;
        counts.1 += u64::from(paired);
        self.bytes.0 = self.bytes.0.saturating_add(bytes);
        self.bytes.1 = self.bytes.1.saturating_add(if paired { bytes } else { 0 });
    }

    /// Takes the verdicts of a pair.
    pub(super) fn pair(&mut self, system: System, subject: Subject, events: &[Compared<'_>]) {
        let mut contradicted = false;
        for event in events {
            *self.fields.entry("equal").or_default() += event.comparison.equal.len() as u64;
            for judged in &event.comparison.others {
                *self.fields.entry(judged.verdict.name()).or_default() += 1;
                contradicted |= matches!(judged.verdict, Verdict::Contradiction(_));
                self.difference(system, subject, judged, event.places.0);
            }
        }
        let limit = Verdict::NotObservable(VerdictReason::NotObserved);
        let limited = |e: &Compared<'_>| e.comparison.others.iter().any(|j| j.verdict == limit);
        self.beyond_observation += u64::from(events.iter().any(limited));
        self.causes.pair(system, subject, events);
        let covered = self.coverage.of(system, subject);
        covered.compared += 1;
        covered.contradicted += u64::from(contradicted);
        let counted = self.counted(subject);
        counted.pairs += 1;
        counted.contradicted += u64::from(contradicted);
    }

    fn counted(&mut self, subject: Subject) -> &mut Counted {
        match subject {
            Subject::Connection(..) => &mut self.connections,
            Subject::Session(..) => &mut self.intervals,
        }
    }

    fn difference(
        &mut self,
        system: System,
        subject: Subject,
        judged: &FieldVerdict,
        place: Option<RecordLocation>,
    ) {
        let difference = match judged.verdict {
            Verdict::Equal => return,
            Verdict::Contradiction(why) => Difference::Contradiction(why),
            Verdict::Tolerated(why) => Difference::Tolerated(why),
            Verdict::NotObservable(why) => Difference::NotObservable(why),
        };
        let (count, examples) = self.differences.entry((judged.field, difference)).or_default();
        *count += 1;
        if examples.len() < EXAMPLES {
            let values = (judged.stack.clone(), judged.tap.clone());
            examples.push(Example { system, subject, values, place });
        }
    }

    /// Takes what only one side has.
    pub(super) fn alone(
        &mut self,
        (system, subject): (System, Subject),
        stack: bool,
        reason: Reason,
        place: RecordLocation,
    ) {
        self.beyond_observation += u64::from(reason == Reason::NotObserved);
        self.causes.alone((system, subject), stack, reason, place);
        let covered = self.coverage.of(system, subject);
        if reason.is_missing() {
            covered.missing += 1;
        } else {
            *covered.not_comparable.entry(reason).or_default() += 1;
        }
        let counted = self.counted(subject);
        let counts = if stack { &mut counted.only_stack } else { &mut counted.only_tap };
        *counts.entry(reason).or_default() += 1;
        if reason.is_missing() && self.missing.len() < 4 * EXAMPLES {
            self.missing.push((system, subject, stack, reason, place));
        }
    }

    /// Takes a fault of the dump.
    pub(super) fn fault(&mut self, found: &SelfCheckFinding) {
        self.causes.fault(found, 1);
        let (count, examples) = self.faults.entry(found.fault).or_default();
        *count += 1;
        if examples.len() < EXAMPLES {
            examples.push(found.clone());
        }
    }

    /// Connections and intervals that are missing without a reason.
    pub fn missing_count(&self) -> u64 {
        self.connections.missing() + self.intervals.missing()
    }

    /// Pairs with a contradiction, and faults that speak against the dump.
    pub fn contradictions(&self) -> u64 {
        let faults = self.faults.iter().filter(|(f, _)| f.is_wrong()).map(|(_, (n, _))| n);
        self.connections.contradicted + self.intervals.contradicted + faults.sum::<u64>()
    }

    /// Systematic differences that were not known before: codes, rules of counting, clocks.
    pub fn calibrations(&self) -> u64 {
        let (found, given) = (&self.calibration, &self.given);
        let codes = found.codes.keys().filter(|group| !given.codes.contains_key(*group)).count();
        let is_new = |(field, (rule, _)): &(&&str, &(CountRule, u64))| {
            given.counters.get(**field).is_none_or(|(known, _)| known != rule)
        };
        let counters = found.counters.iter().filter(is_new).count();
        let rule = |c: &Calibration| c.counting.map(|(rule, _)| rule);
        let counting = rule(found).is_some() && rule(found) != rule(given);
        let clock = found.clock.range() != (0, 0) || found.interval_clock != 0;
        (codes + counters) as u64 + u64::from(counting) + u64::from(clock)
    }

    /// Whether neither side has a connection or a session of those that z/OS records: they
    /// agree in that.
    pub fn nothing_to_compare(&self) -> bool {
        let not_recorded = |counted: &Counted| {
            counted.only_tap.keys().all(|reason| *reason == Reason::NotRecorded)
        };
        let on_the_wire = !not_recorded(&self.connections) || !not_recorded(&self.intervals);
        self.compared && self.stack.is_empty() && !on_the_wire
    }

    /// Whether anything could be judged.
    pub fn judged(&self) -> bool {
        if self.compared {
            self.connections.pairs + self.intervals.pairs + self.missing_count() > 0
                || self.nothing_to_compare()
        } else {
            self.stack.total() > 0
        }
    }
}
