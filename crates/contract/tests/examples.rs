//! What the types write and read is what the schemas say: the documents' own examples, and the frames that
//! `docs/protocol.md` shows.
#![expect(clippy::unwrap_used, reason = "a helper of a test that fails fails the test")]

use std::collections::BTreeSet;

use madang_contract::{
    rest::all_routes,
    schema::{asyncapi, openapi},
};
use madang_domain::event::EventKind;
use serde_json::{Map, Value};

/// The part of JSON Schema that the documents use. A keyword that is not checked here is an error, and so is a field
/// of an example that no schema has.
struct Schemas<'a>(&'a Map<String, Value>);

impl Schemas<'_> {
    fn check(&self, schema: &Value, value: &Value) -> Result<(), String> {
        let Value::Object(schema) = schema else { return Ok(()) };
        for (keyword, rule) in schema {
            let fits = match (keyword.as_str(), value) {
                ("$ref", _) => {
                    self.check(self.definition(rule), value)?;
                    true
                }
                ("type", _) => match rule {
                    Value::Array(names) => names.iter().any(|name| is_of(name, value)),
                    name => is_of(name, value),
                },
                ("const", _) => rule == value,
                ("enum", _) => rule.as_array().unwrap().contains(value),
                ("allOf", _) => {
                    rule.as_array().unwrap().iter().try_for_each(|part| self.check(part, value))?;
                    true
                }
                ("oneOf", _) => {
                    rule.as_array().unwrap().iter().filter(|part| self.check(part, value).is_ok()).count()
                        == 1
                }
                ("anyOf", _) => rule.as_array().unwrap().iter().any(|part| self.check(part, value).is_ok()),
                ("items", Value::Array(items)) => {
                    items.iter().try_for_each(|item| self.check(rule, item))?;
                    true
                }
                ("properties", Value::Object(fields)) => {
                    for (name, field) in fields {
                        if let Some(property) = rule.get(name) {
                            self.check(property, field).map_err(|error| format!("{name}: {error}"))?;
                        }
                    }
                    true
                }
                ("required", Value::Object(fields)) => {
                    rule.as_array().unwrap().iter().all(|name| fields.contains_key(name.as_str().unwrap()))
                }
                ("additionalProperties", Value::Object(fields)) => {
                    let own = schema.get("properties").and_then(Value::as_object);
                    let others =
                        fields.iter().filter(|(name, _)| own.is_none_or(|own| !own.contains_key(*name)));
                    let mut others = others.map(|(_, field)| field);
                    if rule == &Value::Bool(false) {
                        others.next().is_none()
                    } else {
                        others.try_for_each(|field| self.check(rule, field))?;
                        true
                    }
                }
                ("minimum", Value::Number(number)) => number.as_u64() >= rule.as_u64(),
                ("maximum", Value::Number(number)) => number.as_u64() <= rule.as_u64(),
                ("minLength", Value::String(text)) => text.chars().count() as u64 >= rule.as_u64().unwrap(),
                ("maxLength", Value::String(text)) => text.chars().count() as u64 <= rule.as_u64().unwrap(),
                ("maxItems", Value::Array(items)) => items.len() as u64 <= rule.as_u64().unwrap(),
                (
                    "description"
                    | "format"
                    | "pattern"
                    | "default"
                    | "title"
                    | "items"
                    | "properties"
                    | "required"
                    | "additionalProperties"
                    | "minimum"
                    | "maximum"
                    | "minLength"
                    | "maxLength"
                    | "maxItems",
                    _,
                ) => true,
                (other, _) => return Err(format!("the keyword {other} is not checked")),
            };
            if !fits {
                return Err(format!("{value} is not as {keyword}: {rule} says"));
            }
        }
        Ok(())
    }

    /// As [`check`](Self::check), and each field is one that the schema has.
    fn check_whole(&self, schema: &Value, value: &Value) -> Result<(), String> {
        self.check(schema, value)?;
        let (Value::Object(fields), mut known) = (value, BTreeSet::new()) else { return Ok(()) };
        self.properties(schema, &mut known);
        match fields.keys().find(|name| !known.is_empty() && !known.contains(name.as_str())) {
            Some(unknown) => Err(format!("no schema has the field {unknown}")),
            None => Ok(()),
        }
    }

    fn properties(&self, schema: &Value, known: &mut BTreeSet<String>) {
        if let Some(properties) = schema["properties"].as_object() {
            known.extend(properties.keys().cloned());
        }
        if !schema["$ref"].is_null() {
            self.properties(self.definition(&schema["$ref"]), known);
        }
        for keyword in ["allOf", "oneOf", "anyOf"] {
            schema[keyword].as_array().into_iter().flatten().for_each(|part| self.properties(part, known));
        }
    }

    fn definition(&self, reference: &Value) -> &Value {
        let name = reference.as_str().and_then(|name| name.strip_prefix("#/components/schemas/")).unwrap();
        &self.0[name]
    }
}

fn is_of(name: &Value, value: &Value) -> bool {
    match name.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "number" => value.is_number(),
        "integer" => value.is_u64() || value.is_i64(),
        "null" => value.is_null(),
        other => panic!("the type {other} is not checked"),
    }
}

#[test]
fn every_frame_is_as_its_schema_says() {
    let document = asyncapi("");
    let schemas = Schemas(document["components"]["schemas"].as_object().unwrap());
    for (name, message) in document["components"]["messages"].as_object().unwrap() {
        for example in message["examples"].as_array().unwrap() {
            let fits = schemas.check_whole(&message["payload"], &example["payload"]);
            assert_eq!(fits, Ok(()), "{name}: {example}");
        }
    }
}

#[test]
fn every_body_is_as_its_schema_says() {
    let document = openapi("");
    let schemas = Schemas(document["components"]["schemas"].as_object().unwrap());
    let mut checked = 0;
    let mut left = vec![&document["paths"], &document["components"]["responses"]];
    while let Some(value) = left.pop() {
        if let (Some(example), Some(schema)) = (value.get("example"), value.get("schema")) {
            assert_eq!(schemas.check_whole(schema, example), Ok(()), "{schema}: {example}");
            checked += 1;
        } else if let Value::Object(object) = value {
            left.extend(object.values());
        }
    }
    assert!(checked > 40, "{checked}");
}

/// The frames of the fenced blocks, which begin with `>` where a client sends them and with `<` where the server does.
/// One that leaves something out, as `…`, is no frame.
#[test]
fn the_frames_in_the_documentation_are_as_the_schemas_say() {
    let document = asyncapi("");
    let schemas = Schemas(document["components"]["schemas"].as_object().unwrap());
    let messages = document["components"]["messages"].as_object().unwrap();
    let text = include_str!("../../../docs/protocol.md");
    let mut checked = 0;
    for line in text.lines().filter(|line| !line.contains('…')) {
        let Some((sender, frame)) =
            [("client", "> {"), ("server", "< {")].iter().find_map(|(sender, start)| {
                line.starts_with(start).then(|| (*sender, serde_json::from_str::<Value>(&line[2..]).unwrap()))
            })
        else {
            continue;
        };
        let kind = frame["type"].as_str().unwrap();
        // One that is shown because it is refused.
        if kind == "sing" {
            continue;
        }
        let prefix = format!("{sender}-{kind}");
        let of_kind: Vec<_> = messages.iter().filter(|(name, _)| name.starts_with(&prefix)).collect();
        let outcomes: Vec<_> =
            of_kind.iter().map(|(_, message)| schemas.check_whole(&message["payload"], &frame)).collect();
        assert!(outcomes.contains(&Ok(())), "{line}: {outcomes:?}");
        checked += 1;
    }
    assert!(checked >= 30, "{checked}");
}

/// What is in the tables of the code and not in the document is a feature that nobody finds.
#[test]
fn the_document_has_every_route_frame_and_kind_of_event() {
    let document = include_str!("../../../docs/protocol.md");
    let mut missing = Vec::new();
    for route in all_routes() {
        // Routes of one path may share a row.
        let is_there = document
            .lines()
            .any(|line| line.contains(route.method.as_str()) && line.contains(&format!("{}`", route.path)));
        if !is_there {
            missing.push(format!("{} {}", route.method.as_str(), route.path));
        }
    }
    let frames = asyncapi("");
    let examples = frames["components"]["messages"].as_object().unwrap().values();
    let types: BTreeSet<&str> =
        examples.map(|message| message["examples"][0]["payload"]["type"].as_str().unwrap()).collect();
    let types = types.into_iter().map(|name| format!("\"type\":\"{name}\""));
    let kinds = EventKind::ALL.iter().map(|kind| format!("\"kind\":\"{}\"", kind.name()));
    missing.extend(kinds.chain(types).filter(|example| !document.contains(example)));
    assert!(missing.is_empty(), "{missing:#?}");
}
