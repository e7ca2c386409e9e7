//! How the packets of a connection are found again: a display filter of Wireshark, the numbers
//! of frames, and the Community ID that other programs give it.

use std::fmt::Write;
use std::net::IpAddr;

use data_encoding::BASE64;
use schemars::JsonSchema;
use serde::Serialize;
use sha1::{Digest, Sha1};

/// An address and a port.
type End = (IpAddr, u16);

const TCP: u8 = 6;
const UDP: u8 = 17;

/// How the packets of a connection are found.
#[derive(Debug, Default, JsonSchema, Serialize)]
pub struct PacketLocation {
    /// A display filter of Wireshark for its packets; in one file for these alone.
    display_filter: String,
    /// Community ID, version 1 with the seed 0, as Zeek, Suricata and Wireshark compute it;
    /// absent where the ports of its packets differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    community_id: Option<String>,
    /// Its first packet; absent where packets are those of interfaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    first_frame: Option<FramePlace>,
    /// Its last packet.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_frame: Option<FramePlace>,
}

/// The network that packets are of, where networks are told apart.
#[derive(Debug, Default, JsonSchema, Serialize)]
pub struct NetworkTags {
    /// VLAN identifiers, the outer first; absent where there are none, or they are not told apart.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub vlan: Vec<u16>,
    /// Identifier of the virtual network of VXLAN or Geneve, or the key of GRE.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vni: Option<u32>,
}

/// A packet of a file.
#[derive(Debug, JsonSchema, Serialize)]
pub struct FramePlace {
    /// The file, as it was named.
    pub file: String,
    /// Number of the packet in it, counted from 1 as Wireshark does.
    pub frame: u32,
}

impl PacketLocation {
    /// Of a TCP connection between two ends, with its first and last packet.
    pub fn of_tcp(ends: [End; 2], frames: Option<[FramePlace; 2]>) -> Self {
        let [(a, a_port), (b, b_port)] = ends;
        let mut filter = addresses(a, b);
        let _ = if a_port == b_port {
            write!(filter, " && tcp.srcport == {a_port} && tcp.dstport == {a_port}")
        } else {
            write!(filter, " && tcp.port == {a_port} && tcp.port == {b_port}")
        };
        Self::new(filter, Some(community_id(ends, TCP)), frames)
    }

    /// Of an Enterprise Extender connection: what two addresses send to a UDP port, from the same
    /// port or from others.
    pub fn of_ee(
        ends: [IpAddr; 2],
        port: u16,
        other_source_ports: bool,
        frames: Option<[FramePlace; 2]>,
    ) -> Self {
        let filter = format!("{} && udp.dstport == {port}", addresses(ends[0], ends[1]));
        let identifier =
            (!other_source_ports).then(|| community_id(ends.map(|ip| (ip, port)), UDP));
        Self::new(filter, identifier, frames)
    }

    fn new(
        mut filter: String,
        community_id: Option<String>,
        frames: Option<[FramePlace; 2]>,
    ) -> Self {
        let (first_frame, last_frame) = frames.map_or((None, None), |[f, l]| (Some(f), Some(l)));
        if let (Some(first), Some(last)) = (&first_frame, &last_frame)
            && first.file == last.file
        {
            // Other connections may have had the same end points before and after.
            let (first, last) = (first.frame.min(last.frame), first.frame.max(last.frame));
            let _ = write!(filter, " && frame.number >= {first} && frame.number <= {last}");
        }
        Self { display_filter: filter, community_id, first_frame, last_frame }
    }
}

/// A display filter for what is between two addresses.
fn addresses(a: IpAddr, b: IpAddr) -> String {
    let of = |ip: IpAddr| if ip.is_ipv4() { "ip" } else { "ipv6" };
    if a == b {
        format!("{0}.src == {a} && {0}.dst == {a}", of(a))
    } else {
        format!("{}.addr == {a} && {}.addr == {b}", of(a), of(b))
    }
}

/// The Community ID of a flow between two ends (<https://github.com/corelight/community-id-spec>):
/// the SHA-1 of seed, addresses, IP protocol, a zero byte and ports, all big-endian, the lower end
/// first.
pub fn community_id(ends: [End; 2], protocol: u8) -> String {
    let octets = |ip: IpAddr| match ip {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    };
    let mut ends = ends.map(|(ip, port)| (octets(ip), port));
    ends.sort();
    let [(low, low_port), (high, high_port)] = ends;
    let mut hash = Sha1::new();
    hash.update([0, 0]);
    hash.update(low);
    hash.update(high);
    hash.update([protocol, 0]);
    hash.update(low_port.to_be_bytes());
    hash.update(high_port.to_be_bytes());
    format!("1:{}", BASE64.encode(&hash.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(ip: &str, port: u16) -> End {
        (ip.parse().expect("an address"), port)
    }

    #[test]
    fn community_ids_are_those_of_the_published_vectors() {
        // From the baseline of the specification's repository.
        for (a, b, protocol, expected) in [
            (
                end("128.232.110.120", 34855),
                end("66.35.250.204", 80),
                TCP,
                "1:LQU9qZlK+B5F3KDmev6m5PMibrg=",
            ),
            (end("192.168.1.52", 54585), end("8.8.8.8", 53), UDP, "1:d/FP5EW3wiY1vCndhwleRRKHowQ="),
            (
                end("2001:470:e5bf:dead:4957:2174:e82c:4887", 63943),
                end("2607:f8b0:400c:c03::1a", 25),
                TCP,
                "1:/qFaeAR+gFe1KYjMzVDsMv+wgU4=",
            ),
            (
                end("192.168.170.8", 7),
                end("192.168.170.56", 7),
                132,
                "1:MP2EtRCAUIZvTw6MxJHLV7N7JDs=",
            ),
        ] {
            assert_eq!(community_id([a, b], protocol), expected);
            assert_eq!(community_id([b, a], protocol), expected);
        }
    }

    #[test]
    fn display_filters_name_ends_and_frames() {
        let filter = |a, b, frames| PacketLocation::of_tcp([a, b], frames).display_filter;
        let place = |file: &str, frame| FramePlace { file: file.to_owned(), frame };
        assert_eq!(
            filter(end("192.0.2.1", 1024), end("192.0.2.2", 23), None),
            "ip.addr == 192.0.2.1 && ip.addr == 192.0.2.2 && tcp.port == 1024 && tcp.port == 23"
        );
        assert_eq!(
            filter(end("::1", 7), end("::1", 7), Some([place("a", 3), place("a", 9)])),
            "ipv6.src == ::1 && ipv6.dst == ::1 && tcp.srcport == 7 && tcp.dstport == 7 && \
             frame.number >= 3 && frame.number <= 9"
        );
        // In two files a number says nothing without its file.
        let two = filter(end("::1", 7), end("::2", 8), Some([place("a", 3), place("b", 9)]));
        assert!(!two.contains("frame"), "{two}");
    }
}
