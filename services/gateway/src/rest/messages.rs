//! `/v1/rooms/{room}/messages` and `/read`: what was said, and how far one has read.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::{get, put},
};
use http::StatusCode;
use madang_contract as frames;
use madang_domain::{IdempotencyKey, MessageText, RoomRef, Seq, Timestamp};
use madang_rpc::store::Appended;
use serde::{Deserialize, Serialize};

use super::{
    extract::{Caller, Json, Key, Path, Query},
    view::{List, message},
};
use crate::{
    commands::{Commands, HistoryRange, NewMessage},
    formats::native,
    http::Problem,
    state::GatewayState,
};

pub(super) fn routes() -> Router<GatewayState> {
    Router::new().route("/rooms/{room}/messages", get(page).post(send)).route("/rooms/{room}/read", put(read))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Send {
    text: MessageText,
    key: Option<IdempotencyKey>,
    reply_to: Option<String>,
    #[serde(default)]
    attachments: Vec<frames::Attachment>,
}

#[derive(Deserialize)]
pub(super) struct Range {
    before: Option<Seq>,
    after: Option<Seq>,
    limit: Option<u32>,
}

impl From<Range> for HistoryRange {
    fn from(Range { before, after, limit }: Range) -> Self {
        Self { before, after, limit }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReadUpTo {
    pub(super) seq: Seq,
}

/// A message that was said.
#[derive(Serialize)]
pub(super) struct Sent {
    id: String,
    seq: Seq,
    at: Timestamp,
    duplicate: bool,
}

impl From<Appended> for Sent {
    fn from(appended: Appended) -> Self {
        Self {
            id: native::message_id(appended.seq),
            seq: appended.seq,
            at: appended.at,
            duplicate: appended.duplicate,
        }
    }
}

async fn page(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Path(room): Path<RoomRef>,
    Query(range): Query<Range>,
) -> Result<axum::Json<List<serde_json::Value>>, Problem> {
    let events = commands.history(caller.me.id, room, range.into(), true).await?;
    let items = events.iter().filter_map(native::event).filter_map(|event| message(&event)).collect();
    // Pages go on by seq, which the client has: `before` the lowest, or `after` the highest, that it saw.
    Ok(axum::Json(List { items, next_cursor: None }))
}

async fn send(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Key(header): Key,
    Path(room): Path<RoomRef>,
    Json(body): Json<Send>,
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
    Ok((StatusCode::CREATED, axum::Json(Sent::from(appended))).into_response())
}

async fn read(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Path(room): Path<RoomRef>,
    Json(body): Json<ReadUpTo>,
) -> Result<Response, Problem> {
    #[derive(Serialize)]
    struct Mark {
        read: Seq,
        unread: u64,
    }
    let mark = commands.mark_read(caller.me.id, None, room, body.seq).await?;
    Ok(axum::Json(Mark { read: mark.read, unread: mark.unread }).into_response())
}
