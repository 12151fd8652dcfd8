//! Who is in a room, and as what.

use std::sync::Arc;

use madang_domain::{
    AuditAction, Profile, Role, RoomAction, RoomRef, Seq, UserId,
    event::{EventBody, RoleChanged},
};
use madang_rpc::store::{Authority, Changed, Member, Page, PageQuery, RoomKind, RoomView};

use super::{
    engine::Engine,
    page::{self, MovingPage, Place},
    room_change::{RoomChange, nobody, permit, permit_against},
};
use crate::{
    error::{OperationError, OperationResult},
    store::{AuditRecord, ByRank, View, rank_number, role_from_number},
    transaction::{finish, in_transaction},
};

impl Place for ByRank {
    const LIST: &'static str = "m";

    fn parts(&self) -> String {
        let (role, at) = (rank_number(self.role), self.joined_at.as_micros());
        format!("{role}.{at:x}.{}", self.user.uuid().simple())
    }

    fn read(text: &str) -> Option<Self> {
        let (role, text) = text.split_once('.')?;
        let (at, user) = text.split_once('.')?;
        let role = role_from_number(role.parse().ok()?).ok()?;
        Some(Self { role, joined_at: page::micros(at)?, user: UserId::new(page::uuid(user)?) })
    }
}

impl Engine {
    pub(crate) async fn join(
        &self,
        actor: Arc<Profile>,
        room: RoomRef,
    ) -> OperationResult<Changed<RoomView>> {
        self.remember([&actor]).await?;
        in_transaction!(self, "join", |transaction| {
            let mut change = RoomChange::begin(transaction, actor.id, &room, self.clock.now()).await?;
            if change.member(actor.id).await?.is_none() {
                change.refuse_blocked().await?;
                if let Some(until) = change.banned_until(actor.id).await? {
                    return Err(OperationError::Banned(until));
                }
                let invited = change.transaction.take_invitation(change.room.id, actor.id).await?;
                let role = match (invited, change.room.kind) {
                    (Some(role), _) => role,
                    (None, RoomKind::Public) => Role::Member,
                    (None, RoomKind::Private | RoomKind::Direct) => return Err(OperationError::NotJoinable),
                };
                change.admit(actor.id, role).await?;
            }
            change.finish_with_view().await
        })
    }

    pub(crate) async fn leave(&self, actor: Arc<Profile>, room: RoomRef) -> OperationResult<Changed<()>> {
        self.remember([&actor]).await?;
        in_transaction!(self, "leave", |transaction| {
            let mut change = RoomChange::begin(transaction, actor.id, &room, self.clock.now()).await?;
            let Some(member) = change.member(actor.id).await? else {
                // Who is invited declines.
                let declined = change.transaction.take_invitation(change.room.id, actor.id).await?;
                declined.ok_or(OperationError::NotMember)?;
                return change.finish(()).await;
            };
            change.refuse_direct()?;
            change.hand_over(&member).await?;
            change.dismiss(actor.id).await?;
            change.finish(()).await
        })
    }

    /// The members of a room, as a member of it asks or the site.
    pub(crate) async fn members(
        &self,
        user: Option<UserId>,
        room: RoomRef,
        query: PageQuery,
    ) -> OperationResult<Page<Member>> {
        let moving = MovingPage::<ByRank>::begin(&query, self.clock.now())?;
        let mut connection = self.database.reader().await?;
        let outcome = async {
            let room = as_reader(user, connection.view(user.unwrap_or(nobody()), &room).await?)?.room.id;
            let mut members = match moving.ordered() {
                Some((after, limit)) => connection.members(room, after, limit).await?,
                None => Vec::new(),
            };
            let ordered = members.len();
            if let Some((beyond, limit)) = moving.moved(ordered) {
                let moved = connection.members_with_role_since(room, moving.since, beyond, limit).await?;
                members.extend(moved);
            }
            Ok((members, ordered))
        };
        let outcome = outcome.await;
        let (mut members, ordered) = finish(connection, outcome).await?;
        let now = self.clock.now();
        for member in &mut members {
            member.muted_until = member.muted_until.filter(|until| *until > now);
        }
        let place =
            |member: &Member| ByRank { role: member.role, joined_at: member.joined_at, user: member.user.id };
        let (items, next) = moving.cut(members, ordered, false, place, |member| member.user.id.uuid());
        Ok(Page { items, next })
    }

    pub(crate) async fn put_member(
        &self,
        actor: Arc<Profile>,
        authority: Authority,
        room: RoomRef,
        user: Arc<Profile>,
        role: Role,
    ) -> OperationResult<Changed<Member>> {
        self.remember([&actor, &user]).await?;
        let consent = self.consent(authority);
        in_transaction!(self, "put_member", |transaction| {
            let mut change = RoomChange::begin(transaction, actor.id, &room, self.clock.now()).await?;
            let own = own_role(&mut change, authority).await?;
            change.refuse_direct()?;
            match change.member(user.id).await? {
                Some(member) if member.role == role => return change.finish(member).await,
                Some(member) => {
                    permit(RoomAction::GiveRole, authority, own, change.room.flags)?;
                    if member.role == Role::Owner {
                        change.keep_an_owner().await?;
                    }
                    change.transaction.set_role(&change.room, user.id, role).await?;
                    change.add(Some(user.id), EventBody::RoleChanged(RoleChanged { role })).await?;
                    let record = AuditRecord::new(AuditAction::RoleGiven, actor.id, authority).to(user.id);
                    change.record(AuditRecord { role: Some(role), ..record }).await?;
                }
                None => {
                    permit(RoomAction::AddMember, authority, own, change.room.flags)?;
                    // To add somebody with a role is to give the role.
                    if role != Role::Member {
                        permit(RoomAction::GiveRole, authority, own, change.room.flags)?;
                    }
                    // Also by the site, which can end the ban.
                    if change.banned_until(user.id).await?.is_some() {
                        return Err(OperationError::MemberBanned);
                    }
                    if !change.admit_or_invite(&[user.id], role, consent).await? {
                        let joined_at = change.room.active_at;
                        let user = Arc::clone(&user);
                        let (read, muted_until) = (Seq::START, None);
                        let invited = Member { user, role, joined_at, read, invited: true, muted_until };
                        return change.finish(invited).await;
                    }
                    // What users do among themselves the log of the room has.
                    if authority.is_by_site() {
                        let record = AuditRecord::new(AuditAction::MemberAdded, actor.id, authority);
                        change.record(AuditRecord { role: Some(role), ..record.to(user.id) }).await?;
                    }
                }
            }
            let member = change.member(user.id).await?.ok_or(OperationError::MemberNotFound)?;
            change.finish(member).await
        })
    }

    pub(crate) async fn remove_member(
        &self,
        actor: Arc<Profile>,
        authority: Authority,
        room: RoomRef,
        user: UserId,
    ) -> OperationResult<Changed<()>> {
        self.remember([&actor]).await?;
        in_transaction!(self, "remove_member", |transaction| {
            let mut change = RoomChange::begin(transaction, actor.id, &room, self.clock.now()).await?;
            let own = own_role(&mut change, authority).await?;
            change.refuse_direct()?;
            let by_site = authority == Authority::Site;
            if user == actor.id && !by_site {
                return Err(OperationError::RemoveSelf);
            }
            permit(RoomAction::RemoveMember, authority, own, change.room.flags)?;
            let Some(member) = change.member(user).await? else {
                let taken_back = change.transaction.take_invitation(change.room.id, user).await?;
                taken_back.ok_or(OperationError::MemberNotFound)?;
                return change.finish(()).await;
            };
            permit_against(RoomAction::RemoveMember, authority, own, member.role)?;
            change.keep_an_owner_without(&member).await?;
            change.dismiss(user).await?;
            change.record(AuditRecord::new(AuditAction::MemberRemoved, actor.id, authority).to(user)).await?;
            change.finish(()).await
        })
    }
}

/// What the actor may do: by the own role, or by the site's authority all that an owner may.
pub(super) async fn own_role(change: &mut RoomChange<'_>, authority: Authority) -> OperationResult<Role> {
    match authority {
        Authority::User | Authority::SiteAsUser => Ok(change.actor().await?.role),
        Authority::Site => Ok(Role::Owner),
    }
}

/// The place up to which a member sees nothing.
pub(super) fn visible_after(view: &View) -> Seq {
    view.place.map_or(Seq::START, |place| place.visible_after)
}

/// A room's view, for members and for the site, which is no user.
pub(super) fn as_reader(user: Option<UserId>, view: Option<View>) -> OperationResult<View> {
    match user {
        Some(_) => as_member(view),
        None => view.ok_or(OperationError::RoomNotFound),
    }
}

/// A room's view, for members alone.
pub(crate) fn as_member(view: Option<View>) -> OperationResult<View> {
    let view = view.ok_or(OperationError::RoomNotFound)?;
    if view.place.is_some() { Ok(view) } else { Err(OperationError::NotMember) }
}
