//! Read marks and typing: what a member's other devices, or the other members, are told in passing.

use madang_contract::RequestId;
use madang_domain::{ConnectionId, Result, RoomRef, Seq, UserId};
use madang_rpc::store::ReadMark;
use serde_json::{Map, Value};

use super::done;
use crate::{edge::Edge, fanout::Moment, session::SessionContext};

/// Moves a user's read mark and tells the user's other devices.
pub(crate) async fn mark_read(
    edge: &Edge,
    user: UserId,
    from: Option<ConnectionId>,
    room: RoomRef,
    seq: Seq,
) -> Result<ReadMark> {
    let mark = edge.store.mark_read(user, room, seq).await?;
    edge.fanout.moment(mark.room, user, from, Moment::ReadMark { seq: mark.read }).await;
    Ok(mark)
}

/// Carries out a socket's `read`.
pub(super) async fn answer(
    session: &SessionContext,
    re: Option<RequestId>,
    room: RoomRef,
    seq: Seq,
) -> Result<()> {
    let mark = mark_read(&session.edge, session.me.id, Some(session.connection), room, seq).await?;
    let mut fields = Map::new();
    fields.insert("room".to_owned(), Value::from(mark.room.to_string()));
    fields.insert("read".to_owned(), Value::from(mark.read.get()));
    fields.insert("unread".to_owned(), Value::from(mark.unread));
    done(session, re, fields);
    Ok(())
}

/// Carries out a socket's `typing`. Only to rooms that the socket listens to, by the hub's own word: the
/// store judged that when it was opened, and the hub takes it away with the membership.
pub(super) async fn typing(
    session: &SessionContext,
    re: Option<RequestId>,
    room: &RoomRef,
    on: bool,
) -> Result<()> {
    let room = super::send::room_id(&session.edge, session.me.id, room).await?;
    if !session.edge.hubs.listens(room.into(), session.connection).await {
        return Err(madang_domain::Error::new(
            madang_domain::Code::FailedPrecondition,
            "subscribe to the room first",
        ));
    }
    let moment = Moment::Typing { name: session.me.name.as_str().to_owned(), on };
    session.edge.fanout.moment(room, session.me.id, Some(session.connection), moment).await;
    if re.is_some() {
        done(session, re, Map::new());
    }
    Ok(())
}
