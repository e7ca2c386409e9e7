//! Files of records in every form: there and back, damaged, cut, compressed, with
//! their boundaries lost.

mod common;

use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use zerttap::dump::{self, Damage, Form, Framing, Item, Reader, Writer};
use zerttap::input::Input;

/// What is in a file: its form, its records with their offsets, its damage.
#[derive(Debug)]
struct Content {
    form: Form,
    records: Vec<(u64, Vec<u8>)>,
    damage: Vec<Damage>,
}

impl Content {
    fn bytes(&self) -> Vec<&[u8]> {
        self.records.iter().map(|(_, r)| r.as_slice()).collect()
    }
}

fn content(bytes: &[u8]) -> Result<Content, String> {
    let input = Input::new(Path::new("a file"), Box::new(Cursor::new(bytes.to_vec())));
    let mut reader = Reader::new(input).map_err(|e| e.to_string())?;
    let mut found = Content { form: reader.form(), records: Vec::new(), damage: Vec::new() };
    while let Some(item) = reader.next_item().map_err(|e| e.to_string())? {
        match item {
            Item::Record { offset, bytes } => found.records.push((offset, bytes.to_vec())),
            Item::Damage(damage) => found.damage.push(damage),
            Item::Note(_) => {}
        }
    }
    Ok(found)
}

fn written(records: &[&[u8]], framing: Framing, blksize: u16) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), framing, blksize).expect("a block size");
    for record in records {
        writer.record(record).expect("a record");
    }
    writer.finish().expect("written")
}

/// Records of all cases, of both subtypes.
fn records() -> Vec<u8> {
    let run = common::read_all(&["--detail", "-q"], &[&common::case("")]);
    assert!(common::records_of(&run.records).len() > 200);
    run.records
}

/// A few records: those of one case.
fn sample() -> Vec<u8> {
    common::read_all(&["--detail", "-q"], &[&common::case("tls12-full")]).records
}

fn example(file: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/spec/examples").join(file);
    let text = fs::read_to_string(path).expect("the example");
    let digits: String = text
        .lines()
        .map(|l| l.split('#').next().unwrap_or_default())
        .flat_map(str::chars)
        .filter(|c| !c.is_whitespace())
        .collect();
    let byte = |i: usize| u8::from_str_radix(&digits[i..i + 2], 16).expect("hexadecimal");
    (0..digits.len()).step_by(2).map(byte).collect()
}

#[test]
fn the_worked_example_of_spanned_blocks_both_ways() {
    let (one, two) = (example("smf119-11-tls12-init.hex"), example("smf119-12-tls12-interval.hex"));
    let blocks = example("smf119-vbs-blocks.hex");
    assert_eq!(written(&[&one, &two], Framing::Vbs, 600), blocks);
    let found = content(&blocks).expect("records");
    assert_eq!((found.form, found.bytes()), (Form::Blocked, vec![&one[..], &two[..]]));
    assert_eq!(found.records.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [4, 448]);
    assert!(found.damage.is_empty());
}

#[test]
fn every_form_gives_the_records_back() {
    let file = records();
    let all = common::records_of(&file);
    for framing in Framing::ALL {
        for blksize in [32, 100, 700, 6233, 27_998, 32_760] {
            if framing == Framing::Vb && blksize < 1500 {
                continue; // no room for the longest
            }
            let bytes = written(&all, framing, blksize);
            let found = content(&bytes).expect("records");
            assert_eq!(found.bytes(), all, "{framing} in blocks of {blksize}");
            assert!(found.damage.is_empty(), "{:?}", found.damage);
            if framing == Framing::Xmit {
                assert_eq!(bytes.len() % 80, 0);
            }
        }
    }
}

/// Blocks are as long as they say, and not longer than asked for: by hand.
#[test]
fn blocks_are_what_access_methods_expect() {
    let file = records();
    let all = common::records_of(&file);
    for (framing, blksize) in [(Framing::Vb, 4096), (Framing::Vbs, 4096), (Framing::Vbs, 40)] {
        let bytes = written(&all, framing, blksize);
        let half = |at: usize| usize::from(u16::from_be_bytes([bytes[at], bytes[at + 1]]));
        let mut at = 0;
        while at < bytes.len() {
            let block = half(at);
            assert!(block <= usize::from(blksize) && bytes[at + 2..at + 4] == [0, 0]);
            let end = at + block;
            at += 4;
            while at < end {
                assert!(half(at) >= 5 && bytes[at + 2] <= 3 && bytes[at + 3] == 0);
                assert!(framing == Framing::Vbs || bytes[at + 2] == 0);
                at += half(at);
            }
            assert_eq!(at, end);
        }
    }
    let long = all.iter().max_by_key(|r| r.len()).expect("records");
    let mut writer = Writer::new(Vec::new(), Framing::Vb, 200).expect("a block size");
    let error = writer.record(long).expect_err("too long").to_string();
    assert!(error.contains("does not fit into a block of 200"), "{error}");
    assert!(Writer::new(Vec::new(), Framing::Vb, 31).is_err());
}

#[test]
fn blocks_of_large_data_sets_have_long_descriptor_words() {
    let file = sample();
    let mut bytes = (0x8000_0000 | (file.len() as u32 + 4)).to_be_bytes().to_vec();
    bytes.extend(&file);
    let twice = [bytes.clone(), bytes].concat();
    let found = content(&twice).expect("records");
    assert_eq!(found.form, Form::Blocked);
    assert_eq!(found.records.len(), 2 * common::records_of(&file).len());
}

#[test]
fn compression_and_archives_change_nothing() {
    let file = records();
    let all = common::records_of(&file);
    let dir = tempfile::tempdir().expect("a directory");
    let put = |name: &str, bytes: Vec<u8>| -> PathBuf {
        let path = dir.path().join(name);
        fs::write(&path, bytes).expect("written");
        path
    };
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(&file).expect("compressed");
    let gz = gz.finish().expect("compressed");
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let deflated = stored.compression_method(zip::CompressionMethod::Deflated);
    archive.add_directory("SMF", stored).expect("added");
    archive.start_file("SMF/one", deflated).expect("added");
    archive.write_all(&file).expect("compressed");
    archive.start_file("SMF/two.gz", stored).expect("added");
    archive.write_all(&gz).expect("compressed");
    let archive = archive.finish().expect("an archive").into_inner();
    let files = [
        (put("a.smf", file.clone()), 1),
        (put("a.gz", gz), 1),
        (put("a.zst", zstd::encode_all(&file[..], 3).expect("compressed")), 1),
        (put("a.zip", archive), 2),
    ];
    for (path, times) in files {
        let mut found = Vec::new();
        for reader in dump::open(&path).expect("opened") {
            let mut reader = reader.expect("records");
            while let Some(Item::Record { bytes, .. }) = reader.next_item().expect("readable") {
                found.push(bytes.to_vec());
            }
        }
        assert_eq!(found.len(), times * all.len(), "{}", path.display());
        assert!(found.iter().map(Vec::as_slice).eq(all.repeat(times)));
    }
}

/// Type 2 and type 3, as the dump program writes them first and last.
fn dump_record(kind: u8, like: &[u8]) -> Vec<u8> {
    let mut record = like[..18].to_vec();
    (record[0], record[1], record[4], record[5]) = (0, 18, 0x1E, kind);
    record
}

#[test]
fn lost_boundaries_are_found_again() {
    let file = records();
    let mut all: Vec<Vec<u8>> = common::records_of(&file).into_iter().map(<[u8]>::to_vec).collect();
    let (first, last) = (dump_record(2, &all[0]), dump_record(3, &all[0]));
    all.insert(0, first);
    all.push(last);
    let lost: Vec<u8> = all.iter().flat_map(|r| &r[4..]).copied().collect();
    let found = content(&lost).expect("records");
    assert_eq!(found.form, Form::Unframed);
    assert_eq!(found.damage, []);
    assert!(found.bytes() == all.iter().map(Vec::as_slice).collect::<Vec<_>>());
}

#[test]
fn where_boundaries_cannot_be_found_the_way_to_keep_them_is_told() {
    // Records of type 30, whose length nothing says.
    let one = {
        let mut record = dump_record(30, &sample());
        record.extend([0x55; 300]);
        record[4..].to_vec()
    };
    let error = content(&one.repeat(5)).expect_err("lost");
    assert!(error.contains("quote site rdw") && error.contains("locsite rdw"), "{error}");
    // Others between ours are passed over.
    let file = sample();
    let ours = common::records_of(&file);
    let lost = [&ours[0][4..], &one, &ours[1][4..], &ours[2][4..]].concat();
    let found = content(&lost).expect("records");
    assert_eq!(found.bytes(), ours[..3].to_vec());
    assert_eq!(found.damage.len(), 1);
    assert!(found.damage[0].to_string().contains("type 30"), "{:?}", found.damage);
    // So are others at the beginning, however many, and at the end.
    let mut many = one.repeat(400);
    many.extend(ours[..3].iter().flat_map(|r| &r[4..]).copied().collect::<Vec<u8>>());
    many.extend(&one);
    let found = content(&many).expect("records");
    assert_eq!(found.bytes(), ours[..3].to_vec());
    assert!(found.damage.iter().all(|d| d.to_string().contains("type 30")), "{:?}", found.damage);
    let lost: u64 = found.damage.iter().map(|d| d.skipped).sum();
    assert_eq!(lost, 401 * one.len() as u64);
    // What a dump program writes first and last is none of ours.
    let only = [&dump_record(2, &file)[4..], &one, &one, &dump_record(3, &file)[4..]].concat();
    assert!(content(&only).is_err_and(|error| error.contains("quote site rdw")));
}

/// A component trace is no dump, with record descriptor words or without: it is named, with the
/// IPCS command that makes a capture of it.
#[test]
fn component_traces_have_a_name_and_a_way() {
    // Entries: length, offset of the data, format identifier, time; data, length again.
    let mut entry = vec![0; 200];
    entry[..16].copy_from_slice(&[0, 200, 0, 64, 0, 0, 0, 4, 0xD9, 1, 2, 3, 4, 5, 6, 7]);
    entry[198..].copy_from_slice(&[0, 200]);
    let name = [0xE2, 0xE8, 0xE2, 0xE3, 0xC3, 0xD7, 0xC4, 0xC1];
    let buffer = [&entry[..], &entry, &entry].concat();
    let named = [&name[..], &[0x40; 24], &buffer].concat();
    let with_rdw = |content: &[u8]| -> Vec<u8> {
        let length = u16::try_from(content.len() + 4).expect("short").to_be_bytes();
        [&length[..], &[0, 0], content].concat()
    };
    let blocked = |content: &[u8]| with_rdw(&with_rdw(content));
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("ctrace");
    for content in [
        buffer.clone(),
        with_rdw(&buffer).repeat(20),
        blocked(&buffer).repeat(20),
        named.clone(),
        with_rdw(&named).repeat(50),
        blocked(&named).repeat(5),
    ] {
        fs::write(&file, &content).expect("written");
        for command in [&["show"][..], &["show", "--csv"], &["check", "--tap", "ctrace", "--stack"]]
        {
            let mut run = common::zerttap();
            run.current_dir(dir.path()).args(command).arg(&file);
            let output = run.output().expect("the program runs");
            let (_, stderr) = common::text(&output);
            assert_eq!(output.status.code(), Some(2), "{command:?}: {stderr}");
            assert!(stderr.contains("component trace of z/OS"), "{command:?}: {stderr}");
            assert!(stderr.contains("CTRACE COMP(SYSTCPDA)"), "{command:?}: {stderr}");
        }
    }
}

#[test]
fn other_files_are_told_apart() {
    let error = |bytes: &[u8]| content(bytes).expect_err("no records");
    assert!(error(b"\x02\x01\x00\x84\x00\x07\x00\x00\x00\x00").contains("packed by AMATERSE"));
    assert!(error(b"\xd4\xc3\xb2\xa1\x02\x00\x04\x00").contains("it is a capture"));
    assert!(error(b"No SMF records here, but text.").contains("transferred in binary"));
    assert_eq!(content(b"").map(|c| c.records.len()), Ok(0));
}

/// Whatever byte is damaged: everything but the records that it touches is read.
#[test]
fn damage_at_every_offset_is_survived() {
    let file = sample();
    let all = common::records_of(&file);
    for framing in [Framing::Rdw, Framing::Vb, Framing::Vbs] {
        let bytes = written(&all, framing, 1000);
        for at in 0..bytes.len() {
            for value in [0, 0xFF, bytes[at] ^ 1] {
                let mut damaged = bytes.clone();
                damaged[at] = value;
                check(&damaged, &all, 2, &format!("{framing}: {value:02X} at {at}"));
            }
        }
        for at in (0..bytes.len()).step_by(7) {
            let without = [&bytes[..at], &bytes[at + 1..]].concat();
            check(&without, &all, 2, &format!("{framing}: no byte at {at}"));
            let with = [&bytes[..at], &[0x5A; 33], &bytes[at..]].concat();
            check(&with, &all, 2, &format!("{framing}: more bytes at {at}"));
        }
    }
}

/// All records but `lost` at most must be there, in order.
fn check(bytes: &[u8], all: &[&[u8]], lost: usize, what: &str) {
    let Ok(found) = content(bytes) else {
        // The very beginning: nothing says what it is.
        assert!(
            what.contains(" at 0") || what.contains(" at 1") || what.contains(" at 2"),
            "{what}"
        );
        return;
    };
    let mut rest = found.records.iter();
    let there =
        all.iter().filter(|r| rest.clone().any(|(_, f)| f == *r) && rest.any(|(_, f)| f == *r));
    assert!(there.count() + lost >= all.len(), "{what}: {:?}", found.damage);
    // What was passed over and what was read is everything, once.
    let ends = found.damage.iter().map(|d| (d.offset, d.offset + d.skipped));
    assert!(ends.into_iter().all(|(_, end)| end <= bytes.len() as u64), "{what}");
}

#[test]
fn a_file_cut_anywhere_gives_what_is_whole() {
    let file = sample();
    let all = common::records_of(&file);
    for cut in 0..file.len() {
        let found = match content(&file[..cut]) {
            Ok(found) => found,
            Err(_) => {
                // No record is whole.
                assert!(cut < all[0].len(), "{cut}");
                continue;
            }
        };
        let mut whole = 0;
        let mut at = 0;
        for record in &all {
            at += record.len();
            whole += usize::from(at <= cut);
        }
        assert_eq!(found.bytes(), all[..whole], "cut at {cut}");
        let at_an_end = all[..whole].iter().map(|r| r.len()).sum::<usize>() == cut;
        assert_eq!(found.damage.is_empty(), at_an_end, "cut at {cut}: {:?}", found.damage);
    }
}

#[test]
fn segments_that_nothing_begins_or_ends_are_told() {
    let file = sample();
    let all = common::records_of(&file);
    let bytes = written(&all, Framing::Vbs, 300);
    // The second block is lost: a record loses its middle.
    let block = |at: usize| usize::from(u16::from_be_bytes([bytes[at], bytes[at + 1]]));
    let second = block(0);
    let without = [&bytes[..second], &bytes[second + block(second)..]].concat();
    let found = content(&without).expect("records");
    assert!(found.records.len() + 3 >= all.len());
    let told: Vec<String> = found.damage.iter().map(ToString::to_string).collect();
    let lengths: Vec<usize> = found.records.iter().map(|(_, r)| r.len()).collect();
    assert!(told.iter().any(|t| t.contains("segment")), "{told:?} {lengths:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let _ = content(&bytes);
    }

    /// Bytes that look like records here and there.
    #[test]
    fn nearly_records_are_survived(
        pieces in prop::collection::vec((0usize..3, 0usize..600, any::<[u8; 6]>()), 0..12),
    ) {
        let file = example("smf119-vbs-blocks.hex");
        let record = example("smf119-11-tls12-init.hex");
        let mut bytes = Vec::new();
        for (kind, cut, noise) in pieces {
            let source = if kind == 0 { &file } else { &record };
            bytes.extend(&source[..cut.min(source.len())]);
            if kind == 2 {
                bytes.extend(noise);
            }
        }
        if let Ok(found) = content(&bytes) {
            let covered: u64 = found.damage.iter().map(|d| d.skipped).sum();
            prop_assert!(covered <= bytes.len() as u64);
        }
    }
}
