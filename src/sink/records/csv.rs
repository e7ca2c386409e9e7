//! Records as lines of comma-separated values (RFC 4180) under IBM's field names.

use std::fmt::Write;

use super::names::NameTexts;
use super::plain::{UPPER, address, clock, digits, number};
use super::template::Fields;
use crate::names::Kind;
use crate::printable::printable;
use crate::record::field::{Field, Format, Section};
use crate::record::value::{self, Value};
use crate::record::view::{Part, sections_of};
use crate::record::{Record, SUBTYPE_DETAIL, SUBTYPE_SUMMARY, ebcdic};

/// Columns of one section.
#[derive(Debug)]
struct Columns {
    subtype: Option<u16>,
    section: &'static str,
    fields: Fields,
}

/// Writes records under one row of names: those of the fields of the wanted
/// subtypes, without the self-defining section and reserved bytes.
#[derive(Debug)]
pub struct Csv {
    columns: Vec<Columns>,
    subtypes: Vec<u16>,
    /// Names instead of codes.
    meanings: bool,
    names: NameTexts,
}

impl Csv {
    /// Columns for these subtypes; names instead of codes if `meanings`.
    pub fn new(subtypes: &[u16], meanings: bool) -> Self {
        let all = [SUBTYPE_DETAIL, SUBTYPE_SUMMARY];
        let subtypes: Vec<u16> =
            all.into_iter().filter(|s| subtypes.is_empty() || subtypes.contains(s)).collect();
        let mut columns = Vec::new();
        for (n, subtype) in subtypes.iter().enumerate() {
            for section in sections_of(*subtype) {
                let shared = matches!(section.id, "header" | "ident");
                if section.id == "sds" || shared && n > 0 {
                    continue;
                }
                let subtype = (!shared).then_some(*subtype);
                let mut fields = Fields::default();
                for field in columns_of(section) {
                    fields.push(field, Vec::new(), is_number(field));
                }
                columns.push(Columns { subtype, section: section.id, fields });
            }
        }
        Self { columns, subtypes, meanings, names: NameTexts::default() }
    }

    /// The row of names.
    pub fn head(&self) -> String {
        let fields = self.columns.iter().flat_map(|columns| columns.fields.iter());
        let mut names: Vec<&str> = fields.map(|field| field.name).collect();
        for subtype in &self.subtypes {
            names.push(if *subtype == SUBTYPE_SUMMARY { "SMF119SS_DN" } else { "SMF119SC_DN" });
        }
        names.join(",") + "\r\n"
    }

    /// Appends the row of a record.
    pub fn row(&mut self, out: &mut Vec<u8>, record: &Record<'_>) {
        let parts = record.parts();
        let subtype = record.subtype();
        let meanings = self.meanings;
        for columns in &mut self.columns {
            let part = parts
                .iter()
                .filter(|_| columns.subtype.is_none_or(|s| Some(s) == subtype))
                .find(|p| p.section.is_some_and(|s| s.id == columns.section));
            let Some(part) = part else {
                out.extend(std::iter::repeat_n(b',', columns.fields.len()));
                continue;
            };
            columns.fields.write(out, part, |out, slot, bytes| {
                match bytes {
                    Some(bytes) if slot.number => number(out, bytes),
                    Some(bytes) => render(out, part, slot.field, bytes, meanings),
                    None => {}
                }
                out.push(b',');
            });
        }
        for subtype in &self.subtypes {
            let own = Some(*subtype) == record.subtype();
            if own {
                self.names.write(out, record, |out, names| {
                    let (mut all, mut cell) = (String::new(), String::new());
                    for (n, (kind, name)) in names.iter().enumerate() {
                        let before = if n > 0 { " | " } else { "" };
                        let _ = write!(all, "{before}{kind:04X} ");
                        all.push_str(ebcdic::decode(name).trim_end());
                    }
                    quoted(&mut cell, &all);
                    out.extend_from_slice(cell.as_bytes());
                });
            }
            out.push(b',');
        }
        out.pop();
        out.extend_from_slice(b"\r\n");
    }
}

/// Whether a field is a plain number: no code, and no time of day or duration.
fn is_number(field: &Field) -> bool {
    field.format == Format::Binary
        && field.codes.is_none()
        && field.length <= 8
        && value::time_of_day(field, &Value::Number(0)).is_none()
}

/// Appends what the bytes of a field say.
fn render(out: &mut Vec<u8>, part: &Part<'_>, field: &Field, bytes: &[u8], meanings: bool) {
    match (field.format, field.codes) {
        // What most fields are, without detours.
        (Format::Binary | Format::Flags, Some(table))
            if table.kind != Kind::Text && !meanings && bytes.len() <= 8 =>
        {
            digits(out, bytes, UPPER);
        }
        (Format::Ebcdic, codes) if (codes.is_none() || !meanings) && ebcdic::is_plain(bytes) => {
            ebcdic::decode_to(out, bytes);
        }
        (Format::Bytes, _) => digits(out, bytes, UPPER),
        (Format::Binary, None) if value::is_clock(field) => clock(out, bytes),
        _ => match value::read(part, field, bytes) {
            Value::Address(ip) => address(out, ip),
            value => {
                let mut cell = String::new();
                write_cell(&mut cell, field, &value, meanings);
                out.extend_from_slice(cell.as_bytes());
            }
        },
    }
}

fn write_cell(out: &mut String, field: &Field, value: &Value, meanings: bool) {
    if let Some(time) = value::time_of_day(field, value) {
        out.push_str(time.trim_end_matches(" s"));
        return;
    }
    let _ = match value {
        Value::Number(n) => write!(out, "{n}"),
        Value::Code { code, name } => match name {
            Some(name) if meanings => {
                quoted(out, name);
                Ok(())
            }
            _ => write!(out, "{code}"),
        },
        Value::Text { text, name } => {
            quoted(out, name.filter(|_| meanings).unwrap_or(text));
            Ok(())
        }
        Value::Date(digits) => match value::date(*digits) {
            Some(date) => write!(out, "{date}"),
            None => Ok(()),
        },
        Value::Address(address) => write!(out, "{address}"),
        Value::Bytes(bytes) => write!(out, "{}", value::upper_hex(bytes)),
    };
}

fn columns_of(section: &'static Section) -> impl Iterator<Item = &'static Field> {
    section.all_fields().filter(|f| f.format != Format::Reserved)
}

/// The signs by which spreadsheets know a formula, also in the forms of full width, which
/// some take for the same.
const FORMULA: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];

/// A text; in quotes where it has to be. A spreadsheet takes what begins with one
/// of some characters for a formula: these get a quote before them.
pub(in crate::sink) fn quoted(out: &mut String, text: &str) {
    let text = printable(text);
    let formula = text.trim_start().starts_with(FORMULA);
    let special = text.contains([',', '"', ';']);
    if !formula && !special {
        out.push_str(&text);
        return;
    }
    out.push('"');
    if formula {
        out.push('\'');
    }
    out.push_str(&text.replace('"', "\"\""));
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Detail, DistinguishedName, Summary, Tls};

    #[test]
    fn rows_have_as_many_cells_as_the_head() {
        let mut bytes = Vec::new();
        let names = [DistinguishedName { dn_type: 5, name: "CN=a,O=\"b\"".into() }].into();
        let tls = Some(Tls { cs_enc_alg: 0x12, ..Tls::default() });
        Detail { tls, names, ..Detail::default() }.encode(&mut bytes);
        let record = Record::parse(&bytes).expect("a record");
        let row = |csv: &mut Csv, record: &Record<'_>| {
            let mut out = Vec::new();
            csv.row(&mut out, record);
            String::from_utf8(out).expect("text")
        };
        let mut csv = Csv::new(&[SUBTYPE_DETAIL], false);
        let (head, line) = (csv.head(), row(&mut csv, &record));
        assert!(line.ends_with(",\"0005 CN=a,O=\"\"b\"\"\"\r\n"), "{line}");
        assert_eq!(head.matches(',').count() + 1, line.matches(',').count());
        let column = head.split(',').position(|n| n == "SMF119SC_TLS_CS_Enc_Alg");
        assert_eq!(column.and_then(|n| line.split(',').nth(n)), Some("0012"));
        let mut both = Csv::new(&[], false);
        let mut bytes = Vec::new();
        Summary::default().encode(&mut bytes);
        let line = row(&mut both, &Record::parse(&bytes).expect("a record"));
        assert_eq!(both.head().matches(',').count(), line.matches(',').count(), "{line}");
    }

    #[test]
    fn formulas_are_texts() {
        let mut out = String::new();
        quoted(&mut out, "=1+1");
        assert_eq!(out, "\"'=1+1\"");
        for sign in ["=", "+", "-", "@", " =", "＝"] {
            let mut out = String::new();
            quoted(&mut out, &format!("{sign}cmd|'/C calc'!A1"));
            assert_eq!(out, format!("\"'{sign}cmd|'/C calc'!A1\""));
        }
        // A tab or a line feed before the sign is shown, and is no beginning any more.
        let mut out = String::new();
        quoted(&mut out, "\t=1");
        assert_eq!(out, "\\t=1");
    }
}
