//! JSON Schema: of settings files, made from the options, and of JSON Lines, made
//! from the objects.

use std::collections::BTreeSet;

use clap::{Arg, ArgAction, CommandFactory};
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::args::Args;
use super::settings_file::options;
use super::stack_args::StackTable;
use crate::check::{CalibrationFile, report};
use crate::pipeline::ledger::Line;
use crate::sink::jsonl;

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The schema of settings files.
pub(super) fn settings() -> Value {
    let command = Args::command();
    let mut properties = Map::new();
    if let Some(read) = command.find_subcommand("read") {
        properties.extend(options(read).filter_map(property));
    }
    let mut of_stack: Map<String, Value> =
        options(&StackTable::command()).filter_map(property).collect();
    if let Some(name) = of_stack.get("stack").cloned() {
        of_stack.insert("name".to_owned(), name);
    }
    let stack = json!({
        "oneOf": [
            properties.get("stack"),
            {
                "type": "array",
                "description": "The stacks on the wire, each a table [[stack]].",
                "items": {
                    "type": "object",
                    "properties": of_stack,
                    "additionalProperties": false,
                },
            },
        ],
    });
    properties.insert("stack".to_owned(), stack);
    json!({
        "$schema": DIALECT,
        "title": "Settings of zerttap",
        "description": "The options of `zerttap read`, under the same names.",
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    })
}

fn property(arg: &Arg) -> Option<(String, Value)> {
    let name = arg.get_long()?.to_owned();
    let possible: Vec<String> = arg
        .get_value_parser()
        .possible_values()
        .filter(|_| arg.get_action().takes_values())
        .map(|all| all.map(|v| v.get_name().to_owned()).collect())
        .unwrap_or_default();
    let one = if possible.is_empty() {
        json!({ "type": ["string", "integer"] })
    } else {
        json!({ "enum": possible })
    };
    let mut schema = match arg.get_action() {
        ArgAction::Append => json!({ "type": ["array", "string", "integer"], "items": one }),
        action if action.takes_values() => one,
        _ => json!({ "type": "boolean" }),
    };
    if let Some(object) = schema.as_object_mut() {
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        object.insert("description".to_owned(), help.into());
        let default: Vec<String> = arg
            .get_default_values()
            .iter()
            .map(|v| v.to_string_lossy().into_owned())
            .filter(|v| !v.is_empty())
            .collect();
        if let [default] = default.as_slice()
            && arg.get_action().takes_values()
        {
            object.insert("default".to_owned(), default.clone().into());
        }
    }
    Some((name, schema))
}

/// The schema of the systematic differences of a stack, as `check` writes and reads them.
pub(super) fn calibration() -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator.into_root_schema_for::<CalibrationFile>();
    schema.insert("title".to_owned(), "Calibration of zerttap check".into());
    schema.to_value()
}

/// The schema of an object of JSON Lines of `check`.
pub(super) fn check() -> Value {
    let generator = SchemaSettings::draft2020_12().for_serialize();
    let mut generator = SchemaGenerator::new(generator);
    let mut kinds = Vec::new();
    for (types, reference) in [
        (&["pair"][..], generator.subschema_for::<report::Pair>()),
        (&["only_stack", "only_wire"], generator.subschema_for::<report::Alone>()),
        (&["fault"], generator.subschema_for::<report::FaultObject>()),
        (&["coverage"], generator.subschema_for::<report::CoverageObject>()),
        (&["cause"], generator.subschema_for::<report::CauseObject>()),
        (&["check"], generator.subschema_for::<report::Check>()),
    ] {
        let reference = reference.to_value();
        let path = reference.get("$ref").and_then(|r| r.as_str()).unwrap_or_default();
        kinds.push((types, path.rsplit('/').next().unwrap_or_default().to_owned()));
    }
    let mut definitions = generator.take_definitions(true);
    for (types, name) in &kinds {
        let of = definitions.get_mut(name).and_then(|d| d["properties"].as_object_mut());
        let Some(properties) = of else { continue };
        properties.insert("type".to_owned(), json!({ "enum": types }));
        properties.insert(
            "schema".to_owned(),
            json!({ "const": jsonl::SCHEMA, "description": "Version of the form." }),
        );
    }
    let all = kinds.iter().map(|(_, name)| json!({ "$ref": format!("#/$defs/{name}") }));
    json!({
        "$schema": DIALECT,
        "title": "A line of JSON Lines of zerttap check",
        "description": "What `zerttap check --jsonl` writes. New keys may come; one that goes or means something else changes the number in `schema`.",
        "oneOf": all.collect::<Vec<_>>(),
        "$defs": definitions,
    })
}

/// The schema of an object of JSON Lines, as `read` and `show` write them.
pub(super) fn json_lines() -> Value {
    let generator = SchemaSettings::draft2020_12().for_serialize();
    let mut generator = SchemaGenerator::new(generator);
    let mut kinds = Vec::new();
    for (kind, reference) in [
        ("connection", generator.subschema_for::<jsonl::Connection>()),
        ("connection", generator.subschema_for::<jsonl::EeConnection>()),
        ("ike", generator.subschema_for::<jsonl::Ike>()),
        ("tunnel", generator.subschema_for::<jsonl::Tunnel>()),
        ("ledger", generator.subschema_for::<Line<'_>>()),
        ("seen_by", generator.subschema_for::<jsonl::SeenBy<'_>>()),
        ("session_certificates", generator.subschema_for::<jsonl::SessionCertificates>()),
    ] {
        let reference = reference.to_value();
        let path = reference.get("$ref").and_then(|r| r.as_str()).unwrap_or_default();
        kinds.push((kind, path.rsplit('/').next().unwrap_or_default().to_owned()));
    }
    let mut definitions = generator.take_definitions(true);
    for (kind, name) in &kinds {
        let Some(properties) =
            definitions.get_mut(name).and_then(|d| d["properties"].as_object_mut())
        else {
            continue;
        };
        if let Some(of_type) = properties.get_mut("type") {
            *of_type = json!({ "const": kind });
        }
        if let Some(version) = properties.get_mut("schema") {
            *version = json!({ "const": jsonl::SCHEMA, "description": "Version of the form." });
        }
        match name.as_str() {
            "Connection" => {
                properties.insert("proto".to_owned(), json!({ "const": "tcp" }));
                properties.insert(
                    "session_certificates".to_owned(),
                    json!({
                        "description": "Of a resumed TLS session: the certificates of the full handshake that has issued it, where that was seen.",
                        "$ref": "#/$defs/SessionCertificates",
                    }),
                );
                properties.insert(
                    "ftp_data".to_owned(),
                    json!({
                        "description": "The FTP control connection that has announced it.",
                        "type": "object",
                        "properties": {
                            "command": { "type": "string" },
                            "client": { "$ref": "#/$defs/Endpoint" },
                            "server": { "$ref": "#/$defs/Endpoint" },
                        },
                        "required": ["command", "client", "server"],
                    }),
                );
            }
            "Line" => {
                let kinds = json!({
                    "description": "The ledger at the end, or as it stood while watching.",
                    "enum": ["ledger", "status"],
                });
                properties.insert("type".to_owned(), kinds);
            }
            "EeConnection" => {
                properties.insert("proto".to_owned(), json!({ "const": "udp" }));
            }
            _ => {}
        }
        if matches!(name.as_str(), "Connection" | "EeConnection" | "Tunnel") {
            properties.insert(
                "connection_id".to_owned(),
                json!({
                    "description": "The connection identifier in its records, if it has any: of several stacks', the first one's.",
                    "type": "integer",
                    "minimum": 1,
                }),
            );
            properties.insert(
                "views".to_owned(),
                json!({
                    "description": "The stacks that see it, where there are several.",
                    "type": "array",
                    "items": { "$ref": "#/$defs/SeenBy" },
                }),
            );
        }
    }
    definitions.insert("Record".to_owned(), record());
    definitions.insert("Counts".to_owned(), counts());
    let names = kinds.iter().map(|(_, name)| name.as_str()).filter(|name| *name != "SeenBy");
    let all = names.chain(["Record", "Counts"]).map(|n| json!({ "$ref": format!("#/$defs/{n}") }));
    json!({
        "$schema": DIALECT,
        "title": "A line of JSON Lines of zerttap",
        "description": "What `zerttap read --jsonl` and `zerttap show --jsonl` write. New keys may come; one that goes or means something else changes the number in `schema`.",
        "oneOf": all.collect::<Vec<_>>(),
        "$defs": definitions,
    })
}

/// The names of the fields of connections, those in objects with a dot between.
pub(super) fn connection_fields() -> BTreeSet<String> {
    let schema = json_lines();
    let mut names = BTreeSet::new();
    for definition in ["Connection", "EeConnection"] {
        let start = schema.pointer(&format!("/$defs/{definition}"));
        let mut waiting = vec![(String::new(), start)];
        while let Some((prefix, definition)) = waiting.pop() {
            let properties =
                definition.and_then(|d| d.get("properties")).and_then(Value::as_object);
            for (name, property) in properties.into_iter().flatten() {
                let name = format!("{prefix}{name}");
                // An object, or one that may be null.
                let reference = property.get("$ref").or_else(|| {
                    property.get("anyOf")?.as_array()?.iter().find_map(|one| one.get("$ref"))
                });
                let path = reference.and_then(Value::as_str).and_then(|r| r.strip_prefix('#'));
                let inside = path.map_or(Some(property), |path| schema.pointer(path));
                waiting.push((format!("{name}."), inside));
                names.insert(name);
            }
        }
    }
    names
}

/// A record as `show` prints it.
fn record() -> Value {
    let code = json!({
        "type": "object",
        "properties": {
            "code": { "type": "string", "pattern": "^[0-9A-F]*$" },
            "name": { "type": ["string", "null"] },
        },
        "required": ["code", "name"],
    });
    let fields = json!({
        "type": "object",
        "description": "Fields by IBM's names, with `--names zsecure` by zSecure's where they are known; bytes that are not known under `unknown`.",
        "additionalProperties": { "anyOf": [{ "type": ["integer", "string"] }, code] },
    });
    json!({
        "description": "An SMF record.",
        "type": "object",
        "properties": {
            "schema": { "const": jsonl::SCHEMA },
            "type": { "const": "record" },
            "record_type": { "const": 119 },
            "subtype": { "enum": [11, 12] },
            "level": { "enum": ["v2r3", "v2r5", "v3r2"] },
            "offset": { "type": "integer", "minimum": 0, "description": "In the file, decompressed." },
            "length": { "type": "integer", "minimum": 18, "description": "Bytes, with the RDW." },
            "sections": {
                "type": "object",
                "description": "header, sds, ident, S1 to S6.",
                "additionalProperties": {
                    "anyOf": [fields, { "type": "array", "items": fields }],
                },
            },
        },
        "required": ["schema", "type", "record_type", "subtype", "level", "offset", "length", "sections"],
    })
}

/// Counts as `show --summary` prints them.
fn counts() -> Value {
    let count = json!({ "type": "integer", "minimum": 0 });
    let rows = |key: &str| {
        json!({
            "type": "array",
            "items": {
                "type": "object",
                "properties": { "subtype": { "enum": [11, 12] }, key: count, "records": count },
                "required": ["subtype", key, "records"],
            },
        })
    };
    let text = json!({ "type": "string" });
    json!({
        "description": "What a file holds.",
        "type": "object",
        "properties": {
            "schema": { "const": jsonl::SCHEMA },
            "type": { "const": "counts" },
            "records": count,
            "bytes": count,
            "first": { "type": ["string", "null"] },
            "last": { "type": ["string", "null"] },
            "events": rows("event"),
            "protection": rows("flags"),
            "stacks": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "sid": text, "sysname": text, "sysplex": text, "stack": text, "records": count,
                    },
                    "required": ["sid", "sysname", "sysplex", "stack", "records"],
                },
            },
        },
        "required": ["schema", "type", "records", "bytes", "events", "protection", "stacks"],
    })
}
