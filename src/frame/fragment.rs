//! IP fragments waiting for each other, within bounds.
//!
//! Where fragments overlap, the bytes that came first stay (as the end points
//! of most systems do it); the overlap is counted. A datagram that does not
//! come together within [`TIMEOUT`] of packet time is given up.
//!
//! A fragment with the offset and the bytes of one that came before is a copy of it: a mirror may
//! show packets twice. Those of a datagram that came together are known for another second.

use std::collections::VecDeque;
use std::hash::BuildHasher;
use std::net::IpAddr;

use hashbrown::HashMap;

use super::copies::LATEST;

/// What fragments of one datagram have in common (RFC 791, RFC 8200).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Datagram {
    pub src: IpAddr,
    pub dst: IpAddr,
    pub id: u32,
    pub protocol: u8,
    /// Number of the network.
    pub network: u16,
}

/// One fragment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fragment<'a> {
    /// Offset of the bytes in the datagram.
    pub offset: usize,
    /// Whether others follow.
    pub more: bool,
    pub bytes: &'a [u8],
}

/// Nanoseconds that a datagram may take to come together (RFC 791 leaves it
/// open, RFC 8200 says 60 seconds; 30 is what Linux uses).
const TIMEOUT: i64 = 30_000_000_000;
/// Datagrams that may wait at once.
const MAX_DATAGRAMS: usize = 4096;
/// Bytes that may wait at once.
const MAX_BYTES: usize = 16 * 1024 * 1024;
/// The longest datagram: the length field of IP has 16 bits.
const MAX_DATAGRAM: usize = 65_535;
/// Pieces of one datagram; more come only from an attacker.
const MAX_PIECES: usize = 256;
/// Pieces of one datagram whose copies are known.
const KNOWN_PIECES: usize = 64;
/// Datagrams that came together of which copies are known.
const MAX_WHOLE: usize = 1024;

/// What became of fragments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FragmentCounters {
    /// Datagrams put together.
    pub reassembled: u64,
    /// Datagrams given up because a piece did not come in time.
    pub expired: u64,
    /// Datagrams given up because a bound was reached.
    pub evicted: u64,
    /// Fragments refused: beyond the longest datagram, or too many pieces.
    pub refused: u64,
    /// Fragments that overlapped others.
    pub overlapping: u64,
}

/// Pieces of a datagram, by offset and a digest of the bytes.
type Pieces = Vec<(u16, u64)>;

#[derive(Debug)]
struct Waiting {
    since: i64,
    /// Bytes from the start of the datagram; holes are zeros.
    bytes: Vec<u8>,
    /// Stretches that are there, sorted, not touching.
    there: Vec<(usize, usize)>,
    total: Option<usize>,
    /// What came.
    pieces: Pieces,
}

/// What became of a fragment.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Added {
    /// It completes its datagram, whose payload this is.
    Whole(Vec<u8>),
    /// It waits for others, or was refused.
    Waits,
    /// It came before.
    Copy,
}

/// The pool.
#[derive(Debug, Default)]
pub struct FragmentPool {
    waiting: HashMap<Datagram, Waiting, foldhash::fast::RandomState>,
    /// In order of arrival, so that the oldest is found; an entry may be stale.
    arrivals: VecDeque<(i64, Datagram)>,
    bytes: usize,
    counters: FragmentCounters,
    /// The pieces of datagrams that came together, and when they did.
    whole: HashMap<Datagram, (i64, Pieces), foldhash::fast::RandomState>,
    /// In the order in which they did.
    completed: VecDeque<(i64, Datagram)>,
    keep_duplicates: bool,
}

impl FragmentPool {
    /// A pool that may take copies for fragments of another datagram.
    pub(super) fn new(keep_duplicates: bool) -> Self {
        Self { keep_duplicates, ..Self::default() }
    }

    /// Adds a fragment; returns the datagram's payload when it is complete.
    pub(super) fn add(&mut self, datagram: Datagram, fragment: Fragment<'_>, clock: i64) -> Added {
        self.expire(clock);
        let end = fragment.offset + fragment.bytes.len();
        if end > MAX_DATAGRAM || fragment.bytes.is_empty() {
            self.counters.refused += 1;
            return Added::Waits;
        }
        let piece = self.piece(fragment);
        if self.is_copy(&datagram, piece) {
            return Added::Copy;
        }
        let held = self.waiting.get(&datagram).map(|w| w.bytes.len());
        let more = end.saturating_sub(held.unwrap_or(0));
        while held.is_none() && self.waiting.len() >= MAX_DATAGRAMS || self.bytes + more > MAX_BYTES
        {
            if !self.drop_oldest() {
                break;
            }
            self.counters.evicted += 1;
        }
        // It may have been the oldest.
        if !self.waiting.contains_key(&datagram) {
            self.arrivals.push_back((clock, datagram));
            // Those that came together leave their place in the list behind.
            if self.arrivals.len() > 2 * self.waiting.len() + 1024 {
                let waiting = &self.waiting;
                self.arrivals.retain(|(since, d)| {
                    (*since, *d) == (clock, datagram)
                        || waiting.get(d).is_some_and(|w| w.since == *since)
                });
            }
        }
        let entry = self.waiting.entry(datagram).or_insert_with(|| Waiting {
            since: clock,
            bytes: Vec::new(),
            there: Vec::new(),
            total: None,
            pieces: Vec::new(),
        });
        if !self.keep_duplicates && entry.pieces.len() < KNOWN_PIECES {
            entry.pieces.push(piece);
        }
        let before = entry.bytes.len();
        let verdict = entry.add(fragment);
        self.bytes += entry.bytes.len() - before;
        match verdict {
            Verdict::Refused => self.counters.refused += 1,
            Verdict::Taken { overlap } => self.counters.overlapping += u64::from(overlap),
        }
        if entry.complete() {
            let Some(whole) = self.remove(&datagram) else { return Added::Waits };
            self.counters.reassembled += 1;
            if !self.keep_duplicates {
                self.remember(datagram, whole.pieces, clock);
            }
            return Added::Whole(whole.bytes);
        }
        Added::Waits
    }

    /// What a copy of a fragment has in common with it.
    fn piece(&self, fragment: Fragment<'_>) -> (u16, u64) {
        let Fragment { offset, more, bytes } = fragment;
        // The offset has 13 bits, in units of eight bytes.
        ((offset / 8) as u16, self.whole.hasher().hash_one((more, bytes)))
    }

    /// Whether a fragment came before.
    fn is_copy(&self, datagram: &Datagram, piece: (u16, u64)) -> bool {
        if self.keep_duplicates {
            return false;
        }
        let waiting = self.waiting.get(datagram).map(|waiting| &waiting.pieces);
        let whole = self.whole.get(datagram).map(|(_, pieces)| pieces);
        waiting.into_iter().chain(whole).any(|pieces| pieces.contains(&piece))
    }

    /// Remembers what a datagram that came together was made of.
    fn remember(&mut self, datagram: Datagram, pieces: Pieces, clock: i64) {
        if self.completed.len() >= MAX_WHOLE {
            self.forget_first();
        }
        self.whole.insert(datagram, (clock, pieces));
        self.completed.push_back((clock, datagram));
    }

    /// Forgets the datagram that came together first, unless another of its name did since.
    fn forget_first(&mut self) {
        if let Some((clock, datagram)) = self.completed.pop_front()
            && self.whole.get(&datagram).is_some_and(|(since, _)| *since == clock)
        {
            self.whole.remove(&datagram);
        }
    }

    /// What became of fragments so far.
    pub fn counters(&self) -> FragmentCounters {
        let waiting = self.waiting.len() as u64;
        FragmentCounters { expired: self.counters.expired + waiting, ..self.counters }
    }

    fn expire(&mut self, clock: i64) {
        while self.completed.front().is_some_and(|(at, _)| clock.abs_diff(*at) > LATEST) {
            self.forget_first();
        }
        while let Some(&(since, _)) = self.arrivals.front() {
            if clock.saturating_sub(since) < TIMEOUT {
                break;
            }
            self.counters.expired += u64::from(self.drop_first());
        }
    }

    /// Drops the datagram that waits longest; `false` if none waits.
    fn drop_oldest(&mut self) -> bool {
        while !self.arrivals.is_empty() {
            if self.drop_first() {
                return true;
            }
        }
        false
    }

    /// Drops the first of the list if it still waits.
    fn drop_first(&mut self) -> bool {
        let Some((since, datagram)) = self.arrivals.pop_front() else { return false };
        let waits = self.waiting.get(&datagram).is_some_and(|w| w.since == since);
        waits && self.remove(&datagram).is_some()
    }

    fn remove(&mut self, datagram: &Datagram) -> Option<Waiting> {
        let entry = self.waiting.remove(datagram)?;
        self.bytes -= entry.bytes.len();
        Some(entry)
    }
}

enum Verdict {
    Taken { overlap: bool },
    Refused,
}

impl Waiting {
    fn add(&mut self, fragment: Fragment<'_>) -> Verdict {
        let (start, end) = (fragment.offset, fragment.offset + fragment.bytes.len());
        if self.there.len() >= MAX_PIECES || self.total.is_some_and(|total| end > total) {
            return Verdict::Refused;
        }
        if !fragment.more {
            if self.total.is_some_and(|total| total != end) || self.bytes.len() > end {
                return Verdict::Refused;
            }
            self.total = Some(end);
        }
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        // Fill only what is not there yet.
        let mut overlap = false;
        let mut at = start;
        for (from, to) in self.there.clone() {
            if to <= at || from >= end {
                continue;
            }
            overlap = true;
            if from > at {
                self.fill(at, from, &fragment);
            }
            at = at.max(to);
        }
        if at < end {
            self.fill(at, end, &fragment);
        }
        self.there.push((start, end));
        self.there.sort_unstable();
        let mut merged: Vec<(usize, usize)> = Vec::with_capacity(self.there.len());
        for &(from, to) in &self.there {
            match merged.last_mut() {
                Some(last) if from <= last.1 => last.1 = last.1.max(to),
                _ => merged.push((from, to)),
            }
        }
        self.there = merged;
        Verdict::Taken { overlap }
    }

    /// Takes the bytes of a stretch from a fragment.
    fn fill(&mut self, from: usize, to: usize, fragment: &Fragment<'_>) {
        let start = fragment.offset;
        let part = fragment.bytes.get(from.saturating_sub(start)..to.saturating_sub(start));
        if let (Some(place), Some(part)) = (self.bytes.get_mut(from..to), part) {
            place.copy_from_slice(part);
        }
    }

    fn complete(&self) -> bool {
        self.total.is_some_and(|total| self.there == [(0, total)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn datagram(id: u32) -> Datagram {
        let ip = IpAddr::from([192, 0, 2, 1]);
        Datagram { src: ip, dst: ip, id, protocol: 6, network: 0 }
    }

    fn fragment(offset: usize, more: bool, bytes: &[u8]) -> Fragment<'_> {
        Fragment { offset, more, bytes }
    }

    fn bytes(added: Added) -> Vec<u8> {
        match added {
            Added::Whole(whole) => whole,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn copies_are_told_from_other_datagrams() {
        let parts = [fragment(0, true, &[1; 8]), fragment(8, false, &[2; 8])];
        let mut pool = FragmentPool::default();
        for after_each_other in [true, false] {
            let id = u32::from(after_each_other);
            let mut added = Vec::new();
            for part in if after_each_other { [0, 1, 0, 1] } else { [0, 0, 1, 1] } {
                added.push(pool.add(datagram(id), parts[part], 0));
            }
            added
                .sort_by_key(|a| std::mem::discriminant(a) == std::mem::discriminant(&Added::Copy));
            let expected =
                [Added::Waits, Added::Whole([[1; 8], [2; 8]].concat()), Added::Copy, Added::Copy];
            assert_eq!(added, expected, "{id}");
            // The identification is used again, for other bytes, or later.
            assert_eq!(pool.add(datagram(id), fragment(0, true, &[3; 8]), 0), Added::Waits);
        }
        assert_eq!(pool.add(datagram(7), parts[0], 0), Added::Waits);
        assert_eq!(bytes(pool.add(datagram(7), parts[1], 0)).len(), 16);
        assert_eq!(pool.add(datagram(7), parts[0], 1_000_000_001), Added::Waits);
        assert!(pool.whole.is_empty() && pool.completed.is_empty());
        for id in 0..10_000 {
            for part in parts {
                pool.add(datagram(100 + id), part, 2_000_000_000);
            }
            assert!(pool.whole.len() <= MAX_WHOLE && pool.completed.len() <= MAX_WHOLE);
        }
        let mut keeps = FragmentPool::new(true);
        for added in [0, 1, 0, 1].map(|part| keeps.add(datagram(1), parts[part], 0)) {
            assert_ne!(added, Added::Copy);
        }
        assert_eq!(keeps.counters().reassembled, 2);
    }

    #[test]
    fn pieces_in_any_order_make_the_datagram() {
        let mut pool = FragmentPool::default();
        assert_eq!(pool.add(datagram(1), fragment(8, true, &[2; 8]), 0), Added::Waits);
        assert_eq!(pool.add(datagram(1), fragment(16, false, &[3; 3]), 0), Added::Waits);
        let whole = pool.add(datagram(1), fragment(0, true, &[1; 8]), 0);
        assert_eq!(bytes(whole), [vec![1; 8], vec![2; 8], vec![3; 3]].concat());
        assert_eq!((pool.bytes, pool.counters().reassembled), (0, 1));
    }

    #[test]
    fn the_first_bytes_win() {
        let mut pool = FragmentPool::default();
        pool.add(datagram(1), fragment(8, true, &[2; 8]), 0);
        pool.add(datagram(1), fragment(0, true, &[1; 16]), 0);
        let whole = pool.add(datagram(1), fragment(16, false, &[3; 8]), 0);
        assert_eq!(bytes(whole), [vec![1; 8], vec![2; 8], vec![3; 8]].concat());
        assert_eq!(pool.counters().overlapping, 1);
    }

    #[test]
    fn what_does_not_come_together_is_given_up() {
        let mut pool = FragmentPool::default();
        pool.add(datagram(1), fragment(8, true, &[2; 8]), 0);
        pool.add(datagram(2), fragment(8, true, &[2; 8]), TIMEOUT);
        assert_eq!(pool.counters.expired, 1);
        assert_eq!(bytes(pool.add(datagram(1), fragment(0, false, &[1; 8]), TIMEOUT)), [1; 8]);
    }

    #[test]
    fn what_came_together_takes_no_other_with_it() {
        let mut pool = FragmentPool::default();
        pool.add(datagram(1), fragment(0, false, &[1; 8]), 0);
        pool.add(datagram(2), fragment(8, false, &[2; 8]), TIMEOUT - 1);
        let whole = pool.add(datagram(2), fragment(0, true, &[1; 8]), TIMEOUT);
        assert_eq!((bytes(whole).len(), pool.counters().expired), (16, 0));
    }

    #[test]
    fn datagrams_that_grow_make_room_too() {
        let mut pool = FragmentPool::default();
        for offset in [0, 65_000] {
            for id in 0..4_000 {
                pool.add(datagram(id), fragment(offset, true, &[0; 8]), 0);
                assert!(pool.bytes <= MAX_BYTES && pool.arrivals.len() < 20_000);
            }
        }
        assert!(pool.counters().evicted > 3_000);
    }

    #[test]
    fn memory_stays_bounded() {
        let mut pool = FragmentPool::default();
        for id in 0..20_000 {
            pool.add(datagram(id), fragment(60_000, true, &[0; 8]), 0);
            assert!(pool.bytes <= MAX_BYTES && pool.waiting.len() <= MAX_DATAGRAMS);
        }
        assert!(pool.counters().evicted > 19_000);
    }

    proptest! {
        /// Against arrays of bytes: what comes out is complete, and of each place the
        /// first byte that came.
        #[test]
        fn the_pool_is_arrays_of_first_bytes(
            pieces in prop::collection::vec((0u32..3, 0usize..8, 1usize..4, any::<bool>(), any::<u8>()), 0..40),
        ) {
            let mut pool = FragmentPool::new(true);
            let mut model: [(Vec<Option<u8>>, Option<usize>); 3] = Default::default();
            for (id, at, length, last, byte) in pieces {
                let (start, bytes) = (8 * at, vec![byte; 8 * length]);
                let end = start + bytes.len();
                let found = pool.add(datagram(id), fragment(start, !last, &bytes), 0);
                let (there, total) = &mut model[id as usize];
                // What contradicts the end is refused.
                let beyond = total.is_some_and(|t| end > t || last && end != t)
                    || last && there.len() > end;
                if !beyond {
                    there.resize(there.len().max(end), None);
                    there[start..end].iter_mut().for_each(|b| *b = b.or(Some(byte)));
                    *total = if last { Some(end) } else { *total };
                }
                let complete = total.is_some_and(|t| there.len() == t)
                    && there.iter().all(Option::is_some) && !there.is_empty();
                let expected = complete.then(|| there.iter().map(|b| b.unwrap_or(0)).collect());
                if complete {
                    model[id as usize] = Default::default();
                }
                let found = match found {
                    Added::Whole(whole) => Some(whole),
                    Added::Waits | Added::Copy => None,
                };
                prop_assert_eq!(found, expected);
            }
        }
    }

    #[test]
    fn a_datagram_cannot_be_longer_than_ip_allows() {
        let mut pool = FragmentPool::default();
        assert_eq!(pool.add(datagram(1), fragment(65_528, false, &[0; 8]), 0), Added::Waits);
        assert_eq!(pool.counters().refused, 1);
    }
}
