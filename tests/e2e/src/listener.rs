//! Somebody who listens to a room and remembers all of it.

use std::time::Duration;

use madang_client::{
    Close, Credential, Fault, InboxNotice, RoomEvent, Session, SessionEvent, SessionOptions,
};
use madang_domain::{Cursor, RoomId, Seq};
use tokio::{sync::watch, task::JoinHandle};

use crate::{PATIENCE, within};

/// What a listener has heard, in order.
#[derive(Debug, Default)]
pub struct Heard {
    /// The events.
    pub events: Vec<RoomEvent>,
    /// The notices of the user's inbox.
    pub notices: Vec<InboxNotice>,
    /// What must not happen.
    pub faults: Vec<Fault>,
    /// How often a socket was opened.
    pub connections: usize,
    /// How sockets were lost.
    pub closes: Vec<Close>,
    /// The rest: `caught_up`, resets, closed rooms, ephemeral frames.
    pub others: Vec<SessionEvent>,
}

/// A session whose events are collected.
#[derive(Debug)]
pub struct Listener {
    /// To send, renew, unsubscribe.
    pub session: Session,
    room: RoomId,
    heard: watch::Receiver<Heard>,
    collecting: JoinHandle<()>,
}

impl Listener {
    /// Starts a session and subscribes it to a room from its beginning.
    ///
    /// # Panics
    /// When the room cannot be subscribed to.
    pub async fn start(
        bases: Vec<String>,
        credential: Credential,
        room: RoomId,
        options: SessionOptions,
    ) -> Self {
        Self::start_after(bases, credential, room, Cursor { seq: Seq::START, epoch: None }, options).await
    }

    /// Starts a session and subscribes it to a room after a cursor.
    ///
    /// # Panics
    /// When the room cannot be subscribed to.
    pub async fn start_after(
        bases: Vec<String>,
        credential: Credential,
        room: RoomId,
        cursor: Cursor,
        options: SessionOptions,
    ) -> Self {
        let (session, mut events) = Session::start(bases, credential, options);
        let (memory, heard) = watch::channel(Heard::default());
        let collecting = tokio::spawn(async move {
            loop {
                let event = match events.next().await {
                    Ok(None) => return,
                    Ok(Some(event)) => Ok(event),
                    Err(fault) => Err(fault),
                };
                memory.send_modify(|heard| heard.remember(event));
            }
        });
        let subscribed = session.subscribe(room, Some(cursor));
        let subscribed = within(PATIENCE, "the answer to a subscription", subscribed).await;
        subscribed.unwrap_or_else(|error| panic!("a listener cannot subscribe to {room}: {error}"));
        Self { session, room, heard, collecting }
    }

    /// What was heard so far.
    #[must_use]
    pub fn heard(&self) -> watch::Ref<'_, Heard> {
        self.heard.borrow()
    }

    /// Waits until what was heard satisfies a condition.
    ///
    /// # Panics
    /// When it does not in time; the message says what was heard last.
    pub async fn until(&self, deadline: Duration, awaited: &str, condition: impl FnMut(&Heard) -> bool) {
        let mut heard = self.heard.clone();
        let outcome =
            tokio::time::timeout(deadline, heard.wait_for(condition)).await.map(|seen| seen.is_ok());
        if outcome != Ok(true) {
            let heard = self.heard();
            let last = heard.events.last().map(|event| event.seq);
            let Heard { faults, connections, closes, .. } = &*heard;
            panic!(
                "waited {deadline:?} in vain: {awaited}; the last event was {last:?}, faults {faults:?}, \
                 {connections} connections, closed by {closes:?}"
            );
        }
    }

    /// Waits until an event of the room was heard.
    ///
    /// # Panics
    /// When it is not in time.
    pub async fn until_seq(&self, deadline: Duration, seq: Seq) {
        let awaited = format!("event {seq} of {}", self.room);
        self.until(deadline, &awaited, |heard| heard.events.last().is_some_and(|event| event.seq >= seq))
            .await;
    }

    /// The texts of the messages, in the order in which they were heard.
    #[must_use]
    pub fn texts(&self) -> Vec<String> {
        let heard = self.heard();
        heard.events.iter().filter_map(RoomEvent::message).map(|message| message.text.to_string()).collect()
    }

    /// Every event of the room after `after` up to `last` was heard, once, in order, and without any fault.
    ///
    /// # Panics
    /// When not.
    pub fn assert_whole(&self, after: Seq, last: Seq) {
        let heard = self.heard();
        assert_eq!(heard.faults, [], "faults in {}", self.room);
        let seqs: Vec<u64> = heard.events.iter().map(|event| event.seq.get()).collect();
        let expected: Vec<u64> = (after.get() + 1..=last.get()).collect();
        assert_eq!(seqs, expected, "what was heard of {}", self.room);
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.collecting.abort();
    }
}

impl Heard {
    fn remember(&mut self, event: Result<SessionEvent, Fault>) {
        match event {
            Err(fault) => self.faults.push(fault),
            Ok(SessionEvent::Event(event)) => self.events.push(event),
            Ok(SessionEvent::Notice(notice)) => self.notices.push(notice),
            Ok(SessionEvent::Connected(_)) => self.connections += 1,
            Ok(SessionEvent::Disconnected { close, .. }) => self.closes.push(close),
            Ok(other) => self.others.push(other),
        }
    }
}
