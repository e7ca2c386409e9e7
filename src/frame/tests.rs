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
