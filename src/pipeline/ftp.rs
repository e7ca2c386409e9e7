//! Which connections are FTP data connections: those that a control connection
//! announced while it could be read.
//!
//! Control and data connections are followed in different shards. They meet
//! where the output is put in order, so that the result depends on the input
//! alone.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;

use hashbrown::{HashMap, HashSet};
use schemars::JsonSchema;
use serde::Serialize;

use crate::observe::upgrade::{Announcement, Verb};
use crate::sink::jsonl::Endpoint;

/// How long after its announcement a data connection may begin: the clock of
/// its first packet, in nanoseconds.
const OPENS_WITHIN: i64 = 120_000_000_000;
/// The server may be captured a little later than the client acts on it.
const OPENS_BEFORE: i64 = 1_000_000_000;
/// Places that are remembered; the oldest goes.
const MAX_PLACES: usize = 65_536;
/// Announcements of one place.
const MAX_OF_PLACE: usize = 4;

/// Where a data connection is expected: who listens, and who connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Rendezvous {
    pub listener: (IpAddr, u16),
    pub connector: IpAddr,
}

/// The first port that a server takes for passive data connections where their range is
/// not configured.
pub(super) const FIRST_EPHEMERAL: u16 = 1024;

/// A control connection whose dialogue cannot be read any more, or is over.
#[derive(Clone, Copy, Debug)]
pub(super) struct EncryptedControl {
    pub server: (IpAddr, u16),
    pub client: IpAddr,
    /// Whether it begins.
    pub begins: bool,
}

/// A control connection and its announcement.
#[derive(Debug, JsonSchema, Serialize)]
pub(super) struct Control {
    #[serde(skip)]
    pub verb: Verb,
    pub command: &'static str,
    pub client: Endpoint,
    pub server: Endpoint,
}

impl Control {
    /// Whether the server listens.
    pub fn is_passive(&self) -> bool {
        self.verb.is_passive()
    }

    /// The port of a server's active data connections: the one below that of
    /// its control connections (RFC 959 section 3.2).
    pub fn data_port(control: u16) -> u16 {
        control.wrapping_sub(1)
    }
}

/// The places that an announcement names. A server behind a translator may
/// give an address that its clients do not connect to.
pub(super) fn places(
    announcement: &Announcement,
    client: IpAddr,
    server: IpAddr,
) -> impl Iterator<Item = Rendezvous> {
    let port = announcement.port;
    let (seen, connector) =
        if announcement.verb.is_passive() { (server, client) } else { (client, server) };
    let given = announcement.address.filter(|&a| a != seen);
    let passive = matches!(announcement.verb, Verb::Pasv | Verb::Epsv);
    // PORT means what it says: it may name a third host (RFC 959 section 5.2).
    let seen = Some(seen).filter(|_| passive || given.is_none());
    [seen, given]
        .into_iter()
        .flatten()
        .map(move |address| Rendezvous { listener: (address, port), connector })
}

/// Announced data connections, and those that an encrypted control connection may have
/// announced.
#[derive(Debug, Default)]
pub(super) struct Expected {
    places: HashMap<Rendezvous, VecDeque<(i64, Arc<Control>)>>,
    order: VecDeque<Rendezvous>,
    /// Servers whose readable control connections have shown that clients connect to
    /// ports of theirs.
    passive: BoundedSet<IpAddr>,
    /// Encrypted control connections, by server and client.
    encrypted: HashMap<(IpAddr, IpAddr), EncryptedControls>,
    encrypted_order: VecDeque<(IpAddr, IpAddr)>,
}

/// The encrypted control connections between a server and a client.
#[derive(Debug, Default)]
struct EncryptedControls {
    open: u32,
    /// The clock of the last end.
    ended: Option<i64>,
    /// The port of the latest one.
    port: u16,
}

/// A set of at most [`MAX_PLACES`]; the oldest goes.
#[derive(Debug)]
struct BoundedSet<T> {
    all: HashSet<T>,
    order: VecDeque<T>,
}

impl<T> Default for BoundedSet<T> {
    fn default() -> Self {
        Self { all: HashSet::default(), order: VecDeque::new() }
    }
}

impl<T: Copy + Eq + std::hash::Hash> BoundedSet<T> {
    fn insert(&mut self, value: T) {
        if !self.all.insert(value) {
            return;
        }
        if self.order.len() >= MAX_PLACES
            && let Some(oldest) = self.order.pop_front()
        {
            self.all.remove(&oldest);
        }
        self.order.push_back(value);
    }
}

impl Expected {
    /// Notes an announcement.
    pub fn announce(&mut self, place: Rendezvous, clock: i64, control: Arc<Control>) {
        if control.is_passive() {
            self.passive.insert(control.server.ip);
        }
        if !self.places.contains_key(&place) {
            if self.order.len() >= MAX_PLACES
                && let Some(oldest) = self.order.pop_front()
            {
                self.places.remove(&oldest);
            }
            self.order.push_back(place);
        }
        let announced = self.places.entry(place).or_default();
        if announced.len() >= MAX_OF_PLACE {
            announced.pop_front();
        }
        announced.push_back((clock, control));
    }

    /// A control connection between a server (and its port) and a client is encrypted
    /// from now on, or was and is over.
    pub fn encrypted(&mut self, change: EncryptedControl, clock: i64) {
        let EncryptedControl { server, client, begins } = change;
        let pair = (server.0, client);
        if !self.encrypted.contains_key(&pair) {
            if !begins {
                return;
            }
            if self.encrypted_order.len() >= MAX_PLACES
                && let Some(oldest) = self.encrypted_order.pop_front()
            {
                self.encrypted.remove(&oldest);
            }
            self.encrypted_order.push_back(pair);
        }
        let controls = self.encrypted.entry(pair).or_default();
        if begins {
            controls.open = controls.open.saturating_add(1);
            controls.port = server.1;
        } else {
            controls.open = controls.open.saturating_sub(1);
            controls.ended = Some(clock);
        }
    }

    /// Whether a connection since a moment may be one that an encrypted control
    /// connection of the two has announced: the server has shown elsewhere that its
    /// clients connect to ephemeral ports, and this is one.
    pub fn may_be_passive(&self, place: &Rendezvous, since: i64) -> bool {
        let (server, port) = place.listener;
        let Some(controls) = self.encrypted.get(&(server, place.connector)) else { return false };
        let under_way = controls.open > 0 || controls.ended.is_some_and(|at| at >= since);
        under_way
            && port >= FIRST_EPHEMERAL
            && port != controls.port
            && self.passive.all.contains(&server)
    }

    /// The latest announcement of a place since a moment, or shortly before.
    pub fn announced(&self, place: &Rendezvous, since: i64) -> Option<&Control> {
        if self.places.is_empty() {
            return None;
        }
        let (at, control) = self.places.get(place)?.back()?;
        (*at >= since.saturating_sub(OPENS_WITHIN)).then_some(control.as_ref())
    }

    /// The announcement of a connection whose first packet came at `clock`.
    pub fn find(&self, place: &Rendezvous, clock: i64) -> Option<&Control> {
        if self.places.is_empty() {
            return None;
        }
        let fits = |at: i64| {
            (at.saturating_sub(OPENS_BEFORE)..=at.saturating_add(OPENS_WITHIN)).contains(&clock)
        };
        let announced = self.places.get(place)?;
        announced.iter().rev().find(|(at, _)| fits(*at)).map(|(_, control)| control.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    fn announced(verb: Verb, address: Option<IpAddr>) -> Vec<Rendezvous> {
        places(&Announcement { verb, address, port: 5000 }, ip(1), ip(2)).collect()
    }

    #[test]
    fn who_listens_and_who_connects() {
        let place = |listener, connector| Rendezvous { listener: (listener, 5000), connector };
        assert_eq!(announced(Verb::Epsv, None), [place(ip(2), ip(1))]);
        assert_eq!(announced(Verb::Pasv, Some(ip(2))), [place(ip(2), ip(1))]);
        let translated = announced(Verb::Pasv, Some(ip(9)));
        assert_eq!(translated, [place(ip(2), ip(1)), place(ip(9), ip(1))]);
        assert_eq!(announced(Verb::Port, Some(ip(1))), [place(ip(1), ip(2))]);
        assert_eq!(announced(Verb::Port, Some(ip(9))), [place(ip(9), ip(2))]);
    }

    #[test]
    fn under_an_encrypted_control_connection_goes_what_the_server_has_shown() {
        let second = 1_000_000_000;
        let place = |port, client| Rendezvous { listener: (ip(2), port), connector: ip(client) };
        let mut expected = Expected::default();
        let change = |expected: &mut Expected, begins, at: i64| {
            let server = (ip(2), 2121);
            expected.encrypted(EncryptedControl { server, client: ip(1), begins }, at * second);
        };
        change(&mut expected, true, 10);
        // Nothing has shown that the server listens for data connections.
        assert!(!expected.may_be_passive(&place(50_000, 1), 0));
        let control = Control {
            verb: Verb::Pasv,
            command: "PASV",
            client: Endpoint { ip: ip(7), port: 1 },
            server: Endpoint { ip: ip(2), port: 2121 },
        };
        expected.announce(place(40_000, 7), 0, Arc::new(control));
        let may = |expected: &Expected, port, client, since: i64| {
            expected.may_be_passive(&place(port, client), since * second)
        };
        assert!(may(&expected, 50_000, 1, 0));
        // Not of a client without such a control connection, not of its own port, not of
        // ports that servers do not take for it.
        assert!(!may(&expected, 50_000, 7, 0) && !may(&expected, 2121, 1, 0));
        assert!(!may(&expected, 443, 1, 0));
        change(&mut expected, false, 100);
        assert!(may(&expected, 50_001, 1, 90) && !may(&expected, 50_001, 1, 101));
    }

    #[test]
    fn encrypted_control_connections_are_bounded() {
        let mut expected = Expected::default();
        for n in 0..MAX_PLACES as u32 + 10 {
            let client = n.to_be_bytes().into();
            let change = EncryptedControl { server: (ip(2), 21), client, begins: true };
            expected.encrypted(change, 0);
            expected.passive.insert(client);
        }
        assert_eq!(
            (expected.encrypted.len(), expected.encrypted_order.len()),
            (MAX_PLACES, MAX_PLACES)
        );
        assert_eq!(
            (expected.passive.all.len(), expected.passive.order.len()),
            (MAX_PLACES, MAX_PLACES)
        );
    }

    #[test]
    fn a_connection_belongs_to_the_latest_announcement_before_it() {
        let place = announced(Verb::Epsv, None)[0];
        let control = |port| {
            let end = |last| Endpoint { ip: ip(last), port };
            Arc::new(Control { verb: Verb::Epsv, command: "EPSV", client: end(1), server: end(2) })
        };
        let mut expected = Expected::default();
        let second = 1_000_000_000;
        for n in 0..10 {
            expected.announce(place, n * 1000 * second, control(n as u16));
        }
        let found = |at: i64| expected.find(&place, at * second).map(|c| c.client.port);
        assert_eq!(
            [found(9001), found(8119), found(7121), found(1)],
            [Some(9), Some(8), None, None]
        );
        let mut full = Expected::default();
        for n in 0..MAX_PLACES + 10 {
            let bytes = (n as u32).to_be_bytes();
            let place = Rendezvous { listener: (bytes.into(), 1), connector: ip(1) };
            full.announce(place, 0, control(1));
        }
        assert_eq!((full.places.len(), full.order.len()), (MAX_PLACES, MAX_PLACES));
    }
}
