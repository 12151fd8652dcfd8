//! `/v1/users`: profiles.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use madang_contract::rest::{ProfileChanges, routes::users as table};
use madang_domain::UserId;

use super::{
    Routes,
    extract::{Caller, Json, Path},
    view::account,
};
use crate::{commands::Commands, http::Problem};

pub(super) fn routes() -> Routes {
    Routes::default().at(&table::ME, me).at(&table::UPDATE_ME, update_me).at(&table::GET, user)
}

async fn me(State(commands): State<Arc<Commands>>, caller: Caller) -> Result<Response, Problem> {
    // The token's profile may be minutes old.
    Ok(axum::Json(account(&commands.user(caller.me.id).await?)).into_response())
}

async fn update_me(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Json(changes): Json<ProfileChanges>,
) -> Result<Response, Problem> {
    let ProfileChanges { name, avatar_url } = changes;
    let profile = commands.update_profile(&caller.actor(), name, avatar_url).await?;
    Ok(axum::Json(account(&profile)).into_response())
}

async fn user(
    State(commands): State<Arc<Commands>>,
    _: Caller,
    Path(user): Path<UserId>,
) -> Result<Response, Problem> {
    Ok(axum::Json(account(&commands.user(user).await?)).into_response())
}
