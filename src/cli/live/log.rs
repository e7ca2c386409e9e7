//! What is said while a watch goes on: lines of text or JSON on standard error, or
//! in the view.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use clap::ValueEnum;
use tracing::Level;
use tracing_subscriber::fmt::MakeWriter;

use crate::printable::{printable_json, printable_log};

/// The form of messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum LogForm {
    /// Time, level and text.
    #[default]
    Text,
    /// JSON objects.
    Json,
}

/// Messages that are kept for the view.
const KEPT: usize = 200;

/// The last messages, where a view shows them.
#[derive(Clone, Debug, Default)]
pub(super) struct Recent(Arc<Mutex<VecDeque<String>>>);

impl Recent {
    /// The last so many.
    pub fn last(&self, count: usize) -> Vec<String> {
        let Ok(lines) = self.0.lock() else { return Vec::new() };
        lines.iter().skip(lines.len().saturating_sub(count)).cloned().collect()
    }
}

/// Writes to standard error, or keeps for the view.
#[derive(Clone)]
struct Writer {
    view: Option<Recent>,
    form: LogForm,
}

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A line comes whole. Control characters of ASCII are escaped in it already; what
        // there is of them are its own colours and its end.
        let text = String::from_utf8_lossy(bytes);
        let text = match self.form {
            LogForm::Text => printable_log(&text),
            LogForm::Json => printable_json(&text),
        };
        match &self.view {
            None => {
                io::stderr().write_all(text.as_bytes())?;
                Ok(bytes.len())
            }
            Some(recent) => {
                if let Ok(mut lines) = recent.0.lock() {
                    lines.extend(text.lines().map(str::to_owned));
                    while lines.len() > KEPT {
                        lines.pop_front();
                    }
                }
                Ok(bytes.len())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Writer {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Begins to say things; with a view, in it.
pub(super) fn start(form: LogForm, quiet: bool, view: Option<Recent>) {
    let level = if quiet { Level::ERROR } else { Level::INFO };
    let colours = view.is_none()
        && anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never;
    let builder = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_target(false)
        // It would say so on standard error, which may be what cannot be written.
        .log_internal_errors(false)
        .with_ansi(colours)
        .with_writer(Writer { view, form });
    // Where somebody else has done so already, they say it.
    let _ = match form {
        LogForm::Text => tracing::subscriber::set_global_default(builder.compact().finish()),
        LogForm::Json => tracing::subscriber::set_global_default(builder.json().finish()),
    };
}
