//! Whether docs/cli.md names each field that a command's JSON has.

use std::collections::BTreeSet;

use serde_json::Value;

const MANUAL: &str = include_str!("../../../../../docs/cli.md");
/// Objects whose keys are names of what there is, not fields.
const NAMES: [&str; 1] = ["kinds"];

/// The fields that the command's section does not name.
pub(super) fn missing(command: &str, json: &Value) -> Vec<String> {
    let section = section(command);
    let code = section.split('`').skip(1).step_by(2);
    let known: BTreeSet<&str> =
        code.flat_map(|code| code.split(|c: char| !(c.is_alphanumeric() || c == '_'))).collect();
    let mut fields = BTreeSet::new();
    collect(json, &mut fields);
    let common = ["version", "notes", "error", "message"];
    let is_missing = |field: &String| !known.contains(field.as_str()) && !common.contains(&field.as_str());
    fields.into_iter().filter(is_missing).map(|field| format!("{command}: {field}")).collect()
}

#[test]
fn a_field_that_nobody_wrote_about_is_found() {
    let json = serde_json::json!({ "next": [{ "smell": "A-1", "colour": "red" }], "kinds": { "x": 1 } });
    assert_eq!(missing("sync init", &json), ["sync init: colour", "sync init: smell"]);
}

/// The part of the manual under the heading that names the command, else under that on signing in.
fn section(command: &str) -> String {
    let sections = || MANUAL.split("\n## ");
    let name = format!("agent {}", command.split(' ').take(2).collect::<Vec<_>>().join(" "));
    let of = |wanted: &str| {
        sections().find(|text| text.lines().next().unwrap_or_default().split(", ").any(|head| head == wanted))
    };
    let group = format!("agent {}", command.split(' ').next().unwrap_or_default());
    // A row in another section's words, such as an artifact's or an operation's, is meant where it is named.
    let log = of("agent sync log").filter(|_| command == "sync show").unwrap_or_default();
    let found = of(&name).or_else(|| of(&group)).or_else(|| of("Signing in")).unwrap_or_default();
    let imports = of("agent import-plan").filter(|_| command.starts_with("import-")).unwrap_or_default();
    let made = of("agent new-plan").filter(|_| command.starts_with("new-")).unwrap_or_default();
    let pull = of("agent sync pull").filter(|_| command == "sync init").unwrap_or_default();
    [found, log, imports, made, pull].concat()
}

fn collect(json: &Value, fields: &mut BTreeSet<String>) {
    match json {
        Value::Object(object) => {
            for (name, value) in object {
                fields.insert(name.clone());
                match NAMES.contains(&name.as_str()) {
                    true => {}
                    false => collect(value, fields),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, fields)),
        _ => {}
    }
}
