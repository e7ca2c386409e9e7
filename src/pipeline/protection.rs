//! What the capture proves about a connection's protection.
//!
//! "No recognised protection" is a claim. It is made only where everything in which a
//! handshake may have begun was captured and looked at. Where that is not so the protection
//! is not known, and the reason is told.

use super::connection::Connection;
use super::failed_handshake;
use crate::flow::Dir;

/// What is known of a TCP connection's protection at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ProtectionState {
    /// A completed handshake, AH, or ESP without encryption protects it.
    Protected,
    /// A handshake was captured, and it failed, or the connection ended before it was
    /// complete.
    HandshakeFailed,
    /// A handshake has begun, and nothing of it is missing so far: there is no protection yet.
    HandshakeOpen,
    /// No handshake began: there is no recognised protection.
    None,
    /// The capture does not show it.
    NotKnown(NotKnown),
}

/// Why the protection is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotKnown {
    /// The capture began in the middle of the connection.
    Midstream,
    /// Only one direction was captured.
    OneDirection,
    /// The capture lacks packets of the time of the connection.
    PacketsLost,
    /// A handshake has begun of which something was not captured.
    HandshakeIncomplete,
    /// Bytes were sent that were not captured, or not kept long enough to be looked at.
    BytesMissing,
    /// Its data are records or packets of a protocol that encrypts, whose handshake was not
    /// captured.
    HandshakeNotSeen,
    /// Its data do not go over TCP.
    Smc,
}

impl NotKnown {
    /// In words.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Midstream => "the beginning was not captured",
            Self::OneDirection => "one direction was not captured",
            Self::PacketsLost => "packets were lost meanwhile",
            Self::HandshakeIncomplete => "a handshake was not captured to its end",
            Self::BytesMissing => "bytes were not captured",
            Self::HandshakeNotSeen => "encrypted, handshake not seen",
            Self::Smc => "the data are exchanged by SMC, not over TCP",
        }
    }
}

impl ProtectionState {
    /// Of a connection, as it stands.
    pub fn of(c: &Connection) -> Self {
        if c.protected || c.ipsec().is_some() {
            return Self::Protected;
        }
        if c.findings().tls.is_some_and(|tls| tls.has_failed())
            || failed_handshake::failed(c).is_some()
        {
            return Self::HandshakeFailed;
        }
        if c.smc().is_some() {
            return Self::NotKnown(NotKnown::Smc);
        }
        match (Self::not_known(c), c.handshake_incomplete()) {
            (Some(_), false) if c.encrypted.is_some() => Self::NotKnown(NotKnown::HandshakeNotSeen),
            (Some(why), _) => Self::NotKnown(why),
            (None, false) => Self::None,
            (None, true) if c.life.ended().is_some() => Self::HandshakeFailed,
            (None, true) => Self::HandshakeOpen,
        }
    }

    /// What the capture lacks so that it cannot be said that a connection has no protection;
    /// `None` if nothing.
    fn not_known(c: &Connection) -> Option<NotKnown> {
        let directions = [Dir::FromLow, Dir::FromHigh];
        let unseen = |dir: Dir| *dir.of(&c.unseen) || c.missed_from(dir) > 0;
        if !c.life.start_seen() {
            Some(NotKnown::Midstream)
        } else if c.segments().contains(&0) {
            Some(NotKnown::OneDirection)
        } else if c.handshake_incomplete()
            && (c.findings().incomplete() || c.lossy || directions.into_iter().any(unseen))
        {
            Some(NotKnown::HandshakeIncomplete)
        } else if c.beginning_cut || c.misses_a_beginning() {
            Some(NotKnown::BytesMissing)
        } else if directions.into_iter().all(unseen) {
            // A later handshake shows itself in the bytes of either end.
            Some(NotKnown::BytesMissing)
        } else if c.lossy && c.bytes().contains(&0) {
            Some(NotKnown::PacketsLost)
        } else {
            None
        }
    }

    /// Whether a record may tell of the connection: it has no way to say that the protection
    /// is not known. Of one whose data go by SMC it is what the stack itself can say: nothing
    /// was recognised in TCP.
    pub fn can_be_recorded(self) -> bool {
        !matches!(self, Self::NotKnown(why) if why != NotKnown::Smc)
    }

    /// Why the protection is not known; `None` if it is.
    pub fn unknown_because(self) -> Option<&'static str> {
        match self {
            Self::NotKnown(why) => Some(why.reason()),
            Self::HandshakeOpen => Some("its handshake is not complete"),
            Self::Protected | Self::HandshakeFailed | Self::None => None,
        }
    }
}
