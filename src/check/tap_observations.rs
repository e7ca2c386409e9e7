//! What the tap knows of a connection beside its records.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// Nanoseconds in a hundredth of a second.
const HUNDREDTH: i128 = 10_000_000;
/// Numbers of [`TapObservations::kinds`] of a direction.
pub(super) const KINDS: usize = 8;

/// What the tap knows of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TapObservations {
    /// Its ends, the lower first.
    pub ends: [(IpAddr, u16); 2],
    /// Whether the server is the first of them.
    pub server_first: bool,
    /// When it was established, hundredths of a second since 1970, UTC.
    pub start: i64,
    /// When it ended, if it did.
    pub end: Option<i64>,
    /// Whether the capture lacks a part of it.
    pub incomplete: bool,
    /// Whether clear text came before its handshake.
    pub late: bool,
    /// Whether the capture does not tell if it was protected: there is no record of it.
    pub not_known: bool,
    /// Bytes and segments of the client and of the server.
    pub bytes: [u64; 2],
    /// Every segment.
    pub segments: [u64; 2],
    /// Segments by what they are for, in the order of `config::SegmentKind::ALL`, and the
    /// bytes that were sent again.
    pub kinds: Option<[[u64; KINDS]; 2]>,
}

/// What is read of a line of the JSON output.
#[derive(Deserialize)]
struct Line<'a> {
    r#type: &'a str,
    client: End,
    server: End,
    start: &'a str,
    established_at: Option<&'a str>,
    end: Option<&'a str>,
    #[serde(default)]
    incomplete: bool,
    clear_before: Option<serde::de::IgnoredAny>,
    protection_known: Option<bool>,
    bytes: Option<Both>,
    segments: Option<Both>,
    segment_kinds: Option<[[u64; KINDS]; 2]>,
}

#[derive(Deserialize)]
struct End {
    ip: IpAddr,
    port: u16,
}

#[derive(Deserialize)]
struct Both {
    from_client: u64,
    from_server: u64,
}

impl Both {
    fn numbers(both: Option<&Self>) -> [u64; 2] {
        both.map_or([0; 2], |both| [both.from_client, both.from_server])
    }
}

impl TapObservations {
    /// Takes them from a line of the JSON output; `None` if it is about something
    /// else, or about nothing that has to be known.
    pub fn of(line: &[u8]) -> Option<Self> {
        let line: Line<'_> = serde_json::from_slice(line).ok()?;
        if line.r#type != "connection" {
            return None;
        }
        let late = line.clear_before.is_some();
        let not_known = line.protection_known == Some(false);
        if line.established_at.is_none() && !line.incomplete && !late && !not_known {
            return None;
        }
        let hundredths = |text: &str| {
            let moment: jiff::Timestamp = text.parse().ok()?;
            i64::try_from(moment.as_nanosecond().div_euclid(HUNDREDTH)).ok()
        };
        let (client, server) =
            ((line.client.ip, line.client.port), (line.server.ip, line.server.port));
        Some(Self {
            ends: [client.min(server), client.max(server)],
            server_first: server <= client,
            start: hundredths(line.established_at.unwrap_or(line.start))?,
            end: line.end.and_then(hundredths),
            incomplete: line.incomplete,
            late,
            not_known,
            bytes: Both::numbers(line.bytes.as_ref()),
            segments: Both::numbers(line.segments.as_ref()),
            kinds: line.segment_kinds,
        })
    }

    /// Client and server.
    pub(super) fn client_and_server(&self) -> [(IpAddr, u16); 2] {
        let [first, second] = self.ends;
        if self.server_first { [second, first] } else { [first, second] }
    }
}
