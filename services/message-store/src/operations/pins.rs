//! The messages that are pinned in a room.

use madang_domain::{
    Role, Seq,
    event::{Event, EventBody, Pinned},
    limits::ROOM_PINS_MAX,
};
use madang_rpc::store::{Changed, ListPins, Page, RoomKind, SetPin};

use super::{
    engine::Engine,
    members::as_member,
    page::{self, Place},
    room_change::RoomChange,
    rooms::require,
};
use crate::{
    error::{OperationError, OperationResult},
    transaction::{finish, in_transaction},
};

/// A place among a room's pins: that of the event which tells of the pin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ByPin(Seq);

impl Place for ByPin {
    const LIST: &'static str = "n";

    fn parts(&self) -> String {
        self.0.to_string()
    }

    fn read(text: &str) -> Option<Self> {
        text.parse().ok().map(Seq::new).map(Self)
    }
}

impl Engine {
    pub(crate) async fn set_pin(&self, request: SetPin) -> OperationResult<Changed<()>> {
        let SetPin { actor, room, message, on } = request;
        self.remember([&actor]).await?;
        in_transaction!(self, "set_pin", |transaction| {
            let mut change = RoomChange::begin(transaction, actor.id, &room, self.clock.now()).await?;
            let role = change.actor().await?.role;
            // The two users of a direct room may the same, whatever their roles.
            if change.room.kind != RoomKind::Direct {
                require(role, Role::Moderator, "moderator")?;
            }
            let is_pinned = change.transaction.is_pinned(change.room.id, message).await?;
            if is_pinned.ok_or(OperationError::MessageNotFound)? == on {
                return change.finish(()).await;
            }
            if on && change.transaction.count_pins(change.room.id).await? >= ROOM_PINS_MAX {
                return Err(OperationError::TooManyPins);
            }
            change.add(None, EventBody::Pinned(Pinned { message, on })).await?;
            if on {
                change.transaction.insert_pin(&change.room, message).await?;
            } else {
                change.transaction.delete_pin(change.room.id, message).await?;
            }
            change.finish(()).await
        })
    }

    pub(crate) async fn pins(&self, request: ListPins) -> OperationResult<Page<Event>> {
        let ListPins { user, room, page } = request;
        let (limit, after) = page::check::<ByPin>(&page)?;
        let beyond = after.map_or(Seq::new(u64::MAX), |ByPin(place)| place);
        let mut connection = self.database.reader().await?;
        let outcome = async {
            let view = as_member(connection.view(user, &room).await?)?;
            Ok(connection.pins(view.room.id, beyond, limit + 1).await?)
        };
        let outcome = outcome.await;
        let pins = finish(connection, outcome).await?;
        let (items, next) = page::cut(pins, limit, |(place, _)| ByPin(*place));
        Ok(Page { items: items.into_iter().map(|(_, message)| message).collect(), next })
    }
}
