//! The types that fields have, each with its form on the wire.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use madang_domain::{
    Attachment, AvatarUrl, Cursor, DisplayName, Emoji, Epoch, ExternalId, FileId, FileName, IdempotencyKey,
    Image, ListedWord, MediaType, MentionAll, Profile, Reason, Role, RoomId, RoomName, RoomTopic, SearchText,
    Seq, SessionId, Slug, StatusText, Timestamp, TopicId, UserId, Username, event::Event,
};
use madang_proto::types::v1 as types;

use super::{
    DecodeError, Result, Wire, WireId,
    event::{
        decode_attachment, decode_event, decode_events, decode_image, decode_mention_all, decode_profile,
        decode_role, decode_topic, encode_attachment, encode_event, encode_image, encode_mention_all,
        encode_profile, encode_role, encode_topic,
    },
    required_message, time,
};

impl<T: Wire<W>, W> Wire<Option<W>> for Option<T> {
    fn encode(&self) -> Option<W> {
        self.as_ref().map(T::encode)
    }

    fn decode(wire: Option<W>) -> Result<Self> {
        wire.map(T::decode).transpose()
    }
}

impl<T: Wire<W>, W> Wire<Vec<W>> for Vec<T> {
    fn encode(&self) -> Vec<W> {
        self.iter().map(T::encode).collect()
    }

    fn decode(wire: Vec<W>) -> Result<Self> {
        T::decode_all(wire)
    }
}

macro_rules! as_they_are {
    ($($Type:ty),*) => {$(
        impl Wire<Self> for $Type {
            fn encode(&self) -> Self {
                self.clone()
            }

            fn decode(wire: Self) -> Result<Self> {
                Ok(wire)
            }
        }
    )*};
}

as_they_are!(bool, u32, u64, i64, String);

/// Texts with bounds. Where the wire has a text of a type that may be absent, an empty one means none: no text of
/// these types is empty.
macro_rules! texts {
    ($($Text:ty: $new:ident),* $(,)?) => {$(
        impl Wire<String> for $Text {
            fn encode(&self) -> String {
                self.to_string()
            }

            fn decode(wire: String) -> Result<Self> {
                Self::$new(wire).map_err(|error| DecodeError::of_value(error.problem))
            }
        }

        impl Wire<String> for Option<$Text> {
            fn encode(&self) -> String {
                self.as_ref().map(ToString::to_string).unwrap_or_default()
            }

            fn decode(wire: String) -> Result<Self> {
                if wire.is_empty() { Ok(None) } else { Wire::decode(wire).map(Some) }
            }
        }
    )*};
}

// Names as they were recorded: what an earlier version accepted must pass between services. The services themselves
// judge a name that is to be a new one.
texts!(
    AvatarUrl: new,
    DisplayName: recorded,
    Emoji: recorded,
    ExternalId: new,
    FileName: new,
    IdempotencyKey: new,
    ListedWord: new,
    MediaType: new,
    Reason: new,
    RoomName: recorded,
    RoomTopic: new,
    SearchText: new,
    Slug: new,
    StatusText: new,
    Username: recorded,
);

/// An empty cursor is none: the cursors of this system are opaque texts of at least one byte.
impl Wire<String> for Option<String> {
    fn encode(&self) -> String {
        self.clone().unwrap_or_default()
    }

    fn decode(wire: String) -> Result<Self> {
        Ok(if wire.is_empty() { None } else { Some(wire) })
    }
}

impl Wire<String> for Box<str> {
    fn encode(&self) -> String {
        self.to_string()
    }

    fn decode(wire: String) -> Result<Self> {
        Ok(wire.into_boxed_str())
    }
}

/// Identifiers. Where one may be absent, an empty one means none.
macro_rules! ids {
    ($($Id:ty),*) => {$(
        impl Wire<Bytes> for $Id {
            fn encode(&self) -> Bytes {
                WireId::encode(*self)
            }

            fn decode(wire: Bytes) -> Result<Self> {
                <Self as WireId>::decode("", &wire)
            }
        }

        impl Wire<Bytes> for Option<$Id> {
            fn encode(&self) -> Bytes {
                self.map(WireId::encode).unwrap_or_default()
            }

            fn decode(wire: Bytes) -> Result<Self> {
                if wire.is_empty() { Ok(None) } else { Wire::decode(wire).map(Some) }
            }
        }
    )*};
}

ids!(FileId, RoomId, SessionId, UserId);

/// A place in a log.
impl Wire<u64> for Seq {
    fn encode(&self) -> u64 {
        self.get()
    }

    fn decode(wire: u64) -> Result<Self> {
        Ok(Self::new(wire))
    }
}

impl Wire<u32> for Epoch {
    fn encode(&self) -> u32 {
        self.get()
    }

    fn decode(wire: u32) -> Result<Self> {
        Ok(Self::new(wire))
    }
}

/// What a client has seen: a place and, where the client knows it, its epoch. An epoch without a place says nothing
/// about what the client has seen, and is refused.
impl Wire<(Option<u64>, Option<u32>)> for Option<Cursor> {
    fn encode(&self) -> (Option<u64>, Option<u32>) {
        (self.map(|cursor| cursor.seq.get()), self.and_then(|cursor| cursor.epoch).map(Epoch::get))
    }

    fn decode(wire: (Option<u64>, Option<u32>)) -> Result<Self> {
        match wire {
            (Some(seq), epoch) => Ok(Some(Cursor { seq: Seq::new(seq), epoch: epoch.map(Epoch::new) })),
            (None, None) => Ok(None),
            (None, Some(_)) => Err(DecodeError::of_value("is missing, though there is an epoch")),
        }
    }
}

/// Microseconds since the Unix epoch, exactly.
impl Wire<i64> for Timestamp {
    fn encode(&self) -> i64 {
        self.as_micros()
    }

    fn decode(wire: i64) -> Result<Self> {
        Ok(time(wire))
    }
}

/// A time that ends something; 0 where it is to end at once.
impl Wire<i64> for Option<Timestamp> {
    fn encode(&self) -> i64 {
        self.map_or(0, Timestamp::as_micros)
    }

    fn decode(wire: i64) -> Result<Self> {
        Ok((wire != 0).then_some(time(wire)))
    }
}

/// Whole seconds, rounded down: a lifetime is never promised longer than it is.
impl Wire<u32> for Duration {
    fn encode(&self) -> u32 {
        u32::try_from(self.as_secs()).unwrap_or(u32::MAX)
    }

    fn decode(wire: u32) -> Result<Self> {
        Ok(Self::from_secs(wire.into()))
    }
}

impl Wire<i32> for Role {
    fn encode(&self) -> i32 {
        encode_role(*self).into()
    }

    fn decode(wire: i32) -> Result<Self> {
        decode_role("", wire)
    }
}

/// A role as peers read it that know no guests: to them a guest is a member, and a field beside it says the rest.
impl Wire<(i32, bool)> for Role {
    fn encode(&self) -> (i32, bool) {
        let (role, is_guest) = if *self == Self::Guest { (Self::Member, true) } else { (*self, false) };
        (encode_role(role).into(), is_guest)
    }

    fn decode((role, is_guest): (i32, bool)) -> Result<Self> {
        let role = decode_role("", role)?;
        Ok(if is_guest { Self::Guest } else { role })
    }
}

/// The same of what may have no role.
impl Wire<(Option<i32>, bool)> for Option<Role> {
    fn encode(&self) -> (Option<i32>, bool) {
        self.as_ref()
            .map(Wire::<(i32, bool)>::encode)
            .map_or((None, false), |(role, is_guest)| (Some(role), is_guest))
    }

    fn decode((role, is_guest): (Option<i32>, bool)) -> Result<Self> {
        role.map(|role| Role::decode((role, is_guest))).transpose()
    }
}

/// Whom a message mentions besides those whom it names; none: nobody.
impl Wire<i32> for Option<MentionAll> {
    fn encode(&self) -> i32 {
        encode_mention_all(*self).into()
    }

    fn decode(wire: i32) -> Result<Self> {
        Ok(decode_mention_all(wire))
    }
}

impl Wire<types::Profile> for Profile {
    fn encode(&self) -> types::Profile {
        encode_profile(self)
    }

    fn decode(wire: types::Profile) -> Result<Self> {
        decode_profile("", Some(wire))
    }
}

impl Wire<types::Profile> for Arc<Profile> {
    fn encode(&self) -> types::Profile {
        encode_profile(self)
    }

    fn decode(wire: types::Profile) -> Result<Self> {
        decode_profile("", Some(wire)).map(Self::new)
    }
}

impl Wire<types::Topic> for TopicId {
    fn encode(&self) -> types::Topic {
        encode_topic(*self)
    }

    fn decode(wire: types::Topic) -> Result<Self> {
        decode_topic("", Some(wire))
    }
}

impl Wire<types::Attachment> for Attachment {
    fn encode(&self) -> types::Attachment {
        encode_attachment(self)
    }

    fn decode(wire: types::Attachment) -> Result<Self> {
        decode_attachment(wire)
    }
}

impl Wire<types::Image> for Image {
    fn encode(&self) -> types::Image {
        encode_image(self)
    }

    fn decode(wire: types::Image) -> Result<Self> {
        Ok(decode_image(wire))
    }
}

impl Wire<types::Event> for Event {
    fn encode(&self) -> types::Event {
        encode_event(self)
    }

    fn decode(wire: types::Event) -> Result<Self> {
        decode_event(wire)
    }

    /// Neighbours by one actor share the profile.
    fn decode_all(all: Vec<types::Event>) -> Result<Vec<Self>> {
        decode_events(all)
    }
}

required_message!(
    Attachment => types::Attachment,
    Arc<Profile> => types::Profile,
    Event => types::Event,
    Profile => types::Profile,
    TopicId => types::Topic,
);
