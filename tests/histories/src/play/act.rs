//! One action, carried out.

use std::sync::{Arc, atomic::Ordering};

use madang_client::{Client, Incoming};
use madang_contract::{
    self as contract, ClientFrame, OkFrame, RoomSince, ServerFrame, Subscribe, SubscribedRoom,
};
use madang_domain::{Code, Epoch, IdempotencyKey, MessageText, RoomId, Seq, UserId};
use reqwest::Method;
use serde_json::json;

use super::{
    answers::Answer,
    stage::{Play, UsedKey, lock},
};
use crate::{
    Violation,
    case::{Action, By, From, GATEWAYS, Key, USERS},
    gateway::Gateway,
    judge::{Fact, What, facts::text_of},
    tape::{Asked, Entry, Kind, Line},
};

/// The tries of a message whose answer was lost. Each fault is used up by one try, and no case has so many for one.
const TRIES_MAX: usize = 24;
/// A place that no case reaches.
const FUTURE: Seq = Seq::new(1_000_000);

impl Play<'_> {
    /// Does one thing of a step.
    pub(super) async fn act(&self, step: usize, place: usize, action: &Action) -> Result<(), Violation> {
        match action {
            Action::Send { by, room, key } => {
                let key = self.key(step, place, self.user(*by), *room, *key);
                self.send(step, *by, *room, key).await
            }
            Action::Join { user, room, gateway } => {
                let client = self.client(*user, *gateway).await;
                let answer = client.join(self.rooms[*room]).await.map(drop);
                self.changed(step, *user, *room, answer)
            }
            Action::Leave { user, room, gateway } => {
                let client = self.client(*user, *gateway).await;
                let answer = client.leave(self.rooms[*room]).await;
                self.changed(step, *user, *room, answer)
            }
            Action::Put { actor, user, room, role, gateway } => {
                let client = self.client(*actor, *gateway).await;
                let answer = client.put_member(self.rooms[*room], self.id(*user), *role).await.map(drop);
                self.changed(step, *actor, *room, answer)
            }
            Action::Remove { actor, user, room, gateway } => {
                let client = self.client(*actor, *gateway).await;
                let answer = client.remove_member(self.rooms[*room], self.id(*user)).await;
                self.changed(step, *actor, *room, answer)
            }
            Action::Rename { actor, room, name, gateway } => {
                let client = self.client(*actor, *gateway).await;
                let path = format!("/v1/rooms/{}", self.rooms[*room]);
                let request =
                    client.request(Method::PATCH, &path).json(&json!({"name": format!("Room {name}")}));
                let answer = client.call_for_nothing(request).await;
                self.changed(step, *actor, *room, answer)
            }
            Action::Read { by, room, seq } => self.read(step, *by, *room, Seq::new((*seq).into())).await,
            Action::Open { slot, gateway } => {
                lock(&self.lines[*slot]).take();
                self.open(*slot, *gateway).await.map(drop)
            }
            Action::Cut { slot } => {
                if let Some(line) = lock(&self.lines[*slot]).take() {
                    line.cut();
                }
                Ok(())
            }
            Action::Subscribe { slot, rooms } => self.subscribe(step, *slot, rooms).await,
            Action::SubscribeAll { slot, seen } => self.subscribe_all(step, *slot, *seen).await,
            Action::Unsubscribe { slot, room } => {
                let Some(line) = self.line(*slot).await? else { return Ok(()) };
                let room = self.rooms[*room];
                let frame = ClientFrame::Unsubscribe { rooms: vec![room.into()] };
                self.by_socket(line.request(frame, Kind::Unsubscribe(room)).await).map(drop)
            }
            Action::Bus { gateway, fault } => {
                self.gateways[*gateway].read().await.bus.faults().plan(*fault).await;
                Ok(())
            }
            Action::Store { gateway, call, how } => {
                self.excused.fetch_add(1, Ordering::SeqCst);
                self.gateways[*gateway].read().await.store.plan(*call, *how);
                Ok(())
            }
            Action::Kill { gateway } => self.kill(*gateway).await,
        }
    }

    /// Sends a message, again with the same key until it is answered: over the socket first, then by one gateway
    /// and the other in turn.
    pub(super) async fn send(&self, step: usize, by: By, room: usize, key: String) -> Result<(), Violation> {
        let (user, at) = (self.user(by), self.rooms[room]);
        let first = match by {
            By::Rest { gateway, .. } => gateway,
            By::Socket(slot) => slot % GATEWAYS,
        };
        for attempt in 0..TRIES_MAX {
            let answer = match by {
                By::Socket(slot) if attempt == 0 => self.send_by_socket(slot, at, &key).await?,
                By::Socket(_) | By::Rest { .. } => {
                    let client = self.client(user, (first + attempt) % GATEWAYS).await;
                    let answer = client.send_message(at, &text_of(&key), Some(&key)).await;
                    self.by_rest(answer.map(|sent| (sent.seq, sent.duplicate)))?
                }
            };
            match answer {
                Answer::Done((seq, duplicate)) => {
                    self.note(Fact::Acked { step, user: self.id(user), room: at, key, seq, duplicate });
                    return Ok(());
                }
                Answer::Refused(code) => {
                    self.refuse(step, user, at, What::Take, code);
                    return Ok(());
                }
                Answer::Failed => {}
            }
        }
        Err(Violation::Broken(format!("{key} was never answered")))
    }

    async fn send_by_socket(
        &self,
        slot: usize,
        room: RoomId,
        key: &str,
    ) -> Result<Answer<(Seq, bool)>, Violation> {
        let Some(line) = self.line(slot).await? else { return Ok(Answer::Failed) };
        let frame = ClientFrame::Send {
            room: room.into(),
            key: IdempotencyKey::new(key).map_err(Violation::stage)?,
            text: MessageText::new(text_of(key)).map_err(Violation::stage)?,
            reply_to: None,
            attachments: Vec::new(),
            thread: None,
            in_room: false,
            metadata: None,
        };
        match self.by_socket(line.request(frame, Kind::Other).await)? {
            Answer::Done(Incoming::Frame(ServerFrame::Ack(ack))) => {
                Ok(Answer::Done((ack.seq, ack.duplicate)))
            }
            Answer::Done(other) => Err(Violation::Broken(format!("{other:?} answers a send"))),
            Answer::Refused(code) => Ok(Answer::Refused(code)),
            Answer::Failed => Ok(Answer::Failed),
        }
    }

    async fn read(&self, step: usize, by: By, room: usize, seq: Seq) -> Result<(), Violation> {
        let (user, room) = (self.user(by), self.rooms[room]);
        self.note(Fact::Asked { user: self.id(user), room, seq });
        let answer = match by {
            By::Rest { gateway, .. } => {
                let answer = self.client(user, gateway).await.mark_read(room, seq).await;
                self.by_rest(answer.map(|mark| (mark.read, mark.unread)))?
            }
            By::Socket(slot) => {
                let Some(line) = self.line(slot).await? else { return Ok(()) };
                let frame = ClientFrame::Read { room: room.into(), seq };
                match self.by_socket(line.request(frame, Kind::Other).await)? {
                    Answer::Done(Incoming::Ok(OkFrame { answer: contract::Answer::Read(mark), .. })) => {
                        Answer::Done((mark.read, mark.unread))
                    }
                    Answer::Done(other) => {
                        return Err(Violation::Broken(format!("{other:?} answers a read")));
                    }
                    Answer::Refused(code) => Answer::Refused(code),
                    Answer::Failed => Answer::Failed,
                }
            }
        };
        match answer {
            Answer::Done((read, unread)) => self.note(Fact::Mark {
                step,
                user: self.id(user),
                room,
                asked: Some(seq),
                read,
                unread: Some(unread),
            }),
            Answer::Refused(code) => self.refuse(step, user, room, What::Take, code),
            Answer::Failed => {}
        }
        Ok(())
    }

    async fn subscribe(&self, step: usize, slot: usize, rooms: &[(usize, From)]) -> Result<(), Violation> {
        let Some(line) = self.line(slot).await? else { return Ok(()) };
        let (mut wanted, mut asked) = (Vec::new(), Vec::new());
        for (room, from) in rooms {
            let room = self.rooms[*room];
            let seen = self.seen(slot, room);
            let (since, epoch) = match from {
                From::Now => (None, None),
                From::Seen => (Some(seen), Some(self.epoch)),
                From::Older(by) => {
                    (Some(Seq::new(seen.get().saturating_sub((*by).into()))), Some(self.epoch))
                }
                From::Start => (Some(Seq::START), None),
                From::Future => (Some(FUTURE), Some(self.epoch)),
                From::WrongEpoch => (Some(seen), Some(Epoch::new(!self.epoch.get()))),
            };
            wanted.push(RoomSince { room: room.into(), since, epoch });
            asked.push(Asked { room, since, true_epoch: epoch.is_none_or(|epoch| epoch == self.epoch) });
        }
        let frame = ClientFrame::Subscribe(Subscribe { rooms: wanted, ..Subscribe::default() });
        let answer = line.request(frame, Kind::Subscribe(asked.clone())).await;
        self.subscribed(step, &line, &asked, answer)
    }

    async fn subscribe_all(&self, step: usize, slot: usize, seen: bool) -> Result<(), Violation> {
        let Some(line) = self.line(slot).await? else { return Ok(()) };
        let asked: Vec<Asked> = self
            .rooms
            .iter()
            .filter(|_| seen)
            .map(|room| Asked { room: *room, since: Some(self.seen(slot, *room)), true_epoch: true })
            .collect();
        let cursors = asked.iter().filter_map(|asked| Some((asked.room, asked.since?))).collect();
        let frame = ClientFrame::Subscribe(Subscribe { all: true, cursors, ..Subscribe::default() });
        let answer = line.request(frame, Kind::SubscribeAll(asked.clone())).await;
        self.subscribed(step, &line, &[], answer)
    }

    fn subscribed(
        &self,
        step: usize,
        line: &Line,
        asked: &[Asked],
        answer: Result<Incoming, crate::tape::Gone>,
    ) -> Result<(), Violation> {
        let user = line.tape.slot % USERS;
        match self.by_socket(answer)? {
            Answer::Done(Incoming::Frame(ServerFrame::Subscribed(subscribed))) => {
                for room in &subscribed.rooms {
                    match room {
                        SubscribedRoom::Open { room, read, .. } if self.rooms.contains(room) => {
                            let (user, room, read) = (self.id(user), *room, *read);
                            self.note(Fact::Mark { step, user, room, asked: None, read, unread: None });
                        }
                        SubscribedRoom::Open { .. } => {}
                        SubscribedRoom::Failed { room, error } => {
                            let failed = asked.iter().find(|asked| asked.room.to_string() == **room);
                            if let (Some(asked), Code::PermissionDenied) = (failed, error.code) {
                                self.refuse(step, user, asked.room, What::Take, error.code);
                            }
                        }
                    }
                }
            }
            Answer::Done(other) => return Err(Violation::Broken(format!("{other:?} answers a subscribe"))),
            Answer::Refused(code) => {
                if let [asked] = asked {
                    self.refuse(step, user, asked.room, What::Take, code);
                }
            }
            Answer::Failed => {}
        }
        Ok(())
    }

    /// Kills a gateway and starts another in its place.
    async fn kill(&self, number: usize) -> Result<(), Violation> {
        self.excused.fetch_add(1, Ordering::SeqCst);
        let mut place = self.gateways[number].write().await;
        let next = Gateway::start(self.services, &self.network, number).await?;
        for tape in lock(&self.tapes).iter().filter(|tape| tape.gateway == number) {
            tape.end();
        }
        std::mem::replace(&mut *place, next).kill().await;
        Ok(())
    }

    /// The slot's socket; one is opened where there is none that lives.
    async fn line(&self, slot: usize) -> Result<Option<Arc<Line>>, Violation> {
        let line = lock(&self.lines[slot]).clone().filter(|line| !line.tape.is_over());
        match line {
            Some(line) => Ok(Some(line)),
            None => self.open(slot, slot % GATEWAYS).await,
        }
    }

    async fn open(&self, slot: usize, gateway: usize) -> Result<Option<Arc<Line>>, Violation> {
        let Some(line) = self.dial(slot, slot % USERS, gateway).await? else { return Ok(None) };
        let line = Arc::new(line);
        *lock(&self.lines[slot]) = Some(Arc::clone(&line));
        Ok(Some(line))
    }

    /// The last place that a slot's sockets have seen of a room.
    fn seen(&self, slot: usize, room: RoomId) -> Seq {
        let tapes = lock(&self.tapes).clone();
        let mut seen = Seq::START;
        for tape in tapes.iter().filter(|tape| tape.slot == slot) {
            for entry in tape.entries().iter() {
                match entry {
                    Entry::Heard(Incoming::Event(event)) if event.room == room => seen = event.seq,
                    Entry::Heard(Incoming::Frame(ServerFrame::Subscribed(subscribed))) => {
                        for open in &subscribed.rooms {
                            if let SubscribedRoom::Open { room: of, from, .. } = open
                                && *of == room
                            {
                                seen = *from;
                            }
                        }
                    }
                    Entry::Heard(_) | Entry::Sent(..) | Entry::Ended(_) => {}
                }
            }
        }
        seen
    }

    fn key(&self, step: usize, place: usize, user: usize, room: usize, key: Key) -> String {
        let mut keys = lock(&self.keys);
        if let Key::Again(which) = key {
            let used: Vec<&UsedKey> = keys
                .iter()
                .filter(|used| used.step < step && (used.user, used.room) == (user, room))
                .collect();
            if !used.is_empty() {
                return used[usize::from(which) % used.len()].key.clone();
            }
        }
        let key = format!("step-{step}-{place}");
        keys.push(UsedKey { step, user, room, key: key.clone() });
        key
    }

    fn changed(
        &self,
        step: usize,
        user: usize,
        room: usize,
        answer: Result<(), madang_client::Error>,
    ) -> Result<(), Violation> {
        if let Answer::Refused(code) = self.by_rest(answer)? {
            self.refuse(step, user, self.rooms[room], What::Change, code);
        }
        Ok(())
    }

    fn refuse(&self, step: usize, user: usize, room: RoomId, what: What, code: Code) {
        self.note(Fact::Refused { step, user: self.id(user), room, what, code });
    }

    const fn user(&self, by: By) -> usize {
        match by {
            By::Rest { user, .. } => user,
            By::Socket(slot) => slot % USERS,
        }
    }

    fn id(&self, user: usize) -> UserId {
        self.services.people[user].profile.id
    }

    /// A user's REST client at a gateway.
    pub(crate) async fn client(&self, user: usize, gateway: usize) -> Client {
        self.gateways[gateway].read().await.client.with_token(&self.services.people[user].token)
    }
}
