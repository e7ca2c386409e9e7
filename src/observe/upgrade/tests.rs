use proptest::prelude::*;

use super::*;

const C: Side = Side::Low;
const S: Side = Side::High;

/// A dialogue up to its upgrade: who says what. The last one grants.
type Dialogue = &'static [(Side, &'static [u8])];

const DIALOGUES: &[(Kind, Dialogue)] = &[
    (
        Kind::Ftp,
        &[
            (S, b"220-Welcome\r\n220 ready\r\n"),
            (C, b"AUTH TLS-P\r\n"),
            (S, b"500 no\r\n"),
            (C, b"auth tls\r\n"),
            (S, b"234 go\r\n"),
        ],
    ),
    (
        Kind::Smtp,
        &[
            (S, b"220 mail.example.com ESMTP\r\n"),
            (C, b"EHLO me\r\n"),
            (S, b"250-mail.example.com\r\n250 STARTTLS\r\n"),
            (C, b"STARTTLS\r\n"),
            (S, b"220 2.0.0 Ready to start TLS\r\n"),
        ],
    ),
    (
        Kind::Imap,
        &[
            (S, b"* OK IMAP4rev1\r\n"),
            (C, b"a1 STARTTLS\r\n"),
            (S, b"* OK still here\r\na1 OK Begin TLS\r\n"),
        ],
    ),
    (Kind::Pop3, &[(S, b"+OK ready\r\n"), (C, b"STLS\r\n"), (S, b"+OK begin\r\n")]),
    (Kind::Nntp, &[(S, b"200 news\r\n"), (C, b"STARTTLS\r\n"), (S, b"382 go\r\n")]),
    (
        Kind::Sieve,
        &[
            (S, b"\"IMPLEMENTATION\" \"x\"\r\nOK\r\n"),
            (C, b"STARTTLS\r\n"),
            (S, b"OK \"go\"\r\n"),
        ],
    ),
    (
        Kind::Irc,
        &[
            (C, b"CAP LS\r\n"),
            (S, b":irc CAP * LS :tls\r\n"),
            (C, b"STARTTLS\r\n"),
            (S, b":irc 670 * :go\r\n"),
        ],
    ),
    (
        Kind::Xmpp,
        &[
            (C, b"<?xml version='1.0'?><stream:stream to='x'>"),
            (S, b"<stream:features><starttls/></stream:features>"),
            (C, b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"),
            (S, b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"),
        ],
    ),
    (
        Kind::Ldap,
        &[
            (C, b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037"),
            (S, b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00"),
        ],
    ),
    (
        Kind::Telnet,
        &[
            (S, b"\xFF\xFD\x2E"),
            (C, b"\xFF\xFB\x2E\xFF\xFA\x2E\x01\xFF\xF0"),
            (S, b"\xFF\xFA\x2E\x01\xFF\xF0"),
        ],
    ),
    (Kind::Postgresql, &[(C, b"\0\0\0\x08\x04\xD2\x16\x2F"), (S, b"S")]),
    (
        Kind::Postgresql,
        &[
            (C, b"\0\0\0\x08\x04\xD2\x16\x30"),
            (S, b"N"),
            (C, b"\0\0\0\x08\x04\xD2\x16\x2F"),
            (S, b"S"),
        ],
    ),
    (
        Kind::Mysql,
        &[
            (S, b"\x18\0\0\0\x0A8.0.36\0\x01\0\0\0saltsalt\0\xFF\xFF"),
            (C, b"\x20\0\0\x01\x05\xAE\xFF\x01\0\0\0\x01\xFF\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
        ],
    ),
    (
        Kind::Rdp,
        &[
            (C, b"\x03\0\0\x13\x0E\xE0\0\0\0\0\0\x01\0\x08\0\x0B\0\0\0"),
            (S, b"\x03\0\0\x13\x0E\xD0\0\0\x124\0\x02\0\x08\0\x02\0\0\0"),
        ],
    ),
    (
        Kind::HttpConnect,
        &[
            (C, b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n"),
            (S, b"HTTP/1.1 407 no\r\n\r\n"),
            (C, b"CONNECT example.com:443 HTTP/1.1\r\n\r\n"),
            (S, b"HTTP/1.0 200 Connection established\r\nVia: x\r\n\r\n"),
        ],
    ),
    (
        Kind::Socks4,
        &[(C, b"\x04\x01\x01\xBB\0\0\0\x01me\0example.com\0"), (S, b"\0\x5A\0\0\0\0\0\0")],
    ),
    (
        Kind::Socks5,
        &[
            (C, b"\x05\x01\x00"),
            (S, b"\x05\x00"),
            (C, b"\x05\x01\x00\x03\x0Bexample.com\x01\xBB"),
            (S, b"\x05\x00\x00\x01\x7F\0\0\x01\x04\x38"),
        ],
    ),
    (
        Kind::Socks5,
        &[
            (C, b"\x05\x02\x00\x02"),
            (S, b"\x05\x02"),
            (C, b"\x01\x02me\x02pw"),
            (S, b"\x01\x00"),
            (C, b"\x05\x01\x00\x01\x7F\0\0\x01\x01\xBB"),
            (S, b"\x05\x00\x00\x01\x7F\0\0\x01\x04\x38"),
        ],
    ),
    (Kind::Proxy, &[(C, b"PROXY TCP4 192.0.2.1 192.0.2.2 40000 443\r\n")]),
    (
        Kind::Proxy,
        &[(C, b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0C\xC0\0\x02\x01\xC0\0\x02\x02\x9C\x40\x01\xBB")],
    ),
];

/// Runs a dialogue, each turn cut at the given places; `more` follows the last
/// turn in the same chunk. Returns where the other protocol begins in the last
/// turn with what follows.
fn run(dialogue: Dialogue, cuts: &[usize], more: &[u8]) -> (Upgrade, Option<usize>) {
    let mut upgrade = Upgrade::new(C);
    for (n, (side, turn)) in dialogue.iter().enumerate() {
        let last = n + 1 == dialogue.len();
        let all = if last { [turn, more].concat() } else { turn.to_vec() };
        let mut from = 0;
        let mut edges: Vec<usize> = cuts.iter().copied().filter(|&c| c < all.len()).collect();
        edges.push(all.len());
        for to in edges {
            if let Some(at) = upgrade.data(*side, &all[from..to]) {
                assert!(last, "turn {n} grants");
                return (upgrade, Some(from + at));
            }
            from = to;
        }
    }
    (upgrade, None)
}

#[test]
fn every_negotiation_is_known_and_its_end_exact() {
    for &(kind, dialogue) in DIALOGUES {
        let length = dialogue.last().expect("turns").1.len();
        let (upgrade, at) = run(dialogue, &[], b"\x16\x03\x01");
        assert_eq!((upgrade.granted(), at), (Some(kind), Some(length)), "{kind:?}");
        assert!(!upgrade.is_active());
    }
}

#[test]
fn a_negotiation_that_is_refused_grants_nothing() {
    for dialogue in [
        &[(S, &b"220 x\r\n"[..]), (C, b"AUTH TLS\r\n"), (S, b"534 no\r\n"), (S, b"234 x\r\n")][..],
        &[(S, b"220 x\r\n"), (C, b"USER me\r\n"), (S, b"234 x\r\n")],
        &[(S, b"+OK\r\n"), (C, b"STLS\r\n"), (S, b"-ERR no\r\n"), (S, b"+OK\r\n")],
        &[(S, b"* OK\r\n"), (C, b"a STARTTLS\r\n"), (S, b"b OK\r\n"), (S, b"a BAD\r\n")],
        &[(C, b"\0\0\0\x08\x04\xD2\x16\x2F"), (S, b"N")],
        &[(C, b"\x05\x01\x00"), (S, b"\x05\xFF")],
        &[(C, b"\x04\x01\x01\xBB\x7F\0\0\x01\0"), (S, b"\0\x5B\0\0\0\0\0\0")],
        &[
            (C, b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037"),
            (S, b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x34\x04\x00\x04\x00"),
        ],
        &[(S, b"\xFF\xFD\x2E"), (C, b"\xFF\xFC\x2E"), (S, b"\xFF\xFA\x2E\x01\xFF\xF0")],
    ] {
        let mut upgrade = Upgrade::new(C);
        for (side, turn) in dialogue {
            assert_eq!(upgrade.data(*side, turn), None, "{:?}", String::from_utf8_lossy(turn));
        }
        assert_eq!(upgrade.granted(), None);
    }
}

#[test]
fn other_protocols_are_not_followed() {
    for (bytes, client) in [
        (&b"GET / HTTP/1.1\r\n"[..], true),
        (b"\x16\x03\x01\x02\0\x01", true),
        (b"SSH-2.0-x", false),
        (b"HTTP/1.1 200 OK", false),
        (b"\x30\x80", true),
        (b"\0\0\0\x54\0\x03\0\0", true),
    ] {
        assert!(!Upgrade::may_open(bytes, client), "{bytes:?}");
    }
}

#[test]
fn ftp_announces_its_data_connections_before_and_after_tls() {
    let mut upgrade = Upgrade::new(C);
    upgrade.data(S, b"220 x\r\n");
    upgrade.data(C, b"EPSV\r\n");
    upgrade.data(S, b"229 Entering Extended Passive Mode (|||6446|)\r\n");
    assert_eq!(upgrade.announcements().len(), 1);
    upgrade.data(C, b"AUTH TLS\r\n");
    assert!(upgrade.data(S, b"234 go\r\n").is_some());
    assert!(upgrade.announcements().is_empty());
    upgrade.clear_again();
    assert_eq!((upgrade.granted(), upgrade.is_active()), (None, true));
    upgrade.data(C, b"PORT 192,0,2,1,4,1\r\n");
    assert_eq!(upgrade.announcements().len(), 1);
}

#[test]
fn a_hole_loses_a_line_and_not_the_dialogue_in_lines() {
    let mut upgrade = Upgrade::new(C);
    upgrade.data(S, b"220 x\r\n22");
    upgrade.data(C, b"USER");
    upgrade.hole(C);
    upgrade.data(C, b"AUTH TLS\r\nAUTH TLS\r\n");
    assert!(upgrade.data(S, b"0 y\r\n234 go\r\n").is_some());
    let mut upgrade = Upgrade::new(C);
    upgrade.data(C, b"\0\0\0\x08\x04\xD2\x16\x2F");
    upgrade.hole(S);
    assert!(!upgrade.is_active());
}

#[test]
fn lines_that_are_missing_name_no_protocol() {
    // Of a client's STARTTLS alone nothing is known; the answer tells.
    for (answer, kind) in [
        (&b"220 go\r\n"[..], Kind::Smtp),
        (b"382 go\r\n", Kind::Nntp),
        (b"OK \"go\"\r\n", Kind::Sieve),
        (b":irc 670 * :go\r\n", Kind::Irc),
    ] {
        let mut upgrade = Upgrade::new(C);
        upgrade.data(C, b"STARTTLS\r\n");
        assert_eq!(upgrade.kind().and_then(Kind::name), None);
        assert_eq!(upgrade.data(S, answer), Some(answer.len()));
        assert_eq!(upgrade.granted(), Some(kind));
    }
    // Greeted with 220; the commands are missing, and lines of a message come.
    let mut upgrade = Upgrade::new(C);
    upgrade.data(S, b"220 x\r\n");
    upgrade.hole(C);
    upgrade.data(C, b"rest\r\nSubject: order\r\n");
    assert_eq!(upgrade.kind().and_then(Kind::name), None);
    upgrade.data(C, b"QUIT\r\nuser a\r\n");
    assert_eq!(upgrade.kind(), Some(Kind::Ftp));
}

#[test]
fn a_dialogue_that_goes_on_for_long_upgrades_nothing() {
    let mut upgrade = Upgrade::new(C);
    upgrade.data(S, b"\xFF\xFD\x2E");
    upgrade.data(C, &[0; MAX_DIALOGUE + 1]);
    assert!(!upgrade.is_active());
}

proptest! {
    /// However a dialogue is cut into pieces, it ends at the same byte.
    #[test]
    fn any_split_gives_the_same(
        n in 0..DIALOGUES.len(),
        mut cuts in prop::collection::vec(1usize..120, 0..12),
        more in prop::collection::vec(any::<u8>(), 0..4),
    ) {
        let (kind, dialogue) = DIALOGUES[n];
        cuts.sort_unstable();
        let (upgrade, at) = run(dialogue, &cuts, &more);
        let length = dialogue.last().expect("turns").1.len();
        prop_assert_eq!((upgrade.granted(), at), (Some(kind), Some(length)));
    }

    /// A dialogue that is cut off grants nothing, and nothing panics.
    #[test]
    fn any_truncation_gives_no_more(n in 0..DIALOGUES.len(), keep in 0usize..200) {
        let (_, dialogue) = DIALOGUES[n];
        let total: usize = dialogue.iter().map(|(_, turn)| turn.len()).sum();
        let mut left = keep.min(total.saturating_sub(2));
        let mut upgrade = Upgrade::new(C);
        for (side, turn) in dialogue {
            let take = left.min(turn.len());
            left -= take;
            upgrade.data(*side, &turn[..take]);
        }
        prop_assert_eq!(upgrade.granted(), None);
    }

    /// Noise of any kind does no harm.
    #[test]
    fn noise(chunks in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 0..64)), 0..20), n in 0..DIALOGUES.len()) {
        let mut upgrade = Upgrade::new(C);
        let (side, first) = DIALOGUES[n].1[0];
        upgrade.data(side, first);
        for (client, bytes) in chunks {
            upgrade.data(if client { C } else { S }, &bytes);
            upgrade.announcements();
        }
    }
}
