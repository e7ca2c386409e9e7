//! Which bytes of a direction were seen.

/// Stretches below the last one that are remembered. When there are more, the
/// lowest gap is given up: bytes that fill it later count as seen before.
const MAX_STRETCHES: usize = 64;

/// The bytes seen of one direction, as stretches of positions. Every segment meets
/// it, so it is kept small: 32 bytes while nothing is missing.
#[derive(Clone, Debug, Default)]
pub struct Ranges {
    /// The highest stretch, and the only one unless packets are missing. Empty while
    /// nothing was seen.
    last: (i64, i64),
    bytes: u64,
    /// What packets that are or were missing have left.
    broken: Option<Box<Broken>>,
}

#[derive(Clone, Debug, Default)]
struct Broken {
    /// Stretches below the highest, ascending, not touching.
    below: Vec<(i64, i64)>,
    /// Bytes in gaps that were given up.
    given_up: u64,
}

/// What a segment added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Added {
    /// Bytes seen for the first time.
    pub new: u64,
    /// Bytes seen before.
    pub again: u64,
}

impl Ranges {
    /// Notes bytes that follow the highest byte seen.
    #[inline]
    pub fn append(&mut self, length: u32) {
        self.last.1 += i64::from(length);
        self.bytes += u64::from(length);
    }

    /// Notes the bytes from `start` to before `end`.
    pub fn add(&mut self, start: i64, end: i64) -> Added {
        if start >= end {
            return Added::default();
        }
        let length = (end - start).unsigned_abs();
        let edge = self.edge();
        let new = if edge == Some(start) {
            // In order: nearly always.
            self.last.1 = end;
            length
        } else if edge.is_none() {
            self.last = (start, end);
            length
        } else if edge.is_some_and(|edge| start > edge) {
            let broken = self.broken.get_or_insert_default();
            broken.below.push(self.last);
            self.last = (start, end);
            broken.limit(&mut self.last);
            length
        } else {
            self.fill(start, end)
        };
        self.bytes += new;
        Added { new, again: length - new }
    }

    /// A segment that begins below the edge: counts what is new and merges.
    fn fill(&mut self, start: i64, end: i64) -> u64 {
        if start >= self.last.0 {
            // Within the highest stretch, or going on from it: nearly always.
            let seen = self.last.1.min(end) - start;
            self.last.1 = self.last.1.max(end);
            return (end - start - seen).unsigned_abs();
        }
        let broken = self.broken.get_or_insert_default();
        let mut all = std::mem::take(&mut broken.below);
        all.push(self.last);
        let seen: i64 = all.iter().map(|&(f, t)| (t.min(end) - f.max(start)).max(0)).sum();
        all.push((start, end));
        all.sort_unstable();
        let mut merged: Vec<(i64, i64)> = Vec::with_capacity(all.len());
        for (from, to) in all {
            match merged.last_mut() {
                Some(top) if from <= top.1 => top.1 = top.1.max(to),
                _ => merged.push((from, to)),
            }
        }
        self.last = merged.pop().unwrap_or(self.last);
        broken.below = merged;
        broken.limit(&mut self.last);
        if broken.below.is_empty() && broken.given_up == 0 {
            self.broken = None;
        }
        (end - start - seen).unsigned_abs()
    }

    /// Bytes seen, each once.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Position after the highest byte seen.
    pub fn edge(&self) -> Option<i64> {
        (self.last.0 < self.last.1).then_some(self.last.1)
    }

    /// Whether all bytes from position 0 to before `end` were seen.
    pub fn seen_from_zero(&self, end: i64) -> bool {
        let given_up = self.broken.as_ref().is_some_and(|broken| broken.given_up > 0);
        let lowest = self.broken.as_ref().and_then(|broken| broken.below.first());
        let (from, to) = *lowest.unwrap_or(&self.last);
        !given_up && from <= 0 && to >= end
    }

    /// Bytes that were not seen between `from` (where it is known) and the
    /// highest byte, or `to` if that is higher.
    pub fn missed(&self, from: Option<i64>, to: Option<i64>) -> u64 {
        let (mut missed, below) =
            self.broken.as_ref().map_or((0, &[][..]), |b| (b.given_up, b.below.as_slice()));
        let mut at = from;
        for &(start, end) in below.iter().chain(self.edge().map(|_| &self.last)) {
            if let Some(at) = at {
                missed += (start - at).max(0).unsigned_abs();
            }
            at = Some(end);
        }
        if let (Some(at), Some(to)) = (at, to) {
            missed += (to - at).max(0).unsigned_abs();
        }
        missed
    }
}

impl Broken {
    /// Gives up the lowest gap where there are too many.
    fn limit(&mut self, last: &mut (i64, i64)) {
        if self.below.len() <= MAX_STRETCHES {
            return;
        }
        let lowest = self.below.remove(0);
        let next = self.below.first_mut().unwrap_or(last);
        self.given_up += (next.0 - lowest.1).unsigned_abs();
        next.0 = lowest.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bytes_count_once() {
        let mut r = Ranges::default();
        assert_eq!(r.add(0, 10), Added { new: 10, again: 0 });
        assert_eq!(r.add(20, 30), Added { new: 10, again: 0 });
        assert_eq!(r.add(5, 25), Added { new: 10, again: 10 });
        assert_eq!((r.bytes(), r.edge(), r.missed(Some(0), None)), (30, Some(30), 0));
    }

    #[test]
    fn gaps_before_between_and_after() {
        let mut r = Ranges::default();
        r.add(10, 20);
        r.add(30, 40);
        assert_eq!(r.missed(Some(0), Some(45)), 10 + 10 + 5);
        assert_eq!(r.missed(None, None), 10);
        assert_eq!(Ranges::default().missed(Some(0), Some(7)), 7);
    }

    proptest! {
        /// Against a set of positions.
        #[test]
        fn agrees_with_a_set(segments in prop::collection::vec((0i64..200, 1i64..20), 0..60)) {
            let mut ranges = Ranges::default();
            let mut set = std::collections::BTreeSet::new();
            for (start, length) in segments {
                let before = set.len();
                set.extend(start..start + length);
                let added = ranges.add(start, start + length);
                prop_assert_eq!(added.new as usize, set.len() - before);
                prop_assert_eq!(added.new + added.again, length as u64);
            }
            prop_assert_eq!(ranges.bytes() as usize, set.len());
            let edge = set.last().map_or(0, |&e| e + 1);
            prop_assert_eq!(ranges.missed(Some(0), None) as i64, edge - set.len() as i64);
            if ranges.edge().is_some() {
                let mut appended = ranges.clone();
                appended.append(7);
                ranges.add(edge, edge + 7);
                prop_assert_eq!(format!("{appended:?}"), format!("{ranges:?}"));
            }
        }

        #[test]
        fn many_gaps_stay_bounded(starts in prop::collection::vec(0i64..100_000, 0..400)) {
            let mut ranges = Ranges::default();
            for start in starts {
                ranges.add(start * 3, start * 3 + 1);
                prop_assert!(ranges.broken.as_ref().map_or(0, |b| b.below.len()) <= MAX_STRETCHES);
            }
        }
    }
}
