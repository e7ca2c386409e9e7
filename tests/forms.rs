//! Every capture gives the same records and connections as pcap, as pcapng, in
//! one file or many, on one thread or several.

mod common;
#[path = "common/packets.rs"]
mod packets;

use std::fs;
use std::path::{Path, PathBuf};

use packets::Packet;

const OPTIONS: [&str; 4] = ["--detail", "--include-midstream", "-q", "--threads"];

fn output(inputs: &[&Path], threads: &str) -> common::Run {
    common::read_all(&[&OPTIONS[..], &[threads]].concat(), inputs)
}

fn assert_same(a: &common::Run, b: &common::Run, what: &str) {
    assert!(a.records == b.records, "records differ: {what}");
    assert_eq!(a.connections, b.connections, "connections differ: {what}");
    assert_eq!(a.lines, b.lines, "lines differ: {what}");
    assert_eq!(a.ledger["counters"], b.ledger["counters"], "counters differ: {what}");
}

/// Where a file may be cut: no packet after is older than one before.
fn cuts(packets: &[Packet], pieces: usize) -> Vec<usize> {
    let mut oldest_after: Vec<i64> = packets.iter().map(|p| p.ts).collect();
    for n in (1..oldest_after.len()).rev() {
        oldest_after[n - 1] = oldest_after[n - 1].min(oldest_after[n]);
    }
    let mut latest = i64::MIN;
    let mut cuts = Vec::new();
    for (n, packet) in packets.iter().enumerate() {
        let wanted = packets.len() * (cuts.len() + 1) / pieces;
        if n > 0 && n >= wanted && cuts.len() + 1 < pieces && latest <= oldest_after[n] {
            cuts.push(n);
        }
        latest = latest.max(packet.ts);
    }
    cuts
}

#[test]
fn every_capture_gives_the_same_in_all_forms() {
    let captures = common::captures();
    let (mut tried, mut divided) = (0, 0);
    for capture in &captures {
        let name = capture.display().to_string();
        let reference = output(&[capture], "1");
        assert_same(&output(&[capture], "5"), &reference, &format!("{name} on five threads"));
        let Some(packets) = fs::read(capture).ok().and_then(|bytes| packets::read(&bytes)) else {
            continue;
        };
        let damaged = reference.ledger["input"]["damaged_places"] != 0;
        if damaged || packets.is_empty() || packets.iter().any(|p| p.ts < 0) {
            continue;
        }
        tried += 1;
        let dir = tempfile::tempdir().expect("a directory");
        let write = |name: &str, bytes: Vec<u8>| -> PathBuf {
            let path = dir.path().join(name);
            fs::write(&path, bytes).expect("written");
            path
        };
        let file = write("all.pcapng", packets::to_pcapng(&packets));
        assert_same(&output(&[&file], "2"), &reference, &format!("{name} as pcapng"));
        let one_link = packets.iter().all(|p| p.link == packets[0].link);
        if one_link {
            let file = write("all.pcap", packets::to_pcap(&packets));
            assert_same(&output(&[&file], "2"), &reference, &format!("{name} as pcap"));
        }
        let cuts = cuts(&packets, 7);
        if cuts.is_empty() {
            continue;
        }
        divided += 1;
        let ends = cuts.iter().copied().chain([packets.len()]);
        let starts = std::iter::once(0).chain(cuts.iter().copied());
        let files: Vec<PathBuf> = starts
            .zip(ends)
            .enumerate()
            .map(|(n, (start, end))| {
                let part = &packets[start..end];
                let bytes = match n % 2 {
                    0 if one_link => packets::to_pcap(part),
                    _ => packets::to_pcapng(part),
                };
                write(&format!("{n}.part"), bytes)
            })
            .collect();
        let inputs: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
        let what = format!("{name} in {} files", files.len());
        assert_same(&output(&inputs, "2"), &reference, &what);
    }
    // The others are gzip, zstd and DOS Sniffer files, damaged, or empty.
    assert!(tried * 10 > captures.len() * 8, "{tried} of {} captures", captures.len());
    assert!(divided * 10 > captures.len() * 6, "{divided} of {} captures", captures.len());
}
