//! `zerttap profile`.

use std::io::Write;

use serde_json::json;

use super::DONE;
use super::args::ProfileArgs;
use crate::config::Interval;
use crate::printable::printable_lines;
use crate::profile::{
    self, AddressKind, Options, Port, PortUser, Profile, Recorded, Symbols, Zert,
};

/// Runs the command; returns the exit status.
pub(super) fn run(args: &ProfileArgs) -> anyhow::Result<u8> {
    let mut symbols = Symbols::default();
    for (name, value) in &args.reading.symbol {
        symbols.set(name, value);
    }
    let options = Options { symbols, include: args.reading.include.clone() };
    let profile = profile::read(&args.file, &options)?;
    let mut out = anstream::stdout().lock();
    if args.json {
        writeln!(out, "{}", json(&profile))?;
    } else {
        write!(out, "{}", printable_lines(&text(&profile)))?;
    }
    out.flush()?;
    for note in &profile.notes {
        super::notify("note", &format!("{}: {}", note.place, note.text));
    }
    Ok(DONE)
}

fn text(profile: &Profile) -> String {
    let mut out = String::from("Home addresses\n");
    for home in &profile.home {
        let kind = match home.kind {
            AddressKind::Own => "",
            AddressKind::Backup => "  (backup: its own unless another stack has it)",
            AddressKind::Range => "  (range: its own unless another stack has it)",
        };
        let from = format!("{} {}", home.statement, home.link);
        out += &format!("  {:<39}  {}{kind}\n", home.prefix.to_string(), from.trim_end());
    }
    if profile.home.is_empty() {
        out += "  none\n";
    }
    out += "\nPorts\n";
    for port in &profile.ports {
        let bind = port.bind.map(|a| format!("  bound to {a}")).unwrap_or_default();
        out += &format!("  {:<15}  {}{bind}\n", ports(port), user(&port.user));
    }
    if profile.ports.is_empty() {
        out += "  none\n";
    }
    out += "\nzERT\n";
    out += &format!("  {}\n", zert(profile.zert.as_ref()));
    let on = |what: Option<bool>, name: &str| match what {
        Some(true) => format!(" {name}"),
        Some(false) => format!(" NO{name}"),
        None => String::new(),
    };
    let recorded = |statement: &str, what: &Recorded, detail: &str| {
        let all = on(what.detail, detail)
            + &on(what.summary, "ZERTSUMMARY")
            + &on(what.by_policy, &format!("{detail}BYPOLICY"));
        if all.is_empty() {
            format!("  {statement}: nothing of zERT\n")
        } else {
            format!("  {statement}{all}\n")
        }
    };
    out += &recorded("SMFCONFIG TYPE119", &profile.smf, "ZERTDETAIL");
    out += &recorded("NETMONITOR", &profile.netmonitor, "ZERTSERVICE");
    let skipped: u32 = profile.skipped.values().sum();
    if skipped > 0 {
        let names: Vec<String> = profile.skipped.iter().map(|(s, n)| format!("{s} {n}")).collect();
        out += &format!("\nPassed over: {}\n", names.join(", "));
    }
    if let Some((_, included)) = profile.files.split_first()
        && !included.is_empty()
    {
        let names: Vec<String> = included.iter().map(|f| f.display().to_string()).collect();
        let before = if skipped == 0 { "\n" } else { "" };
        out += &format!("{before}Included: {}\n", names.join(", "));
    }
    out
}

fn ports(port: &Port) -> String {
    let (first, last) = port.ports;
    let proto = if port.ip_proto == 6 { "tcp" } else { "udp" };
    if first == last { format!("{first}/{proto}") } else { format!("{first}-{last}/{proto}") }
}

fn user(user: &PortUser) -> String {
    match user {
        PortUser::Job(name) => name.clone(),
        PortUser::JobsLike(name) => {
            format!("{name}* (any job whose name begins so: none is named)")
        }
        PortUser::Any(name) => format!("{name} (no job is named)"),
        PortUser::Reserved => "RESERVED (nobody)".to_owned(),
    }
}

fn zert(zert: Option<&Zert>) -> String {
    let Some(zert) = zert else { return "GLOBALCONFIG: nothing of zERT".to_owned() };
    if !zert.enabled {
        return "GLOBALCONFIG NOZERT".to_owned();
    }
    let mut out = "GLOBALCONFIG ZERT".to_owned();
    out += if zert.aggregation { " AGGREGATION" } else { " NOAGGREGATION" };
    match zert.interval {
        Some(Interval::Hours(hours)) => out += &format!(" INTVAL {hours}"),
        Some(_) => out += " INTVAL SMF",
        None => {}
    }
    if let Some(minutes) = zert.sync_minutes {
        out += &format!(" SYNCVAL {:02}:{:02}", minutes / 60, minutes % 60);
    }
    out
}

fn json(profile: &Profile) -> serde_json::Value {
    let home = profile.home.iter().map(|h| {
        json!({
            "address": h.prefix.to_string(),
            "kind": match h.kind {
                AddressKind::Own => "own",
                AddressKind::Backup => "backup",
                AddressKind::Range => "range",
            },
            "statement": h.statement,
            "link": h.link,
            "place": h.place.to_string(),
        })
    });
    let ports = profile.ports.iter().map(|p| {
        json!({
            "first": p.ports.0,
            "last": p.ports.1,
            "protocol": if p.ip_proto == 6 { "tcp" } else { "udp" },
            "job": match &p.user { PortUser::Job(name) => Some(name), _ => None },
            "user": user(&p.user),
            "bind": p.bind,
            "place": p.place.to_string(),
        })
    });
    let recorded = |r: &Recorded| json!({ "detail": r.detail, "summary": r.summary, "by_policy": r.by_policy });
    json!({
        "schema": 1,
        "type": "profile",
        "files": profile.files,
        "home": home.collect::<Vec<_>>(),
        "ports": ports.collect::<Vec<_>>(),
        "zert": profile.zert.as_ref().map(|z| zert(Some(z))),
        "smf": recorded(&profile.smf),
        "netmonitor": recorded(&profile.netmonitor),
        "skipped": profile.skipped,
        "notes": profile
            .notes
            .iter()
            .map(|n| json!({ "place": n.place.to_string(), "text": n.text }))
            .collect::<Vec<_>>(),
    })
}
