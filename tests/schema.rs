//! The JSON Schema of JSON Lines, held against what is written of every capture.

mod common;

use std::fs;
use std::path::Path;

use common::{captures, text, zerttap};
use serde_json::Value;

/// Makes a schema of its own words a strict one: no other keys.
fn strict(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if object.contains_key("properties") && !object.contains_key("additionalProperties") {
                object.insert("additionalProperties".to_owned(), false.into());
            }
            object.values_mut().for_each(strict);
        }
        Value::Array(list) => list.iter_mut().for_each(strict),
        _ => {}
    }
}

fn schema() -> Value {
    let output = zerttap().args(["config", "--schema", "jsonl"]).output();
    let printed = text(&output.expect("the program runs")).0;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schema/jsonl.json");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &printed).expect("written");
    }
    let there = fs::read_to_string(path).unwrap_or_default();
    assert!(there == printed, "docs/schema/jsonl.json is not that of the objects; UPDATE_DOCS=1");
    serde_json::from_str(&printed).expect("JSON")
}

#[test]
fn every_line_of_every_capture_fits() {
    let mut schema = schema();
    strict(&mut schema);
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let dir = tempfile::tempdir().expect("a directory");
    let settings = dir.path().join("zert.toml");
    let stacks = "[[stack]]\nname = \"A\"\nhome = [\"0.0.0.0/1\", \"::/1\"]\n\
                  [[stack]]\nname = \"B\"\nhome = [\"128.0.0.0/1\", \"8000::/1\"]\n";
    fs::write(&settings, stacks).expect("written");
    let (lines, smf) = (dir.path().join("lines"), dir.path().join("smf"));
    let mut kinds = std::collections::BTreeMap::<String, u32>::new();
    for (n, capture) in captures().iter().enumerate() {
        let mut command = zerttap();
        command.args(["read", "-q", "--force", "--detail"]);
        if n % 2 == 0 {
            command.arg("--config").arg(&settings);
        }
        let output = command.arg("--jsonl").arg(&lines).arg("-w").arg(&smf).arg(capture).output();
        let output = output.expect("the program runs");
        assert!(output.status.success(), "{}", text(&output).1);
        let shown = zerttap().args(["show", "-q", "--head", "20", "--jsonl"]).arg(&smf).output();
        let counts = zerttap().args(["show", "-q", "--summary", "--jsonl"]).arg(&smf).output();
        let all = fs::read_to_string(&lines).expect("the lines")
            + &text(&shown.expect("the program runs")).0
            + &text(&counts.expect("the program runs")).0;
        // Of large captures a part is enough.
        for line in all.lines().take(100).chain(all.lines().rev().take(40)) {
            let object: Value = serde_json::from_str(line).expect("an object");
            if !validator.is_valid(&object) {
                let errors: Vec<String> = validator
                    .iter_errors(&object)
                    .map(|e| format!("{e} at {}", e.instance_path()))
                    .collect();
                panic!("{}: {line}\n{errors:?}", capture.display());
            }
            *kinds.entry(object["type"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
        }
    }
    for kind in ["connection", "ike", "tunnel", "ledger", "record", "counts"] {
        assert!(kinds.get(kind).is_some_and(|n| *n > 10), "{kinds:?}");
    }
}

/// The schema that the program prints is the one in docs.
fn printed(of: &str) -> Value {
    let output = zerttap().args(["config", "--schema", of]).output();
    let printed = text(&output.expect("the program runs")).0;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("docs/schema/{of}.json"));
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &printed).expect("written");
    }
    let there = fs::read_to_string(path).unwrap_or_default();
    assert!(there == printed, "docs/schema/{of}.json is not that of the program; UPDATE_DOCS=1");
    serde_json::from_str(&printed).expect("JSON")
}

#[test]
fn a_calibration_fits() {
    let validator = jsonschema::validator_for(&printed("calibration")).expect("a schema");
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("calibration.toml");
    let dump = common::case("check").join("headers-counted.smf");
    let mut command = zerttap();
    command.args(["check", "-q", "--calibration"]).arg(&file).arg("--stack").arg(dump);
    command.args(["intervals", "esp-null"].map(common::case));
    assert!(command.status().expect("the program runs").success());
    let written = fs::read_to_string(&file).expect("the calibration");
    let fits = |text: &str| {
        let table: toml::Table = text.parse().expect("TOML");
        validator.is_valid(&serde_json::to_value(table).expect("JSON"))
    };
    assert!(written.contains("[[counter]]") && fits(&written), "{written}");
    assert!(!fits("version = \"1\"") && !fits("version = 1\ncolour = 1"));
}

#[test]
fn lines_of_check_fit() {
    let validator = jsonschema::validator_for(&printed("check")).expect("a schema");
    let trials = fs::read_to_string(common::case("check").join("trials.toml")).expect("trials");
    let trials: toml::Table = trials.parse().expect("TOML");
    let mut kinds = std::collections::BTreeMap::<String, u32>::new();
    for (name, trial) in &trials {
        let captures = trial["captures"].as_array().expect("captures");
        let captures = captures.iter().filter_map(|c| c.as_str().map(common::case));
        let dump = common::case("check").join(format!("{name}.smf"));
        let mut command = zerttap();
        command.args(["check", "--jsonl", "-", "--stack"]).arg(dump).args(captures);
        let output = command.output().expect("the program runs");
        for line in text(&output).0.lines() {
            let object: Value = serde_json::from_str(line).expect("an object");
            let errors: Vec<String> =
                validator.iter_errors(&object).map(|e| e.to_string()).collect();
            assert!(errors.is_empty(), "{name}: {line}\n{errors:?}");
            *kinds.entry(object["type"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
        }
    }
    for kind in ["pair", "only_stack", "fault", "coverage", "cause", "check"] {
        assert!(kinds.contains_key(kind), "{kinds:?}");
    }
}

#[test]
fn what_is_no_line_does_not_fit() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schema/jsonl.json");
    let schema = fs::read_to_string(path).expect("the schema");
    let schema: Value = serde_json::from_str(&schema).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    for wrong in [
        "{}",
        "{\"schema\": 2, \"type\": \"connection\"}",
        "{\"schema\": 1, \"type\": \"counts\", \"records\": 0, \"bytes\": 0, \"events\": [], \
         \"protection\": [], \"stacks\": []}",
    ] {
        let wrong: Value = serde_json::from_str(wrong).expect("JSON");
        assert!(!validator.is_valid(&wrong), "{wrong}");
    }
}
