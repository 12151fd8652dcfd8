//! What a socket is opened to: which room, and whether its user may.
//!
//! All of it is judged before the handshake is answered. By then the hub has the socket, and keeps what happens for
//! it; the session lets it out once the handshake is done. So nothing precedes the handshake's end, and nothing that
//! happens after it is missed.

use std::sync::Arc;

use madang_domain::{Code, Error, ExternalId, Result, RoomId, RoomName, RoomRef, Slug, TopicId};
use madang_rpc::store::{NewRoom, Open, OpenInbox, Opened, RoomKind};

use tracing::warn;

use super::{
    dialect::{Reference, Speech},
    frames::Scene,
    names::Room,
};
use crate::{hub::Listener, session::SessionContext};

/// Which of the contract's sockets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// A room's, by the name in the path.
    Room(String),
    /// The simple variant's, of the one room that it has.
    Simple,
    /// The user's own notices.
    Alarm,
}

/// Opens what is wanted; what fails leaves its hub again.
pub(super) async fn open(session: &Arc<SessionContext>, wanted: Wanted) -> Result<Reference> {
    match wanted {
        Wanted::Room(path) => {
            let room = find(session, path).await?;
            let scene = Scene::new(&room, session.edge.settings.reference.time_zone.clone());
            let listener = Listener { scene: Some(Arc::new(scene)), ..session.listener() };
            let opened = enter(session, room.id, listener).await?;
            let (topic, seen) = (room.id.into(), opened.head);
            Ok(Reference { topic, seen, speech: Speech::Addressed(Box::new(room)) })
        }
        Wanted::Simple => {
            let room = default_room(session).await?;
            let opened = enter(session, room, session.listener()).await?;
            Ok(Reference { topic: room.into(), seen: opened.head, speech: Speech::Plain(room) })
        }
        Wanted::Alarm => alarm(session).await,
    }
}

/// The room that a path names. The site's own name for it counts before a slug: slugs are anybody's to choose, and
/// nobody shall stand in the way of a room of the site's by choosing its number.
async fn find(session: &SessionContext, path: String) -> Result<Room> {
    let id = path.parse().ok().map(RoomRef::Id);
    let external = ExternalId::new(path.as_str()).ok();
    let slug = Slug::new(path.as_str()).ok().map(RoomRef::Slug);
    let names: Vec<RoomRef> =
        [id, external.clone().map(RoomRef::External), slug].into_iter().flatten().collect();
    let (edge, me) = (&session.edge, session.me.id);
    let resolved =
        if names.is_empty() { Vec::new() } else { edge.store.resolve(me, &names, false).await?.rooms };
    let found = names.into_iter().zip(resolved).find_map(|(name, id)| Some((name, id?)));
    let (name, id) = found.ok_or_else(|| Error::new(Code::NotFound, "there is no such room"))?;
    let external_id = match name {
        RoomRef::External(external) => Some(external),
        RoomRef::Id(_) | RoomRef::Slug(_) => edge.store.room(me, id.into()).await?.room.external_id,
    };
    Ok(Room { id, external_id, path: path.into() })
}

/// Registers with the room's hub and opens the room. Who is no member joins, where anybody may.
async fn enter(session: &Arc<SessionContext>, room: RoomId, listener: Listener) -> Result<Opened> {
    attach(session, room.into(), listener).await;
    let opened = match open_room(session, room).await {
        Err(error) if error.code == Code::PermissionDenied => match join(session, room).await {
            Ok(()) => open_room(session, room).await,
            Err(error) => Err(error),
        },
        opened => opened,
    };
    if opened.is_err() {
        session.edge.hubs.detach(room.into(), session.connection).await;
    }
    opened
}

async fn attach(session: &SessionContext, topic: TopicId, listener: Listener) {
    let listening = session.edge.hubs.attach(topic, listener).await;
    // A hub that is gone answers nothing: the gateway is stopping.
    let _ = listening.await;
}

async fn open_room(session: &SessionContext, room: RoomId) -> Result<Opened> {
    let edge = &session.edge;
    let replay_limit = edge.settings.replay_max_events;
    edge.store.open(Open { user: session.me.id, room, since: None, replay_limit }).await
}

async fn join(session: &SessionContext, room: RoomId) -> Result<()> {
    let edge = &session.edge;
    let changed = edge.store.join(Arc::clone(&session.me), room.into()).await?;
    edge.fanout.events(changed.events).await;
    Ok(())
}

/// The room of the simple variant; made when it is first asked for.
async fn default_room(session: &SessionContext) -> Result<RoomId> {
    let slug = &session.edge.settings.reference.default_room;
    if let Some(room) = by_slug(session, slug).await? {
        return Ok(room);
    }
    let edge = &session.edge;
    let new = NewRoom {
        kind: RoomKind::Public,
        name: RoomName::new(slug.as_str())?,
        slug: Some(slug.clone()),
        external_id: None,
        members: Vec::new(),
        key: None,
    };
    let made = match edge.store.create_room(Arc::clone(&session.me), new).await {
        Ok(made) => made,
        // Another one was first.
        Err(error) if error.code == Code::AlreadyExists => {
            return by_slug(session, slug).await?.ok_or(error);
        }
        Err(error) => return Err(error),
    };
    let room = made.value.room.id;
    edge.fanout.events(made.events).await;
    // The room is nobody's: who happened to be first is to be a member like all others.
    match edge.store.leave(Arc::clone(&session.me), room.into()).await {
        Ok(left) => edge.fanout.events(left.events).await,
        // Somebody came in between, and a room with members keeps an owner.
        Err(error) => warn!(%error, %room, "the default room is owned by whom it was made for"),
    }
    Ok(room)
}

async fn by_slug(session: &SessionContext, slug: &Slug) -> Result<Option<RoomId>> {
    let names = [RoomRef::Slug(slug.clone())];
    let resolved = session.edge.store.resolve(session.me.id, &names, false).await?;
    Ok(resolved.rooms.into_iter().next().flatten())
}

async fn alarm(session: &Arc<SessionContext>) -> Result<Reference> {
    let (edge, user) = (&session.edge, session.me.id);
    let topic = TopicId::Inbox(user);
    attach(session, topic, session.listener()).await;
    let replay_limit = edge.settings.replay_max_events;
    match edge.store.open_inbox(OpenInbox { user, since: None, replay_limit }).await {
        Ok(opened) => Ok(Reference { topic, seen: opened.head, speech: Speech::Silent }),
        Err(error) => {
            edge.hubs.detach(topic, session.connection).await;
            Err(error)
        }
    }
}
