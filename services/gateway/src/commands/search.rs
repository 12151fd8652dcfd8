//! Search.

use madang_domain::{Result, RoomRef, SearchText, Timestamp, UserId};
use madang_rpc::store::{PageQuery, Search, SearchPage};

use super::Commands;
use crate::admission::{Actor, Reads};

/// What a user looks for, and where.
#[derive(Debug, Clone)]
pub(crate) struct SearchFor {
    pub(crate) text: SearchText,
    pub(crate) room: Option<RoomRef>,
    pub(crate) from: Option<UserId>,
    pub(crate) before: Option<Timestamp>,
    pub(crate) after: Option<Timestamp>,
}

impl Commands {
    /// The messages of a user's rooms that say something, the newest first.
    pub(crate) async fn search(&self, actor: &Actor, what: SearchFor, page: PageQuery) -> Result<SearchPage> {
        self.reads.take(actor, Reads::SEARCH)?;
        let (user, SearchFor { text, room, from, before, after }) = (actor.profile.id, what);
        self.store.search(Search { user, text, room, from, before, after, page }).await
    }
}
