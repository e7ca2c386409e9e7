//! IPv4 and IPv6, their lengths, extension headers and fragments.

use std::net::IpAddr;

use etherparse::{
    IpAuthHeaderSlice, IpNumber, Ipv4HeaderSlice, Ipv6FragmentHeaderSlice, Ipv6HeaderSlice,
    Ipv6RawExtHeaderSlice,
};

use super::copies::IpsecHeader;
use super::esp::FlowKey;
use super::fragment::{Added, Datagram, Fragment};
use super::identity::IpIdentity;
use super::offload::{jumbo_payload, offloaded};
use super::{Frame, Ipsec, IpsecProtocol, Next, Parser, Span, be32, narrow};

/// Protocol number of wrapped ESP (RFC 5840).
const WRAPPED_ESP: IpNumber = IpNumber(141);

/// Extension headers that one packet may carry.
const MAX_EXTENSIONS: usize = 16;

/// Reads an IP header and everything up to the transport.
pub(super) fn ip(
    parser: &mut Parser,
    arena: &mut Vec<u8>,
    span: Span,
    clock: i64,
) -> Result<Next, Frame> {
    parser.ip_headers += 1;
    match span.head::<1>(arena)?[0] >> 4 {
        4 => ipv4(parser, arena, span, clock),
        6 => ipv6(parser, arena, span, clock),
        _ => Err(Frame::Malformed),
    }
}

/// Applies the length an IP header gives. Zero, nonsense, and a length that
/// the frame did not have on the wire fall back to the frame's. In a tunnel a
/// length beyond the end is that of a packet that the mirror cut: what is
/// missing was on the wire.
fn apply_length(parser: &mut Parser, span: Span, length: usize, header: usize) -> Span {
    if length == 0 {
        parser.oddities.zero_ip_length += 1;
        return span;
    }
    if length < header {
        return span;
    }
    if length > span.wire() {
        parser.oddities.ip_length_beyond_frame += 1;
        return if parser.ip_headers > 1 { span.limit(length) } else { span };
    }
    span.limit(length)
}

fn ipv4(parser: &mut Parser, arena: &mut Vec<u8>, span: Span, clock: i64) -> Result<Next, Frame> {
    const FIXED: usize = 20;
    let head = span.head::<FIXED>(arena)?;
    let header_length = usize::from(head[0] & 0x0F) * 4;
    if header_length < FIXED {
        return Err(Frame::Malformed);
    }
    let header = Ipv4HeaderSlice::from_slice(span.first(arena, header_length)?)
        .map_err(|_| Frame::Malformed)?;
    let (src, dst) = (header.source_addr(), header.destination_addr());
    let protocol = header.protocol();
    let total = usize::from(header.total_len());
    let more = header.more_fragments();
    let offset = usize::from(header.fragments_offset().value()) * 8;
    let id = header.identification();
    parser.ip_identity = IpIdentity { id, hop_limit: header.ttl() };
    let told = if total == 0 || total == header_length && !more && offset == 0 {
        offloaded(arena, span, header_length, protocol.0)
    } else {
        None
    };
    let packet = if let Some(length) = told {
        parser.oddities.zero_ip_length += 1;
        span.limit(length)
    } else {
        apply_length(parser, span, total, header_length)
    };
    let payload = packet.skip(header_length);
    if more || offset > 0 {
        let id = u32::from(id);
        let (src, dst) = (src.into(), dst.into());
        let datagram = Datagram { src, dst, id, protocol: protocol.0, network: 0 };
        return fragment(parser, arena, payload, datagram, offset, more, clock);
    }
    after_ip(parser, arena, protocol, src.into(), dst.into(), payload, clock)
}

fn ipv6(parser: &mut Parser, arena: &mut Vec<u8>, span: Span, clock: i64) -> Result<Next, Frame> {
    const FIXED: usize = 40;
    let header =
        Ipv6HeaderSlice::from_slice(span.head::<FIXED>(arena)?).map_err(|_| Frame::Malformed)?;
    let (src, dst) = (header.source_addr(), header.destination_addr());
    let next = header.next_header();
    let length = usize::from(header.payload_length());
    parser.ip_identity = IpIdentity { id: 0, hop_limit: header.hop_limit() };
    let rest = span.skip(FIXED);
    let jumbo = if length == 0 && next == IpNumber::IPV6_HEADER_HOP_BY_HOP {
        jumbo_payload(arena, rest)
    } else {
        None
    };
    let payload = apply_length(parser, rest, jumbo.unwrap_or(length), 0);
    after_ip(parser, arena, next, src.into(), dst.into(), payload, clock)
}

/// Walks extension headers (and AH, which is one for both IP versions) to the
/// transport protocol.
fn after_ip(
    parser: &mut Parser,
    arena: &mut Vec<u8>,
    mut protocol: IpNumber,
    src: IpAddr,
    dst: IpAddr,
    mut span: Span,
    clock: i64,
) -> Result<Next, Frame> {
    for _ in 0..MAX_EXTENSIONS {
        match protocol {
            IpNumber::IPV6_HEADER_HOP_BY_HOP
            | IpNumber::IPV6_ROUTE_HEADER
            | IpNumber::IPV6_DESTINATION_OPTIONS
            | IpNumber::MOBILITY_HEADER
            | IpNumber::HIP
            | IpNumber::SHIM6
                if src.is_ipv6() =>
            {
                let head = span.head::<8>(arena)?;
                let length = (usize::from(head[1]) + 1) * 8;
                let header = Ipv6RawExtHeaderSlice::from_slice(span.first(arena, length)?)
                    .map_err(|_| Frame::Malformed)?;
                protocol = header.next_header();
                span = span.skip(length);
            }
            IpNumber::AUTHENTICATION_HEADER => {
                let head = span.head::<12>(arena)?;
                let length = (usize::from(head[1]) + 2) * 4;
                let header = IpAuthHeaderSlice::from_slice(span.first(arena, length.max(12))?)
                    .map_err(|_| Frame::Malformed)?;
                protocol = header.next_header();
                let inside = protocol;
                let network = parser.network();
                let (spi, sequence) = (header.spi(), header.sequence_number());
                let ends = (src, dst, IpNumber::AUTHENTICATION_HEADER);
                if is_copy(parser, arena, ends, (spi, sequence), span) {
                    return Err(Frame::Duplicate);
                }
                parser.ipsec.push(Ipsec {
                    src,
                    dst,
                    protocol: IpsecProtocol::Ah,
                    spi,
                    sequence,
                    length: narrow(span.wire()),
                    tunnel_mode: Some(inside == IpNumber::IPV4 || inside == IpNumber::IPV6),
                    null_encryption: false,
                    check_value: ah_check_value(length, src.is_ipv6()),
                    ports: None,
                    network,
                });
                span = span.skip(length);
            }
            IpNumber::ENCAPSULATING_SECURITY_PAYLOAD => {
                return esp(parser, arena, (src, dst, None), span);
            }
            IpNumber::IPV6_FRAGMENTATION_HEADER if src.is_ipv6() => {
                let header = Ipv6FragmentHeaderSlice::from_slice(span.head::<8>(arena)?)
                    .map_err(|_| Frame::Malformed)?;
                let (next, id) = (header.next_header(), header.identification());
                let more = header.more_fragments();
                let offset = usize::from(header.fragment_offset().value()) * 8;
                span = span.skip(8);
                protocol = next;
                // Its 32 bits in 16.
                parser.ip_identity.id = (id >> 16 ^ id) as u16;
                if more || offset > 0 {
                    let datagram = Datagram { src, dst, id, protocol: next.0, network: 0 };
                    return fragment(parser, arena, span, datagram, offset, more, clock);
                }
                // An atomic fragment (RFC 6946) is a whole packet.
            }
            WRAPPED_ESP => return wesp(parser, arena, (src, dst, None), span),
            _ => return Ok(Next::Protocol(protocol.0, src, dst, span)),
        }
    }
    Err(Frame::TooDeep)
}

/// Bytes of AH's check value. The header is padded to 32 bits, with IPv6 to 64.
fn ah_check_value(header: usize, ipv6: bool) -> Option<u8> {
    match (header, ipv6) {
        (24, _) => Some(12),
        (28, false) | (32, true) => Some(16),
        (36, false) | (40, true) => Some(24),
        (44, false) | (48, true) => Some(32),
        _ => None,
    }
}

/// Wrapped ESP (RFC 5840): a header before ESP's that says whether ESP encrypts,
/// and where it does not, where its payload begins and ends.
pub(super) fn wesp(
    parser: &mut Parser,
    arena: &[u8],
    (src, dst, ports): (IpAddr, IpAddr, Option<(u16, u16)>),
    span: Span,
) -> Result<Next, Frame> {
    const VERSION: u8 = 0xC0;
    const ENCRYPTED: u8 = 0x20;
    const PADDED: u8 = 0x10;
    let &[next, header_length, check_value, flags] = span.head::<4>(arena)?;
    if flags & VERSION != 0 {
        return Err(Frame::Malformed);
    }
    let esp_at = if flags & PADDED == 0 { 4 } else { 8 };
    let esp_span = span.skip(esp_at);
    let head = esp_span.head::<8>(arena)?;
    let (spi, sequence) = (be32(head, 0), be32(head, 4));
    let between = (src, dst, WRAPPED_ESP);
    if is_copy(parser, arena, between, (spi, sequence), esp_span) {
        return Err(Frame::Duplicate);
    }
    let clear = flags & ENCRYPTED == 0;
    let at = usize::from(header_length);
    let network = parser.network();
    parser.ipsec.push(Ipsec {
        src,
        dst,
        protocol: IpsecProtocol::Esp,
        spi,
        sequence,
        length: narrow(esp_span.wire()),
        tunnel_mode: clear.then_some([4, 41].contains(&next)),
        null_encryption: clear,
        // AES-GMAC's has the length of others.
        check_value: (clear && at == esp_at + 8).then_some(check_value),
        ports,
        network,
    });
    if !clear || next == IpNumber::IPV6_NO_NEXT_HEADER.0 {
        return Err(Frame::Esp);
    }
    // Behind the payload: padding, its length, the next header, the check value.
    let end = span.wire().checked_sub(usize::from(check_value) + 2);
    let Some(end) = end.filter(|&end| at >= esp_at + 8 && end >= at) else {
        return Err(Frame::Malformed);
    };
    let padding = span.bytes(arena).get(end).copied().map_or(0, usize::from);
    let length = (end - at).checked_sub(padding).ok_or(Frame::Malformed)?;
    Ok(Next::Protocol(next, src, dst, span.skip(at).limit(length)))
}

/// Whether an AH or ESP packet was seen already.
fn is_copy(
    parser: &mut Parser,
    arena: &[u8],
    (src, dst, protocol): (IpAddr, IpAddr, IpNumber),
    (spi, sequence): (u32, u32),
    span: Span,
) -> bool {
    if parser.options.keep_duplicates {
        return false;
    }
    let (id, length) = (parser.ip_identity.id, span.wire());
    let ends = (src, dst);
    let network = parser.network();
    let header = IpsecHeader { ends, network, id, protocol: protocol.0, spi, sequence, length };
    parser.copies.of_ipsec(header, span.bytes(arena), parser.ts)
}

/// ESP: ends here, unless its security association does not encrypt.
pub(super) fn esp(
    parser: &mut Parser,
    arena: &[u8],
    (src, dst, ports): (IpAddr, IpAddr, Option<(u16, u16)>),
    span: Span,
) -> Result<Next, Frame> {
    let head = span.head::<8>(arena)?;
    let spi = be32(head, 0);
    let sequence = be32(head, 4);
    let between = (src, dst, IpNumber::ENCAPSULATING_SECURITY_PAYLOAD);
    if is_copy(parser, arena, between, (spi, sequence), span) {
        return Err(Frame::Duplicate);
    }
    let network = parser.network();
    let inside = parser.esp.look(FlowKey { src, dst, spi, ports, network }, arena, span);
    parser.ipsec.push(Ipsec {
        src,
        dst,
        protocol: IpsecProtocol::Esp,
        spi,
        sequence,
        length: narrow(span.wire()),
        tunnel_mode: inside.map(|inside| [4, 41].contains(&inside.protocol)),
        null_encryption: inside.is_some(),
        check_value: inside.and_then(|inside| inside.check_value),
        ports,
        network,
    });
    // Dummy packets (RFC 4303 section 2.6) have protocol 59: there is no more.
    inside
        .filter(|inside| inside.protocol != IpNumber::IPV6_NO_NEXT_HEADER.0)
        .map(|inside| Next::Protocol(inside.protocol, src, dst, inside.span))
        .ok_or(Frame::Esp)
}

/// Hands a fragment to the pool. The datagram it completes is appended to the
/// arena and read on from there.
fn fragment(
    parser: &mut Parser,
    arena: &mut Vec<u8>,
    span: Span,
    datagram: Datagram,
    offset: usize,
    more: bool,
    clock: i64,
) -> Result<Next, Frame> {
    if span.captured() < span.wire() {
        // A fragment that the capture cut can complete nothing.
        return Err(Frame::Cut);
    }
    let fragment = Fragment { offset, more, bytes: span.bytes(arena) };
    let datagram = Datagram { network: parser.network(), ..datagram };
    let whole = match parser.fragments.add(datagram, fragment, clock) {
        Added::Whole(whole) => whole,
        Added::Waits => return Err(Frame::Fragment),
        Added::Copy => return Err(Frame::Duplicate),
    };
    let at = arena.len();
    arena.extend_from_slice(&whole);
    let end = arena.len();
    let span = Span { at, end, wire_end: end };
    after_ip(parser, arena, IpNumber(datagram.protocol), datagram.src, datagram.dst, span, clock)
}
