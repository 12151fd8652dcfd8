//! One client: what it shows, what it does, and what it was told.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use madang_client::{
    Backoff, Client as Api, ConnectOptions, Credential, Error as ApiError, Fault, ReadMark, SendError,
    SentMessage, Session, SessionEvent, SessionEvents, SessionOptions,
};
use madang_domain::{Code, Cursor, RoomId, Seq, UserId};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::{
    deed::{Deed, Scene},
    ledger::Ledger,
    load,
    notices::Notices,
    page::{Own, RoomPage},
    patient::{Outcome, ask},
};

const BACKOFF: Backoff = Backoff::full_jitter(Duration::from_millis(100), Duration::from_secs(1));
/// A gateway that does not shake hands within it is given up for another one.
const CONNECT_DEADLINE: Duration = Duration::from_secs(3);
/// A gateway answers within 5 s, if only to say that the store did not.
const ANSWER_DEADLINE: Duration = Duration::from_secs(6);
/// Before the first notice.
const BEGINNING: Cursor = Cursor { seq: Seq::START, epoch: None };
/// The end of a ban or a mute that has one: after every run.
const LATER: &str = "2100-01-01T00:00:00.000Z";

/// An account and where it is used.
pub struct Person {
    /// The number in the crowd.
    pub number: usize,
    /// The account.
    pub id: UserId,
    /// Its name.
    pub username: String,
    /// The gateways and the ingress, in its name.
    pub places: Vec<Api>,
    /// Its access token.
    pub token: String,
}

/// What a client shows.
#[derive(Default)]
pub struct Shows {
    /// The rooms that it is in.
    pub rooms: HashMap<RoomId, RoomPage>,
    /// The inbox.
    pub notices: Notices,
    /// Rooms to load anew.
    stale: BTreeSet<RoomId>,
    /// The inbox is to be loaded.
    inbox_is_stale: bool,
    /// What must not happen on the wire.
    pub faults: Vec<String>,
    /// The server has ended the session.
    pub ended: bool,
    /// Events that were received.
    pub events: usize,
    /// Sockets that were opened.
    pub connections: usize,
}

/// How often a deed was done, refused, and neither for all that is known.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counts {
    /// Answered.
    pub done: usize,
    /// Refused.
    pub refused: usize,
    /// Unknown.
    pub unknown: usize,
}

/// A client.
pub struct Client {
    /// Who it is.
    pub person: Person,
    /// The rooms that it is in, or returns to.
    pub home: Vec<RoomId>,
    /// What it was told.
    pub ledger: Ledger,
    /// What it did, by kind.
    pub counts: BTreeMap<&'static str, Counts>,
    /// Answers outside of the contract.
    pub broken: Vec<String>,
    /// Whether its user is erased.
    pub is_erased: bool,
    session: Session,
    shows: Arc<Mutex<Shows>>,
    listening: JoinHandle<()>,
    random: StdRng,
    keys: usize,
}

impl Client {
    /// Connects, and loads the rooms that it is in.
    pub async fn start(person: Person, bases: Vec<String>, home: Vec<RoomId>, seed: u64) -> Self {
        let options = SessionOptions {
            connect: ConnectOptions { deadline: CONNECT_DEADLINE, ..ConnectOptions::default() },
            backoff: BACKOFF,
            answer_deadline: ANSWER_DEADLINE,
            inbox: Some(BEGINNING),
            seed: Some(seed),
            ..SessionOptions::default()
        };
        let (session, events) = Session::start(bases, Credential::Bearer(person.token.clone()), options);
        let shows = Arc::new(Mutex::new(Shows::default()));
        let listening = tokio::spawn(listen(events, Arc::clone(&shows)));
        let mut client = Self {
            person,
            home,
            ledger: Ledger::default(),
            counts: BTreeMap::new(),
            broken: Vec::new(),
            is_erased: false,
            session,
            shows,
            listening,
            random: StdRng::seed_from_u64(seed),
            keys: 0,
        };
        client.find_rooms().await;
        client
    }

    /// What it shows now.
    pub fn shows(&self) -> MutexGuard<'_, Shows> {
        self.shows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time until the next deed, in the mean so long.
    pub fn pause(&mut self, mean: Duration) -> Duration {
        const LONGEST: f64 = 5.0;
        let evenly: f64 = self.random.random();
        mean.mul_f64((-(1.0 - evenly).ln()).min(LONGEST))
    }

    /// Loads what it has to load anew.
    pub async fn tend(&mut self) {
        let (stale, inbox_is_stale) = {
            let mut shows = self.shows();
            (std::mem::take(&mut shows.stale), std::mem::take(&mut shows.inbox_is_stale))
        };
        for room in stale {
            self.open(room).await;
        }
        if inbox_is_stale
            && let Some((fresh, _)) = self.ask(|api| async move { load::inbox(&api).await }).await.done()
        {
            let mut shows = self.shows();
            let head = fresh.shown.keys().next_back().copied().unwrap_or_default();
            let later: Vec<_> =
                shows.notices.shown.range(head.next()..).map(|(seq, said)| (*seq, said.clone())).collect();
            shows.notices = fresh;
            shows.notices.shown.extend(later);
        }
    }

    /// Opens the rooms of the user that it does not show: nobody tells of each.
    pub async fn find_rooms(&mut self) {
        let rooms = self.ask(|api| async move { load::rooms(&api).await }).await.done();
        {
            let mut shows = self.shows();
            let unknown: Vec<RoomId> =
                rooms.into_iter().flatten().filter(|room| !shows.rooms.contains_key(room)).collect();
            shows.stale.extend(unknown);
        }
        self.tend().await;
    }

    /// Loads a room and follows it from then on; forgets one that the user is no member of.
    async fn open(&mut self, room: RoomId) {
        self.session.unsubscribe(room).await;
        self.shows().rooms.remove(&room);
        let me = self.person.id;
        let loaded = match self.ask(|api| async move { load::room(&api, me, room).await }).await {
            Outcome::Done(loaded) => loaded,
            // No member any more; or one has become none while it was loaded, and is told so.
            Outcome::Refused(_) | Outcome::Unknown(Some(_)) => return,
            Outcome::Unknown(None) => return self.look_again(room),
            Outcome::Broken(answer) => return self.broken.push(answer),
        };
        let Some(loaded) = loaded else { return };
        let cursor = Cursor { seq: loaded.page.cursor, epoch: None };
        self.shows().rooms.insert(room, loaded.page);
        if self.session.subscribe(room, Some(cursor)).await.is_err() {
            self.shows().rooms.remove(&room);
        }
    }

    fn look_again(&self, room: RoomId) {
        self.shows().stale.insert(room);
    }

    /// Does something.
    pub async fn act(&mut self, people: &HashMap<RoomId, Vec<(UserId, String)>>) {
        let deed = {
            let shows = self.shows.lock().unwrap_or_else(PoisonError::into_inner);
            let scene = Scene {
                me: self.person.id,
                home: &self.home,
                rooms: &shows.rooms,
                notices: &shows.notices,
                people,
            };
            scene.draw(&mut self.random)
        };
        if let Some(deed) = deed {
            self.perform(deed).await;
        }
    }

    /// Erases the user.
    pub async fn erase(&mut self) {
        let outcome = self.command(Method::DELETE, "/v1/users/me".to_owned(), None).await;
        // Whoever asks again after a lost answer is nobody any more.
        let gone = matches!(outcome, Outcome::Done(()) | Outcome::Unknown(Some(Code::Unauthenticated)));
        self.is_erased = gone;
        self.count("erase", &outcome);
    }

    async fn perform(&mut self, deed: Deed) {
        match deed {
            Deed::Say { room, text, reply_to: None, by_session: true } => {
                self.say_by_session(room, &text).await;
            }
            Deed::Say { room, text, reply_to, .. } => {
                self.say(room, text, json!({ "reply_to": reply_to }), "say").await;
            }
            Deed::Reply { room, root, text, in_room } => {
                self.say(room, text, json!({ "thread": root, "in_room": in_room }), "reply").await;
            }
            Deed::Edit { room, message, text } => {
                let path = format!("/v1/rooms/{room}/messages/{message}");
                let outcome = self.command(Method::PATCH, path, Some(json!({ "text": text }))).await;
                if !matches!(outcome, Outcome::Refused(_)) {
                    self.ledger.edited(room, message, &text, matches!(outcome, Outcome::Done(())));
                }
                self.count("edit", &outcome);
            }
            Deed::Delete { room, message } => {
                let path = format!("/v1/rooms/{room}/messages/{message}");
                let outcome = self.command(Method::DELETE, path, None).await;
                if matches!(outcome, Outcome::Done(())) {
                    self.ledger.deleted(room, message);
                }
                self.count("delete", &outcome);
            }
            Deed::React { room, message, emoji, on } => {
                let id = message.to_string();
                let outcome = self
                    .ask(|api| {
                        let id = id.clone();
                        async move { api.react(room, &id, emoji, on).await }
                    })
                    .await;
                if !matches!(outcome, Outcome::Refused(_)) {
                    let is_sure = matches!(outcome, Outcome::Done(()));
                    self.ledger.reacted(room, message, emoji, on, is_sure);
                }
                self.count("react", &outcome);
            }
            Deed::Read { room, seq } => self.read(room, seq).await,
            Deed::ReadInbox { seq } => {
                let outcome = self.ask(|api| async move { api.mark_inbox_read(seq).await }).await;
                self.count("read the inbox", &outcome);
                let mut shows = self.shows();
                match outcome {
                    Outcome::Done(mark) => shows.notices.read = shows.notices.read.max(mark.read),
                    _ => shows.inbox_is_stale = true,
                }
            }
            Deed::Leave { room } => {
                self.told("leave", Method::POST, format!("/v1/rooms/{room}/leave"), None).await;
                self.look_again(room);
            }
            Deed::Join { room } => {
                if self.told("join", Method::POST, format!("/v1/rooms/{room}/join"), None).await {
                    self.look_again(room);
                }
            }
            other => self.command_of(other).await,
        }
    }

    /// Deeds of which the client hears by an event alone.
    async fn command_of(&mut self, deed: Deed) {
        let by = |on: bool| if on { Method::PUT } else { Method::DELETE };
        let imposed = |for_good: bool| if for_good { json!({}) } else { json!({ "until": LATER }) };
        let (what, method, path, body) = match deed {
            Deed::Pin { room, message, on } => {
                ("pin", by(on), format!("/v1/rooms/{room}/pins/{message}"), None)
            }
            Deed::ReadThread { room, root, seq } => {
                let path = format!("/v1/rooms/{room}/threads/{root}/read");
                ("read a thread", Method::PUT, path, Some(json!({ "seq": seq })))
            }
            Deed::Follow { room, root, on } => {
                ("follow a thread", by(on), format!("/v1/rooms/{room}/threads/{root}/follow"), None)
            }
            Deed::Mute { room, user, on, for_good } => {
                let path = format!("/v1/rooms/{room}/members/{user}/mute");
                let method = if on { Method::POST } else { Method::DELETE };
                ("mute", method, path, on.then(|| imposed(for_good)))
            }
            Deed::Ban { room, user, on, for_good } => {
                let path = format!("/v1/rooms/{room}/members/{user}/ban");
                let method = if on { Method::POST } else { Method::DELETE };
                ("ban", method, path, on.then(|| imposed(for_good)))
            }
            Deed::Kick { room, user } => {
                ("remove a member", Method::DELETE, format!("/v1/rooms/{room}/members/{user}"), None)
            }
            Deed::Put { room, user, role } => {
                let path = format!("/v1/rooms/{room}/members/{user}");
                ("put a member", Method::PUT, path, Some(json!({ "role": role })))
            }
            Deed::Rename { room, name } => {
                ("rename", Method::PATCH, format!("/v1/rooms/{room}"), Some(json!({ "name": name })))
            }
            Deed::Dismiss { seq } => ("dismiss", Method::DELETE, format!("/v1/inbox/{seq}"), None),
            Deed::Say { .. }
            | Deed::Reply { .. }
            | Deed::Edit { .. }
            | Deed::Delete { .. }
            | Deed::React { .. }
            | Deed::Read { .. }
            | Deed::ReadInbox { .. }
            | Deed::Leave { .. }
            | Deed::Join { .. } => return,
        };
        self.told(what, method, path, body).await;
    }

    async fn read(&mut self, room: RoomId, seq: Seq) {
        let outcome: Outcome<ReadMark> = self.ask(|api| async move { api.mark_read(room, seq).await }).await;
        self.count("read", &outcome);
        match outcome {
            Outcome::Done(mark) => {
                if let Some(page) = self.shows().rooms.get_mut(&room) {
                    page.read = page.read.max(mark.read);
                }
            }
            Outcome::Refused(_) | Outcome::Unknown(_) | Outcome::Broken(_) => self.look_again(room),
        }
    }

    async fn say_by_session(&mut self, room: RoomId, text: &str) {
        let key = self.key();
        let counts = self.counts.entry("say by the session").or_default();
        match self.session.send_with_key(room, text, &key).await {
            Ok(sent) => {
                counts.done += 1;
                self.ledger.sent(room, &key, sent.seq, text);
            }
            // A session sends again: what is refused at last may have been committed before.
            Err(SendError::Refused { .. }) => counts.refused += 1,
            Err(_) => counts.unknown += 1,
        }
    }

    async fn say(&mut self, room: RoomId, text: String, place: Value, what: &'static str) {
        let key = self.key();
        let mut body = json!({ "text": text, "key": key });
        if let (Some(body), Some(place)) = (body.as_object_mut(), place.as_object()) {
            body.extend(
                place
                    .iter()
                    .filter(|(_, value)| !value.is_null())
                    .map(|(name, value)| (name.clone(), value.clone())),
            );
        }
        let outcome: Outcome<SentMessage> = self
            .ask(|api| {
                let request = api.request(Method::POST, &format!("/v1/rooms/{room}/messages")).json(&body);
                async move { api.call(request).await }
            })
            .await;
        self.count(what, &outcome);
        match outcome {
            Outcome::Done(sent) => self.ledger.sent(room, &key, sent.seq, &text),
            Outcome::Refused(_) => self.ledger.refused(room, &key),
            Outcome::Unknown(_) | Outcome::Broken(_) => {}
        }
    }

    /// Does a command and counts it; whether it was done, as far as is known.
    async fn told(&mut self, what: &'static str, method: Method, path: String, body: Option<Value>) -> bool {
        let outcome = self.command(method, path, body).await;
        self.count(what, &outcome);
        !matches!(outcome, Outcome::Refused(_))
    }

    async fn command(&mut self, method: Method, path: String, body: Option<Value>) -> Outcome<()> {
        self.ask(|api| {
            let request = api.request(method.clone(), &path);
            let request = match &body {
                Some(body) => request.json(body),
                None => request,
            };
            async move { api.call_for_nothing(request).await }
        })
        .await
    }

    /// Asks any place.
    pub async fn ask<T, Call>(&mut self, call: impl FnMut(Api) -> Call) -> Outcome<T>
    where
        Call: Future<Output = Result<T, ApiError>>,
    {
        let first = self.random.random_range(0..self.person.places.len());
        ask(&self.person.places, first, call).await
    }

    fn key(&mut self) -> String {
        self.keys += 1;
        format!("{}-{}", self.person.username, self.keys)
    }

    fn count<T>(&mut self, what: &'static str, outcome: &Outcome<T>) {
        let counts = self.counts.entry(what).or_default();
        match outcome {
            Outcome::Done(_) => counts.done += 1,
            Outcome::Refused(_) => counts.refused += 1,
            Outcome::Unknown(_) => counts.unknown += 1,
            Outcome::Broken(answer) => self.broken.push(format!("{what}: {answer}")),
        }
    }

    /// Says goodbye.
    pub async fn end(self) {
        self.session.close().await;
        self.listening.abort();
    }
}

/// Applies what the session tells.
async fn listen(mut events: SessionEvents, shows: Arc<Mutex<Shows>>) {
    loop {
        let event = match events.next().await {
            Ok(None) => return,
            Ok(Some(event)) => Ok(event),
            Err(fault) => Err(fault),
        };
        let mut shows = shows.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Err(Fault::Ended(_)) => shows.ended = true,
            Err(fault) => shows.faults.push(fault.to_string()),
            Ok(event) => shows.happened(event),
        }
    }
}

impl Shows {
    fn happened(&mut self, event: SessionEvent) {
        match event {
            SessionEvent::Event(event) => {
                self.events += 1;
                let page = self.rooms.get_mut(&event.room);
                if page.is_some_and(|page| page.apply(&event) == Own::Changed) {
                    self.stale.insert(event.room);
                }
            }
            SessionEvent::Notice(notice) => {
                self.events += 1;
                let invited = self.notices.apply(&notice);
                if let Some(room) = invited.filter(|room| !self.rooms.contains_key(room)) {
                    self.stale.insert(room);
                }
            }
            SessionEvent::Connected(_) => self.connections += 1,
            SessionEvent::Reset { room, .. } => {
                self.faults.push(format!("the log of {room} is said to be another one"));
                self.stale.insert(room);
            }
            SessionEvent::RoomClosed { room, .. } => {
                self.stale.insert(room);
            }
            SessionEvent::Inbox { missed, .. } => self.inbox_is_stale |= missed,
            SessionEvent::CaughtUp { .. }
            | SessionEvent::Disconnected { .. }
            | SessionEvent::Ephemeral(_) => {}
        }
    }
}
