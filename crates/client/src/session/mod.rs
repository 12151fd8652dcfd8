//! A conversation that outlives its sockets.
//!
//! ```text
//!  Session (handles) ──commands──▶ actor ──frames──▶ Link (waiting | connecting | open)
//!  SessionEvents     ◀──events────   │                │
//!                                   Core  ◀───────────┘   rooms, unacknowledged sends; no I/O
//! ```
//!
//! [`core`] decides, [`actor`] does. A room's continuity is judged in [`room`], what is not acknowledged
//! waits in [`outbox`].

mod actor;
mod core;
mod inbox;
mod outbox;
mod requests;
mod room;

#[cfg(test)]
mod tests;

use std::{fmt, sync::Arc, time::Duration};

use madang_contract::{ClientFrame, ErrorFrame, Hello, Inbox, ServerFrame};
use madang_domain::{Code, Cursor, Epoch, IdempotencyKey, MessageText, RoomId, Seq, Timestamp};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::sync::{Mutex, Semaphore, mpsc, oneshot};

use crate::{
    backoff::Backoff,
    socket::{Close, ConnectOptions, Credential, InboxNotice, RoomEvent, SocketError},
};

/// Commands that wait for the actor; a caller waits for room.
const COMMAND_QUEUE: usize = 64;

/// How a session behaves.
#[derive(Debug, Clone)]
pub struct SessionOptions {
    /// Each handshake.
    pub connect: ConnectOptions,
    /// The pause between tries, where the server names none.
    pub backoff: Backoff,
    /// Events that wait to be taken. When it is full, the socket is read no further; a server may then
    /// close it as too slow, and the session resumes from its cursors.
    pub event_queue: usize,
    /// Sends that may be on their way at once; the next one waits.
    pub unacknowledged_max: usize,
    /// How long a send may take, over all its tries.
    pub send_deadline: Duration,
    /// How long a server may leave a request without an answer before the connection counts as dead.
    pub answer_deadline: Duration,
    /// Where the user's inbox is to be followed from; none means from now.
    pub inbox: Option<Cursor>,
    /// The seed of keys and delays, for repeatable tests; none means the system's randomness.
    pub seed: Option<u64>,
}

impl Default for SessionOptions {
    fn default() -> Self {
        Self {
            connect: ConnectOptions::default(),
            backoff: Backoff::default(),
            event_queue: 1_024,
            unacknowledged_max: 256,
            send_deadline: Duration::from_secs(30),
            answer_deadline: Duration::from_secs(10),
            inbox: None,
            seed: None,
        }
    }
}

/// What a session tells.
#[derive(Debug, Clone, PartialEq)]
pub enum SessionEvent {
    /// A socket is open; subscriptions are on their way.
    Connected(Hello<'static>),
    /// The socket is lost.
    Disconnected {
        /// How.
        close: Close,
        /// When the next one is tried.
        retry_in: Duration,
    },
    /// Something happened in a room: the one after the last that was handed out.
    Event(RoomEvent),
    /// What was missed in a room has been handed out.
    CaughtUp {
        /// Where.
        room: RoomId,
        /// Up to where.
        seq: Seq,
    },
    /// The room's log is another one than the cursor belongs to (a database was restored). What was
    /// learnt of the room is void; events go on after `from`.
    Reset {
        /// Where.
        room: RoomId,
        /// The history now.
        epoch: Epoch,
        /// The place after which events follow.
        from: Seq,
    },
    /// A room that was subscribed to is open no more.
    RoomClosed {
        /// Which.
        room: RoomId,
        /// Why.
        code: Code,
        /// The server's words.
        message: String,
    },
    /// The user's inbox is followed, and stands so.
    Inbox {
        /// As the server said it.
        stands: Inbox,
        /// More was missed than is replayed, or cannot be known: `GET /v1/inbox` has it.
        missed: bool,
    },
    /// Something that concerns the user alone: the one after the last that was handed out.
    Notice(InboxNotice),
    /// Something that is not in a log: `read`, `typing`.
    Ephemeral(ServerFrame<'static>),
}

/// What must not happen. The session heals what it can (it pages history over a gap) and says so all the
/// same, for such a thing is a defect of the server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Events are missing on a connection, or in a page of history.
    #[error("gap in {room}: expected {expected}, got {got}")]
    Gap {
        /// Where.
        room: RoomId,
        /// The place that should have come.
        expected: Seq,
        /// The place that came.
        got: Seq,
    },
    /// An event came again on one connection, or out of order.
    #[error("repeat in {room}: {got} after {last}")]
    Repeat {
        /// Where.
        room: RoomId,
        /// The last place that had come.
        last: Seq,
        /// The place that came.
        got: Seq,
    },
    /// A replay does not begin at the cursor.
    #[error("replay in {room} from {from}, though {cursor} was asked for")]
    WrongStart {
        /// Where.
        room: RoomId,
        /// The cursor that was sent.
        cursor: Seq,
        /// Where the server says it begins.
        from: Seq,
    },
    /// History ends before the place that the server has named as its head.
    #[error("history of {room} ends at {at}, before {head}")]
    HistoryShort {
        /// Where.
        room: RoomId,
        /// The last place that could be had.
        at: Seq,
        /// The place that exists.
        head: Seq,
    },
    /// Notices are missing on a connection.
    #[error("gap in the inbox: expected {expected}, got {got}")]
    InboxGap {
        /// The place that should have come.
        expected: Seq,
        /// The place that came.
        got: Seq,
    },
    /// A notice came again on one connection, or out of order.
    #[error("repeat in the inbox: {got} after {last}")]
    InboxRepeat {
        /// The last place that had come.
        last: Seq,
        /// The place that came.
        got: Seq,
    },
    /// The session has ended, for a reason that another try would not cure; nothing follows.
    #[error("the session has ended: {0}")]
    Ended(String),
}

/// A message that is committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The message's id in its room.
    pub id: String,
    /// Its place.
    pub seq: Seq,
    /// When it was committed.
    pub at: Timestamp,
    /// An earlier try had already been committed.
    pub duplicate: bool,
    /// The key under which it was sent.
    pub key: IdempotencyKey,
}

/// Why a message was not sent, as far as one knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The server refused it.
    #[error("{code}: {message}")]
    Refused {
        /// The code.
        code: Code,
        /// The server's words.
        message: String,
    },
    /// It was not acknowledged in time. It may be committed all the same: repeat it with the same key.
    #[error("not acknowledged in time under the key {}", key.as_str())]
    Unknown {
        /// The key.
        key: IdempotencyKey,
    },
    /// The text or key is outside its bounds.
    #[error("{0}")]
    Invalid(String),
    /// The session has ended.
    #[error("the session has ended")]
    Ended,
}

/// Why a room was not subscribed to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubscribeError {
    /// The server refused it.
    #[error("{code}: {message}")]
    Refused {
        /// The code.
        code: Code,
        /// The server's words.
        message: String,
    },
    /// The session has ended.
    #[error("the session has ended")]
    Ended,
}

enum Command {
    Subscribe {
        room: RoomId,
        since: Option<Cursor>,
        reply: oneshot::Sender<Result<Cursor, SubscribeError>>,
    },
    Unsubscribe {
        room: RoomId,
    },
    Send(outbox::Unsent),
    /// A frame that needs no repeating: what it says is void when the connection is.
    Tell(ClientFrame),
    Cursor {
        room: RoomId,
        reply: oneshot::Sender<Option<Cursor>>,
    },
    InboxCursor {
        reply: oneshot::Sender<Option<Cursor>>,
    },
    Renew {
        token: String,
    },
    Close {
        done: oneshot::Sender<()>,
    },
}

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
        let unsent = outbox::Unsent { room, key, text, reply, permit };
        self.commands.send(Command::Send(unsent)).await.map_err(|_| SendError::Ended)?;
        answer.await.unwrap_or(Err(SendError::Ended))
    }

    /// Says that one types, or has stopped; lost where there is no connection now.
    pub async fn typing(&self, room: RoomId, on: bool) {
        drop(self.commands.send(Command::Tell(ClientFrame::Typing { room: room.into(), on })).await);
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

/// A refusal that passes: the same request may succeed later.
fn passes(code: Code) -> bool {
    match code {
        Code::RateLimited | Code::DeadlineExceeded | Code::Unavailable => true,
        Code::InvalidArgument
        | Code::Unauthenticated
        | Code::PermissionDenied
        | Code::NotFound
        | Code::AlreadyExists
        | Code::FailedPrecondition
        | Code::TooLarge
        | Code::Internal => false,
    }
}

fn retry_after(error: &ErrorFrame<'_>) -> Option<Duration> {
    error.retry_after_ms.map(Duration::from_millis)
}

fn how_it_ended(error: &SocketError) -> Close {
    error.close().cloned().unwrap_or_else(|| Close::abnormal(error.to_string()))
}
