//! A fake of the auth service. It answers only the calls that the cache of API keys makes.

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

/// The only valid key.
pub(super) const GOOD: &str = "mk_good";

pub(super) struct FakeAuth {
    asked: AtomicU32,
    /// The answer for `GOOD`: the scopes of the key, or an error because the service is unavailable.
    answer: Mutex<Option<Vec<Scope>>>,
    /// A call waits on this until the test lets it return.
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

    /// Sets the scopes of the key from now on. `None` makes the service unavailable.
    pub(super) fn set(&self, scopes: Option<&[Scope]>) {
        *self.answer.lock().unwrap() = scopes.map(<[_]>::to_vec);
    }

    /// Makes every later call wait.
    pub(super) fn hold(&self) {
        self.gate.forget_permits(usize::MAX);
    }

    /// Lets one waiting call return.
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
