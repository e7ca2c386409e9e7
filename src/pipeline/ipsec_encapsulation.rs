//! AH, and ESP that does not encrypt, around a connection.

use super::address_pair::Pair;
use super::merge::Payload;
use crate::frame::{Ipsec, IpsecProtocol};
use crate::observe::Side;
use crate::record::Detail;
use crate::session::IpsecProtection;
use crate::sink::jsonl;

/// Which security association a connection's packets come under.
///
/// A connection is under it while either direction is: the two security
/// associations do not begin and end with the same packet.
#[derive(Debug, Default)]
pub(super) struct IpsecEncapsulation(Option<Box<IpsecState>>);

#[derive(Debug)]
struct IpsecState {
    /// Whether the latest packet of each side came under it.
    latest: [bool; 2],
    facts: IpsecProtection,
}

impl IpsecEncapsulation {
    /// Notes the header that a packet came under; returns whether that is a
    /// change of protection.
    pub fn packet(&mut self, from: Side, header: Option<&Ipsec>) -> bool {
        let state = |c: &Self| c.protection().map(|ipsec| (ipsec.esp, ipsec.tunnel_mode));
        let before = state(self);
        match (&mut self.0, header) {
            (None, None) => return false,
            (Some(under), None) => *from.of_mut(&mut under.latest) = false,
            (slot, Some(header)) => {
                let mut ends = [header.src, header.dst];
                if from == Side::High {
                    ends.swap(0, 1);
                }
                let tunnel_mode = header.tunnel_mode == Some(true);
                let esp = header.protocol == IpsecProtocol::Esp;
                let check_value = header.check_value;
                let facts = IpsecProtection { ends, esp, tunnel_mode, check_value };
                let under =
                    slot.get_or_insert_with(|| Box::new(IpsecState { latest: [false; 2], facts }));
                *from.of_mut(&mut under.latest) = true;
                under.facts = facts;
            }
        }
        state(self) != before
    }

    /// Whether the protection is not that of another, later state of the connection.
    pub fn differs(&self, later: &Self) -> bool {
        let state = |c: &Self| c.protection().map(|ipsec| (ipsec.esp, ipsec.tunnel_mode));
        state(self) != state(later)
    }

    /// The security association that protects the connection now.
    pub fn protection(&self) -> Option<&IpsecProtection> {
        self.0.as_ref().filter(|under| under.latest != [false; 2]).map(|under| &under.facts)
    }
}

/// What protects a connection, for people.
pub(super) fn describe(ipsec: &IpsecProtection) -> String {
    let protocol = if ipsec.esp { "ESP, not encrypted" } else { "AH" };
    format!("IPSec ({protocol})")
}

/// The JSON object.
pub(super) fn line(ipsec: &IpsecProtection, client: Side) -> jsonl::Ipsec {
    jsonl::Ipsec {
        protocol: if ipsec.esp { "esp" } else { "ah" },
        null_encryption: ipsec.esp,
        mode: if ipsec.tunnel_mode { "tunnel" } else { "transport" },
        check_value_bits: ipsec.check_value.map(|bytes| u16::from(bytes) * 8),
        client_end: *client.of(&ipsec.ends),
        server_end: *client.other().of(&ipsec.ends),
    }
}

/// What is emitted for a record: its bytes, or where it is under AH or ESP, or its TLS
/// session was resumed, the record itself, in which the merge fills in what IKE and the
/// full handshake have shown.
pub(super) fn payload(
    detail: Detail,
    stack: usize,
    ipsec: Option<&IpsecProtection>,
    local: Side,
    resumed: bool,
) -> Payload {
    let pair = ipsec.map(|ipsec| {
        let (here, there) = (*local.of(&ipsec.ends), *local.other().of(&ipsec.ends));
        Pair::of(here, there, 0)
    });
    match pair {
        pair if resumed => Payload::Resumed(stack, Box::new(detail), pair),
        Some((pair, side)) => Payload::IpsecEncapsulation(stack, Box::new(detail), pair, side),
        None => {
            let mut bytes = Vec::with_capacity(512);
            detail.encode(&mut bytes);
            Payload::Record(stack, bytes)
        }
    }
}
