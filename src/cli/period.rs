//! `--since` and `--until` of `read`: which packets are read, by their time.

use std::ops::Range;
use std::str::FromStr;

use anyhow::bail;
use clap::Args;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

/// The period.
#[derive(Debug, Default, Args)]
pub(super) struct Period {
    /// Read only packets of this time or later: 2026-11-23 or 2026-11-23T10:30, in the zone
    /// of --tz, or with a zone as 2026-11-23T10:30Z. Connections that began before are
    /// without their start then, and their protection may not be known.
    #[arg(long, value_name = "TIME", help_heading = "What to follow")]
    pub since: Option<Moment>,

    /// Read only packets before this time.
    #[arg(long, value_name = "TIME", help_heading = "What to follow")]
    pub until: Option<Moment>,
}

/// A time as it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// In the zone of the records.
    Civil(DateTime),
    /// With a zone of its own.
    Instant(Timestamp),
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(instant) = text.parse::<Timestamp>() {
            return Ok(Self::Instant(instant));
        }
        let civil = match text.parse::<Date>() {
            Ok(date) if !text.contains(['T', ' ']) => Ok(date.to_datetime(Time::midnight())),
            _ => text.parse::<DateTime>(),
        };
        civil.map(Self::Civil).map_err(|_| {
            "expected a date like 2026-11-23 or a time like 2026-11-23T10:30, with Z or an \
             offset like +01:00 behind it if it is not in the zone of --tz"
                .to_owned()
        })
    }
}

impl Moment {
    /// Nanoseconds since 1970; `None` if the zone has no such time.
    fn nanoseconds(self, zone: &TimeZone) -> Option<i64> {
        let instant = match self {
            Self::Instant(instant) => instant,
            // A time that the clock has twice is the earlier, one that it leaves out the later.
            Self::Civil(civil) => zone.to_ambiguous_timestamp(civil).compatible().ok()?,
        };
        i64::try_from(instant.as_nanosecond()).ok()
    }
}

impl Period {
    /// The times that packets are read of, in nanoseconds since 1970; all, without any.
    ///
    /// # Errors
    /// If nothing can lie between.
    pub fn range(&self, zone: &TimeZone) -> anyhow::Result<Option<Range<i64>>> {
        if self.since.is_none() && self.until.is_none() {
            return Ok(None);
        }
        let bound = |moment: Option<Moment>, open: i64| match moment {
            None => Ok(open),
            Some(moment) => match moment.nanoseconds(zone) {
                Some(nanoseconds) => Ok(nanoseconds),
                None => bail!("--since, --until: expected a time from 1678 to 2261"),
            },
        };
        let (since, until) = (bound(self.since, i64::MIN)?, bound(self.until, i64::MAX)?);
        if since >= until {
            bail!("--since is not before --until: no packet can lie between");
        }
        Ok(Some(since..until))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(since: Option<&str>, until: Option<&str>, zone: &str) -> anyhow::Result<[i64; 2]> {
        let moment = |text: &str| text.parse::<Moment>().expect("a time");
        let period = Period { since: since.map(moment), until: until.map(moment) };
        let zone = TimeZone::get(zone).expect("a zone");
        let range = period.range(&zone)?.unwrap_or(0..0);
        Ok([range.start, range.end].map(|nanoseconds| nanoseconds / 1_000_000_000))
    }

    #[test]
    fn times_are_in_the_zone_unless_they_have_their_own() {
        let of = |since: &str| range(Some(since), None, "Europe/Berlin").expect("a period")[0];
        assert_eq!(of("2026-11-23T10:30"), 1_795_426_200);
        assert_eq!(of("2026-11-23T09:30Z"), 1_795_426_200);
        assert_eq!(of("2026-11-23 10:30:00+01:00"), 1_795_426_200);
        assert_eq!(of("2026-11-23"), 1_795_388_400);
        assert_eq!(of("2026-11-23T10:30:00.5"), 1_795_426_200);
        // In summer.
        assert_eq!(of("2026-07-01T00:00"), 1_782_856_800);
    }

    #[test]
    fn mistakes_are_told() {
        for wrong in ["yesterday", "2026-13-01", "10:30", ""] {
            assert!(wrong.parse::<Moment>().is_err_and(|e| e.contains("2026-11-23")), "{wrong}");
        }
        let (day, next) = (Some("2026-11-23"), Some("2026-11-24"));
        assert!(range(day, next, "UTC").is_ok() && range(next, day, "UTC").is_err());
        assert!(range(day, day, "UTC").is_err() && range(Some("9999-01-01"), None, "UTC").is_err());
    }
}
