//! What is told of Enterprise Extender connections: records, security sessions, JSON
//! objects and rows of the table.

use std::sync::Arc;

use super::address_pair::Pair;
use super::ee::EeTable;
use super::ee_link::{Close, EeConnection, Link};
use super::ipsec_encapsulation;
use super::ledger::PacketDisposition;
use super::merge::{Emission, Payload};
use super::report::{frame_places, network_tags};
use super::sessions::{self, RecordEndPoints, Sessions};
use super::shard::RequestedOutputs;
use crate::config::{LocalEnd, StackView, Views};
use crate::flow::{Dir, Endpoint, Key};
use crate::frame::Networks;
use crate::observe::ee::Status;
use crate::observe::{FindingsRef, Side};
use crate::session::{Event, Snapshot, Transport, View};
use crate::sink::jsonl;
use crate::sink::packet_location::PacketLocation;
use crate::sink::report::{IPSEC, Row};
use crate::sink::table::{RowKey, RowKind};
use crate::summary::{Role, ShardCounters};

impl EeTable {
    /// Established connections as records of their initiation at a moment.
    pub fn list(&self, event: Event, listed: &mut Vec<Emission>) {
        for (pair, link, connection) in self.under_way() {
            let key = key(pair, link.port(connection));
            for seen in views(pair, link).into_iter().flatten() {
                let local = local(seen, link);
                let snapshot = snapshot(&key, link, connection, local);
                let detail = View::of(&link.settings, seen.stack).detail(event, &snapshot);
                let payload =
                    ipsec_encapsulation::payload(detail, seen.stack, snapshot.ipsec, local, false);
                let (clock, ordinal) = (event.at, connection.ordinal);
                listed.push(Emission { clock, ordinal, number: 0, payload });
            }
        }
    }

    /// Connections under way as rows.
    pub fn glance(&self) -> impl Iterator<Item = Row> {
        self.under_way().map(|(pair, link, connection)| row(pair, link, connection))
    }

    fn under_way(&self) -> impl Iterator<Item = (&Pair, &Link, &EeConnection)> {
        let links = self.pairs.iter().map(|(pair, slot)| (pair, &slot.link));
        links.flat_map(|(pair, link)| link.under_way().map(move |c| (pair, link, c)))
    }

    /// Reports a link's connections for the last time.
    pub(super) fn report(
        &mut self,
        pair: Pair,
        mut link: Link,
        clock: i64,
        emitted: &mut Vec<Emission>,
    ) {
        if link.ended.is_none() {
            link.note_losses(self.losses[1]);
        }
        if link.ee.status() != Status::Confirmed {
            self.ledger.count_all(PacketDisposition::Udp, link.pending);
            return;
        }
        self.ledger.count_all(PacketDisposition::Ee, link.pending);
        let views = views(&pair, &link);
        for mut connection in std::mem::take(&mut link.connections) {
            if !connection.recognised {
                continue;
            }
            let members = std::mem::take(&mut connection.members);
            for (seen, member) in views.iter().flatten().zip(members) {
                let Some(member) = member else { continue };
                // It was given up: its end was not seen.
                let traffic = link.traffic(connection.port, local(*seen, &link));
                member.end(false, traffic, self.sessions.tally(seen.stack));
            }
            self.ledger.connections.ee += 1;
            let line = self.wants.json.then(|| {
                let line = line(&pair, &link, &connection, (&self.files, &self.networks));
                serde_json::to_vec(&line).unwrap_or_default()
            });
            let row = self.wants.rows.then(|| Box::new(row(&pair, &link, &connection)));
            emitted.push(Emission {
                clock,
                ordinal: connection.ordinal,
                number: connection.emitted,
                payload: Payload::Connection { line, row, opened: None, views },
            });
        }
    }
}

/// Goes through a link's connections by their place, and records what happens to each:
/// up to two events, the earlier first.
pub(super) fn record_each(
    pair: &Pair,
    link: &mut Link,
    clock: i64,
    (wants, sessions, emitted): (RequestedOutputs, &mut Sessions, &mut Vec<Emission>),
    happens: &mut dyn FnMut(&mut Link, usize) -> [Option<Event>; 2],
) {
    for n in 0..link.connections.len() {
        for event in happens(link, n).into_iter().flatten() {
            if wants.records() {
                record(pair, (link, n), (event, clock), (wants, sessions, emitted));
            }
        }
    }
}

/// Records an event of the connection at a place.
fn record(
    pair: &Pair,
    (link, n): (&mut Link, usize),
    (event, clock): (Event, i64),
    (wants, sessions, emitted): (RequestedOutputs, &mut Sessions, &mut Vec<Emission>),
) {
    let settings = Arc::clone(&link.settings);
    let event = event.told(link.behind);
    for (view, seen) in views(pair, link).into_iter().flatten().enumerate() {
        let Some(connection) = link.connections.get(n) else { return };
        let port = link.port(connection);
        let key = key(pair, port);
        let stack = settings.stacks.get(seen.stack);
        let local = local(seen, link);
        let snapshot = snapshot(&key, link, connection, local);
        let detail = View::of(&settings, seen.stack).detail(event, &snapshot);
        let payload = (wants.detail && stack.detail).then(|| {
            ipsec_encapsulation::payload(detail.clone(), seen.stack, snapshot.ipsec, local, false)
        });
        let keys = (wants.summary && stack.summary).then(|| {
            // Always seen from the stack's end.
            let ends = RecordEndPoints {
                server: (pair.address(local), port),
                client: (pair.address(local.other()), port),
                role: Role::Peer,
                last_port: port,
            };
            sessions::keys(stack, &detail, ends, snapshot.ipsec, local, None)
        });
        let traffic = link.traffic(connection.port, local);
        let Some(connection) = link.connections.get_mut(n) else { return };
        // Only TCP connections are counted as short.
        if let (Some(keys), Some(member)) = (keys, connection.members.get_mut(view)) {
            let tally = sessions.tally(seen.stack);
            sessions::follow(member, event.kind, false, (keys, traffic), tally);
        }
        if let Some(payload) = payload {
            let (ordinal, number) = (connection.ordinal, connection.emitted);
            emitted.push(Emission { clock, ordinal, number, payload });
            connection.emitted += 1;
        }
    }
}

/// Counts what a link's connections have sent in a stack's interval.
pub(super) fn count(pair: &Pair, link: &mut Link, stack: usize, tally: &mut ShardCounters) {
    for (view, seen) in views(pair, link).into_iter().flatten().enumerate() {
        if seen.stack != stack {
            continue;
        }
        let local = local(seen, link);
        for n in 0..link.connections.len() {
            let Some(port) = link.connections.get(n).map(|c| c.port) else { continue };
            let traffic = link.traffic(port, local);
            let connection = link.connections.get_mut(n);
            if let Some(Some(member)) = connection.and_then(|c| c.members.get_mut(view)) {
                member.count(traffic, tally);
            }
        }
    }
}

fn row(pair: &Pair, link: &Link, connection: &EeConnection) -> Row {
    let port = link.port(connection);
    let job = |seen: StackView| {
        let end = LocalEnd {
            address: pair.address(local(seen, link)),
            port,
            ip_proto: Transport::Udp as u8,
            outbound: false,
        };
        link.settings.stacks.get(seen.stack).jobs.find(end).map(|job| job.name.clone())
    };
    let (client, server) = (link.client(), link.client().other());
    let key = RowKey {
        protection: connection.under.protection().map(ipsec_encapsulation::describe),
        server: (pair.address(server), port),
        kind: RowKind::Ee,
        severity: None,
        client: pair.address(client),
    };
    let sent = link.sent(connection.port);
    Row {
        key,
        from_client: client.of(&sent).bytes,
        from_server: server.of(&sent).bytes,
        start: link.told(connection.first_ts),
        findings: Vec::new(),
        key_exchange: None,
        certificate: None,
        version: connection.under.protection().map(|_| IPSEC.to_owned()),
        failure: None,
        dated: true,
        lacking: None,
        job: views(pair, link)[0].and_then(job),
    }
}

fn line(
    pair: &Pair,
    link: &Link,
    connection: &EeConnection,
    (files, networks): (&[String], &Networks),
) -> jsonl::EeConnection {
    let client = link.client();
    let by_client = views(pair, link)[0].is_some_and(|seen| !seen.server);
    let ends = [client, client.other()].map(|side| pair.address(side));
    let mut line = jsonl::EeConnection::new(
        link.ee.facts(),
        client,
        ends,
        (link.settings.ee_base_port, connection.port),
    );
    line.packets = PacketLocation::of_ee(
        ends,
        link.port(connection),
        link.ee.facts().other_source_port,
        frame_places(connection.frames, files),
    );
    line.network = network_tags(networks, pair.network);
    line.local = if by_client { "client" } else { "server" };
    line.incomplete |= link.lossy;
    line.start = jsonl::time(link.told(connection.first_ts));
    line.end = link.ended.map(|(ts, _)| jsonl::time(link.told(ts.max(connection.first_ts))));
    line.open = link.ended.is_none();
    line.close = link.ended.map(|(_, how)| match how {
        Close::Disc => "disc",
        Close::DiscUnanswered => "disc_unanswered",
        Close::Idle => "idle",
        Close::Restarted => "restarted",
    });
    line.ee.start = jsonl::time(link.told(link.first_ts));
    let ipsec = connection.under.protection();
    line.ipsec = ipsec.map(|ipsec| ipsec_encapsulation::line(ipsec, client));
    line.protection = line.ipsec.iter().map(|_| "ipsec").collect();
    line
}

/// The ends of a connection.
fn key(pair: &Pair, port: u16) -> Key {
    let end = |side: Side| Endpoint { ip: pair.address(side), port };
    Key::new(end(Side::Low), end(Side::High))
}

/// A connection as a record of one of its views tells of it.
fn snapshot<'a>(
    key: &'a Key,
    link: &Link,
    connection: &'a EeConnection,
    local: Side,
) -> Snapshot<'a> {
    let sent = link.sent(connection.port);
    Snapshot {
        transport: Transport::Udp,
        key,
        local: match local {
            Side::Low => Dir::FromLow,
            Side::High => Dir::FromHigh,
        },
        outbound: false,
        established: link.told(connection.first_ts),
        bytes: sent.map(|s| s.bytes),
        segments: sent.map(|s| s.datagrams),
        protection: FindingsRef::default(),
        ipsec: connection.under.protection(),
        failed: None,
    }
}

/// Which stacks see a link: the end that was called is the server's.
fn views(pair: &Pair, link: &Link) -> Views {
    let client = link.client();
    link.settings.stacks.views(pair.address(client.other()), pair.address(client))
}

/// The local end of a view.
fn local(seen: StackView, link: &Link) -> Side {
    if seen.server { link.client().other() } else { link.client() }
}
