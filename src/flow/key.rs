//! Keys: the two end points of a connection in a fixed order.

use std::hash::{BuildHasher, Hash, Hasher};
use std::net::IpAddr;

use crate::frame::Ends;

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

/// A TCP connection's key: its end points, the lower first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// The lower end point.
    pub low: Endpoint,
    /// The higher end point.
    pub high: Endpoint,
}

impl Hash for Key {
    /// In as few and as wide steps as the addresses allow: every packet is hashed.
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        match (self.low.ip, self.high.ip) {
            (IpAddr::V4(low), IpAddr::V4(high)) => {
                state.write_u64(u64::from(low.to_bits()) << 32 | u64::from(high.to_bits()));
            }
            (low, high) => {
                state.write_u128(wide(low));
                state.write_u128(wide(high));
            }
        }
        state.write_u32(u32::from(self.low.port) << 16 | u32::from(self.high.port));
    }
}

/// Both halves of a number in one.
fn fold(n: u128) -> u64 {
    (n >> 64) as u64 ^ n as u64
}

/// An address in the form that holds both.
fn wide(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().to_bits(),
        IpAddr::V6(ip) => ip.to_bits(),
    }
}

impl Key {
    /// The key of a segment's connection and the segment's direction.
    #[inline]
    pub fn of(ends: &Ends) -> (Self, Dir) {
        let from = Endpoint { ip: ends.src, port: ends.src_port };
        let to = Endpoint { ip: ends.dst, port: ends.dst_port };
        let in_order = match (from.ip, to.ip) {
            (IpAddr::V4(a), IpAddr::V4(b)) => (a.to_bits(), from.port) <= (b.to_bits(), to.port),
            _ => from <= to,
        };
        if in_order {
            (Self { low: from, high: to }, Dir::FromLow)
        } else {
            (Self { low: to, high: from }, Dir::FromHigh)
        }
    }

    /// The end point that sends in a direction.
    pub fn sender(&self, dir: Dir) -> Endpoint {
        match dir {
            Dir::FromLow => self.low,
            Dir::FromHigh => self.high,
        }
    }

    /// The shard that owns the connection: a function of the key alone.
    #[inline]
    pub fn shard(&self) -> usize {
        // 2^64 by the golden ratio: the upper bits of the product depend on all bits.
        const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;
        let ends = match (self.low.ip, self.high.ip) {
            (IpAddr::V4(low), IpAddr::V4(high)) => {
                u64::from(low.to_bits()) << 32 | u64::from(high.to_bits())
            }
            (low, high) => fold(wide(low)).wrapping_mul(GOLDEN).rotate_left(29) ^ fold(wide(high)),
        };
        let ports = u64::from(self.low.port) << 16 | u64::from(self.high.port);
        let mixed = ends.wrapping_mul(GOLDEN).rotate_left(32) ^ ports;
        (mixed.wrapping_mul(GOLDEN) >> (u64::BITS - SHARDS.ilog2())) as usize
    }

    /// The hash under which a table finds the connection.
    #[inline]
    pub fn hash_with(&self, state: &impl BuildHasher) -> u64 {
        state.hash_one(self)
    }
}
