//! What a socket is opened to: which room, and whether its user may.
//!
//! All of it is judged before the handshake is answered. By then the hub has the socket, and keeps what happens for
//! it; the session lets it out once the handshake is done. So nothing precedes the handshake's end, and nothing that
//! happens after it is missed.

use std::sync::Arc;

use madang_domain::{Code, Error, ExternalId, Result, RoomId, RoomRef, Seq, Slug, TopicId};

use super::dialect::{Channels, Sends};
use crate::{
    commands::Commands,
    formats::{Format, channels::RoomContext, site_names::Room},
    hub::Listener,
    session::SessionContext,
    settings::ChannelsSettings,
};

/// Which of the contract's sockets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Endpoint {
    /// A room's, by the name in the path.
    Room(String),
    /// That of the simple variant, for the one room that it has.
    Simple,
    /// That for the user's own notices.
    Alarm,
}

impl Endpoint {
    /// The format of its frames.
    pub(super) const fn format(&self) -> Format {
        match self {
            Self::Room(_) => Format::Room,
            Self::Simple => Format::Simple,
            Self::Alarm => Format::Alarm,
        }
    }
}

/// Subscribes to what the endpoint is for.
pub(super) async fn open(
    commands: &Arc<Commands>,
    session: &Arc<SessionContext>,
    settings: &ChannelsSettings,
    endpoint: Endpoint,
) -> Result<Channels> {
    session.sockets.user_limits.check_subscriptions(&session.usage)?;
    let (topic, seen, sends) = match endpoint {
        Endpoint::Room(path) => {
            let room = find(commands, session, path).await?;
            let context = RoomContext::new(&room, settings.time_zone.clone());
            let listener = Listener { room_context: Some(Arc::new(context)), ..session.listener() };
            let head = enter(commands, session, room.id, listener).await?;
            (room.id.into(), head, Sends::Addressed(Box::new(room)))
        }
        Endpoint::Simple => {
            let room = commands.default_room(&session.me, &settings.default_room).await?;
            let head = enter(commands, session, room, session.listener()).await?;
            (room.into(), head, Sends::Plain(room))
        }
        Endpoint::Alarm => {
            let topic = TopicId::Inbox(session.me.id);
            let (opened, _) = {
                // Everybody has an inbox.
                let judge = async { Ok(()) };
                session.subscribe(topic, session.listener(), judge, session.open_inbox(None)).await?
            };
            (topic, opened.head, Sends::Nothing)
        }
    };
    Ok(Channels { commands: Arc::clone(commands), topic, seen, sends })
}

/// The room that a path names. The site's own name for it counts before a slug: slugs are anybody's to choose, and
/// nobody shall stand in the way of a room of the site's by choosing its number.
async fn find(commands: &Commands, session: &SessionContext, path: String) -> Result<Room> {
    let id = path.parse().ok().map(RoomRef::Id);
    let external = ExternalId::new(path.as_str()).ok();
    let slug = Slug::new(path.as_str()).ok().map(RoomRef::Slug);
    let names: Vec<RoomRef> = [id, external.map(RoomRef::External), slug].into_iter().flatten().collect();
    let me = session.me.id;
    let resolved = if names.is_empty() { Vec::new() } else { commands.resolve_rooms(me, &names).await? };
    let found = names.into_iter().zip(resolved).find_map(|(name, id)| Some((name, id?)));
    let (name, id) = found.ok_or_else(|| Error::new(Code::NotFound, "there is no such room"))?;
    let external_id = match name {
        RoomRef::External(external) => Some(external),
        RoomRef::Id(_) | RoomRef::Slug(_) => commands.room(me, id.into()).await?.room.external_id,
    };
    Ok(Room { id, external_id, path: path.into() })
}

/// Subscribes to a room, and answers its head. A user who is not a member joins it, where anybody may.
async fn enter(
    commands: &Commands,
    session: &SessionContext,
    room: RoomId,
    listener: Listener,
) -> Result<Seq> {
    let opening = async || match session.open_room(room, None).await {
        Err(error) if error.code == Code::PermissionDenied => {
            commands.join_room(session.actor(), room.into()).await?;
            session.open_room(room, None).await
        }
        opened => opened,
    };
    let judging = async { opening().await.map(drop) };
    let (opened, _) = session.subscribe(room.into(), listener, judging, opening()).await?;
    Ok(opened.head)
}
