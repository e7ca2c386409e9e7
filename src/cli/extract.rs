//! `zerttap extract`.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, bail};
use clap::{Parser, ValueEnum, ValueHint};
use serde_json::Value;

use super::{DONE, INTERRUPTED, usage_tips};
use crate::config::{Prefix, Settings};
use crate::pipeline::extract::{SelectedConnections, extract};
use crate::pipeline::{self, Output, RequestedOutputs, RunError, Tuning};
use crate::sink::OutputFile;
use crate::sink::file::OutputError;
use crate::sink::pcapng::PcapngWriter;
use crate::sink::report::Row;
use crate::sink::table::group;
use crate::source::{CaptureSet, Filter, FrameNumber, SetOptions, SourceError};

/// Connections that are selected at most.
const MAX_CONNECTIONS: u64 = 1_000_000;

#[derive(Debug, Parser)]
#[command(
    after_help = "A connection is written if it fits all options that are given, and one value of each.
The packets are those of the capture, with their time stamps and link types. Of a datagram
in fragments only the last one says of which connection it is; the others are left out and
counted.

Examples:
  zerttap extract --protection none -w clear.pcapng capture.pcap    what is unprotected
  zerttap extract --port 992 --failed -w failed.pcapng captures/    handshakes that failed
  zerttap extract --community-id 1:wCb3OG7yAFWelaUydu0D+125CLM= -w one.pcapng capture.pcap"
)]
pub(super) struct Extract {
    /// Capture files, directories of them; they are read twice.
    #[arg(required = true, value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub inputs: Vec<PathBuf>,

    /// Write the packets to FILE as pcapng (- for standard output).
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub write: PathBuf,

    /// Overwrite a file that exists.
    #[arg(long)]
    pub force: bool,

    /// Connections that are protected so, or not (all of these are repeatable).
    #[arg(long, value_enum, value_name = "NAME", help_heading = "Which connections")]
    pub protection: Vec<Protection>,

    /// Connections whose TLS or SSL handshake failed.
    #[arg(long, help_heading = "Which connections")]
    pub failed: bool,

    /// Connections with an address of either end.
    #[arg(long, value_name = "ADDR[/PREFIX]", help_heading = "Which connections")]
    pub ip: Vec<Prefix>,

    /// Connections with a port of either end.
    #[arg(long, value_name = "PORT", help_heading = "Which connections")]
    pub port: Vec<u16>,

    /// Connections with this Community ID.
    #[arg(long, value_name = "ID", help_heading = "Which connections")]
    pub community_id: Vec<String>,

    /// The connection that has this packet, by its number in the only file.
    #[arg(long, value_name = "NUMBER", help_heading = "Which connections",
          value_parser = clap::value_parser!(u32).range(1..))]
    pub frame: Vec<u32>,

    /// Only packets that a tcpdump filter accepts.
    #[arg(long, value_name = "EXPR", help_heading = "Which connections")]
    pub filter: Option<String>,

    /// No notes.
    #[arg(short, long)]
    pub quiet: bool,
}

/// What protects a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Protection {
    /// Nothing that is recognised, and the capture proves it.
    None,
    /// TLS or SSL.
    Tls,
    /// SSH.
    Ssh,
    /// IPSec.
    Ipsec,
    /// The capture does not show it.
    Unknown,
}

/// Connections that are wanted, as they are told of.
struct Selection<'a> {
    args: &'a Extract,
    /// Places of the files by their names.
    files: HashMap<String, u32>,
    selected: SelectedConnections,
    /// Selected connections beyond those that are kept.
    refused: u64,
}

/// What goes wrong while packets are written.
#[derive(Debug, thiserror::Error)]
enum Wrong {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Output(#[from] OutputError),
}

impl Output for Selection<'_> {
    type Error = OutputError;

    fn record(&mut self, _: usize, _: &[u8]) -> Result<(), OutputError> {
        Ok(())
    }

    fn line(&mut self, line: &[u8]) -> Result<(), OutputError> {
        if let Ok(object) = serde_json::from_slice(line) {
            self.connection(&object);
        }
        Ok(())
    }

    fn row(&mut self, _: Row) {}
}

impl Selection<'_> {
    fn connection(&mut self, object: &Value) -> Option<()> {
        let end = |name: &str| -> Option<(IpAddr, u16)> {
            let end = object.get(name)?;
            let port = u16::try_from(end.get("port")?.as_u64()?).ok()?;
            Some((end.get("ip")?.as_str()?.parse().ok()?, port))
        };
        let frame = |name: &str| -> Option<FrameNumber> {
            let place = object.get(name)?;
            let file = *self.files.get(place.get("file")?.as_str()?)?;
            Some(FrameNumber { file, number: u32::try_from(place.get("frame")?.as_u64()?).ok()? })
        };
        if object.get("type")? != "connection" {
            return None;
        }
        let ends = [end("client")?, end("server")?];
        let frames = [frame("first_frame")?, frame("last_frame")?];
        if !self.wants(object, ends, frames) {
            return None;
        }
        if self.selected.len() >= MAX_CONNECTIONS {
            self.refused += 1;
            return None;
        }
        if object.get("proto")? == "udp" {
            self.selected.add_ee(ends.map(|(ip, _)| ip), ends[0].1, frames);
        } else {
            self.selected.add_tcp(ends, frames);
        }
        Some(())
    }

    /// Whether a connection fits all options.
    fn wants(&self, object: &Value, ends: [(IpAddr, u16); 2], frames: [FrameNumber; 2]) -> bool {
        let args = self.args;
        let protected = object.get("protection").and_then(Value::as_array);
        let by = |name: &str| protected.is_some_and(|all| all.iter().any(|one| one == name));
        let known = object.get("protection_known").and_then(Value::as_bool);
        let failed = object.pointer("/tls/failure").is_some_and(|failure| !failure.is_null());
        let protection = |one: &Protection| match one {
            Protection::None => {
                protected.is_some_and(Vec::is_empty) && known.unwrap_or(true) && !failed
            }
            Protection::Tls => by("tls"),
            Protection::Ssh => by("ssh"),
            Protection::Ipsec => by("ipsec"),
            Protection::Unknown => known == Some(false),
        };
        let fits = |none_given: bool, one_fits: bool| none_given || one_fits;
        let identifier = object.get("community_id").and_then(Value::as_str);
        fits(args.protection.is_empty(), args.protection.iter().any(protection))
            && fits(!args.failed, failed)
            && fits(
                args.ip.is_empty(),
                args.ip.iter().any(|prefix| ends.iter().any(|(ip, _)| prefix.contains(*ip))),
            )
            && fits(
                args.port.is_empty(),
                args.port.iter().any(|port| ends.iter().any(|(_, of)| of == port)),
            )
            && fits(
                args.community_id.is_empty(),
                args.community_id.iter().any(|id| identifier == Some(id)),
            )
            && fits(
                args.frame.is_empty(),
                args.frame.iter().any(|n| (frames[0].number..=frames[1].number).contains(n)),
            )
    }
}

/// Runs the command; returns the exit status.
pub(super) fn run(args: &Extract) -> anyhow::Result<u8> {
    if args.inputs.iter().any(|path| path == Path::new("-")) {
        bail!("standard input cannot be read twice; write it to a file first");
    }
    let open = || -> anyhow::Result<CaptureSet> {
        let filter = args.filter.as_deref().map(Filter::new).transpose()?;
        CaptureSet::open(&args.inputs, SetOptions { filter, ..SetOptions::default() })
            .map_err(usage_tips::not_a_capture)
    };
    let stop = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&stop);
    ctrlc::set_handler(move || seen.store(true, Ordering::Relaxed))
        .context("cannot watch for interrupts")?;
    let mut file = OutputFile::create(&args.write, args.force)?;
    let mut set = open()?;
    let files = pipeline::files(&set);
    if !args.frame.is_empty() && files.len() != 1 {
        bail!("--frame is the number of a packet in one file, and there are {}", files.len());
    }
    let mut selection = Selection {
        args,
        files: files.into_iter().zip(0..).collect(),
        selected: SelectedConnections::default(),
        refused: 0,
    };
    let wants = RequestedOutputs { json: true, ..RequestedOutputs::default() };
    let settings = Settings::default();
    let (ledger, result) = pipeline::run(
        &mut set,
        &settings,
        wants,
        Tuning::default(),
        &mut selection,
        &stop,
        &mut |_| {},
    );
    match result {
        Ok(()) => {}
        Err(RunError::Source(error)) => return Err(error.into()),
        Err(RunError::Output(error)) => return Err(error.into()),
        Err(error @ RunError::Threads(_)) => return Err(error.into()),
    }
    let (connections, refused) = (selection.selected.len(), selection.refused);
    let mut writer = PcapngWriter::default();
    file.write(writer.head())?;
    let done = extract(&mut open()?, &mut selection.selected, &stop, &mut |head, bytes| {
        let block = writer.packet(head.link.0, head.ts, head.wire, bytes);
        file.write(block).map_err(Wrong::Output)
    })?;
    file.finish()?;
    if !args.quiet {
        let name = args.write.display();
        let all = ledger.connections.seen + ledger.connections.ee;
        let text = format!(
            "{name}: {} packets of {} of {} connections",
            group(done.packets),
            group(connections),
            group(all)
        );
        super::notify("note", &text);
        if done.fragments > 0 {
            let text = format!(
                "{} fragments of IP datagrams do not say of which connection they are, and were \
                 left out",
                group(done.fragments)
            );
            super::notify("note", &text);
        }
    }
    if refused > 0 {
        let text = format!(
            "{} more connections fit; {} at a time are written",
            group(refused),
            group(MAX_CONNECTIONS)
        );
        super::notify("warning", &text);
    }
    Ok(if stop.load(Ordering::Relaxed) { INTERRUPTED } else { DONE })
}
