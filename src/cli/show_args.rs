//! The arguments of `zerttap show`.

use std::path::PathBuf;

use clap::{Args, Parser, ValueEnum, ValueHint};

use super::stack_args::zone;
use crate::config::Prefix;
use crate::dump::Framing;
use crate::record::Level;
use crate::sink::layout::Form;
use crate::sink::records::{FieldNames, Moment};
use crate::sink::smf::{Options, Rotation};

#[derive(Debug, Parser)]
#[command(
    after_help = "Files hold records with their record descriptor words (RDW), in blocks (V, VB, VBS,
also copied as RECFM=U), in a TSO TRANSMIT file, behind lengths as transfers by
record write them, or without RDW where their lengths can be told; plain, packed
by AMATERSE (TERSE), or compressed by gzip, zstd or zip. Records of other types and
subtypes are passed over and counted; filler and damage are told and passed over.
What a transfer in text mode has changed is named, with what avoids it.

Examples:
  zerttap show zert.smf                              as a tree
  zerttap show --summary dump.smf.gz                 what is in there
  zerttap show --protocol none --port 23 dump.smf    unprotected TELNET
  zerttap show --jsonl dump.smf | jq .               one JSON object a record
  zerttap show --csv --subtype 12 dump.smf           for a spreadsheet
  zerttap show --lines dump.smf                      one line a record
  zerttap show --lines --fields SMF119HDTime,SMF119SC_SALIP dump.smf
  zerttap show --leef --tz Europe/Berlin dump.smf    events for a SIEM
  zerttap show -w part.smf --framing vbs dump.smf    copy what is wanted
  zerttap show --layout copybook                     the layout for COBOL"
)]
pub(in crate::cli) struct Show {
    /// SMF files, or - for standard input.
    #[arg(required_unless_present_any = ["layout", "fields"], value_name = "FILE",
          value_hint = ValueHint::FilePath)]
    pub inputs: Vec<PathBuf>,

    #[command(flatten)]
    pub form: FormArgs,

    #[command(flatten)]
    pub selection: SelectionArgs,

    #[command(flatten)]
    pub copy: CopyArgs,

    /// Exit with status 3 when damaged input was passed over.
    #[arg(long)]
    pub fail_on_damage: bool,

    /// No notes or warnings.
    #[arg(short, long)]
    pub quiet: bool,
}

/// How records are printed.
#[derive(Debug, Args)]
#[group(multiple = true)]
pub(in crate::cli) struct FormArgs {
    /// One JSON object a record.
    #[arg(long, help_heading = "Form", conflicts_with_all = ["csv", "hex"])]
    pub jsonl: bool,

    /// Comma-separated values under IBM's field names (RFC 4180).
    #[arg(long, help_heading = "Form", conflicts_with_all = ["hex", "summary"])]
    pub csv: bool,

    /// One line a record: when, where, what event, between whom, how protected, how
    /// many bytes. It fits the terminal; in a file or a pipe nothing is cut.
    #[arg(long, help_heading = "Form",
          conflicts_with_all = ["jsonl", "csv", "hex", "summary"])]
    pub lines: bool,

    /// One event a record in IBM's LEEF 1.0, with the keys of zSecure, for QRadar and
    /// other SIEMs; `zerttap names leef` lists them.
    #[arg(long, help_heading = "Form",
          conflicts_with_all = ["jsonl", "csv", "lines", "hex", "summary"])]
    pub leef: bool,

    /// Time zone of the records, for --leef: UTC, a name like Europe/Berlin, or an offset
    /// like -05:00. Without it events have times without a zone.
    #[arg(long, value_name = "ZONE", value_parser = zone, allow_hyphen_values = true,
          requires = "leef", help_heading = "Form")]
    pub tz: Option<jiff::tz::TimeZone>,

    /// The columns of --csv and --lines, or the fields of --jsonl: IBM's names, separated
    /// by commas; `--fields help` lists them.
    #[arg(long, value_name = "NAME,NAME", value_delimiter = ',', help_heading = "Form",
          conflicts_with_all = ["hex", "summary", "leef", "write", "layout"])]
    pub fields: Vec<String>,

    /// Names of fields in --csv, --jsonl and --lines --fields: ibm, or zsecure for those
    /// of zSecure (CARLa) where they are known; `zerttap names zsecure` lists them.
    #[arg(long, value_name = "WHOSE", default_value = "ibm", help_heading = "Form",
          conflicts_with_all = ["hex", "summary", "leef", "write", "layout"])]
    pub names: FieldNames,

    /// Names instead of codes in --csv.
    #[arg(long, help_heading = "Form", requires = "csv")]
    pub meanings: bool,

    /// Every field with its offset, name, bytes and meaning.
    #[arg(long, help_heading = "Form", conflicts_with = "summary")]
    pub hex: bool,

    /// Counts by event, protection and stack, and the period; with --jsonl as an
    /// object.
    #[arg(long, help_heading = "Form")]
    pub summary: bool,

    /// The layout of the records, for other tools.
    #[arg(long, value_enum, value_name = "FORM", help_heading = "Form",
          conflicts_with_all = ["inputs", "jsonl", "csv", "lines", "leef", "hex", "summary",
                                "write"])]
    pub layout: Option<LayoutForm>,

    /// Level of that layout: v2r3, v2r5 or v3r2.
    #[arg(long, value_name = "LEVEL", default_value_t, requires = "layout", help_heading = "Form")]
    pub level: Level,

    /// Write what is printed to FILE, which appears when it is complete.
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath,
          conflicts_with = "write", help_heading = "Form")]
    pub output: Option<PathBuf>,
}

/// Which records are printed.
#[derive(Debug, Args)]
pub(in crate::cli) struct SelectionArgs {
    /// Only subtype 11 or 12 (all of these are repeatable).
    #[arg(long, value_name = "N", help_heading = "Which records",
          value_parser = clap::value_parser!(u16).range(11..=12))]
    pub subtype: Vec<u16>,

    /// Only an event type, by its number.
    #[arg(long, value_name = "N", help_heading = "Which records")]
    pub event: Vec<u8>,

    /// Only connections and sessions protected by a protocol, or by none.
    #[arg(long, value_enum, value_name = "NAME", help_heading = "Which records")]
    pub protocol: Vec<Protocol>,

    /// Only an address of either end.
    #[arg(long, value_name = "ADDR[/PREFIX]", help_heading = "Which records")]
    pub ip: Vec<Prefix>,

    /// Only a port of either end.
    #[arg(long, value_name = "PORT", help_heading = "Which records")]
    pub port: Vec<u16>,

    /// Only a job; * stands for any characters, % for one.
    #[arg(long, value_name = "NAME", help_heading = "Which records")]
    pub job: Vec<String>,

    /// Only an SMF system identifier, likewise.
    #[arg(long, value_name = "SID", help_heading = "Which records")]
    pub sid: Vec<String>,

    /// Only a TCP/IP stack, by its name, likewise.
    #[arg(long, value_name = "NAME", help_heading = "Which records")]
    pub stack: Vec<String>,

    /// Only what was written at this time or later: 2026-11-23 or
    /// 2026-11-23T10:30, in the time of the records.
    #[arg(long, value_name = "TIME", help_heading = "Which records")]
    pub since: Option<Moment>,

    /// Only what was written before this time.
    #[arg(long, value_name = "TIME", help_heading = "Which records")]
    pub until: Option<Moment>,

    /// Only the first so many.
    #[arg(long, value_name = "N", help_heading = "Which records")]
    pub head: Option<u64>,
}

/// Copying records.
#[derive(Debug, Args)]
pub(in crate::cli) struct CopyArgs {
    /// Write the records that are wanted to FILE instead of printing them.
    #[arg(short, long, value_name = "FILE", help_heading = "Copy",
          conflicts_with_all = ["jsonl", "csv", "lines", "leef", "hex", "summary"])]
    pub write: Option<PathBuf>,

    #[command(flatten)]
    pub written: WrittenArgs,

    /// Copy records of other types and subtypes too, if nothing else is asked of
    /// them.
    #[arg(long, requires = "write", help_heading = "Copy")]
    pub all: bool,

    /// Overwrite a file that exists (--write, --output).
    #[arg(long, help_heading = "Copy")]
    pub force: bool,
}

/// The form in which records are written.
#[derive(Clone, Copy, Debug, Args)]
pub(in crate::cli) struct WrittenArgs {
    /// Form of the written file: rdw (records with their RDW), vb or vbs (blocks
    /// with BDW, whole or spanned records), xmit (a TSO TRANSMIT file for RECEIVE).
    #[arg(
        long,
        value_name = "FORM",
        default_value_t,
        requires = "write",
        help_heading = "Written file"
    )]
    pub framing: Framing,

    /// Bytes of a block in the forms that have blocks.
    #[arg(long, value_name = "BYTES", default_value_t = Framing::BLKSIZE, requires = "write",
          value_parser = clap::value_parser!(u16).range(32..=32760),
          help_heading = "Written file")]
    pub blksize: u16,

    /// Begin another file when one would get longer; its name is a template then:
    /// %Y %m %d %H %M %S are the time of its first record, %N is its number.
    #[arg(long, value_name = "BYTES", value_parser = bytes, requires = "write",
          help_heading = "Written file")]
    pub rotate_size: Option<u64>,

    /// Begin another file at each multiple of so many minutes after midnight, by
    /// the time in the records.
    #[arg(long, value_name = "MINUTES", requires = "write",
          value_parser = clap::value_parser!(u32).range(1..=1440),
          help_heading = "Written file")]
    pub rotate_minutes: Option<u32>,

    /// Wait until the file is on the disk before it gets its name.
    #[arg(long, requires = "write", help_heading = "Written file")]
    pub fsync: bool,
}

impl WrittenArgs {
    /// How files are written.
    pub fn options(&self, force: bool) -> Options {
        Options {
            framing: self.framing,
            blksize: self.blksize,
            force,
            fresh: false,
            fsync: self.fsync,
            rotation: Rotation { bytes: self.rotate_size, minutes: self.rotate_minutes },
        }
    }
}

/// A number of bytes: 500000, 100k, 64M, 2G (powers of 1000).
fn bytes(text: &str) -> Result<u64, String> {
    let wrong = || "expected a number of bytes like 500000, 100k, 64M or 2G".to_owned();
    let (digits, unit) = match text.char_indices().find(|(_, c)| !c.is_ascii_digit()) {
        Some((at, _)) => text.split_at(at),
        None => (text, ""),
    };
    let unit: u64 = match unit {
        "" => 1,
        "k" | "K" => 1_000,
        "M" => 1_000_000,
        "G" => 1_000_000_000,
        _ => return Err(wrong()),
    };
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    number.checked_mul(unit).filter(|n| *n > 0).ok_or_else(wrong)
}

/// A form of the layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum LayoutForm {
    /// Symbols for DFSORT and ICETOOL.
    Symnames,
    /// COBOL copybook.
    Copybook,
    /// HLASM DSECTs.
    Dsect,
    /// JSON.
    Json,
    /// Markdown.
    Markdown,
}

impl From<LayoutForm> for Form {
    fn from(form: LayoutForm) -> Self {
        match form {
            LayoutForm::Symnames => Self::Symnames,
            LayoutForm::Copybook => Self::Copybook,
            LayoutForm::Dsect => Self::Dsect,
            LayoutForm::Json => Self::Json,
            LayoutForm::Markdown => Self::Markdown,
        }
    }
}

/// A protocol that protects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Protocol {
    /// None is recognised.
    None,
    /// TLS or SSL.
    Tls,
    /// SSH.
    Ssh,
    /// IPSec.
    Ipsec,
}

impl Protocol {
    /// Its flag in a record.
    pub fn flag(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Tls => 0x80,
            Self::Ssh => 0x40,
            Self::Ipsec => 0x20,
        }
    }
}
