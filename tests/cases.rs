//! Every case of `captures/`: what its `expect.toml` says must be what comes
//! out, and what came out when the case was accepted must come out again.
//!
//! `UPDATE_CASES=1 cargo test --test cases` accepts what comes out now, after
//! it has passed the expectations.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// Cases and the captures in them.
fn cases() -> Vec<(PathBuf, PathBuf)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let mut found = Vec::new();
    for entry in fs::read_dir(&root).expect("captures/").flatten() {
        let dir = entry.path();
        if !dir.join("expect.toml").exists() {
            continue;
        }
        let capture = fs::read_dir(&dir)
            .expect("a case")
            .flatten()
            .map(|e| e.path())
            .find(|p| p.file_stem().is_some_and(|s| s == "capture"))
            .unwrap_or_else(|| panic!("{} has no capture", dir.display()));
        found.push((dir, capture));
    }
    found.sort();
    found
}

/// A JSON value at a dotted path.
fn at<'a>(value: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(value, |v, key| v.get(key).unwrap_or(&Value::Null))
}

fn as_json(value: &toml::Value) -> Value {
    match value {
        toml::Value::String(s) if s == "null" => Value::Null,
        other => serde_json::to_value(other).expect("JSON"),
    }
}

#[test]
fn every_case_has_all_that_belongs_to_it() {
    let cases = cases();
    assert!(cases.len() >= 20, "{} cases", cases.len());
    for (dir, _) in cases {
        for file in ["README.md", "make.sh", "expect.toml", "connections.jsonl", "records.txt"] {
            assert!(dir.join(file).exists(), "{} lacks {file}", dir.display());
        }
    }
}

#[test]
fn every_case_gives_what_it_expects() {
    let update = std::env::var_os("UPDATE_CASES").is_some();
    let mut wrong = Vec::new();
    for (dir, capture) in cases() {
        let name = dir.file_name().expect("a name").to_string_lossy().into_owned();
        let run = common::read(&["--detail", "--include-midstream"], &[&capture]);
        let plain = common::read(&["--detail"], &[&capture]);
        let mut strictly = None;
        let expected: toml::Table = fs::read_to_string(dir.join("expect.toml"))
            .expect("expect.toml")
            .parse()
            .expect("TOML");
        for kind in ["ike", "tunnel"] {
            let Some(expected) = expected.get(kind) else { continue };
            let found: Vec<&Value> = run.lines.iter().filter(|l| l["type"] == kind).collect();
            let expected = expected.as_array().expect("a list");
            if expected.len() != found.len() {
                wrong.push(format!("{name}: {} of type {kind}", found.len()));
            }
            for (i, (expected, found)) in expected.iter().zip(found).enumerate() {
                for (path, expected) in expected.as_table().expect("a table") {
                    let (expected, found) = (as_json(expected), at(found, path));
                    if *found != expected {
                        wrong.push(format!(
                            "{name}: {kind} {i}: {path} is {found}, expected {expected}"
                        ));
                    }
                }
            }
        }
        let connections = expected["connection"].as_array().expect("connections");
        let before = wrong.len();
        if connections.len() != run.connections.len() {
            wrong.push(format!(
                "{name}: {} connections, expected {}",
                run.connections.len(),
                connections.len()
            ));
            continue;
        }
        for (i, (expected, found)) in connections.iter().zip(&run.connections).enumerate() {
            for (path, expected) in expected.as_table().expect("a table") {
                // Event types and protection flags of its records, with --strict
                // or without.
                let (of, strict) = match path.strip_prefix("strict.") {
                    Some(of) => (of, true),
                    None => (path.as_str(), false),
                };
                if matches!(of, "records" | "protocols") {
                    let run = match (strict, found["midstream"] == true) {
                        (true, _) => strictly.get_or_insert_with(|| {
                            common::read(&["--detail", "--strict"], &[&capture])
                        }),
                        (false, true) => &plain,
                        (false, false) => &run,
                    };
                    let id = at(&run.connections[i], "connection_id").as_u64();
                    let of_it = run.events.iter().filter(|e| Some(u64::from(e.connection)) == id);
                    let values: Vec<u8> =
                        of_it.map(|e| if of == "records" { e.kind } else { e.protocols }).collect();
                    let expected: Vec<u8> = expected
                        .as_array()
                        .expect("a list")
                        .iter()
                        .map(|v| u8::try_from(v.as_integer().expect("a number")).expect("small"))
                        .collect();
                    if values != expected {
                        wrong.push(format!(
                            "{name}: connection {i}: {path} {values:?}, expected {expected:?}"
                        ));
                    }
                    continue;
                }
                let (expected, found) = (as_json(expected), at(found, path));
                if *found != expected {
                    wrong.push(format!(
                        "{name}: connection {i}: {path} is {found}, expected {expected}"
                    ));
                }
            }
        }
        let all = run.connections.iter().chain(&run.lines);
        let lines: String = all.map(|line| format!("{line}\n")).collect();
        let shown = common::show(&run.records);
        for (file, now) in [("connections.jsonl", lines), ("records.txt", shown)] {
            let path = dir.join(file);
            if update && wrong.len() == before {
                fs::write(&path, &now).expect("written");
                continue;
            }
            let accepted = fs::read_to_string(&path).unwrap_or_default();
            if accepted != now {
                wrong.push(format!(
                    "{name}: {file} differs:\n{}",
                    common::first_difference(&accepted, &now)
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
