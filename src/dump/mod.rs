//! Files of SMF records, as they come from z/OS and as they go there.
//!
//! A [`Reader`] finds out how records lie in a file: with their record descriptor
//! words back to back, in blocks with block descriptor words (V, VB, VBS, also
//! copied as U), spanned over segments and blocks, in a TSO TRANSMIT file
//! (NETDATA), behind a length each, as transfers by record write them, or without
//! descriptor words, as FTP writes them if nobody tells it not to. Filler between them and
//! damage are passed over and told; what a transfer in text mode has changed is recognised. A [`Writer`] writes all but the last.
//!
//! ```
//! use std::path::Path;
//! use zerttap::dump::{Framing, Item, Reader, Writer};
//! use zerttap::input::Input;
//! use zerttap::record::{Detail, Record};
//!
//! let mut detail = Detail::default();
//! detail.header.date = 0x0125_326F;
//! let mut record = Vec::new();
//! detail.encode(&mut record);
//!
//! // Two records as a VBS data set with blocks of 512 bytes.
//! let mut writer = Writer::new(Vec::new(), Framing::Vbs, 512)?;
//! writer.record(&record)?;
//! writer.record(&record)?;
//! let file = writer.finish()?;
//!
//! let input = Input::new(Path::new("example"), Box::new(std::io::Cursor::new(file)));
//! let mut reader = Reader::new(input)?;
//! let mut subtypes = Vec::new();
//! while let Some(item) = reader.next_item()? {
//!     match item {
//!         Item::Record { bytes, .. } => subtypes.push(Record::parse(bytes)?.subtype()),
//!         Item::Damage(damage) => eprintln!("{damage}"),
//!         Item::Note(note) => eprintln!("{note}"),
//!     }
//! }
//! assert_eq!(subtypes, [Some(11), Some(11)]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod archive;
mod filler;
mod header;
mod line_ends;
mod netdata;
mod prefixed;
mod probe;
mod reader;
mod translated;
mod unframed;
mod writer;

use std::fmt;
use std::io;

pub use archive::{Readers, open};
pub use reader::{Form, Item, Reader};
pub use translated::Translation;
pub use writer::{Framing, Patch, WriteError, Writer};

/// Why a file of records cannot be read, or not further.
#[derive(Debug, thiserror::Error)]
pub enum DumpError {
    /// The file cannot be opened.
    #[error("{0}")]
    Open(io::Error),
    /// The operating system said no.
    #[error("offset {offset}: {error}")]
    Io {
        /// Where.
        offset: u64,
        /// What it said.
        error: io::Error,
    },
    /// The boundaries of records are lost.
    #[error(
        "offset {offset}: the records have no record descriptor words, and their lengths cannot be told without; transfer the file again, in binary and with them: \"quote site rdw\" before \"get\" where z/OS is the server, \"locsite rdw\" before \"put\" where it is the client"
    )]
    NoDescriptors {
        /// Where.
        offset: u64,
    },
    /// An archive holds no records.
    #[error("no SMF records in this archive: {0}")]
    EmptyArchive(String),
    /// A transfer in text mode has changed every byte.
    #[error(
        "the records were {0}, and cannot be had back for certain; transfer the file again, in binary: FTP \"binary\", and \"quote site rdw\" before \"get\" where z/OS is the server or \"locsite rdw\" before \"put\" where it is the client; SFTP without its \"ascii\" command (scp of z/OS translates); Zowe \"zowe files download data-set NAME --record\""
    )]
    Translated(Translation),
    /// Nothing but filler.
    #[error(
        "{bytes} bytes of filler (zeros, blanks, line ends) and no record; was the data set empty, or the transfer broken off?"
    )]
    Filler {
        /// Bytes.
        bytes: u64,
    },
    /// Nothing in it is a record.
    #[error(
        "no SMF record in {bytes} bytes: nothing in it has the header of one; expected SMF records with record descriptor words, in blocks, or in a TSO TRANSMIT file; transfer the file again, in binary, with record descriptor words (FTP: \"binary\" and \"quote site rdw\")"
    )]
    NoRecords {
        /// Bytes.
        bytes: u64,
    },
    /// The file begins with something else.
    #[error(
        "begins with {found}; expected SMF records with record descriptor words, in blocks, or in a TSO TRANSMIT file, plain, packed by AMATERSE (TERSE), or in gzip, zstd, zip or tar{hint}"
    )]
    Unknown {
        /// The first bytes.
        found: String,
        /// What it may be.
        hint: &'static str,
    },
}

impl DumpError {
    /// An error of the operating system at an offset.
    fn at(offset: u64) -> impl Fn(io::Error) -> Self {
        move |error| Self::Io { offset, error }
    }
}

/// The first bytes, for a message.
fn shown(ahead: &[u8]) -> String {
    let hex: String = ahead.iter().take(8).map(|b| format!("{b:02X}")).collect();
    format!("X'{hex}'")
}

/// What a file may be that holds no records.
fn hint(ahead: &[u8]) -> &'static str {
    match ahead {
        [0xD4, 0xC3, 0xB2, 0xA1, ..]
        | [0xA1, 0xB2, 0xC3, 0xD4, ..]
        | [0x0A, 0x0D, 0x0D, 0x0A, ..] => "; it is a capture, which \"zerttap read\" reads",
        [b'{', ..] => "; it is JSON",
        [2 | 5 | 9, 0 | 1, ..] => {
            "; it begins like a file packed by AMATERSE, but its header makes no sense: was it transferred in text mode? AMATERSE files (.trs) have to be transferred in binary, without \"site rdw\""
        }
        _ if ahead.iter().take(256).all(|b| b.is_ascii_graphic() || b.is_ascii_whitespace()) => {
            "; it is text: was it transferred in binary?"
        }
        _ => "",
    }
}

/// Bytes that are no records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Where they begin.
    pub offset: u64,
    /// How many were passed over.
    pub skipped: u64,
    /// What is wrong with them.
    pub what: Wrong,
}

/// What is wrong with bytes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// A descriptor word that is none.
    #[error("{0:08X} is no record descriptor word")]
    Descriptor(u32),
    /// A descriptor word that is none.
    #[error("{0:08X} is no block descriptor word")]
    Block(u32),
    /// A record that reaches beyond its block.
    #[error("a record of {record} bytes where its block has {left} left")]
    BeyondBlock {
        /// Bytes by its descriptor word.
        record: usize,
        /// Bytes left.
        left: u64,
    },
    /// A block whose descriptor word does not say where it ends. The records in it
    /// are read.
    #[error("a block descriptor word that does not say where the block ends")]
    BlockLength,
    /// A record that holds the beginnings of others.
    #[error("a record of {0} bytes that has others inside")]
    Overlaps(usize),
    /// A record that its sections reach beyond.
    #[error("a record of {0} bytes whose sections reach beyond it")]
    TooShort(usize),
    /// The end of the file inside a record.
    #[error("the file ends inside a record: {there} bytes, expected {expected}")]
    Truncated {
        /// Bytes that are there.
        there: usize,
        /// Bytes by its descriptor word.
        expected: usize,
    },
    /// A segment of a spanned record that nothing has begun.
    #[error("a segment of a spanned record without its first one")]
    NoFirstSegment,
    /// A spanned record that does not go on.
    #[error("a spanned record without its last segment")]
    NoLastSegment,
    /// A spanned record whose sections reach beyond it.
    #[error("a spanned record that lacks a segment in the middle")]
    LacksSegment,
    /// A spanned record that is too long.
    #[error("a spanned record of more than 65535 bytes")]
    TooLong,
    /// A segment of a TRANSMIT file that is none.
    #[error("{0:04X} is no segment of a TSO TRANSMIT file")]
    Netdata(u16),
    /// A record without descriptor word whose length cannot be told.
    #[error("a record of type {0} without record descriptor word, whose length is not known")]
    NoLength(u8),
    /// Bytes that are no record.
    #[error("no record")]
    NoRecord,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "offset {}: {} ({} bytes passed over)", self.offset, self.what, self.skipped)
    }
}

/// Bytes from an offset on: none where it lies beyond them.
fn rest(bytes: &[u8], at: usize) -> &[u8] {
    bytes.get(at..).unwrap_or_default()
}

/// Writes bytes over others, where they fit.
fn put(bytes: &mut [u8], at: usize, new: &[u8]) {
    if let Some(old) = bytes.get_mut(at..at + new.len()) {
        old.copy_from_slice(new);
    }
}
