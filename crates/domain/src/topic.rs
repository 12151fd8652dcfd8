//! Topics: what has a log and can be listened to.

use std::{fmt, str::FromStr};

use uuid::Uuid;

use crate::{ParseIdError, RoomId, UserId};

/// What kind of thing a topic belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TopicKind {
    /// A room's conversation.
    Room,
    /// A user's own inbox.
    Inbox,
}

/// A room or a user's inbox: one log, one order, one set of listeners.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TopicId {
    /// A room's topic.
    Room(RoomId),
    /// A user's inbox.
    Inbox(UserId),
}

impl TopicId {
    /// The kind.
    #[must_use]
    pub const fn kind(self) -> TopicKind {
        match self {
            Self::Room(_) => TopicKind::Room,
            Self::Inbox(_) => TopicKind::Inbox,
        }
    }

    /// The id of the room or the user.
    #[must_use]
    pub const fn uuid(self) -> Uuid {
        match self {
            Self::Room(id) => id.uuid(),
            Self::Inbox(id) => id.uuid(),
        }
    }

    /// The room, where the topic is one.
    #[must_use]
    pub const fn room(self) -> Option<RoomId> {
        match self {
            Self::Room(id) => Some(id),
            Self::Inbox(_) => None,
        }
    }
}

impl From<RoomId> for TopicId {
    fn from(id: RoomId) -> Self {
        Self::Room(id)
    }
}

impl fmt::Display for TopicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Room(id) => write!(f, "room:{id}"),
            Self::Inbox(id) => write!(f, "inbox:{id}"),
        }
    }
}

impl FromStr for TopicId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some(("room", id)) => id.parse().map(Self::Room),
            Some(("inbox", id)) => id.parse().map(Self::Inbox),
            _ => Err(ParseIdError::of("topic")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_keeps_its_text() {
        let uuid = Uuid::from_u128(7);
        for topic in [TopicId::Room(RoomId::new(uuid)), TopicId::Inbox(UserId::new(uuid))] {
            assert_eq!(topic.to_string().parse(), Ok(topic));
        }
        assert!(uuid.to_string().parse::<TopicId>().is_err());
    }
}
