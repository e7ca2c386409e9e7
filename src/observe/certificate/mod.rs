//! Leaf certificates: the attributes that records and reports show.

use std::fmt;
use std::sync::Arc;

use jiff::SignedDuration;
use jiff::civil::DateTime;

use hashbrown::HashMap;
use x509_parser::prelude::{AttributeTypeAndValue, FromDer, X509Certificate, X509Name};
use x509_parser::public_key::PublicKey;
use x509_parser::signature_algorithm::SignatureAlgorithm;
use x509_parser::x509::{AlgorithmIdentifier, SubjectPublicKeyInfo};

use crate::names::x509 as names;

mod lenient;

/// A moment in a certificate, as it was written there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CertificateTime {
    /// Seconds since 1970-01-01 00:00:00 UTC.
    pub seconds: i64,
    /// Whether it is a GeneralizedTime; otherwise a UTCTime.
    pub generalized: bool,
}

impl CertificateTime {
    /// The same as date and time of day in UTC. What an offset moves out of the years
    /// 0000 to 9999, which are all that a GeneralizedTime can write, is their first or
    /// last second.
    pub fn utc(self) -> DateTime {
        const FIRST: DateTime = DateTime::constant(0, 1, 1, 0, 0, 0, 0);
        const LAST: DateTime = DateTime::constant(9999, 12, 31, 23, 59, 59, 0);
        const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);
        let moment = EPOCH.checked_add(SignedDuration::from_secs(self.seconds));
        moment.unwrap_or(if self.seconds < 0 { FIRST } else { LAST }).clamp(FIRST, LAST)
    }
}

impl fmt::Display for CertificateTime {
    /// In the form of RFC 3339.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}Z", self.utc())
    }
}

/// The attributes of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Subject, in the form of RFC 4514.
    pub subject: Arc<str>,
    /// Issuer, in the form of RFC 4514.
    pub issuer: Arc<str>,
    /// Serial number: the content of the DER INTEGER.
    pub serial: Vec<u8>,
    /// Start of the validity period.
    pub not_before: CertificateTime,
    /// End of the validity period.
    pub not_after: CertificateTime,
    /// Signature algorithm as dotted object identifier.
    pub signature_algorithm: String,
    /// Digest of an RSASSA-PSS signature, as dotted object identifier.
    pub pss_digest: Option<String>,
    /// Public key algorithm as dotted object identifier.
    pub public_key_algorithm: String,
    /// Length of the public key in bits, if the algorithm is known.
    pub key_bits: Option<u32>,
    /// Named curve, where the key is on one.
    pub curve: Option<&'static str>,
}

impl Certificate {
    /// Reads a DER certificate (RFC 5280), leniently if it must be. `None` if
    /// it is none.
    pub fn from_der(der: &[u8]) -> Option<Self> {
        let Ok((_, certificate)) = X509Certificate::from_der(der) else {
            return lenient::certificate(der);
        };
        let tbs = &certificate.tbs_certificate;
        let key = tbs.public_key();
        let validity = tbs.validity();
        let time = |t: &x509_parser::time::ASN1Time| CertificateTime {
            seconds: t.timestamp(),
            generalized: t.is_generalizedtime(),
        };
        let (key_bits, curve) = key_length(key);
        Some(Self {
            subject: name(tbs.subject()).into(),
            issuer: name(tbs.issuer()).into(),
            serial: tbs.raw_serial().to_vec(),
            not_before: time(&validity.not_before),
            not_after: time(&validity.not_after),
            signature_algorithm: certificate.signature_algorithm.algorithm.to_id_string(),
            pss_digest: pss_digest(&certificate.signature_algorithm),
            public_key_algorithm: key.algorithm.algorithm.to_id_string(),
            key_bits,
            curve,
        })
    }

    /// The serial number without the zero byte that only keeps the DER INTEGER
    /// positive.
    pub fn serial_number(&self) -> &[u8] {
        match self.serial.as_slice() {
            [0, rest @ ..] if !rest.is_empty() => rest,
            all => all,
        }
    }
}

/// The digest that the parameters of an RSASSA-PSS signature name.
pub(super) fn pss_digest(algorithm: &AlgorithmIdentifier<'_>) -> Option<String> {
    match SignatureAlgorithm::try_from(algorithm) {
        Ok(SignatureAlgorithm::RSASSA_PSS(pss)) => Some(pss.hash_algorithm_oid().to_id_string()),
        _ => None,
    }
}

/// The length of a key in bits, by its numbers and not by its bytes.
pub(super) fn key_length(key: &SubjectPublicKeyInfo<'_>) -> (Option<u32>, Option<&'static str>) {
    const RSA: &str = "1.2.840.113549.1.1.1";
    const DSA: &str = "1.2.840.10040.4.1";
    const EC: &str = "1.2.840.10045.2.1";
    let algorithm = key.algorithm.algorithm.to_id_string();
    let parameters = key.algorithm.parameters.as_ref();
    match algorithm.as_str() {
        DSA => {
            // Parameters are p, q, g; the length of a key is that of p.
            let p = parameters.and_then(|p| first_integer(p.data)).map(significant_bits);
            (p, None)
        }
        EC => {
            let curve = parameters
                .and_then(|p| p.as_oid().ok())
                .and_then(|oid| names::curve(&oid.to_id_string()));
            (curve.map(|(_, bits)| bits), curve.map(|(name, _)| name))
        }
        _ => match key.parsed() {
            Ok(PublicKey::RSA(rsa)) => (Some(significant_bits(rsa.modulus)), None),
            // RSA keys restricted to PSS or OAEP have their own identifiers.
            _ if algorithm.starts_with("1.2.840.113549.1.1.") && algorithm != RSA => {
                (rsa_modulus(&key.subject_public_key.data).map(significant_bits), None)
            }
            _ => (names::fixed_key_bits(&algorithm), None),
        },
    }
}

/// The modulus of an RSAPublicKey (RFC 8017 appendix A.1.1).
fn rsa_modulus(der: &[u8]) -> Option<&[u8]> {
    const SEQUENCE: u8 = 0x30;
    lenient::content(der, SEQUENCE).and_then(first_integer)
}

/// The content of an INTEGER at the start of DER data.
fn first_integer(der: &[u8]) -> Option<&[u8]> {
    const INTEGER: u8 = 0x02;
    lenient::content(der, INTEGER)
}

/// Bits of an unsigned big-endian number, without leading zeros.
pub(crate) fn significant_bits(number: &[u8]) -> u32 {
    let zeros = number.iter().take_while(|&&b| b == 0).count();
    let rest = number.get(zeros..).unwrap_or_default();
    let Some(first) = rest.first() else { return 0 };
    u32::try_from(rest.len()).unwrap_or(u32::MAX / 8) * 8 - first.leading_zeros()
}

/// A distinguished name in the form of RFC 4514: the most specific first.
pub(super) fn name(name: &X509Name<'_>) -> String {
    let mut parts: Vec<String> = name
        .iter_rdn()
        .map(|rdn| rdn.iter().map(attribute).collect::<Vec<_>>().join("+"))
        .collect();
    parts.reverse();
    parts.join(",")
}

fn attribute(attribute: &AttributeTypeAndValue<'_>) -> String {
    let oid = attribute.attr_type().to_id_string();
    let key = names::attribute_name(&oid).map_or_else(|| oid.clone(), str::to_owned);
    match text(attribute) {
        Some(value) => format!("{key}={}", escape(&value)),
        None => {
            let hex: String = attribute.as_slice().iter().map(|b| format!("{b:02x}")).collect();
            format!("{key}=#{hex}")
        }
    }
}

/// The text of a value of one of the string types.
fn text(attribute: &AttributeTypeAndValue<'_>) -> Option<String> {
    const TELETEX: u32 = 20;
    const UNIVERSAL: u32 = 28;
    const BMP: u32 = 30;
    if let Ok(text) = attribute.as_str() {
        return Some(text.to_owned());
    }
    let bytes = attribute.as_slice();
    match attribute.attr_value().tag().0 {
        // In practice Latin-1.
        TELETEX => Some(bytes.iter().map(|&b| char::from(b)).collect()),
        BMP => {
            let units: Vec<u16> =
                bytes.as_chunks().0.iter().map(|c| u16::from_be_bytes(*c)).collect();
            String::from_utf16(&units).ok()
        }
        UNIVERSAL => {
            bytes.as_chunks().0.iter().map(|c| char::from_u32(u32::from_be_bytes(*c))).collect()
        }
        _ => None,
    }
}

/// RFC 4514 section 2.4.
fn escape(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let last = value.chars().count().saturating_sub(1);
    for (i, c) in value.chars().enumerate() {
        match c {
            ' ' if i == 0 || i == last => out.push_str("\\ "),
            '#' if i == 0 => out.push_str("\\#"),
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => {
                let mut utf8 = [0; 4];
                for byte in c.encode_utf8(&mut utf8).bytes() {
                    out.push_str(&format!("\\{byte:02X}"));
                }
            }
            c => out.push(c),
        }
    }
    out
}

/// Certificates seen before, by their bytes: servers send the same one
/// thousands of times.
#[derive(Debug, Default)]
pub struct Certificates {
    known: HashMap<Box<[u8]>, Option<Arc<Certificate>>, foldhash::quality::RandomState>,
    bytes: usize,
}

/// Bytes of certificates that are remembered.
const MAX_KNOWN_BYTES: usize = 2 * 1024 * 1024;

impl Certificates {
    /// The attributes of a DER certificate; `None` if it is none.
    pub fn get(&mut self, der: &[u8]) -> Option<Arc<Certificate>> {
        if let Some(known) = self.known.get(der) {
            return known.clone();
        }
        let certificate = Certificate::from_der(der).map(Arc::new);
        if self.bytes + der.len() > MAX_KNOWN_BYTES {
            self.known.clear();
            self.bytes = 0;
        }
        self.bytes += der.len();
        self.known.insert(der.into(), certificate.clone());
        certificate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_counted_by_the_number() {
        assert_eq!(significant_bits(&[0, 0x80, 0, 0]), 24);
        assert_eq!(significant_bits(&[0x01, 0xFF]), 9);
        assert_eq!(significant_bits(&[0, 0]), 0);
    }

    #[test]
    fn names_are_escaped() {
        assert_eq!(escape(" a,b+c# "), "\\ a\\,b\\+c#\\ ");
        assert_eq!(escape("#x\0"), "\\#x\\00");
    }

    #[test]
    fn nonsense_is_no_certificate_and_is_remembered_as_such() {
        let mut known = Certificates::default();
        assert_eq!(known.get(b"nonsense"), None);
        assert_eq!(known.get(b"nonsense"), None);
        assert_eq!(known.known.len(), 1);
    }
}
