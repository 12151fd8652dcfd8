//! The table of permissions, walked: every role, every action, by the user, by the site, and by the site as the user.

use std::sync::Arc;

use madang_domain::{
    Code, Emoji, Error, Profile, ReportStatus, Restriction, Result, Role, RoomAction, RoomDetailChanges,
    RoomFlagChanges, RoomHistory, RoomId, RoomName, RoomRef, Seq, Target,
};
use madang_message_store::Service;
use madang_rpc::{
    MessageStore as _,
    store::{
        Append, Appended, Authority, DeleteMessage, DeleteRoom, EditMessage, History, HistoryFrom,
        HistoryQuery, ListAudit, ListBans, ListReports, ListRevisions, MakeInvitation, PutMember, PutWords,
        React, RemoveMember, ReportMessage, Restrict, RoomKind, SetPin, UpdateRoom, WordList,
    },
};

use crate::{
    direct_rooms::direct_room,
    support::{Fixture, Words as _, message, page, user},
};

madang_test_kit::on_both!(
    each_role_may_what_the_table_says,
    some_actions_reach_lesser_roles_alone,
    in_a_direct_room_both_may_what_the_table_says,
);

/// A room, and who meets in it.
struct Scene<'a> {
    service: &'a Service,
    room: RoomId,
    /// Who does something.
    actor: &'a Arc<Profile>,
    /// To whom it is done.
    other: &'a Arc<Profile>,
    /// A message of the actor, where the actor is a member.
    own: Seq,
    /// A message of the other user.
    others: Seq,
}

impl Scene<'_> {
    fn at(&self) -> RoomRef {
        self.room.into()
    }

    async fn append(&self, authority: Authority, key: &str) -> Result<()> {
        let (room, actor) = (self.room, Arc::clone(self.actor));
        self.service.append(Append { room, actor, message: message("text", key), authority }).await.map(drop)
    }

    /// Who asks; nobody where the site does by its own authority.
    fn named(&self, authority: Authority) -> Option<Arc<Profile>> {
        (authority != Authority::Site).then(|| Arc::clone(self.actor))
    }

    async fn set(&self, authority: Authority, flags: RoomFlagChanges) -> Result<()> {
        let change = UpdateRoom {
            authority,
            actor: self.named(authority),
            room: self.at(),
            name: None,
            slug: None,
            flags,
            details: RoomDetailChanges::default(),
        };
        self.service.update_room(change).await.map(drop)
    }

    async fn restrict(&self, authority: Authority, kind: Restriction) -> Result<()> {
        // The site's calls name the user concerned as the actor.
        let actor = Arc::clone(if authority == Authority::Site { self.other } else { self.actor });
        let (room, user) = (self.at(), Arc::clone(self.other));
        let restrict = Restrict { actor, authority, room, user, kind, on: true, until: None, reason: None };
        self.service.restrict(restrict).await.map(drop)
    }

    /// Does what an action names. None: the store has no such call for this authority.
    async fn attempt(&self, action: RoomAction, authority: Authority) -> Option<Result<()>> {
        let (service, actor) = (self.service, Arc::clone(self.actor));
        let by_site = authority == Authority::Site;
        let named = self.named(authority);
        let by_user = async |outcome: Result<()>| (!by_site).then_some(outcome);
        match action {
            RoomAction::Read => {
                let (user, room) = ((!by_site).then_some(actor.id), self.at());
                let query = HistoryQuery { from: HistoryFrom::End, limit: 1, messages_only: false };
                Some(service.history(History { user, room, query }).await.map(drop))
            }
            RoomAction::Send | RoomAction::Announce => Some(self.append(authority, "new").await),
            RoomAction::SkipSlowMode => {
                // The first one may be refused for other reasons; the second one is too soon.
                if let Err(refused) = self.append(authority, "first").await {
                    return Some(Err(refused));
                }
                Some(self.append(authority, "second").await)
            }
            RoomAction::React => {
                let (emoji, message) = (Emoji::new("👍").unwrap(), self.others);
                let react = React { actor, room: self.at(), message, emoji, on: true };
                by_user(service.react(react).await.map(drop)).await
            }
            RoomAction::EditOwn => {
                let (room, message, text) = (self.room, self.own, "another".to_owned());
                let edit = EditMessage { authority, actor: named, room, message, text };
                Some(service.edit_message(edit).await.map(drop))
            }
            RoomAction::DeleteOwn | RoomAction::DeleteOthers => {
                let message = if action == RoomAction::DeleteOwn { self.own } else { self.others };
                let delete = DeleteMessage { authority, actor: named, room: self.room, message };
                Some(service.delete_message(delete).await.map(drop))
            }
            RoomAction::ReadRevisions => {
                let (room, message) = (self.at(), self.others);
                let list = ListRevisions { user: actor.id, room, message, page: page(1) };
                by_user(service.list_revisions(list).await.map(drop)).await
            }
            RoomAction::Report => {
                let report = ReportMessage { actor, room: self.at(), message: self.others, reason: None };
                by_user(service.report_message(report).await.map(drop)).await
            }
            RoomAction::SettleReports => {
                let (user, room, status) = ((!by_site).then_some(actor.id), self.at(), ReportStatus::Open);
                let list = ListReports { user, room: Some(room), status, page: page(1) };
                Some(service.list_reports(list).await.map(drop))
            }
            RoomAction::ReadAudit => {
                let list = ListAudit { user: actor.id, room: self.at(), page: page(1) };
                by_user(service.list_audit(list).await.map(drop)).await
            }
            RoomAction::SetWords => {
                let (actor, room, list) = (Some(actor), Some(self.at()), WordList::default());
                by_user(service.put_words(PutWords { authority, actor, room, list }).await.map(drop)).await
            }
            RoomAction::Pin => {
                let pin = SetPin { actor, room: self.at(), message: self.others, on: true };
                by_user(service.set_pin(pin).await.map(drop)).await
            }
            RoomAction::MentionAll => {
                let (room, message) = (self.room, message("@all", "all"));
                match service.append(Append { room, actor, message, authority }).await {
                    // Without the right the text is a plain one, and no error.
                    Ok(Appended { mentions_all: None, .. }) => {
                        Some(Err(Error::new(Code::PermissionDenied, "it mentions nobody")))
                    }
                    sent => Some(sent.map(drop)),
                }
            }
            RoomAction::AddMember => {
                let (user, room, role) = (user(77), self.at(), Role::Member);
                let put = PutMember { actor, authority, room, user, role };
                Some(service.put_member(put).await.map(drop))
            }
            RoomAction::ManageInvitations => {
                let make = MakeInvitation { authority, actor, room: self.at(), expires_at: None, uses: None };
                by_user(service.make_invitation(make).await.map(drop)).await
            }
            RoomAction::RemoveMember => {
                let remove = RemoveMember { actor, authority, room: self.at(), user: self.other.id };
                Some(service.remove_member(remove).await.map(drop))
            }
            RoomAction::Ban => Some(self.restrict(authority, Restriction::Ban).await),
            RoomAction::ReadBans => {
                let list = ListBans { user: actor.id, room: self.at(), page: page(1) };
                by_user(service.list_bans(list).await.map(drop)).await
            }
            RoomAction::Mute => Some(self.restrict(authority, Restriction::Mute).await),
            RoomAction::SetSlowMode => {
                let flags = RoomFlagChanges { slow_mode_s: Some(1), ..RoomFlagChanges::default() };
                Some(self.set(authority, flags).await)
            }
            RoomAction::ChangeRoom => {
                let (name, flags) = (Some(RoomName::new("Another").unwrap()), RoomFlagChanges::default());
                let change = UpdateRoom {
                    authority,
                    actor: named,
                    room: self.at(),
                    name,
                    slug: None,
                    flags,
                    details: RoomDetailChanges::default(),
                };
                Some(service.update_room(change).await.map(drop))
            }
            RoomAction::ChangeFlags => {
                let flags =
                    RoomFlagChanges { history: Some(RoomHistory::Joined), ..RoomFlagChanges::default() };
                Some(self.set(authority, flags).await)
            }
            RoomAction::GiveRole => {
                let (room, user, role) = (self.at(), Arc::clone(self.other), Role::Owner);
                let put = PutMember { actor, authority, room, user, role };
                Some(service.put_member(put).await.map(drop))
            }
            RoomAction::DeleteRoom => {
                let delete = DeleteRoom { authority, actor: named, room: self.at() };
                Some(service.delete_room(delete).await.map(drop))
            }
        }
    }
}

/// Sets the flags under which an action shows.
async fn prepare(service: &Service, owner: &Arc<Profile>, room: RoomId, action: RoomAction, lets: bool) {
    let none = RoomFlagChanges {
        guests_send: Some(lets),
        members_add: Some(lets),
        members_pin: Some(lets),
        members_mention_all: Some(lets),
        ..RoomFlagChanges::default()
    };
    let flags = match action {
        RoomAction::Announce => RoomFlagChanges { announcement: Some(true), ..none },
        RoomAction::SkipSlowMode => RoomFlagChanges { slow_mode_s: Some(60), ..none },
        _ => none,
    };
    let change = UpdateRoom {
        authority: Authority::User,
        actor: Some(Arc::clone(owner)),
        room: room.into(),
        name: None,
        slug: None,
        flags,
        details: RoomDetailChanges::default(),
    };
    service.update_room(change).await.unwrap();
}

/// Whether a refusal is one for a missing right, or the pause that others are spared.
fn is_refused(action: RoomAction, outcome: &Result<()>) -> bool {
    match outcome {
        Ok(()) => false,
        Err(refusal) if refusal.code == Code::PermissionDenied => true,
        Err(refusal) => {
            assert!(
                action == RoomAction::SkipSlowMode && refusal.code == Code::RateLimited,
                "{action:?}: {refusal:?}"
            );
            true
        }
    }
}

async fn give(service: &Service, owner: &Arc<Profile>, room: RoomId, user: &Arc<Profile>, role: Role) {
    let (actor, user) = (Arc::clone(owner), Arc::clone(user));
    let put = PutMember { actor, authority: Authority::User, room: room.into(), user, role };
    service.put_member(put).await.unwrap();
}

async fn each_role_may_what_the_table_says(fixture: Fixture) {
    let service = fixture.service().await;
    let [owner, actor, other] = [1, 2, 3].map(user);
    for (action, lets) in RoomAction::ALL.iter().flat_map(|action| [(action, false), (action, true)]) {
        for authority in Authority::ALL {
            for role in [None].into_iter().chain(Role::ALL.map(Some)) {
                // What a room lets guests and members do concerns nobody else.
                if lets && !matches!(role, Some(Role::Guest | Role::Member)) {
                    continue;
                }
                let room = service.given_room(&[&owner, &actor, &other]).await;
                let own = service.say(room, &actor, "own").await.unwrap().seq;
                let others = service.say(room, &other, "others").await.unwrap().seq;
                if let Some(role) = role.filter(|role| *role != Role::Member) {
                    give(&service, &owner, room, &actor, role).await;
                } else if role.is_none() {
                    let remove = RemoveMember {
                        actor: Arc::clone(&owner),
                        authority: Authority::User,
                        room: room.into(),
                        user: actor.id,
                    };
                    service.remove_member(remove).await.unwrap();
                }
                prepare(&service, &owner, room, *action, lets).await;
                let flags = service.view(room, &owner).await.room.flags;
                let scene = Scene { service: &service, room, actor: &actor, other: &other, own, others };
                let outcome = scene.attempt(*action, authority).await;
                let case = format!("{action:?} by {authority:?} as {role:?}, let {lets}: {outcome:?}");
                let permission = action.permission();
                let Some(outcome) = outcome else {
                    assert!(authority == Authority::Site && !permission.site, "{case}");
                    continue;
                };
                let is_permitted = match (authority, role) {
                    (Authority::User | Authority::SiteAsUser, None) => false,
                    (Authority::User | Authority::SiteAsUser, Some(role)) => {
                        action.is_permitted(authority, role, flags)
                    }
                    // A message of the site has a member as its sender.
                    (Authority::Site, None) => permission.site && !is_of_a_sender(*action),
                    (Authority::Site, Some(_)) => permission.site,
                };
                assert_eq!(!is_refused(*action, &outcome), is_permitted, "{case}");
            }
        }
    }
}

const fn is_of_a_sender(action: RoomAction) -> bool {
    matches!(
        action,
        RoomAction::Send | RoomAction::Announce | RoomAction::SkipSlowMode | RoomAction::MentionAll
    )
}

async fn some_actions_reach_lesser_roles_alone(fixture: Fixture) {
    let service = fixture.service().await;
    let [owner, actor, other] = [1, 2, 3].map(user);
    let actions = RoomAction::ALL.iter().filter(|action| action.permission().target == Target::Lesser);
    let actions: Vec<RoomAction> = actions.copied().collect();
    assert_eq!(actions, [RoomAction::RemoveMember, RoomAction::Ban, RoomAction::Mute]);
    for action in actions {
        for authority in Authority::ALL {
            for role in [Role::Moderator, Role::Owner] {
                for target in Role::ALL {
                    let room = service.given_room(&[&owner, &actor, &other]).await;
                    give(&service, &owner, room, &actor, role).await;
                    if target != Role::Member {
                        give(&service, &owner, room, &other, target).await;
                    }
                    let (own, others) = (Seq::START, Seq::START);
                    let scene = Scene { service: &service, room, actor: &actor, other: &other, own, others };
                    let outcome = scene.attempt(action, authority).await.unwrap();
                    let may = action.is_permitted_against(authority, role, target);
                    let case = format!("{action:?} by {authority:?} as {role:?} of {target:?}: {outcome:?}");
                    assert_eq!(!is_refused(action, &outcome), may, "{case}");
                }
            }
        }
    }
}

async fn in_a_direct_room_both_may_what_the_table_says(fixture: Fixture) {
    let service = fixture.service().await;
    for (number, action) in (1..).zip(RoomAction::ALL) {
        let [actor, other] = [10 * number, 10 * number + 1].map(user);
        let room = direct_room(&service, &actor, &other).await;
        let own = service.say(room, &actor, "own").await.unwrap().seq;
        let others = service.say(room, &other, "others").await.unwrap().seq;
        assert_eq!(service.view(room, &actor).await.room.kind, RoomKind::Direct);
        // These need a flag, which a direct room never has.
        if matches!(action, RoomAction::Announce | RoomAction::SkipSlowMode) {
            continue;
        }
        let scene = Scene { service: &service, room, actor: &actor, other: &other, own, others };
        let outcome = scene.attempt(*action, Authority::User).await.unwrap();
        let refusal = outcome.as_ref().err().map(|refusal| refusal.code);
        assert!(
            matches!(refusal, None | Some(Code::PermissionDenied | Code::FailedPrecondition)),
            "{action:?}: {refusal:?}"
        );
        assert_eq!(refusal.is_none(), action.permission().direct, "{action:?}: {refusal:?}");
    }
}
