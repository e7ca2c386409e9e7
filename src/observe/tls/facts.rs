//! What was learned of one TLS or SSL session.

use std::sync::Arc;

use super::resumption::SessionHandle;
use crate::names::tls as names;
use crate::observe::Side;
use crate::observe::certificate::Certificate;

/// The cipher suite of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suite {
    /// SSL 3.0 and later: the IANA code point.
    Tls(u16),
    /// SSL 2.0: the three-byte cipher kind.
    Sslv2(u32),
}

impl Suite {
    /// The code point in upper-case hexadecimal of its width on the wire.
    pub fn hex(self) -> String {
        match self {
            Self::Tls(suite) => format!("{suite:04X}"),
            Self::Sslv2(kind) => format!("{kind:06X}"),
        }
    }

    /// The name in its registry.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::Tls(suite) => names::suite_name(suite),
            Self::Sslv2(kind) => names::sslv2_cipher_name(kind),
        }
    }

    /// The three codes of an SMF record.
    pub fn codes(self) -> names::SuiteCodes {
        match self {
            Self::Tls(suite) => names::suite_codes(suite),
            Self::Sslv2(kind) => names::sslv2_codes(kind),
        }
    }
}

/// Why a handshake did not come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// A fatal alert, or close_notify before the end.
    Alert {
        /// AlertDescription.
        description: u8,
        /// Who sent it.
        from: Side,
    },
    /// An SSL 2.0 ERROR message with its code.
    Sslv2Error(u16),
}

/// What was learned of a session. What the wire did not show is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The side that sent the ClientHello, or did not send the ServerHello.
    pub client: Option<Side>,
    /// Whether a ClientHello was seen.
    pub client_hello: bool,
    /// Whether a ServerHello was seen.
    pub server_hello: bool,
    /// The negotiated version, as on the wire (SSL 2.0 is 0002).
    pub version: Option<u16>,
    /// The chosen cipher suite.
    pub suite: Option<Suite>,
    /// The session identifier of the ServerHello. Empty in TLS 1.3, where the
    /// field only echoes what the client sent.
    pub session_id: Option<Vec<u8>>,
    /// The ticket that the client offered (RFC 5077).
    pub offered_ticket: Option<SessionHandle>,
    /// The ticket that the server issued, where that is clear.
    pub issued_ticket: Option<SessionHandle>,
    /// Whether encrypt-then-MAC was accepted.
    pub encrypt_then_mac: bool,
    /// The named group of the key exchange.
    pub group: Option<u16>,
    /// Length in bits of the prime of a finite-field key exchange.
    pub dh_bits: Option<u32>,
    /// The host name that the client asked for.
    pub sni: Option<String>,
    /// The application protocol that the server chose, where that is clear.
    pub alpn: Option<String>,
    /// The application protocols that the client offered.
    pub alpn_offered: Vec<String>,
    /// Whether the handshake was abbreviated (a session was resumed).
    pub abbreviated: Option<bool>,
    /// Whether the server asked for another hello.
    pub hello_retry_request: bool,
    /// Whether the server asked for a client certificate in the clear.
    pub certificate_request: bool,
    /// The server's leaf certificate.
    pub server_certificate: Option<Arc<Certificate>>,
    /// The client's leaf certificate.
    pub client_certificate: Option<Arc<Certificate>>,
    /// Whether the handshake is known to be complete.
    pub completed: bool,
    /// Why it failed, if it did.
    pub failure: Option<Failure>,
    /// Whether the client has answered a ServerHello of TLS 1.3 with nothing but records
    /// of the length of an alert.
    pub encrypted_alert: bool,
    /// Whether bytes of the handshake were missing or made no sense.
    pub incomplete: bool,
}

impl Facts {
    /// Whether an alert, readable or not, or an error shows that the handshake failed.
    pub fn has_failed(&self) -> bool {
        // What is missing may have been the client's Finished.
        let answered = self.encrypted_alert && !self.incomplete;
        !self.completed && (self.failure.is_some() || answered)
    }

    /// Whether the client sent a certificate, where that can be seen: not in TLS 1.3, and not
    /// where the messages that show it are missing.
    pub fn client_authentication(&self) -> Option<bool> {
        if self.certificate_request && self.client_certificate.is_some() {
            return Some(true);
        }
        (self.completed && !self.incomplete && !self.is_tls13()).then_some(false)
    }

    /// Whether the server asked for another ClientHello; `None` where the capture does not
    /// show it. `whole` is whether nothing of the connection is missing.
    pub fn asked_again(&self, whole: bool) -> Option<bool> {
        let shown = self.server_hello && (!self.is_tls13() || whole);
        (self.hello_retry_request || shown).then_some(self.hello_retry_request)
    }

    /// Whether the version is TLS 1.3 or one of its drafts.
    pub fn is_tls13(&self) -> bool {
        self.version.is_some_and(|v| v == 0x0304 || names::is_draft13(v))
    }
}
