//! Rooms: making, finding, changing and deleting them.

use std::sync::Arc;

use madang_domain::{
    Profile, Role, RoomId, RoomName, RoomRef, Seq, Slug, UserId,
    event::{EventBody, RoomChanged},
    limits,
};
use madang_kit::clock::new_id;
use madang_rpc::store::{Changed, NewRoom, Page, PageQuery, Resolved, RoomKind, RoomView};

use super::{
    engine::Engine,
    page::{self, Place},
    room_change::{RoomChange, room_view},
};
use crate::{
    error::{OperationError, OperationResult},
    settings::{MEMBERSHIPS_MAX, NAMES_PER_CALL},
    store::{ByActivity, ByAge, Connection, Origin, RoomRecord},
    transaction::in_transaction,
};

impl Place for ByActivity {
    const LIST: &'static str = "a";

    fn parts(&self) -> String {
        format!("{:x}.{}", self.active_at.as_micros(), self.room.uuid().simple())
    }

    fn read(text: &str) -> Option<Self> {
        let (at, room) = text.split_once('.')?;
        Some(Self { active_at: page::micros(at)?, room: RoomId::new(page::uuid(room)?) })
    }
}

impl Place for ByAge {
    const LIST: &'static str = "p";

    fn parts(&self) -> String {
        self.room.uuid().simple().to_string()
    }

    fn read(text: &str) -> Option<Self> {
        Some(Self { room: RoomId::new(page::uuid(text)?) })
    }
}

impl Engine {
    pub(crate) async fn create_room(
        &self,
        actor: Arc<Profile>,
        mut new: NewRoom,
    ) -> OperationResult<Changed<RoomView>> {
        new.members.retain(|member| member.id != actor.id);
        new.members.sort_by_key(|member| member.id);
        new.members.dedup_by_key(|member| member.id);
        if new.members.len() > limits::ROOM_INITIAL_MEMBERS_MAX {
            return Err(OperationError::TooManyMembers);
        }
        let origin = Origin {
            creator: actor.id,
            key: new.key.as_ref().map(ToString::to_string),
            pair: pair(&actor, &new)?,
            external_id: new.external_id.clone(),
        };
        let now = self.clock.now();
        let room = RoomRecord {
            id: RoomId::new(new_id(&*self.clock, &*self.random)),
            kind: new.kind,
            name: new.name,
            slug: new.slug,
            created_at: now,
            active_at: now,
            head: Seq::START,
            messages: 0,
            member_count: 0,
            external_id: new.external_id,
        };
        self.remember(new.members.iter().chain([&actor])).await?;
        in_transaction!(self, "create_room", |transaction| {
            create(transaction, &actor, &new.members, room.clone(), &origin).await
        })
    }

    pub(crate) async fn room(&self, user: UserId, room: RoomRef) -> OperationResult<RoomView> {
        let mut connection = self.database.reader().await?;
        let view = connection.view(user, &room).await?;
        connection.commit().await?;
        let view = view.ok_or(OperationError::RoomNotFound)?;
        if view.place.is_none() && view.room.kind != RoomKind::Public {
            return Err(OperationError::NotMember);
        }
        Ok(room_view(view))
    }

    pub(crate) async fn rooms(
        &self,
        user: UserId,
        joinable: bool,
        query: PageQuery,
    ) -> OperationResult<Page<RoomView>> {
        let (items, next) = if joinable {
            let (limit, after) = page::check::<ByAge>(&query)?;
            let mut connection = self.database.reader().await?;
            let views = connection.joinable_rooms(user, after, limit + 1).await?;
            connection.commit().await?;
            page::cut(views, limit, |view| ByAge { room: view.room.id })
        } else {
            let (limit, after) = page::check::<ByActivity>(&query)?;
            let mut connection = self.database.reader().await?;
            let views = connection.active_rooms(user, after, limit + 1).await?;
            connection.commit().await?;
            page::cut(views, limit, |view| ByActivity { active_at: view.room.active_at, room: view.room.id })
        };
        Ok(Page { items: items.into_iter().map(room_view).collect(), next })
    }

    pub(crate) async fn update_room(
        &self,
        actor: Arc<Profile>,
        room: RoomRef,
        name: Option<RoomName>,
        slug: Option<Option<Slug>>,
    ) -> OperationResult<Changed<RoomView>> {
        self.remember([&actor]).await?;
        in_transaction!(self, "update_room", |transaction| {
            let mut change = RoomChange::begin(transaction, actor.id, &room, self.clock.now()).await?;
            require(change.actor().await?.role, Role::Owner, "owner")?;
            let name = name.clone().unwrap_or_else(|| change.room.name.clone());
            let slug = slug.clone().unwrap_or_else(|| change.room.slug.clone());
            if slug.is_some() {
                change.refuse_direct()?;
            }
            if (&name, &slug) != (&change.room.name, &change.room.slug) {
                (change.room.name, change.room.slug) = (name.clone(), slug.clone());
                let changed = RoomChanged { name, slug, deleted: false };
                change.add(None, EventBody::RoomChanged(changed)).await?;
            }
            change.finish_with_view().await
        })
    }

    pub(crate) async fn delete_room(
        &self,
        actor: Arc<Profile>,
        room: RoomRef,
    ) -> OperationResult<Changed<()>> {
        self.remember([&actor]).await?;
        in_transaction!(self, "delete_room", |transaction| {
            let mut change = RoomChange::begin(transaction, actor.id, &room, self.clock.now()).await?;
            require(change.actor().await?.role, Role::Owner, "owner")?;
            change.delete().await
        })
    }

    pub(crate) async fn resolve(
        &self,
        user: UserId,
        rooms: &[RoomRef],
        memberships: bool,
    ) -> OperationResult<Resolved> {
        if rooms.len() > NAMES_PER_CALL {
            return Err(OperationError::TooMany(NAMES_PER_CALL));
        }
        let rooms = if rooms.is_empty() { Vec::new() } else { self.database.resolve(rooms).await? };
        let mut resolved = Resolved { rooms, memberships: Vec::new() };
        if memberships {
            let mut connection = self.database.reader().await?;
            resolved.memberships = connection.memberships(user, MEMBERSHIPS_MAX).await?;
            connection.commit().await?;
        }
        Ok(resolved)
    }
}

/// The two users of a direct room, the lower id first; none for other rooms.
fn pair(actor: &Profile, new: &NewRoom) -> OperationResult<Option<(UserId, UserId)>> {
    if new.kind != RoomKind::Direct {
        return Ok(None);
    }
    if new.slug.is_some() {
        return Err(OperationError::DirectIsFixed);
    }
    match new.members.as_slice() {
        [other] => Ok(Some((actor.id.min(other.id), actor.id.max(other.id)))),
        _ => Err(OperationError::DirectNeedsOneOther),
    }
}

async fn create(
    transaction: &mut dyn Connection,
    actor: &Profile,
    members: &[Arc<Profile>],
    room: RoomRecord,
    origin: &Origin,
) -> OperationResult<Changed<RoomView>> {
    if !transaction.insert_room(&room, origin).await? {
        let Some(first) = transaction.created_before(origin).await? else {
            return Err(OperationError::SlugTaken);
        };
        let view =
            transaction.view(actor.id, &RoomRef::Id(first)).await?.ok_or(OperationError::RoomNotFound)?;
        return Ok(Changed { value: room_view(view), events: Vec::new() });
    }
    let mut change = RoomChange::of_new(transaction, actor.id, room);
    change.admit(actor.id, Role::Owner).await?;
    for member in members {
        change.admit(member.id, Role::Member).await?;
    }
    change.finish_with_view().await
}

/// Refuses a role that does not suffice.
pub(crate) fn require(role: Role, needed: Role, name: &'static str) -> OperationResult<()> {
    if role >= needed { Ok(()) } else { Err(OperationError::RoleTooLow(name)) }
}
