//! The message store: rooms, members, and the ordered log of each topic. It decides who may do what.

mod batches;
mod blocks;
mod change;
mod client;
mod ends;
mod files;
mod inbox;
mod invitations;
mod members;
mod message_changes;
mod messages;
mod moderation;
mod page;
mod people;
mod profiles;
mod reads;
mod reports;
mod rooms;
mod search;
mod settings;
mod sync;
mod threads;

use madang_domain::{Attachment, FileId, RoomId, Seq, TopicId, event::Event};
use madang_proto::store::v1::{
    self as wire,
    message_store_service_server::{MessageStoreService, MessageStoreServiceServer},
};

pub use self::{
    batches::{BATCH_MAX_ITEMS, REPLAY_MAX_BYTES},
    blocks::{Block, BlockedUser, ChangedBlocks, ListBlocked, Unblock},
    change::{Authority, Changed},
    client::{MessageStoreClient, MessageStoreSettings},
    ends::{BeginExport, EraseUser, Erased, Export, ExportPage, ReadExport},
    files::{AbandonUpload, BeginUpload, FinishUpload, ForgetFiles, GetFile, ListRemovedFiles},
    inbox::{Dismiss, Inbox, InboxMark, InboxPage, MarkInboxRead, Notify, OpenInbox, OpenedInbox},
    invitations::{
        AcceptInvitation, Invitation, ListInvitations, MadeInvitation, MakeInvitation, RevokeInvitation,
    },
    members::{Join, Leave, ListMembers, Member, PutMember, RemoveMember},
    message_changes::{DeleteMessage, EditMessage, ListRevisions, React, Revision},
    messages::{
        Append, Appended, Heads, History, HistoryFrom, HistoryQuery, ListPins, LogPage, MarkRead, Mentioned,
        Open, Opened, Read, ReadMark, SetPin,
    },
    moderation::{BannedUser, ListBans, Restrict},
    page::{Page, PageQuery},
    people::{
        GetHides, GetPeople, NoteSeen, PEOPLE_MAX, Person, PutStatus, ReadHides, STATUS_BUT_FOR_MAX, Seen,
        Status, StatusRoom, ToldStatus, UserBlocks, UserHides,
    },
    profiles::{PROFILE_ROOMS_MAX, RememberProfile, RememberedProfile},
    reads::{DeliveredMark, GetReads, Mark, MarkDelivered, RoomReads},
    reports::{
        AuditEntry, GetWords, ListAudit, ListReports, PutWords, Report, ReportMessage, SettleReport, WordList,
    },
    rooms::{
        CreateRoom, DeleteRoom, GetRoom, ListRooms, Membership, NewRoom, Resolve, Resolved, Room, RoomKind,
        RoomView, UpdateRoom,
    },
    search::{FoundMessage, Search, SearchPage, TextRange},
    settings::{GetUserSettings, PutRoomSettings, PutUserSettings, RoomSettings, SetForRoom, UserSettings},
    sync::{GetSync, InboxStanding, Synced, SyncedRoom},
    threads::{
        AppendInThread, FollowThread, FollowedThread, ListThreadMessages, ListThreads, MarkThreadRead,
        TellFollowers, TellMembers, ThreadPage, ThreadPlace, ToldMembers,
    },
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
    callers: [Gateway];
    double: MessageStoreDouble;

    /// Makes a room; the actor owns it. A direct room between two users is made once: another try
    /// answers with it. While one of the two blocks the other it is neither made nor opened: `failed_precondition` for
    /// who has blocked, `permission_denied` for who is blocked. `already_exists`: the slug is taken.
    /// `invalid_argument`: a direct room needs exactly one other member. With an external id, the room that has it
    /// already is the answer, as the actor sees it: who may name external ids, the caller judges. `permission_denied`:
    /// the repeat of a creation whose room the actor has left since, but not by the site's authority.
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

    /// Changes a room's name, slug or flags. Owners only, but moderators set slow mode. A direct room has no flags.
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

    /// Leaves a room, or declines the invitation to it. When the last owner leaves others, the oldest moderator becomes an owner, else the
    /// oldest member. `failed_precondition`: a direct room is not left.
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
    /// room with other members is `failed_precondition`.
    fn remove_member(RemoveMember as RemoveMemberRequest) -> Changed<()> as RemoveMemberResponse {
        repeat: never, "it would undo an addition made in between";
    }

    /// Bans or mutes a user, or ends that: moderators, a user of a lesser role. A ban ends the membership and the
    /// invitation, and nobody becomes a member while it lasts: `permission_denied` for who joins, `failed_precondition`
    /// for who adds the user. A mute refuses what the member sends, edits and reacts with. The user is told in the inbox.
    /// What is so already is no error, and no event. `not_found`: who is to be muted is no member. `failed_precondition`:
    /// oneself; a direct room; the room has [`ROOM_RESTRICTIONS_MAX`](madang_domain::limits::ROOM_RESTRICTIONS_MAX) already.
    fn restrict(Restrict as RestrictRequest) -> Changed<()> as RestrictResponse {
        repeat: never, "it would undo a change made in between";
    }

    /// The users who are banned from a room, the latest ban first, for moderators.
    fn list_bans(ListBans as ListBansRequest) -> Page<BannedUser> as ListBansResponse {
        repeat: always, "it reads";
    }

    /// Makes an invitation link: moderators. `failed_precondition`: a direct room; the room has
    /// [`ROOM_INVITATIONS_MAX`](madang_domain::limits::ROOM_INVITATIONS_MAX) that can be used.
    fn make_invitation(MakeInvitation as MakeInvitationRequest) -> MadeInvitation as MakeInvitationResponse {
        repeat: never, "each makes a link";
    }

    /// A room's invitation links that can be used, the newest first, for moderators.
    fn list_invitations(ListInvitations as ListInvitationsRequest) -> Vec<Invitation> as ListInvitationsResponse {
        repeat: always, "it reads";
    }

    /// Revokes an invitation link: moderators. `not_found`: the room has no such link.
    fn revoke_invitation(RevokeInvitation as RevokeInvitationRequest) -> () as RevokeInvitationResponse {
        repeat: never, "the repetition would find no link";
    }

    /// Joins a room by an invitation link. A member already is no error, no event and no use. `not_found`: there is no such
    /// link, or it has expired, was used up, or was revoked.
    fn accept_invitation(AcceptInvitation as AcceptInvitationRequest) -> Changed<RoomView> as AcceptInvitationResponse {
        repeat: never, "it would undo a removal made in between";
    }

    /// Appends a message, durably: when this answers, it is committed. Idempotent by room, actor and
    /// key: repeat it freely. In a direct room whose users block one another it is refused as by `create_room`.
    fn append(Append as AppendRequest) -> Appended as AppendResponse {
        repeat: always, "it is idempotent by room, actor and key";
        batched: by_hand;
    }

    /// Opens a subscription.
    fn open(Open as OpenRequest) -> Opened as OpenResponse {
        repeat: always, "it reads";
        batched: by_hand;
    }

    /// What a client needs to start, in pages: the user's rooms, where the inbox stands, what the user has set, and whom the
    /// user has blocked.
    fn get_sync(GetSync as GetSyncRequest) -> Synced as GetSyncResponse {
        repeat: always, "it reads";
    }

    /// The rooms that references name (whether or not the user is a member: `open` judges that), and
    /// those that the user is a member of.
    fn resolve(Resolve as ResolveRequest) -> Resolved as ResolveResponse {
        repeat: always, "it reads";
        check: Resolve::check;
    }

    /// A topic's events after a place, in order, contiguous, at most `limit` and a page's bytes. For gateways, which have
    /// judged their subscribers by `open` and by the log's own events.
    fn read(Read as ReadRequest) -> Vec<Event> as ReadResponse {
        repeat: always, "it reads";
        within: 2 s;
    }

    /// The last places of topics, at most 1,000 a call. Rooms that do not exist are left out; every user has an
    /// inbox, which begins empty.
    fn heads(Heads as HeadsRequest) -> Vec<(TopicId, Seq)> as HeadsResponse {
        repeat: always, "it reads; asked every few seconds, so the next one is near";
        within: 2 s;
    }

    /// A page of a room's history, for a member: of at most `limit` events, and of no more bytes than a page has.
    fn history(History as HistoryRequest) -> LogPage as HistoryResponse {
        repeat: always, "it reads";
    }

    /// How far the members of a room have read it, as far as the room shows it: for a member, or for a gateway, which has
    /// judged its subscribers.
    fn get_reads(GetReads as GetReadsRequest) -> RoomReads as GetReadsResponse {
        repeat: always, "it reads";
    }

    /// Notes up to where members' devices have received events, never back, never past the head: in rooms of at most
    /// [`READ_MARKS_MAX`](madang_domain::limits::READ_MARKS_MAX) members that show read marks. Answers the rooms in which
    /// that is news. What was read or sent is received.
    fn mark_delivered(MarkDelivered as MarkDeliveredRequest) -> Vec<RoomId> as MarkDeliveredResponse {
        repeat: always, "the marks only move forward";
    }

    /// Moves the user's read mark forward, never back, never past the head.
    fn mark_read(MarkRead as MarkReadRequest) -> ReadMark as MarkReadResponse {
        repeat: always, "the mark only moves forward";
    }

    /// Changes a message's text: the sender, within the time for it, or the site for the sender. Answers the message as it
    /// is now. The same text once more is no error, and no event. Whom the text newly names is told, as by a send.
    /// `not_found`: the room has no such message. `failed_precondition`: the time to edit it is over.
    fn edit_message(EditMessage as EditMessageRequest) -> Changed<Event> as EditMessageResponse {
        repeat: never, "it would undo a change made in between";
    }

    /// Deletes a message with all that was said in it; its place stays: the sender, moderators, and the site. A message
    /// that is deleted already is no error, and no event. `not_found`: the room has no such message.
    fn delete_message(DeleteMessage as DeleteMessageRequest) -> Changed<()> as DeleteMessageResponse {
        repeat: always, "what is deleted stays so; an event that was not published is found by its place";
    }

    /// The former texts of a message, the latest first, for moderators.
    fn list_revisions(ListRevisions as ListRevisionsRequest) -> Page<Revision> as ListRevisionsResponse {
        repeat: always, "it reads";
    }

    /// Reacts to a message with an emoji, or ends that. A reaction that is so already is no error, and no event.
    /// `not_found`: the room has no such message. `failed_precondition`: users react to it with
    /// [`MESSAGE_REACTIONS_MAX`](madang_domain::limits::MESSAGE_REACTIONS_MAX) other emoji already.
    fn react(React as ReactRequest) -> Changed<()> as ReactResponse {
        repeat: never, "it would undo a change made in between";
    }

    /// Pins a message in its room, or unpins it: moderators, and both users of a direct room. A message that is
    /// so already is no error, and no event. `not_found`: the room has no such message. `failed_precondition`: the
    /// room has [`ROOM_PINS_MAX`](madang_domain::limits::ROOM_PINS_MAX) pins already.
    fn set_pin(SetPin as SetPinRequest) -> Changed<()> as SetPinResponse {
        repeat: never, "it would undo a change made in between";
    }

    /// A room's pinned messages, the newest pin first, for a member.
    fn list_pins(ListPins as ListPinsRequest) -> Page<Event> as ListPinsResponse {
        repeat: always, "it reads";
    }

    /// The messages of the user's rooms, or of one of them, that say something, the newest first: at most `limit`, of no
    /// more bytes than a page has. There may be fewer, and more behind them. `invalid_argument`: the text has neither
    /// letters nor digits, or only single letters of a script like Korean and no room.
    fn search(Search as SearchRequest) -> SearchPage as SearchResponse {
        repeat: always, "it reads";
    }

    /// Announces a file that a user uploads to a room, where the user may send. Idempotent by the file's id.
    /// `failed_precondition`: the user's files would take more bytes than the user's share.
    fn begin_upload(BeginUpload as BeginUploadRequest) -> () as BeginUploadResponse {
        repeat: always, "what was announced by the same user is so already";
    }

    /// Notes that a file was uploaded, and answers what a message will say of it. `not_found`: the upload was given up.
    fn finish_upload(FinishUpload as FinishUploadRequest) -> Attachment as FinishUploadResponse {
        repeat: always, "what is noted stays so";
    }

    /// Gives an upload up, or a file that no message has: its bytes are to be removed. What is not there any more, or of a
    /// message, stays as it is.
    fn abandon_upload(AbandonUpload as AbandonUploadRequest) -> () as AbandonUploadResponse {
        repeat: always, "what is given up stays so";
    }

    /// What is known of a file, for members of its room who see its message, and for the member who uploaded it. For all
    /// others it is `not_found`.
    fn get_file(GetFile as GetFileRequest) -> Attachment as GetFileResponse {
        repeat: always, "it reads";
    }

    /// Files whose bytes are to be removed, at most `limit` and 1,000: of deleted messages and rooms, of uploads that were
    /// given up, and those that no message has had for a day. The first ones first.
    fn list_removed_files(ListRemovedFiles as ListRemovedFilesRequest) -> Vec<FileId> as ListRemovedFilesResponse {
        repeat: always, "it reads";
    }

    /// Notes that the bytes of files were removed. Of files that are not to be removed nothing is noted.
    fn forget_files(ForgetFiles as ForgetFilesRequest) -> () as ForgetFilesResponse {
        repeat: always, "what is forgotten stays so";
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

    /// Dismisses a notice with all that it says; its place stays. A notice that is dismissed already is no error, and no
    /// event. `not_found`: the inbox has no such notice.
    fn dismiss(Dismiss as DismissRequest) -> Changed<()> as DismissResponse {
        repeat: always, "what is dismissed stays so; an event that was not published is found by its place";
    }

    /// Changes what a member has set for a room. When this answers, no notice that it refuses commits any more.
    fn put_room_settings(PutRoomSettings as PutRoomSettingsRequest) -> SetForRoom as PutRoomSettingsResponse {
        repeat: never, "it would overwrite a change made in between";
    }

    /// What a user has set.
    fn get_user_settings(GetUserSettings as GetUserSettingsRequest) -> UserSettings as GetUserSettingsResponse {
        repeat: always, "it reads";
    }

    /// Changes what a user has set.
    fn put_user_settings(PutUserSettings as PutUserSettingsRequest) -> UserSettings as PutUserSettingsResponse {
        repeat: never, "it would overwrite a change made in between";
    }

    /// Blocks a user for the actor: the two have no direct room, the actor is neither added to rooms nor invited by the
    /// user, and has no notices of the user. The user's open invitations to the actor go. When this answers, nothing
    /// that it forbids commits any more. A user who is blocked already is no error. `invalid_argument`: oneself.
    /// `failed_precondition`: the actor has blocked
    /// [`BLOCKED_USERS_MAX`](madang_domain::limits::BLOCKED_USERS_MAX) users already.
    fn block(Block as BlockRequest) -> ChangedBlocks as BlockResponse {
        repeat: never, "it would undo an end of the block made in between";
    }

    /// Ends the block of a user. A user who is not blocked is no error.
    fn unblock(Unblock as UnblockRequest) -> ChangedBlocks as UnblockResponse {
        repeat: never, "it would undo a block made in between";
    }

    /// The users whom a user has blocked, the latest block first.
    fn list_blocked(ListBlocked as ListBlockedRequest) -> Page<BlockedUser> as ListBlockedResponse {
        repeat: always, "it reads";
    }

    /// Keeps a user's present profile, so that members' lists, history and replay show it, and answers the rooms of those
    /// who see it: at most [`PROFILE_ROOMS_MAX`], those that were active last. A later profile that is known stays.
    fn remember_profile(RememberProfile as RememberProfileRequest) -> RememberedProfile as RememberProfileResponse {
        repeat: always, "a profile replaces earlier ones only";
    }

    /// Sets a user's status, or ends it, and answers who is to be told: the members of the user's rooms, but for those who
    /// block the user or whom the user blocks.
    fn put_status(PutStatus as PutStatusRequest) -> ToldStatus as PutStatusResponse {
        repeat: never, "it would overwrite a change made in between";
    }

    /// What a user sees of others: the statuses that have not ended, and when the others were last seen, where they let
    /// it be seen. Of oneself, and of those who share a room with the user where neither blocks the other.
    fn get_people(GetPeople as GetPeopleRequest) -> Vec<Person> as GetPeopleResponse {
        repeat: always, "it reads";
    }

    /// Notes when users were last seen, of those who let it be seen. An earlier time changes nothing.
    fn note_seen(NoteSeen as NoteSeenRequest) -> () as NoteSeenResponse {
        repeat: always, "the time only moves forward";
    }

    /// What users hide, of those who have ever set anything, and whom they have blocked. A gateway asks for the users who are there when it may have missed
    /// that one did.
    fn get_hides(GetHides as GetHidesRequest) -> ReadHides as GetHidesResponse {
        repeat: always, "it reads";
    }

    /// Takes the next step of a user's erasure, and answers what it has committed. From the first step on the user's name is
    /// shown nowhere, and nobody makes the user a member of a room. The steps after it: the user leaves rooms, and the last
    /// owner hands over; reactions are taken back; messages are deleted, and the name goes from those of others; notices,
    /// blocks, settings and invitations go. To be repeated until nothing is left. A user of whom nothing is known is no error.
    fn erase_user(EraseUser as EraseUserRequest) -> Changed<Erased> as EraseUserResponse {
        repeat: always, "each step begins where the last one ended; an event that was not published is found by its place";
    }

    /// Lets a user download what is theirs for a while. `rate_limited`: the last export was not long ago.
    fn begin_export(BeginExport as BeginExportRequest) -> Export as BeginExportResponse {
        repeat: never, "the repetition would be refused as too early";
    }

    /// A page of what a user downloads: rooms, then own messages, then notices; read as it is now. `not_found`: there is no
    /// such export of the user, or it has expired.
    fn read_export(ReadExport as ReadExportRequest) -> ExportPage as ReadExportResponse {
        repeat: always, "it reads";
    }

    /// Reports a message to the moderators: a member, another's message. A user who has reported it already is answered as
    /// the first time. `not_found`: the room has no such message. `failed_precondition`: it is the user's own.
    fn report_message(ReportMessage as ReportMessageRequest) -> Report as ReportMessageResponse {
        repeat: always, "the first report stays";
    }

    /// Reports of the rooms that the user moderates, of one of them, or for the embedding site of all: the oldest first.
    fn list_reports(ListReports as ListReportsRequest) -> Page<Report> as ListReportsResponse {
        repeat: always, "it reads";
    }

    /// Settles a report, or opens it again: moderators of its room, and the site. What is so already is no error.
    /// `not_found`: there is no such report, or it is of a room in which the user is not.
    fn settle_report(SettleReport as SettleReportRequest) -> Report as SettleReportResponse {
        repeat: never, "it would undo a change made in between";
    }

    /// What moderators, owners and the embedding site did in a room, the latest first, for moderators.
    fn list_audit(ListAudit as ListAuditRequest) -> Page<AuditEntry> as ListAuditResponse {
        repeat: always, "it reads";
    }

    /// The words that are not accepted in a room, for its moderators; or anywhere, for the site.
    fn get_words(GetWords as GetWordsRequest) -> WordList as GetWordsResponse {
        repeat: always, "it reads";
    }

    /// Sets the words that are not accepted in a room: its moderators; or anywhere: the site. A message of a user that has one
    /// is refused with `invalid_argument`, or reported, however the word is written. `invalid_argument`: more than
    /// [`WORDS_MAX`](madang_domain::limits::WORDS_MAX) words.
    fn put_words(PutWords as PutWordsRequest) -> WordList as PutWordsResponse {
        repeat: always, "it says what the list is to be";
    }

    /// Appends a message to the thread that it names, durably; the sender and those whom it mentions follow the thread from
    /// then on. Idempotent as `append`, which it shares its keys and its refusals with; a repeat has no events.
    /// `not_found`: the room has no such root, or the sender does not see it. `invalid_argument`: the root stands in a
    /// thread itself.
    fn append_in_thread(AppendInThread as AppendInThreadRequest) -> Changed<Appended> as AppendInThreadResponse {
        repeat: always, "it is idempotent by room, actor and key";
    }

    /// Puts notices of a message in a thread into the inboxes of those who follow it, of some at a time: not of the sender,
    /// nor of whom the message mentions, nor of who has blocked the sender. The value says whether there are more.
    fn tell_followers(TellFollowers as TellFollowersRequest) -> Changed<bool> as TellFollowersResponse {
        repeat: always, "who was told is not told again; notices that were not published are found by their places";
    }

    /// Tells members of a room of a message that mentions everybody, of some at a time: not the sender, nor whom the message
    /// names, nor who has blocked the sender or wants to be notified of nothing in the room.
    fn tell_members(TellMembers as TellMembersRequest) -> ToldMembers as TellMembersResponse {
        repeat: always, "who was told is not told again; notices that were not published are found by their places";
    }

    /// A page of a thread's messages, for a member. A message without a thread has an empty one. `not_found` and
    /// `invalid_argument` as by `append_in_thread`.
    fn list_thread_messages(ListThreadMessages as ListThreadMessagesRequest) -> ThreadPage as ListThreadMessagesResponse {
        repeat: always, "it reads";
    }

    /// Moves the user's read mark in a thread forward, never back, never past its last message. Who does not follow the
    /// thread has none.
    fn mark_thread_read(MarkThreadRead as MarkThreadReadRequest) -> ThreadPlace as MarkThreadReadResponse {
        repeat: always, "the mark only moves forward";
    }

    /// Follows a thread, or follows it no more. What is so already is no error. `failed_precondition`: the thread has
    /// [`THREAD_FOLLOWERS_MAX`](madang_domain::limits::THREAD_FOLLOWERS_MAX) followers already.
    fn follow_thread(FollowThread as FollowThreadRequest) -> ThreadPlace as FollowThreadResponse {
        repeat: never, "it would undo a change made in between";
    }

    /// The threads that the user follows and sees, the one with the latest message first.
    fn list_threads(ListThreads as ListThreadsRequest) -> Page<FollowedThread> as ListThreadsResponse {
        repeat: always, "it reads";
    }
}
