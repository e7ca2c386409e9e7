//! Negotiations of a few messages of fixed form.

use super::clc::{self, Clc};
use super::{Kind, of_mut};
use crate::observe::detect::begins_handshake;
use crate::observe::tds;

/// What a side's bytes did to a dialogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// It goes on.
    Goes,
    /// It upgrades nothing.
    Over,
    /// From this offset on the bytes are those of another protocol.
    Granted(usize),
    /// The same, of a client that does not wait for the answer.
    Early(usize),
}

/// Longest message: a PROXY header of version 2 with its options, a SOCKS
/// request with a name.
const MAX_KEPT: usize = 1024;
/// Messages of a side: more than any of these negotiations has.
const MAX_STEPS: u8 = 16;
/// MySQL: CLIENT_SSL, and the length of the packet that asks for TLS.
const CLIENT_SSL: u8 = 0x08;
const SSL_REQUEST: usize = 36;

/// One of these dialogues.
#[derive(Debug)]
pub(super) struct Binary {
    kind: Kind,
    /// Bytes of the server and the client that are not used yet.
    kept: [Vec<u8>; 2],
    /// Messages of each so far.
    steps: [u8; 2],
    /// TDS: bytes of the packet in which the handshake begins.
    packet: usize,
    /// What was said of SMC.
    clc: Option<Clc>,
}

impl Binary {
    pub fn new(kind: Kind) -> Self {
        Self { kind, kept: [Vec::new(), Vec::new()], steps: [0; 2], packet: 0, clc: None }
    }

    pub fn data(&mut self, client: bool, bytes: &[u8]) -> Turn {
        let kept = of_mut(client, &mut self.kept);
        let before = kept.len();
        let room = MAX_KEPT.saturating_sub(before);
        kept.extend(bytes.iter().take(room));
        let cut = bytes.len() > room;
        let mut all = std::mem::take(kept);
        let mut at = 0;
        while let Some(rest) = all.get(at..).filter(|rest| !rest.is_empty()) {
            // What is asked for may be taken for granted.
            if client && *of_mut(client, &mut self.steps) > 0 && begins_handshake(rest) {
                return Turn::Early(at.saturating_sub(before));
            }
            match self.message(client, rest) {
                Step::Wait => {
                    // A message longer than any that is expected.
                    if cut {
                        return Turn::Over;
                    }
                    *of_mut(client, &mut self.kept) = all.split_off(at);
                    return Turn::Goes;
                }
                Step::Over => return Turn::Over,
                Step::Granted(used) => return Turn::Granted((at + used).saturating_sub(before)),
                Step::Next(used) => {
                    let steps = of_mut(client, &mut self.steps);
                    *steps += 1;
                    if *steps > MAX_STEPS {
                        return Turn::Over;
                    }
                    at += used.max(1);
                }
            }
        }
        if cut { Turn::Over } else { Turn::Goes }
    }

    /// TDS: bytes of the packet in which the handshake begins.
    pub fn packet(&self) -> usize {
        self.packet
    }

    /// What was said of SMC.
    pub fn clc(&self) -> Option<Clc> {
        self.clc
    }

    fn message(&mut self, client: bool, bytes: &[u8]) -> Step {
        match self.kind {
            Kind::Postgresql => postgresql(client, bytes),
            Kind::Mysql => mysql(client, bytes),
            Kind::Rdp => rdp(client, bytes),
            Kind::Socks4 => socks4(client, bytes),
            Kind::Socks5 => socks5(client, *of_mut(client, &mut self.steps), bytes),
            Kind::Tds => tds(client, bytes, &mut self.packet),
            Kind::Proxy => proxy(client, bytes),
            Kind::Smc => clc::message(client, bytes, &mut self.clc),
            _ => Step::Over,
        }
    }
}

pub(super) enum Step {
    /// The message is not complete.
    Wait,
    /// The message has so many bytes, and another one follows.
    Next(usize),
    /// The other protocol begins after so many bytes.
    Granted(usize),
    Over,
}

/// SSLRequest or GSSENCRequest of eight bytes; a byte answers it. After a
/// refusal the other may be asked for.
fn postgresql(client: bool, bytes: &[u8]) -> Step {
    match (client, bytes) {
        (true, [0, 0, 0, 8, 4, 0xD2, 0x16, 0x2F | 0x30, ..]) => Step::Next(8),
        (true, _) if bytes.len() < 8 => Step::Wait,
        (false, [b'S', ..]) => Step::Granted(1),
        (false, [b'N', ..]) => Step::Next(1),
        _ => Step::Over,
    }
}

/// The server's greeting; then the client's SSL request, after which it goes on
/// without an answer.
fn mysql(client: bool, bytes: &[u8]) -> Step {
    let &[a, b, c, _, ..] = bytes else { return Step::Wait };
    let length = 4 + usize::try_from(u32::from_le_bytes([a, b, c, 0])).unwrap_or(0);
    if !client {
        return if bytes.len() < length { Step::Wait } else { Step::Next(length) };
    }
    if length != SSL_REQUEST {
        return Step::Over;
    }
    match bytes.get(5) {
        Some(capabilities) if capabilities & CLIENT_SSL != 0 => {
            if bytes.len() < SSL_REQUEST {
                Step::Wait
            } else {
                Step::Granted(SSL_REQUEST)
            }
        }
        Some(_) => Step::Over,
        None => Step::Wait,
    }
}

/// X.224 connection request and confirm in TPKT; the confirm says which
/// security was chosen, of which all but the standard one are TLS.
fn rdp(client: bool, bytes: &[u8]) -> Step {
    let &[3, 0, high, low, ..] = bytes else {
        return if bytes.len() < 4 { Step::Wait } else { Step::Over };
    };
    let length = usize::from(u16::from_be_bytes([high, low]));
    let Some(message) = bytes.get(..length.max(11)) else { return Step::Wait };
    if client {
        return Step::Next(length);
    }
    // RDP_NEG_RSP: type 2, flags, length 8, the protocol.
    match message.get(11..19) {
        Some([2, _, 8, 0, protocol @ ..]) if protocol != [0; 4] => Step::Granted(length),
        _ => Step::Over,
    }
}

fn socks4(client: bool, bytes: &[u8]) -> Step {
    if !client {
        return match bytes {
            [0, 0x5A, ..] if bytes.len() >= 8 => Step::Granted(8),
            [] | [0] => Step::Wait,
            [0, 0x5A, ..] => Step::Wait,
            _ => Step::Over,
        };
    }
    // Version, command, port, address, user; with version 4A a name.
    let end_of =
        |from: usize| bytes.get(from..)?.iter().position(|&b| b == 0).map(|n| from + n + 1);
    let Some(user) = end_of(8) else { return Step::Wait };
    let named = matches!(bytes.get(4..), Some(&[0, 0, 0, host, ..]) if host != 0);
    match if named { end_of(user) } else { Some(user) } {
        Some(end) => Step::Next(end),
        None => Step::Wait,
    }
}

/// Methods, choice, request, reply; user and password may come between (RFC 1928, RFC
/// 1929). `step` counts the messages of the side so far: a client need not wait for
/// answers.
fn socks5(client: bool, step: u8, bytes: &[u8]) -> Step {
    match (client, bytes) {
        (_, []) => Step::Wait,
        (true, [5, methods, ..]) if step == 0 => complete(bytes, 2 + usize::from(*methods)),
        (false, [5, 0 | 2, ..]) if step == 0 => Step::Next(2),
        (false, [1, 0, ..]) if step == 1 => Step::Next(2),
        (true, [1, user, rest @ ..]) if step > 0 => match rest.get(usize::from(*user)) {
            Some(password) => complete(bytes, 3 + usize::from(*user) + usize::from(*password)),
            None => Step::Wait,
        },
        (true, [5, 1, 0, ..]) if step > 0 => {
            request(bytes).map_or(Step::Wait, |n| complete(bytes, n))
        }
        (false, [5, 0, 0, 1 | 3 | 4, ..]) if step > 0 => match request(bytes) {
            Some(n) if bytes.len() >= n => Step::Granted(n),
            _ => Step::Wait,
        },
        (_, [_] | [5, _] | [5, _, _]) => Step::Wait,
        _ => Step::Over,
    }
}

/// PRELOGIN packets and their answers, until one holds a record instead of options. The
/// handshake begins behind its header; the length of its content is written to
/// `packet`.
fn tds(client: bool, bytes: &[u8], packet: &mut usize) -> Step {
    const HANDSHAKE: u8 = 22;
    const TABULAR_RESULT: u8 = 4;
    let Some((header, content)) = bytes.split_first_chunk::<{ tds::HEADER }>() else {
        return Step::Wait;
    };
    let Some(length) = tds::length(header) else { return Step::Over };
    match (header[0], content.first()) {
        (_, None) if length > tds::HEADER => Step::Wait,
        (tds::PRELOGIN, Some(&HANDSHAKE)) => {
            *packet = length - tds::HEADER;
            Step::Granted(tds::HEADER)
        }
        (tds::PRELOGIN, _) => complete(bytes, length),
        (TABULAR_RESULT, _) if !client => complete(bytes, length),
        _ => Step::Over,
    }
}

/// Length of a SOCKS request or reply, by the type of its address.
fn request(bytes: &[u8]) -> Option<usize> {
    Some(match *bytes.get(3)? {
        1 => 10,
        4 => 22,
        _ => 7 + usize::from(*bytes.get(4)?),
    })
}

fn complete(bytes: &[u8], length: usize) -> Step {
    if bytes.len() < length { Step::Wait } else { Step::Next(length) }
}

fn proxy(client: bool, bytes: &[u8]) -> Step {
    const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
    const LONGEST_TEXT: usize = 107;
    if !client {
        return Step::Over;
    }
    if let Some(rest) = bytes.strip_prefix(SIGNATURE) {
        let &[_, _, high, low, ..] = rest else { return Step::Wait };
        let length = SIGNATURE.len() + 4 + usize::from(u16::from_be_bytes([high, low]));
        return if bytes.len() < length { Step::Wait } else { Step::Granted(length) };
    }
    match bytes.iter().position(|&b| b == b'\n') {
        Some(end) if end < LONGEST_TEXT => Step::Granted(end + 1),
        Some(_) => Step::Over,
        None if bytes.len() > LONGEST_TEXT => Step::Over,
        None => Step::Wait,
    }
}
