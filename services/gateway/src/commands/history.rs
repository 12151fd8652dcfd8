//! Pages of a room's history.

use madang_domain::{Error, Result, RoomRef, Seq, limits};
use madang_rpc::store::{History, HistoryFrom, HistoryQuery, LogPage};

use super::Commands;
use crate::admission::Actor;

/// Which page of a log: `before` or `after` a sequence number, or without either the last page.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct HistoryRange {
    pub(crate) before: Option<Seq>,
    pub(crate) after: Option<Seq>,
    pub(crate) limit: Option<u32>,
}

impl HistoryRange {
    /// Where the page begins, and how many items it has. `invalid_argument`: both `before` and `after` are given, or the
    /// limit is out of its bounds.
    pub(crate) fn check(self) -> Result<(HistoryFrom, u32)> {
        let from = match (self.before, self.after) {
            (None, None) => HistoryFrom::End,
            (Some(before), None) => HistoryFrom::Before(before),
            (None, Some(after)) => HistoryFrom::After(after),
            (Some(_), Some(_)) => return Err(Error::invalid("give before or after, not both")),
        };
        Ok((from, page_limit(self.limit)?))
    }
}

impl Commands {
    /// A page of a room's history: of everything that happened, or of the messages alone.
    pub(crate) async fn history(
        &self,
        actor: &Actor,
        room: RoomRef,
        range: HistoryRange,
        messages_only: bool,
    ) -> Result<LogPage> {
        self.pay_read(actor)?;
        let (from, limit) = range.check()?;
        let user = Some(actor.profile.id);
        self.store.history(History { user, room, query: HistoryQuery { from, limit, messages_only } }).await
    }

    /// A page of a room's messages, for the site.
    pub(crate) async fn messages_as_site(&self, room: RoomRef, range: HistoryRange) -> Result<LogPage> {
        let (from, limit) = range.check()?;
        let query = HistoryQuery { from, limit, messages_only: true };
        self.store.history(History { user: None, room, query }).await
    }
}

/// The number of items of a page: what the client asks for, or the default.
pub(crate) fn page_limit(limit: Option<u32>) -> Result<u32> {
    match limit {
        None => Ok(limits::PAGE_DEFAULT_ITEMS),
        Some(limit) if (1..=limits::PAGE_MAX_ITEMS).contains(&limit) => Ok(limit),
        Some(_) => Err(Error::invalid(format!("limit must be 1 to {}", limits::PAGE_MAX_ITEMS))),
    }
}
