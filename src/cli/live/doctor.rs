//! `zerttap doctor`: what this machine can do, and what to change.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::{Parser, ValueHint};
use nix::sys::statvfs::statvfs;
use serde::Serialize;

use crate::cli::DONE;
use crate::sink::table::bytes;
use crate::source::{Filter, interfaces};

#[derive(Debug, Parser)]
#[command(
    after_help = "Nothing is changed and nothing is captured. Each line is one look: ok, note (it
works, and could be better), or lack (something cannot be done), with what to do.

Examples:
  zerttap doctor
  zerttap doctor --directory /var/lib/zerttap
  sudo -u zerttap zerttap doctor        what that user can do"
)]
pub(in crate::cli) struct Doctor {
    /// The directory in which records are to be written.
    #[arg(long, value_name = "DIR", default_value = ".", value_hint = ValueHint::DirPath)]
    pub directory: PathBuf,

    /// One JSON object a line.
    #[arg(long)]
    pub json: bool,
}

/// What a look found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Ok,
    /// It works, and could be better.
    Note,
    /// Something cannot be done.
    Lack,
}

/// One look.
#[derive(Debug, Serialize)]
struct Finding {
    check: &'static str,
    state: State,
    found: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

impl Finding {
    fn ok(check: &'static str, found: impl Into<String>) -> Self {
        Self { check, state: State::Ok, found: found.into(), advice: None }
    }

    fn note(check: &'static str, found: impl Into<String>, advice: &str) -> Self {
        let advice = Some(advice.to_owned());
        Self { check, state: State::Note, found: found.into(), advice }
    }

    fn lack(check: &'static str, found: impl Into<String>, advice: &str) -> Self {
        let advice = Some(advice.to_owned());
        Self { check, state: State::Lack, found: found.into(), advice }
    }
}

/// Runs the command; returns the exit status.
pub(in crate::cli) fn run(args: &Doctor) -> anyhow::Result<u8> {
    let mut findings = vec![
        Finding::ok("program", format!("zerttap {}", env!("CARGO_PKG_VERSION"))),
        system(),
        filters(),
        right(),
    ];
    findings.extend(all_interfaces());
    findings.extend([clock(), confinement(), descriptors(), memory(), disk(&args.directory)]);
    let mut out = anstream::stdout().lock();
    for finding in &findings {
        if args.json {
            writeln!(out, "{}", serde_json::to_string(finding)?)?;
            continue;
        }
        let (word, style) = match finding.state {
            State::Ok => ("ok", anstyle::AnsiColor::Green.on_default()),
            State::Note => ("note", anstyle::AnsiColor::Yellow.on_default()),
            State::Lack => ("lack", anstyle::AnsiColor::Red.on_default()),
        };
        writeln!(out, "{style}{word:<5}{style:#} {:<14} {}", finding.check, finding.found)?;
        if let Some(advice) = &finding.advice {
            writeln!(out, "{:20} {advice}", "")?;
        }
    }
    out.flush()?;
    Ok(DONE)
}

/// A small file of the system, without white space around.
fn small(path: impl AsRef<Path>) -> Option<String> {
    fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
}

/// A line of a file that begins with a name and a colon.
fn line(path: &str, name: &str) -> Option<String> {
    let text = small(path)?;
    let rest = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    Some(rest.trim().to_owned())
}

fn system() -> Finding {
    let kernel = small("/proc/sys/kernel/osrelease").unwrap_or_else(|| "unknown".to_owned());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let found = format!("kernel {kernel}, {} of {}", cores_in_words(cores), std::env::consts::ARCH);
    Finding::ok("system", found)
}

fn cores_in_words(cores: usize) -> String {
    if cores == 1 { "1 core".to_owned() } else { format!("{cores} cores") }
}

/// Whether libpcap compiles filters.
fn filters() -> Finding {
    match Filter::new("tcp port 992") {
        Ok(_) => Finding::ok("libpcap", "it is there, and compiles filters"),
        Err(error) => Finding::lack("libpcap", error.to_string(), "install libpcap again"),
    }
}

/// Whether interfaces may be captured: CAP_NET_RAW, by its bit in the effective set.
fn right() -> Finding {
    const CAP_NET_RAW: u32 = 13;
    let effective = line("/proc/self/status", "CapEff");
    let effective = effective.and_then(|hex| u64::from_str_radix(&hex, 16).ok());
    match effective {
        None => Finding::note(
            "right",
            "capabilities are not told by this system",
            "run live as root, or as a user who may open /dev/bpf*",
        ),
        Some(bits) if bits >> CAP_NET_RAW & 1 == 1 => {
            Finding::ok("right", "CAP_NET_RAW: interfaces can be watched")
        }
        Some(_) => Finding::lack(
            "right",
            "no CAP_NET_RAW: captures are read, interfaces cannot be watched",
            "sudo setcap cap_net_raw+ep PROGRAM, or run live as root: it gives rights up by itself",
        ),
    }
}

fn all_interfaces() -> Vec<Finding> {
    let list = match interfaces() {
        Ok(list) => list,
        Err(error) => {
            let advice = "capturing needs the right above";
            return vec![Finding::lack("interfaces", error.to_string(), advice)];
        }
    };
    // Those that libpcap invents (any, nflog, usbmon) have no directory.
    let real = |name: &str| Path::new("/sys/class/net").join(name).is_dir();
    let known = Path::new("/sys/class/net").is_dir();
    let found: Vec<Finding> =
        list.iter().filter(|i| !known || real(&i.name)).map(|i| interface(&i.name, i.up)).collect();
    if found.is_empty() {
        let advice = "a container needs --network host, or an interface of its own";
        return vec![Finding::lack("interfaces", "there is none", advice)];
    }
    found
}

/// An interface: whether it is up, its speed and rings, what it has lost.
fn interface(name: &str, up: bool) -> Finding {
    let of = |file: &str| small(Path::new("/sys/class/net").join(name).join(file));
    let count = |file: &str| of(&format!("statistics/{file}")).and_then(|n| n.parse::<u64>().ok());
    let mut found = format!("{name} {}", if up { "up" } else { "down" });
    if let Some(speed) = of("speed").and_then(|s| s.parse::<i64>().ok()).filter(|s| *s > 0) {
        let _ = write!(found, ", {speed} Mb/s");
    }
    let ring = ring(name);
    if let Some((now, most)) = ring {
        let _ = write!(found, ", receive ring {now} of {most}");
    }
    if of("device/ptp").is_some()
        || Path::new("/sys/class/net").join(name).join("device/ptp").is_dir()
    {
        found += ", a clock of its own (--time-stamp-type adapter)";
    }
    let lost: u64 = ["rx_missed_errors", "rx_fifo_errors", "rx_over_errors"]
        .into_iter()
        .filter_map(count)
        .sum();
    if lost > 0 {
        let _ = write!(found, ", {lost} packets lost since it is there");
    }
    if !up {
        return Finding::note("interface", found, &format!("sudo ip link set {name} up"));
    }
    match ring {
        Some((now, most)) if now < most => {
            let advice = format!("sudo ethtool -G {name} rx {most}: bursts find room");
            Finding::note("interface", found, &advice)
        }
        _ if lost > 0 => Finding::note(
            "interface",
            found,
            "larger receive rings, fewer packets (a filter), or a faster machine",
        ),
        _ => Finding::ok("interface", found),
    }
}

/// Receive buffers of an interface, and the most that it can have, where `ethtool` tells.
fn ring(name: &str) -> Option<(u32, u32)> {
    let output = Command::new("ethtool").args(["-g", name]).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut sizes = text.lines().filter_map(|l| l.strip_prefix("RX:")?.trim().parse().ok());
    let (most, now) = (sizes.next()?, sizes.next()?);
    Some((now, most))
}

/// The source of time, and whether somebody sets the clock.
fn clock() -> Finding {
    let source = small("/sys/devices/system/clocksource/clocksource0/current_clocksource")
        .map_or_else(String::new, |source| format!(", counted by {source}"));
    let told =
        Command::new("timedatectl").args(["show", "-p", "NTPSynchronized", "--value"]).output();
    let told = told.ok().map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    let there = |path: &str| Path::new(path).exists();
    let synchronized = match told.as_deref() {
        Some("yes") => Some(true),
        Some("no") => Some(false),
        _ if there("/run/systemd/timesync/synchronized") || there("/run/chrony/chronyd.sock") => {
            Some(true)
        }
        _ => None,
    };
    let advice =
        "times of records are compared with those of z/OS: run chrony or systemd-timesyncd";
    match synchronized {
        Some(true) => Finding::ok("clock", format!("set by a time server{source}")),
        Some(false) => Finding::note("clock", format!("not set by a time server{source}"), advice),
        None => Finding::note(
            "clock",
            format!("not known whether a time server sets it{source}"),
            advice,
        ),
    }
}

/// Whether the kernel can confine the process.
fn confinement() -> Finding {
    let modules = small("/sys/kernel/security/lsm");
    let landlock = modules.as_deref().map(|all| all.split(',').any(|one| one == "landlock"));
    let seccomp = line("/proc/self/status", "Seccomp").is_some();
    let advice = "live works without, and is confined less";
    match (landlock, seccomp) {
        (Some(true), true) => Finding::ok("confinement", "Landlock and seccomp"),
        (None, true) => Finding::note("confinement", "seccomp; not known whether Landlock", advice),
        (Some(false), true) => Finding::note("confinement", "seccomp, no Landlock", advice),
        (_, false) => Finding::note("confinement", "no seccomp", advice),
    }
}

/// Files that may be open.
fn descriptors() -> Finding {
    use nix::sys::resource::{Resource, getrlimit};
    const ENOUGH: u64 = 4096;
    match getrlimit(Resource::RLIMIT_NOFILE) {
        Ok((soft, hard)) if hard < ENOUGH => Finding::note(
            "open files",
            format!("{soft} may be open, {hard} at most"),
            "services with many clients need more: LimitNOFILE=65536 in the unit",
        ),
        Ok((soft, hard)) => {
            Finding::ok("open files", format!("{soft} may be open, {hard} at most"))
        }
        Err(error) => Finding::note("open files", error.desc(), "ulimit -n tells"),
    }
}

fn memory() -> Finding {
    let kilobytes = line("/proc/meminfo", "MemAvailable")
        .and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok());
    /// What live takes with its default buffers and some ten thousand connections.
    const LEAST: u64 = 512 << 20;
    match kilobytes.map(|n| n << 10) {
        None => Finding::note("memory", "not told by this system", "--max-memory MB bounds it"),
        Some(free) if free < LEAST => {
            let advice =
                "--max-memory MB bounds what a run takes; --buffer MB what the kernel keeps";
            Finding::note("memory", format!("{} available", bytes(free)), advice)
        }
        Some(free) => Finding::ok("memory", format!("{} available", bytes(free))),
    }
}

/// Whether records can be written to a directory, and how much fits.
fn disk(directory: &Path) -> Finding {
    let name = directory.display();
    let space = match statvfs(directory) {
        // Their types are not the same on all systems.
        Ok(found) => {
            let (blocks, size) = (found.blocks_available() as u128, found.fragment_size() as u128);
            u64::try_from(blocks * size).unwrap_or(u64::MAX)
        }
        Err(error) => {
            let advice = "make it, or name another with --directory";
            return Finding::lack("disk", format!("{name}: {}", error.desc()), advice);
        }
    };
    if let Err(error) = tempfile::tempfile_in(directory) {
        let advice = "let the user of live write there (chown), or name another with --directory";
        return Finding::lack("disk", format!("{name}: {error}"), advice);
    }
    let found = format!("{name}: {} free", bytes(space));
    /// Some days of records of a busy system.
    const LEAST: u64 = 1 << 30;
    if space < LEAST {
        let advice =
            "old files have to go: --rotate-minutes begins new ones, logrotate takes them away";
        return Finding::note("disk", found, advice);
    }
    Finding::ok("disk", found)
}
