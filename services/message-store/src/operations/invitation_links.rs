//! Invitation links. Whoever has the code of one joins its room; the database has its digest alone.

use std::{fmt::Write as _, time::Duration};

use madang_domain::{
    AuditAction, Authority, Role, RoomAction, RoomRef,
    limits::{INVITATION_DEFAULT_DAYS, INVITATION_MAX_DAYS, INVITATION_USES_MAX, ROOM_INVITATIONS_MAX},
};
use madang_kit::clock::new_id;
use madang_rpc::store::{
    AcceptInvitation, Changed, Invitation, ListInvitations, MadeInvitation, MakeInvitation, RevokeInvitation,
    RoomKind, RoomView,
};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{
    engine::Engine,
    members::as_member,
    room_change::{RoomChange, permit},
};
use crate::{
    error::{OperationError, OperationResult},
    store::{AuditRecord, CodeDigest, InvitationLink},
    transaction::{finish, in_transaction},
};

/// The random bytes of a code: 160 bits, which nobody guesses.
const CODE_BYTES: usize = 20;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Engine {
    pub(crate) async fn make_invitation(&self, request: MakeInvitation) -> OperationResult<MadeInvitation> {
        let MakeInvitation { actor, authority, room, expires_at, uses } = request;
        let now = self.clock.now();
        let days = |days: u64| DAY * u32::try_from(days).unwrap_or(u32::MAX);
        let expires_at = expires_at.unwrap_or(now.plus(days(INVITATION_DEFAULT_DAYS)));
        if expires_at <= now || expires_at > now.plus(days(INVITATION_MAX_DAYS)) {
            return Err(OperationError::BadExpiry);
        }
        if uses.is_some_and(|uses| !(1..=INVITATION_USES_MAX).contains(&uses)) {
            return Err(OperationError::BadUses);
        }
        self.remember([&actor]).await?;
        let (id, code) = (new_id(&*self.clock, &*self.random), self.draw_code());
        let digest = digest(&code);
        let by = actor;
        in_transaction!(self, "make_invitation", |transaction| {
            let mut change = RoomChange::begin(transaction, by.id, &room, now).await?;
            change.actor().await?;
            change.refuse_direct()?;
            change.permit(RoomAction::ManageInvitations).await?;
            let room = change.room.id;
            if change.transaction.count_links(room, now).await? >= ROOM_INVITATIONS_MAX {
                return Err(OperationError::TooManyInvitationLinks);
            }
            let (code, actor) = (digest, by.id);
            let link = InvitationLink { id, room, code, actor, created_at: now, expires_at, uses };
            change.transaction.insert_link(&link).await?;
            change.record(AuditRecord::new(AuditAction::InvitationMade, by.id, authority)).await?;
            change.finish(()).await
        })?;
        let id = id.to_string();
        Ok(MadeInvitation {
            invitation: Invitation { id, by, created_at: now, expires_at, uses, used: 0 },
            code,
        })
    }

    pub(crate) async fn invitation_links(
        &self,
        request: ListInvitations,
    ) -> OperationResult<Vec<Invitation>> {
        let ListInvitations { user, room } = request;
        let mut connection = self.database.reader().await?;
        let outcome = async {
            let view = as_member(connection.view(user, &room).await?)?;
            let role = view.place.map_or(Role::Member, |place| place.role);
            permit(RoomAction::ManageInvitations, Authority::User, role, view.room.flags)?;
            Ok(connection.links(view.room.id, self.clock.now()).await?)
        };
        let outcome = outcome.await;
        finish(connection, outcome).await
    }

    pub(crate) async fn revoke_invitation(&self, request: RevokeInvitation) -> OperationResult<()> {
        let RevokeInvitation { actor, authority, room, invitation } = request;
        let (id, code) = (Uuid::try_parse(&invitation).ok(), digest(&invitation));
        in_transaction!(self, "revoke_invitation", |transaction| {
            let mut change = RoomChange::begin(transaction, actor, &room, self.clock.now()).await?;
            change.permit(RoomAction::ManageInvitations).await?;
            if !change.transaction.delete_link(change.room.id, id, &code).await? {
                return Err(OperationError::InvitationNotFound);
            }
            change.record(AuditRecord::new(AuditAction::InvitationRevoked, actor, authority)).await?;
            Ok(())
        })
    }

    pub(crate) async fn accept_invitation(
        &self,
        request: AcceptInvitation,
    ) -> OperationResult<Changed<RoomView>> {
        let AcceptInvitation { actor, code } = request;
        let (code, now) = (digest(&code), self.clock.now());
        self.remember([&actor]).await?;
        in_transaction!(self, "accept_invitation", |transaction| {
            let room = transaction.room_of_link(&code, now).await?;
            let room = RoomRef::Id(room.ok_or(OperationError::InvitationNotFound)?);
            let mut change = RoomChange::begin(transaction, actor.id, &room, now).await?;
            if change.member(actor.id).await?.is_none() {
                if let Some(until) = change.banned_until(actor.id).await? {
                    return Err(OperationError::Banned(until));
                }
                // Once more, under the room's lock: it may have been used up or revoked since.
                if change.room.kind == RoomKind::Direct || !change.transaction.use_link(&code, now).await? {
                    return Err(OperationError::InvitationNotFound);
                }
                let invited = change.transaction.take_invitation(change.room.id, actor.id).await?;
                change.admit(actor.id, invited.unwrap_or(Role::Member)).await?;
            }
            change.finish_with_view().await
        })
    }

    /// A new code, as hexadecimal digits: more of them than an id has.
    fn draw_code(&self) -> String {
        let mut bytes = [0; CODE_BYTES];
        self.random.fill(&mut bytes);
        bytes.iter().fold(String::with_capacity(2 * CODE_BYTES), |mut code, byte| {
            // Writing to a text does not fail.
            let _ = write!(code, "{byte:02x}");
            code
        })
    }
}

/// The digest of a code. It suffices for a random value; a slow hash would add no protection.
fn digest(code: &str) -> CodeDigest {
    Sha256::digest(code.as_bytes()).into()
}
