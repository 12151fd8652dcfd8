//! Creating rooms for the site.

use std::{borrow::Cow, sync::Arc};

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use madang_contract::rest::{NewSiteRoom, SiteRoom, routes::server as table};

use super::extract::{Rooms, SiteBackend};
use crate::{
    commands::{Commands, Members, RoomToCreate},
    http::Problem,
    rest::{
        Routes,
        extract::{Json, Key},
        view,
    },
};

pub(super) fn routes() -> Routes {
    Routes::default().at(&table::CREATE_ROOM, create)
}

async fn create(
    State(commands): State<Arc<Commands>>,
    _: SiteBackend<Rooms>,
    Key(key): Key,
    Json(body): Json<NewSiteRoom>,
) -> Result<Response, Problem> {
    let NewSiteRoom { name, kind, slug, external_id, owner, members } = body;
    let room = RoomToCreate { kind, name, slug, external_id, key };
    let (room, is_new) = commands.create_room(room, Members::Named(owner, members)).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    let external_id = room.room.external_id.as_deref().map(Cow::Borrowed);
    Ok((status, axum::Json(SiteRoom { room: view::room(&room), external_id })).into_response())
}
