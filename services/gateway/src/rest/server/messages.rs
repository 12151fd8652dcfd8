//! Saying something as any user.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use madang_domain::{Code, IdempotencyKey, MessageText, RoomRef, UserRef};
use madang_kit::clock::new_id;
use madang_rpc::{
    auth::Scope,
    event::{Profile, Role},
    store::Authority,
};
use serde::Deserialize;

use super::{Site, extract::Messages, user};
use crate::{
    commands::{self, NewMessage},
    edge::Edge,
    rest::{
        Problem,
        extract::{Json, Key, Path},
        messages::Sent,
    },
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Send {
    user: UserRef,
    text: MessageText,
    key: Option<IdempotencyKey>,
    /// Who is no member becomes one first.
    #[serde(default)]
    join: bool,
}

pub(super) async fn send(
    State(edge): State<Arc<Edge>>,
    site: Site<Messages>,
    Key(header): Key,
    Path(room): Path<RoomRef>,
    Json(body): Json<Send>,
) -> Result<Response, Problem> {
    if body.join {
        site.also(Scope::Rooms)?;
    }
    let actor = user(&edge, &body.user).await?;
    let id = commands::room_id(&edge, actor.id, &room).await?;
    // Without a key each request is a message of its own; of the two tries below, one is.
    let key = match body.key.or(header) {
        Some(key) => key,
        None => IdempotencyKey::new(new_id(&*edge.clock, &*edge.random).to_string())?,
    };
    let message =
        || NewMessage { key: key.clone(), text: body.text.clone(), reply_to: None, attachments: Vec::new() };
    let appended = match commands::say(&edge, &actor, id, message()).await {
        Err(error) if error.code == Code::PermissionDenied && body.join => {
            join(&edge, &actor, id.into()).await?;
            commands::say(&edge, &actor, id, message()).await?
        }
        said => said?,
    };
    Ok((StatusCode::CREATED, axum::Json(Sent::from(appended))).into_response())
}

/// Makes a user who is no member a plain one. Tried after the message was refused, never before: a member's role
/// is not to be touched.
async fn join(edge: &Edge, user: &Arc<Profile>, room: RoomRef) -> Result<(), Problem> {
    let (actor, user) = (Arc::clone(user), Arc::clone(user));
    let changed = edge.store.put_member(actor, Authority::Site, room, user, Role::Member).await?;
    edge.fanout.events(changed.events).await;
    Ok(())
}
