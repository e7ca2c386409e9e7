//! Enterprise Extender: each UDP port between two addresses is a connection of its own.
//!
//! Datagrams are built from RFC 2353 and the layouts of LLC, XID and NLP; what is expected
//! is counted from them. Records are read by the offsets of their layout.

mod common;
#[path = "common/packets.rs"]
mod packets;

use std::collections::BTreeMap;

use common::{Run, read_all, records_of};
use packets::{Packet, to_pcap};
use serde_json::Value;

const SECOND: i64 = 1_000_000_000;
const START: i64 = 1_700_000_000 * SECOND;
const A: [u8; 4] = [192, 0, 2, 1];
const B: [u8; 4] = [192, 0, 2, 2];

/// A datagram: when in milliseconds, who sends it, destination port, payload.
#[derive(Clone, Debug)]
struct Sent {
    at: i64,
    from_a: bool,
    source: u16,
    port: u16,
    payload: Vec<u8>,
    /// AH (RFC 4302) around it, in transport mode.
    ah: bool,
}

fn sent(at: i64, from_a: bool, port: u16, payload: Vec<u8>) -> Sent {
    Sent { at, from_a, source: port, port, payload, ah: false }
}

fn test(at: i64, port: u16) -> [Sent; 2] {
    [sent(at, true, port, vec![4, 4, 0xF3]), sent(at + 5, false, port, vec![4, 5, 0xF3])]
}

/// A network layer packet of the port's priority, with data of a length.
fn nlp(at: i64, from_a: bool, port: u16, sequence: u32, data: usize) -> Sent {
    let priority = u8::try_from(12004 - port).expect("one of the five");
    let mut payload = vec![0xC8, 0xC8, 3, 0xC0 | priority << 1, 0, 0x80, 1, 0xFF, 0];
    payload.extend(42_u64.to_be_bytes());
    payload.extend([0, 0, 0, 5]);
    payload.extend(u32::try_from(data).expect("short").to_be_bytes());
    payload.extend(sequence.to_be_bytes());
    payload.extend(vec![0x40; data]);
    sent(at, from_a, port, payload)
}

/// XID of format 3 with the fixed part only.
fn xid3(at: i64, from_a: bool) -> Sent {
    let mut body = vec![0x32, 29];
    body.extend([0xFF, 0xF0, 0, 0, 0, 0, 0x30, 0x74, 0xD1, 0, 0x80, 0, 0, 0x80, 0x15, 1]);
    body.extend([0x0B, 0x71, 0, 5, 0xB5, 0, 0, 0, 0, 7, 0]);
    assert_eq!(body.len(), 29);
    let mut payload = vec![4, if from_a { 4 } else { 5 }, 0xBF];
    payload.extend(body);
    sent(at, from_a, 12000, payload)
}

fn disc(at: i64) -> [Sent; 2] {
    [sent(at, true, 12000, vec![4, 4, 0x53]), sent(at + 5, false, 12000, vec![4, 5, 0x1F])]
}

fn packet(s: &Sent) -> Packet {
    let (from, to) = if s.from_a { (A, B) } else { (B, A) };
    let mut udp = Vec::new();
    for word in [s.source, s.port, 8 + s.payload.len() as u16, 0] {
        udp.extend(word.to_be_bytes());
    }
    udp.extend(&s.payload);
    let protocol = if s.ah {
        let mut ah = vec![17, 4, 0, 0, 0xC0, 0, 0, u8::from(s.from_a), 0, 0, 0, 1];
        ah.extend([0xAA; 12]);
        ah.extend(udp);
        udp = ah;
        51
    } else {
        17
    };
    let mut ip = vec![0x45, 0];
    ip.extend((20 + udp.len() as u16).to_be_bytes());
    ip.extend([0, 0, 0x40, 0, 64, protocol, 0, 0]);
    ip.extend(from);
    ip.extend(to);
    let sum = ip.chunks(2).map(|w| u32::from(w[0]) << 8 | u32::from(w[1])).sum::<u32>();
    let sum = !((sum & 0xFFFF) + (sum >> 16)) as u16;
    ip[10..12].copy_from_slice(&sum.to_be_bytes());
    let mut data = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0];
    data.extend(ip);
    data.extend(udp);
    Packet { ts: START + s.at * 1_000_000, link: 1, wire: data.len() as u32, data }
}

fn run(options: &[&str], all: &[Sent]) -> Run {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("ee.pcap");
    let mut all = all.to_vec();
    all.sort_by_key(|s| s.at);
    let packets: Vec<Packet> = all.iter().map(packet).collect();
    std::fs::write(&file, to_pcap(&packets)).expect("written");
    read_all(options, &[&file])
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |n, &b| n << 8 | u64::from(b))
}

type Detail = (u8, u64, u64, [u64; 2], u64, [u64; 2]);

/// Records of subtype 11: event, start and end in hundredths of the day, remote and local
/// port, connection, bytes in and out.
fn details(run: &Run) -> Vec<Detail> {
    let all = records_of(&run.records).into_iter().filter(|r| r[23] == 11);
    let read = |r: &[u8]| {
        let s1 = number(&r[36..40]) as usize;
        let field = |at: usize, length: usize| number(&r[s1 + at..s1 + at + length]);
        let ports = [field(80, 2), field(82, 2)];
        let bytes = [field(88, 8), field(96, 8)];
        (r[s1], field(32, 4), field(40, 4), ports, field(84, 4), bytes)
    };
    all.map(read).filter(|d| d.0 < 5).collect()
}

/// Records of subtype 12 of a session, by ports; connections, partial, short, active; bytes
/// in and out, datagrams in and out, at the interval's end.
fn summaries(run: &Run) -> BTreeMap<(u64, u64), Vec<[u64; 8]>> {
    let mut found: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for r in records_of(&run.records).into_iter().filter(|r| r[23] == 12) {
        let common = number(&r[36..40]) as usize;
        let field = |at: usize, length: usize| number(&r[common + at..common + at + length]);
        // Sessions only, not the tool's own events.
        if r[common + 8] == 1 {
            let counter = |n: usize| match n {
                0..4 => field(156 + 4 * n, 4),
                _ => field(172 + 8 * (n - 4), 8),
            };
            let counters = std::array::from_fn(counter);
            found.entry((field(60, 2), field(62, 2))).or_default().push(counters);
        }
    }
    found
}

/// What was sent to a port: bytes and datagrams, from A and from B.
fn counted(all: &[Sent], port: u16) -> [u64; 4] {
    let of = |from_a: bool| {
        let mine = all.iter().filter(move |s| s.port == port && s.from_a == from_a);
        (mine.clone().map(|s| s.payload.len() as u64).sum::<u64>(), mine.count() as u64)
    };
    let ((a, an), (b, bn)) = (of(true), of(false));
    [a, b, an, bn]
}

fn by_port(run: &Run) -> BTreeMap<u64, Vec<&Value>> {
    let mut found: BTreeMap<u64, Vec<&Value>> = BTreeMap::new();
    for line in &run.connections {
        assert_eq!(line["client"]["port"], line["server"]["port"], "{line}");
        found.entry(line["server"]["port"].as_u64().expect("a port")).or_default().push(line);
    }
    found
}

/// A link whose ports begin at different times, in a given order, and that ends.
fn life(order: [u16; 5]) -> Vec<Sent> {
    let mut all = Vec::new();
    for (n, port) in (0_i64..).zip(order) {
        let at = n * 400;
        if port == 12000 {
            all.extend([xid3(at, true), xid3(at + 10, false)]);
        } else {
            for k in 0..3 {
                let size = 10 * (n as usize + 1) + k as usize;
                all.push(nlp(at + 20 * k, true, port, 1 + k as u32, size));
                all.push(nlp(at + 20 * k + 7, false, port, 1 + k as u32, 2 * size));
            }
        }
    }
    all.extend((1..=4).flat_map(|n| test(10_000 * n, 12000)));
    all.extend(disc(45_000));
    all
}

/// Connections, starts, counters, records and sessions by port, whatever port begins.
#[test]
fn every_port_is_a_connection_of_its_own() {
    for order in [
        [12000, 12001, 12002, 12003, 12004],
        [12004, 12003, 12002, 12001, 12000],
        [12002, 12000, 12004, 12001, 12003],
    ] {
        let all = life(order);
        let run = run(&["--detail", "--home", "192.0.2.2"], &all);
        let (lines, sessions) = (by_port(&run), summaries(&run));
        assert_eq!((lines.len(), sessions.len()), (5, 5), "{order:?}");
        let link = &lines[&u64::from(order[0])][0]["start"];
        let mut identifiers = Vec::new();
        for port in 12000..=12004_u16 {
            let counts = counted(&all, port);
            let [line] = lines[&port.into()][..] else { panic!("{port}: {lines:?}") };
            assert_eq!(line["ee"]["start"], *link);
            assert_eq!(line["close"], "disc");
            let first = all.iter().filter(|s| s.port == port).map(|s| s.at).min().expect("one");
            let second = 20 + first / 1000;
            let start = format!("2023-11-14T22:13:{second}.{:03}000000Z", first % 1000);
            assert_eq!(line["start"], start, "{port}");
            let client_is_a = line["client"]["ip"] == "192.0.2.1";
            let sides = |key: &str| {
                let both = ["from_client", "from_server"].map(|k| line[key][k].as_u64());
                if client_is_a { both } else { [both[1], both[0]] }
            };
            assert_eq!(sides("bytes"), [Some(counts[0]), Some(counts[1])], "{port}");
            assert_eq!(sides("datagrams"), [Some(counts[2]), Some(counts[3])], "{port}");
            // Both ports, events, times: initiation and termination.
            let id = line["connection_id"].as_u64().expect("an identifier");
            identifiers.push(id);
            let of_it: Vec<_> = details(&run).into_iter().filter(|d| d.4 == id).collect();
            let kinds: Vec<u8> = of_it.iter().map(|d| d.0).collect();
            assert_eq!(kinds, [1, 3], "{port}");
            // 22:13:20 in hundredths of a second of the day, and the DM's time.
            let day = 8_000_000;
            for d in &of_it {
                assert_eq!(d.3, [u64::from(port); 2]);
                assert_eq!(d.1, day + first.unsigned_abs() / 10);
            }
            assert_eq!(of_it[1].2, day + 4500, "{port}");
            assert_eq!(of_it[1].5, [counts[0], counts[1]], "{port}");
            let session = &sessions[&(port.into(), port.into())];
            assert_eq!(session[..], [[1, 0, 0, 0, counts[0], counts[1], counts[2], counts[3]]]);
        }
        identifiers.sort_unstable();
        identifiers.dedup();
        assert_eq!(identifiers.len(), 5);
        assert_eq!(run.ledger["connections"]["ee"], 5);
    }
}

/// One port proves the pair; one datagram of another is a connection, but only if it is EE.
/// What comes from another source port counts for the port that it went to.
#[test]
fn any_port_proves_the_pair_and_what_is_no_frame_is_no_connection() {
    let mut all = vec![nlp(0, true, 12001, 1, 40)];
    for k in 0..2 {
        all.push(nlp(100 + k, true, 12003, 1 + k as u32, 20));
        all.push(nlp(110 + k, false, 12003, 1 + k as u32, 20));
    }
    all.push(Sent { source: 40_000, ..nlp(200, false, 12003, 9, 30) });
    all.push(sent(300, true, 12002, b"\x80\0rtp or whatever it is".to_vec()));
    all.push(nlp(20_000, true, 12003, 99, 4));
    let run = run(&["--detail"], &all);
    let lines = by_port(&run);
    assert_eq!(lines.keys().copied().collect::<Vec<_>>(), [12001, 12003]);
    for (&port, lines) in &lines {
        let counts = counted(&all, port as u16);
        assert_eq!(lines[0]["bytes"]["from_client"].as_u64(), Some(counts[0]));
        assert_eq!(lines[0]["bytes"]["from_server"].as_u64(), Some(counts[1]));
        assert_eq!(lines[0]["ee"]["source_port_not_ee"], true);
        assert_eq!(lines[0]["ee"]["anomalies"]["from_client"], 1);
    }
    let kinds: Vec<_> = details(&run).iter().map(|d| (d.0, d.3)).collect();
    assert_eq!(kinds, [(1, [12001; 2]), (1, [12003; 2])]);
}

/// While one port is heard of, the connections of the others go on; silence of all ends them.
#[test]
fn silence_of_all_five_ports_ends_every_connection() {
    let mut all = vec![xid3(0, true), xid3(10, false), nlp(100, true, 12002, 1, 8)];
    all.extend((1..=40).flat_map(|n| test(10_000 * n, 12000)));
    // Long after, another link: it shows that time has passed.
    all.extend([xid3(1_000_000, true), xid3(1_000_010, false), nlp(1_000_100, true, 12002, 1, 8)]);
    all.extend(disc(1_020_000));
    let run = run(&["--detail-only", "--no-tool-events"], &all);
    for lines in by_port(&run).values() {
        let closes: Vec<_> = lines.iter().map(|l| l["close"].as_str()).collect();
        assert_eq!(closes, [Some("idle"), Some("disc")]);
    }
    let ends: Vec<_> = details(&run).iter().filter(|d| d.0 == 3).map(|d| (d.3[0], d.2)).collect();
    // The link's last datagram is the answer to the last TEST; DM answers DISC.
    let (idle, disc) = (8_000_000 + 40_000, 8_000_000 + 102_000);
    assert_eq!(ends, [(12000, idle), (12002, idle), (12000, disc), (12002, disc)]);
}

/// XIDs of both ends again: all connections end, and those that send again are new ones.
#[test]
fn a_restart_ends_every_connection_of_the_pair() {
    let mut all = vec![xid3(0, true), xid3(10, false)];
    all.extend([nlp(100, true, 12001, 1, 8), nlp(120, true, 12004, 1, 8)]);
    all.extend(test(10_000, 12000));
    // While the exchange is under way data goes on; it belongs to the link that begins.
    all.extend([xid3(30_000, true), nlp(30_005, false, 12004, 7, 16), xid3(30_010, false)]);
    all.extend(test(41_000, 12000));
    let run = run(&["--detail-only", "--no-tool-events"], &all);
    let closes = |port| {
        let lines = &by_port(&run)[&port];
        lines.iter().map(|l| l["close"].as_str().map(str::to_owned)).collect::<Vec<_>>()
    };
    let restarted = Some("restarted".to_owned());
    assert_eq!(closes(12000), [restarted.clone(), None]);
    assert_eq!(closes(12001), std::slice::from_ref(&restarted));
    assert_eq!(closes(12004), [restarted, None]);
    let second = by_port(&run)[&12004][1]["bytes"]["from_server"].as_u64();
    assert_eq!(second, Some(all[7].payload.len() as u64));
    let kinds: Vec<_> = details(&run).iter().map(|d| (d.0, d.3[0])).collect();
    let (begun, over) =
        ([12000, 12001, 12004].map(|p| (1, p)), [12000, 12001, 12004].map(|p| (3, p)));
    assert_eq!(kinds[..3], begun);
    assert_eq!(kinds[3..6], over);
    assert_eq!(kinds[6..], [(1, 12000), (1, 12004)]);
}

/// XIDs that were no restart change nothing: their datagrams, and connections that began
/// after them, are the link's.
#[test]
fn a_late_xid_ends_nothing() {
    let mut all = vec![xid3(0, true), xid3(10, false), nlp(100, true, 12001, 1, 8)];
    all.push(xid3(20_000, true));
    all.push(nlp(20_100, true, 12001, 2, 8));
    all.push(nlp(20_200, false, 12003, 2, 8));
    all.extend((3..=12).flat_map(|n| test(10_000 * n, 12000)));
    let run = run(&["--detail"], &all);
    for (port, lines) in by_port(&run) {
        let counts = counted(&all, port as u16);
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0]["bytes"]["from_client"].as_u64(), Some(counts[0]), "{port}");
        assert_eq!(lines[0]["bytes"]["from_server"].as_u64(), Some(counts[1]), "{port}");
        let session = summaries(&run).remove(&(port, port)).expect("a session");
        // The called end stands in the server's place: what A sent is inbound.
        let expected = [1, 0, 0, 1, counts[0], counts[1], counts[2], counts[3]];
        assert_eq!(session.last(), Some(&expected), "{port}");
    }
    let kinds: Vec<_> = details(&run).iter().map(|d| (d.0, d.3[0])).collect();
    assert_eq!(kinds, [(1, 12000), (1, 12001), (1, 12003)]);
}

/// Protection is that of each connection: a rule of IPSec may name one port.
#[test]
fn ports_are_protected_each_by_itself() {
    let mut all = vec![xid3(0, true), xid3(10, false)];
    for k in 0..3 {
        all.push(nlp(20_000 * k + 20, true, 12001, 1 + k as u32, 8));
        all.push(Sent { ah: true, ..nlp(20_000 * k + 30, true, 12003, 1 + k as u32, 8) });
        all.push(Sent { ah: k == 2, ..nlp(20_000 * k + 40, true, 12004, 1 + k as u32, 8) });
    }
    let run = run(&["--detail-only", "--no-tool-events"], &all);
    let lines = by_port(&run);
    let protection = |port: u64| lines[&port][0]["protection"].as_array().map(Vec::len);
    let found = [12000, 12001, 12003, 12004].map(protection);
    assert_eq!(found, [Some(0), Some(0), Some(1), Some(1)]);
    let events = |port: u64| {
        let id = lines[&port][0]["connection_id"].as_u64();
        let of_it = run.events.iter().filter(|e| Some(u64::from(e.connection)) == id);
        of_it.map(|e| (e.kind, e.protocols)).collect::<Vec<_>>()
    };
    assert_eq!(events(12001), [(1, 0)]);
    assert_eq!(events(12003), [(1, 0x20)]);
    assert_eq!(events(12004), [(1, 0), (2, 0x20)]);
}

/// Connections that are younger than ten seconds when the input ends: sessions count them,
/// and a snapshot of each is written, with `--strict` only the former.
#[test]
fn what_is_young_at_the_end_is_counted() {
    let mut all = vec![xid3(0, true), xid3(10, false), nlp(20, true, 12002, 1, 30)];
    all.push(nlp(2500, false, 12002, 1, 50));
    for (option, kinds) in [("-q", vec![(1, 12000), (1, 12002)]), ("--strict", vec![])] {
        let run = run(&["--detail", option], &all);
        let found: Vec<_> = details(&run).iter().map(|d| (d.0, d.3[0])).collect();
        assert_eq!(found, kinds, "{option}");
        for d in details(&run) {
            let counts = counted(&all, d.3[0] as u16);
            assert_eq!(d.5, [counts[0], counts[1]]);
        }
        for port in [12000, 12002] {
            let c = counted(&all, port as u16);
            let sessions = &summaries(&run)[&(port, port)];
            assert_eq!(sessions[..], [[1, 0, 0, 1, c[0], c[1], c[2], c[3]]], "{option}");
        }
    }
    // What is not proved to be EE is in neither.
    let run = run(&["--detail"], &all[2..]);
    assert!(details(&run).is_empty() && summaries(&run).is_empty());
}

/// The same, however the packets are divided into batches and among threads, and over
/// intervals: what sessions count adds up to what was sent.
#[test]
fn neither_batches_nor_threads_nor_intervals_change_anything() {
    let all = life([12001, 12000, 12003, 12004, 12002]);
    let one = run(&["--detail", "--threads", "1"], &all);
    for batch in ["1", "3"] {
        let other = run(&["--detail", "--threads", "2", "--batch", batch], &all);
        assert!(one.records == other.records && one.connections == other.connections, "{batch}");
    }
    let parts = run(&["--detail", "--interval", "1m", "--home", "192.0.2.2"], &all);
    for port in 12000..=12004_u16 {
        let last = summaries(&parts)[&(port.into(), port.into())].last().copied();
        assert_eq!(last.map(|c| c[4..].to_vec()), Some(counted(&all, port).to_vec()));
    }
}
