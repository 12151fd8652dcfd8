//! Notices for a user, wherever the user is.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::post,
};
use http::StatusCode;
use madang_domain::{Seq, Timestamp, UserRef};
use serde::Serialize;
use serde_json::value::RawValue;

use super::extract::{Notices, SiteBackend};
use crate::{
    commands::Commands,
    http::Problem,
    rest::extract::{Json, Key, Path},
    state::GatewayState,
};

pub(super) fn routes() -> Router<GatewayState> {
    Router::new().route("/users/{user}/notices", post(send))
}

async fn send(
    State(commands): State<Arc<Commands>>,
    _: SiteBackend<Notices>,
    Key(key): Key,
    Path(name): Path<UserRef>,
    Json(data): Json<Box<RawValue>>,
) -> Result<Response, Problem> {
    #[derive(Serialize)]
    struct Sent {
        seq: Seq,
        at: Timestamp,
    }
    // As it was posted, to the letter: its numbers and the order of its names are the site's.
    let notice = commands.notify(&name, data.get().into(), key).await?;
    Ok((StatusCode::CREATED, axum::Json(Sent { seq: notice.seq, at: notice.at })).into_response())
}
