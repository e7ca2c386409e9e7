//! Lengths of packets whose IP header does not tell them: what segmentation offload leaves
//! there, and jumbograms.

use super::{Span, be16, be32};

const TCP: u8 = 6;
const UDP: u8 = 17;

/// The IPv4 packet of the least Ethernet frame (60 bytes without check value), in bytes: in a
/// frame that is no longer the last bytes may be padding.
const LEAST_PACKET: usize = 46;

/// The length of a packet whose header tells none, zero or the header's own: segmentation
/// offload, where the adapter writes a length into each packet that it cuts from what the
/// host gave it, and the capture saw what the host gave. It is the frame's, without padding.
/// `None` if what follows the header is no TCP segment or UDP datagram.
pub(super) fn offloaded(arena: &[u8], span: Span, header: usize, protocol: u8) -> Option<usize> {
    let rest = span.skip(header);
    match protocol {
        TCP => {
            const FIXED: usize = 20;
            let head = rest.head::<FIXED>(arena).ok()?;
            let tcp_header = usize::from(head[12] >> 4) * 4;
            if !(FIXED..=rest.wire()).contains(&tcp_header) || be32(head, 0) == 0 {
                return None;
            }
            let whole = span.wire();
            if whole > LEAST_PACKET || span.captured() < whole {
                return Some(whole);
            }
            let data = rest.skip(tcp_header).bytes(arena);
            let zeros = data.iter().rev().take_while(|byte| **byte == 0).count();
            Some(whole - zeros)
        }
        UDP => {
            const FIXED: usize = 8;
            let length = usize::from(be16(rest.head::<FIXED>(arena).ok()?, 4));
            (FIXED..=rest.wire()).contains(&length).then_some(header + length)
        }
        _ => None,
    }
}

/// The length that the jumbo payload option gives (RFC 2675): that of a packet whose own
/// length field is zero, in bytes from the hop-by-hop header on.
pub(super) fn jumbo_payload(arena: &[u8], span: Span) -> Option<usize> {
    const JUMBO: u8 = 0xC2;
    const PAD1: u8 = 0;
    const LEAST: u32 = 0x1_0000;
    let [_, length, ..] = span.head::<8>(arena).ok()?;
    let options = span.first(arena, (usize::from(*length) + 1) * 8).ok()?.get(2..)?;
    let mut at = 0;
    loop {
        match *options.get(at)? {
            PAD1 => at += 1,
            JUMBO if options.get(at + 1) == Some(&4) => {
                let value = be32(options.get(at + 2..at + 6)?, 0);
                return usize::try_from(value).ok().filter(|_| value >= LEAST);
            }
            _ => at += 2 + usize::from(*options.get(at + 1)?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Captured, Frame, Parser};

    /// An IPv4 packet of TCP with a total length, and so many bytes of data and of zeros.
    fn ipv4(total: u16, header_words: u8, data: usize, zeros: usize) -> Vec<u8> {
        let mut b = vec![0; 12];
        b.extend([8, 0, 0x40 | header_words, 0]);
        b.extend(total.to_be_bytes());
        b.extend([0, 1, 0x40, 0, 64, 6, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2]);
        b.resize(14 + usize::from(header_words) * 4, 1);
        b.extend([0x03, 0xE8, 0x01, 0xBB, 0, 0, 0, 9, 0, 0, 0, 7, 0x50, 0x18, 1, 0, 0, 0, 0, 0]);
        b.resize(b.len() + data, b'd');
        b.resize(b.len() + zeros, 0);
        b
    }

    fn length(frame: &[u8]) -> (Option<u32>, u64) {
        let n = frame.len() as u32;
        let mut parser = Parser::default();
        let captured = Captured { link: 1, start: 0, captured: n, wire: n };
        let length = match parser.parse(&mut frame.to_vec(), captured, 0) {
            Frame::Tcp(_, segment) => Some(segment.length),
            _ => None,
        };
        (length, parser.oddities().zero_ip_length)
    }

    #[test]
    fn what_offload_leaves_is_as_long_as_its_frame() {
        for (header, own) in [(5, 20), (6, 24)] {
            for total in [0, own] {
                for data in [0, 1, 600, 60_000] {
                    let told = length(&ipv4(total, header, data, 0));
                    assert_eq!(told, (Some(data as u32), 1), "{header} {total} {data}");
                }
                // Data may end in zeros where a frame has no padding.
                assert_eq!(length(&ipv4(total, header, 600, 4)), (Some(604), 1));
            }
        }
        // Any other length is that of the packet.
        assert_eq!(length(&ipv4(45, 5, 600, 0)), (Some(5), 0));
    }

    #[test]
    fn padding_is_no_data() {
        for total in [0, 20] {
            assert_eq!(length(&ipv4(total, 5, 0, 6)), (Some(0), 1));
            assert_eq!(length(&ipv4(total, 5, 4, 2)), (Some(4), 1));
            assert_eq!(length(&ipv4(total, 5, 6, 0)), (Some(6), 1));
        }
        // A packet of nothing but its header, in the least frame.
        let mut empty = ipv4(20, 5, 0, 6);
        empty[34..].fill(0);
        assert_eq!(length(&empty).0, None);
    }

    #[test]
    fn datagrams_of_udp_have_a_length_of_their_own() {
        for (total, told, expected) in
            [(20, 12, Some(4)), (0, 12, Some(4)), (20, 7, None), (20, 900, None)]
        {
            let mut frame = ipv4(total, 5, 0, 6);
            frame[23] = 17;
            frame[38..40].copy_from_slice(&u16::to_be_bytes(told));
            let n = frame.len() as u32;
            let captured = Captured { link: 1, start: 0, captured: n, wire: n };
            let found = match Parser::default().parse(&mut frame, captured, 0) {
                Frame::Udp(datagram) => Some(datagram.length),
                _ => None,
            };
            assert_eq!(found, expected, "{total} {told}");
        }
    }

    /// An IPv6 packet of TCP with hop-by-hop options, and so many bytes of data.
    fn ipv6(options: &[u8], data: usize) -> Vec<u8> {
        let mut b = vec![0; 12];
        b.extend([0x86, 0xDD, 0x60, 0, 0, 0, 0, 0, if options.is_empty() { 6 } else { 0 }, 64]);
        b.extend([0x20; 15].into_iter().chain([1]).chain([0x20; 15]).chain([2]));
        b.extend(options);
        b.extend([0x03, 0xE8, 0x01, 0xBB, 0, 0, 0, 9, 0, 0, 0, 7, 0x50, 0x18, 1, 0, 0, 0, 0, 0]);
        b.resize(b.len() + data, b'd');
        b
    }

    #[test]
    fn jumbograms_have_their_length_in_an_option() {
        assert_eq!(length(&ipv6(&[], 1000)), (Some(1000), 1));
        let jumbo = |payload: u32| {
            let mut options = vec![6, 0, 0xC2, 4];
            options.extend(payload.to_be_bytes());
            options
        };
        let told = jumbo(8 + 20 + 70_000);
        assert_eq!(length(&ipv6(&told, 70_000)), (Some(70_000), 0));
        // What follows a jumbogram in its frame is no part of it.
        assert_eq!(length(&ipv6(&told, 70_009)), (Some(70_000), 0));
        // A length that needed no option is none.
        assert_eq!(length(&ipv6(&jumbo(28), 1000)), (Some(1000), 1));
        let filled = [&[6, 1, 0, 1, 2, 0, 0, 0xC2, 4][..], &[0, 1, 0x20, 0, 1, 0, 0]].concat();
        assert_eq!(length(&ipv6(&filled, 80_000)), (Some(0x12000 - 36), 0));
    }
}
