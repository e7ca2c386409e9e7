//! Packets from network interfaces, each captured by a thread of its own or by
//! several, put together in order of time.

mod capture;
mod clock;
mod fanout;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use pcap::{Active, Capture, Device};

use super::{Batch, Feed, FrameNumber, LinkType, PacketHead, SourceError, Totals};
use capture::{Capturing, open};
use clock::WatchClock;

/// Bundles that wait for the engine, of each capture thread. Beyond them the kernel's
/// buffer fills, and what it drops is counted.
const BUNDLES: usize = 64;
/// How long the kernel gathers packets, and the engine waits for some.
const GATHER: Duration = Duration::from_millis(100);
/// Packets may be handed over so much later than they came: the clock of an idle
/// network stays behind the time by as much.
const LATE: i64 = 1_000_000_000;

/// A filter that can be changed while capturing, and how often it was.
#[derive(Debug, Default)]
struct SharedFilter {
    changes: AtomicU64,
    expression: Mutex<Option<String>>,
}

/// How interfaces are captured.
#[derive(Clone, Debug)]
pub struct LiveOptions {
    /// Captured bytes of a packet.
    pub snap_length: u32,
    /// Bytes of the kernel's buffer, of each capture thread.
    pub buffer: u32,
    /// Whether packets to other hosts are seen.
    pub promiscuous: bool,
    /// Whether packets are handed over one by one, without waiting for more.
    pub immediate: bool,
    /// Where time stamps are made, by libpcap's name (`adapter_unsynced`); the
    /// host's if it is not given.
    pub time_stamps: Option<String>,
    /// A filter that the kernel runs.
    pub filter: Option<String>,
    /// Capture threads of each interface.
    pub threads: u16,
    /// Packets after which there are no more.
    pub packets: Option<u64>,
    /// Time after the start after which there are no more.
    pub duration: Option<Duration>,
}

impl Default for LiveOptions {
    fn default() -> Self {
        Self {
            snap_length: super::MAX_PACKET,
            buffer: 64 << 20,
            promiscuous: true,
            immediate: false,
            time_stamps: None,
            filter: None,
            threads: 1,
            packets: None,
            duration: None,
        }
    }
}

/// What an interface has lost, and whether it is there.
#[derive(Debug, Default)]
pub struct InterfaceState {
    /// Its name.
    pub name: String,
    /// Packets that were handed over.
    pub packets: AtomicU64,
    /// Packets that the kernel had no room for.
    pub dropped: AtomicU64,
    /// Packets that the interface had no room for.
    pub interface_dropped: AtomicU64,
    /// Whether it cannot be read at the moment.
    pub down: AtomicBool,
    /// By how much the host's clock is ahead of the time of the watch because it was
    /// set, in nanoseconds.
    pub clock_ahead: AtomicI64,
}

/// A network interface.
#[derive(Clone, Debug)]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// What libpcap says of it.
    pub description: String,
    /// Its addresses.
    pub addresses: Vec<std::net::IpAddr>,
    /// Whether it is up.
    pub up: bool,
}

/// The interfaces that can be captured.
///
/// # Errors
/// What libpcap says.
pub fn interfaces() -> Result<Vec<Interface>, SourceError> {
    let wrong =
        |e: pcap::Error| SourceError::Interface { name: "all".to_owned(), why: e.to_string() };
    let list = Device::list().map_err(wrong)?;
    Ok(list
        .into_iter()
        .map(|device| Interface {
            up: device.flags.is_up(),
            description: device.desc.unwrap_or_default(),
            addresses: device.addresses.iter().map(|a| a.addr).collect(),
            name: device.name,
        })
        .collect())
}

/// Packets that came together from one capture thread.
#[derive(Debug, Default)]
struct Bundle {
    /// Number of the thread.
    from: usize,
    arena: Vec<u8>,
    heads: Vec<Head>,
    /// Up to when the thread has handed over everything.
    complete: i64,
    /// Whether packets were lost before or between these.
    lossy: bool,
}

#[derive(Clone, Copy, Debug)]
struct Head {
    ts: i64,
    offset: u32,
    captured: u32,
    wire: u32,
    link: LinkType,
}

/// Bundles of one thread that wait.
#[derive(Debug, Default)]
struct Queue {
    bundles: VecDeque<Bundle>,
    /// Packets of the first that were taken.
    taken: usize,
    complete: i64,
}

impl Queue {
    fn front(&self) -> Option<&Head> {
        self.bundles.front()?.heads.get(self.taken)
    }
}

/// Interfaces as one stream of packets.
pub struct Live {
    bundles: Receiver<Bundle>,
    sender: Option<SyncSender<Bundle>>,
    /// Emptied bundles, to be used again, by thread.
    empty: Vec<SyncSender<Bundle>>,
    queues: Vec<Queue>,
    /// Bundles in the queues.
    waiting: usize,
    /// Whether time stamps are the host's, so that packets of several threads can be
    /// put in order.
    ordered: bool,
    options: LiveOptions,
    opened: Vec<(Arc<InterfaceState>, u16, Capture<Active>)>,
    states: Vec<Arc<InterfaceState>>,
    filter: Arc<SharedFilter>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
    lossy: bool,
    clock: i64,
    next: u64,
    bytes: u64,
    time: WatchClock,
    /// When it ends, where a duration is given.
    until: Option<Instant>,
}

/// What can be changed of a watch while it goes on.
#[derive(Clone, Debug)]
pub struct LiveControl(Arc<SharedFilter>);

/// The time of a watch.
#[derive(Clone, Debug)]
pub struct WatchTime(WatchClock);

impl WatchTime {
    /// Now, in nanoseconds since 1970.
    pub fn now(&self) -> i64 {
        self.0.now()
    }

    /// How far a clock is behind.
    pub fn behind(&self, clock: i64) -> Duration {
        Duration::from_nanos(u64::try_from(self.now().saturating_sub(clock)).unwrap_or(0))
    }
}

impl LiveControl {
    /// Has the kernel run another filter from now on.
    pub fn filter(&self, expression: Option<String>) {
        if let Ok(mut current) = self.0.expression.lock()
            && *current != expression
        {
            *current = expression;
            self.0.changes.fetch_add(1, Ordering::Release);
        }
    }
}

impl Live {
    /// Opens interfaces, which takes the right to capture. The kernel begins to
    /// gather packets.
    ///
    /// # Errors
    /// If one cannot be opened: it is not there, or there is no permission.
    pub fn open(names: &[String], options: &LiveOptions) -> Result<Self, SourceError> {
        let threads = options.threads.max(1);
        let mut opened = Vec::new();
        let mut states = Vec::new();
        for name in names {
            let state =
                Arc::new(InterfaceState { name: name.clone(), ..InterfaceState::default() });
            // A group of its own for each interface and process.
            let number = u16::try_from(states.len()).unwrap_or(u16::MAX);
            let group = (std::process::id() as u16).wrapping_mul(31).wrapping_add(number);
            for _ in 0..threads {
                opened.push((Arc::clone(&state), group, open(name, options, group)?));
            }
            states.push(state);
        }
        let count = opened.len();
        let (sender, bundles) = sync_channel(BUNDLES * count.max(1));
        let filter = SharedFilter {
            changes: AtomicU64::new(0),
            expression: Mutex::new(options.filter.clone()),
        };
        Ok(Self {
            bundles,
            sender: Some(sender),
            empty: Vec::new(),
            queues: std::iter::repeat_with(Queue::default).take(count).collect(),
            waiting: 0,
            ordered: options.time_stamps.as_deref().is_none_or(|t| t.starts_with("host")),
            options: options.clone(),
            opened,
            states,
            filter: Arc::new(filter),
            stop: Arc::new(AtomicBool::new(false)),
            threads: Vec::new(),
            lossy: false,
            clock: i64::MIN,
            next: 0,
            bytes: 0,
            time: WatchClock::new(),
            until: None,
        })
    }

    /// Starts the capture threads. They inherit what the calling thread may do.
    ///
    /// # Errors
    /// If a thread cannot be started.
    pub fn start(&mut self) -> Result<(), SourceError> {
        let Some(sender) = self.sender.take() else { return Ok(()) };
        self.until = self.options.duration.and_then(|time| Instant::now().checked_add(time));
        for (from, (state, group, capture)) in self.opened.drain(..).enumerate() {
            let (give, take) = sync_channel(BUNDLES);
            let capturing = Capturing {
                from,
                state: Arc::clone(&state),
                options: self.options.clone(),
                group,
                filter: Arc::clone(&self.filter),
                filtered: 0,
                stop: Arc::clone(&self.stop),
                full: sender.clone(),
                empty: take,
                time: self.time.clone(),
            };
            let thread = std::thread::Builder::new()
                .name(format!("capture {}", state.name))
                .spawn(move || capturing.run(capture))
                .map_err(|e| SourceError::Interface {
                    name: state.name.clone(),
                    why: e.to_string(),
                })?;
            self.threads.push(thread);
            self.empty.push(give);
        }
        Ok(())
    }

    /// What the interfaces have lost.
    pub fn states(&self) -> Vec<Arc<InterfaceState>> {
        self.states.clone()
    }

    /// The time of the watch.
    pub fn time(&self) -> WatchTime {
        WatchTime(self.time.clone())
    }

    /// What can be changed while the watch goes on.
    pub fn control(&self) -> LiveControl {
        LiveControl(Arc::clone(&self.filter))
    }

    /// Takes what the threads have handed over; waits for the first of it.
    fn receive(&mut self, wait: Duration) -> Result<(), RecvTimeoutError> {
        // What does not fit in here waits with the threads.
        if self.waiting > 2 * BUNDLES * self.queues.len() {
            return Ok(());
        }
        let mut bundle = self.bundles.recv_timeout(wait)?;
        loop {
            if let Some(queue) = self.queues.get_mut(bundle.from) {
                queue.complete = bundle.complete;
                queue.bundles.push_back(bundle);
                self.waiting += 1;
            }
            bundle = match self.bundles.try_recv() {
                Ok(bundle) => bundle,
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => return Ok(()),
            };
        }
    }

    /// Up to when packets can be taken: nothing older will come.
    fn complete(&self) -> i64 {
        let alone = self.queues.len() < 2 || !self.ordered;
        if alone || self.waiting > BUNDLES * self.queues.len() {
            return i64::MAX;
        }
        self.queues.iter().map(|q| q.complete).min().unwrap_or(i64::MAX)
    }

    /// Moves packets into the batch, the oldest first, as long as there is room.
    fn take(&mut self, batch: &mut Batch, packets: usize, bytes: usize) {
        let complete = self.complete();
        while batch.heads.len() < packets && batch.arena.len() < bytes {
            let mut first: Option<(i64, usize)> = None;
            for n in 0..self.queues.len() {
                self.give_back_empty(n);
                if let Some(head) = self.queues.get(n).and_then(|queue| queue.front())
                    && first.is_none_or(|(ts, _)| head.ts < ts)
                {
                    first = Some((head.ts, n));
                }
            }
            let Some((_, n)) = first.filter(|(ts, _)| *ts <= complete) else { break };
            self.move_packet(n, batch);
        }
        batch.lossy |= std::mem::take(&mut self.lossy);
    }

    fn move_packet(&mut self, n: usize, batch: &mut Batch) {
        let Some(queue) = self.queues.get_mut(n) else { return };
        let Some(bundle) = queue.bundles.front() else { return };
        let Some(&head) = bundle.heads.get(queue.taken) else { return };
        queue.taken += 1;
        let start = head.offset as usize;
        let end = start + head.captured as usize;
        let data = bundle.arena.get(start..end).unwrap_or_default();
        let offset = u32::try_from(batch.arena.len()).unwrap_or(u32::MAX);
        batch.arena.extend_from_slice(data);
        self.lossy |= bundle.lossy;
        self.clock = self.clock.max(head.ts);
        self.next += 1;
        self.bytes += u64::from(head.captured);
        batch.heads.push(PacketHead {
            ts: head.ts,
            clock: self.clock,
            offset,
            captured: head.captured,
            wire: head.wire,
            link: head.link,
            wanted: true,
            frame: FrameNumber::default(),
        });
    }

    /// Gives bundles back of which all packets were taken.
    fn give_back_empty(&mut self, n: usize) {
        let Some(queue) = self.queues.get_mut(n) else { return };
        while let Some(bundle) = queue.bundles.front()
            && queue.taken >= bundle.heads.len()
        {
            let Some(mut bundle) = queue.bundles.pop_front() else { return };
            self.lossy |= bundle.lossy;
            queue.taken = 0;
            self.waiting -= 1;
            bundle.arena.clear();
            bundle.heads.clear();
            if let Some(give) = self.empty.get(n) {
                // Where there are enough of them it goes.
                let _ = give.try_send(bundle);
            }
        }
    }
}

impl Feed for Live {
    fn fill(
        &mut self,
        batch: &mut Batch,
        packets: usize,
        bytes: usize,
    ) -> Result<bool, SourceError> {
        batch.begin(self.next);
        batch.arena.clear();
        let left = self.options.packets.map(|most| most.saturating_sub(self.next));
        if left == Some(0) || self.until.is_some_and(|end| Instant::now() >= end) {
            return Ok(false);
        }
        let packets = packets.min(left.and_then(|n| usize::try_from(n).ok()).unwrap_or(packets));
        let until = Instant::now() + GATHER;
        loop {
            self.take(batch, packets, bytes);
            let full = batch.heads.len() >= packets || batch.arena.len() >= bytes;
            let left = until.saturating_duration_since(Instant::now());
            if full || left.is_zero() {
                break;
            }
            // Nothing is waited for where there is something to do.
            let left = if batch.heads.is_empty() { left } else { Duration::ZERO };
            match self.receive(left) {
                Ok(()) => {}
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => return Ok(!batch.heads.is_empty()),
            }
        }
        // The clock goes on where no packet comes.
        self.clock = self.clock.max(self.time.now().saturating_sub(LATE));
        batch.tick = Some(self.clock);
        Ok(true)
    }

    fn bytes_read(&self) -> u64 {
        self.bytes
    }

    fn totals(&self) -> Totals {
        let sum = |count: fn(&InterfaceState) -> &AtomicU64| {
            self.states.iter().map(|s| count(s).load(Ordering::Relaxed)).sum()
        };
        Totals {
            files: self.states.len() as u64,
            dropped_packets: sum(|s| &s.dropped),
            interface_dropped_packets: sum(|s| &s.interface_dropped),
            ..Totals::default()
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // A thread may wait for room.
        let _ = std::mem::replace(&mut self.bundles, sync_channel(0).1);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}
