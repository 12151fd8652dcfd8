//! Rows as they are read, and how they become values.

use std::str::FromStr as _;

use madang_rpc::auth::{ClientInfo, Session};
use madang_rpc::event::Profile;
use madang_vocabulary::{AvatarUrl, DisplayName, SessionId, Timestamp, UserId, Username};
use uuid::Uuid;

use super::{Account, Digest, Family, Redeemed, Result, StoreError, StoredKey};

#[derive(sqlx::FromRow)]
pub(super) struct ProfileRow {
    user_id: Uuid,
    username: String,
    name: String,
    avatar_url: Option<String>,
    profile_version: i64,
}

impl ProfileRow {
    pub(super) fn profile(self) -> Result<Profile> {
        Ok(Profile {
            id: UserId::new(self.user_id),
            username: Username::new(self.username).map_err(|e| StoreError::corrupt("a username", e))?,
            name: DisplayName::new(self.name).map_err(|e| StoreError::corrupt("a display name", e))?,
            avatar_url: self
                .avatar_url
                .map(AvatarUrl::new)
                .transpose()
                .map_err(|e| StoreError::corrupt("an avatar's address", e))?,
            external_id: None,
            version: Timestamp::from_micros(self.profile_version),
        })
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct AccountRow {
    #[sqlx(flatten)]
    profile: ProfileRow,
    password_hash: String,
}

impl AccountRow {
    pub(super) fn account(self) -> Result<Account> {
        Ok(Account { profile: self.profile.profile()?, password_hash: self.password_hash })
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
}

impl FamilyRow {
    pub(super) fn family(self) -> Result<Family> {
        Ok(Family {
            session: SessionId::new(self.session_id),
            token: Digest::try_from(self.token_hash.as_slice())
                .map_err(|e| StoreError::corrupt("a refresh token's digest", e))?,
            live_until: Timestamp::from_micros(self.live_until),
            ends_at: Timestamp::from_micros(self.ends_at),
            is_revoked: self.revoked_at.is_some(),
            profile: self.profile.profile()?,
        })
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct RedeemedRow {
    #[sqlx(flatten)]
    profile: ProfileRow,
    session_id: Uuid,
    ends_at: i64,
}

impl RedeemedRow {
    pub(super) fn redeemed(self) -> Result<Redeemed> {
        Ok(Redeemed {
            session: SessionId::new(self.session_id),
            ends_at: Timestamp::from_micros(self.ends_at),
            profile: self.profile.profile()?,
        })
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
        let ip = self.ip.map(|ip| std::net::IpAddr::from_str(&ip)).transpose();
        Ok(Session {
            id: SessionId::new(self.id),
            created_at: Timestamp::from_micros(self.created_at),
            used_at: Timestamp::from_micros(self.used_at),
            client: ClientInfo {
                ip: ip.map_err(|e| StoreError::corrupt("an address", e))?,
                user_agent: self.user_agent,
            },
        })
    }
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
            sealed: self.sealed,
            created_at: Timestamp::from_micros(self.created_at),
            signs_from: Timestamp::from_micros(self.signs_from),
        }
    }
}
