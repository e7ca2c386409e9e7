//! Reading records one after another, whatever form the file has.

use std::io;

use super::header::{self, Descriptor, HEAD, MAX_RECORD, MIN_RECORD, Segment};
use super::{Damage, DumpError, Wrong, netdata, unframed};
use super::{put, rest};
use crate::input::Input;
use crate::record::view::Triplet;
use crate::record::{Record, TYPE_TCPIP};

/// How records lie in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// With their record descriptor words, back to back.
    Rdw,
    /// In blocks with block descriptor words.
    Blocked,
    /// In a TSO TRANSMIT file.
    Netdata,
    /// Without descriptor words.
    Unframed,
}

/// What comes next in a file.
#[derive(Debug)]
pub enum Item<'a> {
    /// A record.
    Record {
        /// Where it begins in the file, decompressed.
        offset: u64,
        /// Its bytes, with the record descriptor word of an unspanned record.
        bytes: &'a [u8],
    },
    /// Bytes that were passed over.
    Damage(Damage),
}

/// Where a block ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Block {
    /// Blocks are not used, or none is open.
    None,
    /// At this offset.
    Until(u64),
    /// Somewhere: reading has resumed inside.
    Unknown,
}

/// A step of reading: a record is in the buffer, or it is damage.
enum Step {
    Record(u64),
    Damage(Damage),
    End,
}

/// Reads records.
#[derive(Debug)]
pub struct Reader {
    input: Input,
    form: Form,
    block: Block,
    /// The record that was read last, or the segments so far.
    record: Vec<u8>,
    /// Where a spanned record began that is not complete.
    spanned: Option<u64>,
    netdata: netdata::Reader,
    sid: [u8; 4],
}

/// Bytes in which the form of a file is looked for: two long records.
const WINDOW: usize = 2 * MAX_RECORD + 64;

impl Reader {
    /// Looks how records lie in the input.
    ///
    /// # Errors
    /// If it holds no records, or cannot be read.
    pub fn new(mut input: Input) -> Result<Self, DumpError> {
        let ahead = input.want(WINDOW).map_err(DumpError::at(0))?;
        let whole = ahead.len() < WINDOW;
        let (form, block) = form(ahead, whole)?;
        Ok(Self {
            sid: unframed::sid(ahead),
            input,
            form,
            block,
            record: Vec::new(),
            spanned: None,
            netdata: netdata::Reader::default(),
        })
    }

    /// How records lie in the file.
    pub fn form(&self) -> Form {
        self.form
    }

    /// The input's name.
    pub fn name(&self) -> String {
        self.input.file().display().to_string()
    }

    /// The next record, or what was passed over; `None` at the end.
    ///
    /// # Errors
    /// If the input cannot be read.
    pub fn next_item(&mut self) -> Result<Option<Item<'_>>, DumpError> {
        let at = self.input.offset();
        let step = match self.form {
            Form::Rdw | Form::Blocked => self.framed(),
            Form::Netdata => self.netdata(),
            Form::Unframed => self.unframed(),
        };
        Ok(match step.map_err(DumpError::at(at))? {
            Step::Record(offset) => Some(Item::Record { offset, bytes: &self.record }),
            Step::Damage(damage) => Some(Item::Damage(damage)),
            Step::End => None,
        })
    }

    fn framed(&mut self) -> io::Result<Step> {
        loop {
            if self.form == Form::Blocked && self.opens_block()? {
                if let Some(wrong) = self.open_block()? {
                    return self.resync(wrong);
                }
                continue;
            }
            let at = self.input.offset();
            let ahead = self.input.want(4)?;
            let Some(word) = header::word(ahead) else {
                return self.at_end();
            };
            let Some(descriptor) = Descriptor::read(word) else {
                return self.resync(Wrong::Descriptor(u32::from_be_bytes(word)));
            };
            let length = descriptor.length;
            if self.form == Form::Blocked && descriptor.segment == Segment::Whole {
                if let Some(step) = self.check_block(at, length)? {
                    return Ok(step);
                }
            } else if let Block::Until(end) = self.block
                && at + length as u64 > end
            {
                return self.resync(Wrong::BeyondBlock { record: length, left: end - at });
            }
            if self.spanned.is_some()
                && matches!(descriptor.segment, Segment::Whole | Segment::First)
            {
                // What was begun stays behind; this one is read next time.
                return Ok(Step::Damage(self.give_up(at, Wrong::NoLastSegment)));
            }
            let ahead = self.input.want(length + HEAD)?;
            let there = ahead.len();
            if there < length {
                return self.resync(Wrong::Truncated { there, expected: length });
            }
            let at_end = self.block == Block::Until(at + length as u64);
            let odd = match self.block {
                // Where reading has resumed, nothing else says that this is one.
                Block::Unknown => !begins(ahead),
                // Something else follows: perhaps the length is wrong.
                _ if descriptor.segment == Segment::Whole && !at_end => {
                    let next = rest(ahead, length);
                    !next.is_empty() && header::word(next).and_then(Descriptor::read).is_none()
                }
                _ => false,
            };
            if odd && inside(ahead, length).is_some() {
                return self.resync(Wrong::Overlaps(length));
            }
            if odd && lacks_bytes(ahead.get(..length).unwrap_or_default()) {
                return self.resync(Wrong::TooShort(length));
            }
            if let Some(step) = self.take(at, descriptor)? {
                return Ok(step);
            }
        }
    }

    /// Looks whether a record and its block agree about where the block ends.
    fn check_block(&mut self, at: u64, length: usize) -> io::Result<Option<Step>> {
        let told = |skipped| Damage { offset: at, skipped, what: Wrong::BlockLength };
        let ahead = self.input.want(WINDOW)?;
        let whole = ahead.len() < WINDOW;
        match self.block {
            // The next block has begun: its descriptor word looks like a record's.
            Block::Until(_) if header::record(ahead).is_none() && begins_block(ahead) => {
                self.block = Block::None;
                Ok(Some(Step::Damage(told(0))))
            }
            Block::Until(end) if at + length as u64 > end => {
                if is_record(ahead, whole, true) {
                    self.block = Block::Unknown;
                    return Ok(Some(Step::Damage(told(0))));
                }
                self.resync(Wrong::BeyondBlock { record: length, left: end - at }).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Whether a block descriptor word comes next.
    fn opens_block(&mut self) -> io::Result<bool> {
        let at = self.input.offset();
        Ok(match self.block {
            Block::None => true,
            Block::Until(end) => at >= end,
            Block::Unknown => {
                let ahead = self.input.want(4 + HEAD)?;
                let record = header::record(ahead).is_some();
                !record && begins_block(ahead)
            }
        })
    }

    /// Reads a block descriptor word; at the end of the file there is none.
    fn open_block(&mut self) -> io::Result<Option<Wrong>> {
        let at = self.input.offset();
        let ahead = self.input.want(4)?;
        if ahead.is_empty() {
            self.block = Block::Unknown;
            return Ok(None);
        }
        let Some(word) = header::word(ahead) else {
            return Ok(Some(Wrong::NoRecord));
        };
        match header::block(word) {
            Some(length) => {
                self.block = Block::Until(at + length as u64);
                self.input.consume(4);
                Ok(None)
            }
            None => Ok(Some(Wrong::Block(u32::from_be_bytes(word)))),
        }
    }

    /// Takes a record or a segment, whose bytes are there.
    fn take(&mut self, at: u64, descriptor: Descriptor) -> io::Result<Option<Step>> {
        let length = descriptor.length;
        let bytes = self.input.want(length)?.get(..length).unwrap_or_default();
        match descriptor.segment {
            Segment::Whole => {
                self.record.clear();
                self.record.extend_from_slice(bytes);
                self.input.consume(length);
                return Ok(Some(Step::Record(at)));
            }
            Segment::First => {
                self.record.clear();
                self.record.extend_from_slice(bytes);
                self.input.consume(length);
                self.spanned = Some(at);
                return Ok(None);
            }
            Segment::Middle | Segment::Last if self.spanned.is_none() => {
                self.input.consume(length);
                return Ok(Some(Step::Damage(Damage {
                    offset: at,
                    skipped: length as u64,
                    what: Wrong::NoFirstSegment,
                })));
            }
            Segment::Middle | Segment::Last => {
                self.record.extend_from_slice(rest(bytes, 4));
                self.input.consume(length);
            }
        }
        let Ok(total) = u16::try_from(self.record.len()) else {
            let after = self.input.offset();
            return Ok(Some(Step::Damage(self.give_up(after, Wrong::TooLong))));
        };
        if descriptor.segment == Segment::Middle {
            return Ok(None);
        }
        put(&mut self.record, 0, &total.to_be_bytes());
        put(&mut self.record, 2, &[0; 2]);
        // Segments that belong to different records may be together too short for one.
        if self.record.len() < MIN_RECORD || lacks_bytes(&self.record) {
            let after = self.input.offset();
            return Ok(Some(Step::Damage(self.give_up(after, Wrong::LacksSegment))));
        }
        Ok(self.spanned.take().map(Step::Record))
    }

    /// Gives up a spanned record that was begun, up to an offset.
    fn give_up(&mut self, to: u64, what: Wrong) -> Damage {
        let offset = self.spanned.take().unwrap_or(to);
        Damage { offset, skipped: to.saturating_sub(offset), what }
    }

    /// The end of the file: a few bytes may be left, or a record unfinished.
    fn at_end(&mut self) -> io::Result<Step> {
        let at = self.input.offset();
        let left = self.input.want(1)?.len();
        if left > 0 {
            self.input.consume(left);
            let damage = Damage { offset: at, skipped: left as u64, what: Wrong::NoRecord };
            return Ok(Step::Damage(damage));
        }
        if self.spanned.is_some() {
            return Ok(Step::Damage(self.give_up(at, Wrong::NoLastSegment)));
        }
        Ok(Step::End)
    }

    /// Passes over bytes up to the next that look like a record which another
    /// follows, or the end.
    fn resync(&mut self, what: Wrong) -> io::Result<Step> {
        let offset = self.spanned.take().unwrap_or(self.input.offset());
        let blocked = self.form == Form::Blocked;
        if blocked {
            self.block = Block::Unknown;
        }
        // The first byte is that of what is wrong.
        let mut from = 1;
        loop {
            let ahead = self.input.want(WINDOW)?;
            let whole = ahead.len() < WINDOW;
            // So much of the window that whatever begins there lies in it.
            let to = if whole { ahead.len() } else { MAX_RECORD };
            let found = (from..to).find(|at| is_record(rest(ahead, *at), whole, blocked));
            let passed = found.unwrap_or(to);
            self.input.consume(passed);
            if found.is_some() || whole {
                let skipped = self.input.offset() - offset;
                return Ok(Step::Damage(Damage { offset, skipped, what }));
            }
            from = 0;
        }
    }

    fn netdata(&mut self) -> io::Result<Step> {
        let at = self.input.offset();
        match self.netdata.next(&mut self.input, &mut self.record)? {
            netdata::Next::Record if self.record.len() < MIN_RECORD => {
                let skipped = self.input.offset() - at;
                let what = Wrong::TooShort(self.record.len());
                Ok(Step::Damage(Damage { offset: at, skipped, what }))
            }
            netdata::Next::Record => Ok(Step::Record(at)),
            netdata::Next::End => Ok(Step::End),
            netdata::Next::Wrong(what, skipped) => {
                Ok(Step::Damage(Damage { offset: at, skipped, what }))
            }
        }
    }

    fn unframed(&mut self) -> io::Result<Step> {
        let at = self.input.offset();
        let ahead = self.input.want(WINDOW)?;
        let whole = ahead.len() < WINDOW;
        if ahead.is_empty() {
            return Ok(Step::End);
        }
        if let Some(length) = unframed::record(ahead, &self.sid, whole) {
            self.record.clear();
            let total = u16::try_from(length + 4).unwrap_or(u16::MAX);
            self.record.extend_from_slice(&total.to_be_bytes());
            self.record.extend_from_slice(&[0, 0]);
            self.record.extend_from_slice(ahead.get(..length).unwrap_or_default());
            self.input.consume(length);
            return Ok(Step::Record(at));
        }
        let what = match ahead {
            [_, kind, ..] if unframed::is_head(ahead, &self.sid) => Wrong::NoLength(*kind),
            _ => Wrong::NoRecord,
        };
        let mut from = 1;
        loop {
            let ahead = self.input.want(WINDOW)?;
            let whole = ahead.len() < WINDOW;
            let to = if whole { ahead.len() } else { MAX_RECORD };
            let sid = self.sid;
            let found =
                (from..to).find(|n| unframed::record(rest(ahead, *n), &sid, whole).is_some());
            self.input.consume(found.unwrap_or(to));
            if found.is_some() || whole {
                let skipped = self.input.offset() - at;
                return Ok(Step::Damage(Damage { offset: at, skipped, what }));
            }
            from = 0;
        }
    }
}

/// Finds out how records lie.
fn form(ahead: &[u8], whole: bool) -> Result<(Form, Block), DumpError> {
    if ahead.is_empty() || is_record(ahead, whole, false) {
        return Ok((Form::Rdw, Block::None));
    }
    if netdata::begins(ahead) {
        return Ok((Form::Netdata, Block::None));
    }
    if begins_block(ahead) {
        return Ok((Form::Blocked, Block::None));
    }
    // A first record whose header is unusual, in a block.
    if holds_records(ahead) {
        return Ok((Form::Blocked, Block::None));
    }
    if let Some(form) = super::archive_form(ahead) {
        return Err(DumpError::Terse(form));
    }
    let sid = unframed::sid(ahead);
    if unframed::is_head(ahead, &sid) {
        return match unframed::record(ahead, &sid, whole) {
            Some(_) => Ok((Form::Unframed, Block::None)),
            None => Err(DumpError::NoDescriptors { offset: 0 }),
        };
    }
    // A beginning that is damaged: what follows may have blocks or not.
    if (1..ahead.len().min(MAX_RECORD)).any(|at| is_record(rest(ahead, at), whole, true)) {
        return Ok((Form::Blocked, Block::Unknown));
    }
    // A first record whose header is unusual.
    if header::word(ahead).and_then(Descriptor::read).is_some() {
        return Ok((Form::Rdw, Block::None));
    }
    Err(DumpError::Unknown { found: super::shown(ahead), hint: super::hint(ahead) })
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
fn is_record(ahead: &[u8], whole: bool, blocked: bool) -> bool {
    let length = match blocked {
        true if begins(ahead) => header::word(ahead).and_then(Descriptor::read).map(|d| d.length),
        true => None,
        false => header::record(ahead),
    };
    let Some(next) = length.and_then(|length| ahead.get(length..)) else { return false };
    match next {
        [] => whole,
        next if blocked => begins(next) || begins_block(next) || !whole && next.len() < HEAD,
        next => header::record(next).is_some() || !whole && next.len() < HEAD,
    }
}

/// Whether a record begins here, or its first segment.
fn begins(ahead: &[u8]) -> bool {
    let Some(descriptor) = header::word(ahead).and_then(Descriptor::read) else { return false };
    let head: Option<&[u8; 14]> = ahead.get(4..HEAD).and_then(|h| h.try_into().ok());
    matches!(descriptor.segment, Segment::Whole | Segment::First)
        && descriptor.length >= HEAD
        && head.is_some_and(header::is_head)
}

/// Where a record begins inside one of a given length, and another follows it.
fn inside(ahead: &[u8], length: usize) -> Option<usize> {
    (1..length).find(|at| {
        let length = header::record(rest(ahead, *at));
        length.is_some_and(|l| ahead.get(at + l..).is_some_and(begins))
    })
}

/// Whether sections of a record reach beyond its end.
fn lacks_bytes(record: &[u8]) -> bool {
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
fn begins_block(ahead: &[u8]) -> bool {
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
