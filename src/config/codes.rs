//! The file of corrected codes: TOML, a table for each table of names.
//!
//! ```toml
//! [wire.tls_suite]
//! C02F = { enc_alg = "0012", msg_auth = "0006" }
//! [wire.ssh_kex]
//! "curve25519-sha256" = "000B"
//! [wire.ikev2_encryption]
//! "20/256" = "0013"
//! ```

use std::path::{Path, PathBuf};

use crate::names::overrides::{Codes, OverrideError};

/// Why a file of codes cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CodesError {
    /// It cannot be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is not TOML.
    #[error("{}: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where and what.
        message: String,
    },
    /// An entry names what there is not.
    #[error("{}: {place}: {source}", path.display())]
    Entry {
        /// The file.
        path: PathBuf,
        /// The table and the entry.
        place: String,
        /// Why.
        source: Box<OverrideError>,
    },
    /// A value is no code.
    #[error("{}: {place}: found {found}, expected {expected}", path.display())]
    Value {
        /// The file.
        path: PathBuf,
        /// The table and the entry.
        place: String,
        /// What was found.
        found: String,
        /// What was expected.
        expected: &'static str,
    },
}

const CODE: &str = "a code of four hexadecimal digits in quotes, like \"0012\"";
const ENTRY: &str = "a code, or a table of columns and codes like { enc_alg = \"0012\" }";

/// Reads a file of codes.
///
/// # Errors
/// If it cannot be read, is not TOML, or overrides what does not exist.
pub fn read(path: &Path) -> Result<Codes, CodesError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| CodesError::Read { path: path.to_owned(), source })?;
    parse(path, &text)
}

fn parse(path: &Path, text: &str) -> Result<Codes, CodesError> {
    let file: toml::Table = text.parse().map_err(|e: toml::de::Error| CodesError::Syntax {
        path: path.to_owned(),
        message: e.to_string().trim_end().to_owned(),
    })?;
    let mut codes = Codes::default();
    for (group, tables) in &file {
        let wrong = |table: &str, key: &str, found: &toml::Value, expected| CodesError::Value {
            path: path.to_owned(),
            place: place(table, key),
            found: found.to_string(),
            expected,
        };
        let toml::Value::Table(tables) = tables else {
            return Err(wrong(group, "", tables, "a table like [wire.tls_suite]"));
        };
        for (table, entries) in tables {
            let table = format!("{group}.{table}");
            let toml::Value::Table(entries) = entries else {
                return Err(wrong(&table, "", entries, "a table of entries"));
            };
            for (key, entry) in entries {
                let columns = match entry {
                    toml::Value::Table(columns) => {
                        columns.iter().map(|(c, v)| (c.as_str(), v)).collect()
                    }
                    code @ toml::Value::String(_) => vec![("code", code)],
                    other => return Err(wrong(&table, key, other, ENTRY)),
                };
                for (column, value) in columns {
                    let code = value
                        .as_str()
                        .filter(|text| text.len() == 4)
                        .and_then(|text| u16::from_str_radix(text, 16).ok())
                        .ok_or_else(|| wrong(&table, key, value, CODE))?;
                    codes.set(&table, key, column, code).map_err(|source| CodesError::Entry {
                        path: path.to_owned(),
                        place: place(&table, key),
                        source: Box::new(source),
                    })?;
                }
            }
        }
    }
    Ok(codes)
}

fn place(table: &str, key: &str) -> String {
    format!("[{table}] {key}").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        parse(Path::new("codes.toml"), text).expect_err("wrong").to_string()
    }

    #[test]
    fn a_file_overrides_entries() {
        let text = "[wire.tls_suite]\nC02F = { enc_alg = \"00AB\" }\n\
                    [wire.ssh_kex]\n\"curve25519-sha256\" = \"000B\"\n";
        let codes = parse(Path::new("x"), text).expect("codes");
        assert_eq!((codes.suite(0xC02F).enc, codes.ssh_kex("curve25519-sha256")), (0xAB, 0xB));
    }

    #[test]
    fn errors_say_where_and_what_was_expected() {
        assert!(error("[wire.tls_suite\n").contains("line 1"));
        let one = error("[wire.tls_suite]\nC02F = 18\n");
        assert_eq!(
            one,
            "codes.toml: [wire.tls_suite] C02F: found 18, expected a code, or a table of columns \
             and codes like { enc_alg = \"0012\" }"
        );
        assert!(error("[wire.ssh_kex]\nx = \"12\"\n").contains("four hexadecimal digits"));
        assert!(error("[wire.nothing]\nx = \"0012\"\n").contains("there is no table"));
        assert!(error("[wire.tls_suite]\nC02F = \"0012\"\n").contains("no column \"code\""));
        assert!(error("wire = 3\n").contains("a table like [wire.tls_suite]"));
    }
}
