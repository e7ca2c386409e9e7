//! Endace ERF files: records without a file header. A time stamp (little-endian, seconds
//! and binary fractions of them), a type, flags, the length of the record, packets lost,
//! the length on the wire; extension headers of 8 bytes; of Ethernet, two bytes of offset.
//!
//! Source: "ERF Types Reference Guide", EDM11-01, Endace.

use super::Opened;
use crate::source::chain::{Drops, Format, Record, field, time};
use crate::source::reader::Head;
use crate::source::{LinkType, MAX_PACKET};

const HEADER: usize = 16;
/// More extension headers are no record.
const MAX_EXTENSIONS: usize = 8;
/// Provenance, and filler.
const META: u8 = 27;
const PAD: u8 = 48;
/// Times from 1990 to 2100 are plausible, in seconds since 1970.
const PLAUSIBLE: std::ops::Range<u32> = 631_152_000..4_102_444_800;

struct Erf;

/// A file has no beginning of its own: two records have to follow each other, or one and
/// the end of the file.
pub fn matches(head: &[u8]) -> bool {
    let mut at = 0;
    let mut packets = 0;
    for _ in 0..4 {
        let rest = head.get(at..).unwrap_or_default();
        let length = match Erf.record(rest, 0) {
            Record::Packet(head, _) => {
                packets += 1;
                head.skip + head.captured as usize + head.trailer
            }
            Record::Other(length) => length,
            Record::Short(_) => return at == head.len() && packets > 0,
            Record::Wrong(..) | Record::End(_) => return false,
        };
        at += length;
        if at > head.len() {
            // The rest cannot be seen; records that were seen have to be enough.
            return packets >= 2;
        }
    }
    packets > 0
}

pub fn open() -> Opened {
    Ok((Box::new(Erf), 0))
}

impl Format for Erf {
    fn name(&self) -> &'static str {
        "ERF"
    }

    fn header(&self) -> usize {
        HEADER + 8 * MAX_EXTENSIONS
    }

    fn record(&self, bytes: &[u8], _: u64) -> Record {
        let Some(header) = bytes.first_chunk::<HEADER>() else { return Record::Short(HEADER) };
        let kind = header[8] & 0x7F;
        let length = usize::from(u16::from_be_bytes(field(header, 10)));
        let drops = u16::from_be_bytes(field(header, 12));
        let wire = u32::from(u16::from_be_bytes(field(header, 14)));
        let (link, own, color) = match kind {
            2 => (LinkType::ETHERNET, 2, false),
            11 | 16 | 20 => (LinkType::ETHERNET, 2, true),
            1 => (LinkType(104), 0, false),
            10 | 15 | 17 => (LinkType(104), 0, true),
            22 | 23 => (LinkType(101), 0, false),
            META | PAD => (LinkType(0), 0, true),
            // ATM, AAL, multi-channel, Infiniband: of link type ERF, and counted.
            3..=9 | 12..=14 | 18 | 19 | 21 | 24..=26 => (LinkType(197), 0, true),
            _ => return Record::Wrong("type", kind.into()),
        };
        let mut extensions = 0;
        let mut more = header[8] & 0x80 != 0;
        while more {
            let at = HEADER + 8 * extensions;
            let Some(first) = bytes.get(at) else { return Record::Short(at + 8) };
            more = first & 0x80 != 0;
            extensions += 1;
            if extensions > MAX_EXTENSIONS {
                return Record::Wrong("number of extension headers", extensions as u64);
            }
        }
        let before = if link.0 == 197 { 0 } else { HEADER + 8 * extensions + own };
        let Some(room) = length.checked_sub(before.max(HEADER)) else {
            return Record::Wrong("record length", length as u64);
        };
        if matches!(kind, META | PAD) {
            return Record::Other(length);
        }
        let seconds = u32::from_le_bytes(field(header, 4));
        if !PLAUSIBLE.contains(&seconds) {
            return Record::Wrong("time in seconds", seconds.into());
        }
        let room = if link.0 == 197 { length } else { room };
        let room = u32::try_from(room).unwrap_or(MAX_PACKET);
        // Records are filled up to a multiple of 8.
        let captured = if wire == 0 || link.0 == 197 { room } else { room.min(wire) };
        let fraction = u64::from(u32::from_le_bytes(field(header, 0)));
        let head = Head {
            ts: time(seconds, (fraction * 1_000_000_000) >> 32),
            skip: before,
            captured,
            trailer: (room - captured) as usize,
            wire: wire.max(captured),
            link,
        };
        Record::Packet(head, Drops::Since(if color { 0 } else { drops.into() }))
    }
}
