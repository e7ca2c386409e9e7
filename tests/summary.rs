//! Events over time and security sessions, by the bytes of the records: the
//! offsets are those of the layouts, not our decoder's.

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use common::records_of;

/// The timelines of the behaviour description: case, connection, event types
/// and protection flags of its records.
#[test]
fn the_timelines() {
    const TLS: u8 = 0x80;
    const SSH: u8 = 0x40;
    const IPSEC: u8 = 0x20;
    type Timeline = (&'static str, &'static str, usize, &'static [(u8, u8)]);
    let timelines: [Timeline; 13] = [
        ("TLS, closed soon", "tls12-full", 0, &[(4, TLS)]),
        ("TLS, closed late", "long-connection", 0, &[(1, TLS), (3, TLS)]),
        ("clear, closed late", "ftp-timeline", 3, &[(1, 0), (3, 0)]),
        ("first byte after the initiation", "late-handshake", 0, &[(1, 0), (2, TLS), (3, TLS)]),
        ("upgraded at once", "ftp-timeline", 0, &[(1, TLS), (3, TLS)]),
        ("upgraded late and clear again", "ftp-timeline", 1, &[(1, 0), (2, TLS), (2, 0), (3, 0)]),
        ("upgraded, clear again, closed soon", "ftp-timeline", 2, &[(4, TLS)]),
        ("SSH, closed soon", "ssh-curve25519-chacha20", 0, &[(4, SSH)]),
        ("reset after ten seconds sharp", "reset-at-ten-seconds", 0, &[(1, 0), (3, 0)]),
        ("refused", "tls12-no-shared-cipher", 0, &[(4, 0)]),
        ("begun before the capture", "midstream", 0, &[]),
        ("open at the end of the capture", "still-open", 0, &[(1, TLS)]),
        ("TLS under AH", "ikev2-ah-transport", 1, &[(1, TLS | IPSEC), (3, TLS | IPSEC)]),
    ];
    for (what, case, at, expected) in timelines {
        let run = common::read(&[], &[&common::case(case).join("capture.pcap")]);
        let id = run.connections[at]["connection_id"].as_u64();
        let found: Vec<(u8, u8)> = run
            .events
            .iter()
            .filter(|e| Some(u64::from(e.connection)) == id)
            .map(|e| (e.kind, e.protocols))
            .collect();
        assert_eq!(found, expected, "{what}");
    }
}

/// A summary record, by the offsets of the layout.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Record {
    reason: u8,
    event: u8,
    protocols: u8,
    flags: u8,
    user: [u8; 8],
    ip_proto: u8,
    server: [u8; 16],
    client: [u8; 16],
    ports: (u16, u16),
    session: Vec<u8>,
    duration: u64,
    /// Connections, partial, short, active; bytes and segments in and out.
    init: [u64; 8],
    end: [u64; 8],
    /// Numbers of the sections S2, S3 and S4.
    sections: [u16; 3],
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |n, &b| n << 8 | u64::from(b))
}

fn summary(record: &[u8]) -> Record {
    let field = |at: usize, length: usize| &record[at..at + length];
    let (identification, common) = (number(field(28, 4)) as usize, number(field(36, 4)) as usize);
    let in_common = |at: usize, length: usize| field(common + at, length);
    let counters = |at: usize| {
        let mut found = [0; 8];
        for (n, value) in found.iter_mut().enumerate() {
            *value = if n < 4 {
                number(in_common(at + 4 * n, 4))
            } else {
                number(in_common(at + 16 + 8 * (n - 4), 8))
            };
        }
        found
    };
    let section = |n: usize| number(field(28 + 8 * n + 6, 2)) as u16;
    Record {
        reason: record[identification + 60],
        event: record[common + 8],
        flags: record[common + 9],
        protocols: record[common + 10],
        user: in_common(19, 8).try_into().expect("eight"),
        ip_proto: record[common + 27],
        server: in_common(28, 16).try_into().expect("sixteen"),
        client: in_common(44, 16).try_into().expect("sixteen"),
        ports: (number(in_common(60, 2)) as u16, number(in_common(62, 2)) as u16),
        session: in_common(64, 42).to_vec(),
        duration: number(in_common(0, 8)),
        init: counters(108),
        end: counters(156),
        sections: [section(2), section(3), section(4)],
    }
}

/// The summary records of a run.
fn summaries(run: &common::Run) -> Vec<Record> {
    let all = records_of(&run.records);
    all.into_iter().filter(|r| number(&r[22..24]) == 12).map(summary).collect()
}

fn sessions(options: &[&str], capture: &Path) -> Vec<Record> {
    let run = common::read_all(options, &[capture]);
    summaries(&run).into_iter().filter(|r| r.event == 1).collect()
}

fn case(name: &str) -> PathBuf {
    common::case(name).join("capture.pcap")
}

const CONNECTIONS: usize = 0;
const PARTIAL: usize = 1;
const SHORT: usize = 2;
const ACTIVE: usize = 3;
const IN_BYTES: usize = 4;

/// A connection that is clear, then TLS, then clear again is in two sessions,
/// in part; one that settled clear is wholly in one.
#[test]
fn a_connection_counts_once_in_each_session_that_it_was_in() {
    let found = sessions(&[], &case("ftp-timeline"));
    let counts: Vec<_> = found.iter().map(|r| (r.protocols, r.end[..4].to_vec())).collect();
    // The short one belongs to the TLS session, though it was clear again when it ended.
    assert_eq!(counts, [(0, vec![2, 1, 0, 0]), (0x80, vec![3, 1, 1, 0])]);
    // Everything that was sent is in one session or the other.
    let run = common::read(&[], &[&case("ftp-timeline")]);
    let sent: u64 =
        run.connections.iter().map(|c| c["bytes"]["from_client"].as_u64().expect("a number")).sum();
    assert_eq!(found.iter().map(|r| r.end[IN_BYTES]).sum::<u64>(), sent);
    assert!(found.iter().all(|r| r.flags == 0x40 && r.init == [0; 8]));
    // To z/OS the connection never goes back to clear text: only the one that
    // upgraded late is also in the clear session, in part.
    let strict = sessions(&["--strict"], &case("ftp-timeline"));
    let counts: Vec<_> = strict.iter().map(|r| (r.protocols, r.end[..4].to_vec())).collect();
    assert_eq!(counts, [(0, vec![2, 1, 0, 0]), (0x80, vec![3, 1, 1, 0])]);
}

#[test]
fn two_protections_are_two_sessions() {
    let found = sessions(&[], &case("ikev2-ah-transport"));
    let kinds: Vec<_> = found.iter().map(|r| (r.ports.0, r.protocols, r.sections)).collect();
    assert_eq!(kinds, [(8000, 0x20, [0, 0, 1]), (8443, 0x80, [1, 0, 0]), (8443, 0x20, [0, 0, 1])]);
    assert_eq!(found[1].end[4..], found[2].end[4..], "both get the bytes");
}

#[test]
fn ftp_data_connections_are_joined() {
    let user = |text: &str| -> [u8; 8] { zerttap::record::ebcdic::field(text) };
    let found = sessions(&[], &case("ftp-data"));
    let ports: Vec<_> =
        found.iter().map(|r| (r.ports, r.end[CONNECTIONS], r.user, r.flags)).collect();
    // EPSV and PASV under one range; EPRT and PORT under the port below that of
    // the control connections, where the server is the one that calls.
    assert!(ports.contains(&((1024, 65535), 2, user("*FTPUSR*"), 0x40)), "{ports:?}");
    let active = ports.iter().find(|p| p.0 == (44329, 44329)).expect("active ones");
    assert_eq!((active.1, active.3), (2, 0x20), "the listener is taken for the stack");
    assert!(ports.contains(&((44330, 44330), 4, user(""), 0x40)), "{ports:?}");
    let ranged = sessions(&["--passive-data-ports", "44400-44420"], &case("ftp-data"));
    assert!(ranged.iter().any(|r| r.ports == (44400, 44420) && r.end[CONNECTIONS] == 2));
}

#[test]
fn enterprise_extender_and_tunnels_are_seen_from_the_stack() {
    let found = sessions(&["--home", "192.0.2.1"], &case("ee-clear"));
    // Each UDP port is a connection and a session of its own.
    assert_eq!(found.len(), 5);
    for (ee, port) in found.iter().zip(12000..) {
        assert_eq!((ee.ip_proto, ee.ports, ee.flags), (17, (port, port), 0));
        assert_eq!(
            (ee.server[..4].to_vec(), ee.client[..4].to_vec()),
            (vec![192, 0, 2, 1], vec![192, 0, 2, 2])
        );
        // As tshark counts the datagrams by destination port.
        let bytes = if port == 12000 { (116, 161) } else { (70, 70) };
        assert_eq!((ee.end[IN_BYTES], ee.end[IN_BYTES + 1]), bytes);
    }
    let found = sessions(&["--home", "203.0.113.4", "--interval", "24h"], &case("esp-null"));
    let tunnel: Vec<_> = found.iter().map(|r| (r.ip_proto, r.ports, r.protocols)).collect();
    // One tunnel, which outlives midnight.
    assert_eq!(tunnel, [(0x32, (0, 0), 0x20); 2]);
    assert!(sessions(&["--home", "203.0.113.4", "--strict"], &case("esp-null")).is_empty());
}

#[test]
fn the_tool_records_its_own_start_and_end() {
    let run = common::read_all(&["--detail"], &[&case("tls12-full")]);
    let all = records_of(&run.records);
    let kinds: Vec<_> = all.iter().map(|r| number(&r[22..24])).collect();
    assert_eq!(kinds, [11, 12, 11, 12, 11, 12]);
    let events: Vec<u8> = run.events.iter().map(|e| e.kind).collect();
    assert_eq!(events, [5, 4, 6]);
    let found = summaries(&run);
    let events: Vec<_> = found.iter().map(|r| (r.event, r.reason)).collect();
    assert_eq!(events, [(2, 0x08), (1, 0x10), (3, 0x08)]);
    let quiet = common::read_all(&["--detail", "--no-tool-events"], &[&case("tls12-full")]);
    assert_eq!(records_of(&quiet.records).len(), 2);
    let only = common::read_all(&["--detail-only"], &[&case("tls12-full")]);
    assert!(records_of(&only.records).iter().all(|r| number(&r[22..24]) == 11));
}

/// What has to hold for every record of every capture.
fn check(records: &[Record], what: &str) {
    let mut before: BTreeMap<Vec<u8>, &Record> = BTreeMap::new();
    let mut in_set = Vec::new();
    for record in records.iter().filter(|r| r.event == 1) {
        let (init, end) = (&record.init, &record.end);
        for n in (0..8).filter(|&n| n != ACTIVE) {
            assert!(end[n] >= init[n], "{what}: {record:?}");
        }
        for counts in [init, end] {
            assert!(counts[PARTIAL] <= counts[CONNECTIONS], "{what}: {record:?}");
            assert!(counts[SHORT] <= counts[CONNECTIONS], "{what}: {record:?}");
            assert!(counts[ACTIVE] <= counts[CONNECTIONS], "{what}: {record:?}");
        }
        assert!(init[ACTIVE] > 0 || end != init, "{what}: nothing happened: {record:?}");
        let sections = match record.protocols {
            0 => [0, 0, 0],
            0x80 => [1, 0, 0],
            0x40 => [0, 1, 0],
            0x20 => [0, 0, 1],
            _ => panic!("{what}: {record:?}"),
        };
        assert_eq!(record.sections, sections, "{what}");
        assert!(record.ports.0 <= record.ports.1, "{what}");
        // The end of one interval is the beginning of the next.
        match before.get(&record.session) {
            Some(last) if last.end[ACTIVE] > 0 => assert_eq!(*init, last.end, "{what}"),
            _ => assert_eq!(*init, [0; 8], "{what}: {record:?}"),
        }
        before.insert(record.session.clone(), record);
        in_set.push(record);
        let last = matches!(record.reason, 0x80 | 0x10);
        assert!(last || matches!(record.reason, 0xC0 | 0x50), "{what}: {record:?}");
        if last {
            let durations: Vec<u64> = in_set.iter().map(|r| r.duration).collect();
            assert!(durations.iter().all(|d| *d == record.duration && d % 4096 == 0), "{what}");
            let ids: Vec<&Vec<u8>> = in_set.iter().map(|r| &r.session).collect();
            assert!((1..ids.len()).all(|n| !ids[n..].contains(&ids[n - 1])), "{what}: twice");
            in_set.clear();
        }
    }
    assert!(in_set.is_empty(), "{what}: a set without a last record");
}

#[test]
fn the_counters_hold_together_in_every_capture() {
    let mut checked = 0;
    for path in common::captures() {
        let run = common::read_all(&["--detail", "--interval", "1"], &[&path]);
        let what = path.display().to_string();
        let found = summaries(&run);
        check(&found, &what);
        checked += found.len();
        // Every connection that has records is counted: where no session
        // was changed and no two protect at once, exactly once.
        let plain = run.events.iter().all(|e| e.kind != 2 && e.protocols.count_ones() < 2);
        let tcp = |r: &&Record| r.event == 1 && r.ip_proto == 6;
        let added =
            |n: usize| -> u64 { found.iter().filter(tcp).map(|r| r.end[n] - r.init[n]).sum() };
        let events = records_of(&run.records);
        let tcp_events = events.iter().filter(|r| number(&r[22..24]) == 11 && r[152] == 6);
        let kinds: Vec<u8> = tcp_events.map(|r| r[148]).collect();
        let of = |kind: u8| kinds.iter().filter(|k| **k == kind).count() as u64;
        if plain {
            assert_eq!(added(CONNECTIONS), of(1) + of(4), "{what}");
            assert_eq!((added(SHORT), added(PARTIAL)), (of(4), 0), "{what}");
        } else {
            assert!(added(CONNECTIONS) >= of(1) + of(4), "{what}");
        }
    }
    assert!(checked > 300, "{checked} records");
}

/// A capture of several hours in which connections come, stay and go.
#[test]
fn the_end_of_an_interval_is_the_beginning_of_the_next() {
    let found = {
        let run = common::read_all(&["--detail"], &[&case("intervals")]);
        summaries(&run)
    };
    check(&found, "intervals");
    let micros: Vec<u64> = found
        .iter()
        .filter(|r| matches!(r.reason, 0x80 | 0x10))
        .map(|r| (r.duration >> 12) / 1_000_000)
        .collect();
    // From 10:05 to 13:20; nothing was open from 11:30 to 12:30, and nothing is
    // written of that.
    assert_eq!(micros, [1499, 1800, 1800, 1800, 1200]);
    let telnet: Vec<_> = found
        .iter()
        .filter(|r| r.ports.0 == 23)
        .map(|r| (r.init[CONNECTIONS], r.end[CONNECTIONS], r.init[ACTIVE], r.end[ACTIVE]))
        .collect();
    // Two connections over three intervals; the session was dropped, and came
    // back an hour later with its counters at zero.
    assert_eq!(telnet, [(0, 1, 0, 1), (1, 2, 1, 2), (2, 2, 2, 0), (0, 1, 0, 1), (1, 1, 1, 1)]);
    let hours = common::read_all(&["--interval", "1h", "--sync", "15"], &[&case("intervals")]);
    let reasons: Vec<u8> = summaries(&hours).iter().map(|r| r.reason).collect();
    assert_eq!(reasons.iter().filter(|r| **r == 0x80).count(), 4, "10:15, 11:15, 12:15, 13:15");
}

/// Where intervals end does not depend on how the input is cut up.
#[test]
fn threads_and_batches_change_no_summary() {
    let capture = case("intervals");
    let run = |threads: &str, batch: &str| {
        let options = ["--detail", "--interval", "7", "--threads", threads, "--batch", batch];
        common::read_all(&options, &[&capture]).records
    };
    let reference = run("1", "4096");
    for threads in ["1", "2", "5"] {
        for batch in ["1", "7", "4096"] {
            assert!(run(threads, batch) == reference, "{threads} threads, batches of {batch}");
        }
    }
}

/// Time stamps at the end of time are damage, not a reason to go on for ever.
#[test]
fn a_clock_that_has_run_out_ends_no_intervals() {
    fn block(kind: u32, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(12 + body.len()).expect("short").to_le_bytes();
        [&kind.to_le_bytes(), &length, body, &length].concat()
    }
    let section = block(
        0x0A0D_0D0A,
        &[0x4D, 0x3C, 0x2B, 0x1A, 1, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255],
    );
    // Raw IP; time stamps count seconds.
    let interface = block(1, &[101, 0, 0, 0, 0, 0, 0, 0, 9, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let mut packet = vec![0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2];
    packet.extend([0x9C, 0x40, 0, 23, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 0xFF, 0xFF, 0, 0, 0, 0]);
    let at = |seconds: u64| {
        let mut body = vec![0; 4];
        body.extend(((seconds >> 32) as u32).to_le_bytes());
        body.extend((seconds as u32).to_le_bytes());
        body.extend([40, 0, 0, 0, 40, 0, 0, 0]);
        body.extend(&packet);
        block(6, &body)
    };
    let times = [0, 1_700_000_000, u64::from(u32::MAX), u64::MAX / 4, u64::MAX / 2, u64::MAX];
    let file: Vec<u8> = [section, interface].into_iter().chain(times.map(at)).flatten().collect();
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("late.pcapng");
    std::fs::write(&path, file).expect("written");
    let run = common::read_all(&["--detail", "--interval", "1"], &[&path]);
    assert!(common::adds_up(&run.ledger));
    assert_eq!(run.ledger["packets"], 6);
    check(&summaries(&run), "a clock that has run out");
}

/// Job, JES job identifier and user in both subtypes, by their offsets, in
/// EBCDIC; the job is a part of a session's identity.
#[test]
fn jobs_come_from_the_configuration() {
    const OPENSSL: [u8; 8] = [0xD6, 0xD7, 0xC5, 0xD5, 0xE2, 0xE2, 0xD3, 0x40];
    const WEBUSR: [u8; 8] = [0xE6, 0xC5, 0xC2, 0xE4, 0xE2, 0xD9, 0x40, 0x40];
    const STC00012: [u8; 8] = [0xE2, 0xE3, 0xC3, 0xF0, 0xF0, 0xF0, 0xF1, 0xF2];
    const BLANKS: [u8; 8] = [0x40; 8];
    let capture = case("tls12-full");
    let run = |job: &str| {
        let options = ["--detail", "--no-tool-events", "-q", "--job", job];
        let records = common::read_all(&options, &[&capture]).records;
        let records: Vec<Vec<u8>> = records_of(&records).into_iter().map(<[u8]>::to_vec).collect();
        let field = |record: &[u8], at: usize| {
            let s1 = number(&record[36..40]) as usize + at;
            <[u8; 8]>::try_from(&record[s1..s1 + 8]).expect("eight bytes")
        };
        let of = |subtype: u8| records.iter().find(|r| r[23] == subtype).expect("a record");
        let (detail, summary) = (of(11), of(12));
        let found = [field(detail, 8), field(detail, 16), field(detail, 24)];
        let session = summary[number(&summary[36..40]) as usize + 64..][..42].to_vec();
        (found, [field(summary, 11), field(summary, 19)], session)
    };
    let named = run("44330/tcp@127.0.0.1=OPENSSL:WEBUSR:STC00012");
    assert_eq!(named.0, [OPENSSL, STC00012, WEBUSR]);
    assert_eq!(named.1, [OPENSSL, WEBUSR]);
    let others = ["44331=OPENSSL", "44330/udp=OPENSSL", "44330@127.0.0.2=OPENSSL"];
    for other in others.map(run) {
        assert_eq!((other.0, other.1), ([BLANKS; 3], [BLANKS; 2]));
        assert_ne!(other.2, named.2);
    }
}
