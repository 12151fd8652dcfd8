//! One client: a session that outlives its sockets, and the memory of what it hears.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::future::try_join_all;
use madang_client::{
    Backoff, Body, Client as Api, ConnectOptions, Credential, Error as ApiError, Fault, InboxNotice,
    NoticeOf, RoomEvent, Session, SessionEvent, SessionEvents, SessionOptions,
};
use madang_contract::{EventBody, NoticeBody, Presence as PresenceFrame, ServerFrame};
use madang_domain::{Cursor, RoomId, Seq, UserId};
use tokio::{sync::watch, task::JoinHandle};

use super::{ClientLine, Tally, people::Person, stage::Stage};
use crate::{
    error::Result,
    history::{
        ClientHistory, Listening, Notice, Presence, Receipt, RoomIndex, Says, Token, message_digest,
        other_digest,
    },
    watch::Watch,
};

/// How a client behaves, where it differs from the library's defaults.
const BACKOFF: Backoff = Backoff::full_jitter(Duration::from_millis(100), Duration::from_secs(1));
/// A gateway that does not shake hands within it is given up for another one.
const CONNECT_DEADLINE: Duration = Duration::from_secs(3);
/// A socket on which a request is left without an answer for so long is given up. A gateway answers within 5 s, if only
/// to say that the store did not.
const ANSWER_DEADLINE: Duration = Duration::from_secs(6);
/// After this a message counts as unknown.
const SEND_DEADLINE: Duration = Duration::from_secs(30);
/// Tokens are renewed after so much of their life.
const FRESH_FOR_ONE_IN: u32 = 4;
/// Before the first event, or notice.
const BEGINNING: Cursor = Cursor { seq: Seq::START, epoch: None };
/// Messages of one client on their way.
const UNACKNOWLEDGED_MAX: usize = 256;

/// The last places that a client received.
#[derive(Debug, Clone, Default)]
pub struct Heads {
    /// Of each room.
    pub rooms: HashMap<RoomIndex, u64>,
    /// Of each room, of the messages whose mention of the user its inbox has brought.
    pub mentions: HashMap<RoomIndex, u64>,
    /// The session has ended, since its credential counts no longer.
    pub dismissed: bool,
}

/// A client.
#[derive(Debug)]
pub struct Client {
    person: Person,
    session: Session,
    rooms: Vec<RoomIndex>,
    line: ClientLine,
    heads: watch::Receiver<Heads>,
    /// Those that it has had.
    tokens: Mutex<Vec<Token>>,
    remembering: JoinHandle<ClientHistory>,
}

impl Client {
    /// Connects and subscribes to the rooms, from their beginnings.
    pub(super) async fn start(
        person: Person,
        line: ClientLine,
        theirs: &[RoomIndex],
        seed: u64,
        stage: &Stage,
    ) -> Result<Self> {
        let rooms = &stage.rooms;
        let options = SessionOptions {
            connect: ConnectOptions { deadline: CONNECT_DEADLINE, ..ConnectOptions::default() },
            backoff: BACKOFF,
            unacknowledged_max: UNACKNOWLEDGED_MAX,
            send_deadline: SEND_DEADLINE,
            answer_deadline: ANSWER_DEADLINE,
            inbox: Some(BEGINNING),
            seed: Some(seed),
            ..SessionOptions::default()
        };
        let (session, events) = Session::start(line.bases(), Credential::Bearer(person.token()), options);
        let (tell, heads) = watch::channel(Heads::default());
        let known: HashMap<RoomId, RoomIndex> =
            theirs.iter().filter_map(|index| Some((*rooms.get(*index)?, *index))).collect();
        let memory = Memory {
            history: ClientHistory::new(person.id, theirs.to_vec()),
            rooms: known.clone(),
            numbers: rooms.iter().enumerate().map(|(number, room)| (*room, number)).collect(),
            heads: tell,
            tally: Arc::clone(&stage.tally),
            watch: stage.watch,
        };
        let remembering = tokio::spawn(memory.keep(events));
        try_join_all(known.keys().map(|room| session.subscribe(*room, Some(BEGINNING)))).await?;
        let tokens = Mutex::new(vec![Token::given_at(stage.watch.now(), stage.token_life)]);
        Ok(Self { person, session, rooms: theirs.to_vec(), line, heads, tokens, remembering })
    }

    /// Who it is.
    #[must_use]
    pub fn user(&self) -> UserId {
        self.person.id
    }

    /// Its account.
    pub(super) fn person(&self) -> &Person {
        &self.person
    }

    /// To send.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// The rooms that it is in.
    #[must_use]
    pub fn rooms(&self) -> &[RoomIndex] {
        &self.rooms
    }

    /// Its network.
    #[must_use]
    pub fn line(&self) -> &ClientLine {
        &self.line
    }

    /// The last place that it received in each room, as it changes.
    #[must_use]
    pub fn heads(&self) -> watch::Receiver<Heads> {
        self.heads.clone()
    }

    /// Waits until the server has ended its session for good; false where it has not done so in time.
    pub(super) async fn dismissed(&self, within: Duration) -> bool {
        let mut heads = self.heads();
        tokio::time::timeout(within, heads.wait_for(|heads| heads.dismissed))
            .await
            .is_ok_and(|heads| heads.is_ok())
    }

    /// Takes new tokens where the present one is not fresh, for the open socket and those to come. Returns why that was
    /// not possible.
    pub(super) async fn renew(&self, gateway: &Api, token_life: Duration, watch: Watch) -> Option<String> {
        let fresh = token_life / FRESH_FOR_ONE_IN;
        let is_fresh = |token: &Token| watch.now().since(token.given) < fresh;
        if self.tokens().last().is_some_and(is_fresh) {
            return None;
        }
        let renewed = self.renew_now(gateway, token_life, watch).await;
        renewed.err().map(|error| format!("tokens were not renewed in a calm time: {error}"))
    }

    /// Takes new tokens, for the open socket and those to come.
    pub(super) async fn renew_now(
        &self,
        gateway: &Api,
        token_life: Duration,
        watch: Watch,
    ) -> std::result::Result<(), ApiError> {
        self.person.renew(gateway).await?;
        self.tokens().push(Token::given_at(watch.now(), token_life));
        self.session.renew(self.person.token()).await;
        Ok(())
    }

    fn tokens(&self) -> MutexGuard<'_, Vec<Token>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says goodbye, and gives its memory away.
    pub(super) async fn end(self) -> Result<ClientHistory> {
        self.session.close().await;
        drop(self.session);
        let mut history = self.remembering.await?;
        history.tokens = self.tokens.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(history)
    }
}

/// What remembers.
struct Memory {
    history: ClientHistory,
    rooms: HashMap<RoomId, RoomIndex>,
    /// All rooms of the run.
    numbers: HashMap<RoomId, RoomIndex>,
    heads: watch::Sender<Heads>,
    tally: Arc<Tally>,
    watch: Watch,
}

impl Memory {
    async fn keep(mut self, mut events: SessionEvents) -> ClientHistory {
        loop {
            match events.next().await {
                Ok(Some(event)) => self.happened(event),
                Ok(None) => return self.history,
                Err(Fault::Ended(reason)) => {
                    self.history.dismissed = Some((self.watch.now(), reason));
                    self.heads.send_modify(|heads| heads.dismissed = true);
                }
                Err(fault) => self.history.wire.push((self.watch.now(), fault)),
            }
        }
    }

    fn happened(&mut self, event: SessionEvent) {
        match event {
            SessionEvent::Event(event) => self.received(&event),
            SessionEvent::Connected(_) => self.history.connections += 1,
            SessionEvent::Reset { room, .. } => {
                if let Some(room) = self.rooms.get(&room) {
                    self.history.resets.push((self.watch.now(), *room));
                }
            }
            SessionEvent::RoomClosed { room, code, .. } => {
                if let Some(room) = self.rooms.get(&room) {
                    self.history.shut_out.push((self.watch.now(), *room, code));
                }
            }
            SessionEvent::CaughtUp { room, .. } => {
                if let Some(room) = self.rooms.get(&room) {
                    let listening = Listening { room: Some(*room), at: self.watch.now() };
                    self.history.listening.push(listening);
                }
            }
            SessionEvent::Disconnected { .. } => {
                self.history.listening.push(Listening { room: None, at: self.watch.now() });
            }
            SessionEvent::Inbox { missed, .. } => {
                if missed {
                    self.history.inbox_resets.push(self.watch.now());
                }
            }
            SessionEvent::Notice(notice) => self.noticed(&notice),
            SessionEvent::Ephemeral(ServerFrame::Presence(presence)) => self.told(&presence),
            SessionEvent::Ephemeral(_) => {}
        }
    }

    fn noticed(&mut self, notice: &InboxNotice) {
        let says = match &notice.body {
            NoticeOf::Known(NoticeBody::Mention(mention)) => {
                let room = self.numbers.get(&mention.room).copied();
                Says::Mention { room, seq: mention.seq.get() }
            }
            NoticeOf::Known(NoticeBody::Invite(_)) => Says::Invite,
            NoticeOf::Known(
                NoticeBody::Ban(_)
                | NoticeBody::Mute(_)
                | NoticeBody::Dismissed(_)
                | NoticeBody::Reply(_)
                | NoticeBody::Custom(_)
                | NoticeBody::Unknown,
            )
            | NoticeOf::Unknown(_) => Says::Other,
        };
        self.history.notices.push(Notice { seq: notice.seq.get(), says, at: self.watch.now() });
        if let Says::Mention { room: Some(room), seq } = says {
            self.heads.send_modify(|heads| {
                heads.mentions.insert(room, seq);
            });
        }
    }

    fn told(&mut self, told: &PresenceFrame<'_>) {
        let Some(room) = self.rooms.get(&told.room).copied() else { return };
        let at = self.watch.now();
        let changes = told.changes.iter().flatten();
        let changes = changes.map(|change| Presence { room, user: change.user.id, on: change.on, at });
        self.history.presence.extend(changes);
    }

    fn received(&mut self, event: &RoomEvent) {
        // The session hands out what it subscribed to alone.
        let Some(room) = self.rooms.get(&event.room).copied() else { return };
        let seq = event.seq.get();
        let ends = matches!(
            &event.body,
            Body::Known(EventBody::Left { left }) if left.user == self.history.user
        );
        let receipt = Receipt { room, seq, digest: digest(event), ends, at: self.watch.now() };
        self.history.received.push(receipt);
        Tally::add(&self.tally.delivered);
        self.heads.send_modify(|heads| {
            heads.rooms.insert(room, seq);
        });
    }
}

fn digest(event: &RoomEvent) -> u64 {
    match &event.body {
        Body::Known(EventBody::Message { message }) => {
            message_digest(&message.id, message.sender.id, &message.key, &message.text)
        }
        Body::Known(other) => other_digest(other.kind()),
        Body::Unknown(_) => other_digest(EventBody::Unknown.kind()),
    }
}
