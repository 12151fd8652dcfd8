//! A user's own inbox.

use madang_domain::{Result, Seq, UserId};
use madang_rpc::store::{Inbox, InboxMark, InboxPage, MarkInboxRead};

use super::{Commands, history::HistoryRange};

impl Commands {
    /// A page of a user's inbox, and where the inbox stands.
    pub(crate) async fn inbox(&self, user: UserId, range: HistoryRange) -> Result<InboxPage> {
        let (from, limit) = range.check()?;
        self.store.inbox(Inbox { user, from, limit }).await
    }

    /// Moves the read mark of a user's inbox.
    pub(crate) async fn mark_inbox_read(&self, user: UserId, seq: Seq) -> Result<InboxMark> {
        self.store.mark_inbox_read(MarkInboxRead { user, seq }).await
    }
}
