//! Words of a configuration data set with their places. A semicolon begins a
//! comment; what is in quotes is one word; system symbols are replaced.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Where a word stands.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourceLocation {
    /// The file, as it was named.
    pub file: Arc<str>,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl fmt::Display for SourceLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

impl fmt::Debug for SourceLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A word.
#[derive(Clone, Debug)]
pub(super) struct Word {
    pub place: SourceLocation,
    /// With symbols replaced.
    pub text: String,
    /// Whether it is the first of its line.
    pub first: bool,
}

impl Word {
    /// Whether it is a keyword, in any case.
    pub fn is(&self, keyword: &str) -> bool {
        self.text.eq_ignore_ascii_case(keyword)
    }

    /// Whether it is a keyword or an abbreviation of it that is not shorter than
    /// `least` letters.
    pub fn abbreviates(&self, keyword: &str, least: usize) -> bool {
        self.text.len() >= least
            && keyword.get(..self.text.len()).is_some_and(|k| k.eq_ignore_ascii_case(&self.text))
    }
}

/// System symbols: names in upper case without the ampersand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Symbols(BTreeMap<String, String>);

impl Symbols {
    /// Gives a symbol a value.
    pub fn set(&mut self, name: &str, value: &str) {
        self.0.insert(name.trim_start_matches('&').to_ascii_uppercase(), value.to_owned());
    }

    /// Gives a symbol a value if it has none.
    pub fn set_default(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            self.0.entry(name.to_owned()).or_insert_with(|| value.to_owned());
        }
    }

    /// Replaces `&NAME.`, `&NAME` and `&NAME(start:length)`. A symbol without a
    /// value stays as it is, as on z/OS.
    fn replace(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, symbol)) = rest.split_once('&') {
            out.push_str(before);
            let belongs = |c: char| c.is_ascii_alphanumeric() || "@#$_".contains(c);
            let mut after = symbol.trim_start_matches(belongs);
            let name = symbol.strip_suffix(after).unwrap_or_default();
            let value = self.0.get(&name.to_ascii_uppercase()).map(String::as_str);
            let Some(mut value) = value else {
                out.push('&');
                out.push_str(name);
                rest = after;
                continue;
            };
            if let Some((part, then)) = substring(after, value) {
                (value, after) = (part, then);
            }
            out.push_str(value);
            rest = after.strip_prefix('.').unwrap_or(after);
        }
        out.push_str(rest);
        out
    }
}

/// `(start:length)` after a symbol: that part of its value, and what follows. A
/// negative start counts from the end.
fn substring<'a, 'v>(after: &'a str, value: &'v str) -> Option<(&'v str, &'a str)> {
    let (inside, then) = after.strip_prefix('(')?.split_once(')')?;
    let (start, length) = inside.split_once(':').unwrap_or((inside, "1"));
    let start: isize = start.parse().ok()?;
    let start = match start {
        1.. => start.unsigned_abs() - 1,
        0 => return None,
        _ => value.len().checked_sub(start.unsigned_abs())?,
    };
    let end = start.checked_add(length.parse().ok()?)?.min(value.len());
    Some((value.get(start..end)?, then))
}

/// The words of a file.
pub(super) fn words(file: &str, lines: &[String], symbols: &Symbols) -> Vec<Word> {
    let file: Arc<str> = file.into();
    let mut words = Vec::new();
    for (number, line) in (1..).zip(lines) {
        let mut first = true;
        let mut rest = line.as_str();
        loop {
            let trimmed = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '\0');
            if trimmed.is_empty() || trimmed.starts_with(';') {
                break;
            }
            let before = line.strip_suffix(trimmed).unwrap_or_default();
            let (text, after) = word(trimmed);
            let column = before.chars().count() + 1;
            let place = SourceLocation { file: Arc::clone(&file), line: number, column };
            words.push(Word { place, text: symbols.replace(text), first });
            first = false;
            rest = after;
        }
    }
    words
}

/// The first word of a text that begins with one, and what follows.
fn word(text: &str) -> (&str, &str) {
    for quote in ['\'', '"'] {
        if let Some(inside) = text.strip_prefix(quote)
            && let Some((quoted, after)) = inside.split_once(quote)
        {
            return (quoted, after);
        }
    }
    let end = text.find(|c: char| c.is_whitespace() || c == ';' || c == '\0');
    text.split_at(end.unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(line: &str) -> Vec<String> {
        let mut symbols = Symbols::default();
        symbols.set("SYSNAME", "PROD1");
        symbols.set("&SYSCLONE", "P1");
        words("p", &[line.to_owned()], &symbols).into_iter().map(|w| w.text).collect()
    }

    #[test]
    fn words_end_at_blanks_and_comments() {
        assert_eq!(texts("  PORT 23\tTCP TN3270; Telnet"), ["PORT", "23", "TCP", "TN3270"]);
        assert!(texts("; all").is_empty() && texts("").is_empty());
        assert_eq!(texts("INCLUDE 'A.B(C)' x"), ["INCLUDE", "A.B(C)", "x"]);
        assert_eq!(texts("PARMSTRING \"a ; b\" y"), ["PARMSTRING", "a ; b", "y"]);
        assert_eq!(texts("it's"), ["it's"]);
    }

    #[test]
    fn symbols_are_replaced() {
        assert_eq!(
            texts("TCP&SYSCLONE. &sysname.A 10.1.&SYSCLONE"),
            ["TCPP1", "PROD1A", "10.1.P1"]
        );
        assert_eq!(texts("&SYSNAME(1:4). &SYSNAME(-1:1) &OTHER. &"), ["PROD", "1", "&OTHER.", "&"]);
    }

    #[test]
    fn places_count_characters_from_one() {
        let lines = ["é  A".to_owned(), String::new(), "B".to_owned()];
        let words = words("f", &lines, &Symbols::default());
        let places: Vec<String> = words.iter().map(|w| w.place.to_string()).collect();
        assert_eq!(places, ["f:1:1", "f:1:4", "f:3:1"]);
        assert!(words[0].first && !words[1].first && words[2].first);
    }
}
