//! Rooms with state against models that are slow and obviously right, by random
//! operations.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use proptest::prelude::*;
use zerttap::config::Settings;
use zerttap::flow::{Endpoint, Key, Table};
use zerttap::record::{Attributes, Names};
use zerttap::session::{Event, Kind, Session, View};
use zerttap::stream::{Piece, Ranges, Reassembler};
use zerttap::summary::{
    Identity, Key as SessionKey, Membership, RecordReason, Role, SessionCounters, SessionTable,
    ShardCounters, Traffic,
};

fn key(n: u16) -> Key {
    let ip = IpAddr::from([192, 0, 2, 1]);
    Key::new(Endpoint { ip, port: n }, Endpoint { ip, port: 65_535 })
}

/// A session told apart by its port.
fn session_key(port: u16) -> SessionKey {
    let address = IpAddr::from([192, 0, 2, 1]);
    let identity = Identity {
        server: address,
        client: address,
        ports: (port, port),
        ip_proto: 6,
        role: Role::Server,
        jobname: [0x40; 8],
        user_id: [0x40; 8],
        attributes: Attributes::None,
        certificates: None,
        names: Names::default(),
    };
    SessionKey::new(identity, None)
}

#[derive(Clone, Debug)]
enum OnTable {
    Insert(u16),
    Remove(u16),
    Find(u16),
}

fn on_table() -> impl Strategy<Value = OnTable> {
    let n = 0u16..40;
    prop_oneof![
        n.clone().prop_map(OnTable::Insert),
        n.clone().prop_map(OnTable::Remove),
        n.prop_map(OnTable::Find),
    ]
}

proptest! {
    /// The table of connections is a map.
    #[test]
    fn the_table_is_a_map(operations in prop::collection::vec(on_table(), 0..300)) {
        let mut table = Table::default();
        let mut model: BTreeMap<u16, usize> = BTreeMap::new();
        for (step, operation) in operations.into_iter().enumerate() {
            match operation {
                OnTable::Insert(n) if !model.contains_key(&n) => {
                    table.insert(key(n), step);
                    model.insert(n, step);
                }
                OnTable::Insert(_) => {}
                OnTable::Remove(n) => {
                    let removed = table.find(&key(n)).and_then(|slot| table.remove(slot));
                    prop_assert_eq!(removed.map(|(_, v)| v), model.remove(&n));
                }
                OnTable::Find(n) => {
                    let found = table.find(&key(n)).and_then(|s| table.get_mut(s).map(|(_, v)| *v));
                    prop_assert_eq!(found, model.get(&n).copied());
                }
            }
            prop_assert_eq!(table.len(), model.len());
            prop_assert_eq!(table.occupied().len(), model.len());
            let all: HashMap<Key, usize> = table.iter().map(|(k, v)| (*k, *v)).collect();
            let expected: HashMap<Key, usize> = model.iter().map(|(n, v)| (key(*n), *v)).collect();
            prop_assert_eq!(all, expected);
        }
    }

    /// Ranges are a set of bytes, as long as there are not more gaps than are kept.
    #[test]
    fn ranges_are_a_set_of_bytes(
        stretches in prop::collection::vec((0i64..120, 1i64..30), 0..40),
    ) {
        let mut ranges = Ranges::default();
        let mut model: BTreeSet<i64> = BTreeSet::new();
        for (start, length) in stretches {
            let before = model.len();
            let again = (start..start + length).filter(|b| model.contains(b)).count() as u64;
            model.extend(start..start + length);
            let added = ranges.add(start, start + length);
            prop_assert_eq!(added.new, (model.len() - before) as u64);
            prop_assert_eq!(added.again, again);
            prop_assert_eq!(ranges.bytes(), model.len() as u64);
            prop_assert_eq!(ranges.edge(), model.last().map(|b| b + 1));
            let missed = (0..200).filter(|b| !model.contains(b)).count() as u64;
            prop_assert_eq!(ranges.missed(Some(0), Some(200)), missed);
        }
    }

    /// With losses, cuts, repetitions and contradictions: every byte that is handed out
    /// is the first that was seen of its place, in order, and what is not is a hole.
    #[test]
    fn the_reassembler_hands_out_first_bytes_and_holes(
        segments in prop::collection::vec((0i64..300, 1usize..40, any::<u8>(), 0usize..40, 0i64..4), 1..60),
    ) {
        let mut reassembler = Reassembler::at(0);
        let mut first: BTreeMap<i64, BTreeSet<u8>> = BTreeMap::new();
        let mut delivered = 0i64;
        let mut clock = 0;
        let mut wrong = None;
        for (start, length, byte, cut, seconds) in segments {
            clock += seconds * 1_000_000_000;
            let captured = length.saturating_sub(cut).max(usize::from(cut == 0));
            let bytes = vec![byte; captured];
            for at in 0..captured as i64 {
                first.entry(start + at).or_default().insert(byte);
            }
            let mut take = |piece: Piece<'_>| match piece {
                Piece::Data(at, bytes) => {
                    for (position, byte) in (at..).zip(bytes) {
                        if position != delivered || !first.get(&position).is_some_and(|s| s.contains(byte)) {
                            wrong = Some((position, *byte));
                        }
                        delivered = position + 1;
                    }
                }
                Piece::Hole(n) => delivered += n as i64,
            };
            reassembler.push(start, &bytes, length as u32, clock, None, &mut take);
            prop_assert!(reassembler.position() >= 0);
        }
        let mut take = |piece: Piece<'_>| match piece {
            Piece::Data(at, bytes) => delivered = at + bytes.len() as i64,
            Piece::Hole(n) => delivered += n as i64,
        };
        reassembler.flush(clock, &mut take);
        prop_assert_eq!(wrong, None);
        prop_assert_eq!(delivered, reassembler.position());
        prop_assert!(!reassembler.is_waiting());
    }

    /// Events of a connection: the rules of the specification, as a list.
    #[test]
    fn events_follow_the_rules(
        changes in prop::collection::vec(0i64..40, 0..8),
        end in 0i64..60,
        settled in any::<bool>(),
    ) {
        const SECOND: i64 = 1_000_000_000;
        let mut changes: Vec<i64> = changes.into_iter().filter(|c| *c <= end).collect();
        changes.sort_unstable();
        // What the machine says, its timer firing in time or not at all.
        let mut session = Session::new(0, 10 * SECOND);
        let mut told: Vec<Event> = Vec::new();
        let mut fired = false;
        for at in &changes {
            if settled && *at >= 10 && !fired {
                fired = true;
                told.extend(session.settled());
            }
            told.extend(session.changed(at * SECOND));
        }
        if settled && end >= 10 && !fired {
            told.extend(session.settled());
        }
        let (initiation, termination) = session.ended(end * SECOND);
        told.extend(initiation.into_iter().chain(termination));
        // What the rules say.
        let mut expected: Vec<(Kind, i64)> = Vec::new();
        if end < 10 {
            expected.push((Kind::ShortTermination, end));
        } else {
            expected.push((Kind::Initiation, 10));
            let late = changes.iter().filter(|at| settled && **at >= 10);
            expected.extend(late.map(|at| (Kind::Change, *at)));
            expected.push((Kind::Termination, end));
        }
        let told: Vec<(Kind, i64)> = told.into_iter().map(|e| (e.kind, e.at / SECOND)).collect();
        prop_assert_eq!(told, expected);
    }

    /// What connections add to their sessions, intervals in between: the history of each
    /// connection, added up anew at the end.
    #[test]
    fn sessions_count_histories(
        histories in prop::collection::vec(
            (prop::collection::vec((0u16..3, 0u64..50, any::<bool>()), 1..6), any::<bool>()),
            1..6,
        ),
    ) {
        let mut tally = ShardCounters::default();
        let mut sums: BTreeMap<u16, SessionCounters> = BTreeMap::new();
        let drain = |tally: &mut ShardCounters, sums: &mut BTreeMap<u16, SessionCounters>| {
            for (key, counts) in tally.end_interval().unwrap_or_default().sessions {
                sums.entry(key.identity().ports.0).or_default().add(&counts);
            }
        };
        let mut expected: BTreeMap<u16, SessionCounters> = BTreeMap::new();
        for (steps, short) in histories {
            // Each step: in which session from now on, how much is sent until the next,
            // and whether an interval ends before it.
            let mut sent = 0;
            let mut member: Option<Membership> = None;
            for (n, (session, more, interval)) in steps.iter().enumerate() {
                let now = Traffic { in_bytes: sent, ..Traffic::default() };
                match &mut member {
                    None => member = Some(Membership::enter(vec![session_key(*session)], now, &mut tally)),
                    Some(member) => member.change(vec![session_key(*session)], now, &mut tally),
                }
                sent += more;
                if *interval {
                    drain(&mut tally, &mut sums);
                    let now = Traffic { in_bytes: sent, ..Traffic::default() };
                    member.iter_mut().for_each(|m| m.count(now, &mut tally));
                }
                let visited: Vec<u16> = steps[..n].iter().map(|s| s.0).collect();
                let counts = expected.entry(*session).or_default();
                counts.connections += u32::from(!visited.contains(session));
                counts.traffic.in_bytes += more;
            }
            // It is a part of every session if there was more than one.
            let all: BTreeSet<u16> = steps.iter().map(|s| s.0).collect();
            for session in &all {
                let counts = expected.entry(*session).or_default();
                counts.partial += u32::from(all.len() > 1);
            }
            if let (Some(member), Some((last, ..))) = (member, steps.last()) {
                expected.entry(*last).or_default().short += u32::from(short);
                let now = Traffic { in_bytes: sent, ..Traffic::default() };
                member.end(short, now, &mut tally);
            }
        }
        drain(&mut tally, &mut sums);
        for (session, counts) in expected {
            prop_assert_eq!(sums.get(&session).copied().unwrap_or_default(), counts, "{}", session);
        }
    }

    /// What the records of intervals say of connections that enter sessions, leave them,
    /// come back and end, while intervals end in between: against sets of connections. A
    /// session that nobody is in at the end of an interval is dropped, and whoever comes
    /// back to it later counts anew.
    #[test]
    fn no_session_has_more_active_connections_than_connections(
        steps in prop::collection::vec(on_sessions(), 0..80),
    ) {
        let mut shards = [ShardCounters::default(), ShardCounters::default()];
        let mut members: BTreeMap<usize, Membership> = BTreeMap::new();
        let mut table = SessionTable::default();
        let mut model: BTreeMap<u16, ModelSession> = BTreeMap::new();
        let settings = Settings::default();
        // A connection's number, and whether it was in a session before.
        let mut lives = [(0usize, false); 6];
        for step in steps.into_iter().chain([OnSessions::Interval]) {
            match step {
                OnSessions::Enter(n, session) => {
                    let key = vec![session_key(session)];
                    let shard = &mut shards[n % 2];
                    let (number, later) = lives[n];
                    let id = (n, number);
                    match members.get_mut(&n) {
                        None => drop(members.insert(n, Membership::enter(key, Traffic::default(), shard))),
                        Some(member) => member.change(key, Traffic::default(), shard),
                    }
                    for (port, other) in &mut model {
                        if *port != session && other.active.remove(&id) {
                            other.partial.insert(id);
                        }
                    }
                    let entered = model.entry(session).or_default();
                    if entered.active.insert(id) && later {
                        entered.partial.insert(id);
                    }
                    entered.connections.insert(id);
                    lives[n].1 = true;
                }
                OnSessions::End(n) => {
                    if let Some(member) = members.remove(&n) {
                        member.end(false, Traffic::default(), &mut shards[n % 2]);
                    }
                    for session in model.values_mut() {
                        session.active.remove(&(n, lives[n].0));
                    }
                    lives[n] = (lives[n].0 + 1, false);
                }
                OnSessions::Interval => {
                    for shard in &mut shards {
                        let counted = shard.end_interval().unwrap_or_default();
                        for (key, counts) in &counted.sessions {
                            table.add(key, counts, |_| None);
                        }
                        counted.reentries.iter().for_each(|r| table.reenter(r));
                    }
                    let view = View::of(&settings, 0);
                    let mut found = BTreeMap::new();
                    table.close(RecordReason::Interval, |some| {
                        for c in some.iter().map(|closed| closed.summary(0, 1, &view).common) {
                            let init = [c.init_life_conn_cnt, c.init_life_partial_conn_cnt, c.init_active_conn_cnt];
                            let end = [c.end_life_conn_cnt, c.end_life_partial_conn_cnt, c.end_active_conn_cnt];
                            found.insert(c.srv_port_start, (init, end));
                        }
                    });
                    for (init, end) in found.values() {
                        prop_assert!(init[2] <= init[0] && end[2] <= end[0], "{init:?} {end:?}");
                        prop_assert!(init[1] <= init[0] && end[1] <= end[0], "{init:?} {end:?}");
                    }
                    let expected: BTreeMap<u16, _> = model
                        .iter_mut()
                        .map(|(port, session)| {
                            let now = session.counts();
                            (*port, (std::mem::replace(&mut session.init, now), now))
                        })
                        .collect();
                    prop_assert_eq!(found, expected);
                    model.retain(|_, session| !session.active.is_empty());
                }
            }
        }
    }
}

/// What a connection does: it enters a session, leaving the one it was in, or ends.
#[derive(Clone, Debug)]
enum OnSessions {
    Enter(usize, u16),
    End(usize),
    Interval,
}

fn on_sessions() -> impl Strategy<Value = OnSessions> {
    prop_oneof![
        4 => (0usize..6, 1u16..4).prop_map(|(n, session)| OnSessions::Enter(n, session)),
        1 => (0usize..6).prop_map(OnSessions::End),
        2 => Just(OnSessions::Interval),
    ]
}

/// A security session as sets of connections.
#[derive(Debug, Default)]
struct ModelSession {
    connections: BTreeSet<(usize, usize)>,
    partial: BTreeSet<(usize, usize)>,
    active: BTreeSet<(usize, usize)>,
    /// At the beginning of the interval.
    init: [u32; 3],
}

impl ModelSession {
    fn counts(&self) -> [u32; 3] {
        [&self.connections, &self.partial, &self.active].map(|set| set.len() as u32)
    }
}
