//! Clear protocols that turn into TLS after a negotiation.
//!
//! The plain rule, that a ClientHello begins a segment, finds most of such
//! handshakes. This module knows the negotiations themselves: it tells what kind
//! of upgrade a handshake was, finds a handshake that begins in the middle of a
//! segment, and reads which data connections an FTP control connection
//! announces.
//!
//! The first speaker's first bytes decide whether a connection is followed at
//! all. What is followed costs a bounded number of bytes of memory, and except
//! for FTP no more than [`MAX_DIALOGUE`] bytes of each side are read.

mod binary;
mod clc;
mod ftp;
mod ldap;
mod lines;
mod telnet;
mod text;

pub use clc::{Clc, SmcMethod};
pub use ftp::{Announcement, Verb};

use super::Side;
use lines::{Line, Lines};

/// Bytes of each side that are read before a dialogue counts as one that
/// upgrades nothing.
const MAX_DIALOGUE: usize = 16 * 1024;
/// First bytes that decide.
const LONGEST_OPENING: usize = 12;

/// A protocol that can upgrade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// FTP or SMTP: both greet with 220.
    Greeting,
    /// FTP (RFC 4217).
    Ftp,
    /// SMTP (RFC 3207), LMTP.
    Smtp,
    /// IMAP (RFC 9051).
    Imap,
    /// POP3 (RFC 2595).
    Pop3,
    /// NNTP (RFC 4642).
    Nntp,
    /// ManageSieve (RFC 5804).
    Sieve,
    /// IRC with the tls capability.
    Irc,
    /// A client's STARTTLS before anything else was seen: what the server answers tells of
    /// which protocol.
    StartTls,
    /// XMPP (RFC 6120).
    Xmpp,
    /// LDAP (RFC 4511).
    Ldap,
    /// TELNET with START_TLS (option 46), as TN3270 uses it.
    Telnet,
    /// PostgreSQL's SSLRequest.
    Postgresql,
    /// MySQL's SSL connection request packet.
    Mysql,
    /// TDS, of SQL Server (MS-TDS).
    Tds,
    /// RDP's negotiation in X.224 connection requests.
    Rdp,
    /// HTTP CONNECT (RFC 9110).
    HttpConnect,
    /// SOCKS version 4.
    Socks4,
    /// SOCKS version 5 (RFC 1928).
    Socks5,
    /// The PROXY protocol's header, versions 1 and 2.
    Proxy,
    /// SMC's connection layer control, which may be declined.
    Smc,
}

impl Kind {
    /// Its name in the output; `None` while it is not settled.
    pub fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::Greeting | Self::StartTls | Self::Smc => return None,
            Self::Ftp => "ftp",
            Self::Smtp => "smtp",
            Self::Imap => "imap",
            Self::Pop3 => "pop3",
            Self::Nntp => "nntp",
            Self::Sieve => "sieve",
            Self::Irc => "irc",
            Self::Xmpp => "xmpp",
            Self::Ldap => "ldap",
            Self::Telnet => "telnet",
            Self::Postgresql => "postgresql",
            Self::Mysql => "mysql",
            Self::Tds => "tds",
            Self::Rdp => "rdp",
            Self::HttpConnect => "http_connect",
            Self::Socks4 => "socks4",
            Self::Socks5 => "socks5",
            Self::Proxy => "proxy",
        })
    }

    /// Whether what follows its negotiation is a stream of its own, as if it began a
    /// connection.
    pub fn is_tunnel(self) -> bool {
        matches!(self, Self::HttpConnect | Self::Socks4 | Self::Socks5 | Self::Proxy | Self::Smc)
    }

    /// Whether it is one of the negotiations that also z/OS's own observation
    /// is taken to know.
    pub fn is_known_trigger(self) -> bool {
        matches!(
            self,
            Self::Ftp
                | Self::Smtp
                | Self::Ldap
                | Self::Telnet
                | Self::Imap
                | Self::Pop3
                | Self::Postgresql
                | Self::HttpConnect
                | Self::Socks4
                | Self::Socks5
                // What is declined there is no part of the connection's data.
                | Self::Smc
        )
    }
}

/// Where a dialogue stands.
#[derive(Debug)]
enum DialogueState {
    /// The first speaker's bytes so far.
    Opening(Option<Side>, Vec<u8>),
    Text(text::Text),
    Ldap(ldap::Ldap),
    Telnet(telnet::Telnet),
    Binary(binary::Binary),
    /// Nothing more is to be learned.
    Over,
}

/// The dialogue of one connection.
#[derive(Debug)]
pub struct Upgrade {
    /// Who opened the connection: the protocol's client.
    opener: Side,
    kind: Option<Kind>,
    talk: DialogueState,
    read: [usize; 2],
    granted: bool,
    /// TDS: bytes of the packet in which the handshake begins.
    packet: usize,
    /// What was said of SMC.
    clc: Option<Clc>,
}

impl Upgrade {
    /// The dialogue of a connection from its first byte on.
    pub fn new(opener: Side) -> Self {
        Self {
            opener,
            kind: None,
            talk: DialogueState::Opening(None, Vec::new()),
            read: [0; 2],
            granted: false,
            packet: 0,
            clc: None,
        }
    }

    /// Whether the first speaker's first bytes may begin a dialogue that is
    /// known here.
    pub fn may_open(bytes: &[u8], client: bool) -> bool {
        !matches!(opening(bytes, client), Opening::Unknown)
    }

    /// Whether more bytes can tell more.
    pub fn is_active(&self) -> bool {
        !matches!(self.talk, DialogueState::Over)
    }

    /// The protocol, as far as it is known.
    pub fn kind(&self) -> Option<Kind> {
        self.kind
    }

    /// The protocol whose negotiation has led to what comes now.
    pub fn granted(&self) -> Option<Kind> {
        self.kind.filter(|_| self.granted)
    }

    /// Of TDS the bytes of the packet in which the handshake begins.
    pub(super) fn packet(&self) -> Option<usize> {
        (self.granted() == Some(Kind::Tds)).then_some(self.packet)
    }

    /// What was said of SMC, if it was.
    pub fn clc(&self) -> Option<Clc> {
        self.clc
    }

    /// Takes the next bytes of a side. When the negotiation is over, returns
    /// where in these bytes the other protocol's bytes begin; the other side's
    /// begin with its next byte. Before the negotiation is over (it is not
    /// [granted](Self::granted)) the same of the bytes of a client that does not wait
    /// for the answer; the other side's are still those of the dialogue.
    pub fn data(&mut self, side: Side, bytes: &[u8]) -> Option<usize> {
        if !self.is_active() || bytes.is_empty() {
            return None;
        }
        let read = side.of_mut(&mut self.read);
        *read = read.saturating_add(bytes.len());
        if *read > MAX_DIALOGUE && !matches!(self.kind, Some(Kind::Ftp | Kind::Greeting)) {
            self.talk = DialogueState::Over;
            return None;
        }
        let client = side == self.opener;
        match &mut self.talk {
            DialogueState::Opening(speaker, kept) => {
                if *speaker.get_or_insert(side) != side {
                    // The other side answers before the first has said enough.
                    self.talk = DialogueState::Over;
                    return None;
                }
                let before = kept.len();
                let all: Vec<u8> = kept.iter().chain(bytes).copied().collect();
                match opening(&all, client) {
                    Opening::Unknown => {
                        self.talk = DialogueState::Over;
                        return None;
                    }
                    Opening::Short if all.len() < LONGEST_OPENING => {
                        *kept = all;
                        return None;
                    }
                    Opening::Short => {
                        self.talk = DialogueState::Over;
                        return None;
                    }
                    Opening::Is(kind) => {
                        self.kind = Some(kind);
                        self.talk = begin(kind);
                    }
                }
                let granted = self.turn(client, &all)?;
                Some(granted.saturating_sub(before))
            }
            _ => self.turn(client, bytes),
        }
    }

    fn turn(&mut self, client: bool, bytes: &[u8]) -> Option<usize> {
        let granted = match &mut self.talk {
            DialogueState::Text(text) => text.data(client, bytes, &mut self.kind),
            DialogueState::Ldap(ldap) => ldap.data(client, bytes),
            DialogueState::Telnet(telnet) => telnet.data(client, bytes),
            DialogueState::Binary(binary) => binary.data(client, bytes),
            DialogueState::Opening(..) | DialogueState::Over => binary::Turn::Over,
        };
        if let DialogueState::Binary(binary) = &self.talk {
            self.clc = binary.clc();
        }
        match granted {
            binary::Turn::Goes => None,
            binary::Turn::Over => {
                self.talk = DialogueState::Over;
                None
            }
            binary::Turn::Early(at) => Some(at),
            binary::Turn::Granted(at) => {
                if let DialogueState::Binary(binary) = &self.talk {
                    self.packet = binary.packet();
                }
                self.granted = true;
                self.talk = DialogueState::Over;
                Some(at)
            }
        }
    }

    /// Bytes of a side are missing. Lines go on with the next one; anything
    /// else has lost its place.
    pub fn hole(&mut self, side: Side) {
        let client = side == self.opener;
        match &mut self.talk {
            DialogueState::Text(text) => text.hole(client),
            _ => self.talk = DialogueState::Over,
        }
    }

    /// The connection is clear again after an upgrade. Only FTP goes on as it
    /// did before (RFC 4217 section 12.3).
    pub fn clear_again(&mut self) {
        self.granted = false;
        if self.kind == Some(Kind::Ftp) {
            self.talk = begin(Kind::Ftp);
        }
    }

    /// Data connections that were announced since the last call.
    pub fn announcements(&mut self) -> Vec<Announcement> {
        match &mut self.talk {
            DialogueState::Text(text) => text.announcements(),
            _ => Vec::new(),
        }
    }
}

fn begin(kind: Kind) -> DialogueState {
    match kind {
        Kind::Ldap => DialogueState::Ldap(ldap::Ldap::default()),
        Kind::Telnet => DialogueState::Telnet(telnet::Telnet::default()),
        Kind::Postgresql
        | Kind::Mysql
        | Kind::Tds
        | Kind::Rdp
        | Kind::Socks4
        | Kind::Socks5
        | Kind::Proxy
        | Kind::Smc => DialogueState::Binary(binary::Binary::new(kind)),
        _ => DialogueState::Text(text::Text::default()),
    }
}

/// Authentication methods that a SOCKS client offers.
const MOST_METHODS: u8 = 10;

/// What the first bytes say.
enum Opening {
    Is(Kind),
    /// More bytes are needed.
    Short,
    Unknown,
}

/// What servers and clients that speak first begin with.
fn opening(bytes: &[u8], client: bool) -> Opening {
    const SERVER: &[(&[u8], Kind)] = &[
        (b"220 ", Kind::Greeting),
        (b"220-", Kind::Greeting),
        (b"* OK", Kind::Imap),
        (b"* PREAUTH", Kind::Imap),
        (b"+OK", Kind::Pop3),
        (b"200 ", Kind::Nntp),
        (b"201 ", Kind::Nntp),
        (b"\"IMPLEMENTA", Kind::Sieve),
        // A connection of which only the server was captured.
        (&clc::RDMA, Kind::Smc),
        (&clc::DIRECT, Kind::Smc),
    ];
    const CLIENT: &[(&[u8], Kind)] = &[
        (b"CONNECT ", Kind::HttpConnect),
        (b"<?xml", Kind::Xmpp),
        (b"<stream:", Kind::Xmpp),
        (b"CAP ", Kind::Irc),
        (b"STARTTLS\r", Kind::StartTls),
        (b"\0\0\0\x08\x04\xD2\x16\x2F", Kind::Postgresql),
        (b"\0\0\0\x08\x04\xD2\x16\x30", Kind::Postgresql),
        (b"PROXY ", Kind::Proxy),
        (&clc::RDMA, Kind::Smc),
        (&clc::DIRECT, Kind::Smc),
        (b"\r\n\r\n\0\r\nQUIT\n", Kind::Proxy),
    ];
    let mut short = false;
    for (start, kind) in if client { CLIENT } else { SERVER } {
        if bytes.starts_with(start) {
            return Opening::Is(*kind);
        }
        short |= start.starts_with(bytes);
    }
    let found = match bytes {
        [0xFF, 0xFA..=0xFE, ..] => Some(Kind::Telnet),
        [0xFF] => None,
        [a, b, c, 0, 10, ..] if !client && u32::from_le_bytes([*a, *b, *c, 0]) > 20 => {
            Some(Kind::Mysql)
        }
        [_, _, _, 0] if !client => None,
        [0x30, rest @ ..] if client => match ldap::begins(rest) {
            Some(true) => Some(Kind::Ldap),
            Some(false) => return Opening::Unknown,
            None => None,
        },
        // Header, then the first option: VERSION (MS-TDS section 2.2.6.5).
        [0x12, 0 | 1, _, _, _, _, _, 0, 0, ..] if client => Some(Kind::Tds),
        [0x12] | [0x12, 0 | 1, ..] if client && bytes.len() < 9 => None,
        [3, 0, _, _, _, 0xE0, ..] if client => Some(Kind::Rdp),
        [4, 1, _, _, _, ..] if client => Some(Kind::Socks4),
        &[5, methods @ 1..=MOST_METHODS, ..] if client => {
            let methods = usize::from(methods);
            (bytes.len() >= 2 + methods).then_some(Kind::Socks5)
        }
        [3..=5] if client => None,
        [3, 0, ..] if client && bytes.len() < 6 => None,
        [4, 1, ..] if client => None,
        _ if !client && bytes.len() < 4 => None,
        _ => return if short { Opening::Short } else { Opening::Unknown },
    };
    found.map_or(Opening::Short, Opening::Is)
}

/// What is the server's or the client's of a pair, in which the server's comes first.
fn of_mut<T>(client: bool, [server, of_client]: &mut [T; 2]) -> &mut T {
    if client { of_client } else { server }
}

#[cfg(test)]
mod tests;
