//! Link types of wide area networks and of older local ones: Frame Relay, ATM, ARCNET,
//! DOCSIS, and what Junos writes before a frame.

use super::{Frame, Next, Span, be16, be32, link, probe};

type Step = Result<Next, Frame>;

const ETHERNET: u16 = 1;
const PPP: u16 = 9;
const CISCO_HDLC: u16 = 104;
const FRAME_RELAY: u16 = 107;

/// Network layer protocol identifiers (RFC 6328).
const NLPID_SNAP: u8 = 0x80;
const NLPID_IPV6: u8 = 0x8E;
const NLPID_IPV4: u8 = 0xCC;
const NLPID_PPP: u8 = 0xCF;

/// Frame Relay: an address of two to four bytes, whose lowest bits say where it ends (Q.922),
/// then a network layer protocol (RFC 2427), or the EtherType of Cisco's encapsulation.
pub(super) fn frame_relay(arena: &[u8], span: Span) -> Step {
    const UNNUMBERED: u8 = 0x03;
    let address = address_length(arena, span)?;
    let inner = span.skip(address);
    let &[control, mut identifier] = inner.head::<2>(arena)?;
    if control != UNNUMBERED {
        return Ok(Next::EtherType(be16(inner.bytes(arena), 0), inner.skip(2)));
    }
    let mut at = 2;
    // A byte of padding makes what follows even.
    if identifier == 0 {
        identifier = inner.head::<3>(arena)?[2];
        at = 3;
    }
    match identifier {
        NLPID_IPV4 | NLPID_IPV6 => Ok(Next::Ip(inner.skip(at))),
        NLPID_SNAP => link::snap(arena, inner.skip(at)),
        NLPID_PPP => link::protocol_field(arena, inner.skip(at)),
        _ => Err(Frame::NotIp),
    }
}

fn address_length(arena: &[u8], span: Span) -> Result<usize, Frame> {
    const LAST: u8 = 0x01;
    for length in 2..=4 {
        let last = span.first(arena, length)?.last().is_some_and(|byte| byte & LAST != 0);
        if last {
            return Ok(length);
        }
    }
    Err(Frame::Malformed)
}

/// What an ATM adaptation layer 5 frame carries (RFC 2684): LLC, or by agreement an IP packet,
/// PPP (RFC 2364) or bridged Ethernet without it, which then has to show.
pub(super) fn aal5(arena: &[u8], span: Span) -> Step {
    let head = span.head::<4>(arena)?;
    if matches!(head, [0xAA, 0xAA, 0x03, _] | [0xFE, 0xFE, 0x03, _]) {
        return Ok(Next::Llc(span));
    }
    if probe::is_ip(arena, span) {
        return Ok(Next::Ip(span));
    }
    // Bridged Ethernet has two bytes of padding before it.
    if head[..2] == [0, 0] && probe::is_ethernet(arena, span.skip(2)) {
        return Ok(Next::Link(ETHERNET, span.skip(2)));
    }
    match be16(head, 0) {
        0x0021 | 0x0057 if probe::is_ip(arena, span.skip(2)) => Ok(Next::Ip(span.skip(2))),
        _ => Err(Frame::NotIp),
    }
}

/// SunATM: what the circuit carries, its identifiers, then LLC or a frame of LAN emulation.
pub(super) fn sun_atm(arena: &[u8], span: Span) -> Step {
    const LAN_EMULATION: u8 = 1;
    const LLC: u8 = 2;
    let head = span.head::<4>(arena)?;
    match head[0] & 0x0F {
        LLC => aal5(arena, span.skip(4)),
        LAN_EMULATION => span.head::<6>(arena).map(|_| Next::Link(ETHERNET, span.skip(6))),
        _ => Err(Frame::NotIp),
    }
}

/// ARCNET: addresses, on Linux an offset, and the protocol (RFC 1201, RFC 1051).
pub(super) fn arcnet(arena: &[u8], span: Span, addresses: usize) -> Step {
    const IPV4: u8 = 212;
    const IPV4_OLD: u8 = 240;
    const IPV6: u8 = 196;
    const EXCEPTION: u8 = 0xFF;
    let protocol = *span.first(arena, addresses + 1)?.last().unwrap_or(&0);
    let inner = span.skip(addresses + 1);
    match protocol {
        IPV4_OLD => Ok(Next::Ip(inner)),
        IPV4 | IPV6 => {
            // An exception packet has the protocol, the split flag and the sequence again.
            let exception = inner.head::<1>(arena)?[0] == EXCEPTION;
            let inner = inner.skip(if exception { 4 } else { 0 });
            let head = inner.head::<3>(arena)?;
            // A packet that is split is in no frame as a whole.
            if head[0] == 0 { Ok(Next::Ip(inner.skip(3))) } else { Err(Frame::NotIp) }
        }
        _ => Err(Frame::NotIp),
    }
}

/// DOCSIS (ANSI/SCTE 23-1): a header with extended headers and its check sequence, then an
/// Ethernet frame, which baseline privacy may have encrypted: so it has to show.
pub(super) fn docsis(arena: &[u8], span: Span) -> Step {
    const EXTENDED: u8 = 0x01;
    let head = span.head::<6>(arena)?;
    // The upper two bits: packets, against cells, isolated packets and management.
    if head[0] >> 6 != 0 || head[0] >> 1 & 0x1F != 0 {
        return Err(Frame::NotIp);
    }
    let extended = if head[0] & EXTENDED == 0 { 0 } else { usize::from(head[1]) };
    span.first(arena, 6 + extended)?;
    let inner = span.skip(6 + extended);
    if probe::is_ethernet(arena, inner) {
        return Ok(Next::Link(ETHERNET, inner));
    }
    Err(Frame::NotIp)
}

/// What Junos writes: a magic number, flags, extensions with their length, and the frame of the
/// interface, or where it has none the packet behind its address family.
pub(super) fn juniper(arena: &[u8], link: u16, span: Span) -> Step {
    const MAGIC: [u8; 3] = *b"MGC";
    const NO_LINK_HEADER: u8 = 0x02;
    const EXTENSIONS: u8 = 0x80;
    const PPP_INTERFACE: u16 = 179;
    const FRAME_RELAY_INTERFACE: u16 = 180;
    const CISCO_HDLC_INTERFACE: u16 = 181;
    let head = span.head::<4>(arena)?;
    if head[..3] != MAGIC {
        return Err(Frame::Malformed);
    }
    let mut at = 4;
    if head[3] & EXTENSIONS != 0 {
        at = 6 + usize::from(be16(span.head::<6>(arena)?, 4));
    }
    span.first(arena, at)?;
    let inner = span.skip(at);
    if head[3] & NO_LINK_HEADER != 0 {
        inner.head::<4>(arena)?;
        let packet = inner.skip(4);
        return if probe::is_ip(arena, packet) { Ok(Next::Ip(packet)) } else { Err(Frame::NotIp) };
    }
    let link = match link {
        PPP_INTERFACE => PPP,
        FRAME_RELAY_INTERFACE => FRAME_RELAY,
        CISCO_HDLC_INTERFACE => CISCO_HDLC,
        _ => ETHERNET,
    };
    Ok(Next::Link(link, inner))
}

/// The packet filter of BSD: a header that says how long it is, filled to a multiple of four.
pub(super) fn pflog(arena: &[u8], span: Span) -> Step {
    const LONGEST: usize = 256;
    let length = usize::from(span.head::<2>(arena)?[0]).next_multiple_of(4);
    if !(8..=LONGEST).contains(&length) {
        return Err(Frame::Malformed);
    }
    span.first(arena, length)?;
    Ok(Next::Ip(span.skip(length)))
}

/// A frame that may be preempted (IEEE 802.3br): eight bytes of preamble, of which the last says
/// whether the frame is whole.
pub(super) fn mpacket(arena: &[u8], span: Span) -> Step {
    const EXPRESS: u8 = 0xD5;
    let head = span.head::<8>(arena)?;
    // Started frames are whole where no fragment follows, which the frame does not say.
    if head[7] != EXPRESS && !probe::is_ethernet(arena, span.skip(8)) {
        return Err(Frame::NotIp);
    }
    Ok(Next::Link(ETHERNET, span.skip(8)))
}

/// Darwin's packet tap: a header with its own length and the link type of what follows.
pub(super) fn pktap(arena: &[u8], span: Span) -> Step {
    const PKTAP: u32 = 258;
    let head = span.head::<12>(arena)?;
    let length = u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize;
    let inner = u32::from_le_bytes([head[8], head[9], head[10], head[11]]);
    if !(12..=1024).contains(&length) || inner == PKTAP {
        return Err(Frame::Malformed);
    }
    span.first(arena, length)?;
    let inner = u16::try_from(inner).map_err(|_| Frame::UnsupportedLink)?;
    Ok(Next::Link(inner, span.skip(length)))
}

/// IP over InfiniBand: EtherType and two bytes (RFC 4391 section 6), before which a system may
/// put the destination's address, or a global routing header.
pub(super) fn infiniband(arena: &[u8], span: Span) -> Step {
    const HARDWARE_ADDRESS: usize = 20;
    const GLOBAL_ROUTING: usize = 40;
    for before in [0, HARDWARE_ADDRESS, GLOBAL_ROUTING] {
        let head = be32(span.skip(before).bytes(arena), 0);
        let packet = span.skip(before + 4);
        if matches!(head >> 16, 0x0800 | 0x86DD)
            && head & 0xFFFF == 0
            && probe::is_ip(arena, packet)
        {
            return Ok(Next::Ip(packet));
        }
    }
    let head = span.head::<4>(arena)?;
    Ok(Next::EtherType(be16(head, 0), span.skip(4)))
}
