//! Tags, tunnels and link types: a capture written again in each of them by
//! `tests/frames.py` gives the connections of the plain one; tshark finds the same TCP
//! segments; no cut panics or passes in silence; what is not read has a name.

mod common;

use std::path::Path;
use std::process::Command;

use common::{adds_up, read, zerttap};
use serde_json::Value;

/// Packets of the capture, all TCP.
const PACKETS: u64 = 17;

/// The directory with all files, and the lines of a list in it.
fn written() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let status = Command::new("python3")
        .arg(root.join("tests/frames.py"))
        .arg(root.join("captures/tls12-full/capture.pcap"))
        .arg(dir.path())
        .status()
        .expect("Python runs");
    assert!(status.success());
    dir
}

fn list(dir: &Path, name: &str) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(dir.join(name)).expect("a list");
    let line = |l: &str| l.split_once('\t').map(|(a, b)| (a.to_owned(), b.to_owned()));
    text.lines().filter_map(line).collect()
}

fn counter(ledger: &Value, name: &str) -> u64 {
    ledger["counters"][name]["packets"].as_u64().expect("a number")
}

#[test]
fn every_form_gives_the_same_connections() {
    let dir = written();
    let plain = read(&[], &[&dir.path().join("plain.pcap")]);
    assert_eq!(plain.connections.len(), 1);
    let mut forms = list(dir.path(), "names.tsv");
    assert!(forms.len() > 160, "{}", forms.len());
    for form in &mut forms {
        form.1.clear();
    }
    let by_option = list(dir.path(), "options.tsv");
    for (name, options) in forms.iter().chain(&by_option) {
        let file = dir.path().join(format!("{name}.pcap"));
        let options: Vec<&str> = options.split_whitespace().collect();
        let run = read(&options, &[&file]);
        assert_eq!(run.connections, plain.connections, "{name}: {}", run.ledger["counters"]);
        assert_eq!(run.records, plain.records, "{name}");
        assert_eq!(counter(&run.ledger, "tcp_followed"), PACKETS, "{name}");
        assert!(adds_up(&run.ledger), "{name}");
        let further = run.ledger["frames"]["aggregated_packets"].as_u64();
        assert_eq!(further, Some(if name == "802.11-amsdu" { PACKETS } else { 0 }), "{name}");
    }
    // Without the option the port is told, with what it looks like and what reads it.
    let run = read(&[], &[&dir.path().join("gpe-by-option.pcap")]);
    assert_eq!(run.connections.len(), 0);
    let reason = "UDP port 5556 that looks like VXLAN-GPE (--tunnel-port vxlan-gpe=5556)";
    assert_eq!(run.ledger["not_followed"][0]["reason"], reason);
    let run = read(&[], &[&dir.path().join("vlan-by-option.pcap")]);
    assert_eq!(run.ledger["not_followed"][0]["reason"], "EtherType X'9999'");
}

#[test]
fn options_of_frames_in_a_settings_file() {
    let dir = written();
    let settings = dir.path().join("zert.toml");
    let text = "tunnel-port = [\"vxlan=5555\", \"teredo=5559\"]\nvlan-ethertype = [\"9999\"]\n";
    std::fs::write(&settings, text).expect("written");
    let options = ["--config", settings.to_str().expect("a name")];
    for name in ["vxlan-by-option", "teredo-by-option", "vlan-by-option", "plain"] {
        let run = read(&options, &[&dir.path().join(format!("{name}.pcap"))]);
        assert_eq!(counter(&run.ledger, "tcp_followed"), PACKETS, "{name}");
    }
    let wrong = [
        ("--tunnel-port=vxlan", "expected NAME=PORT, like vxlan=4790"),
        ("--tunnel-port=vxlane=4790", "\"vxlane\" is none of vxlan, vxlan-gpe"),
        ("--tunnel-port=vxlan=0", "\"0\" is no UDP port from 1 to 65535"),
        ("--tunnel-port=vxlan=65536", "\"65536\" is no UDP port from 1 to 65535"),
        ("--vlan-ethertype=0800", "X'0800' announces something else than a VLAN tag"),
        ("--vlan-ethertype=0100", "X'0100' announces something else than a VLAN tag"),
        ("--vlan-ethertype=vlan", "\"vlan\" is no EtherType in hexadecimal"),
    ];
    for (option, message) in wrong {
        let output = zerttap().args(["read", option, "capture.pcap"]).output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(message), "{option}: {said}");
    }
}

/// tshark counts the TCP segments of each form.
#[test]
fn tshark_finds_the_same_segments() {
    if Command::new("tshark").arg("-v").output().is_err() {
        eprintln!("no tshark: not compared");
        return;
    }
    let dir = written();
    let segments = |file: &str, options: &[&str]| -> Vec<usize> {
        let output = Command::new("tshark")
            .args(["-Y", "tcp", "-T", "fields", "-e", "frame.interface_id", "-r"])
            .arg(dir.path().join(file))
            .args(options)
            .output()
            .expect("tshark runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.lines().map(|l| l.parse().unwrap_or(0)).collect()
    };
    let names = list(dir.path(), "names.tsv");
    let found = segments("all.pcapng", &[]);
    for (i, (name, _)) in names.iter().filter(|(_, reader)| reader.is_empty()).enumerate() {
        assert_eq!(found.iter().filter(|n| **n == i).count() as u64, PACKETS, "{name}");
    }
    for (name, reader) in
        names.iter().filter(|(_, reader)| reader.starts_with("-") && reader != "-")
    {
        let options: Vec<&str> = reader.split_whitespace().collect();
        let found = segments(&format!("{name}.pcap"), &options);
        assert_eq!(found.len() as u64, PACKETS, "{name}");
    }
}

#[test]
fn no_cut_is_silent() {
    let dir = written();
    let run = read(&[], &[&dir.path().join("cut.pcapng")]);
    assert!(adds_up(&run.ledger));
    let followed = ["tcp_followed", "tcp_midstream", "tcp_routed"];
    let followed: u64 = followed.iter().map(|name| counter(&run.ledger, name)).sum();
    let packets = run.ledger["packets"].as_u64().expect("a number");
    let told = run.ledger["not_followed"].as_array().expect("reasons");
    let told: u64 = told.iter().map(|t| t["packets"].as_u64().expect("a number")).sum();
    assert_eq!(followed + told, packets);
    assert!(followed > 10_000 && counter(&run.ledger, "cut") > 5_000, "{}", run.ledger);
    assert_eq!(counter(&run.ledger, "malformed"), 0, "{}", run.ledger["not_followed"]);
}

/// A pcap file of one packet.
fn capture(link: u32, packet: &[u8]) -> Vec<u8> {
    let length = u32::try_from(packet.len()).expect("short");
    let head = [0xA1B2_C3D4, 0x0004_0002, 0, 0, 262_144, link, 1_700_000_000, 0, length, length];
    let mut file: Vec<u8> = head.iter().flat_map(|n| n.to_le_bytes()).collect();
    file.extend(packet);
    file
}

#[test]
fn what_is_not_read_has_a_name() {
    let ether = |ether_type: u16, rest: &[u8]| {
        [&[0; 12][..], &ether_type.to_be_bytes(), rest, &[0x5A; 60]].concat()
    };
    let sflow = [
        &[0x45, 0, 0, 68, 0, 1, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2][..],
        &[0xC3, 0x50, 0x18, 0xC7, 0, 48, 0, 0, 0, 0, 0, 5, 0, 0, 0, 1, 192, 0, 2, 9],
    ];
    let mut cooked = vec![0; 40];
    cooked[2..4].copy_from_slice(&824u16.to_be_bytes());
    let mut atm = vec![0; 72];
    atm[8] = 3;
    let cases: [(u32, Vec<u8>, &str, &str); 16] = [
        (
            1,
            ether(0x88E5, &[0x0C, 0]),
            "not_ip",
            "EtherType X'88E5' (MACsec, encrypted or altered)",
        ),
        (1, ether(0x0800, &sflow.concat()), "sampled", "sFlow: headers of sampled packets"),
        (
            9,
            [&[0xFF, 3, 0, 0x3D, 0x80, 0, 0, 1][..], &[0; 40]].concat(),
            "not_ip",
            "PPP protocol X'003D' (fragment of multilink PPP)",
        ),
        (187, vec![0; 40], "unsupported_link", "link type 187 (Bluetooth HCI)"),
        (201, vec![0; 40], "unsupported_link", "link type 201 (Bluetooth HCI with a direction)"),
        (189, vec![0; 80], "unsupported_link", "link type 189 (USB of Linux)"),
        (220, vec![0; 80], "unsupported_link", "link type 220 (USB of Linux)"),
        (249, vec![0; 80], "unsupported_link", "link type 249 (USBPcap)"),
        (195, vec![0; 80], "unsupported_link", "link type 195 (802.15.4)"),
        (271, vec![0; 80], "unsupported_link", "link type 271 (VSOCK)"),
        (262, vec![0; 80], "unsupported_link", "link type 262 (Z-Wave)"),
        (147, vec![0; 80], "unsupported_link", "link type 147 (reserved for private use)"),
        (197, atm, "not_ip", "ERF type 3 (ATM cells)"),
        (
            113,
            cooked,
            "not_ip",
            "Linux cooked capture, interface type 824 (netlink), protocol X'0000'",
        ),
        (105, [&[0x08, 0x41][..], &[0x5A; 80]].concat(), "not_ip", "encrypted 802.11 data frame"),
        (105, [&[0x80, 0][..], &[0; 80]].concat(), "not_ip", "802.11 management frame"),
    ];
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("one.pcap");
    for (link, packet, place, reason) in cases {
        std::fs::write(&file, capture(link, &packet)).expect("written");
        let run = read(&[], &[&file]);
        assert_eq!(run.ledger["not_followed"][0]["reason"], reason, "{link}");
        assert_eq!(counter(&run.ledger, place), 1, "{reason}: {}", run.ledger["counters"]);
        assert!(run.connections.is_empty() && run.lines.is_empty(), "{reason}");
    }
}
