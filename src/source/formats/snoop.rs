//! Solaris snoop, version 2: big-endian, records of 24 bytes before the packet, filled up
//! to what the record says.
//!
//! Source: RFC 1761.

use super::Opened;
use crate::source::chain::{Drops, Format, Record, field, time};
use crate::source::reader::Head;
use crate::source::{LinkType, MAX_PACKET};

const MAGIC: &[u8; 8] = b"snoop\0\0\0";
const FILE_HEADER: usize = 16;
const HEADER: usize = 24;

struct Snoop {
    link: LinkType,
}

pub fn matches(head: &[u8]) -> bool {
    head.starts_with(MAGIC)
}

pub fn open(head: &[u8]) -> Opened {
    let version = u32::from_be_bytes(field(head, 8));
    if version != 2 {
        return Err(format!(
            "a snoop file of version {version}, expected 2; editcap -F pcapng converts it"
        ));
    }
    let link = match u32::from_be_bytes(field(head, 12)) {
        0 | 4 => LinkType::ETHERNET,
        2 => LinkType(6),
        8 => LinkType(10),
        other => {
            return Err(format!("a snoop file of datalink type {other}, expected Ethernet (4)"));
        }
    };
    Ok((Box::new(Snoop { link }), FILE_HEADER))
}

impl Format for Snoop {
    fn name(&self) -> &'static str {
        "snoop"
    }

    fn header(&self) -> usize {
        HEADER
    }

    fn record(&self, bytes: &[u8], _: u64) -> Record {
        if bytes.len() < HEADER {
            return Record::Short(HEADER);
        }
        let word = |n: usize| u32::from_be_bytes(field(bytes, 4 * n));
        let (wire, captured, length) = (word(0), word(1), word(2));
        if captured > MAX_PACKET {
            return Record::Wrong("captured length", captured.into());
        }
        let padding = (length as usize).checked_sub(HEADER + captured as usize);
        let Some(trailer) = padding.filter(|padding| *padding <= 64) else {
            return Record::Wrong("record length", length.into());
        };
        let micros = word(5);
        if micros >= 1_000_000 {
            return Record::Wrong("microseconds", micros.into());
        }
        let head = Head {
            ts: time(word(4), u64::from(micros) * 1000),
            skip: HEADER,
            captured,
            trailer,
            wire: wire.max(captured),
            link: self.link,
        };
        Record::Packet(head, Drops::Total(word(3)))
    }
}
