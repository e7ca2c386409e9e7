//! Records as lines of comma-separated values (RFC 4180) under IBM's field names.

use std::fmt::Write;
use std::ops::Range;

use crate::record::field::{Field, Format, Section};
use crate::record::value::{self, Value};
use crate::record::view::sections_of;
use crate::record::{Record, SUBTYPE_DETAIL, SUBTYPE_SUMMARY, ebcdic};

/// One column.
#[derive(Clone, Copy, Debug)]
struct Column {
    subtype: Option<u16>,
    section: &'static str,
    field: &'static Field,
}

/// Writes records under one row of names: those of the fields of the wanted
/// subtypes, without the self-defining section and reserved bytes.
#[derive(Debug)]
pub struct Csv {
    columns: Vec<Column>,
    subtypes: Vec<u16>,
    /// Names instead of codes.
    meanings: bool,
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
                let fields = columns_of(section);
                columns.extend(fields.map(|field| Column { subtype, section: section.id, field }));
            }
        }
        Self { columns, subtypes, meanings }
    }

    /// The row of names.
    pub fn head(&self) -> String {
        let mut names: Vec<&str> = self.columns.iter().map(|c| c.field.name).collect();
        for subtype in &self.subtypes {
            names.push(if *subtype == SUBTYPE_SUMMARY { "SMF119SS_DN" } else { "SMF119SC_DN" });
        }
        names.join(",") + "\r\n"
    }

    /// The row of a record.
    pub fn row(&self, record: &Record<'_>) -> String {
        let parts = record.parts();
        let mut out = String::with_capacity(1024);
        for column in &self.columns {
            let wanted = column.subtype.is_none_or(|s| Some(s) == record.subtype());
            let part = parts
                .iter()
                .filter(|_| wanted)
                .find(|p| p.section.is_some_and(|s| s.id == column.section));
            if let Some(part) = part
                && let Some(bytes) = part.bytes.get(place(column.field))
            {
                self.cell(&mut out, column.field, &value::read(part, column.field, bytes));
            }
            out.push(',');
        }
        for subtype in &self.subtypes {
            let own = Some(*subtype) == record.subtype();
            if own {
                let names: Vec<String> = record
                    .names()
                    .into_iter()
                    .map(|(kind, name)| format!("{kind:04X} {}", ebcdic::decode(name).trim_end()))
                    .collect();
                quoted(&mut out, &names.join(" | "));
            }
            out.push(',');
        }
        out.pop();
        out.push_str("\r\n");
        out
    }

    fn cell(&self, out: &mut String, field: &Field, value: &Value) {
        if let Some(time) = value::time_of_day(field, value) {
            out.push_str(time.trim_end_matches(" s"));
            return;
        }
        let _ = match value {
            Value::Number(n) => write!(out, "{n}"),
            Value::Code { code, name } => match name {
                Some(name) if self.meanings => {
                    quoted(out, name);
                    Ok(())
                }
                _ => write!(out, "{code}"),
            },
            Value::Text { text, name } => {
                quoted(out, name.filter(|_| self.meanings).unwrap_or(text));
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
}

fn columns_of(section: &'static Section) -> impl Iterator<Item = &'static Field> {
    section.all_fields().filter(|f| f.format != Format::Reserved)
}

fn place(field: &Field) -> Range<usize> {
    field.offset..field.offset + field.length
}

/// A text; in quotes where it has to be. A spreadsheet takes what begins with one
/// of some characters for a formula: these get a quote before them.
fn quoted(out: &mut String, text: &str) {
    let formula = text.starts_with(['=', '+', '-', '@']);
    let special = text.contains([',', '"', '\r', '\n']);
    if !formula && !special {
        out.push_str(text);
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
        let names = vec![DistinguishedName { dn_type: 5, name: "CN=a,O=\"b\"".to_owned() }];
        let tls = Some(Tls { cs_enc_alg: 0x12, ..Tls::default() });
        Detail { tls, names, ..Detail::default() }.encode(&mut bytes);
        let record = Record::parse(&bytes).expect("a record");
        let csv = Csv::new(&[SUBTYPE_DETAIL], false);
        let (head, row) = (csv.head(), csv.row(&record));
        assert!(row.ends_with(",\"0005 CN=a,O=\"\"b\"\"\"\r\n"), "{row}");
        assert_eq!(head.matches(',').count() + 1, row.matches(',').count());
        let column = head.split(',').position(|n| n == "SMF119SC_TLS_CS_Enc_Alg");
        assert_eq!(column.and_then(|n| row.split(',').nth(n)), Some("0012"));
        let both = Csv::new(&[], false);
        let mut bytes = Vec::new();
        Summary::default().encode(&mut bytes);
        let row = both.row(&Record::parse(&bytes).expect("a record"));
        assert_eq!(both.head().matches(',').count(), row.matches(',').count(), "{row}");
    }

    #[test]
    fn formulas_are_texts() {
        let mut out = String::new();
        quoted(&mut out, "=1+1");
        assert_eq!(out, "\"'=1+1\"");
    }
}
