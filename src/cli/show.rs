//! `zerttap show`.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::Path;

use anyhow::Context;
use serde_json::{Map, Value as Json, json};

use super::args::Show;
use super::{DONE, message};
use crate::dump::Reader;
use crate::names::smf;
use crate::record::field::{Format, Section};
use crate::record::value::{self, Value};
use crate::record::view::Part;
use crate::record::{Record, SUBTYPE_DETAIL, SUBTYPE_SUMMARY, TYPE_TCPIP, ebcdic};
use crate::sink::jsonl::{SCHEMA, hex};

/// Records that were not printed.
#[derive(Default)]
struct Skipped {
    other_types: u64,
    other_subtypes: u64,
}

/// Runs the command; returns the exit status.
pub(super) fn run(args: &Show) -> anyhow::Result<u8> {
    let mut out = BufWriter::new(anstream::stdout().lock());
    let mut skipped = Skipped::default();
    let mut number = 0;
    for path in &args.inputs {
        let name = path.display().to_string();
        let input: Box<dyn Read> = if path == Path::new("-") {
            Box::new(io::stdin().lock())
        } else {
            Box::new(File::open(path).with_context(|| name.clone())?)
        };
        let mut reader = Reader::new(BufReader::with_capacity(256 * 1024, input));
        loop {
            let next = reader.next_record();
            if next.is_err() {
                // What was good before is printed before the error.
                out.flush()?;
            }
            let Some((offset, bytes)) = next.with_context(|| name.clone())? else {
                break;
            };
            let record =
                Record::parse(bytes).with_context(|| format!("{name}: offset {offset}"))?;
            if record.record_type() != TYPE_TCPIP {
                skipped.other_types += 1;
                continue;
            }
            if !matches!(record.subtype(), Some(SUBTYPE_DETAIL | SUBTYPE_SUMMARY)) {
                skipped.other_subtypes += 1;
                continue;
            }
            number += 1;
            if args.jsonl {
                serde_json::to_writer(&mut out, &object(&record, offset))?;
                writeln!(out)?;
            } else {
                tree(&mut out, &record, number, offset)?;
            }
        }
    }
    out.flush()?;
    if skipped.other_types + skipped.other_subtypes > 0 {
        anstream::eprintln!(
            "{}",
            message(
                "note",
                &format!(
                    "passed over {} records of other types and {} of other subtypes of type 119",
                    skipped.other_types, skipped.other_subtypes
                )
            )
        );
    }
    Ok(DONE)
}

fn title(part: &Part<'_>) -> String {
    match (part.section, part.triplet) {
        (Some(Section { id, title, .. }), _) => format!("{id}: {title}"),
        (None, Some(index)) => format!("S{index}: unknown section"),
        (None, None) => "self-defining section".to_owned(),
    }
}

fn tree(out: &mut impl Write, record: &Record<'_>, number: u64, offset: u64) -> io::Result<()> {
    let bold = anstyle::Style::new().bold();
    let (kind, place, events) = match record.subtype() {
        Some(SUBTYPE_SUMMARY) => ("zERT summary", 8, &smf::SS_EVENT_TYPE),
        _ => ("zERT connection detail", 0, &smf::SC_EVENT_TYPE),
    };
    let event = record.section(1).and_then(|s| s.get(place)).map(|&e| u64::from(e));
    let event = event.and_then(|e| events.name_of(e)).unwrap_or_default();
    writeln!(
        out,
        "{bold}Record {number}: {kind}, {event}{bold:#} (offset {offset}, {} bytes)",
        record.bytes().len()
    )?;
    for part in record.parts() {
        writeln!(out, "  {} (offset {}, {} bytes)", title(&part), part.offset, part.bytes.len())?;
        for (field, bytes) in part.fields() {
            if field.format == Format::Reserved && bytes.iter().all(|&b| b == 0) {
                continue;
            }
            let value = value::read(&part, field, bytes);
            let time = value::time_of_day(field, &value);
            let time = time.map(|t| format!(" ({t})")).unwrap_or_default();
            writeln!(out, "    {:<36} {value}{time}", field.name)?;
        }
        if !part.unknown().is_empty() {
            writeln!(out, "    {:<36} X'{}'", "unknown bytes", value::upper_hex(part.unknown()))?;
        }
    }
    let names = record.names();
    if !names.is_empty() {
        let (section, prefix) = names_of(record);
        writeln!(out, "  {section}: Certificate distinguished names section")?;
        for (dn_type, name) in names {
            let kind = smf::DN_TYPE.name_of(u64::from(dn_type));
            writeln!(
                out,
                "    {:<36} X'{dn_type:04X}' {}",
                format!("{prefix}_DN_Type"),
                kind.as_deref().unwrap_or("(unknown code)")
            )?;
            let field = format!("{prefix}_DN");
            writeln!(out, "    {field:<36} '{}'", ebcdic::decode(name).trim_end())?;
        }
    }
    writeln!(out)
}

/// Section and field prefix of the distinguished names.
fn names_of(record: &Record<'_>) -> (&'static str, &'static str) {
    if record.subtype() == Some(SUBTYPE_SUMMARY) { ("S5", "SMF119SS") } else { ("S6", "SMF119SC") }
}

fn object(record: &Record<'_>, offset: u64) -> Json {
    let (names_section, prefix) = names_of(record);
    let mut sections = Map::new();
    for part in record.parts() {
        let id = match (part.section, part.triplet) {
            (Some(section), _) => section.id.to_owned(),
            (None, Some(index)) => format!("S{index}"),
            (None, None) => "sds".to_owned(),
        };
        let mut fields = Map::new();
        for (field, bytes) in part.fields() {
            if field.format == Format::Reserved && bytes.iter().all(|&b| b == 0) {
                continue;
            }
            fields.insert(field.name.to_owned(), json_value(&value::read(&part, field, bytes)));
        }
        if !part.unknown().is_empty() {
            fields.insert("unknown".to_owned(), Json::String(hex(part.unknown())));
        }
        sections.insert(id, Json::Object(fields));
    }
    let names: Vec<Json> = record
        .names()
        .into_iter()
        .map(|(dn_type, name)| {
            let mut entry = Map::new();
            let code = format!("{dn_type:04X}");
            let kind = smf::DN_TYPE.name_of(u64::from(dn_type));
            entry.insert(format!("{prefix}_DN_Type"), json!({ "code": code, "name": kind }));
            entry.insert(format!("{prefix}_DN"), json!(ebcdic::decode(name).trim_end()));
            Json::Object(entry)
        })
        .collect();
    if !names.is_empty() {
        sections.insert(names_section.to_owned(), Json::Array(names));
    }
    json!({
        "schema": SCHEMA,
        "type": "record",
        "record_type": record.record_type(),
        "subtype": record.subtype(),
        "offset": offset,
        "length": record.bytes().len(),
        "sections": sections,
    })
}

/// A value in JSON: numbers as numbers, codes with their names, dates and
/// other packed or opaque bytes as hexadecimal text.
fn json_value(value: &Value) -> Json {
    match value {
        Value::Number(n) => json!(n),
        Value::Code { code, name } => json!({ "code": code, "name": name }),
        Value::Text { text, .. } => json!(text),
        Value::Date(digits) => json!(format!("{digits:08X}")),
        Value::Address(address) => json!(address.to_string()),
        Value::Bytes(bytes) => json!(hex(bytes)),
    }
}
