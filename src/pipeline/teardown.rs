//! The end of a connection: reported for the last time, counted, forgotten.

use super::connection::{Connection, side};
use super::counting::Counts;
use super::ftp::Rendezvous;
use super::ftp_control;
use super::ike_tcp;
use super::ledger::Ledger;
use super::merge::{Emission, Payload};
use super::protection::{NotKnown, ProtectionState};
use super::report::{line, local, row, views};
use super::sessions::{self, IntervalEnd};
use super::shard::Shard;
use crate::names::tls::version_name as tls_version;

impl Shard {
    /// Ends the run at the clock of the last packet: every connection is
    /// reported as it stands.
    pub fn finish(&mut self, clock: i64) {
        self.decide_all(clock);
        self.record_settling(clock);
        let stacks = if self.wants.summary { self.settings.stacks.list().len() } else { 0 };
        for stack in 0..stacks {
            self.close(IntervalEnd { clock, stack });
        }
        let ordinal = |slot: u32| self.table.get(slot).map_or(0, |c| c.ordinal);
        self.rest = self.table.occupied().into_iter().map(|slot| (ordinal(slot), slot)).collect();
        self.rest.sort_unstable_by(|a, b| b.cmp(a));
        self.peers.finish(clock, &mut self.emitted);
        self.ledger.ipsec.join(self.peers.counts);
        self.ee.finish(clock, &mut self.emitted);
        self.ledger.join(&self.ee.ledger);
    }

    /// Records the connections that are too young for their initiation when the input ends:
    /// nothing more of them will come.
    fn record_settling(&mut self, clock: i64) {
        for slot in self.table.occupied() {
            let Some((_, connection)) = self.table.get_mut(slot) else { continue };
            if connection.life.ended().is_some() {
                continue;
            }
            connection.note_losses(self.losses[1]);
            connection.conclude(true, clock, &mut self.context);
            let event = connection.session.as_mut().and_then(|session| session.cut_short(clock));
            self.record(slot, event, clock);
        }
    }

    /// The ordinals of the connections that are left at the end.
    pub fn left(&self) -> impl Iterator<Item = u64> {
        self.rest.iter().map(|(ordinal, _)| *ordinal)
    }

    /// Reports those that are left at the end, up to an ordinal.
    pub fn forget_before(&mut self, ordinal: u64) {
        while let Some((_, slot)) = self.rest.pop_if(|(first, _)| *first < ordinal) {
            let open = self.table.get(slot).is_some_and(|c| c.life.ended().is_none());
            self.ledger.connections.open += u64::from(open);
            self.forget(slot, i64::MAX);
        }
    }

    /// Reports a connection for the last time and forgets it.
    pub(super) fn forget(&mut self, slot: u32, clock: i64) {
        let undecided = self.decide(slot, clock);
        let Some((_, connection)) = self.table.get_mut(slot) else {
            return;
        };
        connection.unaccepted += undecided.map_or(0, |syn| u64::from(syn.segments()));
        if connection.life.ended().is_none() {
            connection.note_losses(self.losses[1]);
        }
        connection.conclude(true, clock, &mut self.context);
        let Some((key, mut connection)) = self.table.remove(slot) else {
            return;
        };
        connection.release_held(&mut self.context);
        if connection.protected && !connection.counted {
            count_handshake(&mut connection, &mut self.ledger);
        }
        self.count(&connection);
        self.emitted.extend(ftp_control::change(&key, &mut connection, false, clock));
        let client = connection.client(&key);
        let views = views(&connection.settings, &key, client);
        let Counts { bytes, segments } = connection.counted();
        for (seen, member) in views.into_iter().zip(std::mem::take(&mut connection.members)) {
            let (Some(seen), Some(member)) = (seen, member) else { continue };
            // It was given up: its end was not seen.
            let at = side(local(seen, client));
            let traffic = sessions::traffic(bytes, segments, at);
            member.end(false, traffic, self.sessions.tally(seen.stack));
        }
        let lines = self.wants.json.then_some(&mut self.emitted);
        ike_tcp::report(&key, &connection, (clock, &self.networks), (&mut self.ledger, lines));
        let line = self.wants.json.then(|| {
            let line = line(&key, &connection, client, (&self.files, &self.networks));
            serde_json::to_vec(&line).unwrap_or_default()
        });
        let row = self.wants.rows.then(|| row(&key, &connection, client)).flatten();
        let opened = line.is_some().then(|| {
            let listener = key.sender(client.other());
            let connector = key.sender(client).ip;
            (
                Rendezvous { listener: (listener.ip, listener.port), connector },
                connection.first_clock,
            )
        });
        self.emitted.push(Emission {
            clock,
            ordinal: connection.ordinal,
            number: connection.emitted,
            payload: Payload::Connection { line, row: row.map(Box::new), opened, views },
        });
    }

    fn count(&mut self, connection: &Connection) {
        let counts = &mut self.ledger.connections;
        let established = connection.life.established().is_some();
        counts.established += u64::from(established && connection.life.start_seen());
        counts.midstream += u64::from(!connection.life.start_seen());
        counts.closed += u64::from(connection.life.ended().is_some());
        let protection = connection.protection();
        counts.tls += u64::from(protection.tls.is_some());
        counts.ssh += u64::from(protection.ssh.is_some());
        counts.failed += u64::from(!connection.protected && !connection.findings().is_empty());
        counts.ipsec += u64::from(connection.ipsec().is_some());
        match ProtectionState::of(connection) {
            ProtectionState::None => counts.unprotected += u64::from(established),
            ProtectionState::NotKnown(NotKnown::Smc) => counts.smc += 1,
            ProtectionState::NotKnown(_) | ProtectionState::HandshakeOpen => {
                counts.not_known += u64::from(established || !connection.life.start_seen());
            }
            ProtectionState::Protected | ProtectionState::HandshakeFailed => {}
        }
        counts.incomplete += u64::from(connection.incomplete());
        let streams = &mut self.ledger.streams;
        streams.retransmitted_segments += connection.retransmitted;
        streams.conflicting_segments += connection.conflicts;
        streams.out_of_window_segments += connection.out_of_window;
        streams.unaccepted_segments += connection.unaccepted;
        streams.missed_bytes += connection.missed();
    }
}

/// Counts a completed handshake by what was agreed.
pub(super) fn count_handshake(connection: &mut Connection, ledger: &mut Ledger) {
    connection.counted = true;
    let protection = connection.protection();
    let version = match (protection.tls, protection.ssh) {
        (Some(tls), _) => tls.version.and_then(tls_version).unwrap_or("TLS, version unknown"),
        (None, Some(ssh)) => match ssh.version {
            Some(1) => "SSHv1",
            Some(2) => "SSHv2",
            _ => "SSH, version unknown",
        },
        (None, None) => return,
    };
    ledger.handshake(version);
}
