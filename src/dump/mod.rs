//! Files of SMF records, as they come from z/OS and as they go there.
//!
//! A [`Reader`] finds out how records lie in a file: with their record descriptor
//! words back to back, in blocks with block descriptor words (V, VB, VBS, also
//! copied as U), spanned over segments and blocks, in a TSO TRANSMIT file
//! (NETDATA), or without descriptor words, as FTP writes them if nobody tells it
//! not to. Damage is passed over and told. A [`Writer`] writes all but the last.
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
//!     }
//! }
//! assert_eq!(subtypes, [Some(11), Some(11)]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod archive;
mod header;
mod netdata;
mod reader;
mod unframed;
mod writer;

use std::fmt;
use std::io;

pub use archive::open;
pub use reader::{Form, Item, Reader};
pub use writer::{Framing, Patch, WriteError, Writer};

/// Why a file of records cannot be read, or not further.
#[derive(Debug, thiserror::Error)]
pub enum DumpError {
    /// The operating system said no.
    #[error("offset {offset}: {error}")]
    Io {
        /// Where.
        offset: u64,
        /// What it said.
        error: io::Error,
    },
    /// A zip archive cannot be read.
    #[error("zip archive: {0}")]
    Zip(String),
    /// A file that AMATERSE or TRSMAIN has packed.
    #[error(
        "a file packed by AMATERSE (TERSE, {0}); unpack it first: AMATERSE with PARM=UNPACK on z/OS, or tersedecompress elsewhere"
    )]
    Terse(&'static str),
    /// The boundaries of records are lost.
    #[error(
        "offset {offset}: the records have no record descriptor words, and their lengths cannot be told without; transfer the file again, in binary and with them: \"quote site rdw\" before \"get\" where z/OS is the server, \"locsite rdw\" before \"put\" where it is the client"
    )]
    NoDescriptors {
        /// Where.
        offset: u64,
    },
    /// The file begins with something else.
    #[error(
        "begins with {found}; expected SMF records with record descriptor words, in blocks, or in a TSO TRANSMIT file, plain or compressed by gzip, zstd or zip{hint}"
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

/// How a file packed by AMATERSE was packed, if its header is one: a version, whether
/// records vary, the record length (in one of two fields).
fn archive_form(ahead: &[u8]) -> Option<&'static str> {
    /// System indicator flags that every SMF record has.
    const SMF: u8 = 0x1E;
    match *ahead {
        // A record that is damaged further on.
        [_, _, 0, 0, flags, ..] if flags & SMF == SMF => None,
        [2, variable @ 0..=1, a, b, _, _, _, _, c, d, e, f, ..] => {
            let has_length = [a, b, c, d, e, f].iter().any(|byte| *byte != 0);
            (has_length || variable == 1).then_some("PACK")
        }
        [5, variable @ 0..=1, a, b, _, _, _, _, c, d, e, f, ..] => {
            let has_length = [a, b, c, d, e, f].iter().any(|byte| *byte != 0);
            (has_length || variable == 1).then_some("SPACK")
        }
        [1, 0x89, 0x69, 0xA5, ..] => Some("PACK"),
        [7, 0x89, 0x69, 0xA5, ..] => Some("SPACK"),
        _ => None,
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
