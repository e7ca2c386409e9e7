//! The certificates of resumed TLS sessions (up to TLS 1.2): those of the full handshake
//! in which the session was issued, as one who keeps sessions knows them.
//!
//! Connections that issue a session and resume it have other clients' ports, or other
//! clients, and are followed in different shards. They meet where the output is put in
//! order, so that the result depends on the input alone.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;

use hashbrown::HashMap;

use super::connection::{Connection, side};
use super::merge::{Emission, Payload};
use crate::config::Mode;
use crate::flow::{Dir, Key};
use crate::names::overrides::Codes;
use crate::observe::tls::{Facts, SessionCertificates, SessionHandle};
use crate::record::{Attributes, Certificates, Detail, Tls, Tls12};
use crate::session::{ResumedSession, session_certificates};
use crate::summary::Identity;

/// Identifiers and tickets that are remembered; the oldest goes.
const MAX_HANDLES: usize = 65_536;

/// A handshake that has issued or resumed a session.
#[derive(Debug)]
pub(super) struct CompletedSession {
    /// The TLS server.
    server: IpAddr,
    resumed_by: Option<[Option<SessionHandle>; 2]>,
    issued: [Option<SessionHandle>; 2],
    certificates: SessionCertificates,
}

/// What a connection was resumed by, if it was and its certificates were not seen.
pub(super) fn resumed(key: &Key, facts: Option<&Facts>, mode: Mode) -> Option<ResumedSession> {
    let facts = facts.filter(|_| mode == Mode::Extended)?;
    let handles = facts.resumed_by().filter(|_| facts.server_certificate.is_none())?;
    Some(ResumedSession { server: server(key, facts)?, handles })
}

/// Tells of a handshake that has just completed.
pub(super) fn completed(key: &Key, c: &mut Connection, mode: Mode, clock: i64) -> Option<Emission> {
    if mode == Mode::Strict {
        return None;
    }
    let facts = c.protection().tls?;
    let (resumed_by, issued) = (facts.resumed_by(), facts.issued());
    if resumed_by.is_none() && issued == [None; 2] {
        return None;
    }
    let session = CompletedSession {
        server: server(key, facts)?,
        resumed_by,
        issued,
        certificates: SessionCertificates {
            server: facts.server_certificate.clone(),
            client: facts.client_certificate.clone(),
        },
    };
    let (ordinal, number) = (c.ordinal, c.emitted);
    c.emitted += 1;
    Some(Emission { clock, ordinal, number, payload: Payload::TlsSession(Box::new(session)) })
}

/// The address of the TLS server, whoever has opened the connection.
fn server(key: &Key, facts: &Facts) -> Option<IpAddr> {
    let server = facts.client?.other();
    let dir = if side(Dir::FromLow) == server { Dir::FromLow } else { Dir::FromHigh };
    Some(key.sender(dir).ip)
}

/// Sessions that were issued, by what they are resumed by.
#[derive(Debug, Default)]
pub(super) struct IssuedSessions {
    known:
        HashMap<(IpAddr, SessionHandle), Arc<SessionCertificates>, foldhash::quality::RandomState>,
    order: VecDeque<(IpAddr, SessionHandle)>,
    /// Those of connections under way that were resumed, by ordinal.
    resumed: HashMap<u64, Arc<SessionCertificates>>,
    /// Identifiers and tickets that were given up.
    pub forgotten: u64,
}

impl IssuedSessions {
    /// Takes what a handshake has issued or resumed.
    pub fn take(&mut self, ordinal: u64, session: CompletedSession) {
        let CompletedSession { server, resumed_by, issued, certificates } = session;
        let certificates = match resumed_by {
            Some(handles) => {
                let Some(known) = self.find(&ResumedSession { server, handles }) else { return };
                let known = Arc::clone(known);
                self.resumed.insert(ordinal, Arc::clone(&known));
                known
            }
            // Without certificates there is nothing to know (anonymous, pre-shared keys).
            None if certificates == SessionCertificates::default() => return,
            None => Arc::new(certificates),
        };
        for handle in issued.into_iter().flatten() {
            if self.known.insert((server, handle), Arc::clone(&certificates)).is_some() {
                continue;
            }
            if self.order.len() >= MAX_HANDLES
                && let Some(oldest) = self.order.pop_front()
            {
                self.known.remove(&oldest);
                self.forgotten += 1;
            }
            self.order.push_back((server, handle));
        }
    }

    /// The certificates of a session that was resumed.
    pub fn find(&self, resumed: &ResumedSession) -> Option<&Arc<SessionCertificates>> {
        let mut handles = resumed.handles.into_iter().flatten();
        handles.find_map(|handle| self.known.get(&(resumed.server, handle)))
    }

    /// Those of a connection that was resumed.
    pub fn of_connection(&self, ordinal: u64) -> Option<&SessionCertificates> {
        self.resumed.get(&ordinal).map(Arc::as_ref)
    }

    /// A connection is over.
    pub fn over(&mut self, ordinal: u64) {
        self.resumed.remove(&ordinal);
    }

    /// Fills in the certificates of the record of a connection that was resumed.
    pub fn complete(&self, ordinal: u64, detail: &mut Detail, codes: &Codes) {
        if let (Some(certificates), Some(section)) = (self.of_connection(ordinal), &mut detail.tls)
        {
            detail.names = session_certificates(section, certificates, codes);
        }
    }

    /// The identity of a session that was resumed, with its certificates.
    pub fn identity(
        &self,
        identity: &Identity,
        resumed: &ResumedSession,
        codes: &Codes,
    ) -> Option<Identity> {
        let certificates = self.find(resumed)?;
        let mut identity = identity.clone();
        let Attributes::Tls(section) = &mut identity.attributes else { return None };
        let mut shown = Tls::default();
        identity.names = session_certificates(&mut shown, certificates, codes);
        let of_session = section.clone();
        *section = Tls12 {
            source: of_session.source,
            crypto_flags: of_session.crypto_flags,
            prot_ver: of_session.prot_ver,
            neg_cipher: of_session.neg_cipher,
            cs_enc_alg: of_session.cs_enc_alg,
            cs_msg_auth: of_session.cs_msg_auth,
            cs_kex_alg: of_session.cs_kex_alg,
            ..Tls12::from(&shown)
        };
        if let Some(Certificates::Tls(_, section)) = &mut identity.certificates {
            **section = (&shown).into();
        }
        Some(identity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::certificate::{Certificate, CertificateTime};

    fn handle(n: u32) -> Option<SessionHandle> {
        SessionHandle::ticket(&n.to_be_bytes())
    }

    fn issues(n: u32) -> CompletedSession {
        let time = CertificateTime { seconds: 0, generalized: false };
        let certificate = Certificate {
            subject: "CN=a".into(),
            issuer: "CN=b".into(),
            serial: vec![1],
            not_before: time,
            not_after: time,
            signature_algorithm: String::new(),
            pss_digest: None,
            public_key_algorithm: String::new(),
            key_bits: None,
            curve: None,
        };
        CompletedSession {
            server: [192, 0, 2, 1].into(),
            resumed_by: None,
            issued: [handle(n), None],
            certificates: SessionCertificates { server: Some(certificate.into()), client: None },
        }
    }

    fn resumes(n: u32, issued: Option<SessionHandle>) -> CompletedSession {
        CompletedSession {
            resumed_by: Some([None, handle(n)]),
            issued: [issued, None],
            certificates: SessionCertificates::default(),
            ..issues(0)
        }
    }

    #[test]
    fn a_resumed_session_has_the_certificates_of_the_full_handshake() {
        let mut sessions = IssuedSessions::default();
        sessions.take(1, issues(7));
        sessions.take(2, resumes(8, None));
        assert_eq!(sessions.of_connection(2), None);
        // Resumed, and a new ticket issued, which is the same session's.
        sessions.take(3, resumes(7, handle(9)));
        sessions.take(4, resumes(9, None));
        let subject = |n| sessions.of_connection(n)?.server.as_ref().map(|c| c.subject.to_string());
        assert!(subject(3).is_some() && subject(3) == subject(4));
        // Another server's ticket is another one.
        let server = [192, 0, 2, 2].into();
        assert!(sessions.find(&ResumedSession { server, handles: [handle(7), None] }).is_none());
        sessions.over(3);
        assert_eq!(sessions.of_connection(3), None);
    }

    #[test]
    fn so_many_are_remembered() {
        let mut sessions = IssuedSessions::default();
        for n in 0..MAX_HANDLES as u32 + 10 {
            sessions.take(n.into(), issues(n));
        }
        assert_eq!((sessions.known.len(), sessions.order.len()), (MAX_HANDLES, MAX_HANDLES));
        assert_eq!(sessions.forgotten, 10);
        sessions.take(u64::MAX, resumes(3, None));
        assert_eq!(sessions.of_connection(u64::MAX), None);
    }
}
