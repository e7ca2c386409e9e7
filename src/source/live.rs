//! Packets from network interfaces, each captured by a thread of its own.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use pcap::{Active, BreakLoop, Capture, Device, Precision, TimestampType};

use super::{Batch, Feed, LinkType, PacketHead, SourceError, Totals};

/// Packets that a capture thread hands over together.
const BUNDLE_PACKETS: usize = 4096;
/// Bytes after which it hands them over.
const BUNDLE_BYTES: usize = 1 << 20;
/// Bundles that wait for the engine, of each interface. Beyond them the kernel's
/// buffer fills, and what it drops is counted.
const BUNDLES: usize = 64;
/// How long the kernel gathers packets, and the engine waits for some.
const GATHER: Duration = Duration::from_millis(100);
/// Packets may be handed over so much later than they came: the clock of an idle
/// network stays behind the wall clock by as much.
const LATE: i64 = 1_000_000_000;
/// How long an interface that is gone is left alone.
const RETRY: Duration = Duration::from_secs(1);
/// `LINKTYPE_RAW`, and the number that Linux has for it (`DLT_RAW`).
const RAW: u16 = 101;
const DLT_RAW: i32 = 12;

/// Wakes a capture thread: without packets the kernel lets it sleep.
type Waker = Arc<Mutex<Option<BreakLoop>>>;

/// How interfaces are captured.
#[derive(Clone, Debug)]
pub struct LiveOptions {
    /// Captured bytes of a packet.
    pub snap_length: u32,
    /// Bytes of the kernel's buffer, of each interface.
    pub buffer: u32,
    /// Whether packets to other hosts are seen.
    pub promiscuous: bool,
    /// Where time stamps are made, by libpcap's name (`adapter_unsynced`); the
    /// host's if it is not given.
    pub time_stamps: Option<String>,
    /// A filter that the kernel runs.
    pub filter: Option<String>,
}

impl Default for LiveOptions {
    fn default() -> Self {
        Self {
            snap_length: super::MAX_PACKET,
            buffer: 64 << 20,
            promiscuous: true,
            time_stamps: None,
            filter: None,
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

/// Packets that came together from one interface.
#[derive(Debug, Default)]
struct Bundle {
    arena: Vec<u8>,
    heads: Vec<Head>,
}

#[derive(Clone, Copy, Debug)]
struct Head {
    ts: i64,
    offset: u32,
    captured: u32,
    wire: u32,
    link: LinkType,
}

/// Interfaces as one stream of packets.
pub struct Live {
    bundles: Receiver<Bundle>,
    /// Emptied bundles, to be used again.
    empty: Vec<SyncSender<Bundle>>,
    waiting: VecDeque<Bundle>,
    states: Vec<Arc<InterfaceState>>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
    wakers: Vec<Waker>,
    clock: i64,
    next: u64,
    bytes: u64,
    /// The wall clock when capturing began, and the steady one.
    began: (i64, Instant),
}

impl Live {
    /// Opens interfaces and begins to capture.
    ///
    /// # Errors
    /// If one cannot be opened: it is not there, or there is no permission.
    pub fn open(names: &[String], options: &LiveOptions) -> Result<Self, SourceError> {
        let (sender, bundles) = sync_channel(BUNDLES * names.len().max(1));
        let stop = Arc::new(AtomicBool::new(false));
        let opened: Vec<(String, Capture<Active>)> = names
            .iter()
            .map(|name| Ok((name.clone(), open(name, options)?)))
            .collect::<Result<_, SourceError>>()?;
        let (mut states, mut threads, mut empty) = (Vec::new(), Vec::new(), Vec::new());
        let mut wakers = Vec::new();
        for (name, mut capture) in opened {
            let waker: Waker = Arc::new(Mutex::new(Some(capture.breakloop_handle())));
            let state = Arc::new(InterfaceState { name, ..InterfaceState::default() });
            let (give, take) = sync_channel(BUNDLES);
            let capturing = Capturing {
                state: Arc::clone(&state),
                options: options.clone(),
                stop: Arc::clone(&stop),
                full: sender.clone(),
                empty: take,
                waker: Arc::clone(&waker),
            };
            let thread = std::thread::Builder::new()
                .name(format!("capture {}", state.name))
                .spawn(move || capturing.run(capture))
                .map_err(|e| SourceError::Interface {
                    name: state.name.clone(),
                    why: e.to_string(),
                })?;
            states.push(state);
            threads.push(thread);
            wakers.push(waker);
            empty.push(give);
        }
        Ok(Self {
            bundles,
            empty,
            waiting: VecDeque::new(),
            states,
            stop,
            threads,
            wakers,
            clock: i64::MIN,
            next: 0,
            bytes: 0,
            began: (wall_clock(), Instant::now()),
        })
    }

    /// What the interfaces have lost.
    pub fn states(&self) -> Vec<Arc<InterfaceState>> {
        self.states.clone()
    }

    /// The wall clock, as it would be if nobody had set it since the beginning.
    fn now(&self) -> i64 {
        let (wall, steady) = self.began;
        wall.saturating_add(i64::try_from(steady.elapsed().as_nanos()).unwrap_or(i64::MAX))
    }

    /// Takes packets of a bundle as long as there is room.
    fn take(
        &mut self,
        bundle: &mut Bundle,
        batch: &mut Batch,
        packets: usize,
        bytes: usize,
    ) -> bool {
        let mut taken = 0;
        for head in &bundle.heads {
            if batch.heads.len() >= packets || batch.arena.len() >= bytes {
                break;
            }
            let start = head.offset as usize;
            let data = &bundle.arena[start..start + head.captured as usize];
            let offset = u32::try_from(batch.arena.len()).unwrap_or(u32::MAX);
            batch.arena.extend_from_slice(data);
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
            });
            taken += 1;
        }
        bundle.heads.drain(..taken);
        bundle.heads.is_empty()
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
        let until = Instant::now() + GATHER;
        while batch.heads.len() < packets && batch.arena.len() < bytes {
            let bundle = match self.waiting.pop_front() {
                Some(bundle) => Ok(bundle),
                None => {
                    // Nothing is waited for where there is something to do.
                    let left = until.saturating_duration_since(Instant::now());
                    let left = if batch.heads.is_empty() { left } else { Duration::ZERO };
                    self.bundles.recv_timeout(left)
                }
            };
            match bundle {
                Ok(mut bundle) => {
                    if self.take(&mut bundle, batch, packets, bytes) {
                        bundle.arena.clear();
                        for give in &self.empty {
                            match give.try_send(bundle) {
                                Ok(()) => break,
                                Err(
                                    TrySendError::Full(back) | TrySendError::Disconnected(back),
                                ) => {
                                    bundle = back;
                                }
                            }
                        }
                    } else {
                        self.waiting.push_front(bundle);
                    }
                }
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => return Ok(!batch.heads.is_empty()),
            }
        }
        // The clock goes on where no packet comes.
        self.clock = self.clock.max(self.now().saturating_sub(LATE));
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
        // A thread may sleep, or wait for room.
        for waker in &self.wakers {
            if let Ok(Some(handle)) = waker.lock().as_deref() {
                handle.breakloop();
            }
        }
        let _ = std::mem::replace(&mut self.bundles, sync_channel(0).1);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn wall_clock() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

fn open(name: &str, options: &LiveOptions) -> Result<Capture<Active>, SourceError> {
    let wrong = |why: String| SourceError::Interface { name: name.to_owned(), why };
    let said = |e: pcap::Error| wrong(e.to_string());
    let size = |n: u32| i32::try_from(n).unwrap_or(i32::MAX);
    let mut inactive = Capture::from_device(name)
        .map_err(said)?
        .snaplen(size(options.snap_length))
        .buffer_size(size(options.buffer))
        .promisc(options.promiscuous)
        .timeout(i32::try_from(GATHER.as_millis()).unwrap_or(100))
        .precision(Precision::Nano);
    if let Some(kind) = &options.time_stamps {
        inactive = inactive.tstamp_type(match kind.as_str() {
            "host" => TimestampType::Host,
            "host_lowprec" => TimestampType::HostLowPrec,
            "host_hiprec" => TimestampType::HostHighPrec,
            "adapter" => TimestampType::Adapter,
            "adapter_unsynced" => TimestampType::AdapterUnsynced,
            other => return Err(wrong(format!("no kind of time stamp is called {other}"))),
        });
    }
    let mut capture = inactive.open().map_err(said)?;
    if let Some(filter) = &options.filter {
        capture.filter(filter, true).map_err(said)?;
    }
    Ok(capture)
}

/// What a capture thread has.
struct Capturing {
    state: Arc<InterfaceState>,
    options: LiveOptions,
    stop: Arc<AtomicBool>,
    full: SyncSender<Bundle>,
    empty: Receiver<Bundle>,
    waker: Waker,
}

impl Capturing {
    fn run(self, capture: Capture<Active>) {
        let mut before = (0, 0);
        let mut capture = Some(capture);
        while !self.stop.load(Ordering::Relaxed) {
            let Some(open_now) = &mut capture else {
                self.state.down.store(true, Ordering::Relaxed);
                std::thread::sleep(RETRY);
                capture = open(&self.state.name, &self.options).ok();
                if let (Some(opened), Ok(mut waker)) = (&mut capture, self.waker.lock()) {
                    *waker = Some(opened.breakloop_handle());
                }
                // The kernel begins to count anew.
                before = (0, 0);
                continue;
            };
            self.state.down.store(false, Ordering::Relaxed);
            if self.gather(open_now).is_err() {
                capture = None;
                continue;
            }
            if let Ok(stats) = open_now.stats() {
                let now = (stats.dropped, stats.if_dropped);
                // The counters are of 32 bits and wrap.
                let more = |now: u32, before: u32| u64::from(now.wrapping_sub(before));
                self.state.dropped.fetch_add(more(now.0, before.0), Ordering::Relaxed);
                self.state.interface_dropped.fetch_add(more(now.1, before.1), Ordering::Relaxed);
                before = now;
            }
        }
    }

    /// Takes what the kernel has gathered, and hands it over.
    fn gather(&self, capture: &mut Capture<Active>) -> Result<(), ()> {
        let link = match capture.get_datalink().0 {
            DLT_RAW => RAW,
            other => u16::try_from(other).unwrap_or(0),
        };
        let mut bundle = self.empty.try_recv().unwrap_or_default();
        let took = capture.dispatch(Some(BUNDLE_PACKETS), |packet| {
            if bundle.arena.len() > BUNDLE_BYTES {
                self.hand_over(std::mem::take(&mut bundle));
            }
            let offset = u32::try_from(bundle.arena.len()).unwrap_or(u32::MAX);
            bundle.arena.extend_from_slice(packet.data);
            let header = packet.header;
            // With nanoseconds as precision the field has those.
            let nanos = header.ts.tv_sec * 1_000_000_000 + header.ts.tv_usec;
            let captured = u32::try_from(packet.data.len()).unwrap_or(u32::MAX);
            bundle.heads.push(Head {
                ts: nanos,
                offset,
                captured,
                wire: header.len.max(captured),
                link: LinkType(link),
            });
        });
        if !bundle.heads.is_empty() {
            self.hand_over(bundle);
        }
        match took {
            Ok(_) | Err(pcap::Error::TimeoutExpired) => Ok(()),
            Err(_) => Err(()),
        }
    }

    fn hand_over(&self, bundle: Bundle) {
        self.state.packets.fetch_add(bundle.heads.len() as u64, Ordering::Relaxed);
        // Waiting here is right: what the kernel drops meanwhile it counts.
        let _ = self.full.send(bundle);
    }
}
