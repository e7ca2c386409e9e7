//! What a zERT record says of its connection or security session, for lines and events. What
//! a section is too short for is not there.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use crate::names::CodeTable;
use crate::record::field::Section;
use crate::record::{
    Common11, Common12, Ipsec, Ipsec12, Record, SUBTYPE_DETAIL, SUBTYPE_SUMMARY, Ssh, Ssh12, Tls,
    Tls12,
};

/// Protocols that protect, as the records' flags.
pub(super) const TLS: u8 = 0x80;
pub(super) const SSH: u8 = 0x40;
pub(super) const IPSEC: u8 = 0x20;

/// The flag of both subtypes that addresses are of IPv6.
const IPV6: u8 = 0x80;

/// Where a section has a field; beyond every section, if it has none.
pub(super) type Place = Range<usize>;

fn place(section: &Section, name: &str) -> Place {
    // Both subtypes call a field the same behind their own beginning.
    let is_it = |of: &str| of.get("SMF119SC_".len()..) == Some(name);
    let field = section.all_fields().find(|field| is_it(field.name));
    field.map_or(usize::MAX..usize::MAX, |field| field.offset..field.offset + field.length)
}

/// A counter's place at the beginning of an interval, if there is one, and at its end.
type Counter = [Place; 2];

/// Where the sections of a subtype have their fields.
#[derive(Debug)]
pub(super) struct Places {
    pub event: Place,
    pub flags: Place,
    pub protocols: Place,
    pub ip_protocol: Place,
    pub job: Place,
    pub job_id: Place,
    pub user: Place,
    pub connection_id: Place,
    /// Local and remote, or server and client.
    addresses: [Place; 2],
    /// The ports of the first: from, to. Of a connection the second is that of the second.
    ports: [Place; 2],
    /// Bytes and segments, in and out.
    traffic: [Counter; 4],
    /// Connections: all, in part, short, active; at the beginning and the end.
    pub connections: [Counter; 4],
    pub tls: TlsPlaces,
    pub ssh_version: Place,
    pub ssh_flags: Place,
    pub ssh_cipher: Place,
    pub ipsec_cipher: Place,
    pub ipsec_authentication: Place,
    /// Triplets of TLS, SSH and IPSec.
    sections: [usize; 3],
}

/// Where the TLS section has its fields.
#[derive(Debug)]
pub(super) struct TlsPlaces {
    pub source: Place,
    pub handshake: Place,
    pub version: Place,
    pub suite: Place,
    pub cipher: Place,
    pub mac: Place,
    pub key_exchange: Place,
    pub fips: Place,
    /// Of the server and the client: signature, type and length of the key.
    pub certificates: [[Place; 3]; 2],
}

impl Places {
    fn of(subtype: u16) -> Self {
        let summary = subtype == SUBTYPE_SUMMARY;
        let (common, tls, ssh, ipsec, sections) = if summary {
            (Common12::SECTION, Tls12::SECTION, Ssh12::SECTION, Ipsec12::SECTION, [2, 3, 4])
        } else {
            (Common11::SECTION, Tls::SECTION, Ssh::SECTION, Ipsec::SECTION, [3, 4, 5])
        };
        let of = |name: &str| place(common, name);
        let both = |name: [&str; 2]| name.map(of);
        let traffic = |name: &str| {
            if summary {
                [of(&format!("SAInitLife{name}")), of(&format!("SAEndLife{name}"))]
            } else {
                [usize::MAX..usize::MAX, of(&format!("SA{name}"))]
            }
        };
        let connections =
            |name: &str| [of(&format!("SAInit{name}ConnCnt")), of(&format!("SAEnd{name}ConnCnt"))];
        let of_tls = |name: &str| place(tls, &format!("TLS_{name}"));
        let certificate = |end: &str| {
            ["Signature_Method", "Key_Type", "Key_Len"]
                .map(|name| of_tls(&format!("{end}Cert_{name}")))
        };
        Self {
            event: of("SAEvent_Type"),
            flags: of("SAFlags"),
            protocols: of("SASecProtos"),
            ip_protocol: of("SAIPProto"),
            job: of("SAJobname"),
            job_id: of("SAJobID"),
            user: of("SAUserID"),
            connection_id: of("SAConnID"),
            addresses: both(if summary { ["SASrvIP", "SACltIP"] } else { ["SALIP", "SARIP"] }),
            ports: both(if summary {
                ["SASrvPortStart", "SASrvPortEnd"]
            } else {
                ["SALPort", "SARPort"]
            }),
            traffic: ["InBytes", "OutBytes", "InSegDG", "OutSegDG"].map(traffic),
            connections: ["Life", "LifePartial", "LifeShort", "Active"].map(connections),
            tls: TlsPlaces {
                source: of_tls("Source"),
                handshake: of_tls("Handshake_Type"),
                version: of_tls("Prot_Ver"),
                suite: of_tls("Neg_Cipher"),
                cipher: of_tls("CS_Enc_Alg"),
                mac: of_tls("CS_Msg_Auth"),
                key_exchange: of_tls("CS_Kex_Alg"),
                fips: of_tls("FIPS_Mode"),
                certificates: ["S", "C"].map(certificate),
            },
            ssh_version: place(ssh, "SSH_Prot_Ver"),
            ssh_flags: place(ssh, "SSH_Flags"),
            ssh_cipher: place(ssh, "SSH_Out_Enc_Alg"),
            ipsec_cipher: place(ipsec, "IPSec_EncAlg"),
            ipsec_authentication: place(ipsec, "IPSec_AuthAlg"),
            sections,
        }
    }
}

/// The places of both subtypes.
#[derive(Debug)]
pub(super) struct Layouts([Places; 2]);

impl Default for Layouts {
    fn default() -> Self {
        Self([SUBTYPE_DETAIL, SUBTYPE_SUMMARY].map(Places::of))
    }
}

/// What the stack's end of a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Server,
    Client,
    Unknown,
}

/// An end of a connection, or of the connections of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct End {
    pub address: IpAddr,
    /// Ports from, to; `None` of a session's clients, and where there are no ports.
    pub ports: Option<(u16, u16)>,
}

/// Both ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ends {
    pub local: End,
    pub remote: End,
    /// What the local end is.
    pub role: Role,
}

/// What a record tells of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Session<'a> {
    pub subtype: u16,
    pub places: &'a Places,
    common: &'a [u8],
    record: Record<'a>,
}

impl<'a> Session<'a> {
    /// Looks at a record; `None` if it is no zERT record or has no common section.
    pub fn of(record: &Record<'a>, layouts: &'a Layouts) -> Option<Self> {
        let Layouts([detail, summary]) = layouts;
        let (subtype, places) = match record.subtype()? {
            SUBTYPE_DETAIL => (SUBTYPE_DETAIL, detail),
            SUBTYPE_SUMMARY => (SUBTYPE_SUMMARY, summary),
            _ => return None,
        };
        Some(Self { subtype, places, common: record.section(1)?, record: *record })
    }

    /// The bytes of a field of the common section.
    pub fn bytes(&self, place: &Place) -> Option<&'a [u8]> {
        self.common.get(place.clone())
    }

    /// A number of the common section.
    pub fn number(&self, place: &Place) -> Option<u64> {
        number(self.common, place)
    }

    /// The event type.
    pub fn event(&self) -> u64 {
        self.number(&self.places.event).unwrap_or(0)
    }

    /// Whether it tells of a connection or a session, rather than of the stack.
    pub fn has_ends(&self) -> bool {
        !match self.subtype {
            SUBTYPE_DETAIL => matches!(self.event(), 5 | 6),
            _ => matches!(self.event(), 2 | 3),
        }
    }

    /// Flags of the protocols that protect.
    pub fn protocols(&self) -> u8 {
        let flags = self.number(&self.places.protocols).unwrap_or(0);
        u8::try_from(flags).unwrap_or(0)
    }

    /// The section of a protocol, if the record has it.
    pub fn section(&self, protocol: u8) -> Option<&'a [u8]> {
        let [tls, ssh, ipsec] = self.places.sections;
        self.record.section(match protocol {
            TLS => tls,
            SSH => ssh,
            _ => ipsec,
        })
    }

    /// The ends; of a session that does not say which of them is the stack's, the server is
    /// taken for the local one, as zERT counts Enterprise Extender.
    pub fn ends(&self) -> Option<Ends> {
        let flags = u8::try_from(self.number(&self.places.flags)?).ok()?;
        let [first, second] = &self.places.addresses;
        let address = |place: &Place| -> Option<IpAddr> {
            let bytes: [u8; 16] = self.bytes(place)?.try_into().ok()?;
            let [a, b, c, d, ..] = bytes;
            Some(match flags & IPV6 {
                0 => Ipv4Addr::new(a, b, c, d).into(),
                _ => Ipv6Addr::from(bytes).into(),
            })
        };
        let [one, other] = &self.places.ports;
        let port = |place: &Place| u16::try_from(self.number(place).unwrap_or(0)).unwrap_or(0);
        let (one, other) = (port(one), port(other));
        let some = (one, other) != (0, 0);
        let (first, second) = (address(first)?, address(second)?);
        let (server, client) = match self.subtype {
            SUBTYPE_DETAIL => (0x10, 0x08),
            _ => (0x40, 0x20),
        };
        let role = match (flags & server != 0, flags & client != 0) {
            (true, false) => Role::Server,
            (false, true) => Role::Client,
            _ => Role::Unknown,
        };
        if self.subtype == SUBTYPE_DETAIL {
            let local = End { address: first, ports: some.then_some((one, one)) };
            let remote = End { address: second, ports: some.then_some((other, other)) };
            return Some(Ends { local, remote, role });
        }
        let server = End { address: first, ports: some.then_some((one, other)) };
        let client = End { address: second, ports: None };
        Some(match role {
            Role::Client => Ends { local: client, remote: server, role },
            _ => Ends { local: server, remote: client, role },
        })
    }

    /// Bytes in and out, segments in and out: of a connection since its start, of a session in
    /// the interval.
    pub fn traffic(&self) -> Option<[u64; 4]> {
        let mut all = [0; 4];
        for (count, [begin, end]) in all.iter_mut().zip(&self.places.traffic) {
            let before = self.number(begin).unwrap_or(0);
            *count = self.number(end)?.saturating_sub(before);
        }
        Some(all)
    }
}

/// A number in the bytes of a section, if it is there.
pub(super) fn number(section: &[u8], place: &Place) -> Option<u64> {
    let bytes = section.get(place.clone())?;
    Some(bytes.iter().fold(0, |n, &b| n << 8 | u64::from(b)))
}

/// What a code of a section stands for, in hexadecimal if the table does not list it; `None`
/// where the section has no such field, or it is the table's "not known".
pub(super) fn meaning(section: &[u8], place: &Place, table: &CodeTable) -> Option<String> {
    let code = number(section, place)?;
    let digits = format!("{code:0width$X}", width = 2 * place.len());
    if table.unknown == Some(digits.as_str()) {
        return None;
    }
    Some(table.name_of(code).map_or_else(|| format!("X'{digits}'"), |name| name.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::smf;

    #[test]
    fn every_field_is_found() {
        let Layouts(layouts) = Layouts::default();
        for (places, summary) in layouts.iter().zip([false, true]) {
            let there = |place: &Place| place.start < 1000;
            let tls = &places.tls;
            let of_both = [
                &places.event,
                &places.flags,
                &places.protocols,
                &places.ip_protocol,
                &places.job,
                &places.user,
                &places.ssh_version,
                &places.ssh_cipher,
                &places.ipsec_cipher,
                &places.ipsec_authentication,
                &tls.source,
                &tls.version,
                &tls.suite,
                &tls.cipher,
                &tls.mac,
                &tls.key_exchange,
            ];
            let certificates = tls.certificates.iter().flatten();
            let ends = places.addresses.iter().chain(&places.ports);
            let counters = places.traffic.iter().map(|[_, end]| end);
            let mut all = of_both.into_iter().chain(certificates).chain(ends).chain(counters);
            assert!(all.all(there));
            let of_detail = [&places.job_id, &places.connection_id, &tls.handshake, &tls.fips];
            assert!(of_detail.into_iter().chain([&places.ssh_flags]).all(|p| there(p) != summary));
            assert!(places.connections.iter().flatten().all(|place| there(place) == summary));
            assert!(places.traffic.iter().all(|[begin, _]| there(begin) == summary));
        }
    }

    #[test]
    fn what_is_not_known_has_no_meaning() {
        let section = [0, 0, 0x03, 0x04, 0x7F, 0x1C];
        let meaning = |at| meaning(&section, &(at..at + 2), &smf::TLS_VERSION);
        assert_eq!(meaning(0), None);
        assert_eq!(meaning(2).as_deref(), Some("TLSv1.3"));
        assert_eq!(meaning(4).as_deref(), Some("X'7F1C'"));
        assert_eq!(meaning(5), None);
    }
}
