//! Sending, editing and deleting messages as any user.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use madang_contract::rest::{EditMessage, MessagesPage, RangeQuery, SendAs, routes::server as table};
use madang_domain::{MessageId, RoomRef};
use madang_rpc::auth::Scope;

use super::extract::{Messages, SiteBackend};
use crate::{
    commands::{Commands, NewMessage},
    http::Problem,
    rest::{
        Routes,
        extract::{Json, Key, Path, Query},
        view::{room_message, sent},
    },
};

pub(super) fn routes() -> Routes {
    Routes::default()
        .at(&table::LIST_MESSAGES, list)
        .at(&table::SEND, send)
        .at(&table::EDIT, edit)
        .at(&table::DELETE, delete)
}

async fn list(
    State(commands): State<Arc<Commands>>,
    _: SiteBackend<Messages>,
    Path(room): Path<RoomRef>,
    Query(range): Query<RangeQuery>,
) -> Result<Response, Problem> {
    let page = commands.messages_as_site(room, range.into()).await?;
    let items = page.events.iter().filter_map(room_message).collect();
    Ok(axum::Json(MessagesPage { items, next_cursor: None, more: page.more }).into_response())
}

async fn send(
    State(commands): State<Arc<Commands>>,
    site: SiteBackend<Messages>,
    Key(header): Key,
    Path(room): Path<RoomRef>,
    Json(body): Json<SendAs>,
) -> Result<Response, Problem> {
    if body.join {
        site.also(Scope::Rooms)?;
    }
    // Without a key each request is a message of its own.
    let key = match body.key.or(header) {
        Some(key) => key,
        None => commands.new_key()?,
    };
    let message = NewMessage { metadata: body.metadata, ..NewMessage::plain(key, body.text) };
    let (room, appended) = commands.send_as_site(&body.user, &room, message, body.join).await?;
    Ok((StatusCode::CREATED, axum::Json(sent(room, &appended))).into_response())
}

async fn edit(
    State(commands): State<Arc<Commands>>,
    _: SiteBackend<Messages>,
    Path((room, message)): Path<(RoomRef, MessageId)>,
    Json(body): Json<EditMessage>,
) -> Result<Response, Problem> {
    let edited = commands.edit_message_as_site(&room, message, body.text).await?;
    Ok(axum::Json(room_message(&edited)).into_response())
}

async fn delete(
    State(commands): State<Arc<Commands>>,
    _: SiteBackend<Messages>,
    Path((room, message)): Path<(RoomRef, MessageId)>,
) -> Result<StatusCode, Problem> {
    commands.delete_message_as_site(&room, message).await?;
    Ok(StatusCode::NO_CONTENT)
}
