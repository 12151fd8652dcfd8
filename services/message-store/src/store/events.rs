//! The events of rooms' logs, and which messages among them are pinned, as the store has them.

use async_trait::async_trait;
use madang_database::DatabaseResult;
use madang_domain::{
    RoomId, Seq, TopicId, UserId,
    event::{Event, EventBody},
};

use super::rooms::RoomRecord;

/// Which events to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slice {
    /// The place that is the last one not to be read.
    pub(crate) beyond: Seq,
    pub(crate) limit: u32,
    pub(crate) messages_only: bool,
    /// The place up to which nothing is read, whatever is asked for.
    pub(crate) floor: Seq,
}

/// The events of a slice that one page holds.
#[derive(Debug, Default)]
pub(crate) struct EventPage {
    pub(crate) events: Vec<Event>,
    /// There are further events behind the last one.
    pub(crate) more: bool,
}

/// The first of the pins that a page was asked for, as many as fit into its bytes.
#[derive(Debug)]
pub(crate) struct PinPage {
    /// The places of the pins.
    pub(crate) places: Vec<Seq>,
    /// Their messages.
    pub(crate) messages: Vec<Event>,
    /// There are further ones, which do not fit.
    pub(crate) is_cut: bool,
}

/// The events of a topic after a place, up to and with another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Range {
    pub(crate) topic: TopicId,
    pub(crate) after: Seq,
    pub(crate) up_to: Seq,
}

/// An event other than a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewEvent {
    pub(crate) actor: UserId,
    pub(crate) subject: Option<UserId>,
    pub(crate) body: EventBody,
}

/// Statements on the logs of rooms.
#[async_trait]
pub(crate) trait Events {
    /// The events after a place, oldest first, also of a room that was deleted lately: its last event says so.
    async fn log_after(&mut self, room: RoomId, slice: Slice) -> DatabaseResult<EventPage>;

    /// The events after a place, oldest first. None of a room that was deleted, though its rows may still be
    /// there.
    async fn events_after(&mut self, room: RoomId, slice: Slice) -> DatabaseResult<EventPage>;

    /// The events before a place, newest first.
    async fn events_before(&mut self, room: RoomId, slice: Slice) -> DatabaseResult<EventPage>;

    /// The messages of a sender in a room after a place and up to another. What lies between is read, whosever it is.
    async fn messages_of(
        &mut self,
        room: RoomId,
        sender: UserId,
        slice: Slice,
        up_to: Seq,
    ) -> DatabaseResult<EventPage>;

    /// Adds an event other than a message at the room's next place; the caller has locked the room and
    /// counted its head up.
    async fn insert_event(&mut self, room: &RoomRecord, event: &NewEvent) -> DatabaseResult<()>;

    /// Whether a message is pinned in the room; none where the room has no such message, or it is deleted.
    async fn is_pinned(&mut self, room: RoomId, message: Seq) -> DatabaseResult<Option<bool>>;

    /// How many messages are pinned in a room.
    async fn count_pins(&mut self, room: RoomId) -> DatabaseResult<u64>;

    /// Pins a message, at the place of the room's last event, which tells of it.
    async fn insert_pin(&mut self, room: &RoomRecord, message: Seq) -> DatabaseResult<()>;

    /// Unpins a message.
    async fn delete_pin(&mut self, room: RoomId, message: Seq) -> DatabaseResult<()>;

    /// The messages of after `floor` that were pinned before a place, each with the place of its pin, the newest pin first.
    async fn pins(&mut self, room: RoomId, beyond: Seq, floor: Seq, limit: u32) -> DatabaseResult<PinPage>;
}
