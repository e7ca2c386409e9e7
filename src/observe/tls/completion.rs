//! Whether a TLS 1.3 handshake is complete. Its Finished messages are encrypted, and
//! look like application data and like alerts: only the lengths of records tell what
//! they can be (RFC 8446 sections 4.4.4 and 5.2).

use super::facts::Suite;

/// Bytes of a handshake message's header.
const MESSAGE_HEADER: u64 = 4;
/// Bytes of the content type that is encrypted with the content.
const CONTENT_TYPE: u64 = 1;
/// Bytes of an alert.
const ALERT: u64 = 2;
/// Bytes of the shortest EncryptedExtensions message.
const ENCRYPTED_EXTENSIONS: u64 = MESSAGE_HEADER + 2;

/// Lengths in bytes that follow from a cipher suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lengths {
    /// A Finished message: header, and a value as long as the hash.
    pub finished: u64,
    /// How much longer a record is than its content: content type and tag.
    pub expansion: u64,
}

impl Lengths {
    /// The lengths of a suite; of one without a name the least of all.
    pub fn of(suite: Option<Suite>) -> Self {
        let name = suite.and_then(Suite::name);
        let has = |part: &str| name.is_some_and(|name| name.contains(part));
        let hash = if has("SHA512") {
            64
        } else if has("SHA384") {
            48
        } else {
            // SHA-256, SM3 (RFC 8998) and Streebog-256 (RFC 9367).
            32
        };
        let tag = match name {
            None => 8,
            // RFC 6655; RFC 9367: the block of Magma has 64 bits.
            Some(_) if has("_CCM_8_") || has("_MAGMA_") => 8,
            // RFC 9150: an HMAC and no encryption.
            Some("TLS_SHA256_SHA256") => 32,
            Some("TLS_SHA384_SHA384") => 48,
            Some(_) => 16,
        };
        Self { finished: MESSAGE_HEADER + hash, expansion: CONTENT_TYPE + tag }
    }
}

/// Encrypted records of a side.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Flight {
    records: u64,
    bytes: u64,
    longest: u64,
}

impl Flight {
    /// Another record, by the length in its header.
    pub fn add(&mut self, length: usize) {
        let length = u64::try_from(length).unwrap_or(0);
        self.records += 1;
        self.bytes += length;
        self.longest = self.longest.max(length);
    }

    /// Whether there are any.
    pub fn has_records(self) -> bool {
        self.records > 0
    }

    /// Whether the client's records together can hold its Finished.
    pub fn may_be_of_client(self, lengths: Lengths) -> bool {
        self.content(lengths) >= lengths.finished
    }

    /// Whether the server's records together can hold what it has to send.
    pub fn may_be_of_server(self, lengths: Lengths) -> bool {
        self.content(lengths) >= lengths.finished + ENCRYPTED_EXTENSIONS
    }

    /// Whether it is nothing but records of the length of an alert.
    pub fn is_alert(self, lengths: Lengths) -> bool {
        self.records > 0 && self.longest <= lengths.expansion + ALERT
    }

    /// Most bytes that the records may hold.
    fn content(self, lengths: Lengths) -> u64 {
        self.bytes.saturating_sub(self.records.saturating_mul(lengths.expansion))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortest_record_with_a_finished_by_suite() {
        // 4 + hash + 1 + tag.
        for (suite, record) in [
            (0x1301, 53),
            (0x1302, 69),
            (0x1303, 53),
            (0x1304, 53),
            (0x1305, 45),
            (0x1306, 85),
            (0x1307, 53),
            (0x00C6, 53),
            (0x00C7, 53),
            (0xC0B4, 69),
            (0xC0B5, 101),
            (0xC103, 53),
            (0xC104, 45),
            // Without a name.
            (0x13FF, 45),
        ] {
            let lengths = Lengths::of(Some(Suite::Tls(suite)));
            for (length, may) in [(record - 1, false), (record, true), (record + 40, true)] {
                let mut flight = Flight::default();
                flight.add(length);
                assert_eq!(flight.may_be_of_client(lengths), may, "{suite:04X} {length}");
            }
            let mut flight = Flight::default();
            flight.add(record + 5);
            assert!(!flight.may_be_of_server(lengths), "{suite:04X}");
            flight.add(record);
            assert!(flight.may_be_of_server(lengths), "{suite:04X}");
        }
    }

    #[test]
    fn alerts_are_no_flight() {
        let lengths = Lengths::of(Some(Suite::Tls(0x1301)));
        let mut flight = Flight::default();
        assert!(!flight.is_alert(lengths));
        for _ in 0..2 {
            flight.add(19);
            assert!(flight.is_alert(lengths) && !flight.may_be_of_client(lengths));
        }
        // An empty Certificate, and then Finished.
        let mut flight = Flight::default();
        flight.add(25);
        assert!(!flight.is_alert(lengths) && !flight.may_be_of_client(lengths));
        flight.add(53);
        assert!(flight.may_be_of_client(lengths));
    }
}
