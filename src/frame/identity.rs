//! What tells a packet from another of the same content: a copy of a packet, which a mirror
//! makes, has the same; what its sender sends again has another, as far as the headers show it.

use super::{be16, be32};

/// Of a segment. Checksums, tags, link addresses and the traffic class are no part of it: they
/// change on the way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// Identification of the IPv4 header or of the fragment header of IPv6, which a sender
    /// changes with each packet; 0 if there is none (RFC 6864 section 4.1).
    pub id: u16,
    /// Time to live, or hop limit: at another place on the way it is another.
    pub hop_limit: u8,
    /// A digest of the window and, where there is no identification, of the options of TCP.
    /// [`STAMPED`] says whether a time stamp is among these.
    pub header: u32,
}

/// The bit of [`Identity::header`] of a segment with a time stamp (RFC 7323).
pub const STAMPED: u32 = 1;

/// What the IP header has of the identity.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct IpIdentity {
    pub id: u16,
    pub hop_limit: u8,
}

impl IpIdentity {
    /// With what a TCP header has, as far as it was captured.
    #[inline(always)]
    pub fn with(self, tcp: &[u8]) -> Identity {
        let Self { id, hop_limit } = self;
        let window = u32::from(be16(tcp, 14)) << 1;
        let header = if id == 0 { with_options(window, tcp) } else { window };
        Identity { id, hop_limit, header }
    }
}

/// 2^32 by the golden ratio.
const GOLDEN: u32 = 0x9E37_79B9;

fn with_options(window: u32, tcp: &[u8]) -> u32 {
    const FIXED: usize = 20;
    /// Two fillers, the option and its length: where nearly all have it (RFC 7323 appendix A).
    const USUAL: u32 = 0x0101_080A;
    let options = tcp.get(FIXED..).unwrap_or_default();
    let mut digest = window;
    for word in options.chunks_exact(4) {
        digest = (digest.rotate_left(5) ^ be32(word, 0)).wrapping_mul(GOLDEN);
    }
    let stamped = be32(options, 0) == USUAL || has_time_stamp(options);
    digest & !STAMPED | u32::from(stamped)
}

fn has_time_stamp(options: &[u8]) -> bool {
    const END: u8 = 0;
    const FILLER: u8 = 1;
    const TIME_STAMP: u8 = 8;
    let mut at = 0;
    while let Some(&kind) = options.get(at) {
        let length = match kind {
            END => return false,
            FILLER => 1,
            TIME_STAMP => return true,
            _ => usize::from(options.get(at + 1).copied().unwrap_or(0)).max(2),
        };
        at += length;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(window: u16, options: &[u8]) -> Vec<u8> {
        let mut tcp = vec![0; 14];
        tcp.extend(window.to_be_bytes());
        tcp.extend([0; 4]);
        tcp.extend(options);
        tcp
    }

    #[test]
    fn options_count_where_there_is_no_identification() {
        let stamp = |value: u8| [1, 1, 8, 10, 0, 0, 0, value, 0, 0, 0, 1];
        let of = |id, window, options: &[u8]| {
            IpIdentity { id, hop_limit: 64 }.with(&header(window, options))
        };
        assert_eq!(of(7, 100, &stamp(1)), of(7, 100, &stamp(2)));
        assert_ne!(of(7, 100, &[]), of(7, 101, &[]));
        assert_ne!(of(7, 100, &[]), of(8, 100, &[]));
        assert_ne!(of(0, 100, &stamp(1)), of(0, 100, &stamp(2)));
        let stamped = |identity: Identity| identity.header & STAMPED != 0;
        assert!(stamped(of(0, 100, &stamp(1))) && !stamped(of(0, 65_535, &[])));
        // A SYN has it behind others.
        let syn = [&[2, 4, 5, 180, 4, 2][..], &stamp(1)[2..]].concat();
        assert!(stamped(of(0, 1, &syn)));
        for cut in 0..syn.len() {
            of(0, 1, &syn[..cut]);
        }
    }
}
