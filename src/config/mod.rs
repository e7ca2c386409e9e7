//! Settings: who the records are written for and what is asked of the engine.

pub mod codes;
mod counting;
mod interval;
mod jobs;
pub mod memory;
mod stack;

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

pub use counting::{CountingRule, SegmentKind};
pub use interval::{Interval, IntervalError, Schedule};
pub use jobs::{Job, JobRule, JobRuleError, Jobs, LocalEnd};
pub use stack::{Home, Stack, StackView, Stacks, Views};

use crate::frame::Options as FrameOptions;
use crate::names::overrides::Codes;
use crate::policy::Policy;
use crate::record::Level;

/// The names in a record's header and identification section. Empty means
/// blanks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// SMF system identifier, at most four characters.
    pub sid: String,
    /// System name (SYSNAME), at most eight.
    pub sysname: String,
    /// Sysplex name (SYSPLEX), at most eight.
    pub sysplex: String,
    /// TCP/IP stack name, at most eight.
    pub stack: String,
    /// Address space name, at most eight; that of the stack if empty.
    pub as_name: String,
    /// Communications Server release, at most eight.
    pub release: String,
}

/// An address prefix, `ADDR` or `ADDR/BITS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix {
    address: IpAddr,
    bits: u8,
}

/// Why a text is no prefix.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrefixError {
    /// The address is none.
    #[error("\"{0}\" is not an IPv4 or IPv6 address")]
    Address(String),
    /// The prefix length is none, or too long.
    #[error("prefix length \"{found}\", expected 0 to {most}")]
    Length {
        /// What was given.
        found: String,
        /// The longest for the address family.
        most: u8,
    },
}

impl Prefix {
    /// An address with a prefix length; one that is too long is the longest.
    pub fn new(address: IpAddr, bits: u8) -> Self {
        Self { address, bits: bits.min(if address.is_ipv4() { 32 } else { 128 }) }
    }

    /// The only address in it, if there is only one.
    pub fn single(&self) -> Option<IpAddr> {
        let most = if self.address.is_ipv4() { 32 } else { 128 };
        (self.bits == most).then_some(self.address)
    }

    /// The same prefix with the bits after it cleared.
    #[must_use]
    pub fn network(&self) -> Self {
        Self { address: masked(self.address, self.bits), bits: self.bits }
    }

    /// Whether an address lies in the prefix.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.address.is_ipv4() == address.is_ipv4()
            && masked(self.address, self.bits) == masked(address, self.bits)
    }
}

/// An address with all but its first bits cleared.
fn masked(address: IpAddr, bits: u8) -> IpAddr {
    let bits = u32::from(bits);
    match address {
        IpAddr::V4(a) => {
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            IpAddr::V4((u32::from(a) & mask).into())
        }
        IpAddr::V6(a) => {
            let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
            IpAddr::V6((u128::from(a) & mask).into())
        }
    }
}

/// As it is written: `ADDR`, or `ADDR/BITS` where there is more than one address.
impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.single() {
            Some(address) => write!(f, "{address}"),
            None => write!(f, "{}/{}", self.address, self.bits),
        }
    }
}

impl FromStr for Prefix {
    type Err = PrefixError;

    fn from_str(text: &str) -> Result<Self, PrefixError> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr =
            address.parse().map_err(|_| PrefixError::Address(address.to_owned()))?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => most,
            Some(bits) => bits
                .parse()
                .ok()
                .filter(|&n| n <= most)
                .ok_or_else(|| PrefixError::Length { found: bits.to_owned(), most })?,
        };
        Ok(Self { address, bits })
    }
}

/// How much of what the wire shows goes into the records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Every attribute that the wire shows.
    #[default]
    Extended,
    /// Only what z/OS's own stream observation fills.
    Strict,
}

/// The default of [`Settings::ee_base_port`].
pub const EE_BASE_PORT: u16 = 12000;

/// The default of [`Settings::max_connections`].
pub const MAX_CONNECTIONS: usize = 4 * 1024 * 1024;

/// The default of [`Settings::max_held`], 1 GiB.
pub const MAX_HELD: usize = 1 << 30;

/// The default of [`Settings::max_sessions`].
pub const MAX_SESSIONS: usize = 4 * 1024 * 1024;

/// The default of [`Settings::max_pairs`].
pub const MAX_PAIRS: usize = 1024 * 1024;

/// Seconds that a connection has to last for an initiation record.
pub const SETTLE_SECONDS: u32 = 10;

/// Settings of the engine.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The stacks on the wire.
    pub stacks: Stacks,
    /// The level of the records.
    pub level: Level,
    /// How much goes into the records.
    pub mode: Mode,
    /// Whether connections whose start was not seen get records.
    pub include_midstream: bool,
    /// Connections that are followed at once.
    pub max_connections: usize,
    /// Bytes that all unfinished handshakes together may hold.
    pub max_held: usize,
    /// Security sessions that may be counted at once.
    pub max_sessions: usize,
    /// Pairs of addresses that are followed for Enterprise Extender, and for IPSec.
    pub max_pairs: usize,
    /// Seconds that a connection has to last for an initiation record.
    pub settle_seconds: u32,
    /// Whether zERT is recorded as enabled at the start and disabled at the end.
    pub tool_events: bool,
    /// What counts as weak.
    pub policy: Policy,
    /// Whether the length of a check value names the algorithm where only one
    /// has it.
    pub infer_icv: bool,
    /// The codes that records get.
    pub codes: Codes,
    /// The first of the five UDP ports of Enterprise Extender.
    pub ee_base_port: u16,
    /// Ports of tunnels and EtherTypes of VLAN tags beside the usual ones.
    pub frames: FrameOptions,
    /// Which segments and bytes of TCP connections count, where they are told apart by what
    /// they are for; `None` if they are not.
    pub counting: Option<CountingRule>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            stacks: Stacks::default(),
            level: Level::default(),
            mode: Mode::Extended,
            include_midstream: false,
            max_connections: MAX_CONNECTIONS,
            max_held: MAX_HELD,
            max_sessions: MAX_SESSIONS,
            max_pairs: MAX_PAIRS,
            settle_seconds: SETTLE_SECONDS,
            tool_events: true,
            policy: Policy::default(),
            infer_icv: false,
            codes: Codes::default(),
            ee_base_port: EE_BASE_PORT,
            frames: FrameOptions::default(),
            counting: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(text: &str) -> Prefix {
        text.parse().expect("a prefix")
    }

    #[test]
    fn prefixes_hold_their_addresses() {
        let p = prefix("192.0.2.0/24");
        assert!(p.contains([192, 0, 2, 255].into()) && !p.contains([192, 0, 3, 0].into()));
        assert!(prefix("0.0.0.0/0").contains([8, 8, 8, 8].into()));
        assert!(prefix("10.1.1.1").contains([10, 1, 1, 1].into()));
        let v6 = prefix("2001:db8::/32");
        assert!(v6.contains("2001:db8:1::1".parse().expect("an address")));
        assert!(!v6.contains([32, 1, 13, 184].into()));
    }

    #[test]
    fn errors_say_what_was_expected() {
        let error = |t: &str| t.parse::<Prefix>().expect_err("wrong").to_string();
        assert_eq!(error("host1"), "\"host1\" is not an IPv4 or IPv6 address");
        assert_eq!(error("10.0.0.0/33"), "prefix length \"33\", expected 0 to 32");
    }
}
