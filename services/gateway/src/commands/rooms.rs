//! Rooms.

use std::sync::Arc;

use madang_domain::{
    Code, Error, ExternalId, IdempotencyKey, Profile, Result, RoomId, RoomName, RoomRef, Slug, UserId,
    UserRef, limits,
};
use madang_rpc::store::{
    self, DeleteRoom, GetRoom, Join, Leave, ListRooms, NewRoom, Page, PageQuery, Resolve, RoomKind, RoomView,
    UpdateRoom,
};
use tracing::warn;

use super::{Commands, Committed};

/// A room to be created.
#[derive(Debug, Clone)]
pub(crate) struct RoomToCreate {
    pub(crate) kind: RoomKind,
    pub(crate) name: RoomName,
    pub(crate) slug: Option<Slug>,
    pub(crate) external_id: Option<ExternalId>,
    pub(crate) key: Option<IdempotencyKey>,
}

/// Who the first members of a room are.
#[derive(Debug, Clone)]
pub(crate) enum Members {
    /// The owner, who creates the room, and other users by their ids.
    Of(Arc<Profile>, Vec<UserId>),
    /// The owner and other users, as the site names them.
    Named(UserRef, Vec<UserRef>),
}

impl Commands {
    /// Creates a room. Answers whether it is new: of a repeat, the room that was created first is the answer.
    pub(crate) async fn create_room(&self, room: RoomToCreate, members: Members) -> Result<(RoomView, bool)> {
        let (owner, members) = match members {
            Members::Of(owner, members) => {
                check_members(members.len())?;
                (owner, self.users(&members).await?)
            }
            Members::Named(owner, members) => {
                check_members(members.len())?;
                let mut names = members;
                names.push(owner);
                let mut found = self.find_users(&names).await?;
                let Some(owner) = found.pop() else { return Err(Error::invalid("name an owner")) };
                found.retain(|member| member.id != owner.id);
                (owner, found)
            }
        };
        let RoomToCreate { kind, name, slug, external_id, key } = room;
        self.commit_room(owner, NewRoom { kind, name, slug, external_id, members, key }).await
    }

    async fn commit_room(&self, owner: Arc<Profile>, room: NewRoom) -> Result<(RoomView, bool)> {
        let store = Arc::clone(&self.store);
        self.commit("create room", async move {
            let created = store.create_room(store::CreateRoom { actor: owner, room }).await?;
            // A new room begins with the event of its owner; one that was there has no events.
            let is_new = !created.events.is_empty();
            let Committed { value, publications } = created.into();
            Ok(Committed { value: (value, is_new), publications })
        })
        .await
    }

    /// The rooms of a user, or the public ones that the user may join.
    pub(crate) async fn rooms(
        &self,
        user: UserId,
        joinable: bool,
        page: PageQuery,
    ) -> Result<Page<RoomView>> {
        self.store.list_rooms(ListRooms { user, joinable, page }).await
    }

    /// A room as a user sees it.
    pub(crate) async fn room(&self, user: UserId, room: RoomRef) -> Result<RoomView> {
        self.store.get_room(GetRoom { user, room }).await
    }

    /// The ids of rooms that a user names, each at the place of its name.
    pub(crate) async fn resolve_rooms(&self, user: UserId, names: &[RoomRef]) -> Result<Vec<Option<RoomId>>> {
        Ok(self.store.resolve(Resolve { user, rooms: names.to_vec(), memberships: false }).await?.rooms)
    }

    /// Changes a room's name or slug; `Some(None)` removes the slug.
    pub(crate) async fn update_room(
        &self,
        actor: Arc<Profile>,
        room: RoomRef,
        name: Option<RoomName>,
        slug: Option<Option<Slug>>,
    ) -> Result<RoomView> {
        let store = Arc::clone(&self.store);
        self.commit(
            "update room",
            async move { store.update_room(UpdateRoom { actor, room, name, slug }).await },
        )
        .await
    }

    /// Deletes a room.
    pub(crate) async fn delete_room(&self, actor: Arc<Profile>, room: RoomRef) -> Result<()> {
        let store = Arc::clone(&self.store);
        self.commit("delete room", async move { store.delete_room(DeleteRoom { actor, room }).await }).await
    }

    /// Joins a public room.
    pub(crate) async fn join_room(&self, actor: Arc<Profile>, room: RoomRef) -> Result<RoomView> {
        let store = Arc::clone(&self.store);
        self.commit("join room", async move { store.join(Join { actor, room }).await }).await
    }

    /// Leaves a room.
    pub(crate) async fn leave_room(&self, actor: Arc<Profile>, room: RoomRef) -> Result<()> {
        let store = Arc::clone(&self.store);
        self.commit("leave room", async move { store.leave(Leave { actor, room }).await }).await
    }

    /// The public room that has this slug; created where there is none. Nobody owns it: the user who happened to come
    /// first becomes a member like all others.
    pub(crate) async fn default_room(&self, user: &Arc<Profile>, slug: &Slug) -> Result<RoomId> {
        if let Some(room) = self.room_by_slug(user.id, slug).await? {
            return Ok(room);
        }
        let new = NewRoom {
            kind: RoomKind::Public,
            name: RoomName::new(slug.as_str())?,
            slug: Some(slug.clone()),
            external_id: None,
            members: Vec::new(),
            key: None,
        };
        let room = match self.commit_room(Arc::clone(user), new).await {
            Ok((view, _)) => view.room.id,
            // Another user's socket created it in the meantime.
            Err(error) if error.code == Code::AlreadyExists => {
                return self.room_by_slug(user.id, slug).await?.ok_or(error);
            }
            Err(error) => return Err(error),
        };
        if let Err(error) = self.leave_room(Arc::clone(user), room.into()).await {
            // Another user joined in the meantime, and a room with members keeps an owner.
            warn!(%error, %room, "the default room is owned by the user who created it");
        }
        Ok(room)
    }

    async fn room_by_slug(&self, user: UserId, slug: &Slug) -> Result<Option<RoomId>> {
        Ok(self.resolve_rooms(user, &[RoomRef::Slug(slug.clone())]).await?.into_iter().next().flatten())
    }
}

fn check_members(members: usize) -> Result<()> {
    let most = limits::ROOM_INITIAL_MEMBERS_MAX;
    if members > most {
        let refusal = Error::new(Code::TooLarge, format!("name at most {most} members; add the rest after"));
        return Err(refusal.of_field("/members"));
    }
    Ok(())
}
