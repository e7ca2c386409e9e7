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

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|m| m.uid() == 0)
}

/// Runs a script of trials; returns what it printed.
fn trial(script: &str) -> Option<String> {
    let dir = tempfile::tempdir().expect("a directory");
    trial_with(script, dir.path().to_str().expect("text"))
}

fn trial_with(script: &str, argument: &str) -> Option<String> {
    if !namespaces() {
        return None;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts").join(script);
    let output = Command::new(script)
        .arg(argument)
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
    // On one interface, with two threads, with a direction on each of two interfaces.
    let equal = told.lines().filter(|l| l.contains("only live 0, only read 0, times within 0.0"));
    assert_eq!(equal.count(), 9, "{told}");
    assert!(told.contains("connections: live 1"), "{told}");
}

#[test]
fn it_watches_openssl_ssh_ftp_and_http() {
    let programs = ["sshd", "proftpd"].map(|p| Path::new("/usr/sbin").join(p).exists());
    if !is_root() || programs != [true; 2] {
        eprintln!("sshd and proftpd under root are not here: real programs are not tried");
        return;
    }
    let Some(told) = trial("trial_live_hosts") else { return };
    assert!(told.contains("port 22: 2 ssh") && told.contains("port 443: 3 TLSv1.3"), "{told}");
}

#[test]
fn signals_and_faults_lose_no_more_than_is_said() {
    let Some(told) = trial("trial_live_faults") else { return };
    assert_eq!(told.lines().count(), 9, "{told}");
}

#[test]
fn an_end_by_force_leaves_what_is_whole() {
    let Some(told) = trial_with("trial_live_kill", "3") else { return };
    assert!(told.contains("3 times ended by force"), "{told}");
}

#[test]
fn the_view_takes_a_terminal_and_gives_it_back() {
    if !namespaces() {
        return;
    }
    let how = if is_root() { "-n" } else { "-rn" };
    let command = format!(
        "ip link set lo up && stty rows 40 cols 120 && {} live -i lo --top",
        zerttap().get_program().display()
    );
    let mut script = Command::new("unshare")
        .args([how, "script", "-qec", &command, "/dev/null"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("script runs");
    std::thread::sleep(std::time::Duration::from_secs(3));
    std::io::Write::write_all(script.stdin.as_mut().expect("input"), b"q").expect("a key");
    let output = script.wait_with_output().expect("it ends");
    let (shown, _) = text(&output);
    assert!(output.status.success(), "{shown}");
    for text in ["INTERFACE", "UNPROTECTED", "watching", "q end"] {
        assert!(shown.contains(text), "{text}: {shown}");
    }
    // The other screen is entered, and left at the end.
    let (enter, leave) = (shown.find("\x1b[?1049h"), shown.rfind("\x1b[?1049l"));
    assert!(enter.is_some() && leave > enter, "{shown}");
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
    fails(&["-i", "lo", "--top"], "--top needs a terminal");
    fails(&["-i", "lo", "--service", "/tmp"], "a service needs the names of the stacks");
    fails(&["-i", "lo", "--user", "nobody-here"], "there is no such user");
}
