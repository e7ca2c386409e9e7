//! Encapsulations in UDP, by port.

use super::{Datagram, Frame, Next, Span, be16, be32, link, probe, tags, tunnel};

type Step = Result<Next, Frame>;

/// What carries other packets in UDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Encapsulation {
    /// RFC 7348.
    Vxlan,
    /// draft-ietf-nvo3-vxlan-gpe.
    VxlanGpe,
    /// RFC 8926.
    Geneve,
    /// TaZmen Sniffer Protocol.
    Tzsp,
    /// RFC 4380.
    Teredo,
    /// 3GPP TS 29.281.
    Gtp,
    /// RFC 5415.
    Capwap,
    /// RFC 7510.
    Mpls,
    /// RFC 8086.
    Gre,
    /// RFC 2661, RFC 3931.
    L2tp,
    /// sFlow versions 2, 4 and 5.
    Sflow,
}

impl Encapsulation {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Vxlan => "VXLAN",
            Self::VxlanGpe => "VXLAN-GPE",
            Self::Geneve => "Geneve",
            Self::Tzsp => "TZSP",
            Self::Teredo => "Teredo",
            Self::Gtp => "GTP",
            Self::Capwap => "CAPWAP",
            Self::Mpls => "MPLS in UDP",
            Self::Gre => "GRE in UDP",
            Self::L2tp => "L2TP",
            Self::Sflow => "sFlow",
        }
    }

    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Vxlan,
        Self::VxlanGpe,
        Self::Geneve,
        Self::Tzsp,
        Self::Teredo,
        Self::Gtp,
        Self::Capwap,
        Self::Mpls,
        Self::Gre,
        Self::L2tp,
        Self::Sflow,
    ];

    /// Its name in options.
    pub fn option(self) -> &'static str {
        match self {
            Self::Vxlan => "vxlan",
            Self::VxlanGpe => "vxlan-gpe",
            Self::Geneve => "geneve",
            Self::Tzsp => "tzsp",
            Self::Teredo => "teredo",
            Self::Gtp => "gtp",
            Self::Capwap => "capwap",
            Self::Mpls => "mpls",
            Self::Gre => "gre",
            Self::L2tp => "l2tp",
            Self::Sflow => "sflow",
        }
    }

    /// The one that options name so.
    pub fn of_option(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|e| e.option().eq_ignore_ascii_case(name))
    }

    /// Whether answers come from its port.
    fn answers(self) -> bool {
        matches!(self, Self::Gtp | Self::Capwap | Self::Teredo | Self::L2tp)
    }
}

/// The least EtherType; what is below is a length.
const LEAST_ETHER_TYPE: u16 = 0x0600;

/// Registered ports, and those in use before: Linux's of VXLAN.
const PORTS: [(u16, Encapsulation); 12] = [
    (4789, Encapsulation::Vxlan),
    (8472, Encapsulation::Vxlan),
    (4790, Encapsulation::VxlanGpe),
    (6081, Encapsulation::Geneve),
    (37008, Encapsulation::Tzsp),
    (3544, Encapsulation::Teredo),
    (2152, Encapsulation::Gtp),
    (5247, Encapsulation::Capwap),
    (6635, Encapsulation::Mpls),
    (4754, Encapsulation::Gre),
    (1701, Encapsulation::L2tp),
    (6343, Encapsulation::Sflow),
];

/// Ports and tags that frames are read by.
#[derive(Clone, Debug)]
pub struct Options {
    /// UDP ports of encapsulations; the first entry of a port counts.
    ports: Vec<(u16, Encapsulation)>,
    /// A bit for each port, so that other datagrams cost one look.
    bits: Box<[u64; 1024]>,
    /// EtherTypes of VLAN tags beside the usual ones.
    pub tpids: Vec<u16>,
    /// Whether packets that were seen already count as packets of their own.
    pub keep_duplicates: bool,
    /// Whether packets of different VLANs are of different connections.
    pub vlan: bool,
    /// Whether packets of different virtual networks are.
    pub vni: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self::new(&[], Vec::new())
    }
}

impl Options {
    /// The registered ports and further ones, which count above those; further EtherTypes of
    /// VLAN tags.
    pub fn new(further: &[(u16, Encapsulation)], tpids: Vec<u16>) -> Self {
        let ports: Vec<(u16, Encapsulation)> = further.iter().chain(&PORTS).copied().collect();
        let mut bits = Box::new([0_u64; 1024]);
        for (port, _) in &ports {
            if let Some(word) = bits.get_mut(usize::from(port >> 6)) {
                *word |= 1 << (port & 63);
            }
        }
        Self { ports, bits, tpids, keep_duplicates: false, vlan: false, vni: false }
    }

    /// Whether an EtherType may be that of a VLAN tag: it is not a length, and announces nothing
    /// else that is read.
    pub fn can_be_tag(ether_type: u16) -> bool {
        ether_type >= LEAST_ETHER_TYPE && !tags::is_read(ether_type)
    }

    /// Whether a UDP port is an encapsulation's.
    #[inline]
    pub fn is_tunnel(&self, port: u16) -> bool {
        self.bits.get(usize::from(port >> 6)).is_some_and(|word| word >> (port & 63) & 1 != 0)
    }

    /// All ports of encapsulations.
    pub fn ports(&self) -> impl Iterator<Item = u16> {
        self.ports.iter().map(|(port, _)| *port)
    }

    /// Whether networks are told apart.
    #[inline]
    pub fn tells_networks_apart(&self) -> bool {
        self.vlan || self.vni
    }

    pub(super) fn of(&self, from: u16, to: u16) -> Option<Encapsulation> {
        let find = |port: u16| {
            let listed = self.ports.iter().find(|(listed, _)| *listed == port);
            listed.filter(|_| self.is_tunnel(port)).map(|(_, encapsulation)| *encapsulation)
        };
        find(to).or_else(|| find(from).filter(|e| e.answers()))
    }
}

/// What a datagram carries, if one of its ports is an encapsulation's and it makes sense.
pub(super) fn inside(options: &Options, arena: &[u8], (from, to): (u16, u16), span: Span) -> Step {
    match options.of(from, to) {
        Some(encapsulation) => read(encapsulation, arena, span),
        None => Err(Frame::OtherIp),
    }
}

fn read(encapsulation: Encapsulation, arena: &[u8], span: Span) -> Step {
    match encapsulation {
        Encapsulation::Vxlan => vxlan(arena, span, false),
        Encapsulation::VxlanGpe => vxlan(arena, span, true),
        Encapsulation::Geneve => geneve(arena, span),
        Encapsulation::Tzsp => tzsp(arena, span),
        Encapsulation::Teredo => teredo(arena, span),
        Encapsulation::Gtp => tunnel::gtp(arena, span),
        Encapsulation::Capwap => link::capwap(arena, span),
        Encapsulation::Mpls => span.head::<4>(arena).map(|_| Next::EtherType(0x8847, span)),
        Encapsulation::Gre => tunnel::gre(arena, span),
        Encapsulation::L2tp => l2tp(arena, span),
        Encapsulation::Sflow => sflow(arena, span),
    }
}

/// What a datagram on another port looks like: an encapsulation with an IP packet inside
/// whose header has a right checksum, or fits.
pub(super) fn resembles(
    options: &Options,
    arena: &[u8],
    datagram: &Datagram,
) -> Option<Encapsulation> {
    if options.is_tunnel(datagram.dst_port) {
        return None;
    }
    let at = datagram.payload as usize;
    let end = at + datagram.captured as usize;
    let span = Span { at, end, wire_end: at + datagram.length as usize };
    let shows = |next: Next| match next {
        Next::Link(1, inner) => probe::is_ethernet(arena, inner),
        Next::Ip(inner) | Next::EtherType(0x0800 | 0x86DD, inner) => probe::is_ip(arena, inner),
        Next::EtherType(0x6558, inner) => probe::is_ethernet(arena, inner),
        _ => false,
    };
    let all = [
        Encapsulation::Tzsp,
        if names_next(arena, span) { Encapsulation::VxlanGpe } else { Encapsulation::Vxlan },
        Encapsulation::Geneve,
        Encapsulation::Gtp,
        Encapsulation::Gre,
    ];
    all.into_iter().find(|&e| read(e, arena, span).is_ok_and(shows))
}

/// VXLAN (RFC 7348): the flag that says the network identifier is valid. With the protocol
/// extension a flag says that the header names what follows.
fn vxlan(arena: &[u8], span: Span, extended: bool) -> Step {
    const VNI_VALID: u8 = 0x08;
    let head = span.head::<8>(arena)?;
    let inner = span.skip(8);
    if extended && names_next(arena, span) {
        return tags::inside(head[3], inner).ok_or(Frame::OtherIp);
    }
    if head[0] & VNI_VALID == 0 {
        return Err(Frame::OtherIp);
    }
    Ok(Next::Link(1, inner))
}

/// Whether a VXLAN header has the flag that it names what follows.
fn names_next(arena: &[u8], span: Span) -> bool {
    const NEXT_PROTOCOL: u8 = 0x04;
    span.bytes(arena).first().is_some_and(|flags| flags & NEXT_PROTOCOL != 0)
}

/// Geneve (RFC 8926): version 0, options, an EtherType.
fn geneve(arena: &[u8], span: Span) -> Step {
    let head = span.head::<8>(arena)?;
    let options = usize::from(head[0] & 0x3F) * 4;
    if head[0] >> 6 != 0 {
        return Err(Frame::OtherIp);
    }
    span.first(arena, 8 + options)?;
    Ok(Next::EtherType(be16(head, 2), span.skip(8 + options)))
}

/// TaZmen Sniffer Protocol: version 1, a received or sent packet, what it is, and fields.
fn tzsp(arena: &[u8], span: Span) -> Step {
    const PADDING: u8 = 0;
    const END: u8 = 1;
    const MAX_FIELDS: usize = 64;
    let head = span.head::<4>(arena)?;
    if head[0] != 1 || head[1] > 1 {
        return Err(Frame::OtherIp);
    }
    let mut at = 4;
    for _ in 0..MAX_FIELDS {
        let kind = *span.first(arena, at + 1)?.last().unwrap_or(&END);
        at += 1;
        match kind {
            PADDING => continue,
            END => {
                let inner = span.skip(at);
                return match be16(head, 2) {
                    0x01 => Ok(Next::Link(1, inner)),
                    0x02 => Ok(Next::Link(6, inner)),
                    0x04 => Ok(Next::Link(9, inner)),
                    0x05 => Ok(Next::Link(10, inner)),
                    0x07 => Ok(Next::Ip(inner)),
                    0x12 => Ok(Next::Link(105, inner)),
                    0x77 => Ok(Next::Link(119, inner)),
                    0x7F => Ok(Next::Link(163, inner)),
                    _ => Err(Frame::OtherIp),
                };
            }
            _ => at += 1 + usize::from(*span.first(arena, at + 1)?.last().unwrap_or(&0)),
        }
    }
    Err(Frame::OtherIp)
}

/// Teredo (RFC 4380 section 5.1.1): authentication and origin may stand before IPv6.
fn teredo(arena: &[u8], mut span: Span) -> Step {
    for _ in 0..2 {
        let head = span.head::<4>(arena)?;
        span = match head {
            [0, 1, client, value] => span.skip(13 + usize::from(*client) + usize::from(*value)),
            [0, 0, ..] => span.skip(8),
            _ => break,
        };
    }
    if span.head::<1>(arena)?[0] >> 4 != 6 {
        return Err(Frame::OtherIp);
    }
    Ok(Next::Ip(span))
}

/// L2TP in UDP: data messages of version 2 (RFC 2661) carry PPP, of version 3 (RFC 3931)
/// what the session has agreed on.
fn l2tp(arena: &[u8], span: Span) -> Step {
    const CONTROL: u8 = 0x80;
    const LENGTH: u8 = 0x40;
    const SEQUENCE: u8 = 0x08;
    const OFFSET: u8 = 0x02;
    let &[flags, version] = span.head::<2>(arena)?;
    if flags & CONTROL != 0 {
        return Err(Frame::OtherIp);
    }
    match version & 0x0F {
        2 => {
            let mut at = 6;
            for (bit, bytes) in [(LENGTH, 2), (SEQUENCE, 4)] {
                if flags & bit != 0 {
                    at += bytes;
                }
            }
            if flags & OFFSET != 0 {
                at += 2 + usize::from(be16(span.first(arena, at + 2)?, at));
            }
            span.first(arena, at)?;
            link::ppp_protocol(arena, span.skip(at))
        }
        3 => span.head::<8>(arena).and_then(|_| l2tpv3(arena, span.skip(4))),
        _ => Err(Frame::OtherIp),
    }
}

/// A data message of L2TP version 3 from the session identifier on. Length of the cookie and
/// kind of the packet were agreed on before: what is inside has to show.
pub(super) fn l2tpv3(arena: &[u8], span: Span) -> Step {
    let head = span.head::<4>(arena)?;
    // Session 0 is a control message.
    if be32(head, 0) == 0 {
        return Err(Frame::OtherIp);
    }
    for cookie_and_sublayer in [0, 4, 8, 12] {
        let inner = span.skip(4 + cookie_and_sublayer);
        if probe::is_ethernet(arena, inner) {
            return Ok(Next::Link(1, inner));
        }
        for (before, protocol) in [(0, 0), (2, 0x0021), (4, 0xFF03_0021), (4, 0x0F00_0800_u32)] {
            let bytes = inner.bytes(arena);
            let found = match before {
                0 => 0,
                2 => u32::from(be16(bytes, 0)),
                _ => be32(bytes, 0),
            };
            if found == protocol && probe::is_ip(arena, inner.skip(before)) {
                return Ok(Next::Ip(inner.skip(before)));
            }
        }
    }
    Err(Frame::OtherIp)
}

/// sFlow versions 2, 4 and 5: samples with headers of packets, of which nothing can be followed.
fn sflow(arena: &[u8], span: Span) -> Step {
    let head = span.head::<8>(arena)?;
    // Version, and the kind of the agent's address.
    if matches!(be32(head, 0), 2 | 4 | 5) && matches!(be32(head, 4), 1 | 2) {
        return Err(Frame::Sampled);
    }
    Err(Frame::OtherIp)
}
