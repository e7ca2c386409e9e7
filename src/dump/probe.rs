//! How records lie in a file, and whether one begins at a place, by what is there.

use super::header::{self, Descriptor, HEAD, MAX_RECORD, Segment};
use super::prefixed::{self, Prefix};
use super::{DumpError, Translation, filler, netdata, rest, translated, unframed};
use crate::record::view::Triplet;
use crate::record::{Record, TYPE_TCPIP};

/// How records lie, as it is found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// With their record descriptor words, whole or in segments.
    Rdw,
    /// In blocks; the first one begins at the beginning, or somewhere.
    Blocked {
        from_start: bool,
    },
    Netdata,
    Prefixed(Prefix),
    Unframed,
}

/// Finds out how records lie; `Ok(None)` if they do not begin here.
///
/// # Errors
/// If they do, and cannot be read.
pub(super) fn layout(ahead: &[u8], whole: bool) -> Result<Option<Layout>, DumpError> {
    if ahead.is_empty() {
        return Ok(Some(Layout::Rdw));
    }
    if translated::lost_first_bits(ahead) {
        return Err(DumpError::Translated(Translation::SevenBits));
    }
    if let Some(prefix) = prefixed::detect(ahead, whole) {
        return Ok(Some(Layout::Prefixed(prefix)));
    }
    let hides = header::record(ahead).is_some_and(|length| unframed::hides(ahead, length));
    if !hides && is_record(ahead, whole, false) {
        return Ok(Some(Layout::Rdw));
    }
    if netdata::begins(ahead) {
        return Ok(Some(Layout::Netdata));
    }
    // A first record whose header is unusual may be in a block.
    if !hides && (begins_block(ahead) || holds_records(ahead)) {
        return Ok(Some(Layout::Blocked { from_start: true }));
    }
    let bare = |ahead: &[u8]| unframed::record(rest(ahead, 4), whole).is_some();
    if hides || unframed::block(ahead).is_some() && bare(ahead) {
        return Ok(Some(Layout::Unframed));
    }
    if in_segments(ahead, whole) {
        return Ok(Some(Layout::Rdw));
    }
    if let Some(cause) = translated::cause(ahead) {
        return Err(DumpError::Translated(cause));
    }
    // One whose length nothing says may be the first: others follow, or the end shows that
    // there are none.
    Ok(unframed::is_head(ahead).then_some(Layout::Unframed))
}

/// How records lie behind a beginning that is damaged.
pub(super) fn damaged(ahead: &[u8], whole: bool) -> Option<Layout> {
    // What follows may have blocks or not.
    if (1..ahead.len().min(MAX_RECORD)).any(|at| is_record(rest(ahead, at), whole, true)) {
        return Some(Layout::Blocked { from_start: false });
    }
    // A first record whose header is unusual.
    header::word(ahead).and_then(Descriptor::read).map(|_| Layout::Rdw)
}

/// Whether records and segments of records follow each other from here to the end of what is
/// there, in the order that they have without blocks.
fn in_segments(ahead: &[u8], whole: bool) -> bool {
    let (mut rest, mut heads, mut segments) = (ahead, 0, 0);
    let mut open = None;
    while let Some(descriptor) = header::word(rest).and_then(Descriptor::read) {
        let (is_start, ends) = order(descriptor.segment);
        // At the beginning a record may have been begun before.
        if open.is_some_and(|open: bool| open == is_start) {
            return false;
        }
        open = Some(!ends);
        segments += 1;
        if is_start && descriptor.length >= HEAD && rest.len() >= HEAD {
            heads += usize::from(begins(rest));
        }
        let Some(after) = rest.get(descriptor.length..) else { break };
        rest = after;
    }
    let ends = rest.len() < 4 || header::word(rest).and_then(Descriptor::read).is_some();
    let ends = ends || filler::follows(rest, begins);
    // The file may have been cut.
    heads > 0 && segments > 1 && (ends || !whole && rest.len() < HEAD)
}

/// Whether a segment begins a record, and whether it ends one.
fn order(segment: Segment) -> (bool, bool) {
    match segment {
        Segment::Whole => (true, true),
        Segment::First => (true, false),
        Segment::Middle => (false, false),
        Segment::Last => (false, true),
    }
}

/// Whether a segment of a record begins here, and the next segment of it follows.
fn begins_segments(ahead: &[u8]) -> bool {
    let Some(first) = header::word(ahead).and_then(Descriptor::read) else { return false };
    let next = ahead.get(first.length..).and_then(header::word).and_then(Descriptor::read);
    first.segment == Segment::First
        && begins(ahead)
        && next.is_some_and(|next| matches!(next.segment, Segment::Middle | Segment::Last))
}

/// Whether a whole record begins here whose sections end where it ends.
fn is_complete(ahead: &[u8]) -> bool {
    let length = header::record(ahead);
    length.is_some_and(|length| {
        ahead.get(4..length).and_then(unframed::length).is_some_and(|own| own + 4 == length)
    })
}

/// Whether a block begins here that descriptor words divide to its end.
fn holds_records(ahead: &[u8]) -> bool {
    let block = header::word(ahead).and_then(header::block);
    let Some(mut rest) = block.and_then(|length| ahead.get(4..length)) else { return false };
    while let Some(descriptor) = header::word(rest).and_then(Descriptor::read) {
        let Some(after) = rest.get(descriptor.length..) else { return false };
        if after.is_empty() {
            return true;
        }
        rest = after;
    }
    false
}

/// Whether a record begins here, and another or the end follows it.
pub(super) fn is_record(ahead: &[u8], whole: bool, blocked: bool) -> bool {
    let length = match blocked {
        true if begins(ahead) => header::word(ahead).and_then(Descriptor::read).map(|d| d.length),
        true => None,
        false => header::record(ahead),
    };
    if is_complete(ahead) || !blocked && begins_segments(ahead) {
        return true;
    }
    let Some(next) = length.and_then(|length| ahead.get(length..)) else { return false };
    match next {
        [] => whole,
        next if blocked => begins(next) || begins_block(next) || !whole && next.len() < HEAD,
        next => {
            header::record(next).is_some()
                || begins_segments(next)
                || !whole && next.len() < HEAD
                || filler::follows(next, begins)
        }
    }
}

/// Whether a record begins here, or its first segment.
pub(super) fn begins(ahead: &[u8]) -> bool {
    let Some(descriptor) = header::word(ahead).and_then(Descriptor::read) else { return false };
    let head: Option<&[u8; 14]> = ahead.get(4..HEAD).and_then(|h| h.try_into().ok());
    matches!(descriptor.segment, Segment::Whole | Segment::First)
        && descriptor.length >= HEAD
        && head.is_some_and(header::is_head)
}

/// Where a record begins inside one of a given length, and another follows it.
pub(super) fn inside(ahead: &[u8], length: usize) -> Option<usize> {
    (1..length).find(|at| {
        let length = header::record(rest(ahead, *at));
        length.is_some_and(|l| ahead.get(at + l..).is_some_and(begins))
    })
}

/// Whether sections of a record reach beyond its end.
pub(super) fn lacks_bytes(record: &[u8]) -> bool {
    let Ok(record) = Record::parse(record) else { return true };
    let beyond = |t: Triplet| {
        let end = t.offset.saturating_add(t.length.saturating_mul(t.number));
        t.number > 0 && end > record.bytes().len()
    };
    let mut triplets = record.triplets();
    // Every record of this type has triplets.
    record.record_type() == TYPE_TCPIP
        && (triplets.len() == 0 || triplets.len() < record.triplet_count() || triplets.any(beyond))
}

/// Whether a block begins here: its descriptor word, and that of a record or a
/// segment which it has room for.
pub(super) fn begins_block(ahead: &[u8]) -> bool {
    let Some(block) = header::word(ahead).and_then(header::block) else { return false };
    let Some(first) = ahead.get(4..).and_then(header::word).and_then(Descriptor::read) else {
        return false;
    };
    let fits = first.length + 4 <= block;
    match first.segment {
        Segment::Whole => fits && header::record(rest(ahead, 4)).is_some(),
        Segment::First | Segment::Middle | Segment::Last => fits,
    }
}
