//! Text that others choose goes through every output for people: nothing that steers a
//! terminal, turns the direction of writing or hides itself comes out.

mod common;
#[path = "common/packets.rs"]
mod packets;

use std::fs;
use std::process::Command;

use common::{case, text, zerttap};
use zerttap::record::{Detail, DistinguishedName, Summary};

/// Characters of each kind that must not come out, written out from the Unicode character
/// database (category and code points).
const KINDS: &[(&str, &[char])] = &[
    ("Cc, C0", &['\0', '\u{7}', '\u{8}', '\t', '\n', '\u{B}', '\r', '\u{1B}', '\u{1F}', '\u{7F}']),
    ("Cc, C1", &['\u{80}', '\u{85}', '\u{90}', '\u{9B}', '\u{9D}', '\u{9F}']),
    (
        "Cf, bidirectional",
        &[
            '\u{61C}', '\u{200E}', '\u{200F}', '\u{202A}', '\u{202B}', '\u{202C}', '\u{202D}',
            '\u{202E}', '\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}',
        ],
    ),
    ("Cf, zero width", &['\u{AD}', '\u{200B}', '\u{200C}', '\u{200D}', '\u{2060}', '\u{FEFF}']),
    (
        "Cf, others",
        &[
            '\u{600}',
            '\u{6DD}',
            '\u{2061}',
            '\u{FFF9}',
            '\u{110BD}',
            '\u{1D173}',
            '\u{E0001}',
            '\u{E0041}',
        ],
    ),
    ("Zl, Zp", &['\u{2028}', '\u{2029}']),
    ("Zs", &['\u{A0}', '\u{2003}', '\u{3000}']),
    ("Co", &['\u{E000}', '\u{F8FF}', '\u{F0000}', '\u{10FFFD}']),
    ("Cn", &['\u{378}', '\u{FFFE}', '\u{1FFFF}', '\u{10FFFF}']),
    (
        "ignorable by definition",
        &['\u{34F}', '\u{115F}', '\u{180B}', '\u{3164}', '\u{FE0F}', '\u{FFA0}', '\u{E0100}'],
    ),
];

/// Combining marks, which may not come first.
const MARKS: &[char] = &['\u{301}', '\u{489}', '\u{903}', '\u{20DD}'];

/// Every kind, packed into texts of exactly so many bytes.
fn corpus(bytes: usize) -> Vec<String> {
    let mut all = Vec::new();
    let chars = KINDS.iter().flat_map(|(_, chars)| chars.iter());
    let mut text = String::new();
    for c in chars {
        if text.len() + c.len_utf8() + 1 > bytes {
            all.push(std::mem::take(&mut text));
        }
        text.push('a');
        text.push(*c);
    }
    all.push(text);
    all.extend(MARKS.iter().map(char::to_string));
    for text in &mut all {
        text.push_str(&"z".repeat(bytes - text.len()));
    }
    all
}

/// Nothing of the kinds is in a text but the ends of its lines and the colours of the
/// program, and no mark begins what stands in quotes.
fn harmless(what: &str, output: &str) {
    let lines = output.replace("\r\n", "\n");
    for line in lines.split('\n') {
        for (kind, chars) in KINDS {
            let found = line.chars().find(|c| chars.contains(c));
            assert_eq!(found, None, "{what}: {kind} in {line:?}");
        }
        for quote in ['\'', '"', '='] {
            let mut after = line.split(quote).skip(1);
            let marked = after.find(|rest| rest.starts_with(MARKS));
            assert!(marked.is_none() || quote == '=', "{what}: a mark comes first in {line:?}");
        }
    }
}

/// Replaces bytes in the packets of a capture, which are moved on by some years.
fn altered(name: &str, from: &str, to: &str, years: i64) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let file = fs::read(case(name).join("capture.pcap")).expect("a capture");
    let mut all = packets::read(&file).expect("packets");
    let mut found = 0;
    for packet in &mut all {
        packet.ts += years * 365 * 86_400 * 1_000_000_000;
        let mut at = 0;
        while let Some(n) = packet.data[at..].windows(from.len()).position(|w| w == from.as_bytes())
        {
            packet.data[at + n..at + n + to.len()].copy_from_slice(to.as_bytes());
            at += n + to.len();
            found += 1;
        }
    }
    assert!(found > 0, "{from} is not in {name}");
    packets::to_pcap(&all)
}

fn output(command: &mut Command) -> (String, String) {
    text(&command.output().expect("the program runs"))
}

/// The table, the page and the messages of a capture.
fn read(what: &str, capture: &[u8], shows: &str) {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("a.pcap");
    fs::write(&file, capture).expect("written");
    let (table, messages) = output(zerttap().arg("read").arg(&file));
    assert!(table.contains(shows), "{what}: {table}");
    harmless(what, &table);
    harmless(what, &messages);
    let page = dir.path().join("page.html");
    let (_, messages) = output(zerttap().args(["read", "--report"]).arg(&page).arg(&file));
    harmless(what, &messages);
    let page = fs::read_to_string(page).expect("a page");
    assert!(page.contains(shows), "{what}");
    harmless(what, &page);
}

#[test]
fn names_of_certificates() {
    for hostile in corpus("Example Sysplex".len()) {
        let capture = altered("tls12-full", "Example Sysplex", &hostile, 60);
        read(&format!("{hostile:?}"), &capture, "expired");
    }
}

#[test]
fn names_of_ssh_algorithms() {
    for hostile in corpus("chacha20-poly1305@openssh.com".len()) {
        // Names are separated by commas.
        let from = "chacha20-poly1305@openssh.com";
        let capture = altered("ssh-curve25519-chacha20", from, &hostile, 0);
        read(&format!("{hostile:?}"), &capture, "curve25519-sha256");
    }
}

/// The cells of a CSV file (RFC 4180).
fn cells(csv: &str) -> Vec<String> {
    let (mut all, mut cell, mut quoted) = (Vec::new(), String::new(), false);
    let mut chars = csv.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => cell.extend(chars.next()),
            '"' => quoted = !quoted,
            ',' | '\r' | '\n' if !quoted => all.push(std::mem::take(&mut cell)),
            c => cell.push(c),
        }
    }
    all
}

/// Names in records are EBCDIC, in which every byte is a character of Latin-1.
#[test]
fn fields_of_records() {
    let bytes: Vec<u8> = (0..=255).collect();
    for chunk in bytes.chunks(4) {
        let mut field = [0x40; 8];
        field[..4].copy_from_slice(chunk);
        let name: String = chunk.iter().map(|b| char::from(*b)).collect();
        let names = [DistinguishedName { dn_type: 5, name: format!("CN={name}").as_str().into() }];
        let (mut file, mut detail, mut summary) =
            (Vec::new(), Detail::default(), Summary::default());
        detail.header.sid = [field[0], field[1], field[2], field[3]];
        (detail.common.jobname, detail.common.event_type) = (field, 1);
        (detail.ident.stack, detail.names) = (field, names.clone().into());
        detail.encode(&mut file);
        (summary.common.jobname, summary.common.event_type) = (field, 1);
        (summary.ident.stack, summary.names) = (field, names.into());
        summary.encode(&mut file);
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("records.smf");
        fs::write(&path, &file).expect("written");
        let fields = "--lines --fields SMF119SC_SAJobname,SMF119SS_SAJobname,SMF119SC_DN";
        for form in [
            "--jsonl",
            "--jsonl --names zsecure",
            "--csv",
            "--csv --meanings",
            "--hex",
            "--summary",
            "--lines",
            fields,
            "--leef --tz UTC",
            "",
        ] {
            let options: Vec<&str> = form.split_whitespace().collect();
            let (out, err) = output(zerttap().arg("show").args(&options).arg(&path));
            assert!(!out.is_empty(), "{form}: {err}");
            // Attributes of an event have tabs between.
            let leef = form.starts_with("--leef");
            let out = if leef { out.replace('\t', " ") } else { out };
            harmless(&format!("show {form}, bytes {chunk:02X?}"), &out);
            harmless(&format!("show {form}, bytes {chunk:02X?}"), &err);
        }
        // An attribute of an event is one, and a name in quotes ends where it ends.
        let (leef, _) = output(zerttap().args(["show", "--leef"]).arg(&path));
        for line in leef.lines() {
            let attributes: Vec<&str> = line.split('\t').collect();
            for key in ["jobname=", "stack=", "dn=", "sum="] {
                let there = attributes.iter().filter(|a| a.starts_with(key)).count();
                // A name of blanks or zeros is none.
                let blank = ["jobname=", "stack="].contains(&key) && there == 0;
                assert!(there == 1 || blank, "{chunk:02X?}: {key} in {line:?}");
            }
            let dn = attributes.iter().find(|a| a.starts_with("dn=")).expect("a name");
            assert_eq!(dn.matches('\'').count(), 2, "{chunk:02X?}: {line:?}");
        }
        // No cell is a formula to a spreadsheet.
        let (csv, _) = output(zerttap().args(["show", "--csv"]).arg(&path));
        for cell in cells(&csv) {
            let cell = cell.trim_start();
            assert!(!cell.starts_with(['=', '+', '-', '@', '\t']), "{chunk:02X?}: {cell:?}");
        }
        let page = dir.path().join("report.html");
        let capture = case("tls12-full").join("capture.pcap");
        let mut check = zerttap();
        check.arg("check").arg(&path).arg(&capture).arg("--report").arg(&page);
        let (out, err) = output(&mut check);
        harmless("check", &out);
        harmless("check", &err);
        if let Ok(page) = fs::read_to_string(&page) {
            harmless("check --report", &page);
        }
    }
}

/// Names of files and what stands in them, in messages.
#[test]
fn names_of_files_and_words_of_profiles() {
    let dir = tempfile::tempdir().expect("a directory");
    for (n, hostile) in corpus(24).into_iter().enumerate() {
        let name = hostile.replace(['\0', '/'], "a");
        let (out, err) = output(zerttap().current_dir(dir.path()).args(["read", &name]));
        assert!(err.contains("zerttap: "), "{name:?}: {err}");
        harmless(&format!("a file that is not there, {name:?}"), &(out + &err));
        let path = dir.path().join(&name);
        fs::write(&path, b"no capture").expect("written");
        for command in ["read", "show"] {
            let (out, err) = output(zerttap().current_dir(dir.path()).args([command, &name]));
            assert!(err.contains("zerttap: "), "{name:?}: {err}");
            harmless(&format!("{command} of a file that is none, {name:?}"), &(out + &err));
        }
        let profile = dir.path().join(format!("profile{n}"));
        let word = hostile.replace(['\n', '\r', ' ', ';'], "a");
        fs::write(&profile, format!("HOME 192.0.2.10 {word}\nPORT 23 TCP {word}\n"))
            .expect("written");
        let (out, err) = output(zerttap().arg("profile").arg(&profile));
        harmless(&format!("a profile with {word:?}"), &(out + &err));
        fs::remove_file(path).expect("removed");
    }
}
