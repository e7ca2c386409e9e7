//! Microsoft Network Monitor 1.x and 2.x: little-endian; a file header of 128 bytes, frames,
//! then a table of them. Times are milliseconds (1.x) or microseconds (2.x) from the
//! beginning, which is in local time of the capturing machine; from version 2.3 on each
//! frame has its time in UTC.
//!
//! Source: "Capture File Format" in the help of Network Monitor 3.4.

use super::Opened;
use crate::source::chain::{Drops, Format, Record, field, time};
use crate::source::reader::Head;
use crate::source::{LinkType, MAX_PACKET, NANOS_PER_SECOND};

const FILE_HEADER: usize = 128;
/// From 1601, where times of Windows begin, to 1970: units of 100 nanoseconds.
const WINDOWS_EPOCH: i64 = 116_444_736_000_000_000;
/// Frames from this network type on are events and the like, no packets.
const FIRST_SPECIAL: u16 = 0xFFE0;
/// Link types of pcap stand from here on.
const PCAP_BASE: u16 = 0xE000;

struct NetMon {
    second: bool,
    minor: u8,
    link: LinkType,
    start: i64,
    /// Where the table of frames begins, and no more frames are.
    frames_end: u64,
    /// There is a table of processes, whose length is not said.
    processes: bool,
    /// Where the last of the tables ends.
    end: u64,
}

pub fn matches(head: &[u8]) -> bool {
    (head.starts_with(b"RTSS") || head.starts_with(b"GMBU"))
        && head.get(5).is_some_and(|major| matches!(major, 1 | 2))
}

pub fn open(head: &[u8]) -> Opened {
    if head.len() < FILE_HEADER {
        return Err(format!("a Network Monitor file of {} bytes", head.len()));
    }
    let half = |at: usize| u16::from_le_bytes(field(head, at));
    let (minor, major) = (head.get(4).copied().unwrap_or(0), head.get(5).copied().unwrap_or(0));
    let part = |at: usize| i8::try_from(half(at)).unwrap_or(-1);
    let date = jiff::civil::Date::new(i16::try_from(half(8)).unwrap_or(-1), part(10), part(14));
    let clock = jiff::civil::Time::new(
        part(16),
        part(18),
        part(20),
        i32::from(half(22)).saturating_mul(1_000_000),
    );
    let start = date.and_then(|date| {
        let time = clock?;
        date.to_datetime(time).to_zoned(jiff::tz::TimeZone::UTC)
    });
    let Ok(start) = start else {
        return Err("a Network Monitor file whose time of capture is none".to_owned());
    };
    let start = i64::try_from(start.timestamp().as_nanosecond()).unwrap_or(0);
    let table = u32::from_le_bytes(field(head, 24));
    let format = NetMon {
        second: major == 2,
        minor,
        link: link(half(6)).ok_or_else(|| {
            format!("a Network Monitor file of network type {}, expected Ethernet (1)", half(6))
        })?,
        start,
        frames_end: if table == 0 { u64::MAX } else { table.into() },
        processes: field(head, 48) != [0; 4],
        // Tables of frames, of the user's data, of comments, of networks.
        end: [24, 32, 40, 56]
            .map(|at| {
                let (offset, length): ([u8; 4], [u8; 4]) = (field(head, at), field(head, at + 4));
                u64::from(u32::from_le_bytes(offset)) + u64::from(u32::from_le_bytes(length))
            })
            .into_iter()
            .max()
            .unwrap_or(0),
    };
    Ok((Box::new(format), FILE_HEADER))
}

/// The link type of a network type.
fn link(network: u16) -> Option<LinkType> {
    Some(match network {
        0 | 1 => LinkType::ETHERNET,
        2 => LinkType(6),
        3 => LinkType(10),
        7..=9 => LinkType(101),
        n if (PCAP_BASE..FIRST_SPECIAL).contains(&n) => LinkType(n - PCAP_BASE),
        _ => return None,
    })
}

impl NetMon {
    /// Bytes behind a packet.
    fn trailer(&self) -> usize {
        match (self.second, self.minor) {
            (false, _) | (true, 0) => 0,
            (true, 1) => 2,
            (true, 2) => 6,
            (true, _) => 15,
        }
    }
}

impl Format for NetMon {
    fn name(&self) -> &'static str {
        "Network Monitor"
    }

    fn header(&self) -> usize {
        if self.second { 16 } else { 8 }
    }

    fn record(&self, bytes: &[u8], offset: u64) -> Record {
        if offset >= self.frames_end {
            return Record::End(0);
        }
        if bytes.len() < self.header() {
            return Record::Short(self.header());
        }
        let (since, wire, captured) = if self.second {
            let word = |at: usize| u32::from_le_bytes(field(bytes, at));
            (u64::from_le_bytes(field(bytes, 0)).saturating_mul(1000), word(8), word(12))
        } else {
            let half = |at: usize| u32::from(u16::from_le_bytes(field(bytes, at)));
            let millis = u64::from(u32::from_le_bytes(field(bytes, 0)));
            (millis * 1_000_000, half(4), half(6))
        };
        if captured > MAX_PACKET {
            return Record::Wrong("captured length", captured.into());
        }
        let since = i64::try_from(since).unwrap_or(i64::MAX);
        let head = Head {
            ts: Some(self.start.saturating_add(since)),
            skip: self.header(),
            captured,
            trailer: self.trailer(),
            wire: wire.max(captured),
            link: self.link,
        };
        Record::Packet(head, Drops::Since(0))
    }

    fn complete(&self, head: &mut Head, record: &[u8]) {
        let trailer = record.get(record.len() - self.trailer()..).unwrap_or_default();
        if trailer.len() >= 2 {
            let network = u16::from_le_bytes(field(trailer, 0));
            // What is no packet keeps its number, and is counted as of that link type.
            head.link = link(network).unwrap_or(LinkType(network));
        }
        if trailer.len() >= 15 {
            let units = i64::from_le_bytes(field(trailer, 6));
            let since_1970 = units.saturating_sub(WINDOWS_EPOCH);
            let seconds = u32::try_from(since_1970.div_euclid(NANOS_PER_SECOND / 100));
            if let Ok(seconds) = seconds {
                let rest = since_1970.rem_euclid(NANOS_PER_SECOND / 100).unsigned_abs() * 100;
                head.ts = time(seconds, rest);
            }
        }
    }

    fn end(&self) -> u64 {
        self.end
    }

    fn ends_exactly(&self) -> bool {
        !self.processes
    }

    fn note(&self) -> Option<&'static str> {
        (self.trailer() < 15).then_some(
            "Network Monitor writes times in local time of the capturing machine, without its \
             zone; they are taken for UTC",
        )
    }
}
