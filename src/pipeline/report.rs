//! What is told of a connection when it is over: its JSON object, and its row in
//! the table for people.

use super::connection::{Connection, side};
use super::under;
use crate::config::Settings;
use crate::flow::{Dir, Key};
use crate::observe::FindingsRef;
use crate::observe::upgrade::Kind;
use crate::sink::jsonl;
use crate::sink::table::{RowKey, RowKind, UNKNOWN};

/// The direction in which the local end sends. Without configured addresses
/// the server is local; when both ends are, it is the server's view.
pub(super) fn local(settings: &Settings, key: &Key, client: Dir) -> Dir {
    let server = client.other();
    if settings.home.has_server(key.sender(server).ip) { server } else { client }
}

pub(super) fn line(
    settings: &Settings,
    key: &Key,
    c: &Connection,
    client: Dir,
) -> jsonl::Connection {
    let server = client.other();
    let endpoint = |dir: Dir| {
        let end = key.sender(dir);
        jsonl::Endpoint { ip: end.ip, port: end.port }
    };
    let both = |pair: [u64; 2]| jsonl::Both {
        from_client: pair[client.index()],
        from_server: pair[server.index()],
    };
    let local = local(settings, key, client);
    let ended = c.life.ended();
    jsonl::Connection {
        schema: jsonl::SCHEMA,
        r#type: "connection",
        proto: "tcp",
        client: endpoint(client),
        server: endpoint(server),
        local: if local == client { "client" } else { "server" },
        start: jsonl::time(c.first_ts),
        established_at: c.life.established().filter(|_| c.life.start_seen()).map(jsonl::time),
        end: ended.map(|(ts, _)| jsonl::time(ts)),
        close: c.close(),
        open: ended.is_none(),
        established: c.life.established().is_some() && c.life.start_seen(),
        midstream: !c.life.start_seen(),
        bytes: both(c.bytes()),
        segments: both(c.segments()),
        retransmitted: c.retransmitted,
        missed_bytes: c.missed(),
        conflicting_segments: c.conflicts,
        incomplete: c.incomplete(),
        application: c
            .ike()
            .map(|_| "ike")
            .or_else(|| c.course().and_then(|course| course.application).and_then(Kind::name)),
        upgrade: c.course().and_then(|course| course.granted).and_then(Kind::name),
        clear_before: c.course().and_then(|course| course.clear_before).map(both),
        clear_again_at: c.course().and_then(|course| course.clear_again).map(jsonl::time),
        protection: protocols(c),
        tls: c
            .findings()
            .tls
            .map(|facts| jsonl::Tls::new(facts, side(local), side(client), ended.is_some())),
        ssh: c.findings().ssh.map(jsonl::Ssh::new),
        ipsec: c.ipsec().map(|ipsec| under::line(ipsec, side(client))),
    }
}

/// The row of a connection in the table for people, unless it was never
/// established.
pub(super) fn row(key: &Key, c: &Connection, client: Dir) -> Option<(RowKey, u64, u64)> {
    let established = c.life.established().is_some() || !c.life.start_seen();
    if !established {
        return None;
    }
    let server = client.other();
    // A handshake that was not captured whole is not known to have failed.
    let lacking = || {
        let findings = c.findings();
        findings.incomplete() && findings.tls.is_none_or(|t| t.failure.is_none())
    };
    let ipsec = c.ipsec().map(under::describe);
    let protection = match (describe(c.protection()), ipsec) {
        (Some(inner), Some(ipsec)) => Some(format!("{inner} under {ipsec}")),
        (one, other) => one.or(other).or_else(|| lacking().then(|| UNKNOWN.to_owned())),
    };
    let (c_end, s_end) = (key.sender(client), key.sender(server));
    let bytes = c.bytes();
    Some((
        RowKey { protection, server: (s_end.ip, s_end.port), kind: RowKind::Tcp, client: c_end.ip },
        bytes[client.index()],
        bytes[server.index()],
    ))
}

/// The names of what protects a connection.
fn protocols(c: &Connection) -> Vec<&'static str> {
    let protection = c.protection();
    let all = [
        ("tls", protection.tls.is_some()),
        ("ssh", protection.ssh.is_some()),
        ("ipsec", c.ipsec().is_some()),
    ];
    all.into_iter().filter(|(_, there)| *there).map(|(name, _)| name).collect()
}

/// What protects a connection, for people; `None` if nothing does.
fn describe(protection: FindingsRef<'_>) -> Option<String> {
    if let Some(facts) = protection.tls {
        let version = facts.version.and_then(crate::names::tls::version_name).unwrap_or("TLS");
        let suite = facts.suite.map(|s| s.name().map_or_else(|| s.hex(), str::to_owned));
        return Some(format!("{version} {}", suite.unwrap_or_default()).trim_end().to_owned());
    }
    let facts = protection.ssh?;
    let version = facts.version.map_or_else(|| "SSH".to_owned(), |v| format!("SSHv{v}"));
    let names = [&facts.kex, &facts.cipher_c2s].map(|n| n.as_deref().unwrap_or_default());
    Some(format!("{version} {}", names.join(" ")).trim_end().to_owned())
}
