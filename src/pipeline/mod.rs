//! The only module that joins the others: batches from the source through frame
//! and flow into a fixed number of shards, their output merged in order.
//!
//! While the shards work on one batch the next is read and parsed. The result
//! is a function of the input and the settings: not of threads, batch size or
//! hasher seeds.

mod address_pair;
mod challenges;
mod completeness;
mod connection;
mod connection_prefetch;
mod counting;
mod duplicates;
mod ee;
mod ee_link;
mod ee_report;
mod ended_protection;
pub mod extract;
mod failed_handshake;
mod ftp;
mod ftp_control;
mod handshake_memory;
mod ike_peers;
mod ike_tcp;
mod intervals;
mod ipsec_encapsulation;
mod layer_names;
pub mod ledger;
mod live_queries;
mod merge;
mod not_followed;
mod observation;
mod opening;
mod protection;
mod recording;
mod report;
mod resumption;
mod roles;
mod sessions;
mod shard;
mod smc;
mod summaries;
mod teardown;
mod timers;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::iter::{IntoParallelRefMutIterator, ParallelIterator};
use rayon::prelude::IndexedParallelIterator;

use crate::config::Settings;
use crate::flow::{Key, SHARDS};
use crate::frame::{Captured, Datagram, EndPoints, Frame, Ipsec, Parser, Segment};
use crate::observe::Side;
use crate::observe::ike::{Carried, demultiplex};
use crate::source::{Batch, Behind, Feed, PacketHead, SourceError};

pub use crate::frame::{Encapsulation, Options as FrameOptions};
pub use ledger::Ledger;
pub use merge::{LiveQueries, Output};
pub use not_followed::{Reason, RoutedAddress, Told};
pub use shard::RequestedOutputs;

use address_pair::Pair;
use ee::EePacket;
use ike_peers::{PeerEvent, PeerPacket};
use intervals::Intervals;
use ledger::PacketDisposition;
use merge::Merger;
use sessions::IntervalEnd;
use shard::{BatchContext, Packet, Shard, ShardInput};

/// How the work is cut up. Nothing here changes the output.
#[derive(Clone, Copy, Debug)]
pub struct Tuning {
    /// Threads.
    pub threads: usize,
    /// Packets in a batch.
    pub batch_packets: usize,
    /// Bytes in a batch after which it is full.
    pub batch_bytes: usize,
}

impl Default for Tuning {
    fn default() -> Self {
        Self::of(std::thread::available_parallelism().map_or(1, usize::from))
    }
}

impl Tuning {
    /// For so many threads. Where one does everything a batch stays in its cache; several
    /// wait for each other after each batch, and wait less often after larger ones.
    pub fn of(threads: usize) -> Self {
        let mebibytes = if threads > 1 { 2 } else { 1 };
        Self { threads, batch_packets: 16_384, batch_bytes: mebibytes * 1024 * 1024 }
    }

    /// Files of a set that may be decompressed before their turn: one thread is for the
    /// file whose turn it is, one for its packets.
    pub fn files_before(&self) -> usize {
        self.threads.saturating_sub(2)
    }
}

/// Why a run ended before its input did.
#[derive(Debug, thiserror::Error)]
pub enum RunError<E> {
    /// The input cannot be read further.
    #[error(transparent)]
    Source(SourceError),
    /// The output cannot be written.
    #[error(transparent)]
    Output(E),
    /// The threads could not be started.
    #[error("cannot start the worker threads: {0}")]
    Threads(rayon::ThreadPoolBuildError),
}

/// A batch that was read, parsed and divided.
#[derive(Debug, Default)]
struct Work {
    batch: Batch,
    buckets: Vec<ShardInput>,
    /// AH and ESP headers that segments of the batch came under.
    ipsec: Vec<Ipsec>,
    watermark: i64,
    /// Where recording intervals end.
    ends: Vec<IntervalEnd>,
    /// Stretches with lost packets, up to its end.
    losses: u32,
}

impl Work {
    /// Whether nothing in it says a time.
    fn has_no_time(&self) -> bool {
        self.batch.heads.is_empty() && self.batch.tick.is_none()
    }
}

/// Where what is in a batch goes.
struct PacketDistributor<'a> {
    buckets: &'a mut [ShardInput],
    /// AH and ESP headers of the batch.
    ipsec: &'a mut Vec<Ipsec>,
    /// How far its times are ahead of time stamps.
    behind: &'a Behind,
}

impl PacketDistributor<'_> {
    /// A segment, with the place of the header that it came under.
    #[inline]
    fn segment(
        &mut self,
        ends: &EndPoints,
        segment: Segment,
        ipsec: Option<u32>,
        (head, ordinal): (&PacketHead, u64),
    ) {
        let (key, dir) = Key::of(ends);
        bucket(self.buckets, key.shard()).segments.push(Packet {
            key,
            dir,
            segment,
            ts: head.ts,
            clock: head.clock,
            ordinal,
            frame: head.frame,
            wire: head.wire,
            ipsec,
        });
    }

    /// AH and ESP headers, for the pairs of addresses that they are between.
    fn headers(&mut self, headers: &[Ipsec], packet: (&PacketHead, u64)) {
        for (layer, &header) in (0..).zip(headers) {
            let (pair, from) = Pair::of(header.src, header.dst, header.network);
            self.peers((pair, from), layer, PeerEvent::Ipsec(header), packet);
        }
    }

    /// Puts the header that a packet came under into the batch's list; returns its
    /// place. Of nested headers the innermost is around the packet.
    fn innermost(&mut self, headers: &[Ipsec]) -> Option<u32> {
        headers.last().map(|&header| {
            self.ipsec.push(header);
            u32::try_from(self.ipsec.len() - 1).unwrap_or(u32::MAX)
        })
    }

    /// What is of a pair of addresses.
    fn peers(
        &mut self,
        (pair, from): (Pair, Side),
        layer: u32,
        what: PeerEvent,
        (head, ordinal): (&PacketHead, u64),
    ) {
        let behind = self.behind.at(ordinal);
        let packet =
            PeerPacket { pair, from, layer, what, ts: head.ts, behind, clock: head.clock, ordinal };
        bucket(self.buckets, pair.shard()).peers.push(packet);
    }
}

/// The stage before the shards: reads, parses, divides.
struct ParseStage<'a, F> {
    set: &'a mut F,
    parser: Parser,
    ledger: Ledger,
    tuning: Tuning,
    ee_base_port: u16,
    intervals: Option<Intervals>,
    losses: u32,
    /// Where the last batch with packets or a time ended.
    watermark: i64,
}

/// Connections that are reported at once when the input has ended.
const LEFT_AT_ONCE: usize = 4096;

impl<F: Feed> ParseStage<'_, F> {
    /// Fills `work`; `false` at the end of the input.
    fn fill(&mut self, work: &mut Work) -> Result<bool, SourceError> {
        work.buckets.resize_with(SHARDS, ShardInput::default);
        for bucket in &mut work.buckets {
            bucket.segments.clear();
            bucket.peers.clear();
            bucket.ee.clear();
        }
        work.ipsec.clear();
        work.ends.clear();
        let more =
            self.set.fill(&mut work.batch, self.tuning.batch_packets, self.tuning.batch_bytes)?;
        let Work { batch, buckets, ipsec, ends, .. } = work;
        self.losses += u32::from(batch.lossy);
        work.losses = self.losses;
        work.watermark = batch.heads.last().map_or(self.watermark, |last| last.clock);
        for (ordinal, head) in (batch.first..).zip(&batch.heads) {
            self.ledger.total.add(head.wire);
            if let Some(intervals) = &mut self.intervals {
                intervals.reach(head.clock, ends);
            }
            if !head.wanted {
                self.ledger.count(PacketDisposition::Filtered, head.wire);
                continue;
            }
            let dealt = &mut PacketDistributor { buckets, ipsec, behind: &batch.behind };
            let captured = Captured {
                link: head.link.0,
                start: head.offset,
                captured: head.captured,
                wire: head.wire,
            };
            let usual = self.parser.fast_path(&batch.arena, captured);
            if let Some((ends, segment)) = usual {
                dealt.segment(&ends, segment, None, (head, ordinal));
            } else {
                self.parser.stamp(head.ts);
                let frame = self.parser.parse(&mut batch.arena, captured, head.clock);
                self.unusual(frame, (head, ordinal), &mut batch.arena, dealt);
                while let Some((frame, wire)) =
                    self.parser.parse_further(&mut batch.arena, head.clock)
                {
                    let head = PacketHead { wire, ..*head };
                    self.ledger.total.add(wire);
                    self.unusual(frame, (&head, ordinal), &mut batch.arena, dealt);
                }
            }
        }
        // Where no packet comes the clock may go on.
        if let Some(tick) = batch.tick {
            work.watermark = work.watermark.max(tick);
            if let Some(intervals) = &mut self.intervals {
                intervals.reach(tick, &mut work.ends);
            }
        }
        self.watermark = work.watermark;
        Ok(more)
    }

    /// Deals what is not a segment in a frame of the usual form.
    #[inline(never)]
    fn unusual(
        &mut self,
        frame: Frame,
        (head, ordinal): (&PacketHead, u64),
        arena: &mut Vec<u8>,
        dealt: &mut PacketDistributor<'_>,
    ) {
        let frame = match frame {
            Frame::Udp(datagram) if matches!(carried(&datagram, arena), Carried::Esp) => {
                self.parser.parse_esp(arena, &datagram, head.clock)
            }
            Frame::Udp(datagram)
                if self.is_followed(&datagram, arena) && self.parser.is_copy(arena, &datagram) =>
            {
                Frame::Duplicate
            }
            frame => frame,
        };
        let headers = self.parser.ipsec();
        dealt.headers(headers, (head, ordinal));
        let disposition = match frame {
            Frame::Tcp(ends, segment) => {
                let ipsec = dealt.innermost(headers);
                dealt.segment(&ends, segment, ipsec, (head, ordinal));
                None
            }
            Frame::Udp(datagram) if self.ee_port(&datagram).is_some() => {
                let port = self.ee_port(&datagram).unwrap_or(0);
                let (pair, from) = Pair::of(datagram.src, datagram.dst, datagram.network);
                let ipsec = dealt.innermost(headers);
                bucket(dealt.buckets, pair.shard()).ee.push(EePacket {
                    pair,
                    from,
                    port,
                    known_source: self.is_ee(datagram.src_port),
                    at: datagram.payload,
                    captured: datagram.captured,
                    length: datagram.length,
                    ipsec,
                    ts: head.ts,
                    behind: dealt.behind.at(ordinal),
                    clock: head.clock,
                    ordinal,
                    frame: head.frame,
                    wire: head.wire,
                });
                None
            }
            Frame::Udp(datagram) => {
                let (disposition, what) = datagram_disposition(&datagram, arena);
                if let Some(what) = what {
                    let ends = Pair::of(datagram.src, datagram.dst, datagram.network);
                    dealt.peers(ends, 0, what, (head, ordinal));
                }
                if disposition == PacketDisposition::Udp {
                    let port = datagram.src_port.min(datagram.dst_port);
                    let resembles = self.parser.resembles(arena, &datagram);
                    let reason = resembles
                        .map_or(Reason::Udp(port), |e| Reason::Resembles(datagram.dst_port, e));
                    self.ledger.not_followed.add(reason, head.wire);
                }
                Some(disposition)
            }
            other => PacketDisposition::of(&other),
        };
        if let Some(disposition) = disposition {
            if let Some(reason) = Reason::of(disposition, self.parser.layer()) {
                self.ledger.not_followed.add(reason, head.wire);
            }
            self.ledger.count(disposition, head.wire);
        }
    }

    /// Whether a UDP port is one of the five of Enterprise Extender.
    fn is_ee(&self, port: u16) -> bool {
        usize::from(port.wrapping_sub(self.ee_base_port)) < ee::PORTS
    }

    /// Whether a datagram may be of what is followed in UDP, beside ESP.
    fn is_followed(&self, datagram: &Datagram, arena: &[u8]) -> bool {
        self.ee_port(datagram).is_some() || matches!(carried(datagram, arena), Carried::Ike(_))
    }

    /// Index of the destination port among them. The source port is not that
    /// of replies, and may be any (RFC 2353 section 2.5).
    fn ee_port(&self, d: &Datagram) -> Option<u8> {
        self.is_ee(d.dst_port).then(|| (d.dst_port - self.ee_base_port) as u8)
    }
}

/// What goes to a shard.
#[expect(clippy::indexing_slicing, reason = "as many buckets as shards; asked for every packet")]
fn bucket(buckets: &mut [ShardInput], shard: usize) -> &mut ShardInput {
    &mut buckets[shard]
}

/// Whether a datagram is on the port of IKE and ESP in UDP (RFC 3948). Behind a
/// translator the port of one side is arbitrary.
fn is_encapsulated(d: &Datagram) -> bool {
    const IKE_NAT: u16 = 4500;
    d.src_port == IKE_NAT || d.dst_port == IKE_NAT
}

/// What a UDP datagram carries.
fn carried(d: &Datagram, arena: &[u8]) -> Carried {
    const IKE: u16 = 500;
    let encapsulated = is_encapsulated(d);
    if !encapsulated && d.src_port != IKE && d.dst_port != IKE {
        return Carried::Other;
    }
    let start = d.payload as usize;
    demultiplex(encapsulated, arena.get(start..start + d.captured as usize).unwrap_or_default())
}

/// What a UDP datagram counts as, and what of it is followed.
fn datagram_disposition(d: &Datagram, arena: &[u8]) -> (PacketDisposition, Option<PeerEvent>) {
    match carried(d, arena) {
        Carried::Ike(skip) => {
            // The marker has four bytes.
            let skip = u32::try_from(skip).unwrap_or(0);
            let what = PeerEvent::Ike {
                at: d.payload + skip,
                length: d.captured - skip,
                ports: (d.src_port, d.dst_port),
                encapsulated: is_encapsulated(d),
            };
            (PacketDisposition::Ike, Some(what))
        }
        // Inside ESP in UDP that does not encrypt.
        Carried::Esp => (PacketDisposition::Esp, None),
        Carried::KeepAlive | Carried::Other => (PacketDisposition::Udp, None),
    }
}

/// The names of a feed's files, by the places that [`crate::source::FrameNumber`] has.
pub fn files<F: Feed>(feed: &F) -> Vec<String> {
    feed.files()
}

/// Reads a set to its end and writes what comes out of it.
///
/// `stop` ends the run after the current batch; what is complete by then is
/// written. `progress` is told the bytes read so far.
///
/// # Errors
/// When the input cannot be read further or the output not written. What came
/// before a source error is complete and written.
pub fn run<F: Feed, O: Output + Send>(
    set: &mut F,
    settings: &Settings,
    wants: RequestedOutputs,
    tuning: Tuning,
    output: &mut O,
    stop: &AtomicBool,
    progress: &mut (dyn FnMut(u64) + Send),
) -> (Ledger, Result<(), RunError<O::Error>>)
where
    O::Error: Send,
{
    let pool = match rayon::ThreadPoolBuilder::new().num_threads(tuning.threads.max(1)).build() {
        Ok(pool) => pool,
        Err(error) => return (Ledger::default(), Err(RunError::Threads(error))),
    };
    let settings = Arc::new(settings.clone());
    let ee_base_port = settings.ee_base_port;
    let files: Arc<[String]> = set.files().into();
    let parser = Parser::new(settings.frames.clone());
    let networks = parser.networks();
    let shard = |_| Shard::new(Arc::clone(&settings), (&files, &networks), wants);
    let mut shards: Vec<Shard> = (0..SHARDS).map(shard).collect();
    let intervals = wants.summary.then(|| Intervals::new(settings.stacks.list()));
    let mut front = ParseStage {
        set,
        parser,
        ledger: Ledger::default(),
        tuning,
        ee_base_port,
        intervals,
        losses: 0,
        watermark: 0,
    };
    let mut merger = Merger::new(&settings, wants);
    let (mut current, mut next) = (Work::default(), Work::default());

    let mut period = None;
    let result = pool.install(|| -> Result<(), RunError<O::Error>> {
        let mut read = front.fill(&mut current);
        // Before the first packet there is no time.
        while matches!(read, Ok(true)) && current.has_no_time() {
            progress(front.set.bytes_read());
            let stopped = stop.load(Ordering::Relaxed);
            read = if stopped { Ok(false) } else { front.fill(&mut current) };
        }
        let first = current.batch.heads.first().map(|head| head.clock);
        if let Some(clock) = first.or(current.batch.tick) {
            merger.begin(clock, output).map_err(RunError::Output)?;
        }
        let mut last = None;
        loop {
            if !matches!(read, Ok(true)) {
                break;
            }
            let stopped = stop.load(Ordering::Relaxed);
            let (filled, ()) = rayon::join(
                || {
                    if stopped { Ok(false) } else { front.fill(&mut next) }
                },
                || {
                    let work = &current;
                    let shared = BatchContext {
                        arena: &work.batch.arena,
                        ipsec: &work.ipsec,
                        watermark: work.watermark,
                        ends: &work.ends,
                        losses: work.losses,
                        behind: &work.batch.behind,
                    };
                    shards.par_iter_mut().zip(&work.buckets).for_each(|(shard, bucket)| {
                        shard.batch(bucket, &shared);
                    });
                },
            );
            for shard in &mut shards {
                merger.push(&mut shard.emitted);
            }
            merger.end_at(&current.ends);
            merger.release(current.watermark, output).map_err(RunError::Output)?;
            output.tick(current.watermark).map_err(RunError::Output)?;
            let asked = output.asks();
            if asked.ledger {
                let ledger = whole_ledger(&front, &shards, &merger);
                output.ledger(&ledger).map_err(RunError::Output)?;
            }
            live_queries::answer(&asked, current.watermark, &mut shards, &mut merger, output);
            last = Some(current.watermark);
            let told = current.watermark.saturating_sub(current.batch.behind.last());
            period = first.map(|first| [first, told.max(first)]);
            progress(front.set.bytes_read());
            read = filled;
            std::mem::swap(&mut current, &mut next);
        }
        let clock = last.unwrap_or(0);
        shards.par_iter_mut().for_each(|shard| shard.finish(clock));
        for shard in &mut shards {
            merger.push(&mut shard.emitted);
        }
        merger.end_intervals(last, output).map_err(RunError::Output)?;
        // What is left comes in its order, a piece at a time.
        let mut left: Vec<u64> = shards.iter().flat_map(Shard::left).collect();
        left.sort_unstable();
        // While a piece is written the next is reported.
        let mut reported = 0;
        for piece in left.chunks(LEFT_AT_ONCE).chain([&[][..]]) {
            let next = piece.last().map_or(reported, |last| last + 1);
            let (written, ()) = rayon::join(
                || merger.release_left(reported, output),
                || shards.par_iter_mut().for_each(|shard| shard.forget_before(next)),
            );
            written.map_err(RunError::Output)?;
            for shard in &mut shards {
                merger.push(&mut shard.emitted);
            }
            reported = next;
        }
        merger.finish(last, output).map_err(RunError::Output)?;
        read.map(|_| ()).map_err(RunError::Source)
    });

    let mut ledger = whole_ledger(&front, &shards, &merger);
    ledger.interrupted = stop.load(Ordering::Relaxed);
    ledger.period = period;
    (ledger, result)
}

/// The ledger of all stages, as it stands.
fn whole_ledger<F: Feed>(front: &ParseStage<'_, F>, shards: &[Shard], merger: &Merger) -> Ledger {
    let mut ledger = front.ledger.clone();
    for shard in shards {
        ledger.join(&shard.ledger);
    }
    ledger.frames = ledger::Frames::new(front.parser.oddities(), front.parser.fragment_counters());
    ledger.frames.networks_not_told_apart = front.parser.networks_refused();
    ledger.ipsec.evicted += front.parser.esp_evicted();
    let totals = front.set.totals();
    let outside = ledger::Count { packets: totals.outside_packets, bytes: totals.outside_bytes };
    ledger.total.join(outside);
    ledger.count_all(PacketDisposition::OutsideTime, outside);
    ledger.input = totals.into();
    let sessions_refused = ledger.written.sessions_refused;
    ledger.written = ledger::Written {
        sessions_refused,
        tls_sessions_forgotten: merger.tls_sessions_forgotten(),
        records: merger.records,
        record_bytes: merger.record_bytes,
        intervals_joined: front.intervals.as_ref().map_or(0, |i| i.joined),
    };
    ledger.now = ledger::Now {
        connections: shards.iter().map(|s| s.table.len() as u64).sum(),
        sessions: merger.sessions(),
    };
    ledger
}
