//! What transfers make of a file of records: whatever was done to it, either all its records
//! come out as they were, or the message says what was done.

mod common;
#[path = "common/terse.rs"]
mod terse;

use std::io::{Cursor, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use zerttap::dump::{Framing, Item, Reader, Writer};
use zerttap::input::Input;

type Records = Vec<Vec<u8>>;

/// What a file gives: records, places of damage, notes.
fn content(bytes: &[u8]) -> Result<(Records, Vec<String>, Vec<String>), String> {
    let input = Input::new(Path::new("a file"), Box::new(Cursor::new(bytes.to_vec())));
    let input = input.look_through().map_err(|e| e.to_string())?;
    let mut reader = Reader::new(input).map_err(|e| e.to_string())?;
    let (mut records, mut damage, mut notes) = (Vec::new(), Vec::new(), Vec::new());
    while let Some(item) = reader.next_item().map_err(|e| e.to_string())? {
        match item {
            Item::Record { bytes, .. } => records.push(bytes.to_vec()),
            Item::Damage(place) => damage.push(place.to_string()),
            Item::Note(note) => notes.push(note),
        }
    }
    Ok((records, damage, notes))
}

/// A record of 18 bytes like another: a dump's header (2) and trailer (3).
fn short(kind: u8, like: &[u8]) -> Vec<u8> {
    let mut record = like[..18].to_vec();
    (record[0], record[1], record[4], record[5]) = (0, 18, 0x1E, kind);
    record
}

/// A record of another type, whose length nothing inside says.
fn foreign(length: usize, like: &[u8]) -> Vec<u8> {
    let mut record = short(30, like);
    record.extend((18..length).map(|n| (n * 7) as u8 | 0x80));
    record[..2].copy_from_slice(&(length as u16).to_be_bytes());
    record
}

/// zERT records of captures with those of a dump around them.
fn dump() -> Records {
    let run = common::read_all(&["--detail", "-q"], &[&common::case("")]);
    let zert: Records = common::records_of(&run.records).iter().map(|r| r.to_vec()).collect();
    assert!(zert.len() > 200);
    let (first, last) = (short(2, &zert[0]), short(3, &zert[0]));
    [vec![first], zert, vec![last]].concat()
}

/// The same with records of other types among them.
fn mixed(dump: &Records) -> Records {
    let mut all = dump.clone();
    for (n, at) in (1..all.len() - 1).step_by(40).enumerate() {
        all.insert(at, foreign(40 + 97 * n, &dump[0]));
    }
    all
}

fn bare(record: &[u8]) -> &[u8] {
    &record[4..]
}

/// One after another, each as `form` says.
fn each(records: &Records, form: impl Fn(usize, &[u8]) -> Vec<u8>) -> Vec<u8> {
    records.iter().enumerate().flat_map(|(n, record)| form(n, record)).collect()
}

fn padded(mut bytes: Vec<u8>, to: usize, with: u8) -> Vec<u8> {
    bytes.resize(bytes.len().next_multiple_of(to), with);
    bytes
}

fn blocks(records: &Records, framing: Framing, size: u16) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), framing, size).expect("a block size");
    for record in records {
        writer.record(record).expect("a record");
    }
    writer.finish().expect("written")
}

/// The blocks of a file, each with its descriptor word.
fn divided(bytes: &[u8]) -> Vec<&[u8]> {
    let (mut rest, mut found) = (bytes, Vec::new());
    while !rest.is_empty() {
        let (block, after) = rest.split_at(usize::from(u16::from_be_bytes([rest[0], rest[1]])));
        found.push(block);
        rest = after;
    }
    found
}

/// Segments without blocks, of at most so many bytes.
fn segments(records: &Records, most: impl Fn(usize) -> usize) -> Vec<u8> {
    let mut out = Vec::new();
    for (n, record) in records.iter().enumerate() {
        if n == 0 {
            out.extend_from_slice(record);
            continue;
        }
        let pieces: Vec<&[u8]> = bare(record).chunks(most(n)).collect();
        for (at, piece) in pieces.iter().enumerate() {
            let code = match (at == 0, at + 1 == pieces.len()) {
                (true, true) => 0,
                (true, false) => 1,
                (false, true) => 2,
                (false, false) => 3,
            };
            out.extend((piece.len() as u16 + 4).to_be_bytes());
            out.extend([code, 0]);
            out.extend_from_slice(piece);
        }
    }
    out
}

fn same(what: &str, bytes: &[u8], records: &Records) {
    let (found, damage, _) = content(bytes).unwrap_or_else(|error| panic!("{what}: {error}"));
    let lost = records.iter().position(|r| !found.contains(r));
    assert_eq!(damage, Vec::<String>::new(), "{what}: {} of {}", found.len(), records.len());
    assert_eq!(found.len(), records.len(), "{what}: {lost:?}");
    assert!(found == *records, "{what}: {lost:?}");
}

fn says(what: &str, bytes: &[u8], words: &[&str]) {
    match content(bytes) {
        Ok((records, damage, _)) => {
            panic!("{what}: {} records, {} places of damage", records.len(), damage.len())
        }
        Err(error) => {
            for word in words {
                assert!(error.contains(word), "{what}: {error}");
            }
        }
    }
}

#[test]
fn filler_between_records_loses_nothing() {
    let all = mixed(&dump());
    for with in [0, 0x40, 0x20, 0xFF] {
        for to in [80, 512, 4096, 32_760] {
            let bytes = each(&all, |_, r| padded(r.to_vec(), to, with));
            same(&format!("records filled to {to} with {with:02X}"), &bytes, &all);
            let bytes = each(&all, |n, r| {
                let fill = vec![with; if n % 5 == 2 { to * 3 } else { 0 }];
                [r, &fill].concat()
            });
            same(&format!("{to} of {with:02X} here and there"), &bytes, &all);
        }
        let rdw = all.concat();
        same(&format!("a last card of {with:02X}"), &padded(rdw.clone(), 80, with), &all);
        let end = [&rdw[..], &vec![with; 200_000]].concat();
        same(&format!("much {with:02X} at the end"), &end, &all);
        let (found, _, notes) = content(&end).expect("records");
        assert_eq!(found.len(), all.len());
        assert_eq!(notes.len(), 1, "{notes:?}");
        assert!(notes[0].starts_with("200000 bytes of filler in 1 place"), "{notes:?}");
        for n in [1, 3, 4, 5, 100, 200_000] {
            let bytes = [&vec![with; n], &rdw[..]].concat();
            same(&format!("{n} of {with:02X} before"), &bytes, &all);
        }
    }
    let ends: [&[u8]; 5] = [b"\r\n", b"\n", b"\x15", b"\x25", b"\r\n\0\0\0"];
    for end in ends {
        let bytes = each(&all, |_, r| [r, end].concat());
        same(&format!("{end:02X?} behind each record"), &bytes, &all);
        let zert = dump();
        let bytes = each(&zert, |_, r| [bare(r), end].concat());
        same(&format!("{end:02X?} behind each record without RDW"), &bytes, &zert);
    }
}

#[test]
fn filler_in_and_behind_blocks_loses_nothing() {
    let all = mixed(&dump());
    for framing in [Framing::Vb, Framing::Vbs] {
        let bytes = blocks(&all, framing, 6233);
        for with in [0, 0x40] {
            let behind: Vec<u8> = divided(&bytes)
                .iter()
                .flat_map(|block| padded(block.to_vec(), 6240, with))
                .collect();
            same(&format!("{framing} blocks filled with {with:02X}"), &behind, &all);
            let inside: Vec<u8> = divided(&bytes)
                .iter()
                .flat_map(|block| {
                    let mut block = padded(block.to_vec(), 6240, with);
                    block[..2].copy_from_slice(&6240u16.to_be_bytes());
                    block
                })
                .collect();
            same(&format!("{framing} blocks with {with:02X} inside"), &inside, &all);
            same(&format!("{framing}, a last card"), &padded(bytes.clone(), 80, with), &all);
        }
    }
}

#[test]
fn lengths_of_any_form_before_records_are_understood() {
    let all = mixed(&dump());
    for width in [2, 4] {
        for counts in [0, width, 4] {
            for (little, rdw) in [(false, false), (false, true), (true, false), (true, true)] {
                let bytes = each(&all, |_, r| {
                    let content = if rdw { r } else { bare(r) };
                    let number = (content.len() + counts) as u32;
                    let mut length = number.to_be_bytes()[4 - width..].to_vec();
                    if little {
                        length.reverse();
                    }
                    [&length, content].concat()
                });
                let what = format!("{width} bytes, counting {counts}, {little} {rdw}");
                same(&what, &bytes, &all);
                let (_, _, notes) = content(&bytes).expect("records");
                let order = if little { "little-endian" } else { "big-endian" };
                assert!(notes[0].contains(order) && notes[0].contains("length"), "{notes:?}");
                same(&what, &padded(bytes, 80, 0), &all);
            }
        }
    }
}

#[test]
fn blocks_whose_records_lack_their_descriptor_words() {
    let zert = dump();
    let all = mixed(&zert);
    for counts in [4, 8] {
        let one = |record: &[u8]| {
            let length = (bare(record).len() + counts) as u16;
            [&length.to_be_bytes()[..], &[0, 0], bare(record)].concat()
        };
        let bytes = each(&all, |_, r| one(r));
        same(&format!("one in each block, counting {counts}"), &bytes, &all);
    }
    for counted in [0, 4] {
        let mut bytes = Vec::new();
        for records in zert.chunks(7) {
            let length: usize = records.iter().map(|r| bare(r).len() + counted).sum();
            bytes.extend((length as u16 + 4).to_be_bytes());
            bytes.extend([0, 0]);
            bytes.extend(records.iter().flat_map(|r| bare(r)));
        }
        same(&format!("seven in each block, counting {counted}"), &bytes, &zert);
    }
}

#[test]
fn lost_boundaries_are_found_whatever_system_a_record_is_of() {
    let mut zert = dump();
    for (n, record) in zert.iter_mut().enumerate() {
        let sid = [[0xE2, 0xE8, 0xE2, 0xF1], [0xD7, 0xC1, 0x40, 0x40], [0xF0, 0xF0, 0xF0, 0xF9]];
        record[14..18].copy_from_slice(&sid[n % 3]);
    }
    same("three systems", &each(&zert, |_, r| bare(r).to_vec()), &zert);
    for with in [0, 0x40] {
        for to in [80, 4096, 32_756] {
            let bytes = each(&zert, |_, r| padded(bare(r).to_vec(), to, with));
            same(&format!("without RDW, filled to {to} with {with:02X}"), &bytes, &zert);
        }
        let bytes = padded(each(&zert, |_, r| bare(r).to_vec()), 80, with);
        same("without RDW, a last card", &bytes, &zert);
    }
}

#[test]
fn segments_without_blocks_in_every_order() {
    let all = mixed(&dump());
    for most in [1, 2, 5, 13, 14, 15, 20, 100, 300, 32_000] {
        same(&format!("segments of {most}"), &segments(&all, |_| most), &all);
        let first_short = segments(&all, |n| if n % 2 == 1 { 3 } else { 200 });
        same("long and short ones", &first_short, &all);
    }
}

#[test]
fn packed_files_are_read() {
    let all = mixed(&dump());
    let content: Vec<&[u8]> = all.iter().map(|r| bare(r)).collect();
    let packed = terse::pack(&content);
    same("TERSE", &packed, &all);
    same("TERSE twice", &terse::pack_fixed(&packed), &all);
    let blocks = blocks(&all, Framing::Vbs, 27_998);
    same("blocks in TERSE", &terse::pack_fixed(&blocks), &all);
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(&packed).expect("compressed");
    same("TERSE in gzip", &gz.finish().expect("compressed"), &all);
    // A transfer in text mode.
    let text: Vec<u8> = packed.iter().map(|b| if *b == 0x0C { 0x0D } else { *b }).collect();
    assert!(self::content(&text).is_err());
}

#[test]
fn carriage_returns_that_were_put_before_line_feeds_are_taken_out() {
    let all = mixed(&dump());
    let zert = dump();
    let with_returns = |bytes: &[u8]| -> Vec<u8> {
        bytes.iter().flat_map(|b| if *b == b'\n' { vec![b'\r', b'\n'] } else { vec![*b] }).collect()
    };
    let rdw = all.concat();
    assert!(rdw.contains(&b'\n'));
    same("RDW", &with_returns(&rdw), &all);
    same("blocks", &with_returns(&blocks(&all, Framing::Vbs, 6233)), &all);
    let bytes = each(&zert, |_, r| bare(r).to_vec());
    same("without RDW", &with_returns(&bytes), &zert);
    let (_, _, notes) = content(&with_returns(&rdw)).expect("records");
    assert!(notes[0].contains("binary"), "{notes:?}");
}

/// What another program makes of bytes; `None` if it is not there.
fn iconv(from: &str, to: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    let mut child = Command::new("iconv")
        .args(["-f", from, "-t", to])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut stdin = child.stdin.take()?;
    let input = bytes.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().ok()?;
    writer.join().ok()?.ok()?;
    output.status.success().then_some(output.stdout)
}

#[test]
fn what_a_transfer_in_text_mode_did_is_named() {
    let zert = dump();
    let all = mixed(&zert);
    let commands =
        ["binary", "quote site rdw", "locsite rdw", "SFTP", "zowe files download data-set"];
    type Form = (&'static str, Vec<u8>, fn(&[u8]) -> Vec<u8>);
    let files: [Form; 4] = [
        ("RDW", all.concat(), |r| r.to_vec()),
        ("no RDW", each(&zert, |_, r| bare(r).to_vec()), |r| r.to_vec()),
        ("blocks", blocks(&all, Framing::Vbs, 27_998), |r| r.to_vec()),
        ("line ends", each(&zert, |_, r| [bare(r), b"\x15"].concat()), |r| r.to_vec()),
    ];
    let mut tried = 0;
    for (form, bytes, _) in &files {
        let mut says = |how: &str, bytes: &[u8], what: &str| {
            tried += 1;
            let words: Vec<&str> = commands.into_iter().chain([what]).collect();
            self::says(&format!("{form}: {how}"), bytes, &words);
        };
        for table in ["IBM1047", "IBM037"] {
            let Some(latin1) = iconv(table, "ISO8859-1", bytes) else { continue };
            says(table, &latin1, "translated from EBCDIC to ASCII");
            let seven: Vec<u8> = latin1.iter().map(|b| b & 0x7F).collect();
            says("ASCII of seven bits", &seven, "translated from EBCDIC to ASCII");
            for lost in [0x1A, b'?'] {
                let ascii: Vec<u8> =
                    latin1.iter().map(|b| if *b < 0x80 { *b } else { lost }).collect();
                says("ASCII", &ascii, "translated from EBCDIC to ASCII");
            }
            let returns: Vec<u8> = latin1
                .iter()
                .flat_map(|b| if *b == b'\n' { vec![b'\r', b'\n'] } else { vec![*b] })
                .collect();
            says("with carriage returns", &returns, "translated from EBCDIC to ASCII");
            // z/OS UNIX has its line feed in the other place.
            let exchanged: Vec<u8> = latin1
                .iter()
                .map(|b| match b {
                    0x0A => 0x85,
                    0x85 => 0x0A,
                    b => *b,
                })
                .collect();
            says("line feed for new line", &exchanged, "translated from EBCDIC to ASCII");
            let utf8 = iconv(table, "UTF-8", bytes).expect("as before");
            says("UTF-8", &utf8, "translated from EBCDIC to UTF-8");
            let back = iconv("ISO8859-1", table, bytes).expect("as before");
            says("to EBCDIC", &back, "translated from ASCII to EBCDIC");
        }
        let utf8: String = bytes.iter().map(|b| char::from(*b)).collect();
        says("as UTF-8", utf8.as_bytes(), "written as UTF-8");
        let lossy = String::from_utf8_lossy(bytes).into_owned();
        says("as UTF-8, with loss", lossy.as_bytes(), "written as UTF-8");
        let seven: Vec<u8> = bytes.iter().map(|b| b & 0x7F).collect();
        says("seven bits", &seven, "seven bits");
        for width in [2, 4] {
            let words = padded(bytes.clone(), width, 0);
            let swapped: Vec<u8> =
                words.chunks(width).flat_map(|word| word.iter().rev().copied()).collect();
            let what = if width == 2 { "two bytes of each halfword" } else { "four bytes of each" };
            says("exchanged", &swapped, what);
        }
    }
    assert!(tried >= 20, "{tried}");
    // Descriptor words that FTP has added are as they should be, the rest is not.
    if let Some(latin1) = iconv("IBM1047", "ISO8859-1", &all.concat()) {
        let (mut at, mut kept) = (0, Vec::new());
        for record in &all {
            kept.extend_from_slice(&record[..4]);
            kept.extend_from_slice(&latin1[at + 4..at + record.len()]);
            at += record.len();
        }
        says("content alone", &kept, &["translated from EBCDIC to ASCII", "quote site rdw"]);
    }
}

#[test]
fn a_file_in_which_nothing_is_a_record_is_no_success() {
    let zert = dump();
    for (what, bytes) in [
        ("zeros", vec![0; 5000]),
        ("blanks", vec![0x40; 200_000]),
        ("one line end", b"\r\n".to_vec()),
    ] {
        says(what, &bytes, &["bytes of filler"]);
    }
    // Descriptor words that are right, and nothing else.
    let noise = each(&zert, |n, r| {
        let bytes = (4..r.len()).map(|at| ((at * 31 + n * 7) % 253) as u8 | 0x81);
        r[..4].iter().copied().chain(bytes).collect()
    });
    says("noise with RDW", &noise, &["no SMF record in"]);
    let noise: Vec<u8> =
        (0..100_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    says("noise", &noise, &["expected SMF records"]);
    assert!(content(b"").is_ok_and(|(records, ..)| records.is_empty()));
}

#[test]
fn what_ends_in_the_middle_gives_what_is_whole() {
    let all = mixed(&dump());
    let last = all.last().expect("records").len();
    let forms: [(&str, Vec<u8>, usize); 4] = [
        ("RDW", all.concat(), last / 2),
        ("filled", each(&all, |_, r| padded(r.to_vec(), 512, 0)), 512 - 9),
        ("blocks", blocks(&all, Framing::Vb, 6233), last / 2),
        (
            "prefixed",
            each(&all, |_, r| [&(bare(r).len() as u32).to_be_bytes(), bare(r)].concat()),
            last / 2,
        ),
    ];
    for (form, bytes, cut) in forms {
        let (found, damage, _) = content(&bytes[..bytes.len() - cut]).expect("records");
        assert!(found == all[..all.len() - 1], "{form}: {} of {}", found.len(), all.len());
        assert_eq!(damage.len(), 1, "{form}: {damage:?}");
    }
}

/// The time that hostile files take grows with their length, not faster.
#[test]
fn hostile_files_take_linear_time() {
    let zert = dump();
    let head = &zert[1][..18];
    let pieces: [(&str, Vec<u8>); 6] = [
        ("lengths of fillers", vec![0, 0x40, 0, 0]),
        ("headers", head.to_vec()),
        ("headers of long records", [&[0x7F, 0xF0], &head[2..]].concat()),
        ("short segments", vec![0, 5, 3, 0, 0]),
        ("short first segments", vec![0, 5, 1, 0, 0]),
        ("headers in filler", [head, &[0x40; 60]].concat()),
    ];
    for (what, piece) in pieces {
        let time = |n: usize| {
            let bytes =
                [&zert[0][..], &zert[1], &piece.repeat(n / piece.len()), &[1, 2, 3]].concat();
            let start = std::time::Instant::now();
            let _ = content(&bytes);
            start.elapsed().as_secs_f64()
        };
        time(1 << 16);
        let (one, eight) = (time(1 << 17), time(1 << 20));
        assert!(eight < 60.0 * one.max(0.02), "{what}: {one} s and {eight} s");
    }
}
