//! `/v1/users`: profiles.

use std::sync::Arc;

use axum::{Router, extract::State, routing::get};
use madang_domain::{AvatarUrl, DisplayName, UserId};
use madang_rpc::{Auth, auth::UpdateProfile};
use serde::{Deserialize, Deserializer};

use super::{
    extract::{Caller, Json, Path},
    view::User,
};
use crate::{commands::Commands, http::Problem, state::GatewayState};

pub(super) fn routes() -> Router<GatewayState> {
    Router::new().route("/users/me", get(me).patch(update_me)).route("/users/{user}", get(user))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Changes {
    name: Option<DisplayName>,
    /// Absent: as it was. Null: none.
    #[serde(default, deserialize_with = "present")]
    avatar_url: Option<Option<AvatarUrl>>,
}

/// Tells a null from an absence.
pub(super) fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(deserializer).map(Some)
}

async fn me(State(commands): State<Arc<Commands>>, caller: Caller) -> Result<axum::Json<User>, Problem> {
    // The token's profile may be minutes old.
    Ok(axum::Json(User::from(&commands.user(caller.me.id).await?)))
}

async fn update_me(
    State(accounts): State<Arc<dyn Auth>>,
    caller: Caller,
    Json(changes): Json<Changes>,
) -> Result<axum::Json<User>, Problem> {
    let profile = accounts
        .update_profile(UpdateProfile {
            user: caller.me.id,
            name: changes.name,
            avatar_url: changes.avatar_url,
        })
        .await?;
    Ok(axum::Json(User::from(&profile)))
}

async fn user(
    State(commands): State<Arc<Commands>>,
    _: Caller,
    Path(user): Path<UserId>,
) -> Result<axum::Json<User>, Problem> {
    Ok(axum::Json(User::from(&commands.user(user).await?)))
}
