//! The message store: rooms, members, and the ordered log of each topic. It decides who may do what.

mod batches;
mod change;
mod client;
mod inbox;
mod members;
mod messages;
mod page;
mod rooms;
mod settings;

use madang_domain::{Seq, TopicId, event::Event};
use madang_proto::store::v1::{
    self as wire,
    message_store_service_server::{MessageStoreService, MessageStoreServiceServer},
};

pub use self::{
    batches::{BATCH_MAX_ITEMS, REPLAY_MAX_BYTES},
    change::{Authority, Changed},
    client::{MessageStoreClient, MessageStoreSettings},
    inbox::{Inbox, InboxMark, InboxPage, MarkInboxRead, Notify, OpenInbox, OpenedInbox},
    members::{Join, Leave, ListMembers, Member, PutMember, RemoveMember},
    messages::{
        Append, Appended, Heads, History, HistoryFrom, HistoryQuery, MarkRead, Mentioned, Open, Opened, Read,
        ReadMark,
    },
    page::{Page, PageQuery},
    rooms::{
        CreateRoom, DeleteRoom, GetRoom, ListRooms, Membership, NewRoom, Resolve, Resolved, Room, RoomKind,
        RoomView, UpdateRoom,
    },
    settings::{GetUserSettings, PutUserSettings, UserSettings},
};
use crate::service::service;

service! {
    /// Rooms, members, logs.
    ///
    /// Where a room is named: `not_found` when there is none, `permission_denied` when the user is not a
    /// member or the role does not suffice. Every method may fail with `unavailable` (the database does not
    /// answer), `deadline_exceeded` or `internal` besides what it names.
    trait MessageStore;
    messages: wire;
    client: MessageStoreClient;
    /// The gRPC service of a message store.
    server: message_store_server, MessageStoreServiceServer, MessageStoreService;
    double: MessageStoreDouble;

    /// Makes a room; the actor owns it. A direct room between two users is made once: another try
    /// answers with it. `already_exists`: the slug is taken. `invalid_argument`: a direct room needs
    /// exactly one other member. With an external id, the room that has it already is the answer, as the actor sees
    /// it: who may name external ids, the caller judges. `permission_denied`: the repeat of a creation whose room the
    /// actor has left since, but not by the site's authority.
    fn create_room(CreateRoom as CreateRoomRequest) -> Changed<RoomView> as CreateRoomResponse {
        repeat: when(CreateRoom::is_idempotent), "with a key, an external id, or direct; otherwise each makes a room";
    }

    /// A room. Private and direct ones show to members only.
    fn get_room(GetRoom as GetRoomRequest) -> RoomView as GetRoomResponse {
        repeat: always, "it reads";
    }

    /// The user's rooms, latest activity first; or the public ones that the user may join.
    fn list_rooms(ListRooms as ListRoomsRequest) -> Page<RoomView> as ListRoomsResponse {
        repeat: always, "it reads";
    }

    /// Changes a room's name or slug. Owners only.
    fn update_room(UpdateRoom as UpdateRoomRequest) -> Changed<RoomView> as UpdateRoomResponse {
        repeat: never, "it would overwrite a change made in between, and tell of it twice";
    }

    /// Deletes a room with all that was said in it. Owners only. The event is not in any log: it is the
    /// last thing that listeners hear. A direct room is not deleted but hidden from the actor's list until its next
    /// message, and no event says so.
    fn delete_room(DeleteRoom as DeleteRoomRequest) -> Changed<()> as DeleteRoomResponse {
        repeat: never, "the repetition would find no room, and the event is heard from the first alone";
    }

    /// Joins a public room, or one to which the user is invited. A member already is no error, and no event.
    fn join(Join as JoinRequest) -> Changed<RoomView> as JoinResponse {
        repeat: never, "it would undo a removal made in between";
    }

    /// Leaves a room, or declines the invitation to it. `failed_precondition`: the last owner of a room with other members must name
    /// another first; a direct room is not left.
    fn leave(Leave as LeaveRequest) -> Changed<()> as LeaveResponse {
        repeat: never, "the repetition would be refused to one who is no member any more";
    }

    /// The members, owners first, then by the time of joining.
    fn list_members(ListMembers as ListMembersRequest) -> Page<Member> as ListMembersResponse {
        repeat: always, "it reads";
    }

    /// Adds a member (moderators), or changes a role (owners). A user whom another member adds receives an
    /// invitation in the inbox. Who does not let the actor add members is no member then but invited, and becomes one
    /// by `join`. By the site's authority nobody's role or consent is asked.
    fn put_member(PutMember as PutMemberRequest) -> Changed<Member> as PutMemberResponse {
        repeat: never, "it would undo a removal or a role given in between";
    }

    /// Removes a member of a lesser role, or takes an invitation back. By the site's authority any, the actor too; but the last owner of a
    /// room with other members is `failed_precondition`, as for `leave`.
    fn remove_member(RemoveMember as RemoveMemberRequest) -> Changed<()> as RemoveMemberResponse {
        repeat: never, "it would undo an addition made in between";
    }

    /// Appends a message, durably: when this answers, it is committed. Idempotent by room, actor and
    /// key: repeat it freely.
    fn append(Append as AppendRequest) -> Appended as AppendResponse {
        repeat: always, "it is idempotent by room, actor and key";
        batched: by_hand;
    }

    /// Opens a subscription.
    fn open(Open as OpenRequest) -> Opened as OpenResponse {
        repeat: always, "it reads";
        batched: by_hand;
    }

    /// The rooms that references name (whether or not the user is a member: `open` judges that), and
    /// those that the user is a member of.
    fn resolve(Resolve as ResolveRequest) -> Resolved as ResolveResponse {
        repeat: always, "it reads";
        check: Resolve::check;
    }

    /// A topic's events after a place, in order, contiguous, at most `limit`. For gateways, which have
    /// judged their subscribers by `open` and by the log's own events.
    fn read(Read as ReadRequest) -> Vec<Event> as ReadResponse {
        repeat: always, "it reads";
    }

    /// The last places of topics, at most 1,000 a call. Rooms that do not exist are left out; every user has an
    /// inbox, which begins empty.
    fn heads(Heads as HeadsRequest) -> Vec<(TopicId, Seq)> as HeadsResponse {
        repeat: always, "it reads";
    }

    /// A page of a room's history, for a member.
    fn history(History as HistoryRequest) -> Vec<Event> as HistoryResponse {
        repeat: always, "it reads";
    }

    /// Moves the user's read mark forward, never back, never past the head.
    fn mark_read(MarkRead as MarkReadRequest) -> ReadMark as MarkReadResponse {
        repeat: always, "the mark only moves forward";
    }

    /// Puts a notice of the embedding site into a user's inbox: a JSON object of at most 16 KiB and 32 levels,
    /// else `invalid_argument`. Idempotent by user and key: a repeat answers with the first, and has no events.
    fn notify(Notify as NotifyRequest) -> Changed<Event> as NotifyResponse {
        repeat: when(Notify::is_idempotent), "with a key; otherwise each is a notice of its own";
    }

    /// Opens a subscription to a user's own inbox.
    fn open_inbox(OpenInbox as OpenInboxRequest) -> OpenedInbox as OpenInboxResponse {
        repeat: always, "it reads";
        batched: by_hand;
    }

    /// A page of a user's inbox, of 1 to 200 notices.
    fn inbox(Inbox as InboxRequest) -> InboxPage as InboxResponse {
        repeat: always, "it reads";
    }

    /// Moves the read mark of a user's inbox forward, never back, never past the head.
    fn mark_inbox_read(MarkInboxRead as MarkInboxReadRequest) -> InboxMark as MarkInboxReadResponse {
        repeat: always, "the mark only moves forward";
    }

    /// What a user has set.
    fn get_user_settings(GetUserSettings as GetUserSettingsRequest) -> UserSettings as GetUserSettingsResponse {
        repeat: always, "it reads";
    }

    /// Changes what a user has set.
    fn put_user_settings(PutUserSettings as PutUserSettingsRequest) -> UserSettings as PutUserSettingsResponse {
        repeat: never, "it would overwrite a change made in between";
    }
}
