//! Following the user's own inbox, which every session does.
//!
//! The order is that of a room's subscription, and so is what it makes whole: listen first, then ask the store where
//! the inbox stands, then say what was missed, then go live.

use std::{sync::Arc, time::Duration};

use madang_contract::{self as frames, ServerFrame};
use madang_domain::{Cursor, Epoch, Result, Seq, TopicId, UserId};
use madang_kit::clock::jitter;
use madang_rpc::store::{InboxMark, InboxPage, OpenInbox, OpenedInbox};

use super::history;
use crate::{edge::Edge, session::SessionContext, wire};

/// The pause before an inbox that could not be read is asked for again; doubled up to the largest.
const RETRY_PAUSE: Duration = Duration::from_millis(500);
const RETRY_PAUSE_MAX: Duration = Duration::from_secs(4);

/// The place of an inbox that a client has seen, as its frames say it.
pub(crate) fn cursor(since: Option<Seq>, epoch: Option<Epoch>) -> Option<Cursor> {
    since.map(|seq| Cursor { seq, epoch })
}

/// Follows the inbox of the session's user, after a cursor or from now; followed already, it is followed anew.
///
/// Where the store does not answer, the session goes on without, and asks again by and by: nobody should have to
/// wait for an inbox to speak in a room.
pub(crate) async fn follow(session: Arc<SessionContext>, since: Option<Cursor>) {
    let time = session.begin_inbox();
    let topic = TopicId::Inbox(session.me.id);
    let listening = session.edge.hubs.attach(topic, session.listener()).await;
    // A hub that is gone answers nothing: the gateway is stopping.
    let _ = listening.await;
    match open(&session, since).await {
        Ok(opened) => go_live(&session, since, opened).await,
        Err(error) => {
            super::log(&error);
            let tasks = session.edge.tasks.clone();
            tasks.spawn_contained("inbox", ask_again(session, since, time));
        }
    }
}

/// Asks until the store answers, the socket closes, or the inbox is followed anew.
async fn ask_again(session: Arc<SessionContext>, since: Option<Cursor>, time: u32) {
    let mut pause = RETRY_PAUSE;
    loop {
        // Spread, for all who came while the store was away ask.
        tokio::time::sleep(pause / 2 + jitter(&*session.edge.random, pause / 2)).await;
        pause = (pause * 2).min(RETRY_PAUSE_MAX);
        if session.outbox.is_closing() || session.inbox_time() != time {
            return;
        }
        match open(&session, since).await {
            Ok(opened) if session.inbox_time() == time => return go_live(&session, since, opened).await,
            Ok(_) => return,
            Err(error) => super::log(&error),
        }
    }
}

async fn open(session: &SessionContext, since: Option<Cursor>) -> Result<OpenedInbox> {
    let replay_limit = session.edge.settings.replay_max_events;
    session.edge.store.open_inbox(OpenInbox { user: session.me.id, since, replay_limit }).await
}

/// Says where the inbox stands and what was missed, at the pace of the socket; then the hub goes on from there.
async fn go_live(session: &SessionContext, since: Option<Cursor>, opened: OpenedInbox) {
    let OpenedInbox { epoch, head, read, unread, complete, events } = opened;
    let from = since.filter(|_| complete).map_or(head, |cursor| cursor.seq);
    session.push(&ServerFrame::Inbox(frames::Inbox { epoch, head, from, complete, read, unread }));
    for event in &events {
        if let Some(frame) = wire::event_frame(event) {
            session.outbox.room().await;
            session.outbox.push(frame);
        }
    }
    // Nobody is present in an inbox: no card.
    session.edge.hubs.activate(TopicId::Inbox(session.me.id), session.connection, head, None).await;
}

/// Reads a page of an inbox. Of `before` and `after` at most one is given.
pub(crate) async fn page(
    edge: &Edge,
    user: UserId,
    before: Option<Seq>,
    after: Option<Seq>,
    limit: Option<u32>,
) -> Result<InboxPage> {
    let from = history::from(before, after)?;
    edge.store.inbox(user, from, history::page_limit(limit)?).await
}

/// Moves the read mark of an inbox.
pub(crate) async fn mark_read(edge: &Edge, user: UserId, seq: Seq) -> Result<InboxMark> {
    edge.store.mark_inbox_read(user, seq).await
}
