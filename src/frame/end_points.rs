//! The addresses and ports of a segment, in the form in which every packet's are compared.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An IP address as a number, its upper half first. Its version stands beside it, once
/// for both addresses of a segment; an IPv4 address is in the lower half.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address(pub [u64; 2]);

impl Address {
    /// An address of version 4, in host byte order.
    #[inline]
    pub fn v4(bits: u32) -> Self {
        Self([0, u64::from(bits)])
    }

    /// An address of version 6, in host byte order.
    #[inline]
    pub fn v6(bits: u128) -> Self {
        Self([(bits >> 64) as u64, bits as u64])
    }

    /// The number of an address of either version.
    pub fn of(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(ip) => Self::v4(ip.to_bits()),
            IpAddr::V6(ip) => Self::v6(ip.to_bits()),
        }
    }

    /// The address that the number is in a version of IP.
    pub fn ip(self, v6: bool) -> IpAddr {
        let Self([upper, lower]) = self;
        if v6 {
            Ipv6Addr::from_bits(u128::from(upper) << 64 | u128::from(lower)).into()
        } else {
            // The lower half holds no more.
            Ipv4Addr::from_bits(lower as u32).into()
        }
    }
}

/// Where a TCP segment comes from and goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndPoints {
    /// Source address.
    pub src: Address,
    /// Destination address.
    pub dst: Address,
    /// Whether they are of IPv6.
    pub v6: bool,
    /// Source port.
    pub src_port: u16,
    /// Destination port.
    pub dst_port: u16,
    /// Number of the network, see [`super::Networks`].
    pub network: u16,
}

impl EndPoints {
    /// Source and destination, which are of one version of IP.
    pub fn new((src, src_port): (IpAddr, u16), (dst, dst_port): (IpAddr, u16)) -> Self {
        let v6 = src.is_ipv6();
        Self { src: Address::of(src), dst: Address::of(dst), v6, src_port, dst_port, network: 0 }
    }
}
