//! Captures of a TCP connection that are written segment by segment, and what is told of them.

#![allow(dead_code, reason = "every test uses a part")]

use std::fs;

use serde_json::{Value, json};

use super::common::{self, Run, records_of};
use super::packets::{self, End, Packet};

pub const FIN: u8 = 1;
pub const SYN: u8 = 2;
pub const RST: u8 = 4;
pub const ACK: u8 = 16;
pub const MILLI: i64 = 1_000_000;
pub const BEGIN: i64 = 1_700_000_000_000 * MILLI;
pub const CLIENT: End = ([198, 51, 100, 7], 40000);
pub const SERVER: End = ([192, 0, 2, 10], 992);
/// Who says something.
pub const C: usize = 0;
pub const S: usize = 1;
pub const ENDS: [[End; 2]; 2] = [[CLIENT, SERVER], [SERVER, CLIENT]];

/// A capture that is written packet by packet.
#[derive(Clone)]
pub struct Capture {
    pub now: i64,
    /// What each side sends next.
    pub next: [u32; 2],
    pub out: Vec<Packet>,
    pub window: u16,
    /// The option of a SYN that says so, where a side scales its windows.
    pub scales: [Option<u8>; 2],
}

impl Capture {
    pub fn new(next: [u32; 2]) -> Self {
        Self { now: BEGIN, next, out: Vec::new(), window: 10_000, scales: [None; 2] }
    }

    /// A connection that is established, and on which both sides have spoken.
    pub fn open() -> Self {
        Self::opened(Self::new([1000, 5000]))
    }

    pub fn opened(mut self) -> Self {
        self.syns();
        self.talk()
    }

    pub fn syns(&mut self) {
        let [c, s] = self.next;
        self.send(C, SYN, c, 0, 0);
        self.send(S, SYN | ACK, s, c.wrapping_add(1), 0);
        self.next = [c.wrapping_add(1), s.wrapping_add(1)];
        self.ack(C);
    }

    /// Both sides say something and acknowledge it: 100 bytes of the client, 50 of the server.
    pub fn talk(mut self) -> Self {
        self.data(C, 100);
        self.ack(S);
        self.data(S, 50);
        self.ack(C);
        self
    }

    pub fn close(mut self) -> Self {
        for side in [C, S] {
            self.send(side, FIN | ACK, self.next[side], self.next[1 - side], 0);
            self.next[side] = self.next[side].wrapping_add(1);
        }
        self.ack(C);
        self
    }

    pub fn send(&mut self, side: usize, flags: u8, seq: u32, ack: u32, length: usize) {
        self.now += MILLI;
        let mut packet = packets::tcp(self.now, ENDS[side], flags, seq, ack, &vec![b'x'; length]);
        packet.data[48..50].copy_from_slice(&self.window.to_be_bytes());
        if let (Some(bits), true) = (self.scales[side], flags & SYN != 0) {
            let total = u16::from_be_bytes([packet.data[16], packet.data[17]]) + 4;
            packet.data[16..18].copy_from_slice(&total.to_be_bytes());
            packet.data[46] = 0x60;
            packet.data.splice(54..54, [1, 3, 3, bits]);
            packet.wire += 4;
        }
        self.out.push(packet);
    }

    pub fn data(&mut self, side: usize, length: u32) {
        self.send(side, ACK, self.next[side], self.next[1 - side], length as usize);
        self.next[side] = self.next[side].wrapping_add(length);
    }

    /// A bare acknowledgment, as a challenge is one.
    pub fn ack(&mut self, side: usize) {
        self.send(side, ACK, self.next[side], self.next[1 - side], 0);
    }

    /// A reset of a side, so much beyond what it sends next.
    pub fn reset(&mut self, side: usize, beyond: u32) {
        self.send(side, RST, self.next[side].wrapping_add(beyond), 0, 0);
    }

    pub fn wait(mut self, seconds: i64) -> Self {
        self.now += seconds * 1000 * MILLI;
        self
    }

    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    pub fn run(&self) -> Run {
        read(&self.out, &[])
    }
}

pub fn read(packets: &[Packet], options: &[&str]) -> Run {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("a.pcap");
    fs::write(&file, packets::to_pcap(packets)).expect("written");
    common::read_all(&[&["--detail", "-q"], options].concat(), &[&file])
}

/// Of each record of a connection's event its type, and the bytes that the server's stack has
/// received and sent (offsets of the common section).
pub fn events(run: &Run) -> Vec<(u8, u64, u64)> {
    let records = records_of(&run.records);
    let of = records.iter().filter(|r| r[23] == 11).map(|r| {
        let s1 = u32::from_be_bytes([r[36], r[37], r[38], r[39]]) as usize;
        let number = |at: usize| {
            u64::from_be_bytes(r[s1 + at..s1 + at + 8].try_into().expect("eight bytes"))
        };
        (r[s1], number(IN_BYTES), number(IN_BYTES + 8))
    });
    of.filter(|(kind, ..)| (1..=4).contains(kind)).collect()
}

/// Where the common section has the bytes that were received.
pub const IN_BYTES: usize = 88;

/// What is said of a connection: how it ended, when in milliseconds, the bytes of both sides
/// and the resets and SYNs that were not accepted.
pub fn told(connection: &Value) -> Value {
    let milliseconds = connection["end"].as_str().map(|end| {
        let at: jiff::Timestamp = end.parse().expect("a time");
        at.as_millisecond() - BEGIN / MILLI
    });
    let bytes = &connection["bytes"];
    json!([
        connection["close"],
        milliseconds,
        bytes["from_client"],
        bytes["from_server"],
        connection["unaccepted_segments"].as_u64().unwrap_or(0)
    ])
}

#[track_caller]
pub fn assert_told(capture: &Capture, expected: &[Value]) -> Run {
    let run = capture.run();
    let connections: Vec<Value> = run.connections.iter().map(told).collect();
    assert_eq!(connections, expected);
    assert!(common::adds_up(&run.ledger), "{}", run.ledger);
    let ignored: u64 =
        run.connections.iter().filter_map(|c| c["unaccepted_segments"].as_u64()).sum();
    assert_eq!(run.ledger["streams"]["unaccepted_segments"], ignored);
    run
}

/// One connection that goes on for 20 seconds and is closed.
#[track_caller]
pub fn assert_goes_on(capture: Capture, unaccepted: u64) {
    let capture = capture.wait(20).talk().close();
    let run = capture.run();
    let closed = capture.now / MILLI - BEGIN / MILLI;
    assert_told(&capture, &[json!(["fin", closed, 200, 100, unaccepted])]);
    let events = events(&run);
    assert_eq!(events.iter().map(|e| e.0).collect::<Vec<_>>(), [1, 3]);
    assert_eq!(events[1], (3, 200, 100));
}

/// Another connection on the same ports.
pub fn again(mut capture: Capture, next: [u32; 2]) -> Capture {
    capture.next = next;
    capture.opened().close()
}
