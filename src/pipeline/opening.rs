//! To which connection a packet belongs: one that is known, a new one, or one that is still to
//! be decided about.

use std::sync::Arc;

use super::connection::Connection;
use super::shard::{Packet, Shard};
use crate::flow::{Close, Relation};

/// Where a packet's connection is.
pub(super) enum Place {
    Slot(u32),
    /// What follows shows to which connection it belongs.
    Undecided,
    /// None of its addresses is a stack's.
    NoStack,
}

impl Shard {
    /// The slot of a packet's connection, opened if there is none.
    pub(super) fn slot(&mut self, p: &Packet, known: Option<u32>, arena: &[u8]) -> Place {
        let Some(slot) = known else {
            return if self.settings.stacks.concerns(p.key.low().ip, p.key.high().ip) {
                Place::Slot(self.open(p, p.clock, self.behind.at(p.ordinal)))
            } else {
                Place::NoStack
            };
        };
        let Some(connection) = self.table.get(slot) else { return Place::NoStack };
        match connection.life.relation(p.dir, &p.segment) {
            Relation::Same if connection.pending.is_none() => Place::Slot(slot),
            Relation::Same | Relation::Doubtful => {
                self.challenged(slot, p, arena).map_or(Place::Undecided, Place::Slot)
            }
            Relation::New => {
                self.replaced(slot, p.clock);
                Place::Slot(self.open(p, p.clock, self.behind.at(p.ordinal)))
            }
        }
    }

    /// Another connection takes the place of one.
    pub(super) fn replaced(&mut self, slot: u32, clock: i64) {
        let Some((_, connection)) = self.table.get_mut(slot) else { return };
        let last = connection.last_ts;
        connection.life.end(last, Close::Replaced);
        self.end(slot, clock);
        self.forget(slot, clock);
    }

    /// Opens the connection of its first packet, whose time is so far ahead of its time stamp.
    pub(super) fn open(&mut self, p: &Packet, clock: i64, behind: i64) -> u32 {
        if self.table.len() >= self.max_connections
            && let Some(victim) = self.table.least(Connection::worth)
        {
            self.ledger.connections.evicted += 1;
            self.forget(victim, clock);
        }
        self.ledger.connections.seen += 1;
        let settings = Arc::clone(&self.settings);
        let mut new = Connection::new(settings, self.losses[0], p.ordinal, (p.ts, p.clock));
        new.first_frame = p.frame;
        new.behind = behind;
        let slot = self.table.insert(p.key, new);
        self.timers.open(clock, slot, p.ordinal);
        slot
    }
}
