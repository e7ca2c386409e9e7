//! AH, and ESP that does not encrypt, around a connection.

use crate::frame::{Ipsec, IpsecProtocol};
use crate::observe::Side;
use crate::session::IpsecProtection;
use crate::sink::jsonl;

/// Which security association a connection's packets come under.
///
/// A connection is under it while either direction is: the two security
/// associations do not begin and end with the same packet.
#[derive(Debug, Default)]
pub(super) struct UnderIpsec(Option<Box<Under>>);

#[derive(Debug)]
struct Under {
    /// Whether the latest packet of each side came under it.
    latest: [bool; 2],
    facts: IpsecProtection,
}

impl UnderIpsec {
    /// Notes the header that a packet came under; returns whether that is a
    /// change of protection.
    pub fn packet(&mut self, from: Side, header: Option<&Ipsec>) -> bool {
        let state = |c: &Self| c.protection().map(|ipsec| (ipsec.esp, ipsec.tunnel_mode));
        let before = state(self);
        match (&mut self.0, header) {
            (None, None) => return false,
            (Some(under), None) => under.latest[from.index()] = false,
            (slot, Some(header)) => {
                let mut ends = [header.src, header.dst];
                if from == Side::High {
                    ends.swap(0, 1);
                }
                let tunnel_mode = header.tunnel_mode == Some(true);
                let esp = header.protocol == IpsecProtocol::Esp;
                let facts = IpsecProtection { ends, esp, tunnel_mode };
                let under =
                    slot.get_or_insert_with(|| Box::new(Under { latest: [false; 2], facts }));
                under.latest[from.index()] = true;
                under.facts = facts;
            }
        }
        state(self) != before
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
        client_end: ipsec.ends[client.index()],
        server_end: ipsec.ends[client.other().index()],
    }
}
