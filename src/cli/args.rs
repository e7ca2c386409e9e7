//! The arguments.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum, ValueHint};

use super::period::Period;
use super::read_args::ReadOptions;
pub(super) use super::show_args::Show;

/// z/OS zERT from the wire: reads packets, observes TLS, SSL, SSH and IPSec, and
/// writes the SMF type 119 records that the TCP/IP stack would have written.
#[derive(Debug, Parser)]
#[command(version, about, max_term_width = 100, arg_required_else_help = true)]
#[command(after_help = "Exit status:
  0    done (damaged input that was passed over is reported as a warning)
  1    check: records and wire do not agree
  2    wrong usage, or input that cannot be read
  3    done, but damaged input was passed over (with --fail-on-damage)
  130  interrupted; what was complete is written")]
pub(super) struct Args {
    /// When to use colours; NO_COLOR is honoured.
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub color: Color,

    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Read captures and report how their TCP connections are protected.
    ///
    /// Without output options a table is printed: who talks to which server,
    /// and how protected, the unprotected first.
    Read(Box<Read>),
    /// Write the packets of selected connections as pcapng.
    Extract(Box<super::extract::Extract>),
    /// Print the zERT records of SMF files by IBM's field names.
    ///
    /// Records of other types and subtypes are passed over and counted.
    Show(Box<Show>),
    /// Watch network interfaces, and write records while traffic goes on.
    ///
    /// Runs until it is told to stop by SIGINT or SIGTERM; then everything is
    /// closed out in order.
    Live(Box<super::live::Live>),
    /// Hold what a z/OS stack has recorded against what was on the wire.
    ///
    /// Pairs the stack's records with those of a capture, and gives a verdict on
    /// every field.
    Check(Box<super::check_args::Check>),
    /// Print the tables of names and codes.
    ///
    /// What the codes in the records mean, and which code a cipher suite, an
    /// algorithm or a number on the wire gets. X'0000' is Unknown.
    Names(Names),
    /// Print what is understood of a z/OS TCP/IP profile.
    ///
    /// Addresses, jobs of ports, what is recorded of zERT, and what was passed
    /// over.
    Profile(Box<ProfileArgs>),
    /// Print or check the settings that the options of `read` and a settings file
    /// make together.
    Config(Box<ConfigArgs>),
    /// Look what this machine can do, and say what to change.
    Doctor(super::live::Doctor),
    /// Print the completions of a shell.
    Completions(Completions),
    /// Print a manual page, or write all of them.
    Man(Man),
}

#[derive(Debug, Parser)]
#[command(after_help = "Examples:
  zerttap completions bash > ~/.local/share/bash-completion/completions/zerttap
  zerttap completions zsh > ~/.zfunc/_zerttap
  zerttap completions fish > ~/.config/fish/completions/zerttap.fish")]
pub(super) struct Completions {
    /// The shell.
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: clap_complete::Shell,
}

#[derive(Debug, Parser)]
#[command(after_help = "Examples:
  zerttap man read | man -l -                     the page of a command
  zerttap man --write ~/.local/share/man/man1     all pages")]
pub(super) struct Man {
    /// The command whose page is printed; without it that of the program.
    #[arg(value_name = "COMMAND", conflicts_with = "write")]
    pub command: Option<String>,

    /// Write the pages of the program and of all commands into a directory.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub write: Option<PathBuf>,
}

#[derive(Debug, Parser)]
#[command(
    after_help = "Captures are pcap, pcapng and DOS Sniffer files (what IPCS exports), plain or
compressed by gzip or zstd, or packed by AMATERSE, also padded to 80-byte records. Several files are
read as one, ordered by time: a connection may span files.

Examples:
  zerttap read capture.pcap                           print the table
  zerttap read -w zert.smf capture.pcap               write subtype 12 records
  zerttap read --detail -w zert.smf capture.pcap      subtype 11 records too
  zerttap read --jsonl - captures/ | jq .             every connection as JSON
  zerttap read --csv zert.csv capture.pcap            every connection for a spreadsheet
  zerttap read --since 2026-11-23T10:30 --until 2026-11-23T11:00 captures/
  zerttap read --home 10.1.0.0/16 --sid SYS1 --sysname SYS1 --stack TCPIP \\
      --tz America/New_York --detail -w zert.smf *.pcapng.gz"
)]
pub(super) struct Read {
    /// Capture files, directories of them, or - for standard input.
    #[arg(required_unless_present_any = ["read_from", "fields"], value_name = "FILE",
          value_hint = ValueHint::AnyPath)]
    pub inputs: Vec<PathBuf>,

    /// A capture file, as tcpdump and tshark have it; words after it that are no files
    /// are a filter.
    #[arg(short = 'r', value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub read_from: Vec<PathBuf>,

    #[command(flatten)]
    pub options: ReadOptions,

    /// Write every connection as comma-separated values (- for standard output).
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub csv: Option<PathBuf>,

    /// The columns of --csv: names of fields of the JSON objects, as server.port, separated
    /// by commas; `--fields help` lists them.
    #[arg(long, value_name = "NAME,NAME", value_delimiter = ',', help_heading = "Output")]
    pub fields: Vec<String>,

    #[command(flatten)]
    pub period: Period,
}

impl Read {
    /// With the files of `-r` among the inputs, and a filter after them where it belongs.
    pub fn gathered(mut self) -> Self {
        if self.read_from.is_empty() {
            return self;
        }
        let words = std::mem::replace(&mut self.inputs, std::mem::take(&mut self.read_from));
        if words.iter().all(|word| word.exists()) || self.options.filter.is_some() {
            self.inputs.extend(words);
        } else {
            let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
            self.options.filter = Some(words.join(" "));
        }
        self
    }
}

#[derive(Debug, Parser)]
#[command(after_help = "Examples:
  zerttap profile tcpip.profile
  zerttap profile --include tcpparms/ --symbol SYSCLONE=P1 tcpip.profile")]
pub(super) struct ProfileArgs {
    /// The profile, EBCDIC or ASCII, with line ends or in records of 80 bytes.
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: PathBuf,

    /// One JSON object.
    #[arg(long)]
    pub json: bool,

    #[command(flatten)]
    pub reading: ProfileReading,
}

/// What it takes to read a profile.
#[derive(Debug, clap::Args)]
pub(super) struct ProfileReading {
    /// Directory in which INCLUDE finds its data sets, as files or as directories
    /// of members (repeatable).
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub include: Vec<PathBuf>,

    /// Value of a system symbol (repeatable).
    #[arg(long, value_name = "NAME=VALUE", value_parser = super::stack_args::symbol)]
    pub symbol: Vec<(String, String)>,
}

#[derive(Debug, Parser)]
#[command(
    after_help = "The options are those of `read`. A settings file has them under the same names, in
TOML; a [[stack]] table for each stack has those that are about a stack.

Examples:
  zerttap config --print > zert.toml            all settings, with their defaults
  zerttap config --config zert.toml --print     what they are, and where each is from
  zerttap config --config zert.toml --check     whether it can be used"
)]
pub(super) struct ConfigArgs {
    /// Print the settings as a settings file, and where each comes from.
    #[arg(long)]
    pub print: bool,

    /// Say whether the settings can be used, files that they name included.
    #[arg(long)]
    pub check: bool,

    /// Print the JSON Schema of settings files, of the JSON Lines that `read` and `show`
    /// write, of those of `check`, or of the calibration that `check` writes.
    #[arg(long, value_enum, value_name = "OF", num_args = 0..=1,
          default_missing_value = "settings", conflicts_with_all = ["print", "check"])]
    pub schema: Option<SchemaOf>,

    #[command(flatten)]
    pub options: ReadOptions,
}

#[derive(Debug, Parser)]
#[command(after_help = "Examples:
  zerttap names                      list the tables
  zerttap names enc_alg              the codes of ciphers
  zerttap names wire.tls_suite       cipher suites and their codes
  zerttap names --json | jq .        all tables, one JSON object each")]
pub(super) struct Names {
    /// The table to print; without it, a list of the tables.
    #[arg(value_name = "TABLE")]
    pub table: Option<String>,

    /// One JSON object a table.
    #[arg(long)]
    pub json: bool,
}

/// What a JSON Schema is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum SchemaOf {
    /// Settings files.
    Settings,
    /// Lines of JSON Lines.
    Jsonl,
    /// Systematic differences that `check` writes and reads.
    Calibration,
    /// Lines of JSON Lines of `check`.
    Check,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    /// If the output is a terminal.
    #[default]
    Auto,
    /// In any case.
    Always,
    /// Not at all.
    Never,
}

impl Color {
    /// Makes the choice hold for all output.
    pub fn write_global(self) {
        match self {
            Self::Auto => anstream::ColorChoice::Auto,
            Self::Always => anstream::ColorChoice::Always,
            Self::Never => anstream::ColorChoice::Never,
        }
        .write_global();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_are_consistent() {
        Args::command().debug_assert();
    }
}
