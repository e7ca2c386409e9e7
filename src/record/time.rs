//! Times and dates as SMF records write them.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A time of day and a date of a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SmfTime {
    /// Hundredths of a second since midnight.
    pub time: u32,
    /// Packed decimal date, digits `0cyydddF` (c = 0 for 19yy, 1 for 20yy).
    pub date: u32,
}

const NANOS_PER_SECOND: i64 = 1_000_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

impl SmfTime {
    /// A moment, in nanoseconds since 1970-01-01 00:00:00 UTC, in UTC.
    pub fn utc(nanos: i64) -> Self {
        Self::at_offset(nanos, 0)
    }

    /// A moment in local time of a zone.
    pub fn local(nanos: i64, zone: &TimeZone) -> Self {
        let timestamp =
            Timestamp::from_nanosecond(i128::from(nanos)).unwrap_or(Timestamp::UNIX_EPOCH);
        Self::at_offset(nanos, zone.to_offset(timestamp).seconds())
    }

    fn at_offset(nanos: i64, offset_seconds: i32) -> Self {
        let seconds = nanos.div_euclid(NANOS_PER_SECOND) + i64::from(offset_seconds);
        let hundredths = nanos.rem_euclid(NANOS_PER_SECOND) / 10_000_000;
        let (year, day_of_year) = year_and_day(seconds.div_euclid(SECONDS_PER_DAY));
        let of_day = seconds.rem_euclid(SECONDS_PER_DAY) * 100 + hundredths;
        Self { time: u32::try_from(of_day).unwrap_or(0), date: packed_date(year, day_of_year) }
    }

    /// Hundredths of a second since 1970-01-01 00:00, in the zone of the field; `None`
    /// where the date is absent or no date.
    pub fn hundredths(self) -> Option<i64> {
        let (year, day) = self.year_and_day()?;
        let days = days_before(i64::from(year)) + i64::from(day) - 1;
        Some((days * SECONDS_PER_DAY) * 100 + i64::from(self.time))
    }

    /// The date and time as text, `YYYY-MM-DD hh:mm:ss.hh`; `None` where the
    /// date is absent (zero or X'0000000F') or no date.
    pub fn to_text(self) -> Option<String> {
        let (year, day) = self.year_and_day()?;
        let date = jiff::civil::Date::new(year, 1, 1)
            .ok()?
            .checked_add(jiff::Span::new().days(i64::from(day) - 1))
            .ok()?;
        let seconds = self.time / 100;
        Some(format!(
            "{date} {:02}:{:02}:{:02}.{:02}",
            seconds / 3600,
            seconds / 60 % 60,
            seconds % 60,
            self.time % 100
        ))
    }

    /// Year and day of the year of a packed date.
    fn year_and_day(self) -> Option<(i16, i16)> {
        if self.date & 0xF != 0xF || self.date <= 0xF {
            return None;
        }
        let digit = |shift: u32| i16::try_from(self.date >> (4 * shift) & 0xF).unwrap_or(0);
        if (1..=6).any(|shift| digit(shift) > 9) {
            return None;
        }
        let (century, year) = (digit(6), 10 * digit(5) + digit(4));
        let day = 100 * digit(3) + 10 * digit(2) + digit(1);
        (1..=366).contains(&day).then_some((1900 + 100 * century + year, day))
    }
}

/// A moment, in nanoseconds since 1970-01-01 00:00:00 UTC, as STORE CLOCK stores it:
/// bit 51 is a microsecond, and 1900-01-01 00:00:00 is zero.
pub fn stck(nanos: i64) -> u64 {
    /// Seconds from 1900 to 1970.
    const EPOCH: i128 = 2_208_988_800;
    let since_1900 = i128::from(nanos) + EPOCH * 1_000_000_000;
    u64::try_from((since_1900.max(0) << 12) / 1000).unwrap_or(u64::MAX)
}

/// Days from 1970-01-01 to the first of January of a year.
fn days_before(year: i64) -> i64 {
    let leap_days = |y: i64| y.div_euclid(4) - y.div_euclid(100) + y.div_euclid(400);
    365 * (year - 1970) + leap_days(year - 1) - leap_days(1969)
}

/// Packed decimal `0cyydddF`.
fn packed_date(year: i64, day_of_year: i64) -> u32 {
    let century = (year - 1900).div_euclid(100).clamp(0, 9);
    let digits = century * 100_000 + year.rem_euclid(100) * 1000 + day_of_year;
    let mut packed = 0xF;
    let mut rest = digits;
    for shift in 1..=6 {
        packed |= u32::try_from(rest % 10).unwrap_or(0) << (4 * shift);
        rest /= 10;
    }
    packed
}

/// Year and day of the year (from 1) of a day counted from 1970-01-01, in the
/// proleptic Gregorian calendar.
fn year_and_day(days: i64) -> (i64, i64) {
    // The era starts on 1 March, so that the leap day is the last day of a year.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let march_based = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let year = year_of_era + era * 400 + i64::from(march_based >= 306);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let day =
        if march_based >= 306 { march_based - 305 } else { march_based + 60 + i64::from(leap) };
    (year, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hundredths_are_the_way_back() {
        for nanos in [0, 951_782_399_990_000_000, 1_763_821_815_250_000_000, -86_400_000_000_000] {
            assert_eq!(SmfTime::utc(nanos).hundredths(), Some(nanos / 10_000_000));
        }
        assert_eq!(SmfTime { time: 5, date: 0 }.hundredths(), None);
    }

    #[test]
    fn the_worked_example() {
        let t = SmfTime::utc(1_763_821_815_250_000_000); // 2025-11-22T14:30:15.25Z
        assert_eq!((t.time, t.date), (0x004F_AC95, 0x0125_326F));
        assert_eq!(t.to_text().as_deref(), Some("2025-11-22 14:30:15.25"));
    }

    #[test]
    fn days_of_the_year_agree_with_the_calendar_library() {
        for day in (-30_000..60_000).step_by(17) {
            let date = jiff::civil::date(1970, 1, 1)
                .checked_add(jiff::Span::new().days(day))
                .expect("in range");
            let expected = (i64::from(date.year()), i64::from(date.day_of_year()));
            assert_eq!(year_and_day(day), expected, "{date}");
        }
    }

    #[test]
    fn local_time_moves_over_midnight_and_the_year() {
        let zone = TimeZone::fixed(jiff::tz::offset(-5));
        let t = SmfTime::local(1_767_229_200_000_000_000, &zone); // 2026-01-01T01:00:00Z
        assert_eq!((t.time, t.date), (20 * 360_000, 0x0125_365F));
    }

    #[test]
    fn absent_dates_have_no_text() {
        assert_eq!(SmfTime { time: 0, date: 0 }.to_text(), None);
        assert_eq!(SmfTime { time: 0, date: 0xF }.to_text(), None);
    }

    #[test]
    fn clocks_are_stored_as_the_machine_does() {
        // z/Architecture Principles of Operation: 1970-01-01 00:00:00 UTC.
        assert_eq!(stck(0), 0x7D91_048B_CA00_0000);
        assert_eq!(stck(1_000), 0x7D91_048B_CA00_1000);
        assert_eq!(stck(i64::MIN), 0);
    }
}
