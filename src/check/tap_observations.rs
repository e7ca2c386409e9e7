//! What the tap knows of a connection beside its records.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Nanoseconds in a hundredth of a second.
const HUNDREDTH: i128 = 10_000_000;

/// What the tap knows of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TapObservations {
    /// Its ends, the lower first.
    pub ends: [(IpAddr, u16); 2],
    /// When it was established, hundredths of a second since 1970, UTC.
    pub start: i64,
    /// Whether the capture lacks a part of it.
    pub incomplete: bool,
    /// Whether clear text came before its handshake.
    pub late: bool,
    /// Whether the capture does not tell if it was protected: there is no record of it.
    pub not_known: bool,
}

impl TapObservations {
    /// Takes them from a line of the JSON output; `None` if it is about something
    /// else, or about nothing that has to be known.
    pub fn of(line: &[u8]) -> Option<Self> {
        let line: Value = serde_json::from_slice(line).ok()?;
        if line.get("type")? != "connection" {
            return None;
        }
        let incomplete = line.get("incomplete").is_some_and(|value| *value == true);
        let late = line.get("clear_before").is_some();
        let not_known = line.get("protection_known").is_some_and(|value| *value == false);
        if !incomplete && !late && !not_known {
            return None;
        }
        let end = |name: &str| {
            let end = line.get(name)?;
            let ip = end.get("ip")?.as_str()?.parse().ok()?;
            let port = u16::try_from(end.get("port")?.as_u64()?).ok()?;
            Some((ip, port))
        };
        let (one, other) = (end("client")?, end("server")?);
        let time = |name: &str| line.get(name)?.as_str();
        let start = time("established_at").or_else(|| time("start"))?;
        let start: jiff::Timestamp = start.parse().ok()?;
        let start = i64::try_from(start.as_nanosecond().div_euclid(HUNDREDTH)).ok()?;
        Some(Self { ends: [one.min(other), one.max(other)], start, incomplete, late, not_known })
    }
}
