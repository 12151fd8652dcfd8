//! How long each call may take, and which may be repeated.
//!
//! A call is repeated only when the service was not reached or its answer did not arrive (never when it
//! answered, whatever it said), and only where doing it twice is the same as doing it once. "The same"
//! is meant strictly: the state, and what the caller learns.
//!
//! | method | deadline | repeated | why |
//! | --- | --- | --- | --- |
//! | `register` | 10 s | no | the repetition would find the name taken, by itself |
//! | `login` | 10 s | no | each makes a session and counts against the throttle |
//! | `refresh` | 5 s | no | a token used twice ends its session |
//! | `logout` | 5 s | yes | the end of a session that has ended is no error |
//! | `issue_ticket` | 5 s | no | each makes a credential; the user's next try is as good |
//! | `redeem_ticket` | 5 s | no | a ticket is good for one use |
//! | `sessions` | 5 s | yes | reads |
//! | `revoke_session` | 5 s | yes | the session stays ended; at worst the answer is `not_found`, which it now is |
//! | `revocations` | 2 s | yes | reads; asked several times a second, so the next one is near |
//! | `keys` | 5 s | yes | reads |
//! | `users` | 5 s | yes | reads |
//! | `update_profile` | 5 s | no | would overwrite a change made in between |
//! | `external_user` | 5 s | yes | says what the profile is to be |
//! | `find_users` | 5 s | yes | reads |
//! | `disconnect` | 5 s | no | would end what let the user in meanwhile |
//! | `issue_user_ticket` | 5 s | no | each makes a credential |
//! | `verify_api_key` | 5 s | yes | reads |
//! | `create_room` | 5 s | with a key, an external id, or direct | otherwise each makes a room |
//! | `room`, `rooms`, `members` | 5 s | yes | reads |
//! | `update_room` | 5 s | no | would overwrite a change made in between, and tell of it twice |
//! | `delete_room` | 5 s | no | the repetition would find no room, and the event is heard from the first alone |
//! | `join` | 5 s | no | would undo a removal made in between |
//! | `leave` | 5 s | no | the repetition would be refused to one who is no member any more |
//! | `put_member` | 5 s | no | would undo a removal or a role given in between |
//! | `remove_member` | 5 s | no | would undo an addition made in between |
//! | `append` | 5 s | yes | idempotent by room, actor and key |
//! | `open`, `resolve`, `read`, `heads`, `history` | 5 s | yes | reads |
//! | `open_inbox`, `inbox` | 5 s | yes | reads |
//! | `mark_read`, `mark_inbox_read` | 5 s | yes | the mark only moves forward |
//! | `notify` | 5 s | with a key | otherwise each is a notice of its own |
//!
//! `register` and `login` have longer, since hashing a password may queue behind others.

use std::time::Duration;

/// A call to a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Method {
    /// The name of the RPC.
    pub name: &'static str,
    /// The whole time that it may take, repetitions included.
    pub timeout: Duration,
    /// Whether doing it twice is the same as doing it once.
    pub repeatable: bool,
}

const REVOCATIONS_TIMEOUT: Duration = Duration::from_secs(2);
const USUAL_TIMEOUT: Duration = Duration::from_secs(5);
const HASHING_TIMEOUT: Duration = Duration::from_secs(10);

impl Method {
    const fn once(name: &'static str) -> Self {
        Self { name, timeout: USUAL_TIMEOUT, repeatable: false }
    }

    const fn repeatable(name: &'static str) -> Self {
        Self { name, timeout: USUAL_TIMEOUT, repeatable: true }
    }

    const fn within(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }
}

macro_rules! methods {
    ($($name:ident = $method:expr;)*) => {
        $(pub(crate) const $name: Method = $method;)*
        /// Every method of the service.
        pub const ALL: &[Method] = &[$($name),*];
    };
}

/// The methods of the auth service.
pub mod auth {
    use super::{HASHING_TIMEOUT, Method, REVOCATIONS_TIMEOUT};

    methods! {
        REGISTER = Method::once("Register").within(HASHING_TIMEOUT);
        LOGIN = Method::once("Login").within(HASHING_TIMEOUT);
        REFRESH = Method::once("Refresh");
        LOGOUT = Method::repeatable("Logout");
        ISSUE_TICKET = Method::once("IssueTicket");
        REDEEM_TICKET = Method::once("RedeemTicket");
        SESSIONS = Method::repeatable("ListSessions");
        REVOKE_SESSION = Method::repeatable("RevokeSession");
        REVOCATIONS = Method::repeatable("ListRevocations").within(REVOCATIONS_TIMEOUT);
        KEYS = Method::repeatable("GetKeys");
        USERS = Method::repeatable("GetUsers");
        UPDATE_PROFILE = Method::once("UpdateProfile");
        RECOGNIZE_USER = Method::repeatable("RecognizeUser");
        FIND_USERS = Method::repeatable("FindUsers");
        DISCONNECT = Method::once("Disconnect");
        ISSUE_USER_TICKET = Method::once("IssueUserTicket");
        VERIFY_API_KEY = Method::repeatable("VerifyApiKey");
    }
}

/// The methods of the message store.
pub mod store {
    use super::Method;

    methods! {
        CREATE_ROOM = Method::once("CreateRoom");
        CREATE_ROOM_ONCE = Method::repeatable("CreateRoom");
        ROOM = Method::repeatable("GetRoom");
        ROOMS = Method::repeatable("ListRooms");
        UPDATE_ROOM = Method::once("UpdateRoom");
        DELETE_ROOM = Method::once("DeleteRoom");
        JOIN = Method::once("Join");
        LEAVE = Method::once("Leave");
        MEMBERS = Method::repeatable("ListMembers");
        PUT_MEMBER = Method::once("PutMember");
        REMOVE_MEMBER = Method::once("RemoveMember");
        APPEND = Method::repeatable("Append");
        OPEN = Method::repeatable("Open");
        RESOLVE = Method::repeatable("Resolve");
        READ = Method::repeatable("Read");
        HEADS = Method::repeatable("Heads");
        HISTORY = Method::repeatable("History");
        MARK_READ = Method::repeatable("MarkRead");
        NOTIFY = Method::once("Notify");
        NOTIFY_ONCE = Method::repeatable("Notify");
        OPEN_INBOX = Method::repeatable("OpenInbox");
        INBOX = Method::repeatable("Inbox");
        MARK_INBOX_READ = Method::repeatable("MarkInboxRead");
    }
}
