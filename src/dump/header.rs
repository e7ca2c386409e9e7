//! How the beginning of a record is told from other bytes.

/// The shortest record: a header without subtypes, with its RDW.
pub(super) const MIN_RECORD: usize = 18;
/// The greatest logical record length of a VBS data set.
pub(super) const MAX_RECORD: usize = 32_760;
/// Bytes that are looked at.
pub(super) const HEAD: usize = 18;

/// Hundredths of a second in a day.
const DAY: u32 = 8_640_000;

/// A record or segment descriptor word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Descriptor {
    /// Length in bytes, with the word itself.
    pub length: usize,
    /// Which piece of a spanned record it is.
    pub segment: Segment,
}

/// Segment control code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Segment {
    Whole,
    First,
    Last,
    Middle,
}

impl Descriptor {
    /// Reads a word; `None` if it is none: a length that none has, or other
    /// bits than those of the segment control code.
    pub fn read(word: [u8; 4]) -> Option<Self> {
        let length = usize::from(u16::from_be_bytes([word[0], word[1]]));
        let segment = match (word[2], word[3]) {
            (0, 0) => Segment::Whole,
            (1, 0) => Segment::First,
            (2, 0) => Segment::Last,
            (3, 0) => Segment::Middle,
            _ => return None,
        };
        let least = if segment == Segment::Whole { MIN_RECORD } else { 5 };
        (least..=MAX_RECORD).contains(&length).then_some(Self { length, segment })
    }
}

/// The length of a block by its descriptor word, with the word itself: 16 bits, or
/// 31 with the first bit on.
pub(super) fn block(word: [u8; 4]) -> Option<usize> {
    const LARGE: u32 = 0x8000_0000;
    // What access methods write has less.
    const MOST: usize = 0x00FF_FFFF;
    let number = u32::from_be_bytes(word);
    let length = if number & LARGE != 0 {
        usize::try_from(number & !LARGE).ok()?
    } else if word[2..] == [0, 0] {
        usize::from(u16::from_be_bytes([word[0], word[1]]))
    } else {
        return None;
    };
    (9..=MOST).contains(&length).then_some(length)
}

/// The first four bytes.
pub(super) fn word(bytes: &[u8]) -> Option<[u8; 4]> {
    bytes.get(..4)?.try_into().ok()
}

/// The length of the record that begins with these bytes, if they look like the
/// beginning of one: its descriptor word, a time of day, a date, a system
/// identifier.
pub(super) fn record(bytes: &[u8]) -> Option<usize> {
    let descriptor = Descriptor::read(word(bytes)?)?;
    let head: &[u8; 14] = bytes.get(4..HEAD)?.try_into().ok()?;
    (descriptor.segment == Segment::Whole && is_head(head)).then_some(descriptor.length)
}

/// Whether bytes are those of a header after the descriptor word, from the flags
/// to the system identifier.
pub(super) fn is_head(head: &[u8; 14]) -> bool {
    let time = u32::from_be_bytes([head[2], head[3], head[4], head[5]]);
    let sid = &head[10..14];
    time <= DAY && is_date([head[6], head[7], head[8], head[9]]) && sid.iter().all(|b| is_name(*b))
}

/// A packed date `0cyydddF`.
fn is_date(date: [u8; 4]) -> bool {
    let digits = u32::from_be_bytes(date);
    let digit = |n: u32| digits >> (4 * n) & 0xF;
    let day = 100 * digit(3) + 10 * digit(2) + digit(1);
    digit(7) == 0
        && digit(6) <= 2
        && (1..=5).all(|n| digit(n) <= 9)
        && matches!(digit(0), 0xF | 0xC)
        && (1..=366).contains(&day)
}

/// A character of a name: a letter, a digit, a national character, a blank.
pub(super) fn is_name(byte: u8) -> bool {
    matches!(byte, 0x40 | 0x4B | 0x5B | 0x60 | 0x6D | 0x7B | 0x7C
        | 0x81..=0x89 | 0x91..=0x99 | 0xA2..=0xA9
        | 0xC1..=0xC9 | 0xD1..=0xD9 | 0xE2..=0xE9 | 0xF0..=0xF9)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        let read = |w: [u8; 4]| Descriptor::read(w).map(|d| (d.length, d.segment));
        assert_eq!(read([0, 18, 0, 0]), Some((18, Segment::Whole)));
        assert_eq!(read([0, 17, 0, 0]), None);
        assert_eq!(read([0, 5, 1, 0]), Some((5, Segment::First)));
        assert_eq!(read([0, 99, 3, 0]), Some((99, Segment::Middle)));
        assert_eq!(read([0, 99, 4, 0]), None);
        assert_eq!(read([0xFF, 0xFF, 0, 0]), None);
        assert_eq!(block([2, 0x58, 0, 0]), Some(600));
        assert_eq!(block([0x80, 1, 0, 0]), Some(65_536));
        assert_eq!((block([0, 8, 0, 0]), block([1, 0, 1, 0])), (None, None));
    }

    #[test]
    fn the_beginning_of_a_record() {
        let good = [0, 24, 0, 0, 0x5E, 119, 0, 0x34, 0x39, 0x42, 1, 0x25, 0x32, 0x6F];
        let with = |at: usize, byte: u8| {
            let mut bytes = good.to_vec();
            bytes.extend([0xE3, 0xC1, 0xD7, 0xF1]);
            bytes[at] = byte;
            record(&bytes)
        };
        assert_eq!(with(5, 30), Some(24));
        for (at, byte) in [(2, 1), (6, 1), (10, 0x11), (11, 0x2A), (12, 0x39), (13, 0x60), (15, 0)]
        {
            assert_eq!(with(at, byte), None, "{at}");
        }
        assert_eq!(record(&good), None);
    }
}
