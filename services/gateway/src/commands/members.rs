//! The members of a room.

use std::sync::Arc;

use madang_domain::{Code, Profile, Result, Role, RoomRef, UserId, UserRef};
use madang_rpc::store::{Authority, GetRoom, ListMembers, Member, Page, PageQuery, PutMember, RemoveMember};

use super::{Action, Commands};
use crate::admission::{Actor, Spent};

impl Commands {
    /// The members of a room.
    pub(crate) async fn members(
        &self,
        actor: &Actor,
        room: RoomRef,
        page: PageQuery,
    ) -> Result<Page<Member>> {
        self.pay_read(actor)?;
        self.store.list_members(ListMembers { user: Some(actor.profile.id), room, page }).await
    }

    /// The members of a room, for the site.
    pub(crate) async fn members_as_site(&self, room: RoomRef, page: PageQuery) -> Result<Page<Member>> {
        self.store.list_members(ListMembers { user: None, room, page }).await
    }

    /// Adds a user to a room, or changes a member's role.
    pub(crate) async fn put_member(
        &self,
        actor: Actor,
        room: RoomRef,
        user: UserId,
        role: Role,
    ) -> Result<Member> {
        let (spent, room) = self.spend_in(&actor, Action::PutMember, &room).await?;
        let user = Arc::new(self.user(user).await?);
        self.commit_member(spent, actor.profile, actor.authority, room, user, role).await
    }

    /// Removes a member from a room.
    pub(crate) async fn remove_member(&self, actor: Actor, room: RoomRef, user: UserId) -> Result<()> {
        let (spent, room) = self.spend_in(&actor, Action::RemoveMember, &room).await?;
        let (store, Actor { profile: actor, authority, .. }) = (Arc::clone(&self.store), actor);
        self.commit(spent, "remove member", async move {
            store.remove_member(RemoveMember { actor, authority, room, user }).await
        })
        .await
    }

    /// The site adds a user to a room, or changes a member's role. Without a role, a member keeps the present one and a
    /// new member gets the least.
    pub(crate) async fn put_member_as_site(
        &self,
        room: RoomRef,
        user: &UserRef,
        role: Option<Role>,
    ) -> Result<Member> {
        let user = self.find_user(user).await?;
        let role = match role {
            Some(role) => role,
            // A repeat of the request that once added an owner must not change the owner's role.
            None => match self.store.get_room(GetRoom { user: Some(user.id), room: room.clone() }).await {
                Ok(view) => view.membership.map_or(Role::Member, |membership| membership.role),
                Err(error) if matches!(error.code, Code::PermissionDenied | Code::NotFound) => Role::Member,
                Err(error) => return Err(error),
            },
        };
        self.add_as_site(room, user, role).await
    }

    /// The site adds a user to a room. The user is the actor, since the site has no profile.
    pub(super) async fn add_as_site(&self, room: RoomRef, user: Arc<Profile>, role: Role) -> Result<Member> {
        self.commit_member(Spent::by_site(), Arc::clone(&user), Authority::Site, room, user, role).await
    }

    /// The site removes a member from a room.
    pub(crate) async fn remove_member_as_site(&self, room: RoomRef, user: &UserRef) -> Result<()> {
        let user = self.find_user(user).await?;
        let (store, id) = (Arc::clone(&self.store), user.id);
        self.commit(Spent::by_site(), "remove member", async move {
            store
                .remove_member(RemoveMember { actor: user, authority: Authority::Site, room, user: id })
                .await
        })
        .await
    }

    async fn commit_member(
        &self,
        spent: Spent,
        actor: Arc<Profile>,
        authority: Authority,
        room: RoomRef,
        user: Arc<Profile>,
        role: Role,
    ) -> Result<Member> {
        let store = Arc::clone(&self.store);
        self.commit(spent, "put member", async move {
            store.put_member(PutMember { actor, authority, room, user, role }).await
        })
        .await
    }
}
