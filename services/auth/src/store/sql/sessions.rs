//! Sessions and their ends in SQL, for both kinds of database.
//!
//! A reader that asks for the ends after number n must never miss one. Numbers of a sequence are given
//! out before their transactions commit, so that a reader can see 8, go on from 8, and never see 7,
//! which commits later. Here the number comes from the one row of `auth_revocation_head`, whose lock is
//! held until the commit: numbers commit in their order, and whoever sees n has seen all before it. The
//! price is that ends of sessions are written one after the other, some hundreds a second on a common
//! disk; they are rare. The row is locked last, so that no two transactions wait for each other.

use async_trait::async_trait;
use madang_rpc::auth::Session;
use madang_vocabulary::{SessionId, Timestamp, UserId, Username};
use sqlx::Transaction;
use uuid::Uuid;

use super::{Backend, Db};
use crate::store::rows::{FamilyRow, SessionRow};
use crate::store::{Digest, Family, NewSession, Result, RevocationQuery, Rotation, Sessions};

/// The head's number; an end's own number and session, where there is one.
type RevocationRow = (i64, Option<i64>, Option<Uuid>);

/// The sessions of these rows, and the number to go on from: the head, unless the limit cut rows off.
fn feed(rows: &[RevocationRow], limit: i64) -> (Vec<SessionId>, i64) {
    let head = rows.first().map_or(0, |(head, ..)| *head);
    let sessions: Vec<_> = rows.iter().filter_map(|(.., id)| id.map(SessionId::new)).collect();
    let is_cut = i64::try_from(sessions.len()).is_ok_and(|count| count >= limit);
    let last = rows.last().and_then(|(_, seq, _)| *seq);
    (sessions, if is_cut { last.unwrap_or(head) } else { head })
}

/// Writes a session as part of something larger.
pub(super) async fn insert(transaction: &mut Transaction<'static, Db>, session: &NewSession) -> Result<()> {
    sqlx::query(
        "INSERT INTO auth_sessions
             (id, user_id, family_hash, token_hash, created_at, used_at, live_until, ends_at, ip, user_agent)
         VALUES ($1, $2, $3, $4, $5, $5, $6, $7, $8, $9)",
    )
    .bind(session.id.uuid())
    .bind(session.user.uuid())
    .bind(session.family.as_slice())
    .bind(session.token.as_slice())
    .bind(session.created_at.as_micros())
    .bind(session.live_until.as_micros())
    .bind(session.ends_at.as_micros())
    .bind(session.client.ip.map(|ip| ip.to_string()))
    .bind(session.client.user_agent.as_deref())
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

#[async_trait]
impl Sessions for Backend {
    async fn insert_session(&self, session: &NewSession) -> Result<()> {
        let mut transaction = self.begin().await?;
        insert(&mut transaction, session).await?;
        transaction.commit().await?;
        Ok(())
    }

    async fn family(&self, family: &Digest) -> Result<Option<Family>> {
        let row: Option<FamilyRow> = sqlx::query_as(
            "SELECT s.id AS session_id, s.token_hash, s.live_until, s.ends_at, s.revoked_at,
                    u.id AS user_id, u.username, u.name, u.avatar_url, u.profile_version
             FROM auth_sessions s JOIN auth_users u ON u.id = s.user_id
             WHERE s.family_hash = $1",
        )
        .bind(family.as_slice())
        .fetch_optional(&self.pool)
        .await?;
        row.map(FamilyRow::family).transpose()
    }

    async fn rotate(&self, rotation: &Rotation) -> Result<bool> {
        let updated = sqlx::query(
            "UPDATE auth_sessions
             SET token_hash = $3, used_at = $4, live_until = $5, ip = $6, user_agent = $7
             WHERE id = $1 AND token_hash = $2 AND revoked_at IS NULL AND live_until > $4",
        )
        .bind(rotation.session.uuid())
        .bind(rotation.from.as_slice())
        .bind(rotation.to.as_slice())
        .bind(rotation.now.as_micros())
        .bind(rotation.live_until.as_micros())
        .bind(rotation.client.ip.map(|ip| ip.to_string()))
        .bind(rotation.client.user_agent.as_deref())
        .execute(&self.pool)
        .await?;
        Ok(updated.rows_affected() == 1)
    }

    async fn live_sessions(&self, user: UserId, now: Timestamp, limit: i64) -> Result<Vec<Session>> {
        let rows: Vec<SessionRow> = sqlx::query_as(
            "SELECT id, created_at, used_at, ip, user_agent FROM auth_sessions
             WHERE user_id = $1 AND revoked_at IS NULL AND live_until > $2
             ORDER BY created_at DESC, id DESC LIMIT $3",
        )
        .bind(user.uuid())
        .bind(now.as_micros())
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(SessionRow::session).collect()
    }

    async fn is_known_address(&self, username: &Username, ip: &str, now: Timestamp) -> Result<bool> {
        let row: Option<(Uuid,)> = sqlx::query_as(
            "SELECT s.id FROM auth_sessions s JOIN auth_users u ON u.id = s.user_id
             WHERE u.username = $1 AND s.ip = $2 AND s.revoked_at IS NULL AND s.live_until > $3 LIMIT 1",
        )
        .bind(username.as_str())
        .bind(ip)
        .bind(now.as_micros())
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.is_some())
    }

    async fn revoke(&self, session: SessionId, user: Option<UserId>, now: Timestamp) -> Result<bool> {
        let mut transaction = self.begin().await?;
        let ended = sqlx::query(
            "UPDATE auth_sessions SET revoked_at = $2
             WHERE id = $1 AND revoked_at IS NULL AND live_until > $2 AND ($3 IS NULL OR user_id = $3)",
        )
        .bind(session.uuid())
        .bind(now.as_micros())
        .bind(user.map(UserId::uuid))
        .execute(&mut *transaction)
        .await?;
        if ended.rows_affected() == 0 {
            return Ok(false);
        }
        let (seq,): (i64,) =
            sqlx::query_as("UPDATE auth_revocation_head SET seq = seq + 1 WHERE id = 1 RETURNING seq")
                .fetch_one(&mut *transaction)
                .await?;
        sqlx::query("INSERT INTO auth_revocations (seq, session_id, revoked_at) VALUES ($1, $2, $3)")
            .bind(seq)
            .bind(session.uuid())
            .bind(now.as_micros())
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(true)
    }

    async fn revocations(&self, query: RevocationQuery) -> Result<(Vec<SessionId>, i64)> {
        // In each statement one snapshot: the head that it shows is the head of the rows that it shows.
        if let Some(after) = query.after {
            let rows: Vec<RevocationRow> = sqlx::query_as(
                "SELECT h.seq, r.seq, r.session_id
                 FROM auth_revocation_head h LEFT JOIN auth_revocations r ON r.seq > $1
                 ORDER BY r.seq LIMIT $2",
            )
            .bind(after)
            .bind(query.limit)
            .fetch_all(&self.pool)
            .await?;
            // A cursor past the head is of a future that a restored backup took back: it starts anew.
            if rows.first().is_some_and(|(head, ..)| after <= *head) {
                return Ok(feed(&rows, query.limit));
            }
        }
        let rows: Vec<RevocationRow> = sqlx::query_as(
            "SELECT h.seq, r.seq, r.session_id
             FROM auth_revocation_head h LEFT JOIN auth_revocations r ON r.revoked_at > $1
             ORDER BY r.seq LIMIT $2",
        )
        .bind(query.since.as_micros())
        .bind(query.limit)
        .fetch_all(&self.pool)
        .await?;
        Ok(feed(&rows, query.limit))
    }

    async fn purge_sessions(&self, expired: Timestamp, revoked: Timestamp, limit: i64) -> Result<u64> {
        let sessions = sqlx::query(
            "DELETE FROM auth_sessions WHERE id IN (
                 SELECT id FROM auth_sessions WHERE live_until < $1 OR revoked_at < $2 LIMIT $3)",
        )
        .bind(expired.as_micros())
        .bind(revoked.as_micros())
        .bind(limit)
        .execute(&self.pool)
        .await?;
        let records = sqlx::query(
            "DELETE FROM auth_revocations WHERE seq IN (
                 SELECT seq FROM auth_revocations WHERE revoked_at < $1 ORDER BY seq LIMIT $2)",
        )
        .bind(revoked.as_micros())
        .bind(limit)
        .execute(&self.pool)
        .await?;
        Ok(sessions.rows_affected() + records.rows_affected())
    }
}
