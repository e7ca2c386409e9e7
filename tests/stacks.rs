//! Several stacks on one wire: each records what it sees, as if it were alone.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{captures, case, records_of, text, zerttap};
use serde_json::Value;

/// EBCDIC names as they stand in records.
const TCPIPA: [u8; 8] = [0xE3, 0xC3, 0xD7, 0xC9, 0xD7, 0xC1, 0x40, 0x40];
const TCPIPB: [u8; 8] = [0xE3, 0xC3, 0xD7, 0xC9, 0xD7, 0xC2, 0x40, 0x40];

/// Settings of two stacks with these addresses, and of each alone.
fn settings(dir: &Path, homes: [&[&str]; 2]) -> [PathBuf; 3] {
    let stack = |n: usize| {
        let (name, zone, interval) =
            [("TCPIPA", "UTC", "5"), ("TCPIPB", "America/New_York", "1h")][n];
        let home: Vec<String> = homes[n].iter().map(|h| format!("\"{h}\"")).collect();
        format!(
            "[[stack]]\nname = \"{name}\"\nsid = \"SYS{n}\"\ntz = \"{zone}\"\n\
             interval = \"{interval}\"\nhome = [{}]\n",
            home.join(", ")
        )
    };
    let write = |name: &str, text: String| {
        let path = dir.join(name);
        fs::write(&path, text).expect("written");
        path
    };
    [write("both.toml", stack(0) + &stack(1)), write("a.toml", stack(0)), write("b.toml", stack(1))]
}

fn records(dir: &Path, settings: &Path, capture: &Path, options: &[&str]) -> Vec<u8> {
    let file = dir.join("out.smf");
    let mut command = zerttap();
    command.args(["read", "-q", "--force", "--detail", "--config"]).arg(settings).args(options);
    let output = command.arg("-w").arg(&file).arg(capture).output().expect("the program runs");
    assert!(output.status.success(), "{}: {}", capture.display(), text(&output).1);
    fs::read(&file).expect("the records")
}

/// The stack's name, by the offset of the layout: the identification section is
/// where its triplet says.
fn stack(record: &[u8]) -> [u8; 8] {
    let at = u32::from_be_bytes(record[28..32].try_into().expect("four bytes")) as usize;
    record[at + 16..at + 24].try_into().expect("eight bytes")
}

#[test]
fn each_stack_records_what_it_would_alone() {
    let dir = tempfile::tempdir().expect("a directory");
    // However addresses are divided, as long as none belongs to both.
    let divisions: [[&[&str]; 2]; 3] = [
        [&["0.0.0.0/1", "::/1"], &["128.0.0.0/1", "8000::/1"]],
        [
            &["192.0.2.0/24", "10.0.0.0/8", "2001:db8::1"],
            &["192.0.0.0/23", "198.0.0.0/7", "fe80::/10"],
        ],
        [&["127.0.0.1", "172.16.0.0/12"], &["192.168.0.0/16", "198.51.100.0/24", "10.99.0.2"]],
    ];
    let mut both_seen = 0;
    for (n, homes) in divisions.into_iter().enumerate() {
        let [both, a, b] = settings(dir.path(), homes);
        for (k, capture) in captures().iter().enumerate() {
            let options: &[&str] = match (n + k) % 3 {
                0 => &["--level", "v3r2"],
                1 => &["--include-midstream", "--threads", "2"],
                _ => &["--settle", "0"],
            };
            let together = records(dir.path(), &both, capture, options);
            let of = |name: [u8; 8]| -> Vec<u8> {
                let all = records_of(&together);
                all.into_iter().filter(|r| stack(r) == name).flatten().copied().collect()
            };
            let what = format!("{} divided {n}", capture.display());
            assert!(of(TCPIPA) == records(dir.path(), &a, capture, options), "{what}: A");
            assert!(of(TCPIPB) == records(dir.path(), &b, capture, options), "{what}: B");
            both_seen += usize::from(of(TCPIPA).len() > 2000 && of(TCPIPB).len() > 2000);
        }
    }
    assert!(both_seen >= 1, "{both_seen}");
}

fn field(record: &[u8], at: usize, length: usize) -> u64 {
    record[at..at + length].iter().fold(0, |v, b| v << 8 | u64::from(*b))
}

/// Where the common section of subtype 11 begins.
const COMMON: usize = 148;

/// Offsets are those of the layout tables.
#[test]
fn a_connection_between_two_stacks_is_seen_from_both_ends() {
    let dir = tempfile::tempdir().expect("a directory");
    let [both, ..] = settings(dir.path(), [&["192.0.2.10"], &["198.51.100.1"]]);
    let options = ["--no-tool-events", "--detail-only"];
    let lines = dir.path().join("lines");
    let file = dir.path().join("out.smf");
    let output = zerttap()
        .args(["read", "-q", "--config"])
        .arg(&both)
        .args(options)
        .arg("--jsonl")
        .arg(&lines)
        .arg("-w")
        .arg(&file)
        .arg(case("intervals"))
        .output()
        .expect("the program runs");
    assert!(output.status.success(), "{}", text(&output).1);
    let bytes = fs::read(&file).expect("the records");
    let all = records_of(&bytes);
    let of = |name| all.iter().filter(|r| stack(r) == name).copied().collect::<Vec<_>>();
    let (a, b) = (of(TCPIPA), of(TCPIPB));
    assert_eq!(a.len(), b.len());
    assert!(a.len() >= 4, "{}", a.len());
    for (a, b) in a.iter().zip(&b) {
        let (a, b) = (&a[COMMON..], &b[COMMON..]);
        assert_eq!(a[0], b[0], "event");
        // Remote and local addresses and ports, bytes and segments change places.
        assert_eq!(a[48..64], b[64..80]);
        assert_eq!(a[64..80], b[48..64]);
        assert_eq!((field(a, 80, 2), field(a, 82, 2)), (field(b, 82, 2), field(b, 80, 2)));
        for (one, other) in [(88, 96), (104, 112)] {
            assert_eq!(field(a, one, 8), field(b, other, 8));
            assert_eq!(field(a, other, 8), field(b, one, 8));
        }
    }
    let text = fs::read_to_string(&lines).expect("the lines");
    let lines: Vec<Value> =
        text.lines().map(|l| serde_json::from_str(l).expect("an object")).collect();
    let views = &lines[0]["views"];
    assert_eq!((&views[0]["stack"], &views[0]["local"]), (&"TCPIPA".into(), &"server".into()));
    assert_eq!((&views[1]["stack"], &views[1]["local"]), (&"TCPIPB".into(), &"client".into()));
    assert_eq!(lines[0]["local"], "server");
    assert_eq!(lines[0]["connection_id"], views[0]["connection_id"]);
    assert!(views[1]["connection_id"].as_u64().is_some());
    // Other clients are not a stack's.
    let other = lines.iter().find(|l| l["client"]["ip"] == "198.51.100.2");
    assert!(other.is_none_or(|l| l["views"].as_array().is_some_and(|v| v.len() == 1)));
}

#[test]
fn links_and_tunnels_between_two_stacks_are_seen_from_both_ends() {
    let dir = tempfile::tempdir().expect("a directory");
    for (capture, homes) in [
        ("ee-clear", [["192.0.2.1"], ["192.0.2.2"]]),
        ("ikev2-psk-gcm", [["10.99.0.1"], ["10.99.0.2"]]),
    ] {
        let [both, ..] = settings(dir.path(), [&homes[0], &homes[1]]);
        let options = ["--no-tool-events", "--settle", "0"];
        let bytes = records(dir.path(), &both, &case(capture), &options);
        let all = records_of(&bytes);
        for name in [TCPIPA, TCPIPB] {
            for subtype in [11, 12] {
                let count = all.iter().filter(|r| r[23] == subtype && stack(r) == name).count();
                assert!(count > 0, "{capture}: {subtype}");
            }
        }
    }
}

#[test]
fn what_is_no_stack_s_is_routed_and_counted() {
    let dir = tempfile::tempdir().expect("a directory");
    let [both, ..] = settings(dir.path(), [&["203.0.113.1"], &["203.0.113.2"]]);
    let output = zerttap()
        .args(["read", "--stats", "-", "--config"])
        .arg(&both)
        .arg(case("intervals"))
        .output()
        .expect("the program runs");
    let ledger: Value = serde_json::from_str(&text(&output).0).expect("the ledger");
    assert!(ledger["counters"]["tcp_routed"]["packets"].as_u64() > Some(10), "{ledger}");
    assert_eq!(ledger["connections"]["seen"], 0);
}
