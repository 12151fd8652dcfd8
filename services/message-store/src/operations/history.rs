//! Reading logs, and how far members have read them.

use madang_domain::{
    RoomId, RoomRef, Seq, TopicId, UserId,
    event::{Event, Excerpt},
};
use madang_rpc::store::{HistoryFrom, HistoryQuery, LogPage, ReadMark};

use super::{
    engine::Engine,
    members::{as_member, as_reader, visible_after},
    page,
    room_change::nobody,
};
use crate::{
    error::{OperationError, OperationResult},
    settings::{NAMES_PER_CALL, READ_MAX_EVENTS},
    store::{EventPage, MemberPlace, Slice, View},
    transaction::finish,
};

impl Engine {
    pub(crate) async fn read(&self, topic: TopicId, after: Seq, limit: u32) -> OperationResult<Vec<Event>> {
        let slice = Slice {
            beyond: after,
            limit: limit.min(READ_MAX_EVENTS),
            messages_only: false,
            floor: Seq::START,
        };
        let mut connection = self.database.reader().await?;
        let page = match topic {
            TopicId::Room(room) => connection.log_after(room, slice).await?,
            TopicId::Inbox(user) => connection.notices_after(user, slice).await?,
        };
        connection.commit().await?;
        let events = page.events;
        // A hub that misses events of a room whose log is gone must hear so, or it would wait for ever.
        if let TopicId::Room(room) = topic
            && events.is_empty()
            && self.database.heads(&[room]).await?.is_empty()
        {
            return Err(OperationError::RoomNotFound);
        }
        Ok(events)
    }

    pub(crate) async fn heads(&self, topics: &[TopicId]) -> OperationResult<Vec<(TopicId, Seq)>> {
        if topics.len() > NAMES_PER_CALL {
            return Err(OperationError::TooMany(NAMES_PER_CALL));
        }
        let (mut rooms, mut users): (Vec<RoomId>, Vec<UserId>) = (Vec::new(), Vec::new());
        for topic in topics {
            match topic {
                TopicId::Room(room) => rooms.push(*room),
                TopicId::Inbox(user) => users.push(*user),
            }
        }
        let mut heads = Vec::with_capacity(topics.len());
        if !rooms.is_empty() {
            let of_rooms = self.database.heads(&rooms).await?;
            heads.extend(of_rooms.into_iter().map(|(room, head)| (TopicId::Room(room), head)));
        }
        if !users.is_empty() {
            let (_, states) = self.database.inbox_states(&users).await?;
            heads.extend(
                users.into_iter().zip(states).map(|(user, state)| (TopicId::Inbox(user), state.head)),
            );
        }
        Ok(heads)
    }

    pub(crate) async fn history(
        &self,
        user: Option<UserId>,
        room: RoomRef,
        query: HistoryQuery,
    ) -> OperationResult<LogPage> {
        let limit = page::check_limit(query.limit)?;
        let mut connection = self.database.reader().await?;
        let outcome = async {
            let reader = user.unwrap_or(nobody());
            let view = as_reader(user, connection.view(reader, &room).await?)?;
            let (room, floor) = (view.room.id, visible_after(&view));
            let slice = |beyond| Slice { beyond, limit, messages_only: query.messages_only, floor };
            let mut page = match query.from {
                HistoryFrom::End => connection.events_before(room, slice(Seq::new(u64::MAX))).await?,
                HistoryFrom::Before(seq) => connection.events_before(room, slice(seq)).await?,
                HistoryFrom::After(seq) => connection.events_after(room, slice(seq)).await?,
            };
            connection.show_own_reactions(room, reader, &mut page.events).await?;
            Ok(page)
        };
        let outcome = outcome.await;
        let EventPage { events, more } = finish(connection, outcome).await?;
        Ok(LogPage { events, more })
    }

    /// The beginning of a message that another one answers; none where there is no such message, or it is deleted.
    pub(crate) async fn excerpt(&self, room: RoomId, message: Seq) -> OperationResult<Option<Excerpt>> {
        let mut connection = self.database.reader().await?;
        let outcome = connection.excerpt(room, message).await.map_err(OperationError::from);
        finish(connection, outcome).await
    }

    pub(crate) async fn mark_read(&self, user: UserId, room: RoomRef, seq: Seq) -> OperationResult<ReadMark> {
        let mut connection = self.database.writer().await?;
        let outcome = async {
            let view = as_member(connection.view(user, &room).await?)?;
            let (id, mark) = (RoomRef::Id(view.room.id), seq.min(view.room.head));
            if view.place.is_none_or(|place| mark <= place.read) {
                return Ok(view);
            }
            connection.mark_read(view.room.id, user, mark).await?;
            as_member(connection.view(user, &id).await?)
        };
        let outcome = outcome.await;
        let view = finish(connection, outcome).await?;
        read_mark(&view)
    }
}

fn read_mark(view: &View) -> OperationResult<ReadMark> {
    let place: &MemberPlace = view.place.as_ref().ok_or(OperationError::NotMember)?;
    let shown = view.room.flags.receipts.are_shown();
    Ok(ReadMark { room: view.room.id, read: place.read, unread: place.counts.unread(), shown })
}
