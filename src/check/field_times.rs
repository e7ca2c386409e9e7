//! Times of two records: date and time are two fields of one moment.

use super::comparison_plan::{Class, short};
use super::fields::{Both, Context, of};
use super::verdict::{Verdict, VerdictReason};
use crate::record::SmfTime;
use crate::record::view::Part;

/// Hundredths of a second in a day.
const DAY: i64 = 8_640_000;

/// A moment of one side, where it is known, and its time of day.
pub(super) type Moment = (Option<i64>, i64);

pub(super) fn moment(time: u32, date: u32) -> Moment {
    (SmfTime { time, date }.hundredths(), i64::from(time))
}

/// Date and time belong together; the one that differs is named.
pub(super) fn time(both: &Both<'_>, class: Class, context: &Context<'_>) -> Verdict {
    let [start, end] = &both.known.moments;
    let (cell, time, date) = match class {
        Class::Start => (start, "SASTime", "SASDate"),
        _ => (end, "SAETime", "SAEDate"),
    };
    let moment = |part: &Part<'_>| -> Option<Moment> {
        let half = |name: &str| of(part, name).and_then(|n| u32::try_from(n).ok());
        Some(moment(half(time)?, half(date)?))
    };
    let moments = || Some([moment(both.parts.0)?, moment(both.parts.1)?]);
    let Some([(stack, stack_time), (tap, tap_time)]) = *cell.get_or_init(moments) else {
        return Verdict::NotObservable(VerdictReason::Level);
    };
    let mut ahead = stack.map_or(0, |stack| context.calibration.clock.ahead(stack));
    let (stack, tap) = match (stack, tap) {
        (Some(stack), Some(tap)) => {
            let possible = context.calibration.clock.possible(stack);
            let nearest = possible.into_iter().min_by_key(|a| (stack - a - tap).abs());
            ahead = nearest.unwrap_or(ahead);
            (stack - ahead, tap)
        }
        (None, None) => return Verdict::Equal,
        (None, _) => return Verdict::NotObservable(VerdictReason::StackUnknown),
        _ => return Verdict::NotObservable(VerdictReason::TapUnknown),
    };
    if stack == tap {
        return Verdict::Equal;
    }
    if (stack - tap).abs() <= context.tolerance {
        // The time says it.
        let is_time = short(both.field.name) == time;
        return if is_time { Verdict::Tolerated(VerdictReason::Tolerance) } else { Verdict::Equal };
    }
    if class == Class::End && context.incomplete {
        return Verdict::NotObservable(VerdictReason::Incomplete);
    }
    let of_day = (stack_time - ahead).rem_euclid(DAY);
    let apart = (of_day - tap_time).rem_euclid(DAY);
    let times_agree = apart.min(DAY - apart) <= context.tolerance;
    if (short(both.field.name) == time) == times_agree {
        return Verdict::Equal;
    }
    Verdict::Contradiction(VerdictReason::Different)
}
