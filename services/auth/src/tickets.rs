//! One-time tickets, with which a browser opens a WebSocket without showing its token in a URL.

use madang_rpc::auth::{Identity, Ticket};
use madang_vocabulary::{SessionId, UserId};

use crate::{
    engine::Engine,
    error::{AuthError, Result},
    tokens,
};

impl Engine {
    /// Makes a ticket.
    pub(crate) async fn issue_ticket(&self, user: UserId, session: SessionId) -> Result<Ticket> {
        let now = self.clock.now();
        let expires_in = self.lifetimes.ticket;
        let (ticket, hash) = tokens::new_ticket(&*self.random);
        if !self.store.insert_ticket(&hash, user, session, now, now.plus(expires_in)).await? {
            return Err(AuthError::SessionEnded);
        }
        Ok(Ticket { ticket, expires_in })
    }

    /// Uses a ticket up.
    pub(crate) async fn redeem_ticket(&self, ticket: &str) -> Result<Identity> {
        let now = self.clock.now();
        let hash = tokens::ticket_digest(ticket).ok_or(AuthError::Ticket)?;
        let redeemed = self.store.take_ticket(&hash, now).await?.ok_or(AuthError::Ticket)?;
        Ok(Identity {
            profile: redeemed.profile,
            session: redeemed.session,
            expires_at: self.access_expires_at(now, redeemed.ends_at),
        })
    }
}
