//! What is understood of TCP/IP profiles, and what is said where it is not.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{text, zerttap};
use serde_json::Value;

fn profiles() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/profiles")
}

/// What `profile` prints of a file, with its notes.
fn printed(file: &str, options: &[&str]) -> String {
    let output = zerttap()
        .current_dir(profiles())
        .arg("profile")
        .args(options)
        .arg(file)
        .output()
        .expect("the program runs");
    let (out, err) = text(&output);
    assert!(output.status.success(), "{err}");
    out + &err
}

#[test]
fn a_profile_of_devices_and_links() {
    insta::assert_snapshot!(printed("classic.profile", &[]));
}

#[test]
fn a_profile_of_interfaces_and_dynamic_addresses() {
    let options = ["--symbol", "SYSCLONE=P1", "--include", "include"];
    insta::assert_snapshot!(printed("modern.profile", &options));
}

#[test]
fn a_profile_of_several_members_and_obey_files() {
    insta::assert_snapshot!(printed("members.profile", &["--include", "include"]));
}

/// Runs `profile --json` on a text; the object, or what was said.
fn json(profile: &[u8]) -> Result<Value, String> {
    let dir = tempfile::tempdir().expect("a directory");
    fs::write(dir.path().join("p"), profile).expect("written");
    let output = zerttap()
        .current_dir(dir.path())
        .args(["profile", "--json", "p"])
        .output()
        .expect("the program runs");
    let (out, err) = text(&output);
    if output.status.success() {
        Ok(serde_json::from_str(&out).expect("an object"))
    } else {
        assert_eq!(output.status.code(), Some(2), "{err}");
        Err(err)
    }
}

#[test]
fn mistakes_are_told_with_their_place() {
    let wrong = [
        "HOME 10.1.1.300 LNK1",
        "HOME 10.1.1.1",
        "HOME 2001:db8::1 LNK1",
        "HOME &VIPA. LNK1",
        "INTERFACE A DEFINE IPAQENET IPADDR",
        "INTERFACE A DEFINE IPAQENET IPADDR PORTNAME X",
        "INTERFACE A DEFINE IPAQENET6 INTFID X IPADDR ::1",
        "IPCONFIG DYNAMICXCF LOCAL",
        "VIPADYNAMIC VIPADEFINE 255.255.255.0 ENDVIPADYNAMIC",
        "VIPADYNAMIC VIPADEFINE 10.1.1 10.1.1.1 ENDVIPADYNAMIC",
        "VIPADYNAMIC VIPADEF MOVE IMMED 255.255.255.0 10.1.1.1",
        "VIPADYNAMIC FROB 1 ENDVIPADYNAMIC",
        "PORT 23",
        "PORT 23 SCTP X",
        "PORT 70000 TCP X",
        "PORT 23 TCP LONGERNAME",
        "PORT 23 TCP A-B",
        "PORT 23 TCP X BIND Y",
        "PORT 23 TCP X SHAREPROT",
        "PORT 23 TCP TN&SYSCLONE",
        "PORTRANGE 65000 1000 TCP X",
        "PORTRANGE 0 10 TCP X",
        "GLOBALCONFIG ZERT AGGREGATION INTVAL 25",
        "GLOBALCONFIG ZERT AGGREGATION SYNCVAL 24:00",
        "; include\n   INCLUDE USER.PARMS(X)",
    ];
    let mut told = String::new();
    for profile in wrong {
        let error = json(profile.as_bytes()).expect_err(profile);
        told += &format!("{profile}\n  {error}\n");
    }
    insta::assert_snapshot!(told);
}

#[test]
fn later_statements_replace_earlier_ones() {
    let profile = json(
        b"HOME 10.1.1.1 A 10.1.1.2 B\nHOME 10.1.1.3 C\n\
          INTERFACE I DEFINE IPAQENET IPADDR 10.2.2.1/24\n\
          INTERFACE I DEFINE IPAQENET IPADDR 10.2.2.2/24\n\
          INTERFACE J DEFINE IPAQENET IPADDR 10.2.2.3/24\nINTERFACE J DELETE\n\
          IPCONFIG DYNAMICXCF 10.3.3.1 255.255.255.0 1\nIPCONFIG NODYNAMICXCF\n\
          VIPADYNAMIC VIPABACKUP 10 10.4.4.1 ENDVIPADYNAMIC\n\
          VIPADYNAMIC VIPADEFINE 255.255.255.0 10.4.4.1 VIPARANGE 255.255.255.0 10.5.5.0\n\
          VIPARANGE DELETE 255.255.255.0 10.5.5.0 ENDVIPADYN\n\
          GLOBALCONFIG ZERT AGGREGATION GLOBALCONFIG NOZERT\n\
          SMFCONFIG TYPE119 ZERTDETAIL SMFCONFIG TYPE119 NOZERTDETAIL ZERTDETAILBYPOLICY\n\
          NETMONITOR ON NOZERTSERVICE\n\
          PORT 21 TCP FTPD1 DELETE PORT 21 TCP FTPD1 PORT 21 TCP FTPD2\n",
    )
    .expect("a profile");
    let home: Vec<(&str, &str)> = profile["home"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|h| (h["address"].as_str().unwrap_or(""), h["kind"].as_str().unwrap_or("")))
        .collect();
    assert_eq!(home, [("10.1.1.3", "own"), ("10.2.2.2", "own"), ("10.4.4.1", "own")]);
    assert_eq!(profile["zert"], "GLOBALCONFIG NOZERT");
    assert_eq!(profile["smf"]["detail"], false);
    assert_eq!(profile["smf"]["by_policy"], true);
    assert_eq!(profile["netmonitor"]["summary"], true);
    assert_eq!(profile["netmonitor"]["detail"], false);
    assert_eq!(profile["ports"].as_array().map(Vec::len), Some(1));
    assert_eq!(profile["ports"][0]["job"], "FTPD2");
}

#[test]
fn a_profile_may_be_ebcdic() {
    let text = fs::read_to_string(profiles().join("classic.profile")).expect("a profile");
    // Records of 80 bytes, as a data set comes by binary transfer.
    let records: Vec<u8> = text
        .lines()
        .flat_map(|line| format!("{line:80}").chars().take(80).collect::<Vec<_>>())
        .map(|c| zerttap::record::ebcdic::encode_char(c).expect("in the code page"))
        .collect();
    let mut one = json(&records).expect("a profile");
    let mut other = json(text.as_bytes()).expect("a profile");
    for profile in [&mut one, &mut other] {
        profile["files"] = Value::Null;
    }
    assert_eq!(one, other);
}

#[test]
fn includes_may_not_go_round_in_circles() {
    let dir = tempfile::tempdir().expect("a directory");
    fs::write(dir.path().join("p"), "INCLUDE A.B(X)\n").expect("written");
    fs::write(dir.path().join("X"), "HOME 10.1.1.1 L\nINCLUDE 'A.B(X)'\n").expect("written");
    let output = zerttap()
        .current_dir(dir.path())
        .args(["profile", "--include", ".", "p"])
        .output()
        .expect("the program runs");
    assert_eq!(output.status.code(), Some(2));
    let error = text(&output).1;
    assert!(error.contains("X:2:9: INCLUDE: nested deeper than 16"), "{error}");
}

/// Subtypes and jobs of the records that `read` writes with a profile.
fn recorded(profile: &str, options: &[&str]) -> (Vec<(u8, String)>, String) {
    let dir = tempfile::tempdir().expect("a directory");
    fs::write(dir.path().join("p"), profile).expect("written");
    let output = zerttap()
        .current_dir(dir.path())
        .args(["read", "--no-tool-events", "--profile", "p", "-w", "out"])
        .args(options)
        .arg(common::case("intervals"))
        .output()
        .expect("the program runs");
    let err = text(&output).1;
    assert!(output.status.success(), "{err}");
    let file = fs::read(dir.path().join("out")).expect("the records");
    let records = common::records_of(&file).into_iter().map(|r| {
        // The job's name is where the layouts of the common sections have it.
        let s1 = u32::from_be_bytes([r[36], r[37], r[38], r[39]]) as usize;
        let at = s1 + if r[23] == 11 { 8 } else { 11 };
        let job = zerttap::record::ebcdic::decode(&r[at..at + 8]);
        (r[23], job.trim_end().to_owned())
    });
    (records.collect(), err)
}

#[test]
fn what_is_read_follows_the_profile() {
    let home = "HOME 192.0.2.10 L\nPORT 23 TCP TN3270 25 TCP SMTP* PORTRANGE 20 100 TCP OTHER\n";
    let (records, _) = recorded(&format!("{home}SMFCONFIG TYPE119 ZERTDETAIL"), &[]);
    assert!(!records.is_empty() && records.iter().all(|(subtype, _)| *subtype == 11));
    let jobs: std::collections::BTreeSet<&str> = records.iter().map(|r| r.1.as_str()).collect();
    // Port 23, port 25 of a job whose name is not said, port 80 in the range.
    assert_eq!(jobs.into_iter().collect::<Vec<_>>(), ["", "OTHER", "TN3270"]);
    let (records, _) = recorded(&format!("{home}SMFCONFIG TYPE119 ZERTSUMMARY ZERTDETAIL"), &[]);
    assert!(records.iter().any(|r| r.0 == 11) && records.iter().any(|r| r.0 == 12));
    // Where it says nothing, summaries; hours instead of half hours are fewer.
    let (records, _) = recorded(home, &[]);
    assert!(!records.is_empty() && records.iter().all(|(subtype, _)| *subtype == 12));
    let (hours, _) = recorded(&format!("{home}GLOBALCONFIG ZERT AGGREGATION INTVAL 24"), &[]);
    assert!(hours.len() < records.len(), "{} {}", hours.len(), records.len());
    // What does not record writes nothing, and says so; options stand above it.
    let off = format!("{home}GLOBALCONFIG NOZERT");
    let (records, err) = recorded(&off, &[]);
    assert!(records.is_empty() && err.contains("nothing of zERT is recorded by this profile"));
    let (records, err) = recorded(&off, &["--summary-only"]);
    assert!(!records.is_empty() && !err.contains("nothing of zERT"), "{err}");
    // Without aggregation there are no summaries.
    let no =
        format!("{home}GLOBALCONFIG ZERT NOAGGREGATION SMFCONFIG TYPE119 ZERTSUMMARY ZERTDETAIL");
    let (records, err) = recorded(&no, &[]);
    assert!(!records.is_empty() && records.iter().all(|(subtype, _)| *subtype == 11));
    assert!(err.contains("NOAGGREGATION), so no summaries"), "{err}");
}

/// NOAGGREGATION, which is also what ZERT alone means: no summaries, whatever SMFCONFIG
/// says; options stand above it, with a warning.
#[test]
fn without_aggregation_there_are_no_summaries() {
    let home = "HOME 192.0.2.10 L\n";
    let subtypes = |profile: &str, options: &[&str]| {
        let (records, err) = recorded(&format!("{home}{profile}"), options);
        let kinds: std::collections::BTreeSet<u8> = records.iter().map(|r| r.0).collect();
        (kinds.into_iter().collect::<Vec<_>>(), err)
    };
    let smf = "SMFCONFIG TYPE119 ZERTSUMMARY";
    for zert in ["GLOBALCONFIG ZERT NOAGGREGATION", "GLOBALCONFIG ZERT"] {
        for rest in ["", smf] {
            let profile = format!("{zert}\n{rest}\n");
            let (kinds, err) = subtypes(&profile, &[]);
            assert!(kinds.is_empty(), "{profile}: {kinds:?}");
            assert!(err.contains("so no summaries (subtype 12) are written"), "{profile}: {err}");
            assert!(err.contains("2:14: "), "its place is named: {err}");
            for (option, expected) in [("--summary-only", vec![12]), ("--detail", vec![11, 12])] {
                let (kinds, err) = subtypes(&profile, &[option]);
                assert_eq!(kinds, expected, "{profile}");
                assert!(
                    err.contains(&format!("because {option} asks for them")),
                    "{profile}: {err}"
                );
                assert!(err.contains("warning: "), "{err}");
            }
            let (kinds, err) = subtypes(&profile, &["--detail-only"]);
            assert_eq!(kinds, [11], "{profile}");
            assert!(!err.contains("asks for them"), "{err}");
        }
        let (kinds, _) =
            subtypes(&format!("{zert}\nSMFCONFIG TYPE119 ZERTDETAIL ZERTSUMMARY\n"), &[]);
        assert_eq!(kinds, [11], "{zert}");
    }
    let (kinds, err) =
        subtypes("GLOBALCONFIG ZERT AGGREGATION\nSMFCONFIG TYPE119 ZERTSUMMARY", &[]);
    assert_eq!(kinds, [12]);
    assert!(!err.contains("AGGREGATION)"), "{err}");
}

/// Words of profiles in any order, and bytes that are none.
mod hostile {
    use proptest::prelude::*;
    use zerttap::profile::{Options, Symbols, passive_data_ports, read};

    const WORDS: &[&str] = &[
        "HOME",
        "INTERFACE",
        "DEFINE",
        "IPADDR",
        "INTFID",
        "VIPADYNAMIC",
        "VIPADEF",
        "VIPABACKUP",
        "VIPARANGE",
        "VIPADIST",
        "ENDVIPADYNAMIC",
        "PORT",
        "PORTRANGE",
        "TCP",
        "UDP",
        "BIND",
        "SAF",
        "UNRSV",
        "DELETE",
        "GLOBALCONFIG",
        "ZERT",
        "AGGREGATION",
        "INTVAL",
        "SYNCVAL",
        "SMFCONFIG",
        "TYPE119",
        "ZERTDETAIL",
        "IPCONFIG6",
        "DYNAMICXCF",
        "AUTOLOG",
        "ENDAUTOLOG",
        "INCLUDE",
        "10.1.1.1",
        "255.255.255.0",
        "2001:db8::1/64",
        "0",
        "65535",
        "65536",
        "TN*",
        "*",
        "&A(1:9).",
        "&A(-9:99999999999)",
        "&A(0:1)",
        "&",
        "'",
        "\"",
        ";",
        "\n",
        "PASSIVEDATAPORTS",
        "(1,2)",
        "é",
    ];

    fn both(bytes: &[u8]) {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("p");
        std::fs::write(&path, bytes).expect("written");
        let mut symbols = Symbols::default();
        symbols.set("A", "äbc");
        let options = Options { symbols, include: vec![dir.path().to_owned()] };
        if let Ok(profile) = read(&path, &options) {
            let _ = (profile.home(), profile.jobs(), profile.recorded());
        }
        let _ = passive_data_ports(&path, &options.symbols);
    }

    proptest! {
        #[test]
        fn any_words_are_read_or_refused(
            words in proptest::collection::vec(proptest::sample::select(WORDS), 0..60)
        ) {
            both(words.join(" ").as_bytes());
        }

        #[test]
        fn any_bytes_are_read_or_refused(
            bytes in proptest::collection::vec(any::<u8>(), 0..400)
        ) {
            both(&bytes);
        }
    }
}
