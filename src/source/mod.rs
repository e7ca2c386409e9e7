//! Where packets come from: capture files of several formats, compressed or
//! not, one or many, as one stream of batches.
//!
//! A [`CaptureSet`] fills [`Batch`]es: an arena of bytes and a list of packet heads
//! that point into it. Batches are recycled, so reading allocates nothing per
//! packet. This module knows nothing of what is inside a packet.

mod chain;
mod files;
mod filter;
mod foreign;
mod formats;
mod live;
mod open;
mod packet_clock;
mod padding;
mod pcap;
mod pcapng;
mod reader;
mod set;

use std::path::PathBuf;

use crate::input::Input;

pub use filter::Filter;
pub use live::{Interface, InterfaceState, Live, LiveControl, LiveOptions, WatchTime, interfaces};
pub use packet_clock::OLDEST;
pub use set::{CaptureSet, OddTime, OddTimes, Outside, SetOptions};

/// A link-layer header type: a number of the LINKTYPE registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LinkType(pub u16);

impl LinkType {
    /// Ethernet.
    pub const ETHERNET: Self = Self(1);
}

/// A packet's place in a batch, and when it was captured.
#[derive(Clone, Copy, Debug)]
pub struct PacketHead {
    /// Capture time, nanoseconds since 1970-01-01 00:00:00 UTC. Where the clock was set back
    /// it goes on from where it was, see [`Batch::behind`]; a time stamp that is wrong is
    /// replaced by that of its neighbours.
    pub ts: i64,
    /// Packet clock: the latest capture time up to and including this packet.
    /// It never goes backwards, whatever the time stamps do.
    pub clock: i64,
    /// Offset of the first captured byte in the arena.
    pub offset: u32,
    /// Captured bytes.
    pub captured: u32,
    /// Bytes the packet had on the wire.
    pub wire: u32,
    /// Link-layer header type.
    pub link: LinkType,
    /// Whether the filter keeps the packet.
    pub wanted: bool,
    /// Where a file has it.
    pub frame: FrameNumber,
}

/// The place of a packet among those of its file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FrameNumber {
    /// The file, by its place in [`Feed::files`].
    pub file: u32,
    /// Number of the packet in the file, counted from 1 as Wireshark does; 0 where it has
    /// none, as a packet of an interface or the 4,294,967,296th of a file.
    pub number: u32,
}

/// Packets read together: their bytes in one arena, their heads in order.
#[derive(Debug, Default)]
pub struct Batch {
    /// Bytes of all packets of the batch, where their heads say, and others. Later stages
    /// may append to it.
    pub arena: Vec<u8>,
    /// The packets, in the order of the capture.
    pub heads: Vec<PacketHead>,
    /// Ordinal of the first packet in the whole input, counted from 0.
    pub first: u64,
    /// The packet clock after the batch, where it goes on without packets.
    pub tick: Option<i64>,
    /// By how many nanoseconds the times of packets are ahead of their time stamps, because
    /// the clock was set back: from which ordinal on.
    pub behind: Behind,
    /// Whether packets were lost before or between these; if there are none, after the last.
    pub lossy: bool,
    /// From which packet on times are still to be judged by those that follow.
    undecided: Option<usize>,
}

/// How far times are ahead of time stamps, by ordinals of packets.
#[derive(Clone, Debug, Default)]
pub struct Behind {
    /// Before the first change.
    first: i64,
    /// Where it changes, ascending.
    changes: Vec<(u64, i64)>,
}

impl Behind {
    /// Starts anew.
    fn begin(&mut self, nanoseconds: i64) {
        self.first = nanoseconds;
        self.changes.clear();
    }

    /// It is so much from a packet on.
    fn change(&mut self, ordinal: u64, nanoseconds: i64) {
        if self.last() != nanoseconds {
            self.changes.push((ordinal, nanoseconds));
        }
    }

    /// Of a packet.
    pub fn at(&self, ordinal: u64) -> i64 {
        let before = self.changes.partition_point(|(from, _)| *from <= ordinal);
        let change = before.checked_sub(1).and_then(|n| self.changes.get(n));
        change.map_or(self.first, |(_, nanoseconds)| *nanoseconds)
    }

    /// Of the last packet.
    pub fn last(&self) -> i64 {
        self.changes.last().map_or(self.first, |(_, nanoseconds)| *nanoseconds)
    }
}

/// Where batches come from.
pub trait Feed: Send {
    /// Empties a batch and fills it with the next packets, about so many and so many
    /// bytes of them; `false` when there is nothing more. A batch may stay empty and say no
    /// time, where packets were passed over.
    ///
    /// # Errors
    /// If the input cannot be read further.
    fn fill(
        &mut self,
        batch: &mut Batch,
        packets: usize,
        bytes: usize,
    ) -> Result<bool, SourceError>;

    /// The names of the files; none of interfaces.
    fn files(&self) -> Vec<String> {
        Vec::new()
    }

    /// Bytes read so far.
    fn bytes_read(&self) -> u64;

    /// What became of the input.
    fn totals(&self) -> Totals;
}

/// What became of the input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Files, or interfaces.
    pub files: u64,
    /// Files of directories and archives that cannot be opened or are no captures.
    pub files_left_out: u64,
    /// Places that were passed over.
    pub damaged_places: u64,
    /// Bytes of them.
    pub damaged_bytes: u64,
    /// Packets outside of the period that is read.
    pub outside_packets: u64,
    /// Their bytes on the wire.
    pub outside_bytes: u64,
    /// Packets whose time stamps are wrong.
    pub wrong_times: u64,
    /// How often the clock of the time stamps was set back.
    pub clock_set_back: u64,
    /// Packets that the kernel had no room for.
    pub dropped_packets: u64,
    /// Packets that an interface had no room for.
    pub interface_dropped_packets: u64,
}

impl Batch {
    /// Empties it, to be filled again from a packet on. What becomes of the arena is for
    /// the source to say.
    fn begin(&mut self, first: u64) {
        self.heads.clear();
        self.first = first;
        self.undecided = None;
        self.tick = None;
        self.lossy = false;
    }

    /// The captured bytes of a packet of this batch.
    pub fn bytes(&self, head: &PacketHead) -> &[u8] {
        let start = head.offset as usize;
        self.arena.get(start..start + head.captured as usize).unwrap_or_default()
    }
}

/// Where in the input something was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilePosition {
    /// The file, `-` for standard input.
    pub file: PathBuf,
    /// Offset in bytes; of the decompressed data where the file is compressed.
    pub offset: u64,
}

impl FilePosition {
    /// The place of an input's next byte.
    fn of(input: &Input) -> Self {
        Self { file: input.file().to_owned(), offset: input.offset() }
    }
}

impl std::fmt::Display for FilePosition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: offset {}", self.file.display(), self.offset)
    }
}

/// Input that could not be read as it should, and was passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Where.
    pub place: FilePosition,
    /// What was found and what was expected.
    pub what: String,
    /// Bytes passed over.
    pub skipped: u64,
}

/// Why an input cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The operating system said no.
    #[error("{}: {error}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What it said.
        error: std::io::Error,
    },
    /// The first bytes are those of no known format.
    #[error(
        "{}: not a capture file: it begins with {found}, expected pcap, pcapng or another format that is read, plain or in gzip, zstd, zip or tar; capinfos may tell what it is, and editcap -F pcapng converts what Wireshark reads",
        file.display()
    )]
    UnknownFormat {
        /// The file.
        file: PathBuf,
        /// The first bytes, in hexadecimal.
        found: String,
    },
    /// The format is known and not read.
    #[error(
        "{}: not a capture file: it begins with {found}, which is {name}; {remedy}",
        file.display()
    )]
    Foreign {
        /// The file.
        file: PathBuf,
        /// The first bytes, in hexadecimal.
        found: String,
        /// What it is.
        name: &'static str,
        /// How it is converted.
        remedy: &'static str,
    },
    /// Too many files overlap in time.
    #[error(
        "{}: more than {most} files overlap in time; merge some of them first, for example with mergecap",
        file.display()
    )]
    TooMany {
        /// The file that is one too many.
        file: PathBuf,
        /// How many may.
        most: usize,
    },
    /// The format is known but this kind of it is not read.
    #[error("{place}: {what}")]
    Unsupported {
        /// Where.
        place: FilePosition,
        /// What was found and what was expected.
        what: String,
    },
    /// A directory or an archive holds no capture file.
    #[error("{}: no capture file in this {kind}{}{why}", holder.display(), if why.is_empty() { "" } else { ": " })]
    NoCapture {
        /// The directory or the archive.
        holder: PathBuf,
        /// Which of the two.
        kind: &'static str,
        /// What files it holds instead.
        why: String,
    },
    /// An interface cannot be captured.
    #[error("interface {name}: {why}")]
    Interface {
        /// Its name.
        name: String,
        /// What was said.
        why: String,
    },
    /// The filter expression is wrong.
    #[error("filter \"{expression}\": {message}")]
    Filter {
        /// What was given.
        expression: String,
        /// What the compiler said.
        message: String,
    },
}

/// The longest packet that is taken for one; longer lengths are damage.
/// libpcap's limit for all but D-Bus captures.
pub const MAX_PACKET: u32 = 262_144;

const NANOS_PER_SECOND: i64 = 1_000_000_000;
