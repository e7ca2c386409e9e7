//! Clocks that are wrong: one time stamp far from its neighbours changes nothing, gaps are gaps,
//! and a clock that was set back ends, splits and ages no connection.

mod common;
#[path = "common/packets.rs"]
mod packets;
#[path = "common/tcp_capture.rs"]
mod tcp_capture;

use std::fs;
use std::path::{Path, PathBuf};

use common::{Run, records_of};
use packets::Packet;
use serde_json::Value;
use tcp_capture::{BEGIN, C, Capture, MILLI, RST, SYN, events, read};

const SECOND: i64 = 1000 * MILLI;
const DAY: i64 = 86_400 * SECOND;
/// 2063-01-01 00:00:00 UTC.
const FUTURE: i64 = 2_934_835_200 * SECOND;

/// Several connections at once: a long one that is closed, one that is reset, one that settles
/// only at the end, one that is never answered, and one that is open.
fn traffic() -> Vec<Packet> {
    let shift = |capture: Capture, client: u8| -> Vec<Packet> {
        let mut out = capture.out;
        for packet in &mut out {
            for at in [26, 30] {
                if packet.data[at..at + 3] == [198, 51, 100] {
                    packet.data[at + 3] = client;
                }
            }
        }
        out
    };
    let later = |seconds: i64| {
        let mut capture = Capture::new([1000, 5000]);
        capture.now += seconds * SECOND;
        capture
    };
    let mut all = shift(Capture::open().wait(9).talk().wait(9).talk().close(), 1);
    all.extend(shift(later(1).opened().wait(2).with(|c| c.reset(C, 0)), 2));
    all.extend(shift(later(14).opened().talk().talk(), 3));
    all.extend(shift(later(3).with(|c| c.send(C, SYN, 7, 0, 0)), 4));
    all.extend(shift(later(4).opened().wait(6).talk().wait(6).talk(), 5));
    all.sort_by_key(|p| p.ts);
    all
}

fn same_but_times(a: &Run, b: &Run, what: &str) {
    let without_times = |run: &Run| -> Vec<Value> {
        let mut all = run.connections.clone();
        for connection in &mut all {
            for key in ["start", "end", "established_at"] {
                connection.as_object_mut().expect("an object").remove(key);
            }
        }
        all
    };
    assert_eq!(without_times(a), without_times(b), "{what}");
    assert_eq!(events(a), events(b), "{what}");
    assert_eq!(records_of(&a.records).len(), records_of(&b.records).len(), "{what}");
    assert_eq!(a.ledger["connections"], b.ledger["connections"], "{what}");
    let time = |connection: &Value, key: &str| -> Option<i64> {
        let time = connection[key].as_str()?.parse::<jiff::Timestamp>().expect("a time");
        Some(time.as_millisecond())
    };
    for (a, b) in a.connections.iter().zip(&b.connections) {
        for key in ["start", "end", "established_at"] {
            // The neighbours are not farther away.
            let near = match (time(a, key), time(b, key)) {
                (Some(a), Some(b)) => (a - b).abs() < 10_000,
                (a, b) => a == b,
            };
            assert!(near, "{what}: {key} {} {}", a[key], b[key]);
        }
        assert!(time(a, "end").is_none_or(|end| Some(end) >= time(a, "start")), "{what}");
    }
}

#[test]
fn a_wrong_time_stamp_changes_nothing() {
    let packets = traffic();
    let plain = read(&packets, &["--interval", "1"]);
    assert_eq!(plain.connections.len(), 5);
    type Wrong = fn(i64) -> i64;
    let wrong: [(&str, Wrong); 6] = [
        ("2063", |_| FUTURE),
        ("1970", |_| 0),
        ("a day ahead", |ts| ts + DAY),
        ("a day before", |ts| ts - DAY),
        ("an hour ahead", |ts| ts + DAY / 24),
        ("an hour before", |ts| ts - DAY / 24),
    ];
    for (what, wrong) in wrong {
        for at in 0..packets.len() {
            let gap = (what.starts_with("a day ahead") || what.starts_with("an hour ahead"))
                && at + 1 == packets.len()
                || what.ends_with("before") && at == 0;
            if gap {
                // A gap is as likely.
                continue;
            }
            let mut altered = packets.clone();
            altered[at].ts = wrong(altered[at].ts);
            let run = read(&altered, &["--interval", "1"]);
            let what = format!("{what} at {at}");
            same_but_times(&run, &plain, &what);
            let input = &run.ledger["input"];
            let told = input["wrong_times"].as_u64().zip(input["clock_set_back"].as_u64());
            // The last one may be the first after the clock was set back.
            let set_back = at + 1 == packets.len() && what.contains("before");
            assert_eq!(told, Some(if set_back { (0, 1) } else { (1, 0) }), "{what}");
        }
    }
}

#[test]
fn a_few_wrong_time_stamps_change_nothing() {
    let packets = traffic();
    let plain = read(&packets, &[]);
    for count in 2..5 {
        for at in 1..packets.len() - 8 {
            let mut altered = packets.clone();
            altered[at..at + count].iter_mut().for_each(|p| p.ts += DAY);
            let run = read(&altered, &[]);
            same_but_times(&run, &plain, &format!("{count} at {at}"));
            assert_eq!(run.ledger["input"]["wrong_times"], count);
        }
    }
}

#[test]
fn a_clock_that_is_set_back_ends_nothing_before_its_start() {
    let packets = traffic();
    let plain = read(&packets, &[]);
    for step in [60 * SECOND, DAY / 24, DAY, 400 * DAY] {
        // Of the first few it is they that are wrong.
        for at in 8..packets.len() {
            let mut altered = packets.clone();
            altered[at..].iter_mut().for_each(|p| p.ts -= step);
            let run = read(&altered, &[]);
            let what = format!("{} s at {at}", step / SECOND);
            assert_eq!(run.ledger["input"]["clock_set_back"], 1, "{what}");
            // How long the step took is not known, so long ones may be so a little later.
            let ends = |run: &Run| -> Vec<_> {
                let mut ends = events(run);
                ends.retain(|(kind, ..)| *kind > 1);
                ends.sort_unstable();
                ends
            };
            assert_eq!(ends(&run), ends(&plain), "{what}");
            assert_eq!(events(&run).len(), events(&plain).len(), "{what}");
            assert_eq!(run.ledger["connections"], plain.ledger["connections"], "{what}");
            for (c, p) in run.connections.iter().zip(&plain.connections) {
                assert_eq!((&c["close"], &c["bytes"]), (&p["close"], &p["bytes"]), "{what}");
                let time = |key: &str| c[key].as_str().map(str::to_owned);
                assert!(time("end").is_none_or(|end| end >= time("start").expect("one")), "{c}");
            }
            // What begins afterwards has the times of its packets.
            let first = altered[at..].iter().find(|p| p.data[47] == SYN);
            if let Some(first) = first {
                let start = jiff::Timestamp::from_nanosecond(first.ts.into()).expect("a time");
                let start = format!("{start:.9}");
                assert!(run.connections.iter().any(|c| c["start"] == start), "{what}: {start}");
            }
        }
    }
}

#[test]
fn timers_go_on_after_the_clock_was_set_back() {
    // A connection that begins after it, and lasts: it is a long one.
    let mut capture = Capture::open();
    capture.now -= DAY;
    let old = capture.out.clone();
    let mut new = Capture { now: capture.now, ..Capture::new([1000, 5000]) };
    new = new.opened().wait(5).talk().wait(5).talk().wait(5).talk();
    let mut out = old;
    for packet in &mut new.out {
        let at = if packet.data[26] == 198 { 34 } else { 36 };
        packet.data[at..at + 2].copy_from_slice(&40_001u16.to_be_bytes());
    }
    out.extend(new.close().out);
    let run = read(&out, &["--interval", "1"]);
    let kinds: Vec<u8> = events(&run).iter().map(|e| e.0).collect();
    assert!(kinds.contains(&1), "{kinds:?}");
    // Its records have the times of its packets.
    let shown = common::show(&run.records);
    assert!(shown.contains("2023-11-13") && !shown.contains("2023-11-15"), "{shown}");
}

#[test]
fn a_gap_of_a_day_is_one() {
    for at in [1, 5, 20] {
        let mut packets = traffic();
        packets[at..].iter_mut().for_each(|p| p.ts += DAY);
        let run = read(&packets, &["--interval", "60"]);
        let input = &run.ledger["input"];
        assert_eq!((&input["wrong_times"], &input["clock_set_back"]), (&0.into(), &0.into()));
        let last = run.connections.iter().filter_map(|c| c["end"].as_str()).max();
        assert!(last.is_some_and(|end| end.starts_with("2023-11-15T")), "{last:?}");
    }
}

#[test]
fn it_does_not_matter_how_packets_are_divided_among_files() {
    let dir = tempfile::tempdir().expect("a directory");
    let packets = traffic();
    let (n, half) = (packets.len(), packets.len() / 2);
    type Change = fn(usize, i64) -> i64;
    let changes: [(usize, Change); 6] = [
        (0, |_, _| 0),
        (half, |_, _| 0),
        (n - 1, |_, _| FUTURE),
        (half, |_, ts| ts),
        (3, |n, ts| if n >= 3 { ts + DAY } else { ts }),
        (n - 3, |_, ts| ts + DAY),
    ];
    for (number, (at, change)) in changes.into_iter().enumerate() {
        let mut altered = packets.clone();
        for (n, packet) in altered.iter_mut().enumerate().skip(at) {
            if n == at || number >= 4 {
                packet.ts = change(n, packet.ts);
            }
        }
        let whole = read(&altered, &[]);
        // Wherever the order stays the same if files are merged by time.
        let mut parts: Vec<Vec<Packet>> = vec![Vec::new()];
        for (n, packet) in altered.iter().enumerate() {
            let latest = altered[..n].iter().map(|p| p.ts).max();
            let earliest = altered[n..].iter().map(|p| p.ts).min();
            if n > 0 && latest <= earliest {
                parts.push(Vec::new());
            }
            parts.last_mut().expect("a part").push(packet.clone());
        }
        assert!(parts.len() > 4, "{number}");
        let files: Vec<PathBuf> =
            (0..parts.len()).map(|n| dir.path().join(format!("{number}.{n:03}.pcap"))).collect();
        for (file, part) in files.iter().zip(&parts) {
            fs::write(file, packets::to_pcap(part)).expect("written");
        }
        let inputs: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
        let divided = common::read_all(&["--detail", "-q"], &inputs);
        assert_eq!(divided.connections, whole.connections, "{number}");
        assert!(divided.records == whole.records, "{number}");
        for key in ["wrong_times", "clock_set_back"] {
            assert_eq!(divided.ledger["input"][key], whole.ledger["input"][key], "{number}");
        }
    }
}

#[test]
fn what_is_wrong_is_told_once() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("a.pcap");
    let mut packets = traffic();
    packets[7].ts = FUTURE;
    packets[11].ts = 0;
    let from = packets.len() - 9;
    packets[from..].iter_mut().for_each(|p| p.ts -= DAY);
    fs::write(&file, packets::to_pcap(&packets)).expect("written");
    let run = common::read_all(&["--detail"], &[&file]);
    let lines: Vec<&str> = run.stderr.lines().filter(|l| l.contains("time stamps")).collect();
    assert_eq!(lines.len(), 2, "{}", run.stderr);
    assert!(
        lines[0].contains("2 packets") && lines[0].contains("frame 8: 2063-01-01"),
        "{lines:?}"
    );
    assert!(lines[1].contains(&format!("frame {}", from + 1)), "{lines:?}");
    let input = &run.ledger["input"];
    assert_eq!((&input["wrong_times"], &input["clock_set_back"]), (&2.into(), &1.into()));
}

#[test]
fn a_reset_has_no_end_before_its_start() {
    let mut capture = Capture::open();
    capture.now = BEGIN - 3600 * SECOND;
    capture.send(C, RST, capture.next[C], 0, 0);
    let run = read(&capture.out, &[]);
    let c = &run.connections[0];
    assert!(c["end"].as_str() >= c["start"].as_str(), "{c}");
    assert_eq!(events(&run), [(4, 100, 50)]);
}
