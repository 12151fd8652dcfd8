//! Users who were erased, in SQL, for both kinds of database.

use async_trait::async_trait;
use madang_database::{Transaction, once, run};
use madang_domain::{Timestamp, UserId, Username};
use uuid::Uuid;

use super::{Connector, Database, sessions};
use crate::store::{Digest, Erasure, Erasures, Result, UserOrigin, name_digest};

/// Those of the sessions that `sessions::end_all` has ended, which are there until the user's row goes.
const DELETE_TICKETS: &str = "\
    DELETE FROM auth_tickets WHERE user_id = $1 OR session_id IN (SELECT id FROM auth_sessions WHERE user_id = $1)";
const DELETE_SESSIONS: &str = "DELETE FROM auth_sessions WHERE user_id = $1";
const DELETE_USER: &str = "DELETE FROM auth_users WHERE id = $1";
/// Nobody has taken it yet.
const INSERT: &str = "\
    INSERT INTO auth_erasures (user_id, erased_at, name_digest, external_digest, taken_until) \
    VALUES ($1, $2, $3, $4, 0) ON CONFLICT (user_id) DO NOTHING";
const WAS_ERASED: &str = "SELECT count(*) FROM auth_erasures WHERE user_id = $1";
const RESTS: &str = "SELECT count(*) FROM auth_erasures WHERE name_digest = $1";
const SITE_USER_AT: &str = "\
    SELECT erased_at FROM auth_erasures WHERE external_digest = $1 ORDER BY erased_at DESC LIMIT 1";
/// Of two at once the second finds the row taken, once the first has committed.
const TAKE: &str = "\
    UPDATE auth_erasures SET taken_until = $2 \
    WHERE finished_at IS NULL AND taken_until <= $1 AND user_id IN ( \
        SELECT user_id FROM auth_erasures WHERE finished_at IS NULL AND taken_until <= $1 \
        ORDER BY taken_until, user_id LIMIT $3) \
    RETURNING user_id";
const TAKE_AGAIN: &str = "UPDATE auth_erasures SET taken_until = $2 WHERE user_id = $1 AND finished_at IS NULL AND taken_until < $2";
const FINISH: &str = "UPDATE auth_erasures SET finished_at = $2 WHERE user_id = $1 AND finished_at IS NULL";
const PURGE: &str = "\
    DELETE FROM auth_erasures WHERE user_id IN ( \
        SELECT user_id FROM auth_erasures WHERE finished_at IS NOT NULL AND erased_at < $1 LIMIT $2)";

/// Whether a username rests. To be asked after the name was taken: whoever erases its user at the same time has committed
/// by then, since a name is unique.
pub(super) async fn rests(transaction: &mut Transaction<Connector>, username: &Username) -> Result<bool> {
    let query = sqlx::query_scalar(RESTS).bind(name_digest(username).to_vec());
    let count: i64 = run!(transaction, query, fetch_one)?;
    Ok(count > 0)
}

#[async_trait]
impl Erasures for Database {
    async fn erase(&self, erasure: &Erasure) -> Result<Option<UserOrigin>> {
        self.transactions
            .run("erase_user", || async {
                let mut transaction = self.begin().await?;
                let user = erasure.user.uuid();
                let query = sqlx::query(INSERT)
                    .bind(user)
                    .bind(erasure.at.as_micros())
                    .bind(erasure.name.to_vec())
                    .bind(erasure.external_id.map(|digest| digest.to_vec()));
                run!(transaction, query, execute)?;
                // The row that makes revocations commit in their order is locked last, but for what nobody waits for.
                let origin = sessions::end_all(&mut transaction, erasure.user, erasure.at).await?;
                if origin.is_none() {
                    transaction.rollback().await?;
                    return Ok(None);
                }
                for statement in [DELETE_TICKETS, DELETE_SESSIONS, DELETE_USER] {
                    run!(transaction, sqlx::query(statement).bind(user), execute)?;
                }
                transaction.commit().await?;
                Ok(origin)
            })
            .await
    }

    async fn was_erased(&self, user: UserId) -> Result<bool> {
        let query = sqlx::query_scalar(WAS_ERASED).bind(user.uuid());
        let count: i64 = once!(self.readers(), query, fetch_one)?;
        Ok(count > 0)
    }

    async fn erased_site_user_at(&self, external_id: &Digest) -> Result<Option<Timestamp>> {
        let query = sqlx::query_scalar(SITE_USER_AT).bind(external_id.to_vec());
        let at: Option<i64> = once!(self.readers(), query, fetch_optional)?;
        Ok(at.map(Timestamp::from_micros))
    }

    async fn take_erasures(&self, now: Timestamp, until: Timestamp, limit: i64) -> Result<Vec<UserId>> {
        let query = sqlx::query_scalar(TAKE).bind(now.as_micros()).bind(until.as_micros()).bind(limit);
        let users: Vec<Uuid> = once!(self.writers(), query, fetch_all)?;
        Ok(users.into_iter().map(UserId::new).collect())
    }

    async fn take_erasure_again(&self, user: UserId, until: Timestamp) -> Result<()> {
        let query = sqlx::query(TAKE_AGAIN).bind(user.uuid()).bind(until.as_micros());
        once!(self.writers(), query, execute)?;
        Ok(())
    }

    async fn finish_erasure(&self, user: UserId, now: Timestamp) -> Result<()> {
        let query = sqlx::query(FINISH).bind(user.uuid()).bind(now.as_micros());
        once!(self.writers(), query, execute)?;
        Ok(())
    }

    async fn purge_erasures(&self, before: Timestamp, limit: i64) -> Result<u64> {
        let query = sqlx::query(PURGE).bind(before.as_micros()).bind(limit);
        Ok(once!(self.writers(), query, execute)?.rows_affected())
    }
}
