//! Records behind a length of their own, as transfers write them that keep the boundaries
//! of records but not their descriptor words: z/OSMF's record mode and `zowe --record` (four
//! bytes, big-endian, of what follows), Co:Z's `l4`, and others of their kind.

use super::header::{self, Descriptor, HEAD, MAX_RECORD, Segment};
use super::{rest, unframed};

/// Header without descriptor word.
const BARE_HEAD: usize = 14;

/// How a length is written, and what it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Prefix {
    /// Two or four bytes.
    width: usize,
    little_endian: bool,
    /// What it counts besides the record: itself, or the descriptor word that is lost.
    more: usize,
    /// Whether the descriptor word is there all the same.
    descriptor: bool,
}

impl Prefix {
    /// All that are tried.
    fn all() -> impl Iterator<Item = Self> {
        let widths = [(4, &[0, 4][..]), (2, &[0, 2, 4])];
        widths.into_iter().flat_map(|(width, more)| {
            more.iter().flat_map(move |more| {
                [(false, false), (true, false), (false, true), (true, true)].map(
                    |(little_endian, descriptor)| Self {
                        width,
                        little_endian,
                        more: *more,
                        descriptor,
                    },
                )
            })
        })
    }

    /// Where the record behind a length begins and ends, without descriptor word.
    pub fn place(self, ahead: &[u8]) -> Option<(usize, usize)> {
        let bytes = ahead.get(..self.width)?;
        let add = |n: usize, byte: &u8| n << 8 | usize::from(*byte);
        let number = match self.little_endian {
            true => bytes.iter().rev().fold(0, add),
            false => bytes.iter().fold(0, add),
        };
        let length = number.checked_sub(self.more)?;
        let (begin, end) = (self.width, self.width + length);
        if self.descriptor {
            let descriptor = Descriptor::read(header::word(rest(ahead, begin))?)?;
            let whole = descriptor.segment == Segment::Whole && descriptor.length == length;
            return whole.then_some((begin + 4, end));
        }
        (BARE_HEAD..=MAX_RECORD).contains(&length).then_some((begin, end))
    }

    /// Whether a length and a record's header begin here.
    pub fn begins(self, ahead: &[u8]) -> bool {
        let head = self.place(ahead).and_then(|(begin, _)| ahead.get(begin..));
        head.is_some_and(is_head)
    }

    /// Whether a record begins here, and another or the end follows it.
    pub fn record(self, ahead: &[u8], whole: bool) -> bool {
        let end = self.place(ahead).map(|(_, end)| end).filter(|_| self.begins(ahead));
        let Some(next) = end.and_then(|end| ahead.get(end..)) else { return false };
        match next {
            [] => whole,
            next => self.begins(next) || !whole && next.len() < self.width + HEAD,
        }
    }

    /// Its name in messages.
    pub fn name(self) -> String {
        let order = if self.little_endian { "little-endian" } else { "big-endian" };
        format!("a length of {} bytes, {order}, before each record", self.width)
    }
}

fn is_head(bytes: &[u8]) -> bool {
    bytes.first_chunk::<BARE_HEAD>().is_some_and(header::is_head)
}

/// The lengths by which records follow each other from here on: two or more, or one to the
/// end of the file.
pub(super) fn detect(ahead: &[u8], whole: bool) -> Option<Prefix> {
    // What is inside of a record may say how long it is.
    let agrees = |prefix: Prefix, ahead: &[u8]| {
        let (begin, end) = prefix.place(ahead)?;
        Some(unframed::length(ahead.get(begin..)?)? == end - begin)
    };
    // A record descriptor word looks like a length whose low byte is first.
    let ambiguous = header::record(ahead).is_some();
    Prefix::all().find(|prefix| {
        let end = prefix.place(ahead).map(|(_, end)| end).filter(|_| prefix.begins(ahead));
        let Some(next) = end.and_then(|end| ahead.get(end..)) else { return false };
        let follows = if next.is_empty() { whole } else { prefix.begins(next) };
        let said = [agrees(*prefix, ahead), agrees(*prefix, next)];
        follows && !said.contains(&Some(false)) && (!ambiguous || said.contains(&Some(true)))
    })
}
