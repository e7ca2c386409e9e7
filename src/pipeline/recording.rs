//! What the records of a connection say at an event, for each stack that sees it, and what that
//! adds to its security sessions.

use std::sync::Arc;

use super::connection::{Connection, side};
use super::counting::Counts;
use super::failed_handshake;
use super::ipsec_encapsulation;
use super::merge::Emission;
use super::protection::ProtectionState;
use super::report::{local, views};
use super::resumption;
use super::sessions::{self, RecordEndPoints};
use super::shard::{SECOND, Shard};
use crate::config::{Mode, StackView};
use crate::flow::{Dir, Key};
use crate::session::{Event, IpsecProtection, Kind, Session, Snapshot, Transport, View};
use crate::summary::Role;

/// Connections that end sooner are short.
const SHORT: i64 = 10 * SECOND;

impl Shard {
    /// Writes a record about a connection for each stack that sees it, and counts
    /// it in its security sessions.
    pub(super) fn record(&mut self, slot: u32, event: Option<Event>, clock: i64) {
        self.record_counts(slot, event, clock, None);
    }

    /// The same of an event that was before, with what was counted then.
    pub(super) fn record_counts(
        &mut self,
        slot: u32,
        event: Option<Event>,
        clock: i64,
        counts: Option<Counts>,
    ) {
        let (Some(event), true) = (event, self.wants.records()) else {
            return;
        };
        let Some((key, connection)) = self.table.get_mut(slot) else {
            return;
        };
        if !connection.life.start_seen() && !self.settings.include_midstream {
            return;
        }
        let mut event = event;
        if !connection.recorded {
            if !ProtectionState::of(connection).can_be_recorded() {
                return;
            }
            connection.recorded = true;
            match event.kind {
                // What was withheld is known since: this begins what is recorded.
                Kind::Change => event.kind = Kind::Initiation,
                Kind::Termination => {
                    let initiation = Event { kind: Kind::Initiation, ..event };
                    self.record(slot, Some(initiation), clock);
                    return self.record(slot, Some(event), clock);
                }
                Kind::Initiation | Kind::ShortTermination | Kind::Enabled | Kind::Disabled => {}
            }
        }
        let client = connection.client(key);
        // A short connection has one record, which tells of the protection of its life.
        let short = event.kind == Kind::ShortTermination;
        let lasting = short || connection.keeps_ended_protection(event.at);
        let lifetime = connection.lifetime_protection();
        let ipsec = if lasting { lifetime.1.copied() } else { connection.ipsec().copied() };
        let settings = Arc::clone(&connection.settings);
        // At the end of the input, before the connection has lasted long enough.
        let settle = i64::from(settings.settle_seconds) * SECOND;
        let lasted = connection.session.as_ref().map_or(0, Session::established);
        let early = event.kind == Kind::Initiation && event.at < lasted.saturating_add(settle);
        let event = event.told(connection.behind);
        let views = views(&settings, key, client);
        if !connection.life.start_seen() && views.iter().all(Option::is_some) {
            connection.recorded_client = Some(client);
        }
        for (n, seen) in views.into_iter().flatten().enumerate() {
            let stack = settings.stacks.get(seen.stack);
            let mut snapshot = snapshot(key, connection, ipsec.as_ref(), (seen, client));
            if let Some(Counts { bytes, segments }) = counts {
                (snapshot.bytes, snapshot.segments) = (bytes, segments);
            }
            if lasting && snapshot.protection.is_empty() {
                snapshot.protection = connection.lifetime_protection().0;
                snapshot.failed = snapshot.failed.filter(|_| snapshot.protection.is_empty());
            }
            let at = side(snapshot.local);
            let resumed = resumption::resumed(key, snapshot.protection.tls, settings.mode);
            let detail = View::of(&settings, seen.stack).detail(event, &snapshot);
            if self.wants.summary && stack.summary {
                let (c, s) = (key.sender(client), key.sender(client.other()));
                let ends = RecordEndPoints {
                    server: (s.ip, s.port),
                    client: (c.ip, c.port),
                    role: if seen.server { Role::Server } else { Role::Client },
                    last_port: s.port,
                };
                let keys = sessions::keys(stack, &detail, ends, snapshot.ipsec, at, resumed);
                let traffic = sessions::traffic(snapshot.bytes, snapshot.segments, at);
                // A connection with an initiation record is not short, unless that
                // did not wait for it.
                let waited = i64::from(self.settings.settle_seconds) * SECOND >= SHORT;
                let short = event.at.saturating_sub(snapshot.established) < SHORT
                    && (event.kind == Kind::ShortTermination || !waited);
                if let Some(member) = connection.members.get_mut(n) {
                    let tally = self.sessions.tally(seen.stack);
                    sessions::follow(member, event.kind, short, (keys, traffic), tally);
                }
            }
            let snapshot_only = early && settings.mode == Mode::Strict;
            if self.wants.detail && stack.detail && !snapshot_only {
                let payload = ipsec_encapsulation::payload(
                    detail,
                    seen.stack,
                    ipsec.as_ref(),
                    at,
                    resumed.is_some(),
                );
                let (ordinal, number) = (connection.ordinal, connection.emitted);
                self.emitted.push(Emission { clock, ordinal, number, payload });
                connection.emitted += 1;
            }
        }
    }
}

/// A connection as a record of one of its views tells of it.
pub(super) fn snapshot<'a>(
    key: &'a Key,
    connection: &'a Connection,
    ipsec: Option<&'a IpsecProtection>,
    (seen, client): (StackView, Dir),
) -> Snapshot<'a> {
    let fails = connection.settings.level.tells_of_failures();
    let Counts { bytes, segments } = connection.counts();
    Snapshot {
        transport: Transport::Tcp,
        key,
        local: local(seen, client),
        outbound: !seen.server,
        established: connection
            .session
            .as_ref()
            .map_or(0, |s| s.established().saturating_sub(connection.behind)),
        bytes,
        segments,
        protection: connection.recorded_protection(),
        ipsec,
        failed: Some(connection).filter(|_| fails).and_then(failed_handshake::failed),
    }
}
