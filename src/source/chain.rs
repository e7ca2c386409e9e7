//! Capture formats whose records follow each other, each with a header that says how long
//! it is: what all of them have in common. A [`Format`] reads headers; what is cut,
//! damaged or lost is found here.

use super::formats::{UNMISTAKABLE, erf};
use super::padding::Padding;
use super::pcap::CUT_SHORT;
use super::reader::{Head, LOOK, Lost, Step, begins_capture};
use super::{Damage, FilePosition, MAX_PACKET, SourceError};
use crate::input::Input;

/// What begins at a place of the file.
#[derive(Clone, Copy, Debug)]
pub(super) enum Record {
    /// A packet, and how many were lost before it.
    Packet(Head, Drops),
    /// A record of so many bytes that is no packet.
    Other(usize),
    /// The bytes end inside the header, which has so many.
    Short(usize),
    /// No record: what was found, and its value.
    Wrong(&'static str, u64),
    /// The end of the packets, by a record of so many bytes.
    End(usize),
}

/// What a record says of packets that were lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Drops {
    /// So many since the one before.
    Since(u32),
    /// So many since the beginning.
    Total(u32),
}

/// A format: how the headers of its records are read. None of it changes while reading.
pub(super) trait Format: Send {
    /// Its name in messages.
    fn name(&self) -> &'static str;

    /// Bytes of the longest header that has to be seen.
    fn header(&self) -> usize;

    /// Reads a record at an offset of the file; there may be more bytes than the header,
    /// and fewer at the end.
    fn record(&self, bytes: &[u8], offset: u64) -> Record;

    /// Adds what stands behind the packet in its record.
    fn complete(&self, _head: &mut Head, _record: &[u8]) {}

    /// Where the file ends, counted from its beginning, if it says so: behind the packets
    /// may be more.
    fn end(&self) -> u64 {
        0
    }

    /// Whether nothing belongs to the file behind [`Self::end`].
    fn ends_exactly(&self) -> bool {
        true
    }

    /// What to do about packets that were cut short.
    fn advice(&self) -> &'static str {
        ""
    }

    /// What the user should know about every file of the format.
    fn note(&self) -> Option<&'static str> {
        None
    }
}

/// How far from the last packet's time one may be where reading goes on after damage.
const RESYNC_WINDOW: i64 = 7 * 86_400 * super::NANOS_PER_SECOND;

/// Reader of a file of any such format.
pub(super) struct Chain {
    format: Box<dyn Format>,
    /// Time of the last packet.
    last: Option<i64>,
    /// Packets lost by the last record that said a total.
    dropped: u32,
    /// The record at this offset has told how many were lost.
    told: Option<u64>,
    packets: u64,
    cut: u64,
    /// Where the capture begins in the file.
    base: u64,
    padding: Padding,
}

/// Whether bytes begin a file of a format that has an unmistakable beginning.
pub(super) fn certain(head: &[u8]) -> bool {
    UNMISTAKABLE.iter().any(|format| (format.matches)(head))
}

impl Chain {
    /// Starts the reader of the format that an input has, if it is one of these.
    ///
    /// # Errors
    /// If the format is known and this kind of it cannot be read.
    pub fn open(input: &mut Input) -> Result<Option<Self>, SourceError> {
        /// Bytes in which formats without a beginning of their own are recognised, and
        /// that are ahead of the longest file header.
        const BEGINNING: usize = 4096;
        let place = FilePosition::of(input);
        let (file, base) = (input.file().to_owned(), input.offset());
        let head = input.want(BEGINNING).map_err(|error| SourceError::Io { file, error })?;
        let opened = match UNMISTAKABLE.iter().find(|format| (format.matches)(head)) {
            Some(format) => (format.open)(head),
            None if erf::matches(head) => erf::open(),
            None => return Ok(None),
        };
        let (format, length) = opened.map_err(|what| SourceError::Unsupported { place, what })?;
        input.consume(length);
        Ok(Some(Self {
            format,
            last: None,
            dropped: 0,
            told: None,
            packets: 0,
            cut: 0,
            base,
            padding: Padding::default(),
        }))
    }

    /// Looks at the next packet without consuming it.
    pub fn peek(&mut self, input: &mut Input) -> std::io::Result<Step> {
        loop {
            let place = FilePosition::of(input);
            let offset = place.offset;
            let bytes = input.want(self.format.header())?;
            if bytes.is_empty() {
                return Ok(Step::End);
            }
            match self.format.record(bytes, offset - self.base) {
                Record::End(length) => {
                    let left = (self.base + self.format.end()).saturating_sub(offset);
                    if pass_over(input, left.max(length as u64))? {
                        self.padding.consume(input)?;
                    }
                    let place = FilePosition::of(input);
                    let bytes = input.want(LOOK)?;
                    if bytes.is_empty() || begins_capture(bytes) || !self.format.ends_exactly() {
                        return Ok(Step::End);
                    }
                    pass_over(input, u64::MAX)?;
                    let skipped = input.offset() - place.offset;
                    let what = format!("bytes behind the end of {}", self.format.name());
                    return Ok(Step::Damage(Damage { place, what, skipped }));
                }
                Record::Short(expected) => {
                    let there = bytes.len();
                    let zeros = bytes.iter().all(|b| *b == 0);
                    input.consume(there);
                    if zeros {
                        return Ok(Step::End);
                    }
                    let what = format!(
                        "the file ends inside a record header: {there} bytes, expected {expected}"
                    );
                    return Ok(Step::Damage(Damage { place, what, skipped: there as u64 }));
                }
                Record::Wrong(what, value) => {
                    if bytes.iter().take(16).all(|b| *b == 0) && self.padding.consume(input)? {
                        return Ok(Step::End);
                    }
                    let what = format!("not a record of {}: {what} {value}", self.format.name());
                    return Ok(self.resync(input, what));
                }
                Record::Other(length) => {
                    if !pass_over(input, length as u64)? {
                        let skipped = input.offset() - offset;
                        return Ok(ends_inside(place, skipped, length));
                    }
                }
                Record::Packet(mut head, drops) => {
                    let total = head.skip + head.captured as usize + head.trailer;
                    let record = input.want(total)?;
                    let Some(record) = record.get(..total) else {
                        let there = record.len();
                        if there > CUT_SHORT || !self.plausible(&head) {
                            let what = format!(
                                "not a record of {}: {total} bytes, the file ends after {there}",
                                self.format.name()
                            );
                            return Ok(self.resync(input, what));
                        }
                        input.consume(there);
                        return Ok(ends_inside(place, there as u64, total));
                    };
                    self.format.complete(&mut head, record);
                    if self.told != Some(offset) {
                        self.told = Some(offset);
                        let lost = self.lost(drops);
                        if lost > 0 {
                            return Ok(Step::Lost(Lost { interface: lost, kernel: 0 }));
                        }
                    }
                    self.last = head.ts.or(self.last);
                    self.packets += 1;
                    self.cut += u64::from(head.wire > head.captured);
                    return Ok(Step::Packet(head));
                }
            }
        }
    }

    fn lost(&mut self, drops: Drops) -> u64 {
        match drops {
            Drops::Since(lost) => lost.into(),
            Drops::Total(total) => {
                // A total that goes back has begun again.
                let lost = total.checked_sub(self.dropped).unwrap_or(total);
                self.dropped = total;
                lost.into()
            }
        }
    }

    /// A header is wrong: finds the next record that is followed by another or by the end
    /// of the file. Each byte is looked at as a beginning once.
    fn resync(&self, input: &mut Input, what: String) -> Step {
        let place = FilePosition::of(input);
        loop {
            input.consume(1);
            let offset = input.offset() - self.base;
            let header = self.format.header();
            let Ok(bytes) = input.want(header.max(LOOK)) else { break };
            if bytes.is_empty() || begins_capture(bytes) {
                break;
            }
            let head = match self.format.record(bytes, offset) {
                Record::Packet(head, _) if self.plausible(&head) => head,
                Record::End(_) => break,
                _ => continue,
            };
            let total = head.skip + head.captured as usize + head.trailer;
            let Ok(bytes) = input.want(total + header) else { break };
            let follows = bytes.get(total..).is_some_and(|next| {
                next.is_empty()
                    || match self.format.record(next, offset + total as u64) {
                        Record::Packet(head, _) => self.plausible(&head),
                        Record::Other(_) | Record::End(_) => true,
                        Record::Short(_) | Record::Wrong(..) => false,
                    }
            });
            if follows {
                break;
            }
        }
        let skipped = input.offset() - place.offset;
        Step::Damage(Damage { place, what, skipped })
    }

    /// Tighter than what is read: random bytes must not pass.
    fn plausible(&self, head: &Head) -> bool {
        head.captured > 0
            && head.wire >= head.captured
            && head.wire <= MAX_PACKET
            && match (self.last, head.ts) {
                (Some(last), Some(ts)) => ts.abs_diff(last) <= RESYNC_WINDOW.unsigned_abs(),
                _ => true,
            }
    }

    /// What the user should know about the file.
    pub fn notes(&self) -> Vec<String> {
        let mut notes: Vec<String> = Vec::new();
        if self.packets > 0 {
            notes.extend(self.format.note().map(str::to_owned));
        }
        if self.cut > 0 {
            let (cut, packets, advice) = (self.cut, self.packets, self.format.advice());
            notes.push(format!("{cut} of {packets} packets were cut short{advice}"));
        }
        notes
    }
}

/// Consumes so many bytes; `false` if the input ends before.
fn pass_over(input: &mut Input, mut length: u64) -> std::io::Result<bool> {
    while length > 0 {
        let there = input.want(1)?.len();
        let passed = there.min(usize::try_from(length).unwrap_or(usize::MAX));
        if passed == 0 {
            return Ok(false);
        }
        input.consume(passed);
        length -= passed as u64;
    }
    Ok(true)
}

fn ends_inside(place: FilePosition, there: u64, expected: usize) -> Step {
    let what = format!("the file ends inside a record: {there} bytes, expected {expected}");
    Step::Damage(Damage { place, what, skipped: there })
}

/// Bytes at a place; zeros where there are none.
pub(super) fn field<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes.get(at..).and_then(<[u8]>::first_chunk).copied().unwrap_or([0; N])
}

/// A time stamp, from seconds and nanoseconds.
pub(super) fn time(seconds: u32, nanoseconds: u64) -> Option<i64> {
    let nanoseconds = i64::try_from(nanoseconds).unwrap_or(i64::MAX);
    Some((i64::from(seconds) * super::NANOS_PER_SECOND).saturating_add(nanoseconds))
}
