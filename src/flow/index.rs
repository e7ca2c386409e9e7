//! The index of a connection table: from a hash to the slot of a slab, in one probe of
//! memory where nothing collides.
//!
//! Open addressing with linear probing over entries of eight bytes. An entry's home is
//! the upper bits of its tag, so that growing and removing need no key. What it finds is
//! only probable: the caller compares keys.

use crate::prefetch;

/// A tag and a slot: zero where there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry(u64);

const EMPTY: Entry = Entry(0);

impl Entry {
    fn new(tag: u32, slot: u32) -> Self {
        Self(u64::from(tag) << 32 | (u64::from(slot) + 1))
    }

    fn tag(self) -> u32 {
        (self.0 >> 32) as u32
    }

    fn slot(self) -> u32 {
        (self.0 as u32).wrapping_sub(1)
    }
}

/// Entries of a new index, as a power of two.
const SMALLEST: u32 = 6;

/// The slots of connections by their hash.
#[derive(Debug)]
pub(super) struct Index {
    /// As many as a power of two.
    entries: Vec<Entry>,
    /// Bits of a tag that are its home.
    bits: u32,
    len: usize,
}

impl Default for Index {
    fn default() -> Self {
        Self { entries: vec![EMPTY; 1 << SMALLEST], bits: SMALLEST, len: 0 }
    }
}

impl Index {
    /// Number of entries.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Says that a hash will be asked for soon.
    #[inline]
    pub fn prefetch(&self, hash: u64) {
        if let Some(entry) = self.entries.get(self.home(tag(hash))) {
            prefetch::line(entry, 0);
        }
    }

    /// The first slot that may be meant.
    #[inline]
    pub fn probable(&self, hash: u64) -> Option<u32> {
        self.find(hash, |_| true)
    }

    /// The first slot under a hash that is the right one.
    #[inline]
    pub fn find(&self, hash: u64, mut is_it: impl FnMut(u32) -> bool) -> Option<u32> {
        let tag = tag(hash);
        for at in self.places(tag) {
            let entry = self.at(at);
            if entry == EMPTY {
                return None;
            }
            if entry.tag() == tag && is_it(entry.slot()) {
                return Some(entry.slot());
            }
        }
        None
    }

    /// Adds a slot.
    pub fn insert(&mut self, hash: u64, slot: u32) {
        // Two thirds full, a search meets two entries.
        if (self.len + 1) * 3 > self.entries.len() * 2 {
            let larger = vec![EMPTY; self.entries.len() * 2];
            self.bits += 1;
            for entry in std::mem::replace(&mut self.entries, larger) {
                if entry != EMPTY {
                    self.put(entry);
                }
            }
        }
        self.put(Entry::new(tag(hash), slot));
        self.len += 1;
    }

    /// Removes a slot.
    pub fn remove(&mut self, hash: u64, slot: u32) {
        let gone = Entry::new(tag(hash), slot);
        let mut places = self.places(gone.tag());
        let Some(mut hole) = places.find(|&at| [gone, EMPTY].contains(&self.at(at))) else {
            return;
        };
        if self.at(hole) == EMPTY {
            return;
        }
        self.len -= 1;
        // What was put off because of it moves up, so that no search ends too soon.
        let mask = self.entries.len() - 1;
        let mut at = hole;
        loop {
            at = (at + 1) & mask;
            let entry = self.at(at);
            if entry == EMPTY {
                break;
            }
            let from_home = at.wrapping_sub(self.home(entry.tag())) & mask;
            if from_home >= at.wrapping_sub(hole) & mask {
                self.set(hole, entry);
                hole = at;
            }
        }
        self.set(hole, EMPTY);
    }

    fn put(&mut self, entry: Entry) {
        let mut places = self.places(entry.tag());
        if let Some(at) = places.find(|&at| self.at(at) == EMPTY) {
            self.set(at, entry);
        }
    }

    #[inline]
    fn home(&self, tag: u32) -> usize {
        (tag >> (u32::BITS - self.bits.min(u32::BITS))) as usize
    }

    /// The places in which an entry may be, in order.
    fn places(&self, tag: u32) -> impl Iterator<Item = usize> + use<> {
        let (home, mask) = (self.home(tag), self.entries.len() - 1);
        (home..=home + mask).map(move |at| at & mask)
    }

    #[inline]
    fn at(&self, at: usize) -> Entry {
        self.entries.get(at).copied().unwrap_or(EMPTY)
    }

    fn set(&mut self, at: usize, entry: Entry) {
        if let Some(there) = self.entries.get_mut(at) {
            *there = entry;
        }
    }
}

/// The half of a hash that is kept.
fn tag(hash: u64) -> u32 {
    (hash >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// It is a list of pairs, though all have nearly the same home.
        #[test]
        fn is_a_list_of_pairs(
            operations in prop::collection::vec((any::<bool>(), 0u64..4, 0u64..3, 0u32..200), 0..400),
        ) {
            let mut index = Index::default();
            let mut model: Vec<(u64, u32)> = Vec::new();
            for (insert, home, low, slot) in operations {
                // The last homes, so that searches go around the end.
                let hash = (u64::MAX - (home << 56)) & !(3 << 32) | low << 32;
                let known = model.iter().position(|&pair| pair == (hash, slot));
                match (insert, known) {
                    (true, None) => {
                        index.insert(hash, slot);
                        model.push((hash, slot));
                    }
                    (false, Some(at)) => {
                        index.remove(hash, slot);
                        model.swap_remove(at);
                    }
                    (false, None) => index.remove(hash, slot),
                    (true, Some(_)) => {}
                }
                prop_assert_eq!(index.len(), model.len());
                for &(hash, slot) in &model {
                    prop_assert_eq!(index.find(hash, |s| s == slot), Some(slot));
                }
                let others = model.iter().filter(|&&(h, _)| h == hash).count();
                let mut met = 0;
                prop_assert_eq!(index.find(hash, |_| { met += 1; false }), None);
                prop_assert_eq!(met, others);
            }
        }
    }
}
