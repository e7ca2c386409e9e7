//! What the bytes of a field say, for people and for JSON.

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::ebcdic;
use super::field::{Field, Format};
use super::time::SmfTime;
use super::view::Part;
use crate::names::Kind;
use crate::printable::Printable;

/// A field's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// An unsigned integer.
    Number(u64),
    /// A code or flags: the digits, and the name if the table has it.
    Code {
        /// Upper-case hexadecimal digits.
        code: String,
        /// The name; `None` for an unlisted code.
        name: Option<Cow<'static, str>>,
    },
    /// Text, without the padding; the name if it is a coded text.
    Text {
        /// The characters.
        text: String,
        /// What the text stands for.
        name: Option<&'static str>,
    },
    /// A packed date, its digits.
    Date(u32),
    /// An address.
    Address(IpAddr),
    /// Opaque bytes.
    Bytes(Vec<u8>),
}

/// Reads a field of a part.
pub fn read(part: &Part<'_>, field: &Field, bytes: &[u8]) -> Value {
    match field.format {
        Format::Binary | Format::Flags if bytes.len() <= 8 => {
            let number = bytes.iter().fold(0u64, |n, &b| n << 8 | u64::from(b));
            match field.codes {
                Some(table) if table.kind != Kind::Text => {
                    Value::Code { code: upper_hex(bytes), name: table.name_of(number) }
                }
                _ => Value::Number(number),
            }
        }
        Format::Ebcdic if bytes.iter().all(|&b| b == 0) => {
            Value::Text { text: String::new(), name: None }
        }
        Format::Ebcdic => {
            let text = ebcdic::decode(bytes).trim_end_matches([' ', '\0']).to_owned();
            // Of a session identifier the first letter is a code.
            let coded = match field.name {
                "SMF119SS_SASessionID" => text.get(..1).unwrap_or_default(),
                _ => &text,
            };
            let name = field.codes.and_then(|table| table.name_of_text(coded));
            Value::Text { text, name }
        }
        Format::Packed | Format::Ip => {
            match (<&[u8; 4]>::try_from(bytes), <&[u8; 16]>::try_from(bytes)) {
                (Ok(date), _) if field.format == Format::Packed => {
                    Value::Date(u32::from_be_bytes(*date))
                }
                (_, Ok(ip)) if field.format == Format::Ip => {
                    Value::Address(address(*ip, is_ipv6(part, ip)))
                }
                _ => Value::Bytes(bytes.to_vec()),
            }
        }
        _ => Value::Bytes(bytes.to_vec()),
    }
}

/// Whether an address field of a section holds an IPv6 address: a flag of the
/// section says so. The tunnel end points of subtype 12 have none: an IPv4
/// address has zeros behind it.
fn is_ipv6(part: &Part<'_>, address: &[u8; 16]) -> bool {
    const IPV6: u8 = 0x80;
    match address_flag(part) {
        Some(flags) => part.bytes.get(flags).is_some_and(|f| f & IPV6 != 0),
        None => address.iter().skip(4).any(|&b| b != 0),
    }
}

/// Where a part has the flags that say whether its addresses are of IPv6.
pub fn address_flag(part: &Part<'_>) -> Option<usize> {
    match part.section?.fields.first()?.name {
        "SMF119SC_SAEvent_Type" => Some(2),
        "SMF119SS_SAIntervalDuration" => Some(9),
        "SMF119SC_IPSec_IKETunID" => Some(212),
        _ => None,
    }
}

fn address(raw: [u8; 16], ipv6: bool) -> IpAddr {
    if ipv6 {
        Ipv6Addr::from(raw).into()
    } else {
        Ipv4Addr::new(raw[0], raw[1], raw[2], raw[3]).into()
    }
}

/// A packed date as `YYYY-MM-DD`; `None` if it is absent or no date.
pub fn date(digits: u32) -> Option<String> {
    let text = (SmfTime { time: 0, date: digits }).to_text()?;
    text.split(' ').next().map(str::to_owned)
}

/// Bytes as upper-case hexadecimal.
pub fn upper_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02X}")).collect()
}

/// Whether a field holds hundredths of a second since midnight.
pub fn is_clock(field: &Field) -> bool {
    ["SMF119HDTime", "SMF119SC_SASTime", "SMF119SC_SAETime"].contains(&field.name)
}

/// The time of day that a field holds, if it is one of the time fields: all of
/// them count hundredths of a second since midnight. Of the interval's duration
/// the seconds.
pub fn time_of_day(field: &Field, value: &Value) -> Option<String> {
    if let ("SMF119SS_SAIntervalDuration", Value::Number(n)) = (field.name, value) {
        // Bit 51 is one microsecond.
        let micros = n >> 12;
        return Some(format!("{}.{:06} s", micros / 1_000_000, micros % 1_000_000));
    }
    let (true, Value::Number(n)) = (is_clock(field), value) else {
        return None;
    };
    let seconds = n / 100;
    Some(format!(
        "{:02}:{:02}:{:02}.{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60,
        n % 100
    ))
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(n) => write!(f, "{n}"),
            Self::Code { code, name } => {
                write!(f, "X'{code}' {}", name.as_deref().unwrap_or("(unknown code)"))
            }
            Self::Text { text, name: Some(name) } => write!(f, "'{}' {name}", Printable(text)),
            Self::Text { text, name: None } => write!(f, "'{}'", Printable(text)),
            Self::Date(digits) => {
                write!(f, "X'{digits:08X}' {}", date(*digits).as_deref().unwrap_or("(none)"))
            }
            Self::Address(address) => write!(f, "{address}"),
            Self::Bytes(bytes) if bytes.iter().all(|&b| b == 0) => write!(f, "zeros"),
            Self::Bytes(bytes) => write!(f, "X'{}'", upper_hex(bytes)),
        }
    }
}
