//! Accounts: making one, signing in, profiles.

use madang_domain::{AvatarUrl, DisplayName, Profile, UserId, Username};
use madang_kit::{Registration, clock::new_id};
use madang_rpc::auth::{ClientInfo, Grant, Password};

use crate::{
    engine::Engine,
    error::{AuthError, Result},
    hashing::Verdict,
    passwords,
    store::Account,
};

/// The ids that one call may ask for.
pub(crate) const USERS_MAX: usize = 200;

impl Engine {
    /// Makes an account and signs it in.
    pub(crate) async fn register(
        &self,
        username: Username,
        password: Password,
        name: Option<DisplayName>,
        client: ClientInfo,
    ) -> Result<Grant> {
        // Before all else: a refusal tells nothing of which names are taken.
        if self.registration == Registration::Closed {
            return Err(AuthError::RegistrationClosed);
        }
        // Names travel as they may have been recorded; these are new ones.
        let username = Username::new(username.as_str())?;
        let name = name.map(|name| DisplayName::new(name.as_str())).transpose()?;
        let now = self.clock.now();
        passwords::check(&password, &username)?;
        self.attempts.register(client.ip, now)?;
        // A name that is taken is refused before the work of hashing; the insert decides all the same.
        if !self.store.is_username_free(&username).await? {
            return Err(AuthError::NameTaken);
        }
        let name = match name {
            Some(name) => name,
            None => DisplayName::new(username.as_str()).map_err(AuthError::defect)?,
        };
        let password_hash = self.hasher.hash(passwords::formed(&password)).await?;
        let now = self.clock.now();
        let id = UserId::new(new_id(&*self.clock, &*self.random));
        let profile = Profile { id, username, name, avatar_url: None, external_id: None, version: now };
        let (session, token) = self.new_session(id, client, now);
        let grant = self.grant(profile.clone(), session.id, session.ends_at, &token, now).await?;
        if !self
            .store
            .insert_account(&Account { profile, password_hash: Some(password_hash) }, &session)
            .await?
        {
            return Err(AuthError::NameTaken);
        }
        tracing::info!(user = %id, session = %session.id, "registered");
        Ok(grant)
    }

    /// Signs in. What tells an unknown name from a wrong password (the error, the work done, the
    /// throttle) is the same for both.
    pub(crate) async fn login(
        &self,
        username: Username,
        password: Password,
        client: ClientInfo,
    ) -> Result<Grant> {
        // Longer than any password can be, and so wrong; it is not worth the hashing.
        passwords::check_size(&password).map_err(|_| AuthError::WrongCredentials)?;
        let attempt = self.attempts.sign_in(&*self.store, &username, client.ip, self.clock.now()).await?;
        let account = match self.store.account(&username).await {
            Ok(account) => account,
            Err(error) => {
                attempt.refund();
                return Err(error.into());
            }
        };
        let hash = account.as_ref().and_then(|account| account.password_hash.as_deref());
        let verdict = match self.verify(&password, hash).await {
            Ok(verdict) => verdict,
            Err(error) => {
                attempt.refund();
                return Err(error);
            }
        };
        let account = match (account, verdict) {
            (Some(account), Verdict::Right | Verdict::RightButOutdated) => account,
            (None, _) | (_, Verdict::Wrong) => return Err(AuthError::WrongCredentials),
        };
        attempt.refund();
        if verdict == Verdict::RightButOutdated {
            self.rehash(&account, password).await?;
        }
        let now = self.clock.now();
        let (session, token) = self.new_session(account.profile.id, client, now);
        let grant = self.grant(account.profile, session.id, session.ends_at, &token, now).await?;
        self.store.insert_session(&session).await?;
        tracing::info!(user = %session.user, session = %session.id, "signed in");
        Ok(grant)
    }

    /// Profiles by id.
    pub(crate) async fn users(&self, ids: &[UserId]) -> Result<Vec<Profile>> {
        if ids.len() > USERS_MAX {
            return Err(AuthError::TooManyIds);
        }
        Ok(self.store.profiles(ids).await?)
    }

    /// Changes a profile; with nothing to change, says what it is.
    pub(crate) async fn update_profile(
        &self,
        user: UserId,
        name: Option<DisplayName>,
        avatar_url: Option<Option<AvatarUrl>>,
    ) -> Result<Profile> {
        let name = name.map(|name| DisplayName::new(name.as_str())).transpose()?;
        let profile = if name.is_none() && avatar_url.is_none() {
            self.store.profiles(&[user]).await?.pop()
        } else {
            let avatar_url = avatar_url.as_ref().map(Option::as_ref);
            self.store.update_profile(user, name.as_ref(), avatar_url, self.clock.now()).await?
        };
        profile.ok_or(AuthError::NoSuchUser)
    }

    /// Judges a password. One that no version has hashed in its form is judged as it was typed, too: an earlier version
    /// hashed it so.
    async fn verify(&self, password: &Password, hash: Option<&str>) -> Result<Verdict> {
        let formed = passwords::formed(password);
        let is_formed = formed.expose() == password.expose();
        match self.hasher.verify(formed, hash).await? {
            Verdict::Wrong if !is_formed => match self.hasher.verify(password.clone(), hash).await? {
                Verdict::Wrong => Ok(Verdict::Wrong),
                Verdict::Right | Verdict::RightButOutdated => Ok(Verdict::RightButOutdated),
            },
            verdict => Ok(verdict),
        }
    }

    /// Brings an account's hash to today's parameters. Best effort where only capacity is missing: the
    /// next sign-in tries again.
    async fn rehash(&self, account: &Account, password: Password) -> Result<()> {
        let Some(old) = &account.password_hash else { return Ok(()) };
        match self.hasher.hash(passwords::formed(&password)).await {
            Ok(hash) => Ok(self.store.replace_password_hash(account.profile.id, old, &hash).await?),
            Err(AuthError::Overloaded) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
