//! The z/OS stacks whose traffic is on the wire, and whose an address is.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::{Identity, Interval, Jobs, LocalEnd, Prefix, Schedule};

/// Addresses of a stack: single ones and prefixes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Home {
    own: Vec<Prefix>,
    possible: Vec<Prefix>,
}

impl Home {
    /// Takes the prefixes.
    pub fn new(prefixes: Vec<Prefix>) -> Self {
        Self { own: prefixes, possible: Vec::new() }
    }

    /// Takes prefixes that are the stack's unless they are another's: backups and
    /// ranges of dynamic virtual addresses.
    #[must_use]
    pub fn with_possible(mut self, prefixes: Vec<Prefix>) -> Self {
        self.possible = prefixes;
        self
    }

    /// Takes more addresses that are the stack's.
    #[must_use]
    pub fn and_own(mut self, prefixes: Vec<Prefix>) -> Self {
        self.own.extend(prefixes);
        self
    }

    /// All its addresses.
    pub fn iter(&self) -> impl Iterator<Item = &Prefix> {
        self.own.iter().chain(&self.possible)
    }

    /// Whether no address is configured.
    pub fn is_empty(&self) -> bool {
        self.own.is_empty() && self.possible.is_empty()
    }
}

/// One stack.
#[derive(Clone, Debug)]
pub struct Stack {
    /// Who its records are written for.
    pub identity: Identity,
    /// Time zone of its record headers.
    pub zone: TimeZone,
    /// Its addresses; empty if every server is taken for it.
    pub home: Home,
    /// The jobs that own its ports.
    pub jobs: Jobs,
    /// Its recording interval.
    pub interval: Interval,
    /// SYNCVAL in minutes: past the hour, or past midnight for hours.
    pub sync_minutes: u32,
    /// Where its intervals have ended, in nanoseconds since 1970 UTC, ascending, where
    /// that is known; the interval and SYNCVAL say nothing then.
    pub interval_ends: Option<Arc<[i64]>>,
    /// Ranges of ports for passive data connections of its FTP servers.
    pub passive_ports: Vec<(u16, u16)>,
    /// Whether it records details, if those are wanted at all.
    pub detail: bool,
    /// Whether it records summaries, if those are wanted at all.
    pub summary: bool,
    /// Whether it aggregates: without it there are no summaries for anybody.
    pub aggregation: bool,
}

impl Default for Stack {
    fn default() -> Self {
        Self {
            identity: Identity::default(),
            zone: TimeZone::UTC,
            home: Home::default(),
            jobs: Jobs::default(),
            interval: Interval::Smf,
            sync_minutes: 0,
            interval_ends: None,
            passive_ports: Vec::new(),
            detail: true,
            summary: true,
            aggregation: true,
        }
    }
}

impl Stack {
    /// Where its recording intervals end.
    pub fn schedule(&self) -> Schedule {
        match &self.interval_ends {
            Some(ends) => Schedule::at(Arc::clone(ends)),
            None => Schedule::new(self.interval, self.sync_minutes, self.zone.clone()),
        }
    }
}

/// From which end of a connection it is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StackView {
    /// Number of the stack.
    pub stack: usize,
    /// Whether the stack's end is the server, the one that was called.
    pub server: bool,
}

/// The views of a connection: of no stack, one, or two.
pub type Views = [Option<StackView>; 2];

/// All stacks; there is at least one.
#[derive(Clone, Debug)]
pub struct Stacks {
    list: Vec<Stack>,
    own: Addresses,
    possible: Addresses,
}

/// Whose an address is.
#[derive(Clone, Debug, Default)]
struct Addresses {
    single: HashMap<IpAddr, usize>,
    /// The longest first; of equal ones the first that was configured.
    prefixes: Vec<(Prefix, usize)>,
}

impl Addresses {
    fn new<'a>(all: impl Iterator<Item = (usize, &'a Vec<Prefix>)>) -> Self {
        let mut addresses = Self::default();
        for (stack, prefixes) in all {
            for prefix in prefixes {
                match prefix.single() {
                    Some(address) => {
                        addresses.single.entry(address).or_insert(stack);
                    }
                    None => addresses.prefixes.push((*prefix, stack)),
                }
            }
        }
        addresses.prefixes.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.bits));
        addresses
    }

    fn of(&self, address: IpAddr) -> Option<usize> {
        let within = || self.prefixes.iter().find(|(p, _)| p.contains(address)).map(|(_, s)| *s);
        self.single.get(&address).copied().or_else(within)
    }
}

impl Default for Stacks {
    fn default() -> Self {
        Self::new(vec![Stack::default()])
    }
}

impl Stacks {
    /// Takes the stacks; of none it makes one to which every server belongs.
    pub fn new(mut list: Vec<Stack>) -> Self {
        if list.is_empty() {
            list.push(Stack::default());
        }
        let own = Addresses::new(list.iter().map(|s| &s.home.own).enumerate());
        let possible = Addresses::new(list.iter().map(|s| &s.home.possible).enumerate());
        Self { list, own, possible }
    }

    /// The stacks in the order of their numbers.
    pub fn list(&self) -> &[Stack] {
        &self.list
    }

    /// A stack by its number.
    ///
    /// # Panics
    /// If there is none of that number.
    #[expect(clippy::indexing_slicing, reason = "the engine's own number of a stack")]
    pub fn get(&self, stack: usize) -> &Stack {
        &self.list[stack]
    }

    /// All configured addresses.
    pub fn prefixes(&self) -> impl Iterator<Item = Prefix> {
        self.list.iter().flat_map(|s| s.home.own.iter().chain(&s.home.possible)).copied()
    }

    /// Whether no address is configured, so that every server is the stack's.
    pub fn every_server(&self) -> bool {
        matches!(self.list.as_slice(), [only] if only.home.is_empty())
    }

    /// Whether a job is known to serve TCP connections at an address and a port.
    pub fn serves(&self, address: IpAddr, port: u16) -> bool {
        let stack = if self.every_server() { Some(0) } else { self.of(address) };
        let end = LocalEnd { address, port, ip_proto: 6, outbound: false };
        stack.and_then(|stack| self.list.get(stack)).is_some_and(|s| s.jobs.find(end).is_some())
    }

    /// The stack that an address belongs to.
    pub fn of(&self, address: IpAddr) -> Option<usize> {
        self.own.of(address).or_else(|| self.possible.of(address))
    }

    /// Whether traffic between two addresses is a stack's.
    pub fn concerns(&self, one: IpAddr, other: IpAddr) -> bool {
        self.every_server() || self.of(one).is_some() || self.of(other).is_some()
    }

    /// Which stacks see a connection, and from which end: both ends' stacks, the
    /// server's first, or of one stack that has both ends the server's end.
    pub fn views(&self, server: IpAddr, client: IpAddr) -> Views {
        if self.every_server() {
            return [Some(StackView { stack: 0, server: true }), None];
        }
        let called = self.of(server).map(|stack| StackView { stack, server: true });
        let caller = self.of(client).map(|stack| StackView { stack, server: false });
        match (called, caller) {
            (Some(one), Some(other)) if one.stack == other.stack => [Some(one), None],
            (None, caller) => [caller, None],
            both => both.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn home(own: &[&str], possible: &[&str]) -> Stack {
        let all = |list: &[&str]| list.iter().map(|p| p.parse().expect("a prefix")).collect();
        Stack { home: Home::new(all(own)).with_possible(all(possible)), ..Stack::default() }
    }

    fn seen(stack: usize, server: bool) -> Option<StackView> {
        Some(StackView { stack, server })
    }

    #[test]
    fn the_most_specific_address_decides_and_own_ones_before_possible_ones() {
        let stacks = Stacks::new(vec![
            home(&["10.0.0.0/8", "10.1.1.2"], &["10.9.9.9"]),
            home(&["10.1.1.0/24", "10.9.0.0/16", "10.1.1.2"], &["192.0.2.0/24"]),
            home(&["2001:db8::1"], &["192.0.2.7"]),
        ]);
        let of = |text| stacks.of(ip(text));
        assert_eq!([of("10.200.0.1"), of("10.1.1.1"), of("10.1.1.2")], [Some(0), Some(1), Some(0)]);
        // A backup is somebody else's while they have it.
        assert_eq!([of("10.9.9.9"), of("192.0.2.7"), of("192.0.2.8")], [Some(1), Some(2), Some(1)]);
        assert_eq!([of("2001:db8::1"), of("2001:db8::2")], [Some(2), None]);
    }

    #[test]
    fn each_stack_sees_its_own_end() {
        let one = Stacks::default();
        assert_eq!(one.views(ip("192.0.2.1"), ip("192.0.2.2")), [seen(0, true), None]);
        assert!(one.concerns(ip("192.0.2.1"), ip("192.0.2.2")));
        let stacks =
            Stacks::new(vec![home(&["10.1.1.1", "10.1.1.2"], &[]), home(&["10.1.1.3"], &[])]);
        let views = |server, client| stacks.views(ip(server), ip(client));
        assert_eq!(views("10.1.1.1", "10.1.1.3"), [seen(0, true), seen(1, false)]);
        assert_eq!(views("10.1.1.3", "10.1.1.1"), [seen(1, true), seen(0, false)]);
        assert_eq!(views("10.1.1.1", "10.1.1.2"), [seen(0, true), None]);
        assert_eq!(views("8.8.8.8", "10.1.1.3"), [seen(1, false), None]);
        assert_eq!(views("8.8.8.8", "8.8.4.4"), [None, None]);
        assert!(!stacks.concerns(ip("8.8.8.8"), ip("8.8.4.4")));
    }
}
