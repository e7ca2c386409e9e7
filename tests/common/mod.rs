//! Runs the program and reads what it wrote.

#![allow(dead_code, reason = "every test uses a part")]

pub mod altered;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// A record's event and connection, read from its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    pub kind: u8,
    pub protocols: u8,
    pub connection: u32,
}

/// What a run of `read` wrote.
pub struct Run {
    pub connections: Vec<Value>,
    /// Objects of other types.
    pub lines: Vec<Value>,
    pub ledger: Value,
    pub records: Vec<u8>,
    pub events: Vec<Event>,
    pub stderr: String,
}

/// The program.
pub fn zerttap() -> Command {
    Command::new(assert_cmd::cargo::cargo_bin!("zerttap"))
}

/// Runs `read` with the records of connections and JSON output; it must succeed.
pub fn read(options: &[&str], inputs: &[&Path]) -> Run {
    let others = options.iter().copied().filter(|o| *o != "--detail");
    let options: Vec<&str> = others.chain(["--detail-only", "--no-tool-events"]).collect();
    read_all(&options, inputs)
}

/// Runs `read` with SMF and JSON output; it must succeed.
pub fn read_all(options: &[&str], inputs: &[&Path]) -> Run {
    let dir = tempfile::tempdir().expect("a directory");
    let (smf, jsonl) = (dir.path().join("out.smf"), dir.path().join("out.jsonl"));
    let mut command = zerttap();
    command.arg("read").args(options).arg("-w").arg(&smf).arg("--jsonl").arg(&jsonl).args(inputs);
    let output = command.output().expect("the program runs");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{command:?}: {:?}\n{stderr}", output.status);
    let text = std::fs::read_to_string(&jsonl).expect("JSON Lines");
    let mut all: Vec<Value> =
        text.lines().map(|l| serde_json::from_str(l).expect("a JSON object")).collect();
    let ledger = all.pop().expect("a ledger");
    assert_eq!(ledger["type"], "ledger");
    let (mut connections, lines): (Vec<Value>, Vec<Value>) =
        all.into_iter().partition(|l| l["type"] == "connection");
    connections.iter_mut().for_each(without_places);
    let records = std::fs::read(&smf).expect("records");
    let events = records_of(&records).iter().filter(|r| r[23] == 11).map(|r| event(r)).collect();
    Run { connections, lines, ledger, records, events, stderr }
}

/// Takes away where packets are: the same packets may be divided among files in many ways.
/// `tests/packets.rs` is about these keys.
pub fn without_places(connection: &mut Value) {
    let keys = connection.as_object_mut().expect("an object");
    for key in ["display_filter", "community_id", "first_frame", "last_frame"] {
        keys.remove(key);
    }
}

/// Splits a file of records by their RDWs.
pub fn records_of(file: &[u8]) -> Vec<&[u8]> {
    let mut rest = file;
    let mut records = Vec::new();
    while !rest.is_empty() {
        let length = usize::from(u16::from_be_bytes([rest[0], rest[1]]));
        assert_eq!(rest[2..4], [0, 0], "segment descriptor");
        let (record, after) = rest.split_at(length);
        records.push(record);
        rest = after;
    }
    records
}

/// Event type, protocols and connection identifier, by the offsets of the
/// layout (common section at 148 in a record of seven triplets).
fn event(record: &[u8]) -> Event {
    let s1 = u32::from_be_bytes([record[36], record[37], record[38], record[39]]) as usize;
    let id = [record[s1 + 84], record[s1 + 85], record[s1 + 86], record[s1 + 87]];
    Event { kind: record[s1], protocols: record[s1 + 1], connection: u32::from_be_bytes(id) }
}

/// What `show` prints of records.
pub fn show(records: &[u8]) -> String {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("records.smf");
    std::fs::write(&file, records).expect("written");
    let output = zerttap().arg("show").arg(&file).output().expect("the program runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// Whether the ledger's counters add up to its totals.
pub fn adds_up(ledger: &Value) -> bool {
    let sum = |unit: &str| -> u64 {
        let counters = ledger["counters"].as_object().expect("counters");
        counters.values().map(|c| c[unit].as_u64().expect("a number")).sum()
    };
    Some(sum("packets")) == ledger["packets"].as_u64()
        && Some(sum("bytes")) == ledger["bytes"].as_u64()
}

/// The captures that lie beside the project, if they do.
pub fn shared_captures() -> Option<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/captures");
    dir.join("oracle.jsonl.gz").exists().then_some(dir)
}

/// All captures there are: those of the cases and those beside the project.
pub fn captures() -> Vec<PathBuf> {
    let mut waiting = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("captures")];
    waiting.extend(shared_captures());
    let mut found = std::collections::BTreeSet::new();
    while let Some(dir) = waiting.pop() {
        for entry in std::fs::read_dir(dir).expect("a directory").flatten() {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            if path.is_dir() {
                waiting.push(path);
            } else if [".pcap", ".pcapng", ".cap", ".trc"].iter().any(|e| name.contains(e)) {
                found.insert(path);
            }
        }
    }
    found.into_iter().collect()
}

/// A capture of one of the cases.
pub fn case(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("captures").join(name)
}

/// The first line in which two texts differ.
pub fn first_difference(a: &str, b: &str) -> String {
    for (n, pair) in a.lines().zip(b.lines()).enumerate() {
        if pair.0 != pair.1 {
            return format!("line {}:\n- {}\n+ {}", n + 1, pair.0, pair.1);
        }
    }
    format!("{} lines against {}", a.lines().count(), b.lines().count())
}

/// Output of a finished command as text.
pub fn text(output: &Output) -> (String, String) {
    (
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}
