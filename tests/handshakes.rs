//! Handshakes in every legal form: the same handshake cut into other records and other
//! segments, behind every negotiation, gives the same observation. The flights are those
//! of the cases, which OpenSSL has made; what is around them is written here.

mod common;
#[path = "common/packets.rs"]
mod packets;

use std::fs;
use std::path::Path;

use common::{Run, case};
use packets::Said;
use serde_json::Value;

const CLIENT: ([u8; 4], u16) = ([198, 51, 100, 7], 40_000);

/// What both ends of a case's last connection say.
fn flights(name: &str) -> Vec<Said> {
    packets::flights(&fs::read(case(name).join("capture.pcap")).expect("a capture"))
}

/// The records of a flight whose handshake messages in the clear, up to ChangeCipherSpec,
/// are cut into fragments of so many bytes.
fn recut(said: &[Said], fragment: usize) -> Vec<Said> {
    let mut sealed = [false; 2];
    let cut = |(client, bytes): &Said| {
        let sealed = &mut sealed[usize::from(*client)];
        let (mut out, mut rest) = (Vec::new(), &bytes[..]);
        while !rest.is_empty() {
            let length = usize::from(u16::from_be_bytes([rest[3], rest[4]]));
            let (record, after) = rest.split_at(5 + length);
            rest = after;
            *sealed |= record[0] != 22;
            for piece in record[5..].chunks(if *sealed { usize::MAX } else { fragment }) {
                out.extend(&record[..3]);
                out.extend(u16::try_from(piece.len()).expect("short").to_be_bytes());
                out.extend(piece);
            }
        }
        (*client, out)
    };
    said.iter().map(cut).collect()
}

/// A connection between the client and a port of the server, in segments of at most so
/// many bytes; without its beginning if it is not to be seen.
fn connection(said: &[Said], port: u16, segment: usize, start: bool) -> Vec<packets::Packet> {
    let server = ([192, 0, 2, 10], port);
    let mut next = [1000_u32, 5000];
    let mut out = Vec::new();
    let mut packet = |client: bool, flags: u8, seq: u32, ack: u32, payload: &[u8]| {
        let ends = if client { [CLIENT, server] } else { [server, CLIENT] };
        let ts = 1_700_000_000_000_000_000 + i64::try_from(out.len()).expect("few") * 1_000_000;
        out.push(packets::tcp(ts, ends, flags, seq, ack, payload));
    };
    if start {
        packet(true, 2, next[0] - 1, 0, &[]);
        packet(false, 0x12, next[1] - 1, next[0], &[]);
        packet(true, 0x10, next[0], next[1], &[]);
    }
    for (client, bytes) in said {
        for piece in bytes.chunks(segment) {
            let (own, other) = if *client { (0, 1) } else { (1, 0) };
            packet(*client, 0x18, next[own], next[other], piece);
            next[own] += u32::try_from(piece.len()).expect("short");
            packet(!client, 0x10, next[other], next[own], &[]);
        }
    }
    packet(true, 0x11, next[0], next[1], &[]);
    packet(false, 0x11, next[1], next[0] + 1, &[]);
    packet(true, 0x10, next[0] + 1, next[1] + 1, &[]);
    out
}

fn run(packets: &[packets::Packet], options: &[&str]) -> Run {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("a.pcap");
    fs::write(&path, packets::to_pcap(packets)).expect("written");
    common::read(options, &[&path])
}

fn observed(said: &[Said], port: u16, segment: usize) -> Value {
    let run = run(&connection(said, port, segment, true), &[]);
    assert_eq!(run.connections.len(), 1);
    run.connections.into_iter().next().expect("a connection")
}

fn told(port_and_cut: &str, of: &Value) -> Value {
    assert_eq!(of["incomplete"], false, "{port_and_cut}: {of}");
    assert_eq!(of["tls"]["completed"], true, "{port_and_cut}: {of}");
    of["tls"].clone()
}

#[test]
fn a_handshake_is_the_same_in_records_and_segments_of_any_length() {
    for name in ["tls12-full", "tls12-client-certificate", "tls10-full", "tls12-session-id"] {
        let said = flights(name);
        let whole = told(name, &observed(&said, 443, 1400));
        for (fragment, segment) in
            [(1, 1400), (2, 1400), (3, 7), (4, 1400), (5, 1), (16, 11), (300, 100), (16_384, 1)]
        {
            let cut = recut(&said, fragment);
            let what = format!("{name}: {fragment}, {segment}");
            assert_eq!(told(&what, &observed(&cut, 443, segment)), whole, "{what}");
        }
    }
}

/// A negotiation: whether the client says it, and what.
type Dialogue = &'static [(bool, &'static [u8])];

/// What is said before a handshake: of the client and the server, and as what it is known.
const BEFORE: &[(&str, Dialogue)] = &[
    (
        "http_connect",
        &[
            (true, b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n"),
            (false, b"HTTP/1.1 200 OK\r\nVia: b\r\n\r\n"),
        ],
    ),
    (
        "socks5",
        &[
            (true, b"\x05\x01\x00"),
            (false, b"\x05\x00"),
            (true, b"\x05\x01\x00\x03\x01a\x01\xBB"),
            (false, b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"),
        ],
    ),
    (
        "socks5",
        &[
            (true, b"\x05\x02\x00\x02"),
            (false, b"\x05\x02"),
            (true, b"\x01\x01u\x01p"),
            (false, b"\x01\x00"),
            (true, b"\x05\x01\x00\x01\x7F\x00\x00\x01\x01\xBB"),
            (false, b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"),
        ],
    ),
    (
        "socks4",
        &[
            (true, b"\x04\x01\x01\xBB\x7F\x00\x00\x01u\x00"),
            (false, b"\x00\x5A\x00\x00\x00\x00\x00\x00"),
        ],
    ),
    ("smtp", &[(false, b"220 x ESMTP\r\n"), (true, b"STARTTLS\r\n"), (false, b"220 2.0.0 go\r\n")]),
    (
        "smtp",
        &[
            (false, b"220 x\r\n"),
            (true, b"NOOP\r\n"),
            (false, b"250 ok\r\n"),
            (true, b"AUTH PLAIN AGEAYg==\r\n"),
            (false, b"538 encryption required\r\n"),
            (true, b"starttls\r\n"),
            (false, b"220 go\r\n"),
        ],
    ),
    ("ftp", &[(false, b"220 x\r\n"), (true, b"AUTH TLS\r\n"), (false, b"234 go\r\n")]),
    ("imap", &[(false, b"* OK x\r\n"), (true, b"a STARTTLS\r\n"), (false, b"a OK go\r\n")]),
    ("pop3", &[(false, b"+OK x\r\n"), (true, b"STLS\r\n"), (false, b"+OK go\r\n")]),
    ("nntp", &[(false, b"200 x\r\n"), (true, b"STARTTLS\r\n"), (false, b"382 go\r\n")]),
    (
        "xmpp",
        &[
            (true, b"<stream:stream to='a'>"),
            (false, b"<stream:stream from='a'>"),
            (true, b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"),
            (false, b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"),
        ],
    ),
    (
        "ldap",
        &[
            (true, b"\x30\x1D\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037"),
            (false, b"\x30\x0C\x02\x01\x01\x78\x07\x0A\x01\x00\x04\x00\x04\x00"),
        ],
    ),
    ("postgresql", &[(true, b"\0\0\0\x08\x04\xD2\x16\x2F"), (false, b"S")]),
    (
        "telnet",
        &[
            (false, b"\xFF\xFD\x2E"),
            (true, b"\xFF\xFB\x2E"),
            (true, b"\xFF\xFA\x2E\x01\xFF\xF0"),
            (false, b"\xFF\xFA\x2E\x01\xFF\xF0"),
        ],
    ),
];

#[test]
fn a_client_need_not_wait_for_the_answer_to_its_request() {
    let handshake = flights("tls12-full");
    let whole = told("alone", &observed(&handshake, 443, 1400));
    let (hello, rest) = handshake.split_first().expect("flights");
    for (kind, dialogue) in BEFORE {
        let said: Vec<Said> = dialogue.iter().map(|(c, bytes)| (*c, bytes.to_vec())).collect();
        // In turn; with the hello behind the last request; and all requests at once.
        let in_turn = [&said[..], &handshake].concat();
        let last = said.iter().rposition(|(client, _)| *client).expect("a request");
        let mut pipelined = said.clone();
        pipelined[last].1.extend(&hello.1);
        pipelined.extend_from_slice(rest);
        // The last answer and the ServerHello share a segment.
        let mut joined = pipelined.clone();
        let answer = joined.remove(said.len() - 1);
        if let Some((false, flight)) = joined.get_mut(said.len() - 1) {
            flight.splice(0..0, answer.1);
        }
        for (how, said) in [("in turn", &in_turn), ("early", &pipelined), ("joined", &joined)] {
            for segment in [1400, 5, 1] {
                let what = format!("{kind}, {how}, {segment}");
                // An early hello is found where it begins in one segment or a new one.
                let of = observed(said, 4444, segment);
                assert_eq!(told(&what, &of), whole, "{what}");
                assert_eq!(of["application"], *kind, "{what}: {of}");
                assert_eq!(of["upgrade"], *kind, "{what}: {of}");
                assert_eq!(of["protection"][0], "tls", "{what}");
            }
        }
    }
    // Everything at once, as clients do that need no method.
    let requests = [&b"\x05\x01\x00\x05\x01\x00\x03\x01a\x01\xBB"[..], &hello.1].concat();
    let answers = b"\x05\x00\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00".to_vec();
    let said = [&[(true, requests), (false, answers)], rest].concat();
    let of = observed(&said, 1080, 1400);
    assert_eq!((told("socks5", &of), &of["upgrade"]), (whole, &Value::from("socks5")));
}

/// A TDS packet of type PRELOGIN (MS-TDS section 2.2.3.1).
fn tds(content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(8 + content.len()).expect("short").to_be_bytes();
    [&[0x12, 1, length[0], length[1], 0, 0, 0, 0][..], content].concat()
}

#[test]
fn tls_is_read_inside_tds_and_behind_a_proxy_header() {
    let options = b"\0\0\x0B\0\x06\x01\0\x11\0\x01\xFF\x0C\0\x17\x88\0\0\x01";
    let mut answer = tds(options);
    answer[0] = 4;
    for name in ["tls12-full", "tls13-full"] {
        let handshake = flights(name);
        let whole = told("alone", &observed(&handshake, 443, 1400));
        // The packets end with the handshake: after the server's second flight.
        let wrap = |(n, (client, bytes)): (usize, &Said)| {
            let inside = n < 4;
            (
                *client,
                if inside { bytes.chunks(900).flat_map(tds).collect() } else { bytes.clone() },
            )
        };
        let wrapped: Vec<Said> = handshake.iter().enumerate().map(wrap).collect();
        let said = [&[(true, tds(options)), (false, answer.clone())], &wrapped[..]].concat();
        for segment in [1400, 100, 13, 1] {
            let of = observed(&said, 1433, segment);
            assert_eq!(told("tds", &of), whole, "{name} {segment}");
            assert_eq!((&of["application"], &of["upgrade"]), (&"tds".into(), &"tds".into()));
        }
        let mut behind = said.clone();
        behind[0].1.splice(0..0, *b"PROXY TCP4 192.0.2.1 192.0.2.2 5 1433\r\n");
        let of = observed(&behind, 1433, 1400);
        assert_eq!((told("proxy", &of), &of["application"]), (whole.clone(), &"tds".into()));
        // TDS 8.0 is TLS from the first byte; so is a hello right behind a PROXY header.
        let mut direct = handshake.clone();
        direct[0].1.splice(0..0, *b"PROXY TCP4 192.0.2.1 192.0.2.2 5 1433\r\n");
        assert_eq!(told("proxy", &observed(&direct, 1433, 1400)), whole);
    }
}

#[test]
fn packets_of_tds_may_share_a_segment_and_tunnels_within_tunnels_have_an_end() {
    let handshake = flights("tls12-full");
    let whole = told("alone", &observed(&handshake, 443, 1400));
    let (hello, rest) = handshake.split_first().expect("flights");
    // The hello in packets of 50 bytes, all in one segment.
    let options = (true, tds(b"\0\0\x06\0\x01\xFF\x09"));
    let hello_in_pieces = (true, hello.1.chunks(50).flat_map(tds).collect());
    let said = [&[options, hello_in_pieces], rest].concat();
    assert_eq!(told("tds", &observed(&said, 1433, 1400)), whole);
    // Thousands of headers: the hello behind them begins no segment and is not looked
    // for, and none of them costs more than its bytes. The rest of the handshake tells.
    let mut headers = b"PROXY UNKNOWN\r\n".repeat(3900);
    headers.extend(&hello.1);
    let said = [&[(true, headers)], rest].concat();
    let of = observed(&said, 443, 60_000);
    assert_eq!((&of["protection"][0], &of["tls"]["sni"]), (&"tls".into(), &Value::Null));
    assert_eq!(of["tls"]["incomplete"], true);
    let mut headers = b"PROXY UNKNOWN\r\n".repeat(3);
    headers.extend(&hello.1);
    let said = [&[(true, headers)], rest].concat();
    assert_eq!(told("proxies", &observed(&said, 443, 60_000)), whole);
}

#[test]
fn lines_before_an_ssh_identification_may_be_in_any_segments() {
    let said = flights("ssh-curve25519-chacha20");
    let whole = observed(&said, 22, 1400)["ssh"].clone();
    assert_eq!(whole["completed"], true);
    let lines = b"Welcome to this system.\r\nUnauthorized access is prohibited.\r\n\r\n";
    let of_server = said.iter().position(|(client, _)| !client).expect("a server");
    let mut with_lines = said.clone();
    with_lines[of_server].1.splice(0..0, *lines);
    // Before the client says anything, too.
    let mut first = said.clone();
    first.insert(0, (false, lines.to_vec()));
    for said in [with_lines, first] {
        for segment in [1400, 24, 7, 1] {
            let of = observed(&said, 22, segment);
            assert_eq!((&of["ssh"], &of["incomplete"]), (&whole, &false.into()), "{segment}");
        }
    }
}

#[test]
fn the_sender_of_the_server_hello_is_the_server_whatever_the_ports() {
    // The connection's beginning is missing, and the server has the higher port.
    for (name, section) in [("tls12-full", "tls"), ("ssh-curve25519-chacha20", "ssh")] {
        let said = flights(name);
        for port in [443, 50_000] {
            let packets = connection(&said, port, 1400, false);
            let run = run(&packets, &["--include-midstream"]);
            let of = &run.connections[0];
            assert_eq!(of[section]["completed"], true, "{of}");
            assert_eq!((&of["server"]["port"], &of["midstream"]), (&port.into(), &true.into()));
            assert_eq!(of["server"]["ip"], "192.0.2.10");
        }
    }
}

/// The payload of a packet that [`connection`] has made.
fn payload(packet: &packets::Packet) -> &[u8] {
    &packet.data[54..]
}

#[test]
fn the_servers_choice_and_what_follows_prove_protection_without_the_clients_hello() {
    for name in ["tls10-full", "tls11-full", "tls12-full", "tls12-dhe", "tls12-client-certificate"]
        .into_iter()
        // Resumed.
        .chain(["tls12-session-id", "tls12-ticket", "tls13-full", "tls13-resumption"])
    {
        let said = flights(name);
        let whole = told(name, &observed(&said, 443, 1400));
        for (start, segment) in [(true, 1400), (true, 100), (false, 1400), (true, 16_000)] {
            let mut left = said[0].1.len();
            let mut packets = connection(&said, 443, segment, start);
            packets.retain(|packet| {
                let of_hello = packet.data[34..36] == CLIENT.1.to_be_bytes()
                    && !payload(packet).is_empty()
                    && left > 0;
                left -= if of_hello { payload(packet).len() } else { 0 };
                !of_hello
            });
            let run = run(&packets, &["--include-midstream"]);
            let of = &run.connections[0];
            let what = format!("{name}, {segment}: {of}");
            assert_eq!((&of["protection"][0], &of["incomplete"]), (&"tls".into(), &true.into()));
            let tls = &of["tls"];
            for same in ["version", "cipher_suite", "group", "server_certificate", "session_id"] {
                assert_eq!(tls[same], whole[same], "{same} of {what}");
            }
            assert_eq!((&tls["completed"], &tls["incomplete"]), (&true.into(), &true.into()));
            assert_eq!((&tls["sni"], &of["server"]["port"]), (&Value::Null, &443.into()), "{what}");
            let handshake = &tls["handshake"];
            assert!(handshake == &whole["handshake"] || handshake.is_null(), "{what}");
        }
        // Without the ServerHello nothing is proved.
        let mut packets = connection(&said, 443, 16_000, true);
        let first = packets.iter().position(|p| p.data[34..36] == [1, 187] && p.data.len() > 54);
        packets.remove(first.expect("a ServerHello"));
        let of = &run(&packets, &[]).connections[0];
        assert_eq!(of["protection"], Value::Array(vec![]), "{name}: {of}");
        assert_eq!(of["incomplete"], true);
    }
}

#[test]
fn a_tls13_client_that_answers_with_an_alert_has_failed() {
    let said = flights("tls13-full");
    let [hello, server, ..] = &said[..] else { panic!("flights") };
    let alert = |n: usize| [&[23, 3, 3, 0, 17 + n as u8][..], &vec![7; 17 + n]].concat();
    for (client, failure) in [
        (alert(2), "encrypted alert from the client"),
        (
            [&[20, 3, 3, 0, 1, 1][..], &alert(2), &alert(2)].concat(),
            "encrypted alert from the client",
        ),
        // Padded.
        (alert(30), "the handshake did not complete"),
        (Vec::new(), "the handshake did not complete"),
    ] {
        let said = [hello.clone(), server.clone(), (true, client)];
        for segment in [1400, 1] {
            let run = run(&connection(&said, 443, segment, true), &["--level", "v3r2"]);
            let of = &run.connections[0];
            assert_eq!(
                (&of["protection"], &of["tls"]["completed"]),
                (&Value::Array(vec![]), &false.into())
            );
            assert_eq!(of["tls"]["failure"], failure);
            assert_eq!(run.ledger["connections"]["failed"], 1, "{}", run.ledger);
        }
    }
}

#[test]
fn early_data_that_comes_after_the_server_hello_completes_nothing() {
    let mut said = flights("tls13-early-data");
    let hello = 5 + usize::from(u16::from_be_bytes([said[0].1[3], said[0].1[4]]));
    // As long as a Finished message and more.
    said[0].1.extend([&[23, 3, 3, 1, 0][..], &[7; 256]].concat());
    let all = connection(&said, 443, 100, true);
    let from_client = |p: &packets::Packet| p.data[34..36] == CLIENT.1.to_be_bytes();
    let seq = |p: &packets::Packet| {
        u32::from_be_bytes([p.data[38], p.data[39], p.data[40], p.data[41]]) as usize - 1000
    };
    // The client's flight that it sends before it has seen the server's, in one order or
    // the other; and all of it.
    let sent = |p: &packets::Packet| !payload(p).is_empty();
    let (start, rest) = all.split_at(3);
    let early = |p: &&packets::Packet| from_client(p) && sent(p) && seq(p) < said[0].1.len();
    let of_hello = |p: &&packets::Packet| early(p) && seq(p) < hello;
    let behind = |p: &&packets::Packet| early(p) && seq(p) >= hello;
    let server = |p: &&packets::Packet| {
        let at = u32::from_be_bytes([p.data[38], p.data[39], p.data[40], p.data[41]]) as usize;
        !from_client(p) && sent(p) && at < 5000 + said[1].1.len()
    };
    let packets: Vec<_> = start
        .iter()
        .chain(rest.iter().filter(of_hello))
        .chain(rest.iter().filter(server))
        .chain(rest.iter().filter(behind))
        .cloned()
        .collect();
    let of = &run(&packets, &[]).connections[0];
    assert_eq!(of["tls"]["version"], "0304", "{of}");
    assert_eq!((&of["tls"]["completed"], &of["tls"]["failure"]), (&false.into(), &Value::Null));
    assert_eq!(observed(&said, 443, 100)["tls"]["completed"], true);
}

#[test]
fn encrypted_data_without_a_handshake_are_told_and_in_no_record() {
    let mut seed = 1_u32;
    let mut noise = |n: usize| -> Vec<u8> {
        let next = |_| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 24) as u8
        };
        (0..n).map(next).collect()
    };
    let mut record = |n: u16| [&[23, 3, 3][..], &n.to_be_bytes(), &noise(n.into())].concat();
    let tls: Vec<Said> = (0..20).map(|n| (n % 2 == 0, record(20 + n * 90))).collect();
    let mut packet = |n: u32| [&n.to_be_bytes()[..], &noise(n as usize + 16)].concat();
    let ssh: Vec<Said> = (0..40).map(|n| (n % 2 == 0, packet(16 + n % 3 * 16))).collect();
    let clear: Vec<Said> = (0..20).map(|n| (n % 2 == 0, vec![0xC1; 100])).collect();
    for (said, port, protocol) in
        [(&tls, 992, Some("tls")), (&ssh, 22, Some("ssh")), (&clear, 23, None)]
    {
        for (start, segment) in [(false, 1400), (false, 300), (true, 1400)] {
            let mut packets = connection(said, port, segment, start);
            // With a start the first bytes of both ends are missing.
            let first = if start { 8 } else { 0 };
            packets.drain(if start { 3..first } else { 0..0 });
            let run = run(&packets, &["--include-midstream"]);
            let of = &run.connections[0];
            assert_eq!(of["protection"], Value::Array(vec![]));
            assert_eq!((&of["protection_known"], of.get("tls")), (&false.into(), None), "{of}");
            let why = &of["not_known"];
            assert_eq!(why == "encrypted, handshake not seen", protocol.is_some(), "{of}");
            assert_eq!(of.get("encrypted_data").and_then(Value::as_str), protocol, "{of}");
            assert_eq!(run.ledger["connections"]["unprotected"], 0);
            assert!(run.records.is_empty(), "{} bytes of records", run.records.len());
            // The table.
            let dir = tempfile::tempdir().expect("a directory");
            let path = dir.path().join("a.pcap");
            fs::write(&path, packets::to_pcap(&packets)).expect("written");
            let output = common::zerttap().arg("read").arg(&path).output().expect("the program");
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            let row = if protocol.is_some() {
                "unknown (encrypted, handshake not seen)"
            } else {
                "unknown   "
            };
            assert!(text.contains(row), "{text}");
            assert!(text.contains("Without recognised protection: 0 of 1"), "{text}");
        }
    }
}

/// What the shared inputs of these kinds show.
#[test]
fn inputs_of_every_kind_are_right() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/faults");
    let tls = |name: &str| {
        let path = dir.join(name);
        path.exists().then(|| common::read(&[], &[&path]).connections[0].clone())
    };
    for (name, incomplete) in [("x_lost_sh.pcap", true), ("x_lost_chsh.pcap", true)] {
        let Some(of) = tls(name) else { return };
        assert_eq!(
            (&of["protection"], &of["incomplete"]),
            (&Value::Array(vec![]), &incomplete.into())
        );
    }
    let of = tls("t13_encalert.pcap").expect("the input");
    assert_eq!(
        (&of["protection"], &of["tls"]["completed"]),
        (&Value::Array(vec![]), &false.into())
    );
    assert_eq!(of["tls"]["failure"], "encrypted alert from the client");
    for name in ["rec_first1.pcap", "rec_every4.pcap", "m_bigcr326.pcap"] {
        let Some(of) = tls(name) else { return };
        let tls = told(name, &of);
        assert_eq!((&tls["version"], &tls["cipher_suite"]), (&"0303".into(), &"C02C".into()));
        assert_eq!((&of["protection"][0], &tls["sni"]), (&"tls".into(), &"server.example".into()));
    }
    for (name, application) in [
        ("u_connect_early_hello.pcap", "http_connect"),
        ("u_tds.pcap", "tds"),
        ("u_smtp_bdat_noopen.pcap", "smtp"),
    ] {
        let of = tls(name).expect("the input");
        assert_eq!(
            (told(name, &of)["version"].as_str(), &of["application"]),
            (Some("0303"), &application.into())
        );
    }
    let of = told("tlcp", &tls("tlcp.pcap").expect("the input"));
    assert_eq!((&of["version"], &of["cipher_suite"]), (&"0101".into(), &"E013".into()));
    let of = told("k_gen9999", &tls("k_gen9999.pcap").expect("the input"));
    assert_eq!(of["server_certificate"]["not_after"], "9999-12-31T23:59:59Z");
    // SCert_Time_Type 2 and the time in EBCDIC.
    let records = common::read(&[], &[&dir.join("k_gen9999.pcap")]).records;
    let text: Vec<u8> = b"99991231235959".iter().map(|b| b + 0xC0).chain([0xE9]).collect();
    assert!(records.windows(15).any(|w| w == text));
    let of = tls("s_pre_split.pcap").expect("the input");
    assert_eq!(
        (&of["protection"][0], &of["ssh"]["kex"]),
        (&"ssh".into(), &"curve25519-sha256".into())
    );
    assert_eq!(of["ssh"]["server_software"], "dropbear_2022.83");
    let run = common::read(&[], &[&dir.join("i_resume.pcap")]);
    let ike = run.lines.iter().find(|l| l["type"] == "ike").expect("IKE");
    assert_eq!(ike["completed"], true);
}
