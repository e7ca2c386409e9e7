//! What is asked for of a connection ahead of its packets.

use super::connection::Connection;
use crate::flow::Dir;
use crate::prefetch;

impl Connection {
    /// The cache lines that a packet of a direction meets, counted from the key's.
    pub fn lines(dir: Dir) -> [usize; 4] {
        [0, 1, 2 + dir.index(), 4]
    }

    /// Says that the observer will be met soon, if there is one.
    pub fn prefetch_observer(&self, dir: Dir) {
        if self.observed {
            if let Some(observer) = &self.observer {
                prefetch::line(&**observer, 0);
                prefetch::line(&**observer, 1);
                prefetch::line(&**observer, 2);
            }
            if let Some(reassembler) = dir.of(&self.reassemblers) {
                prefetch::line(&**reassembler, 0);
                prefetch::line(&**reassembler, 1);
            }
        }
    }

    /// The same of what the observer has, once that is near.
    pub fn prefetch_observed(&self, dir: Dir) {
        if self.observed {
            if let Some(observer) = &self.observer {
                observer.prefetch();
            }
            if let Some(reassembler) = dir.of(&self.reassemblers) {
                reassembler.prefetch();
            }
        }
    }
}
