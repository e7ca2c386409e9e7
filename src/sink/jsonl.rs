//! JSON Lines: one object a line.
//!
//! Code points are upper-case hexadecimal text of their width on the wire;
//! byte strings (session identifiers, serial numbers) lower-case hexadecimal;
//! times RFC 3339 in UTC with nanoseconds.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::Serialize;

pub use super::jsonl_ee::EeConnection;
pub use super::jsonl_session::SessionCertificates;
pub use super::jsonl_tunnel::{Tunnel, TunnelEnd};
use super::packet_location::{NetworkTags, PacketLocation};
use crate::names::{ike as ike_names, tls as names, x509};
use crate::observe::certificate::Certificate;
use crate::observe::tls::{Facts, Failure, Suite};
use crate::observe::{Side, ike, ssh};

/// Version of the objects' form. A new key does not change it; a key that
/// goes or means something else does.
pub const SCHEMA: u32 = 2;

/// An end point.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Endpoint {
    /// Address.
    pub ip: IpAddr,
    /// Port.
    pub port: u16,
}

/// A stack that sees a connection, where there are several.
#[derive(Debug, JsonSchema, Serialize)]
pub struct SeenBy<'a> {
    /// The stack's name.
    pub stack: &'a str,
    /// Which end is the stack's: `server` or `client`.
    pub local: &'static str,
    /// The connection identifier in its records, if it has any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection_id: Option<u32>,
}

/// A count for each side.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Both {
    /// Sent by the client.
    pub from_client: u64,
    /// Sent by the server.
    pub from_server: u64,
}

/// A connection, without its `connection_id`, which is added when the line is
/// written.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Connection {
    /// [`SCHEMA`].
    pub schema: u32,
    /// `connection`.
    pub r#type: &'static str,
    /// `tcp`.
    pub proto: &'static str,
    /// Who opened it.
    pub client: Endpoint,
    /// Who was called.
    pub server: Endpoint,
    /// The network of its packets.
    #[serde(flatten)]
    pub network: NetworkTags,
    /// Which of them is the stack's: `client` or `server`.
    pub local: &'static str,
    /// Time of the first packet.
    pub start: String,
    /// When the three-way handshake was complete.
    pub established_at: Option<String>,
    /// When it ended; null if its end was not seen.
    pub end: Option<String>,
    /// How it ended.
    pub close: Option<&'static str>,
    /// Whether its end was not seen.
    pub open: bool,
    /// Whether the three-way handshake was completed.
    pub established: bool,
    /// Whether its start was not seen.
    pub midstream: bool,
    /// Payload bytes seen, each byte of the sequence space once.
    pub bytes: Both,
    /// Segments seen, every one.
    pub segments: Both,
    /// Segments that brought bytes again.
    pub retransmitted: u64,
    /// Segments by what they are for, of the client and the server; only `check` asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(skip)]
    pub segment_kinds: Option<[[u64; 8]; 2]>,
    /// Payload bytes that sequence and acknowledgment numbers show and the
    /// capture does not hold.
    pub missed_bytes: u64,
    /// Segments that contradicted bytes seen before.
    pub conflicting_segments: u64,
    /// Resets and SYNs that their receiver did not accept: outside of its window, or both
    /// sides went on. Absent if there were none.
    #[serde(skip_serializing_if = "is_zero")]
    pub unaccepted_segments: u64,
    /// Whether the capture lacks something of the connection.
    pub incomplete: bool,
    /// The clear protocol that its own words show.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application: Option<&'static str>,
    /// The protocol whose negotiation led to the handshake.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upgrade: Option<&'static str>,
    /// Clear bytes before the handshake.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clear_before: Option<Both>,
    /// When it went back to clear text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clear_again_at: Option<String>,
    /// Recognised protection.
    pub protection: Vec<&'static str>,
    /// Whether the capture proves that this is all; `null` if no data could flow.
    pub protection_known: Option<bool>,
    /// Why it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_known: Option<&'static str>,
    /// How its data go that do not go over TCP: `smc-r` or `smc-d`; absent where they do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smc: Option<&'static str>,
    /// The protocol whose encrypted data were recognised without a handshake: `tls` or `ssh`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encrypted_data: Option<&'static str>,
    /// What was seen of TLS or SSL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
    /// What was seen of SSH.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ssh: Option<Ssh>,
    /// AH under which its packets come.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ipsec: Option<Ipsec>,
    /// How its packets are found.
    #[serde(flatten)]
    pub packets: PacketLocation,
}

/// AH around a connection.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Ipsec {
    /// `ah` or `esp`.
    pub protocol: &'static str,
    /// ESP that does not encrypt.
    pub null_encryption: bool,
    /// `tunnel` or `transport`.
    pub mode: &'static str,
    /// Length of the check value, where it is certain.
    pub check_value_bits: Option<u16>,
    /// Address of the outer packets at the client's end.
    pub client_end: IpAddr,
    /// Address of the outer packets at the server's end.
    pub server_end: IpAddr,
}

/// An SSH session.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Ssh {
    /// `1` or `2`.
    version: Option<String>,
    /// Software version and comments of the client's identification line.
    client_software: Option<String>,
    /// Those of the server's.
    server_software: Option<String>,
    /// Negotiated key exchange method (RFC 4253 section 7.1).
    kex: Option<String>,
    /// The server's host key.
    host_key: Option<HostKeyLine>,
    /// Cipher, client to server.
    cipher_c2s: Option<String>,
    /// Cipher, server to client.
    cipher_s2c: Option<String>,
    /// Message authentication code, client to server; null with an AEAD cipher.
    mac_c2s: Option<String>,
    /// Message authentication code, server to client.
    mac_s2c: Option<String>,
    /// Compression, client to server.
    compression_c2s: Option<String>,
    /// Compression, server to client.
    compression_s2c: Option<String>,
    /// HASSH of the client's offer.
    hassh: Option<String>,
    /// HASSH of the server's offer.
    hassh_server: Option<String>,
    /// Whether both sides sent NEWKEYS; in version 1, whether the server went on
    /// after the session key.
    completed: bool,
    /// Whether the capture lacks a part of it.
    incomplete: bool,
}

#[derive(Debug, JsonSchema, Serialize)]
struct HostKeyLine {
    /// Name of the algorithm.
    r#type: String,
    /// Length of the key.
    bits: Option<u32>,
    /// SHA-256 of the key in base64, as OpenSSH prints it.
    fingerprint: Option<String>,
    /// The certificate, where it is an X.509 key.
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate: Option<CertificateLine>,
}

impl Ssh {
    /// What facts say. `client` is the SSH client's side, where it is known.
    pub fn new(facts: &ssh::Facts, client: Option<Side>) -> Self {
        let sides_agree = client.is_some() && facts.client == client;
        let hassh = |hash: &Option<String>| hash.clone().filter(|_| sides_agree);
        let software =
            |side: Option<Side>| side.and_then(|s| facts.software_of(s)).map(str::to_owned);
        Self {
            version: facts.version.map(|v| v.to_string()),
            client_software: software(client),
            server_software: software(client.map(Side::other)),
            kex: facts.kex.clone(),
            host_key: facts.host_key.as_ref().map(|key| HostKeyLine {
                r#type: key.kind.clone(),
                bits: key.bits,
                fingerprint: key.fingerprint.clone(),
                certificate: key.certificate.as_deref().map(certificate),
            }),
            cipher_c2s: facts.cipher_c2s.clone(),
            cipher_s2c: facts.cipher_s2c.clone(),
            mac_c2s: facts.mac_c2s.clone(),
            mac_s2c: facts.mac_s2c.clone(),
            compression_c2s: facts.compression_c2s.clone(),
            compression_s2c: facts.compression_s2c.clone(),
            hassh: hassh(&facts.hassh),
            hassh_server: hassh(&facts.hassh_server),
            completed: facts.completed,
            incomplete: facts.incomplete,
        }
    }
}

/// A TLS or SSL session.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Tls {
    /// Negotiated version: `0303` is TLS 1.2.
    version: Option<String>,
    /// Its name.
    version_name: Option<&'static str>,
    /// Negotiated cipher suite; six digits in SSL 2.0.
    cipher_suite: Option<String>,
    /// Its name.
    cipher_suite_name: Option<&'static str>,
    /// The local end's role in TLS: `client` or `server`.
    role: Option<&'static str>,
    /// Whether the client sent a certificate; unknown in TLS 1.3, which hides it, and where what
    /// would show it is missing.
    client_authentication: Option<bool>,
    /// `full` or `abbreviated`.
    handshake: Option<&'static str>,
    /// Session identifier of the ServerHello.
    session_id: Option<String>,
    /// Whether encrypt-then-MAC was negotiated (RFC 7366); unknown without the ServerHello.
    encrypt_then_mac: Option<bool>,
    /// Group of the key exchange.
    group: Option<String>,
    /// Its name.
    group_name: Option<&'static str>,
    /// Length of the Diffie-Hellman prime.
    dh_bits: Option<u32>,
    /// Server name (RFC 6066).
    sni: Option<String>,
    /// Negotiated application protocol (RFC 7301), where it is in the clear.
    alpn: Option<String>,
    /// Application protocols that the client offered; unknown without the ClientHello.
    alpn_offered: Option<Vec<String>>,
    /// Whether the server asked for another ClientHello; unknown where what would show it is
    /// missing.
    hello_retry_request: Option<bool>,
    /// The server's certificate, where it is in the clear.
    server_certificate: Option<CertificateLine>,
    /// The client's certificate, where it is in the clear.
    client_certificate: Option<CertificateLine>,
    /// Whether the handshake completed.
    completed: bool,
    /// Why it did not.
    failure: Option<String>,
    /// Whether the capture lacks a part of it.
    incomplete: bool,
}

#[derive(Debug, JsonSchema, Serialize)]
pub(super) struct CertificateLine {
    /// Distinguished name (RFC 4514).
    subject: String,
    /// Distinguished name of the issuer.
    issuer: String,
    /// Content of the DER INTEGER.
    serial: String,
    /// Begin of validity.
    not_before: String,
    /// End of validity.
    not_after: String,
    /// Object identifier.
    signature_algorithm: String,
    /// Its name.
    signature_algorithm_name: Option<&'static str>,
    /// Object identifier.
    public_key_algorithm: String,
    /// Its name.
    public_key_algorithm_name: Option<&'static str>,
    /// Length of the key.
    key_bits: Option<u32>,
    /// Elliptic curve.
    curve: Option<&'static str>,
}

impl Tls {
    /// What facts say, seen from the local side. `client` is the TCP client's
    /// side, `over` whether nothing more can come, `whole` whether nothing of the connection
    /// is missing.
    pub fn new(facts: &Facts, local: Side, client: Side, over: bool, whole: bool) -> Self {
        Self {
            version: facts.version.map(|v| format!("{v:04X}")),
            version_name: facts.version.and_then(names::version_name),
            cipher_suite: facts.suite.map(Suite::hex),
            cipher_suite_name: facts.suite.and_then(Suite::name),
            role: facts.client.map(|tls| if tls == local { "client" } else { "server" }),
            client_authentication: facts.client_authentication(),
            handshake: facts.abbreviated.map(|a| if a { "abbreviated" } else { "full" }),
            session_id: facts.session_id.as_deref().map(hex),
            encrypt_then_mac: facts.server_hello.then_some(facts.encrypt_then_mac),
            group: facts.group.map(|g| format!("{g:04X}")),
            group_name: facts.group.and_then(names::group_name),
            dh_bits: facts.dh_bits,
            sni: facts.sni.clone(),
            alpn: facts.alpn.clone(),
            alpn_offered: facts.client_hello.then(|| facts.alpn_offered.clone()),
            hello_retry_request: facts.asked_again(whole),
            server_certificate: facts.server_certificate.as_deref().map(certificate),
            client_certificate: facts.client_certificate.as_deref().map(certificate),
            completed: facts.completed,
            failure: failure(facts, client, over && whole),
            incomplete: facts.incomplete,
        }
    }
}

/// An IKE security association.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Ike {
    /// [`SCHEMA`].
    schema: u32,
    /// `ike`.
    r#type: &'static str,
    /// `1.0` or `2.0`.
    version: String,
    /// Who began.
    initiator: Endpoint,
    /// Who answered.
    responder: Endpoint,
    /// The network of its packets.
    #[serde(flatten)]
    pub network: NetworkTags,
    /// The initiator's SPI, or cookie.
    initiator_spi: String,
    /// The responder's; null until it has answered.
    responder_spi: Option<String>,
    /// The exchange that set it up.
    exchange: Option<&'static str>,
    /// First message.
    start: String,
    /// Last message.
    end: String,
    /// Whether it was used afterwards.
    completed: bool,
    /// The error that the responder reported instead of a choice.
    failure: Option<String>,
    /// Encryption algorithm of the choice.
    encryption: Option<String>,
    /// Its name.
    encryption_name: Option<&'static str>,
    /// Length of its key.
    encryption_key_bits: Option<u16>,
    /// Integrity algorithm; in version 1 the hash.
    integrity: Option<String>,
    /// Its name.
    integrity_name: Option<&'static str>,
    /// Pseudorandom function.
    prf: Option<String>,
    /// Its name.
    prf_name: Option<&'static str>,
    /// Diffie-Hellman group.
    dh_group: Option<String>,
    /// Its name.
    dh_group_name: Option<&'static str>,
    /// Additional key exchanges (RFC 9370).
    additional_key_exchanges: Vec<KeyExchange>,
    /// Authentication method, version 1.
    auth_method: Option<String>,
    /// Its name.
    auth_method_name: Option<&'static str>,
    /// Lifetime in seconds, version 1.
    lifetime: Option<u32>,
    /// Lifetime in kilobytes, version 1.
    lifetime_kilobytes: Option<u32>,
    /// Whether messages went over UDP port 4500.
    nat_traversal: bool,
    /// Whether it went over TCP (RFC 9329).
    pub tcp_encapsulated: bool,
    /// Messages seen.
    messages: u64,
    /// Of those, encrypted ones.
    encrypted_messages: u64,
}

#[derive(Debug, JsonSchema, Serialize)]
struct KeyExchange {
    code: String,
    name: Option<&'static str>,
}

impl Ike {
    /// What facts say.
    pub fn new(
        facts: &ike::Facts,
        initiator: Endpoint,
        responder: Endpoint,
        first: i64,
        last: i64,
    ) -> Self {
        let choice = facts.choice.clone().unwrap_or_default();
        let first_version = facts.version >> 4 == 1;
        let code = |id: Option<u16>| id.map(|id| format!("{id:04X}"));
        let by_version = |id: Option<u16>, one: Names, two: Names| {
            id.and_then(if first_version { one } else { two })
        };
        Self {
            schema: SCHEMA,
            r#type: "ike",
            version: format!("{}.{}", facts.version >> 4, facts.version & 0x0F),
            initiator,
            responder,
            network: NetworkTags::default(),
            initiator_spi: hex(&facts.initiator_spi),
            responder_spi: facts.responder_spi.map(|spi| hex(&spi)),
            exchange: ike_names::exchange(facts.exchange),
            start: time(first),
            end: time(last),
            completed: facts.completed,
            failure: facts.failure.map(|error| {
                ike_names::notify_error(error)
                    .map_or_else(|| format!("notification {error}"), str::to_owned)
            }),
            encryption: code(choice.encryption),
            encryption_name: by_version(
                choice.encryption,
                ike_names::v1_encryption,
                ike_names::v2_encryption,
            ),
            encryption_key_bits: choice.key_bits,
            integrity: code(choice.integrity),
            integrity_name: by_version(
                choice.integrity,
                ike_names::v1_hash,
                ike_names::v2_integrity,
            ),
            prf: code(choice.prf),
            prf_name: choice.prf.and_then(ike_names::v2_prf),
            dh_group: code(choice.group),
            dh_group_name: choice.group.and_then(ike_names::group),
            additional_key_exchanges: choice
                .additional
                .iter()
                .map(|&id| KeyExchange { code: format!("{id:04X}"), name: ike_names::group(id) })
                .collect(),
            auth_method: code(choice.authentication),
            auth_method_name: choice.authentication.and_then(ike_names::v1_authentication),
            lifetime: choice.lifetime_seconds,
            lifetime_kilobytes: choice.lifetime_kilobytes,
            nat_traversal: facts.nat_traversal,
            tcp_encapsulated: false,
            messages: facts.messages,
            encrypted_messages: facts.encrypted,
        }
    }
}

/// A table from numbers to names.
type Names = fn(u16) -> Option<&'static str>;

/// Why the handshake is not complete, in words.
pub fn failure(facts: &Facts, client: Side, over: bool) -> Option<String> {
    match facts.failure {
        Some(Failure::Alert { description, from }) => {
            let name = names::alert_name(description).unwrap_or("unknown");
            let from = if from == client { "client" } else { "server" };
            Some(format!("alert {name} ({description}) from the {from}"))
        }
        Some(Failure::Sslv2Error(code)) => Some(format!("SSL 2.0 error {code}")),
        None if facts.has_failed() => Some("encrypted alert from the client".to_owned()),
        None if facts.completed || !over => None,
        None if !facts.server_hello => Some("no ServerHello".to_owned()),
        None => Some("the handshake did not complete".to_owned()),
    }
}

pub(super) fn certificate(c: &Certificate) -> CertificateLine {
    CertificateLine {
        subject: c.subject.to_string(),
        issuer: c.issuer.to_string(),
        serial: hex(&c.serial),
        not_before: c.not_before.to_string(),
        not_after: c.not_after.to_string(),
        signature_algorithm: c.signature_algorithm.clone(),
        signature_algorithm_name: x509::algorithm_name(&c.signature_algorithm),
        public_key_algorithm: c.public_key_algorithm.clone(),
        public_key_algorithm_name: x509::algorithm_name(&c.public_key_algorithm),
        key_bits: c.key_bits,
        curve: c.curve,
    }
}

/// Whether a counter is left out.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// A time, in nanoseconds since 1970, as RFC 3339.
pub fn time(nanos: i64) -> String {
    let t = jiff::Timestamp::from_nanosecond(i128::from(nanos)).unwrap_or(jiff::Timestamp::MAX);
    format!("{t:.9}")
}

/// Bytes as lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(2 * bytes.len());
    for b in bytes {
        for digit in [b >> 4, b & 0xF] {
            out.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_nanoseconds() {
        assert_eq!(time(1_763_821_815_250_000_001), "2025-11-22T14:30:15.250000001Z");
        assert_eq!(time(0), "1970-01-01T00:00:00.000000000Z");
    }

    #[test]
    fn byte_strings_are_lower_case() {
        assert_eq!(hex(&[0, 0xAB]), "00ab");
    }
}
