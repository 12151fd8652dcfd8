//! Bans and mutes.

use madang_domain::{
    AuditAction, Authority, Restriction, Role, RoomAction, Timestamp, UserId,
    event::{EventBody, Restricted, RestrictionNotice},
    limits::ROOM_RESTRICTIONS_MAX,
};
use madang_rpc::store::{BannedUser, Changed, ListBans, Member, Page, Restrict};

use super::{
    engine::Engine,
    members::{as_member, own_role},
    page::{self, MovingPage, Place},
    room_change::{RoomChange, permit, permit_against},
};
use crate::{
    error::{OperationError, OperationResult},
    store::{AuditRecord, ByBan, RestrictionRecord},
    transaction::{finish, in_transaction},
};

impl Place for ByBan {
    const LIST: &'static str = "x";

    fn parts(&self) -> String {
        format!("{:x}.{}", self.at.as_micros(), self.user.uuid().simple())
    }

    fn read(text: &str) -> Option<Self> {
        let (at, user) = text.split_once('.')?;
        Some(Self { at: page::micros(at)?, user: UserId::new(page::uuid(user)?) })
    }
}

impl Engine {
    pub(crate) async fn restrict(&self, request: Restrict) -> OperationResult<Changed<()>> {
        let Restrict { actor, authority, room, user, kind, on, until, reason } = request;
        if actor.id == user.id && authority.is_by_role() {
            return Err(OperationError::RestrictSelf);
        }
        let now = self.clock.now();
        // Events and notices tell it in milliseconds.
        let until = until.map_or(Restriction::WITHOUT_END, Timestamp::whole_milliseconds);
        if on && (until <= now || until > Restriction::WITHOUT_END) {
            return Err(OperationError::BadUntil);
        }
        self.remember([&actor, &user]).await?;
        let (actor, user) = (actor.id, user.id);
        let consent = self.consent(authority);
        in_transaction!(self, "restrict", |transaction| {
            let mut change = RoomChange::begin(transaction, actor, &room, now).await?;
            let own = own_role(&mut change, authority).await?;
            change.refuse_direct()?;
            permit(kind.action(), authority, own, change.room.flags)?;
            let member = change.member(user).await?;
            if let Some(member) = &member {
                permit_against(kind.action(), authority, own, member.role)?;
            }
            let present = change.transaction.restriction(change.room.id, kind, user).await?;
            let present = present.filter(|present| present.until > now);
            // As of mentions: who has blocked the actor finds nothing of the actor's in the inbox.
            let is_told = !consent.blockers(&mut *change.transaction, actor, &[user]).await?.contains(&user);
            let telling = Telling { is_told, bounded: authority != Authority::Site };
            if on {
                let reason = reason.clone();
                let imposed = RestrictionRecord { kind, user, actor, at: now, until, reason };
                if present.as_ref().is_some_and(|present| is_same(present, &imposed)) {
                    return change.finish(()).await;
                }
                change.impose(&imposed, present.is_none(), member, telling).await?;
                let action = match kind {
                    Restriction::Ban => AuditAction::Banned,
                    Restriction::Mute => AuditAction::Muted,
                };
                let until = Some(imposed.until).filter(|until| *until != Restriction::WITHOUT_END);
                let record = AuditRecord::new(action, actor, authority).to(user);
                change.record(AuditRecord { until, reason: imposed.reason.clone(), ..record }).await?;
            } else {
                if present.is_none() {
                    return change.finish(()).await;
                }
                change.lift(kind, user, telling).await?;
                let action = match kind {
                    Restriction::Ban => AuditAction::Unbanned,
                    Restriction::Mute => AuditAction::Unmuted,
                };
                change.record(AuditRecord::new(action, actor, authority).to(user)).await?;
            }
            change.finish(()).await
        })
    }

    pub(crate) async fn bans(&self, request: ListBans) -> OperationResult<Page<BannedUser>> {
        let ListBans { user, room, page } = request;
        let now = self.clock.now();
        // A ban that is imposed again moves up.
        let moving = MovingPage::<ByBan>::begin(&page, now)?;
        let mut connection = self.database.reader().await?;
        let outcome = async {
            let view = as_member(connection.view(user, &room).await?)?;
            let role = view.place.map_or(Role::Member, |place| place.role);
            permit(RoomAction::ReadBans, Authority::User, role, view.room.flags)?;
            let room = view.room.id;
            let mut banned = match moving.ordered() {
                Some((after, limit)) => connection.bans(room, now, after, limit).await?,
                None => Vec::new(),
            };
            let ordered = banned.len();
            if let Some((beyond, limit)) = moving.moved(ordered) {
                banned.extend(connection.bans_since(room, now, moving.since, beyond, limit).await?);
            }
            Ok((banned, ordered))
        };
        let outcome = outcome.await;
        let (banned, ordered) = finish(connection, outcome).await?;
        let place = |banned: &BannedUser| ByBan { at: banned.at, user: banned.user.id };
        let (items, next) = moving.cut(banned, ordered, false, place, |banned| banned.user.id.uuid());
        Ok(Page { items, next })
    }
}

/// How a user is told of what is imposed.
#[derive(Debug, Clone, Copy)]
struct Telling {
    is_told: bool,
    /// Whether the actor tells one user only so often.
    bounded: bool,
}

/// Whether a repeat would impose nothing else.
fn is_same(present: &RestrictionRecord, imposed: &RestrictionRecord) -> bool {
    (present.until, &present.reason) == (imposed.until, &imposed.reason)
}

impl RoomChange<'_> {
    /// Imposes something on a user, with the events and the notice that say so. `is_more`: nothing of the kind was.
    async fn impose(
        &mut self,
        imposed: &RestrictionRecord,
        is_more: bool,
        member: Option<Member>,
        telling: Telling,
    ) -> OperationResult<()> {
        let (room, user, kind) = (self.room.id, imposed.user, imposed.kind);
        if is_more {
            let most = ROOM_RESTRICTIONS_MAX;
            if self.transaction.count_restrictions(room, kind, self.now, most).await? >= most {
                return Err(OperationError::TooManyRestrictions);
            }
        }
        match kind {
            Restriction::Mute => {
                member.ok_or(OperationError::MemberNotFound)?;
                self.transaction.set_muted(room, user, Some(imposed.until)).await?;
            }
            Restriction::Ban => {
                self.transaction.take_invitation(room, user).await?;
                if let Some(member) = member {
                    // By the site's authority an owner may be banned, too.
                    self.keep_an_owner_without(&member).await?;
                    self.dismiss(user).await?;
                }
            }
        }
        self.transaction.put_restriction(room, imposed).await?;
        let until = Some(imposed.until).filter(|until| *until != Restriction::WITHOUT_END);
        self.say_restricted(kind, user, true, until).await?;
        self.tell_restricted(
            kind,
            user,
            RestrictionNotice {
                room,
                name: self.room.name.clone(),
                on: true,
                until,
                reason: imposed.reason.clone(),
            },
            telling,
        );
        Ok(())
    }

    /// Ends what is imposed on a user, with the event and the notice that say so.
    async fn lift(&mut self, kind: Restriction, user: UserId, telling: Telling) -> OperationResult<()> {
        let room = self.room.id;
        self.transaction.delete_restriction(room, kind, user).await?;
        if kind == Restriction::Mute {
            self.transaction.set_muted(room, user, None).await?;
        }
        self.say_restricted(kind, user, false, None).await?;
        let name = self.room.name.clone();
        let notice = RestrictionNotice { room, name, on: false, until: None, reason: None };
        self.tell_restricted(kind, user, notice, telling);
        Ok(())
    }

    async fn say_restricted(
        &mut self,
        kind: Restriction,
        user: UserId,
        on: bool,
        until: Option<Timestamp>,
    ) -> OperationResult<()> {
        let restricted = Restricted { on, until };
        let body = match kind {
            Restriction::Ban => EventBody::Banned(restricted),
            Restriction::Mute => EventBody::Muted(restricted),
        };
        self.add(Some(user), body).await
    }

    fn tell_restricted(
        &mut self,
        kind: Restriction,
        user: UserId,
        notice: RestrictionNotice,
        telling: Telling,
    ) {
        let body = match kind {
            Restriction::Ban => EventBody::BanNotice(notice),
            Restriction::Mute => EventBody::MuteNotice(notice),
        };
        if telling.is_told {
            self.tell(user, body, telling.bounded);
        }
    }
}
