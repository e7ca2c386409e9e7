//! Files packed by AMATERSE, in whatever they come: archives, compression, or packed again. Both
//! `show` and `read` take them, or name what they are.

mod common;
#[path = "common/terse.rs"]
mod terse;

use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{case, text, zerttap};

fn put(dir: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = dir.join(name);
    fs::write(&path, bytes).expect("written");
    path
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(bytes).expect("compressed");
    gz.finish().expect("compressed")
}

fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (n, (name, bytes)) in members.iter().enumerate() {
        let methods = [zip::CompressionMethod::Stored, zip::CompressionMethod::Deflated];
        let options = zip::write::SimpleFileOptions::default().compression_method(methods[n % 2]);
        archive.start_file(*name, options).expect("added");
        archive.write_all(bytes).expect("added");
    }
    archive.finish().expect("an archive").into_inner()
}

/// An archive as POSIX has it (ustar).
fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, bytes) in members {
        let mut head = [0u8; 512];
        head[..name.len()].copy_from_slice(name.as_bytes());
        head[100..107].copy_from_slice(b"0000644");
        head[124..135].copy_from_slice(format!("{:011o}", bytes.len()).as_bytes());
        head[136..147].copy_from_slice(b"00000000000");
        head[148..156].fill(b' ');
        head[156] = b'0';
        head[257..263].copy_from_slice(b"ustar\0");
        head[263..265].copy_from_slice(b"00");
        let sum: u32 = head.iter().map(|b| u32::from(*b)).sum();
        head[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        out.extend(head);
        out.extend(*bytes);
        out.resize(out.len().next_multiple_of(512), 0);
    }
    out.resize(out.len() + 1024, 0);
    out
}

/// The same file in everything that may be around it, and how often it is there.
fn wrapped(dir: &Path, packed: &[u8]) -> Vec<(PathBuf, usize)> {
    let member = ("DUMP.TRS", packed);
    let gz = gzip(packed);
    let zipped = zip(&[member, ("B.trs", packed)]);
    vec![
        (put(dir, "a.trs", packed), 1),
        (put(dir, "a.trs.gz", &gz), 1),
        (put(dir, "a.trs.zst", &zstd::encode_all(packed, 3).expect("compressed")), 1),
        (put(dir, "a.zip", &zipped), 2),
        (put(dir, "b.zip", &zip(&[("readme.txt", b"packed"), ("c/a.trs.gz", &gz)])), 1),
        (put(dir, "a.tar", &tar(&[member, ("a.gz", &gz)])), 2),
        (put(dir, "a.tgz", &gzip(&tar(&[member]))), 1),
        (put(dir, "c.zip", &zip(&[("in.tar", &tar(&[member])), ("in.zip", &zipped)])), 3),
        (put(dir, "twice.trs", &terse::pack_fixed(packed)), 1),
    ]
}

fn output(command: &mut Command) -> (Option<i32>, String, String) {
    let output = command.output().expect("the program runs");
    let (out, err) = text(&output);
    (output.status.code(), out, err)
}

#[test]
fn dumps() {
    let dir = tempfile::tempdir().expect("a directory");
    let run = common::read_all(&["--detail", "-q"], &[&case("tls12-full"), &case("clear-http")]);
    let records = common::records_of(&run.records);
    let bare: Vec<&[u8]> = records.iter().map(|record| &record[4..]).collect();
    for (file, times) in wrapped(dir.path(), &terse::pack(&bare)) {
        let copy = dir.path().join("copy.smf");
        let (status, _, err) =
            output(zerttap().args(["show", "--force", "-w"]).arg(&copy).arg(&file));
        let name = file.display();
        assert_eq!(status, Some(0), "{name}: {err}");
        assert!(fs::read(&copy).expect("a copy") == run.records.repeat(times), "{name}");
        // Records are no capture, and that is said.
        let (status, _, err) = output(zerttap().arg("read").arg(&file));
        assert!(status == Some(2) && err.contains("zerttap show"), "{name}: {err}");
    }
}

#[test]
fn captures() {
    let dir = tempfile::tempdir().expect("a directory");
    let capture = fs::read(case("tls12-full").join("capture.pcap")).expect("a capture");
    let packets = |file: &Path| {
        let (status, out, err) = output(zerttap().args(["read", "--stats", "-"]).arg(file));
        assert_eq!(status, Some(0), "{}: {err}", file.display());
        let ledger: serde_json::Value = serde_json::from_str(&out).expect("JSON");
        assert_eq!(ledger["input"]["damaged_places"], 0, "{}: {err}", file.display());
        ledger["packets"].as_u64().expect("a number") as usize
    };
    for (file, times) in wrapped(dir.path(), &terse::pack_fixed(&capture)) {
        assert_eq!(packets(&file), 17 * times, "{}", file.display());
        let (status, _, err) = output(zerttap().arg("show").arg(&file));
        let told = err.contains("capture") && err.contains("zerttap read");
        assert!(status == Some(2) && told, "{}: {err}", file.display());
    }
    let split: Vec<&[u8]> = capture.chunks(1000).collect();
    assert_eq!(packets(&put(dir.path(), "records.trs", &terse::pack(&split))), 17);
}

/// A packed file without its end code may have been cut between two codes: every command says
/// so, also where it is in an archive or is read as one of many files.
#[test]
fn a_missing_end_code_is_told() {
    const NOTE: &str = "the packed file has no end code: it may have been cut";
    let dir = tempfile::tempdir().expect("a directory");
    let capture = fs::read(case("tls12-full").join("capture.pcap")).expect("a capture");
    let packed = terse::pack_without_end(&capture);
    for (file, times) in wrapped(dir.path(), &packed) {
        let name = file.display();
        if name.to_string().ends_with("twice.trs") {
            continue;
        }
        let (status, _, err) = output(zerttap().arg("read").arg(&file));
        assert_eq!((status, err.matches(NOTE).count()), (Some(0), times), "{name}: {err}");
    }
    let many = dir.path().join("many");
    fs::create_dir(&many).expect("a directory");
    for n in 0..70 {
        put(&many, &format!("{n}.trs"), &packed);
    }
    let (status, _, err) = output(zerttap().arg("read").arg(&many));
    assert_eq!((status, err.matches(NOTE).count()), (Some(0), 70), "{err}");
    let records = common::read_all(&["--detail", "-q"], &[&case("tls12-full")]).records;
    let file = put(dir.path(), "a.trs", &terse::pack_without_end(&records));
    for command in [&["show"][..], &["check", "--tap", "a.smf", "--stack"]] {
        put(dir.path(), "a.smf", &records);
        let mut run = zerttap();
        let (_, _, err) = output(run.current_dir(dir.path()).args(command).arg(&file));
        assert_eq!(err.matches(NOTE).count(), 1, "{command:?}: {err}");
    }
}

/// What is packed and not read has a name, by itself and in an archive.
#[test]
fn what_is_not_read_is_named() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut partitioned = terse::pack_fixed(&[0x40; 800]);
    partitioned[0] = 7;
    let mut native = partitioned.clone();
    native[..4].copy_from_slice(&[1, 0x89, 0x69, 0xA5]);
    for (bytes, told) in [(partitioned, "partitioned"), (native, "TERSE for workstations")] {
        for file in [
            put(dir.path(), "a.trs", &bytes),
            put(dir.path(), "a.trs.gz", &gzip(&bytes)),
            put(dir.path(), "a.zip", &zip(&[("a.trs", &bytes)])),
            put(dir.path(), "a.tar", &tar(&[("a.trs", &bytes)])),
        ] {
            for command in ["show", "read"] {
                let (status, _, err) = output(zerttap().arg(command).arg(&file));
                assert_eq!(status, Some(2), "{command} {}: {err}", file.display());
                assert!(err.contains(told), "{command} {}: {err}", file.display());
            }
        }
    }
}
