//! `/v1/rooms/{room}/messages`, `/pins` and `/read`: messages, which of them are pinned, and how far the user has read.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use madang_contract::rest::{
    EditMessage, MarkRead, MessagesPage, Page, PageQuery, RangeQuery, ReadMark, SendMessage,
    routes::messages as table,
};
use madang_domain::{Emoji, MessageId, RoomRef};

use super::{
    Routes,
    caller::Caller,
    extract::{Json, Key, Path, Query, page_query},
    view::{page, revision, room_message, sent},
};
use crate::{
    commands::{Commands, HistoryRange, NewMessage},
    http::Problem,
};

pub(super) fn routes() -> Routes {
    Routes::default()
        .at(&table::LIST, list)
        .at(&table::SEND, send)
        .at(&table::EDIT, edit)
        .at(&table::DELETE, delete)
        .at(&table::REVISIONS, revisions)
        .at(&table::REACT, react)
        .at(&table::UNREACT, unreact)
        .at(&table::PINS, pins)
        .at(&table::PIN, pin)
        .at(&table::UNPIN, unpin)
        .at(&table::READ, read)
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
    let page = commands.history(&caller.actor(), room, range.into(), true).await?;
    let items = page.events.iter().filter_map(room_message).collect();
    // Pages go on by seq, which the client has: `before` the lowest, or `after` the highest, that it saw.
    Ok(axum::Json(MessagesPage { items, next_cursor: None, more: page.more }).into_response())
}

async fn send(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Key(header): Key,
    Path(room): Path<RoomRef>,
    Json(body): Json<SendMessage>,
) -> Result<Response, Problem> {
    let actor = caller.actor();
    let room = commands.room_id(&actor, &room).await?;
    let SendMessage { text, key, reply_to, attachments, thread, in_room, metadata } = body;
    let key = match key.or(header) {
        Some(key) => key,
        // A client that gives no key wants no idempotency: each request is a message of its own.
        None => commands.new_key()?,
    };
    let new = NewMessage { key, text, reply_to, attachments, thread, in_room, metadata };
    let appended = commands.send(&actor, room, new).await?;
    Ok((StatusCode::CREATED, axum::Json(sent(room, &appended))).into_response())
}

async fn edit(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Path((room, message)): Path<(RoomRef, MessageId)>,
    Json(body): Json<EditMessage>,
) -> Result<Response, Problem> {
    let edited = commands.edit_message(&caller.actor(), &room, message, body.text).await?;
    Ok(axum::Json(room_message(&edited)).into_response())
}

async fn delete(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Path((room, message)): Path<(RoomRef, MessageId)>,
) -> Result<StatusCode, Problem> {
    commands.delete_message(&caller.actor(), &room, message).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn revisions(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Path((room, message)): Path<(RoomRef, MessageId)>,
    Query(query): Query<PageQuery>,
) -> Result<Response, Problem> {
    let query = page_query(query.limit, query.cursor)?;
    let former = commands.revisions(&caller.actor(), room, message, query).await?;
    Ok(axum::Json(page(&former, revision)).into_response())
}

async fn react(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Path((room, message, emoji)): Path<(RoomRef, MessageId, Emoji)>,
) -> Result<StatusCode, Problem> {
    commands.react(&caller.actor(), &room, message, emoji, true).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn unreact(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Path((room, message, emoji)): Path<(RoomRef, MessageId, Emoji)>,
) -> Result<StatusCode, Problem> {
    commands.react(&caller.actor(), &room, message, emoji, false).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn pins(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Path(room): Path<RoomRef>,
    Query(query): Query<PageQuery>,
) -> Result<Response, Problem> {
    let pins = commands.pins(&caller.actor(), room, page_query(query.limit, query.cursor)?).await?;
    let items = pins.items.iter().filter_map(room_message).collect();
    Ok(axum::Json(Page { items, next_cursor: pins.next.clone() }).into_response())
}

async fn pin(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Path((room, message)): Path<(RoomRef, MessageId)>,
) -> Result<StatusCode, Problem> {
    commands.set_pin(&caller.actor(), room, message, true).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn unpin(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Path((room, message)): Path<(RoomRef, MessageId)>,
) -> Result<StatusCode, Problem> {
    commands.set_pin(&caller.actor(), room, message, false).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn read(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Path(room): Path<RoomRef>,
    Json(body): Json<MarkRead>,
) -> Result<axum::Json<ReadMark>, Problem> {
    let mark = commands.mark_read(&caller.actor(), None, room, body.seq).await?;
    Ok(axum::Json(ReadMark { room: Some(mark.room), read: mark.read, unread: mark.unread }))
}
