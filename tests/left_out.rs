//! What was left out is said: packets that are not understood, with number and reason, in
//! every output; addresses that are not the stack's; filters that accept nothing; files of
//! a directory that are no captures.

mod common;
#[path = "common/packets.rs"]
mod packets;

use std::fs;
use std::path::{Path, PathBuf};

use common::{text, zerttap};
use packets::{Packet, read as packets_of, to_pcapng};
use serde_json::Value;

/// The packets of a whole TLS connection over Ethernet.
fn connection() -> Vec<Packet> {
    let case = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures/tls12-full/capture.pcap");
    packets_of(&fs::read(case).expect("the case")).expect("packets")
}

fn write(dir: &Path, packets: &[Packet]) -> PathBuf {
    let path = dir.join("a.pcapng");
    fs::write(&path, to_pcapng(packets)).expect("written");
    path
}

/// A frame as another, on a link type.
fn frame(link: u16, data: Vec<u8>) -> Packet {
    let wire = u32::try_from(data.len()).expect("short");
    Packet { ts: 1_700_000_000_000_000_000, link, wire, data }
}

/// Ethernet of an EtherType.
fn ethernet(ether_type: u16, payload: &[u8]) -> Vec<u8> {
    [&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2][..], &ether_type.to_be_bytes(), payload].concat()
}

/// An IPv4 packet over Ethernet.
fn ipv4(protocol: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(20 + payload.len()).expect("short").to_be_bytes();
    let head = [0x45, 0, length[0], length[1], 0, 1, 0, 0, 64, protocol, 0, 0];
    let ends = [192, 0, 2, 1, 192, 0, 2, 2];
    ethernet(0x0800, &[&head[..], &ends, payload].concat())
}

fn udp(from: u16, to: u16) -> Vec<u8> {
    let ports = [from.to_be_bytes(), to.to_be_bytes()].concat();
    ipv4(17, &[&ports[..], &[0, 12, 0, 0, 1, 2, 3, 4]].concat())
}

/// What a run says: standard error, table, page and ledger.
struct Said {
    status: i32,
    stderr: String,
    table: String,
    page: String,
    ledger: Value,
}

fn read(dir: &Path, input: &Path, options: &[&str]) -> Said {
    let (page, stats) = (dir.join("page.html"), dir.join("stats.json"));
    let run = |outputs: &[&std::ffi::OsStr]| {
        let mut command = zerttap();
        command.args(["read", "--force"]).args(options).args(outputs).arg(input);
        command.output().expect("the program runs")
    };
    let for_people = run(&[]);
    let (table, stderr) = text(&for_people);
    let named = ["--report".as_ref(), page.as_os_str(), "--stats".as_ref(), stats.as_os_str()];
    let output = run(&named);
    let text_of = |path: &Path| fs::read_to_string(path).unwrap_or_default();
    Said {
        status: output.status.code().unwrap_or(-1),
        stderr,
        table,
        page: text_of(&page),
        ledger: serde_json::from_str(&text_of(&stats)).unwrap_or_default(),
    }
}

/// Every packet is followed or has a reason.
fn assert_adds_up(ledger: &Value) {
    let packets = |value: &Value| value["packets"].as_u64().expect("a number");
    let followed: u64 = ["tcp_followed", "tcp_midstream", "ee", "ike", "esp"]
        .iter()
        .map(|name| packets(&ledger["counters"][name]))
        .sum();
    let not: u64 = ledger["not_followed"].as_array().expect("a list").iter().map(packets).sum();
    assert_eq!(followed + not, ledger["packets"].as_u64().expect("a number"), "{ledger}");
}

#[test]
fn what_is_not_understood_is_named_with_number_and_reason() {
    let tcp_cut = {
        let whole = ipv4(6, &[0; 20]);
        let wire = u32::try_from(whole.len()).expect("short");
        Packet { wire, ..frame(1, whole[..44].to_vec()) }
    };
    let ip_cut = Packet { wire: 74, ..frame(1, ethernet(0x0800, &[0x45, 0, 0, 60])) };
    let cases: Vec<(Packet, &str)> = vec![
        (frame(201, vec![0; 30]), "link type 201 (Bluetooth HCI with a direction)"),
        (frame(220, vec![0; 70]), "link type 220 (USB of Linux)"),
        (frame(15000, vec![0; 70]), "link type 15000"),
        (frame(1, ethernet(0x9999, &[0; 46])), "EtherType X'9999'"),
        (frame(1, ethernet(0x8137, &[0; 46])), "EtherType X'8137' (IPX)"),
        (frame(1, ethernet(0x8100, &[0, 5, 0x77, 0x77, 0, 0])), "EtherType X'7777'"),
        (frame(1, ethernet(20, &[0xE0, 0xE0, 3, 0, 0])), "LLC X'E0E0' (IPX)"),
        (frame(1, ethernet(20, &[0xAA, 0xAA, 3, 0, 0, 0x0C, 9, 9])), "SNAP X'00000C' X'0909'"),
        (frame(1, udp(40_000, 37_000)), "UDP port 37000"),
        (frame(1, ipv4(132, &[0; 20])), "IP protocol 132 (SCTP)"),
        (frame(1, ipv4(200, &[0; 20])), "IP protocol 200"),
        (
            frame(9, vec![0xFF, 3, 0, 0x3D, 0x80, 0]),
            "PPP protocol X'003D' (fragment of multilink PPP)",
        ),
        (
            frame(105, vec![8, 0x40].into_iter().chain([0; 40]).collect()),
            "encrypted 802.11 data frame",
        ),
        (frame(1, ethernet(0x0800, &[0x95; 40])), "malformed header (IP version 9)"),
        (tcp_cut, "cut inside a header (TCP)"),
        (ip_cut, "cut inside a header (IPv4)"),
        (frame(1, ethernet(0x0806, &[0; 28])), "EtherType X'0806' (ARP)"),
        (frame(1, ipv4(1, &[8, 0, 0, 0, 0, 0, 0, 0])), "ICMP"),
    ];
    for (packet, reason) in cases {
        let dir = tempfile::tempdir().expect("a directory");
        // Alone: nothing was followed, which is said first.
        let said = read(dir.path(), &write(dir.path(), &[packet.clone(), packet.clone()]), &[]);
        assert_eq!(said.status, 0);
        assert!(
            said.table.starts_with("Nothing was followed: none of the 2 packets"),
            "{}",
            said.table
        );
        assert!(said.table.contains(&format!("\n       2  {reason}\n")), "{}", said.table);
        let line = "warning: Nothing was followed";
        assert!(said.stderr.contains(line), "{reason}: {}", said.stderr);
        assert!(said.stderr.contains(&format!("2 packets: {reason}")), "{}", said.stderr);
        let shown = reason.replace('\'', "&#39;");
        assert!(said.page.contains(reason) || said.page.contains(&shown), "{reason}");
        assert!(said.page.contains("Nothing was followed"), "{reason}");
        let told = &said.ledger["not_followed"][0];
        assert_eq!((told["reason"].as_str(), &told["packets"]), (Some(reason), &2.into()));
        assert_adds_up(&said.ledger);
        // Beside a connection: said unless it is known to carry none.
        let mut all = connection();
        all.push(packet);
        let said = read(dir.path(), &write(dir.path(), &all), &[]);
        let ordinary = reason == "ICMP" || reason.contains("ARP");
        assert!(!said.table.contains("Nothing was followed"), "{}", said.table);
        assert_eq!(said.stderr.contains(reason), !ordinary, "{reason}: {}", said.stderr);
        assert_eq!(said.table.contains(reason), !ordinary, "{reason}: {}", said.table);
        assert_eq!(said.ledger["not_followed"][0]["ordinary"], ordinary);
        assert_adds_up(&said.ledger);
    }
}

#[test]
fn the_most_frequent_reason_comes_first_and_their_number_is_bounded() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut all = Vec::new();
    for n in 0..1500_u16 {
        all.push(frame(1, ethernet(0xA000 + n, &[0; 46])));
    }
    for (n, ether_type) in [(3, 0x9998), (5, 0xA001), (4, 0xA000)] {
        all.extend(vec![frame(1, ethernet(ether_type, &[0; 46])); n]);
    }
    let said = read(dir.path(), &write(dir.path(), &all), &[]);
    let list = said.ledger["not_followed"].as_array().expect("a list");
    let first: Vec<&str> = list.iter().take(3).filter_map(|t| t["reason"].as_str()).collect();
    assert_eq!(first, ["other reasons", "EtherType X'A001'", "EtherType X'A000'"]);
    assert_eq!(list.len(), 1025);
    assert!(said.table.contains("more reasons (--stats has all)"), "{}", said.table);
    assert_adds_up(&said.ledger);
}

#[test]
fn addresses_that_are_not_the_stacks_are_said() {
    let dir = tempfile::tempdir().expect("a directory");
    let segment =
        ipv4(6, &[[0x9C, 0x40, 1, 0xBB].as_slice(), &[0; 8], &[0x50, 2], &[0; 6]].concat());
    let number = 3;
    let input = write(dir.path(), &vec![frame(1, segment); number]);
    let said = read(dir.path(), &input, &["--home", "10.1.2.3"]);
    for output in [&said.stderr, &said.table, &said.page] {
        assert!(output.contains("No TCP connection has an address of the stack"), "{output}");
        assert!(output.contains(&format!("{number} TCP packets between other")), "{output}");
        for address in ["192.0.2.1 (3 packets)", "192.0.2.2 (3 packets)"] {
            assert!(output.contains(address), "{output}");
        }
    }
    assert_eq!(said.ledger["routed_addresses"].as_array().map(Vec::len), Some(2));
    assert_adds_up(&said.ledger);
    // One that matches says nothing of it.
    let said = read(dir.path(), &input, &["--home", "192.0.2.2"]);
    assert!(!said.stderr.contains("address of the stack"), "{}", said.stderr);
    assert_eq!(said.ledger["routed_addresses"], Value::Array(Vec::new()));
}

#[test]
fn filters_that_accept_nothing_and_empty_captures_are_said() {
    let dir = tempfile::tempdir().expect("a directory");
    let input = write(dir.path(), &connection());
    let said = read(dir.path(), &input, &["--filter", "udp port 53"]);
    for output in [&said.stderr, &said.table, &said.page] {
        assert!(output.contains("The filter accepts no packet"), "{output}");
    }
    assert_adds_up(&said.ledger);
    let said = read(dir.path(), &write(dir.path(), &[]), &[]);
    assert!(said.stderr.contains("The input has no packets"), "{}", said.stderr);
}

#[test]
fn files_of_a_directory_that_are_no_captures_are_said() {
    let dir = tempfile::tempdir().expect("a directory");
    let below = dir.path().join("captures");
    fs::create_dir(&below).expect("made");
    write(&below, &connection());
    fs::write(below.join("readme.txt"), "no capture").expect("written");
    fs::write(below.join("empty.pcap"), "").expect("written");
    std::os::unix::fs::symlink("/nowhere/at/all", below.join("gone.pcap")).expect("made");
    let said = read(dir.path(), &below, &[]);
    assert_eq!(said.status, 0);
    for (name, why) in [
        ("readme.txt", "left out: not a capture file"),
        ("empty.pcap", "left out: the file is empty"),
        ("gone.pcap", "left out: No such file"),
    ] {
        let line = said.stderr.lines().find(|l| l.contains(name)).unwrap_or_default();
        assert!(line.contains(why), "{}", said.stderr);
    }
    assert_eq!(said.ledger["input"]["files_left_out"], 3);
    assert_eq!(read(dir.path(), &below, &["--fail-on-damage"]).status, 3);
    for name in ["readme.txt", "empty.pcap", "gone.pcap"] {
        fs::remove_file(below.join(name)).expect("removed");
    }
    assert_eq!(read(dir.path(), &below, &["--fail-on-damage"]).status, 0);
}

#[test]
fn records_that_were_written_are_said_with_their_kind_and_place() {
    let dir = tempfile::tempdir().expect("a directory");
    let input = write(dir.path(), &connection());
    let smf = dir.path().join("zert.smf");
    let output = zerttap().args(["read", "--detail", "-w"]).arg(&smf).arg(&input).output();
    let (_, stderr) = text(&output.expect("the program runs"));
    let records = fs::read(&smf).expect("records");
    let records = common::records_of(&records);
    let of = |subtype: u8| records.iter().filter(|r| r[23] == subtype).count();
    let said = format!(
        "zert.smf: {} records: {} of subtype 11, {} of subtype 12",
        records.len(),
        of(11),
        of(12)
    );
    assert!(of(11) > 0 && of(12) > 0 && stderr.contains(&said), "{said}: {stderr}");
}
