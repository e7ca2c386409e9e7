//! Written files: several one after another, what a full disk leaves, names.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{case, records_of, text, zerttap};

/// Records of all cases, enough for several buffers.
fn many(dir: &Path) -> PathBuf {
    let file = dir.join("many.smf");
    let mut command = zerttap();
    command.args(["read", "-q", "--detail", "--include-midstream", "-w"]);
    let output = command.arg(&file).arg(case("")).output().expect("the program runs");
    assert!(output.status.success(), "{}", text(&output).1);
    let once = fs::read(&file).expect("the records");
    fs::write(&file, once.repeat(1 + 1_500_000 / once.len())).expect("written");
    file
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).expect("a directory").flatten();
    let mut names: Vec<String> =
        entries.map(|e| e.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn files_by_size_hold_every_record_once() {
    let dir = tempfile::tempdir().expect("a directory");
    let whole = many(dir.path());
    let all = fs::read(&whole).expect("the records");
    for framing in ["rdw", "vb", "vbs"] {
        let parts = dir.path().join(framing);
        fs::create_dir(&parts).expect("a directory");
        let output = zerttap()
            .args(["show", "--framing", framing, "--rotate-size", "200k", "--fsync", "-w"])
            .arg(parts.join("part-%N.smf"))
            .arg(&whole)
            .output()
            .expect("the program runs");
        assert!(output.status.success(), "{}", text(&output).1);
        let names = names(&parts);
        let least = all.len() / 200_000;
        assert!((least..=least + 2).contains(&names.len()), "{framing}: {names:?}");
        assert_eq!(names[0], "part-0001.smf");
        let mut again = zerttap();
        again.args(["show", "-q", "-w"]).arg(parts.join("again"));
        again.args(names.iter().map(|n| parts.join(n)));
        assert!(again.output().expect("the program runs").status.success());
        assert!(fs::read(parts.join("again")).expect("the records") == all, "{framing}");
    }
}

#[test]
fn files_by_time_begin_at_multiples_after_midnight() {
    let dir = tempfile::tempdir().expect("a directory");
    let capture = case("intervals");
    let output = zerttap()
        .args(["read", "-q", "--interval", "5", "--rotate-minutes", "30", "-w"])
        .arg(dir.path().join("zert-%Y%m%d-%H%M%S.smf"))
        .arg(&capture)
        .output()
        .expect("the program runs");
    assert!(output.status.success(), "{}", text(&output).1);
    let names = names(dir.path());
    assert!(names.len() > 1, "{names:?}");
    let mut before = None;
    for name in names {
        let bytes = fs::read(dir.path().join(&name)).expect("the records");
        let records = records_of(&bytes);
        let stretches: Vec<(u32, u32)> = records
            .iter()
            .map(|r| {
                let word = |at: usize| u32::from_be_bytes([r[at], r[at + 1], r[at + 2], r[at + 3]]);
                (word(10), word(6) / (30 * 6000))
            })
            .collect();
        assert!(stretches.iter().all(|s| *s == stretches[0]), "{name}: {stretches:?}");
        assert!(before < Some(stretches[0]), "{name}");
        before = Some(stretches[0]);
    }
}

/// A limit on the length of files is what a full disk is to the program, and needs
/// no file system of its own.
fn with_limit(kilobytes: u32, arguments: &[&str], file: &Path, input: &Path) -> (i32, String) {
    let program = zerttap().get_program().to_owned();
    let output = Command::new("bash")
        .arg("-c")
        .arg(format!("trap '' XFSZ; ulimit -f {kilobytes}; exec \"$@\""))
        .arg("bash")
        .arg(program)
        .args(arguments)
        .arg("-w")
        .arg(file)
        .arg(input)
        .output()
        .expect("a shell");
    (output.status.code().unwrap_or(-1), text(&output).1)
}

#[test]
fn a_full_disk_keeps_what_is_whole() {
    let dir = tempfile::tempdir().expect("a directory");
    let whole = many(dir.path());
    let all = fs::read(&whole).expect("the records");
    for framing in ["rdw", "vb", "vbs", "xmit"] {
        let file = dir.path().join(framing);
        let (status, says) = with_limit(700, &["show", "--framing", framing], &file, &whole);
        assert_eq!(status, 2, "{framing}: {says}");
        assert!(says.contains("File too large") && says.contains("what was complete"), "{says}");
        let length = fs::metadata(&file).expect("it is there").len();
        assert!((650_000..=700 * 1024).contains(&length), "{framing}: {length}");
        let copy = dir.path().join("copy");
        let output = zerttap().args(["show", "--force", "-w"]).arg(&copy).arg(&file).output();
        let says = text(&output.expect("the program runs")).1;
        // A block that spans into what is lost is damage; nothing else is.
        if framing == "rdw" || framing == "vb" {
            assert!(!says.contains("damage"), "{framing}: {says}");
        }
        let kept = fs::read(&copy).expect("the records");
        assert!(kept.len() > 600_000 && all.starts_with(&kept), "{framing}: {}", kept.len());
    }
    assert!(names(dir.path()).iter().all(|n| !n.contains("partial")), "nothing is left");
}

#[test]
fn one_full_output_does_not_take_the_others_along() {
    let dir = tempfile::tempdir().expect("a directory");
    let lines = dir.path().join("lines");
    let output = zerttap()
        .args(["read", "-q", "-w", "/dev/full", "--jsonl"])
        .arg(&lines)
        .arg(case("tls12-full"))
        .output()
        .expect("the program runs");
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output).1.contains("/dev/full: No space left"));
    let lines = fs::read_to_string(&lines).expect("it is there");
    assert!(lines.lines().count() >= 2, "a connection and the ledger");
    assert!(lines.lines().last().expect("a line").contains("\"ledger\""));
}

#[test]
fn several_files_need_names_and_overwrite_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let capture = case("tls12-full");
    let run = |to: &Path| {
        let mut command = zerttap();
        command.args(["read", "-q", "--detail", "--rotate-size", "1", "-w"]);
        let output = command.arg(to).arg(&capture).output().expect("the program runs");
        (output.status.code(), text(&output).1)
    };
    let to = dir.path().join("part.smf");
    assert_eq!(run(&to).0, Some(0));
    let first = names(dir.path());
    assert_eq!(first[0], "part-0001.smf");
    assert!(first.len() > 2);
    let (status, says) = run(&to);
    assert_eq!(status, Some(2));
    assert!(says.contains("part-0001.smf: exists already; --force overwrites it"), "{says}");
    assert_eq!(names(dir.path()), first);
    let (status, says) = run(Path::new("-"));
    assert_eq!(status, Some(2));
    assert!(says.contains("standard output cannot be several files"), "{says}");
}

/// What `read` prints fits terminals of any width: nothing is wrapped by them, nothing left
/// out without a word.
#[test]
fn the_table_fits_the_terminal() {
    let captures = common::case("");
    for (columns, options) in
        [(80, ""), (60, "--by client"), (120, "--sort bytes"), (80, "--by server --rows 3")]
    {
        let command = format!(
            "stty rows 24 cols {columns} && {} read -q {options} {}",
            common::zerttap().get_program().display(),
            captures.display()
        );
        let output = Command::new("script").args(["-qec", &command, "/dev/null"]).output();
        let Ok(output) = output else {
            eprintln!("passed over: no script is installed");
            return;
        };
        assert!(output.status.success(), "{}", common::text(&output).0);
        let text = anstream::adapter::strip_str(&common::text(&output).0).to_string();
        assert!(text.lines().count() > 20, "{text}");
        for line in text.lines() {
            assert!(line.chars().count() <= columns, "{columns}: {line:?}");
        }
        assert!(text.contains("Without recognised protection"), "{text}");
        if options.contains("--rows") {
            assert!(text.contains("(--rows 0 prints all"), "{text}");
        }
    }
}
