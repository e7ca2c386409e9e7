//! What attackers send: it exhausts nothing, every bound that it meets is counted, and
//! the honest connection in the middle of it is seen as if it were alone.
//! `scripts/attacks.py` makes the captures; `docs/limits.md` lists the bounds.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{text, zerttap};
use serde_json::Value;

/// Kilobytes of address space that a run may have.
const MEMORY: u32 = 1_000_000;
const PACKETS: u32 = 30_000;

fn attacks(dir: &Path) -> Vec<PathBuf> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/attacks.py");
    let made = Command::new("python3").arg(script).arg(dir).arg(PACKETS.to_string()).status();
    assert!(made.expect("python3 runs").success());
    let entries = fs::read_dir(dir).expect("a directory").flatten();
    let mut files: Vec<PathBuf> = entries.map(|e| e.path()).collect();
    files.sort();
    files
}

/// Reads a capture within a bound on memory; returns the honest connection without its
/// times, and the ledger.
fn read(capture: &Path, options: &[&str], out: &Path) -> (Value, Value) {
    let command = format!(
        "ulimit -v {MEMORY}; exec \"$0\" read -q --threads 2 --force --detail \
         -w {0}.smf --jsonl {0}.jsonl \"$@\"",
        out.display()
    );
    let output = Command::new("bash")
        .args(["-c", &command])
        .arg(zerttap().get_program())
        .args(options)
        .arg(capture)
        .output()
        .expect("bash runs");
    assert!(output.status.success(), "{}: {}", capture.display(), text(&output).1);
    let lines = fs::read_to_string(out.with_extension("jsonl")).expect("lines");
    let objects = lines.lines().map(|l| serde_json::from_str::<Value>(l).expect("an object"));
    let (mut honest, mut ledger) = (Value::Null, Value::Null);
    for mut object in objects {
        if object["server"]["port"] == 44330 {
            for time in ["start", "end", "established_at", "connection_id"] {
                object.as_object_mut().expect("an object").remove(time);
            }
            assert!(honest.is_null(), "{}: it is one connection", capture.display());
            honest = object;
        } else if object["type"] == "ledger" {
            ledger = object;
        }
    }
    (honest, ledger)
}

#[test]
fn attacks_are_bounded_and_counted_and_harm_nobody_else() {
    let dir = tempfile::tempdir().expect("a directory");
    let out = dir.path().join("out");
    let made = dir.path().join("made");
    fs::create_dir(&made).expect("a directory");
    let alone = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures/tls12-full/capture.pcap");
    let (expected, _) = read(&alone, &[], &out);
    assert_eq!(expected["tls"]["version_name"], "TLSv1.2");
    // What each meets of the bounds: a counter of the ledger.
    let meets = |name: &str| match name {
        "syn_flood" | "endless_handshakes" | "patterns" => Some(["connections", "evicted"]),
        "far_sequences" => Some(["streams", "out_of_window_segments"]),
        "gaps" => Some(["streams", "missed_bytes"]),
        "fragments" => Some(["frames", "fragments_overlapping"]),
        _ => None,
    };
    for capture in attacks(&made) {
        let name = capture.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let (honest, ledger) = read(&capture, &[], &out);
        assert_eq!(honest, expected, "{name}");
        let packets = ledger["packets"].as_u64().expect("a number");
        let counted: u64 = ledger["counters"]
            .as_object()
            .expect("an object")
            .values()
            .map(|c| c["packets"].as_u64().unwrap_or(0))
            .sum();
        assert_eq!(counted, packets, "{name}: every packet is in one counter");
        // With bounds so low that they are met, too.
        let low = ["--max-connections", "1024", "--max-sessions", "64"];
        let (honest, ledger) = read(&capture, &low, &out);
        assert_eq!(honest, expected, "{name}, with low bounds");
        if let Some([group, counter]) = meets(&name) {
            assert!(ledger[group][counter].as_u64() > Some(0), "{name}: {}", ledger[group]);
        }
        if name == "tunnels" {
            let deep = ledger["counters"]["too_deep"]["packets"].as_u64();
            assert!(deep > Some(100), "{deep:?}");
        }
    }
}

/// Handshakes together hold no more than they may; those that have held longest go.
#[test]
fn handshakes_that_never_end_are_given_up() {
    let dir = tempfile::tempdir().expect("a directory");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/attacks.py");
    let made = Command::new("python3")
        .arg(script)
        .args([dir.path().as_os_str(), "150000".as_ref(), "endless_handshakes".as_ref()])
        .status();
    assert!(made.expect("python3 runs").success());
    let capture = dir.path().join("endless_handshakes.pcap");
    let (honest, ledger) =
        read(&capture, &["--max-handshake-memory", "64"], &dir.path().join("out"));
    assert_eq!(honest["tls"]["version_name"], "TLSv1.2");
    assert_eq!(honest["incomplete"], false);
    assert!(ledger["streams"]["handshakes_given_up"].as_u64() > Some(100), "{ledger}");
}

/// What a connection held is free again when it is forgotten: handshakes that are given
/// up by who began them take no room from those that come long after.
#[test]
fn abandoned_handshakes_leave_nothing_behind() {
    let dir = tempfile::tempdir().expect("a directory");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/attacks.py");
    // 112 MB are begun, of which a few are held at a time.
    let made = Command::new("python3")
        .arg(script)
        .args([dir.path().as_os_str(), "100000".as_ref(), "abandoned_handshakes".as_ref()])
        .status();
    assert!(made.expect("python3 runs").success());
    let capture = dir.path().join("abandoned_handshakes.pcap");
    let (honest, ledger) =
        read(&capture, &["--max-handshake-memory", "64"], &dir.path().join("out"));
    assert_eq!(honest["tls"]["version_name"], "TLSv1.2");
    assert_eq!(ledger["streams"]["handshakes_given_up"], 0);
}
