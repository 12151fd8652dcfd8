//! What users have set, and what members have set for a room. The user's devices are told.

use std::sync::Arc;

use madang_contract::WireFrame;
use madang_domain::{NotificationLevel, Result, RoomRef, Timestamp, TopicId, UserId};
use madang_rpc::store::{GetUserSettings, PutRoomSettings, PutUserSettings, SetForRoom, UserSettings};

use super::{Action, Commands, Committed, people::shown};
use crate::{
    admission::Actor,
    fanout::{EphemeralFrame, Publication},
    formats::native,
    hub::Audience,
};

impl Commands {
    /// What a user has set.
    pub(crate) async fn user_settings(&self, actor: &Actor) -> Result<UserSettings> {
        self.pay_read(actor)?;
        self.store.get_user_settings(GetUserSettings { user: actor.profile.id }).await
    }

    /// Changes a user's own settings.
    pub(crate) async fn put_user_settings(
        &self,
        actor: &Actor,
        request: PutUserSettings,
    ) -> Result<UserSettings> {
        let changes_shown = request.hides_presence.is_some() || request.hides_typing.is_some();
        let action = if changes_shown { Action::PutShown } else { Action::PutSettings };
        let spent = self.spend(actor, action, None).await?;
        let (store, user) = (Arc::clone(&self.store), self.budgets.present_profile(actor));
        self.commit(spent, "put user settings", async move {
            let value = store.put_user_settings(request).await?;
            let mut publications = vec![for_devices(user.id, native::user_settings_frame(value))];
            if changes_shown {
                publications.extend(shown(&*store, user, value).await?);
            }
            Ok(Committed { value, publications })
        })
        .await
    }

    /// Changes what a member has set for a room.
    pub(crate) async fn put_room_settings(
        &self,
        actor: &Actor,
        room: RoomRef,
        notify: Option<NotificationLevel>,
        muted_until: Option<Option<Timestamp>>,
    ) -> Result<SetForRoom> {
        let spent = self.spend(actor, Action::PutSettings, None).await?;
        let (store, user) = (Arc::clone(&self.store), actor.profile.id);
        let request = PutRoomSettings { user, room, notify, muted_until };
        self.commit(spent, "put room settings", async move {
            let value = store.put_room_settings(request).await?;
            let told = for_devices(user, native::room_settings_frame(value));
            Ok(Committed { value, publications: vec![told] })
        })
        .await
    }
}

/// A frame for all devices of a user, each of which follows the user's inbox.
pub(super) fn for_devices(user: UserId, frame: WireFrame) -> Publication {
    Publication::Ephemeral(EphemeralFrame {
        topic: TopicId::Inbox(user),
        audience: Audience::Everybody,
        frame,
        moves_marks: false,
    })
}
