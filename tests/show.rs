//! What `show` prints, and that another decoder, which knows only the tables of
//! the specification, says the same of every record.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn show(options: &[&str], files: &[&Path]) -> Output {
    common::zerttap().arg("show").args(options).args(files).output().expect("the program runs")
}

fn text(options: &[&str], file: &Path) -> String {
    let output = show(options, &[file]);
    let (stdout, stderr) = common::text(&output);
    assert!(output.status.success(), "{options:?}: {stderr}");
    stdout
}

/// The records of captures, as a file.
fn dump(dir: &Path, options: &[&str], inputs: &[&Path]) -> PathBuf {
    let file = dir.join("zert.smf");
    let output = common::zerttap()
        .args(["read", "-q", "--detail", "--force"])
        .args(options)
        .arg("-w")
        .arg(&file)
        .args(inputs)
        .output()
        .expect("the program runs");
    assert!(output.status.success(), "{}", common::text(&output).1);
    file
}

fn cases() -> PathBuf {
    common::case("")
}

#[test]
fn another_decoder_says_the_same_of_every_record() {
    let spec = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/spec");
    let decoder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/decoder.py");
    let all = common::captures();
    let dir = tempfile::tempdir().expect("a directory");
    let names = ["--sid", "SYS1", "--stack", "TCPIP", "--job", "1-65535=JOB1:USER1:STC00001"];
    let mut compared = 0;
    for level in ["v2r3", "v2r5", "v3r2"] {
        let options = [&names[..], &["--include-midstream", "--level", level]].concat();
        let mut records = Vec::new();
        for capture in &all {
            let one = dump(dir.path(), &options, &[capture]);
            records.extend(fs::read(one).expect("the records"));
        }
        let file = dir.path().join("all.smf");
        fs::write(&file, records).expect("written");
        let output = Command::new("python3").arg(&decoder).arg(&spec).arg(&file).output();
        let output = output.expect("Python runs");
        assert!(output.status.success(), "{}", common::text(&output).1);
        let theirs = common::text(&output).0;
        let ours = text(&["--jsonl", "-q"], &file);
        assert_eq!(ours.lines().count(), theirs.lines().count());
        for (ours, theirs) in ours.lines().zip(theirs.lines()) {
            let ours: Value = serde_json::from_str(ours).expect("JSON");
            let theirs: Value = serde_json::from_str(theirs).expect("JSON");
            assert_eq!(ours["subtype"], theirs["subtype"]);
            let (ours, theirs) = (&ours["sections"], &theirs["sections"]);
            for (id, section) in theirs.as_object().expect("sections") {
                assert_eq!(&ours[id], section, "{id}");
            }
            assert_eq!(ours.as_object().map(|o| o.len()), theirs.as_object().map(|o| o.len()));
            compared += 1;
        }
    }
    assert!(compared > 3 * 500, "{compared} records");
}

#[test]
fn filters_choose_records() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dump(dir.path(), &["--job", "44330=OPENSSL"], &[&cases()]);
    let count = |options: &[&str]| -> usize {
        text(&[&["--jsonl", "-q"], options].concat(), &file).lines().count()
    };
    let all = count(&[]);
    assert_eq!(count(&["--subtype", "11"]) + count(&["--subtype", "12"]), all);
    assert_eq!(count(&["--subtype", "11", "--subtype", "12"]), all);
    let by_protocol: usize = ["none", "tls", "ssh"].iter().map(|p| count(&["--protocol", p])).sum();
    let ipsec_alone = count(&["--protocol", "ipsec"]) - count_both(&file);
    // The stack's own records are of no connection or session.
    let of_stack = count(&["--subtype", "11", "--event", "5", "--event", "6"])
        + count(&["--subtype", "12", "--event", "2", "--event", "3"]);
    assert!(of_stack > 0);
    assert_eq!(by_protocol + ipsec_alone + of_stack, all);
    let events: usize = (1..=6).map(|e| count(&["--event", &e.to_string()])).sum();
    assert_eq!(events, all);
    // Ranges of ports that FTP has announced hold the port, too.
    let of_job = count(&["--job", "open*", "--subtype", "12"]);
    assert!(of_job > 20 && count(&["--port", "44330", "--subtype", "12"]) >= of_job);
    assert_eq!(count(&["--job", "OPENSS%"]), count(&["--job", "OPENSSL"]));
    assert!(count(&["--ip", "2001:db8::/32"]) > 0 && count(&["--ip", "203.0.113.99"]) == 0);
    assert_eq!(count(&["--head", "3"]), 3);
    let (before, after) = (count(&["--until", "2026-01-01"]), count(&["--since", "2026-01-01"]));
    assert!(before > 0 && after > 0 && before + after == all);
    assert_eq!(count(&["--since", "2026-01-01T00:00:00"]), after);
}

/// Records under TLS or SSH and IPSec at once.
fn count_both(file: &Path) -> usize {
    let lines = text(&["--jsonl", "-q", "--protocol", "ipsec"], file);
    let both = |line: &&str| {
        let record: Value = serde_json::from_str(line).expect("JSON");
        let code = |s: &str| record["sections"]["S1"][s]["code"].as_str().map(str::to_owned);
        code("SMF119SC_SASecProtos").is_some_and(|c| c != "20")
    };
    lines.lines().filter(both).count()
}

#[test]
fn tables_of_values_have_a_column_for_every_field() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dump(dir.path(), &[], &[&common::case("tls12-client-certificate")]);
    let csv = text(&["--csv", "--subtype", "11"], &file);
    let mut rows = csv.split("\r\n");
    let head: Vec<&str> = rows.next().expect("a head").split(',').collect();
    let row: Vec<&str> = rows.nth(1).expect("a row").split(',').collect();
    let cell = |name: &str| row[head.iter().position(|h| *h == name).expect("a column")];
    assert_eq!(cell("SMF119SC_SALPort"), "44330");
    assert_eq!(cell("SMF119SC_SARIP"), "127.0.0.1");
    assert!(cell("SMF119SC_SASDate").starts_with("20") && cell("SMF119SC_SASDate").len() == 10);
    assert!(cell("SMF119SC_SASTime").contains(':'));
    assert_eq!(cell("SMF119SC_TLS_Prot_Ver"), "0303");
    assert_eq!(cell("SMF119SC_SSH_Prot_Ver"), "");
    let named = text(&["--csv", "--subtype", "11", "--meanings"], &file);
    assert!(named.contains("TLSv1.2") && !named.contains(",0303,"));
    assert_eq!(csv.matches("\r\n").count(), 1 + 3);
}

#[test]
fn an_annotated_dump_has_every_byte_once() {
    let dir = tempfile::tempdir().expect("a directory");
    let options = ["--level", "v3r2", "--no-tool-events"];
    let file = dump(dir.path(), &options, &[&common::case("tls12-client-certificate")]);
    let bytes = fs::read(&file).expect("the records");
    let dumped = text(&["--hex"], &file);
    let mut found = vec![None; bytes.len()];
    let mut base = 0;
    for line in dumped.lines() {
        if let Some(at) = line.find("(offset ") {
            let digits = line[at + 8..].split(' ').next().expect("an offset");
            base = digits.parse().expect("a number");
        }
        let Some(rest) = line.strip_prefix("    ") else { continue };
        let at: usize = rest[..5].trim().parse().expect("an offset");
        assert_eq!(usize::from_str_radix(&rest[6..10], 16), Ok(at));
        let digits: String = rest[12..].chars().take(35).filter(char::is_ascii_hexdigit).collect();
        for (n, pair) in digits.as_bytes().chunks(2).enumerate() {
            let byte = u8::from_str_radix(std::str::from_utf8(pair).expect("digits"), 16);
            assert!(found[base + at + n].replace(byte.expect("a byte")).is_none(), "{line}");
        }
    }
    let found: Vec<u8> = found.into_iter().map(|b| b.expect("every byte")).collect();
    assert_eq!(found, bytes);
}

#[test]
fn a_summary_counts_what_there_is() {
    let dir = tempfile::tempdir().expect("a directory");
    let names = ["--sid", "SYS1", "--sysname", "PROD1", "--stack", "TCPIP"];
    let file = dump(dir.path(), &names, &[&cases()]);
    let object: Value =
        serde_json::from_str(&text(&["--summary", "--jsonl"], &file)).expect("JSON");
    let all = text(&["--jsonl", "-q"], &file).lines().count() as u64;
    assert_eq!(object["records"].as_u64(), Some(all));
    // The stack's own records are of no session, and so have no protection to be counted.
    let events = object["events"].as_array().expect("a list").iter();
    let of_stack: u64 = events
        .filter(|row| match row["subtype"].as_u64() {
            Some(11) => [5, 6].contains(&row["event"].as_u64().expect("a number")),
            _ => [2, 3].contains(&row["event"].as_u64().expect("a number")),
        })
        .map(|row| row["records"].as_u64().expect("a number"))
        .sum();
    assert!(of_stack > 0);
    for list in ["events", "protection", "stacks"] {
        let sum: u64 = object[list]
            .as_array()
            .expect("a list")
            .iter()
            .map(|row| row["records"].as_u64().expect("a number"))
            .sum();
        let expected = if list == "protection" { all - of_stack } else { all };
        assert_eq!(sum, expected, "{list}");
    }
    assert_eq!(object["stacks"][0]["stack"], "TCPIP");
    let printed = text(&["--summary"], &file);
    assert!(printed.contains("SYS1 PROD1") && printed.contains("zERT enabled"), "{printed}");
}

#[test]
fn filters_of_sessions_give_no_event_records_of_the_stack() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dump(dir.path(), &[], &[&cases()]);
    let column = |options: &[&str], name: &str| -> Vec<String> {
        let csv = text(&[&["--csv", "-q"], options].concat(), &file);
        let mut lines = csv.lines();
        let head = lines.next().expect("names");
        let at = head.split(',').position(|n| n == name).expect("a column");
        lines.map(|line| line.split(',').nth(at).expect("a cell").to_owned()).collect()
    };
    let all = column(&["--subtype", "12"], "SMF119SS_SAEvent_Type");
    assert!(all.iter().any(|e| e == "02") && all.iter().any(|e| e == "01"), "{all:?}");
    let filters: [&[&str]; 4] = [
        &["--subtype", "12", "--protocol", "none"],
        &["--subtype", "12", "--ip", "0.0.0.0/0"],
        &["--subtype", "12", "--port", "0"],
        &["--subtype", "12", "--protocol", "none", "--protocol", "tls"],
    ];
    for filter in filters {
        let events = column(filter, "SMF119SS_SAEvent_Type");
        assert!(events.iter().all(|e| e == "01"), "{filter:?}: {events:?}");
    }
    assert!(!column(filters[0], "SMF119SS_SAEvent_Type").is_empty());
    let detail = column(&["--subtype", "11", "--protocol", "none"], "SMF119SC_SAEvent_Type");
    assert!(detail.iter().all(|e| !["05", "06"].contains(&e.as_str())), "{detail:?}");
    // Asked for by name they are there.
    assert!(!column(&["--subtype", "12", "--event", "2"], "SMF119SS_SAEvent_Type").is_empty());
}

/// A file that arrived wrong is no success, in any command.
#[test]
fn what_a_transfer_has_spoilt_is_status_2() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dump(dir.path(), &[], &[&cases()]);
    let bytes = fs::read(&file).expect("records");
    let bad = dir.path().join("bad.smf");
    let swapped: Vec<u8> = bytes.chunks(2).flat_map(|pair| pair.iter().rev().copied()).collect();
    for (spoilt, told) in [(swapped, "exchanged"), (vec![0x40; 4000], "filler")] {
        fs::write(&bad, spoilt).expect("written");
        let copy = dir.path().join("copy.smf");
        let copy = copy.to_str().expect("a path");
        let forms: [&[&str]; 8] = [
            &[],
            &["--summary"],
            &["--jsonl"],
            &["--csv"],
            &["--lines"],
            &["--leef"],
            &["--hex"],
            &["-w", copy, "--all"],
        ];
        for form in forms {
            let output = show(form, &[&bad]);
            let (_, stderr) = common::text(&output);
            assert_eq!(output.status.code(), Some(2), "{form:?}: {stderr}");
            assert!(stderr.contains(told), "{form:?}: {stderr}");
        }
        for side in [["--stack"], ["--tap"]] {
            let other = if side == ["--stack"] { "--tap" } else { "--stack" };
            let output = common::zerttap()
                .arg("check")
                .args(side)
                .arg(&bad)
                .arg(other)
                .arg(&file)
                .output()
                .expect("the program runs");
            let (_, stderr) = common::text(&output);
            assert!(output.status.code() == Some(2) && stderr.contains(told), "{stderr}");
        }
    }
}

/// A few records of each kind, as `read --level v3r2 --detail` has written them once: what is
/// printed of them depends on nothing but `show`.
fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dumps/sample.smf")
}

#[test]
fn lines_of_records() {
    let file = sample();
    insta::assert_snapshot!(text(&["--lines"], &file));
    let fields =
        "SMF119HDTime,SMF119SC_SALIP,SMF119SC_SALPort,SMF119SC_TLS_Prot_Ver,SMF119SS_SASessionID";
    insta::assert_snapshot!(text(&["--lines", "--fields", fields], &file));
    // A line for each record, one of titles.
    let all = text(&["--jsonl"], &file).lines().count();
    assert_eq!(text(&["--lines"], &file).lines().count(), all + 1);
}

#[test]
fn events_of_records() {
    let file = sample();
    insta::assert_snapshot!(
        text(&["--leef", "--tz", "Europe/Berlin"], &file).replace('\t', "<tab>")
    );
    let all = text(&["--jsonl"], &file).lines().count();
    assert_eq!(text(&["--leef"], &file).lines().count(), all);
    // Filters choose events as they choose records.
    let tls = ["--leef", "--protocol", "tls", "--subtype", "12"];
    let lines = text(&tls, &file);
    assert!(lines.lines().count() == 1 && lines.contains("|119-12|"), "{lines}");
}

#[test]
fn names_of_zsecure() {
    let file = sample();
    let head = |options: &[&str]| -> Vec<String> {
        let csv = text(&[&["--csv"], options].concat(), &file);
        csv.lines().next().expect("names").split(',').map(str::to_owned).collect()
    };
    let (ibm, zsecure) = (head(&[]), head(&["--names", "zsecure"]));
    // A column of zSecure's may be that of both subtypes.
    let merged = ibm.iter().filter(|n| zerttap::names::zsecure::name_of(n).is_some()).count()
        - zsecure.iter().filter(|n| !n.starts_with("SMF119")).count();
    assert_eq!(ibm.len(), zsecure.len() + merged);
    let cells = |options: &[&str]| text(&[&["--csv", "--fields"], options].concat(), &file);
    let both = "SMF119SC_TLS_CCert_Key_Len,SMF119SS_TLS_CCert_Key_Len";
    let (one, two) = (cells(&["TLS_CLIENT_CERT_KEY_LEN", "--names", "zsecure"]), cells(&[both]));
    let of_two: Vec<&str> = two.lines().skip(1).map(|line| line.trim_matches(',')).collect();
    assert_eq!(one.lines().skip(1).collect::<Vec<_>>(), of_two);
    assert!(of_two.iter().filter(|cell| **cell == "3072").count() == 2, "{two}");
    let json = text(&["--jsonl", "--names", "zsecure", "--subtype", "12"], &file);
    assert!(json.contains("\"TLS_CLIENT_CERT_KEY_LEN\":3072"), "{json}");
    assert!(!json.contains("SMF119SS_TLS_CCert_Key_Len"));
    insta::assert_snapshot!(text(
        &["--csv", "--names", "zsecure", "--meanings", "--protocol", "tls"],
        &file
    ));
}

#[test]
fn fields_that_are_asked_for() {
    let file = sample();
    let fields = "smf119sc_salport,SMF119HDTime,SMF119SC_DN";
    insta::assert_snapshot!(text(&["--csv", "--fields", fields], &file));
    insta::assert_snapshot!(text(&["--jsonl", "--fields", fields], &file));
    let known = text(&["--fields", "help"], Path::new("-"));
    for name in known.lines() {
        let csv = text(&["--csv", "--fields", name], &file);
        assert_eq!(csv.lines().next(), Some(name));
    }
    for (options, told) in [
        (&["--csv", "--fields", "SMF119SC_SALPrt"][..], "called SMF119SC_SALPrt (SMF119SC_SALPort"),
        (&["--csv", "--fields", "Jobname"], "SMF119SC_SAJobname"),
        (&["--csv", "--fields", "xyz"], "called xyz; --fields help lists them"),
        (&["--fields", "SMF119HDTime"], "--fields are the columns of --csv and --lines"),
        (&["--csv", "--names", "ibn"], "expected ibm or zsecure"),
        (&["--csv", "--tz", "UTC"], "--leef"),
        (&["--names", "zsecure"], "--names is for --csv, --jsonl and --lines --fields"),
        (&["--lines", "--names", "zsecure"], "--names is for --csv"),
        (&["--leef", "--csv"], "cannot be used with"),
        (&["--leef", "-w", "x"], "cannot be used with"),
        (&["--force"], "--force is for --write FILE and --output FILE"),
    ] {
        let output = show(options, &[&file]);
        let (_, stderr) = common::text(&output);
        assert_eq!(output.status.code(), Some(2), "{options:?}: {stderr}");
        assert!(stderr.contains(told), "{options:?}: {stderr}");
    }
    let output = show(&["--csv", "--fields", "SMF119HDTime"], &[]);
    assert!(common::text(&output).1.contains("no input"), "{output:?}");
}

#[test]
fn what_is_printed_goes_to_a_file_that_is_whole_or_not_there() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = sample();
    let to = dir.path().join("out");
    let path = to.to_str().expect("a path");
    for form in ["", "--hex", "--jsonl", "--csv", "--lines", "--leef", "--summary"] {
        let options: Vec<&str> = form.split_whitespace().collect();
        let printed = text(&options, &file);
        let options = [&options[..], &["--color", "always", "-o", path]].concat();
        assert_eq!(text(&options, &file), "");
        assert_eq!(fs::read_to_string(&to).expect("a file"), printed, "{form}");
        // What is there stays.
        let output = show(&options, &[&file]);
        let (_, stderr) = common::text(&output);
        assert!(output.status.code() == Some(2) && stderr.contains("exists"), "{stderr}");
        assert_eq!(text(&[&options[..], &["--force"]].concat(), &file), "");
        fs::remove_file(&to).expect("removed");
    }
    // A file that cannot be read leaves nothing behind.
    let bad = dir.path().join("bad.smf");
    fs::write(&bad, [0x40; 4000]).expect("written");
    assert_eq!(show(&["--csv", "-o", path], &[&bad]).status.code(), Some(2));
    assert!(!to.exists());
}

#[test]
fn layouts_need_no_file() {
    for form in ["symnames", "copybook", "dsect", "json", "markdown"] {
        let output = show(&["--layout", form], &[]);
        let (stdout, stderr) = common::text(&output);
        assert!(output.status.success() && stdout.lines().count() > 200, "{form}: {stderr}");
    }
    let output = show(&["--layout", "json", "--level", "v3r2", "--subtype", "12"], &[]);
    let layout: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let sections = layout["subtypes"]["12"].as_array().expect("sections");
    let length = |id: &str| sections.iter().find(|s| s["id"] == id).map(|s| s["length"].clone());
    assert_eq!(
        (length("S1"), length("S2"), length("S4")),
        (Some(212.into()), Some(116.into()), Some(148.into()))
    );
    assert!(layout["subtypes"]["11"].is_null());
}
