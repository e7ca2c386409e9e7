//! The header at which the reading of a frame ended, so that what was not understood has
//! a name.

use super::{Next, be16};

/// The header that was being read when the reading of a frame ended: the type that
/// announced it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Layer {
    /// A frame of a link type, by its number in the LINKTYPE registry.
    Link(u16),
    /// A Linux cooked capture: the kind of the interface (ARPHRD) and the protocol.
    Cooked(u16, u16),
    /// A record of an Endace card, by its type.
    Erf(u8),
    /// What an EtherType announces.
    EtherType(u16),
    /// What an LLC header (IEEE 802.2) announces: its DSAP and SSAP.
    Llc(u8, u8),
    /// What a SNAP header announces: its organization code and protocol identifier.
    Snap(u32, u16),
    /// An IEEE 802.11 frame: its frame control, version and direction bits cleared.
    Wireless(Wireless),
    /// What a PPP protocol number announces.
    Ppp(u16),
    /// An IP header, by the version in its first four bits.
    Ip(u8),
    /// What an IP protocol number announces.
    Protocol(u8),
}

/// What an IEEE 802.11 frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Wireless {
    /// A management frame.
    Management,
    /// A control frame.
    Control,
    /// A data frame.
    Data,
    /// A data frame whose body is encrypted.
    Encrypted,
    /// A frame type that is reserved.
    Reserved,
}

impl Layer {
    /// The layer that was to be read next.
    pub(super) fn of(next: Next, arena: &[u8]) -> Option<Self> {
        Some(match next {
            Next::Link(113, span) => {
                Self::Cooked(be16(span.bytes(arena), 2), be16(span.bytes(arena), 14))
            }
            Next::Link(276, span) => {
                Self::Cooked(be16(span.bytes(arena), 8), be16(span.bytes(arena), 0))
            }
            Next::Link(175 | 176 | 197, span) => {
                Self::Erf(span.bytes(arena).get(8).map_or(0, |kind| kind & 0x7F))
            }
            Next::Link(link, _) => Self::Link(link),
            Next::EtherType(ether_type, _) => Self::EtherType(ether_type),
            Next::Llc(span) => match span.bytes(arena) {
                [0xAA, 0xAA, 0x03, a, b, c, d, e, ..] => {
                    Self::Snap(u32::from_be_bytes([0, *a, *b, *c]), u16::from_be_bytes([*d, *e]))
                }
                [destination, source, ..] => Self::Llc(*destination, *source),
                _ => Self::Llc(0, 0),
            },
            Next::Wireless(span, _) => {
                Self::Wireless(super::wireless::kind(be16(span.bytes(arena), 0)))
            }
            Next::Ppp(protocol, _) => Self::Ppp(protocol),
            Next::Ip(span) => Self::Ip(span.bytes(arena).first().map_or(0, |byte| byte >> 4)),
            Next::Protocol(protocol, ..) => Self::Protocol(protocol),
            Next::Done(_) => return None,
        })
    }
}
