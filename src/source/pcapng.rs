//! The pcapng format: several sections, several interfaces with their own link
//! types, snap lengths and time resolutions; blocks and options that mean
//! nothing here are passed over.
//!
//! Source: draft-ietf-opsawg-pcapng.

use super::padding::Padding;
use super::pcap::{CUT_SHORT, read16, read32};
use super::reader::{Head, LOOK, Lost, Step, begins_capture};
use super::{Damage, FilePosition, LinkType, MAX_PACKET, SourceError};
use crate::input::Input;

const SECTION_HEADER: u32 = 0x0A0D_0D0A;
const INTERFACE: u32 = 1;
const PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const STATISTICS: u32 = 5;
const ENHANCED_PACKET: u32 = 6;
const BYTE_ORDER_MAGIC: u32 = 0x1A2B_3C4D;

/// Block type and total length before the body; total length after it.
const BLOCK_HEAD: usize = 8;
const BLOCK_TAIL: usize = 4;
/// The longest block that is read: a packet of the greatest length and its
/// options. Longer blocks of other kinds are passed over piece by piece.
const MAX_BLOCK: usize = 16 * 1024 * 1024;
/// Interfaces of one section that are remembered.
const MAX_INTERFACES: usize = 65_536;

const OPT_END: u16 = 0;
const IF_TSRESOL: u16 = 9;
const IF_TSOFFSET: u16 = 14;
/// Packets lost since the one before, of the same interface.
const EPB_DROPCOUNT: u16 = 4;
/// Packets for which the interface, and the operating system, had no room since the
/// beginning.
const ISB_IFDROP: u16 = 5;
const ISB_OSDROP: u16 = 7;

/// What an interface description says.
#[derive(Clone, Copy, Debug)]
struct Interface {
    link: LinkType,
    snap_length: u32,
    resolution: Resolution,
    /// Seconds to add to every time stamp.
    offset: i64,
    /// What was told of packets that were lost.
    lost: Lost,
}

/// Units of a time stamp in a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Resolution {
    Decimal(u8),
    Binary(u8),
}

impl Resolution {
    /// Nanoseconds of a number of units; saturates.
    fn nanos(self, units: u64) -> i64 {
        let wide = u128::from(units);
        let nanos = match self {
            Self::Decimal(n) if n <= 9 => wide * 10u128.pow(9 - u32::from(n)),
            Self::Decimal(n) => wide / 10u128.pow((u32::from(n) - 9).min(38)),
            Self::Binary(n) => (wide * 1_000_000_000) >> n,
        };
        i64::try_from(nanos).unwrap_or(i64::MAX)
    }
}

/// Reader of one pcapng stream.
#[derive(Debug)]
pub(super) struct PcapNg {
    big_endian: bool,
    interfaces: Vec<Interface>,
    /// The section has a version that is not known: its blocks mean nothing.
    foreign: bool,
    /// The block at this offset has told how many packets were lost before it.
    told: Option<u64>,
    padding: Padding,
}

/// A packet's place in its block, by its place in the block's body.
fn in_block(head: Head, length: usize) -> Head {
    let skip = head.skip + BLOCK_HEAD;
    Head { skip, trailer: length - skip - head.captured as usize, ..head }
}

impl PcapNg {
    /// Whether the bytes begin with a section header block.
    pub fn matches(head: &[u8]) -> bool {
        head.len() >= 12
            && head.starts_with(&SECTION_HEADER.to_be_bytes())
            && byte_order(head).is_some()
    }

    /// Starts before the first section header block, which [`Self::matches`]
    /// has seen.
    pub fn open(input: &mut Input) -> Result<Self, SourceError> {
        let file = input.file().to_owned();
        let head = input.want(12).map_err(|error| SourceError::Io { file, error })?;
        Ok(Self {
            big_endian: byte_order(head).unwrap_or(false),
            interfaces: Vec::new(),
            foreign: false,
            told: None,
            padding: Padding::default(),
        })
    }

    /// The next packet, where it is an enhanced packet block that is in these bytes as a
    /// whole and nothing about it is odd.
    pub fn next(&self, bytes: &[u8]) -> Option<Head> {
        let head = bytes.get(..BLOCK_HEAD)?;
        let length = read32(head, 4, self.big_endian) as usize;
        let usual = read32(head, 0, self.big_endian) == ENHANCED_PACKET
            && (BLOCK_HEAD + BLOCK_TAIL..=MAX_BLOCK).contains(&length)
            && length.is_multiple_of(4)
            && !self.foreign;
        let block = bytes.get(..length).filter(|_| usual)?;
        let body = block.get(BLOCK_HEAD..length - BLOCK_TAIL)?;
        if read32(block, length - BLOCK_TAIL, self.big_endian) as usize != length {
            return None;
        }
        let head = self.enhanced(body).ok()?;
        // Options stand behind the packet; they seldom say that others were lost.
        let data = 20 + (head.captured as usize).next_multiple_of(4);
        let lost = body.len() > data && self.drop_count(body) > 0;
        (!lost).then(|| in_block(head, length))
    }

    /// The value of an option of eight bytes.
    fn number(&self, value: &[u8]) -> Option<u64> {
        let bytes = *value.first_chunk::<8>()?;
        let big_endian = self.big_endian && value.len() == 8;
        Some(if big_endian { u64::from_be_bytes(bytes) } else { u64::from_le_bytes(bytes) })
    }

    /// The value of an option, in the options at the end of a body.
    fn option(&self, body: &[u8], mut at: usize, wanted: u16) -> Option<u64> {
        while at + 4 <= body.len() {
            let code = read16(body, at, self.big_endian);
            let length = usize::from(read16(body, at + 2, self.big_endian));
            let value = body.get(at + 4..at + 4 + length)?;
            if code == OPT_END {
                return None;
            }
            if code == wanted && length == 8 {
                return self.number(value);
            }
            at += 4 + length.next_multiple_of(4);
        }
        None
    }

    /// How many packets an enhanced packet block says were lost before it.
    fn drop_count(&self, body: &[u8]) -> u64 {
        let captured = read32(body, 12, self.big_endian) as usize;
        let options = 20 + captured.next_multiple_of(4);
        self.option(body, options, EPB_DROPCOUNT).unwrap_or(0)
    }

    /// What a block says of lost packets that was not told before.
    fn lost(&mut self, kind: u32, body: &[u8]) -> Lost {
        let (id, before) = match kind {
            ENHANCED_PACKET => (read32(body, 0, self.big_endian), self.drop_count(body)),
            // X'FFFF' says that it is not known.
            PACKET => match read16(body, 2, self.big_endian) {
                u16::MAX => (0, 0),
                count => (read16(body, 0, self.big_endian).into(), count.into()),
            },
            STATISTICS => (read32(body, 0, self.big_endian), 0),
            _ => return Lost::default(),
        };
        let (interface, kernel) = if kind == STATISTICS {
            (self.option(body, 12, ISB_IFDROP), self.option(body, 12, ISB_OSDROP))
        } else {
            (None, None)
        };
        let Some(of) = self.interfaces.get_mut(id as usize) else { return Lost::default() };
        // A packet's count is of both; statistics count from the beginning, and what
        // packets have told is part of it.
        let told = of.lost.interface.saturating_add(of.lost.kernel);
        let (interface, kernel) = (interface.unwrap_or(0), kernel.unwrap_or(0));
        let more = interface.saturating_add(kernel).saturating_sub(told);
        let by_kernel = more.min(kernel.saturating_sub(of.lost.kernel));
        let lost = Lost { interface: before.saturating_add(more - by_kernel), kernel: by_kernel };
        of.lost.interface = of.lost.interface.saturating_add(lost.interface);
        of.lost.kernel = of.lost.kernel.saturating_add(lost.kernel);
        lost
    }

    /// Looks at the next packet without consuming it; consumes all blocks
    /// before it.
    pub fn peek(&mut self, input: &mut Input) -> std::io::Result<Step> {
        loop {
            let bytes = input.want(BLOCK_HEAD + 4)?;
            if bytes.is_empty() {
                return Ok(Step::End);
            }
            let place = FilePosition::of(input);
            let place_offset = place.offset;
            let bytes = input.want(BLOCK_HEAD + 4)?;
            if bytes.iter().all(|&b| b == 0) && bytes.len() < BLOCK_HEAD + 4 {
                // Padding to a record length.
                return Ok(Step::End);
            }
            if bytes.len() < BLOCK_HEAD + BLOCK_TAIL {
                let there = bytes.len();
                input.consume(there);
                return Ok(Step::Damage(Damage {
                    place,
                    what: format!("the file ends inside a block header: {there} bytes"),
                    skipped: there as u64,
                }));
            }
            if bytes.starts_with(&SECTION_HEADER.to_be_bytes()) {
                let Some(big_endian) = byte_order(bytes) else {
                    return Ok(self.resync(input, "a section header without byte-order magic"));
                };
                self.big_endian = big_endian;
                self.interfaces.clear();
            }
            let kind = read32(bytes, 0, self.big_endian);
            let length = read32(bytes, 4, self.big_endian) as usize;
            if kind == 0 && length == 0 && self.padding.consume(input)? {
                return Ok(Step::End);
            }
            if length < BLOCK_HEAD + BLOCK_TAIL || !length.is_multiple_of(4) {
                return Ok(self.resync(input, &format!("a block length of {length}")));
            }
            if length > MAX_BLOCK {
                if matches!(kind, INTERFACE | PACKET | SIMPLE_PACKET | ENHANCED_PACKET)
                    || kind == SECTION_HEADER
                {
                    return Ok(self.resync(
                        input,
                        &format!("a block length of {length}, at most {MAX_BLOCK}"),
                    ));
                }
                if !pass_over(input, length)? {
                    return Ok(Step::Damage(Damage {
                        place,
                        what: format!("the file ends inside a block of {length} bytes"),
                        skipped: input.offset() - place_offset,
                    }));
                }
                continue;
            }
            let block = input.want(length)?;
            if block.len() < length {
                let there = block.len();
                if there > CUT_SHORT {
                    let found =
                        format!("a block length of {length}, the file ends after {there} bytes");
                    return Ok(self.resync(input, &found));
                }
                input.consume(there);
                return Ok(Step::Damage(Damage {
                    place,
                    what: format!("the file ends inside a block: {there} bytes, expected {length}"),
                    skipped: there as u64,
                }));
            }
            let repeated = read32(block, length - BLOCK_TAIL, self.big_endian) as usize;
            if repeated != length {
                return Ok(self.resync(
                    input,
                    &format!(
                        "block lengths that differ: {length} before the body, {repeated} after"
                    ),
                ));
            }
            let body = block.get(BLOCK_HEAD..length - BLOCK_TAIL).unwrap_or_default();
            if kind == SECTION_HEADER {
                let (major, minor) = match body.get(4..8) {
                    Some(v) => (read16(v, 0, self.big_endian), read16(v, 2, self.big_endian)),
                    None => (0, 0),
                };
                self.foreign = major != 1;
                if self.foreign {
                    input.consume(length);
                    return Ok(Step::Damage(Damage {
                        place,
                        what: format!("a section of pcapng version {major}.{minor}, expected 1.x"),
                        skipped: length as u64,
                    }));
                }
            }
            if self.foreign {
                input.consume(length);
                continue;
            }
            if self.told != Some(place_offset) {
                self.told = Some(place_offset);
                let lost = self.lost(kind, body);
                if lost != Lost::default() {
                    return Ok(Step::Lost(lost));
                }
            }
            let step = match kind {
                INTERFACE => self.interface(body).map(|()| None),
                ENHANCED_PACKET => self.enhanced(body).map(Some),
                SIMPLE_PACKET => self.simple(body).map(Some),
                PACKET => self.old_packet(body).map(Some),
                _ => Ok(None),
            };
            match step {
                Ok(None) => input.consume(length),
                Ok(Some(head)) => return Ok(Step::Packet(in_block(head, length))),
                Err(what) => {
                    input.consume(length);
                    return Ok(Step::Damage(Damage { place, what, skipped: length as u64 }));
                }
            }
        }
    }

    fn interface(&mut self, body: &[u8]) -> Result<(), String> {
        if body.len() < 8 {
            return Err(format!("an interface description of {} bytes, expected 8", body.len()));
        }
        if self.interfaces.len() == MAX_INTERFACES {
            return Err(format!("more than {MAX_INTERFACES} interfaces"));
        }
        let mut interface = Interface {
            link: LinkType(read16(body, 0, self.big_endian)),
            snap_length: read32(body, 4, self.big_endian),
            resolution: Resolution::Decimal(6),
            offset: 0,
            lost: Lost::default(),
        };
        let mut at = 8;
        while at + 4 <= body.len() {
            let code = read16(body, at, self.big_endian);
            let length = usize::from(read16(body, at + 2, self.big_endian));
            let Some(value) = body.get(at + 4..at + 4 + length) else {
                break;
            };
            match (code, length) {
                (OPT_END, _) => break,
                (IF_TSRESOL, 1) => {
                    let value = value.first().copied().unwrap_or_default();
                    interface.resolution = if value & 0x80 == 0 {
                        Resolution::Decimal(value)
                    } else {
                        Resolution::Binary(value & 0x7F)
                    };
                }
                (IF_TSOFFSET, 8) => {
                    let high = u64::from(read32(value, 0, self.big_endian));
                    let low = u64::from(read32(value, 4, self.big_endian));
                    let (high, low) = if self.big_endian { (high, low) } else { (low, high) };
                    interface.offset = ((high << 32) | low).cast_signed();
                }
                _ => {}
            }
            at += 4 + length.next_multiple_of(4);
        }
        self.interfaces.push(interface);
        Ok(())
    }

    fn enhanced(&self, body: &[u8]) -> Result<Head, String> {
        if body.len() < 20 {
            return Err(format!("a packet block of {} bytes, expected 20", body.len()));
        }
        let interface = read32(body, 0, self.big_endian);
        self.packet(body, interface, 4, 20)
    }

    /// The obsolete packet block: a 16-bit interface and a drop count where the
    /// enhanced block has a 32-bit interface.
    fn old_packet(&self, body: &[u8]) -> Result<Head, String> {
        if body.len() < 20 {
            return Err(format!("a packet block of {} bytes, expected 20", body.len()));
        }
        let interface = u32::from(read16(body, 0, self.big_endian));
        self.packet(body, interface, 4, 20)
    }

    fn packet(&self, body: &[u8], id: u32, at: usize, data: usize) -> Result<Head, String> {
        let Some(interface) = self.interfaces.get(id as usize) else {
            return Err(format!(
                "a packet of interface {id}, the section describes {}",
                self.interfaces.len()
            ));
        };
        let word = |i: usize| read32(body, at + 4 * i, self.big_endian);
        let units = (u64::from(word(0)) << 32) | u64::from(word(1));
        let captured = word(2);
        if captured as usize > body.len() - data || captured > 16 * MAX_PACKET {
            return Err(format!(
                "a packet of {captured} captured bytes in a block with room for {}",
                body.len() - data
            ));
        }
        let nanos = interface.resolution.nanos(units);
        Ok(Head {
            ts: Some(nanos.saturating_add(interface.offset.saturating_mul(1_000_000_000))),
            skip: data,
            captured,
            trailer: 0,
            wire: word(3).max(captured),
            link: interface.link,
        })
    }

    /// A simple packet block has no time stamp; it takes the packet clock's.
    fn simple(&self, body: &[u8]) -> Result<Head, String> {
        let Some(interface) = self.interfaces.first() else {
            return Err("a simple packet block without an interface description".to_owned());
        };
        if body.len() < 4 {
            return Err(format!("a simple packet block of {} bytes, expected 4", body.len()));
        }
        let wire = read32(body, 0, self.big_endian);
        let limit = if interface.snap_length == 0 { u32::MAX } else { interface.snap_length };
        let room = u32::try_from(body.len() - 4).unwrap_or(u32::MAX);
        let captured = wire.min(limit).min(room);
        Ok(Head { ts: None, skip: 4, captured, trailer: 0, wire, link: interface.link })
    }

    /// Finds the next block that looks like one: a known type whose two
    /// lengths agree.
    fn resync(&self, input: &mut Input, found: &str) -> Step {
        let place = FilePosition::of(input);
        let start = input.offset();
        loop {
            input.consume(1);
            let Ok(bytes) = input.want(LOOK) else { break };
            if bytes.len() < BLOCK_HEAD + BLOCK_TAIL {
                let rest = bytes.len();
                input.consume(rest);
                break;
            }
            if begins_capture(bytes)
                || bytes.starts_with(&SECTION_HEADER.to_be_bytes()) && byte_order(bytes).is_some()
            {
                break;
            }
            let kind = read32(bytes, 0, self.big_endian);
            let length = read32(bytes, 4, self.big_endian) as usize;
            if !matches!(kind, 1..=6)
                || !length.is_multiple_of(4)
                || !(BLOCK_HEAD + BLOCK_TAIL..=2 * MAX_PACKET as usize).contains(&length)
            {
                continue;
            }
            let Ok(block) = input.want(length) else { break };
            if block.len() >= length
                && read32(block, length - BLOCK_TAIL, self.big_endian) as usize == length
            {
                break;
            }
        }
        Step::Damage(Damage {
            place,
            what: format!("{found}, expected a block"),
            skipped: input.offset() - start,
        })
    }
}

/// The byte order of a section, from its header block.
fn byte_order(block: &[u8]) -> Option<bool> {
    let magic = block.get(8..12)?;
    if magic == BYTE_ORDER_MAGIC.to_be_bytes() {
        Some(true)
    } else if magic == BYTE_ORDER_MAGIC.to_le_bytes() {
        Some(false)
    } else {
        None
    }
}

/// Consumes `length` bytes; `false` if the input ends before.
fn pass_over(input: &mut Input, mut length: usize) -> std::io::Result<bool> {
    while length > 0 {
        let there = input.want(1)?.len();
        if there == 0 {
            return Ok(false);
        }
        let n = there.min(length);
        input.consume(n);
        length -= n;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolutions_become_nanoseconds() {
        assert_eq!(Resolution::Decimal(6).nanos(1_500_000), 1_500_000_000);
        assert_eq!(Resolution::Decimal(9).nanos(7), 7);
        assert_eq!(Resolution::Decimal(12).nanos(7_000), 7);
        assert_eq!(Resolution::Decimal(127).nanos(u64::MAX), 0);
        assert_eq!(Resolution::Binary(10).nanos(1024), 1_000_000_000);
        assert_eq!(Resolution::Decimal(0).nanos(u64::MAX), i64::MAX);
    }
}
