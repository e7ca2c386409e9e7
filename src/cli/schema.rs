//! JSON Schema: of settings files, made from the options, and of JSON Lines, made
//! from the objects.

use clap::{Arg, ArgAction, CommandFactory};
use serde_json::{Map, Value, json};

use super::args::Args;
use super::settings_file::options;
use super::stack_args::StackTable;

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The schema of settings files.
pub fn settings() -> Value {
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
