//! The arguments of `zerttap live`.

use std::time::Duration;

use clap::Parser;

use super::log::LogForm;
use crate::cli::read_args::ReadOptions;
use crate::source::MAX_PACKET;

#[derive(Debug, Parser)]
#[command(
    after_help = "Signals: INT and TERM close out in order (the last summaries, the record that zERT is
disabled, complete files); HUP reads settings and profiles again, which hold for
connections that begin from then on, and begins other files: of records where
--rotate-size or --rotate-minutes is given, of JSON Lines always; USR1 prints the
ledger to standard error.

Until it is complete a file of records has a temporary name (.NAME.PID.partial); what
is in it is whole records at any time. A file of JSON Lines has its name from the
beginning; with %Y %m %d %H %M %S in it another begins whenever the name changes.
--jsonl unix:PATH or tcp:HOST:PORT sends the lines to who listens there.

Examples:
  zerttap live -D                                        list interfaces
  zerttap live -i eth1 --for 10m                         the table of ten minutes
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

    /// End in order after this time: seconds, or with a unit (90s, 10m, 2h, 1d, 1h30m).
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
    pub duration: Option<Duration>,

    /// End in order after so many packets.
    #[arg(short = 'c', long = "count", value_name = "COUNT",
          value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,

    /// Captured bytes of a packet.
    #[arg(long, value_name = "BYTES", default_value_t = MAX_PACKET,
          value_parser = clap::value_parser!(u32).range(64..=262_144), help_heading = "Capture")]
    pub snap_length: u32,

    /// Megabytes of the kernel's buffer, for each interface.
    #[arg(long, value_name = "MB", default_value_t = 64,
          value_parser = clap::value_parser!(u32).range(1..=2000), help_heading = "Capture")]
    pub buffer: u32,

    /// Capture threads of each interface; the kernel deals them packets by connection.
    #[arg(long, value_name = "N", default_value_t = 1,
          value_parser = clap::value_parser!(u16).range(1..=64), help_heading = "Capture")]
    pub capture_threads: u16,

    /// Do not wait for more packets before one is handed over.
    #[arg(long, help_heading = "Capture")]
    pub immediate: bool,

    /// Have the kernel copy packets between other addresses, too; by default it leaves
    /// out TCP and UDP that no stack has a part in, which no counter has then.
    #[arg(long, help_heading = "Capture")]
    pub all_addresses: bool,

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

    /// Hand what is written to the operating system every so many seconds: an end by
    /// force loses no more.
    #[arg(long, value_name = "SECONDS", default_value_t = 1,
          value_parser = clap::value_parser!(u32).range(..=3600), help_heading = "Output")]
    pub flush: u32,

    /// Serve records as they are written at Unix-domain sockets in a directory,
    /// SYSTCPER.STACK and SYSTCPES.STACK, with the messages of z/OS's services of
    /// these names.
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath,
          help_heading = "Output")]
    pub service: Option<std::path::PathBuf>,

    /// Show who is unprotected, failed or weak, rates and losses, on the terminal: by server,
    /// client, job and session; ? tells the keys, q ends.
    #[arg(long, help_heading = "Status")]
    pub top: bool,

    /// Form of the messages on standard error.
    #[arg(long, value_enum, value_name = "FORM", default_value_t, help_heading = "Status")]
    pub log: LogForm,

    /// Become this user once interfaces are open [default: who called sudo, or zerttap or
    /// nobody where they may write and read what is named].
    #[arg(long, value_name = "NAME", help_heading = "Safety")]
    pub user: Option<String>,

    /// Do not have the kernel confine the process to its files (Landlock) and to
    /// harmless system calls (seccomp).
    #[arg(long, help_heading = "Safety")]
    pub no_confine: bool,

    #[command(flatten)]
    pub options: ReadOptions,
}

/// A time: a number of seconds, or numbers with units, the largest first.
fn duration(text: &str) -> Result<Duration, String> {
    const UNITS: [(char, u64); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];
    let wrong = || "expected a time like 90, 90s, 10m, 2h, 1d or 1h30m".to_owned();
    if let Ok(seconds) = text.parse() {
        return Some(seconds).filter(|s| *s > 0).map(Duration::from_secs).ok_or_else(wrong);
    }
    let (mut seconds, mut rest, mut units) = (0_u64, text, UNITS.iter());
    while !rest.is_empty() {
        let (digits, after) =
            rest.split_at(rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?);
        let unit = after.chars().next().ok_or_else(wrong)?;
        // Each unit once, in order: what comes before the one that was found is passed.
        let (_, length) = units.find(|(name, _)| *name == unit).ok_or_else(wrong)?;
        let number: u64 = digits.parse().map_err(|_| wrong())?;
        seconds =
            number.checked_mul(*length).and_then(|n| n.checked_add(seconds)).ok_or_else(wrong)?;
        rest = after.get(unit.len_utf8()..).ok_or_else(wrong)?;
    }
    Some(seconds).filter(|s| *s > 0).map(Duration::from_secs).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        let seconds = |text| duration(text).map(|d| d.as_secs()).ok();
        for (text, expected) in [
            ("90", 90),
            ("90s", 90),
            ("10m", 600),
            ("2h", 7_200),
            ("1d", 86_400),
            ("1h30m", 5_400),
            ("1d1s", 86_401),
        ] {
            assert_eq!(seconds(text), Some(expected), "{text}");
        }
        for text in ["", "0", "0s", "m", "10x", "30m1h", "1h1h", "1h30", "-1", "1.5h", "1 h", "٣m"]
        {
            assert_eq!(seconds(text), None, "{text}");
        }
        assert_eq!(seconds("999999999999999999d"), None);
    }
}
