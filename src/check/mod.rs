//! What a z/OS stack has recorded, held against what was on the wire.
//!
//! Records of both sides are divided by addresses into parts on disk, so that
//! memory holds one part at a time. Each part is gone through three times: to learn
//! how far the clocks are apart; to learn what differs in the same way everywhere;
//! to judge.

mod calibration;
mod calibration_file;
mod causes;
mod clock;
mod comparison_plan;
mod connection;
mod counting;
mod coverage;
mod delta_encoding;
mod distinguished_names;
mod field_times;
mod fields;
mod inventory;
mod judge;
mod observation;
mod outcome;
mod pairing;
mod partition;
pub mod report;
pub mod self_check;
mod session;
mod session_judge;
mod session_pairing;
mod spool;
mod system_inventory;
mod tap_knowledge;
mod tap_observations;
mod verdict;

use std::io;

pub use calibration::{Calibration, CodeGroup, CountRule};
pub use calibration_file::{CalibrationError, CalibrationFile};
pub use causes::{Cause, CauseExample, Causes};
pub use clock::Clock;
pub use coverage::{Coverage, CoverageCount, CoverageKey};
pub use fields::Comparison;
pub use inventory::Inventory;
pub use observation::{About, Ends, Observation, RecordLocation, System, Tuple};
pub use outcome::{Compared, Counted, Difference, Example, Finding, Outcome, Reason, Subject};
use self_check::KnownCodes;
pub use self_check::{Fault, SelfCheckFinding};
pub use system_inventory::SystemInventory;
pub use tap_observations::TapObservations;
pub use verdict::{FieldVerdict, Verdict, VerdictReason};

use calibration::Groups;
use judge::Judge;
use partition::Partition;
use spool::{Side, Spool};

use crate::config::CountingRule;
use crate::record::{Level, Record, SUBTYPE_DETAIL, SUBTYPE_SUMMARY};

/// Differences of clocks that are looked at.
const MAX_DIFFERENCES: usize = 1 << 14;
/// Hundredths of a second in a minute, and in a quarter of an hour.
const MINUTE: i64 = 6000;
const QUARTER: i64 = 15 * MINUTE;

/// What is taken for the same.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How far times may differ, in hundredths of a second.
    pub tolerance: i64,
    /// How far the stack's clock is ahead, in hundredths of a second; found out from
    /// all pairs if it is not given.
    pub clock: Option<i64>,
    /// How far counters may differ, in hundredths of a percent.
    pub count_tolerance: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { tolerance: 200, clock: None, count_tolerance: 100 }
    }
}

/// Takes the records of both sides and checks them.
#[derive(Debug)]
pub struct Check {
    options: Options,
    spool: Spool,
    outcome: Outcome,
    /// The bytes of a part.
    buffer: Vec<u8>,
    known_codes: KnownCodes,
    /// What is known to differ systematically.
    given: Calibration,
    /// The rule by which the tap has counted, if it is not that everything counts once.
    counting: Option<(CountingRule, u64)>,
}

/// Who is told of each finding.
pub type Listener<'a, E> = dyn FnMut(&Finding<'_>) -> Result<(), E> + 'a;

impl Check {
    /// Begins a check of so many bytes of records.
    ///
    /// # Errors
    /// If temporary files cannot be made.
    pub fn new(options: Options, bytes: u64) -> io::Result<Self> {
        let spool = Spool::new(bytes)?;
        let (outcome, known_codes) = (Outcome::default(), KnownCodes::default());
        Ok(Self {
            options,
            spool,
            outcome,
            buffer: Vec::new(),
            known_codes,
            given: Calibration::default(),
            counting: None,
        })
    }

    /// Takes a record of the stack; returns what is wrong with it by itself.
    ///
    /// # Errors
    /// If a temporary file cannot be written.
    pub fn stack(
        &mut self,
        bytes: &[u8],
        place: RecordLocation,
    ) -> io::Result<Vec<SelfCheckFinding>> {
        let mut found = Vec::new();
        let Ok(record) = Record::parse(bytes) else { return Ok(found) };
        let seen = Observation::of(&record);
        let known = &mut self.known_codes;
        self_check::record(&record, seen.as_ref(), place, known, &mut |fault| found.push(fault));
        for fault in &found {
            self.outcome.fault(fault);
        }
        if let Some(seen) = seen {
            self.record(Side::Stack, &record, &seen, place)?;
        }
        Ok(found)
    }

    /// Takes a record of the tap.
    ///
    /// # Errors
    /// If a temporary file cannot be written.
    pub fn tap(&mut self, bytes: &[u8], place: RecordLocation) -> io::Result<()> {
        self.outcome.compared = true;
        let Ok(record) = Record::parse(bytes) else { return Ok(()) };
        let Some(seen) = Observation::of(&record) else { return Ok(()) };
        let is_first = !self.spool.recut() && matches!(seen.about, About::Session { .. });
        let side = if is_first { Side::TapSummary } else { Side::Tap };
        self.record(side, &record, &seen, place)
    }

    /// Takes a record of what z/OS stream observation sees of what the tap has.
    ///
    /// # Errors
    /// If a temporary file cannot be written.
    pub fn observed(&mut self, bytes: &[u8], place: RecordLocation) -> io::Result<()> {
        let Ok(record) = Record::parse(bytes) else { return Ok(()) };
        let Some(seen) = Observation::of(&record) else { return Ok(()) };
        self.spool.record(Side::Observed, place, &seen, record.bytes())
    }

    /// The tap's intervals end where the stack's do: moments of the stack's clock.
    pub fn cut_as_the_stack(&mut self) {
        self.outcome.tap_cut = true;
    }

    /// What is known to differ systematically is no finding.
    pub fn calibrated(&mut self, given: Calibration) {
        self.given = given;
    }

    /// The tap counts by another rule, which explained so many pairs.
    pub fn counted_by(&mut self, rule: CountingRule, times: u64) {
        self.counting = Some((rule, times));
    }

    /// There is a tap, even if it has no records.
    pub fn with_tap(&mut self) {
        self.outcome.compared = true;
    }

    /// Bytes of the stack's dump that are no record.
    pub fn damage(&mut self, place: RecordLocation, what: String) -> SelfCheckFinding {
        let found = SelfCheckFinding { fault: Fault::Damage, place, what };
        self.outcome.fault(&found);
        found
    }

    /// Takes what the tap knows of a connection beside its records.
    ///
    /// # Errors
    /// If a temporary file cannot be written.
    pub fn facts(&mut self, facts: &TapObservations) -> io::Result<()> {
        let bytes = serde_json::to_vec(facts)?;
        self.spool.facts((facts.ends[0].0, facts.ends[1].0), &bytes)
    }

    fn record(
        &mut self,
        side: Side,
        record: &Record<'_>,
        seen: &Observation,
        place: RecordLocation,
    ) -> io::Result<()> {
        let level = Level::of(record).unwrap_or_default();
        let inventory = match side {
            Side::Stack => &mut self.outcome.stack,
            _ => &mut self.outcome.tap,
        };
        inventory.add(seen, level);
        self.spool.record(side, place, seen, record.bytes())
    }

    /// What the stack's records have; to be asked before the tap's are taken.
    pub fn stack_inventory(&mut self) -> &mut Inventory {
        &mut self.outcome.stack
    }

    /// Checks, and tells each finding that [`Self::stack`] and [`Self::damage`] have not
    /// told, if somebody wants to hear of them.
    ///
    /// # Errors
    /// If a temporary file cannot be read, or `each` fails.
    pub fn run<E: From<io::Error>>(
        mut self,
        mut each: Option<&mut Listener<'_, E>>,
    ) -> Result<Outcome, E> {
        self.outcome.stack.find_home();
        let only = self.spool.take_only();
        let recut = self.spool.recut();
        let only = only.as_deref().map(|bytes| Partition::of(bytes, recut));
        let only = only.as_ref();
        let clocks = if self.outcome.compared { self.clocks(only)? } else { Default::default() };
        let mut calibration = Calibration {
            clock: self.reported(&clocks.0),
            interval_clock: clocks.1,
            codes: self.given.codes.clone(),
            counters: self.given.counters.clone(),
            counting: self.counting,
        };
        let mut outcome = Outcome::default();
        let mut judged = false;
        if self.outcome.compared {
            let mut groups = Groups::default();
            self.parts(only, &calibration, &mut groups, &mut |finding| {
                outcome.take(finding);
                Ok::<(), io::Error>(())
            })?;
            calibration = groups.finish(calibration.clock, clocks.1);
            calibration.counting = self.counting.or(calibration.counting);
            calibration.with(&self.given);
            // Where nothing is systematic the verdicts are what they will be.
            judged = each.is_none() && calibration.is_empty();
        }
        if !judged {
            outcome = Outcome::default();
            self.parts(only, &calibration, &mut Groups::default(), &mut |finding| {
                outcome.take(finding);
                each.as_mut().map_or(Ok(()), |each| each(finding))
            })?;
        }
        // What was found while records came in.
        for (fault, (count, examples)) in std::mem::take(&mut self.outcome.faults) {
            let (all, kept) = outcome.faults.entry(fault).or_default();
            *all += count;
            if let Some(first) = examples.first() {
                outcome.causes.fault(first, count);
            }
            kept.extend(examples);
        }
        outcome.compared = self.outcome.compared;
        outcome.zones = [self.outcome.stack.zone(), self.outcome.tap.zone()];
        outcome.stack = self.outcome.stack;
        outcome.tap = self.outcome.tap;
        outcome.calibration = calibration;
        outcome.given = self.given;
        Ok(outcome)
    }

    /// Judges all parts.
    fn parts<E: From<io::Error>>(
        &mut self,
        only: Option<&Partition<'_>>,
        calibration: &Calibration,
        groups: &mut Groups,
        each: &mut dyn FnMut(&Finding<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let tap_zone = self.outcome.tap.zone();
        let (options, outcome) = (self.options, &self.outcome);
        each_part(&mut self.spool, &mut self.buffer, only, &mut |part| {
            let judge = Judge {
                options: &options,
                calibration,
                stack: &outcome.stack,
                tap: &outcome.tap,
                compared: outcome.compared,
                cut: outcome.tap_cut,
                tap_zone,
            };
            let mut result = Ok(());
            judge.part(part, groups, &mut |finding| {
                if result.is_ok() {
                    result = each(&finding);
                }
            });
            result.map(|()| true)
        })
    }

    /// How far the stack's clock is ahead, as far as the records that were taken tell;
    /// and how far the local time of its summary records is.
    ///
    /// # Errors
    /// If a temporary file cannot be read.
    pub fn clock(&mut self) -> io::Result<(Clock, i64)> {
        let Some(bytes) = self.spool.take_only() else { return self.clocks(None) };
        let found = self.clocks(Some(&Partition::of(&bytes, self.spool.recut())));
        self.spool.put_only(bytes);
        found
    }

    /// The summary records of the tap that came so far are not those that are wanted:
    /// others follow.
    pub fn forget_summaries(&mut self) {
        self.spool.forget_summaries();
        self.outcome.tap.forget_summaries();
    }

    /// A difference within the tolerance is none.
    fn reported(&self, clock: &Clock) -> Clock {
        let (first, last) = clock.range();
        let tolerance = self.options.tolerance.max(1);
        let none = self.options.clock.is_none() && first.abs().max(last.abs()) <= tolerance;
        if none { Clock::default() } else { clock.clone() }
    }

    /// How far the stack's clock, and its local time in summaries, are ahead.
    fn clocks(&mut self, only: Option<&Partition<'_>>) -> io::Result<(Clock, i64)> {
        let (mut starts, mut intervals) = (Vec::new(), Vec::new());
        let both_have = |subtype: u16| {
            [&self.outcome.stack, &self.outcome.tap]
                .iter()
                .all(|s| s.records.contains_key(&subtype))
        };
        let wanted = [SUBTYPE_DETAIL, SUBTYPE_SUMMARY].map(both_have);
        each_part::<io::Error>(&mut self.spool, &mut self.buffer, only, &mut |part| {
            let (stack, tap) = (&part.stack.connections, &part.tap.connections);
            let mut t = 0;
            for (n, here) in stack.iter().enumerate() {
                while tap.get(t).is_some_and(|c| c.tuple < here.tuple) {
                    t += 1;
                }
                let alone = |list: &[connection::Connection<'_>], n: usize| {
                    let same = |m: Option<usize>| {
                        m.and_then(|m| list.get(m)).is_some_and(|c| c.tuple == here.tuple)
                    };
                    !same(n.checked_sub(1)) && !same(Some(n + 1))
                };
                // Only where it is certain which one is the other's.
                if let Some(there) = tap.get(t).filter(|c| c.tuple == here.tuple)
                    && alone(stack, n)
                    && alone(tap, t)
                    && starts.len() < MAX_DIFFERENCES
                {
                    starts.push((here.start, here.start - there.start));
                    if let (Some(end), Some(other)) = (here.end, there.end) {
                        starts.push((end, end - other));
                    }
                }
            }
            let mut of_tap = std::collections::BTreeMap::<Ends, Vec<i64>>::new();
            for interval in &part.tap.intervals {
                of_tap.entry(interval.ends).or_default().push(interval.end);
            }
            for here in &part.stack.intervals {
                for end in of_tap.get(&here.ends).into_iter().flatten().take(64) {
                    if intervals.len() < MAX_DIFFERENCES {
                        intervals.push(here.end - end);
                    }
                }
            }
            // Addresses are spread over the parts: those of some speak for all.
            let lacks = [starts.len(), intervals.len()].map(|found| found < MAX_DIFFERENCES);
            Ok(wanted.iter().zip(lacks).any(|(wanted, lacks)| *wanted && lacks))
        })?;
        let tolerance = self.options.tolerance.max(1);
        let clock = match self.options.clock {
            Some(given) => Clock::constant(given),
            None => Clock::of(&mut starts, tolerance),
        };
        // The zones of both are known where there are connections; otherwise intervals
        // tell whether they differ, but not whether the clocks do: these end at full
        // minutes of both.
        let zones = [self.outcome.stack.zone(), self.outcome.tap.zone()];
        let interval = match zones {
            [Some(stack), Some(tap)] => {
                // The stack's end at full minutes of its own clock; the labels of others
                // were set later.
                let near = |ahead: i64| {
                    intervals.iter().filter(|d| (*d - ahead).abs() <= tolerance).count()
                };
                let (zones, shifted) = (stack - tap, stack - tap + clock.range().0);
                let best = if near(zones) > near(0) { zones } else { 0 };
                // What was cut by the stack's clock follows it anyway.
                if !self.outcome.tap_cut && near(shifted) > near(best) { shifted } else { best }
            }
            _ => {
                let found = nearest(&mut intervals, tolerance);
                let quarters = (found + QUARTER / 2).div_euclid(QUARTER) * QUARTER;
                if (found - quarters).abs() <= 2 * MINUTE { quarters } else { found }
            }
        };
        let interval = if interval.abs() <= tolerance { 0 } else { interval };
        Ok((clock, interval))
    }
}

/// Goes through the parts, until somebody has seen enough.
fn each_part<E: From<io::Error>>(
    spool: &mut Spool,
    buffer: &mut Vec<u8>,
    only: Option<&Partition<'_>>,
    see: &mut dyn FnMut(&Partition<'_>) -> Result<bool, E>,
) -> Result<(), E> {
    if let Some(part) = only {
        return see(part).map(|_| ());
    }
    for number in 0..spool.len() {
        spool.read(number, buffer)?;
        if !see(&Partition::of(buffer, spool.recut()))? {
            break;
        }
    }
    Ok(())
}

/// The difference that most intervals have; of several that as many have the
/// smallest, because every interval is as far from the next as from the one before.
fn nearest(differences: &mut [i64], tolerance: i64) -> i64 {
    let mut counts = std::collections::BTreeMap::<i64, u64>::new();
    for difference in differences.iter() {
        *counts.entry(difference.div_euclid(2 * tolerance)).or_default() += 1;
    }
    let best = counts.iter().max_by_key(|(bucket, n)| (**n, -bucket.abs()));
    let Some((&bucket, _)) = best else { return 0 };
    let mut within: Vec<i64> =
        differences.iter().copied().filter(|d| d.div_euclid(2 * tolerance) == bucket).collect();
    within.sort_unstable();
    let found = within.get(within.len() / 2).copied().unwrap_or(0);
    if found.abs() <= tolerance { 0 } else { found }
}
