//! Two records of one event or interval, field by field.

use std::cell::OnceCell;
use std::ops::Range;

use super::calibration::{Calibration, Groups, of_field};
use super::comparison_plan::{Class, Plan, Planned, is_suite, may_be_coded, short};
use super::distinguished_names;
use super::field_times::{Moment, moment, time};
use super::tap_knowledge::Young;
use super::verdict::{FieldVerdict, Verdict, VerdictReason};
use crate::record::field::{Field, Format};
use crate::record::value;
use crate::record::view::Part;
use crate::record::{IpFilter, Record, ebcdic};

/// `sc_flags`: IPv6 and, from 3.2 on, the local role.
const IPV6: u64 = 0x80;
const ROLES_11: u64 = 0x18;
const ROLES_12: u64 = 0x60;
/// `sec_protos`: TLS, SSH, IPSec.
const PROTOCOLS: [u64; 3] = [0x80, 0x40, 0x20];
/// `attr_source`: stream observation, a provider.
const PROVIDER: u64 = 2;
/// `tls_version`: TLS 1.3.
const TLS13: u64 = 0x0304;
/// `tls_handshake_role`: server, and server with client authentication.
const SERVER: u64 = 2;
const SERVER_WITH_CLIENT_AUTHENTICATION: u64 = 3;
/// Fields of most records.
const FIELDS: usize = 112;

/// What the verdicts depend on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context<'a> {
    pub calibration: &'a Calibration,
    /// For times, in hundredths of a second.
    pub tolerance: i64,
    /// For counters, in hundredths of a percent.
    pub count_tolerance: u64,
    /// Whether the capture lacks a part of the connection.
    pub incomplete: bool,
    /// Whether its handshake came late.
    pub late: bool,
    /// Connections near the ends of the interval.
    pub young: Young,
    /// The record that the tap wrote at the end, for what was counted before.
    pub last: Option<&'a Record<'a>>,
}

/// The verdicts of two records.
#[derive(Clone, Debug, Default)]
pub struct Comparison {
    /// Fields that are equal.
    pub equal: Vec<&'static str>,
    /// The others.
    pub others: Vec<FieldVerdict>,
}

pub(super) fn number(bytes: &[u8]) -> u64 {
    bytes.iter().take(8).fold(0, |n, b| n << 8 | u64::from(*b))
}

/// Whether a provider of the protocol has told the stack of a record's attributes.
pub(super) fn has_provider(record: &Record<'_>) -> bool {
    let says = |(field, bytes): (&Field, &[u8])| {
        bytes.len() == 1 && field.name.ends_with("_Source") && number(bytes) == PROVIDER
    };
    record.parts().iter().any(|part| part.fields().any(|(field, bytes)| says((field, bytes))))
}

/// Whether a field says nothing.
pub(super) fn is_unknown(bytes: &[u8]) -> bool {
    bytes.iter().all(|b| *b == 0) || bytes.iter().all(|b| *b == ebcdic::BLANK)
}

/// One field of both records.
#[derive(Clone, Copy)]
pub(super) struct Both<'a> {
    pub field: &'static Field,
    stack: &'a [u8],
    tap: &'a [u8],
    pub parts: (&'a Part<'a>, &'a Part<'a>),
    /// The cipher suite that is in the tap's section.
    suite: [u8; 6],
    /// What was looked up already.
    pub known: &'a Known,
}

/// What the judgement of more than one field needs.
#[derive(Default)]
pub(super) struct Known {
    /// Beginning and end.
    pub moments: [OnceCell<Option<[Moment; 2]>>; 2],
    /// Segments that the tap has counted: inbound and outbound.
    segments: [OnceCell<Option<u64>>; 2],
}

impl Comparison {
    /// Whether anything contradicts.
    pub(super) fn contradicts(&self) -> bool {
        self.others.iter().any(|judged| matches!(judged.verdict, Verdict::Contradiction(_)))
    }

    /// Whether the stack says what the tap could not know.
    pub(super) fn says_more(&self) -> bool {
        let unknown = Verdict::NotObservable(VerdictReason::TapUnknown);
        self.others.iter().any(|judged| judged.verdict == unknown)
    }

    /// What contradicts is what z/OS stream observation does not see.
    pub(super) fn is_beyond_observation(&mut self) {
        for judged in &mut self.others {
            if matches!(judged.verdict, Verdict::Contradiction(_)) {
                judged.verdict = Verdict::NotObservable(VerdictReason::NotObserved);
            }
        }
    }
}

impl Both<'_> {
    /// A field of the tap's section, or of the stack's.
    fn of_tap(&self, name: &str) -> Option<u64> {
        of(self.parts.1, name)
    }

    fn of_stack(&self, name: &str) -> Option<u64> {
        of(self.parts.0, name)
    }
}

/// The number in a field, by its short name.
pub(super) fn of(part: &Part<'_>, name: &str) -> Option<u64> {
    part.fields().find(|(f, _)| short(f.name) == name).map(|(_, bytes)| number(bytes))
}

/// Compares two records of subtype 11, or the sections of two of subtype 12;
/// `groups` learns what comes together.
pub(super) fn compare(
    stack: &Record<'_>,
    tap: &Record<'_>,
    context: &Context<'_>,
    groups: &mut Groups,
) -> Comparison {
    let mut found = Comparison { equal: Vec::with_capacity(FIELDS), others: Vec::new() };
    let parts = (stack.parts(), tap.parts());
    for here in parts.0.iter().filter(|p| p.triplet.is_some_and(|t| t > 0)) {
        let Some(there) = parts.1.iter().find(|p| p.triplet == here.triplet) else {
            if here.section.is_some_and(|s| s.title == IpFilter::SECTION.title) {
                let verdict = Verdict::NotObservable(VerdictReason::StackOnly);
                let said = here.fields().filter(|(_, bytes)| !is_unknown(bytes));
                found.others.extend(said.map(|(f, bytes)| judged(here, f, bytes, None, verdict)));
            }
            continue;
        };
        match groups.plan(here, there) {
            Some(plan) => of_one_shape(here, there, &plan, context, groups, &mut found),
            None => of_two_shapes(here, there, context, groups, &mut found),
        }
    }
    distinguished_names::compare(stack, tap, &mut found);
    found
}

/// Compares sections that have the same fields in the same places.
fn of_one_shape(
    here: &Part<'_>,
    there: &Part<'_>,
    plan: &Plan,
    context: &Context<'_>,
    groups: &mut Groups,
    found: &mut Comparison,
) {
    if plan.plain && here.bytes == there.bytes {
        groups.codes_of(plan, here.bytes);
        found.equal.extend_from_slice(&plan.names);
        return;
    }
    let at = |part: &Part<'_>, at: &Range<usize>| part.bytes.get(at.clone()).map(number);
    let moment = |part: &Part<'_>, [time, date]: &[Range<usize>; 2]| {
        let half = |range| at(part, range).and_then(|n| u32::try_from(n).ok());
        Some(moment(half(time)?, half(date)?))
    };
    let moments = plan.moments.each_ref().map(|places| {
        let places = places.as_ref()?;
        Some([moment(here, places)?, moment(there, places)?])
    });
    let segments =
        plan.segments.each_ref().map(|place| place.as_ref().and_then(|place| at(there, place)));
    let known =
        Known { moments: moments.map(OnceCell::from), segments: segments.map(OnceCell::from) };
    let suite = plan.suite.as_ref().and_then(|at| there.bytes.get(at.clone())?.first_chunk());
    let suite = suite.copied().unwrap_or_default();
    for Planned { field, class, at } in &plan.fields {
        let (Some(stack), Some(tap)) = (here.bytes.get(at.clone()), there.bytes.get(at.clone()))
        else {
            continue;
        };
        let both = Both { field, stack, tap, parts: (here, there), suite, known: &known };
        match judge(&both, *class, context, groups) {
            Verdict::Equal => found.equal.push(field.name),
            verdict => found.others.push(judged(here, field, stack, Some((there, tap)), verdict)),
        }
    }
}

/// Compares sections that may have different fields, by their names.
fn of_two_shapes(
    here: &Part<'_>,
    there: &Part<'_>,
    context: &Context<'_>,
    groups: &mut Groups,
    found: &mut Comparison,
) {
    let of_tap: Vec<(&'static Field, &[u8])> = there.fields().collect();
    let suite = suite(&of_tap);
    let known = Known::default();
    for (n, (field, stack)) in here.fields().enumerate() {
        // Mostly both have the same fields in the same places.
        let same =
            |(f, _): &&(&'static Field, &[u8])| std::ptr::eq(*f, field) || f.name == field.name;
        let other = of_tap.get(n).filter(same).or_else(|| of_tap.iter().find(same));
        let class = groups.class(field);
        if matches!(class, Class::Reserved | Class::Elsewhere) {
            continue;
        }
        let Some((_, tap)) = other else {
            if !is_unknown(stack) {
                let verdict = Verdict::NotObservable(VerdictReason::Level);
                found.others.push(judged(here, field, stack, None, verdict));
            }
            continue;
        };
        let both = Both { field, stack, tap, parts: (here, there), suite, known: &known };
        match judge(&both, class, context, groups) {
            Verdict::Equal => found.equal.push(field.name),
            verdict => {
                found.others.push(judged(here, field, stack, Some((there, *tap)), verdict));
            }
        }
    }
    // Where both have as many fields they are the same.
    let more = of_tap.len() > here.fields().count();
    for (field, tap) in of_tap.iter().filter(|(_, bytes)| more && !is_unknown(bytes)) {
        let known = here.fields().any(|(f, _)| f.name == field.name);
        if !known && groups.class(field) != Class::Reserved {
            let stack = String::new();
            let verdict = Verdict::NotObservable(VerdictReason::Level);
            let tap = print(there, field, tap);
            found.others.push(FieldVerdict { field: field.name, verdict, stack, tap });
        }
    }
}

fn judged(
    here: &Part<'_>,
    field: &'static Field,
    stack: &[u8],
    tap: Option<(&Part<'_>, &[u8])>,
    verdict: Verdict,
) -> FieldVerdict {
    FieldVerdict {
        field: field.name,
        verdict,
        stack: print(here, field, stack),
        tap: tap.map(|(part, bytes)| print(part, field, bytes)).unwrap_or_default(),
    }
}

fn print(part: &Part<'_>, field: &'static Field, bytes: &[u8]) -> String {
    value::read(part, field, bytes).to_string()
}

fn judge(both: &Both<'_>, class: Class, context: &Context<'_>, groups: &mut Groups) -> Verdict {
    let (stack, tap) = (number(both.stack), number(both.tap));
    match class {
        Class::Reserved | Class::Elsewhere => Verdict::Equal,
        Class::Count { bytes, inbound } => {
            let [of_inbound, of_outbound] = &both.known.segments;
            let (cell, name) =
                if inbound { (of_inbound, "SAInSegDG") } else { (of_outbound, "SAOutSegDG") };
            let segments = if bytes { *cell.get_or_init(|| both.of_tap(name)) } else { None };
            let field = short(both.field.name);
            if context.last.is_none() && !context.incomplete {
                groups.count(field, stack, tap, segments);
            }
            count(field, (stack, tap), segments, context)
        }
        Class::Start | Class::End => time(both, class, context),
        _ if both.stack == both.tap => {
            if coded(both, class) {
                let field = short(both.field.name);
                groups.code(field, of_field(both.suite, field), tap, stack);
            }
            Verdict::Equal
        }
        Class::Address if same_address(both) => Verdict::Equal,
        _ if same_text(both) => Verdict::Equal,
        Class::Protocols => protocols(stack ^ tap, stack, context),
        Class::Flags => flags(both, stack, tap),
        Class::Bits => Verdict::Contradiction(VerdictReason::Different),
        Class::Configured if is_unknown(both.tap) => {
            Verdict::NotObservable(VerdictReason::NotConfigured)
        }
        Class::Configured if is_unknown(both.stack) => {
            Verdict::NotObservable(VerdictReason::StackUnknown)
        }
        Class::Configured => Verdict::Contradiction(VerdictReason::Configured),
        Class::StackOnly if is_unknown(both.stack) => {
            Verdict::NotObservable(VerdictReason::StackUnknown)
        }
        Class::StackOnly => Verdict::NotObservable(VerdictReason::StackOnly),
        Class::Source => source(both, stack),
        _ if is_unknown(both.tap) => Verdict::NotObservable(if is_encrypted(both, class) {
            VerdictReason::Encrypted
        } else {
            VerdictReason::TapUnknown
        }),
        _ if is_unknown(both.stack) => Verdict::NotObservable(VerdictReason::StackUnknown),
        Class::Role
            if (stack, tap) == (SERVER_WITH_CLIENT_AUTHENTICATION, SERVER)
                && both.of_tap("TLS_Prot_Ver") == Some(TLS13) =>
        {
            Verdict::NotObservable(VerdictReason::Encrypted)
        }
        _ => {
            let field = short(both.field.name);
            let suite = of_field(both.suite, field);
            if coded(both, class) {
                groups.code(field, suite, tap, stack);
                if context.calibration.has_code(field, suite, tap, stack) {
                    return Verdict::Tolerated(VerdictReason::Calibrated);
                }
            }
            Verdict::Contradiction(VerdictReason::Different)
        }
    }
}

/// Whether two addresses are the same. Of IPv4 the first four bytes count; the others are
/// whatever the writer left there (spec table of the common section: IPv4 in bytes 0-3).
fn same_address(both: &Both<'_>) -> bool {
    let is_ipv6 = |flags: Option<u64>| flags.is_some_and(|flags| flags & IPV6 != 0);
    let ipv6 = is_ipv6(both.of_stack("SAFlags")) || is_ipv6(both.of_tap("SAFlags"));
    // A section without flags is of the family of its connection, which is not known here:
    // what is behind four bytes is an address's if it is neither zeros nor blanks.
    let has_flags = both.of_stack("SAFlags").is_some();
    let filler = |bytes: &[u8]| bytes.get(4..).is_some_and(is_unknown);
    let four = both.stack.get(..4) == both.tap.get(..4);
    four && !ipv6 && (has_flags || filler(both.stack) && filler(both.tap))
}

/// Whether two texts are the same but for what fills the field behind them.
fn same_text(both: &Both<'_>) -> bool {
    let text = |bytes: &[u8]| {
        let end = bytes.iter().rposition(|b| *b != 0 && *b != ebcdic::BLANK);
        end.map_or(0, |end| end + 1)
    };
    both.field.format == Format::Ebcdic
        && both.stack.get(..text(both.stack)) == both.tap.get(..text(both.tap))
}

/// Whether both know a code that a table of ours may have wrong.
fn coded(both: &Both<'_>, class: Class) -> bool {
    may_be_coded(both.field, class) && !is_unknown(both.tap) && !is_unknown(both.stack)
}

/// The cipher suite in a section, EBCDIC; zeros if it has none.
fn suite(fields: &[(&'static Field, &[u8])]) -> [u8; 6] {
    // It stands in the first half of the section.
    let found = fields.iter().find(|(f, _)| is_suite(f));
    found.and_then(|(_, b)| (*b).try_into().ok()).unwrap_or([0; 6])
}

fn is_encrypted(both: &Both<'_>, class: Class) -> bool {
    matches!(class, Class::Certificate | Class::SessionId)
        && both.of_tap("TLS_Prot_Ver").or_else(|| both.of_stack("TLS_Prot_Ver")) == Some(TLS13)
}

fn source(both: &Both<'_>, stack: u64) -> Verdict {
    let is_source = both.stack.len() == 1;
    let provider = if is_source {
        Some(stack)
    } else {
        let name = if both.field.name.contains("SSH") { "SSH_Source" } else { "TLS_Source" };
        both.of_stack(name)
    };
    match provider {
        Some(PROVIDER) => Verdict::NotObservable(VerdictReason::Provider),
        _ if is_unknown(both.stack) => Verdict::NotObservable(VerdictReason::StackUnknown),
        _ => Verdict::Contradiction(VerdictReason::Different),
    }
}

fn protocols(difference: u64, stack: u64, context: &Context<'_>) -> Verdict {
    let mut worst = Verdict::NotObservable(VerdictReason::StackOnly);
    for bit in PROTOCOLS.into_iter().filter(|bit| difference & bit != 0) {
        let verdict = match stack & bit != 0 {
            true if context.incomplete => Verdict::NotObservable(VerdictReason::Incomplete),
            true => Verdict::Contradiction(VerdictReason::NotOnTheWire),
            false if context.late => Verdict::NotObservable(VerdictReason::LateHandshake),
            false => Verdict::Contradiction(VerdictReason::NotInTheStack),
        };
        if !matches!(worst, Verdict::Contradiction(_)) {
            worst = verdict;
        }
    }
    worst
}

fn flags(both: &Both<'_>, stack: u64, tap: u64) -> Verdict {
    let difference = stack ^ tap;
    let roles = if both.field.name.starts_with("SMF119SS") { ROLES_12 } else { ROLES_11 };
    let both_say = stack & roles != 0 && tap & roles != 0;
    if difference & IPV6 != 0 || difference & roles != 0 && both_say {
        Verdict::Contradiction(VerdictReason::Different)
    } else if difference & roles != 0 {
        Verdict::NotObservable(VerdictReason::Level)
    } else {
        Verdict::NotObservable(VerdictReason::StackOnly)
    }
}

fn count(
    field: &str,
    (stack, tap): (u64, u64),
    segments: Option<u64>,
    context: &Context<'_>,
) -> Verdict {
    let within = stack.abs_diff(tap) <= tap.saturating_mul(context.count_tolerance) / 10_000;
    // What was counted at a moment may have been counted a little later.
    let by_then = || {
        let last = context.last?;
        let section = last.parts().into_iter().find(|p| p.triplet == Some(1))?;
        of(&section, field)
    };
    if stack == tap {
        Verdict::Equal
    } else if context.incomplete {
        Verdict::NotObservable(VerdictReason::Incomplete)
    } else if context.calibration.explains(field, stack, tap, segments) {
        Verdict::Tolerated(VerdictReason::Calibrated)
    } else if within || by_then().is_some_and(|last| stack <= last) {
        Verdict::Tolerated(VerdictReason::Tolerance)
    } else {
        Verdict::Contradiction(VerdictReason::Different)
    }
}

#[cfg(test)]
mod tests {
    use super::super::comparison_plan::SECTIONS;
    use super::*;

    /// Numbers that only look random.
    fn next(seed: &mut u64) -> u8 {
        *seed =
            seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*seed >> 56) as u8
    }

    /// Bytes that are mostly those of the other side, and often say nothing.
    fn both_sides(length: usize, seed: &mut u64) -> [Vec<u8>; 2] {
        let fill = [0, ebcdic::BLANK, 1, 2][usize::from(next(seed) % 4)];
        let one: Vec<u8> =
            (0..length).map(|_| if next(seed) < 200 { fill } else { next(seed) % 8 }).collect();
        let change = [0, 3, 60][usize::from(next(seed) % 3)];
        let other = one.iter().map(|b| if next(seed) < change { next(seed) % 8 } else { *b });
        let other = other.collect();
        [one, other]
    }

    #[test]
    fn a_plan_says_what_the_names_say() {
        let calibrated = {
            let mut groups = Groups::default();
            for n in 1..100 {
                groups.count("SAInBytes", 100 + 20 * n, 100, Some(n));
            }
            groups.finish(super::super::clock::Clock::constant(7), 0)
        };
        let (mut by_plan, mut by_name) = (Groups::default(), Groups::default());
        let mut seed = 1;
        for round in 0..8000 {
            let section = SECTIONS[round % SECTIONS.len()];
            let bytes = both_sides(section.length, &mut seed);
            let [here, there] = bytes.each_ref().map(|bytes| Part {
                triplet: Some(1),
                offset: 0,
                section: Some(section),
                bytes,
            });
            let context = Context {
                calibration: &calibrated,
                tolerance: 200,
                count_tolerance: 100,
                incomplete: round % 5 == 0,
                late: round % 7 == 0,
                young: Young::default(),
                last: None,
            };
            let mut found = [Comparison::default(), Comparison::default()];
            let [one, other] = &mut found;
            // An overlay may give both sides other fields.
            let Some(plan) = by_plan.plan(&here, &there) else { continue };
            of_one_shape(&here, &there, &plan, &context, &mut by_plan, one);
            of_two_shapes(&here, &there, &context, &mut by_name, other);
            let [one, other] = found.map(|found| format!("{found:?}"));
            assert_eq!(one, other, "{}", section.title);
        }
        let learned = by_plan.learned();
        assert_eq!(learned, by_name.learned());
        assert!(learned.iter().all(|l| l.len() > 20), "all was counted");
    }
}
