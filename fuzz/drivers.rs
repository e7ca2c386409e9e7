//! What each fuzz target does with its input. The tests run the same over the
//! corpora and over mutations of them.
//!
//! Besides not panicking, every module has to keep two promises: however a
//! stream is cut into chunks, the observation is the same; and a stream that is
//! cut off never says more than the whole.

#![allow(dead_code, reason = "every target uses one")]

use std::io::Cursor;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use zerttap::check::{Check, Observation, Options, RecordLocation};
use zerttap::config::Settings;
use zerttap::dump::{Framing, Item, Reader, Writer};
use zerttap::frame::{Captured, Frame, Parser};
use zerttap::input::Input;
use zerttap::observe::certificate::{Certificate, Certificates};
use zerttap::observe::ee::{Ee, parse};
use zerttap::observe::ike::{Ike, TcpEncapsulation, demultiplex};
use zerttap::observe::ssh::Ssh;
use zerttap::observe::tls::Tls;
use zerttap::observe::upgrade::Upgrade;
use zerttap::observe::{Observer, Side};
use zerttap::pipeline::ledger::PacketDisposition;
use zerttap::pipeline::{Output, RequestedOutputs, Tuning};
use zerttap::record::{Detail, Level, Record, Summary};
use zerttap::sink::records::{
    Csv, FieldNames, Json, LaterBytes, Leef, Lines, all_columns, annotated, named_columns, tree,
};
use zerttap::sink::report::Row;
use zerttap::source::{
    Batch, CaptureSet, Feed, FrameNumber, LinkType, PacketHead, SetOptions, SourceError, Totals,
};

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
    ("terse", terse),
    ("record", record),
    ("engine", engine),
    ("source", source),
    ("profile", profile),
    ("settings", settings),
];

/// The forms that have a line for each record: it is one, with as many parts as it should have.
fn in_lines(record: &Record<'_>) {
    /// Columns of a terminal.
    const WIDTH: usize = 80;
    let lines = |out: &[u8]| out.iter().filter(|b| **b == b'\n').count();
    let mut csv = Csv::new(&all_columns(&[], FieldNames::Zsecure), true);
    let mut out = Vec::new();
    csv.row(&mut out, record);
    assert_eq!(lines(&out), 1);
    out.clear();
    Leef::new(None).event(&mut out, record);
    let bars = out.iter().filter(|b| **b == b'|').count();
    assert!(out.is_empty() || (lines(&out), bars) == (1, 5), "{}", String::from_utf8_lossy(&out));
    let fields = ["SMF119SC_SAJobname", "SMF119SS_SASrvIP", "SMF119SS_DN", "SMF119HDSID"];
    let fields: Vec<String> = fields.map(str::to_owned).into();
    for fields in [None, named_columns(&fields, FieldNames::Ibm).ok()] {
        out.clear();
        Lines::new(fields, Some(WIDTH)).line(&mut out, record);
        let text = String::from_utf8(out.clone()).expect("text");
        // Colours take no room.
        let shown = text.replace("\u{1b}[31m", "").replace("\u{1b}[0m", "");
        assert_eq!(lines(&out), 1);
        assert!(shown.trim_end_matches('\n').chars().count() <= WIDTH, "{shown}");
    }
}

/// One record: what is decoded is encoded to the same, and everything that prints
/// takes it.
pub fn record(data: &[u8]) {
    let Ok(record) = Record::parse(data) else { return };
    let mut out = Vec::new();
    Json::default().object(&mut out, &record, 0);
    annotated(&mut out, &record, 1, 0).expect("memory takes everything");
    tree(&mut out, &record, 1, 0).expect("memory takes everything");
    LaterBytes::default().look(&record);
    in_lines(&record);
    if let Some(detail) = Detail::decode(data) {
        let mut first = Vec::new();
        detail.encode(&mut first);
        let again = Detail::decode(&first).expect("what was written is a record");
        let mut second = Vec::new();
        again.encode(&mut second);
        assert_eq!(first, second);
    }
    if let Some(summary) = Summary::decode(data) {
        let mut first = Vec::new();
        summary.encode(&mut first);
        let again = Summary::decode(&first).expect("what was written is a record");
        let mut second = Vec::new();
        again.encode(&mut second);
        assert_eq!(first, second);
    }
}

/// Packets of the fuzzer: each a chunk whose flags are the link type and the time since
/// the last one.
struct Packets<'a> {
    chunks: Vec<Chunk<'a>>,
    next: usize,
    clock: i64,
    ts: i64,
}

impl<'a> Packets<'a> {
    fn new(data: &'a [u8]) -> Self {
        let start = 1_700_000_000_000_000_000;
        Self { chunks: chunks(data), next: 0, clock: start, ts: start }
    }
}

impl Feed for Packets<'_> {
    fn fill(&mut self, batch: &mut Batch, packets: usize, _: usize) -> Result<bool, SourceError> {
        *batch = Batch::default();
        batch.first = self.next as u64;
        while let Some(chunk) = self.chunks.get(self.next)
            && batch.heads.len() < packets
        {
            self.next += 1;
            // The bits above the side: raw IP or Ethernet, and how the time goes on.
            let step = [0, 1_000, 1_000_000_000, 11_000_000_000, -500_000_000, 2_000_000_000_000]
                [usize::from(chunk.flags >> 2) % 6];
            self.ts += step;
            self.clock = self.clock.max(self.ts);
            let captured = u32::try_from(chunk.bytes.len()).unwrap_or(0);
            batch.heads.push(PacketHead {
                ts: self.ts,
                clock: self.clock,
                offset: u32::try_from(batch.arena.len()).unwrap_or(0),
                captured,
                wire: captured + u32::from(chunk.flags >> 7) * 100,
                link: LinkType(if chunk.flags & 2 == 0 { 1 } else { 101 }),
                wanted: true,
                frame: FrameNumber { file: 0, number: u32::try_from(self.next).unwrap_or(0) },
            });
            batch.arena.extend_from_slice(chunk.bytes);
        }
        Ok(!batch.heads.is_empty())
    }

    fn bytes_read(&self) -> u64 {
        0
    }

    fn totals(&self) -> Totals {
        Totals::default()
    }
}

/// What a run writes.
#[derive(Debug, Default, PartialEq)]
struct Written {
    records: Vec<Vec<u8>>,
    lines: Vec<Vec<u8>>,
    rows: usize,
}

impl Output for Written {
    type Error = std::convert::Infallible;

    fn record(&mut self, _: usize, bytes: &[u8]) -> Result<(), Self::Error> {
        self.records.push(bytes.to_vec());
        Ok(())
    }

    fn line(&mut self, line: &[u8]) -> Result<(), Self::Error> {
        self.lines.push(line.to_vec());
        Ok(())
    }

    fn row(&mut self, _: Row) {
        self.rows += 1;
    }
}

/// The whole engine on packets: every packet is in one counter, what is written does
/// not depend on how the work is cut up, and every record is one.
pub fn engine(data: &[u8]) {
    let run = |batch_packets: usize| {
        let mut written = Written::default();
        let tuning = Tuning { threads: 1, batch_packets, batch_bytes: 1 << 20 };
        let settings = Settings {
            // Small, so that bounds are met.
            max_connections: 64,
            include_midstream: data.first().is_some_and(|b| b & 1 != 0),
            level: if data.len().is_multiple_of(2) { Level::V2r3 } else { Level::V3r2 },
            ..Settings::default()
        };
        let wants = RequestedOutputs { detail: true, summary: true, json: true, rows: true };
        let (ledger, result) = zerttap::pipeline::run(
            &mut Packets::new(data),
            &settings,
            wants,
            tuning,
            &mut written,
            &AtomicBool::new(false),
            &mut |_| {},
        );
        result.expect("nothing stands in the way");
        assert!(ledger.adds_up(), "a packet is lost");
        let followed = PacketDisposition::FOLLOWED.iter();
        let followed: u64 = followed.map(|&one| ledger.counter(one).packets).sum();
        let not: u64 = ledger.not_followed().iter().map(|told| told.packets).sum();
        assert_eq!(followed + not, ledger.total.packets, "a packet has no reason");
        written
    };
    let whole = run(4096);
    assert!(run(1) == whole, "batches of one packet");
    assert!(run(3) == whole, "batches of three packets");
    for record in &whole.records {
        let record = Record::parse(record).expect("what is written is a record");
        assert!(Observation::of(&record).is_some(), "and one that check reads");
    }
    for line in &whole.lines {
        let text = std::str::from_utf8(line).expect("text");
        assert!(text.ends_with("}\n") && text.starts_with("{\"schema\":"));
    }
}

/// A capture file of any format: read to its end, with times in order by the packet
/// clock.
pub fn source(data: &[u8]) {
    let path = temporary(data, "capture");
    let Ok(mut set) = CaptureSet::open(&[path.path().to_owned()], SetOptions::default()) else {
        return;
    };
    let mut batch = Batch::default();
    let mut clock = i64::MIN;
    while let Ok(true) = set.fill(&mut batch, 100, 1 << 20) {
        for head in &batch.heads {
            assert!(head.clock >= clock && head.clock >= head.ts);
            clock = head.clock;
            assert_eq!(batch.bytes(head).len(), head.captured as usize);
        }
    }
}

/// A TCP/IP profile, and the same bytes as FTP.DATA.
pub fn profile(data: &[u8]) {
    let path = temporary(data, "profile");
    let options = zerttap::profile::Options::default();
    if let Ok(profile) = zerttap::profile::read(path.path(), &options) {
        profile.home();
        profile.jobs();
        profile.recorded();
    }
    let _ =
        zerttap::profile::passive_data_ports(path.path(), &zerttap::profile::Symbols::default());
}

/// A settings file, a policy and a file of codes.
pub fn settings(data: &[u8]) {
    let path = temporary(data, "settings.toml");
    let _ = zerttap::cli::settings_of(path.path());
    let _ = zerttap::policy::Policy::load(&path.path().to_string_lossy());
    let _ = zerttap::config::codes::read(path.path());
}

/// A file with these bytes.
fn temporary(data: &[u8], suffix: &str) -> tempfile::NamedTempFile {
    let mut file =
        tempfile::Builder::new().suffix(&format!(".{suffix}")).tempfile().expect("a file");
    std::io::Write::write_all(&mut file, data).expect("written");
    file
}

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
        Json::default().object(&mut out, &record, 0);
        annotated(&mut out, &record, 1, 0).expect("memory takes everything");
        let place = RecordLocation { file: 0, offset: 0 };
        check.stack(bytes, place).expect("taken");
        check.tap(bytes, place).expect("taken");
    }
    check.run::<std::io::Error>(None).expect("checked");
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
            let mut ends = record.triplets().map(|t| t.offset + t.length * t.number);
            Observation::of(&record).is_some() && ends.all(|end| end <= r.len())
        };
        let telling = !records.is_empty() && records.iter().all(plain);
        assert!(!telling || read(&copy).is_some_and(|again| again == records), "{framing}");
    }
}

/// A packed file: what comes out is bounded by what goes in, and does not depend on how it is
/// read.
pub fn terse(data: &[u8]) {
    let unpack = |piece: usize| {
        let input = Input::new(Path::new("fuzz"), Box::new(Cursor::new(data.to_vec())));
        let mut out = Vec::new();
        let Ok(mut input) = input.look_through() else { return out };
        let mut block = vec![0; piece];
        while let Ok(read @ 1..) = std::io::Read::read(&mut input, &mut block) {
            out.extend_from_slice(&block[..read]);
        }
        out
    };
    let whole = unpack(1 << 16);
    assert_eq!(unpack(1000), whole);
    // Each byte is two thirds of a code at most, or part of another layer.
    assert!(whole.len() <= (64 << 20) + 65_536 * data.len());
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
        let (mut granted, mut early) = (None, false);
        show(&all, piece, |side, bytes| {
            if let Some(at) = upgrade.data(side, bytes) {
                assert!(at <= bytes.len() && granted.is_none());
                match upgrade.granted() {
                    Some(_) => granted = Some((side, *side.of(&read) + at)),
                    None => early = true,
                }
            }
            *side.of_mut(&mut read) += bytes.len();
            upgrade.announcements();
        });
        (early, upgrade.kind(), granted)
    };
    let whole = run(usize::MAX);
    for piece in [1, 3] {
        let run = run(piece);
        // Where a client does not wait for the answer its bytes are not shown any more
        // by the observer; here they are.
        assert!(run.0 || whole.0 || run == whole, "pieces of {piece}: {run:?}, {whole:?}");
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
        let position = chunk.side.of_mut(&mut at);
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
    let mut watches = finished.watches;
    for chunk in chunks(data) {
        let position = chunk.side.of_mut(&mut at);
        let end = *position + i64::try_from(chunk.bytes.len()).unwrap_or(0);
        if let Some(watch) = chunk.side.of_mut(&mut watches) {
            watch.segment(*position, chunk.bytes, end, *position);
        }
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

/// What a frame says has to lie in the arena.
fn check_frame(parser: &mut Parser, arena: &mut Vec<u8>, found: Frame, clock: i64) {
    if let Frame::Tcp(_, s) = found {
        assert!((s.payload + s.captured) as usize <= arena.len());
    }
    if let Frame::Udp(d) = found {
        assert!((d.payload + d.captured) as usize <= arena.len());
        parser.resembles(arena, &d);
        parser.parse_esp(arena, &d, clock);
    }
}

/// Frames of every link type: the first two bytes.
pub fn frame(data: &[u8]) {
    let mut parser = Parser::default();
    for (clock, chunk) in (0..).zip(chunks(data)) {
        let [high, low, frame @ ..] = chunk.bytes else { continue };
        let link = u16::from_be_bytes([*high, *low]);
        let mut arena = frame.to_vec();
        let captured = u32::try_from(frame.len()).unwrap_or(u32::MAX);
        let wire = captured.saturating_add(u32::from(chunk.flags & 2) * 20);
        let place = Captured { link, start: 0, captured, wire };
        let usual = parser.fast_path(&arena, place);
        let found = parser.parse(&mut arena, place, clock);
        assert!(usual.is_none_or(|(ends, segment)| Frame::Tcp(ends, segment) == found));
        check_frame(&mut parser, &mut arena, found, clock);
        let mut further = 0;
        while let Some((found, _)) = parser.parse_further(&mut arena, clock) {
            check_frame(&mut parser, &mut arena, found, clock);
            further += 1;
        }
        assert!(further <= wire / 15);
    }
}
