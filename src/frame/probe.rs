//! Whether bytes are an IP packet or an Ethernet frame, where nothing before them says so:
//! an IPv4 header has a checksum, an IPv6 header a length that must fit.

use super::link::MAX_8023_LENGTH;
use super::{Span, be16};

const VLAN: [u16; 2] = [0x8100, 0x88A8];
/// Tags that are looked past.
const MAX_TAGS: usize = 4;

/// Whether an IPv4 header with a right checksum, or an IPv6 header that fits, begins here.
pub(super) fn is_ip(arena: &[u8], span: Span) -> bool {
    let bytes = span.bytes(arena);
    match bytes.first().map(|byte| byte >> 4) {
        Some(4) => {
            let header = usize::from(bytes.first().map_or(0, |byte| byte & 0x0F)) * 4;
            let total = usize::from(be16(bytes, 2));
            header >= 20
                && (header..=span.wire()).contains(&total)
                && bytes.get(..header).is_some_and(|header| sum(header) == 0xFFFF)
        }
        Some(6) => {
            let length = usize::from(be16(bytes, 4));
            let next = bytes.get(6).copied().unwrap_or(59);
            bytes.len() >= 40 && length > 0 && 40 + length <= span.wire() && is_next_header(next)
        }
        _ => false,
    }
}

/// Whether an Ethernet frame begins here that holds an IP packet or ARP, perhaps behind
/// VLAN tags.
pub(super) fn is_ethernet(arena: &[u8], span: Span) -> bool {
    let bytes = span.bytes(arena);
    let mut at = 12;
    for _ in 0..MAX_TAGS {
        match be16(bytes, at) {
            tag if VLAN.contains(&tag) => at += 4,
            0x0800 | 0x86DD => return is_ip(arena, span.skip(at + 2)),
            0x0806 => return bytes.get(at + 2..at + 6) == Some(&[0, 1, 8, 0]),
            _ => return false,
        }
    }
    false
}

/// Whether an IP header could begin here whose checksum is wrong or not there, as offloading
/// and changed addresses leave it.
pub(super) fn may_be_ip(arena: &[u8], span: Span) -> bool {
    let bytes = span.bytes(arena);
    match bytes.first().map(|byte| byte >> 4) {
        Some(4) => {
            let header = usize::from(bytes.first().map_or(0, |byte| byte & 0x0F)) * 4;
            let total = usize::from(be16(bytes, 2));
            header >= 20 && (total == 0 || (header..=span.wire()).contains(&total))
        }
        Some(6) => {
            let length = usize::from(be16(bytes, 4));
            40 + length <= span.wire()
        }
        _ => false,
    }
}

/// Whether an Ethernet frame could begin here: an EtherType that networks have is where one
/// stands.
pub(super) fn may_be_ethernet(arena: &[u8], span: Span) -> bool {
    let Some(head) = span.bytes(arena).get(..17) else { return false };
    let (at_type, behind) = (be16(head, 12), be16(head, 14));
    match at_type {
        // IP, ARP, VLAN tags, labels, sessions, MACsec, spanning tree and discovery.
        0x0800 => head.get(14) == Some(&0x45),
        0x86DD => behind >> 12 == 6,
        0x0806 | 0x8100 | 0x88A8 | 0x8847 | 0x8848 | 0x8863 | 0x8864 | 0x8808 | 0x8809 | 0x888E
        | 0x88CC | 0x88E5 | 0x88E7 | 0x8902 | 0x8909 | 0x8926 | 0x893F | 0x9000 => true,
        length if length <= MAX_8023_LENGTH => {
            usize::from(length) + 14 <= span.wire()
                && matches!(behind, 0x4242 | 0xAAAA | 0xFEFE | 0xF0F0 | 0xE0E0 | 0x0404)
        }
        _ => false,
    }
}

/// Protocols that follow an IPv6 header on networks.
fn is_next_header(n: u8) -> bool {
    matches!(
        n,
        0 | 4
            | 6
            | 17
            | 41
            | 43
            | 44
            | 47
            | 50
            | 51
            | 58
            | 60
            | 89
            | 97
            | 103
            | 112
            | 115
            | 132
            | 135
            | 137
            | 143
    )
}

/// The Internet checksum's sum (RFC 1071) of a header: X'FFFF' if it is right.
fn sum(header: &[u8]) -> u16 {
    let (pairs, _) = header.as_chunks::<2>();
    let sum: u32 = pairs.iter().map(|&pair| u32::from(u16::from_be_bytes(pair))).sum();
    let folded = (sum & 0xFFFF) + (sum >> 16);
    // A header has at most 30 pairs: one carry.
    u16::try_from((folded & 0xFFFF) + (folded >> 16)).unwrap_or(0)
}
