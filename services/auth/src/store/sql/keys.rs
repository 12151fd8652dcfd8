//! Signing keys in SQL, for both kinds of database.

use async_trait::async_trait;
use madang_database::once;

use super::Database;
use crate::store::rows::KeyRow;
use crate::store::{Keys, Result, StoredKey};

#[async_trait]
impl Keys for Database {
    async fn signing_keys(&self) -> Result<Vec<StoredKey>> {
        let rows: Vec<KeyRow> = once!(
            self.readers(),
            sqlx::query_as(
                "SELECT generation, kid, public_key, private_key, sealed, created_at, signs_from
             FROM auth_signing_keys ORDER BY generation",
            ),
            fetch_all
        )?;
        Ok(rows.into_iter().map(KeyRow::key).collect())
    }

    async fn insert_signing_key(&self, key: &StoredKey) -> Result<bool> {
        let inserted = once!(
            self.writers(),
            sqlx::query(
                "INSERT INTO auth_signing_keys
                 (generation, kid, public_key, private_key, sealed, created_at, signs_from)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (generation) DO NOTHING",
            )
            .bind(key.generation)
            .bind(&key.kid)
            .bind(&key.public_key)
            .bind(&key.private_key)
            .bind(key.is_encrypted)
            .bind(key.created_at.as_micros())
            .bind(key.signs_from.as_micros()),
            execute
        )?;
        Ok(inserted.rows_affected() == 1)
    }

    async fn delete_signing_keys_before(&self, generation: i64) -> Result<u64> {
        let deleted = once!(
            self.writers(),
            sqlx::query("DELETE FROM auth_signing_keys WHERE generation < $1").bind(generation),
            execute
        )?;
        Ok(deleted.rows_affected())
    }
}
