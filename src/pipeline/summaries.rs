//! The records that are about no single connection: the summaries of intervals,
//! and that zERT was enabled and disabled.

use std::collections::VecDeque;
use std::sync::Arc;

use hashbrown::HashMap;
use rayon::prelude::*;

use super::address_pair::Pair;
use super::ftp::{Control, Expected, FIRST_EPHEMERAL, Rendezvous};
use super::resumption::IssuedSessions;
use super::sessions::{FTP_USER, IntervalEnd};
use super::shard::RequestedOutputs;
use crate::config::Settings;
use crate::names::overrides::Codes;
use crate::observe::ike::Facts;
use crate::record::{Attributes, Ipsec, Ipsec12, ebcdic};
use crate::session::{Event, Kind, View, key_exchange};
use crate::summary::{
    Identity, IntervalCounts, IntervalTotals, Key, RecordReason, Role, SessionTable,
};

/// The ephemeral ports under which FTP data connections are joined where their
/// range is not configured.
const ANY_PORT: (u16, u16) = (FIRST_EPHEMERAL, u16::MAX);
/// IP protocol TCP.
const TCP: u8 = 6;
/// `ss_event_type`: aggregation enabled, disabled.
const ENABLED: u8 = 2;
const DISABLED: u8 = 3;
/// `ident_reason`: event record, last or only.
const REASON_EVENT: u8 = 0x08;

/// Summary records that a thread encodes at once.
const ENCODED_AT_ONCE: usize = 256;

/// Takes records: of which stack, and their bytes.
pub(super) type Write<'a> = dyn FnMut(usize, &[u8]) + 'a;

/// What the merge knows that shards do not.
pub(super) struct MergedFacts<'a> {
    pub expected: &'a Expected,
    pub key_exchanges: &'a HashMap<Pair, Box<Facts>>,
    pub tls_sessions: &'a IssuedSessions,
    pub codes: &'a Codes,
}

/// The security sessions of all shards.
#[derive(Debug)]
pub(super) struct Summaries {
    settings: Arc<Settings>,
    wants: RequestedOutputs,
    stacks: Vec<StackSessions>,
    /// Ends of intervals that are to come.
    ends: VecDeque<IntervalEnd>,
}

/// The security sessions of one stack.
#[derive(Debug, Default)]
struct StackSessions {
    sessions: SessionTable,
    /// The beginning of the interval under way.
    start: Option<i64>,
}

impl Summaries {
    pub fn new(settings: Arc<Settings>, wants: RequestedOutputs) -> Self {
        let count = settings.stacks.list().len();
        let stacks = std::iter::repeat_with(StackSessions::default).take(count).collect();
        Self { settings, wants, stacks, ends: VecDeque::new() }
    }

    /// Intervals end at these clocks, too.
    pub fn end_at(&mut self, ends: &[IntervalEnd]) {
        self.ends.extend(ends);
    }

    /// The end of the interval under way, once it is known.
    pub fn interval_end(&self) -> Option<IntervalEnd> {
        self.ends.front().copied()
    }

    /// Security sessions of the intervals under way.
    pub fn sessions(&self) -> u64 {
        self.stacks.iter().map(|s| s.sessions.len() as u64).sum()
    }

    /// Monitoring begins.
    pub fn begin(&mut self, at: i64, write: &mut Write<'_>) {
        for stack in &mut self.stacks {
            stack.start = Some(at);
        }
        for stack in 0..self.stacks.len() {
            self.event(at, stack, (Kind::Enabled, ENABLED), write);
        }
    }

    /// Adds what a shard has counted of a stack.
    pub fn add(&mut self, stack: usize, counted: &IntervalCounts, shown: &MergedFacts<'_>) {
        let Some(of) = self.stacks.get_mut(stack) else { return };
        let since = of.start.unwrap_or(i64::MIN);
        for (key, counts) in &counted.sessions {
            of.sessions.add(key, counts, |key| shown.resolve(key, since));
        }
        for reentry in &counted.reentries {
            of.sessions.reenter(reentry);
        }
    }

    /// An interval ends.
    pub fn close(&mut self, end: IntervalEnd, write: &mut Write<'_>) {
        self.set(end, RecordReason::Interval, write);
        self.ends.pop_front();
        if let Some(stack) = self.stacks.get_mut(end.stack) {
            stack.start = Some(end.clock);
        }
    }

    /// Monitoring ends in an orderly way.
    pub fn shut_down(&mut self, at: i64, write: &mut Write<'_>) {
        for stack in 0..self.stacks.len() {
            self.set(IntervalEnd { clock: at, stack }, RecordReason::Shutdown, write);
            self.event(at, stack, (Kind::Disabled, DISABLED), write);
        }
    }

    fn set(&mut self, end: IntervalEnd, set: RecordReason, write: &mut Write<'_>) {
        let IntervalEnd { clock: at, stack } = end;
        let wanted = self.wants.summary && self.settings.stacks.get(stack).summary;
        let (true, Some(of)) = (wanted, self.stacks.get_mut(stack)) else { return };
        let Some(start) = of.start else { return };
        let view = View::of(&self.settings, stack);
        let micros = at.saturating_sub(start).max(0).unsigned_abs() / 1000;
        of.sessions.close(set, |closed| {
            // Encoded by all threads, written in order.
            let encode = |closed: &[IntervalTotals<'_>]| {
                let mut bytes = Vec::with_capacity(512 * closed.len());
                let mut ends = Vec::with_capacity(closed.len());
                for session in closed {
                    session.summary(at, micros, &view).encode(&mut bytes);
                    ends.push(bytes.len());
                }
                (bytes, ends)
            };
            let encoded: Vec<_> = closed.par_chunks(ENCODED_AT_ONCE).map(encode).collect();
            for (bytes, ends) in encoded {
                let mut start = 0;
                for end in ends {
                    write(stack, bytes.get(start..end).unwrap_or_default());
                    start = end;
                }
            }
        });
    }

    /// The tool's own events: type 5 or 6 of subtype 11, and those of subtype
    /// 12. They have no connection and no session.
    fn event(
        &self,
        at: i64,
        stack: usize,
        (kind, summary_kind): (Kind, u8),
        write: &mut Write<'_>,
    ) {
        if !self.settings.tool_events {
            return;
        }
        let view = View::of(&self.settings, stack);
        let (number, stack) = (stack, self.settings.stacks.get(stack));
        if self.wants.detail && stack.detail {
            let mut bytes = Vec::new();
            view.tool_event(Event::new(kind, at)).encode(&mut bytes);
            write(number, &bytes);
        }
        if self.wants.summary && stack.summary {
            let mut bytes = Vec::new();
            let mut summary = view.summary(at, REASON_EVENT);
            summary.common.event_type = summary_kind;
            summary.encode(&mut bytes);
            write(number, &bytes);
        }
    }
}

impl MergedFacts<'_> {
    /// What a key stands for, if that is not what it says.
    fn resolve(&self, key: &Key, since: i64) -> Option<Identity> {
        let resumed = || {
            let resumed = key.resumed_session()?;
            self.tls_sessions.identity(key.identity(), &resumed, self.codes)
        };
        let exchanged = self.key_exchange(key).or_else(resumed);
        self.ftp(exchanged.as_ref().unwrap_or(key.identity()), since).or(exchanged)
    }

    /// A session of a tunnel, with what IKE has shown of the tunnel's ends.
    fn key_exchange(&self, key: &Key) -> Option<Identity> {
        let (local, remote) = key.carrier()?;
        let (pair, side) = Pair::of(local, remote, 0);
        let facts = self.key_exchanges.get(&pair)?;
        let mut identity = key.identity().clone();
        let Attributes::Ipsec(section) = &mut identity.attributes else { return None };
        let mut shown = Ipsec::default();
        key_exchange(&mut shown, facts, side, self.codes);
        *section = Ipsec12 {
            ike_tun_lcl_endpt: section.ike_tun_lcl_endpt,
            ike_tun_rmt_endpt: section.ike_tun_rmt_endpt,
            encap_mode: section.encap_mode,
            auth_proto: section.auth_proto,
            auth_alg: section.auth_alg,
            enc_alg: section.enc_alg,
            ..Ipsec12::from(&shown)
        };
        Some(identity)
    }

    /// What a data connection counts as that a readable FTP control connection has
    /// announced.
    fn ftp(&self, identity: &Identity, since: i64) -> Option<Identity> {
        if identity.ip_proto != TCP || identity.ports.0 != identity.ports.1 {
            return None;
        }
        let listener = (identity.server, identity.ports.0);
        let place = Rendezvous { listener, connector: identity.client };
        let control = self.expected.announced(&place, since);
        // A port that is known to be a job's is its service.
        let unnamed = identity.jobname == [ebcdic::BLANK; 8];
        if control.is_none() && !(unnamed && self.expected.may_be_passive(&place, since)) {
            return None;
        }
        let mut identity = identity.clone();
        let active = control.filter(|control| !control.is_passive() && identity.server.is_ipv4());
        if let Some(control) = active {
            // Active: the server has opened it, from the port below its own.
            std::mem::swap(&mut identity.server, &mut identity.client);
            let port = Control::data_port(control.server.port);
            identity.ports = (port, port);
            identity.role = match identity.role {
                Role::Server => Role::Client,
                Role::Client => Role::Server,
                Role::Peer => Role::Peer,
            };
        } else {
            identity.ports = ANY_PORT;
        }
        if identity.role == Role::Server {
            identity.user_id = ebcdic::field(FTP_USER);
        }
        Some(identity)
    }
}
