//! Subtype 12 records: one structure, its bytes and back.

use super::assembly::Assembly;
use super::image::{Image, Known};
use super::{
    Common12, Common12V3r2, Detail, HEADER_FLAGS, Header, Identification, Ipsec, Ipsec12,
    Ipsec12V3r2, Names, Record, SUBTYPE_SUMMARY, Ssh, Ssh12, TYPE_TCPIP, Tls, Tls12, Tls12V2r4,
    Tls12V3r2, names,
};

/// The attributes of a security session: of one protocol at most.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Attributes {
    /// No recognised protection, or an event record.
    #[default]
    None,
    /// TLS or SSL.
    Tls(Tls12),
    /// SSH.
    Ssh(Ssh12),
    /// IPSec.
    Ipsec(Ipsec12),
}

/// A zERT summary record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// SMF header. Its length is computed when the record is encoded.
    pub header: Header,
    /// TCP/IP identification section.
    pub ident: Identification,
    /// Common section.
    pub common: Common12,
    /// Failed handshakes, from 3.2 on.
    pub failed: Option<Common12V3r2>,
    /// The protocol's section.
    pub attributes: Attributes,
    /// What that section says of certificates from 3.2 on.
    pub certificates: Option<Certificates>,
    /// Distinguished names.
    pub names: Names,
    /// What else the record had that it was read from.
    pub image: Option<Image>,
}

/// Serial numbers and ends of validity of the certificates of a session.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Certificates {
    /// Of TLS, after bytes that are not described.
    Tls(Tls12V2r4, Box<Tls12V3r2>),
    /// Of IPSec.
    Ipsec(Box<Ipsec12V3r2>),
}

impl Default for Summary {
    fn default() -> Self {
        Self {
            header: Header {
                flags: HEADER_FLAGS,
                record_type: TYPE_TCPIP,
                sub_type: SUBTYPE_SUMMARY,
                ..Header::default()
            },
            ident: Identification::default(),
            common: Common12::default(),
            failed: None,
            attributes: Attributes::None,
            certificates: None,
            names: Names::default(),
            image: None,
        }
    }
}

/// Index of the triplet of the names.
const NAMES: usize = 5;

impl Summary {
    /// Appends the record's bytes, RDW included, to `out`. Sections follow as in
    /// [`Detail::encode`].
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
        let is = |wanted: bool| wanted.then_some(self);
        let tls = matches!(self.attributes, Attributes::Tls(_));
        let ssh = matches!(self.attributes, Attributes::Ssh(_));
        let ipsec = matches!(self.attributes, Attributes::Ipsec(_));
        [
            Known::new(0, Identification::LEN, Some(&self.ident), Identification::encode),
            Known::new(1, Common12::LEN, Some(self), Self::encode_common),
            Known::new(2, Tls12::LEN, is(tls), Self::encode_attributes),
            Known::new(3, Ssh12::LEN, is(ssh), Self::encode_attributes),
            Known::new(4, Ipsec12::LEN, is(ipsec), Self::encode_attributes),
        ]
    }

    fn encode_common(&self, out: &mut Vec<u8>) {
        self.common.encode(out);
        if let Some(failed) = &self.failed {
            failed.encode(out);
        }
    }

    fn encode_attributes(&self, out: &mut Vec<u8>) {
        match &self.attributes {
            Attributes::None => {}
            Attributes::Tls(section) => section.encode(out),
            Attributes::Ssh(section) => section.encode(out),
            Attributes::Ipsec(section) => section.encode(out),
        }
        if let Some(certificates) = &self.certificates {
            certificates.encode(out);
        }
    }

    /// Lays the record out anew; unknown bytes come from the image.
    fn lay_out(&self, image: Option<&Image>, out: &mut Vec<u8>) {
        let mut record = Assembly::new(out, &self.header, image, NAMES + 1);
        let is = |wanted: bool| wanted.then_some(self);
        record.section(Some(&self.ident), Identification::encode);
        record.section(Some(self), Self::encode_common);
        record.section(is(matches!(self.attributes, Attributes::Tls(_))), Self::encode_attributes);
        record.section(is(matches!(self.attributes, Attributes::Ssh(_))), Self::encode_attributes);
        record
            .section(is(matches!(self.attributes, Attributes::Ipsec(_))), Self::encode_attributes);
        record.sections(self.names.len(), |out| names::encode_all(&self.names, out));
        record.finish();
    }

    /// Reads a record of this layout. `None` if it is another type or subtype,
    /// or if a section that must be there is missing or cut.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let record = Record::parse(bytes).ok()?;
        if record.record_type() != TYPE_TCPIP || record.subtype() != Some(SUBTYPE_SUMMARY) {
            return None;
        }
        let tls = record.section(2).and_then(Tls12::decode).map(Attributes::Tls);
        let ssh = || record.section(3).and_then(Ssh12::decode).map(Attributes::Ssh);
        let ipsec = || record.section(4).and_then(Ipsec12::decode).map(Attributes::Ipsec);
        let attributes = tls.or_else(ssh).or_else(ipsec).unwrap_or_default();
        let certificates = match attributes {
            Attributes::Tls(_) => record.section(2).and_then(|section| {
                let certificates = Box::new(Tls12V3r2::decode(section)?);
                Some(Certificates::Tls(Tls12V2r4::decode(section)?, certificates))
            }),
            Attributes::Ipsec(_) => record
                .section(4)
                .and_then(Ipsec12V3r2::decode)
                .map(|section| Certificates::Ipsec(Box::new(section))),
            Attributes::None | Attributes::Ssh(_) => None,
        };
        let mut summary = Self {
            header: Header::decode(bytes)?,
            ident: Identification::decode(record.section(0)?)?,
            common: Common12::decode(record.section(1)?)?,
            failed: record.section(1).and_then(Common12V3r2::decode),
            attributes,
            certificates,
            names: names::decode_all(record.names()),
            image: None,
        };
        let mut again = Vec::with_capacity(bytes.len());
        summary.encode(&mut again);
        summary.image = (again != bytes).then(|| Image::of(bytes, &summary.known()));
        Some(summary)
    }
}

impl Certificates {
    /// Appends the bytes, which follow those of the section.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Tls(unknown, section) => {
                unknown.encode(out);
                section.encode(out);
            }
            Self::Ipsec(section) => section.encode(out),
        }
    }

    /// What the section of a session with these attributes says of certificates:
    /// of TLS what a detail record has; of IPSec nothing, IKE encrypts them.
    pub fn of(attributes: &Attributes, detail: &Detail) -> Option<Self> {
        match (attributes, &detail.tls) {
            (Attributes::Tls(_), Some(tls)) => {
                Some(Self::Tls(Tls12V2r4::default(), Box::new(tls.into())))
            }
            (Attributes::Ipsec(_), _) => Some(Self::Ipsec(Box::default())),
            _ => None,
        }
    }
}

/// The attributes of each security session that a detail record tells of.
pub fn sessions(detail: &Detail) -> Vec<Attributes> {
    let all = [
        detail.tls.as_ref().map(|s| Attributes::Tls(s.into())),
        detail.ssh.as_ref().map(|s| Attributes::Ssh(s.into())),
        detail.ipsec.as_ref().map(|s| Attributes::Ipsec(s.into())),
    ];
    let found: Vec<Attributes> = all.into_iter().flatten().collect();
    if found.is_empty() { vec![Attributes::None] } else { found }
}

/// Takes over the fields that both subtypes have, by name.
macro_rules! take_over {
    ($from:ty => $to:ty { $($field:ident),* $(,)? }) => {
        impl From<&$from> for $to {
            #[allow(clippy::needless_update, reason = "one section has an unused byte")]
            fn from(section: &$from) -> Self {
                Self { $($field: section.$field,)* ..Self::default() }
            }
        }
    };
}

take_over!(Tls => Tls12 {
    source,
    crypto_flags,
    prot_ver,
    neg_cipher,
    cs_enc_alg,
    cs_msg_auth,
    cs_kex_alg,
    s_cert_signature_method,
    s_cert_enc_method,
    s_cert_digest_alg,
    s_cert_key_type,
    s_cert_key_len,
    c_cert_signature_method,
    c_cert_enc_method,
    c_cert_digest_alg,
    c_cert_key_type,
    c_cert_key_len,
});

take_over!(Tls => Tls12V3r2 {
    s_cert_serial_len,
    s_cert_serial,
    s_cert_time_type,
    s_cert_time,
    c_cert_serial_len,
    c_cert_serial,
    c_cert_time_type,
    c_cert_time,
});

take_over!(Ssh => Ssh12 {
    source,
    prot_ver,
    crypto_flags,
    auth_method,
    auth_method2,
    in_enc_alg,
    in_msg_auth,
    kex_method,
    out_enc_alg,
    out_msg_auth,
    s_key_type,
    s_key_len,
    c_key_type,
    c_key_len,
    s_cert_signature_method,
    s_cert_enc_method,
    s_cert_digest_alg,
    s_cert_key_type,
    s_cert_key_len,
    c_cert_signature_method,
    c_cert_enc_method,
    c_cert_digest_alg,
    c_cert_key_type,
    c_cert_key_len,
});

take_over!(Ipsec => Ipsec12 {
    ike_maj_ver,
    ike_min_ver,
    ike_tun_lcl_endpt,
    ike_tun_rmt_endpt,
    ike_tun_lcl_auth_meth,
    ike_tun_rmt_auth_meth,
    ike_tun_auth_alg,
    ike_tun_enc_alg,
    ike_tun_dh_group,
    ike_tun_pseudo_rand_func,
    lcl_cert_sign_meth,
    lcl_cert_enc_meth,
    lcl_cert_digest_alg,
    lcl_cert_key_type,
    lcl_cert_key_len,
    rmt_cert_sign_meth,
    rmt_cert_enc_meth,
    rmt_cert_digest_alg,
    rmt_cert_key_type,
    rmt_cert_key_len,
    pfs_group,
    encap_mode,
    auth_proto,
    auth_alg,
    enc_alg,
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::DistinguishedName;
    use crate::record::field::Significance;

    /// What subtype 12 has of a section is exactly what is significant there.
    #[test]
    fn every_field_of_a_section_is_taken_over() {
        for (twelve, eleven) in [
            (Tls12::SECTION, Tls::SECTION),
            (Ssh12::SECTION, Ssh::SECTION),
            (Ipsec12::SECTION, Ipsec::SECTION),
        ] {
            for field in
                twelve.fields.iter().filter(|f| f.significance == Significance::Significant)
            {
                let name = field.name.replace("SMF119SS_", "SMF119SC_");
                let same = eleven.fields.iter().find(|f| f.name == name);
                assert_eq!(same.map(|f| f.length), Some(field.length), "{name}");
            }
        }
        // A value of its own in every byte shows which fields are left out.
        let bytes = |length: usize| (0..length).map(|n| n as u8 | 1).collect::<Vec<u8>>();
        let tls = Tls12::from(&Tls::decode(&bytes(Tls::LEN)).expect("a section"));
        let ssh = Ssh12::from(&Ssh::decode(&bytes(Ssh::LEN)).expect("a section"));
        let ipsec = Ipsec12::from(&Ipsec::decode(&bytes(Ipsec::LEN)).expect("a section"));
        let mut out = Vec::new();
        tls.encode(&mut out);
        ssh.encode(&mut out);
        ipsec.encode(&mut out);
        let zeros: Vec<usize> = (0..out.len()).filter(|&n| out[n] == 0).collect();
        assert_eq!(zeros, [Tls12::LEN + 1], "the unused byte of the SSH section");
    }

    #[test]
    fn what_was_encoded_is_decoded() {
        let summary = Summary {
            common: Common12 { end_life_conn_cnt: 7, ..Common12::default() },
            attributes: Attributes::Ipsec(Ipsec12 { ike_maj_ver: 2, ..Ipsec12::default() }),
            names: [DistinguishedName { dn_type: 5, name: "CN=a".into() }].into(),
            ..Summary::default()
        };
        let mut bytes = Vec::new();
        summary.encode(&mut bytes);
        let mut back = Summary::decode(&bytes).expect("a summary record");
        back.header.length = 0;
        assert_eq!(back, summary);
    }
}
