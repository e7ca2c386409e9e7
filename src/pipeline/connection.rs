//! One followed connection: its life, its streams, its observer and its
//! session, joined.

use std::sync::Arc;

use super::challenges::Pending;
use super::completeness::BEGINNING;
use super::counting::{Counts, SegmentKinds};
use super::ipsec_encapsulation::IpsecEncapsulation;
use super::ledger::PacketDisposition;
use super::sessions::Members;
use super::smc::Smc;
use crate::config::{Mode, Settings};
use crate::flow::{Change, Dir, Key, Sender, TcpState};
use crate::frame::{Ipsec, Segment, flag};
use crate::observe::certificate::Certificates;
use crate::observe::ike::TcpEncapsulation;
use crate::observe::tls::{CloseIndication, CloseWatch};
use crate::observe::upgrade::{Announcement, Kind, Upgrade};
use crate::observe::{
    CiphertextDetector, Encrypted, Findings, FindingsRef, Observer, Side, may_begin,
    shows_beginning,
};
use crate::session::{IpsecProtection, Session};
use crate::source::FrameNumber;
use crate::stream::{Positions, Ranges, Reassembler};

/// The largest window that window scaling allows (RFC 7323), in bytes.
pub(super) const MAX_AHEAD: i64 = 1 << 30;

/// One direction: a cache line.
#[derive(Debug, Default)]
#[repr(C)]
pub(super) struct Stream {
    /// Sequence number of position 0.
    pub(super) base: Option<u32>,
    pub(super) ranges: Ranges,
    /// The watch for a return to clear text, while TLS protects.
    pub(super) watch: Option<CloseWatch>,
    pub segments: u64,
}

impl Stream {
    /// Positions of sequence numbers, where they are known.
    pub(super) fn positions(&self) -> Option<Positions> {
        let mut positions = Positions::from_sequence(self.base?);
        positions.reached(self.ranges.edge().unwrap_or(0));
        Some(positions)
    }

    /// Sequence number after the highest byte that was seen.
    pub(super) fn sequence_edge(&self) -> Option<u32> {
        // The low half is meant: it is what the wire carries.
        Some(self.base?.wrapping_add(self.ranges.edge()? as u32))
    }
}

/// A connection. What every packet meets comes first and fills three cache lines of
/// those that a packet of an established connection takes: with the key before it the
/// first, its life, and the stream of the packet's direction. The rest is met when
/// something happens.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Connection {
    /// Where a file has its last packet.
    pub last_frame: FrameNumber,
    pub last_ts: i64,
    pub last_clock: i64,
    pub life: TcpState,
    pub protected: bool,
    /// Whether z/OS's own observation would not have seen the protection.
    pub(super) beyond_zos: bool,
    /// Whether the beginnings of segments are looked at.
    pub(super) watching: bool,
    /// Whether it has an observer: asked of every packet, and so in this line.
    pub(super) observed: bool,
    /// Whether its data are looked at for what shows that they are encrypted, because a
    /// handshake may not have been captured.
    pub(super) inspected: bool,
    /// Whether every segment takes the slow path: after AH or ESP, or to tell what it is for.
    slow_path: bool,
    /// Whether the connection was used since the eviction last looked.
    pub used: bool,
    /// Whether packets were lost during its life.
    pub lossy: bool,
    pub streams: [Stream; 2],

    pub(super) reassemblers: [Option<Box<Reassembler>>; 2],
    pub(super) observer: Option<Box<Observer>>,
    /// Findings of a finished observation.
    pub(super) findings: Option<Box<Findings>>,
    pub(super) history: Option<Box<ConnectionHistory>>,
    /// Whether the last handshake failed.
    pub(super) failed: bool,
    pub session: Option<Session>,
    /// When the session settles, on the packet clock.
    pub settles_at: i64,
    /// The security sessions that it is in, once it has settled.
    pub members: Members,
    ipsec: IpsecEncapsulation,
    /// The client as records of two stacks have it, where no start was seen: what each
    /// counts stays its own.
    pub(super) recorded_client: Option<Dir>,
    /// Those of its beginning.
    pub settings: Arc<Settings>,
    /// Ordinal of the first packet: the connection's identity in this run.
    pub ordinal: u64,
    /// Where a file has its first packet.
    pub first_frame: FrameNumber,
    pub first_ts: i64,
    pub first_clock: i64,
    /// How far its times are ahead of time stamps: what the clock had lost when it began.
    pub(super) behind: i64,
    /// Packet clock of the end.
    pub ended_clock: i64,
    /// Bytes that its handshake holds, as they were counted last.
    pub(super) held: usize,
    pub retransmitted: u64,
    pub conflicts: u64,
    pub out_of_window: u64,
    /// Resets and SYNs that their receiver did not accept.
    pub unaccepted: u64,
    /// Of those the latest resets of each side a little below the window: how many, and the
    /// packet clock of the last.
    pub(super) outside: [[i64; 2]; 2],
    /// What is not decided about it.
    pub(super) pending: Option<Box<Pending>>,
    /// What was counted up to the reset that has ended it: records do not tell of what
    /// came later.
    pub(super) at_reset: Option<Box<Counts>>,
    /// Stretches with lost packets up to its beginning.
    pub(super) losses: u32,
    /// Records written so far; part of the order of the output.
    pub emitted: u32,
    /// Whether it is in the queue of those that hold bytes.
    pub queued: bool,
    /// Whether its handshake is counted.
    pub counted: bool,
    /// Whether bytes of a direction in which a handshake may have begun were not looked at:
    /// segments that were captured shorter than the beginning of one, holes in what was
    /// followed.
    pub(super) unseen: [bool; 2],
    /// Whether the first bytes of a direction were captured too short to tell.
    pub(super) beginning_cut: bool,
    /// Whether records tell of it.
    pub(super) recorded: bool,
    /// What each side has shown of how its segments and their copies look.
    pub(super) senders: [Sender; 2],
    pub(super) ciphertext: Option<Box<CiphertextDetector>>,
    /// Its segments by what they are for, if somebody asks.
    pub(super) segment_kinds: Option<Box<[SegmentKinds; 2]>>,
    /// The protocol whose encrypted data were recognised without its handshake.
    pub(super) encrypted: Option<Encrypted>,
}

/// With the key before it, what belongs together is in one cache line.
const _: () = {
    const LINE: usize = 64;
    let key = size_of::<Key>();
    assert!(key + std::mem::offset_of!(Connection, life) == LINE);
    assert!(key + std::mem::offset_of!(Connection, streams) == 2 * LINE);
    assert!(size_of::<Stream>() == LINE);
    assert!(key + std::mem::offset_of!(Connection, reassemblers) == 4 * LINE);
};

/// What all connections of a shard share.
#[derive(Debug)]
pub(super) struct Context {
    pub certificates: Certificates,
    pub mode: Mode,
    /// Bytes that all handshakes hold.
    pub held: usize,
}

/// The history of a connection that was not simply protected from its first
/// byte to its last.
#[derive(Debug, Default)]
pub(super) struct ConnectionHistory {
    /// The clear protocol that its own words show.
    pub application: Option<Kind>,
    /// The negotiation that led to the handshake.
    pub granted: Option<Kind>,
    /// Clear bytes of each direction before the handshake.
    pub clear_before: Option<[u64; 2]>,
    /// When it went back to clear text.
    pub clear_again: Option<i64>,
    /// The TLS protection that records told of and that has ended last.
    pub(super) ended: Option<Box<Findings>>,
    /// The same of AH or ESP.
    pub(super) ended_ipsec: Option<IpsecProtection>,
    /// When the last of them ended.
    pub(super) protection_ended: Option<i64>,
    /// Packet clock until which no record tells that it has ended, and what was counted then.
    pub(super) untold: Option<(i64, Counts)>,
    /// Whether the merge knows it as an encrypted FTP control connection.
    pub(super) encrypted_control: bool,
    pub(super) smc: Smc,
    pub(super) upgrade: Option<Box<Upgrade>>,
    pub(super) announcements: Vec<Announcement>,
}

/// What a segment did to a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Effect {
    pub established: bool,
    pub protection_changed: bool,
    /// A handshake has failed.
    pub failed: bool,
    /// A handshake was completed.
    pub completed: bool,
    /// The observer was shown something.
    pub observed: bool,
    pub closed: bool,
}

impl Connection {
    pub fn new(
        settings: Arc<Settings>,
        losses: u32,
        ordinal: u64,
        (ts, clock): (i64, i64),
    ) -> Self {
        Self {
            last_frame: FrameNumber::default(),
            ordinal,
            first_frame: FrameNumber::default(),
            last_ts: ts,
            last_clock: clock,
            life: TcpState::default(),
            protected: false,
            failed: false,
            beyond_zos: false,
            watching: false,
            observed: false,
            inspected: true,
            slow_path: settings.counting.is_some(),
            used: true,
            lossy: false,
            streams: Default::default(),
            reassemblers: [None, None],
            observer: None,
            findings: None,
            history: None,
            session: None,
            settles_at: i64::MAX,
            members: [None, None],
            ipsec: IpsecEncapsulation::default(),
            recorded_client: None,
            segment_kinds: settings.counting.map(|_| Box::default()),
            settings,
            first_ts: ts,
            first_clock: clock,
            behind: 0,
            ended_clock: clock,
            held: 0,
            retransmitted: 0,
            conflicts: 0,
            out_of_window: 0,
            unaccepted: 0,
            outside: [[0, i64::MIN]; 2],
            pending: None,
            at_reset: None,
            losses,
            emitted: 0,
            queued: false,
            counted: false,
            unseen: [false; 2],
            beginning_cut: false,
            recorded: false,
            senders: Default::default(),
            ciphertext: None,
            encrypted: None,
        }
    }

    /// Notes whether a packet came under AH or ESP; returns whether that is a
    /// change of protection.
    pub fn ipsec_packet(&mut self, dir: Dir, header: Option<&Ipsec>, ts: i64) -> bool {
        if header.is_none() && !self.slow_path {
            return false;
        }
        self.slow_path = true;
        if self.life.ended().is_some() {
            return false;
        }
        let before = self.ipsec.protection().copied();
        let changed = self.ipsec.packet(side(dir), header);
        if changed && before.is_some() {
            let history = self.history.get_or_insert_default();
            history.ended_ipsec = before;
            history.protection_ended = Some(ts);
        }
        changed
    }

    /// The AH or ESP security association that protects the connection.
    pub fn ipsec(&self) -> Option<&IpsecProtection> {
        self.ipsec.protection()
    }

    /// How much is lost when it is given up: nothing more is expected of one that has
    /// ended, little of one that was never established or in which nobody has said
    /// anything; of others more of those that were used lately.
    pub fn worth(&mut self) -> u32 {
        let used = std::mem::take(&mut self.used);
        let speaks = self.bytes().iter().all(|bytes| *bytes > 0);
        let over = self.life.ended().is_some() || self.is_reset();
        match (over, self.life.established().is_some() && speaks, used) {
            (true, ..) => 0,
            (false, false, false) => 1,
            (false, false, true) => 2,
            (false, true, false) => 3,
            (false, true, true) => 4,
        }
    }

    /// Takes a segment with which the connection only goes on: the next bytes in order,
    /// where nobody looks at them, or nothing but an acknowledgment. `false` and
    /// nothing done if it may be more than that. [`Self::segment`] does the same of it,
    /// and more.
    #[inline]
    pub fn fast_segment(
        &mut self,
        dir: Dir,
        segment: &Segment,
        arena: &[u8],
        ts: i64,
        clock: i64,
    ) -> bool {
        if !self.life.fast_segment(segment) || self.slow_path {
            return false;
        }
        let stream = dir.of_mut(&mut self.streams);
        if segment.length == 0 && !self.life.acknowledges_more(dir, segment) {
            // It may be a copy.
            return false;
        }
        if segment.length > 0 {
            let (Some(base), Some(edge)) = (stream.base, stream.ranges.edge()) else {
                return false;
            };
            // The low half is meant: it is what the wire carries.
            if segment.seq != base.wrapping_add(edge as u32) {
                return false;
            }
            let unwatched = if self.protected {
                let end = edge + i64::from(segment.length);
                stream.watch.as_ref().is_none_or(|watch| watch.is_beyond(end))
            } else {
                let payload = segment.payload(arena);
                !self.observed
                    && self.watching
                    && !self.inspected
                    && shows_beginning(payload, segment.length)
                    && !may_begin(payload)
            };
            if !unwatched {
                return false;
            }
            stream.ranges.append(segment.length);
        }
        stream.segments += 1;
        self.life.acknowledge(dir, segment);
        self.used = true;
        self.last_ts = self.last_ts.max(ts);
        self.last_clock = clock;
        true
    }

    /// Takes a segment.
    pub fn segment(
        &mut self,
        dir: Dir,
        segment: &Segment,
        payload: &[u8],
        ts: i64,
        clock: i64,
        context: &mut Context,
    ) -> Effect {
        self.used = true;
        self.last_ts = self.last_ts.max(ts);
        self.last_clock = clock;
        self.tell_kind(dir, segment);
        dir.of_mut(&mut self.streams).segments += 1;
        // Packets may be a little out of order in time.
        let change = self.life.update(dir, segment, ts.max(self.first_ts));
        let mut effect = Effect { established: change == Change::Established, ..Effect::default() };
        // A reset's payload is a message for people, not part of the stream.
        if segment.length > 0 && segment.flags & flag::RST == 0 {
            let (was, had_failed) = (self.records_protection(), self.failed);
            let was_protected = self.protected;
            effect.observed = self.payload(dir, segment, payload, (ts, clock), context);
            effect.protection_changed = self.records_protection() != was;
            effect.failed = self.failed && !had_failed;
            effect.completed = self.protected && !was_protected;
        }
        if change == Change::Closed {
            effect.closed = true;
        }
        effect
    }

    /// Takes a segment's payload; returns whether the observer was shown something.
    fn payload(
        &mut self,
        dir: Dir,
        segment: &Segment,
        payload: &[u8],
        (ts, clock): (i64, i64),
        context: &mut Context,
    ) -> bool {
        let first_byte = self.life.first_byte(dir);
        let sequence = segment.seq.wrapping_add(u32::from(segment.flags & flag::SYN != 0));
        let acknowledged = self.life.acknowledged(dir);
        let stream = dir.of_mut(&mut self.streams);
        stream.base.get_or_insert(first_byte.unwrap_or(sequence));
        let Some(mut positions) = stream.positions() else { return false };
        let start = positions.position(sequence);
        let end = start + i64::from(segment.length);
        let before = stream.ranges.edge();
        let edge = before.unwrap_or(0);
        if start > edge + MAX_AHEAD || end < edge - MAX_AHEAD {
            self.out_of_window += 1;
            return false;
        }
        // A probe repeats the byte before the next one (RFC 9293 section 3.8.4).
        let keep_alive = segment.length == 1 && end == edge;
        let lowest = if first_byte.is_some() { 0 } else { i64::MIN };
        let added = stream.ranges.add(start.max(lowest), end);
        positions.reached(end);
        if added.again > 0 && !keep_alive {
            self.retransmitted += 1;
        }
        let acknowledged = acknowledged.map(|a| positions.position(a));
        let place = SegmentPosition {
            start,
            length: segment.length,
            before,
            fresh: added.new > 0,
            acknowledged,
        };
        if self.protected {
            self.still_protected(dir, place, payload, ts);
            if self.protected {
                return false;
            }
        }
        if place.fresh && !shows_beginning(payload, segment.length) {
            *dir.of_mut(&mut self.unseen) = true;
            self.beginning_cut |= start < BEGINNING;
        }
        let shown = self.observe(dir, place, payload, clock, context);
        if self.inspected && !self.protected {
            self.inspect(dir, place, payload);
        }
        shown
    }

    /// Looks whether the connection has gone back to clear text.
    fn still_protected(&mut self, dir: Dir, place: SegmentPosition, payload: &[u8], ts: i64) {
        let slot = &mut dir.of_mut(&mut self.streams).watch;
        let Some(watch) = slot else { return };
        let end = place.start + i64::from(place.length);
        match watch.segment(place.start, payload, end, place.before.unwrap_or(i64::MIN)) {
            CloseIndication::Records => return,
            CloseIndication::Lost => {
                *slot = None;
                return;
            }
            CloseIndication::Clear(_) => {}
        }
        let mut clear_from = self.streams.each_mut().map(|s| s.watch.take().map(|w| w.next()));
        // The clear text has ended this watch.
        *dir.of_mut(&mut clear_from) = None;
        self.protected = false;
        let opener = side(self.life.client().unwrap_or(dir));
        let ended = self.findings.clone().filter(|_| !self.beyond_zos);
        let history = self.history.get_or_insert_default();
        history.clear_again = Some(ts);
        if ended.is_some() {
            history.protection_ended = Some(ts);
        }
        history.ended = ended;
        let observer = Observer::clear_again(opener, history.upgrade.take());
        for ((stream, reassembler), from) in
            self.streams.iter().zip(&mut self.reassemblers).zip(clear_from)
        {
            let from = from.or(stream.ranges.edge());
            *reassembler = from
                .filter(|_| observer.follows(Side::Low))
                .map(|at| Box::new(Reassembler::at(at)));
        }
        self.begin(observer);
    }

    /// Has an observer from now on.
    pub(super) fn begin(&mut self, observer: Observer) {
        self.observer = Some(Box::new(observer));
        self.observed = true;
    }

    /// Whether records tell of TLS or SSH protection.
    fn records_protection(&self) -> bool {
        self.protected && !self.beyond_zos
    }

    /// What came before and after the protection, if anything did.
    pub fn history(&self) -> Option<&ConnectionHistory> {
        self.history.as_deref()
    }

    /// Data connections that this FTP control connection has announced since
    /// the last call.
    pub fn announcements(&mut self) -> Vec<Announcement> {
        self.history.as_mut().map(|c| std::mem::take(&mut c.announcements)).unwrap_or_default()
    }

    /// IKE in the connection.
    pub fn ike(&self) -> Option<&TcpEncapsulation> {
        self.observer.as_ref().and_then(|o| o.ike())
    }

    /// What was learned, finished or not.
    pub fn findings(&self) -> FindingsRef<'_> {
        let finished = self.findings.as_ref().map(|f| f.view()).unwrap_or_default();
        if self.protected {
            return finished;
        }
        let unfinished = self.observer.as_ref().map(|o| o.findings()).unwrap_or_default();
        if unfinished.is_empty() { finished } else { unfinished }
    }

    /// Whether a handshake has begun that was neither completed nor seen to fail. One whose
    /// protection has ended since was completed.
    pub(super) fn handshake_incomplete(&self) -> bool {
        let open = self.observer.as_ref().is_some_and(|o| !o.findings().is_empty());
        let clear_again = self.history().is_some_and(|history| history.clear_again.is_some());
        open || !clear_again && !self.findings().is_empty()
    }

    /// What protects the connection as far as records tell.
    pub fn recorded_protection(&self) -> FindingsRef<'_> {
        if self.beyond_zos { FindingsRef::default() } else { self.protection() }
    }

    /// What protects the connection.
    pub fn protection(&self) -> FindingsRef<'_> {
        if self.protected { self.findings().complete() } else { FindingsRef::default() }
    }

    /// What its segments count as.
    #[inline]
    pub fn disposition(&self) -> PacketDisposition {
        if self.life.start_seen() {
            PacketDisposition::TcpFollowed
        } else {
            PacketDisposition::TcpMidstream
        }
    }
}

/// Where a segment lies in its direction.
#[derive(Clone, Copy, Debug)]
pub(super) struct SegmentPosition {
    pub start: i64,
    /// Bytes on the wire.
    pub length: u32,
    /// Position after the highest byte seen before.
    pub before: Option<i64>,
    /// Whether it brought bytes that were not seen before.
    pub fresh: bool,
    /// Position up to which the receiver has confirmed.
    pub acknowledged: Option<i64>,
}

/// The observer's name for the sender of a direction.
pub(super) fn side(dir: Dir) -> Side {
    match dir {
        Dir::FromLow => Side::Low,
        Dir::FromHigh => Side::High,
    }
}

#[cfg(test)]
#[path = "connection_tests.rs"]
mod tests;
