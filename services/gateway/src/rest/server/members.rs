//! Who is in a room, by the site's word.

use std::sync::Arc;

use axum::{Router, extract::State, routing::put as put_route};
use http::StatusCode;
use madang_domain::{Role, RoomRef, UserRef};
use serde::Deserialize;

use super::extract::{Rooms, SiteBackend};
use crate::{
    commands::Commands,
    http::Problem,
    rest::{
        extract::{Json, Path},
        view::MemberView,
    },
    state::GatewayState,
};

pub(super) fn routes() -> Router<GatewayState> {
    Router::new().route("/rooms/{room}/members/{user}", put_route(put).delete(remove))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Put {
    /// Absent: as it is, of a new member the least.
    role: Option<Role>,
}

async fn put(
    State(commands): State<Arc<Commands>>,
    _: SiteBackend<Rooms>,
    Path((room, name)): Path<(RoomRef, UserRef)>,
    Json(body): Json<Put>,
) -> Result<axum::Json<MemberView>, Problem> {
    Ok(axum::Json(MemberView::from(commands.put_member_as_site(room, &name, body.role).await?)))
}

async fn remove(
    State(commands): State<Arc<Commands>>,
    _: SiteBackend<Rooms>,
    Path((room, name)): Path<(RoomRef, UserRef)>,
) -> Result<StatusCode, Problem> {
    commands.remove_member_as_site(room, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}
