//! All security sessions: what they have counted over their life, and their
//! records.

use std::net::IpAddr;
use std::sync::Arc;

use hashbrown::HashMap;

use super::{Identity, Key, Reentry, SessionCounters};
use crate::record::{Common12, Common12V3r2, Summary};
use crate::session::View;

/// Reasons in the identification section: more records of the set follow, and
/// the last of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordReason {
    /// An interval has ended.
    Interval,
    /// The stack, or the tool, shuts down.
    Shutdown,
}

impl RecordReason {
    fn reason(self, last: bool) -> u8 {
        match (self, last) {
            (Self::Interval, false) => 0xC0,
            (Self::Interval, true) => 0x80,
            (Self::Shutdown, false) => 0x50,
            (Self::Shutdown, true) => 0x10,
        }
    }
}

/// `ss_event_type`.
const INTERVAL_RECORD: u8 = 1;

#[derive(Debug, Default)]
struct Session {
    /// At the beginning of the interval.
    init: SessionCounters,
    /// Now.
    now: SessionCounters,
    /// Number of the interval in which it began.
    since: u32,
}

/// Sessions whose interval ends at once: the records of so many are in memory.
const CLOSED_AT_ONCE: usize = 4096;

/// A session at the end of an interval.
#[derive(Debug)]
pub struct IntervalTotals<'a> {
    identity: &'a Identity,
    init: SessionCounters,
    now: SessionCounters,
    reason: u8,
}

/// What a key stands for while it is in use.
#[derive(Debug)]
struct Resolved {
    session: Arc<Key>,
    active: i64,
    /// Number of the interval in which it was resolved.
    since: u32,
}

/// The sessions.
#[derive(Debug, Default)]
pub struct SessionTable {
    /// Each has a place of its own: a table that grows is there twice meanwhile.
    sessions: HashMap<Arc<Key>, Box<Session>, foldhash::quality::RandomState>,
    resolved: HashMap<Arc<Key>, Resolved, foldhash::quality::RandomState>,
    /// Number of the interval under way, from zero.
    interval: u32,
}

impl SessionTable {
    /// Adds what was counted under a key. `resolve` tells what the key stands for when it
    /// is new, if that is not what it says; while connections are in a session it stays
    /// what it was.
    pub fn add(
        &mut self,
        key: &Arc<Key>,
        counts: &SessionCounters,
        resolve: impl FnOnce(&Key) -> Option<Identity>,
    ) {
        let resolved = self.resolved.entry(Arc::clone(key)).or_insert_with(|| {
            let session = match resolve(key) {
                None if key.is_plain() => Arc::clone(key),
                // Sessions are told apart by their identity, whatever carries them.
                other => {
                    let identity = other.unwrap_or_else(|| key.identity().clone());
                    Arc::new(Key::new(identity, None))
                }
            };
            let known = self.sessions.get_key_value(&session).map(|(known, _)| Arc::clone(known));
            Resolved { session: known.unwrap_or(session), active: 0, since: self.interval }
        });
        resolved.active += counts.active;
        let session = self
            .sessions
            .entry(Arc::clone(&resolved.session))
            .or_insert_with(|| Box::new(Session { since: self.interval, ..Session::default() }));
        session.now.add(counts);
    }

    /// A connection has entered a session again whose counts were added. If the session
    /// began after the connection had left, it was dropped meanwhile, and the connection
    /// counts anew, as one that the session protects for a part of its life.
    pub fn reenter(&mut self, reentry: &Reentry) {
        let Reentry { key, left } = reentry;
        let Some(resolved) = self.resolved.get(key) else { return };
        let Some(session) = self.sessions.get_mut(&resolved.session) else { return };
        // What stood for another session was resolved anew: it may be another one now.
        let moves = !key.is_plain() || resolved.session.identity() != key.identity();
        if session.since > *left || moves && resolved.since > *left {
            session.now.connections = session.now.connections.saturating_add(1);
            session.now.partial = session.now.partial.saturating_add(1);
        }
    }

    /// Number of sessions.
    pub fn len(&self) -> usize {
        self.sessions.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty()
    }

    /// Ends an interval: every session that had connections in it, in the order of their
    /// identity, some at a time. A session without any more is forgotten.
    pub fn close(&mut self, set: RecordReason, mut each: impl FnMut(&[IntervalTotals<'_>])) {
        // Whoever is here had a connection or a change in the interval.
        let count = self.sessions.len();
        let mut sessions: Vec<(SortKey, &Identity, &mut Session)> = self
            .sessions
            .iter_mut()
            .map(|(key, s)| (SortKey::of(key), key.identity(), s.as_mut()))
            .collect();
        sessions.sort_unstable_by(|(a, x, _), (b, y, _)| a.cmp(b).then_with(|| x.cmp(y)));
        let mut sessions = (1..).zip(sessions);
        loop {
            let some = sessions.by_ref().take(CLOSED_AT_ONCE);
            let some: Vec<IntervalTotals<'_>> = some
                .map(|(n, (_, identity, session))| {
                    let init = std::mem::replace(&mut session.init, session.now);
                    IntervalTotals {
                        identity,
                        init,
                        now: session.now,
                        reason: set.reason(n == count),
                    }
                })
                .collect();
            if some.is_empty() {
                break;
            }
            each(&some);
        }
        self.sessions.retain(|_, session| session.now.active > 0);
        self.resolved.retain(|_, resolved| resolved.active > 0);
        self.interval = self.interval.saturating_add(1);
    }
}

/// The first fields of an identity, in its order. Hardly two have them in common: they are
/// compared without a look at the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct SortKey {
    server: IpAddr,
    client: IpAddr,
    ports: (u16, u16),
}

impl SortKey {
    fn of(key: &Key) -> Self {
        let &Identity { server, client, ports, .. } = key.identity();
        Self { server, client, ports }
    }
}

impl IntervalTotals<'_> {
    /// Its record of an interval of `micros` microseconds that has ended at `at`.
    pub fn summary(&self, at: i64, micros: u64, view: &View<'_>) -> Summary {
        let Self { identity, init, now, reason } = self;
        let common = Common12 {
            // Bit 51 is a microsecond.
            interval_duration: micros << 12,
            event_type: INTERVAL_RECORD,
            ..counters(identity.common(&view.identity.stack), init, now)
        };
        let summary = view.summary(at, *reason);
        let failed = summary.failed.map(|none| match identity.is_failed() {
            true => Common12V3r2 {
                init_failed_hs_conn_cnt: init.connections,
                end_failed_hs_conn_cnt: now.connections,
            },
            false => none,
        });
        Summary {
            common,
            failed,
            attributes: identity.attributes.clone(),
            certificates: identity.certificates.clone(),
            names: identity.names.clone(),
            ..summary
        }
    }
}

fn counters(common: Common12, init: &SessionCounters, end: &SessionCounters) -> Common12 {
    let active = |counts: &SessionCounters| u32::try_from(counts.active).unwrap_or(0);
    Common12 {
        init_life_conn_cnt: init.connections,
        init_life_partial_conn_cnt: init.partial,
        init_life_short_conn_cnt: init.short,
        init_active_conn_cnt: active(init),
        init_life_in_bytes: init.traffic.in_bytes,
        init_life_out_bytes: init.traffic.out_bytes,
        init_life_in_seg_dg: init.traffic.in_segments,
        init_life_out_seg_dg: init.traffic.out_segments,
        end_life_conn_cnt: end.connections,
        end_life_partial_conn_cnt: end.partial,
        end_life_short_conn_cnt: end.short,
        end_active_conn_cnt: active(end),
        end_life_in_bytes: end.traffic.in_bytes,
        end_life_out_bytes: end.traffic.out_bytes,
        end_life_in_seg_dg: end.traffic.in_segments,
        end_life_out_seg_dg: end.traffic.out_segments,
        ..common
    }
}

#[cfg(test)]
mod tests {
    use super::super::identity::tests::identity;
    use super::*;
    use crate::config::Settings;
    use crate::record::Attributes;

    fn key(port: u16) -> Arc<Key> {
        Arc::new(Key::new(identity(port, Attributes::None), None))
    }

    fn counts(connections: u32, active: i64) -> SessionCounters {
        SessionCounters { connections, active, ..SessionCounters::default() }
    }

    fn close(table: &mut SessionTable) -> Vec<(u16, u8, u32, u32, u32, u32)> {
        let settings = Settings::default();
        let mut found = Vec::new();
        let view = View::of(&settings, 0);
        let mut summaries = Vec::new();
        table.close(RecordReason::Interval, |some| {
            summaries.extend(some.iter().map(|closed| closed.summary(0, 5, &view)));
        });
        for s in summaries {
            let c = &s.common;
            assert_eq!((c.interval_duration, c.event_type), (5 << 12, 1));
            found.push((
                c.srv_port_start,
                s.ident.reason,
                c.init_life_conn_cnt,
                c.end_life_conn_cnt,
                c.init_active_conn_cnt,
                c.end_active_conn_cnt,
            ));
        }
        found
    }

    #[test]
    fn the_end_of_one_interval_is_the_beginning_of_the_next() {
        let mut table = SessionTable::default();
        let plain = |_: &Key| None;
        table.add(&key(443), &counts(3, 1), plain);
        table.add(&key(23), &counts(1, 0), plain);
        assert_eq!(close(&mut table), [(23, 0xC0, 0, 1, 0, 0), (443, 0x80, 0, 3, 0, 1)]);
        // Nothing has happened, but a connection is open.
        assert_eq!(close(&mut table), [(443, 0x80, 3, 3, 1, 1)]);
        table.add(&key(443), &counts(0, -1), plain);
        assert_eq!(close(&mut table), [(443, 0x80, 3, 3, 1, 0)]);
        // It was forgotten, and begins anew.
        assert!(close(&mut table).is_empty() && table.is_empty());
        table.add(&key(443), &counts(1, 0), plain);
        assert_eq!(close(&mut table), [(443, 0x80, 0, 1, 0, 0)]);
    }

    #[test]
    fn a_connection_that_comes_back_to_a_dropped_session_counts_anew() {
        let plain = |_: &Key| None;
        let back = |table: &mut SessionTable, left| {
            table.add(&key(23), &counts(0, 1), plain);
            table.reenter(&Reentry { key: key(23), left });
            close(table)
        };
        // Interval 0: it comes and goes. The session is dropped.
        let mut table = SessionTable::default();
        table.add(&key(23), &counts(1, 0), plain);
        close(&mut table);
        assert_eq!(back(&mut table, 0), [(23, 0x80, 0, 1, 0, 1)]);
        // Another one stays in it: it was not dropped.
        let mut table = SessionTable::default();
        table.add(&key(23), &counts(2, 1), plain);
        close(&mut table);
        assert_eq!(back(&mut table, 0), [(23, 0x80, 2, 2, 1, 2)]);
        // It was dropped, and began again with another before this one came back.
        let mut table = SessionTable::default();
        table.add(&key(23), &counts(1, 0), plain);
        close(&mut table);
        table.add(&key(23), &counts(1, 1), plain);
        close(&mut table);
        assert_eq!(back(&mut table, 0), [(23, 0x80, 1, 2, 1, 2)]);
    }

    /// A key that is resolved anew may stand for a session that never had the
    /// connection.
    #[test]
    fn a_connection_that_comes_back_to_another_session_counts_in_it() {
        let range = |k: &Key| Some(Identity { ports: (1024, 65535), ..k.identity().clone() });
        let mut table = SessionTable::default();
        table.add(&key(50_000), &counts(1, 0), range);
        table.add(&key(50_001), &counts(1, 1), range);
        close(&mut table);
        table.add(&key(50_000), &counts(0, 1), range);
        table.reenter(&Reentry { key: key(50_000), left: 0 });
        assert_eq!(close(&mut table), [(1024, 0x80, 2, 3, 1, 2)]);
    }

    #[test]
    fn a_key_stands_for_the_same_while_it_is_in_use() {
        let mut table = SessionTable::default();
        let range = |k: &Key| Some(Identity { ports: (1024, 65535), ..k.identity().clone() });
        table.add(&key(50_000), &counts(1, 1), range);
        table.add(&key(50_001), &counts(1, 0), range);
        assert_eq!(close(&mut table), [(1024, 0x80, 0, 2, 0, 1)]);
        table.add(&key(50_000), &counts(0, -1), |_| unreachable!("it is known"));
        assert_eq!(close(&mut table), [(1024, 0x80, 2, 2, 1, 0)]);
    }
}
