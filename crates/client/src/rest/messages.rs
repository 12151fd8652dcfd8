//! What is done to messages.

use madang_contract::rest::EditMessage;
use madang_domain::RoomId;
use reqwest::Method;

use super::{Client, Error, Page, Revision, RoomMessage};

impl Client {
    /// `PATCH /v1/rooms/{room}/messages/{id}`: changes the text of the user's own message.
    ///
    /// # Errors
    /// `not_found`, `permission_denied`, `failed_precondition`, `invalid_argument`, and what every call may fail with.
    pub async fn edit_message(&self, room: RoomId, message: &str, text: &str) -> Result<RoomMessage, Error> {
        let request = self.request(Method::PATCH, &format!("/v1/rooms/{room}/messages/{message}"));
        self.call(request.json(&EditMessage { text })).await
    }

    /// `DELETE /v1/rooms/{room}/messages/{id}`
    ///
    /// # Errors
    /// `not_found`, `permission_denied`, and what every call may fail with.
    pub async fn delete_message(&self, room: RoomId, message: &str) -> Result<(), Error> {
        let path = format!("/v1/rooms/{room}/messages/{message}");
        self.call_for_nothing(self.request(Method::DELETE, &path)).await
    }

    /// `GET /v1/rooms/{room}/messages/{id}/revisions`, the latest first
    ///
    /// # Errors
    /// `not_found`, `permission_denied`, and what every call may fail with.
    pub async fn revisions(
        &self,
        room: RoomId,
        message: &str,
        limit: Option<u32>,
        cursor: Option<&str>,
    ) -> Result<Page<Revision>, Error> {
        let limit = limit.map(|limit| limit.to_string());
        let query = [("limit", limit.as_deref()), ("cursor", cursor)];
        self.call(self.query(&format!("/v1/rooms/{room}/messages/{message}/revisions"), &query)).await
    }

    /// `PUT /v1/rooms/{room}/messages/{id}/reactions/{emoji}`, or `DELETE`.
    ///
    /// # Errors
    /// `not_found`, `permission_denied`, `failed_precondition`, `invalid_argument`, and what every call may fail with.
    pub async fn react(&self, room: RoomId, message: &str, emoji: &str, on: bool) -> Result<(), Error> {
        let method = if on { Method::PUT } else { Method::DELETE };
        let path = format!("/v1/rooms/{room}/messages/{message}/reactions/{emoji}");
        self.call_for_nothing(self.request(method, &path)).await
    }
}
