//! Findings as JSON Lines.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::super::calibration::{Calibration, CountRule};
use super::super::causes::{Cause, CauseExample};
use super::super::coverage::{CoverageCount, CoverageKey};
use super::super::observation::{RecordLocation, System};
use super::super::outcome::{Compared, Counted, Finding, Outcome, Reason, Subject};
use super::super::self_check::SelfCheckFinding;
use super::objects::*;
use super::{Judgement, Limits, display_filter, override_line, time};
use crate::config::SegmentKind;
use crate::record::ebcdic;
use crate::sink::jsonl::SCHEMA;

/// A finding as an object, line feed included.
pub fn line(finding: &Finding<'_>, files: &[String]) -> Vec<u8> {
    match finding {
        Finding::Pair(system, subject, events, _) => written(&Pair {
            schema: SCHEMA,
            r#type: "pair",
            about: about(*system, *subject),
            events: events.iter().map(|e| event(e, files)).collect(),
        }),
        Finding::Alone(system, subject, stack, reason, place, _) => written(&Alone {
            schema: SCHEMA,
            r#type: if *stack { "only_stack" } else { "only_wire" },
            about: about(*system, *subject),
            reason: reason.name(),
            missing: reason.is_missing(),
            record: at(Some(*place), files),
        }),
        Finding::Fault(found) => written(&fault(found, files)),
    }
}

/// The last objects: coverage by server and time, causes, and the outcome in numbers.
pub fn last_lines(outcome: &Outcome, limits: &Limits, files: &[String]) -> Vec<u8> {
    let mut out = Vec::new();
    for (key, count) in &outcome.coverage.0 {
        out.extend(written(&covered(key, count)));
    }
    for (cause, (count, example)) in &outcome.causes.0 {
        out.extend(written(&cause_line(*cause, *count, example.as_ref(), files)));
    }
    out.extend(last_line(outcome, limits, files));
    out
}

/// The outcome in numbers.
fn last_line(outcome: &Outcome, limits: &Limits, files: &[String]) -> Vec<u8> {
    let faults = outcome.faults.iter().map(|(f, (n, _))| (f.name(), *n)).collect();
    written(&Check {
        schema: SCHEMA,
        r#type: "check",
        judgement: match limits.judge(outcome) {
            Judgement::Agree => "agree",
            Judgement::Disagree => "disagree",
            Judgement::CannotJudge => "cannot_judge",
        },
        connections: sides(&outcome.connections),
        intervals: sides(&outcome.intervals),
        missing: outcome.missing_count(),
        beyond_observation: outcome.beyond_observation,
        contradictions: outcome.contradictions(),
        calibrations: outcome.calibrations(),
        fields: outcome.fields.iter().map(|(name, n)| (*name, *n)).collect(),
        faults,
        bytes: Bytes { stack: outcome.bytes.0, paired: outcome.bytes.1 },
        calibration: calibration(&outcome.calibration),
        files: files.to_vec(),
    })
}

fn calibration(found: &Calibration) -> CalibrationObject {
    let codes = found.codes.iter().map(|(g, count)| {
        let suite = ebcdic::decode(&g.suite).trim_matches([' ', '\0']).to_owned();
        CodeObject {
            field: g.field,
            stack: format!("{:04X}", g.stack),
            wire: format!("{:04X}", g.tap),
            times: *count,
            codes_line: override_line(g.field, &suite, g.tap, g.stack),
            cipher_suite: Some(suite).filter(|s| !s.is_empty()),
        }
    });
    let counters = found.counters.iter().map(|(field, (rule, count))| {
        let (rule, difference) = match rule {
            CountRule::Constant(n) => ("constant", *n),
            CountRule::Header(n) => ("bytes_a_segment", *n),
        };
        CounterObject { field, rule, difference, times: *count }
    });
    let counting = found.counting.map(|(rule, times)| CountingObject {
        without: rule.kinds().map(SegmentKind::name).collect(),
        bytes_again: rule.bytes_again,
        what: rule.to_string(),
        times,
    });
    let seconds = |hundredths: i64| hundredths as f64 / 100.0;
    CalibrationObject {
        clock_seconds: seconds(found.clock.range().0),
        clock_seconds_at_the_end: seconds(found.clock.range().1),
        interval_clock_seconds: seconds(found.interval_clock),
        codes: codes.collect(),
        counters: counters.collect(),
        counting,
    }
}

fn reasons(counts: &BTreeMap<Reason, u64>) -> BTreeMap<&'static str, u64> {
    counts.iter().map(|(reason, n)| (reason.name(), *n)).collect()
}

fn sides(counted: &Counted) -> Sides {
    Sides {
        pairs: counted.pairs,
        contradicted: counted.contradicted,
        coverage_percent: counted.coverage(),
        only_stack: reasons(&counted.only_stack),
        only_wire: reasons(&counted.only_tap),
    }
}

fn covered(key: &CoverageKey, count: &CoverageCount) -> CoverageObject {
    CoverageObject {
        schema: SCHEMA,
        r#type: "coverage",
        about: if key.sessions { "session" } else { "connection" },
        system: key.system.text(),
        server: key.server,
        port: key.port,
        time: key.time.map(time),
        compared: count.compared,
        contradicted: count.contradicted,
        missing: count.missing,
        not_comparable: reasons(&count.not_comparable),
        percent: count.percent(),
    }
}

fn cause_line(
    cause: Cause,
    count: u64,
    example: Option<&CauseExample>,
    files: &[String],
) -> CauseObject {
    CauseObject {
        schema: SCHEMA,
        r#type: "cause",
        cause: cause.name(),
        what: cause.text(),
        times: count,
        next: cause.next(),
        example: example.map(|e| ExampleObject {
            system: e.system.text(),
            about: e.subject.map(about_alone),
            display_filter: e.subject.and_then(display_filter),
            fields: e
                .fields
                .iter()
                .map(|(field, stack, wire)| FieldObject {
                    field: field.clone(),
                    stack: stack.clone(),
                    wire: wire.clone(),
                })
                .collect(),
            stack_record: at(e.places[0], files),
            wire_record: at(e.places[1], files),
            stack_bytes: Some(hex(&e.records[0])).filter(|text| !text.is_empty()),
            wire_bytes: Some(hex(&e.records[1])).filter(|text| !text.is_empty()),
        }),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02X}")).collect()
}

fn written<T: Serialize + JsonSchema>(object: &T) -> Vec<u8> {
    let mut line = serde_json::to_vec(object).unwrap_or_default();
    line.push(b'\n');
    line
}

fn about(system: System, subject: Subject) -> About {
    About { system: system.text(), subject: about_alone(subject) }
}

fn about_alone(subject: Subject) -> AboutSubject {
    match subject {
        Subject::Connection(tuple, start) => AboutSubject::Connection {
            local: Endpoint { ip: tuple.local.0, port: tuple.local.1 },
            remote: Endpoint { ip: tuple.remote.0, port: tuple.remote.1 },
            ip_proto: tuple.ip_proto,
            start: time(start),
        },
        Subject::Session(ends, end) => AboutSubject::Session {
            server: ends.server,
            client: ends.client,
            ports: [ends.ports.0, ends.ports.1],
            ip_proto: ends.ip_proto,
            interval_end: time(end),
        },
    }
}

fn event(e: &Compared<'_>, files: &[String]) -> Event {
    let differences = e.comparison.others.iter().map(|j| Difference {
        field: j.field,
        verdict: j.verdict.name(),
        why: j.verdict.why().map(|why| why.text()),
        stack: j.stack.clone(),
        wire: j.tap.clone(),
    });
    Event {
        event: Some(e.kind).filter(|k| *k > 0),
        stack_record: at(e.places.0, files),
        wire_record: at(e.places.1, files),
        equal: e.comparison.equal.clone(),
        differences: differences.collect(),
    }
}

fn fault(found: &SelfCheckFinding, files: &[String]) -> FaultObject {
    FaultObject {
        schema: SCHEMA,
        r#type: "fault",
        fault: found.fault.name(),
        wrong: found.fault.is_wrong(),
        what: found.what.clone(),
        record: at(Some(found.place), files),
    }
}

fn at(place: Option<RecordLocation>, files: &[String]) -> Option<Place> {
    let place = place?;
    let file = files.get(place.file as usize)?.clone();
    Some(Place { file, offset: place.offset })
}
