//! The layout of the records for other tools: symbols for DFSORT and ICETOOL, a
//! COBOL copybook, an HLASM DSECT, JSON, Markdown.

use std::collections::BTreeSet;
use std::fmt::Write;

use serde_json::{Map, Value as Json, json};

use crate::record::field::{Field, Format, Section, Significance};
use crate::record::view::sections_of;
use crate::record::{Level, SUBTYPE_DETAIL, SUBTYPE_SUMMARY};

/// The subtypes that have a layout.
const SUBTYPES: [u16; 2] = [SUBTYPE_DETAIL, SUBTYPE_SUMMARY];

/// The form of the layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// SYMNAMES of DFSORT and ICETOOL.
    Symnames,
    /// COBOL copybook.
    Copybook,
    /// HLASM DSECTs.
    Dsect,
    /// JSON.
    Json,
    /// Markdown.
    Markdown,
}

/// The layout of a level, of the wanted subtypes (all if none is named).
pub fn layout(form: Form, level: Level, subtypes: &[u16]) -> String {
    let subtypes: Vec<u16> =
        SUBTYPES.into_iter().filter(|s| subtypes.is_empty() || subtypes.contains(s)).collect();
    match form {
        Form::Symnames => subtypes.iter().map(|s| symnames(*s, level)).collect(),
        Form::Copybook => subtypes.iter().map(|s| copybook(*s, level)).collect(),
        Form::Dsect => subtypes.iter().map(|s| dsect(*s, level)).collect::<String>() + END,
        Form::Json => json(&subtypes, level),
        Form::Markdown => {
            let title = |s: &u16| format!("\n# Subtype {s}\n{}", markdown(&sections_of(*s)));
            subtypes.iter().map(title).collect()
        }
    }
}

const END: &str = "         END\n";

/// The fields that a section has at a level, one after another; later fields stand
/// in the place of reserved bytes.
fn fields(section: &Section, level: Level) -> Vec<&'static Field> {
    let here = |e: &&&'static Section| {
        e.fields.iter().all(|f| match level {
            Level::V2r3 => false,
            Level::V2r5 => f.since <= crate::record::Release::V2r5 && section.id == "sds",
            Level::V3r2 => true,
        })
    };
    let late: Vec<&&Section> = section.extensions.iter().filter(here).collect();
    let replaced =
        |f: &&Field| late.iter().any(|e| e.start == f.offset && e.length <= section.length);
    let mut all: Vec<&'static Field> = section.fields.iter().filter(|f| !replaced(f)).collect();
    all.extend(late.iter().flat_map(|e| e.fields));
    all.sort_by_key(|f| f.offset);
    all
}

fn length(section: &Section, level: Level) -> usize {
    fields(section, level).last().map_or(0, |f| f.offset + f.length)
}

/// Where sections lie in a record of a level that has no section between them: the
/// identification after the triplets, the common section after it, and every
/// other one after that, where the first one lies that there is.
fn places(subtype: u16, level: Level) -> Vec<(&'static Section, usize)> {
    let mut at = 0;
    let mut first = None;
    let mut out = Vec::new();
    for section in sections_of(subtype) {
        let fixed = matches!(section.id, "header" | "sds" | "ident" | "S1");
        if fixed {
            out.push((section, at));
            at += length(section, level);
        } else {
            out.push((section, *first.get_or_insert(at)));
        }
    }
    out
}

/// `symbol,position,length,format`; positions count from 1 and include the record
/// descriptor word, as in records of variable length.
fn symnames(subtype: u16, level: Level) -> String {
    let mut out = format!(
        "* SMF type 119 subtype {subtype}, level {level}: DFSORT symbols.\n\
         * Positions count the RDW. Header, triplets, identification and common\n\
         * section lie where they say; each other section where it lies if it is\n\
         * the first after the common section: compare its triplet before use.\n"
    );
    for (section, base) in places(subtype, level) {
        let _ = writeln!(out, "* {}: {}", section.id, section.title);
        for field in fields(section, level) {
            let format = match field.format {
                Format::Ebcdic => "CH",
                Format::Packed => "PD",
                Format::Binary if field.length <= 8 => "BI",
                Format::Flags => "BI",
                Format::Ip | Format::Bytes | Format::Reserved | Format::Binary => "BI",
            };
            let symbol = symbol(subtype, field.name);
            let _ = writeln!(out, "{symbol},{},{},{format}", base + field.offset + 1, field.length);
        }
    }
    out
}

/// IBM's name; those that both subtypes have get the subtype.
fn symbol(subtype: u16, name: &str) -> String {
    match name.strip_prefix("SMF119S") {
        Some(rest) if rest.starts_with("C_") || rest.starts_with("S_") => name.to_owned(),
        _ => format!("{name}_{subtype}"),
    }
}

/// Data descriptions: one for each section, to be laid over a record by the offset
/// of its triplet.
fn copybook(subtype: u16, level: Level) -> String {
    let mut out = String::new();
    let comment = |out: &mut String, text: &str| {
        let _ = writeln!(out, "      *{text}");
    };
    comment(
        &mut out,
        &format!(" SMF TYPE 119 SUBTYPE {subtype}, LEVEL {}", level.name().to_uppercase()),
    );
    comment(&mut out, " ONE DESCRIPTION FOR EACH SECTION. OFFSETS IN TRIPLETS COUNT");
    comment(&mut out, " FROM THE RECORD DESCRIPTOR WORD, WHICH COBOL DOES NOT SHOW:");
    comment(&mut out, " SUBTRACT 4 AND ADD 1 FOR A REFERENCE MODIFICATION.");
    let mut used = BTreeSet::new();
    for section in sections_of(subtype) {
        comment(&mut out, &format!(" {}", section.title.to_uppercase()));
        let group = format!("SMF119-{subtype}-{}", section.id.to_uppercase());
        let _ = writeln!(out, "       01  {group}.");
        for field in fields(section, level) {
            let picture = match (field.format, field.length) {
                (Format::Packed, 4) => "PIC S9(7) COMP-3".to_owned(),
                (Format::Binary, 2) => "PIC 9(4) COMP-5".to_owned(),
                (Format::Binary, 4) => "PIC 9(9) COMP-5".to_owned(),
                (Format::Binary, 8) => "PIC 9(18) COMP-5".to_owned(),
                (_, length) => format!("PIC X({length})"),
            };
            let name = if field.format == Format::Reserved {
                "FILLER".to_owned()
            } else {
                cobol_name(field.name, subtype, &mut used)
            };
            let _ = writeln!(out, "           05  {name:<30} {picture}.");
        }
    }
    out
}

/// A name of at most 30 letters, digits and hyphens, without the record's prefix.
fn cobol_name(name: &str, subtype: u16, used: &mut BTreeSet<String>) -> String {
    const MOST: usize = 30;
    let shared = symbol(subtype, name) != name;
    let mut short = name.trim_start_matches("SMF119").to_uppercase().replace('_', "-");
    if shared {
        short = format!("S{subtype}-{short}");
    }
    for (long, abbreviation) in [
        ("SIGNATURE-METHOD", "SIGN-METH"),
        ("PSEUDO-RAND-FUNC", "PRF"),
        ("PARTIALCONNCNT", "PARTCNT"),
        ("FAILEDHSCONNCNT", "FAILEDCNT"),
        ("PROTOCOL-PROVIDER", "PROVIDER"),
        ("RMTAUTHMETHOD", "RMTAUTH"),
        ("LCLAUTHMETHOD", "LCLAUTH"),
    ] {
        if short.len() > MOST {
            short = short.replace(long, abbreviation);
        }
    }
    short.truncate(MOST);
    let mut name = short.trim_end_matches('-').to_owned();
    let mut n = 2;
    while !used.insert(name.clone()) {
        let suffix = format!("-{n}");
        short.truncate(MOST - suffix.len());
        name = short.clone() + &suffix;
        n += 1;
    }
    name
}

/// A DSECT for each section.
fn dsect(subtype: u16, level: Level) -> String {
    let mut out = format!("* SMF type 119 subtype {subtype}, level {level}\n");
    for section in sections_of(subtype) {
        let name = format!("SMF119_{subtype}_{}", section.id);
        let _ = writeln!(out, "* {}", section.title);
        let _ = writeln!(out, "{name:<8} DSECT");
        for field in fields(section, level) {
            let kind = match field.format {
                Format::Ebcdic => "CL",
                Format::Packed => "PL",
                Format::Binary | Format::Flags | Format::Ip | Format::Bytes | Format::Reserved => {
                    "XL"
                }
            };
            let symbol = symbol(subtype, field.name);
            let _ = writeln!(out, "{symbol:<40} DS {kind}{}", field.length);
        }
        let _ = writeln!(out, "{:<40} EQU *-{name}", format!("{name}_L"));
    }
    out
}

fn json(subtypes: &[u16], level: Level) -> String {
    let mut all = Map::new();
    for subtype in subtypes {
        let sections: Vec<Json> = sections_of(*subtype)
            .into_iter()
            .map(|section| {
                let fields: Vec<Json> = fields(section, level).into_iter().map(field).collect();
                json!({
                    "id": section.id,
                    "title": section.title,
                    "length": length(section, level),
                    "fields": fields,
                })
            })
            .collect();
        all.insert(subtype.to_string(), Json::Array(sections));
    }
    let layout = json!({
        "type": "layout", "record_type": 119, "level": level.name(), "subtypes": all,
    });
    serde_json::to_string_pretty(&layout).unwrap_or_default() + "\n"
}

fn field(field: &Field) -> Json {
    json!({
        "name": field.name,
        "offset": field.offset,
        "length": field.length,
        "format": format(field.format),
        "fill": format!("{:02X}", field.fill),
        "codes": field.codes.map(|c| c.id),
        "significance": match field.significance {
            Significance::Significant => Some("significant"),
            Significance::Informational => Some("informational"),
            Significance::None => None,
        },
        "since": field.since.name(),
        "meaning": field.meaning.concat().trim(),
    })
}

fn format(format: Format) -> &'static str {
    match format {
        Format::Binary => "binary",
        Format::Ebcdic => "EBCDIC",
        Format::Packed => "packed date",
        Format::Flags => "flags",
        Format::Ip => "address",
        Format::Bytes => "bytes",
        Format::Reserved => "reserved",
    }
}

const COLUMNS: &str =
    "| offset | length | name | format | meaning |\n| --- | --- | --- | --- | --- |\n";

/// Tables of sections, with what later releases have added.
pub fn markdown(sections: &[&Section]) -> String {
    let mut out = String::new();
    for section in sections {
        let _ =
            writeln!(out, "\n## {}: {} ({} bytes)\n", section.id, section.title, section.length);
        out.push_str(COLUMNS);
        for field in section.fields {
            row(&mut out, field);
        }
        for late in section.extensions {
            let since = late.fields.first().map_or("", |f| f.since.name());
            let place = if late.start < section.length {
                "in the place of reserved bytes".to_owned()
            } else {
                // The self-defining section's offsets count from its own start.
                format!("{} bytes long", late.length)
            };
            let _ = writeln!(out, "\nSince {since}, {place}:\n");
            out.push_str(COLUMNS);
            for field in late.fields {
                row(&mut out, field);
            }
        }
    }
    out
}

fn row(out: &mut String, field: &Field) {
    let fill = if field.fill == 0 { "" } else { ", blanks" };
    let codes = field.codes.map(|c| format!(" Codes: `{}`.", c.id)).unwrap_or_default();
    let significant = match field.significance {
        Significance::Significant => " Significant.",
        Significance::Informational | Significance::None => "",
    };
    let _ = writeln!(
        out,
        "| {} | {} | `{}` | {}{fill} | {}{codes}{significant} |",
        field.offset,
        field.length,
        field.name,
        format(field.format),
        field.meaning.concat().trim().replace('|', "\\|")
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_those_of_the_records() {
        let place = |text: &str, symbol: &str| -> Option<usize> {
            let line = text.lines().find(|l| l.split(',').next() == Some(symbol))?;
            line.split(',').nth(1)?.parse().ok()
        };
        let text = layout(Form::Symnames, Level::V2r3, &[]);
        assert_eq!(place(&text, "SMF119HDType_11"), Some(6));
        // The worked examples: S1 at 148 and S3 at 276, S1 at 140 and S2 at 344.
        assert_eq!(place(&text, "SMF119TI_SYSName_11"), Some(24 + 4 + 7 * 8 + 1));
        assert_eq!(place(&text, "SMF119SC_SAEvent_Type"), Some(149));
        assert_eq!(place(&text, "SMF119SC_TLS_Prot_Ver"), Some(277));
        assert_eq!(place(&text, "SMF119SS_SAEvent_Type"), Some(149));
        assert_eq!(place(&text, "SMF119SS_TLS_Source"), Some(345));
        let text = layout(Form::Symnames, Level::V3r2, &[12]);
        assert_eq!(place(&text, "SMF119SS_SAEndFailedHsConnCnt"), Some(141 + 208));
        assert_eq!(place(&text, "SMF119SC_SAEvent_Type"), None);
    }

    #[test]
    fn names_fit_into_their_languages() {
        for level in Level::ALL {
            let copybook = layout(Form::Copybook, level, &[]);
            let mut names = BTreeSet::new();
            for line in copybook.lines().filter(|l| !l.starts_with("      *")) {
                assert!(line.len() <= 72, "{line}");
                let name = line.split_whitespace().nth(1).expect("a name").trim_end_matches('.');
                assert!(name.len() <= 30 && !name.ends_with('-'), "{line}");
                assert!(name == "FILLER" || names.insert(name.to_owned()), "{line}");
            }
            for line in layout(Form::Dsect, level, &[]).lines() {
                assert!(line.len() <= 71, "{line}");
            }
        }
    }
}
