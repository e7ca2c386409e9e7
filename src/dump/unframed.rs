//! Records without descriptor words, as FTP leaves them when it is not asked to
//! keep them: the boundaries are lost. What is known of a record's inside gives
//! the length back, if another record or the end of the file follows there.

use super::header;
use crate::record::{SUBTYPE_DETAIL, SUBTYPE_SUMMARY, TYPE_TCPIP};

/// Bytes of the lost descriptor word; offsets in a record count it.
const RDW: usize = 4;
/// Header, dump header record and dump trailer record, without descriptor word.
const HEAD: usize = 14;
const DUMP_HEADER: u8 = 2;
const DUMP_TRAILER: u8 = 3;
/// Triplets and names of a record that is believed.
const MOST_TRIPLETS: usize = 64;
const MOST_NAMES: usize = 64;

/// The system identifier of a record that begins here.
pub(super) fn sid(ahead: &[u8]) -> [u8; 4] {
    ahead.get(10..14).and_then(|s| s.try_into().ok()).unwrap_or_default()
}

/// Whether a header of this system begins here.
pub(super) fn is_head(ahead: &[u8], sid: &[u8; 4]) -> bool {
    let head: Option<&[u8; HEAD]> = ahead.get(..HEAD).and_then(|h| h.try_into().ok());
    head.is_some_and(|head| header::is_head(head) && head[10..] == *sid)
}

/// The length of the record that begins here, without descriptor word. `None` if
/// it cannot be told.
pub(super) fn record(ahead: &[u8], sid: &[u8; 4], whole: bool) -> Option<usize> {
    let length = length(ahead).filter(|_| is_head(ahead, sid))?;
    match ahead.get(length..)? {
        [] => whole.then_some(length),
        next => is_head(next, sid).then_some(length),
    }
}

/// The length by what is inside: the end of the last section.
fn length(ahead: &[u8]) -> Option<usize> {
    match ahead {
        [_, DUMP_HEADER | DUMP_TRAILER, ..] => Some(HEAD),
        [flags, TYPE_TCPIP, ..] if flags & 0x40 != 0 => sections(ahead),
        _ => None,
    }
}

fn sections(ahead: &[u8]) -> Option<usize> {
    // Only so much as a record can have.
    let ahead = ahead.get(..header::MAX_RECORD).unwrap_or(ahead);
    let half = |at: usize| {
        let bytes = ahead.get(at..)?.first_chunk()?;
        Some(usize::from(u16::from_be_bytes(*bytes)))
    };
    let names = match u16::try_from(half(18)?).ok()? {
        SUBTYPE_DETAIL => 6,
        SUBTYPE_SUMMARY => 5,
        _ => return None,
    };
    let count = half(20)?;
    if !(2..=MOST_TRIPLETS).contains(&count) {
        return None;
    }
    let first = 24 + 8 * count;
    let mut end = first;
    for index in 0..count {
        let at = 24 + 8 * index;
        let (high, low) = (half(at)?, half(at + 2)?);
        let (length, number) = (half(at + 4)?, half(at + 6)?);
        if number == 0 {
            continue;
        }
        // Offsets count the descriptor word that is lost.
        let offset = (high << 16 | low).checked_sub(RDW).filter(|offset| *offset >= first)?;
        let last = if index == names {
            entries(offset, length, number, half)?
        } else {
            offset.checked_add(length.checked_mul(number)?)?
        };
        end = end.max(last);
    }
    (end <= header::MAX_RECORD).then_some(end)
}

/// The end of distinguished names, which have lengths of their own.
fn entries(
    offset: usize,
    length: usize,
    number: usize,
    half: impl Fn(usize) -> Option<usize>,
) -> Option<usize> {
    if number > MOST_NAMES {
        return None;
    }
    let mut at = offset;
    let mut read = 0;
    while read < number || number == 1 && read < MOST_NAMES && at < offset + length {
        at += half(at).filter(|size| *size >= 4)?;
        read += 1;
    }
    Some(at)
}
