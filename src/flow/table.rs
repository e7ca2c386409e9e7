//! The connection table of one shard: an index of hashes over a slab.
//!
//! Records are found by key and walked by slot number; nothing ever iterates
//! the index, so its random hasher seed cannot reach the output.

use hashbrown::HashTable;

use super::Key;

/// Connections by key.
#[derive(Debug)]
pub struct Table<T> {
    index: HashTable<u32>,
    slots: Vec<Option<(Key, T)>>,
    free: Vec<u32>,
    /// Where the search for a victim goes on.
    hand: usize,
    hasher: foldhash::quality::RandomState,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self {
            index: HashTable::new(),
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
        self.index.is_empty()
    }

    /// The slot of a key.
    pub fn find(&self, key: &Key) -> Option<u32> {
        let hash = key.hash_with(&self.hasher);
        self.index
            .find(hash, |&slot| self.slots[slot as usize].as_ref().is_some_and(|(k, _)| k == key))
            .copied()
    }

    /// Adds a connection under a key that is not there.
    pub fn insert(&mut self, key: Key, value: T) -> u32 {
        let slot = if let Some(slot) = self.free.pop() {
            self.slots[slot as usize] = Some((key, value));
            slot
        } else {
            self.slots.push(Some((key, value)));
            u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
        };
        let Self { index, slots, hasher, .. } = self;
        index.insert_unique(key.hash_with(hasher), slot, |&slot| {
            slots[slot as usize].as_ref().map_or(0, |(k, _)| k.hash_with(hasher))
        });
        slot
    }

    /// The connection in a slot.
    pub fn get_mut(&mut self, slot: u32) -> Option<(&Key, &mut T)> {
        self.slots.get_mut(slot as usize)?.as_mut().map(|(k, v)| (&*k, v))
    }

    /// Removes the connection in a slot.
    pub fn remove(&mut self, slot: u32) -> Option<(Key, T)> {
        let (key, value) = self.slots.get_mut(slot as usize)?.take()?;
        if let Ok(entry) = self.index.find_entry(key.hash_with(&self.hasher), |&s| s == slot) {
            entry.remove();
        }
        self.free.push(slot);
        Some((key, value))
    }

    /// All connections, in the order of their slots.
    pub fn iter(&self) -> impl Iterator<Item = (&Key, &T)> {
        self.slots.iter().flatten().map(|(key, value)| (key, value))
    }

    /// The slots that hold a connection, ascending.
    pub fn occupied(&self) -> Vec<u32> {
        (0u32..).zip(&self.slots).filter(|(_, s)| s.is_some()).map(|(i, _)| i).collect()
    }

    /// A connection to give up when the table is full: the first one, from
    /// where the last search ended, for which `spare` says no (and may note
    /// that it was asked). Ends after two rounds with whatever comes next.
    pub fn victim(&mut self, mut spare: impl FnMut(&mut T) -> bool) -> Option<u32> {
        let slots = self.slots.len();
        for _ in 0..2 * slots {
            let at = self.hand % slots;
            self.hand = at + 1;
            if let Some((_, value)) = &mut self.slots[at]
                && !spare(value)
            {
                return u32::try_from(at).ok();
            }
        }
        self.slots.iter().position(Option::is_some).and_then(|at| u32::try_from(at).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::Endpoint;
    use std::net::IpAddr;

    fn key(port: u16) -> Key {
        let ip = IpAddr::from([192, 0, 2, 1]);
        Key { low: Endpoint { ip, port }, high: Endpoint { ip, port: 65_535 } }
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
    fn the_victim_is_one_that_is_not_spared() {
        let mut table = Table::default();
        for port in 0..10 {
            table.insert(key(port), port != 7);
        }
        let slot = table.victim(|spared| *spared).expect("one");
        assert_eq!(table.remove(slot), Some((key(7), false)));
        assert!(table.victim(|_| true).is_some(), "two rounds are enough");
    }
}
