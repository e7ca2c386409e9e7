//! Which job owns which of the stack's ports, as PORT and PORTRANGE statements
//! say it. The wire does not show jobs.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use super::Prefix;

/// IP protocol numbers.
const TCP: u8 = 6;
const UDP: u8 = 17;

/// A job, as records name it. Each name has at most eight characters; empty
/// means blanks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Job {
    /// Job name.
    pub name: String,
    /// User identifier.
    pub user: String,
    /// JES job identifier.
    pub id: String,
}

/// Which connections belong to a job: those whose local end fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRule {
    /// The local address; any if there is none.
    pub address: Option<Prefix>,
    /// The local ports, first and last.
    pub ports: (u16, u16),
    /// The IP protocol; any if there is none.
    pub ip_proto: Option<u8>,
    /// Whether the local end is the client; both if there is none.
    pub outbound: Option<bool>,
    /// The job.
    pub job: Job,
}

/// Rules in order: the first that fits counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Jobs(Vec<JobRule>);

/// The local end of a connection.
#[derive(Clone, Copy, Debug)]
pub struct LocalEnd {
    /// Its address.
    pub address: IpAddr,
    /// Its port.
    pub port: u16,
    /// IP protocol.
    pub ip_proto: u8,
    /// Whether it is the client.
    pub outbound: bool,
}

impl Jobs {
    /// Takes the rules.
    pub fn new(rules: Vec<JobRule>) -> Self {
        Self(rules)
    }

    /// Whether there is no rule.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The job that owns a local end. A rule without a job's name says that none
    /// can be named.
    pub fn find(&self, end: LocalEnd) -> Option<&Job> {
        let rule = self.0.iter().find(|rule| rule.fits(end))?;
        Some(&rule.job).filter(|job| !job.name.is_empty())
    }
}

impl JobRule {
    fn fits(&self, end: LocalEnd) -> bool {
        (self.ports.0..=self.ports.1).contains(&end.port)
            && self.address.is_none_or(|a| a.contains(end.address))
            && self.ip_proto.is_none_or(|p| p == end.ip_proto)
            && self.outbound.is_none_or(|o| o == end.outbound)
    }
}

/// Why a text is no rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JobRuleError {
    /// No job is named.
    #[error("no job; expected PORT=JOB, like 992=TN3270")]
    NoJob,
    /// The ports are none.
    #[error("ports \"{0}\"; expected a port like 992 or a range like 50000-50200")]
    Ports(String),
    /// A word after the ports is none.
    #[error("\"{0}\" after the ports; expected tcp or udp, in or out, each once")]
    Protocol(String),
    /// The address is none.
    #[error("{0}")]
    Address(#[from] super::PrefixError),
    /// A name is none.
    #[error("name \"{0}\"; expected 1 to 8 letters, digits and @, # or $")]
    Name(String),
}

/// As it is written.
impl fmt::Display for JobRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.ports.0)?;
        if self.ports.1 != self.ports.0 {
            write!(f, "-{}", self.ports.1)?;
        }
        match self.ip_proto {
            Some(TCP) => write!(f, "/tcp")?,
            Some(_) => write!(f, "/udp")?,
            None => {}
        }
        match self.outbound {
            Some(false) => write!(f, "/in")?,
            Some(true) => write!(f, "/out")?,
            None => {}
        }
        if let Some(address) = self.address {
            write!(f, "@{address}")?;
        }
        write!(f, "={}", self.job.name)?;
        for name in [&self.job.user, &self.job.id] {
            if !name.is_empty() {
                write!(f, ":{name}")?;
            }
        }
        Ok(())
    }
}

/// `PORT[-PORT][/tcp|udp][/in|out][@ADDR]=JOB[:USER[:JOBID]]`.
impl FromStr for JobRule {
    type Err = JobRuleError;

    fn from_str(text: &str) -> Result<Self, JobRuleError> {
        let (place, job) = text.split_once('=').ok_or(JobRuleError::NoJob)?;
        let (place, address) = match place.split_once('@') {
            Some((place, address)) => (place, Some(address.parse()?)),
            None => (place, None),
        };
        let mut parts = place.split('/');
        let ports = parts.next().unwrap_or_default();
        let (mut ip_proto, mut outbound) = (None, None);
        for part in parts {
            match part.to_ascii_lowercase().as_str() {
                "tcp" if ip_proto.is_none() => ip_proto = Some(TCP),
                "udp" if ip_proto.is_none() => ip_proto = Some(UDP),
                "in" if outbound.is_none() => outbound = Some(false),
                "out" if outbound.is_none() => outbound = Some(true),
                _ => return Err(JobRuleError::Protocol(part.to_owned())),
            }
        }
        let mut names = job.split(':');
        let mut next = || names.next().map_or(Ok(String::new()), name);
        let job = Job { name: next()?, user: next()?, id: next()? };
        match names.next() {
            Some(more) => Err(JobRuleError::Name(more.to_owned())),
            None => Ok(Self { address, ports: port_range(ports)?, ip_proto, outbound, job }),
        }
    }
}

fn port_range(text: &str) -> Result<(u16, u16), JobRuleError> {
    let wrong = || JobRuleError::Ports(text.to_owned());
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let first: u16 = first.parse().map_err(|_| wrong())?;
    let last: u16 = last.parse().map_err(|_| wrong())?;
    if first <= last { Ok((first, last)) } else { Err(wrong()) }
}

fn name(text: &str) -> Result<String, JobRuleError> {
    let fits = (1..=8).contains(&text.len())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "@#$*".contains(c));
    if fits { Ok(text.to_ascii_uppercase()) } else { Err(JobRuleError::Name(text.to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> JobRule {
        text.parse().expect("a rule")
    }

    #[test]
    fn the_first_rule_that_fits_counts() {
        let jobs = Jobs::new(vec![
            rule("443@192.0.2.10=web1:websrv:stc00012"),
            rule("443/tcp=WEB2"),
            rule("12000-12004/udp=VTAM"),
        ]);
        let find = |address: [u8; 4], port, ip_proto| {
            let end = LocalEnd { address: address.into(), port, ip_proto, outbound: false };
            jobs.find(end).map(|job| job.name.as_str())
        };
        assert_eq!(find([192, 0, 2, 10], 443, TCP), Some("WEB1"));
        assert_eq!(find([192, 0, 2, 11], 443, TCP), Some("WEB2"));
        assert_eq!(find([192, 0, 2, 11], 443, UDP), None);
        assert_eq!(find([192, 0, 2, 11], 12_003, UDP), Some("VTAM"));
        assert_eq!(find([192, 0, 2, 11], 12_003, TCP), None);
        for text in [
            "992=TN3270",
            "5000-5100/udp/in@2001:db8::/64=A:B:STC00012",
            "20/tcp/out@10.1.1.1=FTPD",
        ] {
            assert_eq!(rule(text).to_string(), text);
        }
        assert_eq!(rule("1-9/out=A").outbound, Some(true));
        assert_eq!(rule("1-9/in/udp=A").outbound, Some(false));
        let job = &jobs.0[0].job;
        assert_eq!((job.user.as_str(), job.id.as_str()), ("WEBSRV", "STC00012"));
    }

    #[test]
    fn errors_say_what_was_expected() {
        let error = |text: &str| text.parse::<JobRule>().expect_err("wrong").to_string();
        assert!(error("992").starts_with("no job"));
        assert!(error("70000=A").contains("ports \"70000\""));
        assert!(error("9-8=A").contains("ports \"9-8\""));
        assert!(error("9/sctp=A").contains("\"sctp\" after the ports; expected tcp or udp"));
        assert!(error("9@host=A").contains("\"host\" is not an IPv4"));
        assert!(error("9=TOOLONGNAME").contains("name \"TOOLONGNAME\""));
        assert!(error("9=").contains("name \"\""));
        assert!(error("9=A:B:C:D").contains("name \"D\""));
    }
}
