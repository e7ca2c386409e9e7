//! TERSE: files packed by AMATERSE, TRSMAIN and VM TERSE (`.trs`), unpacked as they are
//! read.
//!
//! A header of 12 bytes, then 12-bit codes, most significant bit first: 000 ends the data,
//! 001 to 100 are bytes, 101 ends a record, 102 to FFF are phrases of a dictionary that the
//! decoder builds from the codes alone ([`pack`], [`spack`]). What follows the end code is
//! left over from a buffer and means nothing.
//!
//! Fixed records come out as their bytes, variable records each with a record descriptor
//! word, as FTP with `SITE RDW` gives them. Memory is constant: two tables and one record.
//!
//! Source: the reference decoder of the Open Mainframe Project, tersedecompress, and files
//! made by AMATERSE on z/OS.

mod pack;
mod spack;

use std::io::{self, Read};

use super::{Input, Notes};
use pack::Pack;
use spack::Spack;

/// Bytes of the header.
const HEADER: usize = 12;
/// Bytes in which a packed file is recognised: the header and its first code.
pub(super) const HEAD: usize = HEADER + 2;
/// The symbol that ends a record.
const RECORD_END: u16 = 257;
/// Codes from here on are phrases.
const FIRST_NODE: u16 = 258;
/// Codes.
const CODES: usize = 4096;
/// Bytes of a record: what a record descriptor word can say.
const MAX_RECORD: usize = 65_531;
/// Symbols that the codes so far may stand for: so many each, and so many more. The longest
/// phrase of PACK has 3,839, the longest that AMATERSE makes with SPACK about 2,000.
const SYMBOLS_PER_CODE: u64 = 4096;
const SYMBOLS_AT_FIRST: u64 = 16 << 20;
/// Bytes that are unpacked at once.
const BLOCK: usize = 64 * 1024;
/// System indicator flags that every SMF record has.
const SMF_FLAGS: u8 = 0x1E;
/// Record length of a data set with records of 32 KiB and more.
const MAX_LENGTH: u32 = 0x00FF_FFFF;

/// What is wrong with a packed file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum TerseError {
    /// A code that stands for nothing.
    #[error(
        "TERSE: offset {offset} of the packed file: code X'{code:03X}' stands for no phrase there; the file is damaged from here on, what was whole before is read; transfer it again, in binary"
    )]
    Undefined {
        /// Where the code is.
        offset: u64,
        /// The code.
        code: u16,
    },
    /// A phrase that no encoder makes.
    #[error(
        "TERSE: offset {offset} of the packed file: code X'{code:03X}' stands for a phrase of more than {most} symbols, which AMATERSE does not make; the file is damaged from here on, what was whole before is read"
    )]
    TooLong {
        /// Where the code is.
        offset: u64,
        /// The code.
        code: u16,
        /// The bound.
        most: u32,
    },
    /// More than a packed file can hold.
    #[error(
        "TERSE: offset {offset} of the packed file: it unpacks to more than {SYMBOLS_PER_CODE} bytes a code, which AMATERSE does not make; not read further"
    )]
    Bomb {
        /// Where the code is.
        offset: u64,
    },
    /// A record that is too long.
    #[error(
        "TERSE: offset {offset} of the packed file: a record of more than {MAX_RECORD} bytes; the file is damaged, what was whole before is read; transfer it again, in binary"
    )]
    Record {
        /// Where the code is.
        offset: u64,
    },
    /// The end inside a code or a record.
    #[error(
        "TERSE: offset {offset}: the packed file ends inside a {what}, without its end code; what was whole before is read; transfer it again, in binary"
    )]
    Truncated {
        /// Where it ends.
        offset: u64,
        /// What is cut.
        what: &'static str,
    },
    /// A partitioned data set.
    #[error(
        "a partitioned data set packed by AMATERSE, which is not read; unpack it on z/OS (PGM=AMATERSE,PARM=UNPACK) and transfer the member; SMF dumps and captures are sequential data sets"
    )]
    Partitioned,
    /// Another program's form.
    #[error(
        "a file packed by TERSE for workstations (native binary mode), which is not read; unpack it with the program that packed it"
    )]
    Native,
}

impl From<TerseError> for io::Error {
    fn from(error: TerseError) -> Self {
        let kind = match error {
            TerseError::Truncated { .. } => io::ErrorKind::UnexpectedEof,
            TerseError::Partitioned | TerseError::Native => io::ErrorKind::Unsupported,
            _ => io::ErrorKind::InvalidData,
        };
        Self::new(kind, error)
    }
}

/// What a header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// SPACK rather than PACK.
    complex: bool,
    /// Records of variable length.
    variable: bool,
}

/// Reads the header of a packed file.
///
/// # Errors
/// If it is packed in a form that is not read.
pub(super) fn recognise(head: &[u8]) -> Result<Option<Header>, TerseError> {
    if let [1 | 7, 0x89, 0x69, 0xA5, ..] = head {
        return Err(TerseError::Native);
    }
    let Some(&[version @ (2 | 5 | 7), variable @ (0 | 1), a, b, flags, ratio, c, d, e, f, g, h]) =
        head.first_chunk::<HEADER>()
    else {
        return Ok(None);
    };
    let length = u32::from(u16::from_be_bytes([a, b]));
    let long = u32::from_be_bytes([e, f, g, h]);
    let lengths = match (length, long) {
        (0, 0) => false,
        // A record descriptor word and the flags of a record look like this, too.
        (0, long) => long <= MAX_LENGTH && flags & SMF_FLAGS != SMF_FLAGS,
        (length, 0) => length > 0,
        (length, long) => length == long,
    };
    // Written by z/OS, or by VM, which says nothing more.
    let origin = flags & 0x04 != 0 || [flags, ratio, c, d] == [0; 4];
    if !lengths || !origin {
        return Ok(None);
    }
    if version == 7 {
        return if length == 0 { Ok(None) } else { Err(TerseError::Partitioned) };
    }
    Ok(Some(Header { complex: version == 5, variable: variable == 1 }))
}

/// A dictionary.
enum Dictionary {
    Pack(Box<Pack>),
    Spack(Box<Spack>),
}

/// Why a code cannot be decoded.
#[derive(Debug)]
enum CodeError {
    /// It stands for nothing.
    Undefined,
    /// It stands for more than this.
    TooLong(u32),
}

/// Bytes of a table by code.
struct Table<T>([T; CODES]);

#[expect(clippy::indexing_slicing, reason = "twelve bits index 4096 places")]
impl<T: Copy> Table<T> {
    fn get(&self, code: u16) -> T {
        self.0[usize::from(code & 0xFFF)]
    }

    fn set(&mut self, code: u16, value: T) {
        self.0[usize::from(code & 0xFFF)] = value;
    }
}

/// A packed file, unpacked as it is read.
pub(super) struct Terse {
    input: Input,
    dictionary: Dictionary,
    /// The first four bits of the second code of three bytes.
    half: Option<u8>,
    records: Records,
    codes: u64,
    symbols: u64,
    /// The symbols of a code.
    phrase: Vec<u16>,
    /// Bytes of `records.out` that were read.
    at: usize,
    ended: bool,
    error: Option<io::Error>,
    notes: Notes,
}

impl Terse {
    /// Unpacks what follows a header, which is still ahead.
    pub fn new(mut input: Input, header: Header, notes: Notes) -> Self {
        input.consume(HEADER);
        let dictionary = if header.complex {
            Dictionary::Spack(Box::default())
        } else {
            Dictionary::Pack(Box::default())
        };
        Self {
            input,
            dictionary,
            half: None,
            records: Records::new(header.variable),
            codes: 0,
            symbols: 0,
            phrase: Vec::new(),
            at: 0,
            ended: false,
            error: None,
            notes,
        }
    }

    /// Unpacks until there is a block.
    fn fill(&mut self) {
        self.records.out.clear();
        self.at = 0;
        while self.records.out.len() < BLOCK && !self.ended {
            let step = self.code().and_then(|code| match code {
                Some(code) => self.decode(code).map(|()| true).map_err(io::Error::from),
                None => Ok(false),
            });
            match step {
                Ok(true) => {}
                Ok(false) => self.ended = true,
                Err(error) => {
                    self.ended = true;
                    self.error = Some(error);
                }
            }
        }
    }

    /// The next code; `None` at the end.
    fn code(&mut self) -> io::Result<Option<u16>> {
        let offset = self.input.offset();
        let code = match self.half.take() {
            Some(high) => match self.input.want(1)?.first() {
                Some(&low) => {
                    self.input.consume(1);
                    Some(u16::from(high) << 8 | u16::from(low))
                }
                // What is left are four bits that fill a byte.
                None => None,
            },
            None => match *self.input.want(2)? {
                [first, second, ..] => {
                    self.input.consume(2);
                    self.half = Some(second & 0xF);
                    Some(u16::from(first) << 4 | u16::from(second >> 4))
                }
                [_] => return Err(TerseError::Truncated { offset, what: "code" }.into()),
                [] => None,
            },
        };
        match code {
            Some(0) => {
                self.records.end();
                Ok(None)
            }
            Some(code) => Ok(Some(code)),
            None if self.records.is_open() => {
                Err(TerseError::Truncated { offset, what: "record" }.into())
            }
            None => {
                self.notes
                    .add("TERSE: the packed file has no end code: it may have been cut".to_owned());
                Ok(None)
            }
        }
    }

    fn decode(&mut self, code: u16) -> Result<(), TerseError> {
        // Of the second code of three bytes the first bits are in the byte before.
        let offset = self.input.offset().saturating_sub(2);
        self.phrase.clear();
        let decoded = match &mut self.dictionary {
            Dictionary::Pack(pack) => pack.decode(code, &mut self.phrase),
            Dictionary::Spack(spack) => spack.decode(code, &mut self.phrase),
        };
        decoded.map_err(|error| match error {
            CodeError::Undefined => TerseError::Undefined { offset, code },
            CodeError::TooLong(most) => TerseError::TooLong { offset, code, most },
        })?;
        self.codes += 1;
        self.symbols += self.phrase.len() as u64;
        if self.symbols > SYMBOLS_AT_FIRST + SYMBOLS_PER_CODE * self.codes {
            return Err(TerseError::Bomb { offset });
        }
        if self.records.take(&self.phrase) { Ok(()) } else { Err(TerseError::Record { offset }) }
    }
}

impl Read for Terse {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.at == self.records.out.len() {
            if self.ended {
                return self.error.take().map_or(Ok(0), Err);
            }
            self.fill();
        }
        let ready = self.records.out.get(self.at..).unwrap_or_default();
        let n = ready.len().min(out.len());
        if let (Some(to), Some(from)) = (out.get_mut(..n), ready.get(..n)) {
            to.copy_from_slice(from);
        }
        self.at += n;
        Ok(n)
    }
}

/// Records from symbols.
struct Records {
    variable: bool,
    /// Whether variable records are pieces of one stream, and go without descriptor words.
    stream: Option<bool>,
    /// The bytes of the record that has not ended.
    record: Vec<u8>,
    /// What is unpacked.
    out: Vec<u8>,
}

impl Records {
    fn new(variable: bool) -> Self {
        Self { variable, stream: None, record: Vec::new(), out: Vec::with_capacity(2 * BLOCK) }
    }

    /// Takes symbols; `false` if a record becomes too long.
    fn take(&mut self, symbols: &[u16]) -> bool {
        let byte = |symbol: &u16| symbol.wrapping_sub(1).to_be_bytes()[1];
        if !self.variable {
            // Marks mean nothing here.
            self.out.extend(symbols.iter().filter(|symbol| **symbol != RECORD_END).map(byte));
            return true;
        }
        let mut rest = symbols;
        while let Some(end) = rest.iter().position(|symbol| *symbol == RECORD_END) {
            let (bytes, after) = rest.split_at(end);
            self.record.extend(bytes.iter().map(byte));
            if self.record.len() > MAX_RECORD {
                return false;
            }
            self.emit();
            rest = after.get(1..).unwrap_or_default();
        }
        self.record.extend(rest.iter().map(byte));
        self.record.len() <= MAX_RECORD
    }

    fn emit(&mut self) {
        let stream = *self.stream.get_or_insert_with(|| begins_stream(&self.record));
        if !stream {
            let length = u16::try_from(self.record.len() + 4).unwrap_or(u16::MAX);
            self.out.extend_from_slice(&length.to_be_bytes());
            self.out.extend_from_slice(&[0, 0]);
        }
        self.out.extend_from_slice(&self.record);
        self.record.clear();
    }

    /// Whether a record has begun.
    fn is_open(&self) -> bool {
        !self.record.is_empty()
    }

    /// The end of the data: AMATERSE leaves out the mark of a single byte.
    fn end(&mut self) {
        if self.is_open() {
            self.emit();
        }
    }
}

/// Whether a first record begins a file that is no file of records: captures and compressed
/// files are stored in data sets of variable records, too.
fn begins_stream(record: &[u8]) -> bool {
    const MAGIC: [&[u8]; 9] = [
        &[0xD4, 0xC3, 0xB2, 0xA1],
        &[0xA1, 0xB2, 0xC3, 0xD4],
        &[0x4D, 0x3C, 0xB2, 0xA1],
        &[0xA1, 0xB2, 0x3C, 0x4D],
        &[0x0A, 0x0D, 0x0D, 0x0A],
        b"TRSNIFF data",
        b"PK\x03\x04",
        &super::GZIP_MAGIC,
        &super::ZSTD_MAGIC,
    ];
    MAGIC.iter().any(|magic| record.starts_with(magic))
}

#[cfg(test)]
mod tests;
