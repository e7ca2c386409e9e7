//! A set of capture files as one stream of packets, ordered by time.

mod times;

use std::collections::{BinaryHeap, VecDeque};
use std::ops::Range;
use std::path::PathBuf;

use super::files::Files;
use super::open::{Open, Upcoming};
use super::packet_clock::{PacketClock, UNTIMED};
use super::reader::{Head, Reader, Step, open_reader};
use super::{
    Batch, Damage, Feed, FilePosition, Filter, FrameNumber, PacketHead, SourceError, Totals,
};
use crate::input::{Input, Member, Spool};

pub use times::{OddTime, OddTimes, Outside};

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
    /// Packets of these times are read, in nanoseconds since 1970; others are only counted.
    /// All are, without.
    pub period: Option<Range<i64>>,
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

/// Files that are open together with a buffer of 512 KiB and a descriptor each. Those that
/// are opened beside so many have a small buffer, and no descriptor between two reads.
const MAX_WHOLE: usize = 64;

/// Files that may overlap in time.
const MAX_OVERLAPPING: usize = 16_384;

/// Damage that is remembered with its place; more is only counted.
const MAX_DAMAGE: usize = 1000;

/// Capture files read as one.
pub struct CaptureSet {
    /// Files not yet open, the earliest last.
    waiting: Vec<(i64, usize, Member)>,
    /// How many of them may be open before their turn, and those that are.
    before: usize,
    opened: Vec<(usize, Option<Input>)>,
    /// Those that are open, the one with the earliest packet first.
    open: BinaryHeap<Box<Open>>,
    /// What is decompressed of files that are opened beside many.
    spool: Spool,
    filter: Option<Filter>,
    period: Option<Range<i64>>,
    outside: Outside,
    /// What time stamps are worth.
    time: PacketClock,
    /// Batches that were read to judge times by what follows, and such as are empty.
    ahead: VecDeque<Batch>,
    spare: Vec<Batch>,
    /// Whether a packet waits to be judged, and with it those that follow.
    waits: bool,
    /// The latest time of packets that are read.
    clock: i64,
    next: u64,
    bytes_read: u64,
    damage: Vec<Damage>,
    damage_count: u64,
    damage_bytes: u64,
    notes: Vec<String>,
    /// Names of the files, in the order in which they were given.
    files: Vec<String>,
    /// The files in which they are: archives, files in directories, or themselves.
    paths: Vec<PathBuf>,
    /// Files of directories and archives that cannot be opened or are no captures.
    left_out: u64,
    /// A file that could not be opened when its turn came.
    failed: Option<SourceError>,
    /// Bytes that were copied from one buffer to the next and are still to be earned by
    /// reading packet by packet.
    copied: usize,
    /// What reading files that are closed has cost.
    work: u64,
    /// Packets were lost before the next one.
    lossy: bool,
    /// Packets that the files say were lost.
    dropped: u64,
    interface_dropped: u64,
}

impl CaptureSet {
    /// Opens files, archives and directories (all capture files in and below them), and
    /// `-`.
    ///
    /// # Errors
    /// If a named file cannot be read or is no capture, or a directory or an archive holds
    /// none. Other files in them are passed over, and noted.
    pub fn open(paths: &[PathBuf], options: SetOptions) -> Result<Self, SourceError> {
        let Files { members, paths, notes, left_out, spool } = Files::of(paths)?;
        let mut set = Self {
            waiting: Vec::new(),
            before: options.before.min(MAX_BEFORE),
            opened: Vec::new(),
            open: BinaryHeap::new(),
            spool,
            filter: options.filter,
            period: options.period,
            outside: Outside::default(),
            time: PacketClock::default(),
            ahead: VecDeque::new(),
            spare: Vec::new(),
            waits: false,
            clock: i64::MIN,
            next: 0,
            bytes_read: 0,
            damage: Vec::new(),
            damage_count: 0,
            damage_bytes: 0,
            notes,
            files: members.iter().map(|member| member.name().display().to_string()).collect(),
            paths,
            left_out,
            failed: None,
            copied: 0,
            work: 0,
            lossy: false,
            dropped: 0,
            interface_dropped: 0,
        };
        if members.len() == 1 || members.iter().any(|member| !member.reopens()) {
            // Standard input can be opened only once; so nothing is looked at twice.
            for (order, member) in members.iter().enumerate() {
                set.start(member, order)?;
            }
            return Ok(set);
        }
        // A file is opened when the clock reaches it, so that a set of many
        // thousand files does not need as many descriptors.
        for (order, member) in members.into_iter().enumerate() {
            let first = Self::first_time(&member)?;
            set.waiting.push((first, order, member));
        }
        set.waiting.sort_by_key(|w| std::cmp::Reverse((w.0, w.1)));
        set.open_due()?;
        Ok(set)
    }

    /// Time of a file's first packet; the end of time if it has none.
    fn first_time(member: &Member) -> Result<i64, SourceError> {
        let mut input = member
            .open()
            .map_err(|error| SourceError::Io { file: member.name().to_owned(), error })?;
        let mut reader = open_reader(&mut input)?;
        loop {
            match reader.peek(&mut input) {
                Ok(Step::Packet(head)) => return Ok(head.ts.unwrap_or(i64::MIN)),
                Ok(Step::Damage(_) | Step::Lost(_)) => {}
                Ok(Step::End) => match Reader::following(&mut input) {
                    Ok(Some(following)) => reader = following,
                    Ok(None) | Err(_) => return Ok(i64::MAX),
                },
                Err(_) => return Ok(i64::MAX),
            }
        }
    }

    fn start(&mut self, member: &Member, order: usize) -> Result<(), SourceError> {
        if self.open.len() >= MAX_OVERLAPPING {
            return Err(SourceError::TooMany {
                file: member.name().to_owned(),
                most: MAX_OVERLAPPING,
            });
        }
        let opened = self.opened.iter().position(|(of, _)| *of == order);
        let mut input = match opened.and_then(|at| self.opened.swap_remove(at).1) {
            Some(input) => input,
            None => {
                let input = if self.open.len() < MAX_WHOLE || !member.reopens() {
                    member.open()
                } else {
                    member.open_small(&mut self.spool)
                };
                input.map_err(|error| SourceError::Io { file: member.name().to_owned(), error })?
            }
        };
        let reader = open_reader(&mut input)?;
        self.go_on(Box::new(Open::new(input, reader, order)));
        Ok(())
    }

    /// Finds the next packet of a file, or closes it at its end.
    fn go_on(&mut self, mut open: Box<Open>) {
        if self.advance(&mut open) {
            if open.input.is_small() {
                open.input.release();
            }
            self.open.push(open);
        } else {
            self.work += open.input.work();
            self.notes.extend(open.notes());
        }
    }

    /// Opens every file that begins before the next packet.
    fn open_due(&mut self) -> Result<(), SourceError> {
        while let Some(&(first, order, _)) = self.waiting.last() {
            if self.open.peek().is_some_and(|o| o.next.key < first) {
                break;
            }
            let Some((_, _, member)) = self.waiting.pop() else {
                break;
            };
            self.start(&member, order)?;
        }
        while self.opened.len() < self.before && self.open.len() < MAX_WHOLE {
            // The earliest are last, and the first of them were opened first.
            let next = self.waiting.iter().rev().nth(self.opened.len());
            let Some((_, order, member)) = next else { break };
            // One that cannot be opened says so when its turn comes.
            self.opened.push((*order, member.open_before().ok()));
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
                    self.damaged(damage);
                    // Every step of a reader consumes something; one that did
                    // not would be met again and again.
                    if open.input.offset() == before {
                        return false;
                    }
                }
                Ok(Step::Lost(lost)) => {
                    self.lossy |= lost.interface + lost.kernel > 0;
                    self.interface_dropped += lost.interface;
                    self.dropped += lost.kernel;
                }
                Ok(Step::End) => match Reader::following(&mut open.input) {
                    Ok(Some(following)) => open.follow(following),
                    Ok(None) => return false,
                    Err(error) => {
                        let what = format!("another capture follows, which is not read: {error}");
                        self.note_damage(FilePosition::of(&open.input), what);
                        return false;
                    }
                },
                Err(error) => {
                    let what = format!("cannot be read further: {error}");
                    self.note_damage(FilePosition::of(&open.input), what);
                    return false;
                }
            }
        }
    }

    /// Notes that a file cannot be read any further than to a place.
    fn note_damage(&mut self, place: FilePosition, what: String) {
        self.damaged(Damage { place, what, skipped: 0 });
    }

    fn damaged(&mut self, damage: Damage) {
        self.damage_count += 1;
        self.damage_bytes += damage.skipped;
        if self.damage.len() < MAX_DAMAGE {
            self.damage.push(damage);
        }
    }

    /// Empties `batch` and fills it with the next packets; `false` when there
    /// are none left. It stays empty where all that was looked at is outside of the period.
    ///
    /// # Errors
    /// If a file of the set cannot be opened when its turn comes.
    pub fn fill(
        &mut self,
        batch: &mut Batch,
        max_packets: usize,
        max_bytes: usize,
    ) -> Result<bool, SourceError> {
        let more = match self.ahead.pop_front() {
            Some(next) => {
                self.spare.push(std::mem::replace(batch, next));
                true
            }
            None => self.read(batch, max_packets, max_bytes)?,
        };
        batch.first = self.next;
        batch.behind.begin(self.time.behind());
        if let Some(from) = batch.undecided.take() {
            self.judge(batch, from, max_packets, max_bytes);
            self.waits = !self.ahead.is_empty();
        }
        self.next += batch.heads.len() as u64;
        // What was lost after the period is no loss of it.
        let wall = self.time.now().saturating_sub(self.time.behind());
        batch.lossy &= self.period.as_ref().is_none_or(|period| wall < period.end);
        if batch.lossy {
            batch.tick = (self.clock > i64::MIN).then_some(self.clock);
        }
        Ok(more)
    }

    /// Reads the next packets into a batch. Their times are judged as long as nothing has to
    /// follow for it.
    fn read(
        &mut self,
        batch: &mut Batch,
        max_packets: usize,
        max_bytes: usize,
    ) -> Result<bool, SourceError> {
        batch.begin(self.next);
        batch.undecided = self.waits.then_some(0);
        let outside = self.outside.packets;
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        if std::mem::take(&mut self.lossy) {
            // In a batch without packets: so it is told between the same two packets however
            // many a batch has.
            batch.lossy = true;
            return Ok(true);
        }
        let done = match self.open.pop() {
            Some(open) if self.open.is_empty() && self.copied == 0 && open.reader.is_usual() => {
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
        Ok(!batch.heads.is_empty() || self.outside.packets > outside)
    }

    /// Fills a batch from the only open file: its buffer becomes the arena, so that
    /// nothing is copied but a packet that is cut by the end of the buffer.
    fn hand_over(
        &mut self,
        mut open: Box<Open>,
        batch: &mut Batch,
        max_packets: usize,
        max_bytes: usize,
    ) -> Result<(), SourceError> {
        let Open { input, reader, next, .. } = &mut *open;
        // Half a batch, so that a packet that the last block cuts has room.
        input.read_by(max_bytes / 2);
        let room = Room { packets: max_packets, bytes: max_bytes };
        let at = match reader {
            Reader::Pcap(r) => self.pass(input, next, batch, room, |bytes| r.next(bytes)),
            Reader::PcapNg(r) => self.pass(input, next, batch, room, |bytes| r.next(bytes)),
            _ => self.pass(input, next, batch, room, |_| None),
        };
        input.consume(at);
        self.bytes_read += at as u64;
        // A batch that is full has earned the copy of a block.
        let earned = if batch.heads.len() < max_packets { MAX_CUT } else { max_bytes };
        let ahead = open.input.ahead();
        if ahead >= earned {
            self.copied = ahead.saturating_sub(at);
        }
        open.input.hand_over(&mut batch.arena);
        // Only now may reading go on: it moves or adds to what is in the buffer.
        self.go_on(open);
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
        for _ in 0..max_packets {
            if batch.arena.len() >= max_bytes || self.lossy {
                break;
            }
            let Some(open) = self.open.pop() else { break };
            self.take(open, batch)?;
        }
        Ok(())
    }

    /// Copies the next packet of an open file into the batch.
    fn take(&mut self, mut open: Box<Open>, batch: &mut Batch) -> Result<(), SourceError> {
        let head = open.next.head;
        let (start, end) = (head.skip, head.skip + head.captured as usize);
        let offset = batch.arena.len();
        let bytes = open.input.want(end).unwrap_or_default().get(start..end).unwrap_or_default();
        if self.push(&head, open.next.number(), batch, offset, bytes) {
            batch.arena.extend_from_slice(bytes);
        }
        open.input.consume(end + head.trailer);
        self.bytes_read += (end + head.trailer) as u64;
        self.copied = self.copied.saturating_sub(end + head.trailer);
        self.go_on(open);
        if !self.waiting.is_empty() {
            self.open_due()?;
        }
        Ok(())
    }

    /// Notes a packet in the batch, if it is in the period. Its bytes lie, or will lie, at an
    /// offset of the arena. Every packet comes here.
    #[inline(always)]
    fn push(
        &mut self,
        head: &Head,
        frame: FrameNumber,
        batch: &mut Batch,
        offset: usize,
        bytes: &[u8],
    ) -> bool {
        let time = head.ts.unwrap_or(UNTIMED);
        let usual = if self.waits || time == UNTIMED { None } else { self.time.usual(time) };
        let ts = match usual {
            Some(ts) => {
                if let Some(period) = &self.period {
                    let ts_told = ts.saturating_sub(self.time.behind());
                    if !period.contains(&ts_told) {
                        self.outside.add(ts_told, head.wire);
                        return false;
                    }
                }
                self.clock = self.clock.max(ts);
                ts
            }
            None => {
                self.waits = true;
                batch.undecided.get_or_insert(batch.heads.len());
                time
            }
        };
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
        true
    }

    /// Packets outside of the period that were passed over so far.
    pub fn outside(&self) -> Outside {
        self.outside
    }

    /// Bytes of packets and their headers consumed so far.
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    /// What reading has cost so far: bytes that were read and moved, and how often something
    /// was looked for. It grows as the files do, whatever they hold.
    pub fn work(&self) -> u64 {
        self.work + self.open.iter().map(|open| open.input.work()).sum::<u64>()
    }

    /// Files in the set.
    pub fn files(&self) -> u64 {
        self.files.len() as u64
    }

    /// The files that are read, in the order in which they were given: archives instead of
    /// their members, `-` for standard input.
    pub fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    /// What was passed over, as far as it is remembered.
    pub fn damage(&self) -> &[Damage] {
        &self.damage
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
            outside_packets: self.outside.packets,
            outside_bytes: self.outside.bytes,
            wrong_times: self.time.wrong,
            clock_set_back: self.time.set_back,
            dropped_packets: self.dropped,
            interface_dropped_packets: self.interface_dropped,
        }
    }
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
