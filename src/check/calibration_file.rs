//! Systematic differences as a TOML file, so that those that are known are none in the next
//! check.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::calibration::{Calibration, CodeGroup, CountRule};
use crate::config::{CountingRule, SegmentKind};
use crate::record::ebcdic;

/// The form of the file.
const VERSION: u32 = 1;
/// Fields that a code or a counter may be of.
const CODE_FIELDS: [&str; 3] = ["TLS_", "SSH_", "IPSec_"];

/// The file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CalibrationFile {
    /// The form of the file: 1.
    pub version: u32,
    /// How far the stack's clock was ahead, for information: each check finds it anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<ClockTable>,
    /// By which rule the stack counts segments and bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counting: Option<CountingTable>,
    /// Codes that the stack writes where others are expected.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub code: Vec<CodeTable>,
    /// Counters that differ by a rule.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub counter: Vec<CounterTable>,
}

/// How far a clock is ahead, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClockTable {
    /// At first.
    pub first: f64,
    /// In the end.
    pub last: f64,
    /// The local time of summary records.
    pub summaries: f64,
}

/// A rule of counting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CountingTable {
    /// Segments that do not count: `syn`, `handshake_ack`, `fin`, `rst`, `ack`, `probe`,
    /// `retransmission`.
    pub without: Vec<String>,
    /// Whether bytes that are sent again count again.
    #[serde(default)]
    pub bytes_again: bool,
}

/// A code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CodeTable {
    /// IBM's field name, without subtype: `TLS_CS_Enc_Alg`.
    pub field: String,
    /// The cipher suite for fields that follow from it: `C02F`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suite: Option<String>,
    /// The code that follows from the wire, four hexadecimal digits.
    pub wire: String,
    /// The code that the stack writes.
    pub stack: String,
}

/// A counter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CounterTable {
    /// IBM's field name, without subtype: `SAInBytes`.
    pub field: String,
    /// `constant`, or `bytes_a_segment`: headers.
    pub rule: String,
    /// How much more the stack counts.
    pub difference: i64,
}

/// Why a file is no calibration.
#[derive(Debug, thiserror::Error)]
pub enum CalibrationError {
    /// It is not of the form.
    #[error("{0}")]
    Syntax(String),
    /// Another version.
    #[error("version {0}, expected {VERSION}")]
    Version(u32),
    /// A value that means nothing.
    #[error("{key} = \"{found}\", expected {expected}")]
    Value {
        /// The key.
        key: &'static str,
        /// Its value.
        found: String,
        /// What it may be.
        expected: &'static str,
    },
}

impl CalibrationFile {
    /// The file of what was found.
    pub fn of(found: &Calibration) -> Self {
        let seconds = |hundredths: i64| hundredths as f64 / 100.0;
        let (first, last) = found.clock.range();
        let summaries = found.interval_clock;
        let clock = ((first, last, summaries) != (0, 0, 0)).then(|| ClockTable {
            first: seconds(first),
            last: seconds(last),
            summaries: seconds(summaries),
        });
        let counting = found.counting.map(|(rule, _)| CountingTable {
            without: rule.kinds().map(|kind| kind.name().to_owned()).collect(),
            bytes_again: rule.bytes_again,
        });
        let code = found.codes.keys().map(|group| {
            let suite = ebcdic::decode(&group.suite).trim_matches([' ', '\0']).to_owned();
            CodeTable {
                field: group.field.to_owned(),
                suite: Some(suite).filter(|suite| !suite.is_empty()),
                wire: format!("{:04X}", group.tap),
                stack: format!("{:04X}", group.stack),
            }
        });
        let counter = found.counters.iter().map(|(field, (rule, _))| {
            let (rule, difference) = match rule {
                CountRule::Constant(n) => ("constant", *n),
                CountRule::Header(n) => ("bytes_a_segment", *n),
            };
            CounterTable { field: (*field).to_owned(), rule: rule.to_owned(), difference }
        });
        Self { version: VERSION, clock, counting, code: code.collect(), counter: counter.collect() }
    }

    /// The file as text.
    pub fn to_toml(&self) -> String {
        let head = "# Systematic differences between a stack's records and the wire, found by \
                    `zerttap check`.\n";
        format!("{head}{}", toml::to_string(self).unwrap_or_default())
    }

    /// Reads a file.
    ///
    /// # Errors
    /// If it is none, or a value means nothing.
    pub fn parse(text: &str) -> Result<Calibration, CalibrationError> {
        let syntax = |e: toml::de::Error| CalibrationError::Syntax(e.to_string().trim().to_owned());
        let file: Self = toml::from_str(text).map_err(syntax)?;
        if file.version != VERSION {
            return Err(CalibrationError::Version(file.version));
        }
        let wrong = |key, found: &str, expected| CalibrationError::Value {
            key,
            found: found.to_owned(),
            expected,
        };
        let mut read = Calibration::default();
        if let Some(counting) = &file.counting {
            let mut rule = CountingRule { without: 0, bytes_again: counting.bytes_again };
            for name in &counting.without {
                let kind = SegmentKind::ALL.into_iter().find(|kind| kind.name() == name);
                let expected = "syn, handshake_ack, fin, rst, ack, probe or retransmission";
                rule.without |= kind.ok_or_else(|| wrong("without", name, expected))?.bit();
            }
            read.counting = (!rule.is_default()).then_some((rule, 0));
        }
        for code in &file.code {
            let is_code = CODE_FIELDS.iter().any(|start| code.field.starts_with(start));
            let field = known(&code.field).filter(|_| is_code);
            let field = field.ok_or_else(|| wrong("field", &code.field, "a field of codes"))?;
            let value = |key, text: &str| {
                let digits = text.len() == 4 && text.bytes().all(|b| b.is_ascii_hexdigit());
                let value = u64::from_str_radix(text, 16).ok().filter(|_| digits);
                value.ok_or_else(|| wrong(key, text, "four hexadecimal digits"))
            };
            let mut suite = [0; 6];
            if let Some(text) = &code.suite {
                suite = [ebcdic::BLANK; 6];
                let encoded = text.chars().map(ebcdic::encode_char).collect::<Option<Vec<u8>>>();
                let encoded = encoded.filter(|bytes| bytes.len() <= suite.len());
                let bytes = encoded.ok_or_else(|| wrong("suite", text, "a suite like C02F"))?;
                for (to, from) in suite.iter_mut().zip(bytes) {
                    *to = from;
                }
            }
            let (tap, stack) = (value("wire", &code.wire)?, value("stack", &code.stack)?);
            read.codes.insert(CodeGroup { field, suite, tap, stack }, 0);
        }
        for counter in &file.counter {
            let field = known(&counter.field)
                .ok_or_else(|| wrong("field", &counter.field, "a field of counters"))?;
            let rule = match counter.rule.as_str() {
                "constant" => CountRule::Constant(counter.difference),
                "bytes_a_segment" => CountRule::Header(counter.difference),
                other => return Err(wrong("rule", other, "constant or bytes_a_segment")),
            };
            read.counters.insert(field, (rule, 0));
        }
        Ok(read)
    }
}

/// The name of a field, as the tables have it.
fn known(name: &str) -> Option<&'static str> {
    let names: BTreeMap<&str, &'static str> =
        super::comparison_plan::names().map(|known| (known, known)).collect();
    names.get(name).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let mut found = Calibration::default();
        let suite = [0xC3, 0xF0, 0xF2, 0xC6, 0x40, 0x40];
        let group = CodeGroup { field: "TLS_CS_Enc_Alg", suite, tap: 0x12, stack: 0x13 };
        found.codes.insert(group, 7);
        let ssh = CodeGroup { field: "SSH_Kex_Method", suite: [0; 6], tap: 6, stack: 9 };
        found.codes.insert(ssh, 5);
        found.counters.insert("SAInBytes", (CountRule::Header(40), 9));
        found.counters.insert("SAEndLifeOutSegDG", (CountRule::Constant(-2), 3));
        found.counting = Some((CountingRule { without: 0b101, bytes_again: true }, 4));
        let text = CalibrationFile::of(&found).to_toml();
        let read = CalibrationFile::parse(&text).expect(&text);
        assert_eq!(CalibrationFile::of(&read).to_toml(), text);
        assert_eq!(read.codes.keys().collect::<Vec<_>>(), found.codes.keys().collect::<Vec<_>>());
        assert_eq!(read.counting.map(|(rule, _)| rule), found.counting.map(|(rule, _)| rule));
        assert_eq!(read.counters.len(), 2);
    }

    #[test]
    fn what_means_nothing_is_named() {
        for (text, part) in [
            ("version = 2", "version 2, expected 1"),
            ("version = 1\nnonsense = 1", "nonsense"),
            ("version = 1\n[counting]\nwithout = [\"x\"]", "without = \"x\""),
            (
                "version = 1\n[[code]]\nfield = \"SAInBytes\"\nwire = \"0001\"\nstack = \"0002\"",
                "field =",
            ),
            (
                "version = 1\n[[code]]\nfield = \"SSH_Kex_Method\"\nwire = \"+001\"\nstack = \"0002\"",
                "four hex",
            ),
            (
                "version = 1\n[[counter]]\nfield = \"SAInBytes\"\nrule = \"x\"\ndifference = 1",
                "rule =",
            ),
        ] {
            let error = CalibrationFile::parse(text).expect_err(text).to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
