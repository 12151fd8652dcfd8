//! What users download of theirs.
//!
//! An export is a permission, not a file: nothing of it lies anywhere, and what is deleted while it is downloaded is not in it.

use std::time::Duration;

use madang_domain::{
    RoomId, RoomRef, Seq, UserId,
    event::{Event, EventBody},
};
use madang_kit::clock::new_id;
use madang_rpc::store::{Export, ExportPage, ReadExport};
use uuid::Uuid;

use super::{
    engine::Engine,
    members::visible_after,
    page::{self, Place},
    room_change::room_view,
};
use crate::{
    error::{OperationError, OperationResult},
    store::{Connection, ExportRecord, Slice, View},
    transaction::{finish, in_transaction},
};

/// The time between two exports of one user. Each reads all that the user has ever said.
const EXPORT_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// How long an export can be downloaded, from its beginning to its end.
const EXPORT_LIFETIME: Duration = Duration::from_secs(60 * 60);

/// The rooms of one page.
const PAGE_ROOMS: u32 = 50;

/// The messages or notices of one page.
const PAGE_EVENTS: u32 = 200;

/// The events of a log among which one page looks for the user's messages. Most of them are others'.
const PAGE_LOG_EVENTS: u64 = 10_000;

/// The rooms that are asked at once whether the user has said something in them.
const PAGE_ASKED_ROOMS: u32 = 1_000;

/// Where an export goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ExportPlace {
    /// With the memberships after this room.
    Rooms(Option<RoomId>),
    /// With the rooms after this one in which the user may have said something.
    Logs(Option<RoomId>),
    /// With the user's messages in a room.
    Messages(RoomId, Seq),
    /// With the notices after a place.
    Notices(Seq),
}

impl Place for ExportPlace {
    const LIST: &'static str = "e";

    fn parts(&self) -> String {
        let room = |room: &Option<RoomId>| room.map_or(Uuid::nil(), RoomId::uuid).simple();
        match self {
            Self::Rooms(after) => format!("r.{}", room(after)),
            Self::Logs(after) => format!("l.{}", room(after)),
            Self::Messages(of, after) => format!("m.{}.{after}", of.uuid().simple()),
            Self::Notices(after) => format!("n.{after}"),
        }
    }

    fn read(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once('.')?;
        let after = |text: &str| page::uuid(text).map(RoomId::new).map(Some);
        match kind {
            "r" => after(rest).map(Self::Rooms),
            "l" => after(rest).map(Self::Logs),
            "m" => {
                let (room, seq) = rest.split_once('.')?;
                Some(Self::Messages(RoomId::new(page::uuid(room)?), Seq::new(seq.parse().ok()?)))
            }
            "n" => Some(Self::Notices(Seq::new(rest.parse().ok()?))),
            _ => None,
        }
    }
}

impl Engine {
    pub(crate) async fn begin_export(&self, user: UserId) -> OperationResult<Export> {
        let id = new_id(&*self.clock, &*self.random);
        let now = self.clock.now();
        let export = ExportRecord { user, id, at: now, expires_at: now.plus(EXPORT_LIFETIME) };
        in_transaction!(self, "begin_export", |transaction| {
            if transaction.is_any_erased(&[user]).await? {
                return Err(OperationError::UserErased);
            }
            // One statement, so that of two at once one is refused.
            if !transaction.insert_export(&export, now.minus(EXPORT_INTERVAL)).await? {
                let last = transaction.export(user).await?;
                let next = last.map_or(now, |last| last.at.plus(EXPORT_INTERVAL));
                return Err(OperationError::ExportTooSoon(next.since(now)));
            }
            Ok(Export { id: id.simple().to_string().into(), expires_at: export.expires_at })
        })
    }

    pub(crate) async fn read_export(&self, request: ReadExport) -> OperationResult<ExportPage> {
        let ReadExport { user, id, cursor } = request;
        let place = match cursor {
            None => ExportPlace::Rooms(None),
            Some(cursor) => {
                let parts = cursor.strip_prefix(ExportPlace::LIST).and_then(|rest| rest.strip_prefix('.'));
                parts.and_then(ExportPlace::read).ok_or(OperationError::BadCursor)?
            }
        };
        let now = self.clock.now();
        let mut connection = self.database.reader().await?;
        let outcome = async {
            let export = connection.export(user).await?;
            let is_good =
                |export: &ExportRecord| export.id.simple().to_string() == *id && export.expires_at > now;
            export.filter(is_good).ok_or(OperationError::ExportNotFound)?;
            read(&mut *connection, user, place).await
        };
        let outcome = outcome.await;
        finish(connection, outcome).await
    }
}

async fn read(
    connection: &mut dyn Connection,
    user: UserId,
    place: ExportPlace,
) -> OperationResult<ExportPage> {
    let mut page = ExportPage::default();
    let next = match place {
        ExportPlace::Rooms(after) => {
            let mut last = after;
            for _ in 0..PAGE_ROOMS {
                let Some(room) = connection.next_membership(user, last).await? else {
                    last = None;
                    break;
                };
                last = Some(room);
                page.rooms.extend(connection.view(user, &RoomRef::Id(room)).await?.map(room_view));
            }
            Some(last.map_or(ExportPlace::Logs(None), |last| ExportPlace::Rooms(Some(last))))
        }
        ExportPlace::Logs(after) => {
            match connection.next_room_of_sender(user, after, PAGE_ASKED_ROOMS).await? {
                (Some(room), _) => Some(ExportPlace::Messages(room, Seq::START)),
                (None, Some(asked)) => Some(ExportPlace::Logs(Some(asked))),
                (None, None) => Some(ExportPlace::Notices(Seq::START)),
            }
        }
        ExportPlace::Messages(room, after) => {
            let Some(view) = connection.view(user, &RoomRef::Id(room)).await? else {
                // It was deleted meanwhile.
                page.next = Some(ExportPlace::Logs(Some(room)).cursor());
                return Ok(page);
            };
            let up_to = Seq::new(after.get().saturating_add(PAGE_LOG_EVENTS)).min(view.room.head);
            let read = connection.messages_of(room, user, slice(after), up_to).await?;
            let reached = if read.more { reached(&read.events, after) } else { up_to };
            page.messages = read.events;
            // Of deleted messages nothing is left.
            page.messages.retain(|event| !is_deleted(event));
            for event in &mut page.messages {
                show_as_seen(event, &view);
            }
            let is_through = reached >= view.room.head;
            Some(if is_through {
                ExportPlace::Logs(Some(room))
            } else {
                ExportPlace::Messages(room, reached)
            })
        }
        ExportPlace::Notices(after) => {
            let read = connection.notices_after(user, slice(after)).await?;
            let reached = reached(&read.events, after);
            page.notices = read.events;
            read.more.then_some(ExportPlace::Notices(reached))
        }
    };
    page.next = next.map(|next| next.cursor());
    Ok(page)
}

/// Takes from a message of the user's what others say, where the user does not see that any more: a member sees what came after
/// a place, and nobody else anything.
fn show_as_seen(event: &mut Event, view: &View) {
    let EventBody::Message(message) = &mut event.body else { return };
    if view.place.is_none() {
        message.excerpt = None;
        if let Some(changes) = &mut message.changes {
            (changes.reactions, changes.thread) = (Vec::new(), None);
        }
    } else if message.reply_to.is_some_and(|original| original <= visible_after(view)) {
        message.excerpt = None;
    }
}

const fn slice(beyond: Seq) -> Slice {
    Slice { beyond, limit: PAGE_EVENTS, messages_only: false, floor: Seq::START }
}

fn reached(events: &[Event], after: Seq) -> Seq {
    events.last().map_or(after, |event| event.seq)
}

fn is_deleted(event: &Event) -> bool {
    matches!(&event.body, EventBody::Message(message) if message.is_deleted())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_as_they_are_written() {
        let room = RoomId::new(Uuid::from_u128(7));
        for place in [
            ExportPlace::Rooms(Some(room)),
            ExportPlace::Logs(Some(room)),
            ExportPlace::Messages(room, Seq::new(5)),
            ExportPlace::Notices(Seq::new(5)),
        ] {
            assert_eq!(ExportPlace::read(&place.parts()), Some(place));
        }
        // Behind no room are all.
        let all = ExportPlace::read(&ExportPlace::Logs(None).parts());
        assert_eq!(all, Some(ExportPlace::Logs(Some(RoomId::new(Uuid::nil())))));
        for wrong in ["", "r", "r.7", "m.7.5", "n.x", "x.1"] {
            assert_eq!(ExportPlace::read(wrong), None, "{wrong}");
        }
    }
}
