//! What a user may say, and what comes back: commands, messages, exit
//! statuses.

mod args;
mod check;
mod check_args;
mod config;
mod extract;
mod left_out;
mod live;
mod manual;
mod memory;
mod names;
mod period;
mod profile;
mod read;
mod read_args;
mod report_page;
mod schema;
mod settings_file;
mod show;
mod show_args;
mod stack_args;
mod time_notes;
mod usage_tips;

use std::io::{self, Write};
use std::process::ExitCode;

use args::Command;

use crate::printable::printable_lines;

/// Done.
const DONE: u8 = 0;
/// Usage, or input that cannot be read at all.
const UNUSABLE: u8 = 2;
/// Done, but damaged input was passed over, and the user asked to be told so.
const DAMAGED: u8 = 3;
/// Interrupted.
const INTERRUPTED: u8 = 130;

/// Runs the program.
pub fn main() -> ExitCode {
    let result = match settings_file::parse(std::env::args_os().collect()) {
        Ok(parsed) => run(parsed),
        Err(error) => Err(error),
    };
    match result {
        Ok(status) => ExitCode::from(status),
        // The reader of our output has gone: nothing is wrong.
        Err(error) if is_broken_pipe(&error) => ExitCode::from(DONE),
        Err(error) => {
            notify("error", &causes(&error));
            ExitCode::from(UNUSABLE)
        }
    }
}

/// Reads a settings file, as `zerttap config --check` does.
///
/// # Errors
/// What is wrong with it.
pub fn settings_of(path: &std::path::Path) -> anyhow::Result<()> {
    let (options, sources) = settings_file::options_of(path)?;
    read::stacks(&options, &sources)?;
    Ok(())
}

fn run(parsed: settings_file::Parsed) -> anyhow::Result<u8> {
    parsed.args.color.write_global();
    match (parsed.args.command, parsed.sources) {
        (Command::Read(read), Some(sources)) => read::run(&read.gathered(), &sources),
        (Command::Config(config), Some(sources)) => config::run(&config, &sources),
        (Command::Live(live), Some(sources)) => live::run(&live, &sources),
        (Command::Extract(extract), _) => extract::run(&extract),
        (Command::Show(show), _) => show::run(&show),
        (Command::Check(check), _) => check::run(&check),
        (Command::Names(names), _) => names::run(&names),
        (Command::Profile(profile), _) => profile::run(&profile),
        (Command::Doctor(doctor), _) => live::doctor(&doctor),
        (Command::Completions(completions), _) => manual::completions(&completions),
        (Command::Man(man), _) => manual::man(&man),
        (Command::Read(_) | Command::Config(_) | Command::Live(_), None) => Ok(UNUSABLE),
    }
}

/// Writes a message to standard error. Where that cannot be written, as on a full disk,
/// there is nobody to tell.
fn notify(kind: &str, text: &str) {
    let _ = writeln!(anstream::stderr(), "{}", message(kind, text));
}

/// A message for standard error, its kind in colour.
fn message(kind: &str, text: &str) -> String {
    let style = match kind {
        "error" => anstyle::AnsiColor::Red.on_default().bold(),
        "warning" => anstyle::AnsiColor::Yellow.on_default().bold(),
        _ => anstyle::Style::new().bold(),
    };
    format!("zerttap: {style}{kind}{style:#}: {}", printable_lines(text))
}

/// An error and its causes, each once: some say what caused them.
fn causes(error: &anyhow::Error) -> String {
    error.chain().fold(String::new(), |mut told, cause| {
        let cause = cause.to_string();
        if !told.contains(&cause) {
            told += if told.is_empty() { "" } else { ": " };
            told += &cause;
        }
        told
    })
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let direct = cause.downcast_ref::<io::Error>();
        let inside = cause.downcast_ref::<crate::sink::file::OutputError>().and_then(|e| match e {
            crate::sink::file::OutputError::Io { error, .. } => Some(error),
            _ => None,
        });
        direct.or(inside).is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
    })
}
