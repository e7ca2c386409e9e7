//! Distinguished names: entries of a 2-byte length, which counts itself, a 2-byte
//! type and the name in EBCDIC.

use super::assembly::narrow16;
use super::ebcdic;

/// The longest name of an entry, in bytes.
const MAX_NAME: usize = 1024;
/// Bytes before the name: length and type.
const HEAD: usize = 4;

/// An entry of the distinguished names section (S6).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DistinguishedName {
    /// Which certificate and which name: a code of `dn_type`.
    pub dn_type: u16,
    /// The name as text.
    pub name: String,
}

/// Appends the names section to `out`: all entries have the length of the longest,
/// padded with blanks, so that they can be read by stride and by their own length.
pub(super) fn encode_all(names: &[DistinguishedName], out: &mut Vec<u8>) {
    let texts: Vec<Vec<u8>> = names.iter().map(|n| encode(&n.name)).collect();
    let entry = HEAD + texts.iter().map(Vec::len).max().unwrap_or(0);
    for (name, text) in names.iter().zip(texts) {
        out.extend_from_slice(&narrow16(entry).to_be_bytes());
        out.extend_from_slice(&name.dn_type.to_be_bytes());
        out.extend_from_slice(&text);
        out.resize(out.len() + entry - HEAD - text.len(), ebcdic::BLANK);
    }
}

/// The names of a record.
pub(super) fn decode_all(names: Vec<(u16, &[u8])>) -> Vec<DistinguishedName> {
    let name = |(dn_type, bytes)| DistinguishedName { dn_type, name: text(bytes) };
    names.into_iter().map(name).collect()
}

/// A name as text, without the padding.
pub(super) fn text(bytes: &[u8]) -> String {
    ebcdic::decode(bytes).trim_end().to_owned()
}

/// A name in EBCDIC. A character outside the code page is written as RFC 4514
/// section 2.4 escapes it: a backslash and two hexadecimal digits for each
/// byte of its UTF-8 form.
pub(super) fn encode(name: &str) -> Vec<u8> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_cut_at_a_character() {
        let long = "é".repeat(1023) + "жx";
        assert_eq!(encode(&long).len(), 1023);
    }
}
