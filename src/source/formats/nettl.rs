//! HP-UX nettl, of HP-UX 9 to 11: big-endian; a file header of 128 bytes, then records with
//! headers of 64 bytes or more, by the subsystem that has traced.
//!
//! Source: the format as Wireshark's wiretap library documents it; `sys/subsys_id.h`.

use super::Opened;
use crate::source::chain::{Drops, Format, Record, field, time};
use crate::source::reader::Head;
use crate::source::{LinkType, MAX_PACKET};

const FILE_HEADER: usize = 128;
const HEADER: usize = 64;
/// Headers that are longer than this are none.
const LONGEST_HEADER: usize = 256;
/// The record holds a packet, that came in or went out.
const PACKET: u32 = 0x3000_0000;

struct Nettl {
    hpux11: bool,
}

pub fn matches(head: &[u8]) -> bool {
    head.starts_with(b"\0\0\0\x01\0\0\0\0\0\x07\xD0\0")
        || head.starts_with(b"TR\0\x64\0\0\0\0\0\0\0\x80")
}

pub fn open(head: &[u8]) -> Opened {
    if head.len() < FILE_HEADER {
        return Err(format!("a nettl file of {} bytes", head.len()));
    }
    // The release of the operating system: "B.11.11".
    Ok((Box::new(Nettl { hpux11: head.get(99..101) == Some(b"11") }), FILE_HEADER))
}

/// The link type of a subsystem, and the bytes before its packets.
fn link(subsystem: u16) -> Option<(LinkType, usize)> {
    Some(match subsystem {
        2 => (LinkType(101), 26),
        268 => (LinkType(101), 8),
        6 | 8 | 9 | 244 => (LinkType(101), 0),
        31 | 187 => (LinkType(6), 0),
        174 | 176 | 177 => (LinkType(10), 3),
        37
        | 164
        | 172
        | 173
        | 178..=180
        | 185
        | 189
        | 190
        | 210
        | 233
        | 252
        | 253
        | 265
        | 269..=271
        | 275
        | 277
        | 278 => (LinkType::ETHERNET, 0),
        _ => return None,
    })
}

impl Format for Nettl {
    fn name(&self) -> &'static str {
        "nettl"
    }

    fn header(&self) -> usize {
        LONGEST_HEADER + 24
    }

    fn record(&self, bytes: &[u8], _: u64) -> Record {
        if bytes.len() < HEADER {
            return Record::Short(HEADER);
        }
        let half = |at: usize| u16::from_be_bytes(field(bytes, at));
        let word = |at: usize| u32::from_be_bytes(field(bytes, at));
        let header = usize::from(half(0));
        if !(HEADER..=LONGEST_HEADER).contains(&header) {
            return Record::Wrong("header length", header as u64);
        }
        let (captured, wire) = (word(32), word(36));
        if captured > MAX_PACKET {
            return Record::Wrong("captured length", captured.into());
        }
        let micros = word(44);
        if micros >= 1_000_000 {
            return Record::Wrong("microseconds", micros.into());
        }
        let subsystem = half(2);
        if word(12) & PACKET == 0 {
            return Record::Other(header + captured as usize);
        }
        let (skip, captured, wire, link) = match (subsystem, link(subsystem)) {
            // The driver has a header of its own, with the lengths.
            (11, _) => {
                let own = if self.hpux11 { 24 } else { 22 };
                let (captured, wire) = (half(header + 4), half(header + 6));
                (header + own, captured.into(), wire.into(), LinkType::ETHERNET)
            }
            (_, Some((link, before))) => {
                let less = u32::try_from(before).unwrap_or(0);
                let Some(captured) = captured.checked_sub(less) else {
                    return Record::Wrong("captured length", captured.into());
                };
                (header + before, captured, wire.saturating_sub(less), link)
            }
            // Subsystems above those that carry packets: counted, of no known link type.
            (other, None) => (header, captured, wire, LinkType(0xFE00 | other & 0x1FF)),
        };
        let head = Head {
            ts: time(word(40), u64::from(micros) * 1000),
            skip,
            captured,
            trailer: 0,
            wire: wire.max(captured),
            link,
        };
        Record::Packet(head, Drops::Since(0))
    }
}
