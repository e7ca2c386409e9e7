//! What the bytes of a connection say: the detection of handshakes, and the protocols that
//! it recognises.
//!
//! A module here sees bytes, the side that sent them, and time; never a packet.
//! A connection without recognised protection costs next to nothing: once the
//! first bytes are no handshake, only the beginnings of segments are looked
//! at, for as long as the connection lives.

pub mod certificate;
mod ciphertext;
mod detect;
pub mod ee;
pub mod ike;
pub mod ssh;
mod tds;
pub mod tls;
pub mod upgrade;

pub use ciphertext::{CiphertextDetector, Encrypted};
pub use detect::{may_begin, shows_beginning};

use crate::prefetch;
use certificate::Certificates;
use detect::{ByteDisposition, HandshakeDetector, Protocol};
use ike::TcpEncapsulation;
use ssh::Ssh;
use tls::{CloseWatch, Tls};
use upgrade::Upgrade;

/// One of the two sides of a connection. Which of them is client or server of
/// a protocol is for that protocol to find out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The sender with the lower end point.
    Low,
    /// The sender with the higher end point.
    High,
}

impl Side {
    /// The other side.
    pub fn other(self) -> Self {
        match self {
            Self::Low => Self::High,
            Self::High => Self::Low,
        }
    }

    /// What is its own of a pair, in which the lower side's comes first.
    pub fn of<T>(self, [low, high]: &[T; 2]) -> &T {
        match self {
            Self::Low => low,
            Self::High => high,
        }
    }

    /// The same, to be changed.
    pub fn of_mut<T>(self, [low, high]: &mut [T; 2]) -> &mut T {
        match self {
            Self::Low => low,
            Self::High => high,
        }
    }
}

/// What a connection's observer knows at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Nothing is recognised, or a handshake is under way.
    Open,
    /// A handshake is complete: the connection is protected from here on.
    Protected,
    /// A handshake has failed.
    Failed,
}

/// The observer of one connection.
#[derive(Debug)]
pub struct Observer {
    detectors: [HandshakeDetector; 2],
    /// Who opened the connection, for protocols that do not say.
    opener: Side,
    tls: Option<Box<Tls>>,
    ssh: Option<Box<Ssh>>,
    ike: Option<Box<TcpEncapsulation>>,
    upgrade: Option<Box<Upgrade>>,
    /// TDS packets around the handshake.
    tds: Option<Box<tds::Packets>>,
    /// How many tunnels the dialogues so far have led through.
    tunnels: u8,
    /// Whether the client has not waited for the answer to its request: what it says is
    /// not the dialogue's while it may begin a handshake.
    early: bool,
    /// Whether the first speaker's first bytes are still to come.
    silent: bool,
    /// Position of each side's first byte that belongs to the handshake.
    began: [Option<i64>; 2],
    /// Position after the last byte that each side has shown.
    ends: [Option<i64>; 2],
    /// Who sent the ServerHello, and the position after the bytes that brought it.
    server_hello: Option<(Side, i64)>,
    /// Bytes of a side that did not answer a ClientHello in the middle of a
    /// connection.
    unanswered: usize,
}

/// Bytes after which a ClientHello in the middle of a connection that nobody
/// has answered is taken for data that looks like one.
const MAX_UNANSWERED: usize = 16 * 1024;

/// Tunnels and PROXY headers within each other that are looked into.
const MAX_TUNNELS: u8 = 4;

/// What is left of an observer when a handshake is complete or has failed.
#[derive(Debug)]
pub struct Finished {
    /// What was learned.
    pub findings: Findings,
    /// The dialogue that led to it.
    pub upgrade: Option<Box<Upgrade>>,
    /// Position of each side's first byte that belongs to the handshake.
    pub began: [Option<i64>; 2],
    /// The watches over the sides for a return to clear text, where the records can be
    /// followed.
    pub watches: [Option<CloseWatch>; 2],
}

impl Observer {
    /// An observer of a connection whose first bytes will be seen.
    pub fn from_start(opener: Side) -> Self {
        Self {
            detectors: [HandshakeDetector::first(), HandshakeDetector::first()],
            silent: true,
            ..Self::midstream(opener)
        }
    }

    /// An observer of a connection that is already under way.
    pub fn midstream(opener: Side) -> Self {
        Self {
            detectors: [HandshakeDetector::Watching, HandshakeDetector::Watching],
            opener,
            tls: None,
            ssh: None,
            ike: None,
            upgrade: None,
            tds: None,
            tunnels: 0,
            early: false,
            silent: false,
            began: [None; 2],
            ends: [None; 2],
            server_hello: None,
            unanswered: 0,
        }
    }

    /// An observer of a connection that has gone back to clear text.
    pub fn clear_again(opener: Side, upgrade: Option<Box<Upgrade>>) -> Self {
        let mut observer = Self { upgrade, ..Self::midstream(opener) };
        if let Some(upgrade) = &mut observer.upgrade {
            upgrade.clear_again();
        }
        observer
    }

    /// Whether the side's bytes are wanted in order: a handshake may begin with
    /// them, the other side has begun one, or a dialogue may lead to one.
    /// Otherwise only segments whose beginning [`may_begin`] a handshake are.
    pub fn follows(&self, side: Side) -> bool {
        self.has_begun()
            || !matches!(side.of(&self.detectors), HandshakeDetector::Watching)
            || self.upgrade.as_ref().is_some_and(|u| u.is_active())
    }

    /// Whether the side's first bytes are still looked at.
    pub fn is_at_start(&self, side: Side) -> bool {
        side.of(&self.ends).is_none()
            && !matches!(side.of(&self.detectors), HandshakeDetector::Watching)
    }

    /// Whether no handshake has begun on the side, though one may later.
    pub fn is_watching(&self, side: Side) -> bool {
        matches!(
            side.of(&self.detectors),
            HandshakeDetector::Watching | HandshakeDetector::Greeting { .. }
        )
    }

    /// The dialogue of the connection, if it has one.
    pub fn upgrade(&mut self) -> Option<&mut Upgrade> {
        self.upgrade.as_deref_mut()
    }

    /// Says that it will be met soon.
    pub fn prefetch(&self) {
        if let Some(tls) = &self.tls {
            for n in 0..size_of::<Tls>().div_ceil(prefetch::LINE) {
                prefetch::line(&**tls, n);
            }
        }
    }

    /// Takes the next bytes of a side, the first of them at position `at`; they
    /// begin where a segment begins.
    pub fn data(
        &mut self,
        side: Side,
        at: i64,
        bytes: &[u8],
        certificates: &mut Certificates,
    ) -> Progress {
        *side.of_mut(&mut self.ends) = Some(at.saturating_add(count(bytes)));
        match &mut self.tds {
            Some(tds) => {
                let content = tds.content(side, bytes);
                if content.is_empty() {
                    return Progress::Open;
                }
                let before = count(bytes).saturating_sub(count(&content));
                self.content(side, at.saturating_add(before), &content, certificates)
            }
            None => self.content(side, at, bytes, certificates),
        }
    }

    /// Takes the next bytes of a side without what is around them.
    fn content(
        &mut self,
        side: Side,
        at: i64,
        bytes: &[u8],
        certificates: &mut Certificates,
    ) -> Progress {
        let taken = side.of_mut(&mut self.detectors).take(bytes);
        // The lines before an identification line are those of an SSH server: the
        // other side says nothing but SSH, or nothing yet.
        if side.of(&self.detectors).is_greeting()
            && side.other().of(&self.detectors).is_other_than_ssh()
        {
            *side.of_mut(&mut self.detectors) = HandshakeDetector::Watching;
        }
        match taken {
            ByteDisposition::Nothing if self.rejoins(side, bytes) => {
                if let Some(tls) = &mut self.tls {
                    tls.hole(side, 0);
                }
                *side.of_mut(&mut self.detectors) = HandshakeDetector::Following(Protocol::Tls);
                self.protocol(Protocol::Tls, (side, at), bytes, certificates)
            }
            ByteDisposition::Nothing => {
                if let Some(from) = self.dialogue(side, bytes) {
                    self.begin_anew(side);
                    let (before, rest) = bytes.split_at(from.min(bytes.len()));
                    if !rest.is_empty() {
                        let at = at.saturating_add(count(before));
                        // As it came: it may be within a packet that was found just now.
                        return self.data(side, at, rest, certificates);
                    }
                    return Progress::Open;
                }
                self.unanswered(side, bytes.len());
                Progress::Open
            }
            ByteDisposition::Here(protocol, from) => {
                let (before, bytes) = bytes.split_at(from.min(bytes.len()));
                let at = at.saturating_add(count(before));
                self.protocol(protocol, (side, at), bytes, certificates)
            }
            ByteDisposition::With(protocol, all) => {
                let at = at.saturating_add(count(bytes)).saturating_sub(count(&all));
                self.protocol(protocol, (side, at), &all, certificates)
            }
        }
    }

    /// Whether a side goes on with TLS records whose hello was not captured, while the
    /// other side's was.
    fn rejoins(&self, side: Side, bytes: &[u8]) -> bool {
        self.tls.is_some()
            && matches!(side.of(&self.detectors), HandshakeDetector::Watching)
            && matches!(
                side.other().of(&self.detectors),
                HandshakeDetector::Following(Protocol::Tls)
            )
            && tls::resumes(bytes)
    }

    /// Looks at what follows a dialogue as if it began a connection: of both sides, or
    /// only of a client that has not waited for the answer.
    fn begin_anew(&mut self, side: Side) {
        let upgrade = self.upgrade.as_ref();
        let granted = upgrade.and_then(|u| u.granted());
        if let Some(left) = upgrade.and_then(|u| u.packet()) {
            self.tds = Some(Box::new(tds::Packets::within(side, left)));
        }
        self.early = granted.is_none();
        if granted.is_some_and(upgrade::Kind::is_tunnel) && self.tunnels < MAX_TUNNELS {
            self.tunnels += 1;
            self.silent = true;
        }
        for of in [side, side.other()] {
            let detector = of.of_mut(&mut self.detectors);
            if (of == side || granted.is_some())
                && !matches!(detector, HandshakeDetector::Following(_))
            {
                *detector = HandshakeDetector::first();
            }
        }
    }

    /// Shows bytes to the dialogue; returns where in them another protocol
    /// begins.
    fn dialogue(&mut self, side: Side, bytes: &[u8]) -> Option<usize> {
        // A client that has not waited for the answer to its request has begun already.
        if self.has_begun() && self.upgrade.is_none() {
            return None;
        }
        if self.early && side == self.opener {
            self.early = matches!(side.of(&self.detectors), HandshakeDetector::First { .. });
            if self.early {
                return None;
            }
        }
        if std::mem::take(&mut self.silent)
            && !self.has_begun()
            && Upgrade::may_open(bytes, side == self.opener)
        {
            self.upgrade = Some(Box::new(Upgrade::new(self.opener)));
        }
        self.upgrade.as_mut()?.data(side, bytes)
    }

    fn protocol(
        &mut self,
        protocol: Protocol,
        (side, at): (Side, i64),
        bytes: &[u8],
        certificates: &mut Certificates,
    ) -> Progress {
        side.of_mut(&mut self.began).get_or_insert(at);
        match protocol {
            Protocol::Tls => {
                let tls = self.tls.get_or_insert_default();
                let progress = tls.data(side, bytes, certificates);
                if self.server_hello.is_none() && tls.facts().server_hello {
                    self.server_hello = Some((side, at.saturating_add(count(bytes))));
                }
                progress
            }
            Protocol::Ssh => {
                let ssh = self.ssh.get_or_insert_with(|| Box::new(Ssh::new(self.opener)));
                ssh.data(side, bytes, certificates)
            }
            Protocol::Ike => {
                if self.ike.is_none() {
                    self.ike = Some(Box::new(TcpEncapsulation::new(side)));
                    // The other side has no prefix of its own.
                    *side.other().of_mut(&mut self.detectors) =
                        HandshakeDetector::Following(Protocol::Ike);
                }
                if let Some(ike) = &mut self.ike {
                    ike.data(side, bytes);
                }
                Progress::Open
            }
        }
    }

    /// Bytes of unfinished messages that are held.
    pub fn held(&self) -> usize {
        self.tls.as_ref().map_or(0, |tls| tls.held())
            + self.ssh.as_ref().map_or(0, |ssh| ssh.held())
            + self.ike.as_ref().map_or(0, |ike| ike.held())
    }

    /// IKE in the connection.
    pub fn ike(&self) -> Option<&TcpEncapsulation> {
        self.ike.as_deref()
    }

    /// Whether a handshake has begun on either side.
    fn has_begun(&self) -> bool {
        self.tls.is_some() || self.ssh.is_some() || self.ike.is_some()
    }

    /// A side goes on as if no handshake had begun. After a while there is
    /// none: the hello was data.
    fn unanswered(&mut self, side: Side, bytes: usize) {
        if !self.has_begun() || self.is_at_start(side) {
            return;
        }
        self.unanswered += bytes;
        if self.unanswered > MAX_UNANSWERED {
            *self = Self { ends: self.ends, ..Self::midstream(self.opener) };
        }
    }

    /// Bytes of a side are missing.
    pub fn hole(&mut self, side: Side, length: u64) {
        if let Some(end) = side.of_mut(&mut self.ends) {
            *end = end.saturating_add_unsigned(length);
        }
        if let Some(upgrade) = &mut self.upgrade {
            upgrade.hole(side);
        }
        if let Some(tds) = &mut self.tds {
            tds.hole(side, length);
        }
        self.silent = false;
        if !side.of_mut(&mut self.detectors).hole() {
            return;
        }
        if let HandshakeDetector::Following(protocol) = side.of(&self.detectors) {
            match protocol {
                Protocol::Tls => {
                    if let Some(tls) = &mut self.tls {
                        tls.hole(side, length);
                    }
                }
                Protocol::Ssh => {
                    if let Some(ssh) = &mut self.ssh {
                        ssh.hole(side, length);
                    }
                }
                Protocol::Ike => {
                    if let Some(ike) = &mut self.ike {
                        ike.hole(side);
                    }
                }
            }
        }
    }

    /// Whether it wants to know [what is acknowledged](Self::acknowledged), and of which
    /// side's bytes.
    pub fn awaits_acknowledgment(&self) -> Option<Side> {
        let tls = self.tls.as_ref()?;
        self.server_hello.filter(|_| tls.awaits_acknowledgment()).map(|(side, _)| side)
    }

    /// The bytes of a side have been acknowledged up to a position.
    pub fn acknowledged(&mut self, side: Side, to: i64) {
        if let (Some(tls), Some((server, end))) = (&mut self.tls, self.server_hello)
            && server == side
            && to >= end
        {
            tls.acknowledged();
        }
    }

    /// Draws the conclusion that one captured direction allows: only `seen`
    /// was captured.
    pub fn conclude_one_sided(&mut self, seen: Side) -> Progress {
        self.tls.as_mut().map_or(Progress::Open, |tls| tls.conclude_one_sided(seen))
    }

    /// What was learned so far.
    pub fn findings(&self) -> FindingsRef<'_> {
        FindingsRef {
            tls: self.tls.as_ref().map(|tls| tls.facts()),
            ssh: self.ssh.as_ref().map(|ssh| ssh.facts()),
        }
    }

    /// Ends the observation and hands over what was learned.
    pub fn finish(self) -> Finished {
        // Positions in TDS packets are not those of records.
        let bare = self.tls.as_ref().filter(|_| self.tds.is_none());
        let watches = bare.map(|tls| tls.watches(self.ends)).unwrap_or_default();
        Finished {
            findings: Findings {
                tls: self.tls.map(|tls| tls.into_facts()),
                ssh: self.ssh.map(|ssh| Box::new(ssh.into_facts())),
            },
            upgrade: self.upgrade,
            began: self.began,
            watches,
        }
    }
}

fn count(bytes: &[u8]) -> i64 {
    i64::try_from(bytes.len()).unwrap_or(i64::MAX)
}

/// What was learned of each protocol.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// TLS or SSL.
    pub tls: Option<tls::Facts>,
    /// SSH.
    pub ssh: Option<Box<ssh::Facts>>,
}

/// The same, borrowed.
#[derive(Clone, Copy, Debug, Default)]
pub struct FindingsRef<'a> {
    /// TLS or SSL.
    pub tls: Option<&'a tls::Facts>,
    /// SSH.
    pub ssh: Option<&'a ssh::Facts>,
}

impl Findings {
    /// A borrowed view.
    pub fn view(&self) -> FindingsRef<'_> {
        FindingsRef { tls: self.tls.as_ref(), ssh: self.ssh.as_deref() }
    }
}

impl FindingsRef<'_> {
    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.tls.is_none() && self.ssh.is_none()
    }

    /// The protocols whose handshake is complete: those that protect.
    pub fn complete(self) -> Self {
        Self { tls: self.tls.filter(|t| t.completed), ssh: self.ssh.filter(|s| s.completed) }
    }

    /// Whether bytes of a handshake were missing or made no sense.
    pub fn incomplete(&self) -> bool {
        self.tls.is_some_and(|t| t.incomplete) || self.ssh.is_some_and(|s| s.incomplete)
    }
}
