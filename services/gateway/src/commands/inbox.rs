//! A user's own inbox.

use std::sync::Arc;

use madang_domain::{Result, Seq};
use madang_rpc::store::{Dismiss, Inbox, InboxMark, InboxPage, MarkInboxRead};

use super::{Action, Commands, Committed, history::HistoryRange, settings::for_devices};
use crate::{admission::Actor, formats::native};

impl Commands {
    /// A page of a user's inbox, and where the inbox stands.
    pub(crate) async fn inbox(&self, actor: &Actor, range: HistoryRange) -> Result<InboxPage> {
        self.pay_read(actor)?;
        let (from, limit) = range.check()?;
        self.store.inbox(Inbox { user: actor.profile.id, from, limit }).await
    }

    /// Moves the read mark of a user's inbox, and tells the user's devices.
    pub(crate) async fn mark_inbox_read(&self, actor: &Actor, seq: Seq) -> Result<InboxMark> {
        let spent = self.spend(actor, Action::MarkRead, None).await?;
        let (store, user) = (Arc::clone(&self.store), actor.profile.id);
        self.commit(spent, "mark inbox read", async move {
            let value = store.mark_inbox_read(MarkInboxRead { user, seq }).await?;
            let told = for_devices(user, native::inbox_read_frame(value));
            Ok(Committed { value, publications: vec![told] })
        })
        .await
    }

    /// Dismisses a notice of a user's inbox.
    pub(crate) async fn dismiss(&self, actor: &Actor, seq: Seq) -> Result<()> {
        let spent = self.spend(actor, Action::Dismiss, None).await?;
        let (store, user) = (Arc::clone(&self.store), actor.profile.id);
        self.commit(spent, "dismiss", async move { store.dismiss(Dismiss { user, seq }).await }).await
    }
}
