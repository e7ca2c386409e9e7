//! What a file holds, in numbers.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::json;

use super::{Moment, RecordSummary};
use crate::names::smf;
use crate::printable::printable;
use crate::record::{Record, SUBTYPE_DETAIL, SmfTime, ebcdic};
use crate::sink::jsonl::SCHEMA;
use crate::sink::table::group;

/// Names of stacks that are told apart; others are counted together.
const MAX_STACKS: usize = 10_000;

/// Counts of records.
#[derive(Debug, Default)]
pub struct RecordCounters {
    /// zERT records that were wanted.
    pub records: u64,
    events: BTreeMap<(u16, u8), u64>,
    protocols: BTreeMap<(u16, u8), u64>,
    /// By system, sysplex and stack, EBCDIC as it stands in the record.
    stacks: BTreeMap<[u8; 28], u64>,
    period: Option<[(Moment, SmfTime); 2]>,
    bytes: u64,
}

impl RecordCounters {
    /// Counts a record.
    pub fn add(&mut self, record: &Record<'_>, glance: &RecordSummary) {
        self.records += 1;
        self.bytes += record.bytes().len() as u64;
        *self.events.entry((glance.subtype, glance.event)).or_default() += 1;
        if !glance.is_event() {
            *self.protocols.entry((glance.subtype, glance.protocols)).or_default() += 1;
        }
        let mut name = [0x40; 28];
        let sid = record.bytes().get(14..18);
        let ident = record.section(0).and_then(|s| s.get(..24));
        if let (Some(sid), Some(ident)) = (sid, ident) {
            name[..4].copy_from_slice(sid);
            name[4..].copy_from_slice(ident);
        }
        if self.stacks.len() >= MAX_STACKS && !self.stacks.contains_key(&name) {
            name = [0x6F; 28];
        }
        *self.stacks.entry(name).or_default() += 1;
        let this = (glance.written, glance.time);
        let [first, last] = self.period.get_or_insert([this; 2]);
        if this.0 < first.0 {
            *first = this;
        }
        if this.0 > last.0 {
            *last = this;
        }
    }

    /// As text.
    pub fn text(&self) -> String {
        let mut out = String::new();
        let _ = writeln!(out, "{} zERT records, {} bytes", group(self.records), group(self.bytes));
        if let Some([first, last]) = self.period {
            let text = |time: SmfTime| time.to_text().unwrap_or_else(|| "(no date)".to_owned());
            let _ = writeln!(out, "written from {} to {}", text(first.1), text(last.1));
        }
        let mut list = |title: &str, rows: Vec<(String, u64)>| {
            let _ = writeln!(out, "\n{title}");
            for (name, count) in rows {
                let _ = writeln!(out, "{:>12}  {name}", group(count));
            }
        };
        list("Events", self.events.iter().map(|((s, e), n)| (event(*s, *e), *n)).collect());
        list(
            "Protection",
            self.protocols.iter().map(|((s, p), n)| (protocols(*s, *p), *n)).collect(),
        );
        let named = |name| printable(&stack(name).join(" ")).into_owned();
        list("Stacks", self.stacks.iter().map(|(name, n)| (named(name), *n)).collect());
        out
    }

    /// As one JSON object.
    pub fn json(&self) -> serde_json::Value {
        let rows = |map: &BTreeMap<(u16, u8), u64>, key: &str| -> Vec<serde_json::Value> {
            map.iter().map(|((s, v), n)| json!({ "subtype": s, key: v, "records": n })).collect()
        };
        let text = |n: usize| self.period.and_then(|p| p.get(n)?.1.to_text());
        let stacks: Vec<_> = self
            .stacks
            .iter()
            .map(|(name, n)| {
                let [sid, system, sysplex, stack] = stack(name);
                json!({ "sid": sid, "sysname": system, "sysplex": sysplex, "stack": stack, "records": n })
            })
            .collect();
        json!({
            "schema": SCHEMA,
            "type": "counts",
            "records": self.records,
            "bytes": self.bytes,
            "first": text(0),
            "last": text(1),
            "events": rows(&self.events, "event"),
            "protection": rows(&self.protocols, "flags"),
            "stacks": stacks,
        })
    }
}

fn event(subtype: u16, event: u8) -> String {
    let table = if subtype == SUBTYPE_DETAIL { &smf::SC_EVENT_TYPE } else { &smf::SS_EVENT_TYPE };
    let name = table.name_of(event.into()).unwrap_or("(unknown code)".into());
    format!("subtype {subtype}, event {event}: {name}")
}

fn protocols(subtype: u16, flags: u8) -> String {
    let name = smf::SEC_PROTOS.name_of(flags.into());
    let name = name.unwrap_or_else(|| format!("X'{flags:02X}'").into());
    format!("subtype {subtype}: {name}")
}

/// System identifier, system, sysplex and stack.
fn stack(name: &[u8; 28]) -> [String; 4] {
    [&name[..4], &name[4..12], &name[12..20], &name[20..]]
        .map(|bytes| ebcdic::decode(bytes).trim_end_matches([' ', '\0']).to_owned())
}
