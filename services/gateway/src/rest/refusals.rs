//! What is wrong with a request, as a sentence and field by field, without a word of the parser's.

use axum::extract::{
    path::ErrorKind,
    rejection::{PathRejection, QueryRejection},
};
use madang_contract::in_words;
use madang_domain::{Error, FieldError};
use serde::de::DeserializeOwned;
use serde_json::{Value, error::Category};
use serde_path_to_error::{Path, Segment};

/// The most fields of which one refusal tells. Each costs another reading of the body.
const FIELDS_MAX: usize = 8;

/// Why a body is refused that is no `T`. Reads it again, which only a refusal is worth.
///
/// The fields are found one by one: a wrong one is taken out of the body, and the rest is read again. So what is wrong
/// with the values is told of all fields, and of what is absent the first.
pub(super) fn body_error<T: DeserializeOwned>(body: &[u8], error: &serde_json::Error) -> Error {
    let value = match (error.classify(), serde_json::from_slice(body)) {
        (Category::Data, Ok(value)) => value,
        // A wrong value may stand before the place where the body stops being JSON.
        (Category::Data, Err(broken)) => return not_json(&broken),
        _ => return not_json(error),
    };
    let mut fields = fields_of::<T>(value);
    let Some(first) = fields.first() else {
        // Such as a field that stands twice, which a value holds once.
        let text = error.to_string();
        let (name, said) = in_words(&text);
        let name = name.map(|name| format!("{name} ")).unwrap_or_default();
        return Error::invalid(format!("the body is invalid: {name}{said}"));
    };
    let sentence = match first.pointer.rsplit('/').next() {
        None | Some("") => format!("the body is invalid: {}", first.detail),
        Some(name) => format!("{name} {}", first.detail),
    };
    fields.retain(|field| !field.pointer.is_empty());
    Error { fields, ..Error::invalid(sentence) }
}

fn not_json(error: &serde_json::Error) -> Error {
    match error.classify() {
        Category::Eof => Error::invalid("the body is not JSON: it ends too early"),
        // Such as a comma too many. The place would be of a text that the reader of a form has not written.
        _ => Error::invalid(format!("the body is not JSON: {}", in_words(&error.to_string()).1)),
    }
}

fn fields_of<T: DeserializeOwned>(mut value: Value) -> Vec<FieldError> {
    let mut fields: Vec<FieldError> = Vec::new();
    while fields.len() < FIELDS_MAX {
        let Err(error) = serde_path_to_error::deserialize::<_, T>(value.clone()) else { break };
        let (pointer, sentence) = said_of(error.path(), &error.inner().to_string());
        let found = FieldError::of_sentence(pointer, &sentence);
        // A second time it is missed because it was taken out; what it stood in goes, so that the rest is read.
        let is_told = fields.iter().any(|field| field.pointer == found.pointer);
        let taken = if is_told { outermost(&found.pointer) } else { &found.pointer };
        let is_taken_out = take_out(&mut value, taken);
        if !is_told {
            fields.push(found);
        }
        if !is_taken_out {
            break;
        }
    }
    fields
}

/// The field that a parser's error is about, and what it says. What is absent, unknown or given twice is told of the
/// object that should hold it, or not: the field is named in the text alone.
fn said_of(path: &Path, text: &str) -> (String, String) {
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Map { key } => push(&mut pointer, key),
            Segment::Seq { index } => push(&mut pointer, &index.to_string()),
            Segment::Enum { variant } => push(&mut pointer, variant),
            Segment::Unknown => {}
        }
    }
    let (name, sentence) = in_words(text);
    if let Some(name) = name {
        let mut own = String::new();
        push(&mut own, name);
        if !pointer.ends_with(&own) {
            pointer.push_str(&own);
        }
    }
    (pointer, sentence)
}

/// Adds a name to a JSON pointer (RFC 6901, section 3).
fn push(pointer: &mut String, name: &str) {
    pointer.push('/');
    pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
}

/// The beginning of a pointer that names a field of the body itself.
fn outermost(pointer: &str) -> &str {
    let end = pointer.match_indices('/').nth(1).map_or(pointer.len(), |(at, _)| at);
    &pointer[..end]
}

/// Takes the field that a pointer names out of its object. False where it is not there, or stands in a list, whose other
/// places must not move.
fn take_out(value: &mut Value, pointer: &str) -> bool {
    let Some((parent, name)) = pointer.rsplit_once('/') else { return false };
    let name = name.replace("~1", "/").replace("~0", "~");
    let object = value.pointer_mut(parent).and_then(Value::as_object_mut);
    object.is_some_and(|object| object.remove(&name).is_some())
}

/// Why a query string is refused.
pub(super) fn query_error(rejection: &QueryRejection) -> Error {
    let said =
        std::error::Error::source(rejection).map_or_else(|| rejection.body_text(), ToString::to_string);
    let (name, problem) = match said.split_once(": ") {
        Some((name, problem)) => (Some(name), problem),
        None => (None, said.as_str()),
    };
    let (missed, sentence) = in_words(problem);
    let Some(name) = name.or(missed) else {
        return Error::invalid(format!("the query is invalid: {sentence}"));
    };
    let mut pointer = String::new();
    push(&mut pointer, name);
    let field = FieldError::of_sentence(pointer, of_number(&sentence));
    let sentence = format!("the query's {name} {}", field.detail);
    Error { fields: vec![field], ..Error::invalid(sentence) }
}

/// What the standard library says of a number that is none, in words of the contract.
fn of_number(sentence: &str) -> &str {
    match sentence {
        "invalid digit found in string" | "cannot parse integer from empty string" => {
            "must be a whole number that is not negative"
        }
        "number too large to fit in target type" => "is too large",
        _ => sentence,
    }
}

/// Why a parameter of the path is refused.
pub(super) fn path_error(rejection: &PathRejection) -> Error {
    let PathRejection::FailedToDeserializePathParams(error) = rejection else {
        return Error::internal(rejection.body_text());
    };
    match error.kind() {
        ErrorKind::Message(sentence) | ErrorKind::DeserializeError { message: sentence, .. } => {
            Error::invalid(format!("the URL is invalid: {sentence}"))
        }
        ErrorKind::InvalidUtf8InPathParam { .. } => Error::invalid("the URL is invalid: it is not UTF-8"),
        other => Error::invalid(format!("the URL is invalid: {other}")),
    }
}

#[cfg(test)]
mod tests {
    use madang_contract::rest::{NewRoom, Register, SendMessage};
    use serde_json::json;

    use super::*;

    fn refused<T: DeserializeOwned>(body: &str) -> (String, Vec<(String, String)>) {
        let Err(error) = serde_json::from_slice::<T>(body.as_bytes()) else { panic!("taken: {body}") };
        let error = body_error::<T>(body.as_bytes(), &error);
        let fields =
            error.fields.into_iter().map(|field| (field.pointer.into_owned(), field.detail.into_owned()));
        (error.message.into_owned(), fields.collect())
    }

    fn fields(told: &[(&str, &str)]) -> Vec<(String, String)> {
        told.iter().map(|(pointer, detail)| ((*pointer).to_owned(), (*detail).to_owned())).collect()
    }

    #[test]
    fn a_refusal_is_one_sentence_and_names_the_field() {
        const LETTERS: &str = "may contain only letters, digits, '_', '.' and '-'";
        assert_eq!(
            refused::<Register>(r#"{"username":"a b","password":"correct horse battery"}"#),
            (format!("username {LETTERS}"), fields(&[("/username", LETTERS)]))
        );
        assert_eq!(
            refused::<Register>(r#"{"username":"mina"}"#),
            ("password is missing".to_owned(), fields(&[("/password", "is missing")]))
        );
        assert_eq!(
            refused::<Register>(r#"{"username":"mina","password":7}"#),
            (
                "password is a number; expected a string".to_owned(),
                fields(&[("/password", "is a number; expected a string")])
            )
        );
        assert_eq!(
            refused::<NewRoom>(r#"{"name":"Courtyard","kind":"secret"}"#).1,
            fields(&[("/kind", "is not known here; expected one of `public`, `private`, `direct`")])
        );
    }

    #[test]
    fn all_values_that_are_wrong_are_told_at_once() {
        let body = json!({
            "text": " ",
            "key": "",
            "volume": 11,
            "attachments": [
                {"url": "https://files.example/1", "name": "a", "content_type": "image/png", "size_bytes": 1},
                {"url": "https://", "name": "a/b", "content_type": "png", "size_bytes": -1},
            ],
        });
        let (sentence, told) = refused::<SendMessage>(&body.to_string());
        let pointers: std::collections::BTreeSet<&str> =
            told.iter().map(|(pointer, _)| pointer.as_str()).collect();
        assert_eq!(
            Vec::from_iter(pointers),
            [
                "/attachments/1/content_type",
                "/attachments/1/name",
                "/attachments/1/size_bytes",
                "/attachments/1/url",
                "/key",
                "/text",
                "/volume"
            ],
            "{told:?}"
        );
        assert!(!sentence.contains("line") && !sentence.contains("column"), "{sentence}");
        let many: serde_json::Map<String, Value> = (0..100).map(|n| (format!("f{n}"), Value::Null)).collect();
        assert_eq!(refused::<SendMessage>(&Value::Object(many).to_string()).1.len(), FIELDS_MAX);
    }

    #[test]
    fn a_refusal_repeats_no_value_and_no_name_of_this_program() {
        let secret = "correct horse`, expected battery";
        for body in [
            json!({"username": "mina", "password": [secret]}),
            json!({"username": {"x": secret}, "password": "correct horse battery"}),
            json!({"username": secret, "password": 20_261_129}),
            json!(secret),
            json!([secret]),
        ] {
            let (sentence, told) = refused::<Register>(&body.to_string());
            for said in told.iter().map(|(_, detail)| detail).chain([&sentence]) {
                for word in ["horse", "battery", "20261129", "struct", "Register", "integer", "map"] {
                    assert!(!said.contains(word), "{body}: {said}");
                }
            }
        }
        let size = json!({"text": "x", "attachments": [
            {"url": "https://files.example/1", "name": "a", "content_type": "image/png", "size_bytes": -1},
        ]});
        assert_eq!(
            refused::<SendMessage>(&size.to_string()).1,
            fields(&[(
                "/attachments/0/size_bytes",
                "is out of range; expected a whole number that is not negative"
            )])
        );
        let kind = json!({"name": "Courtyard", "kind": "x`, expected y"});
        assert_eq!(
            refused::<NewRoom>(&kind.to_string()).1,
            fields(&[("/kind", "is not known here; expected one of `public`, `private`, `direct`")])
        );
        let unknown = json!({"username": "mina", "password": "correct horse battery", "a`, b/c~d": 1});
        assert_eq!(
            refused::<Register>(&unknown.to_string()).1,
            fields(&[("/a`, b~1c~0d", "is not known here")])
        );
    }

    #[test]
    fn what_is_about_no_field_has_none() {
        // A wrong value before the end of a body that is cut.
        let (sentence, told) = refused::<Register>(r#"{"username":"a b","password":"correct"#);
        assert_eq!(sentence, "the body is not JSON: it ends too early");
        assert_eq!(told, []);
        for body in ["", "{", "[1", "nonsense"] {
            let (sentence, told) = refused::<Register>(body);
            assert!(sentence.starts_with("the body is not JSON: "), "{sentence}");
            assert!(!sentence.contains(" line ") && !sentence.contains(" column "), "{sentence}");
            assert_eq!(told, []);
        }
        let (sentence, told) = refused::<Register>("\"x\"");
        assert!(sentence.starts_with("the body is invalid: "), "{sentence}");
        assert_eq!(told, []);
        let twice = r#"{"username":"mina","username":"mina","password":"correct horse battery"}"#;
        assert_eq!(refused::<Register>(twice).0, "the body is invalid: username stands twice");
    }
}
