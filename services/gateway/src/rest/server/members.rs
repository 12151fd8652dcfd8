//! Who is in a room, by the site's word.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use madang_domain::{Code, RoomRef, UserRef};
use madang_rpc::{event::Role, store::Authority};
use serde::Deserialize;

use super::{Site, extract::Rooms, user};
use crate::{
    edge::Edge,
    rest::{
        Problem,
        extract::{Json, Path},
        view::MemberView,
    },
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Put {
    /// Absent: as it is, of a new member the least.
    role: Option<Role>,
}

pub(super) async fn put(
    State(edge): State<Arc<Edge>>,
    _: Site<Rooms>,
    Path((room, name)): Path<(RoomRef, UserRef)>,
    Json(body): Json<Put>,
) -> Result<axum::Json<MemberView>, Problem> {
    let user = user(&edge, &name).await?;
    let role = match body.role {
        Some(role) => role,
        // What the site does not name is not changed: a repeat of the request that added an owner long ago must
        // not make a plain member of him.
        None => match edge.store.room(user.id, room.clone()).await {
            Ok(view) => view.membership.map_or(Role::Member, |membership| membership.role),
            Err(error) if matches!(error.code, Code::PermissionDenied | Code::NotFound) => Role::Member,
            Err(error) => return Err(error.into()),
        },
    };
    // The user as the actor: it is the site that invites, and it has no profile.
    let changed = edge.store.put_member(Arc::clone(&user), Authority::Site, room, user, role).await?;
    edge.fanout.events(changed.events).await;
    Ok(axum::Json(MemberView::from(changed.value)))
}

pub(super) async fn remove(
    State(edge): State<Arc<Edge>>,
    _: Site<Rooms>,
    Path((room, name)): Path<(RoomRef, UserRef)>,
) -> Result<StatusCode, Problem> {
    let user = user(&edge, &name).await?;
    let id = user.id;
    let changed = edge.store.remove_member(user, Authority::Site, room, id).await?;
    edge.fanout.events(changed.events).await;
    Ok(StatusCode::NO_CONTENT)
}
