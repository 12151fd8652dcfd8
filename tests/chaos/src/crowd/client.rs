//! One client: a session that outlives its sockets, and the memory of what it hears.

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures_util::future::try_join_all;
use madang_client::{
    Backoff, Body, ConnectOptions, Credential, Fault, RoomEvent, Session, SessionEvent, SessionEvents,
    SessionOptions,
};
use madang_contract::EventBody;
use madang_domain::{Cursor, RoomId, Seq, UserId};
use tokio::{sync::watch, task::JoinHandle};

use super::{ClientLine, Tally, people::Person};
use crate::{
    error::Result,
    history::{ClientHistory, Receipt, RoomIndex, message_digest, other_digest},
    watch::Watch,
};

/// How a client behaves, where it differs from the library's defaults.
const BACKOFF: Backoff = Backoff { first: Duration::from_millis(100), most: Duration::from_secs(1) };
/// A gateway that does not shake hands within it is given up for another one.
const CONNECT_DEADLINE: Duration = Duration::from_secs(3);
/// A socket on which a request is left without an answer for so long is given up. A gateway answers within 5 s, if only
/// to say that the store did not.
const ANSWER_DEADLINE: Duration = Duration::from_secs(6);
/// After this a message counts as unknown.
const SEND_DEADLINE: Duration = Duration::from_secs(30);
/// Messages of one client on their way.
const UNACKNOWLEDGED_MAX: usize = 256;

/// The last place that a client received, by room.
pub type Heads = HashMap<RoomIndex, u64>;

/// A client.
#[derive(Debug)]
pub struct Client {
    user: UserId,
    session: Session,
    rooms: Vec<RoomIndex>,
    line: ClientLine,
    heads: watch::Receiver<Heads>,
    remembering: JoinHandle<ClientHistory>,
}

impl Client {
    /// Connects and subscribes to the rooms, from their beginnings.
    pub(super) async fn start(
        person: Person,
        line: ClientLine,
        theirs: &[RoomIndex],
        rooms: &[RoomId],
        seed: u64,
        tally: Arc<Tally>,
        watch: Watch,
    ) -> Result<Self> {
        let options = SessionOptions {
            connect: ConnectOptions { deadline: CONNECT_DEADLINE, ..ConnectOptions::default() },
            backoff: BACKOFF,
            unacknowledged_max: UNACKNOWLEDGED_MAX,
            send_deadline: SEND_DEADLINE,
            answer_deadline: ANSWER_DEADLINE,
            seed: Some(seed),
            ..SessionOptions::default()
        };
        let (session, events) = Session::start(line.bases(), Credential::Bearer(person.token), options);
        let (tell, heads) = watch::channel(Heads::new());
        let known: HashMap<RoomId, RoomIndex> =
            theirs.iter().filter_map(|index| Some((*rooms.get(*index)?, *index))).collect();
        let memory = Memory {
            history: ClientHistory::new(person.id, theirs.to_vec()),
            rooms: known.clone(),
            heads: tell,
            tally,
            watch,
        };
        let remembering = tokio::spawn(memory.keep(events));
        let beginning = Some(Cursor { seq: Seq::START, epoch: None });
        try_join_all(known.keys().map(|room| session.subscribe(*room, beginning))).await?;
        Ok(Self { user: person.id, session, rooms: theirs.to_vec(), line, heads, remembering })
    }

    /// Who it is.
    #[must_use]
    pub fn user(&self) -> UserId {
        self.user
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

    /// Says goodbye, and gives its memory away.
    pub(super) async fn end(self) -> Result<ClientHistory> {
        self.session.close().await;
        drop(self.session);
        Ok(self.remembering.await?)
    }
}

/// What remembers.
struct Memory {
    history: ClientHistory,
    rooms: HashMap<RoomId, RoomIndex>,
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
                Err(Fault::Ended(reason)) => self.history.dismissed = Some((self.watch.now(), reason)),
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
            SessionEvent::Disconnected { .. }
            | SessionEvent::CaughtUp { .. }
            | SessionEvent::Inbox { .. }
            | SessionEvent::Notice(_)
            | SessionEvent::Ephemeral(_) => {}
        }
    }

    fn received(&mut self, event: &RoomEvent) {
        // The session hands out what it subscribed to alone.
        let Some(room) = self.rooms.get(&event.room).copied() else { return };
        let seq = event.seq.get();
        let receipt = Receipt { room, seq, digest: digest(event), at: self.watch.now() };
        self.history.received.push(receipt);
        Tally::add(&self.tally.delivered);
        self.heads.send_modify(|heads| {
            heads.insert(room, seq);
        });
    }
}

fn digest(event: &RoomEvent) -> u64 {
    match &event.body {
        Body::Known(EventBody::Message { message }) => {
            message_digest(&message.id, message.sender.id, &message.key, &message.text)
        }
        Body::Known(EventBody::Joined { .. }) => other_digest("joined"),
        Body::Known(EventBody::Left { .. }) => other_digest("left"),
        Body::Known(EventBody::Role { .. }) => other_digest("role"),
        Body::Known(EventBody::Room { .. }) => other_digest("room"),
        Body::Known(EventBody::Unknown) | Body::Unknown(_) => other_digest("unknown"),
    }
}
