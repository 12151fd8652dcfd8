//! The requests of a client: each frame becomes a command, and what the command returns becomes an answer.

use std::{sync::Arc, time::Instant};

use madang_contract::{self as frames, Answer, ClientFrame, Request, RequestId, ServerFrame};
use madang_domain::{Code, Cursor, Error, MessageId, Result, RoomRef, Seq};
use madang_rpc::{auth::CredentialIssuer, store::ReadMark};
use tracing::Instrument as _;

use super::{
    answers::{ok, refused},
    inbox, subscribe,
};
use crate::{
    commands::{Commands, HistoryRange, NewMessage},
    credentials::{Credential, Verifier},
    formats::{
        native,
        presence_profile::{self, PresenceProfile},
    },
    log,
    session::SessionContext,
    trace,
};

/// The outcome of a request that was carried out, where a refusal has its code.
const OK: &str = "ok";

/// Executes one request of a socket and queues its answer.
pub(super) async fn carry_out(
    commands: Arc<Commands>,
    verifier: Arc<Verifier>,
    session: Arc<SessionContext>,
    request: Request,
) {
    let (kind, recorder) = (request.frame.kind(), session.sockets.recorders.commands.clone());
    let began = Instant::now();
    let outcome = dispatch(commands, verifier, session, request).instrument(trace::command(kind)).await;
    recorder.record(began.elapsed().as_secs_f64(), [kind, outcome]);
}

/// Answers how it ended: `ok`, or the code of the error.
async fn dispatch(
    commands: Arc<Commands>,
    verifier: Arc<Verifier>,
    session: Arc<SessionContext>,
    request: Request,
) -> &'static str {
    let Request { id, frame } = request;
    let re = id.clone();
    let outcome = match frame {
        ClientFrame::Auth { token, inbox_since, inbox_epoch } => {
            let since = inbox::cursor(inbox_since, inbox_epoch);
            renew(&commands, &verifier, &session, re, token, since).await
        }
        ClientFrame::Subscribe(wanted) => subscribe::subscribe(&commands, &session, re, wanted).await,
        ClientFrame::Unsubscribe { rooms } => subscribe::unsubscribe(&commands, &session, re, rooms).await,
        ClientFrame::Send { room, key, text, reply_to, attachments, thread, in_room, metadata } => {
            let message = NewMessage { key, text, reply_to, attachments, thread, in_room, metadata };
            send(&commands, &session, re, room, message).await
        }
        ClientFrame::Edit { room, message, text } => {
            let edited = commands.edit_message(&session.actor(), &room, message, text).await;
            edited.map(|_| ok(&session, re, Answer::Done {}))
        }
        ClientFrame::Delete { room, message } => {
            let deleted = commands.delete_message(&session.actor(), &room, message).await;
            deleted.map(|()| ok(&session, re, Answer::Done {}))
        }
        ClientFrame::React { room, message, emoji, on } => {
            let reacted = commands.react(&session.actor(), &room, message, emoji, on).await;
            reacted.map(|()| ok(&session, re, Answer::Done {}))
        }
        ClientFrame::Pin { room, message, on } => pin(&commands, &session, re, room, message, on).await,
        ClientFrame::Read { room, seq } => read(&commands, &session, re, room, seq).await,
        ClientFrame::Received { room, seq } => received(&commands, &session, re, &room, seq).await,
        ClientFrame::Typing { room, on, thread } => {
            typing(&commands, &session, re, &room, on, thread.map(MessageId::seq)).await
        }
        ClientFrame::History { room, before, after, limit } => {
            history(&commands, &session, re, &room, HistoryRange { before, after, limit }).await
        }
        ClientFrame::Presence { room } => presence(&commands, &session, re, room).await,
        ClientFrame::Ping {} => {
            session.push(&ServerFrame::Pong(frames::Pong { re }));
            Ok(())
        }
    };
    let Err(error) = outcome else { return OK };
    trace::failed(&error);
    log::failed_request(&error);
    refused(&session, id, &error);
    error.code.as_str()
}

/// Renews the credential of a socket. With a cursor, it also restarts the subscription to the inbox.
async fn renew(
    commands: &Arc<Commands>,
    verifier: &Verifier,
    session: &Arc<SessionContext>,
    re: Option<RequestId>,
    token: String,
    since: Option<Cursor>,
) -> Result<()> {
    let identity = verifier.verify(&Credential::Token(token), session.actor().address).await?;
    // The site's tokens have no session that continues from one token to the next. It suffices that the site
    // issued both for the same user.
    let of_the_site = session.issuer == CredentialIssuer::Site && identity.issuer == CredentialIssuer::Site;
    if identity.profile.id != session.me.id || !(of_the_site || identity.session == session.session) {
        return Err(Error::new(
            Code::PermissionDenied,
            "the token belongs to another user or session: open another socket for it",
        ));
    }
    // First: where it is refused, nothing was done.
    if since.is_some() {
        commands.pay_read(&session.actor())?;
    }
    session.sockets.user_limits.note_profile(Arc::new(identity.profile));
    session.outbox.set_expiry(identity.expires_at);
    ok(session, re, Answer::Renewed(frames::Renewed { expires_at: identity.expires_at }));
    if since.is_some() {
        inbox::follow(Arc::clone(commands), Arc::clone(session), since).await;
    }
    Ok(())
}

async fn send(
    commands: &Commands,
    session: &SessionContext,
    re: Option<RequestId>,
    room: RoomRef,
    message: NewMessage,
) -> Result<()> {
    let actor = session.actor();
    let room = commands.room_id(&actor, &room).await?;
    let key = message.key.clone();
    let appended = commands.send(&actor, room, message).await?;
    session.push(&ServerFrame::Ack(frames::Ack {
        re,
        room,
        key: key.as_str().into(),
        id: native::message_id(appended.seq),
        seq: appended.seq,
        at: appended.at,
        duplicate: appended.duplicate,
    }));
    Ok(())
}

async fn pin(
    commands: &Commands,
    session: &SessionContext,
    re: Option<RequestId>,
    room: RoomRef,
    message: MessageId,
    on: bool,
) -> Result<()> {
    commands.set_pin(&session.actor(), room, message, on).await?;
    ok(session, re, Answer::Done {});
    Ok(())
}

async fn read(
    commands: &Commands,
    session: &SessionContext,
    re: Option<RequestId>,
    room: RoomRef,
    seq: Seq,
) -> Result<()> {
    let mark = commands.mark_read(&session.actor(), Some(session.connection), room, seq).await?;
    let ReadMark { room, read, unread, shown: _ } = mark;
    ok(session, re, Answer::Read(frames::ReadAnswer { room, read, unread }));
    Ok(())
}

async fn received(
    commands: &Commands,
    session: &SessionContext,
    re: Option<RequestId>,
    room: &RoomRef,
    seq: Seq,
) -> Result<()> {
    let actor = session.actor();
    let room = commands.room_id(&actor, room).await?;
    commands.received(&actor, session.connection, room, seq).await?;
    // A client that gives no id wants no answer to so small a thing.
    if re.is_some() {
        ok(session, re, Answer::Done {});
    }
    Ok(())
}

async fn typing(
    commands: &Commands,
    session: &SessionContext,
    re: Option<RequestId>,
    room: &RoomRef,
    on: bool,
    thread: Option<Seq>,
) -> Result<()> {
    let actor = session.actor();
    let room = commands.room_id(&actor, room).await?;
    commands.typing(&actor, session.connection, room, on, thread).await?;
    // A client that gives no id wants no answer to so small a thing.
    if re.is_some() {
        ok(session, re, Answer::Done {});
    }
    Ok(())
}

/// Answers with a page of all kinds of events, so that a client can catch up.
async fn history(
    commands: &Commands,
    session: &SessionContext,
    re: Option<RequestId>,
    room: &RoomRef,
    range: HistoryRange,
) -> Result<()> {
    let actor = session.actor();
    let id = commands.room_id(&actor, room).await?;
    let page = commands.history(&actor, id.into(), range, false).await?;
    let events = page.events.iter().filter_map(native::event).collect();
    let answer = Answer::History(frames::HistoryPage { room: id, events, more: page.more });
    // A client that asks for page after page and reads none of them waits: one page is all that is held for it.
    session.push_when_it_fits(&ServerFrame::Ok(frames::OkFrame { re, answer })).await;
    Ok(())
}

async fn presence(
    commands: &Commands,
    session: &SessionContext,
    re: Option<RequestId>,
    room: RoomRef,
) -> Result<()> {
    let actor = session.actor();
    let room = commands.room_id(&actor, &room).await?;
    let page = commands.present(&actor, session.connection, room).await?;
    let present = page.users.iter().filter_map(|user| presence_profile::decode(user.user, &user.profile));
    let profiles: Vec<PresenceProfile> = present.collect();
    let are_named = page.count <= commands.presence_settings.names_max as u64;
    let users = are_named.then(|| profiles.iter().map(PresenceProfile::user).collect());
    ok(session, re, Answer::Presence(frames::PresenceAnswer { room, count: page.count, users }));
    Ok(())
}
