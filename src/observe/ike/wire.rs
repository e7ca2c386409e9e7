//! ISAKMP messages as structures. Version 2 proposals are read by
//! `ipsec-parser`; the walk over payloads and all of version 1 are here, because
//! one bad payload must not hide the others and the crate has no version 1.

use ipsec_parser::{
    IkeTransformType, IkeV2PayloadContent, parse_ikev2_header, parse_ikev2_payload_sa,
};

use super::facts::Choice;

/// Bytes of the ISAKMP header.
const HEADER: usize = 28;
/// Payloads, transforms and attributes that are looked at.
const MAX_PAYLOADS: usize = 64;
const MAX_TRANSFORMS: usize = 255;
const MAX_ATTRIBUTES: usize = 64;

/// Encrypted payloads of version 2: their content is ciphertext.
const SK: u8 = 46;
const SKF: u8 = 53;

/// What a datagram of port 500 or 4500 carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carried {
    /// An IKE message from this offset on.
    Ike(usize),
    /// ESP in UDP (RFC 3948).
    Esp,
    /// A NAT keep-alive.
    KeepAlive,
    /// Something else.
    Other,
}

/// Tells what a datagram carries. `encapsulated` is whether one of its ports is
/// 4500, where a marker stands before IKE.
pub fn demultiplex(encapsulated: bool, bytes: &[u8]) -> Carried {
    const NON_ESP_MARKER: [u8; 4] = [0; 4];
    const RESERVED_SPIS: u32 = 255;
    if !encapsulated {
        return if header(bytes).is_some() { Carried::Ike(0) } else { Carried::Other };
    }
    if bytes == [0xFF] {
        return Carried::KeepAlive;
    }
    match bytes.split_first_chunk::<4>() {
        Some((&NON_ESP_MARKER, message)) if header(message).is_some() => Carried::Ike(4),
        // Wrapped ESP (RFC 5840 section 2.1).
        Some((&[0, 0, 0, 2], rest))
            if rest.len() >= 12 && rest.get(3).is_some_and(|flags| flags & 0xC0 == 0) =>
        {
            Carried::Esp
        }
        Some((spi, rest)) if u32::from_be_bytes(*spi) > RESERVED_SPIS && rest.len() >= 4 => {
            Carried::Esp
        }
        _ => Carried::Other,
    }
}

/// The header of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub initiator_spi: [u8; 8],
    pub responder_spi: [u8; 8],
    pub next: u8,
    pub version: u8,
    pub exchange: u8,
    pub flags: u8,
    pub message_id: u32,
}

/// Reads a header and checks what RFC 7296 and RFC 2408 say of it.
pub(super) fn header(bytes: &[u8]) -> Option<Header> {
    let (_, h) = parse_ikev2_header(bytes).ok()?;
    let major = h.maj_ver;
    let exchange = h.exch_type.0;
    let known = match major {
        1 => matches!(exchange, 1..=6 | 32 | 33),
        2 => matches!(exchange, 34..=44),
        _ => false,
    };
    let length = usize::try_from(h.length).ok()?;
    if !known || h.init_spi == 0 || length < HEADER || length > bytes.len() {
        return None;
    }
    Some(Header {
        initiator_spi: h.init_spi.to_be_bytes(),
        responder_spi: h.resp_spi.to_be_bytes(),
        next: h.next_payload.0,
        version: major << 4 | h.min_ver & 0x0F,
        exchange,
        flags: h.flags,
        message_id: h.msg_id,
    })
}

/// Both SPIs of a message.
pub fn spis(bytes: &[u8]) -> Option<([u8; 8], [u8; 8])> {
    header(bytes).map(|h| (h.initiator_spi, h.responder_spi))
}

/// The payloads of a message as type and body. The chain ends where it is
/// encrypted (then the flag says so) or makes no sense.
pub(super) struct Payloads<'a> {
    next: u8,
    rest: &'a [u8],
    left: usize,
}

impl<'a> Payloads<'a> {
    pub fn new(header: &Header, message: &'a [u8]) -> Self {
        let length = message
            .get(24..28)
            .and_then(|l| l.try_into().ok())
            .map_or(0, |l: [u8; 4]| u32::from_be_bytes(l) as usize);
        let body = message.get(HEADER..length).unwrap_or_default();
        Self { next: header.next, rest: body, left: MAX_PAYLOADS }
    }
}

impl<'a> Iterator for Payloads<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let kind = self.next;
        if kind == 0 || self.left == 0 {
            return None;
        }
        self.left -= 1;
        let head = self.rest.first_chunk::<4>()?;
        let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
        let body = self.rest.get(4..length)?;
        self.next = if matches!(kind, SK | SKF) { 0 } else { head[0] };
        self.rest = self.rest.get(length..)?;
        Some((kind, body))
    }
}

/// Whether a payload is ciphertext.
pub(super) fn is_encrypted(kind: u8) -> bool {
    matches!(kind, SK | SKF)
}

/// The error of a notification payload, if it reports one.
pub(super) fn notify_error(version_2: bool, body: &[u8]) -> Option<u16> {
    const FIRST_STATUS: u16 = 16_384;
    // Version 1 has a domain of interpretation before the protocol.
    let at = if version_2 { 2 } else { 6 };
    let kind = body.get(at..)?.first_chunk().copied().map(u16::from_be_bytes)?;
    (kind < FIRST_STATUS).then_some(kind)
}

/// The choice in a version 2 SA payload: the first proposal, one transform of
/// each type.
pub(super) fn v2_choice(body: &[u8]) -> Option<Choice> {
    const KEY_LENGTH: u16 = 14;
    let length = u16::try_from(body.len()).ok()?;
    let Ok((_, IkeV2PayloadContent::SA(proposals))) = parse_ikev2_payload_sa(body, length) else {
        return None;
    };
    let proposal = proposals.first()?;
    let mut choice = Choice::default();
    for t in proposal.transforms.iter().take(MAX_TRANSFORMS) {
        let id = t.transform_id;
        match t.transform_type {
            IkeTransformType::EncryptionAlgorithm => {
                choice.encryption = Some(id);
                choice.key_bits = attributes(t.attributes.unwrap_or_default())
                    .find(|(kind, _)| *kind == KEY_LENGTH)
                    .and_then(|(_, value)| u16::try_from(value).ok());
            }
            IkeTransformType::PseudoRandomFunction => choice.prf = Some(id),
            IkeTransformType::IntegrityAlgorithm => choice.integrity = Some(id),
            IkeTransformType::DiffieHellmanGroup => choice.group = Some(id),
            // Additional key exchanges 1 to 7; 0 is none.
            IkeTransformType(6..=12) if id != 0 => choice.additional.push(id),
            _ => {}
        }
    }
    Some(choice)
}

/// The choice in a version 1 SA payload: its first transform (RFC 2408 sections
/// 3.4 to 3.6, RFC 2409 appendix A).
pub(super) fn v1_choice(body: &[u8]) -> Option<Choice> {
    const SITUATION_END: usize = 8;
    const PROTOCOL_ISAKMP: u8 = 1;
    let proposal = body.get(SITUATION_END..)?;
    let head = proposal.first_chunk::<8>()?;
    let (protocol, spi_size) = (head[5], usize::from(head[6]));
    if protocol != PROTOCOL_ISAKMP {
        return None;
    }
    let transform = proposal.get(8 + spi_size..)?;
    let head = transform.first_chunk::<8>()?;
    let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
    let mut choice = Choice::default();
    let mut in_kilobytes = false;
    for (kind, value) in attributes(transform.get(8..length)?) {
        let small = u16::try_from(value).ok();
        match kind {
            1 => choice.encryption = small,
            2 => choice.integrity = small,
            3 => choice.authentication = small,
            4 => choice.group = small,
            11 => in_kilobytes = value == 2,
            12 if in_kilobytes => choice.lifetime_kilobytes = Some(value),
            12 => choice.lifetime_seconds = Some(value),
            13 => choice.prf = small,
            14 => choice.key_bits = small,
            _ => {}
        }
    }
    Some(choice)
}

/// Attributes as type and value, in both encodings (RFC 2408 section 3.3). A
/// longer value than 32 bits is left out.
fn attributes(mut bytes: &[u8]) -> impl Iterator<Item = (u16, u32)> {
    const TYPE_VALUE: u16 = 0x8000;
    let mut all = Vec::new();
    while let Some((head, rest)) = bytes.split_first_chunk::<4>() {
        if all.len() == MAX_ATTRIBUTES {
            break;
        }
        let kind = u16::from_be_bytes([head[0], head[1]]);
        let second = u16::from_be_bytes([head[2], head[3]]);
        if kind & TYPE_VALUE != 0 {
            all.push((kind & !TYPE_VALUE, u32::from(second)));
            bytes = rest;
        } else {
            let Some((value, rest)) = rest.split_at_checked(usize::from(second)) else { break };
            if value.len() <= 4 {
                all.push((kind, value.iter().fold(0, |n, &b| n << 8 | u32::from(b))));
            }
            bytes = rest;
        }
    }
    all.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        let digits: String = text.split_whitespace().collect();
        (0..digits.len())
            .step_by(2)
            .map(|i| u8::from_str_radix(&digits[i..i + 2], 16).expect("hexadecimal"))
            .collect()
    }

    #[test]
    fn a_main_mode_choice() {
        let sa = hex("00000001 00000001 0000002c 01010001 00000024 01010000
             80010007 800e0080 80020002 8004000e 80030001 800b0001 800c3de0");
        let choice = v1_choice(&sa).expect("a choice");
        assert_eq!(
            (choice.encryption, choice.key_bits, choice.integrity),
            (Some(7), Some(128), Some(2))
        );
        assert_eq!((choice.group, choice.authentication), (Some(14), Some(1)));
        assert_eq!(choice.lifetime_seconds, Some(15_840));
    }

    #[test]
    fn a_lifetime_in_the_long_form() {
        let long = hex("800b0001 000c0004 00015180 800b0002 000c0004 00001000");
        let all: Vec<_> = attributes(&long).collect();
        assert_eq!(all, [(11, 1), (12, 86_400), (11, 2), (12, 4096)]);
    }

    #[test]
    fn version_2_choices() {
        let sa = hex(
            "0000002c 01010004 0300000c 0100000c 800e0100 03000008 0300000c 03000008 02000005 00000008 0400000e",
        );
        let choice = v2_choice(&sa).expect("a choice");
        assert_eq!((choice.encryption, choice.key_bits), (Some(12), Some(256)));
        assert_eq!((choice.integrity, choice.prf, choice.group), (Some(12), Some(5), Some(14)));
        let sa = hex(
            "0000002c 01010004 0300000c 01000014 800e0100 03000008 02000006 03000008 0400001f 00000008 06000024",
        );
        let choice = v2_choice(&sa).expect("a choice");
        assert_eq!((choice.group, choice.additional, choice.integrity), (Some(31), vec![36], None));
    }

    #[test]
    fn datagrams_are_told_apart() {
        let mut message = vec![0; HEADER];
        message[0] = 1;
        message[17] = 0x20;
        message[18] = 34;
        message[27] = 28;
        assert_eq!(demultiplex(false, &message), Carried::Ike(0));
        assert_eq!(demultiplex(true, &[&[0; 4], &message[..]].concat()), Carried::Ike(4));
        assert_eq!(demultiplex(true, &[0xFF]), Carried::KeepAlive);
        assert_eq!(demultiplex(true, &[0, 0, 1, 0, 0, 0, 0, 1]), Carried::Esp);
        assert_eq!(demultiplex(true, &[0, 0, 0, 9, 0, 0, 0, 1]), Carried::Other);
        message[17] = 0x30;
        assert_eq!(demultiplex(false, &message), Carried::Other);
    }

    #[test]
    fn chains_end_where_they_make_no_sense() {
        let mut message = vec![0; HEADER];
        message[..20].copy_from_slice(&hex("0100000000000000 0000000000000000 21202208"));
        message.extend(hex("29000008 00000000 00000004 2b000001"));
        let length = u32::try_from(message.len()).expect("short").to_be_bytes();
        message[24..28].copy_from_slice(&length);
        let header = header(&message).expect("a header");
        let kinds: Vec<u8> = Payloads::new(&header, &message).map(|p| p.0).collect();
        assert_eq!(kinds, [33, 41]);
        for n in 0..message.len() {
            if let Some(h) = super::header(&message[..n]) {
                assert!(Payloads::new(&h, &message[..n]).count() <= 2);
            }
        }
    }
}
