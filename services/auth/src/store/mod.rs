//! The database access of the service, without its rules. SQL is here and nowhere else.
//!
//! PostgreSQL and SQLite share their SQL: the files under `sql/` are compiled once for each, as children of
//! [`postgres`] and of [`sqlite`]. Only connecting and migrating differ, and are in these two modules.
//!
//! The store gets secrets (refresh tokens, tickets) as SHA-256 digests of 256 random bits and finds them by
//! an index. The comparison need not be constant in time: its timing could reveal only a digest, from which
//! nobody can derive the secret.

mod postgres;
mod rows;
mod sqlite;
mod target;

use async_trait::async_trait;
use madang_database::DatabaseError;
use madang_domain::{AvatarUrl, DisplayName, ExternalId, Profile, SessionId, Timestamp, UserId, Username};
use madang_rpc::auth::{ClientInfo, CredentialIssuer, Revocations, Session};
use sha2::{Digest as _, Sha256};

pub(crate) use postgres::migrations as postgres_migrations;
pub(crate) use sqlite::migrations as sqlite_migrations;
pub(crate) use target::Target;

/// A result of the store.
pub(crate) type Result<T, E = DatabaseError> = std::result::Result<T, E>;

/// A SHA-256 digest.
pub(crate) type Digest = [u8; 32];

/// An account with its password hash.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) profile: Profile,
    /// A PHC string. `None`: the account has no password.
    pub(crate) password_hash: Option<String>,
    /// Changes when the user changes the password, and not when the same one is hashed anew.
    pub(crate) password_version: i64,
}

/// A change of a password.
#[derive(Debug)]
pub(crate) struct PasswordChange<'a> {
    pub(crate) user: UserId,
    /// The hash that was verified.
    pub(crate) from: &'a str,
    pub(crate) to: &'a str,
    /// The session that goes on.
    pub(crate) keep: Option<SessionId>,
    pub(crate) now: Timestamp,
}

/// What is left of a user who was erased.
#[derive(Debug)]
pub(crate) struct Erasure {
    pub(crate) user: UserId,
    pub(crate) at: Timestamp,
    /// Of what the username looks like.
    pub(crate) name: Digest,
    /// Of what the embedding site called the user.
    pub(crate) external_id: Option<Digest>,
}

/// Where a user comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UserOrigin {
    /// The user signs in here.
    Here,
    /// The embedding site knows the user, and may let the user in by tokens of its own.
    Site,
}

/// A user of the embedding site.
#[derive(Debug)]
pub(crate) struct SiteUser {
    pub(crate) profile: Profile,
    pub(crate) disconnected_at: Option<Timestamp>,
}

/// A change of a profile; a `None` field stays as it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ProfileChange<'a> {
    pub(crate) username: Option<&'a Username>,
    pub(crate) name: Option<&'a DisplayName>,
    pub(crate) avatar_url: Option<Option<&'a AvatarUrl>>,
}

/// An API key at rest, without its secret's digest.
#[derive(Debug)]
pub(crate) struct StoredApiKey {
    pub(crate) id: String,
    pub(crate) name: String,
    /// The scopes, separated by spaces.
    pub(crate) scopes: String,
    pub(crate) created_at: Timestamp,
    pub(crate) last_used_at: Option<Timestamp>,
    pub(crate) revoked_at: Option<Timestamp>,
}

/// An account's names as they are in the row of an earlier version.
#[derive(Debug)]
pub(crate) struct RecordedNames {
    pub(crate) id: UserId,
    pub(crate) username: String,
    pub(crate) name: String,
}

/// A username with what it looks like.
#[derive(Debug)]
pub(crate) struct FormedUsername {
    pub(crate) name: String,
    pub(crate) skeleton: String,
}

impl FormedUsername {
    pub(crate) fn of(username: &Username) -> Self {
        Self { name: username.to_string(), skeleton: username.skeleton() }
    }
}

/// The digest of what a username looks like.
pub(crate) fn name_digest(username: &Username) -> Digest {
    Sha256::digest(format!("username {}", username.skeleton())).into()
}

/// The digest of what the embedding site calls a user.
pub(crate) fn external_digest(id: &ExternalId) -> Digest {
    Sha256::digest(format!("external id {id}")).into()
}

/// What stands for the skeleton of an account whose name looks like one that another had before: no name looks so.
pub(crate) fn alone(user: UserId) -> String {
    format!("!{user}")
}

/// The form that an account's names are to have.
#[derive(Debug)]
pub(crate) struct NameForm {
    pub(crate) id: UserId,
    pub(crate) username: FormedUsername,
    /// For where another account has the username.
    pub(crate) instead: FormedUsername,
    pub(crate) name: String,
}

/// Two accounts whose names cannot be told apart any more.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Clash {
    /// They have one name; `user` gets another one.
    Same { user: UserId, other: UserId },
    /// The names look the same.
    LookAlike { user: UserId, other: UserId },
}

/// A session to write.
#[derive(Debug)]
pub(crate) struct NewSession {
    pub(crate) id: SessionId,
    pub(crate) user: UserId,
    pub(crate) family: Digest,
    pub(crate) token: Digest,
    pub(crate) created_at: Timestamp,
    pub(crate) live_until: Timestamp,
    pub(crate) ends_at: Timestamp,
    pub(crate) client: ClientInfo,
}

/// A session as found by a refresh token.
#[derive(Debug)]
pub(crate) struct Family {
    pub(crate) session: SessionId,
    /// The digest of the only valid token.
    pub(crate) token: Digest,
    pub(crate) live_until: Timestamp,
    pub(crate) ends_at: Timestamp,
    pub(crate) is_revoked: bool,
    /// The last exchange, while it may be repeated.
    pub(crate) last_exchange: Option<LastExchange>,
    pub(crate) profile: Profile,
}

/// The last exchange of a session's token, whose successor has not been used yet.
#[derive(Debug)]
pub(crate) struct LastExchange {
    /// The digest of the token that was exchanged.
    pub(crate) from: Digest,
    pub(crate) at: Timestamp,
    /// The token that it was exchanged for, encrypted under it.
    pub(crate) encrypted_successor: Vec<u8>,
    /// Who exchanged it.
    pub(crate) client: ClientInfo,
}

/// The exchange of one refresh token for the next.
#[derive(Debug)]
pub(crate) struct Rotation {
    pub(crate) session: SessionId,
    pub(crate) from: Digest,
    pub(crate) to: Digest,
    /// The next token, encrypted under the one before; none where the exchange is not to be repeated.
    pub(crate) encrypted_successor: Option<Vec<u8>>,
    pub(crate) now: Timestamp,
    pub(crate) live_until: Timestamp,
    pub(crate) client: ClientInfo,
}

/// Which revocations to return.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RevocationQuery {
    /// Return those after this number; if `None`, those since `since`.
    pub(crate) after: Option<i64>,
    /// Earlier ones concern no token that is still valid.
    pub(crate) since: Timestamp,
    /// The most to return.
    pub(crate) limit: i64,
}

/// Which sessions and revocations to delete.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SessionPurge {
    /// Delete sessions that expired before this time.
    pub(crate) expired: Timestamp,
    /// Delete sessions that were revoked before this time, and their records in the feed.
    pub(crate) revoked: Timestamp,
    /// Delete the records of users who were disconnected before this time.
    pub(crate) disconnected: Timestamp,
    /// The most rows of each to delete.
    pub(crate) limit: i64,
}

/// A ticket for a user of the site. Its session has no row.
#[derive(Debug)]
pub(crate) struct UserTicket {
    pub(crate) hash: Digest,
    pub(crate) user: UserId,
    pub(crate) session: SessionId,
    pub(crate) created_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    /// When a socket that it opens must end.
    pub(crate) ends_at: Option<Timestamp>,
}

/// The content of a redeemed ticket.
#[derive(Debug)]
pub(crate) struct Redeemed {
    pub(crate) session: SessionId,
    /// When the session ends, or when the site's authentication of the user ends.
    pub(crate) ends_at: Option<Timestamp>,
    pub(crate) issuer: CredentialIssuer,
    pub(crate) issued_at: Timestamp,
    pub(crate) profile: Profile,
}

/// A signing key at rest.
#[derive(Debug, Clone)]
pub(crate) struct StoredKey {
    pub(crate) generation: i64,
    pub(crate) kid: String,
    pub(crate) public_key: Vec<u8>,
    pub(crate) private_key: Vec<u8>,
    pub(crate) is_encrypted: bool,
    pub(crate) created_at: Timestamp,
    pub(crate) signs_from: Timestamp,
}

/// Access to accounts.
#[async_trait]
pub(crate) trait Accounts: Send + Sync {
    /// Inserts an account and its first session in one transaction. `false`: the username is taken, or looks like one that is.
    async fn insert_account(&self, account: &Account, session: &NewSession) -> Result<bool>;

    /// Returns the account with this username.
    async fn account(&self, username: &Username) -> Result<Option<Account>>;

    /// Returns the account of a user.
    async fn account_of(&self, user: UserId) -> Result<Option<Account>>;

    /// Changes a password, unless its hash is no longer `from`, ends the user's sessions but one, and records each
    /// revocation. `None`: it is another hash by now, or there is no such user. Returns the ended ones.
    async fn change_password(&self, change: &PasswordChange<'_>) -> Result<Option<Vec<SessionId>>>;

    /// Replaces a password's hash, unless it is no longer `from`.
    async fn replace_password_hash(&self, user: UserId, from: &str, to: &str) -> Result<()>;

    /// Returns profiles by id; unknown ids are left out.
    async fn profiles(&self, ids: &[UserId]) -> Result<Vec<Profile>>;

    /// Changes the fields that are `Some`, and raises the version to `at` or by one. `None`: there is no such
    /// user.
    async fn update_profile(
        &self,
        user: UserId,
        name: Option<&DisplayName>,
        avatar_url: Option<Option<&AvatarUrl>>,
        at: Timestamp,
    ) -> Result<Option<Profile>>;
}

/// The embedding site's users.
#[async_trait]
pub(crate) trait SiteUsers: Send + Sync {
    /// Returns the user with this external id.
    async fn site_user(&self, id: &ExternalId) -> Result<Option<SiteUser>>;

    /// Returns profiles by external id; unknown ones are left out.
    async fn site_users(&self, ids: &[&ExternalId]) -> Result<Vec<Profile>>;

    /// Inserts a user without a password. `false`: the username, its look or the external id is taken.
    async fn insert_site_user(&self, profile: &Profile) -> Result<bool>;

    /// Changes a profile, and raises the version to `at` or by one. If the new username is taken, the user
    /// keeps the old one. `None`: there is no such user.
    async fn update_site_user(
        &self,
        user: UserId,
        change: &ProfileChange<'_>,
        at: Timestamp,
    ) -> Result<Option<Profile>>;

    /// Whether nobody has the username now, or one that looks the same.
    async fn is_username_free(&self, username: &Username) -> Result<bool>;
}

/// Users who were erased.
#[async_trait]
pub(crate) trait Erasures: Send + Sync {
    /// Ends all that let a user in, records it, and leaves of the user what [`Erasure`] says. `None`: there is no such
    /// user, or there is none any more.
    async fn erase(&self, erasure: &Erasure) -> Result<Option<UserOrigin>>;

    /// Whether a user was erased.
    async fn was_erased(&self, user: UserId) -> Result<bool>;

    /// When the user was last erased whom the embedding site called so.
    async fn erased_site_user_at(&self, external_id: &Digest) -> Result<Option<Timestamp>>;

    /// Takes erasures until a time that are not finished, and that nobody has taken beyond now: the oldest first.
    async fn take_erasures(&self, now: Timestamp, until: Timestamp, limit: i64) -> Result<Vec<UserId>>;

    /// Takes one again.
    async fn take_erasure_again(&self, user: UserId, until: Timestamp) -> Result<()>;

    /// Notes that an erasure is finished.
    async fn finish_erasure(&self, user: UserId, now: Timestamp) -> Result<()>;

    /// Forgets finished erasures of before a time, at most `limit`.
    async fn purge_erasures(&self, before: Timestamp, limit: i64) -> Result<u64>;
}

/// Names that an earlier version recorded.
#[async_trait]
pub(crate) trait Names: Send + Sync {
    /// Accounts whose names have no form yet, at most `limit`, the oldest first.
    async fn recorded_names(&self, limit: i64) -> Result<Vec<RecordedNames>>;

    /// Gives accounts' names their form, all or none, and says which clash. None: somebody took one of the names
    /// meanwhile.
    async fn form_names(&self, forms: &[NameForm], at: Timestamp) -> Result<Option<Vec<Clash>>>;
}

/// API keys.
#[async_trait]
pub(crate) trait ApiKeys: Send + Sync {
    /// Inserts a key.
    async fn insert_api_key(&self, key: &StoredApiKey, secret: &Digest) -> Result<()>;

    /// Returns the key with this id and secret, revoked or not.
    async fn api_key(&self, id: &str, secret: &Digest) -> Result<Option<StoredApiKey>>;

    /// Returns all keys, oldest first.
    async fn api_keys(&self) -> Result<Vec<StoredApiKey>>;

    /// Records the use of a key.
    async fn use_api_key(&self, id: &str, now: Timestamp) -> Result<()>;

    /// Revokes a key. `false`: there is no such valid key.
    async fn revoke_api_key(&self, id: &str, now: Timestamp) -> Result<bool>;
}

/// Access to sessions and revocations.
#[async_trait]
pub(crate) trait Sessions: Send + Sync {
    /// Inserts a session. If the user then has more than `max` live ones, it ends those that were used longest ago
    /// and records each revocation. Returns the ended ones. `None`: the password of this version is not the user's any
    /// more, or there is no such user any more.
    async fn insert_session(
        &self,
        session: &NewSession,
        password_version: i64,
        max: u32,
    ) -> Result<Option<Vec<SessionId>>>;

    /// Returns the session of a family of refresh tokens, live or not.
    async fn family(&self, family: &Digest) -> Result<Option<Family>>;

    /// Exchanges a session's token. `false`: the token is no longer the valid one, or the session has ended.
    /// The single statement is one transaction with a row lock, so that one of two concurrent calls wins.
    async fn rotate(&self, rotation: &Rotation) -> Result<bool>;

    /// Records the use of an access token that was issued in the second of `issued_at` or earlier: an exchange up to
    /// then is not repeated any more.
    async fn end_repetition(&self, session: SessionId, issued_at: Timestamp) -> Result<()>;

    /// Deletes the encrypted successors of exchanges before `before`, at most `limit`, and returns their number.
    async fn purge_successors(&self, before: Timestamp, limit: i64) -> Result<u64>;

    /// Returns a user's live sessions, newest first, at most `limit`.
    async fn live_sessions(&self, user: UserId, now: Timestamp, limit: i64) -> Result<Vec<Session>>;

    /// Whether the user has a live session that was last used from this address.
    async fn is_known_address(&self, username: &Username, ip: &str, now: Timestamp) -> Result<bool>;

    /// Ends a session and records the revocation. `false`: there is no such live session (of `user`, if
    /// given).
    async fn revoke(&self, session: SessionId, user: Option<UserId>, now: Timestamp) -> Result<bool>;

    /// Ends all sessions of a user, stores the time, and records each revocation and the user's
    /// disconnection. `None`: there is no such user.
    async fn disconnect(&self, user: UserId, now: Timestamp) -> Result<Option<UserOrigin>>;

    /// Returns recorded revocations in order, and the number to continue from.
    async fn revocations(&self, query: RevocationQuery) -> Result<Revocations>;

    /// Deletes what is no longer needed, and returns the number of rows.
    async fn purge_sessions(&self, purge: SessionPurge) -> Result<u64>;
}

/// Tickets.
#[async_trait]
pub(crate) trait Tickets: Send + Sync {
    /// Inserts a ticket for a live session of the user. `false`: there is no such session.
    async fn insert_ticket(
        &self,
        hash: &Digest,
        user: UserId,
        session: SessionId,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<bool>;

    /// Inserts a ticket for a user of the site. `false`: there is no such user.
    async fn insert_user_ticket(&self, ticket: &UserTicket) -> Result<bool>;

    /// Deletes a ticket and returns it; one of two concurrent calls gets it. `None`: the ticket is unknown or
    /// expired, its session has ended, or its user was disconnected since.
    async fn take_ticket(&self, hash: &Digest, now: Timestamp) -> Result<Option<Redeemed>>;

    /// Deletes at most `limit` expired tickets, and returns their number.
    async fn purge_tickets(&self, now: Timestamp, limit: i64) -> Result<u64>;
}

/// Signing keys.
#[async_trait]
pub(crate) trait Keys: Send + Sync {
    /// Returns all keys, by generation.
    async fn signing_keys(&self) -> Result<Vec<StoredKey>>;

    /// Adds a key. `false`: another replica has created this generation.
    async fn insert_signing_key(&self, key: &StoredKey) -> Result<bool>;

    /// Deletes the generations before this one.
    async fn delete_signing_keys_before(&self, generation: i64) -> Result<u64>;
}

/// The whole store of the service.
pub(crate) trait Store:
    Accounts + Erasures + Names + SiteUsers + ApiKeys + Sessions + Tickets + Keys
{
}

impl<T: Accounts + Erasures + Names + SiteUsers + ApiKeys + Sessions + Tickets + Keys> Store for T {}

/// The table of applied migrations. It does not have sqlx's default name, since the message store may use the
/// same database and has its own table.
const MIGRATIONS_TABLE: &str = "auth_migrations";
