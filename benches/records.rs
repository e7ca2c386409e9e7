//! Records as bytes, files of them, and what `show` makes of them; records and
//! bytes per second, one core. `cargo bench --bench records`.

use std::hint::black_box;
use std::io::Cursor;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use zerttap::config::Settings;
use zerttap::dump::{Framing, Item, Reader, Writer};
use zerttap::input::Input;
use zerttap::pipeline::{self, Output, RequestedOutputs, Tuning};
use zerttap::record::{Detail, Record, Summary};
use zerttap::sink::records::{
    Csv, FieldNames, Json, Leef, Lines, RecordCounters, RecordSummary, all_columns, annotated, tree,
};
use zerttap::sink::report::Row;
use zerttap::source::{CaptureSet, SetOptions};

/// Records of a file, about.
const RECORDS: usize = 20_000;

struct Records(Vec<Vec<u8>>);

impl Output for Records {
    type Error = std::convert::Infallible;

    fn record(&mut self, _: usize, bytes: &[u8]) -> Result<(), Self::Error> {
        self.0.push(bytes.to_vec());
        Ok(())
    }

    fn line(&mut self, _: &[u8]) -> Result<(), Self::Error> {
        Ok(())
    }

    fn row(&mut self, _: Row) {}
}

/// What is written of the cases, summaries and details, again and again.
fn records() -> Vec<Vec<u8>> {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let mut out = Records(Vec::new());
    let mut set = CaptureSet::open(&[cases], SetOptions::default()).expect("the cases");
    let wants = RequestedOutputs { detail: true, summary: true, ..RequestedOutputs::default() };
    let settings = Settings::default();
    let stop = AtomicBool::new(false);
    let tuning = Tuning::default();
    let (_, result) =
        pipeline::run(&mut set, &settings, wants, tuning, &mut out, &stop, &mut |_| {});
    result.expect("read");
    let once = out.0.clone();
    while out.0.len() < RECORDS {
        out.0.extend_from_slice(&once);
    }
    out.0
}

fn file(records: &[Vec<u8>], framing: Framing) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), framing, Framing::BLKSIZE).expect("a block size");
    for record in records {
        writer.record(record).expect("written");
    }
    writer.finish().expect("written")
}

/// Calls `each` with every record of a file.
fn read(file: &[u8], mut each: impl FnMut(u64, &[u8])) {
    let input = Input::new(Path::new("bench"), Box::new(Cursor::new(file.to_vec())));
    let mut reader = Reader::new(input).expect("records");
    while let Some(item) = reader.next_item().expect("readable") {
        if let Item::Record { offset, bytes } = item {
            each(offset, bytes);
        }
    }
}

fn codec(c: &mut Criterion) {
    let records = records();
    let bytes: usize = records.iter().map(Vec::len).sum();
    let mut group = c.benchmark_group("record");
    for (unit, throughput) in [
        ("records", Throughput::Elements(records.len() as u64)),
        ("bytes", Throughput::Bytes(bytes as u64)),
    ] {
        group.throughput(throughput);
        group.bench_function(BenchmarkId::new("parse", unit), |b| {
            b.iter(|| {
                for record in &records {
                    black_box(Record::parse(record).expect("a record"));
                }
            });
        });
        group.bench_function(BenchmarkId::new("decode", unit), |b| {
            b.iter(|| {
                for record in &records {
                    if Record::parse(record).expect("a record").subtype() == Some(11) {
                        black_box(Detail::decode(record).expect("a detail record"));
                    } else {
                        black_box(Summary::decode(record).expect("a summary record"));
                    }
                }
            });
        });
    }
    let details: Vec<Detail> = records
        .iter()
        .filter(|r| Record::parse(r).expect("a record").subtype() == Some(11))
        .map(|r| Detail::decode(r).expect("a detail record"))
        .collect();
    group.throughput(Throughput::Elements(details.len() as u64));
    group.bench_function("encode/records", |b| {
        let mut out = Vec::with_capacity(4096);
        b.iter(|| {
            for detail in &details {
                out.clear();
                detail.encode(&mut out);
                black_box(&out);
            }
        });
    });
    group.finish();
}

fn dump(c: &mut Criterion) {
    let records = records();
    for (action, throughput) in [
        ("records", Throughput::Elements(records.len() as u64)),
        ("bytes", Throughput::Bytes(records.iter().map(Vec::len).sum::<usize>() as u64)),
    ] {
        let mut group = c.benchmark_group(format!("dump, {action}"));
        group.throughput(throughput);
        for framing in [Framing::Rdw, Framing::Vb, Framing::Vbs, Framing::Xmit] {
            let file = file(&records, framing);
            group.bench_function(BenchmarkId::new("read", framing), |b| {
                b.iter(|| {
                    let mut bytes = 0;
                    read(&file, |_, record| bytes += record.len());
                    bytes
                });
            });
        }
        group.finish();
    }
}

fn show(c: &mut Criterion) {
    let records = records();
    let file = file(&records, Framing::Vbs);
    let mut group = c.benchmark_group("show");
    group.sample_size(20);
    group.throughput(Throughput::Elements(records.len() as u64));
    let mut form = |name: &str, print: &mut dyn FnMut(&mut Vec<u8>, &Record<'_>, u64)| {
        group.bench_function(name, |b| {
            let mut out = Vec::with_capacity(1 << 20);
            b.iter(|| {
                read(&file, |offset, bytes| {
                    out.clear();
                    print(&mut out, &Record::parse(bytes).expect("a record"), offset);
                    black_box(&out);
                });
            });
        });
    };
    form("tree", &mut |out, record, offset| tree(out, record, 1, offset).expect("printed"));
    form("hex", &mut |out, record, offset| annotated(out, record, 1, offset).expect("printed"));
    let mut json = Json::default();
    form("jsonl", &mut |out, record, offset| json.object(out, record, offset));
    let mut csv = Csv::new(&all_columns(&[], FieldNames::Ibm), false);
    form("csv", &mut |out, record, _| csv.row(out, record));
    let mut leef = Leef::default();
    form("leef", &mut |out, record, _| leef.event(out, record));
    let mut lines = Lines::new(None, None);
    form("lines", &mut |out, record, _| lines.line(out, record));
    let mut counts = RecordCounters::default();
    form("summary", &mut |_, record, _| {
        if let Some(glance) = RecordSummary::of(record) {
            counts.add(record, &glance);
        }
    });
    group.finish();
}

criterion_group!(benches, codec, dump, show);
criterion_main!(benches);
