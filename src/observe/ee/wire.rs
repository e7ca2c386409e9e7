//! One datagram: the LLC header, an XID body, a network layer packet.
//!
//! Sources: RFC 2353 for what EE uses of LLC; the layouts of XID format 3, NHDR
//! and THDR as they are publicly decoded. Numbers are big endian.

/// Bytes of LLC header: DSAP, SSAP, control.
const LLC: usize = 3;
/// Poll/final bit of the control field.
const POLL_FINAL: u8 = 0x10;
const UI: u8 = 0x03;
const XID: u8 = 0xAF;
const TEST: u8 = 0xE3;
const DISC: u8 = 0x43;
const DM: u8 = 0x0F;
/// Switching modes of the first NHDR byte.
const MODE_MASK: u8 = 0xE0;
const FUNCTION_ROUTING: u8 = 0xA0;
const AUTOMATIC_NETWORK_ROUTING: u8 = 0xC0;
/// How far the end of a routing list is looked for.
const MAX_FUNCTION_ROUTE: usize = 64;
const MAX_ROUTE: usize = 128;
const ROUTE_END: u8 = 0xFF;
/// Fixed part of a THDR.
const THDR: usize = 20;
/// Fixed part of an XID of format 3.
const XID3: usize = 20;

/// How strongly a datagram speaks for EE.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    /// It is no frame that EE sends.
    Bad,
    /// A signal on a port where none is expected.
    Weak,
    /// A frame with hardly anything in it that could be wrong.
    Signal,
    /// A network layer packet with data of an unknown kind.
    Packet,
    /// Lengths and contents fit together.
    Strong,
}

/// What an LDLC frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body<'a> {
    /// XID without a body.
    NullXid,
    /// XID of format 3.
    Xid3 {
        /// The control point's name in EBCDIC.
        cp_name: Option<&'a [u8]>,
        /// A negotiation error: the link is refused.
        refused: bool,
    },
    /// XID of another SNA format.
    OtherXid,
    /// TEST.
    Test,
    /// DISC.
    Disc,
    /// DM.
    Dm,
    /// XID_DONE: its request or response.
    XidDone,
    /// A network layer packet that is routed by labels.
    Nlp {
        /// Transport connection identifier.
        tcid: u64,
        /// Byte sequence number.
        sequence: u32,
        /// Slowdown bits: minor 4, major 2.
        slowdown: u8,
    },
}

/// A datagram that has the form of an EE frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// How strongly it speaks for EE.
    pub strength: Strength,
    /// Destination service access point.
    pub dsap: u8,
    /// Source service access point, without its low bit.
    pub ssap: u8,
    /// Whether it answers a command.
    pub response: bool,
    /// What it holds.
    pub body: Body<'a>,
}

impl Datagram<'_> {
    /// Whether it is DISC or DM.
    pub fn is_disconnection(&self) -> bool {
        matches!(self.body, Body::Disc | Body::Dm)
    }
}

/// Reads the payload of a datagram to the port with index `port` (0 signalling
/// to 4 low priority). `wire` is the payload's length on the wire, of which
/// the capture may hold less. `None` if it is no frame that EE sends.
pub fn parse(payload: &[u8], wire: usize, port: usize) -> Option<Datagram<'_>> {
    let (&[dsap, ssap, control], body) = payload.split_first_chunk::<LLC>()?;
    // Null, SNAP, NetWare, NetBIOS, OSI and global addresses, and groups.
    if dsap & 1 != 0 || matches!(dsap, 0x00 | 0xAA | 0xE0 | 0xF0 | 0xFE) {
        return None;
    }
    let response = ssap & 1 != 0;
    let wire = wire.saturating_sub(LLC);
    let (strength, body) = if control == UI {
        network_layer(body, wire, port)?
    } else {
        let (strength, body) = match control & !POLL_FINAL {
            XID => xid(body, wire)?,
            TEST => (Strength::Signal, Body::Test),
            DISC if wire == 0 && !response => (Strength::Signal, Body::Disc),
            DM if wire == 0 && response => (Strength::Signal, Body::Dm),
            _ => return None,
        };
        // The probe of the five ports is a TEST; everything else signals on
        // the first port.
        let misplaced = port != 0 && body != Body::Test;
        (if misplaced { Strength::Weak } else { strength }, body)
    };
    Some(Datagram { strength, dsap, ssap: ssap & !1, response, body })
}

fn xid(body: &[u8], wire: usize) -> Option<(Strength, Body<'_>)> {
    if wire == 0 {
        return Some((Strength::Signal, Body::NullXid));
    }
    let first = *body.first()?;
    match first >> 4 {
        3 => xid3(body, wire),
        0..=2 if wire >= 6 => Some((Strength::Signal, Body::OtherXid)),
        _ => None,
    }
}

fn xid3(body: &[u8], wire: usize) -> Option<(Strength, Body<'_>)> {
    let fixed = body.first_chunk::<XID3>()?;
    let length = usize::from(fixed[1]);
    if wire < XID3 || length > wire || length < XID3 {
        return None;
    }
    let mut at = 18 + usize::from(fixed[18]);
    if at > length {
        return None;
    }
    let (mut cp_name, mut refused) = (None, false);
    let held = body.get(..length).unwrap_or(body);
    while at < length {
        let Some(&[key, size]) = held.get(at..at + 2) else {
            // The capture, and not the frame, ends here.
            return (held.len() < length)
                .then_some((Strength::Signal, Body::Xid3 { cp_name, refused }));
        };
        let data = held.get(at + 2..at + 2 + usize::from(size));
        at += 2 + usize::from(size);
        match (key, data) {
            (0x0E, Some([0xF4, name @ ..])) => cp_name = Some(name),
            (0x22, _) => refused = true,
            _ => {}
        }
    }
    (at == length).then_some((Strength::Strong, Body::Xid3 { cp_name, refused }))
}

fn network_layer(body: &[u8], wire: usize, port: usize) -> Option<(Strength, Body<'_>)> {
    let &[first, second, ..] = body else { return None };
    let route = body.get(2..)?;
    let end_of_route =
        |most: usize| route.iter().take(most).position(|&b| b == ROUTE_END).map(|n| 2 + n + 1);
    match first & MODE_MASK {
        FUNCTION_ROUTING if port == 0 && second >> 4 == 1 => {
            let end = end_of_route(MAX_FUNCTION_ROUTE)?;
            let done = matches!(body.get(end..), Some([0, 3 | 4])) && wire == end + 2;
            done.then_some((Strength::Strong, Body::XidDone))
        }
        AUTOMATIC_NETWORK_ROUTING if (1..=4).contains(&port) => {
            let priority = usize::from(first & 0x06) >> 1;
            if first & 0x19 != 0 || priority != 4 - port {
                return None;
            }
            let end = end_of_route(MAX_ROUTE)?;
            if body.get(end) != Some(&0) {
                return None;
            }
            transport(body.get(end + 1..)?, wire.checked_sub(end + 1)?, second & 0x06)
        }
        _ => None,
    }
}

fn transport(header: &[u8], wire: usize, slowdown: u8) -> Option<(Strength, Body<'_>)> {
    let fixed = header.first_chunk::<THDR>()?;
    let word = |at: usize| {
        let bytes = fixed.get(at..).and_then(<[u8]>::first_chunk).copied();
        u32::from_be_bytes(bytes.unwrap_or_default())
    };
    let tcid = u64::from(word(0)) << 32 | u64::from(word(4));
    let offset = usize::from(u16::from_be_bytes([fixed[10], fixed[11]])) * 4;
    let length = usize::try_from(word(12)).ok()?;
    if offset < THDR || offset > wire || length > wire - offset {
        return None;
    }
    // The first nibble of a transmission header, or a route setup.
    let data = header.get(offset..).unwrap_or_default();
    let starts = fixed[8] & 0x20 != 0 && length > 0;
    let known = !starts
        || data.first().is_some_and(|b| b >> 4 == 5)
        || data.get(2..4) == Some(&[0x12, 0xCE]);
    let fits = known && length == wire - offset;
    let strength = if fits { Strength::Strong } else { Strength::Packet };
    Some((strength, Body::Nlp { tcid, sequence: word(16), slowdown }))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<u8> = hex.chars().filter_map(|c| c.to_digit(16)).map(|d| d as u8).collect();
        digits.chunks(2).map(|d| d[0] << 4 | d[1]).collect()
    }

    fn look(hex: &str, port: usize) -> Option<(Strength, bool)> {
        let b = bytes(hex);
        parse(&b, b.len(), port).map(|d| (d.strength, d.response))
    }

    pub const XID3_FRAME: &str = "0404bf 322a fff00000 0000 3078 d1 00 00 0000 80 00 01 0b 71 00 \
        05b5 00000000 07 00 0e0b f4 d5c5e3c14bc8d6e2e3f1";
    pub const NLP_NETWORK: &str = "c8c803 c600 80018002 ff00 0000002a00000001 3004 000d 00000024 \
        00000001 050e0000 0001 0000 00000001 0000000000000000 03228180 00000064 00000064 \
        5c000001 8000000000000007 0b8000 c8c5d3d3d640c6d9d6d440d5c5e3c14bc8d6e2e3f1";

    #[test]
    fn signals() {
        assert_eq!(look("0404bf", 0), Some((Strength::Signal, false)));
        assert_eq!(look("0405af", 0), Some((Strength::Signal, true)));
        assert_eq!(look("0408f3", 3), Some((Strength::Signal, false)));
        assert_eq!(look("040453", 0), Some((Strength::Signal, false)));
        assert_eq!(look("04051f", 0), Some((Strength::Signal, true)));
        assert_eq!(look("0404bf", 2), Some((Strength::Weak, false)));
        // DISC is a command and DM a response, both without a body.
        assert_eq!(look("040553", 0), None);
        assert_eq!(look("04041f", 0), None);
        assert_eq!(look("04045300", 0), None);
    }

    #[test]
    fn an_xid_names_its_control_point() {
        let b = bytes(XID3_FRAME);
        let found = parse(&b, b.len(), 0).expect("an XID");
        assert_eq!(found.strength, Strength::Strong);
        let Body::Xid3 { cp_name: Some(name), refused: false } = found.body else {
            panic!("{found:?}")
        };
        assert_eq!(name, bytes("d5c5e3c14bc8d6e2e3f1"));
        // Vectors that do not end where the frame does.
        let mut wrong = b.clone();
        wrong[4] -= 1;
        assert_eq!(parse(&wrong, wrong.len(), 0), None);
    }

    #[test]
    fn an_xid_from_a_vendors_trace() {
        let body = bytes(
            "32540110 00020000 000ad100 00000000 00010b41 00040900 00000007 000e0af4 c1d7d7d5 \
             4bd4d6d6 d5102900 28110c08 04f0f6f0 f0f0f609 06e2d5c1 e2e3c1d9 03084011 0fe2d5c1 \
             e2e3c1d9 40d3c9d4 c9e3c5c4",
        );
        let (strength, found) = xid(&body, body.len()).expect("an XID");
        let Body::Xid3 { cp_name: Some(name), .. } = found else { panic!("{found:?}") };
        assert_eq!((strength, name), (Strength::Strong, &bytes("c1d7d7d54bd4d6d6d5")[..]));
    }

    #[test]
    fn packets_have_the_priority_of_their_port() {
        let frame = bytes(NLP_NETWORK);
        let on = |port| parse(&frame, frame.len(), port).map(|d| d.strength);
        assert_eq!([1, 0, 2, 3, 4].map(on), [Some(Strength::Strong), None, None, None, None]);
        // One byte more than the lengths say, and one less.
        assert_eq!(parse(&frame, frame.len() + 1, 1).map(|d| d.strength), Some(Strength::Packet));
        assert_eq!(parse(&frame, frame.len() - 1, 1), None);
        assert_eq!(look("c8c803 a610 ff00 03", 0), Some((Strength::Strong, false)));
        assert_eq!(look("c8c803 a610 ff00 05", 0), None);
        assert_eq!(look("c8c803 a610 ff00 0300", 0), None);
    }

    #[test]
    fn what_else_uses_these_ports_is_no_frame() {
        // RTP and RTCP, STUN, DNS, QUIC, IEEE basic XID.
        assert_eq!(look("8000 1234 00000000 deadbeef d5d5d5d5", 1), None);
        assert_eq!(look("80c80006 deadbeef 00000000 00000000 00000000", 0), None);
        assert_eq!(look("0001005821 12a442", 0), None);
        assert_eq!(look("1234 0100 0001 0000 0000 0000", 0), None);
        assert_eq!(look("c3ff00001d08", 0), None);
        assert_eq!(look("0404bf810100", 0), None);
        // RTP whose sequence number looks like a control field.
        let rtp = bytes("8000 03c6 00001234 deadbeef ff00d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5");
        assert!((0..5).all(|port| parse(&rtp, rtp.len(), port).is_none()));
    }
}
