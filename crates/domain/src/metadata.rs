//! What a sender's program keeps with a message, and the server only carries.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _, ser::Error as _};
use serde_json::{Map, Value, value::RawValue};

use crate::limits::METADATA_MAX_BYTES;

/// How deep arrays and objects may lie in one another. A frame holds the object inside others, and a reader of JSON that
/// counts levels stops at 128, some at fewer.
const LEVELS_MAX: usize = 32;

/// A JSON object of a bounded size, as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata(Box<str>);

/// What is no metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    /// It is something else than an object, or no JSON.
    #[error("must be a JSON object")]
    NoObject,
    /// It has too many bytes.
    #[error("may have at most {METADATA_MAX_BYTES} bytes of JSON")]
    TooLarge,
    /// Its values lie too deep in one another.
    #[error("may have at most {LEVELS_MAX} levels")]
    TooDeep,
}

impl Metadata {
    /// Takes the text of a JSON object; white space around it is dropped.
    ///
    /// # Errors
    /// When it is no object, or too large or too deep.
    pub fn new(json: &str) -> Result<Self, MetadataError> {
        let json = json.trim_matches([' ', '\t', '\n', '\r']);
        if json.len() > METADATA_MAX_BYTES {
            return Err(MetadataError::TooLarge);
        }
        let is_json = serde_json::from_str::<&RawValue>(json).is_ok();
        if !is_json || !json.starts_with('{') {
            return Err(MetadataError::NoObject);
        }
        if levels(json) > LEVELS_MAX {
            return Err(MetadataError::TooDeep);
        }
        Ok(Self(json.into()))
    }

    /// The JSON text.
    #[must_use]
    pub fn json(&self) -> &str {
        &self.0
    }
}

impl Serialize for Metadata {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(&self.0).map_err(S::Error::custom)?;
        raw.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Metadata {
    /// Reads an equal object, not the same bytes: a frame is parsed before its type is known.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let object = Map::<String, Value>::deserialize(deserializer)?;
        Self::new(&Value::Object(object).to_string()).map_err(D::Error::custom)
    }
}

/// How deep the arrays and objects of a valid JSON text lie in one another.
fn levels(json: &str) -> usize {
    let (mut level, mut deepest, mut in_text, mut escaped) = (0_usize, 0, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => {
                level += 1;
                deepest = deepest.max(level);
            }
            b'}' | b']' if !in_text => level = level.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_objects_within_their_bounds_are_metadata() {
        for json in ["{}", r#" {"a":[{"b":"[[[{{{\\\"[[["}]} "#, r#"{"종류":"주문","n":1e9}"#] {
            assert!(Metadata::new(json).is_ok(), "{json}");
        }
        for json in ["", "[]", "null", "1", "{", "{}{}", "{'a':1}", "{\"a\":\u{1}}"] {
            assert_eq!(Metadata::new(json), Err(MetadataError::NoObject), "{json}");
        }
        let text = |length| format!("{{\"a\":\"{}\"}}", "x".repeat(length - 8));
        assert!(Metadata::new(&text(METADATA_MAX_BYTES)).is_ok());
        assert_eq!(Metadata::new(&text(METADATA_MAX_BYTES + 1)), Err(MetadataError::TooLarge));
        let nested = |levels| format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels));
        assert!(Metadata::new(&nested(LEVELS_MAX)).is_ok());
        assert_eq!(Metadata::new(&nested(LEVELS_MAX + 1)), Err(MetadataError::TooDeep));
    }

    #[test]
    fn it_is_written_as_an_object_and_read_back() {
        let metadata = Metadata::new(r#"{"order":{"no":7},"a":"\"}"}"#).unwrap();
        let written = serde_json::to_string(&metadata).unwrap();
        assert_eq!(written, metadata.json());
        let read: Metadata = serde_json::from_str(r#"{"a":"\"}","order":{"no":7}}"#).unwrap();
        let value = |metadata: &Metadata| serde_json::from_str::<Value>(metadata.json()).unwrap();
        assert_eq!(value(&read), value(&metadata));
        for other in ["[]", "7", "\"{}\"", "null"] {
            assert!(serde_json::from_str::<Metadata>(other).is_err(), "{other}");
        }
    }
}
