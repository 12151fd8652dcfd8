//! The operations as others call them: within a deadline, measured, with their errors translated, and
//! logged once.

use std::{
    fmt,
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use madang_domain::{
    AvatarUrl, Code, DisplayName, Error, Result, SessionId, Timestamp, UserId, UserRef, Username,
};
use madang_kit::{Lifecycle, Metrics, metrics::DURATION_BOUNDS_SECONDS};
use madang_rpc::auth::{
    ApiKey, Auth, ClientInfo, ExternalUser, Grant, Identity, Password, Recognized, Revocations, Session,
    Ticket,
};
use madang_rpc::event::Profile;
use opentelemetry::{KeyValue, metrics::Histogram};

use crate::{engine::Engine, error::AuthError};

/// How long an operation may take, its wait for a turn to hash included. A little less than the gRPC
/// server gives a call, so that the caller gets this service's word.
const OPERATION_DEADLINE: Duration = Duration::from_secs(9);

/// The running service. Clones are handles to the same.
#[derive(Clone)]
pub struct Service {
    engine: Arc<Engine>,
    lifecycle: Lifecycle,
    operations: Histogram<f64>,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").field("engine", &self.engine).finish_non_exhaustive()
    }
}

impl Service {
    pub(crate) fn new(engine: Arc<Engine>, lifecycle: Lifecycle, metrics: &Metrics) -> Self {
        let operations = metrics
            .meter()
            .f64_histogram("madang.auth.operation.duration")
            .with_description("Operations of the accounts' service by outcome")
            .with_unit("s")
            .with_boundaries(DURATION_BOUNDS_SECONDS.to_vec())
            .build();
        Self { engine, lifecycle, operations }
    }

    /// The service's life.
    #[must_use]
    pub const fn lifecycle(&self) -> &Lifecycle {
        &self.lifecycle
    }

    /// How long a verifier may keep the public keys.
    #[must_use]
    pub fn keys_cache_time(&self) -> Duration {
        self.engine.keys.cache_time()
    }

    /// One round of what happens by itself at an interval: signing keys are made, rotated and forgotten,
    /// and so is what has expired. For tests, whose clock moves by hand.
    ///
    /// # Errors
    ///
    /// When the database does not answer.
    pub async fn maintain(&self) -> Result<()> {
        self.observe("maintain", self.engine.maintain()).await
    }

    async fn observe<T>(
        &self,
        operation: &'static str,
        work: impl Future<Output = Result<T, AuthError>> + Send,
    ) -> Result<T> {
        let start = Instant::now();
        let result = match tokio::time::timeout(OPERATION_DEADLINE, work).await {
            Ok(result) => result.map_err(Error::from),
            Err(_elapsed) => Err(Error::new(Code::DeadlineExceeded, "it was not done in time; try again")),
        };
        let outcome = result.as_ref().err().map_or("ok", |error| error.code.as_str());
        let labels = [KeyValue::new("operation", operation), KeyValue::new("outcome", outcome)];
        self.operations.record(start.elapsed().as_secs_f64(), &labels);
        if let Err(error) = &result {
            log(operation, error);
        }
        result
    }
}

/// What an operator must hear of. A refusal is the caller's matter.
fn log(operation: &'static str, error: &Error) {
    let cause = error as &(dyn std::error::Error + 'static);
    match error.code {
        Code::Internal => tracing::error!(operation, error = cause, "an operation failed"),
        Code::Unavailable | Code::DeadlineExceeded => {
            tracing::warn!(operation, error = cause, "an operation failed");
        }
        Code::Unauthenticated | Code::RateLimited => tracing::info!(operation, code = %error.code, "refused"),
        Code::InvalidArgument
        | Code::PermissionDenied
        | Code::NotFound
        | Code::AlreadyExists
        | Code::FailedPrecondition
        | Code::TooLarge => tracing::debug!(operation, code = %error.code, "refused"),
    }
}

#[async_trait]
impl Auth for Service {
    async fn register(
        &self,
        username: Username,
        password: Password,
        name: Option<DisplayName>,
        client: ClientInfo,
    ) -> Result<Grant> {
        self.observe("register", self.engine.register(username, password, name, client)).await
    }

    async fn login(&self, username: Username, password: Password, client: ClientInfo) -> Result<Grant> {
        self.observe("login", self.engine.login(username, password, client)).await
    }

    async fn refresh(&self, refresh_token: &str, client: ClientInfo) -> Result<Grant> {
        self.observe("refresh", self.engine.refresh(refresh_token, client)).await
    }

    async fn logout(&self, refresh_token: &str) -> Result<()> {
        self.observe("logout", self.engine.logout(refresh_token)).await
    }

    async fn issue_ticket(&self, user: UserId, session: SessionId) -> Result<Ticket> {
        self.observe("issue_ticket", self.engine.issue_ticket(user, session)).await
    }

    async fn redeem_ticket(&self, ticket: &str) -> Result<Identity> {
        self.observe("redeem_ticket", self.engine.redeem_ticket(ticket)).await
    }

    async fn sessions(&self, user: UserId) -> Result<Vec<Session>> {
        self.observe("sessions", self.engine.sessions(user)).await
    }

    async fn revoke_session(&self, user: UserId, session: SessionId) -> Result<()> {
        self.observe("revoke_session", self.engine.revoke_session(user, session)).await
    }

    async fn revocations(&self, cursor: Option<i64>) -> Result<Revocations> {
        self.observe("revocations", self.engine.revocations(cursor)).await
    }

    async fn keys(&self) -> Result<String> {
        self.observe("keys", self.engine.keys.jwks(self.engine.clock.now())).await
    }

    async fn users(&self, ids: &[UserId]) -> Result<Vec<Profile>> {
        self.observe("users", self.engine.users(ids)).await
    }

    async fn update_profile(
        &self,
        user: UserId,
        name: Option<DisplayName>,
        avatar_url: Option<Option<AvatarUrl>>,
    ) -> Result<Profile> {
        self.observe("update_profile", self.engine.update_profile(user, name, avatar_url)).await
    }

    async fn external_user(&self, user: ExternalUser) -> Result<Recognized> {
        self.observe("external_user", self.engine.external_user(user)).await
    }

    async fn find_users(&self, users: &[UserRef]) -> Result<Vec<Profile>> {
        self.observe("find_users", self.engine.find_users(users)).await
    }

    async fn disconnect(&self, user: UserId) -> Result<()> {
        self.observe("disconnect", self.engine.disconnect(user)).await
    }

    async fn issue_user_ticket(&self, user: UserId, until: Option<Timestamp>) -> Result<Ticket> {
        self.observe("issue_user_ticket", self.engine.issue_user_ticket(user, until)).await
    }

    async fn verify_api_key(&self, key: &str) -> Result<ApiKey> {
        self.observe("verify_api_key", self.engine.verify_api_key(key)).await
    }
}
