//! The summary records and the JSON Lines of a run tell the same story: connections and bytes
//! of each pair of addresses, by the offsets of the layout of subtype 12.

mod common;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rayon::prelude::*;
use serde_json::Value;

/// What is counted of the connections between a server and a client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counted {
    connections: u64,
    from_client: u64,
    from_server: u64,
    segments: u64,
}

type Pairs = BTreeMap<(IpAddr, IpAddr), Counted>;

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |n, b| n << 8 | u64::from(*b))
}

/// An address field: IPv4 in the first four bytes with flag X'80' not set.
fn address(bytes: &[u8], ipv6: bool) -> IpAddr {
    if ipv6 {
        let all: [u8; 16] = bytes[..16].try_into().expect("sixteen");
        IpAddr::V6(Ipv6Addr::from(all))
    } else {
        IpAddr::V4(Ipv4Addr::new(bytes[0], bytes[1], bytes[2], bytes[3]))
    }
}

/// What the interval records of TCP sessions count: end less beginning of each.
fn of_records(file: &[u8]) -> Pairs {
    const INTERVAL: u8 = 1;
    const TCP: u8 = 6;
    let mut pairs = Pairs::new();
    for record in common::records_of(file) {
        if record[22..24] != [0, 12] {
            continue;
        }
        let at = number(&record[36..40]) as usize;
        let s1 = &record[at..at + 204];
        if s1[8] != INTERVAL || s1[27] != TCP {
            continue;
        }
        let ipv6 = s1[9] & 0x80 != 0;
        let grown = |from: usize, to: usize, length: usize| {
            number(&s1[to..to + length]) - number(&s1[from..from + length])
        };
        let counted =
            pairs.entry((address(&s1[28..], ipv6), address(&s1[44..], ipv6))).or_default();
        counted.connections += grown(108, 156, 4);
        counted.from_client += grown(124, 172, 8);
        counted.from_server += grown(132, 180, 8);
        counted.segments += grown(140, 188, 8) + grown(148, 196, 8);
    }
    pairs
}

/// Pairs that are compared less strictly.
#[derive(Default)]
struct Exceptions {
    /// With connections that may be recorded or not.
    changing: Vec<(IpAddr, IpAddr)>,
    /// With connections that were reset: what comes after is in their objects alone.
    reset: Vec<(IpAddr, IpAddr)>,
    /// With connections that lasted ten seconds: they may be in several sessions, one after
    /// another.
    long: Vec<(IpAddr, IpAddr)>,
}

fn lasted_ten_seconds(line: &Value) -> bool {
    let time = |key: &str| line[key].as_str().and_then(|t| t.parse::<jiff::Timestamp>().ok());
    match (time("established_at"), time("end")) {
        (Some(from), Some(to)) => to.duration_since(from).as_secs() >= 10,
        _ => true,
    }
}

/// What the objects say of connections that are recorded.
fn of_lines(lines: &[Value]) -> (Pairs, Exceptions) {
    let (mut pairs, mut exceptions) = (Pairs::new(), Exceptions::default());
    for line in lines {
        if line["proto"] != "tcp" || line["established"] != true || line["midstream"] == true {
            continue;
        }
        let end = |of: &str| line[of]["ip"].as_str().expect("text").parse().expect("an address");
        let pair = (end("server"), end("client"));
        if line["protection_known"] == false || line.get("clear_again_at").is_some() {
            // It may have been recorded while it was known.
            exceptions.changing.push(pair);
        }
        if line["close"] == "reset" {
            exceptions.reset.push(pair);
        }
        if lasted_ten_seconds(line) {
            exceptions.long.push(pair);
        }
        let times = line["protection"].as_array().map_or(1, |p| p.len().max(1)) as u64;
        let counted = pairs.entry(pair).or_default();
        let value = |of: &str, key: &str| line[of][key].as_u64().expect("a number");
        counted.connections += times;
        counted.from_client += times * value("bytes", "from_client");
        counted.from_server += times * value("bytes", "from_server");
        counted.segments +=
            times * (value("segments", "from_client") + value("segments", "from_server"));
    }
    (pairs, exceptions)
}

#[test]
fn summaries_count_what_the_lines_tell() {
    let results: Vec<(u64, Vec<String>)> = common::captures()
        .par_iter()
        .map(|capture| {
            let dir = tempfile::tempdir().expect("a directory");
            let (smf, lines) = (dir.path().join("a.smf"), dir.path().join("a.jsonl"));
            let mut command = common::zerttap();
            command.args(["read", "-q", "-w"]).arg(&smf).arg("--jsonl").arg(&lines).arg(capture);
            let output = command.output().expect("the program runs");
            let Ok(file) = std::fs::read(&smf) else { return (0, Vec::new()) };
            assert!(output.status.code().is_some(), "{}", capture.display());
            let text = std::fs::read_to_string(&lines).unwrap_or_default();
            let objects: Vec<Value> = text
                .lines()
                .map(|line| serde_json::from_str(line).expect("an object"))
                .filter(|line: &Value| line["type"] == "connection")
                .collect();
            let recorded = of_records(&file);
            let (told, exceptions) = of_lines(&objects);
            let mut wrong = Vec::new();
            for (pair, told) in &told {
                if exceptions.changing.contains(pair) {
                    continue;
                }
                let recorded = recorded.get(pair).copied().unwrap_or_default();
                let long = exceptions.long.contains(pair);
                let reset = exceptions.reset.contains(pair);
                let bytes = |recorded: u64, told: u64| recorded == told || reset && recorded < told;
                // Segments after a connection's end are in its object alone.
                let same = (recorded.connections == told.connections
                    || long && recorded.connections > told.connections)
                    && bytes(recorded.from_client, told.from_client)
                    && bytes(recorded.from_server, told.from_server)
                    && recorded.segments <= told.segments;
                if !same {
                    wrong.push(format!(
                        "{} {pair:?}: records {recorded:?}, lines {told:?}",
                        capture.display()
                    ));
                }
            }
            for pair in recorded.keys().filter(|pair| !told.contains_key(pair)) {
                wrong.push(format!("{} {pair:?}: in records alone", capture.display()));
            }
            (told.len() as u64, wrong)
        })
        .collect();
    let pairs: u64 = results.iter().map(|r| r.0).sum();
    let wrong: Vec<&String> = results.iter().flat_map(|r| &r.1).collect();
    // The cases alone have fewer than all captures.
    let least = if common::shared_captures().is_some() { 100 } else { 60 };
    assert!(pairs > least, "{pairs} pairs");
    assert!(wrong.is_empty(), "{} of {pairs}:\n{:#?}", wrong.len(), wrong);
}
