//! The TLS record layer: records out of a stream of chunks, and handshake
//! messages out of records (RFC 8446 section 5, RFC 5246 section 6).
//!
//! Nothing is buffered but a handshake message that is not complete.

use crate::observe::detect::MAX_RECORD;

/// Content type ChangeCipherSpec.
pub(super) const CHANGE_CIPHER_SPEC: u8 = 20;
/// Content type alert.
pub(super) const ALERT: u8 = 21;
/// Content type handshake.
pub(super) const HANDSHAKE: u8 = 22;
/// Content type application data.
pub(super) const APPLICATION_DATA: u8 = 23;
/// Content type heartbeat (RFC 6520).
const HEARTBEAT: u8 = 24;

/// Bytes of a record's header.
pub(super) const HEADER: usize = 5;

/// The longest handshake message that is put together.
const MAX_MESSAGE: usize = 64 * 1024;
/// The same for Certificate messages, which hold whole chains.
const MAX_CERTIFICATE: usize = 256 * 1024;
const CERTIFICATE: u8 = 11;

/// What the deframer found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event<'a> {
    /// A record begins.
    Record {
        /// Content type.
        content: u8,
        /// Length of the fragment in bytes.
        length: usize,
    },
    /// Bytes of the current record's fragment.
    Fragment(&'a [u8]),
    /// The bytes are no TLS record.
    Broken,
}

/// Cuts a stream of chunks into records.
#[derive(Debug, Default)]
pub(super) struct Deframer {
    header: [u8; HEADER],
    have: usize,
    left: usize,
}

impl Deframer {
    /// Where it stands: bytes of the record that are still to come, and those
    /// of the next header that have come.
    pub fn place(&self) -> (usize, [u8; HEADER], usize) {
        (self.left, self.header, self.have)
    }

    /// Takes the next event out of `bytes`; `None` when they are used up.
    pub fn next<'a>(&mut self, bytes: &mut &'a [u8]) -> Option<Event<'a>> {
        if self.left > 0 {
            if bytes.is_empty() {
                return None;
            }
            let (fragment, rest) = bytes.split_at(self.left.min(bytes.len()));
            self.left -= fragment.len();
            *bytes = rest;
            return Some(Event::Fragment(fragment));
        }
        while self.have < HEADER {
            let (&byte, rest) = bytes.split_first()?;
            if let Some(next) = self.header.get_mut(self.have) {
                *next = byte;
            }
            self.have += 1;
            *bytes = rest;
        }
        self.have = 0;
        let Some((content, length)) = header(&self.header) else {
            return Some(Event::Broken);
        };
        self.left = length;
        Some(Event::Record { content, length })
    }
}

/// Content type and length of a record header, if it is one.
pub(super) fn header(bytes: &[u8]) -> Option<(u8, usize)> {
    let &[content, major, minor, high, low, ..] = bytes else { return None };
    let length = usize::from(u16::from_be_bytes([high, low]));
    let version = matches!((major, minor), (3, 0..=4) | (0x7E | 0x7F, _) | (1, 1));
    let known = (CHANGE_CIPHER_SPEC..=HEARTBEAT).contains(&content);
    (known && version && length <= MAX_RECORD).then_some((content, length))
}

/// Whether bytes that follow a hole begin a record: a header with version 3.x
/// and a length, and after it another header or the end.
pub(super) fn resumes(bytes: &[u8]) -> bool {
    let Some(first) = bytes.get(..HEADER) else {
        return false;
    };
    let Some((_, length)) = header(first) else {
        return false;
    };
    if length == 0 || first.get(1) != Some(&3) {
        return false;
    }
    match bytes.get(HEADER + length..) {
        Some(rest) if rest.len() >= HEADER => header(rest).is_some() && rest.get(1) == Some(&3),
        Some(rest) => {
            rest.first().is_none_or(|content| (CHANGE_CIPHER_SPEC..=HEARTBEAT).contains(content))
        }
        None => true,
    }
}

/// Whether a handshake record of `length` bytes that begins with `bytes` begins
/// with a message: one of a known type that ends inside the record. The middle
/// of a longer message passes for one only by a rare accident.
pub(super) fn begins_message(bytes: &[u8], length: usize) -> bool {
    const KNOWN: [u8; 12] = [1, 2, 4, 8, 11, 12, 13, 14, 15, 16, 20, 22];
    let [kind, a, b, c, ..] = *bytes else { return false };
    let message = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
    KNOWN.contains(&kind) && 4 + message <= length
}

/// A handshake message is longer than anything a handshake needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLong;

/// Puts handshake messages together; they may span records and share them.
#[derive(Debug, Default)]
pub(super) struct Messages {
    buffer: Vec<u8>,
}

impl Messages {
    /// Takes a piece of handshake data and hands out every complete message,
    /// header included.
    pub fn feed(&mut self, fragment: &[u8], mut each: impl FnMut(&[u8])) -> Result<(), TooLong> {
        if self.buffer.is_empty() {
            let used = complete(fragment, &mut each)?;
            self.buffer.extend_from_slice(fragment.get(used..).unwrap_or_default());
        } else {
            self.buffer.extend_from_slice(fragment);
            let used = complete(&self.buffer, &mut each)?;
            self.buffer.drain(..used);
        }
        Ok(())
    }

    /// Forgets an incomplete message.
    pub fn clear(&mut self) {
        self.buffer = Vec::new();
    }

    /// Bytes that are held.
    pub fn held(&self) -> usize {
        self.buffer.len()
    }
}

/// Hands out the complete messages at the start of `bytes`; returns how many
/// bytes they are.
fn complete(bytes: &[u8], each: &mut impl FnMut(&[u8])) -> Result<usize, TooLong> {
    let mut used = 0;
    while let Some(&[kind, a, b, c, ..]) = bytes.get(used..) {
        let length = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
        let limit = if kind == CERTIFICATE { MAX_CERTIFICATE } else { MAX_MESSAGE };
        if length > limit {
            return Err(TooLong);
        }
        let Some(message) = bytes.get(used..used + 4 + length) else {
            break;
        };
        each(message);
        used += message.len();
    }
    Ok(used)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(chunks: &[&[u8]]) -> Vec<Vec<u8>> {
        let mut deframer = Deframer::default();
        let mut assembler = Messages::default();
        let mut out = Vec::new();
        for chunk in chunks {
            let mut rest = *chunk;
            while let Some(event) = deframer.next(&mut rest) {
                if let Event::Fragment(f) = event {
                    assembler.feed(f, |m| out.push(m.to_vec())).expect("short");
                }
            }
        }
        out
    }

    /// Three messages in two records: the second message spans them.
    const RECORDS: &[u8] =
        &[22, 3, 3, 0, 7, 1, 0, 0, 1, 9, 2, 0, 22, 3, 3, 0, 9, 0, 3, 7, 7, 7, 14, 0, 0, 0];

    #[test]
    fn messages_span_records_and_share_them() {
        let expected = [vec![1, 0, 0, 1, 9], vec![2, 0, 0, 3, 7, 7, 7], vec![14, 0, 0, 0]];
        assert_eq!(messages(&[RECORDS]), expected);
        for cut in 0..RECORDS.len() {
            assert_eq!(messages(&[&RECORDS[..cut], &RECORDS[cut..]]), expected, "cut at {cut}");
        }
        let bytes: Vec<&[u8]> = RECORDS.chunks(1).collect();
        assert_eq!(messages(&bytes), expected);
    }

    #[test]
    fn what_is_no_record_breaks() {
        let mut deframer = Deframer::default();
        assert_eq!(deframer.next(&mut &b"GET / "[..]), Some(Event::Broken));
        let mut deframer = Deframer::default();
        assert_eq!(deframer.next(&mut &[23, 3, 3, 0x48, 0x01][..]), Some(Event::Broken));
    }

    #[test]
    fn a_message_has_a_greatest_length() {
        let mut m = Messages::default();
        assert_eq!(m.feed(&[1, 1, 0, 1], |_| {}), Err(TooLong));
        assert_eq!(m.feed(&[11, 1, 0, 1], |_| {}), Ok(()));
    }

    #[test]
    fn a_stream_resumes_at_a_record() {
        assert!(resumes(&[23, 3, 3, 0, 2, 1, 2]));
        assert!(resumes(&[23, 3, 3, 0, 2, 1, 2, 21, 3, 3, 0, 2]));
        assert!(resumes(&[23, 3, 3, 0, 9, 1, 2]));
        assert!(!resumes(&[23, 3, 3, 0, 2, 1, 2, 9, 9, 9, 9, 9]));
        assert!(!resumes(&[23, 3, 3]));
    }
}
