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

/// The longest handshake message that is put together: no ClientHello and no
/// CertificateRequest is longer (RFC 8446 section 4.1.2; RFC 5246 section 7.4.4 allows
/// types of 255 bytes and lists of 65,534 and 65,535).
const MAX_MESSAGE: usize = 131_396;
/// The same for Certificate messages, which hold whole chains, and for
/// ServerKeyExchange, of which three numbers and a signature have 65,535 bytes each
/// (RFC 5246 section 7.4.3).
const MAX_LONG_MESSAGE: usize = 262_150;
const CERTIFICATE: u8 = 11;
const SERVER_KEY_EXCHANGE: u8 = 12;
/// Messages of which nothing is read but that they were there: CertificateStatus,
/// SupplementalData.
const NOT_READ: [u8; 2] = [22, 23];
/// Bytes of a handshake message's header.
const MESSAGE_HEADER: usize = 4;

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
pub(in crate::observe) fn resumes(bytes: &[u8]) -> bool {
    let Some(first) = bytes.get(..HEADER) else {
        return false;
    };
    let Some((_, length)) = header(first) else {
        return false;
    };
    if length == 0 || !matches!(first.get(1), Some(3 | 1)) {
        return false;
    }
    match bytes.get(HEADER + length..) {
        Some(rest) if rest.len() >= HEADER => header(rest).is_some() && rest.get(1) == first.get(1),
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

/// A handshake message is longer than those that are put together; it was passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLong;

/// Puts handshake messages together; they may span records and share them.
#[derive(Debug, Default)]
pub(super) struct Messages {
    buffer: Vec<u8>,
    /// Bytes of a message that are passed over.
    skip: usize,
}

impl Messages {
    /// Takes a piece of handshake data and hands out every complete message,
    /// header included. Of a message that is passed over only the header is handed
    /// out. An error if that was one that should have been read.
    pub fn feed(&mut self, fragment: &[u8], mut each: impl FnMut(&[u8])) -> Result<(), TooLong> {
        let mut result = Ok(());
        let mut rest = fragment;
        while !rest.is_empty() {
            if self.skip > 0 {
                let n = self.skip.min(rest.len());
                self.skip -= n;
                rest = rest.get(n..).unwrap_or_default();
                continue;
            }
            // A whole message is read where it lies.
            if self.buffer.is_empty()
                && let Some(message) = whole(rest)
            {
                each(message);
                rest = rest.get(message.len()..).unwrap_or_default();
                continue;
            }
            let wanted = self.wanted().saturating_sub(self.buffer.len());
            let (now, after) = rest.split_at(wanted.min(rest.len()));
            self.buffer.extend_from_slice(now);
            rest = after;
            if self.buffer.len() < MESSAGE_HEADER {
                continue;
            }
            let (kind, length) = head(&self.buffer);
            if !is_kept(kind, length) {
                self.skip = length;
                if !NOT_READ.contains(&kind) {
                    result = Err(TooLong);
                }
            }
            if self.buffer.len() == MESSAGE_HEADER + length || self.skip > 0 {
                each(&self.buffer);
                self.buffer.clear();
            }
        }
        result
    }

    /// Bytes that the buffer shall have: a header, then a message.
    fn wanted(&self) -> usize {
        if self.buffer.len() < MESSAGE_HEADER {
            MESSAGE_HEADER
        } else {
            MESSAGE_HEADER + head(&self.buffer).1
        }
    }

    /// Forgets an incomplete message.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Bytes that are held.
    pub fn held(&self) -> usize {
        self.buffer.len()
    }
}

/// Type and length of a message; zeros where there is no header.
fn head(bytes: &[u8]) -> (u8, usize) {
    let Some(&[kind, a, b, c]) = bytes.first_chunk() else { return (0, 0) };
    (kind, usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c))
}

/// Whether a message of a type and length is put together.
fn is_kept(kind: u8, length: usize) -> bool {
    length
        <= match kind {
            CERTIFICATE | SERVER_KEY_EXCHANGE => MAX_LONG_MESSAGE,
            kind if NOT_READ.contains(&kind) => 0,
            _ => MAX_MESSAGE,
        }
}

/// The message at the start of `bytes`, if all of it is there and it is put together.
fn whole(bytes: &[u8]) -> Option<&[u8]> {
    bytes.first_chunk::<MESSAGE_HEADER>()?;
    let (kind, length) = head(bytes);
    bytes.get(..MESSAGE_HEADER + length).filter(|_| is_kept(kind, length))
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
    fn a_message_has_a_greatest_length_and_is_passed_over_beyond_it() {
        let fed = |kind: u8, length: usize, piece: usize| {
            let mut all = vec![kind];
            all.extend(&u32::try_from(length).expect("short").to_be_bytes()[1..]);
            all.extend(vec![7; length]);
            all.extend([14, 0, 0, 0]);
            let (mut m, mut seen, mut result, mut most) = (Messages::default(), vec![], Ok(()), 0);
            for bytes in all.chunks(piece) {
                result = m.feed(bytes, |m| seen.push((m[0], m.len()))).and(result);
                most = most.max(m.held());
            }
            (seen, result, most)
        };
        for piece in [100, 16_384, 300_000] {
            // CertificateRequest: 1 + 255, 2 + 65,534, 2 + 65,535.
            assert_eq!(fed(13, 131_329, piece).0, [(13, 131_333), (14, 4)]);
            assert_eq!(fed(1, 131_396, piece).1, Ok(()));
            assert_eq!(fed(11, 262_144, piece).0, [(11, 262_148), (14, 4)]);
            assert_eq!(fed(12, 262_150, piece).1, Ok(()));
            let (seen, result, most) = fed(11, 300_000, piece);
            assert_eq!((seen, result), (vec![(11, 4), (14, 4)], Err(TooLong)));
            assert!(most <= MESSAGE_HEADER);
            assert_eq!(fed(13, 131_397, piece).1, Err(TooLong));
            // Nothing is read of a CertificateStatus, whatever its length.
            let (seen, result, most) = fed(22, 1_000_000, piece);
            assert_eq!((seen, result), (vec![(22, 4), (14, 4)], Ok(())));
            assert!(most <= MESSAGE_HEADER);
        }
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
