//! Segments that the capture has twice.

use super::connection::{Connection, MAX_AHEAD};
use super::shard::{Packet, Shard};
use crate::flow::Dir;
use crate::frame::{Segment, flag};

impl Connection {
    /// Whether a segment brings nothing new: it was sent again, or is a copy, or belongs to a
    /// connection before this one.
    pub fn repeats(&self, dir: Dir, segment: &Segment) -> bool {
        let flags = segment.flags;
        if flags & flag::SYN != 0 {
            return self.life.first_byte(dir).is_some();
        }
        if flags & flag::RST != 0 {
            return true;
        }
        if flags & flag::FIN != 0 {
            return self.life.fin_sequence(dir).is_some() || self.life.ended().is_some();
        }
        if segment.length == 0 {
            return !self.life.acknowledges_more(dir, segment);
        }
        let Some(edge) = dir.of(&self.streams).sequence_edge() else { return false };
        let end = segment.seq.wrapping_add(segment.length);
        let beyond = end.wrapping_sub(edge).cast_signed();
        !(1..=MAX_AHEAD).contains(&i64::from(beyond))
    }
}

impl Shard {
    /// Whether a packet, which is a number among the latest segments, is a copy of one before
    /// it: it counts nowhere, but belongs to the packets of the connection in a slot.
    pub(super) fn is_copy(&mut self, slot: Option<u32>, (p, number): (&Packet, usize)) -> bool {
        if self.settings.frames.keep_duplicates {
            return false;
        }
        let Some((_, connection)) = slot.and_then(|slot| self.table.get_mut(slot)) else {
            return false;
        };
        if !connection.repeats(p.dir, &p.segment) {
            return false;
        }
        let peer = *p.dir.other().of(&connection.senders);
        let sender = p.dir.of_mut(&mut connection.senders);
        let copy = self.latest.is_copy(number, sender, &peer);
        if copy {
            connection.last_frame = p.frame;
        }
        copy
    }
}
