//! SMF files: records with their record descriptor words, back to back.

use std::io::{self, Read};

/// What a file of records holds where a record should be.
#[derive(Debug, thiserror::Error)]
pub enum DumpError {
    /// The file cannot be read.
    #[error("offset {offset}: {error}")]
    Io {
        /// Where.
        offset: u64,
        /// What the operating system said.
        error: io::Error,
    },
    /// A length that no record has.
    #[error(
        "offset {offset}: a record descriptor word {found:08X}: length {length}, expected 18 to 32760"
    )]
    Length {
        /// Where.
        offset: u64,
        /// The word.
        found: u32,
        /// Its first half.
        length: usize,
    },
    /// A block descriptor word where a record should be.
    #[error(
        "offset {offset}: the file has block descriptor words ({found:08X}); only records with their RDW, without BDW, are read"
    )]
    Blocked {
        /// Where.
        offset: u64,
        /// The word.
        found: u32,
    },
    /// A segment of a spanned record.
    #[error(
        "offset {offset}: a segment of a spanned record ({found:08X}); only whole records are read"
    )]
    Spanned {
        /// Where.
        offset: u64,
        /// The word.
        found: u32,
    },
    /// The file ends inside a record.
    #[error("offset {offset}: the file ends inside a record: {there} bytes, expected {expected}")]
    Truncated {
        /// Where the record begins.
        offset: u64,
        /// Bytes that are there.
        there: usize,
        /// Bytes that the RDW says.
        expected: usize,
    },
}

/// The shortest record: a header without subtypes.
const MIN_RECORD: usize = 18;
/// The greatest logical record length of a VBS data set.
const MAX_RECORD: usize = 32_760;

/// Reads records one after another.
#[derive(Debug)]
pub struct Reader<R> {
    input: R,
    offset: u64,
    record: Vec<u8>,
}

impl<R: Read> Reader<R> {
    /// Reads from `input`, which should be buffered.
    pub fn new(input: R) -> Self {
        Self { input, offset: 0, record: Vec::new() }
    }

    /// The next record, RDW included, and its offset; `None` at the end.
    ///
    /// # Errors
    /// If the bytes are no record; nothing more can be read then.
    pub fn next_record(&mut self) -> Result<Option<(u64, &[u8])>, DumpError> {
        let offset = self.offset;
        let mut rdw = [0; 4];
        match self.fill(&mut rdw)? {
            0 => return Ok(None),
            4 => {}
            there => {
                return Err(DumpError::Truncated { offset, there, expected: 4 });
            }
        }
        let found = u32::from_be_bytes(rdw);
        let length = usize::from(u16::from_be_bytes([rdw[0], rdw[1]]));
        if rdw[2] & 0x03 != 0 && rdw[2] & 0xFC == 0 && rdw[3] == 0 {
            return Err(DumpError::Spanned { offset, found });
        }
        if !(MIN_RECORD..=MAX_RECORD).contains(&length) || rdw[2..] != [0, 0] {
            return Err(DumpError::Length { offset, found, length });
        }
        let mut record = std::mem::take(&mut self.record);
        record.clear();
        record.resize(length, 0);
        record[..4].copy_from_slice(&rdw);
        let there = 4 + self.fill(&mut record[4..])?;
        if offset == 0 && looks_blocked(&record) {
            return Err(DumpError::Blocked { offset, found });
        }
        if there < length {
            return Err(DumpError::Truncated { offset, there, expected: length });
        }
        self.offset += length as u64;
        self.record = record;
        Ok(Some((offset, &self.record)))
    }

    fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, DumpError> {
        let mut there = 0;
        while there < buffer.len() {
            match self.input.read(&mut buffer[there..]) {
                Ok(0) => break,
                Ok(n) => there += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    return Err(DumpError::Io { offset: self.offset, error });
                }
            }
        }
        Ok(there)
    }
}

/// Whether what was taken for a record is a block: another descriptor word
/// follows that fits inside. In a record these bytes are flags, type and the
/// time of day, and cannot pass for one.
fn looks_blocked(block: &[u8]) -> bool {
    let [_, _, _, _, a, b, c, d, ..] = *block else {
        return false;
    };
    let inner = usize::from(u16::from_be_bytes([a, b]));
    c & 0xFC == 0 && d == 0 && (5..=block.len() - 4).contains(&inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(length: u16) -> Vec<u8> {
        let mut r = vec![0x5E; usize::from(length)];
        r[..2].copy_from_slice(&length.to_be_bytes());
        r[2..4].fill(0);
        r
    }

    fn error(bytes: &[u8]) -> String {
        let mut reader = Reader::new(bytes);
        loop {
            match reader.next_record() {
                Ok(Some(_)) => {}
                Ok(None) => panic!("no error"),
                Err(e) => return e.to_string(),
            }
        }
    }

    #[test]
    fn records_follow_each_other() {
        let file = [record(18), record(100)].concat();
        let mut reader = Reader::new(&file[..]);
        assert_eq!(reader.next_record().expect("good").map(|(o, r)| (o, r.len())), Some((0, 18)));
        assert_eq!(reader.next_record().expect("good").map(|(o, r)| (o, r.len())), Some((18, 100)));
        assert!(reader.next_record().expect("good").is_none());
    }

    #[test]
    fn errors_say_where_and_what() {
        assert!(
            error(&[record(20), vec![0, 9, 0, 0]].concat())
                .starts_with("offset 20: a record descriptor word 00090000")
        );
        assert!(error(&record(50)[..30]).contains("ends inside a record: 30 bytes, expected 50"));
        assert!(error(&[0, 40, 1, 0]).contains("spanned"));
        let block = [&[0, 24, 0, 0][..], &record(20)].concat();
        assert!(error(&block).contains("block descriptor words (00180000)"));
    }
}
