//! Watching interfaces: trials on real packets in network namespaces, which scripts
//! make. Where namespaces are not allowed that is said, and nothing is tried.

mod common;

use std::path::Path;
use std::process::Command;

use common::{text, zerttap};

/// Whether namespaces of these kinds can be made here, as `unshare` names them: of networks (n)
/// and of mounts (m), which a chroot does not allow.
fn namespaces(kinds: &str) -> bool {
    let made = |options: String| {
        let output = Command::new("unshare").arg(options).arg("true").output();
        output.is_ok_and(|output| output.status.success())
    };
    let allowed = made(format!("-{kinds}")) || made(format!("-r{kinds}"));
    if !allowed {
        eprintln!("unshare -{kinds} is refused here: live capture is not tried");
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
    let text_of =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts").join(script));
    // What a script asks of unshare it says itself.
    let mounts = text_of.is_ok_and(|text| ["-nm", "-n -m"].iter().any(|o| text.contains(o)));
    if !namespaces(if mounts { "nm" } else { "n" }) {
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
    if !namespaces("n") {
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
    for text in ["INTERFACE", "UNPROTECTED", "watching", "q quit"] {
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

/// Runs a command line in a network namespace whose loopback is up.
fn in_namespace(command: &str) -> std::process::Output {
    let how = if is_root() { "-n" } else { "-rn" };
    let command = format!("ip link set lo up && {command}");
    Command::new("unshare").args([how, "sh", "-c", &command]).output().expect("it runs")
}

#[test]
fn it_ends_after_so_many_packets_or_so_long() {
    if !namespaces("n") {
        return;
    }
    let program = zerttap().get_program().display().to_string();
    let ledger = |options: &str, traffic: &str| {
        let command = format!("{traffic} {program} live -i lo --stats - -q {options}");
        let output = in_namespace(&command);
        let (out, err) = text(&output);
        assert!(output.status.success(), "{out}{err}");
        // The table is printed as well.
        let line = out.lines().find(|line| line.starts_with('{')).unwrap_or_default();
        serde_json::from_str::<serde_json::Value>(line).expect("the ledger")
    };
    // A datagram every few milliseconds, to a port where nobody listens.
    let traffic = "python3 -c 'import socket,time\ns=socket.socket(2,2)\nfor n in range(4000):\n \
                   s.sendto(b\"x\",(\"127.0.0.1\",9)); time.sleep(.002)' &";
    let traffic = traffic.replace("\\n", "\n");
    let counted = ledger("-c 7", &traffic);
    assert_eq!(counted["packets"], 7, "{counted}");
    let started = std::time::Instant::now();
    let timed = ledger("--for 1s", "");
    assert_eq!(timed["packets"], 0, "{timed}");
    assert!((1.0..30.0).contains(&started.elapsed().as_secs_f64()));
}

#[test]
fn without_rights_it_says_how_to_give_them() {
    if !is_root() {
        eprintln!("without root rights cannot be taken away: not tried");
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let program = dir.path().join("zerttap");
    std::fs::copy(zerttap().get_program(), &program).expect("copied");
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).expect("set");
    let output = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(&program)
        .args(["live", "-i", "lo"])
        .output()
        .expect("setpriv runs");
    let err = text(&output).1;
    assert_eq!(output.status.code(), Some(2), "{err}");
    assert!(err.contains(&format!("setcap cap_net_raw+ep {}", program.display())), "{err}");
}
