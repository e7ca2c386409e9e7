//! Connections as comma-separated values (RFC 4180): a row for each, a column for each field of
//! its JSON object that is asked for.

use serde_json::Value;

use super::records::quoted;

/// The fields of a row unless others are asked for.
pub const DEFAULT_FIELDS: &[&str] = &[
    "start",
    "end",
    "proto",
    "client.ip",
    "client.port",
    "server.ip",
    "server.port",
    "local",
    "application",
    "protection",
    "protection_known",
    "not_known",
    "tls.version_name",
    "tls.cipher_suite_name",
    "tls.group_name",
    "tls.failure",
    "ssh.kex",
    "ssh.cipher_c2s",
    "bytes.from_client",
    "bytes.from_server",
    "first_frame.file",
    "first_frame.frame",
    "last_frame.frame",
    "community_id",
    "display_filter",
];

/// Makes rows of JSON objects.
#[derive(Debug)]
pub struct ConnectionCsv {
    /// Names of fields, their parts apart from each other by dots.
    fields: Vec<String>,
}

impl ConnectionCsv {
    /// With columns for fields; for [`DEFAULT_FIELDS`] if there are none.
    pub fn new(fields: &[String]) -> Self {
        let fields = if fields.is_empty() {
            DEFAULT_FIELDS.iter().map(|name| (*name).to_owned()).collect()
        } else {
            fields.to_vec()
        };
        Self { fields }
    }

    /// The first line.
    pub fn head(&self) -> String {
        self.fields.join(",") + "\r\n"
    }

    /// The row of a line of JSON Lines, if that is a connection.
    pub fn row(&self, line: &[u8]) -> Option<String> {
        let object: Value = serde_json::from_slice(line).ok()?;
        if object.get("type")? != "connection" {
            return None;
        }
        let mut row = String::new();
        for (n, field) in self.fields.iter().enumerate() {
            if n > 0 {
                row.push(',');
            }
            let value = field.split('.').try_fold(&object, |value, name| value.get(name));
            match value {
                None | Some(Value::Null) => {}
                Some(Value::String(text)) => quoted(&mut row, text),
                Some(Value::Array(all)) if all.iter().all(Value::is_string) => {
                    let words: Vec<&str> = all.iter().filter_map(Value::as_str).collect();
                    quoted(&mut row, &words.join(" "));
                }
                Some(other) => quoted(&mut row, &other.to_string()),
            }
        }
        row += "\r\n";
        Some(row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_by_their_names_and_quoted() {
        let fields = ["a.b", "a", "words", "none", "formula", "a.b.c"].map(str::to_owned);
        let csv = ConnectionCsv::new(&fields);
        assert_eq!(csv.head(), "a.b,a,words,none,formula,a.b.c\r\n");
        let line = br#"{"type":"connection","a":{"b":1},"words":["x","y"],"none":null,"formula":"=1,\"2\""}"#;
        let row = csv.row(line).expect("a connection");
        assert_eq!(row, "1,\"{\"\"b\"\":1}\",x y,,\"'=1,\"\"2\"\"\",\r\n");
        assert_eq!(csv.row(br#"{"type":"ledger"}"#), None);
        assert_eq!(csv.row(b"{"), None);
    }
}
