//! A record as far as it takes to find its counterpart.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::record::{
    Common11, Common12, Record, SUBTYPE_DETAIL, SUBTYPE_SUMMARY, SmfTime, TYPE_TCPIP, ebcdic,
};

/// `sc_flags`, `ss_flags`: IPv6.
const IPV6: u8 = 0x80;
/// `ss_flags`: the local end is the server, or the client.
pub(super) const LOCAL_IS_SERVER: u8 = 0x40;
pub(super) const LOCAL_IS_CLIENT: u8 = 0x20;
/// `ss_event_type`: an interval record.
const INTERVAL: u8 = 1;
/// Where the identification section has the reason, and the bits of a shutdown and of the end of statistics.
const REASON: usize = 60;
const SHUT_DOWN: u8 = 0x30;

/// Who has written a record, EBCDIC as it stands there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct System {
    /// SMF system identifier.
    pub sid: [u8; 4],
    /// System name.
    pub sysname: [u8; 8],
    /// TCP/IP stack.
    pub stack: [u8; 8],
}

impl System {
    /// SMF system identifier, system name and name of the stack, without blanks at the
    /// end.
    pub fn names(&self) -> [String; 3] {
        [&self.sid[..], &self.sysname, &self.stack].map(text)
    }
}

impl System {
    fn of(record: &Record<'_>) -> Self {
        let mut system = Self::default();
        if let Some(sid) = record.bytes().get(14..18) {
            system.sid.copy_from_slice(sid);
        }
        let ident = record.section(0);
        if let Some((sysname, stack)) =
            ident.and_then(|i| Some((i.first_chunk()?, i.get(16..)?.first_chunk()?)))
        {
            (system.sysname, system.stack) = (*sysname, *stack);
        }
        system
    }

    /// `SID SYSNAME STACK`, without those that are blank.
    pub fn text(&self) -> String {
        let names: Vec<String> = self.names().into_iter().filter(|n| !n.is_empty()).collect();
        if names.is_empty() { "without a name".to_owned() } else { names.join(" ") }
    }
}

/// A name as text.
pub(super) fn text(name: &[u8]) -> String {
    ebcdic::decode(name).trim_end_matches([' ', '\0']).to_owned()
}

/// Where a record is from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct RecordLocation {
    /// Number of the file.
    pub file: u32,
    /// Offset in it, decompressed.
    pub offset: u64,
}

/// The ends of a connection, seen from the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tuple {
    /// Local address and port.
    pub local: (IpAddr, u16),
    /// Remote address and port.
    pub remote: (IpAddr, u16),
    /// IP protocol.
    pub ip_proto: u8,
}

impl Tuple {
    /// The same connection seen from the other end.
    pub fn reversed(self) -> Self {
        Self { local: self.remote, remote: self.local, ..self }
    }

    /// A number by which tuples are in their order, but for those of IPv6, of which
    /// several have the same.
    pub(super) fn rank(&self) -> u128 {
        const IPV6: u128 = 1;
        let (local, remote) = (self.local, self.remote);
        let IpAddr::V4(local_ip) = local.0 else {
            return IPV6 << 127;
        };
        let local = u128::from(local_ip.to_bits()) << 16 | u128::from(local.1);
        let remote = match remote.0 {
            IpAddr::V4(ip) => {
                let end = u128::from(ip.to_bits()) << 16 | u128::from(remote.1);
                end << 8 | u128::from(self.ip_proto)
            }
            IpAddr::V6(_) => IPV6 << 56,
        };
        local << 57 | remote
    }
}

/// The ends of a security session, and what kind of protection it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ends {
    /// Server address.
    pub server: IpAddr,
    /// Client address.
    pub client: IpAddr,
    /// Server ports, first and last.
    pub ports: (u16, u16),
    /// IP protocol.
    pub ip_proto: u8,
    /// Flags of the local role.
    pub role: u8,
    /// Flags of the protocol.
    pub protocols: u8,
}

/// The ends of a security session, without what the records of a release may not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct SessionEnds {
    pub server: IpAddr,
    pub client: IpAddr,
    pub ports: (u16, u16),
    pub ip_proto: u8,
}

impl Ends {
    /// The address of the local end, where the record says which that is.
    pub(super) fn local(&self) -> Option<IpAddr> {
        match self.role & (LOCAL_IS_SERVER | LOCAL_IS_CLIENT) {
            LOCAL_IS_SERVER => Some(self.server),
            LOCAL_IS_CLIENT => Some(self.client),
            _ => None,
        }
    }

    /// The ends alone: neither role nor protocol.
    pub(super) fn session(&self) -> SessionEnds {
        let Self { server, client, ports, ip_proto, .. } = *self;
        SessionEnds { server, client, ports, ip_proto }
    }
}

impl SessionEnds {
    /// The same with server and client exchanged.
    pub fn swapped(self) -> Self {
        Self { server: self.client, client: self.server, ..self }
    }
}

/// What a record is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// An event of a connection.
    Connection {
        /// Its ends.
        tuple: Tuple,
        /// The event's type.
        kind: u8,
        /// When it began, in hundredths of a second since 1970, UTC.
        start: i64,
        /// When it ended, in the record of its end.
        end: Option<i64>,
        /// Its identifier.
        id: u32,
    },
    /// An interval of a security session.
    Session {
        /// Its ends.
        ends: Ends,
        /// The interval's length, in microseconds.
        duration: i64,
        /// Whether the stack shut down, or zERT aggregation ended: the interval may be
        /// shorter than others.
        shut_down: bool,
    },
    /// Neither: zERT enabled or disabled, enforcement by policy.
    Other {
        /// The event's type.
        kind: u8,
    },
}

/// A record, looked at.
#[derive(Clone, Copy, Debug)]
pub struct Observation {
    /// Who wrote it.
    pub system: System,
    /// When, in hundredths since 1970, on the writer's local clock.
    pub written: i64,
    /// Subtype.
    pub subtype: u16,
    /// What it is about.
    pub about: About,
}

impl Observation {
    /// Looks at a record; `None` if it is no zERT record, or cannot be read.
    pub fn of(record: &Record<'_>) -> Option<Self> {
        if record.record_type() != TYPE_TCPIP {
            return None;
        }
        let subtype = record.subtype()?;
        let section = record.section(1)?;
        let about = match subtype {
            SUBTYPE_DETAIL => detail(&Common11::decode(section)?)?,
            SUBTYPE_SUMMARY => summary(record, &Common12::decode(section)?),
            _ => return None,
        };
        let written = record.written()?.hundredths()?;
        Some(Self { system: System::of(record), written, subtype, about })
    }
}

fn detail(c: &Common11) -> Option<About> {
    if !(1..=4).contains(&c.event_type) {
        return Some(About::Other { kind: c.event_type });
    }
    let ipv6 = c.flags & IPV6 != 0;
    let tuple = Tuple {
        local: (address(c.lip, ipv6), c.l_port),
        remote: (address(c.rip, ipv6), c.r_port),
        ip_proto: c.ip_proto,
    };
    let start = SmfTime { time: c.s_time, date: c.s_date }.hundredths()?;
    let end = SmfTime { time: c.e_time, date: c.e_date }.hundredths();
    Some(About::Connection { tuple, kind: c.event_type, start, end, id: c.conn_id })
}

fn summary(record: &Record<'_>, c: &Common12) -> About {
    if c.event_type != INTERVAL {
        return About::Other { kind: c.event_type };
    }
    let ipv6 = c.flags & IPV6 != 0;
    let ends = Ends {
        server: address(c.srv_ip, ipv6),
        client: address(c.clt_ip, ipv6),
        ports: (c.srv_port_start, c.srv_port_end),
        ip_proto: c.ip_proto,
        role: c.flags & !IPV6,
        protocols: c.sec_protos,
    };
    // Bit 51 is a microsecond.
    let duration = i64::try_from(c.interval_duration >> 12).unwrap_or(i64::MAX);
    let reason = record.section(0).and_then(|ident| ident.get(REASON).copied());
    let shut_down = reason.is_some_and(|reason| reason & SHUT_DOWN != 0);
    About::Session { ends, duration, shut_down }
}

/// An address of 16 bytes. Of IPv4 the first four count, whatever stands behind them:
/// writers leave zeros or blanks there.
fn address(bytes: [u8; 16], ipv6: bool) -> IpAddr {
    if ipv6 {
        Ipv6Addr::from(bytes).into()
    } else {
        Ipv4Addr::new(bytes[0], bytes[1], bytes[2], bytes[3]).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_end() -> impl Strategy<Value = (IpAddr, u16)> {
        let v4 = prop_oneof![0u32..3, any::<u32>()].prop_map(|a| Ipv4Addr::from(a).into());
        let v6 = prop_oneof![0u128..3, any::<u128>()].prop_map(|a| Ipv6Addr::from(a).into());
        (prop_oneof![3 => v4, 1 => v6], prop_oneof![0u16..3, any::<u16>()])
    }

    proptest! {
        #[test]
        fn ranks_are_in_the_order_of_tuples(
            (one, other) in (any_end(), any_end()),
            (third, fourth) in (any_end(), any_end()),
            protocols in (any::<u8>(), any::<u8>()),
            same_local in any::<bool>(),
        ) {
            let one = Tuple { local: one, remote: third, ip_proto: protocols.0 };
            let local = if same_local { one.local } else { other };
            let other = Tuple { local, remote: fourth, ip_proto: protocols.1 };
            prop_assert_eq!((one.rank(), one).cmp(&(other.rank(), other)), one.cmp(&other));
        }
    }
}
