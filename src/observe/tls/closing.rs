//! The return to clear text: TLS that ends while the connection goes on, as
//! FTP's CCC or a program that stops AT-TLS ends it.
//!
//! Only the places where records begin are looked at. Text that stands there
//! is proof; a place that was not captured ends the watch, because what looks
//! like text in the middle of a record is none.

use super::record::{ALERT, HEADER, header};

/// Bytes that have to be there to call them text.
const ENOUGH: usize = 4;
/// How many are looked at.
const LOOKED_AT: usize = 32;
const IAC: u8 = 0xFF;
/// The lowest TELNET command.
const LOWEST_COMMAND: u8 = 0xEF;

/// How far a direction was read when the watch begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct RecordPosition {
    /// Position after the last byte read.
    pub read_to: i64,
    /// What [`super::record::Deframer::place`] says.
    pub rest: (usize, [u8; HEADER], usize),
    /// Content type of the last record.
    pub last: u8,
}

/// The watch over one direction. It stays with the connection for its whole life, so it
/// is kept small: 16 bytes.
#[derive(Clone, Copy, Debug)]
pub struct CloseWatch {
    /// Position of the next record's header, or of what of it has not come.
    next: i64,
    /// What of the header has come.
    kept: [u8; HEADER],
    have: u8,
    /// Content type of the last record.
    last: u8,
    /// Alerts look like application data.
    tls13: bool,
}

/// What a segment shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseIndication {
    /// Records, or the middle of one.
    Records,
    /// The place of the next record is not known any more: the watch is over.
    Lost,
    /// Clear text from this position on.
    Clear(i64),
}

impl CloseWatch {
    /// A watch over a direction that was read to a place.
    pub(super) fn new(place: RecordPosition, tls13: bool) -> Self {
        let (left, kept, have) = place.rest;
        let next = place.read_to + count(left);
        // A header has five bytes.
        let have = u8::try_from(have.min(HEADER)).unwrap_or(0);
        Self { next, kept, have, last: place.last, tls13 }
    }

    /// Whether the next record begins at a position or beyond: what ends there shows
    /// nothing, and nothing is lost where its direction was seen up to there.
    #[inline]
    pub fn is_beyond(&self, position: i64) -> bool {
        self.next >= position
    }

    /// Where the next record begins.
    pub fn next(&self) -> i64 {
        self.next - i64::from(self.have)
    }

    /// Takes a segment: its captured bytes begin at `start`, on the wire it
    /// goes to `end`. `edge` is the position after the highest byte seen before.
    pub fn segment(&mut self, start: i64, bytes: &[u8], end: i64, edge: i64) -> CloseIndication {
        // The usual case: the segment lies within a record, or before one. Or the header
        // may still come, out of order.
        if self.is_beyond(end) || start > self.next {
            return CloseIndication::Records;
        }
        while self.next < end {
            let at = usize::try_from(self.next - start).unwrap_or(usize::MAX);
            let Some(rest) = bytes.get(at..).filter(|r| !r.is_empty()) else {
                // The capture cut the segment.
                return CloseIndication::Lost;
            };
            let have = usize::from(self.have);
            let take = rest.len().min(HEADER - have);
            for (kept, &byte) in self.kept.iter_mut().skip(have).zip(rest) {
                *kept = byte;
            }
            let have = have + take;
            self.have = u8::try_from(have).unwrap_or(0);
            self.next += count(take);
            let begun = self.kept.get(..have).unwrap_or_default();
            let ended = self.tls13 || self.last == ALERT;
            if have < HEADER && (could_begin(begun) || ended && could_be_clear(begun)) {
                break;
            }
            match header(&self.kept).filter(|_| have == HEADER) {
                Some((content, length)) => {
                    self.last = content;
                    self.have = 0;
                    self.next += count(length);
                }
                None => {
                    let text = self.kept.iter().take(have).chain(rest.iter().skip(take));
                    let clear = ended && is_clear(text.copied().take(LOOKED_AT));
                    return if clear {
                        CloseIndication::Clear(self.next())
                    } else {
                        CloseIndication::Lost
                    };
                }
            }
        }
        // Bytes behind the next header came before and are gone.
        if self.next < edge { CloseIndication::Lost } else { CloseIndication::Records }
    }
}

/// Whether some bytes could be the beginning of a record's header.
fn could_begin(bytes: &[u8]) -> bool {
    bytes.first().is_none_or(|b| (20..=24).contains(b))
        && bytes.get(1).is_none_or(|&b| b == 3 || b == 1)
}

/// Whether some bytes could be the beginning of [clear](is_clear) ones, and are too few to say so.
fn could_be_clear(bytes: &[u8]) -> bool {
    bytes == [IAC] || bytes.len() < ENOUGH && bytes.iter().all(is_text)
}

fn is_text(byte: &u8) -> bool {
    matches!(byte, b'\t' | b'\r' | b'\n' | b' '..=b'~')
}

/// Whether bytes are those of a clear protocol: text, or a TELNET command.
fn is_clear(bytes: impl Iterator<Item = u8>) -> bool {
    let bytes: Vec<u8> = bytes.collect();
    if let [IAC, command, ..] = bytes[..] {
        return command >= LOWEST_COMMAND;
    }
    bytes.len() >= ENOUGH && bytes.iter().all(is_text)
}

fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A watch with the highest position seen.
    struct CloseWatchState(Option<CloseWatch>, i64);

    impl CloseWatchState {
        fn segment(&mut self, start: i64, bytes: &[u8], end: i64) -> Option<i64> {
            let shown = self.0.as_mut()?.segment(start, bytes, end, self.1);
            self.1 = self.1.max(end);
            if shown != CloseIndication::Records {
                self.0 = None;
            }
            if let CloseIndication::Clear(at) = shown { Some(at) } else { None }
        }

        fn next(&self) -> Option<i64> {
            self.0.map(|watch| watch.next())
        }
    }

    fn watch(tls13: bool) -> CloseWatchState {
        let place = RecordPosition { read_to: 0, rest: (0, [0; HEADER], 0), last: 23 };
        CloseWatchState(Some(CloseWatch::new(place, tls13)), 0)
    }

    /// Shows segments one after the other; the position of clear text.
    fn show(closing: &mut CloseWatchState, segments: &[&[u8]]) -> Option<i64> {
        let mut start = 0;
        for s in segments {
            let end = start + s.len() as i64;
            let found = closing.segment(start, s, end);
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
        let single: Vec<&[u8]> = joined.chunks(1).collect();
        assert_eq!(show(&mut watch(false), &single), Some(15));
        let telnet = [DATA, CLOSE, &[0xFF, 0xFD, 24]].concat();
        assert_eq!(show(&mut watch(false), &telnet.chunks(1).collect::<Vec<_>>()), Some(15));
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
        assert_eq!(closing.segment(0, DATA, 8), None);
        // The record at 8 was not captured: this text may be inside of one.
        assert_eq!(closing.segment(20, b"hello there", 31), None);
        assert_eq!(closing.segment(8, DATA, 16), None);
        assert_eq!(closing.segment(16, b"abcd", 20), None);
        assert_eq!(closing.next(), None);
    }

    #[test]
    fn a_segment_that_comes_late_within_a_record_does_no_harm() {
        let mut closing = watch(true);
        let long = [&[23, 3, 3, 0, 20][..], &[7; 20]].concat();
        assert_eq!(closing.segment(0, &long[..5], 5), None);
        assert_eq!(closing.segment(15, &long[15..], 25), None);
        assert_eq!(closing.segment(5, &long[5..15], 15), None);
        assert_eq!(closing.segment(25, b"QUIT\r\n", 31), Some(25));
    }

    #[test]
    fn a_cut_segment_ends_the_watch() {
        let mut closing = watch(true);
        assert_eq!(closing.segment(0, &DATA[..8], 400), None);
        assert_eq!(closing.next(), None);
        let closing = watch(true);
        assert_eq!(closing.0.map(|w| (w.is_beyond(0), w.is_beyond(1))), Some((true, false)));
    }
}
