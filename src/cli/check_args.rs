//! The arguments of `zerttap check`.

use std::path::PathBuf;

use clap::{Parser, ValueEnum, ValueHint};

use crate::config::{Interval, Prefix};

#[derive(Debug, Parser)]
#[command(
    after_help = "Each field of a record gets one verdict: equal; not observable (the wire cannot show it,
or the stack did not record it); within tolerance; contradiction. What differs in the
same way everywhere, a code or a way to count, is told apart, with the line for --codes
that would remove it.

Without captures and --tap the dump is checked by itself: whether its records are whole,
its counters go on from one interval to the next, its events come in order.

Examples:
  zerttap check --stack dump.smf                      the dump by itself
  zerttap check --stack dump.smf capture.pcap         against a capture
  zerttap check --stack dump.smf --tap zert.smf       against records that zerttap wrote
  zerttap check --stack a.smf --stack b.smf --report check.html captures/

Exit status:
  0  all that could be compared agrees
  1  there are contradictions, or records are missing
  2  this cannot be judged: wrong usage, input that cannot be read, or nothing that
     could be compared"
)]
pub(in crate::cli) struct Check {
    /// Captures of the same traffic: files, directories of them, or - for standard
    /// input.
    #[arg(value_name = "CAPTURE", value_hint = ValueHint::AnyPath, conflicts_with = "tap")]
    pub captures: Vec<PathBuf>,

    /// SMF files that the stack has written, in any form that `show` reads
    /// (repeatable).
    #[arg(long, value_name = "DUMP", required = true, value_hint = ValueHint::FilePath,
          help_heading = "Input")]
    pub stack: Vec<PathBuf>,

    /// SMF files that zerttap has written of the traffic (repeatable).
    #[arg(long, value_name = "DUMP", value_hint = ValueHint::FilePath, help_heading = "Input")]
    pub tap: Vec<PathBuf>,

    /// Settings for reading the captures: stacks with addresses, jobs, intervals.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Input")]
    pub config: Option<PathBuf>,

    /// Addresses of the stacks [default: the local addresses of the dump].
    #[arg(long, value_name = "ADDR[/PREFIX]", help_heading = "Input")]
    pub home: Vec<Prefix>,

    /// Recording interval [default: that of the dump's summaries].
    #[arg(long, value_name = "SMF|MINUTES|HOURSh", help_heading = "Input")]
    pub interval: Option<Interval>,

    /// Correct codes of the records by a TOML file.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Input")]
    pub codes: Option<PathBuf>,

    /// Systematic differences that are known, from a file that --calibration has written:
    /// they are no findings.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Input")]
    pub calibrated: Option<PathBuf>,

    /// Compare only what z/OS stream observation sees of the wire [default: all of it,
    /// unless the records say no more than that, and agree with it].
    #[arg(long, help_heading = "Input")]
    pub strict: bool,

    /// Only packets that a tcpdump filter accepts.
    #[arg(long, value_name = "EXPR", help_heading = "Input")]
    pub filter: Option<String>,

    /// How far times may differ, in seconds.
    #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = hundredths,
          help_heading = "What is the same")]
    pub tolerance: i64,

    /// How far the stack's clock is ahead, in seconds [default: found out from all
    /// pairs].
    #[arg(long, value_name = "SECONDS", value_parser = hundredths, allow_hyphen_values = true,
          help_heading = "What is the same")]
    pub clock_offset: Option<i64>,

    /// How far counters may differ, in percent.
    #[arg(long, value_name = "PERCENT", default_value = "1", value_parser = hundredths,
          help_heading = "What is the same")]
    pub count_tolerance: i64,

    /// Contradictions that are accepted.
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Judgement")]
    pub max_contradictions: u64,

    /// Missing connections and intervals that are accepted.
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Judgement")]
    pub max_missing: u64,

    /// What speaks against the records, separated by commas: connections and intervals that
    /// are missing; contradictions and faults; systematic differences that are in no file
    /// given by --calibrated.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "WHAT",
          default_values_t = [FailOn::Missing, FailOn::Contradiction],
          help_heading = "Judgement")]
    pub fail_on: Vec<FailOn>,

    /// The share of the stack's connections that the capture has to speak about.
    #[arg(long, value_name = "PERCENT", value_parser = percent, help_heading = "Judgement")]
    pub min_coverage: Option<f64>,

    /// Write the report as one HTML page.
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub report: Option<PathBuf>,

    /// Write every verdict as JSON Lines (- for standard output).
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub jsonl: Option<PathBuf>,

    /// Write systematic differences as a TOML file.
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub calibration: Option<PathBuf>,

    /// Overwrite output files that exist.
    #[arg(long, help_heading = "Output")]
    pub force: bool,

    /// No notes, warnings or report on standard output.
    #[arg(short, long, help_heading = "Output")]
    pub quiet: bool,

    /// Threads that read captures [default: as many as cores].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024),
          help_heading = "Running")]
    pub threads: Option<u16>,
}

/// What speaks against the records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum FailOn {
    Missing,
    Contradiction,
    Calibration,
}

/// A number with at most two decimals, in hundredths.
fn hundredths(text: &str) -> Result<i64, String> {
    let wrong = || "expected a number like 2 or 0.5".to_owned();
    let number: f64 = text.parse().map_err(|_| wrong())?;
    if number.is_finite() && number.abs() <= 1e9 {
        Ok((number * 100.0).round() as i64)
    } else {
        Err(wrong())
    }
}

fn percent(text: &str) -> Result<f64, String> {
    let number: Option<f64> = text.parse().ok();
    number
        .filter(|n| (0.0..=100.0).contains(n))
        .ok_or_else(|| "expected a number from 0 to 100".to_owned())
}
