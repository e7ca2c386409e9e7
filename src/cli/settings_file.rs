//! Settings files: TOML with the names of options. What a file says is put before
//! what the command line says and read in the same way, so that both have the same
//! names, values, defaults and messages.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command, CommandFactory, FromArgMatches};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::args::Args;
use super::read_args::ReadOptions;
use super::stack_args::{StackArgs, StackTable};
use super::usage_tips;
use crate::sink::socket::Address;

/// Bytes of a settings file.
const MAX_BYTES: u64 = 16 << 20;
/// Stacks of a settings file.
const MAX_STACKS: usize = 1_000;

/// Options that mean nothing in a file.
const NOT_IN_FILES: &[&str] = &[
    "config", "help", "version", "color", "print", "check", "schema", "csv", "fields", "since",
    "until",
];
/// Options of a stack that, at the top of a file, hold for all stacks.
const SHARED: &[&str] =
    &["sysplex", "tz", "release", "interval", "sync", "passive-data-ports", "symbol", "include"];
/// Options that go with --write; a file may have them where nothing is written.
const OF_WRITE: &[&str] = &[
    "detail",
    "detail-only",
    "summary-only",
    "framing",
    "blksize",
    "rotate-size",
    "rotate-minutes",
    "fsync",
];
/// Options that name files. Relative names are relative to the settings file.
const PATHS: &[&str] =
    &["profile", "ftp-data", "include", "codes", "write", "jsonl", "stats", "report"];

/// One option in a file.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// The option's long name.
    pub name: String,
    /// Its values; none for a flag.
    pub values: Vec<String>,
    /// Line in the file, from 1.
    pub line: usize,
    /// A flag that is set to false.
    off: bool,
}

/// A settings file.
#[derive(Clone, Debug)]
pub(super) struct SettingsFile {
    pub path: PathBuf,
    pub top: Vec<Entry>,
    /// `[[stack]]` tables with the lines where they begin.
    pub stacks: Vec<(usize, Vec<Entry>)>,
}

/// Where an option's value is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    CommandLine,
    /// With the line.
    File(usize),
    Default,
}

/// The arguments, and what they were made of.
pub(super) struct Parsed {
    pub args: Args,
    /// Those of the subcommand, where it has a settings file.
    pub sources: Option<Sources>,
}

/// What the arguments of a command were made of.
pub(super) struct Sources {
    pub file: Option<SettingsFile>,
    /// The command line alone.
    given: ArgMatches,
    /// Whether --write in it only stands for that of the file.
    write_is_of_file: bool,
    /// Together.
    pub all: ArgMatches,
}

impl Sources {
    /// Where an option's value is from, and the option's identifier.
    pub fn origin(&self, arg: &Arg) -> Origin {
        if self.is_given(arg.get_id().as_str()) {
            return Origin::CommandLine;
        }
        let name = arg.get_long().unwrap_or_default();
        let entry = self.file.iter().flat_map(|f| &f.top).find(|e| e.name == name);
        entry.map_or(Origin::Default, |e| Origin::File(e.line))
    }

    fn is_given(&self, id: &str) -> bool {
        let of_file = self.write_is_of_file && id == "write";
        !of_file && self.given.value_source(id) == Some(ValueSource::CommandLine)
    }

    /// The stacks that the options and the file describe.
    ///
    /// # Errors
    /// If a `[[stack]]` is wrong, or the command line says what only one stack can
    /// have.
    pub fn stacks(&self, one: &StackArgs) -> anyhow::Result<Vec<StackArgs>> {
        let Some(file) = self.file.as_ref().filter(|f| !f.stacks.is_empty()) else {
            return Ok(vec![one.clone()]);
        };
        let command = StackTable::command();
        let options = || command.get_arguments().filter_map(|a| Some((a.get_id(), a.get_long()?)));
        for (id, name) in options().filter(|(_, name)| !SHARED.contains(name)) {
            if self.is_given(id.as_str()) {
                bail!(
                    "--{name} is about one stack, and {} has {}; say it there",
                    file.path.display(),
                    file.stacks.len()
                );
            }
            if let Some(entry) = file.top.iter().find(|e| e.name == name) {
                bail!(
                    "{}:{}: {name} is about one stack; put it into a [[stack]]",
                    file.path.display(),
                    entry.line
                );
            }
        }
        let mut stacks = Vec::new();
        for (line, entries) in &file.stacks {
            let mut arguments = Vec::new();
            for (id, name) in options() {
                if self.is_given(id.as_str()) {
                    let values = self.given.get_raw(id.as_str()).into_iter().flatten();
                    arguments.extend(values.map(|v| {
                        let mut argument = OsString::from(format!("--{name}="));
                        argument.push(v);
                        argument
                    }));
                } else if let Some(entry) = entries.iter().find(|e| e.name == name) {
                    arguments.extend(entry.arguments());
                } else if let Some(entry) = file.top.iter().find(|e| e.name == name) {
                    arguments.extend(entry.arguments());
                }
            }
            let place = format!("{}:{line}", file.path.display());
            let matches = command.clone().try_get_matches_from(arguments);
            let table = matches.and_then(|m| StackTable::from_arg_matches(&m));
            stacks.push(table.map_err(|e| anyhow::anyhow!("{place}: {}", reason(&e)))?.stack);
        }
        Ok(stacks)
    }
}

impl Entry {
    /// As arguments.
    fn arguments(&self) -> Vec<OsString> {
        if self.off {
            Vec::new()
        } else if self.values.is_empty() {
            vec![format!("--{}", self.name).into()]
        } else {
            self.values.iter().map(|v| format!("--{}={v}", self.name).into()).collect()
        }
    }
}

/// Reads the command line and the settings file that it names.
///
/// # Errors
/// If the settings file cannot be read or used. What is wrong with the command line
/// itself ends the program with clap's message.
pub(super) fn parse(arguments: Vec<OsString>) -> anyhow::Result<Parsed> {
    parse_again(arguments.clone()).map_err(|error| match error.downcast::<clap::Error>() {
        Ok(usage) => usage_tips::advise(usage, &arguments).exit(),
        Err(error) => error,
    })
}

/// Like [`parse`], but no message ends the program.
///
/// # Errors
/// Also what is wrong with the command line itself.
pub(super) fn parse_again(arguments: Vec<OsString>) -> anyhow::Result<Parsed> {
    let command = Args::command();
    let mut missing = None;
    let matches = command.clone().try_get_matches_from(&arguments).or_else(|error| {
        // What goes with --write may be given here, and --write in the file.
        let matches = command.clone().try_get_matches_from(and_write(&arguments));
        let names_file = |m: &ArgMatches| {
            let (_, of_command) = m.subcommand()?;
            of_command.try_get_one::<PathBuf>("config").ok()??;
            Some(())
        };
        match matches {
            Ok(matches)
                if error.kind() == ErrorKind::MissingRequiredArgument
                    && names_file(&matches).is_some() =>
            {
                missing = Some(error);
                Ok(matches)
            }
            _ => Err(error),
        }
    });
    let matches = matches?;
    let write_is_of_file = missing.is_some();
    let with_file =
        matches.subcommand().filter(|(name, _)| matches!(*name, "read" | "config" | "live"));
    let Some((name, given)) = with_file.map(|(n, m)| (n.to_owned(), m.clone())) else {
        let args = Args::from_arg_matches(&matches)?;
        return Ok(Parsed { args, sources: None });
    };
    let Some(path) = given.get_one::<PathBuf>("config").cloned() else {
        let args = Args::from_arg_matches(&matches)?;
        let sources = Sources { file: None, all: given.clone(), given, write_is_of_file };
        return Ok(Parsed { args, sources: Some(sources) });
    };
    let of_read = command.find_subcommand("read").context("the command read")?;
    let file = SettingsFile::read(&path, of_read)?;
    if let Some(error) = missing
        && !file.top.iter().any(|e| e.name == "write")
    {
        return Err(error.into());
    }

    let mut sources = Sources { file: None, all: given.clone(), given, write_is_of_file };
    let written = sources.is_given("write") || file.top.iter().any(|e| e.name == "write");
    let counts = |entry: &&Entry| {
        let Some(arg) = option(of_read, &entry.name) else { return false };
        let beaten = options(of_read).any(|other| {
            let rivals = |one: &Arg, other: &Arg| {
                let all = of_read.get_arg_conflicts_with(one);
                all.iter().any(|rival| rival.get_id() == other.get_id())
            };
            sources.is_given(other.get_id().as_str())
                && (other.get_id() == arg.get_id() || rivals(arg, other) || rivals(other, arg))
        });
        !beaten && (written || !OF_WRITE.contains(&entry.name.as_str()))
    };
    let from_file = file.top.iter().filter(counts).flat_map(Entry::arguments);
    let at = arguments.iter().skip(1).position(|a| *a == *name).map_or(1, |n| n + 1);
    let mut all: Vec<OsString> = arguments.iter().take(at + 1).cloned().collect();
    all.extend(from_file);
    all.extend(arguments.iter().skip(at + 1).cloned());
    let matches = command
        .try_get_matches_from(all)
        .map_err(|e| anyhow::anyhow!("{}: {}", path.display(), reason(&e)))?;
    let args = Args::from_arg_matches(&matches)
        .map_err(|e| anyhow::anyhow!("{}: {}", path.display(), reason(&e)))?;
    if let Some((_, together)) = matches.subcommand() {
        sources.all = together.clone();
    }
    sources.file = Some(file);
    Ok(Parsed { args, sources: Some(sources) })
}

/// The options of `read` that a settings file alone makes.
///
/// # Errors
/// If the file cannot be read or used.
pub(super) fn options_of(path: &Path) -> anyhow::Result<(ReadOptions, Sources)> {
    let arguments = ["zerttap", "read", "--config"].map(OsString::from);
    let mut arguments = arguments.to_vec();
    arguments.extend([path.into(), "-".into()]);
    let parsed = parse(arguments)?;
    match (parsed.args.command, parsed.sources) {
        (super::args::Command::Read(read), Some(sources)) => Ok((read.options, sources)),
        _ => bail!("{}: no settings", path.display()),
    }
}

/// The arguments with --write added.
fn and_write(arguments: &[OsString]) -> Vec<OsString> {
    let mut all = arguments.to_vec();
    let end = all.iter().position(|a| *a == *"--").unwrap_or(all.len());
    all.insert(end, "--write=-".into());
    all
}

/// The option of a long name, if a file may have it.
fn option<'a>(command: &'a Command, name: &str) -> Option<&'a Arg> {
    let fits = |arg: &&Arg| arg.get_long() == Some(name) && !NOT_IN_FILES.contains(&name);
    command.get_arguments().find(fits)
}

/// The options that a file may have.
pub(super) fn options(command: &Command) -> impl Iterator<Item = &Arg> {
    command.get_arguments().filter(|arg| {
        arg.get_long().is_some_and(|name| !NOT_IN_FILES.contains(&name)) && !arg.is_hide_set()
    })
}

/// What clap says is wrong, without its frame.
fn reason(error: &clap::Error) -> String {
    let text = error.to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    let lines = text.lines().take_while(|line| !line.is_empty());
    lines.map(str::trim).collect::<Vec<_>>().join(" ")
}

impl SettingsFile {
    /// Reads a file with the options of a command.
    fn read(path: &Path, command: &Command) -> anyhow::Result<Self> {
        let named = || path.display().to_string();
        let length = fs::metadata(path).with_context(named)?.len();
        if length > MAX_BYTES {
            bail!("{}: {length} bytes; a settings file has at most {MAX_BYTES}", named());
        }
        let text = fs::read_to_string(path).with_context(named)?;
        Self::parse(path, &text, command)
    }

    fn parse(path: &Path, text: &str, command: &Command) -> anyhow::Result<Self> {
        let reader = Reader { path, text, of_read: command };
        let table = DeTable::parse(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            let message = error.message().lines().next().unwrap_or_default().to_owned();
            reader.wrong(at, &message)
        })?;
        let mut file = Self { path: path.to_owned(), top: Vec::new(), stacks: Vec::new() };
        let of_stack = StackTable::command();
        for (key, value) in table.get_ref() {
            if key.get_ref() == "stack"
                && let DeValue::Array(tables) = value.get_ref()
            {
                if tables.len() > MAX_STACKS {
                    return Err(
                        reader.wrong(key.span().start, &format!("more than {MAX_STACKS} stacks"))
                    );
                }
                for table in tables.iter() {
                    let DeValue::Table(entries) = table.get_ref() else {
                        return Err(reader.wrong(
                            table.span().start,
                            &format!(
                                "stack: found {}, expected a table: [[stack]]",
                                table.get_ref().type_str()
                            ),
                        ));
                    };
                    let mut stack = Vec::new();
                    for (key, value) in entries {
                        stack.push(reader.entry(key, value, &of_stack)?);
                    }
                    stack.sort_by_key(|e| e.line);
                    let line =
                        stack.first().map_or_else(|| reader.line(table.span().start), |e| e.line);
                    file.stacks.push((line, stack));
                }
                continue;
            }
            file.top.push(reader.entry(key, value, command)?);
        }
        file.top.sort_by_key(|e| e.line);
        Ok(file)
    }
}

/// Turns keys and values into options.
struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
    of_read: &'a Command,
}

impl Reader<'_> {
    fn line(&self, at: usize) -> usize {
        self.text.as_bytes().iter().take(at).filter(|b| **b == b'\n').count() + 1
    }

    fn wrong(&self, at: usize, what: &str) -> anyhow::Error {
        let line = self.line(at);
        let start = self.text.get(..at).and_then(|t| t.rfind('\n')).map_or(0, |n| n + 1);
        let column = self.text.get(start..at).map_or(0, |t| t.chars().count()) + 1;
        anyhow::anyhow!("{}:{line}:{column}: {what}", self.path.display())
    }

    fn entry(
        &self,
        key: &Spanned<toml::de::DeString<'_>>,
        value: &Spanned<DeValue<'_>>,
        command: &Command,
    ) -> anyhow::Result<Entry> {
        let is_stack = command.get_name() == "[[stack]]";
        let at = key.span().start;
        let name = match key.get_ref().as_ref() {
            // The stack's name, where it is obvious whose name it is.
            "name" if is_stack => "stack",
            name => name,
        };
        let Some(arg) = option(command, name) else {
            let for_all = is_stack && option(self.of_read, name).is_some();
            return Err(self.wrong(
                at,
                &if for_all {
                    format!("{name} is for all stacks; put it above the first [[stack]]")
                } else {
                    unknown(name, command)
                },
            ));
        };
        if name == "stack" && !is_stack && matches!(value.get_ref(), DeValue::Table(_)) {
            return Err(self.wrong(at, "found [stack], expected [[stack]]: there may be several"));
        }
        let repeats = matches!(arg.get_action(), ArgAction::Append);
        let mut entry =
            Entry { name: name.to_owned(), values: Vec::new(), line: self.line(at), off: false };
        match value.get_ref() {
            DeValue::Boolean(on) if !takes_value(arg) => entry.off = !on,
            _ if !takes_value(arg) => {
                return Err(self.expected(value, name, "true or false"));
            }
            DeValue::Array(values) if repeats => {
                for value in values.iter() {
                    let text = scalar(value.get_ref())
                        .ok_or_else(|| self.expected(value, name, "text in quotes"))?;
                    entry.values.push(self.path_of(name, text));
                }
                entry.off = entry.values.is_empty();
            }
            other => {
                let expected = if repeats { "a list like [\"...\"]" } else { "text or a number" };
                let text = scalar(other).ok_or_else(|| self.expected(value, name, expected))?;
                entry.values.push(self.path_of(name, text));
            }
        }
        self.check(&entry, value, command)?;
        Ok(entry)
    }

    fn expected(&self, value: &Spanned<DeValue<'_>>, name: &str, expected: &str) -> anyhow::Error {
        let found = value.get_ref().type_str();
        self.wrong(value.span().start, &format!("{name}: found {found}, expected {expected}"))
    }

    /// A file's name, seen from where the settings file is.
    fn path_of(&self, name: &str, value: String) -> String {
        let is_path = PATHS.contains(&name)
            || name == "policy" && (value.contains('/') || value.ends_with(".toml"));
        let is_address = name == "jsonl" && value.parse::<Address>().is_ok();
        if !is_path || value == "-" || is_address {
            return value;
        }
        let directory = self.path.parent().unwrap_or(Path::new(""));
        directory.join(&value).to_string_lossy().into_owned()
    }

    /// Lets clap look at the value alone.
    fn check(
        &self,
        entry: &Entry,
        value: &Spanned<DeValue<'_>>,
        command: &Command,
    ) -> anyhow::Result<()> {
        let Some(arg) = option(command, &entry.name) else { return Ok(()) };
        let alone = Command::new("alone").no_binary_name(true).arg(
            Arg::new("value")
                .long("value")
                .value_name("VALUE")
                .action(arg.get_action().clone())
                .value_parser(arg.get_value_parser().clone()),
        );
        let arguments = match entry.arguments() {
            all if entry.values.is_empty() => all.iter().map(|_| "--value".to_owned()).collect(),
            _ => entry.values.iter().map(|v| format!("--value={v}")).collect::<Vec<_>>(),
        };
        alone.try_get_matches_from(arguments).map(|_| ()).map_err(|error| {
            let what = reason(&error);
            // What was wrong with the value, without the option's form.
            let what = what.split_once(">': ").map_or(what.as_str(), |(_, why)| why);
            let found = entry.values.join(", ");
            self.wrong(value.span().start, &format!("{}: \"{found}\": {what}", entry.name))
        })
    }
}

fn takes_value(arg: &Arg) -> bool {
    arg.get_action().takes_values()
}

/// A value as text.
fn scalar(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.as_ref().to_owned()),
        DeValue::Integer(number) if number.radix() == 10 => Some(number.as_str().replace('_', "")),
        _ => None,
    }
}

/// What to say of a key that is no option.
fn unknown(name: &str, command: &Command) -> String {
    let known = || options(command).filter_map(Arg::get_long);
    let near = known()
        .map(|option| (strsim::jaro_winkler(option, &name.replace('_', "-")), option))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(likeness, _)| *likeness > 0.8);
    match near {
        Some((_, option)) => format!("unknown key \"{name}\"; did you mean \"{option}\"?"),
        None => format!("unknown key \"{name}\"; zerttap config --print lists what there is"),
    }
}
