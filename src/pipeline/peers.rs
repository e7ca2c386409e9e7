//! Pairs of addresses that speak IKE, ESP or AH with each other: their IKE
//! security associations and the tunnels between them.

use std::collections::VecDeque;
use std::net::IpAddr;

use hashbrown::HashMap;

use super::merge::{Emission, Payload};
use crate::flow::SHARDS;
use crate::frame::{Ipsec, IpsecProtocol};
use crate::observe::Side;
use crate::observe::ike::{Ike, spis};
use crate::sink::jsonl;

const SECOND: i64 = 1_000_000_000;
/// Silence after which a pair is reported and forgotten: longer than the
/// lifetime of most security associations between rekeys.
const QUIET: i64 = 7200 * SECOND;
/// Pairs that one shard follows at once.
const MAX_PAIRS: usize = 16_384;
/// IKE security associations of one pair.
const MAX_IKE: usize = 256;
/// Security associations of one tunnel that are listed; more are counted.
const MAX_SPIS: usize = 1024;

/// Two addresses, the lower first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Pair {
    low: IpAddr,
    high: IpAddr,
}

impl Pair {
    /// The pair of a packet, and the side that sent it.
    pub fn of(src: IpAddr, dst: IpAddr) -> (Self, Side) {
        if src <= dst {
            (Self { low: src, high: dst }, Side::Low)
        } else {
            (Self { low: dst, high: src }, Side::High)
        }
    }

    /// The shard that owns the pair.
    pub fn shard(&self) -> usize {
        use std::hash::BuildHasher;
        (foldhash::fast::FixedState::with_seed(1).hash_one(self) >> 58) as usize % SHARDS
    }

    fn address(&self, side: Side) -> IpAddr {
        match side {
            Side::Low => self.low,
            Side::High => self.high,
        }
    }
}

/// What a pair has sent.
#[derive(Clone, Copy, Debug)]
pub(super) enum What {
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
    pub what: What,
    pub ts: i64,
    pub clock: i64,
    pub ordinal: u64,
}

#[derive(Debug)]
struct IkeSa {
    ike: Ike,
    ports: [Option<u16>; 2],
    first_ts: i64,
    last_ts: i64,
    ordinal: u64,
}

#[derive(Debug)]
struct SecurityAssociation {
    from: Side,
    spi: u32,
}

#[derive(Debug)]
struct Tunnel {
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
    ordinal: u64,
}

#[derive(Debug, Default)]
struct Peers {
    last_clock: i64,
    ikes: Vec<IkeSa>,
    tunnels: Vec<Tunnel>,
}

/// The pairs of one shard.
#[derive(Debug, Default)]
pub(super) struct PeerTable {
    pairs: HashMap<Pair, Peers, foldhash::quality::RandomState>,
    quiet: VecDeque<(i64, Pair)>,
    pub counts: PeerCounts,
}

/// What became of pairs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
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

impl PeerTable {
    /// Takes a packet.
    pub fn packet(&mut self, p: &PeerPacket, arena: &[u8], emitted: &mut Vec<Emission>) {
        self.advance(p.clock, emitted);
        if !self.pairs.contains_key(&p.pair) {
            while self.pairs.len() >= MAX_PAIRS
                && let Some((_, oldest)) = self.quiet.pop_front()
            {
                self.counts.evicted += 1;
                self.report(&oldest, p.clock, emitted);
            }
            self.quiet.push_back((p.clock.saturating_add(QUIET), p.pair));
        }
        let peers = self.pairs.entry(p.pair).or_default();
        peers.last_clock = p.clock;
        let room = match p.what {
            What::Ike { at, length, ports, encapsulated } => {
                let at = at as usize;
                let message = arena.get(at..at + length as usize).unwrap_or_default();
                peers.ike(p, message, ports, encapsulated)
            }
            What::Ipsec(header) => peers.ipsec(p, &header),
        };
        self.counts.evicted += u64::from(!room);
    }

    /// Reports pairs that have been quiet.
    pub fn advance(&mut self, watermark: i64, emitted: &mut Vec<Emission>) {
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
                self.report(&pair, at, emitted);
            }
        }
    }

    /// Reports everything that is left.
    pub fn finish(&mut self, emitted: &mut Vec<Emission>) {
        for (_, pair) in std::mem::take(&mut self.quiet) {
            self.report(&pair, i64::MAX, emitted);
        }
    }

    fn report(&mut self, pair: &Pair, clock: i64, emitted: &mut Vec<Emission>) {
        let Some(peers) = self.pairs.remove(pair) else { return };
        self.counts.ike += peers.ikes.len() as u64;
        self.counts.tunnels += peers.tunnels.len() as u64;
        // A tunnel belongs to an IKE SA if there is just one it can belong to.
        let agreed: Vec<&IkeSa> =
            peers.ikes.iter().filter(|i| i.ike.facts().choice.is_some()).collect();
        let only = if let [one] = agreed[..] { Some(one.ike.facts().initiator_spi) } else { None };
        let mut line = |ordinal: u64, number: u32, line: Result<Vec<u8>, serde_json::Error>| {
            let line = line.unwrap_or_default();
            emitted.push(Emission { clock, ordinal, number, payload: Payload::Line(line) });
        };
        for sa in &peers.ikes {
            line(sa.ordinal, 0, serde_json::to_vec(&ike_line(pair, sa)));
        }
        for tunnel in &peers.tunnels {
            line(tunnel.ordinal, 1, serde_json::to_vec(&tunnel_line(pair, tunnel, only)));
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
                    ordinal: p.ordinal,
                });
                self.ikes.len() - 1
            }
        };
        let sa = &mut self.ikes[at];
        sa.last_ts = sa.last_ts.max(p.ts);
        sa.ports[p.from.index()].get_or_insert(ports.0);
        sa.ports[p.from.other().index()].get_or_insert(ports.1);
        sa.ike.message(p.from, message, encapsulated);
        room
    }

    /// Takes an ESP or AH packet; `false` if there is no room for its tunnel.
    fn ipsec(&mut self, p: &PeerPacket, header: &Ipsec) -> bool {
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
                if self.tunnels.len() >= MAX_IKE {
                    return false;
                }
                self.tunnels.push(Tunnel {
                    protocol: header.protocol,
                    ports,
                    tunnel_mode: header.tunnel_mode,
                    null_encryption: header.null_encryption,
                    spis: Vec::new(),
                    packets: [0; 2],
                    bytes: [0; 2],
                    first_ts: p.ts,
                    last_ts: p.ts,
                    ordinal: p.ordinal,
                });
                self.tunnels.len() - 1
            }
        };
        let tunnel = &mut self.tunnels[at];
        tunnel.last_ts = tunnel.last_ts.max(p.ts);
        tunnel.tunnel_mode = tunnel.tunnel_mode.or(header.tunnel_mode);
        tunnel.null_encryption |= header.null_encryption;
        tunnel.packets[p.from.index()] += 1;
        tunnel.bytes[p.from.index()] += u64::from(header.length);
        if !tunnel.has(p.from, header.spi) && tunnel.spis.len() < MAX_SPIS {
            tunnel.spis.push(SecurityAssociation { from: p.from, spi: header.spi });
        }
        true
    }
}

impl Tunnel {
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
        port: sa.ports[side.index()].unwrap_or(0),
    };
    jsonl::Ike::new(facts, end(initiator), end(initiator.other()), sa.first_ts, sa.last_ts)
}

fn tunnel_line(pair: &Pair, t: &Tunnel, ike: Option<[u8; 8]>) -> jsonl::Tunnel {
    let end = |side: Side| jsonl::TunnelEnd {
        ip: pair.address(side),
        port: t.ports.map(|p| p[side.index()]),
        spis: t.spis.iter().filter(|s| s.from == side).map(|s| format!("{:08x}", s.spi)).collect(),
        packets: t.packets[side.index()],
        bytes: t.bytes[side.index()],
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
        null_encryption: t.null_encryption,
        opaque: t.protocol == IpsecProtocol::Esp && !t.null_encryption,
        start: jsonl::time(t.first_ts),
        end: jsonl::time(t.last_ts),
        initiator_spi: ike.map(|spi| jsonl::hex(&spi)),
    }
}
