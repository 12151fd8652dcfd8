//! `/v1/rooms`: rooms.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use madang_contract::rest::{NewRoom, RoomChanges, RoomScope, RoomsQuery, routes::rooms as table};
use madang_domain::{Error, RoomRef};

use super::{
    Routes,
    caller::Caller,
    extract::{Json, Key, Path, Query, page_query},
    view::{page, room, room_changes},
};
use crate::{
    commands::{Commands, Members, RoomToCreate},
    http::Problem,
};

pub(super) fn routes() -> Routes {
    Routes::default()
        .at(&table::CREATE, create)
        .at(&table::LIST, list)
        .at(&table::GET, get)
        .at(&table::UPDATE, update)
        .at(&table::DELETE, delete)
        .at(&table::JOIN, join)
        .at(&table::LEAVE, leave)
}

async fn create(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Key(key): Key,
    Json(body): Json<NewRoom>,
) -> Result<Response, Problem> {
    let NewRoom { name, kind, slug, members } = body;
    let new = RoomToCreate { kind, name, slug, external_id: None, key };
    let (created, _) = commands.create_room(new, Members::Of(caller.actor(), members)).await?;
    Ok((StatusCode::CREATED, axum::Json(room(&created))).into_response())
}

async fn list(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Query(listed): Query<RoomsQuery>,
) -> Result<Response, Problem> {
    let RoomsQuery { scope, q, limit, cursor } = listed;
    let joinable = scope == Some(RoomScope::Public);
    if q.is_some() && !joinable {
        return Err(Error::invalid("q needs scope=public").into());
    }
    let rooms = commands.rooms(&caller.actor(), joinable, q, page_query(limit, cursor)?).await?;
    Ok(axum::Json(page(&rooms, room)).into_response())
}

async fn get(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Path(name): Path<RoomRef>,
) -> Result<Response, Problem> {
    Ok(axum::Json(room(&commands.room(&caller.actor(), name).await?)).into_response())
}

async fn update(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Path(name): Path<RoomRef>,
    Json(changes): Json<RoomChanges>,
) -> Result<Response, Problem> {
    let changed = commands.update_room(caller.actor(), name, room_changes(changes)).await?;
    Ok(axum::Json(room(&changed)).into_response())
}

async fn delete(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Path(name): Path<RoomRef>,
) -> Result<StatusCode, Problem> {
    commands.delete_room(caller.actor(), name).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn join(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Path(name): Path<RoomRef>,
) -> Result<Response, Problem> {
    Ok(axum::Json(room(&commands.join_room(caller.actor(), name).await?)).into_response())
}

async fn leave(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Path(name): Path<RoomRef>,
) -> Result<StatusCode, Problem> {
    commands.leave_room(caller.actor(), name).await?;
    Ok(StatusCode::NO_CONTENT)
}
