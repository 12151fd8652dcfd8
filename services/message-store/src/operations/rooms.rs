//! Rooms: making, finding, changing and deleting them.

use std::sync::Arc;

use madang_domain::{
    AuditAction, Profile, Role, RoomAction, RoomDetails, RoomFlags, RoomId, RoomRef, Seq, Timestamp, UserId,
    event::{EventBody, RoomChanged},
    limits,
};
use madang_kit::clock::new_id;
use madang_rpc::store::{
    Authority, Changed, DeleteRoom, ListRooms, NewRoom, Page, PageQuery, Resolved, RoomKind, RoomView,
    UpdateRoom,
};

use super::{
    engine::Engine,
    invitations::Consent,
    page::{self, MovingPage, Place},
    room_change::{RoomChange, check_rest, nobody, room_view},
};
use crate::{
    error::{OperationError, OperationResult},
    settings::{MEMBERSHIPS_MAX, NAMES_PER_CALL},
    store::{AuditRecord, ByActivity, ByAge, Connection, Origin, RoomPage, RoomRecord, View},
    transaction::in_transaction,
};

impl Place for ByActivity {
    const LIST: &'static str = "a";

    fn parts(&self) -> String {
        format!("{:x}.{}", self.activity.as_micros(), self.room.uuid().simple())
    }

    fn read(text: &str) -> Option<Self> {
        let (at, room) = text.split_once('.')?;
        Some(Self { activity: page::micros(at)?, room: RoomId::new(page::uuid(room)?) })
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
        authority: Authority,
        mut new: NewRoom,
    ) -> OperationResult<Changed<RoomView>> {
        new.members.retain(|member| member.id != actor.id);
        new.members.sort_by_key(|member| member.id);
        new.members.dedup_by_key(|member| member.id);
        if new.unnamed && new.kind == RoomKind::Public {
            return Err(OperationError::PublicNeedsName);
        }
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
            flags: RoomFlags::default(),
            details: RoomDetails { unnamed: new.unnamed, ..RoomDetails::default() },
            newcomers_after: Seq::START,
        };
        self.remember(new.members.iter().chain([&actor])).await?;
        let consent = self.consent(authority);
        in_transaction!(self, "create_room", |transaction| {
            create(transaction, &actor, consent, &new.members, room.clone(), &origin).await
        })
    }

    /// A room as a user sees it, or as the site does.
    pub(crate) async fn room(&self, user: Option<UserId>, room: RoomRef) -> OperationResult<RoomView> {
        let mut connection = self.database.reader().await?;
        let view = connection.view(user.unwrap_or(nobody()), &room).await?;
        connection.commit().await?;
        let view = view.ok_or(OperationError::RoomNotFound)?;
        if user.is_some() {
            check_visible(&view)?;
        }
        Ok(room_view(view))
    }

    /// The rooms of a user, or those that the user may join; or all, for the site.
    pub(crate) async fn rooms(&self, request: ListRooms) -> OperationResult<Page<RoomView>> {
        let ListRooms { user, joinable, text, page: query } = request;
        let Some(user) = user else { return self.all_rooms(query).await };
        let (items, next) = if joinable {
            let (limit, after) = page::check::<ByAge>(&query)?;
            let mut connection = self.database.reader().await?;
            let views = connection.joinable_rooms(user, text.as_ref(), after, limit + 1).await?;
            connection.commit().await?;
            // Who is no member is told no message: such rooms are small.
            page::cut(views, limit, false, |view| ByAge { room: view.room.id })
        } else {
            let moving = MovingPage::<ByActivity>::begin(&query, self.clock.now())?;
            let mut connection = self.database.reader().await?;
            let RoomPage { rooms: mut views, mut is_cut } = match moving.ordered() {
                Some((after, limit)) => connection.active_rooms(user, after, limit).await?,
                None => RoomPage::default(),
            };
            let ordered = views.len();
            // Where the page is full, what has moved is of a later one.
            if let Some((beyond, limit)) = moving.moved(ordered).filter(|_| !is_cut) {
                let moved = connection.rooms_active_since(user, moving.since, beyond, limit).await?;
                views.extend(moved.rooms);
                is_cut = moved.is_cut;
            }
            connection.commit().await?;
            let place = |view: &View| ByActivity { activity: view.activity, room: view.room.id };
            moving.cut(views, ordered, is_cut, place, |view| view.room.id.uuid())
        };
        Ok(Page { items: items.into_iter().map(room_view).collect(), next })
    }

    async fn all_rooms(&self, query: PageQuery) -> OperationResult<Page<RoomView>> {
        let (limit, after) = page::check::<ByAge>(&query)?;
        let mut connection = self.database.reader().await?;
        let views = connection.all_rooms(after, limit + 1).await?;
        connection.commit().await?;
        let (items, next) = page::cut(views, limit, false, |view| ByAge { room: view.room.id });
        Ok(Page { items: items.into_iter().map(room_view).collect(), next })
    }

    pub(crate) async fn update_room(&self, request: UpdateRoom) -> OperationResult<Changed<RoomView>> {
        let UpdateRoom { actor, authority, room, name, slug, flags, details } = request;
        let is_named = name.is_some() && details.unnamed != Some(true);
        if flags.slow_mode_s.is_some_and(|pause| pause > limits::SLOW_MODE_MAX_S) {
            return Err(OperationError::BadSlowMode);
        }
        if flags.edit_window_s.is_some_and(|window| window > limits::EDIT_WINDOW_MAX_S) {
            return Err(OperationError::BadEditWindow);
        }
        self.remember(&actor).await?;
        in_transaction!(self, "update_room", |transaction| {
            let mut change = begin(transaction, actor.as_deref(), &room, self.clock.now()).await?;
            if !flags.is_empty() || details.is_of_no_direct() {
                if actor.is_some() {
                    change.actor().await?;
                }
                change.refuse_direct()?;
            }
            // Who changes nothing is asked as who changes the name.
            if name.is_some() || slug.is_some() || !details.is_empty() || flags.is_empty() {
                change.permit_by(actor.as_deref(), RoomAction::ChangeRoom).await?;
            }
            if flags.is_of_owners() {
                change.permit_by(actor.as_deref(), RoomAction::ChangeFlags).await?;
            }
            if flags.slow_mode_s.is_some() {
                change.permit_by(actor.as_deref(), RoomAction::SetSlowMode).await?;
            }
            // A name says something, too.
            if actor.is_some() {
                change.refuse_blocked().await?;
            }
            let flags = flags.applied_to(change.room.flags);
            let name = name.clone().unwrap_or_else(|| change.room.name.clone());
            let slug = slug.clone().unwrap_or_else(|| change.room.slug.clone());
            if slug.is_some() {
                change.refuse_direct()?;
            }
            let mut details = details.applied_to(&change.room.details);
            // A room that is given a name has one.
            details.unnamed &= !is_named;
            if details.unnamed && change.room.kind == RoomKind::Public {
                return Err(OperationError::PublicNeedsName);
            }
            let room = &mut change.room;
            if (&name, &slug, flags, &details) != (&room.name, &room.slug, room.flags, &room.details) {
                (room.name, room.slug) = (name.clone(), slug.clone());
                (room.flags, room.details) = (flags, details.clone());
                let changed = RoomChanged { name, slug, flags, details, deleted: false };
                change.add(None, EventBody::RoomChanged(changed)).await?;
                // In a direct room nobody is more than the other.
                if change.room.kind != RoomKind::Direct {
                    let authority = actor.as_ref().map_or(Authority::Site, |_| authority);
                    let record = AuditRecord::new(AuditAction::RoomChanged, change.actor_id(), authority);
                    change.record(record).await?;
                }
            }
            // The site is answered as when it reads the room, not as the member for whom it acts.
            change.finish_with_view_of(actor.as_ref().map_or(nobody(), |actor| actor.id)).await
        })
    }

    pub(crate) async fn delete_room(&self, request: DeleteRoom) -> OperationResult<Changed<()>> {
        // Nothing is recorded: the record goes with the room.
        let DeleteRoom { actor, authority: _, room } = request;
        self.remember(&actor).await?;
        in_transaction!(self, "delete_room", |transaction| {
            let mut change = begin(transaction, actor.as_deref(), &room, self.clock.now()).await?;
            change.permit_by(actor.as_deref(), RoomAction::DeleteRoom).await?;
            // Neither of the two takes from the other what was said. The site may.
            if change.room.kind == RoomKind::Direct && actor.is_some() {
                change.hide().await
            } else {
                change.delete().await
            }
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
        let mut resolved = Resolved { rooms, ..Resolved::default() };
        if memberships {
            let mut connection = self.database.reader().await?;
            (resolved.memberships, resolved.memberships_total) =
                connection.memberships(user, MEMBERSHIPS_MAX).await?;
            connection.commit().await?;
        }
        Ok(resolved)
    }
}

/// A change of a room by a user, or by the site as the first of its members.
async fn begin<'s>(
    transaction: &'s mut dyn Connection,
    actor: Option<&Profile>,
    room: &RoomRef,
    now: Timestamp,
) -> OperationResult<RoomChange<'s>> {
    let of = actor.map_or(nobody(), |actor| actor.id);
    let mut change = RoomChange::begin(transaction, of, room, now).await?;
    if actor.is_none() {
        change.act_for_first().await?;
    }
    Ok(change)
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
    consent: Consent,
    members: &[Arc<Profile>],
    room: RoomRecord,
    origin: &Origin,
) -> OperationResult<Changed<RoomView>> {
    if !transaction.insert_room(&room, origin).await? {
        let Some(first) = transaction.created_before(origin).await? else {
            return Err(OperationError::SlugTaken);
        };
        return created_before(transaction, actor, consent, members, first, room.created_at).await;
    }
    // By the site's word a slug is taken without its rest: the site knows whose it was.
    if let Some(slug) = room.slug.as_ref().filter(|_| consent.authority.is_by_role()) {
        check_rest(transaction, slug, room.id, actor.id, room.created_at).await?;
    }
    // The two of a direct room may the same.
    let creator = if room.kind == RoomKind::Direct { Role::Member } else { Role::Owner };
    let mut change = RoomChange::of_new(transaction, actor.id, room);
    if consent.authority.is_by_role() {
        change.refuse_blocked().await?;
    }
    change.admit(actor.id, creator).await?;
    let members: Vec<UserId> = members.iter().map(|member| member.id).collect();
    change.admit_or_invite(&members, Role::Member, consent).await?;
    change.finish_with_view_of(viewer(actor, consent)).await
}

/// Whose view of a new room is answered: the site makes rooms for their owners, and sees none of a member's place in them.
fn viewer(actor: &Profile, consent: Consent) -> UserId {
    if consent.authority.is_by_role() { actor.id } else { nobody() }
}

/// The room that the creation made when it was new, as the actor may see it: who has left it since is told no more of
/// it than any other user.
async fn created_before(
    transaction: &mut dyn Connection,
    actor: &Profile,
    consent: Consent,
    members: &[Arc<Profile>],
    room: RoomId,
    now: Timestamp,
) -> OperationResult<Changed<RoomView>> {
    let viewer = viewer(actor, consent);
    let view = transaction.view(viewer, &RoomRef::Id(room)).await?.ok_or(OperationError::RoomNotFound)?;
    if view.room.kind == RoomKind::Direct {
        return open_direct(transaction, actor, consent, members, room, now).await;
    }
    if consent.authority.is_by_role() {
        check_visible(&view)?;
    }
    Ok(Changed { value: room_view(view), events: Vec::new() })
}

/// Opens the direct room that is there: shows it to the actor again, and lets in those of the two who are no members yet.
async fn open_direct(
    transaction: &mut dyn Connection,
    actor: &Profile,
    consent: Consent,
    members: &[Arc<Profile>],
    room: RoomId,
    now: Timestamp,
) -> OperationResult<Changed<RoomView>> {
    let mut change = RoomChange::begin(transaction, actor.id, &room.into(), now).await?;
    if consent.authority.is_by_role() {
        change.refuse_blocked().await?;
    }
    let mut absent = Vec::new();
    for user in members.iter().map(|member| member.id).chain([actor.id]) {
        if change.member(user).await?.is_none() {
            absent.push(user);
        }
    }
    change.admit_or_invite(&absent, Role::Member, consent).await?;
    change.transaction.set_hidden(room, actor.id, None).await?;
    change.finish_with_view_of(viewer(actor, consent)).await
}

/// Refuses to show a private or direct room to who is not a member.
fn check_visible(view: &View) -> OperationResult<()> {
    if view.place.is_some() || view.room.kind == RoomKind::Public {
        Ok(())
    } else {
        Err(OperationError::NotMember)
    }
}
