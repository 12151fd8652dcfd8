//! Telling a user something, wherever the user is.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use madang_domain::{Code, Error, Seq, Timestamp, UserRef, limits::NOTICE_DATA_MAX_BYTES};
use serde::Serialize;
use serde_json::value::RawValue;

use super::{Site, extract::Notices, user};
use crate::{
    edge::Edge,
    rest::{
        Problem,
        extract::{Json, Key, Path},
    },
};

pub(super) async fn send(
    State(edge): State<Arc<Edge>>,
    _: Site<Notices>,
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
    let data: Box<str> = data.get().into();
    if !data.starts_with('{') {
        return Err(Error::invalid("a notice is a JSON object").into());
    }
    if data.len() > NOTICE_DATA_MAX_BYTES {
        let message = format!("a notice has at most {NOTICE_DATA_MAX_BYTES} bytes");
        return Err(Error::new(Code::TooLarge, message).into());
    }
    let changed = edge.store.notify(user(&edge, &name).await?, data, key).await?;
    let sent = Sent { seq: changed.value.seq, at: changed.value.at };
    edge.fanout.events(changed.events).await;
    Ok((StatusCode::CREATED, axum::Json(sent)).into_response())
}
