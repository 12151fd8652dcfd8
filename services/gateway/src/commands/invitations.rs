//! Invitation links.

use std::sync::Arc;

use madang_domain::{Error, Result, RoomRef, Timestamp, limits::INVITATION_CODE_MAX_BYTES};
use madang_rpc::store::{
    AcceptInvitation, Invitation, ListInvitations, MadeInvitation, MakeInvitation, RevokeInvitation, RoomView,
};

use super::{Action, Commands};
use crate::admission::Actor;

impl Commands {
    /// Makes an invitation link.
    pub(crate) async fn make_invitation(
        &self,
        actor: &Actor,
        room: &RoomRef,
        expires_at: Option<Timestamp>,
        uses: Option<u32>,
    ) -> Result<MadeInvitation> {
        let (spent, room) = self.spend_in(actor, Action::ManageInvitations, room).await?;
        spent.keep();
        let (authority, actor) = (actor.authority, self.budgets.present_profile(actor));
        self.store.make_invitation(MakeInvitation { actor, authority, room, expires_at, uses }).await
    }

    /// The invitation links of a room that can be used.
    pub(crate) async fn invitations(&self, actor: &Actor, room: RoomRef) -> Result<Vec<Invitation>> {
        self.pay_read(actor)?;
        self.store.list_invitations(ListInvitations { user: actor.profile.id, room }).await
    }

    /// Revokes an invitation link, named by its id or its code.
    pub(crate) async fn revoke_invitation(
        &self,
        actor: &Actor,
        room: &RoomRef,
        invitation: String,
    ) -> Result<()> {
        let (spent, room) = self.spend_in(actor, Action::ManageInvitations, room).await?;
        spent.keep();
        check_length(&invitation)?;
        let (actor, authority) = (actor.profile.id, actor.authority);
        self.store.revoke_invitation(RevokeInvitation { actor, authority, room, invitation }).await
    }

    /// Joins a room by an invitation link. Its room is not known before, so the user and the address alone pay.
    pub(crate) async fn accept_invitation(&self, actor: &Actor, code: String) -> Result<RoomView> {
        let spent = self.spend(actor, Action::Join, None).await?;
        check_length(&code)?;
        let (store, actor) = (Arc::clone(&self.store), self.budgets.present_profile(actor));
        self.commit(spent, "accept invitation", async move {
            store.accept_invitation(AcceptInvitation { actor, code }).await
        })
        .await
    }
}

/// A longer text is none that the store has made.
fn check_length(code: &str) -> Result<()> {
    if code.len() > INVITATION_CODE_MAX_BYTES {
        return Err(Error::invalid(format!("code has at most {INVITATION_CODE_MAX_BYTES} bytes")));
    }
    Ok(())
}
