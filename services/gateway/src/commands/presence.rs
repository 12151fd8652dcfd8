//! Who is present in a room.

use bytes::Bytes;
use madang_bus::{PresenceError, PresentPage};
use madang_domain::{Code, ConnectionId, Error, Profile, Result, RoomId};
use madang_rpc::store::{GetRoom, GetUserSettings};

use super::Commands;
use crate::{
    admission::{Actor, Hides},
    formats::presence_profile,
};

impl Commands {
    /// Returns who is present in a room. Subscribers of the room may ask, which its hub checks, and other
    /// members, which the store checks. The users are named only up to a number; see
    /// [`names_max`](super::PresenceSettings).
    pub(crate) async fn present(
        &self,
        actor: &Actor,
        connection: ConnectionId,
        room: RoomId,
    ) -> Result<PresentPage> {
        self.pay_read(actor)?;
        if !self.presence_settings.enabled {
            return Err(off());
        }
        if !self.hubs.listens(room.into(), connection).await {
            let view =
                self.store.get_room(GetRoom { user: Some(actor.profile.id), room: room.into() }).await?;
            if view.membership.is_none() {
                return Err(Error::new(Code::PermissionDenied, "join the room first"));
            }
        }
        let limit = self.presence_settings.names_max;
        let mut page = self.presence.present(room.into(), limit).await.map_err(refused)?;
        if page.count > limit as u64 {
            page.users.clear();
        }
        Ok(page)
    }

    /// The profile with which a user is present in rooms; none where presence is off, or where the user hides it.
    pub(crate) fn presence_profile(&self, user: &Profile, hides: Hides) -> Option<Bytes> {
        (self.presence_settings.enabled && !hides.presence).then(|| presence_profile::encode(user))
    }

    /// The same for a session that does not follow the user's inbox, with which it would learn what the user hides. Where
    /// the store does not say, the user is not shown.
    pub(crate) async fn asked_presence_profile(&self, user: &Profile) -> Option<Bytes> {
        if !self.presence_settings.enabled {
            return None;
        }
        let set = self.store.get_user_settings(GetUserSettings { user: user.id }).await;
        let is_shown = set.is_ok_and(|set| !set.hides_presence);
        self.presence_profile(user, Hides { presence: !is_shown, typing: false })
    }
}

fn off() -> Error {
    Error::new(Code::FailedPrecondition, "presence is switched off on this server")
}

fn refused(error: PresenceError) -> Error {
    match error {
        PresenceError::Off => off(),
        error @ (PresenceError::Unreachable | PresenceError::Redis(_)) => {
            Error::unavailable("the users who are present are not known now; try again").caused_by(error)
        }
    }
}
