//! Code points and their names: what the wire calls a thing (IANA), what an
//! SMF record calls it (IBM), and how the one becomes the other.
//!
//! Everything here is data with its source. A value that no table lists stays
//! what it is: the wire value survives in the JSON output, the record gets the
//! table's unknown value.

pub mod catalog;
pub mod ike;
pub mod ike_codes;
pub mod overrides;
pub mod smf;
pub mod ssh;
pub mod tls;
mod tls_groups;
mod tls_suites;
pub mod wire;
pub mod x509;
pub mod zsecure;

use std::borrow::Cow;

/// How a coded field is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The whole value is one code.
    Code,
    /// The value is the OR of masks.
    Bits,
    /// The value is an EBCDIC character string.
    Text,
}

/// One entry of a [`CodeTable`].
#[derive(Clone, Copy, Debug)]
pub struct Code {
    /// Upper-case hexadecimal digits, or the text of a [`Kind::Text`] table.
    pub code: &'static str,
    /// The digits as a number; zero in a [`Kind::Text`] table.
    pub value: u64,
    /// Short name for IBM's wording.
    pub name: &'static str,
    /// Whether the code was read in a source; otherwise it is recalled.
    pub documented: bool,
}

/// The coded values of one kind of record field.
#[derive(Clone, Copy, Debug)]
pub struct CodeTable {
    /// Name of the table in the specification.
    pub id: &'static str,
    /// What the values are about.
    pub title: &'static str,
    /// How a value is read.
    pub kind: Kind,
    /// Width of the codes in bytes.
    pub width: usize,
    /// The code for "not known", where the table has one.
    pub unknown: Option<&'static str>,
    /// The codes in the order of the specification.
    pub codes: &'static [Code],
}

impl CodeTable {
    /// The name of a numeric code, or of every mask of a bit field.
    ///
    /// Returns `None` for a code that is not listed and for bits without a
    /// listed meaning.
    pub fn name_of(&self, value: u64) -> Option<Cow<'static, str>> {
        match self.kind {
            Kind::Text => None,
            Kind::Code => {
                self.codes.iter().find(|c| c.value == value).map(|c| Cow::Borrowed(c.name))
            }
            Kind::Bits => {
                let mut names = Vec::new();
                let mut rest = value;
                for code in self.codes {
                    if code.value != 0 && value & code.value == code.value {
                        names.push(code.name);
                        rest &= !code.value;
                    }
                }
                match (rest, names.is_empty()) {
                    (0, true) => Some(Cow::Borrowed("none")),
                    (0, false) => Some(Cow::Owned(names.join(" + "))),
                    _ => None,
                }
            }
        }
    }

    /// The name of a text code (trailing blanks do not matter).
    pub fn name_of_text(&self, text: &str) -> Option<&'static str> {
        let text = text.trim_end();
        (self.kind == Kind::Text)
            .then(|| self.codes.iter().find(|c| c.code == text).map(|c| c.name))
            .flatten()
    }
}

macro_rules! code_tables {
    ($(
        $(#[$doc:meta])*
        $ident:ident($id:literal, $title:literal, $kind:ident, $width:literal, $unknown:expr) {
            $($code:literal $mark:tt $name:literal,)*
        }
    )*) => {
        $(
            $(#[$doc])*
            pub static $ident: super::CodeTable = super::CodeTable {
                id: $id,
                title: $title,
                kind: super::Kind::$kind,
                width: $width,
                unknown: $unknown,
                codes: &[$(super::Code {
                    code: $code,
                    value: super::hexadecimal($code),
                    name: $name,
                    documented: super::code_tables!(@mark $mark),
                }),*],
            };
        )*

        /// All tables, in the order of the specification.
        pub static TABLES: &[&super::CodeTable] = &[$(&$ident),*];
    };
    (@mark =) => { true };
    (@mark ~) => { false };
}
use code_tables;

/// Hexadecimal digits as a number; zero if they are none.
#[expect(clippy::indexing_slicing, reason = "at compile time")]
const fn hexadecimal(digits: &str) -> u64 {
    let bytes = digits.as_bytes();
    let (mut n, mut value) = (0, 0);
    while n < bytes.len() {
        let digit = match bytes[n] {
            d @ b'0'..=b'9' => d - b'0',
            d @ b'A'..=b'F' => d - b'A' + 10,
            _ => return 0,
        };
        value = value << 4 | digit as u64;
        n += 1;
    }
    value
}

/// Looks a name up in one of the tables of [`wire`].
pub fn code_for(table: &[(&str, u16)], name: &str) -> Option<u16> {
    table.iter().find(|(n, _)| *n == name).map(|&(_, code)| code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_its_name_and_an_unlisted_one_has_none() {
        assert_eq!(smf::TLS_VERSION.name_of(0x0303).as_deref(), Some("TLSv1.2"));
        assert_eq!(smf::TLS_VERSION.name_of(0x7F1C), None);
    }

    #[test]
    fn bits_are_named_together_and_a_stray_bit_is_not_explained_away() {
        assert_eq!(smf::SEC_PROTOS.name_of(0xA0).as_deref(), Some("TLS/SSL + IPSec"));
        assert_eq!(smf::SEC_PROTOS.name_of(0).as_deref(), Some("none"));
        assert_eq!(smf::SEC_PROTOS.name_of(0x81), None);
    }

    /// The writer of JSON relies on it.
    #[test]
    fn names_need_no_escapes() {
        let plain = |c: char| (' '..='~').contains(&c) && !['"', '\\'].contains(&c);
        let codes = || smf::TABLES.iter().flat_map(|table| table.codes);
        assert!(codes().count() > 100);
        for code in codes() {
            assert!(code.name.chars().all(plain), "{}", code.name);
        }
    }

    #[test]
    fn text_codes_ignore_the_padding() {
        assert_eq!(
            smf::TLS_PROVIDER.name_of_text("Observation     "),
            Some("observed by the stack (Source 01)")
        );
    }
}
