//! The return to clear text: TLS that ends while the connection goes on, as
//! FTP's CCC or a program that stops AT-TLS ends it.
//!
//! Only the places where records begin are looked at. Text that stands there
//! is proof; a place that was not captured ends the watch, because what looks
//! like text in the middle of a record is none.

use super::record::{ALERT, HEADER, header};
use crate::observe::Side;

/// Bytes that have to be there to call them text.
const ENOUGH: usize = 4;
/// How many are looked at.
const LOOKED_AT: usize = 32;
const IAC: u8 = 0xFF;
/// The lowest TELNET command.
const LOWEST_COMMAND: u8 = 0xEF;

/// One direction.
#[derive(Clone, Copy, Debug)]
struct Half {
    /// Position of the next record's header.
    next: i64,
    /// What of the header has come.
    kept: [u8; HEADER],
    have: usize,
    /// Highest position seen.
    highest: i64,
    /// Content type of the last record.
    last: u8,
}

/// How far a direction was read when the watch begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// Position after the last byte read.
    pub read_to: i64,
    /// What [`super::record::Deframer::place`] says.
    pub rest: (usize, [u8; HEADER], usize),
    /// Content type of the last record.
    pub last: u8,
}

/// The watch over both directions.
#[derive(Clone, Debug)]
pub struct Closing {
    /// `None` where the place of the next record is not known.
    halves: [Option<Half>; 2],
    /// Alerts look like application data.
    tls13: bool,
}

impl Closing {
    /// A watch over directions that were read to these positions.
    pub(super) fn new(places: [Option<Place>; 2], tls13: bool) -> Self {
        let half = |p: Place| {
            let (left, kept, have) = p.rest;
            let next = p.read_to + count(left);
            Half { next, kept, have, highest: next, last: p.last }
        };
        Self { halves: places.map(|p| p.map(half)), tls13 }
    }

    /// Notes that a direction was seen up to a position: what lies before it
    /// and was not shown is lost.
    pub fn seen_to(&mut self, side: Side, position: i64) {
        let half = &mut self.halves[side.index()];
        if half.is_some_and(|h| h.next < position) {
            *half = None;
        }
    }

    /// Where the side's next record begins, if that is known.
    pub fn next(&self, side: Side) -> Option<i64> {
        self.halves[side.index()].map(|half| half.next - count(half.have))
    }

    /// Takes a segment: its captured bytes begin at `start`, on the wire it
    /// goes to `end`. Returns the position where clear text begins.
    pub fn segment(&mut self, side: Side, start: i64, bytes: &[u8], end: i64) -> Option<i64> {
        let slot = &mut self.halves[side.index()];
        let half = slot.as_mut()?;
        let highest = half.highest;
        half.highest = highest.max(end);
        // The usual case: the segment lies within a record, or before one.
        if end <= half.next {
            return None;
        }
        if start > half.next {
            // The header may still come, out of order.
            return None;
        }
        while half.next < end {
            let at = usize::try_from(half.next - start).unwrap_or(usize::MAX);
            let Some(rest) = bytes.get(at..).filter(|r| !r.is_empty()) else {
                // The capture cut the segment.
                *slot = None;
                return None;
            };
            let take = rest.len().min(HEADER - half.have);
            half.kept[half.have..half.have + take].copy_from_slice(&rest[..take]);
            half.have += take;
            half.next += count(take);
            if half.have < HEADER && could_begin(&half.kept[..half.have]) {
                break;
            }
            match header(&half.kept).filter(|_| half.have == HEADER) {
                Some((content, length)) => {
                    half.last = content;
                    half.have = 0;
                    half.next += count(length);
                }
                None => {
                    let begins = half.next - count(half.have);
                    let ended = self.tls13 || half.last == ALERT;
                    let text = half.kept[..half.have].iter().chain(&rest[take..]);
                    let clear = ended && is_clear(text.copied().take(LOOKED_AT));
                    *slot = None;
                    return clear.then_some(begins);
                }
            }
        }
        // Bytes behind the next header came before and are gone.
        if half.next < highest {
            *slot = None;
        }
        None
    }
}

/// Whether some bytes could be the beginning of a record's header.
fn could_begin(bytes: &[u8]) -> bool {
    bytes.first().is_none_or(|b| (20..=24).contains(b)) && bytes.get(1).is_none_or(|&b| b == 3)
}

/// Whether bytes are those of a clear protocol: text, or a TELNET command.
fn is_clear(bytes: impl Iterator<Item = u8>) -> bool {
    let bytes: Vec<u8> = bytes.collect();
    if let [IAC, command, ..] = bytes[..] {
        return command >= LOWEST_COMMAND;
    }
    let text = |b: &u8| matches!(b, b'\t' | b'\r' | b'\n' | b' '..=b'~');
    bytes.len() >= ENOUGH && bytes.iter().all(text)
}

fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Side = Side::Low;

    fn watch(tls13: bool) -> Closing {
        let place = Place { read_to: 0, rest: (0, [0; HEADER], 0), last: 23 };
        Closing::new([Some(place); 2], tls13)
    }

    /// Shows segments one after the other; the position of clear text.
    fn show(closing: &mut Closing, segments: &[&[u8]]) -> Option<i64> {
        let mut start = 0;
        for s in segments {
            let end = start + s.len() as i64;
            let found = closing.segment(A, start, s, end);
            if found.is_some() {
                return found;
            }
            start = end;
        }
        None
    }

    const DATA: &[u8] = &[23, 3, 3, 0, 3, 1, 2, 3];
    const CLOSE: &[u8] = &[21, 3, 3, 0, 2, 9, 9];

    #[test]
    fn text_after_an_alert_is_clear() {
        assert_eq!(show(&mut watch(false), &[DATA, CLOSE, b"200 ok\r\n"]), Some(15));
        let joined = [DATA, CLOSE, b"200 ok\r\n"].concat();
        for cut in 1..16 {
            let pieces = [&joined[..cut], &joined[cut..]];
            assert_eq!(show(&mut watch(false), &pieces), Some(15), "cut at {cut}");
        }
    }

    #[test]
    fn without_an_alert_only_version_1_3_can_have_ended() {
        assert_eq!(show(&mut watch(false), &[DATA, b"200 ok\r\n"]), None);
        assert_eq!(show(&mut watch(true), &[DATA, b"200 ok\r\n"]), Some(8));
        assert_eq!(show(&mut watch(true), &[DATA, &[0xFF, 0xFD, 24]]), Some(8));
        assert_eq!(show(&mut watch(true), &[DATA, &[0x80, 0x81, 0x82, 0x83]]), None);
    }

    #[test]
    fn a_hole_ends_the_watch() {
        let mut closing = watch(true);
        assert_eq!(closing.segment(A, 0, DATA, 8), None);
        // The record at 8 was not captured: this text may be inside of one.
        assert_eq!(closing.segment(A, 20, b"hello there", 31), None);
        assert_eq!(closing.segment(A, 8, DATA, 16), None);
        assert_eq!(closing.segment(A, 16, b"abcd", 20), None);
        assert_eq!(closing.next(A), None);
    }

    #[test]
    fn a_segment_that_comes_late_within_a_record_does_no_harm() {
        let mut closing = watch(true);
        let long = [&[23, 3, 3, 0, 20][..], &[7; 20]].concat();
        assert_eq!(closing.segment(A, 0, &long[..5], 5), None);
        assert_eq!(closing.segment(A, 15, &long[15..], 25), None);
        assert_eq!(closing.segment(A, 5, &long[5..15], 15), None);
        assert_eq!(closing.segment(A, 25, b"QUIT\r\n", 31), Some(25));
    }

    #[test]
    fn a_cut_segment_ends_the_watch() {
        let mut closing = watch(true);
        assert_eq!(closing.segment(A, 0, &DATA[..8], 400), None);
        assert_eq!(closing.next(A), None);
        let mut closing = watch(true);
        closing.seen_to(A, 1);
        assert_eq!(closing.next(A), None);
    }
}
