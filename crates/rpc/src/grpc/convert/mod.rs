//! Domain types to protobuf and back.
//!
//! To the wire always succeeds. From the wire, every field is checked once, and what is wrong with which
//! field is said: a missing message, an identifier that has not 16 bytes, a text outside its bounds, an
//! enum without a value or with one of a later version. What has passed is valid by its type after that.

pub(super) mod auth;
pub(super) mod event;
pub(super) mod inbox;
pub(super) mod store;

use std::fmt;

use bytes::Bytes;
use madang_domain::{Error, ParseIdError, RoomId, SessionId, TextError, Timestamp, UserId};

/// A protobuf message that does not hold what its contract asks for.
///
/// As a [`madang_domain::Error`] it is `invalid_argument`, which is right for a request. A client
/// that finds one in an answer makes it `internal` instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct DecodeError {
    field: String,
    problem: String,
}

impl DecodeError {
    pub(super) fn new(field: &str, problem: impl fmt::Display) -> Self {
        Self { field: field.to_owned(), problem: problem.to_string() }
    }

    /// The same, where the message at fault is the field `outer` of another.
    pub(super) fn within(mut self, outer: &str) -> Self {
        self.field = format!("{outer}.{}", self.field);
        self
    }

    /// The path of the field, such as `actor.username`.
    #[must_use]
    pub fn field(&self) -> &str {
        &self.field
    }
}

impl From<DecodeError> for Error {
    fn from(error: DecodeError) -> Self {
        Self::invalid(error.to_string())
    }
}

pub(super) type Result<T, E = DecodeError> = std::result::Result<T, E>;

/// The message of a field that must be there.
pub(super) fn required<T>(field: &str, value: Option<T>) -> Result<T> {
    value.ok_or_else(|| DecodeError::new(field, "is missing"))
}

/// A text by the constructor of its type.
pub(super) fn bounded<T>(
    field: &str,
    text: String,
    new: impl FnOnce(String) -> Result<T, TextError>,
) -> Result<T> {
    new(text).map_err(|error| DecodeError::new(field, error.problem))
}

/// A text that may be absent.
pub(super) fn bounded_option<T>(
    field: &str,
    text: Option<String>,
    new: impl FnOnce(String) -> Result<T, TextError>,
) -> Result<Option<T>> {
    text.map(|text| bounded(field, text, new)).transpose()
}

/// A change of a text: absent leaves it as it was, empty removes it.
pub(super) fn change<T>(
    field: &str,
    text: Option<String>,
    new: impl FnOnce(String) -> Result<T, TextError>,
) -> Result<Option<Option<T>>> {
    match text {
        None => Ok(None),
        Some(text) if text.is_empty() => Ok(Some(None)),
        Some(text) => bounded(field, text, new).map(|text| Some(Some(text))),
    }
}

/// The wire's form of a change, the inverse of [`change`]; no text of these types is empty.
pub(super) fn encode_change<T: fmt::Display>(change: Option<Option<&T>>) -> Option<String> {
    change.map(|text| text.map(T::to_string).unwrap_or_default())
}

/// An identifier with its 16 bytes on the wire.
pub(super) trait WireId: Copy {
    fn encode(self) -> Bytes;
    fn decode(field: &str, bytes: &[u8]) -> Result<Self>;
}

macro_rules! wire_id {
    ($($id:ident),*) => {$(
        impl WireId for $id {
            fn encode(self) -> Bytes {
                Bytes::copy_from_slice(self.uuid().as_bytes())
            }

            fn decode(field: &str, bytes: &[u8]) -> Result<Self> {
                Self::from_bytes(bytes).map_err(|_: ParseIdError| {
                    DecodeError::new(field, "must be the 16 bytes of a UUID")
                })
            }
        }
    )*};
}

wire_id!(UserId, RoomId, SessionId);

/// Identifiers in a row.
pub(super) fn decode_ids<T: WireId>(field: &str, ids: &[Bytes]) -> Result<Vec<T>> {
    ids.iter().map(|id| T::decode(field, id)).collect()
}

/// Identifiers in a row.
pub(super) fn encode_ids<T: WireId>(ids: &[T]) -> Vec<Bytes> {
    ids.iter().map(|id| id.encode()).collect()
}

/// Microseconds since the Unix epoch, exactly.
pub(super) const fn time(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

/// The wire's form of a text that may be absent, where an empty one means none.
pub(super) fn none_if_empty(text: String) -> Option<String> {
    if text.is_empty() { None } else { Some(text) }
}
