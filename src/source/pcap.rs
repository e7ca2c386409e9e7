//! The pcap savefile format: both byte orders, micro- and nanoseconds, the
//! modified form with longer packet headers, old length orders, and files
//! padded with zeros to a record length.
//!
//! Source: draft-ietf-opsawg-pcap, and what libpcap accepts.

use super::set::{Head, Step};
use super::{Damage, FilePosition, LinkType, MAX_PACKET, NANOS_PER_SECOND, SourceError};
use crate::input::Input;

/// Bytes of the file header.
const FILE_HEADER: usize = 24;
/// Bytes of a packet header.
const PACKET_HEADER: usize = 16;
/// Extra bytes of a packet header of the modified form: interface index,
/// protocol, packet type and padding.
const MODIFIED_EXTRA: usize = 8;
/// How far from the last packet's time a header may be when the reader looks
/// for the next plausible one after damage.
const RESYNC_WINDOW_SECONDS: i64 = 7 * 86_400;

const MAGIC_MICROS: u32 = 0xA1B2_C3D4;
const MAGIC_NANOS: u32 = 0xA1B2_3C4D;
const MAGIC_MODIFIED: u32 = 0xA1B2_CD34;

/// Whether the two length fields of a packet header are swapped, as they were
/// before version 2.3 of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lengths {
    AsNow,
    Swapped,
    MaybeSwapped,
}

/// Reader of one pcap stream.
#[derive(Debug)]
pub(super) struct Pcap {
    big_endian: bool,
    nanos_per_unit: i64,
    units_per_second: u32,
    header: usize,
    lengths: Lengths,
    link: LinkType,
    longest: u32,
    last_second: Option<i64>,
}

/// What a packet header says.
struct PacketHeader {
    seconds: u32,
    fraction: u32,
    captured: u32,
    wire: u32,
}

impl Pcap {
    /// Whether the bytes begin with one of the magic numbers.
    pub fn matches(head: &[u8]) -> bool {
        magic(head).is_some()
    }

    /// Reads the file header.
    pub fn open(input: &mut Input) -> Result<Self, SourceError> {
        let place = FilePosition::of(input);
        let file = input.file().to_owned();
        let header = input.want(FILE_HEADER).map_err(|error| SourceError::Io { file, error })?;
        let Some((big_endian, magic)) = magic(header).filter(|_| header.len() >= FILE_HEADER)
        else {
            return Err(SourceError::Unsupported {
                place,
                what: format!(
                    "the pcap file header is cut: {} bytes, expected {FILE_HEADER}",
                    header.len()
                ),
            });
        };
        let u16_at = |i: usize| read16(header, i, big_endian);
        let u32_at = |i: usize| read32(header, i, big_endian);
        let (major, minor) = (u16_at(4), u16_at(6));
        if major != 2 {
            return Err(SourceError::Unsupported {
                place,
                what: format!("pcap version {major}.{minor}, expected 2.x"),
            });
        }
        let lengths = match minor {
            0..=2 | 543 => Lengths::Swapped,
            3 => Lengths::MaybeSwapped,
            _ => Lengths::AsNow,
        };
        // The upper bits say whether frames end with a frame check sequence.
        let link = LinkType((u32_at(20) & 0xFFFF) as u16);
        let snap_length = u32_at(16);
        let nanos = magic == MAGIC_NANOS;
        input.consume(FILE_HEADER);
        Ok(Self {
            big_endian,
            nanos_per_unit: if nanos { 1 } else { 1000 },
            units_per_second: if nanos { 1_000_000_000 } else { 1_000_000 },
            header: PACKET_HEADER + if magic == MAGIC_MODIFIED { MODIFIED_EXTRA } else { 0 },
            lengths,
            link,
            longest: snap_length.clamp(MAX_PACKET, 16 * MAX_PACKET),
            last_second: None,
        })
    }

    /// Reads a packet header; `None` if it is not all there.
    #[inline]
    fn parse(&self, bytes: &[u8]) -> Option<PacketHeader> {
        let head: &[u8; PACKET_HEADER] = bytes.first_chunk()?;
        let raw = u128::from_le_bytes(*head);
        let at = |n: u32| {
            let number = (raw >> (n * u32::BITS)) as u32;
            if self.big_endian { number.swap_bytes() } else { number }
        };
        let (mut captured, mut wire) = (at(2), at(3));
        let swapped = match self.lengths {
            Lengths::AsNow => false,
            Lengths::Swapped => true,
            Lengths::MaybeSwapped => captured > wire,
        };
        if swapped {
            std::mem::swap(&mut captured, &mut wire);
        }
        Some(PacketHeader { seconds: at(0), fraction: at(1), captured, wire })
    }

    /// The next packet, where all of it is in these bytes and nothing about it is odd.
    #[inline]
    pub fn next(&mut self, bytes: &[u8]) -> Option<Head> {
        let header = self.parse(bytes)?;
        let zero = [header.seconds, header.fraction, header.captured, header.wire] == [0; 4];
        if zero || !self.plausible(&header) {
            return None;
        }
        bytes.get(..self.header + header.captured as usize)?;
        Some(self.packet(&header))
    }

    #[inline]
    fn packet(&mut self, header: &PacketHeader) -> Head {
        let seconds = i64::from(header.seconds);
        self.last_second = Some(seconds);
        Head {
            ts: Some(
                seconds * NANOS_PER_SECOND
                    + i64::from(header.fraction).saturating_mul(self.nanos_per_unit),
            ),
            skip: self.header,
            captured: header.captured,
            trailer: 0,
            // Some writers leave the original length at zero.
            wire: header.wire.max(header.captured),
            link: self.link,
        }
    }

    /// Looks at the next packet without consuming it.
    pub fn peek(&mut self, input: &mut Input) -> std::io::Result<Step> {
        let header_length = self.header;
        let bytes = input.want(header_length)?;
        if bytes.is_empty() {
            return Ok(Step::End);
        }
        if bytes.len() < header_length {
            let (length, zeros) = (bytes.len(), bytes.iter().all(|&b| b == 0));
            return Ok(self.end_inside(input, length, zeros, "packet header", header_length));
        }
        if bytes.iter().take(PACKET_HEADER).all(|&b| b == 0) && rest_is_zero(input)? {
            // Fixed-length records (z/OS keeps 80 bytes) pad the last one.
            return Ok(Step::End);
        }
        let Some(header) = self.parse(input.want(header_length)?) else {
            return Ok(Step::End);
        };
        if !self.plausible(&header) {
            return Ok(self.resync(input, &header));
        }
        let total = header_length + header.captured as usize;
        let there = input.want(total)?.len();
        if there < total {
            return Ok(self.end_inside(input, there, false, "packet", total));
        }
        Ok(Step::Packet(self.packet(&header)))
    }

    /// The file ends inside something: an error unless it is padding.
    fn end_inside(
        &self,
        input: &mut Input,
        there: usize,
        zeros: bool,
        what: &str,
        expected: usize,
    ) -> Step {
        let place = FilePosition::of(input);
        input.consume(there);
        if zeros {
            return Step::End;
        }
        Step::Damage(Damage {
            place,
            what: format!("the file ends inside a {what}: {there} bytes, expected {expected}"),
            skipped: there as u64,
        })
    }

    /// A fraction of more than a second is odd but readable; a length that no
    /// packet has is not.
    fn plausible(&self, header: &PacketHeader) -> bool {
        header.captured <= self.longest
    }

    /// A header is nonsense: finds the next one that is followed by another or
    /// by the end of the file.
    fn resync(&mut self, input: &mut Input, header: &PacketHeader) -> Step {
        let place = FilePosition::of(input);
        let start = input.offset();
        let what = format!(
            "not a packet header: captured length {}, at most {}",
            header.captured, self.longest
        );
        loop {
            input.consume(1);
            let Ok(bytes) = input.want(self.header) else {
                break;
            };
            if bytes.len() < self.header {
                let rest = bytes.len();
                input.consume(rest);
                break;
            }
            let Some(candidate) = self.parse(bytes) else { break };
            if self.strictly_plausible(&candidate) {
                let next = self.header + candidate.captured as usize;
                let Ok(bytes) = input.want(next + self.header) else {
                    break;
                };
                let good = if bytes.len() == next {
                    true
                } else if bytes.len() >= next + self.header {
                    bytes
                        .get(next..)
                        .and_then(|bytes| self.parse(bytes))
                        .is_some_and(|header| self.strictly_plausible(&header))
                } else {
                    false
                };
                if good {
                    break;
                }
            }
        }
        Step::Damage(Damage { place, what, skipped: input.offset() - start })
    }

    /// Tighter than [`Self::plausible`]: random bytes must not pass.
    fn strictly_plausible(&self, header: &PacketHeader) -> bool {
        let seconds = i64::from(header.seconds);
        header.captured > 0
            && header.captured <= MAX_PACKET
            && header.wire >= header.captured
            && header.wire <= 16 * MAX_PACKET
            && header.fraction < self.units_per_second
            && self.last_second.is_none_or(|last| (seconds - last).abs() <= RESYNC_WINDOW_SECONDS)
    }
}

/// Byte order and magic number in big-endian reading.
fn magic(head: &[u8]) -> Option<(bool, u32)> {
    let raw: [u8; 4] = head.get(..4)?.try_into().ok()?;
    [(true, u32::from_be_bytes(raw)), (false, u32::from_le_bytes(raw))]
        .into_iter()
        .find(|(_, m)| [MAGIC_MICROS, MAGIC_NANOS, MAGIC_MODIFIED].contains(m))
}

/// Whether only zeros follow to the end of the input. Looks no further than a
/// block, which is more than any padding.
fn rest_is_zero(input: &mut Input) -> std::io::Result<bool> {
    const LONGEST_PADDING: usize = 64 * 1024;
    let bytes = input.want(LONGEST_PADDING)?;
    Ok(bytes.len() < LONGEST_PADDING && bytes.iter().all(|&b| b == 0))
}

pub(super) fn read16(bytes: &[u8], at: usize, big_endian: bool) -> u16 {
    let raw = bytes.get(at..).and_then(<[u8]>::first_chunk).copied().unwrap_or_default();
    if big_endian { u16::from_be_bytes(raw) } else { u16::from_le_bytes(raw) }
}

pub(super) fn read32(bytes: &[u8], at: usize, big_endian: bool) -> u32 {
    let raw = bytes.get(at..).and_then(<[u8]>::first_chunk).copied().unwrap_or_default();
    if big_endian { u32::from_be_bytes(raw) } else { u32::from_le_bytes(raw) }
}
