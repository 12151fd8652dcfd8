//! `subscribe` and `unsubscribe`. A subscription first gets the state of the room and the missed events, then
//! live events.

use std::{collections::HashSet, sync::Arc};

use futures_util::future::join_all;
use madang_contract::{self as frames, Answer, RequestId, RoomSince, ServerFrame, Subscribe, SubscribedRoom};
use madang_domain::{Code, Cursor, Error, Result, RoomId, RoomRef, limits};
use madang_rpc::store::Opened;

use super::{answers::ok, inbox};
use crate::{
    admission::Reads,
    commands::Commands,
    log,
    session::{Missed, SessionContext},
};

/// A room of a `subscribe`.
struct Wanted {
    /// The room's name in the request.
    name: RoomRef,
    since: Option<Cursor>,
    /// The room's id, or the reason for a refusal.
    room: Result<RoomId>,
    /// The store has just said that the user is a member.
    is_judged: bool,
}

/// Executes a `subscribe`.
pub(super) async fn subscribe(
    commands: &Arc<Commands>,
    session: &Arc<SessionContext>,
    re: Option<RequestId>,
    request: Subscribe,
) -> Result<()> {
    let inbox = inbox::cursor(request.inbox_since, request.inbox_epoch);
    if !request.rooms.is_empty() {
        session.sockets.user_limits.check_subscriptions(&session.usage)?;
    }
    pay(session, &request)?;
    let (wanted, left_out) = resolve(commands, session, request).await?;
    let mut opened = join_all(wanted.iter().map(|wanted| open(session, wanted))).await;
    // What the answers hold waits for the socket, until it is written.
    let mut budget_bytes = session.first_events_bytes();
    for (_, missed) in opened.iter_mut().flatten() {
        missed.keep_within(&mut budget_bytes);
    }
    for error in opened.iter().filter_map(|opened| opened.as_ref().err()) {
        session.note_refused(error);
    }
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
    for (wanted, opened) in wanted.iter().zip(opened) {
        if let (Ok(room), Ok((_, missed))) = (&wanted.room, opened) {
            catch_up(commands, session, *room, missed).await;
        }
    }
    if inbox.is_some() {
        inbox::follow(Arc::clone(commands), Arc::clone(session), inbox).await;
    }
    Ok(())
}

/// Pays for what a `subscribe` reads: what its names mean, the rooms that it names, and the inbox. Those of `all` are paid
/// for when their number is known, and the pages of what was missed when they are read.
fn pay(session: &SessionContext, request: &Subscribe) -> Result<()> {
    let named = Reads::rooms(request.rooms.len().min(limits::SUBSCRIBE_MAX_ROOMS));
    let inbox = if request.inbox_since.is_some() { Reads::ONE } else { Reads::default() };
    session.sockets.reads.take(&session.actor(), Reads::ONE.and(named).and(inbox))
}

/// Executes an `unsubscribe`. A room without a subscription is not an error.
pub(super) async fn unsubscribe(
    commands: &Commands,
    session: &SessionContext,
    re: Option<RequestId>,
    rooms: Vec<RoomRef>,
) -> Result<()> {
    let mut rooms: Vec<RoomRef> = rooms.into_iter().take(limits::SUBSCRIBE_MAX_ROOMS).collect();
    // One call for all that are not named by their ids.
    let named = rooms.extract_if(.., |room| !matches!(room, RoomRef::Id(_))).collect::<Vec<_>>();
    if !named.is_empty() {
        let resolved = commands.resolve_rooms(&session.actor(), &named).await?;
        let ids: Option<Vec<RoomId>> = resolved.into_iter().collect();
        rooms.extend(ids.ok_or_else(no_such_room)?.into_iter().map(RoomRef::Id));
    }
    for room in rooms {
        let id = commands.room_id(&session.actor(), &room).await?;
        session.rooms().remove(&id);
        session.unsubscribe(id.into()).await;
    }
    ok(session, re, Answer::Done {});
    Ok(())
}

/// The rooms of a request, by id, as far as the socket has room for them; and the number of the user's rooms that
/// are left out.
///
/// All rooms that the request names must fit. Of all the user's rooms, those with the latest activity are taken,
/// since other users also decide how many rooms a user is in.
async fn resolve(
    commands: &Commands,
    session: &SessionContext,
    request: Subscribe,
) -> Result<(Vec<Wanted>, u64)> {
    if request.rooms.len() > limits::SUBSCRIBE_MAX_ROOMS {
        return Err(Error::new(
            Code::TooLarge,
            format!("a subscribe names at most {} rooms; send several", limits::SUBSCRIBE_MAX_ROOMS),
        ));
    }
    if request.rooms.is_empty() && !request.all && request.inbox_since.is_none() {
        return Err(Error::invalid("a subscribe needs rooms, all or inbox_since"));
    }
    let named: Vec<RoomRef> = request.rooms.iter().map(|wanted| wanted.room.clone()).collect();
    let by_slug = named.iter().any(|room| !matches!(room, RoomRef::Id(_)));
    let resolved = if by_slug || request.all {
        commands.room_names.resolve(session.me.id, named.clone(), request.all).await?
    } else {
        Default::default()
    };
    let fitting = resolved.memberships.len().min(session.sockets.settings.max_socket_rooms);
    session.sockets.reads.take(&session.actor(), Reads::rooms(fitting))?;
    let mut wanted = Vec::with_capacity(request.rooms.len() + resolved.memberships.len());
    for (at, RoomSince { room, since, epoch }) in request.rooms.into_iter().enumerate() {
        let id = match room {
            RoomRef::Id(id) => Ok(id),
            RoomRef::Slug(_) | RoomRef::External(_) => {
                resolved.rooms.get(at).copied().flatten().ok_or_else(no_such_room)
            }
        };
        let since = since.map(|seq| Cursor { seq, epoch });
        // A room that is named twice counts once, with the first cursor.
        if !wanted.iter().any(|other: &Wanted| matches!((&other.room, &id), (Ok(a), Ok(b)) if a == b)) {
            wanted.push(Wanted { name: room, since, room: id, is_judged: false });
        }
    }
    let named: Vec<RoomId> = wanted.iter().filter_map(|wanted| wanted.room.as_ref().ok().copied()).collect();
    session.reserve_rooms(&named)?;
    let taken = session.reserve_what_fits(resolved.memberships);
    let left_out = resolved.memberships_total.saturating_sub(taken.len() as u64);
    let named: HashSet<RoomId> = named.into_iter().collect();
    for room in taken.into_iter().filter(|room| !named.contains(room)) {
        let since = request.cursors.get(&room).map(|seq| Cursor { seq: *seq, epoch: None });
        wanted.push(Wanted { name: room.into(), since, room: Ok(room), is_judged: true });
    }
    Ok((wanted, left_out))
}

/// Subscribes to one room and reads its state.
async fn open(session: &SessionContext, wanted: &Wanted) -> Result<(Opened, Missed)> {
    let room = wanted.room.clone()?;
    let judging = async { if wanted.is_judged { Ok(()) } else { session.judge_room(room).await } };
    let opening = session.open_room(room, wanted.since);
    let opened = session.subscribe(room.into(), session.listener(), judging, opening).await;
    if let Err(error) = &opened {
        session.rooms().remove(&room);
        log::failed_request(error);
    }
    opened
}

/// Writes what was missed at the pace of the socket; then the hub delivers what follows.
async fn catch_up(commands: &Commands, session: &SessionContext, room: RoomId, missed: Missed) {
    let head = missed.head;
    session.replay(room.into(), missed).await;
    session.outbox.room().await;
    session.push(&ServerFrame::CaughtUp(frames::CaughtUp { room, seq: head }));
    let profile = commands.presence_profile(&session.profile(), session.usage.hides());
    session.sockets.hubs.activate(room.into(), session.connection, head, profile).await;
}

fn answer<'a>(wanted: &'a Wanted, opened: &'a Result<(Opened, Missed)>) -> SubscribedRoom<'a> {
    match (&wanted.room, opened) {
        (Ok(room), Ok((opened, missed))) => SubscribedRoom::Open {
            room: *room,
            slug: match &wanted.name {
                RoomRef::Slug(slug) => Some(slug.as_str().into()),
                RoomRef::Id(_) | RoomRef::External(_) => None,
            },
            epoch: opened.epoch,
            head: opened.head,
            from: missed.from,
            complete: missed.complete,
            members: opened.member_count,
            role: opened.role,
            read: opened.read,
        },
        (_, Err(error)) | (Err(error), Ok(_)) => SubscribedRoom::Failed {
            room: wanted.name.to_string().into(),
            error: frames::RoomError {
                code: error.code,
                message: error.message.as_ref().into(),
                limit: error.limit.map(|limit| limit.as_str().into()),
                retry_after_ms: error.retry_after_ms(),
            },
        },
    }
}

fn no_such_room() -> Error {
    Error::new(Code::NotFound, "there is no such room")
}
