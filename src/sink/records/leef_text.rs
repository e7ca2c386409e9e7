//! Keys and values of LEEF events: texts without what divides or steers, releases, ciphers.

use std::io::Write;

use crate::printable::printable;
use crate::record::ebcdic;

/// Appends a key, with the tab before it.
pub(super) fn key(out: &mut Vec<u8>, key: &str) {
    out.push(b'\t');
    out.extend_from_slice(key.as_bytes());
    out.push(b'=');
}

/// Appends a text without what divides or steers.
pub(super) fn text(out: &mut Vec<u8>, text: &str) {
    let text = printable(text);
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|b| matches!(b, b'|' | b'^')) {
        let (before, after) = rest.split_at(at);
        out.extend_from_slice(before);
        if let Some((sign, after)) = after.split_first() {
            let _ = write!(out, "\\u{{{sign:X}}}");
            rest = after;
        }
    }
    out.extend_from_slice(rest);
}

/// The text of a field, without its padding.
pub(super) fn field(bytes: &[u8]) -> String {
    ebcdic::decode(bytes).trim_end_matches([' ', '\0']).to_owned()
}

/// Appends a key with the text of a field, if there is one.
pub(super) fn attribute(out: &mut Vec<u8>, key: &str, bytes: Option<&[u8]>) {
    let is_padding = |bytes: &[u8]| bytes.iter().all(|b| matches!(b, 0 | &ebcdic::BLANK));
    let Some(bytes) = bytes.filter(|bytes| !is_padding(bytes)) else { return };
    self::key(out, key);
    if ebcdic::is_plain(bytes) {
        let begin = out.len();
        ebcdic::decode_to(out, bytes);
        if !out.get(begin..).unwrap_or_default().iter().any(|b| matches!(b, b'|' | b'^')) {
            return;
        }
        out.truncate(begin);
    }
    text(out, &field(bytes));
}

/// Appends the release of z/OS: "2.5" of "CS V2R5", "3.1" of "CS V3R1" and of "3.1"; the text
/// itself where it is none of these.
pub(super) fn version(out: &mut Vec<u8>, ident: &[u8]) {
    let said = field(ident.get(24..32).unwrap_or_default());
    let word = said.split_ascii_whitespace().last().unwrap_or_default();
    let parts = word.strip_prefix('V').and_then(|word| word.split_once('R'));
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    match parts {
        Some((version, release)) if is_number(version) && is_number(release) => {
            let _ = write!(out, "{version}.{}", release.trim_start_matches('0'));
        }
        _ if said.is_empty() => out.extend_from_slice(b"unknown"),
        _ if word.split('.').all(is_number) => text(out, word),
        _ => text(out, &said),
    }
}

/// Algorithm, mode and length of the key of a cipher, as far as its name has them.
pub(super) fn cipher_parts(name: &str) -> [String; 3] {
    if name.starts_with("X'") {
        return [name.to_owned(), String::new(), String::new()];
    }
    let mut parts = [String::new(), String::new(), String::new()];
    for word in name.split(' ') {
        let [algorithm, chaining, length] = &mut parts;
        if word.bytes().all(|b| b.is_ascii_digit()) {
            *length = word.to_owned();
        } else if ["CBC", "CTR", "GCM", "CCM", "CCM8"].contains(&word) {
            *chaining = word.to_owned();
        } else {
            if !algorithm.is_empty() {
                algorithm.push('-');
            }
            algorithm.push_str(word);
        }
    }
    parts
}

/// Appends a name so that no quote in it ends it.
pub(super) fn quoted(out: &mut Vec<u8>, name: &str) {
    for (n, part) in name.split('\'').enumerate() {
        if n > 0 {
            out.extend_from_slice(b"\\u{27}");
        }
        text(out, part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ciphers_are_taken_apart() {
        let parts = |name: &str| cipher_parts(name).join("|");
        assert_eq!(parts("AES GCM 256"), "AES|GCM|256");
        assert_eq!(parts("ARIA 128 CBC"), "ARIA|CBC|128");
        assert_eq!(parts("ChaCha20 Poly1305"), "ChaCha20-Poly1305||");
        assert_eq!(parts("3DES"), "3DES||");
    }

    #[test]
    fn releases() {
        for (said, expected) in [
            ("CS V2R5", "2.5"),
            ("CS V3R1", "3.1"),
            ("CS 3.2", "3.2"),
            ("V2R04", "2.4"),
            ("", "unknown"),
            ("TEST", "TEST"),
        ] {
            let mut ident = [ebcdic::BLANK; 64];
            ident[24..32].copy_from_slice(&ebcdic::field::<8>(said));
            let mut out = Vec::new();
            version(&mut out, &ident);
            assert_eq!(String::from_utf8_lossy(&out), expected);
        }
    }
}
