//! The frame that nearly all are, in one step: Ethernet, perhaps one VLAN tag, IPv4
//! without options or IPv6 without extension headers, TCP or UDP that carries no
//! tunnel. Whatever is in any way different is left to the walk through the layers,
//! which says the same of these frames.

use super::identity::IpIdentity;
use super::{Address, Datagram, EndPoints, Frame, Options, Segment, Span, be16, be32, narrow};

const VLAN: u16 = 0x8100;
const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86DD;
const TCP: u8 = 6;
const UDP: u8 = 17;

/// The addresses of an IP packet.
#[derive(Clone, Copy)]
struct AddressFields {
    src: Address,
    dst: Address,
    v6: bool,
    identity: IpIdentity,
}

/// Reads an Ethernet frame; `None` if it is not of the usual form.
#[inline(always)]
pub(super) fn usual(options: &Options, arena: &[u8], frame: Span) -> Option<Frame> {
    let bytes = frame.bytes(arena);
    let (ether_type, at) = match be16(bytes, 12) {
        VLAN => (be16(bytes, 16), 18),
        ether_type => (ether_type, 14),
    };
    let ip = frame.skip(at);
    let bytes = bytes.get(at..)?;
    match ether_type {
        IPV4 => {
            const FIXED: usize = 20;
            const FRAGMENT: u16 = 0x3FFF;
            let head: &[u8; FIXED] = bytes.first_chunk()?;
            let length = usize::from(be16(head, 2));
            if head[0] != 0x45
                || be16(head, 6) & FRAGMENT != 0
                || !(FIXED..=ip.wire()).contains(&length)
            {
                return None;
            }
            let ends = AddressFields {
                src: Address::v4(be32(head, 12)),
                dst: Address::v4(be32(head, 16)),
                v6: false,
                identity: IpIdentity { id: be16(head, 4), hop_limit: head[8] },
            };
            transport(options, arena, ip.limit(length).skip(FIXED), head[9], ends)
        }
        IPV6 => {
            const FIXED: usize = 40;
            let head: &[u8; FIXED] = bytes.first_chunk()?;
            let length = usize::from(be16(head, 4));
            let rest = ip.skip(FIXED);
            if head[0] >> 4 != 6 || !(1..=rest.wire()).contains(&length) {
                return None;
            }
            let address = |at: usize| Some(u128::from_be_bytes(*head.get(at..)?.first_chunk()?));
            let ends = AddressFields {
                src: Address::v6(address(8)?),
                dst: Address::v6(address(24)?),
                v6: true,
                identity: IpIdentity { id: 0, hop_limit: head[7] },
            };
            transport(options, arena, rest.limit(length), head[6], ends)
        }
        _ => None,
    }
}

#[inline(always)]
fn transport(
    options: &Options,
    arena: &[u8],
    span: Span,
    protocol: u8,
    between: AddressFields,
) -> Option<Frame> {
    let AddressFields { src, dst, v6, identity } = between;
    match protocol {
        TCP => {
            const FIXED: usize = 20;
            let head: &[u8; FIXED] = span.bytes(arena).first_chunk()?;
            let header_length = usize::from(head[12] >> 4) * 4;
            // What the capture cut in the options is for the walk to judge.
            if !(FIXED..=span.captured()).contains(&header_length) {
                return None;
            }
            let payload = span.skip(header_length);
            let header = span.bytes(arena).get(..header_length)?;
            let (src_port, dst_port) = (be16(head, 0), be16(head, 2));
            let ends = EndPoints { src, dst, v6, src_port, dst_port, network: 0 };
            let segment = Segment {
                seq: be32(head, 4),
                ack: be32(head, 8),
                flags: head[13],
                // At most 40.
                options: (header_length - FIXED) as u8,
                window: be16(head, 14),
                payload: narrow(payload.at),
                captured: narrow(payload.captured()),
                length: narrow(payload.wire()),
                identity: identity.with(header),
            };
            Some(Frame::Tcp(ends, segment))
        }
        UDP => {
            const HEADER: usize = 8;
            let head: &[u8; HEADER] = span.bytes(arena).first_chunk()?;
            let (src_port, dst_port) = (be16(head, 0), be16(head, 2));
            if options.is_tunnel(src_port) || options.is_tunnel(dst_port) {
                return None;
            }
            let payload = span.skip(HEADER);
            Some(Frame::Udp(Datagram {
                src: src.ip(v6),
                dst: dst.ip(v6),
                src_port,
                dst_port,
                id: identity.id,
                network: 0,
                payload: narrow(payload.at),
                captured: narrow(payload.captured()),
                length: narrow(payload.wire()),
            }))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Next, Parser};
    use super::*;
    use proptest::prelude::*;

    fn frame(v6: bool, tag: bool, protocol: u8, payload: &[u8]) -> Vec<u8> {
        let mut b = vec![0; 12];
        if tag {
            b.extend([0x81, 0, 0, 7]);
        }
        let length = |extra: usize| (payload.len() + extra) as u16;
        if v6 {
            b.extend([0x86, 0xDD, 0x60, 0, 0, 0]);
            b.extend(length(0).to_be_bytes());
            b.extend([protocol, 64]);
            b.extend((0..32).map(|i| i as u8));
        } else {
            b.extend([0x08, 0, 0x45, 0]);
            b.extend(length(20).to_be_bytes());
            b.extend([0, 1, 0, 0, 64, protocol, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2]);
        }
        b.extend(payload);
        b
    }

    #[test]
    fn usual_frames_are_of_the_usual_form() {
        let mut payload = [0; 24];
        payload[12] = 0x50;
        for (v6, tag, protocol) in
            [(false, false, TCP), (false, true, UDP), (true, false, UDP), (true, true, TCP)]
        {
            let bytes = frame(v6, tag, protocol, &payload);
            let span = Span { at: 0, end: bytes.len(), wire_end: bytes.len() };
            assert!(usual(&Options::default(), &bytes, span).is_some(), "{v6} {tag} {protocol}");
        }
    }

    proptest! {
        /// What it says is what the walk says.
        #[test]
        fn agrees_with_the_walk(
            (v6, tag, protocol) in (any::<bool>(), any::<bool>(), prop_oneof![Just(TCP), Just(UDP), 0..=255u8]),
            ports in prop::collection::vec(prop_oneof![any::<u16>(), Just(4789), Just(443), Just(12000)], 2),
            offset in prop_oneof![Just(5u8), 0..=15u8],
            rest in prop::collection::vec(any::<u8>(), 0..60),
            damage in prop::collection::vec((0usize..80, any::<u8>()), 0..3),
            (cut, padding) in (0usize..40, 0usize..10),
        ) {
            let mut payload: Vec<u8> = ports.iter().flat_map(|p| p.to_be_bytes()).collect();
            payload.extend([0, 0, 0, 1, 0, 0, 0, 2, offset << 4, 0x18, 1, 0, 0, 0, 0, 0]);
            payload.extend(rest);
            let mut bytes = frame(v6, tag, protocol, &payload);
            bytes.resize(bytes.len() + padding, 0);
            for (at, value) in damage {
                if let Some(b) = bytes.get_mut(at) {
                    *b = value;
                }
            }
            let end = bytes.len().saturating_sub(cut.saturating_sub(20));
            let span = Span { at: 0, end, wire_end: bytes.len() };
            let mut parser = Parser::default();
            let walked = parser.walk(&mut bytes, Next::Link(1, span), 0);
            if let Some(frame) = usual(&Options::default(), &bytes, span) {
                prop_assert_eq!(frame, walked);
                prop_assert_eq!(parser.oddities(), super::super::Oddities::default());
                prop_assert!(parser.ipsec().is_empty());
            }
        }
    }
}
