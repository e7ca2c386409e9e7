//! Pairs of addresses that speak IKE, ESP or AH with each other: their IKE security associations
//! and the tunnels between them.

use std::collections::VecDeque;
use std::sync::Arc;

use hashbrown::HashMap;

use super::address_pair::Pair;
use super::merge::{Emission, Payload};
use super::report::network_tags;
use super::sessions::{self, IntervalEnd, Members, RecordEndPoints, Sessions};
use super::shard::RequestedOutputs;
use crate::config::{Mode, Settings, Views};
use crate::flow::SHARDS;
use crate::frame::{Ipsec, IpsecProtocol, Networks};
use crate::observe::Side;
use crate::observe::ike::{Facts, Ike, spis};
use crate::session::{Event, Session, TunnelSnapshot, View};
use crate::sink::report::{IPSEC, Row};
use crate::sink::table::{RowKey, RowKind};
use crate::sink::{jsonl, packet_location::NetworkTags};
use crate::summary::{Role, Traffic};

const SECOND: i64 = 1_000_000_000;
/// Silence after which a pair is forgotten: longer than most security associations live.
const QUIET: i64 = 7200 * SECOND;
/// IKE security associations of one pair.
const MAX_IKE: usize = 256;
/// Tunnels of one pair.
const MAX_TUNNELS: usize = 256;
/// Security associations of one tunnel that are listed.
const MAX_SPIS: usize = 1024;

/// What a pair has sent.
#[derive(Clone, Copy, Debug)]
pub(super) enum PeerEvent {
    /// An IKE message at a place in the arena.
    Ike { at: u32, length: u32, ports: (u16, u16), encapsulated: bool },
    /// ESP or AH.
    Ipsec(Ipsec),
}

/// A packet on its way to the shard of its pair.
#[derive(Clone, Copy, Debug)]
pub(super) struct PeerPacket {
    pub pair: Pair,
    pub from: Side,
    /// Place of the header in the packet, 0 for the outermost.
    pub layer: u32,
    pub what: PeerEvent,
    pub ts: i64,
    /// How far its time is ahead of its time stamp.
    pub behind: i64,
    pub clock: i64,
    pub ordinal: u64,
}

#[derive(Debug)]
struct IkeSa {
    ike: Ike,
    ports: [Option<u16>; 2],
    first_ts: i64,
    last_ts: i64,
    /// How far times are ahead of time stamps, from its beginning.
    behind: i64,
    ordinal: u64,
}

#[derive(Debug)]
struct SecurityAssociation {
    from: Side,
    spi: u32,
}

#[derive(Debug)]
struct Tunnel {
    /// Those of its beginning.
    settings: Arc<Settings>,
    protocol: IpsecProtocol,
    /// Ports by side, where it is in UDP.
    ports: Option<[u16; 2]>,
    tunnel_mode: Option<bool>,
    null_encryption: bool,
    spis: Vec<SecurityAssociation>,
    packets: [u64; 2],
    bytes: [u64; 2],
    first_ts: i64,
    last_ts: i64,
    behind: i64,
    ordinal: u64,
    /// The side that received the first packet.
    receiver: Side,
    /// Place of its header in the packet, 0 for the outermost.
    layer: u32,
    session: Session,
    /// The security session that it is, once it has settled.
    members: Members,
    /// Records written so far.
    emitted: u32,
}

#[derive(Debug, Default)]
struct Peers {
    last_clock: i64,
    /// The IKE SA that was passed on as that of the pair's tunnels.
    passed_on: Option<[u8; 8]>,
    ikes: Vec<IkeSa>,
    tunnels: Vec<Tunnel>,
}

/// Writes the records of tunnels.
#[derive(Debug)]
struct Reporter {
    settings: Arc<Settings>,
    networks: Networks,
    wants: RequestedOutputs,
}

/// The pairs of one shard.
#[derive(Debug)]
pub(super) struct PeerTable {
    reporter: Reporter,
    pairs: HashMap<Pair, Peers, foldhash::quality::RandomState>,
    quiet: VecDeque<(i64, Pair)>,
    pub sessions: Sessions,
    pub counts: PeerCounts,
}

/// What became of pairs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, schemars::JsonSchema, serde::Serialize)]
pub struct PeerCounts {
    /// IKE security associations.
    pub ike: u64,
    /// Tunnels of ESP or AH.
    pub tunnels: u64,
    /// Pairs, SAs and tunnel packets for which there was no room.
    pub evicted: u64,
}

impl PeerCounts {
    /// Adds the counts of another shard.
    pub fn join(&mut self, other: Self) {
        self.ike += other.ike;
        self.tunnels += other.tunnels;
        self.evicted += other.evicted;
    }
}

impl Reporter {
    /// Which stacks see a tunnel. As with a connection, the end that was spoken
    /// to is the server's; it is returned, too.
    fn views(&self, pair: &Pair, tunnel: &Tunnel, ike: Option<&Facts>) -> (Views, Side) {
        let server = ike.and_then(|f| f.initiator).map_or(tunnel.receiver, Side::other);
        let stacks = &tunnel.settings.stacks;
        (stacks.views(pair.address(server), pair.address(server.other())), server)
    }

    /// The row of an opaque tunnel in the table for people.
    fn row(&self, pair: &Pair, tunnel: &Tunnel, ike: Option<&Facts>) -> Option<Row> {
        if !self.wants.rows || !tunnel.opaque() {
            return None;
        }
        let (views, server) = self.views(pair, tunnel, ike);
        let local = if views[0]?.server { server } else { server.other() };
        let ike = ike.map(|f| format!(", IKEv{}", f.version >> 4)).unwrap_or_default();
        let key = RowKey {
            protection: Some(format!("IPSec (ESP{ike})")),
            server: (pair.address(local), 0),
            kind: RowKind::Esp,
            severity: None,
            client: pair.address(local.other()),
        };
        let bytes = tunnel.bytes;
        Some(Row {
            key,
            from_client: *local.other().of(&bytes),
            from_server: *local.of(&bytes),
            start: tunnel.first_ts.saturating_sub(tunnel.behind),
            findings: Vec::new(),
            key_exchange: None,
            certificate: None,
            version: Some(IPSEC.to_owned()),
            failure: None,
            dated: true,
            lacking: Some("connections inside ESP are hidden"),
            job: None,
        })
    }

    /// Writes the records of an event of an opaque tunnel, for each stack that
    /// sees it, and counts the event in its security session.
    fn record(
        &self,
        pair: &Pair,
        tunnel: &mut Tunnel,
        ike: Option<&Facts>,
        (event, clock): (Event, i64),
        (sessions, emitted): (&mut Sessions, &mut Vec<Emission>),
    ) {
        let settings = &Arc::clone(&tunnel.settings);
        if !self.wants.records() || settings.mode == Mode::Strict {
            return;
        }
        let event = event.told(tunnel.behind);
        let (views, server) = self.views(pair, tunnel, ike);
        for (n, seen) in views.into_iter().flatten().enumerate() {
            let stack = settings.stacks.get(seen.stack);
            let local = if seen.server { server } else { server.other() };
            let snapshot = TunnelSnapshot {
                ends: [pair.low, pair.high],
                local,
                start: tunnel.first_ts.saturating_sub(tunnel.behind),
                bytes: tunnel.bytes,
                packets: tunnel.packets,
                ike,
            };
            let detail = View::of(settings, seen.stack).tunnel(event, &snapshot);
            if self.wants.summary && stack.summary {
                let ends = RecordEndPoints {
                    server: (pair.address(local), 0),
                    client: (pair.address(local.other()), 0),
                    role: Role::Peer,
                    last_port: 0,
                };
                let keys = sessions::keys(stack, &detail, ends, None, local, None);
                let counted = (keys, tunnel.traffic(local));
                let tally = sessions.tally(seen.stack);
                if let Some(member) = tunnel.members.get_mut(n) {
                    sessions::follow(member, event.kind, false, counted, tally);
                }
            }
            if self.wants.detail && stack.detail {
                let mut bytes = Vec::with_capacity(512);
                detail.encode(&mut bytes);
                let payload = Payload::Record(seen.stack, bytes);
                let (ordinal, number) = (tunnel.ordinal, tunnel.emitted);
                tunnel.emitted += 1;
                emitted.push(Emission { clock, ordinal, number, payload });
            }
        }
    }
}

impl PeerTable {
    pub fn new(settings: Arc<Settings>, networks: Networks, wants: RequestedOutputs) -> Self {
        Self {
            sessions: Sessions::new(&settings),
            reporter: Reporter { settings, networks, wants },
            pairs: HashMap::default(),
            quiet: VecDeque::new(),
            counts: PeerCounts::default(),
        }
    }

    /// Takes other settings for tunnels that begin from now on.
    pub fn renew(&mut self, settings: &Arc<Settings>) {
        self.reporter.settings = Arc::clone(settings);
    }

    /// Takes a packet.
    pub fn packet(&mut self, p: &PeerPacket, arena: &[u8], emitted: &mut Vec<Emission>) {
        self.advance(p.clock, emitted);
        self.sessions.stir();
        if !self.pairs.contains_key(&p.pair) {
            let most = self.reporter.settings.max_pairs.div_ceil(SHARDS).max(1);
            while self.pairs.len() >= most
                && let Some((_, oldest)) = self.quiet.pop_front()
            {
                self.counts.evicted += 1;
                self.report(&oldest, p.clock, false, emitted);
            }
            self.quiet.push_back((p.clock.saturating_add(QUIET), p.pair));
        }
        let peers = self.pairs.entry(p.pair).or_default();
        peers.last_clock = p.clock;
        let room = match p.what {
            PeerEvent::Ike { at, length, ports, encapsulated } => {
                let at = at as usize;
                let message = arena.get(at..at + length as usize).unwrap_or_default();
                let room = peers.ike(p, message, ports, encapsulated);
                if self.reporter.wants.records() {
                    emitted.extend(peers.key_exchange(p));
                }
                room
            }
            PeerEvent::Ipsec(header) => {
                let tunnel = peers.ipsec(p, &header, &self.reporter.settings);
                if let Some(at) = tunnel {
                    self.lasts(p, at, emitted);
                }
                tunnel.is_some()
            }
        };
        self.counts.evicted += u64::from(!room);
    }

    /// Reports pairs that have been quiet, and ends intervals in between.
    pub fn advance(&mut self, clock: i64, emitted: &mut Vec<Emission>) {
        while let Some(end) = self.sessions.due(clock) {
            self.fire(end.clock - 1, emitted);
            self.close(end, emitted);
        }
        self.fire(clock, emitted);
    }

    /// Ends an interval: counts what every tunnel of the stack has sent in it.
    fn close(&mut self, end: IntervalEnd, emitted: &mut Vec<Emission>) {
        let stirred = self.sessions.stirred(end.stack);
        let pairs = self.pairs.iter_mut().filter(|_| stirred);
        for (pair, peers) in pairs {
            let ike = agreed(&peers.ikes);
            for tunnel in &mut peers.tunnels {
                let (views, server) = self.reporter.views(pair, tunnel, ike);
                for (n, seen) in views.into_iter().flatten().enumerate() {
                    let local = if seen.server { server } else { server.other() };
                    let traffic = tunnel.traffic(local);
                    if let Some(Some(member)) = tunnel.members.get_mut(n)
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
        while let Some(&(at, pair)) = self.quiet.front()
            && at <= watermark
        {
            self.quiet.pop_front();
            let Some(peers) = self.pairs.get(&pair) else { continue };
            let quiet_until = peers.last_clock.saturating_add(QUIET);
            if quiet_until > at {
                let place = self.quiet.partition_point(|q| q.0 <= quiet_until);
                self.quiet.insert(place, (quiet_until, pair));
            } else {
                self.report(&pair, at, true, emitted);
            }
        }
    }

    /// Reports everything that is left, at the clock of the last packet.
    pub fn finish(&mut self, clock: i64, emitted: &mut Vec<Emission>) {
        let stacks = self.reporter.settings.stacks.list().len();
        for stack in 0..if self.reporter.wants.summary { stacks } else { 0 } {
            self.close(IntervalEnd { clock, stack }, emitted);
        }
        for (_, pair) in std::mem::take(&mut self.quiet) {
            self.report(&pair, i64::MAX, false, emitted);
        }
    }

    /// A tunnel has sent a packet. Only that shows that it lasts: its end is not on the wire.
    fn lasts(&mut self, p: &PeerPacket, at: usize, emitted: &mut Vec<Emission>) {
        let Some(peers) = self.pairs.get_mut(&p.pair) else { return };
        let Some(tunnel) = peers.tunnels.get_mut(at) else { return };
        let settle = i64::from(self.reporter.settings.settle_seconds) * SECOND;
        let settled = tunnel.first_ts.saturating_add(settle);
        if !tunnel.opaque() || p.ts < settled {
            return;
        }
        let Some(event) = tunnel.session.settled() else { return };
        let ike = agreed(&peers.ikes);
        let when = (event, p.clock);
        self.reporter.record(&p.pair, tunnel, ike, when, (&mut self.sessions, emitted));
    }

    /// Reports a pair for the last time and forgets it. `over` is that its
    /// tunnels have ended: they have been silent long enough.
    fn report(&mut self, pair: &Pair, clock: i64, over: bool, emitted: &mut Vec<Emission>) {
        let Some(mut peers) = self.pairs.remove(pair) else { return };
        if let Some(ordinal) = peers.ikes.first().map(|i| i.ordinal)
            && peers.passed_on.is_some()
        {
            let payload = Payload::KeyExchange(*pair, None);
            emitted.push(Emission { clock, ordinal, number: u32::MAX, payload });
        }
        self.counts.ike += peers.ikes.len() as u64;
        self.counts.tunnels += peers.tunnels.len() as u64;
        for sa in peers.ikes.iter().filter(|_| self.reporter.wants.json) {
            let line = {
                let mut line = ike_line(pair, sa);
                line.network = network_tags(&self.reporter.networks, pair.network);
                serde_json::to_vec(&line).unwrap_or_default()
            };
            let payload = Payload::Line(line);
            emitted.push(Emission { clock, ordinal: sa.ordinal, number: 0, payload });
        }
        for mut tunnel in std::mem::take(&mut peers.tunnels) {
            let ike = agreed(&peers.ikes);
            let line = self.reporter.wants.json.then(|| {
                let mut line = tunnel_line(pair, &tunnel, ike.map(|f| f.initiator_spi));
                line.network = network_tags(&self.reporter.networks, pair.network);
                serde_json::to_vec(&line).unwrap_or_default()
            });
            let layer = tunnel.layer;
            let ordinal = tunnel.ordinal;
            // One that was seen not to encrypt after its initiation still ends.
            let initiated = tunnel.emitted > 0 || tunnel.members.iter().any(Option::is_some);
            if over && (tunnel.opaque() || initiated) {
                let (initiation, termination) = tunnel.session.ended(tunnel.last_ts);
                for event in [initiation, termination].into_iter().flatten() {
                    let to = (&mut self.sessions, &mut *emitted);
                    self.reporter.record(pair, &mut tunnel, ike, (event, clock), to);
                }
            }
            let (views, _) = self.reporter.views(pair, &tunnel, ike);
            let row = self.reporter.row(pair, &tunnel, ike);
            let payload = match line {
                line if tunnel.emitted > 0 || row.is_some() => {
                    Payload::Connection { line, row: row.map(Box::new), opened: None, views }
                }
                Some(line) => Payload::Line(line),
                None => continue,
            };
            // A connection may have begun with the same packet, inside.
            emitted.push(Emission { clock, ordinal, number: u32::MAX - layer, payload });
        }
    }
}

impl Peers {
    /// Takes an IKE message; `false` if another SA had to go for it.
    fn ike(
        &mut self,
        p: &PeerPacket,
        message: &[u8],
        ports: (u16, u16),
        encapsulated: bool,
    ) -> bool {
        let Some((initiator_spi, _)) = spis(message) else { return true };
        let mut room = true;
        let known = self.ikes.iter().position(|i| i.ike.facts().initiator_spi == initiator_spi);
        let at = match known {
            Some(at) => at,
            None => {
                let Some(ike) = Ike::new(message) else { return true };
                if self.ikes.len() >= MAX_IKE {
                    self.ikes.remove(0);
                    room = false;
                }
                self.ikes.push(IkeSa {
                    ike,
                    ports: [None; 2],
                    first_ts: p.ts,
                    last_ts: p.ts,
                    behind: p.behind,
                    ordinal: p.ordinal,
                });
                self.ikes.len() - 1
            }
        };
        let Some(sa) = self.ikes.get_mut(at) else { return room };
        sa.last_ts = sa.last_ts.max(p.ts);
        p.from.of_mut(&mut sa.ports).get_or_insert(ports.0);
        p.from.other().of_mut(&mut sa.ports).get_or_insert(ports.1);
        sa.ike.message(p.from, message, encapsulated);
        room
    }

    /// What changes for the records of connections in the pair's tunnels.
    fn key_exchange(&mut self, p: &PeerPacket) -> Option<Emission> {
        let facts = agreed(&self.ikes);
        let now = facts.map(|f| f.initiator_spi);
        if now == self.passed_on {
            return None;
        }
        self.passed_on = now;
        let payload = Payload::KeyExchange(p.pair, facts.cloned().map(Box::new));
        Some(Emission { clock: p.clock, ordinal: p.ordinal, number: 0, payload })
    }

    /// Takes an ESP or AH packet; returns its tunnel if there is room for it.
    fn ipsec(&mut self, p: &PeerPacket, header: &Ipsec, settings: &Arc<Settings>) -> Option<usize> {
        for sa in &mut self.ikes {
            sa.ike.in_use();
        }
        let ports = header.ports.map(|(from, to)| match p.from {
            Side::Low => [from, to],
            Side::High => [to, from],
        });
        let alike = |t: &Tunnel| t.protocol == header.protocol && t.ports == ports;
        let same = |t: &Tunnel| {
            alike(t)
                && t.tunnel_mode == header.tunnel_mode
                && t.null_encryption == header.null_encryption
        };
        // That an SA does not encrypt may be known only after some packets, and
        // not every packet of it shows that.
        let esp = header.protocol == IpsecProtocol::Esp;
        let known = self.tunnels.iter().position(|t| esp && alike(t) && t.has(p.from, header.spi));
        let at = match known.or_else(|| self.tunnels.iter().position(same)) {
            Some(at) => at,
            None => {
                if self.tunnels.len() >= MAX_TUNNELS {
                    return None;
                }
                let settle = i64::from(settings.settle_seconds) * SECOND;
                self.tunnels.push(Tunnel {
                    settings: Arc::clone(settings),
                    protocol: header.protocol,
                    ports,
                    tunnel_mode: header.tunnel_mode,
                    null_encryption: header.null_encryption,
                    spis: Vec::new(),
                    packets: [0; 2],
                    bytes: [0; 2],
                    first_ts: p.ts,
                    last_ts: p.ts,
                    behind: p.behind,
                    ordinal: p.ordinal,
                    receiver: p.from.other(),
                    layer: p.layer,
                    session: Session::new(p.ts, settle),
                    members: [None, None],
                    emitted: 0,
                });
                self.tunnels.len() - 1
            }
        };
        let tunnel = self.tunnels.get_mut(at)?;
        tunnel.last_ts = tunnel.last_ts.max(p.ts);
        tunnel.tunnel_mode = tunnel.tunnel_mode.or(header.tunnel_mode);
        tunnel.null_encryption |= header.null_encryption;
        *p.from.of_mut(&mut tunnel.packets) += 1;
        *p.from.of_mut(&mut tunnel.bytes) += u64::from(header.length);
        if !tunnel.has(p.from, header.spi) && tunnel.spis.len() < MAX_SPIS {
            tunnel.spis.push(SecurityAssociation { from: p.from, spi: header.spi });
        }
        Some(at)
    }
}

/// The IKE SA that the tunnels of a pair belong to, if there is just one that
/// they can belong to.
fn agreed(ikes: &[IkeSa]) -> Option<&Facts> {
    let mut all = ikes.iter().map(|i| i.ike.facts()).filter(|f| f.choice.is_some());
    all.next().filter(|_| all.next().is_none())
}

impl Tunnel {
    /// What was sent and received, seen from the stack.
    fn traffic(&self, local: Side) -> Traffic {
        sessions::traffic(self.bytes, self.packets, local)
    }

    /// Whether encryption hides what is inside.
    fn opaque(&self) -> bool {
        self.protocol == IpsecProtocol::Esp && !self.null_encryption
    }

    fn has(&self, from: Side, spi: u32) -> bool {
        // The newest are the likeliest: look from the end.
        self.spis.iter().rev().any(|s| s.from == from && s.spi == spi)
    }
}

fn ike_line(pair: &Pair, sa: &IkeSa) -> jsonl::Ike {
    let facts = sa.ike.facts();
    // Where nothing shows who began, the sender of the first message is named.
    let initiator = facts.initiator.unwrap_or(Side::Low);
    let end = |side: Side| jsonl::Endpoint {
        ip: pair.address(side),
        port: side.of(&sa.ports).unwrap_or(0),
    };
    let [first, last] = [sa.first_ts, sa.last_ts].map(|ts| ts.saturating_sub(sa.behind));
    jsonl::Ike::new(facts, end(initiator), end(initiator.other()), first, last)
}

fn tunnel_line(pair: &Pair, t: &Tunnel, ike: Option<[u8; 8]>) -> jsonl::Tunnel {
    let end = |side: Side| jsonl::TunnelEnd {
        ip: pair.address(side),
        port: t.ports.map(|p| *side.of(&p)),
        spis: t.spis.iter().filter(|s| s.from == side).map(|s| format!("{:08x}", s.spi)).collect(),
        packets: *side.of(&t.packets),
        bytes: *side.of(&t.bytes),
    };
    jsonl::Tunnel {
        schema: jsonl::SCHEMA,
        r#type: "tunnel",
        protocol: match t.protocol {
            IpsecProtocol::Esp => "esp",
            IpsecProtocol::Ah => "ah",
        },
        a: end(Side::Low),
        b: end(Side::High),
        mode: t.tunnel_mode.map(|tunnel| if tunnel { "tunnel" } else { "transport" }),
        udp_encapsulated: t.ports.is_some(),
        tcp_encapsulated: false,
        null_encryption: t.null_encryption,
        opaque: t.opaque(),
        start: jsonl::time(t.first_ts.saturating_sub(t.behind)),
        end: jsonl::time(t.last_ts.saturating_sub(t.behind)),
        network: NetworkTags::default(),
        initiator_spi: ike.map(|spi| jsonl::hex(&spi)),
    }
}
