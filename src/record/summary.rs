//! Subtype 12 records: one structure, its bytes and back.

use super::detail::encode_names;
use super::{
    Common12, Detail, DistinguishedName, HEADER_FLAGS, Header, Identification, Ipsec, Ipsec12,
    Record, SUBTYPE_SUMMARY, SelfDefining12, Ssh, Ssh12, TYPE_TCPIP, Tls, Tls12, ebcdic,
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
    /// The protocol's section.
    pub attributes: Attributes,
    /// Distinguished names.
    pub names: Vec<DistinguishedName>,
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
            attributes: Attributes::None,
            names: Vec::new(),
        }
    }
}

/// Where a section lies: offset from the start of the record, length, number.
type Triplet = (u32, u16, u16);

impl Summary {
    /// Appends the record's bytes, RDW included, to `out`. Sections follow as in
    /// [`Detail::encode`].
    pub fn encode(&self, out: &mut Vec<u8>) {
        let start = out.len();
        let (entry, names) = encode_names(&self.names);
        let mut at = Header::LEN + SelfDefining12::LEN;
        let mut triplet = |length: usize, number: usize| -> Triplet {
            if number == 0 {
                return (0, 0, 0);
            }
            let offset = at;
            at += length * number;
            (narrow32(offset), narrow16(length), narrow16(number))
        };
        let is = |protocol: bool| usize::from(protocol);
        let id = triplet(Identification::LEN, 1);
        let s1 = triplet(Common12::LEN, 1);
        let s2 = triplet(Tls12::LEN, is(matches!(self.attributes, Attributes::Tls(_))));
        let s3 = triplet(Ssh12::LEN, is(matches!(self.attributes, Attributes::Ssh(_))));
        let s4 = triplet(Ipsec12::LEN, is(matches!(self.attributes, Attributes::Ipsec(_))));
        let s5 = triplet(entry, self.names.len());

        Header { length: narrow16(at), ..self.header.clone() }.encode(out);
        SelfDefining12 {
            trn: 6,
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
        }
        .encode(out);
        self.ident.encode(out);
        self.common.encode(out);
        match &self.attributes {
            Attributes::None => {}
            Attributes::Tls(section) => section.encode(out),
            Attributes::Ssh(section) => section.encode(out),
            Attributes::Ipsec(section) => section.encode(out),
        }
        out.extend_from_slice(&names);
        debug_assert_eq!(out.len() - start, at);
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
        Some(Self {
            header: Header::decode(bytes)?,
            ident: Identification::decode(record.section(0)?)?,
            common: Common12::decode(record.section(1)?)?,
            attributes: tls.or_else(ssh).or_else(ipsec).unwrap_or_default(),
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

fn narrow16(n: usize) -> u16 {
    u16::try_from(n).unwrap_or(u16::MAX)
}

fn narrow32(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
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
            names: vec![DistinguishedName { dn_type: 5, name: "CN=a".to_owned() }],
            ..Summary::default()
        };
        let mut bytes = Vec::new();
        summary.encode(&mut bytes);
        let mut back = Summary::decode(&bytes).expect("a summary record");
        back.header.length = 0;
        assert_eq!(back, summary);
    }
}
