//! Reading settings again while a watch goes on.

use std::ffi::OsString;
use std::sync::Arc;

use anyhow::bail;

use super::kernel_filter;
use crate::cli::args::Command;
use crate::cli::{read, settings_file};
use crate::config::{Settings, Stack, Stacks};
use crate::source::LiveControl;

/// What it takes to read settings again.
pub(super) struct Reload {
    arguments: Vec<OsString>,
    /// Those of the beginning.
    first: Settings,
    control: LiveControl,
    /// The user's filter, and whether addresses are looked at in the kernel.
    filter: (Option<String>, bool),
}

impl Reload {
    pub fn new(first: Settings, control: LiveControl, filter: (Option<String>, bool)) -> Self {
        Self { arguments: std::env::args_os().collect(), first, control, filter }
    }

    /// The settings as they are now, or `None` if they cannot be used; that is said.
    pub fn settings(&self) -> Option<Arc<Settings>> {
        match self.read() {
            Ok(settings) => {
                let (given, addresses) = &self.filter;
                let filter = kernel_filter::expression(given.as_deref(), &settings, *addresses);
                self.control.filter(filter);
                tracing::info!("settings were read again; they hold for new connections");
                Some(Arc::new(settings))
            }
            Err(error) => {
                tracing::error!("{error:#}; the settings stay as they are");
                None
            }
        }
    }

    fn read(&self) -> anyhow::Result<Settings> {
        let parsed = settings_file::parse_again(self.arguments.clone())?;
        let (Command::Live(live), Some(sources)) = (parsed.args.command, parsed.sources) else {
            bail!("no settings");
        };
        let stacks = read::stacks(&live.options, &sources)?;
        let stacks = stacks.into_iter().map(|c| c.stack).collect();
        let new = read::settings(&live.options, stacks)?;
        let (old, now) = (self.first.stacks.list(), new.stacks.list());
        let alike =
            old.len() == now.len() && old.iter().zip(now).all(|(a, b)| a.identity == b.identity);
        if !alike {
            bail!("other stacks, or other names of them, take a restart");
        }
        // What has been begun goes on as it is: names, intervals, what is recorded.
        let stack = |(old, new): (&Stack, &Stack)| Stack {
            home: new.home.clone(),
            jobs: new.jobs.clone(),
            passive_ports: new.passive_ports.clone(),
            ..old.clone()
        };
        Ok(Settings {
            stacks: Stacks::new(old.iter().zip(now).map(stack).collect()),
            policy: new.policy,
            codes: new.codes,
            ..self.first.clone()
        })
    }
}
