//! Schemas of the contract's types, as one document refers to them.

use std::collections::BTreeSet;

use schemars::{
    JsonSchema, SchemaGenerator,
    generate::{Contract, SchemaSettings},
};
use serde_json::{Map, Value, json};

/// Where the definitions stand in both documents.
const DEFINITIONS: &str = "/components/schemas";

/// A generator of schemas for one direction: reading or writing.
pub(super) struct Definitions {
    generator: SchemaGenerator,
    dialect: Dialect,
    written: bool,
}

/// The dialect of JSON Schema that a document uses.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Draft 7, which AsyncAPI extends.
    Draft07,
    /// 2020-12, which OpenAPI 3.1 uses.
    Draft2020,
}

impl Definitions {
    /// Generates schemas of what the server reads.
    pub(super) fn of_requests(dialect: Dialect) -> Self {
        Self::new(dialect, Contract::Deserialize)
    }

    /// Generates schemas of what the server writes.
    pub(super) fn of_answers(dialect: Dialect) -> Self {
        Self::new(dialect, Contract::Serialize)
    }

    fn new(dialect: Dialect, contract: Contract) -> Self {
        let settings = match dialect {
            Dialect::Draft07 => SchemaSettings::draft07(),
            Dialect::Draft2020 => SchemaSettings::draft2020_12(),
        };
        let written = contract == Contract::Serialize;
        let settings = settings.with(|settings| {
            settings.definitions_path = DEFINITIONS.into();
            settings.meta_schema = None;
            settings.contract = contract;
        });
        Self { generator: settings.into_generator(), dialect, written }
    }

    pub(super) fn generator(&mut self) -> &mut SchemaGenerator {
        &mut self.generator
    }

    /// The schema of a type itself, instead of a reference to its definition.
    pub(super) fn whole<T: JsonSchema>(&mut self) -> Value {
        let reference = self.generator.subschema_for::<T>();
        self.resolve(reference.as_value())
    }

    /// Replaces a reference by its definition; returns any other schema unchanged.
    pub(super) fn resolve(&self, schema: &Value) -> Value {
        let name = schema.get("$ref").and_then(Value::as_str).and_then(name_of);
        let mut found =
            name.and_then(|name| self.generator.definitions().get(name)).unwrap_or(schema).clone();
        self.finish(&mut found);
        found
    }

    /// Merges the definitions to which a schema refers at its top level into the schema. So a variant whose fields are
    /// in a type of their own becomes one object.
    pub(super) fn resolved(&self, schema: Value) -> Value {
        let Value::Object(mut whole) = schema else { return schema };
        let mut parts: Vec<Value> =
            whole.remove("$ref").map(|name| json!({"$ref": name})).into_iter().collect();
        if let Some(Value::Array(all)) = whole.remove("allOf") {
            parts.extend(all);
        }
        for part in parts {
            let Value::Object(part) = self.resolved(self.resolve(&part)) else { continue };
            for (key, value) in part {
                match (whole.get_mut(&key), value) {
                    (Some(Value::Object(own)), Value::Object(more)) => own.extend(more),
                    (Some(Value::Array(own)), Value::Array(more)) => own.extend(more),
                    (Some(_), _) => {}
                    (None, value) => drop(whole.insert(key, value)),
                }
            }
        }
        let mut whole = Value::Object(whole);
        self.finish(&mut whole);
        whole
    }

    /// The definitions.
    pub(super) fn take(mut self) -> Map<String, Value> {
        let mut definitions = self.generator.take_definitions(true);
        definitions.values_mut().for_each(|definition| self.finish(definition));
        definitions
    }

    fn finish(&self, schema: &mut Value) {
        // An optional field of an answer is absent and never null.
        if self.written {
            absent_instead_of_null(schema);
        }
        if self.dialect == Dialect::Draft07 {
            lone_references(schema);
        }
    }
}

/// The name in a reference to a definition.
fn name_of(reference: &str) -> Option<&str> {
    reference.strip_prefix("#/components/schemas/")
}

/// Merges the definitions of both directions.
///
/// # Panics
/// If a type that is both read and written has two different schemas: one name must have one meaning.
pub(super) fn merge(requests: Definitions, answers: Definitions) -> Map<String, Value> {
    let mut merged = requests.take();
    for (name, definition) in answers.take() {
        if let Some(other) = merged.get(&name) {
            assert_eq!(other, &definition, "{name} is not written as it is read");
        }
        merged.insert(name, definition);
    }
    merged
}

/// Removes `null` from the types of each optional property.
pub(super) fn absent_instead_of_null(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            let required: BTreeSet<String> = object
                .get("required")
                .and_then(Value::as_array)
                .map(|names| names.iter().filter_map(Value::as_str).map(str::to_owned).collect())
                .unwrap_or_default();
            if let Some(Value::Object(properties)) = object.get_mut("properties") {
                let optional = properties.iter_mut().filter(|(name, _)| !required.contains(*name));
                optional.for_each(|(_, property)| without_null(property));
            }
            object.values_mut().for_each(absent_instead_of_null);
        }
        Value::Array(items) => items.iter_mut().for_each(absent_instead_of_null),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn without_null(property: &mut Value) {
    let Value::Object(property) = property else { return };
    if let Some(Value::Array(types)) = property.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            property.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(mut any)) = property.remove("anyOf") {
        any.retain(|schema| schema != &json!({"type": "null"}));
        match any.as_mut_slice() {
            [Value::Object(only)] => property.append(only),
            _ => drop(property.insert("anyOf".to_owned(), Value::Array(any))),
        }
    }
}

/// Draft 7 ignores keywords beside a reference. So a reference with a description is wrapped in an `allOf`.
fn lone_references(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            object.values_mut().for_each(lone_references);
            if object.len() > 1
                && let Some(reference @ Value::String(_)) = object.remove("$ref")
            {
                object.insert("allOf".to_owned(), json!([{"$ref": reference}]));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(lone_references),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Removes the definitions to which the document does not refer, directly or through others.
pub(super) fn keep_used(definitions: &mut Map<String, Value>, document: &Value) {
    let mut used = BTreeSet::new();
    let mut new = references(document);
    while !new.is_empty() {
        let next =
            new.iter().filter_map(|name| definitions.get(name)).flat_map(references).collect::<BTreeSet<_>>();
        used.append(&mut new);
        new = next.difference(&used).cloned().collect();
    }
    definitions.retain(|name, _| used.contains(name));
}

fn references(value: &Value) -> BTreeSet<String> {
    match value {
        Value::Object(object) => {
            let own = object.get("$ref").and_then(Value::as_str).and_then(name_of).map(str::to_owned);
            own.into_iter().chain(object.values().flat_map(references)).collect()
        }
        Value::Array(items) => items.iter().flat_map(references).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => BTreeSet::new(),
    }
}
