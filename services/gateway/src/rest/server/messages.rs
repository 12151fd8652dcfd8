//! Sending messages as any user.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use madang_contract::rest::{SendAs, routes::server as table};
use madang_domain::RoomRef;
use madang_rpc::auth::Scope;

use super::extract::{Messages, SiteBackend};
use crate::{
    commands::{Commands, NewMessage},
    http::Problem,
    rest::{
        Routes,
        extract::{Json, Key, Path},
        view::sent,
    },
};

pub(super) fn routes() -> Routes {
    Routes::default().at(&table::SEND, send)
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
    let message = NewMessage { key, text: body.text, reply_to: None, attachments: Vec::new() };
    let (room, appended) = commands.send_as_site(&body.user, &room, message, body.join).await?;
    Ok((StatusCode::CREATED, axum::Json(sent(room, &appended))).into_response())
}
