//! `/v1/inbox`: what concerns oneself.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::{get, put},
};
use madang_contract as frames;
use madang_domain::{Epoch, Seq};
use serde::Serialize;

use super::{
    extract::{Caller, Json, Query},
    messages::{Range, ReadUpTo},
};
use crate::{commands::Commands, formats::native, http::Problem, state::GatewayState};

pub(super) fn routes() -> Router<GatewayState> {
    Router::new().route("/inbox", get(page)).route("/inbox/read", put(read))
}

#[derive(Serialize)]
struct Mark {
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

async fn page(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Query(range): Query<Range>,
) -> Result<Response, Problem> {
    let page = commands.inbox(caller.me.id, range.into()).await?;
    let page = Page {
        items: page.events.iter().filter_map(native::notice).collect(),
        // Pages go on by seq, which the client has: `before` the lowest, or `after` the highest, that it saw.
        next_cursor: None,
        epoch: page.epoch,
        head: page.head,
        read: page.read,
        unread: page.unread,
    };
    Ok(axum::Json(page).into_response())
}

async fn read(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Json(body): Json<ReadUpTo>,
) -> Result<axum::Json<Mark>, Problem> {
    let mark = commands.mark_inbox_read(caller.me.id, body.seq).await?;
    Ok(axum::Json(Mark { read: mark.read, unread: mark.unread }))
}
