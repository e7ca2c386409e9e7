//! Security sessions of both sides, interval by interval.

use super::calibration::Groups;
use super::comparison_plan::short;
use super::fields::{Comparison, Context, compare};
use super::observation::{Ends, RecordLocation, System};
use super::session_pairing::Unlikeness;
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
    /// Whether its writer stopped then.
    pub shut_down: bool,
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

/// The counters of several sessions, added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sums {
    growing: [(u64, u64); 7],
    /// Handshakes that failed, where all records are of a level that has them.
    failed: Option<(u64, u64)>,
    active: [u64; 2],
}

impl Sums {
    fn of(list: &[Record<'_>]) -> Option<Self> {
        let mut sums = Self { failed: Some((0, 0)), ..Self::default() };
        for record in list {
            let section = record.section(1)?;
            let common = Common12::decode(section)?;
            for (sum, more) in sums.growing.iter_mut().zip(counters(&common)) {
                sum.0 = sum.0.saturating_add(more.0);
                sum.1 = sum.1.saturating_add(more.1);
            }
            let more = Common12V3r2::decode(section);
            sums.failed = sums.failed.zip(more).map(|(sum, more)| {
                let [init, end] = [more.init_failed_hs_conn_cnt, more.end_failed_hs_conn_cnt];
                (sum.0 + u64::from(init), sum.1 + u64::from(end))
            });
            sums.active[0] += u64::from(common.init_active_conn_cnt);
            sums.active[1] += u64::from(common.end_active_conn_cnt);
        }
        Some(sums)
    }

    /// What was added within the interval.
    fn grown(&self) -> [u64; 7] {
        self.growing.map(|(init, end)| end.wrapping_sub(init))
    }

    /// Counters that differ from those of others.
    fn unlike(&self, other: &Self) -> usize {
        let grown = self.grown().into_iter().zip(other.grown()).filter(|(a, b)| a != b).count();
        let active = self.active.iter().zip(other.active).filter(|(a, b)| **a != *b).count();
        grown + active
    }
}

/// How a session of the stack differs from one of the tap.
pub(super) fn unlike(
    stack: &Interval<'_>,
    tap: &Interval<'_>,
    context: &Context<'_>,
    groups: &mut Groups,
) -> Unlikeness {
    let (Ok(here), Ok(there)) = (Record::parse(stack.bytes), Record::parse(tap.bytes)) else {
        return (usize::MAX, true, 0, 0);
    };
    let found = groups.apart(|groups| compare(&here, &there, context, groups));
    let contradicts = |j: &&FieldVerdict| matches!(j.verdict, Verdict::Contradiction(_));
    let contradictions = found.others.iter().filter(contradicts).count();
    // Identifiers are the stack's alone.
    let others = found.others.iter().filter(|j| !j.field.ends_with("SASessionID")).count();
    let sums = Sums::of(&[here]).zip(Sums::of(&[there]));
    let counters = sums.map_or(0, |(here, there)| here.unlike(&there));
    (contradictions, stack.system != tap.system, others, counters)
}

/// Whether a provider of the protocol has told the stack of a session.
pub(super) fn has_provider(interval: &Interval<'_>) -> bool {
    Record::parse(interval.bytes).is_ok_and(|record| super::fields::has_provider(&record))
}

fn parsed<'b>(list: &[&Interval<'b>]) -> Vec<Record<'b>> {
    list.iter().filter_map(|i| Record::parse(i.bytes).ok()).collect()
}

/// Compares summary records of one session; or of several, of which one side has fewer,
/// by what they have together.
pub(super) fn judge(
    stack: &[&Interval<'_>],
    tap: &[&Interval<'_>],
    context: &Context<'_>,
    groups: &mut Groups,
) -> Comparison {
    let (here, there) = (parsed(stack), parsed(tap));
    let mut found = Comparison::default();
    let (Some(first_s), Some(first_t)) = (stack.first(), tap.first()) else { return found };
    for record in &here {
        let all = there.iter().map(|other| compare(record, other, context, groups));
        let best = all.min_by_key(|c| (c.contradicts(), c.others.len()));
        let Some(mut best) = best else { continue };
        found.equal.append(&mut best.equal);
        found.others.append(&mut best.others);
    }
    if here.len() + there.len() > 2 {
        let verdict = Verdict::NotObservable(VerdictReason::Together);
        let [stack, tap] = [here.len(), there.len()].map(|n| format!("{n} sessions"));
        found.others.push(FieldVerdict { field: "SMF119SS_SASessionID", verdict, stack, tap });
    }
    let (Some(s), Some(t)) = (Sums::of(&here), Sums::of(&there)) else { return found };
    // An interval of which the tap has a part only says nothing of counters.
    let (stack, tap) = (first_s.duration, first_t.duration);
    let aligned = (stack - tap).abs() <= context.tolerance.max(100);
    // Unless all its connections lie in that part.
    let whole = s.active == [0, 0] && t.active == [0, 0] && s.grown()[0] == t.grown()[0];
    let verdict = if stack == tap {
        Verdict::Equal
    } else if aligned {
        Verdict::Tolerated(VerdictReason::Tolerance)
    } else {
        Verdict::NotObservable(VerdictReason::Before)
    };
    let seconds = |n: i64| n.unsigned_abs() / 100;
    say(&mut found, "SMF119SS_SAIntervalDuration", verdict, seconds(stack), seconds(tap));
    counted(&mut found, (&s, &t), aligned || whole, context, groups);
    found
}

fn say(found: &mut Comparison, field: &'static str, verdict: Verdict, stack: u64, tap: u64) {
    if verdict == Verdict::Equal {
        found.equal.push(field);
    } else {
        let (stack, tap) = (stack.to_string(), tap.to_string());
        found.others.push(FieldVerdict { field, verdict, stack, tap });
    }
}

/// By how much a counter may differ because of connections near the ends of the interval.
fn young(field: &str, context: &Context<'_>) -> u64 {
    if field.ends_with("Bytes") {
        context.young.bytes
    } else if field.ends_with("SegDG") {
        context.young.segments
    } else {
        context.young.connections
    }
}

/// How many connections were added to a session in an interval.
pub(super) fn added(interval: &Interval<'_>) -> Option<u64> {
    let record = Record::parse(interval.bytes).ok()?;
    let common = record.section(1).and_then(Common12::decode)?;
    Some(u64::from(common.end_life_conn_cnt.wrapping_sub(common.init_life_conn_cnt)))
}

/// What a session has added in an interval: segments, inbound and outbound.
pub(super) fn segments(interval: &Interval<'_>) -> Option<[u64; 2]> {
    let record = Record::parse(interval.bytes).ok()?;
    let grown = Sums::of(&[record])?.grown();
    Some([grown[5], grown[6]])
}

/// Compares counters: those that grow by how much they have grown.
fn counted(
    found: &mut Comparison,
    (s, t): (&Sums, &Sums),
    aligned: bool,
    context: &Context<'_>,
    groups: &mut Groups,
) {
    // Connections that began before the capture are the stack's alone.
    let older = s.active[0] > t.active[0] && s.growing[0].0 != t.growing[0].0;
    let failed = s.failed.zip(t.failed).map(|(s, t)| ((FAILED, s), t));
    let all = GROWING.into_iter().zip(s.growing).zip(t.growing).chain(failed);
    let (grown_s, grown_t) = (s.grown(), t.grown());
    // A connection that counts elsewhere has brought segments.
    let elsewhere = grown_s[0] != grown_t[0] && grown_s[5..] != grown_t[5..];
    let is_young = context.young.at_both_ends || elsewhere;
    let segments = [grown_t[5], grown_t[6]];
    for (((init, end), s), t) in all {
        let before =
            if s.0 == t.0 { Verdict::Equal } else { Verdict::NotObservable(VerdictReason::Before) };
        say(found, init, before, s.0, t.0);
        let (grown_s, grown_t) = (s.1.wrapping_sub(s.0), t.1.wrapping_sub(t.0));
        let field = short(end);
        let segments = match field {
            "SAEndLifeInBytes" => Some(segments[0]),
            "SAEndLifeOutBytes" => Some(segments[1]),
            _ => None,
        };
        let traffic = segments.is_some() || field.ends_with("SegDG");
        if traffic && aligned && !older && !context.incomplete && s.1 >= s.0 {
            groups.count(field, grown_s, grown_t, segments);
        }
        let within =
            grown_s.abs_diff(grown_t) <= grown_t.saturating_mul(context.count_tolerance) / 10_000;
        let explained = traffic && context.calibration.explains(field, grown_s, grown_t, segments);
        let verdict = if s.1 < s.0 {
            Verdict::Contradiction(VerdictReason::Different)
        } else if grown_s == grown_t {
            Verdict::Equal
        } else if !aligned || older && grown_s > grown_t {
            Verdict::NotObservable(VerdictReason::Before)
        } else if context.incomplete && grown_s > grown_t {
            Verdict::NotObservable(VerdictReason::Incomplete)
        } else if explained {
            Verdict::Tolerated(VerdictReason::Calibrated)
        } else if is_young && grown_s.abs_diff(grown_t) <= young(field, context) {
            Verdict::Tolerated(VerdictReason::Young)
        } else if within {
            Verdict::Tolerated(VerdictReason::Tolerance)
        } else {
            Verdict::Contradiction(VerdictReason::Different)
        };
        say(found, end, verdict, s.1, t.1);
    }
    for (field, (s, t)) in ACTIVE.into_iter().zip(s.active.into_iter().zip(t.active)) {
        let verdict = if s == t {
            Verdict::Equal
        } else if !aligned || older && s > t {
            Verdict::NotObservable(VerdictReason::Before)
        } else if context.incomplete {
            Verdict::NotObservable(VerdictReason::Incomplete)
        } else if is_young && s.abs_diff(t) <= context.young.connections {
            Verdict::Tolerated(VerdictReason::Young)
        } else {
            Verdict::Contradiction(VerdictReason::Different)
        };
        say(found, field, verdict, s, t);
    }
}
