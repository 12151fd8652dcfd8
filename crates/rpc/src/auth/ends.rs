//! Changed passwords, and the end of accounts.

use madang_domain::UserId;
use madang_proto::auth::v1 as wire;

use super::{
    credentials::{ClientInfo, Password},
    sessions::Presented,
};
use crate::wire::{message, nothing};

/// Asks for a user's password to be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangePassword {
    /// The user.
    pub user: UserId,
    /// The present password.
    pub current: Password,
    /// The password from then on.
    pub new: Password,
    /// Where the request came from.
    pub client: ClientInfo,
    /// What the user showed for it: its session goes on. None: all sessions end.
    pub presented: Option<Presented>,
}

/// Asks for the end of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EraseUser {
    /// The user.
    pub user: UserId,
}

/// Asks for erasures that the message store has not carried out yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TakeErasures {
    /// One that the caller has taken, and goes on with. None: some that nobody goes on with.
    pub again: Option<UserId>,
}

/// Says that the message store has carried an erasure out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FinishErasure {
    /// The user.
    pub user: UserId,
}

message!(ChangePassword => wire::ChangePasswordRequest {
    user, current as current_password, new as new_password, client, presented
});
message!(EraseUser => wire::EraseUserRequest { user });
message!(TakeErasures => wire::TakeErasuresRequest { again });
message!(Vec<UserId> => wire::TakeErasuresResponse[users]);
message!(FinishErasure => wire::FinishErasureRequest { user });
nothing!(wire::ChangePasswordResponse, wire::EraseUserResponse, wire::FinishErasureResponse);
