//! `/v1/users`: profiles.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use madang_contract::{
    UserSettings,
    rest::{PageQuery, ProfileChanges, SetStatus, StatusChange, UserSettingsChanges, routes::users as table},
};
use madang_domain::UserId;
use madang_rpc::{
    auth::UpdateProfile,
    store::{PutUserSettings, Status},
};

use super::{
    Routes,
    caller::Caller,
    extract::{Json, Path, Query, page_query},
    view::{account, blocked_user, page, person},
};
use crate::{
    commands::Commands,
    formats::native::{self, user_settings},
    http::Problem,
};

pub(super) fn routes() -> Routes {
    Routes::default()
        .at(&table::ME, me)
        .at(&table::UPDATE_ME, update_me)
        .at(&table::GET, user)
        .at(&table::SETTINGS, settings)
        .at(&table::PUT_SETTINGS, put_settings)
        .at(&table::PUT_STATUS, put_status)
        .at(&table::BLOCKED, blocked)
        .at(&table::BLOCK, block)
        .at(&table::UNBLOCK, unblock)
}

async fn me(State(commands): State<Arc<Commands>>, caller: Caller) -> Result<Response, Problem> {
    // The token's profile may be minutes old.
    let (profile, seen) = commands.read_person(&caller.actor(), caller.me.id).await?;
    Ok(axum::Json(person(&profile, seen.as_ref())).into_response())
}

async fn update_me(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Json(changes): Json<ProfileChanges>,
) -> Result<Response, Problem> {
    let ProfileChanges { name, avatar_url } = changes;
    let change = UpdateProfile { user: caller.me.id, name, avatar_url, presented: caller.presented() };
    let profile = commands.update_profile(&caller.actor(), change).await?;
    Ok(axum::Json(account(&profile)).into_response())
}

async fn settings(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
) -> Result<axum::Json<UserSettings>, Problem> {
    Ok(axum::Json(user_settings(commands.user_settings(&caller.actor()).await?)))
}

async fn put_settings(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Json(changes): Json<UserSettingsChanges>,
) -> Result<axum::Json<UserSettings>, Problem> {
    let UserSettingsChanges { added_by, do_not_disturb_until, presence, last_seen, typing } = changes;
    let change = PutUserSettings {
        user: caller.me.id,
        added_by,
        do_not_disturb_until,
        hides_presence: presence.map(|shown| !shown),
        hides_last_seen: last_seen.map(|shown| !shown),
        hides_typing: typing.map(|shown| !shown),
    };
    let set = commands.put_user_settings(&caller.actor(), change).await?;
    Ok(axum::Json(user_settings(set)))
}

async fn put_status(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Json(change): Json<StatusChange>,
) -> Result<axum::Json<SetStatus>, Problem> {
    let StatusChange { text, until } = change;
    let status = text.map(|text| Status { text, until });
    commands.put_status(&caller.actor(), status.clone()).await?;
    Ok(axum::Json(SetStatus { status: status.as_ref().map(native::status) }))
}

async fn blocked(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Query(query): Query<PageQuery>,
) -> Result<Response, Problem> {
    let blocked = commands.blocked(&caller.actor(), page_query(query.limit, query.cursor)?).await?;
    Ok(axum::Json(page(&blocked, blocked_user)).into_response())
}

async fn block(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Path(user): Path<UserId>,
) -> Result<StatusCode, Problem> {
    commands.block(&caller.actor(), user).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn unblock(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Path(user): Path<UserId>,
) -> Result<StatusCode, Problem> {
    commands.unblock(&caller.actor(), user).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn user(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Path(user): Path<UserId>,
) -> Result<Response, Problem> {
    let (profile, seen) = commands.read_person(&caller.actor(), user).await?;
    Ok(axum::Json(person(&profile, seen.as_ref())).into_response())
}
