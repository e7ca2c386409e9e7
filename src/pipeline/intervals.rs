//! Where recording intervals end, by the packet clock.

use super::sessions::IntervalEnd;
use crate::config::{Schedule, Stack};

/// Where the recording intervals of all stacks end, by the packet clock.
pub(super) struct Intervals {
    stacks: Vec<StackIntervals>,
    /// The first of their next ends.
    next: i64,
    /// Intervals that were joined.
    pub joined: u64,
}

/// Where the recording intervals of a stack end.
struct StackIntervals {
    schedule: Schedule,
    next: Option<i64>,
}

/// Intervals without a packet that end one by one. A longer silence is one
/// interval: captures of different days are read as one, and a broken clock may
/// jump over decades.
const MAX_SILENT: i64 = 48;

impl Intervals {
    pub fn new(stacks: &[Stack]) -> Self {
        let each = |s: &Stack| StackIntervals { schedule: s.schedule(), next: None };
        Self { stacks: stacks.iter().map(each).collect(), next: i64::MIN, joined: 0 }
    }

    /// The packet clock has reached a moment.
    #[inline]
    pub fn reach(&mut self, clock: i64, ends: &mut Vec<IntervalEnd>) {
        if clock >= self.next {
            self.ended(clock, ends);
        }
    }

    #[cold]
    fn ended(&mut self, clock: i64, ends: &mut Vec<IntervalEnd>) {
        let new = ends.len();
        for (stack, intervals) in self.stacks.iter_mut().enumerate() {
            self.joined += u64::from(intervals.reach(clock, |clock| {
                ends.push(IntervalEnd { clock, stack });
            }));
        }
        if let Some(new) = ends.get_mut(new..) {
            new.sort_unstable();
        }
        self.next = self.stacks.iter().filter_map(|s| s.next).min().unwrap_or(i64::MAX);
    }
}

impl StackIntervals {
    /// The packet clock has reached a moment; returns whether intervals were
    /// joined.
    fn reach(&mut self, clock: i64, mut end: impl FnMut(i64)) -> bool {
        let mut next = *self.next.get_or_insert_with(|| self.schedule.after(clock));
        let silent = clock.saturating_sub(next) / self.schedule.length();
        let joined = silent > MAX_SILENT;
        if joined {
            end(next);
            next = self.schedule.after(clock);
        }
        // At the end of time no interval ends any more.
        while next <= clock && next < i64::MAX {
            end(next);
            next = self.schedule.after(next);
        }
        self.next = Some(next);
        joined
    }
}
