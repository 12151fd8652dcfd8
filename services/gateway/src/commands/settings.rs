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
    hub::{Audience, SettingsChange},
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
            let change = SettingsChange { of: None, version: value.version };
            let mut publications = vec![set_for_devices(user.id, native::user_settings_frame(value), change)];
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
            let change = SettingsChange { of: Some(value.room), version: value.version };
            let told = set_for_devices(user, native::room_settings_frame(value), change);
            Ok(Committed { value, publications: vec![told] })
        })
        .await
    }
}

/// A change of what a user has set, for all devices of the user. They end with the last one, whichever gateway tells of it
/// first. A store of before says no version.
fn set_for_devices(user: UserId, frame: WireFrame, change: SettingsChange) -> Publication {
    let change = Some(change).filter(|change| change.version > Timestamp::from_micros(0));
    of_devices(user, frame, change)
}

/// A frame for all devices of a user, each of which follows the user's inbox.
pub(super) fn for_devices(user: UserId, frame: WireFrame) -> Publication {
    of_devices(user, frame, None)
}

fn of_devices(user: UserId, frame: WireFrame, change: Option<SettingsChange>) -> Publication {
    Publication::Ephemeral(EphemeralFrame {
        topic: TopicId::Inbox(user),
        audience: Audience::Everybody,
        frame,
        moves_marks: false,
        change,
    })
}
