//! What the capture lacks of a TCP connection: bytes that one end sent and that were not
//! captured, one direction, packets that the capturing system dropped.
//!
//! Positions count from the first byte of a direction, after its SYN (RFC 9293 section 3.4).

use super::connection::{Connection, MAX_AHEAD};
use crate::flow::Dir;
use crate::stream::Positions;

/// The first bytes of a direction that tell whether a handshake begins it: the header of a TLS
/// record and the head of a message (RFC 8446 sections 4 and 5.1).
pub(super) const BEGINNING: i64 = 11;

impl Connection {
    /// Bytes that are known to have been sent and were not captured.
    pub fn missed(&self) -> u64 {
        [Dir::FromLow, Dir::FromHigh].into_iter().map(|dir| self.missed_from(dir)).sum()
    }

    /// Bytes that one end sent and that were not captured.
    pub(super) fn missed_from(&self, dir: Dir) -> u64 {
        let (first, to) = self.extent(dir);
        let ranges = &dir.of(&self.streams).ranges;
        // Where nothing was captured that is known to have been sent, it is all missing.
        ranges.missed(first.or(ranges.edge().is_none().then_some(0)), to)
    }

    /// Whether bytes are missing with which a handshake may have begun: among the first of
    /// one end.
    pub(super) fn misses_beginning(&self, dir: Dir) -> bool {
        let stream = dir.of(&self.streams);
        let (first, to) = self.extent(dir);
        let end = stream.ranges.edge().into_iter().chain(to).max().unwrap_or(0);
        end > 0 && (first.is_none() || !stream.ranges.seen_from_zero(end.min(BEGINNING)))
    }

    /// Whether that is so of either end.
    pub(super) fn misses_a_beginning(&self) -> bool {
        [Dir::FromLow, Dir::FromHigh].into_iter().any(|dir| self.misses_beginning(dir))
    }

    /// Whether it is known where the bytes of both ends begin: a SYN was captured, or what
    /// acknowledges it.
    pub(super) fn knows_first_bytes(&self) -> bool {
        [Dir::FromLow, Dir::FromHigh].iter().all(|&dir| self.life.first_byte(dir).is_some())
    }

    /// Sequence number after the last byte that was captured of one end.
    pub(super) fn edge(&self, dir: Dir) -> Option<u32> {
        let stream = dir.of(&self.streams);
        stream.sequence_edge().or_else(|| self.life.first_byte(dir))
    }

    /// The positions of the first byte that one end sent and after the last, where known.
    fn extent(&self, dir: Dir) -> (Option<i64>, Option<i64>) {
        let stream = dir.of(&self.streams);
        let first = self.life.first_byte(dir);
        let positions = match (stream.positions(), first) {
            (Some(p), _) => p,
            (None, Some(first)) => Positions::from_sequence(first),
            // What acknowledges alone has the number of the next byte.
            (None, None) => match self.life.first_seen(dir) {
                Some(seen) => Positions::from_sequence(seen),
                None => return (None, None),
            },
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
        (first.map(|_| 0), to)
    }

    /// Notes at its end whether packets were lost during its life.
    pub fn note_losses(&mut self, losses: u32) {
        self.lossy |= losses != self.losses;
    }

    /// Whether the capture lacks something of the connection, or may.
    pub fn incomplete(&self) -> bool {
        let one_sided = self.life.established().is_some() && self.segments().contains(&0);
        self.lossy
            || self.unseen.contains(&true)
            || one_sided
            || !self.life.start_seen()
            || self.missed() > 0
            || self.misses_a_beginning()
            || self.life.established().is_some() && !self.knows_first_bytes()
            || self.findings().incomplete()
    }
}
