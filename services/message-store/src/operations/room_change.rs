//! A change of a room: under the room's lock, with its events, in one transaction.

use madang_domain::{
    Role, RoomId, RoomRef, Seq, Slug, Timestamp, TopicId, UserId,
    event::{Event, EventBody, Invite, Joined, Left, RoomChanged},
};
use madang_rpc::store::{Changed, Member, Room, RoomKind, RoomView};

use super::invitations::Consent;
use crate::{
    error::{OperationError, OperationResult},
    settings::{INVITATIONS_OPEN_MAX, SLUG_REST},
    store::{Connection, Invitation, MemberPlace, NewEvent, RestingSlug, RoomRecord, Slice, View},
};

/// A room that is locked, and what has happened in it in this transaction.
pub(crate) struct RoomChange<'s> {
    pub(crate) transaction: &'s mut dyn Connection,
    pub(crate) room: RoomRecord,
    actor: UserId,
    /// The head before the change: what lies after it was made here.
    before: Seq,
    /// The slug before the change.
    former_slug: Option<Slug>,
    /// Whom the actor has made members, or invited to become that: they find an invitation.
    invited: Vec<Invited>,
}

/// Somebody who finds an invitation.
struct Invited {
    user: UserId,
    /// No member yet.
    pending: bool,
}

impl<'s> RoomChange<'s> {
    /// Locks the room.
    pub(crate) async fn begin(
        transaction: &'s mut dyn Connection,
        actor: UserId,
        room: &RoomRef,
        now: Timestamp,
    ) -> OperationResult<Self> {
        let locked = transaction.lock_room(room).await?;
        let mut room = locked.ok_or(OperationError::RoomNotFound)?;
        // Time never goes back in a room, whatever the replicas' clocks say.
        room.active_at = room.active_at.max(now);
        let (before, former_slug) = (room.head, room.slug.clone());
        Ok(Self { transaction, room, actor, before, former_slug, invited: Vec::new() })
    }

    /// A room that this transaction has just made, and that nobody else sees yet.
    pub(crate) fn of_new(transaction: &'s mut dyn Connection, actor: UserId, room: RoomRecord) -> Self {
        let (before, former_slug) = (room.head, room.slug.clone());
        Self { transaction, room, actor, before, former_slug, invited: Vec::new() }
    }

    /// The actor as a member.
    pub(crate) async fn actor(&mut self) -> OperationResult<Member> {
        self.member(self.actor).await?.ok_or(OperationError::NotMember)
    }

    /// A user as a member, if one.
    pub(crate) async fn member(&mut self, user: UserId) -> OperationResult<Option<Member>> {
        Ok(self.transaction.member(self.room.id, user).await?)
    }

    /// Refuses an actor whose role does not suffice. In a direct room both members may the same, and no role is asked:
    /// a replica of before that was so may have made one of them its owner.
    pub(crate) async fn require(&mut self, needed: Role, name: &'static str) -> OperationResult<()> {
        let role = self.actor().await?.role;
        if self.room.kind == RoomKind::Direct { Ok(()) } else { require(role, needed, name) }
    }

    /// Refuses direct rooms, whose members and roles stay.
    pub(crate) fn refuse_direct(&self) -> OperationResult<()> {
        if self.room.kind == RoomKind::Direct { Err(OperationError::DirectIsFixed) } else { Ok(()) }
    }

    /// Refuses to make the one owner less than that.
    pub(crate) async fn keep_an_owner(&mut self) -> OperationResult<()> {
        if self.transaction.owners(self.room.id).await? <= 1 {
            return Err(OperationError::LastOwner);
        }
        Ok(())
    }

    /// Adds an event at the next place; the subject is the user whom it is about.
    pub(crate) async fn add(&mut self, subject: Option<UserId>, body: EventBody) -> OperationResult<()> {
        self.room.head = self.room.head.next();
        let event = NewEvent { actor: self.actor, subject, body };
        Ok(self.transaction.insert_event(&self.room, &event).await?)
    }

    /// Adds a member, with the event that says so; one whom another adds is told. The new member has read up to
    /// that event.
    pub(crate) async fn admit(&mut self, user: UserId, role: Role) -> OperationResult<()> {
        if user != self.actor {
            self.invited.push(Invited { user, pending: false });
        }
        self.add(Some(user), EventBody::Joined(Joined { role })).await?;
        self.room.member_count += 1;
        Ok(self.transaction.insert_member(&self.room, user, role, self.room.active_at).await?)
    }

    /// Makes another user a member where there is consent to it, else invites the user. Whether the user is a member.
    pub(crate) async fn admit_or_invite(
        &mut self,
        user: UserId,
        role: Role,
        consent: Consent,
    ) -> OperationResult<bool> {
        if consent.is_given(&mut *self.transaction, self.actor, user).await? {
            self.transaction.take_invitation(self.room.id, user).await?;
            self.admit(user, role).await?;
            return Ok(true);
        }
        let (inviter, at) = (self.actor, self.room.active_at);
        let invitation = Invitation { room: self.room.id, user, inviter, role, at };
        if self.transaction.insert_invitation(&invitation).await? {
            let open = self.transaction.invitations_of(inviter, INVITATIONS_OPEN_MAX + 1).await?;
            if open > u64::from(INVITATIONS_OPEN_MAX) {
                return Err(OperationError::TooManyInvitations(INVITATIONS_OPEN_MAX));
            }
            self.invited.push(Invited { user, pending: true });
        }
        Ok(false)
    }

    /// Removes a member, with the event that says so.
    pub(crate) async fn dismiss(&mut self, user: UserId) -> OperationResult<()> {
        self.transaction.delete_member(self.room.id, user).await?;
        self.room.member_count -= 1;
        self.add(Some(user), EventBody::Left(Left {})).await
    }

    /// Writes the room back, and reads the events of this transaction as every reader will see them.
    pub(crate) async fn finish<T>(self, value: T) -> OperationResult<Changed<T>> {
        let events = self.save().await?;
        Ok(Changed { value, events })
    }

    /// The same, with the room as the actor sees it afterwards.
    pub(crate) async fn finish_with_view(self) -> OperationResult<Changed<RoomView>> {
        let (actor, room) = (self.actor, RoomRef::Id(self.room.id));
        let Self { transaction, room: record, before, former_slug, invited, .. } = self;
        let transaction = &mut *transaction;
        let change =
            RoomChange { transaction: &mut *transaction, room: record, actor, before, former_slug, invited };
        let events = change.save().await?;
        let view = transaction.view(actor, &room).await?.ok_or(OperationError::RoomNotFound)?;
        Ok(Changed { value: room_view(view), events })
    }

    /// Hides the room from the actor's list until its next message.
    pub(crate) async fn hide(self) -> OperationResult<Changed<()>> {
        self.transaction.set_hidden(self.room.id, self.actor, Some(self.room.messages)).await?;
        self.finish(()).await
    }

    /// Deletes the room. The last event of its log says so, and stays with the log as its tombstone, so that a
    /// gateway to which the event was not published finds it.
    pub(crate) async fn delete(mut self) -> OperationResult<Changed<()>> {
        let (name, slug) = (self.room.name.clone(), self.room.slug.clone());
        self.add(None, EventBody::RoomChanged(RoomChanged { name, slug, deleted: true })).await?;
        let events = self.added().await?;
        self.transaction.delete_room(&self.room).await?;
        self.room.slug = None;
        self.change_slug().await?;
        Ok(Changed { value: (), events })
    }

    /// The events of this transaction.
    async fn added(&mut self) -> OperationResult<Vec<Event>> {
        let limit = u32::try_from(self.room.head.since(self.before)).unwrap_or(u32::MAX);
        let slice = Slice { beyond: self.before, limit, messages_only: false };
        Ok(self.transaction.events_after(self.room.id, slice).await?)
    }

    async fn save(mut self) -> OperationResult<Vec<Event>> {
        if self.room.head == self.before {
            return self.invite().await;
        }
        if !self.transaction.save_room(&self.room).await? {
            return Err(OperationError::SlugTaken);
        }
        self.change_slug().await?;
        let mut events = self.added().await?;
        let invitations = self.invite().await?;
        events.extend(invitations);
        Ok(events)
    }

    /// Where the slug is another than before: notes that the former one was given up, and refuses one that rests.
    async fn change_slug(&mut self) -> OperationResult<()> {
        if self.room.slug == self.former_slug {
            return Ok(());
        }
        let (room, owner, now) = (self.room.id, self.actor, self.room.active_at);
        if let Some(slug) = &self.room.slug {
            check_rest(&mut *self.transaction, slug, room, owner, now).await?;
        }
        if let Some(slug) = self.former_slug.take() {
            self.transaction.rest_slug(&RestingSlug { slug, room, owner, since: now }).await?;
        }
        Ok(())
    }

    /// Puts an invitation into the inbox of each who was made a member. Last, and in the order of users: inboxes
    /// are locked after rooms, and in that order.
    async fn invite(mut self) -> OperationResult<Vec<Event>> {
        self.invited.sort_unstable_by_key(|invited| invited.user);
        let mut invitations = Vec::with_capacity(self.invited.len());
        if self.invited.is_empty() {
            return Ok(invitations);
        }
        let actor = self.transaction.profile(self.actor).await?;
        for Invited { user, pending } in self.invited {
            let body =
                EventBody::Invite(Invite { room: self.room.id, name: self.room.name.clone(), pending });
            let now = self.room.active_at;
            let (seq, at) = self.transaction.insert_notice(user, self.actor, &body, None, now).await?;
            let (topic, actor) = (TopicId::Inbox(user), actor.clone());
            invitations.push(Event { topic, seq, at, actor, subject: None, body });
        }
        Ok(invitations)
    }
}

/// Refuses a role that does not suffice.
pub(crate) fn require(role: Role, needed: Role, name: &'static str) -> OperationResult<()> {
    if role >= needed { Ok(()) } else { Err(OperationError::RoleTooLow(name)) }
}

/// Refuses a slug that another owner has given up lately. To be asked after the slug was taken: whoever gives it up at the
/// same time has committed by then, since a slug is unique.
pub(crate) async fn check_rest(
    transaction: &mut dyn Connection,
    slug: &Slug,
    room: RoomId,
    owner: UserId,
    now: Timestamp,
) -> OperationResult<()> {
    if transaction.slug_rests(slug, room, owner, now.minus(SLUG_REST)).await? {
        return Err(OperationError::SlugRests(SLUG_REST));
    }
    Ok(())
}

/// A room as a user is shown it.
pub(crate) fn room_view(view: View) -> RoomView {
    let membership = view.place.as_ref().map(MemberPlace::membership);
    RoomView { room: room(view.room), membership, last_message: view.last_message }
}

/// A room as it is shown.
fn room(record: RoomRecord) -> Room {
    Room {
        id: record.id,
        kind: record.kind,
        name: record.name,
        slug: record.slug,
        external_id: record.external_id,
        created_at: record.created_at,
        head: record.head,
        member_count: record.member_count,
    }
}
