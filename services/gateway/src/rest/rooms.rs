//! `/v1/rooms`: rooms.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use madang_domain::{Code, Error, RoomName, RoomRef, Slug, UserId, limits};
use madang_rpc::store::{NewRoom, RoomKind};
use serde::Deserialize;

use super::{
    Problem,
    extract::{Caller, Json, Key, PageParameters, Path, Query},
    users::present,
    view::{List, Room},
};
use crate::edge::Edge;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Create {
    name: RoomName,
    kind: RoomKind,
    slug: Option<Slug>,
    #[serde(default)]
    members: Vec<UserId>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Changes {
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
pub(super) struct Listed {
    scope: Option<Scope>,
    limit: Option<u32>,
    cursor: Option<String>,
}

pub(super) async fn create(
    State(edge): State<Arc<Edge>>,
    caller: Caller,
    Key(key): Key,
    Json(body): Json<Create>,
) -> Result<Response, Problem> {
    if body.members.len() > limits::ROOM_INITIAL_MEMBERS_MAX {
        let most = limits::ROOM_INITIAL_MEMBERS_MAX;
        return Err(
            Error::new(Code::TooLarge, format!("name at most {most} members; add the rest after")).into()
        );
    }
    let members = if body.members.is_empty() { Vec::new() } else { edge.auth.users(&body.members).await? };
    if let Some(unknown) = body.members.iter().find(|id| !members.iter().any(|user| user.id == **id)) {
        return Err(Error::new(Code::NotFound, format!("there is no user {unknown}")).into());
    }
    let room = NewRoom {
        kind: body.kind,
        name: body.name,
        slug: body.slug,
        external_id: None,
        members: members.into_iter().map(Arc::new).collect(),
        key,
    };
    let changed = edge.store.create_room(caller.me, room).await?;
    edge.fanout.events(changed.events).await;
    Ok((StatusCode::CREATED, axum::Json(Room::from(changed.value))).into_response())
}

pub(super) async fn list(
    State(edge): State<Arc<Edge>>,
    caller: Caller,
    Query(listed): Query<Listed>,
) -> Result<axum::Json<List<Room>>, Problem> {
    let page = PageParameters::new(listed.limit, listed.cursor).query()?;
    let joinable = matches!(listed.scope, Some(Scope::Public));
    let rooms = edge.store.rooms(caller.me.id, joinable, page).await?;
    Ok(axum::Json(List::of(rooms, Room::from)))
}

pub(super) async fn room(
    State(edge): State<Arc<Edge>>,
    caller: Caller,
    Path(room): Path<RoomRef>,
) -> Result<axum::Json<Room>, Problem> {
    Ok(axum::Json(Room::from(edge.store.room(caller.me.id, room).await?)))
}

pub(super) async fn update(
    State(edge): State<Arc<Edge>>,
    caller: Caller,
    Path(room): Path<RoomRef>,
    Json(changes): Json<Changes>,
) -> Result<axum::Json<Room>, Problem> {
    let changed = edge.store.update_room(caller.me, room, changes.name, changes.slug).await?;
    edge.fanout.events(changed.events).await;
    Ok(axum::Json(Room::from(changed.value)))
}

pub(super) async fn remove(
    State(edge): State<Arc<Edge>>,
    caller: Caller,
    Path(room): Path<RoomRef>,
) -> Result<StatusCode, Problem> {
    let changed = edge.store.delete_room(caller.me, room).await?;
    edge.fanout.events(changed.events).await;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn join(
    State(edge): State<Arc<Edge>>,
    caller: Caller,
    Path(room): Path<RoomRef>,
) -> Result<axum::Json<Room>, Problem> {
    let changed = edge.store.join(caller.me, room).await?;
    edge.fanout.events(changed.events).await;
    Ok(axum::Json(Room::from(changed.value)))
}

pub(super) async fn leave(
    State(edge): State<Arc<Edge>>,
    caller: Caller,
    Path(room): Path<RoomRef>,
) -> Result<StatusCode, Problem> {
    let changed = edge.store.leave(caller.me, room).await?;
    edge.fanout.events(changed.events).await;
    Ok(StatusCode::NO_CONTENT)
}
