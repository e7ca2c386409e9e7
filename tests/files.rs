//! Capture files of all formats, in archives, appended to each other, in thousands; and
//! what is said of files that are not read. `tests/formats/make.sh` makes one content in
//! all formats, mostly by Wireshark's editcap.

mod common;
#[path = "common/packets.rs"]
mod packets;

use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{Run, case, read, text, zerttap};
use serde_json::Value;
use zip::write::SimpleFileOptions;

const OPTIONS: [&str; 3] = ["--include-midstream", "--threads", "2"];

fn formats() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats")
}

fn run(inputs: &[&Path]) -> Run {
    read(&OPTIONS, inputs)
}

/// Connections without what formats keep with different precision.
fn without_times(run: &Run) -> Vec<Value> {
    let mut connections = run.connections.clone();
    for connection in &mut connections {
        let object = connection.as_object_mut().expect("an object");
        object.retain(|key, _| {
            !["start", "end", "established_at", "duration"].contains(&key.as_str())
                && !key.contains("_ms")
                && !key.contains("time")
        });
    }
    connections.sort_by_key(ToString::to_string);
    connections
}

fn seconds(value: &Value) -> i64 {
    let text = value.as_str().unwrap_or_else(|| panic!("a time: {value}"));
    text.parse::<jiff::Timestamp>().expect("a time").as_second()
}

fn pcap() -> Vec<u8> {
    fs::read(formats().join("source.pcap")).expect("the source")
}

#[test]
fn every_format_gives_the_same_packets_and_connections() {
    let source = run(&[&formats().join("source.pcap")]);
    assert_eq!(source.connections.len(), 3);
    let mut tried = 0;
    for entry in fs::read_dir(formats()).expect("the formats").flatten() {
        let path = entry.path();
        if path.extension().is_none_or(|e| e != "cap") {
            continue;
        }
        let name = path.display();
        let found = run(&[&path]);
        assert_eq!(found.ledger["packets"], source.ledger["packets"], "{name}");
        assert_eq!(found.ledger["bytes"], source.ledger["bytes"], "{name}");
        assert_eq!(found.ledger["input"]["damaged_places"], 0, "{name}: {}", found.stderr);
        assert_eq!(without_times(&found), without_times(&source), "{name}");
        let first = |run: &Run| run.connections.iter().map(|c| seconds(&c["start"])).min();
        let apart = first(&found).expect("one") - first(&source).expect("one");
        assert!(apart.abs() <= 1, "{name}: {apart} s apart");
        tried += 1;
    }
    assert!(tried >= 20, "{tried} formats");
}

/// tshark is another reader of all these files, where it is installed.
#[test]
fn tshark_reads_the_same_packets_and_connections() {
    let tshark = |path: &Path| {
        let output = Command::new("tshark")
            .args(["-n", "-T", "fields", "-e", "frame.number", "-e", "tcp.stream", "-r"])
            .arg(path)
            .output()
            .ok()?;
        let lines = String::from_utf8_lossy(&output.stdout).into_owned();
        let streams: std::collections::BTreeSet<&str> =
            lines.lines().filter_map(|l| l.split('\t').nth(1)).filter(|s| !s.is_empty()).collect();
        Some((lines.lines().count(), streams.len()))
    };
    for entry in fs::read_dir(formats()).expect("the formats").flatten() {
        let path = entry.path();
        if path.extension().is_none_or(|e| e != "cap") {
            continue;
        }
        let Some((packets, streams)) = tshark(&path) else {
            eprintln!("tshark is not installed: nothing to compare");
            return;
        };
        let found = run(&[&path]);
        let counts = (found.ledger["packets"].as_u64(), found.connections.len());
        assert_eq!(counts, (Some(packets as u64), streams), "{}", path.display());
    }
}

#[test]
fn formats_that_are_cut_or_damaged_lose_only_what_is_damaged() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("damaged.cap");
    for name in ["snoop", "netmon1", "netmon2", "nettl", "ngsniffer", "erf", "iptrace2"] {
        let whole = fs::read(formats().join(format!("{name}.cap"))).expect("a capture");
        let packets = run(&[&formats().join(format!("{name}.cap"))]).ledger["packets"].clone();
        let packets = packets.as_u64().expect("a number");
        // Bytes in the middle that are no record of any of them.
        let mut damaged = whole.clone();
        let at = damaged.len() / 2;
        damaged.splice(at..at, [0xEE; 61]);
        fs::write(&path, &damaged).expect("written");
        let found = run(&[&path]);
        let read = found.ledger["packets"].as_u64().expect("a number");
        // Any eight bytes are a header of Network Monitor 1.x.
        let lost = if name == "netmon1" { 8 } else { 4 };
        assert!(read + lost >= packets, "{name}: {read} of {packets}: {}", found.stderr);
        fs::write(&path, &whole[..whole.len() / 2]).expect("written");
        let found = run(&[&path]);
        let read = found.ledger["packets"].as_u64().expect("a number");
        assert!(read > 5 && read < packets, "{name}: {read}");
        assert_eq!(found.ledger["input"]["damaged_places"], 1, "{name}: {}", found.stderr);
    }
}

fn zip_of(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        zip.start_file(*name, SimpleFileOptions::default()).expect("a member");
        zip.write_all(bytes).expect("written");
    }
    zip.finish().expect("an archive").into_inner()
}

/// A tar archive in the form of POSIX, written independently of the reader.
fn tar_of(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, bytes) in members {
        let mut header = [0; 512];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[100..108].copy_from_slice(b"0000644\0");
        header[124..136].copy_from_slice(format!("{:011o}\0", bytes.len()).as_bytes());
        header[156] = b'0';
        header[257..265].copy_from_slice(b"ustar\x0000");
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().map(|b| u32::from(*b)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        out.extend(header);
        out.extend_from_slice(bytes);
        out.resize(out.len().next_multiple_of(512), 0);
    }
    out.resize(out.len() + 1024, 0);
    out
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(bytes).expect("written");
    out.finish().expect("compressed")
}

#[test]
fn captures_are_read_in_archives_and_other_files_are_named() {
    let dir = tempfile::tempdir().expect("a directory");
    let expected = run(&[&formats().join("source.pcap")]);
    let (plain, packed) = (pcap(), gzip(&pcap()));
    let zstd = zstd::encode_all(Cursor::new(pcap()), 3).expect("compressed");
    let readme: (&str, &[u8]) = ("notes/readme.txt", b"hello there");
    let archives: Vec<(&str, Vec<u8>)> = vec![
        ("zip", zip_of(&[readme, ("a/one.pcap", &plain)])),
        ("gzip in zip", zip_of(&[("one.pcap.gz", &packed), readme])),
        ("zstd in zip", zip_of(&[readme, ("one.pcap.zst", &zstd)])),
        ("zip in gzip", gzip(&zip_of(&[("one.pcap", &plain), readme]))),
        ("tar", tar_of(&[readme, ("one.pcap", &plain)])),
        ("tar.gz", gzip(&tar_of(&[("one.pcap", &plain), readme]))),
        ("gzip in tar", tar_of(&[("one.pcap.gz", &packed), readme])),
        ("tar.gz in zip", zip_of(&[("one.tgz", &gzip(&tar_of(&[("one.pcap", &plain), readme])))])),
        ("zip in zip", zip_of(&[("in.zip", &zip_of(&[("one.pcap", &plain), readme]))])),
    ];
    for (name, bytes) in &archives {
        let path = dir.path().join("archive.bin");
        fs::write(&path, bytes).expect("written");
        let mut inputs = vec![path.clone()];
        // The same below a directory.
        let below = dir.path().join("below");
        fs::create_dir_all(&below).expect("made");
        fs::write(below.join("archive"), bytes).expect("written");
        inputs.push(below);
        for input in &inputs {
            let found = run(&[input]);
            assert_eq!(found.connections, expected.connections, "{name}");
            assert_eq!(found.ledger["packets"], expected.ledger["packets"], "{name}");
            assert_eq!(found.ledger["input"]["files"], 1, "{name}");
            assert_eq!(found.ledger["input"]["files_left_out"], 1, "{name}");
            let line = found.stderr.lines().find(|l| l.contains("readme.txt")).unwrap_or_default();
            assert!(line.contains("left out: not a capture file"), "{name}: {}", found.stderr);
        }
        // Once through a pipe.
        let output = Command::new("bash")
            .args(["-c", "cat \"$1\" | \"$0\" read --include-midstream --jsonl - -"])
            .arg(zerttap().get_program())
            .arg(&path)
            .output()
            .expect("bash runs");
        let (stdout, stderr) = text(&output);
        assert_eq!(stdout.matches("\"type\":\"connection\"").count(), 3, "{name}: {stderr}");
    }
}

fn refused(bytes: &[u8]) -> String {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("file");
    fs::write(&path, bytes).expect("written");
    let output = zerttap().arg("read").arg(&path).output().expect("the program runs");
    assert_eq!(output.status.code(), Some(2), "{}", text(&output).1);
    text(&output).1
}

#[test]
fn what_is_not_read_has_a_name_and_a_way() {
    let mut etl = vec![0; 4096];
    etl[..4].copy_from_slice(&[0, 0, 1, 0]);
    etl[72..76].copy_from_slice(&[2, 0, 2, 0xC0]);
    // A component trace entry: length, offset of the data, format, ..., length.
    let mut ctrace = vec![0, 0, 0, 0];
    let mut entry = vec![0; 128];
    entry[..8].copy_from_slice(&[0, 128, 0, 64, 0, 0, 0, 1]);
    entry[126..].copy_from_slice(&[0, 128]);
    ctrace.extend(entry);
    let smf = fs::read(case("check/dump.smf")).unwrap_or_else(|_| {
        let mut header = vec![0, 18, 0, 0, 0x1E, 2];
        header.resize(18, 0x40);
        header
    });
    let table: [(&[u8], &str, &str); 12] = [
        (b"7z\xBC\xAF\x27\x1C\0\x04", "a 7z archive", "unpack"),
        (b"Rar!\x1A\x07\x01\0", "a RAR archive", "unpack"),
        (b"\xFD7zXZ\0\0\x04", "xz", "xz -d"),
        (b"BZh91AY&SY", "bzip2", "bzip2 -d"),
        (&etl, "ETL", "etl2pcapng"),
        (&ctrace, "CTRACE", "CTRACE COMP(SYSTCPDA)"),
        (&smf, "SMF records", "zerttap show"),
        (b"\x7Fver\0\0\0\0", "OmniPeek", "editcap -F pcapng"),
        (b"ObserverPktBufferVersion=15.00", "Observer", "editcap -F pcapng"),
        (b"btsnoop\0\0\0\0\x01", "Bluetooth", "no IP packets"),
        (b"0000  45 00 00 3c 1c 46\n", "text", "text2pcap"),
        (b"\xAA\xAA\xAA\xAA\x10\0\0\0", "5View", "editcap"),
    ];
    for (bytes, name, way) in table {
        let said = refused(bytes);
        assert!(said.contains("not a capture"), "{said}");
        assert!(said.contains(name) && said.contains(way), "{name}: {said}");
    }
    assert!(refused(&zip_of(&[("a.txt", b"no")])).contains("no capture file in this archive"));
    let no = refused(b"\x01\x02\x03\x04\x05\x06\x07\x08");
    assert!(no.contains("it begins with 01 02 03 04"), "{no}");
}

#[test]
fn captures_that_are_appended_to_each_other_are_read() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("both.cap");
    let one = run(&[&formats().join("source.pcap")]);
    let packets = one.ledger["packets"].as_u64().expect("a number");
    let names = [
        "source.pcap",
        "pcapng.cap",
        "nsecpcap.cap",
        "snoop.cap",
        "netmon2.cap",
        "netmon1.cap",
        "nettl.cap",
        "ngsniffer.cap",
        "iptrace2.cap",
        "pcap-big-endian.cap",
    ];
    let file = |name: &str| fs::read(formats().join(name)).expect("a capture");
    for first in names {
        for second in names {
            for padding in [0, 37] {
                // Zeros fill the last record of a data set.
                if padding > 0 && (second == "nettl.cap" || first != "source.pcap") {
                    continue;
                }
                let mut both = file(first);
                both.resize(both.len() + padding, 0);
                both.extend(file(second));
                fs::write(&path, &both).expect("written");
                let found = run(&[&path]);
                let what = format!("{first}, {padding} zeros, {second}: {}", found.stderr);
                assert_eq!(found.ledger["packets"], 2 * packets, "{what}");
                assert_eq!(found.ledger["input"]["damaged_places"], 0, "{what}");
                if first != "pcapng.cap" || second != "pcapng.cap" {
                    assert!(found.stderr.contains("2 captures follow each other"), "{what}");
                }
            }
        }
    }
}

#[test]
fn what_the_capturer_lost_is_loss() {
    let block = |kind: u32, body: &[u8]| {
        let length = u32::try_from(12 + body.len()).expect("short").to_le_bytes();
        [&kind.to_le_bytes()[..], &length, body, &length].concat()
    };
    let option = |code: u16, value: u64| {
        [&code.to_le_bytes()[..], &8_u16.to_le_bytes(), &value.to_le_bytes()].concat()
    };
    let statistics = |dropped: u64, by_system: u64| {
        let options = [option(5, dropped), option(7, by_system), vec![0; 4]].concat();
        block(5, &[&[0; 12][..], &options].concat())
    };
    let mut file = fs::read(formats().join("pcapng.cap")).expect("a capture");
    let before = file.len();
    file.extend(statistics(70, 7));
    // Of the same interface: the count goes on from the beginning.
    file.extend(statistics(71, 9));
    assert!(file.len() > before);
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("lossy.pcapng");
    fs::write(&path, &file).expect("written");
    let input = run(&[&path]).ledger["input"].clone();
    assert_eq!(input["interface_dropped_packets"], 71, "{input}");
    assert_eq!(input["dropped_packets"], 9, "{input}");

    // Between the two halves of a connection, before another one: of it nothing was lost.
    let source =
        packets::read(&fs::read(case("tls12-full").join("capture.pcap")).expect("a capture"));
    let source = source.expect("packets");
    let began = source[0].ts;
    let (first, second) = source.split_at(source.len() / 2);
    let last = source.last().expect("a packet").ts;
    let later: Vec<_> = source
        .iter()
        .cloned()
        .map(|mut packet| {
            packet.ts += last - began + 100_000_000_000;
            packet
        })
        .collect();
    let file = [
        packets::to_pcapng(first),
        statistics(3, 0),
        packets::to_pcapng(second),
        packets::to_pcapng(&later),
    ];
    fs::write(&path, file.concat()).expect("written");
    for size in ["1", "3", "4096"] {
        let found = read(&["--batch", size], &[&path]);
        let incomplete: Vec<_> =
            found.connections.iter().map(|c| c["incomplete"].clone()).collect();
        assert_eq!(incomplete, [true, false], "{size}");
        let told = "the captures say that 3 packets were lost";
        assert!(found.stderr.contains(told), "{}", found.stderr);
    }

    // Behind the period that is read: of that nothing was lost.
    let (first, second) = source.split_at(source.len() / 2 + 1);
    let until = jiff::Timestamp::from_nanosecond(first[first.len() - 1].ts.into()).expect("a time");
    let until = format!("{until:.9}");
    let halves = [packets::to_pcapng(first), statistics(3, 0), packets::to_pcapng(second)];
    fs::write(&path, halves.concat()).expect("written");
    let alone = dir.path().join("alone.pcapng");
    fs::write(&alone, packets::to_pcapng(&first[..first.len() - 1])).expect("written");
    let reference = read(&[], &[&alone]);
    for size in ["1", "3", "4096"] {
        let found = read(&["--batch", size, "--until", &until], &[&path]);
        assert_eq!(found.connections, reference.connections, "{size}");
    }
}

#[test]
fn nanoseconds_in_a_file_of_microseconds_are_told() {
    let found = run(&[&formats().join("pcap-nanoseconds-as-micro.cap")]);
    assert!(found.stderr.contains("they are taken for nanoseconds"), "{}", found.stderr);
    let source = run(&[&formats().join("source.pcap")]);
    assert_eq!(found.connections, source.connections);
    assert!(!source.stderr.contains("nanoseconds"), "{}", source.stderr);
}

#[test]
fn short_and_strange_files_keep_the_usual_packet_headers() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("short.pcap");
    let source = pcap();
    let packet = |seconds: u32, bytes: &[u8]| {
        let length = u32::try_from(bytes.len()).expect("short").to_le_bytes();
        [&seconds.to_le_bytes()[..], &[0; 4], &length, &length, bytes].concat()
    };
    let arp: Vec<u8> = [&[0xFF; 12][..], &[8, 6], &[0; 28]].concat();
    // A clock that was wrong at first, and was set.
    for (times, cut) in [
        (&[1_000, 2_000_000_000][..], 0),
        (&[1_000, 1_001, 1_700_000_000], 0),
        (&[1_700_000_000], 0),
        (&[1_700_000_000, 1_700_000_001], 50),
        (&[1_700_000_000, 1_700_000_001, 1_700_000_002], 54),
    ] {
        let mut file = source[..24].to_vec();
        file.extend(times.iter().flat_map(|seconds| packet(*seconds, &arp)));
        file.truncate(file.len() - cut);
        fs::write(&path, &file).expect("written");
        let found = run(&[&path]);
        let whole = times.len() - usize::from(cut > 0);
        assert_eq!(found.ledger["packets"], whole, "{times:?}: {}", found.stderr);
        let damaged = u64::from(cut > 0);
        assert_eq!(found.ledger["input"]["damaged_places"], damaged, "{}", found.stderr);
    }
}

/// Descriptors and kilobytes of address space that a run of thousands of files may have.
fn bounded(input: &Path, jsonl: &Path) -> Vec<String> {
    let output = Command::new("bash")
        .args([
            "-c",
            "ulimit -n 256; ulimit -v 1500000; exec \"$0\" read -q --force --threads 2 \
             --include-midstream --jsonl \"$1\" \"$2\"",
        ])
        .arg(zerttap().get_program())
        .arg(jsonl)
        .arg(input)
        .output()
        .expect("bash runs");
    assert!(output.status.success(), "{}: {}", input.display(), text(&output).1);
    let lines = fs::read_to_string(jsonl).expect("lines");
    let objects = lines.lines().map(|l| serde_json::from_str::<Value>(l).expect("an object"));
    let connections = objects.filter(|o| o["type"] == "connection");
    // The numbers of frames are those of their files.
    let apart = connections.map(|mut o| {
        let keys = o.as_object_mut().expect("an object");
        keys.retain(|k, _| !matches!(k.as_str(), "first_frame" | "last_frame" | "display_filter"));
        o.to_string()
    });
    apart.collect()
}

#[test]
fn thousands_of_files_that_overlap_need_few_descriptors_and_little_memory() {
    const FILES: usize = 2000;
    let dir = tempfile::tempdir().expect("a directory");
    let (whole, below) = (dir.path().join("whole.pcap"), dir.path().join("below"));
    fs::create_dir(&below).expect("made");
    let source = pcap();
    let (head, mut rest) = source.split_at(24);
    let mut packets = Vec::new();
    while let Some(captured) = rest.get(8..12) {
        let captured = u32::from_le_bytes(captured.try_into().expect("four")) as usize;
        let (packet, after) = rest.split_at(16 + captured);
        packets.push(packet.to_vec());
        rest = after;
    }
    // All begin before the first packet and end after the last: each holds one packet of
    // the connections at most, between two of ARP.
    let arp = |seconds: u32, n: usize| {
        let mut bytes = vec![0; 16 + 42];
        bytes[..4].copy_from_slice(&seconds.to_le_bytes());
        bytes[8..12].copy_from_slice(&42_u32.to_le_bytes());
        bytes[12..16].copy_from_slice(&42_u32.to_le_bytes());
        bytes[28..30].copy_from_slice(&[8, 6]);
        bytes[56..58].copy_from_slice(&u16::try_from(n).expect("few").to_be_bytes());
        bytes
    };
    let mut members = Vec::new();
    for n in 0..FILES {
        let mut file = head.to_vec();
        file.extend(arp(1_000, n));
        file.extend(packets.get(n).into_iter().flatten());
        file.extend(arp(2_000_000_000, n));
        members.push((format!("{n:05}.pcap"), file));
    }
    for (name, file) in &members {
        fs::write(below.join(name), file).expect("written");
    }
    fs::write(&whole, &source).expect("written");
    let names: Vec<(&str, &[u8])> =
        members.iter().map(|(name, file)| (name.as_str(), file.as_slice())).collect();
    let (zip, tar) = (dir.path().join("all.zip"), dir.path().join("all.tar.gz"));
    fs::write(&zip, zip_of(&names)).expect("written");
    fs::write(&tar, gzip(&tar_of(&names))).expect("written");
    let jsonl = dir.path().join("lines");
    let expected = bounded(&whole, &jsonl);
    assert_eq!(expected.len(), 3);
    for input in [&below, &zip, &tar] {
        let found = bounded(input, &jsonl);
        assert_eq!(found, expected, "{}", input.display());
        let ledger = fs::read_to_string(&jsonl).expect("lines");
        let ledger: Value =
            serde_json::from_str(ledger.lines().last().expect("a ledger")).expect("an object");
        assert_eq!(ledger["packets"], 2 * FILES + packets.len(), "{}", input.display());
    }
}
