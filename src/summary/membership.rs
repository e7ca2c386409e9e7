//! One connection's membership in security sessions, and what it adds to their
//! counts.

use std::sync::Arc;

use hashbrown::HashMap;

use super::Key;

/// Bytes and segments (or datagrams), seen from the stack.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes received.
    pub in_bytes: u64,
    /// Bytes sent.
    pub out_bytes: u64,
    /// Segments received.
    pub in_segments: u64,
    /// Segments sent.
    pub out_segments: u64,
}

impl Traffic {
    fn since(self, earlier: Self) -> Self {
        Self {
            in_bytes: self.in_bytes.saturating_sub(earlier.in_bytes),
            out_bytes: self.out_bytes.saturating_sub(earlier.out_bytes),
            in_segments: self.in_segments.saturating_sub(earlier.in_segments),
            out_segments: self.out_segments.saturating_sub(earlier.out_segments),
        }
    }

    fn add(&mut self, more: Self) {
        self.in_bytes += more.in_bytes;
        self.out_bytes += more.out_bytes;
        self.in_segments += more.in_segments;
        self.out_segments += more.out_segments;
    }
}

/// What a session has counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SessionCounters {
    /// Connections that have entered it.
    pub connections: u32,
    /// Of those, such as it protected for a part of their life.
    pub partial: u32,
    /// Of those, such as ended within ten seconds.
    pub short: u32,
    /// Connections that are in it now; within an interval how many more.
    pub active: i64,
    /// What they have sent and received in it.
    pub traffic: Traffic,
}

impl SessionCounters {
    /// Adds what others have counted.
    pub fn add(&mut self, other: &Self) {
        self.connections = self.connections.saturating_add(other.connections);
        self.partial = self.partial.saturating_add(other.partial);
        self.short = self.short.saturating_add(other.short);
        self.active += other.active;
        self.traffic.add(other.traffic);
    }
}

/// A connection that has entered a session again, which it had left in an earlier
/// interval. Only the table of all sessions knows whether the session was dropped
/// meanwhile.
#[derive(Clone, Debug)]
pub struct Reentry {
    /// The session.
    pub key: Arc<Key>,
    /// Number of the interval in which the connection had left it.
    pub left: u32,
}

/// What a shard has counted in one interval.
#[derive(Debug, Default)]
pub struct IntervalCounts {
    /// Counts by session.
    pub sessions: Vec<(Arc<Key>, SessionCounters)>,
    /// Connections that came back; their sessions are among those counted.
    pub reentries: Vec<Reentry>,
}

/// Counts by session.
#[derive(Debug)]
pub struct ShardCounters {
    counts: HashMap<Arc<Key>, SessionCounters, foldhash::quality::RandomState>,
    reentries: Vec<Reentry>,
    /// Number of the interval, from zero.
    interval: u32,
    most: usize,
    refused: u64,
}

impl Default for ShardCounters {
    fn default() -> Self {
        Self::new(usize::MAX)
    }
}

impl ShardCounters {
    /// Counts at most so many sessions that connections enter.
    pub fn new(most: usize) -> Self {
        Self { counts: HashMap::default(), reentries: Vec::new(), interval: 0, most, refused: 0 }
    }

    /// Ends an interval: takes out what was counted in it, if anything was.
    pub fn end_interval(&mut self) -> Option<IntervalCounts> {
        self.interval = self.interval.saturating_add(1);
        (!self.counts.is_empty()).then(|| IntervalCounts {
            sessions: self.counts.drain().collect(),
            reentries: std::mem::take(&mut self.reentries),
        })
    }

    /// Connections for whose sessions there was no room, since the last time.
    pub fn refused(&mut self) -> u64 {
        std::mem::take(&mut self.refused)
    }

    /// The session of a key, if there is one or room for one.
    fn enter(&mut self, key: Key) -> Option<Arc<Key>> {
        if let Some((known, _)) = self.counts.get_key_value(&key) {
            return Some(Arc::clone(known));
        }
        if self.counts.len() >= self.most {
            self.refused += 1;
            return None;
        }
        Some(Arc::new(key))
    }
}

/// A session that a connection is or was in.
#[derive(Debug)]
struct SessionStay {
    key: Arc<Key>,
    here: bool,
    partial: bool,
    /// Number of the interval in which the connection left it last.
    left: u32,
}

/// The sessions of one connection.
#[derive(Debug)]
pub struct Membership {
    stays: Vec<SessionStay>,
    /// What was counted already.
    counted: Traffic,
}

impl Membership {
    /// The connection has settled: it enters sessions with everything that it
    /// has sent so far.
    pub fn enter(keys: Vec<Key>, traffic: Traffic, tally: &mut ShardCounters) -> Self {
        let mut member = Self { stays: Vec::new(), counted: Traffic::default() };
        for key in keys {
            member.enter_one(key, false, tally);
        }
        member.count(traffic, tally);
        member
    }

    fn enter_one(&mut self, key: Key, partial: bool, tally: &mut ShardCounters) {
        if let Some(stay) = self.stays.iter_mut().find(|s| *s.key == key) {
            // It comes back: counted once, active again, unless the session was dropped
            // meanwhile.
            stay.here = true;
            counts(tally, &stay.key).active += 1;
            if stay.left < tally.interval {
                tally.reentries.push(Reentry { key: Arc::clone(&stay.key), left: stay.left });
            }
            return;
        }
        let Some(key) = tally.enter(key) else { return };
        let counts = counts(tally, &key);
        counts.connections += 1;
        counts.active += 1;
        counts.partial += u32::from(partial);
        self.stays.push(SessionStay { key, here: true, partial, left: 0 });
    }

    /// Counts what was sent and received since the last time, in every session
    /// that the connection is in.
    pub fn count(&mut self, traffic: Traffic, tally: &mut ShardCounters) {
        let more = traffic.since(self.counted);
        self.counted = traffic;
        if more == Traffic::default() {
            return;
        }
        for stay in self.stays.iter().filter(|s| s.here) {
            counts(tally, &stay.key).traffic.add(more);
        }
    }

    /// The protection has changed: the connection leaves sessions and enters
    /// others, of each of which it is a part only.
    pub fn change(&mut self, keys: Vec<Key>, traffic: Traffic, tally: &mut ShardCounters) {
        self.count(traffic, tally);
        for stay in &mut self.stays {
            if stay.here && !keys.contains(&stay.key) {
                stay.here = false;
                stay.left = tally.interval;
                let counts = counts(tally, &stay.key);
                counts.active -= 1;
                counts.partial += u32::from(!stay.partial);
                stay.partial = true;
            }
        }
        for key in keys {
            if !self.stays.iter().any(|s| s.here && *s.key == key) {
                self.enter_one(key, true, tally);
            }
        }
    }

    /// The connection has ended, or is not followed any more.
    pub fn end(mut self, short: bool, traffic: Traffic, tally: &mut ShardCounters) {
        self.count(traffic, tally);
        for stay in self.stays.iter().filter(|s| s.here) {
            let counts = counts(tally, &stay.key);
            counts.active -= 1;
            counts.short += u32::from(short);
        }
    }
}

fn counts<'a>(tally: &'a mut ShardCounters, key: &Arc<Key>) -> &'a mut SessionCounters {
    tally.counts.entry(Arc::clone(key)).or_default()
}

#[cfg(test)]
mod tests {
    use super::super::identity::tests::identity;
    use super::*;
    use crate::record::{Attributes, Tls12};

    fn clear() -> Key {
        Key::new(identity(21, Attributes::None), None)
    }

    fn tls() -> Key {
        let attributes = Attributes::Tls(Tls12 { prot_ver: 0x0303, ..Tls12::default() });
        Key::new(identity(21, attributes), None)
    }

    fn received(in_bytes: u64) -> Traffic {
        Traffic { in_bytes, ..Traffic::default() }
    }

    /// The worked example of the behaviour description, section 5.6: clear for
    /// 12 s, TLS to 30 s, clear to 50 s; 300, 4,000 and 700 bytes.
    #[test]
    fn a_connection_that_leaves_a_session_and_comes_back_is_counted_once() {
        let mut tally = ShardCounters::default();
        let mut member = Membership::enter(vec![clear()], received(300), &mut tally);
        member.change(vec![tls()], received(300), &mut tally);
        assert_eq!(tally.counts[&clear()].active, 0);
        member.change(vec![clear()], received(4300), &mut tally);
        assert_eq!((tally.counts[&clear()].active, tally.counts[&tls()].active), (1, 0));
        member.end(false, received(5000), &mut tally);
        let counts = |in_bytes| SessionCounters {
            connections: 1,
            partial: 1,
            short: 0,
            active: 0,
            traffic: received(in_bytes),
        };
        assert_eq!((tally.counts[&clear()], tally.counts[&tls()]), (counts(1000), counts(4000)));
    }

    #[test]
    fn two_protocols_are_two_sessions_and_both_get_the_bytes() {
        let mut tally = ShardCounters::default();
        let mut member = Membership::enter(vec![tls()], received(10), &mut tally);
        member.change(vec![tls(), clear()], received(10), &mut tally);
        member.end(false, received(30), &mut tally);
        assert_eq!((tally.counts[&tls()].partial, tally.counts[&tls()].traffic.in_bytes), (0, 30));
        assert_eq!(
            (tally.counts[&clear()].partial, tally.counts[&clear()].traffic.in_bytes),
            (1, 20)
        );
    }

    #[test]
    fn a_short_connection_is_counted_as_one() {
        let mut tally = ShardCounters::default();
        let member = Membership::enter(vec![clear()], received(5), &mut tally);
        member.end(true, received(5), &mut tally);
        let counts = tally.counts[&clear()];
        assert_eq!((counts.connections, counts.short, counts.partial, counts.active), (1, 1, 0, 0));
    }
}
