//! Keys: the two end points of a connection in a fixed order.

use std::hash::{BuildHasher, Hash};
use std::net::IpAddr;

use crate::frame::Segment;

/// Shards of the connection table. The number is fixed, so that results do not
/// depend on the number of threads.
pub const SHARDS: usize = 64;

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
    pub fn other(self) -> Self {
        match self {
            Self::FromLow => Self::FromHigh,
            Self::FromHigh => Self::FromLow,
        }
    }

    /// 0 or 1, to index pairs.
    pub fn index(self) -> usize {
        usize::from(self == Self::FromHigh)
    }
}

/// A TCP connection's key: its end points, the lower first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// The lower end point.
    pub low: Endpoint,
    /// The higher end point.
    pub high: Endpoint,
}

impl Key {
    /// The key of a segment's connection and the segment's direction.
    pub fn of(segment: &Segment) -> (Self, Dir) {
        let from = Endpoint { ip: segment.src, port: segment.src_port };
        let to = Endpoint { ip: segment.dst, port: segment.dst_port };
        if from <= to {
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
    pub fn shard(&self) -> usize {
        let hash = foldhash::fast::FixedState::with_seed(0).hash_one(self);
        // The upper half is the better mixed one.
        (hash >> 58) as usize % SHARDS
    }

    /// The hash under which a table finds the connection.
    pub fn hash_with(&self, state: &impl BuildHasher) -> u64 {
        state.hash_one(self)
    }
}
