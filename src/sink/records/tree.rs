//! A record as a tree of sections and fields.

use std::io::{self, Write};

use super::{event, id, kind, names_of};
use crate::names::smf;
use crate::printable::Printable;
use crate::record::field::Format;
use crate::record::value;
use crate::record::view::Part;
use crate::record::{Level, Record, ebcdic};

/// Writes a record with its number and its offset in the file.
///
/// # Errors
/// What the output says.
pub fn tree(out: &mut impl Write, record: &Record<'_>, number: u64, offset: u64) -> io::Result<()> {
    let bold = anstyle::Style::new().bold();
    let (kind, _, events) = kind(record);
    let event = event(record).and_then(|e| events.name_of(u64::from(e))).unwrap_or_default();
    let level = match Level::of(record) {
        None | Some(Level::V2r3) => String::new(),
        Some(later) => format!(", level {later}"),
    };
    writeln!(
        out,
        "{bold}Record {number}: {kind}, {event}{bold:#} (offset {offset}, {} bytes{level})",
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
            writeln!(out, "    {field:<36} '{}'", Printable(ebcdic::decode(name).trim_end()))?;
        }
    }
    writeln!(out)
}

fn title(part: &Part<'_>) -> String {
    match (part.section, part.triplet) {
        (Some(section), _) => format!("{}: {}", section.id, section.title),
        (None, Some(_)) => format!("{}: unknown section", id(part)),
        (None, None) => "self-defining section".to_owned(),
    }
}
