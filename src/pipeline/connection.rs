//! One followed connection: its life, its streams, its observer and its
//! session, joined.

use super::under::UnderIpsec;
use crate::flow::{Change, Close, Dir, Key, Life};
use crate::frame::{Ipsec, Segment, flag};
use crate::observe::certificate::Certificates;
use crate::observe::{Findings, FindingsRef, Observer, Progress, Side, may_begin};
use crate::session::{IpsecProtection, Session};
use crate::stream::{Piece, Positions, Ranges, Reassembler};

/// The largest window that window scaling allows (RFC 7323), in bytes.
const MAX_AHEAD: i64 = 1 << 30;

/// One direction's bytes.
#[derive(Debug, Default)]
pub(super) struct Stream {
    positions: Option<Positions>,
    ranges: Ranges,
    reassembler: Option<Box<Reassembler>>,
    pub segments: u64,
}

/// A connection.
#[derive(Debug)]
pub(super) struct Connection {
    /// Ordinal of the first packet: the connection's identity in this run.
    pub ordinal: u64,
    pub first_ts: i64,
    pub last_ts: i64,
    pub last_clock: i64,
    /// Packet clock of the end.
    pub ended_clock: i64,
    pub life: Life,
    pub session: Option<Session>,
    /// When the session settles, on the packet clock.
    pub settles_at: i64,
    pub streams: [Stream; 2],
    observer: Option<Box<Observer>>,
    /// Whether the beginnings of segments are looked at.
    watching: bool,
    /// Findings of a finished observation.
    findings: Option<Box<Findings>>,
    pub protected: bool,
    ipsec: UnderIpsec,
    pub retransmitted: u64,
    pub conflicts: u64,
    pub out_of_window: u64,
    /// Records written so far; part of the order of the output.
    pub emitted: u32,
    /// Whether the connection was used since the eviction last looked.
    pub used: bool,
}

/// What a segment did to a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Effect {
    pub established: bool,
    pub protection_changed: bool,
    pub closed: bool,
}

impl Connection {
    pub fn new(ordinal: u64, ts: i64, clock: i64) -> Self {
        Self {
            ordinal,
            first_ts: ts,
            last_ts: ts,
            last_clock: clock,
            ended_clock: clock,
            life: Life::default(),
            session: None,
            settles_at: i64::MAX,
            streams: Default::default(),
            observer: None,
            watching: false,
            findings: None,
            protected: false,
            ipsec: UnderIpsec::default(),
            retransmitted: 0,
            conflicts: 0,
            out_of_window: 0,
            emitted: 0,
            used: true,
        }
    }

    /// Notes whether a packet came under AH or ESP; returns whether that is a
    /// change of protection.
    pub fn under_ipsec(&mut self, dir: Dir, header: Option<&Ipsec>) -> bool {
        self.life.ended().is_none() && self.ipsec.packet(side(dir), header)
    }

    /// The AH or ESP security association that protects the connection.
    pub fn ipsec(&self) -> Option<&IpsecProtection> {
        self.ipsec.protection()
    }

    /// Takes a segment.
    pub fn segment(
        &mut self,
        dir: Dir,
        segment: &Segment,
        payload: &[u8],
        ts: i64,
        clock: i64,
        certificates: &mut Certificates,
    ) -> Effect {
        self.used = true;
        self.last_ts = self.last_ts.max(ts);
        self.last_clock = clock;
        self.streams[dir.index()].segments += 1;
        let change = self.life.update(dir, segment, ts);
        let mut effect = Effect { established: change == Change::Established, ..Effect::default() };
        // A reset's payload is a message for people, not part of the stream.
        if segment.length > 0 && segment.flags & flag::RST == 0 {
            let was = self.protected;
            self.payload(dir, segment, payload, clock, certificates);
            effect.protection_changed = self.protected != was;
        }
        if change == Change::Closed {
            effect.closed = true;
        }
        effect
    }

    fn payload(
        &mut self,
        dir: Dir,
        segment: &Segment,
        payload: &[u8],
        clock: i64,
        certificates: &mut Certificates,
    ) {
        let first_byte = self.life.first_byte(dir);
        let sequence = segment.seq.wrapping_add(u32::from(segment.flags & flag::SYN != 0));
        let acknowledged = self.life.acknowledged(dir);
        let stream = &mut self.streams[dir.index()];
        let positions = stream
            .positions
            .get_or_insert_with(|| Positions::from_sequence(first_byte.unwrap_or(sequence)));
        let start = positions.position(sequence);
        let end = start + i64::from(segment.length);
        let edge = stream.ranges.edge().unwrap_or(0);
        if start > edge + MAX_AHEAD || end < edge - MAX_AHEAD {
            self.out_of_window += 1;
            return;
        }
        // A probe repeats the byte before the next one (RFC 9293 section 3.8.4).
        let keep_alive = segment.length == 1 && end == edge;
        let lowest = if first_byte.is_some() { 0 } else { i64::MIN };
        let before = stream.ranges.edge();
        let added = stream.ranges.add(start.max(lowest), end);
        positions.reached(end);
        if added.again > 0 && !keep_alive {
            self.retransmitted += 1;
        }
        let acknowledged = acknowledged.map(|a| positions.position(a));
        let place =
            Place { start, length: segment.length, before, fresh: added.new > 0, acknowledged };
        self.observe(dir, place, payload, clock, certificates);
    }

    fn observe(
        &mut self,
        dir: Dir,
        place: Place,
        payload: &[u8],
        clock: i64,
        certificates: &mut Certificates,
    ) {
        if self.protected {
            return;
        }
        let begins = place.fresh && may_begin(payload);
        let opener = side(self.life.client().unwrap_or(dir));
        if self.observer.is_none() {
            if !self.watching && self.life.start_seen() {
                self.observer = Some(Box::new(Observer::from_start(opener)));
            } else if begins {
                self.observer = Some(Box::new(Observer::midstream(opener)));
            } else {
                self.watching = true;
                return;
            }
        }
        let Some(observer) = &mut self.observer else { return };
        let side = side(dir);
        if !observer.follows(side) && !begins {
            return;
        }
        let stream = &mut self.streams[dir.index()];
        let past = |r: &mut Box<Reassembler>| r.position() > place.start;
        if begins && observer.is_watching(side) && stream.reassembler.as_mut().is_some_and(past) {
            // Some hosts send padding as payload and then the hello over it.
            // Where a handshake begins is where reading begins.
            stream.reassembler = None;
        }
        let reassembler = stream.reassembler.get_or_insert_with(|| {
            // From the first byte while the start of the direction is looked
            // at; later from where the bytes so far end, or where a handshake
            // begins.
            let from_start = self.life.first_byte(dir).is_some() && observer.is_at_start(side);
            let first = match place.before {
                _ if from_start => 0,
                Some(edge) if !begins => edge.min(place.start),
                _ => place.start,
            };
            Box::new(Reassembler::at(first))
        });
        let mut progress = Progress::Open;
        reassembler.push(
            place.start,
            payload,
            place.length,
            clock,
            place.acknowledged,
            &mut |piece| deliver(observer, side, piece, certificates, &mut progress),
        );
        for dir in [Dir::FromLow, Dir::FromHigh] {
            self.release_unless_followed(dir);
        }
        self.settle_progress(progress);
    }

    /// Gives the memory of a direction back that nobody reads any more.
    fn release_unless_followed(&mut self, dir: Dir) {
        if self.observer.as_ref().is_some_and(|o| !o.follows(side(dir))) {
            self.release(dir);
        }
    }

    /// Gives a reassembler's memory back.
    fn release(&mut self, dir: Dir) {
        if let Some(reassembler) = self.streams[dir.index()].reassembler.take() {
            self.conflicts += reassembler.conflicts();
        }
        if let Some(observer) = &self.observer
            && !observer.follows(Side::Low)
            && !observer.follows(Side::High)
        {
            self.observer = None;
            self.watching = true;
        }
    }

    fn settle_progress(&mut self, progress: Progress) {
        match progress {
            Progress::Open => return,
            Progress::Protected => self.protected = true,
            // Another handshake may follow.
            Progress::Failed => self.watching = true,
        }
        if let Some(observer) = self.observer.take() {
            self.findings = Some(Box::new(observer.into_findings()));
        }
        for dir in [Dir::FromLow, Dir::FromHigh] {
            self.release(dir);
        }
    }

    /// Hands out what still waits for missing bytes, and draws the conclusion
    /// that a single captured direction allows. Called when nothing more may
    /// come, or when a record is due.
    pub fn conclude(&mut self, over: bool, clock: i64, certificates: &mut Certificates) {
        if over {
            for dir in [Dir::FromLow, Dir::FromHigh] {
                let Some(mut reassembler) = self.streams[dir.index()].reassembler.take() else {
                    continue;
                };
                let Some(observer) = &mut self.observer else {
                    continue;
                };
                let mut progress = Progress::Open;
                let side = side(dir);
                reassembler.flush(clock, &mut |piece| match piece {
                    Piece::Data(bytes) => {
                        let now = observer.data(side, bytes, certificates);
                        if progress == Progress::Open {
                            progress = now;
                        }
                    }
                    Piece::Hole(bytes) => observer.hole(side, bytes),
                });
                self.conflicts += reassembler.conflicts();
                self.settle_progress(progress);
            }
        }
        let segments = self.streams.each_ref().map(|s| s.segments);
        let seen = match segments {
            [0, _] => Side::High,
            [_, 0] => Side::Low,
            _ => return,
        };
        if let Some(observer) = &mut self.observer {
            let progress = observer.conclude_one_sided(seen);
            self.settle_progress(progress);
        }
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

    /// What protects the connection.
    pub fn protection(&self) -> FindingsRef<'_> {
        if self.protected { self.findings().complete() } else { FindingsRef::default() }
    }

    /// Payload bytes of each direction, each once.
    pub fn bytes(&self) -> [u64; 2] {
        self.streams.each_ref().map(|s| s.ranges.bytes())
    }

    /// Segments of each direction.
    pub fn segments(&self) -> [u64; 2] {
        self.streams.each_ref().map(|s| s.segments)
    }

    /// Bytes that are known to have been sent and were not captured.
    pub fn missed(&self) -> u64 {
        [Dir::FromLow, Dir::FromHigh].into_iter().map(|dir| self.missed_from(dir)).sum()
    }

    fn missed_from(&self, dir: Dir) -> u64 {
        let stream = &self.streams[dir.index()];
        let first = self.life.first_byte(dir);
        let positions = match (stream.positions, first) {
            (Some(p), _) => p,
            (None, Some(first)) => Positions::from_sequence(first),
            (None, None) => return 0,
        };
        let within = |p: i64| {
            let edge = stream.ranges.edge().unwrap_or(0);
            (p >= 0 && p <= edge + MAX_AHEAD).then_some(p)
        };
        let fin = self.life.fin_sequence(dir).and_then(|s| within(positions.position(s)));
        let to = fin.or_else(|| {
            // An acknowledgment one byte beyond may be that of a FIN that was
            // not captured: it proves nothing.
            let acked = self.life.acknowledged(dir).and_then(|s| within(positions.position(s)))?;
            let edge = stream.ranges.edge().unwrap_or(0);
            (acked > edge + 1).then_some(acked)
        });
        stream.ranges.missed(first.map(|_| 0), to)
    }

    /// Whether the capture lacks something of the connection.
    pub fn incomplete(&self) -> bool {
        let one_sided = self.life.established().is_some() && self.segments().contains(&0);
        one_sided || !self.life.start_seen() || self.missed() > 0 || self.findings().incomplete()
    }

    /// The direction in which the client sends: the opener of the connection;
    /// where that was not seen the end with the higher port, because servers
    /// have the lower one.
    pub fn client(&self, key: &Key) -> Dir {
        self.life.client().unwrap_or(if key.low.port > key.high.port {
            Dir::FromLow
        } else {
            Dir::FromHigh
        })
    }

    /// How the connection ended, as text.
    pub fn close(&self) -> Option<&'static str> {
        self.life.ended().map(|(_, how)| match how {
            Close::Fin => "fin",
            Close::Reset => "reset",
            Close::Replaced => "replaced",
            Close::Unacknowledged => "fin_unacknowledged",
        })
    }
}

/// Where a segment lies in its direction.
#[derive(Clone, Copy, Debug)]
struct Place {
    start: i64,
    /// Bytes on the wire.
    length: u32,
    /// Position after the highest byte seen before.
    before: Option<i64>,
    /// Whether it brought bytes that were not seen before.
    fresh: bool,
    /// Position up to which the receiver has confirmed.
    acknowledged: Option<i64>,
}

/// Shows a piece of a stream to the observer; the first progress counts.
fn deliver(
    observer: &mut Observer,
    side: Side,
    piece: Piece<'_>,
    certificates: &mut Certificates,
    progress: &mut Progress,
) {
    match piece {
        Piece::Data(bytes) => {
            let now = observer.data(side, bytes, certificates);
            if *progress == Progress::Open {
                *progress = now;
            }
        }
        Piece::Hole(bytes) => observer.hole(side, bytes),
    }
}

/// The observer's name for the sender of a direction.
pub(super) fn side(dir: Dir) -> Side {
    match dir {
        Dir::FromLow => Side::Low,
        Dir::FromHigh => Side::High,
    }
}
