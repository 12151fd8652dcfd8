//! The embedding site's users in SQL, for both kinds of database.

use async_trait::async_trait;
use madang_domain::{AvatarUrl, DisplayName, ExternalId, Profile, Timestamp, UserId, Username};
use sqlx::QueryBuilder;

use super::{Backend, Db};
use crate::store::rows::{ExternalRow, ProfileRow};
use crate::store::{External, Externals, ProfileChange, Result, StoreError};

#[async_trait]
impl Externals for Backend {
    async fn external(&self, id: &ExternalId) -> Result<Option<External>> {
        let row: Option<ExternalRow> = sqlx::query_as(
            "SELECT id AS user_id, username, name, avatar_url, external_id, profile_version, disconnected_at
             FROM auth_users WHERE external_id = $1",
        )
        .bind(id.as_str())
        .fetch_optional(&self.pool)
        .await?;
        row.map(ExternalRow::external).transpose()
    }

    async fn externals(&self, ids: &[&ExternalId]) -> Result<Vec<Profile>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut query = QueryBuilder::<Db>::new(
            "SELECT id AS user_id, username, name, avatar_url, external_id, profile_version
             FROM auth_users WHERE external_id IN (",
        );
        let mut list = query.separated(", ");
        for id in ids {
            list.push_bind(id.as_str().to_owned());
        }
        query.push(")");
        // Not kept as a prepared statement: there would be one for each length of the list.
        let rows: Vec<ProfileRow> = query.build_query_as().persistent(false).fetch_all(&self.pool).await?;
        rows.into_iter().map(ProfileRow::profile).collect()
    }

    async fn insert_external(&self, profile: &Profile) -> Result<bool> {
        let inserted = sqlx::query(
            "INSERT INTO auth_users
                 (id, username, name, avatar_url, external_id, password_hash, created_at, profile_version)
             VALUES ($1, $2, $3, $4, $5, '', $6, $6)
             ON CONFLICT DO NOTHING",
        )
        .bind(profile.id.uuid())
        .bind(profile.username.as_str())
        .bind(profile.name.as_str())
        .bind(profile.avatar_url.as_ref().map(AvatarUrl::as_str))
        .bind(profile.external_id.as_ref().map(ExternalId::as_str))
        .bind(profile.version.as_micros())
        .execute(&self.pool)
        .await?;
        Ok(inserted.rows_affected() == 1)
    }

    async fn change_external(
        &self,
        user: UserId,
        change: &ProfileChange<'_>,
        at: Timestamp,
    ) -> Result<Option<Profile>> {
        let updated: Result<Option<ProfileRow>, sqlx::Error> = sqlx::query_as(
            "UPDATE auth_users SET
                 username = CASE
                     WHEN $2 IS NULL OR EXISTS (SELECT 1 FROM auth_users o WHERE o.username = $2 AND o.id <> $1)
                     THEN username ELSE $2 END,
                 name = COALESCE($3, name),
                 avatar_url = CASE WHEN $4 THEN $5 ELSE avatar_url END,
                 profile_version = CASE WHEN profile_version < $6 THEN $6 ELSE profile_version + 1 END
             WHERE id = $1
             RETURNING id AS user_id, username, name, avatar_url, external_id, profile_version",
        )
        .bind(user.uuid())
        .bind(change.username.map(Username::as_str))
        .bind(change.name.map(DisplayName::as_str))
        .bind(change.avatar_url.is_some())
        .bind(change.avatar_url.flatten().map(AvatarUrl::as_str))
        .bind(at.as_micros())
        .fetch_optional(&self.pool)
        .await;
        match updated {
            Ok(row) => row.map(ProfileRow::profile).transpose(),
            // Somebody took the username between the look and the write: it is taken, and the rest holds.
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() && change.username.is_some() => {
                self.change_external(user, &ProfileChange { username: None, ..*change }, at).await
            }
            Err(error) => Err(StoreError::from(error)),
        }
    }

    async fn is_username_free(&self, username: &Username) -> Result<bool> {
        let taken: Option<(i32,)> = sqlx::query_as("SELECT 1 FROM auth_users WHERE username = $1")
            .bind(username.as_str())
            .fetch_optional(&self.pool)
            .await?;
        Ok(taken.is_none())
    }
}
