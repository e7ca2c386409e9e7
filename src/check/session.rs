//! Security sessions of both sides, interval by interval.

use super::calibration::Groups;
use super::fields::{Comparison, Context, compare};
use super::observation::{Ends, RecordLocation, System};
use super::verdict::{FieldVerdict, Verdict, VerdictReason};
use crate::record::{Common12, Common12V3r2, Record};

/// A session in an interval, of one side.
#[derive(Clone, Copy, Debug)]
pub(super) struct Interval<'a> {
    pub system: System,
    pub ends: Ends,
    /// The end of the interval, on the writer's local clock, and its length, in
    /// hundredths of a second.
    pub end: i64,
    pub duration: i64,
    pub bytes: &'a [u8],
    pub place: RecordLocation,
}

/// The counters of a summary record that only grow, in the order of [`counters`]: at
/// the beginning of the interval, and at its end.
const GROWING: [(&str, &str); 7] = [
    ("SMF119SS_SAInitLifeConnCnt", "SMF119SS_SAEndLifeConnCnt"),
    ("SMF119SS_SAInitLifePartialConnCnt", "SMF119SS_SAEndLifePartialConnCnt"),
    ("SMF119SS_SAInitLifeShortConnCnt", "SMF119SS_SAEndLifeShortConnCnt"),
    ("SMF119SS_SAInitLifeInBytes", "SMF119SS_SAEndLifeInBytes"),
    ("SMF119SS_SAInitLifeOutBytes", "SMF119SS_SAEndLifeOutBytes"),
    ("SMF119SS_SAInitLifeInSegDG", "SMF119SS_SAEndLifeInSegDG"),
    ("SMF119SS_SAInitLifeOutSegDG", "SMF119SS_SAEndLifeOutSegDG"),
];
/// The same of handshakes that failed, from 3.2 on.
const FAILED: (&str, &str) = ("SMF119SS_SAInitFailedHsConnCnt", "SMF119SS_SAEndFailedHsConnCnt");
const ACTIVE: [&str; 2] = ["SMF119SS_SAInitActiveConnCnt", "SMF119SS_SAEndActiveConnCnt"];

/// The counters that only grow, at the beginning and the end.
pub(super) fn counters(c: &Common12) -> [(u64, u64); 7] {
    let n = u64::from;
    [
        (n(c.init_life_conn_cnt), n(c.end_life_conn_cnt)),
        (n(c.init_life_partial_conn_cnt), n(c.end_life_partial_conn_cnt)),
        (n(c.init_life_short_conn_cnt), n(c.end_life_short_conn_cnt)),
        (c.init_life_in_bytes, c.end_life_in_bytes),
        (c.init_life_out_bytes, c.end_life_out_bytes),
        (c.init_life_in_seg_dg, c.end_life_in_seg_dg),
        (c.init_life_out_seg_dg, c.end_life_out_seg_dg),
    ]
}

/// Names of the counters that only grow, at the end of an interval.
pub(super) fn growing() -> impl Iterator<Item = &'static str> {
    GROWING.iter().map(|(_, end)| *end)
}

/// Attributes that contradict each other.
pub(super) fn unlike(
    stack: &Interval<'_>,
    tap: &Interval<'_>,
    context: &Context<'_>,
    groups: &mut Groups,
) -> usize {
    let (Ok(stack), Ok(tap)) = (Record::parse(stack.bytes), Record::parse(tap.bytes)) else {
        return usize::MAX;
    };
    let found = groups.apart(|groups| compare(&stack, &tap, context, groups));
    found.others.iter().filter(|j| matches!(j.verdict, Verdict::Contradiction(_))).count()
}

/// Compares two summary records.
pub(super) fn judge(
    stack: &Interval<'_>,
    tap: &Interval<'_>,
    context: &Context<'_>,
    groups: &mut Groups,
) -> Comparison {
    let (Ok(here), Ok(there)) = (Record::parse(stack.bytes), Record::parse(tap.bytes)) else {
        return Comparison::default();
    };
    let mut found = compare(&here, &there, context, groups);
    let common = |r: &Record<'_>| r.section(1).and_then(Common12::decode);
    let (Some(s), Some(t)) = (common(&here), common(&there)) else { return found };
    let mut say = |field, verdict, stack: u64, tap: u64| {
        if verdict == Verdict::Equal {
            found.equal.push(field);
        } else {
            let (stack, tap) = (stack.to_string(), tap.to_string());
            found.others.push(FieldVerdict { field, verdict, stack, tap });
        }
    };
    // An interval of which the tap has a part only says nothing of counters.
    let aligned = (stack.duration - tap.duration).abs() <= context.tolerance.max(100);
    let verdict = if stack.duration == tap.duration {
        Verdict::Equal
    } else if aligned {
        Verdict::Tolerated(VerdictReason::Tolerance)
    } else {
        Verdict::NotObservable(VerdictReason::Before)
    };
    let seconds = |n: i64| n.unsigned_abs() / 100;
    let duration = "SMF119SS_SAIntervalDuration";
    say(duration, verdict, seconds(stack.duration), seconds(tap.duration));
    // Connections that began before the capture are the stack's alone.
    let older = s.init_active_conn_cnt > t.init_active_conn_cnt
        && s.init_life_conn_cnt != t.init_life_conn_cnt;
    let failed = |r: &Record<'_>| {
        let section = r.section(1).and_then(Common12V3r2::decode)?;
        Some((section.init_failed_hs_conn_cnt.into(), section.end_failed_hs_conn_cnt.into()))
    };
    let failed = failed(&here).zip(failed(&there)).map(|(s, t)| ((FAILED, s), t));
    let all = GROWING.into_iter().zip(counters(&s)).zip(counters(&t)).chain(failed);
    for (((init, end), s), t) in all {
        let before =
            if s.0 == t.0 { Verdict::Equal } else { Verdict::NotObservable(VerdictReason::Before) };
        say(init, before, s.0, t.0);
        let (grown_s, grown_t) = (s.1.wrapping_sub(s.0), t.1.wrapping_sub(t.0));
        let within =
            grown_s.abs_diff(grown_t) <= grown_t.saturating_mul(context.count_tolerance) / 10_000;
        let verdict = if s.1 < s.0 {
            Verdict::Contradiction(VerdictReason::Different)
        } else if grown_s == grown_t {
            Verdict::Equal
        } else if !aligned || older && grown_s > grown_t {
            Verdict::NotObservable(VerdictReason::Before)
        } else if within {
            Verdict::Tolerated(VerdictReason::Tolerance)
        } else {
            Verdict::Contradiction(VerdictReason::Different)
        };
        say(end, verdict, s.1, t.1);
    }
    let active = [
        (s.init_active_conn_cnt, t.init_active_conn_cnt),
        (s.end_active_conn_cnt, t.end_active_conn_cnt),
    ];
    for (field, (s, t)) in ACTIVE.into_iter().zip(active) {
        let verdict = if s == t {
            Verdict::Equal
        } else if !aligned || older && s > t {
            Verdict::NotObservable(VerdictReason::Before)
        } else {
            Verdict::Contradiction(VerdictReason::Different)
        };
        say(field, verdict, s.into(), t.into());
    }
    found
}
