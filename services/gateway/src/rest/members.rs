//! `/v1/rooms/{room}/members`: who is in a room, and as what.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    routing::{get, put as put_route},
};
use http::StatusCode;
use madang_domain::{Role, RoomRef, UserId};
use serde::Deserialize;

use super::{
    extract::{Caller, Json, PageParameters, Path, Query},
    view::{List, MemberView},
};
use crate::{commands::Commands, http::Problem, state::GatewayState};

pub(super) fn routes() -> Router<GatewayState> {
    Router::new()
        .route("/rooms/{room}/members", get(list))
        .route("/rooms/{room}/members/{user}", put_route(put).delete(remove))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Put {
    #[serde(default = "plain_member")]
    role: Role,
}

const fn plain_member() -> Role {
    Role::Member
}

async fn list(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Path(room): Path<RoomRef>,
    Query(page): Query<PageParameters>,
) -> Result<axum::Json<List<MemberView>>, Problem> {
    let members = commands.members(caller.me.id, room, page.query()?).await?;
    Ok(axum::Json(List::of(members, MemberView::from)))
}

async fn put(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Path((room, user)): Path<(RoomRef, UserId)>,
    Json(body): Json<Put>,
) -> Result<axum::Json<MemberView>, Problem> {
    Ok(axum::Json(MemberView::from(commands.put_member(caller.me, room, user, body.role).await?)))
}

async fn remove(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Path((room, user)): Path<(RoomRef, UserId)>,
) -> Result<StatusCode, Problem> {
    commands.remove_member(caller.me, room, user).await?;
    Ok(StatusCode::NO_CONTENT)
}
