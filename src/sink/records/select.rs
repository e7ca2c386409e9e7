//! Which records are wanted.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use super::event;
use crate::record::{Record, SUBTYPE_DETAIL, SUBTYPE_SUMMARY, SmfTime, ebcdic};

/// What filters ask of a zERT record, by the offsets of its common section.
#[derive(Clone, Copy, Debug)]
pub struct RecordSummary {
    /// Subtype.
    pub subtype: u16,
    /// Event type.
    pub event: u8,
    /// Protocol flags.
    pub protocols: u8,
    /// Local and remote, or server and client address.
    pub addresses: [IpAddr; 2],
    /// Ports: each a range.
    pub ports: [(u16, u16); 2],
    /// Job name, EBCDIC.
    pub job: [u8; 8],
    /// SMF system identifier, EBCDIC.
    pub sid: [u8; 4],
    /// Name of the stack, EBCDIC; blanks without identification section.
    pub stack: [u8; 8],
    /// When the record was written, in local time.
    pub written: Moment,
    /// The same as the record has it.
    pub time: SmfTime,
}

impl RecordSummary {
    /// Whether the record tells of the stack, that zERT was turned on or off, rather than of
    /// a connection or a security session.
    pub fn is_event(&self) -> bool {
        match self.subtype {
            SUBTYPE_DETAIL => matches!(self.event, 5 | 6),
            SUBTYPE_SUMMARY => matches!(self.event, 2 | 3),
            _ => false,
        }
    }
}

/// A date and time of day without zone: days count as `yyyyddd`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    day: u32,
    hundredths: u32,
}

impl Moment {
    /// The time of a record's header.
    fn of(time: SmfTime) -> Self {
        let digit = |n: u32| time.date >> (4 * n) & 0xF;
        let year = 1900 + 100 * digit(6) + 10 * digit(5) + digit(4);
        let day = 100 * digit(3) + 10 * digit(2) + digit(1);
        Self { day: 1000 * year + day, hundredths: time.time }
    }
}

/// `YYYY-MM-DD`, or with a time of day: `YYYY-MM-DDTHH:MM[:SS]`.
impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            |_| "expected a date like 2026-11-23 or a time like 2026-11-23T10:30".to_owned();
        let time: jiff::civil::DateTime = match text.parse::<jiff::civil::Date>() {
            Ok(date) if !text.contains(['T', ' ']) => {
                date.to_datetime(jiff::civil::Time::midnight())
            }
            _ => text.parse().map_err(wrong)?,
        };
        let number = |n: i64| u32::try_from(n).unwrap_or(0);
        let seconds = 3600 * i64::from(time.hour())
            + 60 * i64::from(time.minute())
            + i64::from(time.second());
        Ok(Self {
            day: number(1000 * i64::from(time.year()) + i64::from(time.day_of_year())),
            hundredths: number(100 * seconds),
        })
    }
}

impl RecordSummary {
    /// Looks at a record; `None` if it is no zERT record or its common section is
    /// too short.
    pub fn of(record: &Record<'_>) -> Option<Self> {
        let subtype = record.subtype()?;
        let s1 = record.section(1)?;
        let half = |at: usize| Some(u16::from_be_bytes(*s1.get(at..)?.first_chunk()?));
        let (flags, protocols, job, addresses) = match subtype {
            SUBTYPE_DETAIL => (2, 1, 8, [64, 48]),
            SUBTYPE_SUMMARY => (9, 10, 11, [28, 44]),
            _ => return None,
        };
        let ipv6 = s1.get(flags)? & 0x80 != 0;
        let address = |at: usize| -> Option<IpAddr> {
            let bytes: [u8; 16] = s1.get(at..at + 16)?.try_into().ok()?;
            Some(if ipv6 {
                Ipv6Addr::from(bytes).into()
            } else {
                Ipv4Addr::new(bytes[0], bytes[1], bytes[2], bytes[3]).into()
            })
        };
        let ports = match subtype {
            SUBTYPE_DETAIL => [half(82)?, half(80)?].map(|port| (port, port)),
            _ => [(half(60)?, half(62)?), (0, 0)],
        };
        let head = record.bytes();
        let time = record.written()?;
        Some(Self {
            subtype,
            event: event(record)?,
            protocols: *s1.get(protocols)?,
            addresses: [address(addresses[0])?, address(addresses[1])?],
            ports,
            job: s1.get(job..job + 8)?.try_into().ok()?,
            sid: *head.get(14..)?.first_chunk()?,
            stack: record
                .section(0)
                .and_then(|s| s.get(16..24)?.try_into().ok())
                .unwrap_or([ebcdic::BLANK; 8]),
            written: Moment::of(time),
            time,
        })
    }
}

/// A name as text.
fn text(name: &[u8]) -> String {
    ebcdic::decode(name).trim_end_matches([' ', '\0']).to_owned()
}

/// Which records are wanted: those that fit every list that is not empty. Protocols, addresses
/// and ports are those of connections and sessions: no event record of the stack fits them.
#[derive(Clone, Debug, Default)]
pub struct Selection<P> {
    /// Subtypes.
    pub subtypes: Vec<u16>,
    /// Event types.
    pub events: Vec<u8>,
    /// Protocol flags; zero is no protection.
    pub protocols: Vec<u8>,
    /// Addresses of either end.
    pub addresses: Vec<P>,
    /// Ports of either end.
    pub ports: Vec<u16>,
    /// Job names; `*` stands for any characters, `%` for one.
    pub jobs: Vec<String>,
    /// SMF system identifiers, likewise.
    pub sids: Vec<String>,
    /// Names of stacks, likewise.
    pub stacks: Vec<String>,
    /// Written at this time or later.
    pub since: Option<Moment>,
    /// Written before this time.
    pub until: Option<Moment>,
}

impl<P> Selection<P> {
    /// Whether a record is wanted; `holds` tells whether an address is in a prefix.
    pub fn wants(&self, glance: &RecordSummary, holds: impl Fn(&P, IpAddr) -> bool) -> bool {
        fn fits<T>(wanted: &[T], test: impl Fn(&T) -> bool) -> bool {
            wanted.is_empty() || wanted.iter().any(test)
        }
        fn named(wanted: &[String], name: &[u8]) -> bool {
            wanted.is_empty() || {
                let name = text(name);
                wanted.iter().any(|pattern| is_like(&name, pattern))
            }
        }
        let asks_of_sessions =
            !self.protocols.is_empty() || !self.addresses.is_empty() || !self.ports.is_empty();
        !(asks_of_sessions && glance.is_event())
            && fits(&self.subtypes, |s| *s == glance.subtype)
            && fits(&self.events, |e| *e == glance.event)
            && fits(&self.protocols, |p| match p {
                0 => glance.protocols == 0,
                flag => glance.protocols & flag != 0,
            })
            && fits(&self.addresses, |p| glance.addresses.iter().any(|a| holds(p, *a)))
            && fits(&self.ports, |p| glance.ports.iter().any(|(a, b)| (a..=b).contains(&p)))
            && named(&self.jobs, &glance.job)
            && named(&self.sids, &glance.sid)
            && named(&self.stacks, &glance.stack)
            && self.since.is_none_or(|s| glance.written >= s)
            && self.until.is_none_or(|u| glance.written < u)
    }
}

/// Whether a name fits a pattern, as z/OS masks names: `*` any characters, `%` one.
fn is_like(name: &str, pattern: &str) -> bool {
    let (name, pattern): (Vec<char>, Vec<char>) =
        (name.chars().collect(), pattern.to_ascii_uppercase().chars().collect());
    // Where the last star stood, and what of the name it has taken.
    let (mut n, mut p, mut star) = (0, 0, None);
    while let Some(of_name) = name.get(n) {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(c) if *c == '%' || c == of_name => {
                n += 1;
                p += 1;
            }
            _ => {
                let Some((at, taken)) = star else { return false };
                star = Some((at, taken + 1));
                (n, p) = (taken + 1, at + 1);
            }
        }
    }
    pattern.iter().skip(p).all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks() {
        for (name, pattern, fits) in [
            ("TN3270", "TN*", true),
            ("TN3270", "tn327%", true),
            ("TN3270", "TN327", false),
            ("FTPD1", "*D1", true),
            ("FTPD12", "*D1", false),
            ("", "*", true),
            ("ABAB", "*AB", true),
        ] {
            assert_eq!(is_like(name, pattern), fits, "{name} {pattern}");
        }
    }

    #[test]
    fn moments() {
        let moment = |text: &str| text.parse::<Moment>().expect("a moment");
        // 2025-11-22 14:30:15.25 is day 326.
        let record = Moment::of(SmfTime { time: 0x004F_AC95, date: 0x0125_326F });
        assert!(moment("2025-11-22") < record && record < moment("2025-11-23"));
        assert!(moment("2025-11-22T14:30:15") < record && record < moment("2025-11-22 14:30:16"));
        assert!("yesterday".parse::<Moment>().is_err_and(|e| e.contains("2026-11-23")));
    }
}
