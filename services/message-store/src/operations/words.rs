//! The words that are not accepted, and messages that have one.

use std::collections::BTreeSet;

use madang_domain::{
    AuditAction, Authority, IdempotencyKey, ListedWord, Role, RoomAction, RoomId, RoomRef, Seq, UserId,
    limits::{WORD_LETTERS_MAX, WORDS_MAX},
};
use madang_rpc::store::{GetWords, PutWords, WordList};

use super::{
    engine::Engine,
    members::as_member,
    room_change::{RoomChange, permit},
};
use crate::{
    error::{OperationError, OperationResult},
    store::{AuditRecord, Connection, NewReport},
    transaction::{finish, in_transaction},
    words::{Verdict, letters},
};

impl Engine {
    pub(crate) async fn words(&self, request: GetWords) -> OperationResult<WordList> {
        let GetWords { user, room } = request;
        let mut connection = self.database.reader().await?;
        let outcome = async {
            let room = match (user, &room) {
                (_, None) => None,
                (Some(user), Some(room)) => {
                    let view = as_member(connection.view(user, room).await?)?;
                    let role = view.place.map_or(Role::Member, |place| place.role);
                    permit(RoomAction::SetWords, Authority::User, role, view.room.flags)?;
                    Some(view.room.id)
                }
                (None, Some(room)) => {
                    let nobody = UserId::new(uuid::Uuid::nil());
                    let view = connection.view(nobody, room).await?.ok_or(OperationError::RoomNotFound)?;
                    Some(view.room.id)
                }
            };
            Ok(connection.word_list(room).await?)
        };
        let outcome = outcome.await;
        finish(connection, outcome).await
    }

    pub(crate) async fn put_words(&self, request: PutWords) -> OperationResult<WordList> {
        let PutWords { actor, authority, room, list } = request;
        if list.words.len() > WORDS_MAX {
            return Err(OperationError::TooManyWords);
        }
        // Each once, in an order that shows which there are.
        let words: BTreeSet<ListedWord> = list.words.into_iter().collect();
        let list = WordList { words: words.into_iter().collect(), action: list.action };
        if letters(&list.words) > WORD_LETTERS_MAX {
            return Err(OperationError::TooLongWords);
        }
        self.remember(&actor).await?;
        let now = self.clock.now();
        in_transaction!(self, "put_words", |transaction| {
            match (&actor, &room) {
                (None, None) => transaction.put_word_list(None, &list, now).await?,
                (Some(_), None) => return Err(OperationError::RoleTooLow("the site's backend")),
                (actor, Some(room)) => {
                    let of = actor.as_ref().map_or(UserId::new(uuid::Uuid::nil()), |actor| actor.id);
                    let mut change = RoomChange::begin(transaction, of, room, now).await?;
                    if actor.is_some() {
                        change.actor().await?;
                        change.refuse_direct()?;
                        change.permit(RoomAction::SetWords).await?;
                    }
                    let room = change.room.id;
                    change.transaction.put_word_list(Some(room), &list, now).await?;
                    if actor.is_some() {
                        let record = AuditRecord::new(AuditAction::WordsSet, of, authority);
                        change.record(record).await?;
                    }
                }
            }
            Ok(())
        })?;
        // Other replicas hear of it within seconds, this one at once.
        self.words.refresh(&*self.database).await?;
        Ok(list)
    }

    /// Judges a text that a user says in a room. True: it is to be reported once it is said. `key`: that of a message which is
    /// sent.
    ///
    /// Only who may speak there is refused for a word. Another is refused for that by what follows, so that nobody learns the
    /// list of a room in which they are not; and a message that was sent before is answered as before.
    pub(crate) async fn judge_words(
        &self,
        room: RoomId,
        user: UserId,
        key: Option<&IdempotencyKey>,
        text: &str,
    ) -> OperationResult<bool> {
        match self.words.judge(&*self.database, room, text).await? {
            Verdict::Accepted => Ok(false),
            Verdict::Flagged => Ok(true),
            Verdict::Refused if self.may_say_more(room, user, key).await? => Err(OperationError::WordRefused),
            Verdict::Refused => Ok(false),
        }
    }

    /// Whether a user is in a room, and has not said this before.
    async fn may_say_more(
        &self,
        room: RoomId,
        user: UserId,
        key: Option<&IdempotencyKey>,
    ) -> OperationResult<bool> {
        in_transaction!(self, "may_say_more", |transaction| {
            if let Some(key) = key
                && transaction.appended_before(room, user, key).await?.is_some()
            {
                return Ok(false);
            }
            let view = transaction.view(user, &RoomRef::Id(room)).await?;
            Ok(view.is_some_and(|view| view.place.is_some()))
        })
    }

    /// Reports a message that has a word which is not accepted, in the transaction in which it is said: a repeat of what was
    /// said finds it there and says nothing, so nobody would report it later.
    pub(super) async fn report_by_words(
        &self,
        transaction: &mut dyn Connection,
        room: RoomId,
        message: Seq,
    ) -> OperationResult<()> {
        let (id, at) = (self.new_id(), self.clock.now());
        let report = NewReport { room, message, reporter: None, id, reason: None, at };
        transaction.insert_report(&report).await?;
        Ok(())
    }
}
