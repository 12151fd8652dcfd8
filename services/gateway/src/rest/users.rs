//! `/v1/users`: profiles.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use madang_contract::rest::{ProfileChanges, UserSettings, UserSettingsChanges, routes::users as table};
use madang_domain::UserId;
use madang_rpc::{Auth, auth::UpdateProfile, store::UserSettings as UserSettingsOf};

use super::{
    Routes,
    extract::{Caller, Json, Path},
    view::account,
};
use crate::{commands::Commands, http::Problem};

pub(super) fn routes() -> Routes {
    Routes::default()
        .at(&table::ME, me)
        .at(&table::UPDATE_ME, update_me)
        .at(&table::GET, user)
        .at(&table::SETTINGS, settings)
        .at(&table::PUT_SETTINGS, put_settings)
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
    let profile = accounts.update_profile(UpdateProfile { user: caller.me.id, name, avatar_url }).await?;
    Ok(axum::Json(account(&profile)).into_response())
}

async fn settings(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
) -> Result<axum::Json<UserSettings>, Problem> {
    let UserSettingsOf { added_by } = commands.user_settings(caller.me.id).await?;
    Ok(axum::Json(UserSettings { added_by }))
}

async fn put_settings(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Json(changes): Json<UserSettingsChanges>,
) -> Result<axum::Json<UserSettings>, Problem> {
    let UserSettingsOf { added_by } = commands.put_user_settings(caller.me.id, changes.added_by).await?;
    Ok(axum::Json(UserSettings { added_by }))
}

async fn user(
    State(commands): State<Arc<Commands>>,
    _: Caller,
    Path(user): Path<UserId>,
) -> Result<Response, Problem> {
    Ok(axum::Json(account(&commands.user(user).await?)).into_response())
}
