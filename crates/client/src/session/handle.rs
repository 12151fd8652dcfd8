//! The handles of a session, and its events.

use std::{fmt, sync::Arc, time::Duration};

use madang_contract::ClientFrame;
use madang_domain::{Cursor, IdempotencyKey, MessageText, RoomId, Seq};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::sync::{Mutex, Semaphore, mpsc, oneshot};

use super::{
    Fault, SendError, Sent, SessionEvent, SessionOptions, SubscribeError, actor, command::Command,
    outbox::Unsent,
};
use crate::socket::Credential;

/// Commands that wait for the actor; a caller waits for room.
const COMMAND_QUEUE: usize = 64;

/// A handle of a session. When the last one is dropped, the session says goodbye and ends.
#[derive(Clone)]
pub struct Session {
    commands: mpsc::Sender<Command>,
    on_their_way: Arc<Semaphore>,
    keys: Arc<Mutex<StdRng>>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("ended", &self.commands.is_closed()).finish_non_exhaustive()
    }
}

impl Session {
    /// Starts a session with the servers at `bases` (`http` addresses, tried in turn; at least one). It
    /// connects by itself, and again whenever the socket is lost.
    ///
    /// The events must be taken: a session whose events wait is slow, and so are its sends.
    #[must_use]
    pub fn start(
        bases: Vec<String>,
        credential: Credential,
        options: SessionOptions,
    ) -> (Self, SessionEvents) {
        let mut random = options.seed.map_or_else(rand::make_rng, StdRng::seed_from_u64);
        let keys = StdRng::from_rng(&mut random);
        let (commands, inbox) = mpsc::channel(COMMAND_QUEUE);
        let (outlet, events) = mpsc::channel(options.event_queue.max(1));
        let on_their_way = Arc::new(Semaphore::new(options.unacknowledged_max));
        tokio::spawn(actor::run(bases, credential, options, random, inbox, outlet));
        let session = Self { commands, on_their_way, keys: Arc::new(Mutex::new(keys)) };
        (session, SessionEvents { events })
    }

    /// Listens to a room, after a cursor or (with none) from now; returns where events begin once the
    /// server has opened it. The subscription is kept through reconnects until [`Session::unsubscribe`].
    ///
    /// # Errors
    /// [`SubscribeError::Refused`] for `not_found`, `permission_denied`; what passes is tried again.
    pub async fn subscribe(&self, room: RoomId, since: Option<Cursor>) -> Result<Cursor, SubscribeError> {
        let (reply, answer) = oneshot::channel();
        let command = Command::Subscribe { room, since, reply };
        self.commands.send(command).await.map_err(|_| SubscribeError::Ended)?;
        answer.await.unwrap_or(Err(SubscribeError::Ended))
    }

    /// Listens to a room no more, and forgets its cursor.
    pub async fn unsubscribe(&self, room: RoomId) {
        // An ended session listens to nothing anyway.
        drop(self.commands.send(Command::Unsubscribe { room }).await);
    }

    /// Sends a message under a fresh key and waits until it is committed. It is sent again, with the
    /// same key, over new connections and after refusals that pass. Messages keep their order where each
    /// is awaited before the next.
    ///
    /// # Errors
    /// See [`SendError`].
    pub async fn send(&self, room: RoomId, text: &str) -> Result<Sent, SendError> {
        let key = format!("{:032x}", self.keys.lock().await.random::<u128>());
        self.send_with_key(room, text, &key).await
    }

    /// [`Session::send`] with a key of the caller's choice.
    ///
    /// # Errors
    /// See [`SendError`].
    pub async fn send_with_key(&self, room: RoomId, text: &str, key: &str) -> Result<Sent, SendError> {
        let text = MessageText::new(text).map_err(|error| SendError::Invalid(error.to_string()))?;
        let key = IdempotencyKey::new(key).map_err(|error| SendError::Invalid(error.to_string()))?;
        let permit = self.on_their_way.clone().acquire_owned().await.map_err(|_| SendError::Ended)?;
        let (reply, answer) = oneshot::channel();
        let unsent = Unsent { room, key, text, reply, permit };
        self.commands.send(Command::Send(unsent)).await.map_err(|_| SendError::Ended)?;
        answer.await.unwrap_or(Err(SendError::Ended))
    }

    /// Says that one types, or has stopped; lost where there is no connection now.
    pub async fn typing(&self, room: RoomId, on: bool) {
        drop(
            self.commands
                .send(Command::Tell(ClientFrame::Typing { room: room.into(), on, thread: None }))
                .await,
        );
    }

    /// Moves the read mark; lost where there is no connection now.
    pub async fn mark_read(&self, room: RoomId, seq: Seq) {
        drop(self.commands.send(Command::Tell(ClientFrame::Read { room: room.into(), seq })).await);
    }

    /// Where one is in a room that is subscribed to: the last event that was handed out.
    pub async fn cursor(&self, room: RoomId) -> Option<Cursor> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(Command::Cursor { room, reply }).await.ok()?;
        answer.await.ok().flatten()
    }

    /// Where one is in one's inbox: the last notice that was handed out.
    pub async fn inbox_cursor(&self) -> Option<Cursor> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(Command::InboxCursor { reply }).await.ok()?;
        answer.await.ok().flatten()
    }

    /// Renews the access token: on the open socket, and for those to come.
    pub async fn renew(&self, access_token: impl Into<String>) {
        drop(self.commands.send(Command::Renew { token: access_token.into() }).await);
    }

    /// Says goodbye and waits until the socket is closed. What is not acknowledged by then fails with
    /// [`SendError::Ended`].
    pub async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.commands.send(Command::Close { done }).await.is_ok() {
            drop(closed.await);
        }
    }
}

/// The events of a session, in order.
#[derive(Debug)]
pub struct SessionEvents {
    events: mpsc::Receiver<Result<SessionEvent, Fault>>,
}

impl SessionEvents {
    /// The next event; `None` after the end.
    ///
    /// # Errors
    /// A [`Fault`]; events may follow, except after [`Fault::Ended`].
    pub async fn next(&mut self) -> Result<Option<SessionEvent>, Fault> {
        self.events.recv().await.transpose()
    }

    /// The next event; `None` after the end or where none comes in time.
    ///
    /// # Errors
    /// As [`SessionEvents::next`].
    pub async fn next_within(&mut self, within: Duration) -> Result<Option<SessionEvent>, Fault> {
        tokio::time::timeout(within, self.next()).await.unwrap_or(Ok(None))
    }
}
