//! The network that a packet is of, where several use the same addresses: VLAN tags, and the
//! identifiers of virtual networks.

use std::sync::{Arc, RwLock};

use hashbrown::HashMap;

use super::{Encapsulation, Options, Span, be16, be32};

/// Networks that are told apart; the packets of more are of one.
const MAX_NETWORKS: usize = u16::MAX as usize;
/// VLAN tags of a frame that are looked at.
const MAX_TAGS: usize = 3;

/// What tells a network from others; of what is not asked for nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Network {
    /// VLAN identifiers (IEEE 802.1Q), the outer first; 0 where there is none.
    vlans: [u16; MAX_TAGS],
    vni: Option<u32>,
}

impl Network {
    /// The VLAN identifiers of a frame, the outer first.
    pub fn vlans(&self) -> impl Iterator<Item = u16> {
        self.vlans.into_iter().filter(|id| *id != 0)
    }

    /// The identifier of the virtual network: of VXLAN (RFC 7348) and Geneve (RFC 8926) 24 bits,
    /// the key of GRE (RFC 2890) 32.
    pub fn vni(&self) -> Option<u32> {
        self.vni
    }
}

/// The networks of a run by their numbers, which are in the order in which they are met. 0 is
/// none, or that none are told apart.
#[derive(Clone, Debug, Default)]
pub struct Networks(Arc<RwLock<Vec<Network>>>);

impl Networks {
    /// The network of a number.
    pub fn get(&self, number: u16) -> Option<Network> {
        let at = usize::from(number).checked_sub(1)?;
        self.0.read().ok()?.get(at).copied()
    }
}

/// Whether a frame says of which network it is, as it is read.
#[derive(Debug, Default)]
pub(super) struct NetworkTags {
    networks: Networks,
    numbers: HashMap<Network, u16, foldhash::fast::RandomState>,
    now: Network,
    /// Whether an IP header has come since the last tag: what follows is in a tunnel.
    in_tunnel: bool,
    /// Packets of networks beyond those that are told apart.
    pub refused: u64,
}

impl NetworkTags {
    pub fn networks(&self) -> Networks {
        self.networks.clone()
    }

    /// Another frame begins.
    pub fn clear(&mut self) {
        self.now = Network::default();
        self.in_tunnel = false;
    }

    /// An IP header.
    pub fn ip(&mut self) {
        self.in_tunnel = true;
    }

    /// A VLAN tag. Those of a frame in a tunnel stand for those of the tunnel.
    pub fn vlan(&mut self, arena: &[u8], span: Span) {
        const IDENTIFIER: u16 = 0x0FFF;
        if std::mem::take(&mut self.in_tunnel) {
            self.now.vlans = [0; MAX_TAGS];
        }
        // 0 is a priority and no VLAN.
        let id = be16(span.bytes(arena), 0) & IDENTIFIER;
        if let Some(free) = self.now.vlans.iter_mut().find(|known| **known == 0) {
            *free = id;
        }
    }

    /// A virtual network, which is none of the VLAN of its tunnel.
    pub fn virtual_network(&mut self, vni: u32) {
        self.now = Network { vlans: [0; MAX_TAGS], vni: Some(vni) };
    }

    /// The number of the network of what is being read.
    pub fn number(&mut self) -> u16 {
        if self.now == Network::default() {
            return 0;
        }
        if let Some(number) = self.numbers.get(&self.now) {
            return *number;
        }
        if self.numbers.len() + 1 >= MAX_NETWORKS {
            self.refused += 1;
            return u16::MAX;
        }
        let Ok(mut all) = self.networks.0.write() else { return u16::MAX };
        all.push(self.now);
        let number = u16::try_from(all.len()).unwrap_or(u16::MAX);
        self.numbers.insert(self.now, number);
        number
    }
}

/// The virtual network that a datagram of an encapsulation says that its content is of;
/// `span` is its payload.
pub(super) fn in_udp(
    options: &Options,
    arena: &[u8],
    (from, to): (u16, u16),
    span: Span,
) -> Option<u32> {
    let bytes = span.bytes(arena);
    match options.of(from, to)? {
        Encapsulation::Vxlan | Encapsulation::VxlanGpe => {
            const VALID: u8 = 0x08;
            (bytes.first()? & VALID != 0).then(|| be32(bytes, 4) >> 8)
        }
        Encapsulation::Geneve => Some(be32(bytes, 4) >> 8),
        Encapsulation::Gre => in_gre(arena, span),
        _ => None,
    }
}

/// The same of GRE: its key; in NVGRE (RFC 7637) the key's lowest byte is no part of it.
pub(super) fn in_gre(arena: &[u8], span: Span) -> Option<u32> {
    const CHECKSUM: u16 = 0x8000;
    const KEY: u16 = 0x2000;
    const VERSION: u16 = 0x0007;
    const ETHERNET: u16 = 0x6558;
    let bytes = span.bytes(arena);
    let flags = be16(bytes, 0);
    // In version 1 the key is a length and a call (RFC 2637).
    if flags & KEY == 0 || flags & VERSION != 0 {
        return None;
    }
    let key = be32(bytes, if flags & CHECKSUM == 0 { 4 } else { 8 });
    Some(if be16(bytes, 2) == ETHERNET { key >> 8 } else { key })
}

#[cfg(test)]
mod tests {
    use super::super::{Captured, Frame, Options, Parser};
    use super::*;

    /// IPv4 with an ICMP message, or with something else.
    fn ip(protocol: u8, payload: &[u8]) -> Vec<u8> {
        let length = u16::try_from(20 + payload.len()).expect("short").to_be_bytes();
        let mut b = vec![0x45, 0, length[0], length[1], 0, 1, 0, 0, 64, protocol, 0, 0];
        b.extend([192, 0, 2, 1, 192, 0, 2, 2]);
        b.extend(payload);
        b
    }

    fn tcp() -> Vec<u8> {
        ip(6, &[3, 232, 1, 187, 0, 0, 0, 9, 0, 0, 0, 7, 0x50, 0x10, 1, 0, 0, 0, 0, 0])
    }

    fn udp(port: u16, payload: &[u8]) -> Vec<u8> {
        let mut b = 9999u16.to_be_bytes().to_vec();
        b.extend(port.to_be_bytes());
        b.extend(u16::try_from(8 + payload.len()).expect("short").to_be_bytes());
        b.extend([0, 0]);
        b.extend(payload);
        ip(17, &b)
    }

    fn ethernet(tags: &[u16], payload: &[u8]) -> Vec<u8> {
        let mut b = vec![0; 12];
        for id in tags {
            b.extend([0x81, 0]);
            b.extend((0xE000 | id).to_be_bytes());
        }
        b.extend([8, 0]);
        b.extend(payload);
        b
    }

    fn network(options: &Options, frame: &[u8]) -> (Vec<u16>, Option<u32>) {
        let mut parser = Parser::new(options.clone());
        let n = u32::try_from(frame.len()).expect("short");
        let captured = Captured { link: 1, start: 0, captured: n, wire: n };
        let mut arena = frame.to_vec();
        assert!(parser.fast_path(&arena, captured).is_none() || !options.tells_networks_apart());
        let Frame::Tcp(ends, _) = parser.parse(&mut arena, captured, 0) else { panic!("no TCP") };
        let network = parser.networks().get(ends.network).unwrap_or_default();
        assert_eq!(ends.network != 0, network != Network::default());
        (network.vlans().collect(), network.vni())
    }

    #[test]
    fn networks_are_told_apart_as_asked() {
        let vxlan = |vni: u32, inner: &[u8]| {
            udp(4789, &[&[8, 0, 0, 0][..], &(vni << 8).to_be_bytes(), inner].concat())
        };
        let geneve = |vni: u32, inner: &[u8]| {
            udp(6081, &[&[0, 0, 0x65, 0x58][..], &(vni << 8).to_be_bytes(), inner].concat())
        };
        let gre = |head: &[u8], inner: &[u8]| ip(47, &[head, inner].concat());
        let cases: [(Vec<u8>, &[u16], Option<u32>); 10] = [
            (ethernet(&[], &tcp()), &[], None),
            (ethernet(&[10], &tcp()), &[10], None),
            (ethernet(&[10, 20], &tcp()), &[10, 20], None),
            (ethernet(&[0, 20], &tcp()), &[20], None),
            (ethernet(&[10], &vxlan(5000, &ethernet(&[], &tcp()))), &[], Some(5000)),
            (ethernet(&[10], &vxlan(5000, &ethernet(&[7], &tcp()))), &[7], Some(5000)),
            (ethernet(&[10], &geneve(6000, &ethernet(&[], &tcp()))), &[], Some(6000)),
            (ethernet(&[10], &gre(&[0x20, 0, 8, 0, 0, 0, 1, 2], &tcp())), &[], Some(258)),
            (
                ethernet(&[], &gre(&[0x20, 0, 0x65, 0x58, 0, 0, 1, 2], &ethernet(&[], &tcp()))),
                &[],
                Some(1),
            ),
            (ethernet(&[10], &gre(&[0, 0, 8, 0], &tcp())), &[10], None),
        ];
        let of = |vlan, vni| {
            let mut options = Options::default();
            (options.vlan, options.vni) = (vlan, vni);
            options
        };
        for (frame, vlans, vni) in &cases {
            assert_eq!(network(&of(false, false), frame), (vec![], None));
            assert_eq!(network(&of(true, true), frame), (vlans.to_vec(), *vni), "{frame:?}");
            let (told, none) = network(&of(true, false), frame);
            assert!(none.is_none() && (vni.is_some() || told == *vlans));
            assert_eq!(network(&of(false, true), frame), (vec![], *vni));
        }
    }

    #[test]
    fn the_numbers_of_networks_are_bounded() {
        let mut tags = NetworkTags::default();
        for vni in 0..70_000 {
            tags.clear();
            tags.virtual_network(vni);
            let number = tags.number();
            let expected = usize::try_from(vni).expect("short") + 1;
            assert_eq!(usize::from(number), expected.min(MAX_NETWORKS));
        }
        assert_eq!(tags.refused, 70_000 - MAX_NETWORKS as u64 + 1);
        assert!(tags.networks().get(1).is_some() && tags.networks().get(u16::MAX).is_none());
    }
}
