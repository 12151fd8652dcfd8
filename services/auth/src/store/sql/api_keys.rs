//! API keys in SQL, for both kinds of database.

use async_trait::async_trait;
use madang_database::once;
use madang_domain::Timestamp;

use super::Database;
use crate::store::rows::ApiKeyRow;
use crate::store::{ApiKeys, Digest, Result, StoredApiKey};

#[async_trait]
impl ApiKeys for Database {
    async fn insert_api_key(&self, key: &StoredApiKey, secret: &Digest) -> Result<()> {
        once!(self.writers(), sqlx::query(
            "INSERT INTO auth_api_keys (id, secret_hash, name, scopes, created_at) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(&key.id)
        .bind(secret.as_slice())
        .bind(&key.name)
        .bind(&key.scopes)
        .bind(key.created_at.as_micros()), execute)?;
        Ok(())
    }

    async fn api_key(&self, id: &str, secret: &Digest) -> Result<Option<StoredApiKey>> {
        let row: Option<ApiKeyRow> = once!(
            self.readers(),
            sqlx::query_as(
                "SELECT id, name, scopes, created_at, last_used_at, revoked_at
             FROM auth_api_keys WHERE id = $1 AND secret_hash = $2",
            )
            .bind(id)
            .bind(secret.as_slice()),
            fetch_optional
        )?;
        Ok(row.map(ApiKeyRow::key))
    }

    async fn api_keys(&self) -> Result<Vec<StoredApiKey>> {
        let rows: Vec<ApiKeyRow> = once!(
            self.readers(),
            sqlx::query_as(
                "SELECT id, name, scopes, created_at, last_used_at, revoked_at
             FROM auth_api_keys ORDER BY created_at, id",
            ),
            fetch_all
        )?;
        Ok(rows.into_iter().map(ApiKeyRow::key).collect())
    }

    async fn use_api_key(&self, id: &str, now: Timestamp) -> Result<()> {
        once!(
            self.writers(),
            sqlx::query("UPDATE auth_api_keys SET last_used_at = $2 WHERE id = $1")
                .bind(id)
                .bind(now.as_micros()),
            execute
        )?;
        Ok(())
    }

    async fn revoke_api_key(&self, id: &str, now: Timestamp) -> Result<bool> {
        let revoked = once!(
            self.writers(),
            sqlx::query("UPDATE auth_api_keys SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL")
                .bind(id)
                .bind(now.as_micros()),
            execute
        )?;
        Ok(revoked.rows_affected() == 1)
    }
}
