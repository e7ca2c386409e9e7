//! A shard: the connections that it owns, their timers, and what they emit.

use std::collections::VecDeque;
use std::sync::Arc;

use super::connection::{Connection, Context, Effect, side};
use super::counting::Counts;
use super::ee::{EePacket, EeTable};
use super::ftp::{self, Control};
use super::ftp_control;
use super::ike_peers::{PeerPacket, PeerTable};
use super::ledger::{Ledger, PacketDisposition};
use super::merge::{Emission, Payload};
use super::opening::Place;
use super::report::{local, views};
use super::resumption;
use super::sessions::{self, IntervalEnd, Sessions};
use super::teardown::count_handshake;
use super::timers::Timers;
use crate::config::Settings;
use crate::flow::{AHEAD, Dir, Key, LatestSegments, SHARDS, Table};
use crate::frame::{Ipsec, Networks, Segment, flag};
use crate::observe::certificate::Certificates;
use crate::session::Session;
use crate::sink::jsonl;
use crate::source::{Behind, FrameNumber};

pub(super) const SECOND: i64 = 1_000_000_000;

/// One handshake has to find room.
const MIN_HELD: usize = 1024 * 1024;

/// A segment on its way to its shard.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packet {
    pub key: Key,
    pub dir: Dir,
    pub segment: Segment,
    pub ts: i64,
    pub clock: i64,
    pub ordinal: u64,
    pub frame: FrameNumber,
    pub wire: u32,
    /// The AH or ESP header that it came under: its place in the batch's list.
    pub ipsec: Option<u32>,
}

/// What all shards see of a batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct BatchContext<'a> {
    pub arena: &'a [u8],
    pub ipsec: &'a [Ipsec],
    /// Packet clock at its end.
    pub watermark: i64,
    /// Packet clocks in it at which recording intervals end.
    pub ends: &'a [IntervalEnd],
    /// Stretches with lost packets, up to its end.
    pub losses: u32,
    /// How far its times are ahead of time stamps.
    pub behind: &'a Behind,
}

/// A shard's part of a batch.
#[derive(Debug, Default)]
pub(super) struct ShardInput {
    pub segments: Vec<Packet>,
    pub peers: Vec<PeerPacket>,
    pub ee: Vec<EePacket>,
}

/// What is to be produced.
#[derive(Clone, Copy, Debug, Default)]
pub struct RequestedOutputs {
    /// SMF records of subtype 11.
    pub detail: bool,
    /// SMF records of subtype 12.
    pub summary: bool,
    /// JSON Lines.
    pub json: bool,
    /// Rows of the table for people.
    pub rows: bool,
}

impl RequestedOutputs {
    /// Whether SMF records of any kind are wanted.
    pub(super) fn records(self) -> bool {
        self.detail || self.summary
    }
}

/// One shard.
#[derive(Debug)]
pub(super) struct Shard {
    pub(super) settings: Arc<Settings>,
    /// The names of the input's files.
    pub(super) files: Arc<[String]>,
    pub(super) networks: Networks,
    pub(super) wants: RequestedOutputs,
    pub(super) max_connections: usize,
    /// Bytes that its handshakes may hold.
    pub(super) max_held: usize,
    pub(super) table: Table<Connection>,
    /// What copies are told by.
    pub(super) latest: LatestSegments,
    /// Stretches with lost packets up to the batch under way, and to its end.
    pub(super) losses: [u32; 2],
    /// How far times of the batch under way are ahead of time stamps.
    pub(super) behind: Behind,
    pub(super) context: Context,
    pub(super) timers: Timers,
    /// Connections whose handshakes hold bytes, the oldest first.
    pub(super) holding: VecDeque<(u32, u64)>,
    pub(super) sessions: Sessions,
    pub(super) peers: PeerTable,
    pub(super) ee: EeTable,
    pub ledger: Ledger,
    pub emitted: Vec<Emission>,
    /// At the end, connections that are to be reported: ordinals and slots, descending.
    pub(super) rest: Vec<(u64, u32)>,
}

impl Shard {
    pub fn new(
        settings: Arc<Settings>,
        (files, networks): (&Arc<[String]>, &Networks),
        wants: RequestedOutputs,
    ) -> Self {
        let share = |all: usize| all.div_ceil(SHARDS).max(1);
        let max_connections = share(settings.max_connections);
        let max_held = share(settings.max_held).max(MIN_HELD);
        let mode = settings.mode;
        let peers = PeerTable::new(Arc::clone(&settings), networks.clone(), wants);
        let ee = EeTable::new(Arc::clone(&settings), (files, networks), wants);
        let sessions = Sessions::new(&settings);
        Self {
            settings,
            files: Arc::clone(files),
            networks: networks.clone(),
            wants,
            max_connections,
            max_held,
            table: Table::default(),
            latest: LatestSegments::default(),
            losses: [0; 2],
            behind: Behind::default(),
            context: Context { certificates: Certificates::default(), mode, held: 0 },
            holding: VecDeque::new(),
            timers: Timers::default(),
            sessions,
            peers,
            ee,
            ledger: Ledger::default(),
            emitted: Vec::new(),
            rest: Vec::new(),
        }
    }

    /// Takes the shard's packets of a batch, in order.
    pub fn batch(&mut self, bucket: &ShardInput, shared: &BatchContext<'_>) {
        let &BatchContext { arena, ipsec, watermark, ends, losses, behind } = shared;
        self.behind.clone_from(behind);
        // What was lost may have been of what begins in the batch, too.
        self.losses = [self.losses[1], losses];
        self.ee.losses = self.losses;
        self.sessions.end_at(ends);
        self.peers.sessions.end_at(ends);
        self.ee.sessions.end_at(ends);
        self.timers.interval_ends(self.sessions.next_end());
        for packets in bucket.segments.chunks(AHEAD) {
            let mut slots = [None; AHEAD];
            let first = self.latest.next();
            self.look_up(packets, &mut slots);
            for ((number, packet), slot) in (first..).zip(packets).zip(slots) {
                self.packet((packet, number), slot, arena, ipsec);
            }
        }
        self.advance(watermark);
        for packet in &bucket.peers {
            self.peers.packet(packet, arena, &mut self.emitted);
        }
        self.peers.advance(watermark, &mut self.emitted);
        for packet in &bucket.ee {
            self.ee.packet(packet, arena, ipsec, &mut self.emitted);
        }
        self.ee.advance(watermark, &mut self.emitted);
        self.ledger.written.sessions_refused +=
            self.sessions.refused() + self.peers.sessions.refused() + self.ee.sessions.refused();
    }

    /// Takes a packet, which is a number among the latest segments.
    fn packet(
        &mut self,
        (p, number): (&Packet, usize),
        ahead: Option<u32>,
        arena: &[u8],
        ipsec: &[Ipsec],
    ) {
        // Timers first: what a packet meets must not depend on where a batch
        // ends.
        if self.timers.are_due(p.clock) {
            self.advance(p.clock);
        }
        if p.ipsec.is_none()
            && let Some((key, connection)) = ahead.and_then(|slot| self.table.get_mut(slot))
            && *key == p.key
            && connection.fast_segment(p.dir, &p.segment, arena, p.ts, p.clock)
        {
            connection.last_frame = p.frame;
            self.sessions.stir();
            self.ledger.count(connection.disposition(), p.wire);
            return;
        }
        // Where it was found ahead it is still, unless it or another has gone or come.
        let there = |slot: &u32| self.table.is(*slot, &p.key);
        let known = ahead.filter(there).or_else(|| self.table.find(&p.key));
        if self.is_copy(known, (p, number)) {
            return self.ledger.count(PacketDisposition::Duplicate, p.wire);
        }
        let slot = match self.slot(p, known, arena) {
            Place::Slot(slot) => slot,
            Place::Undecided => {
                self.ledger.count(PacketDisposition::TcpFollowed, p.wire);
                return;
            }
            Place::NoStack => {
                self.ledger.count(PacketDisposition::TcpRouted, p.wire);
                // Who talks, where the addresses that were given may be wrong.
                if self.ledger.connections.seen == 0 {
                    self.ledger.routed.add([p.key.low().ip, p.key.high().ip]);
                }
                return;
            }
        };
        self.sessions.stir();
        let reset = p.segment.flags & flag::RST != 0;
        if reset && self.reset(slot, p) {
            let counted = self.table.get(slot).map(Connection::disposition);
            self.ledger.count(counted.unwrap_or(PacketDisposition::TcpFollowed), p.wire);
            return;
        }
        if self.table.get(slot).is_some_and(|c| c.pending.is_some()) {
            self.weigh(slot, p);
        }
        let Some((_, connection)) = self.table.get_mut(slot) else {
            return;
        };
        let payload = p.segment.payload(arena);
        p.dir.of_mut(&mut connection.senders).sent(&p.segment);
        let had_finished = connection.life.finished();
        connection.last_frame = p.frame;
        let mut effect =
            connection.segment(p.dir, &p.segment, payload, p.ts, p.clock, &mut self.context);
        effect.protection_changed |=
            connection.ipsec_packet(p.dir, p.ipsec.and_then(|at| ipsec.get(at as usize)), p.ts);
        if p.segment.flags & flag::SYN != 0
            && let Some(bits) = p.segment.window_scale(arena)
        {
            connection.life.scale(p.dir, bits, p.segment.flags & flag::ACK != 0);
        }
        connection.note_smc(p.dir, &p.segment, arena);
        let started = connection.life.start_seen();
        if !started && self.settings.include_midstream && connection.life.established().is_none() {
            connection.life.assume_established(p.ts);
            effect.established = true;
        }
        if effect.established
            && let Some(established) = connection.life.established()
        {
            let settle = i64::from(self.settings.settle_seconds) * SECOND;
            connection.session = Some(Session::new(established, settle));
            connection.settles_at = p.clock.saturating_add(settle);
            self.timers.settle(connection.settles_at, slot, connection.ordinal);
        }
        let finished = !had_finished && connection.life.finished();
        if effect.completed {
            count_handshake(connection, &mut self.ledger);
            self.emitted.extend(ftp_control::change(&p.key, connection, true, p.clock));
            let mode = self.settings.mode;
            self.emitted.extend(resumption::completed(&p.key, connection, mode, p.clock));
        }
        let was_reset = effect.closed && connection.is_reset();
        effect.closed &= !was_reset;
        if effect.closed {
            connection.ended_clock = p.clock;
        }
        if effect.closed || finished {
            self.timers.linger(p.clock, slot, connection.ordinal);
        }
        self.ledger.count(connection.disposition(), p.wire);
        if was_reset {
            // The acknowledgment of the last FIN was under way.
            self.confirm_reset(slot, p.clock);
        }
        if effect.observed {
            self.observed(slot);
        }
        if effect.established {
            // That comes after no reset.
            self.disregard_reset(slot, p);
        }
        if self.changed_after_reset(slot, effect.protection_changed || effect.failed) {
            (effect.protection_changed, effect.failed) = (false, false);
        }
        self.events(slot, effect, p);
        if effect.observed {
            if self.context.held > self.max_held {
                self.give_up_oldest(p.clock);
            }
            self.announce(slot, p.clock);
        }
    }

    /// A connection's observer was shown something: it may hold bytes now.
    fn observed(&mut self, slot: u32) {
        let Some((_, connection)) = self.table.get_mut(slot) else { return };
        if connection.holds() && !std::mem::replace(&mut connection.queued, true) {
            self.holding.push_back((slot, connection.ordinal));
            if self.holding.len() > 2 * self.table.len() + 1024 {
                self.prune();
            }
        }
    }

    /// Passes on which data connections an FTP control connection announces.
    fn announce(&mut self, slot: u32, clock: i64) {
        let Some((key, connection)) = self.table.get_mut(slot) else { return };
        for announcement in connection.announcements() {
            let client = connection.client(key);
            let (c, s) = (key.sender(client), key.sender(client.other()));
            let control = Arc::new(Control {
                verb: announcement.verb,
                command: announcement.verb.name(),
                client: jsonl::Endpoint { ip: c.ip, port: c.port },
                server: jsonl::Endpoint { ip: s.ip, port: s.port },
            });
            for place in ftp::places(&announcement, c.ip, s.ip) {
                let payload = Payload::Announcement(place, Arc::clone(&control));
                let (ordinal, number) = (connection.ordinal, connection.emitted);
                self.emitted.push(Emission { clock, ordinal, number, payload });
                connection.emitted += 1;
            }
        }
    }

    /// Writes the records that a segment causes.
    fn events(&mut self, slot: u32, effect: Effect, p: &Packet) {
        let fails = effect.failed && self.settings.level.tells_of_failures();
        if effect.protection_changed || fails {
            let Some((_, connection)) = self.table.get_mut(slot) else {
                return;
            };
            if let Some(until) = connection.ends_protection(p.ts, p.clock) {
                self.timers.protection_ended(until, slot, connection.ordinal);
            } else {
                let event = connection.session.as_mut().and_then(|s| s.changed(p.ts));
                self.record(slot, event, p.clock);
            }
        }
        if effect.closed {
            self.end(slot, p.clock);
        }
    }

    /// The connection's end: its termination record, with the initiation
    /// before it if the connection was long and its timer had no time to fire.
    pub(super) fn end(&mut self, slot: u32, clock: i64) {
        let Some((_, connection)) = self.table.get_mut(slot) else {
            return;
        };
        connection.note_losses(self.losses[1]);
        connection.conclude(true, clock, &mut self.context);
        let Some((ts, _)) = connection.life.ended() else {
            return;
        };
        let Some(session) = &mut connection.session else {
            return;
        };
        let (initiation, termination) = session.ended(ts);
        self.record(slot, initiation, clock);
        self.record(slot, termination, clock);
    }

    /// Ends an interval: counts what every connection of the stack has sent in it.
    pub(super) fn close(&mut self, end: IntervalEnd) {
        // While nothing comes there is nothing to count.
        let stirred = self.sessions.stirred(end.stack);
        let slots = if stirred { self.table.occupied() } else { Vec::new() };
        for slot in slots {
            self.confirm_reset(slot, end.clock - 1);
            let Some((key, connection)) = self.table.get_mut(slot) else { continue };
            if connection.members.iter().all(Option::is_none) {
                continue;
            }
            let client = connection.client(key);
            let views = views(&connection.settings, key, client);
            let Counts { bytes, segments } = connection.counted();
            for (seen, member) in views.into_iter().zip(&mut connection.members) {
                if let (Some(seen), Some(member)) = (seen, member)
                    && seen.stack == end.stack
                {
                    let traffic = sessions::traffic(bytes, segments, side(local(seen, client)));
                    member.count(traffic, self.sessions.tally(end.stack));
                }
            }
        }
        self.sessions.close(end, &mut self.emitted);
    }
}
