//! Notices for a user, wherever the user is.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use madang_contract::rest::{SentNotice, routes::server as table};
use madang_domain::UserRef;
use serde_json::value::RawValue;

use super::extract::{Notices, SiteBackend};
use crate::{
    commands::Commands,
    http::Problem,
    rest::{
        Routes,
        extract::{Json, Key, Path},
    },
};

pub(super) fn routes() -> Routes {
    Routes::default().at(&table::NOTIFY, send)
}

async fn send(
    State(commands): State<Arc<Commands>>,
    _: SiteBackend<Notices>,
    Key(key): Key,
    Path(name): Path<UserRef>,
    Json(data): Json<Box<RawValue>>,
) -> Result<Response, Problem> {
    // As it was posted, to the letter: its numbers and the order of its names are the site's.
    let notice = commands.notify(&name, data.get().into(), key).await?;
    Ok((StatusCode::CREATED, axum::Json(SentNotice { seq: notice.seq, at: notice.at })).into_response())
}
