//! The JSON object of a tunnel of ESP or AH.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::Serialize;

use super::packet_location::NetworkTags;

/// An end point of a tunnel and what it sent.
#[derive(Debug, JsonSchema, Serialize)]
pub struct TunnelEnd {
    /// Address.
    pub ip: IpAddr,
    /// Port, where the tunnel is in UDP.
    pub port: Option<u16>,
    /// SPIs of what this end sent, in order of appearance.
    pub spis: Vec<String>,
    /// Packets sent.
    pub packets: u64,
    /// Bytes sent, from the ESP or AH header on.
    pub bytes: u64,
}

/// A tunnel: ESP or AH between two addresses.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Tunnel {
    /// [`super::jsonl::SCHEMA`].
    pub schema: u32,
    /// `tunnel`.
    pub r#type: &'static str,
    /// `esp` or `ah`.
    pub protocol: &'static str,
    /// The end with the lower address.
    pub a: TunnelEnd,
    /// The end with the higher address.
    pub b: TunnelEnd,
    /// The network of its packets.
    #[serde(flatten)]
    pub network: NetworkTags,
    /// `tunnel` or `transport`, where it is seen.
    pub mode: Option<&'static str>,
    /// Whether it is in UDP (RFC 3948).
    pub udp_encapsulated: bool,
    /// Whether it is in TCP (RFC 9329).
    pub tcp_encapsulated: bool,
    /// ESP that does not encrypt.
    pub null_encryption: bool,
    /// What is inside is hidden.
    pub opaque: bool,
    /// First packet.
    pub start: String,
    /// Last packet.
    pub end: String,
    /// The IKE SA that it belongs to, where only one is possible.
    pub initiator_spi: Option<String>,
}
