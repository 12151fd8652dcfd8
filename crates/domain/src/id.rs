//! Identifiers. Those that leave the process are UUIDs (version 7, so that they sort by creation).

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use crate::{Error, ExternalId, Seq, Slug, TextError};

/// A text that is not an identifier of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a {what}: expected a UUID such as 01941f29-7c00-7000-8000-000000000000")]
pub struct ParseIdError {
    what: &'static str,
}

impl ParseIdError {
    pub(crate) const fn of(what: &'static str) -> Self {
        Self { what }
    }
}

impl From<ParseIdError> for Error {
    fn from(error: ParseIdError) -> Self {
        Self::invalid(error.to_string())
    }
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps a UUID.
            #[must_use]
            pub const fn new(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID.
            #[must_use]
            pub const fn uuid(self) -> Uuid {
                self.0
            }

            /// The 16 bytes, as they travel in protobuf.
            #[must_use]
            pub fn to_bytes(self) -> Vec<u8> {
                self.0.as_bytes().to_vec()
            }

            /// Reads the 16 bytes that [`to_bytes`](Self::to_bytes) wrote.
            ///
            /// # Errors
            /// When there are not 16.
            pub fn from_bytes(bytes: &[u8]) -> Result<Self, ParseIdError> {
                Uuid::from_slice(bytes).map(Self).map_err(|_| ParseIdError { what: $what })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                // Only the hyphenated form: one identifier, one spelling.
                if text.len() != 36 {
                    return Err(ParseIdError { what: $what });
                }
                Uuid::try_parse(text).map(Self).map_err(|_| ParseIdError { what: $what })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut buffer = Uuid::encode_buffer();
                serializer.serialize_str(self.0.as_hyphenated().encode_lower(&mut buffer))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

uuid_id!(
    /// A user's account.
    UserId, "user id"
);
uuid_id!(
    /// A room.
    RoomId, "room id"
);
uuid_id!(
    /// A signed-in device: one family of refresh tokens.
    SessionId, "session id"
);
uuid_id!(
    /// A file that was uploaded.
    FileId, "file id"
);
uuid_id!(
    /// One run of a gateway process. A restarted gateway is another one.
    GatewayId, "gateway id"
);

/// One socket of one gateway process; never leaves the process but in logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(u64);

impl ConnectionId {
    /// Wraps a number that the gateway counts up.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A message's id in its room: the text of its place in the log, which is unique there and the key of its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(Seq);

impl MessageId {
    /// The id of the message that has this place.
    #[must_use]
    pub const fn new(seq: Seq) -> Self {
        Self(seq)
    }

    /// The message's place.
    #[must_use]
    pub const fn seq(self) -> Seq {
        self.0
    }
}

impl FromStr for MessageId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // One id has one spelling: no sign, no leading zero.
        match text.parse::<u64>() {
            Ok(seq) if seq != 0 && seq.to_string() == text => Ok(Self(Seq::new(seq))),
            _ => Err(Error::invalid("a message id must be a positive number, as text")),
        }
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for MessageId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for MessageId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(|error: Error| serde::de::Error::custom(error.message))
    }
}

/// How a client names a room: by its id, by its slug, or by what the embedding site calls it (`ext:7`). A slug
/// never looks like an id, and holds no colon.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum RoomRef {
    /// By id.
    Id(RoomId),
    /// By slug.
    Slug(Slug),
    /// By what the embedding site calls it; as text after `ext:`.
    External(ExternalId),
}

/// What the text of an external id begins with, where other names are possible.
const EXTERNAL: &str = "ext:";

impl FromStr for RoomRef {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let named = match text.strip_prefix(EXTERNAL) {
            Some(external) => ExternalId::new(external).map(Self::External),
            None => text.parse().map(Self::Id).or_else(|_| Slug::new(text).map(Self::Slug)),
        };
        named.map_err(|_| {
            TextError::new("room", "must be an id, a slug, or `ext:` and the site's id of the room")
        })
    }
}

impl fmt::Display for RoomRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Slug(slug) => slug.fmt(f),
            Self::External(id) => write!(f, "{EXTERNAL}{id}"),
        }
    }
}

/// How the embedding site names a user: by the account's id, or by what the site itself calls the user (`ext:7`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum UserRef {
    /// By id.
    Id(UserId),
    /// By what the embedding site calls the user; as text after `ext:`.
    External(ExternalId),
}

impl FromStr for UserRef {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let named = match text.strip_prefix(EXTERNAL) {
            Some(external) => ExternalId::new(external).ok().map(Self::External),
            None => text.parse().ok().map(Self::Id),
        };
        named.ok_or_else(|| TextError::new("user", "must be an id, or `ext:` and the site's id of the user"))
    }
}

impl fmt::Display for UserRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::External(id) => write!(f, "{EXTERNAL}{id}"),
        }
    }
}

impl From<UserId> for UserRef {
    fn from(id: UserId) -> Self {
        Self::Id(id)
    }
}

impl<'de> Deserialize<'de> for UserRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl From<RoomId> for RoomRef {
    fn from(id: RoomId) -> Self {
        Self::Id(id)
    }
}

impl Serialize for RoomRef {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RoomRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "01941f29-7c00-7000-8000-0000000000ab";

    #[test]
    fn an_id_keeps_its_text_and_its_bytes() {
        let id: RoomId = TEXT.parse().unwrap();
        assert_eq!(id.to_string(), TEXT);
        assert_eq!(RoomId::from_bytes(&id.to_bytes()).unwrap(), id);
        assert_eq!(serde_json::to_string(&id).unwrap(), format!("\"{TEXT}\""));
    }

    #[test]
    fn an_id_has_one_spelling() {
        assert!("01941f297c007000800000000000000ab".parse::<RoomId>().is_err());
        assert!("{01941f29-7c00-7000-8000-0000000000ab}".parse::<RoomId>().is_err());
        assert!("".parse::<UserId>().is_err());
    }

    #[test]
    fn a_message_id_has_one_spelling() {
        let id: MessageId = serde_json::from_str("\"18446744073709551615\"").unwrap();
        assert_eq!((id.seq(), id.to_string().as_str()), (Seq::new(u64::MAX), "18446744073709551615"));
        for text in ["", "0", "01", "+1", "-1", "1.0", " 1", "x", "18446744073709551616"] {
            assert!(text.parse::<MessageId>().is_err(), "{text}");
        }
        assert!(serde_json::from_str::<MessageId>("1").is_err());
    }

    #[test]
    fn a_room_is_named_by_id_or_slug() {
        assert!(matches!(TEXT.parse(), Ok(RoomRef::Id(_))));
        assert!(matches!("general".parse(), Ok(RoomRef::Slug(_))));
        assert!(matches!("ext:Room 7".parse(), Ok(RoomRef::External(id)) if id.as_str() == "Room 7"));
        assert_eq!("ext:7".parse::<RoomRef>().unwrap().to_string(), "ext:7");
        assert!("ext:".parse::<RoomRef>().is_err());
        assert!("No Such".parse::<RoomRef>().is_err());
    }

    #[test]
    fn a_user_is_named_by_id_or_by_what_the_site_says() {
        assert!(matches!(TEXT.parse(), Ok(UserRef::Id(_))));
        assert!(matches!("ext:a b".parse(), Ok(UserRef::External(id)) if id.as_str() == "a b"));
        assert_eq!("ext:7".parse::<UserRef>().unwrap().to_string(), "ext:7");
        for text in ["", "ext:", "mina", "7"] {
            assert!(text.parse::<UserRef>().is_err(), "{text}");
        }
    }
}
