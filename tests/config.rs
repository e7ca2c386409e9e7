//! Settings files: what they may say, where settings come from, what is said of
//! mistakes.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{case, text, zerttap};
use serde_json::Value;

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Runs `config` with a settings file of this text, and gives what it printed and
/// what it complained of, without the directory.
fn config(text_of_file: &str, options: &[&str]) -> (String, String) {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("zert.toml");
    fs::write(&file, text_of_file).expect("written");
    let output = zerttap().arg("config").arg("--config").arg(&file).args(options).output();
    let (out, err) = text(&output.expect("the program runs"));
    let directory = format!("{}/", dir.path().display());
    (out.replace(&directory, ""), err.replace(&directory, ""))
}

#[test]
fn mistakes_are_told_with_their_place() {
    let wrong = [
        "hom = [\"10.0.0.1\"]",
        "ee_base_port = 12000",
        "colour = \"never\"",
        "\nlevel = \"v9\"",
        "settle = 3601",
        "interval = \"61\"",
        "tz = \"Middle-earth\"",
        "framing = \"ubs\"",
        "strict = \"yes\"",
        "level = []",
        "home = [10]",
        "home = [[\"10.0.0.1\"]]",
        "job = [\"23=TN3270\", \"443=\"]",
        "sid = \"TOOLONG\"",
        "x = ",
        "[stack]\nname = \"A\"",
        "stack = [1]",
        "[[stack]]\nname = \"A\"\nhome = [\"10.0.0.1\"]\nlevel = \"v2r5\"",
        "[[stack]]\nname = \"A\"\n[[stack]]\nhome = [\"10.0.0.1\"]",
        "home = [\"10.0.0.1\"]\n[[stack]]\nname = \"A\"",
        "detail = true\ndetail-only = true\nwrite = \"x\"",
        "profile = \"nowhere\"",
        "codes = \"nowhere\"",
        "policy = \"nowhere.toml\"",
    ];
    let mut told = String::new();
    for text in wrong {
        let (out, err) = config(text, &["--check"]);
        assert!(!out.contains("can be used"), "{text}");
        told += &format!("{text}\n  {err}\n");
    }
    insta::assert_snapshot!(told);
}

#[test]
fn flags_win_and_the_origin_is_told() {
    let text = "level = \"v2r5\"\nsettle = 5\nhome = [\"10.0.0.1\"]\ndetail = true\nframing = \"vb\"\n\
                strict = true\n";
    let (out, err) = config(text, &["--print", "--settle", "20", "--home", "10.0.0.2"]);
    assert_eq!(err, "");
    for line in [
        "level = \"v2r5\"  # zert.toml:1",
        "settle = 20  # the command line",
        "home = [\"10.0.0.2\"]  # the command line",
        "strict = true  # zert.toml:6",
        "rows = 50  # default",
        "# sid = \"\"  # not set",
    ] {
        assert!(out.lines().any(|l| l == line), "no {line} in\n{out}");
    }
    // What rules out a setting of the file takes its place.
    let text = "detail = true\nwrite = \"a\"\n";
    let (out, err) = config(text, &["--print", "--summary-only"]);
    assert_eq!(err, "");
    assert!(out.contains("detail = false  # ") && out.contains("summary-only = true"), "{out}");
}

#[test]
fn what_is_printed_is_a_settings_file_of_the_same_settings() {
    let text = "level = \"v3r2\"\nsysplex = \"PLEX1\"\nmax-connections = 1_000\n\
                filter = \"tcp port 23 or \\\"x\\\"\"\n\
                [[stack]]\nname = \"A\"\nhome = [\"10.0.0.1\", \"2001:db8::/64\"]\njob = [\"23=TN\"]\n\
                [[stack]]\nname = \"B\"\nhome = [\"10.0.0.2\"]\nsync = \"00:15\"\ninterval = \"2h\"\n";
    let without_origins = |text: &str| {
        let lines = text.lines().map(|l| l.split("  # ").next().unwrap_or_default());
        lines.map(|l| format!("{l}\n")).collect::<String>()
    };
    let (first, err) = config(text, &["--print"]);
    assert_eq!(err, "");
    let (second, err) = config(&first, &["--print"]);
    assert_eq!(err, "");
    assert_eq!(without_origins(&first), without_origins(&second));
    assert!(first.contains("filter = 'tcp port 23 or \"x\"'"), "{first}");
}

/// The same run by flags and by a file gives the same bytes.
#[test]
fn a_file_and_flags_are_the_same() {
    let dir = tempfile::tempdir().expect("a directory");
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        fs::write(&path, text).expect("written");
        path
    };
    let file = write(
        "zert.toml",
        "home = [\"192.0.2.10\"]\nsid = \"SYS1\"\nsysname = \"SYS1\"\nstack = \"TCPIP\"\n\
         stack-job = \"TCPPROC\"\nlevel = \"v3r2\"\ndetail = true\nwrite = \"by-file\"\n\
         interval = \"5\"\njob = [\"23=TN3270\"]\nno-tool-events = true\nquiet = true\n",
    );
    let run = |options: &[&str]| {
        let output = zerttap().arg("read").args(options).arg(case("intervals")).output();
        let output = output.expect("the program runs");
        assert!(output.status.success(), "{}", text(&output).1);
    };
    run(&["--config", &file.display().to_string()]);
    let by_flags = dir.path().join("by-flags").display().to_string();
    run(&[
        "--home",
        "192.0.2.10",
        "--sid",
        "SYS1",
        "--sysname",
        "SYS1",
        "--stack",
        "TCPIP",
        "--stack-job",
        "TCPPROC",
        "--level",
        "v3r2",
        "--detail",
        "-w",
        &by_flags,
        "--interval",
        "5",
        "--job",
        "23=TN3270",
        "--no-tool-events",
        "-q",
    ]);
    // The file's own paths are seen from where it is.
    let by_file = fs::read(dir.path().join("by-file")).expect("the records");
    assert!(by_file.len() > 1000);
    assert!(by_file == fs::read(by_flags).expect("the records"));
}

#[test]
fn with_several_stacks_what_is_about_one_belongs_into_the_file() {
    let text = "[[stack]]\nname = \"A\"\nhome = [\"10.0.0.1\"]\n[[stack]]\nhome = [\"10.0.0.2\"]\n";
    let (_, err) = config(text, &["--check", "--sid", "SYS1"]);
    assert!(err.contains("--sid is about one stack, and zert.toml has 2; say it there"), "{err}");
    // What all may share, may be said outside.
    let (out, err) = config(text, &["--check", "--tz", "Europe/Berlin", "--interval", "1h"]);
    assert_eq!(err, "");
    assert!(out.contains("The settings can be used: 2 stacks."), "{out}");
}

#[test]
fn a_profile_gives_what_its_statements_say() {
    let profile = root("tests/profiles/modern.profile").display().to_string();
    let include = root("tests/profiles/include").display().to_string();
    let text = format!("sysname = \"SYSP\"\nprofile = \"{profile}\"\ninclude = [\"{include}\"]\n");
    let (out, err) = config(&text, &["--print"]);
    assert_eq!(err, "");
    for line in [
        "# job = [\"992/tcp=TNSP\", \"3000/tcp=ZOSMF1\"]",
        "# interval = \"1h\"",
        "# sync = \"00:15\"",
        "# records: subtypes 11 and 12",
    ] {
        assert!(out.lines().any(|l| l == line), "no {line} in\n{out}");
    }
    // What is said beside it wins.
    let (out, _) = config(&text, &["--print", "--interval", "15", "--summary-only", "-w", "x"]);
    assert!(out.contains("# interval = \"15\"") && out.contains("# records: subtype 12"), "{out}");
}

/// The settings files in the documentation can be used, and fit the schema.
#[test]
fn documented_settings_files_are_true() {
    let dir = tempfile::tempdir().expect("a directory");
    for file in ["classic.profile", "modern.profile"] {
        fs::copy(root("tests/profiles").join(file), dir.path().join(file)).expect("copied");
    }
    let files = [
        ("sysa.profile", "HOME 10.1.0.1 L1\nPORT 23 TCP TN3270\nSMFCONFIG TYPE119 ZERTSUMMARY\n"),
        ("sysb.profile", "HOME 10.1.0.2 L1\nPORT 23 TCP TN3270\n"),
        ("sysa.ftpdata", "PASSIVEDATAPORTS (50000,50200)\n"),
        ("codes.toml", "[wire.ssh_kex]\n\"curve25519-sha256\" = \"000B\"\n"),
    ];
    for (name, content) in files {
        fs::write(dir.path().join(name), content).expect("written");
    }
    fs::create_dir(dir.path().join("tcpparms")).expect("a directory");
    let schema: Value = serde_json::from_str(
        &fs::read_to_string(root("docs/schema/settings.json")).expect("the schema"),
    )
    .expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let text = fs::read_to_string(root("docs/configuration.md")).expect("the documentation");
    let mut seen = 0;
    for block in text.split("```toml\n").skip(1) {
        let block = block.split("```").next().unwrap_or_default();
        let file = dir.path().join("zert.toml");
        fs::write(&file, block).expect("written");
        let output = zerttap().args(["config", "--check", "--config"]).arg(&file).output();
        let output = output.expect("the program runs");
        assert!(output.status.success(), "{block}\n{}", common::text(&output).1);
        let value: toml::Table = block.parse().expect("TOML");
        let value = serde_json::to_value(value).expect("JSON");
        let errors: Vec<String> = validator.iter_errors(&value).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{block}\n{errors:?}");
        seen += 1;
    }
    assert!(seen >= 3, "{seen}");
    for wrong in ["{\"hom\": []}", "{\"strict\": \"yes\"}", "{\"stack\": [{\"level\": \"v2r3\"}]}"]
    {
        let wrong: Value = serde_json::from_str(wrong).expect("JSON");
        assert!(!validator.is_valid(&wrong), "{wrong}");
    }
}

#[test]
fn the_schema_of_settings_is_that_of_the_options() {
    let output = zerttap().args(["config", "--schema"]).output().expect("the program runs");
    let now = text(&output).0;
    let path = root("docs/schema/settings.json");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::create_dir_all(path.parent().expect("a directory")).expect("created");
        fs::write(&path, &now).expect("written");
    }
    let there = fs::read_to_string(path).unwrap_or_default();
    assert!(there == now, "docs/schema/settings.json is not that of the options; UPDATE_DOCS=1");
}
