//! Members of rooms, managed by the site.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use madang_contract::rest::{self, PageQuery, PutSiteMember, routes::server as table};
use madang_domain::{Restriction, RoomRef, UserRef};

use super::extract::{Rooms, SiteBackend};
use crate::{
    commands::{Commands, Terms},
    http::Problem,
    rest::{
        Routes,
        extract::{Json, Path, Query, page_query},
        view::{member, page},
    },
};

pub(super) fn routes() -> Routes {
    Routes::default()
        .at(&table::LIST_MEMBERS, list)
        .at(&table::PUT_MEMBER, put)
        .at(&table::REMOVE_MEMBER, remove)
        .at(&table::BAN, ban)
        .at(&table::UNBAN, unban)
        .at(&table::MUTE, mute)
        .at(&table::UNMUTE, unmute)
}

async fn list(
    State(commands): State<Arc<Commands>>,
    _: SiteBackend<Rooms>,
    Path(room): Path<RoomRef>,
    Query(query): Query<PageQuery>,
) -> Result<Response, Problem> {
    let members = commands.members_as_site(room, page_query(query.limit, query.cursor)?).await?;
    Ok(axum::Json(page(&members, member)).into_response())
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

async fn ban(
    State(commands): State<Arc<Commands>>,
    _: SiteBackend<Rooms>,
    Path((room, name)): Path<(RoomRef, UserRef)>,
    Json(body): Json<rest::Restriction>,
) -> Result<StatusCode, Problem> {
    impose(&commands, room, &name, Restriction::Ban, body).await
}

async fn unban(
    State(commands): State<Arc<Commands>>,
    _: SiteBackend<Rooms>,
    Path((room, name)): Path<(RoomRef, UserRef)>,
) -> Result<StatusCode, Problem> {
    commands.restrict_as_site(room, &name, Restriction::Ban, None).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn mute(
    State(commands): State<Arc<Commands>>,
    _: SiteBackend<Rooms>,
    Path((room, name)): Path<(RoomRef, UserRef)>,
    Json(body): Json<rest::Restriction>,
) -> Result<StatusCode, Problem> {
    impose(&commands, room, &name, Restriction::Mute, body).await
}

async fn unmute(
    State(commands): State<Arc<Commands>>,
    _: SiteBackend<Rooms>,
    Path((room, name)): Path<(RoomRef, UserRef)>,
) -> Result<StatusCode, Problem> {
    commands.restrict_as_site(room, &name, Restriction::Mute, None).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn impose(
    commands: &Commands,
    room: RoomRef,
    name: &UserRef,
    kind: Restriction,
    body: rest::Restriction,
) -> Result<StatusCode, Problem> {
    let rest::Restriction { reason, until } = body;
    commands.restrict_as_site(room, name, kind, Some(Terms { until, reason })).await?;
    Ok(StatusCode::NO_CONTENT)
}
