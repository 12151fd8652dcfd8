//! Sending, editing and deleting messages as any user.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use madang_contract::rest::{EditMessage, SendAs, routes::server as table};
use madang_domain::{MessageId, RoomRef};
use madang_rpc::auth::Scope;

use super::extract::{Messages, SiteBackend};
use crate::{
    commands::{Commands, NewMessage},
    http::Problem,
    rest::{
        Routes,
        extract::{Json, Key, Path},
        view::{room_message, sent},
    },
};

pub(super) fn routes() -> Routes {
    Routes::default().at(&table::SEND, send).at(&table::EDIT, edit).at(&table::DELETE, delete)
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
    let message = NewMessage::plain(key, body.text);
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
