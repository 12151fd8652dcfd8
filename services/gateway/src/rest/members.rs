//! `/v1/rooms/{room}/members`: who is in a room, and with which role.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use madang_contract::rest::{PageQuery, PutMember, routes::members as table};
use madang_domain::{RoomRef, UserId};

use super::{
    Routes,
    caller::Caller,
    extract::{Json, Path, Query, page_query},
    view::{member, page, seen_member},
};
use crate::{commands::Commands, http::Problem};

pub(super) fn routes() -> Routes {
    Routes::default().at(&table::LIST, list).at(&table::PUT, put).at(&table::REMOVE, remove)
}

async fn list(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Path(room): Path<RoomRef>,
    Query(query): Query<PageQuery>,
) -> Result<Response, Problem> {
    let actor = caller.actor();
    let members = commands.members(&actor, room, page_query(query.limit, query.cursor)?).await?;
    let users = members.items.iter().map(|member| member.user.id).collect();
    let people = commands.people(&actor, users).await?;
    let seen = |member| seen_member(member, people.get(&member.user.id));
    Ok(axum::Json(page(&members, seen)).into_response())
}

async fn put(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Path((room, user)): Path<(RoomRef, UserId)>,
    Json(body): Json<PutMember>,
) -> Result<Response, Problem> {
    let changed = commands.put_member(caller.actor(), room, user, body.role).await?;
    let status = if changed.invited { StatusCode::ACCEPTED } else { StatusCode::OK };
    Ok((status, axum::Json(member(&changed))).into_response())
}

async fn remove(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Path((room, user)): Path<(RoomRef, UserId)>,
) -> Result<StatusCode, Problem> {
    commands.remove_member(caller.actor(), room, user).await?;
    Ok(StatusCode::NO_CONTENT)
}
