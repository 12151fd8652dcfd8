//! Accounts in SQL, for both kinds of database.

use async_trait::async_trait;
use madang_database::{once, run};
use madang_domain::{AvatarUrl, DisplayName, Profile, SessionId, Timestamp, UserId, Username};
use sqlx::QueryBuilder;

use super::{Database, Db, erasures, sessions};
use crate::store::rows::{AccountRow, ProfileRow};
use crate::store::{Account, Accounts, NewSession, PasswordChange, Result};

const ACCOUNT: &str = "\
    SELECT id AS user_id, username, name, avatar_url, external_id, profile_version, password_hash, password_version \
    FROM auth_users WHERE username = $1";
const ACCOUNT_OF: &str = "\
    SELECT id AS user_id, username, name, avatar_url, external_id, profile_version, password_hash, password_version \
    FROM auth_users WHERE id = $1";
/// A sign-in that has verified the former password waits for this row, and then sees another version.
const CHANGE_PASSWORD: &str = "\
    UPDATE auth_users SET password_hash = $3, \
        password_version = CASE WHEN password_version < $4 THEN $4 ELSE password_version + 1 END \
    WHERE id = $1 AND password_hash = $2";

#[async_trait]
impl Accounts for Database {
    async fn insert_account(&self, account: &Account, session: &NewSession) -> Result<bool> {
        let profile = &account.profile;
        self.transactions
            .run("insert_account", || async {
                let mut transaction = self.begin().await?;
                let query = sqlx::query(
                    "INSERT INTO auth_users
                         (id, username, name, avatar_url, password_hash, created_at, profile_version, skeleton)
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
                     ON CONFLICT DO NOTHING",
                )
                .bind(profile.id.uuid())
                .bind(profile.username.as_str())
                .bind(profile.name.as_str())
                .bind(profile.avatar_url.as_ref().map(AvatarUrl::as_str))
                .bind(account.password_hash.as_deref().unwrap_or_default())
                .bind(session.created_at.as_micros())
                .bind(profile.version.as_micros())
                .bind(profile.username.skeleton());
                let is_free = run!(transaction, query, execute)?.rows_affected() == 1
                    && !erasures::rests(&mut transaction, &profile.username).await?;
                if !is_free {
                    transaction.rollback().await?;
                    return Ok(false);
                }
                sessions::insert(&mut transaction, session).await?;
                transaction.commit().await?;
                Ok(true)
            })
            .await
    }

    async fn account(&self, username: &Username) -> Result<Option<Account>> {
        let query = sqlx::query_as(ACCOUNT).bind(username.as_str());
        let row: Option<AccountRow> = once!(self.readers(), query, fetch_optional)?;
        row.map(AccountRow::account).transpose()
    }

    async fn account_of(&self, user: UserId) -> Result<Option<Account>> {
        let query = sqlx::query_as(ACCOUNT_OF).bind(user.uuid());
        let row: Option<AccountRow> = once!(self.readers(), query, fetch_optional)?;
        row.map(AccountRow::account).transpose()
    }

    async fn change_password(&self, change: &PasswordChange<'_>) -> Result<Option<Vec<SessionId>>> {
        let PasswordChange { user, from, to, keep, now } = *change;
        self.transactions
            .run("change_password", || async {
                let mut transaction = self.begin().await?;
                let query =
                    sqlx::query(CHANGE_PASSWORD).bind(user.uuid()).bind(from).bind(to).bind(now.as_micros());
                let is_changed = run!(transaction, query, execute)?.rows_affected() == 1;
                let ended = if is_changed {
                    Some(sessions::end_others(&mut transaction, user, keep, now).await?)
                } else {
                    None
                };
                transaction.commit().await?;
                Ok(ended)
            })
            .await
    }

    async fn replace_password_hash(&self, user: UserId, from: &str, to: &str) -> Result<()> {
        once!(
            self.writers(),
            sqlx::query("UPDATE auth_users SET password_hash = $3 WHERE id = $1 AND password_hash = $2")
                .bind(user.uuid())
                .bind(from)
                .bind(to),
            execute
        )?;
        Ok(())
    }

    async fn profiles(&self, ids: &[UserId]) -> Result<Vec<Profile>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut query = QueryBuilder::<Db>::new(
            "SELECT id AS user_id, username, name, avatar_url, external_id, profile_version
             FROM auth_users WHERE id IN (",
        );
        let mut list = query.separated(", ");
        for id in ids {
            list.push_bind(id.uuid());
        }
        query.push(")");
        // The statement is not cached as prepared, since there would be one for each length of the list.
        let rows: Vec<ProfileRow> =
            once!(self.readers(), query.build_query_as().persistent(false), fetch_all)?;
        rows.into_iter().map(ProfileRow::profile).collect()
    }

    async fn update_profile(
        &self,
        user: UserId,
        name: Option<&DisplayName>,
        avatar_url: Option<Option<&AvatarUrl>>,
        at: Timestamp,
    ) -> Result<Option<Profile>> {
        let row: Option<ProfileRow> = once!(
            self.writers(),
            sqlx::query_as(
                "UPDATE auth_users SET
                 name = COALESCE($2, name),
                 avatar_url = CASE WHEN $3 THEN $4 ELSE avatar_url END,
                 profile_version = CASE WHEN profile_version < $5 THEN $5 ELSE profile_version + 1 END
             WHERE id = $1
             RETURNING id AS user_id, username, name, avatar_url, external_id, profile_version",
            )
            .bind(user.uuid())
            .bind(name.map(DisplayName::as_str))
            .bind(avatar_url.is_some())
            .bind(avatar_url.flatten().map(AvatarUrl::as_str))
            .bind(at.as_micros()),
            fetch_optional
        )?;
        row.map(ProfileRow::profile).transpose()
    }
}
