//! Distinguished names: entries of a 2-byte length, which counts itself, a 2-byte
//! type and the name in EBCDIC.

use std::sync::Arc;

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
    pub name: Arc<str>,
}

/// The names of a record, which several may tell of.
pub type Names = Arc<[DistinguishedName]>;

/// Appends the names section to `out`: all entries have the length of the longest,
/// padded with blanks, so that they can be read by stride and by their own length.
pub(super) fn encode_all(names: &[DistinguishedName], out: &mut Vec<u8>) {
    let longest = names.iter().map(|n| length(&n.name)).max().unwrap_or(0);
    let entry = HEAD + longest;
    for name in names {
        out.extend_from_slice(&narrow16(entry).to_be_bytes());
        out.extend_from_slice(&name.dn_type.to_be_bytes());
        let end = out.len() + longest;
        encode(&name.name, out);
        out.resize(end, ebcdic::BLANK);
    }
}

/// The names of a record.
pub(super) fn decode_all(names: Vec<(u16, &[u8])>) -> Names {
    let name = |(dn_type, bytes)| DistinguishedName { dn_type, name: text(bytes).into() };
    names.into_iter().map(name).collect()
}

/// A name as text, without the padding.
pub(super) fn text(bytes: &[u8]) -> String {
    ebcdic::decode(bytes).trim_end().to_owned()
}

/// Appends a name in EBCDIC. A character outside the code page is written as RFC 4514
/// section 2.4 escapes it: a backslash and two hexadecimal digits for each
/// byte of its UTF-8 form.
pub(super) fn encode(name: &str, out: &mut Vec<u8>) {
    let begin = out.len();
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
        if out.len() - begin > MAX_NAME {
            out.truncate(before);
            break;
        }
    }
}

/// The bytes that a name takes.
fn length(name: &str) -> usize {
    // Every character of ASCII is one of the code page.
    if name.is_ascii() {
        return name.len().min(MAX_NAME);
    }
    let mut length = 0;
    for c in name.chars() {
        let more = if ebcdic::encode_char(c).is_some() { 1 } else { 3 * c.len_utf8() };
        if length + more > MAX_NAME {
            break;
        }
        length += more;
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_cut_at_a_character() {
        let long = "é".repeat(1023) + "жx";
        for (name, expected) in [(&*long, 1023), ("CN=Zürich [ж]", 18), (&"a".repeat(1025), 1024)]
        {
            let mut out = vec![7];
            encode(name, &mut out);
            assert_eq!((out.len() - 1, length(name)), (expected, expected));
        }
        assert!((0..128u8).all(|b| ebcdic::encode_char(char::from(b)).is_some()));
    }
}
