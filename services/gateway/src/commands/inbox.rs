//! A user's own inbox.

use madang_domain::{Result, Seq};
use madang_rpc::store::{Inbox, InboxMark, InboxPage, MarkInboxRead};

use super::{Action, Commands, history::HistoryRange};
use crate::admission::Actor;

impl Commands {
    /// A page of a user's inbox, and where the inbox stands.
    pub(crate) async fn inbox(&self, actor: &Actor, range: HistoryRange) -> Result<InboxPage> {
        self.pay_read(actor)?;
        let (from, limit) = range.check()?;
        self.store.inbox(Inbox { user: actor.profile.id, from, limit }).await
    }

    /// Moves the read mark of a user's inbox.
    pub(crate) async fn mark_inbox_read(&self, actor: &Actor, seq: Seq) -> Result<InboxMark> {
        // Nobody is told, so that it does not go by the one write path.
        self.spend(actor, Action::MarkRead, None)?.keep();
        let user = actor.profile.id;
        self.store.mark_inbox_read(MarkInboxRead { user, seq }).await
    }
}
