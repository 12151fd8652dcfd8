//! `/v1/inbox`: what concerns one user alone.

use madang_domain::{Epoch, Seq};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A page of the user's inbox, and the inbox's state. `N` is the form of its notices: a client that keeps kinds of
/// notices which it does not know has a form of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "InboxPage")]
pub struct InboxPage<N> {
    /// The notices, newest first, or oldest first where the query said `after`.
    pub items: Vec<N>,
    /// Always null: pages go on by `seq`.
    pub next_cursor: Option<String>,
    /// Whether there is more beyond the last item. A page may have fewer items than were asked for: its bytes are bounded.
    #[serde(default)]
    pub more: bool,
    /// The history that places in the inbox belong to.
    pub epoch: Epoch,
    /// The last place.
    pub head: Seq,
    /// The read mark.
    pub read: Seq,
    /// The number of notices after the read mark.
    pub unread: u64,
}

/// The routes.
pub mod routes {
    use super::InboxPage;
    use crate::{
        Notice,
        rest::{MarkRead, RangeQuery, ReadMark, Route, route::table},
    };

    table! {
        /// Pages the inbox.
        LIST = Route::get("list_inbox", "/v1/inbox", "Page the user's inbox by `seq`")
            .query::<RangeQuery>()
            .answers::<InboxPage<Notice<'_>>>(200, "The notices, and the state of the inbox.");
        /// Moves the read mark.
        READ = Route::put("mark_inbox_read", "/v1/inbox/read", "Move the read mark of the inbox")
            .takes::<MarkRead>()
            .answers::<ReadMark>(200, "The read mark.");
    }
}
