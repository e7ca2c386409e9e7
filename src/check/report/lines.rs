//! Findings as JSON Lines.

use serde_json::{Value, json};

use super::super::calibration::CountRule;
use super::super::observation::{RecordLocation, System};
use super::super::outcome::{Compared, Counted, Finding, Outcome, Reason, Subject};
use super::super::self_check::SelfCheckFinding;
use super::{Limits, override_line, time};
use crate::config::SegmentKind;
use crate::record::ebcdic;
use crate::sink::jsonl::SCHEMA;

/// A finding as an object, line feed included.
pub fn line(finding: &Finding<'_>, files: &[String]) -> Vec<u8> {
    let object = match finding {
        Finding::Pair(system, subject, events, _) => {
            let mut object = about("pair", *system, *subject);
            set(&mut object, "events", events.iter().map(|e| event(e, files)).collect());
            object
        }
        Finding::Alone(system, subject, stack, reason, place, _) => {
            let kind = if *stack { "only_stack" } else { "only_wire" };
            let mut object = about(kind, *system, *subject);
            set(&mut object, "reason", reason.name().into());
            set(&mut object, "missing", reason.is_missing().into());
            set(&mut object, "record", at(Some(*place), files));
            object
        }
        Finding::Fault(found) => fault(found, files),
    };
    written(&object)
}

/// The last object: the outcome in numbers.
pub fn last_line(outcome: &Outcome, limits: &Limits, files: &[String]) -> Vec<u8> {
    let calibration = &outcome.calibration;
    let codes: Vec<Value> = calibration
        .codes
        .iter()
        .map(|(g, count)| {
            let suite = ebcdic::decode(&g.suite).trim_matches([' ', '\0']).to_owned();
            json!({
                "field": g.field,
                "cipher_suite": Some(&suite).filter(|s| !s.is_empty()),
                "stack": format!("{:04X}", g.stack),
                "wire": format!("{:04X}", g.tap),
                "times": count,
                "codes_line": override_line(g.field, &suite, g.tap, g.stack),
            })
        })
        .collect();
    let counters: Vec<Value> = calibration
        .counters
        .iter()
        .map(|(field, (rule, count))| {
            let (rule, bytes) = match rule {
                CountRule::Constant(n) => ("constant", *n),
                CountRule::Header(n) => ("bytes_a_segment", *n),
            };
            json!({ "field": field, "rule": rule, "difference": bytes, "times": count })
        })
        .collect();
    let reasons = |counts: &std::collections::BTreeMap<Reason, u64>| {
        counts.iter().map(|(r, n)| (r.name().to_owned(), (*n).into())).collect()
    };
    let sides = |counted: &Counted| {
        json!({
            "pairs": counted.pairs,
            "contradicted": counted.contradicted,
            "coverage_percent": counted.coverage(),
            "only_stack": Value::Object(reasons(&counted.only_stack)),
            "only_wire": Value::Object(reasons(&counted.only_tap)),
        })
    };
    let faults: serde_json::Map<String, Value> =
        outcome.faults.iter().map(|(f, (n, _))| (f.name().to_owned(), (*n).into())).collect();
    written(&json!({
        "schema": SCHEMA,
        "type": "check",
        "judgement": match limits.judge(outcome) {
            super::Judgement::Agree => "agree",
            super::Judgement::Disagree => "disagree",
            super::Judgement::CannotJudge => "cannot_judge",
        },
        "connections": sides(&outcome.connections),
        "intervals": sides(&outcome.intervals),
        "missing": outcome.missing_count(),
        "beyond_observation": outcome.beyond_observation,
        "contradictions": outcome.contradictions(),
        "calibrations": outcome.calibrations(),
        "fields": outcome.fields,
        "faults": faults,
        "bytes": { "stack": outcome.bytes.0, "paired": outcome.bytes.1 },
        "calibration": {
            "clock_seconds": calibration.clock.range().0 as f64 / 100.0,
            "clock_seconds_at_the_end": calibration.clock.range().1 as f64 / 100.0,
            "interval_clock_seconds": calibration.interval_clock as f64 / 100.0,
            "codes": codes,
            "counters": counters,
            "counting": calibration.counting.map(|(rule, times)| json!({
                "without": rule.kinds().map(SegmentKind::name).collect::<Vec<_>>(),
                "bytes_again": rule.bytes_again,
                "what": rule.to_string(),
                "times": times,
            })),
        },
        "files": files,
    }))
}

fn set(object: &mut Value, name: &str, value: Value) {
    if let Value::Object(members) = object {
        members.insert(name.to_owned(), value);
    }
}

fn written(object: &Value) -> Vec<u8> {
    let mut line = serde_json::to_vec(object).unwrap_or_default();
    line.push(b'\n');
    line
}

fn about(kind: &str, system: System, subject: Subject) -> Value {
    let system = system.text();
    match subject {
        Subject::Connection(tuple, start) => json!({
            "schema": SCHEMA,
            "type": kind,
            "about": "connection",
            "system": system,
            "local": { "ip": tuple.local.0, "port": tuple.local.1 },
            "remote": { "ip": tuple.remote.0, "port": tuple.remote.1 },
            "ip_proto": tuple.ip_proto,
            "start": time(start),
        }),
        Subject::Session(ends, end) => json!({
            "schema": SCHEMA,
            "type": kind,
            "about": "session",
            "system": system,
            "server": ends.server,
            "client": ends.client,
            "ports": [ends.ports.0, ends.ports.1],
            "ip_proto": ends.ip_proto,
            "interval_end": time(end),
        }),
    }
}

fn event(e: &Compared<'_>, files: &[String]) -> Value {
    let differences: Vec<Value> = e
        .comparison
        .others
        .iter()
        .map(|j| {
            json!({
                "field": j.field,
                "verdict": j.verdict.name(),
                "why": j.verdict.why().map(|why| why.text()),
                "stack": j.stack,
                "wire": j.tap,
            })
        })
        .collect();
    json!({
        "event": Some(e.kind).filter(|k| *k > 0),
        "stack_record": at(e.places.0, files),
        "wire_record": at(e.places.1, files),
        "equal": e.comparison.equal,
        "differences": differences,
    })
}

fn fault(found: &SelfCheckFinding, files: &[String]) -> Value {
    json!({
        "schema": SCHEMA,
        "type": "fault",
        "fault": found.fault.name(),
        "wrong": found.fault.is_wrong(),
        "what": found.what,
        "record": at(Some(found.place), files),
    })
}

fn at(place: Option<RecordLocation>, files: &[String]) -> Value {
    let Some(place) = place else { return Value::Null };
    match files.get(place.file as usize) {
        Some(file) => json!({ "file": file, "offset": place.offset }),
        None => Value::Null,
    }
}
