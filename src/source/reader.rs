//! The formats of capture files: which one a file has, and what a reader of any of them
//! finds next.

use super::chain::{self, Chain};
use super::foreign;
use super::pcap::Pcap;
use super::pcapng::PcapNg;
use super::{Damage, FilePosition, LinkType, SourceError};
use crate::input::Input;

/// What a reader found next.
pub(super) enum Step {
    /// A packet; its bytes are in the input's buffer.
    Packet(Head),
    /// Something that was passed over.
    Damage(Damage),
    /// Packets were lost before the next one.
    Lost(Lost),
    /// Nothing more of this capture.
    End,
}

/// A packet that is still in the input's buffer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    /// Capture time; `None` if the format has none.
    pub ts: Option<i64>,
    /// Bytes before the data.
    pub skip: usize,
    /// Captured bytes.
    pub captured: u32,
    /// Bytes after the data.
    pub trailer: usize,
    /// Bytes on the wire.
    pub wire: u32,
    /// Link type.
    pub link: LinkType,
}

/// Packets that were not captured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Lost {
    /// The interface had no room for them.
    pub interface: u64,
    /// The operating system, or whoever captured, had no room for them.
    pub kernel: u64,
}

/// The reader of a capture file's format.
pub(super) enum Reader {
    /// pcap.
    Pcap(Pcap),
    /// pcapng.
    PcapNg(PcapNg),
    /// A format whose records follow each other.
    Chain(Chain),
}

impl Reader {
    /// Whether [`Self::next`] finds most packets.
    pub fn is_usual(&self) -> bool {
        matches!(self, Self::Pcap(_) | Self::PcapNg(_))
    }

    /// The next packet, where it is in these bytes and of the usual form; otherwise
    /// [`Self::peek`] has to look.
    pub fn next(&mut self, bytes: &[u8]) -> Option<Head> {
        match self {
            Self::Pcap(r) => r.next(bytes),
            Self::PcapNg(r) => r.next(bytes),
            Self::Chain(_) => None,
        }
    }

    /// Looks for the next packet, or what is to be told before it.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn peek(&mut self, input: &mut Input) -> std::io::Result<Step> {
        // Another capture may have been appended to this one.
        if begins_capture(input.want(LOOK)?) && !self.continues(input.here()) {
            return Ok(Step::End);
        }
        match self {
            Self::Pcap(r) => r.peek(input),
            Self::PcapNg(r) => r.peek(input),
            Self::Chain(r) => r.peek(input),
        }
    }

    /// Whether what looks like the beginning of a capture is part of this one.
    fn continues(&self, head: &[u8]) -> bool {
        matches!(self, Self::PcapNg(_)) && PcapNg::matches(head)
    }

    /// The reader of the capture that follows this one in the same file, if one does.
    ///
    /// # Errors
    /// If one follows that cannot be read.
    pub fn following(input: &mut Input) -> Result<Option<Self>, SourceError> {
        let follows = input.offset() > 0 && input.want(LOOK).is_ok_and(begins_capture);
        if follows { open_reader(input).map(Some) } else { Ok(None) }
    }

    /// What the user should know about the file.
    pub fn notes(&self, file: &std::path::Path) -> Vec<String> {
        let notes = match self {
            Self::Pcap(r) => r.notes(),
            Self::Chain(r) => r.notes(),
            Self::PcapNg(_) => Vec::new(),
        };
        notes.into_iter().map(|note| format!("{}: {note}", file.display())).collect()
    }
}

/// Bytes in which the beginning of a capture is recognised inside of another.
pub(super) const LOOK: usize = 32;

/// Whether bytes are the beginning of a capture so surely that nothing else is.
pub(super) fn begins_capture(head: &[u8]) -> bool {
    Pcap::certain(head)
        || PcapNg::matches(head)
            && head.get(12..16).is_some_and(|v| v == [1, 0, 0, 0] || v == [0, 1, 0, 0])
        || chain::certain(head)
}

/// Finds out the format of an input and starts its reader.
pub(super) fn open_reader(input: &mut Input) -> Result<Reader, SourceError> {
    let file = input.file().to_owned();
    let head = input.want(LOOK).map_err(|error| SourceError::Io { file: file.clone(), error })?;
    if Pcap::matches(head) {
        return Ok(Reader::Pcap(Pcap::open(input)?));
    }
    if PcapNg::matches(head) {
        return Ok(Reader::PcapNg(PcapNg::open(input)?));
    }
    if head.is_empty() {
        let place = FilePosition { file, offset: 0 };
        return Err(SourceError::Unsupported { place, what: "the file is empty".to_owned() });
    }
    if let Some(chain) = Chain::open(input)? {
        return Ok(Reader::Chain(chain));
    }
    let head =
        input.want(foreign::LOOK).map_err(|error| SourceError::Io { file: file.clone(), error })?;
    let found = head.iter().take(8).map(|b| format!("{b:02X}")).collect::<Vec<_>>().join(" ");
    Err(match foreign::name(head) {
        Some((name, remedy)) => SourceError::Foreign { file, found, name, remedy },
        None => SourceError::UnknownFormat { file, found },
    })
}
