//! Records as events in IBM's Log Event Extended Format (LEEF 1.0), with the keys that IBM's
//! sample of a z/OS event has (`names::zsecure`).
//!
//! A line is `LEEF:1.0|Vendor|Product|Version|EventID|` and attributes `key=value` with a tab
//! between. The format has no escapes: a value must not have the characters that divide, and
//! IBM advises against pipe and caret, too. Such characters, and all that are not printable,
//! are written by their code points, as everywhere. Keys of which a record says nothing are
//! left out, as is `name`, whose meaning is not public.
//!
//! Source: IBM QRadar DSM Configuration Guide, "LEEF event components", "Best practices
//! guidelines for LEEF events", "Custom event date format", "IBM z/OS sample event message".

use jiff::tz::TimeZone;

use super::cache::TextCache;
use super::leef_text::{attribute, cipher_parts, field, key, quoted, text, version};
use super::names::NameTexts;
use super::plain::{UPPER, address, digits, integer};
use super::session::{Ends, IPSEC, Layouts, Role, SSH, Session, TLS, meaning, number};
use crate::names::smf;
use crate::record::{Record, SUBTYPE_DETAIL, SmfTime};

/// Writes records as events.
#[derive(Debug, Default)]
pub struct Leef {
    /// The zone of the records, if it is known.
    zone: Option<TimeZone>,
    layouts: Layouts,
    names: NameTexts,
    subjects: NameTexts,
    /// What the TLS sections of subtypes 11 and 12 say, in keys and in the summary.
    tls: [TextCache; 2],
    tls_summary: [TextCache; 2],
    /// Texts of identification sections: of the header's version, of the attributes.
    versions: TextCache,
    stacks: TextCache,
    /// The second of the last record, and what was written of it.
    second: Option<(SmfTime, String, String)>,
}

/// The pattern of a time, as Java's `SimpleDateFormat` has it.
const TIME_FORMAT: &str = "yyyy-MM-dd'T'HH:mm:ss.SSS";

impl Leef {
    /// Writes times with the offset of a zone, or without one if it is not known.
    pub fn new(zone: Option<TimeZone>) -> Self {
        Self { zone, ..Self::default() }
    }

    /// Appends the event of a record, a line; nothing of what is no zERT record.
    pub fn event(&mut self, out: &mut Vec<u8>, record: &Record<'_>) {
        let Self { zone, layouts, names, subjects, tls, tls_summary, versions, stacks, second } =
            self;
        let Some(session) = Session::of(record, layouts) else { return };
        out.extend_from_slice(b"LEEF:1.0|IBM|z/OS|");
        let ident = record.section(0).unwrap_or_default();
        cached(out, versions, ident, version);
        out.extend_from_slice(b"|119-");
        integer(out, u64::from(session.subtype));
        out.push(b'|');
        let begin = out.len();
        time(out, record, zone.as_ref(), second);
        attribute(out, "usrName", session.bytes(&session.places.user));
        attribute(out, "jobname", session.bytes(&session.places.job));
        let ends = session.ends().filter(|_| session.has_ends());
        if let Some(ends) = ends {
            traffic(out, &session, ends);
        }
        let section = session.section(TLS).unwrap_or_default();
        let detail = session.subtype == SUBTYPE_DETAIL;
        let [of_detail, of_summary] = tls;
        let cache = if detail { of_detail } else { of_summary };
        cached(out, cache, section, |out, section| tls_attributes(out, &session, section));
        let [of_detail, of_summary] = tls_summary;
        let summary_cache = if detail { of_detail } else { of_summary };
        attribute(out, "jobid", session.bytes(&session.places.job_id));
        cached(out, stacks, ident, stack);
        let beginnings = ["connsBeg", "partialBeg", "shortBeg", "activeBeg"];
        let endings = ["connsEnd", "partialEnd", "shortEnd", "activeEnd"];
        let keys = beginnings.into_iter().zip(endings);
        for ([at_first, at_last], (first, last)) in session.places.connections.iter().zip(keys) {
            for (place, key) in [(at_first, first), (at_last, last)] {
                if let Some(count) = session.number(place).filter(|_| session.has_ends()) {
                    self::key(out, key);
                    integer(out, count);
                }
            }
        }
        if let Some(id) = session.bytes(&session.places.connection_id).filter(|_| ends.is_some()) {
            key(out, "saConnId");
            digits(out, id, UPPER);
        }
        names.write(out, record, distinguished_names);
        if (detail, session.event()) == (true, 1) {
            key(out, "action");
            out.extend_from_slice(b"INIT");
        }
        key(out, "sum");
        event_name(out, &session);
        if let Some(ends) = ends {
            let protocols = session.protocols();
            if protocols & TLS != 0 {
                cached(out, summary_cache, section, |out, section| {
                    tls_summary_of(out, &session, section);
                });
            }
            other_protection(out, protocols);
            port(out, ends);
        }
        subjects.write(out, record, subject);
        // The first attribute has no tab before it.
        if out.get(begin) == Some(&b'\t') {
            out.remove(begin);
        }
        out.push(b'\n');
    }
}

/// Appends what is made of bytes, as it was made last.
fn cached(
    out: &mut Vec<u8>,
    cache: &mut TextCache,
    bytes: &[u8],
    make: impl FnOnce(&mut Vec<u8>, &[u8]),
) {
    if bytes.is_empty() {
        return make(out, bytes);
    }
    if let Some(text) = cache.text(bytes) {
        out.extend_from_slice(text);
        return;
    }
    let begin = out.len();
    make(out, bytes);
    cache.keep(bytes, out.get(begin..).unwrap_or_default());
}

/// Appends when the record was written. Of most records it is the second of the one before.
fn time(
    out: &mut Vec<u8>,
    record: &Record<'_>,
    zone: Option<&TimeZone>,
    last: &mut Option<(SmfTime, String, String)>,
) {
    /// Hundredths of a second in a day.
    const DAY: u32 = 8_640_000;
    let Some(written) = record.written().filter(|written| written.time < DAY) else { return };
    let second = SmfTime { time: written.time / 100 * 100, ..written };
    if last.as_ref().is_none_or(|(of, ..)| *of != second) {
        let Some((before, offset)) = second_text(second, zone) else { return };
        *last = Some((second, before, offset));
    }
    let Some((_, before, offset)) = last.as_ref() else { return };
    key(out, "devTimeFormat");
    out.extend_from_slice(TIME_FORMAT.as_bytes());
    if !offset.is_empty() {
        out.push(b'Z');
    }
    key(out, "devTime");
    out.extend_from_slice(before.as_bytes());
    let hundredths = u8::try_from(written.time % 100).unwrap_or(0);
    out.extend([b'.', b'0' + hundredths / 10, b'0' + hundredths % 10, b'0']);
    out.extend_from_slice(offset.as_bytes());
}

/// A second as text, and the offset that the zone has then.
fn second_text(second: SmfTime, zone: Option<&TimeZone>) -> Option<(String, String)> {
    let text = second.to_text()?;
    let text = text.get(..text.len() - 3)?.replace(' ', "T");
    let offset = match zone {
        None => String::new(),
        Some(zone) => {
            let civil: jiff::civil::DateTime = text.parse().ok()?;
            let seconds = zone.to_ambiguous_zoned(civil).compatible().ok()?.offset().seconds();
            let minutes = seconds.abs() / 60;
            let sign = if seconds < 0 { '-' } else { '+' };
            format!("{sign}{:02}{:02}", minutes / 60, minutes % 60)
        }
    };
    Some((text, offset))
}

/// Appends the ends and what went between them. Client and server are source and destination;
/// where the record does not say which is which, the remote and the local end.
fn traffic(out: &mut Vec<u8>, session: &Session<'_>, ends: Ends) {
    let (source, destination) = match ends.role {
        Role::Client => (ends.local, ends.remote),
        Role::Server | Role::Unknown => (ends.remote, ends.local),
    };
    for (end, address_key, port_key) in
        [(source, "src", "srcPort"), (destination, "dst", "dstPort")]
    {
        key(out, address_key);
        address(out, end.address);
        // A key has one port; of a range it is in the summary.
        if let Some((port, _)) = end.ports.filter(|(from, to)| from == to) {
            key(out, port_key);
            integer(out, u64::from(port));
        }
    }
    if let Some([bytes_in, bytes_out, segments_in, segments_out]) = session.traffic() {
        // What comes in is the remote end's.
        let counts = match ends.role {
            Role::Client => [bytes_out, bytes_in, segments_out, segments_in],
            Role::Server | Role::Unknown => [bytes_in, bytes_out, segments_in, segments_out],
        };
        let keys = ["srcBytes", "dstBytes", "srcPackets", "dstPackets"];
        for (name, count) in keys.into_iter().zip(counts) {
            key(out, name);
            integer(out, count);
        }
    }
    if let Some(protocol) = session.number(&session.places.ip_protocol).filter(|n| *n > 0) {
        key(out, "IPproto");
        match protocol {
            6 => out.extend_from_slice(b"TCP"),
            17 => out.extend_from_slice(b"UDP"),
            other => integer(out, other),
        }
    }
}

/// Appends system, sysplex and stack.
fn stack(out: &mut Vec<u8>, ident: &[u8]) {
    attribute(out, "sysname", ident.get(..8));
    attribute(out, "sysplex", ident.get(8..16));
    attribute(out, "stack", ident.get(16..24));
}

/// Appends what a TLS section says.
fn tls_attributes(out: &mut Vec<u8>, session: &Session<'_>, section: &[u8]) {
    /// The provider of the protocol has said it.
    const PROVIDER: u64 = 2;
    let places = &session.places.tls;
    let mut say = |name: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            key(out, name);
            text(out, &value);
        }
    };
    // What is observed shows no mode of a provider.
    let told = number(section, &places.source) == Some(PROVIDER);
    if let Some(mode) = number(section, &places.fips).filter(|_| told) {
        let level = smf::FIPS_MODE.name_of(mode).map(std::borrow::Cow::into_owned);
        let off = mode == 0;
        say("FIPS140", Some(if off { "No" } else { "Yes" }.to_owned()));
        say("FIPSlvl", if off { Some("Off".to_owned()) } else { level });
    }
    say("tlsProtVer", meaning(section, &places.version, &smf::TLS_VERSION));
    let suite = section.get(places.suite.clone()).map(field);
    say("tlsNegCipher", suite.filter(|suite| suite != smf::FAILED_CIPHER));
    if let Some(cipher) = meaning(section, &places.cipher, &smf::ENC_ALG) {
        let [algorithm, chaining, length] = cipher_parts(&cipher);
        say("tlsalg", Some(algorithm));
        say("tlschn", Some(chaining));
        say("tlskeylen", Some(length));
    }
    let key_exchange = meaning(section, &places.key_exchange, &smf::TLS_KEX);
    say("tlsKexAlg", key_exchange.map(|name| name.replace('_', "-")));
    say("tlsMsgAuth", meaning(section, &places.mac, &smf::MSG_AUTH));
    for (name, [signature, ..]) in
        ["tlsSCertSig", "tlsCCertSig"].into_iter().zip(&places.certificates)
    {
        let method = meaning(section, signature, &smf::SIGNATURE_METHOD);
        // None is where there is no certificate.
        let method = method.filter(|name| name != "None");
        say(name, method.map(|name| name.replace(" with ", "-")));
    }
}

/// Appends the names of the server's and the client's certificates, as IBM's sample has them.
fn distinguished_names(out: &mut Vec<u8>, names: &[(u16, &[u8])]) {
    let mut first = true;
    for (kind, name) in names {
        let label = match kind {
            5 => "TLS_server_subject",
            6 => "TLS_server_issuer",
            7 => "TLS_client_subject",
            8 => "TLS_client_issuer",
            // The sample shows no others.
            _ => continue,
        };
        if std::mem::take(&mut first) {
            key(out, "dn");
        } else {
            out.push(b' ');
        }
        out.extend_from_slice(label.as_bytes());
        out.extend_from_slice(b":'");
        quoted(out, &field(name));
        out.push(b'\'');
    }
}

/// Appends the name of the server certificate's subject, which ends the summary.
fn subject(out: &mut Vec<u8>, names: &[(u16, &[u8])]) {
    if let Some((_, name)) = names.iter().find(|(kind, _)| *kind == 5) {
        out.push(b' ');
        text(out, &field(name));
    }
}

/// Appends the event, which begins the line for people.
fn event_name(out: &mut Vec<u8>, session: &Session<'_>) {
    let detail = session.subtype == SUBTYPE_DETAIL;
    let events = if detail { &smf::SC_EVENT_TYPE } else { &smf::SS_EVENT_TYPE };
    let event = events.name_of(session.event()).unwrap_or("event".into());
    let event = event.split(" (").next().unwrap_or_default();
    // IBM's sample begins with a capital letter.
    let is_name = event.starts_with("zERT");
    for (n, byte) in event.bytes().enumerate() {
        out.push(if n == 0 && !is_name { byte.to_ascii_uppercase() } else { byte });
    }
}

/// Appends version, cipher and keys of a TLS section.
fn tls_summary_of(out: &mut Vec<u8>, session: &Session<'_>, section: &[u8]) {
    let places = &session.places.tls;
    let mut say = |before: &str, value: Option<String>| {
        if let Some(value) = value {
            out.extend_from_slice(before.as_bytes());
            text(out, &value);
        }
    };
    let version = meaning(section, &places.version, &smf::TLS_VERSION);
    say(" ", version.or(Some("TLS".to_owned())));
    let cipher = meaning(section, &places.cipher, &smf::ENC_ALG);
    say(" ", cipher.map(|name| name.replace(' ', "-")));
    for (before, [_, kind, length]) in
        [" server ", " client "].into_iter().zip(&places.certificates)
    {
        let kind = meaning(section, kind, &smf::KEY_TYPE).filter(|kind| kind != "None");
        let length = number(section, length).filter(|length| *length > 0);
        let key = kind.map(|kind| match length {
            Some(length) => format!("{kind}-{length}"),
            None => kind,
        });
        say(before, key);
    }
}

/// Appends the protocols beside TLS, or that there is none.
fn other_protection(out: &mut Vec<u8>, protocols: u8) {
    for (flag, name) in [(SSH, " SSH"), (IPSEC, " IPSec")] {
        if protocols & flag != 0 {
            out.extend_from_slice(name.as_bytes());
        }
    }
    if protocols == 0 {
        out.extend_from_slice(b" no recognized protection");
    }
}

/// Appends the port of the local end, or of the server where the local end is a client's.
fn port(out: &mut Vec<u8>, ends: Ends) {
    let (name, ports) = match ends.local.ports {
        Some(ports) => (" local port ", Some(ports)),
        None => (" remote port ", ends.remote.ports),
    };
    let Some((from, to)) = ports else { return };
    out.extend_from_slice(name.as_bytes());
    integer(out, u64::from(from));
    if from != to {
        out.push(b'-');
        integer(out, u64::from(to));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Attributes, Tls, Tls12, address_field, ebcdic};
    use crate::record::{Common11, Common12, Detail, DistinguishedName, Identification, Summary};

    fn event(leef: &mut Leef, encode: impl Fn(&mut Vec<u8>)) -> String {
        let (mut bytes, mut out) = (Vec::new(), Vec::new());
        encode(&mut bytes);
        leef.event(&mut out, &Record::parse(&bytes).expect("a record"));
        String::from_utf8(out).expect("text")
    }

    /// The keys of a line with their values.
    fn attributes(line: &str) -> Vec<(&str, &str)> {
        let attributes = line.trim_end_matches('\n').splitn(6, '|').nth(5).expect("attributes");
        attributes.split('\t').map(|a| a.split_once('=').expect("a key")).collect()
    }

    fn sample() -> Detail {
        let name = |dn_type, name: &str| DistinguishedName { dn_type, name: name.into() };
        let mut detail = Detail {
            common: Common11 {
                event_type: 1,
                sec_protos: TLS,
                ip_proto: 6,
                jobname: ebcdic::field("USER01"),
                job_id: ebcdic::field("JOB01023"),
                user_id: ebcdic::field("USER01"),
                lip: address_field([172, 16, 0, 2].into()),
                rip: address_field([172, 16, 0, 1].into()),
                l_port: 3000,
                r_port: 1000,
                in_bytes: 10,
                out_bytes: 20,
                in_seg_dg: 1,
                out_seg_dg: 2,
                conn_id: 0x4C2,
                ..Common11::default()
            },
            ident: Identification {
                sys_name: ebcdic::field("SYSTEM"),
                sysplex_name: ebcdic::field("PLEX1"),
                stack: ebcdic::field("TCPIP"),
                release_id: ebcdic::field("CS V2R4"),
                ..Identification::default()
            },
            tls: Some(Tls {
                source: 2,
                prot_ver: 0x0302,
                neg_cipher: ebcdic::field("0033"),
                cs_enc_alg: 0x000C,
                cs_msg_auth: 4,
                cs_kex_alg: 0x000B,
                s_cert_signature_method: 4,
                s_cert_key_type: 2,
                s_cert_key_len: 1024,
                c_cert_signature_method: 4,
                c_cert_key_type: 2,
                c_cert_key_len: 1024,
                ..Tls::default()
            }),
            names: vec![name(5, "CN=COM1,OU=ORG1,O=IBM,C=US"), name(6, "CN=COM2,OU=ORG1")].into(),
            ..Detail::default()
        };
        detail.header.time = 8 * 360_000 + 31 * 6000 + 30 * 100 + 10;
        detail.header.date = 0x0120_138F;
        detail
    }

    /// IBM's sample event, as far as its keys are those of a detail record.
    #[test]
    fn the_sample_of_ibm() {
        let mut leef = Leef::new(Some(TimeZone::fixed(jiff::tz::offset(2))));
        for _ in 0..2 {
            let line = event(&mut leef, |out| sample().encode(out));
            assert_eq!(
                line.replace('\t', " "),
                "LEEF:1.0|IBM|z/OS|2.4|119-11|devTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSZ \
                 devTime=2020-05-17T08:31:30.100+0200 usrName=USER01 jobname=USER01 \
                 src=172.16.0.1 srcPort=1000 dst=172.16.0.2 dstPort=3000 srcBytes=10 dstBytes=20 \
                 srcPackets=1 dstPackets=2 IPproto=TCP FIPS140=No FIPSlvl=Off tlsProtVer=TLSv1.1 \
                 tlsNegCipher=0033 tlsalg=AES tlschn=CBC tlskeylen=128 tlsKexAlg=DHE-RSA \
                 tlsMsgAuth=HMAC-SHA1 tlsSCertSig=RSA-SHA1 tlsCCertSig=RSA-SHA1 jobid=JOB01023 \
                 sysname=SYSTEM sysplex=PLEX1 stack=TCPIP saConnId=000004C2 \
                 dn=TLS_server_subject:'CN=COM1,OU=ORG1,O=IBM,C=US' \
                 TLS_server_issuer:'CN=COM2,OU=ORG1' action=INIT sum=Connection initiation \
                 TLSv1.1 AES-CBC-128 server RSA-1024 client RSA-1024 local port 3000 \
                 CN=COM1,OU=ORG1,O=IBM,C=US\n"
            );
        }
    }

    #[test]
    fn client_and_server_change_sides_where_the_record_says_so() {
        let mut detail = sample();
        detail.common.flags = 0x08;
        let mut leef = Leef::default();
        let line = event(&mut leef, |out| detail.encode(out));
        let all = attributes(&line);
        let value = |key: &str| all.iter().find(|(k, _)| *k == key).map(|(_, value)| *value);
        assert_eq!((value("src"), value("srcBytes")), (Some("172.16.0.2"), Some("20")));
        assert_eq!((value("dst"), value("dstBytes")), (Some("172.16.0.1"), Some("10")));
        // Without a zone no offset is claimed.
        assert_eq!(value("devTimeFormat"), Some("yyyy-MM-dd'T'HH:mm:ss.SSS"));
        assert_eq!(value("devTime"), Some("2020-05-17T08:31:30.100"));
    }

    #[test]
    fn sessions_have_what_the_interval_added() {
        let common = Common12 {
            event_type: 1,
            flags: 0x40,
            sec_protos: TLS,
            ip_proto: 6,
            srv_ip: address_field([172, 16, 0, 2].into()),
            clt_ip: address_field([172, 16, 0, 1].into()),
            srv_port_start: 1024,
            srv_port_end: 65535,
            init_life_conn_cnt: 1,
            end_life_conn_cnt: 3,
            init_life_in_bytes: 100,
            end_life_in_bytes: 130,
            ..Common12::default()
        };
        let attributes_of_tls = Attributes::Tls(Tls12 { prot_ver: 0x0304, ..Tls12::default() });
        let summary = Summary { common, attributes: attributes_of_tls, ..Summary::default() };
        let line = event(&mut Leef::default(), |out| summary.encode(out));
        assert!(line.starts_with("LEEF:1.0|IBM|z/OS|unknown|119-12|"), "{line}");
        let all = attributes(&line);
        let value = |key: &str| all.iter().find(|(k, _)| *k == key).map(|(_, value)| *value);
        assert_eq!((value("srcBytes"), value("dstBytes")), (Some("30"), Some("0")));
        assert_eq!((value("connsBeg"), value("connsEnd")), (Some("1"), Some("3")));
        assert_eq!((value("srcPort"), value("dstPort"), value("FIPS140")), (None, None, None));
        let sum = "Summary interval record TLSv1.3 local port 1024-65535";
        assert_eq!((value("sum"), value("devTime")), (Some(sum), None));
    }

    #[test]
    fn no_value_has_what_divides() {
        for sign in ['\t', '\n', '\r', '|', '^', '\'', '\u{85}', '='] {
            let hostile = format!("CN=a{sign}b' TLS_server_issuer:'CN=c");
            let names = vec![DistinguishedName { dn_type: 5, name: hostile.as_str().into() }];
            let mut detail = Detail { names: names.into(), ..sample() };
            detail.common.jobname = ebcdic::field(&format!("A{sign}B"));
            detail.ident.release_id = ebcdic::field(&format!("A{sign}B"));
            let line = event(&mut Leef::default(), |out| detail.encode(out));
            assert_eq!((line.matches('\n').count(), line.matches('|').count()), (1, 5), "{line}");
            let all = attributes(&line);
            assert_eq!(all.iter().filter(|(key, _)| *key == "jobname").count(), 1);
            let dn = all.iter().find(|(key, _)| *key == "dn").expect("names").1;
            assert_eq!(dn.matches('\'').count(), 2, "{dn}");
        }
    }
}
