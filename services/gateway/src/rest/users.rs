//! `/v1/users`: profiles.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use madang_contract::rest::{ProfileChanges, routes::users as table};
use madang_domain::UserId;
use madang_rpc::{Auth, auth::UpdateProfile};

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
    State(accounts): State<Arc<dyn Auth>>,
    caller: Caller,
    Json(changes): Json<ProfileChanges>,
) -> Result<Response, Problem> {
    let ProfileChanges { name, avatar_url } = changes;
    let change = UpdateProfile { user: caller.me.id, name, avatar_url, presented: caller.presented() };
    let profile = accounts.update_profile(change).await?;
    Ok(axum::Json(account(&profile)).into_response())
}

async fn user(
    State(commands): State<Arc<Commands>>,
    _: Caller,
    Path(user): Path<UserId>,
) -> Result<Response, Problem> {
    Ok(axum::Json(account(&commands.user(user).await?)).into_response())
}
