//! Link layers: what stands before the IP packet.

use super::{Frame, Next, Span, be16, be32, device, probe, tags, wan};

type Step = Result<Next, Frame>;

/// Values up to here in the type field are an 802.3 length.
pub(super) const MAX_8023_LENGTH: u16 = 1500;
const PPP_IPV4: u16 = 0x0021;
const PPP_IPV6: u16 = 0x0057;
const MULTILINK: u16 = 0x003D;
const BRIDGING: u16 = 0x0031;
const MPLS_UNICAST: u16 = 0x0281;
const MPLS_MULTICAST: u16 = 0x0283;
const ETHERNET: u16 = 1;
const IEEE80211: u16 = 105;
const PRISM: u16 = 119;
const RADIOTAP: u16 = 127;
const AVS: u16 = 163;

/// Reads the link header of a LINKTYPE number.
pub(super) fn link(arena: &[u8], link: u16, span: Span) -> Step {
    match link {
        1 => ethernet(arena, span),
        0 | 108 => null(arena, span),
        // Token Ring and FDDI carry LLC behind their addresses.
        6 => token_ring(arena, span),
        10 => span.head::<13>(arena).map(|_| Next::Llc(span.skip(13))),
        // Raw IP: the file's number and the ones that systems wrote instead.
        12 | 14 | 101 | 228 | 229 => Ok(Next::Ip(span)),
        // SLIP: direction, then the compressed or plain header, 16 bytes.
        8 => span.head::<16>(arena).map(|_| Next::Ip(span.skip(16))),
        // SLIP of BSD/OS.
        15 | 102 => span.head::<24>(arena).map(|_| Next::Ip(span.skip(24))),
        9 | 50 | 51 => ppp_header(arena, link, span),
        104 => {
            let head = span.head::<4>(arena)?;
            Ok(Next::EtherType(be16(head, 2), span.skip(4)))
        }
        113 => {
            let head = span.head::<16>(arena)?;
            cooked(arena, be16(head, 2), be16(head, 14), span.skip(16))
        }
        276 => {
            let head = span.head::<20>(arena)?;
            cooked(arena, be16(head, 8), be16(head, 0), span.skip(20))
        }
        IEEE80211 => Ok(Next::Wireless(span, false)),
        RADIOTAP => radiotap(arena, span),
        PRISM | AVS => prism(arena, span),
        // ATM, IP over IEEE 1394: LLC or an EtherType behind.
        11 | 18 | 19 | 100 | 106 => wan::aal5(arena, span),
        123 => wan::sun_atm(arena, span),
        7 => wan::arcnet(arena, span, 2),
        129 => wan::arcnet(arena, span, 4),
        107 => wan::frame_relay(arena, span),
        206 => span.head::<1>(arena).and_then(|_| wan::frame_relay(arena, span.skip(1))),
        117 => wan::pflog(arena, span),
        143 => wan::docsis(arena, span),
        178..=181 => wan::juniper(arena, link, span),
        // IP over Fibre Channel (RFC 2625): a network header of two addresses, then LLC.
        122 => span.head::<16>(arena).map(|_| Next::Llc(span.skip(16))),
        138 => {
            let head = span.head::<18>(arena)?;
            Ok(Next::EtherType(be16(head, 16), span.skip(18)))
        }
        // PPP whose address says the direction, and with the direction before it.
        166 => {
            let head = span.head::<2>(arena)?;
            let headers = if head[1] == 0x03 { 2 } else { 1 };
            ppp_protocol(arena, span.skip(headers))
        }
        204 => span.head::<1>(arena).and_then(|_| ppp_protocol(arena, span.skip(1))),
        205 => span.head::<1>(arena).map(|_| Next::Link(104, span.skip(1))),
        // Solaris' observability.
        226 => span.head::<24>(arena).map(|_| Next::Ip(span.skip(24))),
        // A preamble before the frame, and what an analyzer puts before it.
        259 => span.head::<8>(arena).map(|_| Next::Link(ETHERNET, span.skip(8))),
        240 => span.head::<4>(arena).map(|_| Next::Link(ETHERNET, span.skip(4))),
        241 => span.head::<12>(arena).map(|_| Next::Link(ETHERNET, span.skip(12))),
        274 => wan::mpacket(arena, span),
        147..=162 => device::private(arena, link, span),
        175 | 176 | 197 => device::erf(arena, span),
        192 => device::ppi(arena, span),
        239 => device::nflog(arena, span),
        281 | 282 | 284 | 285 => device::switch_tag(arena, link, span),
        242 => wan::infiniband(arena, span),
        258 => wan::pktap(arena, span),
        // OpenBSD encapsulation: address family, SPI, flags.
        109 => span.head::<12>(arena).map(|_| Next::Ip(span.skip(12))),
        _ => Err(Frame::UnsupportedLink),
    }
}

fn ethernet(arena: &[u8], span: Span) -> Step {
    let head = span.head::<14>(arena)?;
    let ether_type = be16(head, 12);
    let rest = span.skip(14);
    if ether_type <= MAX_8023_LENGTH {
        Ok(tags::isl(arena, span).map_or(Next::Llc(rest), |inner| Next::Link(ETHERNET, inner)))
    } else {
        Ok(Next::EtherType(ether_type, rest))
    }
}

/// Linux cooked captures: the kind of the interface (ARPHRD) and a protocol field, which
/// is an EtherType, or a number below for frames that have none. Some interfaces have
/// another: then the packet has to show what it is.
fn cooked(arena: &[u8], interface: u16, protocol: u16, span: Span) -> Step {
    const FRAME_RELAY: u16 = 770;
    const IEEE80211_RAW: u16 = 801;
    const IEEE80211_PRISM: u16 = 802;
    const IEEE80211_RADIOTAP: u16 = 803;
    const LINUX_802_2: u16 = 0x0004;
    const LINUX_WAN_PPP: u16 = 0x0007;
    /// The least EtherType.
    const LEAST: u16 = 0x0600;
    match (interface, protocol) {
        (FRAME_RELAY, _) => wan::frame_relay(arena, span),
        (_, LEAST..) => Ok(Next::EtherType(protocol, span)),
        (IEEE80211_RAW, _) => Ok(Next::Link(IEEE80211, span)),
        (IEEE80211_PRISM, _) => Ok(Next::Link(PRISM, span)),
        (IEEE80211_RADIOTAP, _) => Ok(Next::Link(RADIOTAP, span)),
        (_, LINUX_802_2) => Ok(Next::Llc(span)),
        (_, LINUX_WAN_PPP) => ppp_protocol(arena, span),
        _ if probe::is_ip(arena, span) => Ok(Next::Ip(span)),
        _ => Err(Frame::NotIp),
    }
}

/// LLC, with SNAP: an EtherType behind the organization codes that use one.
pub(super) fn llc(arena: &[u8], span: Span) -> Step {
    let head = span.head::<3>(arena)?;
    match head {
        [0xAA, 0xAA, 0x03] => {
            span.head::<8>(arena)?;
            snap(arena, span.skip(3))
        }
        // Routed packets by NLPID (RFC 2684).
        [0xFE, 0xFE, 0x03] if matches!(span.head::<4>(arena)?[3], 0xCC | 0x8E) => {
            Ok(Next::Ip(span.skip(4)))
        }
        // PPP over ATM (RFC 2364).
        [0xFE, 0xFE, 0x03] if span.head::<4>(arena)?[3] == 0xCF => {
            protocol_field(arena, span.skip(4))
        }
        [0x06, 0x06, 0x03] => Ok(Next::Ip(span.skip(3))),
        _ => Err(Frame::NotIp),
    }
}

/// SNAP: an organization, and what it announces.
pub(super) fn snap(arena: &[u8], span: Span) -> Step {
    let head = span.head::<5>(arena)?;
    match &head[..3] {
        [0, 0, 0] | [0, 0, 0xF8] => Ok(Next::EtherType(be16(head, 3), span.skip(5))),
        // Bridged Ethernet (RFC 2684, RFC 2427), with a check sequence or without.
        [0, 0x80, 0xC2] if matches!(be16(head, 3), 1 | 7) => {
            let padded = probe::is_ethernet(arena, span.skip(7));
            Ok(Next::Link(ETHERNET, span.skip(if padded { 7 } else { 5 })))
        }
        _ => Err(Frame::NotIp),
    }
}

fn token_ring(arena: &[u8], span: Span) -> Step {
    const ROUTING_PRESENT: u8 = 0x80;
    let head = span.head::<14>(arena)?;
    let routing = if head[8] & ROUTING_PRESENT == 0 {
        0
    } else {
        usize::from(span.head::<15>(arena)?[14] & 0x1F)
    };
    Ok(Next::Llc(span.skip(14 + routing)))
}

/// BSD null and loop: an address family in the byte order of the capturing
/// host or of the network. The families differ between systems, the version
/// of the IP packet does not; so the family only has to be one of IP's.
fn null(arena: &[u8], span: Span) -> Step {
    let head = span.head::<4>(arena)?;
    let big = be32(head, 0);
    let family = if big <= 0xFFFF { big } else { big.swap_bytes() };
    match family {
        2 | 10 | 23 | 24 | 26 | 28 | 30 => Ok(Next::Ip(span.skip(4))),
        _ => Err(Frame::NotIp),
    }
}

fn ppp_header(arena: &[u8], link: u16, span: Span) -> Step {
    /// PPP over Ethernet, from the session's header on.
    const PPPOE: u16 = 51;
    if link == PPPOE {
        return tags::pppoe(arena, span);
    }
    match span.head::<1>(arena)?[0] {
        0x0F | 0x8F => Ok(Next::Link(104, span)),
        _ => ppp_protocol(arena, span),
    }
}

/// A PPP frame: address and control unless compressed away, then one or two
/// bytes of protocol (RFC 1661).
pub(super) fn ppp_protocol(arena: &[u8], span: Span) -> Step {
    let head = span.head::<2>(arena)?;
    // Address and control; the Cisco form and the direction byte of captures
    // that have one stand at the same place.
    let span =
        if matches!(head, [0xFF | 0x00 | 0x0F | 0x8F, 0x03 | 0x00]) { span.skip(2) } else { span };
    protocol_field(arena, span)
}

/// The protocol field of PPP: two bytes, or one where it is compressed, which its lowest
/// bit says (RFC 1661 section 6.5).
pub(super) fn protocol_field(arena: &[u8], span: Span) -> Step {
    let head = span.head::<1>(arena)?;
    if head[0] & 1 == 1 {
        return Ok(Next::Ppp(u16::from(head[0]), span.skip(1)));
    }
    let head = span.head::<2>(arena)?;
    Ok(Next::Ppp(be16(head, 0), span.skip(2)))
}

/// What a PPP protocol number announces. Cisco HDLC uses EtherTypes.
pub(super) fn ppp(arena: &[u8], protocol: u16, span: Span) -> Step {
    match protocol {
        MULTILINK => multilink(arena, span),
        // RFC 3032 section 4.
        MPLS_UNICAST | MPLS_MULTICAST => super::mpls::labels(arena, span),
        // Bridging (RFC 3518): flags, kind of the addresses, a LAN where a flag says so.
        BRIDGING => {
            const LAN: u8 = 0x40;
            const IEEE_8023: u8 = 1;
            let &[flags, kind] = span.head::<2>(arena)?;
            if kind != IEEE_8023 {
                return Err(Frame::NotIp);
            }
            let header = if flags & LAN == 0 { 2 } else { 6 };
            span.first(arena, header)?;
            Ok(Next::Link(ETHERNET, span.skip(header)))
        }
        PPP_IPV4 | PPP_IPV6 | tags::IPV4 | tags::IPV6 => Ok(Next::Ip(span)),
        _ => Err(Frame::NotIp),
    }
}

/// Multilink PPP (RFC 1990): a packet that is whole in one fragment is read.
fn multilink(arena: &[u8], span: Span) -> Step {
    const WHOLE: u8 = 0xC0;
    if span.head::<1>(arena)?[0] & WHOLE == WHOLE {
        // Sequence numbers have 24 bits, or 12 where both ends want it.
        for header in [4, 2] {
            let inner = span.skip(header);
            let protocol = protocol_field(arena, inner)?;
            if let Next::Ppp(PPP_IPV4 | PPP_IPV6, packet) = protocol
                && probe::is_ip(arena, packet)
            {
                return Ok(protocol);
            }
        }
    }
    Err(Frame::NotIp)
}

/// CAPWAP data (RFC 5415 section 4.3): a header with its own length, then an
/// Ethernet or an 802.11 frame.
pub(super) fn capwap(arena: &[u8], span: Span) -> Step {
    let head = span.head::<8>(arena)?;
    let word = be32(head, 0);
    // Version 0 and the clear header type; DTLS has another.
    if head[0] != 0 {
        return Err(Frame::OtherIp);
    }
    let length = (word >> 19 & 0x1F) as usize * 4;
    let binding = word >> 9 & 0x1F;
    let (native, fragment) = (word & 0x100 != 0, word & 0x80 != 0);
    if length < 8 || fragment {
        return Err(Frame::OtherIp);
    }
    span.first(arena, length)?;
    let inner = span.skip(length);
    match (native, binding) {
        (false, _) => Ok(Next::Link(1, inner)),
        (true, 1) => Ok(Next::Wireless(inner, false)),
        _ => Err(Frame::OtherIp),
    }
}

/// Radiotap: its own length, then an 802.11 frame.
fn radiotap(arena: &[u8], span: Span) -> Step {
    let head = span.head::<8>(arena)?;
    let length = usize::from(u16::from_le_bytes([head[2], head[3]]));
    if length < 8 {
        return Err(Frame::Malformed);
    }
    let header = span.first(arena, length)?;
    Ok(Next::Wireless(span.skip(length), radiotap_flags(header) & DATA_PAD != 0))
}

/// Bytes between the 802.11 header and the body make it a multiple of four.
const DATA_PAD: u8 = 0x20;

/// The flags of a radiotap header; zero if it has none.
fn radiotap_flags(header: &[u8]) -> u8 {
    const TIMER: u8 = 0x01;
    const FLAGS: u8 = 0x02;
    const MORE: u8 = 0x80;
    let present = header.get(4).copied().unwrap_or(0);
    let mut at = 8;
    // Further words say what is there; each tells in its last byte whether another follows.
    while at < header.len() && header.get(at - 1).is_some_and(|byte| byte & MORE != 0) {
        at += 4;
    }
    if present & TIMER != 0 {
        at = at.next_multiple_of(8) + 8;
    }
    if present & FLAGS == 0 { 0 } else { header.get(at).copied().unwrap_or(0) }
}

/// The headers of Prism chips and of AVS, which have their length, then an 802.11 frame.
fn prism(arena: &[u8], span: Span) -> Step {
    const AVS_MAGIC: u32 = 0x8021_1000;
    const LONGEST: usize = 1024;
    let head = span.head::<8>(arena)?;
    let length = if be32(head, 0) & 0xFFFF_F000 == AVS_MAGIC {
        be32(head, 4)
    } else {
        // In the byte order of the host.
        be32(head, 4).min(be32(head, 4).swap_bytes())
    };
    let length = length as usize;
    if !(8..=LONGEST).contains(&length) {
        return Err(Frame::Malformed);
    }
    span.first(arena, length)?;
    Ok(Next::Wireless(span.skip(length), false))
}
