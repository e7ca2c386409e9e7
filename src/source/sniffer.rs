//! DOS Sniffer files: what IPCS exports with `SNIFFER`.
//!
//! A 17-byte magic, then records of a 6-byte header (type, length, reserved,
//! little-endian) and a body. Only the uncompressed form is read.
//! Source: the format as Wireshark's wiretap library documents it.

use super::pcap::read16;
use super::set::{Head, Step};
use super::{Damage, FilePosition, LinkType, SourceError};
use crate::input::Input;

const MAGIC: &[u8; 17] = b"TRSNIFF data    \x1a";
const RECORD_HEAD: usize = 6;
const VERSION: u16 = 1;
const END: u16 = 3;
/// LAN frames, ATM frames and newer LAN frames, with the length of what stands
/// before the data.
const FRAME_KINDS: [(u16, usize); 3] = [(4, 14), (8, 28), (12, 14)];
/// Bytes of the version record.
const VERSION_LENGTH: usize = 18;

/// Picoseconds of a unit of time, by the version record's time unit.
const PICOSECONDS: [u64; 7] =
    [15_000_000, 838_096, 15_000_000, 500_000, 2_000_000, 1_000_000, 100_000];

/// Reader of one Sniffer file.
#[derive(Debug)]
pub(super) struct Sniffer {
    /// Midnight of the day of the capture, nanoseconds since 1970.
    midnight: i64,
    picoseconds: u64,
    link: LinkType,
    /// Frames that the tracer cut short.
    pub cut: u64,
}

impl Sniffer {
    /// Whether the bytes begin with the magic.
    pub fn matches(head: &[u8]) -> bool {
        head.starts_with(MAGIC)
    }

    /// Reads the version record.
    pub fn open(input: &mut Input) -> Result<Self, SourceError> {
        let place = FilePosition::of(input);
        let file = input.file().to_owned();
        let bytes = input
            .want(MAGIC.len() + RECORD_HEAD + VERSION_LENGTH)
            .map_err(|error| SourceError::Io { file, error })?;
        let record = bytes.get(MAGIC.len()..).unwrap_or_default();
        let unsupported = |what: String| SourceError::Unsupported { place: place.clone(), what };
        if record.len() < RECORD_HEAD + VERSION_LENGTH || read16(record, 0, false) != VERSION {
            return Err(unsupported("a Sniffer file without a version record".to_owned()));
        }
        let length = usize::from(read16(record, 2, false));
        let Some(version) =
            record.get(RECORD_HEAD..).and_then(<[u8]>::first_chunk::<VERSION_LENGTH>)
        else {
            return Err(unsupported("a Sniffer file without a version record".to_owned()));
        };
        let date = read16(version, 6, false);
        let (network, format, unit) = (version[9], version[10], version[11]);
        if format != 1 {
            return Err(unsupported(
                "a compressed Sniffer file; export it from IPCS again without compression"
                    .to_owned(),
            ));
        }
        let link = match network {
            1 => LinkType::ETHERNET,
            0 => LinkType(6),
            9 => LinkType(10),
            other => {
                return Err(unsupported(format!(
                    "a Sniffer file of network type {other}, expected Ethernet (1)"
                )));
            }
        };
        let Some(&picoseconds) = PICOSECONDS.get(usize::from(unit)) else {
            return Err(unsupported(format!("a Sniffer file with time unit {unit}, at most 6")));
        };
        input.consume(MAGIC.len() + RECORD_HEAD + length);
        Ok(Self { midnight: dos_date(date), picoseconds, link, cut: 0 })
    }

    /// Looks at the next frame without consuming it.
    pub fn peek(&mut self, input: &mut Input) -> std::io::Result<Step> {
        loop {
            let place = FilePosition::of(input);
            let head = input.want(RECORD_HEAD)?;
            if head.len() < RECORD_HEAD {
                let (there, zeros) = (head.len(), head.iter().all(|&b| b == 0));
                input.consume(there);
                return Ok(if zeros {
                    Step::End
                } else {
                    Step::Damage(Damage {
                        place,
                        what: format!("the file ends inside a record header: {there} bytes"),
                        skipped: there as u64,
                    })
                });
            }
            let kind = read16(head, 0, false);
            let length = usize::from(read16(head, 2, false));
            if kind == END {
                return Ok(Step::End);
            }
            let record = input.want(RECORD_HEAD + length)?;
            if record.len() < RECORD_HEAD + length {
                let there = record.len();
                input.consume(there);
                return Ok(Step::Damage(Damage {
                    place,
                    what: format!(
                        "the file ends inside a record: {there} bytes, expected {}",
                        RECORD_HEAD + length
                    ),
                    skipped: there as u64,
                }));
            }
            let Some(&(_, before)) = FRAME_KINDS.iter().find(|(k, _)| *k == kind) else {
                input.consume(RECORD_HEAD + length);
                continue;
            };
            let body =
                record.get(RECORD_HEAD..RECORD_HEAD + length).and_then(<[u8]>::first_chunk::<14>);
            let Some(body) = body.filter(|_| length >= before) else {
                input.consume(RECORD_HEAD + length);
                return Ok(Step::Damage(Damage {
                    place,
                    what: format!("a frame record of {length} bytes, expected {before}"),
                    skipped: (RECORD_HEAD + length) as u64,
                }));
            };
            let units = u64::from(read16(body, 0, false))
                | u64::from(read16(body, 2, false)) << 16
                | u64::from(body[4]) << 32;
            let days = i64::from(body[5]);
            let size = usize::from(read16(body, 6, false)).min(length - before);
            let true_size = usize::from(read16(body, 10, false));
            let wire = if true_size == 0 { size } else { true_size.max(size) };
            if wire > size {
                self.cut += 1;
            }
            let nanos = u128::from(units) * u128::from(self.picoseconds) / 1000;
            return Ok(Step::Packet(Head {
                ts: Some(
                    self.midnight
                        .saturating_add(days * 86_400_000_000_000)
                        .saturating_add(i64::try_from(nanos).unwrap_or(i64::MAX)),
                ),
                skip: RECORD_HEAD + before,
                captured: u32::try_from(size).unwrap_or(0),
                trailer: length - before - size,
                wire: u32::try_from(wire).unwrap_or(0),
                link: self.link,
            }));
        }
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
