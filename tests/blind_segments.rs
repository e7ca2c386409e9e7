//! Blind resets and SYNs in the captures of the cases: everything stays as it is.

mod common;
#[path = "common/packets.rs"]
mod packets;
#[path = "common/tcp_capture.rs"]
mod tcp_capture;

use std::collections::BTreeMap;
use std::fs;

use packets::Packet;
use serde_json::Value;
use tcp_capture::{ACK, FIN, RST, SYN, read};

/// A generator of numbers that are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        // Knuth's constants for a linear congruence modulo 2^64.
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % bound.max(1)
    }
}

/// Places of a capture's packets by connection, up to the first FIN or reset of each: TCP in
/// IPv4 on Ethernet.
fn places(packets: &[Packet]) -> Vec<Vec<usize>> {
    let mut all: BTreeMap<[Vec<u8>; 2], (Vec<usize>, bool)> = BTreeMap::new();
    for (n, p) in packets.iter().enumerate() {
        let tcp = p.link == 1
            && p.data.len() >= 54
            && p.data[12..15] == [8, 0, 0x45]
            && p.data[20] & 0x3F == 0
            && p.data[21] == 0
            && p.data[23] == 6;
        if !tcp {
            continue;
        }
        let end = |address: usize, port: usize| {
            [&p.data[address..address + 4], &p.data[port..port + 2]].concat()
        };
        let mut ends = [end(26, 34), end(30, 36)];
        ends.sort();
        let (found, over) = all.entry(ends).or_default();
        *over |= p.data[47] & (FIN | RST) != 0;
        if !*over {
            found.push(n);
        }
    }
    all.into_values().map(|(found, _)| found).filter(|found| found.len() > 4).collect()
}

#[test]
fn blind_resets_and_syns_leave_every_case_as_it_is() {
    let mut numbers = Numbers(1);
    let mut tried = 0;
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let mut cases: Vec<_> =
        fs::read_dir(root).expect("cases").flatten().map(|e| e.path()).collect();
    cases.sort();
    for case in cases {
        let file = case.join("capture.pcap");
        let Some(packets) = fs::read(&file).ok().and_then(|bytes| packets::read(&bytes)) else {
            continue;
        };
        let places = places(&packets);
        if places.is_empty() || packets.iter().any(|p| p.link != 1) {
            continue;
        }
        // After which packet, and what.
        let mut blind: Vec<(usize, Packet)> = Vec::new();
        for _ in 0..6 {
            let connection = &places[numbers.below(places.len())];
            let at = connection[numbers.below(connection.len() - 1)];
            let like = &packets[at];
            let mut data = like.data[..54].to_vec();
            let seq = u32::from_be_bytes([data[38], data[39], data[40], data[41]]);
            // Far from any window that can be offered: by 2^30 and more on both sides.
            let far = 0x6000_0000 + u32::try_from(numbers.below(0x4000_0000)).expect("31 bits");
            data[38..42].copy_from_slice(&seq.wrapping_add(far).to_be_bytes());
            data[42..46].copy_from_slice(
                &u32::try_from(numbers.below(1 << 31)).expect("31 bits").to_be_bytes(),
            );
            data[16..18].copy_from_slice(&40u16.to_be_bytes());
            data[46] = 0x50;
            data[47] = [RST, RST | ACK, SYN][numbers.below(3)];
            blind.push((at, Packet { data, wire: 54, ..like.clone() }));
        }
        blind.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        let mut with = packets.clone();
        let count = blind.len();
        for (at, packet) in blind {
            with.insert(at + 1, packet);
        }
        let what = file.display();
        let (mut plain, mut altered) = (read(&packets, &[]), read(&with, &[]));
        let unaccepted: u64 =
            altered.connections.iter().filter_map(|c| c["unaccepted_segments"].as_u64()).sum();
        let before: u64 =
            plain.connections.iter().filter_map(|c| c["unaccepted_segments"].as_u64()).sum();
        assert_eq!(unaccepted, before + count as u64, "{what}");
        let strip = |connections: &mut Vec<Value>| {
            for connection in connections {
                connection.as_object_mut().expect("an object").remove("unaccepted_segments");
            }
        };
        strip(&mut plain.connections);
        strip(&mut altered.connections);
        assert_eq!(altered.connections, plain.connections, "{what}");
        assert_eq!(altered.lines, plain.lines, "{what}");
        assert!(altered.records == plain.records, "records differ: {what}");
        tried += 1;
    }
    assert!(tried > 50, "{tried}");
}
