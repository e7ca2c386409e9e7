//! Link types that devices and drivers put around a frame.

use super::{Frame, Next, Span, be16, be32, probe, tags};

type Step = Result<Next, Frame>;

const ETHERNET: u16 = 1;
const CISCO_HDLC: u16 = 104;

/// Endace's extensible record format: a header of 16 bytes with a type, headers of 8 bytes
/// each, and what the type says.
pub(super) fn erf(arena: &[u8], span: Span) -> Step {
    const MORE: u8 = 0x80;
    const MAX_HEADERS: usize = 16;
    let head = span.head::<16>(arena)?;
    let (kind, wire) = (head[8] & !MORE, usize::from(be16(head, 14)));
    let mut more = head[8] & MORE != 0;
    let mut at = 16;
    for _ in 0..MAX_HEADERS {
        if !more {
            break;
        }
        more = span.first(arena, at + 8)?.get(at).is_some_and(|byte| byte & MORE != 0);
        at += 8;
    }
    if more {
        return Err(Frame::TooDeep);
    }
    // What the frame had on the wire is in the record, not in the file's header.
    let packet = |bytes: usize| {
        let inner = span.skip(at + bytes);
        Span { wire_end: (inner.at + wire).max(inner.end), ..inner }
    };
    match kind {
        // HDLC, of a channel too: PPP or Cisco's.
        1 | 10 | 15 | 19 => hdlc(arena, packet(0)),
        // AAL5, the cell's header before it, and of a channel its own.
        4 => super::wan::aal5(arena, packet(4)),
        9 => super::wan::aal5(arena, packet(8)),
        5 | 17 => hdlc(arena, packet(4)),
        // Ethernet, two bytes before it.
        2 | 11 | 16 | 20 => span.first(arena, at + 2).map(|_| Next::Link(ETHERNET, packet(2))),
        22 | 23 => Ok(Next::Ip(packet(0))),
        _ => Err(Frame::NotIp),
    }
}

fn hdlc(arena: &[u8], span: Span) -> Step {
    match span.head::<1>(arena)?[0] {
        0x0F | 0x8F => Ok(Next::Link(CISCO_HDLC, span)),
        _ => super::link::ppp_protocol(arena, span),
    }
}

/// Per-packet information (PPI): its own length and the link type of what follows.
pub(super) fn ppi(arena: &[u8], span: Span) -> Step {
    let head = span.head::<8>(arena)?;
    let length = usize::from(u16::from_le_bytes([head[2], head[3]]));
    let link = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
    if length < 8 {
        return Err(Frame::Malformed);
    }
    span.first(arena, length)?;
    let link = u16::try_from(link).map_err(|_| Frame::UnsupportedLink)?;
    Ok(Next::Link(link, span.skip(length)))
}

/// Linux netfilter's log: attributes in the byte order of the host, one of them the packet.
pub(super) fn nflog(arena: &[u8], span: Span) -> Step {
    const HEADER: usize = 4;
    const MAX_ATTRIBUTES: usize = 64;
    const PACKET_HEADER: u16 = 1;
    const PAYLOAD: u16 = 9;
    let head = span.head::<HEADER>(arena)?;
    if head[1] != 0 {
        return Err(Frame::NotIp);
    }
    let mut at = span.skip(HEADER);
    let mut ether_type = None;
    for _ in 0..MAX_ATTRIBUTES {
        let head = at.head::<4>(arena)?;
        // Types are small numbers.
        let read = if be16(head, 2) > 0xFF { u16::from_le_bytes } else { u16::from_be_bytes };
        let length = usize::from(read([head[0], head[1]]));
        // The highest bit says that an attribute has others in it.
        let kind = read([head[2], head[3]]) & 0x7FFF;
        if length < 4 {
            return Err(Frame::Malformed);
        }
        if kind == PACKET_HEADER {
            ether_type = at.first(arena, 6).ok().map(|bytes| be16(bytes, 4));
        }
        if kind == PAYLOAD {
            let packet = at.skip(4);
            let packet = Span { wire_end: packet.wire_end.min(at.at + length), ..packet };
            let packet = Span { end: packet.end.min(packet.wire_end), ..packet };
            return Ok(match ether_type {
                Some(ether_type @ 0x0600..) => Next::EtherType(ether_type, packet),
                _ => Next::Ip(packet),
            });
        }
        at = at.skip(length.next_multiple_of(4));
    }
    Err(Frame::NotIp)
}

/// A switch's tag between the addresses and the EtherType, or before the frame.
pub(super) fn switch_tag(arena: &[u8], link: u16, span: Span) -> Step {
    const BROADCOM: u16 = 281;
    const BROADCOM_BEFORE: u16 = 282;
    const DSA: u16 = 284;
    const ADDRESSES: usize = 12;
    /// A Marvell tag that has four bytes more.
    const EXTENDED: u8 = 0x10;
    match link {
        BROADCOM_BEFORE => span.head::<4>(arena).map(|_| Next::Link(ETHERNET, span.skip(4))),
        BROADCOM => {
            span.head::<ADDRESSES>(arena)?;
            tags::tag(arena, span.skip(ADDRESSES), 4)
        }
        _ => {
            // The longer form has an EtherType and two bytes before the tag.
            let before = if link == DSA { ADDRESSES } else { ADDRESSES + 4 };
            let extended = span.first(arena, before + 4)?.get(before + 2);
            let extended = extended.is_some_and(|byte| byte & EXTENDED != 0);
            let shows = matches!(be16(span.bytes(arena), before + 4), tags::IPV4 | tags::IPV6)
                && probe::is_ip(arena, span.skip(before + 6));
            let length = if extended && !shows { 8 } else { 4 };
            tags::tag(arena, span.skip(before), length)
        }
    }
}

/// A link type for private use: what is inside has to show, by the checksum of an IP header
/// and a length that ends with the frame, or by an Ethernet frame around one. Headers of up
/// to 64 bytes may stand before it.
pub(super) fn private(arena: &[u8], link: u16, span: Span) -> Step {
    const OLD_PKTAP: u16 = 149;
    const LONGEST: usize = 64;
    // Darwin's packet tap before it had a number of its own.
    if link == OLD_PKTAP
        && let Ok(Next::Link(inner @ (0 | 1 | 12 | 101 | 108), packet)) =
            super::wan::pktap(arena, span)
    {
        return Ok(Next::Link(inner, packet));
    }
    for before in 0..=LONGEST.min(span.captured()) {
        let inner = span.skip(before);
        if probe::is_ip(arena, inner) && (before == 0 || ends_with_frame(arena, inner)) {
            return Ok(Next::Ip(inner));
        }
        if probe::is_ethernet(arena, inner) {
            return Ok(Next::Link(ETHERNET, inner));
        }
    }
    Err(Frame::UnsupportedLink)
}

fn ends_with_frame(arena: &[u8], span: Span) -> bool {
    let head = be32(span.bytes(arena), 0);
    let length = match head >> 28 {
        4 => (head & 0xFFFF) as usize,
        _ => 40 + usize::from(be16(span.bytes(arena), 4)),
    };
    length == span.wire()
}
