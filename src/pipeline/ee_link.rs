//! One Enterprise Extender link, and a datagram of it.

use std::sync::Arc;

use super::ledger::Count;
use super::pair::Pair;
use super::sessions::{self, Members};
use super::under::UnderIpsec;
use crate::config::Settings;
use crate::observe::Side;
use crate::observe::ee::{Datagram, Ee, Reply};
use crate::session::Session;
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
    pub clock: i64,
    pub ordinal: u64,
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

/// What one link between two addresses sends.
#[derive(Debug)]
pub(super) struct Link {
    /// Those of its beginning.
    pub settings: Arc<Settings>,
    /// Stretches with lost packets up to its beginning.
    losses: u32,
    /// Whether packets were lost during its life.
    pub lossy: bool,
    pub ordinal: u64,
    pub first_ts: i64,
    pub first_clock: i64,
    pub last_ts: i64,
    pub last_clock: i64,
    pub first_sender: Side,
    pub ee: Ee,
    pub session: Session,
    pub under: UnderIpsec,
    /// The security sessions that it is in, once it has settled.
    pub members: Members,
    pub settle: i64,
    pub ended: Option<(i64, Close)>,
    pub ended_clock: i64,
    pub disc_clock: Option<i64>,
    /// Packets that wait for the verdict.
    pub pending: Count,
    /// Records written so far.
    pub emitted: u32,
}

impl Link {
    pub fn new(p: &EePacket, settings: &Arc<Settings>, losses: u32) -> Self {
        let settle = i64::from(settings.settle_seconds) * SECOND;
        Self {
            settings: Arc::clone(settings),
            losses,
            lossy: false,
            ordinal: p.ordinal,
            first_ts: p.ts,
            first_clock: p.clock,
            last_ts: p.ts,
            last_clock: p.clock,
            first_sender: p.from,
            ee: Ee::new(p.clock),
            session: Session::new(p.ts, settle),
            under: UnderIpsec::default(),
            members: [None, None],
            settle,
            ended: None,
            ended_clock: 0,
            disc_clock: None,
            pending: Count::default(),
            emitted: 0,
        }
    }

    pub fn take(&mut self, p: &EePacket, frame: Option<&Datagram<'_>>) -> Reply {
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
        reply
    }

    /// Notes at its end whether packets were lost during its life.
    pub fn note_losses(&mut self, losses: u32) {
        self.lossy |= losses != self.losses;
    }

    /// What was sent and received, seen from the stack.
    pub fn traffic(&self, local: Side) -> Traffic {
        let sent = [Side::Low, Side::High].map(|side| self.ee.facts().sent(side));
        sessions::traffic(sent.map(|s| s.bytes), sent.map(|s| s.datagrams), local)
    }

    pub fn settles_at(&self) -> i64 {
        self.first_clock.saturating_add(self.settle)
    }

    /// The side that began it: who sent the first XID, or else anything.
    pub fn client(&self) -> Side {
        self.ee.facts().caller.unwrap_or(self.first_sender)
    }
}
