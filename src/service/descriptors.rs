//! File descriptors: as many as are needed, and the last of them kept for outputs.

use std::os::fd::RawFd;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Descriptors that no client gets: outputs are closed and opened again with them.
const RESERVED: u64 = 32;

/// What the system allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// Descriptors before.
    pub before: u64,
    /// Descriptors now.
    pub now: u64,
    /// Whether they are enough.
    pub enough: bool,
}

/// Raises the limit of open files to what is needed, as far as the system lets it.
/// `None` if it does not tell what is allowed.
pub fn raise(needed: u64) -> Option<Allowed> {
    let needed = needed.saturating_add(RESERVED);
    let (before, most) = getrlimit(Resource::RLIMIT_NOFILE).ok()?;
    let wanted = before.max(needed.min(most));
    let raised = wanted > before && setrlimit(Resource::RLIMIT_NOFILE, wanted, most).is_ok();
    let now = if raised { wanted } else { before };
    Some(Allowed { before, now, enough: now >= needed })
}

/// Whether a client that was given this descriptor leaves enough for outputs: the
/// system gives the lowest that is free.
pub fn leaves_room(descriptor: RawFd) -> bool {
    let Ok((allowed, _)) = getrlimit(Resource::RLIMIT_NOFILE) else { return true };
    u64::try_from(descriptor).is_ok_and(|n| n.saturating_add(RESERVED) < allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_descriptors_are_not_for_clients() {
        let (allowed, _) = getrlimit(Resource::RLIMIT_NOFILE).expect("a limit");
        let last = RawFd::try_from(allowed.min(1 << 30)).expect("a number");
        assert!(leaves_room(3));
        assert!(!leaves_room(last - 1) || allowed > 1 << 30);
        let told = raise(16).expect("a limit");
        assert!(told.enough && told.now >= told.before);
    }
}
