//! An auth service of which only what the site asks for is there.

use std::sync::{
    Mutex,
    atomic::{AtomicU32, Ordering},
};

use async_trait::async_trait;
use madang_domain::{Code, Error, Result};
use madang_rpc::{
    around::Double,
    auth::{ApiKey, AuthDouble, Scope, VerifyApiKey},
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
    pub(super) fn service(scopes: &[Scope]) -> Double<Self> {
        Double(Self {
            asked: AtomicU32::new(0),
            answer: Mutex::new(Some(scopes.to_vec())),
            gate: Semaphore::new(Semaphore::MAX_PERMITS),
        })
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

#[async_trait]
impl AuthDouble for FakeAuth {
    async fn verify_api_key(&self, request: VerifyApiKey) -> Result<ApiKey> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.gate.acquire().await.unwrap().forget();
        let Some(scopes) = self.answer.lock().unwrap().clone() else {
            return Err(Error::unavailable("the service is away"));
        };
        if request.key.expose() != GOOD || scopes.is_empty() {
            return Err(Error::new(Code::Unauthenticated, "no key"));
        }
        Ok(ApiKey { id: "good".into(), name: "site".into(), scopes })
    }
}
