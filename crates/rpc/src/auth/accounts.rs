//! Accounts and their profiles.

use madang_domain::{AvatarUrl, DisplayName, Profile, UserId, UserRef, Username};
use madang_proto::auth::v1 as wire;

use super::{
    credentials::{ClientInfo, Password},
    sessions::Presented,
};
use crate::wire::{Result, Wire, field, message, required};

/// Asks for an account to be made and signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Register {
    /// The name to sign in with.
    pub username: Username,
    /// The password.
    pub password: Password,
    /// The name to show; none: the username.
    pub name: Option<DisplayName>,
    /// Where the request came from.
    pub client: ClientInfo,
}

/// Asks for a session by a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// The name to sign in with.
    pub username: Username,
    /// The password.
    pub password: Password,
    /// Where the request came from.
    pub client: ClientInfo,
}

/// Asks for profiles by id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetUsers {
    /// The users, at most 200.
    pub ids: Vec<UserId>,
}

/// Asks for profiles by id or by what the embedding site calls the users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindUsers {
    /// The users, at most 200.
    pub users: Vec<UserRef>,
}

/// Asks for a profile to be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateProfile {
    /// The user.
    pub user: UserId,
    /// The new name to show. None leaves it as it is.
    pub name: Option<DisplayName>,
    /// The new picture; `Some(None)` removes it. None leaves it as it is.
    pub avatar_url: Option<Option<AvatarUrl>>,
    /// What the user showed for it, if it is a token of a session here.
    pub presented: Option<Presented>,
}

message!(Register => wire::RegisterRequest { username, password, name, client });
message!(Login => wire::LoginRequest { username, password, client });
message!(GetUsers => wire::GetUsersRequest { ids });
message!(FindUsers => wire::FindUsersRequest { users });
message!(Vec<Profile> => wire::GetUsersResponse | wire::FindUsersResponse[users]);
message!(UpdateProfile => wire::UpdateProfileRequest { user, name, avatar_url, presented });
message!(Profile => wire::UpdateProfileResponse[user]);

impl Wire<wire::UserRef> for UserRef {
    fn encode(&self) -> wire::UserRef {
        let name = match self {
            Self::Id(id) => wire::user_ref::Name::Id(id.encode()),
            Self::External(id) => wire::user_ref::Name::ExternalId(id.encode()),
        };
        wire::UserRef { name: Some(name) }
    }

    fn decode(user: wire::UserRef) -> Result<Self> {
        match required("name", user.name)? {
            wire::user_ref::Name::Id(id) => field("id", id).map(Self::Id),
            wire::user_ref::Name::ExternalId(id) => field("external_id", id).map(Self::External),
        }
    }
}
