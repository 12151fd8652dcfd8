//! One-time tickets, with which a browser opens a WebSocket without its access token in the URL.

use madang_domain::{SessionId, Timestamp, UserId};
use madang_kit::clock::new_id;
use madang_rpc::auth::{Identity, Presented, Ticket};

use crate::{
    engine::Engine,
    error::{AuthError, Result},
    store::UserTicket,
    tokens,
};

impl Engine {
    /// Issues a ticket.
    pub(crate) async fn issue_ticket(
        &self,
        user: UserId,
        session: SessionId,
        issued_at: Option<Timestamp>,
    ) -> Result<Ticket> {
        let now = self.clock.now();
        // A caller that does not say may have any token, the latest too.
        let issued_at = issued_at.unwrap_or(now);
        self.note_presented(Some(Presented { session, issued_at })).await?;
        let expires_in = self.lifetimes.ticket;
        let (ticket, hash) = tokens::new_ticket(&*self.random);
        if !self.store.insert_ticket(&hash, user, session, now, now.plus(expires_in)).await? {
            return Err(AuthError::SessionEnded);
        }
        Ok(Ticket { ticket, expires_in })
    }

    /// Issues a ticket for a user whom the embedding site has authenticated. The session expires at the given
    /// time.
    pub(crate) async fn issue_user_ticket(&self, user: UserId, until: Option<Timestamp>) -> Result<Ticket> {
        let now = self.clock.now();
        let expires_in = self.lifetimes.ticket;
        let (ticket, hash) = tokens::new_ticket(&*self.random);
        let ticket_row = UserTicket {
            hash,
            user,
            // The session has no row. Its id only names the sockets that the ticket opens.
            session: SessionId::new(new_id(&*self.clock, &*self.random)),
            created_at: now,
            expires_at: now.plus(expires_in),
            ends_at: until,
        };
        if !self.store.insert_user_ticket(&ticket_row).await? {
            return Err(AuthError::NoSuchUser);
        }
        Ok(Ticket { ticket, expires_in })
    }

    /// Redeems a ticket.
    pub(crate) async fn redeem_ticket(&self, ticket: &str) -> Result<Identity> {
        let now = self.clock.now();
        let hash = tokens::ticket_digest(ticket).ok_or(AuthError::Ticket)?;
        let redeemed = self.store.take_ticket(&hash, now).await?.ok_or(AuthError::Ticket)?;
        let ends_at = redeemed.ends_at.unwrap_or(Timestamp::from_micros(i64::MAX));
        let expires_at = self.access_expires_at(now, ends_at);
        Ok(Identity {
            profile: redeemed.profile,
            session: redeemed.session,
            issued_at: redeemed.issued_at,
            issuer: redeemed.issuer,
            expires_at,
        })
    }
}
