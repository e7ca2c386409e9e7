//! Protection that ends before its connection. Where that is less than [`ENDS_WITH`] before, the
//! connection ends with it: so records tell of its end only when this time has passed.

use super::connection::Connection;
use crate::observe::FindingsRef;
use crate::session::{ENDS_WITH, IpsecProtection};

impl Connection {
    /// What protects or has protected the connection, as far as records tell: what its
    /// one record says where it is a short one.
    pub fn lifetime_protection(&self) -> (FindingsRef<'_>, Option<&IpsecProtection>) {
        let history = self.history();
        let ended = history.and_then(|history| history.ended.as_ref());
        let tls = match self.recorded_protection() {
            none if none.is_empty() => ended.map(|f| f.view().complete()).unwrap_or(none),
            now => now,
        };
        (tls, self.ipsec().or(history.and_then(|history| history.ended_ipsec.as_ref())))
    }

    /// Whether the protection has ended just now, so that the connection may end with it: the
    /// packet clock until which no record tells of it.
    pub fn ends_protection(&mut self, ts: i64, clock: i64) -> Option<i64> {
        let ends = self.has_ended_protection(ts);
        let counts = [self.bytes(), self.segments()];
        let history = self.history.as_mut()?;
        history.untold = ends.then(|| (clock.saturating_add(ENDS_WITH), counts));
        history.untold.map(|(until, _)| until)
    }

    /// Whether records tell of no protection, and one has ended less than [`ENDS_WITH`]
    /// before a moment.
    fn has_ended_protection(&self, at: i64) -> bool {
        let ended = self.history().and_then(|history| history.protection_ended);
        self.recorded_protection().is_empty()
            && self.ipsec().is_none()
            && ended.is_some_and(|ended| at.saturating_sub(ended) < ENDS_WITH)
    }

    /// Whether records of a moment still tell of the protection that has ended.
    pub fn keeps_ended_protection(&self, at: i64) -> bool {
        let untold = self.history().is_some_and(|history| history.untold.is_some());
        untold && self.has_ended_protection(at)
    }

    /// Puts off, at a packet clock, that records tell of it; returns until when.
    pub fn keeps_untold(&mut self, clock: i64) -> Option<i64> {
        let untold = self.history.as_mut()?.untold.as_mut()?;
        (untold.0 == clock).then(|| {
            untold.0 = clock.saturating_add(ENDS_WITH);
            untold.0
        })
    }

    /// When the protection ended, if records tell of it from this packet clock on; and the
    /// bytes and segments of each direction at its end.
    pub fn tells_of_ended_protection(&mut self, clock: i64) -> Option<(i64, [[u64; 2]; 2])> {
        let history = self.history.as_mut()?;
        let (_, counts) = history.untold.take_if(|(until, _)| *until == clock)?;
        Some((history.protection_ended?, counts))
    }
}
