//! Certificates that are not what RFC 5280 demands but are readable all the
//! same: the attributes are taken one by one, in their order (RFC 5280
//! section 4.1). Real servers present such certificates, and clients accept
//! them.

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

/// A time with or without seconds, in UTC or with an offset (X.680 allows what
/// RFC 5280 forbids).
fn time(value: Value<'_>) -> Option<CertificateTime> {
    let generalized = match value.tag {
        UTC_TIME => false,
        GENERALIZED_TIME => true,
        _ => return None,
    };
    let text = std::str::from_utf8(value.content).ok()?;
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, zone) = text.split_at(split);
    let mut rest = digits;
    let mut number = |n: usize| -> Option<i16> {
        let (head, tail) = rest.split_at_checked(n)?;
        rest = tail;
        head.parse().ok()
    };
    let year = if generalized {
        number(4)?
    } else {
        // RFC 5280 section 4.1.2.5.1.
        let year = number(2)?;
        if year < 50 { 2000 + year } else { 1900 + year }
    };
    let mut field = || number(2).and_then(|n| i8::try_from(n).ok());
    let (month, day, hour, minute) = (field()?, field()?, field()?, field()?);
    let second = field().unwrap_or(0);
    let moment = jiff::civil::DateTime::new(year, month, day, hour, minute, second, 0).ok()?;
    let utc = moment.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_second();
    Some(CertificateTime { seconds: utc - offset(zone)?, generalized })
}

/// Seconds east of UTC: `Z`, nothing, or `+hhmm` and `-hhmm`.
fn offset(zone: &str) -> Option<i64> {
    // Fractions of a second may stand before it.
    let zone = zone.trim_start_matches(|c: char| c == '.' || c.is_ascii_digit());
    let sign = match zone.as_bytes().first() {
        None | Some(b'Z') => return Some(0),
        Some(b'+') => 1,
        Some(b'-') => -1,
        Some(_) => return None,
    };
    let hours: i64 = zone.get(1..3)?.parse().ok()?;
    let minutes: i64 = zone.get(3..5)?.parse().ok()?;
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
        assert_eq!(at(0x0C, "250115120000Z"), None);
    }

    #[test]
    fn cut_or_nested_nonsense_is_no_certificate() {
        assert_eq!(certificate(&[0x30, 0x82, 0xFF]), None);
        assert_eq!(certificate(&[0x30, 0x03, 0x30, 0x01, 0x02]), None);
    }
}
