//! Domain types to protobuf and back.
//!
//! To the wire always succeeds. From the wire, every field is checked once, and what is wrong with which
//! field is said: a missing message, an identifier that has not 16 bytes, a text outside its bounds, an
//! enum without a value or with one of a later version. What has passed is valid by its type after that.
//!
//! A type is `Wire` of the message that carries it. `message!` makes that of a list of fields; `fields` has the
//! types that fields have.

mod event;
mod fields;
pub mod status;

use std::fmt;

use bytes::Bytes;
use madang_domain::{Error, FileId, ParseIdError, RoomId, SessionId, TextError, Timestamp, UserId};

pub(crate) use self::event::{Profiles, decode_excerpt, decode_message, encode_excerpt, encode_message};
pub use self::event::{
    decode_event, decode_profile, decode_topic, encode_event, encode_profile, encode_topic,
};

/// The largest request that a server reads, in bytes. A client's batch has at most
/// [`weight_max`](crate::client::BatchSettings::weight_max), 1 MiB by default, and one item more, of a client's
/// frame (64 KiB).
pub(crate) const REQUEST_MAX_BYTES: usize = 8 * 1024 * 1024;

/// The largest answer that a server writes and a client reads, in bytes. The largest is a read of 500
/// events, each of which came in a frame of at most 64 KiB (32,000 KiB in all), with 2 KiB of ids and
/// sender's profile; and then some.
pub(crate) const RESPONSE_MAX_BYTES: usize = 40 * 1024 * 1024;

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
    pub(crate) fn new(field: &str, problem: impl fmt::Display) -> Self {
        Self { field: field.to_owned(), problem: problem.to_string() }
    }

    /// A problem of the value itself. The message that has it as a field names the field by [`Self::within`].
    pub(crate) fn of_value(problem: impl fmt::Display) -> Self {
        Self::new("", problem)
    }

    /// The same, where what is at fault is the field `outer` of a message, or lies in that field.
    pub(crate) fn within(mut self, outer: &str) -> Self {
        self.field = match (outer, self.field.as_str()) {
            ("", _) => self.field,
            (outer, "") => outer.to_owned(),
            (outer, field) => format!("{outer}.{field}"),
        };
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

pub(crate) type Result<T, E = DecodeError> = std::result::Result<T, E>;

/// A type of the domain with its form on the wire: a message, or a field of one.
///
/// A field that must be there is `Option<W>` on the wire for messages, as prost has them.
pub(crate) trait Wire<W>: Sized {
    fn encode(&self) -> W;

    fn decode(wire: W) -> Result<Self>;

    /// Values in a row. For types of which neighbours can share something.
    fn decode_all(all: Vec<W>) -> Result<Vec<Self>> {
        all.into_iter().map(Self::decode).collect()
    }
}

/// Decodes the field `field` of a message.
pub(crate) fn field<T: Wire<W>, W>(field: &str, wire: W) -> Result<T> {
    T::decode(wire).map_err(|error| error.within(field))
}

/// Makes types [`Wire`] of their messages, field by field.
///
/// `message!(Member => wire::Member { user, joined_at as joined_at_micros })` names the fields of both; where the
/// message calls one otherwise, its name follows. Every field of both must be named. `role with guest` is a field of the
/// type that is two of the message.
///
/// `message!(Grant => wire::LoginResponse[grant])` is a message with the type as its one field. Messages that are
/// alike can be given in one list: `wire::LoginResponse | wire::RefreshResponse[grant]`.
macro_rules! message {
    ($Type:ty => $Message:path { $($fields:tt)* }) => {
        $crate::wire::message!(@pairs $Type, $Message, [], [] $($fields)*);
    };
    ($Type:ty => $Message:path | $($Other:path)|+ { $($fields:tt)* }) => {
        $crate::wire::message!($Type => $Message { $($fields)* });
        $crate::wire::message!($Type => $($Other)|+ { $($fields)* });
    };
    ($Type:ty => $($Message:path)|+ [$wire:ident]) => {$(
        impl $crate::wire::Wire<$Message> for $Type {
            fn encode(&self) -> $Message {
                $Message { $wire: $crate::wire::Wire::encode(self) }
            }

            fn decode(message: $Message) -> $crate::wire::Result<Self> {
                $crate::wire::field(stringify!($wire), message.$wire)
            }
        }
    )+};
    (@pairs $Type:ty, $Message:path, [$($done:tt)*], [$($two:tt)*] $field:ident as $wire:ident $(, $($rest:tt)*)?) => {
        $crate::wire::message!(@pairs $Type, $Message, [$($done)* ($field $wire)], [$($two)*] $($($rest)*)?);
    };
    (@pairs $Type:ty, $Message:path, [$($done:tt)*], [$($two:tt)*] $field:ident with $wire:ident $(, $($rest:tt)*)?) => {
        $crate::wire::message!(@pairs $Type, $Message, [$($done)*], [$($two)* ($field $wire)] $($($rest)*)?);
    };
    (@pairs $Type:ty, $Message:path, [$($done:tt)*], [$($two:tt)*] $field:ident $(, $($rest:tt)*)?) => {
        $crate::wire::message!(@pairs $Type, $Message, [$($done)* ($field $field)], [$($two)*] $($($rest)*)?);
    };
    (@pairs $Type:ty, $Message:path, [$(($field:ident $wire:ident))*], [$(($one:ident $other:ident))*]) => {
        impl $crate::wire::Wire<$Message> for $Type {
            fn encode(&self) -> $Message {
                $(let ($one, $other) = $crate::wire::Wire::encode(&self.$one);)*
                $Message { $($wire: $crate::wire::Wire::encode(&self.$field),)* $($one, $other),* }
            }

            fn decode(message: $Message) -> $crate::wire::Result<Self> {
                let $Message { $($wire,)* $($one, $other),* } = message;
                Ok(Self {
                    $($field: $crate::wire::field(stringify!($wire), $wire)?,)*
                    $($one: $crate::wire::field(stringify!($one), ($one, $other))?),*
                })
            }
        }
    };
}
pub(crate) use message;

/// Makes of nothing the messages that carry nothing.
macro_rules! nothing {
    ($($Message:path),* $(,)?) => {$(
        impl $crate::wire::Wire<$Message> for () {
            fn encode(&self) -> $Message {
                <$Message>::default()
            }

            fn decode(_: $Message) -> $crate::wire::Result<Self> {
                Ok(())
            }
        }
    )*};
}
pub(crate) use nothing;

/// Makes types [`Wire`] of the optional message in which a field that must be there arrives.
macro_rules! required_message {
    ($($Type:ty => $Message:ty),* $(,)?) => {$(
        impl $crate::wire::Wire<Option<$Message>> for $Type {
            fn encode(&self) -> Option<$Message> {
                Some($crate::wire::Wire::encode(self))
            }

            fn decode(message: Option<$Message>) -> $crate::wire::Result<Self> {
                $crate::wire::required("", message).and_then($crate::wire::Wire::<$Message>::decode)
            }
        }
    )*};
}
pub(crate) use required_message;

/// The message of a field that must be there.
pub(crate) fn required<T>(field: &str, value: Option<T>) -> Result<T> {
    value.ok_or_else(|| DecodeError::new(field, "is missing"))
}

/// A text by the constructor of its type.
fn bounded<T>(field: &str, text: String, new: impl FnOnce(String) -> Result<T, TextError>) -> Result<T> {
    new(text).map_err(|error| DecodeError::new(field, error.problem))
}

/// A text that may be absent.
fn bounded_option<T>(
    field: &str,
    text: Option<String>,
    new: impl FnOnce(String) -> Result<T, TextError>,
) -> Result<Option<T>> {
    text.map(|text| bounded(field, text, new)).transpose()
}

/// An identifier with its 16 bytes on the wire.
pub(crate) trait WireId: Copy {
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

wire_id!(FileId, UserId, RoomId, SessionId);

/// Microseconds since the Unix epoch, exactly.
const fn time(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}
