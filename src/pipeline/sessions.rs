//! What one shard's connections add to security sessions, interval by
//! interval.

use std::collections::VecDeque;
use std::net::IpAddr;

use super::merge::{Emission, Payload};
use crate::config::{Settings, Stack};
use crate::flow::SHARDS;
use crate::observe::Side;
use crate::record::summary::sessions;
use crate::record::{Attributes, Certificates, Detail, Level, Names, ebcdic};
use crate::session::{IpsecProtection, Kind, ResumedSession};
use crate::summary::{Identity, Key, Membership, Role, ShardCounters, Traffic};

/// The port from which an FTP server opens active data connections (RFC 959
/// section 3.2).
const FTP_DATA: u16 = 20;
/// The user identifier under which a server's FTP data connections are counted
/// together.
pub(super) const FTP_USER: &str = "*FTPUSR*";

/// The end of a stack's interval. In the order of time, and of stacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct IntervalEnd {
    /// On the packet clock.
    pub clock: i64,
    /// Number of the stack.
    pub stack: usize,
}

/// The counts of one shard.
#[derive(Debug)]
pub(super) struct Sessions {
    /// Ends of intervals that are to come.
    ends: VecDeque<IntervalEnd>,
    /// Packets so far.
    packets: u64,
    stacks: Vec<StackCounters>,
}

/// What was counted of one stack.
#[derive(Debug)]
struct StackCounters {
    tally: ShardCounters,
    /// Packets up to the end of its last interval.
    packets: u64,
}

impl Sessions {
    /// Counts for all stacks.
    pub fn new(settings: &Settings) -> Self {
        let most = settings.max_sessions.div_ceil(SHARDS).max(1);
        let counted = || StackCounters { tally: ShardCounters::new(most), packets: 0 };
        let stacks = settings.stacks.list().len();
        let stacks = std::iter::repeat_with(counted).take(stacks).collect();
        Self { ends: VecDeque::new(), packets: 0, stacks }
    }

    /// Intervals end at these clocks, too.
    pub fn end_at(&mut self, ends: &[IntervalEnd]) {
        self.ends.extend(ends);
    }

    /// When the next interval ends, where that is known.
    pub fn next_end(&self) -> Option<i64> {
        self.ends.front().map(|end| end.clock)
    }

    /// The end of an interval that the packet clock has reached.
    pub fn due(&mut self, clock: i64) -> Option<IntervalEnd> {
        if self.ends.front()?.clock <= clock { self.ends.pop_front() } else { None }
    }

    /// Something has come that may have to be counted.
    pub fn stir(&mut self) {
        self.packets += 1;
    }

    /// Whether anything has come since the end of the stack's last interval.
    pub fn stirred(&self, stack: usize) -> bool {
        self.stacks.get(stack).is_some_and(|counted| self.packets > counted.packets)
    }

    /// Connections for whose sessions there was no room, since the last time.
    pub fn refused(&mut self) -> u64 {
        self.stacks.iter_mut().map(|counted| counted.tally.refused()).sum()
    }

    /// The counts of a stack.
    #[expect(clippy::indexing_slicing, reason = "the engine's own number of a stack")]
    pub fn tally(&mut self, stack: usize) -> &mut ShardCounters {
        &mut self.stacks[stack].tally
    }

    /// Passes the counts on, at the end of an interval.
    pub fn close(&mut self, end: IntervalEnd, emitted: &mut Vec<Emission>) {
        let Some(counted) = self.stacks.get_mut(end.stack) else { return };
        counted.packets = self.packets;
        let Some(tally) = counted.tally.end_interval() else { return };
        let number = u32::try_from(end.stack).unwrap_or(u32::MAX);
        let payload = Payload::Sessions(end.stack, tally);
        emitted.push(Emission { clock: end.clock, ordinal: 0, number, payload });
    }
}

/// The security sessions that a connection is in, of each stack that sees it.
pub(super) type Members = [Option<Box<Membership>>; 2];

/// The ends of a connection as its record tells of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct RecordEndPoints {
    pub server: (IpAddr, u16),
    pub client: (IpAddr, u16),
    pub role: Role,
    pub last_port: u16,
}

/// The sessions that a record tells of.
pub(super) fn keys(
    stack: &Stack,
    detail: &Detail,
    ends: RecordEndPoints,
    ipsec: Option<&IpsecProtection>,
    local: Side,
    resumed: Option<ResumedSession>,
) -> Vec<Key> {
    let carrier = ipsec.map(|i| (*local.of(&i.ends), *local.other().of(&i.ends)));
    let found = sessions(detail);
    let place = SessionSlot::of(stack, ends);
    let key = |attributes: Attributes| {
        let carrier = carrier.filter(|_| matches!(attributes, Attributes::Ipsec(_)));
        let identity = Identity {
            server: place.server,
            client: place.client,
            ports: place.ports,
            ip_proto: detail.common.ip_proto,
            role: place.role,
            jobname: detail.common.jobname,
            user_id: if place.ftp_server { ebcdic::field(FTP_USER) } else { detail.common.user_id },
            certificates: (detail.level >= Level::V3r2)
                .then(|| Certificates::of(&attributes, detail))
                .flatten(),
            names: match attributes {
                Attributes::Tls(_) => detail.names.clone(),
                _ => Names::default(),
            },
            attributes,
        };
        match resumed.filter(|_| matches!(identity.attributes, Attributes::Tls(_))) {
            Some(resumed) => Key::resumed(identity, resumed),
            None => Key::new(identity, carrier),
        }
    };
    found.into_iter().map(key).collect()
}

/// Where a session's connections go.
struct SessionSlot {
    server: IpAddr,
    client: IpAddr,
    ports: (u16, u16),
    role: Role,
    /// FTP data connections at the server.
    ftp_server: bool,
}

impl SessionSlot {
    fn of(stack: &Stack, ends: RecordEndPoints) -> Self {
        let (server, client) = (ends.server, ends.client);
        let plain = Self {
            server: server.0,
            client: client.0,
            ports: (server.1, ends.last_port),
            role: ends.role,
            ftp_server: false,
        };
        if ends.role == Role::Peer {
            return plain;
        }
        // An active data connection is the server's, though the server opens it.
        if client.1 == FTP_DATA && client.0.is_ipv4() {
            let role = if ends.role == Role::Client { Role::Server } else { Role::Client };
            return Self {
                server: client.0,
                client: server.0,
                ports: (FTP_DATA, FTP_DATA),
                role,
                ftp_server: role == Role::Server,
            };
        }
        let range = stack.passive_ports.iter().find(|(a, b)| (*a..=*b).contains(&server.1));
        match range {
            Some(&ports) if ends.role == Role::Server => Self { ports, ftp_server: true, ..plain },
            _ => plain,
        }
    }
}

/// Takes a connection's event into its sessions.
pub(super) fn follow(
    member: &mut Option<Box<Membership>>,
    kind: Kind,
    short: bool,
    (keys, traffic): (Vec<Key>, Traffic),
    tally: &mut ShardCounters,
) {
    match kind {
        Kind::Initiation => {
            *member = Some(Box::new(Membership::enter(keys, traffic, tally)));
        }
        Kind::Change => {
            if let Some(member) = member {
                member.change(keys, traffic, tally);
            }
        }
        Kind::Termination => {
            if let Some(member) = member.take() {
                member.end(short, traffic, tally);
            }
        }
        Kind::ShortTermination => {
            Membership::enter(keys, traffic, tally).end(short, traffic, tally);
        }
        Kind::Enabled | Kind::Disabled => {}
    }
}

/// What a connection has sent and received, seen from the stack. Pairs are
/// indexed by side.
pub(super) fn traffic(bytes: [u64; 2], segments: [u64; 2], local: Side) -> Traffic {
    let remote = local.other();
    Traffic {
        in_bytes: *remote.of(&bytes),
        out_bytes: *local.of(&bytes),
        in_segments: *remote.of(&segments),
        out_segments: *local.of(&segments),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(stack: &Stack, server: u16, client: u16, role: Role) -> SessionSlot {
        let ends = RecordEndPoints {
            server: ([192, 0, 2, 10].into(), server),
            client: ([198, 51, 100, 7].into(), client),
            role,
            last_port: server,
        };
        SessionSlot::of(stack, ends)
    }

    #[test]
    fn active_data_connections_are_the_server_s() {
        let stack = Stack::default();
        // The stack's client has called; from port 20 it is a server.
        let p = place(&stack, 40_000, 20, Role::Client);
        assert_eq!((p.server, p.ports), ([198, 51, 100, 7].into(), (20, 20)));
        assert_eq!((p.role, p.ftp_server), (Role::Server, true));
        let p = place(&stack, 40_000, 20, Role::Server);
        assert_eq!((p.role, p.ftp_server), (Role::Client, false));
        let p = place(&stack, 443, 40_000, Role::Server);
        assert_eq!((p.ports, p.role, p.ftp_server), ((443, 443), Role::Server, false));
    }

    #[test]
    fn passive_ports_of_the_server_are_one_range() {
        let stack = Stack { passive_ports: vec![(50_000, 50_100)], ..Stack::default() };
        let p = place(&stack, 50_007, 40_000, Role::Server);
        assert_eq!((p.ports, p.ftp_server), ((50_000, 50_100), true));
        let p = place(&stack, 50_007, 40_000, Role::Client);
        assert_eq!((p.ports, p.ftp_server), ((50_007, 50_007), false));
        assert_eq!(place(&stack, 49_999, 1, Role::Server).ports, (49_999, 49_999));
    }
}
