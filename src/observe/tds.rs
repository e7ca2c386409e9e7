//! TLS inside TDS packets: SQL Server and its clients up to TDS 7.4 put the records of a
//! handshake into packets of type PRELOGIN; what follows the handshake is TLS without
//! them (MS-TDS sections 2.2.6.5 and 3.2.5).

use super::Side;

/// Bytes of a packet's header: type, status, length in network byte order with the
/// header, process, packet number, window (MS-TDS section 2.2.3.1).
pub(super) const HEADER: usize = 8;
/// Type of the packets in which records travel.
pub(super) const PRELOGIN: u8 = 0x12;

/// Length of the packet that begins with a header; `None` if no packet is that short.
pub(super) fn length(header: &[u8; HEADER]) -> Option<usize> {
    let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
    (length >= HEADER).then_some(length)
}

/// One direction.
#[derive(Debug, Default)]
struct Half {
    header: [u8; HEADER],
    have: usize,
    /// Bytes of the packet that are still to come.
    left: usize,
    /// The packets are over: every byte is the content.
    bare: bool,
}

/// Takes the content out of the packets of a connection.
#[derive(Debug, Default)]
pub(super) struct Packets {
    halves: [Half; 2],
}

impl Packets {
    /// Starts within a packet of a side, of which so many bytes are still to come.
    pub fn within(side: Side, left: usize) -> Self {
        let mut packets = Self::default();
        side.of_mut(&mut packets.halves).left = left;
        packets
    }

    /// The content of the next bytes of a side.
    pub fn content(&mut self, side: Side, bytes: &[u8]) -> Vec<u8> {
        let half = side.of_mut(&mut self.halves);
        let mut content = Vec::with_capacity(bytes.len());
        let mut rest = bytes;
        while let Some(&first) = rest.first() {
            half.bare |= half.left == 0 && half.have == 0 && first != PRELOGIN;
            if half.bare || half.left > 0 {
                let n = if half.bare { rest.len() } else { half.left.min(rest.len()) };
                let (now, after) = rest.split_at(n);
                content.extend_from_slice(now);
                half.left = half.left.saturating_sub(n);
                rest = after;
                continue;
            }
            if let Some(next) = half.header.get_mut(half.have) {
                *next = first;
            }
            half.have += 1;
            rest = rest.get(1..).unwrap_or_default();
            if half.have == HEADER {
                half.have = 0;
                match length(&half.header) {
                    Some(length) => half.left = length - HEADER,
                    None => half.bare = true,
                }
            }
        }
        content
    }

    /// Bytes of a side are missing. Beyond the packet its place is lost; records may be
    /// found again in what is taken as it is.
    pub fn hole(&mut self, side: Side, length: u64) {
        let half = side.of_mut(&mut self.halves);
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        half.bare |= length > half.left;
        half.left = half.left.saturating_sub(length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(HEADER + content.len()).expect("short").to_be_bytes();
        [&[PRELOGIN, 1, length[0], length[1], 0, 0, 0, 0][..], content].concat()
    }

    #[test]
    fn the_content_is_the_same_however_it_is_cut() {
        let all = [packet(b"abc"), packet(b""), packet(b"defg"), vec![23, 3, 3, 0x12]].concat();
        for a in 0..=all.len() {
            for b in a..=all.len() {
                let mut packets = Packets::default();
                let pieces = [&all[..a], &all[a..b], &all[b..]];
                let content = pieces.map(|p| packets.content(Side::Low, p)).concat();
                assert_eq!(content, b"abcdefg\x17\x03\x03\x12", "cut at {a} and {b}");
            }
        }
    }

    #[test]
    fn a_hole_within_a_packet_does_no_harm() {
        let mut packets = Packets::within(Side::High, 10);
        packets.hole(Side::High, 7);
        assert_eq!(packets.content(Side::High, &[b"abc", &packet(b"d")[..]].concat()), b"abcd");
        packets.hole(Side::High, 1);
        assert_eq!(packets.content(Side::High, &packet(b"e")), packet(b"e"));
    }
}
