//! The state of one handshake.

use super::closing::{CloseWatch, RecordPosition};
use super::completion::{Flight, Lengths};
use super::facts::{Facts, Failure, Suite};
use super::record::{self, Deframer, Event, Messages};
use super::resumption::SessionHandle;
use super::sslv2;
use super::wire::{self, Message};
use crate::names::tls as names;
use crate::observe::certificate::{Certificates, significant_bits};
use crate::observe::{Progress, Side};

/// Bytes of the shortest record of an alert that is encrypted: the alert, and a MAC that is
/// truncated to 80 bits (RFC 6066 section 7).
const SEALED_ALERT: usize = 12;
/// Alert level fatal.
const FATAL: u8 = 2;
const CLOSE_NOTIFY: u8 = 0;
const USER_CANCELED: u8 = 90;
/// Version of SSL 2.0 on the wire.
const SSLV2: u16 = 0x0002;

/// How a direction's bytes are cut into records.
#[derive(Debug)]
enum Framing {
    Tls(Deframer),
    Sslv2(sslv2::Deframer),
    /// Nothing was read yet.
    Unknown,
    /// Bytes are missing; a record may begin with the next segment.
    Lost,
    /// The bytes are no records any more.
    Broken,
}

/// One direction.
#[derive(Debug)]
struct Half {
    framing: Framing,
    content: u8,
    /// Bytes of a clear alert.
    alert: Vec<u8>,
    messages: Messages,
    /// Bytes were missing, so that a handshake record may begin in the middle
    /// of a message.
    adrift: bool,
    /// The handshake record under way holds the middle of a message.
    skip_record: bool,
    /// Length of the record under way.
    record_length: usize,
    /// ChangeCipherSpec was seen: what follows is ciphertext.
    sealed: bool,
    /// A protected record followed the ChangeCipherSpec.
    protected: bool,
    /// Records of application data; of a client that may send early data those after
    /// the ServerHello.
    flight: Flight,
    /// Clear SSL 2.0 messages are behind, and a record came after them.
    sealed_records: u32,
}

impl Default for Half {
    fn default() -> Self {
        Self {
            framing: Framing::Unknown,
            content: 0,
            alert: Vec::new(),
            messages: Messages::default(),
            adrift: false,
            skip_record: false,
            record_length: 0,
            sealed: false,
            protected: false,
            flight: Flight::default(),
            sealed_records: 0,
        }
    }
}

/// The observer of one TLS or SSL handshake.
#[derive(Debug, Default)]
pub struct Tls {
    halves: [Half; 2],
    facts: Facts,
    /// The client announced early data.
    early_data: bool,
    /// The client has acknowledged the bytes of the ServerHello.
    acknowledged: bool,
    /// Messages that only a full handshake has were seen after the ServerHello.
    full: bool,
    /// SSL 2.0: the server resumed a session, or the client sent its key.
    sslv2_keyed: bool,
}

impl Tls {
    /// What was learned so far.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Hands over what was learned.
    pub fn into_facts(self) -> Facts {
        self.facts
    }

    /// The watches over the sides for a return to clear text from here on, where the
    /// place of the next record is known. `ends` are the positions up to which the sides
    /// were read.
    pub fn watches(&self, ends: [Option<i64>; 2]) -> [Option<CloseWatch>; 2] {
        let watch = |side: Side| {
            let half = side.of(&self.halves);
            let Framing::Tls(deframer) = &half.framing else { return None };
            let read_to = (*side.of(&ends))?;
            let place = RecordPosition { read_to, rest: deframer.place(), last: half.content };
            Some(CloseWatch::new(place, self.facts.is_tls13()))
        };
        [watch(Side::Low), watch(Side::High)]
    }

    /// Takes the next bytes of a side.
    pub fn data(&mut self, side: Side, bytes: &[u8], certificates: &mut Certificates) -> Progress {
        let mut rest = bytes;
        while !rest.is_empty() && self.facts.failure.is_none() {
            match &mut side.of_mut(&mut self.halves).framing {
                Framing::Unknown => {
                    let sslv2 = rest.first().is_some_and(|b| b & 0x80 != 0);
                    side.of_mut(&mut self.halves).framing = if sslv2 {
                        Framing::Sslv2(sslv2::Deframer::default())
                    } else {
                        Framing::Tls(Deframer::default())
                    };
                }
                Framing::Tls(deframer) => {
                    let Some(event) = deframer.next(&mut rest) else {
                        break;
                    };
                    if self.facts.completed {
                        self.goes_on(side, event);
                    } else {
                        self.event(side, event, certificates);
                        // At once, and not when the chunk ends: what is learned
                        // must not depend on where chunks end.
                        self.progress();
                    }
                }
                Framing::Sslv2(deframer) => {
                    let Some(record) = deframer.next(&mut rest) else {
                        break;
                    };
                    if !self.facts.completed {
                        self.sslv2(side, record, certificates);
                        self.progress();
                    }
                }
                Framing::Lost => {
                    if !record::resumes(rest) {
                        break;
                    }
                    let half = side.of_mut(&mut self.halves);
                    half.framing = Framing::Tls(Deframer::default());
                    half.messages.clear();
                    half.adrift = true;
                }
                Framing::Broken => break,
            }
        }
        self.progress()
    }

    /// Bytes of a side are missing.
    pub fn hole(&mut self, side: Side, _length: u64) {
        self.facts.incomplete = true;
        let half = side.of_mut(&mut self.halves);
        if !matches!(half.framing, Framing::Broken) {
            half.framing = Framing::Lost;
        }
        half.messages.clear();
        half.alert.clear();
    }

    /// Bytes of unfinished messages that are held.
    pub fn held(&self) -> usize {
        let of = |half: &Half| {
            half.messages.held()
                + match &half.framing {
                    Framing::Sslv2(deframer) => deframer.held(),
                    _ => 0,
                }
        };
        self.halves.iter().map(of).sum()
    }

    /// Only one side was captured. The client's bytes prove nothing, nor do any in TLS
    /// 1.3. Up to TLS 1.2 the server's show its choice, and that it went on: in a full
    /// handshake its ChangeCipherSpec answers the client's Finished, otherwise
    /// application data does.
    pub fn conclude_one_sided(&mut self, seen: Side) -> Progress {
        let half = seen.of(&self.halves);
        if self.facts.server_hello
            && !self.facts.is_tls13()
            && self.facts.client == Some(seen.other())
            && half.protected
            && (self.full || half.flight.has_records())
            && self.facts.failure.is_none()
        {
            self.facts.completed = true;
            self.facts.incomplete = true;
        }
        self.progress()
    }

    /// Whether it wants to know that the client has [acknowledged](Self::acknowledged)
    /// the ServerHello.
    pub fn awaits_acknowledgment(&self) -> bool {
        !self.acknowledged && self.may_be_early()
    }

    /// The client has acknowledged the bytes of the ServerHello: what it says from now
    /// on is more than early data.
    pub fn acknowledged(&mut self) {
        self.acknowledged = true;
    }

    /// Whether application data of the client may be early data (RFC 8446 section 4.2.10):
    /// it has announced some, or its ClientHello was not seen.
    fn may_be_early(&self) -> bool {
        (self.early_data || !self.facts.client_hello) && !self.facts.hello_retry_request
    }

    fn progress(&mut self) -> Progress {
        if !self.facts.completed && self.facts.failure.is_none() {
            self.facts.completed = self.is_complete();
        }
        if self.facts.completed {
            Progress::Protected
        } else if self.facts.failure.is_some() {
            Progress::Failed
        } else {
            Progress::Open
        }
    }

    fn is_complete(&self) -> bool {
        if !self.facts.server_hello {
            return false;
        }
        if self.facts.version == Some(SSLV2) {
            return self.sslv2_keyed && self.halves.iter().all(|h| h.sealed_records > 0);
        }
        if self.facts.is_tls13() {
            let Some(client) = self.facts.client else { return false };
            let lengths = Lengths::of(self.facts.suite);
            let server = client.other().of(&self.halves).flight.may_be_of_server(lengths);
            return client.of(&self.halves).flight.may_be_of_client(lengths)
                && (server || self.facts.incomplete);
        }
        self.halves.iter().all(|h| h.protected)
    }

    /// Whether the client has answered a ServerHello of TLS 1.3 with an alert.
    fn is_encrypted_alert(&self) -> bool {
        let client = self.facts.client.filter(|_| self.facts.is_tls13());
        client.is_some_and(|client| {
            client.of(&self.halves).flight.is_alert(Lengths::of(self.facts.suite))
        })
    }

    fn is_client(&self, side: Side) -> bool {
        self.facts.client == Some(side)
    }

    fn is_server(&self, side: Side) -> bool {
        self.facts.client == Some(side.other())
    }

    /// Whether ChangeCipherSpec means nothing: TLS 1.3 sends it only for the
    /// sake of middleboxes.
    fn seals(&self) -> bool {
        !self.facts.hello_retry_request && !self.facts.is_tls13()
    }

    /// The handshake is complete: only where records begin still matters.
    fn goes_on(&mut self, side: Side, event: Event<'_>) {
        let half = side.of_mut(&mut self.halves);
        match event {
            Event::Broken => half.framing = Framing::Broken,
            Event::Record { content, .. } => half.content = content,
            Event::Fragment(_) => {}
        }
    }

    fn event(&mut self, side: Side, event: Event<'_>, certificates: &mut Certificates) {
        let half = side.of_mut(&mut self.halves);
        match event {
            Event::Broken => {
                half.framing = Framing::Broken;
                half.messages.clear();
                self.facts.incomplete |= !self.facts.completed;
            }
            Event::Record { content, length } => {
                half.content = content;
                half.record_length = length;
                half.skip_record = false;
                half.alert.clear();
                match content {
                    record::HANDSHAKE if half.sealed && length > 0 => half.protected = true,
                    record::APPLICATION_DATA => {
                        half.protected |= half.sealed;
                        let early =
                            self.is_client(side) && self.may_be_early() && !self.acknowledged;
                        if !early {
                            side.of_mut(&mut self.halves).flight.add(length);
                        }
                        self.facts.encrypted_alert = self.is_encrypted_alert();
                    }
                    record::CHANGE_CIPHER_SPEC => self.change_cipher_spec(side),
                    _ => {}
                }
            }
            Event::Fragment(bytes) => match half.content {
                record::HANDSHAKE if !half.sealed => {
                    if half.adrift && !half.skip_record {
                        let begins = record::begins_message(bytes, half.record_length);
                        half.adrift = !begins;
                        half.skip_record = !begins;
                    }
                    if half.skip_record {
                        return;
                    }
                    let mut messages = std::mem::take(&mut half.messages);
                    let fed = messages.feed(bytes, |m| self.message(side, m, certificates));
                    side.of_mut(&mut self.halves).messages = messages;
                    // A message that was passed over would have been read.
                    self.facts.incomplete |= fed.is_err();
                }
                // Ciphertext of an alert has its MAC or tag; the ChangeCipherSpec before it
                // may not have been captured.
                record::ALERT if !half.sealed && half.record_length < SEALED_ALERT => {
                    self.alert(side, bytes);
                }
                _ => {}
            },
        }
    }

    fn change_cipher_spec(&mut self, side: Side) {
        if !self.seals() {
            return;
        }
        side.of_mut(&mut self.halves).sealed = true;
        if self.facts.server_hello && self.is_server(side) && self.facts.abbreviated.is_none() {
            self.facts.abbreviated = (!self.facts.incomplete || self.full).then_some(!self.full);
        }
    }

    /// A clear alert. Warnings do not end a handshake, except close_notify.
    fn alert(&mut self, side: Side, bytes: &[u8]) {
        let alert = &mut side.of_mut(&mut self.halves).alert;
        if alert.len() + bytes.len() > 2 {
            // Longer than an alert: several in one record, or ciphertext.
            alert.extend(bytes.iter().take(2usize.saturating_sub(alert.len())));
        } else {
            alert.extend_from_slice(bytes);
        }
        let &mut [level, description] = &mut alert[..] else {
            return;
        };
        let known = names::alert_name(description).is_some() && level <= FATAL;
        let tls13 = self.facts.is_tls13();
        let ends =
            level == FATAL || description == CLOSE_NOTIFY || tls13 && description != USER_CANCELED;
        if known && ends && !self.facts.completed {
            self.facts.failure = Some(Failure::Alert { description, from: side });
        }
    }

    fn message(&mut self, side: Side, message: &[u8], certificates: &mut Certificates) {
        match wire::parse(message) {
            Message::ClientHello(hello) => {
                if self.facts.client_hello || self.is_server(side) {
                    return;
                }
                self.facts.client = Some(side);
                self.facts.client_hello = true;
                self.facts.sni = hello.extensions.server_name();
                self.facts.alpn_offered = hello.extensions.alpn();
                self.early_data = hello.extensions.early_data();
                let ticket = hello.extensions.session_ticket();
                self.facts.offered_ticket = SessionHandle::ticket(ticket);
            }
            Message::HelloRetryRequest => {
                self.facts.client = Some(side.other());
                self.facts.hello_retry_request = true;
            }
            Message::ServerHello(hello) => self.server_hello(side, &hello),
            Message::Certificate(chain) => {
                let leaf = chain.first().and_then(|der| certificates.get(der));
                if self.is_client(side) {
                    if self.facts.client_certificate.is_none() {
                        self.facts.client_certificate = leaf;
                    }
                } else if self.is_server(side) {
                    self.full_handshake();
                    if self.facts.server_certificate.is_none() {
                        self.facts.server_certificate = leaf;
                    }
                }
            }
            Message::ServerKeyExchange(body) if self.is_server(side) => {
                self.full_handshake();
                self.key_exchange(body);
            }
            Message::CertificateRequest if self.is_server(side) => {
                self.full_handshake();
                self.facts.certificate_request = true;
            }
            Message::ServerHelloDone if self.is_server(side) => self.full_handshake(),
            Message::NewSessionTicket(ticket) if self.is_server(side) => {
                self.facts.issued_ticket = SessionHandle::ticket(ticket);
            }
            // The other half of a full handshake, should the server's be lost.
            Message::ClientKeyExchange if self.is_client(side) => self.full_handshake(),
            Message::Malformed(kind) => {
                self.facts.incomplete = true;
                // A Certificate that was passed over, too, is one of a full handshake.
                if kind == wire::CERTIFICATE && self.is_server(side) {
                    self.full_handshake();
                }
            }
            _ => {}
        }
    }

    fn full_handshake(&mut self) {
        self.full = true;
        if self.facts.server_hello && !self.facts.is_tls13() {
            self.facts.abbreviated = Some(false);
        }
    }

    fn server_hello(&mut self, side: Side, hello: &wire::ServerHello<'_>) {
        if self.facts.server_hello || self.is_client(side) {
            return;
        }
        let version = hello.version();
        self.facts.client = Some(side.other());
        self.facts.server_hello = true;
        self.facts.version = Some(version);
        self.facts.suite = Some(Suite::Tls(hello.suite));
        self.facts.alpn = hello.extensions.alpn().into_iter().next();
        if self.facts.is_tls13() {
            self.facts.session_id = Some(Vec::new());
            self.facts.group = hello.key_share();
            self.facts.abbreviated = Some(hello.psk());
            if self.may_be_early() {
                side.other().of_mut(&mut self.halves).flight = Flight::default();
            }
            // ChangeCipherSpec meant nothing.
            self.halves.iter_mut().for_each(|half| half.sealed = false);
            self.facts.encrypted_alert = self.is_encrypted_alert();
        } else {
            self.facts.session_id = Some(hello.session_id.to_vec());
            self.facts.encrypt_then_mac = hello.encrypt_then_mac();
            self.facts.abbreviated = self.full.then_some(false);
        }
    }

    /// The group of a ServerKeyExchange, by the suite's key exchange.
    fn key_exchange(&mut self, body: &[u8]) {
        let Some(name) = self.facts.suite.and_then(Suite::name) else {
            return;
        };
        if name.contains("_ECDHE_PSK_") || name.contains("_DHE_PSK_") {
            // A PSK identity hint comes first (RFC 4279, RFC 5489).
            let Some((length, rest)) = body.split_first_chunk::<2>() else {
                return;
            };
            let hint = usize::from(u16::from_be_bytes(*length));
            self.group(name, rest.get(hint..).unwrap_or_default());
        } else {
            self.group(name, body);
        }
    }

    fn group(&mut self, name: &str, body: &[u8]) {
        if name.contains("_ECDHE_") || name.contains("_ECDH_anon_") {
            self.facts.group = wire::named_curve(body);
        } else if name.contains("_DHE_") || name.contains("_DH_anon_") {
            self.facts.dh_bits = wire::dh_prime(body).map(significant_bits);
        }
    }

    fn sslv2(&mut self, side: Side, record: sslv2::Record, certificates: &mut Certificates) {
        let sslv2::Record::Clear(record) = record else {
            let half = side.of_mut(&mut self.halves);
            half.sealed_records = half.sealed_records.saturating_add(1);
            return;
        };
        match sslv2::parse(&record) {
            sslv2::Message::ClientHello { version, .. } => {
                self.facts.client.get_or_insert(side);
                self.facts.client_hello = true;
                if version != SSLV2 {
                    // The server's answer decides; a TLS server's is answered
                    // by TLS records.
                    side.of_mut(&mut self.halves).framing = Framing::Unknown;
                }
            }
            sslv2::Message::ServerHello { session_id_hit, version, certificate } => {
                if self.facts.server_hello || self.is_client(side) {
                    return;
                }
                self.facts.client = Some(side.other());
                self.facts.server_hello = true;
                self.facts.version = Some(version);
                self.facts.abbreviated = Some(session_id_hit);
                self.facts.session_id = Some(Vec::new());
                self.facts.server_certificate = certificates.get(certificate);
                self.sslv2_keyed |= session_id_hit;
                self.seal_sslv2(side);
                if session_id_hit {
                    // The client has its keys already and sends none.
                    self.seal_sslv2(side.other());
                }
            }
            sslv2::Message::ClientMasterKey { cipher }
                if names::sslv2_cipher_name(cipher).is_some() =>
            {
                self.facts.suite = Some(Suite::Sslv2(cipher));
                self.sslv2_keyed = true;
                self.seal_sslv2(side);
            }
            sslv2::Message::Error(code) if !self.facts.completed => {
                self.facts.failure = Some(Failure::Sslv2Error(code));
            }
            // After a session was resumed the client sends no key: this is
            // ciphertext.
            _ => {
                let half = side.of_mut(&mut self.halves);
                half.sealed_records = half.sealed_records.saturating_add(1);
            }
        }
    }

    fn seal_sslv2(&mut self, side: Side) {
        if let Framing::Sslv2(deframer) = &mut side.of_mut(&mut self.halves).framing {
            deframer.seal();
        }
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
