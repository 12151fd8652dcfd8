//! A change of a room: under the room's lock, with its events, in one transaction.

use madang_domain::{
    Authority, Profile, Restriction, Role, RoomAction, RoomFlags, RoomHistory, RoomId, RoomRef, Seq, Slug,
    Timestamp, TopicId, UserId,
    event::{Event, EventBody, Invite, Joined, Left, Mention, RoleChanged, RoomChanged},
};
use madang_rpc::store::{Changed, Member, Room, RoomKind, RoomView};
use uuid::Uuid;

use super::invitations::Consent;
use crate::{
    error::{OperationError, OperationResult},
    settings::{INBOX_LATEST, INVITATIONS_OPEN_MAX, INVITATIONS_WAITING_MAX, NOTICES_ALIKE_MAX, SLUG_REST},
    store::{
        Connection, Invitation, MemberPlace, MessageRecord, NewEvent, RestingSlug, RoomRecord, Slice, View,
    },
};

/// A room that is locked, and what has happened in it in this transaction.
pub(crate) struct RoomChange<'s> {
    pub(crate) transaction: &'s mut dyn Connection,
    pub(crate) room: RoomRecord,
    actor: UserId,
    /// The head before the change: what lies after it was made here.
    before: Seq,
    /// What the clock shows; the room's own time may be later.
    pub(crate) now: Timestamp,
    /// The slug before the change.
    former_slug: Option<Slug>,
    /// What users find in their inboxes.
    notices: Vec<Notice>,
    /// Whether a slug may be taken that another owner has given up lately.
    takes_resting: bool,
}

/// What a user finds in the inbox.
struct Notice {
    user: UserId,
    body: EventBody,
    /// Whether the actor tells one user only so often, as all do but the site.
    bounded: bool,
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
        let (notices, takes_resting) = (Vec::new(), false);
        Ok(Self { transaction, room, actor, before, now, former_slug, notices, takes_resting })
    }

    /// A room that this transaction has just made, and that nobody else sees yet.
    pub(crate) fn of_new(transaction: &'s mut dyn Connection, actor: UserId, room: RoomRecord) -> Self {
        let (before, now, former_slug) = (room.head, room.active_at, room.slug.clone());
        let (notices, takes_resting) = (Vec::new(), false);
        Self { transaction, room, actor, before, now, former_slug, notices, takes_resting }
    }

    /// The actor as a member.
    pub(crate) async fn actor(&mut self) -> OperationResult<Member> {
        self.member(self.actor).await?.ok_or(OperationError::NotMember)
    }

    /// A user as a member, if one.
    pub(crate) async fn member(&mut self, user: UserId) -> OperationResult<Option<Member>> {
        Ok(self.transaction.member(self.room.id, user).await?)
    }

    /// Refuses an actor whose role does not suffice for what a user does. In a direct room both members may the same, and
    /// no role is asked where they may it: a replica of before that was so may have made one of them its owner.
    pub(crate) async fn permit(&mut self, action: RoomAction) -> OperationResult<Member> {
        let actor = self.actor().await?;
        if self.room.kind == RoomKind::Direct && action.permission().direct {
            return Ok(actor);
        }
        permit(action, Authority::User, actor.role, self.room.flags)?;
        Ok(actor)
    }

    /// The same of whoever asks: a user, or the site where there is none.
    pub(crate) async fn permit_by(
        &mut self,
        actor: Option<&Profile>,
        action: RoomAction,
    ) -> OperationResult<()> {
        match actor {
            Some(_) => self.permit(action).await.map(drop),
            None => permit(action, Authority::Site, Role::Owner, self.room.flags),
        }
    }

    /// Refuses what a member says where nobody says anything, or while the member is muted.
    pub(crate) fn may_speak(&self, member: &Member) -> OperationResult<()> {
        if self.room.flags.archived {
            return Err(OperationError::Archived);
        }
        match member.muted_until.filter(|until| *until > self.now) {
            Some(until) => Err(OperationError::Muted(until, until.since(self.now))),
            None => Ok(()),
        }
    }

    /// Refuses a message that a member does not see, as if it were none.
    pub(crate) async fn see(&mut self, member: UserId, message: Seq) -> OperationResult<()> {
        if self.room.flags.history == RoomHistory::Joined
            && message <= self.transaction.visible_after(self.room.id, member).await?
        {
            return Err(OperationError::MessageNotFound);
        }
        Ok(())
    }

    /// Until when a user is banned, if so.
    pub(crate) async fn banned_until(&mut self, user: UserId) -> OperationResult<Option<Timestamp>> {
        let ban = self.transaction.restriction(self.room.id, Restriction::Ban, user).await?;
        Ok(ban.map(|ban| ban.until).filter(|until| *until > self.now))
    }

    /// Refuses direct rooms, whose members and roles stay.
    pub(crate) fn refuse_direct(&self) -> OperationResult<()> {
        if self.room.kind == RoomKind::Direct { Err(OperationError::DirectIsFixed) } else { Ok(()) }
    }

    /// Refuses to take a member away who is the one owner of others. Who is alone may go, and leaves nobody without an owner.
    pub(crate) async fn keep_an_owner_without(&mut self, member: &Member) -> OperationResult<()> {
        if member.role == Role::Owner && self.room.member_count > 1 {
            self.keep_an_owner().await?;
        }
        Ok(())
    }

    /// Before the one owner of others goes, the oldest moderator becomes an owner, else the oldest member, else the oldest
    /// guest: a room without an owner is nobody's.
    pub(crate) async fn hand_over(&mut self, leaving: &Member) -> OperationResult<()> {
        let (room, user) = (self.room.id, leaving.user.id);
        if leaving.role != Role::Owner || self.transaction.owners(room).await? > 1 {
            return Ok(());
        }
        let Some(successor) = self.transaction.successor(room, user).await? else { return Ok(()) };
        self.transaction.set_role(&self.room, successor, Role::Owner).await?;
        self.add(Some(successor), EventBody::RoleChanged(RoleChanged { role: Role::Owner })).await
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

    /// Adds a member, with the event that says so. The new member has read up to that event.
    pub(crate) async fn admit(&mut self, user: UserId, role: Role) -> OperationResult<()> {
        self.refuse_erased(user).await?;
        self.add(Some(user), EventBody::Joined(Joined { role })).await?;
        self.room.member_count += 1;
        if self.room.flags.history == RoomHistory::Joined {
            self.room.newcomers_after = self.room.hidden_from_newcomers();
        }
        Ok(self.transaction.insert_member(&self.room, user, role, self.room.active_at).await?)
    }

    /// Refuses a user who was erased. Who is not is not erased until this transaction ends: the erasure waits for it, and
    /// then finds what it has made.
    async fn refuse_erased(&mut self, user: UserId) -> OperationResult<()> {
        let is_erased = self.transaction.is_any_erased(&[user]).await?;
        if is_erased { Err(OperationError::UserErased) } else { Ok(()) }
    }

    /// Refuses a direct room while one of its two users blocks the other.
    pub(crate) async fn refuse_blocked(&mut self) -> OperationResult<()> {
        if self.room.kind != RoomKind::Direct {
            return Ok(());
        }
        let blockers = self.transaction.blockers_in_direct(self.room.id).await?;
        // First the own block: of the other's one learns no sooner than that.
        if blockers.contains(&self.actor) {
            return Err(OperationError::OtherBlocked);
        }
        if blockers.is_empty() { Ok(()) } else { Err(OperationError::DirectRefused) }
    }

    /// Makes users members where there is consent to it, else invites them. Of a user who has blocked the actor it does
    /// neither, and does not say so: the actor is answered as if that user had declined at once. Whether all are members.
    pub(crate) async fn admit_or_invite(
        &mut self,
        users: &[UserId],
        role: Role,
        consent: Consent,
    ) -> OperationResult<bool> {
        let blockers = consent.blockers(&mut *self.transaction, self.actor, users).await?;
        let mut all = true;
        for user in users {
            all &= !blockers.contains(user) && self.admit_or_invite_one(*user, role, consent).await?;
        }
        Ok(all)
    }

    async fn admit_or_invite_one(
        &mut self,
        user: UserId,
        role: Role,
        consent: Consent,
    ) -> OperationResult<bool> {
        if consent.is_given(&mut *self.transaction, self.actor, user).await? {
            self.transaction.take_invitation(self.room.id, user).await?;
            if user != self.actor {
                self.tell_of_invitation(user, false, consent);
            }
            self.admit(user, role).await?;
            return Ok(true);
        }
        self.refuse_erased(user).await?;
        let (inviter, at) = (self.actor, self.room.active_at);
        let invitation = Invitation { room: self.room.id, user, inviter, role, at };
        if self.transaction.insert_invitation(&invitation).await? {
            let open = self.transaction.invitations_of(inviter, INVITATIONS_OPEN_MAX + 1).await?;
            if open > u64::from(INVITATIONS_OPEN_MAX) {
                return Err(OperationError::TooManyInvitations(INVITATIONS_OPEN_MAX));
            }
            let kept = INVITATIONS_WAITING_MAX - 1;
            self.transaction.drop_oldest_invitations(user, self.room.id, kept).await?;
            self.tell_of_invitation(user, true, consent);
        }
        Ok(false)
    }

    /// A user whom the actor has made a member, or invites to become one, finds an invitation.
    fn tell_of_invitation(&mut self, user: UserId, pending: bool, consent: Consent) {
        let invite = Invite { room: self.room.id, name: self.room.name.clone(), pending };
        self.tell(user, EventBody::Invite(invite), consent.authority != Authority::Site);
    }

    /// A user finds a notice of something else.
    pub(crate) fn tell(&mut self, user: UserId, body: EventBody, bounded: bool) {
        self.notices.push(Notice { user, body, bounded });
    }

    /// A user whom a message names finds a notice.
    pub(crate) fn tell_of_mention(&mut self, user: UserId, message: Seq) {
        let mention = Mention { room: self.room.id, seq: message };
        self.tell(user, EventBody::Mention(mention), false);
    }

    /// Lets another user be the one who changes the room: the site acts for the sender of a message, who is known when
    /// the message is read.
    pub(crate) fn act_for(&mut self, user: UserId) {
        self.actor = user;
    }

    /// Lets the first of the members be the one who changes the room, for whom the site acts; where nobody is left, whoever
    /// was the first in its log.
    pub(crate) async fn act_for_first(&mut self) -> OperationResult<()> {
        let room = self.room.id;
        let first = match self.transaction.successor(room, nobody()).await? {
            Some(member) => Some(member),
            None => {
                let slice = Slice { beyond: Seq::START, limit: 1, messages_only: false, floor: Seq::START };
                let log = self.transaction.events_after(room, slice).await?;
                log.events.first().map(|event| event.actor.id)
            }
        };
        self.act_for(first.ok_or(OperationError::RoomNotFound)?);
        // The site knows whose a slug was.
        self.takes_resting = true;
        Ok(())
    }

    /// Who changes the room.
    pub(crate) const fn actor_id(&self) -> UserId {
        self.actor
    }

    /// A message of the room, also a deleted one.
    pub(crate) async fn message(&mut self, message: Seq) -> OperationResult<MessageRecord> {
        let found = self.transaction.message(self.room.id, message).await?;
        found.ok_or(OperationError::MessageNotFound)
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
        let viewer = self.actor;
        self.finish_with_view_of(viewer).await
    }

    /// The same, with the room as somebody sees it afterwards: the site, which acts for a member, is no member.
    pub(crate) async fn finish_with_view_of(self, viewer: UserId) -> OperationResult<Changed<RoomView>> {
        let (actor, room) = (self.actor, RoomRef::Id(self.room.id));
        let Self { transaction, room: record, before, now, former_slug, notices, takes_resting, .. } = self;
        let transaction = &mut *transaction;
        let change = RoomChange {
            transaction: &mut *transaction,
            room: record,
            actor,
            before,
            now,
            former_slug,
            notices,
            takes_resting,
        };
        let events = change.save().await?;
        let view = transaction.view(viewer, &room).await?.ok_or(OperationError::RoomNotFound)?;
        Ok(Changed { value: room_view(view), events })
    }

    /// Hides the room from the actor's list until its next message.
    pub(crate) async fn hide(self) -> OperationResult<Changed<()>> {
        self.transaction.set_hidden(self.room.id, self.actor, Some(self.room.messages)).await?;
        self.finish(()).await
    }

    /// Deletes the room. The deletion is the last event of its log and stays with the log as its tombstone.
    /// So a gateway to which the event was not published finds it.
    pub(crate) async fn delete(mut self) -> OperationResult<Changed<()>> {
        let (name, slug) = (self.room.name.clone(), self.room.slug.clone());
        let (flags, details) = (self.room.flags, self.room.details.clone());
        let changed = RoomChanged { name, slug, flags, details, deleted: true };
        self.add(None, EventBody::RoomChanged(changed)).await?;
        let events = self.added().await?;
        self.transaction.delete_room(&self.room).await?;
        self.room.slug = None;
        self.change_slug().await?;
        Ok(Changed { value: (), events })
    }

    /// The events of this transaction.
    async fn added(&mut self) -> OperationResult<Vec<Event>> {
        let limit = u32::try_from(self.room.head.since(self.before)).unwrap_or(u32::MAX);
        let slice = Slice { beyond: self.before, limit, messages_only: false, floor: Seq::START };
        // One page: the events of a change say little.
        Ok(self.transaction.events_after(self.room.id, slice).await?.events)
    }

    async fn save(mut self) -> OperationResult<Vec<Event>> {
        if self.room.head == self.before {
            return self.notify().await;
        }
        if !self.transaction.save_room(&self.room).await? {
            return Err(OperationError::SlugTaken);
        }
        self.change_slug().await?;
        let mut events = self.added().await?;
        let notices = self.notify().await?;
        events.extend(notices);
        Ok(events)
    }

    /// Where the slug is another than before: notes that the former one was given up, and refuses one that rests.
    async fn change_slug(&mut self) -> OperationResult<()> {
        if self.room.slug == self.former_slug {
            return Ok(());
        }
        let (room, owner, now) = (self.room.id, self.actor, self.room.active_at);
        if let Some(slug) = self.room.slug.as_ref().filter(|_| !self.takes_resting) {
            check_rest(&mut *self.transaction, slug, room, owner, now).await?;
        }
        if let Some(slug) = self.former_slug.take() {
            self.transaction.rest_slug(&RestingSlug { slug, room, owner, since: now }).await?;
        }
        Ok(())
    }

    /// Puts the notices into the inboxes of their users. Last, and in the order of users: inboxes are locked after rooms,
    /// and in that order.
    async fn notify(mut self) -> OperationResult<Vec<Event>> {
        let mut events = Vec::with_capacity(self.notices.len());
        if self.notices.is_empty() {
            return Ok(events);
        }
        let mut notices = std::mem::take(&mut self.notices);
        notices.sort_by_key(|notice| notice.user);
        let users: Vec<UserId> = notices.iter().map(|notice| notice.user).collect();
        // Rarely any: an inbox that is erased is not begun anew.
        let erased = self.transaction.erased_among(&users).await?;
        notices.retain(|notice| !erased.contains(&notice.user));
        let actor = self.transaction.profile(self.actor).await?;
        if let Some((users, body)) = told_alike(&notices) {
            let now = self.room.active_at;
            let told = self.transaction.insert_notices(&users, self.actor, &body, now).await?;
            events.extend(told.into_iter().map(|(user, seq, at)| {
                let (topic, actor) = (TopicId::Inbox(user), actor.clone());
                Event { topic, seq, at, actor, subject: None, body: body.clone() }
            }));
            return Ok(events);
        }
        for notice in notices {
            if !self.is_to_be_told(&notice).await? {
                continue;
            }
            let Notice { user, body, .. } = notice;
            let now = self.room.active_at;
            let (seq, at) = self.transaction.insert_notice(user, self.actor, &body, None, now).await?;
            let (topic, actor) = (TopicId::Inbox(user), actor.clone());
            events.push(Event { topic, seq, at, actor, subject: None, body });
        }
        Ok(events)
    }

    /// Of users whom a text names, those who are members and not its sender.
    pub(crate) async fn members_among(
        &mut self,
        named: &[UserId],
        sender: UserId,
    ) -> OperationResult<Vec<UserId>> {
        let mut present = Vec::with_capacity(named.len());
        for user in named.iter().filter(|user| **user != sender) {
            if self.member(*user).await?.is_some() {
                present.push(*user);
            }
        }
        Ok(present)
    }

    /// Whether an inbox has room for one more notice of this kind by this actor. Who was made a member beyond that finds
    /// the room in the list of rooms alone; whom nothing would tell of an invitation is not invited.
    async fn is_to_be_told(&mut self, notice: &Notice) -> OperationResult<bool> {
        let Notice { user, body, bounded } = notice;
        if !bounded {
            return Ok(true);
        }
        // Under the lock, so that invitations at once are counted one after the other.
        self.transaction.lock_inbox(*user, self.room.active_at).await?;
        let alike = self.transaction.notices_alike(*user, self.actor, body, INBOX_LATEST).await?;
        if alike < u64::from(NOTICES_ALIKE_MAX) {
            return Ok(true);
        }
        match body {
            EventBody::Invite(Invite { pending: true, .. }) => {
                Err(OperationError::InvitedOften(NOTICES_ALIKE_MAX, INBOX_LATEST))
            }
            _ => Ok(false),
        }
    }
}

/// The users of notices, each once, where all say the same and none is bounded: as those of a message's mentions.
fn told_alike(notices: &[Notice]) -> Option<(Vec<UserId>, EventBody)> {
    let body = &notices.first()?.body;
    let is_alike = notices.iter().all(|notice| !notice.bounded && notice.body == *body)
        && notices.windows(2).all(|pair| pair[0].user != pair[1].user);
    is_alike.then(|| (notices.iter().map(|notice| notice.user).collect(), body.clone()))
}

/// Whose view the site has: that of nobody.
pub(crate) const fn nobody() -> UserId {
    UserId::new(Uuid::nil())
}

/// Refuses a role that does not suffice for an action, and what the site's authority does not reach.
pub(crate) fn permit(
    action: RoomAction,
    authority: Authority,
    role: Role,
    flags: RoomFlags,
) -> OperationResult<()> {
    if action.is_permitted(authority, role, flags) {
        Ok(())
    } else {
        Err(OperationError::RoleTooLow(action.permission().least.as_str()))
    }
}

/// Refuses an action against a member whose role is not a lesser one, where it needs to be.
pub(crate) fn permit_against(
    action: RoomAction,
    authority: Authority,
    role: Role,
    target: Role,
) -> OperationResult<()> {
    if action.is_permitted_against(authority, role, target) {
        Ok(())
    } else {
        Err(OperationError::RoleTooLow("one above the member's"))
    }
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
        flags: record.flags,
        details: record.details,
    }
}
