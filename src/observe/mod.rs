//! What the bytes of a connection say: the first look, and the protocols that
//! it recognises.
//!
//! A room here sees bytes, the side that sent them, and time; never a packet.
//! A connection without recognised protection costs next to nothing: once the
//! first bytes are no handshake, only the beginnings of segments are looked
//! at, for as long as the connection lives.

mod look;
pub mod tls;

pub use look::may_begin;

use look::Look;
use tls::Tls;
use tls::certificate::Certificates;

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

    /// 0 or 1, to index pairs.
    pub fn index(self) -> usize {
        usize::from(self == Self::High)
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
    looks: [Look; 2],
    tls: Option<Box<Tls>>,
    /// Bytes of a side that did not answer a ClientHello in the middle of a
    /// connection.
    unanswered: usize,
}

/// Bytes after which a ClientHello in the middle of a connection that nobody
/// has answered is taken for data that looks like one.
const MAX_UNANSWERED: usize = 16 * 1024;

impl Observer {
    /// An observer of a connection whose first bytes will be seen.
    pub fn from_start() -> Self {
        Self { looks: [Look::first(), Look::first()], tls: None, unanswered: 0 }
    }

    /// An observer of a connection that is already under way.
    pub fn midstream() -> Self {
        Self { looks: [Look::Watching, Look::Watching], tls: None, unanswered: 0 }
    }

    /// Whether the side's bytes are wanted in order: a handshake may begin with
    /// them, or the other side has begun one. Otherwise only segments whose
    /// beginning [`may_begin`] a handshake are.
    pub fn follows(&self, side: Side) -> bool {
        self.tls.is_some() || !matches!(self.looks[side.index()], Look::Watching)
    }

    /// Whether the side's first bytes are still looked at.
    pub fn is_at_start(&self, side: Side) -> bool {
        matches!(self.looks[side.index()], Look::First { .. })
    }

    /// Whether no handshake has begun on the side, though one may later.
    pub fn is_watching(&self, side: Side) -> bool {
        matches!(self.looks[side.index()], Look::Watching)
    }

    /// Takes the next bytes of a side; they begin where a segment begins.
    pub fn data(&mut self, side: Side, bytes: &[u8], certificates: &mut Certificates) -> Progress {
        let look = &mut self.looks[side.index()];
        match look.take(bytes) {
            look::Taken::Nothing => {
                self.unanswered(side, bytes.len());
                return Progress::Open;
            }
            look::Taken::Here => {}
            look::Taken::With(prefix) => {
                let tls = self.tls.get_or_insert_default();
                return tls.data(side, &prefix, certificates);
            }
        }
        let tls = self.tls.get_or_insert_default();
        tls.data(side, bytes, certificates)
    }

    /// A side goes on as if no handshake had begun. After a while there is
    /// none: the hello was data.
    fn unanswered(&mut self, side: Side, bytes: usize) {
        if self.tls.is_none() || self.is_at_start(side) {
            return;
        }
        self.unanswered += bytes;
        if self.unanswered > MAX_UNANSWERED {
            *self = Self::midstream();
        }
    }

    /// Bytes of a side are missing.
    pub fn hole(&mut self, side: Side, length: u64) {
        if self.looks[side.index()].hole()
            && let Some(tls) = &mut self.tls
        {
            tls.hole(side, length);
        }
    }

    /// Draws the conclusion that one captured direction allows: only `seen`
    /// was captured.
    pub fn conclude_one_sided(&mut self, seen: Side) -> Progress {
        self.tls.as_mut().map_or(Progress::Open, |tls| tls.conclude_one_sided(seen))
    }

    /// What was learned of TLS so far.
    pub fn tls(&self) -> Option<&tls::Facts> {
        self.tls.as_ref().map(|tls| tls.facts())
    }

    /// Ends the observation and hands over what was learned of TLS.
    pub fn into_tls(self) -> Option<tls::Facts> {
        self.tls.map(|tls| tls.into_facts())
    }
}
