//! What users have set, and what members have set for a room.

use madang_domain::{Timestamp, UserId};
use madang_rpc::store::{PutRoomSettings, PutUserSettings, SetForRoom, UserSettings};

use super::{engine::Engine, members::as_member};
use crate::{
    error::{OperationError, OperationResult},
    store::HidesChange,
    transaction::finish,
};

/// The time that ends what lasts until a time.
const OVER: Timestamp = Timestamp::from_micros(0);

impl Engine {
    pub(crate) async fn user_settings(&self, user: UserId) -> OperationResult<UserSettings> {
        let mut connection = self.database.reader().await?;
        let outcome = async {
            let added_by = connection.added_by(user).await?.unwrap_or(self.added_by);
            let until = connection.do_not_disturb_until(user).await?;
            let hides = connection.hides(user).await?;
            Ok(UserSettings {
                added_by,
                do_not_disturb_until: (until > OVER).then_some(until),
                hides_presence: hides.presence,
                hides_last_seen: hides.last_seen,
                hides_typing: hides.typing,
            })
        };
        let outcome = outcome.await;
        finish(connection, outcome).await
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
        let mut connection = self.database.writer().await?;
        let outcome = async {
            if let Some(added_by) = added_by {
                connection.set_added_by(user, added_by).await?;
            }
            if let Some(until) = do_not_disturb_until {
                connection.set_do_not_disturb_until(user, until.unwrap_or(OVER)).await?;
            }
            if hides != HidesChange::default() {
                connection.set_hides(user, hides).await?;
            }
            Ok(())
        };
        let outcome = outcome.await;
        finish(connection, outcome).await?;
        self.user_settings(user).await
    }

    pub(crate) async fn put_room_settings(&self, request: PutRoomSettings) -> OperationResult<SetForRoom> {
        let PutRoomSettings { user, room, notify, muted_until } = request;
        let mut connection = self.database.writer().await?;
        let outcome = async {
            let room = as_member(connection.view(user, &room).await?)?.room.id;
            let muted_until = muted_until.map(|until| until.unwrap_or(OVER));
            if notify.is_some() || muted_until.is_some() {
                connection.set_room_settings(room, user, notify, muted_until).await?;
            }
            let place = as_member(connection.view(user, &room.into()).await?)?.place;
            Ok(SetForRoom { room, settings: place.ok_or(OperationError::NotMember)?.settings })
        };
        let outcome = outcome.await;
        finish(connection, outcome).await
    }
}
