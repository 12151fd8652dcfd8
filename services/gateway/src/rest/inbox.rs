//! `/v1/inbox`: what concerns oneself.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use madang_contract as frames;
use madang_domain::{Epoch, Seq};
use serde::{Deserialize, Serialize};

use super::{
    Problem,
    extract::{Caller, Json, Query},
};
use crate::{commands, edge::Edge, wire};

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

#[derive(Serialize)]
pub(super) struct Mark {
    read: Seq,
    unread: u64,
}

/// A page, newest first but for `after`, and where the inbox stands.
#[derive(Serialize)]
struct Page<'a> {
    items: Vec<frames::Notice<'a>>,
    next_cursor: Option<String>,
    epoch: Epoch,
    head: Seq,
    read: Seq,
    unread: u64,
}

pub(super) async fn page(
    State(edge): State<Arc<Edge>>,
    caller: Caller,
    Query(range): Query<Range>,
) -> Result<Response, Problem> {
    let page = commands::inbox::page(&edge, caller.me.id, range.before, range.after, range.limit).await?;
    let page = Page {
        items: page.events.iter().filter_map(wire::notice).collect(),
        // Pages go on by seq, which the client has: `before` the lowest, or `after` the highest, that it saw.
        next_cursor: None,
        epoch: page.epoch,
        head: page.head,
        read: page.read,
        unread: page.unread,
    };
    Ok(axum::Json(page).into_response())
}

pub(super) async fn read(
    State(edge): State<Arc<Edge>>,
    caller: Caller,
    Json(body): Json<ReadUpTo>,
) -> Result<axum::Json<Mark>, Problem> {
    let mark = commands::inbox::mark_read(&edge, caller.me.id, body.seq).await?;
    Ok(axum::Json(Mark { read: mark.read, unread: mark.unread }))
}
