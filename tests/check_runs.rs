//! Checks as a user runs them: statuses, reports, the lines that correct codes, and
//! the stacks of `captures/check`.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use common::altered::{places, records};
use common::{case, text, zerttap};
use serde_json::Value;
use zerttap::record::ebcdic;

fn run(args: &[&str], files: &[&Path]) -> Output {
    zerttap().arg("check").args(args).args(files).output().expect("the program runs")
}

fn written(dir: &Path, name: &str, records: &[Vec<u8>]) -> PathBuf {
    let path = dir.join(name);
    fs::write(&path, records.concat()).expect("written");
    path
}

/// A stack that writes other codes: one finding, whose lines make them agree.
#[test]
fn a_code_that_always_differs_is_a_finding_with_its_line() {
    let dir = tempfile::tempdir().expect("a directory");
    let captures = ["tls12-full", "tls12-client-certificate", "tls12-ecdsa", "long-connection"];
    let mut stack = records(&["--home", "127.0.0.1"], &captures);
    let (mut suites, mut copies) = (BTreeMap::new(), Vec::new());
    for record in &mut stack {
        let all = places(record);
        let suite = all.iter().find(|p| p.0.ends_with("TLS_Neg_Cipher")).map(|p| p.2.clone());
        let Some(suite) = suite else { continue };
        let suite = ebcdic::decode(&record[suite]).trim().to_owned();
        *suites.entry(suite).or_insert(0) += 1;
        for (name, _, place) in all {
            if name.ends_with("TLS_CS_Enc_Alg") {
                record[place].copy_from_slice(&[0x00, 0xAB]);
            }
        }
        copies.push(record.clone());
    }
    assert!(suites.values().any(|n| *n >= 3), "{suites:?}");
    let dump = written(dir.path(), "stack.smf", &stack);
    let inputs: Vec<PathBuf> = captures.iter().map(|c| case(c)).collect();
    let inputs: Vec<&Path> = inputs.iter().map(PathBuf::as_path).collect();
    let options = ["--jsonl", "-", "--home", "127.0.0.1", "--stack"];
    let output = zerttap().arg("check").args(options).arg(&dump).args(&inputs).output();
    let lines = text(&output.expect("the program runs")).0;
    let last: Value = serde_json::from_str(lines.lines().last().expect("a line")).expect("JSON");
    let codes = last["calibration"]["codes"].as_array().expect("a list");
    assert!(!codes.is_empty(), "{last}");
    // Corrected by what it says, those suites agree.
    let file = dir.path().join("codes.toml");
    let text_of: Vec<&str> = codes.iter().filter_map(|c| c["codes_line"].as_str()).collect();
    fs::write(&file, text_of.join("\n")).expect("written");
    let output = zerttap()
        .arg("check")
        .args(options)
        .arg(&dump)
        .arg("--codes")
        .arg(&file)
        .args(&inputs)
        .output()
        .expect("the program runs");
    let (lines, err) = text(&output);
    let last: Value = serde_json::from_str(lines.lines().last().expect("a line")).expect(&err);
    assert_eq!(last["calibration"]["codes"].as_array().map(Vec::len), Some(0), "{last}");
    assert!(last["fields"]["within_tolerance"].is_null(), "{last}");
}

#[test]
fn the_status_says_whether_they_agree() {
    let dir = tempfile::tempdir().expect("a directory");
    let capture = case("intervals");
    let good = records(&["--home", "192.0.2.10"], &["intervals"]);
    let dump = written(dir.path(), "good.smf", &good);
    let stack = ["--stack", dump.to_str().expect("a name")];
    let output = run(&stack, &[&capture]);
    let (out, err) = text(&output);
    assert_eq!(output.status.code(), Some(0), "{out}{err}");
    assert!(out.contains("agree with the wire"), "{out}");
    // By itself.
    let output = run(&stack, &[]);
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output).0.contains("whole and agree with each other"));
    // A counter that is wrong.
    let mut bad = good.clone();
    let n = bad.iter().position(|r| r[23] == 11).expect("a detail record");
    let place = places(&bad[n]).into_iter().find(|p| p.0.ends_with("SAInBytes")).expect("there").2;
    bad[n][place.start + 4] = 1;
    let dump = written(dir.path(), "bad.smf", &bad);
    let stack = ["--stack", dump.to_str().expect("a name")];
    let output = run(&stack, &[&capture]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output).0);
    assert!(text(&output).0.contains("SMF119SC_SAInBytes"), "{}", text(&output).0);
    let accepted = [&stack[..], &["--max-contradictions", "1"]].concat();
    assert_eq!(run(&accepted, &[&capture]).status.code(), Some(0));
    // Nothing in common.
    let output = run(&stack, &[&case("tls12-full")]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output).0);
    assert!(text(&output).0.contains("cannot be judged"));
    let covered = [&stack[..], &["--max-contradictions", "9", "--min-coverage", "100"]].concat();
    assert_eq!(run(&covered, &[&capture]).status.code(), Some(0));
    // No input, and damage.
    assert_eq!(run(&["--stack", "/nowhere"], &[&capture]).status.code(), Some(2));
    let mut cut = fs::read(&dump).expect("the records");
    cut.drain(500..520);
    fs::write(&dump, cut).expect("written");
    let output = run(&["--stack", dump.to_str().expect("a name")], &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).0.contains("bytes that are no record"), "{}", text(&output).0);
}

#[test]
fn reports_are_written_for_people_and_programs() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut stack = records(&["--home", "192.0.2.10"], &["intervals"]);
    stack.remove(1);
    let dump = written(dir.path(), "stack.smf", &stack);
    let (page, lines) = (dir.path().join("check.html"), dir.path().join("check.jsonl"));
    let output = zerttap()
        .args(["check", "-q", "--stack"])
        .arg(&dump)
        .arg("--report")
        .arg(&page)
        .arg("--jsonl")
        .arg(&lines)
        .arg(case("intervals"))
        .output()
        .expect("the program runs");
    assert_eq!(text(&output).0, "");
    let page = fs::read_to_string(&page).expect("the page");
    assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"));
    for outside in ["http://", "https://", " src="] {
        assert!(!page.contains(outside), "it needs nothing else: {outside}");
    }
    let lines = fs::read_to_string(&lines).expect("the lines");
    let lines: Vec<Value> =
        lines.lines().map(|l| serde_json::from_str(l).expect("an object")).collect();
    assert_eq!(lines.last().expect("a line")["type"], "check");
    let kinds: Vec<&str> = lines.iter().filter_map(|l| l["type"].as_str()).collect();
    assert!(kinds.contains(&"pair"), "{kinds:?}");
    let equal = &lines.iter().find(|l| l["type"] == "pair").expect("a pair")["events"][0]["equal"];
    assert!(equal.as_array().is_some_and(|e| e.len() > 5), "{equal}");
}

/// The stacks of `captures/check`: each gives what is written down for it.
#[test]
fn stacks_that_differ_are_found_out() {
    let dir = case("check");
    let trials = fs::read_to_string(dir.join("trials.toml")).expect("the trials");
    let trials: toml::Table = trials.parse().expect("TOML");
    let dumps = fs::read_dir(&dir).expect("a directory").flatten();
    let dumps = dumps.filter(|e| e.path().extension().is_some_and(|x| x == "smf")).count();
    assert!(trials.len() == dumps && dumps >= 15, "{dumps} dumps, {} trials", trials.len());
    for (name, trial) in &trials {
        let list = |key: &str| -> Vec<String> {
            let all = trial.get(key).and_then(toml::Value::as_array).into_iter().flatten();
            all.filter_map(|v| v.as_str().map(str::to_owned)).collect()
        };
        let output = zerttap()
            .args(["check", "--jsonl", "-", "--stack"])
            .arg(dir.join(format!("{name}.smf")))
            .args(list("captures").iter().map(|c| case(c)))
            .output()
            .expect("the program runs");
        let (out, err) = text(&output);
        let lines: Vec<Value> =
            out.lines().map(|l| serde_json::from_str(l).expect("an object")).collect();
        let last = lines.last().unwrap_or_else(|| panic!("{name}: {err}"));
        let judgement = trial["judgement"].as_str().expect("a judgement");
        assert_eq!(last["judgement"], judgement, "{name}: {last}");
        let status = match judgement {
            "agree" => 0,
            "disagree" => 1,
            _ => 2,
        };
        assert_eq!(output.status.code(), Some(status), "{name}");
        let mut fields = BTreeMap::new();
        for event in lines.iter().filter_map(|l| l["events"].as_array()).flatten() {
            for judged in event["differences"].as_array().into_iter().flatten() {
                let field = judged["field"].as_str().unwrap_or_default();
                if field != "SMF119SS_SASessionID" {
                    fields.insert(field.to_owned(), judged["verdict"].clone());
                }
            }
        }
        let expected: BTreeMap<String, Value> = trial
            .get("fields")
            .and_then(toml::Value::as_table)
            .into_iter()
            .flatten()
            .map(|(field, verdict)| (field.clone(), verdict.as_str().into()))
            .collect();
        assert_eq!(fields, expected, "{name}");
        let faults: Vec<&String> = last["faults"].as_object().expect("faults").keys().collect();
        assert_eq!(faults, list("faults").iter().collect::<Vec<_>>(), "{name}");
        let clock = trial.get("clock").and_then(toml::Value::as_integer).unwrap_or(0);
        assert_eq!(last["calibration"]["clock_seconds"], clock as f64, "{name}");
        let counters = last["calibration"]["counters"].as_array().into_iter().flatten();
        let counters: Vec<&str> = counters.filter_map(|c| c["field"].as_str()).collect();
        assert_eq!(counters, list("counters"), "{name}");
    }
}

/// A mirror that shows one direction, or began in the middle: what the stack recorded
/// is not missing on the wire.
#[test]
fn what_was_captured_in_part_is_not_missing() {
    let dir = tempfile::tempdir().expect("a directory");
    let stack = records(&["--home", "192.0.2.10"], &["intervals"]);
    let dump = written(dir.path(), "stack.smf", &stack);
    for filter in [
        "not (tcp[tcpflags] & tcp-syn != 0)",
        "src host 192.0.2.10 and not (tcp[tcpflags] & tcp-syn != 0)",
    ] {
        let output = zerttap()
            .args(["check", "--jsonl", "-", "--filter", filter, "--stack"])
            .arg(&dump)
            .arg(case("intervals"))
            .output()
            .expect("the program runs");
        let (out, err) = text(&output);
        let last = out.lines().last().unwrap_or_else(|| panic!("{err}"));
        let last: Value = serde_json::from_str(last).expect("an object");
        assert_eq!(last["missing"], 0, "{filter}: {last}");
        assert!(last["connections"]["only_stack"]["incomplete"].as_u64() > Some(3), "{last}");
    }
}

/// Systematic differences fail where that is wanted, and not once they are known.
#[test]
fn a_known_calibration_is_no_finding() {
    let dir = tempfile::tempdir().expect("a directory");
    let dump = case("check").join("headers-counted.smf");
    let captures = [case("intervals"), case("esp-null")];
    let captures: Vec<&Path> = captures.iter().map(PathBuf::as_path).collect();
    let (first, second) = (dir.path().join("one.toml"), dir.path().join("two.toml"));
    let dump = dump.to_str().expect("a name");
    let run_with = |options: &[&str], out: &Path| {
        let out = out.to_str().expect("a name");
        run(&[&["--force", "--calibration", out, "--stack", dump], options].concat(), &captures)
    };
    assert_eq!(run_with(&[], &first).status.code(), Some(0));
    let failing = ["--fail-on", "calibration"];
    assert_eq!(run_with(&failing, &first).status.code(), Some(1));
    let text_of = fs::read_to_string(&first).expect("the calibration");
    assert!(text_of.contains("rule = \"bytes_a_segment\"\ndifference = 40"), "{text_of}");
    let known = ["--fail-on", "calibration", "--calibrated", first.to_str().expect("a name")];
    assert_eq!(run_with(&known, &second).status.code(), Some(0));
    assert_eq!(fs::read_to_string(&second).expect("the calibration"), text_of);
    // One that does not hold any more.
    fs::write(&first, text_of.replace("difference = 40", "difference = 20")).expect("written");
    assert_eq!(run_with(&known, &second).status.code(), Some(1));
    fs::write(&first, "version = 1\ncolour = 2\n").expect("written");
    let output = run_with(&known, &second);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output).1.contains("one.toml") && text(&output).1.contains("colour"));
}

/// What is wrong with single records stands in the lines too, each time.
#[test]
fn every_fault_is_a_line() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut stack = records(&["--home", "192.0.2.10"], &["intervals"]);
    // No date of the beginning, and bytes that are no record.
    let unreadable: Vec<usize> = (0..stack.len()).filter(|n| stack[*n][23] == 11).take(2).collect();
    for n in unreadable {
        let place =
            places(&stack[n]).into_iter().find(|p| p.0.ends_with("SASDate")).expect("there");
        stack[n][place.2].fill(0);
    }
    stack.insert(3, vec![0xEE; 40]);
    let dump = written(dir.path(), "stack.smf", &stack);
    let output = run(&["--jsonl", "-", "--stack", dump.to_str().expect("a name")], &[]);
    assert_eq!(output.status.code(), Some(1));
    let lines: Vec<Value> =
        text(&output).0.lines().map(|l| serde_json::from_str(l).expect("an object")).collect();
    let count = |fault: &str| lines.iter().filter(|l| l["fault"] == fault).count();
    assert_eq!((count("unreadable"), count("damage")), (2, 1), "{lines:?}");
    let last = &lines[lines.len() - 1];
    for (fault, times) in last["faults"].as_object().expect("faults") {
        assert_eq!(times, count(fault), "{fault}");
    }
}
