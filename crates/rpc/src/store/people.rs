//! What users say of themselves, and when they were last seen.

use std::sync::Arc;

use madang_domain::{Profile, RoomId, StatusText, Timestamp, UserId};
use madang_proto::store::v1 as wire;

use crate::wire::{message, nothing};

/// The users of one `get_people`, `get_hides` or `note_seen`. Of further ones nothing is answered or noted.
pub const PEOPLE_MAX: usize = 1_000;

/// The members of a room who are not told of a status that is told there. An entry of the bus names them, and the hubs look
/// each subscriber up among them.
pub const STATUS_BUT_FOR_MAX: usize = 500;

/// What a user says of what the user does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The text.
    pub text: StatusText,
    /// When it ends by itself.
    pub until: Option<Timestamp>,
}

/// Asks for a user's status to be set, or to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutStatus {
    /// The user.
    pub user: Arc<Profile>,
    /// The status; none ends it.
    pub status: Option<Status>,
}

/// Who is to be told of a status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldStatus {
    /// Later than that of each change before.
    pub version: Timestamp,
    /// The user's rooms, at most [`PROFILE_ROOMS_MAX`](super::PROFILE_ROOMS_MAX): those that were active last. A room in
    /// which more than [`STATUS_BUT_FOR_MAX`] are not to be told is not among them.
    pub rooms: Vec<StatusRoom>,
}

/// A room in which a status is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusRoom {
    /// The room.
    pub room: RoomId,
    /// Members who are not told, sorted: of these and the user, one blocks the other.
    pub but_for: Vec<UserId>,
}

/// Asks what a user sees of others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetPeople {
    /// The user who asks.
    pub viewer: UserId,
    /// The others, at most [`PEOPLE_MAX`].
    pub users: Vec<UserId>,
}

/// What a user sees of another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The other one.
    pub user: UserId,
    /// The status.
    pub status: Option<Status>,
    /// When the other one's last socket closed.
    pub last_seen: Option<Timestamp>,
}

/// When a user's last socket at a gateway closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// The user.
    pub user: UserId,
    /// When.
    pub at: Timestamp,
}

/// Asks for it to be noted when users were last seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteSeen {
    /// The users, at most [`PEOPLE_MAX`].
    pub seen: Vec<Seen>,
}

/// Asks what users do not show to others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetHides {
    /// The users, at most [`PEOPLE_MAX`].
    pub users: Vec<UserId>,
}

/// What a user does not show to others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserHides {
    /// The user.
    pub user: UserId,
    /// That the user is present.
    pub presence: bool,
    /// That the user types.
    pub typing: bool,
    /// When it was last changed; each change is later than the one before.
    pub version: Timestamp,
}

/// What users do not show to others, and to whom in particular.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadHides {
    /// To anybody.
    pub hides: Vec<UserHides>,
    /// Whom they have blocked. Who is not here is to be asked for once more.
    pub blocks: Vec<UserBlocks>,
}

/// Whom a user has blocked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserBlocks {
    /// The user.
    pub user: UserId,
    /// The blocked.
    pub blocked: Vec<UserId>,
    /// When that was last changed; each change is later than the one before. Of 1970, it is not known, nor who is blocked.
    pub version: Timestamp,
}

message!(Status => wire::Status { text, until as until_micros });
message!(PutStatus => wire::PutStatusRequest { user, status });
message!(StatusRoom => wire::StatusRoom { room, but_for });
message!(ToldStatus => wire::PutStatusResponse { version as version_micros, rooms });
message!(GetPeople => wire::GetPeopleRequest { viewer, users });
message!(Person => wire::Person { user, status, last_seen as last_seen_micros });
message!(Vec<Person> => wire::GetPeopleResponse[people]);
message!(Seen => wire::Seen { user, at as at_micros });
message!(NoteSeen => wire::NoteSeenRequest { seen });
nothing!(wire::NoteSeenResponse);
message!(GetHides => wire::GetHidesRequest { users });
message!(UserHides => wire::UserHides { user, presence, typing, version as version_micros });
message!(ReadHides => wire::GetHidesResponse { hides as users, blocks });
message!(UserBlocks => wire::UserBlocks { user, blocked, version as version_micros });
