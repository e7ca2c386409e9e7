//! Bytes that unfinished handshakes hold: counted, handed out at the end, given up
//! where all together hold too many.

use super::connection::{Connection, Context, side};
use super::observation::deliver;
use super::shard::Shard;
use crate::flow::Dir;
use crate::observe::{Progress, Side};
use crate::stream::{Piece, Reassembler};

impl Connection {
    /// Counts the bytes that the handshake holds.
    pub fn count_held(&mut self, context: &mut Context) {
        let reassemblers = self.reassemblers.iter().flatten();
        let held = reassemblers.map(|r| r.held()).sum::<usize>()
            + self.observer.as_ref().map_or(0, |o| o.held());
        context.held = (context.held + held).saturating_sub(self.held);
        self.held = held;
    }

    /// It is forgotten, with what it holds.
    pub fn release_held(&mut self, context: &mut Context) {
        context.held = context.held.saturating_sub(std::mem::take(&mut self.held));
    }

    /// Whether its handshake holds bytes.
    pub fn holds(&self) -> bool {
        self.held > 0
    }

    /// Gives up the bytes that its handshake holds: they count as not captured.
    pub fn give_up(&mut self, clock: i64, context: &mut Context) {
        self.flush(clock, context);
        self.unseen = [true; 2];
        if let Some(observer) = &mut self.observer {
            observer.hole(Side::Low, 1);
            observer.hole(Side::High, 1);
        }
        for reassembler in self.reassemblers.iter_mut().flatten() {
            self.conflicts += reassembler.conflicts();
            **reassembler = Reassembler::at(reassembler.position());
        }
        self.count_held(context);
    }

    /// Hands out what still waits for missing bytes.
    fn flush(&mut self, clock: i64, context: &mut Context) {
        for dir in [Dir::FromLow, Dir::FromHigh] {
            let (Some(reassembler), Some(observer)) =
                (dir.of_mut(&mut self.reassemblers), &mut self.observer)
            else {
                continue;
            };
            let mut progress = Progress::Open;
            let side = side(dir);
            let mut unseen = false;
            reassembler.flush(clock, &mut |piece| {
                unseen |= matches!(piece, Piece::Hole(_)) && observer.follows(side);
                deliver(observer, side, piece, &mut context.certificates, &mut progress);
            });
            *dir.of_mut(&mut self.unseen) |= unseen;
            self.settle_progress(progress, context);
        }
    }

    /// Hands out what still waits for missing bytes, and draws the conclusion
    /// that a single captured direction allows. Called when nothing more may
    /// come, or when a record is due.
    pub fn conclude(&mut self, over: bool, clock: i64, context: &mut Context) {
        if over {
            self.flush(clock, context);
            for reassembler in &mut self.reassemblers {
                self.conflicts += reassembler.take().map_or(0, |r| r.conflicts());
            }
            self.count_held(context);
        }
        let segments = self.streams.each_ref().map(|s| s.segments);
        let seen = match segments {
            [0, _] => Side::High,
            [_, 0] => Side::Low,
            _ => return,
        };
        if let Some(observer) = &mut self.observer {
            let progress = observer.conclude_one_sided(seen);
            self.settle_progress(progress, context);
        }
    }
}

impl Shard {
    /// Gives up bytes of handshakes, of those that hold some for longest, until the
    /// others have room.
    pub(super) fn give_up_oldest(&mut self, clock: i64) {
        while self.context.held > self.max_held
            && let Some((slot, ordinal)) = self.holding.pop_front()
        {
            let Some((_, connection)) = self.table.get_mut(slot) else { continue };
            if connection.ordinal != ordinal {
                continue;
            }
            connection.queued = false;
            if connection.holds() {
                connection.give_up(clock, &mut self.context);
                self.ledger.streams.handshakes_given_up += 1;
            }
        }
    }

    /// Leaves in the queue of those that hold bytes only such as still do.
    pub(super) fn prune(&mut self) {
        let table = &mut self.table;
        self.holding.retain(|&(slot, ordinal)| {
            let Some((_, c)) = table.get_mut(slot).filter(|(_, c)| c.ordinal == ordinal) else {
                return false;
            };
            c.queued = c.holds();
            c.queued
        });
    }
}
