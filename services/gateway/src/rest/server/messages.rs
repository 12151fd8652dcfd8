//! Sending messages as any user.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::post,
};
use http::StatusCode;
use madang_domain::{IdempotencyKey, MessageText, RoomRef, UserRef};
use madang_rpc::auth::Scope;
use serde::Deserialize;

use super::extract::{Messages, SiteBackend};
use crate::{
    commands::{Commands, NewMessage},
    http::Problem,
    rest::{
        extract::{Json, Key, Path},
        messages::Sent,
    },
    state::GatewayState,
};

pub(super) fn routes() -> Router<GatewayState> {
    Router::new().route("/rooms/{room}/messages", post(send))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Send {
    user: UserRef,
    text: MessageText,
    key: Option<IdempotencyKey>,
    /// A user who is not a member becomes one first.
    #[serde(default)]
    join: bool,
}

async fn send(
    State(commands): State<Arc<Commands>>,
    site: SiteBackend<Messages>,
    Key(header): Key,
    Path(room): Path<RoomRef>,
    Json(body): Json<Send>,
) -> Result<Response, Problem> {
    if body.join {
        site.also(Scope::Rooms)?;
    }
    // Without a key each request is a message of its own.
    let key = match body.key.or(header) {
        Some(key) => key,
        None => commands.new_key()?,
    };
    let message = NewMessage { key, text: body.text, reply_to: None, attachments: Vec::new() };
    let appended = commands.send_as_site(&body.user, &room, message, body.join).await?;
    Ok((StatusCode::CREATED, axum::Json(Sent::from(appended))).into_response())
}
