//! Link layers: what stands before the IP packet.

use super::{Frame, Next, Span, be16, be32};

type Step = Result<Next, Frame>;

const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_IPV6: u16 = 0x86DD;
/// 802.1Q, 802.1ad and the pre-standard tag of stacked VLANs.
const ETHERTYPE_VLAN: [u16; 3] = [0x8100, 0x88A8, 0x9100];
const ETHERTYPE_MPLS: [u16; 2] = [0x8847, 0x8848];
const ETHERTYPE_PPPOE_SESSION: u16 = 0x8864;
const ETHERTYPE_TEB: u16 = 0x6558;
const ETHERTYPE_NSH: u16 = 0x894F;
/// Values up to here in the type field are an 802.3 length.
const MAX_8023_LENGTH: u16 = 1500;
const PPP_IPV4: u16 = 0x0021;
const PPP_IPV6: u16 = 0x0057;

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
        9 | 50 | 51 => ppp_header(arena, link, span),
        104 => {
            let head = span.head::<4>(arena)?;
            Ok(Next::EtherType(be16(head, 2), span.skip(4)))
        }
        113 => {
            let head = span.head::<16>(arena)?;
            cooked(be16(head, 14), span.skip(16))
        }
        276 => {
            let head = span.head::<20>(arena)?;
            cooked(be16(head, 0), span.skip(20))
        }
        105 => Ok(Next::Wireless(span)),
        127 => radiotap(arena, span),
        // IP over InfiniBand: destination address, then an EtherType.
        242 => {
            let head = span.head::<44>(arena)?;
            Ok(Next::EtherType(be16(head, 40), span.skip(44)))
        }
        // PKTAP: its own length and the link type of what follows.
        258 => {
            let head = span.head::<12>(arena)?;
            let length = u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize;
            let inner = u32::from_le_bytes([head[8], head[9], head[10], head[11]]);
            if !(12..=1024).contains(&length) || inner == 258 {
                return Err(Frame::Malformed);
            }
            span.first(arena, length)?;
            let inner = u16::try_from(inner).map_err(|_| Frame::UnsupportedLink)?;
            Ok(Next::Link(inner, span.skip(length)))
        }
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
        Ok(Next::Llc(rest))
    } else {
        Ok(Next::EtherType(ether_type, rest))
    }
}

/// What an EtherType announces.
pub(super) fn ether_type(arena: &[u8], ether_type: u16, span: Span) -> Step {
    match ether_type {
        ETHERTYPE_IPV4 | ETHERTYPE_IPV6 => Ok(Next::Ip(span)),
        ETHERTYPE_TEB => Ok(Next::Link(1, span)),
        t if ETHERTYPE_VLAN.contains(&t) => {
            let tag = span.head::<4>(arena)?;
            let inner = be16(tag, 2);
            let rest = span.skip(4);
            if inner <= MAX_8023_LENGTH {
                Ok(Next::Llc(rest))
            } else {
                Ok(Next::EtherType(inner, rest))
            }
        }
        t if ETHERTYPE_MPLS.contains(&t) => mpls(arena, span),
        ETHERTYPE_PPPOE_SESSION => {
            let head = span.head::<8>(arena)?;
            let length = usize::from(be16(head, 4));
            let session = span.skip(6).limit(length.max(2));
            Ok(Next::Ppp(be16(head, 6), session.skip(2)))
        }
        ETHERTYPE_NSH => nsh(arena, span),
        t if t <= MAX_8023_LENGTH => Ok(Next::Llc(span)),
        _ => Err(Frame::NotIp),
    }
}

/// The protocol field of Linux cooked captures: an EtherType, or a number
/// below for frames that have none.
fn cooked(protocol: u16, span: Span) -> Step {
    const LINUX_802_2: u16 = 0x0004;
    if protocol == LINUX_802_2 { Ok(Next::Llc(span)) } else { Ok(Next::EtherType(protocol, span)) }
}

/// LLC, with SNAP: an EtherType behind the organization codes that use one.
pub(super) fn llc(arena: &[u8], span: Span) -> Step {
    let head = span.head::<3>(arena)?;
    match head {
        [0xAA, 0xAA, 0x03] => {
            let snap = span.head::<8>(arena)?;
            match &snap[3..6] {
                [0, 0, 0] | [0, 0, 0xF8] => Ok(Next::EtherType(be16(snap, 6), span.skip(8))),
                _ => Err(Frame::NotIp),
            }
        }
        [0x06, 0x06, 0x03] => Ok(Next::Ip(span.skip(3))),
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
    if link == 51 {
        let head = span.head::<8>(arena)?;
        return Ok(Next::Ppp(be16(head, 6), span.skip(8)));
    }
    ppp_protocol(arena, span)
}

/// A PPP frame: address and control unless compressed away, then one or two
/// bytes of protocol (RFC 1661).
pub(super) fn ppp_protocol(arena: &[u8], span: Span) -> Step {
    let head = span.head::<2>(arena)?;
    // Address and control; the Cisco form and the direction byte of captures
    // that have one stand at the same place.
    let span =
        if matches!(head, [0xFF | 0x00 | 0x0F | 0x8F, 0x03 | 0x00]) { span.skip(2) } else { span };
    let head = span.head::<1>(arena)?;
    if head[0] & 1 == 1 {
        return Ok(Next::Ppp(u16::from(head[0]), span.skip(1)));
    }
    let head = span.head::<2>(arena)?;
    Ok(Next::Ppp(be16(head, 0), span.skip(2)))
}

/// What a PPP protocol number announces. Cisco HDLC uses EtherTypes.
pub(super) fn ppp(protocol: u16, span: Span) -> Step {
    match protocol {
        PPP_IPV4 | PPP_IPV6 | ETHERTYPE_IPV4 | ETHERTYPE_IPV6 => Ok(Next::Ip(span)),
        _ => Err(Frame::NotIp),
    }
}

/// MPLS label stack (RFC 3032). Nothing says what is inside: an IP version is
/// taken at its word, a zero nibble is the control word of a pseudowire
/// (RFC 4385), anything else an Ethernet frame without one.
fn mpls(arena: &[u8], mut span: Span) -> Step {
    const BOTTOM_OF_STACK: u8 = 0x01;
    const MAX_LABELS: usize = 16;
    for _ in 0..MAX_LABELS {
        let label = span.head::<4>(arena)?;
        let bottom = label[2] & BOTTOM_OF_STACK != 0;
        span = span.skip(4);
        if bottom {
            return match span.head::<1>(arena)?[0] >> 4 {
                4 | 6 => Ok(Next::Ip(span)),
                0 => span.head::<4>(arena).map(|_| Next::Link(1, span.skip(4))),
                _ => Ok(Next::Link(1, span)),
            };
        }
    }
    Err(Frame::TooDeep)
}

/// Network Service Header (RFC 8300).
fn nsh(arena: &[u8], span: Span) -> Step {
    let head = span.head::<8>(arena)?;
    let length = usize::from(head[1] & 0x3F) * 4;
    if length < 8 {
        return Err(Frame::Malformed);
    }
    span.first(arena, length)?;
    let inner = span.skip(length);
    match head[3] {
        1 | 2 => Ok(Next::Ip(inner)),
        3 => Ok(Next::Link(1, inner)),
        4 => nsh(arena, inner),
        5 => mpls(arena, inner),
        _ => Err(Frame::NotIp),
    }
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
        (true, 1) => Ok(Next::Wireless(inner)),
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
    span.first(arena, length)?;
    Ok(Next::Wireless(span.skip(length)))
}
