//! `/v1/inbox`: the user's notices.

use madang_domain::{Epoch, Seq};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A page of notices and the state of the inbox.
// A client substitutes its own type for `N` to keep notices of kinds that it does not know.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "InboxPage")]
pub struct InboxPage<N> {
    /// The notices: newest first, but oldest first if the query has `after`.
    pub items: Vec<N>,
    /// Always null: ask for the next page by the `seq` of the last notice.
    pub next_cursor: Option<String>,
    /// Whether more notices follow the last one. A page is bounded in bytes too, so it may have fewer items than
    /// `limit`.
    #[serde(default)]
    pub more: bool,
    /// The epoch of the inbox.
    pub epoch: Epoch,
    /// The `seq` of the last notice; 0 if there is none.
    pub head: Seq,
    /// The read mark: the `seq` up to which the user has read the inbox.
    pub read: Seq,
    /// The number of notices after the read mark that are not dismissed.
    pub unread: u64,
}

/// The routes of the inbox.
pub mod routes {
    use madang_domain::Code;

    use super::InboxPage;
    use crate::{
        Notice,
        rest::{MarkRead, RangeQuery, ReadMark, Route, route::table},
    };

    table! {
        /// Lists the notices.
        LIST = Route::get("list_inbox", "/v1/inbox", "List the notices in the user's inbox, by `seq`")
            .query::<RangeQuery>()
            .answers::<InboxPage<Notice<'_>>>(200, "A page of notices and the state of the inbox.");
        /// Moves the read mark of the inbox.
        READ = Route::put("mark_inbox_read", "/v1/inbox/read", "Move the read mark of the inbox; it never moves back")
            .takes::<MarkRead>()
            .answers::<ReadMark>(200, "The read mark after the request.");
        /// Dismisses a notice.
        DISMISS = Route::delete("dismiss_notice", "/v1/inbox/{seq}", "Dismiss a notice; its place stays, empty")
            .answers_empty(204, "The notice is dismissed.")
            .refuses(&[Code::NotFound]);
    }
}
