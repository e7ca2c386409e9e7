//! Which security sessions of one side are which of the other, interval by interval.

use std::collections::BTreeMap;

use super::observation::SessionEnds;
use super::session::Interval;

/// How much later than the interval's end its records may be written, in hundredths
/// of a second.
const SLACK: i64 = 3000;
/// Sessions of the same ends and interval of which the likest is chosen.
const CANDIDATES: usize = 64;

/// How two sessions differ: contradictions, whether they are of two systems, other fields
/// that are not equal, and counters.
pub(super) type Unlikeness = (usize, bool, usize, usize);

/// What both sides have of the same ends in the same interval.
#[derive(Debug, Default)]
pub(super) struct Cell<'a, 'b> {
    pub stack: Vec<&'a Interval<'b>>,
    pub tap: Vec<&'a Interval<'b>>,
    /// What z/OS stream observation would have seen of what the tap has.
    pub observed: Vec<&'a Interval<'b>>,
}

/// Sessions of a cell: the stack's and the tap's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Together {
    /// Places in the lists of the cell.
    pub stack: Vec<usize>,
    pub tap: Vec<usize>,
}

/// Sessions of a cell, each with its counterpart, and those without any.
#[derive(Debug, Default)]
pub(super) struct Matched {
    pub pairs: Vec<(usize, usize)>,
    pub only_stack: Vec<usize>,
    pub only_tap: Vec<usize>,
}

/// Divides the intervals of the stack, of the tap, and those that stream observation sees, by
/// their ends and by when they ended, which `end` tells by the tap's clock.
pub(super) fn cells<'a, 'b>(
    lists: [&'a [Interval<'b>]; 3],
    end: &dyn Fn(&Interval<'b>, usize) -> i64,
    tolerance: i64,
) -> Vec<Cell<'a, 'b>> {
    type OfEnds<'a, 'b> = Vec<(i64, usize, &'a Interval<'b>)>;
    let mut all = BTreeMap::<SessionEnds, OfEnds<'a, 'b>>::new();
    for (whose, list) in lists.into_iter().enumerate() {
        for interval in list {
            let end = end(interval, whose);
            all.entry(interval.ends.session()).or_default().push((end, whose, interval));
        }
    }
    let mut found = Vec::new();
    for mut of_ends in all.into_values() {
        // What came together stays in its order.
        of_ends.sort_by_key(|(end, ..)| *end);
        let slack = |a: &Interval<'_>, b: &Interval<'_>| {
            (a.duration.max(b.duration) / 4).min(SLACK).max(tolerance)
        };
        let together = of_ends.chunk_by(|a, b| b.0 - a.0 <= slack(a.2, b.2));
        found.extend(together.map(|items| {
            let of = |wanted: usize| {
                items.iter().filter(|(_, whose, _)| *whose == wanted).map(|(.., i)| *i).collect()
            };
            Cell { stack: of(0), tap: of(1), observed: of(2) }
        }));
    }
    found
}

/// Pairs the sessions of a cell that have the same protocol: the likest first.
pub(super) fn matched<'b>(
    cell: &Cell<'_, 'b>,
    mut unlike: impl FnMut(&Interval<'b>, &Interval<'b>) -> Unlikeness,
) -> Matched {
    let mut unlike = |s: usize, t: usize| match (cell.stack.get(s), cell.tap.get(t)) {
        (Some(here), Some(there)) => unlike(here, there),
        _ => (usize::MAX, true, 0, 0),
    };
    let mut found = Matched::default();
    let mut of_protocol = BTreeMap::<u8, (Vec<usize>, Vec<usize>)>::new();
    for (n, i) in cell.stack.iter().enumerate() {
        of_protocol.entry(i.ends.protocols).or_default().0.push(n);
    }
    for (n, i) in cell.tap.iter().enumerate() {
        of_protocol.entry(i.ends.protocols).or_default().1.push(n);
    }
    for (stack, tap) in of_protocol.into_values() {
        match (stack.as_slice(), tap.as_slice()) {
            ([here], [there]) => found.pairs.push((*here, *there)),
            (_, []) => found.only_stack.extend(stack),
            ([], _) => found.only_tap.extend(tap),
            _ if stack.len().max(tap.len()) <= CANDIDATES => {
                likest_first(stack, tap, &mut unlike, &mut found);
            }
            _ => one_by_one(stack, tap, &mut unlike, &mut found),
        }
    }
    found.pairs.sort_unstable();
    found.only_stack.sort_unstable();
    found.only_tap.sort_unstable();
    found
}

fn likest_first(
    stack: Vec<usize>,
    tap: Vec<usize>,
    unlike: &mut impl FnMut(usize, usize) -> Unlikeness,
    found: &mut Matched,
) {
    let mut all = Vec::with_capacity(stack.len() * tap.len());
    for here in &stack {
        all.extend(tap.iter().map(|there| (unlike(*here, *there), *here, *there)));
    }
    all.sort_unstable();
    let (mut free_s, mut free_t) = (stack, tap);
    for (_, here, there) in all {
        let place_s = free_s.iter().position(|n| *n == here);
        let place_t = free_t.iter().position(|n| *n == there);
        if let (Some(s), Some(t)) = (place_s, place_t) {
            free_s.remove(s);
            free_t.remove(t);
            found.pairs.push((here, there));
        }
    }
    found.only_stack.extend(free_s);
    found.only_tap.extend(free_t);
}

/// Of many each takes the likest of the first that are free.
fn one_by_one(
    stack: Vec<usize>,
    mut tap: Vec<usize>,
    unlike: &mut impl FnMut(usize, usize) -> Unlikeness,
    found: &mut Matched,
) {
    tap.reverse();
    for here in stack {
        let from = tap.len().saturating_sub(CANDIDATES);
        let candidates = tap.get(from..).unwrap_or_default().iter().enumerate();
        let best = candidates.min_by_key(|(n, there)| (unlike(here, **there), usize::MAX - n));
        match best.map(|(n, _)| n) {
            Some(n) => found.pairs.push((here, tap.remove(from + n))),
            None => found.only_stack.push(here),
        }
    }
    found.only_tap.extend(tap);
}

/// Sessions that one side cannot tell apart: those between which `alike` finds no
/// contradiction, directly or through others. Only such as have several of a side.
pub(super) fn indistinguishable<'b>(
    cell: &Cell<'_, 'b>,
    mut alike: impl FnMut(&Interval<'b>, &Interval<'b>) -> bool,
) -> Vec<Together> {
    if cell.stack.len() > CANDIDATES || cell.tap.len() > CANDIDATES {
        return Vec::new();
    }
    let mut groups: Vec<Together> = Vec::new();
    for (here, of_stack) in cell.stack.iter().enumerate() {
        let mut group = Together { stack: vec![here], tap: Vec::new() };
        for (there, of_tap) in cell.tap.iter().enumerate() {
            let same = of_stack.ends.protocols == of_tap.ends.protocols;
            if same && alike(of_stack, of_tap) {
                group.tap.push(there);
            }
        }
        // What shares one of the tap's sessions is one group.
        let shares = |g: &Together| g.tap.iter().any(|t| group.tap.contains(t));
        let (joined, apart): (Vec<_>, Vec<_>) = groups.into_iter().partition(shares);
        for other in joined {
            group.stack.extend(other.stack);
            group.tap.extend(other.tap);
        }
        group.stack.sort_unstable();
        group.tap.sort_unstable();
        group.tap.dedup();
        groups = apart;
        groups.push(group);
    }
    groups.retain(|g| !g.tap.is_empty() && (g.stack.len() > 1 || g.tap.len() > 1));
    groups.sort_by(|a, b| a.stack.cmp(&b.stack));
    groups
}

#[cfg(test)]
mod tests {
    use super::super::observation::{Ends, RecordLocation, System};
    use super::*;

    fn interval(end: i64, protocols: u8) -> Interval<'static> {
        let ends = Ends {
            server: [192, 0, 2, 1].into(),
            client: [192, 0, 2, 2].into(),
            ports: (443, 443),
            ip_proto: 6,
            role: 0,
            protocols,
        };
        let (system, place) = (System::default(), RecordLocation::default());
        Interval { system, ends, end, duration: 90_000, shut_down: false, bytes: &[], place }
    }

    #[test]
    fn of_many_sessions_of_one_interval_a_few_are_weighed() {
        let stack: Vec<Interval<'_>> = (0..20_000).map(|n| interval(n % 10, 0)).collect();
        let cells = cells([&stack, &stack, &[]], &|i, _| i.end, 200);
        assert_eq!(cells.len(), 1);
        let mut weighed = 0;
        let found = matched(&cells[0], |_, _| {
            weighed += 1;
            (0, false, 0, 0)
        });
        assert_eq!(found.pairs.len(), stack.len());
        assert!(weighed <= CANDIDATES * stack.len());
        assert!(found.only_stack.is_empty() && found.only_tap.is_empty());
        assert!(indistinguishable(&cells[0], |_, _| true).is_empty());
    }

    #[test]
    fn the_likest_are_paired_whatever_their_order() {
        let stack = [interval(0, 0x80), interval(1, 0x80), interval(5, 0)];
        let tap = [interval(3, 0x80), interval(90_000, 0x80), interval(4, 0x80)];
        let cells = cells([&stack, &tap, &[]], &|i, _| i.end, 200);
        assert_eq!(cells.len(), 2);
        // The second of the stack is the first of the tap.
        let same = |s: &Interval<'_>, t: &Interval<'_>| (s.end, t.end) == (1, 3);
        let found = matched(&cells[0], |s, t| (0, false, usize::from(!same(s, t)), 0));
        assert_eq!(found.pairs, [(0, 1), (1, 0)]);
        assert_eq!((found.only_stack, found.only_tap), (vec![2], vec![]));
        // The first of the stack is like both of the tap's.
        let groups = indistinguishable(&cells[0], |s, t| s.end == 0 || same(s, t));
        assert_eq!(groups, [Together { stack: vec![0, 1], tap: vec![0, 1] }]);
    }
}
