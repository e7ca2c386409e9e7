//! The certificates of a TLS session that was resumed, as JSON.

use schemars::JsonSchema;
use serde::Serialize;

use super::jsonl::{CertificateLine, certificate};
use crate::observe::tls;

/// The certificates of a resumed session, of the full handshake that has issued it.
#[derive(Debug, JsonSchema, Serialize)]
pub struct SessionCertificates {
    /// The server's certificate.
    server: Option<CertificateLine>,
    /// The client's certificate.
    client: Option<CertificateLine>,
}

impl SessionCertificates {
    /// Of what the full handshake has shown.
    pub fn new(certificates: &tls::SessionCertificates) -> Self {
        Self {
            server: certificates.server.as_deref().map(certificate),
            client: certificates.client.as_deref().map(certificate),
        }
    }
}
