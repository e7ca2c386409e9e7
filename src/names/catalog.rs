//! Every table of `names` in one form, to be printed.

use super::{CodeTable, ike, ike_codes, smf, tls, tls_groups, tls_suites, wire, zsecure};

/// A table of names, numbers and codes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// Its name.
    pub id: String,
    /// What it is about.
    pub title: String,
    /// Names of its columns.
    pub columns: Vec<&'static str>,
    /// Its rows, a cell a column. Codes and code points are hexadecimal.
    pub rows: Vec<Vec<String>>,
}

/// Every table: the coded values of SMF fields, then how the wire's names and
/// numbers become them.
pub fn listings() -> Vec<Listing> {
    let mut all: Vec<Listing> = smf::TABLES.iter().map(|table| codes(table)).collect();
    all.push(suites());
    all.push(groups());
    for (id, title, table) in [
        ("wire.tls_enc", "Cipher part of a TLS suite name to enc_alg", wire::TLS_ENC),
        ("wire.tls_kex", "Key exchange part of a TLS suite name to tls_kex", wire::TLS_KEX),
        ("wire.tls_mac", "MAC part of a TLS suite name to msg_auth", wire::TLS_MAC),
        ("wire.ssh_cipher", "SSH cipher name to enc_alg", wire::SSH_CIPHER),
        ("wire.ssh_mac", "SSH MAC name, without -etm and domain, to msg_auth", wire::SSH_MAC),
        ("wire.ssh_kex", "SSH key exchange name to ssh_kex", wire::SSH_KEX),
        ("wire.ssh_host_key", "SSH host key blob type to ssh_key_type", wire::SSH_HOST_KEY),
        ("wire.x509_key", "X.509 public key algorithm to key_type", wire::X509_KEY),
    ] {
        let rows = table.iter().map(|&(name, code)| vec![name.to_owned(), hex(code)]).collect();
        all.push(listing(id, title, &["name", "code"], rows));
    }
    all.push(signatures());
    all.extend(key_exchange());
    all.extend(of_zsecure());
    all
}

/// What zSecure calls fields, and the keys of its events.
fn of_zsecure() -> [Listing; 2] {
    let page = |id: &str| {
        let found = zsecure::SOURCES.iter().find(|(source, _)| *source == id);
        found.map_or(String::new(), |(_, page)| (*page).to_owned())
    };
    let rows = zsecure::FIELDS.iter().flat_map(|field| {
        let row = |ibm: &&str| {
            // Of several fields one has the value; some are in no layout.
            let printed = match zsecure::name_of(ibm) {
                _ if ibm.contains(' ') => "",
                Some(name) => name,
                None => ibm,
            };
            let cells = [field.name, ibm, printed, field.mapping.text(), &page(field.source)];
            cells.map(str::to_owned).to_vec()
        };
        field.ibm.iter().map(row).collect::<Vec<_>>()
    });
    let keys = zsecure::LEEF_KEYS
        .iter()
        .map(|known| vec![known.key.to_owned(), known.ibm.to_owned(), page(zsecure::LEEF_SOURCE)]);
    [
        listing(
            "zsecure",
            "Fields of zSecure (CARLa) and IBM's names; all other fields have IBM's names",
            &["zsecure", "ibm", "printed as", "mapping", "source"],
            rows.collect(),
        ),
        listing(
            "leef",
            "Keys of the LEEF events of zSecure, and what of a record they say",
            &["key", "ibm", "source"],
            keys.collect(),
        ),
    ]
}

fn listing(id: &str, title: &str, columns: &[&'static str], rows: Vec<Vec<String>>) -> Listing {
    Listing { id: id.to_owned(), title: title.to_owned(), columns: columns.to_vec(), rows }
}

fn hex(code: u16) -> String {
    format!("{code:04X}")
}

fn codes(table: &CodeTable) -> Listing {
    let source = |documented: bool| if documented { "documented" } else { "recalled" };
    let row =
        |c: &super::Code| vec![c.code.to_owned(), c.name.to_owned(), source(c.documented).into()];
    listing(
        table.id,
        table.title,
        &["code", "name", "provenance"],
        table.codes.iter().map(row).collect(),
    )
}

fn suites() -> Listing {
    let row = |&(suite, name): &(u16, &str)| {
        let codes = tls::suite_codes(suite);
        vec![hex(suite), name.to_owned(), hex(codes.enc), hex(codes.mac), hex(codes.kex)]
    };
    listing(
        "wire.tls_suite",
        "TLS cipher suite to enc_alg, msg_auth and tls_kex",
        &["suite", "name", "enc_alg", "msg_auth", "tls_kex"],
        tls_suites::SUITES.iter().map(row).collect(),
    )
}

fn groups() -> Listing {
    let row = |&(group, name): &(u16, &str)| vec![hex(group), name.to_owned()];
    let title = "TLS named group; no SMF field has it";
    listing(
        "wire.tls_group",
        title,
        &["group", "name"],
        tls_groups::GROUPS.iter().map(row).collect(),
    )
}

fn signatures() -> Listing {
    let row = |&(oid, (method, encryption, digest)): &(&str, (u16, u16, u16))| {
        vec![oid.to_owned(), hex(method), hex(encryption), hex(digest)]
    };
    listing(
        "wire.x509_signature",
        "X.509 signature algorithm to signature_method, cert_enc_method and digest_alg",
        &["oid", "signature_method", "cert_enc_method", "digest_alg"],
        wire::X509_SIGNATURE.iter().map(row).collect(),
    )
}

/// Named numbers with their code.
fn numbered(
    id: &str,
    title: &str,
    name: impl Fn(u16) -> Option<&'static str>,
    code: impl Fn(u16) -> u16,
) -> Listing {
    let rows = (0..=u16::MAX)
        .filter_map(|n| Some(vec![n.to_string(), name(n)?.to_owned(), hex(code(n))]))
        .collect();
    listing(id, title, &["number", "name", "code"], rows)
}

/// A cipher has a code for each length of its key, if the length matters.
fn ciphers(
    id: &str,
    title: &str,
    name: impl Fn(u16) -> Option<&'static str>,
    code: impl Fn(u16, Option<u16>) -> u16,
) -> Listing {
    let mut rows = Vec::new();
    for number in 0..=u16::MAX {
        let Some(name) = name(number) else { continue };
        let mut row = |bits: String, code: u16| {
            rows.push(vec![number.to_string(), name.to_owned(), bits, hex(code)]);
        };
        let fixed = code(number, None);
        let lengths = [128, 192, 256].map(|bits| (bits, code(number, Some(bits))));
        if lengths.iter().all(|&(_, code)| code == fixed) {
            row(String::new(), fixed);
        } else {
            for (bits, code) in lengths {
                row(bits.to_string(), code);
            }
        }
    }
    listing(id, title, &["number", "name", "key bits", "code"], rows)
}

fn key_exchange() -> Vec<Listing> {
    let authentication = |pick: fn((u16, u16)) -> u16| {
        move |n: u16| hex(pick(ike_codes::v1_authentication_codes(n)))
    };
    let (initiator, responder) = (authentication(|c| c.0), authentication(|c| c.1));
    let methods = (0..=u16::MAX)
        .filter_map(|n| {
            let name = ike::v1_authentication(n)?;
            Some(vec![n.to_string(), name.to_owned(), initiator(n), responder(n)])
        })
        .collect();
    vec![
        ciphers(
            "wire.ikev2_encryption",
            "IKEv2 encryption transform to enc_alg",
            ike::v2_encryption,
            ike_codes::v2_encryption_code,
        ),
        numbered(
            "wire.ikev2_integrity",
            "IKEv2 integrity transform to msg_auth",
            ike::v2_integrity,
            |n| ike_codes::v2_integrity_code(Some(n), None),
        ),
        numbered("wire.ikev2_prf", "IKEv2 PRF to ike_prf", ike::v2_prf, ike_codes::v2_prf_code),
        numbered(
            "wire.ike_group",
            "IKE key exchange method to dh_group",
            ike::group,
            ike_codes::group_code,
        ),
        ciphers(
            "wire.ikev1_encryption",
            "IKEv1 encryption algorithm to enc_alg",
            ike::v1_encryption,
            ike_codes::v1_encryption_code,
        ),
        numbered(
            "wire.ikev1_hash",
            "IKEv1 hash algorithm to msg_auth",
            ike::v1_hash,
            ike_codes::v1_hash_code,
        ),
        numbered(
            "wire.ikev1_prf",
            "IKEv1 hash algorithm to ike_prf",
            ike::v1_hash,
            ike_codes::v1_prf_code,
        ),
        listing(
            "wire.ikev1_authentication",
            "IKEv1 authentication method to ike_auth of initiator and responder",
            &["number", "name", "initiator", "responder"],
            methods,
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_have_names_of_their_own_and_full_rows() {
        let all = listings();
        for (n, table) in all.iter().enumerate() {
            assert!(!table.rows.is_empty(), "{}", table.id);
            assert!(table.rows.iter().all(|r| r.len() == table.columns.len()), "{}", table.id);
            assert!(all[n + 1..].iter().all(|other| other.id != table.id), "{}", table.id);
        }
    }

    #[test]
    fn a_suite_is_listed_with_its_codes() {
        let all = listings();
        let suites = all.iter().find(|t| t.id == "wire.tls_suite").expect("there");
        let row = suites.rows.iter().find(|r| r[0] == "C02F").expect("there");
        assert_eq!(row[1], "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256");
        assert_eq!((row[2].as_str(), row[3].as_str()), ("0012", "0001"));
    }
}
