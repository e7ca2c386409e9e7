//! DOS Sniffer files: what IPCS exports with `SNIFFER`.
//!
//! A 17-byte magic, then records of a 6-byte header (type, length, reserved,
//! little-endian) and a body. Only the uncompressed form is read.
//! Source: the format as Wireshark's wiretap library documents it.

use super::Opened;
use crate::source::chain::{Drops, Format, Record, field};
use crate::source::reader::Head;
use crate::source::{LinkType, NANOS_PER_SECOND};

const MAGIC: &[u8; 17] = b"TRSNIFF data    \x1a";
const RECORD_HEAD: usize = 6;
const VERSION: u16 = 1;
const END: u16 = 3;
/// LAN frames, ATM frames and newer LAN frames, with the length of what stands
/// before the data.
const FRAME_KINDS: [(u16, usize); 3] = [(4, 14), (8, 28), (12, 14)];
/// The greatest of these lengths.
const LONGEST_BEFORE: usize = 28;
/// Records of other kinds: versions, headers, descriptions, comments.
const KINDS: std::ops::RangeInclusive<u16> = 1..=20;
/// Bytes of the version record.
const VERSION_LENGTH: usize = 18;

/// Picoseconds of a unit of time, by the version record's time unit.
const PICOSECONDS: [u64; 7] =
    [15_000_000, 838_096, 15_000_000, 500_000, 2_000_000, 1_000_000, 100_000];

struct Sniffer {
    /// Midnight of the day of the capture, nanoseconds since 1970.
    midnight: i64,
    picoseconds: u64,
    link: LinkType,
}

/// Whether the bytes begin with the magic.
pub fn matches(head: &[u8]) -> bool {
    head.starts_with(MAGIC)
}

/// Reads the version record.
pub fn open(head: &[u8]) -> Opened {
    let missing = || "a Sniffer file without a version record".to_owned();
    let record = head.get(MAGIC.len()..).unwrap_or_default();
    if u16::from_le_bytes(field(record, 0)) != VERSION {
        return Err(missing());
    }
    let length = usize::from(u16::from_le_bytes(field(record, 2)));
    let version: &[u8; VERSION_LENGTH] =
        record.get(RECORD_HEAD..).and_then(<[u8]>::first_chunk).ok_or_else(missing)?;
    let date = u16::from_le_bytes(field(version, 6));
    let (network, format, unit) = (version[9], version[10], version[11]);
    if format != 1 {
        return Err(
            "a compressed Sniffer file; export it from IPCS again without compression".to_owned()
        );
    }
    let link = match network {
        1 => LinkType::ETHERNET,
        0 => LinkType(6),
        9 => LinkType(10),
        other => {
            return Err(format!("a Sniffer file of network type {other}, expected Ethernet (1)"));
        }
    };
    let Some(&picoseconds) = PICOSECONDS.get(usize::from(unit)) else {
        return Err(format!("a Sniffer file with time unit {unit}, at most 6"));
    };
    let format = Sniffer { midnight: dos_date(date), picoseconds, link };
    Ok((Box::new(format), MAGIC.len() + RECORD_HEAD + length))
}

impl Format for Sniffer {
    fn name(&self) -> &'static str {
        "a Sniffer file"
    }

    fn header(&self) -> usize {
        RECORD_HEAD + LONGEST_BEFORE
    }

    fn record(&self, bytes: &[u8], _: u64) -> Record {
        if bytes.len() < RECORD_HEAD {
            return Record::Short(RECORD_HEAD);
        }
        let half = |at: usize| u16::from_le_bytes(field(bytes, at));
        let (kind, length) = (half(0), usize::from(half(2)));
        if kind == END {
            return Record::End(RECORD_HEAD + length);
        }
        let Some(&(_, before)) = FRAME_KINDS.iter().find(|(k, _)| *k == kind) else {
            return match KINDS.contains(&kind) {
                true => Record::Other(RECORD_HEAD + length),
                false => Record::Wrong("type", kind.into()),
            };
        };
        let Some(room) = length.checked_sub(before) else {
            return Record::Wrong("length of a frame's record", length as u64);
        };
        let body = bytes.get(RECORD_HEAD..).unwrap_or_default();
        if body.len() < before {
            return Record::Short(RECORD_HEAD + before);
        }
        let units = u64::from(half(RECORD_HEAD))
            | u64::from(half(RECORD_HEAD + 2)) << 16
            | u64::from(body.get(4).copied().unwrap_or_default()) << 32;
        let days = i64::from(body.get(5).copied().unwrap_or_default());
        let size = usize::from(half(RECORD_HEAD + 6)).min(room);
        let true_size = usize::from(half(RECORD_HEAD + 10));
        let wire = if true_size == 0 { size } else { true_size.max(size) };
        let nanos = u128::from(units) * u128::from(self.picoseconds) / 1000;
        let head = Head {
            ts: Some(
                self.midnight
                    .saturating_add(days * 86_400 * NANOS_PER_SECOND)
                    .saturating_add(i64::try_from(nanos).unwrap_or(i64::MAX)),
            ),
            skip: RECORD_HEAD + before,
            captured: u32::try_from(size).unwrap_or(0),
            trailer: room - size,
            wire: u32::try_from(wire).unwrap_or(0),
            link: self.link,
        };
        Record::Packet(head, Drops::Since(0))
    }

    fn advice(&self) -> &'static str {
        "; ask for whole packets (the default keeps 200 bytes) to see handshakes"
    }
}

/// Midnight of a DOS date (day, month, year from 1980 in 5, 4 and 7 bits), in
/// nanoseconds since 1970. The frames' times are offsets from it; the file
/// does not say a time zone, UTC is taken.
fn dos_date(date: u16) -> i64 {
    let day = i8::try_from(date & 0x1F).unwrap_or(1).max(1);
    let month = i8::try_from(date >> 5 & 0x0F).unwrap_or(1).clamp(1, 12);
    let year = i16::try_from(1980 + (date >> 9)).unwrap_or(1980);
    jiff::civil::Date::new(year, month, day)
        .and_then(|d| d.to_zoned(jiff::tz::TimeZone::UTC))
        .map_or(0, |z| z.timestamp().as_second() * 1_000_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dos_dates() {
        // 2003-10-21: year 23, month 10, day 21.
        assert_eq!(dos_date(23 << 9 | 10 << 5 | 21), 1_066_694_400_000_000_000);
    }
}
