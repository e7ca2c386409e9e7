//! Subtype 11 records: one structure, its bytes and back.

use super::assembly::Assembly;
use super::image::{Image, Known};
use super::{
    Common11, HEADER_FLAGS, Header, Identification, IpFilter, Ipsec, Level, Names, Record,
    SUBTYPE_DETAIL, Ssh, TYPE_TCPIP, Tls, names,
};

/// A zERT connection detail record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detail {
    /// Which triplets it has. What else a level has brought lies in its fields.
    pub level: Level,
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
    pub names: Names,
    /// What else the record had that it was read from.
    pub image: Option<Image>,
}

impl Default for Detail {
    fn default() -> Self {
        Self {
            level: Level::default(),
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
            names: Names::default(),
            image: None,
        }
    }
}

/// Index of the triplet of the names.
const NAMES: usize = 6;
/// Offset of the connection identifier in the common section.
const CONN_ID: usize = 84;
/// Where the offset of the common section stands in a record.
const COMMON_OFFSET: usize = 36;

impl Detail {
    /// Writes the connection identifier into an encoded record.
    pub fn set_connection(record: &mut [u8], id: u32) {
        if let Some(field) =
            Self::connection_place(record).and_then(|at| record.get_mut(at..at + 4))
        {
            field.copy_from_slice(&id.to_be_bytes());
        }
    }

    /// Reads the connection identifier from an encoded record.
    pub fn connection(record: &[u8]) -> Option<u32> {
        let at = Self::connection_place(record)?;
        record.get(at..)?.first_chunk().copied().map(u32::from_be_bytes)
    }

    fn connection_place(record: &[u8]) -> Option<usize> {
        let offset = record.get(COMMON_OFFSET..)?.first_chunk()?;
        let section = usize::try_from(u32::from_be_bytes(*offset)).ok()?;
        section.checked_add(CONN_ID)
    }

    /// Appends the record's bytes, RDW included, to `out`.
    ///
    /// Sections follow the self-defining section in triplet order without
    /// padding. All entries of the names section have the length of the
    /// longest, padded with blanks, so that they can be read by stride and by
    /// their own length. A record that was read keeps its own order, and
    /// everything in it that is not known: it gets back the same bytes.
    pub fn encode(&self, out: &mut Vec<u8>) {
        if let Some(image) = &self.image {
            if image.encode(&self.header, &self.known(), &self.names, out).is_none() {
                self.lay_out(Some(image), out);
            }
        } else {
            self.lay_out(None, out);
        }
    }

    fn known(&self) -> [Known; NAMES] {
        [
            Known::new(0, Identification::LEN, Some(&self.ident), Identification::encode),
            Known::new(1, Common11::LEN, Some(&self.common), Common11::encode),
            Known::new(2, IpFilter::LEN, self.ip_filter.as_ref(), IpFilter::encode),
            Known::new(3, Tls::LEN, self.tls.as_ref(), Tls::encode),
            Known::new(4, Ssh::LEN, self.ssh.as_ref(), Ssh::encode),
            Known::new(5, Ipsec::LEN, self.ipsec.as_ref(), Ipsec::encode),
        ]
    }

    /// Lays the record out anew; unknown bytes come from the image.
    fn lay_out(&self, image: Option<&Image>, out: &mut Vec<u8>) {
        let least = if self.level >= Level::V2r5 { NAMES + 2 } else { NAMES + 1 };
        let mut record = Assembly::new(out, &self.header, image, least);
        record.section(Some(&self.ident), Identification::encode);
        record.section(Some(&self.common), Common11::encode);
        record.section(self.ip_filter.as_ref(), IpFilter::encode);
        record.section(self.tls.as_ref(), Tls::encode);
        record.section(self.ssh.as_ref(), Ssh::encode);
        record.section(self.ipsec.as_ref(), Ipsec::encode);
        record.sections(self.names.len(), |out| names::encode_all(&self.names, out));
        record.finish();
    }

    /// Reads a record of this layout. `None` if it is another type or subtype,
    /// or if a section that must be there is missing or cut.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let record = Record::parse(bytes).ok()?;
        if record.record_type() != TYPE_TCPIP || record.subtype() != Some(SUBTYPE_DETAIL) {
            return None;
        }
        let mut detail = Self {
            level: Level::of(&record)?,
            header: Header::decode(bytes)?,
            ident: Identification::decode(record.section(0)?)?,
            common: Common11::decode(record.section(1)?)?,
            ip_filter: record.section(2).and_then(IpFilter::decode),
            tls: record.section(3).and_then(Tls::decode),
            ssh: record.section(4).and_then(Ssh::decode),
            ipsec: record.section(5).and_then(Ipsec::decode),
            names: names::decode_all(record.names()),
            image: None,
        };
        let mut again = Vec::with_capacity(bytes.len());
        detail.encode(&mut again);
        detail.image = (again != bytes).then(|| Image::of(bytes, &detail.known()));
        Some(detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::DistinguishedName;

    #[test]
    fn what_was_encoded_is_decoded() {
        let detail = Detail {
            common: Common11 { event_type: 3, conn_id: 0xA1B2_C3D4, ..Common11::default() },
            tls: Some(Tls { prot_ver: 0x0303, ..Tls::default() }),
            ipsec: Some(Ipsec::default()),
            names: Names::from([
                DistinguishedName { dn_type: 5, name: "CN=a,O=b".into() },
                DistinguishedName { dn_type: 6, name: "CN=Zürich [ж]".into() },
            ]),
            ..Detail::default()
        };
        let mut bytes = Vec::new();
        detail.encode(&mut bytes);
        assert_eq!(bytes.len(), usize::from(u16::from_be_bytes([bytes[0], bytes[1]])));
        assert_eq!(Detail::connection(&bytes), Some(0xA1B2_C3D4));
        let back = Detail::decode(&bytes).expect("a detail record");
        assert_eq!(back.common, detail.common);
        assert_eq!(back.tls, detail.tls);
        assert_eq!(back.ssh, None);
        assert_eq!(back.names[0], detail.names[0]);
        assert_eq!(&*back.names[1].name, "CN=Zürich [\\D0\\B6]");
    }
}
