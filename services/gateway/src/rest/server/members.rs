//! Members of rooms, managed by the site.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use madang_contract::rest::{PutSiteMember, routes::server as table};
use madang_domain::{RoomRef, UserRef};

use super::extract::{Rooms, SiteBackend};
use crate::{
    commands::Commands,
    http::Problem,
    rest::{
        Routes,
        extract::{Json, Path},
        view::member,
    },
};

pub(super) fn routes() -> Routes {
    Routes::default().at(&table::PUT_MEMBER, put).at(&table::REMOVE_MEMBER, remove)
}

async fn put(
    State(commands): State<Arc<Commands>>,
    _: SiteBackend<Rooms>,
    Path((room, name)): Path<(RoomRef, UserRef)>,
    Json(body): Json<PutSiteMember>,
) -> Result<Response, Problem> {
    let changed = commands.put_member_as_site(room, &name, body.role).await?;
    Ok(axum::Json(member(&changed)).into_response())
}

async fn remove(
    State(commands): State<Arc<Commands>>,
    _: SiteBackend<Rooms>,
    Path((room, name)): Path<(RoomRef, UserRef)>,
) -> Result<StatusCode, Problem> {
    commands.remove_member_as_site(room, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}
