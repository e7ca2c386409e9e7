//! How far the stack's clock is ahead of the tap's: a constant, a line, or steps.

use super::calibration::prevailing;

/// Connections of a window.
const WINDOW: usize = 8;
/// The most windows.
const MAX_WINDOWS: usize = 64;
/// Connections that a line is found from, at least and at most.
const LEAST_OF_LINE: usize = 4;
const MOST_OF_LINE: usize = 64;
/// The most that a clock drifts in normal operation, in parts of a million.
const MAX_DRIFT: i64 = 2000;
/// How near samples are to what a clock does between two of them, in hundredths of a second.
const NEAR: i64 = 5;
/// So near to a step a record may be from before it or after it, in hundredths of a second.
const NEAR_STEP: i64 = 500;
/// What two clocks that agree differ by when times are cut to hundredths of a second.
const ROUNDING: i64 = 2;

/// How far a clock is ahead of another, in hundredths of a second.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clock {
    /// Moments on the clock that is ahead, ascending, and how far it is ahead then.
    points: Vec<(i64, i64)>,
}

impl Clock {
    /// A clock that is always as far ahead.
    pub fn constant(ahead: i64) -> Self {
        Self { points: if ahead == 0 { Vec::new() } else { vec![(0, ahead)] } }
    }

    /// How far it is ahead at a moment of its own, in hundredths of a second.
    pub fn ahead(&self, moment: i64) -> i64 {
        let next = self.points.partition_point(|(at, _)| *at <= moment);
        let before = next.checked_sub(1).and_then(|n| self.points.get(n));
        match (before, self.points.get(next)) {
            (None, None) => 0,
            // A line goes on before and after what it was found from.
            _ if self.points.len() == 2 && before.is_none() != (next == 2) => self.on_line(moment),
            (Some((_, ahead)), None) | (None, Some((_, ahead))) => *ahead,
            (Some((t0, a0)), Some((t1, a1))) => {
                let (passed, length) = (moment - t0, (t1 - t0).max(1));
                let change = a1 - a0;
                if is_drift(change, length) {
                    let part = i128::from(change) * i128::from(passed) / i128::from(length);
                    a0 + i64::try_from(part).unwrap_or(0)
                } else if 2 * passed < length {
                    *a0
                } else {
                    *a1
                }
            }
        }
    }

    /// How far it may be ahead at a moment of its own: near a step before it or after it.
    pub(super) fn possible(&self, moment: i64) -> [i64; 2] {
        let ahead = self.ahead(moment);
        let near = self.points.windows(2).find_map(|pair| {
            let &[(t0, a0), (t1, a1)] = pair else { return None };
            let slack = (a1 - a0).abs() + NEAR_STEP;
            let is_near = (t0 - slack..=t1 + slack).contains(&moment);
            let is_step = !is_drift(a1 - a0, t1 - t0);
            (is_near && is_step).then_some(if ahead == a0 { a1 } else { a0 })
        });
        [ahead, near.unwrap_or(ahead)]
    }

    /// How far it is ahead outside of two points, as the line through them says.
    fn on_line(&self, moment: i64) -> i64 {
        let &[(t0, a0), (t1, a1)] = self.points.as_slice() else { return 0 };
        let part = i128::from(a1 - a0) * i128::from(moment - t0) / i128::from((t1 - t0).max(1));
        a0 + i64::try_from(part).unwrap_or(0)
    }

    /// A moment of this clock as the other has it.
    pub fn to_other(&self, moment: i64) -> i64 {
        moment - self.ahead(moment)
    }

    /// Whether both clocks agree, as far as records can tell.
    pub fn agrees(&self) -> bool {
        self.points.iter().all(|(_, ahead)| ahead.abs() <= ROUNDING)
    }

    /// How far it is ahead at first and in the end.
    pub fn range(&self) -> (i64, i64) {
        let ahead = |point: Option<&(i64, i64)>| point.map_or(0, |(_, ahead)| *ahead);
        (ahead(self.points.first()), ahead(self.points.last()))
    }

    /// The clock that moments speak for, given with how far it is ahead then; wrong ones
    /// among them do no harm as long as they are few.
    pub(super) fn of(samples: &mut [(i64, i64)], tolerance: i64) -> Self {
        samples.sort_unstable();
        if samples.len() >= 2 * WINDOW {
            return Self::of_windows(samples, tolerance);
        }
        let mut all: Vec<i64> = samples.iter().map(|(_, ahead)| *ahead).collect();
        let ahead = prevailing(&mut all, tolerance).unwrap_or(0);
        let close = all.iter().filter(|a| (*a - ahead).abs() <= ROUNDING).count();
        if samples.len() < LEAST_OF_LINE || 4 * close >= 3 * samples.len() {
            return Self::constant(ahead);
        }
        Self::line(samples, tolerance).unwrap_or_else(|| Self::constant(ahead))
    }

    /// What most say in each of some windows.
    fn of_windows(samples: &[(i64, i64)], tolerance: i64) -> Self {
        let size = samples.len().div_ceil(MAX_WINDOWS).max(WINDOW);
        let mut points: Vec<(i64, i64)> = Vec::with_capacity(MAX_WINDOWS);
        for window in samples.chunks(size).filter(|window| window.len() >= WINDOW / 2) {
            let mut all: Vec<i64> = window.iter().map(|(_, ahead)| *ahead).collect();
            let Some(ahead) = prevailing(&mut all, tolerance) else { continue };
            let of_most = |(_, a): &&(i64, i64)| (*a - ahead).abs() <= tolerance;
            let mut times: Vec<i64> = window.iter().filter(of_most).map(|(at, _)| *at).collect();
            times.sort_unstable();
            if 2 * times.len() >= window.len()
                && let Some(at) = times.get(times.len() / 2)
            {
                points.push((*at, ahead));
            }
        }
        let mut all: Vec<i64> = points.iter().map(|(_, ahead)| *ahead).collect();
        let Some(ahead) = prevailing(&mut all, tolerance) else { return Self::default() };
        if points.iter().all(|(_, a)| (a - ahead).abs() <= ROUNDING) {
            return Self::constant(ahead);
        }
        Self { points: at_steps(samples, &points, tolerance) }
    }

    /// The line with the median of all slopes.
    fn line(samples: &[(i64, i64)], tolerance: i64) -> Option<Self> {
        let step = samples.len().div_ceil(MOST_OF_LINE).max(1);
        let some: Vec<(i64, i64)> = samples.iter().step_by(step).copied().collect();
        let mut slopes = Vec::new();
        for (n, (t0, a0)) in some.iter().enumerate() {
            for (t1, a1) in some.iter().skip(n + 1).filter(|(t1, _)| t1 > t0) {
                slopes.push(i128::from(a1 - a0) * 1_000_000_000 / i128::from(t1 - t0));
            }
        }
        slopes.sort_unstable();
        let slope = *slopes.get(slopes.len() / 2)?;
        let (from, to) = (samples.first()?.0, samples.last()?.0);
        let drift = |at: i64| i64::try_from(slope * i128::from(at - from) / 1_000_000_000).ok();
        let mut rest: Vec<i64> =
            some.iter().filter_map(|(at, ahead)| Some(ahead - drift(*at)?)).collect();
        let base = prevailing(&mut rest, tolerance)?;
        let near = rest.iter().filter(|r| (*r - base).abs() <= tolerance.min(50)).count();
        let total = drift(to)?;
        (4 * near >= 3 * rest.len() && is_drift(total, to - from))
            .then(|| Self { points: vec![(from, base), (to, base + total)] })
    }
}

/// Whether a change in a time is a drift, and no step.
fn is_drift(change: i64, length: i64) -> bool {
    i128::from(change.abs())
        <= i128::from(ROUNDING) + i128::from(length) * i128::from(MAX_DRIFT) / 1_000_000
}

/// Points at the steps: where most samples between two points say that it was.
fn at_steps(samples: &[(i64, i64)], points: &[(i64, i64)], tolerance: i64) -> Vec<(i64, i64)> {
    let mut found: Vec<(i64, i64)> = points.first().copied().into_iter().collect();
    for pair in points.windows(2) {
        let &[(t0, a0), (t1, a1)] = pair else { continue };
        if a0 != a1 {
            let from = samples.partition_point(|(at, _)| *at < t0);
            let to = samples.partition_point(|(at, _)| *at <= t1);
            let between = samples.get(from..to).unwrap_or_default();
            let drifts = is_drift(a1 - a0, t1 - t0);
            // What could be a drift is a step if that is nearer to the samples.
            let most = if drifts { NEAR } else { tolerance.min(50) };
            let is_like = |ahead: i64, other: i64| (ahead - other).abs() <= most;
            let on_line = Clock { points: vec![(t0, a0), (t1, a1)] };
            let off_line =
                between.iter().filter(|(at, a)| !is_like(*a, on_line.ahead(*at))).count();
            // How many would be wrong if the step were before each.
            let mut wrong = between.iter().filter(|(_, a)| !is_like(*a, a1)).count();
            let (mut least, mut best) = (wrong, 0);
            for (n, (_, ahead)) in between.iter().enumerate() {
                wrong += usize::from(!is_like(*ahead, a0));
                wrong -= usize::from(!is_like(*ahead, a1));
                if wrong < least {
                    (least, best) = (wrong, n + 1);
                }
            }
            if drifts && least >= off_line {
                found.push((t1, a1));
                continue;
            }
            let before = best.checked_sub(1).and_then(|n| between.get(n));
            found.extend(before.map(|(at, _)| (*at, a0)).filter(|(at, _)| *at > t0));
            found.extend(between.get(best).map(|(at, _)| (*at, a1)).filter(|(at, _)| *at < t1));
        }
        found.push((t1, a1));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 360_000;

    #[test]
    fn a_constant_a_drift_and_a_step_are_found_among_wrong_ones() {
        let every = |n: i64| n * 2 * HOUR / 100;
        let found = |ahead: &dyn Fn(i64) -> i64| {
            let mut samples: Vec<(i64, i64)> = (0..100)
                .map(|n| (every(n), if n % 11 == 3 { 77_777 } else { ahead(every(n)) }))
                .collect();
            let clock = Clock::of(&mut samples, 200);
            (0..100).map(|n| (clock.ahead(every(n)) - ahead(every(n))).abs()).collect::<Vec<_>>()
        };
        assert!(found(&|_| 4500).iter().all(|e| *e == 0));
        assert!(found(&|at| 300 + at * 700 / 1_000_000).iter().all(|e| *e <= 30));
        let off = found(&|at| if at < HOUR { 0 } else { -6000 });
        assert!(off.iter().filter(|e| **e > 2).count() <= WINDOW, "{off:?}");
        assert_eq!(Clock::of(&mut [], 200), Clock::default());
    }

    #[test]
    fn a_few_connections_show_a_line() {
        let drift = |at: i64| 100 + at * 700 / 1_000_000;
        let mut samples: Vec<(i64, i64)> =
            (0..7).map(|n| (n * HOUR / 4, drift(n * HOUR / 4))).collect();
        samples[3].1 = 90_000;
        let clock = Clock::of(&mut samples, 200);
        for at in [-HOUR, 0, HOUR, 3 * HOUR / 2, 2 * HOUR] {
            assert!((clock.ahead(at) - drift(at)).abs() <= 3, "{clock:?}");
        }
        // One that is wrong makes none.
        let clock = Clock::of(&mut [(0, 0), (HOUR, 0), (2 * HOUR, 60_000), (3 * HOUR, 0)], 200);
        assert!(clock.agrees());
    }
}
