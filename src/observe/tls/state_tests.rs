use super::*;
use proptest::prelude::*;

const C: Side = Side::High;
const S: Side = Side::Low;

fn record(content: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).expect("short").to_be_bytes();
    [&[content, 3, 3, length[0], length[1]], body].concat()
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).expect("short").to_be_bytes();
    [&[kind, length[1], length[2], length[3]], body].concat()
}

fn client_hello(extensions: &[u8]) -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend([1; 32]);
    body.extend([0, 0, 2, 0xC0, 0x2F, 1, 0]);
    body.extend(u16::try_from(extensions.len()).expect("short").to_be_bytes());
    body.extend(extensions);
    message(1, &body)
}

fn server_hello(suite: u16, extensions: &[u8]) -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend([2; 32]);
    body.extend([1, 0x55]);
    body.extend(suite.to_be_bytes());
    body.push(0);
    body.extend(u16::try_from(extensions.len()).expect("short").to_be_bytes());
    body.extend(extensions);
    message(2, &body)
}

const TLS13: &[u8] = &[0, 43, 0, 2, 3, 4, 0, 51, 0, 4, 0x11, 0xEC, 0, 0];
const CCS: [u8; 6] = [20, 3, 3, 0, 1, 1];

fn full_server_flight() -> Vec<u8> {
    let mut flight = server_hello(0xC02F, &[0, 22, 0, 0]);
    flight.extend(message(11, &[0, 0, 0]));
    flight.extend(message(12, &[3, 0, 29, 1, 9]));
    flight.extend(message(14, &[]));
    record(22, &flight)
}

fn run(steps: &[(Side, Vec<u8>)]) -> (Progress, Facts) {
    let mut tls = Tls::default();
    let mut progress = Progress::Open;
    let mut certificates = Certificates::default();
    for (side, bytes) in steps {
        progress = tls.data(*side, bytes, &mut certificates);
    }
    (progress, tls.into_facts())
}

fn full12() -> Vec<(Side, Vec<u8>)> {
    vec![
        (C, record(22, &client_hello(&[]))),
        (S, full_server_flight()),
        (C, [record(22, &message(16, &[1, 2])), CCS.to_vec(), record(22, &[9; 40])].concat()),
        (S, [CCS.to_vec(), record(22, &[9; 40])].concat()),
    ]
}

#[test]
fn a_full_handshake_of_tls12() {
    let steps = full12();
    let (progress, facts) = run(&steps);
    assert_eq!(progress, Progress::Protected);
    assert_eq!((facts.version, facts.suite), (Some(0x0303), Some(Suite::Tls(0xC02F))));
    assert_eq!((facts.client, facts.abbreviated, facts.group), (Some(C), Some(false), Some(29)));
    assert_eq!(facts.session_id.as_deref(), Some(&[0x55][..]));
    assert!(facts.encrypt_then_mac && !facts.incomplete);
    for n in 0..steps.len() {
        assert_eq!(run(&steps[..n]).0, Progress::Open, "after {n} flights nothing is proved");
    }
}

#[test]
fn an_abbreviated_handshake_of_tls12() {
    let (progress, facts) = run(&[
        (C, record(22, &client_hello(&[]))),
        (S, [record(22, &server_hello(0xC02F, &[])), CCS.to_vec(), record(22, &[9; 40])].concat()),
        (C, [CCS.to_vec(), record(22, &[9; 40])].concat()),
    ]);
    assert_eq!((progress, facts.abbreviated), (Progress::Protected, Some(true)));
}

#[test]
fn the_directions_may_come_in_either_order() {
    let mut steps = full12();
    steps.sort_by_key(|(side, _)| *side == S);
    let client_first = run(&steps);
    steps.reverse();
    steps.sort_by_key(|(side, _)| *side == C);
    let mut server_first: Vec<_> = full12().into_iter().filter(|(s, _)| *s == S).collect();
    server_first.extend(full12().into_iter().filter(|(s, _)| *s == C));
    assert_eq!(client_first.1, run(&full12()).1);
    assert_eq!(run(&server_first).1, client_first.1);
}

#[test]
fn tls13_needs_the_client_to_go_on() {
    let steps = [
        (C, record(22, &client_hello(&[]))),
        (
            S,
            [record(22, &server_hello(0x1301, TLS13)), CCS.to_vec(), record(23, &[9; 99])].concat(),
        ),
        (C, [CCS.to_vec(), record(23, &[9; 53])].concat()),
    ];
    assert_eq!(run(&steps[..2]).0, Progress::Open);
    let (progress, facts) = run(&steps);
    assert_eq!(progress, Progress::Protected);
    assert_eq!(
        (facts.version, facts.group, facts.abbreviated),
        (Some(0x0304), Some(0x11EC), Some(false))
    );
    assert_eq!(facts.session_id.as_deref(), Some(&[][..]));
}

/// The encrypted records of a server of TLS 1.3: EncryptedExtensions and Finished.
fn server_flight() -> Vec<u8> {
    [record(23, &[9; 23]), record(23, &[9; 53])].concat()
}

#[test]
fn early_data_proves_nothing() {
    let hello = client_hello(&[0, 42, 0, 0]);
    let steps = [
        (C, [record(22, &hello), CCS.to_vec(), record(23, &[9; 53])].concat()),
        (S, [record(22, &server_hello(0x1301, TLS13)), server_flight()].concat()),
        (C, record(23, &[9; 500])),
    ];
    // What the client says before it has acknowledged the ServerHello is early data.
    assert_eq!(run(&steps).0, Progress::Open);
    // EndOfEarlyData and Finished; an alert.
    for (last, progress, alert) in [
        ([record(23, &[9; 21]), record(23, &[9; 53])].concat(), Progress::Protected, false),
        (record(23, &[9; 19]), Progress::Open, true),
        (record(21, &[2, 47]), Progress::Failed, false),
    ] {
        let mut tls = Tls::default();
        let mut certificates = Certificates::default();
        for (side, bytes) in &steps {
            assert!(*side == C || !tls.awaits_acknowledgment() || tls.facts().client_hello);
            tls.data(*side, bytes, &mut certificates);
        }
        assert!(tls.awaits_acknowledgment());
        tls.acknowledged();
        assert_eq!(tls.data(C, &last, &mut certificates), progress);
        assert_eq!(tls.facts().encrypted_alert, alert);
        assert_eq!(tls.facts().has_failed(), progress != Progress::Protected);
    }
}

#[test]
fn the_last_flight_of_a_tls13_client_has_to_hold_its_finished() {
    // Suite, lengths of the client's records, whether they may be its Finished.
    let flights: &[(u16, &[usize], bool)] = &[
        (0x1301, &[53], true),
        (0x1301, &[52], false),
        (0x1301, &[19], false),
        (0x1301, &[19, 19], false),
        (0x1302, &[69], true),
        (0x1302, &[68], false),
        (0x1303, &[53], true),
        (0x1305, &[45], true),
        (0x1305, &[44], false),
        (0x1305, &[11], false),
        // An empty Certificate, then Finished.
        (0x1301, &[25, 53], true),
        (0x1302, &[25, 69], true),
        // Certificate, CertificateVerify, Finished; all in one record; padded.
        (0x1301, &[900, 281, 53], true),
        (0x1301, &[1200], true),
        (0x1302, &[256], true),
        // Finished in pieces of one and two bytes.
        (0x1301, &[18; 36], true),
        (0x1301, &[18; 35], false),
        (0x1301, &[19; 18], true),
    ];
    for (suite, lengths, may) in flights {
        let server = [record(22, &server_hello(*suite, TLS13)), record(23, &[9; 400])].concat();
        let client: Vec<u8> = lengths.iter().flat_map(|n| record(23, &vec![9; *n])).collect();
        let hello = record(22, &client_hello(&[]));
        let steps = [(C, hello.clone()), (S, server.clone()), (C, client.clone())];
        let (progress, facts) = run(&steps);
        let expected = if *may { Progress::Protected } else { Progress::Open };
        assert_eq!(progress, expected, "{suite:04X} {lengths:?}");
        assert!(!facts.has_failed() || !may);
        // The directions may be delivered in either order.
        let other = run(&[(C, hello), (C, client), (S, server)]);
        assert_eq!((other.0, other.1), (progress, facts), "{suite:04X} {lengths:?}");
    }
}

#[test]
fn a_tls13_server_that_says_no_more_than_an_alert_has_not_agreed() {
    let server = |flight: &[u8]| [&record(22, &server_hello(0x1301, TLS13)), flight].concat();
    for (flight, progress) in [
        (record(23, &[9; 19]), Progress::Open),
        (record(23, &[9; 58]), Progress::Open),
        (server_flight(), Progress::Protected),
        (record(23, &[9; 59]), Progress::Protected),
    ] {
        let steps =
            [(C, record(22, &client_hello(&[]))), (S, server(&flight)), (C, record(23, &[9; 53]))];
        assert_eq!(run(&steps).0, progress);
        // Where its bytes are missing nothing is said about their length.
        let (mut tls, mut certificates) = (Tls::default(), Certificates::default());
        tls.data(C, &steps[0].1, &mut certificates);
        tls.data(S, &server(&[]), &mut certificates);
        tls.hole(S, 300);
        assert_eq!(tls.data(C, &steps[2].1, &mut certificates), Progress::Protected);
        assert!(tls.facts().incomplete);
    }
}

#[test]
fn an_alert_after_a_hole_may_follow_a_finished() {
    let (mut tls, mut certificates) = (Tls::default(), Certificates::default());
    let server = [record(22, &server_hello(0x1301, TLS13)), server_flight()].concat();
    tls.data(C, &record(22, &client_hello(&[])), &mut certificates);
    tls.data(S, &server, &mut certificates);
    tls.hole(C, 300);
    assert_eq!(tls.data(C, &record(23, &[9; 19]), &mut certificates), Progress::Open);
    assert!(!tls.facts().has_failed());
    assert_eq!(tls.data(C, &record(23, &[9; 60]), &mut certificates), Progress::Protected);
}

#[test]
fn one_side_never_completes_tls13() {
    for side in [C, S] {
        let (mut tls, mut certificates) = (Tls::default(), Certificates::default());
        let said = match side {
            C => [record(22, &client_hello(&[])), record(23, &[9; 300])].concat(),
            _ => [record(22, &server_hello(0x1301, TLS13)), record(23, &[9; 3000])].concat(),
        };
        tls.data(side, &said, &mut certificates);
        assert_eq!(tls.conclude_one_sided(side), Progress::Open);
        assert_eq!(tls.facts().server_hello, side == S);
    }
}

#[test]
fn one_side_of_an_abbreviated_handshake_has_to_go_on() {
    let flight = [record(22, &server_hello(0xC02F, &[])), CCS.to_vec(), record(22, &[9; 40])];
    for (more, progress) in [(vec![], Progress::Open), (record(23, &[9; 30]), Progress::Protected)]
    {
        let (mut tls, mut certificates) = (Tls::default(), Certificates::default());
        tls.data(S, &[flight.concat(), more].concat(), &mut certificates);
        assert_eq!(tls.conclude_one_sided(S), progress);
    }
}

#[test]
fn a_hello_retry_request_is_no_server_hello() {
    let mut retry = server_hello(0x1301, TLS13);
    retry[6..38].copy_from_slice(&[
        0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C, 0x02, 0x1E, 0x65, 0xB8,
        0x91, 0xC2, 0xA2, 0x11, 0x16, 0x7A, 0xBB, 0x8C, 0x5E, 0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8,
        0x33, 0x9C,
    ]);
    let (progress, facts) = run(&[
        (C, record(22, &client_hello(&[]))),
        (S, [record(22, &retry), CCS.to_vec()].concat()),
        (C, [CCS.to_vec(), record(22, &client_hello(&[]))].concat()),
        (S, [record(22, &server_hello(0x1302, TLS13)), record(23, &[9; 99])].concat()),
        (C, record(23, &[9; 69])),
    ]);
    assert_eq!((progress, facts.suite), (Progress::Protected, Some(Suite::Tls(0x1302))));
    assert!(facts.hello_retry_request && !facts.incomplete);
}

#[test]
fn a_fatal_alert_is_a_failure_and_a_warning_is_none() {
    let (progress, facts) = run(&[(C, record(22, &client_hello(&[]))), (S, record(21, &[2, 40]))]);
    assert_eq!(progress, Progress::Failed);
    assert_eq!(facts.failure, Some(Failure::Alert { description: 40, from: S }));
    let mut steps = full12();
    steps.insert(1, (S, record(21, &[1, 112])));
    assert_eq!(run(&steps).0, Progress::Protected);
}

#[test]
fn a_hole_is_survived_and_told() {
    let mut certificates = Certificates::default();
    let mut tls = Tls::default();
    let steps = full12();
    tls.data(C, &steps[0].1, &mut certificates);
    tls.data(S, &steps[1].1[..60], &mut certificates);
    tls.hole(S, 500);
    tls.data(S, b"rest of a certificate", &mut certificates);
    tls.data(C, &steps[2].1, &mut certificates);
    assert_eq!(tls.data(S, &steps[3].1, &mut certificates), Progress::Protected);
    assert!(tls.facts().incomplete);
    assert_eq!(tls.facts().abbreviated, Some(false), "the client's key exchange tells");
    assert_eq!(tls.facts().group, None, "what was in the hole is not known");
}

#[test]
fn one_side_shows_the_servers_choice_and_nothing_of_the_clients() {
    let mut certificates = Certificates::default();
    let mut server = Tls::default();
    for (side, bytes) in full12() {
        if side == S {
            assert_eq!(server.data(S, &bytes, &mut certificates), Progress::Open);
        }
    }
    assert_eq!(server.conclude_one_sided(S), Progress::Protected);
    assert!(server.facts().incomplete);
    let mut client = Tls::default();
    for (side, bytes) in full12() {
        if side == C {
            client.data(C, &bytes, &mut certificates);
        }
    }
    assert_eq!(client.conclude_one_sided(C), Progress::Open);
}

#[test]
fn sslv2_full_and_resumed() {
    let hello = [0x80, 0x1C, 1, 0, 2, 0, 3, 0, 0, 0, 16, 7, 0, 0xC0].to_vec();
    let hello = [hello, vec![5; 16]].concat();
    let answer = |hit: u8| [&[0x80, 11, 4, hit, 0, 0, 2, 0, 0, 0, 0, 0, 0][..]].concat();
    let key = [0x80, 10, 2, 7, 0, 0xC0, 0, 0, 0, 0, 0, 0].to_vec();
    let sealed = [&[0x80, 33][..], &[9; 33]].concat();
    let (progress, facts) = run(&[
        (C, hello.clone()),
        (S, answer(0)),
        (C, [key, sealed.clone()].concat()),
        (S, sealed.clone()),
    ]);
    assert_eq!(progress, Progress::Protected);
    assert_eq!((facts.version, facts.suite), (Some(2), Some(Suite::Sslv2(0x0700C0))));
    assert_eq!(facts.abbreviated, Some(false));
    let (progress, facts) =
        run(&[(C, hello), (S, [answer(1), sealed.clone()].concat()), (C, sealed)]);
    assert_eq!((progress, facts.abbreviated), (Progress::Protected, Some(true)));
    assert_eq!(facts.suite, None);
}

#[test]
fn tls_after_an_sslv2_hello() {
    let hello = [&[0x80, 0x1C, 1, 3, 3, 0, 3, 0, 0, 0, 16, 0, 0, 0x2F][..], &[5; 16]].concat();
    let mut steps = full12();
    steps[0].1 = hello;
    let (progress, facts) = run(&steps);
    assert_eq!((progress, facts.version), (Progress::Protected, Some(0x0303)));
}

proptest! {
    /// However the bytes are cut into chunks, the observation is the same.
    #[test]
    fn any_split_gives_the_same(cuts in prop::collection::vec(1usize..40, 1..60)) {
        let steps = full12();
        let expected = run(&steps).1;
        let mut certificates = Certificates::default();
        let mut tls = Tls::default();
        let mut cut = cuts.iter().cycle();
        for (side, bytes) in &steps {
            let mut rest = bytes.as_slice();
            while !rest.is_empty() {
                let n = (*cut.next().expect("endless")).min(rest.len());
                tls.data(*side, &rest[..n], &mut certificates);
                rest = &rest[n..];
            }
        }
        prop_assert_eq!(tls.into_facts(), expected);
    }

    /// A cut never yields more than the whole, and nothing panics.
    #[test]
    fn a_truncation_claims_no_more(cut in 0usize..400) {
        let (mut left, mut steps) = (cut, Vec::new());
        for (side, bytes) in full12() {
            let n = left.min(bytes.len());
            steps.push((side, bytes[..n].to_vec()));
            left -= n;
        }
        let whole = run(&full12()).1;
        let (_, facts) = run(&steps);
        prop_assert!(facts.version.is_none() || facts.version == whole.version);
        prop_assert!(facts.suite.is_none() || facts.suite == whole.suite);
        prop_assert!(!facts.completed || cut >= full12().iter().map(|s| s.1.len()).sum::<usize>() - 40);
    }

    #[test]
    fn noise_does_not_panic(noise in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 0..80)), 0..20)) {
        let steps: Vec<_> = noise.into_iter().map(|(c, b)| (if c { C } else { S }, b)).collect();
        prop_assert_ne!(run(&steps).0, Progress::Protected);
    }
}
