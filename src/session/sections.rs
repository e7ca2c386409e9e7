//! What the records of a connection say: the sections of subtype 11 from what
//! was followed and observed.

use std::net::IpAddr;
use std::sync::Arc;

use crate::config::{Identity, Jobs, LocalEnd, Mode, Settings};
use crate::flow::{Dir, Key};
use crate::names::overrides::Codes;
use crate::names::{smf, ssh as ssh_names, tls as names};
use crate::observe::certificate::Certificate;
use crate::observe::tls::{Facts, SessionCertificates, SessionHandle, Suite};
use crate::observe::{FindingsRef, Side, ssh};
use crate::record::{
    Common11, Common12V3r2, Detail, DistinguishedName, Header, Identification, Ipsec, Level, Names,
    SmfTime, Ssh, Summary, Tls, address_field, ebcdic,
};

use super::{Event, Kind};

/// `sec_protos`: TLS/SSL.
const PROTECTED_BY_TLS: u8 = 0x80;
/// `sec_protos`: SSH.
const PROTECTED_BY_SSH: u8 = 0x40;
/// `sec_protos`: IPSec.
pub(super) const PROTECTED_BY_IPSEC: u8 = 0x20;
/// `ipsec_tun_state`: active.
const TUNNEL_ACTIVE: u8 = 0x01;
/// `ipsec_encap`.
const TUNNEL_MODE: u8 = 0x01;
const TRANSPORT_MODE: u8 = 0x02;
/// `ipsec_auth_proto`: ESP and AH.
const IPPROTO_ESP: u8 = 0x32;
const IPPROTO_AH: u8 = 0x33;
/// `enc_alg`: none; neither AH nor this ESP encrypts.
const NO_ENCRYPTION: u16 = 0x0001;
/// `msg_auth` of the algorithms whose check values have a length of their own.
const HMAC_SHA2_256_128: u16 = 0x000C;
const HMAC_SHA2_512_256: u16 = 0x000E;
/// `sc_flags` and `ipsec_tun_flags`: IPv6.
const IPV6: u8 = 0x80;
/// `ident_reason`: event record, last or only.
const REASON_EVENT: u8 = 0x08;
/// `attr_source`: stream observation.
const OBSERVATION: u8 = 0x01;
/// `tls_crypto_flags`: encrypt-then-MAC.
const ENCRYPT_THEN_MAC: u8 = 0x80;
/// `ssh_crypto_flags`: encrypt-then-MAC by direction.
const ENCRYPT_THEN_MAC_IN: u8 = 0x80;
const ENCRYPT_THEN_MAC_OUT: u8 = 0x40;
/// `tls_handshake_type`, `ssh_flags`: failed. Both are new in 3.2.
const HANDSHAKE_FAILED: u8 = 3;
const SSH_FAILED: u8 = 0x80;
/// `sc_flags`: the local socket is the server, the client; new in 3.2.
const LOCAL_IS_SERVER: u8 = 0x10;
const LOCAL_IS_CLIENT: u8 = 0x08;
/// SSL 2.0 on the wire and in a record.
const SSLV2_WIRE: u16 = 0x0002;
const SSLV2_CODE: u16 = 0x0200;

/// Distinguished name types (`dn_type`).
const SERVER_SUBJECT: u16 = 5;
const SERVER_ISSUER: u16 = 6;
const CLIENT_SUBJECT: u16 = 7;
const CLIENT_ISSUER: u16 = 8;

/// From whose end a connection is reported.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// Names in the record.
    pub identity: &'a Identity,
    /// Time zone of the record header.
    pub zone: &'a jiff::tz::TimeZone,
    /// The level of the record.
    pub level: Level,
    /// The jobs that own the stack's ports.
    pub jobs: &'a Jobs,
    /// How much goes into the record.
    pub mode: Mode,
    /// Whether the length of a check value may name its algorithm.
    pub infer_icv: bool,
    /// The codes of what was observed.
    pub codes: &'a Codes,
}

/// The AH or ESP security association under which a connection's packets come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IpsecProtection {
    /// Addresses of the packets that carry it, by the connection's direction.
    pub ends: [IpAddr; 2],
    /// ESP without encryption, otherwise AH.
    pub esp: bool,
    /// Tunnel mode, otherwise transport mode.
    pub tunnel_mode: bool,
    /// Bytes of the check value, where they are those of one algorithm.
    pub check_value: Option<u8>,
}

/// A handshake that has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failed {
    /// Of TLS or SSL.
    Tls,
    /// Of SSH.
    Ssh,
}

/// What carries a connection. The values are those of `ip_proto`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// TCP.
    Tcp = 6,
    /// Enterprise Extender in UDP.
    Udp = 17,
}

/// A connection at the moment of an event. Pairs are indexed by direction.
#[derive(Clone, Copy, Debug)]
pub struct Snapshot<'a> {
    /// What carries it.
    pub transport: Transport,
    /// End points.
    pub key: &'a Key,
    /// The direction in which the local end sends.
    pub local: Dir,
    /// Whether the local end is the client.
    pub outbound: bool,
    /// When it was established.
    pub established: i64,
    /// Payload bytes.
    pub bytes: [u64; 2],
    /// TCP segments or UDP datagrams.
    pub segments: [u64; 2],
    /// What protects it.
    pub protection: FindingsRef<'a>,
    /// AH or ESP under which its packets come.
    pub ipsec: Option<&'a IpsecProtection>,
    /// The handshake that has failed, if the level of the records has it.
    pub failed: Option<Failed>,
}

impl<'a> View<'a> {
    /// The view of a stack that settings ask for.
    pub fn of(settings: &'a Settings, stack: usize) -> Self {
        let stack = settings.stacks.get(stack);
        Self {
            identity: &stack.identity,
            zone: &stack.zone,
            level: settings.level,
            jobs: &stack.jobs,
            mode: settings.mode,
            infer_icv: settings.infer_icv,
            codes: &settings.codes,
        }
    }
}

impl View<'_> {
    /// The record of an event. Its connection identifier is left at zero.
    pub fn detail(&self, event: Event, now: &Snapshot<'_>) -> Detail {
        let mut detail = self.frame(event);
        detail.common = self.common(event, now);
        if let Some(facts) = now.protection.ssh {
            detail.ssh = Some(self.ssh(facts, now.local));
        }
        match now.failed {
            Some(Failed::Tls) => detail.tls = Some(failed_tls()),
            Some(Failed::Ssh) => detail.ssh = Some(failed_ssh()),
            None => {}
        }
        detail.ipsec = now.ipsec.map(|ipsec| self.ipsec(ipsec, now.local));
        if let Some(facts) = now.protection.tls {
            detail.tls = Some(self.tls(facts, now.local));
            if self.mode == Mode::Extended {
                detail.names =
                    distinguished_names(&facts.server_certificate, &facts.client_certificate);
            }
        }
        detail
    }

    fn common(&self, event: Event, now: &Snapshot<'_>) -> Common11 {
        let (local, remote) = (now.key.sender(now.local), now.key.sender(now.local.other()));
        let (out, inward) = (now.local, now.local.other());
        let mut common = Common11 {
            sec_protos: protocol_flags(now),
            ip_proto: now.transport as u8,
            r_port: remote.port,
            l_port: local.port,
            in_bytes: *inward.of(&now.bytes),
            out_bytes: *out.of(&now.bytes),
            in_seg_dg: *inward.of(&now.segments),
            out_seg_dg: *out.of(&now.segments),
            ..event_between(event, now.established, local.ip, remote.ip)
        };
        let end = LocalEnd {
            address: local.ip,
            port: local.port,
            ip_proto: now.transport as u8,
            outbound: now.outbound,
        };
        if self.level >= Level::V3r2 && now.transport == Transport::Tcp {
            common.flags |= if now.outbound { LOCAL_IS_CLIENT } else { LOCAL_IS_SERVER };
        }
        if let Some(job) = self.jobs.find(end) {
            common.jobname = ebcdic::field(&job.name);
            common.job_id = ebcdic::field(&job.id);
            common.user_id = ebcdic::field(&job.user);
        }
        common
    }

    /// Header and identification.
    pub(super) fn frame(&self, event: Event) -> Detail {
        let mut detail = Detail { level: self.level, ..Detail::default() };
        self.header(event.written, &mut detail.header);
        detail.ident = self.identification(REASON_EVENT);
        detail
    }

    /// The record of an event that is about no connection.
    pub fn tool_event(&self, event: Event) -> Detail {
        let mut detail = self.frame(event);
        detail.common.event_type = event.kind as u8;
        detail
    }

    /// A summary record at a moment, without its sections.
    pub fn summary(&self, at: i64, reason: u8) -> Summary {
        let mut summary = Summary {
            failed: self.level.tells_of_failures().then(Common12V3r2::default),
            ..Summary::default()
        };
        self.header(at, &mut summary.header);
        summary.ident = self.identification(reason);
        summary
    }

    fn header(&self, at: i64, header: &mut Header) {
        let written = SmfTime::local(at, self.zone);
        header.time = written.time;
        header.date = written.date;
        header.sid = ebcdic::field(&self.identity.sid);
    }

    fn identification(&self, reason: u8) -> Identification {
        let identity = self.identity;
        Identification {
            sys_name: ebcdic::field(&identity.sysname),
            sysplex_name: ebcdic::field(&identity.sysplex),
            stack: ebcdic::field(&identity.stack),
            release_id: ebcdic::field(&identity.release),
            comp: ebcdic::field("STACK"),
            as_name: ebcdic::field(match identity.as_name.as_str() {
                "" => &identity.stack,
                name => name,
            }),
            reason,
            ..Identification::default()
        }
    }

    /// The IPSec section of a connection under AH, or ESP without encryption.
    /// The length of the check value fits several algorithms, or is that of one
    /// that is hardly the only one there will ever be: without leave to infer,
    /// the algorithm stays Unknown.
    fn ipsec(&self, ipsec: &IpsecProtection, local: Dir) -> Ipsec {
        let (here, there) = (*local.of(&ipsec.ends), *local.other().of(&ipsec.ends));
        Ipsec {
            encap_mode: if ipsec.tunnel_mode { TUNNEL_MODE } else { TRANSPORT_MODE },
            auth_proto: if ipsec.esp { IPPROTO_ESP } else { IPPROTO_AH },
            auth_alg: match ipsec.check_value {
                Some(16) if self.infer_icv => HMAC_SHA2_256_128,
                Some(32) if self.infer_icv => HMAC_SHA2_512_256,
                _ => 0,
            },
            enc_alg: NO_ENCRYPTION,
            ..tunnel_between(here, there)
        }
    }

    /// The SSH section. Inbound is toward the local end.
    fn ssh(&self, facts: &ssh::Facts, local: Dir) -> Ssh {
        let to_server = (&facts.cipher_c2s, &facts.mac_c2s);
        let to_client = (&facts.cipher_s2c, &facts.mac_s2c);
        let (inward, out) = if facts.client == Some(side(local)) {
            (to_client, to_server)
        } else {
            (to_server, to_client)
        };
        let cipher = |c: &Option<String>| c.as_deref().map_or(0, |c| self.codes.ssh_cipher(c));
        let mac = |(c, m): (&Option<String>, &Option<String>)| {
            // Version 1 has a checksum and no message authentication.
            self.codes.ssh_mac(c.as_deref(), m.as_deref())
        };
        let etm = |m: &Option<String>| m.as_deref().is_some_and(ssh_names::is_encrypt_then_mac);
        let mut flags = 0;
        if etm(inward.1) {
            flags |= ENCRYPT_THEN_MAC_IN;
        }
        if etm(out.1) {
            flags |= ENCRYPT_THEN_MAC_OUT;
        }
        let key = facts.host_key.as_ref();
        Ssh {
            prot_ver: facts.version.unwrap_or(0),
            source: OBSERVATION,
            crypto_flags: flags,
            protocol_provider: ebcdic::field("Observation"),
            in_enc_alg: cipher(inward.0),
            in_msg_auth: mac(inward),
            kex_method: facts.kex.as_deref().map_or(0, |k| self.codes.ssh_kex(k)),
            out_enc_alg: cipher(out.0),
            out_msg_auth: mac(out),
            s_key_type: key.map_or(0, |k| self.codes.ssh_host_key(&k.kind)),
            s_key_len: key.and_then(|k| k.bits).and_then(|b| u16::try_from(b).ok()).unwrap_or(0),
            ..Ssh::default()
        }
    }

    fn tls(&self, facts: &Facts, local: Dir) -> Tls {
        let codes = match facts.suite {
            Some(Suite::Tls(suite)) => self.codes.suite(suite),
            other => other.map(Suite::codes).unwrap_or_default(),
        };
        let session_id = facts.session_id.as_deref().unwrap_or_default();
        let mut section = Tls {
            prot_ver: facts.version.map_or(0, version_code),
            source: OBSERVATION,
            handshake_type: match facts.abbreviated {
                Some(false) => 1,
                Some(true) => 2,
                None => 0,
            },
            handshake_role: role(facts, local),
            protocol_provider: ebcdic::field("Observation"),
            neg_cipher: ebcdic::field(&facts.suite.map(Suite::hex).unwrap_or_default()),
            cs_enc_alg: codes.enc,
            cs_msg_auth: codes.mac,
            cs_kex_alg: codes.kex,
            crypto_flags: if facts.encrypt_then_mac && is_cbc(facts) {
                ENCRYPT_THEN_MAC
            } else {
                0
            },
            ..Tls::default()
        };
        left_justified(&mut section.session_id, session_id);
        section.session_id_len = narrow8(session_id.len().min(section.session_id.len()));
        if self.mode == Mode::Extended {
            if let Some(certificate) = &facts.server_certificate {
                server_certificate(&mut section, certificate, self.codes);
            }
            if let Some(certificate) = &facts.client_certificate {
                client_certificate(&mut section, certificate, self.codes);
            }
        }
        section
    }
}

/// A TLS session that was resumed: where its certificates were seen is known elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ResumedSession {
    /// The TLS server.
    pub server: IpAddr,
    /// What it was resumed by.
    pub handles: [Option<SessionHandle>; 2],
}

/// Fills in the certificates of a session, as its full handshake has shown them; returns
/// their names.
pub fn session_certificates(
    section: &mut Tls,
    certificates: &SessionCertificates,
    codes: &Codes,
) -> Names {
    if let Some(certificate) = &certificates.server {
        server_certificate(section, certificate, codes);
    }
    if let Some(certificate) = &certificates.client {
        client_certificate(section, certificate, codes);
    }
    distinguished_names(&certificates.server, &certificates.client)
}

/// What the common section says of every event: its kind, times and addresses.
pub(super) fn event_between(event: Event, start: i64, local: IpAddr, remote: IpAddr) -> Common11 {
    let start = SmfTime::utc(start);
    let end = match event.kind {
        Kind::Termination | Kind::ShortTermination => SmfTime::utc(event.at),
        Kind::Initiation | Kind::Change | Kind::Enabled | Kind::Disabled => SmfTime::default(),
    };
    Common11 {
        event_type: event.kind as u8,
        flags: if local.is_ipv6() { IPV6 } else { 0 },
        s_time: start.time,
        s_date: start.date,
        e_time: end.time,
        e_date: end.date,
        rip: address_field(remote),
        lip: address_field(local),
        ..Common11::default()
    }
}

/// `sec_protos` of what protects a connection.
fn protocol_flags(now: &Snapshot<'_>) -> u8 {
    let mut flags = 0;
    if now.protection.tls.is_some() || now.failed == Some(Failed::Tls) {
        flags |= PROTECTED_BY_TLS;
    }
    if now.protection.ssh.is_some() || now.failed == Some(Failed::Ssh) {
        flags |= PROTECTED_BY_SSH;
    }
    if now.ipsec.is_some() {
        flags |= PROTECTED_BY_IPSEC;
    }
    flags
}

/// What the IPSec section says of every tunnel that packets show.
pub(super) fn tunnel_between(local: IpAddr, remote: IpAddr) -> Ipsec {
    Ipsec {
        ike_tun_lcl_endpt: address_field(local),
        ike_tun_rmt_endpt: address_field(remote),
        tun_flags: if local.is_ipv6() { IPV6 } else { 0 },
        tun_state: TUNNEL_ACTIVE,
        ..Ipsec::default()
    }
}

/// The code of a version; zero (Unknown) for drafts and whatever has none.
fn version_code(version: u16) -> u16 {
    let code = if version == SSLV2_WIRE { SSLV2_CODE } else { version };
    smf::TLS_VERSION.name_of(u64::from(code)).map_or(0, |_| code)
}

/// The role of the local end in the TLS handshake, whoever opened the TCP
/// connection.
fn role(facts: &Facts, local: Dir) -> u8 {
    let local = side(local);
    match facts.client {
        None => 0,
        Some(client) if client == local => 1,
        Some(_) if facts.certificate_request && facts.client_certificate.is_some() => 3,
        // The client's certificate may be what is missing.
        Some(_) if facts.incomplete || !facts.completed => 0,
        Some(_) => 2,
    }
}

fn side(dir: Dir) -> Side {
    match dir {
        Dir::FromLow => Side::Low,
        Dir::FromHigh => Side::High,
    }
}

/// Encrypt-then-MAC means something only with a block cipher in CBC mode
/// (RFC 7366 section 3).
fn is_cbc(facts: &Facts) -> bool {
    matches!(facts.suite, Some(Suite::Tls(s)) if names::suite_name(s).is_some_and(|n| n.contains("_CBC")))
}

/// The section of a failed handshake: nothing but where it comes from.
fn failed_tls() -> Tls {
    Tls {
        source: OBSERVATION,
        handshake_type: HANDSHAKE_FAILED,
        protocol_provider: ebcdic::field("Observation"),
        neg_cipher: ebcdic::field(smf::FAILED_CIPHER),
        ..Tls::default()
    }
}

/// The same for SSH.
fn failed_ssh() -> Ssh {
    Ssh {
        source: OBSERVATION,
        protocol_provider: ebcdic::field("Observation"),
        rsvd1: [SSH_FAILED, 0, 0, 0],
        ..Ssh::default()
    }
}

fn server_certificate(section: &mut Tls, certificate: &Certificate, codes: &Codes) {
    let (method, enc, digest) = signature_codes(certificate, codes);
    section.s_cert_signature_method = method;
    section.s_cert_enc_method = enc;
    section.s_cert_digest_alg = digest;
    section.s_cert_serial_len = serial(&mut section.s_cert_serial, certificate);
    section.s_cert_time_type = not_after(&mut section.s_cert_time, certificate);
    (section.s_cert_key_type, section.s_cert_key_len) = key_codes(certificate, codes);
}

fn client_certificate(section: &mut Tls, certificate: &Certificate, codes: &Codes) {
    let (method, enc, digest) = signature_codes(certificate, codes);
    section.c_cert_signature_method = method;
    section.c_cert_enc_method = enc;
    section.c_cert_digest_alg = digest;
    section.c_cert_serial_len = serial(&mut section.c_cert_serial, certificate);
    section.c_cert_time_type = not_after(&mut section.c_cert_time, certificate);
    (section.c_cert_key_type, section.c_cert_key_len) = key_codes(certificate, codes);
}

/// `signature_method`, `cert_enc_method` and `digest_alg` of a certificate.
fn signature_codes(certificate: &Certificate, codes: &Codes) -> (u16, u16, u16) {
    codes.x509_signature(&certificate.signature_algorithm, certificate.pss_digest.as_deref())
}

/// `key_type` and the key's length in bits.
fn key_codes(certificate: &Certificate, codes: &Codes) -> (u16, u16) {
    let bits = certificate.key_bits.and_then(|b| u16::try_from(b).ok()).unwrap_or(0);
    (codes.x509_key(&certificate.public_key_algorithm), bits)
}

/// The serial number. RFC 5280 allows 20 bytes, the field has 20; a longer
/// one is left out rather than cut.
fn serial(field: &mut [u8; 20], certificate: &Certificate) -> u8 {
    let number = certificate.serial_number();
    if number.len() > field.len() {
        return 0;
    }
    left_justified(field, number);
    narrow8(number.len())
}

/// The end of validity as characters, and its form (`cert_time_type`).
fn not_after(field: &mut [u8; 15], certificate: &Certificate) -> u8 {
    let time = certificate.not_after;
    let civil = time.utc();
    let year = civil.year().unsigned_abs();
    let bytes = [civil.month(), civil.day(), civil.hour(), civil.minute(), civil.second()];
    let pairs = [year / 100, year % 100].into_iter().chain(bytes.map(|n| n.unsigned_abs().into()));
    let digits = pairs.flat_map(|pair| [pair / 10, pair % 10]);
    // Digits are X'F0' to X'F9'.
    let digits = digits.map(|digit| 0xF0 | u8::try_from(digit).unwrap_or(0));
    // UTCTime has two digits of the year.
    let (form, skip) = if time.generalized { (2, 0) } else { (1, 2) };
    let text = digits.skip(skip).chain(ebcdic::encode_char('Z'));
    for (slot, byte) in field.iter_mut().zip(text) {
        *slot = byte;
    }
    form
}

fn distinguished_names(
    server: &Option<Arc<Certificate>>,
    client: &Option<Arc<Certificate>>,
) -> Names {
    // A TLS handshake shows two certificates at most.
    let mut names = Vec::with_capacity(4);
    for (certificate, subject, issuer) in
        [(server, SERVER_SUBJECT, SERVER_ISSUER), (client, CLIENT_SUBJECT, CLIENT_ISSUER)]
    {
        if let Some(certificate) = certificate {
            for (dn_type, name) in [(subject, &certificate.subject), (issuer, &certificate.issuer)]
            {
                if !name.is_empty() {
                    names.push(DistinguishedName { dn_type, name: name.clone() });
                }
            }
        }
    }
    names.into()
}

fn left_justified(field: &mut [u8], bytes: &[u8]) {
    for (slot, &byte) in field.iter_mut().zip(bytes) {
        *slot = byte;
    }
}

fn narrow8(n: usize) -> u8 {
    u8::try_from(n).unwrap_or(u8::MAX)
}
