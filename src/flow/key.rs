//! Keys: the two end points of a connection in a fixed order.

use std::hash::{BuildHasher, Hash, Hasher};
use std::net::IpAddr;

use crate::frame::{Address, EndPoints};

/// Shards of the connection table. The number is fixed, so that results do not
/// depend on the number of threads.
pub const SHARDS: usize = 16;

/// An end point of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Endpoint {
    /// Address.
    pub ip: IpAddr,
    /// Port.
    pub port: u16,
}

/// Direction of a segment relative to its key. It says nothing of client and
/// server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dir {
    /// From the key's lower end point.
    FromLow,
    /// From the key's higher end point.
    FromHigh,
}

impl Dir {
    /// The other direction.
    #[inline]
    pub fn other(self) -> Self {
        match self {
            Self::FromLow => Self::FromHigh,
            Self::FromHigh => Self::FromLow,
        }
    }

    /// 0 or 1.
    #[inline]
    pub fn index(self) -> usize {
        usize::from(self == Self::FromHigh)
    }

    /// What is its own of a pair, in which the lower end point's comes first.
    #[inline]
    pub fn of<T>(self, [low, high]: &[T; 2]) -> &T {
        match self {
            Self::FromLow => low,
            Self::FromHigh => high,
        }
    }

    /// The same, to be changed.
    #[inline]
    pub fn of_mut<T>(self, [low, high]: &mut [T; 2]) -> &mut T {
        match self {
            Self::FromLow => low,
            Self::FromHigh => high,
        }
    }
}

/// A TCP connection's key: its end points, the lower first. Every packet's is compared and
/// hashed, so it is kept as numbers.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    low: Address,
    high: Address,
    low_port: u16,
    high_port: u16,
    /// Number of the network, where networks are told apart; otherwise 0.
    network: u16,
    v6: bool,
}

impl PartialEq for Key {
    /// Without a branch for each part: they are nearly always equal.
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        let differs = |a: Address, b: Address| (a.0[0] ^ b.0[0]) | (a.0[1] ^ b.0[1]);
        let addresses = differs(self.low, other.low) | differs(self.high, other.high);
        addresses | (self.ports() ^ other.ports()) | u64::from(self.v6 ^ other.v6) == 0
    }
}

impl Eq for Key {}

impl Hash for Key {
    /// In as few and as wide steps as the addresses allow.
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        let ([low_upper, low], [high_upper, high]) = (self.low.0, self.high.0);
        if self.v6 {
            state.write_u64(low_upper);
            state.write_u64(low);
            state.write_u64(high_upper);
            state.write_u64(high);
        } else {
            state.write_u64(low << 32 | high);
        }
        state.write_u64(self.ports());
    }
}

impl Key {
    /// The key of a connection between two end points of one version of IP, the lower
    /// first.
    pub fn new(low: Endpoint, high: Endpoint) -> Self {
        Self {
            low: Address::of(low.ip),
            high: Address::of(high.ip),
            low_port: low.port,
            high_port: high.port,
            network: 0,
            v6: low.ip.is_ipv6(),
        }
    }

    /// The key of a segment's connection and the segment's direction.
    #[inline(always)]
    pub fn of(ends: &EndPoints) -> (Self, Dir) {
        let &EndPoints { src, dst, v6, src_port, dst_port, network } = ends;
        if (src, src_port) <= (dst, dst_port) {
            (
                Self { low: src, high: dst, low_port: src_port, high_port: dst_port, network, v6 },
                Dir::FromLow,
            )
        } else {
            (
                Self { low: dst, high: src, low_port: dst_port, high_port: src_port, network, v6 },
                Dir::FromHigh,
            )
        }
    }

    /// Number of the network.
    pub fn network(&self) -> u16 {
        self.network
    }

    /// The lower end point.
    pub fn low(&self) -> Endpoint {
        Endpoint { ip: self.low.ip(self.v6), port: self.low_port }
    }

    /// The higher end point.
    pub fn high(&self) -> Endpoint {
        Endpoint { ip: self.high.ip(self.v6), port: self.high_port }
    }

    #[inline]
    fn ports(&self) -> u64 {
        let ports = u64::from(self.low_port) << 16 | u64::from(self.high_port);
        u64::from(self.network) << 32 | ports
    }

    /// The end point that sends in a direction.
    pub fn sender(&self, dir: Dir) -> Endpoint {
        match dir {
            Dir::FromLow => self.low(),
            Dir::FromHigh => self.high(),
        }
    }

    /// The shard that owns the connection: a function of the key alone.
    #[inline(always)]
    pub fn shard(&self) -> usize {
        // 2^64 by the golden ratio: the upper bits of the product depend on all bits.
        const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;
        let ([low_upper, low], [high_upper, high]) = (self.low.0, self.high.0);
        // Of IPv4 the upper halves are zero, and the lower ones do not overlap.
        let upper = low_upper.rotate_left(29) ^ high_upper;
        let ends = (low.rotate_left(32) ^ high).wrapping_add(upper.wrapping_mul(GOLDEN));
        let mixed = ends.wrapping_mul(GOLDEN).rotate_left(32) ^ self.ports();
        (mixed.wrapping_mul(GOLDEN) >> (u64::BITS - SHARDS.ilog2())) as usize
    }

    /// The hash under which a table finds the connection.
    #[inline]
    pub fn hash_with(&self, state: &impl BuildHasher) -> u64 {
        state.hash_one(self)
    }
}
