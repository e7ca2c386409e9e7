//! The page of `read --report`: what it is told of the run.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::left_out::LeftOut;
use crate::config::Settings;
use crate::pipeline::Ledger;
use crate::pipeline::ledger::PacketDisposition;
use crate::policy::Policy;
use crate::sink::OutputFile;
use crate::sink::file::OutputError;
use crate::sink::html::{self, InputFile, System};
use crate::sink::jsonl::hex;
use crate::sink::report::Report;

/// The time that a page says it was made at: one of RFC 3339, or now.
pub(super) fn report_time(text: &str) -> Result<String, String> {
    let time = match text {
        "now" => Timestamp::now(),
        text => text
            .parse()
            .map_err(|_| format!("{text:?} is no time like 2026-01-31T09:00:00Z, nor now"))?,
    };
    Ok(format!("{}", time.strftime("%Y-%m-%d %H:%M:%S UTC")))
}

/// Writes the page.
///
/// # Errors
/// If it cannot be written.
pub(super) fn write(
    mut file: OutputFile,
    (report, policy): (&Report, &Policy),
    (settings, ledger): (&Settings, &Ledger),
    (paths, made): (&[PathBuf], Option<&str>),
    soon_days: i64,
) -> Result<(), OutputError> {
    let left_out = LeftOut::of(ledger);
    let files: Vec<InputFile> = paths.iter().map(|path| input_file(path)).collect();
    let head = html::Head {
        command: &command_line(),
        made,
        files: &files,
        systems: &systems(settings),
        packets: ledger.total.packets,
        period: ledger.period,
        coverage: &coverage(ledger),
        left_out: &left_out.text(),
        soon_days,
    };
    file.write(html::page(report, policy, &head).as_bytes())?;
    file.finish()
}

/// Size and digest of a file, as it is now.
fn input_file(path: &Path) -> InputFile {
    if path == Path::new("-") {
        let why = "standard input cannot be read twice".to_owned();
        return InputFile { name: "standard input".to_owned(), content: Err(why) };
    }
    let content = digest(path).map_err(|error| format!("cannot be read again: {error}"));
    InputFile { name: path.display().to_string(), content }
}

fn digest(path: &Path) -> std::io::Result<(u64, String)> {
    const PIECE: usize = 256 * 1024;
    let mut file = File::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(std::io::Error::other("it is no file"));
    }
    let (mut sha, mut size, mut piece) = (Sha256::new(), 0, vec![0; PIECE]);
    loop {
        let read = match file.read(&mut piece) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        sha.update(piece.get(..read).unwrap_or_default());
        size += read as u64;
    }
    Ok((size, hex(&sha.finalize())))
}

/// The command as a shell takes it.
fn command_line() -> String {
    let words = std::env::args_os().skip(1).map(|word| quoted(&word.to_string_lossy()));
    std::iter::once("zerttap".to_owned()).chain(words).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_./:=,@%+-".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

fn systems(settings: &Settings) -> Vec<System> {
    let named = |what: &str, name: &str| (!name.is_empty()).then(|| format!("{what} {name}"));
    let system = |stack: &crate::config::Stack| {
        let id = &stack.identity;
        let names = [
            named("system", &id.sysname),
            named("SMF identifier", &id.sid),
            named("sysplex", &id.sysplex),
            named("stack", &id.stack),
        ];
        System {
            names: names.into_iter().flatten().collect::<Vec<_>>().join(", "),
            home: stack.home.iter().map(ToString::to_string).collect(),
        }
    };
    settings.stacks.list().iter().map(system).collect()
}

/// What was read, and what became of it.
fn coverage(ledger: &Ledger) -> Vec<(String, u64)> {
    let followed: u64 =
        PacketDisposition::FOLLOWED.iter().map(|d| ledger.counter(*d).packets).sum();
    let (c, input) = (&ledger.connections, &ledger.input);
    let all = [
        ("packets read", ledger.total.packets),
        ("packets of connections, IKE and ESP that were followed", followed),
        ("packets between other addresses", ledger.counter(PacketDisposition::TcpRouted).packets),
        ("packets that the filter refused", ledger.counter(PacketDisposition::Filtered).packets),
        (
            "packets outside of --since and --until",
            ledger.counter(PacketDisposition::OutsideTime).packets,
        ),
        ("packets cut inside a header", ledger.counter(PacketDisposition::Cut).packets),
        (
            "packets that the capture says were dropped",
            input.dropped_packets + input.interface_dropped_packets,
        ),
        ("TCP connections", c.seen),
        ("TCP connections that were established", c.established),
        ("TCP connections whose beginning was not captured", c.midstream),
        ("Enterprise Extender connections", c.ee),
        ("connections of which the capture lacks something", c.incomplete),
        ("connections given up because there were too many", c.evicted),
        ("bytes of payload that were not captured", ledger.streams.missed_bytes),
        ("places of damage in files", input.damaged_places),
        ("bytes passed over as damaged", input.damaged_bytes),
        ("files that were left out", input.files_left_out),
    ];
    // What is always told says so by its zero; of the others only what happened.
    let always = ["packets read", "TCP connections", "packets that the capture says were dropped"];
    all.into_iter()
        .filter(|(what, n)| *n > 0 || always.contains(what))
        .map(|(what, n)| (what.to_owned(), n))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_the_digest_that_others_compute() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("abc");
        std::fs::write(&path, "abc").expect("written");
        // FIPS 180-4, the example of one block.
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(input_file(&path).content, Ok((3, expected.to_owned())));
        assert!(input_file(Path::new("-")).content.is_err());
        assert!(input_file(dir.path()).content.is_err());
    }

    #[test]
    fn a_command_is_one_that_a_shell_takes() {
        assert_eq!(quoted("a b'c"), "'a b'\\''c'");
        assert_eq!((quoted("--home"), quoted("")), ("--home".to_owned(), "''".to_owned()));
    }

    #[test]
    fn times_of_a_page_are_utc() {
        let time = report_time("2026-01-31T10:00:00+01:00");
        assert_eq!(time, Ok("2026-01-31 09:00:00 UTC".to_owned()));
        assert!(report_time("yesterday").is_err() && report_time("now").is_ok());
    }
}
