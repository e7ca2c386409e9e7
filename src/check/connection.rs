//! Connections of both sides: put together from their records, and paired.

use std::collections::BTreeMap;

use super::observation::{Place, System, Tuple};

/// `sc_event_type`.
pub(super) const INITIATION: u8 = 1;
pub(super) const CHANGE: u8 = 2;
pub(super) const TERMINATION: u8 = 3;
pub(super) const SHORT_TERMINATION: u8 = 4;

/// An event of a connection.
#[derive(Clone, Debug)]
pub(super) struct Event {
    /// Its type.
    pub kind: u8,
    /// When it was written, on the writer's local clock.
    pub written: i64,
    /// The record.
    pub bytes: Box<[u8]>,
    pub place: Place,
}

/// A connection of one side.
#[derive(Clone, Debug)]
pub(super) struct Connection {
    pub system: System,
    pub tuple: Tuple,
    /// Hundredths of a second since 1970, UTC.
    pub start: i64,
    /// Of its termination record.
    pub end: Option<i64>,
    /// In the order of their kinds, changes in that of time.
    pub events: Vec<Event>,
    /// Records that are there twice.
    pub duplicates: Vec<Event>,
}

impl Connection {
    /// The record of its end.
    pub fn last(&self) -> Option<&Event> {
        self.events.last().filter(|e| e.kind >= TERMINATION)
    }

    /// The record of its beginning.
    pub fn first(&self) -> Option<&Event> {
        self.events.first().filter(|e| e.kind == INITIATION)
    }

    /// Its changes.
    pub fn changes(&self) -> impl Iterator<Item = &Event> {
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
pub(super) struct Assembly(BTreeMap<Key, Connection>);

impl Assembly {
    /// Takes a record of an event.
    pub fn add(
        &mut self,
        system: System,
        (tuple, start, end, id): (Tuple, i64, Option<i64>, u32),
        event: Event,
    ) {
        let key = Key { tuple, start, system, id };
        let connection = self.0.entry(key).or_insert_with(|| Connection {
            system,
            tuple,
            start,
            end: None,
            events: Vec::new(),
            duplicates: Vec::new(),
        });
        connection.end = connection.end.or(end);
        let known = |e: &Event| e.kind == event.kind && e.bytes == event.bytes;
        if connection.events.iter().any(known) {
            connection.duplicates.push(event);
        } else {
            connection.events.push(event);
        }
    }

    /// The connections in the order of their ends and beginnings.
    pub fn finish(self) -> Vec<Connection> {
        let mut all: Vec<Connection> = self.0.into_values().collect();
        for connection in &mut all {
            connection.events.sort_by_key(|e| (order(e.kind), e.written, e.place));
        }
        all
    }
}

/// Both terminations are the last.
fn order(kind: u8) -> u8 {
    if kind == SHORT_TERMINATION { TERMINATION } else { kind }
}

/// Connections of the same ends, one of each side.
#[derive(Debug, Default)]
pub(super) struct Pairing {
    /// Numbers of the stack's and the tap's connection.
    pub pairs: Vec<(usize, usize)>,
    /// Connections of the stack that the tap has not seen.
    pub only_stack: Vec<usize>,
    /// Connections of the tap that the stack has not recorded.
    pub only_tap: Vec<usize>,
}

/// How far apart two connections of the same ends may begin if there is no better
/// counterpart: a day, in hundredths of a second.
const FAR: i64 = 8_640_000;

/// Pairs connections by their ends and their beginnings. Both lists are in the order
/// of ends and beginnings; `clock` is how far the stack's clock is ahead.
pub(super) fn pair(
    stack: &[Connection],
    tap: &[Connection],
    clock: i64,
    tolerance: i64,
) -> Pairing {
    let mut found = Pairing::default();
    let (mut s, mut t) = (0, 0);
    while s < stack.len() || t < tap.len() {
        let next = [stack.get(s), tap.get(t)].into_iter().flatten().map(|c| c.tuple).min();
        let Some(tuple) = next else { break };
        let run = |list: &[Connection], from: usize| {
            from + list[from..].iter().take_while(|c| c.tuple == tuple).count()
        };
        let (s_end, t_end) = (run(stack, s), run(tap, t));
        pair_run(stack, (s, s_end), tap, (t, t_end), (clock, tolerance), &mut found);
        (s, t) = (s_end, t_end);
    }
    found
}

/// Pairs connections of the same ends: first those that begin together, then such
/// as overlap in time, then the nearest.
fn pair_run(
    stack: &[Connection],
    (s_from, s_to): (usize, usize),
    tap: &[Connection],
    (t_from, t_to): (usize, usize),
    (clock, tolerance): (i64, i64),
    found: &mut Pairing,
) {
    let mut rest_s: Vec<usize> = (s_from..s_to).collect();
    let mut rest_t: Vec<usize> = (t_from..t_to).collect();
    for most in [tolerance, FAR] {
        let (mut left_s, mut left_t) = (Vec::new(), Vec::new());
        let (mut a, mut b) = (0, 0);
        while a < rest_s.len() && b < rest_t.len() {
            let apart = stack[rest_s[a]].start - clock - tap[rest_t[b]].start;
            // A later one may be nearer.
            let nearer = |x: Option<&usize>, is_stack: bool| {
                x.is_some_and(|&x| {
                    let other = if is_stack {
                        stack[x].start - clock - tap[rest_t[b]].start
                    } else {
                        stack[rest_s[a]].start - clock - tap[x].start
                    };
                    other.abs() < apart.abs()
                })
            };
            if apart.abs() <= most {
                if apart < 0 && nearer(rest_s.get(a + 1), true) {
                    left_s.push(rest_s[a]);
                    a += 1;
                } else if apart > 0 && nearer(rest_t.get(b + 1), false) {
                    left_t.push(rest_t[b]);
                    b += 1;
                } else {
                    found.pairs.push((rest_s[a], rest_t[b]));
                    (a, b) = (a + 1, b + 1);
                }
            } else if apart < 0 {
                left_s.push(rest_s[a]);
                a += 1;
            } else {
                left_t.push(rest_t[b]);
                b += 1;
            }
        }
        left_s.extend_from_slice(&rest_s[a..]);
        left_t.extend_from_slice(&rest_t[b..]);
        (rest_s, rest_t) = (left_s, left_t);
    }
    found.only_stack.extend(rest_s);
    found.only_tap.extend(rest_t);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connections(starts: &[i64]) -> Vec<Connection> {
        let ip = |n: u8| std::net::IpAddr::from([192, 0, 2, n]);
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
        let found = pair(&connections(stack), &connections(tap), clock, 200);
        let mut pairs = found.pairs;
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
}
