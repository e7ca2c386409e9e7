//! A clock for a watch that may last for months: it goes on evenly, whatever
//! becomes of the clock of the host.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// From this on a difference between the host's clock and the steady one is a step:
/// somebody has set the clock. Smaller ones are slewed away by time daemons, which
/// slew the steady clock with it.
const STEP: i64 = 1_500_000_000;

/// The time of the watch: the host's clock at its beginning, and steady from there.
#[derive(Clone, Debug)]
pub(super) struct WatchClock {
    began: (i64, Instant),
    /// By how much the host's clock is ahead now, and was before the last step.
    offset: i64,
    before: i64,
}

impl WatchClock {
    /// Begins now.
    pub fn new() -> Self {
        Self { began: (wall_clock(), Instant::now()), offset: 0, before: 0 }
    }

    /// The time, in nanoseconds since 1970.
    pub fn now(&self) -> i64 {
        self.after(self.began.1.elapsed())
    }

    fn after(&self, elapsed: Duration) -> i64 {
        self.began.0.saturating_add(i64::try_from(elapsed.as_nanos()).unwrap_or(i64::MAX))
    }

    /// Looks at the host's clock; returns by how much it is ahead if it was set since
    /// the last look.
    pub fn look(&mut self) -> Option<i64> {
        let now = self.now();
        self.compare(wall_clock(), now)
    }

    fn compare(&mut self, wall: i64, now: i64) -> Option<i64> {
        let ahead = wall.saturating_sub(now);
        if ahead.saturating_sub(self.offset).saturating_abs() < STEP {
            return None;
        }
        self.before = self.offset;
        self.offset = ahead;
        Some(ahead)
    }

    /// The time of a packet by the clock of the watch. Packets that waited in the
    /// kernel's buffer may have time stamps from before the clock was set.
    pub fn correct(&self, stamp: i64, now: i64) -> i64 {
        if (self.offset, self.before) == (0, 0) {
            return stamp;
        }
        let candidates = [self.offset, self.before].map(|offset| stamp.saturating_sub(offset));
        let distance = |time: &i64| time.saturating_sub(now).saturating_abs();
        candidates.into_iter().min_by_key(distance).unwrap_or(stamp)
    }
}

fn wall_clock() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    #[test]
    fn a_clock_that_is_set_moves_no_packet() {
        let mut clock = WatchClock { began: (100 * SECOND, Instant::now()), offset: 0, before: 0 };
        assert_eq!(clock.compare(105 * SECOND, 105 * SECOND), None);
        assert_eq!(clock.correct(104 * SECOND, 105 * SECOND), 104 * SECOND);
        // Set ahead by an hour.
        let hour = 3600 * SECOND;
        assert_eq!(clock.compare(110 * SECOND + hour, 110 * SECOND), Some(hour));
        assert_eq!(clock.compare(111 * SECOND + hour, 111 * SECOND), None);
        // From before and from after.
        assert_eq!(clock.correct(109 * SECOND, 110 * SECOND), 109 * SECOND);
        assert_eq!(clock.correct(110 * SECOND + hour, 110 * SECOND), 110 * SECOND);
        // And back by a day.
        let day = -24 * hour;
        assert_eq!(clock.compare(120 * SECOND + day, 120 * SECOND), Some(day));
        assert_eq!(clock.correct(120 * SECOND + day, 120 * SECOND), 120 * SECOND);
        assert_eq!(clock.correct(119 * SECOND + hour, 120 * SECOND), 119 * SECOND);
    }

    #[test]
    fn small_differences_are_none() {
        let mut clock = WatchClock { began: (0, Instant::now()), offset: 0, before: 0 };
        assert_eq!(clock.compare(11 * SECOND, 10 * SECOND), None);
        assert_eq!(clock.correct(11 * SECOND, 10 * SECOND), 11 * SECOND);
    }
}
