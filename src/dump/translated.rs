//! What a transfer in text mode makes of records: each byte becomes another. The headers of
//! records are known well enough to be recognised all the same, so that the message can say
//! what happened.

use super::header;
use crate::record::{SUBTYPE_DETAIL, SUBTYPE_SUMMARY, TYPE_TCPIP, ebcdic};

/// Header up to the system identifier, and up to the subtype.
const HEAD: usize = 14;
const LONG_HEAD: usize = 20;
/// Headers of records of any type that are enough.
const ENOUGH: usize = 3;
/// In text that was decoded: a character that stands for any byte that is none.
const LOST: u16 = 0x100;

/// What happened to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Translation {
    /// EBCDIC to ASCII.
    #[error("translated from EBCDIC to ASCII")]
    ToAscii,
    /// EBCDIC to UTF-8.
    #[error("translated from EBCDIC to UTF-8")]
    ToUtf8,
    /// ASCII to EBCDIC.
    #[error("translated from ASCII to EBCDIC")]
    ToEbcdic,
    /// Bytes taken for characters and written as UTF-8.
    #[error("written as UTF-8 as if its bytes were characters")]
    AsUtf8,
    /// The first bit of each byte is gone.
    #[error("transferred over seven bits: the first bit of each byte is lost")]
    SevenBits,
    /// Bytes are exchanged in twos.
    #[error("written with the two bytes of each halfword exchanged")]
    Swapped2,
    /// Bytes are reversed in fours.
    #[error("written with the four bytes of each word reversed")]
    Swapped4,
}

/// Bytes that may stand in a place.
type Class = [bool; LOST as usize + 1];

/// What may stand in the places of a header.
struct Pattern {
    flags: Class,
    kind: Class,
    zero: Class,
    century: Class,
    digits: Class,
    last: Class,
    name: Class,
    subtype: Class,
}

impl Pattern {
    /// The headers of records after each byte has become one of others.
    fn of(images: impl Fn(u8) -> Vec<u8>, zert: bool) -> Self {
        let class = |is: &dyn Fn(u8) -> bool| {
            let mut class = [false; LOST as usize + 1];
            // What was lost may have been anything.
            if let Some(lost) = class.last_mut() {
                *lost = true;
            }
            for byte in (0..=255).filter(|byte| is(*byte)) {
                for image in images(byte) {
                    if let Some(place) = class.get_mut(usize::from(image)) {
                        *place = true;
                    }
                }
            }
            class
        };
        let digits = |b: u8| b >> 4 <= 9 && b & 0xF <= 9;
        Self {
            flags: class(&|b| if zert { b == 0x5E } else { b & !0x40 == 0x1E }),
            kind: class(&|b| !zert || b == TYPE_TCPIP),
            zero: class(&|b| b == 0),
            century: class(&|b| b <= 1),
            digits: class(&digits),
            last: class(&|b| b >> 4 <= 9 && matches!(b & 0xF, 0xF | 0xC)),
            name: class(&header::is_name),
            subtype: class(&|b| !zert || [SUBTYPE_DETAIL, SUBTYPE_SUMMARY].contains(&u16::from(b))),
        }
    }

    fn matches(&self, at: &[u16], zert: bool) -> bool {
        let is = |class: &Class, n: usize| {
            at.get(n).is_some_and(|b| class.get(usize::from(*b)).copied().unwrap_or(false))
        };
        is(&self.flags, 0)
            && is(&self.kind, 1)
            && is(&self.zero, 2)
            && is(&self.century, 6)
            && is(&self.digits, 7)
            && is(&self.digits, 8)
            && is(&self.last, 9)
            && (10..HEAD).all(|n| is(&self.name, n))
            && (!zert || is(&self.zero, 18) && is(&self.subtype, 19))
    }
}

/// Whether records begin somewhere in bytes each of which has become one of others: a zERT
/// record, or several of any type.
fn found(bytes: &[u16], images: impl Fn(u8) -> Vec<u8>, zert: bool) -> bool {
    let pattern = Pattern::of(images, zert);
    let (length, enough) = if zert { (LONG_HEAD, 1) } else { (HEAD, ENOUGH) };
    bytes.windows(length).filter(|at| pattern.matches(at, zert)).take(enough).count() == enough
}

/// What a byte may become from EBCDIC to ASCII: by code page 1047 or 037 to ISO 8859-1, with
/// either place of line feed; where only ASCII is left, seven bits of it, or what stands for
/// what is not known.
fn to_ascii(byte: u8) -> Vec<u8> {
    let standard = latin1(byte);
    let mut images = vec![standard];
    images.extend(
        match byte {
            0x15 | 0x25 => Some([0x0A, 0x85]),
            0x5F => Some([0xAC, 0x5E]),
            0xAD => Some([0xDD, 0x5B]),
            0xBD => Some([0xA8, 0x5D]),
            0xB0 => Some([0x5E, 0xA2]),
            0xBA => Some([0x5B, 0xDD]),
            0xBB => Some([0x5D, 0xA8]),
            _ => None,
        }
        .into_iter()
        .flatten(),
    );
    if standard >= 0x80 || standard < 0x20 && byte >= 0x20 {
        images.extend([standard & 0x7F, 0x1A, b'?']);
    }
    images
}

fn latin1(byte: u8) -> u8 {
    let text = ebcdic::decode(&[byte]);
    text.chars().next().and_then(|c| u8::try_from(u32::from(c)).ok()).unwrap_or(0)
}

/// What a byte may become from ASCII to EBCDIC.
fn to_ebcdic(byte: u8) -> Vec<u8> {
    let standard = ebcdic::encode_char(char::from(byte)).unwrap_or(0);
    match byte {
        0x0A | 0x85 => vec![0x15, 0x25],
        0x5E => vec![standard, 0xB0],
        _ => vec![standard],
    }
}

/// Says what happened to a file, by its first bytes; `None` if headers are as they should be,
/// or nothing is like one.
pub(super) fn cause(ahead: &[u8]) -> Option<Translation> {
    // zERT records say it for certain; others only where there are no such.
    [true, false].into_iter().find_map(|zert| cause_by(ahead, zert)).flatten()
}

/// The same, by zERT records or by others; `Some(None)` if they are as they should be.
fn cause_by(ahead: &[u8], zert: bool) -> Option<Option<Translation>> {
    let is = |bytes: &[u16], images: &dyn Fn(u8) -> Vec<u8>| {
        found(bytes, images, zert) || found(&without_returns(bytes), images, zert)
    };
    // Bytes from X'80' on that are UTF-8 throughout are no accident.
    if let Some(text) = text(ahead).filter(|_| ahead.iter().any(|b| *b >= 0x80)) {
        if is(&text, &|b| vec![b]) {
            return Some(Some(Translation::AsUtf8));
        }
        if is(&text, &to_ascii) {
            return Some(Some(Translation::ToUtf8));
        }
    }
    let bytes: Vec<u16> = ahead.iter().map(|b| u16::from(*b)).collect();
    if found(&bytes, |b| vec![b], zert) {
        return Some(None);
    }
    if is(&bytes, &to_ascii) {
        return Some(Some(Translation::ToAscii));
    }
    if is(&bytes, &|b| vec![b & 0x7F]) {
        return Some(Some(Translation::SevenBits));
    }
    if is(&bytes, &to_ebcdic) {
        return Some(Some(Translation::ToEbcdic));
    }
    for (width, what) in [(2, Translation::Swapped2), (4, Translation::Swapped4)] {
        for start in 0..width {
            let words = bytes.get(start..).unwrap_or_default().chunks(width);
            let swapped: Vec<u16> = words.flat_map(|word| word.iter().rev().copied()).collect();
            if found(&swapped, |b| vec![b], zert) {
                return Some(Some(what));
            }
        }
    }
    None
}

/// Line ends may have got a carriage return on the way.
fn without_returns(bytes: &[u16]) -> Vec<u16> {
    let next = bytes.iter().skip(1).map(Some).chain([None]);
    let pairs = bytes.iter().zip(next);
    let kept = pairs.filter(|(b, next)| !(**b == 0x0D && next.is_some_and(|n| *n == 0x0A)));
    kept.map(|(b, _)| *b).collect()
}

/// Whether zERT records have lost the first bit of each byte, though their headers look as they
/// should: there is no letter of EBCDIC in them, which every stack's name has.
pub(super) fn lost_first_bits(ahead: &[u8]) -> bool {
    ahead.iter().all(|byte| *byte < 0x80) && {
        let bytes: Vec<u16> = ahead.iter().map(|b| u16::from(*b)).collect();
        let zert = Pattern::of(|b| vec![b & 0x7F], true);
        bytes.windows(LONG_HEAD).any(|at| zert.matches(at, true))
    }
}

/// The characters of UTF-8, if it is: those that are no byte are [`LOST`].
fn text(ahead: &[u8]) -> Option<Vec<u16>> {
    let valid = match std::str::from_utf8(ahead) {
        Ok(text) => text,
        // The end may be cut.
        Err(error) if error.valid_up_to() + 4 > ahead.len() => {
            std::str::from_utf8(ahead.get(..error.valid_up_to())?).ok()?
        }
        Err(_) => return None,
    };
    let byte = |c: char| u8::try_from(u32::from(c)).map_or(LOST, u16::from);
    Some(valid.chars().map(byte).collect())
}
