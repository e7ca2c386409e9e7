//! Certificates that are not what RFC 5280 demands but are readable all the
//! same: the attributes are taken one by one, in their order (RFC 5280
//! section 4.1). Real servers present such certificates, and clients accept
//! them.

use jiff::Unit;
use jiff::civil::Date;
use x509_parser::prelude::{FromDer, X509Name};
use x509_parser::x509::{AlgorithmIdentifier, SubjectPublicKeyInfo};

use super::{Certificate, CertificateTime, key_length, name, pss_digest};

const INTEGER: u8 = 0x02;
const SEQUENCE: u8 = 0x30;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
/// The explicit tag of the version.
const VERSION: u8 = 0xA0;

/// A DER value: its tag, its content, and all of its bytes.
#[derive(Clone, Copy)]
struct Value<'a> {
    tag: u8,
    content: &'a [u8],
    whole: &'a [u8],
}

/// Takes the first DER value off `der`.
fn take<'a>(der: &mut &'a [u8]) -> Option<Value<'a>> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let count = usize::from(first & 0x7F);
        let (length, rest) = rest.split_at_checked(count)?;
        if !(1..=3).contains(&count) {
            return None;
        }
        (length.iter().fold(0, |n, &b| n << 8 | usize::from(b)), rest)
    };
    let (content, after) = rest.split_at_checked(length)?;
    let whole = der.get(..der.len() - after.len())?;
    *der = after;
    Some(Value { tag, content, whole })
}

/// Content of the first DER value if it has the tag.
pub(super) fn content(mut der: &[u8], tag: u8) -> Option<&[u8]> {
    take(&mut der).filter(|v| v.tag == tag).map(|v| v.content)
}

/// Reads a certificate attribute by attribute.
pub(super) fn certificate(der: &[u8]) -> Option<Certificate> {
    let mut outer = content(der, SEQUENCE)?;
    let mut tbs = take(&mut outer).filter(|v| v.tag == SEQUENCE)?.content;
    let (_, algorithm) = AlgorithmIdentifier::from_der(take(&mut outer)?.whole).ok()?;

    let mut serial = take(&mut tbs)?;
    if serial.tag == VERSION {
        serial = take(&mut tbs)?;
    }
    if serial.tag != INTEGER {
        return None;
    }
    take(&mut tbs)?; // the signature algorithm, repeated
    let issuer = take(&mut tbs)?;
    let mut validity = take(&mut tbs).filter(|v| v.tag == SEQUENCE)?.content;
    let (not_before, not_after) = (time(take(&mut validity)?)?, time(take(&mut validity)?)?);
    let subject = take(&mut tbs)?;
    let (_, key) = SubjectPublicKeyInfo::from_der(take(&mut tbs)?.whole).ok()?;
    let (key_bits, curve) = key_length(&key);
    let text = |v: Value<'_>| {
        X509Name::from_der(v.whole).map_or_else(|_| String::new(), |(_, n)| name(&n))
    };
    Some(Certificate {
        subject: text(subject).into(),
        issuer: text(issuer).into(),
        serial: serial.content.to_vec(),
        not_before,
        not_after,
        signature_algorithm: algorithm.algorithm.to_id_string(),
        pss_digest: pss_digest(&algorithm),
        public_key_algorithm: key.algorithm.algorithm.to_id_string(),
        key_bits,
        curve,
    })
}

/// A time in any form of X.680 sections 46 and 47, of which RFC 5280 allows one: without
/// seconds, of a GeneralizedTime also without minutes or with a fraction, in UTC, with
/// an offset, or in a local time, which is taken for UTC.
fn time(value: Value<'_>) -> Option<CertificateTime> {
    let generalized = match value.tag {
        UTC_TIME => false,
        GENERALIZED_TIME => true,
        _ => return None,
    };
    let text = std::str::from_utf8(value.content).ok()?;
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(split);
    let (date, clock) = digits.split_at_checked(if generalized { 8 } else { 6 })?;
    let (year, day) = date.split_at_checked(date.len() - 4)?;
    let year: i16 = year.parse().ok()?;
    let year = match year {
        year if generalized => year,
        // RFC 5280 section 4.1.2.5.1.
        0..50 => 2000 + year,
        _ => 1900 + year,
    };
    let pair = |text: &str, at: usize| text.get(at..at + 2)?.parse::<i64>().ok();
    let (month, day) = (pair(day, 0)?, pair(day, 2)?);
    let date = Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    // Hours, minutes and seconds; the last that is there may have a fraction.
    let (hour, minute, second, unit) = match clock.len() {
        2 if generalized => (pair(clock, 0)?, 0, 0, 3600),
        4 => (pair(clock, 0)?, pair(clock, 2)?, 0, 60),
        6 => (pair(clock, 0)?, pair(clock, 2)?, pair(clock, 4)?, 1),
        _ => return None,
    };
    // ISO 8601 writes the end of a day as 24, and a leap second as 60.
    let midnight = hour == 24 && minute == 0 && second == 0;
    if !(hour < 24 || midnight) || minute > 59 || second > 60 {
        return None;
    }
    let (fraction, zone) = fraction(rest)?;
    let whole = hour * 3600 + minute * 60 + second;
    let days = i64::from(Date::constant(1970, 1, 1).until((Unit::Day, date)).ok()?.get_days());
    let seconds = days * 86_400 + whole + fraction * unit / FRACTION;
    Some(CertificateTime { seconds: seconds - offset(zone)?, generalized })
}

/// Parts of a unit that a fraction is read to.
const FRACTION: i64 = 1_000_000_000;

/// A fraction behind a point or a comma, in parts of [`FRACTION`], and what follows it.
fn fraction(text: &str) -> Option<(i64, &str)> {
    let Some(rest) = text.strip_prefix(['.', ',']) else { return Some((0, text)) };
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (digits, zone) = rest.split_at(end);
    if digits.is_empty() {
        return None;
    }
    let digits = digits.bytes().chain(std::iter::repeat(b'0')).take(9);
    Some((digits.fold(0, |n, digit| n * 10 + i64::from(digit - b'0')), zone))
}

/// Seconds east of UTC: `Z`, nothing, or `+hhmm`, `-hhmm`, `+hh` and `-hh`.
fn offset(zone: &str) -> Option<i64> {
    let sign = match zone.as_bytes().first() {
        None | Some(b'Z') => return Some(0),
        Some(b'+') => 1,
        Some(b'-') => -1,
        Some(_) => return None,
    };
    let hours: i64 = zone.get(1..3)?.parse().ok()?;
    let minutes: i64 = zone.get(3..5).map_or(Ok(0), str::parse).ok()?;
    Some(sign * (hours * 3600 + minutes * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(tag: u8, text: &str) -> Option<i64> {
        let content = text.as_bytes();
        time(Value { tag, content, whole: content }).map(|t| t.seconds)
    }

    #[test]
    fn times_in_all_their_forms() {
        assert_eq!(at(UTC_TIME, "250115120000Z"), Some(1_736_942_400));
        assert_eq!(at(UTC_TIME, "2501151200Z"), Some(1_736_942_400));
        assert_eq!(at(UTC_TIME, "250115120000+0530"), Some(1_736_942_400 - 19_800));
        assert_eq!(at(GENERALIZED_TIME, "20250115120000.5-0800"), Some(1_736_942_400 + 28_800));
        assert_eq!(at(UTC_TIME, "991231235959Z"), Some(946_684_799));
        assert_eq!(at(UTC_TIME, "251315120000Z"), None);
        // X.680 section 46.2; the last is of RFC 5280 section 4.1.2.5.
        for (text, seconds) in [
            ("2025011512Z", 1_736_942_400),
            ("2025011512.5Z", 1_736_942_400 + 1800),
            ("202501151200,25", 1_736_942_400 + 15),
            ("20250115120000.999Z", 1_736_942_400),
            ("20250115120000+01", 1_736_942_400 - 3600),
            ("20250114240000Z", 1_736_899_200),
            ("00000101000000Z", -62_167_219_200),
            ("99991231235959Z", 253_402_300_799),
        ] {
            assert_eq!(at(GENERALIZED_TIME, text), Some(seconds), "{text}");
        }
        for text in ["20250115", "2025011512.Z", "20250115250000Z", "20250115126100Z", "2025x"] {
            assert_eq!(at(GENERALIZED_TIME, text), None, "{text}");
        }
    }

    #[test]
    fn times_are_printed_to_the_end_of_the_year_9999() {
        let shown = |text: &str| {
            let content = text.as_bytes();
            time(Value { tag: GENERALIZED_TIME, content, whole: content }).map(|t| t.to_string())
        };
        for (text, expected) in [
            ("99991230220000Z", "9999-12-30T22:00:00Z"),
            ("99991231235959Z", "9999-12-31T23:59:59Z"),
            ("99991231235959-1200", "9999-12-31T23:59:59Z"),
            ("00000101000000Z", "0000-01-01T00:00:00Z"),
            ("00000101000000+1200", "0000-01-01T00:00:00Z"),
            ("19500101000000Z", "1950-01-01T00:00:00Z"),
        ] {
            assert_eq!(shown(text).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(at(0x0C, "250115120000Z"), None);
    }

    #[test]
    fn cut_or_nested_nonsense_is_no_certificate() {
        assert_eq!(certificate(&[0x30, 0x82, 0xFF]), None);
        assert_eq!(certificate(&[0x30, 0x03, 0x30, 0x01, 0x02]), None);
    }
}
