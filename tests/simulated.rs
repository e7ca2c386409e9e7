//! Stacks that scripts/simulate_stack.py makes, without any code of ours, and what has to be
//! said of each: `tests/simulated.toml`.
//!
//! SIMULATED_SEEDS=N makes N of each case; `scripts/simulate` does.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{text, zerttap};
use serde_json::Value;

/// Of each case, where nobody says how many.
const SEEDS: u64 = 3;
/// Made at once: their files are removed after each.
const BATCH: u64 = 25;

/// What has to be said of a case.
struct Expected {
    status: Vec<i32>,
    says: Vec<String>,
    only: Option<Vec<String>>,
}

fn expectations() -> BTreeMap<String, Expected> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/simulated.toml");
    let table: toml::Table = std::fs::read_to_string(path).expect("there").parse().expect("TOML");
    let list = |value: Option<&toml::Value>| -> Option<Vec<String>> {
        let all = value?.as_array()?.iter();
        Some(all.filter_map(|v| v.as_str().map(str::to_owned)).collect())
    };
    let statuses = |value: &toml::Value| -> Vec<i32> {
        let all = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
        all.iter().map(|v| v.as_integer().expect("a status") as i32).collect()
    };
    let expected = |case: &toml::Value| Expected {
        status: statuses(&case["status"]),
        says: list(case.get("says")).unwrap_or_default(),
        only: list(case.get("only")),
    };
    table.iter().map(|(name, case)| (name.clone(), expected(case))).collect()
}

fn script() -> Command {
    let mut python = Command::new("python3");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    python.arg("-B").arg(root.join("scripts/simulate_stack.py"));
    python
}

/// All that speaks against the records.
fn accusations(lines: &[Value]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for line in lines {
        for event in line["events"].as_array().into_iter().flatten() {
            for judged in event["differences"].as_array().into_iter().flatten() {
                if judged["verdict"] == "contradiction" {
                    found.insert(judged["field"].as_str().unwrap_or_default().to_owned());
                }
            }
        }
        if line["missing"] == true {
            found.insert(line["reason"].as_str().unwrap_or_default().to_owned());
        }
        if line["wrong"] == true {
            found.insert(line["fault"].as_str().unwrap_or_default().to_owned());
        }
    }
    let calibration = &lines[lines.len() - 1]["calibration"];
    for kind in ["codes", "counters"] {
        if calibration[kind].as_array().is_some_and(|all| !all.is_empty()) {
            found.insert(kind.to_owned());
        }
    }
    if !calibration["counting"].is_null() {
        found.insert("counting".to_owned());
    }
    let clocks = ["clock_seconds", "clock_seconds_at_the_end", "interval_clock_seconds"];
    if clocks.iter().any(|key| calibration[key].as_f64() != Some(0.0)) {
        found.insert("clock".to_owned());
    }
    found
}

/// What is wrong with what is said of a simulation.
fn wrong(dir: &Path, case: &str, seed: u64, expected: &Expected) -> Option<String> {
    let [dump, capture] = ["smf", "pcap"].map(|end| dir.join(format!("{case}-{seed}.{end}")));
    let output = zerttap()
        .args(["check", "--threads", "1", "--jsonl", "-"])
        .args(["--fail-on", "missing,contradiction,calibration", "--stack"])
        .args([&dump, &capture])
        .output()
        .expect("the program runs");
    let (out, err) = text(&output);
    let lines: Vec<Value> =
        out.lines().map(|l| serde_json::from_str(l).expect("an object")).collect();
    let status = output.status.code().unwrap_or(-1);
    if lines.is_empty() {
        return Some(format!("{case} {seed}: {status} {err}"));
    }
    let said = accusations(&lines);
    let missed = !expected.says.is_empty() && !expected.says.iter().any(|s| said.contains(s));
    let only = expected.only.as_ref().is_none_or(|only| said.iter().all(|s| only.contains(s)));
    let right = expected.status.contains(&status) && (status != 0 || said.is_empty());
    (!right || missed || !only).then(|| format!("{case} {seed}: {status}, {said:?}"))
}

#[test]
fn right_stacks_are_not_accused_and_mistakes_are_found() {
    let expected = expectations();
    let listed = script().arg("--list").output().expect("python3 runs");
    let cases: BTreeSet<String> = text(&listed)
        .0
        .lines()
        .filter_map(|line| line.split_once(' ').map(|(_, name)| name.to_owned()))
        .collect();
    assert_eq!(cases, expected.keys().cloned().collect(), "{}", text(&listed).1);
    let seeds = std::env::var("SIMULATED_SEEDS").ok().and_then(|n| n.parse().ok());
    let seeds: u64 = seeds.unwrap_or(SEEDS);
    let mut batches = Vec::new();
    for case in expected.keys() {
        batches.extend((0..seeds).step_by(BATCH as usize).map(|first| (case, first)));
    }
    let (next, found) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some((case, first)) = batches.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let dir = tempfile::tempdir().expect("a directory");
                    let all = *first..(first + BATCH).min(seeds);
                    let made = script()
                        .arg(dir.path())
                        .arg(case)
                        .args(all.clone().map(|seed| seed.to_string()))
                        .output()
                        .expect("python3 runs");
                    assert!(made.status.success(), "{}", text(&made).1);
                    let of_case = &expected[*case];
                    let wrong = all.filter_map(|seed| wrong(dir.path(), case, seed, of_case));
                    found.lock().expect("no panic").extend(wrong);
                }
            });
        }
    });
    let mut found = found.into_inner().expect("no panic");
    found.sort();
    assert!(found.is_empty(), "{} are wrong:\n{}", found.len(), found.join("\n"));
}

/// The walk through a week in docs/check.md is what the program prints of it.
#[test]
fn the_week_in_the_documentation_is_true() {
    let dir = tempfile::tempdir().expect("a directory");
    let made = script().arg(dir.path().join("week")).args(["week", "1"]).output();
    assert!(made.expect("python3 runs").status.success());
    let output = zerttap()
        .current_dir(dir.path())
        .args(["check", "--stack", "week/week-1.smf", "week/week-1.pcap"])
        .output()
        .expect("the program runs");
    assert_eq!(output.status.code(), Some(1));
    let (printed, _) = text(&output);
    let (answers, _) = printed.split_once("\nContradictions by field").expect("the answers");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/check.md");
    let there = std::fs::read_to_string(&path).expect("the documentation");
    let (head, rest) = there.split_once("<!-- week -->\n").expect("the week begins");
    let (_, tail) = rest.split_once("<!-- /week -->").expect("the week ends");
    let now = format!("{head}<!-- week -->\n```text\n{answers}```\n<!-- /week -->{tail}");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &now).expect("written");
    }
    let there = std::fs::read_to_string(&path).expect("the documentation");
    assert!(now == there, "the week in docs/check.md is another; UPDATE_DOCS=1 writes it");
}
