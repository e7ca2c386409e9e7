//! What a report answers, in order: may the records be trusted; what was tested; what differs
//! and why; what to do next.

use super::super::causes::{Cause, CauseExample};
use super::super::coverage::CoverageKey;
use super::super::outcome::Outcome;
use super::{Section, at, display_filter, faults, place, subject, time};
use crate::record::Record;
use crate::sink::table::group;

/// Servers that are listed, and their times that were not covered.
const SERVERS: usize = 20;
/// Fields of an example that are shown.
const FIELDS: usize = 8;
/// Bytes of a field that are shown.
const BYTES: usize = 16;

/// Whether the records may be trusted at all.
pub(super) fn trusted(outcome: &Outcome, files: &[String]) -> Section {
    let mut section = faults(outcome, files);
    section.title = "May these records be trusted?".to_owned();
    let wrong = outcome.faults.iter().filter(|(fault, _)| fault.is_wrong());
    let wrong: u64 = wrong.map(|(_, (count, _))| *count).sum();
    let records = group(outcome.stack.total());
    section.notes.insert(
        0,
        if wrong == 0 {
            format!("Nothing in {records} records speaks against the dump itself.")
        } else {
            format!("{} faults speak against the dump itself, of {records} records.", group(wrong))
        },
    );
    section
}

/// Of each server how much could be judged, and when least.
pub(super) fn servers(outcome: &Outcome) -> Section {
    let mut section = Section {
        title: "Servers".to_owned(),
        head: vec![
            "SERVER",
            "SYSTEM",
            "OF",
            "ALL",
            "JUDGED",
            "CONTRADICTED",
            "MISSING",
            "NOT COMPARABLE",
            "LEAST JUDGED",
        ],
        ..Section::default()
    };
    let servers = outcome.coverage.of_servers();
    let mut all: Vec<_> = servers.iter().collect();
    // Where something is wrong comes first, then what was judged least.
    let order = |count: &super::super::coverage::CoverageCount| {
        let wrong = count.contradicted + count.missing;
        (std::cmp::Reverse(wrong), (100.0 * count.percent()) as u64)
    };
    all.sort_by_key(|(key, count)| (order(count), **key));
    for (key, count) in all.iter().take(SERVERS) {
        let times = (CoverageKey { time: Some(i64::MIN), ..**key })..=(CoverageKey {
            time: Some(i64::MAX),
            ..**key
        });
        let by_percent =
            outcome.coverage.0.range(times).map(|(k, c)| ((100.0 * c.percent()) as u64, k.time));
        let least = by_percent.min().filter(|(percent, _)| *percent < 10_000);
        let reasons = count
            .not_comparable
            .iter()
            .map(|(reason, n)| format!("{} {}", group(*n), reason.name()));
        section.rows.push(vec![
            place(key.server, &key.port.to_string()),
            key.system.text(),
            if key.sessions { "intervals" } else { "connections" }.to_owned(),
            group(count.all()),
            format!("{:.1} %", count.percent()),
            group(count.contradicted),
            group(count.missing),
            reasons.collect::<Vec<_>>().join(", "),
            least.map_or_else(String::new, |(percent, at)| {
                let at = at.map(time).unwrap_or_default();
                format!("{}.{:02} % at {at}", percent / 100, percent % 100)
            }),
        ]);
    }
    if all.len() > SERVERS {
        let more = group((all.len() - SERVERS) as u64);
        section.notes.push(format!("{more} more are in the JSON output."));
    }
    section
}

/// What differs: a section for each cause, the most serious first.
pub(super) fn differs(outcome: &Outcome, files: &[String]) -> Vec<Section> {
    let causes = outcome.causes.0.iter().filter(|(cause, _)| **cause != Cause::Records);
    let sections = causes.map(|(cause, (count, example))| {
        let times =
            if *count == 1 { "once".to_owned() } else { format!("{} times", group(*count)) };
        let title = format!("What differs: {}, {times}", cause.text());
        let mut section = Section { title, ..Section::default() };
        if let Some(example) = example {
            show(&mut section, example, files);
        }
        section
    });
    sections.collect()
}

fn show(section: &mut Section, example: &CauseExample, files: &[String]) {
    if let Some(of) = example.subject {
        section.notes.push(format!("For example {}, {}.", subject(of), example.system.text()));
        if let Some(filter) = display_filter(of) {
            section.notes.push(format!("Its packets: {filter}"));
        }
    }
    let records: Vec<String> = ["The stack's record", "The record of the wire"]
        .into_iter()
        .zip(example.places)
        .filter_map(|(whose, place)| Some(format!("{whose}: {}.", at(Some(place?), files))))
        .collect();
    if !records.is_empty() {
        section.notes.push(records.join(" "));
    }
    if example.fields.is_empty() {
        return;
    }
    section.head = vec!["FIELD", "STACK", "ITS BYTES", "WIRE", "ITS BYTES"];
    for (field, stack, wire) in example.fields.iter().take(FIELDS) {
        section.rows.push(vec![
            field.clone(),
            stack.clone(),
            bytes_of(&example.records[0], field),
            wire.clone(),
            bytes_of(&example.records[1], field),
        ]);
    }
    if example.fields.len() > FIELDS {
        let more = example.fields.len() - FIELDS;
        section.notes.push(format!("{more} more of its fields differ."));
    }
}

/// The bytes of a field in a record, behind their offset.
fn bytes_of(record: &[u8], name: &str) -> String {
    let Ok(record) = Record::parse(record) else { return String::new() };
    for part in record.parts().iter().filter(|p| p.triplet.is_some()) {
        let field = part.fields().find(|(field, _)| field.name == name);
        if let Some((field, bytes)) = field {
            let shown = bytes.iter().take(BYTES).map(|b| format!("{b:02X}")).collect::<String>();
            let more = if bytes.len() > BYTES { "…" } else { "" };
            return format!("+{}: {shown}{more}", part.offset + field.offset);
        }
    }
    String::new()
}

/// What to do next, by cause.
pub(super) fn next(outcome: &Outcome) -> Section {
    let mut section = Section { title: "What to do next".to_owned(), ..Section::default() };
    for (cause, (count, _)) in &outcome.causes.0 {
        section.notes.push(format!("{} ({}): {}", cause.text(), group(*count), cause.next()));
    }
    if outcome.calibrations() > 0 {
        let text = "Systematic differences: see whether they are known of this stack; if they \
                    are, write them by --calibration and give the file to the next check by \
                    --calibrated.";
        section.notes.push(text.to_owned());
    }
    let covered = outcome.connections.coverage().or_else(|| outcome.intervals.coverage());
    if let Some(share) = covered.filter(|share| outcome.compared && *share < 90.0) {
        section.notes.push(format!(
            "Only {share:.1} % could be judged: capture for the whole period, in both directions, \
             in front of all addresses of the stack."
        ));
    }
    section
}
