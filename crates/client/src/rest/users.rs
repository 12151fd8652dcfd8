//! Profiles, and whom the user has blocked.

use madang_domain::UserId;
use reqwest::Method;

use madang_contract::rest::{SetStatus, StatusChange};

use super::{Account, BlockedUser, Client, Error, Page, Person, ProfileChanges};

impl Client {
    /// `GET /v1/users/me`
    ///
    /// # Errors
    /// `unauthenticated`, and what every call may fail with.
    pub async fn me(&self) -> Result<Account, Error> {
        self.call(self.request(Method::GET, "/v1/users/me")).await
    }

    /// `PATCH /v1/users/me`
    ///
    /// # Errors
    /// `invalid_argument`, `rate_limited`, and what every call may fail with.
    pub async fn update_me(&self, changes: &ProfileChanges) -> Result<Account, Error> {
        self.call(self.request(Method::PATCH, "/v1/users/me").json(changes)).await
    }

    /// `GET /v1/users/{id}`
    ///
    /// # Errors
    /// `not_found`, and what every call may fail with.
    pub async fn user(&self, user: UserId) -> Result<Account, Error> {
        self.call(self.request(Method::GET, &format!("/v1/users/{user}"))).await
    }

    /// `GET /v1/users/{id}`, with what the caller sees of the user.
    ///
    /// # Errors
    /// `not_found`, and what every call may fail with.
    pub async fn person(&self, user: UserId) -> Result<Person, Error> {
        self.call(self.request(Method::GET, &format!("/v1/users/{user}"))).await
    }

    /// `PUT /v1/users/me/status`
    ///
    /// # Errors
    /// `invalid_argument`, `rate_limited`, and what every call may fail with.
    pub async fn put_status(&self, change: &StatusChange) -> Result<SetStatus, Error> {
        self.call(self.request(Method::PUT, "/v1/users/me/status").json(change)).await
    }

    /// `PUT /v1/users/me/blocked/{user}`: blocks a user.
    ///
    /// # Errors
    /// `not_found`, `invalid_argument`, `failed_precondition`, `rate_limited`, and what every call may fail with.
    pub async fn block(&self, user: UserId) -> Result<(), Error> {
        self.call_for_nothing(self.request(Method::PUT, &format!("/v1/users/me/blocked/{user}"))).await
    }

    /// `DELETE /v1/users/me/blocked/{user}`: ends the block of a user.
    ///
    /// # Errors
    /// `rate_limited`, and what every call may fail with.
    pub async fn unblock(&self, user: UserId) -> Result<(), Error> {
        self.call_for_nothing(self.request(Method::DELETE, &format!("/v1/users/me/blocked/{user}"))).await
    }

    /// `GET /v1/users/me/blocked`: the users whom the user has blocked, the latest block first.
    ///
    /// # Errors
    /// What every call may fail with.
    pub async fn blocked(
        &self,
        limit: Option<u32>,
        cursor: Option<&str>,
    ) -> Result<Page<BlockedUser>, Error> {
        let limit = limit.map(|limit| limit.to_string());
        let query = [("limit", limit.as_deref()), ("cursor", cursor)];
        self.call(self.query("/v1/users/me/blocked", &query)).await
    }
}
