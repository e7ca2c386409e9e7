//! Subtype 11 records: one structure, its bytes and back.

use super::{
    Common11, HEADER_FLAGS, Header, Identification, IpFilter, Ipsec, Record, SUBTYPE_DETAIL,
    SelfDefining11, Ssh, TYPE_TCPIP, Tls, ebcdic,
};

/// The longest name of a distinguished name entry, in bytes.
const MAX_NAME: usize = 1024;
/// Bytes before the name in a distinguished name entry: length and type.
const NAME_HEAD: usize = 4;

/// An entry of the distinguished names section (S6).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DistinguishedName {
    /// Which certificate and which name: a code of `dn_type`.
    pub dn_type: u16,
    /// The name as text.
    pub name: String,
}

/// A zERT connection detail record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detail {
    /// SMF header. Its length is computed when the record is encoded.
    pub header: Header,
    /// TCP/IP identification section.
    pub ident: Identification,
    /// Common section.
    pub common: Common11,
    /// IP filter section.
    pub ip_filter: Option<IpFilter>,
    /// TLS section.
    pub tls: Option<Tls>,
    /// SSH section.
    pub ssh: Option<Ssh>,
    /// IPSec section.
    pub ipsec: Option<Ipsec>,
    /// Distinguished names.
    pub names: Vec<DistinguishedName>,
}

impl Default for Detail {
    fn default() -> Self {
        Self {
            header: Header {
                flags: HEADER_FLAGS,
                record_type: TYPE_TCPIP,
                sub_type: SUBTYPE_DETAIL,
                ..Header::default()
            },
            ident: Identification::default(),
            common: Common11::default(),
            ip_filter: None,
            tls: None,
            ssh: None,
            ipsec: None,
            names: Vec::new(),
        }
    }
}

/// Where a section lies: offset from the start of the record, length, number.
type Triplet = (u32, u16, u16);

impl Detail {
    /// Offset of the connection identifier from the start of an encoded record.
    pub const CONN_ID_OFFSET: usize = Header::LEN + SelfDefining11::LEN + Identification::LEN + 84;

    /// Appends the record's bytes, RDW included, to `out`.
    ///
    /// Sections follow the self-defining section in triplet order without
    /// padding. All entries of the names section have the length of the
    /// longest, padded with blanks, so that they can be read by stride and by
    /// their own length.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let start = out.len();
        let (entry, names) = encode_names(&self.names);
        let mut at = Header::LEN + SelfDefining11::LEN;
        let mut triplet = |length: usize, number: usize| -> Triplet {
            if number == 0 {
                return (0, 0, 0);
            }
            let offset = at;
            at += length * number;
            (narrow32(offset), narrow16(length), narrow16(number))
        };
        let id = triplet(Identification::LEN, 1);
        let s1 = triplet(Common11::LEN, 1);
        let s2 = triplet(IpFilter::LEN, usize::from(self.ip_filter.is_some()));
        let s3 = triplet(Tls::LEN, usize::from(self.tls.is_some()));
        let s4 = triplet(Ssh::LEN, usize::from(self.ssh.is_some()));
        let s5 = triplet(Ipsec::LEN, usize::from(self.ipsec.is_some()));
        let s6 = triplet(entry, self.names.len());

        Header { length: narrow16(at), ..self.header.clone() }.encode(out);
        SelfDefining11 {
            trn: 7,
            rsvd1: [0; 2],
            id_off: id.0,
            id_len: id.1,
            id_num: id.2,
            s1_off: s1.0,
            s1_len: s1.1,
            s1_num: s1.2,
            s2_off: s2.0,
            s2_len: s2.1,
            s2_num: s2.2,
            s3_off: s3.0,
            s3_len: s3.1,
            s3_num: s3.2,
            s4_off: s4.0,
            s4_len: s4.1,
            s4_num: s4.2,
            s5_off: s5.0,
            s5_len: s5.1,
            s5_num: s5.2,
            s6_off: s6.0,
            s6_len: s6.1,
            s6_num: s6.2,
        }
        .encode(out);
        self.ident.encode(out);
        self.common.encode(out);
        if let Some(section) = &self.ip_filter {
            section.encode(out);
        }
        if let Some(section) = &self.tls {
            section.encode(out);
        }
        if let Some(section) = &self.ssh {
            section.encode(out);
        }
        if let Some(section) = &self.ipsec {
            section.encode(out);
        }
        out.extend_from_slice(&names);
        debug_assert_eq!(out.len() - start, at);
    }

    /// Reads a record of this layout. `None` if it is another type or subtype,
    /// or if a section that must be there is missing or cut.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let record = Record::parse(bytes).ok()?;
        if record.record_type() != TYPE_TCPIP || record.subtype() != Some(SUBTYPE_DETAIL) {
            return None;
        }
        Some(Self {
            header: Header::decode(bytes)?,
            ident: Identification::decode(record.section(0)?)?,
            common: Common11::decode(record.section(1)?)?,
            ip_filter: record.section(2).and_then(IpFilter::decode),
            tls: record.section(3).and_then(Tls::decode),
            ssh: record.section(4).and_then(Ssh::decode),
            ipsec: record.section(5).and_then(Ipsec::decode),
            names: record
                .names()
                .into_iter()
                .map(|(dn_type, name)| DistinguishedName {
                    dn_type,
                    name: ebcdic::decode(name).trim_end().to_owned(),
                })
                .collect(),
        })
    }
}

/// The names section: the length of one entry, and all entries.
pub(super) fn encode_names(names: &[DistinguishedName]) -> (usize, Vec<u8>) {
    let texts: Vec<Vec<u8>> = names.iter().map(|n| name_bytes(&n.name)).collect();
    let entry = NAME_HEAD + texts.iter().map(Vec::len).max().unwrap_or(0);
    let mut out = Vec::with_capacity(entry * names.len());
    for (name, text) in names.iter().zip(texts) {
        out.extend_from_slice(&narrow16(entry).to_be_bytes());
        out.extend_from_slice(&name.dn_type.to_be_bytes());
        out.extend_from_slice(&text);
        out.resize(out.len() + entry - NAME_HEAD - text.len(), ebcdic::BLANK);
    }
    (entry, out)
}

/// A name in EBCDIC. A character outside the code page is written as RFC 4514
/// section 2.4 escapes it: a backslash and two hexadecimal digits for each
/// byte of its UTF-8 form.
fn name_bytes(name: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(name.len().min(MAX_NAME));
    for c in name.chars() {
        let before = out.len();
        match ebcdic::encode_char(c) {
            Some(byte) => out.push(byte),
            None => {
                let mut utf8 = [0; 4];
                for byte in c.encode_utf8(&mut utf8).bytes() {
                    out.extend(format!("\\{byte:02X}").chars().filter_map(ebcdic::encode_char));
                }
            }
        }
        if out.len() > MAX_NAME {
            out.truncate(before);
            break;
        }
    }
    out
}

/// Record offsets and lengths stay below 32,756 by construction: at most twelve
/// names of 1,028 bytes and the fixed sections.
fn narrow16(n: usize) -> u16 {
    u16::try_from(n).unwrap_or(u16::MAX)
}

fn narrow32(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_encoded_is_decoded() {
        let detail = Detail {
            common: Common11 { event_type: 3, conn_id: 0xA1B2_C3D4, ..Common11::default() },
            tls: Some(Tls { prot_ver: 0x0303, ..Tls::default() }),
            ipsec: Some(Ipsec::default()),
            names: vec![
                DistinguishedName { dn_type: 5, name: "CN=a,O=b".to_owned() },
                DistinguishedName { dn_type: 6, name: "CN=Zürich [ж]".to_owned() },
            ],
            ..Detail::default()
        };
        let mut bytes = Vec::new();
        detail.encode(&mut bytes);
        assert_eq!(bytes.len(), usize::from(u16::from_be_bytes([bytes[0], bytes[1]])));
        assert_eq!(bytes[Detail::CONN_ID_OFFSET..][..4], 0xA1B2_C3D4_u32.to_be_bytes());
        let back = Detail::decode(&bytes).expect("a detail record");
        assert_eq!(back.common, detail.common);
        assert_eq!(back.tls, detail.tls);
        assert_eq!(back.ssh, None);
        assert_eq!(back.names[0], detail.names[0]);
        assert_eq!(back.names[1].name, "CN=Zürich [\\D0\\B6]");
    }

    #[test]
    fn a_name_is_cut_at_a_character() {
        let long = "é".repeat(1023) + "жx";
        assert_eq!(name_bytes(&long).len(), 1023);
    }
}
