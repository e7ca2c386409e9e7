//! Manual pages and shell completions, made from the definition of the command line.

use std::io::{self, Write};
use std::path::Path;

use anyhow::{Context, bail};
use clap::{Command, CommandFactory};

use super::DONE;
use super::args::{Args, Completions, Man};

/// Prints the completions of a shell.
pub(super) fn completions(args: &Completions) -> anyhow::Result<u8> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "zerttap", &mut script);
    io::stdout().write_all(&script)?;
    Ok(DONE)
}

/// Prints a manual page, or writes all of them.
pub(super) fn man(args: &Man) -> anyhow::Result<u8> {
    let mut command = Args::command();
    command.build();
    if let Some(directory) = &args.write {
        return write_all(&command, directory);
    }
    let page = match &args.command {
        None => page(&command, None)?,
        Some(name) => match command.find_subcommand(name) {
            Some(subcommand) => page(subcommand, Some(name))?,
            None => {
                let names: Vec<&str> = documented(&command).map(Command::get_name).collect();
                bail!("no command is called {name}; there are {}", names.join(", "));
            }
        },
    };
    io::stdout().write_all(&page)?;
    Ok(DONE)
}

/// Writes a page for the program and each of its commands.
fn write_all(command: &Command, directory: &Path) -> anyhow::Result<u8> {
    std::fs::create_dir_all(directory).with_context(|| directory.display().to_string())?;
    let write = |name: &str, page: &[u8]| {
        let path = directory.join(format!("{name}.1"));
        std::fs::write(&path, page).with_context(|| path.display().to_string())
    };
    write("zerttap", &page(command, None)?)?;
    for subcommand in documented(command) {
        let name = subcommand.get_name();
        write(&format!("zerttap-{name}"), &page(subcommand, Some(name))?)?;
    }
    Ok(DONE)
}

/// The commands that have a page.
fn documented(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|c| c.get_name() != "help" && !c.is_hide_set())
}

/// A page in roff.
fn page(command: &Command, subcommand: Option<&str>) -> io::Result<Vec<u8>> {
    let title = subcommand.map_or_else(|| "zerttap".to_owned(), |name| format!("zerttap-{name}"));
    // A date would make two builds of the same source differ.
    let version = format!("zerttap {}", env!("CARGO_PKG_VERSION"));
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone())
        .title(title.to_uppercase())
        .source(version)
        .manual("User Commands")
        .render(&mut page)?;
    Ok(page)
}
