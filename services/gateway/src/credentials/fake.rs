//! An auth service of which only what the site asks for is there.

use std::sync::{
    Mutex,
    atomic::{AtomicU32, Ordering},
};

use async_trait::async_trait;
use madang_domain::{
    AvatarUrl, Code, DisplayName, Error, Result, SessionId, Timestamp, UserId, UserRef, Username,
};
use madang_rpc::{
    Auth,
    auth::{
        ApiKey, ClientInfo, ExternalUser, Grant, Identity, Password, Recognized, Revocations, Scope, Session,
        Ticket,
    },
    event::Profile,
};
use tokio::sync::Semaphore;

/// The one key that is good.
pub(super) const GOOD: &str = "mk_good";

pub(super) struct FakeAuth {
    asked: AtomicU32,
    /// What is answered to `GOOD`: the key has these scopes, or the service is away.
    answer: Mutex<Option<Vec<Scope>>>,
    /// A question waits here for its answer.
    gate: Semaphore,
}

impl FakeAuth {
    pub(super) fn new(scopes: &[Scope]) -> Self {
        Self {
            asked: AtomicU32::new(0),
            answer: Mutex::new(Some(scopes.to_vec())),
            gate: Semaphore::new(Semaphore::MAX_PERMITS),
        }
    }

    /// From now on the key has these scopes; none: the service is away.
    pub(super) fn set(&self, scopes: Option<&[Scope]>) {
        *self.answer.lock().unwrap() = scopes.map(<[_]>::to_vec);
    }

    /// From now on a question waits.
    pub(super) fn hold(&self) {
        self.gate.forget_permits(usize::MAX);
    }

    /// Lets one question be answered.
    pub(super) fn answer_one(&self) {
        self.gate.add_permits(1);
    }

    pub(super) fn asked(&self) -> u32 {
        self.asked.load(Ordering::Relaxed)
    }
}

fn absent<T>() -> Result<T> {
    Err(Error::unavailable("not in this test"))
}

#[async_trait]
impl Auth for FakeAuth {
    async fn verify_api_key(&self, key: &str) -> Result<ApiKey> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.gate.acquire().await.unwrap().forget();
        let Some(scopes) = self.answer.lock().unwrap().clone() else { return absent() };
        if key != GOOD || scopes.is_empty() {
            return Err(Error::new(Code::Unauthenticated, "no key"));
        }
        Ok(ApiKey { id: "good".into(), name: "site".into(), scopes })
    }

    async fn register(
        &self,
        _: Username,
        _: Password,
        _: Option<DisplayName>,
        _: ClientInfo,
    ) -> Result<Grant> {
        absent()
    }

    async fn login(&self, _: Username, _: Password, _: ClientInfo) -> Result<Grant> {
        absent()
    }

    async fn refresh(&self, _: &str, _: ClientInfo) -> Result<Grant> {
        absent()
    }

    async fn logout(&self, _: &str) -> Result<()> {
        absent()
    }

    async fn issue_ticket(&self, _: UserId, _: SessionId) -> Result<Ticket> {
        absent()
    }

    async fn redeem_ticket(&self, _: &str) -> Result<Identity> {
        absent()
    }

    async fn sessions(&self, _: UserId) -> Result<Vec<Session>> {
        absent()
    }

    async fn revoke_session(&self, _: UserId, _: SessionId) -> Result<()> {
        absent()
    }

    async fn revocations(&self, _: Option<i64>) -> Result<Revocations> {
        absent()
    }

    async fn keys(&self) -> Result<String> {
        absent()
    }

    async fn users(&self, _: &[UserId]) -> Result<Vec<Profile>> {
        absent()
    }

    async fn update_profile(
        &self,
        _: UserId,
        _: Option<DisplayName>,
        _: Option<Option<AvatarUrl>>,
    ) -> Result<Profile> {
        absent()
    }

    async fn external_user(&self, _: ExternalUser) -> Result<Recognized> {
        absent()
    }

    async fn find_users(&self, _: &[UserRef]) -> Result<Vec<Profile>> {
        absent()
    }

    async fn disconnect(&self, _: UserId) -> Result<()> {
        absent()
    }

    async fn issue_user_ticket(&self, _: UserId, _: Option<Timestamp>) -> Result<Ticket> {
        absent()
    }
}
