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

/// The state of one connection. Every segment meets it, so it is kept small: 56 bytes.
#[derive(Clone, Debug)]
pub struct TcpState {
    established: i64,
    ended: i64,
    /// By [`SequenceMark`] and side, where they are known.
    numbers: [[u32; 2]; 4],
    /// Which of them are: a bit each.
    known: u8,
    /// Whether the side's SYN was acknowledged by the other.
    syn_acked: [bool; 2],
    fin_acked: [bool; 2],
    /// The side that opened the connection.
    client: Option<Dir>,
    how: Option<Close>,
    /// Whether a segment that only acknowledges or brings data changes nothing but the
    /// highest acknowledgment.
    steady: bool,
}

impl Default for TcpState {
    fn default() -> Self {
        Self {
            established: NEVER,
            ended: NEVER,
            numbers: [[0; 2]; 4],
            known: 0,
            syn_acked: [false; 2],
            fin_acked: [false; 2],
            client: None,
            how: None,
            steady: false,
        }
    }
}

impl TcpState {
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
        self.client
    }

    /// Whether the start of the connection was seen.
    pub fn start_seen(&self) -> bool {
        self.client.is_some()
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
    /// number is another connection.
    #[inline]
    pub fn relation(&self, dir: Dir, segment: &Segment) -> Relation {
        if segment.flags & flag::SYN == 0 || segment.flags & flag::RST != 0 {
            return Relation::Same;
        }
        let ack = segment.flags & flag::ACK != 0;
        let over = self.how.is_some() && self.established().is_some();
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
                let opening = self.client.is_some() && self.established().is_none();
                let answers_late = self.client.is_some_and(|c| c != dir) && ack && !over;
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
        self.steady && segment.flags & WHOLE == flag::ACK
    }

    /// Takes a segment with which the connection goes on as it was.
    #[inline]
    pub fn acknowledge(&mut self, dir: Dir, segment: &Segment) {
        let [.., acked] = &mut self.numbers;
        let highest = dir.of_mut(acked);
        if segment.ack.wrapping_sub(*highest).cast_signed() > 0 {
            *highest = segment.ack;
        }
    }

    /// Whether [`Self::update`] could change only the highest acknowledgment if a segment
    /// with nothing but ACK came.
    fn is_steady(&self) -> bool {
        let knows = |mark| [Dir::FromLow, Dir::FromHigh].map(|dir| self.get(mark, dir).is_some());
        let open = self.how.is_none() && knows(SequenceMark::Fin) == [false; 2];
        // Nothing completes the handshake of a connection that nobody was seen to open.
        let settled = self.established != NEVER || self.client.is_none();
        let [low, high] = knows(SequenceMark::Initial);
        let answered = [!low, !high];
        open && settled
            && knows(SequenceMark::First) == [true; 2]
            && knows(SequenceMark::Acked) == [true; 2]
            && answered.iter().zip(self.syn_acked).all(|(&unknown, acked)| unknown || acked)
    }

    /// Takes a segment that belongs to the connection.
    pub fn update(&mut self, dir: Dir, segment: &Segment, ts: i64) -> Change {
        let change = self.take(dir, segment, ts);
        self.steady = self.is_steady();
        change
    }

    fn take(&mut self, dir: Dir, segment: &Segment, ts: i64) -> Change {
        let peer = dir.other();
        let (syn, ack) = (segment.flags & flag::SYN != 0, segment.flags & flag::ACK != 0);
        let rst = segment.flags & flag::RST != 0;

        // Once established, the number that the client has acknowledged holds.
        let other_answer = self.established().is_some()
            && self.get(SequenceMark::Initial, dir).is_some_and(|n| n != segment.seq);
        if syn && !rst && !other_answer {
            self.set(SequenceMark::Initial, dir, segment.seq);
            self.client.get_or_insert(if ack { dir.other() } else { dir });
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
        if ack && !rst {
            let higher = |highest: u32| segment.ack.wrapping_sub(highest).cast_signed() > 0;
            if self.get(SequenceMark::Acked, dir).is_none_or(higher) {
                self.set(SequenceMark::Acked, dir, segment.ack);
            }
            if let Some(initial) = self.get(SequenceMark::Initial, peer)
                && segment.ack.wrapping_sub(initial).wrapping_sub(1) < MAX_AHEAD
            {
                *peer.of_mut(&mut self.syn_acked) = true;
            }
        }
        if self.how.is_some() {
            return Change::None;
        }
        if rst {
            if self.reset_is_plausible(dir, segment) {
                self.end(ts, Close::Reset);
                return Change::Closed;
            }
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
            *peer.of_mut(&mut self.fin_acked) = true;
        }
        if self.fin_acked == [true; 2] {
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
        let Some(client) = self.client else {
            return false;
        };
        if segment.flags & flag::ACK == 0 {
            return false;
        }
        let syn = segment.flags & flag::SYN != 0;
        let both = [Dir::FromLow, Dir::FromHigh];
        if both.iter().all(|&d| self.get(SequenceMark::Initial, d).is_some())
            && self.syn_acked == [true; 2]
        {
            // In a simultaneous open the second SYN/ACK completes it.
            return !syn || dir == client;
        }
        let follows = |isn: u32| segment.seq.wrapping_sub(isn).wrapping_sub(1) < MAX_AHEAD;
        !syn && dir == client && self.get(SequenceMark::Initial, dir).is_some_and(follows)
            || !syn
                && dir != client
                && self.get(SequenceMark::Initial, dir).is_some_and(follows)
                && *client.of(&self.syn_acked)
                && self.get(SequenceMark::Acked, client).is_none()
    }

    /// A reset far from the window is a stray or a forgery, and the stack
    /// would not act on it.
    fn reset_is_plausible(&self, dir: Dir, segment: &Segment) -> bool {
        let near = |expected: u32| {
            segment.seq.wrapping_sub(expected.wrapping_sub(MAX_AHEAD)) < 2 * MAX_AHEAD
        };
        // A refusal has sequence number zero and acknowledges the SYN.
        let refuses = segment.flags & flag::ACK != 0 && self.established().is_none();
        refuses
            || match (
                self.get(SequenceMark::Acked, dir.other()),
                self.get(SequenceMark::First, dir),
            ) {
                (Some(acked), _) => near(acked),
                (None, Some(first)) => near(first),
                (None, None) => true,
            }
    }

    /// Ends the connection from outside: its place is taken, or it has been
    /// quiet after both FINs.
    pub fn end(&mut self, ts: i64, how: Close) {
        if self.how.is_none() {
            (self.ended, self.how) = (ts, Some(how));
            self.steady = false;
        }
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
mod tests {
    use super::*;
    use proptest::prelude::*;

    const C: Dir = Dir::FromLow;
    const S: Dir = Dir::FromHigh;

    fn seg(seq: u32, ack: u32, flags: u8, length: u32) -> Segment {
        Segment { seq, ack, flags, payload: 0, captured: length, length }
    }

    const SYN: u8 = flag::SYN;
    const ACK: u8 = flag::ACK;
    const FIN: u8 = flag::FIN;

    fn established() -> TcpState {
        let mut life = TcpState::default();
        assert_eq!(life.update(C, &seg(u32::MAX, 0, SYN, 0), 1), Change::None);
        assert_eq!(life.update(S, &seg(100, 0, SYN | ACK, 0), 2), Change::None);
        assert_eq!(life.update(C, &seg(0, 101, ACK, 0), 3), Change::Established);
        life
    }

    #[test]
    fn open_and_close() {
        let mut life = established();
        assert_eq!((life.client(), life.established()), (Some(C), Some(3)));
        assert_eq!(life.update(C, &seg(0, 101, FIN | ACK, 5), 4), Change::None);
        assert_eq!(life.update(S, &seg(101, 6, FIN | ACK, 0), 5), Change::None);
        assert_eq!(life.update(C, &seg(6, 102, ACK, 0), 6), Change::Closed);
        assert_eq!(life.ended(), Some((6, Close::Fin)));
    }

    #[test]
    fn simultaneous_open_and_close() {
        let mut life = TcpState::default();
        life.update(C, &seg(10, 0, SYN, 0), 1);
        assert_eq!(life.relation(S, &seg(20, 0, SYN, 0)), Relation::Same);
        life.update(S, &seg(20, 0, SYN, 0), 2);
        assert_eq!(life.update(S, &seg(20, 11, SYN | ACK, 0), 3), Change::None);
        assert_eq!(life.update(C, &seg(10, 21, SYN | ACK, 0), 4), Change::Established);
        life.update(C, &seg(11, 21, FIN | ACK, 0), 5);
        life.update(S, &seg(21, 11, FIN | ACK, 0), 5);
        assert_eq!(life.update(C, &seg(12, 22, ACK, 0), 6), Change::None);
        assert_eq!(life.update(S, &seg(22, 12, ACK, 0), 7), Change::Closed);
    }

    #[test]
    fn one_direction_is_enough_to_establish() {
        let mut client_only = TcpState::default();
        client_only.update(C, &seg(10, 0, SYN, 0), 1);
        assert_eq!(client_only.update(C, &seg(11, 99, ACK, 0), 2), Change::Established);
        let mut server_only = TcpState::default();
        assert_eq!(server_only.update(S, &seg(20, 11, SYN | ACK, 0), 1), Change::None);
        assert_eq!(server_only.client(), Some(C));
        assert_eq!(server_only.update(S, &seg(21, 500, ACK, 9), 2), Change::Established);
        assert_eq!(server_only.first_byte(C), Some(11));
    }

    #[test]
    fn a_refused_connection_is_never_established() {
        let mut life = TcpState::default();
        life.update(C, &seg(10, 0, SYN, 0), 1);
        assert_eq!(life.update(S, &seg(0, 11, flag::RST | ACK, 0), 2), Change::Closed);
        assert_eq!(life.established(), None);
    }

    #[test]
    fn a_reset_far_from_the_window_ends_nothing() {
        let mut life = established();
        assert_eq!(life.update(S, &seg(0x8000_0000, 0, flag::RST, 0), 4), Change::None);
        assert_eq!(life.update(S, &seg(101, 0, flag::RST, 0), 5), Change::Closed);
    }

    #[test]
    fn another_number_is_another_connection() {
        let life = established();
        assert_eq!(life.relation(C, &seg(u32::MAX, 0, SYN, 0)), Relation::Same);
        assert_eq!(life.relation(C, &seg(77, 0, SYN, 0)), Relation::New);
        assert_eq!(life.relation(S, &seg(100, 0, SYN | ACK, 0)), Relation::Same);
        let midstream = TcpState::default();
        assert_eq!(midstream.relation(C, &seg(77, 0, SYN, 0)), Relation::New);
    }

    #[test]
    fn a_late_syn_belongs_to_the_connection_it_opened() {
        let mut life = TcpState::default();
        life.update(S, &seg(20, 11, SYN | ACK, 0), 1);
        assert_eq!(life.relation(C, &seg(10, 0, SYN, 0)), Relation::Same);
        life.update(C, &seg(10, 0, SYN, 0), 2);
        assert_eq!(life.client(), Some(C));
    }

    proptest! {
        /// What goes on as it was does so with every step of the long way, too.
        #[test]
        fn going_on_is_an_update(
            segments in prop::collection::vec(
                (any::<bool>(), 0u32..40, 0u32..40, prop_oneof![4 => Just(ACK), 1 => 0u8..32], 0u32..3),
                0..40,
            ),
            (whole, wraps) in (any::<bool>(), any::<bool>()),
        ) {
            let base = if wraps { u32::MAX - 20 } else { 100 };
            let mut life = if whole { established() } else { TcpState::default() };
            for (low, seq, ack, flags, length) in segments {
                let dir = if low { C } else { S };
                let segment = seg(base.wrapping_add(seq), base.wrapping_add(ack), flags, length);
                let fast_segment = life.fast_segment(&segment);
                let mut short = life.clone();
                let (was_finished, change) = (life.finished(), life.update(dir, &segment, 7));
                if fast_segment {
                    short.acknowledge(dir, &segment);
                    prop_assert_eq!(change, Change::None);
                    prop_assert_eq!((was_finished, life.finished()), (false, false));
                    prop_assert_eq!(format!("{short:?}"), format!("{life:?}"));
                }
            }
        }
    }
}
