//! Users' own inboxes: what is put into them, and how they are read.
//!
//! An inbox is a log as a room's is, with the user as its one member; nobody makes it. Its unread number is the
//! head less the read mark, and less what lies between them and is no notice any more: see [`InboxState`].

use std::{mem::size_of, sync::Arc};

use async_trait::async_trait;
use madang_domain::{
    Epoch, IdempotencyKey, Profile, Seq, TopicId, UserId,
    event::{Custom, Dismissed, Event, EventBody},
    limits::NOTICE_DATA_MAX_BYTES,
};
use madang_rpc::store::{Changed, Dismiss, HistoryFrom, InboxMark, InboxPage, OpenInbox, OpenedInbox};

use super::{
    engine::Engine,
    open::{Missed, read_missed},
    page,
};
use crate::{
    batch::Job,
    error::{OperationError, OperationResult},
    store::{Database, EventPage, InboxOpening, InboxState, Slice},
    transaction::{finish, in_transaction},
};

/// How deep the arrays and objects of a notice's data may lie in one another. Its frame holds the data inside an
/// object, and a reader of JSON that counts levels stops at 128, some at fewer.
const NOTICE_DATA_MAX_LEVELS: usize = 32;

impl Engine {
    pub(crate) async fn notify(
        &self,
        user: Arc<Profile>,
        data: Box<str>,
        key: Option<IdempotencyKey>,
    ) -> OperationResult<Changed<Event>> {
        let body = EventBody::Custom(check_data(&data)?);
        self.remember([&user]).await?;
        in_transaction!(self, "notify", |transaction| {
            if transaction.is_any_erased(&[user.id]).await? {
                return Err(OperationError::UserErased);
            }
            if let Some(key) = &key {
                // Under the lock, so that of two at once one sees the other.
                transaction.lock_inbox(user.id, self.clock.now()).await?;
                if let Some(first) = transaction.notice_by_key(user.id, key).await? {
                    return Ok(Changed { value: first, events: Vec::new() });
                }
            }
            let (key, now) = (key.as_ref(), self.clock.now());
            let (seq, at) = transaction.insert_notice(user.id, user.id, &body, key, now).await?;
            let (topic, actor) = (TopicId::Inbox(user.id), Arc::clone(&user));
            let value = Event { topic, seq, at, actor, subject: None, body: body.clone() };
            Ok(Changed { events: vec![value.clone()], value })
        })
    }

    pub(crate) async fn inbox(
        &self,
        user: UserId,
        from: HistoryFrom,
        limit: u32,
    ) -> OperationResult<InboxPage> {
        let limit = page::check_limit(limit)?;
        let slice = |beyond| Slice { beyond, limit, messages_only: false, floor: Seq::START };
        let mut connection = self.database.reader().await?;
        let outcome = async {
            Ok(match from {
                HistoryFrom::End => connection.notices_before(user, slice(Seq::new(u64::MAX))).await?,
                HistoryFrom::Before(seq) => connection.notices_before(user, slice(seq)).await?,
                HistoryFrom::After(seq) => connection.notices_after(user, slice(seq)).await?,
            })
        };
        let outcome = outcome.await;
        let EventPage { events, more } = finish(connection, outcome).await?;
        // After the page, so that no notice of it lies past the head that is told.
        let (epoch, state) = self.inbox_state(user).await?;
        Ok(InboxPage { epoch, events, head: state.head, read: state.read, unread: state.unread(), more })
    }

    pub(crate) async fn mark_inbox_read(&self, user: UserId, seq: Seq) -> OperationResult<InboxMark> {
        in_transaction!(self, "mark_inbox_read", |transaction| {
            // Under the lock, so that what is dismissed meanwhile is counted before or after.
            if let Some(state) = transaction.lock_inbox_if_any(user).await?
                && seq > state.read
                && state.read < state.head
            {
                transaction.mark_inbox_read(user, state.read, seq.min(state.head)).await?;
            }
            Ok(())
        })?;
        let (_, state) = self.inbox_state(user).await?;
        Ok(InboxMark { read: state.read, unread: state.unread() })
    }

    pub(crate) async fn dismiss(&self, request: Dismiss) -> OperationResult<Changed<()>> {
        let Dismiss { user, seq } = request;
        in_transaction!(self, "dismiss", |transaction| {
            let state = transaction.lock_inbox_if_any(user).await?;
            let state = state.filter(|state| seq > Seq::START && seq <= state.head);
            let state = state.ok_or(OperationError::NoticeNotFound)?;
            let beyond = Seq::new(seq.get() - 1);
            let slice = Slice { beyond, limit: 1, messages_only: false, floor: Seq::START };
            let notice = transaction.notices_after(user, slice).await?.events.pop();
            // Where it was removed for its age, another one comes after it.
            let notice = notice.filter(|notice| notice.seq == seq);
            match notice.ok_or(OperationError::NoticeNotFound)?.body {
                EventBody::Dismissed(left) if left.notice == seq => {
                    return Ok(Changed { value: (), events: Vec::new() });
                }
                // An event that says so of another is no notice.
                EventBody::Dismissed(_) => return Err(OperationError::NoticeNotFound),
                _ => {}
            }
            let body = EventBody::Dismissed(Dismissed { notice: seq });
            transaction.erase_notice(user, seq, &body).await?;
            let now = self.clock.now();
            let (place, at) = transaction.insert_notice(user, user, &body, None, now).await?;
            // The event is behind the mark; the notice may be before it.
            transaction.add_gone(user, 1 + u64::from(seq > state.read)).await?;
            let actor = transaction.profile(user).await?;
            let event = Event { topic: TopicId::Inbox(user), seq: place, at, actor, subject: None, body };
            Ok(Changed { value: (), events: vec![event] })
        })
    }

    pub(super) async fn inbox_state(&self, user: UserId) -> OperationResult<(Epoch, InboxState)> {
        let (epoch, states) = self.database.inbox_states(&[user]).await?;
        let none = InboxState { head: Seq::START, read: Seq::START, gone: 0 };
        Ok((epoch, states.first().copied().unwrap_or(none)))
    }
}

/// Refuses what is no JSON object, or one that is too large or too deep.
fn check_data(data: &str) -> OperationResult<Custom> {
    if data.len() > NOTICE_DATA_MAX_BYTES {
        return Err(OperationError::BadNotice("has more than 16 KiB"));
    }
    let notice = Custom::new(data).ok().filter(|notice| notice.json().starts_with('{'));
    let notice = notice.ok_or(OperationError::BadNotice("is not a JSON object"))?;
    if levels(data) > NOTICE_DATA_MAX_LEVELS {
        return Err(OperationError::BadNotice("has more than 32 levels"));
    }
    Ok(notice)
}

/// How deep the arrays and objects of a valid JSON text lie in one another.
fn levels(json: &str) -> usize {
    let (mut level, mut deepest, mut in_text, mut escaped) = (0_usize, 0, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => {
                level += 1;
                deepest = deepest.max(level);
            }
            b'}' | b']' if !in_text => level = level.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// Opens the inboxes of one batch, as [`super::open::Opener`] opens rooms.
pub(crate) struct InboxOpener {
    pub(crate) database: Arc<dyn Database>,
}

#[async_trait]
impl Job for InboxOpener {
    type Request = OpenInbox;
    type Answer = OpenedInbox;
    const NAME: &'static str = "open_inbox";

    fn bytes(_: &OpenInbox) -> usize {
        size_of::<OpenInbox>()
    }

    async fn run(&self, opens: &[OpenInbox]) -> OperationResult<Vec<OperationResult<OpenedInbox>>> {
        let users: Vec<UserId> = opens.iter().map(|open| open.user).collect();
        let (epoch, openings) = self.database.inbox_openings(&users).await?;
        let missed = opens.iter().zip(&openings).map(|(open, opening)| {
            Missed::of(TopicId::Inbox(open.user), open.since, open.replay_limit, opening.state.head, epoch)
        });
        let missed: Vec<Missed> = missed.collect();
        let events = read_missed(&*self.database, &missed).await?;
        let answers = openings.into_iter().zip(missed).map(|(opening, missed)| {
            let InboxOpening {
                state,
                user,
                hides_presence,
                hides_typing,
                hides_version,
                blocked,
                blocks_version,
            } = opening;
            let (complete, events) = missed.replay(&events);
            let InboxState { head, read, gone: _ } = state;
            let unread = state.unread();
            Ok(OpenedInbox {
                epoch,
                head,
                read,
                unread,
                complete,
                events,
                user,
                hides_presence,
                hides_typing,
                hides_version,
                blocks_version,
                blocked,
            })
        });
        Ok(answers.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_objects_within_their_bounds_are_notices() {
        for data in ["{}", r#" {"a":[{"b":"[[[{{{\\\"[[["}]} "#, r#"{"종류":"알림","n":1e9}"#] {
            assert!(check_data(data).is_ok(), "{data}");
        }
        for data in ["", "[]", "null", "1", "{", "{}{}", "{'a':1}", "{\"a\":\u{1}}"] {
            assert!(check_data(data).is_err(), "{data}");
        }
        let text = |length| format!("{{\"a\":\"{}\"}}", "x".repeat(length - 8));
        assert!(check_data(&text(NOTICE_DATA_MAX_BYTES)).is_ok());
        assert!(check_data(&text(NOTICE_DATA_MAX_BYTES + 1)).is_err());
        let nested = |levels| format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels));
        assert!(check_data(&nested(NOTICE_DATA_MAX_LEVELS)).is_ok());
        assert!(check_data(&nested(NOTICE_DATA_MAX_LEVELS + 1)).is_err());
    }

    #[test]
    fn brackets_in_texts_are_no_levels() {
        assert_eq!(levels(r#"{"a":"\\\"[[[","b":[[]]}"#), 3);
    }
}
