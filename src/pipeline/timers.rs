//! The timers of a shard's connections, driven by the packet clock: when an established
//! connection is a long one, and when one that is over, or never was, is forgotten.

use std::collections::VecDeque;

use super::connection::Connection;
use super::failed_handshake;
use super::shard::{SECOND, Shard};
use crate::flow::Close;

/// How long an ended connection is kept, so that its last acknowledgments and
/// retransmissions are counted with it.
const LINGER: i64 = 60 * SECOND;
/// How long a connection that was never established is kept without packets:
/// longer than SYN retransmission goes on.
const HALF_OPEN: i64 = 300 * SECOND;

/// A timer: when, and the slot of the connection it is about, with the low half of its
/// ordinal. Another may have the slot, even with the same half: a timer does nothing but
/// what a connection's own times say.
type Timer = (i64, u32, u32);

fn half(ordinal: u64) -> u32 {
    ordinal as u32
}

/// The timers of a shard. Each kind waits equally long, so that queues keep the order.
#[derive(Debug)]
pub(super) struct Timers {
    /// Established connections on their way to being long.
    settling: VecDeque<Timer>,
    /// Ended connections, and such as have finished both ways.
    lingering: VecDeque<Timer>,
    /// Connections that are not established.
    opening: VecDeque<Timer>,
    /// Connections whose protection has ended, which may end with it.
    unprotected: VecDeque<Timer>,
    /// No timer and no end of an interval is before.
    due: i64,
}

impl Default for Timers {
    fn default() -> Self {
        let [settling, lingering, opening, unprotected] = Default::default();
        Self { settling, lingering, opening, unprotected, due: i64::MAX }
    }
}

impl Timers {
    /// Whether anything may be due: asked for every packet.
    #[inline]
    pub fn are_due(&self, clock: i64) -> bool {
        self.due <= clock
    }

    /// An interval ends.
    pub fn interval_ends(&mut self, at: Option<i64>) {
        self.due = self.due.min(at.unwrap_or(i64::MAX));
    }

    /// An established connection is long from a moment on.
    pub fn settle(&mut self, at: i64, slot: u32, ordinal: u64) {
        self.due = self.due.min(at);
        self.settling.push_back((at, slot, half(ordinal)));
    }

    /// A connection has ended, or its sides have finished.
    pub fn linger(&mut self, clock: i64, slot: u32, ordinal: u64) {
        let at = clock.saturating_add(LINGER);
        self.due = self.due.min(at);
        self.lingering.push_back((at, slot, half(ordinal)));
    }

    /// A connection may open.
    pub fn open(&mut self, clock: i64, slot: u32, ordinal: u64) {
        let at = clock.saturating_add(HALF_OPEN);
        self.due = self.due.min(at);
        self.opening.push_back((at, slot, half(ordinal)));
    }

    /// A connection's protection has ended; records tell of it from a moment on.
    pub fn protection_ended(&mut self, at: i64, slot: u32, ordinal: u64) {
        self.due = self.due.min(at);
        self.unprotected.push_back((at, slot, half(ordinal)));
    }

    /// Takes the first of the timers that may write a record and are due: in order of time, as a
    /// connection may have one of each.
    fn next_change(&mut self, watermark: i64) -> Option<(Change, Timer)> {
        let at = |queue: &VecDeque<Timer>| queue.front().map_or(i64::MAX, |timer| timer.0);
        if at(&self.unprotected) < at(&self.settling) {
            due(&mut self.unprotected, watermark).map(|timer| (Change::Unprotected, timer))
        } else {
            due(&mut self.settling, watermark).map(|timer| (Change::Settled, timer))
        }
    }

    /// The first timer's moment.
    fn first(&self) -> i64 {
        let queues = [&self.settling, &self.lingering, &self.opening, &self.unprotected];
        let firsts = queues.into_iter().filter_map(VecDeque::front);
        firsts.map(|timer| timer.0).min().unwrap_or(i64::MAX)
    }
}

impl Shard {
    /// Fires every timer up to the packet clock, and ends intervals in between.
    pub(super) fn advance(&mut self, clock: i64) {
        while let Some(end) = self.sessions.due(clock) {
            self.fire(end.clock - 1);
            self.close(end);
        }
        self.fire(clock);
        self.timers.due = self.timers.first();
        self.timers.interval_ends(self.sessions.next_end());
    }

    fn fire(&mut self, watermark: i64) {
        while let Some((class, timer)) = self.timers.next_change(watermark) {
            if self.is(timer) {
                match class {
                    Change::Settled => self.settle(timer.1, timer.0, timer.0),
                    Change::Unprotected => self.unprotect(timer),
                }
            }
        }
        while let Some(timer) = due(&mut self.timers.lingering, watermark) {
            if self.is(timer) {
                self.fade(timer, Class::Lingering);
            }
        }
        while let Some(timer) = due(&mut self.timers.opening, watermark) {
            if self.is(timer) {
                self.fade(timer, Class::Opening);
            }
        }
    }

    /// Whether a timer's connection is still the one in its slot.
    fn is(&mut self, (_, slot, ordinal): Timer) -> bool {
        self.table.get_mut(slot).is_some_and(|(_, c)| half(c.ordinal) == ordinal)
    }

    /// A connection may be over for good: forgets it if it is, or looks again
    /// when it may be.
    fn fade(&mut self, (at, slot, ordinal): Timer, class: Class) {
        let Some((_, connection)) = self.table.get_mut(slot) else { return };
        let Some((fades_at, fades_as)) = fading(connection) else { return };
        if fades_as != class {
            // The other queue has it.
            return;
        }
        if fades_at > at {
            let queue = match class {
                Class::Lingering => &mut self.timers.lingering,
                Class::Opening => &mut self.timers.opening,
            };
            requeue(queue, (fades_at, slot, ordinal));
            return;
        }
        match class {
            Class::Opening => self.ledger.connections.expired += 1,
            Class::Lingering if connection.is_reset() => self.confirm_reset(slot, at),
            Class::Lingering if connection.life.ended().is_none() => {
                let last = connection.last_ts;
                connection.life.end(last, Close::Unacknowledged);
                self.end(slot, at);
            }
            Class::Lingering => {}
        }
        let syn = self.decide(slot, at);
        self.forget(slot, at);
        if let Some(syn) = syn {
            self.open_pending(&syn, at);
        }
    }

    /// An established connection has lasted long enough to be a long one at a moment, unless
    /// it may have been reset before.
    pub(super) fn settle(&mut self, slot: u32, settles_at: i64, at: i64) {
        let connection = self.table.get_mut(slot).map(|(_, connection)| connection);
        let due = |c: &&mut Connection| c.settles_at == settles_at && !c.is_reset();
        let Some(connection) = connection.filter(due) else {
            return;
        };
        connection.settles_at = i64::MAX;
        connection.conclude(false, at, &mut self.context);
        let waits =
            self.settings.level.tells_of_failures() && failed_handshake::unfinished(connection);
        let session = connection.session.as_mut();
        let event = session.and_then(|s| if waits { s.wait() } else { s.settled() });
        self.record(slot, event, at);
    }

    /// A connection has gone on without its protection.
    fn unprotect(&mut self, (at, slot, _): Timer) {
        let Some((_, connection)) = self.table.get_mut(slot) else { return };
        if connection.is_reset() {
            // Whether it has ended with its protection is not decided.
            if let Some(until) = connection.keeps_untold(at) {
                let ordinal = connection.ordinal;
                self.timers.protection_ended(until, slot, ordinal);
            }
            return;
        }
        let Some((ended, counts)) = connection.tells_of_ended_protection(at) else { return };
        let event = connection.session.as_mut().and_then(|s| s.unprotected(ended));
        self.record_counts(slot, event, at, Some(counts));
    }
}

/// What a timer may write a record about.
#[derive(Clone, Copy)]
enum Change {
    /// The connection has lasted long enough to be a long one.
    Settled,
    /// It has gone on without its protection.
    Unprotected,
}

/// Why a connection will be forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// It has ended, or its sides have finished.
    Lingering,
    /// It was never established.
    Opening,
}

/// When a connection is forgotten if nothing more comes, and why.
fn fading(c: &Connection) -> Option<(i64, Class)> {
    if c.life.ended().is_some() {
        Some((c.ended_clock.saturating_add(LINGER), Class::Lingering))
    } else if let Some(clock) = c.reset_clock() {
        Some((clock.saturating_add(LINGER), Class::Lingering))
    } else if c.life.finished() {
        Some((c.last_clock.saturating_add(LINGER), Class::Lingering))
    } else if c.life.established().is_none() && c.life.start_seen() {
        Some((c.last_clock.saturating_add(HALF_OPEN), Class::Opening))
    } else {
        None
    }
}

/// Takes the first timer that is due.
fn due(timers: &mut VecDeque<Timer>, watermark: i64) -> Option<Timer> {
    if timers.front()?.0 <= watermark { timers.pop_front() } else { None }
}

/// Puts a timer back in its place: all but re-queued ones come in order.
fn requeue(timers: &mut VecDeque<Timer>, timer: Timer) {
    let at = timers.partition_point(|t| t.0 <= timer.0);
    timers.insert(at, timer);
}
