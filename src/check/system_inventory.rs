//! What one system has: its addresses, its zone, where its recording intervals ended.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use super::inventory::zone_of;
use super::observation::{About, Observation};

/// Addresses, and pairs of addresses, of a system that are told apart.
const MAX_ADDRESSES: usize = 1 << 18;
/// Ends of intervals that are told apart: a year of minutes.
const MAX_ENDS: usize = 1 << 19;
/// Differences of clocks that are looked at.
const MAX_DIFFERENCES: usize = 1 << 14;
/// Hundredths of a second in a minute.
const MINUTE: i64 = 6000;
/// How much later than its interval's end a record may be written, in hundredths of a
/// second.
const DELAY: i64 = 3000;
/// Microseconds in a hundredth of a second.
const MICROS: i64 = 10_000;

/// What one system has.
#[derive(Clone, Debug, Default)]
pub struct SystemInventory {
    /// Local addresses that records name as such, and in how many.
    local: BTreeMap<IpAddr, u64>,
    /// Server and client of sessions whose records do not say which is local.
    either: BTreeSet<(IpAddr, IpAddr)>,
    zones: Vec<i64>,
    /// Intervals: end on the local clock in hundredths of a second, length in
    /// microseconds, and whether the stack shut down then.
    intervals: BTreeSet<(i64, i64, bool)>,
}

impl SystemInventory {
    /// Takes a record.
    pub(super) fn add(&mut self, seen: &Observation) {
        match seen.about {
            About::Connection { tuple, end, .. } => {
                self.has(tuple.local.0);
                if let Some(end) = end
                    && self.zones.len() < MAX_DIFFERENCES
                {
                    self.zones.push(seen.written - end);
                }
            }
            About::Session { ends, duration, shut_down } => {
                if self.intervals.len() < MAX_ENDS {
                    self.intervals.insert((seen.written, duration, shut_down));
                }
                match ends.local() {
                    Some(local) => self.has(local),
                    None if self.either.len() < MAX_ADDRESSES => {
                        self.either.insert((ends.server, ends.client));
                    }
                    _ => {}
                }
            }
            About::Other { .. } => {}
        }
    }

    fn has(&mut self, local: IpAddr) {
        if self.local.len() < MAX_ADDRESSES || self.local.contains_key(&local) {
            *self.local.entry(local).or_default() += 1;
        }
    }

    /// The addresses that records name as local, and in how many they are.
    pub(super) fn records(&self) -> impl Iterator<Item = (&IpAddr, &u64)> {
        self.local.iter()
    }

    /// When its first interval began, and its last ended, in hundredths of a second.
    pub(super) fn period(&self) -> Option<(i64, i64)> {
        let (first, last) = (self.intervals.first()?, self.intervals.last()?);
        Some((first.0 - first.1 / MICROS, last.0))
    }

    /// Its local addresses. Of sessions that do not say which end is local it is the one
    /// that the fewest addresses suffice with; the server's where nothing tells.
    pub fn local(&self) -> BTreeSet<IpAddr> {
        let mut local: BTreeSet<IpAddr> = self.local.keys().copied().collect();
        let mut open: Vec<(IpAddr, IpAddr)> = self.either.iter().copied().collect();
        loop {
            open.retain(|(server, client)| !local.contains(server) && !local.contains(client));
            let mut counts = HashMap::<IpAddr, (u64, u64)>::new();
            for (server, client) in &open {
                for (address, as_server) in [(server, 1), (client, 0)] {
                    let count = counts.entry(*address).or_default();
                    count.0 += 1;
                    count.1 += as_server;
                }
            }
            let most =
                counts.into_iter().max_by_key(|(address, n)| (*n, std::cmp::Reverse(*address)));
            let Some((address, _)) = most else { return local };
            local.insert(address);
            // Many alike are each their own: one pass instead of one for each.
            if most.is_some_and(|(_, (count, _))| count == 1) {
                local.extend(open.iter().map(|(server, _)| *server));
            }
        }
    }

    /// The interval that ends next, at a moment or after it: its end and its length, in
    /// hundredths of a second.
    pub(super) fn interval_after(&self, moment: i64) -> Option<(i64, i64)> {
        let next = self.intervals.range((moment, i64::MIN, false)..).next();
        next.map(|&(end, micros, _)| (end, micros / MICROS))
    }

    /// How far its local time is ahead of UTC, in hundredths of a second, to a quarter of
    /// an hour; `None` if no record tells.
    pub fn zone(&self) -> Option<i64> {
        zone_of(&mut self.zones.clone())
    }

    /// Where its recording intervals ended, on its local clock, in hundredths of a second,
    /// ascending: where their records say, and where the first of them began. Records are
    /// written a little after the end, which is at a full minute unless the stack shut
    /// down.
    pub fn interval_ends(&self) -> Vec<i64> {
        // The earliest record of each set, by the length of its interval.
        let mut ends = BTreeMap::<i64, bool>::new();
        let mut last: Option<(i64, i64)> = None;
        let mut starts = Vec::new();
        for &(written, micros, shut_down) in &self.intervals {
            let length = micros / MICROS;
            let slack = (length / 4).min(DELAY);
            let same_set = last.is_some_and(|(end, l)| {
                written - end <= slack && (l - length).abs() <= slack.max(100)
            });
            if same_set {
                continue;
            }
            last = Some((written, length));
            // What was counted in the last hundredth of a second belongs to it.
            let end = if shut_down { written + 1 } else { full_minute(written, length) };
            ends.insert(end, shut_down);
            let start = written * MICROS - micros;
            // The first beginning is rounded down, so that nothing comes before it.
            let start = if starts.is_empty() {
                (start - 1).div_euclid(MICROS)
            } else {
                full_minute((start + MICROS - 1).div_euclid(MICROS), length)
            };
            starts.push((start, slack));
        }
        for (start, slack) in starts {
            let known = ends.range(start - slack..=start + slack).next().is_some();
            if !known {
                ends.insert(start, false);
            }
        }
        ends.into_keys().collect()
    }
}

/// The full minute that a moment is a little after, if it is; otherwise the moment.
fn full_minute(moment: i64, length: i64) -> i64 {
    let past = moment.rem_euclid(MINUTE);
    if past <= (length / 4).min(DELAY) { moment - past } else { moment }
}

#[cfg(test)]
mod tests {
    use super::super::observation::{Ends, LOCAL_IS_CLIENT, System};
    use super::*;

    fn ip(n: u8) -> IpAddr {
        [192, 0, 2, n].into()
    }

    fn session(
        server: u8,
        client: u8,
        role: u8,
        written: i64,
        seconds: i64,
        end: bool,
    ) -> Observation {
        let ports = (443, 443);
        let ends =
            Ends { server: ip(server), client: ip(client), ports, ip_proto: 6, role, protocols: 0 };
        let about = About::Session { ends, duration: seconds * 1_000_000, shut_down: end };
        Observation { system: System::default(), written, subtype: 12, about }
    }

    #[test]
    fn intervals_end_at_full_minutes_and_at_the_shutdown() {
        let mut seen = SystemInventory::default();
        let hour = 360_000;
        // Half an hour is partial, and one is silent; records come up to three seconds late.
        for (written, seconds, end) in [
            (hour + 210, 1730, false),
            (hour + 240, 1730, false),
            (hour + 180_100, 1800, false),
            (3 * hour, 1800, false),
            (3 * hour + 12_345, 123, true),
        ] {
            seen.add(&session(1, 2, 0, written, seconds, end));
        }
        let expected = [
            hour + 210 - 173_000 - 1,
            hour,
            hour + 180_000,
            3 * hour - 180_000,
            3 * hour,
            3 * hour + 12_346,
        ];
        assert_eq!(seen.interval_ends(), expected);
    }

    #[test]
    fn the_fewest_addresses_are_local() {
        let mut seen = SystemInventory::default();
        for client in 10..20 {
            seen.add(&session(1, client, 0, 0, 1, false));
        }
        seen.add(&session(9, 1, 0, 0, 1, false));
        assert_eq!(seen.local(), BTreeSet::from([ip(1)]));
        // One session alone: the server's. Roles say it.
        let mut seen = SystemInventory::default();
        seen.add(&session(5, 6, 0, 0, 1, false));
        seen.add(&session(7, 8, LOCAL_IS_CLIENT, 0, 1, false));
        assert_eq!(seen.local(), BTreeSet::from([ip(5), ip(8)]));
    }
}
