//! `/v1/sync`: what a client needs to start.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use madang_contract::rest::{InboxStanding, PageQuery, Sync, SyncCursor, SyncedRoom, routes::sync as table};

use super::{
    Routes,
    caller::Caller,
    extract::{Query, page_query},
    view::{blocked_user, room},
};
use crate::{commands::Commands, formats::native::user_settings, http::Problem};

pub(super) fn routes() -> Routes {
    Routes::default().at(&table::GET, get)
}

async fn get(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Query(query): Query<PageQuery>,
) -> Result<Response, Problem> {
    let synced = commands.sync(&caller.actor(), page_query(query.limit, query.cursor)?).await?;
    let epoch = synced.epoch;
    let rooms = synced.rooms.iter().map(|synced| SyncedRoom {
        room: room(&synced.view),
        cursor: SyncCursor { seq: synced.view.room.head, epoch },
        mentions: synced.mentions,
    });
    let page = Sync {
        inbox: InboxStanding {
            cursor: SyncCursor { seq: synced.inbox.head, epoch },
            read: synced.inbox.read,
            unread: synced.inbox.unread,
        },
        settings: user_settings(synced.settings),
        rooms: rooms.collect(),
        blocked: synced.blocked.iter().map(blocked_user).collect(),
        next_cursor: synced.next.clone(),
    };
    Ok(axum::Json(page).into_response())
}
