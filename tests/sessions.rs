//! Sessions that stay true over intervals, changes of protection and FTP's data
//! connections, by the bytes of the records. The flights of TLS are those of the cases,
//! which OpenSSL has made; what is around them is written here.

mod common;
#[path = "common/packets.rs"]
mod packets;

use std::fs;

use common::{Run, case, records_of};
use packets::{Packet, Said};

const SECOND: i64 = 1_000_000_000;
/// 2023-11-14 22:13:20 UTC: twenty seconds into a minute.
const BEGIN: i64 = 1_700_000_000 * SECOND;
const SERVER: [u8; 4] = [192, 0, 2, 10];

/// What both ends of a case's last connection say.
fn flights(name: &str) -> Vec<Said> {
    packets::flights(&fs::read(case(name).join("capture.pcap")).expect("a capture"))
}

/// The flights of a full handshake of TLS 1.2, up to the server's Finished.
fn handshake() -> Vec<Said> {
    let said = flights("tls12-full");
    let kept = said.into_iter().take(4).collect::<Vec<_>>();
    assert_eq!(kept.iter().map(|s| s.0).collect::<Vec<_>>(), [true, false, true, false]);
    // The server's last flight may have more than its Finished.
    let mut kept = kept;
    let last = &mut kept[3].1;
    let (mut at, mut sealed, mut end) = (0, false, 0);
    while at < last.len() && end == 0 {
        let length = 5 + usize::from(u16::from_be_bytes([last[at + 3], last[at + 4]]));
        if sealed {
            end = at + length;
        }
        sealed |= last[at] == 20;
        at += length;
    }
    last.truncate(end);
    kept
}

/// One TCP connection, written packet by packet.
struct Conversation {
    client: ([u8; 4], u16),
    port: u16,
    next: [u32; 2],
    now: i64,
    out: Vec<Packet>,
}

impl Conversation {
    /// A connection that is established at a moment, in milliseconds from the beginning.
    fn open(client: ([u8; 4], u16), port: u16, at: i64) -> Self {
        let now = BEGIN + at * 1_000_000;
        let mut new = Self { client, port, next: [1000, 5000], now, out: Vec::new() };
        new.next = [999, 4999];
        new.packet(true, 2, &[]);
        new.next[0] = 1000;
        new.packet(false, 0x12, &[]);
        new.next[1] = 5000;
        new.packet(true, 0x10, &[]);
        new
    }

    fn packet(&mut self, client: bool, flags: u8, payload: &[u8]) {
        let server = (SERVER, self.port);
        let ends = if client { [self.client, server] } else { [server, self.client] };
        let (seq, ack) =
            if client { (self.next[0], self.next[1]) } else { (self.next[1], self.next[0]) };
        self.out.push(packets::tcp(self.now, ends, flags, seq, ack, payload));
        self.now += 1_000_000;
    }

    fn say(&mut self, client: bool, bytes: &[u8]) -> &mut Self {
        for piece in bytes.chunks(1400) {
            self.packet(client, 0x18, piece);
            self.next[usize::from(!client)] += u32::try_from(piece.len()).expect("short");
            self.packet(!client, 0x10, &[]);
        }
        self
    }

    fn all(&mut self, said: &[Said]) -> &mut Self {
        for (client, bytes) in said {
            self.say(*client, bytes);
        }
        self
    }

    fn at(&mut self, milliseconds: i64) -> &mut Self {
        self.now = BEGIN + milliseconds * 1_000_000;
        self
    }

    /// Both alerts of TLS's end, encrypted, and then clear text goes on.
    fn clear_again(&mut self, words: &str) -> &mut Self {
        for client in [true, false] {
            let mut alert = vec![21, 3, 3, 0, 26];
            alert.extend([7; 26]);
            self.say(client, &alert);
        }
        self.say(true, words.as_bytes()).say(false, b"200 Ok.\r\n")
    }

    /// FTP's beginning, AUTH TLS and the handshake.
    fn auth_tls(&mut self) -> &mut Self {
        self.say(true, b"AUTH TLS\r\n").say(false, b"234 Begin.\r\n").all(&handshake())
    }

    fn close(&mut self) -> Vec<Packet> {
        self.packet(true, 0x11, &[]);
        self.next[0] += 1;
        self.packet(false, 0x11, &[]);
        self.next[1] += 1;
        self.packet(true, 0x10, &[]);
        std::mem::take(&mut self.out)
    }

    fn reset(&mut self) -> Vec<Packet> {
        self.packet(true, 0x14, &[]);
        std::mem::take(&mut self.out)
    }

    fn left_open(&mut self) -> Vec<Packet> {
        std::mem::take(&mut self.out)
    }
}

fn run(conversations: Vec<Vec<Packet>>, options: &[&str]) -> Run {
    let mut all = conversations.concat();
    all.sort_by_key(|p| p.ts);
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("a.pcap");
    fs::write(&path, packets::to_pcap(&all)).expect("written");
    common::read_all(options, &[&path])
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |n, &b| n << 8 | u64::from(b))
}

/// Of an interval record of subtype 12: protection, the server's ports, and connections,
/// partial, short and active at the beginning and at the end; by the layout's offsets.
type Interval = (u8, (u64, u64), [u64; 4], [u64; 4]);

fn intervals(run: &Run) -> Vec<Interval> {
    let of = |r: &[u8]| {
        let s1 = number(&r[36..40]) as usize;
        let counts = |at: usize| [0, 4, 8, 12].map(|n| number(&r[s1 + at + n..][..4]));
        let ports = (number(&r[s1 + 60..][..2]), number(&r[s1 + 62..][..2]));
        (r[s1 + 8] == 1).then(|| (r[s1 + 10], ports, counts(108), counts(156)))
    };
    records_of(&run.records).into_iter().filter(|r| r[23] == 12).filter_map(of).collect()
}

/// Event types and protection flags of the records of subtype 11.
fn events(run: &Run) -> Vec<(u8, u8)> {
    run.events.iter().filter(|e| e.kind < 5).map(|e| (e.kind, e.protocols)).collect()
}

const A: ([u8; 4], u16) = ([198, 51, 100, 7], 40_000);
const TLS: u8 = 0x80;

/// Clear, TLS over the end of an interval, and clear again: the clear session was dropped,
/// and begins anew with the connection, as a part. With another connection that stays in
/// the session it was not dropped, and nothing counts twice.
#[test]
fn a_session_that_is_entered_again_begins_anew() {
    // Intervals end at 40 s, 100 s, 160 s from the beginning.
    let flapping = |client| {
        let mut c = Conversation::open(client, 21, 0);
        c.say(false, b"220 ready\r\n").at(15_000).auth_tls();
        c.at(110_000).clear_again("NOOP\r\n").at(170_000).say(true, b"NOOP\r\n");
        c.at(171_000).close()
    };
    let found = intervals(&run(vec![flapping(A)], &["--interval", "1"]));
    let clear: Vec<_> = found.iter().filter(|r| r.0 == 0).map(|r| (r.2, r.3)).collect();
    let none = [0; 4];
    assert_eq!(
        clear,
        [(none, [1, 1, 0, 0]), (none, [1, 1, 0, 1]), ([1, 1, 0, 1], [1, 1, 0, 0])],
        "{found:?}"
    );
    let tls: Vec<_> = found.iter().filter(|r| r.0 == TLS).map(|r| (r.2, r.3)).collect();
    let here = [1, 1, 0, 1];
    assert_eq!(
        tls[..2],
        [(none, here), (here, here)].map(|(i, e)| (i.map(|n| n), e))[..],
        "{tls:?}"
    );
    // With another one that is there all the time.
    let other = (A.0, A.1 + 1);
    let mut stays = Conversation::open(other, 21, 5);
    stays.say(false, b"220 ready\r\n").at(169_000).say(true, b"NOOP\r\n");
    let stays = stays.left_open();
    let found = intervals(&run(vec![flapping(A), stays], &["--interval", "1"]));
    let clear: Vec<_> = found.iter().filter(|r| r.0 == 0).map(|r| r.3).collect();
    assert_eq!(clear, [[2, 1, 0, 1], [2, 1, 0, 1], [2, 1, 0, 2], [2, 1, 0, 1]], "{found:?}");
}

/// AUTH TLS, CCC, closed at 5 s: one record with the protection of its life, in both modes
/// and in both subtypes.
#[test]
fn a_short_connection_tells_of_the_protection_in_its_life() {
    let ended = || {
        let mut c = Conversation::open(A, 21, 0);
        c.say(false, b"220 ready\r\n").at(1_000).auth_tls();
        c.at(3_000).clear_again("PWD\r\n").at(5_000).close()
    };
    for options in [&[][..], &["--strict"]] {
        let options: Vec<&str> = options.iter().copied().chain(["--detail"]).collect();
        let run = run(vec![ended()], &options);
        assert_eq!(events(&run), [(4, TLS)], "{options:?}");
        let found: Vec<_> = intervals(&run).iter().map(|r| (r.0, r.3)).collect();
        assert_eq!(found, [(TLS, [1, 0, 1, 0])], "{options:?}");
    }
    // Ten seconds later it is a change, and the rest is clear.
    let mut c = Conversation::open(A, 21, 0);
    c.say(false, b"220 ready\r\n").at(1_000).auth_tls();
    let late = c.at(13_000).clear_again("PWD\r\n").at(25_000).close();
    assert_eq!(events(&run(vec![late], &["--detail"])), [(1, TLS), (2, 0), (3, 0)]);
    // Less than a second before the end it ends with the connection; also about the tenth second.
    for (clear, end, expected) in [
        (24_200, 25_000, &[(1, TLS), (3, TLS)][..]),
        (24_000, 25_000, &[(1, TLS), (3, TLS)]),
        (23_980, 25_000, &[(1, TLS), (2, 0), (3, 0)]),
        (9_500, 10_200, &[(1, TLS), (3, TLS)]),
        (9_500, 12_000, &[(1, TLS), (2, 0), (3, 0)]),
        (8_000, 12_000, &[(1, 0), (3, 0)]),
    ] {
        for resets in [false, true] {
            let mut c = Conversation::open(A, 21, 0);
            c.say(false, b"220 ready\r\n").at(1_000).auth_tls();
            c.at(clear).clear_again("PWD\r\n").at(end);
            let control = if resets { c.reset() } else { c.close() };
            // The packet clock goes on.
            let other = Conversation::open(A, 22, clear).at(end + 3_000).close();
            let run = run(vec![control, other], &["--detail"]);
            let of_control = run.events.iter().filter(|e| e.connection == 1);
            let of_control: Vec<_> = of_control.map(|e| (e.kind, e.protocols)).collect();
            assert_eq!(of_control, expected, "{clear} {end} {resets}");
        }
    }
    // A second handshake that fails does not take the first one away.
    let mut c = Conversation::open(A, 21, 0);
    c.say(false, b"220 ready\r\n").at(1_000).auth_tls().at(2_000).clear_again("AUTH TLS\r\n");
    c.say(true, &handshake()[0].1).say(false, &[21, 3, 3, 0, 2, 2, 40]);
    let failed = c.at(4_000).close();
    assert_eq!(events(&run(vec![failed], &["--detail"])), [(4, TLS)]);
}

/// Data connections under an encrypted control connection are one session where the same
/// server has shown to another client that it listens for them.
#[test]
fn ftp_data_under_an_encrypted_control_connection_is_one_session() {
    let control = |client: [u8; 4]| {
        let mut c = Conversation::open((client, 40_000), 21, 0);
        c.say(false, b"220 ready\r\n").at(500).auth_tls();
        c.at(60_000).say(true, &[23, 3, 3, 0, 3, 1, 2, 3]).close()
    };
    let data = |client: [u8; 4], port: u16, at: i64| {
        let mut c = Conversation::open((client, 40_000 + port), port, at);
        c.say(false, &[b'x'; 300]).close()
    };
    let shown = || {
        let mut c = Conversation::open(([198, 51, 100, 9], 41_000), 21, 100);
        c.say(false, b"220 ready\r\n").say(true, b"PASV\r\n");
        c.say(false, b"227 Entering Passive Mode (192,0,2,10,195,80)\r\n").at(50_000).close()
    };
    let secret = [198, 51, 100, 7];
    let transfers = || vec![control(secret), data(secret, 5001, 2_000), data(secret, 5002, 4_000)];
    let ports = |run: &Run| {
        let all = intervals(run).into_iter().filter(|r| r.1.0 != 21);
        all.map(|r| (r.1, r.3[0])).collect::<Vec<_>>()
    };
    // Nothing was shown: each is a port of its own.
    let each = [((5001, 5001), 1), ((5002, 5002), 1)];
    assert_eq!(ports(&run(transfers(), &[])), each);
    let with = |more: Vec<Vec<Packet>>, options: &[&str]| {
        let all = transfers().into_iter().chain([shown()]).chain(more).collect();
        ports(&run(all, options))
    };
    assert_eq!(with(vec![], &[]), [((1024, 65535), 2)]);
    // Threads and batches change nothing.
    for batch in ["1", "7"] {
        assert_eq!(with(vec![], &["--batch", batch, "--threads", "3"]), [((1024, 65535), 2)]);
    }
    // Another client, without such a control connection, and a service below 1024.
    let others = vec![data([198, 51, 100, 8], 5003, 3_000), data(secret, 443, 3_000)];
    let found = with(others, &[]);
    assert_eq!(found, [((443, 443), 1), ((1024, 65535), 2), ((5003, 5003), 1)]);
    // A port that is known to be a job's is its service.
    let named = with(vec![], &["--job", "5002=WEB"]);
    assert_eq!(named, [((1024, 65535), 1), ((5002, 5002), 1)]);
}

/// A session that was resumed, by its identifier or by a ticket: the records of both
/// connections have the certificate that only the first one shows, and both are in one
/// security session. Not with `--strict`, and not without the first one.
#[test]
fn a_resumed_session_has_its_certificates() {
    /// Of the TLS sections of subtype 11: type of the handshake, and what stands of the
    /// server's certificate: type and length of its key.
    fn certificates(run: &Run) -> Vec<(u8, u64, u64)> {
        let details = records_of(&run.records).into_iter().filter(|r| r[23] == 11);
        let section = details.map(|r| (r, number(&r[52..56]) as usize)).filter(|(_, s3)| *s3 > 0);
        let field = |r: &[u8], at: usize| number(&r[at..at + 2]);
        let fields: Vec<_> = section
            .map(|(r, s3)| (r[s3 + 3], field(r, s3 + KEY_TYPE), field(r, s3 + KEY_TYPE + 2)))
            .collect();
        fields
    }
    /// `SMF119SC_TLS_SCert_Key_Type`; the length of the key follows.
    const KEY_TYPE: usize = 116;
    for name in ["tls12-session-id", "tls12-ticket"] {
        let file = fs::read(case(name).join("capture.pcap")).expect("a capture");
        let all = packets::read(&file).expect("packets");
        let both = run(vec![all.clone()], &["--detail"]);
        let found = certificates(&both);
        assert_eq!(found.iter().map(|f| f.0).collect::<Vec<_>>(), [1, 2], "{name}");
        assert!(found[0].1 != 0 && found[0].2 >= 256, "{name}: {found:?}");
        assert_eq!((found[0].1, found[0].2), (found[1].1, found[1].2), "{name}");
        let sessions: Vec<_> = intervals(&both).iter().map(|r| (r.0, r.3)).collect();
        assert_eq!(sessions, [(TLS, [2, 0, 2, 0])], "{name}");
        let resumed = &both.connections[1];
        assert!(resumed["tls"]["server_certificate"].is_null());
        assert_eq!(
            resumed["session_certificates"]["server"],
            both.connections[0]["tls"]["server_certificate"]
        );
        assert!(both.connections[0]["session_certificates"].is_null());
        for options in [["--batch", "1"], ["--threads", "3"]] {
            let options: Vec<&str> = options.into_iter().chain(["--detail"]).collect();
            assert!(run(vec![all.clone()], &options).records == both.records, "{options:?}");
        }
        let strict = run(vec![all.clone()], &["--detail", "--strict"]);
        assert_eq!(certificates(&strict), [(1, 0, 0), (2, 0, 0)], "{name}");
        assert!(strict.connections[1]["session_certificates"].is_null());
        // The first one was not captured.
        let ports = |p: &Packet| {
            let tcp = &p.data[14 + usize::from(p.data[14] & 15) * 4..];
            [u16::from_be_bytes([tcp[0], tcp[1]]), u16::from_be_bytes([tcp[2], tcp[3]])]
        };
        let client = ports(&all[0])[0];
        let second = all.into_iter().filter(|p| !ports(p).contains(&client)).collect();
        let alone = run(vec![second], &["--detail"]);
        assert_eq!(certificates(&alone), [(2, 0, 0)], "{name}");
    }
}
