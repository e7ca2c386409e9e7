//! The codec against the specification: every name, offset, length, format,
//! fill and code of `tests/spec/`, and the worked examples byte for byte.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use toml::{Table, Value};
use zerttap::names::{self, Kind, smf, wire, zsecure};
use zerttap::record::field::{Format, Section, Significance};
use zerttap::record::{
    Attributes, Common11, Common12, Detail, Header, Identification, IpFilter, Ipsec, Ipsec12,
    Record, SelfDefining11, SelfDefining12, Ssh, Ssh12, Summary, Tls, Tls12, ebcdic,
};
use zerttap::sink::records::{FieldNames, Leef, field_names};

fn spec(file: &str) -> Table {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/spec").join(file);
    fs::read_to_string(path).expect("the specification").parse().expect("TOML")
}

fn text<'a>(table: &'a Table, key: &str) -> &'a str {
    table.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn number(table: &Table, key: &str) -> usize {
    usize::try_from(table[key].as_integer().expect("a number")).expect("not negative")
}

#[test]
fn the_layout_of_subtype_12_is_the_specifications() {
    let known = [
        ("header", Header::SECTION),
        ("sds", SelfDefining12::SECTION),
        ("ident", Identification::SECTION),
        ("S1", Common12::SECTION),
        ("S2", Tls12::SECTION),
        ("S3", Ssh12::SECTION),
        ("S4", Ipsec12::SECTION),
    ];
    let fields = layout_is("smf119-12.toml", "S5", &known.into());
    assert!(fields > 120, "{fields} fields");
}

#[test]
fn the_layout_of_subtype_11_is_the_specifications() {
    let known: BTreeMap<&str, &Section> = [
        ("header", Header::SECTION),
        ("sds", SelfDefining11::SECTION),
        ("ident", Identification::SECTION),
        ("S1", Common11::SECTION),
        ("S2", IpFilter::SECTION),
        ("S3", Tls::SECTION),
        ("S4", Ssh::SECTION),
        ("S5", Ipsec::SECTION),
    ]
    .into();
    let fields = layout_is("smf119-11.toml", "S6", &known);
    assert!(fields > 180, "{fields} fields");
}

/// Holds the sections equal to those of a file; returns the number of fields.
fn layout_is(file: &str, names: &str, known: &BTreeMap<&str, &Section>) -> usize {
    let spec = spec(file);
    let mut fields = 0;
    for section in spec["section"].as_array().expect("sections") {
        let section = section.as_table().expect("a table");
        let id = text(section, "id");
        if id == names {
            // Entries of variable length; their head is in `encode_names`.
            continue;
        }
        let ours = known[id];
        assert_eq!(
            (ours.length, ours.title),
            (number(section, "length"), text(section, "title")),
            "{id}"
        );
        // The self-defining section's offsets count from the record.
        let base = if id == "sds" { 24 } else { 0 };
        fields += fields_are(ours, section["field"].as_array().expect("fields"), base);
        let late = ["extension", "overlay"]
            .iter()
            .filter_map(|kind| section.get(*kind).and_then(Value::as_array))
            .flatten();
        let mut extensions = ours.extensions.iter();
        for theirs in late {
            let theirs = theirs.as_table().expect("a table");
            let ours = extensions.next().unwrap_or_else(|| panic!("{id}: an extension is missing"));
            let since = text(theirs, "since").split(' ').next().unwrap_or_default();
            assert!(ours.fields.iter().all(|f| f.since.name() == since), "{id}: {since}");
            if let Some(length) = theirs.get("length_after") {
                assert_eq!(length.as_integer(), i64::try_from(ours.length).ok(), "{id}");
            }
            fields += fields_are(ours, theirs["field"].as_array().expect("fields"), base);
        }
        assert!(extensions.next().is_none(), "{id} has extensions of its own");
    }
    fields
}

/// Holds fields equal; `base` is what the specification adds to offsets.
fn fields_are(ours: &Section, theirs: &[Value], base: usize) -> usize {
    assert_eq!(ours.fields.len(), theirs.len(), "{}", ours.id);
    for (ours, theirs) in ours.fields.iter().zip(theirs) {
        let theirs = theirs.as_table().expect("a table");
        let name = text(theirs, "name");
        assert_eq!(ours.name, name);
        assert_eq!(ours.offset + base, number(theirs, "offset"), "{name}");
        assert_eq!(ours.length, number(theirs, "length"), "{name}");
        let reserved = theirs.get("reserved").and_then(Value::as_bool).unwrap_or(false);
        let format = match text(theirs, "format") {
            _ if reserved => Format::Reserved,
            "binary" => Format::Binary,
            "ebcdic" => Format::Ebcdic,
            "packed" => Format::Packed,
            "flags" => Format::Flags,
            "ip" => Format::Ip,
            "bytes" => Format::Bytes,
            other => panic!("{name}: format {other}"),
        };
        assert_eq!(ours.format, format, "{name}");
        let fill = if text(theirs, "fill") == "blank" { ebcdic::BLANK } else { 0 };
        assert_eq!(ours.fill, fill, "{name}");
        let significance = match text(theirs, "significance") {
            "significant" => Significance::Significant,
            "informational" => Significance::Informational,
            _ => Significance::None,
        };
        assert_eq!(ours.significance, significance, "{name}");
        assert_eq!(ours.codes.map_or("", |c| c.id), text(theirs, "enum"), "{name}");
        let meaning: String = ours.meaning.concat().trim().to_owned();
        assert_eq!(meaning, text(theirs, "meaning"), "{name}");
    }
    ours.fields.len()
}

#[test]
fn the_codes_are_the_specifications() {
    let spec = spec("smf119-enums.toml");
    let theirs = spec["enums"].as_table().expect("tables");
    assert_eq!(theirs.len(), smf::TABLES.len());
    for ours in smf::TABLES {
        let theirs = theirs[ours.id].as_table().expect("a table");
        assert_eq!(ours.title, text(theirs, "title"), "{}", ours.id);
        assert_eq!(ours.width, number(theirs, "width"), "{}", ours.id);
        assert_eq!(ours.unknown.unwrap_or_default(), text(theirs, "unknown"), "{}", ours.id);
        let kind = match text(theirs, "kind") {
            "code" => Kind::Code,
            "bits" => Kind::Bits,
            "text" => Kind::Text,
            other => panic!("{}: kind {other}", ours.id),
        };
        assert_eq!(ours.kind, kind, "{}", ours.id);
        let values = theirs["values"].as_array().expect("values");
        let theirs: Vec<(&str, &str, bool)> = values
            .iter()
            .map(|v| v.as_table().expect("a table"))
            .map(|v| (text(v, "code"), text(v, "name"), text(v, "provenance") == "documented"))
            .collect();
        let mine: Vec<_> = ours.codes.iter().map(|c| (c.code, c.name, c.documented)).collect();
        assert_eq!(mine, theirs, "{}", ours.id);
    }
}

#[test]
fn the_way_from_wire_names_to_codes_is_the_specifications() {
    let spec = spec("smf119-enums.toml");
    let tables: [(&str, &[(&str, u16)]); 8] = [
        ("tls_enc", wire::TLS_ENC),
        ("tls_kex", wire::TLS_KEX),
        ("tls_mac", wire::TLS_MAC),
        ("ssh_cipher", wire::SSH_CIPHER),
        ("ssh_mac", wire::SSH_MAC),
        ("ssh_kex", wire::SSH_KEX),
        ("ssh_host_key", wire::SSH_HOST_KEY),
        ("x509_key", wire::X509_KEY),
    ];
    for (name, ours) in tables {
        let theirs = spec["wire"][name].as_table().expect("a table");
        let ours: BTreeMap<String, String> =
            ours.iter().map(|(n, c)| ((*n).to_owned(), format!("{c:04X}"))).collect();
        let theirs: BTreeMap<String, String> = theirs
            .iter()
            .map(|(n, c)| (n.clone(), c.as_str().expect("a code").to_owned()))
            .collect();
        assert_eq!(ours, theirs, "{name}");
    }
    let theirs = spec["wire"]["x509_signature"].as_table().expect("a table");
    assert_eq!(theirs.len(), wire::X509_SIGNATURE.len());
    for (oid, (a, b, c)) in wire::X509_SIGNATURE {
        let codes = format!("{a:04X} {b:04X} {c:04X}");
        assert_eq!(theirs[*oid].as_str(), Some(codes.as_str()), "{oid}");
    }
}

/// Splitting the suites' names with the specification's tables and rules, by
/// another route than the program's.
#[test]
fn every_suite_has_the_codes_of_its_parts() {
    let spec = spec("smf119-enums.toml");
    let code = |table: &str, key: &str| -> u16 {
        let code = spec["wire"][table].get(key).and_then(Value::as_str).unwrap_or("0000");
        u16::from_str_radix(code, 16).expect("hexadecimal")
    };
    let mut checked = 0;
    for suite in 0..=u16::MAX {
        let Some(name) = names::tls::suite_name(suite) else { continue };
        let Some((kex, rest)) = name.split_once("_WITH_") else { continue };
        let kex = kex.trim_start_matches("TLS_").trim_start_matches("SSL_");
        let encs = spec["wire"]["tls_enc"].as_table().expect("a table");
        // The longest cipher name that the rest begins with.
        let enc = encs
            .keys()
            .filter(|k| rest == k.as_str() || rest.starts_with(&format!("{k}_")))
            .max_by_key(|k| k.len());
        let ours = names::tls::suite_codes(suite);
        assert_eq!(ours.enc, enc.map_or(0, |e| code("tls_enc", e)), "{name}");
        assert_eq!(ours.kex, code("tls_kex", kex), "{name}");
        let aead = ["GCM", "CCM", "CHACHA20_POLY1305"].iter().any(|a| rest.contains(a));
        if aead && enc.is_some() {
            assert_eq!(ours.mac, 1, "{name}");
        } else if !aead {
            let mac = rest.rsplit('_').next().unwrap_or_default();
            assert_eq!(ours.mac, code("tls_mac", mac), "{name}");
        }
        checked += 1;
    }
    assert!(checked > 300, "{checked} suites");
}

fn example(file: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/spec/examples").join(file);
    let digits: String = fs::read_to_string(path)
        .expect("the example")
        .lines()
        .map(|l| l.split('#').next().unwrap_or_default())
        .flat_map(str::chars)
        .filter(|c| !c.is_whitespace())
        .collect();
    (0..digits.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(&digits[i..i + 2], 16).expect("hexadecimal"))
        .collect()
}

#[test]
fn the_worked_example_of_subtype_11_byte_for_byte() {
    let mut detail = Detail::default();
    detail.header.time = 0x0034_3942;
    detail.header.date = 0x0125_326F;
    detail.header.sid = ebcdic::field("TAP1");
    detail.ident.sys_name = ebcdic::field("TAPSYS");
    detail.ident.sysplex_name = ebcdic::field("TAPPLEX");
    detail.ident.stack = ebcdic::field("TAP0");
    detail.ident.release_id = ebcdic::field("CS V2R4");
    detail.ident.comp = ebcdic::field("STACK");
    detail.ident.as_name = ebcdic::field("TAP0");
    detail.ident.reason = 0x08;
    let local = "192.0.2.10".parse().expect("an address");
    let remote = "198.51.100.77".parse().expect("an address");
    detail.common = Common11 {
        event_type: 1,
        sec_protos: 0x80,
        ip_proto: 6,
        s_time: 5_221_525,
        s_date: 0x0125_326F,
        rip: zerttap::record::address_field(remote),
        lip: zerttap::record::address_field(local),
        r_port: 49_222,
        l_port: 8443,
        conn_id: 41_394,
        in_bytes: 1412,
        out_bytes: 5120,
        in_seg_dg: 9,
        out_seg_dg: 11,
        ..Common11::default()
    };
    let codes = names::tls::suite_codes(0xC02F);
    let mut session_id = [0; 32];
    for (byte, n) in session_id.iter_mut().zip(0x20..) {
        *byte = n;
    }
    detail.tls = Some(Tls {
        prot_ver: 0x0303,
        source: 1,
        handshake_type: 1,
        handshake_role: 2,
        session_id_len: 32,
        session_id,
        protocol_provider: ebcdic::field("Observation"),
        neg_cipher: ebcdic::field("C02F"),
        cs_enc_alg: codes.enc,
        cs_msg_auth: codes.mac,
        cs_kex_alg: codes.kex,
        ..Tls::default()
    });
    let mut bytes = Vec::new();
    detail.encode(&mut bytes);
    let expected = example("smf119-11-tls12-init.hex");
    assert_eq!(bytes, expected);
    let decoded = Detail::decode(&expected).expect("a detail record");
    let mut again = Vec::new();
    decoded.encode(&mut again);
    assert_eq!(again, expected);
    let shown = common::show(&expected);
    assert!(shown.contains("'C02F'") && shown.contains("198.51.100.77"), "{shown}");
}

#[test]
fn the_worked_example_of_subtype_12_byte_for_byte() {
    let mut summary = Summary::default();
    summary.header.time = 0x0036_EE8C;
    summary.header.date = 0x0125_326F;
    summary.header.sid = ebcdic::field("TAP1");
    summary.ident.sys_name = ebcdic::field("TAPSYS");
    summary.ident.sysplex_name = ebcdic::field("TAPPLEX");
    summary.ident.stack = ebcdic::field("TAP0");
    summary.ident.release_id = ebcdic::field("CS V2R4");
    summary.ident.comp = ebcdic::field("STACK");
    summary.ident.as_name = ebcdic::field("TAP0");
    summary.ident.reason = 0x80;
    let server = "192.0.2.10".parse().expect("an address");
    let client = "198.51.100.77".parse().expect("an address");
    summary.common = Common12 {
        interval_duration: 1_800_000_000 << 12,
        event_type: 1,
        flags: 0x40,
        sec_protos: 0x80,
        ip_proto: 6,
        srv_ip: zerttap::record::address_field(server),
        clt_ip: zerttap::record::address_field(client),
        srv_port_start: 8443,
        srv_port_end: 8443,
        session_id: ebcdic::field("T-6B9D592B178D80C7C061C2FC8549CFE575DD2712"),
        init_life_conn_cnt: 3,
        init_life_short_conn_cnt: 1,
        init_active_conn_cnt: 1,
        init_life_in_bytes: 0x2000,
        init_life_out_bytes: 0x1_0000,
        init_life_in_seg_dg: 0x3C,
        init_life_out_seg_dg: 0x5A,
        end_life_conn_cnt: 8,
        end_life_short_conn_cnt: 4,
        end_active_conn_cnt: 2,
        end_life_in_bytes: 0x6000,
        end_life_out_bytes: 0x3_0000,
        end_life_in_seg_dg: 0xAB,
        end_life_out_seg_dg: 0x106,
        ..Common12::default()
    };
    let codes = names::tls::suite_codes(0xC02F);
    summary.attributes = Attributes::Tls(Tls12 {
        source: 1,
        prot_ver: 0x0303,
        neg_cipher: ebcdic::field("C02F"),
        cs_enc_alg: codes.enc,
        cs_msg_auth: codes.mac,
        cs_kex_alg: codes.kex,
        ..Tls12::default()
    });
    let mut bytes = Vec::new();
    summary.encode(&mut bytes);
    let expected = example("smf119-12-tls12-interval.hex");
    assert_eq!(bytes, expected);
    let decoded = Summary::decode(&expected).expect("a summary record");
    let mut again = Vec::new();
    decoded.encode(&mut again);
    assert_eq!(again, expected);
    let shown = common::show(&expected);
    assert!(shown.contains("198.51.100.77") && shown.contains("(1800.000000 s)"), "{shown}");
}

/// The way from a connection to its record: the same values through the
/// session module, which adds ten seconds and the zone by itself.
#[test]
fn a_record_made_from_a_connection_has_the_example_s_bytes() {
    use zerttap::config::{Identity, Mode};
    use zerttap::flow::{Dir, Endpoint, Key};
    use zerttap::observe::Side;
    use zerttap::observe::tls::{Facts, Suite};
    use zerttap::session::{Session, Snapshot, Transport, View};
    let identity = Identity {
        sid: "TAP1".to_owned(),
        sysname: "TAPSYS".to_owned(),
        sysplex: "TAPPLEX".to_owned(),
        stack: "TAP0".to_owned(),
        as_name: String::new(),
        release: "CS V2R4".to_owned(),
    };
    let zone = jiff::tz::TimeZone::fixed(jiff::tz::offset(-5));
    let key = Key::new(
        Endpoint { ip: [192, 0, 2, 10].into(), port: 8443 },
        Endpoint { ip: [198, 51, 100, 77].into(), port: 49_222 },
    );
    let facts = Facts {
        client: Some(Side::High),
        version: Some(0x0303),
        suite: Some(Suite::Tls(0xC02F)),
        session_id: Some((0x20..0x40).collect()),
        abbreviated: Some(false),
        completed: true,
        ..Facts::default()
    };
    let established = 1_763_821_815_250_000_000;
    let event = Session::new(established, 10_000_000_000).settled().expect("an initiation");
    let codes = zerttap::names::overrides::Codes::default();
    let view = View {
        identity: &identity,
        zone: &zone,
        jobs: &zerttap::config::Jobs::default(),
        level: zerttap::record::Level::V2r3,
        mode: Mode::Strict,
        infer_icv: false,
        codes: &codes,
    };
    let snapshot = Snapshot {
        transport: Transport::Tcp,
        key: &key,
        local: Dir::FromLow,
        outbound: false,
        failed: None,
        established,
        bytes: [5120, 1412],
        segments: [11, 9],
        protection: zerttap::observe::FindingsRef { tls: Some(&facts), ssh: None },
        ipsec: None,
    };
    let mut detail = view.detail(event, &snapshot);
    detail.common.conn_id = 41_394;
    let mut bytes = Vec::new();
    detail.encode(&mut bytes);
    let mut expected = example("smf119-11-tls12-init.hex");
    // The example's writer took 50 ms longer.
    expected[6..10].copy_from_slice(&(0x0034_3942u32 - 5).to_be_bytes());
    assert_eq!(bytes, expected);
}

#[test]
fn the_names_of_zsecure_are_the_specifications() {
    let spec = spec("zsecure-names.toml");
    let list = |value: &Value| -> Vec<Table> {
        let tables = value.as_array().expect("a list").iter();
        tables.map(|table| table.as_table().expect("a table").clone()).collect()
    };
    let theirs = list(&spec["field"]);
    let pages = spec["sources"].as_table().expect("sources");
    assert_eq!(zsecure::FIELDS.len(), theirs.len());
    let names = field_names(FieldNames::Ibm);
    for (ours, theirs) in zsecure::FIELDS.iter().zip(&theirs) {
        assert_eq!(ours.name, text(theirs, "zsecure"));
        let ibm: Vec<&str> = theirs["ibm"]
            .as_array()
            .expect("names")
            .iter()
            .map(|name| name.as_str().expect("a name"))
            .collect();
        assert_eq!(ours.ibm, ibm, "{}", ours.name);
        assert_eq!(ours.mapping.text(), text(theirs, "mapping"), "{}", ours.name);
        assert_eq!(ours.source, text(theirs, "source"), "{}", ours.name);
        // IBM's names are those of fields, or words.
        assert!(ibm.iter().all(|name| name.contains(' ') || names.contains(name)), "{ibm:?}");
    }
    for (id, page) in zsecure::SOURCES {
        assert!(text(pages, id).split(' ').next() == Some(page), "{id}");
    }
    let leef = spec["leef"].as_table().expect("the event");
    let theirs = list(&leef["key"]);
    let theirs: Vec<(&str, &str)> =
        theirs.iter().map(|key| (text(key, "key"), text(key, "ibm"))).collect();
    let ours: Vec<(&str, &str)> = zsecure::LEEF_KEYS.iter().map(|k| (k.key, k.ibm)).collect();
    assert_eq!(ours, theirs);
    assert_eq!(zsecure::LEEF_SOURCE, text(leef, "source"));
}

/// No key is written that the specification does not have, and each that records can say is.
#[test]
fn events_have_the_keys_of_the_specification() {
    let spec = spec("zsecure-names.toml");
    let leef = spec["leef"].as_table().expect("the event");
    let header = text(leef, "header").split('<').next().expect("a beginning");
    let mut known: BTreeSet<&str> = ["devTimeFormat"].into();
    for key in leef["key"].as_array().expect("keys") {
        known.extend(text(key.as_table().expect("a table"), "key").split(", "));
    }
    let options = ["--detail", "-q", "--job", "1-65535=JOB1:USER1:STC00001", "--stack", "TCPIP"];
    let names = ["--sysname", "SYS1", "--sysplex", "PLEX1", "--level", "v3r2"];
    let run = common::read_all(&[&options[..], &names].concat(), &[&common::case("")]);
    let mut written: BTreeSet<String> = BTreeSet::new();
    let mut leef = Leef::new(None);
    for record in common::records_of(&run.records) {
        let mut out = Vec::new();
        // The wire shows no provider.
        let mut record = record.to_vec();
        let tls = Record::parse(&record).expect("a record").triplet(3);
        if let Some(tls) = tls.filter(|tls| tls.number > 0 && record[23] == 11) {
            record[tls.offset + 2] = 2;
        }
        leef.event(&mut out, &Record::parse(&record).expect("a record"));
        let line = String::from_utf8(out).expect("text");
        assert!(line.starts_with(header), "{line}");
        let attributes = line.trim_end().splitn(6, '|').nth(5).expect("attributes");
        let keys = attributes.split('\t').map(|a| a.split_once('=').expect("a key").0.to_owned());
        let keys: Vec<String> = keys.collect();
        let unique: BTreeSet<&String> = keys.iter().collect();
        assert_eq!(unique.len(), keys.len(), "{line}");
        written.extend(keys);
    }
    let written: BTreeSet<&str> = written.iter().map(String::as_str).collect();
    // What `name` means is not public.
    known.remove("name");
    assert_eq!(written, known);
}
