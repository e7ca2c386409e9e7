//! What each module of the engine takes, one core, on the packets of the cases.
//! `cargo bench --bench engine`.

use std::convert::Infallible;
use std::fs;
use std::hint::black_box;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use zerttap::config::Settings;
use zerttap::flow::{Endpoint, Key, Table, TcpState};
use zerttap::frame::{Captured, EndPoints, Frame, Identity, Parser, Segment, flag};
use zerttap::observe::certificate::Certificates;
use zerttap::observe::ike::Ike;
use zerttap::observe::{Observer, Side};
use zerttap::pipeline::{self, Output, RequestedOutputs, Tuning};
use zerttap::sink::report::Row;
use zerttap::source::{Batch, CaptureSet, PacketHead, SetOptions};
use zerttap::stream::{Ranges, Reassembler};

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("captures")
}

/// All packets of a case, or of all.
fn packets(case: &str) -> Batch {
    let mut set =
        CaptureSet::open(&[cases().join(case)], SetOptions::default()).expect("a capture");
    let mut batch = Batch::default();
    set.fill(&mut batch, 1_000_000, 1 << 30).expect("read");
    batch
}

/// Where a packet's frame lies.
fn place(head: &PacketHead) -> Captured {
    let (link, start) = (head.link.0, head.offset);
    Captured { link, start, captured: head.captured, wire: head.wire }
}

/// TCP segments of a case in their order.
fn segments(case: &str) -> Vec<(EndPoints, Segment, Vec<u8>)> {
    let mut batch = packets(case);
    let mut parser = Parser::default();
    let mut found = Vec::new();
    for head in batch.heads.clone() {
        let frame = parser.parse(&mut batch.arena, place(&head), head.clock);
        if let Frame::Tcp(ends, segment) = frame {
            let at = segment.payload as usize;
            let bytes = batch.arena[at..at + segment.captured as usize].to_vec();
            found.push((ends, segment, bytes));
        }
    }
    found
}

fn source(c: &mut Criterion) {
    let one = fs::read(cases().join("tls12-full/capture.pcap")).expect("a capture");
    let directory = tempfile::tempdir().expect("a directory");
    let times = (32 << 20) / one.len();
    let plain = [&one[..24], &one[24..].repeat(times)].concat();
    let file = directory.path().join("capture.pcap");
    fs::write(&file, &plain).expect("written");
    let compressed = directory.path().join("capture.pcap.zst");
    fs::write(&compressed, zstd::encode_all(&plain[..], 1).expect("compressed")).expect("written");
    let mut group = c.benchmark_group("source");
    group.sample_size(20).throughput(Throughput::Bytes(plain.len() as u64));
    for (name, file) in [("pcap", file), ("pcap in zstd", compressed)] {
        let mut batch = Batch::default();
        group.bench_function(name, |b| {
            b.iter(|| {
                let paths = [file.clone()];
                let mut set = CaptureSet::open(&paths, SetOptions::default()).expect("a capture");
                while set.fill(&mut batch, 4096, 1 << 20).expect("read") {
                    black_box(&batch);
                }
            });
        });
    }
    group.finish();
}

fn frame(c: &mut Criterion) {
    let mut group = c.benchmark_group("frame");
    for case in ["tls12-full", "ah-transport", "esp-null", "ikev2-nat", ""] {
        let mut batch = packets(case);
        group.throughput(Throughput::Elements(batch.heads.len() as u64));
        let name = if case.is_empty() { "all cases" } else { case };
        group.bench_function(name, |b| {
            let mut parser = Parser::default();
            let length = batch.arena.len();
            b.iter(|| {
                for head in &batch.heads {
                    let usual = parser.fast_path(&batch.arena, place(head));
                    if black_box(usual).is_none() {
                        black_box(parser.parse(&mut batch.arena, place(head), head.clock));
                    }
                }
                batch.arena.truncate(length);
            });
        });
    }
    group.finish();
}

/// A record of as many bytes as those of connections.
struct Record([u64; 58]);

fn flow(c: &mut Criterion) {
    let mut group = c.benchmark_group("flow");
    let server = Endpoint { ip: IpAddr::from([192, 0, 2, 10]), port: 443 };
    for count in [1_000u32, 20_000, 1_000_000] {
        let key = |n: u32| {
            let ip = IpAddr::from((0x0A00_0000 + n).to_be_bytes());
            Key::new(Endpoint { ip, port: 40_000 }, server)
        };
        let mut table = Table::default();
        for n in 0..count {
            table.insert(key(n), Record([0; 58]));
        }
        // An order that no prefetcher guesses.
        let keys: Vec<Key> =
            (0..65_536u32).map(|n| key(n.wrapping_mul(2_654_435_761) % count)).collect();
        group.throughput(Throughput::Elements(keys.len() as u64));
        group.bench_function(BenchmarkId::new("one by one", count), |b| {
            b.iter(|| {
                for key in &keys {
                    let slot = table.find(key).expect("there");
                    table.get_mut(slot).expect("there").1.0[9] += 1;
                }
            });
        });
        group.bench_function(BenchmarkId::new("looked up ahead", count), |b| {
            let mut slots = Vec::new();
            b.iter(|| {
                for keys in keys.chunks(64) {
                    let hashes: Vec<u64> = keys.iter().map(|key| table.hash(key)).collect();
                    hashes.iter().for_each(|&hash| table.prefetch(hash));
                    slots.clear();
                    for &hash in &hashes {
                        let slot = table.probable(hash).expect("there");
                        table.prefetch_slot(slot, [0, 1, 2]);
                        slots.push(slot);
                    }
                    for (key, &slot) in keys.iter().zip(&slots) {
                        let there = table.is(slot, key);
                        let slot = if there { Some(slot) } else { table.find(key) };
                        let slot = slot.expect("there");
                        table.get_mut(slot).expect("there").1.0[9] += 1;
                    }
                }
            });
        });
    }
    let segment = Segment {
        seq: 1,
        ack: 1,
        flags: flag::ACK,
        options: 0,
        window: 512,
        payload: 0,
        captured: 0,
        length: 0,
        identity: Identity::default(),
    };
    let all = segments("tls12-full");
    let low = Key::of(&all[0].0).1;
    group.throughput(Throughput::Elements(1));
    group.bench_function("life of an established connection", |b| {
        let mut life = TcpState::default();
        for (ends, segment, _) in all.iter().take(6) {
            life.update(Key::of(ends).1, segment, 0);
        }
        b.iter(|| black_box(life.update(low, black_box(&segment), 0)));
    });
    group.finish();
}

fn stream(c: &mut Criterion) {
    let mut group = c.benchmark_group("stream");
    let bytes = vec![7; 1400];
    group.throughput(Throughput::Elements(1000));
    group.bench_function("ranges, in order", |b| {
        b.iter(|| {
            let mut ranges = Ranges::default();
            for n in 0..1000 {
                ranges.add(n * 1400, (n + 1) * 1400);
            }
            ranges
        });
    });
    for (name, stride) in [("in order", 1), ("eight at a time turned around", 8)] {
        group.bench_function(BenchmarkId::new("reassembler", name), |b| {
            b.iter(|| {
                let mut reassembler = Reassembler::at(0);
                let mut length = 0;
                for n in 0..1000i64 {
                    let n = n / stride * stride + (stride - 1 - n % stride);
                    reassembler.push(n * 1400, &bytes, 1400, n, None, &mut |piece| {
                        black_box(piece);
                        length += 1;
                    });
                }
                length
            });
        });
    }
    group.finish();
}

fn observe(c: &mut Criterion) {
    let mut group = c.benchmark_group("observe");
    group.throughput(Throughput::Elements(1));
    for case in [
        "tls12-full",
        "tls12-client-certificate",
        "tls13-full",
        "ssh-curve25519-chacha20",
        "starttls-smtp",
        "clear-http",
    ] {
        let segments = segments(case);
        let opener = segments[0].0;
        let mut at = [0i64; 2];
        let mut pieces = Vec::new();
        for (ends, _, bytes) in &segments {
            let side = if ends.src_port == opener.src_port { Side::Low } else { Side::High };
            if !bytes.is_empty() {
                pieces.push((side, *side.of(&at), bytes.as_slice()));
                *side.of_mut(&mut at) += bytes.len() as i64;
            }
        }
        group.bench_function(BenchmarkId::new("a handshake", case), |b| {
            let mut certificates = Certificates::default();
            b.iter(|| {
                let mut observer = Observer::from_start(Side::Low);
                for &(side, at, bytes) in &pieces {
                    observer.data(side, at, bytes, &mut certificates);
                }
                observer.finish()
            });
        });
    }
    for case in ["ikev1-main-psk", "ikev2-psk-gcm"] {
        let mut batch = packets(case);
        let mut parser = Parser::default();
        let mut messages = Vec::new();
        for head in batch.heads.clone() {
            if let Frame::Udp(d) = parser.parse(&mut batch.arena, place(&head), 0)
                && d.src_port == 500
            {
                let at = d.payload as usize;
                messages.push(batch.arena[at..at + d.captured as usize].to_vec());
            }
        }
        group.bench_function(BenchmarkId::new("IKE", case), |b| {
            b.iter(|| {
                let mut ike = messages.first().and_then(|m| Ike::new(m));
                for (n, message) in messages.iter().enumerate() {
                    let side = if n % 2 == 0 { Side::Low } else { Side::High };
                    if let Some(ike) = &mut ike {
                        ike.message(side, message, false);
                    }
                }
                ike
            });
        });
    }
    group.finish();
}

struct Nothing;

impl Output for Nothing {
    type Error = Infallible;

    fn record(&mut self, _: usize, bytes: &[u8]) -> Result<(), Infallible> {
        black_box(bytes);
        Ok(())
    }

    fn line(&mut self, line: &[u8]) -> Result<(), Infallible> {
        black_box(line);
        Ok(())
    }

    fn row(&mut self, row: Row) {
        black_box(row);
    }
}

fn engine(c: &mut Criterion) {
    let count = packets("").heads.len();
    let mut group = c.benchmark_group("engine, all cases");
    group.sample_size(20).throughput(Throughput::Elements(count as u64));
    let tuning = Tuning::of(1);
    let detail = RequestedOutputs { detail: true, summary: true, ..RequestedOutputs::default() };
    for (name, wants) in [
        ("records", detail),
        ("JSON Lines", RequestedOutputs { json: true, ..RequestedOutputs::default() }),
        ("table", RequestedOutputs { rows: true, ..RequestedOutputs::default() }),
    ] {
        group.bench_function(name, |b| {
            b.iter(|| {
                let mut set =
                    CaptureSet::open(&[cases()], SetOptions::default()).expect("the cases");
                let stop = AtomicBool::new(false);
                let settings = Settings::default();
                let mut out = Nothing;
                pipeline::run(&mut set, &settings, wants, tuning, &mut out, &stop, &mut |_| {})
                    .1
                    .expect("read");
            });
        });
    }
    group.finish();
}

criterion_group!(benches, source, frame, flow, stream, observe, engine);
criterion_main!(benches);
