//! The options of reading: what is written, followed and recorded.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};

use super::show_args::WrittenArgs;
use super::stack_args::StackArgs;
use crate::config::{EE_BASE_PORT, MAX_CONNECTIONS, MAX_HELD, MAX_SESSIONS, SETTLE_SECONDS};
use crate::pipeline::{Encapsulation, FrameOptions};
use crate::record::Level;
use crate::sink::ranking;
use crate::sink::table::Sort;

/// Options that a settings file may have, too.
#[derive(Debug, Args)]
pub(in crate::cli) struct ReadOptions {
    /// Take options from a settings file (TOML); those given here win.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,

    /// Write SMF records to FILE, each with its RDW and without BDW: zERT
    /// summary records (subtype 12), or what the profile says.
    ///
    /// The file appears under its name when it is complete.
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    pub write: Option<PathBuf>,

    /// Write zERT connection detail records (subtype 11) too: several for each
    /// connection.
    #[arg(long, requires = "write", help_heading = "Output")]
    pub detail: bool,

    /// Write zERT connection detail records (subtype 11) and no summaries.
    #[arg(long, requires = "write", conflicts_with = "detail", help_heading = "Output")]
    pub detail_only: bool,

    /// Write zERT summary records (subtype 12) and no details, whatever the
    /// profile says.
    #[arg(long, requires = "write", conflicts_with_all = ["detail", "detail_only"],
          help_heading = "Output")]
    pub summary_only: bool,

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

    /// Write a report for auditors as one HTML page: conclusion, what to do first, files with
    /// SHA-256 (for which they are read a second time), coverage, and all that the table tells.
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub report: Option<PathBuf>,

    /// The time that the page of --report says it was made at: like 2026-01-31T09:00:00Z, or
    /// now. Without it the page says none, and is the same whenever it is made.
    #[arg(long, value_name = "TIME|now", requires = "report",
          value_parser = super::report_page::report_time, help_heading = "Output")]
    pub report_time: Option<String>,

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

    /// The order of the rows; of servers, clients or jobs alone, server and client are by name.
    #[arg(long, value_enum, value_name = "ORDER", default_value_t, help_heading = "Output")]
    pub sort: SortArg,

    /// No progress, notes or warnings.
    #[arg(short, long, help_heading = "Output")]
    pub quiet: bool,

    #[command(flatten)]
    pub written: WrittenArgs,

    #[command(flatten)]
    pub stack: StackArgs,

    /// Only packets that a tcpdump filter accepts.
    #[arg(long, value_name = "EXPR", help_heading = "What to follow")]
    pub filter: Option<String>,

    /// First of the five UDP ports of Enterprise Extender, IPPORT in the XCA
    /// major node.
    #[arg(long, value_name = "PORT", default_value_t = EE_BASE_PORT,
          value_parser = clap::value_parser!(u16).range(..=65531),
          help_heading = "What to follow")]
    pub ee_base_port: u16,

    /// A further UDP port of an encapsulation (repeatable): vxlan, vxlan-gpe, geneve, tzsp,
    /// teredo, gtp, capwap, mpls, gre, l2tp or sflow, like vxlan=4790. It counts above the
    /// port's usual meaning.
    #[arg(long, value_name = "NAME=PORT", value_parser = tunnel_port,
          help_heading = "What to follow")]
    pub tunnel_port: Vec<(u16, Encapsulation)>,

    /// A further EtherType of VLAN tags (repeatable), in hexadecimal, like 9999.
    #[arg(long, value_name = "HEX", value_parser = vlan_ethertype,
          help_heading = "What to follow")]
    pub vlan_ethertype: Vec<u16>,

    /// What is part of a connection's key beside addresses and ports (repeatable, or with
    /// commas), where several networks use the same addresses: vlan, vni. What has copies in
    /// different networks is told apart, too, and not once.
    #[arg(
        long,
        value_enum,
        value_name = "PART",
        value_delimiter = ',',
        help_heading = "What to follow"
    )]
    pub conn_key: Vec<KeyPart>,

    /// Count every packet as one of its own. By default a packet that the capture has twice,
    /// because it comes from a mirror of several ports or of both sides of a router, counts
    /// once; the others are `duplicate` in the ledger.
    #[arg(long, help_heading = "What to follow")]
    pub keep_duplicates: bool,

    /// Write records also for connections whose start was not seen. z/OS never
    /// monitors those; JSON Lines always have them, marked `midstream`.
    #[arg(long, help_heading = "What to follow")]
    pub include_midstream: bool,

    /// Megabytes of memory that the run may have. All bounds follow from it, and before
    /// more is used the run ends in order [default: nearly all of what the control group,
    /// the limit of address space or the machine has].
    #[arg(long, value_name = "MB",
          value_parser = clap::value_parser!(u64).range(64..=100_000_000),
          help_heading = "What to follow")]
    pub max_memory: Option<u64>,

    /// Connections that are followed at once; beyond them one that was not used
    /// lately is given up, and counted.
    #[arg(long, value_name = "N", default_value_t = MAX_CONNECTIONS as u64,
          value_parser = clap::value_parser!(u64).range(64..=1_000_000_000),
          help_heading = "What to follow")]
    pub max_connections: u64,

    /// Megabytes that all unfinished handshakes together may hold; beyond them the
    /// oldest are given up, and counted.
    #[arg(long, value_name = "MB", default_value_t = (MAX_HELD >> 20) as u64,
          value_parser = clap::value_parser!(u64).range(64..=1_000_000),
          help_heading = "What to follow")]
    pub max_handshake_memory: u64,

    /// Security sessions that are counted at once; connections of more are in no
    /// summary, and counted.
    #[arg(long, value_name = "N", default_value_t = MAX_SESSIONS as u64,
          value_parser = clap::value_parser!(u64).range(64..=1_000_000_000),
          help_heading = "What to follow")]
    pub max_sessions: u64,

    /// Level of the records: v2r3 (V2R3, V2R4), v2r5 (V2R5, 3.1), or v3r2 (3.2),
    /// which tells of roles and of handshakes that failed.
    #[arg(long, value_name = "LEVEL", default_value_t, help_heading = "Records")]
    pub level: Level,

    /// Write only what z/OS's own stream observation fills: no certificate
    /// attributes, no distinguished names.
    #[arg(long, help_heading = "Records")]
    pub strict: bool,

    /// Seconds that a connection has to last for an initiation record; what
    /// changes before that is folded into it.
    #[arg(long, value_name = "SECONDS", default_value_t = SETTLE_SECONDS,
          value_parser = clap::value_parser!(u32).range(..=3600), help_heading = "Records")]
    pub settle: u32,

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

/// `NAME=PORT`.
fn tunnel_port(text: &str) -> Result<(u16, Encapsulation), String> {
    let wrong = || "expected NAME=PORT, like vxlan=4790".to_owned();
    let (name, port) = text.split_once('=').ok_or_else(wrong)?;
    let encapsulation = Encapsulation::of_option(name).ok_or_else(|| {
        let names: Vec<&str> = Encapsulation::ALL.iter().map(|e| e.option()).collect();
        format!("{name:?} is none of {}", names.join(", "))
    })?;
    match port.parse() {
        Ok(port) if port != 0 => Ok((port, encapsulation)),
        _ => Err(format!("{port:?} is no UDP port from 1 to 65535")),
    }
}

/// An EtherType in hexadecimal that does not announce something else.
fn vlan_ethertype(text: &str) -> Result<u16, String> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
    let ether_type = u16::from_str_radix(digits, 16)
        .map_err(|_| format!("{text:?} is no EtherType in hexadecimal, like 9100"))?;
    if FrameOptions::can_be_tag(ether_type) {
        Ok(ether_type)
    } else {
        Err(format!("X'{ether_type:04X}' announces something else than a VLAN tag"))
    }
}

/// What is part of a connection's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum KeyPart {
    /// The identifiers of VLAN tags.
    Vlan,
    /// The identifier of the virtual network of VXLAN or Geneve, the key of GRE.
    Vni,
}

/// The order of rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum SortArg {
    /// The unprotected first, then what is weak, then by bytes.
    #[default]
    Protection,
    /// Most bytes first.
    Bytes,
    /// Most connections first.
    Connections,
    /// By address and port of the server.
    Server,
    /// By address of the client.
    Client,
}

impl From<SortArg> for Sort {
    fn from(order: SortArg) -> Self {
        match order {
            SortArg::Protection => Self::Protection,
            SortArg::Bytes => Self::Bytes,
            SortArg::Connections => Self::Connections,
            SortArg::Server => Self::Server,
            SortArg::Client => Self::Client,
        }
    }
}

/// What the rows of the table are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum By {
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
