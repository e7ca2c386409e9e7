//! Encrypted data of a connection whose handshake was not captured.
//!
//! TLS and SSH leave the lengths of their records and packets readable (SSH with AES-GCM
//! and with encrypt-then-MAC algorithms only). Where each header stands exactly where the
//! one before it says, many times and in both directions, the data are records of that
//! protocol. It shows that the connection is encrypted, and neither how nor by whom: it is
//! told to people, and is no claim of a record.

use super::Side;
use super::detect::MAX_RECORD;

/// Headers that have to be found in their places in both directions together.
const ENOUGH_TLS: u32 = 8;
const ENOUGH_SSH: u32 = 24;
/// And in each direction that carries data.
const ENOUGH_EACH: u32 = 2;
/// Segments that are looked at.
const MAX_SEGMENTS: u16 = 1024;
/// Bytes of a direction that are searched for a first header: some of the longest records.
const MAX_SEARCHED: usize = 64 * 1024;
/// The longest SSH packet that implementations send.
const MAX_PACKET: u32 = 35_000;
/// Lengths of the authentication tags and codes of SSH in bytes: umac-64, hmac-sha1-96,
/// AES-GCM with umac-128, hmac-sha1, hmac-sha2-256, hmac-sha2-512.
const TAGS: [usize; 6] = [8, 12, 16, 20, 32, 64];

/// A protocol whose encrypted data were recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encrypted {
    /// Records of TLS.
    Tls,
    /// Packets of SSH.
    Ssh,
}

impl Encrypted {
    /// Its name in the output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tls => "tls",
            Self::Ssh => "ssh",
        }
    }
}

/// Headers of one direction that stand where the ones before them say.
#[derive(Clone, Copy, Debug, Default)]
struct Chain {
    /// Position of the next header.
    next: Option<i64>,
    /// What of it has come.
    kept: [u8; 5],
    have: usize,
    /// Version of the records.
    version: u8,
    /// Headers that stood in their places.
    found: u32,
}

/// What a header says.
struct Header {
    /// Bytes between it and the next.
    body: usize,
    version: u8,
    /// Whether it counts.
    data: bool,
}

/// The form of headers.
#[derive(Clone, Copy, Debug)]
enum Form {
    Tls,
    /// With the length of what authenticates a packet.
    Ssh(usize),
}

impl Form {
    fn length(self) -> usize {
        match self {
            Self::Tls => 5,
            Self::Ssh(_) => 4,
        }
    }

    /// Reads a header.
    fn header(self, bytes: &[u8]) -> Option<Header> {
        const APPLICATION_DATA: u8 = 23;
        /// The least that a protected record holds: a content type or an alert, and a tag of
        /// eight bytes (RFC 8446 section 5.2), or a stream cipher's MAC of 16 (RFC 5246).
        const LEAST: usize = 9;
        match (self, bytes) {
            // ChangeCipherSpec is not encrypted, and heartbeats are not what is looked for.
            (Self::Tls, &[content @ 21..=APPLICATION_DATA, 3, version @ 1..=3, high, low, ..]) => {
                let body = usize::from(u16::from_be_bytes([high, low]));
                (LEAST..=MAX_RECORD).contains(&body).then_some(Header {
                    body,
                    version,
                    data: content == APPLICATION_DATA,
                })
            }
            // RFC 5647 section 7.3: a multiple of the block of the cipher, at least eight.
            (Self::Ssh(tag), &[a, b, c, d, ..]) => {
                let length = u32::from_be_bytes([a, b, c, d]);
                let fits = (16..=MAX_PACKET).contains(&length) && length.is_multiple_of(8);
                let body = usize::try_from(length).ok().filter(|_| fits)? + tag;
                Some(Header { body, version: 0, data: true })
            }
            _ => None,
        }
    }

    /// The offset of something that may be a first header, and what it says.
    fn search(self, bytes: &[u8]) -> Option<(usize, Header)> {
        let mut from = 0;
        loop {
            let rest = bytes.get(from..).unwrap_or_default();
            let at = from
                + match self {
                    Self::Tls => rest.iter().position(|&b| b == 23)?,
                    // Packets begin where segments begin, if anything does.
                    Self::Ssh(_) if from == 0 => 0,
                    Self::Ssh(_) => return None,
                };
            if let Some(header) = self.header(bytes.get(at..).unwrap_or_default()) {
                return Some((at, header));
            }
            from = at + 1;
        }
    }
}

impl Chain {
    /// Takes the captured bytes of a segment; on the wire it goes to `end`.
    fn segment(&mut self, form: Form, start: i64, bytes: &[u8], end: i64) {
        let mut from = 0;
        loop {
            let Some(next) = self.next else {
                let rest = bytes.get(from..).unwrap_or_default();
                let Some((at, header)) = form.search(rest) else { return };
                self.version = header.version;
                let at = from + at + form.length();
                self.expect(start + count(at) + count(header.body));
                from = at;
                continue;
            };
            let place = next + count(self.have);
            if place >= end {
                return;
            }
            if place < start {
                // What lies between was not captured: nothing is known of the place.
                self.next = None;
                continue;
            }
            let at = usize::try_from(place - start).unwrap_or(usize::MAX);
            let rest = bytes.get(at..).unwrap_or_default();
            if rest.is_empty() {
                // The capture has cut the segment.
                self.next = None;
                return;
            }
            let wanted = form.length() - self.have;
            for (kept, &byte) in self.kept.iter_mut().skip(self.have).zip(rest.iter().take(wanted))
            {
                *kept = byte;
            }
            self.have += wanted.min(rest.len());
            if self.have < form.length() {
                continue;
            }
            let kept = self.kept.get(..self.have).unwrap_or_default();
            match form.header(kept).filter(|header| header.version == self.version) {
                Some(header) => {
                    self.found += u32::from(header.data);
                    self.expect(next + count(form.length()) + count(header.body));
                    from = at + wanted;
                }
                None => {
                    // What was found before were no headers.
                    *self = Self::default();
                    from = at;
                }
            }
        }
    }

    fn expect(&mut self, next: i64) {
        self.next = Some(next);
        self.have = 0;
    }
}

/// One direction.
#[derive(Debug, Default)]
struct Half {
    tls: Chain,
    ssh: [Chain; TAGS.len()],
    /// Position after the highest byte seen.
    edge: Option<i64>,
    /// Bytes that were searched for a first header.
    searched: usize,
    /// Bytes, and those with the highest bit set: half of them in ciphertext.
    bytes: u64,
    high: u64,
}

impl Half {
    fn segment(&mut self, start: i64, bytes: &[u8], end: i64) {
        if self.edge.is_some_and(|edge| start < edge) {
            // Again, or out of order.
            return;
        }
        self.edge = Some(end);
        let searches = self.tls.next.is_none();
        if !searches || self.searched < MAX_SEARCHED {
            self.tls.segment(Form::Tls, start, bytes, end);
            self.searched += if searches { bytes.len() } else { 0 };
        }
        if self.tls.found == 0 {
            for (chain, tag) in self.ssh.iter_mut().zip(TAGS) {
                chain.segment(Form::Ssh(tag), start, bytes, end);
            }
            self.bytes += u64::try_from(bytes.len()).unwrap_or(0);
            self.high += bytes.iter().map(|b| u64::from(b >> 7)).sum::<u64>();
        }
    }

    /// Most headers of packets of SSH that stand in their places, whatever authenticates them.
    fn packets(&self) -> u32 {
        let looks_random = self.high * 100 >= self.bytes * 35 && self.high * 100 <= self.bytes * 65;
        let most = self.ssh.iter().map(|chain| chain.found).max().unwrap_or(0);
        if looks_random { most } else { 0 }
    }
}

/// What is looked at of a connection whose handshake was not captured.
#[derive(Debug, Default)]
pub struct CiphertextDetector {
    halves: [Half; 2],
    segments: u16,
}

impl CiphertextDetector {
    /// Takes a segment that begins at position `start`: its captured bytes, and its length
    /// on the wire. Returns whether more are wanted.
    pub fn segment(&mut self, side: Side, start: i64, bytes: &[u8], length: u32) -> bool {
        self.segments += 1;
        side.of_mut(&mut self.halves).segment(start, bytes, start + i64::from(length));
        let [low, high] = self.halves.each_ref().map(|half| half.edge.is_some());
        let settled = low && high && self.recognised().is_some();
        let lost = self.halves.iter().all(|half| {
            half.searched >= MAX_SEARCHED && half.ssh.iter().all(|chain| chain.found == 0)
        });
        !settled && !lost && self.segments < MAX_SEGMENTS
    }

    /// The protocol whose records were found.
    pub fn recognised(&self) -> Option<Encrypted> {
        let enough = |found: [u32; 2], all: u32| {
            let each = self.halves.iter().zip(found);
            found.iter().sum::<u32>() >= all
                && each.into_iter().all(|(half, n)| n >= ENOUGH_EACH || half.edge.is_none())
        };
        if enough(self.halves.each_ref().map(|half| half.tls.found), ENOUGH_TLS) {
            Some(Encrypted::Tls)
        } else if enough(self.halves.each_ref().map(Half::packets), ENOUGH_SSH) {
            Some(Encrypted::Ssh)
        } else {
            None
        }
    }
}

fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes that look random and begin no record.
    fn noise(n: usize, seed: &mut u32) -> Vec<u8> {
        let mut next = || {
            *seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (*seed >> 24) as u8
        };
        (0..n).map(|_| next()).collect()
    }

    fn record(content: u8, version: u8, n: usize, seed: &mut u32) -> Vec<u8> {
        let length = u16::try_from(n).expect("short").to_be_bytes();
        [&[content, 3, version, length[0], length[1]][..], &noise(n, seed)].concat()
    }

    fn packet(n: usize, tag: usize, seed: &mut u32) -> Vec<u8> {
        let length = u32::try_from(n).expect("short").to_be_bytes();
        [&length[..], &noise(n + tag, seed)].concat()
    }

    /// Shows both directions in segments from an offset on.
    fn shown(directions: [&[u8]; 2], from: usize, segment: usize) -> CiphertextDetector {
        let mut detector = CiphertextDetector::default();
        let mut wanted = true;
        let halves = [Side::Low, Side::High].into_iter().zip(directions);
        for (side, bytes) in halves {
            let mut at = i64::try_from(from).expect("short");
            for piece in bytes.get(from..).unwrap_or_default().chunks(segment) {
                let length = u32::try_from(piece.len()).expect("short");
                if wanted {
                    wanted = detector.segment(side, at, piece, length);
                }
                at += i64::from(length);
            }
        }
        detector
    }

    #[test]
    fn records_are_found_from_any_place_in_segments_of_any_length() {
        for version in 1..=3 {
            let mut seed = 7;
            let lengths = [17, 40, 1200, 16_401, 300, 24, 90, 90, 90, 700, 31, 33];
            let low = lengths.map(|n| record(23, version, n, &mut seed)).concat();
            let mut high = lengths.map(|n| record(23, version, n + 3, &mut seed)).concat();
            // A renegotiation or a key update's neighbour, and the end.
            high.extend(record(22, version, 40, &mut seed));
            high.extend(record(21, version, 26, &mut seed));
            for from in [0, 1, 4, 5, 30, 1400] {
                for segment in [1448, 536, 100, 7000] {
                    let detector = shown([&low, &high], from, segment);
                    let expected = Some(Encrypted::Tls);
                    assert_eq!(detector.recognised(), expected, "{version} {from} {segment}");
                }
            }
            // One direction that carries clear text, or too little, is no proof.
            let text = b"some text that goes on and on. ".repeat(40);
            assert_eq!(shown([&low, &text], 0, 1448).recognised(), None);
            assert_eq!(shown([&low, &high[..60]], 0, 1448).recognised(), None);
            // A direction of which nothing was captured proves nothing either way.
            assert_eq!(shown([&low, &[]], 0, 1448).recognised(), Some(Encrypted::Tls));
        }
    }

    #[test]
    fn what_breaks_the_chain_is_no_record() {
        let mut seed = 3;
        let mut low = Vec::new();
        for _ in 0..40 {
            // The lengths are one too short.
            low.extend(record(23, 3, 90, &mut seed));
            low.push(0);
        }
        assert_eq!(shown([&low, &low], 0, 1448).recognised(), None);
        // Other versions, other types, lengths that no record has.
        for odd in [record(23, 4, 90, &mut seed), record(24, 3, 90, &mut seed)] {
            assert_eq!(shown([&odd.repeat(40), &odd.repeat(40)], 0, 1448).recognised(), None);
        }
        let long = [&[23, 3, 3, 0x48, 1][..], &noise(0x4801, &mut seed)].concat().repeat(12);
        assert_eq!(shown([&long, &long], 0, 1448).recognised(), None);
    }

    #[test]
    fn a_hole_breaks_no_proof_and_makes_none() {
        let mut seed = 5;
        let all = (0..60).map(|_| record(23, 3, 500, &mut seed)).collect::<Vec<_>>().concat();
        let mut detector = CiphertextDetector::default();
        for side in [Side::Low, Side::High] {
            for (n, piece) in all.chunks(1000).enumerate() {
                // Every fourth segment is missing, and some come again.
                let at = i64::try_from(n * 1000).expect("short");
                let length = u32::try_from(piece.len()).expect("short");
                if n % 4 != 0 {
                    detector.segment(side, at, piece, length);
                }
                if n % 5 == 0 {
                    detector.segment(side, at, piece, length);
                }
            }
        }
        assert_eq!(detector.recognised(), Some(Encrypted::Tls));
        // Of headers alone nothing is known.
        let mut detector = CiphertextDetector::default();
        for n in 0..200 {
            detector.segment(Side::Low, n * 1000, &[], 1000);
            detector.segment(Side::High, n * 1000, &[], 1000);
        }
        assert_eq!(detector.recognised(), None);
    }

    #[test]
    fn packets_of_ssh_whose_lengths_are_readable() {
        for tag in TAGS {
            let mut seed = 11;
            let lengths = [16, 32, 48, 16, 16, 1024, 32, 16, 64, 16, 32, 48, 16, 80, 32];
            let mut detector = CiphertextDetector::default();
            let mut at = 0;
            for n in lengths {
                let bytes = packet(n, tag, &mut seed);
                let length = u32::try_from(bytes.len()).expect("short");
                detector.segment(Side::Low, at, &bytes, length);
                detector.segment(Side::High, at, &bytes, length);
                at += i64::from(length);
            }
            assert_eq!(detector.recognised(), Some(Encrypted::Ssh), "{tag}");
        }
    }

    #[test]
    fn clear_messages_with_lengths_are_no_packets() {
        let mut seed = 1;
        // Lengths in front that count everything behind them, of random bytes; of text with
        // 16 bytes more; of lengths that are no multiple of eight.
        let random = packet(64, 0, &mut seed).repeat(60);
        let text = [&[0, 0, 0, 64][..], &[b'x'; 80]].concat().repeat(60);
        let odd = (0..60).map(|n| packet(16 + n % 7, 16, &mut seed)).collect::<Vec<_>>().concat();
        for bytes in [random, text, odd] {
            for segment in [68, 84, 1448] {
                assert_eq!(shown([&bytes, &bytes], 0, segment).recognised(), None);
            }
        }
    }

    #[test]
    fn it_ends_in_bounded_time() {
        let mut detector = CiphertextDetector::default();
        let mut seed = 9;
        let mut n = 0;
        while detector.segment(Side::Low, n * 100, &noise(100, &mut seed), 100) {
            n += 1;
            detector.segment(Side::High, n * 100, &noise(100, &mut seed), 100);
            assert!(n < i64::from(MAX_SEGMENTS));
        }
    }
}
