//! Records without descriptor words, as FTP leaves them when it is not asked to
//! keep them: the boundaries are lost. What is known of a record's inside gives
//! the length back, if another record or the end of the file follows there.

use super::header;
use crate::record::{Record, SUBTYPE_DETAIL, SUBTYPE_SUMMARY, TYPE_TCPIP};

/// Bytes of the lost descriptor word; offsets in a record count it.
const RDW: usize = 4;
/// Header, dump header record and dump trailer record, without descriptor word.
const HEAD: usize = 14;
const DUMP_HEADER: u8 = 2;
const DUMP_TRAILER: u8 = 3;

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
    let ahead = &ahead[..ahead.len().min(header::MAX_RECORD)];
    let mut bytes = Vec::with_capacity(RDW + ahead.len());
    let said = u16::try_from(RDW + ahead.len()).ok()?;
    bytes.extend_from_slice(&said.to_be_bytes());
    bytes.extend_from_slice(&[0, 0]);
    bytes.extend_from_slice(ahead);
    let record = Record::parse(&bytes).ok()?;
    if !matches!(record.subtype(), Some(SUBTYPE_DETAIL | SUBTYPE_SUMMARY)) {
        return None;
    }
    let triplets = record.triplets();
    let first = RDW + 24 + 8 * triplets.len();
    if triplets.len() < 2 || triplets.len() != record.triplet_count() {
        return None;
    }
    let mut end = first;
    for (index, triplet) in triplets.iter().enumerate().filter(|(_, t)| t.number > 0) {
        let last = if Some(index) == record.names_index() {
            // Entries of their own lengths.
            record.names_end()?
        } else {
            triplet.offset.checked_add(triplet.length.checked_mul(triplet.number)?)?
        };
        if triplet.offset < first || last > header::MAX_RECORD {
            return None;
        }
        end = end.max(last);
    }
    end.checked_sub(RDW)
}
