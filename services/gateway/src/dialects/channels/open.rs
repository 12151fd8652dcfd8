//! Opening a socket: which room it is for, and whether its user may enter.
//!
//! All of this is checked before the handshake is answered. By then the hub has the socket and holds its
//! events back. The session releases them once the handshake is complete. So no frame precedes the end of the
//! handshake, and no later event is missed.

use std::{sync::Arc, time::Duration};

use madang_domain::{Code, Error, ExternalId, Result, RoomId, RoomRef, Seq, Slug, TopicId};
use madang_flow_control::RateLimit;

use super::{
    dialect::{Channels, Sends},
    state::ChannelsState,
};
use crate::{
    commands::Commands,
    formats::{Format, channels::RoomContext, site_names::Room},
    hub::Listener,
    session::SessionContext,
};

/// How often the log says that the default room is not public.
const CLOSED_ROOM_TOLD: RateLimit = RateLimit { interval: Duration::from_secs(60), burst: 1 };

/// The kind of socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Endpoint {
    /// A room's socket, with the room's name in the path.
    Room(String),
    /// The socket of the simple variant, for its only room.
    Simple,
    /// The socket for the user's own notices.
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

/// Subscribes to the topic of the endpoint.
pub(super) async fn open(
    state: &ChannelsState,
    session: &Arc<SessionContext>,
    endpoint: Endpoint,
) -> Result<Channels> {
    session.sockets.user_limits.check_subscriptions(&session.usage)?;
    let (commands, settings) = (&state.gateway.commands, &state.settings);
    commands.pay_read(&session.actor())?;
    let (topic, seen, sends) = match endpoint {
        Endpoint::Room(path) => {
            let room = find(commands, session, path).await?;
            let context = RoomContext::new(&room, settings.time_zone.clone());
            let listener = Listener { room_context: Some(Arc::new(context)), ..session.listener() };
            let head = enter(commands, session, room.id, listener).await?;
            (room.id.into(), head, Sends::Addressed(Box::new(room)))
        }
        Endpoint::Simple => {
            let room = commands.default_room(&session.actor(), &settings.default_room).await?;
            let head = match enter(commands, session, room, session.listener()).await {
                Err(error) if error.code == Code::PermissionDenied => {
                    // Its owner may have given the slug up, at another gateway.
                    commands.room_names.forget_name(&RoomRef::Slug(settings.default_room.clone()));
                    return Err(closed_default_room(state, session, room, error).await);
                }
                entered => entered?,
            };
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

/// Why the default room does not let a user in. If it is not public, nobody gets in, and only the operator can
/// change that: the log says how. A user may have taken its slug before the slug was reserved.
async fn closed_default_room(
    state: &ChannelsState,
    session: &SessionContext,
    room: RoomId,
    error: Error,
) -> Error {
    let seen = state.gateway.commands.room(&session.actor(), room.into()).await;
    if !seen.is_err_and(|error| error.code == Code::PermissionDenied) {
        return error;
    }
    let told = state.closed_room_told.take(CLOSED_ROOM_TOLD, session.sockets.user_limits.now_micros());
    if told.is_ok() {
        let slug = state.settings.default_room.as_str();
        tracing::error!(
            slug, %room,
            "the default room of the Channels dialect is not public, and nobody is let in: have the room's owner give \
             the slug up, or set MADANG_CHANNELS_DEFAULT_ROOM to another one"
        );
    }
    Error::unavailable("the default room is not available: the operator must correct its configuration")
}

/// The room that a path names. The site's own id comes before a slug. Anybody can choose a slug, and must not
/// hide a room of the site by choosing its number.
async fn find(commands: &Commands, session: &SessionContext, path: String) -> Result<Room> {
    let id = path.parse().ok().map(RoomRef::Id);
    let external = ExternalId::new(path.as_str()).ok();
    let slug = Slug::new(path.as_str()).ok().map(RoomRef::Slug);
    let names: Vec<RoomRef> = [id, external.map(RoomRef::External), slug].into_iter().flatten().collect();
    let me = session.actor();
    let resolved = if names.is_empty() { Vec::new() } else { commands.resolve_rooms(&me, &names).await? };
    let found = names.into_iter().zip(resolved).find_map(|(name, id)| Some((name, id?)));
    let (name, id) = found.ok_or_else(|| Error::new(Code::NotFound, "there is no such room"))?;
    let external_id = match name {
        RoomRef::External(external) => Some(external),
        RoomRef::Id(_) | RoomRef::Slug(_) => commands.room(&me, id.into()).await?.room.external_id,
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
