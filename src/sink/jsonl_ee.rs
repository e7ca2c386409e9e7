//! The JSON object of an Enterprise Extender connection.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::Serialize;

use super::jsonl::{Both, Endpoint, Ipsec, SCHEMA};
use super::packet_location::{NetworkTags, PacketLocation};
use crate::observe::Side;
use crate::observe::ee::Facts;

/// An Enterprise Extender connection: what two addresses send to one of the five UDP
/// ports. Without its `connection_id`, which is added when the line is written.
#[derive(Debug, JsonSchema, Serialize)]
pub struct EeConnection {
    schema: u32,
    r#type: &'static str,
    proto: &'static str,
    client: Endpoint,
    server: Endpoint,
    /// The network of its packets.
    #[serde(flatten)]
    pub network: NetworkTags,
    /// Which of them is the stack's: `client` or `server`.
    pub local: &'static str,
    /// Time of the first datagram.
    pub start: String,
    /// Time of the link's last datagram, if it has ended.
    pub end: Option<String>,
    /// How it ended.
    pub close: Option<&'static str>,
    /// Whether its end was not seen.
    pub open: bool,
    midstream: bool,
    bytes: Both,
    datagrams: Both,
    /// Whether the capture lacks something of its link, or may.
    pub incomplete: bool,
    /// Recognised protection.
    pub protection: Vec<&'static str>,
    /// The link.
    pub ee: Ee,
    /// AH, or ESP without encryption, under which its datagrams come.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ipsec: Option<Ipsec>,
    /// How its packets are found.
    #[serde(flatten)]
    pub packets: PacketLocation,
}

/// What was seen of the link between two addresses as a whole: the same in each of its
/// connections.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Ee {
    /// What the connection's own port carries: `signal`, `network`, `high`, `medium`, `low`.
    priority: &'static str,
    /// Time of the link's first datagram.
    pub start: String,
    /// All ports to which something was sent.
    ports: Vec<Port>,
    ldlc: Both,
    nlp: Both,
    slowdowns: Both,
    anomalies: Both,
    client_cp_name: Option<String>,
    server_cp_name: Option<String>,
    client_sap: Option<String>,
    server_sap: Option<String>,
    refused: bool,
    disconnected_by: Option<&'static str>,
    source_port_not_ee: bool,
}

#[derive(Debug, JsonSchema, Serialize)]
struct Port {
    port: u16,
    priority: &'static str,
    datagrams: Both,
    bytes: Both,
}

/// What the ports are for, in their order.
const PRIORITIES: [&str; 5] = ["signal", "network", "high", "medium", "low"];

impl EeConnection {
    /// What facts say of the connection of one port, given as the first of the five and
    /// its index. `ends` are the client's and the server's address.
    pub fn new(
        facts: &Facts,
        client: Side,
        ends: [IpAddr; 2],
        (base_port, index): (u16, u8),
    ) -> Self {
        let port = base_port.wrapping_add(index.into());
        let index = usize::from(index);
        let own = facts.ports.get(index).copied().unwrap_or_default();
        let server = client.other();
        let both = |pair: [u64; 2]| Both {
            from_client: *client.of(&pair),
            from_server: *server.of(&pair),
        };
        let sent = [Side::Low, Side::High].map(|side| facts.sent(side));
        let ports = (base_port..)
            .zip(PRIORITIES)
            .zip(&facts.ports)
            .filter(|(_, counts)| counts.iter().any(|c| c.datagrams > 0))
            .map(|((port, priority), counts)| Port {
                port,
                priority,
                datagrams: both(counts.map(|c| c.datagrams)),
                bytes: both(counts.map(|c| c.bytes)),
            })
            .collect();
        let name = |side: Side| side.of(&facts.cp_names).clone();
        let sap = |side: Side| side.of(&facts.saps).map(|sap| format!("{sap:02X}"));
        Self {
            schema: SCHEMA,
            r#type: "connection",
            proto: "udp",
            client: Endpoint { ip: ends[0], port },
            server: Endpoint { ip: ends[1], port },
            network: NetworkTags::default(),
            local: "server",
            start: String::new(),
            end: None,
            close: None,
            open: true,
            midstream: !facts.activation,
            bytes: both(own.map(|s| s.bytes)),
            datagrams: both(own.map(|s| s.datagrams)),
            incomplete: sent.iter().any(|s| s.datagrams == 0),
            protection: Vec::new(),
            ee: Ee {
                priority: PRIORITIES.get(index).copied().unwrap_or_default(),
                start: String::new(),
                ports,
                ldlc: both(facts.ldlc),
                nlp: both(facts.nlp),
                slowdowns: both(facts.slowdowns),
                anomalies: both(facts.anomalies),
                client_cp_name: name(client),
                server_cp_name: name(server),
                client_sap: sap(client),
                server_sap: sap(server),
                refused: facts.refused,
                disconnected_by: facts
                    .disc
                    .map(|side| if side == client { "client" } else { "server" }),
                source_port_not_ee: facts.other_source_port,
            },
            ipsec: None,
            packets: PacketLocation::default(),
        }
    }
}
