//! Protection that ends before its connection. Where that is less than [`ENDS_WITH`] before, the
//! connection ends with it: so records tell of its end only when this time has passed.

use super::connection::Connection;
use super::counting::Counts;
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
        let counts = self.counts();
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

    /// When the protection ended, if records tell of it from this packet clock on; and what was
    /// counted then.
    pub fn tells_of_ended_protection(&mut self, clock: i64) -> Option<(i64, Counts)> {
        let history = self.history.as_mut()?;
        let (_, counts) = history.untold.take_if(|(until, _)| *until == clock)?;
        Some((history.protection_ended?, counts))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::config::{CountingRule, SegmentKind, Settings};
    use crate::flow::Dir;
    use crate::frame::{Identity, Segment, flag};

    /// What is told of the end later are the counts of its moment, by the rule of the stack.
    #[test]
    fn counts_of_the_end_are_those_that_records_have() {
        let rule = CountingRule { without: SegmentKind::Ack.bit(), ..CountingRule::default() };
        let settings = Settings { counting: Some(rule), ..Settings::default() };
        let mut connection = Connection::new(Arc::new(settings), 0, 0, (0, 0));
        let segment = Segment {
            seq: 1,
            ack: 1,
            flags: flag::ACK,
            options: 0,
            window: 1000,
            payload: 0,
            captured: 0,
            length: 0,
            identity: Identity::default(),
        };
        for _ in 0..3 {
            connection.tell_kind(Dir::FromLow, &segment);
            connection.streams[0].segments += 1;
        }
        assert_eq!(connection.segments(), [3, 0]);
        let at_the_end = connection.counts();
        assert_eq!(at_the_end.segments, [0, 0]);
        connection.history = Some(Box::default());
        connection.history.as_mut().expect("a history").protection_ended = Some(5);
        let until = connection.ends_protection(5, 5).expect("it has just ended");
        connection.streams[0].segments += 1;
        assert_eq!(connection.tells_of_ended_protection(until), Some((5, at_the_end)));
        assert_eq!(connection.tells_of_ended_protection(until), None);
    }
}
