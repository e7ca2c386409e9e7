//! What a check says of records that were altered in one way: each alteration gets
//! the verdict that it should, and nothing else is accused.

mod common;

use std::collections::BTreeMap;
use std::fs;

use common::altered::{places, records};
use common::{records_of, text, zerttap};
use zerttap::check::{
    Check, Clock, Fault, Finding, Listener, Options, Outcome, Reason, RecordLocation, Verdict,
};
use zerttap::record::field::Format;
use zerttap::record::{Record, ebcdic};

/// Verdicts other than equal, as `field verdict`, and what is on one side only.
#[derive(Debug, Default, PartialEq, Eq)]
struct Said {
    fields: BTreeMap<&'static str, Verdict>,
    stack: Vec<Reason>,
    wire: Vec<Reason>,
    faults: Vec<Fault>,
}

fn check(stack: &[Vec<u8>], tap: &[Vec<u8>], options: Options) -> (Said, Outcome) {
    let mut check = Check::new(options, 0).expect("temporary files");
    for (n, record) in stack.iter().enumerate() {
        check.stack(record, RecordLocation { file: 0, offset: n as u64 }).expect("taken");
    }
    check.with_tap();
    for (n, record) in tap.iter().enumerate() {
        check.tap(record, RecordLocation { file: 1, offset: n as u64 }).expect("taken");
    }
    let mut said = Said::default();
    let outcome = check
        .run(Some(&mut |finding: &Finding<'_>| {
            match finding {
                Finding::Pair(_, _, events, _) => {
                    for judged in events.iter().flat_map(|e| &e.comparison.others) {
                        said.fields.insert(judged.field, judged.verdict);
                    }
                }
                Finding::Alone(_, _, true, reason, ..) => said.stack.push(*reason),
                Finding::Alone(_, _, false, reason, ..) => said.wire.push(*reason),
                Finding::Fault(found) => said.faults.push(found.fault),
            }
            Ok::<(), std::io::Error>(())
        }))
        .expect("checked");
    (said, outcome)
}

/// One connection of every kind of protection, a record each, and its summaries.
const KINDS: &[&str] = &[
    "tls12-client-certificate",
    "tls12-ecdsa",
    "ssh-ecdh-nistp256-gcm",
    "ssh-group14-sha1-cbc",
    "esp-null",
    "clear-http",
    "ikev2-psk-gcm",
];

fn base() -> Vec<Vec<u8>> {
    records(&["--level", "v3r2", "--settle", "3600", "--job", "1-65535=JOB1:USER1:STC00001"], KINDS)
}

/// What altering a field to another value has to lead to. Written down here once
/// more, field by field, not taken from the program.
fn expected(name: &str, known: bool) -> &'static str {
    let short = name.trim_start_matches("SMF119SC_").trim_start_matches("SMF119SS_");
    match short {
        // Who is who: the records find no counterpart.
        "SARIP" | "SALIP" | "SARPort" | "SALPort" | "SAIPProto" | "SASrvIP" | "SACltIP"
        | "SASrvPortStart" | "SASrvPortEnd" => "alone",
        // Of a session they say which one it is.
        "SAFlags" | "SASecProtos" if name.starts_with("SMF119SS") => "alone",
        "SAEvent_Type" => "anything",
        "SAIntervalDuration" => "not_observable",
        // Inside the stack.
        "SAConnID" | "SASessionID" | "SASecFlags" | "SSH_Comp" => "not_observable",
        _ if short.contains("FIPS_Mode")
            || short.contains("Auth_Method")
            || short.contains("CKey_")
            || short.contains("Key_FP") =>
        {
            "not_observable"
        }
        // What was counted, and when: the wire has that.
        "SAInBytes" | "SAOutBytes" | "SAInSegDG" | "SAOutSegDG" => "contradiction",
        "SASTime" | "SASDate" | "SAETime" | "SAEDate" => "contradiction",
        // Flags are known, even if none is on.
        "SASecProtos" | "TLS_CryptoFlags" | "SSH_CryptoFlags" | "IPSec_TunFlags" => "contradiction",
        _ if short.starts_with("SAInit") && !short.contains("Active") => "not_observable",
        _ if short.starts_with("SAEnd") || short.contains("Active") => "contradiction",
        _ if known => "contradiction",
        _ => "not_observable",
    }
}

#[test]
fn every_field_that_is_altered_gets_its_verdict() {
    let base = base();
    let (said, outcome) = check(&base, &base, Options::default());
    assert_eq!(said.fields, BTreeMap::new());
    assert!(outcome.connections.pairs >= 8 && outcome.intervals.pairs >= 8, "{outcome:?}");
    let mut tested = BTreeMap::<&str, u32>::new();
    for (n, record) in base.iter().enumerate() {
        for (name, format, place) in places(record) {
            if format == Format::Reserved || tested.get(name).is_some_and(|times| *times >= 4) {
                continue;
            }
            *tested.entry(name).or_default() += 1;
            let mut altered = base.clone();
            let bytes = &mut altered[n][place.clone()];
            let known = !bytes.iter().all(|b| *b == 0) && !bytes.iter().all(|b| *b == 0x40);
            alter(name, format, bytes);
            let (said, _) = check(&altered, &base, Options::default());
            let what = format!("{name} of record {n}: {said:?}");
            let expected = expected(name, known);
            let got = said.fields.get(name).map(|v| v.name());
            match expected {
                "alone" => {
                    assert!(got.is_none_or(|g| g == "contradiction"), "{what}");
                    assert!(
                        said.stack.len() + said.wire.len() > 0
                            || said.fields.values().any(|v| v.name() == "contradiction"),
                        "{what}"
                    );
                }
                "anything" => {}
                expected => {
                    assert_eq!(got, Some(expected), "{what}");
                    assert_eq!((said.stack.len(), said.wire.len()), (0, 0), "{what}");
                    let others = said.fields.iter().filter(|(f, _)| **f != name);
                    for (field, verdict) in others {
                        // The end of a counter follows from its beginning, the
                        // protocol's provider from its source.
                        let follows = name.starts_with("SMF119SS_SAInit")
                            || field.contains("Active") && name.contains("LifeConn")
                            || name.ends_with("Source") && field.contains("Provider");
                        assert!(
                            !matches!(verdict, Verdict::Contradiction(_)) || follows,
                            "{field} is accused: {what}"
                        );
                    }
                }
            }
        }
    }
    // Every field of the sections that the captures have was altered.
    assert!(tested.len() > 170, "{}", tested.len());
}

/// Another value of a field that means something.
fn alter(name: &str, format: Format, bytes: &mut [u8]) {
    match format {
        // Of IPv4 the first four bytes say something.
        Format::Ip => bytes[3] ^= 0x15,
        Format::Ebcdic => {
            let other = if bytes[0] == 0xE7 { 0xE8 } else { 0xE7 };
            bytes.fill(0x40);
            bytes[0] = other;
        }
        // A day later or earlier, in packed digits.
        Format::Packed => {
            let digits = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
            let digits = if digits >> 4 & 0xF == 9 { digits - 0x10 } else { digits + 0x10 };
            bytes.copy_from_slice(&digits.to_be_bytes());
        }
        _ if name.ends_with("Time") && bytes.len() == 4 => {
            let time = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
            let time = if time > 1_000_000 { time - 360_000 } else { time + 360_000 };
            bytes.copy_from_slice(&time.to_be_bytes());
        }
        _ if name.contains("Duration") => bytes[2] ^= 1,
        _ if bytes.len() == 8 || name.contains("Cnt") => {
            // More by enough.
            let last = bytes.len() - 3;
            bytes[last] = bytes[last].wrapping_add(9);
        }
        // A provider tells more; another code than both is neither.
        _ if name.ends_with("Source") => bytes[0] = 7,
        Format::Flags => {
            bytes[0] ^= match name {
                "SMF119SC_SASecProtos" => 0x40,
                "SMF119SC_SAFlags" => 0x18,
                _ => 0x80,
            }
        }
        _ => {
            let last = bytes.len() - 1;
            bytes[last] = if bytes[last] == 0x55 { 0x56 } else { 0x55 };
        }
    }
}

/// Filter rules are the stack's; names of certificates are on the wire up to TLS 1.2.
#[test]
fn filters_are_not_observable_and_names_are() {
    let base = base();
    // A record with a section S2 behind the others.
    let n = base.iter().position(|r| r[23] == 11).expect("a detail record");
    let mut filtered = base.clone();
    let record = &mut filtered[n];
    let at = u32::try_from(record.len()).expect("short").to_be_bytes();
    record[44..48].copy_from_slice(&at);
    record[48..52].copy_from_slice(&[0, 100, 0, 1]);
    let mut section = vec![0x40; 100];
    section[..4].copy_from_slice(&[1, 1, 0, 0]);
    section[4] = 0xC1;
    record.extend(section);
    let length = u16::try_from(record.len()).expect("short").to_be_bytes();
    record[..2].copy_from_slice(&length);
    let (said, outcome) = check(&filtered, &base, Options::default());
    let fields: Vec<&&str> = said.fields.keys().collect();
    assert!(fields.len() >= 3 && fields.iter().all(|f| f.contains("IPFlt")), "{said:?}");
    assert!(said.fields.values().all(|v| matches!(v, Verdict::NotObservable(_))));
    assert_eq!(outcome.contradictions(), 0);
    // A name that says something else.
    let named = base.iter().position(|r| {
        Record::parse(r).is_ok_and(|r| r.subtype() == Some(11) && !r.names().is_empty())
    });
    let n = named.expect("a record with names");
    let offsets = Record::parse(&base[n]).expect("a record").name_offsets();
    let mut renamed = base.clone();
    renamed[n][offsets[0]] = 0xE7;
    let (said, _) = check(&renamed, &base, Options::default());
    let verdicts: Vec<_> = said.fields.iter().collect();
    assert!(matches!(verdicts[..], [(&"SMF119SC_DN", Verdict::Contradiction(_))]), "{said:?}");
}

#[test]
fn what_a_provider_knows_is_no_contradiction() {
    let base = base();
    let mut stack = base.clone();
    let mut altered = 0;
    for record in &mut stack {
        for (name, format, place) in places(record) {
            let bytes = &mut record[place];
            if name.ends_with("TLS_Source") || name.ends_with("SSH_Source") {
                bytes[0] = 2;
                altered += 1;
            } else if name.ends_with("Protocol_Provider") {
                let text: Vec<u8> = "System SSL".chars().filter_map(ebcdic::encode_char).collect();
                bytes.fill(0x40);
                bytes[..text.len()].copy_from_slice(&text);
            } else if name.contains("FIPS_Mode") || name.contains("Auth_Method") {
                let last = bytes.len() - 1;
                bytes[last] = 1;
            } else if name.contains("Cert_") && format == Format::Binary && bytes[0] == 0 {
                let last = bytes.len() - 1;
                if bytes[last] == 0 {
                    bytes[last] = 3;
                }
            }
        }
    }
    assert!(altered >= 6);
    let (said, outcome) = check(&stack, &base, Options::default());
    assert!(said.fields.values().all(|v| matches!(v, Verdict::NotObservable(_))), "{said:?}");
    assert!(said.fields.len() > 10 && outcome.contradictions() == 0, "{said:?}");
    assert_eq!((said.stack.len(), said.wire.len()), (0, 0));
}

#[test]
fn what_is_dropped_or_doubled_is_told() {
    let base = records(&[], &["intervals", "ten-seconds", "ftp-timeline", "late-handshake"]);
    let details = base.iter().filter(|r| r[23] == 11).count();
    for n in 0..base.len() {
        let mut dropped = base.clone();
        let record = dropped.remove(n);
        let (said, outcome) = check(&dropped, &base, Options::default());
        let what = format!("record {n}, event {}: {said:?}", record[148]);
        if record[23] == 12 {
            // The only one of its interval: whether that ended is not known.
            let ends = base.iter().filter(|r| r[23] == 12 && r[6..14] == base[n][6..14]).count();
            let expected = if ends > 1 { Reason::Missing } else { Reason::NoSuchInterval };
            assert_eq!(said.wire, [expected], "{what}");
        } else if record[148] == 4 {
            // The only one of its connection; at an edge of the dump it is outside.
            let outside = [Reason::OutsidePeriod, Reason::AddressUnknown];
            assert_eq!(said.wire.len(), 1, "{what}");
            assert!(said.wire[0] == Reason::Missing || outside.contains(&said.wire[0]), "{what}");
        } else {
            // One of several, or all that there was of a connection that went on.
            let event = said.fields.contains_key("SMF119SC_SAEvent_Type");
            assert!(event || said.wire.len() == 1, "{what}");
        }
        drop(outcome);
        let mut doubled = base.clone();
        doubled.push(base[n].clone());
        let (said, outcome) = check(&doubled, &base, Options::default());
        let fault = if base[n][23] == 12 { Fault::IntervalTwice } else { Fault::Duplicate };
        assert!(said.faults.contains(&fault), "record {n}: {said:?}");
        assert!(outcome.contradictions() > 0);
    }
    assert!(details >= 4, "{details}");
}

/// Moves all times of a connection's records by hundredths of a second.
fn shift(record: &mut [u8], by: i64) {
    use zerttap::record::SmfTime;
    let mut shifted = Vec::new();
    let all = places(record);
    for (time, date) in [("SASTime", "SASDate"), ("SAETime", "SAEDate")] {
        let find = |name: &str| all.iter().find(|p| p.0.ends_with(name)).map(|p| p.2.clone());
        let (Some(time), Some(date)) = (find(time), find(date)) else { continue };
        shifted.push((time, date));
    }
    shifted.push((6..10, 10..14));
    for (time, date) in shifted {
        let word = |r: &std::ops::Range<usize>| {
            u32::from_be_bytes(record[r.clone()].try_into().expect("four bytes"))
        };
        let at = SmfTime { time: word(&time), date: word(&date) }.hundredths();
        let Some(at) = at else { continue };
        let moved = SmfTime::utc((at + by) * 10_000_000);
        record[time].copy_from_slice(&moved.time.to_be_bytes());
        record[date].copy_from_slice(&moved.date.to_be_bytes());
    }
}

#[test]
fn clocks_that_differ_are_one_finding() {
    let base =
        records(&["--settle", "2"], &["long-connection", "clear-http", "esp-null", "intervals"]);
    for by in [360_000, -5_430, 150, 0] {
        let mut stack = base.clone();
        stack.iter_mut().for_each(|r| shift(r, by));
        let (said, outcome) = check(&stack, &base, Options::default());
        assert_eq!(outcome.contradictions(), 0, "{by}: {said:?}");
        assert_eq!((said.stack.len(), said.wire.len()), (0, 0), "{by}: {said:?}");
        let expected = if by.abs() <= 200 { 0 } else { by };
        assert_eq!(outcome.calibration.clock, Clock::constant(expected), "{by}");
        if by == 150 {
            let tolerated = |v: &Verdict| matches!(v, Verdict::Tolerated(_));
            assert!(tolerated(&said.fields["SMF119SC_SASTime"]), "{said:?}");
        }
    }
    // One that is moved alone contradicts.
    let mut stack = base.clone();
    let n = stack.iter().position(|r| r[23] == 11 && r[148] == 4).expect("a short connection");
    shift(&mut stack[n], 60_000);
    let (said, _) = check(&stack, &base, Options::default());
    assert!(matches!(said.fields["SMF119SC_SASTime"], Verdict::Contradiction(_)), "{said:?}");
}

/// What stands behind the four bytes of an IPv4 address says nothing.
#[test]
fn fillers_of_addresses_are_not_compared() {
    let base = base();
    for filler in [0x40, 0xFF, 0x07] {
        let mut stack = base.clone();
        let mut filled = 0;
        for record in &mut stack {
            for (_, _, place) in places(record).into_iter().filter(|p| p.1 == Format::Ip) {
                if record[place.start + 4..place.end].iter().all(|b| *b == 0) {
                    record[place.start + 4..place.end].fill(filler);
                    filled += 1;
                }
            }
        }
        let (said, outcome) = check(&stack, &base, Options::default());
        let ike = said.fields.keys().all(|field| field.contains("IKETun"));
        assert!(filled > 20 && ike, "{said:?}");
        assert_eq!(outcome.missing_count(), 0, "{said:?}");
    }
}

/// Of text what fills the field behind it says nothing.
#[test]
fn fillers_of_text_are_not_compared() {
    let base = base();
    let mut stack = base.clone();
    for record in &mut stack {
        for (_, _, place) in places(record).into_iter().filter(|p| p.1 == Format::Ebcdic) {
            let used = record[place.clone()].iter().rposition(|b| !matches!(b, 0 | 0x40));
            record[place.start + used.map_or(0, |n| n + 1)..place.end].fill(0);
        }
    }
    let (said, outcome) = check(&stack, &base, Options::default());
    assert_eq!(said.fields, BTreeMap::new());
    assert_eq!(outcome.missing_count(), 0, "{said:?}");
}

#[test]
fn another_level_is_no_contradiction() {
    let captures =
        ["tls12-client-certificate", "ssh-curve25519-chacha20", "clear-http", "intervals"];
    let levels: Vec<Vec<Vec<u8>>> = ["v2r3", "v2r5", "v3r2"]
        .into_iter()
        .map(|level| records(&["--level", level], &captures))
        .collect();
    for stack in &levels {
        for tap in &levels {
            let (said, outcome) = check(stack, tap, Options::default());
            assert_eq!(outcome.contradictions(), 0, "{said:?}");
            assert_eq!((said.stack.len(), said.wire.len()), (0, 0), "{said:?}");
        }
    }
}

/// Parts on disk change nothing.
#[test]
fn however_it_is_divided_the_outcome_is_the_same() {
    let base = records(&["--settle", "2", "--level", "v3r2"], &[""]);
    let mut stack = base.clone();
    for (n, record) in stack.iter_mut().enumerate().filter(|(n, _)| n % 7 == 0) {
        let place = places(record).into_iter().find(|p| p.0.ends_with("InBytes"));
        if let Some((_, _, place)) = place {
            record[place.start + 3] ^= u8::try_from(n % 200).unwrap_or(1) | 1;
        }
    }
    stack.retain(|r| r[30] as usize + r.len() != 777);
    let summary = |bytes: u64, listens: bool| {
        let mut check = Check::new(Options::default(), bytes).expect("temporary files");
        for (n, record) in stack.iter().enumerate() {
            check.stack(record, RecordLocation { file: 0, offset: n as u64 }).expect("taken");
        }
        for (n, record) in base.iter().enumerate() {
            check.tap(record, RecordLocation { file: 1, offset: n as u64 }).expect("taken");
        }
        let mut listen = |_: &Finding<'_>| Ok::<(), std::io::Error>(());
        let listener: Option<&mut Listener<'_, _>> = listens.then_some(&mut listen);
        let outcome = check.run(listener).expect("checked");
        let differences: Vec<_> = outcome.differences.iter().map(|(k, v)| (*k, v.0)).collect();
        (outcome.connections, outcome.intervals, outcome.fields, differences)
    };
    let one = summary(0, true);
    assert!(one.0.contradicted > 5, "{one:?}");
    assert_eq!(one, summary(1 << 40, true));
    // Who does not listen learns the same in the end.
    assert_eq!(one, summary(0, false));
    assert_eq!(one, summary(1 << 40, false));
}

/// What is written of every capture agrees with itself, and is in order: as one stack,
/// and as two that see each other.
#[test]
fn every_capture_s_records_agree_with_themselves() {
    let dir = tempfile::tempdir().expect("a directory");
    let settings = dir.path().join("zert.toml");
    let two = "[[stack]]\nname = \"A\"\nhome = [\"0.0.0.0/1\", \"::/1\"]\n\
               [[stack]]\nname = \"B\"\nhome = [\"128.0.0.0/1\", \"8000::/1\"]\n";
    fs::write(&settings, two).expect("written");
    let file = dir.path().join("zert.smf");
    let (mut connections, mut intervals) = (0, 0);
    for (n, capture) in common::captures().iter().enumerate() {
        let mut command = zerttap();
        command.args(["read", "-q", "--force", "--detail", "--interval", "5", "-w"]).arg(&file);
        if n % 2 == 0 {
            command.arg("--config").arg(&settings);
        }
        let output = command.arg(capture).output().expect("the program runs");
        assert!(output.status.success(), "{}", text(&output).1);
        let bytes = fs::read(&file).expect("the records");
        let all: Vec<Vec<u8>> = records_of(&bytes).into_iter().map(<[u8]>::to_vec).collect();
        let (said, outcome) = check(&all, &all, Options::default());
        let what = format!("{}: {said:?}", capture.display());
        assert_eq!(said.fields, BTreeMap::new(), "{what}");
        assert!(said.stack.is_empty() && said.wire.is_empty(), "{what}");
        assert_eq!(said.faults.iter().find(|f| f.is_wrong()), None, "{what}");
        connections += outcome.connections.pairs;
        intervals += outcome.intervals.pairs;
    }
    assert!(connections > 50 && intervals > 50, "{connections} {intervals}");
}

/// Whatever a dump says, it is checked and told.
mod hostile {
    use super::{Options, base, check};
    use proptest::prelude::*;
    use std::sync::OnceLock;
    use zerttap::check::report::{Limits, last_lines, page, text};

    fn records() -> &'static [Vec<u8>] {
        static RECORDS: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
        RECORDS.get_or_init(base)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]
        #[test]
        fn altered_bytes_anywhere_do_no_harm(
            changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>()), 1..200),
            both in any::<bool>(),
            clock in proptest::option::of(any::<i32>()),
        ) {
            let mut altered = records().to_vec();
            for (record, at, value) in changes {
                let record = record.index(altered.len());
                let at = at.index(altered[record].len());
                // The length stays: another record would not be one.
                if at > 1 {
                    altered[record][at] = value;
                }
            }
            let options = Options { clock: clock.map(i64::from), ..Options::default() };
            let other = if both { altered.clone() } else { records().to_vec() };
            for (stack, tap) in [(&altered, &other), (&other, &altered)] {
                let (_, outcome) = check(stack, tap, options);
                let limits = Limits::default();
                let files = ["a".to_owned()];
                let told = text(&outcome, &limits, &files, false).len() + page(&outcome, &limits, &files).len();
                prop_assert!(told > 0 && !last_lines(&outcome, &limits, &files).is_empty());
            }
        }
    }
}
