//! Records of SMF files for people and programs: as a tree, one line each, JSON Lines, CSV,
//! LEEF events, an annotated dump, or counts.

mod cache;
mod columns;
mod count;
mod csv;
mod dump;
mod json;
mod later;
mod leef;
mod leef_text;
mod lines;
mod names;
mod plain;
mod select;
mod session;
mod template;
mod tree;

pub use columns::{Column, FieldNames, all_columns, field_names, named_columns};
pub use count::RecordCounters;
pub use csv::Csv;
pub(in crate::sink) use csv::quoted;
pub use dump::annotated;
pub use json::Json;
pub use later::LaterBytes;
pub use leef::Leef;
pub use lines::Lines;
pub use select::{Moment, RecordSummary, Selection};
pub use tree::tree;

use crate::names::{CodeTable, smf};
use crate::record::view::Part;
use crate::record::{Record, SUBTYPE_SUMMARY};

/// Identifier of a part: that of its section, or the number of its triplet.
fn id(part: &Part<'_>) -> String {
    match (part.section, part.triplet) {
        (Some(section), _) => section.id.to_owned(),
        (None, Some(index)) => format!("S{index}"),
        (None, None) => "sds".to_owned(),
    }
}

/// Section and field prefix of the distinguished names.
fn names_of(record: &Record<'_>) -> (&'static str, &'static str) {
    if record.subtype() == Some(SUBTYPE_SUMMARY) { ("S5", "SMF119SS") } else { ("S6", "SMF119SC") }
}

/// The kind of a zERT record, where its event type stands in the common section,
/// and the table of its codes.
fn kind(record: &Record<'_>) -> (&'static str, usize, &'static CodeTable) {
    match record.subtype() {
        Some(SUBTYPE_SUMMARY) => ("zERT summary", 8, &smf::SS_EVENT_TYPE),
        _ => ("zERT connection detail", 0, &smf::SC_EVENT_TYPE),
    }
}

/// The event type of a zERT record.
fn event(record: &Record<'_>) -> Option<u8> {
    let (_, place, _) = kind(record);
    record.section(1).and_then(|s| s.get(place)).copied()
}
