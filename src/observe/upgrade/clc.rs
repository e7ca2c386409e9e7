//! SMC's connection layer control messages (RFC 7609 appendix A.2; of SMC-D and version 2 as
//! Linux's `net/smc/smc_clc.h` has them): two hosts agree in the first bytes of a TCP connection
//! that its data go another way, or decline that.

use super::binary::Step;

/// How the data go that are not in the TCP connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmcMethod {
    /// By remote direct memory access.
    Rdma,
    /// Through the memory of one machine.
    Direct,
}

/// What the messages have said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clc {
    /// The method that was proposed last, or accepted.
    pub method: SmcMethod,
    /// Whether the server, or the client by its confirmation, has accepted.
    pub accepted: bool,
    /// Whether one of them has declined: the data go in the TCP connection.
    pub declined: bool,
}

/// `SMCR` and `SMCD` in EBCDIC: each message begins with one of them and ends with it.
pub(super) const RDMA: [u8; 4] = [0xE2, 0xD4, 0xC3, 0xD9];
pub(super) const DIRECT: [u8; 4] = [0xE2, 0xD4, 0xC3, 0xC4];

const PROPOSAL: u8 = 1;
const ACCEPT: u8 = 2;
const CONFIRM: u8 = 3;
const DECLINE: u8 = 4;
/// What a proposal of SMC-D alone has in the lowest bits of its last header byte.
const DIRECT_ONLY: u8 = 1;
const HEADER: usize = 8;

/// Reads a message.
pub(super) fn message(client: bool, bytes: &[u8], said: &mut Option<Clc>) -> Step {
    let head = bytes.get(..HEADER.min(bytes.len())).unwrap_or_default();
    let eyecatcher = [RDMA, DIRECT].into_iter().find(|e| {
        let n = e.len().min(head.len());
        head.get(..n) == e.get(..n)
    });
    let (Some(_), &[a, b, c, d, kind, high, low, flags]) = (eyecatcher, head) else {
        return if eyecatcher.is_some() { Step::Wait } else { other(said) };
    };
    let eyecatcher = [a, b, c, d];
    let length = usize::from(u16::from_be_bytes([high, low]));
    if length < HEADER + eyecatcher.len() {
        return other(said);
    }
    let Some(whole) = bytes.get(..length) else { return Step::Wait };
    if !whole.ends_with(&eyecatcher) {
        return other(said);
    }
    let direct = eyecatcher == DIRECT || kind == PROPOSAL && flags & 3 == DIRECT_ONLY;
    let method = if direct { SmcMethod::Direct } else { SmcMethod::Rdma };
    let accepted = said.is_some_and(|said| said.accepted);
    match (client, kind) {
        (true, PROPOSAL) => *said = Some(Clc { method, accepted: false, declined: false }),
        (false, ACCEPT) | (true, CONFIRM) => {
            *said = Some(Clc { method, accepted: true, declined: false });
        }
        (_, DECLINE) => {
            let method = said.map_or(method, |said| said.method);
            *said = Some(Clc { method, accepted, declined: true });
            return Step::Granted(length);
        }
        _ => return other(said),
    }
    Step::Next(length)
}

/// Something else than a message: before anybody has accepted it is the data of a connection
/// that goes on without SMC.
fn other(said: &mut Option<Clc>) -> Step {
    match said {
        Some(said) if !said.accepted => {
            said.declined = true;
            Step::Granted(0)
        }
        _ => Step::Over,
    }
}
