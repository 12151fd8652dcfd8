//! The service as callers see it. Each operation has a deadline and metrics; its errors are translated and
//! logged once.

use std::{
    fmt,
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use madang_domain::{Code, Error, Profile, Result, UserId};
use madang_kit::{
    Lifecycle, Metrics,
    metrics::{DURATION_BOUNDS_SECONDS, Recorder},
};
use madang_rpc::{
    around::{Around, Call, Layer},
    auth::{
        ApiKey, Auth, ChangePassword, Disconnect, EraseUser, FindUsers, FinishErasure, GetKeys, GetUsers,
        Grant, Identity, IssueTicket, IssueUserTicket, ListRevocations, ListSessions, Login, Logout,
        RecognizeUser, Recognized, RedeemTicket, Refresh, Register, Revocations, RevokeSession, Session,
        TakeErasures, Ticket, UpdateProfile, VerifyApiKey,
    },
    method::Method,
};

use crate::{api_keys::public_part, audit::Subject, engine::Engine, error::AuthError};

/// The deadline of an operation, including its wait in the hashing queue. It is a little shorter than the
/// deadline of the gRPC server, so that the caller gets this service's error.
pub(crate) const OPERATION_DEADLINE: Duration = Duration::from_secs(9);

/// The running service. Clones share one state.
pub type Service = Around<Operations, Observed>;

/// The operations, without deadlines and measurements.
#[derive(Clone)]
pub struct Operations {
    engine: Arc<Engine>,
    lifecycle: Lifecycle,
}

impl fmt::Debug for Operations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operations").field("engine", &self.engine).finish_non_exhaustive()
    }
}

impl Operations {
    pub(crate) const fn new(engine: Arc<Engine>, lifecycle: Lifecycle) -> Self {
        Self { engine, lifecycle }
    }

    /// The lifecycle of the service.
    #[must_use]
    pub const fn lifecycle(&self) -> &Lifecycle {
        &self.lifecycle
    }

    /// The result as callers get it. A refusal also gets its line in the log.
    fn audited<T>(
        &self,
        event: &'static str,
        subject: &Subject<'_>,
        ip: Option<IpAddr>,
        result: Result<T, AuthError>,
    ) -> Result<T> {
        if let Err(error) = &result {
            self.engine.audit.refused(event, subject, ip, error, self.engine.clock.now());
        }
        Ok(result?)
    }

    /// How long a verifier may cache the public keys.
    #[must_use]
    pub fn keys_cache_time(&self) -> Duration {
        self.engine.keys.cache_time()
    }

    /// One round of the periodic maintenance: creates, rotates and deletes signing keys, and deletes expired
    /// rows. Tests call it, since they move the clock by hand.
    ///
    /// # Errors
    ///
    /// When the database does not answer.
    pub async fn maintain(&self) -> Result<()> {
        Ok(self.engine.maintain().await?)
    }
}

/// What surrounds each call: its deadline, its metric, and the log of its failure.
#[derive(Debug, Clone)]
pub struct Observed {
    operations: Recorder<2>,
}

impl Observed {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        let operations = metrics.recorder(
            "madang.auth.operation.duration",
            "s",
            "Duration of the auth service's operations by outcome.",
            ["operation", "outcome"],
            &DURATION_BOUNDS_SECONDS,
        );
        Self { operations }
    }
}

impl<S: Sync> Layer<S> for Observed {
    fn around<'a, T: Send + 'static>(
        &'a self,
        method: &'static Method,
        service: &'a S,
        call: impl for<'s> FnOnce(&'s S) -> Call<'s, T> + Send + 'static,
    ) -> Call<'a, T> {
        let work = call(service);
        Box::pin(async move {
            let start = Instant::now();
            let result = tokio::time::timeout(OPERATION_DEADLINE, work).await.unwrap_or_else(|_elapsed| {
                Err(Error::new(Code::DeadlineExceeded, "the operation did not finish in time; try again"))
            });
            let outcome = result.as_ref().err().map_or("ok", |error: &Error| error.code.as_str());
            self.operations.record(start.elapsed().as_secs_f64(), [method.name, outcome]);
            if let Err(error) = &result {
                log(method.name, error);
            }
            result
        })
    }
}

/// Logs what an operator must know. A refusal concerns only the caller.
fn log(operation: &'static str, error: &Error) {
    let cause = error as &(dyn std::error::Error + 'static);
    match error.code {
        Code::Internal => tracing::error!(operation, error = cause, "an operation failed"),
        Code::Unavailable | Code::DeadlineExceeded => {
            tracing::warn!(operation, error = cause, "an operation failed");
        }
        // Refusals that concern somebody's access have their line from `audit`, with account and address.
        Code::Unauthenticated
        | Code::RateLimited
        | Code::InvalidArgument
        | Code::PermissionDenied
        | Code::NotFound
        | Code::AlreadyExists
        | Code::FailedPrecondition
        | Code::TooLarge => tracing::debug!(operation, code = %error.code, "refused"),
    }
}

#[async_trait]
impl Auth for Operations {
    async fn register(&self, request: Register) -> Result<Grant> {
        let Register { username, password, name, client } = request;
        let (account, ip) = (username.clone(), client.ip);
        let result = self.engine.register(username, password, name, client).await;
        self.audited("register", &Subject::Account(&account), ip, result)
    }

    async fn login(&self, request: Login) -> Result<Grant> {
        let Login { username, password, client } = request;
        let (account, ip) = (username.clone(), client.ip);
        let result = self.engine.login(username, password, client).await;
        self.audited("login", &Subject::Account(&account), ip, result)
    }

    async fn refresh(&self, request: Refresh) -> Result<Grant> {
        let ip = request.client.ip;
        let result = self.engine.refresh(request.refresh_token.expose(), request.client).await;
        self.audited("refresh", &Subject::Nobody, ip, result)
    }

    async fn logout(&self, request: Logout) -> Result<()> {
        let result = self.engine.logout(request.refresh_token.expose(), &request.client).await;
        self.audited("logout", &Subject::Nobody, request.client.ip, result)
    }

    async fn issue_ticket(&self, request: IssueTicket) -> Result<Ticket> {
        let IssueTicket { user, session, issued_at } = request;
        Ok(self.engine.issue_ticket(user, session, issued_at).await?)
    }

    async fn redeem_ticket(&self, request: RedeemTicket) -> Result<Identity> {
        let result = self.engine.redeem_ticket(request.ticket.expose()).await;
        self.audited("redeem_ticket", &Subject::Nobody, request.client.ip, result)
    }

    async fn list_sessions(&self, request: ListSessions) -> Result<Vec<Session>> {
        self.engine.note_presented(request.presented).await?;
        Ok(self.engine.sessions(request.user).await?)
    }

    async fn revoke_session(&self, request: RevokeSession) -> Result<()> {
        self.engine.note_presented(request.presented).await?;
        Ok(self.engine.revoke_session(request.user, request.session).await?)
    }

    async fn list_revocations(&self, request: ListRevocations) -> Result<Revocations> {
        Ok(self.engine.revocations(request.cursor).await?)
    }

    async fn get_keys(&self, _: GetKeys) -> Result<String> {
        Ok(self.engine.keys.jwks(self.engine.clock.now()).await?)
    }

    async fn get_users(&self, request: GetUsers) -> Result<Vec<Profile>> {
        Ok(self.engine.users(&request.ids).await?)
    }

    async fn update_profile(&self, request: UpdateProfile) -> Result<Profile> {
        self.engine.note_presented(request.presented).await?;
        Ok(self.engine.update_profile(request.user, request.name, request.avatar_url).await?)
    }

    async fn recognize_user(&self, request: RecognizeUser) -> Result<Recognized> {
        Ok(self.engine.external_user(request.user, request.by_backend).await?)
    }

    async fn find_users(&self, request: FindUsers) -> Result<Vec<Profile>> {
        Ok(self.engine.find_users(&request.users).await?)
    }

    async fn disconnect(&self, request: Disconnect) -> Result<()> {
        Ok(self.engine.disconnect(request.user).await?)
    }

    async fn issue_user_ticket(&self, request: IssueUserTicket) -> Result<Ticket> {
        Ok(self.engine.issue_user_ticket(request.user, request.until).await?)
    }

    async fn verify_api_key(&self, request: VerifyApiKey) -> Result<ApiKey> {
        let key = request.key.expose();
        let result = self.engine.verify_api_key(key).await;
        let subject = public_part(key).map_or(Subject::Nobody, Subject::ApiKey);
        self.audited("verify_api_key", &subject, None, result)
    }

    async fn change_password(&self, request: ChangePassword) -> Result<()> {
        let ip = request.client.ip;
        self.engine.note_presented(request.presented).await?;
        let result = self.engine.change_password(request).await;
        self.audited("change_password", &Subject::Nobody, ip, result)
    }

    async fn erase_user(&self, request: EraseUser) -> Result<()> {
        Ok(self.engine.erase(request.user).await?)
    }

    async fn take_erasures(&self, request: TakeErasures) -> Result<Vec<UserId>> {
        Ok(self.engine.take_erasures(request.again).await?)
    }

    async fn finish_erasure(&self, request: FinishErasure) -> Result<()> {
        Ok(self.engine.finish_erasure(request.user).await?)
    }
}
