//! EBCDIC code page 1047, the code page of names in z/OS records.

/// Code page 1047 to Latin-1 (every byte has exactly one counterpart).
static TO_LATIN1: [u8; 256] = [
    0x00, 0x01, 0x02, 0x03, 0x9C, 0x09, 0x86, 0x7F, 0x97, 0x8D, 0x8E, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F,
    0x10, 0x11, 0x12, 0x13, 0x9D, 0x85, 0x08, 0x87, 0x18, 0x19, 0x92, 0x8F, 0x1C, 0x1D, 0x1E, 0x1F,
    0x80, 0x81, 0x82, 0x83, 0x84, 0x0A, 0x17, 0x1B, 0x88, 0x89, 0x8A, 0x8B, 0x8C, 0x05, 0x06, 0x07,
    0x90, 0x91, 0x16, 0x93, 0x94, 0x95, 0x96, 0x04, 0x98, 0x99, 0x9A, 0x9B, 0x14, 0x15, 0x9E, 0x1A,
    0x20, 0xA0, 0xE2, 0xE4, 0xE0, 0xE1, 0xE3, 0xE5, 0xE7, 0xF1, 0xA2, 0x2E, 0x3C, 0x28, 0x2B, 0x7C,
    0x26, 0xE9, 0xEA, 0xEB, 0xE8, 0xED, 0xEE, 0xEF, 0xEC, 0xDF, 0x21, 0x24, 0x2A, 0x29, 0x3B, 0x5E,
    0x2D, 0x2F, 0xC2, 0xC4, 0xC0, 0xC1, 0xC3, 0xC5, 0xC7, 0xD1, 0xA6, 0x2C, 0x25, 0x5F, 0x3E, 0x3F,
    0xF8, 0xC9, 0xCA, 0xCB, 0xC8, 0xCD, 0xCE, 0xCF, 0xCC, 0x60, 0x3A, 0x23, 0x40, 0x27, 0x3D, 0x22,
    0xD8, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0xAB, 0xBB, 0xF0, 0xFD, 0xFE, 0xB1,
    0xB0, 0x6A, 0x6B, 0x6C, 0x6D, 0x6E, 0x6F, 0x70, 0x71, 0x72, 0xAA, 0xBA, 0xE6, 0xB8, 0xC6, 0xA4,
    0xB5, 0x7E, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7A, 0xA1, 0xBF, 0xD0, 0x5B, 0xDE, 0xAE,
    0xAC, 0xA3, 0xA5, 0xB7, 0xA9, 0xA7, 0xB6, 0xBC, 0xBD, 0xBE, 0xDD, 0xA8, 0xAF, 0x5D, 0xB4, 0xD7,
    0x7B, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0xAD, 0xF4, 0xF6, 0xF2, 0xF3, 0xF5,
    0x7D, 0x4A, 0x4B, 0x4C, 0x4D, 0x4E, 0x4F, 0x50, 0x51, 0x52, 0xB9, 0xFB, 0xFC, 0xF9, 0xFA, 0xFF,
    0x5C, 0xF7, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5A, 0xB2, 0xD4, 0xD6, 0xD2, 0xD3, 0xD5,
    0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0xB3, 0xDB, 0xDC, 0xD9, 0xDA, 0x9F,
];

/// Latin-1 to code page 1047: the inverse of [`TO_LATIN1`].
static FROM_LATIN1: [u8; 256] = invert(&TO_LATIN1);

#[expect(clippy::indexing_slicing, reason = "at compile time")]
const fn invert(table: &[u8; 256]) -> [u8; 256] {
    let mut inverse = [0; 256];
    let mut i = 0;
    while i < 256 {
        inverse[table[i] as usize] = i as u8;
        i += 1;
    }
    inverse
}

/// The blank, X'40'.
pub const BLANK: u8 = 0x40;

/// The Latin-1 character of an EBCDIC byte: each has one.
fn latin1(byte: u8) -> u8 {
    TO_LATIN1.get(usize::from(byte)).copied().unwrap_or_default()
}

/// The text of EBCDIC bytes. Control characters become their Latin-1
/// counterparts.
pub fn decode(bytes: &[u8]) -> String {
    bytes.iter().map(|&b| char::from(latin1(b))).collect()
}

/// Whether the text of EBCDIC bytes needs no escapes in JSON or CSV: printable ASCII
/// without quotes, commas and backslashes, and not one of the signs first by which
/// spreadsheets know a formula. Padding may follow.
pub fn is_plain(bytes: &[u8]) -> bool {
    let formula = |b: u8| matches!(b, b'=' | b'+' | b'-' | b'@');
    let plain = |b: u8| matches!(b, b' '..=b'~') && !matches!(b, b'"' | b',' | b'\\');
    let text = trimmed(bytes);
    text.iter().all(|&b| plain(latin1(b))) && text.first().is_none_or(|&b| !formula(latin1(b)))
}

/// Appends a text if all of it is printable ASCII without quotes and backslashes, so
/// that JSON needs no escapes; otherwise nothing.
pub fn decode_unescaped(out: &mut Vec<u8>, bytes: &[u8]) -> bool {
    let begin = out.len();
    out.extend(bytes.iter().map(|&b| latin1(b)));
    let text = out.get(begin..).unwrap_or_default();
    // Nothing ends the loop, so that many bytes are looked at in one step.
    let fine = |b: u8| matches!(b, b' '..=b'~') & (b != b'"') & (b != b'\\');
    let unescaped = text.iter().fold(true, |all, &b| all & fine(b));
    if !unescaped {
        out.truncate(begin);
    }
    unescaped
}

/// A text without the blanks behind it.
pub fn trim_end(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|&b| b != BLANK).map_or(0, |last| last + 1);
    bytes.get(..end).unwrap_or_default()
}

/// Appends a text that [`is_plain`], without its padding.
pub fn decode_to(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend(trimmed(bytes).iter().map(|&b| latin1(b)));
}

/// A text without its padding: blanks or zeros.
fn trimmed(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|b| ![BLANK, 0].contains(b)).map_or(0, |last| last + 1);
    bytes.get(..end).unwrap_or_default()
}

/// One character in code page 1047, if it has it.
pub fn encode_char(c: char) -> Option<u8> {
    u8::try_from(u32::from(c)).ok().and_then(|c| FROM_LATIN1.get(usize::from(c)).copied())
}

/// Text in a field of `N` bytes: left justified, padded with blanks, cut at the
/// end. A character that the code page lacks becomes `?`.
pub fn field<const N: usize>(text: &str) -> [u8; N] {
    let mut out = [BLANK; N];
    for (slot, c) in out.iter_mut().zip(text.chars()) {
        *slot = encode_char(c).or_else(|| encode_char('?')).unwrap_or(BLANK);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_digits_and_the_characters_in_which_1047_differs_from_037() {
        assert_eq!(field::<8>("STACK"), [0xE2, 0xE3, 0xC1, 0xC3, 0xD2, 0x40, 0x40, 0x40]);
        assert_eq!(field::<3>("09z"), [0xF0, 0xF9, 0xA9]);
        assert_eq!(field::<3>("[]^"), [0xAD, 0xBD, 0x5F]);
    }

    #[test]
    fn every_byte_survives_the_way_there_and_back() {
        for b in 0..=255u8 {
            let text = decode(&[b]);
            assert_eq!(text.chars().next().and_then(encode_char), Some(b));
        }
    }

    #[test]
    fn what_the_code_page_lacks_is_marked() {
        assert_eq!(decode(&field::<4>("a€b")), "a?b ");
    }
}
