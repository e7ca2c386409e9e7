//! Layouts change from release to release: `show` and `check` read dumps of every level, with
//! sections longer or shorter than known, more triplets, and subtypes that are not known. What
//! is known is read right, what is not is shown as bytes, and nothing is lost.

mod common;

use std::fs;
use std::path::Path;

use common::{text, zerttap};
use serde_json::Value;
use zerttap::record::Record;

const LEVELS: [&str; 3] = ["v2r3", "v2r5", "v3r2"];
const CASES: [&str; 6] = [
    "tls12-client-certificate",
    "tls13-full",
    "ssh-curve25519-chacha20",
    "clear-http",
    "ah-transport",
    "tls12-full",
];
/// A byte that no field of the records has so often.
const LATER: u8 = 0xEE;

fn records(level: &str) -> Vec<Vec<u8>> {
    let options = ["--level", level, "--sid", "SYS1", "--sysname", "SYS1", "--stack", "TCPIP"];
    let all = common::altered::records(&options, &CASES);
    assert!(all.len() > 12 && [11, 12].iter().all(|s| all.iter().any(|r| r[23] == *s)));
    all
}

/// The bytes of each section; names with all entries.
fn sections(record: &[u8]) -> Vec<(Vec<u8>, [u8; 4])> {
    let view = Record::parse(record).expect("a record");
    let names = view.names_index();
    let mut all = Vec::new();
    for (index, triplet) in view.triplets().enumerate() {
        let at = 28 + 8 * index;
        let tail = record[at + 4..at + 8].try_into().expect("four bytes");
        let bytes = match () {
            () if triplet.number == 0 => Vec::new(),
            () if names == Some(index) => record[triplet.offset..].to_vec(),
            () => view.section(index).expect("a section").to_vec(),
        };
        all.push((bytes, tail));
    }
    all
}

/// A record of these sections with the header of another.
fn assembled(record: &[u8], sections: &[(Vec<u8>, [u8; 4])]) -> Vec<u8> {
    let mut out = record[..28].to_vec();
    out[24..26].copy_from_slice(&(sections.len() as u16).to_be_bytes());
    let mut offset = 28 + 8 * sections.len() as u32;
    for (bytes, tail) in sections {
        let at = if bytes.is_empty() { 0 } else { offset };
        out.extend(at.to_be_bytes());
        out.extend(if bytes.is_empty() { &[0; 4] } else { tail });
        offset += bytes.len() as u32;
    }
    out.extend(sections.iter().flat_map(|(bytes, _)| bytes));
    let length = (out.len() as u16).to_be_bytes();
    out[..2].copy_from_slice(&length);
    out
}

/// Every section but the names with so many bytes more or less.
fn resized(record: &[u8], by: i16) -> Vec<u8> {
    let names = Record::parse(record).expect("a record").names_index();
    let mut all = sections(record);
    for (index, (bytes, tail)) in all.iter_mut().enumerate() {
        if bytes.is_empty() || names == Some(index) {
            continue;
        }
        let length = bytes.len().checked_add_signed(by.into()).expect("longer");
        bytes.resize(length, LATER);
        tail[..2].copy_from_slice(&(length as u16).to_be_bytes());
    }
    assembled(record, &all)
}

/// Two sections more, of which nobody knows anything.
fn with_more_sections(record: &[u8]) -> Vec<u8> {
    let mut all = sections(record);
    for length in [5u8, 40] {
        all.push((vec![LATER; usize::from(length)], [0, length, 0, 1]));
    }
    assembled(record, &all)
}

fn show(options: &[&str], records: &[Vec<u8>]) -> (String, String) {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("a.smf");
    fs::write(&file, records.concat()).expect("written");
    let output = zerttap().arg("show").args(options).arg(&file).output().expect("it runs");
    let (out, err) = text(&output);
    assert!(output.status.success(), "{options:?}: {err}");
    (out, err)
}

fn objects(records: &[Vec<u8>]) -> Vec<Value> {
    let (out, _) = show(&["--jsonl"], records);
    let all: Vec<Value> =
        out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(all.len(), records.len());
    all
}

/// Sections of an object by their name.
fn of(object: &Value) -> &serde_json::Map<String, Value> {
    object["sections"].as_object().expect("sections")
}

/// Fields of a section, without those that say where sections are.
fn fields(section: &Value) -> impl Iterator<Item = (&String, &Value)> {
    section.as_object().into_iter().flatten().filter(|(name, _)| *name != "SMF119HDLength")
}

#[test]
fn dumps_of_all_levels_are_read_together() {
    for level in LEVELS {
        let all = records(level);
        for object in objects(&all) {
            let detail = object["subtype"] == 11;
            let there = |id: &&str| of(&object).contains_key(*id);
            assert!(["header", "sds", "ident", "S1"].iter().all(there), "{object}");
            assert!(fields(&of(&object)["S1"]).all(|(name, _)| name != "unknown"));
            let s1 = of(&object)["S1"].as_object().expect("fields");
            assert_eq!(
                s1.contains_key("SMF119SS_SAEndFailedHsConnCnt"),
                !detail && level == "v3r2"
            );
        }
        let (_, notes) = show(&["--csv"], &all);
        assert!(!notes.contains("no known field"), "{level}: {notes}");
    }
}

#[test]
fn longer_sections_keep_what_is_known_and_show_the_rest() {
    for level in LEVELS {
        let all = records(level);
        let longer: Vec<Vec<u8>> = all.iter().map(|r| resized(r, 200)).collect();
        for (before, after) in objects(&all).iter().zip(objects(&longer)) {
            for (id, section) in of(before).iter().filter(|(id, _)| *id != "sds") {
                let now = &of(&after)[id];
                if section.is_array() {
                    assert_eq!(section, now, "{id}");
                    continue;
                }
                for (name, value) in fields(section) {
                    assert_eq!(value, &now[name], "{level} {id} {name}");
                }
                // What later levels have added is there, the rest is bytes: together all.
                if id != "header" {
                    let unknown = now["unknown"].as_str().expect("bytes");
                    assert!(unknown.chars().all(|c| c == 'e') && unknown.len() >= 200, "{id}");
                }
            }
        }
        every_form_tells(&longer, level);
    }
}

#[test]
fn more_sections_than_known_are_shown_as_bytes() {
    for level in LEVELS {
        let all = records(level);
        let more: Vec<Vec<u8>> = all.iter().map(|r| with_more_sections(r)).collect();
        for (before, after) in objects(&all).iter().zip(objects(&more)) {
            for (id, section) in of(before).iter().filter(|(id, _)| *id != "sds") {
                if section.is_array() {
                    assert_eq!(section, &of(&after)[id]);
                }
                for (name, value) in fields(section) {
                    assert_eq!(value, &of(&after)[id][name], "{level} {id} {name}");
                }
            }
            let new: Vec<&Value> = of(&after)
                .iter()
                .filter(|(id, _)| !of(before).contains_key(*id))
                .map(|(_, section)| &section["unknown"])
                .collect();
            assert_eq!(new, [&Value::from("ee".repeat(5)), &Value::from("ee".repeat(40))]);
        }
        every_form_tells(&more, level);
    }
}

/// Every form prints as many records, says how many have unknown bytes, and a copy is the same.
fn every_form_tells(records: &[Vec<u8>], level: &str) {
    let told = format!("{} records have bytes that no known field has", records.len());
    for form in ["", "--hex", "--jsonl", "--csv", "--lines", "--leef", "--summary"] {
        let options: Vec<&str> = form.split_whitespace().collect();
        let (out, err) = show(&options, records);
        assert!(err.contains(&told), "{level} {form}: {err}");
        if matches!(form, "--csv" | "--lines" | "--leef" | "--jsonl") {
            let heads = usize::from(matches!(form, "--csv" | "--lines"));
            assert_eq!(out.lines().count(), records.len() + heads, "{level} {form}");
        }
        if matches!(form, "" | "--hex") {
            assert!(out.to_uppercase().contains("EEEE"), "{level} {form}");
        }
    }
    let dir = tempfile::tempdir().expect("a directory");
    let copy = dir.path().join("copy.smf");
    show(&["-w", copy.to_str().expect("a path")], records);
    assert!(fs::read(copy).expect("a copy") == records.concat(), "{level}");
}

#[test]
fn shorter_sections_give_the_fields_that_they_have() {
    for level in LEVELS {
        let all = records(level);
        for by in [-1, -5, -8] {
            let shorter: Vec<Vec<u8>> = all.iter().map(|r| resized(r, by)).collect();
            for (before, after) in objects(&all).iter().zip(objects(&shorter)) {
                for (id, section) in of(before).iter().filter(|(id, _)| id.starts_with('S')) {
                    let now = &of(&after)[id];
                    let mut lost = 0;
                    for (name, value) in fields(section) {
                        match now.get(name) {
                            Some(there) => assert_eq!(value, there, "{level} {by} {id} {name}"),
                            None => lost += 1,
                        }
                    }
                    // Reserved bytes may be all that is cut.
                    assert!(lost <= 5, "{level} {by} {id}: {lost} fields lost");
                }
            }
            for form in ["", "--hex", "--csv", "--lines", "--leef"] {
                let options: Vec<&str> = form.split_whitespace().collect();
                let (out, _) = show(&options, &shorter);
                assert!(out.contains("TLSv1.2") || out.contains("0303"), "{form}");
            }
        }
    }
}

#[test]
fn other_subtypes_are_counted_and_copied() {
    let all = records("v2r3");
    let mut mixed = all.clone();
    for (n, subtype) in [13u8, 2, 99].into_iter().enumerate() {
        let mut other = all[n].clone();
        other[23] = subtype;
        mixed.insert(3 * n, other);
    }
    let (out, err) = show(&["--jsonl"], &mixed);
    assert_eq!(out.lines().count(), all.len());
    assert!(err.contains("3 of other subtypes of type 119"), "{err}");
    let dir = tempfile::tempdir().expect("a directory");
    let copy = dir.path().join("copy.smf");
    show(&["--all", "-w", copy.to_str().expect("a path")], &mixed);
    assert!(fs::read(copy).expect("a copy") == mixed.concat());
}

#[test]
fn check_takes_dumps_of_later_releases() {
    for level in LEVELS {
        let all = records(level);
        let dir = tempfile::tempdir().expect("a directory");
        let file = |name: &str, records: &[Vec<u8>]| {
            let file = dir.path().join(name);
            fs::write(&file, records.concat()).expect("written");
            file
        };
        let own = file("own.smf", &all);
        // In sections of earlier levels the first bytes more are fields that are known.
        let later = |r: &Vec<u8>| match level {
            "v3r2" => with_more_sections(&resized(r, 200)),
            _ => with_more_sections(r),
        };
        let stack = file("stack.smf", &all.iter().map(later).collect::<Vec<_>>());
        let last = checked(&["--stack", path(&stack), "--tap", path(&own)]);
        assert_eq!(last["contradictions"], 0, "{level}: {last}");
        assert_eq!(last["missing"], 0, "{level}: {last}");
        // No release has sections shorter than the first: each is a fault of the dump that is
        // told, and nothing is made of it.
        let shorter: Vec<Vec<u8>> = all.iter().map(|r| resized(r, -8)).collect();
        let last = checked(&["--stack", path(&file("short.smf", &shorter)), "--tap", path(&own)]);
        let faults = last["faults"].as_object().expect("faults").values();
        let faults: u64 = faults.map(|n| n.as_u64().expect("a number")).sum();
        assert!(faults >= shorter.len() as u64, "{level}: {last}");
        assert!(last["fields"].get("contradiction").is_none(), "{level}: {last}");
        let mut others = all.clone();
        others[3][23] = 99;
        others.push(all[3].clone());
        let last = checked(&["--stack", path(&file("others.smf", &others)), "--tap", path(&own)]);
        assert_eq!(last["contradictions"], 0, "{level}: {last}");
        let cases: Vec<_> = CASES.iter().map(|case| common::case(case)).collect();
        let mut arguments = vec!["--stack", path(&stack)];
        arguments.extend(cases.iter().map(|case| path(case)));
        let last = checked(&arguments);
        assert_eq!(last["contradictions"], 0, "{level}: {last}");
        assert_eq!(last["missing"], 0, "{level}: {last}");
    }
}

fn path(path: &Path) -> &str {
    path.to_str().expect("a path")
}

/// The last line of `check --jsonl`.
fn checked(arguments: &[&str]) -> Value {
    let output =
        zerttap().args(["check", "--jsonl", "-"]).args(arguments).output().expect("it runs");
    let (out, err) = text(&output);
    let last = out.lines().last().unwrap_or_else(|| panic!("{err}"));
    serde_json::from_str(last).expect("JSON")
}
