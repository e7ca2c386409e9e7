//! SSH packets as structures: an adapter over `ssh-parser`.
//!
//! The crate is given one complete packet at a time, and its identification
//! line with the line end it wants. What it lacks is added here: framing with a
//! bound, group exchange, host key blobs, and version 1.

use ssh_parser::{SshPacket, parse_ssh_identification, parse_ssh_packet};

/// The longest packet that is read. RFC 4253 section 6.1 asks for 35,000
/// bytes; post-quantum key exchanges stay well below.
pub(super) const MAX_PACKET: usize = 256 * 1024;

const KEXINIT: u8 = 20;
const NEWKEYS: u8 = 21;
const KEXDH_INIT: u8 = 30;
const KEXDH_REPLY: u8 = 31;
const GEX_INIT: u8 = 32;
const GEX_REPLY: u8 = 33;
const GEX_REQUEST: u8 = 34;

/// SSH_SMSG_PUBLIC_KEY and SSH_CMSG_SESSION_KEY of version 1.
const V1_PUBLIC_KEY: u8 = 2;
const V1_SESSION_KEY: u8 = 3;

/// An identification line: protocol version and software with comments.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Identification {
    pub protocol: String,
    pub software: String,
}

/// Reads an identification line, without its line end.
pub(super) fn identification(line: &[u8]) -> Option<Identification> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    // The crate wants CR LF and something after it.
    let with_end = [line, b"\r\n"].concat();
    let (_, (_, version)) = parse_ssh_identification(&with_end).ok()?;
    let mut software = text(version.software);
    if let Some(comments) = version.comments {
        software.push(' ');
        software.push_str(&text(comments));
    }
    Some(Identification { protocol: text(version.proto), software })
}

/// Length of the packet at the start of `bytes`, its length field included;
/// `None` if more bytes are needed, an error if no packet is that long.
pub(super) fn packet_length(bytes: &[u8]) -> Result<Option<usize>, NoPacket> {
    let Some(length) = bytes.first_chunk::<4>() else { return Ok(None) };
    let length = u32::from_be_bytes(*length) as usize;
    // Padding length, at least four bytes of padding, a message type.
    if !(6..=MAX_PACKET).contains(&length) {
        return Err(NoPacket);
    }
    Ok(Some(4 + length))
}

/// The bytes are no packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NoPacket;

/// A message of a key exchange.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Message {
    KexInit(Box<KexInit>),
    NewKeys,
    /// A message that only the client sends.
    FromClient,
    /// A message with a host key blob, which only the server sends.
    HostKey(Vec<u8>),
    Other,
}

/// The name lists of a KEXINIT.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct KexInit {
    pub kex: String,
    pub host_key: String,
    pub cipher_c2s: String,
    pub cipher_s2c: String,
    pub mac_c2s: String,
    pub mac_s2c: String,
    pub compression_c2s: String,
    pub compression_s2c: String,
    pub first_kex_packet_follows: bool,
}

/// Reads one complete packet of version 2, length field included.
pub(super) fn message(packet: &[u8]) -> Message {
    let (Some(&padding), Some(&kind)) = (packet.get(4), packet.get(5)) else {
        return Message::Other;
    };
    let end = packet.len().saturating_sub(usize::from(padding));
    let body = packet.get(6..end).unwrap_or_default();
    match kind {
        KEXINIT => match parse_ssh_packet(packet) {
            Ok((_, (SshPacket::KeyExchange(k), _))) => Message::KexInit(Box::new(KexInit {
                kex: text(k.kex_algs),
                host_key: text(k.server_host_key_algs),
                cipher_c2s: text(k.encr_algs_client_to_server),
                cipher_s2c: text(k.encr_algs_server_to_client),
                mac_c2s: text(k.mac_algs_client_to_server),
                mac_s2c: text(k.mac_algs_server_to_client),
                compression_c2s: text(k.comp_algs_client_to_server),
                compression_s2c: text(k.comp_algs_server_to_client),
                first_kex_packet_follows: k.first_kex_packet_follows,
            })),
            _ => Message::Other,
        },
        NEWKEYS => Message::NewKeys,
        // The numbers 30 to 49 mean what the method says; the content tells
        // host keys apart, and only the server sends one.
        KEXDH_INIT | KEXDH_REPLY | GEX_REPLY => {
            let blob = match parse_ssh_packet(packet) {
                Ok((_, (SshPacket::DiffieHellmanReply(reply), _))) => Some(reply.pubkey_and_cert),
                _ => string(body).map(|(blob, _)| blob),
            };
            match blob.filter(|b| is_host_key(b)) {
                Some(blob) => Message::HostKey(blob.to_vec()),
                None if kind == KEXDH_INIT => Message::FromClient,
                None => Message::Other,
            }
        }
        GEX_INIT | GEX_REQUEST => Message::FromClient,
        _ => Message::Other,
    }
}

/// A length and as many bytes (RFC 4251 section 5); what follows them.
pub(super) fn string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(u32::from_be_bytes(*length) as usize)
}

/// Whether a blob begins with the name of a key type.
fn is_host_key(blob: &[u8]) -> bool {
    const FAMILIES: [&[u8]; 6] = [b"ssh-", b"ecdsa-", b"rsa-", b"sk-", b"x509v3-", b"spki-"];
    string(blob).is_some_and(|(name, rest)| {
        !rest.is_empty()
            && name.len() <= 64
            && (FAMILIES.iter().any(|f| name.starts_with(f)) || name.contains(&b'@'))
            && name.iter().all(u8::is_ascii_graphic)
    })
}

/// A message of version 1.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum V1Message {
    /// The server's keys: bits of the host key.
    PublicKey {
        host_key_bits: u32,
    },
    /// The client's choice of a cipher.
    SessionKey {
        cipher: u8,
    },
    Other,
}

/// Length of a whole packet of version 1: length field, padding to eight bytes
/// and the data with its checksum.
pub(super) fn v1_packet_length(bytes: &[u8]) -> Result<Option<usize>, NoPacket> {
    let Some(length) = bytes.first_chunk::<4>() else { return Ok(None) };
    let length = u32::from_be_bytes(*length) as usize;
    if !(5..=MAX_PACKET).contains(&length) {
        return Err(NoPacket);
    }
    Ok(Some(4 + (8 - length % 8) + length))
}

/// Reads one complete packet of version 1, length field included.
pub(super) fn v1_message(packet: &[u8]) -> V1Message {
    let length = packet.first_chunk::<4>().map_or(0, |l| u32::from_be_bytes(*l) as usize);
    let data = packet.get(4 + (8 - length % 8)..).unwrap_or_default();
    match data.split_first() {
        Some((&V1_PUBLIC_KEY, body)) => v1_host_key_bits(body)
            .map_or(V1Message::Other, |host_key_bits| V1Message::PublicKey { host_key_bits }),
        Some((&V1_SESSION_KEY, [cipher, ..])) => V1Message::SessionKey { cipher: *cipher },
        _ => V1Message::Other,
    }
}

/// Cookie, server key (bits, exponent, modulus), host key (bits, ...).
fn v1_host_key_bits(body: &[u8]) -> Option<u32> {
    let rest = body.get(8 + 4..)?;
    let rest = v1_integer(v1_integer(rest)?)?;
    rest.first_chunk::<4>().map(|b| u32::from_be_bytes(*b))
}

/// Passes over a number of version 1: 16 bits of length in bits, then bytes.
fn v1_integer(bytes: &[u8]) -> Option<&[u8]> {
    let (bits, rest) = bytes.split_first_chunk::<2>()?;
    rest.get(usize::from(u16::from_be_bytes(*bits)).div_ceil(8)..)
}

/// Whether the first packet of a side that speaks both versions is one of
/// version 2: a KEXINIT behind a plausible padding length.
pub(super) fn is_version_2(bytes: &[u8]) -> Option<bool> {
    let head = bytes.first_chunk::<6>()?;
    Some(head[4] >= 4 && head[5] == KEXINIT)
}

/// Bytes that should be ASCII, with the others escaped.
fn text(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identification_lines() {
        let id = identification(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r").expect("a line");
        assert_eq!((id.protocol.as_str(), id.software.as_str()), ("2.0", "OpenSSH_9.2p1 Debian-2"));
        let id = identification(b"SSH-1.5-OpenSSH_3").expect("a line");
        assert_eq!(id.protocol, "1.5");
        assert_eq!(identification(b"220 no"), None);
    }

    #[test]
    fn lengths_have_bounds() {
        assert_eq!(packet_length(&[0, 0, 1]), Ok(None));
        assert_eq!(packet_length(&[0, 0, 1, 0]), Ok(Some(260)));
        assert_eq!(packet_length(&[0xFF; 4]), Err(NoPacket));
        assert_eq!(v1_packet_length(&[0, 0, 0, 9]), Ok(Some(4 + 7 + 9)));
        assert_eq!(v1_packet_length(&[0; 4]), Err(NoPacket));
    }

    #[test]
    fn group_exchange_and_host_keys_are_told_apart_by_content() {
        let packet = |kind: u8, body: &[u8]| {
            let length = u32::try_from(body.len() + 6).expect("short").to_be_bytes();
            [&length[..], &[4, kind], body, &[0; 4]].concat()
        };
        let prime = [&[0, 0, 0, 2, 0x7F, 0xFF][..], &[0, 0, 0, 1, 2]].concat();
        assert_eq!(message(&packet(31, &prime)), Message::Other);
        let blob = [&[0, 0, 0, 7][..], b"ssh-rsa", &[0, 0, 0, 1, 3, 0, 0, 0, 1, 5]].concat();
        let length = u32::try_from(blob.len()).expect("short").to_be_bytes();
        let reply = [&length[..], &blob, &[0, 0, 0, 1, 9, 0, 0, 0, 1, 9]].concat();
        for kind in [31, 33] {
            assert_eq!(message(&packet(kind, &reply)), Message::HostKey(blob.clone()), "{kind}");
        }
        assert_eq!(message(&packet(34, &[0; 12])), Message::FromClient);
        assert_eq!(message(&packet(30, &[0, 0, 0, 1, 9])), Message::FromClient);
        assert_eq!(message(&packet(21, &[])), Message::NewKeys);
    }
}
