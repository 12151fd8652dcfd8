//! The subscription to the user's own inbox, which every session has.
//!
//! The order of the steps is that of a room's subscription, and makes the replay complete for the same reason
//! (`session/subscriptions.rs`).

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use madang_contract::{self as frames, ServerFrame};
use madang_domain::{Cursor, Epoch, Profile, Seq, TopicId};
use madang_flow_control::Backoff;
use madang_kit::clock::fraction;
use madang_rpc::store::OpenedInbox;

use crate::{
    admission::{BeforeBlocked, Hides},
    commands::Commands,
    formats::native,
    hub::ShownNews,
    log,
    session::{Missed, SessionContext},
};

/// The pauses before an inbox is read again after a failure. They are random, since all sessions that started
/// during the store's outage retry.
const RETRY_PAUSES: Backoff = Backoff::equal_jitter(Duration::from_millis(500), Duration::from_secs(4));

/// The client's cursor in its inbox, from its frames.
pub(super) fn cursor(since: Option<Seq>, epoch: Option<Epoch>) -> Option<Cursor> {
    since.map(|seq| Cursor { seq, epoch })
}

/// Subscribes to the inbox of the session's user, after a cursor or from now. An earlier subscription of the
/// session is replaced.
///
/// If the store does not answer, the session continues without the inbox and retries later. Nobody should
/// have to wait for an inbox to send in a room.
pub(super) async fn follow(commands: Arc<Commands>, session: Arc<SessionContext>, since: Option<Cursor>) {
    let follow = session.begin_inbox();
    let topic = TopicId::Inbox(session.me.id);
    session.sockets.hubs.attach(topic, session.listener()).await;
    let before = session.usage.before_blocked_are_read();
    match session.open_inbox(since).await {
        Ok(opened) => {
            note_read(&session, before, &opened.0);
            go_live(&session, opened).await;
        }
        Err(error) => {
            log::failed_request(&error);
            let tasks = commands.tasks.clone();
            tasks.spawn_contained("inbox", ask_again(commands, session, since, follow));
        }
    }
}

/// Retries until the store answers, the socket closes, or the session replaces this subscription. Meanwhile
/// the hub holds new notices back.
async fn ask_again(
    commands: Arc<Commands>,
    session: Arc<SessionContext>,
    since: Option<Cursor>,
    follow: u32,
) {
    let mut pauses = RETRY_PAUSES.pauses();
    loop {
        tokio::time::sleep(pauses.after_failure(fraction(&*commands.random))).await;
        if session.outbox.is_closing() || session.inbox_follow() != follow {
            return;
        }
        let before = session.usage.before_blocked_are_read();
        match session.open_inbox(since).await {
            Ok(opened) if session.inbox_follow() == follow => {
                note_read(&session, before, &opened.0);
                hide_presence(&session).await;
                return go_live(&session, opened).await;
            }
            Ok(_) => return,
            Err(error) => log::failed_request(&error),
        }
    }
}

/// Writes where the inbox stands and what was missed, at the pace of the socket; then the hub delivers the rest.
async fn go_live(session: &SessionContext, (opened, mut missed): (OpenedInbox, Missed)) {
    let OpenedInbox { epoch, head, read, unread, user, .. } = opened;
    if let Some(user) = user {
        tell_present_profile(session, user);
    }
    let (from, complete) = (missed.from, missed.complete);
    session.push(&ServerFrame::Inbox(frames::Inbox { epoch, head, from, complete, read, unread }));
    missed.keep_within(&mut session.first_events_bytes());
    session.replay(TopicId::Inbox(session.me.id), missed).await;
    // Nobody is present in an inbox, so no profile is given.
    session.sockets.hubs.activate(TopicId::Inbox(session.me.id), session.connection, head, None).await;
}

/// Notes what the user does not show to others, and whom the user has blocked. An answer that was read before a change of
/// that counts less.
fn note_read(session: &SessionContext, before: BeforeBlocked, opened: &OpenedInbox) {
    let (presence, typing) = (opened.hides_presence, opened.hides_typing);
    session.usage.note_hides(Hides { presence, typing, version: opened.hides_version });
    session.usage.note_read_blocked(before, opened.blocked.clone(), opened.blocks_version);
}

/// Where the inbox was read late, the user may be shown as present in rooms that were opened before it.
async fn hide_presence(session: &SessionContext) {
    if !session.usage.hides().presence {
        return;
    }
    let rooms: Vec<_> = session.rooms().iter().copied().collect();
    for room in rooms {
        let news = ShownNews { user: session.me.id, hides: true, card: Bytes::new() };
        session.sockets.hubs.shown(room.into(), news).await;
    }
}

/// Has the session act under the user's present profile, and tells the client where it has not been told yet.
fn tell_present_profile(session: &SessionContext, stored: Arc<Profile>) {
    let present = session.sockets.user_limits.note_profile(stored);
    session.outbox.push_profile(present.id, present.version, &native::profile_frame(&present));
}
