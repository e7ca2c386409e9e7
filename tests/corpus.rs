//! Whatever is read, the ledger adds up, and the output depends on the input
//! alone: not on threads, batches, file formats or the split into files.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn threads_and_batches_change_nothing() {
    let captures = common::captures();
    assert!(captures.len() > 20);
    let inputs: Vec<&Path> = captures.iter().map(PathBuf::as_path).collect();
    // One set of everything, and every twentieth capture alone.
    let mut sets: Vec<Vec<&Path>> = inputs.iter().step_by(20).map(|p| vec![*p]).collect();
    sets.push(inputs.clone());
    for set in sets {
        let run = |threads: &str, batch: &str| {
            common::read_all(
                &["--detail", "--include-midstream", "--threads", threads, "--batch", batch, "-q"],
                &set,
            )
        };
        let reference = run("1", "4096");
        assert!(common::adds_up(&reference.ledger));
        for threads in ["1", "2", "5"] {
            for batch in ["1", "7", "4096"] {
                if batch == "1" && set.len() > 1 && threads == "5" {
                    continue; // a batch of one packet on five threads takes long and says no more
                }
                let other = run(threads, batch);
                let what = format!(
                    "{threads} threads, batches of {batch}, {} files from {}",
                    set.len(),
                    set[0].display()
                );
                assert!(other.records == reference.records, "records differ: {what}");
                assert!(other.connections == reference.connections, "connections differ: {what}");
                assert_eq!(other.ledger, reference.ledger, "{what}");
            }
        }
    }
}

#[test]
fn every_capture_is_read_to_its_end() {
    let mut packets = 0;
    for capture in common::captures() {
        let run = common::read_all(&["--detail", "--include-midstream", "-q"], &[&capture]);
        assert!(common::adds_up(&run.ledger), "{}", capture.display());
        assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
        packets += run.ledger["packets"].as_u64().expect("a number");
        for record in common::records_of(&run.records) {
            let mut again = Vec::new();
            match zerttap::record::Summary::decode(record) {
                Some(summary) => summary.encode(&mut again),
                None => zerttap::record::Detail::decode(record)
                    .expect("a detail record")
                    .encode(&mut again),
            }
            assert_eq!(again, record);
        }
        events_make_sense(&run);
    }
    assert!(packets > 100);
}

/// Initiation, changes, termination; or a short termination alone.
fn events_make_sense(run: &common::Run) {
    let mut open = std::collections::BTreeMap::new();
    for event in &run.events {
        let before = open.get(&event.connection).copied();
        match (event.kind, before) {
            // The tool's own start and end.
            (5 | 6, _) => assert_eq!((event.connection, event.protocols), (0, 0)),
            (1, None) => drop(open.insert(event.connection, event.protocols)),
            (2, Some(protocols)) => {
                assert_ne!(protocols, event.protocols, "a change changes something");
                open.insert(event.connection, event.protocols);
            }
            (3, Some(protocols)) => {
                assert_eq!(protocols, event.protocols, "a termination changes nothing");
                open.remove(&event.connection);
            }
            (4, None) => {}
            other => panic!("{other:?}"),
        }
    }
}

fn case_output(inputs: &[&Path]) -> (Vec<u8>, Vec<serde_json::Value>) {
    let run = common::read_all(&["--detail", "-q"], inputs);
    (run.records, run.connections)
}

#[test]
fn the_form_of_the_file_changes_nothing() {
    let reference = case_output(&[&common::case("tls12-full/capture.pcap")]);
    assert!(!reference.0.is_empty());
    for other in [
        "format-pcapng/capture.pcapng",
        "format-nanoseconds-padded/capture.pcap",
        "format-sniffer/capture.trc",
    ] {
        assert_eq!(case_output(&[&common::case(other)]), reference, "{other}");
    }
}

#[test]
fn compression_and_standard_input_change_nothing() {
    use std::io::Write;
    use std::process::Stdio;
    let plain = common::case("tls12-full/capture.pcap");
    let reference = case_output(&[&plain]);
    let dir = tempfile::tempdir().expect("a directory");
    let bytes = fs::read(&plain).expect("the capture");
    let gz = dir.path().join("capture.pcap.gz");
    // Two members, as rotating writers make them.
    let mut out = Vec::new();
    for half in [&bytes[..1000], &bytes[1000..]] {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(half).expect("written");
        out.extend(encoder.finish().expect("finished"));
    }
    fs::write(&gz, out).expect("written");
    let zst = dir.path().join("capture.pcap.zst");
    fs::write(&zst, zstd::encode_all(&bytes[..], 3).expect("compressed")).expect("written");
    assert_eq!(case_output(&[&gz]), reference);
    assert_eq!(case_output(&[&zst]), reference);
    let mut child = common::zerttap()
        .args(["read", "-q", "--jsonl", "-", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program runs");
    child.stdin.take().expect("a pipe").write_all(&bytes).expect("written");
    let output = child.wait_with_output().expect("finished");
    let lines = String::from_utf8(output.stdout).expect("text");
    assert!(lines.lines().count() == 2 && lines.contains("C02F"), "{lines}");
}

/// The packets of a little-endian pcap file.
fn split(bytes: &[u8]) -> (Vec<u8>, Vec<Vec<u8>>) {
    let mut at = 24;
    let mut packets = Vec::new();
    while at < bytes.len() {
        let captured =
            u32::from_le_bytes([bytes[at + 8], bytes[at + 9], bytes[at + 10], bytes[at + 11]]);
        let end = at + 16 + captured as usize;
        packets.push(bytes[at..end].to_vec());
        at = end;
    }
    (bytes[..24].to_vec(), packets)
}

#[test]
fn a_connection_may_span_files() {
    for case in ["tls12-full", "long-connection", "late-handshake", "tls13-resumption"] {
        let plain = common::case(case).join("capture.pcap");
        let reference = case_output(&[&plain]);
        let (header, packets) = split(&fs::read(&plain).expect("the capture"));
        for pieces in [2, 5, packets.len()] {
            let dir = tempfile::tempdir().expect("a directory");
            for (i, part) in packets.chunks(packets.len().div_ceil(pieces)).enumerate() {
                // The names are not in the order of time.
                let name = dir.path().join(format!("{}.pcap", (i * 7) % 100));
                fs::write(name, [header.clone(), part.concat()].concat()).expect("written");
            }
            assert_eq!(case_output(&[dir.path()]), reference, "{case} in {pieces} files");
            // Two taps, each with every other packet.
            let two = tempfile::tempdir().expect("a directory");
            for tap in 0..2 {
                let part: Vec<u8> =
                    packets.iter().skip(tap).step_by(2).flatten().copied().collect();
                fs::write(two.path().join(format!("{tap}.pcap")), [header.clone(), part].concat())
                    .expect("written");
            }
            let (records, _) = case_output(&[two.path()]);
            assert_eq!(records.len(), reference.0.len(), "{case} from two taps");
        }
    }
}

/// The next files of a set are decompressed before their turn, as many as there are
/// threads: nothing of the output shows it, not even what is wrong with one of them.
#[test]
fn compressed_files_of_a_set_are_the_same_with_more_threads() {
    use std::io::Write;
    let bytes = fs::read(common::case("long-connection").join("capture.pcap")).expect("there");
    let reference = case_output(&[&common::case("long-connection").join("capture.pcap")]);
    let (header, packets) = split(&bytes);
    for damaged in [false, true] {
        let dir = tempfile::tempdir().expect("a directory");
        for (i, part) in packets.chunks(packets.len().div_ceil(9)).enumerate() {
            let plain = [header.clone(), part.concat()].concat();
            let level = flate2::Compression::fast();
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
            encoder.write_all(&plain).expect("written");
            let mut out = match i % 3 {
                0 => encoder.finish().expect("finished"),
                1 => zstd::encode_all(&plain[..], 3).expect("compressed"),
                _ => plain,
            };
            if damaged && i == 3 {
                out.truncate(out.len() - 20);
            }
            // The names are not in the order of time.
            fs::write(dir.path().join(format!("{}.pcap", (i * 7) % 100)), out).expect("written");
        }
        let outputs: Vec<_> = ["1", "2", "3", "9"]
            .map(|threads| {
                let run = common::read_all(&["--detail", "--threads", threads], &[dir.path()]);
                (run.records, run.connections, run.ledger)
            })
            .into();
        assert!(outputs.iter().all(|other| *other == outputs[0]));
        let (records, connections, ledger) = &outputs[0];
        if damaged {
            assert_ne!(ledger["input"]["damaged_places"], 0);
        } else {
            assert_eq!((records, connections), (&reference.0, &reference.1));
        }
    }
}

#[test]
fn a_file_cut_anywhere_is_read_up_to_the_cut() {
    let bytes = fs::read(common::case("tls12-full/capture.pcap")).expect("the capture");
    let (_, packets) = split(&bytes);
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("cut.pcap");
    for cut in (24..bytes.len()).step_by(97) {
        fs::write(&path, &bytes[..cut]).expect("written");
        let run = common::read(&[], &[&path]);
        let mut whole = 0;
        let mut at = 24;
        for packet in &packets {
            at += packet.len();
            whole += u64::from(at <= cut);
        }
        assert_eq!(run.ledger["packets"].as_u64(), Some(whole), "cut at {cut}");
        assert!(common::adds_up(&run.ledger));
        let at_a_packet = whole as usize == packets.len() || {
            let before: usize = packets.iter().take(whole as usize).map(Vec::len).sum();
            24 + before == cut
        };
        assert_eq!(run.stderr.contains("the file ends inside"), !at_a_packet, "{}", run.stderr);
    }
}

#[test]
fn damage_in_the_middle_is_passed_over_and_told() {
    let bytes = fs::read(common::case("tls12-full/capture.pcap")).expect("the capture");
    let (header, packets) = split(&bytes);
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("damaged.pcap");
    let garbage = vec![0xFF; 333];
    let damaged = [header, packets[..9].concat(), garbage, packets[9..].concat()].concat();
    fs::write(&path, damaged).expect("written");
    let run = common::read(&[], &[&path]);
    assert_eq!(run.ledger["packets"].as_u64(), Some(packets.len() as u64), "{}", run.stderr);
    assert_eq!(run.ledger["input"]["damaged_bytes"], 333);
    let offset: usize = 24 + packets[..9].iter().map(Vec::len).sum::<usize>();
    assert!(run.stderr.contains(&format!("offset {offset}")), "{}", run.stderr);
    assert_eq!(run.connections[0]["tls"]["completed"], true);
}
