//! A record as one JSON object.

use std::io::Write;

use super::{id, names_of};
use crate::names::{Kind, smf};
use crate::record::field::Format;
use crate::record::value::{self, Value};
use crate::record::{Level, Record, ebcdic};
use crate::sink::jsonl::SCHEMA;

/// Appends a record as an object, in the order of its bytes. Numbers are numbers;
/// codes have their digits and, where the table has one, their name; packed dates
/// and opaque bytes are upper-case and lower-case hexadecimal text.
pub fn object(out: &mut Vec<u8>, record: &Record<'_>, offset: u64) {
    let level = Level::of(record).unwrap_or_default();
    let _ = write!(
        out,
        "{{\"schema\":{SCHEMA},\"type\":\"record\",\"record_type\":{},\"subtype\":{},\"level\":\"{level}\",\"offset\":{offset},\"length\":{},\"sections\":{{",
        record.record_type(),
        record.subtype().unwrap_or(0),
        record.bytes().len()
    );
    let mut first = true;
    for part in record.parts() {
        separate(out, &mut first);
        key(out, &id(&part));
        out.push(b'{');
        let mut first = true;
        for (field, bytes) in part.fields() {
            if field.format == Format::Reserved && bytes.iter().all(|&b| b == 0) {
                continue;
            }
            separate(out, &mut first);
            key(out, field.name);
            // What most fields are, without detours.
            match (field.format, field.codes) {
                (Format::Binary, None) if bytes.len() <= 8 => {
                    let number = bytes.iter().fold(0u64, |n, &b| n << 8 | u64::from(b));
                    let _ = write!(out, "{number}");
                }
                (Format::Binary | Format::Flags, Some(table)) if table.kind != Kind::Text => {
                    let number = bytes.iter().fold(0u64, |n, &b| n << 8 | u64::from(b));
                    out.extend_from_slice(b"{\"code\":\"");
                    digits(out, bytes, b"0123456789ABCDEF");
                    out.extend_from_slice(b"\",\"name\":");
                    name(out, table.name_of(number).as_deref());
                }
                _ => write_value(out, &value::read(&part, field, bytes)),
            }
        }
        if !part.unknown().is_empty() {
            separate(out, &mut first);
            key(out, "unknown");
            hex(out, part.unknown());
        }
        out.push(b'}');
    }
    let names = record.names();
    if !names.is_empty() {
        let (section, prefix) = names_of(record);
        separate(out, &mut first);
        key(out, section);
        out.push(b'[');
        let mut first = true;
        for (dn_type, name) in names {
            separate(out, &mut first);
            let _ = write!(out, "{{\"{prefix}_DN_Type\":");
            let kind = smf::DN_TYPE.name_of(u64::from(dn_type));
            code(out, &format!("{dn_type:04X}"), kind.as_deref());
            let _ = write!(out, ",\"{prefix}_DN\":");
            text(out, ebcdic::decode(name).trim_end());
            out.push(b'}');
        }
        out.push(b']');
    }
    out.extend_from_slice(b"}}");
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

fn write_value(out: &mut Vec<u8>, value: &Value) {
    let _ = match value {
        Value::Number(n) => write!(out, "{n}"),
        Value::Code { code: digits, name } => {
            code(out, digits, name.as_deref());
            Ok(())
        }
        Value::Text { text: characters, .. } => {
            text(out, characters);
            Ok(())
        }
        Value::Date(digits) => write!(out, "\"{digits:08X}\""),
        Value::Address(address) => write!(out, "\"{address}\""),
        Value::Bytes(bytes) => {
            hex(out, bytes);
            Ok(())
        }
    };
}

fn code(out: &mut Vec<u8>, digits: &str, name: Option<&str>) {
    let _ = write!(out, "{{\"code\":\"{digits}\",\"name\":");
    self::name(out, name);
}

/// The name of a code, which ends the object.
fn name(out: &mut Vec<u8>, name: Option<&str>) {
    match name {
        Some(name) => text(out, name),
        None => out.extend_from_slice(b"null"),
    }
    out.push(b'}');
}

fn text(out: &mut Vec<u8>, text: &str) {
    // A text that cannot be written is one that serde_json does not know.
    let _ = serde_json::to_writer(&mut *out, text);
}

fn hex(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    digits(out, bytes, b"0123456789abcdef");
    out.push(b'"');
}

fn digits(out: &mut Vec<u8>, bytes: &[u8], digits: &[u8; 16]) {
    for byte in bytes {
        out.push(digits[usize::from(byte >> 4)]);
        out.push(digits[usize::from(byte & 0xF)]);
    }
}
