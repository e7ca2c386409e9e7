//! What is to be compared, divided into parts, on disk if there are several, so that
//! memory holds one part at a time. Everything about two addresses is in one part.

use std::fs::File;
use std::hash::BuildHasher;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::net::IpAddr;

use super::delta_encoding::{self, PreviousEntries};
use super::observation::{About, Observation, RecordLocation};

/// Bytes of input for each part: what is gone through several times stays in the cache.
const PART: u64 = 6 << 20;
/// The most parts. Their files are open at once, and some systems allow 256.
const MAX_PARTS: u64 = 192;
/// Bytes that are written to a file at once.
const BLOCK: usize = 1 << 16;
/// Bytes before an entry's own: its side, file, offset and length.
pub(super) const HEAD: usize = 17;

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// A record of the stack.
    Stack,
    /// A record of the tap.
    Tap,
    /// What the tap knows beside its records.
    TapObservations,
    /// A summary record of the tap that others may take the place of.
    TapSummary,
    /// A record of what z/OS stream observation sees of the wire.
    Observed,
}

/// An entry of a part.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    pub side: Side,
    pub place: RecordLocation,
    pub bytes: &'a [u8],
}

/// The parts.
#[derive(Debug)]
pub(super) struct Spool {
    parts: Vec<Stored>,
    /// What is read of a file.
    stored: Vec<u8>,
    /// Whether other summary records of the tap take the place of the first.
    recut: bool,
}

/// Where a part is.
#[derive(Debug)]
enum Stored {
    /// The only one need not leave memory.
    Memory(Vec<u8>),
    File(Stream),
}

/// A part in a file.
#[derive(Debug)]
struct Stream {
    file: File,
    /// What is not written yet.
    waiting: Vec<u8>,
    lasts: PreviousEntries,
}

impl Stream {
    fn new() -> io::Result<Self> {
        let file = tempfile::tempfile()?;
        Ok(Self { file, waiting: Vec::with_capacity(BLOCK), lasts: PreviousEntries::default() })
    }

    fn put(&mut self, head: &[u8; HEAD], bytes: &[u8]) -> io::Result<()> {
        // There are many buffers: none grows but for an entry that is longer.
        if self.waiting.len() + HEAD + delta_encoding::longest(bytes.len()) > BLOCK {
            self.flush()?;
        }
        self.waiting.extend_from_slice(head);
        self.lasts.store(&mut self.waiting, bytes);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.write_all(&self.waiting)?;
        self.waiting.clear();
        Ok(())
    }

    fn read(&mut self, stored: &mut Vec<u8>) -> io::Result<()> {
        self.flush()?;
        stored.clear();
        self.file.seek(SeekFrom::Start(0))?;
        self.file.read_to_end(stored).map(|_| ())
    }
}

impl Spool {
    /// Parts for so many bytes of input.
    pub fn new(bytes: u64) -> io::Result<Self> {
        let count = bytes.div_ceil(PART).clamp(1, MAX_PARTS);
        if count == 1 {
            let parts = vec![Stored::Memory(Vec::new())];
            return Ok(Self { parts, stored: Vec::new(), recut: false });
        }
        let part = |_| Stream::new().map(Stored::File).map_err(temporary);
        let parts = (0..count).map(part).collect::<io::Result<_>>()?;
        Ok(Self { parts, stored: Vec::new(), recut: false })
    }

    /// Number of parts.
    pub fn len(&self) -> usize {
        self.parts.len()
    }

    /// The summary records of the tap that came so far do not count.
    pub fn forget_summaries(&mut self) {
        self.recut = true;
    }

    /// Whether the first summary records of the tap do not count.
    pub fn recut(&self) -> bool {
        self.recut
    }

    /// Takes a record.
    pub fn record(
        &mut self,
        side: Side,
        place: RecordLocation,
        seen: &Observation,
        bytes: &[u8],
    ) -> io::Result<()> {
        let part = match seen.about {
            About::Connection { tuple, .. } => self.part(tuple.local.0, tuple.remote.0),
            About::Session { ends, .. } => self.part(ends.server, ends.client),
            About::Other { .. } => 0,
        };
        self.put(part, side, place, bytes)
    }

    /// Takes what the tap knows of two addresses.
    pub fn facts(&mut self, ends: (IpAddr, IpAddr), bytes: &[u8]) -> io::Result<()> {
        let part = self.part(ends.0, ends.1);
        self.put(part, Side::TapObservations, RecordLocation::default(), bytes)
    }

    /// The part of two addresses, in whatever order. The hash is the same in every
    /// run: addresses are not chosen to collide, and if they were, a part would be
    /// large, nothing worse.
    fn part(&self, one: IpAddr, other: IpAddr) -> usize {
        let parts = self.parts.len() as u64;
        if parts == 1 {
            return 0;
        }
        let hash =
            foldhash::quality::FixedState::default().hash_one((one.min(other), one.max(other)));
        usize::try_from(hash % parts).unwrap_or(0)
    }

    fn put(
        &mut self,
        part: usize,
        side: Side,
        place: RecordLocation,
        bytes: &[u8],
    ) -> io::Result<()> {
        let [l0, l1, l2, l3] = u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes();
        let [f0, f1, f2, f3] = place.file.to_be_bytes();
        let [o0, o1, o2, o3, o4, o5, o6, o7] = place.offset.to_be_bytes();
        let side = side as u8;
        let head = [side, f0, f1, f2, f3, o0, o1, o2, o3, o4, o5, o6, o7, l0, l1, l2, l3];
        match self.parts.get_mut(part) {
            Some(Stored::Memory(memory)) => {
                memory.extend_from_slice(&head);
                memory.extend_from_slice(bytes);
                Ok(())
            }
            Some(Stored::File(stream)) => stream.put(&head, bytes).map_err(temporary),
            None => Ok(()),
        }
    }

    /// Takes the only part, if it has not left memory.
    pub fn take_only(&mut self) -> Option<Vec<u8>> {
        match self.parts.as_mut_slice() {
            [Stored::Memory(memory)] => Some(std::mem::take(memory)),
            _ => None,
        }
    }

    /// Gives the only part back.
    pub fn put_only(&mut self, bytes: Vec<u8>) {
        if let [Stored::Memory(memory)] = self.parts.as_mut_slice() {
            *memory = bytes;
        }
    }

    /// Reads a part into a buffer, in place of what is there.
    pub fn read(&mut self, part: usize, buffer: &mut Vec<u8>) -> io::Result<()> {
        buffer.clear();
        match self.parts.get_mut(part) {
            Some(Stored::File(stream)) => {
                stream.read(&mut self.stored).map_err(temporary)?;
                delta_encoding::restore_all(buffer, &self.stored);
                Ok(())
            }
            // It was taken as it is.
            Some(Stored::Memory(_)) | None => Ok(()),
        }
    }
}

/// The entries of a part, in the order in which they came.
pub(super) fn entries(mut rest: &[u8]) -> impl Iterator<Item = Entry<'_>> {
    std::iter::from_fn(move || next_entry(&mut rest))
}

/// Takes the next entry from the bytes of a part.
fn next_entry<'a>(rest: &mut &'a [u8]) -> Option<Entry<'a>> {
    let (head, after) = rest.split_first_chunk::<HEAD>()?;
    let &[side, f0, f1, f2, f3, o0, o1, o2, o3, o4, o5, o6, o7, l0, l1, l2, l3] = head;
    let (bytes, after) = after.split_at_checked(u32::from_be_bytes([l0, l1, l2, l3]) as usize)?;
    *rest = after;
    let place = RecordLocation {
        file: u32::from_be_bytes([f0, f1, f2, f3]),
        offset: u64::from_be_bytes([o0, o1, o2, o3, o4, o5, o6, o7]),
    };
    let side = match side {
        0 => Side::Stack,
        1 => Side::Tap,
        2 => Side::TapObservations,
        3 => Side::TapSummary,
        _ => Side::Observed,
    };
    Some(Entry { side, place, bytes })
}

/// An error that says what it is about: a temporary file has no name.
fn temporary(error: io::Error) -> io::Error {
    let place = std::env::temp_dir();
    io::Error::new(error.kind(), format!("temporary file in {}: {error}", place.display()))
}
