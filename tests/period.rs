//! `read --since` and `--until`: what comes out is what a file with only the packets of that
//! time gives, however many threads and files there are; the ledger has the others.

mod common;
#[path = "common/packets.rs"]
mod packets;

use std::fs;
use std::path::{Path, PathBuf};

use common::{Run, captures, case, read_all, zerttap};
use packets::Packet;

const OPTIONS: [&str; 5] = ["--detail", "--include-midstream", "-q", "--interval", "10"];

fn rfc3339(nanoseconds: i64) -> String {
    let time = jiff::Timestamp::from_nanosecond(nanoseconds.into()).expect("a time");
    format!("{time:.9}")
}

fn read(period: &[String], more: &[&str], inputs: &[&Path]) -> Run {
    let period: Vec<&str> = period.iter().map(String::as_str).collect();
    read_all(&[&OPTIONS[..], &period, more].concat(), inputs)
}

fn assert_same(run: &Run, reference: &Run, what: &str) {
    assert!(run.records == reference.records, "records differ: {what}");
    assert_eq!(run.connections, reference.connections, "connections differ: {what}");
    assert_eq!(run.lines, reference.lines, "lines differ: {what}");
}

fn written(dir: &Path, name: &str, packets: &[Packet]) -> PathBuf {
    let file = dir.join(name);
    fs::write(&file, packets::to_pcap(packets)).expect("written");
    file
}

#[test]
fn a_period_gives_what_its_packets_alone_give() {
    let (mut tried, mut judged) = (0, 0);
    'captures: for capture in captures() {
        let Some(all) = fs::read(&capture).ok().and_then(|bytes| packets::read(&bytes)) else {
            continue;
        };
        let one_link = all.iter().all(|p| p.link == all[0].link);
        if !(8..1500).contains(&all.len()) || !one_link || all.iter().any(|p| p.ts < 0) {
            continue;
        }
        let mut times: Vec<i64> = all.iter().map(|p| p.ts).collect();
        times.sort_unstable();
        let (since, until) = (times[times.len() / 4], times[times.len() * 3 / 4]);
        let inside: Vec<Packet> =
            all.iter().filter(|p| (since..until).contains(&p.ts)).cloned().collect();
        if inside.is_empty() {
            continue;
        }
        tried += 1;
        let dir = tempfile::tempdir().expect("a directory");
        let name = capture.display().to_string();
        let alone = written(dir.path(), "alone.pcap", &inside);
        let reference = read(&[], &["--threads", "1"], &[&alone]);
        let whole = written(dir.path(), "whole.pcap", &all);
        let period = ["--since".into(), rfc3339(since), "--until".into(), rfc3339(until)];
        let outside = (all.len() - inside.len()) as u64;
        for more in [&["--threads", "1"][..], &["--threads", "3", "--batch", "3"]] {
            let run = read(&period, more, &[&whole]);
            // What the times are is judged by all packets of the file.
            let odd = ["clock_set_back", "wrong_times"];
            if odd.iter().any(|key| run.ledger["input"][key].as_u64() > Some(0)) {
                judged += 1;
                continue 'captures;
            }
            assert_same(&run, &reference, &name);
            assert!(common::adds_up(&run.ledger), "{name}");
            assert_eq!(run.ledger["counters"]["outside_time"]["packets"], outside, "{name}");
            assert_eq!(run.ledger["packets"], all.len(), "{name}");
        }
        // Files that are wholly outside, and one that the period cuts.
        let (first, second) = all.split_at(all.len() / 8 + 1);
        let mut pieces = [first, second].map(<[Packet]>::to_vec);
        for piece in &mut pieces {
            piece.sort_by_key(|p| p.ts);
        }
        if first.iter().any(|p| second.iter().any(|q| q.ts < p.ts)) {
            continue;
        }
        let pieces = [written(dir.path(), "1.pcap", first), written(dir.path(), "2.pcap", second)];
        let run = read(&period, &[], &[&pieces[1], &pieces[0]]);
        assert_same(&run, &reference, &format!("{name} in two files"));
    }
    assert!(tried > 50, "{tried} captures");
    assert!(judged * 10 < tried, "{judged} of {tried} captures have odd times");
}

#[test]
fn what_began_before_is_not_known() {
    let capture = case("tls12-full").join("capture.pcap");
    let all = packets::read(&fs::read(&capture).expect("a capture")).expect("packets");
    let last = all.iter().map(|p| p.ts).max().expect("packets");
    // The handshake is over by then.
    let run = read(&["--since".into(), rfc3339(last - 200_000)], &[], &[&capture]);
    let [connection] = run.connections.as_slice() else { panic!("{:?}", run.connections) };
    assert_eq!(connection["midstream"], true);
    assert_ne!(connection["protection_known"], true, "{connection}");
    assert_eq!(run.ledger["connections"]["unprotected"], 0);
    // Where the period ends before the end, the connection is open.
    let middle = all[all.len() / 2].ts;
    let run = read(&["--until".into(), rfc3339(middle)], &[], &[&capture]);
    assert_eq!(run.connections[0]["open"], true);
}

#[test]
fn a_period_without_packets_says_when_they_are() {
    let capture = case("tls12-full").join("capture.pcap");
    let dir = tempfile::tempdir().expect("a directory");
    let records = dir.path().join("out.smf");
    let mut command = zerttap();
    command.args(["read", "--since", "2030-01-01", "-w"]).arg(&records).arg(&capture);
    let output = command.output().expect("the program runs");
    let (_, stderr) = common::text(&output);
    assert!(output.status.success(), "{stderr}");
    assert!(stderr.contains("those of the input are from 2026-11-23T05:34:48.676"), "{stderr}");
    // No packet, no records, not even that zERT was on.
    assert_eq!(fs::read(records).expect("a file"), b"");
}

#[test]
fn times_are_in_the_zone_of_the_records() {
    let capture = case("tls12-full").join("capture.pcap");
    let packets = |options: &[&str]| {
        let options = [&OPTIONS[..], options].concat();
        let run = read_all(&options, &[&capture]);
        run.ledger["counters"]["outside_time"]["packets"].as_u64().expect("a number")
    };
    // The packets are of 05:34:48 UTC.
    assert_eq!(packets(&["--since", "2026-11-23T05:34:48"]), 0);
    assert_eq!(packets(&["--since", "2026-11-23T05:34:49"]), 17);
    assert_eq!(packets(&["--tz", "Europe/Berlin", "--since", "2026-11-23T06:34:48"]), 0);
    assert_eq!(packets(&["--tz", "Europe/Berlin", "--since", "2026-11-23T06:34:49"]), 17);
    assert_eq!(packets(&["--tz", "Europe/Berlin", "--since", "2026-11-23T05:34:49Z"]), 17);
    assert_eq!(packets(&["--until", "2026-11-23T05:34:48"]), 17);
}
