use super::*;
use proptest::prelude::*;

const C: Side = Side::High;
const S: Side = Side::Low;

fn string(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).expect("short").to_be_bytes()[..], bytes].concat()
}

fn packet(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 6).expect("short").to_be_bytes();
    [&length[..], &[4, kind], body, &[0; 4]].concat()
}

fn kex_init(kex: &str, cipher: &str, mac: &str) -> Vec<u8> {
    let mut body = vec![7; 16];
    for list in [kex, "ssh-ed25519", cipher, cipher, mac, mac, "none", "none", "", ""] {
        body.extend(string(list.as_bytes()));
    }
    body.extend([0; 5]);
    packet(20, &body)
}

fn host_key() -> Vec<u8> {
    [string(b"ssh-ed25519"), string(&[5; 32])].concat()
}

fn exchange() -> Vec<(Side, Vec<u8>)> {
    let reply = [string(&host_key()), string(&[6; 32]), string(b"signature")].concat();
    vec![
        (S, b"SSH-2.0-OpenSSH_9.2 z/OS\r\n".to_vec()),
        (C, b"SSH-2.0-client\n".to_vec()),
        (
            C,
            kex_init(
                "ext-info-c,never-heard-of,curve25519-sha256",
                "aes256-ctr,aes128-ctr",
                "hmac-sha2-256-etm@openssh.com",
            ),
        ),
        (
            S,
            kex_init(
                "curve25519-sha256,never-heard-of",
                "aes128-ctr,aes256-ctr",
                "hmac-sha2-256-etm@openssh.com",
            ),
        ),
        (C, packet(30, &string(&[8; 32]))),
        (S, [packet(31, &reply), packet(21, &[])].concat()),
        (C, packet(21, &[])),
    ]
}

fn run(steps: &[(Side, Vec<u8>)], opener: Side) -> (Progress, Facts) {
    let mut ssh = Ssh::new(opener);
    let mut certificates = Certificates::default();
    let mut progress = Progress::Open;
    for (side, bytes) in steps {
        progress = ssh.data(*side, bytes, &mut certificates);
    }
    (progress, ssh.into_facts())
}

#[test]
fn a_key_exchange_with_a_method_that_nobody_has_heard_of() {
    let (progress, facts) = run(&exchange(), C);
    assert_eq!((progress, facts.version), (Progress::Protected, Some(2)));
    assert_eq!(facts.kex.as_deref(), Some("never-heard-of"));
    assert_eq!(facts.cipher_c2s.as_deref(), Some("aes256-ctr"));
    assert_eq!(facts.software_of(S), Some("OpenSSH_9.2 z/OS"));
    let key = facts.host_key.expect("a host key");
    assert_eq!((key.kind.as_str(), key.bits), ("ssh-ed25519", Some(256)));
    assert!(key.fingerprint.expect("one").starts_with("SHA256:"));
    for n in 0..exchange().len() {
        assert_eq!(run(&exchange()[..n], C).0, Progress::Open);
    }
}

#[test]
fn who_is_the_client_is_seen_in_the_exchange() {
    let wrong_guess = run(&exchange(), S).1;
    assert_eq!(wrong_guess, run(&exchange(), C).1);
}

#[test]
fn the_directions_may_come_in_either_order() {
    let one_then_other = |first: Side| {
        let (mut a, b): (Vec<_>, Vec<_>) = exchange().into_iter().partition(|s| s.0 == first);
        a.extend(b);
        run(&a, C)
    };
    assert_eq!(one_then_other(C), run(&exchange(), C));
    assert_eq!(one_then_other(S), run(&exchange(), C));
}

#[test]
fn version_1() {
    let v1 = |kind: u8, body: &[u8]| {
        let length = body.len() + 1 + 4;
        let bytes = u32::try_from(length).expect("short").to_be_bytes();
        [&bytes[..], &vec![0; 8 - length % 8], &[kind], body, &[0; 4]].concat()
    };
    let number =
        |bits: u16| [&bits.to_be_bytes()[..], &vec![1; usize::from(bits).div_ceil(8)]].concat();
    let mut keys = vec![9; 8];
    for bits in [768u16, 1024] {
        keys.extend(u32::from(bits).to_be_bytes());
        keys.extend(number(6));
        keys.extend(number(bits));
    }
    let steps = [
        (S, b"SSH-1.99-server\n".to_vec()),
        (C, b"SSH-1.5-client\n".to_vec()),
        (S, v1(2, &keys)),
        (C, v1(3, &[3, 9, 9, 9, 9, 9, 9, 9, 9])),
        (S, vec![0xEE; 12]),
    ];
    assert_eq!(run(&steps[..4], C).0, Progress::Open);
    let (progress, facts) = run(&steps, C);
    assert_eq!((progress, facts.version), (Progress::Protected, Some(1)));
    assert_eq!(facts.cipher_c2s.as_deref(), Some("3des-cbc"));
    assert_eq!(facts.host_key.expect("a host key").bits, Some(1024));
}

#[test]
fn a_hole_ends_the_reading_of_a_side() {
    let mut certificates = Certificates::default();
    let mut ssh = Ssh::new(C);
    let steps = exchange();
    for (side, bytes) in &steps[..3] {
        ssh.data(*side, bytes, &mut certificates);
    }
    ssh.hole(S, 100);
    for (side, bytes) in &steps[3..] {
        assert_eq!(ssh.data(*side, bytes, &mut certificates), Progress::Open);
    }
    assert!(ssh.facts().incomplete);
}

proptest! {
    #[test]
    fn any_split_gives_the_same(cuts in prop::collection::vec(1usize..50, 1..40)) {
        let expected = run(&exchange(), C);
        let mut cut = cuts.iter().cycle();
        let mut pieces = Vec::new();
        for (side, bytes) in exchange() {
            let mut rest = bytes.as_slice();
            while !rest.is_empty() {
                let n = (*cut.next().expect("endless")).min(rest.len());
                pieces.push((side, rest[..n].to_vec()));
                rest = &rest[n..];
            }
        }
        prop_assert_eq!(run(&pieces, C), expected);
    }

    #[test]
    fn noise_does_not_panic_and_proves_nothing(
        noise in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 0..60)), 0..20),
    ) {
        let mut steps = vec![(S, b"SSH-1.99-x\n".to_vec())];
        steps.extend(noise.into_iter().map(|(c, b)| (if c { C } else { S }, b)));
        let (_, facts) = run(&steps, C);
        prop_assert!(!facts.completed || facts.version.is_some());
    }
}
