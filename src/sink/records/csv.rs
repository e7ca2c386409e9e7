//! Records as lines of comma-separated values (RFC 4180) under IBM's field names.

use std::fmt::Write;

use super::columns::{Column, Place, What};
use super::names::NameTexts;
use super::plain::{UPPER, address, clock, digits, number};
use super::template::Fields;
use crate::names::Kind;
use crate::printable::printable;
use crate::record::field::{Field, Format, Section};
use crate::record::value::{self, Value};
use crate::record::view::Part;
use crate::record::{Record, ebcdic};

/// Columns that stand beside each other and are made of one section, or one column that is
/// made of different sections.
#[derive(Debug)]
struct Group {
    width: usize,
    /// What records of one subtype have there, or of both.
    alternatives: Vec<(Option<u16>, Cells)>,
}

#[derive(Debug)]
enum Cells {
    Fields(&'static Section, Box<Fields>),
    /// The distinguished names.
    Names,
}

/// Writes records under one row of names.
#[derive(Debug)]
pub struct Csv {
    heads: Vec<&'static str>,
    groups: Vec<Group>,
    /// Names instead of codes.
    meanings: bool,
    names: NameTexts,
}

impl Csv {
    /// Writes these columns; names instead of codes if `meanings`.
    pub fn new(columns: &[Column], meanings: bool) -> Self {
        let mut groups: Vec<Group> = Vec::new();
        for column in columns {
            let last = groups.last_mut();
            if !last.is_some_and(|group| group.takes(column)) {
                let new = |place: &Place| {
                    let cells = match place.what {
                        What::Names => Cells::Names,
                        What::Field(section, field) => {
                            let mut fields = Box::new(Fields::default());
                            fields.push(field, Vec::new(), is_number(field));
                            Cells::Fields(section, fields)
                        }
                    };
                    (place.subtype, cells)
                };
                let alternatives = column.places.iter().map(new).collect();
                groups.push(Group { width: 1, alternatives });
            }
        }
        let heads = columns.iter().map(|column| column.name).collect();
        Self { heads, groups, meanings, names: NameTexts::default() }
    }

    /// The row of names.
    pub fn head(&self) -> String {
        self.heads.join(",") + "\r\n"
    }

    /// Appends the row of a record.
    pub fn row(&mut self, out: &mut Vec<u8>, record: &Record<'_>) {
        let parts = record.parts();
        let subtype = record.subtype();
        let meanings = self.meanings;
        for Group { width, alternatives } in &mut self.groups {
            let own = alternatives
                .iter_mut()
                .find(|(of, _)| of.is_none_or(|of| Some(of) == subtype))
                .map(|(_, cells)| cells);
            match own {
                Some(Cells::Names) => {
                    self.names.write(out, record, distinguished_names);
                    out.push(b',');
                    continue;
                }
                Some(Cells::Fields(section, fields)) => {
                    let part = parts.iter().find(|p| p.section.is_some_and(|s| s.id == section.id));
                    if let Some(part) = part {
                        fields.write(out, part, |out, slot, bytes| {
                            match bytes {
                                Some(bytes) if slot.number => number(out, bytes),
                                Some(bytes) => render(out, part, slot.field, bytes, meanings),
                                None => {}
                            }
                            out.push(b',');
                        });
                        continue;
                    }
                }
                None => {}
            }
            out.resize(out.len() + *width, b',');
        }
        out.pop();
        out.extend_from_slice(b"\r\n");
    }
}

impl Group {
    /// Takes a column that is made of the same section, once.
    fn takes(&mut self, column: &Column) -> bool {
        let ([place], [(subtype, Cells::Fields(section, fields))]) =
            (column.places.as_slice(), self.alternatives.as_mut_slice())
        else {
            return false;
        };
        let What::Field(of, field) = place.what else { return false };
        let there = |other: &Field| other.name == field.name;
        if *subtype != place.subtype || section.id != of.id || fields.iter().any(there) {
            return false;
        }
        fields.push(field, Vec::new(), is_number(field));
        self.width += 1;
        true
    }
}

/// The cell of distinguished names.
fn distinguished_names(out: &mut Vec<u8>, names: &[(u16, &[u8])]) {
    let (mut all, mut cell) = (String::new(), String::new());
    for (n, (kind, name)) in names.iter().enumerate() {
        let before = if n > 0 { " | " } else { "" };
        let _ = write!(all, "{before}{kind:04X} ");
        all.push_str(ebcdic::decode(name).trim_end());
    }
    quoted(&mut cell, &all);
    out.extend_from_slice(cell.as_bytes());
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
    use crate::record::{Detail, DistinguishedName, SUBTYPE_DETAIL, Summary, Tls};
    use crate::sink::records::{FieldNames, all_columns, named_columns};

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
        let mut csv = Csv::new(&all_columns(&[SUBTYPE_DETAIL], FieldNames::Ibm), false);
        let (head, line) = (csv.head(), row(&mut csv, &record));
        assert!(line.ends_with(",\"0005 CN=a,O=\"\"b\"\"\"\r\n"), "{line}");
        assert_eq!(head.matches(',').count() + 1, line.matches(',').count());
        let column = head.split(',').position(|n| n == "SMF119SC_TLS_CS_Enc_Alg");
        assert_eq!(column.and_then(|n| line.split(',').nth(n)), Some("0012"));
        let mut both = Csv::new(&all_columns(&[], FieldNames::Ibm), false);
        let mut bytes = Vec::new();
        Summary::default().encode(&mut bytes);
        let line = row(&mut both, &Record::parse(&bytes).expect("a record"));
        assert_eq!(both.head().matches(',').count(), line.matches(',').count(), "{line}");
    }

    #[test]
    fn columns_are_in_the_order_that_is_asked_for() {
        let mut bytes = Vec::new();
        let tls = Some(Tls { c_cert_key_len: 2048, ..Tls::default() });
        Detail { tls, ..Detail::default() }.encode(&mut bytes);
        let mut summary = Vec::new();
        Summary::default().encode(&mut summary);
        let wanted = ["SMF119SC_SALPort", "SMF119HDType", "SMF119SC_SARPort", "SMF119SC_SALPort"];
        let wanted: Vec<String> =
            wanted.iter().chain(&["TLS_CLIENT_CERT_KEY_LEN"]).map(|w| (*w).to_owned()).collect();
        let columns = named_columns(&wanted, FieldNames::Zsecure).expect("columns");
        let mut csv = Csv::new(&columns, false);
        let mut out = csv.head().into_bytes();
        for bytes in [&bytes, &summary, &bytes] {
            csv.row(&mut out, &Record::parse(bytes).expect("a record"));
        }
        let text = String::from_utf8(out).expect("text");
        assert_eq!(
            text,
            "SMF119SC_SALPort,SMF119HDType,SMF119SC_SARPort,SMF119SC_SALPort,\
             TLS_CLIENT_CERT_KEY_LEN\r\n0,119,0,0,2048\r\n,119,,,\r\n0,119,0,0,2048\r\n"
        );
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
