//! Edits of messages, and the texts that they replaced.

use std::time::Duration;

use madang_domain::{
    AuditAction, Authority, MentionAll, Profile, Role, RoomAction, RoomRef, Seq, Timestamp, UserId,
    event::{Edited, Event, EventBody},
    limits::REVISIONS_MAX,
};
use madang_rpc::store::{Changed, EditMessage, ListRevisions, Page, Revision};

use super::{
    engine::Engine,
    everybody,
    members::{as_member, visible_after},
    mentions,
    page::{self, Place},
    room_change::{RoomChange, permit},
    threads,
};
use crate::{
    error::{OperationError, OperationResult},
    store::{AuditRecord, LastEdit, MessageRecord, RevisionPage, Slice},
    transaction::{finish, in_transaction},
};

/// A place among the former texts of a message: the latest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ByRevision(u32);

impl Place for ByRevision {
    const LIST: &'static str = "v";

    fn parts(&self) -> String {
        self.0.to_string()
    }

    fn read(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }
}

impl Engine {
    pub(crate) async fn edit_message(
        &self,
        request: EditMessage,
        is_flagged: bool,
    ) -> OperationResult<Changed<Event>> {
        let EditMessage { actor, authority, room, message, text } = request;
        self.remember(&actor).await?;
        // Whom the text names is looked up before, as for a send, and judged once more under the lock.
        let sender = actor.as_ref().map_or(UserId::new(uuid::Uuid::nil()), |actor| actor.id);
        let named =
            mentions::find(&*self.database, &[(room, sender, &text)]).await?.pop().unwrap_or_default();
        in_transaction!(self, "edit_message", |transaction| {
            let of = actor.as_ref().map_or(sender, |actor| actor.id);
            let mut change = RoomChange::begin(transaction, of, &RoomRef::Id(room), self.clock.now()).await?;
            let mut edited = change.message(message).await?;
            self.may_edit(&mut change, actor.as_deref(), &edited).await?;
            if edited.text != text {
                self.within_edit_window(&change, actor.as_deref(), &edited)?;
                let authority = actor.as_ref().map_or(Authority::Site, |_| authority);
                let (former, former_all) = (edited.detail.mentions.clone(), edited.detail.mentions_all);
                edited.detail.mentions = change.members_among(&named, edited.sender).await?;
                let asked = mentions::everybody(&text);
                edited.detail.mentions_all =
                    everybody::judge(change.transaction, room, edited.sender, authority, asked).await?;
                replace_text(&mut change, &mut edited, text.clone()).await?;
                tell_newly_named(&mut change, actor.is_none(), &edited, &former).await?;
                tell_everybody(&mut change, actor.is_none(), &edited, former_all).await?;
                if authority.is_by_site() {
                    let sender = edited.sender;
                    let record = AuditRecord::new(AuditAction::MessageEdited, sender, authority);
                    change.record(record.to(sender).of_message(message)).await?;
                }
            }
            if is_flagged {
                self.report_by_words(change.transaction, room, message).await?;
            }
            let beyond = Seq::new(message.get() - 1);
            let slice = Slice { beyond, limit: 1, messages_only: false, floor: Seq::START };
            let mut page = change.transaction.events_after(room, slice).await?;
            let value = page.events.pop().ok_or(OperationError::MessageNotFound)?;
            change.finish(value).await
        })
    }

    /// Judges whose message it is. The site may edit every message, and acts for its sender.
    async fn may_edit(
        &self,
        change: &mut RoomChange<'_>,
        actor: Option<&Profile>,
        edited: &MessageRecord,
    ) -> OperationResult<()> {
        if change.room.flags.archived {
            return Err(OperationError::Archived);
        }
        if let Some(actor) = actor {
            let member = change.permit(RoomAction::EditOwn).await?;
            change.refuse_blocked().await?;
            change.may_speak(&member)?;
            if !change.room.flags.lets_send(member.role) {
                return Err(OperationError::OnlyModerators);
            }
            if edited.detail.deleted {
                return Err(OperationError::MessageNotFound);
            }
            return if edited.sender == actor.id { Ok(()) } else { Err(OperationError::NotSender) };
        }
        change.act_for(edited.sender);
        if edited.detail.deleted { Err(OperationError::MessageNotFound) } else { Ok(()) }
    }

    fn within_edit_window(
        &self,
        change: &RoomChange<'_>,
        actor: Option<&Profile>,
        edited: &MessageRecord,
    ) -> OperationResult<()> {
        let window = match change.room.flags.edit_window_s {
            0 => self.edit_window,
            seconds => Duration::from_secs(seconds.into()),
        };
        let is_over = change.room.active_at.since(edited.at) > window;
        if actor.is_some() && !window.is_zero() && is_over {
            return Err(OperationError::EditWindowOver(window));
        }
        Ok(())
    }

    pub(crate) async fn revisions(&self, request: ListRevisions) -> OperationResult<Page<Revision>> {
        let ListRevisions { user, room, message, page } = request;
        let (limit, after) = page::check::<ByRevision>(&page)?;
        let beyond = after.map_or(u32::MAX, |ByRevision(revision)| revision);
        let mut connection = self.database.reader().await?;
        let outcome = async {
            let view = as_member(connection.view(user, &room).await?)?;
            let role = view.place.map_or(Role::Member, |place| place.role);
            // In a direct room nobody is a moderator.
            permit(RoomAction::ReadRevisions, Authority::User, role, view.room.flags)?;
            if message <= visible_after(&view) {
                return Err(OperationError::MessageNotFound);
            }
            let room = view.room.id;
            let message = connection.message(room, message).await?.ok_or(OperationError::MessageNotFound)?;
            Ok(connection.revisions(room, message.seq, beyond, limit + 1).await?)
        };
        let outcome = outcome.await;
        let RevisionPage { revisions, is_cut } = finish(connection, outcome).await?;
        let (items, next) = page::cut(revisions, limit, is_cut, |last| ByRevision(last.revision));
        Ok(Page { items, next })
    }
}

/// Gives a message another text, with the event that says so, and keeps the former one. Of all events that told of the
/// message's edits the last one alone has a text.
async fn replace_text(
    change: &mut RoomChange<'_>,
    edited: &mut MessageRecord,
    text: String,
) -> OperationResult<()> {
    let room = change.room.id;
    let last = edited.detail.edit;
    let revision = last.map_or(0, |last| last.revision);
    let written_at = last.map_or(edited.at, |last| Timestamp::from_micros(last.at));
    let former = Revision { revision, text: std::mem::replace(&mut edited.text, text), at: written_at };
    let first_kept = (revision + 1).saturating_sub(REVISIONS_MAX);
    change.transaction.insert_revision(room, edited.seq, &former, first_kept).await?;
    if let Some(last) = last {
        change.transaction.erase_edit(room, last.event, edited.seq, last.revision).await?;
    }
    let event = Edited {
        message: edited.seq,
        revision: revision + 1,
        text: Some(edited.text.clone()),
        mentions: edited.detail.mentions.clone(),
        mentions_all: edited.detail.mentions_all,
    };
    change.add(None, EventBody::Edited(event)).await?;
    let (at, event) = (change.room.active_at.as_micros(), change.room.head);
    edited.detail.edit = Some(LastEdit { revision: revision + 1, at, event });
    Ok(change.transaction.save_message(room, edited).await?)
}

/// Notes that members are to be told whom the text mentions all together and the former one did not.
async fn tell_everybody(
    change: &mut RoomChange<'_>,
    by_site: bool,
    edited: &MessageRecord,
    former: Option<MentionAll>,
) -> OperationResult<()> {
    let is_news = match edited.detail.mentions_all {
        Some(MentionAll::All) => former != Some(MentionAll::All),
        Some(MentionAll::Here) => former.is_none(),
        None => false,
    };
    if let Some(whom) = edited.detail.mentions_all.filter(|_| is_news) {
        let tell = everybody::tell_of(change.room.id, edited.seq, whom, by_site);
        change.transaction.insert_member_tell(&tell, change.now).await?;
    }
    Ok(())
}

/// Tells those whom the text names and the former one did not, but who has blocked the sender or wants to be notified of
/// nothing in the room. Whom it names no more
/// keeps the notice: it says that there was a mention, and no text.
async fn tell_newly_named(
    change: &mut RoomChange<'_>,
    by_site: bool,
    edited: &MessageRecord,
    former: &[UserId],
) -> OperationResult<()> {
    let new: Vec<UserId> =
        edited.detail.mentions.iter().filter(|user| !former.contains(user)).copied().collect();
    mentions::tell(change, by_site, edited.sender, &new, edited.seq).await?;
    threads::follow_named(change, edited, &new).await
}
