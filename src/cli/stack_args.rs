//! The options that are about a stack: its addresses and names, its jobs, when it
//! records.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Parser, ValueHint};

use crate::config::{Home, Identity, Interval, JobRule, Jobs, Prefix, Stack};
use crate::profile::{self, Profile, Symbols};

/// A `[[stack]]` of a settings file, as if it were a command of its own.
#[derive(Debug, Parser)]
#[command(name = "[[stack]]", no_binary_name = true)]
pub(super) struct StackTable {
    #[command(flatten)]
    pub stack: StackArgs,
}

/// Options of one stack.
#[derive(Clone, Debug, Args)]
pub(in crate::cli) struct StackArgs {
    /// Addresses of the z/OS stack (repeatable), beside those of its profile.
    /// Without any the receiver of the SYN is taken for the stack; with them,
    /// connections between other addresses are routed traffic and ignored.
    #[arg(long, value_name = "ADDR[/PREFIX]", help_heading = "Stack")]
    pub home: Vec<Prefix>,

    /// Take addresses, jobs of ports, the interval of zERT aggregation and what is
    /// recorded from a z/OS TCP/IP profile, EBCDIC or ASCII.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Stack")]
    pub profile: Option<PathBuf>,

    /// Directory in which INCLUDE finds its data sets, as files or as directories
    /// of members (repeatable).
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "Stack")]
    pub include: Vec<PathBuf>,

    /// Value of a system symbol in the profile (repeatable). SYSNAME, SYSCLONE and
    /// SYSPLEX follow from --sysname and --sysplex.
    #[arg(long, value_name = "NAME=VALUE", value_parser = symbol, help_heading = "Stack")]
    pub symbol: Vec<(String, String)>,

    /// Take PASSIVEDATAPORTS from an FTP.DATA, EBCDIC or ASCII (repeatable).
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Stack")]
    pub ftp_data: Vec<PathBuf>,

    /// Ports of the stack's FTP servers for passive data connections,
    /// PASSIVEDATAPORTS in FTP.DATA (repeatable). The summaries join them.
    #[arg(long, value_name = "FIRST-LAST", value_parser = ports, help_heading = "Stack")]
    pub passive_data_ports: Vec<(u16, u16)>,

    /// The job that owns a port of the stack, its user and JES job identifier,
    /// as PORT statements say it (repeatable; the first that fits counts, before
    /// those of the profile). in and out: only connections that come in, or go
    /// out.
    #[arg(
        long,
        value_name = "PORT[-PORT][/tcp|udp][/in|out][@ADDR]=JOB[:USER[:JOBID]]",
        help_heading = "Stack"
    )]
    pub job: Vec<JobRule>,

    /// Recording interval of the summaries: SMF (30 minutes), minutes from 1 to
    /// 60, or hours from 1h to 24h [default: that of the profile, or SMF].
    #[arg(long, value_name = "SMF|MINUTES|HOURSh", help_heading = "Stack")]
    pub interval: Option<Interval>,

    /// When intervals end: minutes past the hour, or HH:MM past midnight, in
    /// the zone of --tz [default: that of the profile, or 0].
    #[arg(long, value_name = "[HH:]MM", value_parser = sync, help_heading = "Stack")]
    pub sync: Option<u32>,

    /// SMF system identifier in the record header [default: blanks].
    #[arg(long, value_name = "SID", default_value = "", hide_default_value = true,
          value_parser = name::<4>, help_heading = "Stack")]
    pub sid: String,

    /// System name, SYSNAME in IEASYSxx [default: blanks].
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true,
          value_parser = name::<8>, help_heading = "Stack")]
    pub sysname: String,

    /// Sysplex name, SYSPLEX in COUPLExx [default: blanks].
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true,
          value_parser = name::<8>, help_heading = "Stack")]
    pub sysplex: String,

    /// Name of the TCP/IP stack [default: blanks].
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true,
          value_parser = name::<8>, help_heading = "Stack")]
    pub stack: String,

    /// Job name of the stack's address space, where it is not the stack's name.
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true,
          value_parser = name::<8>, help_heading = "Stack")]
    pub stack_job: String,

    /// Communications Server release, for example "CS V2R5" [default: blanks].
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true,
          value_parser = release, help_heading = "Stack")]
    pub release: String,

    /// Time zone of the record headers: UTC, a name like Europe/Berlin, or an
    /// offset like -05:00. Connection times are UTC in any case.
    #[arg(long, value_name = "ZONE", default_value = "UTC", value_parser = zone,
          allow_hyphen_values = true, help_heading = "Stack")]
    pub tz: jiff::tz::TimeZone,
}

/// A stack, and the profile that it was made from.
pub(super) struct Configured {
    pub stack: Stack,
    pub profile: Option<Profile>,
}

impl StackArgs {
    /// What it takes to read the profile.
    pub fn profile_options(&self) -> profile::Options {
        let mut symbols = Symbols::default();
        for (name, value) in &self.symbol {
            symbols.set(name, value);
        }
        symbols.set_default("SYSNAME", &self.sysname);
        symbols.set_default("SYSPLEX", &self.sysplex);
        // What it is if nobody says otherwise (IEASYMxx).
        let clone = self.sysname.len().saturating_sub(2);
        symbols.set_default("SYSCLONE", self.sysname.get(clone..).unwrap_or_default());
        profile::Options { symbols, include: self.include.clone() }
    }

    /// The stack that the options describe.
    ///
    /// # Errors
    /// If the profile or an FTP.DATA cannot be used.
    pub fn configured(&self) -> anyhow::Result<Configured> {
        let options = self.profile_options();
        let profile = self.profile.as_deref().map(|path| profile::read(path, &options));
        let profile = profile.transpose()?;
        let mut passive_ports = self.passive_data_ports.clone();
        for file in &self.ftp_data {
            let found = profile::passive_data_ports(file, &options.symbols)?;
            passive_ports.push(found.with_context(|| {
                format!(
                    "{}: no PASSIVEDATAPORTS; they can be given by --passive-data-ports",
                    file.display()
                )
            })?);
        }
        let mut stack = Stack {
            identity: Identity {
                sid: self.sid.clone(),
                sysname: self.sysname.clone(),
                sysplex: self.sysplex.clone(),
                stack: self.stack.clone(),
                as_name: self.stack_job.clone(),
                release: self.release.clone(),
            },
            zone: self.tz.clone(),
            home: Home::new(self.home.clone()),
            passive_ports,
            ..Stack::default()
        };
        let mut jobs = self.job.clone();
        if let Some(profile) = &profile {
            stack.home = profile.home().and_own(self.home.clone());
            jobs.extend(profile.jobs());
            if let Some(zert) = &profile.zert {
                stack.interval = zert.interval.unwrap_or(stack.interval);
                stack.sync_minutes = zert.sync_minutes.unwrap_or(stack.sync_minutes);
            }
            stack.aggregation = profile.no_aggregation().is_none();
            if let Some((detail, summary)) = profile.recorded() {
                (stack.detail, stack.summary) = (detail, summary);
            }
        }
        stack.jobs = Jobs::new(jobs);
        stack.interval = self.interval.unwrap_or(stack.interval);
        stack.sync_minutes = self.sync.unwrap_or(stack.sync_minutes);
        Ok(Configured { stack, profile })
    }
}

/// `NAME=VALUE`.
pub(super) fn symbol(text: &str) -> Result<(String, String), String> {
    let wrong = || "expected NAME=VALUE, like SYSCLONE=01".to_owned();
    let (name, value) = text.trim_start_matches('&').split_once('=').ok_or_else(wrong)?;
    let fits = (1..=16).contains(&name.len())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "@#$_".contains(c));
    if fits { Ok((name.to_ascii_uppercase(), value.to_owned())) } else { Err(wrong()) }
}

/// A z/OS name: at most `N` letters, digits and national characters. Lower
/// case is taken for upper case.
fn name<const N: usize>(text: &str) -> Result<String, String> {
    let upper = text.to_ascii_uppercase();
    if upper.len() > N {
        return Err(format!("{} characters, expected at most {N}", text.chars().count()));
    }
    match upper.chars().find(|c| !(c.is_ascii_alphanumeric() || "@#$".contains(*c))) {
        Some(c) => Err(format!("{c:?} is not a letter, a digit, @, # or $")),
        None => Ok(upper),
    }
}

fn release(text: &str) -> Result<String, String> {
    if text.len() > 8 || !text.chars().all(|c| c.is_ascii_graphic() || c == ' ') {
        return Err("expected at most 8 printable characters".to_owned());
    }
    Ok(text.to_owned())
}

pub(in crate::cli) fn zone(text: &str) -> Result<jiff::tz::TimeZone, String> {
    if text.eq_ignore_ascii_case("UTC") {
        return Ok(jiff::tz::TimeZone::UTC);
    }
    if let Some(offset) = offset(text) {
        return Ok(jiff::tz::TimeZone::fixed(offset));
    }
    jiff::tz::TimeZone::get(text).map_err(|_| {
        "not a time zone; expected UTC, a name like Europe/Berlin, or an offset like -05:00"
            .to_owned()
    })
}

/// `+hh:mm` or `-hh:mm`.
fn offset(text: &str) -> Option<jiff::tz::Offset> {
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':').unwrap_or((rest, "0"));
    let hours: i32 = hours.parse().ok().filter(|h| (0..=15).contains(h))?;
    let minutes: i32 = minutes.parse().ok().filter(|m| (0..=59).contains(m))?;
    jiff::tz::Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok()
}

/// SYNCVAL as minutes: MM past the hour, or HH:MM past midnight.
fn sync(text: &str) -> Result<u32, String> {
    let wrong = || "expected minutes from 0 to 59, or HH:MM from 00:00 to 23:59".to_owned();
    let (hours, minutes) = text.split_once(':').unwrap_or(("0", text));
    let hours: u32 = hours.parse().map_err(|_| wrong())?;
    let minutes: u32 = minutes.parse().map_err(|_| wrong())?;
    if hours < 24 && minutes < 60 { Ok(hours * 60 + minutes) } else { Err(wrong()) }
}

/// A range of ports.
fn ports(text: &str) -> Result<(u16, u16), String> {
    let wrong = || "expected two ports like 50000-50200, the lower first".to_owned();
    let (first, last) = text.split_once('-').ok_or_else(wrong)?;
    let first: u16 = first.parse().map_err(|_| wrong())?;
    let last: u16 = last.parse().map_err(|_| wrong())?;
    if first > 0 && first <= last { Ok((first, last)) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_zos() {
        assert_eq!(name::<8>("tcpip"), Ok("TCPIP".to_owned()));
        assert!(name::<4>("SYSTEM").is_err_and(|e| e.contains("at most 4")));
        assert!(name::<8>("A-B").is_err_and(|e| e.contains("'-'")));
    }

    #[test]
    fn zones_have_names_or_offsets() {
        assert!(zone("-05:00").is_ok() && zone("+05:30").is_ok() && zone("utc").is_ok());
        assert!(zone("-99:00").is_err() && zone("Middle-earth").is_err());
    }

    #[test]
    fn symbols_have_names() {
        assert_eq!(symbol("&sysr1=A B"), Ok(("SYSR1".to_owned(), "A B".to_owned())));
        assert!(symbol("A").is_err() && symbol("=B").is_err() && symbol("A.B=C").is_err());
    }
}
