//! zERT's view of one connection: which events it writes and when, and what
//! the records say.
//!
//! The state machine runs on packet time. An initiation record is written when
//! a connection has lasted ten seconds, with the protection of that moment; a
//! connection that ends sooner gets one short termination record; a change
//! after the initiation gets a change record, a full snapshot.

mod sections;
mod tunnel;

pub use sections::{
    Failed, IpsecProtection, ResumedSession, Snapshot, Transport, View, session_certificates,
};
pub use tunnel::{TunnelSnapshot, key_exchange};

/// A protection that ends less than this before its connection ends with it: the termination
/// record tells of it, and there is no change record (zERT's rule). In nanoseconds.
pub const ENDS_WITH: i64 = 1_000_000_000;

/// Event types of subtype 11 (`sc_event_type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Connection initiation.
    Initiation = 1,
    /// Change of protection.
    Change = 2,
    /// Connection termination.
    Termination = 3,
    /// Termination of a short connection, which has no initiation record.
    ShortTermination = 4,
    /// zERT is enabled.
    Enabled = 5,
    /// zERT is disabled.
    Disabled = 6,
}

/// An event and its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// What happened.
    pub kind: Kind,
    /// When, in nanoseconds since 1970-01-01 00:00:00 UTC.
    pub at: i64,
    /// When its record is written: not before those of earlier events, even where
    /// packets are out of order in time.
    pub written: i64,
}

impl Event {
    /// An event whose record is written when it happens.
    pub fn new(kind: Kind, at: i64) -> Self {
        Self { kind, at, written: at }
    }

    /// The event by time stamps, where the clock is ahead of them.
    pub fn told(self, behind: i64) -> Self {
        let told = |time: i64| time.saturating_sub(behind);
        Self { at: told(self.at), written: told(self.written), ..self }
    }
}

/// The events of one connection.
#[derive(Clone, Debug)]
pub struct Session {
    established: i64,
    settle: i64,
    initiated: bool,
    /// The initiation waits for the outcome of a handshake.
    waiting: bool,
    ended: bool,
    /// When the latest record was written.
    written: i64,
}

impl Session {
    /// Starts when the three-way handshake is complete. `settle` is in
    /// nanoseconds.
    pub fn new(established: i64, settle: i64) -> Self {
        Self {
            established,
            settle,
            initiated: false,
            waiting: false,
            ended: false,
            written: i64::MIN,
        }
    }

    /// When the connection was established.
    pub fn established(&self) -> i64 {
        self.established
    }

    /// Whether the initiation record is still to come.
    pub fn is_settling(&self) -> bool {
        !self.initiated && !self.ended
    }

    /// The connection has lasted long enough: its initiation.
    pub fn settled(&mut self) -> Option<Event> {
        self.is_settling().then(|| {
            self.initiated = true;
            self.event(Kind::Initiation, self.established.saturating_add(self.settle))
        })
    }

    /// The connection has lasted long enough, but the outcome of a handshake is
    /// open: its initiation waits.
    pub fn wait(&mut self) -> Option<Event> {
        self.waiting = self.is_settling();
        None
    }

    /// The input ends at a moment before the connection has lasted long enough: its
    /// initiation, as a snapshot of that moment.
    pub fn cut_short(&mut self, at: i64) -> Option<Event> {
        self.is_settling().then(|| {
            self.initiated = true;
            self.event(Kind::Initiation, at.max(self.established))
        })
    }

    /// The protection has changed. Before the initiation this is folded into it.
    pub fn changed(&mut self, at: i64) -> Option<Event> {
        if self.waiting && self.is_settling() {
            self.initiated = true;
            return Some(self.event(Kind::Initiation, at));
        }
        (self.initiated && !self.ended).then(|| self.event(Kind::Change, at))
    }

    /// The protection has ended, and the connection has gone on for [`ENDS_WITH`] since.
    pub fn unprotected(&mut self, at: i64) -> Option<Event> {
        self.written = self.written.max(at.saturating_add(ENDS_WITH));
        self.changed(at)
    }

    /// The connection has ended. A connection that lasted `settle` or longer is
    /// not short; its initiation is written first if it was not yet.
    pub fn ended(&mut self, at: i64) -> (Option<Event>, Option<Event>) {
        if self.ended {
            return (None, None);
        }
        let initiation = if self.waiting {
            self.changed(at).filter(|e| e.kind == Kind::Initiation)
        } else if at.saturating_sub(self.established) >= self.settle {
            self.settled()
        } else {
            None
        };
        self.ended = true;
        let kind = if self.initiated { Kind::Termination } else { Kind::ShortTermination };
        (initiation, Some(self.event(kind, at)))
    }

    fn event(&mut self, kind: Kind, at: i64) -> Event {
        self.written = self.written.max(at);
        Event { kind, at, written: self.written }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    fn session() -> Session {
        Session::new(100 * SECOND, 10 * SECOND)
    }

    fn event(kind: Kind, seconds: i64) -> Option<Event> {
        Some(Event::new(kind, (100 + seconds) * SECOND))
    }

    #[test]
    fn a_short_connection_has_one_record() {
        let mut s = session();
        assert_eq!(s.changed(101 * SECOND), None);
        assert_eq!(s.ended(104 * SECOND), (None, event(Kind::ShortTermination, 4)));
        assert_eq!((s.settled(), s.ended(105 * SECOND)), (None, (None, None)));
    }

    #[test]
    fn a_long_connection_has_an_initiation_its_changes_and_a_termination() {
        let mut s = session();
        assert_eq!(s.settled(), event(Kind::Initiation, 10));
        assert_eq!(s.settled(), None);
        assert_eq!(s.changed(115 * SECOND), event(Kind::Change, 15));
        assert_eq!(s.ended(160 * SECOND), (None, event(Kind::Termination, 60)));
    }

    #[test]
    fn an_initiation_may_wait_for_a_handshake() {
        let mut s = session();
        assert_eq!(s.wait(), None);
        assert_eq!(s.changed(113 * SECOND), event(Kind::Initiation, 13));
        assert_eq!(s.changed(114 * SECOND), event(Kind::Change, 14));
        assert_eq!(s.ended(120 * SECOND), (None, event(Kind::Termination, 20)));
        let mut s = session();
        assert_eq!(s.wait(), None);
        let both = (event(Kind::Initiation, 12), event(Kind::Termination, 12));
        assert_eq!(s.ended(112 * SECOND), both);
    }

    #[test]
    fn records_are_written_in_order_even_of_packets_that_are_not() {
        let mut s = session();
        assert_eq!(s.settled(), event(Kind::Initiation, 10));
        let (at, written) = (104 * SECOND, 110 * SECOND);
        let ended = Event { kind: Kind::Termination, at, written };
        assert_eq!(s.ended(at), (None, Some(ended)));
    }

    #[test]
    fn ten_seconds_are_long() {
        let mut s = session();
        let both = (event(Kind::Initiation, 10), event(Kind::Termination, 10));
        assert_eq!(s.ended(110 * SECOND), both);
    }
}
