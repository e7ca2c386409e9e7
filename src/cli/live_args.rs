//! The arguments of `zerttap live`.

use clap::Parser;

use super::read_args::ReadOptions;
use crate::source::MAX_PACKET;

#[derive(Debug, Parser)]
#[command(
    after_help = "Signals: INT and TERM close out in order (the last summaries, the record that zERT is
disabled, complete files); HUP begins another file where --rotate-size or
--rotate-minutes is given; USR1 prints the ledger to standard error.

Until it is complete a file has a temporary name (.NAME.PID.partial); what is in it
is whole records at any time.

Examples:
  zerttap live -D                                        list interfaces
  zerttap live -i eth1 --jsonl - --home 10.1.0.0/16      every connection as it ends
  zerttap live -i eth1 -i eth2 --config zert.toml \\
      --rotate-minutes 60 -w 'zert-%Y%m%d-%H%M.smf'      a file an hour
  zerttap live -i eth1 -w zert.smf tcp or udp portrange 12000-12004"
)]
pub(in crate::cli) struct Live {
    /// An interface (repeatable: several are one traffic).
    #[arg(short, long, value_name = "IFACE", required_unless_present = "list")]
    pub interface: Vec<String>,

    /// List the interfaces.
    #[arg(short = 'D', long = "list-interfaces")]
    pub list: bool,

    /// Only packets that a tcpdump filter accepts; the kernel runs it.
    #[arg(value_name = "FILTER")]
    pub expression: Vec<String>,

    /// Captured bytes of a packet.
    #[arg(long, value_name = "BYTES", default_value_t = MAX_PACKET,
          value_parser = clap::value_parser!(u32).range(64..=262_144), help_heading = "Capture")]
    pub snap_length: u32,

    /// Megabytes of the kernel's buffer, for each interface.
    #[arg(long, value_name = "MB", default_value_t = 64,
          value_parser = clap::value_parser!(u32).range(1..=2000), help_heading = "Capture")]
    pub buffer: u32,

    /// See only packets to and from this host.
    #[arg(long, help_heading = "Capture")]
    pub no_promiscuous: bool,

    /// Where time stamps are made: host, adapter, adapter_unsynced and others of
    /// libpcap.
    #[arg(long, value_name = "TYPE", help_heading = "Capture")]
    pub time_stamp_type: Option<String>,

    /// Serve metrics for Prometheus at this address, under /metrics.
    #[arg(long, value_name = "ADDR:PORT", help_heading = "Status")]
    pub metrics: Option<std::net::SocketAddr>,

    #[command(flatten)]
    pub options: ReadOptions,
}
