//! Argon2id with bounded concurrency.
//!
//! By default, one hash takes 19 MiB and tens of milliseconds of a core. So it is the cheapest way to exhaust
//! a server. Hashing therefore runs on blocking threads, at most as many as there are cores. A bounded and
//! fair queue with a bounded wait precedes them (`turns`). A request that does not fit is refused at once.

use std::sync::Arc;

use argon2::{
    Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version,
    password_hash::phc::PasswordHash,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use madang_kit::clock::Random;
use madang_rpc::auth::Password;

use crate::{
    error::{AuthError, Result},
    turns::{Applicant, Turns},
};

/// The size of the salt in bytes, as RFC 9106, section 4, recommends.
const SALT_BYTES: usize = 16;

/// The cost of one hash, and the bounds of concurrent hashing.
#[derive(Debug, Clone)]
pub(crate) struct HashingPolicy {
    pub(crate) params: Params,
    /// The most concurrent hashes.
    pub(crate) concurrency: usize,
    /// The most passwords that wait.
    pub(crate) queue: usize,
}

/// The result of a password check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Wrong,
    Right,
    /// The password is right, but its hash has other parameters than the current ones.
    RightButOutdated,
}

/// Hashes and verifies passwords.
#[derive(Debug)]
pub(crate) struct Hasher {
    params: Params,
    random: RandomSource,
    turns: Arc<Turns>,
    /// A decoy hash. A sign-in to an account that does not exist is checked against it, so that it takes as
    /// long as any other.
    decoy: String,
}

struct RandomSource(Arc<dyn Random>);

impl std::fmt::Debug for RandomSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Random")
    }
}

impl Hasher {
    /// Creates the hasher and computes the decoy hash.
    pub(crate) async fn new(policy: HashingPolicy, random: Arc<dyn Random>) -> Result<Self> {
        let mut hasher = Self {
            params: policy.params,
            random: RandomSource(random),
            turns: Arc::new(Turns::new(policy.concurrency, policy.queue)),
            decoy: String::new(),
        };
        let mut nothing = [0; SALT_BYTES];
        hasher.random.0.fill(&mut nothing);
        let decoy = hasher.hashing(Password::new(URL_SAFE_NO_PAD.encode(nothing)));
        // Nobody else hashes yet: it needs no turn.
        hasher.decoy = tokio::task::spawn_blocking(decoy).await.map_err(AuthError::defect)??;
        Ok(hasher)
    }

    /// Hashes a password and returns the PHC string.
    pub(crate) async fn hash(&self, password: Password, applicant: Applicant) -> Result<String> {
        self.in_turn(applicant, self.hashing(password)).await
    }

    /// The work of hashing a password with a new salt.
    fn hashing(&self, password: Password) -> impl FnOnce() -> Result<String> + Send + use<> {
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, self.params.clone());
        let mut salt = [0; SALT_BYTES];
        self.random.0.fill(&mut salt);
        move || {
            let hash = argon2.hash_password_with_salt(password.expose().as_bytes(), &salt);
            hash.map(|hash| hash.to_string()).map_err(AuthError::defect)
        }
    }

    /// Checks a password against an account's hash. Without an account, it takes as long and answers that the
    /// password is wrong. (It takes as long as a hash of the current parameters. An older hash is replaced at
    /// its owner's next sign-in.)
    pub(crate) async fn verify(
        &self,
        password: Password,
        hash: Option<&str>,
        applicant: Applicant,
    ) -> Result<Verdict> {
        let is_account = hash.is_some();
        let stored = hash.unwrap_or(&self.decoy).to_owned();
        let today = self.params.clone();
        self.in_turn(applicant, move || {
            let hash = PasswordHash::new(&stored).map_err(AuthError::defect)?;
            // The verification uses the parameters of the stored hash and compares in constant time.
            match Argon2::default().verify_password(password.expose().as_bytes(), &hash) {
                Ok(()) if is_account => {
                    Ok(if is_outdated(&hash, &today) { Verdict::RightButOutdated } else { Verdict::Right })
                }
                Ok(()) | Err(argon2::password_hash::Error::PasswordInvalid) => Ok(Verdict::Wrong),
                Err(error) => Err(AuthError::defect(error)),
            }
        })
        .await
    }

    /// Runs `work` on a blocking thread after its wait in the queue.
    async fn in_turn<T: Send + 'static>(
        &self,
        applicant: Applicant,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let turn = self.turns.take(applicant).await?;
        let hashing = tokio::task::spawn_blocking(move || {
            let result = work();
            // The turn is held until the work ends, even if the caller has given up. A thread that hashes
            // is busy whether or not somebody waits for the result.
            drop(turn);
            result
        });
        hashing.await.map_err(AuthError::defect)?
    }
}

fn is_outdated(hash: &PasswordHash, today: &Params) -> bool {
    let made_with = Params::try_from(hash);
    hash.algorithm != Algorithm::Argon2id.ident()
        || hash.version != Some(Version::V0x13.into())
        || !made_with.is_ok_and(|params| {
            (params.m_cost(), params.t_cost(), params.p_cost())
                == (today.m_cost(), today.t_cost(), today.p_cost())
        })
}

#[cfg(test)]
mod tests {
    use madang_domain::Username;
    use madang_kit::clock::SeededRandom;

    use super::*;

    fn policy(memory_kib: u32, concurrency: usize, queue: usize) -> HashingPolicy {
        HashingPolicy { params: Params::new(memory_kib, 1, 1, None).unwrap(), concurrency, queue }
    }

    async fn hasher(policy: HashingPolicy) -> Hasher {
        Hasher::new(policy, Arc::new(SeededRandom::new(1))).await.unwrap()
    }

    fn password(text: &str) -> Password {
        Password::new(text.to_owned())
    }

    fn mina() -> Applicant {
        Applicant::new(None, &Username::new("mina").unwrap())
    }

    #[tokio::test]
    async fn it_knows_the_right_password_by_a_phc_string() {
        let hasher = hasher(policy(64, 1, 1)).await;
        let hash = hasher.hash(password("correct horse"), mina()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{hash}");
        assert_ne!(hash, hasher.hash(password("correct horse"), mina()).await.unwrap(), "salted");
        assert_eq!(
            hasher.verify(password("correct horse"), Some(&hash), mina()).await.unwrap(),
            Verdict::Right
        );
        assert_eq!(
            hasher.verify(password("correct horsf"), Some(&hash), mina()).await.unwrap(),
            Verdict::Wrong
        );
        assert_eq!(hasher.verify(password("correct horse"), None, mina()).await.unwrap(), Verdict::Wrong);
    }

    #[tokio::test]
    async fn it_notices_other_parameters() {
        let old = hasher(policy(64, 1, 1)).await.hash(password("correct horse"), mina()).await.unwrap();
        let today = hasher(policy(128, 1, 1)).await;
        assert_eq!(
            today.verify(password("correct horse"), Some(&old), mina()).await.unwrap(),
            Verdict::RightButOutdated
        );
        assert_eq!(today.verify(password("wrong horse"), Some(&old), mina()).await.unwrap(), Verdict::Wrong);
    }

    #[tokio::test]
    async fn a_long_password_counts_to_its_last_character() {
        let hasher = hasher(policy(64, 1, 1)).await;
        let hash = hasher.hash(password(&"x".repeat(256)), mina()).await.unwrap();
        let almost = "x".repeat(255) + "y";
        assert_eq!(hasher.verify(password(&almost), Some(&hash), mina()).await.unwrap(), Verdict::Wrong);
    }

    #[tokio::test]
    async fn who_does_not_fit_is_refused_at_once() {
        let hasher = hasher(policy(64, 1, 2)).await;
        // The only turn is taken. Two passwords wait, and the third does not fit into the queue.
        let turn = hasher.turns.take(mina()).await.unwrap();
        let (one, two, three) = (password("one"), password("two"), password("three"));
        let (one, two) = (hasher.hash(one, mina()), hasher.hash(two, mina()));
        tokio::pin!(one, two);
        assert!(futures_util::poll!(&mut one).is_pending());
        assert!(futures_util::poll!(&mut two).is_pending());
        let third = hasher.hash(three, mina());
        tokio::pin!(third);
        assert!(matches!(
            futures_util::poll!(&mut third),
            std::task::Poll::Ready(Err(AuthError::Overloaded))
        ));
        drop(turn);
        one.await.unwrap();
        two.await.unwrap();
    }
}
