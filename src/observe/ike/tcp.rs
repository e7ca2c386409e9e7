//! IKE and ESP in TCP (RFC 9329): a prefix from the TCP client, then frames with
//! a length, each an IKE message behind the non-ESP marker or an ESP packet.

use super::state::Ike;
use super::wire::spis;
use crate::observe::Side;

/// What the TCP client sends first, once.
pub(in crate::observe) const PREFIX: &[u8] = b"IKETCP";
/// IKE security associations of one stream.
const MAX_IKE: usize = 64;
/// The longest IKE message that is put together; of ESP only the head is read.
const MAX_MESSAGE: usize = 16 * 1024;
/// Length field, and the marker or SPI.
const HEAD: usize = 6;
const ESP_SPIS: usize = 256;

/// One direction.
#[derive(Debug, Default)]
struct Half {
    kept: Vec<u8>,
    /// Bytes of an ESP packet or a long message that are still to come.
    skip: usize,
    /// The place of the frames is lost.
    lost: bool,
}

impl Half {
    /// How many bytes of the frame under way are to be put together.
    fn wanted(&self) -> usize {
        let total = length(&self.kept);
        match self.kept.get(2..HEAD) {
            _ if self.kept.len() < 2 => 2,
            Some([0, 0, 0, 0]) if total <= MAX_MESSAGE => total,
            Some(_) => HEAD,
            None => total.min(HEAD),
        }
    }
}

/// The length field of a frame.
fn length(kept: &[u8]) -> usize {
    kept.first_chunk().map_or(0, |&length| usize::from(u16::from_be_bytes(length)))
}

/// ESP that one side sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Esp {
    /// SPIs in order of appearance.
    pub spis: Vec<u32>,
    /// Packets.
    pub packets: u64,
    /// Bytes from the ESP header on.
    pub bytes: u64,
}

/// The observer of one TCP connection that carries IKE.
#[derive(Debug)]
pub struct TcpEncapsulation {
    client: Side,
    prefix: usize,
    halves: [Half; 2],
    ikes: Vec<Ike>,
    esp: [Esp; 2],
    incomplete: bool,
}

impl TcpEncapsulation {
    /// An observer; the client sends the prefix.
    pub fn new(client: Side) -> Self {
        Self {
            client,
            prefix: PREFIX.len(),
            halves: Default::default(),
            ikes: Vec::new(),
            esp: Default::default(),
            incomplete: false,
        }
    }

    /// The side that sent the prefix, as only the TCP client does.
    pub fn client(&self) -> Side {
        self.client
    }

    /// The IKE security associations.
    pub fn ikes(&self) -> &[Ike] {
        &self.ikes
    }

    /// The ESP of a side.
    pub fn esp(&self, side: Side) -> &Esp {
        side.of(&self.esp)
    }

    /// Whether bytes were missing or made no sense.
    pub fn incomplete(&self) -> bool {
        self.incomplete
    }

    /// Takes the next bytes of a side.
    pub fn data(&mut self, side: Side, bytes: &[u8]) {
        let mut rest = bytes;
        if side == self.client && self.prefix > 0 {
            let skip = self.prefix.min(rest.len());
            self.prefix -= skip;
            rest = rest.get(skip..).unwrap_or_default();
        }
        while !rest.is_empty() && !side.of(&self.halves).lost {
            rest = self.frame(side, rest);
        }
    }

    /// Reads on in a frame; returns what is left.
    fn frame<'a>(&mut self, side: Side, bytes: &'a [u8]) -> &'a [u8] {
        let half = side.of_mut(&mut self.halves);
        if half.skip > 0 {
            let n = half.skip.min(bytes.len());
            half.skip -= n;
            return bytes.get(n..).unwrap_or_default();
        }
        let n = half.wanted().saturating_sub(half.kept.len()).min(bytes.len());
        let (new, rest) = bytes.split_at(n);
        half.kept.extend_from_slice(new);
        match half.wanted() {
            // The length counts itself.
            0 | 1 => {
                half.lost = true;
                self.incomplete = true;
            }
            wanted if half.kept.len() < wanted => {}
            _ => {
                let kept = std::mem::take(&mut half.kept);
                let total = length(&kept);
                // Of ESP, and of what is too long, the head is enough.
                half.skip = total.saturating_sub(kept.len());
                self.content(side, kept.get(2..).unwrap_or_default(), total.saturating_sub(2));
            }
        }
        rest
    }

    /// Takes what a frame holds, or its first four bytes.
    fn content(&mut self, side: Side, bytes: &[u8], length: usize) {
        let Some((head, message)) = bytes.split_first_chunk::<4>() else {
            // A NAT keep-alive, or nothing.
            return;
        };
        if *head == [0; 4] {
            self.ike(side, message);
            return;
        }
        let esp = side.of_mut(&mut self.esp);
        let spi = u32::from_be_bytes(*head);
        if esp.spis.len() < ESP_SPIS && !esp.spis.contains(&spi) {
            esp.spis.push(spi);
        }
        esp.packets += 1;
        esp.bytes += length as u64;
        for ike in &mut self.ikes {
            ike.in_use();
        }
    }

    fn ike(&mut self, side: Side, message: &[u8]) {
        let Some((initiator, _)) = spis(message) else {
            self.incomplete = true;
            return;
        };
        let known = self.ikes.iter_mut().find(|i| i.facts().initiator_spi == initiator);
        if let Some(ike) = known {
            ike.message(side, message, false);
        } else if self.ikes.len() < MAX_IKE
            && let Some(mut ike) = Ike::new(message)
        {
            ike.message(side, message, false);
            self.ikes.push(ike);
        }
    }

    /// Bytes of a side are missing: where its next frame begins is not known.
    pub fn hole(&mut self, side: Side) {
        self.incomplete = true;
        side.of_mut(&mut self.halves).lost = true;
        side.of_mut(&mut self.halves).kept = Vec::new();
    }

    /// Bytes of unfinished messages that are held.
    pub fn held(&self) -> usize {
        self.halves.iter().map(|half| half.kept.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const C: Side = Side::Low;
    const S: Side = Side::High;

    /// A message that is a header alone.
    fn message(exchange: u8, flags: u8) -> Vec<u8> {
        let mut m = vec![0, 28 + 6, 0, 0, 0, 0];
        m.extend([1, 2, 3, 4, 5, 6, 7, 8]);
        m.extend([9; 8]);
        m.extend([0, 0x20, exchange, flags, 0, 0, 0, 0, 0, 0, 0, 28]);
        m
    }

    fn client() -> Vec<u8> {
        let esp = [&[0, 20, 0xC0, 0, 0, 1, 0, 0, 0, 1][..], &[7; 10]].concat();
        let keep_alive = [0, 3, 0xFF, 0, 2];
        [PREFIX, &message(34, 8), &keep_alive, &esp, &message(35, 8), &esp].concat()
    }

    fn check(t: &TcpEncapsulation) {
        assert_eq!(t.ikes().len(), 1);
        assert_eq!((t.ikes()[0].facts().messages, t.incomplete()), (2, false));
        assert_eq!(*t.esp(C), Esp { spis: vec![0xC000_0001], packets: 2, bytes: 36 });
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same(mut cuts in prop::collection::vec(0usize..130, 0..20)) {
            let all = client();
            cuts.retain(|&c| c < all.len());
            cuts.sort_unstable();
            cuts.push(all.len());
            let mut t = TcpEncapsulation::new(C);
            let mut from = 0;
            for to in cuts {
                t.data(C, &all[from..to]);
                from = to;
            }
            check(&t);
        }

        #[test]
        fn noise(bytes in prop::collection::vec(any::<u8>(), 0..300), side in any::<bool>()) {
            let mut t = TcpEncapsulation::new(C);
            t.data(if side { C } else { S }, &bytes);
        }
    }

    #[test]
    fn a_frame_shorter_than_its_length_field_is_the_end() {
        let mut t = TcpEncapsulation::new(C);
        t.data(S, &[0, 1, 0, 0]);
        t.data(S, &message(34, 0x20));
        assert!(t.incomplete() && t.ikes().is_empty());
    }
}
