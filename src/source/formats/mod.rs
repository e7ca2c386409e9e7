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
