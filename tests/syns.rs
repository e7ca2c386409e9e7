//! SYNs that their receiver does not accept (RFC 9293 section 3.10.7, RFC 5961 section 4.2), and
//! such as open a connection in the place of another one: no byte is counted twice.

mod common;
#[path = "common/packets.rs"]
mod packets;
#[path = "common/tcp_capture.rs"]
mod tcp_capture;

use serde_json::json;
use tcp_capture::*;

#[test]
fn a_blind_syn_changes_nothing() {
    for (flags, ack) in [(SYN, 0), (SYN | ACK, 999_999)] {
        for side in [C, S] {
            let blind = Capture::open().with(|c| c.send(side, flags, 0x7000_0000, ack, 0));
            assert_told(&blind, &[json!([null, null, 100, 50, 1])]);
            assert_goes_on(blind.clone(), 1);
            assert_goes_on(blind.clone().with(|c| c.ack(1 - side)), 1);
            // Several of them, of different numbers.
            let more = blind.with(|c| {
                c.send(side, flags, 0x3000_0000, ack, 0);
                c.ack(1 - side);
                c.send(side, flags, 0x3000_0000, ack, 0);
            });
            assert_goes_on(more, 3);
        }
    }
}

#[test]
fn a_blind_syn_in_the_handshake_changes_nothing() {
    for at in 1..3 {
        let mut capture = Capture::new([1000, 5000]).opened();
        let ts = capture.out[at].ts - MILLI / 2;
        let blind = packets::tcp(ts, ENDS[C], SYN, 0x7000_0000, 0, &[]);
        capture.out.insert(at, blind);
        assert_goes_on(capture, 1);
    }
}

#[test]
fn a_syn_that_is_answered_is_a_new_connection() {
    // The old one is open, and nothing of its end was captured.
    let capture = Capture::open().wait(12);
    let last = (capture.now / MILLI - BEGIN / MILLI) - 12_000;
    let capture = again(capture, [0x7000_0000, 0x5000_0000]);
    let end = capture.now / MILLI - BEGIN / MILLI;
    let expected = [json!(["replaced", last, 100, 50, 0]), json!(["fin", end, 100, 50, 0])];
    let run = assert_told(&capture, &expected);
    assert_eq!(run.connections[1]["segments"], json!({"from_client": 6, "from_server": 4}));
    assert_eq!(events(&run).last(), Some(&(4, 100, 50)));
    // The SYN was sent again before it was answered; the new one begins with the first.
    let mut capture = Capture::open().wait(12);
    capture.send(C, SYN, 0x7000_0000, 0, 0);
    let begun = capture.now;
    let capture = again(capture.wait(1), [0x7000_0000, 0x5000_0000]);
    let run = capture.run();
    assert_eq!(run.connections.len(), 2);
    assert_eq!(run.connections[1]["segments"], json!({"from_client": 7, "from_server": 4}));
    let start: jiff::Timestamp =
        run.connections[1]["start"].as_str().expect("a time").parse().expect("a time");
    assert_eq!(start.as_nanosecond(), i128::from(begun));
}

#[test]
fn a_port_is_used_again_after_the_end() {
    for next in [[0x7000_0000, 9], [2_000, 6_000], [1000, 5000]] {
        let capture = Capture::open().close();
        let end = capture.now / MILLI - BEGIN / MILLI;
        let capture = again(capture.wait(1), next);
        let last = capture.now / MILLI - BEGIN / MILLI;
        let expected = [json!(["fin", end, 100, 50, 0]), json!(["fin", last, 100, 50, 0])];
        assert_told(&capture, &expected);

        let capture = Capture::open().with(|c| c.reset(C, 0));
        let end = capture.now / MILLI - BEGIN / MILLI;
        let capture = again(capture.wait(1), next);
        let last = capture.now / MILLI - BEGIN / MILLI;
        let expected = [json!(["reset", end, 100, 50, 0]), json!(["fin", last, 100, 50, 0])];
        assert_told(&capture, &expected);
    }
}

#[test]
fn a_client_that_was_restarted_resets_what_it_had_open() {
    // RFC 9293 section 3.5.1, figure 9, with a challenge as RFC 5961 section 4.2 has it.
    let mut capture = Capture::open().wait(12);
    let [client, _] = capture.next;
    capture.send(C, SYN, 0x7000_0000, 0, 0);
    capture.ack(S);
    capture.send(C, RST, client, 0, 0);
    let reset = capture.now / MILLI - BEGIN / MILLI;
    let capture = again(capture.wait(1), [0x7000_0000, 0x5000_0000]);
    let end = capture.now / MILLI - BEGIN / MILLI;
    let expected = [json!(["reset", reset, 100, 50, 0]), json!(["fin", end, 100, 50, 0])];
    let run = assert_told(&capture, &expected);
    let kinds: Vec<u8> = events(&run).iter().map(|e| e.0).collect();
    assert_eq!(kinds, [1, 3, 4]);
}

#[test]
fn a_syn_that_is_refused_or_sent_again_in_vain_is_a_connection_of_its_own() {
    let open = Capture::open().wait(12);
    let last = (open.now / MILLI - BEGIN / MILLI) - 12_000;
    let refused = open.clone().with(|c| {
        c.send(C, SYN, 0x7000_0000, 0, 0);
        c.send(S, RST | ACK, 0, 0x7000_0001, 0);
    });
    let end = refused.now / MILLI - BEGIN / MILLI;
    let expected = [json!(["replaced", last, 100, 50, 0]), json!(["reset", end, 0, 0, 0])];
    assert_told(&refused, &expected);
    // Unless both sides go on with the old one: a middlebox has answered.
    assert_goes_on(refused, 2);
    let again = open.with(|c| {
        for _ in 0..3 {
            c.now += 1000 * MILLI;
            c.send(C, SYN, 0x7000_0000, 0, 0);
        }
    });
    let expected = [json!(["replaced", last, 100, 50, 0]), json!([null, null, 0, 0, 0])];
    assert_told(&again, &expected);
}

#[test]
fn a_refusal_acknowledges_the_syn() {
    let mut capture = Capture::new([1000, 5000]);
    capture.send(C, SYN, 1000, 0, 0);
    let blind =
        |capture: &Capture, flags, ack| capture.clone().with(|c| c.send(S, flags, 0, ack, 0));
    for (flags, ack) in [(RST, 0), (RST, 1001), (RST | ACK, 1000), (RST | ACK, 77)] {
        assert_told(&blind(&capture, flags, ack), &[json!([null, null, 0, 0, 1])]);
    }
    assert_told(&blind(&capture, RST | ACK, 1001), &[json!(["reset", 2, 0, 0, 0])]);
    // After a blind one the handshake goes on.
    let mut capture = blind(&capture, RST, 0);
    capture.send(S, SYN | ACK, 5000, 1001, 0);
    capture.next = [1001, 5001];
    capture.ack(C);
    assert_goes_on(capture.talk(), 1);
}
