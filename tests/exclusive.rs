//! Processes that want the same file, or more memory than they may have.

mod common;
#[path = "common/packets.rs"]
mod packets;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use common::{case, records_of, text, zerttap};

/// One process writes a name; another is told who, and takes nothing away.
#[test]
fn two_processes_cannot_write_one_name() {
    let dir = tempfile::tempdir().expect("a directory");
    let out = dir.path().join("out.smf");
    let capture = std::fs::read(case("tls12-full").join("capture.pcap")).expect("a capture");
    let mut first = zerttap()
        .args(["read", "-", "-w"])
        .arg(&out)
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program runs");
    let mut input = first.stdin.take().expect("a pipe");
    // Outputs are begun when the beginning of the input has come, and its lock is there.
    let (beginning, rest) = capture.split_at(capture.len() / 2);
    input.write_all(beginning).expect("taken");
    let lock = dir.path().join(".out.smf.lock");
    let tries = (0..1000).position(|_| {
        std::thread::sleep(Duration::from_millis(10));
        std::fs::read_to_string(&lock).is_ok_and(|holder| !holder.is_empty())
    });
    assert!(tries.is_some(), "there is no lock");
    for force in [&[][..], &["--force"]] {
        let second = zerttap()
            .args(["read", "-w"])
            .arg(&out)
            .args(force)
            .arg(case("clear-http").join("capture.pcap"))
            .output()
            .expect("the program runs");
        let told = text(&second).1;
        assert!(!second.status.success(), "{told}");
        assert!(told.contains(&format!("process {} writes it", first.id())), "{told}");
    }
    input.write_all(rest).expect("taken");
    drop(input);
    assert!(first.wait().expect("it ends").success());
    assert!(!records_of(&std::fs::read(&out).expect("records")).is_empty());
    // What is left of the lock of one that was killed is in nobody's way.
    std::fs::write(&lock, "1\n").expect("written");
    let again = zerttap()
        .args(["read", "-q", "--force", "-w"])
        .arg(&out)
        .arg(case("tls12-full").join("capture.pcap"))
        .status()
        .expect("the program runs");
    assert!(again.success() && !lock.exists());
}

/// SYNs of many clients, each with a HelloRequest of its own: connections that stay.
fn many(dir: &Path, connections: u32) -> std::path::PathBuf {
    let path = dir.join("many.pcap");
    let packets: Vec<packets::Packet> = (0..connections)
        .map(|n| {
            let mut data = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0];
            data.extend([0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, 6, 0, 0, 10]);
            data.extend(&n.to_be_bytes()[1..]);
            data.extend([192, 0, 2, 1]);
            let sum: u32 =
                data[14..34].chunks(2).map(|w| u32::from(w[0]) << 8 | u32::from(w[1])).sum();
            let sum = !((sum & 0xFFFF) + (sum >> 16)) as u16;
            data[24..26].copy_from_slice(&sum.to_be_bytes());
            data.extend([
                0x9C, 0x40, 1, 0xBB, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 0xFF, 0xFF, 0, 0, 0, 0,
            ]);
            let ts = 1_700_000_000_000_000_000 + i64::from(n) * 1000;
            packets::Packet { ts, link: 1, wire: data.len() as u32, data }
        })
        .collect();
    std::fs::write(&path, packets::to_pcap(&packets)).expect("written");
    path
}

/// Where there is no more memory the run ends in order: what was wanted is said, and what
/// is written is whole. Where bounds follow from the limit it does not come to that.
#[test]
fn want_of_memory_ends_a_run_in_order() {
    let dir = tempfile::tempdir().expect("a directory");
    let capture = many(dir.path(), 400_000);
    let run = |options: &[&str], kilobytes: &str| {
        let out = dir.path().join("out.smf");
        let output = Command::new("sh")
            .arg("-c")
            .arg(format!("ulimit -v {kilobytes}; exec \"$0\" \"$@\""))
            .arg(zerttap().get_program())
            .args(["read", "--force", "--threads", "1", "-w"])
            .arg(&out)
            .args(options)
            .arg(&capture)
            .output()
            .expect("the program runs");
        let records = std::fs::read(&out).expect("records");
        let records = records_of(&records).len();
        (output.status.code(), text(&output).1, records)
    };
    // More than the bounds allow, because a bound was given that stands above them.
    let (status, told, records) =
        run(&["--max-memory", "80", "--max-connections", "4000000"], "unlimited");
    assert!(status.is_some_and(|s| s != 0), "{told}");
    assert!(told.contains("--max-memory") && told.contains("ended in order"), "{told}");
    assert_eq!(records, 2, "zERT is recorded as enabled and as disabled");
    // Bounds that follow from it: connections are given up, and that is counted.
    let (status, told, _) = run(&["--max-memory", "200"], "unlimited");
    assert_eq!(status, Some(0), "{told}");
    // The same of the system's own limit.
    let (status, told, _) = run(&[], "400000");
    assert!(status == Some(0) || told.contains("ended in order"), "{status:?} {told}");
}
