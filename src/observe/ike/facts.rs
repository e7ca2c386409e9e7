//! What was learned of one IKE security association.

use crate::observe::Side;

/// What the responder chose. Numbers are those of the version's registry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// Encryption algorithm.
    pub encryption: Option<u16>,
    /// Length of its key in bits, where it is given.
    pub key_bits: Option<u16>,
    /// Integrity algorithm; in version 1 the hash.
    pub integrity: Option<u16>,
    /// Pseudo-random function (version 2).
    pub prf: Option<u16>,
    /// Diffie-Hellman group or key exchange method.
    pub group: Option<u16>,
    /// Additional key exchanges (RFC 9370), in order.
    pub additional: Vec<u16>,
    /// Authentication method (version 1).
    pub authentication: Option<u16>,
    /// Lifetime in seconds (version 1).
    pub lifetime_seconds: Option<u32>,
    /// Lifetime in kilobytes (version 1).
    pub lifetime_kilobytes: Option<u32>,
}

/// What was learned of an IKE SA.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Version, major in the upper four bits.
    pub version: u8,
    /// The side that began it; `None` while nothing shows it.
    pub initiator: Option<Side>,
    /// Initiator's SPI (cookie).
    pub initiator_spi: [u8; 8],
    /// Responder's SPI (cookie), once it has answered.
    pub responder_spi: Option<[u8; 8]>,
    /// The exchange that set it up, as far as it was seen.
    pub exchange: u8,
    /// The responder's choice.
    pub choice: Option<Choice>,
    /// Whether it was used after it was set up.
    pub completed: bool,
    /// The error that the last clear answer reported.
    pub failure: Option<u16>,
    /// Messages, and how many of them encrypted.
    pub messages: u64,
    /// Encrypted messages.
    pub encrypted: u64,
    /// Whether messages went over port 4500.
    pub nat_traversal: bool,
}
