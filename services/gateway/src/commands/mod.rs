//! What clients ask for, over a socket or by REST. A command returns values; only the functions here push
//! answers into a socket's queue.

mod history;
pub(crate) mod inbox;
mod presence;
mod read;
mod send;
mod subscribe;

use std::sync::Arc;

use madang_contract::{ClientFrame, OkFrame, Request, RequestId, ServerFrame};
use madang_domain::{Code, Cursor, Error, Result, Seq};
use madang_kit::telemetry::SPAN_TARGET;
use madang_rpc::auth::Voucher;
use serde_json::{Map, Value};
use tracing::{Instrument as _, debug, warn};

pub(crate) use history::{page, page_limit};
pub(crate) use presence::card_of;
pub(crate) use read::mark_read;
pub(crate) use send::{NewMessage, room_id, say, send};

use crate::{credentials::Credential, session::SessionContext};

/// Carries out one request of a socket's and queues its answer.
pub(crate) async fn carry_out(session: Arc<SessionContext>, request: Request) {
    // One a command: never one a socket, which may live for days, or one a recipient.
    let span = tracing::trace_span!(target: SPAN_TARGET, "command", kind = request.frame.kind());
    dispatch(session, request).instrument(span).await;
}

async fn dispatch(session: Arc<SessionContext>, request: Request) {
    let Request { id, frame } = request;
    let outcome = match frame {
        ClientFrame::Auth { token, inbox_since, inbox_epoch } => {
            let since = inbox::cursor(inbox_since, inbox_epoch);
            renew(&session, id.clone(), token, since).await
        }
        ClientFrame::Subscribe(wanted) => subscribe::subscribe(&session, id.clone(), wanted).await,
        ClientFrame::Unsubscribe { rooms } => subscribe::unsubscribe(&session, id.clone(), rooms).await,
        ClientFrame::Send { room, key, text, reply_to, attachments } => {
            let message = NewMessage { key, text, reply_to, attachments };
            send::answer(&session, id.clone(), room, message).await
        }
        ClientFrame::Read { room, seq } => read::answer(&session, id.clone(), room, seq).await,
        ClientFrame::Typing { room, on } => read::typing(&session, id.clone(), &room, on).await,
        ClientFrame::History { room, before, after, limit } => {
            history::answer(&session, id.clone(), room, before, after, limit).await
        }
        ClientFrame::Presence { room } => presence::answer(&session, id.clone(), room).await,
        ClientFrame::Ping {} => {
            session.push(&ServerFrame::Pong(madang_contract::Pong { re: id.clone() }));
            Ok(())
        }
    };
    if let Err(error) = outcome {
        log(&error);
        session.refuse(id, &error);
    }
}

/// Logs a failure once, here where it is answered; what the client did wrong is of little interest.
pub(crate) fn log(error: &Error) {
    match error.code {
        Code::Internal => {
            warn!(%error, cause = error.source.as_ref().map(tracing::field::display), "request failed");
        }
        Code::Unavailable | Code::DeadlineExceeded => debug!(%error, "request failed"),
        Code::InvalidArgument
        | Code::Unauthenticated
        | Code::PermissionDenied
        | Code::NotFound
        | Code::AlreadyExists
        | Code::FailedPrecondition
        | Code::RateLimited
        | Code::TooLarge => debug!(%error, "request refused"),
    }
}

/// Renews the credential of a socket that outlives its token; with a cursor, follows the inbox anew.
async fn renew(
    session: &Arc<SessionContext>,
    re: Option<RequestId>,
    token: String,
    since: Option<Cursor>,
) -> Result<()> {
    let identity = session.edge.verifier.verify(&Credential::Token(token)).await?;
    // The site's tokens have no session that goes on from one to the next: that it vouches for the same user is
    // what counts.
    let of_the_site = session.vouched_by == Voucher::Site && identity.vouched_by == Voucher::Site;
    if identity.profile.id != session.me.id || !(of_the_site || identity.session == session.session) {
        return Err(Error::new(
            Code::PermissionDenied,
            "the token is of another user or session: open another socket for it",
        ));
    }
    session.outbox.set_expiry(identity.expires_at);
    let mut fields = Map::new();
    fields.insert("expires_at".to_owned(), Value::from(identity.expires_at.to_string()));
    done(session, re, fields);
    if since.is_some() {
        inbox::follow(Arc::clone(session), since).await;
    }
    Ok(())
}

/// Answers `ok`.
fn done(session: &SessionContext, re: Option<RequestId>, fields: Map<String, Value>) {
    session.push(&ServerFrame::Ok(OkFrame { re, fields }));
}

/// The place that a message's id names.
pub(crate) fn message_seq(id: &str) -> Result<Seq> {
    // One id, one spelling: no sign, no leading zero.
    let seq: u64 = id.parse().map_err(|_| Error::invalid("not a message id"))?;
    if seq == 0 || seq.to_string() != id {
        return Err(Error::invalid("not a message id"));
    }
    Ok(Seq::new(seq))
}
