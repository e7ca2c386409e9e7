//! Which evidence makes a segment a copy.

use super::*;
use crate::frame::Identity;

const MS: i64 = 1_000_000;
const ACK: u8 = flag::ACK;
const SYN: u8 = flag::SYN;

/// One direction of a connection with what its peer has shown.
#[derive(Default)]
struct Direction {
    latest: LatestSegments,
    sender: Sender,
    peer: Sender,
}

impl Direction {
    /// Whether a segment that may be a copy is one.
    fn is_copy(&mut self, segment: Segment, ts: i64) -> bool {
        let number = self.latest.next();
        self.latest.note(7, Dir::FromLow, &segment, ts);
        let copy = self.latest.is_copy(number, &mut self.sender, &self.peer);
        if !copy {
            self.sender.sent(&segment);
        }
        copy
    }

    /// The same of all segments that come at times.
    fn copies<const N: usize>(&mut self, segments: [(Segment, i64); N]) -> [bool; N] {
        segments.map(|(segment, ts)| self.is_copy(segment, ts))
    }
}

fn segment(id: u16, flags: u8, seq: u32, length: u32) -> Segment {
    let identity = Identity { id, hop_limit: 64, header: 200 };
    let (options, window) = (0, 100);
    Segment { seq, ack: 50, flags, options, window, payload: 0, captured: length, length, identity }
}

fn elsewhere(mut segment: Segment) -> Segment {
    segment.identity.hop_limit -= 1;
    segment
}

fn stamped(mut segment: Segment, value: u32) -> Segment {
    segment.identity.header = value << 8 | STAMPED;
    segment
}

#[test]
fn the_identification_tells() {
    let [data, again] = [11, 12].map(|id| segment(id, ACK, 100, 9));
    let mut d = Direction::default();
    let syn = segment(10, SYN, 99, 0);
    assert_eq!(d.copies([(syn, 0), (syn, 500 * MS), (data, 900 * MS)]), [false, true, false]);
    assert!(!d.is_copy(syn, 1_001 * MS), "sent again by its timer");
    let mut d = Direction::default();
    let found = d.copies([(syn, 0), (data, 1), (elsewhere(data), 60 * MS), (again, 61 * MS)]);
    assert_eq!(found, [false, false, true, false]);
    // Some senders keep it: then a timer tells.
    assert!(!d.is_copy(again, 250 * MS) && d.is_copy(again, 251 * MS));
}

#[test]
fn clocks_of_two_captures_may_differ() {
    let mut d = Direction::default();
    let syn = segment(10, SYN, 99, 0);
    let data = segment(11, ACK, 100, 9);
    let found = d.copies([(syn, 0), (syn, 400 * MS), (data, 500 * MS), (data, 900 * MS)]);
    assert_eq!(found, [false, true, false, true]);
    assert!(!d.is_copy(data, 2_500 * MS), "never after a second");
    // Copies may have the earlier time.
    let next = segment(12, ACK, 109, 9);
    assert_eq!(d.copies([(next, 3_000 * MS), (next, 2_700 * MS)]), [false, true]);
}

#[test]
fn an_identification_that_all_have_is_none() {
    let mut d = Direction::default();
    let data = segment(1, ACK, 100, 9);
    let syn = segment(1, SYN, 99, 0);
    assert_eq!(d.copies([(syn, 0), (syn, 1), (data, 2)]), [false, true, false]);
    assert!(d.is_copy(data, MS) && !d.is_copy(data, 40 * MS));
}

#[test]
fn without_identification_time_tells() {
    let mut d = Direction::default();
    let data = segment(0, ACK, 100, 9);
    let found = d.copies([(data, 1), (data, MS), (data, MS + 5 * MS), (data, 30 * MS)]);
    assert_eq!(found, [false, true, true, false]);
    // Another window is another packet.
    let mut other = data;
    other.identity.header = 202;
    assert!(!d.is_copy(other, 31 * MS) && d.is_copy(data, 32 * MS));
    // Where what came before was not there twice it has to be sooner.
    let mut d = Direction::default();
    let syn = segment(0, SYN, 99, 0);
    let found = d.copies([(syn, 1), (data, MS), (data, 2 * MS), (data, 2 * MS + 100_000)]);
    assert_eq!(found, [false, false, false, true]);
    // So of an answer to a SYN that was not.
    let mut d = Direction::default();
    d.peer.told = 1;
    assert_eq!(d.copies([(syn, 1), (syn, 15 * MS)]), [false, false]);
    let mut d = Direction::default();
    (d.peer.told, d.peer.copied) = (1, 1);
    assert_eq!(d.copies([(syn, 1), (syn, 15 * MS), (syn, 216 * MS)]), [false, true, false]);
    // A file without times.
    assert_eq!(Direction::default().copies([(data, 0), (data, 0)]), [false, false]);
}

#[test]
fn a_time_stamp_goes_on() {
    let mut d = Direction::default();
    let data = segment(0, ACK, 100, 9);
    let found = d.copies([(stamped(data, 1), 1), (stamped(data, 1), 90 * MS)]);
    assert_eq!(found, [false, true]);
    assert!(!d.is_copy(stamped(data, 2), 91 * MS) && d.is_copy(stamped(data, 2), 92 * MS));
    assert!(!d.is_copy(stamped(data, 2), 292 * MS));
}

#[test]
fn what_was_asked_for_is_sent_again() {
    for (id, apart, seq, expected) in [
        (0, MS, 100, false),
        (0, MS, 109, false),
        (12, 20 * MS, 100, false),
        // It has arrived: nobody asks for it.
        (0, MS, 91, true),
        // So soon only a mirror is.
        (12, MS, 100, true),
    ] {
        let mut d = Direction::default();
        let syn = segment(id.min(1) * 11, SYN, 1, 0);
        assert_eq!(d.copies([(syn, -2), (syn, -1)]), [false, true]);
        let data = segment(id, ACK, seq, 9);
        assert!(!d.is_copy(data, 0));
        d.peer.repeated = Some((MS / 2, 100));
        assert_eq!(d.is_copy(data, apart), expected, "{id} {apart} {seq}");
        // At another place on the way it is a copy all the same.
        let copy = elsewhere(data);
        assert!(expected || d.is_copy(copy, apart + 1), "{id} {apart} {seq}");
    }
}

#[test]
fn bare_acknowledgments_repeat_as_they_are() {
    let ack = segment(0, ACK, 100, 0);
    let mut d = Direction::default();
    // Three that ask for a retransmission.
    assert_eq!(d.copies([(ack, 1), (ack, 2), (ack, 3)]), [false; 3]);
    assert_eq!(d.sender.repeated, Some((3, 50)));
    // The same in a capture that has the sender's packets twice.
    let mut d = Direction::default();
    let syn = segment(0, SYN, 99, 0);
    let found = d.copies([(syn, 0), (syn, 1), (ack, 2), (ack, 3), (ack, 4), (ack, 5)]);
    assert_eq!(found, [false, true, false, true, false, true]);
    // Of a receiver whose SYN was not captured its peer's packets tell.
    let mut d = Direction::default();
    (d.peer.copies, d.peer.copied, d.peer.told) = (2, 2, 1);
    let found = d.copies([(ack, 0), (ack, 1), (ack, 2), (ack, 3)]);
    assert_eq!(found, [false, true, true, false]);
    // Where nothing else is seen at all a time stamp tells.
    let mut d = Direction::default();
    let found = [(1, 1), (1, 2), (2, 3)].map(|(value, ts)| d.is_copy(stamped(ack, value), ts));
    assert_eq!(found, [false, true, false]);
    // So does an identification, even of the first segment that is seen.
    let mut d = Direction::default();
    let first = segment(7, ACK, 100, 0);
    assert_eq!(d.copies([(first, 0), (first, 1)]), [false, true]);
    let mut d = Direction::default();
    let same = segment(7, ACK, 101, 0);
    assert_eq!(d.copies([(first, 0), (same, 1), (same, 2)]), [false, false, false]);
    // Identifications tell without copies of other segments.
    let mut d = Direction::default();
    let [one, other] = [7, 8].map(|id| segment(id, ACK, 100, 0));
    let found = d.copies([(one, 0), (other, 1), (one, 60 * MS), (other, 60 * MS)]);
    assert_eq!(found, [false, false, true, true]);
}

#[test]
fn resets_may_be_several() {
    let reset = segment(0, flag::RST, 100, 0);
    let mut d = Direction::default();
    assert_eq!(d.copies([(reset, 1), (reset, 2), (elsewhere(reset), 3)]), [false, false, true]);
    assert_eq!(d.sender.repeated, None);
}

#[test]
fn it_is_looked_back_as_far_from_every_place() {
    let data = segment(11, ACK, 100, 9);
    for before in 0..PLACES {
        for between in [0, 1, LOOK_BACK - 1, LOOK_BACK] {
            let mut d = Direction::default();
            d.sender.sent(&segment(10, SYN, 99, 0));
            let other = segment(12, ACK, 200, 9);
            (0..before).for_each(|_| d.latest.note(9, Dir::FromLow, &other, 0));
            d.latest.note(7, Dir::FromLow, &data, 0);
            // Others of the connection, of the other direction, and of another one.
            for n in 0..between {
                let (hash, dir) = [(7, Dir::FromHigh), (8, Dir::FromLow)][usize::from(n % 2 == 0)];
                d.latest.note(hash, dir, &data, 0);
            }
            let number = d.latest.next();
            d.latest.note(7, Dir::FromLow, &data, 0);
            (1..AHEAD).for_each(|_| d.latest.note(9, Dir::FromLow, &other, 0));
            let copy = d.latest.is_copy(number, &mut d.sender, &d.peer);
            assert_eq!(copy, between < LOOK_BACK, "{before} {between}");
        }
    }
}
