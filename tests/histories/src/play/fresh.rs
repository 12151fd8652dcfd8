//! What a replay from the beginning comes to, against what a fresh fetch says.

use std::collections::BTreeMap;

use madang_client::{Incoming, Room, RoomEvent, RoomMessage};
use madang_contract::{Answer, ClientFrame, OkFrame, RoomSince, ServerFrame, Subscribe};
use madang_domain::{Code, Role, RoomId, Seq, Timestamp, UserId};
use madang_rpc::store::RoomKind;

use super::stage::{Play, first_name};
use crate::{
    Violation,
    case::{GATEWAYS, SLOTS, USERS},
    ensure,
    judge::{Fact, Log, log::State},
    tape::{Asked, Entry, Kind, Line},
};

/// The items of a page here: few, so that there are several pages.
const PAGE_ITEMS: u32 = 7;
/// The rooms of one page: those of this case are the latest.
const ROOMS_PAGE_ITEMS: u32 = 50;

/// Lets everybody fetch everything anew, and compares.
///
/// # Errors
/// When two ways of asking for the same thing differ.
pub(crate) async fn judge(play: &Play<'_>, step: usize) -> Result<(), Violation> {
    let logs = play.logs().await?;
    let everybody = (0..USERS).map(|user| async move { Fetch { play, step, user }.judge().await });
    let fetched: Vec<Vec<Fetched>> = futures_util::future::try_join_all(everybody).await?;
    for fetched in fetched.into_iter().flatten() {
        fetched.judge(&logs[&fetched.room])?;
    }
    Ok(())
}

struct Fetch<'a, 's> {
    play: &'a Play<'s>,
    step: usize,
    user: usize,
}

/// What one user was told of one room, by all ways.
struct Fetched {
    room: RoomId,
    kind: RoomKind,
    user: UserId,
    view: Option<Room>,
    listed: Option<Room>,
    /// By id: the role, and since when.
    members: BTreeMap<UserId, (Role, Timestamp)>,
    messages: Vec<RoomMessage>,
    history: Vec<RoomEvent>,
    replayed: Option<Vec<RoomEvent>>,
}

impl Fetch<'_, '_> {
    async fn judge(self) -> Result<Vec<Fetched>, Violation> {
        let gateway = self.user % GATEWAYS;
        let client = self.play.client(self.user, gateway).await;
        let listed = client.rooms(Some(ROOMS_PAGE_ITEMS), None).await.map_err(|error| broken(&error))?.items;
        let mut all = Vec::new();
        for (number, room) in self.play.rooms.into_iter().enumerate() {
            let kind = if number == 0 { RoomKind::Public } else { RoomKind::Private };
            all.push(self.fetch(room, kind, (number + self.user) % GATEWAYS, &listed).await?);
        }
        Ok(all)
    }

    async fn fetch(
        &self,
        room: RoomId,
        kind: RoomKind,
        gateway: usize,
        listed: &[Room],
    ) -> Result<Fetched, Violation> {
        let client = self.play.client(self.user, gateway).await;
        let user = self.play.services.people[self.user].profile.id;
        let view = match client.room(&room.to_string()).await {
            Ok(view) => Some(view),
            Err(error) if error.code() == Some(Code::PermissionDenied) => None,
            Err(error) => return Err(broken(&error)),
        };
        let mut fetched = Fetched {
            room,
            kind,
            user,
            listed: listed.iter().find(|listed| listed.id == room).cloned(),
            members: BTreeMap::new(),
            messages: Vec::new(),
            history: Vec::new(),
            replayed: None,
            view,
        };
        let is_member = fetched.view.as_ref().is_some_and(|view| view.role.is_some());
        let line = self.play.dial(SLOTS + self.user, self.user, gateway).await?;
        let line = line.ok_or_else(|| Violation::stage("no socket"))?;
        fetched.replayed = self.replay(&line, room).await?;
        if !is_member {
            let refused = client.messages(room, None, None, None).await.err().and_then(|error| error.code());
            ensure!(refused == Some(Code::PermissionDenied), "history for who is no member: {refused:?}");
            return Ok(fetched);
        }
        let mut cursor = None;
        loop {
            let page =
                client.members(room, Some(2), cursor.as_deref()).await.map_err(|error| broken(&error))?;
            fetched.members.extend(page.items.into_iter().map(|m| (m.user.id, (m.role, m.joined_at))));
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        let mut before = None;
        loop {
            let page = client
                .messages(room, before, None, Some(PAGE_ITEMS))
                .await
                .map_err(|error| broken(&error))?;
            before = page.items.last().map(|message| message.seq);
            fetched.messages.extend(page.items);
            if before.is_none() {
                break;
            }
        }
        fetched.history = history(&line, room, Seq::START).await?;
        if let Some(view) = &fetched.view {
            let (read, unread) = (view.read.unwrap_or_default(), view.unread);
            self.play.note(Fact::Mark { step: self.step, user, room, asked: None, read, unread });
        }
        Ok(fetched)
    }

    /// Everything from the beginning, replayed to a socket, or paged where it is too much; none where refused.
    async fn replay(&self, line: &Line, room: RoomId) -> Result<Option<Vec<RoomEvent>>, Violation> {
        let since = Some(Seq::START);
        let wanted = vec![RoomSince { room: room.into(), since, epoch: None }];
        let frame = ClientFrame::Subscribe(Subscribe { rooms: wanted, ..Subscribe::default() });
        let asked = Kind::Subscribe(vec![Asked { room, since, true_epoch: true }]);
        let complete = match line.request(frame, asked).await {
            Ok(Incoming::Frame(ServerFrame::Subscribed(subscribed))) => subscribed
                .rooms
                .iter()
                .any(|room| matches!(room, madang_contract::SubscribedRoom::Open { complete: true, .. })),
            Ok(Incoming::Frame(ServerFrame::Error(error))) if error.code == Code::PermissionDenied => {
                return Ok(None);
            }
            other => return Err(Violation::Broken(format!("{other:?} answers a fresh subscribe"))),
        };
        if !complete {
            return history(line, room, Seq::START).await.map(Some);
        }
        // The next request is carried out when the catch-up has been written.
        let room_ref = ClientFrame::Unsubscribe { rooms: vec![room.into()] };
        if line.request(room_ref, Kind::Unsubscribe(room)).await.is_err() {
            return Err(Violation::Broken("a fresh socket ended".to_owned()));
        }
        let entries = line.tape.entries();
        let events = entries.iter().filter_map(|entry| match entry {
            Entry::Heard(Incoming::Event(event)) if event.room == room => Some(event.clone()),
            Entry::Heard(_) | Entry::Sent(..) | Entry::Ended(_) => None,
        });
        Ok(Some(events.collect()))
    }
}

/// Everything after a place, by pages of history.
async fn history(line: &Line, room: RoomId, mut after: Seq) -> Result<Vec<RoomEvent>, Violation> {
    let mut events = Vec::new();
    loop {
        let frame = ClientFrame::History {
            room: room.into(),
            before: None,
            after: Some(after),
            limit: Some(PAGE_ITEMS),
        };
        let Ok(Incoming::Ok(OkFrame { answer: Answer::History(page), .. })) =
            line.request(frame, Kind::Other).await
        else {
            return Err(Violation::Broken("a page of history was not answered".to_owned()));
        };
        let Some(last) = page.events.last() else { return Ok(events) };
        after = last.seq;
        events.extend(page.events);
    }
}

impl Fetched {
    fn judge(&self, log: &Log) -> Result<(), Violation> {
        let who = format!("{} in {}", self.user, self.room);
        let now = log.last_state();
        let Some(member) = now.members.get(&self.user) else {
            ensure!(self.listed.is_none() && self.replayed.is_none(), "{who}: no member, and shown the room");
            let public = self.kind == RoomKind::Public;
            ensure!(self.view.is_some() == public, "{who}: no member, and sees {:?}", self.view);
            return Ok(());
        };
        let Some(replayed) = &self.replayed else {
            return Err(Violation::Broken(format!("{who}: a member, and refused")));
        };
        ensure!(*replayed == log.events, "{who}: replayed {replayed:?}\nlogged {:?}", log.events);
        ensure!(self.history == log.events, "{who}: history {:?}\nlogged {:?}", self.history, log.events);
        let mut state = State::default();
        for event in replayed {
            state.take(event).map_err(|why| Violation::Broken(format!("{who}: {event:?}: {why}")))?;
        }
        let members: BTreeMap<_, _> =
            state.members.iter().map(|(id, m)| (*id, (m.role, m.joined_at))).collect();
        ensure!(members == self.members, "{who}: events say {members:?}, REST {:?}", self.members);
        let said: Vec<_> = replayed.iter().rev().filter_map(placed).collect();
        let told: Vec<_> = self.messages.iter().map(past).collect();
        ensure!(said == told, "{who}: events say {said:?}, REST {told:?}");
        let name = state.name.as_deref().unwrap_or(first_name(self.kind));
        for view in [&self.view, &self.listed] {
            let Some(view) = view else {
                return Err(Violation::Broken(format!("{who}: a member's room is not shown")));
            };
            let read = view.read.unwrap_or_default();
            let unread = log.unread(self.user, read, log.head());
            ensure!(
                (view.name.as_ref(), view.head, view.members) == (name, log.head(), members.len() as u64),
                "{who}: {view:?}, by events {name}, {}, {members:?}",
                log.head()
            );
            ensure!(view.role.as_ref() == Some(&member.role), "{who}: {view:?}, by events {member:?}");
            ensure!(
                view.unread == Some(unread),
                "{who}: {:?} unread after {read}, counted {unread}",
                view.unread
            );
            ensure!(member.joined <= read && read <= log.head(), "{who}: read {read}, {member:?}");
            let last = view.last_message.as_ref().map(past);
            ensure!(
                last == said.first().cloned(),
                "{who}: last message {last:?}, by events {:?}",
                said.first()
            );
        }
        Ok(())
    }
}

/// A message and its place: seq, time, sender, text, key.
type Placed = (Seq, Timestamp, UserId, String, String);

fn placed(event: &RoomEvent) -> Option<Placed> {
    let said = event.message()?;
    Some((event.seq, event.at, said.sender.id, said.text.to_string(), said.key.to_string()))
}

fn past(message: &RoomMessage) -> Placed {
    (message.seq, message.at, message.sender.id, message.text.to_string(), message.key.to_string())
}

fn broken(error: &madang_client::Error) -> Violation {
    Violation::Broken(format!("a fresh fetch failed: {error}"))
}
