//! What the service remembers, and nothing of what it means. SQL stands here and nowhere else.
//!
//! PostgreSQL and SQLite share one body of SQL: the files under `sql/` are compiled once for each, as
//! children of [`postgres`] and of [`sqlite`], which hold what differs (connecting and migrating).
//!
//! Secrets (refresh tokens, tickets) come here as SHA-256 digests of 256 random bits and are looked up
//! by index. Their comparison need not be constant in time: what its timing could reveal is a digest,
//! from which the secret does not follow.

mod postgres;
mod rows;
mod sqlite;
mod target;

use async_trait::async_trait;
use madang_database::DatabaseError;
use madang_domain::{AvatarUrl, DisplayName, ExternalId, Profile, SessionId, Timestamp, UserId, Username};
use madang_rpc::auth::{ClientInfo, CredentialIssuer, Revocations, Session};

pub(crate) use target::Target;

/// A result of the store.
pub(crate) type Result<T, E = DatabaseError> = std::result::Result<T, E>;

/// A SHA-256 digest.
pub(crate) type Digest = [u8; 32];

/// An account with what proves it.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) profile: Profile,
    /// A PHC string. None: no password opens this account.
    pub(crate) password_hash: Option<String>,
}

/// A user of the embedding site.
#[derive(Debug)]
pub(crate) struct SiteUser {
    pub(crate) profile: Profile,
    pub(crate) disconnected_at: Option<Timestamp>,
}

/// What of a profile is to be another; what is `None` stays.
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
    /// Names with spaces between.
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

/// A session to be written.
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

/// A session as its refresh tokens know it.
#[derive(Debug)]
pub(crate) struct Family {
    pub(crate) session: SessionId,
    /// The digest of the one token that is good.
    pub(crate) token: Digest,
    pub(crate) live_until: Timestamp,
    pub(crate) ends_at: Timestamp,
    pub(crate) is_revoked: bool,
    pub(crate) profile: Profile,
}

/// The exchange of one refresh token for the next.
#[derive(Debug)]
pub(crate) struct Rotation {
    pub(crate) session: SessionId,
    pub(crate) from: Digest,
    pub(crate) to: Digest,
    pub(crate) now: Timestamp,
    pub(crate) live_until: Timestamp,
    pub(crate) client: ClientInfo,
}

/// Which sessions a feed of revocations wants.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RevocationQuery {
    /// After this number; with none, those since `since`.
    pub(crate) after: Option<i64>,
    /// Earlier ones matter to no token that is still good.
    pub(crate) since: Timestamp,
    /// At most so many.
    pub(crate) limit: i64,
}

/// What of sessions and their ends may be forgotten.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SessionPurge {
    /// Sessions that expired before.
    pub(crate) expired: Timestamp,
    /// Sessions that were revoked before, and the records of it.
    pub(crate) revoked: Timestamp,
    /// The records of users who were disconnected before.
    pub(crate) disconnected: Timestamp,
    /// At most so many of each.
    pub(crate) limit: i64,
}

/// A ticket for a user of the site, in a session that is no row.
#[derive(Debug)]
pub(crate) struct UserTicket {
    pub(crate) hash: Digest,
    pub(crate) user: UserId,
    pub(crate) session: SessionId,
    pub(crate) created_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    /// Until when what it opens may live at most.
    pub(crate) ends_at: Option<Timestamp>,
}

/// What a redeemed ticket stood for.
#[derive(Debug)]
pub(crate) struct Redeemed {
    pub(crate) session: SessionId,
    /// When the session ends, or the site's word for the user.
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

/// Accounts.
#[async_trait]
pub(crate) trait Accounts: Send + Sync {
    /// Writes an account with its first session, both or neither. False: the username is taken, or looks like one that is.
    async fn insert_account(&self, account: &Account, session: &NewSession) -> Result<bool>;

    /// The account of a name.
    async fn account(&self, username: &Username) -> Result<Option<Account>>;

    /// Replaces a password's hash, unless it is no longer `from`.
    async fn replace_password_hash(&self, user: UserId, from: &str, to: &str) -> Result<()>;

    /// Profiles by id; unknown ids are left out.
    async fn profiles(&self, ids: &[UserId]) -> Result<Vec<Profile>>;

    /// Changes what is `Some`, and raises the version to `at` or by one. None: no such user.
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
    /// The user of this external id.
    async fn site_user(&self, id: &ExternalId) -> Result<Option<SiteUser>>;

    /// Profiles by external id; unknown ones are left out.
    async fn site_users(&self, ids: &[&ExternalId]) -> Result<Vec<Profile>>;

    /// Writes a user without a password. False: the username, its look or the external id is taken.
    async fn insert_site_user(&self, profile: &Profile) -> Result<bool>;

    /// Changes a profile, and raises the version to `at` or by one; a username that is taken stays as it was.
    /// None: no such user.
    async fn update_site_user(
        &self,
        user: UserId,
        change: &ProfileChange<'_>,
        at: Timestamp,
    ) -> Result<Option<Profile>>;

    /// Whether nobody has the username now, or one that looks the same.
    async fn is_username_free(&self, username: &Username) -> Result<bool>;
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
    /// Writes a key.
    async fn insert_api_key(&self, key: &StoredApiKey, secret: &Digest) -> Result<()>;

    /// The key of this id and secret, revoked or not.
    async fn api_key(&self, id: &str, secret: &Digest) -> Result<Option<StoredApiKey>>;

    /// All, oldest first.
    async fn api_keys(&self) -> Result<Vec<StoredApiKey>>;

    /// Notes that a key was used.
    async fn use_api_key(&self, id: &str, now: Timestamp) -> Result<()>;

    /// Ends a key. False: there is none that is good.
    async fn revoke_api_key(&self, id: &str, now: Timestamp) -> Result<bool>;
}

/// Sessions and their ends.
#[async_trait]
pub(crate) trait Sessions: Send + Sync {
    /// Writes a session.
    async fn insert_session(&self, session: &NewSession) -> Result<()>;

    /// The session of a family of refresh tokens, live or not.
    async fn family(&self, family: &Digest) -> Result<Option<Family>>;

    /// Exchanges a session's token. False: it is no longer the good one, or the session has ended.
    /// One statement, and so one transaction with a row lock: of two at once, one wins.
    async fn rotate(&self, rotation: &Rotation) -> Result<bool>;

    /// A user's live sessions, newest first, at most `limit`.
    async fn live_sessions(&self, user: UserId, now: Timestamp, limit: i64) -> Result<Vec<Session>>;

    /// Whether the user has a live session that was last used from this address.
    async fn is_known_address(&self, username: &Username, ip: &str, now: Timestamp) -> Result<bool>;

    /// Ends a session and records that it ended. False: it is not a live one (of `user`, if given).
    async fn revoke(&self, session: SessionId, user: Option<UserId>, now: Timestamp) -> Result<bool>;

    /// Ends all sessions of a user, notes when, and records each end and the user's. False: no such user.
    async fn disconnect(&self, user: UserId, now: Timestamp) -> Result<bool>;

    /// Recorded ends in order, and the number to go on from.
    async fn revocations(&self, query: RevocationQuery) -> Result<Revocations>;

    /// Forgets what is not needed any more. Says how much.
    async fn purge_sessions(&self, purge: SessionPurge) -> Result<u64>;
}

/// Tickets.
#[async_trait]
pub(crate) trait Tickets: Send + Sync {
    /// Writes a ticket for a live session of the user. False: it is none.
    async fn insert_ticket(
        &self,
        hash: &Digest,
        user: UserId,
        session: SessionId,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<bool>;

    /// Writes a ticket for a user of the site. False: there is no such user.
    async fn insert_user_ticket(&self, ticket: &UserTicket) -> Result<bool>;

    /// Takes a ticket out; of two at once, one gets it. None: unknown, expired, its session ended,
    /// or its user was disconnected since.
    async fn take_ticket(&self, hash: &Digest, now: Timestamp) -> Result<Option<Redeemed>>;

    /// Forgets those that have expired, at most `limit`. Says how many.
    async fn purge_tickets(&self, now: Timestamp, limit: i64) -> Result<u64>;
}

/// Signing keys.
#[async_trait]
pub(crate) trait Keys: Send + Sync {
    /// All, by generation.
    async fn signing_keys(&self) -> Result<Vec<StoredKey>>;

    /// Adds one. False: another replica has made this generation.
    async fn insert_signing_key(&self, key: &StoredKey) -> Result<bool>;

    /// Forgets the generations before this one.
    async fn delete_signing_keys_before(&self, generation: i64) -> Result<u64>;
}

/// Everything that the service remembers.
pub(crate) trait Store: Accounts + Names + SiteUsers + ApiKeys + Sessions + Tickets + Keys {}

impl<T: Accounts + Names + SiteUsers + ApiKeys + Sessions + Tickets + Keys> Store for T {}

/// Where the migrations that were applied are listed. Not sqlx's own name for it: the message store may live in the same
/// database and has its own.
const MIGRATIONS_TABLE: &str = "auth_migrations";
