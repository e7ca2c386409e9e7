//! What `read` writes of a capture agrees with the capture, however it was written: no
//! contradiction, nothing missing, no difference of clocks.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{text, zerttap};
use serde_json::Value;

/// Two stacks that share all addresses there are.
const TWO_STACKS: &str = "[[stack]]\nstack = \"TCPA\"\nsysname = \"SYSA\"\nhome = [\"0.0.0.0/1\", \"::/1\"]\n\
     [[stack]]\nstack = \"TCPB\"\nsysname = \"SYSB\"\nhome = [\"128.0.0.0/1\", \"8000::/1\"]\n";

/// How records are written; each capture is written in one of these ways beside the first.
const WAYS: &[&[&str]] = &[
    &["--interval", "1"],
    &["--strict"],
    &["--level", "v3r2", "--interval", "2", "--tz", "Asia/Kolkata"],
    &["--level", "v2r5", "--interval", "1h", "--sync", "7", "--tz", "-05:00"],
    &["--home", "0.0.0.0/0", "--home", "::/0", "--interval", "5"],
    &["--config", "two.toml"],
    &["--level", "v3r2", "--config", "two.toml", "--interval", "1"],
    &["--framing", "vbs"],
];

/// What is not as it should be; empty if the records agree with the capture.
fn disagreement(dir: &Path, number: usize, capture: &Path, way: &[&str]) -> Option<String> {
    let dump = dir.join(format!("{number}.smf"));
    let way: Vec<String> = way
        .iter()
        .map(|arg| arg.replace("two.toml", &dir.join("two.toml").display().to_string()))
        .collect();
    let output = zerttap()
        .args(["read", "-q", "--force", "--detail", "-w"])
        .arg(&dump)
        .args(&way)
        .arg(capture)
        .output()
        .expect("the program runs");
    if !output.status.success() {
        return Some(format!("read {way:?}: {}", text(&output).1));
    }
    let output = zerttap()
        .args(["check", "--jsonl", "-", "--threads", "1", "--stack"])
        .arg(&dump)
        .arg(capture)
        .output()
        .expect("the program runs");
    let (out, err) = text(&output);
    fs::remove_file(&dump).expect("removed");
    let what = |what: &str| Some(format!("{} {way:?}: {what}", capture.display()));
    let Some(Ok(last)) = out.lines().last().map(serde_json::from_str::<Value>) else {
        return what(&err);
    };
    if output.status.code() != Some(0) || last["contradictions"] != 0 || last["missing"] != 0 {
        let findings: Vec<&str> = out
            .lines()
            .filter(|l| l.contains("\"contradiction\"") || l.contains("\"missing\":true"))
            .collect();
        return what(&format!("{last} {}", findings.first().unwrap_or(&"")));
    }
    let clocks = ["clock_seconds", "clock_seconds_at_the_end", "interval_clock_seconds"];
    if clocks.iter().any(|key| last["calibration"][key] != 0.0) {
        return what(&format!("clocks: {}", last["calibration"]));
    }
    // Nothing is on one side only, whatever the reason; but observation sees less.
    for counted in ["connections", "intervals"] {
        for side in ["only_stack", "only_wire"] {
            if last[counted][side].as_object().is_none_or(|reasons| !reasons.is_empty())
                && !way.contains(&"--strict".to_owned())
            {
                return what(&format!("{counted} {side}: {}", last[counted]));
            }
        }
    }
    None
}

fn all_agree(captures: &[PathBuf], ways: impl Fn(usize) -> Vec<&'static [&'static str]> + Sync) {
    let dir = tempfile::tempdir().expect("a directory");
    fs::write(dir.path().join("two.toml"), TWO_STACKS).expect("written");
    let (next, found) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    let Some(capture) = captures.get(n) else { break };
                    let wrong = ways(n)
                        .into_iter()
                        .filter_map(|way| disagreement(dir.path(), n, capture, way));
                    found.lock().expect("no panic").extend(wrong);
                }
            });
        }
    });
    let mut found = found.into_inner().expect("no panic");
    found.sort();
    assert!(found.is_empty(), "{} disagree:\n{}", found.len(), found.join("\n"));
}

#[test]
fn what_is_written_of_every_capture_agrees_with_it() {
    let captures = common::captures();
    assert!(captures.len() > 60, "{}", captures.len());
    all_agree(&captures, |_| vec![&[]]);
}

#[test]
fn however_it_is_written_it_agrees() {
    let captures = common::captures();
    all_agree(&captures, |n| vec![WAYS[n % WAYS.len()]]);
}

/// A capture whose packets are later: `moved` says by how many microseconds, given how
/// long after the first packet they came.
fn moved_capture(bytes: &[u8], moved: impl Fn(i64) -> i64) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    assert_eq!(bytes[..4], [0xD4, 0xC3, 0xB2, 0xA1], "microseconds, little endian");
    let (mut at, mut first) = (24, None);
    while at < bytes.len() {
        let word = |at: usize| {
            u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
        };
        let micros = i64::from(word(at)) * 1_000_000 + i64::from(word(at + 4));
        let length = word(at + 8) as usize;
        let new = micros + moved(micros - *first.get_or_insert(micros));
        let seconds = u32::try_from(new / 1_000_000).expect("a time").to_le_bytes();
        let rest = u32::try_from(new % 1_000_000).expect("a time").to_le_bytes();
        bytes[at..at + 4].copy_from_slice(&seconds);
        bytes[at + 4..at + 8].copy_from_slice(&rest);
        at += 16 + length;
    }
    bytes
}

/// Checks the dump of a case against its capture with another clock.
fn with_another_clock(name: &str, moved: impl Fn(i64) -> i64) -> (Option<i32>, Value, String) {
    // No packet comes exactly at the end of an interval.
    const ASIDE: i64 = 700_000;
    let dir = tempfile::tempdir().expect("a directory");
    let of_case = fs::read(common::case(name).join("capture.pcap")).expect("the capture");
    let [capture, dump, other] =
        ["stack.pcap", "stack.smf", "other.pcap"].map(|name| dir.path().join(name));
    fs::write(&capture, moved_capture(&of_case, |_| ASIDE)).expect("written");
    fs::write(&other, moved_capture(&of_case, |since| ASIDE + moved(since))).expect("written");
    let output = zerttap()
        .args(["read", "-q", "--detail", "--interval", "5", "-w"])
        .arg(&dump)
        .arg(&capture)
        .output()
        .expect("the program runs");
    assert!(output.status.success(), "{}", text(&output).1);
    let output = zerttap()
        .args(["check", "--jsonl", "-", "--stack"])
        .arg(&dump)
        .arg(&other)
        .output()
        .expect("the program runs");
    let (out, err) = text(&output);
    let last = out.lines().last().unwrap_or_else(|| panic!("{err}"));
    (output.status.code(), serde_json::from_str(last).expect("an object"), out)
}

/// Intervals are cut by the stack's clock, however the capture's clock goes.
#[test]
fn captures_with_another_clock_agree() {
    const SECOND: i64 = 1_000_000;
    for name in ["intervals", "long-connection"] {
        for seconds in [-3600, -45, -5, -1, 1, 5, 45, 7200] {
            let (status, last, out) = with_another_clock(name, |_| seconds * SECOND);
            assert_eq!(status, Some(0), "{name} {seconds}: {last}\n{out}");
            let ahead = if seconds.abs() <= 2 { 0.0 } else { -seconds as f64 };
            assert_eq!(last["calibration"]["clock_seconds"], ahead, "{name} {seconds}: {last}");
            assert_eq!(last["intervals"]["only_stack"], serde_json::json!({}), "{name}: {last}");
            assert_eq!(last["intervals"]["only_wire"], serde_json::json!({}), "{name}: {last}");
        }
        // A clock that is 45 seconds off and drifts by 50 in a million.
        let drift = |since: i64| 45 * SECOND + since / 20_000;
        let (status, last, out) = with_another_clock(name, drift);
        assert_eq!(status, Some(0), "{name} drifts: {last}\n{out}");
    }
}
