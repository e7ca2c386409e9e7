//! What attackers send: it exhausts nothing, every bound that it meets is counted, and
//! the honest connection in the middle of it is seen as if it were alone.
//! `scripts/attacks.py` makes the captures; `docs/limits.md` lists the bounds.

mod common;

use std::fs;
use std::io::{Cursor, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{text, zerttap};
use serde_json::Value;
use zerttap::dump::Reader;
use zerttap::input::Input;
use zerttap::source::{Batch, CaptureSet, SetOptions};

/// Kilobytes of address space that a run may have.
const MEMORY: u32 = 1_000_000;
const PACKETS: u32 = 30_000;

/// Makes the captures of attacks, or of one.
fn make(dir: &Path, packets: u32, only: &[&str]) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/attacks.py");
    let mut python = Command::new("python3");
    python.arg(script).arg(dir).arg(packets.to_string()).args(only);
    assert!(python.status().expect("python3 runs").success());
}

fn attack(dir: &Path, packets: u32, name: &str) -> PathBuf {
    make(dir, packets, &[name]);
    dir.join(name).with_extension("pcap")
}

fn attacks(dir: &Path) -> Vec<PathBuf> {
    make(dir, PACKETS, &[]);
    let entries = fs::read_dir(dir).expect("a directory").flatten();
    let mut files: Vec<PathBuf> = entries.map(|e| e.path()).collect();
    files.sort();
    files
}

/// Reads a capture within a bound on memory; returns the honest connection without its
/// times, and the ledger.
fn read(capture: &Path, options: &[&str], out: &Path) -> (Value, Value) {
    let command = format!(
        "ulimit -v {MEMORY}; exec \"$0\" read -q --threads 2 --force --detail \
         -w {0}.smf --jsonl {0}.jsonl \"$@\"",
        out.display()
    );
    let output = Command::new("bash")
        .args(["-c", &command])
        .arg(zerttap().get_program())
        .args(options)
        .arg(capture)
        .output()
        .expect("bash runs");
    assert!(output.status.success(), "{}: {}", capture.display(), text(&output).1);
    let lines = fs::read_to_string(out.with_extension("jsonl")).expect("lines");
    let objects = lines.lines().map(|l| serde_json::from_str::<Value>(l).expect("an object"));
    let (mut honest, mut ledger) = (Value::Null, Value::Null);
    for mut object in objects {
        if object["server"]["port"] == 44330 {
            for time in ["start", "end", "established_at", "connection_id"] {
                object.as_object_mut().expect("an object").remove(time);
            }
            assert!(honest.is_null(), "{}: it is one connection", capture.display());
            honest = object;
        } else if object["type"] == "ledger" {
            ledger = object;
        }
    }
    (honest, ledger)
}

#[test]
fn attacks_are_bounded_and_counted_and_harm_nobody_else() {
    let dir = tempfile::tempdir().expect("a directory");
    let out = dir.path().join("out");
    let made = dir.path().join("made");
    fs::create_dir(&made).expect("a directory");
    let alone = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures/tls12-full/capture.pcap");
    let (expected, _) = read(&alone, &[], &out);
    assert_eq!(expected["tls"]["version_name"], "TLSv1.2");
    // What each meets of the bounds: a counter of the ledger.
    let meets = |name: &str| match name {
        "syn_flood" | "endless_handshakes" | "patterns" => Some(["connections", "evicted"]),
        "far_sequences" => Some(["streams", "out_of_window_segments"]),
        "gaps" => Some(["streams", "missed_bytes"]),
        "fragments" => Some(["frames", "fragments_overlapping"]),
        _ => None,
    };
    for capture in attacks(&made) {
        let name = capture.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let (honest, ledger) = read(&capture, &[], &out);
        assert_eq!(apart_from_frames(honest), apart_from_frames(expected.clone()), "{name}");
        let packets = ledger["packets"].as_u64().expect("a number");
        let counted: u64 = ledger["counters"]
            .as_object()
            .expect("an object")
            .values()
            .map(|c| c["packets"].as_u64().unwrap_or(0))
            .sum();
        assert_eq!(counted, packets, "{name}: every packet is in one counter");
        // With bounds so low that they are met, too.
        let low = ["--max-connections", "1024", "--max-sessions", "64"];
        let (honest, ledger) = read(&capture, &low, &out);
        let (honest, expected) = (apart_from_frames(honest), apart_from_frames(expected.clone()));
        assert_eq!(honest, expected, "{name}, with low bounds");
        if let Some([group, counter]) = meets(&name) {
            assert!(ledger[group][counter].as_u64() > Some(0), "{name}: {}", ledger[group]);
        }
        if name == "tunnels" {
            let deep = ledger["counters"]["too_deep"]["packets"].as_u64();
            assert!(deep > Some(100), "{deep:?}");
        }
    }
}

/// Many connections that are still open when the capture ends come in the order in which
/// they began, and each once.
#[test]
fn what_is_left_at_the_end_comes_in_its_order() {
    let dir = tempfile::tempdir().expect("a directory");
    let capture = attack(dir.path(), 12_000, "syn_flood");
    let mut outputs = Vec::new();
    for threads in ["1", "2"] {
        let lines = dir.path().join(threads);
        let mut command = zerttap();
        command.args(["read", "-q", "--threads", threads, "--jsonl"]).arg(&lines).arg(&capture);
        assert!(command.status().expect("it runs").success());
        outputs.push(fs::read_to_string(lines).expect("lines"));
    }
    let objects = outputs[0].lines().map(|l| serde_json::from_str::<Value>(l).expect("an object"));
    let open: Vec<String> = objects
        .filter(|o| o["type"] == "connection" && o["open"] == true)
        .map(|o| format!("{} {}", o["start"], o["client"]))
        .collect();
    assert!(open.len() > 2 * 4096, "{}", open.len());
    let starts: Vec<&str> = open.iter().filter_map(|o| o.split(' ').next()).collect();
    assert!(starts.is_sorted());
    let different: std::collections::BTreeSet<_> = open.iter().collect();
    assert_eq!(different.len(), open.len(), "each comes once");
    assert_eq!(outputs[0], outputs[1]);
}

/// Handshakes together hold no more than they may; those that have held longest go.
#[test]
fn handshakes_that_never_end_are_given_up() {
    let dir = tempfile::tempdir().expect("a directory");
    let capture = attack(dir.path(), 150_000, "endless_handshakes");
    let (honest, ledger) =
        read(&capture, &["--max-handshake-memory", "64"], &dir.path().join("out"));
    assert_eq!(honest["tls"]["version_name"], "TLSv1.2");
    assert_eq!(honest["incomplete"], false);
    assert!(ledger["streams"]["handshakes_given_up"].as_u64() > Some(100), "{ledger}");
}

/// What a connection held is free again when it is forgotten: handshakes that are given
/// up by who began them take no room from those that come long after.
#[test]
fn abandoned_handshakes_leave_nothing_behind() {
    let dir = tempfile::tempdir().expect("a directory");
    // 112 MB are begun, of which a few are held at a time.
    let capture = attack(dir.path(), 100_000, "abandoned_handshakes");
    let (honest, ledger) =
        read(&capture, &["--max-handshake-memory", "64"], &dir.path().join("out"));
    assert_eq!(honest["tls"]["version_name"], "TLSv1.2");
    assert_eq!(ledger["streams"]["handshakes_given_up"], 0);
}

/// What is between packets is passed over piece by piece, however long it is: here a
/// block of a kind that is not known, and no bytes of it on the disk.
#[test]
fn a_long_block_between_packets_is_not_held() {
    const LONG: u32 = 2_000_000_000;
    let dir = tempfile::tempdir().expect("a directory");
    let case = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures/tls12-full/capture.pcap");
    let packets = fs::read(case).expect("a case");
    let block = |kind: u32, body: &[u8]| {
        let length = u32::try_from(12 + body.len().next_multiple_of(4)).expect("short");
        let mut bytes = [kind.to_le_bytes(), length.to_le_bytes()].concat();
        bytes.extend(body);
        bytes.resize(length as usize - 4, 0);
        bytes.extend(length.to_le_bytes());
        bytes
    };
    let mut begin =
        block(0x0A0D_0D0A, &[&[0x4D, 0x3C, 0x2B, 0x1A, 1, 0, 0, 0][..], &[0xFF; 8]].concat());
    begin.extend(block(1, &[1, 0, 0, 0, 0, 0, 0, 0]));
    let mut found = Vec::new();
    let mut at = 24;
    while let Some(head) = packets.get(at..at + 16) {
        let captured = u32::from_le_bytes([head[8], head[9], head[10], head[11]]) as usize;
        let body = [&[0; 12][..], &head[8..16], &packets[at + 16..at + 16 + captured]].concat();
        found.push(block(6, &body));
        at += 16 + captured;
    }
    let half = found.len() / 2;
    begin.extend(found[..half].concat());
    begin.extend([0x0BAD_u32.to_le_bytes(), LONG.to_le_bytes()].concat());
    let rest = [&LONG.to_le_bytes()[..], &found[half..].concat()].concat();
    let capture = dir.path().join("long.pcapng");
    let mut file = fs::File::create(&capture).expect("created");
    file.write_all(&begin).expect("written");
    file.seek(SeekFrom::Current(i64::from(LONG) - 12)).expect("a sparse file");
    file.write_all(&rest).expect("written");
    let (honest, ledger) = read(&capture, &[], &dir.path().join("out"));
    assert_eq!(honest["tls"]["version_name"], "TLSv1.2");
    assert_eq!(ledger["packets"], found.len());
}

/// A connection without the numbers of its frames, which count those of others too.
fn apart_from_frames(mut connection: serde_json::Value) -> serde_json::Value {
    let keys = connection.as_object_mut().expect("an object");
    keys.retain(|key, _| !matches!(key.as_str(), "first_frame" | "last_frame" | "display_filter"));
    connection
}

/// What reading costs, by the readers' own count: bytes that are read and moved, and how
/// often something is looked for.
fn cost(file: &[u8]) -> u64 {
    let mut input = tempfile::NamedTempFile::new().expect("a file");
    input.write_all(file).expect("written");
    let paths = [input.path().to_owned()];
    let mut set = CaptureSet::open(&paths, SetOptions::default()).expect("a capture");
    let mut batch = Batch::default();
    while set.fill(&mut batch, 4096, 1 << 20).expect("readable") {}
    set.work()
}

fn cost_of_records(file: &[u8]) -> u64 {
    let input = Input::new(Path::new("records"), Box::new(Cursor::new(file.to_vec())));
    let Ok(mut reader) = Reader::new(input) else { return 0 };
    // A file without records says so at its end.
    while let Ok(Some(_)) = reader.next_item() {}
    reader.work()
}

/// A file's beginning, and what is repeated in it up to a size.
fn repeated(head: &[u8], unit: &[u8], size: usize) -> Vec<u8> {
    let mut file = head.to_vec();
    while file.len() < size {
        file.extend_from_slice(unit);
    }
    file
}

/// Of what claims to be long, contradicts itself, or is almost plausible: reading it costs
/// as much more as there is more of it.
#[test]
fn work_grows_as_the_input_does() {
    let le = |words: &[u32]| -> Vec<u8> { words.iter().flat_map(|w| w.to_le_bytes()).collect() };
    let be = |words: &[u32]| -> Vec<u8> { words.iter().flat_map(|w| w.to_be_bytes()).collect() };
    let pcapng = le(&[0x0A0D_0D0A, 28, 0x1A2B_3C4D, 1, !0, !0, 28, 1, 20, 1, 262_144, 20]);
    let packet = le(&[6, 36, 0, 0, 1, 4, 4, 0, 36]);
    // Statistics of an interface that has lost more each time end a batch.
    let loss = le(&[5, 40, 0, 0, 0, 0x0008_0005, 7, 0, 0, 40]);
    let pcap = le(&[0xA1B2_C3D4, 0x0004_0002, 0, 0, 262_144, 1]);
    let zero_packet = le(&[0, 0, 0, 0]);
    let snoop = [&b"snoop\0\0\0"[..], &be(&[2, 4])].concat();
    let mut netmon = vec![0; 128];
    netmon[..8].copy_from_slice(b"GMBU\0\x02\x01\0");
    netmon[8..16].copy_from_slice(&[0xE8, 7, 1, 0, 0, 0, 1, 0]);
    let mut sniffer = b"TRSNIFF data    \x1a".to_vec();
    sniffer.extend([1, 0, 18, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0x21, 0x28, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0]);
    let mut iptrace = b"iptrace 2.0".to_vec();
    let record = [&be(&[36, 0])[..], &[0; 20], &[6, 0, 0, 0], &be(&[1, 0]), &[0; 4]].concat();
    iptrace.extend_from_slice(&record);
    let cases: Vec<(&str, Vec<u8>, Vec<u8>)> = vec![
        (
            "pcapng: a block of 16 MiB whose end contradicts it, and one of 12 bytes",
            pcapng.clone(),
            le(&[5, 0x0100_0000, 0xDEAD, 4, 12, 12]),
        ),
        (
            "pcapng: the same between packets",
            pcapng.clone(),
            [&packet[..], &le(&[6, 0x0100_0000, 0xDEAD])].concat(),
        ),
        (
            "pcapng: the same between packets and losses",
            pcapng.clone(),
            [&packet[..], &loss, &le(&[5, 0x0100_0000, 0xDEAD])].concat(),
        ),
        (
            "pcapng: blocks of half a megabyte that are almost plausible",
            pcapng.clone(),
            le(&[6, 0x0007_FFF0, 6, 0x0007_FFF0]),
        ),
        ("pcapng: an option that is wrong", pcapng, le(&[5, 24, 0, 0, 0, 24])),
        (
            "pcap: headers of the longest packets",
            pcap.clone(),
            le(&[1, 1, 262_144, 262_144, 0xFFFF_FFFF]),
        ),
        ("pcap: packets without bytes, as padding has", pcap.clone(), zero_packet),
        ("pcap: zeros and a packet", pcap.clone(), [&[0; 4080][..], &le(&[1, 1, 0, 0])].concat()),
        ("pcap: file headers", pcap.clone(), pcap.clone()),
        (
            "pcap: file headers that are packet headers as well",
            pcap.clone(),
            le(&[0xA1B2_C3D4, 0x0004_0002, 8, 0, 0, 1]),
        ),
        ("snoop: long records", snoop.clone(), be(&[262_144, 262_144, 262_168, 0, 1, 1])),
        ("snoop: records that contradict themselves", snoop, be(&[9, 9, 9, 0, 1, 1])),
        ("Network Monitor: long frames", netmon, le(&[1, 0, 262_144, 262_144, 0xFFFF_FFFF])),
        ("Sniffer: records that are none", sniffer, le(&[0x0008_FFFF, 0, 77])),
        ("iptrace: long records", iptrace, be(&[262_000, 0, 0, 0])),
    ];
    for (name, head, unit) in &cases {
        assert_linear(name, cost, head, unit);
    }
}

#[test]
fn work_of_records_grows_as_the_input_does() {
    let good = [
        0, 24, 0, 0, 0x5E, 119, 0, 0x34, 0x39, 0x42, 1, 0x25, 0x32, 0x6F, 0xE3, 0xC1, 0xD7, 0xF1,
        0, 0, 0, 0, 0, 0,
    ];
    let long = [&[0x7F, 0xF8][..], &good[2..], &[0xFF; 3]].concat();
    let mut block = vec![0x7F, 0xF8, 0, 0];
    block.extend_from_slice(&good);
    let transmit = [&[9, 0xE0, 0xC9, 0xD5, 0xD4, 0xD9, 0xF0, 0xF1, 0][..], &[2, 0x80]].concat();
    let unframed = [&good[4..], &good[4..18], &[0, 11, 0, 64]].concat();
    let cases: [(&str, &[u8], &[u8]); 6] = [
        ("records that claim 32 KB", &good, &long),
        ("no records", &good, &[1, 2, 3]),
        ("blocks that claim 32 KB", &block, &block),
        ("segments", &good, &[0, 5, 1, 0, 7]),
        ("segments of a TRANSMIT file", &transmit, &[2, 0x40, 2, 0x80]),
        ("records without descriptor words", &unframed, &unframed),
    ];
    for (name, head, unit) in cases {
        assert_linear(name, cost_of_records, head, unit);
    }
}

fn assert_linear(name: &str, cost: fn(&[u8]) -> u64, head: &[u8], unit: &[u8]) {
    /// Below this what a reader holds anyway counts.
    const SMALLEST: usize = 512 << 10;
    let costs: Vec<u64> =
        [1, 2, 4, 8].map(|times| cost(&repeated(head, unit, times * SMALLEST))).into();
    for pair in costs.windows(2) {
        assert!(pair[1] <= pair[0] * 5 / 2 + SMALLEST as u64 / 4, "{name}: {costs:?}");
    }
    // Read, moved, and looked at as a beginning: a few times each byte, not more.
    let most = 8 * 8 * SMALLEST as u64;
    assert!(costs[3] <= most, "{name}: {costs:?}");
}
