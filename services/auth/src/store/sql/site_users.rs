//! The embedding site's users in SQL, for both kinds of database.

use async_trait::async_trait;
use madang_database::{once, run};
use madang_domain::{AvatarUrl, DisplayName, ExternalId, Profile, Timestamp, UserId, Username};
use sqlx::QueryBuilder;

use super::{Database, Db, erasures};
use crate::store::rows::{ProfileRow, SiteUserRow};
use crate::store::{ProfileChange, Result, SiteUser, SiteUsers, name_digest};

#[async_trait]
impl SiteUsers for Database {
    async fn site_user(&self, id: &ExternalId) -> Result<Option<SiteUser>> {
        let row: Option<SiteUserRow> = once!(self.readers(), sqlx::query_as(
            "SELECT id AS user_id, username, name, avatar_url, external_id, profile_version, disconnected_at
             FROM auth_users WHERE external_id = $1",
        )
        .bind(id.as_str()), fetch_optional)?;
        row.map(SiteUserRow::site_user).transpose()
    }

    async fn site_users(&self, ids: &[&ExternalId]) -> Result<Vec<Profile>> {
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
        // The statement is not cached as prepared, since there would be one for each length of the list.
        let rows: Vec<ProfileRow> =
            once!(self.readers(), query.build_query_as().persistent(false), fetch_all)?;
        rows.into_iter().map(ProfileRow::profile).collect()
    }

    async fn insert_site_user(&self, profile: &Profile) -> Result<bool> {
        self.transactions
            .run("insert_site_user", || async {
                let mut transaction = self.begin().await?;
                let query = sqlx::query(
                    "INSERT INTO auth_users
                         (id, username, name, avatar_url, external_id, password_hash, created_at, profile_version, skeleton)
                     VALUES ($1, $2, $3, $4, $5, '', $6, $6, $7)
                     ON CONFLICT DO NOTHING",
                )
                .bind(profile.id.uuid())
                .bind(profile.username.as_str())
                .bind(profile.name.as_str())
                .bind(profile.avatar_url.as_ref().map(AvatarUrl::as_str))
                .bind(profile.external_id.as_ref().map(ExternalId::as_str))
                .bind(profile.version.as_micros())
                .bind(profile.username.skeleton());
                let is_free = run!(transaction, query, execute)?.rows_affected() == 1
                    && !erasures::rests(&mut transaction, &profile.username).await?;
                if is_free {
                    transaction.commit().await?;
                } else {
                    transaction.rollback().await?;
                }
                Ok(is_free)
            })
            .await
    }

    async fn update_site_user(
        &self,
        user: UserId,
        change: &ProfileChange<'_>,
        at: Timestamp,
    ) -> Result<Option<Profile>> {
        let query = sqlx::query_as(
            "UPDATE auth_users SET
                 username = CASE
                     WHEN $2 IS NULL OR EXISTS (
                         SELECT 1 FROM auth_users o WHERE (o.username = $2 OR o.skeleton = $7) AND o.id <> $1)
                         OR EXISTS (SELECT 1 FROM auth_erasures e WHERE e.name_digest = $8)
                     THEN username ELSE $2 END,
                 skeleton = CASE
                     WHEN $2 IS NULL OR EXISTS (
                         SELECT 1 FROM auth_users o WHERE (o.username = $2 OR o.skeleton = $7) AND o.id <> $1)
                         OR EXISTS (SELECT 1 FROM auth_erasures e WHERE e.name_digest = $8)
                     THEN skeleton ELSE $7 END,
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
        .bind(change.username.map(Username::skeleton))
        .bind(change.username.map(|username| name_digest(username).to_vec()));
        let mut lease = self.writers().lease().await?;
        let updated: std::result::Result<Option<ProfileRow>, sqlx::Error> =
            query.fetch_optional(lease.connection()).await;
        match updated {
            // Another user took the username between the read and the write. The user keeps the old name; the
            // other changes apply.
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() && change.username.is_some() => {
                // The connection is returned first, since it may be the only one.
                drop(lease);
                self.update_site_user(user, &ProfileChange { username: None, ..*change }, at).await
            }
            result => lease.finish(result)?.map(ProfileRow::profile).transpose(),
        }
    }

    async fn is_username_free(&self, username: &Username) -> Result<bool> {
        let taken: Option<(i32,)> = once!(
            self.readers(),
            sqlx::query_as(
                "SELECT 1 FROM auth_users WHERE username = $1 OR skeleton = $2
                 UNION ALL SELECT 1 FROM auth_erasures WHERE name_digest = $3 LIMIT 1"
            )
            .bind(username.as_str())
            .bind(username.skeleton())
            .bind(name_digest(username).to_vec()),
            fetch_optional
        )?;
        Ok(taken.is_none())
    }
}
