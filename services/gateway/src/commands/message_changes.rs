//! What is done to messages: edits, deletions and reactions.

use std::sync::Arc;

use madang_domain::{
    Authority, Emoji, MessageId, MessageText, Profile, Result, RoomId, RoomRef, UserId,
    event::{Event, EventBody},
};
use madang_rpc::store::{
    DeleteMessage, EditMessage, ListRevisions, Page, PageQuery, React, Revision, TellMembers,
};

use super::{Action, Commands};
use crate::admission::{Actor, Spent};

impl Commands {
    /// Changes the text of a user's own message. Answers the message as it is now.
    pub(crate) async fn edit_message(
        &self,
        actor: &Actor,
        room: &RoomRef,
        message: MessageId,
        text: MessageText,
    ) -> Result<Event> {
        let room = self.room_id(actor, room).await?;
        let spent = self.spend(actor, Action::EditMessage, Some(room)).await?;
        let by = Some(self.budgets.present_profile(actor));
        self.edit(spent, by, actor.authority, room, message, text).await
    }

    /// Changes the text of a message for its sender, on behalf of the site.
    pub(crate) async fn edit_message_as_site(
        &self,
        room: &RoomRef,
        message: MessageId,
        text: MessageText,
    ) -> Result<Event> {
        let room = self.look_up_as_site(room).await?;
        self.edit(Spent::by_site(), None, Authority::Site, room, message, text).await
    }

    async fn edit(
        &self,
        spent: Spent,
        actor: Option<Arc<Profile>>,
        authority: Authority,
        room: RoomId,
        message: MessageId,
        text: MessageText,
    ) -> Result<Event> {
        let (store, telling) = (Arc::clone(&self.store), self.telling());
        let (message, text) = (message.seq(), text.into_string());
        let edit = EditMessage { actor, authority, room, message, text };
        self.commit(spent, "edit message", async move {
            let changed = store.edit_message(edit).await?;
            // Where the text mentioned everybody before, nobody is left to be told.
            if mentions_everybody(&changed.value) {
                telling.start(TellMembers { room, message }, Arc::clone(&changed.value.actor));
            }
            Ok(changed)
        })
        .await
    }

    /// Deletes a message.
    pub(crate) async fn delete_message(
        &self,
        actor: &Actor,
        room: &RoomRef,
        message: MessageId,
    ) -> Result<()> {
        let room = self.room_id(actor, room).await?;
        let spent = self.spend(actor, Action::DeleteMessage, Some(room)).await?;
        let by = Some(self.budgets.present_profile(actor));
        self.delete(spent, by, actor.authority, room, message).await
    }

    /// Deletes a message for its sender, on behalf of the site.
    pub(crate) async fn delete_message_as_site(&self, room: &RoomRef, message: MessageId) -> Result<()> {
        let room = self.look_up_as_site(room).await?;
        self.delete(Spent::by_site(), None, Authority::Site, room, message).await
    }

    async fn delete(
        &self,
        spent: Spent,
        actor: Option<Arc<Profile>>,
        authority: Authority,
        room: RoomId,
        message: MessageId,
    ) -> Result<()> {
        let store = Arc::clone(&self.store);
        let delete = DeleteMessage { actor, authority, room, message: message.seq() };
        let deleted =
            self.commit(spent, "delete message", async move { store.delete_message(delete).await }).await;
        if deleted.is_ok() {
            self.look_for_removed_files();
        }
        deleted
    }

    /// The former texts of a message, the latest first.
    pub(crate) async fn revisions(
        &self,
        actor: &Actor,
        room: RoomRef,
        message: MessageId,
        page: PageQuery,
    ) -> Result<Page<Revision>> {
        self.pay_read(actor)?;
        let (user, message) = (actor.profile.id, message.seq());
        self.store.list_revisions(ListRevisions { user, room, message, page }).await
    }

    /// Reacts to a message with an emoji, or ends that.
    pub(crate) async fn react(
        &self,
        actor: &Actor,
        room: &RoomRef,
        message: MessageId,
        emoji: Emoji,
        on: bool,
    ) -> Result<()> {
        let (spent, room) = self.spend_in(actor, Action::React, room).await?;
        let (store, actor) = (Arc::clone(&self.store), self.budgets.present_profile(actor));
        let react = React { actor, room, message: message.seq(), emoji, on };
        self.commit(spent, "react", async move { store.react(react).await }).await
    }

    /// The id of a room that the site names, without a user of whom it is asked.
    async fn look_up_as_site(&self, room: &RoomRef) -> Result<RoomId> {
        self.look_up(UserId::new(uuid::Uuid::nil()), room).await
    }
}

fn mentions_everybody(message: &Event) -> bool {
    matches!(&message.body, EventBody::Message(said) if said.mentions_all.is_some())
}
