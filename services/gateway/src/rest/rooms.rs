//! `/v1/rooms`: rooms.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::StatusCode;
use madang_domain::{RoomName, RoomRef, Slug, UserId};
use madang_rpc::store::RoomKind;
use serde::Deserialize;

use super::{
    extract::{Caller, Json, Key, PageParameters, Path, Query},
    users::present,
    view::{List, Room},
};
use crate::{
    commands::{Commands, CreateRoom, Members},
    http::Problem,
    state::GatewayState,
};

pub(super) fn routes() -> Router<GatewayState> {
    Router::new()
        .route("/rooms", post(create).get(list))
        .route("/rooms/{room}", get(room).patch(update).delete(remove))
        .route("/rooms/{room}/join", post(join))
        .route("/rooms/{room}/leave", post(leave))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Create {
    name: RoomName,
    kind: RoomKind,
    slug: Option<Slug>,
    #[serde(default)]
    members: Vec<UserId>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Changes {
    name: Option<RoomName>,
    /// Absent: as it was. Null: none.
    #[serde(default, deserialize_with = "present")]
    slug: Option<Option<Slug>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Scope {
    Mine,
    Public,
}

#[derive(Deserialize)]
struct Listed {
    scope: Option<Scope>,
    limit: Option<u32>,
    cursor: Option<String>,
}

async fn create(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Key(key): Key,
    Json(body): Json<Create>,
) -> Result<Response, Problem> {
    let Create { name, kind, slug, members } = body;
    let room = CreateRoom { kind, name, slug, external_id: None, key };
    let (room, _) = commands.create_room(room, Members::Of(caller.me, members)).await?;
    Ok((StatusCode::CREATED, axum::Json(Room::from(room))).into_response())
}

async fn list(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Query(listed): Query<Listed>,
) -> Result<axum::Json<List<Room>>, Problem> {
    let page = PageParameters::new(listed.limit, listed.cursor).query()?;
    let joinable = matches!(listed.scope, Some(Scope::Public));
    let rooms = commands.rooms(caller.me.id, joinable, page).await?;
    Ok(axum::Json(List::of(rooms, Room::from)))
}

async fn room(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Path(room): Path<RoomRef>,
) -> Result<axum::Json<Room>, Problem> {
    Ok(axum::Json(Room::from(commands.room(caller.me.id, room).await?)))
}

async fn update(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Path(room): Path<RoomRef>,
    Json(changes): Json<Changes>,
) -> Result<axum::Json<Room>, Problem> {
    Ok(axum::Json(Room::from(commands.update_room(caller.me, room, changes.name, changes.slug).await?)))
}

async fn remove(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Path(room): Path<RoomRef>,
) -> Result<StatusCode, Problem> {
    commands.delete_room(caller.me, room).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn join(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Path(room): Path<RoomRef>,
) -> Result<axum::Json<Room>, Problem> {
    Ok(axum::Json(Room::from(commands.join_room(caller.me, room).await?)))
}

async fn leave(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Path(room): Path<RoomRef>,
) -> Result<StatusCode, Problem> {
    commands.leave_room(caller.me, room).await?;
    Ok(StatusCode::NO_CONTENT)
}
