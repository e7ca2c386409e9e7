//! MPLS label stacks (RFC 3032) and the pseudowires under them.

use super::{Frame, Next, Span, be16, probe};

/// Reads a label stack. Nothing says what is inside, so it has to show: an IP header by its
/// checksum and length, an Ethernet frame by the IP header in it, with the control word of a
/// pseudowire before it (RFC 4385) or without. Where neither shows an EtherType decides, and
/// the first four bits last.
pub(super) fn labels(arena: &[u8], mut span: Span) -> Result<Next, Frame> {
    const BOTTOM_OF_STACK: u8 = 0x01;
    const MAX_LABELS: usize = 16;
    for _ in 0..MAX_LABELS {
        let label = span.head::<4>(arena)?;
        let bottom = label[2] & BOTTOM_OF_STACK != 0;
        span = span.skip(4);
        if bottom {
            return payload(arena, span);
        }
    }
    Err(Frame::TooDeep)
}

fn payload(arena: &[u8], span: Span) -> Result<Next, Frame> {
    let first = span.head::<1>(arena)?[0];
    if probe::is_ip(arena, span) {
        return Ok(Next::Ip(span));
    }
    if probe::is_ethernet(arena, span) {
        return Ok(Next::Link(1, span));
    }
    let behind = span.skip(4);
    let (control_word, channel) = (first >> 4 == 0, first >> 4 == 1);
    if control_word && probe::is_ethernet(arena, behind) {
        return Ok(Next::Link(1, behind));
    }
    // Pseudowires of PPP and HDLC (RFC 4618), and of IP (RFC 4447 layer 2 type 11).
    for at in [span, behind].into_iter().filter(|at| at.at == span.at || control_word) {
        let bytes = at.bytes(arena);
        let length = match (be16(bytes, 0), be16(bytes, 2)) {
            (0x0021 | 0x0057, _) => 2,
            (0xFF03, 0x0021 | 0x0057) | (0x0F00 | 0x8F00, 0x0800 | 0x86DD) => 4,
            _ => 0,
        };
        if probe::is_ip(arena, at.skip(length)) {
            return Ok(Next::Ip(at.skip(length)));
        }
    }
    match first >> 4 {
        4 | 6 if probe::may_be_ethernet(arena, span) => Ok(Next::Link(1, span)),
        // What the capture cut is for the IP header to say.
        4 | 6 if probe::may_be_ip(arena, span) || span.captured() < 4 => Ok(Next::Ip(span)),
        0 if probe::may_be_ethernet(arena, span) && !probe::may_be_ethernet(arena, behind) => {
            Ok(Next::Link(1, span))
        }
        0 => span.head::<4>(arena).map(|_| Next::Link(1, behind)),
        // An associated channel (RFC 5586) carries no user's packets.
        _ if channel && !probe::may_be_ethernet(arena, span) => Err(Frame::NotIp),
        _ => Ok(Next::Link(1, span)),
    }
}
