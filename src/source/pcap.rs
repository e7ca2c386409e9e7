//! The pcap savefile format: both byte orders, micro- and nanoseconds, the
//! modified forms with longer packet headers, also under the ordinary magic number, old
//! length orders, the forms of AIX and Ixia, and files padded with zeros to a record
//! length.
//!
//! Source: draft-ietf-opsawg-pcap, and what libpcap and Wireshark accept.

use super::padding::Padding;
use super::reader::{Head, LOOK, Step, begins_capture};
use super::{Damage, FilePosition, LinkType, MAX_PACKET, NANOS_PER_SECOND, SourceError};
use crate::input::Input;

/// Bytes of the file header.
const FILE_HEADER: usize = 24;
/// Bytes of a packet header.
const PACKET_HEADER: usize = 16;
/// Extra bytes of packet headers under the ordinary magic number, the likeliest first:
/// none; interface index, protocol, packet type and padding (Red Hat Linux 6.1); four of
/// unknown meaning (Nokia).
const EXTRA_ORDINARY: [usize; 3] = [0, 8, 4];
/// The same under the modified one: as above; with a processor's number (SuSE Linux 6.3).
const EXTRA_MODIFIED: [usize; 2] = [8, 12];
/// Packets by which such a form is told.
const TRIED: usize = 256;
/// Bytes of the file header of Ixia's form: behind the usual ones the length of the rest.
const IXIA_HEADER: usize = 28;
/// How far from the last packet's time a header may be when the reader looks
/// for the next plausible one after damage.
const RESYNC_WINDOW_SECONDS: i64 = 7 * 86_400;

/// A record that lacks its end because the file does is not longer than this. Where more
/// is left the length is wrong, and others follow.
pub(super) const CUT_SHORT: usize = 128 * 1024;

/// Seconds.
const YEAR: u64 = 366 * 86_400;

const MAGIC_MICROS: u32 = 0xA1B2_C3D4;
const MAGIC_NANOS: u32 = 0xA1B2_3C4D;
const MAGIC_MODIFIED: u32 = 0xA1B2_CD34;
/// Ixia's lcap, written by hardware with nanoseconds and by software.
const MAGIC_IXIA_HARDWARE: u32 = 0x1C00_01AC;
const MAGIC_IXIA_SOFTWARE: u32 = 0x1C00_01AB;
const MAGICS: [u32; 5] =
    [MAGIC_MICROS, MAGIC_NANOS, MAGIC_MODIFIED, MAGIC_IXIA_HARDWARE, MAGIC_IXIA_SOFTWARE];

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
    /// The fractions of a second are nanoseconds, though the file says microseconds.
    mislabelled: bool,
    /// Time stamps with a fraction of a second or more.
    over: u64,
    padding: Padding,
}

/// What a packet header says.
struct PacketHeader {
    seconds: u32,
    fraction: u32,
    captured: u32,
    wire: u32,
}

/// What was found by going from packet to packet.
struct Walk {
    packets: usize,
    /// Packets whose time has a fraction of a million or more.
    over: usize,
    /// It came to what is no packet.
    broken: bool,
    /// It came to the end of what is there.
    exact: bool,
}

impl Pcap {
    /// Whether bytes are a file header so surely that no packet header is: the magic
    /// number, the version, and fields that everybody leaves at zero.
    pub fn certain(head: &[u8]) -> bool {
        magic(head).is_some_and(|(big_endian, _)| {
            let u32_at = |i: usize| read32(head, i, big_endian);
            head.len() >= FILE_HEADER
                && read16(head, 4, big_endian) == 2
                && matches!(read16(head, 6, big_endian), 2..=4)
                && u32_at(12) == 0
                && u32_at(20) & 0x03FF_FFFF < 512
        })
    }

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
        if major != 2 && (major, minor) != (543, 0) {
            return Err(SourceError::Unsupported {
                place,
                what: format!("pcap version {major}.{minor}, expected 2.x"),
            });
        }
        let mut lengths = match minor {
            _ if major == 543 => Lengths::Swapped,
            0..=2 | 543 => Lengths::Swapped,
            3 => Lengths::MaybeSwapped,
            _ => Lengths::AsNow,
        };
        // The upper bits say whether frames end with a frame check sequence.
        let mut link = LinkType((u32_at(20) & 0xFFFF) as u16);
        let snap_length = u32_at(16);
        let mut nanos = matches!(magic, MAGIC_NANOS | MAGIC_IXIA_HARDWARE);
        // AIX writes version 2.2 with interface types of SNMP, and nanoseconds.
        let aix = match link.0 {
            6 => Some(LinkType::ETHERNET),
            9 => Some(LinkType(6)),
            15 => Some(LinkType(10)),
            24 => Some(LinkType(0)),
            _ => None,
        };
        if let Some(of_aix) = aix.filter(|_| magic == MAGIC_MICROS && (major, minor) == (2, 2)) {
            (link, nanos, lengths) = (of_aix, true, Lengths::MaybeSwapped);
        }
        let ixia = matches!(magic, MAGIC_IXIA_HARDWARE | MAGIC_IXIA_SOFTWARE);
        let wanted = if ixia { IXIA_HEADER } else { FILE_HEADER };
        let there = input.want(wanted).map_or(FILE_HEADER, <[u8]>::len);
        input.consume(wanted.min(there));
        let mut pcap = Self {
            big_endian,
            nanos_per_unit: if nanos { 1 } else { 1000 },
            units_per_second: if nanos { 1_000_000_000 } else { 1_000_000 },
            header: PACKET_HEADER,
            lengths,
            link,
            longest: snap_length.clamp(MAX_PACKET, 16 * MAX_PACKET),
            last_second: None,
            mislabelled: false,
            over: 0,
            padding: Padding::default(),
        };
        pcap.choose(input, magic);
        Ok(pcap)
    }

    /// Chooses the form of packet headers by which the packets that were read follow each
    /// other, and whether their times are nanoseconds.
    fn choose(&mut self, input: &mut Input, magic: u32) {
        let extras: &[usize] = match magic {
            MAGIC_MODIFIED => &EXTRA_MODIFIED,
            MAGIC_MICROS if self.lengths == Lengths::AsNow => &EXTRA_ORDINARY,
            _ => &[0],
        };
        let usual = extras.first().copied().unwrap_or_default();
        input.read_to(self.header + 1);
        let mut walk = self.walk(input.here(), usual, false);
        if walk.broken && extras.len() > 1 {
            // Only what is doubtful waits for more.
            input.read_to(2 * MAX_PACKET as usize);
            walk = self.walk(input.here(), usual, false);
        }
        self.header = PACKET_HEADER + usual;
        input.add_work(walk.packets);
        if walk.broken {
            for &extra in extras.iter().skip(1) {
                let other = self.walk(input.here(), extra, true);
                input.add_work(other.packets);
                // What is read as usual up to a gap in time, or to where the file is cut,
                // stays so: another form has to explain more.
                let more =
                    other.packets > walk.packets || other.packets == walk.packets && other.exact;
                if !other.broken && other.packets >= 2 && more {
                    (self.header, walk) = (PACKET_HEADER + extra, other);
                    break;
                }
            }
        }
        if self.nanos_per_unit == 1000 && 2 * walk.over > walk.packets {
            // Of microseconds none is a million or more, of nanoseconds 999 in a thousand.
            (self.nanos_per_unit, self.units_per_second) = (1, 1_000_000_000);
            self.mislabelled = true;
        }
    }

    /// Goes from packet to packet with so many extra bytes in their headers; strictly, where
    /// nothing but the packets speaks for them.
    fn walk(&self, bytes: &[u8], extra: usize, strict: bool) -> Walk {
        let mut walk = Walk { packets: 0, over: 0, broken: false, exact: false };
        let (mut at, mut last) = (0, None);
        while walk.packets < TRIED {
            let rest = bytes.get(at..).unwrap_or_default();
            let Some(header) = self.parse(rest) else {
                // A whole packet and a few bytes more is no packet of this form.
                walk.broken |= walk.packets < 3 && !rest.iter().all(|b| *b == 0);
                walk.exact = rest.is_empty();
                break;
            };
            if rest.iter().take(PACKET_HEADER).all(|b| *b == 0) || Self::certain(rest) {
                // Zeros may be padding, but are no proof of another form.
                walk.broken = strict && !rest.iter().all(|b| *b == 0);
                break;
            }
            walk.broken = !self.plausible(&header)
                || strict && !self.strictly_plausible(&header)
                || header.wire != 0 && header.wire < header.captured
                || header.fraction >= 1_000_000_000
                || last.is_some_and(|last| u64::from(header.seconds.abs_diff(last)) > YEAR);
            if walk.broken {
                break;
            }
            last = Some(header.seconds);
            walk.packets += 1;
            walk.over += usize::from(header.fraction >= 1_000_000);
            at += PACKET_HEADER + extra + header.captured as usize;
        }
        walk
    }

    /// What the user should know about the file.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.mislabelled {
            notes.push(
                "the file says that its times are in microseconds; most have fractions of a \
                 million and more, so they are taken for nanoseconds"
                    .to_owned(),
            );
        }
        if self.over > 0 {
            notes.push(format!(
                "{} time stamps have a fraction of a second or more; they are taken as they are",
                self.over
            ));
        }
        notes
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
        // Without captured bytes it may be padding, and far from the one before the header
        // of another file.
        if header.captured == 0
            || header.fraction >= self.units_per_second
            || !self.plausible(&header)
            || self.last_second.is_some_and(|last| last.abs_diff(header.seconds.into()) > YEAR)
        {
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
        if bytes.iter().take(PACKET_HEADER).all(|&b| b == 0) && self.padding.consume(input)? {
            return Ok(Step::End);
        }
        let Some(header) = self.parse(input.want(header_length)?) else {
            return Ok(Step::End);
        };
        if !self.plausible(&header) {
            let what = format!(
                "not a packet header: captured length {}, at most {}",
                header.captured, self.longest
            );
            return Ok(self.resync(input, what));
        }
        let total = header_length + header.captured as usize;
        let there = input.want(total)?.len();
        if there < total {
            if there > CUT_SHORT {
                let what = format!(
                    "not a packet header: captured length {}, the file ends after {there} bytes",
                    header.captured
                );
                return Ok(self.resync(input, what));
            }
            return Ok(self.end_inside(input, there, false, "packet", total));
        }
        self.over += u64::from(header.fraction >= self.units_per_second);
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
    fn resync(&mut self, input: &mut Input, what: String) -> Step {
        let place = FilePosition::of(input);
        let start = input.offset();
        loop {
            input.consume(1);
            let Ok(bytes) = input.want(self.header.max(LOOK)) else {
                break;
            };
            if begins_capture(bytes) {
                break;
            }
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
        .find(|(_, m)| MAGICS.contains(m))
}

pub(super) fn read16(bytes: &[u8], at: usize, big_endian: bool) -> u16 {
    let raw = bytes.get(at..).and_then(<[u8]>::first_chunk).copied().unwrap_or_default();
    if big_endian { u16::from_be_bytes(raw) } else { u16::from_le_bytes(raw) }
}

pub(super) fn read32(bytes: &[u8], at: usize, big_endian: bool) -> u32 {
    let raw = bytes.get(at..).and_then(<[u8]>::first_chunk).copied().unwrap_or_default();
    if big_endian { u32::from_be_bytes(raw) } else { u32::from_le_bytes(raw) }
}
