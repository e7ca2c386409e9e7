//! Names that IBM zSecure gives to zERT's fields, and the keys of the LEEF events that it
//! sends to QRadar and others.
//!
//! Source: `tests/spec/zsecure-names.toml`, what public pages show of the licensed CARLa
//! Command Reference: a small part. A test holds this file equal to it. Fields that are not
//! here keep IBM's names.

/// How sure it is that a name means a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mapping {
    /// zSecure's description names the meaning.
    Documented,
    /// The name was seen without a description; its words say the meaning.
    ByMeaning,
}

impl Mapping {
    /// In words.
    pub fn text(self) -> &'static str {
        match self {
            Self::Documented => "documented",
            Self::ByMeaning => "by meaning",
        }
    }
}

/// A field of zSecure.
#[derive(Clone, Copy, Debug)]
pub struct ZsecureField {
    /// Its name.
    pub name: &'static str,
    /// The fields of the records that it is made of: IBM's names, or in words where the
    /// layouts of subtypes 11 and 12 have no such field.
    pub ibm: &'static [&'static str],
    /// How sure it is.
    pub mapping: Mapping,
    /// Where the name was seen, a key of [`SOURCES`].
    pub source: &'static str,
}

/// A key of a LEEF event.
#[derive(Clone, Copy, Debug)]
pub struct LeefKey {
    /// The key; several that belong together are separated by commas.
    pub key: &'static str,
    /// What of a record it says.
    pub ibm: &'static str,
}

/// Pages that names and keys were seen on.
pub const SOURCES: &[(&str, &str)] = &[
    ("szs-tls", "https://www.ibm.com/docs/en/szs/3.1.0?topic=records-smf-field-descriptions-tls"),
    ("szs-nz", "https://www.ibm.com/docs/en/szs/3.1.0?topic=records-smf-field-descriptions-n-z"),
    ("dsm", "https://www.ibm.com/docs/en/dsm?topic=zos-sample-event-message"),
];

/// The page with the sample of a LEEF event, a key of [`SOURCES`].
pub const LEEF_SOURCE: &str = "dsm";

const fn field(
    name: &'static str,
    ibm: &'static [&'static str],
    mapping: Mapping,
    source: &'static str,
) -> ZsecureField {
    ZsecureField { name, ibm, mapping, source }
}

/// zSecure's fields.
pub const FIELDS: &[ZsecureField] = &[
    field(
        "TLS_CLI_CERT_DIGEST_MTHD",
        &["SMF119SC_TLS_CCert_Digest_Alg", "SMF119SS_TLS_CCert_Digest_Alg"],
        Mapping::Documented,
        "szs-tls",
    ),
    field(
        "TLS_CLIENT_CERT_KEY_LEN",
        &["SMF119SC_TLS_CCert_Key_Len", "SMF119SS_TLS_CCert_Key_Len"],
        Mapping::Documented,
        "szs-tls",
    ),
    field(
        "TLS_CLIENT_CERT_KEY_TYPE",
        &["SMF119SC_TLS_CCert_Key_Type", "SMF119SS_TLS_CCert_Key_Type"],
        Mapping::Documented,
        "szs-tls",
    ),
    field(
        "TLS_CLIENT_CERT_NOTAFTER",
        &["SMF119SC_TLS_CCert_Time_Type", "SMF119SC_TLS_CCert_Time"],
        Mapping::Documented,
        "szs-tls",
    ),
    field(
        "TLS_CLIENT_CERT_SERIAL",
        &["SMF119SC_TLS_CCert_Serial_Len", "SMF119SC_TLS_CCert_Serial"],
        Mapping::Documented,
        "szs-tls",
    ),
    field(
        "IKE_LCL_CERT_DIGEST_MTHD",
        &["SMF119SC_IPSec_LclCert_Digest_Alg", "SMF119SS_IPSec_LclCert_Digest_Alg"],
        Mapping::ByMeaning,
        "szs-tls",
    ),
    field(
        "IKE_LOCAL_CERT_KEY_TYPE",
        &["SMF119SC_IPSec_LclCert_Key_Type", "SMF119SS_IPSec_LclCert_Key_Type"],
        Mapping::ByMeaning,
        "szs-tls",
    ),
    field(
        "NRP_POLICY_RULE_NAME",
        &["section S7 of subtype 11 (V2R5)", "TCP connection termination record, subtype 2 (V2R5)"],
        Mapping::Documented,
        "szs-nz",
    ),
];

const fn key(key: &'static str, ibm: &'static str) -> LeefKey {
    LeefKey { key, ibm }
}

/// Keys of a LEEF event of zERT, in the order of IBM's sample.
pub const LEEF_KEYS: &[LeefKey] = &[
    key("devTime", "SMF119HDTime, SMF119HDDate (with zone), format given in devTimeFormat"),
    key("usrName", "SMF119SS_SAUserID (SC: SAUserID)"),
    key("name", "unclear (sample SYSTEM)"),
    key("jobname", "SAJobname"),
    key("jobid", "SMF119SC_SAJobID"),
    key(
        "src, srcPort, dst, dstPort",
        "addresses and ports; the parser of Google SecOps takes client as principal (src) and server as target (dst)",
    ),
    key("srcBytes, dstBytes, srcPackets, dstPackets", "InBytes/OutBytes, InSegDG/OutSegDG"),
    key("IPproto", "SAIPProto as TCP or UDP"),
    key("sysname, sysplex, stack", "SMF119TI_SYSName, SMF119TI_SysplexName, SMF119TI_Stack"),
    key("FIPS140, FIPSlvl", "TLS_FIPS_Mode as No/... and Off/..."),
    key("tlsProtVer", "TLS_Prot_Ver, as TLSv1.1"),
    key("tlsNegCipher", "TLS_Neg_Cipher, four hexadecimal digits (00AB)"),
    key("tlsalg, tlschn, tlskeylen", "TLS_CS_Enc_Alg taken apart: AES, CBC, 128"),
    key("tlsKexAlg", "TLS_CS_Kex_Alg, as DHE-RSA"),
    key("tlsMsgAuth", "TLS_CS_Msg_Auth, as HMAC-SHA1"),
    key(
        "tlsSCertSig, tlsCCertSig",
        "TLS_SCert_Signature_Method, TLS_CCert_Signature_Method, as RSA-SHA1",
    ),
    key("connsBeg, connsEnd", "SMF119SS_SAInitLifeConnCnt, SMF119SS_SAEndLifeConnCnt"),
    key(
        "partialBeg, partialEnd, shortBeg, shortEnd, activeBeg, activeEnd",
        "Init/End LifePartialConnCnt, LifeShortConnCnt, ActiveConnCnt",
    ),
    key("saConnId", "SMF119SC_SAConnID, eight characters"),
    key(
        "dn",
        "DN sections as TLS_server_subject:'...' TLS_server_issuer:'...' TLS_client_subject:'...' TLS_client_issuer:'...'",
    ),
    key("action", "event type as a word (INIT)"),
    key(
        "sum",
        "one line: Connection initiation TLSv1.1 AES-CBC-128 server RSA-1024 client RSA-1024 local port 3000 <DN>",
    ),
];

/// What zSecure calls a field, if it is known. Of several fields of one record that make one
/// of zSecure's the last has the value, and so the name.
pub fn name_of(ibm: &str) -> Option<&'static str> {
    let prefix = |name: &str| name.split('_').next().map(str::to_owned);
    let field = FIELDS.iter().find(|field| field.ibm.contains(&ibm))?;
    let last = field.ibm.iter().rfind(|other| prefix(other) == prefix(ibm));
    (last == Some(&ibm)).then_some(field.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_field_with_the_value_has_the_name() {
        assert_eq!(name_of("SMF119SC_TLS_CCert_Time"), Some("TLS_CLIENT_CERT_NOTAFTER"));
        assert_eq!(name_of("SMF119SC_TLS_CCert_Time_Type"), None);
        for name in ["SMF119SC_TLS_CCert_Key_Len", "SMF119SS_TLS_CCert_Key_Len"] {
            assert_eq!(name_of(name), Some("TLS_CLIENT_CERT_KEY_LEN"));
        }
        assert_eq!(name_of("SMF119HDTime"), None);
    }
}
