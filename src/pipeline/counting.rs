//! What is counted of a connection: bytes and segments of each direction; segments by what they
//! are for, where somebody asks; and what of them counts by the rule of a stack.

use super::connection::Connection;
use crate::config::{CountingRule, SegmentKind};
use crate::flow::Dir;
use crate::frame::{Segment, flag};

/// Bytes and segments of each direction at a moment, as records count them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counts {
    pub bytes: [u64; 2],
    pub segments: [u64; 2],
}

/// How many kinds there are.
const KINDS: usize = SegmentKind::ALL.len();

/// Segments of one direction.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SegmentKinds {
    kinds: [u64; KINDS],
    /// Bytes that were sent again.
    again: u64,
    /// Whether the last segment with data had one byte: it may have been a window probe.
    one_byte: bool,
    /// Whether the acknowledgment of the other side's SYN was seen.
    acknowledged: bool,
}

impl SegmentKinds {
    /// The numbers, in the order of the kinds; bytes that were sent again are the last.
    pub fn numbers(&self) -> [u64; KINDS + 1] {
        let mut all = [0; KINDS + 1];
        for (to, from) in all.iter_mut().zip(self.kinds.into_iter().chain([self.again])) {
            *to = from;
        }
        all
    }

    /// Segments that do not count.
    fn without(&self, rule: CountingRule) -> u64 {
        let counts = self.kinds.iter().zip(SegmentKind::ALL);
        counts.filter(|(_, kind)| rule.without & kind.bit() != 0).map(|(n, _)| n).sum()
    }

    fn add(&mut self, kind: SegmentKind) {
        if let Some(count) = self.kinds.get_mut(kind as usize) {
            *count += 1;
        }
    }
}

impl Connection {
    /// Tells what a segment is for; to be called before it is taken.
    pub(super) fn tell_kind(&mut self, dir: Dir, segment: &Segment) {
        let next = self.edge(dir);
        let is_opener = self.life.client() == Some(dir);
        let Some(kinds) = &mut self.segment_kinds else { return };
        let kinds = dir.of_mut(kinds);
        let has = |bit: u8| segment.flags & bit != 0;
        // How far before the next byte it begins.
        let back = next.map(|next| next.wrapping_sub(segment.seq) as i32);
        let length = i64::from(segment.length);
        if segment.length > 0 {
            let again = back.map_or(0, i64::from).clamp(0, length);
            kinds.again += again.unsigned_abs();
            if back == Some(1) && length == 1 {
                kinds.add(SegmentKind::Probe);
                kinds.again -= 1;
            } else if again == length {
                kinds.add(SegmentKind::Retransmission);
            } else if back == Some(1) && kinds.one_byte {
                // The one before was a probe of a window that was closed.
                kinds.add(SegmentKind::Probe);
                kinds.again -= 1;
            }
            kinds.one_byte = segment.length == 1;
        } else if has(flag::RST) {
            kinds.add(SegmentKind::Rst);
        } else if has(flag::SYN) {
            kinds.add(SegmentKind::Syn);
        } else if has(flag::FIN) {
            kinds.add(SegmentKind::Fin);
        } else if back == Some(1) {
            kinds.add(SegmentKind::Probe);
        } else if is_opener && !kinds.acknowledged {
            kinds.acknowledged = true;
            kinds.add(SegmentKind::HandshakeAck);
        } else {
            kinds.add(SegmentKind::Ack);
        }
    }

    /// Payload bytes of each direction, each once.
    pub fn bytes(&self) -> [u64; 2] {
        self.streams.each_ref().map(|s| s.ranges.bytes())
    }

    /// Segments of each direction.
    pub fn segments(&self) -> [u64; 2] {
        self.streams.each_ref().map(|s| s.segments)
    }

    /// What counts so far.
    pub fn counted(&self) -> Counts {
        let (mut bytes, mut segments) = (self.bytes(), self.segments());
        let rule = self.settings.counting.unwrap_or_default();
        if let Some(kinds) = self.segment_kinds.as_deref().filter(|_| !rule.is_default()) {
            for (n, kinds) in segments.iter_mut().zip(kinds) {
                *n = n.saturating_sub(kinds.without(rule));
            }
            for (n, kinds) in bytes.iter_mut().zip(kinds).filter(|_| rule.bytes_again) {
                *n = n.saturating_add(kinds.again);
            }
        }
        Counts { bytes, segments }
    }
}
