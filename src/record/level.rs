//! Releases of z/OS and the levels of the records that they write.

use std::fmt;
use std::str::FromStr;

use super::{Record, SUBTYPE_DETAIL, SUBTYPE_SUMMARY, TYPE_TCPIP};

/// A release of z/OS that has brought fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Release {
    /// V2R3, where zERT began.
    V2r3,
    /// V2R4 (inferred).
    V2r4,
    /// V2R5.
    V2r5,
    /// 3.2.
    V3r2,
}

impl Release {
    /// IBM's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::V2r3 => "V2R3",
            Self::V2r4 => "V2R4",
            Self::V2r5 => "V2R5",
            Self::V3r2 => "3.2",
        }
    }
}

/// The level of a record's layout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// V2R3 and V2R4: seven triplets in subtype 11, six in subtype 12.
    #[default]
    V2r3,
    /// V2R5 and 3.1: subtype 11 has an eighth triplet.
    V2r5,
    /// 3.2: failed handshakes, roles, and certificates in subtype 12.
    V3r2,
}

/// `sc_flags`: the local socket is the server, the client; new in 3.2.
const ROLES: u8 = 0x18;
/// `tls_handshake_type`: failed; new in 3.2.
const FAILED: u8 = 3;
/// Lengths of subtype 12's sections from 3.2 on.
const COMMON: usize = 212;
const TLS: usize = 116;
const IPSEC: usize = 148;
/// Triplets of subtype 11 from V2R5 on.
const TRIPLETS: usize = 8;

impl Level {
    /// All levels.
    pub const ALL: [Self; 3] = [Self::V2r3, Self::V2r5, Self::V3r2];

    /// Its name among the options.
    pub fn name(self) -> &'static str {
        match self {
            Self::V2r3 => "v2r3",
            Self::V2r5 => "v2r5",
            Self::V3r2 => "v3r2",
        }
    }

    /// Whether records of the level tell of handshakes that failed.
    pub fn tells_of_failures(self) -> bool {
        self == Self::V3r2
    }

    /// The level of a record, by the number of its triplets, the lengths of its
    /// sections and values that earlier levels do not have. What a level has
    /// brought may be absent from a record of that level, which then looks like
    /// an earlier one. `None` for other records.
    pub fn of(record: &Record<'_>) -> Option<Self> {
        if record.record_type() != TYPE_TCPIP {
            return None;
        }
        let section = |index| record.section(index);
        let length = |index| section(index).map_or(0, <[u8]>::len);
        let byte = |index, at: usize| section(index).and_then(|s| s.get(at)).copied().unwrap_or(0);
        match record.subtype()? {
            SUBTYPE_DETAIL
                if byte(1, 2) & ROLES != 0 || byte(3, 3) == FAILED || byte(4, 4) != 0 =>
            {
                Some(Self::V3r2)
            }
            SUBTYPE_DETAIL if record.triplet_count() >= TRIPLETS => Some(Self::V2r5),
            SUBTYPE_SUMMARY if length(1) >= COMMON || length(2) >= TLS || length(4) >= IPSEC => {
                Some(Self::V3r2)
            }
            SUBTYPE_DETAIL | SUBTYPE_SUMMARY => Some(Self::V2r3),
            _ => None,
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Level {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|level| level.name().eq_ignore_ascii_case(text))
            .ok_or_else(|| "expected v2r3, v2r5 or v3r2".to_owned())
    }
}
