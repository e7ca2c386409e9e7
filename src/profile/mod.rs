//! What a z/OS administrator has already: the TCP/IP profile (`PROFILE.TCPIP`) and
//! FTP.DATA. From the profile come the addresses of a stack, the jobs that own its
//! ports, and what it records of zERT.
//!
//! Statements that say nothing of these are passed over and counted. A statement
//! that does, and cannot be understood, is an error with its place.

mod addresses;
mod cursor;
mod ftp;
mod library;
mod ports;
mod recording;
mod stack;
mod statements;
mod text;
mod words;

use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

pub use ftp::passive_data_ports;
pub use words::{SourceLocation, Symbols};

use crate::config::{Interval, Prefix};
use words::Word;

/// INCLUDE inside INCLUDE.
const MAX_DEPTH: usize = 16;
/// Files that one profile may consist of.
const MAX_FILES: usize = 1_000;
/// Bytes of a file.
const MAX_BYTES: u64 = 16 << 20;

/// What it takes to read a profile.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// System symbols.
    pub symbols: Symbols,
    /// Directories in which INCLUDE finds its data sets.
    pub include: Vec<PathBuf>,
}

/// What a profile says.
#[derive(Clone, Debug, Default)]
pub struct Profile {
    /// Addresses.
    pub home: Vec<HomeAddress>,
    /// PORT and PORTRANGE.
    pub ports: Vec<Port>,
    /// GLOBALCONFIG ZERT or NOZERT.
    pub zert: Option<Zert>,
    /// SMFCONFIG TYPE119.
    pub smf: Recorded,
    /// NETMONITOR.
    pub netmonitor: Recorded,
    /// Statements that were passed over, and how often.
    pub skipped: BTreeMap<String, u32>,
    /// What a profile cannot say, and words that are no statement.
    pub notes: Vec<Note>,
    /// Files read, the profile first.
    pub files: Vec<PathBuf>,
}

/// An address of the stack.
#[derive(Clone, Debug)]
pub struct HomeAddress {
    /// The address, or those of a range.
    pub prefix: Prefix,
    /// How the stack has it.
    pub kind: AddressKind,
    /// The statement that says so.
    pub statement: &'static str,
    /// Its link or interface, where it has one.
    pub link: String,
    /// Where it stands.
    pub place: SourceLocation,
}

/// How a stack has an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressKind {
    /// Always.
    Own,
    /// A dynamic virtual address that it takes over if its owner fails.
    Backup,
    /// A dynamic virtual address that an application may activate.
    Range,
}

/// A reserved port, or a range of them.
#[derive(Clone, Debug)]
pub struct Port {
    /// First and last.
    pub ports: (u16, u16),
    /// IP protocol: 6 or 17.
    pub ip_proto: u8,
    /// Who may use it.
    pub user: PortUser,
    /// The address that the job is bound to.
    pub bind: Option<IpAddr>,
    /// Where it stands.
    pub place: SourceLocation,
}

/// Who may use a reserved port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PortUser {
    /// The job of this name.
    Job(String),
    /// Jobs whose name begins so; which one is not said.
    JobsLike(String),
    /// Whoever: `*`, OMVS, AUTHPORT, INTCLIEN.
    Any(String),
    /// Nobody.
    Reserved,
}

/// GLOBALCONFIG ZERT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zert {
    /// ZERT, or NOZERT.
    pub enabled: bool,
    /// AGGREGATION, or NOAGGREGATION (the default).
    pub aggregation: bool,
    /// INTVAL.
    pub interval: Option<Interval>,
    /// SYNCVAL in minutes past midnight.
    pub sync_minutes: Option<u32>,
    /// Where it stands.
    pub place: SourceLocation,
}

/// What goes to SMF, or to the network management interface.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// ZERTDETAIL, or ZERTSERVICE: subtype 11.
    pub detail: Option<bool>,
    /// ZERTSUMMARY: subtype 12.
    pub summary: Option<bool>,
    /// ZERTDETAILBYPOLICY, or ZERTSERVICEBYPOLICY.
    pub by_policy: Option<bool>,
}

/// Something to be told.
#[derive(Clone, Debug)]
pub struct Note {
    /// Where.
    pub place: SourceLocation,
    /// What.
    pub text: String,
}

/// Why a profile cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// A file cannot be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is too large for a configuration data set.
    #[error("{}: {length} bytes; a profile has at most {MAX_BYTES}", path.display())]
    Large {
        /// The file.
        path: PathBuf,
        /// Its length.
        length: u64,
    },
    /// A statement is not understood.
    #[error("{place}: {statement}: found {found}, expected {expected}")]
    Syntax {
        /// Where.
        place: SourceLocation,
        /// The statement.
        statement: String,
        /// What was found.
        found: String,
        /// What was expected.
        expected: String,
    },
    /// A symbol without a value where a value is needed.
    #[error(
        "{place}: {statement}: the symbol {symbol} has no value; give it one: --symbol {name}=VALUE"
    )]
    Symbol {
        /// Where.
        place: SourceLocation,
        /// The statement.
        statement: String,
        /// The symbol as it stands there.
        symbol: String,
        /// Its name.
        name: String,
    },
    /// What INCLUDE names is not there.
    #[error(
        "{place}: INCLUDE: {name} is not found{}; name the directory that has it: --include DIR",
        in_directories(.searched)
    )]
    Include {
        /// Where.
        place: SourceLocation,
        /// The data set.
        name: String,
        /// The directories.
        searched: Vec<PathBuf>,
    },
    /// INCLUDE without end.
    #[error("{place}: INCLUDE: nested deeper than {MAX_DEPTH}, or more than {MAX_FILES} files")]
    Endless {
        /// Where.
        place: SourceLocation,
    },
}

fn in_directories(directories: &[PathBuf]) -> String {
    if directories.is_empty() {
        return String::new();
    }
    let names: Vec<String> = directories.iter().map(|d| d.display().to_string()).collect();
    format!(" in {}", names.join(", "))
}

/// Reads a profile.
///
/// # Errors
/// If it, or what it includes, cannot be read, or if a statement that is needed is
/// not understood.
pub fn read(path: &Path, options: &Options) -> Result<Profile, ProfileError> {
    let mut profile = Profile::default();
    let words = file_words(path, options, &mut profile.files, 0, None)?;
    statements::parse(&words, &mut profile)?;
    Ok(profile)
}

/// The bytes of a configuration file.
fn bytes(path: &Path) -> Result<Vec<u8>, ProfileError> {
    let at = |source| ProfileError::Read { path: path.to_owned(), source };
    let length = fs::metadata(path).map_err(at)?.len();
    if length > MAX_BYTES {
        return Err(ProfileError::Large { path: path.to_owned(), length });
    }
    fs::read(path).map_err(at)
}

/// The words of a file, with those of files that it includes in their place.
fn file_words(
    path: &Path,
    options: &Options,
    files: &mut Vec<PathBuf>,
    depth: usize,
    from: Option<&SourceLocation>,
) -> Result<Vec<Word>, ProfileError> {
    if let Some(place) = from
        && (depth > MAX_DEPTH || files.len() >= MAX_FILES)
    {
        return Err(ProfileError::Endless { place: place.clone() });
    }
    let lines = text::lines(&bytes(path)?);
    files.push(path.to_owned());
    let own = words::words(&path.display().to_string(), &lines, &options.symbols);
    let mut all = Vec::with_capacity(own.len());
    let mut own = own.into_iter();
    while let Some(word) = own.next() {
        if !word.is("INCLUDE") {
            all.push(word);
            continue;
        }
        let Some(name) = own.next() else { continue };
        let Some(found) = library::find(&name.text, &options.include) else {
            let searched = options.include.clone();
            return Err(ProfileError::Include { place: name.place, name: name.text, searched });
        };
        all.extend(file_words(&found, options, files, depth + 1, Some(&name.place))?);
    }
    Ok(all)
}
