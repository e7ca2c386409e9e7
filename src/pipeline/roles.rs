//! Which end of a connection is the client.

use super::connection::Connection;
use crate::flow::{Dir, Key};
use crate::observe::Side;

impl Connection {
    /// The direction in which the client sends: the opener of the connection. Where
    /// that was not seen, the end that its handshake shows to be the client; and where
    /// that was not seen either, the end with the higher port, because servers have the
    /// lower one.
    pub fn client(&self, key: &Key) -> Dir {
        let by_port = if key.low().port > key.high().port { Dir::FromLow } else { Dir::FromHigh };
        let known = self.life.client().or(self.recorded_client);
        known.or_else(|| self.shown_client()).unwrap_or(by_port)
    }

    /// The client by proof: the other side of who sent a ServerHello, an SSH server's
    /// messages or the answers of IKE.
    fn shown_client(&self) -> Option<Dir> {
        let findings = self.findings();
        let tls = findings.tls.filter(|tls| tls.server_hello).and_then(|tls| tls.client);
        let ssh = || findings.ssh.filter(|ssh| ssh.roles_shown).and_then(|ssh| ssh.client);
        let ike = || self.ike().map(|ike| ike.client());
        let hello = || findings.tls.and_then(|tls| tls.client);
        let client = tls.or_else(ssh).or_else(ike).or_else(hello)?;
        Some(if client == Side::Low { Dir::FromLow } else { Dir::FromHigh })
    }
}
