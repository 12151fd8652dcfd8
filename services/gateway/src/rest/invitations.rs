//! `/v1/rooms/{room}/invitations` and `/v1/invitations/{code}`: invitation links.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use madang_contract::rest::{NewInvitation, routes::invitations as table};
use madang_domain::RoomRef;
use madang_rpc::store::Page;

use super::{
    Routes,
    caller::Caller,
    extract::{Json, Path},
    view::{invitation, page, room as shown_room},
};
use crate::{commands::Commands, http::Problem};

pub(super) fn routes() -> Routes {
    Routes::default()
        .at(&table::MAKE, make)
        .at(&table::LIST, list)
        .at(&table::REVOKE, revoke)
        .at(&table::ACCEPT, accept)
}

async fn make(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Path(room): Path<RoomRef>,
    Json(body): Json<NewInvitation>,
) -> Result<Response, Problem> {
    let NewInvitation { expires_at, uses } = body;
    let made = commands.make_invitation(&caller.actor(), &room, expires_at, uses).await?;
    let shown = madang_contract::rest::Invitation { code: Some(made.code), ..invitation(&made.invitation) };
    Ok((StatusCode::CREATED, axum::Json(shown)).into_response())
}

async fn list(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Path(room): Path<RoomRef>,
) -> Result<Response, Problem> {
    let items = commands.invitations(&caller.actor(), room).await?;
    Ok(axum::Json(page(&Page { items, next: None }, invitation)).into_response())
}

async fn revoke(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Path((room, code)): Path<(RoomRef, String)>,
) -> Result<StatusCode, Problem> {
    commands.revoke_invitation(&caller.actor(), &room, code).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn accept(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Path(code): Path<String>,
) -> Result<Response, Problem> {
    let joined = commands.accept_invitation(&caller.actor(), code).await?;
    Ok(axum::Json(shown_room(&joined)).into_response())
}
