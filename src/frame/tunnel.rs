//! What an IP packet carries: TCP, or a tunnel to look into.

use std::net::IpAddr;

use etherparse::{TcpHeaderSlice, UdpHeaderSlice};

use super::identity::IpIdentity;
use super::{CUT_OPTIONS, Datagram, EndPoints, Frame, Next, Options, Segment, Span, be16, be32};
use super::{encapsulation, link, narrow, network, tags};

type Step = Result<Next, Frame>;

/// Source and destination, and what the IP header has of the identity.
type IpEnds = (IpAddr, IpAddr, IpIdentity);

const ICMP: u8 = 1;
const IPV4_IN_IP: u8 = 4;
const TCP: u8 = 6;
const UDP: u8 = 17;
const IPV6_IN_IP: u8 = 41;
const GRE: u8 = 47;
const ICMPV6: u8 = 58;
const MPLS_IN_IP: u8 = 137;

const IPIP: u8 = 94;
const ETHERIP: u8 = 97;
const L2TPV3: u8 = 115;
const ETHERNET: u8 = 143;
const NSH: u8 = 145;

/// Reads the payload of an IP packet by its protocol number.
pub(super) fn protocol(
    options: &Options,
    arena: &[u8],
    protocol: u8,
    ends: IpEnds,
    span: Span,
) -> Step {
    match protocol {
        TCP => tcp(arena, ends, span),
        UDP => udp(options, arena, ends, span),
        IPV4_IN_IP | IPV6_IN_IP | IPIP => Ok(Next::Ip(span)),
        GRE => gre(arena, span),
        MPLS_IN_IP => Ok(Next::EtherType(0x8847, span)),
        ETHERIP => {
            // Version 3 (RFC 3378), which some put into the other half of the byte.
            let head = span.head::<2>(arena)?;
            if head[0] >> 4 != 3 && head[0] & 0x0F != 3 {
                return Err(Frame::OtherIp);
            }
            Ok(Next::Link(1, span.skip(2)))
        }
        L2TPV3 => encapsulation::l2tpv3(arena, span),
        ETHERNET => Ok(Next::Link(1, span)),
        NSH => Ok(Next::EtherType(tags::NSH, span)),
        ICMP | ICMPV6 => Err(Frame::Icmp),
        _ => Err(Frame::OtherIp),
    }
}

/// The virtual network that the payload of an IP packet says that its content is of.
pub(super) fn virtual_network(
    options: &Options,
    arena: &[u8],
    protocol: u8,
    span: Span,
) -> Option<u32> {
    match protocol {
        GRE => network::in_gre(arena, span),
        UDP => {
            let head = span.head::<8>(arena).ok()?;
            network::in_udp(options, arena, (be16(head, 0), be16(head, 2)), span.skip(8))
        }
        _ => None,
    }
}

fn tcp(arena: &[u8], (src, dst, identity): IpEnds, span: Span) -> Step {
    const FIXED: usize = 20;
    let head = span.head::<FIXED>(arena)?;
    let header_length = usize::from(head[12] >> 4) * 4;
    if header_length < FIXED || header_length > span.wire() {
        return Err(Frame::Malformed);
    }
    // A capture that ends inside the options still shows all that is needed.
    let options_there = header_length.min(span.captured());
    let header = span.first(arena, options_there)?;
    let (src_port, dst_port, seq, ack, flags) = match TcpHeaderSlice::from_slice(header) {
        Ok(h) => (
            h.source_port(),
            h.destination_port(),
            h.sequence_number(),
            h.acknowledgment_number(),
            head[13],
        ),
        Err(_) => (be16(head, 0), be16(head, 2), be32(head, 4), be32(head, 8), head[13]),
    };
    let payload = span.skip(header_length);
    Ok(Next::Done(Frame::Tcp(
        EndPoints::new((src, src_port), (dst, dst_port)),
        Segment {
            seq,
            ack,
            flags,
            options: if options_there == header_length {
                (header_length - FIXED) as u8
            } else {
                CUT_OPTIONS
            },
            window: be16(head, 14),
            payload: narrow(payload.at.min(payload.end)),
            captured: narrow(payload.captured()),
            length: narrow(payload.wire()),
            identity: identity.with(header),
        },
    )))
}

fn udp(options: &Options, arena: &[u8], (src, dst, identity): IpEnds, span: Span) -> Step {
    const HEADER: usize = 8;
    let header =
        UdpHeaderSlice::from_slice(span.head::<HEADER>(arena)?).map_err(|_| Frame::Malformed)?;
    let payload = span.skip(HEADER);
    let (from, to) = (header.source_port(), header.destination_port());
    // A tunnel is told by its port; when what is inside makes no sense it is a
    // datagram like any other.
    let inside = encapsulation::inside(options, arena, (from, to), payload);
    inside.map_err(|frame| {
        if frame == Frame::Sampled {
            return frame;
        }
        Frame::Udp(Datagram {
            src,
            dst,
            src_port: from,
            dst_port: to,
            id: identity.id,
            network: 0,
            payload: narrow(payload.at.min(payload.end)),
            captured: narrow(payload.captured()),
            length: narrow(payload.wire()),
        })
    })
}

/// GTP version 1 user plane (3GPP TS 29.281): G-PDU messages carry IP.
pub(super) fn gtp(arena: &[u8], span: Span) -> Step {
    const G_PDU: u8 = 0xFF;
    let head = span.head::<8>(arena)?;
    if head[0] & 0xF0 != 0x30 || head[1] != G_PDU {
        return Err(Frame::OtherIp);
    }
    let mut at = 8;
    if head[0] & 0x07 != 0 {
        let optional = span.head::<12>(arena)?;
        at = 12;
        let mut next = optional[11];
        for _ in 0..8 {
            if next == 0 {
                break;
            }
            let length = usize::from(*span.first(arena, at + 1)?.last().unwrap_or(&0)) * 4;
            if length == 0 {
                return Err(Frame::OtherIp);
            }
            next = *span.first(arena, at + length)?.last().unwrap_or(&0);
            at += length;
        }
    }
    let inner = span.skip(at);
    match inner.head::<1>(arena)?[0] >> 4 {
        4 | 6 => Ok(Next::Ip(inner)),
        _ => Err(Frame::OtherIp),
    }
}

/// GRE (RFC 2784, 2890) and its enhanced form for PPP (RFC 2637).
pub(super) fn gre(arena: &[u8], span: Span) -> Step {
    const CHECKSUM: u16 = 0x8000;
    const ROUTING: u16 = 0x4000;
    const KEY: u16 = 0x2000;
    const SEQUENCE: u16 = 0x1000;
    const ACKNOWLEDGMENT: u16 = 0x0080;
    const PPP: u16 = 0x880B;
    const ERSPAN: u16 = 0x88BE;
    /// Ethernet over IP of MikroTik: the key has its length.
    const EOIP: u16 = 0x6400;
    const WCCP: u16 = 0x883E;
    const LEAST_ETHER_TYPE: u16 = 0x0600;
    const ERSPAN_III: u16 = 0x22EB;

    let head = span.head::<4>(arena)?;
    let flags = be16(head, 0);
    let protocol = be16(head, 2);
    if flags & ROUTING != 0 || flags & 0x0007 > 1 {
        return Err(Frame::OtherIp);
    }
    let mut length = 4;
    for (bit, bytes) in [(CHECKSUM, 4), (KEY, 4), (SEQUENCE, 4)] {
        if flags & bit != 0 {
            length += bytes;
        }
    }
    if flags & 0x0007 == 1 && flags & ACKNOWLEDGMENT != 0 {
        length += 4;
    }
    span.first(arena, length)?;
    let inner = span.skip(length);
    // Acknowledgments and keep-alives carry nothing.
    if inner.wire() == 0 {
        return Err(Frame::OtherIp);
    }
    match protocol {
        PPP => link::ppp_protocol(arena, inner),
        EOIP if flags & 0x0007 == 1 => Ok(Next::Link(1, inner)),
        // Version 2 has a header of four bytes, which is no IP header.
        WCCP if inner.head::<1>(arena)?[0] >> 4 != 4 => Ok(Next::Ip(inner.skip(4))),
        WCCP => Ok(Next::Ip(inner)),
        // Type I has no sequence number and no header of its own.
        ERSPAN if flags & SEQUENCE == 0 => Ok(Next::Link(1, inner)),
        ERSPAN => inner.head::<8>(arena).map(|_| Next::Link(1, inner.skip(8))),
        ERSPAN_III => {
            const OPTIONAL_SUBHEADER: u8 = 0x01;
            const FRAME_TYPE: u8 = 0x7C;
            let head = inner.head::<12>(arena)?;
            let header = if head[11] & OPTIONAL_SUBHEADER == 0 { 12 } else { 20 };
            let is_ip = (head[10] & FRAME_TYPE) >> 2 == 2;
            inner.first(arena, header)?;
            let inner = inner.skip(header);
            Ok(if is_ip { Next::Ip(inner) } else { Next::Link(1, inner) })
        }
        other @ LEAST_ETHER_TYPE.. => Ok(Next::EtherType(other, inner)),
        _ => Err(Frame::OtherIp),
    }
}
