//! Pages of what was said before.

use madang_contract::RequestId;
use madang_domain::{Error, Result, RoomRef, Seq, UserId, limits};
use madang_rpc::{
    event::Event,
    store::{HistoryFrom, HistoryQuery},
};
use serde_json::{Map, Value};

use super::done;
use crate::{edge::Edge, session::SessionContext, wire};

/// Reads a page of history. Of `before` and `after` at most one is given.
pub(crate) async fn page(
    edge: &Edge,
    user: UserId,
    room: RoomRef,
    before: Option<Seq>,
    after: Option<Seq>,
    limit: Option<u32>,
    messages_only: bool,
) -> Result<Vec<Event>> {
    let (from, limit) = (from(before, after)?, page_limit(limit)?);
    edge.store.history(user, room, HistoryQuery { from, limit, messages_only }).await
}

/// From where a page reaches.
pub(super) fn from(before: Option<Seq>, after: Option<Seq>) -> Result<HistoryFrom> {
    match (before, after) {
        (None, None) => Ok(HistoryFrom::End),
        (Some(before), None) => Ok(HistoryFrom::Before(before)),
        (None, Some(after)) => Ok(HistoryFrom::After(after)),
        (Some(_), Some(_)) => Err(Error::invalid("give before or after, not both")),
    }
}

/// The items of a page: what was asked for, or the default.
pub(crate) fn page_limit(limit: Option<u32>) -> Result<u32> {
    match limit {
        None => Ok(limits::PAGE_DEFAULT_ITEMS),
        Some(limit) if (1..=limits::PAGE_MAX_ITEMS).contains(&limit) => Ok(limit),
        Some(_) => Err(Error::invalid(format!("limit must be 1 to {}", limits::PAGE_MAX_ITEMS))),
    }
}

/// Carries out a socket's `history`: everything that happened, so that a client can catch up by it.
pub(super) async fn answer(
    session: &SessionContext,
    re: Option<RequestId>,
    room: RoomRef,
    before: Option<Seq>,
    after: Option<Seq>,
    limit: Option<u32>,
) -> Result<()> {
    let id = super::send::room_id(&session.edge, session.me.id, &room).await?;
    let events = page(&session.edge, session.me.id, id.into(), before, after, limit, false).await?;
    let events: Vec<Value> = events
        .iter()
        .filter_map(wire::event)
        .map(|event| serde_json::to_value(event).map_err(Error::internal))
        .collect::<Result<_>>()?;
    let mut fields = Map::new();
    fields.insert("room".to_owned(), Value::from(id.to_string()));
    fields.insert("events".to_owned(), Value::Array(events));
    done(session, re, fields);
    Ok(())
}
