use super::*;

fn parse(link: u16, bytes: &[u8]) -> Frame {
    parse_cut(link, bytes, bytes.len())
}

fn parse_cut(link: u16, bytes: &[u8], wire: usize) -> Frame {
    let mut arena = bytes.to_vec();
    let captured = Captured { wire: narrow(wire), ..whole_frame(link, 0, bytes) };
    Parser::default().parse(&mut arena, captured, 0)
}

fn whole_frame(link: u16, at: usize, bytes: &[u8]) -> Captured {
    let n = narrow(bytes.len());
    Captured { link, start: narrow(at), captured: n, wire: n }
}

/// IPv4 + TCP 192.0.2.1:1000 to 192.0.2.2:443 with four bytes of payload.
fn ipv4_tcp() -> Vec<u8> {
    let mut b = vec![0x45, 0, 0, 44, 0, 1, 0, 0, 64, 6, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2];
    b.extend([0x03, 0xE8, 0x01, 0xBB, 0, 0, 0, 9, 0, 0, 0, 7, 0x50, 0x18, 1, 0, 0, 0, 0, 0]);
    b.extend(*b"data");
    b
}

fn ipv6_tcp(extensions: &[u8], first: u8) -> Vec<u8> {
    let tcp = &ipv4_tcp()[20..];
    let length = u16::try_from(extensions.len() + tcp.len()).expect("short").to_be_bytes();
    let mut b = vec![0x60, 0, 0, 0, length[0], length[1], first, 64];
    b.extend([0x20, 1, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    b.extend([0x20, 1, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
    b.extend(extensions);
    b.extend(tcp);
    b
}

fn ethernet(ether_type: u16, payload: &[u8]) -> Vec<u8> {
    let mut b = vec![0; 12];
    b.extend(ether_type.to_be_bytes());
    b.extend(payload);
    b
}

fn udp(port: u16, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(28 + payload.len()).expect("short").to_be_bytes();
    let mut b = vec![0x45, 0, length[0], length[1], 0, 1, 0, 0, 64, 17, 0, 0];
    b.extend([198, 51, 100, 1, 198, 51, 100, 2]);
    b.extend(9999u16.to_be_bytes());
    b.extend(port.to_be_bytes());
    b.extend([0, 0, 0, 0]);
    b.extend(payload);
    b
}

fn in_ip(protocol: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(20 + payload.len()).expect("short").to_be_bytes();
    let mut b = vec![0x45, 0, length[0], length[1], 0, 1, 0, 0, 64, protocol, 0, 0];
    b.extend([198, 51, 100, 1, 198, 51, 100, 2]);
    b.extend(payload);
    b
}

#[track_caller]
fn assert_tcp(frame: Frame) {
    let Frame::Tcp(ends, s) = frame else { panic!("not TCP: {frame:?}") };
    assert_eq!((ends.src_port, ends.dst_port, s.seq, s.ack, s.length), (1000, 443, 9, 7, 4));
    assert_eq!(s.captured, 4);
    assert_eq!(s.flags, flag::ACK | flag::PSH);
}

fn with(head: &[u8], rest: &[u8]) -> Vec<u8> {
    [head, rest].concat()
}

#[test]
fn link_types() {
    let ip = ipv4_tcp();
    assert_tcp(parse(1, &ethernet(0x0800, &ip)));
    for raw in [12, 14, 101, 228] {
        assert_tcp(parse(raw, &ip));
    }
    assert_tcp(parse(229, &ipv6_tcp(&[], 6)));
    assert_tcp(parse(0, &with(&[2, 0, 0, 0], &ip)));
    assert_tcp(parse(0, &with(&[0, 0, 0, 2], &ip)));
    assert_tcp(parse(108, &with(&[0, 0, 0, 2], &ip)));
    assert_tcp(parse(0, &with(&[30, 0, 0, 0], &ipv6_tcp(&[], 6))));
    let mut sll = vec![0; 16];
    sll[14..16].copy_from_slice(&0x0800u16.to_be_bytes());
    assert_tcp(parse(113, &with(&sll, &ip)));
    let mut sll2 = vec![0; 20];
    sll2[..2].copy_from_slice(&0x0800u16.to_be_bytes());
    assert_tcp(parse(276, &with(&sll2, &ip)));
    assert_tcp(parse(9, &with(&[0xFF, 0x03, 0x00, 0x21], &ip)));
    assert_tcp(parse(9, &with(&[0x21], &ip)));
    assert_tcp(parse(50, &with(&[0x0F, 0x00, 0x08, 0x00], &ip)));
    assert_tcp(parse(104, &with(&[0x0F, 0x00, 0x08, 0x00], &ip)));
    assert_tcp(parse(1, &ethernet(52, &with(&[0xAA, 0xAA, 3, 0, 0, 0, 8, 0], &ip))));
    assert_eq!(parse(147, &ip), Frame::UnsupportedLink);
}

#[test]
fn tags_labels_and_sessions() {
    let ip = ipv4_tcp();
    for tpid in [0x8100, 0x88A8, 0x9100] {
        assert_tcp(parse(1, &ethernet(tpid, &with(&[0, 5, 8, 0], &ip))));
    }
    let stacked = with(&[0, 5, 0x81, 0x00, 0, 6, 8, 0], &ip);
    assert_tcp(parse(1, &ethernet(0x88A8, &stacked)));
    let labels = with(&[0, 1, 0x00, 64, 0, 2, 0x01, 64], &ip);
    assert_tcp(parse(1, &ethernet(0x8847, &labels)));
    let pseudowire = with(&[0, 1, 0x01, 64, 0, 0, 0, 0], &ethernet(0x0800, &ip));
    assert_tcp(parse(1, &ethernet(0x8847, &pseudowire)));
    let session = with(&[0x11, 0, 0, 1, 0, 46, 0, 0x21], &ip);
    assert_tcp(parse(1, &ethernet(0x8864, &session)));
    assert_eq!(parse(1, &ethernet(0x0806, &[0; 46])), Frame::NotIp);
}

#[test]
fn tunnels() {
    let ip = ipv4_tcp();
    let frame = ethernet(0x0800, &ip);
    assert_tcp(parse(101, &in_ip(4, &ip)));
    assert_tcp(parse(101, &in_ip(41, &ipv6_tcp(&[], 6))));
    assert_tcp(parse(101, &in_ip(47, &with(&[0, 0, 8, 0], &ip))));
    assert_tcp(parse(
        101,
        &in_ip(47, &with(&[0xB0, 0, 8, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2], &ip)),
    ));
    assert_tcp(parse(101, &in_ip(47, &with(&[0, 0, 0x65, 0x58], &frame))));
    assert_tcp(parse(101, &in_ip(47, &with(&[0, 0, 0x88, 0xBE], &frame))));
    let erspan2 = with(&[0x10, 0, 0x88, 0xBE, 0, 0, 0, 1, 0x10, 0, 0, 0, 0, 0, 0, 0], &frame);
    assert_tcp(parse(101, &in_ip(47, &erspan2)));
    let erspan3 =
        with(&[0x10, 0, 0x22, 0xEB, 0, 0, 0, 1, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], &frame);
    assert_tcp(parse(101, &in_ip(47, &erspan3)));
    assert_tcp(parse(101, &udp(4789, &with(&[8, 0, 0, 0, 0, 0, 1, 0], &frame))));
    assert_tcp(parse(101, &udp(6081, &with(&[1, 0, 0x65, 0x58, 0, 0, 1, 0, 9, 9, 9, 9], &frame))));
    assert_tcp(parse(101, &udp(2152, &with(&[0x30, 0xFF, 0, 44, 0, 0, 0, 1], &ip))));
    assert!(matches!(parse(101, &udp(4789, b"\0ot a tunnel")), Frame::Udp(d) if d.length == 12));
    let llc = with(&[0xAA, 0xAA, 3, 0, 0, 0, 8, 0], &ip);
    let mut wireless = [0x08, 0x01, 0, 0].to_vec();
    wireless.extend([0; 20]);
    assert_tcp(parse(105, &with(&wireless, &llc)));
    assert_tcp(parse(127, &with(&with(&[0, 0, 8, 0, 0, 0, 0, 0], &wireless), &llc)));
    wireless[..2].copy_from_slice(&[0x11, 0x08]);
    let capwap = with(&[0, 0x10, 0x03, 0, 0, 0, 0, 0], &with(&wireless, &llc));
    assert_tcp(parse(101, &udp(5247, &capwap)));
    assert_eq!(parse(101, &in_ip(50, &[0; 40])), Frame::Esp);
}

#[test]
fn endless_tunnels_end() {
    let mut packet = ipv4_tcp();
    for _ in 0..40 {
        packet = in_ip(4, &packet);
    }
    assert_eq!(parse(101, &packet), Frame::TooDeep);
}

#[test]
fn ipv6_extension_headers() {
    assert_tcp(parse(101, &ipv6_tcp(&[], 6)));
    let hop_by_hop = [60, 0, 1, 4, 0, 0, 0, 0];
    let destination = [6, 0, 1, 4, 0, 0, 0, 0];
    assert_tcp(parse(101, &ipv6_tcp(&with(&hop_by_hop, &destination), 0)));
    let atomic = [6, 0, 0, 0, 0, 0, 0, 1];
    assert_tcp(parse(101, &ipv6_tcp(&atomic, 44)));
    let ah = [&[6, 4, 0, 0][..], &[0; 20]].concat();
    assert_tcp(parse(101, &ipv6_tcp(&ah, 51)));
}

#[test]
fn lengths_come_from_the_ip_header_when_it_makes_sense() {
    // Padding to the least frame length is no payload.
    assert_tcp(parse(1, &ethernet(0x0800, &with(&ipv4_tcp(), &[0; 2]))));
    // Segmentation offload leaves zero.
    let mut offloaded = ipv4_tcp();
    offloaded[2..4].fill(0);
    assert_tcp(parse(101, &offloaded));
    // A snap length takes bytes, not length.
    let whole = ipv4_tcp();
    let Frame::Tcp(_, cut) = parse_cut(101, &whole[..41], 44) else { panic!("not TCP") };
    assert_eq!((cut.captured, cut.length), (1, 4));
    assert_eq!(parse_cut(101, &whole[..30], 44), Frame::Cut);
    assert_eq!(parse(101, &whole[..19]), Frame::Malformed);
}

#[test]
fn fragments_come_together() {
    let whole = ipv4_tcp();
    let mut first = whole[..20 + 16].to_vec();
    first[2..4].copy_from_slice(&36u16.to_be_bytes());
    first[6] = 0x20;
    let mut last = whole[..20].to_vec();
    last.extend(&whole[36..]);
    last[2..4].copy_from_slice(&28u16.to_be_bytes());
    last[7] = 2;
    let mut parser = Parser::default();
    let mut arena = last.clone();
    let fragment = parser.parse(&mut arena, whole_frame(101, 0, &last), 0);
    assert_eq!(fragment, Frame::Fragment);
    let at = arena.len();
    arena.extend(&first);
    let frame = parser.parse(&mut arena, whole_frame(101, at, &first), 0);
    assert_tcp(frame);
    let Frame::Tcp(_, segment) = frame else { unreachable!() };
    assert_eq!(&arena[segment.payload as usize..][..4], b"data");
}

#[test]
fn every_truncation_is_read_without_panic() {
    let frame = ethernet(
        0x88A8,
        &with(
            &[0, 5, 0x81, 0x00, 0, 6, 8, 0],
            &in_ip(47, &with(&[0, 0, 0x65, 0x58], &ethernet(0x0800, &ipv4_tcp()))),
        ),
    );
    assert_tcp(parse(1, &frame));
    for n in 0..frame.len() {
        for wire in [n, frame.len()] {
            parse_cut(1, &frame[..n], wire);
        }
    }
}

#[test]
fn wrapped_esp_says_whether_it_encrypts() {
    let esp = [0xC0, 0, 0, 1, 0, 0, 0, 1];
    let segment = &ipv4_tcp()[20..];
    // Two bytes of padding, their number, the next header, a check value of 12.
    let trailer = [&[1, 2, 2, 6][..], &[0xAA; 12]].concat();
    let clear = [&[6, 12, 12, 0][..], &esp, segment, &trailer].concat();
    assert_tcp(parse(101, &in_ip(141, &clear)));
    let padded = [&[6, 16, 12, 0x10, 0, 0, 0, 0][..], &esp, segment, &trailer].concat();
    assert_tcp(parse(101, &in_ip(141, &padded)));
    let encrypted = [&[0, 0, 0, 0x20][..], &esp, &[7; 40]].concat();
    assert_eq!(parse(101, &in_ip(141, &encrypted)), Frame::Esp);
    // A payload that ends before it begins, and a version that is not known.
    let wrong = [&[6, 60, 12, 0][..], &esp, segment, &trailer].concat();
    assert_eq!(parse(101, &in_ip(141, &wrong)), Frame::Malformed);
    let newer = [&[6, 12, 12, 0x40][..], &esp, segment, &trailer].concat();
    assert_eq!(parse(101, &in_ip(141, &newer)), Frame::Malformed);
}

/// An IPv4 packet whose header has a right checksum, as those have that must show themselves.
fn summed(mut packet: Vec<u8>) -> Vec<u8> {
    let words = packet[..20].chunks(2).map(|w| u32::from(u16::from_be_bytes([w[0], w[1]])));
    let sum: u32 = words.sum();
    let sum = !(((sum & 0xFFFF) + (sum >> 16)) as u16);
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
    packet
}

#[test]
fn tags_before_ip_in_any_order() {
    let ip = ipv4_tcp();
    let whole = ethernet(0x0800, &ip);
    // A tag: its EtherType, and its bytes up to the next EtherType.
    let tags: [(u16, &[u8]); 12] = [
        (0x8100, &[0, 5]),
        (0x88A8, &[0, 6]),
        (0x9100, &[0, 7]),
        (0x9200, &[0, 8]),
        (0x9300, &[0, 9]),
        (0x8909, &[1, 1, 0, 1, 0, 10]),
        (0x8926, &[0, 0, 0, 1]),
        (0x893F, &[0, 0, 0, 0, 0, 1]),
        (0xF1C1, &[0, 0, 0, 7]),
        (0x892F, &[0, 52, 0, 7]),
        (0xD28B, &[0, 1, 1, 0x10, 0, 0, 0, 0, 0, 0, 0, 0]),
        (0xDADA, &[0, 0, 0, 0, 0, 0]),
    ];
    for (first, first_bytes) in tags {
        let one = [first_bytes, &[8, 0], &ip].concat();
        assert_tcp(parse(1, &ethernet(first, &one)));
        for (second, second_bytes) in tags {
            let both = [first_bytes, &second.to_be_bytes(), second_bytes, &[8, 0], &ip].concat();
            assert_tcp(parse(1, &ethernet(first, &both)));
        }
        for cut in 0..first_bytes.len() {
            assert_eq!(parse(1, &ethernet(first, &first_bytes[..cut])), Frame::Malformed);
        }
    }
    // Frames in frames: FabricPath, PBB, TRILL with an option, ISL.
    assert_tcp(parse(1, &ethernet(0x8903, &with(&[0, 0x4F], &whole))));
    assert_tcp(parse(1, &ethernet(0x88A8, &with(&[0, 1, 0x88, 0xE7, 0, 0, 1, 0], &whole))));
    assert_tcp(parse(1, &ethernet(0x22F3, &with(&[0, 0x4F, 0, 1, 0, 2, 9, 9, 9, 9], &whole))));
    let isl =
        [&[1, 0, 0x0C, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 80, 0xAA, 0xAA, 3][..], &[0; 9]].concat();
    assert_tcp(parse(1, &with(&isl, &whole)));
    // MACsec that does not encrypt, with and without the channel; encrypted, changed.
    let check = [7; 16];
    let plain = [&[0, 0, 0, 0, 0, 1, 8, 0][..], &ip, &check].concat();
    assert_tcp(parse(1, &ethernet(0x88E5, &plain)));
    let channel = [&[0x20, 0, 0, 0, 0, 1][..], &[3; 8], &[8, 0], &ip, &check].concat();
    assert_tcp(parse(1, &ethernet(0x88E5, &channel)));
    for flags in [0x0C, 0x08, 0x04] {
        let mut hidden = plain.clone();
        hidden[0] = flags;
        assert_eq!(parse(1, &ethernet(0x88E5, &hidden)), Frame::NotIp);
    }
    // Trailers of brokers are behind the packet.
    assert_tcp(parse(1, &ethernet(0x0800, &with(&ip, &[0x5A; 20]))));
    // Another EtherType of tags.
    let mut arena = ethernet(0x9999, &with(&[0, 5, 8, 0], &ip));
    let frame = whole_frame(1, 0, &arena);
    let options = Options::new(&[], vec![0x9999]);
    assert_tcp(Parser::new(options).parse(&mut arena, frame, 0));
}

#[test]
fn mirror_tunnels() {
    let ip = summed(ipv4_tcp());
    let frame = ethernet(0x0800, &ip);
    let cases: [(u16, Vec<u8>); 17] = [
        (37008, with(&[1, 0, 0, 1, 0, 0x0A, 1, 9, 1], &frame)),
        (37008, with(&[1, 1, 0, 1, 1], &frame)),
        (4790, with(&[0x0C, 0, 0, 3, 0, 0, 1, 0], &frame)),
        (4790, with(&[0x0C, 0, 0, 1, 0, 0, 1, 0], &ip)),
        (4790, with(&[0x0C, 0, 0, 4, 0, 0, 1, 0, 0, 2, 1, 3, 0, 0, 1, 1], &frame)),
        (4790, with(&[0x08, 0, 0, 0, 0, 0, 1, 0], &frame)),
        (6635, with(&[0, 1, 1, 64], &ip)),
        (4754, with(&[0, 0, 8, 0], &ip)),
        (4754, with(&[0x20, 0, 0x65, 0x58, 0, 0, 1, 0], &frame)),
        (3544, ipv6_tcp(&[], 6)),
        (3544, with(&[0, 0, 1, 2, 3, 4, 5, 6], &ipv6_tcp(&[], 6))),
        (3544, with(&[0, 1, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0], &ipv6_tcp(&[], 6))),
        (1701, with(&[0x40, 2, 0, 54, 0, 1, 0, 2, 0xFF, 3, 0, 0x21], &ip)),
        (1701, with(&[0, 3, 0, 0, 0, 0, 0, 7], &frame)),
        (1701, with(&[0, 3, 0, 0, 0, 0, 0, 7, 1, 2, 3, 4, 0, 0, 0, 0], &frame)),
        (1701, with(&[0, 2, 0, 1, 0, 2, 0x21], &ip)),
        (6081, with(&[2, 0, 0x65, 0x58, 0, 0, 1, 0, 1, 8, 1, 1, 9, 9, 9, 9], &frame)),
    ];
    for (port, payload) in cases {
        assert_tcp(parse(101, &udp(port, &payload)));
        for n in 0..payload.len() {
            parse_cut(101, &udp(port, &payload)[..28 + n], 28 + payload.len());
        }
    }
    assert_tcp(parse(101, &in_ip(97, &with(&[0x30, 0], &frame))));
    assert_tcp(parse(101, &in_ip(143, &frame)));
    assert_tcp(parse(101, &in_ip(145, &with(&[0, 2, 1, 3, 0, 0, 1, 1], &frame))));
    for cookie in [0, 4, 8, 12] {
        assert_tcp(parse(
            101,
            &in_ip(115, &[&[0, 0, 0, 7][..], &[9; 12][..cookie], &frame].concat()),
        ));
    }
    assert_eq!(parse(101, &in_ip(115, &with(&[0; 4], &frame))), Frame::OtherIp);
    assert_tcp(parse(101, &in_ip(47, &with(&[0x20, 1, 0x64, 0, 0, 58, 7, 0], &frame))));
    assert_tcp(parse(101, &in_ip(47, &with(&[0, 0, 0x88, 0x3E, 0, 0, 0, 0], &ip))));
    // Samples are named, never followed.
    let sflow = with(&[0, 0, 0, 5, 0, 0, 0, 1, 192, 0, 2, 9], &[0; 40]);
    assert_eq!(parse(101, &udp(6343, &sflow)), Frame::Sampled);
    // On another port it is a datagram that looks like one, and by an option the tunnel.
    let mut arena = udp(5555, &with(&[8, 0, 0, 0, 0, 0, 1, 0], &frame));
    let captured = whole_frame(101, 0, &arena);
    let mut parser = Parser::default();
    let Frame::Udp(datagram) = parser.parse(&mut arena, captured, 0) else { panic!("no datagram") };
    assert_eq!(parser.resembles(&arena, &datagram), Some(Encapsulation::Vxlan));
    let options = Options::new(&[(5555, Encapsulation::Vxlan)], Vec::new());
    assert_tcp(Parser::new(options).parse(&mut arena, captured, 0));
}

#[test]
fn pseudowires_show_what_they_carry() {
    let ip = summed(ipv4_tcp());
    let label = [0, 1, 1, 64];
    for first in [0x00, 0x02, 0x40, 0x45, 0x60, 0x64, 0x92] {
        let mut frame = ethernet(0x0800, &ip);
        frame[0] = first;
        assert_tcp(parse(1, &ethernet(0x8847, &with(&label, &frame))));
        let word = [&label[..], &[0, 0, 0, 9]].concat();
        assert_tcp(parse(1, &ethernet(0x8847, &with(&word, &frame))));
    }
    assert_tcp(parse(1, &ethernet(0x8847, &with(&label, &ip))));
    assert_tcp(parse(1, &ethernet(0x8847, &with(&label, &ipv6_tcp(&[], 6)))));
    let ppp = [&label[..], &[0, 0, 0, 9, 0, 0x21]].concat();
    assert_tcp(parse(1, &ethernet(0x8847, &with(&ppp, &ip))));
    let channel = with(&label, &[0x10, 0, 0, 7, 0, 0]);
    assert_eq!(parse(1, &ethernet(0x8847, &channel)), Frame::NotIp);
}

#[test]
fn link_types_of_devices() {
    let ip = summed(ipv4_tcp());
    let frame = ethernet(0x0800, &ip);
    let erf = |kind: u8, inner: &[u8]| {
        let wire = u16::try_from(inner.len()).expect("short").to_be_bytes();
        [&[0; 8][..], &[kind, 4, 0, 0, 0, 0, wire[0], wire[1]], inner].concat()
    };
    let mut long = erf(0x82, &[]);
    long.extend([&[0x81; 8][..], &[1; 8], &[0, 0], &frame].concat());
    let mut packet = erf(2, &[]);
    packet.extend(with(&[0, 0], &frame));
    assert_tcp(parse(197, &packet));
    assert_tcp(parse(197, &long));
    assert_tcp(parse(197, &erf(1, &with(&[0xFF, 3, 0, 0x21], &ip))));
    assert_tcp(parse(197, &erf(1, &with(&[0x0F, 0, 8, 0], &ip))));
    assert_tcp(parse(197, &erf(22, &ip)));
    let little = with(&[2, 0, 0, 0, 8, 0, 1, 0, 8, 0, 1, 0, 48, 0, 9, 0], &ip);
    assert_tcp(parse(239, &little));
    let big = with(&[2, 0, 0, 0, 0, 6, 0, 10, b'x', 0, 0, 0, 0, 48, 0, 9], &ip);
    assert_tcp(parse(239, &big));
    assert_tcp(parse(192, &with(&[0, 0, 8, 0, 1, 0, 0, 0], &frame)));
    assert_tcp(parse(166, &with(&[1, 3, 0, 0x21], &ip)));
    assert_tcp(parse(204, &with(&[0, 0xFF, 3, 0, 0x21], &ip)));
    assert_tcp(parse(281, &[&frame[..12], &[1, 2, 3, 4], &frame[12..]].concat()));
    assert_tcp(parse(282, &with(&[1, 2, 3, 4], &frame)));
    assert_tcp(parse(284, &[&frame[..12], &[0xC0, 2, 0, 4], &frame[12..]].concat()));
    assert_tcp(parse(
        285,
        &[&frame[..12], &[0xDA, 0xDA, 0, 0, 0xC0, 2, 0, 4], &frame[12..]].concat(),
    ));
    for before in [&[][..], &[0x55; 20], &[0; 64]] {
        assert_tcp(parse(147, &with(before, &ip)));
        assert_tcp(parse(147, &with(before, &frame)));
    }
    for (interface, protocol) in [(519, 3), (0xFFFE, 0), (512, 0), (1, 0x0800), (768, 0)] {
        let mut sll = vec![0; 16];
        sll[2..4].copy_from_slice(&u16::to_be_bytes(interface));
        sll[14..16].copy_from_slice(&u16::to_be_bytes(protocol));
        assert_tcp(parse(113, &with(&sll, &ip)));
    }
    let session = with(&[0x11, 0, 0, 1, 0, 45, 0x21], &ip);
    assert_tcp(parse(1, &ethernet(0x8864, &session)));
    assert_tcp(parse(9, &with(&[0xFF, 3, 0, 0x3D, 0xC0, 0, 0, 1, 0, 0x21], &ip)));
    assert_eq!(parse(9, &with(&[0xFF, 3, 0, 0x3D, 0x80, 0, 0, 1, 0, 0x21], &ip)), Frame::NotIp);
    for named in [187, 201, 189, 220, 249, 251] {
        assert_eq!(parse(named, &with(&[0; 20], &frame)), Frame::UnsupportedLink);
    }
}

#[test]
fn wireless_frames() {
    let llc = with(&[0xAA, 0xAA, 3, 0, 0, 0, 8, 0], &summed(ipv4_tcp()));
    let header = |control: [u8; 2], more: &[u8]| [&control[..], &[0; 22], more].concat();
    let plain = with(&header([0x08, 1], &[]), &llc);
    let fcs = with(&plain, &[1, 2, 3, 4]);
    let qos = with(&header([0x88, 1], &[0, 0]), &llc);
    let control = with(&header([0x88, 0x81], &[0, 0, 1, 2, 3, 4]), &llc);
    let four = with(&header([0x88, 3], &[0; 8]), &llc);
    let length = u16::try_from(llc.len()).expect("short").to_be_bytes();
    let sub = [&[0; 12][..], &length, &llc, &[0; 24]].concat();
    let aggregate = with(&header([0x88, 1], &[0x80, 0]), &sub);
    let decrypted = with(&header([0x08, 0x41], &[1, 2, 3, 0x20, 5, 6, 7, 8]), &llc);
    for frame in [&plain, &fcs, &qos, &control, &four, &aggregate, &decrypted] {
        assert_tcp(parse(105, frame));
        assert_tcp(parse(127, &with(&[0, 0, 8, 0, 0, 0, 0, 0], frame)));
        assert_tcp(parse(192, &with(&[0, 0, 8, 0, 105, 0, 0, 0], frame)));
        assert_tcp(parse(1, &ethernet(0x2452, frame)));
        let avs = [&[0x80, 0x21, 0x10, 1, 0, 0, 0, 64][..], &[0; 56]].concat();
        assert_tcp(parse(163, &with(&avs, frame)));
        assert_tcp(parse(119, &with(&avs, frame)));
        let prism = [&[0x44, 0, 0, 0, 144, 0, 0, 0][..], &[0; 136]].concat();
        assert_tcp(parse(119, &with(&prism, frame)));
    }
    // Radiotap that says that the header is filled.
    let mut filled = header([0x88, 1], &[0, 0]);
    filled.extend([0, 0]);
    let timer = [&[0, 0, 17, 0, 3, 0, 0, 0][..], &[9; 8], &[0x20]].concat();
    assert_tcp(parse(127, &[&timer[..], &filled, &llc].concat()));
    let words = [0, 0, 13, 0, 2, 0, 0, 0x80, 0, 0, 0, 0, 0x20];
    assert_tcp(parse(127, &[&words, &filled[..], &llc].concat()));
    assert_eq!(parse(105, &header([0x80, 0], &[0; 40])), Frame::NotIp);
    assert_eq!(parse(105, &header([0x08, 0x41], &[7; 60])), Frame::NotIp);
}

#[test]
fn labels_over_what_does_not_show_itself() {
    let label = [0, 1, 1, 64];
    let under = |payload: &[u8]| {
        let mut arena = ethernet(0x8847, &with(&label, payload));
        let captured = whole_frame(1, 0, &arena);
        let mut parser = Parser::default();
        (parser.parse(&mut arena, captured, 0), parser.layer())
    };
    // A wrong checksum, as changed addresses leave it, and none.
    let ip = ipv4_tcp();
    assert_tcp(under(&ip).0);
    let mut wrong = summed(ipv4_tcp());
    wrong[10] ^= 1;
    assert_tcp(under(&wrong).0);
    // Frames that hold no IP are Ethernet, whatever their address begins with.
    for first in [0x00, 0x10, 0x40, 0x45, 0x60, 0x92] {
        let mut discovery = ethernet(0x88CC, &[2; 60]);
        discovery[0] = first;
        let found = (Frame::NotIp, Some(Layer::EtherType(0x88CC)));
        assert_eq!(under(&discovery), found, "{first:02X}");
        assert_eq!(under(&with(&[0, 0, 0, 9], &discovery)), found, "{first:02X}");
        let mut tree = ethernet(38, &with(&[0x42, 0x42, 3], &[0; 43]));
        tree[0] = first;
        assert_eq!(under(&tree), (Frame::NotIp, Some(Layer::Llc(0x42, 0x42))), "{first:02X}");
    }
}

#[test]
fn a_packet_that_the_mirror_cut_is_as_long_as_its_header_says() {
    let cut = &ipv4_tcp()[..41];
    let frame = with(&[8, 0, 0, 0, 0, 0, 1, 0], &ethernet(0x0800, cut));
    let Frame::Tcp(_, segment) = parse(101, &udp(4789, &frame)) else { panic!("not TCP") };
    assert_eq!((segment.captured, segment.length), (1, 4));
    // Without a tunnel the frame's length is what is believed.
    let Frame::Tcp(_, segment) = parse(101, cut) else { panic!("not TCP") };
    assert_eq!((segment.captured, segment.length), (1, 1));
}

#[test]
fn every_packet_of_an_aggregate_is_read() {
    let llc = with(&[0xAA, 0xAA, 3, 0, 0, 0, 8, 0], &summed(ipv4_tcp()));
    let length = u16::try_from(llc.len()).expect("short").to_be_bytes();
    let one = [&[0; 12][..], &length, &llc, &[0; 2]].concat();
    let header = [&[0x88, 1][..], &[0; 22], &[0x80, 0]].concat();
    let check = [1, 2, 3, 4];
    let frame = [&header[..], &one, &one, &one, &check].concat();
    let whole = frame.len() - check.len();
    for captured in 0..=frame.len() {
        let mut arena = frame[..captured].to_vec();
        let mut parser = Parser::default();
        let head = whole_frame(105, 0, &arena);
        let mut frames =
            vec![parser.parse(&mut arena, Captured { wire: narrow(frame.len()), ..head }, 0)];
        while let Some((frame, _)) = parser.parse_further(&mut arena, 0) {
            frames.push(frame);
        }
        assert!(frames.len() <= 3);
        if captured >= whole {
            frames.iter().for_each(|frame| assert_tcp(*frame));
            assert_eq!((frames.len(), parser.oddities().aggregated_packets), (3, 2));
        }
    }
}

#[test]
fn headers_without_end_and_tunnels_without_content() {
    let extended = [&[0; 8][..], &[0x82, 4, 0, 0, 0, 0, 0, 60], &[0x81; 8 * 20]].concat();
    assert_eq!(parse(197, &extended), Frame::TooDeep);
    // Keep-alives of GRE and EoIP, an acknowledgment of PPTP.
    for empty in [
        &[0, 0, 0, 0][..],
        &[0x20, 1, 0x64, 0, 0, 0, 7, 0],
        &[0x20, 0x81, 0x88, 0x0B, 0, 0, 0, 1, 0, 0, 0, 9],
    ] {
        assert_eq!(parse(101, &in_ip(47, empty)), Frame::OtherIp);
    }
}

#[test]
fn options_of_a_syn_say_how_windows_are_scaled() {
    let scale = |options: &[u8]| {
        let segment = Segment {
            seq: 0,
            ack: 0,
            flags: 2,
            options: u8::try_from(options.len()).expect("short"),
            window: 0,
            payload: u32::try_from(3 + options.len()).expect("short"),
            captured: 0,
            length: 0,
            identity: Identity::default(),
        };
        segment.window_scale(&with(&[9, 9, 9], options))
    };
    assert_eq!(scale(&[]), Some(None));
    assert_eq!(scale(&[2, 4, 5, 180, 1, 3, 3, 7]), Some(Some(7)));
    assert_eq!(scale(&[1, 1, 3, 3, 0, 0]), Some(Some(0)));
    // The end of the list, a length that is none, one beyond the options.
    assert_eq!(scale(&[0, 3, 3, 7]), Some(None));
    assert_eq!(scale(&[5, 0, 3, 3, 7, 1, 1, 1]), Some(None));
    assert_eq!(scale(&[5, 200, 3, 3, 7, 1, 1, 1]), Some(None));
    assert_eq!(scale(&[1, 1, 1, 3]), Some(None));
    // The whole frame, and one that the capture has cut in its options.
    let mut header = vec![0, 9, 1, 187, 0, 0, 0, 9, 0, 0, 0, 7, 0x60, 2, 1, 0, 0, 0, 0, 0];
    header.extend([1, 3, 3, 5]);
    for cut in [0, 2] {
        let mut bytes = in_ip(6, &header);
        let wire = u32::try_from(bytes.len()).expect("short");
        bytes.truncate(bytes.len() - cut);
        let captured = Captured { link: 101, start: 0, captured: wire - cut as u32, wire };
        let frame = Parser::new(Options::default()).parse(&mut bytes, captured, 0);
        let Frame::Tcp(_, segment) = frame else { panic!("not TCP: {frame:?}") };
        assert_eq!(segment.window, 256);
        assert_eq!(segment.window_scale(&bytes), (cut == 0).then_some(Some(5)));
    }
}
