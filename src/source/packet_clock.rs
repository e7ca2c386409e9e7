//! The clock of a capture, from time stamps of which some may be wrong.
//!
//! Nearly every time stamp is near the one before it. Of one that is not, the packets that
//! follow tell what it is: a gap, if they go on from there; the clock was set back, if they all
//! are earlier; otherwise it is wrong, and the packet was captured when its neighbours were.
//! What tells are packets, in the order of the merged files, so that it does not matter how they
//! are divided among files and batches.

use super::FrameNumber;
use super::NANOS_PER_SECOND as SECOND;

/// Packets that are looked at after one: up to half of them may have wrong time stamps.
pub(super) const LOOK: usize = 8;
/// Time stamps so near to each other may be out of order: ten seconds, which is what the
/// shortest timer waits (a connection is short up to then).
const NEAR: i64 = 10 * SECOND;
/// 1995-01-01 00:00:00 UTC in nanoseconds since 1970: no capture file is older, and clocks that
/// were never set begin before it.
pub const OLDEST: i64 = 788_918_400 * SECOND;
/// Thirty years: no two captures of one run are farther apart.
const LONGEST_GAP: i64 = 30 * 365 * 86_400 * SECOND;
/// Stands for the time of a packet that has none.
pub(super) const UNTIMED: i64 = i64::MIN;

/// A time stamp that is worth to be told, and where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Odd {
    pub frame: FrameNumber,
    pub time: i64,
    /// What the clock was.
    pub clock: i64,
}

/// The clock of a capture.
#[derive(Debug, Default)]
pub(super) struct PacketClock {
    /// The latest time stamp since the clock was set back, none before the first.
    wall: Option<i64>,
    /// How much was lost when it was set back: this goes on from where it was.
    behind: i64,
    /// Time stamps that are wrong, and the first of them.
    pub wrong: u64,
    pub first_wrong: Option<Odd>,
    /// How often it was set back, and when first.
    pub set_back: u64,
    pub first_set_back: Option<Odd>,
}

impl PacketClock {
    /// How far it is ahead of the time stamps, because they were set back.
    pub fn behind(&self) -> i64 {
        self.behind
    }

    /// Where it is; zero before the first packet.
    pub fn now(&self) -> i64 {
        self.wall.map_or(0, |wall| wall.saturating_add(self.behind))
    }

    /// The time of a packet whose time stamp is near the one before.
    #[inline]
    pub fn usual(&mut self, time: i64) -> Option<i64> {
        let wall = self.wall.as_mut()?;
        if time.abs_diff(*wall) > NEAR.unsigned_abs() {
            return None;
        }
        *wall = time.max(*wall);
        Some(time.saturating_add(self.behind))
    }

    /// The time of any packet, by those that follow it: the next [`LOOK`], or all that
    /// there are.
    pub fn judge(
        &mut self,
        (time, frame): (i64, FrameNumber),
        following: impl Iterator<Item = i64> + Clone,
    ) -> i64 {
        let last = following.clone().count() < LOOK;
        let following = following.filter(|time| *time != UNTIMED);
        let Some(wall) = self.wall else {
            return self.begin((time, frame), following);
        };
        if time == UNTIMED {
            return self.now();
        }
        if let Some(usual) = self.usual(time) {
            return usual;
        }
        // Votes: those that go on from this one, itself included, and those that do not.
        let count = |with: &dyn Fn(i64) -> bool| following.clone().filter(|f| with(*f)).count();
        let right = if time > wall {
            let goes_on = 1 + count(&|f| f >= time.saturating_sub(NEAR));
            let others =
                count(&|f| f < time.saturating_sub(NEAR) && f >= wall.saturating_sub(NEAR));
            let too_far = wall >= OLDEST && time.saturating_sub(wall) > LONGEST_GAP;
            goes_on > others && !(last && too_far)
        } else {
            let goes_on = 1 + count(&|f| f < wall.saturating_sub(NEAR));
            let others = count(&|f| f >= wall.saturating_sub(NEAR));
            goes_on > others && !(last && wall >= OLDEST && time < OLDEST)
        };
        let now = self.now();
        let odd = Odd { frame, time, clock: wall };
        if !right {
            self.wrong += 1;
            self.first_wrong.get_or_insert(odd);
            return now;
        }
        if time < wall {
            self.set_back += 1;
            self.first_set_back.get_or_insert(odd);
        }
        if time < wall {
            self.behind = now.saturating_sub(time);
        } else if time >= now.saturating_sub(NEAR) {
            // It has made up for what was lost when it was set back.
            self.behind = 0;
        }
        self.wall = Some(time);
        time.saturating_add(self.behind)
    }

    /// The time of the first packet, which has none before it.
    fn begin(
        &mut self,
        (time, frame): (i64, FrameNumber),
        following: impl Iterator<Item = i64> + Clone,
    ) -> i64 {
        let known = std::iter::once(time).chain(following).filter(|t| *t != UNTIMED);
        let all = known.clone().count();
        let is_right = |time: i64| {
            let earlier = known.clone().filter(|t| *t < time.saturating_sub(NEAR)).count();
            let set = known.clone().filter(|t| *t >= OLDEST).count();
            2 * earlier < all && (time >= OLDEST || 2 * set < all)
        };
        let Some(first) = known.clone().find(|time| is_right(*time)).or(known.clone().next())
        else {
            return 0;
        };
        self.wall = Some(first);
        if time != UNTIMED && time.abs_diff(first) > NEAR.unsigned_abs() {
            self.wrong += 1;
            self.first_wrong.get_or_insert(Odd { frame, time, clock: first });
            return first;
        }
        if time == UNTIMED { first } else { time }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400;
    /// 2023-11-14 22:13:20 UTC.
    const BEGIN: i64 = 1_700_000_000;

    /// The times of packets, all in seconds after the beginning, and how far the clock is ahead
    /// in the end.
    fn judged(times: &[i64]) -> (Vec<i64>, PacketClock) {
        let raw: Vec<i64> = times.iter().map(|t| (BEGIN + t) * SECOND).collect();
        let mut clock = PacketClock::default();
        let mut out = Vec::new();
        for (n, time) in raw.iter().enumerate() {
            let following = raw.iter().skip(n + 1).take(LOOK).copied();
            let at = clock.judge((*time, FrameNumber::default()), following);
            out.push(at / SECOND - BEGIN);
        }
        (out, clock)
    }

    /// A second between packets.
    fn seconds(range: std::ops::Range<i64>) -> Vec<i64> {
        range.collect()
    }

    #[test]
    fn wrong_time_stamps_are_those_of_their_neighbours() {
        for wrong in [DAY, -DAY, 100, -100, 40 * 365 * DAY, -BEGIN] {
            for (first, count) in [(0, 1), (0, 3), (1, 1), (30, 1), (30, 2), (50, 4), (98, 1)] {
                let mut times = seconds(0..100);
                for time in times.iter_mut().skip(first).take(count) {
                    *time += wrong;
                }
                let (out, clock) = judged(&times);
                let what = format!("{wrong} {first} {count} {out:?}");
                if first == 0 && [-DAY, -100].contains(&wrong) {
                    // A gap is as likely.
                    assert_eq!((out, clock.wrong), (times, 0));
                    continue;
                }
                assert_eq!((clock.wrong, clock.set_back), (count as u64, 0), "{what}");
                assert!(out.iter().zip(0..).all(|(out, n)| (out - n).abs() <= 4), "{what}");
                assert!(out.is_sorted(), "{what}");
            }
        }
    }

    #[test]
    fn a_gap_is_one_whatever_its_length() {
        for gap in [11, 3600, DAY, 365 * DAY] {
            for at in [1, 20, 99] {
                let mut times = seconds(0..100);
                times.iter_mut().skip(at).for_each(|time| *time += gap);
                let (out, clock) = judged(&times);
                assert_eq!(out, times);
                assert_eq!((clock.wrong, clock.set_back, clock.behind()), (0, 0, 0));
            }
        }
        // Few packets between long gaps.
        let times = [0, DAY, DAY + 1, 5 * DAY, 400 * DAY, 400 * DAY + 60];
        assert_eq!(judged(&times).0, times);
    }

    #[test]
    fn a_clock_that_is_set_back_goes_on_from_where_it_was() {
        for step in [100, 3600, DAY, BEGIN] {
            for rest in [3, 60] {
                let mut times = seconds(0..40 + rest);
                times.iter_mut().skip(40).for_each(|time| *time -= step);
                if rest == 3 && step == BEGIN {
                    // Few time stamps from before there were captures are wrong.
                    assert_eq!(judged(&times).1.wrong, 3);
                    continue;
                }
                let (out, clock) = judged(&times);
                assert_eq!(out.last(), Some(&(38 + rest)));
                assert!(out.windows(2).all(|w| (0..=1).contains(&(w[1] - w[0]))), "{out:?}");
                assert_eq!((clock.wrong, clock.set_back), (0, 1), "{step} {rest}");
                assert_eq!(clock.behind(), (step - 1) * SECOND);
            }
        }
    }

    #[test]
    fn gaps_after_it_was_set_back_are_gaps() {
        let mut times = seconds(0..100);
        times.iter_mut().skip(40).for_each(|time| *time -= DAY);
        times.iter_mut().skip(60).for_each(|time| *time += 3600);
        let (out, clock) = judged(&times);
        assert_eq!(clock.behind(), (DAY - 1) * SECOND);
        assert_eq!((out[59], out[60], out[99]), (58, 3659, 3698));
    }

    #[test]
    fn a_clock_that_was_set_back_for_a_while_makes_up_for_it() {
        let mut times = seconds(0..200);
        times.iter_mut().skip(50).take(80).for_each(|time| *time -= DAY);
        let (out, clock) = judged(&times);
        assert_eq!(clock.behind(), 0);
        assert_eq!(out.last(), Some(&199));
        assert!(out.windows(2).all(|w| (0..=2).contains(&(w[1] - w[0]))), "{out:?}");
    }

    #[test]
    fn what_is_a_little_out_of_order_is_taken_as_it_is() {
        let times = [0, 3, 1, 2, 9, 0, 4, 12, 8];
        let (out, clock) = judged(&times);
        assert_eq!((out, clock.wrong, clock.set_back), (times.to_vec(), 0, 0));
    }

    #[test]
    fn a_clock_that_was_not_set_at_first_is_followed_when_it_is() {
        let mut times = seconds(0..100);
        times.iter_mut().take(40).for_each(|time| *time -= BEGIN);
        assert_eq!(judged(&times).0, times);
    }

    #[test]
    fn packets_without_a_time_have_that_of_the_packets_before() {
        let mut clock = PacketClock::default();
        let at = |clock: &mut PacketClock, time: i64, next: &[i64]| {
            clock.judge((time, FrameNumber::default()), next.iter().copied())
        };
        assert_eq!(at(&mut clock, UNTIMED, &[UNTIMED, 5 * SECOND]), 5 * SECOND);
        assert_eq!(at(&mut clock, UNTIMED, &[5 * SECOND]), 5 * SECOND);
        assert_eq!(at(&mut clock, 6 * SECOND, &[]), 6 * SECOND);
        assert_eq!(at(&mut clock, UNTIMED, &[]), 6 * SECOND);
        assert_eq!(at(&mut PacketClock::default(), UNTIMED, &[]), 0);
    }
}
