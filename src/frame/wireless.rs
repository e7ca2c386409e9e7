//! IEEE 802.11: data frames carry LLC behind their addresses.

use super::{Frame, Next, Span, Wireless};

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

/// Reads an IEEE 802.11 frame.
pub(super) fn frame(arena: &[u8], span: Span) -> Result<Next, Frame> {
    let &[first, second] = span.head::<2>(arena)?;
    let (control, flags) = control([first, second]);
    let (kind, subtype) = (control >> 2 & 0x03, control >> 4);
    // Subtypes with the null bit carry nothing; protected frames are ciphertext.
    if kind != DATA || subtype & 0x04 != 0 || flags & PROTECTED != 0 {
        return Err(Frame::NotIp);
    }
    let qos = subtype & 0x08 != 0;
    let mut length = 24;
    if flags & BOTH_DS == BOTH_DS {
        length += 6;
    }
    if qos {
        length += 2;
        if flags & ORDER != 0 {
            length += 4;
        }
    }
    span.first(arena, length)?;
    Ok(Next::Llc(span.skip(length)))
}
