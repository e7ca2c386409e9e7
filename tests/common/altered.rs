//! Records to be altered.

use zerttap::record::Record;
use zerttap::record::field::Format;

use super::{case, records_of, text, zerttap};

/// Records of captures, each in its own bytes.
pub fn records(options: &[&str], captures: &[&str]) -> Vec<Vec<u8>> {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("zert.smf");
    let output = zerttap()
        .args(["read", "-q", "--no-tool-events", "--detail"])
        .args(options)
        .arg("-w")
        .arg(&file)
        .args(captures.iter().map(|c| case(c)))
        .output()
        .expect("the program runs");
    assert!(output.status.success(), "{}", text(&output).1);
    let bytes = std::fs::read(&file).expect("the records");
    records_of(&bytes).into_iter().map(<[u8]>::to_vec).collect()
}

/// Where a field is in a record: by its section and name.
pub fn places(record: &[u8]) -> Vec<(&'static str, Format, std::ops::Range<usize>)> {
    let parsed = Record::parse(record).expect("a record");
    let mut found = Vec::new();
    for part in parsed.parts().iter().filter(|p| p.triplet.is_some_and(|t| t > 0)) {
        for (field, _) in part.fields() {
            let at = part.offset + field.offset;
            found.push((field.name, field.format, at..at + field.length));
        }
    }
    found
}
