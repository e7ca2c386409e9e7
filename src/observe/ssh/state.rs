//! The state of one SSH key exchange.

use super::facts::{Facts, HostKey};
use super::negotiate;
use super::wire::{self, KexInit, Message, V1Message};
use crate::observe::certificate::Certificates;
use crate::observe::{Progress, Side};

/// The longest identification line. RFC 4253 section 4.2 allows 255 bytes;
/// some servers say more.
const MAX_LINE: usize = 1024;

/// How a direction is read.
#[derive(Debug, PartialEq, Eq)]
enum Phase {
    /// The identification line.
    Line,
    /// Clear packets; the version is known or their form tells it.
    Packets,
    /// Ciphertext.
    Sealed,
    /// Bytes are missing or make no sense.
    Lost,
}

#[derive(Debug)]
struct Half {
    phase: Phase,
    buffer: Vec<u8>,
    /// The version that this side speaks alone; `None` while it speaks both.
    version: Option<u8>,
    kex_init: Option<Box<KexInit>>,
    new_keys: bool,
    /// Bytes came after the last clear packet.
    went_on: bool,
}

impl Default for Half {
    fn default() -> Self {
        Self {
            phase: Phase::Line,
            buffer: Vec::new(),
            version: None,
            kex_init: None,
            new_keys: false,
            went_on: false,
        }
    }
}

/// The observer of one SSH connection.
#[derive(Debug)]
pub struct Ssh {
    halves: [Half; 2],
    facts: Facts,
    /// Version 1: the client has sent the session key.
    session_key: bool,
}

impl Ssh {
    /// An observer; `opener` opened the connection and is the client until the
    /// key exchange says otherwise.
    pub fn new(opener: Side) -> Self {
        Self {
            halves: Default::default(),
            facts: Facts { client: Some(opener), ..Facts::default() },
            session_key: false,
        }
    }

    /// What was learned so far.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Hands over what was learned.
    pub fn into_facts(self) -> Facts {
        self.facts
    }

    /// Takes the next bytes of a side, from its identification line on.
    pub fn data(&mut self, side: Side, bytes: &[u8], certificates: &mut Certificates) -> Progress {
        let half = side.of_mut(&mut self.halves);
        match half.phase {
            Phase::Lost => {}
            Phase::Sealed => half.went_on |= !bytes.is_empty(),
            Phase::Line | Phase::Packets => {
                half.buffer.extend_from_slice(bytes);
                self.read(side, certificates);
            }
        }
        self.progress()
    }

    /// Bytes of a side are missing. Packets cannot be found again.
    pub fn hole(&mut self, side: Side, _length: u64) {
        let half = side.of_mut(&mut self.halves);
        if half.phase != Phase::Sealed {
            half.phase = Phase::Lost;
            half.buffer = Vec::new();
            self.facts.incomplete = true;
        }
    }

    /// Bytes of unfinished packets that are held.
    pub fn held(&self) -> usize {
        self.halves.iter().map(|half| half.buffer.len()).sum()
    }

    fn progress(&mut self) -> Progress {
        let complete = match self.facts.version {
            Some(1) => {
                let server = self.facts.client.map(Side::other);
                self.session_key && server.is_some_and(|s| s.of(&self.halves).went_on)
            }
            _ => self.halves.iter().all(|h| h.new_keys),
        };
        self.facts.completed |= complete;
        if self.facts.completed { Progress::Protected } else { Progress::Open }
    }

    fn read(&mut self, side: Side, certificates: &mut Certificates) {
        let buffer = std::mem::take(&mut side.of_mut(&mut self.halves).buffer);
        let mut at = 0;
        loop {
            let rest = buffer.get(at..).unwrap_or_default();
            let half = side.of(&self.halves);
            let used = match half.phase {
                Phase::Line => self.line(side, rest),
                Phase::Packets => self.packet(side, rest, certificates),
                Phase::Sealed => {
                    side.of_mut(&mut self.halves).went_on |= !rest.is_empty();
                    return;
                }
                Phase::Lost => return,
            };
            match used {
                Ok(Some(used)) => at += used,
                Ok(None) => break,
                Err(wire::NoPacket) => {
                    side.of_mut(&mut self.halves).phase = Phase::Lost;
                    self.facts.incomplete = true;
                    return;
                }
            }
        }
        let mut buffer = buffer;
        buffer.drain(..at);
        side.of_mut(&mut self.halves).buffer = buffer;
    }

    /// Reads the identification line; the bytes used, if it is whole.
    fn line(&mut self, side: Side, bytes: &[u8]) -> Result<Option<usize>, wire::NoPacket> {
        let Some(end) = bytes.iter().take(MAX_LINE + 1).position(|&b| b == b'\n') else {
            return if bytes.len() > MAX_LINE { Err(wire::NoPacket) } else { Ok(None) };
        };
        let identification =
            bytes.get(..end).and_then(wire::identification).ok_or(wire::NoPacket)?;
        let half = side.of_mut(&mut self.halves);
        half.version = match identification.protocol.as_str() {
            "1.99" => None,
            p if p.starts_with("1.") => Some(1),
            _ => Some(2),
        };
        half.phase = Phase::Packets;
        *side.of_mut(&mut self.facts.software) = Some(identification.software);
        // Who speaks one version decides for both.
        if let Some(version) = self.halves.iter().find_map(|h| h.version) {
            self.facts.version = Some(version);
        } else if self.halves.iter().all(|h| h.phase == Phase::Packets) {
            self.facts.version = Some(2);
        }
        Ok(Some(end + 1))
    }

    /// Reads a clear packet; the bytes used, if it is whole.
    fn packet(
        &mut self,
        side: Side,
        bytes: &[u8],
        certificates: &mut Certificates,
    ) -> Result<Option<usize>, wire::NoPacket> {
        let version = match self.facts.version {
            Some(version) => version,
            // One direction is captured and speaks both: the form tells.
            None => match wire::is_version_2(bytes) {
                Some(second) => {
                    let version = if second { 2 } else { 1 };
                    self.facts.version = Some(version);
                    version
                }
                None => return Ok(None),
            },
        };
        let length =
            if version == 1 { wire::v1_packet_length(bytes)? } else { wire::packet_length(bytes)? };
        let Some(packet) = length.and_then(|n| bytes.get(..n)) else { return Ok(None) };
        if version == 1 {
            self.v1(side, wire::v1_message(packet));
        } else {
            self.v2(side, wire::message(packet), certificates);
        }
        Ok(Some(packet.len()))
    }

    fn v2(&mut self, side: Side, message: Message, certificates: &mut Certificates) {
        match message {
            Message::KexInit(init) => {
                side.of_mut(&mut self.halves).kex_init.get_or_insert(init);
                self.agree();
            }
            Message::NewKeys => {
                let half = side.of_mut(&mut self.halves);
                half.new_keys = true;
                half.phase = Phase::Sealed;
            }
            Message::FromClient => self.set_client(side),
            Message::HostKey(blob) => {
                self.set_client(side.other());
                if self.facts.host_key.is_none() {
                    self.facts.host_key = negotiate::host_key(&blob, certificates);
                }
            }
            Message::Other => {}
        }
    }

    fn set_client(&mut self, client: Side) {
        self.facts.roles_shown = true;
        if self.facts.client != Some(client) {
            self.facts.client = Some(client);
            self.agree();
        }
    }

    /// Works out what is agreed, as far as it is known who is the client.
    fn agree(&mut self) {
        let Some(client) = self.facts.client else { return };
        let [c, s] = [client, client.other()].map(|side| side.of(&self.halves).kex_init.clone());
        self.facts.hassh = c.as_deref().map(negotiate::hassh);
        self.facts.hassh_server = s.as_deref().map(negotiate::hassh_server);
        if let (Some(c), Some(s)) = (&c, &s) {
            negotiate::agree(&mut self.facts, c, s);
        }
    }

    fn v1(&mut self, side: Side, message: V1Message) {
        match message {
            V1Message::PublicKey { host_key_bits } => {
                self.facts.client = Some(side.other());
                self.facts.roles_shown = true;
                self.facts.host_key = Some(HostKey {
                    kind: "rsa1".to_owned(),
                    bits: Some(host_key_bits),
                    fingerprint: None,
                    certificate: None,
                });
                side.of_mut(&mut self.halves).phase = Phase::Sealed;
            }
            V1Message::SessionKey { cipher } => {
                self.facts.client = Some(side);
                self.facts.roles_shown = true;
                let name = crate::names::ssh::v1_cipher(cipher)
                    .map_or_else(|| format!("cipher {cipher}"), str::to_owned);
                self.facts.cipher_c2s = Some(name.clone());
                self.facts.cipher_s2c = Some(name);
                self.session_key = true;
                side.of_mut(&mut self.halves).phase = Phase::Sealed;
            }
            V1Message::Other => {}
        }
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
