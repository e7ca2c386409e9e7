//! Recording intervals: how long, and where they end.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

/// How long an interval is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interval {
    /// SMF's global interval with its default, 30 minutes.
    Smf,
    /// Minutes, 1 to 60.
    Minutes(u32),
    /// Hours, 1 to 24: INTVAL of GLOBALCONFIG ZERT AGGREGATION.
    Hours(u32),
}

impl Interval {
    /// Its length in minutes.
    fn minutes(self) -> i64 {
        match self {
            Self::Smf => 30,
            Self::Minutes(n) => i64::from(n),
            Self::Hours(n) => i64::from(n) * 60,
        }
    }
}

/// Why a text is no interval.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\", expected SMF, minutes from 1 to 60, or hours from 1h to 24h")]
pub struct IntervalError(String);

/// As it is written.
impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Smf => write!(f, "SMF"),
            Self::Minutes(n) => write!(f, "{n}"),
            Self::Hours(n) => write!(f, "{n}h"),
        }
    }
}

impl FromStr for Interval {
    type Err = IntervalError;

    fn from_str(text: &str) -> Result<Self, IntervalError> {
        let wrong = || IntervalError(text.to_owned());
        if text.eq_ignore_ascii_case("smf") {
            return Ok(Self::Smf);
        }
        if let Some(hours) = text.strip_suffix(['h', 'H']) {
            let hours = hours.parse().map_err(|_| wrong())?;
            return if (1..=24).contains(&hours) { Ok(Self::Hours(hours)) } else { Err(wrong()) };
        }
        let minutes = text.strip_suffix(['m', 'M']).unwrap_or(text);
        let minutes = minutes.parse().map_err(|_| wrong())?;
        if (1..=60).contains(&minutes) { Ok(Self::Minutes(minutes)) } else { Err(wrong()) }
    }
}

/// Where intervals end: at multiples of their length after midnight and the
/// synchronization value, on the clock of a zone; or at moments that are given.
#[derive(Clone, Debug)]
pub struct Schedule {
    interval: Interval,
    /// SYNCVAL in minutes: past the hour, or for hours past midnight.
    sync: i64,
    zone: TimeZone,
    /// All ends there are, in nanoseconds since 1970 UTC, ascending.
    given: Option<Arc<[i64]>>,
}

const MINUTES_A_DAY: i64 = 24 * 60;

impl Schedule {
    /// A schedule.
    pub fn new(interval: Interval, sync_minutes: u32, zone: TimeZone) -> Self {
        Self { interval, sync: i64::from(sync_minutes), zone, given: None }
    }

    /// A schedule of intervals that end at these moments and at no other: ascending, in
    /// nanoseconds since 1970-01-01 00:00:00 UTC.
    pub fn at(ends: Arc<[i64]>) -> Self {
        Self { given: Some(ends), ..Self::new(Interval::Smf, 0, TimeZone::UTC) }
    }

    /// The usual length of an interval in nanoseconds.
    pub fn length(&self) -> i64 {
        if self.given.is_some() {
            // None is left out, however far apart they are.
            return i64::MAX;
        }
        self.interval.minutes() * 60 * 1_000_000_000
    }

    /// The first end of an interval after a moment, both in nanoseconds since
    /// 1970-01-01 00:00:00 UTC.
    ///
    /// Where clocks are set back an interval is longer, and ends when its wall
    /// clock time comes for the first time after it began; where they are set
    /// forward it ends when the time that is left out would have come.
    pub fn after(&self, nanos: i64) -> i64 {
        if let Some(ends) = &self.given {
            let next = ends.partition_point(|end| *end <= nanos);
            return ends.get(next).copied().unwrap_or(i64::MAX);
        }
        let Ok(moment) = Timestamp::from_nanosecond(i128::from(nanos)) else { return i64::MAX };
        let local = self.zone.to_datetime(moment);
        let length = self.interval.minutes();
        let midnight = DateTime::from_parts(local.date(), jiff::civil::Time::midnight());
        let minute = i64::from(local.hour()) * 60 + i64::from(local.minute());
        // The latest end that is not after this minute, then those that follow;
        // at midnight and the synchronization value counting begins anew.
        let first = self.sync.rem_euclid(length.min(MINUTES_A_DAY));
        let mut at = first + (minute - first).div_euclid(length) * length;
        for _ in 0..=4 * MINUTES_A_DAY / length.min(60) {
            at += length;
            if at > MINUTES_A_DAY + first {
                // An interval that does not divide the day ends with it.
                at = MINUTES_A_DAY + first;
            }
            let end = midnight
                .checked_add(Span::new().minutes(at))
                .and_then(|end| self.zone.to_timestamp(end));
            let Ok(end) = end else { return i64::MAX };
            if end > moment {
                return i64::try_from(end.as_nanosecond()).unwrap_or(i64::MAX);
            }
        }
        i64::MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(interval: &str, sync: u32, zone: &str, from: &str, count: usize) -> Vec<String> {
        let zone = TimeZone::get(zone).expect("a zone");
        let schedule = Schedule::new(interval.parse().expect("an interval"), sync, zone.clone());
        let mut at: i64 = from
            .parse::<Timestamp>()
            .expect("a time")
            .as_nanosecond()
            .try_into()
            .expect("this era");
        let mut found = Vec::new();
        for _ in 0..count {
            at = schedule.after(at);
            let end = Timestamp::from_nanosecond(i128::from(at)).expect("this era");
            found.push(zone.to_datetime(end).strftime("%d %H:%M").to_string());
        }
        found
    }

    #[test]
    fn intervals_end_on_the_hour_and_its_parts() {
        let from = "2026-11-23T10:05:00Z";
        assert_eq!(ends("SMF", 0, "UTC", from, 3), ["23 10:30", "23 11:00", "23 11:30"]);
        assert_eq!(ends("15", 5, "UTC", from, 3), ["23 10:20", "23 10:35", "23 10:50"]);
        assert_eq!(ends("1h", 0, "UTC", from, 2), ["23 11:00", "23 12:00"]);
        assert_eq!(ends("24h", 90, "UTC", from, 2), ["24 01:30", "25 01:30"]);
        assert_eq!(ends("6h", 0, "Asia/Kolkata", from, 2), ["23 18:00", "24 00:00"]);
        // A moment that is an end begins the next interval.
        assert_eq!(ends("30", 0, "UTC", "2026-11-23T10:30:00Z", 1), ["23 11:00"]);
        // What does not divide the day begins anew with it.
        assert_eq!(ends("7h", 0, "UTC", from, 3), ["23 14:00", "23 21:00", "24 00:00"]);
    }

    #[test]
    fn intervals_follow_the_wall_clock_when_it_is_changed() {
        // Set back from 03:00 to 02:00: the hour from 02:00 comes twice.
        let back = ends("1h", 0, "Europe/Berlin", "2026-10-24T23:30:00Z", 3);
        assert_eq!(back, ["25 02:00", "25 03:00", "25 04:00"]);
        // Set forward from 02:00 to 03:00.
        let forward = ends("30", 0, "Europe/Berlin", "2026-03-29T00:20:00Z", 4);
        assert_eq!(forward, ["29 01:30", "29 03:00", "29 03:30", "29 04:00"]);
    }

    #[test]
    fn ends_that_are_given_are_all_there_are() {
        let schedule = Schedule::at([10, 25, 26].into());
        let after = [0, 10, 24, 25, 26, 900].map(|at| schedule.after(at));
        assert_eq!(after, [10, 25, 25, 26, i64::MAX, i64::MAX]);
    }

    #[test]
    fn time_goes_on_and_ends() {
        let schedule = Schedule::new(Interval::Minutes(1), 0, TimeZone::UTC);
        for start in [i64::MIN, -1, 0, 253_402_300_800_000_000, i64::MAX - 1] {
            let mut at = start;
            for _ in 0..3 {
                let next = schedule.after(at);
                assert!(next > at || next == i64::MAX, "{at}: {next}");
                at = next;
            }
        }
        assert_eq!(schedule.after(i64::MAX), i64::MAX);
    }

    #[test]
    fn what_is_no_interval_is_refused() {
        for text in ["", "0", "61", "0h", "25h", "x", "1d", "-1"] {
            let error = text.parse::<Interval>().expect_err(text).to_string();
            assert!(error.contains("expected SMF, minutes"), "{error}");
        }
        assert_eq!("smf".parse(), Ok(Interval::Smf));
        assert_eq!("5".parse(), Ok(Interval::Minutes(5)));
        assert_eq!("12h".parse(), Ok(Interval::Hours(12)));
    }
}
