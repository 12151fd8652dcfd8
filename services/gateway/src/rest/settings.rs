//! `/v1/rooms/{room}/settings/me`: what a member has set for a room.

use std::sync::Arc;

use axum::extract::State;
use madang_contract::{
    RoomSettings,
    rest::{RoomSettingsChanges, routes::settings as table},
};
use madang_domain::RoomRef;

use super::{
    Routes,
    caller::Caller,
    extract::{Json, Path},
};
use crate::{commands::Commands, formats::native::room_settings, http::Problem};

pub(super) fn routes() -> Routes {
    Routes::default().at(&table::PUT, put)
}

async fn put(
    State(commands): State<Arc<Commands>>,
    caller: Caller,
    Path(room): Path<RoomRef>,
    Json(changes): Json<RoomSettingsChanges>,
) -> Result<axum::Json<RoomSettings>, Problem> {
    let RoomSettingsChanges { notify, muted_until } = changes;
    let set = commands.put_room_settings(&caller.actor(), room, notify, muted_until).await?;
    Ok(axum::Json(room_settings(set.settings)))
}
