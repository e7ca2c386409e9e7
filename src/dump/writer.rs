//! Writing records in the forms that z/OS takes.

use std::io::{self, Write};
use std::str::FromStr;

use super::{header, netdata};
use super::{put, rest};
use crate::record::{Header, SmfTime};

/// The form in which records are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Framing {
    /// Records with their record descriptor words, back to back.
    #[default]
    Rdw,
    /// Blocks of whole records, as RECFM=VB.
    Vb,
    /// Blocks of records that may be spanned, as RECFM=VBS.
    Vbs,
    /// A TSO TRANSMIT file that RECEIVE restores as a data set with RECFM=VBS.
    Xmit,
}

impl Framing {
    /// All forms.
    pub const ALL: [Self; 4] = [Self::Rdw, Self::Vb, Self::Vbs, Self::Xmit];
    /// The block size where none is asked for: half a track of a 3390.
    pub const BLKSIZE: u16 = 27_998;

    /// Its name among the options.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rdw => "rdw",
            Self::Vb => "vb",
            Self::Vbs => "vbs",
            Self::Xmit => "xmit",
        }
    }
}

impl std::fmt::Display for Framing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Framing {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|form| form.name().eq_ignore_ascii_case(text))
            .ok_or_else(|| "expected rdw, vb, vbs or xmit".to_owned())
    }
}

/// Why records cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The output says no.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A block size that cannot be.
    #[error("a block size of {0}, expected 32 to 32760")]
    Blksize(u16),
    /// A record that no block has room for.
    #[error(
        "a record of {record} bytes does not fit into a block of {blksize}; form vbs spans records, or take a larger block size"
    )]
    TooLong {
        /// Bytes of the record.
        record: usize,
        /// Bytes of a block.
        blksize: u16,
    },
    /// Bytes that are no record.
    #[error("{0} bytes whose record descriptor word says another length")]
    NoRecord(usize),
}

/// Bytes that are written over others at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patch {
    /// Where.
    pub offset: u64,
    /// What.
    pub bytes: [u8; 4],
}

/// Writes records. Every write to the output is of whole records or blocks, but
/// those of a TRANSMIT file, which is complete only at its end.
#[derive(Debug)]
pub struct Writer<W> {
    out: W,
    framing: Framing,
    blksize: u16,
    /// The block that is being filled, with its descriptor word.
    block: Vec<u8>,
    /// Bytes written.
    written: u64,
    /// Bytes of the records.
    data: u64,
    /// Where the size of a TRANSMIT file stands.
    size_at: Option<u64>,
}

const DESCRIPTOR: usize = 4;
/// The shortest segment: its descriptor word and a byte.
const SEGMENT: usize = 5;
const FIRST: u8 = 1;
const LAST: u8 = 2;
const MIDDLE: u8 = 3;

impl<W: Write> Writer<W> {
    /// Starts writing; `blksize` counts where the form has blocks.
    ///
    /// # Errors
    /// If there can be no blocks of that size.
    pub fn new(out: W, framing: Framing, blksize: u16) -> Result<Self, WriteError> {
        if !(32..=header::MAX_RECORD as u16).contains(&blksize) {
            return Err(WriteError::Blksize(blksize));
        }
        let block = Vec::new();
        Ok(Self { out, framing, blksize, block, written: 0, data: 0, size_at: None })
    }

    /// Writes a record, which is given with its record descriptor word.
    ///
    /// # Errors
    /// If it is none, does not fit, or the output says no.
    pub fn record(&mut self, record: &[u8]) -> Result<(), WriteError> {
        let said = record.first_chunk().map(|l| usize::from(u16::from_be_bytes(*l)));
        if said != Some(record.len()) || record.len() < header::MIN_RECORD {
            return Err(WriteError::NoRecord(record.len()));
        }
        self.data += record.len() as u64;
        match self.framing {
            Framing::Rdw => self.write(record),
            Framing::Vb => self.whole(record),
            Framing::Vbs => self.spanned(record),
            Framing::Xmit => self.transmit(record),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        self.out.write_all(bytes)?;
        self.written += bytes.len() as u64;
        Ok(())
    }

    fn whole(&mut self, record: &[u8]) -> Result<(), WriteError> {
        let blksize = usize::from(self.blksize);
        if DESCRIPTOR + record.len() > blksize {
            return Err(WriteError::TooLong { record: record.len(), blksize: self.blksize });
        }
        if self.block.len() + record.len() > blksize {
            self.flush_block()?;
        }
        self.open_block();
        self.block.extend_from_slice(record);
        Ok(())
    }

    fn spanned(&mut self, record: &[u8]) -> Result<(), WriteError> {
        let blksize = usize::from(self.blksize);
        let mut data = rest(record, DESCRIPTOR);
        let mut begun = false;
        loop {
            if blksize < self.block.len() + SEGMENT {
                self.flush_block()?;
            }
            self.open_block();
            let room = blksize - self.block.len() - DESCRIPTOR;
            let (part, rest) = data.split_at(room.min(data.len()));
            let code = match (begun, rest.is_empty()) {
                (false, true) => 0,
                (false, false) => FIRST,
                (true, false) => MIDDLE,
                (true, true) => LAST,
            };
            let length = (part.len() + DESCRIPTOR) as u16;
            self.block.extend(length.to_be_bytes());
            self.block.extend([code, 0]);
            self.block.extend_from_slice(part);
            if rest.is_empty() {
                return Ok(());
            }
            (data, begun) = (rest, true);
        }
    }

    fn open_block(&mut self) {
        if self.block.is_empty() {
            self.block.extend([0; DESCRIPTOR]);
        }
    }

    fn flush_block(&mut self) -> Result<(), WriteError> {
        if self.block.is_empty() {
            return Ok(());
        }
        let length = self.block.len() as u16;
        put(&mut self.block, 0, &length.to_be_bytes());
        let block = std::mem::take(&mut self.block);
        self.write(&block)?;
        self.block = block;
        self.block.clear();
        Ok(())
    }

    fn transmit(&mut self, record: &[u8]) -> Result<(), WriteError> {
        let mut out = Vec::with_capacity(record.len() + 512);
        if self.size_at.is_none() {
            self.begin(record, &mut out);
        }
        netdata::data(rest(record, DESCRIPTOR), &mut out);
        self.write(&out)
    }

    /// The beginning of a TRANSMIT file, dated by a record.
    fn begin(&mut self, record: &[u8], out: &mut Vec<u8>) {
        let header = Header::decode(record).unwrap_or_default();
        let time = SmfTime { time: header.time, date: header.date };
        let at = netdata::begin(netdata::DataSet { blksize: self.blksize, time }, out);
        self.size_at = Some(at as u64);
    }

    /// Writes what is whole, a block that is not full too, and lends the output.
    ///
    /// # Errors
    /// If the output says no.
    pub fn flush(&mut self) -> Result<&mut W, WriteError> {
        self.flush_block()?;
        Ok(&mut self.out)
    }

    /// Writes what is left, and gives the output back.
    ///
    /// # Errors
    /// If the output says no.
    pub fn finish(self) -> Result<W, WriteError> {
        self.finish_sized().map(|(out, _)| out)
    }

    /// The same; says also what is to be written where, so that a TRANSMIT file
    /// tells the size of its data.
    ///
    /// # Errors
    /// If the output says no.
    pub fn finish_sized(mut self) -> Result<(W, Option<Patch>), WriteError> {
        self.flush_block()?;
        let mut patch = None;
        if self.framing == Framing::Xmit {
            let mut out = Vec::new();
            if self.size_at.is_none() {
                self.begin(&[], &mut out);
            }
            netdata::end(self.written, &mut out);
            self.write(&out)?;
            let size = u32::try_from(self.data).unwrap_or(u32::MAX);
            patch = self.size_at.map(|offset| Patch { offset, bytes: size.to_be_bytes() });
        }
        self.out.flush()?;
        Ok((self.out, patch))
    }
}
