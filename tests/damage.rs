//! Loss may hide, not lie: a copy of a capture that lacks packets, bytes of packets or a
//! direction may know less than the whole, and never contradicts it.
//!
//! Every capture is damaged in the ways of [`Damage`], and what is said of a connection of the copy
//! is compared with what is said of the same one of the whole. The environment chooses more
//! than the bounded form: `ZERTTAP_DAMAGE_DIR` the captures, `ZERTTAP_DAMAGE_SEEDS` how many copies
//! of each kind that is drawn by chance, `ZERTTAP_DAMAGE_LENGTHS` every length from 40 to 200 that
//! packets are cut to, `ZERTTAP_DAMAGE_KEEP` a directory for copies that contradict;
//! `scripts/damage` sets them.

mod common;
#[path = "common/packets.rs"]
mod packets;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use packets::Packet;
use rayon::prelude::*;
use serde_json::Value;

/// Captures of connections that no host makes: two clients' answers to one SYN, a FIN with the
/// number of data before it. What is left of them may look like another connection.
const NOT_OF_HOSTS: [&str; 2] = ["tcp_handshake_synthetic.pcap", "webex.pcap"];

/// Captures of more packets are left to the script.
const MOST_PACKETS: usize = 3000;

#[derive(Clone, Copy, Debug)]
enum Damage {
    /// Each packet is lost with this probability, in percent.
    Lost(u64),
    /// Lost packets, and the rest cut.
    LostAndCut(u64, usize),
    /// Every packet is cut to so many bytes.
    Cut(usize),
    /// The first so many percent of the packets are missing.
    Start(usize),
    /// The last so many percent are missing.
    End(usize),
    /// The middle third is missing.
    Middle,
    /// Packets from this end alone: of the first connection's client, or of its server.
    OneEnd(bool),
}

/// Numbers that look random: SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % limit
    }
}

impl Damage {
    fn apply(self, whole: &[Packet], seed: u64) -> Vec<Packet> {
        let mut random = Random(seed);
        let mut kept = whole.to_vec();
        let cut = |packets: &mut Vec<Packet>, length| {
            packets.iter_mut().for_each(|p: &mut Packet| p.data.truncate(length));
        };
        match self {
            Self::Lost(percent) => kept.retain(|_| random.below(100) >= percent),
            Self::LostAndCut(percent, length) => {
                kept.retain(|_| random.below(100) >= percent);
                cut(&mut kept, length);
            }
            Self::Cut(length) => cut(&mut kept, length),
            Self::Start(percent) => drop(kept.drain(..whole.len() * percent / 100)),
            Self::End(percent) => kept.truncate(whole.len() * (100 - percent) / 100),
            Self::Middle => drop(kept.drain(whole.len() / 3..whole.len() * 2 / 3)),
            Self::OneEnd(_) => {}
        }
        kept
    }

    fn filter(self, connections: &[Value]) -> Option<String> {
        let Self::OneEnd(client) = self else { return Some(String::new()) };
        let end = if client { "client" } else { "server" };
        let first = connections.first()?;
        let (this, other) = (&first["client"], &first["server"]);
        // Between two ports of one host its address does not tell who sends.
        let both = this["ip"] == other["ip"];
        let end = &first[end];
        let host = format!("src host {}", end["ip"].as_str()?);
        Some(if both { format!("{host} and src port {}", end["port"]) } else { host })
    }
}

/// The ends of a connection, in no order.
fn ends(connection: &Value) -> [String; 2] {
    let mut ends = [connection["client"].to_string(), connection["server"].to_string()];
    ends.sort();
    ends
}

fn list(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// What a copy claims and the whole does not say, or says otherwise.
///
/// A copy that ends earlier tells of an earlier moment: what protects the connection at its end
/// may come later.
fn contradictions(copy: &Value, whole: &Value, ends_earlier: bool) -> Vec<String> {
    let mut found = Vec::new();
    // Which of two contents of the same bytes counts depends on what came first.
    if whole["conflicting_segments"].as_u64() > Some(0) {
        return found;
    }
    let mut claim = |name: &str, holds: bool| {
        if !holds {
            found.push(name.to_owned());
        }
    };
    let protected = |c: &Value| !list(&c["protection"]).is_empty();
    if copy["established"] == true {
        claim("established", whole["established"] == true);
    }
    let open = ends_earlier && copy["open"] == true;
    // The clear text that came back may be what is missing.
    let may_be_clear_again = copy["incomplete"] == true && !whole["clear_again_at"].is_null();
    for protocol in list(&copy["protection"]) {
        let later = open || may_be_clear_again;
        let holds = later || list(&whole["protection"]).contains(&protocol);
        claim(&format!("protection {protocol}"), holds);
    }
    let bytes = |c: &Value| {
        ["from_client", "from_server"].iter().filter_map(|d| c["bytes"][d].as_u64()).sum::<u64>()
    };
    if copy["protection_known"] == true && !protected(copy) && copy["tls"]["failure"].is_null() {
        let seen = copy["tls"].is_object() || copy["ssh"].is_object();
        // What ended before anything was protected was not.
        let early = bytes(copy) == 0 || open;
        claim("unprotected", seen || early || !protected(whole));
        claim("unprotected", seen || early || whole["encrypted_data"].is_null());
    }
    if !copy["encrypted_data"].is_null() {
        let shown = whole["tls"].is_object() || whole["ssh"].is_object();
        claim("encrypted_data", shown || whole["encrypted_data"] == copy["encrypted_data"]);
    }
    // Datagrams have no sequence numbers: that the first of an EE link is missing is not seen.
    let is_ee = copy["proto"] == "udp";
    let same_client = copy["client"] == whole["client"];
    if copy["midstream"] == false && !is_ee {
        claim("client", same_client);
    }
    for name in ["application", "upgrade", "ftp_data", "session_certificates"] {
        claim(name, copy[name].is_null() || copy[name] == whole[name]);
    }
    claim("clear_again_at", copy["clear_again_at"].is_null() || !whole["clear_again_at"].is_null());
    let allowed =
        Allowed { incomplete: whole["incomplete"] == true, reset: copy["close"] == "reset" };
    for name in ["tls", "ssh"] {
        compare(&copy[name], &whole[name], name, allowed, &mut found);
    }
    // These tell of the ends by their part.
    for name in ["ipsec", "ee"] {
        if same_client && !open {
            compare(&copy[name], &whole[name], name, allowed, &mut found);
        }
    }
    found
}

/// In what a copy may differ.
#[derive(Clone, Copy, Default)]
struct Allowed {
    /// The whole is incomplete: what it lacks may come after the copy's end, so that the copy shows
    /// more.
    incomplete: bool,
    /// The copy ends with a reset.
    reset: bool,
}

fn is_alert(failure: &Value) -> bool {
    failure.as_str().is_some_and(|f| f.contains("alert") || f.contains("error"))
}

/// What is claimed of a handshake, by its keys.
fn compare(copy: &Value, whole: &Value, name: &str, allowed: Allowed, found: &mut Vec<String>) {
    let Allowed { incomplete, reset } = allowed;
    match copy {
        Value::Null => {}
        _ if incomplete && whole.is_null() && name.contains('.') => {}
        Value::Object(keys) => {
            for (key, value) in keys {
                let whole = &whole[key];
                match key.as_str() {
                    // How much was seen, not what.
                    "incomplete" | "ldlc" | "nlp" | "slowdowns" | "ports" | "start" => {}
                    "anomalies" | "messages" | "encrypted_messages" | "end" => {}
                    "completed" if *value == false => {}
                    // A reset may answer the last flight, of which nothing is left then.
                    "failure" if reset && !is_alert(value) => {}
                    _ => compare(value, whole, &format!("{name}.{key}"), allowed, found),
                }
            }
        }
        _ if copy != whole => found.push(format!("{name} {copy} for {whole}")),
        _ => {}
    }
}

#[derive(Default)]
struct Counts {
    connections: u64,
    claims: u64,
    /// Protected connections that are called unprotected.
    accused: u64,
    /// Examples, by what is claimed.
    differences: BTreeMap<String, Vec<String>>,
}

fn judge(copy: &[Value], whole: &[Value], damage: Damage, of: &str, counts: &mut Counts) {
    let ends_earlier = matches!(damage, Damage::End(_));
    let mut by_ends: BTreeMap<[String; 2], Vec<&Value>> = BTreeMap::new();
    for connection in whole {
        by_ends.entry(ends(connection)).or_default().push(connection);
    }
    for connection in copy {
        counts.connections += 1;
        let candidates = by_ends.get(&ends(connection)).map_or(&[][..], |all| all);
        // The same end points may have had several connections; time stamps are not damaged.
        let inside = |w: &&&Value| {
            let end = |c: &Value| c["end"].as_str().unwrap_or("9999").to_owned();
            w["start"].as_str() <= connection["start"].as_str() && end(connection) <= end(w)
        };
        let any = candidates.iter().any(|w| inside(&w));
        let judged = candidates.iter().filter(|w| !any || inside(w));
        let judged = judged.map(|w| contradictions(connection, w, ends_earlier));
        let least = judged.min_by_key(Vec::len);
        for what in least.unwrap_or_else(|| vec!["a connection".to_owned()]) {
            counts.claims += 1;
            counts.accused += u64::from(what == "unprotected");
            let kind = what.split([' ']).next().unwrap_or_default().to_owned();
            let ends = format!("{} {}", connection["client"], connection["server"]);
            counts.differences.entry(kind).or_default().push(format!("{of}: {what}: {ends}"));
        }
    }
}

/// Connections, and IKE security associations, of a capture.
fn said(dir: &Path, packets: &[Packet], filter: &str) -> Option<(Vec<Value>, Vec<Value>)> {
    let (capture, lines) = (dir.join("capture.pcapng"), dir.join("lines.jsonl"));
    std::fs::write(&capture, packets::to_pcapng(packets)).expect("written");
    let mut command = common::zerttap();
    command.args(["read", "-q", "--force", "--threads", "1", "--jsonl"]).arg(&lines).arg(&capture);
    if !filter.is_empty() {
        command.args(["--filter", filter]);
    }
    let output = command.output().expect("the program runs");
    if !filter.is_empty() && output.status.code() == Some(2) {
        // A link type for which libpcap has no filter.
        return None;
    }
    assert!(output.status.success(), "{}", common::text(&output).1);
    let text = std::fs::read_to_string(&lines).expect("lines");
    let all = text.lines().map(|l| serde_json::from_str::<Value>(l).expect("an object"));
    let (connections, others): (Vec<_>, Vec<_>) = all.partition(|l| l["type"] == "connection");
    let associations = others.into_iter().filter(|l| l["type"] == "ike").collect();
    Some((connections, associations))
}

fn judge_associations(copy: &[Value], whole: &[Value], of: &str, counts: &mut Counts) {
    for association in copy {
        let same = |w: &&Value| w["initiator_spi"] == association["initiator_spi"];
        counts.connections += 1;
        let judged = whole.iter().filter(same).map(|w| {
            let mut found = Vec::new();
            for key in ["encryption", "encryption_key_bits", "integrity", "prf", "dh_group"] {
                compare(&association[key], &w[key], key, Allowed::default(), &mut found);
            }
            // An error that was reported first may have been followed by a choice.
            for key in ["version", "auth_method", "responder_spi"] {
                compare(&association[key], &w[key], key, Allowed::default(), &mut found);
            }
            if association["completed"] == true && w["completed"] != true {
                found.push("completed".to_owned());
            }
            found
        });
        let least = judged.min_by_key(Vec::len);
        for what in least.unwrap_or_else(|| vec!["an association".to_owned()]) {
            counts.claims += 1;
            let all = counts.differences.entry("ike".to_owned()).or_default();
            all.push(format!("{of}: {what}: {}", association["initiator_spi"]));
        }
    }
}

fn damages(seeds: u64, every_length: bool) -> Vec<(Damage, u64)> {
    let mut all: Vec<(Damage, u64)> = Vec::new();
    for seed in 0..seeds {
        all.extend([10, 40].map(|p| (Damage::Lost(p), seed)));
        all.push((Damage::LostAndCut(10, 200), seed));
    }
    let lengths = match every_length {
        true => (40..=200).collect(),
        false => vec![40, 54, 60, 68, 80, 96, 128, 160, 200, 400],
    };
    all.extend(lengths.into_iter().map(|n| (Damage::Cut(n), 0)));
    all.extend([10, 50].map(|p| (Damage::Start(p), 0)));
    all.extend([30, 60].map(|p| (Damage::End(p), 0)));
    all.push((Damage::Middle, 0));
    all.extend([true, false].map(|client| (Damage::OneEnd(client), 0)));
    all
}

fn captures_below(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![dir.to_owned()];
    while let Some(dir) = waiting.pop() {
        for entry in std::fs::read_dir(dir).expect("a directory").flatten() {
            let path = entry.path();
            if path.is_dir() { waiting.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

#[test]
fn damaged_copies_never_contradict_the_whole() {
    let chosen = std::env::var_os("ZERTTAP_DAMAGE_DIR");
    let seeds = std::env::var("ZERTTAP_DAMAGE_SEEDS").ok().and_then(|s| s.parse().ok());
    let captures = match &chosen {
        Some(dir) => captures_below(Path::new(dir)),
        None => common::captures(),
    };
    let keep = std::env::var_os("ZERTTAP_DAMAGE_KEEP");
    let most = if chosen.is_some() { usize::MAX } else { MOST_PACKETS };
    let every_length = std::env::var_os("ZERTTAP_DAMAGE_LENGTHS").is_some();
    let damages = damages(seeds.unwrap_or(1), every_length);
    let counts = Mutex::new(Counts::default());
    let copies = Mutex::new(0_u64);
    (0..).zip(&captures).collect::<Vec<(u64, _)>>().par_iter().for_each(|(number, path)| {
        let Some(whole) = std::fs::read(path).ok().and_then(|file| packets::read(&file)) else {
            return;
        };
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if whole.len() > most || NOT_OF_HOSTS.contains(&&*name) {
            return;
        }
        let dir = tempfile::tempdir().expect("a directory");
        let Some((connections, associations)) = said(dir.path(), &whole, "") else { return };
        for (damage, seed) in &damages {
            let Some(filter) = damage.filter(&connections) else { continue };
            let copy = damage.apply(&whole, seed ^ number << 32);
            let Some((found, ike)) = said(dir.path(), &copy, &filter) else { continue };
            let of = format!("{} {damage:?} {seed}", path.display());
            let mut counts = counts.lock().expect("a lock");
            let before = counts.claims;
            judge(&found, &connections, *damage, &of, &mut counts);
            judge_associations(&ike, &associations, &of, &mut counts);
            let mut copies = copies.lock().expect("a lock");
            *copies += 1;
            if let (true, Some(keep)) = (counts.claims > before, &keep) {
                let kept = Path::new(keep).join(format!("{copies}-{name}.pcapng"));
                std::fs::write(&kept, packets::to_pcapng(&copy)).expect("written");
                println!("{}: {of}", kept.display());
            }
        }
    });
    let counts = counts.into_inner().expect("a lock");
    let copies = copies.into_inner().expect("a lock");
    println!(
        "{} damaged copies, {} connections: {} protected ones called unprotected, {} claims that the \
         whole does not have",
        copies, counts.connections, counts.accused, counts.claims
    );
    for (kind, examples) in &counts.differences {
        println!("{:6} {kind}", examples.len());
        examples.iter().take(8).for_each(|e| println!("       {e}"));
    }
    assert!(copies > 0, "no capture was read");
    assert_eq!((counts.accused, counts.claims), (0, 0));
}
