//! One Enterprise Extender link, its connections, and a datagram of it.
//!
//! Two addresses share one link (RFC 2353). Each of its five UDP ports is an EE
//! connection of its own, as z/OS counts them; what proves and ends the link proves and
//! ends them all.

use std::sync::Arc;

use super::address_pair::Pair;
use super::ipsec_encapsulation::IpsecEncapsulation;
use super::ledger::Count;
use super::sessions::{self, Members};
use crate::config::Settings;
use crate::frame::Ipsec;
use crate::observe::Side;
use crate::observe::ee::{Count as Sent, Datagram, Ee, Reply, Status};
use crate::session::Session;
use crate::source::FrameNumber;
use crate::summary::Traffic;

const SECOND: i64 = 1_000_000_000;

/// A datagram on its way to the shard of its pair.
#[derive(Clone, Copy, Debug)]
pub(super) struct EePacket {
    pub pair: Pair,
    pub from: Side,
    /// Index of the destination port, signalling first.
    pub port: u8,
    /// Whether the source port is one of the five.
    pub known_source: bool,
    /// Place of the payload in the arena, captured bytes and bytes on the wire.
    pub at: u32,
    pub captured: u32,
    pub length: u32,
    /// The AH or ESP header that it came under: its place in the batch's list.
    pub ipsec: Option<u32>,
    pub ts: i64,
    /// How far its time is ahead of its time stamp.
    pub behind: i64,
    pub clock: i64,
    pub ordinal: u64,
    pub frame: FrameNumber,
    /// Bytes of the frame.
    pub wire: u32,
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Close {
    Disc,
    DiscUnanswered,
    Idle,
    Restarted,
}

/// What one link sends to one of the five ports.
#[derive(Debug)]
pub(super) struct EeConnection {
    /// Index of the port, signalling first.
    pub port: u8,
    /// Whether a frame of EE came to the port: something else may have, first.
    pub recognised: bool,
    pub ordinal: u64,
    /// Its first packet and its last one.
    pub frames: [FrameNumber; 2],
    pub first_ts: i64,
    pub first_clock: i64,
    pub session: Session,
    pub under: IpsecEncapsulation,
    /// When the protection changed last.
    pub protected_ts: i64,
    /// The security sessions that it is in, once it has settled.
    pub members: Members,
    /// Records written so far.
    pub emitted: u32,
}

impl EeConnection {
    fn new(p: &EePacket, settle: i64) -> Self {
        Self {
            port: p.port,
            recognised: false,
            ordinal: p.ordinal,
            frames: [p.frame; 2],
            first_ts: p.ts,
            first_clock: p.clock,
            session: Session::new(p.ts, settle),
            under: IpsecEncapsulation::default(),
            protected_ts: p.ts,
            members: [None, None],
            emitted: 0,
        }
    }

    /// When its initiation is due, on the packet clock.
    pub fn settles_at(&self, settle: i64) -> i64 {
        self.first_clock.saturating_add(settle)
    }

    /// Whether its initiation is still to come.
    pub fn is_settling(&self) -> bool {
        self.recognised && self.session.is_settling()
    }
}

/// What one link between two addresses sends.
#[derive(Debug)]
pub(super) struct Link {
    /// Those of its beginning.
    pub settings: Arc<Settings>,
    /// Stretches with lost packets up to its beginning.
    losses: u32,
    /// Whether packets were lost during its life.
    pub lossy: bool,
    pub first_ts: i64,
    /// How far times are ahead of time stamps: what the clock had lost when it began.
    pub behind: i64,
    pub first_clock: i64,
    pub last_ts: i64,
    pub last_clock: i64,
    first_sender: Side,
    /// The side that began it, as records tell it from its proof on.
    client: Option<Side>,
    pub ee: Ee,
    /// At most one for each port, in the order in which they began.
    pub connections: Vec<EeConnection>,
    pub settle: i64,
    pub ended: Option<(i64, Close)>,
    pub ended_clock: i64,
    pub disc_clock: Option<i64>,
    /// Packets that wait for the verdict.
    pub pending: Count,
}

impl Link {
    pub fn new(p: &EePacket, settings: &Arc<Settings>, losses: u32) -> Self {
        let settle = i64::from(settings.settle_seconds) * SECOND;
        Self {
            settings: Arc::clone(settings),
            losses,
            lossy: false,
            first_ts: p.ts,
            behind: p.behind,
            first_clock: p.clock,
            last_ts: p.ts,
            last_clock: p.clock,
            first_sender: p.from,
            client: None,
            ee: Ee::new(p.clock),
            connections: Vec::with_capacity(1),
            settle,
            ended: None,
            ended_clock: 0,
            disc_clock: None,
            pending: Count::default(),
        }
    }

    /// Takes a datagram and the header that it came under. Returns what it did to the
    /// link, and whether the protection of its connection has changed.
    pub fn take(
        &mut self,
        p: &EePacket,
        frame: Option<&Datagram<'_>>,
        header: Option<&Ipsec>,
    ) -> (Reply, bool) {
        if self.ended.is_some()
            && let Some(connection) = self.connections.iter_mut().find(|c| c.port == p.port)
        {
            connection.frames[1] = p.frame;
        }
        // Repetitions of the last datagrams begin nothing.
        let changed = self.ended.is_none() && self.connect(p, frame.is_some(), header);
        self.last_ts = self.last_ts.max(p.ts);
        self.last_clock = p.clock;
        self.pending.add(p.wire);
        if !p.known_source {
            self.ee.other_source_port();
        }
        let reply =
            self.ee.datagram(p.from, usize::from(p.port), u64::from(p.length), frame, p.clock);
        match (self.ee.facts().disc, self.disc_clock) {
            (Some(_), None) => self.disc_clock = Some(p.clock),
            (None, Some(_)) => self.disc_clock = None,
            _ => {}
        }
        if self.client.is_none() && self.ee.status() == Status::Confirmed {
            self.client = Some(self.client());
        }
        (reply, changed)
    }

    /// Takes a datagram into its connection, which it may begin.
    fn connect(&mut self, p: &EePacket, recognised: bool, header: Option<&Ipsec>) -> bool {
        let known = self.connections.iter().position(|c| c.port == p.port);
        let at = known.unwrap_or_else(|| {
            self.connections.push(EeConnection::new(p, self.settle));
            self.connections.len() - 1
        });
        let Some(connection) = self.connections.get_mut(at) else { return false };
        connection.recognised |= recognised;
        connection.frames[1] = p.frame;
        let changed = connection.under.packet(p.from, header);
        if changed {
            connection.protected_ts = p.ts;
        }
        changed
    }

    /// Takes back what was thought to be the link after this one. Returns the ports of
    /// connections whose protection has changed, with the times.
    pub fn absorb(&mut self, next: Self) -> Vec<(u8, i64)> {
        self.last_ts = self.last_ts.max(next.last_ts);
        self.last_clock = next.last_clock;
        self.pending.join(next.pending);
        self.disc_clock = next.disc_clock;
        self.ee.absorb(next.ee);
        let mut changed = Vec::new();
        for later in next.connections {
            let Some(mine) = self.connections.iter_mut().find(|c| c.port == later.port) else {
                self.connections.push(later);
                continue;
            };
            mine.recognised |= later.recognised;
            mine.frames[1] = later.frames[1];
            if mine.under.differs(&later.under) {
                changed.push((mine.port, later.protected_ts));
            }
            mine.under = later.under;
        }
        changed
    }

    /// A time of the link by time stamps.
    pub fn told(&self, time: i64) -> i64 {
        time.saturating_sub(self.behind)
    }

    /// Notes at its end whether packets were lost during its life.
    pub fn note_losses(&mut self, losses: u32) {
        self.lossy |= losses != self.losses;
    }

    /// What each side sent to a port.
    pub fn sent(&self, port: u8) -> [Sent; 2] {
        self.ee.facts().ports.get(usize::from(port)).copied().unwrap_or_default()
    }

    /// What a connection has sent and received, seen from the stack.
    pub fn traffic(&self, port: u8, local: Side) -> Traffic {
        let sent = self.sent(port);
        sessions::traffic(sent.map(|s| s.bytes), sent.map(|s| s.datagrams), local)
    }

    /// The UDP port of a connection.
    pub fn port(&self, connection: &EeConnection) -> u16 {
        self.settings.ee_base_port.wrapping_add(connection.port.into())
    }

    /// Connections under way that are known to be EE.
    pub fn under_way(&self) -> impl Iterator<Item = &EeConnection> {
        let going = self.ended.is_none() && self.ee.status() == Status::Confirmed;
        self.connections.iter().filter(move |c| going && c.recognised)
    }

    /// The side that began it: who sent the first XID, or else anything.
    pub fn client(&self) -> Side {
        self.client.or(self.ee.facts().caller).unwrap_or(self.first_sender)
    }
}
