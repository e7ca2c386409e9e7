//! Every TLS and SSH connection, IKE security association and IPSec tunnel of the
//! captures beside the project against what tshark says of it. A difference that is tshark's fault is listed with its proof in
//! `captures/oracle-exceptions.toml`; a listed one that does not occur is an
//! error too.
//!
//! Without those captures there is nothing to compare, and the test says so.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::path::Path;

use serde_json::Value;

/// (file, stream, attribute)
type Place = (String, u64, String);

/// An exception: what the oracle says and what we say.
struct Exception {
    oracle: String,
    ours: String,
}

fn exceptions_file() -> toml::Table {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures/oracle-exceptions.toml");
    std::fs::read_to_string(path).expect("the exceptions").parse().expect("TOML")
}

/// Exceptions that are one line each, by file.
fn exceptions(table: &str) -> BTreeSet<(String, String)> {
    let file = exceptions_file();
    let mut all = BTreeSet::new();
    for entry in file[table].as_array().expect("a list") {
        assert!(entry["proof"].as_str().expect("a proof").len() > 20);
        let name = entry["file"].as_str().expect("a file").to_owned();
        for line in entry["differs"].as_array().expect("lines") {
            all.insert((name.clone(), line.as_str().expect("text").to_owned()));
        }
    }
    all
}

fn connection_exceptions() -> BTreeMap<Place, Exception> {
    let file = exceptions_file();
    let mut all = BTreeMap::new();
    for connection in file["connection"].as_array().expect("connections") {
        let proof = connection["proof"].as_str().expect("a proof");
        assert!(proof.len() > 20, "a proof says why: {proof}");
        let place = |attribute: &str| {
            let stream = connection["stream"].as_integer().expect("a number");
            let file = connection["file"].as_str().expect("a file").to_owned();
            (file, u64::try_from(stream).expect("not negative"), attribute.to_owned())
        };
        for (attribute, pair) in connection["differs"].as_table().expect("attributes") {
            let said = |i: usize| pair[i].as_str().expect("text").to_owned();
            all.insert(place(attribute), Exception { oracle: said(0), ours: said(1) });
        }
    }
    all
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(s) => s.clone(),
        other => other.to_string(),
    }
}

/// `0xc02f` as `C02F`.
fn code(value: &Value) -> String {
    value.as_str().map_or_else(|| "none".to_owned(), |s| s.trim_start_matches("0x").to_uppercase())
}

fn digits(value: &Value) -> String {
    text(value).chars().filter(char::is_ascii_digit).collect()
}

fn end(value: &Value) -> (String, u64) {
    (text(&value[0]), value[1].as_u64().expect("a port"))
}

fn our_end(value: &Value) -> (String, u64) {
    (text(&value["ip"]), value["port"].as_u64().expect("a port"))
}

/// Seconds since 1970 of an RFC 3339 time.
fn seconds(value: &Value) -> f64 {
    let t: jiff::Timestamp = text(value).parse().expect("a time");
    t.as_nanosecond() as f64 / 1e9
}

/// What both say of one SSH connection, by attribute.
fn compare_ssh(oracle: &Value, ours: &Value) -> Vec<(&'static str, String, String)> {
    let (o, z) = (&oracle["ssh"], &ours["ssh"]);
    let both = |list: &Value| list[0] == true && list[1] == true;
    let mut pairs = vec![
        ("ssh.version", text(&o["proto"]), text(&z["version"])),
        ("ssh.kex", text(&o["kex"]), text(&z["kex"])),
        ("ssh.compression_c2s", text(&o["comp_c2s"]), text(&z["compression_c2s"])),
        ("ssh.compression_s2c", text(&o["comp_s2c"]), text(&z["compression_s2c"])),
    ];
    for (aead, theirs, mine) in
        [("aead_c2s", "mac_c2s", "mac_c2s"), ("aead_s2c", "mac_s2c", "mac_s2c")]
    {
        let theirs = if o[aead] == true { "none".to_owned() } else { text(&o[theirs]) };
        pairs.push(("ssh.mac", theirs, text(&z[mine])));
    }
    if text(&o["proto"]) == "2" {
        pairs.push(("ssh.cipher_c2s", text(&o["enc_c2s"]), text(&z["cipher_c2s"])));
        pairs.push(("ssh.cipher_s2c", text(&o["enc_s2c"]), text(&z["cipher_s2c"])));
        pairs.push(("ssh.completed", both(&o["newkeys"]).to_string(), text(&z["completed"])));
        pairs.push(("ssh.host_key.type", text(&o["hostkey_type"]), text(&z["host_key"]["type"])));
        if !o["hostkey_bits"].is_null() {
            let bits = text(&z["host_key"]["bits"]);
            pairs.push(("ssh.host_key.bits", text(&o["hostkey_bits"]), bits));
        }
    } else if !o["ssh1"]["host_key_bits"].is_null() {
        let bits = text(&z["host_key"]["bits"]);
        pairs.push(("ssh.host_key.bits", text(&o["ssh1"]["host_key_bits"]), bits));
    }
    // Identification lines by the oracle's directions.
    let sender = |i: usize| if i == 0 { end(&oracle["a"]) } else { end(&oracle["b"]) };
    let client = if o["client"] == "a" { sender(0) } else { sender(1) };
    for i in 0..2 {
        let key = if sender(i) == client { "client_software" } else { "server_software" };
        let line = text(&o["version"][i]);
        let software = match line.splitn(3, '-').nth(2) {
            Some(software) => software.trim_end().to_owned(),
            None => "none".to_owned(),
        };
        pairs.push(("ssh.software", software, text(&z[key])));
    }
    pairs
}

/// What both say of one TLS connection, by attribute.
fn compare_tls(oracle: &Value, ours: &Value) -> Vec<(&'static str, String, String)> {
    let (o, z) = (&oracle["tls"], &ours["tls"]);
    let mut pairs = vec![
        ("version", code(&o["version"]), text(&z["version"])),
        ("cipher_suite", code(&o["suite"]), text(&z["cipher_suite"])),
        (
            "encrypt_then_mac",
            (o["etm"] == true).to_string(),
            (z["encrypt_then_mac"] == true).to_string(),
        ),
        (
            "handshake",
            match &o["resumed"] {
                Value::Bool(true) => "abbreviated".to_owned(),
                Value::Bool(false) => "full".to_owned(),
                _ => "none".to_owned(),
            },
            text(&z["handshake"]),
        ),
    ];
    // In TLS 1.3 the field echoes the client's and identifies nothing; SSL 2.0
    // has none.
    let version = code(&o["version"]);
    if matches!(version.as_str(), "0300" | "0301" | "0302" | "0303") {
        pairs.push(("session_id", text(&o["session_id"]), text(&z["session_id"])));
    }
    if let Some(server) = o["server"].as_str() {
        let role = text(&z["role"]);
        let (local, remote) =
            if ours["local"] == "client" { ("client", "server") } else { ("server", "client") };
        let server_end = if role.starts_with("server") { local } else { remote };
        let mine = if role == "none" {
            "none".to_owned()
        } else {
            format!("{:?}", our_end(&ours[server_end]))
        };
        pairs.push(("tls_server", format!("{:?}", end(&oracle[server])), mine));
    }
    let group = o["group"].as_str().and_then(|g| g.parse::<u16>().ok());
    if let Some(group) = group {
        pairs.push(("group", format!("{group:04X}"), text(&z["group"])));
    }
    if o["sni"].is_string() {
        pairs.push(("sni", text(&o["sni"]), text(&z["sni"])));
    }
    for (name, cert, mine) in [
        ("server_certificate", &o["cert"], &z["server_certificate"]),
        ("client_certificate", &o["client_cert"]["leaf"], &z["client_certificate"]),
    ] {
        let there = |v: &Value| if v.is_null() { "none" } else { "there" }.to_owned();
        pairs.push((name, there(cert), there(mine)));
        if cert.is_null() || mine.is_null() {
            continue;
        }
        let attributes = [
            ("serial", text(&cert["serial"]), text(&mine["serial"])),
            ("signature_algorithm", text(&cert["sig_alg"]), text(&mine["signature_algorithm"])),
            ("public_key_algorithm", text(&cert["key_alg"]), text(&mine["public_key_algorithm"])),
            ("not_before", digits(&cert["not_before"]), digits(&mine["not_before"])),
            ("not_after", digits(&cert["not_after"]), digits(&mine["not_after"])),
        ];
        pairs.extend(attributes);
        if !cert["key_bits"].is_null() {
            pairs.push(("key_bits", text(&cert["key_bits"]), text(&mine["key_bits"])));
        }
    }
    pairs
}

/// What both say of the TCP connection.
fn compare_tcp(oracle: &Value, ours: &Value) -> Vec<(&'static str, String, String)> {
    let mut pairs = Vec::new();
    let client = our_end(&ours["client"]);
    let (from, to) = if end(&oracle["a"]) == client { ("a2b", "b2a") } else { ("b2a", "a2b") };
    for (name, theirs, mine) in
        [("segments", "packets", "segments"), ("bytes", "unique_bytes", "bytes")]
    {
        pairs.push((
            name,
            format!("{} {}", oracle[from][theirs], oracle[to][theirs]),
            format!("{} {}", ours[mine]["from_client"], ours[mine]["from_server"]),
        ));
    }
    if let Some(initiator) = oracle["initiator"].as_str() {
        pairs.push(("client", format!("{:?}", end(&oracle[initiator])), format!("{client:?}")));
    }
    pairs
}

/// The oracle's records of a kind, by capture; captures without one too.
fn oracle(dir: &Path, wanted: impl Fn(&Value) -> bool) -> BTreeMap<String, Vec<Value>> {
    let file = std::fs::File::open(dir.join("oracle.jsonl.gz")).expect("the oracle");
    let mut captures: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for line in BufReader::new(flate2::read::GzDecoder::new(file)).lines() {
        let record: Value = serde_json::from_str(&line.expect("text")).expect("JSON");
        let of_file = captures.entry(text(&record["file"])).or_default();
        if wanted(&record) {
            of_file.push(record);
        }
    }
    captures
}

#[test]
fn connections_agree_with_tshark() {
    let Some(dir) = common::shared_captures() else {
        eprintln!("no captures beside the project: nothing to compare");
        return;
    };
    let captures = oracle(&dir, |record| {
        record["rec"] == "tcp" && !(record["tls"].is_null() && record["ssh"].is_null())
    });
    let exceptions = connection_exceptions();
    let mut used = BTreeSet::new();
    let mut wrong = Vec::new();
    let mut compared = 0;
    for (name, streams) in &captures {
        // It counts copies, too.
        let options = ["--include-midstream", "--keep-duplicates"];
        let run = common::read(&options, &[&dir.join(name)]);
        assert!(common::adds_up(&run.ledger), "{name}: the ledger does not add up");
        for oracle in streams {
            let ends = BTreeSet::from([end(&oracle["a"]), end(&oracle["b"])]);
            let first: f64 = text(&oracle["first"]).parse().expect("a time");
            let ours = run
                .connections
                .iter()
                .filter(|c| BTreeSet::from([our_end(&c["client"]), our_end(&c["server"])]) == ends)
                .min_by(|a, b| {
                    let distance = |c: &Value| (seconds(&c["start"]) - first).abs();
                    distance(a).total_cmp(&distance(b))
                });
            let stream = oracle["stream"].as_u64().expect("a number");
            let Some(ours) = ours else {
                wrong.push(format!("{name} stream {stream}: no connection {ends:?}"));
                continue;
            };
            compared += 1;
            let mut pairs = compare_tcp(oracle, ours);
            if !oracle["tls"].is_null() {
                pairs.extend(compare_tls(oracle, ours));
            }
            if !oracle["ssh"].is_null() {
                pairs.extend(compare_ssh(oracle, ours));
            }
            for (attribute, theirs, mine) in pairs {
                if theirs == mine {
                    continue;
                }
                let place = (name.clone(), stream, attribute.to_owned());
                match exceptions.get(&place) {
                    Some(e) if e.oracle == theirs && e.ours == mine => {
                        used.insert(place);
                    }
                    _ => wrong.push(format!(
                        "{name} stream {stream} ({}): {attribute} = [{theirs:?}, {mine:?}]",
                        text(&oracle["trust"])
                    )),
                }
            }
        }
    }
    for place in exceptions.keys().filter(|p| !used.contains(*p)) {
        wrong.push(format!("listed and not met: {place:?}"));
    }
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
    assert!(compared > 1100, "{compared} connections");
}

/// Numbers of a chosen transform by the oracle's type name.
fn transform(chosen: &Value, kind: &str) -> Vec<u64> {
    let transforms = chosen[0]["transforms"].as_array().map_or(&[][..], Vec::as_slice);
    transforms.iter().filter(|t| t["type"] == kind).filter_map(|t| t["id"].as_u64()).collect()
}

/// Whether an IKE SA of ours is between the addresses of the oracle's.
fn same_ends(o: &Value, z: &Value) -> bool {
    let ours = [text(&z["initiator"]["ip"]), text(&z["responder"]["ip"])];
    o["d"].as_object().is_some_and(|d| d.keys().all(|ip| ours.contains(ip)))
}

fn compare_ike(o: &Value, z: &Value) -> Vec<(&'static str, String, String)> {
    let code = |n: Option<u64>| n.map_or_else(|| "none".to_owned(), |n| format!("{n:04X}"));
    let chosen = &o["chosen"];
    let mut pairs = vec![
        ("version", text(&o["version"]), text(&z["version"])),
        ("responder_spi", text(&o["rspi"]), text(&z["responder_spi"])),
        ("messages", text(&o["messages"]), text(&z["messages"])),
        ("nat_traversal", text(&o["nat_t"]), text(&z["nat_traversal"])),
    ];
    if o["initiator"].is_string() {
        pairs.push(("initiator", text(&o["initiator"]), text(&z["initiator"]["ip"])));
    }
    if text(&o["version"]) == "2.0" {
        let one = |kind: &str| code(transform(chosen, kind).first().copied());
        pairs.push(("encryption", one("encr"), text(&z["encryption"])));
        pairs.push(("integrity", one("integ"), text(&z["integrity"])));
        pairs.push(("prf", one("prf"), text(&z["prf"])));
        pairs.push(("dh_group", one("dh"), text(&z["dh_group"])));
    } else {
        // The oracle gives version 1 attributes as decimal text.
        let attribute = |name: &str| -> Option<u64> {
            chosen[0]["transforms"][0][name]["id"].as_str().and_then(|id| id.parse().ok())
        };
        pairs.push(("encryption", code(attribute("encryption_algorithm")), text(&z["encryption"])));
        pairs.push(("integrity", code(attribute("hash_algorithm")), text(&z["integrity"])));
        pairs.push(("dh_group", code(attribute("group_description")), text(&z["dh_group"])));
        let method = code(attribute("authentication_method"));
        pairs.push(("auth_method", method, text(&z["auth_method"])));
    }
    pairs
}

#[test]
fn ike_esp_and_ah_agree_with_tshark() {
    let Some(dir) = common::shared_captures() else {
        eprintln!("no captures beside the project: nothing to compare");
        return;
    };
    let captures =
        oracle(&dir, |record| matches!(record["rec"].as_str(), Some("ike" | "esp" | "ah")));
    let exceptions = exceptions("ike");
    let mut used = BTreeSet::new();
    let mut wrong = Vec::new();
    let mut compared = 0;
    for (name, records) in captures.iter().filter(|(_, records)| !records.is_empty()) {
        let run = common::read(&["--keep-duplicates"], &[&dir.join(name)]);
        for o in records {
            let place = |what: &str| (name.clone(), what.to_owned());
            let pairs = if o["rec"] == "ike" {
                let spi = text(&o["ispi"]);
                let ours = run.lines.iter().find(|l| {
                    l["type"] == "ike" && l["initiator_spi"] == o["ispi"] && same_ends(o, l)
                });
                match ours {
                    Some(z) => compare_ike(o, z),
                    None => {
                        vec![("ike", format!("{spi} {}", text(&o["version"])), "none".to_owned())]
                    }
                }
            } else {
                // Every SPI of the oracle is listed by its sender.
                let spi = text(&o["spi"]).trim_start_matches("0x").to_owned();
                let there = run
                    .lines
                    .iter()
                    .filter(|l| l["type"] == "tunnel" && l["protocol"] == o["rec"])
                    .any(|l| {
                        ["a", "b"].iter().any(|e| {
                            l[e]["ip"] == o["src"]
                                && l[e]["spis"]
                                    .as_array()
                                    .is_some_and(|s| s.iter().any(|x| *x == spi))
                        })
                    });
                vec![("spi", spi.clone(), if there { spi } else { "none".to_owned() })]
            };
            compared += 1;
            for (attribute, theirs, mine) in pairs {
                let key = format!("{} {attribute} {theirs} {mine}", text(&o["ispi"]));
                if theirs == mine {
                    continue;
                }
                if exceptions.contains(&place(&key)) {
                    used.insert(place(&key));
                } else {
                    wrong.push(format!("{name} ({}): {key}", text(&o["trust"])));
                }
            }
        }
        // Packets of each sender, protocol by protocol.
        for protocol in ["esp", "ah"] {
            let mut theirs: BTreeMap<String, u64> = BTreeMap::new();
            for o in records.iter().filter(|o| o["rec"] == protocol) {
                *theirs.entry(text(&o["src"])).or_default() +=
                    o["packets"].as_u64().expect("a number");
            }
            let mut mine: BTreeMap<String, u64> = BTreeMap::new();
            for l in run.lines.iter().filter(|l| l["type"] == "tunnel" && l["protocol"] == protocol)
            {
                for e in ["a", "b"] {
                    let packets = l[e]["packets"].as_u64().expect("a number");
                    if packets > 0 {
                        *mine.entry(text(&l[e]["ip"])).or_default() += packets;
                    }
                }
            }
            let key = format!("{protocol} packets {theirs:?} {mine:?}");
            if theirs != mine {
                let place = (name.clone(), key.clone());
                if exceptions.contains(&place) {
                    used.insert(place);
                } else {
                    wrong.push(format!("{name}: {key}"));
                }
            }
        }
    }
    for place in exceptions.difference(&used) {
        wrong.push(format!("listed and not met: {place:?}"));
    }
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
    assert!(compared > 200, "{compared} compared");
}
