//! A capture thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender};
use std::time::Duration;

use pcap::{Active, Capture, Precision, TimestampType};

use super::clock::WatchClock;
use super::{Bundle, GATHER, Head, InterfaceState, LiveOptions, SharedFilter, fanout};
use crate::source::{LinkType, SourceError};

/// Packets that a capture thread hands over together.
const BUNDLE_PACKETS: usize = 4096;
/// Bytes after which it hands them over.
const BUNDLE_BYTES: usize = 1 << 20;
/// So much after a packet has come it was handed over: the kernel gathers, and so
/// does the thread.
const HANDED_OVER: i64 = 250_000_000;
/// How long an interface that is gone is left alone.
const RETRY: Duration = Duration::from_secs(1);
/// `LINKTYPE_RAW`, and the number that Linux has for it (`DLT_RAW`).
const RAW: u16 = 101;
const DLT_RAW: i32 = 12;

/// Opens an interface, as a member of a group where there are several threads.
pub(super) fn open(
    name: &str,
    options: &LiveOptions,
    group: u16,
) -> Result<Capture<Active>, SourceError> {
    let wrong = |why: String| SourceError::Interface { name: name.to_owned(), why };
    let said = |e: pcap::Error| wrong(e.to_string());
    let size = |n: u32| i32::try_from(n).unwrap_or(i32::MAX);
    let mut inactive = Capture::from_device(name)
        .map_err(said)?
        .snaplen(size(options.snap_length))
        .buffer_size(size(options.buffer))
        .promisc(options.promiscuous)
        .immediate_mode(options.immediate)
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
    if options.threads > 1 {
        fanout::join(&capture, group).map_err(wrong)?;
    }
    // libpcap waits without end where no packet comes; here it is waited for a while.
    capture
        .setnonblock()
        .map_err(|e| SourceError::Interface { name: name.to_owned(), why: e.to_string() })
}

/// Waits until there are packets, but not long.
fn wait(capture: &Capture<Active>) {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    use std::os::fd::AsFd;
    let timeout = PollTimeout::try_from(GATHER).unwrap_or(PollTimeout::ZERO);
    // What is wrong with the descriptor the next look at it tells.
    let _ = poll(&mut [PollFd::new(capture.as_fd(), PollFlags::POLLIN)], timeout);
}

/// What a capture thread has.
pub(super) struct Capturing {
    /// Its number.
    pub from: usize,
    pub state: Arc<InterfaceState>,
    pub options: LiveOptions,
    pub group: u16,
    pub filter: Arc<SharedFilter>,
    /// Changes of the filter that it knows of.
    pub filtered: u64,
    pub stop: Arc<AtomicBool>,
    pub full: SyncSender<Bundle>,
    pub empty: Receiver<Bundle>,
    pub time: WatchClock,
}

impl Capturing {
    pub fn run(mut self, capture: Capture<Active>) {
        let mut before = (0, 0);
        let mut capture = Some(capture);
        while !self.stop.load(Ordering::Relaxed) {
            let Some(open_now) = &mut capture else {
                if !self.state.down.swap(true, Ordering::Relaxed) {
                    // Nobody has to wait for its packets.
                    let nothing = Bundle { complete: i64::MAX, ..self.bundle() };
                    self.hand_over(nothing);
                }
                std::thread::sleep(RETRY);
                capture = open(&self.state.name, &self.options, self.group).ok();
                // The kernel begins to count anew.
                before = (0, 0);
                continue;
            };
            self.state.down.store(false, Ordering::Relaxed);
            self.take_filter(open_now);
            if let Some(ahead) = self.time.look() {
                self.state.clock_ahead.store(ahead, Ordering::Relaxed);
            }
            if self.gather(open_now, &mut before).is_err() {
                capture = None;
            }
        }
    }

    /// Takes a filter that was changed.
    fn take_filter(&mut self, capture: &mut Capture<Active>) {
        let changes = self.filter.changes.load(Ordering::Acquire);
        if changes == self.filtered {
            return;
        }
        self.filtered = changes;
        let expression = self.filter.expression.lock().map(|e| e.clone()).unwrap_or_default();
        // An empty one lets everything through.
        if capture.filter(expression.as_deref().unwrap_or_default(), true).is_ok() {
            self.options.filter = expression;
        }
    }

    fn bundle(&self) -> Bundle {
        let mut bundle = self.empty.try_recv().unwrap_or_default();
        (bundle.from, bundle.complete, bundle.lossy) = (self.from, i64::MIN, false);
        bundle
    }

    /// Takes what the kernel has gathered, and hands it over.
    fn gather(
        &self,
        capture: &mut Capture<Active>,
        before: &mut (u32, u32),
    ) -> Result<(), pcap::Error> {
        let link = match capture.get_datalink().0 {
            DLT_RAW => RAW,
            other => u16::try_from(other).unwrap_or(0),
        };
        let mut bundle = self.bundle();
        let mut packets = 0;
        let mut last = i64::MIN;
        let now = self.time.now();
        let took = capture.dispatch(Some(BUNDLE_PACKETS), |packet| {
            if bundle.arena.len() > BUNDLE_BYTES {
                bundle.complete = last;
                self.hand_over(std::mem::replace(&mut bundle, self.bundle()));
            }
            let offset = u32::try_from(bundle.arena.len()).unwrap_or(u32::MAX);
            bundle.arena.extend_from_slice(packet.data);
            let header = packet.header;
            // With nanoseconds as precision the field has those.
            let stamp = header.ts.tv_sec * 1_000_000_000 + header.ts.tv_usec;
            let captured = u32::try_from(packet.data.len()).unwrap_or(u32::MAX);
            last = self.time.correct(stamp, now);
            packets += 1;
            bundle.heads.push(Head {
                ts: last,
                offset,
                captured,
                wire: header.len.max(captured),
                link: LinkType(link),
            });
        });
        if packets == 0 && took.is_ok() {
            wait(capture);
        }
        // Where there was more than was taken, what is left may be as old.
        let all = packets < BUNDLE_PACKETS;
        bundle.complete = if all { now.saturating_sub(HANDED_OVER).max(last) } else { last };
        bundle.lossy = self.count_losses(capture, before);
        self.hand_over(bundle);
        match took {
            Ok(_) | Err(pcap::Error::TimeoutExpired) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Counts what was lost since the last time; returns whether anything was.
    fn count_losses(&self, capture: &mut Capture<Active>, before: &mut (u32, u32)) -> bool {
        let Ok(stats) = capture.stats() else { return false };
        let now = (stats.dropped, stats.if_dropped);
        // The counters are of 32 bits and wrap.
        let more = |now: u32, before: u32| u64::from(now.wrapping_sub(before));
        let (kernel, interface) = (more(now.0, before.0), more(now.1, before.1));
        self.state.dropped.fetch_add(kernel, Ordering::Relaxed);
        self.state.interface_dropped.fetch_add(interface, Ordering::Relaxed);
        *before = now;
        kernel + interface > 0
    }

    fn hand_over(&self, bundle: Bundle) {
        self.state.packets.fetch_add(bundle.heads.len() as u64, Ordering::Relaxed);
        // Waiting here is right: what the kernel drops meanwhile it counts.
        let _ = self.full.send(bundle);
    }
}
