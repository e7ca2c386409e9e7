//! What a side has, before anything is compared: period, systems, addresses.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use hashbrown::HashSet;

use super::calibration::prevailing;
use super::observation::{About, LOCAL_IS_CLIENT, Observation, System};
use super::system_inventory::SystemInventory;
use crate::record::{Level, SUBTYPE_SUMMARY};

/// Addresses that are told apart; beyond them an address counts as there.
const MAX_ADDRESSES: usize = 1 << 20;
/// Differences of clocks that are looked at.
const MAX_DIFFERENCES: usize = 1 << 18;
/// Hundredths of a second in a quarter of an hour: time zones differ by these.
const QUARTER: i64 = 90_000;
/// Initiations of connections whose times are looked at.
const MAX_INITIATIONS: usize = 1 << 14;
/// `sc_event_type`: a connection is initiated, and how long after its beginning that is
/// written, in hundredths of a second.
const INITIATION: u8 = 1;
const SETTLED: i64 = 1000;
/// Systems that are told apart.
const MAX_SYSTEMS: usize = 256;
/// Records that an address has to have before it is said to be one system's.
const LEAST_OF_OWNER: u64 = 8;
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
    /// The same where a connection is initiated, which is less certain.
    initiations: Vec<i64>,
    /// By system.
    of_systems: BTreeMap<System, SystemInventory>,
    /// The stacks' addresses, and whose they are.
    home: BTreeMap<IpAddr, BTreeSet<System>>,
    /// The systems that addresses are of, where that is certain.
    owners: BTreeMap<IpAddr, System>,
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
        if self.of_systems.len() < MAX_SYSTEMS || self.of_systems.contains_key(&seen.system) {
            self.of_systems.entry(seen.system).or_default().add(seen);
        }
        match seen.about {
            About::Connection { tuple, kind, start, end, .. } => {
                let (first, last) = self.period.unwrap_or((start, start));
                self.period = Some((first.min(start), last.max(end.unwrap_or(start))));
                if let Some(end) = end
                    && self.zones.len() < MAX_DIFFERENCES
                {
                    self.zones.push(seen.written - end);
                } else if kind == INITIATION && self.initiations.len() < MAX_INITIATIONS {
                    let ahead = seen.written - start - SETTLED;
                    // One that was written much later tells nothing.
                    let past = (ahead + SETTLED).rem_euclid(QUARTER);
                    if past <= 2 * SETTLED {
                        self.initiations.push(ahead);
                    }
                }
                let (local, remote) = (tuple.local.0, tuple.remote.0);
                self.addresses(local, remote);
                if matches!(tuple.ip_proto, ESP | AH) {
                    self.tunnels.extend([local, remote]);
                }
            }
            About::Session { ends, .. } => {
                if self.ends.len() < MAX_ADDRESSES {
                    self.ends.insert(seen.written.div_euclid(100));
                }
                // From 3.2 on and before: the role says which end is local.
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

    /// Whether an address is a stack's, as far as sessions tell which end is local; see
    /// [`SystemInventory::local`].
    pub fn has_home(&self, address: IpAddr) -> bool {
        self.home.is_empty() && self.has_local(address) || self.home.contains_key(&address)
    }

    /// Whether two different addresses are the same stack's.
    pub fn is_of_one_stack(&self, one: IpAddr, other: IpAddr) -> bool {
        let systems = self.home.get(&one).zip(self.home.get(&other));
        one != other && systems.is_some_and(|(a, b)| a.intersection(b).next().is_some())
    }

    /// Works out the stacks' addresses; to be called when all records were taken.
    pub fn find_home(&mut self) {
        if self.of_systems.len() >= MAX_SYSTEMS {
            return;
        }
        self.owners.clear();
        let mut counts = BTreeMap::<IpAddr, Vec<(u64, System)>>::new();
        for (system, of) in &self.of_systems {
            for (address, records) in of.records() {
                counts.entry(*address).or_default().push((*records, *system));
            }
        }
        for (address, systems) in counts {
            let all: u64 = systems.iter().map(|(records, _)| records).sum();
            if let Some((most, system)) = systems.iter().max()
                && all >= LEAST_OF_OWNER
                && most * 10 >= all * 9
            {
                self.owners.insert(address, *system);
            }
        }
        for (system, of) in &self.of_systems {
            for address in of.local() {
                self.home.entry(address).or_default().insert(*system);
            }
        }
    }

    /// Whether a tunnel ends at an address.
    pub fn has_tunnel(&self, address: IpAddr) -> bool {
        self.tunnels.contains(&address)
    }

    /// How far the local time of all record headers is ahead of UTC, in hundredths of a
    /// second, to a quarter of an hour.
    pub fn zone(&mut self) -> Option<i64> {
        zone_of(&mut self.zones).or_else(|| zone_of(&mut self.initiations))
    }

    /// The interval of a system that ends next, at a moment of its local clock or after it:
    /// its end and its length, in hundredths of a second. Of all systems where that one wrote
    /// nothing.
    pub(super) fn interval_after(&self, system: &System, moment: i64) -> Option<(i64, i64)> {
        match self.of_systems.get(system) {
            Some(of) => of.interval_after(moment),
            None => self.of_systems.values().filter_map(|of| of.interval_after(moment)).min(),
        }
    }

    /// When the first interval of a system began, and its last ended, on its local clock, in
    /// hundredths of a second. Of all systems where that one wrote nothing.
    pub(super) fn intervals_of(&self, system: &System) -> Option<(i64, i64)> {
        if let Some(of) = self.of_systems.get(system) {
            return of.period();
        }
        let all = self.of_systems.values().filter_map(SystemInventory::period);
        all.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
    }

    /// The only system that an address is of; `None` if it is of several, as an address that is
    /// shared by stacks, or moves between them, is.
    pub fn owner(&self, address: IpAddr) -> Option<System> {
        self.owners.get(&address).copied()
    }

    /// Whether an interval of a system ends at a moment of the local clock, more or less; both
    /// in hundredths of a second. Of any system where that one wrote nothing.
    pub(super) fn ends_at(&self, system: &System, moment: i64, slack: i64) -> bool {
        if let Some(of) = self.of_systems.get(system) {
            return of.interval_after(moment - slack).is_some_and(|(end, _)| end <= moment + slack);
        }
        let (from, to) = ((moment - slack).div_euclid(100), (moment + slack).div_euclid(100));
        self.ends.len() >= MAX_ADDRESSES || self.ends.range(from..=to).next().is_some()
    }

    /// What each system has; of many, the first that came.
    pub fn of_systems(&self) -> impl Iterator<Item = (&System, &SystemInventory)> {
        self.of_systems.iter()
    }

    /// Forgets the summary records: others take their place.
    pub(super) fn forget_summaries(&mut self) {
        self.records.remove(&SUBTYPE_SUMMARY);
        self.ends.clear();
    }

    /// Whether there is no connection and no session.
    pub fn is_empty(&self) -> bool {
        self.period.is_none() && self.ends.is_empty()
    }

    /// All records.
    pub fn total(&self) -> u64 {
        self.records.values().sum()
    }
}

/// The zone, to a quarter of an hour, that most differences speak for.
pub(super) fn zone_of(differences: &mut [i64]) -> Option<i64> {
    let ahead = prevailing(differences, QUARTER / 30)?;
    Some((ahead + QUARTER / 2).div_euclid(QUARTER) * QUARTER)
}
