//! What the screen shows: amounts by server, client, job and session, and rates.

use std::cmp::Ordering;
use std::collections::{HashMap, VecDeque};

use crate::pipeline::Ledger;
use crate::policy::Policy;
use crate::sink::metrics::Interface;
use crate::sink::ranking::{By, Classes, Ranking, total};
use crate::sink::report::{Class, Row, TrafficTotals, class};
use crate::sink::table::NONE;

/// Rows that are passed on of each listing, in each order.
const ROWS: usize = 200;
/// Seconds that rates are kept.
pub(super) const HISTORY: usize = 240;
/// Seconds that the rate of a row is kept.
const ROW_HISTORY: usize = 60;

/// What the rows of the table are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Listing {
    #[default]
    Servers,
    Clients,
    Jobs,
    /// Who talks to which server, and how protected.
    Sessions,
}

impl Listing {
    pub const ALL: [Self; 4] = [Self::Servers, Self::Clients, Self::Jobs, Self::Sessions];

    pub fn name(self) -> &'static str {
        match self {
            Self::Servers => "SERVERS",
            Self::Clients => "CLIENTS",
            Self::Jobs => "JOBS",
            Self::Sessions => "SESSIONS",
        }
    }

    /// What is its own of a list in the order of [`Listing::ALL`].
    pub fn of<T>(self, [servers, clients, jobs, sessions]: &[T; Self::ALL.len()]) -> &T {
        match self {
            Self::Servers => servers,
            Self::Clients => clients,
            Self::Jobs => jobs,
            Self::Sessions => sessions,
        }
    }

    fn of_mut<T>(self, [servers, clients, jobs, sessions]: &mut [T; Self::ALL.len()]) -> &mut T {
        match self {
            Self::Servers => servers,
            Self::Clients => clients,
            Self::Jobs => jobs,
            Self::Sessions => sessions,
        }
    }

    /// The name under which a connection is listed.
    fn row_name(self, row: &Row) -> Name {
        match self {
            Self::Servers => [row.name(By::Server)].into(),
            Self::Clients => [row.name(By::Client)].into(),
            Self::Jobs => [row.name(By::Job)].into(),
            Self::Sessions => {
                let protection = row.key.protection.as_deref().unwrap_or(NONE).to_owned();
                [row.name(By::Server), row.name(By::Client), protection].into()
            }
        }
    }
}

/// What a row is called: one text; of a session server, client and protection.
pub(super) type Name = Box<[String]>;

/// The order of rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Order {
    #[default]
    Unprotected,
    Failed,
    Weak,
    Unknown,
    Connections,
    Bytes,
    Rate,
    Name,
}

impl Order {
    pub const ALL: [Self; 8] = [
        Self::Unprotected,
        Self::Failed,
        Self::Weak,
        Self::Unknown,
        Self::Connections,
        Self::Bytes,
        Self::Rate,
        Self::Name,
    ];

    pub fn describe(self) -> &'static str {
        match self {
            Self::Unprotected => "most unprotected bytes first",
            Self::Failed => "most failed handshakes first",
            Self::Weak => "most weakly protected bytes first",
            Self::Unknown => "most bytes of unknown protection first",
            Self::Connections => "most connections first",
            Self::Bytes => "most bytes first",
            Self::Rate => "highest rate first",
            Self::Name => "by name",
        }
    }

    /// Which row comes first; names decide between equals.
    pub fn compare(self, a: &Entry, b: &Entry) -> Ordering {
        let of = |class: Class, e: &Entry| {
            let amount = *class.of(&e.classes);
            (amount.bytes, amount.connections)
        };
        let most = |class: Class| of(class, b).cmp(&of(class, a));
        let all = |e: &Entry| total(&e.classes);
        let asked = match self {
            Self::Unprotected => most(Class::Unprotected),
            Self::Failed => {
                let failed = |e: &Entry| Class::Failed.of(&e.classes).connections;
                failed(b).cmp(&failed(a))
            }
            Self::Weak => most(Class::Weak),
            Self::Unknown => most(Class::Unknown),
            Self::Connections => all(b).connections.cmp(&all(a).connections),
            Self::Bytes => all(b).bytes.cmp(&all(a).bytes),
            Self::Rate => b.rate.cmp(&a.rate),
            Self::Name => Ordering::Equal,
        };
        let worst = match self {
            Self::Name => Ordering::Equal,
            _ => most(Class::Unprotected)
                .then(most(Class::Weak))
                .then(all(b).bytes.cmp(&all(a).bytes)),
        };
        asked.then(worst).then_with(|| a.name.cmp(&b.name))
    }
}

/// A row.
#[derive(Clone, Debug, Default)]
pub(super) struct Entry {
    pub name: Name,
    pub classes: Classes,
    /// Bytes a second since the view before.
    pub rate: u64,
    /// The same before, the oldest first.
    pub recent: Vec<u64>,
}

impl Entry {
    /// The worst of what there is, or nothing.
    pub fn worst(&self) -> Option<Class> {
        [Class::Unprotected, Class::Failed, Class::Weak, Class::Unknown, Class::Protected]
            .into_iter()
            .find(|class| class.of(&self.classes).connections > 0)
    }
}

/// A rate, second by second.
#[derive(Clone, Debug, Default)]
pub(super) struct Rate {
    /// The oldest first.
    pub values: VecDeque<u64>,
    /// The count when it was last looked at.
    count: Option<u64>,
}

impl Rate {
    /// Takes a count that so many seconds have passed for since the last.
    fn update(&mut self, count: u64, seconds: f64) {
        if let Some(before) = self.count.replace(count) {
            let rate = per_second(count.saturating_sub(before), seconds);
            push(&mut self.values, rate, seconds, HISTORY);
        }
    }

    pub fn now(&self) -> u64 {
        self.values.back().copied().unwrap_or(0)
    }
}

/// Amount a second.
fn per_second(amount: u64, seconds: f64) -> u64 {
    (amount as f64 / seconds.max(0.001)) as u64
}

/// A rate for each second for which it was one, so that time goes on evenly.
fn push(values: &mut VecDeque<u64>, rate: u64, seconds: f64, most: usize) {
    let times = (seconds.round() as usize).clamp(1, most);
    values.extend(std::iter::repeat_n(rate, times));
    values.drain(..values.len().saturating_sub(most));
}

/// What is shown.
#[derive(Clone, Debug, Default)]
pub(super) struct View {
    pub time: i64,
    pub seconds: u64,
    pub interfaces: Vec<(Interface, f64)>,
    pub packets: u64,
    pub seen: u64,
    pub followed: u64,
    pub incomplete: u64,
    pub handshakes: Vec<(&'static str, u64)>,
    pub classes: Classes,
    pub packet_rate: Rate,
    pub connection_rate: Rate,
    pub byte_rate: Rate,
    pub unprotected_rate: Rate,
    /// The rows of each listing: of each order the first are among them.
    pub rows: [Vec<Entry>; Listing::ALL.len()],
    /// How many there are in all.
    pub names: [usize; Listing::ALL.len()],
    /// Connections that are in no row, because a listing was full.
    pub beyond: u64,
}

/// Adds up what is told of connections, and makes views of it.
#[derive(Debug, Default)]
pub(super) struct Collector {
    ended: [Ranking<Name>; Listing::ALL.len()],
    under_way: [Ranking<Name>; Listing::ALL.len()],
    /// What the last view had of all names, and its rows' rates.
    before: [Ranking<Name>; Listing::ALL.len()],
    rates: [HashMap<Name, VecDeque<u64>>; Listing::ALL.len()],
    pub next: View,
    first: bool,
}

impl Collector {
    pub fn new() -> Self {
        Self { first: true, ..Self::default() }
    }

    /// A connection that has ended.
    pub fn ended(&mut self, row: &Row, policy: &Policy) {
        add(&mut self.ended, row, policy);
    }

    /// A connection under way.
    pub fn under_way(&mut self, row: &Row, policy: &Policy) {
        add(&mut self.under_way, row, policy);
    }

    /// Connections under way are told anew.
    pub fn begin(&mut self) {
        self.under_way = Default::default();
    }

    /// How interfaces stand, so many seconds after they were last told.
    pub fn interfaces(&mut self, interfaces: Vec<Interface>, seconds: f64) {
        self.next.packet_rate.update(interfaces.iter().map(|i| i.packets).sum(), seconds);
        let before: HashMap<&str, u64> =
            self.next.interfaces.iter().map(|(i, _)| (i.name.as_str(), i.packets)).collect();
        let rates: Vec<f64> = interfaces
            .iter()
            .map(|i| {
                let before = before.get(i.name.as_str()).copied().unwrap_or(i.packets);
                i.packets.saturating_sub(before) as f64 / seconds.max(0.001)
            })
            .collect();
        self.next.interfaces = interfaces.into_iter().zip(rates).collect();
    }

    /// How the ledger stands.
    pub fn ledger(&mut self, ledger: &Ledger, seconds: f64) {
        self.next.packets = ledger.total.packets;
        self.next.seen = ledger.connections.seen;
        self.next.connection_rate.update(ledger.connections.seen, seconds);
        self.next.followed = ledger.now.connections;
        self.next.incomplete = ledger.connections.incomplete;
        self.next.handshakes = ledger.handshakes.iter().map(|(v, n)| (*v, *n)).collect();
    }

    /// The view of what was told, so many seconds after the one before.
    pub fn view(&mut self, time: i64, seconds: f64) -> View {
        self.next.time = time;
        let first = std::mem::take(&mut self.first);
        for listing in Listing::ALL {
            let mut all = std::mem::take(listing.of_mut(&mut self.under_way));
            all.join(listing.of(&self.ended));
            if listing == Listing::Servers {
                self.next.classes = all.sum();
                self.next.beyond = all.beyond();
            }
            let before = listing.of(&self.before);
            let mut entries: Vec<Entry> = all
                .iter()
                .map(|(name, classes)| {
                    let then = before.get(name).map_or(0, |c| total(c).bytes);
                    let more = total(classes).bytes.saturating_sub(then);
                    let rate = if first { 0 } else { per_second(more, seconds) };
                    Entry { name: name.clone(), classes: *classes, rate, recent: Vec::new() }
                })
                .collect();
            *listing.of_mut(&mut self.next.names) = entries.len();
            keep_first(&mut entries);
            let rates = listing.of_mut(&mut self.rates);
            let mut kept = HashMap::with_capacity(entries.len());
            for entry in &mut entries {
                let mut values = rates.remove(&entry.name).unwrap_or_default();
                if !first {
                    push(&mut values, entry.rate, seconds, ROW_HISTORY);
                }
                entry.recent = values.iter().copied().collect();
                kept.insert(entry.name.clone(), values);
            }
            *rates = kept;
            *listing.of_mut(&mut self.next.rows) = entries;
            *listing.of_mut(&mut self.before) = all;
        }
        let classes = self.next.classes;
        self.next.byte_rate.update(total(&classes).bytes, seconds);
        let unprotected: TrafficTotals = *Class::Unprotected.of(&classes);
        self.next.unprotected_rate.update(unprotected.bytes, seconds);
        self.next.clone()
    }
}

fn add(rankings: &mut [Ranking<Name>; Listing::ALL.len()], row: &Row, policy: &Policy) {
    let class = class(row, policy);
    for listing in Listing::ALL {
        let bytes = row.from_client + row.from_server;
        listing.of_mut(rankings).add(listing.row_name(row), class, bytes);
    }
}

/// Leaves those that are among the first in some order.
fn keep_first(entries: &mut Vec<Entry>) {
    if entries.len() <= ROWS {
        return;
    }
    let mut places: Vec<usize> = (0..entries.len()).collect();
    let mut kept = vec![false; entries.len()];
    for order in Order::ALL {
        let compare = |a: &usize, b: &usize| match (entries.get(*a), entries.get(*b)) {
            (Some(a), Some(b)) => order.compare(a, b),
            _ => Ordering::Equal,
        };
        let (first, _, _) = places.select_nth_unstable_by(ROWS, compare);
        for &mut place in first {
            if let Some(kept) = kept.get_mut(place) {
                *kept = true;
            }
        }
    }
    let mut kept = kept.into_iter();
    entries.retain(|_| kept.next().unwrap_or(false));
}
