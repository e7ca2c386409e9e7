//! An outcome for people, as text and as a page, and its findings as JSON Lines.

mod answers;
mod html;
mod lines;
mod objects;
mod text;

use std::net::IpAddr;

pub use html::page;
pub use lines::{last_lines, line};
pub use objects::{Alone, CauseObject, Check, CoverageObject, FaultObject, Pair};
pub use text::text;

use super::{
    CodeGroup, CountRule, Counted, Difference, Inventory, Outcome, RecordLocation, Subject, Tuple,
    VerdictReason,
};
use crate::names::wire;
use crate::record::{SmfTime, ebcdic};
use crate::sink::table::{bytes, group};

/// Hundredths of a second in an hour.
const HOUR: i64 = 360_000;

/// Limits of what is accepted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    /// Pairs and faults that may be wrong.
    pub contradictions: u64,
    /// Connections and intervals that may be missing.
    pub missing: u64,
    /// The share of the stack's connections that the capture has to speak about, in
    /// percent.
    pub coverage: Option<f64>,
    /// What speaks against the records.
    pub fail_on: FailOn,
}

/// What speaks against the records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailOn {
    /// Missing connections and intervals.
    pub missing: bool,
    /// Contradictions and faults.
    pub contradiction: bool,
    /// Systematic differences that were not known before.
    pub calibration: bool,
}

impl Default for FailOn {
    fn default() -> Self {
        Self { missing: true, contradiction: true, calibration: false }
    }
}

/// What is to be said in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// All agree.
    Agree,
    /// There are contradictions, or records are missing.
    Disagree,
    /// Too little could be compared.
    CannotJudge,
}

impl Limits {
    /// The judgement of an outcome.
    pub fn judge(&self, outcome: &Outcome) -> Judgement {
        let covered = |least: f64| {
            let share = outcome.connections.coverage().or_else(|| outcome.intervals.coverage());
            share.is_some_and(|share| share >= least)
        };
        let FailOn { missing, contradiction, calibration } = self.fail_on;
        if contradiction && outcome.contradictions() > self.contradictions
            || missing && outcome.missing_count() > self.missing
            || calibration && outcome.calibrations() > 0
        {
            Judgement::Disagree
        } else if !outcome.judged()
            || self.coverage.is_some_and(|c| outcome.compared && !covered(c))
        {
            Judgement::CannotJudge
        } else {
            Judgement::Agree
        }
    }
}

/// A section of a report.
#[derive(Clone, Debug, Default)]
struct Section {
    title: String,
    notes: Vec<String>,
    head: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

/// The names of the files that places number.
fn at(place: Option<RecordLocation>, files: &[String]) -> String {
    let Some(place) = place else { return String::new() };
    match files.get(place.file as usize) {
        Some(file) => format!("{file} at {}", place.offset),
        None => "the capture".to_owned(),
    }
}

fn subject(subject: Subject) -> String {
    match subject {
        Subject::Connection(tuple, start) => format!("{} from {} UTC", ends(&tuple), time(start)),
        Subject::Session(ends, end) => {
            let (first, last) = ends.ports;
            let ports = if first == last { first.to_string() } else { format!("{first}-{last}") };
            let server = place(ends.server, &ports);
            format!("{server} with {}, interval to {}", ends.client, time(end))
        }
    }
}

fn ends(tuple: &Tuple) -> String {
    let end = |(ip, port): (IpAddr, u16)| place(ip, &port.to_string());
    let proto = match tuple.ip_proto {
        6 => String::new(),
        17 => " (EE)".to_owned(),
        other => format!(" (protocol {other})"),
    };
    format!("{} with {}{proto}", end(tuple.local), end(tuple.remote))
}

fn place(ip: IpAddr, port: &str) -> String {
    if ip.is_ipv6() { format!("[{ip}]:{port}") } else { format!("{ip}:{port}") }
}

/// A display filter of Wireshark for the packets of a connection or a session.
fn display_filter(subject: Subject) -> Option<String> {
    let address = |ip: IpAddr| {
        let family = if ip.is_ipv6() { "ipv6" } else { "ip" };
        format!("{family}.addr == {ip}")
    };
    let (one, other, ip_proto, ports) = match subject {
        Subject::Connection(tuple, _) => {
            let ports = vec![tuple.local.1, tuple.remote.1];
            (tuple.local.0, tuple.remote.0, tuple.ip_proto, ports)
        }
        Subject::Session(ends, _) => {
            let (first, last) = ends.ports;
            let ports = if first == last { vec![first] } else { Vec::new() };
            (ends.server, ends.client, ends.ip_proto, ports)
        }
    };
    let protocol = match ip_proto {
        6 => "tcp",
        17 => "udp",
        50 => "esp",
        51 => "ah",
        _ => return None,
    };
    let mut terms = vec![address(one), address(other)];
    if matches!(protocol, "tcp" | "udp") {
        terms.extend(ports.iter().map(|port| format!("{protocol}.port == {port}")));
    }
    if terms.len() == 2 {
        terms.push(protocol.to_owned());
    }
    Some(terms.join(" && "))
}

/// A moment as `YYYY-MM-DD hh:mm:ss.hh`.
fn time(hundredths: i64) -> String {
    SmfTime::utc(hundredths.saturating_mul(10_000_000)).to_text().unwrap_or_default()
}

/// A difference of clocks.
fn ahead(hundredths: i64) -> String {
    let (sign, n) = if hundredths < 0 { ("behind", -hundredths) } else { ("ahead of", hundredths) };
    if n % (HOUR / 4) == 0 && n > 0 {
        format!("{} h {} min {sign}", n / HOUR, n % HOUR / 6000)
    } else {
        format!("{}.{:02} s {sign}", n / 100, n % 100)
    }
}

/// The report, section by section.
fn sections(outcome: &Outcome, limits: &Limits, files: &[String]) -> Vec<Section> {
    let mut all = vec![judgement(outcome, limits), answers::trusted(outcome, files)];
    if outcome.compared {
        all.push(coverage(outcome));
        all.push(answers::servers(outcome));
    }
    all.extend(answers::differs(outcome, files));
    all.push(calibration(outcome));
    all.push(answers::next(outcome));
    // Field by field, for those who look further.
    all.push(differences(outcome, files, "Contradictions by field", |d| {
        matches!(d, Difference::Contradiction(_))
    }));
    all.push(missing(outcome, files));
    all.push(differences(outcome, files, "Within tolerance", |d| {
        matches!(d, Difference::Tolerated(_))
    }));
    all.push(not_observable(outcome));
    all.retain(|s| !s.notes.is_empty() || !s.rows.is_empty());
    all
}

fn judgement(outcome: &Outcome, limits: &Limits) -> Section {
    let mut notes = vec![
        match limits.judge(outcome) {
            Judgement::Agree if outcome.nothing_to_compare() => {
                "Neither the stack's records nor the wire have a connection: nothing differs."
            }
            Judgement::Agree if outcome.compared => {
                "The stack's records agree with the wire, as far as it can be seen."
            }
            Judgement::Agree => "The records are whole and agree with each other.",
            Judgement::Disagree if outcome.compared => {
                "The stack's records and the wire do not agree."
            }
            Judgement::Disagree => "Something is wrong with the records.",
            Judgement::CannotJudge => "This cannot be judged: too little could be compared.",
        }
        .to_owned(),
    ];
    if outcome.beyond_observation > 0 {
        notes.push(format!(
            "{} connections and intervals differ from all that the wire shows, and agree with what z/OS stream observation sees of it, which has limits: a return to clear text, a second handshake, a handshake in the middle of a connection. They are not contradictions.",
            group(outcome.beyond_observation),
        ));
    }
    if outcome.compared {
        let fields = |name: &str| group(outcome.fields.get(name).copied().unwrap_or(0));
        notes.push(format!(
            "{} connections and {} intervals of security sessions are on both sides; {} and {} of them have a contradiction; {} are missing on one side without a reason.",
            group(outcome.connections.pairs),
            group(outcome.intervals.pairs),
            group(outcome.connections.contradicted),
            group(outcome.intervals.contradicted),
            group(outcome.missing_count()),
        ));
        notes.push(format!(
            "Fields: {} equal, {} within tolerance, {} not observable, {} contradictions.",
            fields("equal"),
            fields("within_tolerance"),
            fields("not_observable"),
            fields("contradiction"),
        ));
    }
    Section { notes, ..Section::default() }
}

fn coverage(outcome: &Outcome) -> Section {
    let mut section = Section { title: "What was tested".to_owned(), ..Section::default() };
    let period = |p: Option<(i64, i64)>| {
        p.map_or_else(|| "none".to_owned(), |(a, b)| format!("{} to {}", time(a), time(b)))
    };
    section.head = vec!["", "STACK", "WIRE"];
    let mut row = |name: &str, stack: String, tap: String| {
        section.rows.push(vec![name.to_owned(), stack, tap]);
    };
    for (name, subtype) in [("detail records", 11), ("summary records", 12)] {
        let count = |s: &Inventory| group(s.records.get(&subtype).copied().unwrap_or_default());
        row(name, count(&outcome.stack), count(&outcome.tap));
    }
    row("connections from, to (UTC)", period(outcome.stack.period), period(outcome.tap.period));
    let shared = outcome.stack.local.iter().filter(|a| outcome.tap.has(**a)).count();
    row(
        "addresses of stacks",
        group(outcome.stack.local.len() as u64),
        format!("{} of them", group(shared as u64)),
    );
    let share = |counted: &Counted| {
        counted.coverage().map_or_else(|| "none".to_owned(), |s| format!("{s:.1} %"))
    };
    row("connections that it speaks about", String::new(), share(&outcome.connections));
    row("intervals that it speaks about", String::new(), share(&outcome.intervals));
    let (all, paired) = outcome.bytes;
    row("bytes of connections", bytes(all), format!("{} of them paired", bytes(paired)));
    let mut ports: Vec<(&u16, &(u64, u64))> = outcome.ports.iter().collect();
    ports.sort_by_key(|(port, (all, _))| (std::cmp::Reverse(*all), **port));
    for (port, (all, paired)) in ports.into_iter().take(10) {
        row(
            &format!("connections of port {port}"),
            group(*all),
            format!("{} of them paired", group(*paired)),
        );
    }
    for (system, count) in &outcome.stack.systems {
        section.notes.push(format!("{}: {} records.", system.text(), group(*count)));
    }
    for (what, zone) in [("stack's", outcome.zones[0]), ("tap's", outcome.zones[1])] {
        if let Some(zone) = zone.filter(|z| *z != 0) {
            section.notes.push(format!("The {what} record headers are {} UTC.", ahead(zone)));
        }
    }
    for (counted, one) in [(&outcome.connections, "connections"), (&outcome.intervals, "intervals")]
    {
        let sides = [(true, &counted.only_stack), (false, &counted.only_tap)];
        for (stack, reasons) in sides {
            for (reason, count) in reasons.iter().filter(|(r, _)| !r.is_missing()) {
                let who = if stack { "the stack" } else { "the wire" };
                section.notes.push(format!(
                    "{} {one} only of {who}: {}.",
                    group(*count),
                    reason.text(stack)
                ));
            }
        }
    }
    section
}

fn why(difference: Difference) -> VerdictReason {
    match difference {
        Difference::Contradiction(why)
        | Difference::Tolerated(why)
        | Difference::NotObservable(why) => why,
    }
}

fn differences(
    outcome: &Outcome,
    files: &[String],
    title: &str,
    wanted: impl Fn(Difference) -> bool,
) -> Section {
    let mut section = Section {
        title: title.to_owned(),
        head: vec!["FIELD", "TIMES", "WHY", "STACK", "WIRE", "EXAMPLE", "RECORD"],
        ..Section::default()
    };
    for ((field, difference), (count, examples)) in
        outcome.differences.iter().filter(|((_, d), _)| wanted(*d))
    {
        for (n, example) in examples.iter().take(3).enumerate() {
            let (field, times, why) = match n {
                0 => ((*field).to_owned(), group(*count), why(*difference).text().to_owned()),
                _ => <(String, String, String)>::default(),
            };
            section.rows.push(vec![
                field,
                times,
                why,
                example.values.0.clone(),
                example.values.1.clone(),
                subject(example.subject),
                at(example.place, files),
            ]);
        }
    }
    section
}

fn missing(outcome: &Outcome, files: &[String]) -> Section {
    let mut section = Section {
        title: "Missing".to_owned(),
        head: vec!["WHAT", "ONLY", "WHY", "RECORD"],
        ..Section::default()
    };
    for (_, what, stack, reason, place) in &outcome.missing {
        let only = if *stack { "stack" } else { "wire" };
        let why = reason.text(*stack).to_owned();
        let record = at(Some(*place), files);
        section.rows.push(vec![subject(*what), only.to_owned(), why, record]);
    }
    let all = outcome.missing_count();
    if all > outcome.missing.len() as u64 {
        let more = all - outcome.missing.len() as u64;
        section.notes.push(format!("{} more are in the JSON output.", group(more)));
    }
    section
}

fn calibration(outcome: &Outcome) -> Section {
    let found = &outcome.calibration;
    let mut section = Section {
        title: "Systematic differences".to_owned(),
        head: vec!["FIELD", "TIMES", "STACK", "HERE", "FOR", "LINE FOR --codes"],
        ..Section::default()
    };
    let (first, last) = found.clock.range();
    if first != last {
        section.notes.push(format!(
            "The stack's clock is {} the tap's at first and {} it in the end.",
            ahead(first),
            ahead(last)
        ));
    } else if first != 0 {
        let zone = if first % (HOUR / 4) == 0 { ": a time-zone mistake" } else { "" };
        section.notes.push(format!("The stack's clock is {} the tap's{zone}.", ahead(first)));
    }
    if found.interval_clock != 0 {
        section.notes.push(format!(
            "The local time of the stack's summary records is {} the tap's.",
            ahead(found.interval_clock)
        ));
    }
    if let Some((rule, count)) = found.counting {
        section.notes.push(format!(
            "The stack counts {rule}: that explains {} counters, and so it is compared.",
            group(count)
        ));
    }
    for (field, (rule, count)) in &found.counters {
        let rule = match rule {
            CountRule::Constant(n) if *n > 0 => format!("{n} more than here"),
            CountRule::Constant(n) => format!("{} less than here", -n),
            CountRule::Header(n) => format!("{n} bytes more for each segment: headers"),
        };
        section.notes.push(format!("The stack counts {field} as {rule}, {} times.", group(*count)));
    }
    for (group_of, count) in &found.codes {
        let CodeGroup { field, suite, tap, stack } = group_of;
        let suite = ebcdic::decode(suite).trim_matches([' ', '\0']).to_owned();
        section.rows.push(vec![
            (*field).to_owned(),
            group(*count),
            format!("X'{stack:04X}'"),
            format!("X'{tap:04X}'"),
            suite.clone(),
            override_line(field, &suite, *tap, *stack).unwrap_or_default(),
        ]);
    }
    section
}

/// The line of a file for `--codes` that makes the tap write what the stack does.
fn override_line(field: &str, suite: &str, tap: u64, stack: u64) -> Option<String> {
    let (tap, stack) = (u16::try_from(tap).ok()?, u16::try_from(stack).ok()?);
    let column = match field {
        "TLS_CS_Enc_Alg" => Some("enc_alg"),
        "TLS_CS_Msg_Auth" => Some("msg_auth"),
        "TLS_CS_Kex_Alg" => Some("tls_kex"),
        _ => None,
    };
    if let Some(column) = column {
        return Some(format!("wire.tls_suite.{suite}.{column} = \"{stack:04X}\""));
    }
    // Of SSH the record has the code alone: a name is sure if only one has it.
    let (table, names) = match field {
        "SSH_Kex_Method" => ("ssh_kex", wire::SSH_KEX),
        "SSH_In_Enc_Alg" | "SSH_Out_Enc_Alg" => ("ssh_cipher", wire::SSH_CIPHER),
        "SSH_In_Msg_Auth" | "SSH_Out_Msg_Auth" => ("ssh_mac", wire::SSH_MAC),
        "SSH_SKey_Type" => ("ssh_host_key", wire::SSH_HOST_KEY),
        _ => return None,
    };
    let mut all = names.iter().filter(|(_, code)| *code == tap);
    let (name, _) = all.next().filter(|_| all.next().is_none())?;
    Some(format!("wire.{table}.\"{name}\" = \"{stack:04X}\""))
}

fn faults(outcome: &Outcome, files: &[String]) -> Section {
    let mut section = Section {
        title: "The stack's records by themselves".to_owned(),
        head: vec!["WHAT", "TIMES", "MORE", "RECORD"],
        ..Section::default()
    };
    for (fault, (count, examples)) in &outcome.faults {
        for (n, found) in examples.iter().take(3).enumerate() {
            let (what, times) = match n {
                0 => (fault.text().to_owned(), group(*count)),
                _ => (String::new(), String::new()),
            };
            section.rows.push(vec![what, times, found.what.clone(), at(Some(found.place), files)]);
        }
    }
    section
}

fn not_observable(outcome: &Outcome) -> Section {
    let mut section = Section {
        title: "Not observable".to_owned(),
        head: vec!["FIELD", "TIMES", "WHY"],
        ..Section::default()
    };
    for ((field, difference), (count, _)) in &outcome.differences {
        if let Difference::NotObservable(why) = difference {
            section.rows.push(vec![(*field).to_owned(), group(*count), why.text().to_owned()]);
        }
    }
    section
}
