//! An annotated dump: every field with its offset, name, bytes and meaning.

use std::io::{self, Write};

use super::{id, kind, names_of};
use crate::printable::Printable;
use crate::record::value::{self, upper_hex};
use crate::record::{Record, ebcdic};

/// Bytes of a row.
const ROW: usize = 16;

/// Writes a record as an annotated dump; offsets count from the start of the
/// record, decimal and hexadecimal.
///
/// # Errors
/// What the output says.
pub fn annotated(
    out: &mut impl Write,
    record: &Record<'_>,
    number: u64,
    offset: u64,
) -> io::Result<()> {
    let bold = anstyle::Style::new().bold();
    writeln!(
        out,
        "{bold}Record {number}: {}{bold:#} (offset {offset} of the file, {} bytes)",
        kind(record).0,
        record.bytes().len()
    )?;
    let mut covered: Vec<(usize, usize)> = Vec::new();
    for part in record.parts() {
        let title = part.section.map_or("unknown section", |s| s.title);
        writeln!(out, "  {}: {title}", id(&part))?;
        let mut end = 0;
        for (field, bytes) in part.fields() {
            let value = value::read(&part, field, bytes);
            let time = value::time_of_day(field, &value);
            let time = time.map(|t| format!(" ({t})")).unwrap_or_default();
            rows(out, part.offset + field.offset, field.name, bytes, &format!("{value}{time}"))?;
            end = end.max(field.offset + field.length);
        }
        if !part.unknown().is_empty() {
            rows(out, part.offset + end, "unknown bytes", part.unknown(), "")?;
        }
        covered.push((part.offset, part.offset + part.bytes.len()));
    }
    for (place, (dn_type, name)) in record.name_offsets().into_iter().zip(record.names()) {
        let (section, prefix) = names_of(record);
        writeln!(out, "  {section}: Certificate distinguished names section")?;
        let head = place.checked_sub(4).and_then(|at| record.bytes().get(at..)?.first_chunk());
        let Some(&[l1, l2, t1, t2]) = head else { continue };
        let length = format!("{}", name.len() + 4);
        rows(out, place - 4, &format!("{prefix}_DN_Len"), &[l1, l2], &length)?;
        rows(out, place - 2, &format!("{prefix}_DN_Type"), &[t1, t2], &format!("{dn_type}"))?;
        let text = format!("'{}'", Printable(ebcdic::decode(name).trim_end()));
        rows(out, place, &format!("{prefix}_DN"), name, &text)?;
        covered.push((place - 4, place + name.len()));
    }
    // What no section holds.
    covered.sort_unstable();
    let mut at = 0;
    for (start, end) in covered.into_iter().chain([(record.bytes().len(), usize::MAX)]) {
        if start > at {
            let bytes = record.bytes().get(at..start).unwrap_or_default();
            rows(out, at, "between sections", bytes, "")?;
        }
        at = at.max(end);
    }
    writeln!(out)
}

fn rows(
    out: &mut impl Write,
    offset: usize,
    name: &str,
    bytes: &[u8],
    meaning: &str,
) -> io::Result<()> {
    for (n, row) in bytes.chunks(ROW).enumerate() {
        let at = offset + n * ROW;
        let digits: Vec<String> = row.chunks(4).map(upper_hex).collect();
        let digits = digits.join(" ");
        let (name, meaning) = if n == 0 { (name, meaning) } else { ("", "") };
        let line = format!("    {at:>5} {at:04X}  {digits:<35}  {name:<36} {meaning}");
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}
