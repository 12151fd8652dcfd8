//! Search.

use madang_domain::{RoomId, Timestamp, UserId};

use super::{Client, Error, SearchPage};

/// What to look for, and where.
#[derive(Debug, Clone, Copy, Default)]
pub struct SearchFor<'a> {
    /// What a message must say, all of it.
    pub text: &'a str,
    /// In this room alone.
    pub room: Option<RoomId>,
    /// By this sender alone.
    pub from: Option<UserId>,
    /// Sent before this time.
    pub before: Option<Timestamp>,
    /// Sent after this time.
    pub after: Option<Timestamp>,
    /// At most so many messages.
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    pub cursor: Option<&'a str>,
}

impl<'a> SearchFor<'a> {
    /// Looks for a text in all rooms.
    #[must_use]
    pub fn text(text: &'a str) -> Self {
        Self { text, ..Self::default() }
    }
}

impl Client {
    /// `GET /v1/search`: the messages of the user's rooms that say something, newest first.
    ///
    /// # Errors
    /// `invalid_argument`, `not_found`, `permission_denied`, and what every call may fail with.
    pub async fn search(&self, what: SearchFor<'_>) -> Result<SearchPage, Error> {
        let SearchFor { text, room, from, before, after, limit, cursor } = what;
        let (room, from) = (room.map(|room| room.to_string()), from.map(|user| user.to_string()));
        let [before, after] = [before, after].map(|time| time.map(|time| time.to_string()));
        let limit = limit.map(|limit| limit.to_string());
        let query = [
            ("q", Some(text)),
            ("room", room.as_deref()),
            ("from", from.as_deref()),
            ("before", before.as_deref()),
            ("after", after.as_deref()),
            ("limit", limit.as_deref()),
            ("cursor", cursor),
        ];
        self.call(self.query("/v1/search", &query)).await
    }
}
