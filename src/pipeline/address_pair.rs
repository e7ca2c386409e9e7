//! Two addresses that speak with each other outside of TCP.

use std::net::IpAddr;

use crate::flow::SHARDS;
use crate::observe::Side;

/// Two addresses, the lower first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Pair {
    pub low: IpAddr,
    pub high: IpAddr,
    /// Number of the network, where networks are told apart; otherwise 0.
    pub network: u16,
}

impl Pair {
    /// The pair of a packet of a network, and the side that sent it.
    pub fn of(src: IpAddr, dst: IpAddr, network: u16) -> (Self, Side) {
        if src <= dst {
            (Self { low: src, high: dst, network }, Side::Low)
        } else {
            (Self { low: dst, high: src, network }, Side::High)
        }
    }

    /// The shard that owns the pair.
    pub fn shard(&self) -> usize {
        use std::hash::BuildHasher;
        (foldhash::fast::FixedState::with_seed(1).hash_one(self) >> 58) as usize % SHARDS
    }

    pub fn address(&self, side: Side) -> IpAddr {
        match side {
            Side::Low => self.low,
            Side::High => self.high,
        }
    }
}
