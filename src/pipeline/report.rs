//! What is told of a connection when it is over: its JSON object, and its row in
//! the table for people.

use super::connection::{Connection, side};
use super::ipsec_encapsulation;
use super::protection::{NotKnown, ProtectionState};
use crate::config::{Job, LocalEnd, Settings, StackView, Views};
use crate::flow::{Close, Dir, Key};
use crate::frame::Networks;
use crate::observe::upgrade::{Kind, SmcMethod};
use crate::observe::{Encrypted, FindingsRef, Side, ssh};
use crate::policy::Subject;
use crate::session::Transport;
use crate::sink::jsonl;
use crate::sink::packet_location::{FramePlace, NetworkTags, PacketLocation};
use crate::sink::report::{IPSEC, Row};
use crate::sink::table::{ENCRYPTED, FAILED, RowKey, RowKind, UNKNOWN};
use crate::source::{FrameNumber, OLDEST};

/// Which stacks see a connection. Without configured addresses the server is
/// local; when both ends are one stack's, it is the server's view.
pub(super) fn views(settings: &Settings, key: &Key, client: Dir) -> Views {
    settings.stacks.views(key.sender(client.other()).ip, key.sender(client).ip)
}

/// The direction in which the local end of a view sends.
pub(super) fn local(seen: StackView, client: Dir) -> Dir {
    if seen.server { client.other() } else { client }
}

impl Connection {
    /// A time of the connection by time stamps, as text.
    pub(super) fn time(&self, time: i64) -> String {
        jsonl::time(self.told(time))
    }

    /// How the connection ended, as text.
    fn close(&self) -> Option<&'static str> {
        self.life.ended().map(|(_, how)| match how {
            Close::Fin => "fin",
            Close::Reset => "reset",
            Close::Replaced => "replaced",
            Close::Unacknowledged => "fin_unacknowledged",
        })
    }

    /// A time of the connection by time stamps.
    fn told(&self, time: i64) -> i64 {
        time.saturating_sub(self.behind)
    }
}

/// What tells the network of a number from others.
pub(super) fn network_tags(networks: &Networks, number: u16) -> NetworkTags {
    let Some(network) = networks.get(number) else { return NetworkTags::default() };
    NetworkTags { vlan: network.vlans().collect(), vni: network.vni() }
}

pub(super) fn line(
    key: &Key,
    c: &Connection,
    client: Dir,
    (files, networks): (&[String], &Networks),
) -> jsonl::Connection {
    let server = client.other();
    let state = ProtectionState::of(c);
    let not_known = state.unknown_because();
    let endpoint = |dir: Dir| {
        let end = key.sender(dir);
        jsonl::Endpoint { ip: end.ip, port: end.port }
    };
    let ends = [client, server].map(|dir| (key.sender(dir).ip, key.sender(dir).port));
    let both = |pair: [u64; 2]| jsonl::Both {
        from_client: *client.of(&pair),
        from_server: *server.of(&pair),
    };
    let local = views(&c.settings, key, client)[0].map_or(server, |seen| local(seen, client));
    let ended = c.life.ended();
    jsonl::Connection {
        schema: jsonl::SCHEMA,
        r#type: "connection",
        proto: "tcp",
        client: endpoint(client),
        server: endpoint(server),
        network: network_tags(networks, key.network()),
        local: if local == client { "client" } else { "server" },
        start: c.time(c.first_ts),
        established_at: c.life.established().filter(|_| c.life.start_seen()).map(|at| c.time(at)),
        end: ended.map(|(ts, _)| c.time(ts)),
        close: c.close(),
        open: ended.is_none(),
        established: c.life.established().is_some() && c.life.start_seen(),
        midstream: !c.life.start_seen(),
        bytes: both(c.bytes()),
        segments: both(c.segments()),
        retransmitted: c.retransmitted,
        segment_kinds: c.segment_kinds.as_deref().map(|kinds| {
            let numbers = |dir: Dir| dir.of(kinds).numbers();
            [numbers(client), numbers(server)]
        }),
        missed_bytes: c.missed(),
        conflicting_segments: c.conflicts,
        unaccepted_segments: c.unaccepted,
        incomplete: c.incomplete(),
        application: c
            .ike()
            .map(|_| "ike")
            .or_else(|| c.history().and_then(|history| history.application).and_then(Kind::name)),
        upgrade: c.history().and_then(|history| history.granted).and_then(Kind::name),
        clear_before: c.history().and_then(|history| history.clear_before).map(both),
        clear_again_at: c.history().and_then(|history| history.clear_again).map(|at| c.time(at)),
        protection: protocols(c),
        protection_known: established(c).then(|| not_known.is_none()),
        smc: c.smc().map(|method| match method {
            SmcMethod::Rdma => "smc-r",
            SmcMethod::Direct => "smc-d",
        }),
        not_known: not_known.filter(|_| established(c)),
        encrypted_data: c
            .encrypted
            .filter(|_| state == ProtectionState::NotKnown(NotKnown::HandshakeNotSeen))
            .map(Encrypted::name),
        tls: c.findings().tls.map(|facts| {
            jsonl::Tls::new(facts, side(local), side(client), ended.is_some(), !c.incomplete())
        }),
        ssh: c.findings().ssh.map(|facts| jsonl::Ssh::new(facts, ssh_client(key, c, facts))),
        ipsec: c.ipsec().map(|ipsec| ipsec_encapsulation::line(ipsec, side(client))),
        packets: PacketLocation::of_tcp(ends, frame_places([c.first_frame, c.last_frame], files)),
    }
}

/// The SSH client: by its messages, else the opener of the connection, else the end with a port
/// that no service has where the other end's is one of a service (RFC 6335 section 6).
fn ssh_client(key: &Key, c: &Connection, facts: &ssh::Facts) -> Option<Side> {
    const SYSTEM_PORTS: u16 = 1024;
    let [low, high] = [key.low(), key.high()].map(|end| end.port < SYSTEM_PORTS);
    if facts.roles_shown || c.life.client().is_some() {
        facts.client
    } else {
        (low != high).then_some(if low { Side::High } else { Side::Low })
    }
}

/// The first and the last packet, where they are in files.
pub(super) fn frame_places(frames: [FrameNumber; 2], files: &[String]) -> Option<[FramePlace; 2]> {
    let place = |frame: FrameNumber| {
        let file = files.get(usize::try_from(frame.file).ok()?)?.clone();
        (frame.number > 0).then_some(FramePlace { file, frame: frame.number })
    };
    let [first, last] = frames;
    Some([place(first)?, place(last)?])
}

/// Whether a connection carried data, or may have: its three-way handshake was completed, or
/// its start was not captured.
fn established(c: &Connection) -> bool {
    c.life.established().is_some() || !c.life.start_seen()
}

/// What people are told of a connection, unless it was never established.
pub(super) fn row(key: &Key, c: &Connection, client: Dir) -> Option<Row> {
    if !established(c) {
        return None;
    }
    let server = client.other();
    let state = ProtectionState::of(c);
    let ipsec = c.ipsec().map(ipsec_encapsulation::describe);
    let protection = match (describe(c.protection()), ipsec) {
        (Some(inner), Some(ipsec)) => Some(format!("{inner} under {ipsec}")),
        (one, other) => one.or(other).or_else(|| match state {
            ProtectionState::NotKnown(NotKnown::HandshakeNotSeen) => Some(ENCRYPTED.to_owned()),
            ProtectionState::NotKnown(_) | ProtectionState::HandshakeOpen => {
                Some(UNKNOWN.to_owned())
            }
            ProtectionState::HandshakeFailed => Some(FAILED.to_owned()),
            ProtectionState::None | ProtectionState::Protected => None,
        }),
    };
    let (c_end, s_end) = (key.sender(client), key.sender(server));
    let bytes = c.bytes();
    let seen = c.protection();
    let lacking = if !c.life.start_seen() {
        Some(NotKnown::Midstream.reason())
    } else if c.segments().contains(&0) {
        Some(NotKnown::OneDirection.reason())
    } else if c.missed() > 0 {
        Some(NotKnown::BytesMissing.reason())
    } else if let Some(why) = state.unknown_because() {
        Some(why)
    } else if c.lossy {
        Some(NotKnown::PacketsLost.reason())
    } else {
        None
    };
    Some(Row {
        key: RowKey {
            protection,
            server: (s_end.ip, s_end.port),
            kind: RowKind::Tcp,
            severity: None,
            client: c_end.ip,
        },
        from_client: *client.of(&bytes),
        from_server: *server.of(&bytes),
        start: c.told(c.first_ts),
        findings: c.settings.policy.findings(&subject(
            seen,
            c.ipsec().is_some(),
            c.told(c.first_ts),
        )),
        key_exchange: key_exchange(seen),
        certificate: seen.tls.and_then(|t| t.server_certificate.clone()),
        version: version(seen).or_else(|| c.ipsec().map(|_| IPSEC.to_owned())),
        failure: (state == ProtectionState::HandshakeFailed).then(|| failure(c, client)),
        dated: c.told(c.first_ts) >= OLDEST,
        lacking,
        job: job(&c.settings, key, client).map(|job| job.name.clone()),
    })
}

/// Why a handshake has failed, in words.
fn failure(c: &Connection, client: Dir) -> String {
    let seen = c.findings();
    let tls = seen.tls.and_then(|facts| jsonl::failure(facts, side(client), true));
    let without_words = if seen.tls.is_some() { "TLS" } else { "SSH" };
    tls.unwrap_or_else(|| format!("the {without_words} handshake did not complete"))
}

/// Protocol and version of what protects a connection.
fn version(protection: FindingsRef<'_>) -> Option<String> {
    if let Some(facts) = protection.tls {
        let name = facts.version.and_then(crate::names::tls::version_name);
        return Some(name.unwrap_or("TLS").to_owned());
    }
    let facts = protection.ssh?;
    Some(facts.version.map_or_else(|| "SSH".to_owned(), |v| format!("SSHv{v}")))
}

/// The job that owns the local end.
fn job<'a>(settings: &'a Settings, key: &Key, client: Dir) -> Option<&'a Job> {
    let seen = views(settings, key, client)[0]?;
    let local = local(seen, client);
    let end = key.sender(local);
    settings.stacks.get(seen.stack).jobs.find(LocalEnd {
        address: end.ip,
        port: end.port,
        ip_proto: Transport::Tcp as u8,
        outbound: local == client,
    })
}

/// What the rules of a policy are held against.
fn subject(seen: FindingsRef<'_>, ipsec: bool, start: i64) -> Subject<'_> {
    if let Some(facts) = seen.tls {
        let certificate = facts.server_certificate.as_deref();
        let rsa =
            certificate.is_some_and(|c| c.public_key_algorithm.starts_with("1.2.840.113549."));
        return Subject {
            protocol: "tls",
            version: facts.version.map(|v| format!("{v:04X}")),
            suite: facts.suite.and_then(crate::observe::tls::Suite::name),
            group: facts.group,
            dh_bits: facts.dh_bits,
            encrypt_then_mac: facts.encrypt_then_mac,
            signature: certificate.map(|c| c.signature_algorithm.as_str()),
            key: certificate.and_then(|c| c.key_bits).map(|bits| (rsa, bits)),
            // A clock that was never set tells of no date.
            expires_in: certificate
                .filter(|_| start >= OLDEST)
                .map(|c| c.not_after.seconds.saturating_sub(start.div_euclid(1_000_000_000))),
            ..Subject::default()
        };
    }
    if let Some(facts) = seen.ssh {
        return Subject {
            protocol: "ssh",
            version: facts.version.map(|v| v.to_string()),
            kex: facts.kex.as_deref(),
            ciphers: [facts.cipher_c2s.as_deref(), facts.cipher_s2c.as_deref()],
            macs: [facts.mac_c2s.as_deref(), facts.mac_s2c.as_deref()],
            host_key: facts.host_key.as_ref().map(|k| k.kind.as_str()),
            ..Subject::default()
        };
    }
    Subject { protocol: if ipsec { "ipsec" } else { "none" }, ..Subject::default() }
}

/// The key exchange by name, and whether it is quantum-safe: whether ML-KEM, a
/// draft of it, or Streamlined NTRU Prime is a part.
fn key_exchange(seen: FindingsRef<'_>) -> Option<(String, bool)> {
    let name = match (seen.tls, seen.ssh) {
        (Some(tls), _) => match (tls.group, tls.suite.and_then(crate::observe::tls::Suite::name)) {
            (Some(group), _) => crate::names::tls::group_name(group)
                .map_or_else(|| format!("group {group:04X}"), str::to_owned),
            (None, Some(suite)) => {
                let (kex, _) = suite.trim_start_matches("TLS_").split_once("_WITH_")?;
                kex.to_owned()
            }
            _ => return None,
        },
        (None, Some(ssh)) => ssh.kex.clone()?,
        _ => return None,
    };
    let lower = name.to_ascii_lowercase();
    let safe = ["mlkem", "kyber", "sntrup"].iter().any(|part| lower.contains(part));
    Some((name, safe))
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
    let version = version(protection)?;
    if let Some(facts) = protection.tls {
        let suite = facts.suite.map(|s| s.name().map_or_else(|| s.hex(), str::to_owned));
        return Some(format!("{version} {}", suite.unwrap_or_default()).trim_end().to_owned());
    }
    let facts = protection.ssh?;
    let names = [&facts.kex, &facts.cipher_c2s].map(|n| n.as_deref().unwrap_or_default());
    Some(format!("{version} {}", names.join(" ")).trim_end().to_owned())
}
