//! The life of a TCP connection, segment by segment.

use super::*;
use crate::frame::Identity;
use proptest::prelude::*;

const C: Dir = Dir::FromLow;
const S: Dir = Dir::FromHigh;

fn seg(seq: u32, ack: u32, flags: u8, length: u32) -> Segment {
    let window = 1000;
    let identity = Identity::default();
    Segment { seq, ack, flags, options: 0, window, payload: 0, captured: length, length, identity }
}

const SYN: u8 = flag::SYN;
const ACK: u8 = flag::ACK;
const FIN: u8 = flag::FIN;

fn established() -> TcpState {
    let mut life = TcpState::default();
    assert_eq!(life.update(C, &seg(u32::MAX, 0, SYN, 0), 1), Change::None);
    assert_eq!(life.update(S, &seg(100, 0, SYN | ACK, 0), 2), Change::None);
    assert_eq!(life.update(C, &seg(0, 101, ACK, 0), 3), Change::Established);
    life
}

#[test]
fn open_and_close() {
    let mut life = established();
    assert_eq!((life.client(), life.established()), (Some(C), Some(3)));
    assert_eq!(life.update(C, &seg(0, 101, FIN | ACK, 5), 4), Change::None);
    assert_eq!(life.update(S, &seg(101, 6, FIN | ACK, 0), 5), Change::None);
    assert_eq!(life.update(C, &seg(6, 102, ACK, 0), 6), Change::Closed);
    assert_eq!(life.ended(), Some((6, Close::Fin)));
}

#[test]
fn simultaneous_open_and_close() {
    let mut life = TcpState::default();
    life.update(C, &seg(10, 0, SYN, 0), 1);
    assert_eq!(life.relation(S, &seg(20, 0, SYN, 0)), Relation::Same);
    life.update(S, &seg(20, 0, SYN, 0), 2);
    assert_eq!(life.update(S, &seg(20, 11, SYN | ACK, 0), 3), Change::None);
    assert_eq!(life.update(C, &seg(10, 21, SYN | ACK, 0), 4), Change::Established);
    life.update(C, &seg(11, 21, FIN | ACK, 0), 5);
    life.update(S, &seg(21, 11, FIN | ACK, 0), 5);
    assert_eq!(life.update(C, &seg(12, 22, ACK, 0), 6), Change::None);
    assert_eq!(life.update(S, &seg(22, 12, ACK, 0), 7), Change::Closed);
}

#[test]
fn one_direction_is_enough_to_establish() {
    let mut client_only = TcpState::default();
    client_only.update(C, &seg(10, 0, SYN, 0), 1);
    assert_eq!(client_only.update(C, &seg(11, 99, ACK, 0), 2), Change::Established);
    let mut server_only = TcpState::default();
    assert_eq!(server_only.update(S, &seg(20, 11, SYN | ACK, 0), 1), Change::None);
    assert_eq!(server_only.client(), Some(C));
    assert_eq!(server_only.update(S, &seg(21, 500, ACK, 9), 2), Change::Established);
    assert_eq!(server_only.first_byte(C), Some(11));
}

const UNSEEN: [Option<u32>; 2] = [None; 2];
const RST: u8 = flag::RST;

#[test]
fn a_refusal_acknowledges_the_syn() {
    let mut life = TcpState::default();
    life.update(C, &seg(10, 0, SYN, 0), 1);
    let fit = |segment| life.reset_fit(S, &segment, [Some(11), None]);
    assert_eq!(fit(seg(0, 11, RST | ACK, 0)), ResetFit::Exact);
    assert_eq!(fit(seg(0, 12, RST | ACK, 0)), ResetFit::Outside);
    assert_eq!(fit(seg(0, 10, RST | ACK, 0)), ResetFit::Outside);
    assert_eq!(fit(seg(0, 11, RST, 0)), ResetFit::Outside);
    // Data came with the SYN, and was acknowledged in part.
    let fit = |ack| life.reset_fit(S, &seg(0, ack, RST | ACK, 0), [Some(16), None]);
    assert_eq!(fit(14), ResetFit::Exact);
    assert_eq!(fit(17), ResetFit::Outside);
}

#[test]
fn a_reset_fits_in_the_window_that_was_offered() {
    let mut life = established();
    let fit = |life: &TcpState, seq, edges| life.reset_fit(S, &seg(seq, 0, RST, 0), edges);
    assert_eq!(fit(&life, 100, UNSEEN), ResetFit::Outside);
    assert_eq!(fit(&life, 101, UNSEEN), ResetFit::Exact);
    assert_eq!(fit(&life, 0x8000_0000, UNSEEN), ResetFit::Outside);
    // How the client scales its window was not captured.
    assert_eq!(fit(&life, 101 + 1000 * 16384, UNSEEN), ResetFit::Within);
    assert_eq!(fit(&life, 102 + 1000 * 16384, UNSEEN), ResetFit::Outside);
    life.scale(C, Some(2), false);
    assert_eq!(fit(&life, 101 + 4000, UNSEEN), ResetFit::Within);
    assert_eq!(fit(&life, 102 + 4000, UNSEEN), ResetFit::Outside);
    // What the server has sent last, which is not acknowledged yet.
    assert_eq!(fit(&life, 5101, [None, Some(5101)]), ResetFit::Exact);
    // The server does not scale, so neither does the client.
    life.scale(S, None, true);
    assert_eq!(fit(&life, 102 + 1000, UNSEEN), ResetFit::Outside);
    life.acknowledge(C, &Segment { window: 0, ..seg(5, 111, ACK, 0) });
    assert_eq!(fit(&life, 110, UNSEEN), ResetFit::Outside);
    assert_eq!(fit(&life, 111, UNSEEN), ResetFit::Exact);
    assert_eq!(fit(&life, 112, UNSEEN), ResetFit::Outside);
}

#[test]
fn nothing_is_known_of_the_window_of_a_receiver_that_was_not_captured() {
    let mut life = TcpState::default();
    assert_eq!(life.reset_fit(S, &seg(7, 0, RST, 0), UNSEEN), ResetFit::Exact);
    life.update(S, &seg(100, 7, ACK, 10), 1);
    let fit = |seq| life.reset_fit(S, &seg(seq, 0, RST, 0), [None, Some(110)]);
    assert_eq!(fit(110), ResetFit::Exact);
    assert_eq!(fit(105), ResetFit::Within);
    assert_eq!(fit(110 + MAX_AHEAD), ResetFit::Outside);
}

#[test]
fn another_number_may_be_another_connection() {
    let mut life = established();
    assert_eq!(life.relation(C, &seg(u32::MAX, 0, SYN, 0)), Relation::Same);
    assert_eq!(life.relation(C, &seg(77, 0, SYN, 0)), Relation::Doubtful);
    assert_eq!(life.relation(S, &seg(100, 0, SYN | ACK, 0)), Relation::Same);
    let midstream = TcpState::default();
    assert_eq!(midstream.relation(C, &seg(77, 0, SYN, 0)), Relation::Doubtful);
    life.end(9, Close::Fin);
    assert_eq!(life.relation(C, &seg(77, 0, SYN, 0)), Relation::New);
    assert_eq!(life.relation(C, &seg(u32::MAX, 0, SYN, 0)), Relation::New);
}

#[test]
fn a_late_syn_belongs_to_the_connection_it_opened() {
    let mut life = TcpState::default();
    life.update(S, &seg(20, 11, SYN | ACK, 0), 1);
    assert_eq!(life.relation(C, &seg(10, 0, SYN, 0)), Relation::Same);
    life.update(C, &seg(10, 0, SYN, 0), 2);
    assert_eq!(life.client(), Some(C));
}

proptest! {
    /// What goes on as it was does so with every step of the slow path, too.
    #[test]
    fn going_on_is_an_update(
        segments in prop::collection::vec(
            (any::<bool>(), 0u32..40, 0u32..40, prop_oneof![4 => Just(ACK), 1 => 0u8..32], 0u32..3),
            0..40,
        ),
        (whole, wraps) in (any::<bool>(), any::<bool>()),
    ) {
        let base = if wraps { u32::MAX - 20 } else { 100 };
        let mut life = if whole { established() } else { TcpState::default() };
        for (low, seq, ack, flags, length) in segments {
            let dir = if low { C } else { S };
            let segment = seg(base.wrapping_add(seq), base.wrapping_add(ack), flags, length);
            let fast_segment = life.fast_segment(&segment);
            let mut short = life.clone();
            let (was_finished, change) = (life.finished(), life.update(dir, &segment, 7));
            if fast_segment {
                short.acknowledge(dir, &segment);
                prop_assert_eq!(change, Change::None);
                prop_assert_eq!((was_finished, life.finished()), (false, false));
                prop_assert_eq!(format!("{short:?}"), format!("{life:?}"));
            }
        }
    }
}
