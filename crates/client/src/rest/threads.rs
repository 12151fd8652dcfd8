//! Threads.

use madang_contract::rest::{MarkRead, SendMessage, ThreadPlace};
use madang_domain::{MessageId, RoomId, Seq};
use reqwest::Method;

use super::{Client, Error, FollowedThread, Page, SentMessage, ThreadPage};

impl Client {
    /// `POST /v1/rooms/{room}/messages`, in the thread of a root.
    ///
    /// # Errors
    /// `not_found`, `permission_denied`, `invalid_argument`, and what every call may fail with.
    pub async fn send_in_thread(
        &self,
        room: RoomId,
        thread: MessageId,
        text: &str,
        key: Option<&str>,
        in_room: bool,
    ) -> Result<SentMessage, Error> {
        let (attachments, thread) = (Vec::new(), Some(thread));
        let body = SendMessage { text, key, reply_to: None, attachments, thread, in_room, metadata: None };
        self.call(self.request(Method::POST, &format!("/v1/rooms/{room}/messages")).json(&body)).await
    }

    /// `GET /v1/rooms/{room}/threads/{id}/messages`: below a place, above one, or the last ones.
    ///
    /// # Errors
    /// `not_found`, `permission_denied`, `invalid_argument`, and what every call may fail with.
    pub async fn thread_messages(
        &self,
        room: RoomId,
        thread: MessageId,
        before: Option<Seq>,
        after: Option<Seq>,
        limit: Option<u32>,
    ) -> Result<ThreadPage, Error> {
        let [before, after] = [before, after].map(|seq| seq.map(|seq| seq.to_string()));
        let limit = limit.map(|limit| limit.to_string());
        let query = [("before", before.as_deref()), ("after", after.as_deref()), ("limit", limit.as_deref())];
        self.call(self.query(&format!("/v1/rooms/{room}/threads/{thread}/messages"), &query)).await
    }

    /// `PUT /v1/rooms/{room}/threads/{id}/read`
    ///
    /// # Errors
    /// `not_found`, `permission_denied`, and what every call may fail with.
    pub async fn mark_thread_read(
        &self,
        room: RoomId,
        thread: MessageId,
        seq: Seq,
    ) -> Result<ThreadPlace, Error> {
        let request = self.request(Method::PUT, &format!("/v1/rooms/{room}/threads/{thread}/read"));
        self.call(request.json(&MarkRead { seq })).await
    }

    /// `PUT /v1/rooms/{room}/threads/{id}/follow`
    ///
    /// # Errors
    /// `not_found`, `permission_denied`, `failed_precondition`, and what every call may fail with.
    pub async fn follow_thread(&self, room: RoomId, thread: MessageId) -> Result<ThreadPlace, Error> {
        self.call(self.request(Method::PUT, &format!("/v1/rooms/{room}/threads/{thread}/follow"))).await
    }

    /// `DELETE /v1/rooms/{room}/threads/{id}/follow`
    ///
    /// # Errors
    /// `not_found`, `permission_denied`, and what every call may fail with.
    pub async fn unfollow_thread(&self, room: RoomId, thread: MessageId) -> Result<(), Error> {
        let path = format!("/v1/rooms/{room}/threads/{thread}/follow");
        self.call_for_nothing(self.request(Method::DELETE, &path)).await
    }

    /// `GET /v1/threads`: those that the user follows, the one with the latest message first.
    ///
    /// # Errors
    /// What every call may fail with.
    pub async fn threads(
        &self,
        limit: Option<u32>,
        cursor: Option<&str>,
    ) -> Result<Page<FollowedThread>, Error> {
        let limit = limit.map(|limit| limit.to_string());
        let query = [("limit", limit.as_deref()), ("cursor", cursor)];
        self.call(self.query("/v1/threads", &query)).await
    }
}
