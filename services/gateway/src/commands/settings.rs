//! What users have set, and what members have set for a room. The user's devices are told.

use std::sync::Arc;

use madang_contract::WireFrame;
use madang_domain::{NotificationLevel, Profile, Result, RoomRef, Timestamp, TopicId, UserId};
use madang_kit::clock::{Random, fraction};
use madang_rpc::{
    MessageStore,
    store::{GetUserSettings, PutRoomSettings, PutUserSettings, SetForRoom, UserSettings},
};

use super::{
    Action, Commands, Committed,
    people::{RETRY_PAUSES, shown_in_rooms, shown_to_sockets},
};
use crate::{
    admission::Actor,
    fanout::{EphemeralFrame, Fanout, Publication},
    formats::native,
    hub::{Audience, SettingsChange},
    log,
};

/// How often a failed call is repeated: some minutes, longer than the store is away as it is replaced.
const SHOW_ATTEMPTS: u32 = 30;

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
        let (fanout, random, tasks) = (self.fanout.clone(), Arc::clone(&self.random), self.tasks.clone());
        self.commit(spent, "put user settings", async move {
            let value = store.put_user_settings(request).await?;
            let change = SettingsChange { of: None, version: value.version };
            let mut publications = vec![set_for_devices(user.id, native::user_settings_frame(value), change)];
            if changes_shown {
                publications.push(shown_to_sockets(Arc::clone(&user), value));
                match shown_in_rooms(&*store, Arc::clone(&user), value).await {
                    Ok(in_rooms) => publications.extend(in_rooms),
                    // It is committed: what fails now ends nothing of it, and is tried again.
                    Err(error) => {
                        log::failed_request(&error);
                        tasks.spawn_contained("shown", show_later(store, fanout, random, user));
                    }
                }
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

/// Tells in a user's rooms what the user shows, as soon as the store says which these are. Past the last attempt, gateways
/// learn it as the user's sockets open.
async fn show_later(
    store: Arc<dyn MessageStore>,
    fanout: Fanout,
    random: Arc<dyn Random>,
    user: Arc<Profile>,
) {
    let mut pauses = RETRY_PAUSES.pauses();
    for _ in 0..SHOW_ATTEMPTS {
        tokio::time::sleep(pauses.after_failure(fraction(&*random))).await;
        let told = async {
            let set = store.get_user_settings(GetUserSettings { user: user.id }).await?;
            shown_in_rooms(&*store, Arc::clone(&user), set).await
        };
        match told.await {
            Ok(publications) => {
                fanout.publish(&publications);
                return fanout.deliver_all(publications).await;
            }
            Err(error) => log::failed_request(&error),
        }
    }
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
