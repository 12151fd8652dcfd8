//! `/v1/users`: profiles.

use std::sync::Arc;

use axum::extract::State;
use madang_domain::{AvatarUrl, Code, DisplayName, Error, UserId};
use madang_rpc::event::Profile;
use serde::{Deserialize, Deserializer};

use super::{
    Problem,
    extract::{Caller, Json, Path},
    view::User,
};
use crate::edge::Edge;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Changes {
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

pub(super) async fn me(State(edge): State<Arc<Edge>>, caller: Caller) -> Result<axum::Json<User>, Problem> {
    // The token's profile may be minutes old.
    Ok(axum::Json(User::from(&profile(&edge, caller.me.id).await?)))
}

pub(super) async fn update_me(
    State(edge): State<Arc<Edge>>,
    caller: Caller,
    Json(changes): Json<Changes>,
) -> Result<axum::Json<User>, Problem> {
    let profile = edge.auth.update_profile(caller.me.id, changes.name, changes.avatar_url).await?;
    Ok(axum::Json(User::from(&profile)))
}

pub(super) async fn user(
    State(edge): State<Arc<Edge>>,
    _: Caller,
    Path(user): Path<UserId>,
) -> Result<axum::Json<User>, Problem> {
    Ok(axum::Json(User::from(&profile(&edge, user).await?)))
}

/// A user's profile, by the auth service.
pub(super) async fn profile(edge: &Edge, user: UserId) -> Result<Profile, Error> {
    edge.auth.users(&[user]).await?.pop().ok_or_else(|| Error::new(Code::NotFound, "there is no such user"))
}
