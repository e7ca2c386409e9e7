//! What is asked for of a connection ahead of its packets.

use super::connection::Connection;
use super::shard::{Packet, Shard};
use crate::flow::{AHEAD, Dir};
use crate::prefetch;

impl Connection {
    /// The cache lines that a packet of a direction meets, counted from the key's.
    pub fn lines(dir: Dir) -> [usize; 4] {
        [0, 1, 2 + dir.index(), 4]
    }

    /// Says that the observer will be met soon, if there is one.
    pub fn prefetch_observer(&self, dir: Dir) {
        if self.observed {
            if let Some(observer) = &self.observer {
                prefetch::line(&**observer, 0);
                prefetch::line(&**observer, 1);
                prefetch::line(&**observer, 2);
            }
            if let Some(reassembler) = dir.of(&self.reassemblers) {
                prefetch::line(&**reassembler, 0);
                prefetch::line(&**reassembler, 1);
            }
        }
    }

    /// The same of what the observer has, once that is near.
    pub fn prefetch_observed(&self, dir: Dir) {
        if self.observed {
            if let Some(observer) = &self.observer {
                observer.prefetch();
            }
            if let Some(reassembler) = dir.of(&self.reassemblers) {
                reassembler.prefetch();
            }
        }
    }
}

impl Shard {
    /// Looks packets' connections up, all together, so that they come out of memory
    /// together. The slots are those in which they probably are.
    pub(super) fn look_up(&mut self, packets: &[Packet], slots: &mut [Option<u32>; AHEAD]) {
        let mut hashes = [0; AHEAD];
        for (packet, hash) in packets.iter().zip(&mut hashes) {
            *hash = self.table.hash(&packet.key);
            self.table.prefetch(*hash);
        }
        for (packet, hash) in packets.iter().zip(hashes) {
            self.latest.note(hash, packet.dir, &packet.segment, packet.ts);
        }
        for ((packet, hash), found) in packets.iter().zip(hashes).zip(slots.iter_mut()) {
            *found = self.table.probable(hash);
            if let Some(slot) = *found {
                self.table.prefetch_slot(slot, Connection::lines(packet.dir));
            }
        }
        // Most have no observer.
        let mut observed = [None; AHEAD];
        let mut next = observed.iter_mut();
        for (packet, slot) in packets.iter().zip(slots) {
            if let Some(connection) = slot.and_then(|slot| self.table.get(slot))
                && connection.observed
                && let Some(place) = next.next()
            {
                connection.prefetch_observer(packet.dir);
                *place = Some((connection, packet.dir));
            }
        }
        for (connection, dir) in observed.iter().map_while(|place| *place) {
            connection.prefetch_observed(dir);
        }
    }
}
