//! Formats of capture files other than pcap and pcapng. Each module recognises one, reads
//! its file header and the headers of its records.

pub(super) mod erf;
pub(super) mod iptrace;
pub(super) mod netmon;
pub(super) mod nettl;
pub(super) mod netxray;
pub(super) mod sniffer;
pub(super) mod snoop;

use super::chain::Format;

/// A format and the bytes of its file header, or why this file cannot be read.
pub(super) type Opened = Result<(Box<dyn Format>, usize), String>;

/// How files of a format begin.
pub(super) struct Beginning {
    /// Whether bytes are the beginning of such a file.
    pub matches: fn(&[u8]) -> bool,
    /// Reads the file header.
    pub open: fn(&[u8]) -> Opened,
}

/// The formats whose files begin with what nothing else begins with.
pub(super) const UNMISTAKABLE: [Beginning; 6] = [
    Beginning { matches: sniffer::matches, open: sniffer::open },
    Beginning { matches: snoop::matches, open: snoop::open },
    Beginning { matches: netmon::matches, open: netmon::open },
    Beginning { matches: netxray::matches, open: netxray::open },
    Beginning { matches: iptrace::matches, open: iptrace::open },
    Beginning { matches: nettl::matches, open: nettl::open },
];
