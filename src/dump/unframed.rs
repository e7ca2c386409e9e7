//! Records without descriptor words, as FTP leaves them when it is not asked to
//! keep them: the boundaries are lost. What is known of a record's inside gives
//! the length back, if another record or the end of the file follows there. Block
//! descriptor words may be left.

use super::filler;
use super::header;
use super::rest;
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

/// Whether a header begins here, of whatever system.
pub(super) fn is_head(ahead: &[u8]) -> bool {
    ahead.first_chunk::<HEAD>().is_some_and(header::is_head)
}

/// The length by a block descriptor word here, if a header follows it.
pub(super) fn block(ahead: &[u8]) -> Option<usize> {
    header::word(ahead).and_then(header::block).filter(|_| is_head(rest(ahead, 4)))
}

/// Whether a header begins here, perhaps behind a block descriptor word.
fn begins(ahead: &[u8]) -> bool {
    is_head(ahead) || block(ahead).is_some()
}

/// The length of the record that begins here, without descriptor word. `None` if
/// it cannot be told.
pub(super) fn record(ahead: &[u8], whole: bool) -> Option<usize> {
    let length = length(ahead).filter(|_| is_head(ahead))?;
    follows(ahead.get(length..)?, whole).then_some(length)
}

/// Whether this may follow a record.
fn follows(next: &[u8], whole: bool) -> bool {
    next.is_empty() && whole || begins(next) || filler::follows(next, begins)
}

/// The length of a record that says nothing of it, and is alone in its block: the block's
/// descriptor word counts itself, and perhaps the descriptor word that is lost.
pub(super) fn alone(ahead: &[u8], block: usize, whole: bool) -> Option<usize> {
    if self::length(ahead).is_some() {
        return None;
    }
    [block.checked_sub(8), block.checked_sub(4)].into_iter().flatten().find(|length| {
        *length >= HEAD && ahead.get(*length..).is_some_and(|next| follows(next, whole))
    })
}

/// Whether a record descriptor word here is that of a block, whose records lack theirs.
pub(super) fn hides(ahead: &[u8], record: usize) -> bool {
    let content = rest(ahead, RDW);
    let own = length(content).filter(|own| own + RDW < record);
    own.is_some_and(|own| content.get(own..).is_some_and(begins))
}

/// The length by what is inside: the end of the last section.
pub(super) fn length(ahead: &[u8]) -> Option<usize> {
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
