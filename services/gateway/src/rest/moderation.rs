//! `/v1/rooms/{room}/members/{user}/ban` and `/mute`: what moderators impose on users.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use madang_contract::rest::{self, PageQuery, routes::moderation as table};
use madang_domain::{Restriction, RoomRef, UserId};

use super::{
    Routes,
    caller::Caller,
    extract::{Json, Path, Query, page_query},
    view::{banned_user, page},
};
use crate::{
    commands::{Commands, Terms},
    http::Problem,
};

pub(super) fn routes() -> Routes {
    Routes::default()
        .at(&table::BAN, ban)
        .at(&table::UNBAN, unban)
        .at(&table::MUTE, mute)
        .at(&table::UNMUTE, unmute)
        .at(&table::BANS, bans)
}

async fn ban(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Path((room, user)): Path<(RoomRef, UserId)>,
    Json(body): Json<rest::Restriction>,
) -> Result<StatusCode, Problem> {
    impose(&commands, &caller, &room, user, Restriction::Ban, body).await
}

async fn unban(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Path((room, user)): Path<(RoomRef, UserId)>,
) -> Result<StatusCode, Problem> {
    lift(&commands, &caller, &room, user, Restriction::Ban).await
}

async fn mute(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Path((room, user)): Path<(RoomRef, UserId)>,
    Json(body): Json<rest::Restriction>,
) -> Result<StatusCode, Problem> {
    impose(&commands, &caller, &room, user, Restriction::Mute, body).await
}

async fn unmute(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Path((room, user)): Path<(RoomRef, UserId)>,
) -> Result<StatusCode, Problem> {
    lift(&commands, &caller, &room, user, Restriction::Mute).await
}

async fn bans(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Path(room): Path<RoomRef>,
    Query(query): Query<PageQuery>,
) -> Result<Response, Problem> {
    let banned = commands.bans(&caller.actor(), room, page_query(query.limit, query.cursor)?).await?;
    Ok(axum::Json(page(&banned, banned_user)).into_response())
}

async fn impose(
    commands: &Commands,
    caller: &Caller,
    room: &RoomRef,
    user: UserId,
    kind: Restriction,
    body: rest::Restriction,
) -> Result<StatusCode, Problem> {
    let rest::Restriction { reason, until } = body;
    commands.restrict(&caller.actor(), room, user, kind, Some(Terms { until, reason })).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn lift(
    commands: &Commands,
    caller: &Caller,
    room: &RoomRef,
    user: UserId,
    kind: Restriction,
) -> Result<StatusCode, Problem> {
    commands.restrict(&caller.actor(), room, user, kind, None).await?;
    Ok(StatusCode::NO_CONTENT)
}
