//! The same addresses in several VLANs and virtual networks.

mod common;
#[path = "common/packets.rs"]
mod packets;

use std::fs;

use packets::{Packet, to_pcapng};
use serde_json::{Value, json};

/// What `read` says of packets.
fn output(options: &[&str], packets: &[Packet]) -> common::Run {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("all.pcapng");
    fs::write(&path, to_pcapng(packets)).expect("written");
    let run = common::read_all(&[&["--detail", "-q"], options].concat(), &[&path]);
    assert!(common::adds_up(&run.ledger));
    run
}

fn case(name: &str) -> Vec<Packet> {
    let file = fs::read(common::case(name).join("capture.pcap")).expect("a case");
    packets::read(&file).expect("packets")
}

/// Puts bytes before what follows the link addresses, or the whole frame.
fn tagged(packet: &Packet, id: u16) -> Packet {
    let mut packet = packet.clone();
    assert_eq!(packet.link, 1);
    let [high, low] = id.to_be_bytes();
    packet.data.splice(12..12, [0x81, 0, high, low]);
    packet.wire += 4;
    packet
}

fn in_udp(packet: &Packet, port: u16, head: &[u8]) -> Packet {
    let frame = [head, &packet.data].concat();
    let length = |more: usize| u16::try_from(frame.len() + more).expect("short").to_be_bytes();
    let mut data = vec![2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 8, 8, 0, 0x45, 0];
    data.extend(length(28));
    data.extend([0, 0, 0, 0, 64, 17, 0, 0, 10, 1, 1, 1, 10, 1, 1, 2, 0xC3, 0x50]);
    data.extend(port.to_be_bytes());
    data.extend(length(8));
    data.extend([0, 0]);
    data.extend(&frame);
    Packet { wire: u32::try_from(data.len()).expect("short"), data, ..packet.clone() }
}

fn vxlan(packet: &Packet, vni: u16) -> Packet {
    let [high, low] = vni.to_be_bytes();
    in_udp(packet, 4789, &[8, 0, 0, 0, 0, high, low, 0])
}

fn geneve(packet: &Packet, vni: u16) -> Packet {
    let [high, low] = vni.to_be_bytes();
    in_udp(packet, 6081, &[0, 0, 0x65, 0x58, 0, high, low, 0])
}

/// Takes the network out of an object and returns it.
fn network(object: &mut Value) -> Value {
    let keys = object.as_object_mut().expect("an object");
    json!([keys.remove("vlan"), keys.remove("vni")])
}

#[test]
fn two_networks_are_what_each_of_them_is() {
    type Put = fn(&Packet, u16) -> Packet;
    type Told = fn(u16) -> Value;
    let ways: [(&str, Put, &str, Told); 4] = [
        ("vlan", tagged, "--conn-key=vlan", |n| json!([[n], null])),
        ("vxlan", vxlan, "--conn-key=vni", |n| json!([null, n])),
        ("geneve", geneve, "--conn-key=vlan,vni", |n| json!([null, n])),
        ("both", |p, n| vxlan(&tagged(p, 5), n), "--conn-key=vni,vlan", |n| json!([[5], n])),
    ];
    // TLS, Enterprise Extender also under AH, AH, ESP also in UDP and without encryption, IKE.
    for name in [
        "tls12-full",
        "ee-ends",
        "ee-ipsec",
        "ah-transport",
        "ikev2-nat",
        "ikev2-rsa-fragments",
        "esp-null",
    ] {
        let packets = case(name);
        let alone = output(&[], &packets);
        let mut expected: Vec<Value> =
            alone.connections.iter().chain(&alone.lines).cloned().collect();
        expected.retain(|line| !line.is_null());
        for (way, put, option, told) in ways {
            // Each packet of one network, and right after it that of the other.
            let both = packets.iter().flat_map(|p| [put(p, 10), put(p, 20)]);
            let both: Vec<Packet> = both.collect();
            let run = output(&[option], &both);
            let mut found: Vec<(Value, Value)> = (run.connections.iter().chain(&run.lines))
                .map(|line| {
                    let mut line = line.clone();
                    (network(&mut line), line)
                })
                .collect();
            assert_eq!(found.len(), 2 * expected.len(), "{name} {way}");
            for number in [10, 20] {
                let of = |(network, _): &(Value, Value)| *network == told(number);
                let mut mine: Vec<Value> =
                    found.iter().filter(|pair| of(pair)).map(|(_, line)| line.clone()).collect();
                let mut expected = expected.clone();
                for line in mine.iter_mut().chain(&mut expected) {
                    // Identifiers go through all connections.
                    line.as_object_mut().expect("an object").remove("connection_id");
                }
                assert_eq!(mine, expected, "{name} {way} {number}");
                found.retain(|pair| !of(pair));
            }
            assert!(found.is_empty(), "{name} {way}");
            // As one network they are copies of each other.
            let run = output(&[], &both);
            let all = run.connections.len() + run.lines.len();
            assert_eq!(all, expected.len(), "{name} {way}");
            assert!(
                run.ledger["counters"]["duplicate"]["packets"].as_u64() > Some(3),
                "{name} {way}"
            );
        }
    }
}

#[test]
fn the_network_is_told_only_where_it_is_asked_for() {
    let packets: Vec<Packet> = case("tls12-full").iter().map(|p| tagged(p, 10)).collect();
    for (options, expected) in [
        (&[][..], json!([null, null])),
        (&["--conn-key", "vni"], json!([null, null])),
        (&["--conn-key", "vlan"], json!([[10], null])),
    ] {
        let mut run = output(options, &packets);
        assert_eq!(network(&mut run.connections[0]), expected, "{options:?}");
        assert_eq!(run.ledger["frames"]["networks_not_told_apart"], 0);
    }
}
