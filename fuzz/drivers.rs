//! What each fuzz target does with its input. The tests run the same over the
//! corpora and over mutations of them.
//!
//! Besides not panicking, every room has to keep two promises: however a
//! stream is cut into chunks, the observation is the same; and a stream that is
//! cut off never says more than the whole.

#![allow(dead_code, reason = "every target uses one")]

use std::io::Cursor;
use std::path::Path;

use zerttap::check::{Check, Observation, Options, Place};
use zerttap::dump::{Framing, Item, Reader, Writer};
use zerttap::frame::Parser;
use zerttap::input::Input;
use zerttap::observe::certificate::{Certificate, Certificates};
use zerttap::observe::ee::{Ee, parse};
use zerttap::observe::ike::{Ike, TcpEncapsulation, demultiplex};
use zerttap::observe::ssh::Ssh;
use zerttap::observe::tls::Tls;
use zerttap::observe::upgrade::Upgrade;
use zerttap::observe::{Observer, Side};
use zerttap::record::Record;
use zerttap::sink::records::{annotated, object};

/// What a target does with its input.
pub type Target = fn(&[u8]);

/// A target's name and what it does.
pub const TARGETS: &[(&str, Target)] = &[
    ("tls", tls),
    ("ssh", ssh),
    ("upgrade", upgrade),
    ("observer", observer),
    ("ike", ike),
    ("ee", ee),
    ("certificate", certificate),
    ("frame", frame),
    ("dump", dump),
];

/// A file of records: it is read to its end, every record is printed, copied and
/// checked, and the copy gives the same records.
pub fn dump(data: &[u8]) {
    let read = |data: &[u8]| -> Option<Vec<Vec<u8>>> {
        let input = Input::new(Path::new("fuzz"), Box::new(Cursor::new(data.to_vec())));
        let mut reader = Reader::new(input).ok()?;
        let mut records = Vec::new();
        while let Ok(Some(item)) = reader.next_item() {
            if let Item::Record { bytes, .. } = item {
                records.push(bytes.to_vec());
            }
        }
        Some(records)
    };
    let Some(records) = read(data) else { return };
    let mut check = Check::new(Options::default(), 0).expect("temporary files");
    let mut out = Vec::new();
    for bytes in &records {
        let record = Record::parse(bytes).expect("what is read is a record");
        out.clear();
        object(&mut out, &record, 0);
        annotated(&mut out, &record, 1, 0).expect("memory takes everything");
        let place = Place { file: 0, offset: 0 };
        check.stack(bytes, place).expect("taken");
        check.tap(bytes, place).expect("taken");
    }
    check.run(&mut |_| Ok::<(), std::io::Error>(())).expect("checked");
    for framing in [Framing::Rdw, Framing::Vbs] {
        let mut writer = Writer::new(Vec::new(), framing, 512).expect("a block size");
        for record in &records {
            writer.record(record).expect("written");
        }
        let copy = writer.finish().expect("written");
        // What a file is shows only in records that are what they should be; of one
        // whose triplets lead out of it a segment seems to be missing.
        let plain = |r: &Vec<u8>| {
            let record = Record::parse(r).expect("what is read is a record");
            let mut ends = record.triplets().into_iter().map(|t| t.offset + t.length * t.number);
            Observation::of(&record).is_some() && ends.all(|end| end <= r.len())
        };
        let telling = !records.is_empty() && records.iter().all(plain);
        assert!(!telling || read(&copy).is_some_and(|again| again == records), "{framing}");
    }
}

/// One turn of a dialogue: a byte that says whose it is, two of length, bytes.
struct Chunk<'a> {
    /// All bits of the first byte; the lowest is the side.
    flags: u8,
    side: Side,
    bytes: &'a [u8],
}

fn chunks(data: &[u8]) -> Vec<Chunk<'_>> {
    let mut rest = data;
    let mut found = Vec::new();
    while let [flags, high, low, after @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(after.len());
        let (bytes, after) = after.split_at(length);
        let side = if flags & 1 == 0 { Side::Low } else { Side::High };
        found.push(Chunk { flags: *flags, side, bytes });
        rest = after;
    }
    found
}

/// Shows chunks to something, each whole or in pieces of `piece` bytes.
fn show<'a>(
    chunks: impl IntoIterator<Item = &'a Chunk<'a>>,
    piece: usize,
    mut to: impl FnMut(Side, &[u8]),
) {
    for chunk in chunks {
        for bytes in chunk.bytes.chunks(piece) {
            to(chunk.side, bytes);
        }
    }
}

/// TLS and SSL.
pub fn tls(data: &[u8]) {
    let all = chunks(data);
    let run = |chunks: &[Chunk<'_>], piece: usize| {
        let mut certificates = Certificates::default();
        let mut tls = Tls::default();
        show(chunks, piece, |side, bytes| {
            tls.data(side, bytes, &mut certificates);
        });
        tls.into_facts()
    };
    let whole = run(&all, usize::MAX);
    for piece in [1, 2, 7] {
        assert_eq!(run(&all, piece), whole, "pieces of {piece}");
    }
    let part = run(&all[..all.len() / 2], usize::MAX);
    assert!(!part.completed || whole.completed);
    assert!(part.suite.is_none() || part.version == whole.version);
}

/// SSH.
pub fn ssh(data: &[u8]) {
    let all = chunks(data);
    let run = |chunks: &[Chunk<'_>], piece: usize| {
        let mut certificates = Certificates::default();
        let mut ssh = Ssh::new(Side::Low);
        show(chunks, piece, |side, bytes| {
            ssh.data(side, bytes, &mut certificates);
        });
        ssh.into_facts()
    };
    let whole = run(&all, usize::MAX);
    for piece in [1, 2, 7] {
        assert_eq!(run(&all, piece), whole, "pieces of {piece}");
    }
    let part = run(&all[..all.len() / 2], usize::MAX);
    assert!(!part.completed || whole.completed);
}

/// Dialogues that upgrade.
pub fn upgrade(data: &[u8]) {
    let all = chunks(data);
    let run = |piece: usize| {
        let mut upgrade = Upgrade::new(Side::Low);
        let mut read = [0; 2];
        let mut granted = None;
        show(&all, piece, |side, bytes| {
            if let Some(at) = upgrade.data(side, bytes) {
                assert!(at <= bytes.len() && granted.is_none());
                granted = Some((side, read[side.index()] + at));
            }
            read[side.index()] += bytes.len();
            upgrade.announcements();
        });
        (upgrade.kind(), granted)
    };
    let whole = run(usize::MAX);
    for piece in [1, 3] {
        assert_eq!(run(piece), whole, "pieces of {piece}");
    }
}

/// Everything that looks at a TCP connection, with holes.
pub fn observer(data: &[u8]) {
    let mut certificates = Certificates::default();
    let from_start = data.first().is_none_or(|b| b & 8 == 0);
    let mut observer = match from_start {
        true => Observer::from_start(Side::Low),
        false => Observer::midstream(Side::Low),
    };
    let mut at = [0i64; 2];
    for chunk in chunks(data) {
        let position = &mut at[chunk.side.index()];
        if chunk.flags & 4 != 0 {
            observer.hole(chunk.side, 100);
            *position += 100;
        }
        observer.data(chunk.side, *position, chunk.bytes, &mut certificates);
        *position += i64::try_from(chunk.bytes.len()).unwrap_or(0);
        if let Some(upgrade) = observer.upgrade() {
            upgrade.announcements();
        }
    }
    observer.conclude_one_sided(Side::High);
    let finished = observer.finish();
    let Some(mut closing) = finished.closing else { return };
    for chunk in chunks(data) {
        let position = &mut at[chunk.side.index()];
        let end = *position + i64::try_from(chunk.bytes.len()).unwrap_or(0);
        closing.segment(chunk.side, *position, chunk.bytes, end);
        *position = end;
    }
}

/// IKE, as datagrams and in TCP.
pub fn ike(data: &[u8]) {
    let all = chunks(data);
    let mut observed: Option<Ike> = None;
    for chunk in &all {
        demultiplex(chunk.flags & 2 != 0, chunk.bytes);
        if observed.is_none() {
            observed = Ike::new(chunk.bytes);
        }
        if let Some(ike) = &mut observed {
            ike.message(chunk.side, chunk.bytes, chunk.flags & 2 != 0);
        }
    }
    let run = |piece: usize| {
        let mut tcp = TcpEncapsulation::new(Side::Low);
        show(&all, piece, |side, bytes| tcp.data(side, bytes));
        let facts: Vec<_> = tcp.ikes().iter().map(|i| i.facts().clone()).collect();
        (facts, tcp.esp(Side::Low).clone(), tcp.esp(Side::High).clone(), tcp.incomplete())
    };
    let whole = run(usize::MAX);
    for piece in [1, 5] {
        assert_eq!(run(piece), whole, "pieces of {piece}");
    }
}

/// Enterprise Extender.
pub fn ee(data: &[u8]) {
    let mut ee = Ee::new(0);
    let mut clock = 0;
    for chunk in chunks(data) {
        let port = usize::from(chunk.flags >> 1) % 6;
        clock += i64::from(chunk.flags >> 4) * 1_000_000_000;
        // The capture may hold less than the wire had.
        let wire = chunk.bytes.len() + usize::from(chunk.flags & 0x80 != 0);
        let frame = parse(chunk.bytes, wire, port);
        ee.datagram(chunk.side, port, wire as u64, frame.as_ref(), clock);
        if let Some(frame) = &frame {
            ee.may_restart(frame, clock);
        }
    }
}

/// X.509.
pub fn certificate(data: &[u8]) {
    let first = Certificate::from_der(data);
    assert_eq!(first, Certificate::from_der(data));
    Certificates::default().get(data);
}

/// Frames of every link type: the first two bytes.
pub fn frame(data: &[u8]) {
    let mut parser = Parser::default();
    for (clock, chunk) in (0..).zip(chunks(data)) {
        let [high, low, frame @ ..] = chunk.bytes else { continue };
        let link = u16::from_be_bytes([*high, *low]);
        let mut arena = frame.to_vec();
        let wire = frame.len() + usize::from(chunk.flags & 2) * 20;
        let found = parser.parse(&mut arena, link, 0, frame.len(), wire, clock);
        if let zerttap::frame::Frame::Tcp(s) = found {
            assert!((s.payload + s.captured) as usize <= arena.len());
        }
        if let zerttap::frame::Frame::Udp(d) = found {
            assert!((d.payload + d.captured) as usize <= arena.len());
            parser.parse_esp(&mut arena, &d, clock);
        }
    }
}
