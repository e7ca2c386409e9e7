//! A part's security sessions, paired and judged, interval by interval.

use std::collections::BTreeMap;

use super::calibration::Groups;
use super::fields::{Comparison, Context};
use super::inventory::Inventory;
use super::judge::{Judge, TUNNELS};
use super::observation::SessionEnds;
use super::outcome::{Compared, Finding, Reason, Subject};
use super::partition::Partition;
use super::session::{self, Interval};
use super::session_pairing::{self, Cell, Matched, Together};
use super::tap_knowledge::Young;

/// A pair: the stack's session, the tap's, and what is said of both.
type Pair<'a, 'b> = (&'a Interval<'b>, &'a Interval<'b>, Comparison);

/// What is said of a cell.
#[derive(Default)]
struct Said<'a, 'b> {
    pairs: Vec<Pair<'a, 'b>>,
    /// What the stack has alone, and the tap, and why.
    stack: Vec<(&'a Interval<'b>, Reason)>,
    tap: Vec<(&'a Interval<'b>, Reason)>,
}

impl Said<'_, '_> {
    /// Whether something speaks against the stack's records.
    fn is_bad(&self) -> bool {
        self.pairs.iter().any(|(.., comparison)| comparison.contradicts())
            || self.stack.iter().chain(&self.tap).any(|(_, reason)| reason.is_missing())
    }

    /// What differs is what z/OS stream observation does not see.
    fn is_beyond_observation(&mut self) {
        for (.., comparison) in &mut self.pairs {
            comparison.is_beyond_observation();
        }
        for (_, reason) in self.stack.iter_mut().chain(&mut self.tap) {
            if reason.is_missing() {
                *reason = Reason::NotObserved;
            }
        }
    }
}

impl Judge<'_> {
    /// Judges the sessions of a part.
    pub(super) fn intervals(
        &self,
        part: &Partition<'_>,
        groups: &mut Groups,
        each: &mut dyn FnMut(Finding<'_>),
    ) {
        let clock = |moment: i64| self.interval_ahead(moment);
        let lists = [&part.stack.intervals, &part.tap.intervals, &part.observed.intervals];
        let tolerance = self.options.tolerance;
        let to_tap = |i: &Interval<'_>, whose: usize| match whose {
            0 => i.end - clock(i.end),
            _ => self.end_at_stack(i),
        };
        let cells = session_pairing::cells(lists.map(Vec::as_slice), &to_tap, tolerance);
        if !self.stack.records.contains_key(&11) {
            learn_counting(part, &cells, groups);
        }
        let mut all: Vec<Said<'_, '_>> = cells
            .iter()
            .map(|cell| {
                let mut said = self.cell(part, cell, groups);
                if said.is_bad() && self.is_observed(part, cell, groups) {
                    said.is_beyond_observation();
                }
                said
            })
            .collect();
        self.swapped(&mut all);
        for said in all {
            for (here, there, comparison) in &said.pairs {
                let places = (Some(here.place), Some(there.place));
                let bytes = (Some(here.bytes), Some(there.bytes));
                let compared = [Compared { kind: 0, places, bytes, comparison }];
                let subject = Subject::Session(here.ends, here.end);
                each(Finding::Pair(here.system, subject, &compared, 0));
            }
            for (list, of_stack) in [(&said.stack, true), (&said.tap, false)] {
                for (i, reason) in list {
                    let subject = Subject::Session(i.ends, i.end);
                    each(Finding::Alone(i.system, subject, of_stack, *reason, i.place, 0));
                }
            }
        }
    }

    /// Finds sessions whose server and client the stack has exchanged.
    fn swapped(&self, all: &mut [Said<'_, '_>]) {
        let is_open =
            |r: Reason| matches!(r, Reason::Missing | Reason::Young | Reason::NoSuchInterval);
        let mut of_tap = BTreeMap::<SessionEnds, Vec<i64>>::new();
        for (i, _) in all.iter().flat_map(|s| &s.tap).filter(|(_, reason)| is_open(*reason)) {
            of_tap.entry(i.ends.session()).or_default().push(self.end_at_stack(i));
        }
        for (i, reason) in all.iter_mut().flat_map(|said| &mut said.stack) {
            let end = i.end - self.interval_ahead(i.end);
            let slack = (i.duration / 4).clamp(200, 3000);
            let then = of_tap.get(&i.ends.session().swapped());
            if then.is_some_and(|ends| ends.iter().any(|other| (end - other).abs() <= slack)) {
                *reason = Reason::EndsSwapped;
            }
        }
    }

    /// Whether a cell's sessions are those that z/OS stream observation sees, and the stack
    /// does not say that it knows more.
    fn is_observed(&self, part: &Partition<'_>, cell: &Cell<'_, '_>, groups: &mut Groups) -> bool {
        if !part.has_observed || cell.stack.iter().any(|i| session::has_provider(i)) {
            return false;
        }
        let observed =
            Cell { stack: cell.stack.clone(), tap: cell.observed.clone(), observed: Vec::new() };
        groups.apart(|groups| {
            let said = self.cell(part, &observed, groups);
            // A stack that knows more than observation does not record by it.
            !said.is_bad() && !said.pairs.iter().any(|(.., comparison)| comparison.says_more())
        })
    }

    fn cell<'a, 'b>(
        &self,
        part: &Partition<'_>,
        cell: &Cell<'a, 'b>,
        groups: &mut Groups,
    ) -> Said<'a, 'b> {
        let any = cell.tap.first().map(|i| (i, i.end));
        let any =
            any.or_else(|| cell.stack.first().map(|i| (i, i.end - self.interval_ahead(i.end))));
        let (mut incomplete, mut young) = (false, [Young::default(); 2]);
        if let Some((i, end)) = any {
            // By the clock of the packets.
            let within = self.tap_zone.map(|zone| (end - zone - i.duration, end - zone));
            incomplete = part.known.has_not_comparable(&i.ends, within);
            if let Some((from, to)) = within {
                young = [from, to].map(|moment| part.known.young(&i.ends, moment));
            }
        }
        let context = Context { young: young[0].and(young[1]), ..self.context(incomplete, false) };
        let Matched { pairs, mut only_stack, mut only_tap } =
            session_pairing::matched(cell, |here, there| {
                session::unlike(here, there, &context, groups)
            });
        let mut pairs: Vec<(usize, Pair<'a, 'b>)> =
            pairs.into_iter().filter_map(|pair| one_pair(cell, pair, &context, groups)).collect();
        let mut said = Said::default();
        let has_trouble = |pairs: &[(usize, Pair<'_, '_>)]| {
            pairs.iter().any(|(_, (.., comparison))| comparison.contradicts())
        };
        if has_trouble(&pairs) || !only_stack.is_empty() || !only_tap.is_empty() {
            let together = session_pairing::indistinguishable(cell, |here, there| {
                session::unlike(here, there, &context, groups).0 == 0
            });
            for Together { stack, tap } in together {
                let of_it = |(s, (.., comparison)): &(usize, Pair<'_, '_>)| {
                    stack.contains(s) && comparison.contradicts()
                };
                let wrong = pairs.iter().any(of_it)
                    || only_stack.iter().any(|s| stack.contains(s))
                    || only_tap.iter().any(|t| tap.contains(t));
                let sum = wrong.then(|| sum(cell, (&stack, &tap), &context, groups)).flatten();
                let Some(pair) = sum else { continue };
                pairs.retain(|(s, _)| !stack.contains(s));
                only_stack.retain(|s| !stack.contains(s));
                only_tap.retain(|t| !tap.contains(t));
                said.pairs.push(pair);
            }
        }
        // One that is left of each side has another protocol there.
        if let ([s], [t]) = (only_stack.as_slice(), only_tap.as_slice())
            && !incomplete
        {
            pairs.extend(one_pair(cell, (*s, *t), &context, groups));
            (only_stack, only_tap) = (Vec::new(), Vec::new());
        }
        said.pairs.extend(pairs.into_iter().map(|(_, pair)| pair));
        let left = only_stack.into_iter().filter_map(|n| cell.stack.get(n));
        // A stack that counts a connection earlier than the tap has it in the interval before.
        let [at_begin, at_end] = young.map(|young| young.connections);
        let reason = |i: &Interval<'_>, reason: Reason, young: u64| {
            let few = session::added(i).is_some_and(|n| n > 0 && n <= young);
            if reason == Reason::Missing && few { Reason::Young } else { reason }
        };
        said.stack =
            left.map(|i| (*i, reason(i, self.only_stack_has(i, incomplete), at_end))).collect();
        let left = only_tap.into_iter().filter_map(|n| cell.tap.get(n));
        said.tap =
            left.map(|i| (*i, reason(i, self.only_tap_has(i, incomplete), at_begin))).collect();
        said
    }

    /// When an interval of the tap ended, by its own clock. The last ends where the capture
    /// does: it is that of the stack that ends later.
    fn end_at_stack(&self, i: &Interval<'_>) -> i64 {
        if !i.shut_down {
            return i.end;
        }
        let ahead = self.interval_ahead(i.end);
        let slack = (i.duration / 4).clamp(200, 3000);
        // One that has just begun is not the one that has just ended.
        let from = (i.end - 100).max(i.end - i.duration + 100);
        let then = self.stack.interval_after(&i.system, from + ahead);
        match then {
            Some((end, duration)) if end - duration <= i.end + ahead - i.duration + slack => {
                end - ahead
            }
            _ => i.end,
        }
    }

    fn only_stack_has(&self, i: &Interval<'_>, incomplete: bool) -> Reason {
        if !self.tap.records.contains_key(&12) {
            return Reason::NoSuchRecords;
        }
        if i.ends.server == i.ends.client {
            return Reason::Loopback;
        }
        // Only the local end counts: clients are those of other stacks, too.
        let ends = [i.ends.server, i.ends.client];
        if !ends.iter().any(|a| self.stack.has_home(*a) && self.tap.has(*a)) {
            Reason::AddressUnknown
        } else if incomplete {
            Reason::Incomplete
        } else {
            let end = i.end - self.interval_ahead(i.end);
            let slack = (i.duration / 4).clamp(200, 3000);
            match self.tap.intervals_of(&i.system) {
                Some((first, _)) if end - i.duration < first - slack => Reason::BeganBefore,
                Some((_, last)) if end > last + slack => Reason::OutsidePeriod,
                _ => session_reason(i, end, self.tap),
            }
        }
    }

    fn only_tap_has(&self, i: &Interval<'_>, incomplete: bool) -> Reason {
        if !self.stack.records.contains_key(&12) {
            Reason::NoSuchRecords
        } else if TUNNELS.contains(&i.ends.ip_proto) {
            Reason::NotRecorded
        } else if ![i.ends.server, i.ends.client].iter().any(|a| self.stack.has_home(*a)) {
            Reason::AddressUnknown
        } else if incomplete {
            Reason::Incomplete
        } else if i.shut_down && i.duration < 200 {
            // The capture ended when the interval had just begun.
            Reason::NoSuchInterval
        } else {
            session_reason(i, i.end + self.interval_ahead(i.end), self.stack)
        }
    }
}

/// A session and its counterpart, with the first one's place.
fn one_pair<'a, 'b>(
    cell: &Cell<'a, 'b>,
    (s, t): (usize, usize),
    context: &Context<'_>,
    groups: &mut Groups,
) -> Option<(usize, Pair<'a, 'b>)> {
    let (here, there) = (*cell.stack.get(s)?, *cell.tap.get(t)?);
    let comparison = session::judge(&[here], &[there], context, groups);
    Some((s, (here, there, comparison)))
}

/// Sessions that one side cannot tell apart, compared by the sums of their counters; `None`
/// if these differ, too.
fn sum<'a, 'b>(
    cell: &Cell<'a, 'b>,
    (stack, tap): (&[usize], &[usize]),
    context: &Context<'_>,
    groups: &mut Groups,
) -> Option<Pair<'a, 'b>> {
    let of = |list: &[&'a Interval<'b>], places: &[usize]| -> Vec<&'a Interval<'b>> {
        places.iter().filter_map(|n| list.get(*n).copied()).collect()
    };
    let (here, there) = (of(&cell.stack, stack), of(&cell.tap, tap));
    let comparison = groups.apart(|groups| session::judge(&here, &there, context, groups));
    let first = here.first()?;
    (!comparison.contradicts()).then_some((first, there.first()?, comparison))
}

/// Learns by which rule the stack counts where it tells of no connection: from all intervals
/// of the sessions of the same ends.
fn learn_counting(part: &Partition<'_>, cells: &[Cell<'_, '_>], groups: &mut Groups) {
    let ends = |cell: &Cell<'_, '_>| {
        let any = cell.stack.first().or(cell.tap.first());
        any.map(|i| (i.ends.session(), i.ends))
    };
    for of_ends in cells.chunk_by(|a, b| ends(a).map(|e| e.0) == ends(b).map(|e| e.0)) {
        let Some((_, first)) = of_ends.first().and_then(ends) else { continue };
        let Some((seen, [client, server])) = part.known.kinds(&first) else { continue };
        let sum = |list: &mut dyn Iterator<Item = [u64; 2]>| {
            list.fold([0, 0], |[a, b], [c, d]| [a + c, b + d])
        };
        let stack = of_ends.iter().flat_map(|cell| &cell.stack);
        let stack = sum(&mut stack.filter_map(|i| session::segments(i)));
        let tap = of_ends.iter().flat_map(|cell| &cell.tap);
        let tap = sum(&mut tap.filter_map(|i| session::segments(i)));
        // Which end is local: the tap has counted all that it has seen.
        let (kinds, known) = if tap == seen {
            ([client, server], true)
        } else {
            ([server, client], tap == [seen[1], seen[0]])
        };
        for ((stack, tap), kinds) in stack.into_iter().zip(tap).zip(&kinds).filter(|_| known) {
            groups.counting.segments(stack, tap, kinds);
        }
    }
}

/// Why one side lacks a session in an interval: perhaps it has no interval that ends
/// then.
fn session_reason(i: &Interval<'_>, end: i64, other: &Inventory) -> Reason {
    let slack = (i.duration / 4).clamp(200, 3000);
    if other.ends_at(&i.system, end, slack) { Reason::Missing } else { Reason::NoSuchInterval }
}
