//! A part's connections and sessions, paired and judged.

use std::net::IpAddr;

use super::calibration::{Calibration, Groups};
use super::connection::{Connection, Event, SHORT_TERMINATION};
use super::fields::{Comparison, Context, compare, has_provider};
use super::inventory::Inventory;
use super::observation::{RecordLocation, System};
use super::outcome::{Compared, Finding, Reason, Subject};
use super::pairing::{self, has_reversed};
use super::partition::Partition;
use super::self_check::{Fault, SelfCheckFinding};
use super::tap_knowledge::Young;
use super::tap_observations::{KINDS, TapObservations};
use super::verdict::{FieldVerdict, Verdict, VerdictReason};
use super::{Options, self_check};
use crate::record::{Common11, Record};

/// `sc_event_type`.
const EVENT_TYPE: &str = "SMF119SC_SAEvent_Type";
/// A connection that lasts so long is not short, in hundredths of a second.
const SHORT: i64 = 1000;
/// IP protocols of tunnels, which the stack has no records of.
pub(super) const TUNNELS: [u8; 2] = [0x32, 0x33];

/// An event, its records, and what is said of them.
type Judgement<'a> = (u8, Sides<'a>, Comparison);

/// The records of both sides, where they are.
type Sides<'a> = [Option<&'a Event<'a>>; 2];

/// What judging a part takes.
pub(super) struct Judge<'a> {
    pub options: &'a Options,
    pub calibration: &'a Calibration,
    pub stack: &'a Inventory,
    pub tap: &'a Inventory,
    /// Whether there is a tap.
    pub compared: bool,
    /// Whether the tap's intervals end where the stack's do.
    pub cut: bool,
    /// How far the local time of the tap's records is ahead of UTC, where that is known.
    pub tap_zone: Option<i64>,
}

impl Judge<'_> {
    pub(super) fn context<'c>(&'c self, incomplete: bool, late: bool) -> Context<'c> {
        Context {
            calibration: self.calibration,
            tolerance: self.options.tolerance,
            count_tolerance: self.options.count_tolerance,
            incomplete,
            late,
            young: Young::default(),
            last: None,
        }
    }

    /// How far the stack's clock is ahead at a moment of the tap's.
    fn ahead_at_tap(&self, moment: i64) -> i64 {
        let clock = &self.calibration.clock;
        clock.ahead(moment + clock.ahead(moment))
    }

    /// How far the stack's local time is ahead of the tap's at the end of an interval.
    /// What the tap has cut where the stack did follows the stack's clock; other intervals
    /// end at full minutes of the tap's own.
    pub(super) fn interval_ahead(&self, moment: i64) -> i64 {
        let clock = if self.cut { self.calibration.clock.ahead(moment) } else { 0 };
        self.calibration.interval_clock + clock
    }

    /// Judges a part; `groups` learns what comes together.
    pub fn part(
        &self,
        part: &Partition<'_>,
        groups: &mut Groups,
        each: &mut dyn FnMut(Finding<'_>),
    ) {
        for connection in &part.stack.connections {
            self_check::connection(connection, &mut |found| each(Finding::Fault(&found)));
            let local = connection.tuple.local.0;
            self.of_other_system(&connection.system, local, place(connection), each);
        }
        for i in &part.stack.intervals {
            if let Some(local) = i.ends.local() {
                self.of_other_system(&i.system, local, i.place, each);
            }
        }
        self_check::intervals(&part.stack.intervals, &mut |found| each(Finding::Fault(&found)));
        if !self.compared {
            return;
        }
        self.connections(part, groups, each);
        self.intervals(part, groups, each);
    }

    /// Tells of a record whose local address is another system's.
    fn of_other_system(
        &self,
        system: &System,
        local: IpAddr,
        place: RecordLocation,
        each: &mut dyn FnMut(Finding<'_>),
    ) {
        if let Some(owner) = self.stack.owner(local).filter(|owner| owner != system) {
            let what = format!("{local} of {}, not of {}", owner.text(), system.text());
            let fault = SelfCheckFinding { fault: Fault::OtherSystem, place, what };
            each(Finding::Fault(&fault));
        }
    }

    fn connections(
        &self,
        part: &Partition<'_>,
        groups: &mut Groups,
        each: &mut dyn FnMut(Finding<'_>),
    ) {
        let (stack, tap) = (&part.stack.connections, &part.tap.connections);
        let (clock, tolerance) = (&self.calibration.clock, self.options.tolerance);
        let paired = pairing::connections(stack, tap, clock, tolerance);
        for (here, there) in paired.pairs {
            let mut compared = self.connection(part, here, there, groups);
            if contradicts(&compared) && self.is_observed_connection(part, here, there, groups) {
                compared.iter_mut().for_each(|(.., c)| c.is_beyond_observation());
            }
            let compared: Vec<Compared<'_>> = compared
                .iter()
                .map(|(kind, [a, b], comparison)| Compared {
                    kind: *kind,
                    places: (a.map(|e| e.place), b.map(|e| e.place)),
                    bytes: (a.map(|e| e.bytes), b.map(|e| e.bytes)),
                    comparison,
                })
                .collect();
            let subject = Subject::Connection(here.tuple, here.start);
            each(Finding::Pair(here.system, subject, &compared, bytes(here)));
        }
        // One that the tap has from the other end is there.
        for c in paired.only_stack {
            let reason = if has_reversed(tap, c, clock.ahead(c.start), tolerance) {
                // A stack that has both ends sends nothing.
                let both = self.stack.is_of_one_stack(c.tuple.local.0, c.tuple.remote.0);
                if both { Reason::EndsSwapped } else { Reason::OtherEnd }
            } else {
                self.only_stack(part, c)
            };
            let subject = Subject::Connection(c.tuple, c.start);
            each(Finding::Alone(c.system, subject, true, reason, place(c), bytes(c)));
        }
        for c in paired.only_tap {
            let reason = if has_reversed(stack, c, -self.ahead_at_tap(c.start), tolerance) {
                Reason::OtherEnd
            } else {
                self.only_tap(part, c)
            };
            let subject = Subject::Connection(c.tuple, c.start);
            each(Finding::Alone(c.system, subject, false, reason, place(c), bytes(c)));
        }
    }

    /// Whether a connection's records are those that z/OS stream observation would have
    /// written, and do not say that the stack knows more.
    fn is_observed_connection(
        &self,
        part: &Partition<'_>,
        here: &Connection<'_>,
        there: &Connection<'_>,
        groups: &mut Groups,
    ) -> bool {
        let Some(observed) = part.as_observed(there.tuple, there.start) else { return false };
        let knows_more = |e: &Event<'_>| Record::parse(e.bytes).is_ok_and(|r| has_provider(&r));
        !here.events.iter().any(knows_more)
            && groups.apart(|groups| {
                let found = self.connection(part, here, observed, groups);
                !contradicts(&found) && !found.iter().any(|(.., c)| c.says_more())
            })
    }

    fn only_stack(&self, part: &Partition<'_>, c: &Connection<'_>) -> Reason {
        let start = self.calibration.clock.to_other(c.start);
        let end = c.end.map(|e| self.calibration.clock.to_other(e));
        let (local, remote) = (c.tuple.local.0, c.tuple.remote.0);
        let slack = self.options.tolerance;
        let until = end.unwrap_or(i64::MAX - slack) + slack;
        // Such as one direction, or all but the beginning.
        if let Some(reason) = part.known.not_comparable(c.tuple, start - slack, until) {
            return reason;
        }
        if local == remote || local.is_loopback() {
            return Reason::Loopback;
        }
        let Some((first, last)) = self.tap.period else { return Reason::NoSuchRecords };
        if start > last + slack || end.is_some_and(|end| end < first - slack) {
            Reason::OutsidePeriod
        } else if !self.tap.has(local) {
            Reason::AddressUnknown
        } else if start < first - slack {
            Reason::BeganBefore
        } else if self.tap.has_tunnel(local) {
            Reason::InsideEsp
        } else {
            Reason::Missing
        }
    }

    fn only_tap(&self, part: &Partition<'_>, c: &Connection<'_>) -> Reason {
        let clock = self.ahead_at_tap(c.start);
        let slack = self.options.tolerance;
        if TUNNELS.contains(&c.tuple.ip_proto) {
            return Reason::NotRecorded;
        }
        let Some((first, last)) = self.stack.period else { return Reason::NoSuchRecords };
        let end = c.end.unwrap_or(c.start) + clock;
        if c.start + clock < first - slack || end > last + slack {
            Reason::OutsidePeriod
        } else if !self.stack.has_local(c.tuple.local.0) {
            Reason::AddressUnknown
        } else if part.known.of(c.tuple, c.start).is_some_and(|f| f.incomplete) {
            Reason::Incomplete
        } else if part.has_observed && part.as_observed(c.tuple, c.start).is_none() {
            Reason::NotObserved
        } else {
            Reason::Missing
        }
    }

    /// The events of a connection that both sides have.
    fn connection<'e>(
        &self,
        part: &Partition<'_>,
        here: &'e Connection<'_>,
        there: &'e Connection<'_>,
        groups: &mut Groups,
    ) -> Vec<Judgement<'e>> {
        let facts = part.known.of(there.tuple, there.start);
        let incomplete = facts.is_some_and(|f| f.incomplete);
        let context = self.context(incomplete, facts.is_some_and(|f| f.late));
        let last = there.last().and_then(|e| Record::parse(e.bytes).ok());
        // At the end of the capture the tap tells of a connection before it has settled.
        let is_early = there.last().is_none()
            && there.first().is_some_and(|e| {
                self.tap_zone.is_none_or(|zone| e.written - zone - there.start < SHORT)
            });
        let at_a_moment =
            Context { last: last.as_ref(), incomplete: context.incomplete || is_early, ..context };
        let mut found = Vec::new();
        let (short_here, short_there) =
            [here, there].map(|c| c.last().is_some_and(|e| e.kind == SHORT_TERMINATION)).into();
        let kinds_differ =
            here.last().is_some() && there.last().is_some() && short_here != short_there;
        match (here.first(), there.first()) {
            (Some(a), Some(b)) => found.push(both(a, b, &at_a_moment, groups)),
            (a, b) if kinds_differ || a.is_none() && b.is_none() => {}
            (None, Some(b)) => found.push(one(None, Some(b), self.lacks_first(here, there))),
            (a, _) => found.push(one(a, None, Verdict::NotObservable(VerdictReason::Incomplete))),
        }
        let (mut a, mut b) = (here.changes(), there.changes());
        loop {
            match (a.next(), b.next()) {
                (None, None) => break,
                (Some(a), Some(b)) => found.push(both(a, b, &at_a_moment, groups)),
                (a, b) => {
                    let why = if b.is_none() {
                        VerdictReason::TapUnknown
                    } else {
                        VerdictReason::StackUnknown
                    };
                    found.push(one(a, b, Verdict::NotObservable(why)));
                }
            }
        }
        match (here.last(), there.last()) {
            (Some(a), Some(b)) => {
                learn_counting(a, b, facts, groups);
                let (kind, sides, mut comparison) = compared(a, b, &context, groups);
                if kinds_differ {
                    let lasted = there.end.map_or(0, |end| end - there.start);
                    let verdict = if (lasted - SHORT).abs() <= self.options.tolerance {
                        Verdict::Tolerated(VerdictReason::Tolerance)
                    } else {
                        Verdict::Contradiction(VerdictReason::Different)
                    };
                    comparison.others.push(event_type(Some(a), Some(b), verdict));
                } else {
                    comparison.equal.push(EVENT_TYPE);
                }
                found.push((kind, sides, comparison));
            }
            (None, Some(b)) => {
                // Its record may come after the last of the dump.
                let last = self.stack.period.map_or(i64::MIN, |(_, last)| last);
                let end =
                    there.end.unwrap_or(there.start) + self.calibration.clock.ahead(here.start);
                let verdict = if end + self.options.tolerance >= last {
                    Verdict::NotObservable(VerdictReason::StackUnknown)
                } else {
                    Verdict::Contradiction(VerdictReason::NotInTheStack)
                };
                found.push(one(None, Some(b), verdict));
            }
            (Some(a), None) => {
                found.push(one(Some(a), None, Verdict::NotObservable(VerdictReason::Incomplete)));
            }
            (None, None) => {}
        }
        found
    }

    /// The stack lacks the initiation record of a long connection.
    fn lacks_first(&self, here: &Connection<'_>, there: &Connection<'_>) -> Verdict {
        let first = self.stack.period.map_or(i64::MAX, |(first, _)| first);
        // It may have been written before the dump begins.
        if here.start <= first || there.start + self.calibration.clock.ahead(here.start) < first {
            Verdict::NotObservable(VerdictReason::StackUnknown)
        } else {
            Verdict::Contradiction(VerdictReason::NotInTheStack)
        }
    }
}

/// Whether anything of a connection contradicts.
fn contradicts(judgements: &[Judgement<'_>]) -> bool {
    judgements.iter().any(|(.., comparison)| comparison.contradicts())
}

/// Bytes of a connection in its last record.
fn bytes(c: &Connection<'_>) -> u64 {
    let last = c.events.last().and_then(|e| Record::parse(e.bytes).ok());
    let common = last.and_then(|r| r.section(1).and_then(Common11::decode));
    common.map_or(0, |c| c.in_bytes.saturating_add(c.out_bytes))
}

fn place(c: &Connection<'_>) -> RecordLocation {
    c.events.first().map_or_else(RecordLocation::default, |e| e.place)
}

/// An event that both sides have.
fn both<'e>(
    a: &'e Event<'e>,
    b: &'e Event<'e>,
    context: &Context<'_>,
    groups: &mut Groups,
) -> Judgement<'e> {
    let (kind, sides, mut comparison) = compared(a, b, context, groups);
    comparison.equal.push(EVENT_TYPE);
    (kind, sides, comparison)
}

/// The same, without the event's type.
fn compared<'e>(
    a: &'e Event<'e>,
    b: &'e Event<'e>,
    context: &Context<'_>,
    groups: &mut Groups,
) -> Judgement<'e> {
    let comparison = match (Record::parse(a.bytes), Record::parse(b.bytes)) {
        (Ok(here), Ok(there)) => compare(&here, &there, context, groups),
        _ => Comparison::default(),
    };
    (a.kind, [Some(a), Some(b)], comparison)
}

/// Learns by which rule the stack counts, from what the tap knows of the segments.
fn learn_counting(
    a: &Event<'_>,
    b: &Event<'_>,
    known: Option<&TapObservations>,
    groups: &mut Groups,
) {
    let Some((known, [client, server])) = known.and_then(|known| Some((known, known.kinds?)))
    else {
        return;
    };
    let common = |e: &Event<'_>| {
        Record::parse(e.bytes).ok().and_then(|r| r.section(1).and_then(Common11::decode))
    };
    let (Some(stack), Some(tap)) = (common(a), common(b)) else { return };
    let [_, (_, server_port)] = known.client_and_server();
    let by_server = tap.l_port == server_port;
    let (inbound, outbound) = if by_server { (client, server) } else { (server, client) };
    let [of_client, of_server] = known.segments;
    let seen = if by_server { (of_client, of_server) } else { (of_server, of_client) };
    // What came after its end is in no record.
    if known.incomplete || (tap.in_seg_dg, tap.out_seg_dg) != seen {
        return;
    }
    for (stack, tap, kinds) in
        [(stack.in_seg_dg, tap.in_seg_dg, &inbound), (stack.out_seg_dg, tap.out_seg_dg, &outbound)]
    {
        groups.counting.segments(stack, tap, kinds);
    }
    for (stack, tap, kinds) in
        [(stack.in_bytes, tap.in_bytes, inbound), (stack.out_bytes, tap.out_bytes, outbound)]
    {
        groups.counting.bytes(stack, tap, kinds[KINDS - 1]);
    }
}

/// An event that only one side has.
fn one<'e>(a: Option<&'e Event<'e>>, b: Option<&'e Event<'e>>, verdict: Verdict) -> Judgement<'e> {
    let kind = a.or(b).map_or(0, |e| e.kind);
    let others = vec![event_type(a, b, verdict)];
    (kind, [a, b], Comparison { equal: Vec::new(), others })
}

fn event_type(a: Option<&Event<'_>>, b: Option<&Event<'_>>, verdict: Verdict) -> FieldVerdict {
    let text = |e: Option<&Event<'_>>| e.map_or_else(|| "none".to_owned(), |e| e.kind.to_string());
    FieldVerdict { field: EVENT_TYPE, verdict, stack: text(a), tap: text(b) }
}
