//! `/v1/rooms/{room}/messages` and `/read`: messages, and how far the user has read.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use madang_contract::rest::{MarkRead, Page, RangeQuery, ReadMark, SendMessage, routes::messages as table};
use madang_domain::RoomRef;

use super::{
    Routes,
    extract::{Caller, Json, Key, Path, Query},
    view::{room_message, sent},
};
use crate::{
    commands::{Commands, HistoryRange, NewMessage},
    http::Problem,
};

pub(super) fn routes() -> Routes {
    Routes::default().at(&table::LIST, list).at(&table::SEND, send).at(&table::READ, read)
}

impl From<RangeQuery> for HistoryRange {
    fn from(RangeQuery { before, after, limit }: RangeQuery) -> Self {
        Self { before, after, limit }
    }
}

async fn list(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Path(room): Path<RoomRef>,
    Query(range): Query<RangeQuery>,
) -> Result<Response, Problem> {
    let events = commands.history(caller.me.id, room, range.into(), true).await?;
    let items = events.iter().filter_map(room_message).collect();
    // Pages go on by seq, which the client has: `before` the lowest, or `after` the highest, that it saw.
    Ok(axum::Json(Page { items, next_cursor: None }).into_response())
}

async fn send(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Key(header): Key,
    Path(room): Path<RoomRef>,
    Json(body): Json<SendMessage>,
) -> Result<Response, Problem> {
    let room = commands.room_id(caller.me.id, &room).await?;
    let key = match body.key.or(header) {
        Some(key) => key,
        // A client that gives no key wants no idempotency: each request is a message of its own.
        None => commands.new_key()?,
    };
    let new = NewMessage { key, text: body.text, reply_to: body.reply_to, attachments: body.attachments };
    let usage = commands.user_limits.of(caller.me.id);
    let appended = commands.send(&caller.me, &usage, room, new).await?;
    Ok((StatusCode::CREATED, axum::Json(sent(room, &appended))).into_response())
}

async fn read(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Path(room): Path<RoomRef>,
    Json(body): Json<MarkRead>,
) -> Result<axum::Json<ReadMark>, Problem> {
    let mark = commands.mark_read(caller.me.id, None, room, body.seq).await?;
    Ok(axum::Json(ReadMark { room: Some(mark.room), read: mark.read, unread: mark.unread }))
}
