//! The connection table of one shard: an index of hashes over a slab.
//!
//! The slab grows by pieces, so that nothing is moved, and little is free, when it does.
//!
//! Records are found by key and walked by slot number; nothing ever iterates
//! the index, so its random hasher seed cannot reach the output.

use super::Key;
use super::index::Index;
use crate::prefetch;

/// Connections that are looked at for one to give up: enough to find one that is
/// worth little among those of a flood.
const LOOKED_AT: usize = 64;

/// Slots of a piece of the slab.
const PIECE: usize = 64;

/// A worth that is low enough not to look further.
const GOOD: u32 = 1;

/// What is at a place of the slab: it begins a cache line, the key first, and what the
/// value has in its first bytes beside it.
#[derive(Debug)]
#[repr(C, align(64))]
struct Slot<T> {
    key: Key,
    value: T,
}

/// Connections by key.
#[derive(Debug)]
pub struct Table<T> {
    index: Index,
    /// Pieces, of which all but the last are full.
    slots: Vec<Vec<Option<Slot<T>>>>,
    free: Vec<u32>,
    /// Where the search for a victim goes on.
    hand: usize,
    hasher: foldhash::quality::RandomState,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self {
            index: Index::default(),
            slots: Vec::new(),
            free: Vec::new(),
            hand: 0,
            hasher: foldhash::quality::RandomState::default(),
        }
    }
}

impl<T> Table<T> {
    /// Number of connections.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether there is no connection.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The hash under which a key is found.
    #[inline]
    pub fn hash(&self, key: &Key) -> u64 {
        key.hash_with(&self.hasher)
    }

    /// Says that a hash will be asked for soon.
    #[inline]
    pub fn prefetch(&self, hash: u64) {
        self.index.prefetch(hash);
    }

    /// Says which cache lines of a slot will be met soon: the key is in the first.
    pub fn prefetch_slot(&self, slot: u32, lines: impl IntoIterator<Item = usize>) {
        if let Some(slot) = self.slot(slot) {
            for n in lines {
                prefetch::line(slot, n);
            }
        }
    }

    /// The slot in which the connection of a hash probably is. Asked ahead for many,
    /// they come out of memory together.
    #[inline]
    pub fn probable(&self, hash: u64) -> Option<u32> {
        self.index.probable(hash)
    }

    /// The slot of a key.
    pub fn find(&self, key: &Key) -> Option<u32> {
        self.index.find(self.hash(key), |slot| self.is(slot, key))
    }

    /// Whether a slot holds the connection of a key.
    #[inline]
    pub fn is(&self, slot: u32, key: &Key) -> bool {
        self.slot(slot).and_then(Option::as_ref).is_some_and(|s| s.key == *key)
    }

    /// Adds a connection under a key that is not there.
    pub fn insert(&mut self, key: Key, value: T) -> u32 {
        let new = Some(Slot { key, value });
        let slot = if let Some(slot) = self.free.pop() {
            if let Some(free) = self.slot_mut(slot) {
                *free = new;
            }
            slot
        } else {
            let slot = self.slots();
            match self.slots.last_mut().filter(|piece| piece.len() < PIECE) {
                Some(piece) => piece.push(new),
                None => {
                    let mut piece = Vec::with_capacity(PIECE);
                    piece.push(new);
                    self.slots.push(piece);
                }
            }
            u32::try_from(slot).unwrap_or(u32::MAX)
        };
        self.index.insert(self.hash(&key), slot);
        slot
    }

    /// Number of slots, free ones among them.
    fn slots(&self) -> usize {
        let last = self.slots.last().map_or(0, Vec::len);
        self.slots.len().saturating_sub(1) * PIECE + last
    }

    #[inline]
    fn slot(&self, slot: u32) -> Option<&Option<Slot<T>>> {
        self.slots.get(slot as usize / PIECE)?.get(slot as usize % PIECE)
    }

    #[inline]
    fn slot_mut(&mut self, slot: u32) -> Option<&mut Option<Slot<T>>> {
        self.slots.get_mut(slot as usize / PIECE)?.get_mut(slot as usize % PIECE)
    }

    /// The connection in a slot.
    #[inline]
    pub fn get(&self, slot: u32) -> Option<&T> {
        self.slot(slot)?.as_ref().map(|s| &s.value)
    }

    /// The connection in a slot, to be changed.
    #[inline]
    pub fn get_mut(&mut self, slot: u32) -> Option<(&Key, &mut T)> {
        self.slot_mut(slot)?.as_mut().map(|s| (&s.key, &mut s.value))
    }

    /// Removes the connection in a slot.
    pub fn remove(&mut self, slot: u32) -> Option<(Key, T)> {
        let Slot { key, value } = self.slot_mut(slot)?.take()?;
        self.index.remove(self.hash(&key), slot);
        self.free.push(slot);
        Some((key, value))
    }

    /// All connections, in the order of their slots.
    pub fn iter(&self) -> impl Iterator<Item = (&Key, &T)> {
        self.slots.iter().flatten().flatten().map(|s| (&s.key, &s.value))
    }

    /// The slots that hold a connection, ascending.
    pub fn occupied(&self) -> Vec<u32> {
        let all = (0u32..).zip(self.slots.iter().flatten());
        all.filter(|(_, s)| s.is_some()).map(|(i, _)| i).collect()
    }

    /// A connection to give up when the table is full: of some that are next from where
    /// the last search ended, the one of the least worth. `worth` may note that it was
    /// asked.
    pub fn least(&mut self, mut worth: impl FnMut(&mut T) -> u32) -> Option<u32> {
        let slots = self.slots();
        let mut least: Option<(u32, usize)> = None;
        let mut seen = 0;
        for _ in 0..slots {
            let at = self.hand % slots;
            self.hand = at + 1;
            let slot = self.slots.get_mut(at / PIECE).and_then(|piece| piece.get_mut(at % PIECE));
            let Some(Some(slot)) = slot else { continue };
            let worth = worth(&mut slot.value);
            if least.is_none_or(|(least, _)| worth < least) {
                least = Some((worth, at));
            }
            seen += 1;
            if worth <= GOOD || seen == LOOKED_AT {
                break;
            }
        }
        least.and_then(|(_, at)| u32::try_from(at).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::Endpoint;
    use std::net::IpAddr;

    fn key(port: u16) -> Key {
        let ip = IpAddr::from([192, 0, 2, 1]);
        Key::new(Endpoint { ip, port }, Endpoint { ip, port: 65_535 })
    }

    #[test]
    fn connections_are_found_until_they_are_removed() {
        let mut table = Table::default();
        for port in 0..1000 {
            table.insert(key(port), port);
        }
        for port in (0..1000).step_by(2) {
            let slot = table.find(&key(port)).expect("there");
            assert_eq!(table.remove(slot), Some((key(port), port)));
        }
        for port in 0..1000 {
            assert_eq!(table.find(&key(port)).is_some(), port % 2 == 1);
        }
        assert_eq!(table.len(), 500);
        let reused = table.insert(key(2000), 2000);
        assert!(reused < 1000, "a free slot is used again");
    }

    #[test]
    fn the_one_of_the_least_worth_goes() {
        let mut table = Table::default();
        for port in 0..50 {
            table.insert(key(port), if port == 7 { 2 } else { 3 });
        }
        let slot = table.least(|worth| *worth).expect("one");
        assert_eq!(table.remove(slot), Some((key(7), 2)));
        assert!(table.least(|_| 9).is_some(), "one goes in any case");
        assert_eq!(Table::<u32>::default().least(|w| *w), None);
    }
}
