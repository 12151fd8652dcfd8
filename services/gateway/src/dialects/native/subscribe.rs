//! `subscribe` and `unsubscribe`: subscribe to the rooms, say where they stand and what was missed, then go live.

use std::{collections::HashSet, sync::Arc};

use bytes::Bytes;
use futures_util::future::join_all;
use madang_contract::{
    self as frames, Answer, RequestId, RoomSince, ServerFrame, Subscribe, SubscribedRoom, WireFrame,
};
use madang_domain::{Code, Cursor, Error, Result, RoomId, RoomRef, Seq, limits};
use madang_rpc::store::{Opened, Resolve};

use super::{answers::ok, inbox};
use crate::{commands::Commands, formats::native, log, session::SessionContext};

/// A room of a `subscribe`.
struct Wanted {
    /// As the client names it.
    name: RoomRef,
    since: Option<Cursor>,
    /// Its id, or why it cannot be subscribed to.
    room: Result<RoomId>,
}

/// Carries out a `subscribe`.
pub(super) async fn subscribe(
    commands: &Arc<Commands>,
    session: &Arc<SessionContext>,
    re: Option<RequestId>,
    request: Subscribe,
) -> Result<()> {
    let inbox = inbox::cursor(request.inbox_since, request.inbox_epoch);
    let (wanted, left_out) = resolve(session, request).await?;
    let opened = join_all(wanted.iter().map(|wanted| open(session, wanted))).await;
    // The refusal of a single room is the answer; of several rooms, each has its own.
    if let [Err(error)] = opened.as_slice() {
        return Err(error.clone());
    }
    // Of a thousand rooms it is a frame as large as what may wait for a socket: nothing else is to wait before it.
    session.outbox.room().await;
    session.push(&ServerFrame::Subscribed(frames::Subscribed {
        re,
        rooms: wanted.iter().zip(&opened).map(|(wanted, opened)| answer(wanted, opened)).collect(),
        left_out: Some(left_out).filter(|rooms| *rooms > 0),
    }));
    let profile = commands.presence_profile(&session.me);
    for (wanted, opened) in wanted.iter().zip(opened) {
        if let (Ok(room), Ok(opened)) = (&wanted.room, opened) {
            catch_up(session, *room, opened, profile.clone()).await;
        }
    }
    if inbox.is_some() {
        inbox::follow(Arc::clone(commands), Arc::clone(session), inbox).await;
    }
    Ok(())
}

/// Carries out an `unsubscribe`. A room that was not subscribed to is no error.
pub(super) async fn unsubscribe(
    commands: &Commands,
    session: &SessionContext,
    re: Option<RequestId>,
    rooms: Vec<RoomRef>,
) -> Result<()> {
    for room in rooms.into_iter().take(limits::SUBSCRIBE_MAX_ROOMS) {
        let id = commands.room_id(session.me.id, &room).await?;
        session.rooms().remove(&id);
        session.unsubscribe(id.into()).await;
    }
    ok(session, re, Answer::Done {});
    Ok(())
}

/// The rooms that a request means, by id, which the socket has place for; and how many of the user's rooms it leaves out.
///
/// The rooms that are named must all have place. Of all the user's rooms those with the latest activity are taken: how
/// many rooms a user is in, others decide too.
async fn resolve(session: &SessionContext, request: Subscribe) -> Result<(Vec<Wanted>, u64)> {
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
        session
            .sockets
            .store
            .resolve(Resolve { user: session.me.id, rooms: named.clone(), memberships: request.all })
            .await?
    } else {
        Default::default()
    };
    let mut wanted = Vec::with_capacity(request.rooms.len() + resolved.memberships.len());
    for (at, RoomSince { room, since, epoch }) in request.rooms.into_iter().enumerate() {
        let id = match room {
            RoomRef::Id(id) => Ok(id),
            RoomRef::Slug(_) | RoomRef::External(_) => {
                resolved.rooms.get(at).copied().flatten().ok_or_else(no_such_room)
            }
        };
        let since = since.map(|seq| Cursor { seq, epoch });
        // A room that is named twice is meant once; the first cursor counts.
        if !wanted.iter().any(|other: &Wanted| matches!((&other.room, &id), (Ok(a), Ok(b)) if a == b)) {
            wanted.push(Wanted { name: room, since, room: id });
        }
    }
    let named: Vec<RoomId> = wanted.iter().filter_map(|wanted| wanted.room.as_ref().ok().copied()).collect();
    session.reserve_rooms(&named)?;
    let taken = session.reserve_what_fits(resolved.memberships);
    let left_out = resolved.memberships_total.saturating_sub(taken.len() as u64);
    let named: HashSet<RoomId> = named.into_iter().collect();
    for room in taken.into_iter().filter(|room| !named.contains(room)) {
        let since = request.cursors.get(&room).map(|seq| Cursor { seq: *seq, epoch: None });
        wanted.push(Wanted { name: room.into(), since, room: Ok(room) });
    }
    Ok((wanted, left_out))
}

/// Subscribes to one room and reads its state.
async fn open(session: &SessionContext, wanted: &Wanted) -> Result<Opened> {
    let room = wanted.room.clone()?;
    let opening = session.open_room(room, wanted.since);
    let opened = session.subscribe(room.into(), session.listener(), opening).await;
    if let Err(error) = &opened {
        session.rooms().remove(&room);
        log::failed_request(error);
    }
    opened
}

/// Writes what was missed at the pace of the socket; then the hub delivers what follows.
async fn catch_up(session: &SessionContext, room: RoomId, opened: Opened, profile: Option<Bytes>) {
    for event in &opened.events {
        if let Some(frame) = native::event_frame(event) {
            session.outbox.room().await;
            session.outbox.push(frame);
        }
    }
    session.outbox.room().await;
    session.outbox.push(WireFrame::json(&ServerFrame::CaughtUp(frames::CaughtUp { room, seq: opened.head })));
    session.sockets.hubs.activate(room.into(), session.connection, opened.head, profile).await;
}

fn answer<'a>(wanted: &'a Wanted, opened: &'a Result<Opened>) -> SubscribedRoom<'a> {
    match (&wanted.room, opened) {
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
            role: opened.role,
            read: opened.read,
        },
        (_, Err(error)) | (Err(error), Ok(_)) => SubscribedRoom::Failed {
            room: wanted.name.to_string().into(),
            error: frames::RoomError { code: error.code, message: error.message.as_ref().into() },
        },
    }
}

/// The sequence number after which events follow: the client's cursor where the replay is complete, else the head.
fn from(since: Option<Cursor>, opened: &Opened) -> Seq {
    match since {
        Some(cursor) if opened.complete => cursor.seq,
        _ => opened.head,
    }
}

fn no_such_room() -> Error {
    Error::new(Code::NotFound, "there is no such room")
}
