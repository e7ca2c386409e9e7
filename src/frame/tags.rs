//! What an EtherType announces: tags before IP, labels, sessions, encapsulations.

use etherparse::MacsecHeaderSlice;

use super::link::{MAX_8023_LENGTH, protocol_field};
use super::{Frame, Next, Options, Span, be16, be32, mpls};

type Step = Result<Next, Frame>;

pub(super) const IPV4: u16 = 0x0800;
pub(super) const IPV6: u16 = 0x86DD;
/// 802.1Q, 802.1ad, and the values that switches use for stacked tags.
const VLAN: [u16; 5] = [0x8100, 0x88A8, 0x9100, 0x9200, 0x9300];
const MPLS: [u16; 2] = [0x8847, 0x8848];
const PPPOE_SESSION: u16 = 0x8864;
/// An Ethernet frame in another: GRE (NVGRE), Geneve.
const TRANSPARENT_ETHERNET: u16 = 0x6558;
pub(super) const NSH: u16 = 0x894F;
const PPP: u16 = 0x880B;
/// LLC in frames longer than 1,500 bytes.
const JUMBO_LLC: u16 = 0x8870;
/// Cisco MetaData: TrustSec's security group tag.
const METADATA: u16 = 0x8909;
/// IEEE 802.1BR's predecessor of Cisco.
const VN_TAG: u16 = 0x8926;
/// IEEE 802.1BR.
const E_TAG: u16 = 0x893F;
/// IEEE 802.1CB redundancy tag.
const R_TAG: u16 = 0xF1C1;
/// IEC 62439-3 (HSR).
const HSR: u16 = 0x892F;
const FABRIC_PATH: u16 = 0x8903;
/// IEEE 802.1ah: the service instance tag of provider backbone bridges.
const I_TAG: u16 = 0x88E7;
/// RFC 6325.
const TRILL: u16 = 0x22F3;
const MACSEC: u16 = 0x88E5;
/// Marvell's tag between a processor and its switch, with an EtherType before it.
const EDSA: u16 = 0xDADA;
/// Arista's time stamps.
const ARISTA: u16 = 0xD28B;
/// 802.11 frames as Intel's Centrino drivers showed them.
const CENTRINO: u16 = 0x2452;

/// Whether an EtherType announces what is read, VLAN tags aside.
pub(super) fn is_read(ether_type: u16) -> bool {
    const READ: [u16; 19] = [
        IPV4,
        IPV6,
        PPPOE_SESSION,
        TRANSPARENT_ETHERNET,
        NSH,
        PPP,
        JUMBO_LLC,
        METADATA,
        VN_TAG,
        E_TAG,
        R_TAG,
        HSR,
        FABRIC_PATH,
        I_TAG,
        TRILL,
        MACSEC,
        EDSA,
        ARISTA,
        CENTRINO,
    ];
    READ.contains(&ether_type) || MPLS.contains(&ether_type)
}

/// Whether an EtherType is that of a VLAN tag.
pub(super) fn is_vlan(options: &Options, ether_type: u16) -> bool {
    VLAN.contains(&ether_type) || options.tpids.contains(&ether_type)
}

/// Reads what an EtherType announces.
pub(super) fn ether_type(options: &Options, arena: &[u8], ether_type: u16, span: Span) -> Step {
    match ether_type {
        IPV4 | IPV6 => Ok(Next::Ip(span)),
        t if is_vlan(options, t) => tag(arena, span, 2),
        t if MPLS.contains(&t) => mpls::labels(arena, span),
        TRANSPARENT_ETHERNET => Ok(Next::Link(1, span)),
        PPPOE_SESSION => pppoe(arena, span),
        NSH => nsh(arena, span),
        PPP => super::link::ppp_protocol(arena, span),
        JUMBO_LLC => Ok(Next::Llc(span)),
        METADATA => {
            // Version, number of options, and these, four bytes each.
            let head = span.head::<2>(arena)?;
            if head[0] != 1 || head[1] == 0 {
                return Err(Frame::NotIp);
            }
            tag(arena, span, 2 + 4 * usize::from(head[1]))
        }
        VN_TAG | HSR | R_TAG => tag(arena, span, 4),
        E_TAG | EDSA => tag(arena, span, 6),
        FABRIC_PATH => span.head::<2>(arena).map(|_| Next::Link(1, span.skip(2))),
        I_TAG => span.head::<4>(arena).map(|_| Next::Link(1, span.skip(4))),
        TRILL => {
            let head = span.head::<6>(arena)?;
            let options = usize::from(be16(head, 0) >> 6 & 0x1F) * 4;
            span.first(arena, 6 + options)?;
            Ok(Next::Link(1, span.skip(6 + options)))
        }
        MACSEC => macsec(arena, span),
        ARISTA => {
            // Subtype 1 is a time stamp; the second half of the version says how long it is.
            let head = span.head::<4>(arena)?;
            match (be16(head, 0), head[3]) {
                (1, 0x10) => tag(arena, span, 12),
                (1, 0x20) => tag(arena, span, 10),
                _ => Err(Frame::NotIp),
            }
        }
        CENTRINO => Ok(Next::Wireless(span, false)),
        t if t <= MAX_8023_LENGTH => Ok(Next::Llc(span)),
        _ => Err(Frame::NotIp),
    }
}

/// A session of PPP over Ethernet (RFC 2516): its length, then PPP from the protocol on.
pub(super) fn pppoe(arena: &[u8], span: Span) -> Step {
    let head = span.head::<6>(arena)?;
    let length = usize::from(be16(head, 4));
    protocol_field(arena, span.skip(6).within(length.max(2)))
}

/// A tag of so many bytes with an EtherType, or a length, behind it.
pub(super) fn tag(arena: &[u8], span: Span, bytes: usize) -> Step {
    let next = be16(span.first(arena, bytes + 2)?, bytes);
    let rest = span.skip(bytes + 2);
    Ok(if next <= MAX_8023_LENGTH { Next::Llc(rest) } else { Next::EtherType(next, rest) })
}

/// MACsec (IEEE 802.1AE): readable where its tag says that it is neither encrypted nor
/// otherwise changed. The check value follows the packet.
fn macsec(arena: &[u8], span: Span) -> Step {
    const CHECK_VALUE: usize = 16;
    span.head::<6>(arena)?;
    let header = MacsecHeaderSlice::from_slice(span.bytes(arena)).map_err(|_| Frame::NotIp)?;
    if header.encrypted() || header.userdata_changed() {
        return Err(Frame::NotIp);
    }
    let length = header.header_len();
    let next = header.next_ether_type().ok_or(Frame::NotIp)?.0;
    span.first(arena, length)?;
    let rest = span.skip(length);
    let rest = rest.within(rest.wire().saturating_sub(CHECK_VALUE));
    Ok(if next <= MAX_8023_LENGTH { Next::Llc(rest) } else { Next::EtherType(next, rest) })
}

/// Network Service Header (RFC 8300).
pub(super) fn nsh(arena: &[u8], span: Span) -> Step {
    let head = span.head::<8>(arena)?;
    let length = usize::from(head[1] & 0x3F) * 4;
    if length < 8 {
        return Err(Frame::Malformed);
    }
    span.first(arena, length)?;
    inside(head[3], span.skip(length)).ok_or(Frame::NotIp)
}

/// What the next protocol of NSH and VXLAN-GPE announces.
pub(super) fn inside(protocol: u8, span: Span) -> Option<Next> {
    match protocol {
        1 | 2 => Some(Next::Ip(span)),
        3 => Some(Next::Link(1, span)),
        4 => Some(Next::EtherType(NSH, span)),
        5 => Some(Next::EtherType(MPLS[0], span)),
        _ => None,
    }
}

/// Inter-Switch Link of Cisco: 26 bytes before an Ethernet frame, told by the destination.
pub(super) fn isl(arena: &[u8], frame: Span) -> Option<Span> {
    const ADDRESSES: [u32; 2] = [0x0100_0C00, 0x0300_0C00];
    const HEADER: usize = 26;
    let head = frame.bytes(arena).get(..HEADER)?;
    let told = ADDRESSES.contains(&be32(head, 0)) && head.get(4) == Some(&0);
    (told && head.get(14..17) == Some(&[0xAA, 0xAA, 3])).then(|| frame.skip(HEADER))
}
