//! Bounds that follow from one number: how much memory there is.

use super::{MAX_CONNECTIONS, MAX_HELD, MAX_PAIRS, MAX_SESSIONS};

/// What a run needs whatever it follows: batches, threads, files.
const BASE: u64 = 128 << 20;
/// What one of each costs at most as a rule: a connection with its observer, a session
/// with its tables, a pair of addresses with its link or tunnels.
const CONNECTION: u64 = 1024;
const SESSION: u64 = 1024;
const PAIR: u64 = 1024;
/// The least of each, so that there is one for every shard.
const LEAST: u64 = 64;
const LEAST_HELD: u64 = 16 << 20;

/// Bounds of the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Connections that are followed at once.
    pub connections: u64,
    /// Bytes that unfinished handshakes hold together.
    pub held: u64,
    /// Security sessions that are counted at once.
    pub sessions: u64,
    /// Pairs of addresses with Enterprise Extender, and with IPSec.
    pub pairs: u64,
}

impl Bounds {
    /// The bounds of a run that may have so many bytes: never above the defaults. A
    /// quarter of it stays free, because tables double when they grow.
    pub fn of(bytes: u64) -> Self {
        let bytes = bytes / 4 * 3;
        let rest = bytes - BASE.min(bytes / 2);
        let share =
            |part: u64, each: u64, most: usize| (rest / part / each).clamp(LEAST, most as u64);
        Self {
            connections: share(3, CONNECTION, MAX_CONNECTIONS),
            held: (rest / 4).clamp(LEAST_HELD.min(rest), MAX_HELD as u64),
            sessions: share(6, SESSION, MAX_SESSIONS),
            pairs: share(8, 2 * PAIR, MAX_PAIRS),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the bounds allow together stays below what there is.
    #[test]
    fn bounds_together_are_below_the_number_that_they_follow_from() {
        let mut last = Bounds::of(0);
        for megabytes in [256_u64, 300, 512, 1024, 4096, 16_384, 1 << 20] {
            let bytes = megabytes << 20;
            let b = Bounds::of(bytes);
            let sum =
                b.connections * CONNECTION + b.held + b.sessions * SESSION + 2 * b.pairs * PAIR;
            assert!(sum + BASE.min(bytes / 8 * 3) <= bytes / 4 * 3, "{megabytes} MB: {b:?}");
            assert!(b.connections >= last.connections && b.held >= last.held, "{b:?}");
            last = b;
        }
        let defaults = [MAX_CONNECTIONS, MAX_HELD, MAX_SESSIONS, MAX_PAIRS].map(|n| n as u64);
        assert_eq!([last.connections, last.held, last.sessions, last.pairs], defaults);
    }
}
