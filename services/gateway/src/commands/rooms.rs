//! Rooms.

use std::sync::Arc;

use madang_domain::{
    Code, Error, ExternalId, IdempotencyKey, Profile, Result, RoomDetailChanges, RoomFlagChanges, RoomId,
    RoomName, RoomRef, SearchText, Slug, UserId, UserRef, limits,
};
use madang_rpc::store::{
    self, Authority, DeleteRoom, GetRoom, Join, Leave, ListRooms, NewRoom, Page, PageQuery, RoomKind,
    RoomView, UpdateRoom,
};
use tracing::warn;

use super::{Action, Commands, Committed};
use crate::admission::{Actor, Spent};

/// A room to be created.
#[derive(Debug, Clone)]
pub(crate) struct RoomToCreate {
    pub(crate) kind: RoomKind,
    /// None: it is shown by the names of its members.
    pub(crate) name: Option<RoomName>,
    pub(crate) slug: Option<Slug>,
    pub(crate) external_id: Option<ExternalId>,
    pub(crate) key: Option<IdempotencyKey>,
}

/// What is to be changed of a room; none leaves it as it is.
#[derive(Debug, Clone)]
pub(crate) struct RoomUpdate {
    pub(crate) name: Option<RoomName>,
    /// `Some(None)` removes it.
    pub(crate) slug: Option<Option<Slug>>,
    pub(crate) flags: RoomFlagChanges,
    pub(crate) details: RoomDetailChanges,
}

/// Who the first members of a room are.
#[derive(Debug, Clone)]
pub(crate) enum Members {
    /// The owner, who creates the room, and other users by their ids.
    Of(Actor, Vec<UserId>),
    /// The owner and other users, as the site names them.
    Named(UserRef, Vec<UserRef>),
}

impl Commands {
    /// Creates a room. Answers whether it is new: of a repeat, the room that was created first is the answer.
    pub(crate) async fn create_room(&self, room: RoomToCreate, members: Members) -> Result<(RoomView, bool)> {
        let (spent, owner, authority, members) = match members {
            Members::Of(owner, members) => {
                // Paid for first: whoever is refused has asked.
                let additions = members.len().min(limits::ROOM_INITIAL_MEMBERS_MAX);
                let spent = self.spend_for_room(&owner, additions).await?;
                check_members(members.len())?;
                room.slug.iter().try_for_each(|slug| self.reserved_slugs.check(slug))?;
                (spent, owner.profile, owner.authority, self.users(&members).await?)
            }
            Members::Named(owner, members) => {
                check_members(members.len())?;
                let mut names = members;
                names.push(owner);
                let mut found = self.find_users(&names).await?;
                let Some(owner) = found.pop() else {
                    return Err(Error::invalid("name an owner").of_field("/owner"));
                };
                found.retain(|member| member.id != owner.id);
                (Spent::by_site(), owner, Authority::Site, found)
            }
        };
        let RoomToCreate { kind, name, slug, external_id, key } = room;
        let unnamed = name.is_none();
        let name = name.unwrap_or_else(RoomName::placeholder);
        let room = NewRoom { kind, name, unnamed, slug, external_id, members, key };
        self.commit_room(spent, owner, authority, room).await
    }

    async fn commit_room(
        &self,
        spent: Spent,
        actor: Arc<Profile>,
        authority: Authority,
        room: NewRoom,
    ) -> Result<(RoomView, bool)> {
        let store = Arc::clone(&self.store);
        self.commit(spent, "create room", async move {
            let created = store.create_room(store::CreateRoom { actor, authority, room }).await?;
            // A new room begins with the event of its owner; one that was there has no events.
            let is_new = !created.events.is_empty();
            let Committed { value, publications } = created.into();
            Ok(Committed { value: (value, is_new), publications })
        })
        .await
    }

    /// The rooms of a user, or the public ones that the user may join; of these only those with a text in their names.
    pub(crate) async fn rooms(
        &self,
        actor: &Actor,
        joinable: bool,
        text: Option<SearchText>,
        page: PageQuery,
    ) -> Result<Page<RoomView>> {
        self.pay_read(actor)?;
        self.store.list_rooms(ListRooms { user: Some(actor.profile.id), joinable, text, page }).await
    }

    /// All rooms, for the site.
    pub(crate) async fn rooms_as_site(&self, page: PageQuery) -> Result<Page<RoomView>> {
        self.store.list_rooms(ListRooms { user: None, joinable: false, text: None, page }).await
    }

    /// A room as a user sees it.
    pub(crate) async fn room(&self, actor: &Actor, room: RoomRef) -> Result<RoomView> {
        self.pay_read(actor)?;
        self.store.get_room(GetRoom { user: Some(actor.profile.id), room }).await
    }

    /// A room as the site sees it.
    pub(crate) async fn room_as_site(&self, room: RoomRef) -> Result<RoomView> {
        self.store.get_room(GetRoom { user: None, room }).await
    }

    /// The ids of rooms that a user names, each at the place of its name.
    pub(crate) async fn resolve_rooms(
        &self,
        actor: &Actor,
        names: &[RoomRef],
    ) -> Result<Vec<Option<RoomId>>> {
        self.pay_read(actor)?;
        let user = actor.profile.id;
        Ok(self.room_names.resolve(user, names.to_vec(), false).await?.rooms)
    }

    /// Changes a room.
    pub(crate) async fn update_room(
        &self,
        actor: Actor,
        room: RoomRef,
        update: RoomUpdate,
    ) -> Result<RoomView> {
        let RoomUpdate { name, slug, flags, details } = update;
        let (spent, room) = self.spend_in(&actor, Action::UpdateRoom, &room).await?;
        slug.iter().flatten().try_for_each(|slug| self.reserved_slugs.check(slug))?;
        let (actor, authority) = (Some(actor.profile), actor.authority);
        self.commit_update(spent, UpdateRoom { actor, authority, room, name, slug, flags, details }).await
    }

    /// The site changes a room. It may use every slug that no room has.
    pub(crate) async fn update_room_as_site(&self, room: RoomRef, update: RoomUpdate) -> Result<RoomView> {
        let RoomUpdate { name, slug, flags, details } = update;
        let update = UpdateRoom { actor: None, authority: Authority::Site, room, name, slug, flags, details };
        self.commit_update(Spent::by_site(), update).await
    }

    async fn commit_update(&self, spent: Spent, update: UpdateRoom) -> Result<RoomView> {
        let store = Arc::clone(&self.store);
        let updated: RoomView =
            self.commit(spent, "update room", async move { store.update_room(update).await }).await?;
        self.room_names.forget(updated.room.id);
        Ok(updated)
    }

    /// Deletes a room.
    pub(crate) async fn delete_room(&self, actor: Actor, room: RoomRef) -> Result<()> {
        let (spent, room) = self.spend_in(&actor, Action::DeleteRoom, &room).await?;
        let (actor, authority) = (Some(actor.profile), actor.authority);
        self.commit_deletion(spent, DeleteRoom { actor, authority, room }).await
    }

    /// The site deletes a room, a direct one too.
    pub(crate) async fn delete_room_as_site(&self, room: RoomRef) -> Result<()> {
        let delete = DeleteRoom { actor: None, authority: Authority::Site, room };
        self.commit_deletion(Spent::by_site(), delete).await
    }

    async fn commit_deletion(&self, spent: Spent, delete: DeleteRoom) -> Result<()> {
        let store = Arc::clone(&self.store);
        self.commit(spent, "delete room", async move { store.delete_room(delete).await }).await
    }

    /// Joins a public room.
    pub(crate) async fn join_room(&self, actor: Actor, room: RoomRef) -> Result<RoomView> {
        let (spent, room) = self.spend_in(&actor, Action::Join, &room).await?;
        let (store, actor) = (Arc::clone(&self.store), actor.profile);
        self.commit(spent, "join room", async move { store.join(Join { actor, room }).await }).await
    }

    /// Leaves a room.
    pub(crate) async fn leave_room(&self, actor: Actor, room: RoomRef) -> Result<()> {
        let (spent, room) = self.spend_in(&actor, Action::Leave, &room).await?;
        self.commit_leave(spent, actor.profile, room).await
    }

    async fn commit_leave(&self, spent: Spent, actor: Arc<Profile>, room: RoomRef) -> Result<()> {
        let store = Arc::clone(&self.store);
        self.commit(spent, "leave room", async move { store.leave(Leave { actor, room }).await }).await
    }

    /// The public room that has this slug; created where there is none. Nobody owns it: the user who happened to come
    /// first becomes a member like all others.
    pub(crate) async fn default_room(&self, actor: &Actor, slug: &Slug) -> Result<RoomId> {
        let user = &actor.profile;
        if let Some(room) = self.room_by_slug(actor, slug).await? {
            return Ok(room);
        }
        let new = NewRoom {
            kind: RoomKind::Public,
            name: RoomName::new(slug.as_str())?,
            unnamed: false,
            slug: Some(slug.clone()),
            external_id: None,
            members: Vec::new(),
            key: None,
        };
        let room = match self.commit_room(Spent::by_site(), Arc::clone(user), Authority::Site, new).await {
            Ok((view, _)) => view.room.id,
            // Another user's socket created it in the meantime.
            Err(error) if error.code == Code::AlreadyExists => {
                return self.room_by_slug(actor, slug).await?.ok_or(error);
            }
            Err(error) => return Err(error),
        };
        // Where another user joined in the meantime, that user owns it: a room with members keeps an owner.
        if let Err(error) = self.commit_leave(Spent::by_site(), Arc::clone(user), room.into()).await {
            warn!(%error, %room, "the default room is owned by the user who created it");
        }
        Ok(room)
    }

    async fn room_by_slug(&self, actor: &Actor, slug: &Slug) -> Result<Option<RoomId>> {
        Ok(self.resolve_rooms(actor, &[RoomRef::Slug(slug.clone())]).await?.into_iter().next().flatten())
    }
}

fn check_members(members: usize) -> Result<()> {
    let most = limits::ROOM_INITIAL_MEMBERS_MAX;
    if members > most {
        let refusal =
            Error::new(Code::TooLarge, format!("name at most {most} members; add the rest afterwards"));
        return Err(refusal.of_field("/members"));
    }
    Ok(())
}
