//! Extended and strict records against the specification, field by field: what
//! the wire never shows is never written, what z/OS's own observation does not
//! fill is not written with --strict, and everything else is, somewhere.

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

/// Where a section's triplet is among the others.
const SECTIONS: [(&str, usize); 2] = [("S3", 3), ("S4", 4)];

struct Field {
    name: String,
    offset: usize,
    length: usize,
    wire: String,
    observed: String,
}

fn fields(id: &str) -> Vec<Field> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/spec/smf119-11.toml");
    let spec: Table = fs::read_to_string(path).expect("the layout").parse().expect("TOML");
    let sections = spec["section"].as_array().expect("sections");
    let section = sections.iter().find(|s| s["id"].as_str() == Some(id)).expect("there");
    let text =
        |f: &Value, key: &str| f.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let number = |f: &Value, key: &str| f[key].as_integer().expect("a number") as usize;
    section["field"]
        .as_array()
        .expect("fields")
        .iter()
        .map(|f| Field {
            name: text(f, "name"),
            offset: number(f, "offset"),
            length: number(f, "length"),
            wire: text(f, "wire"),
            observed: text(f, "zos_observed"),
        })
        .collect()
}

/// The bytes of a section of a record, by its triplet.
fn section(record: &[u8], triplet: usize) -> Option<&[u8]> {
    let at = 28 + 8 * triplet;
    let number =
        |at: usize, n: usize| record[at..at + n].iter().fold(0, |v, &b| v << 8 | usize::from(b));
    let (offset, length, count) = (number(at, 4), number(at + 4, 2), number(at + 6, 2));
    (count > 0).then(|| &record[offset..offset + length])
}

fn captures() -> Vec<PathBuf> {
    let mut waiting = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("captures")];
    let mut found = Vec::new();
    while let Some(dir) = waiting.pop() {
        for entry in fs::read_dir(dir).expect("a directory").flatten() {
            let path = entry.path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.file_stem().is_some_and(|s| s == "capture") {
                found.push(path);
            }
        }
    }
    found
}

#[test]
fn every_field_is_filled_as_its_mode_says() {
    let tables = SECTIONS.map(|(id, triplet)| (fields(id), triplet));
    let mut filled = BTreeSet::new();
    for capture in captures() {
        for strict in [false, true] {
            let options: &[&str] = if strict { &["--strict"] } else { &[] };
            let run = common::read(options, &[&capture]);
            for record in common::records_of(&run.records) {
                for (fields, triplet) in &tables {
                    let Some(bytes) = section(record, *triplet) else { continue };
                    for field in fields {
                        let value = &bytes[field.offset..field.offset + field.length];
                        let empty =
                            value.iter().all(|&b| b == 0) || value.iter().all(|&b| b == 0x40);
                        let what = format!("{}: {}: {value:02X?}", capture.display(), field.name);
                        assert!(empty || !field.wire.starts_with("never-"), "{what}");
                        assert!(empty || !strict || field.observed != "no", "{what} with --strict");
                        if !empty {
                            filled.insert(field.name.clone());
                        }
                    }
                }
                // Distinguished names have a triplet of their own.
                assert!(!strict || section(record, 6).is_none(), "{}", capture.display());
            }
        }
    }
    // Whatever the wire can show, some case shows.
    for (fields, _) in &tables {
        for field in fields.iter().filter(|f| !f.wire.starts_with("never-")) {
            assert!(filled.contains(&field.name), "{} is filled nowhere", field.name);
        }
    }
}
