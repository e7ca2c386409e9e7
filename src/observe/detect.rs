//! The first look: do these bytes begin a TLS, SSL or SSH handshake?
//!
//! Port numbers decide nothing. At the start of a direction a handshake may
//! arrive in pieces of any size, so up to [`LONGEST_PREFIX`] bytes are kept
//! until it is clear; later a handshake has to begin where a segment begins.

use super::ike::PREFIX;

/// Bytes that settle the question: a record header and the head of a message.
const LONGEST_PREFIX: usize = 11;
/// Where a server's identification line may stand behind other lines.
const MAX_GREETING: usize = 4096;
/// The longest TLS record (RFC 5246 section 6.2.3).
pub(super) const MAX_RECORD: usize = (1 << 14) + 2048;

const HANDSHAKE: u8 = 22;
const ALERT: u8 = 21;
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;

/// What the beginning of a direction or segment looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    No,
    /// More bytes are needed to tell.
    Maybe,
    Yes,
}

/// The state of the look at one direction.
#[derive(Debug)]
pub(super) enum HandshakeDetector {
    /// At the start; the bytes so far could begin a handshake.
    First { prefix: [u8; LONGEST_PREFIX], length: usize },
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
    /// By the bytes that a look has accepted.
    fn of(bytes: &[u8]) -> Self {
        match bytes.first() {
            Some(b'S') => Self::Ssh,
            Some(b'I') => Self::Ike,
            _ => Self::Tls,
        }
    }
}

/// Where bytes that were shown to a look belong.
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
            Self::Watching => match begins_later(bytes) {
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
            },
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
                    Verdict::No => match after_greeting(bytes) {
                        Some(at) => {
                            *self = Self::Following(Protocol::Ssh);
                            ByteDisposition::Here(Protocol::Ssh, at)
                        }
                        None => {
                            *self = Self::Watching;
                            // What was kept began nothing (a PostgreSQL server
                            // says `S`); these bytes may.
                            if kept.is_empty() {
                                ByteDisposition::Nothing
                            } else {
                                self.take(bytes)
                            }
                        }
                    },
                }
            }
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
            Self::First { .. } => {
                *self = Self::Watching;
                false
            }
        }
    }
}

/// Whether a segment in the middle of a connection may begin a handshake and
/// should be shown to the observer.
#[inline]
pub fn may_begin(bytes: &[u8]) -> bool {
    matches!(bytes.first(), Some(&HANDSHAKE | b'S')) && begins_later(bytes) != Verdict::No
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
    let line = head.windows(7).position(|w| match w {
        [b'\n', after @ ..] => identification(after) == Verdict::Yes,
        _ => false,
    })?;
    Some(line + 1)
}

/// A record that holds the beginning of a ClientHello or ServerHello.
fn hello(bytes: &[u8]) -> Verdict {
    let record_length = |b: &Head| usize::from(u16::from_be_bytes([b[3], b[4]]));
    check(
        bytes,
        &[
            &|b| b[0] == HANDSHAKE,
            &|b| b[1] == 3,
            &|b| b[2] <= 4,
            &|b| usize::from(b[3]) << 8 <= MAX_RECORD,
            &|b| (1..=MAX_RECORD).contains(&record_length(b)),
            &|b| b[5] == CLIENT_HELLO || b[5] == SERVER_HELLO,
            // Hellos are no longer than the 64 KiB that are put together.
            &|b| b[6] == 0,
            &|_| true,
            &|b| u16::from_be_bytes([b[7], b[8]]) >= 38 - 4,
            // The hello's own version: SSL 3.0 and later; tried drafts of TLS 1.3
            // and the Chinese protocol answer with others.
            &|b| b[5] == SERVER_HELLO || b[9] == 3,
        ],
    )
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
            &|b| b[1] == 3,
            &|b| b[2] <= 4,
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
mod tests {
    use super::*;

    const HELLO: [u8; 11] = [22, 3, 1, 2, 0, 1, 0, 1, 0xFC, 3, 3];

    #[test]
    fn a_hello_in_pieces_of_any_size_is_seen() {
        for cut in 1..HELLO.len() {
            let mut look = HandshakeDetector::first();
            match look.take(&HELLO[..cut]) {
                ByteDisposition::Nothing => {
                    let ByteDisposition::With(Protocol::Tls, all) = look.take(&HELLO[cut..]) else {
                        panic!("cut at {cut}")
                    };
                    assert_eq!(all, HELLO);
                }
                ByteDisposition::Here(..) => assert!(cut >= 10),
                ByteDisposition::With(..) => panic!("nothing was kept"),
            }
            assert!(matches!(look, HandshakeDetector::Following(Protocol::Tls)));
        }
    }

    #[test]
    fn other_protocols_are_refused_at_once() {
        for other in [&b"GET / HTTP/1.1"[..], b"SSH-3.0-x", b"220 ", &[0x16, 0x04], &[0x80, 0x04]] {
            let mut look = HandshakeDetector::first();
            assert!(matches!(look.take(other), ByteDisposition::Nothing));
            assert!(matches!(look, HandshakeDetector::Watching), "{other:?}");
        }
    }

    #[test]
    fn a_hello_may_begin_a_later_segment_but_not_the_middle_of_one() {
        let mut look = HandshakeDetector::Watching;
        assert!(matches!(look.take(b"data"), ByteDisposition::Nothing));
        let inside = [b"x", &HELLO[..]].concat();
        assert!(matches!(look.take(&inside), ByteDisposition::Nothing));
        assert!(may_begin(&HELLO));
        assert!(matches!(look.take(&HELLO), ByteDisposition::Here(Protocol::Tls, 0)));
    }

    #[test]
    fn a_false_start_hides_nothing_after_it() {
        let mut look = HandshakeDetector::first();
        assert!(matches!(look.take(b"S"), ByteDisposition::Nothing));
        assert!(matches!(look.take(&HELLO), ByteDisposition::Here(Protocol::Tls, 0)));
    }

    #[test]
    fn an_identification_line_may_follow_other_lines() {
        let mut look = HandshakeDetector::first();
        let greeting = b"welcome\r\nto this system\r\nSSH-2.0-x\r\n";
        assert!(matches!(look.take(greeting), ByteDisposition::Here(Protocol::Ssh, 25)));
        let mut look = HandshakeDetector::first();
        assert!(matches!(look.take(b"welcome\r\n"), ByteDisposition::Nothing));
        assert!(may_begin(b"SSH-1.99-x\n") && !may_begin(b"SSL"));
        assert!(matches!(look.take(b"SSH-1.99-x\n"), ByteDisposition::Here(Protocol::Ssh, 0)));
    }

    #[test]
    fn sslv2_hellos() {
        let client = [0x80, 0x2E, 1, 0, 2, 0, 0x15, 0, 0, 0, 16];
        assert_eq!(begins_first(&client), Verdict::Yes);
        let tls_in_v2 = [0x80, 0x2E, 1, 3, 1, 0, 0x15, 0, 0, 0, 32];
        assert_eq!(begins_first(&tls_in_v2), Verdict::Yes);
        assert_eq!(begins_first(&[0x83, 0xF8, 4, 0, 1, 0, 2]), Verdict::Yes);
        assert_eq!(begins_first(&[0x80, 0x2E, 1, 0, 3]), Verdict::No);
    }
}
