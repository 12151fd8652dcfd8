//! A socket, and all that it has heard.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use madang_client::{Body, ConnectOptions, Credential, Incoming, RoomEvent, Socket, SocketError};
use madang_contract::{ClientFrame, EventBody, Request, RequestId};
use madang_domain::{RoomId, Seq, UserId};
use tokio::{
    sync::{mpsc, watch},
    task::AbortHandle,
    time::Instant,
};

/// How long an answer may take.
pub(crate) const ANSWER_PATIENCE: Duration = Duration::from_secs(15);
/// Silence is no fault of a socket's here; reading goes on after it.
const SILENCE: Duration = Duration::from_secs(3_600);
/// Requests that wait to be written.
const REQUESTS_MAX: usize = 64;

/// A cursor that a subscription was asked for with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Asked {
    /// Where.
    pub(crate) room: RoomId,
    /// The last place seen, where it was given.
    pub(crate) since: Option<Seq>,
    /// The history that was named is the one that there is, or none was named.
    pub(crate) true_epoch: bool,
}

/// What a request was, as far as it changes what follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// These rooms.
    Subscribe(Vec<Asked>),
    /// Every room of the user's, of which these with cursors.
    SubscribeAll(Vec<Asked>),
    /// This room no more.
    Unsubscribe(RoomId),
    /// Nothing that changes what follows.
    Other,
}

/// One thing on a tape.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "most entries are what was heard")]
pub(crate) enum Entry {
    /// A request left.
    Sent(RequestId, Kind),
    /// A frame came.
    Heard(Incoming),
    /// The socket has ended, not by the hand of this side.
    Ended(String),
}

/// Wakes whoever waits for something to be heard, on any tape of a case.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stir(watch::Sender<u64>);

impl Stir {
    fn stir(&self) {
        self.0.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// To be woken by what comes from now on.
    #[must_use]
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.0.subscribe()
    }
}

/// All that a socket has heard.
#[derive(Debug)]
pub(crate) struct Tape {
    /// Which socket of its case, for messages to people.
    pub(crate) number: usize,
    /// Whose slot.
    pub(crate) slot: usize,
    /// Whose socket.
    pub(crate) user: UserId,
    /// At which gateway.
    pub(crate) gateway: usize,
    /// The events that the gateway replays.
    pub(crate) replay_max: u32,
    entries: Mutex<Vec<Entry>>,
    over: AtomicBool,
    stir: Stir,
}

impl Tape {
    /// What there is so far.
    pub(crate) fn entries(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The socket was cut by this side, or its gateway was killed: nothing more is expected of it.
    #[must_use]
    pub(crate) fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    /// Expects nothing more of the socket.
    pub(crate) fn end(&self) {
        self.over.store(true, Ordering::SeqCst);
        self.stir.stir();
    }

    fn add(&self, entry: Entry) {
        self.entries().push(entry);
        self.stir.stir();
    }

    fn answer(&self, id: &RequestId) -> Option<Result<Incoming, Gone>> {
        let entries = self.entries();
        let answer = entries.iter().rev().find_map(|entry| match entry {
            Entry::Heard(frame) if frame.re() == Some(id) => Some(Ok(frame.clone())),
            Entry::Ended(_) => Some(Err(Gone)),
            Entry::Heard(_) | Entry::Sent(..) => None,
        });
        answer.or_else(|| self.is_over().then_some(Err(Gone)))
    }
}

impl fmt::Display for Tape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, slot, user, gateway, .. } = self;
        write!(f, "socket {number} of slot {slot} ({user}) at gateway {gateway}")
    }
}

/// A tape for people: a line an entry.
pub(crate) fn listed(entries: &[Entry]) -> String {
    entries.iter().map(|entry| format!("\n    {entry}")).collect()
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sent(id, kind) => write!(f, "> {} {kind:?}", id.as_str()),
            Self::Ended(how) => write!(f, "ended: {how}"),
            Self::Heard(Incoming::Event(RoomEvent { room, seq, body: Body::Known(body), .. })) => {
                let what = match body {
                    EventBody::Message { message } => format!("message {}", message.key),
                    EventBody::Joined { joined } => format!("joined {} as {:?}", joined.user.id, joined.role),
                    EventBody::Left { left } => format!("left {}", left.user),
                    EventBody::Role { role } => format!("role {} {:?}", role.user, role.role),
                    EventBody::Room { properties } => format!("room {}", properties.name),
                    other => other.kind().to_owned(),
                };
                write!(f, "< event {room} {seq} {what}")
            }
            Self::Heard(Incoming::Frame(frame)) => write!(f, "< {frame:?}"),
            Self::Heard(other) => write!(f, "< {other:?}"),
        }
    }
}

/// The socket has ended before the answer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gone;

/// An open socket that writes its tape.
#[derive(Debug)]
pub(crate) struct Line {
    /// What it has heard.
    pub(crate) tape: Arc<Tape>,
    requests: mpsc::Sender<(Request, Kind)>,
    next_id: AtomicU64,
    reading: AbortHandle,
}

/// What a line is opened with.
#[derive(Debug, Clone)]
pub(crate) struct Dial<'a> {
    /// The gateway's address.
    pub(crate) base: &'a str,
    /// The user's token.
    pub(crate) token: &'a str,
    /// See [`Tape`].
    pub(crate) number: usize,
    /// See [`Tape`].
    pub(crate) slot: usize,
    /// See [`Tape`].
    pub(crate) user: UserId,
    /// See [`Tape`].
    pub(crate) gateway: usize,
    /// See [`Tape`].
    pub(crate) replay_max: u32,
    /// Who is woken.
    pub(crate) stir: Stir,
}

impl Line {
    /// Opens a socket, and waits for its `hello`.
    ///
    /// # Errors
    /// As [`Socket::open`].
    pub(crate) async fn open(dial: Dial<'_>) -> Result<Self, SocketError> {
        let credential = Credential::Bearer(dial.token.to_owned());
        let (socket, _) = Socket::open(dial.base, &credential, &ConnectOptions::default()).await?;
        let tape = Arc::new(Tape {
            number: dial.number,
            slot: dial.slot,
            user: dial.user,
            gateway: dial.gateway,
            replay_max: dial.replay_max,
            entries: Mutex::default(),
            over: AtomicBool::new(false),
            stir: dial.stir,
        });
        let (requests, taken) = mpsc::channel(REQUESTS_MAX);
        let reading = tokio::spawn(run(socket, taken, Arc::clone(&tape))).abort_handle();
        Ok(Self { tape, requests, next_id: AtomicU64::new(1), reading })
    }

    /// Sends a request and waits for its answer.
    ///
    /// # Errors
    /// When the socket ends before; a late answer is the same to the caller, and is told to the judge.
    pub(crate) async fn request(&self, frame: ClientFrame, kind: Kind) -> Result<Incoming, Gone> {
        let id = RequestId::new(self.next_id.fetch_add(1, Ordering::SeqCst).to_string());
        let mut stirred = self.tape.stir.watch();
        let request = Request { id: Some(id.clone()), frame };
        self.requests.send((request, kind)).await.map_err(|_| Gone)?;
        let until = Instant::now() + ANSWER_PATIENCE;
        loop {
            if let Some(answer) = self.tape.answer(&id) {
                return answer;
            }
            if tokio::time::timeout_at(until, stirred.changed()).await.is_err() {
                self.tape.add(Entry::Ended(format!("request {} was not answered", id.as_str())));
                return Err(Gone);
            }
        }
    }

    /// Cuts the connection, as a lost network does.
    pub(crate) fn cut(&self) {
        self.tape.end();
        self.reading.abort();
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.cut();
    }
}

async fn run(mut socket: Socket, mut requests: mpsc::Receiver<(Request, Kind)>, tape: Arc<Tape>) {
    loop {
        tokio::select! {
            biased;
            request = requests.recv() => {
                let Some((request, kind)) = request else { return };
                if let Some(id) = &request.id {
                    tape.add(Entry::Sent(id.clone(), kind));
                }
                if let Err(error) = socket.send_request(&request).await {
                    return tape.add(Entry::Ended(error.to_string()));
                }
            }
            frame = socket.next_frame(SILENCE) => match frame {
                Ok(frame) => tape.add(Entry::Heard(frame)),
                Err(SocketError::Deadline { .. }) => {}
                Err(error) => return tape.add(Entry::Ended(error.to_string())),
            },
        }
    }
}
