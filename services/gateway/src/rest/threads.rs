//! `/v1/threads` and `/v1/rooms/{room}/threads`: messages that stand under another one.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use madang_contract::rest::{
    FollowedThread, MarkRead, Page, PageQuery, RangeQuery, ThreadPage, ThreadPlace, routes::threads as table,
};
use madang_domain::{Error, MessageId, RoomRef};

use super::{
    Routes,
    caller::Caller,
    extract::{Json, Path, Query, page_query},
    view::{room_message, thread_place},
};
use crate::{commands::Commands, http::Problem};

pub(super) fn routes() -> Routes {
    Routes::default()
        .at(&table::LIST, list)
        .at(&table::MESSAGES, messages)
        .at(&table::READ, read)
        .at(&table::FOLLOW, follow)
        .at(&table::UNFOLLOW, unfollow)
}

async fn list(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Query(query): Query<PageQuery>,
) -> Result<Response, Problem> {
    let threads = commands.threads(&caller.actor(), page_query(query.limit, query.cursor)?).await?;
    let items = threads.items.iter().filter_map(|thread| {
        Some(FollowedThread { root: room_message(&thread.root)?, place: thread_place(thread.place) })
    });
    Ok(axum::Json(Page { items: items.collect(), next_cursor: threads.next.clone() }).into_response())
}

async fn messages(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Path((room, thread)): Path<(RoomRef, MessageId)>,
    Query(range): Query<RangeQuery>,
) -> Result<Response, Problem> {
    let page = commands.thread_messages(&caller.actor(), room, thread, range.into()).await?;
    let root =
        room_message(&page.root).ok_or_else(|| Error::internal("a thread under what is no message"))?;
    let page = ThreadPage {
        root,
        place: thread_place(page.place),
        items: page.messages.iter().filter_map(room_message).collect(),
        next_cursor: None,
        more: page.more,
    };
    Ok(axum::Json(page).into_response())
}

async fn read(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Path((room, thread)): Path<(RoomRef, MessageId)>,
    Json(body): Json<MarkRead>,
) -> Result<axum::Json<ThreadPlace>, Problem> {
    let place = commands.mark_thread_read(&caller.actor(), &room, thread, body.seq).await?;
    Ok(axum::Json(thread_place(place)))
}

async fn follow(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Path((room, thread)): Path<(RoomRef, MessageId)>,
) -> Result<axum::Json<ThreadPlace>, Problem> {
    let place = commands.follow_thread(&caller.actor(), &room, thread, true).await?;
    Ok(axum::Json(thread_place(place)))
}

async fn unfollow(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Path((room, thread)): Path<(RoomRef, MessageId)>,
) -> Result<StatusCode, Problem> {
    commands.follow_thread(&caller.actor(), &room, thread, false).await?;
    Ok(StatusCode::NO_CONTENT)
}
