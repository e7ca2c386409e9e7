//! One captured frame to one transport packet: link types, VLAN tags and
//! labels, tunnels in one bounded loop, IP with its extension headers,
//! fragments in a bounded pool.
//!
//! Lengths come from the IP header where it makes sense, because a capture may
//! hold less than the wire had (snap length) or a frame more than the packet
//! (padding). Checksums are not looked at: offloading makes them wrong in
//! captures of the sending host.

mod copies;
mod device;
mod encapsulation;
mod end_points;
mod esp;
mod fast_path;
mod fragment;
mod identity;
mod layer;
mod link;
mod mpls;
mod net;
mod network;
mod offload;
mod probe;
mod tags;
mod tunnel;
mod wan;
mod wireless;

use std::net::IpAddr;

use copies::Copies;
use esp::EspFlows;
use identity::IpIdentity;
use network::NetworkTags;

pub use encapsulation::{Encapsulation, Options};
pub use end_points::{Address, EndPoints};
pub use fragment::{FragmentCounters, FragmentPool};
pub use identity::{Identity, STAMPED};
pub use layer::{Layer, Wireless};
pub use network::{Network, Networks};

/// TCP flag bits, as in the header.
pub mod flag {
    /// No more data from the sender.
    pub const FIN: u8 = 0x01;
    /// Synchronize sequence numbers.
    pub const SYN: u8 = 0x02;
    /// Reset the connection.
    pub const RST: u8 = 0x04;
    /// Push.
    pub const PSH: u8 = 0x08;
    /// The acknowledgment number is significant.
    pub const ACK: u8 = 0x10;
}

/// A TCP segment, with its payload as a place in the arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Sequence number.
    pub seq: u32,
    /// Acknowledgment number.
    pub ack: u32,
    /// Flags, see [`flag`].
    pub flags: u8,
    /// Bytes of options, which lie before the payload; [`CUT_OPTIONS`] if the capture cut them.
    pub options: u8,
    /// The window, not scaled.
    pub window: u16,
    /// Offset of the payload in the arena.
    pub payload: u32,
    /// Payload bytes captured.
    pub captured: u32,
    /// Payload bytes on the wire.
    pub length: u32,
    /// What tells it from another of the same content.
    pub identity: Identity,
}

/// Options of a [`Segment`] that were not all captured: more than there can be.
const CUT_OPTIONS: u8 = u8::MAX;

impl Segment {
    /// The payload, as far as it was captured.
    #[inline]
    pub fn payload<'a>(&self, arena: &'a [u8]) -> &'a [u8] {
        let rest = arena.get(self.payload as usize..).unwrap_or_default();
        rest.get(..self.captured as usize).unwrap_or_default()
    }

    /// Whether the sender of a SYN offers SMC (RFC 7609 section 3.1): an experimental option
    /// (RFC 6994) whose identifier is `SMCR` in EBCDIC.
    pub fn offers_smc(&self, arena: &[u8]) -> bool {
        const NOP: u8 = 1;
        const EXPERIMENT: u8 = 254;
        let end = self.payload as usize;
        let begin = end.checked_sub(self.options.into()).filter(|_| self.options != CUT_OPTIONS);
        let mut rest = begin.and_then(|begin| arena.get(begin..end)).unwrap_or_default();
        loop {
            rest = match rest {
                [EXPERIMENT, length, 0xE2, 0xD4, 0xC3, 0xD9, ..] if *length >= 6 => return true,
                [NOP, rest @ ..] => rest,
                [_, length, ..] if *length >= 2 => {
                    rest.get(usize::from(*length)..).unwrap_or_default()
                }
                _ => return false,
            };
        }
    }

    /// By how many bits the sender of a SYN scales its windows (RFC 7323 section 2.2); `None`
    /// within if it does not say so, `None` at all if the capture cut the options.
    pub fn window_scale(&self, arena: &[u8]) -> Option<Option<u8>> {
        const END: u8 = 0;
        const NOP: u8 = 1;
        const WINDOW_SCALE: u8 = 3;
        if self.options == CUT_OPTIONS {
            return None;
        }
        let end = self.payload as usize;
        let mut rest = arena.get(end.checked_sub(self.options.into())?..end)?;
        loop {
            rest = match rest {
                [WINDOW_SCALE, 3, bits, ..] => return Some(Some(*bits)),
                [NOP, rest @ ..] => rest,
                [] | [END, ..] => return Some(None),
                [_, length, ..] if *length >= 2 => {
                    rest.get(usize::from(*length)..).unwrap_or_default()
                }
                _ => return Some(None),
            };
        }
    }
}

/// A UDP datagram, with its payload as a place in the arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// Source address.
    pub src: IpAddr,
    /// Destination address.
    pub dst: IpAddr,
    /// Source port.
    pub src_port: u16,
    /// Destination port.
    pub dst_port: u16,
    /// Identification of its IP header; 0 if there is none.
    pub id: u16,
    /// Number of its network, see [`Networks`].
    pub network: u16,
    /// Offset of the payload in the arena.
    pub payload: u32,
    /// Payload bytes captured.
    pub captured: u32,
    /// Payload bytes on the wire.
    pub length: u32,
}

/// Which of IPsec's protocols.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum IpsecProtocol {
    /// Encapsulating Security Payload.
    Esp,
    /// Authentication Header.
    Ah,
}

/// An ESP or AH header that a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipsec {
    /// Source address.
    pub src: IpAddr,
    /// Destination address.
    pub dst: IpAddr,
    /// Which protocol.
    pub protocol: IpsecProtocol,
    /// Security parameters index.
    pub spi: u32,
    /// Sequence number.
    pub sequence: u32,
    /// Bytes on the wire from the header on.
    pub length: u32,
    /// Tunnel mode is an IP packet inside. Encryption hides it.
    pub tunnel_mode: Option<bool>,
    /// ESP that does not encrypt.
    pub null_encryption: bool,
    /// Bytes of the check value, where its length shows and is not also that
    /// of another form.
    pub check_value: Option<u8>,
    /// Ports of ESP in UDP (RFC 3948).
    pub ports: Option<(u16, u16)>,
    /// Number of its network, see [`Networks`].
    pub network: u16,
}

/// What a frame turned out to be. Every frame is exactly one of these; the
/// ledger counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A TCP segment.
    Tcp(EndPoints, Segment),
    /// A UDP datagram that is no tunnel.
    Udp(Datagram),
    /// ICMP or ICMPv6.
    Icmp,
    /// Encapsulating Security Payload, encrypted; its header is in [`Parser::ipsec`].
    Esp,
    /// Headers of sampled packets (sFlow).
    Sampled,
    /// IP with another protocol.
    OtherIp,
    /// A fragment that completed nothing yet.
    Fragment,
    /// A fragment, or an AH or ESP packet, that was seen already.
    Duplicate,
    /// Not IP: ARP, spanning tree, routing over LLC and the like.
    NotIp,
    /// Headers that contradict themselves.
    Malformed,
    /// The capture ends inside a header.
    Cut,
    /// A link type that is not read.
    UnsupportedLink,
    /// Tunnels nested deeper than [`MAX_DEPTH`].
    TooDeep,
}

/// The link type of Ethernet.
const ETHERNET: u16 = 1;

/// Layers that one frame may hold, link and IP headers counted alike.
pub const MAX_DEPTH: usize = 24;

/// What is odd in a frame without making it unreadable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Oddities {
    /// An IP length of zero, or of the header alone, as segmentation offload leaves it.
    pub zero_ip_length: u64,
    /// An IP length beyond the end of the frame on the wire.
    pub ip_length_beyond_frame: u64,
    /// A frame that the capture cut short.
    pub cut_frames: u64,
    /// Packets beyond the first of frames that hold several.
    pub aggregated_packets: u64,
}

/// Where in an arena a captured frame lies, and what it was on the wire.
#[derive(Clone, Copy, Debug)]
pub struct Captured {
    /// Link-layer header type: a number of the LINKTYPE registry.
    pub link: u16,
    /// Offset of its first byte.
    pub start: u32,
    /// Bytes of it that were captured.
    pub captured: u32,
    /// Bytes that it had on the wire.
    pub wire: u32,
}

impl Captured {
    #[inline]
    fn span(self) -> Span {
        let at = self.start as usize;
        let (captured, wire) = (self.captured as usize, self.wire as usize);
        Span { at, end: at + captured, wire_end: at + wire.max(captured) }
    }
}

/// A stretch of the arena that is being looked at: captured to `end`, on the
/// wire to `wire_end`.
#[derive(Clone, Copy, Debug)]
struct Span {
    at: usize,
    end: usize,
    wire_end: usize,
}

impl Span {
    fn captured(self) -> usize {
        self.end.saturating_sub(self.at)
    }

    fn wire(self) -> usize {
        self.wire_end.saturating_sub(self.at)
    }

    fn skip(self, n: usize) -> Self {
        Self { at: self.at + n, ..self }
    }

    /// The same start, at most `n` bytes on the wire.
    fn limit(self, n: usize) -> Self {
        let wire_end = self.at + n;
        Self { at: self.at, end: self.end.min(wire_end), wire_end }
    }

    /// The same start, at most `n` bytes on the wire and no more than there are.
    fn within(self, n: usize) -> Self {
        self.limit(n.min(self.wire()))
    }

    fn bytes(self, arena: &[u8]) -> &[u8] {
        arena.get(self.at..self.end).unwrap_or_default()
    }

    /// The first `n` bytes, or the verdict that they are not there: cut if the
    /// wire had them, malformed if it had not.
    fn first(self, arena: &[u8], n: usize) -> Result<&[u8], Frame> {
        self.bytes(arena).get(..n).ok_or(self.lacks(n))
    }

    /// The same of a number that is known, so that what is in it can be taken by its
    /// place.
    fn head<const N: usize>(self, arena: &[u8]) -> Result<&[u8; N], Frame> {
        self.bytes(arena).first_chunk().ok_or(self.lacks(N))
    }

    fn lacks(self, n: usize) -> Frame {
        if self.wire() >= n { Frame::Cut } else { Frame::Malformed }
    }
}

/// What a layer says comes next.
#[derive(Clone, Copy, Debug)]
enum Next {
    /// A frame of a link type.
    Link(u16, Span),
    /// A payload by EtherType.
    EtherType(u16, Span),
    /// An LLC header (IEEE 802.2).
    Llc(Span),
    /// An IEEE 802.11 frame, and whether its header is filled to a multiple of four.
    Wireless(Span, bool),
    /// A payload by PPP protocol number.
    Ppp(u16, Span),
    /// An IP packet, the version in its first four bits.
    Ip(Span),
    /// A payload by IP protocol number.
    Protocol(u8, IpAddr, IpAddr, Span),
    /// The end.
    Done(Frame),
}

/// Turns frames into packets. It holds the fragments that wait for others.
#[derive(Debug, Default)]
pub struct Parser {
    fragments: FragmentPool,
    oddities: Oddities,
    ipsec: Vec<Ipsec>,
    esp: EspFlows,
    copies: Copies,
    tags: NetworkTags,
    /// Of the frame, see [`Self::stamp`].
    ts: i64,
    /// Of the innermost IP header so far.
    ip_identity: IpIdentity,
    layer: Option<Layer>,
    /// What follows the packet that was read in a frame that holds several.
    further: Option<Span>,
    /// IP headers of the frame so far.
    ip_headers: u32,
    options: Options,
}

impl Parser {
    /// A parser that knows further ports and tags.
    pub fn new(options: Options) -> Self {
        let fragments = FragmentPool::new(options.keep_duplicates);
        Self { options, fragments, ..Self::default() }
    }

    /// What a datagram on a port that says nothing looks like.
    pub fn resembles(&self, arena: &[u8], datagram: &Datagram) -> Option<Encapsulation> {
        encapsulation::resembles(&self.options, arena, datagram)
    }

    /// Takes the time stamp of the frame that is read next, in nanoseconds since 1970: copies
    /// of packets are told by it, not by the clock.
    pub fn stamp(&mut self, ts: i64) {
        self.ts = ts;
    }

    /// Reads a frame of the arena.
    ///
    /// A fragment that completes its datagram appends the datagram to the
    /// arena; the packet's payload then lies there.
    pub fn parse(&mut self, arena: &mut Vec<u8>, captured: Captured, clock: i64) -> Frame {
        let span = captured.span();
        self.oddities.cut_frames += u64::from(captured.wire > captured.captured);
        self.ipsec.clear();
        self.further = None;
        self.tags.clear();
        if captured.link == ETHERNET
            && !self.options.tells_networks_apart()
            && let Some(frame) = fast_path::usual(&self.options, arena, span)
        {
            return frame;
        }
        self.walk(arena, Next::Link(captured.link, span), clock)
    }

    /// Reads the next packet of the last frame, where that holds several (an A-MSDU of IEEE
    /// 802.11), and says how many bytes it had on the wire.
    pub fn parse_further(&mut self, arena: &mut Vec<u8>, clock: i64) -> Option<(Frame, u32)> {
        let span = self.further.take()?;
        self.ipsec.clear();
        self.layer = None;
        self.oddities.aggregated_packets += 1;
        match wireless::aggregated(arena, span, &mut self.further) {
            Ok(packet) => {
                let wire = narrow(packet.wire());
                Some((self.walk(arena, Next::Llc(packet), clock), wire))
            }
            Err(frame) => {
                self.layer = Some(Layer::Wireless(Wireless::Data));
                Some((frame, narrow(span.wire())))
            }
        }
    }

    /// Reads a frame if it is of the form that nearly all have, and holds a TCP segment
    /// under neither AH nor ESP: it says the same of it as [`Self::parse`]. `None`, and
    /// nothing counted, if it is of another form.
    #[inline(always)]
    pub fn fast_path(&mut self, arena: &[u8], captured: Captured) -> Option<(EndPoints, Segment)> {
        if captured.link != ETHERNET || self.options.tells_networks_apart() {
            return None;
        }
        let Frame::Tcp(ends, segment) = fast_path::usual(&self.options, arena, captured.span())?
        else {
            return None;
        };
        self.oddities.cut_frames += u64::from(captured.wire > captured.captured);
        Some((ends, segment))
    }

    /// Reads the last frame on where it is ESP in UDP (RFC 3948).
    pub fn parse_esp(&mut self, arena: &mut Vec<u8>, datagram: &Datagram, clock: i64) -> Frame {
        let at = datagram.payload as usize;
        let end = at + datagram.captured as usize;
        let span = Span { at, end, wire_end: at + datagram.length as usize };
        self.ip_identity = IpIdentity { id: datagram.id, hop_limit: 0 };
        let ends = (datagram.src, datagram.dst, Some((datagram.src_port, datagram.dst_port)));
        // RFC 5840 section 2.1: wrapped ESP has the marker 2 in UDP.
        let step = match span.bytes(arena) {
            [0, 0, 0, 2, ..] => net::wesp(self, arena, ends, span.skip(4)),
            _ => net::esp(self, arena, ends, span),
        };
        self.walk(arena, step.unwrap_or_else(Next::Done), clock)
    }

    #[inline(never)]
    fn walk(&mut self, arena: &mut Vec<u8>, next: Next, clock: i64) -> Frame {
        let mut frame = self.layers(arena, next, clock);
        if self.options.tells_networks_apart() {
            match &mut frame {
                Frame::Tcp(ends, _) => ends.network = self.tags.number(),
                Frame::Udp(datagram) => datagram.network = self.tags.number(),
                _ => {}
            }
        }
        frame
    }

    /// The number of the network of what is being read.
    fn network(&mut self) -> u16 {
        if self.options.tells_networks_apart() { self.tags.number() } else { 0 }
    }

    fn layers(&mut self, arena: &mut Vec<u8>, mut next: Next, clock: i64) -> Frame {
        self.layer = None;
        self.ip_headers = 0;
        for _ in 0..MAX_DEPTH {
            let here = next;
            let step = match next {
                Next::Link(link, span) => link::link(arena, link, span),
                Next::EtherType(ether_type, span) => {
                    if self.options.vlan && tags::is_vlan(&self.options, ether_type) {
                        self.tags.vlan(arena, span);
                    }
                    tags::ether_type(&self.options, arena, ether_type, span)
                }
                Next::Llc(span) => link::llc(arena, span),
                Next::Wireless(span, padded) => {
                    wireless::frame(arena, span, padded, &mut self.further)
                }
                Next::Ppp(protocol, span) => link::ppp(arena, protocol, span),
                Next::Ip(span) => {
                    self.tags.ip();
                    net::ip(self, arena, span, clock)
                }
                Next::Protocol(protocol, src, dst, span) => {
                    let ends = (src, dst, self.ip_identity);
                    let inside = tunnel::protocol(&self.options, arena, protocol, ends, span);
                    let in_tunnel =
                        matches!(inside, Ok(ref next) if !matches!(next, Next::Done(_)));
                    if self.options.vni
                        && in_tunnel
                        && let Some(vni) =
                            tunnel::virtual_network(&self.options, arena, protocol, span)
                    {
                        self.tags.virtual_network(vni);
                    }
                    inside
                }
                Next::Done(frame) => return frame,
            };
            next = match step {
                Ok(Next::Done(frame)) => return frame,
                Ok(next) => next,
                Err(frame) => {
                    self.layer = Layer::of(here, arena);
                    return frame;
                }
            };
        }
        match next {
            Next::Done(frame) => frame,
            _ => Frame::TooDeep,
        }
    }

    /// Whether a datagram was seen already: a capture may have it twice.
    pub fn is_copy(&mut self, arena: &[u8], datagram: &Datagram) -> bool {
        !self.options.keep_duplicates && self.copies.of_datagram(datagram, arena, self.ts)
    }

    /// The header at which the reading of the last frame ended, where it did not end at a
    /// segment.
    pub fn layer(&self) -> Option<Layer> {
        self.layer
    }

    /// The ESP and AH headers of the last frame, the outer first.
    #[inline]
    pub fn ipsec(&self) -> &[Ipsec] {
        &self.ipsec
    }

    /// ESP security associations that were forgotten to make room.
    pub fn esp_evicted(&self) -> u64 {
        self.esp.evicted
    }

    /// What was odd so far.
    pub fn oddities(&self) -> Oddities {
        self.oddities
    }

    /// The networks that were told apart so far, and are from now on.
    pub fn networks(&self) -> Networks {
        self.tags.networks()
    }

    /// Packets of more networks than are told apart.
    pub fn networks_refused(&self) -> u64 {
        self.tags.refused
    }

    /// What became of fragments so far.
    pub fn fragment_counters(&self) -> FragmentCounters {
        self.fragments.counters()
    }
}

/// Arena offsets and packet lengths fit 32 bits.
fn narrow(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

fn be16(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).copied().map_or(0, u16::from_be_bytes)
}

fn be32(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).copied().map_or(0, u32::from_be_bytes)
}

#[cfg(test)]
mod tests;
