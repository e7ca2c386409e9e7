//! SSL 2.0: its records and the four messages of a handshake that are clear.
//!
//! Source: the SSL 2.0 protocol specification (Hickman, 1995), and RFC 5246
//! appendix E.2 for the hello that later clients send in this form.

const CLIENT_HELLO: u8 = 1;
const CLIENT_MASTER_KEY: u8 = 2;
const SERVER_HELLO: u8 = 4;
const ERROR: u8 = 0;

/// Cuts a stream of chunks into SSL 2.0 records.
#[derive(Debug, Default)]
pub(super) struct Deframer {
    buffer: Vec<u8>,
    /// Bytes of a record that nobody wants to read.
    skip: usize,
    /// Whether records are still clear and worth keeping.
    sealed: bool,
}

/// A record, or the verdict that the stream has none.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Record {
    /// A clear message.
    Clear(Vec<u8>),
    /// A record after the keys were exchanged.
    Sealed,
}

impl Deframer {
    /// From here on records are ciphertext.
    pub fn seal(&mut self) {
        self.sealed = true;
    }

    /// Bytes that are held.
    pub fn held(&self) -> usize {
        self.buffer.len()
    }

    /// Takes the next record out of `bytes` and what was kept; `None` when
    /// more bytes are needed.
    pub fn next(&mut self, bytes: &mut &[u8]) -> Option<Record> {
        let skipped = self.skip.min(bytes.len());
        *bytes = bytes.get(skipped..).unwrap_or_default();
        self.skip -= skipped;
        if self.skip > 0 {
            return None;
        }
        let (header, length) = loop {
            if let Some(found) = self.header() {
                break found;
            }
            let (&byte, rest) = bytes.split_first()?;
            self.buffer.push(byte);
            *bytes = rest;
        };
        if self.sealed {
            self.skip = (header + length).saturating_sub(self.buffer.len());
            self.buffer.clear();
            return Some(Record::Sealed);
        }
        let missing = (header + length).saturating_sub(self.buffer.len());
        let (now, rest) = bytes.split_at(missing.min(bytes.len()));
        self.buffer.extend_from_slice(now);
        *bytes = rest;
        if self.buffer.len() < header + length {
            return None;
        }
        let record = self.buffer.get(header..header + length).unwrap_or_default().to_vec();
        self.buffer.clear();
        Some(Record::Clear(record))
    }

    /// Length of the record header and of the record, padding included.
    fn header(&self) -> Option<(usize, usize)> {
        match *self.buffer.as_slice() {
            [a, b, ..] if a & 0x80 != 0 => {
                Some((2, usize::from(u16::from_be_bytes([a & 0x7F, b]))))
            }
            [a, b, _, ..] => Some((3, usize::from(u16::from_be_bytes([a & 0x3F, b])))),
            _ => None,
        }
    }
}

/// A clear message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Message<'a> {
    /// CLIENT-HELLO with the version it asks for.
    ClientHello { version: u16, session_id: &'a [u8] },
    /// SERVER-HELLO.
    ServerHello { session_id_hit: bool, version: u16, certificate: &'a [u8] },
    /// CLIENT-MASTER-KEY with the cipher kind.
    ClientMasterKey { cipher: u32 },
    /// ERROR with its code.
    Error(u16),
    /// Anything else.
    Other,
}

/// Reads a clear message.
pub(super) fn parse(record: &[u8]) -> Message<'_> {
    let word = |at: usize| record.get(at..)?.first_chunk().copied().map(u16::from_be_bytes);
    let message = match record.first() {
        Some(&CLIENT_HELLO) => (|| {
            let ciphers = usize::from(word(3)?);
            let length = usize::from(word(5)?);
            let session_id = record.get(9 + ciphers..9 + ciphers + length)?;
            Some(Message::ClientHello { version: word(1)?, session_id })
        })(),
        Some(&SERVER_HELLO) => (|| {
            let length = usize::from(word(5)?);
            Some(Message::ServerHello {
                session_id_hit: *record.get(1)? != 0,
                version: word(3)?,
                certificate: record.get(11..11 + length)?,
            })
        })(),
        Some(&CLIENT_MASTER_KEY) => match *record {
            [_, a, b, c, ..] => {
                Some(Message::ClientMasterKey { cipher: u32::from_be_bytes([0, a, b, c]) })
            }
            _ => None,
        },
        Some(&ERROR) if record.len() == 3 => word(1).map(Message::Error),
        _ => None,
    };
    message.unwrap_or(Message::Other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_in_pieces() {
        let stream = [0x80, 3, 0, 0, 1, 0x00, 5, 2, 9, 9, 9, 9, 9, 0x80, 1, 7];
        for cut in 0..stream.len() {
            let mut d = Deframer::default();
            let mut out = Vec::new();
            for mut part in [&stream[..cut], &stream[cut..]] {
                while let Some(r) = d.next(&mut part) {
                    out.push(r);
                }
            }
            assert_eq!(
                out,
                [Record::Clear(vec![0, 0, 1]), Record::Clear(vec![9; 5]), Record::Clear(vec![7])]
            );
        }
    }

    #[test]
    fn sealed_records_are_counted_and_not_kept() {
        let mut d = Deframer::default();
        d.seal();
        let mut part = &[0x80, 200, 1, 2, 3][..];
        assert_eq!(d.next(&mut part), Some(Record::Sealed));
        assert_eq!(d.next(&mut part), None);
        let rest = [&[0; 197][..], &[0x80, 1, 5]].concat();
        let mut part = rest.as_slice();
        assert_eq!(d.next(&mut part), Some(Record::Sealed));
        assert!(d.buffer.is_empty());
    }

    #[test]
    fn messages() {
        assert_eq!(parse(&[2, 7, 0, 0xC0, 0, 0]), Message::ClientMasterKey { cipher: 0x0700C0 });
        assert_eq!(parse(&[0, 0, 1]), Message::Error(1));
        let hello = [4, 0, 1, 0, 2, 0, 2, 0, 3, 0, 16, 0xDE, 0xAD];
        assert_eq!(
            parse(&hello),
            Message::ServerHello { session_id_hit: false, version: 2, certificate: &[0xDE, 0xAD] }
        );
        assert_eq!(parse(&hello[..12]), Message::Other);
    }
}
