//! The messages that are pinned in a room.

use madang_domain::{
    RoomAction, Seq,
    event::{Event, EventBody, Pinned},
    limits::ROOM_PINS_MAX,
};
use madang_rpc::store::{Changed, ListPins, Page, SetPin};

use super::{
    engine::Engine,
    members::{as_member, visible_after},
    page::{self, Place},
    room_change::RoomChange,
};
use crate::{
    error::{OperationError, OperationResult},
    store::PinPage,
    transaction::{finish, in_transaction},
};

/// A place among a room's pins: that of the event which tells of the pin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ByPin(Seq);

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
            change.permit(RoomAction::Pin).await?;
            change.refuse_blocked().await?;
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
            let room = view.room.id;
            let mut pins = connection.pins(room, beyond, visible_after(&view), limit + 1).await?;
            connection.show_own_reactions(room, user, &mut pins.messages).await?;
            Ok(pins)
        };
        let outcome = outcome.await;
        let PinPage { places, messages, is_cut } = finish(connection, outcome).await?;
        let pins = places.into_iter().zip(messages).collect();
        let (items, next) = page::cut(pins, limit, is_cut, |(place, _)| ByPin(*place));
        Ok(Page { items: items.into_iter().map(|(_, message)| message).collect(), next })
    }
}
