use super::*;

const HELLO: [u8; 11] = [22, 3, 1, 2, 0, 1, 0, 1, 0xFC, 3, 3];

#[test]
fn a_hello_in_pieces_of_any_size_is_seen() {
    for cut in 1..HELLO.len() {
        let mut look = HandshakeDetector::first();
        match look.take(&HELLO[..cut]) {
            ByteDisposition::Nothing => {
                let ByteDisposition::With(Protocol::Tls, all) = look.take(&HELLO[cut..]) else {
                    panic!("cut at {cut}")
                };
                assert_eq!(all, HELLO);
            }
            ByteDisposition::Here(..) => assert!(cut >= 10),
            ByteDisposition::With(..) => panic!("nothing was kept"),
        }
        assert!(matches!(look, HandshakeDetector::Following(Protocol::Tls)));
    }
}

#[test]
fn other_protocols_are_refused_at_once() {
    for other in [&b"GET / HTTP/1.1"[..], b"SSH-3.0-x", b"220 ", &[0x16, 0x04], &[0x80, 0x04]] {
        let mut look = HandshakeDetector::first();
        assert!(matches!(look.take(other), ByteDisposition::Nothing));
        let text = other[0] >= b' ' && other[0] < 0x80;
        assert_eq!(
            (matches!(look, HandshakeDetector::Watching), look.is_greeting()),
            (!text, text)
        );
    }
}

#[test]
fn a_hello_may_begin_a_later_segment_but_not_the_middle_of_one() {
    let mut look = HandshakeDetector::Watching;
    assert!(matches!(look.take(b"data"), ByteDisposition::Nothing));
    let inside = [b"x", &HELLO[..]].concat();
    assert!(matches!(look.take(&inside), ByteDisposition::Nothing));
    assert!(may_begin(&HELLO));
    assert!(matches!(look.take(&HELLO), ByteDisposition::Here(Protocol::Tls, 0)));
}

#[test]
fn a_false_start_hides_nothing_after_it() {
    let mut look = HandshakeDetector::first();
    assert!(matches!(look.take(b"S"), ByteDisposition::Nothing));
    assert!(matches!(look.take(&HELLO), ByteDisposition::Here(Protocol::Tls, 0)));
}

#[test]
fn an_identification_line_may_follow_other_lines() {
    let mut look = HandshakeDetector::first();
    let greeting = b"welcome\r\nto this system\r\nSSH-2.0-x\r\n";
    assert!(matches!(look.take(greeting), ByteDisposition::Here(Protocol::Ssh, 25)));
    let mut look = HandshakeDetector::first();
    assert!(matches!(look.take(b"welcome\r\n"), ByteDisposition::Nothing));
    assert!(look.is_greeting());
    assert!(may_begin(b"SSH-1.99-x\n") && !may_begin(b"SSL"));
    assert!(matches!(look.take(b"SSH-1.99-x\n"), ByteDisposition::Here(Protocol::Ssh, 0)));
}

#[test]
fn an_identification_line_may_be_cut_anywhere_behind_lines_of_any_length() {
    let long = [b'x'; 3000];
    // Lines that begin as an identification line or the prefix of IKE does, too.
    let all = [&b"welcome"[..], b"S", b"SSH: authorized use only", b"IKE", b"IKETC "]
        .map(|first| [first, b"\r\n", b"to this\n", &long, b"\r\n"].concat());
    for lines in all {
        an_identification_line_may_be_cut_anywhere_behind(&lines);
    }
}

fn an_identification_line_may_be_cut_anywhere_behind(lines: &[u8]) {
    let all = [lines, b"SSH-2.0-x\r\n\0\0\x01"].concat();
    for cut in 1..all.len() {
        let mut look = HandshakeDetector::first();
        let mut at = 0;
        let mut found = None;
        for piece in [&all[..cut], &all[cut..]] {
            match look.take(piece) {
                ByteDisposition::Nothing => {}
                ByteDisposition::Here(Protocol::Ssh, from) => {
                    found.get_or_insert(at + from);
                }
                ByteDisposition::With(Protocol::Ssh, kept) => {
                    found.get_or_insert(at + piece.len() - kept.len());
                }
                _ => panic!("cut at {cut}"),
            }
            at += piece.len();
        }
        assert_eq!(found, Some(lines.len()), "cut at {cut}");
    }
    let mut look = HandshakeDetector::first();
    for _ in 0..MAX_GREETING / 1000 {
        assert!(matches!(look.take(&[b'x'; 1000]), ByteDisposition::Nothing));
        assert!(look.is_greeting());
    }
    assert!(matches!(look.take(&[b'x'; 1000]), ByteDisposition::Nothing));
    assert!(matches!(look, HandshakeDetector::Watching));
}

/// A message cut into records of the given fragment lengths.
fn records(message: &[u8], version: [u8; 2], lengths: &[usize]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = message;
    let mut lengths = lengths.iter().cycle();
    while !rest.is_empty() {
        let n = lengths.next().copied().unwrap_or(1).clamp(1, rest.len());
        out.extend([HANDSHAKE, version[0], version[1], 0, n as u8]);
        out.extend(&rest[..n]);
        rest = &rest[n..];
    }
    out
}

#[test]
fn a_hello_is_seen_in_records_of_any_length() {
    for (kind, version) in [
        (CLIENT_HELLO, [3, 3]),
        (CLIENT_HELLO, [1, 1]),
        (SERVER_HELLO, [3, 0]),
        (SERVER_HELLO, [0x7F, 18]),
        (SERVER_HELLO, [1, 1]),
        (HELLO_RETRY_REQUEST, [0x7F, 18]),
    ] {
        let message = [&[kind, 0, 0, 60][..], &version, &[7; 58]].concat();
        for a in 1..9 {
            for b in 1..9 {
                let in_record = if version[0] == 0x7F { [3, 1] } else { version };
                let bytes = records(&message, in_record, &[a, b]);
                assert_eq!(hello(&bytes), Verdict::Yes, "{kind} {version:?} {a} {b}");
                for cut in 0..bytes.len() {
                    assert_ne!(hello(&bytes[..cut]), Verdict::No, "cut at {cut}");
                    let shown = &bytes[..cut.min(LONGEST_PREFIX)];
                    let last = hello(shown) == Verdict::Yes;
                    assert!(last || cut < LONGEST_PREFIX, "settled by the longest prefix");
                }
            }
        }
    }
    assert_eq!(hello(&records(&[0, 0, 0, 0], [3, 1], &[1])), Verdict::Yes);
    for other in [
        [1, 0, 0, 33, 3, 3],
        [1, 2, 1, 69, 3, 3],
        [2, 1, 0, 72, 3, 3],
        [0, 0, 0, 1, 3, 3],
        [1, 0, 0, 60, 2, 3],
        [2, 0, 0, 60, 9, 9],
        [11, 0, 0, 60, 3, 3],
    ] {
        for n in 1..6 {
            assert_eq!(hello(&records(&other, [3, 1], &[n])), Verdict::No, "{other:?}");
        }
    }
}

#[test]
fn sslv2_hellos() {
    let client = [0x80, 0x2E, 1, 0, 2, 0, 0x15, 0, 0, 0, 16];
    assert_eq!(begins_first(&client), Verdict::Yes);
    let tls_in_v2 = [0x80, 0x2E, 1, 3, 1, 0, 0x15, 0, 0, 0, 32];
    assert_eq!(begins_first(&tls_in_v2), Verdict::Yes);
    assert_eq!(begins_first(&[0x83, 0xF8, 4, 0, 1, 0, 2]), Verdict::Yes);
    assert_eq!(begins_first(&[0x80, 0x2E, 1, 0, 3]), Verdict::No);
}
