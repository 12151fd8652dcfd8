//! Subscribing: register with the hubs, then read the state, then say what was missed, then go live.
//!
//! The order is what makes it whole. This gateway is a listener of the topic before the store is asked for
//! its head, so an event is either in what the store answers or arrives at the hub after; the hub keeps
//! what arrives behind the catch-up, and drops of it what the catch-up has said.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::join_all;
use madang_contract::{
    self as frames, RequestId, RoomSince, ServerFrame, Subscribe, SubscribedRoom, WireFrame,
};
use madang_domain::{Code, Cursor, Error, Result, RoomId, RoomRef, Seq, limits};
use madang_rpc::store::{Open, Opened};
use serde_json::Map;

use super::{done, presence};
use crate::{session::SessionContext, wire};

/// A room of a `subscribe`, on its way.
struct Wanted {
    /// As the client named it.
    name: RoomRef,
    since: Option<Cursor>,
    /// What came of it so far.
    state: Result<RoomId>,
}

/// Carries out a `subscribe`.
pub(super) async fn subscribe(
    session: &Arc<SessionContext>,
    re: Option<RequestId>,
    request: Subscribe,
) -> Result<()> {
    let inbox = super::inbox::cursor(request.inbox_since, request.inbox_epoch);
    let wanted = resolve(session, request).await?;
    admit(session, &wanted)?;
    let opened = open(session, &wanted).await;
    // Of one room the refusal is the answer; of several, each says its own.
    if let [Err(error)] = opened.as_slice() {
        return Err(error.clone());
    }
    session.push(&ServerFrame::Subscribed(frames::Subscribed {
        re,
        rooms: wanted.iter().zip(&opened).map(|(wanted, opened)| answer(wanted, opened)).collect(),
    }));
    let card = presence::card_of(&session.edge, session);
    for (wanted, opened) in wanted.iter().zip(opened) {
        if let (Ok(room), Ok(opened)) = (&wanted.state, opened) {
            catch_up(session, *room, opened, card.clone()).await;
        }
    }
    if inbox.is_some() {
        super::inbox::follow(Arc::clone(session), inbox).await;
    }
    Ok(())
}

/// Carries out an `unsubscribe`. Rooms that were not subscribed to are no error.
pub(super) async fn unsubscribe(
    session: &SessionContext,
    re: Option<RequestId>,
    rooms: Vec<RoomRef>,
) -> Result<()> {
    for room in rooms.into_iter().take(limits::SUBSCRIBE_MAX_ROOMS) {
        let id = super::send::room_id(&session.edge, session.me.id, &room).await?;
        session.rooms().remove(&id);
        session.edge.hubs.detach(id.into(), session.connection).await;
    }
    done(session, re, Map::new());
    Ok(())
}

/// The rooms that a request means, by id.
async fn resolve(session: &SessionContext, request: Subscribe) -> Result<Vec<Wanted>> {
    if request.rooms.len() > limits::SUBSCRIBE_MAX_ROOMS {
        return Err(Error::new(
            Code::TooLarge,
            format!("a subscribe names at most {} rooms; send several", limits::SUBSCRIBE_MAX_ROOMS),
        ));
    }
    if request.rooms.is_empty() && !request.all && request.inbox_since.is_none() {
        return Err(Error::invalid("name rooms, ask for all, or say inbox_since"));
    }
    let named: Vec<RoomRef> = request.rooms.iter().map(|wanted| wanted.room.clone()).collect();
    let by_slug = named.iter().any(|room| !matches!(room, RoomRef::Id(_)));
    let resolved = if by_slug || request.all {
        session.edge.store.resolve(session.me.id, &named, request.all).await?
    } else {
        Default::default()
    };
    let mut wanted = Vec::with_capacity(request.rooms.len() + resolved.memberships.len());
    for (at, RoomSince { room, since, epoch }) in request.rooms.into_iter().enumerate() {
        let state = match room {
            RoomRef::Id(id) => Ok(id),
            RoomRef::Slug(_) | RoomRef::External(_) => {
                resolved.rooms.get(at).copied().flatten().ok_or_else(no_such_room)
            }
        };
        let since = since.map(|seq| Cursor { seq, epoch });
        // Named twice is meant once; the first cursor counts.
        if !wanted.iter().any(|other: &Wanted| matches!((&other.state, &state), (Ok(a), Ok(b)) if a == b)) {
            wanted.push(Wanted { name: room, since, state });
        }
    }
    let already: std::collections::HashSet<RoomId> =
        wanted.iter().filter_map(|wanted| wanted.state.as_ref().ok().copied()).collect();
    for room in resolved.memberships.into_iter().filter(|room| !already.contains(room)) {
        let since = request.cursors.get(&room).map(|seq| Cursor { seq: *seq, epoch: None });
        wanted.push(Wanted { name: room.into(), since, state: Ok(room) });
    }
    Ok(wanted)
}

/// Notes the subscriptions, within the socket's bound.
fn admit(session: &SessionContext, wanted: &[Wanted]) -> Result<()> {
    let mut rooms = session.rooms();
    let ids: Vec<RoomId> = wanted.iter().filter_map(|wanted| wanted.state.as_ref().ok().copied()).collect();
    let new = ids.iter().filter(|room| !rooms.contains(room)).count();
    let bound = session.edge.settings.max_socket_rooms;
    if rooms.len() + new > bound {
        return Err(Error::new(
            Code::FailedPrecondition,
            format!("a socket listens to at most {bound} rooms; unsubscribe from some, or open another"),
        ));
    }
    rooms.extend(ids);
    Ok(())
}

/// Registers with the hubs, then opens the rooms; what fails leaves its hub again.
async fn open(session: &Arc<SessionContext>, wanted: &[Wanted]) -> Vec<Result<Opened>> {
    let edge = &session.edge;
    let mut listening = Vec::with_capacity(wanted.len());
    for room in wanted.iter().filter_map(|wanted| wanted.state.as_ref().ok()) {
        listening.push(edge.hubs.attach((*room).into(), session.listener()).await);
    }
    // A hub that is gone answers nothing: the gateway is stopping.
    join_all(listening).await;
    let opening = wanted.iter().map(|wanted| async {
        let room = wanted.state.clone()?;
        let open = Open {
            user: session.me.id,
            room,
            since: wanted.since,
            replay_limit: edge.settings.replay_max_events,
        };
        match edge.store.open(open).await {
            Ok(opened) => Ok(opened),
            Err(error) => {
                session.rooms().remove(&room);
                edge.hubs.detach(room.into(), session.connection).await;
                super::log(&error);
                Err(error)
            }
        }
    });
    join_all(opening).await
}

/// Writes what was missed at the pace of the socket, then lets the hub go on from there.
async fn catch_up(session: &SessionContext, room: RoomId, opened: Opened, card: Option<Bytes>) {
    for event in &opened.events {
        if let Some(frame) = wire::event_frame(event) {
            session.outbox.room().await;
            session.outbox.push(frame);
        }
    }
    session.outbox.push(WireFrame::json(&ServerFrame::CaughtUp(frames::CaughtUp { room, seq: opened.head })));
    session.edge.hubs.activate(room.into(), session.connection, opened.head, card).await;
}

fn answer<'a>(wanted: &'a Wanted, opened: &'a Result<Opened>) -> SubscribedRoom<'a> {
    match (&wanted.state, opened) {
        (Ok(room), Ok(opened)) => SubscribedRoom::Open {
            room: *room,
            slug: match &wanted.name {
                RoomRef::Slug(slug) => Some(slug.as_str().into()),
                RoomRef::Id(_) | RoomRef::External(_) => None,
            },
            epoch: opened.epoch,
            head: opened.head,
            from: from(wanted.since, opened),
            complete: opened.complete,
            members: opened.member_count,
            role: wire::role(opened.role),
            read: opened.read,
        },
        (_, Err(error)) | (Err(error), Ok(_)) => SubscribedRoom::Failed {
            room: wanted.name.to_string().into(),
            error: frames::RoomError { code: error.code, message: error.message.as_ref().into() },
        },
    }
}

/// The place after which events follow: the client's cursor where it is whole, else the head.
fn from(since: Option<Cursor>, opened: &Opened) -> Seq {
    match since {
        Some(cursor) if opened.complete => cursor.seq,
        _ => opened.head,
    }
}

fn no_such_room() -> Error {
    Error::new(Code::NotFound, "there is no such room")
}
