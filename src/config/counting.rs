//! Which segments and bytes of a TCP connection count: all of them, or as a stack does.

use std::fmt;

/// What a segment is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SegmentKind {
    /// SYN, of either side, without data.
    Syn,
    /// The acknowledgment that completes the three-way handshake.
    HandshakeAck,
    /// FIN without data.
    Fin,
    /// RST.
    Rst,
    /// Nothing but an acknowledgment.
    Ack,
    /// A keep-alive or a probe of a closed window: no byte, or one, that the other side has
    /// (RFC 9293 sections 3.8.4 and 3.8.6.1).
    Probe,
    /// Data that was all sent before.
    Retransmission,
}

impl SegmentKind {
    /// All, in the order of their bits.
    pub const ALL: [Self; 7] = [
        Self::Syn,
        Self::HandshakeAck,
        Self::Fin,
        Self::Rst,
        Self::Ack,
        Self::Probe,
        Self::Retransmission,
    ];

    /// The kind's bit in a rule.
    pub fn bit(self) -> u8 {
        1 << self as u8
    }

    /// As it stands in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Syn => "syn",
            Self::HandshakeAck => "handshake_ack",
            Self::Fin => "fin",
            Self::Rst => "rst",
            Self::Ack => "ack",
            Self::Probe => "probe",
            Self::Retransmission => "retransmission",
        }
    }

    /// In words.
    pub fn text(self) -> &'static str {
        match self {
            Self::Syn => "SYN",
            Self::HandshakeAck => "the last ACK of the three-way handshake",
            Self::Fin => "FIN",
            Self::Rst => "RST",
            Self::Ack => "bare acknowledgments",
            Self::Probe => "keep-alives and window probes",
            Self::Retransmission => "retransmissions",
        }
    }
}

/// Which segments and bytes count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CountingRule {
    /// Bits of the kinds of segments that do not count.
    pub without: u8,
    /// Whether bytes that are sent again count again.
    pub bytes_again: bool,
}

impl CountingRule {
    /// Whether everything counts, each byte once.
    pub fn is_default(self) -> bool {
        self == Self::default()
    }

    /// The kinds that do not count.
    pub fn kinds(self) -> impl Iterator<Item = SegmentKind> {
        SegmentKind::ALL.into_iter().filter(move |kind| self.without & kind.bit() != 0)
    }
}

impl fmt::Display for CountingRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let without_data = SegmentKind::ALL.iter().filter(|k| **k != SegmentKind::Retransmission);
        let without_data = without_data.fold(0, |bits, kind| bits | kind.bit());
        let names: Vec<&str> = self.kinds().map(SegmentKind::text).collect();
        if self.without == without_data {
            f.write_str("segments with data alone")?;
        } else if names.is_empty() {
            f.write_str("all segments")?;
        } else {
            write!(f, "all segments but {}", names.join(", "))?;
        }
        if self.bytes_again {
            f.write_str("; bytes that are sent again count again")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_told_in_words() {
        assert_eq!(CountingRule::default().to_string(), "all segments");
        let rule = CountingRule { without: 0b11_1111, bytes_again: false };
        assert_eq!(rule.to_string(), "segments with data alone");
        let rule = CountingRule { without: SegmentKind::Ack.bit(), bytes_again: true };
        let text = "all segments but bare acknowledgments; bytes that are sent again count again";
        assert_eq!(rule.to_string(), text);
        assert!(SegmentKind::ALL.iter().enumerate().all(|(n, kind)| kind.bit() == 1 << n));
    }
}
