//! `/v1/server`: what the backend of an embedding site does, as any of its users.

use std::{borrow::Cow, ops::Deref};

use madang_domain::{
    AvatarUrl, DisplayName, ExternalId, IdempotencyKey, MessageText, Role, RoomKind, RoomName, Seq, Slug,
    Timestamp, UserRef, Username,
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::{Room, present::present};

/// What the site says of a user: a new one, or changes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SiteUserChanges {
    /// The name to be mentioned by; where another user has it, the user gets a similar one.
    pub username: Option<Username>,
    /// The name to show.
    pub name: Option<DisplayName>,
    /// The address of the picture; absent leaves it as it is, null removes it.
    #[serde(default, deserialize_with = "present")]
    pub avatar_url: Option<Option<AvatarUrl>>,
}

/// The JSON object that a notice carries, of at most 16 KiB.
#[derive(Debug)]
pub enum NoticeData {}

impl JsonSchema for NoticeData {
    fn schema_name() -> Cow<'static, str> {
        Cow::Borrowed("NoticeData")
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "description": "Any JSON object of at most 16 KiB. It reaches the user to the byte."
        })
    }
}

/// A notice that is committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SentNotice {
    /// Its place in the user's inbox.
    pub seq: Seq,
    /// When it was committed.
    pub at: Timestamp,
}

/// A room to make for the site.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSiteRoom {
    /// The name.
    pub name: RoomName,
    /// How it can be found and joined.
    pub kind: RoomKind,
    /// The name in addresses.
    pub slug: Option<Slug>,
    /// What the site calls the room; where the site has made a room of this name before, that one is the answer.
    pub external_id: Option<ExternalId>,
    /// The owner.
    pub owner: UserRef,
    /// The first members besides the owner; at most 100.
    #[serde(default)]
    pub members: Vec<UserRef>,
}

/// A room with what the embedding site calls it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SiteRoom<'a> {
    /// The room as its owner sees it; in JSON its fields stand beside the external id.
    #[serde(flatten)]
    pub room: Room<'a>,
    /// What the embedding site calls the room.
    #[schemars(with = "Option<ExternalId>")]
    pub external_id: Option<Cow<'a, str>>,
}

impl<'a> Deref for SiteRoom<'a> {
    type Target = Room<'a>;

    fn deref(&self) -> &Room<'a> {
        &self.room
    }
}

/// The role of a user who becomes or is a member, by the site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PutSiteMember {
    /// The role; absent leaves a member's as it is, and makes a new member a plain one.
    pub role: Option<Role>,
}

/// A message to send as a user.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SendAs {
    /// The user who sends it.
    pub user: UserRef,
    /// The text.
    pub text: MessageText,
    /// The idempotency key; the header `Idempotency-Key` may give it instead.
    pub key: Option<IdempotencyKey>,
    /// Whether a user who is no member becomes one first; the API key needs the scope `rooms` for it too.
    #[serde(default)]
    pub join: bool,
}

/// The routes.
pub mod routes {
    use madang_domain::Code;

    use super::{NewSiteRoom, NoticeData, PutSiteMember, SendAs, SentNotice, SiteRoom, SiteUserChanges};
    use crate::{
        SiteUser,
        rest::{Access, Member, Route, SentMessage, Ticket, route::table},
    };

    const USERS: Access = Access::ApiKey("users");
    const TICKETS: Access = Access::ApiKey("tickets");
    const NOTICES: Access = Access::ApiKey("notices");
    const ROOMS: Access = Access::ApiKey("rooms");
    const MESSAGES: Access = Access::ApiKey("messages");

    table! {
        /// Makes or changes a user.
        PUT_USER = Route::put("put_site_user", "/v1/server/users/{user}", "Make or change a user; one named by `ext:` is made where there is none")
            .access(USERS)
            .takes::<SiteUserChanges>()
            .answers::<SiteUser<'_>>(200, "The user.")
            .refuses(&[Code::NotFound, Code::FailedPrecondition]);
        /// Disconnects a user.
        DISCONNECT = Route::post("disconnect_site_user", "/v1/server/users/{user}/disconnect", "End a user's sockets, sessions, tokens and tickets")
            .access(USERS)
            .answers_empty(204, "Done; sockets close with 4401 within a second.")
            .refuses(&[Code::NotFound]);
        /// Makes a ticket.
        TICKET = Route::post("create_site_ticket", "/v1/server/users/{user}/ws-ticket", "Make a ticket for one WebSocket of a user, good for 30 s")
            .access(TICKETS)
            .answers::<Ticket>(200, "The ticket.")
            .refuses(&[Code::NotFound]);
        /// Sends a notice.
        NOTIFY = Route::post("send_notice", "/v1/server/users/{user}/notices", "Put a notice into a user's inbox")
            .access(NOTICES)
            .takes::<NoticeData>()
            .idempotency_key()
            .answers::<SentNotice>(201, "The notice is committed, by this request or by an earlier one with the same key.")
            .refuses(&[Code::NotFound]);
        /// Makes a room.
        CREATE_ROOM = Route::post("create_site_room", "/v1/server/rooms", "Make a room")
            .access(ROOMS)
            .takes::<NewSiteRoom>()
            .idempotency_key()
            .answers::<SiteRoom<'_>>(201, "The room.")
            .or_answers::<SiteRoom<'_>>(200, "There is one of that external id, key or direct pair already: that one, as it is.")
            .refuses(&[Code::NotFound, Code::AlreadyExists, Code::FailedPrecondition]);
        /// Adds a member.
        PUT_MEMBER = Route::put("put_site_member", "/v1/server/rooms/{room}/members/{user}", "Add a member, or change a role")
            .access(ROOMS)
            .takes::<PutSiteMember>()
            .answers::<Member<'_>>(200, "The member.")
            .refuses(&[Code::NotFound, Code::FailedPrecondition]);
        /// Removes a member.
        REMOVE_MEMBER = Route::delete("remove_site_member", "/v1/server/rooms/{room}/members/{user}", "Remove a member")
            .access(ROOMS)
            .answers_empty(204, "The user is no longer a member.")
            .refuses(&[Code::NotFound, Code::FailedPrecondition]);
        /// Sends a message.
        SEND = Route::post("send_message_as", "/v1/server/rooms/{room}/messages", "Send a message as a user")
            .access(MESSAGES)
            .takes::<SendAs>()
            .idempotency_key()
            .answers::<SentMessage>(201, "The message is committed, by this request or by an earlier one with the same key.")
            .refuses(&[Code::NotFound]);
    }
}
