//! Which connections are FTP data connections: those that a control connection
//! announced while it could be read.
//!
//! Control and data connections are followed in different shards. They meet
//! where the output is put in order, so that the result depends on the input
//! alone.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;

use hashbrown::HashMap;
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

/// Announced data connections.
#[derive(Debug, Default)]
pub(super) struct Expected {
    places: HashMap<Rendezvous, VecDeque<(i64, Arc<Control>)>>,
    order: VecDeque<Rendezvous>,
}

impl Expected {
    /// Notes an announcement.
    pub fn announce(&mut self, place: Rendezvous, clock: i64, control: Arc<Control>) {
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
