//! The client of the REST routes.

use std::{fmt, time::Duration};

use madang_contract::rest::{Login, MarkRead, PutMember, RefreshToken, Register, SendMessage};
use madang_domain::{Role, RoomId, Seq, SessionId, UserId};
use reqwest::{Method, RequestBuilder, Response, Url, header};
use serde::de::DeserializeOwned;

use super::{
    AuthSession, Error, InboxPage, Member, MessagesPage, NewRoom, Page, Problem, ReadMark, Room, RoomMessage,
    SentMessage, Ticket, Tokens,
};

/// How long a call may take. Registering hashes a password, the slowest thing that a route does.
const CALL_DEADLINE: Duration = Duration::from_secs(10);

/// A client of the REST routes, with or without a user's token. A clone shares the connections.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    token: Option<String>,
}

impl fmt::Debug for Client {
    /// Tokens are not for logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("base", &self.base()).finish_non_exhaustive()
    }
}

impl Client {
    /// A client of the server at `base`, such as `http://127.0.0.1:8080`; a base path is kept.
    ///
    /// # Errors
    /// [`Error::Base`] when it is no `http` address, or, with the feature `tls`, no `https` one.
    pub fn new(base: &str) -> Result<Self, Error> {
        let url = Url::parse(base.trim_end_matches('/')).map_err(|_| Error::Base(base.to_owned()))?;
        let is_known = url.scheme() == "http" || (cfg!(feature = "tls") && url.scheme() == "https");
        if !is_known || url.cannot_be_a_base() {
            return Err(Error::Base(base.to_owned()));
        }
        let http = reqwest::Client::builder().timeout(CALL_DEADLINE).no_proxy().build()?;
        Ok(Self { http, base: url, token: None })
    }

    /// The same, speaking for the user of an access token.
    #[must_use]
    pub fn with_token(&self, access_token: impl Into<String>) -> Self {
        Self { token: Some(access_token.into()), ..self.clone() }
    }

    /// The server's address.
    #[must_use]
    pub fn base(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    /// The token that it speaks with.
    #[must_use]
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// `POST /v1/auth/register`
    ///
    /// # Errors
    /// `already_exists`, `invalid_argument`, `rate_limited`, and what every call may fail with.
    pub async fn register(
        &self,
        username: &str,
        password: &str,
        name: Option<&str>,
    ) -> Result<Tokens, Error> {
        let body = Register { username, password: password.to_owned(), name };
        self.call(self.request(Method::POST, "/v1/auth/register").json(&body)).await
    }

    /// `POST /v1/auth/login`
    ///
    /// # Errors
    /// `unauthenticated`, `rate_limited`, and what every call may fail with.
    pub async fn login(&self, username: &str, password: &str) -> Result<Tokens, Error> {
        let body = Login { username: username.to_owned(), password: password.to_owned() };
        self.call(self.request(Method::POST, "/v1/auth/login").json(&body)).await
    }

    /// `POST /v1/auth/refresh`
    ///
    /// # Errors
    /// `unauthenticated`, and what every call may fail with.
    pub async fn refresh(&self, refresh_token: &str) -> Result<Tokens, Error> {
        let body = RefreshToken { refresh_token: refresh_token.to_owned() };
        self.call(self.request(Method::POST, "/v1/auth/refresh").json(&body)).await
    }

    /// `POST /v1/auth/logout`
    ///
    /// # Errors
    /// What every call may fail with.
    pub async fn logout(&self, refresh_token: &str) -> Result<(), Error> {
        let body = RefreshToken { refresh_token: refresh_token.to_owned() };
        self.call_for_nothing(self.request(Method::POST, "/v1/auth/logout").json(&body)).await
    }

    /// `POST /v1/auth/ws-ticket`
    ///
    /// # Errors
    /// `unauthenticated`, and what every call may fail with.
    pub async fn ws_ticket(&self) -> Result<Ticket, Error> {
        self.call(self.request(Method::POST, "/v1/auth/ws-ticket")).await
    }

    /// `GET /v1/auth/sessions`
    ///
    /// # Errors
    /// `unauthenticated`, and what every call may fail with.
    pub async fn sessions(&self) -> Result<Page<AuthSession>, Error> {
        self.call(self.request(Method::GET, "/v1/auth/sessions")).await
    }

    /// `DELETE /v1/auth/sessions/{id}`
    ///
    /// # Errors
    /// `not_found`, and what every call may fail with.
    pub async fn revoke_session(&self, session: SessionId) -> Result<(), Error> {
        self.call_for_nothing(self.request(Method::DELETE, &format!("/v1/auth/sessions/{session}"))).await
    }

    /// `POST /v1/rooms`
    ///
    /// # Errors
    /// `already_exists`, `invalid_argument`, and what every call may fail with.
    pub async fn create_room(&self, room: &NewRoom) -> Result<Room, Error> {
        self.call(self.request(Method::POST, "/v1/rooms").json(room)).await
    }

    /// `GET /v1/rooms`: the user's rooms.
    ///
    /// # Errors
    /// What every call may fail with.
    pub async fn rooms(&self, limit: Option<u32>, cursor: Option<&str>) -> Result<Page<Room>, Error> {
        let limit = limit.map(|limit| limit.to_string());
        self.call(self.query("/v1/rooms", &[("limit", limit.as_deref()), ("cursor", cursor)])).await
    }

    /// `GET /v1/rooms?scope=public`: the rooms that the user may join.
    ///
    /// # Errors
    /// What every call may fail with.
    pub async fn public_rooms(&self, limit: Option<u32>, cursor: Option<&str>) -> Result<Page<Room>, Error> {
        let limit = limit.map(|limit| limit.to_string());
        let query = [("scope", Some("public")), ("limit", limit.as_deref()), ("cursor", cursor)];
        self.call(self.query("/v1/rooms", &query)).await
    }

    /// `GET /v1/rooms/{room}`, by id or slug.
    ///
    /// # Errors
    /// `not_found`, `permission_denied`, and what every call may fail with.
    pub async fn room(&self, id_or_slug: &str) -> Result<Room, Error> {
        self.call(self.request(Method::GET, &format!("/v1/rooms/{id_or_slug}"))).await
    }

    /// `POST /v1/rooms/{room}/join`
    ///
    /// # Errors
    /// `not_found`, `permission_denied`, and what every call may fail with.
    pub async fn join(&self, room: RoomId) -> Result<Room, Error> {
        self.call(self.request(Method::POST, &format!("/v1/rooms/{room}/join"))).await
    }

    /// `POST /v1/rooms/{room}/leave`
    ///
    /// # Errors
    /// `failed_precondition`, and what every call may fail with.
    pub async fn leave(&self, room: RoomId) -> Result<(), Error> {
        self.call_for_nothing(self.request(Method::POST, &format!("/v1/rooms/{room}/leave"))).await
    }

    /// `GET /v1/rooms/{room}/members`
    ///
    /// # Errors
    /// `not_found`, `permission_denied`, and what every call may fail with.
    pub async fn members(
        &self,
        room: RoomId,
        limit: Option<u32>,
        cursor: Option<&str>,
    ) -> Result<Page<Member>, Error> {
        let limit = limit.map(|limit| limit.to_string());
        let query = [("limit", limit.as_deref()), ("cursor", cursor)];
        self.call(self.query(&format!("/v1/rooms/{room}/members"), &query)).await
    }

    /// `PUT /v1/rooms/{room}/members/{user}`: adds a member, or changes the role.
    ///
    /// # Errors
    /// `not_found`, `permission_denied`, and what every call may fail with.
    pub async fn put_member(&self, room: RoomId, user: UserId, role: Role) -> Result<Member, Error> {
        let request = self.request(Method::PUT, &format!("/v1/rooms/{room}/members/{user}"));
        self.call(request.json(&PutMember { role })).await
    }

    /// `DELETE /v1/rooms/{room}/members/{user}`
    ///
    /// # Errors
    /// `not_found`, `permission_denied`, and what every call may fail with.
    pub async fn remove_member(&self, room: RoomId, user: UserId) -> Result<(), Error> {
        self.call_for_nothing(self.request(Method::DELETE, &format!("/v1/rooms/{room}/members/{user}"))).await
    }

    /// `GET /v1/rooms/{room}/messages`: newest first below `before` (from the end where both are
    /// absent), or oldest first above `after`.
    ///
    /// # Errors
    /// `not_found`, `permission_denied`, and what every call may fail with.
    pub async fn messages(
        &self,
        room: RoomId,
        before: Option<Seq>,
        after: Option<Seq>,
        limit: Option<u32>,
    ) -> Result<MessagesPage, Error> {
        let [before, after] = [before, after].map(|seq| seq.map(|seq| seq.to_string()));
        let limit = limit.map(|limit| limit.to_string());
        let query = [("before", before.as_deref()), ("after", after.as_deref()), ("limit", limit.as_deref())];
        self.call(self.query(&format!("/v1/rooms/{room}/messages"), &query)).await
    }

    /// `POST /v1/rooms/{room}/messages`
    ///
    /// # Errors
    /// `not_found`, `permission_denied`, `invalid_argument`, and what every call may fail with.
    pub async fn send_message(
        &self,
        room: RoomId,
        text: &str,
        key: Option<&str>,
    ) -> Result<SentMessage, Error> {
        let attachments = Vec::new();
        let body = SendMessage {
            text,
            key,
            reply_to: None,
            attachments,
            thread: None,
            in_room: false,
            metadata: None,
        };
        self.call(self.request(Method::POST, &format!("/v1/rooms/{room}/messages")).json(&body)).await
    }

    /// `GET /v1/rooms/{room}/pins`, the newest pin first
    ///
    /// # Errors
    /// `not_found`, `permission_denied`, and what every call may fail with.
    pub async fn pins(
        &self,
        room: RoomId,
        limit: Option<u32>,
        cursor: Option<&str>,
    ) -> Result<Page<RoomMessage>, Error> {
        let limit = limit.map(|limit| limit.to_string());
        let query = [("limit", limit.as_deref()), ("cursor", cursor)];
        self.call(self.query(&format!("/v1/rooms/{room}/pins"), &query)).await
    }

    /// `PUT /v1/rooms/{room}/pins/{id}`: pins a message.
    ///
    /// # Errors
    /// `not_found`, `permission_denied`, `failed_precondition`, and what every call may fail with.
    pub async fn pin(&self, room: RoomId, message: &str) -> Result<(), Error> {
        self.call_for_nothing(self.request(Method::PUT, &format!("/v1/rooms/{room}/pins/{message}"))).await
    }

    /// `DELETE /v1/rooms/{room}/pins/{id}`: unpins a message.
    ///
    /// # Errors
    /// `not_found`, `permission_denied`, and what every call may fail with.
    pub async fn unpin(&self, room: RoomId, message: &str) -> Result<(), Error> {
        self.call_for_nothing(self.request(Method::DELETE, &format!("/v1/rooms/{room}/pins/{message}"))).await
    }

    /// `PUT /v1/rooms/{room}/read`
    ///
    /// # Errors
    /// `not_found`, `permission_denied`, and what every call may fail with.
    pub async fn mark_read(&self, room: RoomId, seq: Seq) -> Result<ReadMark, Error> {
        let request = self.request(Method::PUT, &format!("/v1/rooms/{room}/read"));
        self.call(request.json(&MarkRead { seq })).await
    }

    /// `GET /v1/inbox`, newest first, below a place or from the end.
    ///
    /// # Errors
    /// What every call may fail with.
    pub async fn inbox(&self, before: Option<Seq>, limit: u32) -> Result<InboxPage, Error> {
        let before = before.map_or_else(String::new, |seq| format!("&before={seq}"));
        self.call(self.request(Method::GET, &format!("/v1/inbox?limit={limit}{before}"))).await
    }

    /// `GET /v1/inbox`, oldest first, above a place.
    ///
    /// # Errors
    /// What every call may fail with.
    pub async fn inbox_after(&self, after: Seq, limit: u32) -> Result<InboxPage, Error> {
        self.call(self.request(Method::GET, &format!("/v1/inbox?limit={limit}&after={after}"))).await
    }

    /// `PUT /v1/inbox/read`
    ///
    /// # Errors
    /// What every call may fail with.
    pub async fn mark_inbox_read(&self, seq: Seq) -> Result<ReadMark, Error> {
        self.call(self.request(Method::PUT, "/v1/inbox/read").json(&MarkRead { seq })).await
    }

    /// A request to any path under the base, with the client's token.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.authorized(self.http.request(method, format!("{}{path}", self.base())))
    }

    /// Sends a request and reads its answer.
    ///
    /// # Errors
    /// [`Error::Problem`] for a refusal; [`Error::Transport`] where none arrived; [`Error::Contract`]
    /// where the answer is neither what was asked for nor a problem.
    pub async fn call<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, Error> {
        let answer = accepted(request.send().await?).await?;
        let (status, content_type) = (answer.status().as_u16(), content_type(&answer));
        let body = answer.bytes().await?;
        serde_json::from_slice(&body).map_err(|error| Error::Contract {
            status,
            content_type,
            reason: error.to_string(),
        })
    }

    /// Sends a request whose answer has nothing to read.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn call_for_nothing(&self, request: RequestBuilder) -> Result<(), Error> {
        accepted(request.send().await?).await.map(drop)
    }

    pub(super) fn query(&self, path: &str, pairs: &[(&str, Option<&str>)]) -> RequestBuilder {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path().trim_end_matches('/')));
        url.query_pairs_mut()
            .extend_pairs(pairs.iter().filter_map(|(name, value)| value.map(|value| (*name, value))));
        self.authorized(self.http.get(url))
    }

    fn authorized(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }
}

fn content_type(answer: &Response) -> String {
    let value = answer.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().to_owned()
}

async fn accepted(answer: Response) -> Result<Response, Error> {
    if answer.status().is_success() {
        return Ok(answer);
    }
    let (status, content_type) = (answer.status().as_u16(), content_type(&answer));
    let body = answer.bytes().await?;
    if !content_type.starts_with("application/problem+json") {
        let reason = "a refusal that is no problem+json".to_owned();
        return Err(Error::Contract { status, content_type, reason });
    }
    match serde_json::from_slice::<Problem>(&body) {
        Ok(problem) if problem.status == status => Err(Error::Problem(Box::new(problem))),
        Ok(problem) => Err(Error::Contract {
            status,
            content_type,
            reason: format!("the problem's own status is {}", problem.status),
        }),
        Err(error) => Err(Error::Contract { status, content_type, reason: error.to_string() }),
    }
}

#[cfg(test)]
mod tests;
