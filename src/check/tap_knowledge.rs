//! What the tap knows of the connections of a part beside their records, and how to find it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::observation::{Ends, Tuple};
use super::outcome::Reason;
use super::tap_observations::{KINDS, TapObservations};

/// The port of FTP data connections that the server opens.
const FTP_DATA: u16 = 20;
/// A connection is in its security sessions when it has lasted so long, in hundredths of a
/// second; a stack may count it earlier.
const SETTLES: i64 = 1000;
/// What times of records and packets may be apart, in hundredths of a second.
const SLACK: i64 = 100;

/// What is known, by connection, and by the addresses that it is between.
#[derive(Debug, Default)]
pub(super) struct TapKnowledge {
    all: BTreeMap<([(IpAddr, u16); 2], i64), TapObservations>,
    /// In the order of time; of those that cannot be compared apart.
    between: BTreeMap<(IpAddr, IpAddr), (Vec<TapObservations>, Vec<TapObservations>)>,
}

/// Connections that began shortly before an interval ended, or began: one side may count them
/// in it, the other in the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Young {
    pub connections: u64,
    /// All that they have sent in both directions.
    pub bytes: u64,
    pub segments: u64,
    /// Whether there are some at the beginning of the interval and at its end.
    pub at_both_ends: bool,
}

impl TapKnowledge {
    /// Takes what is known of a connection.
    pub fn add(&mut self, known: TapObservations) {
        self.all.insert((known.ends, known.start), known);
    }

    /// Puts in order what came.
    pub fn finish(&mut self) {
        for known in self.all.values() {
            let key = (known.ends[0].0, known.ends[1].0);
            let (all, not_comparable) = self.between.entry(key).or_default();
            all.push(*known);
            if known.incomplete || known.not_known {
                not_comparable.push(*known);
            }
        }
        for (all, not_comparable) in self.between.values_mut() {
            all.sort_by_key(|known| known.start);
            not_comparable.sort_by_key(|known| known.start);
        }
    }

    /// What the tap knows of a connection of its own.
    pub fn of(&self, tuple: Tuple, start: i64) -> Option<&TapObservations> {
        self.all.get(&(ends(tuple), start))
    }

    /// Why a connection that the tap has seen between two moments cannot be compared, if
    /// it cannot.
    pub fn not_comparable(&self, tuple: Tuple, from: i64, to: i64) -> Option<Reason> {
        let ends = ends(tuple);
        let within = || self.all.range((ends, from.min(to))..=(ends, to)).map(|(_, known)| known);
        if within().any(|known| known.incomplete) {
            Some(Reason::Incomplete)
        } else if within().any(|known| known.not_known) {
            Some(Reason::NotKnown)
        } else {
            None
        }
    }

    /// Whether the tap has seen a connection of a session that cannot be compared, within the
    /// time of an interval if that is known: the session counts others than the stack's does.
    pub fn has_not_comparable(&self, session: &Ends, within: Option<(i64, i64)>) -> bool {
        let Some((_, odd)) = self.between.get(&pair(session)) else { return false };
        odd.iter().any(|known| {
            let is_then = within.is_none_or(|(from, to)| {
                known.start <= to + SLACK && known.end.is_none_or(|end| end >= from - SLACK)
            });
            is_then && is_of(known, session)
        })
    }

    /// The connections of a session that began within ten seconds before a moment.
    pub fn young(&self, session: &Ends, moment: i64) -> Young {
        let mut young = Young::default();
        let Some((all, _)) = self.between.get(&pair(session)) else { return young };
        let from = all.partition_point(|known| known.start < moment - SETTLES - SLACK);
        let then = all.get(from..).unwrap_or_default().iter();
        for known in then.take_while(|known| known.start <= moment + SLACK) {
            if is_of(known, session) {
                young.connections += 1;
                young.bytes += known.bytes.iter().sum::<u64>();
                young.segments += known.segments.iter().sum::<u64>();
            }
        }
        young
    }

    /// All connections of a session: segments of the client and the server, and what they are
    /// for, if that is known of all.
    pub fn kinds(&self, session: &Ends) -> Option<([u64; 2], [[u64; KINDS]; 2])> {
        let (all, _) = self.between.get(&pair(session))?;
        let (mut segments, mut kinds) = ([0; 2], [[0; KINDS]; 2]);
        for known in all.iter().filter(|known| is_of(known, session)) {
            for (sum, more) in segments.iter_mut().zip(known.segments) {
                *sum += more;
            }
            for (sum, more) in kinds.iter_mut().flatten().zip(known.kinds?.iter().flatten()) {
                *sum += more;
            }
        }
        Some((segments, kinds))
    }
}

impl Young {
    /// Those at both ends of an interval.
    pub fn and(self, other: Self) -> Self {
        Self {
            connections: self.connections + other.connections,
            bytes: self.bytes + other.bytes,
            segments: self.segments + other.segments,
            at_both_ends: self.connections > 0 && other.connections > 0,
        }
    }
}

fn pair(session: &Ends) -> (IpAddr, IpAddr) {
    (session.server.min(session.client), session.server.max(session.client))
}

/// Whether a connection between the addresses of a session is one of its own.
fn is_of(known: &TapObservations, session: &Ends) -> bool {
    // Ports of FTP data are not always those of the connection.
    let any_port = session.ports.0 != session.ports.1 || session.ports.0 == FTP_DATA;
    let [_, (server, port)] = known.client_and_server();
    let served = server == session.server && (session.ports.0..=session.ports.1).contains(&port);
    any_port || served
}

/// The ends of a connection, the lower first.
fn ends(tuple: Tuple) -> [(IpAddr, u16); 2] {
    [tuple.local.min(tuple.remote), tuple.local.max(tuple.remote)]
}
