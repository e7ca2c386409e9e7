use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use super::*;

/// Unpacks a file that is in memory.
fn unpack(bytes: &[u8]) -> (Vec<u8>, Option<String>, Vec<String>) {
    let input = Input::new(Path::new("a file"), Box::new(Cursor::new(bytes.to_vec())));
    let mut out = Vec::new();
    match input.look_through() {
        Err(error) => (out, Some(error.to_string()), Vec::new()),
        Ok(mut input) => {
            let error = input.read_to_end(&mut out).err();
            (out, error.map(|e| e.to_string()), input.notes())
        }
    }
}

/// A file of codes.
fn packed(version: u8, variable: u8, length: u16, codes: &[u16]) -> Vec<u8> {
    let mut bytes = vec![version, variable];
    bytes.extend(length.to_be_bytes());
    bytes.extend([0x0C, 0, 0x6D, 0x5E, 0, 0, 0, 0]);
    for pair in codes.chunks(2) {
        let (one, two) = (pair[0], pair.get(1).copied().unwrap_or(0));
        bytes.extend([(one >> 4) as u8, (one << 4) as u8 | (two >> 8) as u8, two as u8]);
    }
    if codes.len() % 2 == 1 {
        bytes.pop();
    }
    bytes
}

/// Packed files with the SHA-256 of what they hold: those of this project, and those beside
/// it, if they are there.
fn packed_files() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let own = root.join("tests/terse");
    let list = fs::read_to_string(own.join("SHA256")).expect("the list");
    let entry = |line: &str| {
        let (sum, name) = line.split_once("  ").expect("a sum and a name");
        (own.join(name), sum.to_owned())
    };
    let mut all: Vec<(PathBuf, String)> = list.lines().map(entry).collect();
    assert!(all.len() > 20);
    let sum = |file: &Path| hexadecimal(&fs::read(file).expect("plain"));
    all.extend(pairs(&root.join("../shared/terse")).into_iter().map(|(p, plain)| (p, sum(&plain))));
    all
}

/// SHA-256 in hexadecimal.
fn hexadecimal(bytes: &[u8]) -> String {
    use sha2::Digest;
    sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The pairs of packed files and what they hold.
fn pairs(dir: &Path) -> Vec<(PathBuf, PathBuf)> {
    let mut found = Vec::new();
    for dir in [dir.to_owned(), dir.join("zos")] {
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            let packed = name.strip_suffix(".trs").map(|n| n.split('.').next().unwrap_or(n));
            let packed = packed
                .or_else(|| name.strip_suffix(".PACK"))
                .or_else(|| name.strip_suffix(".SPACK"));
            if let Some(packed) = packed.filter(|_| !name.contains(".pds.")) {
                found.push((path.clone(), path.with_file_name(format!("{packed}.bin"))));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn every_packed_file_is_what_it_was() {
    for (file, expected) in packed_files() {
        let (found, error, notes) = unpack(&fs::read(&file).expect("packed"));
        let name = file.display().to_string();
        // AMATERSE itself packs one byte into nothing.
        let nothing = ["FB.A.TXT.SPACK", "VB.A.TXT.SPACK"].iter().any(|n| name.ends_with(n));
        let expected = if nothing { hexadecimal(&[]) } else { expected };
        assert!(hexadecimal(&found) == expected, "{name}: {} bytes", found.len());
        assert_eq!(error, None, "{name}");
        assert_eq!(notes.is_empty(), !name.contains(".noeof."), "{name}: {notes:?}");
    }
}

/// Made by hand from the description: records "a", "a", "a" and blanks.
#[test]
fn worked_examples() {
    let a = [0, 5, 0, 0, 0x81];
    let pack = [0x082, 0x101, 0xFFF, 0xFFD, 0xFFE, 0];
    let (found, error, _) = unpack(&packed(2, 1, 1, &pack));
    // 81, mark, "81 mark", "81 mark 81", "mark 81": the last byte has no mark.
    assert_eq!((found, error), (a.repeat(5), None));
    let spack = [0x082, 0x101, 0x102, 0x102, 0x104, 0];
    assert_eq!(unpack(&packed(5, 1, 1, &spack)), (a.repeat(5), None, Vec::new()));
    let blanks = unpack(&packed(2, 0, 80, &[258, 0]));
    assert_eq!(blanks.0, [0x40; 2]);
}

#[test]
fn damage_is_named_and_what_was_whole_before_is_kept() {
    let a = [0, 5, 0, 0, 0x81];
    for (what, file, whole, told) in [
        ("recycled", packed(2, 1, 9, &[0xFFF]), 0, "code X'FFF' stands for no phrase"),
        ("undefined first", packed(5, 1, 9, &[0x102]), 0, "code X'102' stands for no phrase"),
        ("undefined", packed(5, 1, 9, &[0x82, 0x101, 0x103, 0]), 1, "offset 15"),
        ("cut in a code", packed(2, 1, 9, &[0x82, 0x101, 0x82])[..16].to_vec(), 1, "inside a code"),
        ("cut in a record", packed(2, 1, 9, &[0x82, 0x101, 0x82, 0x82]), 1, "inside a record"),
        ("partitioned", packed(7, 0, 80, &[0x82, 0]), 0, "partitioned data set"),
        ("native", vec![1, 0x89, 0x69, 0xA5, 0, 80, 0, 0, 0, 0, 0, 0, 0], 0, "workstations"),
        ("native, older", vec![7, 0x89, 0x69, 0xA5, 0, 80, 0, 0, 0, 0, 0, 0, 0], 0, "workstations"),
    ] {
        let (found, error, _) = unpack(&file);
        let error = error.unwrap_or_default();
        assert!(error.contains(told), "{what}: {error}");
        assert_eq!(found, a.repeat(whole), "{what}");
    }
    let (found, error, notes) = unpack(&packed(2, 1, 9, &[0x82, 0x101]));
    assert_eq!((found, error), (a.to_vec(), None));
    assert!(notes[0].contains("no end code"), "{notes:?}");
}

#[test]
fn phrases_and_records_that_grow_without_bound_are_refused() {
    // Each new phrase is the last two together.
    let doubling: Vec<u16> = [0x82, 0x82, 0x102, 0x102].into_iter().chain(0x104..0x200).collect();
    let (found, error, _) = unpack(&packed(5, 0, 80, &doubling));
    assert!(error.is_some_and(|e| e.contains("more than 65536 symbols")), "{}", found.len());
    assert!(found.len() < 1 << 20);
    let (_, error, _) = unpack(&packed(5, 1, 80, &doubling));
    assert!(error.is_some_and(|e| e.contains("TERSE")));
    // The longest phrase over and over.
    let growing = [0x82, 0x82, 0x102, 0x102].into_iter().chain(0x104..0x119);
    let most: Vec<u16> = growing.chain(std::iter::repeat_n(0x118, 3000)).collect();
    let (found, error, _) = unpack(&packed(5, 0, 80, &most));
    let bound = (SYMBOLS_AT_FIRST + SYMBOLS_PER_CODE * most.len() as u64) as usize;
    assert!(found.len() <= bound + 65_536, "{}", found.len());
    assert!(error.is_some_and(|e| e.contains("unpacks to more than")), "{}", found.len());
    // A record may have as many bytes as its descriptor word can say.
    let long = |n: usize| {
        let mut codes = vec![0x82; n];
        codes.extend([0x101, 0]);
        unpack(&packed(2, 1, 0x7FF4, &codes))
    };
    assert_eq!(long(MAX_RECORD).0.len(), MAX_RECORD + 4);
    assert!(long(MAX_RECORD + 1).1.is_some_and(|e| e.contains("a record of more than")));
}

#[test]
fn other_files_are_left_alone() {
    for head in [
        // A whole record, and the first segment of one, of 512 and 1280 bytes.
        [2, 0, 0, 0, 0x5E, 119, 0, 0x34, 0x39, 0x42, 1, 0x25, 0x32, 0x6F],
        [2, 0, 1, 0, 0x5E, 119, 0, 0x34, 0x39, 0x42, 1, 0x25, 0x32, 0x6F],
        [5, 1, 0, 0, 0x1E, 30, 0, 0, 0, 0, 1, 0x25, 0x32, 0x6F],
        // Blocks.
        [2, 0, 0, 0, 1, 0xFC, 0, 0, 0x5E, 119, 0, 0x34, 0x39, 0x42],
        [5, 0, 0, 0, 4, 0xFC, 0, 0, 0x5E, 119, 0, 0x34, 0x39, 0x42],
        // Records with a length of two or four bytes, the low one first.
        [2, 1, 0x5E, 119, 0, 0x34, 0x39, 0x42, 1, 0x25, 0x32, 0x6F, 0xE3, 0xC1],
        [2, 1, 0, 0, 0x5E, 119, 0, 0x34, 0x39, 0x42, 1, 0x25, 0x32, 0x6F],
        // Lengths that disagree; other flags; neither fixed nor variable.
        [2, 0, 0, 80, 0x0C, 0, 0x6D, 0x5E, 0, 0, 0, 81, 0x62, 0x06],
        [2, 0, 0, 80, 0x08, 0, 0x6D, 0x5E, 0, 0, 0, 0, 0x62, 0x06],
        [2, 2, 0, 80, 0x0C, 0, 0x6D, 0x5E, 0, 0, 0, 0, 0x62, 0x06],
        [3, 0, 0, 80, 0x0C, 0, 0x6D, 0x5E, 0, 0, 0, 0, 0x62, 0x06],
    ] {
        assert_eq!(recognise(&head), Ok(None), "{head:02X?}");
    }
    // VM says nothing of the data set; long records have their length at the end.
    for head in [
        [2, 0, 0, 80, 0, 0, 0, 0, 0, 0, 0, 0, 0x62, 0x06],
        [5, 1, 0, 0, 0x1C, 0, 0x6D, 0x5E, 0, 0, 0xF0, 0, 0x62, 0x06],
        [5, 1, 0, 80, 0x1C, 0, 0x6D, 0x5E, 0, 0, 0, 80, 0x62, 0x06],
    ] {
        assert!(recognise(&head).is_ok_and(|header| header.is_some()), "{head:02X?}");
    }
}

/// A capture in a data set of variable records, and a packed file that was packed.
#[test]
fn what_is_in_it_may_be_a_stream_or_packed_again() {
    let codes = |records: &[&[u8]]| -> Vec<u16> {
        let record = |bytes: &&[u8]| -> Vec<u16> {
            bytes.iter().map(|b| u16::from(*b) + 1).chain([RECORD_END]).collect()
        };
        records.iter().flat_map(record).chain([0]).collect()
    };
    let capture: &[&[u8]] = &[&[0xD4, 0xC3, 0xB2, 0xA1, 2, 0], &[4, 0, 0]];
    assert_eq!(unpack(&packed(2, 1, 9, &codes(capture))).0, capture.concat());
    let once = packed(5, 0, 80, &[0x82, 0x83, 0]);
    let twice: Vec<u16> = once.iter().map(|b| u16::from(*b) + 1).chain([0]).collect();
    assert_eq!(unpack(&packed(2, 0, 1024, &twice)).0, [0x81, 0x82]);
}

/// Whatever is changed in a file: it ends, and says no more than its codes can.
#[test]
fn twenty_mutations_of_each_end() {
    let mut seed = 0x9E37_79B9_7F4A_7C15_u64;
    let mut random = move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed as usize
    };
    for (file, _) in packed_files() {
        let bytes = fs::read(&file).expect("packed");
        for n in 0..20 {
            let mut changed = bytes.clone();
            for _ in 0..=n % 4 {
                // Half of the changes are where dictionaries are small.
                let span = if n % 2 == 0 { changed.len() } else { changed.len().min(200) };
                let at = random() % span;
                match random() % 4 {
                    0 => changed[at] = random() as u8,
                    1 => changed[at] ^= 1 << (random() % 8),
                    2 => drop(changed.drain(at..(at + 3).min(changed.len()))),
                    _ => changed.truncate(at.max(20)),
                }
            }
            let (found, _, _) = unpack(&changed);
            let codes = changed.len() as u64 * 2 / 3 + 1;
            let bound = SYMBOLS_AT_FIRST + (SYMBOLS_PER_CODE + 4) * codes + 65_536;
            assert!(found.len() as u64 <= bound, "{}: {}", file.display(), found.len());
        }
    }
}
