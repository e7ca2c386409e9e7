//! Captures that have packets twice: every case is doubled in the ways of mirrors, and says what
//! it said before; what was sent again stays what it is.

mod common;
#[path = "common/packets.rs"]
mod packets;

use std::fs;
use std::path::Path;

use packets::{Packet, to_pcapng};
use serde_json::Value;

const MS: i64 = 1_000_000;

/// The numbers of an IP header's bytes in an Ethernet frame without tags.
fn ip_at(packet: &Packet) -> Option<usize> {
    let known = packet.link == 1 && matches!(packet.data.get(12..14)?, [8, 0] | [0x86, 0xDD]);
    known.then_some(14)
}

/// As at the other side of a router and on a trunk.
fn routed(packet: &Packet) -> Packet {
    let mut copy = packet.clone();
    let Some(ip) = ip_at(packet) else { return copy };
    let (hop_limit, checksums) = match copy.data.get(ip).map(|b| b >> 4) {
        Some(4) if copy.data.len() >= ip + 40 => (ip + 8, vec![ip + 10, ip + 36]),
        Some(6) if copy.data.len() >= ip + 60 => (ip + 7, vec![ip + 56]),
        _ => return copy,
    };
    copy.data[hop_limit] = copy.data[hop_limit].saturating_sub(1);
    let is_whole_tcp = match checksums.len() {
        2 => copy.data[ip + 9] == 6 && copy.data[ip + 6] & 0x3F == 0 && copy.data[ip + 7] == 0,
        _ => copy.data[ip + 6] == 6,
    };
    for at in checksums.into_iter().filter(|_| is_whole_tcp) {
        copy.data[at] ^= 0x55;
    }
    copy.data[..12].copy_from_slice(&[2, 9, 9, 9, 9, 9, 2, 8, 8, 8, 8, 8]);
    copy.data.splice(12..12, [0x81, 0, 0, 7]);
    copy.wire += 4;
    copy
}

/// As a distributor forwards it: in GRE.
fn forwarded(packet: &Packet) -> Packet {
    let mut copy = packet.clone();
    let Some(ip) = ip_at(packet).filter(|ip| packet.data[*ip] >> 4 == 4) else { return copy };
    let length = u16::try_from(packet.wire as usize - ip + 24).expect("short").to_be_bytes();
    let mut outer = vec![0x45, 0, length[0], length[1], 0x77, 0x77, 0, 0, 64, 47, 0, 0];
    outer.extend([10, 1, 1, 1, 10, 1, 1, 2, 0, 0, 8, 0]);
    copy.data.splice(ip..ip, outer);
    copy.wire += 24;
    copy
}

/// A capture with a copy of each packet, so many nanoseconds later.
fn doubled(
    packets: &[Packet],
    copy: fn(&Packet) -> Packet,
    later: impl Fn(usize) -> i64,
) -> Vec<Packet> {
    let copies = packets.iter().enumerate().map(|(n, packet)| {
        let copy = copy(packet);
        Packet { ts: packet.ts + later(n), ..copy }
    });
    let mut all: Vec<(i64, bool, Packet)> =
        packets.iter().map(|p| (p.ts, false, p.clone())).collect();
    all.extend(copies.map(|p| (p.ts, true, p)));
    all.sort_by_key(|(ts, copy, _)| (*ts, *copy));
    all.into_iter().map(|(_, _, packet)| packet).collect()
}

/// What `read` says of packets, and after them one that has nothing to do with them: the clock
/// that ends the run is the same.
fn output(options: &[&str], files: &[&[Packet]], end: i64) -> common::Run {
    let dir = tempfile::tempdir().expect("a directory");
    let mut paths = Vec::new();
    for (n, packets) in files.iter().enumerate() {
        let mut packets = packets.to_vec();
        if n == 0 {
            let data = [&[0xFF; 12][..], &[8, 6], &[0; 28]].concat();
            packets.push(Packet { ts: end, link: 1, wire: 42, data });
        }
        let path = dir.path().join(format!("{n}.pcapng"));
        fs::write(&path, to_pcapng(&packets)).expect("written");
        paths.push(path);
    }
    let paths: Vec<&Path> = paths.iter().map(|p| p.as_path()).collect();
    let options = [&["--detail", "--include-midstream", "-q"], options].concat();
    common::read_all(&options, &paths)
}

fn count(run: &common::Run, name: &str) -> u64 {
    run.ledger["counters"][name]["packets"].as_u64().expect("a number")
}

/// What a copy of a packet can be told of.
const FOLLOWED: [&str; 6] = ["tcp_followed", "tcp_midstream", "ee", "ike", "esp", "ip_fragment"];

fn assert_same(run: &common::Run, reference: &common::Run, what: &str) {
    let objects = |run: &common::Run| run.connections.iter().chain(&run.lines).cloned().collect();
    let [found, expected]: [Vec<Value>; 2] = [objects(run), objects(reference)];
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found, expected, "{what}");
    }
    assert!(run.records == reference.records, "{what}: records");
    for name in FOLLOWED {
        assert_eq!(count(run, name), count(reference, name), "{what}: {name}");
    }
    assert_eq!(run.ledger["streams"], reference.ledger["streams"], "{what}");
    assert!(common::adds_up(&run.ledger), "{what}");
}

#[test]
fn every_case_says_the_same_when_it_is_doubled() {
    let mut tried = 0;
    for capture in common::captures() {
        let name = capture.display().to_string();
        if name.contains("..") {
            continue;
        }
        let Some(packets) = fs::read(&capture).ok().and_then(|bytes| packets::read(&bytes)) else {
            continue;
        };
        tried += 1;
        let end = packets.iter().map(|p| p.ts).max().expect("packets") + 20_000 * MS;
        let reference = output(&[], &[&packets], end);
        let followed: u64 = FOLLOWED.iter().map(|name| count(&reference, name)).sum();
        let own = count(&reference, "duplicate");
        // After some others, but not later than what only time tells allows.
        let interleaved = |n: usize| match packets.get(n + 3) {
            Some(third) => (third.ts - packets[n].ts).clamp(0, 4 * MS),
            None => 3 * MS,
        };
        let ways: [(&str, Vec<Packet>); 4] = [
            ("exact copies", doubled(&packets, Packet::clone, |_| 1_000)),
            ("both sides of a router", doubled(&packets, routed, |_| MS)),
            ("copies after some others", doubled(&packets, routed, interleaved)),
            ("a distributor", doubled(&packets, forwarded, |_| 20_000)),
        ];
        for (way, all) in &ways {
            let run = output(&[], &[all], end);
            assert_same(&run, &reference, &format!("{name}: {way}"));
            let copies = count(&run, "duplicate") - own;
            assert!(copies >= followed, "{name}: {way}: {copies} of {followed}");
        }
        // From two interfaces, on one thread and in batches of a few packets.
        let copies: Vec<Packet> = packets.iter().map(routed).collect();
        let run = output(&["--threads", "1", "--batch", "3"], &[&packets, &copies], end);
        assert_same(&run, &reference, &format!("{name}: two files"));
        // If all are to count they do.
        let run = output(&["--keep-duplicates"], &[&ways[0].1], end);
        assert_eq!(count(&run, "duplicate"), 0, "{name}");
    }
    assert!(tried > 60, "{tried} cases");
}

const C: ([u8; 4], u16) = ([192, 0, 2, 1], 40_000);
const S: ([u8; 4], u16) = ([198, 51, 100, 2], 992);
const SYN: u8 = 2;
const ACK: u8 = 16;
const FIN: u8 = 1;

/// A segment with an identification; a client's or a server's.
fn segment(ms: i64, up: bool, id: u16, flags: u8, (seq, ack): (u32, u32), data: &[u8]) -> Packet {
    let ends = if up { [C, S] } else { [S, C] };
    let ts = 1_700_000_000_000 * MS + ms * MS;
    let mut packet = packets::tcp(ts, ends, flags, seq, ack, data);
    packet.data[18..20].copy_from_slice(&id.to_be_bytes());
    packet
}

/// A connection in which the client sends 30 bytes three times, and the server asks for them
/// by acknowledging the same twice.
fn lossy(id: impl Fn(u16) -> u16) -> Vec<Packet> {
    let data = [b'a'; 30];
    vec![
        segment(0, true, id(1), SYN, (99, 0), &[]),
        segment(10, false, id(901), SYN | ACK, (499, 100), &[]),
        segment(20, true, id(2), ACK, (100, 500), &[]),
        segment(30, true, id(3), ACK, (100, 500), &data),
        segment(31, true, id(4), ACK, (130, 500), &data),
        segment(40, false, id(902), ACK, (500, 100), &[]),
        segment(41, false, id(903), ACK, (500, 100), &[]),
        segment(43, true, id(5), ACK, (100, 500), &data),
        segment(343, true, id(6), ACK, (100, 500), &data),
        segment(350, false, id(904), ACK, (500, 160), &[]),
        segment(360, true, id(7), ACK | FIN, (160, 500), &[]),
        segment(370, false, id(905), ACK | FIN, (500, 161), &[]),
        segment(380, true, id(8), ACK, (161, 501), &[]),
    ]
}

#[test]
fn what_was_sent_again_is_no_copy() {
    type Id = fn(u16) -> u16;
    let ids: [(&str, Id); 4] = [
        ("own", |n| n),
        ("none", |_| 0),
        ("all the same", |_| 7),
        ("kept", |n| match n {
            5 | 6 => 3,
            n => n,
        }),
    ];
    for (kind, id) in ids {
        let packets = lossy(id);
        let end = packets[0].ts + 20_000 * MS;
        let all = output(&["--keep-duplicates"], &[&packets], end);
        let reference = output(&[], &[&packets], end);
        assert_same(&reference, &all, kind);
        assert_eq!(count(&reference, "duplicate"), 0, "{kind}");
        let [connection] = &reference.connections[..] else { panic!("{kind}") };
        let number = |value: &Value| value.as_u64().expect("a number");
        assert_eq!(number(&connection["retransmitted"]), 2, "{kind}");
        assert_eq!(number(&connection["segments"]["from_client"]), 8, "{kind}");
        assert_eq!(number(&connection["segments"]["from_server"]), 5, "{kind}");
        // The same when everything is there twice.
        let run = output(&[], &[&doubled(&packets, routed, |_| MS / 10)], end);
        assert_same(&run, &reference, kind);
        assert_eq!(count(&run, "duplicate"), 13, "{kind}");
        let run = output(&[], &[&doubled(&packets, Packet::clone, |_| 0)], end);
        assert_same(&run, &reference, kind);
    }
}

#[test]
fn a_mirror_of_one_side_and_some_packets() {
    let packets = lossy(|n| n);
    let end = packets[0].ts + 20_000 * MS;
    let reference = output(&[], &[&packets], end);
    for kept in 0..1_u32 << packets.len() {
        // Every tenth of all choices, those of one direction among them.
        if kept % 10 != 0 && kept != 0b0101_0110_1001 {
            continue;
        }
        let mut all = doubled(&packets, routed, |_| 50_000);
        let mut n = 0;
        all.retain(|packet| {
            let copy = packet.data[12..14] == [0x81, 0];
            n += u32::from(copy);
            !copy || kept >> (n - 1) & 1 == 1
        });
        if kept % 100 != 0 {
            continue;
        }
        let run = output(&[], &[&all], end);
        assert_same(&run, &reference, &format!("{kept:b}"));
        assert_eq!(count(&run, "duplicate"), u64::from(kept.count_ones()), "{kept:b}");
    }
}

/// Captures beside the project that have packets twice, and how many are recognised.
const DOUBLED: [(&str, u64); 9] = [
    // It was appended to itself: 83 packets are there twice, and where the clock is set back time
    // goes on, so that most of them come too late to be copies.
    ("CESNET__ipfixprobe/tls.pcap", 27),
    ("arkime__arkime/tcp_handshake_synthetic.pcap", 1),
    ("hashsploit__packet-captures/master_capture.pcapng", 570),
    ("ntop__nDPI/capwap_data.pcapng", 8),
    ("ntop__nDPI/ftp-start-tls.pcap", 16),
    ("ntop__nDPI/heuristic_tcp_ack_payload.pcap", 19),
    ("ntop__nDPI/psiphon3.pcap", 31),
    ("ntop__nDPI/whois.pcapng", 3),
    ("plashchynski__libdssl/ssl2test1.cap", 1),
];

#[test]
fn copies_are_where_they_are() {
    let Some(dir) = common::shared_captures() else {
        eprintln!("no captures beside the project: nothing to compare");
        return;
    };
    let mut found = Vec::new();
    for capture in common::captures().into_iter().filter(|path| path.starts_with(&dir)) {
        let run = common::read(&["--include-midstream"], &[&capture]);
        let name = capture.strip_prefix(&dir).expect("a name").display().to_string();
        found.extend(Some((name, count(&run, "duplicate"))).filter(|(_, copies)| *copies > 0));
    }
    found.sort();
    let expected = DOUBLED.map(|(name, copies)| (name.to_owned(), copies));
    assert_eq!(found, expected);
}
