//! Datagrams and IPsec packets that a capture has twice: a mirror of two ports, or of both
//! sides of a router, shows a packet at each of them.
//!
//! Under AH and ESP the sequence number tells: a sender never repeats one. In UDP the
//! identification of IPv4 does, if its sender changes it with each packet. Otherwise only time
//! does: a copy comes within milliseconds, and the protocols that are followed in UDP send
//! nothing again so soon.

use std::hash::BuildHasher;
use std::net::IpAddr;

use super::{Datagram, be32};

/// Nanoseconds after a packet in which its copies come.
pub(crate) const LATEST: u64 = 1_000_000_000;
/// The same where nothing but time tells a copy from what is sent again: less than the least
/// time after which anything is.
pub(crate) const SOON: u64 = 5_000_000;

/// Packets that are remembered.
const SETS: usize = 2048;
const WAYS: usize = 4;
/// Pairs of addresses whose identifications are.
const PAIRS: usize = 256;
/// Bytes of a payload that are compared.
const COMPARED: usize = 128;

/// A packet that was seen.
#[derive(Clone, Copy, Debug)]
struct Seen {
    digest: u64,
    ts: i64,
}

const NONE: Seen = Seen { digest: 0, ts: i64::MIN };

/// The identifications of what an address sends to another.
#[derive(Clone, Copy, Debug)]
struct Identifications {
    ends: (IpAddr, IpAddr),
    first: u16,
    vary: bool,
}

/// An AH or ESP header, as far as it tells packets apart.
#[derive(Clone, Copy, Debug, Hash)]
pub(super) struct IpsecHeader {
    pub ends: (IpAddr, IpAddr),
    /// Number of the network.
    pub network: u16,
    pub id: u16,
    pub protocol: u8,
    pub spi: u32,
    pub sequence: u32,
    pub length: usize,
}

/// The latest packets that were seen. Memory comes with the first.
#[derive(Debug, Default)]
pub(super) struct Copies {
    sets: Vec<[Seen; WAYS]>,
    pairs: Vec<Option<Identifications>>,
    hasher: foldhash::quality::RandomState,
}

impl Copies {
    /// Whether an IPsec packet was seen already.
    pub fn of_ipsec(&mut self, header: IpsecHeader, bytes: &[u8], ts: i64) -> bool {
        let begin = bytes.get(..bytes.len().min(COMPARED));
        let digest = self.hasher.hash_one((header, begin));
        self.seen(digest, header.sequence ^ header.spi, ts, Some(LATEST))
    }

    /// Whether a datagram was seen already.
    pub fn of_datagram(&mut self, datagram: &Datagram, arena: &[u8], ts: i64) -> bool {
        let &Datagram { src, dst, src_port, dst_port, id, network, length, .. } = datagram;
        let at = datagram.payload as usize;
        let payload = arena.get(at..at + datagram.captured as usize).unwrap_or_default();
        let begin = payload.get(..payload.len().min(COMPARED));
        let digest =
            self.hasher.hash_one((src, dst, src_port, dst_port, network, id, length, begin));
        let latest = match self.identifies(datagram) {
            true => Some(LATEST),
            // In a file without times they tell nothing.
            false => (ts != 0).then_some(SOON),
        };
        let place = u32::from(id) << 16 ^ length ^ be32(payload, 4) ^ be32(payload, 12);
        self.seen(digest, place, ts, latest)
    }

    /// Whether the identification of a datagram is its own.
    fn identifies(&mut self, datagram: &Datagram) -> bool {
        let &Datagram { src, dst, id, .. } = datagram;
        if id == 0 {
            return false;
        }
        if self.pairs.is_empty() {
            self.pairs.resize(PAIRS, None);
        }
        let ends = (src, dst);
        // Always the same place, so that the result is a function of the packets.
        let place = foldhash::fast::FixedState::default().hash_one(ends) as usize % PAIRS;
        let Some(known) = self.pairs.get_mut(place) else { return false };
        match known {
            Some(ids) if ids.ends == ends => {
                ids.vary |= ids.first != id;
                ids.vary
            }
            _ => {
                *known = Some(Identifications { ends, first: id, vary: false });
                false
            }
        }
    }

    /// Whether a digest was seen at most so long before; it is from now on. The place depends on the
    /// packet alone.
    fn seen(&mut self, digest: u64, place: u32, ts: i64, latest: Option<u64>) -> bool {
        const GOLDEN: u32 = 0x9E37_79B9;
        if self.sets.is_empty() {
            self.sets.resize(SETS, [NONE; WAYS]);
        }
        let place = place.wrapping_mul(GOLDEN) >> (u32::BITS - SETS.ilog2());
        let Some(set) = self.sets.get_mut(place as usize) else { return false };
        let before =
            set.iter().any(|seen| seen.digest == digest && latest >= Some(ts.abs_diff(seen.ts)));
        if let Some(oldest) = set.iter_mut().min_by_key(|seen| seen.ts) {
            *oldest = Seen { digest, ts };
        }
        before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn datagram(id: u16, length: u32) -> Datagram {
        Datagram {
            src: IpAddr::from([192, 0, 2, 1]),
            dst: IpAddr::from([192, 0, 2, 2]),
            src_port: 12000,
            dst_port: 12000,
            id,
            network: 0,
            payload: 0,
            captured: length,
            length,
        }
    }

    #[test]
    fn an_identification_tells_for_a_second() {
        let mut copies = Copies::default();
        let payload = [7; 40];
        let mut is_copy = |id, ts| copies.of_datagram(&datagram(id, 40), &payload, ts);
        assert!(!is_copy(1, 1) && !is_copy(2, 1_000));
        assert!(is_copy(1, 2_000) && is_copy(2, 1_000_000_000));
        // The same again is what another packet says.
        assert!(!is_copy(3, 3_000) && !is_copy(2, 4_000_000_000));
    }

    #[test]
    fn an_identification_that_never_changes_tells_nothing() {
        for id in [0, 1] {
            let mut copies = Copies::default();
            let payload = [7; 40];
            let mut is_copy = |ts| copies.of_datagram(&datagram(id, 40), &payload, ts);
            assert!(!is_copy(0) && !is_copy(0), "{id}: no times");
            assert!(!is_copy(10_000_000) && is_copy(11_000_000), "{id}");
            assert!(!is_copy(17_000_000), "{id}: sent again");
        }
    }

    #[test]
    fn a_sequence_number_comes_once() {
        let mut copies = Copies::default();
        let ends = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        let mut is_copy = |sequence, byte: u8| {
            let header =
                IpsecHeader { ends, network: 0, id: 0, protocol: 50, spi: 9, sequence, length: 80 };
            copies.of_ipsec(header, &[byte; 80], i64::from(sequence))
        };
        for sequence in 1..1000 {
            assert!(!is_copy(sequence, 1) && is_copy(sequence, 1), "{sequence}");
        }
        assert!(!is_copy(999, 2), "other bytes are another packet");
    }

    #[test]
    fn memory_is_bounded() {
        let mut copies = Copies::default();
        for n in 0..100_000_u32 {
            let mut other = datagram(1, 40);
            other.src = IpAddr::from(n.to_be_bytes());
            assert!(!copies.of_datagram(&other, &n.to_be_bytes().repeat(10), 0));
        }
        assert_eq!((copies.sets.len(), copies.pairs.len()), (SETS, PAIRS));
    }
}
