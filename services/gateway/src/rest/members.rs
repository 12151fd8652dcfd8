//! `/v1/rooms/{room}/members`: who is in a room, and as what.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use madang_domain::{RoomRef, UserId};
use madang_rpc::{event::Role, store::Authority};
use serde::Deserialize;

use super::{
    Problem,
    extract::{Caller, Json, PageParameters, Path, Query},
    users::profile,
    view::{List, MemberView},
};
use crate::edge::Edge;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Put {
    #[serde(default = "plain_member")]
    role: Role,
}

const fn plain_member() -> Role {
    Role::Member
}

pub(super) async fn list(
    State(edge): State<Arc<Edge>>,
    caller: Caller,
    Path(room): Path<RoomRef>,
    Query(page): Query<PageParameters>,
) -> Result<axum::Json<List<MemberView>>, Problem> {
    let members = edge.store.members(caller.me.id, room, page.query()?).await?;
    Ok(axum::Json(List::of(members, MemberView::from)))
}

pub(super) async fn put(
    State(edge): State<Arc<Edge>>,
    caller: Caller,
    Path((room, user)): Path<(RoomRef, UserId)>,
    Json(body): Json<Put>,
) -> Result<axum::Json<MemberView>, Problem> {
    let user = Arc::new(profile(&edge, user).await?);
    let changed = edge.store.put_member(caller.me, Authority::User, room, user, body.role).await?;
    edge.fanout.events(changed.events).await;
    Ok(axum::Json(MemberView::from(changed.value)))
}

pub(super) async fn remove(
    State(edge): State<Arc<Edge>>,
    caller: Caller,
    Path((room, user)): Path<(RoomRef, UserId)>,
) -> Result<StatusCode, Problem> {
    let changed = edge.store.remove_member(caller.me, Authority::User, room, user).await?;
    edge.fanout.events(changed.events).await;
    Ok(StatusCode::NO_CONTENT)
}
