//! The three calls that a server answers in batches: each item succeeds or fails alone.

use futures_util::future::join_all;
use madang_domain::{Error, Result};
use madang_proto::{
    store::v1::{self as wire, append_outcome, open_inbox_outcome, open_outcome},
    types::v1 as types,
};

use super::{
    inbox::{OpenInbox, OpenedInbox},
    messages::{Append, Appended, Open, Opened},
};
use crate::{
    method::Method,
    server::log_batch,
    wire::{Profiles, Wire, status::to_failure},
};

/// The appends or the subscriptions of one request.
pub const BATCH_MAX_ITEMS: usize = 512;

/// The replayed events in the answer to one batch of subscriptions, in bytes. A subscription whose
/// replay does not fit is told that it is not complete, as if it had missed too many events.
pub const REPLAY_MAX_BYTES: usize = 16 * 1024 * 1024;

/// All appends of the batch run at once, so that the store can commit them together. A malformed one
/// fails alone, as a refused one does.
pub(super) async fn append<F: Future<Output = Result<Appended>> + Send>(
    method: &'static Method,
    append: impl Fn(Append) -> F + Send + Sync,
    request: wire::AppendRequest,
) -> Result<wire::AppendResponse> {
    check_batch(request.appends.len())?;
    let mut profiles = Profiles::default();
    let outcomes: Vec<Result<_>> = join_all(request.appends.into_iter().map(|item| {
        let (append, item) = (&append, Append::decode(item, &mut profiles));
        async move { append(item?).await }
    }))
    .await;
    log_batch(method, &outcomes);
    Ok(wire::AppendResponse { outcomes: outcomes.into_iter().map(append_outcome).collect() })
}

/// Subscriptions to rooms. All run at once.
pub(super) async fn open<F: Future<Output = Result<Opened>> + Send>(
    method: &'static Method,
    open: impl Fn(Open) -> F + Send + Sync,
    request: wire::OpenRequest,
) -> Result<wire::OpenResponse> {
    check_batch(request.rooms.len())?;
    let open = async |room| open(Open::decode(room)?).await;
    let outcomes: Vec<Result<_>> = join_all(request.rooms.into_iter().map(open)).await;
    log_batch(method, &outcomes);
    let mut replay_bytes = REPLAY_MAX_BYTES;
    let outcomes = outcomes.into_iter().map(|outcome| open_outcome(outcome, &mut replay_bytes)).collect();
    Ok(wire::OpenResponse { outcomes })
}

/// Subscriptions to inboxes. All run at once.
pub(super) async fn open_inbox<F: Future<Output = Result<OpenedInbox>> + Send>(
    method: &'static Method,
    open: impl Fn(OpenInbox) -> F + Send + Sync,
    request: wire::OpenInboxRequest,
) -> Result<wire::OpenInboxResponse> {
    check_batch(request.inboxes.len())?;
    let open = async |inbox| open(OpenInbox::decode(inbox)?).await;
    let outcomes: Vec<Result<_>> = join_all(request.inboxes.into_iter().map(open)).await;
    log_batch(method, &outcomes);
    let mut replay_bytes = REPLAY_MAX_BYTES;
    let outcomes =
        outcomes.into_iter().map(|outcome| open_inbox_outcome(outcome, &mut replay_bytes)).collect();
    Ok(wire::OpenInboxResponse { outcomes })
}

/// A batch is worked on as a whole and at once, so its size is bounded.
fn check_batch(items: usize) -> Result<()> {
    if items > BATCH_MAX_ITEMS {
        return Err(Error::invalid(format!("a batch of {items}; at most {BATCH_MAX_ITEMS} are taken")));
    }
    Ok(())
}

fn append_outcome(outcome: Result<Appended>) -> wire::AppendOutcome {
    let outcome = match outcome {
        Ok(appended) => append_outcome::Outcome::Appended(appended.encode()),
        Err(error) => append_outcome::Outcome::Failure(to_failure(&error)),
    };
    wire::AppendOutcome { outcome: Some(outcome) }
}

/// `replay_bytes` is what is left for the replays of the batch. One that does not fit is left out, as one of too
/// many events is, and then is not complete: the client pages history.
fn bound_replay(events: &mut Vec<types::Event>, complete: &mut bool, replay_bytes: &mut usize) {
    match replay_bytes.checked_sub(events.iter().map(prost::Message::encoded_len).sum()) {
        Some(left) => *replay_bytes = left,
        None => {
            events.clear();
            *complete = false;
        }
    }
}

fn open_outcome(outcome: Result<Opened>, replay_bytes: &mut usize) -> wire::OpenOutcome {
    let outcome = match outcome {
        Ok(opened) => {
            let mut opened = opened.encode();
            bound_replay(&mut opened.events, &mut opened.complete, replay_bytes);
            open_outcome::Outcome::Opened(opened)
        }
        Err(error) => open_outcome::Outcome::Failure(to_failure(&error)),
    };
    wire::OpenOutcome { outcome: Some(outcome) }
}

fn open_inbox_outcome(outcome: Result<OpenedInbox>, replay_bytes: &mut usize) -> wire::OpenInboxOutcome {
    let outcome = match outcome {
        Ok(opened) => {
            let mut opened = opened.encode();
            bound_replay(&mut opened.events, &mut opened.complete, replay_bytes);
            open_inbox_outcome::Outcome::Opened(opened)
        }
        Err(error) => open_inbox_outcome::Outcome::Failure(to_failure(&error)),
    };
    wire::OpenInboxOutcome { outcome: Some(outcome) }
}
