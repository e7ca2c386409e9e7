//! Resets that their receiver does not accept (RFC 9293 section 3.10.7, RFC 5961 section 3.2): a
//! connection that both sides go on with has not ended, and no byte of it is missing.

mod common;
#[path = "common/packets.rs"]
mod packets;
#[path = "common/tcp_capture.rs"]
mod tcp_capture;

use common::Run;
use serde_json::{Value, json};
use tcp_capture::*;

#[test]
fn a_reset_outside_of_the_window_changes_nothing() {
    for beyond in [10_001, 1_000_000, 0x8000_0000, u32::MAX, u32::MAX - 20_000] {
        for side in [C, S] {
            let capture = Capture::open().with(|c| c.reset(side, beyond));
            // The last packet of the captured connection, too.
            let bytes = json!([null, null, 100, 50, 1]);
            assert_told(&capture, std::slice::from_ref(&bytes));
            assert_goes_on(capture.clone(), 1);
            // Whether the receiver answers makes no difference.
            assert_goes_on(capture.with(|c| c.ack(1 - side)), 1);
        }
    }
}

#[test]
fn a_reset_in_the_window_that_is_challenged_changes_nothing() {
    for beyond in [1, 500, 10_000] {
        for side in [C, S] {
            let capture = Capture::open().with(|c| {
                c.reset(side, beyond);
                c.ack(1 - side);
            });
            assert_told(&capture, &[json!([null, null, 100, 50, 1])]);
            assert_goes_on(capture, 1);
        }
    }
}

#[test]
fn the_reset_that_answers_a_challenge_ends_the_connection() {
    let capture = Capture::open().with(|c| {
        c.reset(C, 500);
        c.ack(S);
        c.reset(C, 0);
    });
    let at = capture.now / MILLI - BEGIN / MILLI;
    let run = assert_told(&capture, &[json!(["reset", at, 100, 50, 1])]);
    assert_eq!(events(&run), [(4, 100, 50)]);
}

#[test]
fn a_reset_after_which_both_sides_go_on_changes_nothing() {
    for side in [C, S] {
        // Of the number that is expected: a middlebox may have kept it from its receiver.
        assert_goes_on(Capture::open().with(|c| c.reset(side, 0)), 1);
        assert_goes_on(Capture::open().with(|c| c.reset(side, 77)), 1);
        for wait in [0, 30] {
            // One side only acknowledges.
            let capture = Capture::open().wait(1).with(|c| {
                c.reset(side, 0);
                c.now += wait * 1000 * MILLI;
                c.data(S, 50);
                c.ack(C);
            });
            assert_told(&capture, &[json!([null, null, 100, 100, 1])]);
        }
        // Many of them.
        let capture = Capture::open().with(|c| {
            for _ in 0..5 {
                c.reset(side, 0);
                c.reset(side, 0);
                *c = c.clone().talk();
            }
        });
        assert_told(&capture, &[json!([null, null, 600, 300, 10])]);
    }
}

#[test]
fn keep_alives_of_both_sides_show_that_they_go_on() {
    let capture = Capture::open().with(|c| c.reset(C, 0)).wait(15).with(|c| {
        let [client, server] = c.next;
        c.send(C, ACK, client - 1, server, 1);
        c.ack(S);
    });
    assert_told(&capture, &[json!([null, null, 100, 50, 1])]);
    // Of one side only they show nothing.
    let capture = Capture::open().with(|c| c.reset(C, 0));
    let at = capture.now / MILLI - BEGIN / MILLI;
    let capture = capture.wait(15).with(|c| {
        let [client, server] = c.next;
        for _ in 0..3 {
            c.send(S, ACK, server - 1, client, 1);
        }
    });
    assert_told(&capture, &[json!(["reset", at, 100, 50, 0])]);
}

#[test]
fn a_reset_ends_the_connection_where_only_the_other_side_is_heard_of() {
    for side in [C, S] {
        let capture = Capture::open().wait(12).with(|c| c.reset(side, 0));
        let at = capture.now / MILLI - BEGIN / MILLI;
        let run = assert_told(&capture, &[json!(["reset", at, 100, 50, 0])]);
        assert_eq!(events(&run), [(1, 100, 50), (3, 100, 50)]);

        // What was under way arrives, and is sent again; the reset is, too.
        let mut capture = capture;
        let sent = capture.next[1 - side];
        capture.data(1 - side, 30);
        for _ in 0..4 {
            capture.now += 700 * MILLI;
            capture.send(1 - side, ACK, sent, capture.next[side], 30);
            capture.reset(side, 0);
        }
        let mut bytes = [100, 50];
        bytes[1 - side] += 30;
        let run = assert_told(&capture, &[json!(["reset", at, bytes[C], bytes[S], 0])]);
        // Records tell of what came before the end.
        assert_eq!(events(&run), [(1, 100, 50), (3, 100, 50)]);
    }
}

#[test]
fn a_reset_in_the_window_ends_the_connection_if_its_receiver_falls_silent() {
    // Bytes before it were lost, and the receiver's stack is an old one.
    let capture = Capture::open().with(|c| c.reset(C, 300));
    let at = capture.now / MILLI - BEGIN / MILLI;
    assert_told(&capture, &[json!(["reset", at, 100, 50, 0])]);
}

#[test]
fn resets_of_both_sides_end_the_connection() {
    let capture = Capture::open().with(|c| c.reset(C, 0));
    let at = capture.now / MILLI - BEGIN / MILLI;
    let capture = capture.with(|c| c.send(S, RST | ACK, c.next[S], c.next[C], 0));
    assert_told(&capture, &[json!(["reset", at, 100, 50, 0])]);
    // Nothing that comes afterwards brings it back.
    let run = assert_told(&capture.talk(), &[json!(["reset", at, 200, 100, 0])]);
    assert_eq!(events(&run), [(4, 100, 50)]);
}

#[test]
fn a_reset_after_the_end_changes_nothing() {
    let capture = Capture::open().close();
    let at = capture.now / MILLI - BEGIN / MILLI;
    let capture = capture.with(|c| {
        c.send(S, RST | ACK, c.next[S], c.next[C], 0);
        c.send(C, RST, 0x7000_0000, 0, 0);
    });
    let run = assert_told(&capture, &[json!(["fin", at, 100, 50, 1])]);
    assert_eq!(events(&run), [(4, 100, 50)]);
}

#[test]
fn what_comes_of_an_end_does_not_depend_on_where_an_interval_ends() {
    let capture = Capture::open().wait(12).with(|c| c.reset(C, 0)).wait(200);
    let mut capture = capture;
    capture.out.push(packets::tcp(capture.now, [([198, 51, 100, 9], 1), SERVER], SYN, 1, 0, &[]));
    let runs: Vec<Run> =
        ["1", "60"].iter().map(|minutes| read(&capture.out, &["--interval", minutes])).collect();
    for run in &runs {
        assert_eq!(run.connections[0]["close"], "reset");
        assert_eq!(events(run), [(1, 100, 50), (3, 100, 50)]);
    }
}

#[test]
fn windows_are_scaled_if_both_syns_say_so() {
    let open = |scales| Capture { scales, ..Capture::new([1000, 5000]) }.opened();
    // 10,000 times 16.
    let both = open([Some(4), Some(4)]);
    assert_told(&both.clone().with(|c| c.reset(C, 160_001)), &[json!([null, null, 100, 50, 1])]);
    let at = both.now / MILLI - BEGIN / MILLI + 1;
    assert_told(&both.with(|c| c.reset(C, 160_000)), &[json!(["reset", at, 100, 50, 0])]);
    for scales in [[Some(4), None], [None, Some(4)]] {
        let one = open(scales).with(|c| c.reset(C, 10_001));
        assert_told(&one, &[json!([null, null, 100, 50, 1])]);
    }
}

#[test]
fn in_a_window_of_zero_only_the_next_number_is_accepted() {
    let full = Capture { window: 0, ..Capture::open() }.with(|c| {
        c.ack(S);
        c.ack(C);
    });
    let capture = full.clone().with(|c| c.reset(C, 1));
    assert_told(&capture, &[json!([null, null, 100, 50, 1])]);
    assert_goes_on(capture, 1);
    let at = full.now / MILLI - BEGIN / MILLI + 1;
    assert_told(&full.with(|c| c.reset(C, 0)), &[json!(["reset", at, 100, 50, 0])]);
}

#[test]
fn sequence_numbers_wrap() {
    for next in [[u32::MAX - 101, u32::MAX - 60], [u32::MAX - 100, 7], [u32::MAX - 5, u32::MAX]] {
        let open = Capture::new(next).opened();
        assert_goes_on(open.clone().with(|c| c.reset(C, 10_001)), 1);
        assert_goes_on(open.clone().with(|c| c.reset(S, u32::MAX)), 1);
        assert_goes_on(open.clone().with(|c| c.send(C, SYN, 0x7000_0000, 0, 0)), 1);
        let at = open.now / MILLI - BEGIN / MILLI + 1;
        assert_told(&open.with(|c| c.reset(C, 0)), &[json!(["reset", at, 100, 50, 0])]);
    }
}

#[test]
fn one_captured_direction_is_enough() {
    let only = |capture: &Capture, side: usize| {
        let from = ENDS[side][0].0;
        let kept = capture.out.iter().filter(|p| p.data[26..30] == from).cloned().collect();
        Capture { out: kept, ..capture.clone() }
    };
    for side in [C, S] {
        let bytes = [[200, 0], [0, 100]][side];
        // A blind one in the direction that was captured.
        let blind = Capture::open().with(|c| c.reset(side, 0)).talk();
        assert_told(&only(&blind, side), &[json!([null, null, bytes[C], bytes[S], 1])]);
        let blind = Capture::open().with(|c| c.reset(side, 0x7000_0000)).talk();
        assert_told(&only(&blind, side), &[json!([null, null, bytes[C], bytes[S], 1])]);
        let blind = Capture::open().with(|c| c.send(side, SYN, 0x7000_0000, 0, 0)).talk();
        assert_told(&only(&blind, side), &[json!([null, null, bytes[C], bytes[S], 1])]);
        // And in the other one, from which nothing else was captured.
        let blind = Capture::open().with(|c| c.reset(1 - side, 0));
        let mut capture = only(&blind, side);
        let reset = blind.out.last().expect("a packet").clone();
        let at = reset.ts;
        capture.out.push(reset);
        let capture = capture.talk();
        let mut captured = only(&capture, side);
        let place = captured.out.partition_point(|p| p.ts < at);
        captured.out.insert(place, blind.out.last().expect("a packet").clone());
        assert_told(&captured, &[json!([null, null, bytes[C], bytes[S], 1])]);
        // A real one.
        let real = Capture::open().with(|c| c.reset(side, 0));
        let end = real.now / MILLI - BEGIN / MILLI;
        let bytes = [[100, 0], [0, 50]][side];
        assert_told(&only(&real, side), &[json!(["reset", end, bytes[C], bytes[S], 0])]);
    }
    // A new connection of which the answer was not captured.
    let capture = again(Capture::open().wait(12), [0x7000_0000, 0x5000_0000]);
    for side in [C, S] {
        let run = only(&capture, side).run();
        let closes: Vec<&Value> = run.connections.iter().map(|c| &c["close"]).collect();
        assert_eq!(closes[0], "replaced");
        assert_eq!(run.connections.len(), 2);
        let bytes = |c: &Value| {
            [c["bytes"]["from_client"].as_u64(), c["bytes"]["from_server"].as_u64()][side]
        };
        assert!(run.connections.iter().all(|c| bytes(c) == Some([100, 50][side])));
    }
}

#[test]
fn nothing_is_known_of_the_beginning() {
    let middle = |capture: Capture| {
        let out = capture.out[3..].to_vec();
        read(&out, &["--include-midstream"])
    };
    let run = middle(Capture::open().with(|c| c.reset(C, 0x7000_0000)).wait(20).talk().close());
    assert_eq!(run.connections.len(), 1);
    assert_eq!(run.connections[0]["close"], "fin");
    assert_eq!(run.connections[0]["bytes"], json!({"from_client": 200, "from_server": 100}));
    // In a window that may have been offered; both go on.
    let run = middle(Capture::open().with(|c| c.reset(S, 1_000_000)).wait(20).talk().close());
    assert_eq!(run.connections[0]["close"], "fin");
    assert_eq!(run.connections[0]["bytes"], json!({"from_client": 200, "from_server": 100}));
    let run = middle(Capture::open().with(|c| c.send(C, SYN, 7, 0, 0)).wait(20).talk().close());
    assert_eq!(run.connections.len(), 1);
    assert_eq!(run.connections[0]["bytes"], json!({"from_client": 200, "from_server": 100}));
    let run = middle(again(Capture::open(), [0x7000_0000, 0x5000_0000]));
    let closes: Vec<&Value> = run.connections.iter().map(|c| &c["close"]).collect();
    assert_eq!(closes, ["replaced", "fin"]);
}

#[test]
fn packets_that_were_cut_or_lost_do_not_mislead() {
    // The capture has the headers, without options, and no data.
    let mut capture = Capture { scales: [Some(7), Some(7)], ..Capture::new([1000, 5000]) };
    capture = capture.opened().with(|c| c.reset(C, 500_000)).wait(20).talk().close();
    for packet in &mut capture.out {
        packet.data.truncate(54);
    }
    let run = capture.run();
    assert_eq!(run.connections.len(), 1);
    assert_eq!(told(&run.connections[0])[0], "fin");
    assert_eq!(told(&run.connections[0])[2], 200);
    // Data before the reset were lost, but acknowledged.
    let capture = Capture::open().with(|c| {
        c.data(C, 1000);
        c.out.pop();
        c.ack(S);
        c.reset(C, 0);
    });
    let at = capture.now / MILLI - BEGIN / MILLI;
    assert_told(&capture, &[json!(["reset", at, 100, 50, 0])]);
}
