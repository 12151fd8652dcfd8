//! Who is in a room now.

use madang_bus::PresenceError;
use madang_contract::RequestId;
use madang_domain::{Code, Error, Result, RoomRef};
use serde_json::{Map, Value};

use super::done;
use crate::{card, edge::Edge, session::SessionContext};

/// Carries out a socket's `presence`. For those who listen to the room, by the hub's own word, and for other members, by
/// the store's.
pub(super) async fn answer(session: &SessionContext, re: Option<RequestId>, room: RoomRef) -> Result<()> {
    let edge = &session.edge;
    if !edge.settings.presence {
        return Err(off());
    }
    let room = super::send::room_id(edge, session.me.id, &room).await?;
    if !edge.hubs.listens(room.into(), session.connection).await {
        let view = edge.store.room(session.me.id, room.into()).await?;
        if view.membership.is_none() {
            return Err(Error::new(Code::PermissionDenied, "join the room first"));
        }
    }
    let limit = edge.settings.presence_names_max;
    let page = edge.presence.present(room.into(), limit).await.map_err(refused)?;
    let mut fields = Map::new();
    fields.insert("room".to_owned(), Value::from(room.to_string()));
    fields.insert("count".to_owned(), Value::from(page.count));
    if page.count <= limit as u64 {
        let users = page
            .users
            .iter()
            .filter_map(|present| card::decode(present.user, &present.card))
            .map(|card| serde_json::to_value(card.user()).map_err(Error::internal))
            .collect::<Result<Vec<Value>>>()?;
        fields.insert("users".to_owned(), Value::Array(users));
    }
    done(session, re, fields);
    Ok(())
}

/// The card under which a session's user is present in rooms; none where presence is off.
pub(crate) fn card_of(edge: &Edge, session: &SessionContext) -> Option<bytes::Bytes> {
    edge.settings.presence.then(|| card::encode(&session.me))
}

fn off() -> Error {
    Error::new(Code::FailedPrecondition, "presence is switched off on this server")
}

fn refused(error: PresenceError) -> Error {
    match error {
        PresenceError::Off => off(),
        error @ (PresenceError::Unreachable | PresenceError::Redis(_)) => {
            Error::unavailable("who is present is not known now; try again").caused_by(error)
        }
    }
}
