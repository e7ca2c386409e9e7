//! Handshakes that failed, as records of the 3.2 level tell of them.

use super::connection::Connection;
use crate::session::Failed;

/// The handshake that has failed: with an alert or an error, or because the
/// connection is over and it is not complete. Where bytes of it are missing
/// nothing is known.
pub(super) fn failed(c: &Connection) -> Option<Failed> {
    if c.protected || c.segments().contains(&0) || c.missed() > 0 {
        return None;
    }
    let over = c.life.ended().is_some() && c.knows_first_bytes() && !c.misses_a_beginning();
    let findings = c.findings();
    if let Some(tls) = findings.tls
        && !tls.completed
        && (tls.has_failed() || over && tls.client_hello && !tls.incomplete)
    {
        return Some(Failed::Tls);
    }
    let ssh = findings.ssh.filter(|s| !s.completed && !s.incomplete && over)?;
    ssh.software.iter().all(Option::is_some).then_some(Failed::Ssh)
}

/// Whether a handshake has begun whose outcome is open.
pub(super) fn unfinished(c: &Connection) -> bool {
    let findings = c.findings();
    let tls = findings
        .tls
        .is_some_and(|t| t.client_hello && !t.completed && !t.incomplete && !t.has_failed());
    tls || findings
        .ssh
        .is_some_and(|s| !s.completed && !s.incomplete && s.software.iter().all(Option::is_some))
}
