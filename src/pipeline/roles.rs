//! Which end of a connection is the client.

use super::connection::Connection;
use crate::flow::{Dir, Key};
use crate::observe::Side;

impl Connection {
    /// The direction in which the client sends: the opener of the connection. Where
    /// that was not seen, the end that its handshake shows to be the client; where that was not
    /// seen either, the other end of the port that a job is known to serve; and otherwise the
    /// end with the higher port, because servers have the lower one.
    pub fn client(&self, key: &Key) -> Dir {
        let by_port = if key.low().port > key.high().port { Dir::FromLow } else { Dir::FromHigh };
        let known = self.life.client().or(self.recorded_client);
        let known = known.or_else(|| self.shown_client());
        known.or_else(|| self.configured_client(key)).unwrap_or(by_port)
    }

    /// The client by configuration: the other end of the only port that a job serves.
    fn configured_client(&self, key: &Key) -> Option<Dir> {
        let stacks = &self.settings.stacks;
        let [low, high] = [key.low(), key.high()].map(|end| stacks.serves(end.ip, end.port));
        match (low, high) {
            (true, false) => Some(Dir::FromHigh),
            (false, true) => Some(Dir::FromLow),
            _ => None,
        }
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
