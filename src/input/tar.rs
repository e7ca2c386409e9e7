//! The members of a tar archive: where their bytes lie. Headers of 512 bytes, each before
//! the bytes of a member, which are filled up to a multiple of 512.
//!
//! Source: POSIX.1-2017, pax, "ustar Interchange Format" and "pax Header Block"; GNU tar's
//! manual, "GNU extensions to the archive format".

use std::io::{self, Read, Seek, SeekFrom};

const BLOCK: usize = 512;
/// Bytes of a long name or of extended attributes that are read.
const MAX_EXTRA: u64 = 64 * 1024;

/// A file in the archive.
pub struct Entry {
    /// Its name; characters that are not UTF-8 are replaced.
    pub name: String,
    /// Where its bytes begin.
    pub at: u64,
    /// How many they are.
    pub length: u64,
    /// Whether they lie as they are.
    pub contiguous: bool,
}

/// Whether bytes begin with a header.
pub fn matches(head: &[u8]) -> bool {
    head.first_chunk::<BLOCK>().is_some_and(|block| block[0] != 0 && checked(block))
}

/// Whether the checksum of a header is right: the sum of its bytes, its own field taken as
/// blanks.
fn checked(block: &[u8; BLOCK]) -> bool {
    let sum = |add: fn(u8) -> i64| -> i64 {
        let bytes = block.iter().enumerate();
        bytes.map(|(at, b)| if (148..156).contains(&at) { 32 } else { add(*b) }).sum()
    };
    let Some(expected) = number(&block[148..156]) else { return false };
    let expected = i64::try_from(expected).unwrap_or(-1);
    // Some old writers added signed bytes.
    expected == sum(i64::from) || expected == sum(|b| i64::from(b.cast_signed()))
}

/// A number in octal digits, or big-endian where the first bit is set.
fn number(field: &[u8]) -> Option<u64> {
    if field.first().is_some_and(|b| b & 0x80 != 0) {
        let high = field.get(..field.len().saturating_sub(8))?;
        let zero = high.iter().enumerate().all(|(at, b)| *b == if at == 0 { 0x80 } else { 0 });
        let low = field.last_chunk::<8>()?;
        return zero.then(|| u64::from_be_bytes(*low));
    }
    let digits: Vec<u8> =
        field.iter().copied().skip_while(|b| *b == b' ').take_while(u8::is_ascii_digit).collect();
    if digits.is_empty() {
        return field.iter().all(|b| matches!(b, 0 | b' ')).then_some(0);
    }
    u64::from_str_radix(std::str::from_utf8(&digits).ok()?, 8).ok()
}

/// Text up to the first zero.
fn text(field: &[u8]) -> String {
    let end = field.iter().position(|b| *b == 0).unwrap_or(field.len());
    String::from_utf8_lossy(field.get(..end).unwrap_or_default()).into_owned()
}

/// The members, one after another.
pub struct Members<R> {
    reader: R,
    at: u64,
}

impl<R: Read + Seek> Members<R> {
    pub fn new(reader: R) -> Self {
        Self { reader, at: 0 }
    }

    /// The next file; what is none is passed over.
    ///
    /// # Errors
    /// What the operating system says, or if a header is wrong.
    pub fn next(&mut self) -> io::Result<Option<Entry>> {
        let (mut long, mut size) = (None, None);
        loop {
            self.reader.seek(SeekFrom::Start(self.at))?;
            let mut block = [0; BLOCK];
            match self.reader.read_exact(&mut block) {
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
                read => read?,
            }
            if block.iter().all(|b| *b == 0) {
                return Ok(None);
            }
            if !checked(&block) {
                let what = format!("tar archive: offset {}: not a member's header", self.at);
                return Err(io::Error::new(io::ErrorKind::InvalidData, what));
            }
            let kind = block[156];
            let written = number(&block[124..136]).ok_or_else(|| {
                let what = format!("tar archive: offset {}: not a size", self.at);
                io::Error::new(io::ErrorKind::InvalidData, what)
            })?;
            let file = matches!(kind, 0 | b'0' | b'7' | b'S');
            let length = if file { size.take().unwrap_or(written) } else { written };
            let at = self.at + BLOCK as u64;
            let padded = length.checked_next_multiple_of(BLOCK as u64);
            let next = padded.and_then(|padded| at.checked_add(padded));
            self.at = next.ok_or(io::ErrorKind::InvalidData)?;
            match kind {
                b'L' => long = Some(text(&self.extra(length)?)),
                b'x' => {
                    let extra = self.extra(length)?;
                    for (key, value) in attributes(&extra) {
                        match key {
                            b"path" => long = Some(text(value)),
                            b"size" => size = text(value).parse().ok(),
                            _ => {}
                        }
                    }
                }
                _ if file => {
                    let prefix = text(&block[345..500]);
                    let short = text(&block[..100]);
                    let ustar = block.get(257..263) == Some(b"ustar\0");
                    let name = long.take().unwrap_or_else(|| match prefix.as_str() {
                        "" => short,
                        prefix if ustar => format!("{prefix}/{short}"),
                        _ => short,
                    });
                    // Before POSIX a directory was a file whose name ends so.
                    if !(name.ends_with('/') && length == 0) {
                        return Ok(Some(Entry { name, at, length, contiguous: kind != b'S' }));
                    }
                }
                // Links, directories and devices have names, too.
                _ if kind != b'K' && kind != b'g' => (long, size) = (None, None),
                _ => {}
            }
        }
    }

    /// The bytes that were just reached, the first of them.
    fn extra(&mut self, length: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        (&mut self.reader).take(length.min(MAX_EXTRA)).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// Extended attributes: `length key=value\n`.
fn attributes(bytes: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let space = rest.iter().position(|b| *b == b' ')?;
        let length: usize = std::str::from_utf8(rest.get(..space)?).ok()?.parse().ok()?;
        let record = rest.get(space + 1..length.checked_sub(1)?)?;
        rest = rest.get(length..)?;
        let equals = record.iter().position(|b| *b == b'=')?;
        Some((record.get(..equals)?, record.get(equals + 1..)?))
    })
}
