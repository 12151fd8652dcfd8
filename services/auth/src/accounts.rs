//! Accounts: registration, sign-in, profiles.

use madang_domain::{AvatarUrl, DisplayName, Profile, UserId, Username};
use madang_kit::{Registration, clock::new_id};
use madang_rpc::auth::{ChangePassword, ClientInfo, Grant, Password};

use crate::{
    engine::Engine,
    error::{AuthError, Result},
    hashing::Verdict,
    passwords,
    store::{Account, PasswordChange},
    turns::Applicant,
};

/// The most ids in one call.
pub(crate) const USERS_MAX: usize = 200;

impl Engine {
    /// Registers an account and signs it in.
    pub(crate) async fn register(
        &self,
        username: Username,
        password: Password,
        name: Option<DisplayName>,
        client: ClientInfo,
    ) -> Result<Grant> {
        // This check comes first, so that a refusal does not reveal which names are taken.
        if self.registration == Registration::Closed {
            return Err(AuthError::RegistrationClosed);
        }
        // Names travel as they may have been recorded; these are new ones.
        let username = Username::new(username.as_str())?;
        let name = name.map(|name| DisplayName::new(name.as_str())).transpose()?;
        let now = self.clock.now();
        passwords::check(&password, &username)?;
        self.attempts.register(client.ip, now)?;
        let applicant = Applicant::new(client.ip, &username);
        // A taken name is refused before the cost of hashing. The insert still decides.
        if !self.store.is_username_free(&username).await? {
            return Err(AuthError::NameTaken);
        }
        let name = match name {
            Some(name) => name,
            None => DisplayName::new(username.as_str()).map_err(AuthError::defect)?,
        };
        let password_hash = self.hasher.hash(passwords::formed(&password), applicant).await?;
        let now = self.clock.now();
        let id = UserId::new(new_id(&*self.clock, &*self.random));
        let profile = Profile { id, username, name, avatar_url: None, external_id: None, version: now };
        let (session, token) = self.new_session(id, client, now);
        let grant = self.grant(profile.clone(), session.id, session.ends_at, &token, now).await?;
        let account = Account { profile, password_hash: Some(password_hash), password_version: 0 };
        if !self.store.insert_account(&account, &session).await? {
            return Err(AuthError::NameTaken);
        }
        self.audit.signed_in("register", &grant.user.username, &session.id, session.client.ip);
        Ok(grant)
    }

    /// Signs in. An unknown name and a wrong password give the same error, the same work and the same
    /// throttling, so that nobody can tell them apart.
    pub(crate) async fn login(
        &self,
        username: Username,
        password: Password,
        client: ClientInfo,
    ) -> Result<Grant> {
        // This is longer than any accepted password, and so it is wrong. It is not worth hashing.
        passwords::check_size(&password).map_err(|_| AuthError::WrongCredentials)?;
        let attempt = self.attempts.sign_in(&*self.store, &username, client.ip, self.clock.now()).await?;
        let applicant = Applicant::new(client.ip, &username);
        let account = match self.store.account(&username).await {
            Ok(account) => account,
            Err(error) => {
                attempt.refund();
                return Err(error.into());
            }
        };
        let hash = account.as_ref().and_then(|account| account.password_hash.as_deref());
        let verdict = match self.verify(&password, hash, &applicant).await {
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
        attempt.succeed(self.clock.now())?;
        if verdict == Verdict::RightButOutdated {
            self.rehash(&account, password, applicant).await?;
        }
        let now = self.clock.now();
        let (session, token) = self.new_session(account.profile.id, client, now);
        let grant = self.grant(account.profile, session.id, session.ends_at, &token, now).await?;
        let version = account.password_version;
        // Another password since it was verified, or no such user any more.
        let ended = self.store.insert_session(&session, version, self.sessions_max).await?;
        let ended = ended.ok_or(AuthError::WrongCredentials)?;
        self.audit.signed_in("login", &grant.user.username, &session.id, session.client.ip);
        if !ended.is_empty() {
            tracing::info!(user = %session.user, ended = ended.len(), "the user's oldest sessions have ended for a new one");
        }
        Ok(grant)
    }

    /// Returns profiles by id.
    pub(crate) async fn users(&self, ids: &[UserId]) -> Result<Vec<Profile>> {
        if ids.len() > USERS_MAX {
            return Err(AuthError::TooManyIds);
        }
        Ok(self.store.profiles(ids).await?)
    }

    /// Changes a profile and returns it. Without a change, it only returns the profile.
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

    /// Changes a user's password, and ends the user's other sessions. The present password is tried as at a sign-in: who
    /// has a token of somebody else's cannot try many.
    pub(crate) async fn change_password(&self, change: ChangePassword) -> Result<()> {
        let ChangePassword { user, current, new, client, presented } = change;
        passwords::check_size(&current).map_err(|_| AuthError::WrongPassword)?;
        let account = self.store.account_of(user).await?.ok_or(AuthError::NoSuchUser)?;
        let username = account.profile.username;
        let Some(hash) = account.password_hash else { return Err(AuthError::NoPassword) };
        passwords::check(&new, &username).map_err(AuthError::NewPassword)?;
        let attempt = self.attempts.sign_in(&*self.store, &username, client.ip, self.clock.now()).await?;
        let applicant = Applicant::new(client.ip, &username);
        match self.verify(&current, Some(&hash), &applicant).await {
            Ok(Verdict::Right | Verdict::RightButOutdated) => attempt.succeed(self.clock.now())?,
            Ok(Verdict::Wrong) => return Err(AuthError::WrongPassword),
            Err(error) => {
                attempt.refund();
                return Err(error);
            }
        }
        let to = self.hasher.hash(passwords::formed(&new), applicant).await?;
        let keep = presented.map(|presented| presented.session);
        let change = PasswordChange { user, from: &hash, to: &to, keep, now: self.clock.now() };
        // Of two changes at once the second has not verified what is the present password by then.
        let ended = self.store.change_password(&change).await?.ok_or(AuthError::WrongPassword)?;
        self.audit.password_changed(&username, ended.len(), client.ip);
        Ok(())
    }

    /// Judges a password. One that no version has hashed in its form is judged as it was typed, too: an earlier version
    /// hashed it so.
    async fn verify(
        &self,
        password: &Password,
        hash: Option<&str>,
        applicant: &Applicant,
    ) -> Result<Verdict> {
        let formed = passwords::formed(password);
        let is_formed = formed.expose() == password.expose();
        match self.hasher.verify(formed, hash, applicant.clone()).await? {
            Verdict::Wrong if !is_formed => {
                match self.hasher.verify(password.clone(), hash, applicant.clone()).await? {
                    Verdict::Wrong => Ok(Verdict::Wrong),
                    Verdict::Right | Verdict::RightButOutdated => Ok(Verdict::RightButOutdated),
                }
            }
            verdict => Ok(verdict),
        }
    }

    /// Replaces an account's hash with one of the current parameters. If the hashing queue is full, the old
    /// hash stays and the next sign-in tries again.
    async fn rehash(&self, account: &Account, password: Password, applicant: Applicant) -> Result<()> {
        let Some(old) = &account.password_hash else { return Ok(()) };
        match self.hasher.hash(passwords::formed(&password), applicant).await {
            Ok(hash) => Ok(self.store.replace_password_hash(account.profile.id, old, &hash).await?),
            Err(AuthError::Overloaded) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
