//! What is asked of connections while they are under way: lists for services,
//! glances for people, other settings for those to come.

use std::sync::Arc;

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use super::connection::{Connection, side};
use super::ipsec_encapsulation;
use super::merge::{Emission, LiveQueries, Merger, Output};
use super::protection::ProtectionState;
use super::recording::snapshot;
use super::report::{row, views};
use super::resumption;
use super::shard::Shard;
use crate::config::Settings;
use crate::flow::Key;
use crate::session::{Event, Kind, View};
use crate::sink::report::Row;

/// Does what is asked of the engine, at a moment between two batches.
pub(super) fn answer<O: Output>(
    asked: &LiveQueries,
    clock: i64,
    shards: &mut [Shard],
    merger: &mut Merger,
    output: &mut O,
) {
    if let Some(settings) = &asked.settings {
        shards.iter_mut().for_each(|shard| shard.renew(settings));
        merger.renew(settings);
    }
    if asked.list {
        let listed = shards.par_iter().flat_map_iter(|shard| shard.list(clock)).collect();
        merger.list(listed, output);
    }
    if asked.glance {
        let rows: Vec<Row> = shards.par_iter().flat_map_iter(Shard::glance).collect();
        rows.into_iter().for_each(|row| output.glance(row));
        output.glance_ends();
    }
}

impl Shard {
    /// Takes other settings for connections that begin from now on.
    fn renew(&mut self, settings: &Arc<Settings>) {
        self.settings = Arc::clone(settings);
        self.ee.settings = Arc::clone(settings);
        self.peers.renew(settings);
    }

    /// Established connections as records of their initiation at a moment, with
    /// the protection that they have.
    fn list(&self, clock: i64) -> Vec<Emission> {
        let event = Event::new(Kind::Initiation, clock);
        let mut listed = Vec::new();
        for (key, connection) in self.under_way() {
            let recorded = connection.session.is_some()
                && (connection.life.start_seen() || self.settings.include_midstream)
                && (connection.recorded || ProtectionState::of(connection).can_be_recorded());
            if !recorded {
                continue;
            }
            let client = connection.client(key);
            let ipsec = connection.ipsec().copied();
            for seen in views(&connection.settings, key, client).into_iter().flatten() {
                let snapshot = snapshot(key, connection, ipsec.as_ref(), (seen, client));
                let detail = View::of(&connection.settings, seen.stack).detail(event, &snapshot);
                let at = side(snapshot.local);
                let resumed =
                    resumption::resumed(key, snapshot.protection.tls, connection.settings.mode);
                let resumed = resumed.is_some();
                let payload =
                    ipsec_encapsulation::payload(detail, seen.stack, ipsec.as_ref(), at, resumed);
                let ordinal = connection.ordinal;
                listed.push(Emission { clock, ordinal, number: 0, payload });
            }
        }
        self.ee.list(event, &mut listed);
        listed
    }

    /// Connections under way as rows.
    fn glance(&self) -> Vec<Row> {
        let rows = self.under_way().filter_map(|(key, c)| row(key, c, c.client(key)));
        rows.chain(self.ee.glance()).collect()
    }

    fn under_way(&self) -> impl Iterator<Item = (&Key, &Connection)> {
        self.table.iter().filter(|(_, c)| c.life.ended().is_none())
    }
}
