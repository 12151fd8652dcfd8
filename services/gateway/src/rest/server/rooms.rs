//! Making rooms for the site.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use madang_domain::{Code, Error, ExternalId, RoomName, Slug, UserRef, limits};
use madang_rpc::{
    event::Profile,
    store::{NewRoom, RoomKind, RoomView},
};
use serde::{Deserialize, Serialize};

use super::{Site, extract::Rooms, unknown};
use crate::{
    edge::Edge,
    rest::{
        Problem,
        extract::{Json, Key},
        view::Room,
    },
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Create {
    name: RoomName,
    kind: RoomKind,
    slug: Option<Slug>,
    /// What the site calls the room; of a room that it has made before, that one is the answer.
    external_id: Option<ExternalId>,
    owner: UserRef,
    #[serde(default)]
    members: Vec<UserRef>,
}

/// A room, with what the site calls it.
#[derive(Serialize)]
struct SiteRoom {
    #[serde(flatten)]
    room: Room,
    external_id: Option<String>,
}

impl From<RoomView> for SiteRoom {
    fn from(view: RoomView) -> Self {
        let external_id = view.room.external_id.as_ref().map(ToString::to_string);
        Self { room: Room::from(view), external_id }
    }
}

pub(super) async fn create(
    State(edge): State<Arc<Edge>>,
    _: Site<Rooms>,
    Key(key): Key,
    Json(body): Json<Create>,
) -> Result<Response, Problem> {
    if body.members.len() > limits::ROOM_INITIAL_MEMBERS_MAX {
        let most = limits::ROOM_INITIAL_MEMBERS_MAX;
        return Err(
            Error::new(Code::TooLarge, format!("name at most {most} members; add the rest after")).into()
        );
    }
    let mut names = body.members;
    names.push(body.owner);
    let found: Vec<Arc<Profile>> = edge.auth.find_users(&names).await?.into_iter().map(Arc::new).collect();
    let mut members = names.iter().map(|name| named(&found, name)).collect::<Result<Vec<_>, _>>()?;
    // Named last, and never missing: it was put there above.
    let Some(owner) = members.pop() else { return Err(Error::invalid("name an owner").into()) };
    members.retain(|member| member.id != owner.id);
    let room = NewRoom {
        kind: body.kind,
        name: body.name,
        slug: body.slug,
        external_id: body.external_id,
        members,
        key,
    };
    let changed = edge.store.create_room(owner, room).await?;
    // A room that is new begins with its owner's joining; one that was there has nothing to tell.
    let status = if changed.events.is_empty() { StatusCode::OK } else { StatusCode::CREATED };
    edge.fanout.events(changed.events).await;
    Ok((status, axum::Json(SiteRoom::from(changed.value))).into_response())
}

fn named(found: &[Arc<Profile>], name: &UserRef) -> Result<Arc<Profile>, Error> {
    let is_named = |profile: &&Arc<Profile>| match name {
        UserRef::Id(id) => profile.id == *id,
        UserRef::External(id) => profile.external_id.as_ref() == Some(id),
    };
    found.iter().find(is_named).cloned().ok_or_else(|| unknown(name))
}
