//! What signals ask for.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::Context;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};

use crate::cli::INTERRUPTED;

/// Flags that signals set.
#[derive(Clone, Debug, Default)]
pub(super) struct Signals {
    /// INT and TERM.
    pub stop: Arc<AtomicBool>,
    /// HUP.
    pub reload: Arc<AtomicBool>,
    /// USR1.
    pub ledger: Arc<AtomicBool>,
}

impl Signals {
    /// Watches for signals.
    ///
    /// # Errors
    /// If the operating system does not let it.
    pub fn watch() -> anyhow::Result<Self> {
        let signals = Self::default();
        let watched = "cannot watch for signals";
        for signal in [SIGINT, SIGTERM] {
            // The second time the user does not want to wait.
            let (status, stop) = (i32::from(INTERRUPTED), Arc::clone(&signals.stop));
            signal_hook::flag::register_conditional_shutdown(signal, status, stop)
                .context(watched)?;
            signal_hook::flag::register(signal, Arc::clone(&signals.stop)).context(watched)?;
        }
        for (signal, flag) in [(SIGHUP, &signals.reload), (SIGUSR1, &signals.ledger)] {
            signal_hook::flag::register(signal, Arc::clone(flag)).context(watched)?;
        }
        Ok(signals)
    }
}
