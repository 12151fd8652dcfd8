//! Bans and mutes.

use std::sync::Arc;

use madang_domain::{Authority, Reason, Restriction, Result, RoomRef, Timestamp, UserId, UserRef};
use madang_rpc::store::{BannedUser, ListBans, Page, PageQuery, Restrict};

use super::{Action, Commands};
use crate::admission::{Actor, Spent};

/// What is to be imposed on a user of a room.
#[derive(Debug, Clone, Default)]
pub(crate) struct Terms {
    /// When it ends by itself; none: never.
    pub(crate) until: Option<Timestamp>,
    pub(crate) reason: Option<Reason>,
}

impl Commands {
    /// Bans or mutes a user, or ends that where there are no terms.
    pub(crate) async fn restrict(
        &self,
        actor: &Actor,
        room: &RoomRef,
        user: UserId,
        kind: Restriction,
        terms: Option<Terms>,
    ) -> Result<()> {
        let action = match kind {
            Restriction::Ban => Action::Ban,
            Restriction::Mute => Action::Mute,
        };
        let (spent, room) = self.spend_in(actor, action, room).await?;
        let user = Arc::new(self.user(user).await?);
        let on = terms.is_some();
        let Terms { until, reason } = terms.unwrap_or_default();
        let authority = actor.authority;
        let (store, actor) = (Arc::clone(&self.store), self.budgets.present_profile(actor));
        let restrict = Restrict { actor, authority, room, user, kind, on, until, reason };
        self.commit(spent, "restrict", async move { store.restrict(restrict).await }).await
    }

    /// The site bans or mutes a user, or ends that. The user is the actor, since the site has no profile.
    pub(crate) async fn restrict_as_site(
        &self,
        room: RoomRef,
        user: &UserRef,
        kind: Restriction,
        terms: Option<Terms>,
    ) -> Result<()> {
        let user = self.find_user(user).await?;
        let (store, actor) = (Arc::clone(&self.store), Arc::clone(&user));
        let on = terms.is_some();
        let Terms { until, reason } = terms.unwrap_or_default();
        let restrict = Restrict { actor, authority: Authority::Site, room, user, kind, on, until, reason };
        self.commit(Spent::by_site(), "restrict", async move { store.restrict(restrict).await }).await
    }

    /// The users who are banned from a room, the latest ban first.
    pub(crate) async fn bans(
        &self,
        actor: &Actor,
        room: RoomRef,
        page: PageQuery,
    ) -> Result<Page<BannedUser>> {
        self.pay_read(actor)?;
        self.store.list_bans(ListBans { user: actor.profile.id, room, page }).await
    }
}
