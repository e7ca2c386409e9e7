//! Packets of which nothing is followed, by the reason why: so that what was not
//! understood has a name and a number.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use hashbrown::HashMap;
use schemars::JsonSchema;
use serde::Serialize;

use super::layer_names::{erf, ether_type, interface, ip_protocol, link_type, llc, ppp, snap, udp};
use super::ledger::{Count, Ledger, PacketDisposition};
use crate::frame::{Encapsulation, Layer, Wireless};

/// Reasons that are told apart; packets of more are counted together.
pub const MAX_REASONS: usize = 1024;
/// Addresses of routed segments that a shard tells apart.
const MAX_ADDRESSES: usize = 1024;
/// Addresses of routed segments that are told.
const TOLD_ADDRESSES: usize = 10;

/// Why nothing of a packet is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// What is not read, by the header that announces it.
    Unread(Layer),
    /// The capture ends inside a header.
    Cut(Option<Layer>),
    /// A header contradicts itself.
    Malformed(Option<Layer>),
    /// A UDP datagram that is neither a tunnel nor of a protocol that is followed, by the
    /// lower of its ports.
    Udp(u16),
    /// A UDP datagram to a port that says nothing, which looks like an encapsulation.
    Resembles(u16, Encapsulation),
    /// Headers of sampled packets: of a connection too few to follow it.
    Sampled,
    /// UDP on the ports of Enterprise Extender that is something else.
    NotEe,
    /// ICMP.
    Icmp,
    /// A fragment whose datagram did not come together.
    Fragment,
    /// Headers nested too deep.
    TooDeep,
    /// TCP between addresses of which none is the stack's.
    Routed,
    /// Refused by the filter.
    Filtered,
    /// Outside of the period that is read.
    OutsideTime,
    /// A copy of a packet that counts.
    Duplicate,
    /// Beyond the reasons that are told apart.
    Others,
}

impl Reason {
    /// The reason for a packet that ended at a layer; `None` where a packet of this kind is
    /// followed, or counted elsewhere.
    pub fn of(disposition: PacketDisposition, layer: Option<Layer>) -> Option<Self> {
        match disposition {
            PacketDisposition::NotIp
            | PacketDisposition::OtherIp
            | PacketDisposition::UnsupportedLink => layer.map(Self::Unread),
            PacketDisposition::Sampled => Some(Self::Sampled),
            PacketDisposition::Cut => Some(Self::Cut(layer)),
            PacketDisposition::Malformed => Some(Self::Malformed(layer)),
            _ => None,
        }
    }

    /// Whether it is known that packets of this kind carry no connection: neighbour
    /// discovery, spanning trees, routing protocols and the like.
    pub fn is_ordinary(self) -> bool {
        let known = match self {
            Self::Icmp | Self::Filtered | Self::OutsideTime | Self::Routed | Self::Duplicate => {
                return true;
            }
            Self::Unread(Layer::EtherType(n)) => ether_type(n),
            Self::Unread(Layer::Llc(destination, _)) => llc(destination),
            Self::Unread(Layer::Snap(organization, protocol)) => snap(organization, protocol),
            Self::Unread(Layer::Protocol(n)) => ip_protocol(n),
            Self::Unread(Layer::Ppp(n)) => ppp(n),
            Self::Unread(Layer::Wireless(Wireless::Management | Wireless::Control)) => return true,
            Self::Udp(port) => udp(port),
            _ => None,
        };
        known.is_some_and(|known| known.ordinary)
    }
}

/// What was being read, with its number as its registry prints it.
struct Named(Layer);

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.0 {
            Layer::Link(n) => {
                write!(f, "link type {n}")?;
                link_type(n)
            }
            Layer::Cooked(kind, protocol) => {
                write!(f, "Linux cooked capture, interface type {kind}")?;
                if let Some(known) = interface(kind) {
                    write!(f, " ({})", known.name)?;
                }
                return write!(f, ", protocol X'{protocol:04X}'");
            }
            Layer::Erf(kind) => {
                write!(f, "ERF type {kind}")?;
                erf(kind)
            }
            Layer::EtherType(n) => {
                write!(f, "EtherType X'{n:04X}'")?;
                ether_type(n)
            }
            Layer::Llc(destination, source) => {
                write!(f, "LLC X'{destination:02X}{source:02X}'")?;
                llc(destination)
            }
            Layer::Snap(organization, protocol) => {
                write!(f, "SNAP X'{organization:06X}' X'{protocol:04X}'")?;
                snap(organization, protocol)
            }
            Layer::Wireless(kind) => {
                return f.write_str(match kind {
                    Wireless::Management => "802.11 management frame",
                    Wireless::Control => "802.11 control frame",
                    Wireless::Data => "802.11 data frame without data",
                    Wireless::Encrypted => "encrypted 802.11 data frame",
                    Wireless::Reserved => "802.11 frame of a reserved type",
                });
            }
            Layer::Ppp(n) => {
                write!(f, "PPP protocol X'{n:04X}'")?;
                ppp(n)
            }
            Layer::Ip(n @ (4 | 6)) => return write!(f, "IPv{n}"),
            Layer::Ip(n) => return write!(f, "IP version {n}"),
            Layer::Protocol(n) => {
                write!(f, "IP protocol {n}")?;
                ip_protocol(n)
            }
        };
        match name {
            Some(known) => write!(f, " ({})", known.name),
            None => Ok(()),
        }
    }
}

/// The reason in words.
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Unread(layer) => write!(f, "{}", Named(layer)),
            Self::Cut(None) => f.write_str("cut inside a header"),
            Self::Cut(Some(layer)) => write!(f, "cut inside a header ({})", header(layer)),
            Self::Malformed(None) => f.write_str("malformed header"),
            Self::Malformed(Some(layer)) => write!(f, "malformed header ({})", header(layer)),
            Self::Udp(port) => {
                write!(f, "UDP port {port}")?;
                udp(port).map_or(Ok(()), |known| write!(f, " ({})", known.name))
            }
            Self::Resembles(port, encapsulation) => {
                let (name, option) = (encapsulation.name(), encapsulation.option());
                write!(f, "UDP port {port} that looks like {name} (--tunnel-port {option}={port})")
            }
            Self::Sampled => f.write_str("sFlow: headers of sampled packets"),
            Self::NotEe => {
                f.write_str("UDP on the ports of Enterprise Extender that is something else")
            }
            Self::Icmp => f.write_str("ICMP"),
            Self::Fragment => f.write_str("IP fragment that completed no datagram"),
            Self::TooDeep => f.write_str("headers nested too deep"),
            Self::Routed => f.write_str("TCP between addresses that are not the stack's"),
            Self::Filtered => f.write_str("refused by the filter"),
            Self::OutsideTime => f.write_str("outside of --since and --until"),
            Self::Duplicate => f.write_str("copy of a packet that counts"),
            Self::Others => f.write_str("other reasons"),
        }
    }
}

/// The header that a layer has, for a packet that ends inside it.
fn header(layer: Layer) -> String {
    match layer {
        Layer::Link(1) => "Ethernet".to_owned(),
        Layer::EtherType(0x0800) => "IPv4".to_owned(),
        Layer::EtherType(0x86DD) => "IPv6".to_owned(),
        Layer::Protocol(6) => "TCP".to_owned(),
        Layer::Protocol(17) => "UDP".to_owned(),
        Layer::Llc(..) | Layer::Snap(..) => "LLC".to_owned(),
        Layer::Wireless(_) => "802.11".to_owned(),
        other => Named(other).to_string(),
    }
}

/// The reasons of a run, each with what it counts.
#[derive(Clone, Debug, Default)]
pub struct NotFollowed {
    reasons: HashMap<Reason, Count, foldhash::fast::RandomState>,
    others: Count,
    /// UDP datagrams that were counted by their ports.
    udp: Count,
}

impl NotFollowed {
    /// Counts a packet.
    pub fn add(&mut self, reason: Reason, bytes: u32) {
        if matches!(reason, Reason::Udp(_) | Reason::Resembles(..)) {
            self.udp.add(bytes);
        }
        if let Some(count) = self.reasons.get_mut(&reason) {
            count.add(bytes);
        } else if self.reasons.len() < MAX_REASONS {
            self.reasons.entry(reason).or_default().add(bytes);
        } else {
            self.others.add(bytes);
        }
    }
}

/// Packets of one reason, as they are told.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Told {
    /// The reason in words, with the number that says what was not read.
    pub reason: String,
    /// Packets.
    pub packets: u64,
    /// Bytes on the wire.
    pub bytes: u64,
    /// Whether packets of this kind are known to carry no connection, like ARP.
    pub ordinary: bool,
}

/// The addresses that TCP segments went between while no address of the stack was seen.
#[derive(Clone, Debug, Default)]
pub struct RoutedAddresses(BTreeMap<IpAddr, u64>);

impl RoutedAddresses {
    /// Counts a segment.
    pub fn add(&mut self, [one, other]: [IpAddr; 2]) {
        for ip in [Some(one), Some(other).filter(|ip| *ip != one)].into_iter().flatten() {
            if let Some(count) = self.0.get_mut(&ip) {
                *count += 1;
            } else if self.0.len() < MAX_ADDRESSES {
                self.0.insert(ip, 1);
            }
        }
    }

    /// Adds those of another part of the run.
    pub fn join(&mut self, other: &Self) {
        for (ip, count) in &other.0 {
            *self.0.entry(*ip).or_default() += count;
        }
    }

    /// Those seen most, at most ten.
    fn most(&self) -> Vec<RoutedAddress> {
        let all = self.0.iter().map(|(&address, &packets)| RoutedAddress { address, packets });
        let mut all: Vec<RoutedAddress> = all.collect();
        all.sort_by_key(|a| (std::cmp::Reverse(a.packets), a.address));
        all.truncate(TOLD_ADDRESSES);
        all
    }
}

/// An address that is not the stack's, and how many TCP segments it sent or received.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct RoutedAddress {
    /// The address.
    pub address: IpAddr,
    /// TCP segments from and to it.
    pub packets: u64,
}

impl Ledger {
    /// Packets of which nothing is followed, by reason, most frequent first.
    pub fn not_followed(&self) -> Vec<Told> {
        let mut all: Vec<(Reason, Count)> =
            self.not_followed.reasons.iter().map(|(reason, count)| (*reason, *count)).collect();
        let not_ee = self.counter(PacketDisposition::Udp).without(self.not_followed.udp);
        all.extend([
            (Reason::NotEe, not_ee),
            (Reason::Icmp, self.counter(PacketDisposition::Icmp)),
            (Reason::Fragment, self.counter(PacketDisposition::IpFragment)),
            (Reason::TooDeep, self.counter(PacketDisposition::TooDeep)),
            (Reason::Routed, self.counter(PacketDisposition::TcpRouted)),
            (Reason::Filtered, self.counter(PacketDisposition::Filtered)),
            (Reason::OutsideTime, self.counter(PacketDisposition::OutsideTime)),
            (Reason::Duplicate, self.counter(PacketDisposition::Duplicate)),
            (Reason::Others, self.not_followed.others),
        ]);
        all.retain(|(_, count)| count.packets > 0);
        all.sort_by_key(|(reason, count)| (std::cmp::Reverse(count.packets), *reason));
        let told = |(reason, count): (Reason, Count)| Told {
            reason: reason.to_string(),
            packets: count.packets,
            bytes: count.bytes,
            ordinary: reason.is_ordinary(),
        };
        all.into_iter().map(told).collect()
    }

    /// Whether there were packets and nothing of them is followed.
    pub fn nothing_followed(&self) -> bool {
        let followed = PacketDisposition::FOLLOWED;
        self.total.packets > 0 && followed.iter().all(|&one| self.counter(one).packets == 0)
    }

    /// Where no TCP connection has an address of the stack: the addresses that segments went
    /// between, those seen most first.
    pub fn routed_addresses(&self) -> Vec<RoutedAddress> {
        if self.connections.seen > 0 { Vec::new() } else { self.routed.most() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_have_names_and_numbers() {
        let text = |reason: Reason| reason.to_string();
        assert_eq!(text(Reason::Unread(Layer::Link(189))), "link type 189 (USB of Linux)");
        assert_eq!(text(Reason::Unread(Layer::Erf(3))), "ERF type 3 (ATM cells)");
        assert_eq!(
            text(Reason::Unread(Layer::Cooked(280, 12))),
            "Linux cooked capture, interface type 280 (CAN), protocol X'000C'"
        );
        assert_eq!(
            text(Reason::Resembles(5555, Encapsulation::VxlanGpe)),
            "UDP port 5555 that looks like VXLAN-GPE (--tunnel-port vxlan-gpe=5555)"
        );
        assert_eq!(text(Reason::Unread(Layer::EtherType(0x9999))), "EtherType X'9999'");
        assert_eq!(text(Reason::Unread(Layer::Protocol(132))), "IP protocol 132 (SCTP)");
        assert_eq!(text(Reason::Cut(Some(Layer::Protocol(6)))), "cut inside a header (TCP)");
        assert_eq!(text(Reason::Udp(37000)), "UDP port 37000");
        assert_eq!(text(Reason::Udp(53)), "UDP port 53 (DNS)");
    }

    #[test]
    fn what_carries_no_connection_is_ordinary() {
        for reason in [Layer::EtherType(0x0806), Layer::Llc(0x42, 0x42), Layer::Protocol(2)] {
            assert!(Reason::Unread(reason).is_ordinary(), "{reason:?}");
        }
        for reason in [Layer::EtherType(0x9999), Layer::Link(197), Layer::Protocol(132)] {
            assert!(!Reason::Unread(reason).is_ordinary(), "{reason:?}");
        }
        assert!(!Reason::Udp(40_000).is_ordinary());
    }

    #[test]
    fn reasons_and_addresses_are_bounded_and_all_counted() {
        let mut ledger = Ledger::default();
        for n in 0..3000 {
            ledger.not_followed.add(Reason::Udp(n), 60);
            ledger.count(PacketDisposition::Udp, 60);
            ledger.routed.add([[10, 0, (n >> 8) as u8, n as u8].into(), [10, 9, 9, 9].into()]);
        }
        ledger.not_followed.add(Reason::Udp(7), 60);
        ledger.count(PacketDisposition::Udp, 60);
        ledger.total.join(Count { packets: 3001, bytes: 3001 * 60 });
        let told = ledger.not_followed();
        assert_eq!(told.iter().map(|t| t.packets).sum::<u64>(), 3001);
        assert_eq!(told.len(), MAX_REASONS + 1);
        assert_eq!((told[0].reason.as_str(), told[0].packets), ("other reasons", 1976));
        assert_eq!((told[1].reason.as_str(), told[1].packets), ("UDP port 7", 2));
        assert!(ledger.nothing_followed());
        let most = ledger.routed_addresses();
        assert_eq!((most.len(), most[0].packets), (10, 3000));
    }
}
