//! What a client needs to start, in pages: first rooms, then whom the user has blocked.
//!
//! A room is read by one statement, so its head, its unread number and its last message are of one moment: a subscription
//! from that head has all that comes after, and nothing that is counted already. The epoch is read before.

use std::collections::{BTreeSet, HashMap};

use madang_domain::{RoomId, Seq, UserId, event::Mention, limits::MENTIONS_COUNTED_MAX};
use madang_rpc::store::{GetSync, InboxStanding, ListRooms, PageQuery, RoomView, Synced, SyncedRoom};

use super::engine::Engine;
use crate::{
    error::{OperationError, OperationResult},
    transaction::finish,
};

/// What begins the cursors after rooms, and after blocked users.
const ROOMS: &str = "s.r.";
const BLOCKED: &str = "s.b.";

/// From where a page goes on.
#[derive(Debug, PartialEq, Eq)]
enum From {
    Rooms(Option<String>),
    Blocked(String),
}

impl From {
    fn read(cursor: Option<&str>) -> OperationResult<Self> {
        let Some(cursor) = cursor else { return Ok(Self::Rooms(None)) };
        if let Some(after) = cursor.strip_prefix(ROOMS) {
            return Ok(Self::Rooms(Some(after.to_owned())));
        }
        let after = cursor.strip_prefix(BLOCKED).ok_or(OperationError::BadCursor)?;
        Ok(Self::Blocked(after.to_owned()))
    }
}

impl Engine {
    pub(crate) async fn sync(&self, request: GetSync) -> OperationResult<Synced> {
        let GetSync { user, page: PageQuery { limit, cursor } } = request;
        let from = From::read(cursor.as_deref())?;
        let (epoch, inbox) = self.inbox_state(user).await?;
        let inbox = InboxStanding { head: inbox.head, read: inbox.read, unread: inbox.unread() };
        let settings = self.user_settings(user).await?;
        let (rooms, after_blocked) = match from {
            From::Rooms(after) => {
                let page = PageQuery { limit, cursor: after };
                let page =
                    self.rooms(ListRooms { user: Some(user), joinable: false, text: None, page }).await?;
                let rooms = self.with_mentions(user, page.items).await?;
                if let Some(next) = page.next {
                    let next = Some(format!("{ROOMS}{next}"));
                    return Ok(Synced { epoch, inbox, settings, rooms, blocked: Vec::new(), next });
                }
                (rooms, None)
            }
            From::Blocked(after) => (Vec::new(), Some(after)),
        };
        let blocked = self.blocked(user, PageQuery { limit, cursor: after_blocked }).await?;
        let next = blocked.next.map(|next| format!("{BLOCKED}{next}"));
        Ok(Synced { epoch, inbox, settings, rooms, blocked: blocked.items, next })
    }

    /// Adds the number of the unread messages that mention the user, by the latest notices of the inbox. What was
    /// appended since the rooms were read is not counted: it comes with the subscription.
    async fn with_mentions(&self, user: UserId, rooms: Vec<RoomView>) -> OperationResult<Vec<SyncedRoom>> {
        let read = |view: &RoomView| view.membership.map_or(view.room.head, |membership| membership.read);
        let unread: HashMap<RoomId, (Seq, Seq)> = rooms
            .iter()
            .filter(|view| read(view) < view.room.head)
            .map(|view| (view.room.id, (read(view), view.room.head)))
            .collect();
        let mut mentions = BTreeSet::new();
        if !unread.is_empty() {
            let mut connection = self.database.reader().await?;
            let outcome = async {
                let is_unread = |mention: &Mention| {
                    unread
                        .get(&mention.room)
                        .is_some_and(|(read, head)| mention.seq > *read && mention.seq <= *head)
                };
                let told = connection.latest_mentions(user, MENTIONS_COUNTED_MAX).await?;
                let mut told: BTreeSet<(RoomId, Seq)> =
                    told.into_iter().filter(is_unread).map(|told| (told.room, told.seq)).collect();
                let places: Vec<(RoomId, Seq)> = told.iter().copied().collect();
                for deleted in connection.deleted_among(&places).await? {
                    told.remove(&deleted);
                }
                Ok(told)
            };
            let outcome = outcome.await;
            mentions = finish(connection, outcome).await?;
        }
        let of = |room: RoomId| mentions.iter().filter(|(of, _)| *of == room).count() as u64;
        let rooms = rooms.into_iter().map(|view| SyncedRoom { mentions: of(view.room.id), view });
        Ok(rooms.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_says_of_which_list_it_is() {
        assert_eq!(From::read(None).unwrap(), From::Rooms(None));
        assert_eq!(From::read(Some("s.r.a.1")).unwrap(), From::Rooms(Some("a.1".to_owned())));
        assert_eq!(From::read(Some("s.b.b.1")).unwrap(), From::Blocked("b.1".to_owned()));
        for bad in ["", "a.1", "s", "s.x.1"] {
            assert!(From::read(Some(bad)).is_err(), "{bad}");
        }
    }
}
