//! The arguments.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum, ValueHint};

pub(super) use super::show_args::Show;
use super::show_args::WrittenArgs;
use crate::config::{EE_BASE_PORT, Interval, JobRule, Prefix, SETTLE_SECONDS};
use crate::record::Level;
use crate::sink::ranking;

/// z/OS zERT from the wire: reads packets, observes TLS, SSL, SSH and IPSec, and
/// writes the SMF type 119 records that the TCP/IP stack would have written.
#[derive(Debug, Parser)]
#[command(version, about, max_term_width = 100, arg_required_else_help = true)]
#[command(after_help = "Exit status:
  0    done (damaged input that was passed over is reported as a warning)
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
    /// Print the zERT records of SMF files by IBM's field names.
    ///
    /// Records of other types and subtypes are passed over and counted.
    Show(Box<Show>),
    /// Print the tables of names and codes.
    ///
    /// What the codes in the records mean, and which code a cipher suite, an
    /// algorithm or a number on the wire gets. X'0000' is Unknown.
    Names(Names),
}

#[derive(Debug, Parser)]
#[command(
    after_help = "Captures are pcap, pcapng and DOS Sniffer files (what IPCS exports), plain or
compressed by gzip or zstd, also padded to 80-byte records. Several files are
read as one, ordered by time: a connection may span files.

Examples:
  zerttap read capture.pcap                           print the table
  zerttap read -w zert.smf capture.pcap               write subtype 12 records
  zerttap read --detail -w zert.smf capture.pcap      subtype 11 records too
  zerttap read --jsonl - captures/ | jq .             every connection as JSON
  zerttap read --home 10.1.0.0/16 --sid SYS1 --sysname SYS1 --stack TCPIP \\
      --tz America/New_York --detail -w zert.smf *.pcapng.gz"
)]
pub(super) struct Read {
    /// Capture files, directories of them, or - for standard input.
    #[arg(required = true, value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub inputs: Vec<PathBuf>,

    /// Write SMF records to FILE, each with its RDW and without BDW: zERT
    /// summary records (subtype 12).
    ///
    /// The file appears under its name when it is complete.
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    pub write: Option<PathBuf>,

    #[command(flatten)]
    pub written: WrittenArgs,

    /// Write zERT connection detail records (subtype 11) too: several for each
    /// connection.
    #[arg(long, requires = "write", help_heading = "Output")]
    pub detail: bool,

    /// Write zERT connection detail records (subtype 11) and no summaries.
    #[arg(long, requires = "write", conflicts_with = "detail", help_heading = "Output")]
    pub detail_only: bool,

    /// Write every connection as a JSON object, one a line (- for standard
    /// output); the ledger is the last line.
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub jsonl: Option<PathBuf>,

    /// Write the ledger, which says what became of every packet, as JSON.
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub stats: Option<PathBuf>,

    /// Overwrite output files that exist.
    #[arg(long, help_heading = "Output")]
    pub force: bool,

    /// Write what the table tells, with pictures, as one HTML page.
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub report: Option<PathBuf>,

    /// What counts as weak: default, nist-sp800-52r2, cnsa-2.0, or a TOML file.
    #[arg(long, value_name = "NAME|FILE", default_value = "default", help_heading = "Output")]
    pub policy: String,

    /// What the rows of the table are: pairs of server and client, or whose
    /// traffic is unprotected, by server, job or client.
    #[arg(long, value_enum, value_name = "WHAT", default_value_t, help_heading = "Output")]
    pub by: By,

    /// Rows of the table; 0 prints all.
    #[arg(long, value_name = "N", default_value_t = 50, help_heading = "Output")]
    pub rows: usize,

    /// No progress, notes or warnings.
    #[arg(short, long, help_heading = "Output")]
    pub quiet: bool,

    /// Addresses of the z/OS stack (repeatable). Without it the receiver of
    /// the SYN is taken for the stack; with it, connections between other
    /// addresses are routed traffic and ignored.
    #[arg(long, value_name = "ADDR[/PREFIX]", help_heading = "What to follow")]
    pub home: Vec<Prefix>,

    /// Only packets that a tcpdump filter accepts.
    #[arg(long, value_name = "EXPR", help_heading = "What to follow")]
    pub filter: Option<String>,

    /// First of the five UDP ports of Enterprise Extender, IPPORT in the XCA
    /// major node.
    #[arg(long, value_name = "PORT", default_value_t = EE_BASE_PORT,
          value_parser = clap::value_parser!(u16).range(..=65531),
          help_heading = "What to follow")]
    pub ee_base_port: u16,

    /// Write records also for connections whose start was not seen. z/OS never
    /// monitors those; JSON Lines always have them, marked `midstream`.
    #[arg(long, help_heading = "What to follow")]
    pub include_midstream: bool,

    /// Level of the records: v2r3 (V2R3, V2R4), v2r5 (V2R5, 3.1), or v3r2 (3.2),
    /// which tells of roles and of handshakes that failed.
    #[arg(long, value_name = "LEVEL", default_value_t, help_heading = "Records")]
    pub level: Level,

    /// Write only what z/OS's own stream observation fills: no certificate
    /// attributes, no distinguished names.
    #[arg(long, help_heading = "Records")]
    pub strict: bool,

    /// Recording interval of the summaries: SMF (30 minutes), minutes from 1 to
    /// 60, or hours from 1h to 24h.
    #[arg(
        long,
        value_name = "SMF|MINUTES|HOURSh",
        default_value = "SMF",
        help_heading = "Records"
    )]
    pub interval: Interval,

    /// When intervals end: minutes past the hour, or HH:MM past midnight, in
    /// the zone of --tz.
    #[arg(long, value_name = "[HH:]MM", default_value = "0", value_parser = sync,
          help_heading = "Records")]
    pub sync: u32,

    /// Seconds that a connection has to last for an initiation record; what
    /// changes before that is folded into it.
    #[arg(long, value_name = "SECONDS", default_value_t = SETTLE_SECONDS,
          value_parser = clap::value_parser!(u32).range(..=3600), help_heading = "Records")]
    pub settle: u32,

    /// Ports of the stack's FTP servers for passive data connections,
    /// PASSIVEDATAPORTS in FTP.DATA (repeatable). The summaries join them.
    #[arg(long, value_name = "FIRST-LAST", value_parser = ports, help_heading = "Records")]
    pub passive_data_ports: Vec<(u16, u16)>,

    /// Do not record that zERT was enabled at the start and disabled at the end.
    #[arg(long, help_heading = "Records")]
    pub no_tool_events: bool,

    /// Name the algorithm of AH, and of ESP that does not encrypt, where the
    /// length of its check value allows only one (128 bits: HMAC-SHA2-256-128,
    /// 256 bits: HMAC-SHA2-512-256).
    #[arg(long, help_heading = "Records")]
    pub infer_icv: bool,

    /// Correct codes of the records by a TOML file: a table for each table that
    /// `zerttap names` prints, an entry for each code.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Records")]
    pub codes: Option<PathBuf>,

    /// The job that owns a port of the stack, its user and JES job identifier,
    /// as PORT statements say it (repeatable; the first that fits counts).
    #[arg(
        long,
        value_name = "PORT[-PORT][/tcp|udp][@ADDR]=JOB[:USER[:JOBID]]",
        help_heading = "Records"
    )]
    pub job: Vec<JobRule>,

    /// SMF system identifier in the record header [default: blanks].
    #[arg(long, value_name = "SID", default_value = "", hide_default_value = true,
          value_parser = name::<4>, help_heading = "Records")]
    pub sid: String,

    /// System name, SYSNAME in IEASYSxx [default: blanks].
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true,
          value_parser = name::<8>, help_heading = "Records")]
    pub sysname: String,

    /// Sysplex name, SYSPLEX in COUPLExx [default: blanks].
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true,
          value_parser = name::<8>, help_heading = "Records")]
    pub sysplex: String,

    /// Job name of the TCP/IP stack [default: blanks].
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true,
          value_parser = name::<8>, help_heading = "Records")]
    pub stack: String,

    /// Communications Server release, for example "CS V2R5" [default: blanks].
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true,
          value_parser = release, help_heading = "Records")]
    pub release: String,

    /// Time zone of the record headers: UTC, a name like Europe/Berlin, or an
    /// offset like -05:00. Connection times are UTC in any case.
    #[arg(long, value_name = "ZONE", default_value = "UTC", value_parser = zone,
          help_heading = "Records")]
    pub tz: jiff::tz::TimeZone,

    /// Threads; the output does not depend on it [default: as many as cores].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024),
          help_heading = "Running")]
    pub threads: Option<u16>,

    /// Packets that are worked on together; the output does not depend on it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000),
          hide = true)]
    pub batch: Option<u32>,

    /// Exit with status 3 when damaged input was passed over.
    #[arg(long, help_heading = "Running")]
    pub fail_on_damage: bool,
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

/// What the rows of the table are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum By {
    /// Pairs of a server and a client.
    #[default]
    Pair,
    /// Servers.
    Server,
    /// Jobs (--job).
    Job,
    /// Clients.
    Client,
}

impl By {
    /// The ranking; pairs are none.
    pub fn ranking(self) -> Option<ranking::By> {
        match self {
            Self::Pair => None,
            Self::Server => Some(ranking::By::Server),
            Self::Job => Some(ranking::By::Job),
            Self::Client => Some(ranking::By::Client),
        }
    }
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

/// A z/OS name: at most `N` letters, digits and national characters. Lower
/// case is taken for upper case.
fn name<const N: usize>(text: &str) -> Result<String, String> {
    let upper = text.to_ascii_uppercase();
    if upper.len() > N {
        return Err(format!("{} characters, expected at most {N}", text.chars().count()));
    }
    match upper.chars().find(|c| !(c.is_ascii_alphanumeric() || "@#$".contains(*c))) {
        Some(c) => Err(format!("{c:?} is not a letter, a digit, @, # or $")),
        None => Ok(upper),
    }
}

fn release(text: &str) -> Result<String, String> {
    if text.len() > 8 || !text.chars().all(|c| c.is_ascii_graphic() || c == ' ') {
        return Err("expected at most 8 printable characters".to_owned());
    }
    Ok(text.to_owned())
}

fn zone(text: &str) -> Result<jiff::tz::TimeZone, String> {
    if text.eq_ignore_ascii_case("UTC") {
        return Ok(jiff::tz::TimeZone::UTC);
    }
    if let Some(offset) = offset(text) {
        return Ok(jiff::tz::TimeZone::fixed(offset));
    }
    jiff::tz::TimeZone::get(text).map_err(|_| {
        "not a time zone; expected UTC, a name like Europe/Berlin, or an offset like -05:00"
            .to_owned()
    })
}

/// `+hh:mm` or `-hh:mm`.
fn offset(text: &str) -> Option<jiff::tz::Offset> {
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':').unwrap_or((rest, "0"));
    let hours: i32 = hours.parse().ok().filter(|h| (0..=15).contains(h))?;
    let minutes: i32 = minutes.parse().ok().filter(|m| (0..=59).contains(m))?;
    jiff::tz::Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok()
}

/// SYNCVAL as minutes: MM past the hour, or HH:MM past midnight.
fn sync(text: &str) -> Result<u32, String> {
    let wrong = || "expected minutes from 0 to 59, or HH:MM from 00:00 to 23:59".to_owned();
    let (hours, minutes) = text.split_once(':').unwrap_or(("0", text));
    let hours: u32 = hours.parse().map_err(|_| wrong())?;
    let minutes: u32 = minutes.parse().map_err(|_| wrong())?;
    if hours < 24 && minutes < 60 { Ok(hours * 60 + minutes) } else { Err(wrong()) }
}

/// A range of ports.
fn ports(text: &str) -> Result<(u16, u16), String> {
    let wrong = || "expected two ports like 50000-50200, the lower first".to_owned();
    let (first, last) = text.split_once('-').ok_or_else(wrong)?;
    let first: u16 = first.parse().map_err(|_| wrong())?;
    let last: u16 = last.parse().map_err(|_| wrong())?;
    if first > 0 && first <= last { Ok((first, last)) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_are_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn names_are_those_of_zos() {
        assert_eq!(name::<8>("tcpip"), Ok("TCPIP".to_owned()));
        assert!(name::<4>("SYSTEM").is_err_and(|e| e.contains("at most 4")));
        assert!(name::<8>("A-B").is_err_and(|e| e.contains("'-'")));
    }

    #[test]
    fn zones_have_names_or_offsets() {
        assert!(zone("-05:00").is_ok() && zone("+05:30").is_ok() && zone("utc").is_ok());
        assert!(zone("-99:00").is_err() && zone("Middle-earth").is_err());
    }
}
