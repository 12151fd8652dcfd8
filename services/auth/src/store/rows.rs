//! Rows of the database, and their conversion to values.

use std::str::FromStr as _;

use madang_database::DatabaseError;
use madang_domain::{AvatarUrl, DisplayName, ExternalId, Profile, SessionId, Timestamp, UserId, Username};
use madang_rpc::auth::{ClientInfo, CredentialIssuer, Session};
use uuid::Uuid;

use super::{Account, Digest, Family, LastExchange, Redeemed, Result, SiteUser, StoredApiKey, StoredKey};

#[derive(sqlx::FromRow)]
pub(super) struct ProfileRow {
    user_id: Uuid,
    username: String,
    name: String,
    avatar_url: Option<String>,
    external_id: Option<String>,
    profile_version: i64,
}

impl ProfileRow {
    pub(super) fn profile(self) -> Result<Profile> {
        Ok(Profile {
            id: UserId::new(self.user_id),
            username: Username::recorded(self.username).map_err(|e| DatabaseError::corrupt("username", e))?,
            name: DisplayName::recorded(self.name).map_err(|e| DatabaseError::corrupt("display name", e))?,
            avatar_url: self.avatar_url.and_then(AvatarUrl::recorded),
            external_id: self
                .external_id
                .map(ExternalId::new)
                .transpose()
                .map_err(|e| DatabaseError::corrupt("external id", e))?,
            version: Timestamp::from_micros(self.profile_version),
        })
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct AccountRow {
    #[sqlx(flatten)]
    profile: ProfileRow,
    password_hash: String,
    password_version: i64,
}

impl AccountRow {
    pub(super) fn account(self) -> Result<Account> {
        // A user of the embedding site has no password hash. The empty text in its place is not a PHC string.
        let password_hash = Some(self.password_hash).filter(|hash| !hash.is_empty());
        Ok(Account {
            profile: self.profile.profile()?,
            password_hash,
            password_version: self.password_version,
        })
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct SiteUserRow {
    #[sqlx(flatten)]
    profile: ProfileRow,
    disconnected_at: Option<i64>,
}

impl SiteUserRow {
    pub(super) fn site_user(self) -> Result<SiteUser> {
        Ok(SiteUser {
            profile: self.profile.profile()?,
            disconnected_at: self.disconnected_at.map(Timestamp::from_micros),
        })
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct FamilyRow {
    #[sqlx(flatten)]
    profile: ProfileRow,
    session_id: Uuid,
    token_hash: Vec<u8>,
    live_until: i64,
    ends_at: i64,
    revoked_at: Option<i64>,
    used_at: i64,
    previous_hash: Option<Vec<u8>>,
    encrypted_successor: Option<Vec<u8>>,
    ip: Option<String>,
    user_agent: Option<String>,
}

impl FamilyRow {
    pub(super) fn family(self) -> Result<Family> {
        let digest = |bytes: &[u8]| {
            Digest::try_from(bytes).map_err(|e| DatabaseError::corrupt("refresh token digest", e))
        };
        let last_exchange = match (self.previous_hash, self.encrypted_successor) {
            (Some(from), Some(encrypted_successor)) => Some(LastExchange {
                from: digest(&from)?,
                at: Timestamp::from_micros(self.used_at),
                encrypted_successor,
                client: client(self.ip, self.user_agent)?,
            }),
            (_, None) | (None, _) => None,
        };
        Ok(Family {
            session: SessionId::new(self.session_id),
            token: digest(&self.token_hash)?,
            last_exchange,
            live_until: Timestamp::from_micros(self.live_until),
            ends_at: Timestamp::from_micros(self.ends_at),
            is_revoked: self.revoked_at.is_some(),
            profile: self.profile.profile()?,
        })
    }
}

/// A redeemed ticket.
#[derive(sqlx::FromRow)]
pub(super) struct TicketRow {
    pub(super) session_id: Uuid,
    /// Set in a ticket that the site's backend requested.
    pub(super) ticket_user_id: Option<Uuid>,
    pub(super) created_at: i64,
    pub(super) expires_at: i64,
    ends_at: Option<i64>,
}

#[derive(sqlx::FromRow)]
pub(super) struct RedeemedRow {
    #[sqlx(flatten)]
    profile: ProfileRow,
    ends_at: Option<i64>,
}

impl RedeemedRow {
    pub(super) fn redeemed(self, ticket: &TicketRow) -> Result<Redeemed> {
        Ok(Redeemed {
            session: SessionId::new(ticket.session_id),
            ends_at: self.ends_at.or(ticket.ends_at).map(Timestamp::from_micros),
            issuer: if ticket.ticket_user_id.is_some() {
                CredentialIssuer::Site
            } else {
                CredentialIssuer::Auth
            },
            issued_at: Timestamp::from_micros(ticket.created_at),
            profile: self.profile.profile()?,
        })
    }
}

/// The head of the feed, with one revocation if there is any.
#[derive(sqlx::FromRow)]
pub(super) struct RevocationRow {
    pub(super) head: i64,
    pub(super) seq: Option<i64>,
    session_id: Option<Uuid>,
    user_id: Option<Uuid>,
    revoked_at: Option<i64>,
}

impl RevocationRow {
    pub(super) fn session(&self) -> Option<SessionId> {
        self.session_id.map(SessionId::new)
    }

    pub(super) fn user(&self) -> Option<(UserId, Timestamp)> {
        Some((UserId::new(self.user_id?), Timestamp::from_micros(self.revoked_at?)))
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct ApiKeyRow {
    id: String,
    name: String,
    scopes: String,
    created_at: i64,
    last_used_at: Option<i64>,
    revoked_at: Option<i64>,
}

impl ApiKeyRow {
    pub(super) fn key(self) -> StoredApiKey {
        StoredApiKey {
            id: self.id,
            name: self.name,
            scopes: self.scopes,
            created_at: Timestamp::from_micros(self.created_at),
            last_used_at: self.last_used_at.map(Timestamp::from_micros),
            revoked_at: self.revoked_at.map(Timestamp::from_micros),
        }
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct SessionRow {
    id: Uuid,
    created_at: i64,
    used_at: i64,
    ip: Option<String>,
    user_agent: Option<String>,
}

impl SessionRow {
    pub(super) fn session(self) -> Result<Session> {
        Ok(Session {
            id: SessionId::new(self.id),
            created_at: Timestamp::from_micros(self.created_at),
            used_at: Timestamp::from_micros(self.used_at),
            client: client(self.ip, self.user_agent)?,
        })
    }
}

fn client(ip: Option<String>, user_agent: Option<String>) -> Result<ClientInfo> {
    let ip = ip.map(|ip| std::net::IpAddr::from_str(&ip)).transpose();
    Ok(ClientInfo { ip: ip.map_err(|e| DatabaseError::corrupt("address", e))?, user_agent })
}

#[derive(sqlx::FromRow)]
pub(super) struct KeyRow {
    generation: i64,
    kid: String,
    public_key: Vec<u8>,
    private_key: Vec<u8>,
    sealed: bool,
    created_at: i64,
    signs_from: i64,
}

impl KeyRow {
    pub(super) fn key(self) -> StoredKey {
        StoredKey {
            generation: self.generation,
            kid: self.kid,
            public_key: self.public_key,
            private_key: self.private_key,
            is_encrypted: self.sealed,
            created_at: Timestamp::from_micros(self.created_at),
            signs_from: Timestamp::from_micros(self.signs_from),
        }
    }
}
