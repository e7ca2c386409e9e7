//! What goes wrong around the program: clocks at the edges of time, processes that are
//! killed, inputs that cannot be read, outputs that cannot be written. A clear error,
//! the right status, and nothing lost that was complete.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use common::{text, zerttap};

/// The packets of the case of a whole TLS handshake.
fn packets() -> Vec<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures/tls12-full/capture.pcap");
    let data = fs::read(path).expect("the case");
    let mut found = Vec::new();
    let mut at = 24;
    while let Some(captured) = data.get(at + 8..at + 12) {
        let captured = u32::from_le_bytes(captured.try_into().expect("four bytes")) as usize;
        found.push(data[at + 16..at + 16 + captured].to_vec());
        at += 16 + captured;
    }
    found
}

/// A pcap file of packets with times in seconds and microseconds.
fn pcap(path: &Path, packets: impl IntoIterator<Item = (u32, u32, Vec<u8>)>) {
    let mut out = Vec::new();
    for word in [0xA1B2_C3D4_u32, 0x0004_0002, 0, 0, 262_144, 1] {
        out.extend(word.to_le_bytes());
    }
    for (seconds, micros, packet) in packets {
        let length = u32::try_from(packet.len()).expect("short");
        for word in [seconds, micros, length, length] {
            out.extend(word.to_le_bytes());
        }
        out.extend(packet);
    }
    fs::write(path, out).expect("written");
}

fn read(dir: &Path, input: &Path, options: &[&str]) -> (i32, String, Vec<serde_json::Value>) {
    let (smf, lines) = (dir.join("out.smf"), dir.join("out.jsonl"));
    let output = zerttap()
        .args(["read", "--force", "--detail", "-w"])
        .arg(&smf)
        .arg("--jsonl")
        .arg(&lines)
        .args(options)
        .arg(input)
        .output()
        .expect("the program runs");
    let shown = fs::read_to_string(&lines).unwrap_or_default();
    let objects = shown.lines().map(|l| serde_json::from_str(l).expect("an object")).collect();
    (output.status.code().unwrap_or(-1), text(&output).1, objects)
}

#[test]
fn time_stamps_may_be_at_the_edges_of_time_and_go_backwards() {
    let dir = tempfile::tempdir().expect("a directory");
    let input = dir.path().join("a.pcap");
    let all = packets();
    type Time = fn(u32) -> (u32, u32);
    let times: [(&str, Time); 6] = [
        ("at the beginning", |_| (0, 0)),
        ("at the end of 32 bits", |n| (u32::MAX, 999_900 + n)),
        ("microseconds beyond a second", |n| (1_700_000_000, u32::MAX - n)),
        ("backwards", |n| (1_700_000_000 - n, 0)),
        ("all over", |n| (n.wrapping_mul(0x9E37_79B9), 0)),
        ("from the beginning to the end", |n| if n == 0 { (0, 0) } else { (u32::MAX, 0) }),
    ];
    for (what, time) in times {
        let stamped = (0u32..).zip(&all).map(|(n, p)| {
            let (seconds, micros) = time(n);
            (seconds, micros, p.clone())
        });
        pcap(&input, stamped);
        for zone in ["UTC", "Pacific/Kiritimati", "-12:00"] {
            let (status, told, lines) = read(dir.path(), &input, &["--tz", zone]);
            assert_eq!(status, 0, "{what}: {told}");
            let found = lines.iter().filter(|l| l["type"] == "connection").count();
            assert!(found >= 1, "{what}");
            let shown = zerttap().args(["show", "-q"]).arg(dir.path().join("out.smf")).output();
            let shown = shown.expect("the program runs");
            assert!(shown.status.success(), "{what}: {}", text(&shown).1);
        }
    }
    // The connection is the same whatever the clock says, if it only goes on.
    pcap(&input, (0u32..).zip(&all).map(|(n, p)| (4_000_000_000, n, p.clone())));
    let (_, _, lines) = read(dir.path(), &input, &[]);
    assert_eq!(lines[0]["tls"]["version_name"], "TLSv1.2");
    assert!(lines[0]["start"].as_str().is_some_and(|s| s.starts_with("2096-10-02T07:06:40")));
}

#[test]
fn an_hour_that_comes_twice_has_its_records_twice() {
    let dir = tempfile::tempdir().expect("a directory");
    let input = dir.path().join("a.pcap");
    // 2025-10-26 00:30 UTC is 02:30 in Berlin, and so is 01:30 UTC.
    let first = 1_761_438_600;
    let all = packets();
    let twice = [first, first + 3600].into_iter().flat_map(|begin| {
        all.iter().enumerate().map(move |(n, p)| (begin, n as u32, p.clone())).collect::<Vec<_>>()
    });
    pcap(&input, twice);
    let options = ["--tz", "Europe/Berlin", "--interval", "15", "--no-tool-events"];
    let (status, told, _) = read(dir.path(), &input, &options);
    assert_eq!(status, 0, "{told}");
    let smf = fs::read(dir.path().join("out.smf")).expect("records");
    let mut at = 0;
    let mut details = Vec::new();
    while let Some(length) = smf.get(at..at + 2) {
        let record = &smf[at..at + usize::from(u16::from_be_bytes([length[0], length[1]]))];
        if record[23] == 11 {
            let hundredths = u32::from_be_bytes(record[6..10].try_into().expect("four bytes"));
            details.push(hundredths / 100);
        }
        at += record.len();
    }
    // 02:30 both times, in local time.
    assert_eq!(details, [9000, 9000]);
}

#[test]
fn what_cannot_be_read_or_written_is_named() {
    let dir = tempfile::tempdir().expect("a directory");
    let case = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures/tls12-full/capture.pcap");
    let fails = |args: &[&str], says: &[&str]| {
        let output = zerttap().arg("read").args(args).output().expect("the program runs");
        let told = text(&output).1;
        assert_eq!(output.status.code(), Some(2), "{told}");
        for what in says {
            assert!(told.contains(what), "{what}: {told}");
        }
    };
    let case = case.to_str().expect("text");
    fails(&["/proc/self/mem"], &["/proc/self/mem"]);
    fails(&["/nowhere/at/all.pcap"], &["/nowhere/at/all.pcap: No such file"]);
    let below = dir.path().join("file/below.smf");
    fs::write(dir.path().join("file"), "a file").expect("written");
    fails(&[case, "-w", below.to_str().expect("text")], &["below.smf", "Not a directory"]);
    fails(&[case, "-w", "/proc/nobody/may.smf"], &["may.smf"]);
    let directory = dir.path().to_str().expect("text");
    fails(&[case, "--jsonl", directory, "--force"], &[directory, "directory"]);
    // A compressed file that ends in the middle: what came before is written.
    let cut = dir.path().join("cut.pcap.gz");
    let whole = Command::new("gzip").args(["-c", case]).output().expect("gzip runs").stdout;
    fs::write(&cut, &whole[..whole.len() / 2]).expect("written");
    let (_, told, lines) = read(dir.path(), &cut, &[]);
    assert!(told.contains("cut.pcap.gz"), "{told}");
    assert!(lines.last().is_some_and(|l| l["packets"].as_u64() > Some(1)), "{lines:?}");
}

/// Reading fails in the middle of a packet: what came before is written, and the error is
/// told with its place.
#[test]
fn reading_may_fail_in_the_middle() {
    use std::io::Write;
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::OwnedFd;

    let case = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures/tls12-full/capture.pcap");
    let data = fs::read(case).expect("the case");
    let dir = tempfile::tempdir().expect("a directory");
    let lines = dir.path().join("lines");
    let run = |options: &[&str]| {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("bound");
        let mut sender = TcpStream::connect(address).expect("connected");
        let (receiver, _) = listener.accept().expect("accepted");
        sender.write_all(&data[..data.len() * 2 / 3]).expect("sent");
        // To be closed by a reset.
        let at_once = nix::libc::linger { l_onoff: 1, l_linger: 0 };
        nix::sys::socket::setsockopt(&sender, nix::sys::socket::sockopt::Linger, &at_once)
            .expect("an option of sockets");
        drop(sender);
        let mut command = zerttap();
        command.args(["read", "--force", "--jsonl"]).arg(&lines).args(options).arg("-");
        let output = command.stdin(OwnedFd::from(receiver)).output().expect("the program runs");
        let told = text(&output).1;
        assert!(
            told.contains("-: offset 3650: cannot be read further: Connection reset"),
            "{told}"
        );
        let shown = fs::read_to_string(&lines).expect("lines");
        assert!(shown.contains("\"version_name\":\"TLSv1.2\""), "{shown}");
        output.status.code()
    };
    assert_eq!(run(&[]), Some(0));
    assert_eq!(run(&["--fail-on-damage"]), Some(3));
}

/// Ends `read` by force at several moments: there is no file under the name that was
/// asked for, and what is in the temporary one is whole records, but for the last where
/// the kernel was in the middle of a write.
#[test]
fn an_end_by_force_leaves_no_half_file() {
    let dir = tempfile::tempdir().expect("a directory");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/bench_capture.py");
    let input = dir.path().join("input.pcap");
    let made = Command::new("python3")
        .arg(script)
        .arg("60")
        .arg(&input)
        .args(["--bulk", "0"])
        .stderr(Stdio::null())
        .status();
    assert!(made.expect("python3 runs").success());
    let name = dir.path().join("out.smf");
    let mut caught = 0;
    for milliseconds in [20, 60, 120, 250, 400, 700, 1000, 1500, 2500, 4000] {
        let mut child = zerttap()
            .args(["read", "-q", "--force", "--detail", "--settle", "0", "-w"])
            .arg(&name)
            .arg(&input)
            .spawn()
            .expect("the program runs");
        std::thread::sleep(Duration::from_millis(milliseconds));
        let finished = child.try_wait().expect("asked").is_some();
        child.kill().expect("killed");
        child.wait().expect("gone");
        // It may have been complete in the moment before it was ended.
        assert!(name.exists() || !finished, "after {milliseconds} ms");
        if let Ok(records) = fs::read(&name) {
            assert!(is_whole(&records), "after {milliseconds} ms");
        }
        let left: Vec<PathBuf> = fs::read_dir(dir.path())
            .expect("a directory")
            .flatten()
            .map(|e| e.path())
            .filter(|p| p.extension().is_some_and(|e| e == "partial"))
            .collect();
        for file in left {
            let length = fs::metadata(&file).expect("there").len();
            if length > 0 {
                let output = zerttap().arg("show").arg("--summary").arg(&file).output();
                let output = output.expect("the program runs");
                let (shown, told) = text(&output);
                // The kernel may end a write between two pages; what is before is there.
                let cut = told.contains("ends inside a record") && length.is_multiple_of(4096);
                let whole = !told.contains("warning");
                assert!(output.status.success() && (whole || cut), "{told}");
                assert!(shown.contains("records"), "{shown}");
                caught += 1;
            }
            fs::remove_file(file).expect("removed");
        }
        let _ = fs::remove_file(&name);
    }
    assert!(caught > 0, "none was caught while it was writing");
}

/// Runs the program with a shell's limit on the length of every file that it writes, in
/// kilobytes: what it writes beyond fails, as on a full disk.
#[cfg(unix)]
fn limited(kilobytes: u32, args: &str, stderr: &Path) -> Option<i32> {
    let program = env!("CARGO_BIN_EXE_zerttap");
    let script = format!("trap '' XFSZ; ulimit -f {kilobytes}; exec {program} {args}");
    let status = Command::new("bash")
        .args(["-c", &script])
        .stdout(Stdio::null())
        .stderr(fs::File::create(stderr).expect("a file"))
        .status();
    status.expect("bash runs").code()
}

/// Whether a file holds whole records and nothing else.
fn is_whole(records: &[u8]) -> bool {
    let mut rest = records;
    while let [high, low, ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        match rest.get(length..) {
            Some(after) if length >= 18 => rest = after,
            _ => return false,
        }
    }
    rest.is_empty()
}

/// A disk that is full at any moment: the error names the file, and what is in it is
/// whole.
#[cfg(unix)]
#[test]
fn a_disk_may_be_full_at_any_write() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let cases = cases.display();
    let dir = tempfile::tempdir().expect("a directory");
    let at = |name: &str| dir.path().join(name);
    let name = |name: &str| at(name).display().to_string();
    let dump = name("whole.smf");
    let mut all = zerttap();
    all.args(["read", "-q", "--detail", "-w", &dump]).arg(cases.to_string());
    let status = all.stdout(Stdio::null()).status().expect("the program runs");
    assert!(status.success());
    let read = format!("read -q --force {cases}");
    let commands = [
        ("-w", format!("{read} --detail -w {}", name("out.smf")), "out.smf"),
        ("VBS", format!("{read} --detail --framing vbs -w {}", name("out.vbs")), "out.vbs"),
        ("--jsonl", format!("{read} --jsonl {}", name("out.jsonl")), "out.jsonl"),
        ("--report", format!("{read} --report {}", name("out.html")), "out.html"),
        ("--stats", format!("{read} --stats {}", name("out.json")), "out.json"),
        ("show -w", format!("show -q --force -w {} {dump}", name("copy.smf")), "copy.smf"),
        ("check", format!("check -q --force --stack {dump} --report {}", name("c.html")), "c.html"),
    ];
    for (what, command, file) in commands {
        let said = at("stderr");
        let mut failures = 0;
        let mut done = false;
        for kilobytes in [1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 100_000] {
            let status = limited(kilobytes, &command, &said);
            let told = fs::read_to_string(&said).expect("text");
            let there = fs::read(at(file)).unwrap_or_default();
            match status {
                Some(0) => done = true,
                Some(2) => {
                    failures += 1;
                    assert!(!done, "{what}, {kilobytes} kB: {told}");
                    let named = told.contains(file) || told.contains("temporary file in");
                    assert!(named && told.contains("File too large"), "{told}");
                }
                other => panic!("{what}, {kilobytes} kB: {other:?}, {told}"),
            }
            assert!(!file.ends_with(".smf") || is_whole(&there), "{what}, {kilobytes} kB");
            if file.ends_with(".jsonl") {
                let lines = String::from_utf8(there).expect("text");
                assert!(lines.is_empty() || lines.ends_with('\n'), "{what}, {kilobytes} kB");
                for line in lines.lines() {
                    serde_json::from_str::<serde_json::Value>(line).expect("whole objects");
                }
            }
            for left in fs::read_dir(dir.path()).expect("a directory").flatten() {
                let left = left.file_name();
                assert!(!left.to_string_lossy().contains("partial"), "{what}: {left:?} is left");
            }
            let _ = fs::remove_file(at(file));
        }
        assert!(done && failures > 0, "{what}: {failures} failures");
    }
}

/// Messages that nobody can be told end nothing.
#[cfg(unix)]
#[test]
fn standard_error_may_be_full() {
    let dir = tempfile::tempdir().expect("a directory");
    let case = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures/format-truncated/capture.pcap");
    let cut = dir.path().join("cut.pcap");
    let data = fs::read(case).expect("a case");
    fs::write(&cut, &data[..data.len() - 3]).expect("written");
    let said = dir.path().join("stderr");
    assert_eq!(limited(0, &format!("read {}", cut.display()), &said), Some(0));
    assert_eq!(limited(0, "read /nowhere/at/all.pcap", &said), Some(2));
    assert!(fs::read(&said).expect("there").is_empty());
}

/// A file that grows while it is read is read as far as it is there.
#[test]
fn a_file_may_grow_while_it_is_read() {
    let dir = tempfile::tempdir().expect("a directory");
    let input = dir.path().join("growing.pcap");
    let all = packets();
    let many = (0..4000).flat_map(|_| all.iter());
    let times = (0u32..).zip(many).map(|(n, p)| (1_700_000_000 + n / 1000, n % 1000, p.clone()));
    let whole = dir.path().join("whole.pcap");
    pcap(&whole, times);
    let whole = fs::read(whole).expect("there");
    let begun = whole.len() / 2 + 7;
    fs::write(&input, &whole[..begun]).expect("written");
    let rest = whole[begun..].to_vec();
    let grown = input.clone();
    let writer = std::thread::spawn(move || {
        use std::io::Write;
        let mut file = fs::OpenOptions::new().append(true).open(grown).expect("opened");
        for piece in rest.chunks(4099) {
            file.write_all(piece).expect("written");
            std::thread::sleep(Duration::from_micros(200));
        }
    });
    let total = (4000 * all.len()) as u64;
    let mut last = 0;
    while !writer.is_finished() {
        let (status, told, lines) = read(dir.path(), &input, &[]);
        assert_eq!(status, 0, "{told}");
        let ledger = lines.last().expect("a ledger");
        let packets = ledger["packets"].as_u64().expect("a number");
        assert!((total / 2 - 1..=total).contains(&packets) && packets >= last, "{ledger}");
        last = packets;
    }
    writer.join().expect("written");
    let (status, told, lines) = read(dir.path(), &input, &[]);
    assert_eq!((status, told.contains("ends inside")), (0, false), "{told}");
    assert_eq!(lines.last().expect("a ledger")["packets"], total);
}
