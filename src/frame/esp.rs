//! ESP (RFC 4303), and what is inside it where nothing is encrypted: NULL
//! encryption (RFC 2410) and AES-GMAC (RFC 4543).
//!
//! Nothing in a packet says that it is not encrypted. The method is that of RFC
//! 5879, tightened: for each length of the check value that is in use, the
//! trailer (padding 1, 2, 3 ..., pad length, next header) and the start of the
//! payload must make sense, and each packet that does adds the bits by which
//! ciphertext would have had to be lucky. 64 bits decide. An SA that has not
//! reached them after 16 packets is encrypted.

use std::collections::VecDeque;
use std::net::IpAddr;

use hashbrown::HashMap;

use super::{Span, be16};

/// SPI and sequence number.
const HEADER: usize = 8;
/// Bits of evidence that decide.
const ENOUGH: u32 = 64;
/// Packets that are looked at before an SA counts as encrypted.
const TRIES: u8 = 16;
/// Security associations that are remembered; the oldest goes.
const MAX_FLOWS: usize = 65_536;

/// Length of the check value and of the initialization vector: HMAC and CMAC of
/// 96, 128, 192 and 256 bits, AES-GMAC. The shortest comes first.
const FORMS: [(usize, usize); 5] = [(12, 0), (16, 0), (16, 8), (24, 0), (32, 0)];

/// One direction's security association.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct FlowKey {
    pub src: IpAddr,
    pub dst: IpAddr,
    pub spi: u32,
    /// Ports where it is in UDP.
    pub ports: Option<(u16, u16)>,
    /// Number of the network.
    pub network: u16,
}

#[derive(Clone, Copy, Debug)]
enum Verdict {
    /// Bits and packets in favour of each form, of so many packets.
    Unsure {
        bits: [u32; FORMS.len()],
        matched: [u8; FORMS.len()],
        seen: u8,
    },
    /// Not encrypted. `misses` has a bit for each of the latest 16 packets.
    Null {
        form: usize,
        misses: u16,
    },
    Encrypted,
}

impl Verdict {
    const NEW: Self = Self::Unsure { bits: [0; FORMS.len()], matched: [0; FORMS.len()], seen: 0 };
}

/// What an ESP packet without encryption holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct InnerPacket {
    pub protocol: u8,
    pub span: Span,
    /// Bytes of the check value; `None` where it is AES-GMAC's.
    pub check_value: Option<u8>,
}

/// The security associations that were seen, and what they turned out to be.
#[derive(Debug, Default)]
pub(super) struct EspFlows {
    verdicts: HashMap<FlowKey, Verdict, foldhash::quality::RandomState>,
    order: VecDeque<FlowKey>,
    pub evicted: u64,
}

impl EspFlows {
    /// What is in an ESP packet (`span` begins with its header), if its SA is
    /// known not to encrypt.
    pub fn look(&mut self, key: FlowKey, arena: &[u8], span: Span) -> Option<InnerPacket> {
        // The trailer is at the end: a packet that was cut shows nothing.
        if span.captured() < span.wire() {
            return None;
        }
        if !self.verdicts.contains_key(&key) {
            if self.order.len() >= MAX_FLOWS
                && let Some(oldest) = self.order.pop_front()
            {
                self.verdicts.remove(&oldest);
                self.evicted += 1;
            }
            self.order.push_back(key);
        }
        let verdict = self.verdicts.entry(key).or_insert(Verdict::NEW);
        if let Verdict::Unsure { bits, matched, seen } = verdict {
            *seen += 1;
            for ((form, bits), matched) in FORMS.into_iter().zip(&mut *bits).zip(&mut *matched) {
                let evidence = evidence(form, arena, span, Some(key)).map_or(0, |(_, bits)| bits);
                *bits += evidence;
                *matched += u8::from(evidence > 0);
            }
            let enough = |(bits, matched): (&u32, &u8)| *bits >= ENOUGH && *matched > *seen / 2;
            if let Some(form) = bits.iter().zip(&*matched).position(enough) {
                *verdict = Verdict::Null { form, misses: 0 };
            } else if *seen >= TRIES {
                *verdict = Verdict::Encrypted;
            }
        }
        let Verdict::Null { form, misses } = verdict else { return None };
        let inside = evidence(*FORMS.get(*form)?, arena, span, None).map(|(inside, _)| inside);
        *misses = *misses << 1 | u16::from(inside.is_none());
        // An SPI may be used again, for an SA that does encrypt.
        if misses.count_ones() > 8 {
            *verdict = Verdict::NEW;
        }
        inside
    }
}

/// Reads a packet as if it were of a form. Returns what it holds and by how many
/// bits ciphertext would have had to be lucky to look like that. Checksums
/// count where `key` has the addresses for them.
fn evidence(
    (check_value, vector): (usize, usize),
    arena: &[u8],
    span: Span,
    key: Option<FlowKey>,
) -> Option<(InnerPacket, u32)> {
    const TRAILER: usize = 2;
    let packet = span.bytes(arena);
    let start = HEADER + vector;
    let end = packet.len().checked_sub(check_value)?;
    if end < start + TRAILER || !(end - HEADER).is_multiple_of(4) {
        return None;
    }
    let (before, &[pad, protocol]) = packet.get(..end)?.split_last_chunk::<TRAILER>()?;
    let inner_end = before.len().checked_sub(usize::from(pad)).filter(|&at| at >= start)?;
    let padding = before.get(inner_end..)?;
    if !(1..).zip(padding).all(|(n, &byte): (usize, _)| usize::from(byte) == n) {
        return None;
    }
    let bits = payload_evidence(protocol, before.get(start..inner_end)?, key)?;
    let span =
        Span { at: span.at + start, end: span.at + inner_end, wire_end: span.at + inner_end };
    let check_value = u8::try_from(check_value).ok().filter(|_| vector == 0);
    Some((InnerPacket { protocol, span, check_value }, bits + 8 * u32::from(pad)))
}

/// How much a payload looks like what its protocol number says. `None` is that
/// it cannot be, or cannot be told.
fn payload_evidence(protocol: u8, payload: &[u8], key: Option<FlowKey>) -> Option<u32> {
    const ICMP: u8 = 1;
    const IPV4: u8 = 4;
    const TCP: u8 = 6;
    const UDP: u8 = 17;
    const IPV6: u8 = 41;
    const ICMPV6: u8 = 58;
    const NO_NEXT_HEADER: u8 = 59;
    let right = |covered: bool| {
        key.is_some_and(|key| {
            let pseudo = if covered { pseudo_header(&key, protocol, payload.len()) } else { 0 };
            checksum(pseudo, payload) == 0xFFFF
        })
    };
    let at = |place: usize| payload.get(place).copied().unwrap_or(0);
    match protocol {
        TCP if payload.len() >= 20 => {
            const FIN: u8 = 1;
            const SYN: u8 = 2;
            const RST: u8 = 4;
            let header = usize::from(at(12) >> 4) * 4;
            let flags = at(13);
            let odd = flags & SYN != 0 && flags & (FIN | RST) != 0;
            if header < 20 || header > payload.len() || flags & 0x3F == 0 || odd {
                return None;
            }
            Some(if right(true) { 60 } else { 12 })
        }
        UDP if payload.len() >= 8 && usize::from(be16(payload, 4)) == payload.len() => {
            Some(if right(true) { 40 } else { 24 })
        }
        // Once the SA is known the checksum is not looked at again.
        ICMP | ICMPV6 if payload.len() >= 8 => {
            (key.is_none() || right(protocol == ICMPV6)).then_some(32)
        }
        IPV4 if payload.len() >= 20 => {
            let header = usize::from(at(0) & 0x0F) * 4;
            let total = usize::from(be16(payload, 2));
            let fits = at(0) >> 4 == 4
                && header >= 20
                && total >= header
                && total <= payload.len()
                && payload.get(..header).is_some_and(|h| checksum(0, h) == 0xFFFF);
            fits.then_some(48)
        }
        IPV6 if payload.len() >= 40 => {
            let fits = at(0) >> 4 == 6 && usize::from(be16(payload, 4)) + 40 <= payload.len();
            fits.then_some(24)
        }
        // A dummy packet (RFC 4303 section 2.6).
        NO_NEXT_HEADER => Some(4),
        _ => None,
    }
}

/// The Internet checksum's sum (RFC 1071), `start` added.
fn checksum(start: u32, bytes: &[u8]) -> u16 {
    let (pairs, last) = bytes.as_chunks::<2>();
    let last = last.first().map_or(0, |&byte| u32::from(byte) << 8);
    // At most 32,768 pairs of 16 bits: no overflow.
    let sum = pairs.iter().fold(0, |sum, &pair| sum + u32::from(u16::from_be_bytes(pair)));
    let mut sum = u64::from(start) + u64::from(sum) + u64::from(last);
    while sum > 0xFFFF {
        sum = (sum & 0xFFFF) + (sum >> 16);
    }
    u16::try_from(sum).unwrap_or(0)
}

/// The sum of the pseudo-header (RFC 9293 section 3.1, RFC 8200 section 8.1).
fn pseudo_header(key: &FlowKey, protocol: u8, length: usize) -> u32 {
    let address = |ip: IpAddr| match ip {
        IpAddr::V4(ip) => u32::from(checksum(0, &ip.octets())),
        IpAddr::V6(ip) => u32::from(checksum(0, &ip.octets())),
    };
    let length = u32::try_from(length).unwrap_or(0);
    address(key.src) + address(key.dst) + u32::from(protocol) + length
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> FlowKey {
        let (src, dst) = ([192, 0, 2, 1].into(), [192, 0, 2, 2].into());
        FlowKey { src, dst, spi: 7, ports: None, network: 0 }
    }

    /// A SYN in ESP with a check value of `check_value` bytes.
    fn packet(check_value: usize, vector: usize, right: bool) -> Vec<u8> {
        let mut tcp =
            vec![0x9C, 0x40, 0, 23, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 0xFF, 0xFF, 0, 0, 0, 0];
        if right {
            let sum = !checksum(pseudo_header(&key(), 6, tcp.len()), &tcp);
            tcp[16..18].copy_from_slice(&sum.to_be_bytes());
        }
        let mut out = vec![0, 0, 0, 7, 0, 0, 0, 1];
        out.extend(std::iter::repeat_n(0xEE, vector));
        out.extend(tcp);
        out.extend([1, 2, 2, 6]);
        out.extend(std::iter::repeat_n(0xA5, check_value));
        out
    }

    fn look(flows: &mut EspFlows, packet: &[u8]) -> Option<InnerPacket> {
        let span = Span { at: 0, end: packet.len(), wire_end: packet.len() };
        flows.look(key(), packet, span)
    }

    #[test]
    fn one_packet_with_a_right_checksum_decides() {
        for (check_value, vector) in FORMS {
            let packet = packet(check_value, vector, true);
            let inside = look(&mut EspFlows::default(), &packet).expect("not encrypted");
            assert_eq!((inside.protocol, inside.span.wire()), (6, 20));
            assert_eq!(inside.span.at, HEADER + vector);
        }
    }

    #[test]
    fn wrong_checksums_take_several_packets() {
        let mut flows = EspFlows::default();
        let packet = packet(16, 0, false);
        // 28 bits each.
        let seen: Vec<bool> = (0..4).map(|_| look(&mut flows, &packet).is_some()).collect();
        assert_eq!(seen, [false, false, true, true]);
    }

    #[test]
    fn ciphertext_is_never_taken_for_a_packet() {
        let mut state = 0x2545_F491_4F6C_DD1D_u64;
        let mut random = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_be_bytes()[3]
        };
        for sa in 0..20_000 {
            let mut flows = EspFlows::default();
            for _ in 0..20 {
                let packet: Vec<u8> = (0..40 + sa % 60 * 4).map(|_| random()).collect();
                assert!(look(&mut flows, &packet).is_none(), "SA {sa}");
            }
        }
    }

    #[test]
    fn an_spi_that_is_used_again_is_looked_at_anew() {
        let mut flows = EspFlows::default();
        assert!(look(&mut flows, &packet(12, 0, true)).is_some());
        for _ in 0..9 {
            assert!(look(&mut flows, &[0x5A; 60]).is_none());
        }
        assert!(look(&mut flows, &packet(32, 0, true)).is_some());
    }

    #[test]
    fn any_length_is_no_panic() {
        let whole = packet(12, 0, true);
        for length in 0..whole.len() {
            look(&mut EspFlows::default(), &whole[..length]);
        }
    }
}
