//! Protection over time: connections by when they began, in equal stretches that get longer
//! as more come.

use super::report::{CLASSES, Class, TrafficTotals};

/// Stretches at the most.
const MAX_BINS: usize = 96;
const SECOND: i64 = 1_000_000_000;
const DAY: i64 = 86_400;

/// Lengths in seconds. Each is a multiple of the one before, so that stretches can be joined;
/// all begin at multiples of their length since 1970, so that it does not matter what came first.
const WIDTHS: [i64; 16] = [
    1,
    5,
    15,
    60,
    300,
    900,
    3_600,
    3 * 3_600,
    12 * 3_600,
    DAY,
    7 * DAY,
    28 * DAY,
    364 * DAY,
    3_640 * DAY,
    36_400 * DAY,
    72_800 * DAY,
];

/// What began in a stretch, by class.
pub type Bin = [TrafficTotals; CLASSES.len()];

/// Protection over time.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    /// The place of the length in the list of them.
    width: usize,
    /// The number of the first stretch since 1970.
    first: i64,
    /// When the earliest and the latest connection began.
    period: Option<(i64, i64)>,
    /// The stretches, none left out.
    pub bins: Vec<Bin>,
}

impl Timeline {
    /// The length of each stretch in seconds.
    pub fn width(&self) -> i64 {
        WIDTHS.get(self.width).copied().unwrap_or(DAY)
    }

    /// When a stretch begins, in nanoseconds since 1970; time stamps of broken captures reach
    /// to the end of time.
    pub fn edge(&self, n: usize) -> i64 {
        let n = i64::try_from(n).unwrap_or(i64::MAX);
        self.first.saturating_add(n).saturating_mul(self.width().saturating_mul(SECOND))
    }

    /// When the earliest and the latest connection began.
    pub fn period(&self) -> Option<(i64, i64)> {
        self.period
    }

    /// Adds a connection.
    pub(super) fn add(&mut self, at: i64, class: Class, bytes: u64) {
        let (earliest, latest) = self.period.unwrap_or((at, at));
        let period = (earliest.min(at), latest.max(at));
        self.period = Some(period);
        loop {
            let (first, last) = (self.number(period.0), self.number(period.1));
            let count = usize::try_from(last.abs_diff(first)).unwrap_or(usize::MAX);
            if count < MAX_BINS || self.width + 1 >= WIDTHS.len() {
                if first < self.first || self.bins.is_empty() {
                    let more = usize::try_from(self.first.abs_diff(first)).unwrap_or(0);
                    let more = if self.bins.is_empty() { 0 } else { more };
                    self.bins.splice(0..0, std::iter::repeat_n(Bin::default(), more));
                    self.first = first;
                }
                self.bins.resize((count + 1).min(MAX_BINS), Bin::default());
                break;
            }
            self.widen();
        }
        let place = usize::try_from(self.number(at).abs_diff(self.first)).unwrap_or(usize::MAX);
        if let Some(bin) = self.bins.get_mut(place) {
            class.of_mut(bin).add(bytes);
        }
    }

    /// The number of the stretch in which a time lies.
    fn number(&self, at: i64) -> i64 {
        at.div_euclid(self.width().saturating_mul(SECOND))
    }

    /// Takes the next length and joins what lies in one stretch then.
    fn widen(&mut self) {
        let before = self.width();
        self.width += 1;
        let times = (self.width() / before.max(1)).max(1);
        let first = self.first.div_euclid(times);
        let mut joined: Vec<Bin> = Vec::new();
        for (number, bin) in (self.first..).zip(&self.bins) {
            let place = usize::try_from(number.div_euclid(times).abs_diff(first)).unwrap_or(0);
            if place >= joined.len() {
                joined.resize(place + 1, Bin::default());
            }
            if let Some(sum) = joined.get_mut(place) {
                for (mine, theirs) in sum.iter_mut().zip(bin) {
                    mine.join(*theirs);
                }
            }
        }
        (self.first, self.bins) = (first, joined);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(timeline: &Timeline) -> Vec<u64> {
        timeline.bins.iter().map(|bin| bin.iter().map(|a| a.connections).sum()).collect()
    }

    #[test]
    fn each_length_is_a_multiple_of_the_one_before() {
        for pair in WIDTHS.windows(2) {
            assert!(pair[1] > pair[0] && pair[1] % pair[0] == 0, "{pair:?}");
        }
        // The longest hold all of time.
        let longest = WIDTHS[WIDTHS.len() - 1] * SECOND;
        assert!((i64::MAX / longest - i64::MIN / longest) < MAX_BINS as i64);
    }

    #[test]
    fn the_number_of_stretches_is_bounded_and_nothing_is_lost() {
        let times = [1_000_000, 5, 1_000_000_000, 0, -7, 500_000_000, 999_999_999];
        let mut timeline = Timeline::default();
        for at in times {
            timeline.add(at * SECOND, Class::Protected, 1);
            assert!(timeline.bins.len() <= MAX_BINS);
        }
        assert_eq!(counts(&timeline).iter().sum::<u64>(), times.len() as u64);
        for at in [i64::MIN, i64::MAX, 0] {
            timeline.add(at, Class::Weak, 1);
            assert!(timeline.bins.len() <= MAX_BINS);
        }
        assert_eq!(counts(&timeline).iter().sum::<u64>(), times.len() as u64 + 3);
    }

    /// Whatever comes first, the stretches are the same, and as short as they can be.
    #[test]
    fn the_order_does_not_matter() {
        let mut times: Vec<i64> = (0..200).map(|n| 1_767_225_600 + n * n).collect();
        let of = |times: &[i64]| {
            let mut timeline = Timeline::default();
            times.iter().for_each(|at| timeline.add(at * SECOND, Class::Protected, 1));
            (timeline.width(), timeline.edge(0), counts(&timeline))
        };
        let forward = of(&times);
        times.reverse();
        assert_eq!(of(&times), forward);
        times.sort_unstable_by_key(|at| at % 7);
        assert_eq!(of(&times), forward);
        assert_eq!(forward.0, 900);
        assert_eq!(forward.1 % (900 * SECOND), 0);
    }
}
