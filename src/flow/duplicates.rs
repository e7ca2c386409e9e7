//! Segments that a capture has twice: a mirror of two ports, or of both sides of a router,
//! shows each at two places, perhaps with other tags, hop limits and checksums.
//!
//! A segment that brings nothing new is a copy of one before it, or its sender has sent it
//! again. What tells, the strongest first:
//!
//! - The identification of IPv4: most senders give what they send again another one (RFC 6864),
//!   unless they give the same to all. Some keep it (RFC 1122 section 3.2.1.5), so time has to
//!   agree: a copy comes within [`MARKED`], which is less than a retransmission timer, or within
//!   twice the time that a copy of a SYN took, where the clocks of two captures differ.
//! - Where there is none (IPv6; many hosts, as these segments are not fragmented) window and
//!   options have to be the same, and time tells, see [`Limits`]: a time stamp (RFC 7323) goes on
//!   meanwhile, the timer of a SYN is longer, and copies are expected where what its sender has
//!   sent before has been there twice.
//! - What is sent again sooner than that, because its receiver asks for it, follows an
//!   acknowledgment that repeats one; another answer to a SYN follows a SYN that repeats one.
//! - Another hop limit: the packet was seen at another place.
//! - Bare acknowledgments, resets and FINs without data may be sent several times within no time.
//!   Where their identification does not tell them apart they are copies if other segments of
//!   the sender had that many.

use super::Dir;
use crate::frame::{STAMPED, Segment, flag};

/// Segments before one that it may be a copy of.
pub const LOOK_BACK: usize = PLACES - AHEAD;
/// Segments that are noted together, before the first of them is looked at.
pub const AHEAD: usize = 64;
/// Places of the ring.
const PLACES: usize = 512;
/// Tags that are compared together.
const TOGETHER: usize = 16;

/// Nanoseconds between a segment and its copies, at most: OQ-33's second.
const LATEST: u64 = 1_000_000_000;
/// The same of a SYN that has an identification: half of its timer (RFC 6298 section 2).
const SYN: u64 = 500_000_000;
/// The same of a segment that has an identification.
const MARKED: u64 = 100_000_000;
/// An identification tells alone within this time, and what has none may be asked for only later.
const SOON: u64 = 5_000_000;

/// Nanoseconds between a segment without identification and its copies, at most.
struct Limits {
    /// Where other segments of the sender were there twice.
    doubled: u64,
    /// Where they were not.
    single: u64,
}

/// Of a segment with a time stamp.
const STAMPED_LIMITS: Limits = Limits { doubled: MARKED, single: SOON };
/// Of a SYN, which is answered again where another one was not captured.
const SYN_LIMITS: Limits = Limits { doubled: MARKED, single: 200_000 };
/// Of others: what was sent again has been seen two milliseconds apart.
const OTHER_LIMITS: Limits = Limits { doubled: SOON, single: 200_000 };

/// A segment that was seen.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    /// A hash of its connection and its direction.
    key: u64,
    ts: i64,
    seq: u32,
    ack: u32,
    length: u32,
    /// The digest of its header.
    header: u32,
    id: u16,
    flags: u8,
    hop_limit: u8,
    /// Copies of the same packet before it.
    rank: u8,
}

impl Seen {
    /// Whether another has the same place in the same stream.
    fn repeats(&self, other: &Self) -> bool {
        self.key == other.key
            && (self.seq, self.ack, self.length) == (other.seq, other.ack, other.length)
            && (self.flags, self.id) == (other.flags, other.id)
    }
}

/// Whether a segment is one of those that may be sent several times within no time: a bare
/// acknowledgment, a reset, a FIN without data.
fn is_bare(flags: u8, length: u32) -> bool {
    flags & flag::RST != 0 || length == 0 && flags & flag::SYN == 0
}

/// The identifications of what one side of a connection sends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Identifications {
    /// Only one of its segments was seen.
    #[default]
    Unknown,
    /// All that were seen have the same, or none.
    Same,
    /// They tell segments apart.
    Vary,
}

/// What is known of what one side of a connection sends.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sender {
    /// When it has repeated an acknowledgment or its SYN last, and what that acknowledges.
    repeated: Option<(i64, u32)>,
    first_id: Option<u16>,
    ids: Identifications,
    /// The most copies of one of its segments that are certain.
    copies: u8,
    /// Segments that were looked at and are not bare, and certain copies of such.
    told: u16,
    copied: u16,
    /// Nanoseconds after which the copy of its SYN came.
    delay: u32,
}

impl Sender {
    /// Takes note of a segment that is no copy.
    pub fn sent(&mut self, segment: &Segment) {
        let id = segment.identity.id;
        let first = self.first_id.replace(self.first_id.unwrap_or(id));
        match first {
            Some(first) if first != id => self.ids = Identifications::Vary,
            Some(_) if self.ids == Identifications::Unknown => self.ids = Identifications::Same,
            _ => {}
        }
        self.told = self.told.saturating_add((!is_bare(segment.flags, segment.length)).into());
    }

    /// Whether at least half of what tells was there twice, the last segment aside. Where
    /// nothing was before that, its peer's segments tell, and otherwise it may be.
    fn is_doubled(&self, peer: &Self) -> bool {
        let sum = |a: u16, b: u16| a.saturating_add(b);
        let with_peer = (sum(self.told, peer.told), sum(self.copied, peer.copied));
        let (told, copied) = if self.told > 1 { (self.told, self.copied) } else { with_peer };
        copied.saturating_mul(2) >= told.saturating_sub(1)
    }

    /// What the sender's identifications say if a segment that may be a copy has this one.
    fn identifications(&self, id: u16) -> Identifications {
        match self.ids {
            _ if id == 0 => Identifications::Same,
            _ if self.first_id.is_some_and(|first| first != id) => Identifications::Vary,
            ids => ids,
        }
    }
}

/// The latest segments of a shard.
#[derive(Debug)]
pub struct LatestSegments {
    /// Of each place, what is compared first.
    tags: [u32; PLACES],
    seen: [Seen; PLACES],
    /// Segments that were noted.
    noted: usize,
}

impl Default for LatestSegments {
    fn default() -> Self {
        Self { tags: [0; PLACES], seen: [Seen::default(); PLACES], noted: 0 }
    }
}

impl LatestSegments {
    /// Notes a segment of the connection of a hash. At most [`AHEAD`] may be noted before the
    /// first of them is looked at.
    #[inline]
    #[expect(clippy::indexing_slicing, reason = "the remainder is a place")]
    pub fn note(&mut self, hash: u64, dir: Dir, segment: &Segment, ts: i64) {
        let place = self.noted % PLACES;
        self.noted += 1;
        let &Segment { seq, ack, length, flags, identity, .. } = segment;
        let key = hash ^ dir.index() as u64;
        self.tags[place] = key as u32 ^ seq ^ ack.rotate_left(16);
        self.seen[place] = Seen {
            key,
            ts,
            seq,
            ack,
            length,
            header: identity.header,
            id: identity.id,
            flags,
            hop_limit: identity.hop_limit,
            rank: 0,
        };
    }

    /// The number that the next segment will have.
    #[inline]
    pub fn next(&self) -> usize {
        self.noted
    }

    /// Whether a segment that brings nothing new, by its number, is a copy of one before it.
    pub fn is_copy(&mut self, number: usize, sender: &mut Sender, peer: &Sender) -> bool {
        let Some(&segment) = self.seen.get(number % PLACES) else { return false };
        let bare = is_bare(segment.flags, segment.length);
        let ids = sender.identifications(segment.id);
        let original = self.original(number, &segment, ids == Identifications::Vary);
        if let Some(original) = original
            && is_copy_of(&segment, &original, ids, (sender, peer))
        {
            let rank = original.rank.saturating_add(1);
            if !bare || ids == Identifications::Vary {
                sender.copies = sender.copies.max(rank);
            }
            sender.copied = sender.copied.saturating_add((!bare).into());
            if segment.flags & flag::SYN != 0 {
                let delay = segment.ts.abs_diff(original.ts);
                sender.delay = sender.delay.max(u32::try_from(delay).unwrap_or(0));
            }
            if let Some(seen) = self.seen.get_mut(number % PLACES) {
                seen.rank = rank;
            }
            return true;
        }
        let syn = segment.flags & flag::SYN != 0;
        if syn || bare && segment.flags & flag::RST == 0 {
            sender.repeated = Some((segment.ts, segment.ack));
        }
        false
    }

    /// The last segment before one that it repeats.
    fn original(&self, number: usize, segment: &Seen, identified: bool) -> Option<Seen> {
        let repeats =
            |seen: &&Seen| seen.repeats(segment) && (identified || seen.header == segment.header);
        let tag = *self.tags.get(number % PLACES)?;
        let first = number.saturating_sub(LOOK_BACK);
        let mut end = number;
        while end > first {
            // What lies together up to the end, or to the end of the ring.
            let start = first.max((end - 1) / TOGETHER * TOGETHER);
            let from = start % PLACES;
            let places = from..from + (end - start);
            let tags = self.tags.get(places.clone())?;
            if tags.iter().fold(false, |any, other| any | (*other == tag)) {
                let same = self.seen.get(places.clone())?.iter().rev();
                if let Some(original) = same.clone().find(repeats) {
                    return Some(*original);
                }
            }
            end = start;
        }
        None
    }
}

/// Whether a segment is a copy of one that it repeats.
fn is_copy_of(
    segment: &Seen,
    original: &Seen,
    ids: Identifications,
    (sender, peer): (&Sender, &Sender),
) -> bool {
    let apart = segment.ts.abs_diff(original.ts);
    let (syn, bare) = (segment.flags & flag::SYN != 0, is_bare(segment.flags, segment.length));
    let doubled = sender.is_doubled(peer);
    let stamped = segment.header & STAMPED != 0;
    let limits = match (stamped, syn) {
        (true, _) => STAMPED_LIMITS,
        (false, true) => SYN_LIMITS,
        (false, false) => OTHER_LIMITS,
    };
    let latest = if syn && segment.id != 0 {
        SYN
    } else if ids == Identifications::Vary {
        LATEST.min(MARKED.max(2 * u64::from(sender.delay.max(peer.delay))))
    } else if (segment.ts, original.ts) == (0, 0) {
        // A file without times.
        return false;
    } else if doubled {
        limits.doubled
    } else {
        limits.single
    };
    if apart > latest {
        return false;
    }
    if ids != Identifications::Same && (bare || apart <= SOON) {
        return true;
    }
    // A copy of another place has its place of a copy: what is sent again has its own.
    if original.rank == 0 && segment.hop_limit != original.hop_limit {
        return true;
    }
    if bare {
        if stamped && sender.told == 0 && peer.told == 0 {
            // Nothing else was seen of the connection.
            return apart <= SOON;
        }
        let copies = if sender.told > 0 { sender.copies } else { peer.copies };
        return doubled && original.rank < copies;
    }
    let asked_for = |(ts, ack): (i64, u32)| {
        ts >= original.ts && (syn || segment.seq.wrapping_sub(ack).cast_signed() >= 0)
    };
    !peer.repeated.is_some_and(asked_for)
}

#[cfg(test)]
#[path = "duplicates_tests.rs"]
mod tests;
