//! FTP control connections that are encrypted: what they announce cannot be read.

use super::connection::Connection;
use super::ftp::EncryptedControl;
use super::merge::{Emission, Payload};
use crate::flow::Key;
use crate::observe::upgrade::Kind;

/// Tells that a connection is such a control connection from now on, or is over. `None`
/// if it is none.
pub(super) fn change(
    key: &Key,
    connection: &mut Connection,
    begins: bool,
    clock: i64,
) -> Option<Emission> {
    // A connection may become one again, after CCC; it is over once.
    let history = connection.history.as_mut()?;
    if history.granted != Some(Kind::Ftp) || history.encrypted_control == begins {
        return None;
    }
    history.encrypted_control = begins;
    let client = connection.client(key);
    let (c, s) = (key.sender(client), key.sender(client.other()));
    let (ordinal, number) = (connection.ordinal, connection.emitted);
    connection.emitted += 1;
    let change = EncryptedControl { server: (s.ip, s.port), client: c.ip, begins };
    Some(Emission { clock, ordinal, number, payload: Payload::EncryptedControl(change) })
}
