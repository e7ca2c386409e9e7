//! Of each server, hour by hour and interval by interval: how much could be compared.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::observation::System;
use super::outcome::{Reason, Subject};

/// Hundredths of a second in an hour.
const HOUR: i64 = 360_000;
/// Servers and times that are told apart; what is beyond counts for its server as a whole.
const MAX_TIMES: usize = 100_000;

/// A server in a stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CoverageKey {
    /// Whose records.
    pub system: System,
    /// The server's address.
    pub server: IpAddr,
    /// Its port: of connections the lower one.
    pub port: u16,
    /// Whether it is about sessions.
    pub sessions: bool,
    /// Of connections the hour in which they began (UTC), of sessions when the interval ended
    /// (local); hundredths of a second since 1970. `None` for all that is not told apart.
    pub time: Option<i64>,
}

/// What was compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CoverageCount {
    /// On both sides.
    pub compared: u64,
    /// Of those, such as contradict.
    pub contradicted: u64,
    /// On one side without a reason.
    pub missing: u64,
    /// Not comparable, and why.
    pub not_comparable: BTreeMap<Reason, u64>,
}

impl CoverageCount {
    /// All.
    pub fn all(&self) -> u64 {
        self.compared + self.missing + self.not_comparable.values().sum::<u64>()
    }

    /// The share that could be judged, in percent.
    pub fn percent(&self) -> f64 {
        100.0 * (self.compared + self.missing) as f64 / self.all().max(1) as f64
    }

    /// Adds others.
    pub fn add(&mut self, more: &Self) {
        self.compared += more.compared;
        self.contradicted += more.contradicted;
        self.missing += more.missing;
        for (reason, count) in &more.not_comparable {
            *self.not_comparable.entry(*reason).or_default() += count;
        }
    }
}

/// Coverage by server and time.
#[derive(Clone, Debug, Default)]
pub struct Coverage(pub BTreeMap<CoverageKey, CoverageCount>);

impl Coverage {
    /// The counts that a connection or session belongs to.
    pub(super) fn of(&mut self, system: System, subject: Subject) -> &mut CoverageCount {
        let mut key = match subject {
            Subject::Connection(tuple, start) => {
                let [local, remote] = [tuple.local, tuple.remote];
                let (server, port) = if local.1 <= remote.1 { local } else { remote };
                let time = Some(start.div_euclid(HOUR) * HOUR);
                CoverageKey { system, server, port, sessions: false, time }
            }
            Subject::Session(ends, end) => {
                // Records are written some seconds after the end.
                let time = Some(end.div_euclid(HOUR / 60) * (HOUR / 60));
                let (server, port) = (ends.server, ends.ports.0);
                CoverageKey { system, server, port, sessions: true, time }
            }
        };
        if self.0.len() >= MAX_TIMES && !self.0.contains_key(&key) {
            key.time = None;
        }
        self.0.entry(key).or_default()
    }

    /// Of each server as a whole.
    pub fn of_servers(&self) -> BTreeMap<CoverageKey, CoverageCount> {
        let mut all = BTreeMap::<CoverageKey, CoverageCount>::new();
        for (key, count) in &self.0 {
            all.entry(CoverageKey { time: None, ..*key }).or_default().add(count);
        }
        all
    }
}
