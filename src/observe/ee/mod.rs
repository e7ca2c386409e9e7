//! Enterprise Extender: SNA's High Performance Routing in UDP (RFC 2353).
//!
//! Ports alone prove nothing: they lie in the range that RTP uses. A pair of
//! addresses is taken for an EE connection when its datagrams have the form of
//! LDLC frames and network layer packets, and enough of them have.

mod flow;
mod wire;

pub use flow::{Count, Ee, Facts, Reply, Status};
pub use wire::{Body, Datagram, Strength, parse};

/// Ports in use: signalling, then network, high, medium and low priority.
pub const PORTS: usize = 5;
