//! IEEE 802.11: data frames carry LLC behind their addresses.

use super::{Frame, Next, Span, Wireless, be16, probe};

const MANAGEMENT: u8 = 0;
const CONTROL: u8 = 1;
const DATA: u8 = 2;

const BOTH_DS: u8 = 0x03;
const PROTECTED: u8 = 0x40;
const ORDER: u8 = 0x80;

/// The two bytes of the frame control. Some access points send them swapped through
/// CAPWAP; the version, which is zero, tells.
fn control([first, second]: [u8; 2]) -> (u8, u8) {
    if first & 0x03 == 0 { (first, second) } else { (second, first) }
}

/// What a frame is by its frame control.
pub(super) fn kind(frame_control: u16) -> Wireless {
    let (control, flags) = control(frame_control.to_be_bytes());
    match control >> 2 & 0x03 {
        MANAGEMENT => Wireless::Management,
        CONTROL => Wireless::Control,
        DATA if flags & PROTECTED != 0 => Wireless::Encrypted,
        DATA => Wireless::Data,
        _ => Wireless::Reserved,
    }
}

/// Reads an IEEE 802.11 frame; `padded` where its header is filled to a multiple of four.
/// Of an aggregate of several packets (A-MSDU) the first is read, and what is left goes to
/// `further`.
pub(super) fn frame(
    arena: &[u8],
    span: Span,
    padded: bool,
    further: &mut Option<Span>,
) -> Result<Next, Frame> {
    const AGGREGATE: u8 = 0x80;
    let &[first, second] = span.head::<2>(arena)?;
    let (control, flags) = control([first, second]);
    let (kind, subtype) = (control >> 2 & 0x03, control >> 4);
    // Subtypes with the null bit carry nothing.
    if kind != DATA || subtype & 0x04 != 0 {
        return Err(Frame::NotIp);
    }
    let qos = subtype & 0x08 != 0;
    let mut length = 24;
    if flags & BOTH_DS == BOTH_DS {
        length += 6;
    }
    let mut aggregate = false;
    if qos {
        let qos_control = span.first(arena, length + 2)?.get(length).copied().unwrap_or(0);
        aggregate = qos_control & AGGREGATE != 0;
        length += 2;
        // HT control.
        if flags & ORDER != 0 {
            length += 4;
        }
    }
    if padded {
        length = length.next_multiple_of(4);
    }
    span.first(arena, length)?;
    let mut body = span.skip(length);
    if flags & PROTECTED != 0 {
        body = decrypted(arena, body, aggregate).ok_or(Frame::NotIp)?;
    }
    if aggregate {
        return Ok(Next::Llc(aggregated(arena, body, further)?));
    }
    Ok(Next::Llc(body))
}

/// The next packet of an aggregate: destination, source and length stand before each, and all
/// but the last are filled to a multiple of four.
pub(super) fn aggregated(
    arena: &[u8],
    span: Span,
    further: &mut Option<Span>,
) -> Result<Span, Frame> {
    const HEADER: usize = 14;
    let head = span.head::<HEADER>(arena)?;
    let length = usize::from(be16(head, 12));
    let rest = span.skip((HEADER + length).next_multiple_of(4));
    // A frame check sequence is no packet.
    *further = Some(rest).filter(|rest| length > 0 && rest.wire() >= HEADER);
    Ok(span.skip(HEADER).within(length))
}

/// The body of a frame that says it is encrypted and is not: some drivers decrypt, and leave
/// the flag and the initialization vector. An LLC header with IP behind it tells.
fn decrypted(arena: &[u8], body: Span, aggregate: bool) -> Option<Span> {
    [0, 4, 8].into_iter().map(|vector| body.skip(vector)).find(|at| {
        let llc = at.skip(if aggregate { 14 } else { 0 });
        matches!(
            llc.bytes(arena),
            [0xAA, 0xAA, 3, 0, 0, 0, 0x08, 0x00, ..] | [0xAA, 0xAA, 3, 0, 0, 0, 0x86, 0xDD, ..]
        ) && probe::is_ip(arena, llc.skip(8))
    })
}
