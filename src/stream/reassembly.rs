//! One direction's bytes put in order while somebody reads them.

use crate::prefetch;

/// Bytes that may wait for others before them.
const MAX_WAITING_BYTES: usize = 128 * 1024;
/// Segments that may wait.
const MAX_WAITING_SEGMENTS: usize = 64;
/// How long bytes wait for others when the receiver has acknowledged those
/// (so it has them, and only the tap has not), in nanoseconds.
const PATIENCE_ACKNOWLEDGED: i64 = 1_000_000_000;
/// How long bytes wait when a retransmission may still bring the others.
const PATIENCE: i64 = 15_000_000_000;
/// Delivered bytes that are kept to compare retransmissions with.
const MAX_HISTORY: usize = 16 * 1024;

/// A piece of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// The next bytes, and the position of the first of them. A piece ends
    /// where a segment ended.
    Data(i64, &'a [u8]),
    /// Bytes that were not captured.
    Hole(u64),
}

#[derive(Debug)]
struct Waiting {
    start: i64,
    /// On the wire; the capture may hold fewer.
    end: i64,
    bytes: Vec<u8>,
}

/// Puts segments in order. The first copy of a byte wins.
#[derive(Debug, Default)]
pub struct Reassembler {
    next: i64,
    waiting: Vec<Waiting>,
    waiting_bytes: usize,
    since: i64,
    history: Vec<u8>,
    /// Position of the first byte of the history.
    history_start: i64,
    conflicts: u64,
}

impl Reassembler {
    /// Starts at a position.
    pub fn at(position: i64) -> Self {
        Self { next: position, history_start: position, ..Self::default() }
    }

    /// Takes a segment of `length` bytes at `start`, of which `bytes` were
    /// captured, and hands out what is in order now.
    ///
    /// `acknowledged` is the position up to which the receiver has confirmed.
    pub fn push(
        &mut self,
        start: i64,
        bytes: &[u8],
        length: u32,
        clock: i64,
        acknowledged: Option<i64>,
        deliver: &mut impl FnMut(Piece<'_>),
    ) {
        let end = start + i64::from(length);
        self.compare(start, bytes);
        if end > self.next {
            if start <= self.next {
                self.deliver_segment(start, end, bytes, deliver);
                self.drain(deliver);
            } else {
                self.wait(start, end, bytes, clock);
            }
        }
        if let Some(first) = self.waiting.first() {
            let had = acknowledged.is_some_and(|a| a >= first.start);
            let patience = if had { PATIENCE_ACKNOWLEDGED } else { PATIENCE };
            if clock.saturating_sub(self.since) >= patience
                || self.waiting_bytes > MAX_WAITING_BYTES
                || self.waiting.len() > MAX_WAITING_SEGMENTS
            {
                self.give_up(clock, deliver);
            }
        }
    }

    /// Says that bytes will be taken soon.
    pub fn prefetch(&self) {
        if let Some(last) = self.history.last() {
            prefetch::line(last, 0);
            prefetch::line(last, 1);
        }
    }

    /// Hands out everything that waits, with holes for what is missing.
    pub fn flush(&mut self, clock: i64, deliver: &mut impl FnMut(Piece<'_>)) {
        while !self.waiting.is_empty() {
            self.give_up(clock, deliver);
        }
    }

    /// Position of the next byte to be handed out.
    pub fn position(&self) -> i64 {
        self.next
    }

    /// Whether bytes wait for others.
    pub fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Bytes that are held: those that wait, and those that are compared with.
    pub fn held(&self) -> usize {
        self.waiting_bytes + self.history.len()
    }

    /// Segments that contradicted bytes seen before.
    pub fn conflicts(&self) -> u64 {
        self.conflicts
    }

    fn give_up(&mut self, clock: i64, deliver: &mut impl FnMut(Piece<'_>)) {
        let Some(first) = self.waiting.first() else {
            return;
        };
        let hole = first.start - self.next;
        if hole > 0 {
            deliver(Piece::Hole(hole.unsigned_abs()));
            self.next = first.start;
            self.history.clear();
            self.history_start = self.next;
        }
        self.since = clock;
        self.drain(deliver);
    }

    fn wait(&mut self, start: i64, end: i64, bytes: &[u8], clock: i64) {
        if self.waiting.is_empty() {
            self.since = clock;
        }
        // Kept by start; of equal ones the first is delivered first.
        let at = self.waiting.partition_point(|w| w.start <= start);
        if let Some(before) = at.checked_sub(1).and_then(|at| self.waiting.get(at)) {
            self.conflicts += u64::from(contradict(before.start, &before.bytes, start, bytes));
            if before.end >= end {
                return;
            }
        }
        if let Some(after) = self.waiting.get(at) {
            self.conflicts += u64::from(contradict(after.start, &after.bytes, start, bytes));
        }
        self.waiting_bytes += bytes.len();
        self.waiting.insert(at, Waiting { start, end, bytes: bytes.to_vec() });
    }

    fn drain(&mut self, deliver: &mut impl FnMut(Piece<'_>)) {
        let ready = self.waiting.iter().take_while({
            let mut next = self.next;
            move |w| {
                let reached = w.start <= next;
                if reached {
                    next = next.max(w.end);
                }
                reached
            }
        });
        let ready = ready.count();
        for w in self.waiting.drain(..ready).collect::<Vec<_>>() {
            self.waiting_bytes -= w.bytes.len();
            if w.end > self.next {
                self.deliver_segment(w.start, w.end, &w.bytes, deliver);
            }
        }
    }

    /// Delivers the part of a segment from `next` on.
    fn deliver_segment(
        &mut self,
        start: i64,
        end: i64,
        bytes: &[u8],
        deliver: &mut impl FnMut(Piece<'_>),
    ) {
        let skip = usize::try_from(self.next - start).unwrap_or(0);
        let fresh = bytes.get(skip..).unwrap_or_default();
        if !fresh.is_empty() {
            deliver(Piece::Data(self.next, fresh));
            self.remember(fresh);
            self.next += fresh.len() as i64;
        }
        if self.next < end {
            // The capture cut the segment short.
            deliver(Piece::Hole((end - self.next).unsigned_abs()));
            self.next = end;
            self.history.clear();
            self.history_start = end;
        }
    }

    fn remember(&mut self, bytes: &[u8]) {
        if self.history.len() + bytes.len() > MAX_HISTORY {
            self.history.clear();
            self.history_start = self.next;
        }
        if bytes.len() <= MAX_HISTORY {
            self.history.extend_from_slice(bytes);
        } else {
            self.history_start = self.next + bytes.len() as i64;
        }
    }

    fn compare(&mut self, start: i64, bytes: &[u8]) {
        if start < self.next {
            self.conflicts +=
                u64::from(contradict(self.history_start, &self.history, start, bytes));
        }
    }
}

/// Whether two stretches of bytes differ where they overlap.
fn contradict(a_start: i64, a: &[u8], b_start: i64, b: &[u8]) -> bool {
    let from = a_start.max(b_start);
    let to = (a_start + a.len() as i64).min(b_start + b.len() as i64);
    if from >= to {
        return false;
    }
    part(a_start, a, from, to) != part(b_start, b, from, to)
}

/// The bytes at positions `from..to` of a stretch that begins at `start`.
fn part(start: i64, bytes: &[u8], from: i64, to: i64) -> Option<&[u8]> {
    let at = usize::try_from(from - start).ok()?;
    let end = usize::try_from(to - start).ok()?;
    bytes.get(at..end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Default)]
    struct Reader {
        bytes: Vec<u8>,
        holes: Vec<u64>,
    }

    impl Reader {
        fn take(&mut self) -> impl FnMut(Piece<'_>) {
            |piece| match piece {
                Piece::Data(_, b) => self.bytes.extend_from_slice(b),
                Piece::Hole(n) => {
                    self.holes.push(n);
                    self.bytes.extend(std::iter::repeat_n(b'?', n as usize));
                }
            }
        }
    }

    fn push(r: &mut Reassembler, out: &mut Reader, start: i64, bytes: &[u8], clock: i64) {
        r.push(start, bytes, bytes.len() as u32, clock, None, &mut out.take());
    }

    #[test]
    fn reordered_and_repeated_segments() {
        let (mut r, mut out) = (Reassembler::at(0), Reader::default());
        push(&mut r, &mut out, 3, b"def", 0);
        push(&mut r, &mut out, 6, b"ghi", 0);
        push(&mut r, &mut out, 0, b"abcd", 0);
        push(&mut r, &mut out, 0, b"abcd", 0);
        assert_eq!(
            (out.bytes.as_slice(), r.conflicts(), r.is_waiting()),
            (&b"abcdefghi"[..], 0, false)
        );
    }

    #[test]
    fn the_first_copy_wins_and_the_conflict_is_counted() {
        let (mut r, mut out) = (Reassembler::at(0), Reader::default());
        push(&mut r, &mut out, 0, b"abc", 0);
        push(&mut r, &mut out, 1, b"XXd", 0);
        assert_eq!((out.bytes.as_slice(), r.conflicts()), (&b"abcd"[..], 1));
        push(&mut r, &mut out, 6, b"ghi", 0);
        push(&mut r, &mut out, 7, b"Yij", 0);
        assert_eq!(r.conflicts(), 2);
    }

    #[test]
    fn a_hole_is_given_up_after_a_while() {
        let (mut r, mut out) = (Reassembler::at(0), Reader::default());
        push(&mut r, &mut out, 2, b"cd", 0);
        push(&mut r, &mut out, 4, b"ef", PATIENCE - 1);
        assert!(out.bytes.is_empty());
        push(&mut r, &mut out, 6, b"gh", PATIENCE);
        assert_eq!((out.bytes.as_slice(), out.holes.as_slice()), (&b"??cdefgh"[..], &[2][..]));
    }

    #[test]
    fn a_hole_that_the_receiver_has_not_is_given_up_sooner() {
        let (mut r, mut out) = (Reassembler::at(0), Reader::default());
        r.push(2, b"cd", 2, 0, Some(2), &mut out.take());
        r.push(4, b"ef", 2, PATIENCE_ACKNOWLEDGED, Some(4), &mut out.take());
        assert_eq!(out.bytes, b"??cdef");
    }

    #[test]
    fn cut_segments_leave_holes() {
        let (mut r, mut out) = (Reassembler::at(0), Reader::default());
        r.push(0, b"ab", 5, 0, None, &mut out.take());
        push(&mut r, &mut out, 5, b"fg", 0);
        assert_eq!((out.bytes.as_slice(), out.holes.as_slice()), (&b"ab???fg"[..], &[3][..]));
    }

    #[test]
    fn waiting_bytes_stay_bounded() {
        let (mut r, mut out) = (Reassembler::at(0), Reader::default());
        for i in 0..10_000 {
            push(&mut r, &mut out, 10 + i * 3000, &[7; 1500], 0);
            assert!(r.waiting_bytes <= MAX_WAITING_BYTES + 1500);
            assert!(r.waiting.len() <= MAX_WAITING_SEGMENTS + 1);
        }
    }

    proptest! {
        /// Whatever the order, the repetitions and the overlaps, the stream
        /// comes out once and in order.
        #[test]
        fn any_order_gives_the_stream(
            cuts in prop::collection::btree_set(1usize..200, 0..20),
            order in prop::collection::vec((0usize..30, 0usize..10), 0..60),
        ) {
            let stream: Vec<u8> = (0..200u16).map(|i| i as u8).collect();
            let mut edges: Vec<usize> = std::iter::once(0).chain(cuts).chain([200]).collect();
            edges.dedup();
            let segments: Vec<(usize, usize)> = edges.windows(2).map(|w| (w[0], w[1])).collect();
            let (mut r, mut out) = (Reassembler::at(0), Reader::default());
            for (i, longer) in order {
                let (from, to) = segments[i % segments.len()];
                let to = (to + longer).min(200);
                push(&mut r, &mut out, from as i64, &stream[from..to], 0);
            }
            for &(from, to) in &segments {
                push(&mut r, &mut out, from as i64, &stream[from..to], 0);
            }
            prop_assert_eq!(out.bytes, stream);
            prop_assert!(out.holes.is_empty());
            prop_assert_eq!((r.conflicts(), r.waiting_bytes), (0, 0));
        }
    }
}
