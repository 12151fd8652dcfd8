//! Sessions and their ends in SQL, for both kinds of database.
//!
//! A reader that asks for the revocations after number n must never miss one. A database sequence assigns
//! numbers before their transactions commit. With it, a reader could see 8, continue from 8, and never see 7,
//! which commits later. Here the number comes from the only row of `auth_revocation_head`, whose lock is held
//! until the commit. So numbers commit in their order, and a reader that sees n has seen all earlier ones.
//! The cost is that revocations are written one after the other: some hundreds a second on a common disk.
//! They are rare. Each transaction locks this row last, so that no two transactions wait for each other.

use async_trait::async_trait;
use madang_database::{Transaction, once, run};
use madang_domain::{SessionId, Timestamp, UserId, Username};
use madang_rpc::auth::{Revocations, Session};
use sqlx::QueryBuilder;
use uuid::Uuid;

use super::{Connector, Database, Db};
use crate::store::rows::{FamilyRow, RevocationRow, SessionRow};
use crate::store::{
    Digest, Family, NewSession, Result, RevocationQuery, Rotation, SessionPurge, Sessions, UserOrigin,
};

/// The most revocations that one statement records: well below the parameter limit of either database.
const RECORDS_MAX: usize = 500;

/// The most sessions that one new session ends. They are more only after the setting was lowered.
const ENDED_MAX: i64 = 10_000;

/// The revocations in these rows, and the number to continue from: the head, unless the limit cut rows off.
fn feed(rows: &[RevocationRow], limit: i64) -> Revocations {
    let head = rows.first().map_or(0, |row| row.head);
    let ends = rows.iter().filter(|row| row.seq.is_some()).count();
    let is_cut = i64::try_from(ends).is_ok_and(|count| count >= limit);
    let last = rows.last().and_then(|row| row.seq);
    Revocations {
        sessions: rows.iter().filter_map(RevocationRow::session).collect(),
        users: rows.iter().filter_map(RevocationRow::user).collect(),
        cursor: if is_cut { last.unwrap_or(head) } else { head },
    }
}

/// Records revocations in the feed, as the last step of a transaction.
async fn record(transaction: &mut Transaction<Connector>, ends: &[End], now: Timestamp) -> Result<()> {
    for ends in ends.chunks(RECORDS_MAX) {
        let count = i64::try_from(ends.len()).unwrap_or(i64::MAX);
        let (seq,): (i64,) = run!(
            transaction,
            sqlx::query_as("UPDATE auth_revocation_head SET seq = seq + $1 WHERE id = 1 RETURNING seq")
                .bind(count),
            fetch_one
        )?;
        let mut insert =
            QueryBuilder::<Db>::new("INSERT INTO auth_revocations (seq, session_id, user_id, revoked_at) ");
        insert.push_values((seq - count + 1..).zip(ends), |mut row, (seq, end)| {
            let (session, user) = match end {
                End::Session(session) => (Some(session.uuid()), None),
                End::User(user) => (None, Some(user.uuid())),
            };
            row.push_bind(seq).push_bind(session).push_bind(user).push_bind(now.as_micros());
        });
        run!(transaction, insert.build().persistent(false), execute)?;
    }
    Ok(())
}

/// A revocation to record.
enum End {
    Session(SessionId),
    User(UserId),
}

/// Inserts a session within a larger transaction.
pub(super) async fn insert(transaction: &mut Transaction<Connector>, session: &NewSession) -> Result<()> {
    run!(
        transaction,
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
        .bind(session.client.user_agent.as_deref()),
        execute
    )?;
    Ok(())
}

/// Ends the sessions of a user beyond `max`, those that were used longest ago, and records each revocation. The
/// new session is not among them.
async fn end_oldest(
    transaction: &mut Transaction<Connector>,
    session: &NewSession,
    max: u32,
) -> Result<Vec<SessionId>> {
    let query = sqlx::query_as(
        "UPDATE auth_sessions SET revoked_at = $2
         WHERE revoked_at IS NULL AND id IN (
             SELECT id FROM auth_sessions
             WHERE user_id = $1 AND revoked_at IS NULL AND live_until > $2 AND id <> $3
             ORDER BY used_at DESC, created_at DESC, id DESC LIMIT $5 OFFSET $4)
         RETURNING id",
    )
    .bind(session.user.uuid())
    .bind(session.created_at.as_micros())
    .bind(session.id.uuid())
    .bind(i64::from(max.saturating_sub(1)))
    .bind(ENDED_MAX);
    let ended: Vec<(Uuid,)> = run!(transaction, query, fetch_all)?;
    let ended: Vec<SessionId> = ended.into_iter().map(|(id,)| SessionId::new(id)).collect();
    let ends: Vec<End> = ended.iter().copied().map(End::Session).collect();
    record(transaction, &ends, session.created_at).await?;
    Ok(ended)
}

/// Ends the sessions of a user but one, and records each revocation.
pub(super) async fn end_others(
    transaction: &mut Transaction<Connector>,
    user: UserId,
    keep: Option<SessionId>,
    now: Timestamp,
) -> Result<Vec<SessionId>> {
    let query = sqlx::query_as(
        "UPDATE auth_sessions SET revoked_at = $2
         WHERE user_id = $1 AND revoked_at IS NULL AND live_until > $2 AND id <> $3
         RETURNING id",
    )
    .bind(user.uuid())
    .bind(now.as_micros())
    .bind(keep.map_or(Uuid::nil(), SessionId::uuid));
    let ended: Vec<(Uuid,)> = run!(transaction, query, fetch_all)?;
    let ended: Vec<SessionId> = ended.into_iter().map(|(id,)| SessionId::new(id)).collect();
    let ends: Vec<End> = ended.iter().copied().map(End::Session).collect();
    record(transaction, &ends, now).await?;
    Ok(ended)
}

/// Ends all sessions of a user, and records each revocation and the user's disconnection. `None`: there is no
/// such user.
pub(super) async fn end_all(
    transaction: &mut Transaction<Connector>,
    user: UserId,
    now: Timestamp,
) -> Result<Option<UserOrigin>> {
    let query = sqlx::query_as(
        "UPDATE auth_users
         SET disconnected_at = CASE WHEN disconnected_at > $2 THEN disconnected_at ELSE $2 END
         WHERE id = $1
         RETURNING external_id",
    )
    .bind(user.uuid())
    .bind(now.as_micros());
    let found: Option<(Option<String>,)> = run!(transaction, query, fetch_optional)?;
    let Some((external_id,)) = found else { return Ok(None) };
    let origin = if external_id.is_some() { UserOrigin::Site } else { UserOrigin::Here };
    let query = sqlx::query_as(
        "UPDATE auth_sessions SET revoked_at = $2
         WHERE user_id = $1 AND revoked_at IS NULL AND live_until > $2
         RETURNING id",
    )
    .bind(user.uuid())
    .bind(now.as_micros());
    let sessions: Vec<(Uuid,)> = run!(transaction, query, fetch_all)?;
    let sessions = sessions.into_iter().map(|(id,)| End::Session(SessionId::new(id)));
    let ends: Vec<End> = std::iter::once(End::User(user)).chain(sessions).collect();
    record(transaction, &ends, now).await?;
    Ok(Some(origin))
}

#[async_trait]
impl Sessions for Database {
    async fn insert_session(
        &self,
        session: &NewSession,
        password_version: i64,
        max: u32,
    ) -> Result<Option<Vec<SessionId>>> {
        self.transactions
            .run("insert_session", || async {
                let mut transaction = self.begin().await?;
                // Locks the user's row and changes nothing: of two who sign in at once, the second counts the first. Who
                // changes the password or erases the user locks it, too: what was verified before is not good any more.
                let lock = sqlx::query(
                    "UPDATE auth_users SET created_at = created_at WHERE id = $1 AND password_version = $2",
                )
                .bind(session.user.uuid())
                .bind(password_version);
                if run!(transaction, lock, execute)?.rows_affected() == 0 {
                    transaction.rollback().await?;
                    return Ok(None);
                }
                insert(&mut transaction, session).await?;
                let ended = end_oldest(&mut transaction, session, max).await?;
                transaction.commit().await?;
                Ok(Some(ended))
            })
            .await
    }

    async fn family(&self, family: &Digest) -> Result<Option<Family>> {
        let row: Option<FamilyRow> = once!(
            self.readers(),
            sqlx::query_as(
                "SELECT s.id AS session_id, s.token_hash, s.live_until, s.ends_at, s.revoked_at, s.used_at,
                    s.previous_hash, s.encrypted_successor, s.ip, s.user_agent,
                    u.id AS user_id, u.username, u.name, u.avatar_url, u.external_id, u.profile_version
             FROM auth_sessions s JOIN auth_users u ON u.id = s.user_id
             WHERE s.family_hash = $1",
            )
            .bind(family.as_slice()),
            fetch_optional
        )?;
        row.map(FamilyRow::family).transpose()
    }

    async fn rotate(&self, rotation: &Rotation) -> Result<bool> {
        let updated = once!(
            self.writers(),
            sqlx::query(
                "UPDATE auth_sessions
             SET token_hash = $3, used_at = $4, live_until = $5, ip = $6, user_agent = $7,
                 previous_hash = CASE WHEN $8 IS NULL THEN NULL ELSE $2 END, encrypted_successor = $8
             WHERE id = $1 AND token_hash = $2 AND revoked_at IS NULL AND live_until > $4",
            )
            .bind(rotation.session.uuid())
            .bind(rotation.from.as_slice())
            .bind(rotation.to.as_slice())
            .bind(rotation.now.as_micros())
            .bind(rotation.live_until.as_micros())
            .bind(rotation.client.ip.map(|ip| ip.to_string()))
            .bind(rotation.client.user_agent.as_deref())
            .bind(rotation.encrypted_successor.as_deref()),
            execute
        )?;
        Ok(updated.rows_affected() == 1)
    }

    async fn end_repetition(&self, session: SessionId, issued_at: Timestamp) -> Result<()> {
        let second_ends = issued_at.as_seconds().saturating_add(1).saturating_mul(1_000_000);
        once!(
            self.writers(),
            sqlx::query(
                "UPDATE auth_sessions SET previous_hash = NULL, encrypted_successor = NULL
             WHERE id = $1 AND encrypted_successor IS NOT NULL AND used_at < $2",
            )
            .bind(session.uuid())
            .bind(second_ends),
            execute
        )?;
        Ok(())
    }

    async fn purge_successors(&self, before: Timestamp, limit: i64) -> Result<u64> {
        let purged = once!(
            self.writers(),
            sqlx::query(
                "UPDATE auth_sessions SET previous_hash = NULL, encrypted_successor = NULL
             WHERE id IN (
                 SELECT id FROM auth_sessions WHERE encrypted_successor IS NOT NULL AND used_at < $1 LIMIT $2)",
            )
            .bind(before.as_micros())
            .bind(limit),
            execute
        )?;
        Ok(purged.rows_affected())
    }

    async fn live_sessions(&self, user: UserId, now: Timestamp, limit: i64) -> Result<Vec<Session>> {
        let rows: Vec<SessionRow> = once!(
            self.readers(),
            sqlx::query_as(
                "SELECT id, created_at, used_at, ip, user_agent FROM auth_sessions
             WHERE user_id = $1 AND revoked_at IS NULL AND live_until > $2
             ORDER BY created_at DESC, id DESC LIMIT $3",
            )
            .bind(user.uuid())
            .bind(now.as_micros())
            .bind(limit),
            fetch_all
        )?;
        rows.into_iter().map(SessionRow::session).collect()
    }

    async fn is_known_address(&self, username: &Username, ip: &str, now: Timestamp) -> Result<bool> {
        let row: Option<(Uuid,)> = once!(
            self.readers(),
            sqlx::query_as(
                "SELECT s.id FROM auth_sessions s JOIN auth_users u ON u.id = s.user_id
             WHERE u.username = $1 AND s.ip = $2 AND s.revoked_at IS NULL AND s.live_until > $3 LIMIT 1",
            )
            .bind(username.as_str())
            .bind(ip)
            .bind(now.as_micros()),
            fetch_optional
        )?;
        Ok(row.is_some())
    }

    async fn revoke(&self, session: SessionId, user: Option<UserId>, now: Timestamp) -> Result<bool> {
        self.transactions
            .run("revoke_session", || async {
                let mut transaction = self.begin().await?;
                let query = sqlx::query(
                    "UPDATE auth_sessions SET revoked_at = $2
                     WHERE id = $1 AND revoked_at IS NULL AND live_until > $2 AND ($3 IS NULL OR user_id = $3)",
                )
                .bind(session.uuid())
                .bind(now.as_micros())
                .bind(user.map(UserId::uuid));
                let has_ended = run!(transaction, query, execute)?.rows_affected() > 0;
                if has_ended {
                    record(&mut transaction, &[End::Session(session)], now).await?;
                }
                transaction.commit().await?;
                Ok(has_ended)
            })
            .await
    }

    async fn disconnect(&self, user: UserId, now: Timestamp) -> Result<Option<UserOrigin>> {
        self.transactions
            .run("disconnect_user", || async {
                let mut transaction = self.begin().await?;
                let origin = end_all(&mut transaction, user, now).await?;
                transaction.commit().await?;
                Ok(origin)
            })
            .await
    }

    async fn revocations(&self, query: RevocationQuery) -> Result<Revocations> {
        // The statement reads one snapshot, so that its head belongs to its rows.
        if let Some(after) = query.after {
            let rows: Vec<RevocationRow> = once!(
                self.readers(),
                sqlx::query_as(
                    "SELECT h.seq AS head, r.seq, r.session_id, r.user_id, r.revoked_at
                 FROM auth_revocation_head h LEFT JOIN auth_revocations r ON r.seq > $1
                 ORDER BY r.seq LIMIT $2",
                )
                .bind(after)
                .bind(query.limit),
                fetch_all
            )?;
            // A cursor past the head comes from before a restore from a backup. It starts again from the
            // beginning.
            if rows.first().is_some_and(|row| after <= row.head) {
                return Ok(feed(&rows, query.limit));
            }
        }
        let rows: Vec<RevocationRow> = once!(
            self.readers(),
            sqlx::query_as(
                "SELECT h.seq AS head, r.seq, r.session_id, r.user_id, r.revoked_at
             FROM auth_revocation_head h LEFT JOIN auth_revocations r ON r.revoked_at > $1
             ORDER BY r.seq LIMIT $2",
            )
            .bind(query.since.as_micros())
            .bind(query.limit),
            fetch_all
        )?;
        Ok(feed(&rows, query.limit))
    }

    async fn purge_sessions(&self, purge: SessionPurge) -> Result<u64> {
        let SessionPurge { expired, revoked, disconnected, limit } = purge;
        let sessions = once!(
            self.writers(),
            sqlx::query(
                "DELETE FROM auth_sessions WHERE id IN (
                 SELECT id FROM auth_sessions WHERE live_until < $1 OR revoked_at < $2 LIMIT $3)",
            )
            .bind(expired.as_micros())
            .bind(revoked.as_micros())
            .bind(limit),
            execute
        )?;
        let records = once!(
            self.writers(),
            sqlx::query(
                "DELETE FROM auth_revocations WHERE seq IN (
                 SELECT seq FROM auth_revocations
                 WHERE revoked_at < CASE WHEN user_id IS NULL THEN $1 ELSE $3 END ORDER BY seq LIMIT $2)",
            )
            .bind(revoked.as_micros())
            .bind(limit)
            .bind(disconnected.as_micros()),
            execute
        )?;
        Ok(sessions.rows_affected() + records.rows_affected())
    }
}
