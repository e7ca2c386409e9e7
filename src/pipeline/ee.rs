//! Enterprise Extender connections of one shard: one for each pair of
//! addresses, its five ports together.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;

use hashbrown::HashMap;

pub(super) use super::ee_link::EePacket;
use super::ee_link::{Close, Link};
use super::ledger::{Fate, Ledger};
use super::merge::{Emission, Payload};
use super::pair::Pair;
use super::sessions::{self, End, Ends, Sessions};
use super::shard::Wants;
use crate::config::{LocalEnd, Seen, Settings, Views};
use crate::flow::{Dir, Endpoint, Key, SHARDS};
use crate::frame::Ipsec;
pub(super) use crate::observe::ee::PORTS;
use crate::observe::ee::{Datagram, Reply, Status, parse};
use crate::observe::{FindingsRef, Side};
use crate::session::{Event, Snapshot, Transport, View};
use crate::sink::jsonl;
use crate::sink::survey::Row;
use crate::sink::table::{RowKey, RowKind};
use crate::summary::Role;

const SECOND: i64 = 1_000_000_000;
/// Silence after which a connection is over. An idle link sends a TEST every
/// ten seconds.
const IDLE: i64 = 120 * SECOND;
/// A DISC is repeated three times, every 15 seconds.
const DISC_UNANSWERED: i64 = 60 * SECOND;
/// How long XIDs on an active link may take to become a new one.
const RESTART: i64 = 60 * SECOND;
/// How long a connection that is over is kept for repetitions of its last
/// datagrams.
const LINGER: i64 = 60 * SECOND;
/// How long a pair that is not EE is left alone.
const REJECTED: i64 = 600 * SECOND;
/// Pairs that one shard follows at once.
const MAX_PAIRS: usize = 1_048_576 / SHARDS;

/// What is known of one pair.
#[derive(Debug)]
struct Slot {
    link: Link,
    /// What may be the link after it.
    next: Option<Link>,
    /// Until when the pair is left alone because it is not EE.
    rejected: Option<i64>,
    /// When it is looked at next.
    scheduled: i64,
}

impl Slot {
    /// When something may be due.
    fn deadline(&self) -> i64 {
        if let Some(until) = self.rejected {
            return until;
        }
        let link = &self.link;
        if link.ended.is_some() {
            return link.ended_clock.saturating_add(LINGER);
        }
        let quiet = self.next.as_ref().map_or(link.last_clock, |next| next.last_clock);
        let mut at = quiet.saturating_add(IDLE);
        if link.ee.status() == Status::Confirmed {
            if link.session.is_settling() {
                at = at.min(link.settles_at().max(link.first_clock));
            }
            if let Some(disc) = link.disc_clock {
                at = at.min(disc.saturating_add(DISC_UNANSWERED));
            }
        }
        if let Some(next) = &self.next {
            at = at.min(next.first_clock.saturating_add(RESTART));
        }
        at
    }
}

/// The pairs of one shard.
#[derive(Debug)]
pub(super) struct EeTable {
    pub(super) settings: Arc<Settings>,
    /// Stretches with lost packets up to the batch under way, and to its end.
    pub losses: [u32; 2],
    wants: Wants,
    pairs: HashMap<Pair, Slot, foldhash::quality::RandomState>,
    /// Pairs in the order in which they came, to make room.
    order: VecDeque<Pair>,
    timers: BinaryHeap<Reverse<(i64, Pair)>>,
    pub sessions: Sessions,
    pub ledger: Ledger,
}

impl EeTable {
    pub fn new(settings: Arc<Settings>, wants: Wants) -> Self {
        Self {
            sessions: Sessions::new(&settings),
            settings,
            losses: [0; 2],
            wants,
            pairs: HashMap::default(),
            order: VecDeque::new(),
            timers: BinaryHeap::new(),
            ledger: Ledger::default(),
        }
    }

    /// Takes a datagram to one of the five ports.
    pub fn packet(
        &mut self,
        p: &EePacket,
        arena: &[u8],
        ipsec: &[Ipsec],
        emitted: &mut Vec<Emission>,
    ) {
        self.advance(p.clock, emitted);
        self.sessions.stir();
        if !self.settings.stacks.concerns(p.pair.low, p.pair.high) {
            self.ledger.count(Fate::Udp, p.wire);
            return;
        }
        let payload = arena
            .get(p.at as usize..)
            .and_then(|rest| rest.get(..p.captured as usize))
            .unwrap_or_default();
        let frame = parse(payload, p.length as usize, usize::from(p.port));
        let header = p.ipsec.and_then(|at| ipsec.get(at as usize));
        if !self.pairs.contains_key(&p.pair) {
            // One wrong datagram is no reason to remember anything.
            if frame.is_none() {
                self.ledger.count(Fate::Udp, p.wire);
                return;
            }
            self.make_room(p.clock, emitted);
            let slot = Slot {
                link: Link::new(p, &self.settings, self.losses[0]),
                next: None,
                rejected: None,
                scheduled: i64::MAX,
            };
            self.pairs.insert(p.pair, slot);
            self.order.push_back(p.pair);
        }
        self.follow(p, frame.as_ref(), header, emitted);
        self.schedule(p.pair, p.clock);
    }

    fn follow(
        &mut self,
        p: &EePacket,
        frame: Option<&Datagram<'_>>,
        header: Option<&Ipsec>,
        emitted: &mut Vec<Emission>,
    ) {
        let Some(slot) = self.pairs.get_mut(&p.pair) else { return };
        if slot.rejected.is_some() {
            self.ledger.count(Fate::Udp, p.wire);
            return;
        }
        if slot.link.ended.is_some() {
            let repeats = frame.is_none_or(|f| f.is_disconnection());
            if repeats {
                slot.link.take(p, frame);
                return;
            }
            let over =
                std::mem::replace(&mut slot.link, Link::new(p, &self.settings, self.losses[0]));
            self.report(p.pair, over, p.clock, emitted);
        }
        let Some(slot) = self.pairs.get_mut(&p.pair) else { return };
        if slot.next.is_none() && frame.is_some_and(|f| slot.link.ee.may_restart(f, p.clock)) {
            slot.next = Some(Link::new(p, &self.settings, self.losses[0]));
        }
        if let Some(next) = &mut slot.next {
            next.under.packet(p.from, header);
            let reply = next.take(p, frame);
            if next.ee.has_exchanged() {
                self.replace(p.pair, p.clock, emitted);
                return;
            }
            if reply == Reply::Disconnected {
                self.fold(p.pair);
                self.end(p.pair, (p.ts, Close::Disc), p.clock, emitted);
            }
            return;
        }
        let link = &mut slot.link;
        let changed = link.under.packet(p.from, header);
        let reply = link.take(p, frame);
        match link.ee.status() {
            Status::Candidate => {}
            Status::Rejected => {
                slot.rejected = Some(p.clock.saturating_add(REJECTED));
                let pending = std::mem::take(&mut link.pending);
                self.ledger.count_all(Fate::Udp, pending);
            }
            Status::Confirmed => {
                if changed {
                    let event = link.session.changed(p.ts);
                    self.record(p.pair, event, p.clock, emitted);
                }
                if reply == Reply::Disconnected {
                    self.end(p.pair, (p.ts, Close::Disc), p.clock, emitted);
                }
            }
        }
    }

    /// Established connections as records of their initiation at a moment.
    pub fn list(&self, event: Event, listed: &mut Vec<Emission>) {
        for (pair, link, key) in self.under_way() {
            for seen in views(pair, link).into_iter().flatten() {
                let local = local(seen, link);
                let snapshot = snapshot(&key, link, local);
                let detail = View::of(&link.settings, seen.stack).detail(event, &snapshot);
                let payload = super::under::payload(detail, seen.stack, snapshot.ipsec, local);
                let (clock, ordinal) = (event.at, link.ordinal);
                listed.push(Emission { clock, ordinal, number: 0, payload });
            }
        }
    }

    /// Connections under way as rows.
    pub fn glance(&self) -> impl Iterator<Item = Row> {
        self.under_way().map(|(pair, link, _)| self.row(pair, link))
    }

    fn under_way(&self) -> impl Iterator<Item = (&Pair, &Link, Key)> {
        let port = self.settings.ee_base_port;
        let all = self.pairs.iter().map(|(pair, slot)| (pair, &slot.link));
        all.filter(|(_, l)| l.ended.is_none() && l.ee.status() == Status::Confirmed)
            .map(move |(pair, link)| (pair, link, ends(pair, port)))
    }

    /// Fires every timer up to the packet clock, and ends intervals in between.
    pub fn advance(&mut self, clock: i64, emitted: &mut Vec<Emission>) {
        while let Some(end) = self.sessions.due(clock) {
            self.fire(end.clock - 1, emitted);
            self.close(end, emitted);
        }
        self.fire(clock, emitted);
    }

    /// Ends an interval: counts what every connection of the stack has sent in it.
    fn close(&mut self, end: End, emitted: &mut Vec<Emission>) {
        if self.sessions.stirred(end.stack) {
            for (pair, slot) in &mut self.pairs {
                let link = &mut slot.link;
                let views = views(pair, link);
                for (n, seen) in views.into_iter().flatten().enumerate() {
                    let traffic = link.traffic(local(seen, link));
                    if let Some(Some(member)) = link.members.get_mut(n)
                        && seen.stack == end.stack
                    {
                        member.count(traffic, self.sessions.tally(seen.stack));
                    }
                }
            }
        }
        self.sessions.close(end, emitted);
    }

    fn fire(&mut self, watermark: i64, emitted: &mut Vec<Emission>) {
        while let Some(&Reverse((at, pair))) = self.timers.peek()
            && at <= watermark
        {
            self.timers.pop();
            let Some(slot) = self.pairs.get_mut(&pair) else { continue };
            if slot.scheduled != at {
                continue;
            }
            slot.scheduled = i64::MAX;
            if slot.deadline() <= at {
                self.due(pair, at, emitted);
            }
            self.schedule(pair, at);
        }
    }

    fn due(&mut self, pair: Pair, at: i64, emitted: &mut Vec<Emission>) {
        let Some(slot) = self.pairs.get_mut(&pair) else { return };
        let link = &mut slot.link;
        if slot.rejected.is_some() || link.ended.is_some() {
            self.forget(pair, at, emitted);
            return;
        }
        if slot.next.as_ref().is_some_and(|n| n.first_clock.saturating_add(RESTART) <= at) {
            self.fold(pair);
            return;
        }
        let silent = link.last_clock.saturating_add(IDLE) <= at && slot.next.is_none();
        if link.ee.status() != Status::Confirmed {
            self.forget(pair, at, emitted);
        } else if link.session.is_settling() && link.settles_at() <= at && !silent {
            let event = link.session.settled();
            // What was proved later is told no earlier.
            let late = (at - link.settles_at()).max(0);
            let event = event.map(|e| Event::new(e.kind, e.at.saturating_add(late)));
            self.record(pair, event, at, emitted);
        } else if silent {
            let last = link.last_ts;
            self.end(pair, (last, Close::Idle), at, emitted);
        } else if link.disc_clock.is_some_and(|d| d.saturating_add(DISC_UNANSWERED) <= at) {
            let last = link.last_ts;
            self.end(pair, (last, Close::DiscUnanswered), at, emitted);
        }
    }

    /// Sets the timer of a pair. What turns out now to have been due is due now: what was
    /// before this clock may have been written already.
    fn schedule(&mut self, pair: Pair, clock: i64) {
        let Some(slot) = self.pairs.get_mut(&pair) else { return };
        let deadline = slot.deadline().max(clock);
        if deadline < slot.scheduled {
            slot.scheduled = deadline;
            self.timers.push(Reverse((deadline, pair)));
        }
    }

    /// The XIDs were no restart: what came since belongs to the link.
    fn fold(&mut self, pair: Pair) {
        let Some(slot) = self.pairs.get_mut(&pair) else { return };
        let Some(next) = slot.next.take() else { return };
        let link = &mut slot.link;
        link.last_ts = link.last_ts.max(next.last_ts);
        link.last_clock = next.last_clock;
        link.pending.join(next.pending);
        link.disc_clock = next.disc_clock;
        link.ee.absorb(next.ee);
    }

    /// The XIDs were a restart: the link has ended, and another has begun.
    fn replace(&mut self, pair: Pair, clock: i64, emitted: &mut Vec<Emission>) {
        let Some(slot) = self.pairs.get_mut(&pair) else { return };
        let last = slot.link.last_ts;
        self.end(pair, (last, Close::Restarted), clock, emitted);
        let Some(slot) = self.pairs.get_mut(&pair) else { return };
        let Some(next) = slot.next.take() else { return };
        let over = std::mem::replace(&mut slot.link, next);
        self.report(pair, over, clock, emitted);
    }

    fn end(
        &mut self,
        pair: Pair,
        (ts, how): (i64, Close),
        clock: i64,
        emitted: &mut Vec<Emission>,
    ) {
        let Some(slot) = self.pairs.get_mut(&pair) else { return };
        let link = &mut slot.link;
        link.ended = Some((ts, how));
        link.ended_clock = clock;
        link.note_losses(self.losses[1]);
        let (initiation, termination) = link.session.ended(ts);
        self.record(pair, initiation, clock, emitted);
        self.record(pair, termination, clock, emitted);
    }

    /// Makes room for another pair: first a candidate goes, then the oldest.
    fn make_room(&mut self, clock: i64, emitted: &mut Vec<Emission>) {
        let mut tries = self.order.len().min(64);
        while self.pairs.len() >= MAX_PAIRS
            && let Some(pair) = self.order.pop_front()
        {
            let Some(slot) = self.pairs.get(&pair) else { continue };
            if slot.link.ee.status() == Status::Confirmed && tries > 0 {
                tries -= 1;
                self.order.push_back(pair);
                continue;
            }
            self.ledger.connections.evicted += 1;
            self.forget(pair, clock, emitted);
        }
        // Pairs that were forgotten leave their place in the list behind.
        if self.order.len() > 2 * MAX_PAIRS {
            self.order.retain(|pair| self.pairs.contains_key(pair));
        }
    }

    /// Reports everything that is left, at the clock of the last packet.
    pub fn finish(&mut self, clock: i64, emitted: &mut Vec<Emission>) {
        let stacks = if self.wants.summary { self.settings.stacks.list().len() } else { 0 };
        for stack in 0..stacks {
            self.close(End { clock, stack }, emitted);
        }
        let mut rest: Vec<Pair> = self.pairs.keys().copied().collect();
        rest.sort_unstable();
        for pair in rest {
            self.forget(pair, i64::MAX, emitted);
        }
    }

    fn forget(&mut self, pair: Pair, clock: i64, emitted: &mut Vec<Emission>) {
        self.fold(pair);
        let Some(slot) = self.pairs.remove(&pair) else { return };
        self.report(pair, slot.link, clock, emitted);
    }

    /// Reports a link for the last time.
    fn report(&mut self, pair: Pair, mut link: Link, clock: i64, emitted: &mut Vec<Emission>) {
        if link.ended.is_none() {
            link.note_losses(self.losses[1]);
        }
        let views = views(&pair, &link);
        for (seen, member) in views.into_iter().zip(std::mem::take(&mut link.members)) {
            let (Some(seen), Some(member)) = (seen, member) else { continue };
            // It was given up: its end was not seen.
            let traffic = link.traffic(local(seen, &link));
            member.end(false, traffic, self.sessions.tally(seen.stack));
        }
        if link.ee.status() != Status::Confirmed {
            self.ledger.count_all(Fate::Udp, link.pending);
            return;
        }
        self.ledger.count_all(Fate::Ee, link.pending);
        self.ledger.connections.ee += 1;
        let line = self
            .wants
            .json
            .then(|| serde_json::to_vec(&self.line(&pair, &link)).unwrap_or_default());
        let row = self.wants.rows.then(|| self.row(&pair, &link));
        emitted.push(Emission {
            clock,
            ordinal: link.ordinal,
            number: link.emitted,
            payload: Payload::Connection { line, row: row.map(Box::new), opened: None, views },
        });
    }

    fn record(
        &mut self,
        pair: Pair,
        event: Option<Event>,
        clock: i64,
        emitted: &mut Vec<Emission>,
    ) {
        let (Some(event), true) = (event, self.wants.records()) else { return };
        let Some(slot) = self.pairs.get_mut(&pair) else { return };
        let link = &mut slot.link;
        let key = ends(&pair, self.settings.ee_base_port);
        let settings = Arc::clone(&link.settings);
        for (n, seen) in views(&pair, link).into_iter().flatten().enumerate() {
            let stack = settings.stacks.get(seen.stack);
            let local = local(seen, link);
            let snapshot = snapshot(&key, link, local);
            let detail = View::of(&settings, seen.stack).detail(event, &snapshot);
            if self.wants.summary && stack.summary {
                // Always seen from the stack's end.
                let ends = Ends {
                    server: (pair.address(local), self.settings.ee_base_port),
                    client: (pair.address(local.other()), self.settings.ee_base_port),
                    role: Role::Peer,
                    last_port: self.settings.ee_base_port + (PORTS as u16 - 1),
                };
                let keys = sessions::keys(stack, &detail, ends, snapshot.ipsec, local);
                let counted = (keys, link.traffic(local));
                let tally = self.sessions.tally(seen.stack);
                // Only TCP connections are counted as short.
                if let Some(member) = link.members.get_mut(n) {
                    sessions::follow(member, event.kind, false, counted, tally);
                }
            }
            if self.wants.detail && stack.detail {
                let ipsec = link.under.protection();
                let payload = super::under::payload(detail, seen.stack, ipsec, local);
                let (ordinal, number) = (link.ordinal, link.emitted);
                emitted.push(Emission { clock, ordinal, number, payload });
                link.emitted += 1;
            }
        }
    }

    fn row(&self, pair: &Pair, link: &Link) -> Row {
        let job = |seen: Seen| {
            let end = LocalEnd {
                address: pair.address(local(seen, link)),
                port: self.settings.ee_base_port,
                ip_proto: Transport::Udp as u8,
                outbound: false,
            };
            link.settings.stacks.get(seen.stack).jobs.find(end).map(|job| job.name.clone())
        };
        let (client, server) = (link.client(), link.client().other());
        let protection = link.under.protection().map(super::under::describe);
        let key = RowKey {
            protection,
            server: (pair.address(server), self.settings.ee_base_port),
            kind: RowKind::Ee,
            severity: None,
            client: pair.address(client),
        };
        let facts = link.ee.facts();
        Row {
            key,
            from_client: facts.sent(client).bytes,
            from_server: facts.sent(server).bytes,
            start: link.first_ts,
            findings: Vec::new(),
            key_exchange: None,
            certificate: None,
            lacking: None,
            job: views(pair, link)[0].and_then(job),
        }
    }

    fn line(&self, pair: &Pair, link: &Link) -> jsonl::EeConnection {
        let client = link.client();
        let port = self.settings.ee_base_port;
        let by_client = views(pair, link)[0].is_some_and(|seen| !seen.server);
        let local = if by_client { "client" } else { "server" };
        let ends = [client, client.other()].map(|side| pair.address(side));
        let mut line = jsonl::EeConnection::new(link.ee.facts(), client, ends, port);
        line.local = local;
        line.incomplete |= link.lossy;
        line.start = jsonl::time(link.first_ts);
        line.end = link.ended.map(|(ts, _)| jsonl::time(ts));
        line.open = link.ended.is_none();
        line.close = link.ended.map(|(_, how)| match how {
            Close::Disc => "disc",
            Close::DiscUnanswered => "disc_unanswered",
            Close::Idle => "idle",
            Close::Restarted => "restarted",
        });
        line.ipsec = link.under.protection().map(|ipsec| super::under::line(ipsec, client));
        line.protection = line.ipsec.iter().map(|_| "ipsec").collect();
        line
    }
}

/// The ends of a link as those of a connection.
fn ends(pair: &Pair, port: u16) -> Key {
    let end = |side: Side| Endpoint { ip: pair.address(side), port };
    Key::new(end(Side::Low), end(Side::High))
}

/// A link as a record of one of its views tells of it.
fn snapshot<'a>(key: &'a Key, link: &'a Link, local: Side) -> Snapshot<'a> {
    let sent = [Side::Low, Side::High].map(|side| link.ee.facts().sent(side));
    Snapshot {
        transport: Transport::Udp,
        key,
        local: match local {
            Side::Low => Dir::FromLow,
            Side::High => Dir::FromHigh,
        },
        outbound: false,
        established: link.first_ts,
        bytes: sent.map(|s| s.bytes),
        segments: sent.map(|s| s.datagrams),
        protection: FindingsRef::default(),
        ipsec: link.under.protection(),
        failed: None,
    }
}

/// Which stacks see a link: the end that was called is the server's.
fn views(pair: &Pair, link: &Link) -> Views {
    let client = link.client();
    link.settings.stacks.views(pair.address(client.other()), pair.address(client))
}

/// The local end of a view.
fn local(seen: Seen, link: &Link) -> Side {
    if seen.server { link.client().other() } else { link.client() }
}
