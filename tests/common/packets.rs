//! Packets of pcap and pcapng files, read and written independently of the
//! program: so much as is needed to give the same packets another form.

#![allow(dead_code, reason = "every test uses a part")]

/// One captured packet.
#[derive(Clone, Debug)]
pub struct Packet {
    /// Nanoseconds since 1970.
    pub ts: i64,
    pub link: u16,
    pub wire: u32,
    pub data: Vec<u8>,
}

/// The packets of a file; `None` if it has a form that is not read here, has
/// packets without a time, or is damaged.
pub fn read(file: &[u8]) -> Option<Vec<Packet>> {
    match file.get(..4)? {
        [0xD4, 0xC3, 0xB2, 0xA1] => pcap(file, u32::from_le_bytes, 1000),
        [0xA1, 0xB2, 0xC3, 0xD4] => pcap(file, u32::from_be_bytes, 1000),
        [0x4D, 0x3C, 0xB2, 0xA1] => pcap(file, u32::from_le_bytes, 1),
        [0xA1, 0xB2, 0x3C, 0x4D] => pcap(file, u32::from_be_bytes, 1),
        [0x0A, 0x0D, 0x0D, 0x0A] => pcapng(file),
        _ => None,
    }
}

type Word = fn([u8; 4]) -> u32;

fn word(bytes: &[u8], at: usize, order: Word) -> Option<u32> {
    Some(order(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn pcap(file: &[u8], order: Word, unit: i64) -> Option<Vec<Packet>> {
    let link = word(file, 20, order)?;
    let mut at = 24;
    let mut packets = Vec::new();
    while at < file.len() {
        let field = |n: usize| word(file, at + 4 * n, order);
        let captured = field(2)? as usize;
        packets.push(Packet {
            ts: i64::from(field(0)?) * 1_000_000_000 + i64::from(field(1)?) * unit,
            // The upper half may say how long the frame check sequences are.
            link: u16::try_from(link).ok()?,
            wire: field(3)?,
            data: file.get(at + 16..at + 16 + captured)?.to_vec(),
        });
        at += 16 + captured;
    }
    Some(packets)
}

fn pcapng(file: &[u8]) -> Option<Vec<Packet>> {
    let mut order: Word = u32::from_le_bytes;
    // Link type and ticks per second of each interface.
    let mut interfaces: Vec<(u16, i64)> = Vec::new();
    let mut packets = Vec::new();
    let mut at = 0;
    while at < file.len() {
        if word(file, at, order)? == 0x0A0D_0D0A {
            let magic: [u8; 4] = file.get(at + 8..at + 12)?.try_into().ok()?;
            order = if magic == [0x1A, 0x2B, 0x3C, 0x4D] {
                u32::from_be_bytes
            } else {
                u32::from_le_bytes
            };
            interfaces.clear();
        }
        let length = word(file, at + 4, order)? as usize;
        if length < 12 || !length.is_multiple_of(4) {
            return None;
        }
        let body = file.get(at + 8..at + length - 4)?;
        let half = |bytes: &[u8], at: usize| -> Option<u16> {
            let [a, b] = *bytes.get(at..at + 2)? else { return None };
            let word = if order([0, 0, 0, 1]) == 1 { [0, 0, a, b] } else { [a, b, 0, 0] };
            u16::try_from(order(word)).ok()
        };
        match word(file, at, order)? {
            1 => {
                let mut ticks = 1_000_000;
                let mut option = 8;
                while let (Some(code), Some(size)) = (half(body, option), half(body, option + 2)) {
                    match code {
                        0 => break,
                        9 => match body[option + 4] {
                            power @ 0..=9 => ticks = 10_i64.pow(power.into()),
                            _ => return None,
                        },
                        // Frame check sequences, an offset of the times.
                        13 | 14 => return None,
                        _ => {}
                    }
                    option += 4 + usize::from(size).next_multiple_of(4);
                }
                interfaces.push((half(body, 0)?, ticks));
            }
            6 => {
                let (link, ticks) = *interfaces.get(word(body, 0, order)? as usize)?;
                let high = u64::from(word(body, 4, order)?);
                let time = i64::try_from(high << 32 | u64::from(word(body, 8, order)?)).ok()?;
                let captured = word(body, 12, order)? as usize;
                packets.push(Packet {
                    ts: time.checked_mul(1_000_000_000 / ticks)?,
                    link,
                    wire: word(body, 16, order)?,
                    data: body.get(20..20 + captured)?.to_vec(),
                });
            }
            2 | 3 => return None,
            _ => {}
        }
        at += length;
    }
    Some(packets)
}

/// A pcap file with nanoseconds, big-endian; all packets have one link type.
pub fn to_pcap(packets: &[Packet]) -> Vec<u8> {
    let link = packets.first().map_or(1, |p| p.link);
    let mut out = Vec::new();
    for word in [0xA1B2_3C4D, 0x0002_0004, 0, 0, 0x0004_0000, u32::from(link)] {
        out.extend(u32::to_be_bytes(word));
    }
    for packet in packets {
        assert_eq!(packet.link, link);
        let seconds = u32::try_from(packet.ts.div_euclid(1_000_000_000)).expect("after 1970");
        let nanos = u32::try_from(packet.ts.rem_euclid(1_000_000_000)).expect("below a second");
        let captured = u32::try_from(packet.data.len()).expect("short");
        for word in [seconds, nanos, captured, packet.wire] {
            out.extend(word.to_be_bytes());
        }
        out.extend(&packet.data);
    }
    out
}

/// A pcapng file with an interface for each link type, and nanoseconds.
pub fn to_pcapng(packets: &[Packet]) -> Vec<u8> {
    fn block(out: &mut Vec<u8>, kind: u32, body: &[u8]) {
        let length = u32::try_from(12 + body.len().next_multiple_of(4)).expect("short");
        out.extend(kind.to_le_bytes());
        out.extend(length.to_le_bytes());
        out.extend(body);
        out.resize(out.len().next_multiple_of(4), 0);
        out.extend(length.to_le_bytes());
    }
    let mut out = Vec::new();
    let mut header = vec![0x4D, 0x3C, 0x2B, 0x1A, 1, 0, 0, 0];
    header.extend([0xFF; 8]);
    block(&mut out, 0x0A0D_0D0A, &header);
    let mut links: Vec<u16> = Vec::new();
    for packet in packets {
        let interface = links.iter().position(|l| *l == packet.link).unwrap_or_else(|| {
            let mut body = packet.link.to_le_bytes().to_vec();
            body.extend([0, 0, 0, 0, 4, 0, 9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0]);
            block(&mut out, 1, &body);
            links.push(packet.link);
            links.len() - 1
        });
        let time = u64::try_from(packet.ts).expect("after 1970");
        let mut body = Vec::new();
        let captured = u32::try_from(packet.data.len()).expect("short");
        let high = u32::try_from(time >> 32).expect("half");
        let low = (time & 0xFFFF_FFFF) as u32;
        for word in [interface as u32, high, low, captured, packet.wire] {
            body.extend(word.to_le_bytes());
        }
        body.extend(&packet.data);
        block(&mut out, 6, &body);
    }
    out
}

/// An address and a port.
pub type End = ([u8; 4], u16);

/// A TCP segment in IPv4 on Ethernet.
pub fn tcp(ts: i64, [from, to]: [End; 2], flags: u8, seq: u32, ack: u32, payload: &[u8]) -> Packet {
    let mut data = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0];
    let total = u16::try_from(40 + payload.len()).expect("short").to_be_bytes();
    data.extend([0x45, 0, total[0], total[1], 0, 0, 0x40, 0, 64, 6, 0, 0]);
    data.extend(from.0);
    data.extend(to.0);
    data.extend(from.1.to_be_bytes());
    data.extend(to.1.to_be_bytes());
    data.extend(seq.to_be_bytes());
    data.extend(ack.to_be_bytes());
    data.extend([0x50, flags, 0xFF, 0xFF, 0, 0, 0, 0]);
    data.extend(payload);
    Packet { ts, link: 1, wire: u32::try_from(data.len()).expect("short"), data }
}

/// Bytes that one end says at once: whether the client does, and what.
pub type Said = (bool, Vec<u8>);

/// What both ends of the last connection of a capture of IPv4 on Ethernet say, in its order,
/// one entry a turn.
pub fn flights(file: &[u8]) -> Vec<Said> {
    const SYN: u8 = 2;
    let mut client = None;
    let mut said: Vec<Said> = Vec::new();
    for packet in read(file).expect("packets") {
        let ip = &packet.data[14..];
        let total = usize::from(u16::from_be_bytes([ip[2], ip[3]]));
        let tcp = &ip[usize::from(ip[0] & 15) * 4..total];
        let ports = [0, 2].map(|at| u16::from_be_bytes([tcp[at], tcp[at + 1]]));
        if tcp[13] == SYN {
            client = Some(ports[0]);
            said.clear();
        }
        let from_client = Some(ports[0]) == client;
        let payload = &tcp[usize::from(tcp[12] >> 4) * 4..];
        if payload.is_empty() || !from_client && Some(ports[1]) != client {
            continue;
        }
        match said.last_mut() {
            Some((by, bytes)) if *by == from_client => bytes.extend(payload),
            _ => said.push((from_client, payload.to_vec())),
        }
    }
    said
}
