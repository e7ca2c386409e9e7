//! How a sender cuts its bytes into segments, and in which order these arrive, changes nothing of
//! what is said of a connection: every case with its segments cut into pieces, the pieces in other
//! orders, and some of them twice.

mod common;
#[path = "common/packets.rs"]
mod packets;

use std::sync::Mutex;

use packets::Packet;
use rayon::prelude::*;
use serde_json::Value;

/// Offsets of Ethernet and IPv4 headers without options.
const IP: usize = 14;
const TCP: usize = IP + 20;
const FIN: u8 = 1;
const PSH: u8 = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Kept,
    /// Eight pieces each from the last to the first.
    Reversed,
    /// Each piece overlaps the one before it by half.
    Overlapping,
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

/// The payload of a TCP segment in IPv4 and Ethernet: its first byte and the one after its last.
fn payload(packet: &Packet) -> Option<(usize, usize)> {
    let data = &packet.data;
    if packet.link != 1 || data.get(12..15)? != [8, 0, 0x45] || *data.get(IP + 9)? != 6 {
        return None;
    }
    // A fragment, or what was captured in part, stays as it is.
    if u16::from_be_bytes([data[IP + 6], data[IP + 7]]) & 0x3FFF != 0 {
        return None;
    }
    let end = IP + usize::from(u16::from_be_bytes([data[IP + 2], data[IP + 3]]));
    let begin = TCP + usize::from(*data.get(TCP + 12)? >> 4) * 4;
    (begin < end && end <= data.len()).then_some((begin, end))
}

/// A packet as several, each with a part of its payload.
fn pieces(packet: &Packet, size: usize, order: Order) -> Vec<Packet> {
    let Some((begin, end)) = payload(packet) else { return vec![packet.clone()] };
    let headers = &packet.data[..begin];
    let sequence = word(&packet.data, TCP + 4);
    let flags = packet.data[TCP + 13];
    let bytes = &packet.data[begin..end];
    // SYN and RST with data, and TCP Fast Open, are one segment.
    if flags & 6 != 0 || bytes.len() <= size {
        return vec![packet.clone()];
    }
    let mut out = Vec::new();
    for at in (0..bytes.len()).step_by(size) {
        let overlap = if order == Order::Overlapping { size.div_ceil(2).min(at) } else { 0 };
        let (from, to) = (at - overlap, (at + size).min(bytes.len()));
        let mut data = headers.to_vec();
        data.extend(&bytes[from..to]);
        let total = u16::try_from(data.len() - IP).expect("short").to_be_bytes();
        data[IP + 2..IP + 4].copy_from_slice(&total);
        // Each is a packet of its own.
        let id = u16::from_be_bytes([data[IP + 4], data[IP + 5]]);
        let id = id.wrapping_mul(31).wrapping_add(u16::try_from(at).unwrap_or(0) | 1);
        data[IP + 4..IP + 6].copy_from_slice(&id.to_be_bytes());
        let from = sequence.wrapping_add(u32::try_from(from).expect("short"));
        data[TCP + 4..TCP + 8].copy_from_slice(&from.to_be_bytes());
        if to < bytes.len() {
            data[TCP + 13] &= !(FIN | PSH);
        }
        out.push(Packet { wire: u32::try_from(data.len()).expect("short"), data, ..*packet });
    }
    if order == Order::Reversed {
        out.chunks_mut(8).for_each(<[Packet]>::reverse);
    }
    out
}

/// What is said of connections, without what counts segments.
fn said(packets: &[Packet]) -> Vec<Value> {
    let dir = tempfile::tempdir().expect("a directory");
    let capture = dir.path().join("capture.pcapng");
    std::fs::write(&capture, packets::to_pcapng(packets)).expect("written");
    let run = common::read(&["-q", "--include-midstream", "--threads", "1"], &[&capture]);
    let mut connections = run.connections;
    for connection in &mut connections {
        let keys = connection.as_object_mut().expect("an object");
        for key in ["segments", "retransmitted", "conflicting_segments", "datagrams"] {
            keys.remove(key);
        }
    }
    connections
}

#[test]
fn cutting_and_order_change_nothing_that_is_said() {
    let cases: Vec<_> = std::fs::read_dir(common::case("")).expect("cases").flatten().collect();
    let different = Mutex::new(Vec::new());
    let tried: usize = cases
        .par_iter()
        .map(|case| {
            let path = case.path().join("capture.pcap");
            let Some(whole) = std::fs::read(&path).ok().and_then(|f| packets::read(&f)) else {
                return 0;
            };
            if whole.iter().filter(|p| payload(p).is_some()).count() < 2 {
                return 0;
            }
            let expected = said(&whole);
            // Where something is missing, what comes after it has to begin a segment.
            if expected
                .iter()
                .any(|c| c["missed_bytes"].as_u64() > Some(0) || c["midstream"] == true)
            {
                return 0;
            }
            for (size, order) in [
                (1, Order::Kept),
                (2, Order::Reversed),
                (3, Order::Overlapping),
                (5, Order::Kept),
                (7, Order::Reversed),
                (64, Order::Reversed),
                (100, Order::Overlapping),
                (536, Order::Kept),
            ] {
                // After the handshake nothing is put in order: clear text out of order is not seen.
                let clear_again = expected.iter().any(|c| !c["clear_again_at"].is_null());
                if clear_again && order == Order::Reversed {
                    continue;
                }
                let cut: Vec<_> = whole.iter().flat_map(|p| pieces(p, size, order)).collect();
                let found = said(&cut);
                let [a, b] = [&expected, &found]
                    .map(|all| all.iter().map(|c| format!("{c:#}\n")).collect::<String>());
                if a != b {
                    let difference = common::first_difference(&a, &b);
                    let told = format!("{} {size} {order:?}: {difference}", path.display());
                    different.lock().expect("a lock").push(told);
                }
            }
            1
        })
        .sum();
    assert!(tried > 40, "{tried} cases");
    let different = different.into_inner().expect("a lock");
    assert!(different.is_empty(), "{}", different.join("\n"));
}
