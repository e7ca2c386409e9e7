//! The ledger: every packet and every byte in exactly one counter.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::ike_peers::PeerCounts;
use super::not_followed::{NotFollowed, RoutedAddress, RoutedAddresses, Told};
use crate::frame::{FragmentCounters, Frame, Oddities};
use crate::source::Totals;

/// Packets and the bytes they had on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Count {
    /// Packets.
    pub packets: u64,
    /// Bytes on the wire, link header included.
    pub bytes: u64,
}

impl Count {
    /// Adds a packet.
    pub fn add(&mut self, bytes: u32) {
        self.packets += 1;
        self.bytes += u64::from(bytes);
    }

    /// What is left without another count.
    pub fn without(self, other: Self) -> Self {
        Self {
            packets: self.packets.saturating_sub(other.packets),
            bytes: self.bytes.saturating_sub(other.bytes),
        }
    }

    /// Adds another count.
    pub fn join(&mut self, other: Self) {
        self.packets += other.packets;
        self.bytes += other.bytes;
    }
}

/// Where a packet ended. The names are the keys of the ledger's `counters`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PacketDisposition {
    /// A segment of a followed TCP connection.
    TcpFollowed,
    /// A segment of a connection whose start was not seen.
    TcpMidstream,
    /// TCP between addresses of which none is the stack's.
    TcpRouted,
    /// UDP of no use here.
    Udp,
    /// Enterprise Extender.
    Ee,
    /// IKE.
    Ike,
    /// ICMP.
    Icmp,
    /// ESP, also in UDP.
    Esp,
    /// Headers of sampled packets.
    Sampled,
    /// Another IP protocol.
    OtherIp,
    /// A fragment that waited for others.
    IpFragment,
    /// Not IP.
    NotIp,
    /// Headers that contradict themselves.
    Malformed,
    /// The capture ended inside a header.
    Cut,
    /// A link type that is not read.
    UnsupportedLink,
    /// Tunnels nested too deep.
    TooDeep,
    /// The filter refused it.
    Filtered,
    /// Outside of the period that is read.
    OutsideTime,
    /// A copy of a packet that is followed: the capture has it more than once.
    Duplicate,
}

/// All dispositions with their names in the output.
pub const DISPOSITIONS: [(PacketDisposition, &str); 19] = [
    (PacketDisposition::TcpFollowed, "tcp_followed"),
    (PacketDisposition::TcpMidstream, "tcp_midstream"),
    (PacketDisposition::TcpRouted, "tcp_routed"),
    (PacketDisposition::Udp, "udp"),
    (PacketDisposition::Ee, "ee"),
    (PacketDisposition::Ike, "ike"),
    (PacketDisposition::Icmp, "icmp"),
    (PacketDisposition::Esp, "esp"),
    (PacketDisposition::Sampled, "sampled"),
    (PacketDisposition::OtherIp, "other_ip"),
    (PacketDisposition::IpFragment, "ip_fragment"),
    (PacketDisposition::NotIp, "not_ip"),
    (PacketDisposition::Malformed, "malformed"),
    (PacketDisposition::Cut, "cut"),
    (PacketDisposition::UnsupportedLink, "unsupported_link"),
    (PacketDisposition::TooDeep, "too_deep"),
    (PacketDisposition::Filtered, "filtered"),
    (PacketDisposition::OutsideTime, "outside_time"),
    (PacketDisposition::Duplicate, "duplicate"),
];

impl PacketDisposition {
    /// Those whose packets count in a connection, an IKE exchange or a tunnel.
    pub const FOLLOWED: [Self; 5] =
        [Self::TcpFollowed, Self::TcpMidstream, Self::Ee, Self::Ike, Self::Esp];

    /// The disposition of a frame that is no TCP segment.
    pub fn of(frame: &Frame) -> Option<Self> {
        Some(match frame {
            Frame::Tcp(..) => return None,
            Frame::Udp(_) => Self::Udp,
            Frame::Icmp => Self::Icmp,
            Frame::Esp => Self::Esp,
            Frame::Sampled => Self::Sampled,
            Frame::OtherIp => Self::OtherIp,
            Frame::Fragment => Self::IpFragment,
            Frame::NotIp => Self::NotIp,
            Frame::Malformed => Self::Malformed,
            Frame::Cut => Self::Cut,
            Frame::UnsupportedLink => Self::UnsupportedLink,
            Frame::TooDeep => Self::TooDeep,
            Frame::Duplicate => Self::Duplicate,
        })
    }
}

/// What became of connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Connections {
    /// Seen at all.
    pub seen: u64,
    /// Whose three-way handshake was completed.
    pub established: u64,
    /// Whose start was not seen.
    pub midstream: u64,
    /// Whose end was seen.
    pub closed: u64,
    /// Open when the capture ended.
    pub open: u64,
    /// Given up because the table was full.
    pub evicted: u64,
    /// Never established, and quiet for long: forgotten.
    pub expired: u64,
    /// Enterprise Extender connections, which are among none of the others.
    pub ee: u64,
    /// Protected by TLS or SSL.
    pub tls: u64,
    /// Protected by SSH.
    pub ssh: u64,
    /// Under AH, or ESP without encryption.
    pub ipsec: u64,
    /// Whose handshake failed or did not complete.
    pub failed: u64,
    /// Established, and proved to be without recognised protection.
    pub unprotected: u64,
    /// Whose data go by SMC, not over TCP.
    pub smc: u64,
    /// Whose protection the capture does not show: established, or midstream.
    pub not_known: u64,
    /// Of which the capture lacks something.
    pub incomplete: u64,
}

/// What was odd in the streams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Streams {
    /// Segments that brought bytes again.
    pub retransmitted_segments: u64,
    /// Segments that contradicted bytes seen before.
    pub conflicting_segments: u64,
    /// Segments too far from the window to be part of the stream.
    pub out_of_window_segments: u64,
    /// Resets and SYNs that their receiver did not accept: outside of its window, or both
    /// sides went on.
    pub unaccepted_segments: u64,
    /// Payload bytes that were not captured.
    pub missed_bytes: u64,
    /// Handshakes whose bytes were given up because all held too many.
    pub handshakes_given_up: u64,
}

/// Written output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Written {
    /// SMF records.
    pub records: u64,
    /// Bytes of SMF records.
    pub record_bytes: u64,
    /// Long silences whose recording intervals were joined.
    pub intervals_joined: u64,
    /// Connections that no summary counts because there were too many sessions.
    pub sessions_refused: u64,
    /// Identifiers and tickets of TLS sessions that were forgotten because there were too
    /// many.
    pub tls_sessions_forgotten: u64,
}

/// What was odd in frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Frames {
    /// IP length of zero, or of the header alone: segmentation offload.
    pub zero_ip_length: u64,
    /// IP length beyond the frame.
    pub ip_length_beyond_frame: u64,
    /// Frames cut by a snap length.
    pub cut_frames: u64,
    /// Packets beyond the first of frames that hold several (A-MSDU of 802.11).
    pub aggregated_packets: u64,
    /// Datagrams put together from fragments.
    pub datagrams_reassembled: u64,
    /// Datagrams whose fragments did not all come.
    pub datagrams_incomplete: u64,
    /// Datagrams given up because a bound was reached.
    pub datagrams_evicted: u64,
    /// Fragments refused.
    pub fragments_refused: u64,
    /// Fragments that overlapped others.
    pub fragments_overlapping: u64,
    /// Packets of networks beyond those that are told apart by VLAN and virtual network.
    pub networks_not_told_apart: u64,
}

impl Frames {
    /// Joins the counters of `frame`.
    pub fn new(odd: Oddities, fragments: FragmentCounters) -> Self {
        Self {
            zero_ip_length: odd.zero_ip_length,
            ip_length_beyond_frame: odd.ip_length_beyond_frame,
            cut_frames: odd.cut_frames,
            aggregated_packets: odd.aggregated_packets,
            datagrams_reassembled: fragments.reassembled,
            datagrams_incomplete: fragments.expired,
            datagrams_evicted: fragments.evicted,
            fragments_refused: fragments.refused,
            fragments_overlapping: fragments.overlapping,
            networks_not_told_apart: 0,
        }
    }
}

/// Input that was passed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Input {
    /// Files read, or interfaces.
    pub files: u64,
    /// Files of directories that cannot be opened or are no captures.
    pub files_left_out: u64,
    /// Places where something was passed over.
    pub damaged_places: u64,
    /// Bytes passed over.
    pub damaged_bytes: u64,
    /// Packets whose time stamps are far from those before and after: they are taken as
    /// captured with their neighbours.
    pub wrong_times: u64,
    /// How often the clock of the time stamps was set back.
    pub clock_set_back: u64,
    /// Packets that the kernel had no room for, while capturing.
    pub dropped_packets: u64,
    /// Packets that an interface had no room for.
    pub interface_dropped_packets: u64,
}

impl From<Totals> for Input {
    fn from(t: Totals) -> Self {
        Self {
            files: t.files,
            files_left_out: t.files_left_out,
            damaged_places: t.damaged_places,
            damaged_bytes: t.damaged_bytes,
            wrong_times: t.wrong_times,
            clock_set_back: t.clock_set_back,
            dropped_packets: t.dropped_packets,
            interface_dropped_packets: t.interface_dropped_packets,
        }
    }
}

/// The counters of a run.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// Every packet.
    pub total: Count,
    counters: [Count; DISPOSITIONS.len()],
    /// Why nothing of packets is followed.
    pub not_followed: NotFollowed,
    /// Addresses of segments that are no stack's.
    pub routed: RoutedAddresses,
    /// Connections.
    pub connections: Connections,
    /// IKE and IPsec.
    pub ipsec: PeerCounts,
    /// Streams.
    pub streams: Streams,
    /// Frames.
    pub frames: Frames,
    /// Input.
    pub input: Input,
    /// Output.
    pub written: Written,
    /// Handshakes that were completed, by protocol and version.
    pub handshakes: BTreeMap<&'static str, u64>,
    /// Whether the run was interrupted.
    pub interrupted: bool,
    /// The packet clock at the first and after the last packet, in nanoseconds since 1970; not
    /// part of what is printed.
    pub period: Option<[i64; 2]>,
    /// What is held at the moment; not part of what is printed.
    pub now: Now,
}

/// What is held at the moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// TCP connections that are followed, ended ones of the last minute included.
    pub connections: u64,
    /// Security sessions of the intervals under way.
    pub sessions: u64,
}

impl Ledger {
    /// Counts a packet's end.
    pub fn count(&mut self, disposition: PacketDisposition, bytes: u32) {
        self.of_mut(disposition).add(bytes);
    }

    /// Counts the end of several packets.
    pub fn count_all(&mut self, disposition: PacketDisposition, count: Count) {
        self.of_mut(disposition).join(count);
    }

    /// The counter of a disposition.
    #[expect(clippy::indexing_slicing, reason = "a place for each disposition")]
    pub fn counter(&self, disposition: PacketDisposition) -> Count {
        self.counters[disposition as usize]
    }

    #[expect(clippy::indexing_slicing, reason = "a place for each disposition")]
    fn of_mut(&mut self, disposition: PacketDisposition) -> &mut Count {
        &mut self.counters[disposition as usize]
    }

    /// Adds the counters of a part of the run.
    pub fn join(&mut self, other: &Self) {
        self.total.join(other.total);
        for (mine, theirs) in self.counters.iter_mut().zip(other.counters) {
            mine.join(theirs);
        }
        self.routed.join(&other.routed);
        self.ipsec.join(other.ipsec);
        for (version, count) in &other.handshakes {
            *self.handshakes.entry(version).or_default() += count;
        }
        let (c, o) = (&mut self.connections, &other.connections);
        c.seen += o.seen;
        c.established += o.established;
        c.midstream += o.midstream;
        c.closed += o.closed;
        c.open += o.open;
        c.evicted += o.evicted;
        c.expired += o.expired;
        c.ee += o.ee;
        c.tls += o.tls;
        c.ssh += o.ssh;
        c.ipsec += o.ipsec;
        c.failed += o.failed;
        c.unprotected += o.unprotected;
        c.smc += o.smc;
        c.not_known += o.not_known;
        c.incomplete += o.incomplete;
        let (s, o) = (&mut self.streams, &other.streams);
        s.retransmitted_segments += o.retransmitted_segments;
        s.conflicting_segments += o.conflicting_segments;
        s.out_of_window_segments += o.out_of_window_segments;
        s.unaccepted_segments += o.unaccepted_segments;
        s.missed_bytes += o.missed_bytes;
        s.handshakes_given_up += o.handshakes_given_up;
        self.written.sessions_refused += other.written.sessions_refused;
    }

    /// Whether every packet and every byte is in exactly one counter.
    pub fn adds_up(&self) -> bool {
        let mut sum = Count::default();
        for disposition in self.counters {
            sum.join(disposition);
        }
        sum == self.total
    }

    /// Counts a handshake that was completed.
    pub fn handshake(&mut self, version: &'static str) {
        *self.handshakes.entry(version).or_default() += 1;
    }

    /// The ledger as it stands at a moment of a watch, in nanoseconds since 1970.
    pub fn status(&self, at: i64) -> Line<'_> {
        Line { r#type: "status", at: Some(crate::sink::jsonl::time(at)), ..self.line() }
    }

    /// The ledger as it is printed.
    pub fn line(&self) -> Line<'_> {
        Line {
            schema: crate::sink::jsonl::SCHEMA,
            r#type: "ledger",
            at: None,
            packets: self.total.packets,
            bytes: self.total.bytes,
            counters: DISPOSITIONS
                .iter()
                .map(|&(disposition, name)| (name, self.counter(disposition)))
                .collect(),
            not_followed: self.not_followed(),
            routed_addresses: self.routed_addresses(),
            connections: &self.connections,
            handshakes: &self.handshakes,
            ipsec: &self.ipsec,
            streams: &self.streams,
            frames: &self.frames,
            input: &self.input,
            written: &self.written,
            interrupted: self.interrupted,
        }
    }
}

/// The ledger as a JSON object.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Line<'a> {
    schema: u32,
    r#type: &'static str,
    /// When, in the status of a watch.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<String>,
    packets: u64,
    bytes: u64,
    counters: BTreeMap<&'static str, Count>,
    /// Packets of which nothing is followed, by reason, most frequent first.
    not_followed: Vec<Told>,
    /// Where no TCP connection has an address of the stack: the addresses seen most.
    routed_addresses: Vec<RoutedAddress>,
    connections: &'a Connections,
    /// Completed handshakes by protocol and version.
    handshakes: &'a BTreeMap<&'static str, u64>,
    ipsec: &'a PeerCounts,
    streams: &'a Streams,
    frames: &'a Frames,
    input: &'a Input,
    written: &'a Written,
    interrupted: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dispositions_are_in_the_order_of_their_list() {
        for (i, (disposition, _)) in DISPOSITIONS.iter().enumerate() {
            assert_eq!(*disposition as usize, i);
        }
    }

    #[test]
    fn a_packet_that_is_not_counted_is_missed() {
        let mut ledger = Ledger::default();
        ledger.total.add(60);
        assert!(!ledger.adds_up());
        ledger.count(PacketDisposition::Udp, 60);
        assert!(ledger.adds_up());
    }
}
