//! `zerttap config`.

use std::io::Write;

use clap::{Arg, CommandFactory};

use super::args::{Args, ConfigArgs, SchemaOf};
use super::settings_file::{Entry, Origin, Sources, options};
use super::stack_args::{Configured, StackTable};
use super::{DONE, read, schema};

/// Runs the command; returns the exit status.
pub(super) fn run(args: &ConfigArgs, sources: &Sources) -> anyhow::Result<u8> {
    let mut out = anstream::stdout().lock();
    if let Some(of) = args.schema {
        let schema = match of {
            SchemaOf::Settings => schema::settings(),
            SchemaOf::Jsonl => schema::json_lines(),
            SchemaOf::Calibration => schema::calibration(),
            SchemaOf::Check => schema::check(),
        };
        writeln!(out, "{}", serde_json::to_string_pretty(&schema)?)?;
        return Ok(DONE);
    }
    let stacks = read::stacks(&args.options, sources)?;
    if args.print || !args.check {
        write!(out, "{}", printed(sources))?;
        for configured in &stacks {
            write!(out, "{}", from_profile(configured))?;
        }
    }
    if args.check {
        let count = stacks.len();
        read::settings(&args.options, stacks.into_iter().map(|c| c.stack).collect())?;
        let plural = if count == 1 { "" } else { "s" };
        writeln!(out, "The settings can be used: {count} stack{plural}.")?;
    }
    out.flush()?;
    Ok(DONE)
}

/// The settings as a settings file.
fn printed(sources: &Sources) -> String {
    let command = Args::command();
    let Some(read) = command.find_subcommand("read") else { return String::new() };
    let several = sources.file.as_ref().is_some_and(|f| !f.stacks.is_empty());
    let of_stack = StackTable::command();
    let is_of_stack = |arg: &Arg| of_stack.get_arguments().any(|a| a.get_id() == arg.get_id());
    let mut out = String::new();
    let mut heading = None;
    for arg in options(read) {
        let origin = sources.origin(arg);
        if several && is_of_stack(arg) && origin == Origin::Default {
            continue;
        }
        if heading != arg.get_help_heading() {
            heading = arg.get_help_heading();
            out += &format!(
                "{}# {}\n",
                if out.is_empty() { "" } else { "\n" },
                heading.unwrap_or("Options")
            );
        }
        out += &line(arg, &origin, sources);
    }
    let Some(file) = sources.file.as_ref().filter(|_| several) else { return out };
    for (line, entries) in &file.stacks {
        out += &format!("\n[[stack]]  # {}:{line}\n", file.path.display());
        for entry in entries {
            let arg = of_stack.get_arguments().find(|a| a.get_long() == Some(entry.name.as_str()));
            let value = arg.map_or_else(String::new, |arg| of_entry(arg, entry));
            out += &format!("{} = {value}\n", entry.name);
        }
    }
    out
}

/// What a profile has added, as comments: the file has it through the profile.
fn from_profile(configured: &Configured) -> String {
    let Some(profile) = &configured.profile else { return String::new() };
    let file = profile.files.first().map(|f| f.display().to_string()).unwrap_or_default();
    let mut out = format!("\n# From the profile {file}:\n");
    let list = |values: Vec<String>| {
        let quoted: Vec<String> = values.iter().map(|v| format!("\"{v}\"")).collect();
        quoted.join(", ")
    };
    let home = profile.home.iter().map(|h| h.prefix.to_string()).collect();
    out += &format!("# home = [{}]\n", list(home));
    let jobs = profile.jobs().into_iter().filter(|r| !r.job.name.is_empty());
    out += &format!("# job = [{}]\n", list(jobs.map(|r| r.to_string()).collect()));
    let stack = &configured.stack;
    out += &format!("# interval = \"{}\"\n", stack.interval);
    out += &format!("# sync = \"{:02}:{:02}\"\n", stack.sync_minutes / 60, stack.sync_minutes % 60);
    let records = match (stack.detail, stack.summary) {
        (true, true) => "subtypes 11 and 12",
        (true, false) => "subtype 11",
        (false, true) => "subtype 12",
        (false, false) => "nothing",
    };
    out += &format!("# records: {records}\n");
    out
}

/// A line of a settings file; commented out where an option has no value.
fn line(arg: &Arg, origin: &Origin, sources: &Sources) -> String {
    let name = arg.get_long().unwrap_or_default();
    let from = match origin {
        Origin::CommandLine => "the command line".to_owned(),
        Origin::File(line) => {
            let path = sources.file.as_ref().map(|f| f.path.display().to_string());
            format!("{}:{line}", path.unwrap_or_default())
        }
        Origin::Default => "default".to_owned(),
    };
    let raw = sources.all.try_get_raw(arg.get_id().as_str()).ok().flatten();
    let values: Vec<String> =
        raw.into_iter().flatten().map(|v| v.to_string_lossy().into_owned()).collect();
    let unset = *origin == Origin::Default && values.iter().all(String::is_empty);
    if unset && arg.get_action().takes_values() {
        let repeats = matches!(arg.get_action(), clap::ArgAction::Append);
        let empty = if repeats { "[]" } else { "\"\"" };
        return format!("# {name} = {empty}  # not set\n");
    }
    let value = if arg.get_action().takes_values() {
        of_values(arg, &values)
    } else {
        let id = arg.get_id().as_str();
        sources.all.try_get_one::<bool>(id).ok().flatten().copied().unwrap_or_default().to_string()
    };
    format!("{name} = {value}  # {from}\n")
}

fn of_entry(arg: &Arg, entry: &Entry) -> String {
    of_values(arg, &entry.values)
}

/// Values in TOML.
fn of_values(arg: &Arg, values: &[String]) -> String {
    let text = |value: &String| match value.parse::<u64>() {
        Ok(number) if number.to_string() == *value => value.clone(),
        _ => toml::Value::String(value.clone()).to_string(),
    };
    if matches!(arg.get_action(), clap::ArgAction::Append) {
        let list: Vec<String> =
            values.iter().map(|v| toml::Value::String(v.clone()).to_string()).collect();
        return format!("[{}]", list.join(", "));
    }
    values.first().map_or_else(|| "\"\"".to_owned(), text)
}
