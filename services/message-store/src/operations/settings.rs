//! What users have set, and what members have set for a room.

use madang_domain::{Timestamp, UserId};
use madang_rpc::store::{PutRoomSettings, PutUserSettings, SetForRoom, UserSettings};

use super::{engine::Engine, members::as_member};
use crate::{
    error::{OperationError, OperationResult},
    store::{Connection, HidesChange},
    transaction::{finish, in_transaction},
};

/// The time that ends what lasts until a time.
const OVER: Timestamp = Timestamp::from_micros(0);

impl Engine {
    pub(crate) async fn user_settings(&self, user: UserId) -> OperationResult<UserSettings> {
        let mut connection = self.database.reader().await?;
        let outcome = self.read_user_settings(&mut *connection, user).await;
        finish(connection, outcome).await
    }

    async fn read_user_settings(
        &self,
        connection: &mut dyn Connection,
        user: UserId,
    ) -> OperationResult<UserSettings> {
        // First: what is read after it is of this version, or of a later one.
        let version = connection.settings_version(user).await?;
        let added_by = connection.added_by(user).await?.unwrap_or(self.added_by);
        let until = connection.do_not_disturb_until(user).await?;
        let hides = connection.hides(user).await?;
        Ok(UserSettings {
            version,
            added_by,
            do_not_disturb_until: (until > OVER).then_some(until),
            hides_presence: hides.presence,
            hides_last_seen: hides.last_seen,
            hides_typing: hides.typing,
        })
    }

    pub(crate) async fn put_user_settings(&self, request: PutUserSettings) -> OperationResult<UserSettings> {
        let PutUserSettings {
            user,
            added_by,
            do_not_disturb_until,
            hides_presence: presence,
            hides_last_seen: last_seen,
            hides_typing: typing,
        } = request;
        let hides = HidesChange { presence, last_seen, typing };
        in_transaction!(self, "put_user_settings", |transaction| {
            if added_by.is_some() || do_not_disturb_until.is_some() || hides != HidesChange::default() {
                // First: it locks what the user has set, so that the answer is what this change has made of it.
                transaction.change_settings(user, self.clock.now()).await?;
            }
            if let Some(added_by) = added_by {
                transaction.set_added_by(user, added_by).await?;
            }
            if let Some(until) = do_not_disturb_until {
                transaction.set_do_not_disturb_until(user, until.unwrap_or(OVER)).await?;
            }
            if hides != HidesChange::default() {
                transaction.set_hides(user, hides).await?;
            }
            self.read_user_settings(transaction, user).await
        })
    }

    pub(crate) async fn put_room_settings(&self, request: PutRoomSettings) -> OperationResult<SetForRoom> {
        let PutRoomSettings { user, room, notify, muted_until } = request;
        in_transaction!(self, "put_room_settings", |transaction| {
            let room = as_member(transaction.view(user, &room).await?)?.room.id;
            let muted_until = muted_until.map(|until| until.unwrap_or(OVER));
            if notify.is_some() || muted_until.is_some() {
                let now = self.clock.now();
                transaction.set_room_settings(room, user, notify, muted_until, now).await?;
            }
            // After the change, which locks the membership: so the answer is what this change has made of it.
            let version = transaction.room_settings_version(room, user).await?;
            let place = as_member(transaction.view(user, &room.into()).await?)?.place;
            let settings = place.ok_or(OperationError::NotMember)?.settings;
            Ok(SetForRoom { room, settings, version })
        })
    }
}
