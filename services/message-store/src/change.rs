//! A change of a room: under the room's lock, with its events, in one transaction.

use madang_domain::{RoomRef, Seq, Timestamp, TopicId, UserId};
use madang_rpc::{
    event::{Event, EventBody, Notice, Role},
    store::{Changed, Member, Room, RoomKind, RoomView},
};

use crate::{
    error::{OperationError, OperationResult},
    store::{MemberPlace, NewEvent, NewEventKind, RoomRecord, Session, Slice, View},
};

/// A room that is locked, and what has happened in it in this transaction.
pub(crate) struct Change<'s> {
    pub(crate) session: &'s mut dyn Session,
    pub(crate) room: RoomRecord,
    actor: UserId,
    /// The head before the change: what lies after it was made here.
    before: Seq,
    /// Whom the actor has made members: they find an invitation.
    invited: Vec<UserId>,
}

impl<'s> Change<'s> {
    /// Locks the room.
    pub(crate) async fn begin(
        session: &'s mut dyn Session,
        actor: UserId,
        room: &RoomRef,
        now: Timestamp,
    ) -> OperationResult<Self> {
        let locked = session.lock_room(room).await?;
        let mut room = locked.ok_or(OperationError::RoomNotFound)?;
        // Time never goes back in a room, whatever the replicas' clocks say.
        room.active_at = room.active_at.max(now);
        let before = room.head;
        Ok(Self { session, room, actor, before, invited: Vec::new() })
    }

    /// A room that this transaction has just made, and that nobody else sees yet.
    pub(crate) fn of_new(session: &'s mut dyn Session, actor: UserId, room: RoomRecord) -> Self {
        let before = room.head;
        Self { session, room, actor, before, invited: Vec::new() }
    }

    /// The actor as a member.
    pub(crate) async fn actor(&mut self) -> OperationResult<Member> {
        self.member(self.actor).await?.ok_or(OperationError::NotMember)
    }

    /// A user as a member, if one.
    pub(crate) async fn member(&mut self, user: UserId) -> OperationResult<Option<Member>> {
        Ok(self.session.member(self.room.id, user).await?)
    }

    /// Refuses direct rooms, whose members and roles stay.
    pub(crate) fn refuse_direct(&self) -> OperationResult<()> {
        if self.room.kind == RoomKind::Direct { Err(OperationError::DirectIsFixed) } else { Ok(()) }
    }

    /// Refuses to make the one owner less than that.
    pub(crate) async fn keep_an_owner(&mut self) -> OperationResult<()> {
        if self.session.owners(self.room.id).await? <= 1 {
            return Err(OperationError::LastOwner);
        }
        Ok(())
    }

    /// Adds an event at the next place.
    pub(crate) async fn add(&mut self, kind: NewEventKind) -> OperationResult<()> {
        self.room.head = self.room.head.next();
        let event = NewEvent { actor: self.actor, kind };
        Ok(self.session.insert_event(&self.room, &event).await?)
    }

    /// Adds a member, with the event that says so; one whom another adds is told. The new member has read up to
    /// that event.
    pub(crate) async fn admit(&mut self, user: UserId, role: Role) -> OperationResult<()> {
        if user != self.actor {
            self.invited.push(user);
        }
        self.add(NewEventKind::Joined { user, role }).await?;
        self.room.member_count += 1;
        Ok(self.session.insert_member(&self.room, user, role, self.room.active_at).await?)
    }

    /// Removes a member, with the event that says so.
    pub(crate) async fn dismiss(&mut self, user: UserId) -> OperationResult<()> {
        self.session.delete_member(self.room.id, user).await?;
        self.room.member_count -= 1;
        self.add(NewEventKind::Left { user }).await
    }

    /// Writes the room back, and reads the events of this transaction as every reader will see them.
    pub(crate) async fn finish<T>(self, value: T) -> OperationResult<Changed<T>> {
        let events = self.save().await?;
        Ok(Changed { value, events })
    }

    /// The same, with the room as the actor sees it afterwards.
    pub(crate) async fn finish_with_view(self) -> OperationResult<Changed<RoomView>> {
        let (actor, room) = (self.actor, RoomRef::Id(self.room.id));
        let Self { session, room: record, before, invited, .. } = self;
        let events = Change { session: &mut *session, room: record, actor, before, invited }.save().await?;
        let view = session.view(actor, &room).await?.ok_or(OperationError::RoomNotFound)?;
        Ok(Changed { value: room_view(view), events })
    }

    async fn save(self) -> OperationResult<Vec<Event>> {
        let added = self.room.head.since(self.before);
        if added == 0 {
            return Ok(Vec::new());
        }
        if !self.session.save_room(&self.room).await? {
            return Err(OperationError::SlugTaken);
        }
        let limit = u32::try_from(added).unwrap_or(u32::MAX);
        let slice = Slice { beyond: self.before, limit, messages_only: false };
        let mut events = self.session.events_after(self.room.id, slice).await?;
        let invitations = self.invite(&events).await?;
        events.extend(invitations);
        Ok(events)
    }

    /// Puts an invitation into the inbox of each who was made a member. Last, and in the order of users: inboxes
    /// are locked after rooms, and in that order.
    async fn invite(mut self, events: &[Event]) -> OperationResult<Vec<Event>> {
        self.invited.sort_unstable();
        // As the events of this change show the actor.
        let Some(actor) = events.first().map(|event| &event.actor) else { return Ok(Vec::new()) };
        let mut invitations = Vec::with_capacity(self.invited.len());
        for user in self.invited {
            let notice = Notice::Invite { room: self.room.id, name: self.room.name.clone() };
            let placed = self.session.insert_notice(user, self.actor, &notice, self.room.active_at).await?;
            let (topic, actor, body) = (TopicId::Inbox(user), actor.clone(), EventBody::Notice(notice));
            invitations.push(Event { topic, seq: placed.0, at: placed.1, actor, body });
        }
        Ok(invitations)
    }
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
