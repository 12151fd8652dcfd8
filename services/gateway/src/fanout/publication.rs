//! What gateways publish and deliver.

use std::sync::Arc;

use madang_contract::WireFrame;
use madang_domain::{ConnectionId, Profile, RoomId, Seq, Timestamp, TopicId, UserId, event::Event};

use crate::{
    admission::Hides,
    hub::{Audience, SettingsChange, StatusNews},
};

/// A publication for listeners.
#[derive(Debug, Clone)]
pub(crate) enum Publication {
    /// An event that is committed in a topic's log.
    Event(Arc<Event>),
    /// A frame that no log keeps. At best it reaches the current subscribers.
    Ephemeral(EphemeralFrame),
    /// A member types, or has stopped. No log keeps it; the hubs end it where nobody else does.
    Typing(TypingChange),
    /// A mark of a room has moved, which the room shows to its members: they are told in a moment.
    MarksMoved(RoomId),
    /// A user's profile has changed. No log keeps it either.
    Profile(ProfileChange),
    /// A user has set a status, or ended it. No log keeps it either.
    Status(StatusChange),
    /// What others see of a user has changed.
    Shown(ShownChange),
    /// A user has blocked another, or has ended that: for the gateways at which the user is.
    Blocked(BlockChange),
}

/// A user has blocked another, or has ended that.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BlockChange {
    /// Who blocks.
    pub(crate) user: UserId,
    /// Who is blocked.
    pub(crate) other: UserId,
    /// Whether it begins.
    pub(crate) on: bool,
    /// Later than that of each change before; of 1970 where it is not known.
    pub(crate) version: Timestamp,
}

/// A status that was set or has ended, for those who listen to one of the topics in which it is seen.
#[derive(Debug, Clone)]
pub(crate) struct StatusChange {
    /// A room that the user is in, or the user's own inbox.
    pub(crate) topic: TopicId,
    /// What is told.
    pub(crate) news: StatusNews,
}

/// What others see of a user, for those who listen to one of the topics in which it is seen.
#[derive(Debug, Clone)]
pub(crate) struct ShownChange {
    /// A room that the user is in, or the user's own inbox.
    pub(crate) topic: TopicId,
    /// The user as the profile is now.
    pub(crate) user: Arc<Profile>,
    /// What others do not see of the user.
    pub(crate) hides: Hides,
}

/// A changed profile, for those who listen to one of the topics in which it is seen.
#[derive(Debug, Clone)]
pub(crate) struct ProfileChange {
    /// A room that the user is in, or the user's own inbox.
    pub(crate) topic: TopicId,
    /// The profile as it is now.
    pub(crate) user: Arc<Profile>,
}

/// A frame of the contract for some of a topic's subscribers. It is encoded once, and the gateways pass it on as it is.
#[derive(Debug, Clone)]
pub(crate) struct EphemeralFrame {
    /// The topic.
    pub(crate) topic: TopicId,
    /// Who receives it.
    pub(crate) audience: Audience,
    /// The frame, in the native format. The Channels dialect has no such frames.
    pub(crate) frame: WireFrame,
    /// A mark of the room has moved, which the room shows to its members: they are told in a moment.
    pub(crate) moves_marks: bool,
    /// Where it says what something is from now on.
    pub(crate) change: Option<SettingsChange>,
}

/// A member types, or has stopped. The other members are notified.
#[derive(Debug, Clone)]
pub(crate) struct TypingChange {
    /// The room.
    pub(crate) room: RoomId,
    /// The member.
    pub(crate) user: UserId,
    /// The member's connection to this gateway, where the change came by one.
    pub(crate) connection: Option<ConnectionId>,
    /// The name to show.
    pub(crate) name: String,
    /// Whether the member types.
    pub(crate) on: bool,
    /// The root of the thread in which the member types; none among the messages of the room.
    pub(crate) thread: Option<Seq>,
    /// Who is not notified: the member has blocked them.
    pub(crate) but_for: Arc<[UserId]>,
}

impl Publication {
    pub(crate) fn topic(&self) -> TopicId {
        match self {
            Self::Event(event) => event.topic,
            Self::Ephemeral(frame) => frame.topic,
            Self::Typing(typing) => typing.room.into(),
            Self::MarksMoved(room) => (*room).into(),
            Self::Profile(change) => change.topic,
            Self::Status(change) => change.topic,
            Self::Shown(change) => change.topic,
            Self::Blocked(change) => TopicId::Inbox(change.user),
        }
    }
}
