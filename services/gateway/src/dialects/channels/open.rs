//! What a socket is opened to: which room, and whether its user may.
//!
//! All of it is judged before the handshake is answered. By then the hub has the socket, and keeps what happens for
//! it; the session lets it out once the handshake is done. So nothing precedes the handshake's end, and nothing that
//! happens after it is missed.

use std::{sync::Arc, time::Duration};

use madang_domain::{Code, Error, ExternalId, Result, RoomId, RoomRef, Slug, TopicId};
use madang_flow_control::RateLimit;
use madang_rpc::store::Opened;

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
    state: &ChannelsState,
    session: &Arc<SessionContext>,
    endpoint: Endpoint,
) -> Result<Channels> {
    let (commands, settings) = (&state.gateway.commands, &state.settings);
    let (topic, seen, sends) = match endpoint {
        Endpoint::Room(path) => {
            let room = find(commands, session, path).await?;
            let context = RoomContext::new(&room, settings.time_zone.clone());
            let listener = Listener { room_context: Some(Arc::new(context)), ..session.listener() };
            let opened = enter(commands, session, room.id, listener).await?;
            (room.id.into(), opened.head, Sends::Addressed(Box::new(room)))
        }
        Endpoint::Simple => {
            let room = commands.default_room(&session.me, &settings.default_room).await?;
            let opened = match enter(commands, session, room, session.listener()).await {
                Err(error) if error.code == Code::PermissionDenied => {
                    return Err(closed_default_room(state, session, room, error).await);
                }
                opened => opened?,
            };
            (room.into(), opened.head, Sends::Plain(room))
        }
        Endpoint::Alarm => {
            let topic = TopicId::Inbox(session.me.id);
            let opened = session.subscribe(topic, session.listener(), session.open_inbox(None)).await?;
            (topic, opened.head, Sends::Nothing)
        }
    };
    Ok(Channels { commands: Arc::clone(commands), topic, seen, sends })
}

/// Why the default room does not let a user in. Where it is not public, as a room may be whose user took the slug before
/// it was reserved, nobody comes in, and only the operator can mend that: the log says how.
async fn closed_default_room(
    state: &ChannelsState,
    session: &SessionContext,
    room: RoomId,
    error: Error,
) -> Error {
    let seen = state.gateway.commands.room(session.me.id, room.into()).await;
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
    Error::unavailable("the default room is not open to anybody: its operator has to mend that")
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

/// Subscribes to a room. A user who is not a member joins it, where anybody may.
async fn enter(
    commands: &Commands,
    session: &SessionContext,
    room: RoomId,
    listener: Listener,
) -> Result<Opened> {
    let opening = async {
        match session.open_room(room, None).await {
            Err(error) if error.code == Code::PermissionDenied => {
                commands.join_room(Arc::clone(&session.me), room.into()).await?;
                session.open_room(room, None).await
            }
            opened => opened,
        }
    };
    session.subscribe(room.into(), listener, opening).await
}
