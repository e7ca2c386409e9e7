//! IKE and ESP inside a TCP connection: what is reported when it is over.

use super::connection::{Connection, side};
use super::ledger::Ledger;
use super::merge::{Emission, Payload};
use super::report::network_tags;
use crate::flow::{Dir, Key};
use crate::frame::Networks;
use crate::observe::Side;
use crate::observe::ike::TcpEncapsulation;
use crate::sink::jsonl;
use crate::sink::packet_location::NetworkTags;

/// Emits the security associations and the tunnel of a connection.
pub(super) fn report(
    key: &Key,
    connection: &Connection,
    (clock, networks): (i64, &Networks),
    (ledger, emitted): (&mut Ledger, Option<&mut Vec<Emission>>),
) {
    let Some(inside) = connection.ike() else { return };
    let sent = [Side::Low, Side::High].map(|s| inside.esp(s).packets);
    ledger.ipsec.ike += inside.ikes().len() as u64;
    ledger.ipsec.tunnels += u64::from(sent != [0; 2]);
    let Some(emitted) = emitted else { return };
    let mut lines = Vec::new();
    for ike in inside.ikes() {
        let facts = ike.facts();
        let initiator = facts.initiator.unwrap_or(Side::Low);
        let ends = [initiator, initiator.other()].map(|s| endpoint(key, s));
        let [initiator, responder] = ends;
        let (first, last) = (connection.first_ts, connection.last_ts);
        let mut line = jsonl::Ike::new(facts, initiator, responder, first, last);
        line.tcp_encapsulated = true;
        line.network = network_tags(networks, key.network());
        lines.push(serde_json::to_vec(&line));
    }
    if sent != [0; 2] {
        let mut line = tunnel(key, connection, inside);
        line.network = network_tags(networks, key.network());
        lines.push(serde_json::to_vec(&line));
    }
    let ordinal = connection.ordinal;
    for (number, line) in (connection.emitted.saturating_add(1)..).zip(lines) {
        let payload = Payload::Line(line.unwrap_or_default());
        emitted.push(Emission { clock, ordinal, number, payload });
    }
}

fn endpoint(key: &Key, of: Side) -> jsonl::Endpoint {
    let ends = [key.low(), key.high()];
    let end = of.of(&ends);
    jsonl::Endpoint { ip: end.ip, port: end.port }
}

fn tunnel(key: &Key, c: &Connection, inside: &TcpEncapsulation) -> jsonl::Tunnel {
    let end = |dir: Dir| {
        let (end, esp) = (key.sender(dir), inside.esp(side(dir)));
        jsonl::TunnelEnd {
            ip: end.ip,
            port: Some(end.port),
            spis: esp.spis.iter().map(|spi| format!("{spi:08x}")).collect(),
            packets: esp.packets,
            bytes: esp.bytes,
        }
    };
    let mut choices = inside.ikes().iter().map(|i| i.facts()).filter(|f| f.choice.is_some());
    let only = choices.next().filter(|_| choices.next().is_none());
    jsonl::Tunnel {
        network: NetworkTags::default(),
        schema: jsonl::SCHEMA,
        r#type: "tunnel",
        protocol: "esp",
        a: end(Dir::FromLow),
        b: end(Dir::FromHigh),
        mode: None,
        udp_encapsulated: false,
        tcp_encapsulated: true,
        null_encryption: false,
        opaque: true,
        start: c.time(c.first_ts),
        end: c.time(c.last_ts),
        initiator_spi: only.map(|f| jsonl::hex(&f.initiator_spi)),
    }
}
