//! From a connection to its packets: display filters, frame numbers, Community IDs, and the
//! packets themselves as `extract` writes them, held against an independent reader of captures
//! and, where it is there, against tshark.

mod common;
#[path = "common/packets.rs"]
mod packets;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{case, text, zerttap};
use packets::Packet;
use serde_json::Value;

fn connections(inputs: &[&Path]) -> Vec<Value> {
    let output = zerttap()
        .args(["read", "-q", "--jsonl", "-"])
        .args(inputs)
        .output()
        .expect("the program runs");
    assert!(output.status.success(), "{}", text(&output).1);
    let lines = text(&output).0;
    let all = lines.lines().map(|l| serde_json::from_str::<Value>(l).expect("JSON"));
    all.filter(|line| line["type"] == "connection").collect()
}

fn frames(connection: &Value) -> (u64, u64) {
    let number = |key: &str| connection[key]["frame"].as_u64().expect("a number");
    (number("first_frame"), number("last_frame"))
}

fn extract(options: &[&str], inputs: &[&Path]) -> (Vec<Packet>, String) {
    let dir = tempfile::tempdir().expect("a directory");
    let out = dir.path().join("out.pcapng");
    let output = zerttap()
        .arg("extract")
        .args(options)
        .arg("-w")
        .arg(&out)
        .args(inputs)
        .output()
        .expect("the program runs");
    let err = text(&output).1;
    assert!(output.status.success(), "{err}");
    (packets::read(&fs::read(&out).expect("a file")).expect("pcapng"), err)
}

/// A TCP segment between ports of two addresses, in raw IP or Ethernet.
fn segment(link: u16, ports: (u16, u16), up: bool, flags: u8, (seq, ack): (u32, u32)) -> Vec<u8> {
    let (mut src, mut dst) = ([192, 0, 2, 1], [198, 51, 100, 2]);
    let (mut from, mut to) = ports;
    if !up {
        std::mem::swap(&mut src, &mut dst);
        std::mem::swap(&mut from, &mut to);
    }
    let mut frame = Vec::new();
    if link == 1 {
        frame.extend([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0]);
    }
    frame.extend([0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0]);
    frame.extend(src);
    frame.extend(dst);
    frame.extend(from.to_be_bytes());
    frame.extend(to.to_be_bytes());
    frame.extend(seq.to_be_bytes());
    frame.extend(ack.to_be_bytes());
    frame.extend([0x50, flags, 0xFF, 0xFF, 0, 0, 0, 0]);
    frame
}

const SYN: u8 = 2;
const ACK: u8 = 16;
const FIN: u8 = 1;

/// A whole connection: seven segments, a second after each other.
fn connection(link: u16, ports: (u16, u16), start: i64, isn: u32) -> Vec<Packet> {
    let (c, s) = (isn, isn.wrapping_add(5_000));
    let steps = [
        (true, SYN, (c, 0)),
        (false, SYN | ACK, (s, c + 1)),
        (true, ACK, (c + 1, s + 1)),
        (true, FIN | ACK, (c + 1, s + 1)),
        (false, ACK, (s + 1, c + 2)),
        (false, FIN | ACK, (s + 1, c + 2)),
        (true, ACK, (c + 2, s + 2)),
    ];
    (0..)
        .zip(steps)
        .map(|(n, (up, flags, numbers))| {
            let data = segment(link, ports, up, flags, numbers);
            let ts = 1_700_000_000_000_000_001 + (start + n) * 1_000_000_000;
            Packet { ts, link, wire: u32::try_from(data.len()).expect("short"), data }
        })
        .collect()
}

/// Writes packets in order of time as a capture.
fn written(dir: &Path, name: &str, mut all: Vec<Packet>) -> PathBuf {
    all.sort_by_key(|packet| packet.ts);
    let path = dir.join(name);
    fs::write(&path, packets::to_pcapng(&all)).expect("written");
    path
}

fn same(a: &[Packet], b: &[Packet]) {
    let all = |packets: &[Packet]| -> Vec<(i64, u16, u32, Vec<u8>)> {
        packets.iter().map(|p| (p.ts, p.link, p.wire, p.data.clone())).collect()
    };
    assert_eq!(all(a), all(b));
}

#[test]
fn frames_are_numbered_in_each_file_and_end_points_that_come_again_are_apart() {
    let dir = tempfile::tempdir().expect("a directory");
    // Two that overlap in time, and the first one's end points again a while later.
    let first = connection(1, (1024, 23), 0, 100);
    let second = connection(1, (1025, 23), 2, 900);
    let again = connection(1, (1024, 23), 500, 70_000);
    let all = [first.clone(), second.clone(), again.clone()].concat();
    let one = written(dir.path(), "one.pcapng", all.clone());
    let found = connections(&[&one]);
    // In order of time: 1 to 7 but for the second's, which begins with the fourth packet.
    let mut sorted = all.clone();
    sorted.sort_by_key(|p| p.ts);
    let number = |packet: &Packet| {
        let at = sorted.iter().position(|p| p.ts == packet.ts && p.data == packet.data);
        at.expect("it is there") as u64 + 1
    };
    let expected =
        |packets: &[Packet]| (number(&packets[0]), number(packets.last().expect("some")));
    let ends: Vec<(u64, u64)> = found.iter().map(frames).collect();
    assert_eq!(ends, [expected(&first), expected(&second), expected(&again)]);
    for connection in &found {
        let (first, last) = frames(connection);
        assert_eq!(connection["first_frame"]["file"], one.to_str().expect("text"));
        let filter = connection["display_filter"].as_str().expect("text");
        let numbers = format!(" && frame.number >= {first} && frame.number <= {last}");
        assert!(filter.ends_with(&numbers), "{filter}");
    }
    // The same packets in two files, alternating: numbers count in each.
    let halves = [0, 1].map(|half| {
        let part = sorted.iter().enumerate().filter(|(n, _)| n % 2 == half);
        let name = format!("half{half}.pcapng");
        written(dir.path(), &name, part.map(|(_, p)| p.clone()).collect())
    });
    let split = connections(&[&halves[0], &halves[1]]);
    for (whole, parts) in found.iter().zip(&split) {
        let (first, last) = frames(whole);
        let place = |n: u64| (halves[usize::from(n.is_multiple_of(2))].to_str(), n.div_ceil(2));
        for (key, n) in [("first_frame", first), ("last_frame", last)] {
            let (file, frame) = place(n);
            assert_eq!(parts[key]["file"].as_str(), file);
            assert_eq!(parts[key]["frame"], frame);
        }
        assert_eq!(parts["community_id"], whole["community_id"]);
    }
    // Either way the packets of one connection are taken out, and no others.
    let inputs: [&[&Path]; 2] = [&[&one], &[&halves[0], &halves[1]]];
    for input in inputs {
        same(&extract(&["--port", "1025"], input).0, &second);
        same(&extract(&["--port", "1024"], input).0, &[first.clone(), again.clone()].concat());
    }
    let of_frame = number(&again[2]).to_string();
    same(&extract(&["--frame", &of_frame], &[&one]).0, &again);
    let id = found[1]["community_id"].as_str().expect("text");
    same(&extract(&["--community-id", id], &[&one]).0, &second);
    assert!(extract(&["--port", "1026"], &[&one]).0.is_empty());
    let (_, told) = extract(&["--port", "1024"], &[&one]);
    assert!(told.contains("14 packets of 2 of 3 connections"), "{told}");
}

#[test]
fn link_types_times_and_lengths_are_those_of_the_capture() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut ethernet = connection(1, (1024, 23), 0, 100);
    let raw = connection(101, (1025, 992), 3, 900);
    // The capture has cut this one.
    ethernet[3].wire = 1500;
    let both = written(dir.path(), "both.pcapng", [ethernet.clone(), raw.clone()].concat());
    let mut all = [ethernet.clone(), raw.clone()].concat();
    all.sort_by_key(|p| p.ts);
    same(&extract(&[], &[&both]).0, &all);
    same(&extract(&["--port", "992"], &[&both]).0, &raw);
    same(&extract(&["--filter", "port 23"], &[&both]).0, &ethernet);
}

#[test]
fn what_is_taken_out_is_the_connection_that_was_chosen() {
    let mut chosen = 0;
    for (name, options) in [
        ("tls12-full", &["--protection", "tls"][..]),
        ("clear-http", &["--protection", "none"]),
        ("tls12-unknown-ca", &["--failed"]),
        ("port-reuse", &[]),
        // The link of another address has a datagram in fragments.
        ("ee-clear", &["--protection", "none", "--ip", "192.0.2.1"]),
        ("ssh-curve25519-chacha20", &["--protection", "ssh"]),
    ] {
        let capture = case(name).join("capture.pcap");
        if !capture.exists() {
            continue;
        }
        let dir = tempfile::tempdir().expect("a directory");
        let out = dir.path().join("out.pcapng");
        let output = zerttap()
            .args(["extract", "-q"])
            .args(options)
            .arg("-w")
            .arg(&out)
            .arg(&capture)
            .output()
            .expect("the program runs");
        assert!(output.status.success(), "{name}: {}", text(&output).1);
        let plain = |mut connection: Value| {
            common::without_places(&mut connection);
            connection.to_string()
        };
        let whole: Vec<String> = connections(&[&capture]).into_iter().map(plain).collect();
        let taken: Vec<String> = connections(&[&out]).into_iter().map(plain).collect();
        assert!(!taken.is_empty(), "{name}");
        for connection in &taken {
            assert!(whole.contains(connection), "{name}: {connection}\n{whole:#?}");
        }
        let others = zerttap()
            .args(["extract", "-q", "--ip", "203.0.113.0/24", "-w", "-"])
            .arg(&capture)
            .output()
            .expect("the program runs");
        assert!(packets::read(&others.stdout).expect("pcapng").is_empty());
        chosen += 1;
    }
    assert!(chosen >= 4, "{chosen}");
    let (_, told) = extract(&[], &[&case("ee-clear").join("capture.pcap")]);
    assert!(told.contains("1 fragments of IP datagrams"), "{told}");
}

#[test]
fn wireshark_finds_the_same_packets() {
    let tshark = |arguments: &[&str], capture: &Path| {
        let output = Command::new("tshark").arg("-r").arg(capture).args(arguments).output().ok()?;
        Some(String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let mut checked = 0;
    for name in [
        "tls12-full",
        "tls13-full",
        "port-reuse",
        "ssh-curve25519-chacha20",
        "clear-http",
        "ee-clear",
    ] {
        let capture = case(name).join("capture.pcap");
        if !capture.exists() {
            continue;
        }
        let fields = ["-T", "fields", "-e", "tcp.stream", "-e", "frame.number"];
        let Some(told) = tshark(&fields, &capture) else {
            eprintln!("no tshark here: display filters are not tried");
            return;
        };
        let mut streams: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        for line in told.lines() {
            let mut cells = line.split('\t').filter_map(|n| n.parse().ok());
            if let (Some(stream), Some(frame)) = (cells.next(), cells.next()) {
                streams.entry(stream).or_default().push(frame);
            }
        }
        for connection in connections(&[&capture]) {
            let (first, last) = frames(&connection);
            let filter = connection["display_filter"].as_str().expect("text");
            let found = tshark(&["-Y", filter, "-T", "fields", "-e", "frame.number"], &capture);
            let found: Vec<u64> =
                found.unwrap_or_default().lines().filter_map(|n| n.parse().ok()).collect();
            assert_eq!((found.first(), found.last()), (Some(&first), Some(&last)), "{filter}");
            if connection["proto"] == "tcp" {
                let stream = streams.values().find(|stream| stream.contains(&first));
                assert_eq!(Some(&found), stream, "{name}: {filter}");
            }
            let id = connection["community_id"].as_str().expect("an identifier");
            let options = ["--enable-protocol", "communityid", "-Y", filter, "-T", "fields"];
            let asked = [&options[..], &["-e", "communityid"]].concat();
            let ids = tshark(&asked, &capture).unwrap_or_default();
            for line in ids.lines().filter(|line| !line.is_empty()) {
                assert_eq!(line, id, "{name}");
            }
            checked += 1;
        }
    }
    assert!(checked >= 4, "{checked}");
}

#[test]
fn connections_are_comma_separated_values() {
    let capture = case("tls12-full").join("capture.pcap");
    let run = |options: &[&str]| {
        let output = zerttap().args(["read", "-q"]).args(options).output().expect("it runs");
        (output.status.code(), text(&output))
    };
    let path = capture.to_str().expect("text");
    let (_, (out, _)) = run(&["--csv", "-", path]);
    let mut rows = out.split("\r\n");
    let head: Vec<&str> = rows.next().unwrap_or_default().split(',').collect();
    assert!(head.contains(&"server.port") && head.contains(&"community_id"), "{head:?}");
    let row: Vec<&str> = rows.next().unwrap_or_default().split(',').collect();
    assert_eq!(row.len(), head.len(), "{out}");
    let object = &connections(&[&capture])[0];
    let value = |name: &str| row[head.iter().position(|h| *h == name).expect("a column")];
    assert_eq!(value("server.port"), object["server"]["port"].to_string());
    assert_eq!(value("protection"), "tls");
    assert_eq!(value("display_filter"), object["display_filter"].as_str().expect("text"));
    let fields = "server.port,tls.cipher_suite,tls.server_certificate.subject";
    let (_, (out, _)) = run(&["--csv", "-", "--fields", fields, path]);
    let suite = object["tls"]["cipher_suite"].as_str().expect("text");
    let subject = object["tls"]["server_certificate"]["subject"].as_str().expect("text");
    assert!(out.starts_with(&format!("{fields}\r\n")), "{out}");
    assert!(out.contains(&format!(",{suite},")) && out.contains(subject), "{out}");
    let (status, (known, _)) = run(&["--fields", "help"]);
    assert_eq!(status, Some(0));
    // Every field that is there by default, and every key of the object.
    for name in head.iter().copied().chain(["tls.sni", "ee.priority", "ftp_data"]) {
        assert!(known.lines().any(|line| line == name), "{name}: {known}");
    }
    let (status, (_, err)) = run(&["--csv", "-", "--fields", "server.prot", path]);
    assert!(status == Some(2) && err.contains("server.port"), "{err}");
    let (status, (_, err)) = run(&["--fields", "server.port", path]);
    assert!(status == Some(2) && err.contains("--csv"), "{err}");
    let (status, (_, err)) = run(&["--csv", "-", "--jsonl", "-", path]);
    assert!(status == Some(2) && err.contains("only one of"), "{err}");
}

#[test]
fn what_cannot_be_taken_out_is_told() {
    let fails = |options: &[&str], says: &str| {
        let output = zerttap().arg("extract").args(options).output().expect("it runs");
        let err = text(&output).1;
        assert!(output.status.code() == Some(2) && err.contains(says), "{err}");
    };
    let capture = case("tls12-full").join("capture.pcap");
    let capture = capture.to_str().expect("text");
    fails(&["-w", "-", "-"], "standard input cannot be read twice");
    fails(&["-w", "-", "--frame", "1", capture, capture], "one file, and there are 2");
    fails(&[capture], "--write");
    fails(&["-w", "-", "/nonexistent"], "/nonexistent");
}
