//! What a session of TLS up to 1.2 is resumed by: its identifier (RFC 5246 section 7.3) or
//! a ticket (RFC 5077).

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::facts::Facts;
use crate::observe::certificate::Certificate;

/// A digest of an identifier or a ticket: half of its SHA-256. Who resumes a session has to
/// have it, so that others that have the same one are as rare as chance allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SessionHandle([u8; 16]);

impl SessionHandle {
    /// Of a ticket; `None` of an empty one.
    pub fn ticket(ticket: &[u8]) -> Option<Self> {
        Self::of(b"ticket", ticket)
    }

    /// Of a session identifier; `None` of an empty one.
    pub fn identifier(identifier: &[u8]) -> Option<Self> {
        Self::of(b"identifier", identifier)
    }

    fn of(kind: &[u8], bytes: &[u8]) -> Option<Self> {
        if bytes.is_empty() {
            return None;
        }
        let digest = Sha256::new().chain_update(kind).chain_update(bytes).finalize();
        digest.first_chunk().copied().map(Self)
    }
}

/// The certificates of a full handshake, which belong to the session that it began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionCertificates {
    /// The server's leaf certificate.
    pub server: Option<Arc<Certificate>>,
    /// The client's leaf certificate.
    pub client: Option<Arc<Certificate>>,
}

impl Facts {
    /// What the session was resumed by, if it was: what the client has offered and the
    /// server has taken up. A server that takes up a ticket answers with whatever
    /// identifier the client has made up (RFC 5077 section 3.4).
    pub fn resumed_by(&self) -> Option<[Option<SessionHandle>; 2]> {
        let resumed = self.completed && self.abbreviated == Some(true) && !self.is_tls13();
        let handles = [self.offered_ticket, self.identifier()];
        (resumed && handles != [None; 2]).then_some(handles)
    }

    /// What the session may be resumed by from now on.
    pub fn issued(&self) -> [Option<SessionHandle>; 2] {
        if !self.completed || self.is_tls13() {
            return [None; 2];
        }
        let identifier = self.identifier().filter(|_| self.abbreviated == Some(false));
        [self.issued_ticket, identifier]
    }

    fn identifier(&self) -> Option<SessionHandle> {
        SessionHandle::identifier(self.session_id.as_deref().unwrap_or_default())
    }
}
