//! The embedding site's ids of users and rooms, in frames.
//!
//! The site's front ends know their own primary keys, mostly numbers. Frames name a user or room by its
//! external id if it has one, as a number if it reads as one. Otherwise they use Madang's id.

use std::fmt::Display;

use madang_domain::{ExternalId, Profile, RoomId};
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::presence_profile::PresenceProfile;

/// The largest whole number that JavaScript holds exactly.
const NUMBER_MAX: u64 = 1 << 53;

/// An id in a frame that the server sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Name {
    Number(u64),
    Text(Box<str>),
}

impl Name {
    fn of(external: Option<&str>, id: impl Display) -> Self {
        match external {
            None => Self::Text(id.to_string().into()),
            Some(external) => match external.parse::<u64>() {
                // Each number has one spelling, so that `007` is a text.
                Ok(number) if number <= NUMBER_MAX && number.to_string() == external => Self::Number(number),
                Ok(_) | Err(_) => Self::Text(external.into()),
            },
        }
    }

    /// A user's name.
    pub(crate) fn of_user(user: &Profile) -> Self {
        Self::of(user.external_id.as_deref(), user.id)
    }

    /// The name of a user who is present.
    pub(crate) fn of_present(profile: &PresenceProfile) -> Self {
        Self::of(profile.external_id.as_deref(), profile.user)
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Number(number) => serializer.serialize_u64(*number),
            Self::Text(text) => serializer.serialize_str(text),
        }
    }
}

/// A room with all its names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Room {
    pub(crate) id: RoomId,
    pub(crate) external_id: Option<ExternalId>,
    /// The name in the path of the socket.
    pub(crate) path: Box<str>,
}

impl Room {
    /// The id in frames.
    pub(crate) fn name(&self) -> Name {
        Name::of(self.external_id.as_deref(), self.id)
    }

    /// Whether a frame means this room.
    pub(crate) fn is(&self, said: &Value) -> bool {
        said_name(said).is_some_and(|said| {
            *said == *self.path
                || self.external_id.as_ref().is_some_and(|external| *said == **external)
                || said.parse() == Ok(self.id)
        })
    }
}

/// Whether a frame means this user.
pub(crate) fn is_user(said: &Value, user: &Profile) -> bool {
    said_name(said).is_some_and(|said| {
        user.external_id.as_ref().is_some_and(|external| *said == **external) || said.parse() == Ok(user.id)
    })
}

/// An id in a frame, a text or a number, as text.
fn said_name(said: &Value) -> Option<std::borrow::Cow<'_, str>> {
    match said {
        Value::String(text) => Some(text.into()),
        Value::Number(number) => Some(number.to_string().into()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    fn room(external: Option<&str>, path: &str) -> Room {
        let external_id = external.map(|external| ExternalId::new(external).unwrap());
        Room { id: RoomId::new(Uuid::from_u128(5)), external_id, path: path.into() }
    }

    #[test]
    fn a_name_is_a_number_where_it_reads_as_one() {
        let id = "00000000-0000-0000-0000-000000000005";
        for (external, name) in [
            (Some("7"), json!(7)),
            (Some("0"), json!(0)),
            (Some("9007199254740992"), json!(9_007_199_254_740_992_u64)),
            (Some("9007199254740993"), json!("9007199254740993")),
            (Some("99999999999999999999999"), json!("99999999999999999999999")),
            (Some("007"), json!("007")),
            (Some("+7"), json!("+7")),
            (Some("-7"), json!("-7")),
            (Some("room-7"), json!("room-7")),
            (None, json!(id)),
        ] {
            assert_eq!(serde_json::to_value(room(external, "x").name()).unwrap(), name);
        }
    }

    #[test]
    fn a_room_answers_to_its_names_and_to_no_other() {
        let id = "00000000-0000-0000-0000-000000000005";
        let seven = room(Some("7"), "lobby");
        for said in [json!(7), json!("7"), json!(id), json!("lobby")] {
            assert!(seven.is(&said), "{said}");
        }
        for said in [json!(8), json!("07"), json!(7.0), json!(""), json!(null), json!(true), json!(["7"])] {
            assert!(!seven.is(&said), "{said}");
        }
    }
}
