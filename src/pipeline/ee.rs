//! Enterprise Extender links of one shard, by pair of addresses: when they begin and
//! end, and their connections with them.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;

use hashbrown::HashMap;

use super::address_pair::Pair;
pub(super) use super::ee_link::EePacket;
use super::ee_link::{Close, EeConnection, Link};
use super::ee_report::{count, record_each};
use super::ledger::{Ledger, PacketDisposition};
use super::merge::Emission;
use super::sessions::{IntervalEnd, Sessions};
use super::shard::RequestedOutputs;
use crate::config::{Mode, Settings};
use crate::flow::SHARDS;
use crate::frame::{Ipsec, Networks};
pub(super) use crate::observe::ee::PORTS;
use crate::observe::ee::{Datagram, Reply, Status, parse};
use crate::session::{Event, Kind};

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

/// What is known of one pair.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) link: Link,
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
            let settling = link.connections.iter().filter(|c| c.is_settling());
            at = settling.map(|c| c.settles_at(link.settle)).fold(at, i64::min);
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
    /// The names of the input's files.
    pub(super) files: Arc<[String]>,
    pub(super) networks: Networks,
    pub(super) settings: Arc<Settings>,
    /// Stretches with lost packets up to the batch under way, and to its end.
    pub losses: [u32; 2],
    pub(super) wants: RequestedOutputs,
    pub(super) pairs: HashMap<Pair, Slot, foldhash::quality::RandomState>,
    /// Pairs in the order in which they came, to make room.
    order: VecDeque<Pair>,
    timers: BinaryHeap<Reverse<(i64, Pair)>>,
    pub sessions: Sessions,
    pub ledger: Ledger,
}

impl EeTable {
    pub fn new(
        settings: Arc<Settings>,
        (files, networks): (&Arc<[String]>, &Networks),
        wants: RequestedOutputs,
    ) -> Self {
        Self {
            files: Arc::clone(files),
            networks: networks.clone(),
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
            self.ledger.count(PacketDisposition::Udp, p.wire);
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
                self.ledger.count(PacketDisposition::Udp, p.wire);
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
            self.ledger.count(PacketDisposition::Udp, p.wire);
            return;
        }
        if slot.link.ended.is_some() {
            let repeats = frame.is_none_or(|f| f.is_disconnection());
            if repeats {
                slot.link.take(p, frame, header);
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
            let (reply, _) = next.take(p, frame, header);
            if next.ee.has_exchanged() {
                self.replace(p.pair, p.clock, emitted);
                return;
            }
            if reply == Reply::Disconnected {
                self.fold(p.pair, p.clock, emitted);
                self.end(p.pair, (p.ts, Close::Disc), p.clock, emitted);
            }
            return;
        }
        let link = &mut slot.link;
        let (reply, changed) = link.take(p, frame, header);
        match link.ee.status() {
            Status::Candidate => {}
            Status::Rejected => {
                slot.rejected = Some(p.clock.saturating_add(REJECTED));
                let pending = std::mem::take(&mut link.pending);
                self.ledger.count_all(PacketDisposition::Udp, pending);
            }
            Status::Confirmed => {
                if changed {
                    self.changed(p.pair, (p.port, p.ts), p.clock, emitted);
                }
                if reply == Reply::Disconnected {
                    self.end(p.pair, (p.ts, Close::Disc), p.clock, emitted);
                }
            }
        }
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
    fn close(&mut self, end: IntervalEnd, emitted: &mut Vec<Emission>) {
        if self.sessions.stirred(end.stack) {
            for (pair, slot) in &mut self.pairs {
                let tally = self.sessions.tally(end.stack);
                count(pair, &mut slot.link, end.stack, tally);
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
            self.fold(pair, at, emitted);
            return;
        }
        let silent = link.last_clock.saturating_add(IDLE) <= at && slot.next.is_none();
        if link.ee.status() != Status::Confirmed {
            self.forget(pair, at, emitted);
        } else if silent {
            let last = link.last_ts;
            self.end(pair, (last, Close::Idle), at, emitted);
        } else {
            self.settle(pair, at, emitted);
            let Some(slot) = self.pairs.get_mut(&pair) else { return };
            let link = &mut slot.link;
            if link.disc_clock.is_some_and(|d| d.saturating_add(DISC_UNANSWERED) <= at) {
                let last = link.last_ts;
                self.end(pair, (last, Close::DiscUnanswered), at, emitted);
            }
        }
    }

    /// Connections that have lasted long enough: their initiations.
    fn settle(&mut self, pair: Pair, at: i64, emitted: &mut Vec<Emission>) {
        self.each(pair, at, emitted, |link, n| {
            let settle = link.settle;
            let Some(c) = link.connections.get_mut(n) else { return [None, None] };
            if !c.is_settling() || c.settles_at(settle) > at {
                return [None, None];
            }
            // What was proved later is told no earlier.
            let late = (at - c.settles_at(settle)).max(0);
            let event = c.session.settled();
            [event.map(|e| Event::new(e.kind, e.at.saturating_add(late))), None]
        });
    }

    /// The protection of a connection has changed.
    fn changed(
        &mut self,
        pair: Pair,
        (port, ts): (u8, i64),
        clock: i64,
        emitted: &mut Vec<Emission>,
    ) {
        self.each(pair, clock, emitted, |link, n| match link.connections.get_mut(n) {
            Some(c) if c.port == port => [c.session.changed(ts), None],
            _ => [None, None],
        });
    }

    /// Goes through a link's connections, and records what happens to them.
    fn each(
        &mut self,
        pair: Pair,
        clock: i64,
        emitted: &mut Vec<Emission>,
        mut happens: impl FnMut(&mut Link, usize) -> [Option<Event>; 2],
    ) {
        let Some(slot) = self.pairs.get_mut(&pair) else { return };
        let to = (self.wants, &mut self.sessions, emitted);
        record_each(&pair, &mut slot.link, clock, to, &mut happens);
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
    fn fold(&mut self, pair: Pair, clock: i64, emitted: &mut Vec<Emission>) {
        let Some(slot) = self.pairs.get_mut(&pair) else { return };
        let Some(next) = slot.next.take() else { return };
        for change in slot.link.absorb(next) {
            self.changed(pair, change, clock, emitted);
        }
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
        self.each(pair, clock, emitted, |link, n| match link.connections.get_mut(n) {
            Some(c) if c.recognised => {
                let (initiation, termination) = c.session.ended(ts.max(c.first_ts));
                [initiation, termination]
            }
            _ => [None, None],
        });
    }

    /// Makes room for another pair: first a candidate goes, then the oldest.
    fn make_room(&mut self, clock: i64, emitted: &mut Vec<Emission>) {
        let most = self.settings.max_pairs.div_ceil(SHARDS).max(1);
        let mut tries = self.order.len().min(64);
        while self.pairs.len() >= most
            && let Some(pair) = self.order.pop_front()
        {
            let Some(slot) = self.pairs.get(&pair) else { continue };
            if slot.link.ee.status() == Status::Confirmed && tries > 0 {
                tries -= 1;
                self.order.push_back(pair);
                continue;
            }
            let connections = slot.link.connections.iter().filter(|c| c.recognised).count();
            self.ledger.connections.evicted += connections as u64;
            self.forget(pair, clock, emitted);
        }
        // Pairs that were forgotten leave their place in the list behind.
        if self.order.len() > 2 * most {
            self.order.retain(|pair| self.pairs.contains_key(pair));
        }
    }

    /// Reports everything that is left, at the clock of the last packet.
    pub fn finish(&mut self, clock: i64, emitted: &mut Vec<Emission>) {
        let mut rest: Vec<Pair> = self.pairs.keys().copied().collect();
        rest.sort_unstable();
        for &pair in &rest {
            self.fold(pair, clock, emitted);
            self.snapshot(pair, clock, emitted);
        }
        let stacks = if self.wants.summary { self.settings.stacks.list().len() } else { 0 };
        for stack in 0..stacks {
            self.close(IntervalEnd { clock, stack }, emitted);
        }
        for pair in rest {
            self.forget(pair, i64::MAX, emitted);
        }
    }

    /// The input ends before connections have lasted long enough for their initiation.
    /// Their sessions count them all the same; their initiation is written as it is when
    /// a list is asked for, but not where records are those that z/OS writes.
    fn snapshot(&mut self, pair: Pair, clock: i64, emitted: &mut Vec<Emission>) {
        let Some(slot) = self.pairs.get_mut(&pair) else { return };
        let link = &mut slot.link;
        if link.ended.is_some() || link.ee.status() != Status::Confirmed {
            return;
        }
        let mut wants = self.wants;
        wants.detail &= link.settings.mode != Mode::Strict;
        let to = (wants, &mut self.sessions, emitted);
        record_each(&pair, link, clock, to, &mut |link, n| {
            let settling = link.connections.get(n).is_some_and(EeConnection::is_settling);
            [settling.then(|| Event::new(Kind::Initiation, clock)), None]
        });
    }

    fn forget(&mut self, pair: Pair, clock: i64, emitted: &mut Vec<Emission>) {
        self.fold(pair, clock, emitted);
        let Some(slot) = self.pairs.remove(&pair) else { return };
        self.report(pair, slot.link, clock, emitted);
    }
}
