//! What to type instead, where options of other programs, or files of another kind than the
//! command reads, were given.

use std::ffi::OsString;
use std::path::Path;

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::dump::{self, DumpError, Item};
use crate::source::{CaptureSet, SetOptions, SourceError};

/// Options of tcpdump and tshark, by command (empty: before any), and what does it here.
const HABITS: &[(&str, &str, &str)] = &[
    ("", "-r", "captures are read by 'zerttap read FILE'"),
    ("", "-i", "interfaces are watched by 'zerttap live -i IFACE'"),
    ("", "-D", "interfaces are listed by 'zerttap live -D'"),
    ("", "-w", "records are written by 'zerttap read -w FILE CAPTURE'"),
    ("read", "-i", "interfaces are watched by 'zerttap live -i IFACE'"),
    (
        "read",
        "-c",
        "a capture is read to its end; 'zerttap live -c COUNT' ends after so many packets",
    ),
    ("read", "-n", "addresses are never resolved to names"),
    ("read", "-v", "'--jsonl -' prints every connection with all that was seen"),
    ("read", "-V", "'--jsonl -' prints every connection with all that was seen"),
    ("read", "-f", "a tcpdump filter is given by --filter EXPR"),
    ("read", "-Y", "a tcpdump filter is given by --filter EXPR; display filters are Wireshark's"),
    ("read", "-R", "a tcpdump filter is given by --filter EXPR; display filters are Wireshark's"),
    ("read", "-T", "'--jsonl -' prints JSON, '--csv -' values"),
    ("read", "-e", "'--csv - --fields NAME,NAME' prints these fields of every connection"),
    ("read", "-z", "the table that is printed has the totals; '--stats -' has all counters"),
    ("live", "-r", "captures are read by 'zerttap read FILE'"),
    ("live", "-n", "addresses are never resolved to names"),
    ("live", "-s", "the captured bytes of a packet are given by --snap-length BYTES"),
    ("live", "-B", "the kernel's buffer is given by --buffer MB"),
    ("live", "-p", "promiscuous mode is turned off by --no-promiscuous"),
    ("live", "-f", "a tcpdump filter is given last, or by --filter EXPR"),
    ("live", "-a", "'--for 10m' ends after that time, '-c COUNT' after so many packets"),
    ("live", "-G", "files are changed by --rotate-minutes"),
    ("live", "-C", "files are changed by --rotate-size"),
    ("live", "-d", "it stays in the foreground; systemd or another supervisor starts it"),
    ("extract", "-r", "files are given without an option: 'zerttap extract -w OUT FILE'"),
    ("extract", "-Y", "connections are chosen by --port, --ip, --protection and others"),
    ("show", "-r", "files are given without an option: 'zerttap show FILE'"),
];

/// Adds to what clap says of the arguments what to type instead, where that is known.
pub(super) fn advise(mut error: clap::Error, arguments: &[OsString]) -> clap::Error {
    let tip = match error.kind() {
        ErrorKind::UnknownArgument => unknown_option(&error, arguments),
        ErrorKind::InvalidSubcommand => unknown_command(&error),
        _ => None,
    };
    if let Some(tip) = tip {
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![StyledStr::from(tip)]));
    }
    error
}

fn unknown_option(error: &clap::Error, arguments: &[OsString]) -> Option<String> {
    let ContextValue::String(option) = error.get(ContextKind::InvalidArg)? else { return None };
    let command = arguments
        .iter()
        .skip(1)
        .map(|a| a.to_string_lossy())
        .find(|a| matches!(&**a, "read" | "live" | "show" | "check" | "extract"))
        .unwrap_or_default();
    let known = |of: &str| HABITS.iter().find(|(c, o, _)| *c == of && o == option);
    known(&command).map(|(_, _, tip)| (*tip).to_owned())
}

/// Names that a wrong one may mean, in parentheses: those that are most like it first. Nothing
/// where none is.
pub(super) fn near<'a>(wrong: &str, known: impl Iterator<Item = &'a str>) -> String {
    /// Names that are told.
    const MOST: usize = 3;
    /// How much alike they are at least, of 1.
    const LEAST: f64 = 0.8;
    let wrong = wrong.to_ascii_lowercase();
    let likeness = |name: &str| {
        let name = name.to_ascii_lowercase();
        // What the names of a record begin with is the same in all.
        let own = name.split_once('_').map_or(name.as_str(), |(_, own)| own);
        strsim::jaro_winkler(&name, &wrong).max(strsim::jaro_winkler(own, &wrong))
    };
    let mut all: Vec<(f64, &str)> = known.map(|name| (likeness(name), name)).collect();
    all.retain(|(likeness, _)| *likeness > LEAST);
    all.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let names: Vec<&str> = all.into_iter().take(MOST).map(|(_, name)| name).collect();
    if names.is_empty() { String::new() } else { format!(" ({}?)", names.join(", ")) }
}

/// A file where a command is expected.
fn unknown_command(error: &clap::Error) -> Option<String> {
    let ContextValue::String(word) = error.get(ContextKind::InvalidSubcommand)? else {
        return None;
    };
    let command = command_for(Path::new(word))?;
    Some(format!("it is a file for 'zerttap {command} {word}'"))
}

/// The command that reads a file.
fn command_for(file: &Path) -> Option<&'static str> {
    if !file.exists() {
        return None;
    }
    if CaptureSet::open(&[file.to_owned()], SetOptions::default()).is_ok() {
        return Some("read");
    }
    matches!(records_in(file), Records::There).then_some("show")
}

/// Whether a file holds SMF records.
enum Records {
    There,
    /// It would, if it were whole or in another form.
    Unreadable(String),
    None,
}

fn records_in(file: &Path) -> Records {
    /// Places of damage before the first record that are passed over.
    const MOST: usize = 100;
    let first = || {
        let Some(reader) = dump::open(file)?.next() else { return Ok(false) };
        let mut reader = reader?;
        for _ in 0..MOST {
            match reader.next_item()? {
                Some(Item::Record { .. }) => return Ok(true),
                Some(Item::Damage(_) | Item::Note(_)) => {}
                None => break,
            }
        }
        Ok(false)
    };
    match first() {
        Ok(true) => Records::There,
        Err(error @ (DumpError::Translated(_) | DumpError::NoDescriptors { .. })) => {
            Records::Unreadable(error.to_string())
        }
        Ok(false) | Err(_) => Records::None,
    }
}

/// What is wrong with captures that cannot be opened, and which command reads such a file.
pub(super) fn not_a_capture(error: SourceError) -> anyhow::Error {
    let (SourceError::UnknownFormat { file, .. } | SourceError::Foreign { file, .. }) = &error
    else {
        return error.into();
    };
    if file == Path::new("-") {
        return error.into();
    }
    let name = file.display();
    match records_in(file) {
        Records::There => anyhow::anyhow!(
            "{name}: SMF records, not a capture; \"zerttap show {name}\" prints them, and \
             \"zerttap check --stack {name} CAPTURE\" holds them against a capture"
        ),
        Records::Unreadable(why) => anyhow::anyhow!("{name}: not a capture: {why}"),
        Records::None => error.into(),
    }
}

/// What is wrong with a file that holds no records, and what it is if captures' readers know
/// it: a component trace that IPCS has not formatted, a form of compression.
pub(super) fn no_records(path: &Path, error: DumpError) -> anyhow::Error {
    let name = path.display();
    let foreign = matches!(error, DumpError::Unknown { .. } | DumpError::NoRecords { .. });
    if foreign && path != Path::new("-") {
        let opened = CaptureSet::open(&[path.to_owned()], SetOptions::default());
        if let Err(SourceError::Foreign { found, name: what, remedy, .. }) = opened
            && !["text", "a file of SMF records"].contains(&what)
        {
            return anyhow::anyhow!(
                "{name}: not SMF records: it begins with {found}, which is {what}; {remedy}"
            );
        }
    }
    anyhow::Error::from(error).context(name.to_string())
}

/// What to do where an interface cannot be opened for lack of rights.
pub(super) fn not_allowed(error: SourceError) -> anyhow::Error {
    let SourceError::Interface { why, .. } = &error else { return error.into() };
    if !["ermission", "ermitted"].iter().any(|word| why.contains(word)) {
        return error.into();
    }
    let program = std::env::current_exe()
        .map_or_else(|_| "zerttap".to_owned(), |path| path.display().to_string());
    anyhow::anyhow!(
        "{error}\nCapturing takes the capability CAP_NET_RAW. Give it to the program once:\n    \
         sudo setcap cap_net_raw+ep {program}\nor run it as root: it gives up all rights that it \
         does not need once interfaces are open."
    )
}

/// Whether a name is one that captures have.
pub(super) fn is_named_as_capture(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
    ["pcap", "pcapng", "cap"].iter().any(|known| extension == *known)
}
