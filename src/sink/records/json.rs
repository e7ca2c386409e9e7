//! A record as one JSON object.

use std::io::Write;

use super::columns::{Column, FieldNames, What};
use super::names::NameTexts;
use super::plain::{LOWER, UPPER, address, digits, integer, number};
use super::template::Templates;
use super::{id, names_of};
use crate::names::{Kind, smf};
use crate::printable::printable_json;
use crate::record::field::{Field, Format};
use crate::record::value::{self, Value};
use crate::record::view::Part;
use crate::record::{Level, Record, ebcdic};
use crate::sink::jsonl::SCHEMA;

/// Writes records as objects.
#[derive(Debug, Default)]
pub struct Json {
    /// Whose names keys are.
    field_names: FieldNames,
    /// The fields that are written; all, without.
    only: Option<Vec<Column>>,
    templates: Templates,
    names: NameTexts,
}

impl Json {
    /// Writes fields under these names, only those of `only` if there are such: sections
    /// without any of them, and bytes that no field has, are left out then.
    pub fn new(field_names: FieldNames, only: Option<Vec<Column>>) -> Self {
        Self { field_names, only, ..Self::default() }
    }

    /// Appends a record as an object, in the order of its bytes. Numbers are numbers;
    /// codes have their digits and, where the table has one, their name; packed dates
    /// and opaque bytes are upper-case and lower-case hexadecimal text.
    pub fn object(&mut self, out: &mut Vec<u8>, record: &Record<'_>, offset: u64) {
        let level = Level::of(record).unwrap_or_default();
        let mut say = |before: &str, n: u64| {
            out.extend_from_slice(before.as_bytes());
            integer(out, n);
        };
        say("{\"schema\":", u64::from(SCHEMA));
        say(",\"type\":\"record\",\"record_type\":", u64::from(record.record_type()));
        say(",\"subtype\":", u64::from(record.subtype().unwrap_or(0)));
        out.extend_from_slice(b",\"level\":\"");
        out.extend_from_slice(level.name().as_bytes());
        out.push(b'"');
        let mut say = |before: &str, n: u64| {
            out.extend_from_slice(before.as_bytes());
            integer(out, n);
        };
        say(",\"offset\":", offset);
        say(",\"length\":", record.bytes().len() as u64);
        out.extend_from_slice(b",\"sections\":{");
        let mut first = true;
        for part in record.parts() {
            self.part(out, &part, &mut first);
        }
        let wants_names = self.only.as_ref().is_none_or(|only| {
            only.iter()
                .flat_map(|c| &c.places)
                .any(|place| matches!(place.what, What::Names) && place.is_of(record.subtype()))
        });
        let begins = out.len();
        if wants_names {
            self.names.write(out, record, |out, names| {
                if !names.is_empty() {
                    out.push(b',');
                    names_section(out, record, names);
                }
            });
        }
        if first && out.len() > begins {
            out.remove(begins);
        }
        out.extend_from_slice(b"}}");
    }

    /// Appends a part, if there is something of it to be written.
    fn part(&mut self, out: &mut Vec<u8>, part: &Part<'_>, first: &mut bool) {
        let Self { field_names, only, templates, .. } = self;
        let template = templates.of(part, |field| {
            let is_named = |column: &Column| {
                let mut places = column.places.iter();
                places.any(|p| matches!(p.what, What::Field(_, f) if f.name == field.name))
            };
            if only.as_ref().is_some_and(|only| !only.iter().any(is_named)) {
                return None;
            }
            let number = field.format == Format::Binary && field.codes.is_none();
            let mut before = vec![b','];
            key(&mut before, field_names.of(field));
            Some((before, number && field.length <= 8))
        });
        if only.is_some() && template.fields.is_empty() {
            return;
        }
        separate(out, first);
        match part.section {
            Some(section) => key(out, section.id),
            None => key(out, &id(part)),
        }
        let begins = out.len();
        template.fields.write(out, part, |out, slot, bytes| {
            let Some(bytes) = bytes else { return };
            if slot.number {
                number(out, bytes);
            } else {
                render(out, part, slot.field, bytes);
            }
        });
        let unknown = part.bytes.get(template.unknown..).unwrap_or_default();
        if !unknown.is_empty() && only.is_none() {
            out.push(b',');
            key(out, "unknown");
            hex(out, unknown);
        }
        // The first has no comma before it: the object begins there.
        match out.get_mut(begins) {
            Some(comma) => *comma = b'{',
            None => out.push(b'{'),
        }
        out.push(b'}');
    }
}

/// Appends the section of the distinguished names.
fn names_section(out: &mut Vec<u8>, record: &Record<'_>, names: &[(u16, &[u8])]) {
    let (section, prefix) = names_of(record);
    key(out, section);
    out.push(b'[');
    let mut first = true;
    for (dn_type, name) in names {
        separate(out, &mut first);
        out.extend_from_slice(b"{\"");
        out.extend_from_slice(prefix.as_bytes());
        out.extend_from_slice(b"_DN_Type\":{\"code\":\"");
        digits(out, &dn_type.to_be_bytes(), UPPER);
        out.extend_from_slice(b"\",\"name\":");
        self::name(out, smf::DN_TYPE.name_of(u64::from(*dn_type)).as_deref());
        out.extend_from_slice(b",\"");
        out.extend_from_slice(prefix.as_bytes());
        out.extend_from_slice(b"_DN\":");
        text(out, ebcdic::decode(name).trim_end());
        out.push(b'}');
    }
    out.push(b']');
}

fn separate(out: &mut Vec<u8>, first: &mut bool) {
    if !std::mem::take(first) {
        out.push(b',');
    }
}

/// A name of ours, which needs no escapes.
fn key(out: &mut Vec<u8>, name: &str) {
    out.push(b'"');
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

/// Appends what the bytes of a field say.
fn render(out: &mut Vec<u8>, part: &Part<'_>, field: &Field, bytes: &[u8]) {
    match (field.format, field.codes) {
        // What most fields are, without detours.
        (Format::Binary | Format::Flags, Some(table)) if table.kind != Kind::Text => {
            let number = bytes.iter().fold(0u64, |n, &b| n << 8 | u64::from(b));
            out.extend_from_slice(b"{\"code\":\"");
            digits(out, bytes, UPPER);
            out.extend_from_slice(b"\",\"name\":");
            name(out, table.name_of(number).as_deref());
        }
        (Format::Ebcdic, _) if ebcdic::is_plain(bytes) => {
            out.push(b'"');
            ebcdic::decode_to(out, bytes);
            out.push(b'"');
        }
        (Format::Bytes, _) => hex(out, bytes),
        _ => write_value(out, &value::read(part, field, bytes)),
    }
}

fn write_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Number(n) => integer(out, *n),
        Value::Code { code: digits, name } => code(out, digits, name.as_deref()),
        Value::Text { text: characters, .. } => text(out, characters),
        Value::Date(date) => {
            out.push(b'"');
            digits(out, &date.to_be_bytes(), UPPER);
            out.push(b'"');
        }
        Value::Address(address) => {
            out.push(b'"');
            self::address(out, *address);
            out.push(b'"');
        }
        Value::Bytes(bytes) => hex(out, bytes),
    }
}

fn code(out: &mut Vec<u8>, digits: &str, name: Option<&str>) {
    let _ = write!(out, "{{\"code\":\"{digits}\",\"name\":");
    self::name(out, name);
}

/// The name of a code, which ends the object.
fn name(out: &mut Vec<u8>, name: Option<&str>) {
    match name {
        // The tables' names need no escapes.
        Some(name) => {
            out.push(b'"');
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b"\"}");
        }
        None => out.extend_from_slice(b"null}"),
    }
}

fn text(out: &mut Vec<u8>, text: &str) {
    if text.bytes().all(|b| matches!(b, b' ' | b'!' | b'#'..=b'[' | b']'..=b'~')) {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
        return;
    }
    if let Ok(text) = serde_json::to_string(text) {
        out.extend_from_slice(printable_json(&text).as_bytes());
    }
}

fn hex(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    digits(out, bytes, LOWER);
    out.push(b'"');
}
