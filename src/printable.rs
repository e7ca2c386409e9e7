//! Text from outside, as it may be shown to people.
//!
//! Names in certificates, algorithm names of SSH, fields of foreign records and names of
//! files are chosen by others. What is not printable in them may steer a terminal, turn
//! the direction of writing, or hide a part of a name. Every output for people passes
//! such text through here: the tables, `show` as text, dump and CSV, the view of `live`,
//! messages, logs, metrics and pages.
//!
//! A character is printable unless its general category (Unicode, chapter 4.5) is a
//! control (Cc), format (Cf, which has the bidirectional controls and most zero-width
//! characters), surrogate (Cs), private use (Co) or unassigned (Cn), or a separator (Zl,
//! Zp, Zs) other than the ASCII space. Letters and marks that show nothing by definition
//! (fillers, variation selectors) are not printable either, nor is a combining mark (Mn,
//! Mc, Me) that follows no letter or digit: at the beginning of a text it would join what
//! stands before it, and after a quote the quote.

use std::borrow::Cow;
use std::fmt::{self, Write};

use unicode_general_category::{GeneralCategory, get_general_category};

/// A text, with `\u{202E}` (the code point in hexadecimal) for every character that is
/// not printable, and `\t`, `\r` and `\n` for these three.
pub fn printable(text: &str) -> Cow<'_, str> {
    if is_plain(text.as_bytes()) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut based = false;
    for c in text.chars() {
        based = push(&mut out, c, based);
    }
    Cow::Owned(out)
}

/// The same of a text of several lines; its line feeds stay.
pub fn printable_lines(text: &str) -> Cow<'_, str> {
    if text.split('\n').all(|line| is_plain(line.as_bytes())) {
        return Cow::Borrowed(text);
    }
    let lines: Vec<Cow<'_, str>> = text.split('\n').map(printable).collect();
    Cow::Owned(lines.join("\n"))
}

/// Lines of a log, whose writer has escaped the control characters of ASCII: those that are
/// left are its own, for colours and ends of lines.
pub fn printable_log(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut based = false;
    for c in text.chars() {
        if c.is_ascii_control() {
            out.push(c);
            based = false;
        } else {
            based = push(&mut out, c, based);
        }
    }
    Cow::Owned(out)
}

/// A line of JSON with the characters that are not printable as `\u202E` (RFC 8259
/// section 7). Such characters stand only within strings, where whoever wrote the line has
/// escaped the control characters below the blank, as JSON demands.
pub fn printable_json(text: &str) -> Cow<'_, str> {
    const DELETE: char = '\u{7F}';
    if text.bytes().all(|b| b < DELETE as u8) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if c < DELETE || is_printable(c) {
            out.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
    }
    Cow::Owned(out)
}

/// A text that is shown with [`printable`].
#[derive(Clone, Copy, Debug)]
pub struct Printable<'a>(pub &'a str);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&printable(self.0))
    }
}

/// Whether a text needs no look at categories: printable ASCII.
fn is_plain(text: &[u8]) -> bool {
    text.iter().all(|b| matches!(b, b' '..=b'~'))
}

/// Appends a character; `based` is whether a mark may follow what stands before it. Returns
/// whether one may follow the character.
fn push(out: &mut String, c: char, based: bool) -> bool {
    let mark = !c.is_ascii() && is_mark(c);
    match c {
        ' '..='~' => out.push(c),
        '\t' => out.push_str("\\t"),
        '\r' => out.push_str("\\r"),
        '\n' => out.push_str("\\n"),
        c if is_printable(c) && (based || !mark) => out.push(c),
        c => {
            let _ = write!(out, "\\u{{{:X}}}", u32::from(c));
            return false;
        }
    }
    mark || c.is_alphanumeric()
}

/// Whether a character shows itself, wherever it stands.
pub fn is_printable(c: char) -> bool {
    use GeneralCategory as Category;
    if c.is_ascii() {
        return matches!(c, ' '..='~');
    }
    !is_blank(c)
        && !matches!(
            get_general_category(c),
            Category::Control
                | Category::Format
                | Category::Surrogate
                | Category::PrivateUse
                | Category::Unassigned
                | Category::LineSeparator
                | Category::ParagraphSeparator
                | Category::SpaceSeparator
        )
}

/// Letters, marks and symbols that show nothing: those with the property
/// `Default_Ignorable_Code_Point` (Unicode, chapter 5.21) and the blank Braille pattern.
fn is_blank(c: char) -> bool {
    matches!(
        c,
        '\u{034F}'
            | '\u{115F}'..='\u{1160}'
            | '\u{17B4}'..='\u{17B5}'
            | '\u{180B}'..='\u{180F}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{FE00}'..='\u{FE0F}'
            | '\u{FFA0}'
            | '\u{E0000}'..='\u{E0FFF}'
    )
}

fn is_mark(c: char) -> bool {
    use GeneralCategory as Category;
    matches!(
        get_general_category(c),
        Category::NonspacingMark | Category::SpacingMark | Category::EnclosingMark
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printable_stays() {
        for text in
            ["", "CN=a b,O=\"x\\y\"", "Grüße, Ελλάδα, Россия, 日本語, עברית, 한국", "e\u{301}"]
        {
            assert_eq!(printable(text), text);
        }
    }

    /// Of each category, and where it matters of each kind within.
    #[test]
    fn what_is_not_printable_is_told() {
        for (text, expected) in [
            ("a\u{1B}[31mb", "a\\u{1B}[31mb"),
            ("\u{0}\u{7F}\u{85}\u{9B}", "\\u{0}\\u{7F}\\u{85}\\u{9B}"),
            ("a\tb\r\n", "a\\tb\\r\\n"),
            ("gpj.\u{202E}exe\u{202C}", "gpj.\\u{202E}exe\\u{202C}"),
            ("\u{2066}a\u{2069}\u{61C}\u{200F}", "\\u{2066}a\\u{2069}\\u{61C}\\u{200F}"),
            ("a\u{200B}\u{200D}\u{FEFF}\u{AD}b", "a\\u{200B}\\u{200D}\\u{FEFF}\\u{AD}b"),
            ("a\u{2028}b\u{2029}c", "a\\u{2028}b\\u{2029}c"),
            ("\u{E000}\u{F0000}\u{10FFFD}", "\\u{E000}\\u{F0000}\\u{10FFFD}"),
            ("\u{378}\u{FFFE}\u{10FFFF}", "\\u{378}\\u{FFFE}\\u{10FFFF}"),
            ("\u{301}a\u{301}", "\\u{301}a\u{301}"),
            ("'\u{301}\u{489}", "'\\u{301}\\u{489}"),
            ("a\u{A0}\u{3000}", "a\\u{A0}\\u{3000}"),
            ("a\u{3164}\u{2800}\u{FE0F}\u{E0041}", "a\\u{3164}\\u{2800}\\u{FE0F}\\u{E0041}"),
        ] {
            assert_eq!(printable(text), expected);
            assert!(printable(text).chars().all(is_printable));
        }
    }

    #[test]
    fn lines_stay_lines() {
        assert_eq!(printable_lines("a\n\u{301}b\u{7}\n"), "a\n\\u{301}b\\u{7}\n");
        assert_eq!(printable_lines("a\nb\n"), "a\nb\n");
    }

    #[test]
    fn json_stays_json() {
        let line = "{\"a\":\"x\u{202E}\u{7F}\u{9B}\u{F0000}é\"}";
        let told = printable_json(line);
        assert!(told.chars().all(is_printable), "{told}");
        let parsed = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
        assert_eq!(parsed(&told), parsed(line));
    }
}
