//! What of one side is what of the other.

use super::clock::Clock;
use super::connection::Connection;

/// How far apart two connections of the same ends may begin if there is no better
/// counterpart: a day, in hundredths of a second.
const FAR: i64 = 8_640_000;

/// Connections of both sides.
#[derive(Debug)]
pub(super) struct Pairing<'a, T> {
    /// The stack's and the tap's.
    pub pairs: Vec<(&'a T, &'a T)>,
    /// What the tap has not seen.
    pub only_stack: Vec<&'a T>,
    /// What the stack has not recorded.
    pub only_tap: Vec<&'a T>,
}

impl<T> Default for Pairing<'_, T> {
    fn default() -> Self {
        Self { pairs: Vec::new(), only_stack: Vec::new(), only_tap: Vec::new() }
    }
}

/// Pairs connections by their ends and their beginnings. Both lists are in the order
/// of ends and beginnings; `clock` is how far the stack's clock is ahead.
pub(super) fn connections<'a, 'b>(
    mut stack: &'a [Connection<'b>],
    mut tap: &'a [Connection<'b>],
    clock: &Clock,
    tolerance: i64,
) -> Pairing<'a, Connection<'b>> {
    let mut found = Pairing::default();
    while let Some(tuple) = stack.first().into_iter().chain(tap.first()).map(|c| c.tuple).min() {
        // Nearly always one, so that a search would look at more.
        let run = |list: &'a [Connection<'b>]| {
            list.split_at(list.iter().take_while(|c| c.tuple == tuple).count())
        };
        let ((of_stack, rest_s), (of_tap, rest_t)) = (run(stack), run(tap));
        of_same_ends(of_stack, of_tap, (clock, tolerance), &mut found);
        (stack, tap) = (rest_s, rest_t);
    }
    found
}

/// Pairs connections of the same ends: first those that begin together, then such
/// as overlap in time, then the nearest.
fn of_same_ends<'a, 'b>(
    stack: &'a [Connection<'b>],
    tap: &'a [Connection<'b>],
    (clock, tolerance): (&Clock, i64),
    found: &mut Pairing<'a, Connection<'b>>,
) {
    let mut rest_s: Vec<&'a Connection<'b>> = stack.iter().collect();
    let mut rest_t: Vec<&'a Connection<'b>> = tap.iter().collect();
    let apart = |s: &Connection<'_>, t: &Connection<'_>| clock.to_other(s.start) - t.start;
    for most in [tolerance, FAR] {
        let (mut left_s, mut left_t) = (Vec::new(), Vec::new());
        let (mut s, mut t) = (rest_s.as_slice(), rest_t.as_slice());
        while let ([here, more_s @ ..], [there, more_t @ ..]) = (s, t) {
            let distance = apart(here, there);
            // A later one may be nearer.
            let nearer = |other: Option<i64>| other.is_some_and(|o| o.abs() < distance.abs());
            let near = distance.abs() <= most;
            if distance < 0 && (!near || nearer(more_s.first().map(|s| apart(s, there)))) {
                left_s.push(*here);
                s = more_s;
            } else if distance > 0 && (!near || nearer(more_t.first().map(|t| apart(here, t)))) {
                left_t.push(*there);
                t = more_t;
            } else {
                found.pairs.push((*here, *there));
                (s, t) = (more_s, more_t);
            }
        }
        left_s.extend(s);
        left_t.extend(t);
        (rest_s, rest_t) = (left_s, left_t);
    }
    found.only_stack.extend(rest_s);
    found.only_tap.extend(rest_t);
}

/// Whether a list, in the order of ends and beginnings, has a connection seen from its
/// other end.
pub(super) fn has_reversed(
    others: &[Connection<'_>],
    c: &Connection<'_>,
    clock: i64,
    tolerance: i64,
) -> bool {
    let tuple = c.tuple.reversed();
    let start = c.start - clock;
    let at = others.partition_point(|o| (o.tuple, o.start) < (tuple, start - tolerance));
    others.get(at).is_some_and(|o| o.tuple == tuple && o.start <= start + tolerance)
}

#[cfg(test)]
mod tests {
    use super::super::observation::{System, Tuple};
    use super::*;

    fn ip(n: u8) -> std::net::IpAddr {
        [192, 0, 2, n].into()
    }

    fn list(starts: &[i64]) -> Vec<Connection<'static>> {
        let tuple = Tuple { local: (ip(1), 443), remote: (ip(2), 40_000), ip_proto: 6 };
        let connection = |&start: &i64| Connection {
            system: System::default(),
            tuple,
            start,
            end: None,
            events: Vec::new(),
            duplicates: Vec::new(),
        };
        starts.iter().map(connection).collect()
    }

    fn paired(stack: &[i64], tap: &[i64], clock: i64) -> (Vec<(usize, usize)>, usize, usize) {
        let (of_stack, of_tap) = (list(stack), list(tap));
        let found = connections(&of_stack, &of_tap, &Clock::constant(clock), 200);
        let place = |list: &[i64], start: i64| list.iter().position(|s| *s == start);
        let places = |(s, t): &(&Connection<'_>, &Connection<'_>)| {
            place(stack, s.start).zip(place(tap, t.start))
        };
        let mut pairs: Vec<(usize, usize)> = found.pairs.iter().filter_map(places).collect();
        pairs.sort_unstable();
        (pairs, found.only_stack.len(), found.only_tap.len())
    }

    #[test]
    fn ports_are_used_again_and_clocks_differ() {
        assert_eq!(paired(&[100, 9000], &[150, 9100], 0), (vec![(0, 0), (1, 1)], 0, 0));
        assert_eq!(
            paired(&[360_100, 369_000], &[100, 9000], 360_000),
            (vec![(0, 0), (1, 1)], 0, 0)
        );
        // One is not there; the others find each other.
        assert_eq!(paired(&[100, 9000], &[9000], 0), (vec![(1, 0)], 1, 0));
        // Two within the tolerance: the nearer.
        assert_eq!(paired(&[100], &[0, 110], 0), (vec![(0, 1)], 0, 1));
        // The only one is the one, at another time.
        assert_eq!(paired(&[100], &[5000], 0), (vec![(0, 0)], 0, 0));
        assert_eq!(paired(&[100], &[20_000_000], 0), (vec![], 1, 1));
    }

    #[test]
    fn a_connection_is_found_from_its_other_end() {
        let mut others = list(&[100, 5000, 9000]);
        for other in &mut others {
            other.tuple = other.tuple.reversed();
        }
        let found = |start: i64, clock: i64| has_reversed(&others, &list(&[start])[0], clock, 200);
        assert!(found(5100, 0) && found(4800, 0) && found(14_100, 9000));
        assert!(!found(5300, 0) && !found(4700, 0) && !found(20_000, 0));
    }
}
