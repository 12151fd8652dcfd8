//! Tickets in SQL, for both kinds of database.

use async_trait::async_trait;
use madang_database::once;
use madang_domain::{SessionId, Timestamp, UserId};

use super::Database;
use crate::store::rows::{RedeemedRow, TicketRow};
use crate::store::{Digest, Redeemed, Result, Tickets, UserTicket};

#[async_trait]
impl Tickets for Database {
    async fn insert_ticket(
        &self,
        hash: &Digest,
        user: UserId,
        session: SessionId,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<bool> {
        let inserted = once!(
            self.writers(),
            sqlx::query(
                "INSERT INTO auth_tickets (hash, session_id, created_at, expires_at)
             SELECT $1, id, $4, $5 FROM auth_sessions
             WHERE id = $2 AND user_id = $3 AND revoked_at IS NULL AND live_until > $4",
            )
            .bind(hash.as_slice())
            .bind(session.uuid())
            .bind(user.uuid())
            .bind(now.as_micros())
            .bind(expires_at.as_micros()),
            execute
        )?;
        Ok(inserted.rows_affected() == 1)
    }

    async fn insert_user_ticket(&self, ticket: &UserTicket) -> Result<bool> {
        let inserted = once!(
            self.writers(),
            sqlx::query(
                "INSERT INTO auth_tickets (hash, session_id, user_id, created_at, expires_at, ends_at)
             SELECT $1, $3, id, $4, $5, $6 FROM auth_users WHERE id = $2",
            )
            .bind(ticket.hash.as_slice())
            .bind(ticket.user.uuid())
            .bind(ticket.session.uuid())
            .bind(ticket.created_at.as_micros())
            .bind(ticket.expires_at.as_micros())
            .bind(ticket.ends_at.map(Timestamp::as_micros)),
            execute
        )?;
        Ok(inserted.rows_affected() == 1)
    }

    async fn take_ticket(&self, hash: &Digest, now: Timestamp) -> Result<Option<Redeemed>> {
        // The ticket is deleted first and checked afterwards. So even an invalid one is used up.
        let taken: Option<TicketRow> = once!(
            self.writers(),
            sqlx::query_as(
                "DELETE FROM auth_tickets WHERE hash = $1
             RETURNING session_id, user_id AS ticket_user_id, created_at, expires_at, ends_at",
            )
            .bind(hash.as_slice()),
            fetch_optional
        )?;
        let Some(ticket) = taken.filter(|ticket| ticket.expires_at > now.as_micros()) else {
            return Ok(None);
        };
        let row: Option<RedeemedRow> = match ticket.ticket_user_id {
            None => {
                once!(self.readers(), sqlx::query_as(
                    "SELECT s.ends_at,
                            u.id AS user_id, u.username, u.name, u.avatar_url, u.external_id, u.profile_version
                     FROM auth_sessions s JOIN auth_users u ON u.id = s.user_id
                     WHERE s.id = $1 AND s.revoked_at IS NULL AND s.live_until > $2",
                )
                .bind(ticket.session_id)
                .bind(now.as_micros()), fetch_optional)?
            }
            // The site has authenticated the user, unless it has disconnected the user since.
            Some(user) => {
                once!(self.readers(), sqlx::query_as(
                    "SELECT CAST(NULL AS BIGINT) AS ends_at,
                            u.id AS user_id, u.username, u.name, u.avatar_url, u.external_id, u.profile_version
                     FROM auth_users u
                     WHERE u.id = $1 AND (u.disconnected_at IS NULL OR u.disconnected_at < $2)",
                )
                .bind(user)
                .bind(ticket.created_at), fetch_optional)?
            }
        };
        row.map(|row| row.redeemed(&ticket)).transpose()
    }

    async fn purge_tickets(&self, now: Timestamp, limit: i64) -> Result<u64> {
        let purged = once!(
            self.writers(),
            sqlx::query(
                "DELETE FROM auth_tickets WHERE hash IN (
                 SELECT hash FROM auth_tickets WHERE expires_at <= $1 LIMIT $2)",
            )
            .bind(now.as_micros())
            .bind(limit),
            execute
        )?;
        Ok(purged.rows_affected())
    }
}
