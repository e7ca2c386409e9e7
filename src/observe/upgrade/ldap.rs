//! LDAP's StartTLS: an extended request and its successful response (RFC 4511
//! section 4.14).

use super::{binary::Turn, of_mut};
use crate::observe::detect::begins_tls;

const START_TLS: &[u8] = b"1.3.6.1.4.1.1466.20037";
const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const ENUMERATED: u8 = 0x0A;
const EXTENDED_REQUEST: u8 = 0x77;
const EXTENDED_RESPONSE: u8 = 0x78;
const REQUEST_NAME: u8 = 0x80;
/// The longest message that is looked into; a longer one is skipped.
const MAX_MESSAGE: usize = 1024;

/// Messages of one side.
#[derive(Debug, Default)]
struct Messages {
    kept: Vec<u8>,
    skip: usize,
}

/// An LDAP dialogue.
#[derive(Debug, Default)]
pub(super) struct Ldap {
    /// The server's and the client's.
    messages: [Messages; 2],
    /// Message identifier of the request.
    asked: Option<Vec<u8>>,
}

impl Ldap {
    pub fn data(&mut self, client: bool, bytes: &[u8]) -> Turn {
        let mut rest = bytes;
        while let Some((&first, after)) = rest.split_first() {
            let messages = of_mut(client, &mut self.messages);
            if messages.skip > 0 {
                let n = messages.skip.min(rest.len());
                messages.skip -= n;
                rest = rest.get(n..).unwrap_or_default();
                continue;
            }
            if client && self.asked.is_some() && messages.kept.is_empty() && begins_tls(rest) {
                return Turn::Early(bytes.len() - rest.len());
            }
            messages.kept.push(first);
            rest = after;
            let (header, length) = match header(&messages.kept) {
                Header::Is(header, length) => (header, length),
                Header::Short => continue,
                Header::Wrong => return Turn::Over,
            };
            let total = header + length;
            if total > MAX_MESSAGE {
                messages.skip = total - messages.kept.len();
                messages.kept.clear();
                continue;
            }
            let take = total.saturating_sub(messages.kept.len()).min(rest.len());
            let (now, after) = rest.split_at(take);
            messages.kept.extend_from_slice(now);
            rest = after;
            if messages.kept.len() < total {
                continue;
            }
            let message = std::mem::take(&mut messages.kept);
            if self.message(client, message.get(header..).unwrap_or_default()) {
                return Turn::Granted(bytes.len() - rest.len());
            }
        }
        Turn::Goes
    }

    /// Takes the inside of a message; returns whether it grants StartTLS.
    fn message(&mut self, client: bool, inside: &[u8]) -> bool {
        let Some((INTEGER, id, rest)) = element(inside) else { return false };
        let Some((operation, body, _)) = element(rest) else { return false };
        match (client, operation) {
            (true, EXTENDED_REQUEST) => {
                if matches!(element(body), Some((REQUEST_NAME, START_TLS, _))) {
                    self.asked = Some(id.to_vec());
                }
                false
            }
            (false, EXTENDED_RESPONSE) if self.asked.as_deref() == Some(id) => {
                let granted = matches!(element(body), Some((ENUMERATED, [0], _)));
                self.asked = None;
                granted
            }
            _ => false,
        }
    }
}

enum Header {
    /// Its length, and that of the content.
    Is(usize, usize),
    Short,
    Wrong,
}

/// The header of a SEQUENCE.
fn header(bytes: &[u8]) -> Header {
    match bytes {
        [SEQUENCE, length, ..] if *length < 0x80 => Header::Is(2, usize::from(*length)),
        [SEQUENCE, count @ 0x81..=0x84, rest @ ..] => {
            let count = usize::from(*count & 0x7F);
            match rest.get(..count) {
                Some(digits) => {
                    let length = digits.iter().fold(0usize, |n, &b| n << 8 | usize::from(b));
                    Header::Is(2 + count, length)
                }
                None => Header::Short,
            }
        }
        [] | [SEQUENCE] => Header::Short,
        _ => Header::Wrong,
    }
}

/// Tag, content and what follows.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&length, rest) = rest.split_first()?;
    let (length, rest) = if length < 0x80 {
        (usize::from(length), rest)
    } else {
        let count = usize::from(length & 0x7F);
        if count == 0 || count > 4 {
            return None;
        }
        let (digits, rest) = rest.split_at_checked(count)?;
        (digits.iter().fold(0usize, |n, &b| n << 8 | usize::from(b)), rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// Whether the bytes after the tag of a client's first message go on like an
/// LDAP request; `None` if more are needed.
pub(super) fn begins(rest: &[u8]) -> Option<bool> {
    let (&length, rest) = rest.split_first()?;
    let skip = match length {
        0..=0x7F => 0,
        0x81..=0x84 => usize::from(length & 0x7F),
        _ => return Some(false),
    };
    let rest = rest.get(skip..)?;
    // Message identifier, then an operation: bind, search, extended and others.
    match *rest {
        [] | [INTEGER] => None,
        [INTEGER, n @ 1..=4, ref rest @ ..] => {
            let operation = *rest.get(usize::from(n))?;
            Some(matches!(
                operation,
                0x60 | 0x42 | 0x63 | 0x66 | 0x68 | 0x4A | 0x6C | 0x6E | 0x50 | EXTENDED_REQUEST
            ))
        }
        _ => Some(false),
    }
}
