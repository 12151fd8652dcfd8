//! What a session does: connects, reads, writes, waits. One task, which owns the socket.

use std::{future::Future, pin::Pin, time::Duration};

use madang_contract::{ClientFrame, Hello};
use rand::rngs::StdRng;
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};

use super::{
    Fault, SessionEvent, SessionOptions,
    command::Command,
    core::{Core, GiveUpConnection},
};
use crate::socket::{Close, ConnectOptions, Credential, Incoming, Socket, SocketError};

type Connecting = Pin<Box<dyn Future<Output = Result<(Socket, Hello<'static>), SocketError>> + Send>>;

/// Where the connection stands.
enum Link {
    Waiting { until: Instant },
    Connecting(Connecting),
    Open(OpenLink),
}

struct OpenLink {
    socket: Box<Socket>,
    /// The server shows a sign of life, a ping at least, this often; silence of thrice that is a dead peer.
    silence_max: Duration,
    silent_until: Instant,
}

/// What a link has come to.
#[expect(clippy::large_enum_variant, reason = "a step is taken at once, and most are arrivals")]
enum Step {
    Connect,
    Opened(Box<Socket>, Hello<'static>),
    Arrived(Incoming),
    Lost(SocketError),
}

impl Link {
    /// The next step. Safe to drop: what is under way stays in the link.
    async fn step(&mut self) -> Step {
        match self {
            Self::Waiting { until } => {
                tokio::time::sleep_until(*until).await;
                Step::Connect
            }
            Self::Connecting(connecting) => match connecting.as_mut().await {
                Ok((socket, hello)) => Step::Opened(Box::new(socket), hello),
                Err(error) => Step::Lost(error),
            },
            Self::Open(open) => loop {
                match tokio::time::timeout_at(open.silent_until, open.socket.read()).await {
                    Ok(Ok(incoming)) => {
                        open.silent_until = Instant::now() + open.silence_max;
                        if let Some(incoming) = incoming {
                            return Step::Arrived(incoming);
                        }
                    }
                    Ok(Err(error)) => return Step::Lost(error),
                    Err(_) => return Step::Lost(SocketError::deadline("a sign of life", open.silence_max)),
                }
            },
        }
    }

    const fn is_open(&self) -> bool {
        matches!(self, Self::Open(_))
    }
}

struct Actor {
    bases: Vec<String>,
    credential: Credential,
    connect: ConnectOptions,
    core: Core,
    link: Link,
    /// Connections that were tried, to take the bases in turn.
    tries: usize,
    /// Failures in a row, for the back-off.
    failures: u32,
}

/// Why the actor ends.
enum End {
    /// The caller wants it.
    Closed(Option<oneshot::Sender<()>>),
    /// Another try would not help.
    Final(String),
    /// Nobody takes the events.
    Deserted,
}

pub(super) async fn run(
    bases: Vec<String>,
    credential: Credential,
    options: SessionOptions,
    random: StdRng,
    mut inbox: mpsc::Receiver<Command>,
    outlet: mpsc::Sender<Result<SessionEvent, Fault>>,
) {
    let mut actor = Actor {
        core: Core::new(&options, random),
        connect: options.connect,
        bases,
        credential,
        link: Link::Waiting { until: Instant::now() },
        tries: 0,
        failures: 0,
    };
    let end = loop {
        if let Err(end) = actor.advance(&mut inbox, &outlet).await {
            break end;
        }
    };
    // What waits for an answer fails by the drop of its reply.
    drop(inbox);
    let Actor { mut core, link, .. } = actor;
    let mut last_words = std::mem::take(core.told());
    drop(core);
    match end {
        End::Closed(done) => {
            if let Link::Open(open) = link {
                open.socket.close().await;
            }
            // A caller that no longer waits has dropped its end.
            done.map(|done| done.send(()));
        }
        End::Final(reason) => {
            last_words.push_back(Err(Fault::Ended(reason)));
            for word in last_words {
                // Each waits for its place in the queue; a reader that is gone ends the waiting.
                if outlet.send(word).await.is_err() {
                    break;
                }
            }
        }
        End::Deserted => {}
    }
}

impl Actor {
    /// Waits for one thing and does what follows from it.
    async fn advance(
        &mut self,
        inbox: &mut mpsc::Receiver<Command>,
        outlet: &mpsc::Sender<Result<SessionEvent, Fault>>,
    ) -> Result<(), End> {
        let quiet = self.core.told().is_empty();
        let wake_at = self.core.next_at();
        // In this order: what callers want; what they are told; the server, unless there is something to
        // tell first (this is what slows a server down when nobody takes the events); what is due.
        tokio::select! {
            biased;
            command = inbox.recv() => self.command(command)?,
            place = outlet.reserve(), if !quiet => {
                let place = place.map_err(|_| End::Deserted)?;
                if let Some(told) = self.core.told().pop_front() {
                    place.send(told);
                }
            }
            step = self.link.step(), if quiet || !self.link.is_open() => self.step(step)?,
            () = sleep_until(wake_at) => {}
        }
        if let Err(GiveUpConnection(reason)) = self.core.tick(Instant::now()) {
            return self.lost(&SocketError::Unexpected(reason.to_owned()));
        }
        self.write().await
    }

    fn command(&mut self, command: Option<Command>) -> Result<(), End> {
        let now = Instant::now();
        match command {
            None => return Err(End::Closed(None)),
            Some(Command::Close { done }) => return Err(End::Closed(Some(done))),
            Some(Command::Subscribe { room, since, reply }) => self.core.subscribe(room, since, reply, now),
            Some(Command::Unsubscribe { room }) => self.core.unsubscribe(room, now),
            Some(Command::Send(unsent)) => self.core.send(unsent, now),
            Some(Command::Tell(frame)) => self.core.tell_server(frame, now),
            // A caller that no longer waits has dropped its end.
            Some(Command::Cursor { room, reply }) => drop(reply.send(self.core.cursor(room))),
            Some(Command::InboxCursor { reply }) => drop(reply.send(self.core.inbox_cursor())),
            Some(Command::Renew { token }) => {
                self.credential = self.credential.with_token(&token);
                self.core.tell_server(ClientFrame::auth(token), now);
            }
        }
        Ok(())
    }

    fn step(&mut self, step: Step) -> Result<(), End> {
        match step {
            Step::Connect => {
                let base = self.bases.get(self.tries % self.bases.len().max(1)).cloned();
                let base = base.ok_or_else(|| End::Final("no address to connect to".to_owned()))?;
                self.tries += 1;
                let (credential, options) = (self.credential.clone(), self.connect.clone());
                self.link =
                    Link::Connecting(Box::pin(
                        async move { Socket::open(&base, &credential, &options).await },
                    ));
                Ok(())
            }
            Step::Opened(socket, hello) => {
                self.failures = 0;
                let silence_max = Duration::from_millis(hello.heartbeat_ms.max(1)).saturating_mul(3);
                let silent_until = Instant::now() + silence_max;
                self.link = Link::Open(OpenLink { socket, silence_max, silent_until });
                self.core.connected(hello, Instant::now());
                Ok(())
            }
            Step::Arrived(incoming) => match self.core.arrived(incoming, Instant::now()) {
                Ok(()) => Ok(()),
                Err(GiveUpConnection(reason)) => self.lost(&SocketError::Unexpected(reason.to_owned())),
            },
            Step::Lost(error) => self.lost(&error),
        }
    }

    async fn write(&mut self) -> Result<(), End> {
        while let Link::Open(open) = &mut self.link {
            let Some(request) = self.core.next_write() else { break };
            if let Err(error) = open.socket.send_request(&request).await {
                // A server that closes says why before the connection breaks; what it said is read here.
                let close = open.socket.closed(Duration::ZERO).await.ok();
                return self.lost(&close.map_or(error, SocketError::Closed));
            }
        }
        Ok(())
    }

    fn lost(&mut self, error: &SocketError) -> Result<(), End> {
        if !error.may_retry() {
            return Err(End::Final(error.to_string()));
        }
        if let SocketError::Deferred { after } = error {
            self.core.come_back_after(*after);
        }
        let now = Instant::now();
        let close: Close = how_it_ended(error);
        let retry_in = self.core.disconnected(close, self.failures, now);
        self.failures = self.failures.saturating_add(1);
        self.link = Link::Waiting { until: now + retry_in };
        Ok(())
    }
}

fn how_it_ended(error: &SocketError) -> Close {
    error.close().cloned().unwrap_or_else(|| Close::abnormal(error.to_string()))
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
