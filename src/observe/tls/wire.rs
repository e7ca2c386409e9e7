//! TLS handshake messages as structures: an adapter over `tls-parser`.
//!
//! The crate is given one complete message at a time. What it lacks is added
//! here: hellos of versions that it does not know, a walk over extensions that
//! survives a malformed one, and the parameters of key exchanges.

use tls_parser::{TlsMessage, TlsMessageHandshake, parse_tls_message_handshake};

const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
/// Message type Certificate.
const NEW_SESSION_TICKET: u8 = 4;
pub(super) const CERTIFICATE: u8 = 11;
const SERVER_KEY_EXCHANGE: u8 = 12;
const CERTIFICATE_REQUEST: u8 = 13;
const SERVER_HELLO_DONE: u8 = 14;
const CLIENT_KEY_EXCHANGE: u8 = 16;

/// Extension server_name (RFC 6066).
const SERVER_NAME: u16 = 0;
/// Extension application_layer_protocol_negotiation (RFC 7301).
const ALPN: u16 = 16;
/// Extension encrypt_then_mac (RFC 7366).
const ENCRYPT_THEN_MAC: u16 = 22;
/// Extension session_ticket (RFC 5077).
const SESSION_TICKET: u16 = 35;
/// Extension pre_shared_key (RFC 8446).
const PRE_SHARED_KEY: u16 = 41;
/// Extension early_data (RFC 8446).
const EARLY_DATA: u16 = 42;
/// Extension supported_versions (RFC 8446).
const SUPPORTED_VERSIONS: u16 = 43;
/// Extension key_share (RFC 8446), and its number in the drafts before 23.
const KEY_SHARE: u16 = 51;
const KEY_SHARE_DRAFT: u16 = 40;

/// The random value that makes a ServerHello a HelloRetryRequest (RFC 8446
/// section 4.1.3).
const HELLO_RETRY_REQUEST: [u8; 32] = [
    0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C, 0x02, 0x1E, 0x65, 0xB8, 0x91,
    0xC2, 0xA2, 0x11, 0x16, 0x7A, 0xBB, 0x8C, 0x5E, 0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8, 0x33, 0x9C,
];
/// HelloRetryRequest had a message type of its own before draft 22.
const HELLO_RETRY_REQUEST_DRAFT: u8 = 6;

/// A handshake message.
#[derive(Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// ClientHello.
    ClientHello(ClientHello<'a>),
    /// ServerHello.
    ServerHello(ServerHello<'a>),
    /// HelloRetryRequest.
    HelloRetryRequest,
    /// Certificate of TLS 1.2 and before: the chain, leaf first.
    Certificate(Vec<&'a [u8]>),
    /// ServerKeyExchange, its body.
    ServerKeyExchange(&'a [u8]),
    /// CertificateRequest.
    CertificateRequest,
    /// ServerHelloDone.
    ServerHelloDone,
    /// ClientKeyExchange.
    ClientKeyExchange,
    /// NewSessionTicket of TLS 1.2 and before: the ticket.
    NewSessionTicket(&'a [u8]),
    /// Another message, by its type.
    Other(u8),
    /// A message that should be one of the above and does not read as it.
    Malformed(u8),
}

/// What is used of a ClientHello.
#[derive(Debug, PartialEq, Eq)]
pub struct ClientHello<'a> {
    /// The version field.
    pub legacy_version: u16,
    /// The session identifier.
    pub session_id: &'a [u8],
    /// Extensions.
    pub extensions: Extensions<'a>,
}

/// What is used of a ServerHello.
#[derive(Debug, PartialEq, Eq)]
pub struct ServerHello<'a> {
    /// The version field.
    pub legacy_version: u16,
    /// The session identifier.
    pub session_id: &'a [u8],
    /// The cipher suite.
    pub suite: u16,
    /// Extensions.
    pub extensions: Extensions<'a>,
}

impl ServerHello<'_> {
    /// The negotiated version.
    pub fn version(&self) -> u16 {
        match self.extensions.find(SUPPORTED_VERSIONS) {
            Some([high, low]) => u16::from_be_bytes([*high, *low]),
            _ => self.legacy_version,
        }
    }

    /// Whether the server chose a pre-shared key.
    pub fn psk(&self) -> bool {
        self.extensions.find(PRE_SHARED_KEY).is_some()
    }

    /// The group of the server's key share.
    pub fn key_share(&self) -> Option<u16> {
        let body =
            self.extensions.find(KEY_SHARE).or_else(|| self.extensions.find(KEY_SHARE_DRAFT))?;
        body.first_chunk::<2>().map(|g| u16::from_be_bytes(*g))
    }

    /// Whether encrypt-then-MAC was accepted.
    pub fn encrypt_then_mac(&self) -> bool {
        self.extensions.find(ENCRYPT_THEN_MAC).is_some()
    }
}

/// The extensions of a hello.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extensions<'a>(&'a [u8]);

impl<'a> Extensions<'a> {
    /// Every extension as type and body. One that claims more bytes than there
    /// are ends the list.
    pub fn iter(self) -> impl Iterator<Item = (u16, &'a [u8])> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let head = rest.first_chunk::<4>()?;
            let kind = u16::from_be_bytes([head[0], head[1]]);
            let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
            let body = rest.get(4..4 + length)?;
            rest = rest.get(4 + length..)?;
            Some((kind, body))
        })
    }

    /// The body of the first extension of a type.
    pub fn find(self, kind: u16) -> Option<&'a [u8]> {
        self.iter().find(|(k, _)| *k == kind).map(|(_, body)| body)
    }

    /// The host name of server_name.
    pub fn server_name(self) -> Option<String> {
        const HOST_NAME: u8 = 0;
        let list = self.find(SERVER_NAME)?.get(2..)?;
        let (&kind, rest) = list.split_first()?;
        let (length, rest) = rest.split_first_chunk::<2>()?;
        let name = rest.get(..usize::from(u16::from_be_bytes(*length)))?;
        (kind == HOST_NAME && !name.is_empty()).then(|| text(name))
    }

    /// The protocols of application_layer_protocol_negotiation.
    pub fn alpn(self) -> Vec<String> {
        let mut rest = self.find(ALPN).and_then(|b| b.get(2..)).unwrap_or_default();
        let mut protocols = Vec::new();
        while let Some((&length, after)) = rest.split_first() {
            let Some(name) = after.get(..usize::from(length)) else {
                break;
            };
            protocols.push(text(name));
            rest = after.get(name.len()..).unwrap_or_default();
        }
        protocols
    }

    /// The ticket of session_ticket, empty where the client has none.
    pub fn session_ticket(self) -> &'a [u8] {
        self.find(SESSION_TICKET).unwrap_or_default()
    }

    /// Whether the client announces early data.
    pub fn early_data(self) -> bool {
        self.find(EARLY_DATA).is_some()
    }
}

/// Bytes that should be ASCII, with the others escaped.
fn text(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for &b in bytes {
        if b.is_ascii_graphic() && b != b'\\' || b == b' ' {
            out.push(char::from(b));
        } else {
            out.push_str(&format!("\\x{b:02X}"));
        }
    }
    out
}

/// Reads one complete handshake message, header included.
pub fn parse(message: &[u8]) -> Message<'_> {
    let Some((&kind, _)) = message.split_first() else {
        return Message::Malformed(0);
    };
    let body = message.get(4..).unwrap_or_default();
    match kind {
        CLIENT_HELLO => match parse_tls_message_handshake(message) {
            Ok((_, TlsMessage::Handshake(TlsMessageHandshake::ClientHello(hello)))) => {
                Message::ClientHello(ClientHello {
                    legacy_version: hello.version.0,
                    session_id: hello.session_id.unwrap_or_default(),
                    extensions: Extensions(hello.ext.unwrap_or_default()),
                })
            }
            _ => Message::Malformed(kind),
        },
        SERVER_HELLO => server_hello(message, body),
        HELLO_RETRY_REQUEST_DRAFT => Message::HelloRetryRequest,
        CERTIFICATE => match parse_tls_message_handshake(message) {
            Ok((_, TlsMessage::Handshake(TlsMessageHandshake::Certificate(chain)))) => {
                Message::Certificate(chain.cert_chain.into_iter().map(|c| c.data).collect())
            }
            _ => Message::Malformed(kind),
        },
        SERVER_KEY_EXCHANGE => Message::ServerKeyExchange(body),
        CERTIFICATE_REQUEST => Message::CertificateRequest,
        SERVER_HELLO_DONE => Message::ServerHelloDone,
        CLIENT_KEY_EXCHANGE => Message::ClientKeyExchange,
        NEW_SESSION_TICKET => match new_session_ticket(body) {
            Some(ticket) => Message::NewSessionTicket(ticket),
            None => Message::Malformed(kind),
        },
        other => Message::Other(other),
    }
}

fn server_hello<'a>(message: &'a [u8], body: &'a [u8]) -> Message<'a> {
    let hello = match parse_tls_message_handshake(message) {
        Ok((_, TlsMessage::Handshake(TlsMessageHandshake::ServerHello(hello))))
            if matches!(hello.version.0, 0x0301..=0x0303) =>
        {
            Some((
                hello.random,
                ServerHello {
                    legacy_version: hello.version.0,
                    session_id: hello.session_id.unwrap_or_default(),
                    suite: hello.cipher.0,
                    extensions: Extensions(hello.ext.unwrap_or_default()),
                },
            ))
        }
        _ => server_hello_fields(body),
    };
    match hello {
        Some((random, _)) if random == HELLO_RETRY_REQUEST => Message::HelloRetryRequest,
        Some((_, hello)) => Message::ServerHello(hello),
        None => Message::Malformed(SERVER_HELLO),
    }
}

/// The fields of a ServerHello that the crate does not read: versions it does
/// not know, and SSL 3.0 with extensions. Drafts of TLS 1.3 before 22 put the
/// version here and had neither session identifier nor compression method.
fn server_hello_fields(body: &[u8]) -> Option<(&[u8], ServerHello<'_>)> {
    let (version, rest) = body.split_first_chunk::<2>()?;
    let legacy_version = u16::from_be_bytes(*version);
    let (random, rest) = rest.split_at_checked(32)?;
    // Implementations of these drafts may already write the final version.
    let short = match legacy_version {
        0x7E00..=0x7F15 => true,
        0x0304 => is_short(rest),
        _ => false,
    };
    let (session_id, rest) = if short {
        (&[][..], rest)
    } else {
        let (&length, rest) = rest.split_first()?;
        if length > 32 {
            return None;
        }
        rest.split_at_checked(usize::from(length))?
    };
    let (suite, rest) = rest.split_first_chunk::<2>()?;
    let rest = if short { rest } else { rest.get(1..)? };
    let extensions = match rest.split_first_chunk::<2>() {
        Some((length, rest)) => {
            rest.get(..usize::from(u16::from_be_bytes(*length))).unwrap_or(rest)
        }
        None => &[],
    };
    let suite = u16::from_be_bytes(*suite);
    Some((
        random,
        ServerHello { legacy_version, session_id, suite, extensions: Extensions(extensions) },
    ))
}

/// Whether what follows the random value is a cipher suite and extensions to the end
/// of the message, as in the drafts of TLS 1.3 before 22.
fn is_short(rest: &[u8]) -> bool {
    match rest.split_at_checked(2).map(|(_, rest)| (rest, rest.split_first_chunk::<2>())) {
        Some((_, Some((length, extensions)))) => {
            extensions.len() == usize::from(u16::from_be_bytes(*length))
        }
        Some((rest, None)) => rest.is_empty(),
        None => false,
    }
}

/// The ticket behind its lifetime (RFC 5077 section 3.3).
fn new_session_ticket(body: &[u8]) -> Option<&[u8]> {
    let (length, rest) = body.get(4..)?.split_first_chunk::<2>()?;
    rest.get(..usize::from(u16::from_be_bytes(*length)))
}

/// The named curve of an ECDHE ServerKeyExchange (RFC 8422 section 5.4).
pub fn named_curve(body: &[u8]) -> Option<u16> {
    const NAMED_CURVE: u8 = 3;
    match body {
        [NAMED_CURVE, high, low, ..] => Some(u16::from_be_bytes([*high, *low])),
        _ => None,
    }
}

/// The prime of a DHE ServerKeyExchange (RFC 5246 section 7.4.3).
pub fn dh_prime(body: &[u8]) -> Option<&[u8]> {
    let (length, rest) = body.split_first_chunk::<2>()?;
    rest.get(..usize::from(u16::from_be_bytes(*length)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server_hello(version: u16, session_id: bool, extensions: &[u8]) -> Vec<u8> {
        let mut body = version.to_be_bytes().to_vec();
        body.extend([7; 32]);
        if session_id {
            body.extend([2, 0xAA, 0xBB]);
        }
        body.extend([0xC0, 0x2F]);
        if session_id {
            body.push(0);
        }
        if !extensions.is_empty() {
            body.extend(u16::try_from(extensions.len()).expect("short").to_be_bytes());
            body.extend(extensions);
        }
        let mut message = vec![2, 0, 0, u8::try_from(body.len()).expect("short")];
        message.extend(body);
        message
    }

    #[test]
    fn encrypt_then_mac_is_extension_22() {
        // The crate's own ServerHello extension parser looks for 21.
        let m = server_hello(0x0303, true, &[0, 22, 0, 0]);
        let Message::ServerHello(hello) = parse(&m) else { panic!("no ServerHello") };
        assert!(hello.encrypt_then_mac());
        assert_eq!(
            (hello.version(), hello.suite, hello.session_id),
            (0x0303, 0xC02F, &[0xAA, 0xBB][..])
        );
    }

    #[test]
    fn a_malformed_extension_hides_nothing_before_it() {
        let m = server_hello(
            0x0303,
            true,
            &[0, 22, 0, 0, 0, 15, 0, 0, 0, 43, 0, 2, 3, 4, 0, 1, 0xFF, 0xFF],
        );
        let Message::ServerHello(hello) = parse(&m) else { panic!("no ServerHello") };
        assert!(hello.encrypt_then_mac());
        assert_eq!(hello.version(), 0x0304);
    }

    #[test]
    fn versions_that_the_crate_does_not_know() {
        for (version, session_id) in
            [(0x0300, true), (0x0101, true), (0x0304, true), (0x0304, false)]
                .into_iter()
                .chain((0x7F0E..=0x7F15).map(|draft| (draft, false)))
                .chain((0x7F16..=0x7F1C).map(|draft| (draft, true)))
        {
            let m = server_hello(version, session_id, &[0, 22, 0, 0]);
            let Message::ServerHello(hello) = parse(&m) else { panic!("{version:04X}") };
            assert_eq!((hello.legacy_version, hello.suite), (version, 0xC02F));
            assert!(hello.encrypt_then_mac(), "{version:04X}");
        }
    }

    #[test]
    fn the_retry_is_known_by_its_random() {
        let mut m = server_hello(0x0303, true, &[]);
        m[6..38].copy_from_slice(&HELLO_RETRY_REQUEST);
        assert_eq!(parse(&m), Message::HelloRetryRequest);
    }

    #[test]
    fn every_truncation_is_malformed_and_nothing_panics() {
        let whole = server_hello(0x0303, true, &[0, 43, 0, 2, 3, 4]);
        for n in 0..whole.len() {
            let mut cut = whole[..n].to_vec();
            if n >= 4 {
                cut[3] = u8::try_from(n - 4).expect("short");
            }
            parse(&cut);
        }
    }

    #[test]
    fn names_are_ascii_or_escaped() {
        let list = [0, 0, 0, 9, 0, 7, 0, 0, 4, b'a', 0xC3, b'\\', b'z'];
        assert_eq!(Extensions(&list).server_name().as_deref(), Some("a\\xC3\\x5Cz"));
    }
}
