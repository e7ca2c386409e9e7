//! NetXRay and Windows Sniffer: little-endian; a file header of 128 bytes, then records
//! whose headers have 16 bytes (before version 1.0), 28 (1.x) or 40 (2.x). Times are ticks.
//!
//! Source: the format as Wireshark's wiretap library documents it.

use super::Opened;
use crate::source::chain::{Drops, Format, Record, field};
use crate::source::reader::Head;
use crate::source::{LinkType, NANOS_PER_SECOND};

const FILE_HEADER: usize = 128;

struct NetXRay {
    version: u8,
    link: LinkType,
    /// Nanoseconds since 1970 of tick 0.
    zero: i128,
    ticks_per_second: u32,
    end: u64,
}

pub fn matches(head: &[u8]) -> bool {
    head.starts_with(b"XCP\x00\x30\x30") || head.starts_with(b"VL\0\0")
}

/// Ticks in a second of a 2.x file: by the kind of capture and the unit, for Ethernet.
fn ticks(network: u32, kind: u8, unit: u8, real: u32) -> Option<u32> {
    Some(match (network, kind, unit) {
        (1, 0, 2) => real,
        (1, 2 | 6, 0) => 1_000_000_000,
        (1, 2, 2) => 31_250_000,
        (1, 6, 2) => 20_000_000,
        (1, 3, 2) => 1_250_000,
        (1, 3 | 5, 0) => 1_000_000,
        (1, 1..=u8::MAX, _) => return None,
        (_, _, 0) => 1_000_000,
        (_, _, 1) => 1_193_000,
        (_, _, 2) => 1_193_182,
        _ => return None,
    })
}

pub fn open(head: &[u8]) -> Opened {
    if head.len() < FILE_HEADER {
        return Err(format!("a NetXRay file of {} bytes", head.len()));
    }
    let byte = |at: usize| head.get(at).copied().unwrap_or_default();
    let word = |at: usize| u32::from_le_bytes(field(head, at));
    let old = head.starts_with(b"VL");
    let version = head.get(4..12).unwrap_or_default();
    let (major, minor) = match version {
        _ if old => (0, 0),
        b"001.000\0" => (1, 0),
        b"001.100\0" => (1, 1),
        [b'0', b'0', b'2', b'.', b'0', b'0', minor @ b'0'..=b'3', 0] => (2, minor - b'0'),
        other => {
            return Err(format!(
                "a NetXRay file of version {}, expected at most 002.003; editcap -F pcapng may \
                 convert it",
                other.escape_ascii()
            ));
        }
    };
    let network = match byte(45) {
        0 => u32::from(byte(44)) + 1,
        _ => byte(44).into(),
    };
    let (kind, unit) = (byte(84), byte(48));
    let link = match (network, major, kind) {
        (1, ..) | (4, 0 | 1, _) => LinkType::ETHERNET,
        (2, ..) => LinkType(6),
        (3, ..) => LinkType(10),
        (4, 2, 3) => LinkType(9),
        (4, 2, 19) => LinkType(104),
        (4, 2, 4) => LinkType(107),
        _ => {
            return Err(format!(
                "a NetXRay file of network type {network}, capture type {kind}, expected \
                 Ethernet (1)"
            ));
        }
    };
    let ticks_per_second = match (major, minor) {
        (0, _) | (1, 0) => Some(1000),
        (1, _) => Some(1_000_000),
        _ => ticks(network, kind, unit, word(76)),
    };
    let Some(ticks_per_second) = ticks_per_second.filter(|ticks| *ticks > 0) else {
        return Err(format!("a NetXRay file of capture type {kind} with time unit {unit}"));
    };
    let pod = major == 2 && minor >= 2 && network == 1 && kind != 0;
    let first = if pod { 0 } else { i128::from(word(52)) | i128::from(word(56)) << 32 };
    let billion = i128::from(NANOS_PER_SECOND);
    let start = word(24) as usize;
    if start != FILE_HEADER {
        return Err(format!(
            "a NetXRay file that begins at offset {start}: its buffer was written around; \
             editcap -F pcapng converts it"
        ));
    }
    let format = NetXRay {
        version: major,
        link,
        zero: i128::from(word(12)) * billion - first * billion / i128::from(ticks_per_second),
        ticks_per_second,
        end: word(28).into(),
    };
    Ok((Box::new(format), FILE_HEADER))
}

impl Format for NetXRay {
    fn name(&self) -> &'static str {
        "NetXRay or Windows Sniffer"
    }

    fn header(&self) -> usize {
        match self.version {
            0 => 16,
            1 => 28,
            _ => 40,
        }
    }

    fn ends_exactly(&self) -> bool {
        false
    }

    fn record(&self, bytes: &[u8], offset: u64) -> Record {
        if offset >= self.end {
            return Record::End(0);
        }
        let header = self.header();
        if bytes.len() < header {
            return Record::Short(header);
        }
        let half = |at: usize| u32::from(u16::from_le_bytes(field(bytes, at)));
        let ticks = i128::from(u64::from_le_bytes(field(bytes, 0)));
        let wire = half(8);
        let captured = if self.version == 0 { wire } else { half(10) };
        // Behind some packets stand four bytes, a frame check sequence or not.
        let extra = if self.version == 2 && bytes.get(14..16) == Some(&[0xFF; 2]) {
            captured.min(4)
        } else {
            0
        };
        let nanos =
            ticks.saturating_mul(i128::from(NANOS_PER_SECOND)) / i128::from(self.ticks_per_second);
        let Ok(ts) = i64::try_from(self.zero.saturating_add(nanos)) else {
            return Record::Wrong("time in ticks", u64::from_le_bytes(field(bytes, 0)));
        };
        let head = Head {
            ts: Some(ts),
            skip: header,
            captured: captured - extra,
            trailer: extra as usize,
            wire: wire.saturating_sub(extra).max(captured - extra),
            link: self.link,
        };
        Record::Packet(head, Drops::Since(0))
    }
}
