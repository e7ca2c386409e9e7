//! AIX iptrace 1.0 and 2.0: big-endian; 11 bytes of version, then records whose headers
//! have 30 or 40 bytes.
//!
//! Source: the format as Wireshark's wiretap library documents it; `net/if_types.h`.

use super::Opened;
use crate::source::chain::{Drops, Format, Record, field, time};
use crate::source::reader::Head;
use crate::source::{LinkType, MAX_PACKET};

const VERSION: usize = 11;
/// Bytes that the length of a record does not count.
const PREFIX: usize = 8;

struct IpTrace {
    second: bool,
}

pub fn matches(head: &[u8]) -> bool {
    head.starts_with(b"iptrace 1.0") || head.starts_with(b"iptrace 2.0")
}

pub fn open(head: &[u8]) -> Opened {
    Ok((Box::new(IpTrace { second: head.starts_with(b"iptrace 2.0") }), VERSION))
}

impl Format for IpTrace {
    fn name(&self) -> &'static str {
        "iptrace"
    }

    fn header(&self) -> usize {
        if self.second { PREFIX + 32 } else { PREFIX + 22 }
    }

    fn record(&self, bytes: &[u8], _: u64) -> Record {
        let header = self.header();
        if bytes.len() < header {
            return Record::Short(header);
        }
        let word = |at: usize| u32::from_be_bytes(field(bytes, at));
        let length = word(0);
        let Some(size) = (length as usize + PREFIX).checked_sub(header) else {
            return Record::Wrong("record length", length.into());
        };
        if size > MAX_PACKET as usize {
            return Record::Wrong("record length", length.into());
        }
        let kind = bytes.get(28).copied().unwrap_or_default();
        // The interface's type, of SNMP.
        let (link, padding) = match kind {
            0x06 | 0x07 => (LinkType::ETHERNET, 0),
            0x09 => (LinkType(6), 0),
            0x0F => (LinkType(10), 3),
            0x18 | 0x3D => (LinkType(101), 0),
            0x25 => (LinkType(123), 0),
            0xC7 => (LinkType(247), 0),
            // None of the registry: counted as of no known link type.
            other => (LinkType(0xFF00 | u16::from(other)), 0),
        };
        let Some(captured) = size.checked_sub(padding) else {
            return Record::Wrong("record length", length.into());
        };
        let (seconds, nanoseconds) = if self.second { (word(32), word(36)) } else { (word(4), 0) };
        if nanoseconds >= 1_000_000_000 {
            return Record::Wrong("nanoseconds", nanoseconds.into());
        }
        let captured = u32::try_from(captured).unwrap_or(0);
        let head = Head {
            ts: time(seconds, nanoseconds.into()),
            skip: header + padding,
            captured,
            trailer: 0,
            wire: captured,
            link,
        };
        Record::Packet(head, Drops::Since(0))
    }

    fn note(&self) -> Option<&'static str> {
        (!self.second).then_some(
            "iptrace 1.0 has times in whole seconds: what happened within one keeps its order",
        )
    }
}
