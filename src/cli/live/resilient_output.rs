//! Files that a watch goes on with when they cannot be written for a while.

use std::time::{Duration, Instant};

use crate::sink::file::OutputError;

/// How long a file that cannot be written is left alone.
const RETRY: Duration = Duration::from_secs(2);

/// A file that is begun anew when it cannot be written any more.
pub(super) struct ResilientFile<T> {
    file: Option<T>,
    again: Box<dyn Fn() -> Result<T, OutputError> + Send>,
    /// Its name, and what is written to it.
    name: String,
    what: &'static str,
    /// What could not be written since it was last told, and in all.
    lost: u64,
    lost_in_all: u64,
    retry: Instant,
    told: bool,
}

impl<T> ResilientFile<T> {
    /// Keeps a file; `again` opens it anew.
    pub fn new(
        file: T,
        name: String,
        what: &'static str,
        again: impl Fn() -> Result<T, OutputError> + Send + 'static,
    ) -> Self {
        Self {
            file: Some(file),
            again: Box::new(again),
            name,
            what,
            lost: 0,
            lost_in_all: 0,
            retry: Instant::now(),
            told: false,
        }
    }

    /// Does something with the file, and gives it up if that fails; whether it was
    /// done.
    pub fn with(&mut self, what: impl FnOnce(&mut T) -> Result<(), OutputError>) -> bool {
        let Some(file) = &mut self.file else { return false };
        let Err(error) = what(file) else { return true };
        self.file = None;
        self.retry = Instant::now() + RETRY;
        // What happens every two seconds is told once.
        if !std::mem::replace(&mut self.told, true) {
            tracing::error!("{error}; trying again");
        }
        false
    }

    /// Writes something, to another file if this one was given up.
    pub fn write(&mut self, what: impl FnOnce(&mut T) -> Result<(), OutputError>) {
        if self.file.is_none() && Instant::now() >= self.retry {
            self.file = (self.again)().ok();
            self.retry = Instant::now() + RETRY;
        }
        if !self.with(what) {
            self.lost += 1;
            self.lost_in_all += 1;
        }
    }

    /// Hands what is whole to the operating system. Only now is it known whether it
    /// could be written.
    pub fn flush(&mut self, what: impl FnOnce(&mut T) -> Result<(), OutputError>) {
        if self.with(what) {
            self.tell_losses();
            self.told = false;
        }
    }

    fn tell_losses(&mut self) {
        let lost = std::mem::take(&mut self.lost);
        if lost > 0 {
            tracing::warn!("{}: {lost} {} were lost", self.name, self.what);
        }
    }

    /// What could not be written, in all.
    pub fn lost_in_all(&self) -> u64 {
        self.lost_in_all
    }

    /// Completes the file.
    ///
    /// # Errors
    /// If it cannot be completed.
    pub fn finish(
        mut self,
        what: impl FnOnce(T) -> Result<(), OutputError>,
    ) -> Result<(), OutputError> {
        self.tell_losses();
        self.file.map_or(Ok(()), what)
    }
}
