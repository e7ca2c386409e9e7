//! "No recognised protection" is claimed only where the capture proves it; what it does not show
//! is not known, is told apart everywhere, and is in no record.

mod common;
#[path = "common/packets.rs"]
mod packets;

use std::path::Path;

use packets::Packet;

/// The packets of a case.
fn case(name: &str) -> Vec<Packet> {
    let file = std::fs::read(common::case(name).join("capture.pcap")).expect("the capture");
    packets::read(&file).expect("a capture")
}

/// What is said of the only connection of a capture.
struct Said {
    protection_known: bool,
    not_known: Option<String>,
    incomplete: bool,
    events: Vec<(u8, u8)>,
    summaries: usize,
    unprotected: u64,
    not_known_connections: u64,
    stderr: String,
    table: String,
}

fn said(dir: &Path, packets: &[Packet], options: &[&str]) -> Said {
    let capture = dir.join("capture.pcap");
    std::fs::write(&capture, packets::to_pcap(packets)).expect("written");
    let all = [&["--detail", "--no-tool-events"], options].concat();
    let run = common::read_all(&all, &[&capture]);
    let [connection] = &run.connections[..] else {
        panic!("{} connections", run.connections.len())
    };
    let output = common::zerttap().arg("read").arg(&capture).output().expect("the program runs");
    let counts = &run.ledger["connections"];
    Said {
        protection_known: connection["protection_known"] == true,
        not_known: connection["not_known"].as_str().map(str::to_owned),
        incomplete: connection["incomplete"] == true,
        events: run.events.iter().map(|e| (e.kind, e.protocols)).collect(),
        summaries: common::records_of(&run.records).iter().filter(|r| r[23] == 12).count(),
        unprotected: counts["unprotected"].as_u64().expect("a number"),
        not_known_connections: counts["not_known"].as_u64().expect("a number"),
        stderr: run.stderr,
        table: common::text(&output).0,
    }
}

fn is_not_known(said: &Said, what: &str) {
    assert!(!said.protection_known && said.not_known.is_some(), "{what}: {:?}", said.not_known);
    assert!(said.incomplete, "{what}");
    assert_eq!((said.unprotected, said.not_known_connections), (0, 1), "{what}");
    assert!(said.events.is_empty() && said.summaries == 0, "{what}: {:?}", said.events);
    assert!(said.stderr.contains("1 connection is in no record"), "{what}: {}", said.stderr);
    assert!(said.table.contains("Without recognised protection: 0 of 1"), "{what}: {}", said.table);
    assert!(said.table.contains("Protection not known"), "{what}: {}", said.table);
    assert!(said.table.contains("unknown"), "{what}: {}", said.table);
}

fn is_unprotected(said: &Said, what: &str) {
    assert!(said.protection_known && said.not_known.is_none(), "{what}: {:?}", said.not_known);
    assert_eq!((said.unprotected, said.not_known_connections), (1, 0), "{what}");
    assert_eq!(said.events, [(4, 0)], "{what}");
    assert_eq!(said.summaries, 1, "{what}");
    assert!(said.table.contains("Without recognised protection: 1 of 1"), "{what}: {}", said.table);
}

/// Bytes of headers before the payload of a packet of Ethernet, IPv4 and TCP.
fn headers(packet: &Packet) -> usize {
    let ip = usize::from(packet.data[14] & 15) * 4;
    14 + ip + usize::from(packet.data[14 + ip + 12] >> 4) * 4
}

fn has_payload(packet: &Packet) -> bool {
    packet.data.len() > headers(packet)
}

fn cut(packets: &[Packet], payload: usize) -> Vec<Packet> {
    let mut cut = packets.to_vec();
    cut.iter_mut().for_each(|p| p.data.truncate(headers(p) + payload));
    cut
}

/// Without some of the packets that have a payload.
fn without(packets: &[Packet], lost: impl Fn(usize) -> bool) -> Vec<Packet> {
    let mut n = 0;
    let kept = packets.iter().filter(|packet| {
        let data = has_payload(packet);
        n += usize::from(data);
        !(data && lost(n - 1))
    });
    kept.cloned().collect()
}

/// A connection in the clear: a question, its answer, in so many segments each.
fn clear(exchanges: u8) -> Vec<Packet> {
    let exchange = |n| [(true, vec![b'A' + n; 100]), (false, vec![b'a' + n; 100])];
    conversation(&(0..exchanges).flat_map(exchange).collect::<Vec<_>>())
}

/// A connection in which each end says something in turn.
fn conversation(said: &[(bool, Vec<u8>)]) -> Vec<Packet> {
    let ends = [([198, 51, 100, 7], 40_000_u16), ([192, 0, 2, 10], 2_300)];
    let mut sequence = [1000_u32, 9000];
    let mut packets = Vec::new();
    let mut add = |from: usize, flags: u8, payload: &[u8], sequence: &mut [u32; 2]| {
        let acknowledged = if flags == 2 { 0 } else { sequence[1 - from] };
        let ts = 1_700_000_000_000_000_000 + packets.len() as i64 * 1_000_000;
        let pair = [ends[from], ends[1 - from]];
        packets.push(packets::tcp(ts, pair, flags, sequence[from], acknowledged, payload));
        let length = u32::try_from(payload.len()).expect("short");
        sequence[from] += length + u32::from(flags & 3 != 0);
    };
    add(0, 2, &[], &mut sequence);
    add(1, 0x12, &[], &mut sequence);
    add(0, 0x10, &[], &mut sequence);
    for (client, bytes) in said {
        add(usize::from(!client), 0x18, bytes, &mut sequence);
    }
    add(0, 0x11, &[], &mut sequence);
    add(1, 0x11, &[], &mut sequence);
    add(0, 0x10, &[], &mut sequence);
    packets
}

#[test]
fn headers_alone_prove_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    for (what, whole) in
        [("clear", clear(3)), ("TLS", case("tls12-full")), ("SSH", case("ssh-curve25519-chacha20"))]
    {
        // Headers alone.
        is_not_known(&said(dir.path(), &cut(&whole, 0), &[]), what);
    }
    // One byte of a handshake record or of an identification line may begin one.
    for what in ["tls12-full", "ssh-curve25519-chacha20"] {
        for payload in [1, 2, 3, 4] {
            is_not_known(&said(dir.path(), &cut(&case(what), payload), &[]), what);
        }
    }
    // One byte that begins none is enough.
    is_unprotected(&said(dir.path(), &cut(&clear(3), 1), &[]), "the first byte of each segment");
}

#[test]
fn lost_segments_that_may_have_begun_a_handshake_leave_it_unknown() {
    let dir = tempfile::tempdir().expect("a directory");
    let whole = clear(4);
    is_unprotected(&said(dir.path(), &whole, &[]), "whole");
    // The first bytes of either end.
    is_not_known(&said(dir.path(), &without(&whole, |n| n == 0), &[]), "the client's first");
    is_not_known(&said(dir.path(), &without(&whole, |n| n == 1), &[]), "the server's first");
    // Later bytes of both.
    is_not_known(&said(dir.path(), &without(&whole, |n| n == 4 || n == 5), &[]), "both later");
    // A handshake would have shown itself in the bytes of the other end.
    is_unprotected(&said(dir.path(), &without(&whole, |n| n == 4), &[]), "one later");
    // The end of the stream, that only acknowledgments show.
    let lost_end = without(&whole, |n| n == 6 || n == 7);
    is_not_known(&said(dir.path(), &lost_end, &[]), "both at the end");
}

#[test]
fn one_direction_and_the_middle_of_a_connection_prove_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    for sender in [198, 192] {
        let one: Vec<Packet> = clear(3).into_iter().filter(|p| p.data[26] == sender).collect();
        let said = said(dir.path(), &one, &[]);
        assert!(!said.protection_known && said.unprotected == 0, "{sender}");
        assert!(said.events.is_empty(), "{sender}");
    }
    // From the first data on; records are asked for.
    let middle = &clear(3)[3..];
    for options in [&["--include-midstream"][..], &[]] {
        let said = said(dir.path(), middle, options);
        is_not_known(&said, "the middle");
    }
}

#[test]
fn what_ends_with_the_input_is_recorded() {
    let dir = tempfile::tempdir().expect("a directory");
    let whole = clear(3);
    // Without the end of the connection: it is open, and milliseconds old.
    let open = &whole[..whole.len() - 3];
    let said_open = said(dir.path(), open, &[]);
    assert_eq!(said_open.events, [(1, 0)]);
    assert_eq!(said_open.summaries, 1);
    // z/OS would not have written an initiation yet; the summary counts the connection.
    let strict = said(dir.path(), open, &["--strict"]);
    assert!(strict.events.is_empty());
    assert_eq!(strict.summaries, 1);
    // Nothing is known of this one.
    let said_cut = said(dir.path(), &cut(open, 0), &[]);
    assert!(said_cut.events.is_empty() && said_cut.summaries == 0);
}

/// Without a SYN and a handshake the port that a job serves tells who is the server.
#[test]
fn the_server_of_the_middle_of_a_connection_is_the_configured_one() {
    let dir = tempfile::tempdir().expect("a directory");
    let capture = dir.path().join("capture.pcap");
    let mut middle = clear(3).split_off(3);
    // The client's port below that of the server.
    for packet in &mut middle {
        for at in [34, 36] {
            let port = u16::from_be_bytes([packet.data[at], packet.data[at + 1]]);
            let port = if port == 2_300 { 50_000_u16 } else { port };
            packet.data[at..at + 2].copy_from_slice(&port.to_be_bytes());
        }
    }
    std::fs::write(&capture, packets::to_pcap(&middle)).expect("written");
    let server = |options: &[&str]| {
        let all = [&["--include-midstream"], options].concat();
        common::read_all(&all, &[&capture]).connections[0]["server"]["port"].clone()
    };
    assert_eq!(server(&[]), 40_000);
    assert_eq!(server(&["--job", "50000=TN3270"]), 50_000);
    assert_eq!(server(&["--job", "50000/tcp/out=FTP"]), 40_000);
}

/// A handshake in packets of TDS, cut at every length: what is left never says that there was none.
#[test]
fn a_handshake_in_packets_of_tds_that_are_cut_is_not_known() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = std::fs::read(common::case("tls12-full").join("capture.pcap"));
    let tls = packets::flights(&file.expect("the capture"));
    let packet = |bytes: &[u8]| {
        let length = u16::try_from(8 + bytes.len()).expect("short").to_be_bytes();
        [&[0x12, 1, length[0], length[1], 0, 0, 0, 0][..], bytes].concat()
    };
    // Both ends' options: VERSION, ENCRYPTION (required).
    let options = [0, 0, 11, 0, 6, 1, 0, 17, 0, 1, 0xFF, 15, 0, 7, 208, 0, 0, 3];
    let mut said: Vec<(bool, Vec<u8>)> = vec![(true, packet(&options)), (false, packet(&options))];
    said.extend(tls.iter().take(4).map(|(client, bytes)| (*client, packet(bytes))));
    said.extend(tls.iter().skip(4).cloned());
    let whole = conversation(&said);
    assert_eq!(said_of(dir.path(), &whole)["protection"][0], "tls");
    for length in 54..200 {
        let mut copy = whole.clone();
        copy.iter_mut().for_each(|p| p.data.truncate(length));
        let found = said_of(dir.path(), &copy);
        let accused = found["protection_known"] == true
            && found["protection"].as_array().is_some_and(Vec::is_empty)
            && found["tls"].is_null();
        assert!(!accused, "{length}: {found}");
    }
}

fn said_of(dir: &Path, packets: &[Packet]) -> serde_json::Value {
    let capture = dir.join("capture.pcap");
    std::fs::write(&capture, packets::to_pcap(packets)).expect("written");
    common::read_all(&[], &[&capture]).connections[0].clone()
}
