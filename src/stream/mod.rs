//! Bytes in order: which bytes of a direction were seen, each counted once,
//! and the stream put together while somebody wants to read it.
//!
//! Positions are 64-bit and count from the first byte of the direction, so
//! sequence numbers may wrap as often as they like. This module knows no
//! protocol.

mod ranges;
mod reassembly;

pub use ranges::{Added, Ranges};
pub use reassembly::{Piece, Reassembler};

/// Sequence numbers of one direction as positions.
#[derive(Clone, Copy, Debug)]
pub struct Positions {
    base: u32,
    highest: i64,
}

impl Positions {
    /// Positions that count from a sequence number.
    pub fn from_sequence(base: u32) -> Self {
        Self { base, highest: 0 }
    }

    /// The position of a sequence number: the one nearest to the highest seen.
    pub fn position(&self, sequence: u32) -> i64 {
        // The low half is meant: it is what the wire carries.
        let reference = self.base.wrapping_add(self.highest as u32);
        self.highest + i64::from(sequence.wrapping_sub(reference).cast_signed())
    }

    /// Notes a position that was reached.
    pub fn reached(&mut self, position: i64) {
        self.highest = self.highest.max(position);
    }

    /// The highest position reached.
    pub fn highest(&self) -> i64 {
        self.highest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequence_numbers_wrap() {
        let mut p = Positions::from_sequence(u32::MAX - 9);
        assert_eq!(p.position(u32::MAX - 9), 0);
        assert_eq!(p.position(5), 15);
        p.reached(15);
        for lap in 1..10i64 {
            p.reached(lap << 31);
            assert_eq!(
                p.position((u32::MAX - 9).wrapping_add(((lap << 31) + 7) as u32)),
                (lap << 31) + 7
            );
        }
        assert_eq!(Positions::from_sequence(100).position(99), -1);
    }
}
