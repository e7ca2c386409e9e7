//! What was left out of a run, and why: packets of which nothing is followed, addresses
//! that are not the stack's.

use crate::pipeline::ledger::PacketDisposition;
use crate::pipeline::{Ledger, Told};
use crate::sink::table::group;

/// Reasons that are listed; `--stats` has all.
const LISTED: usize = 12;

/// What the user should know of it, a line each, the most important first.
pub(super) struct LeftOut {
    /// That nothing was followed, or how much was not understood.
    pub head: Option<String>,
    /// Why, most frequent first.
    pub reasons: Vec<Told>,
    /// Reasons beyond those.
    pub more: usize,
    /// What is to be changed: addresses of the stack, the filter.
    pub advice: Vec<String>,
}

impl LeftOut {
    /// Of a run that has ended.
    pub fn of(ledger: &Ledger) -> Self {
        let mut reasons = ledger.not_followed();
        let nothing = ledger.nothing_followed();
        if !nothing {
            reasons.retain(|told| !told.ordinary);
        }
        let packets: u64 = reasons.iter().map(|told| told.packets).sum();
        let head = match (nothing, packets) {
            (true, _) => Some(format!(
                "Nothing was followed: none of the {} is of a TCP or Enterprise Extender \
                 connection, IKE, ESP or AH.",
                counted(ledger.total.packets)
            )),
            (false, 0) => None,
            (false, packets) => Some(format!("Not understood: {}.", counted(packets))),
        };
        let more = reasons.len().saturating_sub(LISTED);
        reasons.truncate(LISTED);
        Self { head, reasons, more, advice: advice(ledger) }
    }

    /// As one line for standard error.
    pub fn line(&self) -> Option<String> {
        let head = self.head.as_ref()?;
        let mut reasons: Vec<String> = (self.reasons.iter())
            .map(|told| format!("{}: {}", counted(told.packets), told.reason))
            .collect();
        if self.more > 0 {
            reasons.push(format!("{} more reasons (--stats has all)", group(self.more as u64)));
        }
        Some(format!("{head} {}", reasons.join("; ")))
    }

    /// As lines above the table.
    pub fn text(&self) -> String {
        let mut out = String::new();
        if let Some(head) = &self.head {
            out += head;
            out.push('\n');
        }
        for told in &self.reasons {
            out += &format!("  {:>6}  {}\n", group(told.packets), told.reason);
        }
        if self.more > 0 {
            out += &format!("  and {} more reasons (--stats has all)\n", group(self.more as u64));
        }
        for line in &self.advice {
            out += line;
            out.push('\n');
        }
        out
    }
}

fn counted(packets: u64) -> String {
    let s = if packets == 1 { "" } else { "s" };
    format!("{} packet{s}", group(packets))
}

fn advice(ledger: &Ledger) -> Vec<String> {
    let mut lines = Vec::new();
    let addresses = ledger.routed_addresses();
    if !addresses.is_empty() {
        let named: Vec<String> =
            addresses.iter().map(|a| format!("{} ({})", a.address, counted(a.packets))).collect();
        lines.push(format!(
            "No TCP connection has an address of the stack (--home): {} between other addresses \
             were ignored as routed; the addresses seen most are {}.",
            counted(ledger.counter(PacketDisposition::TcpRouted).packets)
                .replace("packet", "TCP packet"),
            named.join(", ")
        ));
    }
    let copies = ledger.counter(PacketDisposition::Duplicate).packets;
    if copies > 0 {
        lines.push(format!(
            "The capture has packets more than once, as a mirror of several ports does: {} \
             counted as copies (--keep-duplicates counts all).",
            counted(copies)
        ));
    }
    let refused = ledger.counter(PacketDisposition::Filtered).packets;
    if refused > 0 && refused == ledger.total.packets {
        lines.push(format!(
            "The filter accepts no packet: all {} were refused; frames with tags or tunnels need \
             a filter for what is inside, like \"vlan and tcp\".",
            counted(refused)
        ));
    }
    if ledger.total.packets == 0 {
        lines.push("The input has no packets.".to_owned());
    }
    lines
}
