//! FTP.DATA: the ports of passive data connections.

use std::path::Path;

use super::words::{Symbols, words};
use super::{ProfileError, bytes, text};

const EXPECTED: &str = "two ports like (50000,50200), the lower first";

/// Reads PASSIVEDATAPORTS from an FTP.DATA; `None` if it has none. The last one
/// counts.
///
/// # Errors
/// If the file cannot be read or the statement is not understood.
pub fn passive_data_ports(
    path: &Path,
    symbols: &Symbols,
) -> Result<Option<(u16, u16)>, ProfileError> {
    let lines = text::lines(&bytes(path)?);
    let words = words(&path.display().to_string(), &lines, symbols);
    let mut found = None;
    for (n, word) in words.iter().enumerate().filter(|(_, w)| w.first && w.is("PASSIVEDATAPORTS")) {
        let rest = words.iter().skip(n + 1).take_while(|w| !w.first);
        let value: String = rest.map(|w| w.text.as_str()).collect();
        found = Some(ports(&value).ok_or_else(|| ProfileError::Syntax {
            place: word.place.clone(),
            statement: "PASSIVEDATAPORTS".to_owned(),
            found: if value.is_empty() { "nothing".to_owned() } else { format!("\"{value}\"") },
            expected: EXPECTED.to_owned(),
        })?);
    }
    Ok(found)
}

fn ports(value: &str) -> Option<(u16, u16)> {
    let (first, last) = value.strip_prefix('(')?.strip_suffix(')')?.split_once(',')?;
    let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    (0 < first && first <= last).then_some((first, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Option<(u16, u16)>, String> {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("FTP.DATA");
        std::fs::write(&path, text).expect("written");
        passive_data_ports(&path, &Symbols::default())
            .map_err(|e| e.to_string().replace(&format!("{}/", dir.path().display()), ""))
    }

    #[test]
    fn the_range_is_read_from_among_other_statements() {
        let text = "; comment PASSIVEDATAPORTS (1,2)\nSECURE_FTP ALLOWED\n\
                    PASSIVEDATAPORTS ( 50000 , 50200 ) ; firewall\nBANNER /etc/banner\n";
        assert_eq!(read(text), Ok(Some((50_000, 50_200))));
        assert_eq!(read("passivedataports (5,5)\n"), Ok(Some((5, 5))));
        assert_eq!(read("BANNER x\n"), Ok(None));
    }

    #[test]
    fn what_is_no_range_is_an_error() {
        let expected = "expected two ports like (50000,50200), the lower first";
        let error = read("\nPASSIVEDATAPORTS (9,8)\n").expect_err("wrong");
        assert_eq!(error, format!("FTP.DATA:2:1: PASSIVEDATAPORTS: found \"(9,8)\", {expected}"));
        assert!(read("PASSIVEDATAPORTS\n").expect_err("wrong").contains("found nothing"));
        assert!(read("PASSIVEDATAPORTS (1,70000)").is_err());
    }
}
