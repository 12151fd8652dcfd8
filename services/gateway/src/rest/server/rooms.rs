//! Creating rooms for the site.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::post,
};
use http::StatusCode;
use madang_domain::{ExternalId, RoomName, Slug, UserRef};
use madang_rpc::store::{RoomKind, RoomView};
use serde::{Deserialize, Serialize};

use super::extract::{Rooms, SiteBackend};
use crate::{
    commands::{Commands, CreateRoom, Members},
    http::Problem,
    rest::{
        extract::{Json, Key},
        view::Room,
    },
    state::GatewayState,
};

pub(super) fn routes() -> Router<GatewayState> {
    Router::new().route("/rooms", post(create))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Create {
    name: RoomName,
    kind: RoomKind,
    slug: Option<Slug>,
    /// What the site calls the room; of a room that it has made before, that one is the answer.
    external_id: Option<ExternalId>,
    owner: UserRef,
    #[serde(default)]
    members: Vec<UserRef>,
}

/// A room, with what the site calls it.
#[derive(Serialize)]
struct SiteRoom {
    #[serde(flatten)]
    room: Room,
    external_id: Option<String>,
}

impl From<RoomView> for SiteRoom {
    fn from(view: RoomView) -> Self {
        let external_id = view.room.external_id.as_ref().map(ToString::to_string);
        Self { room: Room::from(view), external_id }
    }
}

async fn create(
    State(commands): State<Arc<Commands>>,
    _: SiteBackend<Rooms>,
    Key(key): Key,
    Json(body): Json<Create>,
) -> Result<Response, Problem> {
    let Create { name, kind, slug, external_id, owner, members } = body;
    let room = CreateRoom { kind, name, slug, external_id, key };
    let (room, is_new) = commands.create_room(room, Members::Named(owner, members)).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, axum::Json(SiteRoom::from(room))).into_response())
}
