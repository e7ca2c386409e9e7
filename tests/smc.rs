//! Connections whose data go by SMC, and those that were offered it and use TCP all the same.

mod common;
#[path = "common/packets.rs"]
mod packets;

use std::fs;

use packets::{Packet, tcp, to_pcapng};
use serde_json::Value;

const C: ([u8; 4], u16) = ([192, 0, 2, 1], 40_000);
const S: ([u8; 4], u16) = ([198, 51, 100, 2], 4000);
const SYN: u8 = 2;
const ACK: u8 = 16;
const FIN: u8 = 1;
const MS: i64 = 1_000_000;
const R: [u8; 4] = [0xE2, 0xD4, 0xC3, 0xD9];
const D: [u8; 4] = [0xE2, 0xD4, 0xC3, 0xC4];

const PROPOSAL: u8 = 1;
const ACCEPT: u8 = 2;
const CONFIRM: u8 = 3;
const DECLINE: u8 = 4;

/// A message of connection layer control of RFC 7609's length.
fn clc(eyecatcher: [u8; 4], kind: u8, flags: u8) -> Vec<u8> {
    let length = match kind {
        PROPOSAL => 52_u16,
        DECLINE => 28,
        _ => 68,
    };
    let mut message = eyecatcher.to_vec();
    message.push(kind);
    message.extend(length.to_be_bytes());
    message.push(0x10 | flags);
    message.resize(usize::from(length) - 4, 7);
    message.extend(eyecatcher);
    message
}

/// A SYN with the option, or without.
fn syn(packet: Packet, offers: bool) -> Packet {
    let mut packet = packet;
    if offers {
        packet.data.extend([2, 4, 5, 180, 254, 6]);
        packet.data.extend(R);
        packet.data.extend([1, 1]);
        packet.data[14 + 3] += 12;
        packet.data[14 + 20 + 12] = 0x80;
        packet.wire += 12;
    }
    packet
}

/// A connection of so many seconds in which both sides say what they say, the client first.
fn connection(offers: [bool; 2], said: &[(bool, Vec<u8>)], seconds: i64) -> Vec<Packet> {
    let start = 1_700_000_000_000 * MS;
    let mut at = start;
    let mut next = [100_u32, 500];
    let mut all = vec![
        syn(tcp(at, [C, S], SYN, 99, 0, &[]), offers[0]),
        syn(tcp(at + MS, [S, C], SYN | ACK, 499, 100, &[]), offers[1]),
        tcp(at + 2 * MS, [C, S], ACK, 100, 500, &[]),
    ];
    let mut say = |at: i64, client: bool, flags: u8, bytes: &[u8]| {
        let (ends, [seq, ack]) = if client { ([C, S], next) } else { ([S, C], [next[1], next[0]]) };
        all.push(tcp(at, ends, flags, seq, ack, bytes));
        let length = u32::try_from(bytes.len()).expect("short") + u32::from(flags & FIN);
        next[usize::from(!client)] += length;
    };
    for (client, bytes) in said {
        at += 10 * MS;
        say(at, *client, ACK, bytes);
    }
    let end = start + seconds * 1000 * MS;
    say(end, true, ACK | FIN, &[]);
    say(end + MS, false, ACK | FIN, &[]);
    say(end + 2 * MS, true, ACK, &[]);
    all
}

fn output(options: &[&str], packets: &[Packet]) -> common::Run {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("all.pcapng");
    fs::write(&path, to_pcapng(packets)).expect("written");
    let run = common::read(&[&["-q"], options].concat(), &[&path]);
    assert!(common::adds_up(&run.ledger));
    run
}

fn agreed(eyecatcher: [u8; 4]) -> Vec<(bool, Vec<u8>)> {
    let direct = u8::from(eyecatcher == D);
    vec![
        // Linux proposes with the one eyecatcher whatever the method.
        (true, clc(R, PROPOSAL, direct)),
        (false, clc(eyecatcher, ACCEPT, 0)),
        (true, clc(eyecatcher, CONFIRM, 0)),
    ]
}

/// What was said of the only connection: how its data go, whether its protection is known, and
/// the counters of the ledger.
fn told(run: &common::Run) -> (Value, Value, [u64; 3]) {
    let [connection] = &run.connections[..] else { panic!("one connection") };
    let counts = ["smc", "unprotected", "not_known"]
        .map(|name| run.ledger["connections"][name].as_u64().expect("a number"));
    (connection["smc"].clone(), connection["protection_known"].clone(), counts)
}

#[test]
fn what_goes_by_smc_is_no_clear_text() {
    for (eyecatcher, name) in [(R, "smc-r"), (D, "smc-d")] {
        for offers in [[true; 2], [false; 2]] {
            for seconds in [2, 30] {
                let run = output(&[], &connection(offers, &agreed(eyecatcher), seconds));
                assert_eq!(told(&run), (name.into(), false.into(), [1, 0, 0]), "{seconds}");
                let why = "the data are exchanged by SMC, not over TCP";
                assert_eq!(run.connections[0]["not_known"], why);
                // The stack sees a TCP connection in which nothing is recognised.
                let kinds: Vec<(u8, u8)> =
                    run.events.iter().map(|e| (e.kind, e.protocols)).collect();
                let expected: &[(u8, u8)] =
                    if seconds < 10 { &[(4, 0)] } else { &[(1, 0), (3, 0)] };
                assert_eq!(kinds, expected);
            }
        }
        // A proposal that nobody was captured to answer, pieces of any size, an answer alone.
        let half = &agreed(eyecatcher)[..1];
        assert_eq!(told(&output(&[], &connection([true; 2], half, 2))).0, name);
        let pieces: Vec<(bool, Vec<u8>)> = agreed(eyecatcher)
            .iter()
            .flat_map(|(client, bytes)| bytes.iter().map(|b| (*client, vec![*b])))
            .collect();
        assert_eq!(told(&output(&[], &connection([false; 2], &pieces, 2))).0, name);
    }
    // Both have offered it, and nothing was sent.
    let run = output(&[], &connection([true; 2], &[], 2));
    assert_eq!(told(&run), ("smc-r".into(), false.into(), [1, 0, 0]));
}

#[test]
fn the_table_tells_of_it_apart() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("all.pcapng");
    fs::write(&path, to_pcapng(&connection([true; 2], &agreed(R), 30))).expect("written");
    let output = common::zerttap().arg("read").arg("-q").arg(&path).output().expect("it runs");
    let table = common::text(&output).0;
    assert!(table.contains("exchanged by SMC"), "{table}");
    assert!(table.contains("198.51.100.2:4000  192.0.2.1  unknown"), "{table}");
    assert!(table.contains("Without recognised protection: 0 of 1"), "{table}");
}

#[test]
fn what_was_declined_is_a_connection_like_any_other() {
    let http = |clc: Vec<(bool, Vec<u8>)>| {
        let mut said = clc;
        said.push((true, b"GET / HTTP/1.1\r\n\r\n".to_vec()));
        said.push((false, b"HTTP/1.1 200 OK\r\n\r\n".to_vec()));
        said
    };
    let proposal = (true, clc(R, PROPOSAL, 0));
    let declines: [Vec<(bool, Vec<u8>)>; 4] = [
        vec![proposal.clone(), (false, clc(R, DECLINE, 0))],
        vec![proposal.clone(), (false, clc(D, ACCEPT, 0)), (true, clc(D, DECLINE, 0))],
        // The link was not set up after all.
        agreed(R).into_iter().chain([(false, clc(R, DECLINE, 0))]).collect(),
        // Only offered.
        vec![],
    ];
    for declined in declines {
        let run = output(&[], &connection([true; 2], &http(declined.clone()), 30));
        assert_eq!(told(&run), (Value::Null, true.into(), [0, 1, 0]), "{declined:?}");
    }
    // A handshake after it is one of the connection's beginning.
    let whole = fs::read(common::case("tls12-full").join("capture.pcap")).expect("a case");
    let flights = packets::flights(&whole);
    for declined in [vec![], vec![proposal, (false, clc(R, DECLINE, 0))]] {
        for options in [&[][..], &["--strict"]] {
            let said: Vec<(bool, Vec<u8>)> =
                declined.iter().cloned().chain(flights.iter().cloned()).collect();
            let run = output(options, &connection([true; 2], &said, 30));
            let connection = &run.connections[0];
            assert_eq!(connection["protection"][0], "tls", "{connection}");
            assert_eq!(told(&run).0, Value::Null);
            assert!(run.events.iter().all(|e| e.protocols == 0x80), "{:?}", run.events);
        }
    }
}
