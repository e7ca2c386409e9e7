//! What a side has, before anything is compared: period, systems, addresses.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use hashbrown::HashSet;

use super::calibration::prevailing;
use super::observation::{About, Observation, System};
use crate::record::Level;

/// Addresses that are told apart; beyond them an address counts as there.
const MAX_ADDRESSES: usize = 1 << 20;
/// Differences of clocks that are looked at.
const MAX_DIFFERENCES: usize = 1 << 18;
/// Hundredths of a second in a quarter of an hour: time zones differ by these.
const QUARTER: i64 = 90_000;
/// Hundredths of a second in a day.
const DAY: i64 = 8_640_000;
/// IP protocols of tunnels.
const ESP: u8 = 0x32;
const AH: u8 = 0x33;

/// Addresses, in as little memory as they take: they are met in no order.
#[derive(Clone, Debug, Default)]
struct Addresses {
    ipv4: HashSet<u32, foldhash::quality::RandomState>,
    ipv6: HashSet<u128, foldhash::quality::RandomState>,
}

impl Addresses {
    fn len(&self) -> usize {
        self.ipv4.len() + self.ipv6.len()
    }

    fn insert(&mut self, address: IpAddr) {
        match address {
            IpAddr::V4(a) => self.ipv4.insert(a.to_bits()),
            IpAddr::V6(a) => self.ipv6.insert(a.to_bits()),
        };
    }

    fn contains(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(a) => self.ipv4.contains(&a.to_bits()),
            IpAddr::V6(a) => self.ipv6.contains(&a.to_bits()),
        }
    }
}

/// What a side has.
#[derive(Clone, Debug, Default)]
pub struct Inventory {
    /// Records by subtype.
    pub records: BTreeMap<u16, u64>,
    /// Systems, and how many records of each.
    pub systems: BTreeMap<System, u64>,
    /// The earliest beginning and the latest moment of a connection, in hundredths of
    /// a second since 1970, UTC.
    pub period: Option<(i64, i64)>,
    /// Local addresses.
    pub local: BTreeSet<IpAddr>,
    /// All addresses.
    all: Addresses,
    /// Ends of tunnels.
    tunnels: BTreeSet<IpAddr>,
    /// How far local time is ahead of UTC where a connection ends.
    zones: Vec<i64>,
    /// Summaries by the length of their interval in minutes, and the minutes by which
    /// its end is past a multiple of that after midnight.
    intervals: BTreeMap<(u32, u32), u64>,
    /// Ends of intervals on the writer's local clock, in seconds.
    ends: BTreeSet<i64>,
    /// The latest level.
    pub level: Level,
    /// The address that was local last: mostly it is again.
    last: Option<IpAddr>,
}

impl Inventory {
    /// Takes a record.
    pub fn add(&mut self, seen: &Observation, level: Level) {
        *self.records.entry(seen.subtype).or_default() += 1;
        *self.systems.entry(seen.system).or_default() += 1;
        self.level = self.level.max(level);
        match seen.about {
            About::Connection { tuple, start, end, .. } => {
                let (first, last) = self.period.unwrap_or((start, start));
                self.period = Some((first.min(start), last.max(end.unwrap_or(start))));
                if let Some(end) = end
                    && self.zones.len() < MAX_DIFFERENCES
                {
                    self.zones.push(seen.written - end);
                }
                let (local, remote) = (tuple.local.0, tuple.remote.0);
                self.addresses(local, remote);
                if matches!(tuple.ip_proto, ESP | AH) {
                    self.tunnels.extend([local, remote]);
                }
            }
            About::Session { ends, duration } => {
                if self.ends.len() < MAX_ADDRESSES {
                    self.ends.insert(seen.written.div_euclid(100));
                }
                let minutes =
                    |hundredths: i64| u32::try_from((hundredths + 3000) / 6000).unwrap_or(0);
                let length = minutes(duration);
                if (1..=1440).contains(&length) {
                    // A record is written a little after the interval's end.
                    let past = minutes(seen.written.rem_euclid(DAY)) % length;
                    *self.intervals.entry((length, past)).or_default() += 1;
                }
                // From 3.2 on and before: the role says which end is local.
                const LOCAL_IS_CLIENT: u8 = 0x20;
                let by_client = ends.role & LOCAL_IS_CLIENT != 0;
                let (local, remote) =
                    if by_client { (ends.client, ends.server) } else { (ends.server, ends.client) };
                self.addresses(local, remote);
            }
            About::Other { .. } => {}
        }
    }

    fn addresses(&mut self, local: IpAddr, remote: IpAddr) {
        if self.all.len() < MAX_ADDRESSES {
            self.all.insert(remote);
        }
        if self.last.replace(local) == Some(local) {
            return;
        }
        if self.all.len() < MAX_ADDRESSES {
            self.all.insert(local);
        }
        if self.local.len() < MAX_ADDRESSES && !self.local.contains(&local) {
            self.local.insert(local);
        }
    }

    /// Whether an address was seen.
    pub fn has(&self, address: IpAddr) -> bool {
        self.all.len() >= MAX_ADDRESSES || self.all.contains(address)
    }

    /// Whether an address is a stack's.
    pub fn has_local(&self, address: IpAddr) -> bool {
        self.local.len() >= MAX_ADDRESSES || self.local.contains(&address)
    }

    /// Whether a tunnel ends at an address.
    pub fn has_tunnel(&self, address: IpAddr) -> bool {
        self.tunnels.contains(&address)
    }

    /// How far the local time of record headers is ahead of UTC, in hundredths of a
    /// second, to a quarter of an hour.
    pub fn zone(&mut self) -> Option<i64> {
        let ahead = prevailing(&mut self.zones, QUARTER / 30)?;
        Some((ahead + QUARTER / 2).div_euclid(QUARTER) * QUARTER)
    }

    /// Whether an interval ends at a moment of the local clock, more or less; both in
    /// hundredths of a second.
    pub fn ends_at(&self, moment: i64, slack: i64) -> bool {
        let (from, to) = ((moment - slack).div_euclid(100), (moment + slack).div_euclid(100));
        self.ends.len() >= MAX_ADDRESSES || self.ends.range(from..=to).next().is_some()
    }

    /// The length of most intervals in minutes, and how many minutes past its
    /// multiples after midnight they end.
    pub fn interval(&self) -> Option<(u32, u32)> {
        let most = self.intervals.iter().max_by_key(|(key, count)| (**count, **key));
        most.map(|(key, _)| *key)
    }

    /// All records.
    pub fn total(&self) -> u64 {
        self.records.values().sum()
    }
}
