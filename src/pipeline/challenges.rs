//! Resets and SYNs that their receiver may not have accepted (RFC 9293 section 3.10.7, RFC 5961
//! sections 3.2 and 4.2).
//!
//! One outside of the window changes nothing. Of others what follows tells: a reset has ended
//! the connection unless both sides go on; a SYN has opened another one if it is answered as
//! one. Until then the connection goes on as it was, and its record of the end waits. What
//! decides are packets and the packet clock, so that it does not matter where a batch ends.

use super::connection::Connection;
use super::counting::Counts;
use super::shard::{Packet, SECOND, Shard};
use crate::flow::{Close, Dir, Relation, ResetFit};
use crate::frame::{Segment, flag};
use crate::source::FrameNumber;

/// So much later than a reset nothing comes that its sender has sent before it.
const IN_FLIGHT: i64 = SECOND;
/// Sequence numbers so near to each other may be of the same data.
const NEAR: u32 = 1 << 16;

/// What is not decided about a connection.
#[derive(Debug, Default)]
pub(super) struct Pending {
    reset: Option<PendingReset>,
    syn: Option<PendingSyn>,
}

/// A reset that has ended the connection, unless both sides go on.
#[derive(Debug)]
struct PendingReset {
    /// Its sender, by its addresses.
    dir: Dir,
    ts: i64,
    clock: i64,
    /// Packet clock of the latest of several.
    latest: i64,
    /// Whether it is at the sequence number that the receiver expects.
    exact: bool,
    /// After what the sender had sent.
    limit: Option<u32>,
    /// Resets of both sides.
    resets: [u32; 2],
    /// Which sides have gone on since the latest.
    goes_on: [bool; 2],
    /// Whether the protection has changed since.
    changed: bool,
    counts: Counts,
    /// Where the latest is, and when, unless other segments have followed.
    last: Option<(FrameNumber, i64)>,
}

/// A SYN that has opened another connection if it is answered.
#[derive(Debug)]
pub(super) struct PendingSyn {
    packet: Packet,
    /// See [`Segment::window_scale`].
    scale: Option<Option<u8>>,
    /// How far its time is ahead of its time stamp.
    behind: i64,
    /// How often it was sent again.
    repeats: u32,
    /// Whether its receiver has gone on with the connection that there was.
    challenged: bool,
    /// The reset that has refused it.
    refusal: Option<Packet>,
}

impl PendingSyn {
    /// The sequence number after it.
    fn next(&self) -> u32 {
        self.packet.segment.seq.wrapping_add(1)
    }

    /// Whether a number follows it, or data that came with it, as far as it can.
    fn precedes(&self, number: u32) -> bool {
        number.wrapping_sub(self.next()) <= self.packet.segment.length.min(NEAR)
    }

    pub(super) fn segments(&self) -> u32 {
        1 + self.repeats + u32::from(self.refusal.is_some())
    }

    fn is_repeated_by(&self, p: &Packet) -> bool {
        const KIND: u8 = flag::SYN | flag::ACK | flag::RST;
        let (ours, theirs) = (&self.packet.segment, &p.segment);
        p.dir == self.packet.dir
            && theirs.seq == ours.seq
            && theirs.flags & KIND == ours.flags & KIND
    }

    /// Whether a segment shows that the SYN has opened a connection, and is none of the one
    /// that there was.
    fn is_answered_by(&self, p: &Packet, old: &Connection) -> bool {
        let (flags, ack) = (p.segment.flags, p.segment.flags & flag::ACK != 0);
        if flags & flag::RST != 0 || !ack {
            return false;
        }
        let (syn, answers) = (flags & flag::SYN != 0, p.dir != self.packet.dir);
        if answers && syn {
            return self.precedes(p.segment.ack);
        }
        // Without the SYN/ACK, numbers tell, where those of the two are far apart.
        let (number, near_old) = if answers {
            (p.segment.ack, old.life.acknowledged(self.packet.dir))
        } else {
            (p.segment.seq, old.edge(self.packet.dir))
        };
        let far = |old: u32| {
            let distance = self.next().wrapping_sub(old);
            distance.min(distance.wrapping_neg()) > 2 * NEAR
        };
        !syn && near_old.is_none_or(far) && number.wrapping_sub(self.next()) < NEAR
    }

    fn is_refused_by(&self, p: &Packet) -> bool {
        const KIND: u8 = flag::RST | flag::ACK;
        p.dir != self.packet.dir && p.segment.flags & KIND == KIND && self.precedes(p.segment.ack)
    }
}

/// Sequence number after a segment.
fn end(segment: &Segment) -> u32 {
    let flags = [flag::SYN, flag::FIN].map(|f| u32::from(segment.flags & f != 0));
    segment.seq.wrapping_add(segment.length).wrapping_add(flags.iter().sum())
}

fn after(a: u32, b: u32) -> bool {
    a.wrapping_sub(b).cast_signed() > 0
}

impl Connection {
    /// After what a side is known to have sent, its FIN included.
    fn sent(&self, dir: Dir) -> Option<u32> {
        let fin = self.life.fin_sequence(dir).map(|fin| fin.wrapping_add(1));
        [self.edge(dir), fin].into_iter().flatten().reduce(|a, b| if after(b, a) { b } else { a })
    }

    fn reset_fit(&self, dir: Dir, segment: &Segment) -> ResetFit {
        let edges = [Dir::FromLow, Dir::FromHigh].map(|dir| self.edge(dir));
        self.life.reset_fit(dir, segment, edges)
    }

    /// Whether a segment brings what was not sent before.
    fn is_fresh(&self, dir: Dir, segment: &Segment) -> bool {
        let end = end(segment);
        end != segment.seq && self.sent(dir).is_none_or(|sent| after(end, sent))
    }

    /// Whether its three-way handshake is under way.
    fn is_opening(&self) -> bool {
        self.life.start_seen() && self.life.established().is_none()
    }

    /// Whether a reset has ended it, unless both sides go on.
    pub(super) fn is_reset(&self) -> bool {
        self.pending.as_ref().is_some_and(|pending| pending.reset.is_some())
    }

    /// When it was reset, on the packet clock.
    pub(super) fn reset_clock(&self) -> Option<i64> {
        Some(self.pending.as_ref()?.reset.as_ref()?.clock)
    }

    /// Counts for the records that are written now.
    pub(super) fn counts(&self) -> Counts {
        self.at_reset.as_deref().copied().unwrap_or_else(|| self.counted())
    }

    fn drop_pending(&mut self, which: impl FnOnce(&mut Pending)) {
        if let Some(pending) = &mut self.pending {
            which(pending);
            if pending.reset.is_none() && pending.syn.is_none() {
                self.pending = None;
            }
        }
        self.life.doubt(self.pending.is_some());
    }

    /// The SYN was none: the connection goes on.
    fn disregard_syn(&mut self) {
        let mut segments = 0;
        self.drop_pending(|pending| segments = pending.syn.take().map_or(0, |s| s.segments()));
        self.unaccepted += u64::from(segments);
    }

    /// Looks at a segment while a SYN is not decided about.
    fn weigh_syn(&mut self, p: &Packet) {
        let Some(syn) = self.pending.as_ref().and_then(|p| p.syn.as_ref()) else { return };
        let (from, at) = (syn.packet.dir, syn.packet.clock);
        let goes_on = if p.dir == from {
            self.is_opening()
                || p.clock.saturating_sub(at) > IN_FLIGHT
                || self.is_fresh(from, &p.segment)
                || self.life.acknowledges_more(from, &p.segment)
        } else {
            !self.life.is_seen(from) && self.life.acknowledges_more(p.dir, &p.segment)
        };
        if goes_on {
            self.disregard_syn();
        } else if p.dir != from
            && let Some(syn) = self.pending.as_mut().and_then(|p| p.syn.as_mut())
        {
            syn.challenged = true;
        }
    }

    /// Looks at a segment after a reset; returns whether both sides go on.
    fn weigh_reset(&mut self, p: &Packet) -> bool {
        let fresh = self.is_fresh(p.dir, &p.segment);
        let acknowledges = self.life.acknowledges_more(p.dir, &p.segment);
        let edge = self.sent(p.dir);
        let Some(reset) = self.pending.as_mut().and_then(|p| p.reset.as_mut()) else {
            return false;
        };
        reset.last = None;
        let (from, peer) = (reset.dir, reset.dir.other());
        let later = p.clock.saturating_sub(reset.latest) > IN_FLIGHT;
        let beyond = |number: u32| reset.limit.is_none_or(|limit| after(number, limit));
        if p.dir == from {
            let sends = end(&p.segment) != p.segment.seq && beyond(end(&p.segment));
            *from.of_mut(&mut reset.goes_on) |= sends || acknowledges || later;
        } else {
            const KIND: u8 = flag::SYN | flag::FIN | flag::ACK;
            let bare = p.segment.length == 0 && p.segment.flags & KIND == flag::ACK;
            let challenges = bare && !acknowledges && edge.is_none_or(|edge| edge == p.segment.seq);
            let both = challenges && !reset.exact
                || acknowledges && reset.limit.is_some_and(|limit| after(p.segment.ack, limit))
                || fresh && later && !self.life.is_seen(from);
            let goes_on = fresh || acknowledges || later || *from.of(&reset.goes_on);
            *peer.of_mut(&mut reset.goes_on) |= goes_on;
            if both {
                return true;
            }
        }
        *from.of(&reset.goes_on) && (*peer.of(&reset.goes_on) || !self.life.is_seen(peer))
    }

    /// Notes a reset from which the connection may have ended.
    fn note_reset(&mut self, p: &Packet, exact: bool) {
        let refuses = self.life.established().is_none() && p.segment.flags & flag::ACK != 0;
        let sequence = (exact && !refuses).then_some(p.segment.seq);
        let limit = [self.sent(p.dir), sequence]
            .into_iter()
            .flatten()
            .reduce(|a, b| if after(b, a) { b } else { a });
        let mut counts = self.counts();
        *p.dir.of_mut(&mut counts.segments) += 1;
        let mut resets = [0; 2];
        *p.dir.of_mut(&mut resets) = 1;
        self.pending.get_or_insert_default().reset = Some(PendingReset {
            dir: p.dir,
            ts: p.ts.max(self.first_ts),
            clock: p.clock,
            latest: p.clock,
            exact,
            limit,
            resets,
            goes_on: [false; 2],
            changed: false,
            counts,
            last: Some((p.frame, p.ts)),
        });
        self.life.doubt(true);
    }

    /// The resets were none: the connection goes on. Returns whether its protection has
    /// changed meanwhile.
    fn disregard_reset(&mut self) -> bool {
        let mut reset = None;
        self.drop_pending(|pending| reset = pending.reset.take());
        let Some(reset) = reset else { return false };
        self.unaccepted += reset.resets.iter().map(|n| u64::from(*n)).sum::<u64>();
        reset.changed
    }
}

impl Shard {
    /// Takes a reset; returns whether there is nothing more to do about it.
    pub(super) fn reset(&mut self, slot: u32, p: &Packet) -> bool {
        let Some((_, c)) = self.table.get_mut(slot) else { return true };
        let fit = c.reset_fit(p.dir, &p.segment);
        let ended = c.life.ended();
        if fit == ResetFit::Outside && ended.is_none_or(|(_, how)| how != Close::Reset) {
            c.unaccepted += 1;
            let acked = c.life.acknowledged(p.dir);
            if acked.is_none_or(|acked| acked.wrapping_sub(p.segment.seq) > NEAR) {
                return true;
            }
            let [count, at] = p.dir.of_mut(&mut c.outside);
            let near = p.clock.saturating_sub(*at) <= IN_FLIGHT;
            (*count, *at) = (if near { *count + 1 } else { 1 }, p.clock);
            return true;
        }
        if ended.is_some() {
            return false;
        }
        c.used = true;
        let exact = fit == ResetFit::Exact;
        let Some(reset) = c.pending.as_mut().and_then(|p| p.reset.as_mut()) else {
            c.note_reset(p, exact);
            self.timers.linger(p.clock, slot, c.ordinal);
            if [Dir::FromLow, Dir::FromHigh].iter().all(|dir| c.life.fin_sequence(*dir).is_some()) {
                // Nobody has anything more to say.
                self.confirm_reset(slot, p.clock);
            }
            return true;
        };
        if reset.dir == p.dir && *p.dir.of(&reset.goes_on) {
            // Its sender was there after the one before.
            let changed = c.disregard_reset();
            c.note_reset(p, exact);
            if let Some(reset) = c.pending.as_mut().and_then(|p| p.reset.as_mut()) {
                reset.changed = changed;
            }
            self.timers.linger(p.clock, slot, c.ordinal);
            return true;
        }
        *p.dir.of_mut(&mut reset.resets) += 1;
        (reset.latest, reset.goes_on) = (p.clock, [false; 2]);
        reset.exact |= exact;
        reset.last = Some((p.frame, p.ts));
        if reset.dir != p.dir {
            self.confirm_reset(slot, p.clock);
        }
        true
    }

    /// Looks at a segment of a connection about which something is not decided.
    #[cold]
    pub(super) fn weigh(&mut self, slot: u32, p: &Packet) {
        let Some((_, c)) = self.table.get_mut(slot) else { return };
        c.weigh_syn(p);
        if c.weigh_reset(p) {
            self.disregard_reset(slot, p);
        }
    }

    /// Both sides have gone on after a reset.
    pub(super) fn disregard_reset(&mut self, slot: u32, p: &Packet) {
        let Some((_, c)) = self.table.get_mut(slot) else { return };
        let changed = c.disregard_reset();
        let settles_at = c.settles_at;
        if settles_at <= p.clock {
            self.settle(slot, settles_at, p.clock);
        }
        if changed {
            let Some((_, c)) = self.table.get_mut(slot) else { return };
            let event = c.session.as_mut().and_then(|s| s.changed(p.ts));
            self.record(slot, event, p.clock);
        }
    }

    /// What a segment has changed after a reset counts only if the connection goes on;
    /// returns whether that is open.
    pub(super) fn changed_after_reset(&mut self, slot: u32, changed: bool) -> bool {
        let connection = self.table.get_mut(slot).map(|(_, c)| c);
        let pending = connection.and_then(|c| c.pending.as_mut());
        let Some(reset) = pending.and_then(|p| p.reset.as_mut()) else { return false };
        reset.changed |= changed;
        true
    }

    /// The connection has ended with its reset, if it has one.
    pub(super) fn confirm_reset(&mut self, slot: u32, clock: i64) {
        let Some((_, c)) = self.table.get_mut(slot) else { return };
        let mut reset = None;
        c.drop_pending(|pending| reset = pending.reset.take());
        let Some(reset) = reset else { return };
        for (stream, resets) in c.streams.iter_mut().zip(reset.resets) {
            stream.segments += u64::from(resets);
        }
        // Its sender has answered with resets what it had been sent before its receiver
        // acknowledged a little more (RFC 9293 section 3.10.7.1).
        let [count, at] = *reset.dir.of(&c.outside);
        if reset.latest.abs_diff(at) <= IN_FLIGHT.unsigned_abs() {
            let answers = count.unsigned_abs();
            reset.dir.of_mut(&mut c.streams).segments += answers;
            c.unaccepted = c.unaccepted.saturating_sub(answers);
        }
        if let Some((frame, ts)) = reset.last {
            c.last_frame = frame;
            c.last_ts = c.last_ts.max(ts);
        }
        c.life.reset(reset.ts);
        c.ended_clock = reset.clock;
        c.at_reset = Some(Box::new(reset.counts));
        self.end(slot, clock);
    }

    /// The connection of a packet that may be part of it, or may open another one instead;
    /// `None` if that is not decided.
    pub(super) fn challenged(&mut self, slot: u32, p: &Packet, arena: &[u8]) -> Option<u32> {
        let mut slot = slot;
        // A SYN that is left behind by another one may have opened what that one is held
        // against.
        for _ in 0..2 {
            let (_, c) = self.table.get_mut(slot)?;
            let relation = c.life.relation(p.dir, &p.segment);
            if let Some(syn) = c.pending.as_mut().and_then(|pending| pending.syn.as_mut()) {
                if syn.is_repeated_by(p) {
                    syn.repeats = syn.repeats.saturating_add(1);
                    return None;
                }
                if syn.is_refused_by(p) && syn.refusal.is_none() {
                    syn.refusal = Some(Packet { ipsec: None, ..*p });
                    return None;
                }
            }
            let syn = c.pending.as_ref().and_then(|pending| pending.syn.as_ref());
            let answered = syn.is_some_and(|syn| syn.is_answered_by(p, c));
            let never = syn.is_some_and(|syn| !syn.challenged) && c.is_opening();
            if answered || never && relation == Relation::Doubtful {
                slot = self.replace(slot, p.clock)?;
                continue;
            }
            if relation == Relation::Same {
                return Some(slot);
            }
            c.disregard_syn();
            let segment = Segment { captured: 0, ..p.segment };
            c.pending.get_or_insert_default().syn = Some(PendingSyn {
                packet: Packet { segment, ipsec: None, ..*p },
                scale: p.segment.window_scale(arena),
                behind: self.behind.at(p.ordinal),
                repeats: 0,
                challenged: false,
                refusal: None,
            });
            c.life.doubt(true);
            return None;
        }
        Some(slot)
    }

    /// A SYN has opened a connection in the place of another one.
    fn replace(&mut self, slot: u32, clock: i64) -> Option<u32> {
        let (_, c) = self.table.get_mut(slot)?;
        let mut syn = None;
        c.drop_pending(|pending| syn = pending.syn.take());
        let syn = syn?;
        self.confirm_reset(slot, clock);
        self.replaced(slot, clock);
        Some(self.open_pending(&syn, clock))
    }

    /// Opens the connection of a SYN that was not decided about.
    pub(super) fn open_pending(&mut self, syn: &PendingSyn, clock: i64) -> u32 {
        let p = &syn.packet;
        let slot = self.open(p, clock, syn.behind);
        if let Some((_, c)) = self.table.get_mut(slot) {
            c.segment(p.dir, &p.segment, &[], p.ts, p.clock, &mut self.context);
            p.dir.of_mut(&mut c.streams).segments += u64::from(syn.repeats);
            c.last_frame = p.frame;
            if let Some(bits) = syn.scale {
                c.life.scale(p.dir, bits, p.segment.flags & flag::ACK != 0);
            }
        }
        if let Some(refusal) = &syn.refusal {
            self.reset(slot, refusal);
        }
        slot
    }

    /// Decides, before a connection is forgotten, what is still open about it. Returns the
    /// SYN that has opened another one, as far as anybody can tell: the connection was over,
    /// or never was one, or the SYN was refused or sent again.
    pub(super) fn decide(&mut self, slot: u32, clock: i64) -> Option<PendingSyn> {
        self.confirm_reset(slot, clock);
        let (_, c) = self.table.get_mut(slot)?;
        let syn = c.pending.as_ref()?.syn.as_ref()?;
        let opens = c.life.ended().is_some()
            || c.life.established().is_none() && !syn.challenged
            || syn.refusal.is_some()
            || syn.repeats > 0;
        let mut taken = None;
        if opens {
            c.drop_pending(|pending| taken = pending.syn.take());
        } else {
            c.disregard_syn();
        }
        taken
    }

    /// Decides, at the end of the input, what is still open about all connections.
    pub(super) fn decide_all(&mut self, clock: i64) {
        for slot in self.table.occupied() {
            if self.table.get(slot).is_none_or(|c| c.pending.is_none()) {
                continue;
            }
            if let Some(syn) = self.decide(slot, clock) {
                self.replaced(slot, clock);
                self.open_pending(&syn, clock);
            }
        }
    }
}
