//! `/v1/server`: the server API, by which the embedding site's backend acts for its users.

use std::{borrow::Cow, ops::Deref};

use madang_domain::{
    AvatarUrl, DisplayName, ExternalId, IdempotencyKey, MessageText, Metadata, Role, RoomKind, RoomName, Seq,
    Slug, Timestamp, UserRef, Username,
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::{Room, present::present};

/// The profile of a new user, or the changes to a user's profile.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SiteUserChanges {
    /// The username, by which messages mention the user. If another user has it, the user gets a similar one.
    pub username: Option<Username>,
    /// The display name. If it is absent, the name stays.
    pub name: Option<DisplayName>,
    /// The URL of the picture. If it is absent, the picture stays; null removes it.
    #[serde(default, deserialize_with = "present")]
    pub avatar_url: Option<Option<AvatarUrl>>,
}

/// The JSON object of a notice, of at most 16 KiB.
#[derive(Debug)]
pub enum NoticeData {}

impl JsonSchema for NoticeData {
    fn schema_name() -> Cow<'static, str> {
        Cow::Borrowed("NoticeData")
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "description": "Any JSON object of at most 16 KiB. The user receives exactly these bytes."
        })
    }
}

/// The acknowledgement of a committed notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SentNotice {
    /// The sequence number of the notice in the user's inbox.
    pub seq: Seq,
    /// The time of the commit.
    pub at: Timestamp,
}

/// A room to create for the embedding site.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSiteRoom {
    /// The name of the room.
    pub name: RoomName,
    /// The kind of the room, which says who can find and join it.
    pub kind: RoomKind,
    /// The slug: the name of the room in URLs.
    pub slug: Option<Slug>,
    /// The site's own id of the room. If a room with this id exists, the answer is that room.
    pub external_id: Option<ExternalId>,
    /// The user who becomes the owner.
    pub owner: UserRef,
    /// The first members besides the owner, at most 100.
    #[serde(default)]
    pub members: Vec<UserRef>,
}

/// A room with the embedding site's id of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SiteRoom<'a> {
    /// The room without a member's place in it and its last message. In JSON its fields stand beside `external_id`.
    #[serde(flatten)]
    pub room: Room<'a>,
    /// The site's own id of the room; null if it has none.
    #[schemars(with = "Option<ExternalId>")]
    pub external_id: Option<Cow<'a, str>>,
}

impl<'a> Deref for SiteRoom<'a> {
    type Target = Room<'a>;

    fn deref(&self) -> &Room<'a> {
        &self.room
    }
}

/// The role to give to a user by the server API. The user becomes a member if necessary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PutSiteMember {
    /// The role. If it is absent, a member's role stays, and a new member gets `member`.
    pub role: Option<Role>,
}

/// A message to send on behalf of a user.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SendAs {
    /// The user who appears as the sender.
    pub user: UserRef,
    /// The text of the message.
    pub text: MessageText,
    /// The idempotency key. The header `Idempotency-Key` may contain it instead.
    pub key: Option<IdempotencyKey>,
    /// A JSON object, which the message carries.
    pub metadata: Option<Metadata>,
    /// Whether a user who is not a member first becomes one. For this the API key also needs the scope `rooms`.
    #[serde(default)]
    pub join: bool,
}

/// The routes of the server API.
pub mod routes {
    use madang_domain::Code;

    use super::{NewSiteRoom, NoticeData, PutSiteMember, SendAs, SentNotice, SiteRoom, SiteUserChanges};
    use crate::{
        RoomMessage, SiteUser,
        rest::{
            Access, EditMessage, Member, MessagesPage, Page, PageQuery, RangeQuery, Report, ReportChange,
            ReportsQuery, Restriction, RoomChanges, Route, SentMessage, Ticket, WordList, route::table,
        },
    };

    const USERS: Access = Access::ApiKey("users");
    const TICKETS: Access = Access::ApiKey("tickets");
    const NOTICES: Access = Access::ApiKey("notices");
    const ROOMS: Access = Access::ApiKey("rooms");
    const MESSAGES: Access = Access::ApiKey("messages");

    table! {
        /// Creates or changes a user.
        PUT_USER = Route::put("put_site_user", "/v1/server/users/{user}", "Create or change a user; a user named by `ext:` is created if it does not exist")
            .access(USERS)
            .takes::<SiteUserChanges>()
            .answers::<SiteUser<'_>>(200, "The user.")
            .refuses(&[Code::NotFound, Code::FailedPrecondition]);
        /// Erases a user.
        ERASE_USER = Route::delete("erase_site_user", "/v1/server/users/{user}", "Erase a user for good, as the user may; the site's tokens of before do not make the user anew")
            .access(USERS)
            .answers_empty(202, "The user is gone. What the user said is removed within moments, by events of the rooms.")
            .refuses(&[Code::NotFound]);
        /// Disconnects a user.
        DISCONNECT = Route::post("disconnect_site_user", "/v1/server/users/{user}/disconnect", "Close a user's sockets, and invalidate the user's sessions, tokens and tickets")
            .access(USERS)
            .answers_empty(204, "The user is disconnected: the user's sockets close with 4401 within a second.")
            .refuses(&[Code::NotFound]);
        /// Issues a ticket for a user.
        TICKET = Route::post("create_site_ticket", "/v1/server/users/{user}/ws-ticket", "Issue a ticket for one WebSocket of a user, valid for 30 s by default")
            .access(TICKETS)
            .answers::<Ticket>(200, "The ticket.")
            .refuses(&[Code::NotFound]);
        /// Posts a notice to a user's inbox.
        NOTIFY = Route::post("send_notice", "/v1/server/users/{user}/notices", "Post a notice to a user's inbox")
            .access(NOTICES)
            .takes::<NoticeData>()
            .idempotency_key()
            .answers::<SentNotice>(201, "This request, or an earlier one with the same key, has committed the notice.")
            .refuses(&[Code::NotFound]);
        /// Creates a room.
        CREATE_ROOM = Route::post("create_site_room", "/v1/server/rooms", "Create a room on behalf of its owner")
            .access(ROOMS)
            .takes::<NewSiteRoom>()
            .idempotency_key()
            .answers::<SiteRoom<'_>>(201, "The new room.")
            .or_answers::<SiteRoom<'_>>(200, "The existing room, unchanged: it has the same external id, key or pair of direct users.")
            .refuses(&[Code::NotFound, Code::AlreadyExists, Code::FailedPrecondition]);
        /// Lists all rooms.
        LIST_ROOMS = Route::get("list_site_rooms", "/v1/server/rooms", "List all rooms, the newest first")
            .access(ROOMS)
            .query::<PageQuery>()
            .answers::<Page<SiteRoom<'_>>>(200, "A page of rooms.");
        /// Answers a room.
        GET_ROOM = Route::get("get_site_room", "/v1/server/rooms/{room}", "Get a room of whatever kind")
            .access(ROOMS)
            .answers::<SiteRoom<'_>>(200, "The room, without a member's place in it.")
            .refuses(&[Code::NotFound]);
        /// Changes a room.
        UPDATE_ROOM = Route::patch("update_site_room", "/v1/server/rooms/{room}", "Change a room's name, slug or flags on behalf of its first owner")
            .access(ROOMS)
            .takes::<RoomChanges>()
            .answers::<SiteRoom<'_>>(200, "The room after the change.")
            .refuses(&[Code::NotFound, Code::AlreadyExists, Code::FailedPrecondition]);
        /// Deletes a room.
        DELETE_ROOM = Route::delete("delete_site_room", "/v1/server/rooms/{room}", "Delete a room of whatever kind and all its messages")
            .access(ROOMS)
            .answers_empty(204, "The room is deleted.")
            .refuses(&[Code::NotFound]);
        /// Lists the members of a room.
        LIST_MEMBERS = Route::get("list_site_members", "/v1/server/rooms/{room}/members", "List the members of a room, owners first")
            .access(ROOMS)
            .query::<PageQuery>()
            .answers::<Page<Member<'_>>>(200, "A page of members.")
            .refuses(&[Code::NotFound]);
        /// Lists the messages of a room.
        LIST_MESSAGES = Route::get("list_site_messages", "/v1/server/rooms/{room}/messages", "List the messages of a room, those of before a newcomer came too")
            .access(MESSAGES)
            .query::<RangeQuery>()
            .answers::<MessagesPage<RoomMessage<'_>>>(200, "A page of messages.")
            .refuses(&[Code::NotFound]);
        /// Adds a member, or changes a member's role.
        PUT_MEMBER = Route::put("put_site_member", "/v1/server/rooms/{room}/members/{user}", "Add a member to a room, or change the role of a member")
            .access(ROOMS)
            .takes::<PutSiteMember>()
            .answers::<Member<'_>>(200, "The member.")
            .refuses(&[Code::NotFound, Code::FailedPrecondition]);
        /// Removes a member.
        REMOVE_MEMBER = Route::delete("remove_site_member", "/v1/server/rooms/{room}/members/{user}", "Remove a member from a room")
            .access(ROOMS)
            .answers_empty(204, "The user is no longer a member.")
            .refuses(&[Code::NotFound, Code::FailedPrecondition]);
        /// Bans a user.
        BAN = Route::post("ban_as_site", "/v1/server/rooms/{room}/members/{user}/ban", "Ban a user from a room, who is removed from it")
            .access(ROOMS)
            .takes::<Restriction>()
            .answers_empty(204, "The user is banned.")
            .refuses(&[Code::NotFound, Code::FailedPrecondition]);
        /// Ends a ban.
        UNBAN = Route::delete("unban_as_site", "/v1/server/rooms/{room}/members/{user}/ban", "End the ban of a user from a room")
            .access(ROOMS)
            .answers_empty(204, "The user is not banned.")
            .refuses(&[Code::NotFound, Code::FailedPrecondition]);
        /// Mutes a member.
        MUTE = Route::post("mute_as_site", "/v1/server/rooms/{room}/members/{user}/mute", "Mute a member of a room")
            .access(ROOMS)
            .takes::<Restriction>()
            .answers_empty(204, "The member is muted.")
            .refuses(&[Code::NotFound, Code::FailedPrecondition]);
        /// Ends a mute.
        UNMUTE = Route::delete("unmute_as_site", "/v1/server/rooms/{room}/members/{user}/mute", "End the mute of a member of a room")
            .access(ROOMS)
            .answers_empty(204, "The member is not muted.")
            .refuses(&[Code::NotFound, Code::FailedPrecondition]);
        /// Sends a message on behalf of a user.
        SEND = Route::post("send_message_as", "/v1/server/rooms/{room}/messages", "Send a message on behalf of a user")
            .access(MESSAGES)
            .takes::<SendAs>()
            .idempotency_key()
            .answers::<SentMessage>(201, "This request, or an earlier one with the same key, has committed the message.")
            .refuses(&[Code::NotFound]);
        /// Changes the text of a message on behalf of its sender.
        EDIT = Route::patch("edit_message_as", "/v1/server/rooms/{room}/messages/{id}", "Change the text of a message on behalf of its sender, at any time")
            .access(MESSAGES)
            .takes::<EditMessage>()
            .answers::<RoomMessage<'_>>(200, "The message as it is now.")
            .refuses(&[Code::NotFound]);
        /// Deletes a message on behalf of its sender.
        DELETE = Route::delete("delete_message_as", "/v1/server/rooms/{room}/messages/{id}", "Delete a message on behalf of its sender")
            .access(MESSAGES)
            .answers_empty(204, "The message is deleted.")
            .refuses(&[Code::NotFound]);
        /// Lists reports.
        REPORTS = Route::get("list_site_reports", "/v1/server/reports", "List the reports of all rooms, the oldest first")
            .access(MESSAGES)
            .query::<ReportsQuery>()
            .answers::<Page<Report<'_>>>(200, "A page of reports.")
            .refuses(&[Code::NotFound]);
        /// Settles a report.
        SETTLE_REPORT = Route::patch("settle_site_report", "/v1/server/reports/{report}", "Settle a report, or open it again")
            .access(MESSAGES)
            .takes::<ReportChange>()
            .answers::<Report<'_>>(200, "The report after the change.")
            .refuses(&[Code::NotFound]);
        /// Reads the word list of the site.
        WORDS = Route::get("get_site_words", "/v1/server/words", "Get the words that are not accepted in any room")
            .access(MESSAGES)
            .answers::<WordList>(200, "The list.");
        /// Sets the word list of the site.
        PUT_WORDS = Route::put("put_site_words", "/v1/server/words", "Set the words that are not accepted in any room; messages that the site's backend sends are not judged")
            .access(MESSAGES)
            .takes::<WordList>()
            .answers::<WordList>(200, "The list after the change. It holds everywhere within seconds.");
    }
}
