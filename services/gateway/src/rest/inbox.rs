//! `/v1/inbox`: what concerns the user alone.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use madang_contract::rest::{InboxPage, MarkRead, RangeQuery, ReadMark, routes::inbox as table};
use madang_domain::Seq;

use super::{
    Routes,
    caller::Caller,
    extract::{Json, Path, Query},
};
use crate::{commands::Commands, formats::native, http::Problem};

pub(super) fn routes() -> Routes {
    Routes::default().at(&table::LIST, list).at(&table::READ, read).at(&table::DISMISS, dismiss)
}

async fn list(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Query(range): Query<RangeQuery>,
) -> Result<Response, Problem> {
    let page = commands.inbox(&caller.actor(), range.into()).await?;
    let page = InboxPage {
        items: page.events.iter().filter_map(native::notice).collect(),
        // Pages go on by seq, which the client has: `before` the lowest, or `after` the highest, that it saw.
        next_cursor: None,
        more: page.more,
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
    Json(body): Json<MarkRead>,
) -> Result<axum::Json<ReadMark>, Problem> {
    let mark = commands.mark_inbox_read(&caller.actor(), body.seq).await?;
    Ok(axum::Json(ReadMark { room: None, read: mark.read, unread: mark.unread }))
}

async fn dismiss(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Path(seq): Path<Seq>,
) -> Result<StatusCode, Problem> {
    commands.dismiss(&caller.actor(), seq).await?;
    Ok(StatusCode::NO_CONTENT)
}
