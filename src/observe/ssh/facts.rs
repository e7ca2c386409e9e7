//! What was learned of one SSH session.

use std::sync::Arc;

use crate::observe::Side;
use crate::observe::certificate::Certificate;

/// The server's host key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostKey {
    /// The type string of the key blob; `rsa1` in version 1.
    pub kind: String,
    /// Length in bits, where the type is known.
    pub bits: Option<u32>,
    /// SHA-256 of the key blob, as OpenSSH prints it; version 1 has none.
    pub fingerprint: Option<String>,
    /// The leaf certificate of an X.509 host key (RFC 6187).
    pub certificate: Option<Arc<Certificate>>,
}

/// What was learned of a session. What the wire did not show is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The SSH client: who sends the first message of the key exchange; until
    /// that is seen, who opened the connection.
    pub client: Option<Side>,
    /// Whether messages that only a client or only a server sends have shown who is
    /// the client.
    pub roles_shown: bool,
    /// Protocol version, 1 or 2.
    pub version: Option<u8>,
    /// What each side says of its software, after the protocol version.
    pub software: [Option<String>; 2],
    /// Key exchange method.
    pub kex: Option<String>,
    /// The server's host key.
    pub host_key: Option<HostKey>,
    /// Cipher, client to server.
    pub cipher_c2s: Option<String>,
    /// Cipher, server to client.
    pub cipher_s2c: Option<String>,
    /// MAC, client to server; `None` also where the cipher has its own.
    pub mac_c2s: Option<String>,
    /// MAC, server to client.
    pub mac_s2c: Option<String>,
    /// Compression, client to server.
    pub compression_c2s: Option<String>,
    /// Compression, server to client.
    pub compression_s2c: Option<String>,
    /// HASSH of the client's KEXINIT.
    pub hassh: Option<String>,
    /// HASSH of the server's.
    pub hassh_server: Option<String>,
    /// Whether the key exchange is known to be complete.
    pub completed: bool,
    /// Whether bytes were missing or made no sense.
    pub incomplete: bool,
}

impl Facts {
    /// What a side says of its software.
    pub fn software_of(&self, side: Side) -> Option<&str> {
        side.of(&self.software).as_deref()
    }
}
