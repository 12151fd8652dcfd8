//! Rooms, by the site's own authority.

use std::{borrow::Cow, sync::Arc};

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use madang_contract::rest::{NewSiteRoom, PageQuery, RoomChanges, SiteRoom, routes::server as table};
use madang_domain::RoomRef;
use madang_rpc::store::RoomView;

use super::extract::{Rooms, SiteBackend};
use crate::{
    commands::{Commands, Members, RoomToCreate},
    http::Problem,
    rest::{
        Routes,
        extract::{Json, Key, Path, Query, page_query},
        view,
    },
};

pub(super) fn routes() -> Routes {
    Routes::default()
        .at(&table::CREATE_ROOM, create)
        .at(&table::LIST_ROOMS, list)
        .at(&table::GET_ROOM, get)
        .at(&table::UPDATE_ROOM, update)
        .at(&table::DELETE_ROOM, delete)
}

fn site_room(view: &RoomView) -> SiteRoom<'_> {
    let external_id = view.room.external_id.as_deref().map(Cow::Borrowed);
    SiteRoom { room: view::room(view), external_id }
}

async fn list(
    State(commands): State<Arc<Commands>>,
    _: SiteBackend<Rooms>,
    Query(query): Query<PageQuery>,
) -> Result<Response, Problem> {
    let rooms = commands.rooms_as_site(page_query(query.limit, query.cursor)?).await?;
    Ok(axum::Json(view::page(&rooms, site_room)).into_response())
}

async fn get(
    State(commands): State<Arc<Commands>>,
    _: SiteBackend<Rooms>,
    Path(room): Path<RoomRef>,
) -> Result<Response, Problem> {
    Ok(axum::Json(site_room(&commands.room_as_site(room).await?)).into_response())
}

async fn update(
    State(commands): State<Arc<Commands>>,
    _: SiteBackend<Rooms>,
    Path(room): Path<RoomRef>,
    Json(changes): Json<RoomChanges>,
) -> Result<Response, Problem> {
    let changed = commands.update_room_as_site(room, view::room_changes(changes)).await?;
    Ok(axum::Json(site_room(&changed)).into_response())
}

async fn delete(
    State(commands): State<Arc<Commands>>,
    _: SiteBackend<Rooms>,
    Path(room): Path<RoomRef>,
) -> Result<StatusCode, Problem> {
    commands.delete_room_as_site(room).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn create(
    State(commands): State<Arc<Commands>>,
    _: SiteBackend<Rooms>,
    Key(key): Key,
    Json(body): Json<NewSiteRoom>,
) -> Result<Response, Problem> {
    let NewSiteRoom { name, kind, slug, external_id, owner, members } = body;
    let room = RoomToCreate { kind, name: Some(name), slug, external_id, key };
    let (room, is_new) = commands.create_room(room, Members::Named(owner, members)).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, axum::Json(site_room(&room))).into_response())
}
