//! Detection of handshakes: do these bytes begin a TLS, SSL or SSH handshake?
//!
//! Port numbers decide nothing. At the start of a direction a handshake may
//! arrive in pieces of any size, so up to [`LONGEST_PREFIX`] bytes are kept
//! until it is clear; later a handshake has to begin where a segment begins.

use super::ike::PREFIX;

/// Bytes of a hello that settle the question: the head of a handshake message and
/// its version.
const HELLO_HEAD: usize = 6;
/// Bytes of a record's header.
const RECORD_HEADER: usize = 5;
/// Bytes that settle the question: those of a hello, each in a record of its own
/// (RFC 5246 section 6.2.1, RFC 8446 section 5.1).
const LONGEST_PREFIX: usize = HELLO_HEAD * (RECORD_HEADER + 1);
/// Bytes of the lines that a server may send before its identification line (RFC
/// 4253 section 4.2). The RFC sets no limit; this much is read.
const MAX_GREETING: usize = 16 * 1024;
/// A line end and the longest beginning of an identification line.
const IDENTIFICATION: usize = 7;
/// The longest TLS record (RFC 5246 section 6.2.3).
pub(super) const MAX_RECORD: usize = (1 << 14) + 2048;

const HANDSHAKE: u8 = 22;
const ALERT: u8 = 21;
const HELLO_REQUEST: u8 = 0;
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
/// HelloRetryRequest of the drafts of TLS 1.3 before 22.
const HELLO_RETRY_REQUEST: u8 = 6;

/// What the beginning of a direction or segment looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    No,
    /// More bytes are needed to tell.
    Maybe,
    Yes,
}

/// What was detected in one direction.
#[derive(Debug)]
pub(super) enum HandshakeDetector {
    /// At the start; the bytes so far could begin a handshake.
    First { prefix: [u8; LONGEST_PREFIX], length: usize },
    /// The side began with a line of text: an SSH server's identification line may
    /// follow. The last bytes, and how many were read.
    Greeting { last: [u8; IDENTIFICATION], read: usize },
    /// Only the beginnings of segments are looked at.
    Watching,
    /// A handshake has begun: every byte belongs to it.
    Following(Protocol),
}

/// Whose handshake has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Tls,
    Ssh,
    Ike,
}

impl Protocol {
    /// By the bytes that were accepted.
    fn of(bytes: &[u8]) -> Self {
        match bytes.first() {
            Some(b'S') => Self::Ssh,
            Some(b'I') => Self::Ike,
            _ => Self::Tls,
        }
    }
}

/// Where bytes that were shown to a detector belong.
pub(super) enum ByteDisposition {
    /// Nowhere (yet).
    Nothing,
    /// To the handshake, from this offset on.
    Here(Protocol, usize),
    /// To the handshake, and these are all of them: what was kept comes first.
    With(Protocol, Vec<u8>),
}

impl HandshakeDetector {
    pub fn first() -> Self {
        Self::First { prefix: [0; LONGEST_PREFIX], length: 0 }
    }

    pub fn take(&mut self, bytes: &[u8]) -> ByteDisposition {
        match self {
            Self::Following(protocol) => ByteDisposition::Here(*protocol, 0),
            Self::Watching => self.later(bytes),
            Self::Greeting { last, read } => {
                let (last, read) = (*last, *read);
                match after_greeting(&[&last[..], bytes].concat()) {
                    Some(at) => self.identified(&last, bytes, at),
                    None => {
                        let taken = self.later(bytes);
                        if matches!(self, Self::Watching | Self::Greeting { .. }) {
                            *self = Self::greeting(last, read, bytes);
                        }
                        taken
                    }
                }
            }
            Self::First { prefix, length } => {
                let (kept, length) = (*prefix, *length);
                let kept = kept.get(..length).unwrap_or_default();
                let mut seen = [0; LONGEST_PREFIX];
                let mut filled = 0;
                for (slot, &byte) in seen.iter_mut().zip(kept.iter().chain(bytes)) {
                    *slot = byte;
                    filled += 1;
                }
                let seen = seen.get(..filled).unwrap_or_default();
                match begins_first(seen) {
                    Verdict::Yes => {
                        let protocol = Protocol::of(seen);
                        *self = Self::Following(protocol);
                        if kept.is_empty() {
                            ByteDisposition::Here(protocol, 0)
                        } else {
                            ByteDisposition::With(protocol, [kept, bytes].concat())
                        }
                    }
                    Verdict::Maybe => {
                        *self = Self::kept(kept, bytes);
                        ByteDisposition::Nothing
                    }
                    Verdict::No => {
                        let all = [kept, bytes].concat();
                        if let Some(at) = after_greeting(&all) {
                            self.identified(kept, bytes, at)
                        } else if is_text(&all) {
                            *self = Self::greeting([0; IDENTIFICATION], 0, &all);
                            ByteDisposition::Nothing
                        } else {
                            *self = Self::Watching;
                            // What was kept began nothing (a PostgreSQL server
                            // says `S`); these bytes may.
                            if kept.is_empty() {
                                ByteDisposition::Nothing
                            } else {
                                self.take(bytes)
                            }
                        }
                    }
                }
            }
        }
    }

    /// An identification line begins at an offset in what was kept and what follows it.
    fn identified(&mut self, kept: &[u8], bytes: &[u8], at: usize) -> ByteDisposition {
        *self = Self::Following(Protocol::Ssh);
        match kept.get(at..).filter(|line| !line.is_empty()) {
            Some(line) => ByteDisposition::With(Protocol::Ssh, [line, bytes].concat()),
            None => ByteDisposition::Here(Protocol::Ssh, at.saturating_sub(kept.len())),
        }
    }

    /// Looks at the beginning of a segment in the middle of a direction.
    fn later(&mut self, bytes: &[u8]) -> ByteDisposition {
        match begins_later(bytes) {
            Verdict::Yes => {
                let protocol = Protocol::of(bytes);
                *self = Self::Following(protocol);
                ByteDisposition::Here(protocol, 0)
            }
            Verdict::Maybe => {
                *self = Self::kept(&[], bytes);
                ByteDisposition::Nothing
            }
            Verdict::No => ByteDisposition::Nothing,
        }
    }

    /// The state after lines of text, as long as they may be those of an SSH server.
    fn greeting(last: [u8; IDENTIFICATION], read: usize, bytes: &[u8]) -> Self {
        let read = read.saturating_add(bytes.len());
        if read > MAX_GREETING || !is_text(bytes) {
            return Self::Watching;
        }
        let mut end = [0; IDENTIFICATION];
        for (slot, &byte) in end.iter_mut().rev().zip(bytes.iter().rev().chain(last.iter().rev())) {
            *slot = byte;
        }
        Self::Greeting { last: end, read }
    }

    /// Whether lines of text are read behind which an identification line may come.
    pub fn is_greeting(&self) -> bool {
        matches!(self, Self::Greeting { .. })
    }

    /// Whether the direction has begun with something else than SSH.
    pub fn is_other_than_ssh(&self) -> bool {
        match self {
            Self::First { prefix, length } => *length > 0 && prefix.first() != Some(&b'S'),
            Self::Following(protocol) => *protocol != Protocol::Ssh,
            Self::Greeting { .. } | Self::Watching => true,
        }
    }

    fn kept(before: &[u8], bytes: &[u8]) -> Self {
        let mut prefix = [0; LONGEST_PREFIX];
        let mut length = 0;
        for (slot, &byte) in prefix.iter_mut().zip(before.iter().chain(bytes)) {
            *slot = byte;
            length += 1;
        }
        Self::First { prefix, length }
    }

    /// Bytes are missing; returns whether they belonged to a handshake.
    pub fn hole(&mut self) -> bool {
        match self {
            Self::Following(_) => true,
            Self::Watching => false,
            Self::First { .. } | Self::Greeting { .. } => {
                *self = Self::Watching;
                false
            }
        }
    }
}

/// Whether bytes begin a TLS handshake, as far as they go.
pub(super) fn begins_tls(bytes: &[u8]) -> bool {
    !bytes.is_empty() && hello(bytes) != Verdict::No
}

/// Whether bytes begin a TLS or SSH handshake, as far as they go.
pub(super) fn begins_handshake(bytes: &[u8]) -> bool {
    !bytes.is_empty() && begins_later(bytes) != Verdict::No
}

/// Whether a segment in the middle of a connection may begin a handshake and
/// should be shown to the observer.
#[inline]
pub fn may_begin(bytes: &[u8]) -> bool {
    matches!(bytes.first(), Some(&HANDSHAKE | b'S')) && begins_later(bytes) != Verdict::No
}

/// Whether as much of a segment was captured, of `length` bytes on the wire, as tells whether
/// a handshake begins with it.
#[inline]
pub fn shows_beginning(captured: &[u8], length: u32) -> bool {
    captured.len() >= length as usize || begins_with_enough(captured)
}

/// The same of a segment that was captured in part.
fn begins_with_enough(captured: &[u8]) -> bool {
    match captured {
        [] => false,
        // TDS has its handshake in packets of type PRELOGIN, behind a header of eight bytes
        // (MS-TDS sections 2.2.3.1 and 2.2.6.5). Of such a packet nothing is followed that is cut.
        [0x12, 0 | 1, ..] | [0x12] => {
            captured.get(8..).is_some_and(|inner| begins_first(inner) == Verdict::No)
        }
        _ => begins_first(captured) != Verdict::Maybe,
    }
}

/// The beginning of a direction: TLS, an SSL 2.0 hello, or the alert of a
/// server that wants no handshake.
fn begins_first(bytes: &[u8]) -> Verdict {
    let verdicts =
        [begins_later(bytes), alert(bytes), sslv2_client(bytes), sslv2_server(bytes), ike(bytes)];
    if verdicts.contains(&Verdict::Yes) {
        Verdict::Yes
    } else if verdicts.contains(&Verdict::Maybe) {
        Verdict::Maybe
    } else {
        Verdict::No
    }
}

/// A handshake of which nothing comes before.
fn begins_later(bytes: &[u8]) -> Verdict {
    if bytes.first() == Some(&b'S') { identification(bytes) } else { hello(bytes) }
}

/// An SSH identification line.
fn identification(bytes: &[u8]) -> Verdict {
    check(
        bytes,
        &[
            &|b| b[0] == b'S',
            &|b| b[1] == b'S',
            &|b| b[2] == b'H',
            &|b| b[3] == b'-',
            &|b| matches!(b[4], b'1' | b'2'),
            &|b| b[5] == b'.',
        ],
    )
}

/// The offset of an identification line behind other lines (RFC 4253
/// section 4.2).
fn after_greeting(bytes: &[u8]) -> Option<usize> {
    let head = bytes.get(..MAX_GREETING).unwrap_or(bytes);
    let line = head.windows(IDENTIFICATION).position(|w| match w {
        [b'\n', after @ ..] => identification(after) == Verdict::Yes,
        _ => false,
    })?;
    Some(line + 1)
}

/// Whether bytes are of lines of text (UTF-8, RFC 4253 section 4.2).
fn is_text(bytes: &[u8]) -> bool {
    bytes.iter().all(|&b| b >= b' ' && b != 0x7F || matches!(b, b'\t' | b'\r' | b'\n'))
}

/// Whether two bytes are a version that a record or a hello may have: SSL 3.0 to TLS
/// 1.3, tried drafts of it, or TLCP (GB/T 38636).
fn is_version(high: u8, low: u8) -> bool {
    matches!((high, low), (3, 0..=4) | (0x7E | 0x7F, _) | (1, 1))
}

/// Records that hold the beginning of a ClientHello or ServerHello, or of what a
/// server may send before: HelloRequest, and the HelloRetryRequest of drafts. The
/// message may be cut into records anywhere.
fn hello(bytes: &[u8]) -> Verdict {
    let mut message = [0; HELLO_HEAD];
    let mut have = 0;
    let mut rest = bytes;
    while have < HELLO_HEAD {
        let Some((header, fragment)) = rest.split_first_chunk::<RECORD_HEADER>() else {
            return if may_be_header(rest) { Verdict::Maybe } else { Verdict::No };
        };
        let length = usize::from(u16::from_be_bytes([header[3], header[4]]));
        if !may_be_header(header) || length == 0 {
            return Verdict::No;
        }
        let (fragment, after) = fragment.split_at(length.min(fragment.len()));
        for &byte in fragment.iter().take(HELLO_HEAD - have) {
            if let Some(slot) = message.get_mut(have) {
                *slot = byte;
            }
            have += 1;
            match hello_message(message.get(..have).unwrap_or_default()) {
                Verdict::Maybe => {}
                settled => return settled,
            }
        }
        if fragment.len() < length {
            return Verdict::Maybe;
        }
        rest = after;
    }
    Verdict::Maybe
}

/// Whether up to five bytes may be the header of a handshake record.
fn may_be_header(bytes: &[u8]) -> bool {
    let at = |n: usize| bytes.get(n).copied();
    at(0).is_none_or(|b| b == HANDSHAKE)
        && at(1).is_none_or(|b| b == 3 || b == 1)
        && at(2).is_none_or(|b| is_version(at(1).unwrap_or(0), b))
        && at(3).is_none_or(|b| usize::from(b) << 8 <= MAX_RECORD)
        && at(4)
            .is_none_or(|b| usize::from(u16::from_be_bytes([at(3).unwrap_or(0), b])) <= MAX_RECORD)
}

/// What the first bytes of a handshake message say: type, length, version.
fn hello_message(bytes: &[u8]) -> Verdict {
    /// The least that a hello has: version and random value, and more.
    const LEAST: u32 = 34;
    /// The longest ClientHello (RFC 8446 section 4.1.2) and ServerHello.
    const LONGEST_CLIENT: u32 = 131_396;
    const LONGEST_SERVER: u32 = 65_607;
    let Some(&kind) = bytes.first() else { return Verdict::Maybe };
    let (least, longest) = match kind {
        HELLO_REQUEST => (0, 0),
        CLIENT_HELLO => (LEAST, LONGEST_CLIENT),
        SERVER_HELLO => (LEAST, LONGEST_SERVER),
        HELLO_RETRY_REQUEST => (4, LONGEST_SERVER),
        _ => return Verdict::No,
    };
    let digits = bytes.get(1..4.min(bytes.len())).unwrap_or_default();
    let so_far = digits.iter().fold(0, |n, &b| n << 8 | u32::from(b));
    // What the digits that are still to come can make of it.
    let open = 8 * (3 - digits.len().min(3));
    let (low, high) = (so_far << open, ((so_far + 1) << open) - 1);
    if low > longest || high < least {
        return Verdict::No;
    }
    if open > 0 {
        return Verdict::Maybe;
    }
    if kind == HELLO_REQUEST {
        return Verdict::Yes;
    }
    match *bytes {
        [_, _, _, _] => Verdict::Maybe,
        [_, _, _, _, high] if is_version(high, if high == 1 { 1 } else { 0 }) => Verdict::Maybe,
        [_, _, _, _, high, low, ..] if high == 3 || is_version(high, low) => Verdict::Yes,
        _ => Verdict::No,
    }
}

/// The prefix of IKE in TCP.
fn ike(bytes: &[u8]) -> Verdict {
    if bytes.starts_with(PREFIX) {
        Verdict::Yes
    } else if PREFIX.starts_with(bytes) {
        Verdict::Maybe
    } else {
        Verdict::No
    }
}

/// An alert that is no ciphertext.
fn alert(bytes: &[u8]) -> Verdict {
    check(
        bytes,
        &[
            &|b| b[0] == ALERT,
            &|b| b[1] == 3 || b[1] == 1,
            &|b| is_version(b[1], b[2]),
            &|b| b[3] == 0,
            &|b| b[4] == 2,
            &|b| matches!(b[5], 1 | 2),
            &|b| crate::names::tls::alert_name(b[6]).is_some(),
        ],
    )
}

/// An SSL 2.0 CLIENT-HELLO, also as older clients of SSL 3.0 and TLS send it
/// (RFC 5246 appendix E.2).
fn sslv2_client(bytes: &[u8]) -> Verdict {
    check(
        bytes,
        &[
            &|b| b[0] & 0x80 != 0,
            &|b| (u16::from_be_bytes([b[0] & 0x7F, b[1]])) >= 9,
            &|b| b[2] == 1,
            &|b| b[3] == 0 || b[3] == 3,
            &|b| if b[3] == 0 { b[4] == 2 } else { b[4] <= 4 },
            // Cipher kinds have three bytes, and there is one at least.
            &|b| b[5] < 0x10,
            &|b| {
                let ciphers = u16::from_be_bytes([b[5], b[6]]);
                ciphers >= 3 && ciphers.is_multiple_of(3)
            },
            &|b| b[7] == 0,
            &|b| b[8] == 0 || b[8] == 16 || b[8] == 32,
            &|b| b[9] == 0,
            &|b| (16..=32).contains(&b[10]),
        ],
    )
}

/// An SSL 2.0 SERVER-HELLO.
fn sslv2_server(bytes: &[u8]) -> Verdict {
    check(
        bytes,
        &[
            &|b| b[0] & 0x80 != 0,
            &|b| (u16::from_be_bytes([b[0] & 0x7F, b[1]])) >= 11,
            &|b| b[2] == 4,
            &|b| b[3] <= 1,
            &|b| b[4] <= 1,
            &|b| b[5] == 0,
            &|b| b[6] == 2,
        ],
    )
}

/// The first bytes, zeros where there are none.
type Head = [u8; LONGEST_PREFIX];

/// A test of a byte, which may look back.
type Test<'a> = &'a dyn Fn(&Head) -> bool;

/// One test a byte, in order; bytes that are not there yet leave it open.
fn check(bytes: &[u8], tests: &[Test<'_>]) -> Verdict {
    let mut head = [0; LONGEST_PREFIX];
    for (there, &byte) in head.iter_mut().zip(bytes) {
        *there = byte;
    }
    for (i, test) in tests.iter().enumerate() {
        if i >= bytes.len() {
            return Verdict::Maybe;
        }
        if !test(&head) {
            return Verdict::No;
        }
    }
    Verdict::Yes
}

#[cfg(test)]
#[path = "detect_tests.rs"]
mod tests;
