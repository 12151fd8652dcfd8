//! `/v1/rooms/{room}/messages` and `/read`: what was said, and how far one has read.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use madang_contract as frames;
use madang_domain::{IdempotencyKey, MessageText, RoomRef, Seq, Timestamp};
use madang_kit::clock::new_id;
use madang_rpc::store::Appended;
use serde::{Deserialize, Serialize};

use super::{
    Problem,
    extract::{Caller, Json, Key, Path, Query},
    view::{List, message},
};
use crate::{
    commands::{self, NewMessage},
    edge::Edge,
    wire,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Send {
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReadUpTo {
    seq: Seq,
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
            id: wire::message_id(appended.seq),
            seq: appended.seq,
            at: appended.at,
            duplicate: appended.duplicate,
        }
    }
}

pub(super) async fn page(
    State(edge): State<Arc<Edge>>,
    caller: Caller,
    Path(room): Path<RoomRef>,
    Query(range): Query<Range>,
) -> Result<axum::Json<List<serde_json::Value>>, Problem> {
    let events =
        commands::page(&edge, caller.me.id, room, range.before, range.after, range.limit, true).await?;
    let items = events.iter().filter_map(wire::event).filter_map(|event| message(&event)).collect();
    // Pages go on by seq, which the client has: `before` the lowest, or `after` the highest, that it saw.
    Ok(axum::Json(List { items, next_cursor: None }))
}

pub(super) async fn send(
    State(edge): State<Arc<Edge>>,
    caller: Caller,
    Key(header): Key,
    Path(room): Path<RoomRef>,
    Json(body): Json<Send>,
) -> Result<Response, Problem> {
    let room = commands::room_id(&edge, caller.me.id, &room).await?;
    let key = match body.key.or(header) {
        Some(key) => key,
        // A client that gives no key wants no idempotency: each request is a message of its own.
        None => IdempotencyKey::new(new_id(&*edge.clock, &*edge.random).to_string())?,
    };
    let new = NewMessage { key, text: body.text, reply_to: body.reply_to, attachments: body.attachments };
    let budget = edge.budgets.of(caller.me.id);
    let appended = commands::send(&edge, &caller.me, &budget, room, new).await?;
    Ok((StatusCode::CREATED, axum::Json(Sent::from(appended))).into_response())
}

pub(super) async fn read(
    State(edge): State<Arc<Edge>>,
    caller: Caller,
    Path(room): Path<RoomRef>,
    Json(body): Json<ReadUpTo>,
) -> Result<Response, Problem> {
    #[derive(Serialize)]
    struct Mark {
        read: Seq,
        unread: u64,
    }
    let mark = commands::mark_read(&edge, caller.me.id, None, room, body.seq).await?;
    Ok(axum::Json(Mark { read: mark.read, unread: mark.unread }).into_response())
}
