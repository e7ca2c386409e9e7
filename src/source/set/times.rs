//! Times that packets that follow decide about, and what is told of them.

use super::super::packet_clock::{LOOK, Odd, UNTIMED};
use super::{Batch, CaptureSet};

/// Packets outside of the period that is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outside {
    /// Packets.
    pub packets: u64,
    /// Their bytes on the wire.
    pub bytes: u64,
    /// The earliest and the latest of their times, nanoseconds since 1970.
    pub times: Option<[i64; 2]>,
}

/// Time stamps that were not taken as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OddTimes {
    /// Packets whose time stamps are far from those before and after: they are taken as
    /// captured with their neighbours.
    pub wrong: u64,
    /// The first of them.
    pub first_wrong: Option<OddTime>,
    /// How often the clock was set back: what was under way goes on by what it was before.
    pub set_back: u64,
    /// Where it was first.
    pub first_set_back: Option<OddTime>,
}

/// A time stamp and what was expected. Times are nanoseconds since 1970-01-01 00:00:00 UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OddTime {
    /// The file.
    pub file: String,
    /// Number of the packet in it, from 1; 0 if it has none.
    pub frame: u32,
    /// The time stamp.
    pub time: i64,
    /// That of the packets before, or after where there are none.
    pub expected: i64,
}

impl CaptureSet {
    /// Judges times by what follows, from a packet of a batch on.
    pub(super) fn judge(
        &mut self,
        batch: &mut Batch,
        from: usize,
        max_packets: usize,
        max_bytes: usize,
    ) {
        let mut kept = from;
        let mut ahead: usize = self.ahead.iter().map(|batch| batch.heads.len()).sum();
        let mut more = true;
        for at in from..batch.heads.len() {
            let Some(mut head) = batch.heads.get(at).copied() else { break };
            let usual = if head.ts == UNTIMED { None } else { self.time.usual(head.ts) };
            head.ts = usual.unwrap_or_else(|| {
                while more && batch.heads.len() - at + ahead <= LOOK {
                    let mut next = self.spare.pop().unwrap_or_default();
                    match self.read(&mut next, max_packets, max_bytes) {
                        Ok(true) => {
                            ahead += next.heads.len();
                            self.ahead.push_back(next);
                        }
                        Ok(false) => more = false,
                        Err(error) => {
                            self.failed = Some(error);
                            more = false;
                        }
                    }
                }
                let here = batch.heads.get(at + 1..).unwrap_or_default();
                let rest = self.ahead.iter().flat_map(|batch| &batch.heads);
                let following = here.iter().chain(rest).take(LOOK).map(|head| head.ts);
                self.time.judge((head.ts, head.frame), following)
            });
            let behind = self.time.behind();
            let ts = head.ts.saturating_sub(behind);
            if self.period.as_ref().is_some_and(|period| !period.contains(&ts)) {
                self.outside.add(ts, head.wire);
                continue;
            }
            batch.behind.change(self.next + kept as u64, behind);
            self.clock = self.clock.max(head.ts);
            head.clock = self.clock;
            if let Some(place) = batch.heads.get_mut(kept) {
                *place = head;
            }
            kept += 1;
        }
        batch.heads.truncate(kept);
    }

    /// Time stamps that were not taken as they are, so far.
    pub fn odd_times(&self) -> OddTimes {
        let told = |odd: Odd| {
            let file = usize::try_from(odd.frame.file).ok().and_then(|n| self.files.get(n));
            OddTime {
                file: file.cloned().unwrap_or_default(),
                frame: odd.frame.number,
                time: odd.time,
                expected: odd.clock,
            }
        };
        OddTimes {
            wrong: self.time.wrong,
            first_wrong: self.time.first_wrong.map(told),
            set_back: self.time.set_back,
            first_set_back: self.time.first_set_back.map(told),
        }
    }
}

impl Outside {
    #[cold]
    pub(super) fn add(&mut self, time: i64, wire: u32) {
        self.packets += 1;
        self.bytes += u64::from(wire);
        let [first, last] = self.times.get_or_insert([time; 2]);
        *first = time.min(*first);
        *last = time.max(*last);
    }
}

#[cfg(test)]
mod tests {
    use super::super::SetOptions;
    use super::*;
    use std::io::Write;

    /// A file whose packets have these times, in seconds.
    fn capture(times: &[u32]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        let mut bytes = Vec::new();
        for word in [0xA1B2_C3D4, 0x0002_0004, 0, 0, 65535, 1] {
            bytes.extend(u32::to_be_bytes(word));
        }
        for (n, time) in (0u8..).zip(times) {
            for word in [*time, 0, 60, 60] {
                bytes.extend(word.to_be_bytes());
            }
            bytes.extend([n; 60]);
        }
        file.write_all(&bytes).expect("written");
        file
    }

    /// Of each packet its first byte, its time, its clock, and how far that is ahead.
    fn read(set: &mut CaptureSet, packets: usize) -> Vec<(u8, i64, i64, i64)> {
        let mut batch = Batch::default();
        let (mut out, mut ordinal) = (Vec::new(), 0);
        while set.fill(&mut batch, packets, 1 << 20).expect("readable") {
            assert_eq!(batch.first, ordinal);
            for (n, head) in (batch.first..).zip(&batch.heads) {
                let byte = batch.bytes(head).first().copied().unwrap_or_default();
                out.push((byte, head.ts, head.clock, batch.behind.at(n)));
            }
            ordinal += batch.heads.len() as u64;
        }
        out
    }

    #[test]
    fn batches_of_any_size_have_the_same_times() {
        const BEGIN: u32 = 1_700_000_000;
        let mut times: Vec<u32> = (0..60).map(|n| BEGIN + n).collect();
        for (at, time) in [(3, 0), (20, BEGIN + 86_400), (21, 7), (33, u32::MAX), (59, u32::MAX)] {
            times[at] = time;
        }
        times.iter_mut().skip(40).for_each(|time| *time = time.saturating_sub(3600));
        times[59] = u32::MAX;
        let (one, other) = (capture(&times), capture(&times[..30]));
        let open = |files: &[&tempfile::NamedTempFile], period| {
            let paths: Vec<_> = files.iter().map(|f| f.path().to_owned()).collect();
            CaptureSet::open(&paths, SetOptions { period, ..SetOptions::default() })
                .expect("a capture")
        };
        let from = i64::from(BEGIN) * 1_000_000_000;
        let period = from + 5_000_000_000..from + 35_000_000_000;
        for files in [&[&one][..], &[&one, &other]] {
            for period in [None, Some(period.clone())] {
                let whole = read(&mut open(files, period.clone()), 10_000);
                assert_eq!(whole.len() > 58, period.is_none());
                assert!(whole.windows(2).all(|w| w[0].2 <= w[1].2), "{whole:?}");
                assert!(whole.iter().all(|(_, ts, clock, _)| clock - ts <= 10_000_000_000));
                for packets in [1, 2, 7, 31] {
                    let mut set = open(files, period.clone());
                    assert_eq!(read(&mut set, packets), whole, "{packets}");
                    assert_eq!(set.odd_times(), {
                        let mut all = open(files, period.clone());
                        read(&mut all, 10_000);
                        all.odd_times()
                    });
                }
            }
        }
        let mut set = open(&[&one], None);
        let all = read(&mut set, 4);
        let odd = set.odd_times();
        assert_eq!((odd.wrong, odd.set_back), (5, 1));
        assert_eq!(odd.first_wrong.map(|odd| (odd.frame, odd.time)), Some((4, 0)));
        assert_eq!(odd.first_set_back.map(|odd| odd.frame), Some(41));
        assert_eq!(all.iter().map(|p| p.0).collect::<Vec<_>>(), (0..60).collect::<Vec<u8>>());
        assert_eq!(all[45], (45, from + 44_000_000_000, from + 44_000_000_000, 3_599_000_000_000));
    }
}
