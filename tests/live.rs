//! Watching interfaces: trials on real packets in network namespaces, which scripts
//! make. Where namespaces are not allowed that is said, and nothing is tried.

mod common;

use std::path::Path;
use std::process::Command;

use common::{text, zerttap};

/// Whether network namespaces can be made here.
fn namespaces() -> bool {
    let made = |options: &[&str]| {
        Command::new("unshare").args(options).arg("true").status().is_ok_and(|s| s.success())
    };
    let allowed = made(&["-n"]) || made(&["-rn"]);
    if !allowed {
        eprintln!("no network namespaces here: live capture is not tried");
    }
    allowed
}

/// Runs a script of trials; returns what it printed.
fn trial(script: &str) -> Option<String> {
    if !namespaces() {
        return None;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts").join(script);
    let output = Command::new(script)
        .arg(dir.path())
        .env("ZERTTAP", zerttap().get_program())
        .output()
        .expect("the script runs");
    let (out, err) = text(&output);
    assert!(output.status.success(), "{out}{err}");
    Some(out)
}

#[test]
fn what_live_writes_is_what_read_makes_of_the_same_packets() {
    let Some(told) = trial("trial_live") else { return };
    assert!(told.contains("connections: live 1") && told.contains("only live 0"), "{told}");
}

#[test]
fn signals_and_faults_lose_no_more_than_is_said() {
    let Some(told) = trial("trial_live_faults") else { return };
    assert_eq!(told.lines().count(), 4, "{told}");
}

#[test]
fn interfaces_are_listed_and_errors_name_them() {
    let output = zerttap().args(["live", "-D"]).output().expect("the program runs");
    let (out, err) = text(&output);
    assert!(output.status.success(), "{err}");
    assert!(out.lines().any(|line| line.starts_with("lo ")), "{out}");
    let fails = |args: &[&str], says: &str| {
        let output = zerttap().arg("live").args(args).output().expect("the program runs");
        assert_eq!(output.status.code(), Some(2));
        let err = text(&output).1;
        assert!(err.contains(says), "{err}");
    };
    fails(&["-i", "nowhere0"], "interface nowhere0: ");
    fails(&["-i", "lo", "--filter", "tcp", "udp"], "two filters");
    fails(&["-i", "lo", "--report", "x.html"], "--report is for captures");
    fails(&[], "--interface");
}
