//! A set of capture files as one stream of packets, ordered by time.

use std::path::{Path, PathBuf};

use super::directory::{captures_below, told};
use super::pcap::Pcap;
use super::pcapng::PcapNg;
use super::sniffer::Sniffer;
use super::{
    Batch, Damage, Feed, FilePosition, Filter, FrameNumber, LinkType, PacketHead, SourceError,
    Totals,
};
use crate::input::Input;

/// What a reader found next.
pub(super) enum Step {
    /// A packet; its bytes are in the input's buffer.
    Packet(Head),
    /// Something that was passed over.
    Damage(Damage),
    /// Nothing more.
    End,
}

/// A packet that is still in the input's buffer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    /// Capture time; `None` if the format has none.
    pub ts: Option<i64>,
    /// Bytes before the data.
    pub skip: usize,
    /// Captured bytes.
    pub captured: u32,
    /// Bytes after the data.
    pub trailer: usize,
    /// Bytes on the wire.
    pub wire: u32,
    /// Link type.
    pub link: LinkType,
}

/// The format of a capture file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// pcap savefile.
    Pcap,
    /// pcapng.
    PcapNg,
    /// DOS Sniffer.
    Sniffer,
}

pub(super) enum Reader {
    Pcap(Pcap),
    PcapNg(PcapNg),
    Sniffer(Sniffer),
}

impl Reader {
    /// The next packet, where it is in these bytes and of the usual form; otherwise
    /// [`Self::peek`] has to look.
    fn next(&mut self, bytes: &[u8]) -> Option<Head> {
        match self {
            Self::Pcap(r) => r.next(bytes),
            Self::PcapNg(r) => r.next(bytes),
            Self::Sniffer(_) => None,
        }
    }

    fn peek(&mut self, input: &mut Input) -> std::io::Result<Step> {
        match self {
            Self::Pcap(r) => r.peek(input),
            Self::PcapNg(r) => r.peek(input),
            Self::Sniffer(r) => r.peek(input),
        }
    }
}

/// An open file whose next packet is known.
struct Open {
    input: Input,
    reader: Reader,
    /// Position in the list of files: decides between equal times.
    order: usize,
    next: Upcoming,
}

/// The next packet of a file.
struct Upcoming {
    head: Head,
    /// Latest time stamp of the file up to it: packets of a file stay in the file's order.
    key: i64,
    /// The packet before it.
    frame: FrameNumber,
}

impl Upcoming {
    /// Counts the packet as taken, and says which it is.
    #[inline]
    fn number(&mut self) -> FrameNumber {
        self.frame.number = match self.frame.number {
            // Wireshark's numbers have 32 bits; what is beyond them has none.
            u32::MAX => u32::MAX,
            number => number + 1,
        };
        let number = if self.frame.number == u32::MAX { 0 } else { self.frame.number };
        FrameNumber { number, ..self.frame }
    }

    fn is(&mut self, head: Head) {
        self.reach(&head);
        self.head = head;
    }

    fn reach(&mut self, head: &Head) {
        self.key = self.key.max(head.ts.unwrap_or(self.key));
    }
}

/// What a batch has room for.
#[derive(Clone, Copy)]
struct Room {
    packets: usize,
    bytes: usize,
}

/// How a set is read.
#[derive(Debug, Default)]
pub struct SetOptions {
    /// Packets that the filter refuses are marked as not wanted.
    pub filter: Option<Filter>,
    /// So many files that come next are opened before their turn, but not more than
    /// four: those that are compressed are decompressed meanwhile, each on a thread of
    /// its own and up to 64 MiB.
    pub before: usize,
}

/// Bytes at the end of a buffer that may be copied to the next one after every batch.
const MAX_CUT: usize = 32 * 1024;

/// Files that are opened before their turn, at most: of which what is decompressed takes
/// 256 MiB.
const MAX_BEFORE: usize = 4;

/// Damage that is remembered with its place; more is only counted.
const MAX_DAMAGE: usize = 1000;

/// Capture files read as one.
pub struct CaptureSet {
    /// Files not yet open, the earliest last.
    waiting: Vec<(i64, usize, PathBuf)>,
    /// How many of them may be open before their turn, and those that are.
    before: usize,
    opened: Vec<(usize, Option<Input>)>,
    open: Vec<Open>,
    filter: Option<Filter>,
    clock: i64,
    next: u64,
    bytes_read: u64,
    damage: Vec<Damage>,
    damage_count: u64,
    damage_bytes: u64,
    notes: Vec<String>,
    /// Names of the files, in the order in which they were given.
    files: Vec<String>,
    /// Files of directories that cannot be opened or are no captures.
    left_out: u64,
    /// A file that could not be opened when its turn came.
    failed: Option<SourceError>,
    /// The last batch ended at what is not of the usual form, far from the end of its
    /// buffer.
    odd: bool,
}

impl CaptureSet {
    /// Opens files, directories (all capture files below them) and `-`.
    ///
    /// # Errors
    /// If a named file cannot be read or is no capture, or a directory holds
    /// none. Other files in a directory are passed over, and noted.
    pub fn open(paths: &[PathBuf], options: SetOptions) -> Result<Self, SourceError> {
        let mut set = Self {
            waiting: Vec::new(),
            before: options.before.min(MAX_BEFORE),
            opened: Vec::new(),
            open: Vec::new(),
            filter: options.filter,
            clock: i64::MIN,
            next: 0,
            bytes_read: 0,
            damage: Vec::new(),
            damage_count: 0,
            damage_bytes: 0,
            notes: Vec::new(),
            files: Vec::new(),
            left_out: 0,
            failed: None,
            odd: false,
        };
        let mut files = Vec::new();
        for path in paths {
            if path != Path::new("-") && path.is_dir() {
                let below = captures_below(path)?;
                set.left_out += below.left_out.len() as u64;
                set.notes.extend(told(path, &below.left_out));
                files.extend(below.captures);
            } else {
                files.push(path.clone());
            }
        }
        set.files = files.iter().map(|file| file.display().to_string()).collect();
        if files.len() == 1 || files.iter().any(|f| f == Path::new("-")) {
            // Standard input can be opened only once; so nothing is looked at twice.
            for (order, file) in files.iter().enumerate() {
                set.start(file, order)?;
            }
            return Ok(set);
        }
        // A file is opened when the clock reaches it, so that a set of many
        // thousand files does not need as many descriptors.
        for (order, file) in files.into_iter().enumerate() {
            let first = Self::first_time(&file)?;
            set.waiting.push((first, order, file));
        }
        set.waiting.sort_by_key(|w| std::cmp::Reverse((w.0, w.1)));
        set.open_due()?;
        Ok(set)
    }

    /// Time of a file's first packet; the end of time if it has none.
    fn first_time(file: &Path) -> Result<i64, SourceError> {
        let mut input =
            Input::open(file).map_err(|error| SourceError::Io { file: file.to_owned(), error })?;
        let (mut reader, _) = open_reader(&mut input)?;
        loop {
            match reader.peek(&mut input) {
                Ok(Step::Packet(head)) => return Ok(head.ts.unwrap_or(i64::MIN)),
                Ok(Step::Damage(_)) => {}
                Ok(Step::End) | Err(_) => return Ok(i64::MAX),
            }
        }
    }

    fn start(&mut self, file: &Path, order: usize) -> Result<(), SourceError> {
        let opened = self.opened.iter().position(|(of, _)| *of == order);
        let mut input = match opened.and_then(|at| self.opened.swap_remove(at).1) {
            Some(input) => input,
            None => Input::open(file)
                .map_err(|error| SourceError::Io { file: file.to_owned(), error })?,
        };
        let (reader, _) = open_reader(&mut input)?;
        let frame = FrameNumber { file: u32::try_from(order).unwrap_or(u32::MAX), number: 0 };
        let head = Head { ts: None, skip: 0, captured: 0, trailer: 0, wire: 0, link: LinkType(0) };
        let mut open = Open { input, reader, order, next: Upcoming { head, key: i64::MIN, frame } };
        if self.advance(&mut open) {
            self.open.push(open);
        } else {
            self.close(open);
        }
        Ok(())
    }

    /// Opens every file that begins before the next packet.
    fn open_due(&mut self) -> Result<(), SourceError> {
        while let Some(&(first, order, _)) = self.waiting.last() {
            if self.open.iter().any(|o| o.next.key < first) {
                break;
            }
            let Some((_, _, file)) = self.waiting.pop() else {
                break;
            };
            self.start(&file, order)?;
        }
        while self.opened.len() < self.before {
            // The earliest are last, and the first of them were opened first.
            let next = self.waiting.iter().rev().nth(self.opened.len());
            let Some((_, order, file)) = next else { break };
            // One that cannot be opened says so when its turn comes.
            self.opened.push((*order, Input::open_before(file).ok()));
        }
        Ok(())
    }

    /// Finds the next packet of a file; `false` at its end.
    fn advance(&mut self, open: &mut Open) -> bool {
        if let Some(head) = open.reader.next(open.input.here()) {
            open.next.is(head);
            return true;
        }
        loop {
            let before = open.input.offset();
            match open.reader.peek(&mut open.input) {
                Ok(Step::Packet(head)) => {
                    open.next.is(head);
                    return true;
                }
                Ok(Step::Damage(damage)) => {
                    self.damage_count += 1;
                    self.damage_bytes += damage.skipped;
                    if self.damage.len() < MAX_DAMAGE {
                        self.damage.push(damage);
                    }
                    // Every step of a reader consumes something; one that did
                    // not would be met again and again.
                    if open.input.offset() == before {
                        return false;
                    }
                }
                Ok(Step::End) => return false,
                Err(error) => {
                    self.damage_count += 1;
                    if self.damage.len() < MAX_DAMAGE {
                        let place = FilePosition::of(&open.input);
                        let what = format!("cannot be read further: {error}");
                        self.damage.push(Damage { place, what, skipped: 0 });
                    }
                    return false;
                }
            }
        }
    }

    fn close(&mut self, open: Open) {
        if let Reader::Sniffer(sniffer) = &open.reader
            && sniffer.cut > 0
        {
            self.notes.push(format!(
                "{}: {} frames were cut short by the trace; ask for whole packets (the default keeps 200 bytes) to see handshakes",
                open.input.file().display(),
                sniffer.cut
            ));
        }
    }

    /// Empties `batch` and fills it with the next packets; `false` when there
    /// are none left.
    ///
    /// # Errors
    /// If a file of the set cannot be opened when its turn comes.
    pub fn fill(
        &mut self,
        batch: &mut Batch,
        max_packets: usize,
        max_bytes: usize,
    ) -> Result<bool, SourceError> {
        batch.begin(self.next);
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let done = match self.open.pop() {
            Some(open) if self.open.is_empty() && !std::mem::take(&mut self.odd) => {
                self.hand_over(open, batch, max_packets, max_bytes)
            }
            open => {
                self.open.extend(open);
                batch.arena.clear();
                self.copy(batch, max_packets, max_bytes)
            }
        };
        match done {
            // What came before it is complete.
            Err(error) if !batch.heads.is_empty() => self.failed = Some(error),
            done => done?,
        }
        Ok(!batch.heads.is_empty())
    }

    /// Fills a batch from the only open file: its buffer becomes the arena, so that
    /// nothing is copied but a packet that is cut by the end of the buffer.
    fn hand_over(
        &mut self,
        mut open: Open,
        batch: &mut Batch,
        max_packets: usize,
        max_bytes: usize,
    ) -> Result<(), SourceError> {
        let Open { input, reader, next, .. } = &mut open;
        // Half a batch, so that a packet that the last block cuts has room.
        input.read_by(max_bytes / 2);
        let room = Room { packets: max_packets, bytes: max_bytes };
        let at = match reader {
            Reader::Pcap(r) => self.pass(input, next, batch, room, |bytes| r.next(bytes)),
            Reader::PcapNg(r) => self.pass(input, next, batch, room, |bytes| r.next(bytes)),
            Reader::Sniffer(_) => self.pass(input, next, batch, room, |_| None),
        };
        input.consume(at);
        self.bytes_read += at as u64;
        if open.input.ahead() >= MAX_CUT {
            // Much is copied for what is odd: the next batch is read without.
            self.odd = batch.heads.len() < max_packets;
        }
        open.input.hand_over(&mut batch.arena);
        // Only now may reading go on: it moves or adds to what is in the buffer.
        if self.advance(&mut open) {
            self.open.push(open);
        } else {
            self.close(open);
        }
        self.open_due()
    }

    /// Notes packets in the batch as long as they are of the usual form, are in the
    /// buffer and there is room, the first in any case; returns the bytes that they take.
    #[inline]
    fn pass(
        &mut self,
        input: &Input,
        next: &mut Upcoming,
        batch: &mut Batch,
        room: Room,
        mut usual: impl FnMut(&[u8]) -> Option<Head>,
    ) -> usize {
        let due = self.waiting.last().map(|&(first, ..)| first);
        let (bytes, position) = (input.here(), input.position());
        let (mut head, mut at) = (next.head, 0);
        loop {
            let data = at + head.skip;
            let end = data + head.captured as usize;
            // The reader's look has made sure that all of it is in the buffer.
            let packet = bytes.get(data..end).unwrap_or_default();
            self.push(&head, next.number(), batch, position + data, packet);
            at = end + head.trailer;
            if batch.heads.len() >= room.packets || position + at >= room.bytes {
                break;
            }
            let Some(following) = usual(bytes.get(at..).unwrap_or_default()) else { break };
            head = following;
            next.reach(&head);
            if due.is_some_and(|first| next.key >= first) {
                break;
            }
        }
        at
    }

    /// Fills a batch from several open files, packet by packet.
    fn copy(
        &mut self,
        batch: &mut Batch,
        max_packets: usize,
        max_bytes: usize,
    ) -> Result<(), SourceError> {
        while batch.heads.len() < max_packets && batch.arena.len() < max_bytes {
            let Some(at) = self.earliest() else { break };
            self.take(at, batch)?;
        }
        Ok(())
    }

    /// The open file whose packet is next.
    fn earliest(&self) -> Option<usize> {
        if self.open.len() == 1 {
            return Some(0);
        }
        let places = self.open.iter().enumerate();
        places.min_by_key(|(_, open)| (open.next.key, open.order)).map(|(at, _)| at)
    }

    /// Copies the next packet of an open file into the batch.
    fn take(&mut self, at: usize, batch: &mut Batch) -> Result<(), SourceError> {
        let mut open = self.open.swap_remove(at);
        let head = open.next.head;
        let (start, end) = (head.skip, head.skip + head.captured as usize);
        let offset = batch.arena.len();
        let bytes = open.input.want(end).unwrap_or_default().get(start..end).unwrap_or_default();
        batch.arena.extend_from_slice(bytes);
        self.push(&head, open.next.number(), batch, offset, bytes);
        open.input.consume(end + head.trailer);
        self.bytes_read += (end + head.trailer) as u64;
        if self.advance(&mut open) {
            self.open.push(open);
            let last = self.open.len() - 1;
            self.open.swap(at, last);
        } else {
            self.close(open);
        }
        if !self.waiting.is_empty() {
            self.open_due()?;
        }
        Ok(())
    }

    /// Notes a packet in the batch. Its bytes lie, or will lie, at an offset of the arena.
    #[inline]
    fn push(
        &mut self,
        head: &Head,
        frame: FrameNumber,
        batch: &mut Batch,
        offset: usize,
        bytes: &[u8],
    ) {
        let ts = head.ts.unwrap_or(if self.clock == i64::MIN { 0 } else { self.clock });
        self.clock = self.clock.max(ts);
        let wanted = self.filter.as_mut().is_none_or(|f| f.accepts(head.link, bytes));
        batch.heads.push(PacketHead {
            ts,
            clock: self.clock,
            // An arena holds a few megabytes.
            offset: u32::try_from(offset).unwrap_or(u32::MAX),
            captured: u32::try_from(bytes.len()).unwrap_or(0),
            wire: head.wire,
            link: head.link,
            wanted,
            frame,
        });
        self.next += 1;
    }

    /// Bytes of packets and their headers consumed so far.
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    /// Files in the set.
    pub fn files(&self) -> u64 {
        self.files.len() as u64
    }

    /// What was passed over, as far as it is remembered.
    pub fn damage(&self) -> &[Damage] {
        &self.damage
    }

    /// How often something was passed over, and how many bytes.
    pub fn damage_totals(&self) -> (u64, u64) {
        (self.damage_count, self.damage_bytes)
    }

    /// What the user should know about the files.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }
}

impl Feed for CaptureSet {
    fn fill(
        &mut self,
        batch: &mut Batch,
        packets: usize,
        bytes: usize,
    ) -> Result<bool, SourceError> {
        Self::fill(self, batch, packets, bytes)
    }

    fn files(&self) -> Vec<String> {
        self.files.clone()
    }

    fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    fn totals(&self) -> Totals {
        Totals {
            files: self.files.len() as u64,
            files_left_out: self.left_out,
            damaged_places: self.damage_count,
            damaged_bytes: self.damage_bytes,
            ..Totals::default()
        }
    }
}

/// Finds out the format of an input and starts its reader.
pub(super) fn open_reader(input: &mut Input) -> Result<(Reader, Format), SourceError> {
    let file = input.file().to_owned();
    let head = input.want(24).map_err(|error| SourceError::Io { file: file.clone(), error })?;
    if Pcap::matches(head) {
        return Ok((Reader::Pcap(Pcap::open(input)?), Format::Pcap));
    }
    if PcapNg::matches(head) {
        return Ok((Reader::PcapNg(PcapNg::open(input)?), Format::PcapNg));
    }
    if Sniffer::matches(head) {
        return Ok((Reader::Sniffer(Sniffer::open(input)?), Format::Sniffer));
    }
    if head.is_empty() {
        let place = FilePosition { file, offset: 0 };
        return Err(SourceError::Unsupported { place, what: "the file is empty".to_owned() });
    }
    let found = head.iter().take(8).map(|b| format!("{b:02X}")).collect::<Vec<_>>().join(" ");
    Err(SourceError::UnknownFormat { file, found })
}

impl std::fmt::Debug for CaptureSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Set")
            .field("open", &self.open.len())
            .field("waiting", &self.waiting.len())
            .field("packets", &self.next)
            .finish_non_exhaustive()
    }
}
