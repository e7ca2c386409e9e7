//! Differences that are the same in all records of their kind: not mistakes of one
//! record, but of a table, a rule of counting, or a clock.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;

use super::clock::Clock;
use super::comparison_plan::{Class, Plan, class};
use super::counting::Counting;
use super::fields::{is_unknown, number};
use crate::config::CountingRule;
use crate::record::field::Field;
use crate::record::view::Part;

/// What differs: a coded field, what it depends on, and both values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CodeGroup {
    /// IBM's field name, without subtype: `TLS_CS_Enc_Alg`.
    pub field: &'static str,
    /// The cipher suite for fields that follow from it, as the record has it, EBCDIC;
    /// zeros for others.
    pub suite: [u8; 6],
    /// What the tap writes.
    pub tap: u64,
    /// What the stack writes.
    pub stack: u64,
}

type Map<K, V> = HashMap<K, V, foldhash::fast::FixedState>;

/// How often values come together.
#[derive(Clone, Debug, Default)]
pub(super) struct Groups {
    /// By field, suite, the tap's value and the stack's.
    codes: Map<(&'static str, [u8; 6], u64, u64), u64>,
    /// The codes of equal sections, put one after the other: of whole sections, because
    /// most have those of others. By the cipher suite, the place of the section's plan,
    /// and the codes.
    sections: Map<([u8; 6], usize, SectionCodes), u64>,
    /// By counter and difference.
    constants: Map<(&'static str, i64), u64>,
    /// Counters that are equal.
    same: Map<&'static str, u64>,
    plans: Plans,
    /// By rule of counting.
    pub counting: Counting,
    /// By counter of bytes: for how many pairs the difference is so many bytes for
    /// each segment; the last is how many pairs differ.
    headers: Map<&'static str, ([u64; HEADERS.len()], u64)>,
}

/// How sections are compared, as far as it was worked out already.
#[derive(Clone, Debug, Default)]
struct Plans {
    /// Classes of fields by where their description is, so that names are looked at
    /// once.
    classes: Map<usize, Class>,
    of_shapes: Vec<Arc<Plan>>,
}

/// Codes of a section.
type SectionCodes = [u8; 2 * MAX_CODES];
/// The most of a section that are counted together.
const MAX_CODES: usize = 24;
/// Sections that are told apart by their codes; of more each code is counted by itself.
const MAX_SECTIONS: usize = 4096;
/// Shapes of sections that are kept; only a broken dump has more.
const MAX_PLANS: usize = 64;

/// Bytes of IP and TCP headers that a stack may count: without and with time
/// stamps, and with IPv6.
const HEADERS: [i64; 7] = [20, 32, 40, 52, 60, 72, 8];
/// Records of a kind that have to agree with each other before anything is said.
const LEAST: u64 = 3;
/// Constants that are told apart of a counter.
const MAX_CONSTANTS: usize = 10_000;

/// The difference under which those are counted that there is no room for.
const MANY: i64 = i64::MAX;

/// A rule by which a counter differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CountRule {
    /// The stack counts so much more, or less.
    Constant(i64),
    /// The stack counts so many bytes more for each segment.
    Header(i64),
}

/// What was found to be systematic.
#[derive(Clone, Debug, Default)]
pub struct Calibration {
    /// How far the stack's clock is ahead of the tap's.
    pub clock: Clock,
    /// Codes, and in how many pairs.
    pub codes: BTreeMap<CodeGroup, u64>,
    /// Rules of counting by counter.
    pub counters: BTreeMap<&'static str, (CountRule, u64)>,
    /// By which rule the stack counts segments and bytes, and how many pairs that explains.
    pub counting: Option<(CountingRule, u64)>,
    /// The stack's local time in summary records is ahead of the tap's by so much.
    pub interval_clock: i64,
}

/// Most of all, at least enough of them.
fn systematic(count: u64, all: u64) -> bool {
    count >= LEAST && count * 20 >= all * 19
}

impl Groups {
    /// Both know a code.
    pub fn code(&mut self, field: &'static str, suite: [u8; 6], tap: u64, stack: u64) {
        *self.codes.entry((field, suite, tap, stack)).or_default() += 1;
    }

    /// The codes of a section that is equal on both sides.
    pub fn codes_of(&mut self, plan: &Plan, bytes: &[u8]) {
        let code = |at: &Range<usize>| bytes.get(at.clone()).unwrap_or_default();
        let suite = plan.suite.as_ref().and_then(|at| code(at).first_chunk().copied());
        let suite = suite.unwrap_or_default();
        let place = self.plans.of_shapes.iter().position(|known| std::ptr::eq(&**known, plan));
        if let Some(place) = place.filter(|_| plan.coded.len() <= MAX_CODES) {
            let mut codes = [0; 2 * MAX_CODES];
            for ((_, at), to) in plan.coded.iter().zip(codes.as_chunks_mut::<2>().0) {
                *to = code(at).first_chunk().copied().unwrap_or_default();
            }
            let room = self.sections.len() < MAX_SECTIONS;
            match self.sections.entry((suite, place, codes)) {
                Entry::Occupied(mut count) => return *count.get_mut() += 1,
                Entry::Vacant(free) if room => {
                    free.insert(1);
                    return;
                }
                Entry::Vacant(_) => {}
            }
        }
        let all = plan.coded.iter().map(|(field, at)| (*field, code(at)));
        count_codes(&mut self.codes, all, suite, 1);
    }

    /// How two sections are compared that have the same fields in the same places.
    pub fn plan(&mut self, here: &Part<'_>, there: &Part<'_>) -> Option<Arc<Plan>> {
        let known = self.plans.of_shapes.iter().find(|plan| plan.is_for(here, there));
        if let Some(plan) = known {
            return Some(Arc::clone(plan));
        }
        if self.plans.of_shapes.len() >= MAX_PLANS {
            return None;
        }
        let plan = Arc::new(Plan::of(here));
        plan.is_for(here, there).then(|| {
            self.plans.of_shapes.push(Arc::clone(&plan));
            plan
        })
    }

    /// The class of a field.
    pub fn class(&mut self, field: &'static Field) -> Class {
        let key = std::ptr::from_ref(field).addr();
        *self.plans.classes.entry(key).or_insert_with(|| class(field))
    }

    /// Does something of which nothing is to be learned.
    pub fn apart<T>(&mut self, what: impl FnOnce(&mut Self) -> T) -> T {
        let mut apart = Self { plans: std::mem::take(&mut self.plans), ..Self::default() };
        let done = what(&mut apart);
        self.plans = apart.plans;
        done
    }

    /// A counter, with the segments of its direction where it counts bytes.
    pub fn count(&mut self, field: &'static str, stack: u64, tap: u64, segments: Option<u64>) {
        let difference = i64::try_from(i128::from(stack) - i128::from(tap)).unwrap_or(i64::MAX);
        if difference == 0 {
            *self.same.entry(field).or_default() += 1;
        } else {
            let known = self.constants.contains_key(&(field, difference));
            let key = if known || self.constants.len() < MAX_CONSTANTS { difference } else { MANY };
            *self.constants.entry((field, key)).or_default() += 1;
        }
        let Some(segments) = segments.filter(|n| *n > 0) else { return };
        let (headers, all) = self.headers.entry(field).or_default();
        *all += 1;
        // No header has no bytes.
        if difference == 0 {
            return;
        }
        for (count, bytes) in headers.iter_mut().zip(HEADERS) {
            let expected = i128::from(bytes) * i128::from(segments);
            *count += u64::from(i128::from(difference) == expected);
        }
    }

    /// Codes, those of equal sections among them.
    fn all_codes(&self) -> Map<(&'static str, [u8; 6], u64, u64), u64> {
        let mut codes = self.codes.clone();
        for ((suite, place, values), &count) in &self.sections {
            let Some(plan) = self.plans.of_shapes.get(*place) else { continue };
            let all = plan.coded.iter().zip(values.as_chunks::<2>().0);
            count_codes(
                &mut codes,
                all.map(|((field, _), code)| (*field, &code[..])),
                *suite,
                count,
            );
        }
        codes
    }

    /// All that was counted.
    #[cfg(test)]
    pub fn learned(&self) -> [String; 4] {
        let mut codes: Vec<_> = self.all_codes().into_iter().collect();
        let mut constants: Vec<_> = self.constants.iter().collect();
        let mut same: Vec<_> = self.same.iter().collect();
        let mut headers: Vec<_> = self.headers.iter().collect();
        codes.sort_unstable();
        constants.sort_unstable();
        same.sort_unstable();
        headers.sort_unstable();
        [
            format!("{codes:?}"),
            format!("{constants:?}"),
            format!("{same:?}"),
            format!("{headers:?}"),
        ]
    }

    /// What is systematic.
    pub fn finish(&self, clock: Clock, interval_clock: i64) -> Calibration {
        let mut found = Calibration { clock, interval_clock, ..Calibration::default() };
        let codes = self.all_codes();
        let mut together = Map::<_, u64>::default();
        for (&(field, suite, tap, _), count) in &codes {
            *together.entry((field, suite, tap)).or_default() += count;
        }
        for (&(field, suite, tap, stack), &count) in &codes {
            let all = together.get(&(field, suite, tap)).copied().unwrap_or(0);
            if stack != tap && systematic(count, all) {
                found.codes.insert(CodeGroup { field, suite, tap, stack }, count);
            }
        }
        let mut together = self.same.clone();
        for (&(field, _), count) in &self.constants {
            *together.entry(field).or_default() += count;
        }
        for (&(field, difference), &count) in &self.constants {
            let all = together.get(field).copied().unwrap_or(0);
            if difference != MANY && systematic(count, all) {
                found.counters.insert(field, (CountRule::Constant(difference), count));
            }
        }
        found.counting = self.counting.finish();
        for (&field, (headers, all)) in &self.headers {
            for (&count, bytes) in headers.iter().zip(HEADERS) {
                if systematic(count, *all) {
                    found.counters.entry(field).or_insert((CountRule::Header(bytes), count));
                }
            }
        }
        found
    }
}

/// Counts codes of a section that both sides have; of those that say nothing nothing is
/// learned.
fn count_codes<'a>(
    counts: &mut Map<(&'static str, [u8; 6], u64, u64), u64>,
    codes: impl Iterator<Item = (&'static str, &'a [u8])>,
    suite: [u8; 6],
    count: u64,
) {
    for (field, code) in codes.filter(|(_, code)| !is_unknown(code)) {
        let (suite, code) = (of_field(suite, field), number(code));
        *counts.entry((field, suite, code, code)).or_default() += count;
    }
}

/// The cipher suite, for codes that follow from it.
pub(super) fn of_field(suite: [u8; 6], field: &str) -> [u8; 6] {
    if field.starts_with("TLS_CS_") { suite } else { [0; 6] }
}

impl Calibration {
    /// Adds what was known before. Of a counter what was found now stands above it.
    pub(super) fn with(&mut self, given: &Self) {
        for group in given.codes.keys() {
            self.codes.entry(*group).or_insert(0);
        }
        for (field, rule) in &given.counters {
            self.counters.entry(field).or_insert(*rule);
        }
    }

    /// Whether nothing but clocks is systematic.
    pub(super) fn is_empty(&self) -> bool {
        self.codes.is_empty() && self.counters.is_empty() && self.counting.is_none()
    }

    /// Whether a pair of codes is systematic.
    pub fn has_code(&self, field: &'static str, suite: [u8; 6], tap: u64, stack: u64) -> bool {
        self.codes.contains_key(&CodeGroup { field, suite, tap, stack })
    }

    /// Whether a counter differs by its rule.
    pub fn explains(&self, field: &str, stack: u64, tap: u64, segments: Option<u64>) -> bool {
        let Some((rule, _)) = self.counters.get(field) else { return false };
        let difference = i128::from(stack) - i128::from(tap);
        match rule {
            CountRule::Constant(n) => difference == i128::from(*n),
            CountRule::Header(bytes) => {
                segments.is_some_and(|s| difference == i128::from(*bytes) * i128::from(s))
            }
        }
    }
}

/// The difference that most of a list of differences have, within a tolerance: the
/// median of those around the commonest.
pub(super) fn prevailing(differences: &mut [i64], tolerance: i64) -> Option<i64> {
    differences.sort_unstable();
    // The window that holds most.
    let (mut best, mut from): (&[i64], usize) = (&[], 0);
    for (to, last) in differences.iter().enumerate() {
        while differences.get(from).is_some_and(|first| last - first > 2 * tolerance) {
            from += 1;
        }
        if let Some(window) = differences.get(from..=to).filter(|w| w.len() > best.len()) {
            best = window;
        }
    }
    best.get(best.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nearly_all_have_is_systematic() {
        let mut groups = Groups::default();
        for n in 0..100 {
            groups.code("TLS_CS_Enc_Alg", *b"C02F  ", 0x12, if n < 97 { 0xAB } else { 0x12 });
            groups.code("TLS_CS_Kex_Alg", [0; 6], 1, if n < 50 { 2 } else { 1 });
            groups.count("SAInBytes", 100 + 40 * n, 100, Some(n));
            groups.count("SAInSegDG", n + 1, n, None);
            groups.count("SAOutBytes", n, n, Some(1));
        }
        let found = groups.finish(Clock::constant(5), 0);
        assert_eq!(found.clock, Clock::constant(5));
        assert!(found.has_code("TLS_CS_Enc_Alg", *b"C02F  ", 0x12, 0xAB));
        assert!(!found.has_code("TLS_CS_Enc_Alg", *b"C02F  ", 0x12, 0xAC));
        assert_eq!(found.codes.len(), 1);
        assert_eq!(found.counters["SAInBytes"].0, CountRule::Header(40));
        assert_eq!(found.counters["SAInSegDG"].0, CountRule::Constant(1));
        assert!(!found.counters.contains_key("SAOutBytes"));
        assert!(found.explains("SAInBytes", 500, 100, Some(10)));
        assert!(!found.explains("SAInBytes", 501, 100, Some(10)));
    }

    #[test]
    fn two_are_too_few() {
        let mut groups = Groups::default();
        for _ in 0..2 {
            groups.code("A", [0; 6], 1, 2);
        }
        assert!(groups.finish(Clock::default(), 0).codes.is_empty());
    }

    #[test]
    fn the_prevailing_difference_is_that_of_most() {
        assert_eq!(prevailing(&mut [5, 6, 7, 360_000, -9000, 6], 10), Some(6));
        assert_eq!(prevailing(&mut [360_000, 360_010, 3], 20), Some(360_010));
        assert_eq!(prevailing(&mut [], 10), None);
    }
}
