//! The life of a TCP connection as a tap sees it: who opened it, when it was
//! established, how it ended (RFC 9293 from the outside).

use super::Dir;
use crate::frame::{Segment, flag};

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Close {
    /// Both sides' FINs were acknowledged.
    Fin,
    /// A reset.
    Reset,
    /// A new connection took its place before its end was seen.
    Replaced,
    /// Both FINs were seen; the last acknowledgment was not.
    Unacknowledged,
}

/// What a segment changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing that matters here.
    None,
    /// The three-way handshake is complete.
    Established,
    /// The connection has ended.
    Closed,
}

/// Whether a segment belongs to a known connection of its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// It does.
    Same,
    /// It opens another connection between the same end points.
    New,
    /// It would open another one, if the receiver accepted it (RFC 5961 section 4.2).
    Doubtful,
}

/// How a reset's sequence number fits what its receiver expects next (RFC 5961 section 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetFit {
    /// It is none that the receiver acts on.
    Outside,
    /// It is in the window: the receiver answers it with a challenge.
    Within,
    /// It is the next one, as far as the capture shows.
    Exact,
}

/// A sequence number of a side that matters.
#[derive(Clone, Copy)]
enum SequenceMark {
    /// Of its SYN.
    Initial,
    /// The first that was seen.
    First,
    /// After its FIN.
    Fin,
    /// The highest acknowledgment that it has sent.
    Acked,
}

/// A time that has not come.
const NEVER: i64 = i64::MIN;

/// Flags of a [`TcpState`], each of one bit. Those of a side are shifted by its index.
mod progress {
    /// The side's SYN was acknowledged by the other.
    pub const SYN_ACKED: u8 = 1;
    /// Its FIN was.
    pub const FIN_ACKED: u8 = 1 << 2;
    /// The side opened the connection.
    pub const CLIENT: u8 = 1 << 4;
    /// A segment that only acknowledges or brings data changes nothing but the highest
    /// acknowledgment and the window.
    pub const STEADY: u8 = 1 << 6;
    /// What follows decides whether the connection has ended.
    pub const DOUBTED: u8 = 1 << 7;
}

/// A window scale that is not known. The options have at most 14.
const UNKNOWN_SCALE: u8 = 15;
/// The largest window scale (RFC 7323 section 2.3).
const MAX_SCALE: u8 = 14;

/// The state of one connection. Every segment meets it, so it is kept small: 56 bytes.
#[derive(Clone, Debug)]
pub struct TcpState {
    established: i64,
    ended: i64,
    /// By [`SequenceMark`] and side, where they are known.
    numbers: [[u32; 2]; 4],
    /// The window that a side has offered with its highest acknowledgment, not scaled.
    windows: [u16; 2],
    /// Which of `numbers` are known: a bit each.
    known: u8,
    /// See [`progress`].
    progress: u8,
    /// By how many bits each side scales its windows: four bits each.
    scales: u8,
    how: Option<Close>,
}

const _: () = assert!(size_of::<TcpState>() == 56);

impl Default for TcpState {
    fn default() -> Self {
        Self {
            established: NEVER,
            ended: NEVER,
            numbers: [[0; 2]; 4],
            windows: [0; 2],
            known: 0,
            progress: 0,
            scales: UNKNOWN_SCALE << 4 | UNKNOWN_SCALE,
            how: None,
        }
    }
}

impl TcpState {
    #[inline]
    fn has(&self, flag: u8) -> bool {
        self.progress & flag != 0
    }

    fn of_side(&self, flag: u8, dir: Dir) -> bool {
        self.has(flag << dir.index())
    }

    fn of_both(&self, flag: u8) -> bool {
        self.of_side(flag, Dir::FromLow) && self.of_side(flag, Dir::FromHigh)
    }

    fn raise(&mut self, flag: u8, dir: Dir) {
        self.progress |= flag << dir.index();
    }

    fn mark(&mut self, flag: u8, on: bool) {
        self.progress = self.progress & !flag | if on { flag } else { 0 };
    }

    #[inline]
    fn get(&self, mark: SequenceMark, dir: Dir) -> Option<u32> {
        let bit = 1 << (mark as usize * 2 + dir.index());
        let number = self.numbers.get(mark as usize).map(|sides| *dir.of(sides));
        number.filter(|_| self.known & bit != 0)
    }

    fn set(&mut self, mark: SequenceMark, dir: Dir, number: u32) {
        self.known |= 1 << (mark as usize * 2 + dir.index());
        if let Some(sides) = self.numbers.get_mut(mark as usize) {
            *dir.of_mut(sides) = number;
        }
    }

    /// The side that opened the connection, if a SYN or SYN/ACK showed it.
    pub fn client(&self) -> Option<Dir> {
        let opened = |dir: &Dir| self.of_side(progress::CLIENT, *dir);
        [Dir::FromLow, Dir::FromHigh].into_iter().find(opened)
    }

    /// Whether the start of the connection was seen.
    pub fn start_seen(&self) -> bool {
        self.has(progress::CLIENT | progress::CLIENT << 1)
    }

    /// When the three-way handshake was complete.
    pub fn established(&self) -> Option<i64> {
        (self.established != NEVER).then_some(self.established)
    }

    /// When and how the connection ended.
    pub fn ended(&self) -> Option<(i64, Close)> {
        self.how.map(|how| (self.ended, how))
    }

    /// Whether both sides have sent FIN; or one has, and nothing of the other
    /// is captured.
    pub fn finished(&self) -> bool {
        let finished = |dir| {
            self.get(SequenceMark::Fin, dir).is_some()
                || self.get(SequenceMark::First, dir).is_none()
        };
        finished(Dir::FromLow) && finished(Dir::FromHigh)
    }

    /// Sequence number of the first byte that a side sends, if its SYN was
    /// seen or the other side has acknowledged it in the handshake.
    pub fn first_byte(&self, dir: Dir) -> Option<u32> {
        self.get(SequenceMark::Initial, dir).map(|initial| initial.wrapping_add(1))
    }

    /// Sequence number of the first segment of a side that was seen.
    pub fn first_seen(&self, dir: Dir) -> Option<u32> {
        self.get(SequenceMark::First, dir)
    }

    /// Sequence number after the last byte of a side: that of its FIN.
    pub fn fin_sequence(&self, dir: Dir) -> Option<u32> {
        self.get(SequenceMark::Fin, dir).map(|after| after.wrapping_sub(1))
    }

    /// The highest acknowledgment that a side has received for its bytes.
    pub fn acknowledged(&self, dir: Dir) -> Option<u32> {
        self.get(SequenceMark::Acked, dir.other())
    }

    /// Whether a segment belongs to this connection or opens the next one.
    ///
    /// A retransmitted SYN has the sequence number of the first; another
    /// number is another connection if the receiver accepts it. It does where this one has
    /// ended; otherwise what follows shows it.
    #[inline]
    pub fn relation(&self, dir: Dir, segment: &Segment) -> Relation {
        if segment.flags & flag::SYN == 0 || segment.flags & flag::RST != 0 {
            return Relation::Same;
        }
        match self.syn_relation(dir, segment) {
            Relation::New if self.how.is_none() => Relation::Doubtful,
            relation => relation,
        }
    }

    fn syn_relation(&self, dir: Dir, segment: &Segment) -> Relation {
        let ack = segment.flags & flag::ACK != 0;
        let over =
            (self.how.is_some() || self.has(progress::DOUBTED)) && self.established().is_some();
        match self.get(SequenceMark::Initial, dir) {
            Some(isn) if isn == segment.seq => {
                if over && !ack {
                    Relation::New
                } else {
                    Relation::Same
                }
            }
            // SYN cookies, a restarted server or a second one behind a load
            // balancer may answer the same SYN again and differently.
            Some(_) if ack && (self.established().is_none() || self.answers(dir, segment)) => {
                Relation::Same
            }
            Some(_) => Relation::New,
            None => {
                let continues = |first: u32| first == segment.seq.wrapping_add(1);
                let late = self.get(SequenceMark::First, dir).is_some_and(continues);
                let opening = self.start_seen() && self.established().is_none();
                let answers_late = self.client().is_some_and(|c| c != dir) && ack && !over;
                if late || opening || answers_late { Relation::Same } else { Relation::New }
            }
        }
    }

    /// Whether a SYN/ACK answers the SYN that opened this connection.
    fn answers(&self, dir: Dir, segment: &Segment) -> bool {
        self.how.is_none()
            && self.get(SequenceMark::Initial, dir.other()) == Some(segment.ack.wrapping_sub(1))
    }

    /// Whether a segment can change nothing but the highest acknowledgment: nearly all,
    /// between the handshake and the end. [`Self::acknowledge`] takes such a one.
    #[inline]
    pub fn fast_segment(&self, segment: &Segment) -> bool {
        const WHOLE: u8 = flag::SYN | flag::FIN | flag::RST | flag::ACK;
        self.has(progress::STEADY) && segment.flags & WHOLE == flag::ACK
    }

    /// Whether a segment acknowledges more than those of its side before it.
    #[inline]
    pub fn acknowledges_more(&self, dir: Dir, segment: &Segment) -> bool {
        let higher = |highest: u32| segment.ack.wrapping_sub(highest).cast_signed() > 0;
        segment.flags & flag::ACK != 0 && self.get(SequenceMark::Acked, dir).is_none_or(higher)
    }

    /// Takes a segment with which the connection goes on as it was.
    #[inline]
    pub fn acknowledge(&mut self, dir: Dir, segment: &Segment) {
        let [.., acked] = &mut self.numbers;
        let highest = dir.of_mut(acked);
        if segment.ack.wrapping_sub(*highest).cast_signed() >= 0 {
            *highest = segment.ack;
            *dir.of_mut(&mut self.windows) = segment.window;
        }
    }

    /// Whether [`Self::update`] could change only the highest acknowledgment and the window
    /// if a segment with nothing but ACK came.
    fn is_steady(&self) -> bool {
        let knows = |mark| [Dir::FromLow, Dir::FromHigh].map(|dir| self.get(mark, dir).is_some());
        let open = self.how.is_none()
            && !self.has(progress::DOUBTED)
            && knows(SequenceMark::Fin) == [false; 2];
        // Nothing completes the handshake of a connection that nobody was seen to open.
        let settled = self.established != NEVER || !self.start_seen();
        let [low, high] = knows(SequenceMark::Initial);
        let answered = [
            !low || self.of_side(progress::SYN_ACKED, Dir::FromLow),
            !high || self.of_side(progress::SYN_ACKED, Dir::FromHigh),
        ];
        open && settled
            && knows(SequenceMark::First) == [true; 2]
            && knows(SequenceMark::Acked) == [true; 2]
            && answered == [true; 2]
    }

    /// Takes a segment that belongs to the connection. A reset is none: what it means is
    /// asked of [`Self::reset_fit`].
    pub fn update(&mut self, dir: Dir, segment: &Segment, ts: i64) -> Change {
        let change = self.take(dir, segment, ts);
        self.mark(progress::STEADY, self.is_steady());
        change
    }

    /// Whether what follows decides about the end of the connection: then every segment is
    /// looked at.
    pub fn doubt(&mut self, doubted: bool) {
        self.mark(progress::DOUBTED, doubted);
        self.mark(progress::STEADY, self.is_steady());
    }

    /// Notes by how many bits the sender of a SYN or SYN/ACK scales its windows; `None` if it
    /// does not say so. Both sides do it, or neither (RFC 7323 section 2.2).
    pub fn scale(&mut self, dir: Dir, bits: Option<u8>, answers: bool) {
        for side in [Dir::FromLow, Dir::FromHigh] {
            let shift = 4 * side.index();
            let unknown = self.scales >> shift & 0x0F == UNKNOWN_SCALE;
            let bits = match bits {
                Some(bits) if side == dir && unknown => bits.min(MAX_SCALE),
                None if answers || unknown => 0,
                _ => continue,
            };
            self.scales = self.scales & !(0x0F << shift) | bits << shift;
        }
    }

    /// Bytes that a side has offered to take from its highest acknowledgment on: the most
    /// that it can have meant, where the scale is not known.
    fn window(&self, dir: Dir) -> u32 {
        let bits = self.scales >> (4 * dir.index()) & 0x0F;
        u32::from(*dir.of(&self.windows)) << bits.min(MAX_SCALE)
    }

    fn take(&mut self, dir: Dir, segment: &Segment, ts: i64) -> Change {
        let peer = dir.other();
        let (syn, ack) = (segment.flags & flag::SYN != 0, segment.flags & flag::ACK != 0);
        if segment.flags & flag::RST != 0 {
            return Change::None;
        }

        // Once established, the number that the client has acknowledged holds.
        let other_answer = self.established().is_some()
            && self.get(SequenceMark::Initial, dir).is_some_and(|n| n != segment.seq);
        if syn && !other_answer {
            self.set(SequenceMark::Initial, dir, segment.seq);
            if !self.start_seen() {
                self.raise(progress::CLIENT, if ack { dir.other() } else { dir });
            }
            if ack && self.get(SequenceMark::Initial, peer).is_none() {
                // One-sided capture, or the SYN comes late: the answer says
                // which number it answers.
                self.set(SequenceMark::Initial, peer, segment.ack.wrapping_sub(1));
            }
        }
        let first = segment.seq.wrapping_add(u32::from(syn));
        if self.get(SequenceMark::First, dir).is_none() || syn && !other_answer {
            self.set(SequenceMark::First, dir, first);
        }
        if ack {
            let initial = self.get(SequenceMark::Initial, peer);
            let follows =
                |initial: u32| segment.ack.wrapping_sub(initial).wrapping_sub(1) < MAX_AHEAD;
            let higher = match self.get(SequenceMark::Acked, dir) {
                Some(highest) => segment.ack.wrapping_sub(highest).cast_signed() >= 0,
                // An answer to what was before is none to the SYN.
                None => initial.is_none_or(follows),
            };
            if higher {
                self.set(SequenceMark::Acked, dir, segment.ack);
                *dir.of_mut(&mut self.windows) = segment.window;
            }
            if initial.is_some_and(follows) {
                self.raise(progress::SYN_ACKED, peer);
            }
        }
        if self.how.is_some() {
            return Change::None;
        }
        let mut change = Change::None;
        if self.established().is_none() && self.completes_handshake(dir, segment) {
            self.established = ts;
            change = Change::Established;
        }
        if segment.flags & flag::FIN != 0 {
            let after = segment
                .seq
                .wrapping_add(u32::from(syn))
                .wrapping_add(segment.length)
                .wrapping_add(1);
            if self.get(SequenceMark::Fin, dir).is_none() {
                self.set(SequenceMark::Fin, dir, after);
            }
        }
        if ack
            && let Some(after) = self.get(SequenceMark::Fin, peer)
            && segment.ack.wrapping_sub(after) < MAX_AHEAD
        {
            self.raise(progress::FIN_ACKED, peer);
        }
        if self.of_both(progress::FIN_ACKED) {
            self.end(ts, Close::Fin);
            return Change::Closed;
        }
        change
    }

    /// Whether this segment proves that the three-way handshake is complete.
    ///
    /// Normally both SYNs were seen and both are acknowledged. With one
    /// direction only: a segment after the SYN from the client with the number
    /// that follows, or from the server after its SYN/ACK, is sent by nobody
    /// who has not seen the other's part.
    fn completes_handshake(&self, dir: Dir, segment: &Segment) -> bool {
        let Some(client) = self.client() else {
            return false;
        };
        if segment.flags & flag::ACK == 0 {
            return false;
        }
        let syn = segment.flags & flag::SYN != 0;
        let both = [Dir::FromLow, Dir::FromHigh];
        if both.iter().all(|&d| self.get(SequenceMark::Initial, d).is_some())
            && self.of_both(progress::SYN_ACKED)
        {
            // In a simultaneous open the second SYN/ACK completes it.
            return !syn || dir == client;
        }
        let follows = |isn: u32| segment.seq.wrapping_sub(isn).wrapping_sub(1) < MAX_AHEAD;
        // A bare acknowledgment of nothing but the SYN may be a challenge.
        let answers = segment.length > 0
            || segment.flags & flag::FIN != 0
            || self.get(SequenceMark::Initial, client) != Some(segment.ack.wrapping_sub(1));
        !syn && dir == client && self.get(SequenceMark::Initial, dir).is_some_and(follows)
            || !syn
                && dir != client
                && answers
                && self.get(SequenceMark::Initial, dir).is_some_and(follows)
                && self.of_side(progress::SYN_ACKED, client)
                && self.get(SequenceMark::Acked, client).is_none()
    }

    /// How a reset fits (RFC 9293 section 3.10.7.3 and 3.10.7.4). `edges` are the sequence
    /// numbers after the last byte that was captured of each side.
    ///
    /// The receiver expects something between what it has acknowledged and what was sent.
    /// Where it was not captured nothing is known of its window.
    pub fn reset_fit(&self, dir: Dir, segment: &Segment, edges: [Option<u32>; 2]) -> ResetFit {
        let peer = dir.other();
        if self.established().is_none()
            && let Some(initial) = self.get(SequenceMark::Initial, peer)
        {
            // A refusal has any sequence number, and acknowledges the SYN, or data with it.
            let sent = peer.of(&edges).map_or(0, |edge| edge.wrapping_sub(initial).wrapping_sub(1));
            let acked = segment.ack.wrapping_sub(initial).wrapping_sub(1);
            let sent = if sent < MAX_AHEAD { sent } else { 0 };
            if segment.flags & flag::ACK != 0 && acked <= sent {
                return ResetFit::Exact;
            }
            if self.get(SequenceMark::First, dir).is_none() {
                return ResetFit::Outside;
            }
        }
        let edge = *dir.of(&edges);
        let sent_last = [edge, self.get(SequenceMark::Fin, dir)]
            .into_iter()
            .flatten()
            .any(|n| n == segment.seq);
        match (self.get(SequenceMark::Acked, peer), self.get(SequenceMark::First, dir)) {
            (Some(acked), _) => {
                let ahead = segment.seq.wrapping_sub(acked);
                if ahead == 0 || sent_last && ahead < MAX_AHEAD {
                    ResetFit::Exact
                } else if ahead <= self.window(peer) {
                    ResetFit::Within
                } else {
                    ResetFit::Outside
                }
            }
            (None, Some(first)) => {
                let expected = edge.unwrap_or(first);
                if sent_last || segment.seq == expected {
                    ResetFit::Exact
                } else if segment.seq.wrapping_sub(expected.wrapping_sub(MAX_AHEAD)) < 2 * MAX_AHEAD
                {
                    ResetFit::Within
                } else {
                    ResetFit::Outside
                }
            }
            (None, None) => ResetFit::Exact,
        }
    }

    /// Whether anything of a side was captured.
    pub fn is_seen(&self, dir: Dir) -> bool {
        self.get(SequenceMark::First, dir).is_some()
    }

    /// Ends the connection from outside: its place is taken, or it has been
    /// quiet after both FINs.
    pub fn end(&mut self, ts: i64, how: Close) {
        if self.how.is_none() {
            (self.ended, self.how) = (ts.max(self.established), Some(how));
            self.mark(progress::STEADY, false);
        }
    }

    /// Ends the connection with a reset of which that was not certain before.
    pub fn reset(&mut self, ts: i64) {
        (self.ended, self.how) = (ts.max(self.established), Some(Close::Reset));
        self.mark(progress::STEADY, false);
    }

    /// Takes the connection for established because packets flow on it, though
    /// its start was not seen.
    pub fn assume_established(&mut self, ts: i64) {
        if self.established().is_none() {
            self.established = ts;
        }
    }
}

/// The largest window that window scaling allows (RFC 7323), in bytes.
pub(crate) const MAX_AHEAD: u32 = 1 << 30;

#[cfg(test)]
#[path = "tcp_tests.rs"]
mod tests;
