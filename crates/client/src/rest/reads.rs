//! What a client needs to start, how far members have read, of what the user wants to be notified, and notices that are dismissed.

use madang_contract::{
    RoomSettings, UserSettings,
    rest::{RoomSettingsChanges, UserSettingsChanges},
};
use madang_domain::{RoomId, Seq};
use reqwest::Method;

use super::{Client, Error, Reads, Sync};

impl Client {
    /// `GET /v1/sync`: a page of what a client needs to start.
    ///
    /// # Errors
    /// `invalid_argument`, and what every call may fail with.
    pub async fn sync(&self, limit: Option<u32>, cursor: Option<&str>) -> Result<Sync, Error> {
        let limit = limit.map(|limit| limit.to_string());
        self.call(self.query("/v1/sync", &[("limit", limit.as_deref()), ("cursor", cursor)])).await
    }

    /// `GET /v1/rooms/{room}/reads`: how far the members of a room have read it, as far as the room shows it.
    ///
    /// # Errors
    /// `not_found`, `permission_denied`, and what every call may fail with.
    pub async fn reads(&self, room: RoomId) -> Result<Reads, Error> {
        self.call(self.request(Method::GET, &format!("/v1/rooms/{room}/reads"))).await
    }

    /// `PUT /v1/rooms/{room}/settings/me`: of what in a room the user wants to be notified.
    ///
    /// # Errors
    /// `not_found`, `permission_denied`, and what every call may fail with.
    pub async fn put_room_settings(
        &self,
        room: RoomId,
        changes: &RoomSettingsChanges,
    ) -> Result<RoomSettings, Error> {
        let request = self.request(Method::PUT, &format!("/v1/rooms/{room}/settings/me"));
        self.call(request.json(changes)).await
    }

    /// `PUT /v1/users/me/settings`
    ///
    /// # Errors
    /// What every call may fail with.
    pub async fn put_settings(&self, changes: &UserSettingsChanges) -> Result<UserSettings, Error> {
        self.call(self.request(Method::PUT, "/v1/users/me/settings").json(changes)).await
    }

    /// `DELETE /v1/inbox/{seq}`: dismisses a notice.
    ///
    /// # Errors
    /// `not_found`, and what every call may fail with.
    pub async fn dismiss_notice(&self, seq: Seq) -> Result<(), Error> {
        self.call_for_nothing(self.request(Method::DELETE, &format!("/v1/inbox/{seq}"))).await
    }
}
