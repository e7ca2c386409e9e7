//! What pages are made of: style, script, tables, bars, text.

use std::borrow::Cow;
use std::fmt::Write;

use data_encoding::BASE64;
use sha2::{Digest, Sha256};

use super::super::ranking::{Classes, total};
use super::super::report::{CLASSES, Class, TrafficTotals};
use super::super::table::{bytes, group};
use crate::printable::printable;

/// The style of pages.
pub const STYLE: &str = include_str!("page.css");
/// Sorts tables by their columns; all is there without it.
pub const SCRIPT: &str = include_str!("page.js");

/// Characters without a blank after which a line may be broken.
const UNBROKEN: usize = 22;

/// The beginning of a page up to its content. Nothing may be loaded, and no script runs but
/// the one whose digest is named.
pub fn begin(out: &mut String, title: &str) {
    let digest = BASE64.encode(&Sha256::digest(SCRIPT.as_bytes()));
    let _ = write!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n",
        escape(title)
    );
}

/// The end of a page.
pub fn end(out: &mut String) {
    let _ = write!(out, "<script>{SCRIPT}</script>\n</body>\n</html>\n");
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// A number, on the right.
    Number,
    /// A bar, which has no order.
    Bar,
}

/// A cell: what is shown, as HTML, by what rows are sorted if not by that, and its class.
#[derive(Clone, Debug, Default)]
pub struct Cell {
    html: String,
    order: Option<i64>,
    class: &'static str,
}

impl Cell {
    /// Text, broken where it has to be.
    pub fn text(text: &str) -> Self {
        Self { html: breakable(text), ..Self::default() }
    }

    /// What is HTML already.
    pub fn html(html: String) -> Self {
        Self { html, ..Self::default() }
    }

    /// A number with its thousands apart.
    pub fn number(n: u64) -> Self {
        Self { html: group(n), order: i64::try_from(n).ok(), ..Self::default() }
    }

    /// A number of bytes with its unit.
    pub fn bytes(n: u64) -> Self {
        Self { html: bytes(n), order: i64::try_from(n).ok(), ..Self::default() }
    }

    /// A text that is sorted by a number.
    pub fn ordered(text: String, order: i64) -> Self {
        Self { html: escape(&text), order: Some(order), ..Self::default() }
    }

    /// The same with a class of the style.
    pub fn styled(self, class: &'static str) -> Self {
        Self { class, ..self }
    }
}

/// Connections and bytes.
pub fn amount(sum: TrafficTotals) -> [Cell; 2] {
    [Cell::number(sum.connections), Cell::bytes(sum.bytes)]
}

/// A table with a caption; the first cell of a row is its heading.
pub fn table(
    out: &mut String,
    id: &str,
    caption: &str,
    columns: &[(&str, Kind)],
    rows: &[Vec<Cell>],
) {
    // On a phone each row of a wide table is a card.
    let texts = columns.iter().filter(|(_, kind)| *kind == Kind::Text).count();
    let wide = columns.len() > 3 || texts > 1;
    let _ = write!(
        out,
        "<table id=\"{}\"{}>\n<caption>{}</caption>\n<thead><tr>",
        escape(id),
        if wide { " class=\"cards\"" } else { "" },
        escape(caption)
    );
    for (title, kind) in columns {
        let class = match kind {
            Kind::Number => " class=\"n\"",
            Kind::Bar => " class=\"share\"",
            Kind::Text => "",
        };
        let _ = write!(out, "<th scope=\"col\"{class}>{}</th>", escape(title));
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for row in rows {
        out.push_str("<tr>");
        for (n, (cell, (title, kind))) in row.iter().zip(columns).enumerate() {
            let tag = if n == 0 { "th scope=\"row\"" } else { "td" };
            let of_kind = match kind {
                Kind::Number => "n",
                Kind::Bar => "share",
                Kind::Text => "",
            };
            let classes = [of_kind, cell.class].join(" ");
            let classes = match classes.trim() {
                "" => String::new(),
                classes => format!(" class=\"{classes}\""),
            };
            let order = cell.order.map(|n| format!(" data-v=\"{n}\"")).unwrap_or_default();
            let _ = write!(
                out,
                "<{tag}{classes}{order}{}>{}</{}>",
                if wide { format!(" data-l=\"{}\"", escape(title)) } else { String::new() },
                cell.html,
                if n == 0 { "th" } else { "td" }
            );
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n</table>\n");
}

/// That rows were left out.
pub fn more(out: &mut String, all: usize, shown: usize, where_else: &str) {
    if all > shown {
        let _ = writeln!(
            out,
            "<p class=\"soft\">{} of {} rows are shown; {where_else}.</p>",
            group(shown as u64),
            group(all as u64)
        );
    }
}

/// A bar divided by class.
pub fn bar(classes: &Classes, pick: fn(TrafficTotals) -> u64, class: &str) -> String {
    let all: u64 = CLASSES.iter().map(|c| pick(*c.of(classes))).sum();
    let parts: Vec<(Class, u64)> =
        CLASSES.iter().map(|c| (*c, pick(*c.of(classes)))).filter(|(_, n)| *n > 0).collect();
    let told: Vec<String> =
        parts.iter().map(|(c, n)| format!("{} {}", c.name(), percent(*n, all))).collect();
    let mut out = format!(
        "<span class=\"{class}\" role=\"img\" aria-label=\"{}\">",
        escape(&told.join(", "))
    );
    for (part, n) in parts {
        let width = 100.0 * n as f64 / all.max(1) as f64;
        let _ = write!(
            out,
            "<span class=\"fill {}\" style=\"width:{width:.2}%\" title=\"{}: {}\"></span>",
            css(part),
            part.name(),
            escape(&percent(n, all))
        );
    }
    out + "</span>"
}

/// The name of a class with the sign that stands for it.
pub fn class_name(class: Class) -> String {
    format!(
        "<span class=\"name\"><span class=\"mark fill {}\" aria-hidden=\"true\">{}</span>{}</span>",
        css(class),
        sign(class),
        class.name()
    )
}

/// A class by a sign, for who cannot tell colours apart.
pub fn sign(class: Class) -> &'static str {
    match class {
        Class::Unprotected => "!",
        Class::Failed => "×",
        Class::Weak => "~",
        Class::Protected => "✓",
        Class::Unknown => "?",
    }
}

/// The class of the style.
pub fn css(class: Class) -> &'static str {
    match class {
        Class::Unprotected => "unprotected",
        Class::Failed => "failed",
        Class::Weak => "weak",
        Class::Protected => "protected",
        Class::Unknown => "unknown",
    }
}

/// A share. What is there is never shown as nothing, nor as everything what is not.
pub fn percent(part: u64, all: u64) -> String {
    if all == 0 {
        return "none".to_owned();
    }
    let share = part as f64 * 100.0 / all as f64;
    match (part, share) {
        (0, _) => "0 %".to_owned(),
        (_, s) if s < 0.1 => "< 0.1 %".to_owned(),
        (p, s) if p < all && s > 99.9 => "> 99.9 %".to_owned(),
        (_, s) => format!("{s:.1} %"),
    }
}

/// Connections of a class.
pub fn connections(classes: &Classes, class: Class) -> Cell {
    Cell::number(class.of(classes).connections)
}

/// All connections and bytes.
pub fn all(classes: &Classes) -> [Cell; 2] {
    amount(total(classes))
}

/// Text in a page.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    printable(text).chars().for_each(|c| push(&mut out, c));
    out
}

fn push(out: &mut String, c: char) {
    match c {
        '&' => out.push_str("&amp;"),
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        '"' => out.push_str("&quot;"),
        '\'' => out.push_str("&#39;"),
        c => out.push(c),
    }
}

/// The same, with places where a line may be broken in what has no blanks: after a
/// separator in long words, and at last anywhere. Words and numbers that are short stay whole.
pub fn breakable(text: &str) -> String {
    let text: Cow<'_, str> = printable(text);
    let mut out = String::with_capacity(text.len());
    let mut after_digit = false;
    for (n, word) in text.split(' ').enumerate() {
        let unit = matches!(
            word.trim_end_matches(['.', ',', ')', ';']),
            "%" | "B" | "kB" | "MB" | "GB" | "TB"
        );
        if n > 0 {
            // A number and its unit stay together.
            out.push_str(if after_digit && unit { "&nbsp;" } else { " " });
        }
        after_digit = word.ends_with(|c: char| c.is_ascii_digit());
        let long = word.chars().count() > UNBROKEN;
        let mut since = 0;
        for c in word.chars() {
            push(&mut out, c);
            since += 1;
            let separator = matches!(c, ':' | '_' | ',' | '/' | '=' | '@' | '.' | '-');
            if long && (separator && since > 3 || since >= UNBROKEN) {
                out.push_str("<wbr>");
                since = 0;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_from_the_wire_is_text() {
        assert_eq!(escape("CN=<script>&\"'\u{7}"), "CN=&lt;script&gt;&amp;&quot;&#39;\\u{7}");
    }

    #[test]
    fn short_words_are_whole_and_long_ones_can_be_broken() {
        assert_eq!(breakable("192.0.2.10:23 3 times"), "192.0.2.10:23 3 times");
        assert_eq!(breakable("(0.5 %) of 3 kB, B"), "(0.5&nbsp;%) of 3&nbsp;kB, B");
        assert_eq!(
            breakable("TLSv1.3 TLS_CHACHA20_POLY1305_SHA256"),
            "TLSv1.3 TLS_<wbr>CHACHA20_<wbr>POLY1305_<wbr>SHA256"
        );
        let broken = breakable(&"x".repeat(1000));
        assert!(broken.split("<wbr>").all(|piece| piece.len() <= UNBROKEN), "{broken}");
    }

    #[test]
    fn shares_are_neither_nothing_nor_everything_if_they_are_not() {
        let shares = [(0, 5), (1, 100_000), (99_999, 100_000), (1, 3), (5, 5), (0, 0)];
        assert_eq!(
            shares.map(|(part, all)| percent(part, all)),
            ["0 %", "< 0.1 %", "> 99.9 %", "33.3 %", "100.0 %", "none"]
        );
    }
}
