//! Reading records one after another, whatever form the file has.

mod filling;
mod without_rdw;

use std::io;

use super::filler::{self, Found};
use super::header::{self, Descriptor, HEAD, MAX_RECORD, MIN_RECORD, Segment};
use super::prefixed::Prefix;
use super::probe::{self, Layout, begins, begins_block, inside, is_record, lacks_bytes};
use super::{Damage, DumpError, Wrong, line_ends, netdata, unframed};
use super::{put, rest};
use crate::input::Input;
use crate::record::TYPE_TCPIP;

/// How records lie in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// With their record descriptor words, back to back.
    Rdw,
    /// In blocks with block descriptor words.
    Blocked,
    /// In a TSO TRANSMIT file.
    Netdata,
    /// Behind a length each, as transfers write it.
    Prefixed,
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
    /// What there is to say of the file, at its end.
    Note(String),
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
    Note(String),
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
    prefix: Option<Prefix>,
    /// Where a block began whose records lack their descriptor words, and its length.
    bare_block: Option<(u64, usize)>,
    filler: filler::Count,
    /// Up to here there is no filler.
    no_filler: u64,
    /// Records whose header is one, and all.
    heads: u64,
    records: u64,
    /// Records that say themselves how long they are and what of.
    zert: u64,
    /// Bytes that damage has cost, and where the first was.
    lost: u64,
    first_loss: u64,
    /// What is still to be told at the end.
    notes: Option<std::vec::IntoIter<String>>,
    first_notes: Vec<String>,
}

/// Bytes in which the form of a file is looked for: two long records.
pub(super) const WINDOW: usize = 2 * MAX_RECORD + 64;

impl Reader {
    /// Looks how records lie in the input.
    ///
    /// # Errors
    /// If it holds no records, or cannot be read.
    pub fn new(input: Input) -> Result<Self, DumpError> {
        let (input, note) = line_ends::look(input)?;
        let mut reader = Self::plain(input)?;
        reader.first_notes.extend(note);
        Ok(reader)
    }

    /// The same, of bytes as they are.
    pub(super) fn plain(input: Input) -> Result<Self, DumpError> {
        let mut reader = Self {
            input,
            form: Form::Rdw,
            block: Block::None,
            record: Vec::new(),
            spanned: None,
            netdata: netdata::Reader::default(),
            prefix: None,
            bare_block: None,
            filler: filler::Count::default(),
            no_filler: 0,
            heads: 0,
            records: 0,
            zert: 0,
            lost: 0,
            first_loss: 0,
            notes: None,
            first_notes: Vec::new(),
        };
        loop {
            let ahead = reader.input.want(WINDOW).map_err(DumpError::at(0))?;
            let whole = ahead.len() < WINDOW;
            if let Some(layout) = probe::layout(ahead, whole)? {
                reader.take_layout(layout);
                return Ok(reader);
            }
            let starts = |bytes: &[u8]| matches!(probe::layout(bytes, whole), Ok(Some(_)));
            let plausible = |bytes: &[u8]| {
                let begin = begins(bytes) || begins_block(bytes) || unframed::is_head(bytes);
                begin && starts(bytes)
            };
            let found = filler::look(ahead, whole, plausible);
            match found {
                Found::Filler(n) => {
                    let all = n == ahead.len();
                    reader.filler.add(reader.input.offset(), n as u64);
                    reader.input.consume(n);
                    if all {
                        return Err(DumpError::Filler { bytes: reader.filler.bytes() });
                    }
                }
                Found::Longer => {
                    let n = ahead.len().saturating_sub(2 * HEAD);
                    reader.filler.add(reader.input.offset(), n as u64);
                    reader.input.consume(n);
                }
                Found::Other(_) => {
                    let Some(layout) = probe::damaged(ahead, whole) else {
                        let found = super::shown(ahead);
                        return Err(DumpError::Unknown { found, hint: super::hint(ahead) });
                    };
                    reader.take_layout(layout);
                    return Ok(reader);
                }
            }
        }
    }

    fn take_layout(&mut self, layout: Layout) {
        self.form = match layout {
            Layout::Rdw => Form::Rdw,
            Layout::Blocked { from_start } => {
                self.block = if from_start { Block::None } else { Block::Unknown };
                Form::Blocked
            }
            Layout::Netdata => Form::Netdata,
            Layout::Prefixed(prefix) => {
                self.prefix = Some(prefix);
                self.first_notes.push(format!(
                    "the file has {}, as transfers by record write it",
                    prefix.name()
                ));
                Form::Prefixed
            }
            Layout::Unframed => Form::Unframed,
        };
    }

    /// Whether the input has no bytes at all.
    pub fn is_empty(&self) -> bool {
        self.input.offset() == 0 && self.input.ahead() == 0
    }

    /// How records lie in the file.
    pub fn form(&self) -> Form {
        self.form
    }

    /// What reading has cost so far: see [`Input::work`].
    pub fn work(&self) -> u64 {
        self.input.work()
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
            Form::Prefixed => self.prefixed(),
            Form::Unframed => self.unframed(),
        };
        let step = match step.map_err(DumpError::at(at))? {
            Step::End => self.end()?,
            step => step,
        };
        Ok(match step {
            Step::Record(offset) => {
                self.records += 1;
                // A header that is unusual is believed where the sections are right.
                let content = rest(&self.record, 4);
                let head = content.first_chunk().is_some_and(header::is_head)
                    || unframed::length(content) == Some(content.len());
                self.heads += u64::from(head);
                self.zert += u64::from(content.get(1) == Some(&TYPE_TCPIP));
                Some(Item::Record { offset, bytes: &self.record })
            }
            Step::Damage(damage) => {
                if self.lost == 0 {
                    self.first_loss = damage.offset;
                }
                self.lost += damage.skipped;
                Some(Item::Damage(damage))
            }
            Step::Note(note) => Some(Item::Note(note)),
            Step::End => None,
        })
    }

    /// The end of the input: what there is to say of it, one after another.
    fn end(&mut self) -> Result<Step, DumpError> {
        let bytes = self.input.offset();
        if self.form == Form::Unframed && self.zert == 0 && self.lost > 0 {
            return Err(DumpError::NoDescriptors { offset: self.first_loss });
        }
        if self.heads == 0 && bytes > 0 && (self.records > 0 || self.lost > 0) {
            return Err(DumpError::NoRecords { bytes });
        }
        let notes = self.notes.get_or_insert_with(|| {
            let mut notes = std::mem::take(&mut self.first_notes);
            notes.extend(self.filler.note());
            notes.extend(self.input.notes());
            notes.into_iter()
        });
        Ok(notes.next().map_or(Step::End, Step::Note))
    }

    fn framed(&mut self) -> io::Result<Step> {
        loop {
            let blocked = self.form == Form::Blocked;
            let opens = blocked && self.opens_block()?;
            if self.may_be_filler(opens)? {
                let at = self.input.offset();
                if !opens && self.fills_block(at)? {
                    continue;
                }
                match self.pass_filler(blocked)? {
                    Some(Some(step)) => return Ok(step),
                    Some(None) => {
                        let ahead = self.input.want(4 + HEAD)?;
                        if blocked && !begins(ahead) && begins_block(ahead) {
                            self.block = Block::None;
                        }
                        continue;
                    }
                    None => {}
                }
            }
            if opens {
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
        self.resync_from(offset, what)
    }

    /// The same; what is wrong began at an offset.
    fn resync_from(&mut self, offset: u64, what: Wrong) -> io::Result<Step> {
        let blocked = self.form == Form::Blocked;
        if blocked {
            self.block = Block::Unknown;
        }
        let (form, prefix) = (self.form, self.prefix);
        let starts = |ahead: &[u8], whole: bool| match form {
            Form::Prefixed => prefix.is_some_and(|prefix| prefix.record(ahead, whole)),
            Form::Unframed => {
                unframed::record(ahead, whole).is_some()
                    || unframed::block(ahead).is_some()
                        && unframed::record(rest(ahead, 4), whole).is_some()
            }
            _ => is_record(ahead, whole, blocked),
        };
        // The first byte is that of what is wrong.
        let mut from = 1;
        loop {
            let ahead = self.input.want(WINDOW)?;
            let whole = ahead.len() < WINDOW;
            // So much of the window that whatever begins there lies in it.
            let to = if whole { ahead.len() } else { MAX_RECORD };
            let found = (from..to).find(|at| starts(rest(ahead, *at), whole));
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
}
