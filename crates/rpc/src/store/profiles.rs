//! Users' profiles, as they are now.

use std::sync::Arc;

use madang_domain::{Profile, RoomId};
use madang_proto::store::v1 as wire;

use crate::wire::message;

/// The rooms that are told of one change of a profile. Who is in more sees the change in the others with the next page.
pub const PROFILE_ROOMS_MAX: u32 = 1_000;

/// A user's present profile, to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RememberProfile {
    /// The profile.
    pub user: Arc<Profile>,
}

/// A user's profile as it is kept now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RememberedProfile {
    /// The present profile: the one of the request, unless a later one is known.
    pub user: Arc<Profile>,
    /// The rooms that the user is a member of, those that were active last.
    pub rooms: Vec<RoomId>,
}

message!(RememberProfile => wire::RememberProfileRequest { user });
message!(RememberedProfile => wire::RememberProfileResponse { user, rooms });
